//! The texts of XAdES (EN 319 132-1): signed properties of B-B, and the unsigned ones of the levels above it.
//!
//! Writes only; where a text goes, and what its digest is, is decided elsewhere. All texts declare the prefixes that
//! they use, so that they mean the same wherever they are put.

use super::algorithms::{DS, XADES, XADES_141, canonicalization_uri, digest_uri};
use crate::cms::certificate::Certificate;
use crate::crypto;
use crate::der::{self, TAG_SEQUENCE};
use crate::evidence::Evidence;
use model::profile::Canonicalization;
use model::{Digest, DigestAlgorithm, Time};
use std::fmt::Write;
use std::sync::Arc;

/// One signed data object, for its `DataObjectFormat` (EN 319 132-1 section 5.2.4).
#[derive(Clone, Debug)]
pub(super) struct ObjectFormat {
    /// `Id` of the reference.
    pub(super) reference: String,
    /// `MimeType`.
    pub(super) mime_type: &'static str,
    /// `Encoding`, as in the `ds:Object`.
    pub(super) encoding: Option<&'static str>,
}

/// `SigningCertificateV2` (EN 319 132-1 section 5.2.2). `ds` is the prefix of XML-DSig with its colon, `xades` that of
/// XAdES.
pub(super) fn signing_certificate(
    certificate: &[u8],
    parsed: &Certificate<'_>,
    digest: DigestAlgorithm,
    ds: &str,
    xades: &str,
) -> String {
    let directory_name = der::tlv(0xa4, &[parsed.issuer]);
    let issuer_serial = der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_SEQUENCE, &[&directory_name]), parsed.serial]);
    let value = base64(crypto::digest(digest, certificate).as_bytes());
    format!(
        "<{xades}SigningCertificateV2><{xades}Cert><{xades}CertDigest><{ds}DigestMethod Algorithm=\"{}\"/>\
         <{ds}DigestValue>{value}</{ds}DigestValue></{xades}CertDigest>\
         <{xades}IssuerSerialV2>{}</{xades}IssuerSerialV2></{xades}Cert></{xades}SigningCertificateV2>",
        digest_uri(digest),
        base64(&issuer_serial),
    )
}

/// `QualifyingProperties` with the signed properties of B-B.
pub(super) fn qualifying_properties(
    id: &str,
    xades: &str,
    signing_certificate: &str,
    objects: &[ObjectFormat],
    now: Time,
) -> String {
    let (year, month, day, hour, minute, second) = now.civil();
    let declaration = declaration(xades, XADES);
    let mut text = format!(
        "<{xades}QualifyingProperties {declaration} Target=\"#{id}\"><{xades}SignedProperties Id=\"{id}-properties\">\
         <{xades}SignedSignatureProperties><{xades}SigningTime>\
         {year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z</{xades}SigningTime>{signing_certificate}\
         </{xades}SignedSignatureProperties><{xades}SignedDataObjectProperties>"
    );
    for object in objects {
        let ObjectFormat { reference, mime_type, encoding } = object;
        let _ = write!(
            text,
            "<{xades}DataObjectFormat ObjectReference=\"#{reference}\"><{xades}MimeType>{mime_type}</{xades}MimeType>"
        );
        if let Some(encoding) = encoding {
            let _ = write!(text, "<{xades}Encoding>{encoding}</{xades}Encoding>");
        }
        let _ = write!(text, "</{xades}DataObjectFormat>");
    }
    let _ =
        write!(text, "</{xades}SignedDataObjectProperties></{xades}SignedProperties></{xades}QualifyingProperties>");
    text
}

/// `SignatureTimeStamp` (EN 319 132-1 section 5.3).
pub(super) fn signature_time_stamp(method: &Canonicalization, token: &[u8]) -> String {
    format!(
        "<xades:SignatureTimeStamp xmlns:xades=\"{XADES}\">{}</xades:SignatureTimeStamp>",
        stamp_content(method, token)
    )
}

/// `ArchiveTimeStamp` (EN 319 132-1 section 5.5.2), that of namespace 1.4.1.
pub(super) fn archive_time_stamp(method: &Canonicalization, token: &[u8]) -> String {
    format!(
        "<xades141:ArchiveTimeStamp xmlns:xades141=\"{XADES_141}\" xmlns:xades=\"{XADES}\">{}\
         </xades141:ArchiveTimeStamp>",
        stamp_content(method, token)
    )
}

fn stamp_content(method: &Canonicalization, token: &[u8]) -> String {
    format!(
        "<ds:CanonicalizationMethod xmlns:ds=\"{DS}\" Algorithm=\"{}\"></ds:CanonicalizationMethod>\
         <xades:EncapsulatedTimeStamp>{}</xades:EncapsulatedTimeStamp>",
        canonicalization_uri(method),
        base64(token)
    )
}

/// `CertificateValues` (EN 319 132-1 section 5.4.1). Empty if there are none.
pub(super) fn certificate_values(certificates: &[Arc<[u8]>]) -> String {
    if certificates.is_empty() {
        return String::new();
    }
    let values = encapsulated("X509Certificate", certificates);
    format!("<xades:CertificateValues xmlns:xades=\"{XADES}\">{values}</xades:CertificateValues>")
}

/// `RevocationValues` (EN 319 132-1 section 5.4.2). Empty if there are none.
pub(super) fn revocation_values(evidence: &Evidence) -> String {
    if evidence.crls.is_empty() && evidence.ocsp_responses.is_empty() {
        return String::new();
    }
    let list = |name: &str, local: &str, values: &[Arc<[u8]>]| match values {
        [] => String::new(),
        values => format!("<xades:{name}>{}</xades:{name}>", encapsulated(local, values)),
    };
    let crls = list("CRLValues", "CRLValue", &evidence.crls);
    let responses = list("OCSPValues", "OCSPValue", &evidence.ocsp_responses);
    format!("<xades:RevocationValues xmlns:xades=\"{XADES}\">{crls}{responses}</xades:RevocationValues>")
}

/// `TimeStampValidationData` (EN 319 132-1 section 5.5.1) around other values: what came after the first ones.
pub(super) fn time_stamp_validation_data(values: &str) -> String {
    format!(
        "<xades141:TimeStampValidationData xmlns:xades141=\"{XADES_141}\">{values}</xades141:TimeStampValidationData>"
    )
}

/// What unsigned properties have to be in: start tag and end tag.
pub(super) const UNSIGNED_PROPERTIES: [&str; 2] =
    ["<xades:UnsignedProperties xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\">", "</xades:UnsignedProperties>"];

/// What unsigned properties of the signature have to be in, inside of [`UNSIGNED_PROPERTIES`].
pub(super) const UNSIGNED_SIGNATURE_PROPERTIES: [&str; 2] = [
    "<xades:UnsignedSignatureProperties xmlns:xades=\"http://uri.etsi.org/01903/v1.3.2#\">",
    "</xades:UnsignedSignatureProperties>",
];

fn encapsulated(local: &str, values: &[Arc<[u8]>]) -> String {
    let mut text = String::new();
    for value in values {
        let _ = write!(text, "<xades:Encapsulated{local}>{}</xades:Encapsulated{local}>", base64(value));
    }
    text
}

/// A namespace declaration for a prefix with its colon, or for none.
pub(super) fn declaration(prefix: &str, namespace: &str) -> String {
    match prefix.strip_suffix(':') {
        Some(prefix) => format!("xmlns:{prefix}=\"{namespace}\""),
        None => format!("xmlns=\"{namespace}\""),
    }
}

/// Base64 without line breaks.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// The text of a digest.
pub(super) fn digest_text(digest: &Digest) -> String {
    base64(digest.as_bytes())
}
