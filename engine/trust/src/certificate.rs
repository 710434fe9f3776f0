//! A certificate that was read once and is shared from then on.

use crate::algorithm::key_bits;
use crate::revocation::needs_no_revocation;
use formats::cms::certificate::Certificate;
use formats::der::DerError;
use formats::inspect::ObjectId;
use formats::path::{common_name, name_key};
use formats::signature::{HashAlgorithm, Method, method_of_signed};
use model::Time;
use std::sync::{Arc, OnceLock};

/// A readable certificate. Cheap to clone; equal if its DER is.
#[derive(Clone, Debug)]
pub struct Cert(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    der: Arc<[u8]>,
    id: ObjectId,
    key: ObjectId,
    subject_key: Box<[u8]>,
    issuer_key: Box<[u8]>,
    not_before: Time,
    not_after: Time,
    key_sha1: OnceLock<Vec<u8>>,
    name: OnceLock<String>,
    key_bits: OnceLock<Option<u32>>,
    method: OnceLock<Option<Method>>,
    needs_revocation: OnceLock<bool>,
}

impl Cert {
    /// Reads a certificate.
    pub fn read(der: &Arc<[u8]>) -> Result<Self, DerError> {
        Self::read_as(ObjectId::of(der), der)
    }

    /// Reads a certificate whose digest is known.
    pub(crate) fn read_as(id: ObjectId, der: &Arc<[u8]>) -> Result<Self, DerError> {
        let certificate = Certificate::parse(der)?;
        let (not_before, not_after) = certificate.validity()?;
        Ok(Self(Arc::new(Parts {
            id,
            key: ObjectId::of(certificate.public_key.raw),
            subject_key: name_key(certificate.subject).into(),
            issuer_key: name_key(certificate.issuer).into(),
            der: der.clone(),
            not_before,
            not_after,
            key_sha1: OnceLock::new(),
            name: OnceLock::new(),
            key_bits: OnceLock::new(),
            method: OnceLock::new(),
            needs_revocation: OnceLock::new(),
        })))
    }

    /// Its DER.
    pub fn der(&self) -> &Arc<[u8]> {
        &self.0.der
    }

    /// Its digest.
    pub fn id(&self) -> ObjectId {
        self.0.id
    }

    /// The digest of its SubjectPublicKeyInfo.
    pub fn key(&self) -> ObjectId {
        self.0.key
    }

    /// SHA-1 of the key's bits, by which OCSP responders name themselves. Computed once.
    pub(crate) fn key_sha1(&self) -> &[u8] {
        self.0.key_sha1.get_or_init(|| {
            let bits = self.fields().map(|fields| fields.public_key.bits).unwrap_or_default();
            HashAlgorithm::Sha1.digest(bits).unwrap_or_default()
        })
    }

    /// Its subject as a key for tables ([`formats::path::name_key`]).
    pub fn subject_key(&self) -> &[u8] {
        &self.0.subject_key
    }

    /// Its issuer as a key for tables.
    pub fn issuer_key(&self) -> &[u8] {
        &self.0.issuer_key
    }

    /// Subject and issuer have the same name (RFC 5280 section 6.1: self-issued).
    pub fn is_self_issued(&self) -> bool {
        self.0.subject_key == self.0.issuer_key
    }

    /// The common name of its subject, else the organisation, for people.
    pub fn name(&self) -> &str {
        self.0.name.get_or_init(|| {
            let name = self.fields().ok().and_then(|fields| common_name(fields.subject));
            name.unwrap_or_else(|| "without a name".to_owned())
        })
    }

    /// The length of its key.
    pub(crate) fn key_bits(&self) -> Option<u32> {
        *self.0.key_bits.get_or_init(|| self.fields().ok().and_then(|fields| key_bits(fields.public_key.raw)))
    }

    /// How it is signed. `None`: nobody here knows.
    pub(crate) fn method(&self) -> Option<Method> {
        *self.0.method.get_or_init(|| method_of_signed(&self.0.der).ok())
    }

    /// Whether anybody has to know if it is revoked.
    pub(crate) fn needs_revocation(&self) -> bool {
        *self.0.needs_revocation.get_or_init(|| !matches!(needs_no_revocation(self), Ok(Some(_))))
    }

    /// Its fields, borrowed.
    pub fn fields(&self) -> Result<Certificate<'_>, DerError> {
        Certificate::parse(&self.0.der)
    }

    /// notBefore.
    pub fn not_before(&self) -> Time {
        self.0.not_before
    }

    /// notAfter.
    pub fn not_after(&self) -> Time {
        self.0.not_after
    }
}

impl PartialEq for Cert {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Cert {}
