//! What the judgements on many files have in common and need not be worked out for each: readable certificates, the ways
//! from them to the anchors, and what is known about their revocation. Thousands of documents of one signer cost one search.
//!
//! Never anything that depends on the moment or on what a file merely claims: a result is found again only by the digest of
//! everything that went into it (see [`Surroundings`]), so that no file has a part in what is said of another one. Only
//! what went well is kept. Bounded in number and in bytes.

mod table;

pub(crate) use table::Table;

use crate::anchor::Uses;
use crate::certificate::Cert;
use crate::path::{Anchors, Chain, EdgeCache, Pool, Prospects, search};
use crate::revocation::{self, Context, Findings, Material};
use formats::crypto::Hasher;
use formats::der::DerError;
use formats::inspect::ObjectId;
use model::DigestAlgorithm;
use model::limits::{
    CERTIFICATE_REMEMBERED_BYTES_MAX, CERTIFICATES_REMEMBERED_MAX, SEARCH_REMEMBERED_BYTES_MAX, SEARCHES_REMEMBERED_MAX,
};
use std::sync::Arc;

/// What is remembered from file to file. Shared between threads.
#[derive(Debug)]
pub struct Memory {
    edges: EdgeCache,
    certificates: Table<ObjectId, Cert>,
    searches: Table<(Surroundings, ObjectId, Uses), Arc<Prospects>>,
    findings: Table<(Surroundings, Question), Arc<Findings>>,
}

/// Everything that a search for paths or for revocation information chooses from, as one digest: the anchors, all
/// certificates and all CRLs and OCSP answers at hand, each with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Surroundings([u8; 32]);

/// Whose revocation is asked about, and what the answer depends on beside the surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Question {
    certificate: ObjectId,
    issuer: ObjectId,
    /// The issuer's key, complete.
    key: ObjectId,
    certificate_hash_required: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            edges: EdgeCache::new(),
            certificates: Table::new(CERTIFICATES_REMEMBERED_MAX),
            searches: Table::new(SEARCHES_REMEMBERED_MAX),
            findings: Table::new(SEARCHES_REMEMBERED_MAX),
        }
    }

    /// Which signatures were checked before.
    pub(crate) fn edges(&self) -> &EdgeCache {
        &self.edges
    }

    /// Reads a certificate, unless it was read before.
    pub(crate) fn certificate(&self, der: &Arc<[u8]>) -> Result<Cert, DerError> {
        let id = ObjectId::of(der);
        if let Some(known) = self.certificates.get(&id) {
            return Ok(known);
        }
        let certificate = Cert::read_as(id, der)?;
        if der.len() <= CERTIFICATE_REMEMBERED_BYTES_MAX {
            self.certificates.insert(id, certificate.clone());
        }
        Ok(certificate)
    }

    /// [`crate::path::prospective`].
    pub(crate) fn prospects(
        &self,
        subject: &Cert,
        (pool, anchors, surroundings): (&Pool, &Anchors, Surroundings),
        uses: Uses,
    ) -> Arc<Prospects> {
        let key = (surroundings, subject.id(), uses);
        if let Some(known) = self.searches.get(&key) {
            return known;
        }
        let refusals = self.edges.refusals();
        let (found, settled) = search(subject, pool, anchors, uses, &self.edges);
        let found = Arc::new(found);
        let went_well = settled && !found.chains.is_empty() && self.edges.refusals() == refusals;
        if went_well && weight_of_prospects(&found) <= SEARCH_REMEMBERED_BYTES_MAX {
            self.searches.insert(key, found.clone());
        }
        found
    }

    /// [`crate::revocation::findings`], without those that the anchor does not let count.
    pub(crate) fn findings(
        &self,
        chain: &Chain,
        place: usize,
        context: &Context<'_>,
        surroundings: Surroundings,
    ) -> Arc<Findings> {
        let certificate_hash_required = chain.anchor().certificate_hash_required;
        let look = || Arc::new(counting(revocation::findings(chain, place, context), certificate_hash_required));
        let Some([certificate, issuer]) = chain.certificates().get(place..).and_then(|rest| rest.get(..2)) else {
            return Arc::default();
        };
        let key = match chain.completed_key(place + 1) {
            Some(completed) => ObjectId::of(completed),
            None => issuer.key(),
        };
        let question = Question { certificate: certificate.id(), issuer: issuer.id(), key, certificate_hash_required };
        let key = (surroundings, question);
        if let Some(known) = self.findings.get(&key) {
            return known;
        }
        let refusals = self.edges.refusals();
        let found = look();
        let went_well = found.unusable.is_empty() && self.edges.refusals() == refusals;
        if went_well && weight_of_findings(&found) <= SEARCH_REMEMBERED_BYTES_MAX {
            self.findings.insert(key, found.clone());
        }
        found
    }
}

impl Surroundings {
    pub(crate) fn of(pool: &Pool, anchors: &Anchors, material: &Material) -> Self {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        hasher.update(&anchors.identity().to_be_bytes());
        let lists: [&mut dyn ExactSizeIterator<Item = ObjectId>; 3] =
            [&mut pool.all().iter().map(Cert::id), &mut material.list_ids(), &mut material.answer_ids()];
        for list in lists {
            hasher.update(&(list.len() as u64).to_be_bytes());
            list.for_each(|id| hasher.update(&id.0));
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(hasher.finish().as_bytes()).for_each(|(to, from)| *to = *from);
        Self(digest)
    }
}

/// Common PKI: a responder that does not show that it knows the certificate proves nothing good.
fn counting(mut found: Findings, certificate_hash_required: bool) -> Findings {
    if certificate_hash_required {
        found.usable.retain(|finding| {
            finding.kind != revocation::Kind::Ocsp
                || finding.certificate_hash
                || finding.status != revocation::Status::Good
        });
    }
    found
}

/// What one entry costs beside what it holds.
const ENTRY_BYTES: usize = 256;

/// How much memory it may keep from being freed, in bytes.
fn weight_of_prospects(found: &Prospects) -> usize {
    let of_all = |certificates: &[Cert]| certificates.iter().map(weight_of_certificate).sum::<usize>();
    let chains = found.chains.iter().map(|chain| ENTRY_BYTES + of_all(chain.certificates())).sum::<usize>();
    let dead_end = found.dead_end.as_ref().map_or(0, |end| of_all(&end.certificates));
    chains + dead_end + found.addresses.iter().map(String::len).sum::<usize>()
}

fn weight_of_findings(found: &Findings) -> usize {
    let weight = |finding: &revocation::Finding| {
        let speaker = finding.speaker.certificate().map_or(0, weight_of_certificate);
        ENTRY_BYTES + speaker + size_of_val(finding.parts.as_slice())
    };
    found.usable.iter().map(weight).sum()
}

fn weight_of_certificate(certificate: &Cert) -> usize {
    ENTRY_BYTES + certificate.der().len()
}

#[cfg(test)]
mod tests;
