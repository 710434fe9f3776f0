//! Certification paths: finds the ways from a certificate up to the anchors, and checks each by RFC 5280 section 6.1.
//! Revocation is not looked at here, nor whether algorithms are suitable.
//!
//! ```text
//! Pool + Anchors ──prospective──▶ Chain … ──check──▶ PathResult or PathFault
//! ```

mod anchors;
mod cache;
mod check;
mod constraints;
mod fault;
mod policies;
mod pool;
mod search;

pub use anchors::Anchors;
pub use cache::EdgeCache;
pub use check::{Dates, PathInputs, PathResult, check};
pub use fault::{Fault, PathFault};
pub use pool::Pool;
pub(crate) use search::search;
pub use search::{DeadEnd, Obstacle, Prospects, prospective};

use crate::anchor::Anchor;
use crate::certificate::Cert;
use std::sync::{Arc, OnceLock};

/// A prospective certification path: each certificate is signed by the next one's key, the last one is an anchor. Only
/// [`prospective`] makes them, after it has checked the signatures. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Chain(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    certificates: Vec<Cert>,
    /// The keys with which the certificate below was signed, where they are not simply those of the certificate: DSA
    /// parameters may come from further up.
    keys: Vec<Option<Arc<[u8]>>>,
    anchor: Anchor,
    /// What [`check`] makes of it without dates and without demands on policies.
    plain_outcome: OnceLock<Result<PathResult, PathFault>>,
}

impl Chain {
    fn new(certificates: Vec<Cert>, keys: Vec<Option<Arc<[u8]>>>, anchor: Anchor) -> Self {
        Self(Arc::new(Parts { certificates, keys, anchor, plain_outcome: OnceLock::new() }))
    }

    /// One whose signatures nobody has checked, for tests of what comes after.
    #[cfg(test)]
    pub(crate) fn supposed(certificates: Vec<Cert>, anchor: Anchor) -> Self {
        let keys = vec![None; certificates.len()];
        Self::new(certificates, keys, anchor)
    }

    /// The signer first, the anchor last. One certificate: it is itself the anchor.
    pub fn certificates(&self) -> &[Cert] {
        &self.0.certificates
    }

    /// Where it ends.
    pub fn anchor(&self) -> &Anchor {
        &self.0.anchor
    }

    /// How many certificates need to be judged: all but the last one, which is trusted.
    pub fn below_anchor(&self) -> usize {
        self.0.certificates.len() - 1
    }

    /// The SubjectPublicKeyInfo of the certificate at this place, complete.
    pub fn key(&self, place: usize) -> Option<&[u8]> {
        match self.completed_key(place) {
            Some(completed) => Some(completed),
            None => Some(self.0.certificates.get(place)?.fields().ok()?.public_key.raw),
        }
    }

    /// The same, if the certificate's own lacks something.
    pub(crate) fn completed_key(&self, place: usize) -> Option<&[u8]> {
        self.0.keys.get(place)?.as_deref()
    }
}
