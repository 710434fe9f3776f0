//! Reads an `OCSPResponse` strictly (RFC 6960 section 4.2). Whether it may be believed is for others to judge.

use super::{OID_NONCE, Revoked, Status, Unusable, small};
use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::{Extension, each, find};
use crate::der::{
    DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_GENERALIZED_TIME, TAG_INTEGER,
    TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, Tlv, read_time,
};
use crate::path::same_name;
use crate::signature::{self, HashAlgorithm, Method, Unverified, dotted};
use model::Time;
use model::limits::{OCSP_CERTIFICATES_MAX, OCSP_SINGLES_MAX};

const TAG_ENUMERATED: u8 = 0x0a;
/// id-pkix-ocsp-basic.
const OID_BASIC: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x01";
/// id-pkix-ocsp-archive-cutoff.
const OID_ARCHIVE_CUTOFF: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x06";
/// id-pkix-ocsp-crl and id-pkix-ocsp-extended-revoke: known, and of no consequence here.
const OID_CRL_REFERENCE: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x03";
const OID_EXTENDED_REVOKE: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x09";
/// id-isismtt-at-certHash (Common PKI 2.0 part 4).
const OID_CERTIFICATE_HASH: &[u8] = b"\x2b\x24\x08\x03\x0d";

/// A successful answer (`BasicOCSPResponse`), borrowed from its DER. Nothing in it has been judged.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// When it was signed.
    pub produced_at: Time,
    /// The certificates in it, DER.
    pub certificates: Vec<&'a [u8]>,
    signed: &'a [u8],
    responder: Tlv<'a>,
    singles: Reader<'a>,
    extensions: &'a [u8],
    algorithm: &'a [u8],
    value: &'a [u8],
}

/// How a responder names itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponderId<'a> {
    /// By its subject, the whole Name.
    Name(&'a [u8]),
    /// By the SHA-1 digest of the bits of its key.
    Key(&'a [u8]),
}

/// What an answer says about one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The state of the certificate.
    pub status: Status,
    /// When the state was known to be right.
    pub this_update: Time,
    /// When newer information will be there.
    pub next_update: Option<Time>,
    /// Certificates that expired after this moment are still answered for.
    pub archive_cutoff: Option<Time>,
    /// The hash of the certificate is in it (Common PKI), and right.
    pub certificate_hash: bool,
}

/// `SingleResponse`.
struct Single<'a> {
    status: Status,
    this_update: Time,
    next_update: Option<Time>,
    extensions: &'a [u8],
}

impl<'a> Response<'a> {
    /// Reads an `OCSPResponse` in DER. Its signature is not checked.
    pub fn parse(response: &'a [u8]) -> Result<Self, Unusable> {
        let mut outer = Reader::new(response);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let status = small(fields.expect(TAG_ENUMERATED)?.value)?;
        if status != 0 {
            return Err(Unusable::Error(status));
        }
        let mut bytes = fields.enter(TAG_CONTEXT_0)?.enter(TAG_SEQUENCE)?;
        fields.end()?;
        if bytes.expect(TAG_OID)?.value != OID_BASIC {
            return Err(Unusable::Malformed(DerError::UnexpectedTag));
        }
        let mut basic = Reader::new(bytes.expect(TAG_OCTET_STRING)?.value);
        bytes.end()?;
        let mut fields = basic.enter(TAG_SEQUENCE)?;
        basic.end()?;
        let signed = fields.expect(TAG_SEQUENCE)?;
        let algorithm = fields.expect(TAG_SEQUENCE)?.raw;
        let value = signature::bit_string(fields.expect(TAG_BIT_STRING)?.value)?;
        let mut certificates = Vec::new();
        if let Some(list) = fields.optional(TAG_CONTEXT_0)? {
            let mut list = Reader::new(list.value).enter(TAG_SEQUENCE)?;
            while !list.is_empty() {
                if certificates.len() == OCSP_CERTIFICATES_MAX {
                    return Err(Unusable::Malformed(DerError::TooMany));
                }
                certificates.push(list.expect(TAG_SEQUENCE)?.raw);
            }
        }
        fields.end()?;
        let mut body = Reader::new(signed.value);
        if let Some(version) = body.optional(TAG_CONTEXT_0)?
            && Reader::new(version.value).expect(TAG_INTEGER)?.value != [0]
        {
            return Err(Unusable::Malformed(DerError::Malformed));
        }
        let responder = body.read()?;
        let produced_at = read_time(&body.expect(TAG_GENERALIZED_TIME)?)?;
        let singles = body.enter(TAG_SEQUENCE)?;
        let extensions = explicit_sequence(&mut body)?;
        body.end()?;
        Ok(Self { signed: signed.raw, responder, produced_at, singles, extensions, algorithm, value, certificates })
    }

    /// The signature algorithm.
    pub fn method(&self) -> Result<Method, Unverified> {
        Method::of_identifier(self.algorithm)
    }

    /// Checks its signature with a key (SubjectPublicKeyInfo).
    pub fn verify(&self, subject_public_key_info: &[u8]) -> Result<(), Unverified> {
        signature::verify(subject_public_key_info, self.algorithm, self.signed, self.value)
    }

    /// The serial numbers (whole INTEGERs) that it is about.
    pub fn serials(&self) -> Result<Vec<&'a [u8]>, DerError> {
        let (mut singles, mut serials) = (self.singles, Vec::new());
        while !singles.is_empty() {
            if serials.len() == OCSP_SINGLES_MAX {
                return Err(DerError::TooMany);
            }
            let mut id = singles.enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
            for tag in [TAG_SEQUENCE, TAG_OCTET_STRING, TAG_OCTET_STRING] {
                id.expect(tag)?;
            }
            serials.push(id.expect(TAG_INTEGER)?.raw);
        }
        Ok(serials)
    }

    /// What it says about a certificate (`der` is all of it) of this issuer; the newest if it says several things.
    /// `None`: nothing.
    pub fn about(
        &self,
        certificate: &Certificate<'_>,
        der: &[u8],
        issuer: &Certificate<'_>,
    ) -> Result<Option<Said>, Unusable> {
        let Some(single) = self.newest(certificate, issuer)? else { return Ok(None) };
        known_only(self.extensions, &[OID_NONCE, OID_EXTENDED_REVOKE])?;
        known_only(single.extensions, &[OID_ARCHIVE_CUTOFF, OID_CERTIFICATE_HASH, OID_CRL_REFERENCE])?;
        let time = |extension: Extension<'_>| read_time(&Reader::new(extension.value).read()?);
        let archive_cutoff = find(single.extensions, OID_ARCHIVE_CUTOFF)?.map(time).transpose()?;
        let certificate_hash = match find(single.extensions, OID_CERTIFICATE_HASH)? {
            Some(extension) if is_hash_of(extension.value, der)? => true,
            Some(_) => return Err(Unusable::CertificateHash),
            None => false,
        };
        Ok(Some(Said {
            status: single.status,
            this_update: single.this_update,
            next_update: single.next_update,
            archive_cutoff,
            certificate_hash,
        }))
    }

    /// The content of its nonce extension.
    pub(super) fn nonce(&self) -> Result<Option<&'a [u8]>, DerError> {
        Ok(find(self.extensions, OID_NONCE)?.map(|extension| extension.value))
    }

    /// Who says that they signed.
    pub fn responder(&self) -> Result<ResponderId<'a>, DerError> {
        let mut inner = Reader::new(self.responder.value);
        match self.responder.tag {
            TAG_CONTEXT_1 => Ok(ResponderId::Name(inner.expect(TAG_SEQUENCE)?.raw)),
            0xa2 => Ok(ResponderId::Key(inner.expect(TAG_OCTET_STRING)?.value)),
            _ => Err(DerError::UnexpectedTag),
        }
    }

    /// Whether the ResponderID is of this certificate.
    pub fn is_from(&self, certificate: &Certificate<'_>) -> Result<bool, Unusable> {
        match self.responder()? {
            ResponderId::Name(name) => Ok(same_name(name, certificate.subject)),
            ResponderId::Key(wanted) => {
                let hash = HashAlgorithm::Sha1.digest(certificate.public_key.bits).map_err(Unusable::Signature)?;
                Ok(wanted == hash)
            }
        }
    }

    /// Of the answers about this certificate the newest one.
    fn newest(&self, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<Option<Single<'a>>, Unusable> {
        let (mut singles, mut newest, mut seen) = (self.singles, None::<Single<'a>>, 0);
        while !singles.is_empty() {
            seen += 1;
            if seen > OCSP_SINGLES_MAX {
                return Err(Unusable::Malformed(DerError::TooMany));
            }
            let mut fields = singles.enter(TAG_SEQUENCE)?;
            let id = fields.enter(TAG_SEQUENCE)?;
            if !is_id_of(id, certificate, issuer)? {
                continue;
            }
            let status = read_status(fields.read()?)?;
            let this_update = read_time(&fields.expect(TAG_GENERALIZED_TIME)?)?;
            let next_update = match fields.optional(TAG_CONTEXT_0)? {
                Some(time) => Some(read_time(&Reader::new(time.value).expect(TAG_GENERALIZED_TIME)?)?),
                None => None,
            };
            let extensions = explicit_sequence(&mut fields)?;
            fields.end()?;
            if newest.as_ref().is_none_or(|newest| newest.this_update < this_update) {
                newest = Some(Single { status, this_update, next_update, extensions });
            }
        }
        Ok(newest)
    }
}

/// The content of an optional `[1] EXPLICIT SEQUENCE`.
fn explicit_sequence<'a>(fields: &mut Reader<'a>) -> Result<&'a [u8], DerError> {
    match fields.optional(TAG_CONTEXT_1)? {
        Some(wrapped) => Ok(Reader::new(wrapped.value).expect(TAG_SEQUENCE)?.value),
        None => Ok(&[]),
    }
}

/// `CertID`: the hashes are by the algorithm of the answer, whatever the request used.
fn is_id_of(mut id: Reader<'_>, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<bool, Unusable> {
    let algorithm = id.expect(TAG_SEQUENCE)?.raw;
    let (name, key) = (id.expect(TAG_OCTET_STRING)?.value, id.expect(TAG_OCTET_STRING)?.value);
    if id.expect(TAG_INTEGER)?.raw != certificate.serial {
        return Ok(false);
    }
    let Ok(hash) = HashAlgorithm::of_identifier(algorithm) else { return Ok(false) };
    let digest = |bytes: &[u8]| hash.digest(bytes).map_err(Unusable::Signature);
    let names = name == digest(certificate.issuer)? || name == digest(issuer.subject)?;
    Ok(names && key == digest(issuer.public_key.bits)?)
}

/// `CertStatus`.
fn read_status(choice: Tlv<'_>) -> Result<Status, DerError> {
    match choice.tag {
        0x80 => Ok(Status::Good),
        TAG_CONTEXT_1 => {
            let mut fields = Reader::new(choice.value);
            let at = read_time(&fields.expect(TAG_GENERALIZED_TIME)?)?;
            let reason = match fields.optional(TAG_CONTEXT_0)? {
                Some(reason) => Some(small(Reader::new(reason.value).expect(TAG_ENUMERATED)?.value)?),
                None => None,
            };
            fields.end()?;
            Ok(Status::Revoked(Revoked { at, reason }))
        }
        0x82 => Ok(Status::Unknown),
        _ => Err(DerError::UnexpectedTag),
    }
}

fn known_only(extensions: &[u8], known: &[&[u8]]) -> Result<(), Unusable> {
    for extension in each(extensions) {
        let extension = extension?;
        if extension.critical && !known.contains(&extension.oid) {
            return Err(Unusable::Extension(dotted(extension.oid)));
        }
    }
    Ok(())
}

/// `CertHash ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, certificateHash OCTET STRING }`.
fn is_hash_of(value: &[u8], certificate: &[u8]) -> Result<bool, Unusable> {
    let mut fields = Reader::new(value).enter(TAG_SEQUENCE)?;
    let hash = HashAlgorithm::of_identifier(fields.expect(TAG_SEQUENCE)?.raw).map_err(Unusable::Signature)?;
    let stated = fields.expect(TAG_OCTET_STRING)?.value;
    fields.end()?;
    Ok(hash.digest(certificate).map_err(Unusable::Signature)? == stated)
}
