//! The check itself: a public key of any kind against a digest or a message. The only place besides `crypto.rs` that
//! calls OpenSSL.

use super::{HashAlgorithm, Method, Pss, Unverified, dotted};
use crate::cms::certificate::PublicKeyInfo;
use crate::crypto::{KeyError, PublicKey, openssl_key, strict_ecdsa};
use crate::der::{self, Reader, TAG_BIT_STRING, TAG_INTEGER, TAG_OID, TAG_SEQUENCE};
use model::limits::PUBLIC_KEY_BYTES_MAX;
use model::{Digest, DigestAlgorithm, KeyKind, Scheme, SignatureAlgorithm, SignatureValue, ToBeSigned};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Verifier};

const DAMAGED: Unverified = Unverified::WrongKey("the public key is damaged or of an unsupported size");

/// Checks a signature of a scheme that signs the message itself.
pub(super) fn verify_message(method: &Method, key: &[u8], message: &[u8], value: &[u8]) -> Result<(), Unverified> {
    let parts = Parts::read(key)?;
    match (method, parts.oid) {
        (Method::Ed25519, [0x2b, 0x65, 0x70]) => verify_by_ours(KeyKind::Ed25519, &parts, message, value),
        (Method::MlDsa65, [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12]) => {
            verify_by_ours(KeyKind::MlDsa65, &parts, message, value)
        }
        (Method::Ed448, [0x2b, 0x65, 0x71]) => {
            let key = PKey::public_key_from_raw_bytes(parts.bits, Id::ED448).map_err(|_| DAMAGED)?;
            let mut verifier = Verifier::new_without_digest(&key).map_err(|_| Unverified::Library)?;
            accepted(verifier.verify_oneshot(value, message))
        }
        _ => Err(Unverified::WrongKey("the signature is of another kind than the key")),
    }
}

/// With a key of a kind that sealmill signs with itself, and that signs messages.
fn verify_by_ours(kind: KeyKind, parts: &Parts<'_>, message: &[u8], value: &[u8]) -> Result<(), Unverified> {
    let algorithm = SignatureAlgorithm::for_key(kind, DigestAlgorithm::Sha512, false);
    let key = PublicKey::new(kind, parts.bits, algorithm).map_err(|_| DAMAGED)?;
    let signed = ToBeSigned::Message { algorithm, message: message.to_vec() };
    key.verify(&signed, &SignatureValue(value.to_vec())).map_err(|_| Unverified::BadSignature)
}

/// Checks a signature over a digest of the right length.
pub(super) fn verify_digest(
    method: &Method,
    hash: HashAlgorithm,
    key: &[u8],
    digest: &[u8],
    value: &[u8],
) -> Result<(), Unverified> {
    let parts = Parts::read(key)?;
    parts.fits(method)?;
    let converted;
    let value = match method {
        Method::EcdsaPlain(_) | Method::DsaPlain(_) => {
            converted = pair_of_integers(value).ok_or(Unverified::BadSignature)?;
            &converted
        }
        _ => value,
    };
    if !matches!(method, Method::RsaPkcs1(_) | Method::RsaPss(_)) {
        strict_ecdsa(value).map_err(|_| Unverified::BadSignature)?;
    }
    match fast(method, hash, key, digest, value) {
        Some(verdict) => verdict,
        None => with_openssl(method, &parts, digest, value),
    }
}

/// What a SubjectPublicKeyInfo consists of.
struct Parts<'a> {
    raw: &'a [u8],
    oid: &'a [u8],
    parameters: Option<der::Tlv<'a>>,
    bits: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(raw: &'a [u8]) -> Result<Self, Unverified> {
        if raw.len() > PUBLIC_KEY_BYTES_MAX {
            return Err(DAMAGED);
        }
        let mut outer = Reader::new(raw);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let mut algorithm = fields.enter(TAG_SEQUENCE)?;
        let oid = algorithm.expect(TAG_OID)?.value;
        let parameters = if algorithm.is_empty() { None } else { Some(algorithm.read()?) };
        let bits = super::bit_string(fields.expect(TAG_BIT_STRING)?.value)?;
        Ok(Self { raw, oid, parameters, bits })
    }

    /// Whether a key of this kind makes signatures of this kind.
    fn fits(&self, method: &Method) -> Result<(), Unverified> {
        const OTHER_KIND: Unverified = Unverified::WrongKey("the signature is of another kind than the key");
        let oid = self.oid;
        match method {
            Method::RsaPkcs1(_) if oid == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" => Ok(()),
            Method::RsaPss(_) if oid == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" => Ok(()),
            Method::RsaPss(used) if oid == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a" => {
                // RFC 4055 section 3.3: the key may fix the digests and the least salt.
                let Some(fixed) = self.parameters.filter(|parameters| parameters.tag == TAG_SEQUENCE) else {
                    return Ok(());
                };
                let fixed = Pss::parse(fixed.raw)?;
                let kept = (fixed.hash, fixed.mask) == (used.hash, used.mask) && used.salt_length >= fixed.salt_length;
                kept.then_some(()).ok_or(Unverified::WrongKey("the key allows other PSS parameters only"))
            }
            Method::Ecdsa(_) | Method::EcdsaPlain(_) if oid == b"\x2a\x86\x48\xce\x3d\x02\x01" => Ok(()),
            Method::Dsa(_) | Method::DsaPlain(_) if oid == b"\x2a\x86\x48\xce\x38\x04\x01" => Ok(()),
            _ => Err(OTHER_KIND),
        }
    }
}

/// Whether a key (SubjectPublicKeyInfo) is one of DSA whose parameters are those of the issuer's key (RFC 3279 section
/// 2.3.2).
pub fn lacks_parameters(key: &[u8]) -> bool {
    Parts::read(key).is_ok_and(|parts| parts.oid == OID_DSA && parts.parameters.is_none_or(|none| none.tag == TAG_NULL))
}

/// A DSA key with the parameters of another one. `None`: that one is no DSA key, or has none either.
pub fn key_with_parameters_of(key: &[u8], issuer_key: &[u8]) -> Option<Vec<u8>> {
    let (parts, from) = (Parts::read(key).ok()?, Parts::read(issuer_key).ok()?);
    let parameters = from.parameters.filter(|parameters| parameters.tag == TAG_SEQUENCE && from.oid == OID_DSA)?;
    let algorithm = der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_OID, &[parts.oid]), parameters.raw]);
    Some(der::tlv(TAG_SEQUENCE, &[&algorithm, &der::tlv(TAG_BIT_STRING, &[&[0], parts.bits])]))
}

const OID_DSA: &[u8] = b"\x2a\x86\x48\xce\x38\x04\x01";
const TAG_NULL: u8 = 0x05;

/// The way through aws-lc, for keys and digests that it knows. `None`: it does not.
fn fast(
    method: &Method,
    hash: HashAlgorithm,
    key: &[u8],
    digest: &[u8],
    value: &[u8],
) -> Option<Result<(), Unverified>> {
    let ours = hash.ours()?;
    let scheme = match method {
        Method::RsaPkcs1(_) => Scheme::RsaPkcs1,
        Method::RsaPss(pss) if pss.mask == hash && usize::from(pss.salt_length) == hash.length() => Scheme::RsaPss,
        Method::Ecdsa(_) | Method::EcdsaPlain(_) => Scheme::Ecdsa,
        _ => return None,
    };
    let info = PublicKeyInfo::parse(key).ok()?;
    // aws-lc takes such keys and then finds every signature wrong.
    let odd_size = matches!(info.kind, Some(KeyKind::Rsa { bits }) if !(2_048..=8_192).contains(&bits));
    if odd_size {
        return None;
    }
    let algorithm = SignatureAlgorithm { scheme, digest: ours };
    let digest = Digest::new(ours, digest)?;
    match PublicKey::new(info.kind?, info.bits, algorithm) {
        Ok(key) => {
            let verdict = key.verify(&ToBeSigned::Digest { algorithm, digest }, &SignatureValue(value.to_vec()));
            Some(verdict.map_err(|_| Unverified::BadSignature))
        }
        // Shorter or odder RSA keys than it takes are still to be read.
        Err(KeyError::Unusable(KeyKind::Rsa { .. }) | KeyError::Mismatch(..)) => None,
        Err(KeyError::Unusable(_)) => Some(Err(DAMAGED)),
    }
}

fn with_openssl(method: &Method, parts: &Parts<'_>, digest: &[u8], value: &[u8]) -> Result<(), Unverified> {
    let key = openssl_public_key(method, parts)?;
    let mut context = PkeyCtx::new(&key).map_err(|_| Unverified::Library)?;
    context.verify_init().map_err(|_| Unverified::Library)?;
    let prepared = match *method {
        Method::RsaPkcs1(hash) => {
            let md = hash.for_padding()?;
            context.set_rsa_padding(Padding::PKCS1).and_then(|()| context.set_signature_md(md))
        }
        Method::RsaPss(pss) => {
            let (md, mask) = (pss.hash.for_padding()?, pss.mask.for_padding()?);
            context
                .set_rsa_padding(Padding::PKCS1_PSS)
                .and_then(|()| context.set_signature_md(md))
                .and_then(|()| context.set_rsa_mgf1_md(mask))
                .and_then(|()| context.set_rsa_pss_saltlen(RsaPssSaltlen::custom(i32::from(pss.salt_length))))
        }
        _ => Ok(()),
    };
    prepared.map_err(|_| Unverified::Library)?;
    accepted(context.verify(digest, value))
}

fn openssl_public_key(method: &Method, parts: &Parts<'_>) -> Result<PKey<Public>, Unverified> {
    let key = match method {
        Method::RsaPkcs1(_) | Method::RsaPss(_) => Rsa::public_key_from_der_pkcs1(parts.bits).and_then(PKey::from_rsa),
        Method::Dsa(_) | Method::DsaPlain(_) => PKey::public_key_from_der(parts.raw),
        _ => {
            let named = parts.parameters.filter(|parameters| parameters.tag == TAG_OID);
            let Some(named) = named else { return Err(Unverified::WrongKey("its elliptic curve is not a named one")) };
            let curve = named_curve(named.value).ok_or_else(|| Unverified::UnknownAlgorithm(dotted(named.value)))?;
            openssl_key(curve, parts.bits).and_then(PKey::from_ec_key)
        }
    };
    key.map_err(|_| DAMAGED)
}

/// The curves of RFC 5480 section 2.1.1.1 over prime fields, secp256k1, and those of RFC 5639.
fn named_curve(oid: &[u8]) -> Option<Nid> {
    Some(match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01] => Nid::X9_62_PRIME192V1,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Nid::X9_62_PRIME256V1,
        [0x2b, 0x81, 0x04, 0x00, 0x0a] => Nid::SECP256K1,
        [0x2b, 0x81, 0x04, 0x00, 0x21] => Nid::SECP224R1,
        [0x2b, 0x81, 0x04, 0x00, 0x22] => Nid::SECP384R1,
        [0x2b, 0x81, 0x04, 0x00, 0x23] => Nid::SECP521R1,
        // The arcs 1 to 14 are P160r1, P160t1, P192r1 and so on up to P512t1, in OpenSSL's numbers too.
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, arc @ 1..=14] => {
            Nid::from_raw(Nid::BRAINPOOL_P192R1.as_raw() + i32::from(*arc) - 3)
        }
        _ => return None,
    })
}

fn accepted(verdict: Result<bool, openssl::error::ErrorStack>) -> Result<(), Unverified> {
    match verdict {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Unverified::BadSignature),
    }
}

/// `SEQUENCE { r, s }` of two equally long numbers that follow each other.
fn pair_of_integers(value: &[u8]) -> Option<Vec<u8>> {
    if value.is_empty() || !value.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = value.split_at(value.len() / 2);
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|&&octet| octet == 0).count();
        let significant = number.get(zeros..).filter(|rest| !rest.is_empty()).unwrap_or(&[0]);
        let padding: &[u8] = if significant.first().is_some_and(|&first| first >= 0x80) { &[0] } else { &[] };
        der::tlv(TAG_INTEGER, &[padding, significant])
    };
    Some(der::tlv(TAG_SEQUENCE, &[&integer(r), &integer(s)]))
}
