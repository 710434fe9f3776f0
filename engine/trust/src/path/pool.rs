//! Certificates that may be on a way, found by their subject.

use crate::certificate::Cert;
use formats::inspect::ObjectId;
use model::limits::PATH_CERTIFICATES_MAX;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A bounded set of certificates, each once. Nothing in it is trusted.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    by_subject: HashMap<Box<[u8]>, Vec<Cert>>,
    ids: HashSet<ObjectId>,
    order: Vec<Cert>,
}

impl Pool {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a certificate. `false`: there is no more room.
    pub fn add(&mut self, certificate: &Cert) -> bool {
        if self.ids.contains(&certificate.id()) {
            return true;
        }
        if self.order.len() == PATH_CERTIFICATES_MAX {
            return false;
        }
        self.ids.insert(certificate.id());
        self.by_subject.entry(certificate.subject_key().into()).or_default().push(certificate.clone());
        self.order.push(certificate.clone());
        true
    }

    /// Adds what can be read of these, DER; the others cannot be on any way. `false`: there is no more room.
    pub fn add_all<'a>(&mut self, certificates: impl IntoIterator<Item = &'a Arc<[u8]>>) -> bool {
        certificates.into_iter().filter_map(|der| Cert::read(der).ok()).all(|certificate| self.add(&certificate))
    }

    /// Adds these, until there is no more room.
    pub(crate) fn add_certificates(&mut self, certificates: &[Cert]) {
        certificates.iter().all(|certificate| self.add(certificate));
    }

    /// Those with this subject ([`Cert::subject_key`]).
    pub fn with_subject(&self, subject_key: &[u8]) -> &[Cert] {
        self.by_subject.get(subject_key).map_or(&[], Vec::as_slice)
    }

    /// All, in the order in which they came.
    pub fn all(&self) -> &[Cert] {
        &self.order
    }
}
