//! Checks the signatures of others: of certificates, CRLs, OCSP answers, time-stamp tokens, CMS and XML messages. Any
//! algorithm that occurs in such material; whether it was still suitable is for the caller to judge. Never signs.
//!
//! The keys that sealmill signs with itself go the fast way through [`crate::crypto`]; OpenSSL does everything else.

pub mod hash;
mod key;

pub use hash::{HashAlgorithm, Running};
pub use key::{key_with_parameters_of, lacks_parameters};

use crate::der::{self, DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_INTEGER, TAG_OID, TAG_SEQUENCE};

/// Why a signature could not be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Nobody here knows the algorithm, or it is broken (MD5); the object identifier in dots.
    #[error("the signature algorithm {0} is not supported")]
    UnknownAlgorithm(String),
    /// The algorithm identifier, the key or the signed object is not what its standard says.
    #[error("the signature cannot be read: {0}")]
    Malformed(#[from] DerError),
    /// The key cannot have made a signature of this kind, or it is damaged.
    #[error("the key does not fit the signature: {0}")]
    WrongKey(&'static str),
    /// The signature value is not one of this key over these bytes.
    #[error("the signature value does not verify")]
    BadSignature,
    /// The cryptographic library refused to compute, for example because the operator's policy forbids the algorithm.
    #[error("the cryptographic library does not offer what this signature needs")]
    Library,
}

/// Checks a signature value. `subject_public_key_info` and `signature_algorithm` (an AlgorithmIdentifier) are DER;
/// `message` is what was signed; `value` is the content of the BIT STRING or OCTET STRING that holds the signature.
pub fn verify(
    subject_public_key_info: &[u8],
    signature_algorithm: &[u8],
    message: &[u8],
    value: &[u8],
) -> Result<(), Unverified> {
    Method::of_identifier(signature_algorithm)?.verify(subject_public_key_info, message, value)
}

/// Checks the signature of one certificate with the key of another (both DER, RFC 5280 section 4.1.1). Names, validity
/// and usage are not looked at.
pub fn certificate_signed_by(certificate: &[u8], issuer: &[u8]) -> Result<(), Unverified> {
    let issuer = crate::cms::certificate::Certificate::parse(issuer)?;
    signed_by_key(certificate, issuer.public_key.raw)
}

/// Checks the signature of a certificate or of anything else that is `SEQUENCE { toBeSigned, algorithm, BIT STRING }`
/// with a key (SubjectPublicKeyInfo).
pub fn signed_by_key(signed: &[u8], subject_public_key_info: &[u8]) -> Result<(), Unverified> {
    let mut outer = Reader::new(signed);
    let mut fields = outer.enter(TAG_SEQUENCE)?;
    outer.end()?;
    let message = fields.read()?.raw;
    let algorithm = fields.expect(TAG_SEQUENCE)?.raw;
    let value = bit_string(fields.expect(TAG_BIT_STRING)?.value)?;
    verify(subject_public_key_info, algorithm, message, value)
}

/// How the signature of a certificate or of anything else that is `SEQUENCE { toBeSigned, algorithm, BIT STRING }` was
/// made.
pub fn method_of_signed(signed: &[u8]) -> Result<Method, Unverified> {
    let mut fields = Reader::new(signed).enter(TAG_SEQUENCE)?;
    fields.read()?;
    Method::of_identifier(fields.expect(TAG_SEQUENCE)?.raw)
}

/// The octets of a BIT STRING that has no unused bits.
pub(crate) fn bit_string(content: &[u8]) -> Result<&[u8], DerError> {
    content.strip_prefix(&[0]).ok_or(DerError::Malformed)
}

/// How a signature value is made from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1(HashAlgorithm),
    /// RSASSA-PSS (RFC 8017 section 8.1).
    RsaPss(Pss),
    /// ECDSA, the value `SEQUENCE { r, s }` (RFC 3279 section 2.2.3).
    Ecdsa(HashAlgorithm),
    /// ECDSA, the value r and s one after the other, equally long (BSI TR-03111, XML signatures).
    EcdsaPlain(HashAlgorithm),
    /// DSA, the value `SEQUENCE { r, s }`.
    Dsa(HashAlgorithm),
    /// DSA, the value r and s one after the other, equally long (XML signatures).
    DsaPlain(HashAlgorithm),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// ML-DSA-65 without a context (RFC 9881, RFC 9882).
    MlDsa65,
}

/// The parameters of RSASSA-PSS (RFC 4055 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pss {
    /// Of the message.
    pub hash: HashAlgorithm,
    /// Of the mask generation function MGF1.
    pub mask: HashAlgorithm,
    /// Length of the salt in bytes.
    pub salt_length: u16,
}

impl Method {
    /// Reads an AlgorithmIdentifier that names digest and key.
    pub fn of_identifier(identifier: &[u8]) -> Result<Self, Unverified> {
        Self::read(identifier, None)
    }

    /// Reads the two identifiers of a CMS SignerInfo (RFC 5652 section 5.3): `signature` may name only the kind of
    /// key, then the digest is that of `digest`.
    pub fn of_signer_info(signature: &[u8], digest: &[u8]) -> Result<Self, Unverified> {
        Self::read(signature, Some(digest))
    }

    fn read(identifier: &[u8], digest: Option<&[u8]>) -> Result<Self, Unverified> {
        use HashAlgorithm as Hash;
        let mut outer = Reader::new(identifier);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let oid = fields.expect(TAG_OID)?.value;
        let unknown = || Unverified::UnknownAlgorithm(dotted(oid));
        let separate = || Hash::of_identifier(digest.ok_or_else(unknown)?);
        Ok(match oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, arc] => match arc {
                1 => Self::RsaPkcs1(separate()?),
                5 => Self::RsaPkcs1(Hash::Sha1),
                10 => Self::RsaPss(Pss::parse(fields.expect(TAG_SEQUENCE)?.raw)?),
                11 => Self::RsaPkcs1(Hash::Sha256),
                12 => Self::RsaPkcs1(Hash::Sha384),
                13 => Self::RsaPkcs1(Hash::Sha512),
                14 => Self::RsaPkcs1(Hash::Sha224),
                15 => Self::RsaPkcs1(Hash::Sha512Of224),
                16 => Self::RsaPkcs1(Hash::Sha512Of256),
                _ => return Err(unknown()),
            },
            // 1.3.14.3.2.29, an older name of sha1WithRSAEncryption; and TeleTrusT's for RIPEMD-160.
            [0x2b, 0x0e, 0x03, 0x02, 0x1d] => Self::RsaPkcs1(Hash::Sha1),
            [0x2b, 0x24, 0x03, 0x03, 0x01, 0x02] => Self::RsaPkcs1(Hash::Ripemd160),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Self::Ecdsa(separate()?),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => Self::Ecdsa(Hash::Sha1),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 1] => Self::Ecdsa(Hash::Sha224),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 2] => Self::Ecdsa(Hash::Sha256),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 3] => Self::Ecdsa(Hash::Sha384),
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 4] => Self::Ecdsa(Hash::Sha512),
            // bsi-de ecdsa-plain-signatures (BSI TR-03111 section 5.2.1.1)
            [0x04, 0x00, 0x7f, 0x00, 0x07, 0x01, 0x01, 0x04, 0x01, arc] => Self::EcdsaPlain(match arc {
                1 => Hash::Sha1,
                2 => Hash::Sha224,
                3 => Hash::Sha256,
                4 => Hash::Sha384,
                5 => Hash::Sha512,
                6 => Hash::Ripemd160,
                _ => return Err(unknown()),
            }),
            [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => Self::Dsa(separate()?),
            [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => Self::Dsa(Hash::Sha1),
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, arc] => match arc {
                1 => Self::Dsa(Hash::Sha224),
                2 => Self::Dsa(Hash::Sha256),
                3 => Self::Dsa(Hash::Sha384),
                4 => Self::Dsa(Hash::Sha512),
                9 => Self::Ecdsa(Hash::Sha3Of224),
                10 => Self::Ecdsa(Hash::Sha3Of256),
                11 => Self::Ecdsa(Hash::Sha3Of384),
                12 => Self::Ecdsa(Hash::Sha3Of512),
                13 => Self::RsaPkcs1(Hash::Sha3Of224),
                14 => Self::RsaPkcs1(Hash::Sha3Of256),
                15 => Self::RsaPkcs1(Hash::Sha3Of384),
                16 => Self::RsaPkcs1(Hash::Sha3Of512),
                18 => Self::MlDsa65,
                _ => return Err(unknown()),
            },
            [0x2b, 0x65, 0x70] => Self::Ed25519,
            [0x2b, 0x65, 0x71] => Self::Ed448,
            _ => return Err(unknown()),
        })
    }

    /// The digest that the message goes through first; `None` where the key signs the message itself.
    pub fn hash(&self) -> Option<HashAlgorithm> {
        match *self {
            Self::RsaPkcs1(hash)
            | Self::Ecdsa(hash)
            | Self::EcdsaPlain(hash)
            | Self::Dsa(hash)
            | Self::DsaPlain(hash)
            | Self::RsaPss(Pss { hash, .. }) => Some(hash),
            Self::Ed25519 | Self::Ed448 | Self::MlDsa65 => None,
        }
    }

    /// Checks a signature value over a message.
    pub fn verify(&self, subject_public_key_info: &[u8], message: &[u8], value: &[u8]) -> Result<(), Unverified> {
        match self.hash() {
            Some(hash) => self.verify_digest(subject_public_key_info, &hash.digest(message)?, value),
            None => key::verify_message(self, subject_public_key_info, message, value),
        }
    }

    /// Checks a signature value over the digest (by [`Method::hash`]) of a message.
    pub fn verify_digest(&self, subject_public_key_info: &[u8], digest: &[u8], value: &[u8]) -> Result<(), Unverified> {
        match self.hash() {
            Some(hash) if hash.length() == digest.len() => {
                key::verify_digest(self, hash, subject_public_key_info, digest, value)
            }
            Some(_) => Err(Unverified::BadSignature),
            None => Err(Unverified::WrongKey("it signs the message itself, of which only the digest is there")),
        }
    }
}

impl Pss {
    /// Reads `RSASSA-PSS-params`, all of whose fields have defaults.
    pub fn parse(parameters: &[u8]) -> Result<Self, Unverified> {
        let mut outer = Reader::new(parameters);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let mut read = Self { hash: HashAlgorithm::Sha1, mask: HashAlgorithm::Sha1, salt_length: 20 };
        if let Some(hash) = fields.optional(TAG_CONTEXT_0)? {
            read.hash = HashAlgorithm::of_identifier(hash.value)?;
        }
        if let Some(mask) = fields.optional(der::TAG_CONTEXT_1)? {
            let mut generator = Reader::new(mask.value).enter(TAG_SEQUENCE)?;
            let oid = generator.expect(TAG_OID)?.value;
            if oid != b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" {
                return Err(Unverified::UnknownAlgorithm(dotted(oid)));
            }
            read.mask = HashAlgorithm::of_identifier(generator.expect(TAG_SEQUENCE)?.raw)?;
        }
        let small = |tlv: Option<der::Tlv<'_>>| match tlv.map(|tlv| Reader::new(tlv.value).expect(TAG_INTEGER)) {
            None => Ok(None),
            Some(integer) => match *integer?.value {
                [low @ 0..=0x7f] => Ok(Some(u16::from(low))),
                [high @ 0..=0x7f, low] => Ok(Some(u16::from_be_bytes([high, low]))),
                _ => Err(DerError::Malformed),
            },
        };
        if let Some(length) = small(fields.optional(0xa2)?)? {
            read.salt_length = length;
        }
        // The trailer field has one value only, 0xbc.
        if small(fields.optional(0xa3)?)?.is_some_and(|trailer| trailer != 1) {
            return Err(Unverified::Malformed(DerError::Malformed));
        }
        fields.end()?;
        Ok(read)
    }
}

/// The content of an OBJECT IDENTIFIER in dots, for messages to people.
///
/// ```
/// assert_eq!(formats::signature::dotted(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), "1.2.840.113549.1.1.4");
/// ```
pub fn dotted(oid: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(32);
    let mut arc = 0_u64;
    for &octet in oid.iter().take(64) {
        arc = arc.wrapping_shl(7) | u64::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            // Writing into a string cannot fail.
            let _ = match (text.is_empty(), arc) {
                (true, 0..=79) => write!(text, "{}.{}", arc / 40, arc % 40),
                (true, _) => write!(text, "2.{}", arc - 80),
                (false, _) => write!(text, ".{arc}"),
            };
            arc = 0;
        }
    }
    text
}
