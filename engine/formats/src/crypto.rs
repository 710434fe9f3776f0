//! The one file of this crate that computes: digests, and the check of signature values with public keys. It never
//! signs, holds no private key and knows no ASN.1 beyond what the two libraries ask for.
//!
//! aws-lc-rs does everything it can (faster than OpenSSL 3.0 or equal for each key, see the README); OpenSSL does the
//! brainpool curves, which aws-lc-rs lacks.

use crate::der::{DerError, Reader, TAG_INTEGER, TAG_SEQUENCE};
use crate::source::{Source, SourceError};
use aws_lc_rs::{digest, signature};
use model::{Curve, Digest, DigestAlgorithm, KeyKind, Scheme, SignatureAlgorithm, SignatureValue, ToBeSigned};
use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::Public;
use std::ops::Range;

/// How much of a document is in memory at once while it is hashed, in bytes. Fits the second-level cache; larger ones
/// cost more for clearing the buffer than they save in calls.
const CHUNK_BYTES: usize = 128 * 1024;

fn library_digest(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    }
}

fn wrap(algorithm: DigestAlgorithm, value: &digest::Digest) -> Digest {
    // The library's SHA-2 values have the length that FIPS 180-4 gives, which is the only thing that `new` checks.
    Digest::new(algorithm, value.as_ref()).unwrap_or_else(|| unreachable!("{algorithm} of a wrong length"))
}

/// A digest in progress. Cloning it lets two texts with the same beginning share the work for that.
#[derive(Clone)]
pub struct Hasher {
    algorithm: DigestAlgorithm,
    context: digest::Context,
}

impl Hasher {
    /// Starts a digest.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self { algorithm, context: digest::Context::new(library_digest(algorithm)) }
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// Adds a range of a document, in constant memory. A range beyond the end is an error of the source.
    pub fn update_from(&mut self, source: &dyn Source, range: Range<u64>) -> Result<(), SourceError> {
        update_from(self, source, &range)
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> Digest {
        wrap(self.algorithm, &self.context.finish())
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in progress", self.algorithm)
    }
}

/// The digest of bytes in memory.
pub fn digest(algorithm: DigestAlgorithm, bytes: &[u8]) -> Digest {
    wrap(algorithm, &digest::digest(library_digest(algorithm), bytes))
}

/// The digest of a whole document, in one pass and constant memory.
pub fn digest_source(algorithm: DigestAlgorithm, source: &dyn Source) -> Result<Digest, SourceError> {
    if let Some(known) = source.only_digest() {
        let other = || SourceError(std::io::Error::other("only another digest of the document is known"));
        return if known.algorithm() == algorithm { Ok(known) } else { Err(other()) };
    }
    match source.as_slice() {
        Some(bytes) => Ok(digest(algorithm, bytes)),
        None => digest_ranges(algorithm, source, std::slice::from_ref(&(0..source.len())), &[]),
    }
}

/// The digest of ranges of a document, in the order given, followed by further bytes: what a PDF signature covers
/// (the original, then our update without its `/Contents`). A range beyond the end is an error of the source.
pub fn digest_ranges(
    algorithm: DigestAlgorithm,
    source: &dyn Source,
    ranges: &[Range<u64>],
    further: &[&[u8]],
) -> Result<Digest, SourceError> {
    let mut hasher = Hasher::new(algorithm);
    for range in ranges {
        update_from(&mut hasher, source, range)?;
    }
    further.iter().for_each(|bytes| hasher.update(bytes));
    Ok(hasher.finish())
}

fn update_from(hasher: &mut Hasher, source: &dyn Source, range: &Range<u64>) -> Result<(), SourceError> {
    if let Some(bytes) = source.as_slice() {
        let wanted = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let wanted = wanted.and_then(|(start, end)| bytes.get(start..end.max(start)));
        hasher.update(wanted.ok_or_else(|| SourceError(std::io::ErrorKind::UnexpectedEof.into()))?);
        return Ok(());
    }
    let longest = range.end.saturating_sub(range.start).min(CHUNK_BYTES as u64);
    let mut buffer = vec![0; longest as usize];
    let mut at = range.start;
    while at < range.end {
        let length = (range.end - at).min(CHUNK_BYTES as u64);
        let chunk = &mut buffer[..length as usize];
        source.read_exact_at(at, chunk)?;
        hasher.update(chunk);
        at += length;
    }
    Ok(())
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Scheme and key do not belong together.
    #[error("a {0} key cannot sign with {1}")]
    Mismatch(KeyKind, SignatureAlgorithm),
    /// The library refuses the key: damaged, or an RSA key shorter than 2048 or longer than 8192 bits.
    #[error("the {0} public key is damaged or of an unsupported size")]
    Unusable(KeyKind),
}

/// The signature value does not belong to this key and these to-be-signed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature value does not verify")]
pub struct BadSignature;

/// A public key that checks signatures of one algorithm. Parsed once; usable from any number of threads at once.
#[derive(Debug)]
pub struct PublicKey {
    algorithm: SignatureAlgorithm,
    handle: Handle,
}

enum Handle {
    AwsLc(signature::ParsedPublicKey),
    OpenSsl(EcKey<Public>),
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Handle::AwsLc(_) => "aws-lc",
            Handle::OpenSsl(_) => "openssl",
        })
    }
}

impl PublicKey {
    /// Parses the content of a SubjectPublicKeyInfo's BIT STRING: `RSAPublicKey` for RSA, the point for elliptic
    /// curves, 32 bytes for Ed25519, 1952 for ML-DSA-65.
    pub fn new(kind: KeyKind, bits: &[u8], algorithm: SignatureAlgorithm) -> Result<Self, KeyError> {
        let handle = match library_verification(kind, algorithm)? {
            Verification::AwsLc(library) => {
                let key = signature::ParsedPublicKey::new(library, bits).map_err(|_| KeyError::Unusable(kind))?;
                Handle::AwsLc(key)
            }
            Verification::OpenSsl(curve) => {
                Handle::OpenSsl(openssl_key(curve, bits).map_err(|_| KeyError::Unusable(kind))?)
            }
        };
        Ok(Self { algorithm, handle })
    }

    /// The algorithm that it checks.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Checks a signature value over exactly the bytes that were handed to the token.
    pub fn verify(&self, to_be_signed: &ToBeSigned, value: &SignatureValue) -> Result<(), BadSignature> {
        if to_be_signed.algorithm() != self.algorithm {
            return Err(BadSignature);
        }
        match (&self.handle, to_be_signed) {
            (Handle::AwsLc(key), ToBeSigned::Message { message, .. }) => {
                key.verify_sig(message, &value.0).map_err(|_| BadSignature)
            }
            (Handle::AwsLc(key), ToBeSigned::Digest { digest: ours, .. }) => {
                let theirs = library_digest(ours.algorithm());
                let digest = digest::Digest::import_less_safe(ours.as_bytes(), theirs).map_err(|_| BadSignature)?;
                key.verify_digest_sig(&digest, &value.0).map_err(|_| BadSignature)
            }
            (Handle::OpenSsl(key), ToBeSigned::Digest { digest, .. }) => {
                // OpenSSL ignores bytes behind the SEQUENCE and accepts sloppy lengths; others do not.
                strict_ecdsa(&value.0).map_err(|_| BadSignature)?;
                let signature = EcdsaSig::from_der(&value.0).map_err(|_| BadSignature)?;
                match signature.verify(digest.as_bytes(), key) {
                    Ok(true) => Ok(()),
                    Ok(false) | Err(_) => Err(BadSignature),
                }
            }
            (Handle::OpenSsl(_), ToBeSigned::Message { .. }) => Err(BadSignature),
        }
    }
}

/// `ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3) in DER, and nothing behind it.
pub(crate) fn strict_ecdsa(value: &[u8]) -> Result<(), DerError> {
    let mut outer = Reader::new(value);
    let mut pair = outer.enter(TAG_SEQUENCE)?;
    outer.end()?;
    for _ in 0..2 {
        match pair.expect(TAG_INTEGER)?.value {
            [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => return Err(DerError::Malformed),
            _ => {}
        }
    }
    pair.end()
}

enum Verification {
    AwsLc(&'static dyn signature::VerificationAlgorithm),
    OpenSsl(Nid),
}

fn library_verification(kind: KeyKind, algorithm: SignatureAlgorithm) -> Result<Verification, KeyError> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    let library: &'static dyn signature::VerificationAlgorithm = match (kind, algorithm.scheme, algorithm.digest) {
        (KeyKind::Rsa { .. }, Scheme::RsaPkcs1, Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, Scheme::RsaPkcs1, Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, Scheme::RsaPkcs1, Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (KeyKind::Rsa { .. }, Scheme::RsaPss, Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (KeyKind::Rsa { .. }, Scheme::RsaPss, Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (KeyKind::Rsa { .. }, Scheme::RsaPss, Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
        (KeyKind::Ec(Curve::P256), Scheme::Ecdsa, Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeyKind::Ec(Curve::P256), Scheme::Ecdsa, Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (KeyKind::Ec(Curve::P256), Scheme::Ecdsa, Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        (KeyKind::Ec(Curve::P384), Scheme::Ecdsa, Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (KeyKind::Ec(Curve::P384), Scheme::Ecdsa, Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (KeyKind::Ec(Curve::P384), Scheme::Ecdsa, Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (KeyKind::Ec(Curve::P521), Scheme::Ecdsa, Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (KeyKind::Ec(Curve::P521), Scheme::Ecdsa, Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (KeyKind::Ec(Curve::P521), Scheme::Ecdsa, Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        (KeyKind::Ec(Curve::BrainpoolP256r1), Scheme::Ecdsa, _) => {
            return Ok(Verification::OpenSsl(Nid::BRAINPOOL_P256R1));
        }
        (KeyKind::Ec(Curve::BrainpoolP384r1), Scheme::Ecdsa, _) => {
            return Ok(Verification::OpenSsl(Nid::BRAINPOOL_P384R1));
        }
        (KeyKind::Ed25519, Scheme::Ed25519, _) => &signature::ED25519,
        (KeyKind::MlDsa65, Scheme::MlDsa65, _) => &signature::ML_DSA_65,
        (kind, ..) => return Err(KeyError::Mismatch(kind, algorithm)),
    };
    Ok(Verification::AwsLc(library))
}

/// A public key on a curve that OpenSSL knows by name.
pub(crate) fn openssl_key(curve: Nid, point: &[u8]) -> Result<EcKey<Public>, openssl::error::ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let key = EcKey::from_public_key(&group, &point)?;
    key.check_key()?;
    Ok(key)
}
