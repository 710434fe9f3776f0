//! Private keys in software, and the one choice of the library that signs with them.
//!
//! A key is parsed once and shared by all sessions; a fresh context for each operation costs little, parsing again
//! costs a factor of 3.5.
//!
//! Time of one signature, as a ratio to RSA-2048 with openssl (280 µs; one thread, x86-64 with ADX, aws-lc-rs 1.19
//! against OpenSSL 3.0.19; the `rates` test prints the table):
//!
//! | key             | aws-lc | openssl |
//! |-----------------|--------|---------|
//! | RSA-2048        | 1.0    | 1.0     |
//! | RSA-3072        | 2.8    | 5.3     |
//! | RSA-4096        | 5.6    | 12      |
//! | P-256           | 0.054  | 0.071   |
//! | P-384           | 0.24   | 2.0     |
//! | P-521           | -      | 0.74    |
//! | brainpoolP256r1 | -      | 0.95    |
//! | brainpoolP384r1 | -      | 2.1     |
//! | Ed25519         | 0.029  | 0.13    |
//! | ML-DSA-65       | 0.6    | -       |

use crate::certificate;
use crate::fault::Fault;
use crate::post_quantum;
use aws_lc_rs::digest::{Digest as AwsDigest, SHA256, SHA384, SHA512};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, PqdsaKeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use model::{Curve, Digest, DigestAlgorithm, KeyKind, Scheme, SignatureAlgorithm, SignatureValue, ToBeSigned};
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use zeroize::Zeroizing;

/// A private key, parsed. Shared by all sessions; never printed.
pub(crate) enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair, Curve),
    Ed25519(Ed25519KeyPair),
    MlDsa65(PqdsaKeyPair),
    Openssl(PKey<Private>),
}

/// Who computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    AwsLc,
    Openssl,
}

/// The choice, by measurement (see the table above); aws-lc has no brainpool curves and takes no P-521 digest shorter
/// than the curve.
fn library_for(kind: KeyKind) -> Library {
    match kind {
        KeyKind::Rsa { bits: 3072..=8192 } => Library::AwsLc,
        KeyKind::Ec(Curve::P256 | Curve::P384) | KeyKind::Ed25519 | KeyKind::MlDsa65 => Library::AwsLc,
        KeyKind::Rsa { .. } | KeyKind::Ec(_) => Library::Openssl,
    }
}

impl PrivateKey {
    /// Takes a key over into the library that signs fastest with it. `None` for kinds that sealmill does not sign with.
    /// Second and third: the kind and the bytes that tell the public key.
    pub(crate) fn new(key: PKey<Private>) -> Option<(Self, KeyKind, Vec<u8>)> {
        let (kind, public) = certificate::public_key(&key)?;
        let private = match library_for(kind) {
            Library::AwsLc => Self::in_aws_lc(&key, kind).unwrap_or(Self::Openssl(key)),
            Library::Openssl => Self::Openssl(key),
        };
        Some((private, kind, public))
    }

    /// The first ML-DSA-65 key in PEM form, which OpenSSL cannot read. See [`PrivateKey::new`].
    pub(crate) fn post_quantum(pem: &[u8], password: &[u8]) -> Option<(Self, KeyKind, Vec<u8>)> {
        let (key, public) = post_quantum::key_from_pem(pem, password)?;
        Some((Self::MlDsa65(key), KeyKind::MlDsa65, public))
    }

    /// `None` if aws-lc does not take it (an RSA-PSS-only key, odd parameters): openssl then does.
    fn in_aws_lc(key: &PKey<Private>, kind: KeyKind) -> Option<Self> {
        let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8().ok()?);
        match kind {
            KeyKind::Rsa { .. } => RsaKeyPair::from_pkcs8(&pkcs8).ok().map(Self::Rsa),
            KeyKind::Ec(curve @ Curve::P256) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8).ok().map(|k| Self::Ecdsa(k, curve))
            }
            KeyKind::Ec(curve @ Curve::P384) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &pkcs8).ok().map(|k| Self::Ecdsa(k, curve))
            }
            KeyKind::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok().map(Self::Ed25519),
            KeyKind::Ec(_) | KeyKind::MlDsa65 => None,
        }
    }

    /// Signs. The caller has checked that the algorithm fits the key.
    pub(crate) fn sign(&self, to_be_signed: &ToBeSigned) -> Result<SignatureValue, Fault> {
        let signed = match (self, to_be_signed) {
            (Self::Rsa(key), ToBeSigned::Digest { algorithm, digest }) => sign_rsa(key, *algorithm, digest),
            (Self::Ecdsa(key, curve), ToBeSigned::Digest { digest, .. }) => sign_ecdsa(key, *curve, digest),
            (Self::Ed25519(key), ToBeSigned::Message { message, .. }) => {
                key.try_sign(message).ok().map(|signature| signature.as_ref().to_vec())
            }
            (Self::MlDsa65(key), ToBeSigned::Message { message, .. }) => {
                let mut value = vec![0; key.algorithm().signature_len()];
                key.sign(message, &mut value).ok().map(|length| {
                    value.truncate(length);
                    value
                })
            }
            (Self::Openssl(key), to_be_signed) => {
                return sign_openssl(key, to_be_signed).map(SignatureValue).map_err(|e| Fault::Request(e.to_string()));
            }
            _ => return Err(Fault::Request("a digest where the key signs messages, or the reverse".to_owned())),
        };
        signed
            .map(SignatureValue)
            .ok_or_else(|| Fault::Request(format!("the key does not sign with {}", to_be_signed.algorithm())))
    }
}

fn sign_rsa(key: &RsaKeyPair, algorithm: SignatureAlgorithm, digest: &Digest) -> Option<Vec<u8>> {
    let pss = algorithm.scheme == Scheme::RsaPss;
    let (encoding, hash): (&'static dyn RsaEncoding, _) = match (digest.algorithm(), pss) {
        (DigestAlgorithm::Sha256, false) => (&RSA_PKCS1_SHA256, &SHA256),
        (DigestAlgorithm::Sha384, false) => (&RSA_PKCS1_SHA384, &SHA384),
        (DigestAlgorithm::Sha512, false) => (&RSA_PKCS1_SHA512, &SHA512),
        (DigestAlgorithm::Sha256, true) => (&RSA_PSS_SHA256, &SHA256),
        (DigestAlgorithm::Sha384, true) => (&RSA_PSS_SHA384, &SHA384),
        (DigestAlgorithm::Sha512, true) => (&RSA_PSS_SHA512, &SHA512),
    };
    let digest = AwsDigest::import_less_safe(digest.as_bytes(), hash).ok()?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(encoding, &digest, &mut signature).ok()?;
    Some(signature)
}

/// aws-lc ties P-256 to SHA-256 and P-384 to SHA-384. ECDSA itself takes the leftmost bits of any digest as a number
/// (FIPS 186-5 section 6.4.1), so a longer digest is cut and a shorter one gets zeros in front: the same number.
fn sign_ecdsa(key: &EcdsaKeyPair, curve: Curve, digest: &Digest) -> Option<Vec<u8>> {
    let hash = if curve == Curve::P256 { &SHA256 } else { &SHA384 };
    let length = curve.field_bytes();
    let digest = digest.as_bytes();
    let mut number = [0; 48];
    let number = &mut number[..length];
    let taken = digest.len().min(length);
    number[length - taken..].copy_from_slice(&digest[..taken]);
    let digest = AwsDigest::import_less_safe(number, hash).ok()?;
    key.sign_digest(&digest).ok().map(|signature| signature.as_ref().to_vec())
}

fn sign_openssl(key: &PKey<Private>, to_be_signed: &ToBeSigned) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let mut signature = Vec::new();
    if let ToBeSigned::Message { message, .. } = to_be_signed {
        openssl::sign::Signer::new_without_digest(key)?.sign_oneshot_to_vec(message).map(|made| signature = made)?;
        return Ok(signature);
    }
    let algorithm = to_be_signed.algorithm();
    let mut context = PkeyCtx::new(key)?;
    context.sign_init()?;
    if matches!(algorithm.scheme, Scheme::RsaPkcs1 | Scheme::RsaPss) {
        let pss = algorithm.scheme == Scheme::RsaPss;
        context.set_rsa_padding(if pss { Padding::PKCS1_PSS } else { Padding::PKCS1 })?;
        context.set_signature_md(match algorithm.digest {
            DigestAlgorithm::Sha256 => openssl::md::Md::sha256(),
            DigestAlgorithm::Sha384 => openssl::md::Md::sha384(),
            DigestAlgorithm::Sha512 => openssl::md::Md::sha512(),
        })?;
        if pss {
            context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
    }
    signature.resize(key.size(), 0);
    let length = context.sign(to_be_signed.as_bytes(), Some(&mut signature))?;
    signature.truncate(length);
    Ok(signature)
}

/// The pair of integers that tokens answer (`r || s`, each half as long as the field) as CMS wants it: a DER
/// `SEQUENCE { INTEGER r, INTEGER s }` (RFC 5480 appendix A, X.690 section 8.3). `None` if the halves are no numbers
/// that ECDSA makes.
pub(crate) fn ecdsa_der(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.is_empty() || !raw.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    let mut body = Vec::with_capacity(raw.len() + 8);
    for number in [r, s] {
        let first = number.iter().position(|byte| *byte != 0)?;
        let digits = &number[first..];
        let pad = digits[0] & 0x80 != 0;
        body.push(0x02);
        body.push(u8::try_from(digits.len() + usize::from(pad)).ok().filter(|length| *length < 0x80)?);
        if pad {
            body.push(0);
        }
        body.extend_from_slice(digits);
    }
    let mut der = Vec::with_capacity(body.len() + 3);
    der.push(0x30);
    match u8::try_from(body.len()).ok()? {
        short @ ..0x80 => der.push(short),
        long => der.extend_from_slice(&[0x81, long]),
    }
    der.extend_from_slice(&body);
    Some(der)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout)]
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;
    use std::time::{Duration, Instant};

    fn keys() -> Vec<PKey<Private>> {
        let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let ec = |nid| {
            let group = EcGroup::from_curve_name(nid).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        vec![
            rsa(2048),
            rsa(3072),
            rsa(4096),
            ec(Nid::X9_62_PRIME256V1),
            ec(Nid::SECP384R1),
            ec(Nid::SECP521R1),
            ec(Nid::BRAINPOOL_P256R1),
            ec(Nid::BRAINPOOL_P384R1),
            PKey::generate_ed25519().unwrap(),
        ]
    }

    fn to_be_signed(kind: KeyKind, digest: DigestAlgorithm, pss: bool) -> ToBeSigned {
        let algorithm = SignatureAlgorithm::for_key(kind, digest, pss);
        match kind {
            KeyKind::Ed25519 | KeyKind::MlDsa65 => {
                ToBeSigned::Message { algorithm, message: b"the signed attributes".to_vec() }
            }
            _ => {
                let value: Vec<u8> = (0..digest.len()).map(|i| 0xF1 ^ i as u8).collect();
                ToBeSigned::Digest { algorithm, digest: Digest::new(digest, &value).unwrap() }
            }
        }
    }

    /// Judged by openssl, whichever library signed.
    fn verifies(key: &PKey<Private>, to_be_signed: &ToBeSigned, value: &SignatureValue) -> bool {
        if let ToBeSigned::Message { message, .. } = to_be_signed {
            return openssl::sign::Verifier::new_without_digest(key)
                .unwrap()
                .verify_oneshot(&value.0, message)
                .unwrap_or(false);
        }
        let algorithm = to_be_signed.algorithm();
        let mut context = PkeyCtx::new(key).unwrap();
        context.verify_init().unwrap();
        if algorithm.scheme != Scheme::Ecdsa {
            let pss = algorithm.scheme == Scheme::RsaPss;
            context.set_rsa_padding(if pss { Padding::PKCS1_PSS } else { Padding::PKCS1 }).unwrap();
            context
                .set_signature_md(match algorithm.digest {
                    DigestAlgorithm::Sha256 => openssl::md::Md::sha256(),
                    DigestAlgorithm::Sha384 => openssl::md::Md::sha384(),
                    DigestAlgorithm::Sha512 => openssl::md::Md::sha512(),
                })
                .unwrap();
            if pss {
                context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
            }
        }
        context.verify(to_be_signed.as_bytes(), &value.0).unwrap_or(false)
    }

    #[test]
    fn every_kind_signs_with_every_digest_in_both_libraries() {
        for key in keys() {
            let (chosen, kind, _) = PrivateKey::new(key.clone()).unwrap();
            let both = [Some(chosen), PrivateKey::in_aws_lc(&key, kind), Some(PrivateKey::Openssl(key.clone()))];
            for private in both.into_iter().flatten() {
                for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
                    for pss in [false, true] {
                        let to_be_signed = to_be_signed(kind, digest, pss);
                        let value = private.sign(&to_be_signed).unwrap();
                        assert!(verifies(&key, &to_be_signed, &value), "{kind} {digest} pss {pss}");
                    }
                }
            }
        }
    }

    #[test]
    fn raw_ecdsa_becomes_der() {
        assert_eq!(ecdsa_der(&[0, 1, 0x80, 0]).unwrap(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0]);
        let long = [0xFF; 132];
        assert_eq!(ecdsa_der(&long).unwrap()[..4], [0x30, 0x81, 138, 2]);
        for bad in [&[][..], &[1], &[0, 0, 1, 1], &[1; 400]] {
            assert_eq!(ecdsa_der(bad), None, "{bad:?}");
        }
    }

    /// Prints the table of the module's header; run it with `--release --nocapture`.
    #[test]
    fn rates() {
        for key in keys() {
            let (_, kind, _) = PrivateKey::new(key.clone()).unwrap();
            let to_be_signed = to_be_signed(kind, DigestAlgorithm::Sha256, false);
            let micros = |private: &PrivateKey| {
                let (start, mut count) = (Instant::now(), 0_u32);
                while start.elapsed() < Duration::from_millis(50) {
                    private.sign(&to_be_signed).unwrap();
                    count += 1;
                }
                start.elapsed().as_secs_f64() * 1e6 / f64::from(count)
            };
            let aws = PrivateKey::in_aws_lc(&key, kind).map(|private| micros(&private));
            let openssl = micros(&PrivateKey::Openssl(key));
            println!("{kind}: aws-lc {aws:.0?}, openssl {openssl:.0}");
        }
    }
}
