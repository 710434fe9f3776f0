//! Online Certificate Status Protocol (RFC 6960): builds requests, reads answers, and judges whether an answer may be
//! believed. No network, no clock; answers are kept as they were received by whoever received them.

mod answer;
mod response;

pub use answer::{Answer, Unusable, judge};
pub use response::{ResponderId, Response, Said};

use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::oid;
use crate::der::{self, DerError, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE};
use crate::signature::{HashAlgorithm, Unverified};
use model::Time;
use std::sync::Arc;
use std::time::Duration;

/// `Content-Type` of a request.
pub const REQUEST_TYPE: &str = "application/ocsp-request";

/// id-pkix-ocsp-nonce (RFC 9654).
const OID_NONCE: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x02";
/// The AlgorithmIdentifiers that CertIDs name, with NULL as every responder expects it.
const SHA1: &[u8] = b"\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00";
const SHA256: &[u8] = b"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";

/// Longest URL path that is asked for with GET, in bytes (RFC 6960 appendix A.1).
const GET_BYTES_MAX: usize = 255;

/// The state of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked, or suspended.
    Revoked(Revoked),
    /// The source does not know the certificate.
    Unknown,
}

/// Since when and why a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Since when.
    pub at: Time,
    /// `CRLReason` (RFC 5280 section 5.3.1); 6 is a suspension.
    pub reason: Option<u8>,
}

/// A request about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    der: Vec<u8>,
    with_nonce: bool,
}

impl Request {
    /// Asks about a certificate of this issuer (both DER). CertIDs with SHA-1 are what every responder understands;
    /// RFC 9919 wants SHA-256.
    pub fn new(
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        sha256: bool,
        nonce: Option<&[u8; 32]>,
    ) -> Result<Self, Unverified> {
        let (hash, identifier) = if sha256 { (HashAlgorithm::Sha256, SHA256) } else { (HashAlgorithm::Sha1, SHA1) };
        let name = der::tlv(TAG_OCTET_STRING, &[&hash.digest(certificate.issuer)?]);
        let key = der::tlv(TAG_OCTET_STRING, &[&hash.digest(issuer.public_key.bits)?]);
        let id = der::tlv(TAG_SEQUENCE, &[identifier, &name, &key, certificate.serial]);
        let list = der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_SEQUENCE, &[&id])]);
        let extensions = nonce.map(|nonce| {
            let value = der::tlv(TAG_OCTET_STRING, &[&der::tlv(TAG_OCTET_STRING, &[nonce])]);
            let extension = der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_OID, &[OID_NONCE]), &value]);
            der::tlv(0xa2, &[&der::tlv(TAG_SEQUENCE, &[&extension])])
        });
        let body = der::tlv(TAG_SEQUENCE, &[&list, extensions.as_deref().unwrap_or_default()]);
        Ok(Self { der: der::tlv(TAG_SEQUENCE, &[&body]), with_nonce: nonce.is_some() })
    }

    /// The `OCSPRequest`, DER, for a POST.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The address to GET the answer from, if it is short and has no nonce, so that caches on the way can help.
    pub fn get_address(&self, responder: &str) -> Option<String> {
        let mut path = String::new();
        for octet in base64_simd::STANDARD.encode_to_string(&self.der).bytes() {
            match octet {
                b'+' => path.push_str("%2B"),
                b'/' => path.push_str("%2F"),
                b'=' => path.push_str("%3D"),
                _ => path.push(char::from(octet)),
            }
        }
        let separator = if responder.ends_with('/') { "" } else { "/" };
        (!self.with_nonce && path.len() < GET_BYTES_MAX && !responder.contains(['?', '#']))
            .then(|| format!("{responder}{separator}{path}"))
    }
}

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The certificate in question, DER.
    pub certificate: &'a [u8],
    /// The certificate of its issuer, DER.
    pub issuer: &'a [u8],
    /// The nonce that was sent. A responder may leave it out, but never send another one.
    pub nonce: Option<&'a [u8; 32]>,
    /// The time now.
    pub now: Time,
}

/// What answers must be like.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How far clocks may differ.
    pub skew: Duration,
    /// How old an answer may be that does not say until when it counts.
    pub age_max: Duration,
    /// An answer without the nonce that was sent is refused.
    pub nonce_required: bool,
    /// "Good" counts only with the hash of the certificate (Common PKI), which proves that the CA has issued it.
    pub certificate_hash_required: bool,
    /// Responders that may speak for every CA, DER, because an operator says so.
    pub responders: Vec<Arc<[u8]>>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            skew: Duration::from_secs(300),
            age_max: Duration::from_secs(86_400),
            nonce_required: false,
            certificate_hash_required: false,
            responders: Vec::new(),
        }
    }
}

impl Rules {
    /// Checks the times of an answer or a CRL against the time now.
    pub(crate) fn check_times(&self, now: Time, this_update: Time, next: Option<Time>) -> Result<(), &'static str> {
        if this_update > now.plus(self.skew) {
            return Err("it is not valid yet");
        }
        match next {
            Some(next) if next < this_update => Err("it ends before it begins"),
            Some(next) if next.plus(self.skew) < now => Err("it has expired"),
            None if this_update.plus(self.age_max) < now => Err("it is too old"),
            _ => Ok(()),
        }
    }
}

/// Reads an INTEGER or ENUMERATED of one octet.
fn small(value: &[u8]) -> Result<u8, DerError> {
    match *value {
        [small @ 0..=0x7f] => Ok(small),
        _ => Err(DerError::Malformed),
    }
}
