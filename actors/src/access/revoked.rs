//! Whether certificates of users are revoked: who is asked, and what an answer that does not come means.

use crate::revocation::{Collector, EvidenceFault};
use formats::evidence::Subject;
use model::{Reason, Time};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What the lack of an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationMode {
    /// Nobody is asked: what counts is the list of certificates that administrators keep.
    Off,
    /// Revoked certificates are refused; those of which nothing is known are not.
    Soft,
    /// Only certificates that are known not to be revoked are accepted.
    Hard,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It is not revoked.
    Good,
    /// It is revoked or suspended.
    Revoked(Reason),
    /// Nobody could say.
    Unknown(Reason),
}

/// Whoever can say whether a certificate is revoked.
pub trait RevocationCheck: Send + Sync {
    /// The state of a certificate at a moment.
    fn state(&self, der: Arc<[u8]>, at: Time) -> Pin<Box<dyn Future<Output = Revocation> + Send + '_>>;
}

impl RevocationCheck for Collector {
    fn state(&self, der: Arc<[u8]>, at: Time) -> Pin<Box<dyn Future<Output = Revocation> + Send + '_>> {
        Box::pin(async move {
            let subject = Subject { role: "client certificate", certificate: der, known: Vec::new() };
            match self.collect(&[subject], at).await {
                Ok(_) => Revocation::Good,
                Err(fault @ EvidenceFault::Revoked { .. }) => Revocation::Revoked(fault.reason()),
                Err(fault) => Revocation::Unknown(fault.reason()),
            }
        })
    }
}
