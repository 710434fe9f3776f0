//! One file on the bench: what came with it, what is known from elsewhere, what is proven so far.

use super::stamp::StampFacts;
use crate::certificate::Cert;
use crate::further::Further;
use crate::memory::Surroundings;
use crate::missing::Missing;
use crate::path::Pool;
use crate::poe::Proofs;
use crate::policy::Policy;
use crate::report::{Object, ObjectKind, Proof};
use crate::revocation::{Findings, Kind, Material};
use crate::verifier::Verifier;
use formats::evidence::Evidence;
use formats::inspect::{Inspection, ObjectId, Stamp};
use formats::signature::HashAlgorithm;
use model::{Reason, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// How many notes about unusable revocation information a report holds.
const NOTES_MAX: usize = 64;

pub(crate) struct Case<'a> {
    pub(super) verifier: &'a Verifier<'a>,
    pub(super) now: Time,
    pub(super) pool: Pool,
    pub(super) material: Material,
    pub(super) proofs: Proofs,
    pub(crate) missing: Missing,
    /// Revocation information that could not be used, and why, for people.
    pub(super) unusable: Vec<(ObjectId, String)>,
    /// What was found about a certificate by an issuer.
    pub(super) known_findings: HashMap<(ObjectId, ObjectId), Arc<Findings>>,
    /// Of what is collected so far.
    surroundings: Option<Surroundings>,
    /// What was found out about each time stamp, by the digest of its token and what it is over.
    pub(super) stamps: HashMap<ObjectId, StampFacts>,
}

impl<'a> Case<'a> {
    /// Collects everything that is in a file, the files inside included, and what the caller adds.
    pub(crate) fn new(verifier: &'a Verifier<'a>, inspection: &Inspection, further: &Further, now: Time) -> Self {
        let mut case = Self {
            verifier,
            now,
            pool: Pool::new(),
            material: Material::new(),
            proofs: Proofs::new(now),
            missing: Missing::default(),
            unusable: Vec::new(),
            known_findings: HashMap::new(),
            surroundings: None,
            stamps: HashMap::new(),
        };
        case.collect(inspection);
        case.take_further(further);
        case
    }

    fn take_further(&mut self, further: &Further) {
        self.pool.add_certificates(&further.certificates);
        self.material.merge(&further.material);
        self.surroundings = None;
    }

    fn collect(&mut self, inspection: &Inspection) {
        self.take(&inspection.evidence);
        for signature in &inspection.signatures {
            self.take(&signature.evidence);
            if let Some(signer) = &signature.signer {
                self.take_certificates([signer]);
            }
            signature.stamps.iter().for_each(|stamp| self.take_stamp(stamp));
        }
        inspection.stamps.iter().for_each(|stamp| self.take_stamp(stamp));
        inspection.nested.iter().for_each(|nested| self.collect(&nested.inspection));
    }

    fn take_stamp(&mut self, stamp: &Stamp) {
        if let Ok(token) = &stamp.token {
            self.take_token(token);
        }
    }

    pub(super) fn take_token(&mut self, token: &formats::tsp::Token) {
        self.take_certificates([token.signer()]);
        self.take(&formats::inspect::of_token(token));
    }

    pub(super) fn take(&mut self, evidence: &Evidence) {
        self.take_certificates(&evidence.certificates);
        self.material.add_evidence(evidence);
    }

    /// What cannot be read cannot be on any way.
    fn take_certificates<'c>(&mut self, certificates: impl IntoIterator<Item = &'c Arc<[u8]>>) {
        let memory = self.verifier.memory;
        let mut read = certificates.into_iter().filter_map(|der| memory.certificate(der).ok());
        read.all(|certificate| self.pool.add(&certificate));
        self.surroundings = None;
    }

    /// What searches choose from.
    pub(super) fn surroundings(&mut self) -> Surroundings {
        let (pool, anchors, material) = (&self.pool, self.verifier.anchors, &self.material);
        *self.surroundings.get_or_insert_with(|| Surroundings::of(pool, anchors, material))
    }

    pub(super) fn policy(&self) -> &'a Policy {
        self.verifier.policy
    }

    /// Reads a certificate.
    pub(super) fn read(&self, der: &Arc<[u8]>) -> Option<Cert> {
        self.verifier.memory.certificate(der).ok()
    }

    /// Since when an object is known to exist.
    pub(crate) fn proven_since(&self, id: ObjectId) -> Time {
        self.proofs.since(id)
    }

    /// Takes note of a proof of existence.
    pub(crate) fn prove(&mut self, id: ObjectId, time: Time, proof: Proof) {
        self.proofs.add(id, time, proof);
    }

    /// Whether a digest was suitable at a moment.
    pub(crate) fn hash_suitable(&self, hash: HashAlgorithm, at: Time) -> bool {
        self.policy().catalogue.hash(hash).at(at)
    }

    /// Keeps what was found out about a time stamp. One that occurs twice counts as what it is in its better place.
    pub(crate) fn keep_stamp(&mut self, id: ObjectId, facts: StampFacts) {
        let better = self.stamps.get(&id).is_none_or(|known| !known.conclusion.is_passed());
        if better {
            self.stamps.insert(id, facts);
        }
    }

    /// What was found out about a time stamp.
    pub(crate) fn stamp_facts(&self, id: ObjectId) -> Option<&StampFacts> {
        self.stamps.get(&id)
    }

    /// Says in the report which revocation information could not be used.
    pub(crate) fn note_unusable(&self, notes: &mut Vec<Reason>) {
        for (_, why) in &self.unusable {
            let note = Reason::new("revocation-unusable", why.clone());
            if notes.len() < NOTES_MAX && !notes.contains(&note) {
                notes.push(note);
            }
        }
    }

    /// A CRL or OCSP answer as an object of the report.
    pub(crate) fn revocation_object(&self, id: ObjectId) -> Option<Object> {
        let (_, kind, bytes) = self.material.objects().find(|(known, ..)| *known == id)?;
        let (kind, name) = match kind {
            Kind::Crl => (ObjectKind::Crl, "CRL"),
            Kind::Ocsp => (ObjectKind::OcspResponse, "OCSP answer"),
        };
        let (bytes, name) = (bytes.clone(), name.to_owned());
        Some(Object { id, kind, bytes, name, exists_since: self.proofs.since(id) })
    }

    /// A certificate as an object of the report.
    pub(crate) fn certificate_object(&self, certificate: &Cert) -> Object {
        Object {
            id: certificate.id(),
            kind: ObjectKind::Certificate,
            bytes: certificate.der().clone(),
            name: certificate.name().to_owned(),
            exists_since: self.proofs.since(certificate.id()),
        }
    }
}
