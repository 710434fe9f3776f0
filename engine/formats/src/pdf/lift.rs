//! Lifts PDF signatures to higher levels.

use crate::lift::{EvidencePlace, StampPlaces};
use crate::prepare::FormatError;
use crate::source::Source;
use model::DigestAlgorithm;

fn not_yet() -> FormatError {
    FormatError::setup("not-available", "PDF signatures cannot be lifted yet")
}

/// See [`crate::lift::signature_time_stamps`].
pub fn signature_time_stamps(
    _document: &dyn Source,
    _digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    Err(not_yet())
}

/// See [`crate::lift::evidence`].
pub fn evidence(_document: &dyn Source) -> Result<Box<dyn EvidencePlace>, FormatError> {
    Err(not_yet())
}

/// See [`crate::lift::archive_time_stamps`].
pub fn archive_time_stamps(
    _document: &dyn Source,
    _digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    Err(not_yet())
}
