//! Object identifiers of encryption as ready DER, and the algorithm identifiers made of them.

use crate::der::{self, DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, Tlv};
use model::{OaepPadding, Sha};

/// id-envelopedData (RFC 5652 section 6.1).
pub(super) const OID_ENVELOPED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
/// id-ct-authEnvelopedData (RFC 5083 section 2.1).
pub(super) const OID_AUTH_ENVELOPED_DATA: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17";
/// id-RSAES-OAEP (RFC 8017).
pub(super) const OID_OAEP: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07";
const OID_MGF1: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";
const OID_P_SPECIFIED: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x09";
/// DES-EDE3-CBC (RFC 8018 appendix B.2.2).
pub(super) const OID_TRIPLE_DES: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07";
/// RC2-CBC (RFC 8018 appendix B.2.3).
pub(super) const OID_RC2: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x02";
/// id-alg-CMS3DESwrap (RFC 3370 section 4.3.1).
pub(super) const OID_TRIPLE_DES_WRAP: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x06";
/// 2.16.840.1.101.3.4.1, to which one arc is added.
const OID_AES: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01";
/// 2.16.840.1.101.3.4.2, to which one arc is added.
const OID_SHA2: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02";
const OID_SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
/// 1.3.132.1.11 and 1.3.132.1.14 (RFC 5753 section 7.1.4), to which one arc is added.
const OID_STANDARD_DH: &[u8] = b"\x2b\x81\x04\x01\x0b";
const OID_COFACTOR_DH: &[u8] = b"\x2b\x81\x04\x01\x0e";
/// 1.3.133.16.840.63.0 (ANSI X9.63), to which one arc is added.
const OID_X963_DH: &[u8] = b"\x2b\x81\x05\x10\x86\x48\x3f\x00";

const NULL: &[u8] = b"\x05\x00";

/// An OBJECT IDENTIFIER of the AES family (NIST CSOR).
pub(super) fn aes_oid(arc: u8) -> Vec<u8> {
    der::tlv(TAG_OID, &[OID_AES, &[arc]])
}

/// The last arc of an OBJECT IDENTIFIER of the AES family.
pub(super) fn aes_arc(oid: &Tlv<'_>) -> Option<u8> {
    last_arc(oid.value, OID_AES)
}

fn last_arc(oid: &[u8], family: &[u8]) -> Option<u8> {
    match oid.strip_prefix(family) {
        Some([arc]) => Some(*arc),
        _ => None,
    }
}

/// The algorithm and its parameters, if there are any.
pub(super) fn algorithm(identifier: &[u8]) -> Result<(Tlv<'_>, Option<Tlv<'_>>), DerError> {
    let mut outer = Reader::new(identifier);
    let mut fields = outer.enter(TAG_SEQUENCE)?;
    outer.end()?;
    let oid = fields.expect(TAG_OID)?;
    let parameters = if fields.is_empty() { None } else { Some(fields.read()?) };
    fields.end()?;
    Ok((oid, parameters))
}

/// dhSinglePass-stdDH-*kdf-scheme, its parameters the identifier of the key wrap.
pub(super) fn standard_dh(kdf: Sha, wrap: &[u8]) -> Vec<u8> {
    let oid = match kdf {
        Sha::Sha1 => der::tlv(TAG_OID, &[OID_X963_DH, &[2]]),
        Sha::Sha224 => der::tlv(TAG_OID, &[OID_STANDARD_DH, &[0]]),
        Sha::Sha256 => der::tlv(TAG_OID, &[OID_STANDARD_DH, &[1]]),
        Sha::Sha384 => der::tlv(TAG_OID, &[OID_STANDARD_DH, &[2]]),
        Sha::Sha512 => der::tlv(TAG_OID, &[OID_STANDARD_DH, &[3]]),
    };
    der::tlv(TAG_SEQUENCE, &[&oid, wrap])
}

/// The digest of the key derivation of a single-pass scheme. Cofactor schemes are the same as the standard ones on all
/// curves that we know: their cofactor is 1.
pub(super) fn dh_kdf(oid: &Tlv<'_>) -> Option<Sha> {
    let family = last_arc(oid.value, OID_STANDARD_DH).or_else(|| last_arc(oid.value, OID_COFACTOR_DH));
    match (family, last_arc(oid.value, OID_X963_DH)) {
        (Some(0), _) => Some(Sha::Sha224),
        (Some(1), _) => Some(Sha::Sha256),
        (Some(2), _) => Some(Sha::Sha384),
        (Some(3), _) => Some(Sha::Sha512),
        (None, Some(2 | 3)) => Some(Sha::Sha1),
        _ => None,
    }
}

/// The AlgorithmIdentifier of RSAES-OAEP with one digest for both purposes and no label (RFC 4055 section 4.1).
pub(super) fn oaep(sha: Sha) -> Vec<u8> {
    let hash = der::tlv(TAG_SEQUENCE, &[&sha_oid(sha), NULL]);
    let mask = der::tlv(TAG_SEQUENCE, &[OID_MGF1, &hash]);
    let parameters = der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_CONTEXT_0, &[&hash]), &der::tlv(TAG_CONTEXT_1, &[&mask])]);
    der::tlv(TAG_SEQUENCE, &[OID_OAEP, &parameters])
}

fn sha_oid(sha: Sha) -> Vec<u8> {
    match sha {
        Sha::Sha1 => der::tlv(TAG_OID, &[OID_SHA1]),
        Sha::Sha256 => der::tlv(TAG_OID, &[OID_SHA2, &[1]]),
        Sha::Sha384 => der::tlv(TAG_OID, &[OID_SHA2, &[2]]),
        Sha::Sha512 => der::tlv(TAG_OID, &[OID_SHA2, &[3]]),
        Sha::Sha224 => der::tlv(TAG_OID, &[OID_SHA2, &[4]]),
    }
}

/// `RSAES-OAEP-params` (RFC 8017 appendix A.2.1). `None` if it names something that nobody here knows.
pub(super) fn oaep_padding(parameters: Option<Tlv<'_>>) -> Result<Option<OaepPadding>, DerError> {
    let mut padding = OaepPadding { hash: Sha::Sha1, mask: Sha::Sha1, label: Vec::new() };
    let Some(parameters) = parameters else { return Ok(Some(padding)) };
    let mut outer = Reader::new(parameters.raw);
    let mut fields = outer.enter(TAG_SEQUENCE)?;
    if let Some(hash) = fields.optional(TAG_CONTEXT_0)? {
        let Some(sha) = sha_of(hash.value)? else { return Ok(None) };
        padding.hash = sha;
    }
    if let Some(mask) = fields.optional(TAG_CONTEXT_1)? {
        let (oid, hash) = algorithm(mask.value)?;
        let sha = hash.map(|hash| sha_of(hash.raw)).transpose()?.flatten();
        let (OID_MGF1, Some(sha)) = (oid.raw, sha) else { return Ok(None) };
        padding.mask = sha;
    }
    if let Some(source) = fields.optional(TAG_CONTEXT_1 + 1)? {
        let (oid, label) = algorithm(source.value)?;
        match (oid.raw, label) {
            (OID_P_SPECIFIED, Some(label)) if label.tag == TAG_OCTET_STRING => padding.label = label.value.to_vec(),
            _ => return Ok(None),
        }
    }
    fields.end()?;
    Ok(Some(padding))
}

fn sha_of(identifier: &[u8]) -> Result<Option<Sha>, DerError> {
    let (oid, _) = algorithm(identifier)?;
    Ok(Sha::ALL.into_iter().find(|sha| sha_oid(*sha) == oid.raw))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn identifiers_are_those_of_the_standards() {
        let oaep_sha256 =
            b"\x30\x3c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07\x30\x2f\xa0\x0f\x30\x0d\x06\x09\x60\x86\
            \x48\x01\x65\x03\x04\x02\x01\x05\x00\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08\x30\x0d\
            \x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00";
        assert_eq!(oaep(Sha::Sha256), oaep_sha256);
        let wrap = der::tlv(TAG_SEQUENCE, &[&aes_oid(45)]);
        let agreement = b"\x30\x15\x06\x06\x2b\x81\x04\x01\x0b\x01\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2d";
        assert_eq!(standard_dh(Sha::Sha256, &wrap), agreement);
    }

    #[test]
    fn what_is_written_is_read() {
        for sha in Sha::ALL {
            let identifier = oaep(sha);
            let (oid, parameters) = algorithm(&identifier).unwrap();
            assert_eq!(oid.raw, OID_OAEP);
            let padding = oaep_padding(parameters).unwrap().unwrap();
            assert_eq!((padding.hash, padding.mask), (sha, sha));
            let identifier = standard_dh(sha, NULL);
            assert_eq!(dh_kdf(&algorithm(&identifier).unwrap().0), Some(sha));
        }
    }
}
