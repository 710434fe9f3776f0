//! Containers taken apart: of other makers against what is known of each, our own, and damaged ones.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../cms_support/mod.rs"]
mod cms_support;
#[path = "../cms_levels/support.rs"]
#[allow(dead_code)]
mod support;

mod corpora;
mod damaged;
mod ours;
mod zip_file;

use formats::inspect::{Input, Inspection, Integrity, Signature, inspect};

fn look(bytes: &[u8]) -> Inspection {
    inspect(&Input::new(&bytes, "container")).unwrap()
}

/// Whether everything that a signature is over is as it was, and its value is right.
fn holds(signature: &Signature) -> bool {
    signature.value.is_ok() && signature.covered.iter().all(|covered| covered.integrity == Integrity::Intact)
}

fn codes(reasons: &[model::Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.code).collect()
}
