//! The level that a signature has reached by what it carries (EN 319 122-1, 132-1, 142-1 clause 6). Says nothing about
//! validity, except that a time stamp over something else raises no level.

use crate::report::SignatureLevel;
use formats::inspect::{Inspection, Integrity, Signature, SignatureFormat, SignerReference, Stamp, StampKind};

/// The level of a signature of this file.
pub(crate) fn of(inspection: &Inspection, index: usize, signature: &Signature) -> SignatureLevel {
    let ades = matches!(signature.format, SignatureFormat::Cades | SignatureFormat::Xades | SignatureFormat::Pades);
    if !ades || !matches!(signature.reference, SignerReference::Matches { .. }) {
        return SignatureLevel::NotAdes;
    }
    let intact = |stamp: &&Stamp| stamp.token.is_ok() && stamp.imprint == Integrity::Intact && stamp.faults.is_empty();
    let over = |stamp: &&Stamp| stamp.signatures.contains(&index);
    let outer = || inspection.stamps.iter().filter(over).filter(intact);
    let inner = || signature.stamps.iter().filter(intact);
    if !inner().any(|stamp| stamp.kind == StampKind::Signature) && outer().next().is_none() {
        return SignatureLevel::B;
    }
    let proven =
        |evidence: &formats::evidence::Evidence| !evidence.crls.is_empty() || !evidence.ocsp_responses.is_empty();
    if !proven(&signature.evidence) && !proven(&inspection.evidence) {
        return SignatureLevel::T;
    }
    // The archive time stamp is one that covers evidence, not only the signature value.
    let archived = inner().any(|stamp| stamp.kind == StampKind::Archive)
        || outer().any(|stamp| stamp.covers.len() > 1 && covers_evidence(inspection, signature, stamp));
    if archived { SignatureLevel::Lta } else { SignatureLevel::Lt }
}

fn covers_evidence(inspection: &Inspection, signature: &Signature, stamp: &Stamp) -> bool {
    let all = [&signature.evidence, &inspection.evidence];
    let mut revocations = all.into_iter().flat_map(|evidence| evidence.crls.iter().chain(&evidence.ocsp_responses));
    revocations.any(|object| stamp.covers.contains(&formats::inspect::ObjectId::of(object)))
}
