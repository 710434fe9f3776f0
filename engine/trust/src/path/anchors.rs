//! The anchors of a tenant, found by the name of their subject: trusted lists have thousands.

use crate::anchor::{Anchor, Uses};
use crate::certificate::Cert;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// A set of anchors. Made once, shared by all that is judged with it.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    all: Vec<Anchor>,
    by_subject: HashMap<Box<[u8]>, Vec<usize>>,
    /// No other set has it but its clones; 0 has the empty one. A set never changes.
    identity: u64,
}

static LAST_IDENTITY: AtomicU64 = AtomicU64::new(0);

impl Anchors {
    /// Indexes them. The order is kept: among equals the first one is preferred.
    pub fn new(all: Vec<Anchor>) -> Self {
        let mut by_subject: HashMap<Box<[u8]>, Vec<usize>> = HashMap::new();
        for (place, anchor) in all.iter().enumerate() {
            by_subject.entry(anchor.certificate.subject_key().into()).or_default().push(place);
        }
        let identity = LAST_IDENTITY.fetch_add(1, Ordering::Relaxed) + 1;
        Self { all, by_subject, identity }
    }

    /// Tells this set from every other one of this process.
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// All of them.
    pub fn all(&self) -> &[Anchor] {
        &self.all
    }

    /// Those with this subject ([`Cert::subject_key`]) that are trusted for this.
    pub fn with_subject<'a>(&'a self, subject_key: &[u8], uses: Uses) -> impl Iterator<Item = &'a Anchor> {
        let places = self.by_subject.get(subject_key).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&place| self.all.get(place)).filter(move |anchor| anchor.uses.has(uses))
    }

    /// Those that a certificate is itself: the same certificate, or another one of the same name and key.
    pub fn of<'a>(&'a self, certificate: &'a Cert, uses: Uses) -> impl Iterator<Item = &'a Anchor> {
        self.with_subject(certificate.subject_key(), uses)
            .filter(|anchor| anchor.certificate.key() == certificate.key())
    }
}

impl From<Vec<Anchor>> for Anchors {
    fn from(all: Vec<Anchor>) -> Self {
        Self::new(all)
    }
}
