//! Certificates and revocation material in a message and in the attributes of its signatures, brought into one form:
//! certificates, CertificateLists and whole OCSP responses, DER as received.

use crate::cms::identifiers::{
    OID_ADOBE_REVOCATION, OID_CERTIFICATE_VALUES, OID_OCSP_BASIC, OID_OCSP_RESPONSE, OID_REVOCATION_VALUES,
};
use crate::cms::message::{Message, SignerInfo};
use crate::der::{self, DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE};
use crate::evidence::Evidence;
use crate::inspect::ObjectId;
use crate::tsp::Token;
use std::collections::HashSet;
use std::sync::Arc;

/// ENUMERATED (X.690 8.4).
const TAG_ENUMERATED: u8 = 0x0a;

/// One entry of `crls`, as what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Revocation {
    Crl(Arc<[u8]>),
    /// A whole response, also where only its basic response was there.
    Ocsp(Arc<[u8]>),
}

impl Revocation {
    /// Reads a RevocationInfoChoice (RFC 5652 section 10.2.1). `None`: of a kind that nobody here reads.
    pub(super) fn of_choice(choice: &[u8]) -> Option<Self> {
        match choice.first() {
            Some(&TAG_SEQUENCE) => Some(Self::Crl(choice.into())),
            Some(&TAG_CONTEXT_1) => {
                let mut fields = Reader::new(choice).enter(TAG_CONTEXT_1).ok()?;
                let format = fields.expect(TAG_OID).ok()?.raw;
                let response = fields.expect(TAG_SEQUENCE).ok()?.raw;
                [OID_OCSP_RESPONSE, OID_OCSP_BASIC].contains(&format).then(|| Self::Ocsp(whole_response(response)))
            }
            _ => None,
        }
    }

    pub(super) fn id(&self) -> ObjectId {
        match self {
            Self::Crl(der) | Self::Ocsp(der) => ObjectId::of(der),
        }
    }
}

/// An `OCSPResponse`, given that or its `BasicOCSPResponse`; both occur under either object identifier.
pub(in crate::inspect) fn whole_response(response: &[u8]) -> Arc<[u8]> {
    let is_whole = Reader::new(response).enter(TAG_SEQUENCE).is_ok_and(|fields| fields.peek() == Some(TAG_ENUMERATED));
    if is_whole {
        return response.into();
    }
    let bytes = der::tlv(TAG_SEQUENCE, &[OID_OCSP_BASIC, &der::tlv(TAG_OCTET_STRING, &[response])]);
    der::tlv(TAG_SEQUENCE, &[&[TAG_ENUMERATED, 1, 0], &der::tlv(TAG_CONTEXT_0, &[&bytes])]).into()
}

/// Collects, each thing once.
#[derive(Clone, Default)]
pub(super) struct Collected {
    evidence: Evidence,
    seen: HashSet<ObjectId>,
}

impl Collected {
    /// What the message brings outside of its attributes.
    pub(super) fn of_message(message: &Message) -> Self {
        let mut found = Self::default();
        message.certificates().iter().for_each(|certificate| found.certificate(certificate));
        message.revocations().iter().for_each(|choice| found.choice(choice));
        found
    }

    /// Takes in what the attributes of a signature bring.
    pub(super) fn attributes(&mut self, signer: &SignerInfo) {
        signer.unsigned(OID_CERTIFICATE_VALUES).into_iter().for_each(|value| self.certificate_values(value));
        let values = signer.unsigned(OID_REVOCATION_VALUES).into_iter().chain(signer.signed(OID_ADOBE_REVOCATION));
        values.for_each(|value| self.revocation_values(value));
    }

    pub(super) fn into_evidence(self) -> Evidence {
        self.evidence
    }

    /// The names of all that was taken in.
    pub(super) fn ids(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.seen.iter().copied()
    }

    /// A member of `certificates`: attribute certificates and older kinds are nobody's path.
    pub(super) fn certificate(&mut self, choice: &[u8]) {
        if choice.first() == Some(&TAG_SEQUENCE) && self.seen.insert(ObjectId::of(choice)) {
            self.evidence.certificates.push(choice.into());
        }
    }

    /// A member of `crls`.
    pub(super) fn choice(&mut self, choice: &[u8]) {
        if let Some(found) = Revocation::of_choice(choice) {
            self.revocation(found);
        }
    }

    fn revocation(&mut self, found: Revocation) {
        if !self.seen.insert(found.id()) {
            return;
        }
        match found {
            Revocation::Crl(der) => self.evidence.crls.push(der),
            Revocation::Ocsp(der) => self.evidence.ocsp_responses.push(der),
        }
    }

    /// `CertificateValues ::= SEQUENCE OF Certificate` (TS 101 733 section 6.3.3).
    pub(super) fn certificate_values(&mut self, value: &[u8]) {
        let Ok(mut list) = Reader::new(value).enter(TAG_SEQUENCE) else { return };
        while let Ok(certificate) = list.expect(TAG_SEQUENCE) {
            self.certificate(certificate.raw);
        }
    }

    /// `RevocationValues` (TS 101 733 section 6.3.4): basic responses; `RevocationInfoArchival` of PDF: whole ones.
    pub(super) fn revocation_values(&mut self, value: &[u8]) {
        let _ = self.try_revocation_values(value); // what is readable was taken, the rest is nobody's evidence
    }

    fn try_revocation_values(&mut self, value: &[u8]) -> Result<(), DerError> {
        let mut fields = Reader::new(value).enter(TAG_SEQUENCE)?;
        if let Some(crls) = fields.optional(TAG_CONTEXT_0)? {
            let mut list = Reader::new(crls.value).enter(TAG_SEQUENCE)?;
            while !list.is_empty() {
                self.revocation(Revocation::Crl(list.expect(TAG_SEQUENCE)?.raw.into()));
            }
        }
        if let Some(responses) = fields.optional(TAG_CONTEXT_1)? {
            let mut list = Reader::new(responses.value).enter(TAG_SEQUENCE)?;
            while !list.is_empty() {
                self.revocation(Revocation::Ocsp(whole_response(list.expect(TAG_SEQUENCE)?.raw)));
            }
        }
        Ok(())
    }

    /// What a time stamp brings: in its `certificates` and `crls`, and in attributes that were added to it.
    pub(super) fn token(&mut self, token: &Token) {
        token.certificates().iter().for_each(|certificate| self.certificate(certificate));
        token.revocations().iter().for_each(|choice| self.choice(choice));
        if let Ok(message) = Message::read(&&token.der()[..]) {
            message.signers().iter().for_each(|signer| self.attributes(signer));
        }
    }
}

/// Certificates and revocation material in a time-stamp token, in the form of all other evidence.
pub fn of_token(token: &Token) -> Evidence {
    let mut found = Collected::default();
    found.token(token);
    found.into_evidence()
}
