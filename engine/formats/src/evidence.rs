//! What long-term signatures carry so that they can be judged without the network: certificates and revocation material.
//!
//! Only the container; who fetches and checks it is an actor's work.

use std::sync::Arc;

/// Certificates and revocation material, each DER exactly as it was received, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Certificates (RFC 5280).
    pub certificates: Vec<Arc<[u8]>>,
    /// `CertificateList`s (RFC 5280).
    pub crls: Vec<Arc<[u8]>>,
    /// `OCSPResponse`s (RFC 6960), the whole response.
    pub ocsp_responses: Vec<Arc<[u8]>>,
}

impl Evidence {
    /// Takes in what the other has and this has not.
    pub fn merge(&mut self, other: &Evidence) {
        let pairs = [
            (&mut self.certificates, &other.certificates),
            (&mut self.crls, &other.crls),
            (&mut self.ocsp_responses, &other.ocsp_responses),
        ];
        for (mine, theirs) in pairs {
            for item in theirs {
                if !mine.contains(item) {
                    mine.push(item.clone());
                }
            }
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.crls.is_empty() && self.ocsp_responses.is_empty()
    }
}

/// A certificate whose path and revocation state have to be provable later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What it did, for messages to people: signer, time-stamp unit, OCSP responder.
    pub role: &'static str,
    /// The certificate, DER.
    pub certificate: Arc<[u8]>,
    /// Further certificates that came with it, DER, in any order: where its path may lead.
    pub known: Vec<Arc<[u8]>>,
}
