//! The CMS message around a `TSTInfo`: one signer, the attributes that RFC 3161 section 2.4.2 asks for, a signature that
//! verifies. Says nothing about trust.

use super::{Info, OID_TST_INFO, Token, TspError};
use crate::cms::certificate::Certificate;
use crate::cms::identifiers::{OID_CONTENT_TYPE, OID_MESSAGE_DIGEST, OID_SIGNING_CERTIFICATE_V2};
use crate::cms::reader::{SignedData, SignerInfo, joined};
use crate::der::{self, DerError, Reader, TAG_OCTET_STRING, TAG_SEQUENCE, TAG_SET};
use crate::signature::{HashAlgorithm, Method};
use std::sync::Arc;

/// Reads a token and checks everything that needs no opinion.
pub(super) fn read(bytes: &[u8], further: &[Arc<[u8]>]) -> Result<Token, TspError> {
    // A message of indefinite length ends somewhere in here; one in DER says where.
    let bytes = Reader::new(bytes).read().map_or(bytes, |outer| outer.raw);
    let message = SignedData::read(bytes)?;
    if bytes.get(message.content_type.clone()) != Some(OID_TST_INFO) {
        return Err(TspError::Rule("its content is something else"));
    }
    let content = message.content_bytes(bytes).ok_or(TspError::Rule("it has no content"))?;
    let info = Info::read(&content)?;
    let [signer] = &message.signers[..] else { return Err(TspError::Rule("it has not exactly one signer")) };

    let copies = |places: &[std::ops::Range<usize>]| -> Vec<Arc<[u8]>> {
        places.iter().filter_map(|place| bytes.get(place.clone())).map(Arc::from).collect()
    };
    let certificates = copies(&message.certificates);
    let id = bytes.get(signer.id.clone()).unwrap_or_default();
    let certificate = certificates.iter().chain(further).find(|certificate| is_signer(certificate, id));
    let certificate = certificate.ok_or(TspError::NoCertificate)?.clone();

    let digest = check_attributes(bytes, signer, &content, &certificate)?;
    let method = check_signature(bytes, signer, &certificate)?;
    let revocations = copies(&message.revocations);
    Ok(Token { der: bytes.into(), info, signer: certificate, certificates, revocations, method, digest })
}

/// Whether a SignerIdentifier (RFC 5652 section 5.3) means this certificate.
fn is_signer(certificate: &[u8], id: &[u8]) -> bool {
    let Ok(parsed) = Certificate::parse(certificate) else { return false };
    match id.split_first() {
        Some((&TAG_SEQUENCE, _)) => der::tlv(TAG_SEQUENCE, &[parsed.issuer, parsed.serial]) == id,
        Some(_) => match (super::unit::key_identifier(certificate), Reader::new(id).read()) {
            (Ok(Some(ours)), Ok(theirs)) => theirs.tag == 0x80 && ours == theirs.value,
            _ => false,
        },
        None => false,
    }
}

/// content-type, message-digest, and the reference to the signer's certificate. Gives the algorithm of message-digest.
fn check_attributes(
    bytes: &[u8],
    signer: &SignerInfo,
    content: &[u8],
    certificate: &[u8],
) -> Result<HashAlgorithm, TspError> {
    let one = |oid| {
        let mut found = signer.signed(bytes, oid);
        let attribute = found.next().filter(|_| found.next().is_none())?;
        let [value] = &attribute.values[..] else { return None };
        bytes.get(value.clone())
    };
    if one(OID_CONTENT_TYPE) != Some(OID_TST_INFO) {
        return Err(TspError::Rule("its content type is not signed"));
    }
    let hash = HashAlgorithm::of_identifier(bytes.get(signer.digest_algorithm.clone()).unwrap_or_default())?;
    let digest = der::tlv(TAG_OCTET_STRING, &[&hash.digest(content)?]);
    if one(OID_MESSAGE_DIGEST) != Some(&digest[..]) {
        return Err(TspError::Rule("the signed digest is not that of its content"));
    }
    let (first, second) = (one(OID_SIGNING_CERTIFICATE), one(OID_SIGNING_CERTIFICATE_V2));
    if first.is_none() && second.is_none() {
        return Err(TspError::Rule("it does not name its signer's certificate"));
    }
    let named = first.is_none_or(|value| names(value, certificate, true).unwrap_or(false))
        && second.is_none_or(|value| names(value, certificate, false).unwrap_or(false));
    if named { Ok(hash) } else { Err(TspError::WrongCertificate) }
}

/// Whether the first ESSCertID (RFC 2634 section 5.4.1, always SHA-1) or ESSCertIDv2 (RFC 5035 section 4) is the one of
/// this certificate.
fn names(value: &[u8], certificate: &[u8], first_version: bool) -> Result<bool, TspError> {
    let mut id = Reader::new(value).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
    let hash = match (first_version, id.optional(TAG_SEQUENCE)?) {
        (true, None) => HashAlgorithm::Sha1,
        (true, Some(_)) => return Err(DerError::UnexpectedTag.into()),
        (false, None) => HashAlgorithm::Sha256,
        (false, Some(identifier)) => HashAlgorithm::of_identifier(identifier.raw)?,
    };
    if id.expect(TAG_OCTET_STRING)?.value != hash.digest(certificate)? {
        return Ok(false);
    }
    // IssuerSerial ::= SEQUENCE { issuer GeneralNames, serialNumber }
    let Some(issuer_serial) = id.optional(TAG_SEQUENCE)? else { return Ok(true) };
    let parsed = Certificate::parse(certificate)?;
    let mut fields = Reader::new(issuer_serial.value);
    let mut names = fields.enter(TAG_SEQUENCE)?;
    let issuer = names.enter(TAG_DIRECTORY_NAME)?.expect(TAG_SEQUENCE)?.raw;
    Ok(issuer == parsed.issuer && fields.expect(der::TAG_INTEGER)?.raw == parsed.serial)
}

fn check_signature(bytes: &[u8], signer: &SignerInfo, certificate: &[u8]) -> Result<Method, TspError> {
    let field = |place: &std::ops::Range<usize>| bytes.get(place.clone()).unwrap_or_default();
    let method = Method::of_signer_info(field(&signer.signature_algorithm), field(&signer.digest_algorithm))?;
    let key = Certificate::parse(certificate)?.public_key.raw;
    let value = joined(bytes, &signer.signature);
    let signed = signer.signed_bytes(bytes).ok_or(TspError::Rule("it has no signed attributes"))?;
    let as_received = method.verify(key, &signed, &value);
    if as_received.is_ok() {
        return Ok(method);
    }
    // RFC 5652 section 5.4 has the DER encoding signed, whatever order the attributes were sent in.
    let mut inside = Reader::new(&signed).enter(TAG_SET)?;
    let mut members = Vec::new();
    while !inside.is_empty() {
        members.push(inside.read()?.raw.to_vec());
    }
    let sorted = der::set_of(TAG_SET, members);
    if sorted == signed {
        as_received?
    } else {
        method.verify(key, &sorted, &value)?
    }
    Ok(method)
}

/// id-aa-signingCertificate (RFC 2634 section 5.4).
const OID_SIGNING_CERTIFICATE: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0c";
/// `directoryName [4]` of a GeneralName, explicit because Name is a CHOICE.
const TAG_DIRECTORY_NAME: u8 = 0xa4;
