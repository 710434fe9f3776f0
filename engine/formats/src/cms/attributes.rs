//! The signed attributes as a ready encoding with two gaps: the message digest and the signing time.

use super::Shape;
use super::identifiers::{
    OID_ALGORITHM_PROTECTION, OID_CONTENT_TYPE, OID_DATA, OID_MESSAGE_DIGEST, OID_SIGNING_CERTIFICATE_V2,
    OID_SIGNING_TIME, digest_identifier, signature_identifier,
};
use crate::crypto;
use crate::der::{self, TAG_GENERALIZED_TIME, TAG_OCTET_STRING, TAG_SEQUENCE, TAG_SET, TAG_UTC_TIME};
use model::{Digest, DigestAlgorithm, Scheme, SignatureAlgorithm, Time};

/// `SignedAttributes ::= SET SIZE (1..MAX) OF Attribute` (RFC 5652 section 5.3) in DER with the universal tag, as it
/// is signed.
#[derive(Debug)]
pub(super) struct Attributes {
    utc: Layout,
    /// With signing times from 2050 on, which do not fit a UTCTime.
    generalized: Layout,
}

#[derive(Debug)]
struct Layout {
    bytes: Vec<u8>,
    digest_at: usize,
    time_at: Option<usize>,
}

impl Attributes {
    pub(super) fn new(certificate: &[u8], algorithm: SignatureAlgorithm, shape: Shape) -> Self {
        Self {
            utc: Layout::new(certificate, algorithm, shape, TimeForm::Utc),
            generalized: Layout::new(certificate, algorithm, shape, TimeForm::Generalized),
        }
    }

    /// The longer of the two forms, in bytes.
    pub(super) fn length_max(&self) -> usize {
        self.utc.bytes.len().max(self.generalized.bytes.len())
    }

    /// The finished set. `digest` has the length that was laid out.
    pub(super) fn fill(&self, digest: &Digest, now: Time) -> Vec<u8> {
        let form = TimeForm::of(now);
        let layout = match form {
            TimeForm::Utc => &self.utc,
            TimeForm::Generalized => &self.generalized,
        };
        let mut bytes = layout.bytes.clone();
        let value = digest.as_bytes();
        bytes[layout.digest_at..layout.digest_at + value.len()].copy_from_slice(value);
        if let Some(at) = layout.time_at {
            form.write(now, &mut bytes[at..at + form.len()]);
        }
        bytes
    }
}

impl Layout {
    fn new(certificate: &[u8], algorithm: SignatureAlgorithm, shape: Shape, form: TimeForm) -> Self {
        let digest_gap = vec![0; algorithm.digest.len()];
        let time_gap = vec![b'0'; form.len()];
        let mut members = vec![attribute(OID_MESSAGE_DIGEST, &der::tlv(TAG_OCTET_STRING, &[&digest_gap]))];
        if shape.content_type {
            members.push(attribute(OID_CONTENT_TYPE, OID_DATA));
        }
        if shape.signing_time {
            members.push(attribute(OID_SIGNING_TIME, &der::tlv(form.tag(), &[&time_gap])));
        }
        if shape.signing_certificate {
            members.push(attribute(OID_SIGNING_CERTIFICATE_V2, &signing_certificate(certificate, algorithm.digest)));
        }
        // PKCS#1 v1.5 names its digest inside the padding; nothing else does (RFC 6211 section 1).
        if algorithm.scheme != Scheme::RsaPkcs1 {
            members.push(attribute(OID_ALGORITHM_PROTECTION, &algorithm_protection(algorithm)));
        }
        // The order of a DER SET OF does not depend on what the gaps hold: type and length come first in each member,
        // and no two members have the same type.
        members.sort_unstable();
        let body: usize = members.iter().map(Vec::len).sum();
        let mut at = der::header_length(body as u64);
        let (mut digest_at, mut time_at) = (0, None);
        for member in &members {
            at += member.len();
            // Both values are the last bytes of their attribute.
            if member[2..].starts_with(OID_MESSAGE_DIGEST) {
                digest_at = at - digest_gap.len();
            } else if member[2..].starts_with(OID_SIGNING_TIME) {
                time_at = Some(at - time_gap.len());
            }
        }
        Self { bytes: der::set_of(TAG_SET, members), digest_at, time_at }
    }
}

/// `Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }` with one value.
fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der::tlv(TAG_SEQUENCE, &[oid, &der::tlv(TAG_SET, &[value])])
}

/// `SigningCertificateV2` (RFC 5035 section 3) with the signer's certificate. issuerSerial is left out as EN 319 122-1
/// recommends; hashAlgorithm is left out for SHA-256, which is its default.
fn signing_certificate(certificate: &[u8], algorithm: DigestAlgorithm) -> Vec<u8> {
    let hash = der::tlv(TAG_OCTET_STRING, &[crypto::digest(algorithm, certificate).as_bytes()]);
    let id = match algorithm {
        DigestAlgorithm::Sha256 => der::tlv(TAG_SEQUENCE, &[&hash]),
        other => der::tlv(TAG_SEQUENCE, &[&digest_identifier(other), &hash]),
    };
    der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_SEQUENCE, &[&id])])
}

/// `CMSAlgorithmProtection ::= SEQUENCE { digestAlgorithm, signatureAlgorithm [1] IMPLICIT … }` (RFC 6211 section 2).
fn algorithm_protection(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let mut signature = signature_identifier(algorithm);
    signature[0] = der::TAG_CONTEXT_1;
    der::tlv(TAG_SEQUENCE, &[&digest_identifier(algorithm.digest), &signature])
}

/// UTCTime up to 2049, GeneralizedTime from then on (RFC 5652 section 11.3).
#[derive(Clone, Copy)]
enum TimeForm {
    Utc,
    Generalized,
}

impl TimeForm {
    fn of(time: Time) -> Self {
        if time.civil().0 < 2050 { TimeForm::Utc } else { TimeForm::Generalized }
    }

    fn tag(self) -> u8 {
        match self {
            TimeForm::Utc => TAG_UTC_TIME,
            TimeForm::Generalized => TAG_GENERALIZED_TIME,
        }
    }

    fn len(self) -> usize {
        match self {
            TimeForm::Utc => "YYMMDDHHMMSSZ".len(),
            TimeForm::Generalized => "YYYYMMDDHHMMSSZ".len(),
        }
    }

    /// Writes the time; `out` has the form's length.
    fn write(self, time: Time, out: &mut [u8]) {
        let (year, month, day, hour, minute, second) = time.civil();
        // The last year that the form can say; the clock would have to be 8 000 years wrong.
        let year = year.clamp(0, 9_999) as u16;
        let century = [(year / 100) as u8];
        let rest = [(year % 100) as u8, month, day, hour, minute, second];
        let numbers = match self {
            TimeForm::Utc => [].iter().chain(&rest),
            TimeForm::Generalized => century.iter().chain(&rest),
        };
        let (digits, zone) = out.split_at_mut(self.len() - 1);
        for (pair, number) in digits.chunks_exact_mut(2).zip(numbers) {
            pair.copy_from_slice(&[b'0' + number / 10 % 10, b'0' + number % 10]);
        }
        zone.copy_from_slice(b"Z");
    }
}
