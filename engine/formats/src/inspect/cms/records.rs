//! Evidence records in unsigned attributes (RFC 4998 appendix A, TS 119 122-3): over the whole message as it was before
//! they came, and over a detached content beside it.

use super::content::Contents;
use super::signer::Stage;
use crate::cms::identifiers::{OID_EVIDENCE_RECORD_EXTERNAL, OID_EVIDENCE_RECORD_INTERNAL};
use crate::cms::message::{Attributed, Message, SignerInfo};
use crate::der::{Reader, TAG_INTEGER, TAG_SEQUENCE};
use crate::inspect::{ObjectId, Record, RecordDigest, RecordObject};
use crate::prepare::FormatError;
use crate::recipe::Assembled;
use crate::signature::HashAlgorithm;
use crate::signature::hash::Running;
use crate::source::{Source, SourceError, each_chunk};
use model::limits::{CMS_RECORDS_MAX, EVIDENCE_RECORD_BYTES_MAX};
use std::collections::BTreeSet;

const TYPES: [&[u8]; 2] = [OID_EVIDENCE_RECORD_INTERNAL, OID_EVIDENCE_RECORD_EXTERNAL];

/// The digest algorithms that the records of a signature say they use.
pub(super) fn hashes(signer: &SignerInfo) -> Vec<HashAlgorithm> {
    let values = TYPES.iter().flat_map(|oid| signer.unsigned(oid)).take(CMS_RECORDS_MAX);
    values.flat_map(algorithms).collect()
}

/// `EvidenceRecord ::= SEQUENCE { version, digestAlgorithms SEQUENCE OF AlgorithmIdentifier, … }`
fn algorithms(record: &[u8]) -> Vec<HashAlgorithm> {
    let list = Reader::new(record).enter(TAG_SEQUENCE).and_then(|mut fields| {
        fields.expect(TAG_INTEGER)?;
        fields.enter(TAG_SEQUENCE)
    });
    let Ok(mut list) = list else { return Vec::new() };
    let mut found: Vec<HashAlgorithm> = Vec::new();
    while let Ok(identifier) = list.expect(TAG_SEQUENCE) {
        match HashAlgorithm::of_identifier(identifier.raw) {
            Ok(hash) if !found.contains(&hash) => found.push(hash),
            _ => {}
        }
    }
    found
}

/// The records of the signature at this place among those of the message; `index` is its place in the inspection.
pub(super) fn find(
    stage: &Stage<'_>,
    signer: &SignerInfo,
    number: usize,
    index: usize,
    contents: &mut Contents<'_>,
    chosen: Option<usize>,
) -> Result<Vec<Record>, FormatError> {
    let mut records = Vec::new();
    let attributes: Vec<Attributed<'_>> = signer.unsigned_attributes().collect();
    for (at, attribute) in attributes.iter().enumerate().filter(|(_, attribute)| TYPES.contains(&attribute.oid)) {
        let external = attribute.oid == OID_EVIDENCE_RECORD_EXTERNAL;
        for value in &attribute.values {
            if records.len() >= CMS_RECORDS_MAX || <[u8]>::len(value) > EVIDENCE_RECORD_BYTES_MAX {
                let sentence = "the signature has more or longer evidence records than anybody needs";
                return Err(FormatError::document("too-many-evidence-records", sentence));
            }
            let hashes = algorithms(value);
            let mut objects = vec![RecordObject {
                name: "the message as it was before".into(),
                digests: message_digests(stage, number, &attributes, at, &hashes)?,
            }];
            if external {
                let mut digests = Vec::new();
                for hash in &hashes {
                    let value = chosen.map_or(Ok(None), |chosen| contents.digest(chosen, *hash))?;
                    digests.extend(value.map(|value| digest(*hash, value)));
                }
                objects.push(RecordObject { name: contents.name(chosen), digests });
            }
            records.push(Record {
                name: Some(if external { "external evidence record" } else { "internal evidence record" }.into()),
                xml: false,
                bytes: (*value).into(),
                objects,
                manifest: Vec::new(),
                covers: covers(stage, index),
                signatures: vec![index],
            });
        }
    }
    Ok(records)
}

fn digest(algorithm: HashAlgorithm, value: Vec<u8>) -> RecordDigest {
    RecordDigest { algorithm, canonicalization: None, value }
}

/// The digests of the message without this attribute and those behind it: as they stand, and with every set in DER order
/// where that is another encoding.
fn message_digests(
    stage: &Stage<'_>,
    number: usize,
    attributes: &[Attributed<'_>],
    at: usize,
    hashes: &[HashAlgorithm],
) -> Result<Vec<RecordDigest>, FormatError> {
    let mut found: Vec<RecordDigest> = Vec::new();
    let others: Vec<Attributed<'_>> =
        attributes.iter().filter(|attribute| !TYPES.contains(&attribute.oid)).cloned().collect();
    let before = attributes.get(..at).unwrap_or_default().to_vec();
    for kept in [before, others] {
        for sorted in [false, true] {
            let mut message: Message = stage.message.clone();
            let Some(signer) = message.signers_mut().get_mut(number) else { continue };
            let Ok(without) = signer.with_unsigned(&kept) else { continue };
            *signer = without;
            if sorted {
                message.sort();
            }
            let parts = message.parts()?;
            for value in digests_of(&Assembled::new(&parts, stage.document), hashes)? {
                if !found.contains(&value) {
                    found.push(value);
                }
            }
        }
    }
    Ok(found)
}

/// The digests of a document by several algorithms, in one pass.
fn digests_of(document: &dyn Source, hashes: &[HashAlgorithm]) -> Result<Vec<RecordDigest>, FormatError> {
    let started = hashes.iter().filter_map(|hash| Some((*hash, hash.start().ok()?)));
    let mut running: Vec<(HashAlgorithm, Running)> = started.collect();
    let library = |error: crate::signature::Unverified| SourceError(std::io::Error::other(error.to_string()));
    each_chunk::<FormatError>(document, &(0..document.len()), |chunk| {
        running.iter_mut().try_for_each(|(_, running)| running.update(chunk)).map_err(library)?;
        Ok(())
    })?;
    let finished = running.into_iter().map(|(hash, running)| Ok(digest(hash, running.finish().map_err(library)?)));
    finished.collect()
}

/// Everything in the message exists if a record over it is valid.
fn covers(stage: &Stage<'_>, index: usize) -> Vec<ObjectId> {
    let mut ids: BTreeSet<ObjectId> = stage.shared.ids().collect();
    for signature in stage.signatures.iter().skip(index) {
        ids.insert(ObjectId::of(&signature.signature_value));
        ids.extend(signature.evidence.certificates.iter().map(|item| ObjectId::of(item)));
        ids.extend(signature.evidence.crls.iter().map(|item| ObjectId::of(item)));
        ids.extend(signature.evidence.ocsp_responses.iter().map(|item| ObjectId::of(item)));
        for token in signature.stamps.iter().filter_map(|stamp| stamp.token.as_ref().ok()) {
            ids.insert(ObjectId::of(token.der()));
            let inside = super::evidence::of_token(token);
            let items = inside.certificates.iter().chain(&inside.crls).chain(&inside.ocsp_responses);
            ids.extend(items.map(|item| ObjectId::of(item)));
        }
    }
    ids.into_iter().collect()
}
