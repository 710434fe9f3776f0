//! Inspects, and says in a line what was found.

use formats::FormatError;
use formats::inspect::{Detached, Input, Inspection, Integrity, Signature, inspect};

/// Inspects a file with what belongs to it.
pub(crate) fn look(bytes: &[u8], detached: &[Detached<'_>]) -> Result<Inspection, FormatError> {
    inspect(&Input { detached, ..Input::new(&bytes, "file") })
}

/// With the document that was signed beside it, if there is one.
pub(crate) fn look_at(bytes: &[u8], document: Option<&[u8]>) -> Inspection {
    let document = document.as_ref().map(|bytes| Detached::Document { name: "document", source: bytes });
    look(bytes, document.as_slice()).unwrap()
}

pub(crate) fn is_intact(signature: &Signature) -> bool {
    signature.covered.iter().all(|covered| covered.integrity == Integrity::Intact)
}

/// Intact, valid and without a fault.
pub(crate) fn is_good(signature: &Signature) -> bool {
    is_intact(signature) && signature.value.is_ok() && signature.faults.is_empty()
}

/// For people who look at a failed test.
pub(crate) fn told(inspection: &Inspection) -> String {
    let mut text = format!("{:?} {:?}\n", inspection.kind, inspection.notes);
    for signature in &inspection.signatures {
        text += &format!(
            "  {:?} {:?} covered {:?} value {:?} signer {} {:?}\n    faults {:?} notes {:?}\n    {:?}\n",
            signature.name,
            signature.format,
            signature.covered.iter().map(|covered| (&covered.what, &covered.integrity)).collect::<Vec<_>>(),
            signature.value,
            signature.signer.is_some(),
            signature.reference,
            signature.faults,
            signature.notes,
            signature.attributes,
        );
        for stamp in &signature.stamps {
            let token = stamp.token.as_ref().map(|token| token.time().civil()).map_err(ToString::to_string);
            text += &format!(
                "    {} {token:?} {:?} covers {} {:?}\n",
                stamp.name.as_deref().unwrap_or_default(),
                stamp.imprint,
                stamp.covers.len(),
                stamp.faults
            );
        }
    }
    for record in &inspection.records {
        text += &format!("  record over {} objects, covers {}\n", record.objects.len(), record.covers.len());
    }
    text
}
