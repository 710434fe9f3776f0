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
pub use search::{DeadEnd, Obstacle, Prospects, prospective};

use crate::anchor::Anchor;
use crate::certificate::Cert;
use std::sync::Arc;

/// A prospective certification path: each certificate is signed by the next one's key, the last one is an anchor. Only
/// [`prospective`] makes them, after it has checked the signatures.
#[derive(Clone, Debug)]
pub struct Chain {
    certificates: Vec<Cert>,
    /// The keys with which the certificate below was signed, where they are not simply those of the certificate: DSA
    /// parameters may come from further up.
    keys: Vec<Option<Arc<[u8]>>>,
    anchor: Anchor,
}

impl Chain {
    /// One whose signatures nobody has checked, for tests of what comes after.
    #[cfg(test)]
    pub(crate) fn supposed(certificates: Vec<Cert>, anchor: Anchor) -> Self {
        Self { keys: vec![None; certificates.len()], certificates, anchor }
    }

    /// The signer first, the anchor last. One certificate: it is itself the anchor.
    pub fn certificates(&self) -> &[Cert] {
        &self.certificates
    }

    /// Where it ends.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// How many certificates need to be judged: all but the last one, which is trusted.
    pub fn below_anchor(&self) -> usize {
        self.certificates.len() - 1
    }

    /// The SubjectPublicKeyInfo of the certificate at this place, complete.
    pub fn key(&self, place: usize) -> Option<&[u8]> {
        match self.keys.get(place)? {
            Some(completed) => Some(completed),
            None => Some(self.certificates.get(place)?.fields().ok()?.public_key.raw),
        }
    }
}
