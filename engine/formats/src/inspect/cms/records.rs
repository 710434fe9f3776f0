//! Evidence records in unsigned attributes (RFC 4998 appendix A, TS 119 122-3): over the whole message as it was before
//! they came, and over a detached content beside it.

use super::content::Contents;
use super::signer::Stage;
use super::stamps::Budget;
use crate::cms::identifiers::{OID_EVIDENCE_RECORD_EXTERNAL, OID_EVIDENCE_RECORD_INTERNAL};
use crate::cms::message::{Attributed, Message, SignerInfo};
use crate::inspect::record::Wanted;
use crate::inspect::{ObjectId, Record, RecordDigest, RecordObject};
use crate::prepare::FormatError;
use crate::recipe::{Assembled, Part};
use crate::signature::HashAlgorithm;
use model::limits::{CMS_RECORDS_MAX, EVIDENCE_RECORD_BYTES_MAX};
use std::collections::BTreeSet;

const TYPES: [&[u8]; 2] = [OID_EVIDENCE_RECORD_INTERNAL, OID_EVIDENCE_RECORD_EXTERNAL];

/// The digest algorithms that the records of a signature use.
pub(super) fn hashes(signer: &SignerInfo) -> Vec<HashAlgorithm> {
    let values = TYPES.iter().flat_map(|oid| signer.unsigned(oid)).take(CMS_RECORDS_MAX);
    values.flat_map(|value| Wanted::by(value, false).algorithms()).collect()
}

/// The records of the signature at this place among those of the message; `index` is its place in the inspection.
pub(super) fn find(
    stage: &Stage<'_>,
    signer: &SignerInfo,
    number: usize,
    index: usize,
    contents: &mut Contents<'_>,
    chosen: Option<usize>,
    left: &mut Budget,
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
            let wanted = Wanted::by(value, false);
            let mut objects = vec![RecordObject {
                name: "the message as it was before".into(),
                digests: message_digests(stage, number, &attributes, at, &wanted, left)?,
            }];
            if external {
                let mut digests = Vec::new();
                for algorithm in wanted.algorithms() {
                    let value = chosen.map_or(Ok(None), |chosen| contents.digest(chosen, algorithm))?;
                    digests.extend(value.map(|value| RecordDigest { algorithm, canonicalization: None, value }));
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

/// The digests of the message as it was before this attribute: as it stands, and with every set in DER order where that
/// is another encoding.
fn message_digests(
    stage: &Stage<'_>,
    number: usize,
    attributes: &[Attributed<'_>],
    at: usize,
    wanted: &Wanted,
    left: &mut Budget,
) -> Result<Vec<RecordDigest>, FormatError> {
    let mut found: Vec<RecordDigest> = Vec::new();
    let but = |left_out: &dyn Fn(usize, &Attributed<'_>) -> bool| -> Vec<Attributed<'_>> {
        let all = attributes.iter().enumerate();
        all.filter(|(place, attribute)| !left_out(*place, attribute)).map(|(_, attribute)| attribute.clone()).collect()
    };
    // The order of a set in DER does not tell which came first: without any record, without this and those behind it,
    // without this one only.
    let without_any = but(&|_, attribute| TYPES.contains(&attribute.oid));
    let before = but(&|place, _| place >= at);
    let without_this = but(&|place, _| place == at);
    let mut recipes: Vec<Vec<Part>> = Vec::new();
    for kept in [without_any, before, without_this] {
        for sorted in [false, true] {
            let mut message: Message = stage.message.clone();
            let Some(signer) = message.signers_mut().get_mut(number) else { continue };
            let Ok(without) = signer.with_unsigned(&kept) else { continue };
            *signer = without;
            if sorted {
                message.sort();
            }
            let parts = message.parts()?;
            if recipes.contains(&parts) || left.passes == 0 {
                continue;
            }
            left.passes -= 1;
            for value in wanted.digests(&Assembled::new(&parts, stage.document))? {
                if !found.contains(&value) {
                    found.push(value);
                }
            }
            recipes.push(parts);
        }
    }
    Ok(found)
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
