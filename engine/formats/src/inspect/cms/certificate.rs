//! Whose signature it is: the signed reference to the signer's certificate, and the certificate itself among all that
//! are there (EN 319 102-1 clause 5.2.3).

use crate::cms::certificate::Certificate;
use crate::cms::identifiers::{OID_SIGNING_CERTIFICATE, OID_SIGNING_CERTIFICATE_V2};
use crate::cms::message::SignerInfo;
use crate::der::{DerError, Reader, TAG_INTEGER, TAG_OCTET_STRING, TAG_SEQUENCE};
use crate::inspect::SignerReference;
use crate::path::same_name;
use crate::signature::HashAlgorithm;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// `directoryName [4]` of a GeneralName, explicit because Name is a CHOICE.
const TAG_DIRECTORY_NAME: u8 = 0xa4;

/// The first ESSCertID (RFC 2634 section 5.4.1) or ESSCertIDv2 (RFC 5035 section 4) of an attribute.
pub(super) struct Reference {
    pub(super) hash: HashAlgorithm,
    digest: Vec<u8>,
    /// Issuer (a Name) and serial number (an INTEGER), each whole.
    issuer_serial: Option<(Vec<u8>, Vec<u8>)>,
}

/// What a signature says about its signer's certificate.
pub(super) struct References {
    /// One for each attribute value; those that cannot be read are left out.
    pub(super) all: Vec<Reference>,
    /// How many attribute values there are.
    pub(super) count: usize,
}

impl References {
    pub(super) fn of(signer: &SignerInfo) -> Self {
        let first = signer.signed(OID_SIGNING_CERTIFICATE).into_iter().map(|value| (value, false));
        let second = signer.signed(OID_SIGNING_CERTIFICATE_V2).into_iter().map(|value| (value, true));
        let values: Vec<(&[u8], bool)> = first.chain(second).collect();
        let read = values.iter().filter_map(|(value, second)| Reference::read(value, *second).ok());
        Self { all: read.collect(), count: values.len() }
    }

    /// Whether all references, of which there is one at least, are about this certificate.
    fn are_about(&self, certificate: &[u8]) -> bool {
        self.count > 0
            && self.all.len() == self.count
            && self.all.iter().all(|reference| reference.is_about(certificate))
    }

    /// What they say about this certificate.
    pub(super) fn judge(&self, certificate: Option<&[u8]>) -> SignerReference {
        match (certificate, self.all.first()) {
            _ if self.count == 0 => SignerReference::Absent,
            (Some(certificate), Some(first)) if self.are_about(certificate) => SignerReference::Matches {
                hash: first.hash,
                issuer_differs: self.all.iter().any(|reference| reference.issuer_differs(certificate)),
            },
            _ => SignerReference::Differs,
        }
    }
}

impl Reference {
    fn read(value: &[u8], second: bool) -> Result<Self, DerError> {
        let mut id = Reader::new(value).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
        let hash = match (second, id.optional(TAG_SEQUENCE)?) {
            (false, None) => HashAlgorithm::Sha1,
            (true, None) => HashAlgorithm::Sha256,
            (_, Some(identifier)) => HashAlgorithm::of_identifier(identifier.raw).map_err(|_| DerError::Malformed)?,
        };
        let digest = id.expect(TAG_OCTET_STRING)?.value.to_vec();
        // IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber }
        let issuer_serial = match id.optional(TAG_SEQUENCE)? {
            Some(found) => {
                let mut fields = Reader::new(found.value);
                let name = fields.enter(TAG_SEQUENCE)?.enter(TAG_DIRECTORY_NAME)?.expect(TAG_SEQUENCE)?.raw;
                Some((name.to_vec(), fields.expect(TAG_INTEGER)?.raw.to_vec()))
            }
            None => None,
        };
        Ok(Self { hash, digest, issuer_serial })
    }

    fn is_about(&self, certificate: &[u8]) -> bool {
        self.hash.digest(certificate).is_ok_and(|digest| digest == self.digest)
    }

    fn issuer_differs(&self, certificate: &[u8]) -> bool {
        let Some((issuer, serial)) = &self.issuer_serial else { return false };
        let Ok(parsed) = Certificate::parse(certificate) else { return true };
        !same_name(issuer, parsed.issuer) || serial[..] != *parsed.serial
    }
}

/// Certificates among which a signer may be, in the order in which they are tried.
pub(super) struct Known {
    certificates: Vec<Arc<[u8]>>,
    /// Where the certificate with a digest is, by algorithm, as far as they were asked for.
    by_digest: RefCell<HashMap<HashAlgorithm, HashMap<Vec<u8>, usize>>>,
}

impl Known {
    pub(super) fn new(certificates: impl Iterator<Item = Arc<[u8]>>) -> Self {
        Self { certificates: certificates.collect(), by_digest: RefCell::default() }
    }

    /// Puts some in front of the others.
    pub(super) fn add(&mut self, mut certificates: Vec<Arc<[u8]>>) {
        certificates.append(&mut self.certificates);
        *self = Self::new(certificates.into_iter());
    }

    pub(super) fn all(&self) -> &[Arc<[u8]>] {
        &self.certificates
    }

    /// The certificate that the signed references mean; else the one that the signature names beside them.
    pub(super) fn signer(&self, signer: &SignerInfo, references: &References) -> Option<&Arc<[u8]>> {
        let first = references.all.first().and_then(|first| self.with_digest(first.hash, &first.digest));
        let meant = first.filter(|certificate| references.are_about(certificate));
        meant.or_else(|| self.certificates.iter().find(|certificate| signer.is_by(certificate)))
    }

    /// The certificate with this digest.
    pub(super) fn with_digest(&self, hash: HashAlgorithm, digest: &[u8]) -> Option<&Arc<[u8]>> {
        let mut tables = self.by_digest.borrow_mut();
        let table = tables.entry(hash).or_insert_with(|| {
            let all = self.certificates.iter().enumerate().rev();
            all.filter_map(|(index, certificate)| Some((hash.digest(certificate).ok()?, index))).collect()
        });
        table.get(digest).and_then(|index| self.certificates.get(*index))
    }
}
