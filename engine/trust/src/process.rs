//! The validation processes of EN 319 102-1: of certificates (clause 5.2.6), time stamps (5.4), signatures at a time
//! (5.3 and 5.5), with proofs of the past (5.6) and evidence records. One file at a time, each piece of evidence once.

mod archival;
mod case;
mod certificate;
pub(crate) mod ledger;
mod record;
mod signature;
mod stamp;

pub(crate) use case::Case;
pub(crate) use certificate::{Standing, is_qualified};
pub(crate) use record::RecordFacts;
pub(crate) use signature::Verdict;
pub(crate) use stamp::StampFacts;
