//! PDF documents: their signatures of any kind (PAdES and its predecessors, EN 319 142-1, ISO 32000-2 12.8), document time
//! stamps, and the evidence in the security store. What lies where and what changed later is the work of [`crate::pdf`];
//! here the messages are taken apart that lie in it.
//!
//! Where things are: `digests.rs` the digests of what is covered, in one pass · `bare.rs` signatures without a message ·
//! `proven.rs` what document time stamps are over · `date.rs` the time in a signature dictionary.

mod bare;
mod date;
mod digests;
mod proven;

use super::cms::signed_message;
use super::{
    Covered, CoveredRole, FileKind, Input, Inspection, Integrity, Signature, SignatureFormat, SignerReference, Stamp,
    StampKind,
};
use crate::cms::message::Message;
use crate::evidence::Evidence;
use crate::pdf::found::{Found, SubFilter};
use crate::pdf::judged::{Judged, take_apart};
use crate::pdf::kept::{Kept, Kind};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::tsp::Token;
use digests::Digests;
use model::Reason;
use std::sync::Arc;

/// Where a signature or time stamp lies in the file, for what covers it.
struct Located {
    /// Index into the signatures or the stamps.
    index: usize,
    /// Where its value begins and ends, and where what it covers ends; `None`: it breaks the rules.
    span: Option<(u64, u64, u64)>,
}

/// Takes a PDF apart.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let apart = take_apart(input.source, input.password)?;
    let mut inspection = Inspection::new(FileKind::Pdf);
    inspection.notes = apart.notes;
    inspection.notes.extend(apart.kept.notes.iter().cloned());
    inspection.evidence = evidence(&apart.kept);
    let certificates: Vec<Arc<[u8]>> =
        inspection.evidence.certificates.iter().chain(input.certificates).cloned().collect();
    let mut digests = Digests::read(input.source, &wanted(&apart.signatures, &certificates))?;
    let (mut signatures, mut stamps) = (Vec::new(), Vec::new());
    for judged in apart.signatures {
        let span = judged.found.span.as_ref().filter(|_| judged.found.faults.is_empty());
        let span = span.map(|span| (span.contents.start, span.contents.end, span.end));
        if judged.found.sub_filter == SubFilter::TimeStamp {
            stamps.push(Located { index: inspection.stamps.len(), span });
            inspection.stamps.push(stamp(judged, &certificates, &mut digests)?);
            continue;
        }
        let first = inspection.signatures.len();
        for mut signature in self::signatures(judged, &certificates, &mut digests, &mut inspection.records, first)? {
            signature.parent = signature.parent.map(|parent| parent + first);
            signatures.push(Located { index: inspection.signatures.len(), span });
            inspection.signatures.push(signature);
        }
    }
    proven::fill(&mut inspection, &signatures, &stamps, &apart.kept);
    Ok(inspection)
}

fn evidence(kept: &Kept) -> Evidence {
    let mut evidence = Evidence::default();
    for piece in &kept.pieces {
        let list = match piece.kind {
            Kind::Certificate => &mut evidence.certificates,
            Kind::Crl => &mut evidence.crls,
            Kind::OcspResponse => &mut evidence.ocsp_responses,
        };
        list.push(piece.bytes.clone());
    }
    for list in [&mut evidence.certificates, &mut evidence.crls, &mut evidence.ocsp_responses] {
        let mut seen = std::collections::HashSet::new();
        list.retain(|item| seen.insert(item.clone()));
    }
    evidence
}

/// The ranges of which digests will be asked for, with the algorithms.
fn wanted(all: &[Judged], certificates: &[Arc<[u8]>]) -> Vec<digests::Wanted> {
    let mut wanted = Vec::new();
    for Judged { found, .. } in all {
        let Some(span) = found.span.as_ref().filter(|_| found.is_in_place()) else { continue };
        let algorithms: Vec<HashAlgorithm> = match found.sub_filter {
            SubFilter::OverSha1 | SubFilter::Pkcs1 => vec![HashAlgorithm::Sha1],
            SubFilter::TimeStamp => {
                let token = Token::read_with(&found.octets, certificates);
                token.iter().map(|token| token.imprint().algorithm).collect()
            }
            SubFilter::Cades | SubFilter::Detached => {
                let message = Message::read(&found.octets);
                let signers = message.iter().flat_map(Message::signers);
                signers.filter_map(|signer| HashAlgorithm::of_identifier(signer.digest_algorithm()).ok()).collect()
            }
            SubFilter::Unknown => Vec::new(),
        };
        wanted.extend(algorithms.into_iter().map(|algorithm| digests::Wanted { algorithm, span: span.clone() }));
    }
    wanted
}

/// What a signature is over, for people.
fn what(judged: &Judged) -> String {
    let place = &judged.place;
    match place.revision == place.revisions {
        true => "the whole document".to_owned(),
        false => format!("revision {} of {} of the document", place.revision, place.revisions),
    }
}

fn stamp(judged: Judged, certificates: &[Arc<[u8]>], digests: &mut Digests<'_>) -> Result<Stamp, FormatError> {
    let Judged { mut found, place } = judged;
    let token = Token::read_with(&found.octets, certificates);
    let end = Message::read(&found.octets).map(|message| message.end());
    padding(&mut found, end.ok());
    let own = token.as_ref().map_or_else(|_| found.octets.as_slice().into(), |token| token.der().clone());
    let imprint = match (&token, &found.span) {
        _ if !found.is_in_place() => refused(&found),
        (Ok(token), Some(span)) => match digests.of(token.imprint().algorithm, span)? {
            Some(digest) if digest == token.imprint().value => Integrity::Intact,
            Some(_) => Integrity::Changed,
            None => Integrity::Refused(not_computed()),
        },
        (Err(error), _) => Integrity::Refused(Reason::new("time-stamp-unreadable", error.to_string())),
        (_, None) => refused(&found),
    };
    Ok(Stamp {
        kind: StampKind::Document,
        name: Some(found.field.clone()),
        bytes: own,
        token,
        imprint,
        covers: Vec::new(),
        signatures: Vec::new(),
        faults: found.faults,
        pdf: Some(place),
    })
}

fn refused(found: &Found) -> Integrity {
    let reason = found.faults.first().cloned();
    Integrity::Refused(reason.unwrap_or_else(not_computed))
}

fn not_computed() -> Reason {
    Reason::new("digest-not-computed", "the digest of what is covered cannot be computed")
}

/// Behind the value there should be zeros that fill up the room for it. Some fill it with random bytes; nobody signed
/// those, and nobody reads them.
fn padding(found: &mut Found, end: Option<u64>) {
    let end = end.and_then(|end| usize::try_from(end).ok());
    let rest = end.and_then(|end| found.octets.get(end..)).unwrap_or_default();
    if rest.iter().any(|byte| *byte != 0) {
        let sentence = "there are bytes behind the value of the signature that are not zero and that nobody signed";
        found.notes.push(Reason::new("pdf-padding", sentence));
    }
}

/// The signatures in one signature dictionary: one with its counter-signatures, if it keeps to the rules.
fn signatures(
    judged: Judged,
    certificates: &[Arc<[u8]>],
    digests: &mut Digests<'_>,
    records: &mut Vec<super::Record>,
    first: usize,
) -> Result<Vec<Signature>, FormatError> {
    let what = what(&judged);
    let Judged { mut found, place } = judged;
    if matches!(found.sub_filter, SubFilter::Pkcs1) {
        return Ok(vec![bare::signature(found, place, what, digests)?]);
    }
    let span = found.span.clone().filter(|_| found.is_in_place());
    let mut content = |hash: HashAlgorithm| match &span {
        Some(span) => digests.of(hash, span),
        None => Ok(None),
    };
    let message = match signed_message(&found.octets, certificates, &mut content) {
        Ok(message) => message,
        Err(FormatError::Document(reason)) => {
            found.faults.push(Reason::new("pdf-contents", format!("{}: {}", name(&found), reason.sentence)));
            return Ok(vec![unreadable(found, place, what)]);
        }
        Err(other) => return Err(other),
    };
    padding(&mut found, Some(message.end));
    let mut all = message.signatures;
    let own = all.iter().filter(|signature| signature.parent.is_none()).count();
    if own == 0 {
        found.faults.push(Reason::new("pdf-contents", format!("{}: nobody signed it", name(&found))));
        return Ok(vec![unreadable(found, place, what)]);
    }
    if own > 1 {
        let sentence = format!("{}: {own} signers are in one signature, where there may be one", name(&found));
        found.faults.push(Reason::new("pdf-signers", sentence));
    }
    let over_sha1 = found.sub_filter == SubFilter::OverSha1;
    if message.is_detached == over_sha1 {
        let sentence = match over_sha1 {
            true => format!("{}: it lacks the digest that it should hold", name(&found)),
            false => format!("{}: it brings a content of its own instead of being over the document", name(&found)),
        };
        found.faults.push(Reason::new("pdf-content-inside", sentence));
    }
    let sha1 = match (over_sha1, &span) {
        (true, Some(span)) => digests.of(HashAlgorithm::Sha1, span)?,
        _ => None,
    };
    for record in message.records {
        let shifted = record.signatures.iter().map(|index| index + first).collect();
        records.push(super::Record { signatures: shifted, ..record });
    }
    for signature in all.iter_mut().filter(|signature| signature.parent.is_none()) {
        dress(signature, &found, &place, &what, sha1.as_deref());
    }
    Ok(all)
}

/// What only the PDF knows about a signature.
fn dress(signature: &mut Signature, found: &Found, place: &super::PdfPlace, what: &str, sha1: Option<&[u8]>) {
    signature.name = Some(found.field.clone());
    signature.format = match (found.sub_filter, signature.reference) {
        (SubFilter::Cades, SignerReference::Matches { .. } | SignerReference::Differs) => SignatureFormat::Pades,
        _ => SignatureFormat::PdfCms,
    };
    for covered in signature.covered.iter_mut().filter(|covered| covered.role == CoveredRole::Content) {
        what.clone_into(&mut covered.what);
        if !found.is_in_place() || found.faults.iter().any(|fault| fault.code == "pdf-content-inside") {
            covered.integrity = refused(found);
        } else if found.sub_filter == SubFilter::OverSha1 {
            covered.integrity = over_sha1(covered, sha1);
        }
    }
    signature.attributes.signing_time =
        signature.attributes.signing_time.or_else(|| found.time.as_deref().and_then(date::parse));
    signature.attributes.reason = found.reason.clone().or(signature.attributes.reason.take());
    if signature.attributes.place.is_none() {
        signature.attributes.place.clone_from(&found.location);
    }
    signature.faults.extend(found.faults.iter().cloned());
    signature.notes.extend(found.notes.iter().cloned());
    signature.pdf = Some(place.clone());
}

/// Whether a message that brings a SHA-1 digest as its content brings the right one. `sha1`: that of what is covered.
fn over_sha1(covered: &Covered, sha1: Option<&[u8]>) -> Integrity {
    match (&covered.integrity, sha1, covered.algorithm) {
        (Integrity::Intact, Some(sha1), Some(algorithm)) => match algorithm.digest(sha1) {
            Ok(digest) if digest == covered.digest => Integrity::Intact,
            Ok(_) => Integrity::Changed,
            Err(_) => Integrity::Refused(not_computed()),
        },
        (Integrity::Intact, ..) => Integrity::Refused(not_computed()),
        (other, ..) => other.clone(),
    }
}

fn name(found: &Found) -> String {
    format!("the signature \u{201c}{}\u{201d} of the PDF", found.field)
}

/// A signature whose value nobody can read: it is there all the same.
fn unreadable(found: Found, place: super::PdfPlace, what: String) -> Signature {
    let reason = found.faults.first().cloned().unwrap_or_else(not_computed);
    let covered = Covered {
        what,
        role: CoveredRole::Content,
        algorithm: None,
        digest: Vec::new(),
        integrity: Integrity::Refused(reason.clone()),
    };
    let mut attributes = super::Attributes { reason: found.reason, place: found.location, ..Default::default() };
    attributes.signing_time = found.time.as_deref().and_then(date::parse);
    Signature {
        name: Some(found.field),
        format: SignatureFormat::PdfCms,
        parent: None,
        covered: vec![covered],
        value: Err(reason),
        signature_value: found.octets.into(),
        method: None,
        method_name: String::new(),
        key: None,
        signer: None,
        reference: SignerReference::Absent,
        evidence: Evidence::default(),
        attributes,
        stamps: Vec::new(),
        faults: found.faults,
        notes: found.notes,
        pdf: Some(place),
    }
}
