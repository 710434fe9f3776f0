//! What would have been needed to come to a better judgement, so that the caller may fetch it and ask again.

use crate::certificate::Cert;
use crate::path::Chain;
use formats::inspect::ObjectId;
use model::limits::EVIDENCE_SUBJECTS_MAX;
use std::collections::HashSet;

/// What is missing. Bounded; each thing once.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    /// Certificates whose path leads nowhere, with the addresses where their issuers may be had.
    pub issuers: Vec<(Cert, Vec<String>)>,
    /// Certificates of which nothing fresh tells whether they are revoked; the path from each to its anchor.
    pub revocations: Vec<Vec<Cert>>,
    seen: HashSet<ObjectId>,
}

impl Missing {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.issuers.is_empty() && self.revocations.is_empty()
    }

    pub(crate) fn issuer(&mut self, certificate: &Cert, addresses: Vec<String>) {
        if self.issuers.len() < EVIDENCE_SUBJECTS_MAX && self.seen.insert(certificate.id()) {
            self.issuers.push((certificate.clone(), addresses));
        }
    }

    pub(crate) fn revocation(&mut self, certificate: &Cert, chain: &Chain) {
        if self.revocations.len() < EVIDENCE_SUBJECTS_MAX && self.seen.insert(certificate.id()) {
            let path = chain.certificates().iter().skip_while(|other| *other != certificate);
            self.revocations.push(path.cloned().collect());
        }
    }
}
