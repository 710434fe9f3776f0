//! The Time-Stamp Protocol (RFC 3161, RFC 5816): requests, responses and the tokens in them. No network.
//!
//! A [`Token`] exists only after its signature was checked with its signer's certificate. Two ways lead to one:
//! [`Token::check_response`] for an answer to a request of ours, which looks at everything, and [`Token::read`] for a
//! token of any age inside a document, which looks at nothing but cryptography.

mod error;
mod info;
mod message;
mod request;
mod response;
pub(crate) mod strict;
mod unit;

pub use error::{Failure, Fault, Refusal, Status, TspError};
pub use info::Info;
pub use request::Request;
pub use response::Terms;

use crate::signature::{HashAlgorithm, Method};
use model::{Digest, Time};
use std::sync::Arc;

/// `MessageImprint` (RFC 3161 section 2.4.1): what was stamped, by any digest that ever occurs in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imprint {
    /// The digest algorithm.
    pub algorithm: HashAlgorithm,
    /// The digest.
    pub value: Vec<u8>,
}

impl Imprint {
    /// As a digest that sealmill makes itself; `None` if its algorithm is one that it does not.
    pub fn digest(&self) -> Option<Digest> {
        self.algorithm.ours().and_then(|algorithm| Digest::new(algorithm, &self.value))
    }
}

impl PartialEq<Digest> for Imprint {
    fn eq(&self, digest: &Digest) -> bool {
        self.digest().as_ref() == Some(digest)
    }
}

/// A time-stamp token whose imprint, signature and signer's certificate have been checked against each other. Its
/// bytes are those that were received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    der: Arc<[u8]>,
    info: Info,
    signer: Arc<[u8]>,
    certificates: Vec<Arc<[u8]>>,
    revocations: Vec<Arc<[u8]>>,
    method: Method,
    digest: HashAlgorithm,
}

impl Token {
    /// Reads a token of any maker and age, and checks that it is one: content type, attributes, the signer's
    /// certificate and the signature. BER is taken, too. Whether certificate, purpose, time and algorithms are
    /// acceptable is for the caller to judge, and [`Token::stamps`] tells whether it is about the right thing. Zeros
    /// behind the token, with which PDF fills up, are left out.
    pub fn read(bytes: &[u8]) -> Result<Self, TspError> {
        Self::read_with(bytes, &[])
    }

    /// As [`Token::read`], for a token whose signer's certificate may be among these, DER, instead of in it.
    pub fn read_with(bytes: &[u8], further: &[Arc<[u8]>]) -> Result<Self, TspError> {
        message::read(bytes, further)
    }

    /// Checks everything about the answer to a request of ours. `response` is the `TimeStampResp`.
    pub fn check_response(response: &[u8], request: &Request, terms: &Terms<'_>) -> Result<Self, TspError> {
        response::check(response, request, terms)
    }

    /// The `TimeStampToken`, as received; DER if it came by [`Token::check_response`].
    pub fn der(&self) -> &Arc<[u8]> {
        &self.der
    }

    /// What the signature covers, field by field.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What was stamped.
    pub fn imprint(&self) -> &Imprint {
        &self.info.imprint
    }

    /// Whether this is what was stamped.
    pub fn stamps(&self, digest: &Digest) -> bool {
        self.info.imprint == *digest
    }

    /// `genTime`.
    pub fn time(&self) -> Time {
        self.info.time
    }

    /// The certificate of the time-stamp unit, DER.
    pub fn signer(&self) -> &Arc<[u8]> {
        &self.signer
    }

    /// All certificates in the token, DER.
    pub fn certificates(&self) -> &[Arc<[u8]>] {
        &self.certificates
    }

    /// All entries of the token's `crls`, each whole: CertificateLists, and others under an implicit `[1]`.
    pub fn revocations(&self) -> &[Arc<[u8]>] {
        &self.revocations
    }

    /// How the signature value was made.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The algorithm of the signed digest of the content.
    pub fn digest_algorithm(&self) -> HashAlgorithm {
        self.digest
    }
}

/// id-ct-TSTInfo (RFC 3161 section 2.4.2).
pub const OID_TST_INFO: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04";
