//! How the tests take files apart, and what they call right.

use formats::inspect::{self, CoveredRole, Detached, Input, Inspection, Integrity, Signature, SignerReference};
use formats::{FormatError, Source};
use std::sync::Arc;

/// Takes a file apart that came with others.
pub fn taken_apart(
    file: &[u8],
    beside: &[(&str, &dyn Source)],
    certificates: &[Arc<[u8]>],
) -> Result<Inspection, FormatError> {
    let detached: Vec<Detached<'_>> =
        beside.iter().map(|(name, source)| Detached::Document { name, source: *source }).collect();
    inspect::inspect(&Input { source: &file, name: "file.xml", detached: &detached, password: None, certificates })
}

/// Everything that is wrong with a signature itself, in words; empty if it is right. Manifests and time stamps do not count.
pub fn wrong(signature: &Signature) -> Vec<String> {
    let mut all: Vec<String> = signature.faults.iter().map(|fault| format!("{}: {fault}", fault.code)).collect();
    if let Err(reason) = &signature.value {
        all.push(format!("value: {}: {reason}", reason.code));
    }
    for covered in signature.covered.iter().filter(|covered| covered.role != CoveredRole::ManifestEntry) {
        match &covered.integrity {
            Integrity::Intact => {}
            Integrity::Changed => all.push(format!("changed: {}", covered.what)),
            Integrity::Missing(reason) => all.push(format!("missing: {}: {reason}", reason.code)),
            Integrity::Refused(reason) => all.push(format!("refused: {}: {reason}", reason.code)),
        }
    }
    if signature.reference == SignerReference::Differs {
        all.push("signer differs".to_owned());
    }
    all
}
