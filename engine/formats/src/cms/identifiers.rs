//! Object identifiers and algorithm identifiers of CMS as ready DER, and back again.

use crate::der::{self, TAG_OID, TAG_SEQUENCE};
use model::{Curve, DigestAlgorithm, Scheme, SignatureAlgorithm};

/// id-data (RFC 5652 section 4).
pub const OID_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
/// id-signedData (RFC 5652 section 5.1).
pub const OID_SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
/// id-contentType (RFC 5652 section 11.1).
pub const OID_CONTENT_TYPE: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
/// id-messageDigest (RFC 5652 section 11.2).
pub const OID_MESSAGE_DIGEST: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
/// id-signingTime (RFC 5652 section 11.3).
pub const OID_SIGNING_TIME: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05";
/// id-aa-CMSAlgorithmProtect (RFC 6211).
pub const OID_ALGORITHM_PROTECTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x34";
/// id-aa-signingCertificateV2 (RFC 5035).
pub const OID_SIGNING_CERTIFICATE_V2: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f";

/// id-aa-signingCertificate (RFC 2634), with SHA-1.
pub const OID_SIGNING_CERTIFICATE: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0c";
/// id-countersignature (RFC 5652 section 11.4).
pub const OID_COUNTERSIGNATURE: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x06";
/// id-aa-ets-contentTimestamp (EN 319 122-1 section 5.2.8).
pub const OID_CONTENT_TIME_STAMP: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x14";
/// id-aa-signatureTimeStampToken (RFC 3161 appendix A).
pub const OID_SIGNATURE_TIME_STAMP: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e";
/// id-aa-ets-escTimeStamp (EN 319 122-1 annex A.1.5.2), of old.
pub const OID_CADES_C_TIME_STAMP: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x19";
/// id-aa-ets-archiveTimestamp (TS 101 733 up to 1.7), of old.
pub const OID_ARCHIVE_TIME_STAMP_1: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x1b";
/// id-aa-ets-archiveTimestampV2 (TS 101 733 up to 2.1), of old.
pub const OID_ARCHIVE_TIME_STAMP_2: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x30";
/// id-aa-ets-archiveTimestampV3 (EN 319 122-1 section 5.5.3).
pub const OID_ARCHIVE_TIME_STAMP_3: &[u8] = b"\x06\x06\x04\x00\x8d\x45\x02\x04";
/// id-aa-ATSHashIndex-v3 (EN 319 122-1 section 5.5.2).
pub const OID_HASH_INDEX_3: &[u8] = b"\x06\x07\x04\x00\x81\x95\x32\x01\x05";
/// id-aa-er-internal (RFC 4998 appendix A).
pub const OID_EVIDENCE_RECORD_INTERNAL: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x31";
/// id-aa-er-external (RFC 4998 appendix A).
pub const OID_EVIDENCE_RECORD_EXTERNAL: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x32";
/// id-aa-contentHint (RFC 2634 section 2.9).
pub const OID_CONTENT_HINTS: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x04";
/// id-aa-ets-sigPolicyId (EN 319 122-1 section 5.2.9).
pub const OID_SIGNATURE_POLICY: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0f";
/// id-aa-ets-commitmentType (EN 319 122-1 section 5.2.3).
pub const OID_COMMITMENT_TYPE: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x10";
/// id-aa-ets-signerLocation (EN 319 122-1 section 5.2.5).
pub const OID_SIGNER_LOCATION: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x11";
/// id-aa-ets-signerAttr (TS 101 733), of old.
pub const OID_SIGNER_ATTRIBUTES: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x12";
/// id-aa-ets-signerAttrV2 (EN 319 122-1 section 5.2.6.1).
pub const OID_SIGNER_ATTRIBUTES_2: &[u8] = b"\x06\x07\x04\x00\x81\x95\x32\x01\x01";
/// id-aa-ets-mimeType (EN 319 122-1 section 5.2.4.3).
pub const OID_MIME_TYPE: &[u8] = b"\x06\x06\x04\x00\x8d\x45\x02\x01";
/// id-aa-ets-certificateRefs (EN 319 122-1 annex A.1.1).
pub const OID_CERTIFICATE_REFERENCES: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x15";
/// id-aa-ets-revocationRefs (EN 319 122-1 annex A.1.2).
pub const OID_REVOCATION_REFERENCES: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x16";
/// id-aa-ets-certValues (TS 101 733), of old.
pub const OID_CERTIFICATE_VALUES: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x17";
/// id-aa-ets-revocationValues (TS 101 733), of old.
pub const OID_REVOCATION_VALUES: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x18";
/// id-aa-ets-certCRLTimestamp (EN 319 122-1 annex A.1.5.1).
pub const OID_REFERENCES_TIME_STAMP: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x1a";
/// id-aa-ATSHashIndex (TS 101 733 2.2), of old.
pub const OID_HASH_INDEX_1: &[u8] = b"\x06\x06\x04\x00\x8d\x45\x02\x05";
/// id-aa-ATSHashIndex-v2 (EN 319 122-1 annex A.2.2.1), of old.
pub const OID_HASH_INDEX_2: &[u8] = b"\x06\x07\x04\x00\x81\x95\x32\x01\x04";
/// adbe-revocationInfoArchival (ISO 32000-1 section 12.8.3.3.2).
pub const OID_ADOBE_REVOCATION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x2f\x01\x01\x08";
/// id-ri-ocsp-response (RFC 5940 section 2.1).
pub const OID_OCSP_RESPONSE: &[u8] = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x10\x02";
/// id-pkix-ocsp-basic (RFC 6960 section 4.2.1).
pub const OID_OCSP_BASIC: &[u8] = b"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01";

/// rsaEncryption (RFC 8017).
pub const OID_RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// id-RSASSA-PSS (RFC 8017).
pub const OID_RSA_PSS: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
/// id-ecPublicKey (RFC 5480).
pub const OID_EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
/// id-Ed25519 (RFC 8410).
pub const OID_ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

/// id-ml-dsa-65 (RFC 9881 section 2).
pub const OID_ML_DSA_65: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x12";

const NULL: &[u8] = b"\x05\x00";
/// 1.2.840.113549.1.1, to which one arc is added.
const OID_PKCS1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01";
/// 1.2.840.10045.4.3, to which one arc is added.
const OID_ECDSA_WITH: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03";
/// 2.16.840.1.101.3.4.2, to which one arc is added.
const OID_SHA2: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02";
const OID_MGF1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";

/// The named curve's object identifier (RFC 5480 section 2.1.1.1, RFC 5639 section 4.1).
pub fn curve_oid(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::P256 => b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        Curve::P384 => b"\x06\x05\x2b\x81\x04\x00\x22",
        Curve::P521 => b"\x06\x05\x2b\x81\x04\x00\x23",
        Curve::BrainpoolP256r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07",
        Curve::BrainpoolP384r1 => b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b",
    }
}

/// The AlgorithmIdentifier of a digest, parameters absent (RFC 5754 section 2).
pub fn digest_identifier(algorithm: DigestAlgorithm) -> Vec<u8> {
    der::tlv(TAG_SEQUENCE, &[&digest_oid(algorithm)])
}

fn digest_oid(algorithm: DigestAlgorithm) -> Vec<u8> {
    let arc = match algorithm {
        DigestAlgorithm::Sha256 => 1,
        DigestAlgorithm::Sha384 => 2,
        DigestAlgorithm::Sha512 => 3,
    };
    der::tlv(TAG_OID, &[OID_SHA2, &[arc]])
}

/// The AlgorithmIdentifier of a signature: RSA with NULL (RFC 5754 section 3.2), PSS with explicit parameters (RFC
/// 4056 section 2.2), ECDSA (RFC 5754 section 3.3), Ed25519 (RFC 8419 section 2.2) and ML-DSA (RFC 9882 section 3.4)
/// without any.
pub fn signature_identifier(algorithm: SignatureAlgorithm) -> Vec<u8> {
    let with = |prefix: &[u8], arcs: [u8; 3]| {
        let arc = match algorithm.digest {
            DigestAlgorithm::Sha256 => arcs[0],
            DigestAlgorithm::Sha384 => arcs[1],
            DigestAlgorithm::Sha512 => arcs[2],
        };
        der::tlv(TAG_OID, &[prefix, &[arc]])
    };
    match algorithm.scheme {
        Scheme::RsaPkcs1 => der::tlv(TAG_SEQUENCE, &[&with(OID_PKCS1, [11, 12, 13]), NULL]),
        Scheme::Ecdsa => der::tlv(TAG_SEQUENCE, &[&with(OID_ECDSA_WITH, [2, 3, 4])]),
        Scheme::Ed25519 => der::tlv(TAG_SEQUENCE, &[OID_ED25519]),
        Scheme::MlDsa65 => der::tlv(TAG_SEQUENCE, &[OID_ML_DSA_65]),
        Scheme::RsaPss => der::tlv(TAG_SEQUENCE, &[OID_RSA_PSS, &pss_parameters(algorithm.digest)]),
    }
}

/// `RSASSA-PSS-params` (RFC 4055 section 3.1): the digest for both, the salt as long as it, the trailer left out. NULL
/// in the inner identifiers, because that is what most verifiers compare with.
fn pss_parameters(digest: DigestAlgorithm) -> Vec<u8> {
    let hash = der::tlv(TAG_SEQUENCE, &[&digest_oid(digest), NULL]);
    let mask = der::tlv(TAG_SEQUENCE, &[OID_MGF1, &hash]);
    let salt = [der::TAG_INTEGER, 1, digest.len() as u8];
    let fields = [der::tlv(0xa0, &[&hash]), der::tlv(0xa1, &[&mask]), der::tlv(0xa2, &[&salt])];
    der::tlv(TAG_SEQUENCE, &[&fields[0], &fields[1], &fields[2]])
}

/// Recognises a digest's AlgorithmIdentifier; absent parameters equal NULL.
pub fn digest_of(identifier: &[u8]) -> Option<DigestAlgorithm> {
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512].into_iter().find(|&algorithm| {
        let oid = digest_oid(algorithm);
        identifier == der::tlv(TAG_SEQUENCE, &[&oid]) || identifier == der::tlv(TAG_SEQUENCE, &[&oid, NULL])
    })
}
