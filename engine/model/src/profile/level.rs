//! How much a signature carries beside itself: its level, and where its time stamps come from.

use crate::digest::DigestAlgorithm;
use std::fmt;
use std::sync::Arc;

/// The baseline levels of EN 319 122-1, 132-1, 142-1 and 162-1. Each includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// B-B: the signature alone.
    #[default]
    B,
    /// B-T: with a time stamp over the signature value.
    T,
    /// B-LT: with certificates and revocation material.
    Lt,
    /// B-LTA: with an archive time stamp over all of it.
    Lta,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::B => "B-B",
            Level::T => "B-T",
            Level::Lt => "B-LT",
            Level::Lta => "B-LTA",
        })
    }
}

/// Name of a time-stamping authority in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthorityName(pub Arc<str>);

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where time stamps come from and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampOptions {
    /// In the order in which they are asked; the next one when one fails. Never empty.
    pub authorities: Vec<AuthorityName>,
    /// The digest of the imprint.
    pub digest: DigestAlgorithm,
    /// The policy asked for, as dotted decimal; `None`: the authority's own.
    pub policy: Option<Arc<str>>,
    /// One archive time stamp over a hash tree of the batch, each document with its evidence record (RFC 4998) beside
    /// it, instead of a time stamp in each signature. Only with [`Level::B`].
    pub batch: bool,
}
