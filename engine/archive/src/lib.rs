//! Evidence that documents existed: hash trees over digests and the evidence records of RFC 4998 and RFC 6283. Pure
//! functions over digests and time-stamp tokens; never reads a document, a clock or a socket.
//!
//! [`tree`] makes one digest out of many and says for each what leads to it · [`record`] reads and writes evidence
//! records, [`xml`] reads those in XML · [`findings`] tells what a record of either form shows, also where something is
//! wrong with it · [`check()`] tells what one proves that holds together.

#![warn(missing_docs)]

pub mod check;
pub mod findings;
pub mod record;
pub mod tree;
pub mod xml;

pub use check::{Proof, check};
pub use findings::{Findings, StampFinding, check_inspected};
pub use record::EvidenceRecord;
pub use tree::HashTree;
pub use xml::XmlRecord;

use formats::signature::HashAlgorithm;

/// What is wrong with a hash tree or an evidence record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Nothing to make a tree of, too much, or digests of different algorithms.
    #[error("no hash tree can be made of this: {0}")]
    Tree(&'static str),
    /// Not an evidence record.
    #[error("the evidence record cannot be read: {0}")]
    Malformed(#[from] formats::der::DerError),
    /// Not XML, or without a canonical form.
    #[error("the evidence record cannot be read: {0}")]
    Xml(String),
    /// An evidence record that breaks the rules of RFC 4998 or RFC 6283.
    #[error("the evidence record breaks the rules: {0}")]
    Rule(&'static str),
    /// A digest algorithm that nobody here computes.
    #[error("the evidence record uses an unknown digest: {0}")]
    Digest(#[from] formats::signature::Unverified),
    /// The documents' digests by this algorithm are needed and not there.
    #[error("the documents, or their digests by {0:?}, are needed")]
    NeedsDigest(HashAlgorithm),
    /// A time stamp in it is none.
    #[error("time stamp {0} of the evidence record: {1}")]
    Token(usize, formats::tsp::TspError),
    /// A time stamp that covers something else.
    #[error("time stamp {0} of the evidence record does not cover what it should")]
    NotCovered(usize),
    /// There are hashes of other documents, but none of this one.
    #[error("time stamp {0} of the evidence record is about other documents")]
    NotListed(usize),
}
