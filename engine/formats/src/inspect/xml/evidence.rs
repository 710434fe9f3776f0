//! Certificates, revocation material, time-stamp tokens and references to such in one property of XAdES, wherever in it
//! they are: `CertificateValues`, `RevocationValues`, `TimeStampValidationData`, a whole counter-signature.

use super::anatomy::XADES_NAMESPACES;
use crate::der::Reader;
use crate::evidence::Evidence;
use crate::inspect::ObjectId;
use crate::inspect::cms::{of_token, whole_response};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::tsp::Token;
use crate::xml::algorithms::{DS, hash_of};
use crate::xml::signature::octets;
use crate::xml::tree::{Document, NodeId};
use crate::xml::verify::verdict;
use model::Reason;
use model::limits::XML_EVIDENCE_MAX;
use std::sync::Arc;

/// What is in one property.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) evidence: Evidence,
    /// Tokens as they lie in the file.
    pub(super) tokens: Vec<Arc<[u8]>>,
    /// Values of signatures inside.
    pub(super) signature_values: Vec<Vec<u8>>,
    /// Digests of evidence that may be somewhere else.
    pub(super) digests: Vec<(HashAlgorithm, Vec<u8>)>,
    pub(super) notes: Vec<Reason>,
}

impl Contents {
    /// Collects all of a property. An error is one of the medium.
    pub(super) fn of(document: &Document<'_>, property: NodeId) -> Result<Self, FormatError> {
        let mut found = Self::default();
        let mut count = 0;
        for node in document.subtree(property) {
            let Some(name) = document.name(node) else { continue };
            let is_xades = XADES_NAMESPACES.contains(&name.namespace);
            let kind = match name.local {
                "EncapsulatedX509Certificate" if is_xades => Kind::Certificate,
                "X509Certificate" if name.namespace == DS => Kind::Certificate,
                "EncapsulatedCRLValue" if is_xades => Kind::Crl,
                "X509CRL" if name.namespace == DS => Kind::Crl,
                "EncapsulatedOCSPValue" if is_xades => Kind::Ocsp,
                "EncapsulatedTimeStamp" if is_xades => Kind::Token,
                "SignatureValue" if name.namespace == DS => Kind::SignatureValue,
                "CertDigest" | "DigestAlgAndValue" if is_xades => Kind::Digest,
                _ => continue,
            };
            count += 1;
            if count > XML_EVIDENCE_MAX {
                let sentence = format!("a signature carries more than {XML_EVIDENCE_MAX} pieces of evidence");
                found.notes.push(Reason::new("too-much-evidence", sentence));
                break;
            }
            found.take(document, node, kind)?;
        }
        Ok(found)
    }

    fn take(&mut self, document: &Document<'_>, node: NodeId, kind: Kind) -> Result<(), FormatError> {
        if matches!(kind, Kind::Digest) {
            let part = |local: &str| {
                let parts = document.child_elements(node);
                parts.into_iter().find(|part| document.name(*part).is_some_and(|name| name.local == local))
            };
            let method = part("DigestMethod").and_then(|method| document.attribute(method, "", "Algorithm"));
            let value = part("DigestValue").map(|value| octets(document, value));
            if let (Some(hash), Some(Ok(value))) = (method.and_then(hash_of), value) {
                self.digests.push((hash, value));
            }
            return Ok(());
        }
        let bytes = match verdict(octets(document, node))? {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.notes.push(reason);
                return Ok(());
            }
        };
        let list = match kind {
            Kind::Certificate => &mut self.evidence.certificates,
            Kind::Crl => &mut self.evidence.crls,
            Kind::Ocsp => {
                let response = whole_response(&bytes);
                if !self.evidence.ocsp_responses.contains(&response) {
                    self.evidence.ocsp_responses.push(response);
                }
                return Ok(());
            }
            Kind::Token => {
                self.tokens.push(trimmed(&bytes).into());
                return Ok(());
            }
            Kind::SignatureValue => {
                self.signature_values.push(bytes);
                return Ok(());
            }
            Kind::Digest => return Ok(()),
        };
        if !list.iter().any(|known| known[..] == bytes[..]) {
            list.push(bytes.into());
        }
        Ok(())
    }

    /// Names all objects of it, what is inside of tokens included, and those of `known` that it has the digest of.
    pub(super) fn ids(&self, known: &Evidence, ids: &mut Vec<ObjectId>) {
        ids.extend(all_of(&self.evidence).map(|item| ObjectId::of(item)));
        ids.extend(self.signature_values.iter().map(|value| ObjectId::of(value)));
        for bytes in &self.tokens {
            ids_of_token(bytes, ids);
        }
        if self.digests.is_empty() {
            return;
        }
        let mut algorithms: Vec<HashAlgorithm> = Vec::new();
        for (algorithm, _) in &self.digests {
            if !algorithms.contains(algorithm) {
                algorithms.push(*algorithm);
            }
        }
        for item in all_of(known) {
            let named = algorithms.iter().any(|algorithm| {
                let digest = algorithm.digest(item).unwrap_or_default();
                self.digests.iter().any(|(named, value)| named == algorithm && *value == digest)
            });
            if named {
                ids.push(ObjectId::of(item));
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Certificate,
    Crl,
    Ocsp,
    Token,
    SignatureValue,
    Digest,
}

/// All of it, one after the other.
fn all_of(evidence: &Evidence) -> impl Iterator<Item = &Arc<[u8]>> {
    [&evidence.certificates, &evidence.crls, &evidence.ocsp_responses].into_iter().flatten()
}

/// A token and everything that is in it.
pub(super) fn ids_of_token(bytes: &[u8], ids: &mut Vec<ObjectId>) {
    ids.push(ObjectId::of(bytes));
    if let Ok(token) = Token::read(bytes) {
        ids.extend(all_of(&of_token(&token)).map(|item| ObjectId::of(item)));
    }
}

/// A DER value without what is behind it; all of it if it is none.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    Reader::new(bytes).read().map_or(bytes, |outer| outer.raw)
}
