//! The certificate of a time-stamp unit: its validity, its purpose, and its path to a certificate that is trusted.

use super::TspError;
use crate::cms::certificate::Certificate;
use crate::der::{
    self, DerError, Reader, TAG_BIT_STRING, TAG_BOOLEAN, TAG_CONTEXT_0, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID,
    TAG_SEQUENCE,
};
use crate::signature;
use model::Time;
use model::limits::CHAIN_CERTIFICATES_MAX;
use std::sync::Arc;

/// One extension of a certificate (RFC 5280 section 4.1.2.9).
struct Extension<'a> {
    critical: bool,
    value: &'a [u8],
}

/// `notBefore` and `notAfter`, and the extension with this identifier, if there is one.
fn look<'a>(certificate: &'a [u8], wanted: &[u8]) -> Result<(Time, Time, Option<Extension<'a>>), DerError> {
    let mut body = Reader::new(certificate).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
    body.optional(TAG_CONTEXT_0)?;
    body.expect(TAG_INTEGER)?;
    body.expect(TAG_SEQUENCE)?;
    body.expect(TAG_SEQUENCE)?;
    let mut validity = body.enter(TAG_SEQUENCE)?;
    let (first, last) = (der::read_time(&validity.read()?)?, der::read_time(&validity.read()?)?);
    let mut found = None;
    while !body.is_empty() {
        let field = body.read()?;
        if field.tag != TAG_EXTENSIONS {
            continue;
        }
        let mut extensions = Reader::new(field.value).enter(TAG_SEQUENCE)?;
        while !extensions.is_empty() {
            let mut extension = extensions.enter(TAG_SEQUENCE)?;
            let oid = extension.expect(TAG_OID)?.value;
            let critical = extension.optional(TAG_BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
            let value = extension.expect(TAG_OCTET_STRING)?.value;
            if oid == wanted && found.replace(Extension { critical, value }).is_some() {
                return Err(DerError::TooMany);
            }
        }
    }
    Ok((first, last, found))
}

/// The value of the SubjectKeyIdentifier extension.
pub(super) fn key_identifier(certificate: &[u8]) -> Result<Option<&[u8]>, DerError> {
    let (_, _, extension) = look(certificate, SUBJECT_KEY_IDENTIFIER)?;
    extension.map(|found| Reader::new(found.value).expect(TAG_OCTET_STRING).map(|id| id.value)).transpose()
}

/// Validity at a time, and the one purpose that RFC 3161 section 2.3 allows, marked critical.
pub(super) fn check_purpose(certificate: &[u8], at: Time) -> Result<(), TspError> {
    let (first, last, purposes) = look(certificate, EXTENDED_KEY_USAGE)?;
    if at < first || at > last {
        return Err(TspError::CertificateNotValid);
    }
    let purposes = purposes.ok_or(TspError::WrongPurpose("it names no purpose"))?;
    let mut list = Reader::new(purposes.value).enter(TAG_SEQUENCE)?;
    if list.expect(TAG_OID)?.value != TIME_STAMPING {
        return Err(TspError::WrongPurpose("it is for another purpose"));
    }
    if !list.is_empty() {
        return Err(TspError::WrongPurpose("it is for other purposes, too"));
    }
    if !purposes.critical {
        return Err(TspError::WrongPurpose("its purpose is not marked critical"));
    }
    let (_, _, usage) = look(certificate, KEY_USAGE)?;
    if let Some(usage) = usage {
        let bits = Reader::new(usage.value).expect(TAG_BIT_STRING)?.value;
        // digitalSignature and nonRepudiation are the first two bits.
        if bits.get(1).is_none_or(|first| first & 0b1100_0000 == 0) {
            return Err(TspError::WrongPurpose("its key is not for signatures"));
        }
    }
    Ok(())
}

/// Whether the certificate is one of the anchors, or leads to one through these others, by names and signatures, each
/// valid at this time. Revocation is not looked at.
pub(super) fn check_path(
    certificate: &Arc<[u8]>,
    others: &[Arc<[u8]>],
    anchors: &[Arc<[u8]>],
    at: Time,
) -> Result<(), TspError> {
    // From the unit upwards, each certificate once: whatever leads on from it leads on no matter how it was reached.
    let mut reached = vec![certificate];
    let mut next = 0;
    while let Some(&current) = reached.get(next) {
        next += 1;
        if anchors.contains(current) {
            return Ok(());
        }
        for issuer in anchors.iter().chain(others) {
            if reached.len() <= CHAIN_CERTIFICATES_MAX && !reached.contains(&issuer) && issued(current, issuer, at) {
                reached.push(issuer);
            }
        }
    }
    Err(TspError::NotTrusted)
}

fn issued(certificate: &[u8], issuer: &[u8], at: Time) -> bool {
    let (Ok(below), Ok(above)) = (Certificate::parse(certificate), Certificate::parse(issuer)) else { return false };
    below.issuer == above.subject
        && may_issue(issuer, at).unwrap_or(false)
        && signature::certificate_signed_by(certificate, issuer).is_ok()
}

/// Valid at this time, and an authority by its BasicConstraints (RFC 5280 section 4.2.1.9).
fn may_issue(certificate: &[u8], at: Time) -> Result<bool, DerError> {
    let (first, last, constraints) = look(certificate, BASIC_CONSTRAINTS)?;
    let Some(constraints) = constraints else { return Ok(false) };
    let mut fields = Reader::new(constraints.value).enter(TAG_SEQUENCE)?;
    let authority = fields.optional(TAG_BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
    Ok(authority && first <= at && at <= last)
}

/// `extensions [3] EXPLICIT`.
const TAG_EXTENSIONS: u8 = 0xa3;
/// id-ce-subjectKeyIdentifier.
const SUBJECT_KEY_IDENTIFIER: &[u8] = b"\x55\x1d\x0e";
/// id-ce-keyUsage.
const KEY_USAGE: &[u8] = b"\x55\x1d\x0f";
/// id-ce-basicConstraints.
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
/// id-ce-extKeyUsage.
const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1d\x25";
/// id-kp-timeStamping (RFC 3161 section 2.3).
const TIME_STAMPING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x08";
