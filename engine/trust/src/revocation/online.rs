//! What OCSP answers say about a certificate, and who signed them (RFC 6960 section 4.2.2.2).

use super::material::Answer;
use super::{Case, Finding, Findings, Kind, Speaker, Status, Unusable, speaks_for_all};
use crate::anchor::Uses;
use crate::certificate::Cert;
use formats::cms::certificate::extensions::oid;
use formats::inspect::ObjectId;
use formats::ocsp::{self, ResponderId, Response};
use formats::path::name_key;
use formats::signature::Unverified;
use model::limits::CRL_SIGNERS_TRIED_MAX;
use std::sync::Arc;

pub(super) fn find(case: &Case<'_>, found: &mut Findings) {
    for answer in case.context.material.answers.iter().filter(|answer| answer.has_serial(case.fields.serial)) {
        match case.judge_answer(answer) {
            Ok(Some(finding)) => found.usable.push(finding),
            Ok(None) => {}
            Err(error) => {
                found.unusable.push(Unusable { source: answer.id, kind: Kind::Ocsp, why: error.to_string() });
            }
        }
    }
}

impl Case<'_> {
    /// `None`: it is not about the certificate.
    fn judge_answer(&self, answer: &Answer) -> Result<Option<Finding>, ocsp::Unusable> {
        let response = Response::parse(&answer.bytes)?;
        let said = response.about(&self.fields, self.certificate.der(), &self.issuer_fields)?;
        let Some(said) = said else { return Ok(None) };
        let speaker = self.speaker_of_answer(answer, &response)?;
        Ok(Some(Finding {
            source: answer.id,
            parts: Vec::new(),
            kind: Kind::Ocsp,
            status: match said.status {
                ocsp::Status::Good => Status::Good,
                ocsp::Status::Revoked(entry) => Status::of(Some(entry)),
                ocsp::Status::Unknown => Status::Unknown,
            },
            this_update: said.this_update,
            next_update: said.next_update,
            produced_at: response.produced_at,
            speaker,
            expired_since: said.archive_cutoff,
            certificate_hash: said.certificate_hash,
            method: response.method().ok(),
        }))
    }

    fn speaker_of_answer(&self, answer: &Answer, response: &Response<'_>) -> Result<Speaker, ocsp::Unusable> {
        let verifies = |id: ObjectId, key: &[u8]| -> Result<(), Unverified> {
            self.context.cache.check(answer.id, id, || response.verify(key))
        };
        let mut refusal = ocsp::Unusable::Responder("its certificate is neither in the answer nor known");
        if response.is_from(&self.issuer_fields)? {
            match verifies(self.issuer_key_id, self.issuer_key) {
                Ok(()) => return Ok(Speaker::Issuer),
                // Name alone is not enough to tell the issuer from a responder that has the same one.
                Err(error) => refusal = ocsp::Unusable::Signature(error),
            }
        }
        for candidate in self.responders(response)?.into_iter().take(CRL_SIGNERS_TRIED_MAX) {
            let Ok(fields) = candidate.fields() else { continue };
            if let Err(error) = verifies(candidate.key(), fields.public_key.raw) {
                refusal = ocsp::Unusable::Signature(error);
                continue;
            }
            if speaks_for_all(&candidate, self.context.anchors) {
                return Ok(Speaker::Trusted(candidate));
            }
            match self.is_delegate(&candidate) {
                Ok(()) => return Ok(Speaker::Delegate(candidate)),
                Err(why) => refusal = ocsp::Unusable::Responder(why),
            }
        }
        Err(refusal)
    }

    /// Who may have signed: of the certificates in the answer, those at hand, and the anchors.
    fn responders(&self, response: &Response<'_>) -> Result<Vec<Cert>, ocsp::Unusable> {
        let inside = response.certificates.iter().filter_map(|der| Cert::read(&Arc::from(*der)).ok());
        let (pool, anchors) = (self.context.pool, self.context.anchors);
        let mut candidates: Vec<Cert> = Vec::new();
        let mut add = |certificate: &Cert| {
            if !candidates.contains(certificate) {
                candidates.push(certificate.clone());
            }
        };
        match response.responder()? {
            ResponderId::Name(name) => {
                let name = name_key(name);
                inside
                    .filter(|certificate| certificate.subject_key() == name)
                    .for_each(|certificate| add(&certificate));
                pool.with_subject(&name).iter().for_each(&mut add);
                anchors.with_subject(&name, Uses::REVOCATION).for_each(|anchor| add(&anchor.certificate));
            }
            ResponderId::Key(key) => {
                inside.filter(|certificate| certificate.key_sha1() == key).for_each(|certificate| add(&certificate));
                pool.all().iter().filter(|certificate| certificate.key_sha1() == key).for_each(&mut add);
                let anchors = anchors.all().iter().filter(|anchor| anchor.uses.has(Uses::REVOCATION));
                anchors.map(|anchor| &anchor.certificate).filter(|known| known.key_sha1() == key).for_each(&mut add);
            }
        }
        Ok(candidates)
    }

    /// Whether the issuer has given it a certificate for this purpose.
    fn is_delegate(&self, responder: &Cert) -> Result<(), &'static str> {
        if responder.issuer_key() != self.issuer.subject_key() {
            return Err("its certificate is of another issuer");
        }
        let purpose = responder.fields().and_then(|fields| fields.has_purpose(oid::PURPOSE_OCSP_SIGNING));
        if purpose != Ok(true) {
            return Err("its certificate is not for signing OCSP answers");
        }
        self.is_issued_by_issuer(responder).map_err(|_| "its certificate is not signed by the issuer")
    }
}
