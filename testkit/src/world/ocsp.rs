//! The OCSP responder (RFC 6960): reads requests and writes signed answers, well or in one of the ways of [`Fault`].
//!
//! Sans IO and without a clock.

use super::authority::{Authority, DAY, Issuer, names_of};
use super::der;
use super::fault::Fault;
use super::names::{Hash, SigningKey};
use super::register::State;
use anyhow::Result;

/// How the responder answers.
#[derive(Clone, Debug)]
pub struct OcspSettings {
    /// Whether it repeats the nonce that it was given.
    pub nonce: bool,
    /// Seconds from `thisUpdate` to `nextUpdate`; without `nextUpdate` if absent.
    pub next_update: Option<i64>,
    /// Who signs.
    pub signer: OcspSigner,
    /// Whether the responder is named by its key, not by its name.
    pub by_key: bool,
    /// Whether it proves that it knows the certificate by its hash (Common PKI `CertHash`, 1.3.36.8.3.13).
    pub certificate_hash: bool,
    /// Whether the responder's certificate comes along.
    pub certificates: bool,
}

impl Default for OcspSettings {
    fn default() -> Self {
        Self {
            nonce: true,
            next_update: Some(DAY),
            signer: OcspSigner::Delegate,
            by_key: false,
            certificate_hash: false,
            certificates: true,
        }
    }
}

/// Who signs OCSP answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspSigner {
    /// The authority itself.
    Authority,
    /// A responder whose certificate has id-pkix-ocsp-nocheck.
    Delegate,
    /// A responder whose own state must be asked for: it has no nocheck, but a CRL.
    CheckedDelegate,
}

/// One certificate that is asked about.
pub(super) struct Question<'a> {
    /// `CertID`, with its header.
    pub(super) id: &'a [u8],
    pub(super) hash: Option<Hash>,
    name_hash: &'a [u8],
    key_hash: &'a [u8],
    /// The content of the INTEGER.
    pub(super) serial: &'a [u8],
}

impl Question<'_> {
    /// Whether it is about a certificate of this authority.
    pub(super) fn is_about(&self, authority: &Authority) -> bool {
        self.hash.is_some_and(|hash| {
            hash.of(&authority.name) == self.name_hash && hash.of(&authority.public_bits) == self.key_hash
        })
    }
}

/// Reads an `OCSPRequest`: the questions and the nonce (the content of its extension's OCTET STRING).
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<Question<'_>>, Option<&[u8]>)> {
    let mut request = der::Reader(bytes).enter(der::SEQUENCE)?.enter(der::SEQUENCE)?;
    request.optional(0xa0)?; // version
    request.optional(0xa1)?; // requestorName
    let mut list = request.enter(der::SEQUENCE)?;
    let mut questions = Vec::new();
    while !list.is_empty() {
        questions.push(question(list.enter(der::SEQUENCE)?.expect(der::SEQUENCE)?)?);
    }
    let mut nonce = None;
    if let Some(extensions) = request.optional(0xa2)? {
        let mut extensions = der::Reader(extensions.content).enter(der::SEQUENCE)?;
        while !extensions.is_empty() {
            let mut extension = extensions.enter(der::SEQUENCE)?;
            let kind = extension.expect(der::OID)?.whole;
            extension.optional(der::BOOLEAN)?;
            if kind == der::oid(NONCE) {
                nonce = Some(extension.expect(der::OCTET_STRING)?.content);
            }
        }
    }
    Ok((questions, nonce))
}

fn question(id: der::Value<'_>) -> Result<Question<'_>> {
    let mut parts = der::Reader(id.content);
    let hash = Hash::named(parts.enter(der::SEQUENCE)?.expect(der::OID)?.whole);
    let name_hash = parts.expect(der::OCTET_STRING)?.content;
    let key_hash = parts.expect(der::OCTET_STRING)?.content;
    Ok(Question { id: id.whole, hash, name_hash, key_hash, serial: parts.expect(der::INTEGER)?.content })
}

/// Reads one `CertID`, with its header.
pub(super) fn read_id(id: &[u8]) -> Result<Question<'_>> {
    question(der::Reader(id).expect(der::SEQUENCE)?)
}

/// `OCSPResponse` without an answer: 1 malformedRequest, 2 internalError, 3 tryLater, 6 unauthorized.
pub(super) fn failure(status: u8) -> Vec<u8> {
    der::seq(&[&der::tlv(der::ENUMERATED, &[&[status]])])
}

/// Who signs an answer: the key, and the certificate it belongs to.
pub(super) struct Responder {
    pub(super) key: SigningKey,
    pub(super) certificate: Vec<u8>,
    /// SHA-1 of the bits of its public key.
    pub(super) key_hash: Vec<u8>,
    /// Whether it is the authority, whose certificate the client has.
    pub(super) is_authority: bool,
}

/// One answer: the `CertID` that was asked for, what is known, and the certificate if the responder has it.
pub(super) struct Answer<'a> {
    pub(super) id: &'a [u8],
    pub(super) state: State,
    pub(super) certificate: Option<&'a [u8]>,
}

/// `OCSPResponse` with these answers.
pub(super) fn response(
    responder: &Responder,
    settings: &OcspSettings,
    answers: &[Answer],
    nonce: Option<&[u8]>,
    now: i64,
    fault: Option<Fault>,
) -> Result<Vec<u8>> {
    let now = match fault {
        Some(Fault::OldTime) => now - 10 * DAY,
        Some(Fault::FutureTime) => now + 3600,
        _ => now,
    };
    let mut singles = Vec::new();
    for answer in answers {
        singles.extend(single(settings, answer, now, fault)?);
    }
    let nonce = match (nonce, fault) {
        (Some(_), Some(Fault::WrongNonce)) => Some(der::tlv(der::OCTET_STRING, &[&[0x47; 32]])),
        (Some(nonce), fault) if settings.nonce && fault != Some(Fault::NoNonce) => Some(nonce.to_vec()),
        _ => None,
    };
    let extensions = nonce.map(|nonce| {
        let extension = der::seq(&[&der::oid(NONCE), &der::tlv(der::OCTET_STRING, &[&nonce])]);
        der::tlv(0xa1, &[&der::seq(&[&extension])])
    });
    let id = if settings.by_key {
        der::tlv(0xa2, &[&der::tlv(der::OCTET_STRING, &[&responder.key_hash])])
    } else {
        der::tlv(0xa1, &[&names_of(&responder.certificate)?.1])
    };
    let data = der::seq(&[&id, &der::generalized(now, 0), &der::seq(&[&singles]), &extensions.unwrap_or_default()]);
    let mut signature = responder.key.sign(&data)?;
    if fault == Some(Fault::BadSignature)
        && let Some(last) = signature.last_mut()
    {
        *last ^= 1;
    }
    let certificates = if settings.certificates && !responder.is_authority {
        der::tlv(0xa0, &[&der::seq(&[&responder.certificate])])
    } else {
        Vec::new()
    };
    let basic = der::seq(&[&data, &responder.key.identifier, &der::bits(&signature), &certificates]);
    let bytes = der::seq(&[&der::oid("1.3.6.1.5.5.7.48.1.1"), &der::tlv(der::OCTET_STRING, &[&basic])]);
    Ok(der::seq(&[&der::tlv(der::ENUMERATED, &[&[0]]), &der::tlv(0xa0, &[&bytes])]))
}

/// `SingleResponse`.
fn single(settings: &OcspSettings, answer: &Answer, now: i64, fault: Option<Fault>) -> Result<Vec<u8>> {
    let id = match fault {
        Some(Fault::WrongImprint) => about_another(answer.id)?,
        _ => answer.id.to_vec(),
    };
    let state = match answer.state {
        _ if fault == Some(Fault::Unknown) => der::tlv(0x82, &[]),
        State::Good => der::tlv(0x80, &[]),
        State::Unknown => der::tlv(0x82, &[]),
        State::Revoked { at, reason } => {
            let reason = der::tlv(0xa0, &[&der::tlv(der::ENUMERATED, &[&[reason]])]);
            der::tlv(0xa1, &[&der::generalized(at, 0), &reason])
        }
    };
    let next = settings.next_update.map(|seconds| der::tlv(0xa0, &[&der::generalized(now + seconds, 0)]));
    let hash = answer.certificate.filter(|_| settings.certificate_hash).map(|certificate| {
        let value = der::tlv(der::OCTET_STRING, &[&Hash::Sha256.of(certificate)]);
        let value = der::seq(&[&Hash::Sha256.identifier(), &value]);
        let extension = der::seq(&[&der::oid("1.3.36.8.3.13"), &der::tlv(der::OCTET_STRING, &[&value])]);
        der::tlv(0xa1, &[&der::seq(&[&extension])])
    });
    let this = der::generalized(now, 0);
    Ok(der::seq(&[&id, &state, &this, &next.unwrap_or_default(), &hash.unwrap_or_default()]))
}

/// The same `CertID` with another serial number.
fn about_another(id: &[u8]) -> Result<Vec<u8>> {
    let mut parts = der::Reader(id).enter(der::SEQUENCE)?;
    let (hash, name, key) = (parts.next()?.whole, parts.next()?.whole, parts.next()?.whole);
    Ok(der::seq(&[hash, name, key, &der::number(4711)]))
}

/// Which faults are answers without content.
pub(super) fn failing(fault: Fault) -> Option<u8> {
    match fault {
        Fault::Rejection => Some(3),
        Fault::Waiting => Some(2),
        Fault::Unauthorized => Some(6),
        _ => None,
    }
}

/// Where an authority's certificates are looked for by a question.
pub(super) fn issuer_of(question: &Question, authorities: &[(Issuer, &Authority)]) -> Option<Issuer> {
    authorities.iter().find(|(_, authority)| question.is_about(authority)).map(|(issuer, _)| *issuer)
}

const NONCE: &str = "1.3.6.1.5.5.7.48.1.2";
