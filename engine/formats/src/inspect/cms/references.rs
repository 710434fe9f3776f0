//! References to certificates and revocation material (EN 319 122-1 annex A.1): digests of things, which are looked for
//! among all that came with the signature.

use super::evidence::Collected;
use super::signer::Stage;
use crate::cms::identifiers::{OID_CERTIFICATE_REFERENCES, OID_REVOCATION_REFERENCES};
use crate::cms::message::{SignerInfo, basic_response};
use crate::der::{DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_SEQUENCE};
use crate::inspect::ObjectId;
use crate::signature::HashAlgorithm;
use model::limits::CMS_REFERENCES_MAX;
use std::collections::HashSet;

/// The things that a signature refers to and that are there.
pub(super) fn resolve(signer: &SignerInfo, stage: &Stage<'_>) -> Vec<ObjectId> {
    let mut wanted = Wanted::default();
    for value in signer.unsigned(OID_CERTIFICATE_REFERENCES) {
        let _ = wanted.certificates(value); // what cannot be read refers to nothing
    }
    for value in signer.unsigned(OID_REVOCATION_REFERENCES) {
        let _ = wanted.revocations(value);
    }
    let mut found = Vec::new();
    for (hash, digest) in &wanted.certificates {
        found.extend(stage.known.with_digest(*hash, digest).map(|certificate| ObjectId::of(certificate)));
    }
    let mut evidence = stage.shared.clone();
    evidence.attributes(signer);
    let evidence: Collected = evidence;
    let evidence = evidence.into_evidence();
    let hashes: HashSet<HashAlgorithm> = wanted.revocations.iter().map(|(hash, _)| *hash).collect();
    let meant = |bytes: &[u8]| {
        hashes.iter().any(|hash| hash.digest(bytes).is_ok_and(|digest| wanted.revocations.contains(&(*hash, digest))))
    };
    found.extend(evidence.crls.iter().filter(|crl| meant(crl)).map(|crl| ObjectId::of(crl)));
    // The digest of an answer is that of its basic response; some programs take the whole.
    let answers = evidence.ocsp_responses.iter();
    let answers = answers.filter(|answer| meant(answer) || basic_response(answer).is_some_and(&meant));
    found.extend(answers.map(|answer| ObjectId::of(answer)));
    found
}

#[derive(Default)]
struct Wanted {
    certificates: Vec<(HashAlgorithm, Vec<u8>)>,
    revocations: HashSet<(HashAlgorithm, Vec<u8>)>,
}

impl Wanted {
    /// `CompleteCertificateRefs ::= SEQUENCE OF OtherCertID { otherCertHash, issuerSerial OPTIONAL }`
    fn certificates(&mut self, value: &[u8]) -> Result<(), DerError> {
        let mut list = Reader::new(value).enter(TAG_SEQUENCE)?;
        while !list.is_empty() {
            let mut id = list.enter(TAG_SEQUENCE)?;
            let hash = other_hash(&mut id)?;
            if self.certificates.len() >= CMS_REFERENCES_MAX {
                return Err(DerError::TooMany);
            }
            self.certificates.extend(hash);
        }
        Ok(())
    }

    /// `CompleteRevocationRefs ::= SEQUENCE OF CrlOcspRef`
    fn revocations(&mut self, value: &[u8]) -> Result<(), DerError> {
        let mut list = Reader::new(value).enter(TAG_SEQUENCE)?;
        while !list.is_empty() {
            let mut reference = list.enter(TAG_SEQUENCE)?;
            if let Some(crls) = reference.optional(TAG_CONTEXT_0)? {
                // CRLListID ::= SEQUENCE { crls SEQUENCE OF CrlValidatedID { crlHash, crlIdentifier OPTIONAL } }
                let mut ids = Reader::new(crls.value).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
                while !ids.is_empty() {
                    let hash = other_hash(&mut ids.enter(TAG_SEQUENCE)?)?;
                    self.add(hash)?;
                }
            }
            if let Some(answers) = reference.optional(TAG_CONTEXT_1)? {
                // OcspListID ::= SEQUENCE { SEQUENCE OF OcspResponsesID { ocspIdentifier, ocspRepHash OPTIONAL } }
                let mut ids = Reader::new(answers.value).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
                while !ids.is_empty() {
                    let mut id = ids.enter(TAG_SEQUENCE)?;
                    id.expect(TAG_SEQUENCE)?;
                    let hash = if id.is_empty() { None } else { other_hash(&mut id)? };
                    self.add(hash)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, hash: Option<(HashAlgorithm, Vec<u8>)>) -> Result<(), DerError> {
        if self.revocations.len() >= CMS_REFERENCES_MAX {
            return Err(DerError::TooMany);
        }
        self.revocations.extend(hash);
        Ok(())
    }
}

/// `OtherHash ::= CHOICE { sha1Hash OCTET STRING, OtherHashAlgAndValue }`. `None`: by an unknown algorithm.
fn other_hash(fields: &mut Reader<'_>) -> Result<Option<(HashAlgorithm, Vec<u8>)>, DerError> {
    if let Some(sha1) = fields.optional(TAG_OCTET_STRING)? {
        return Ok(Some((HashAlgorithm::Sha1, sha1.value.to_vec())));
    }
    let mut both = fields.enter(TAG_SEQUENCE)?;
    let algorithm = HashAlgorithm::of_identifier(both.expect(TAG_SEQUENCE)?.raw);
    let value = both.expect(TAG_OCTET_STRING)?.value.to_vec();
    Ok(algorithm.ok().map(|algorithm| (algorithm, value)))
}
