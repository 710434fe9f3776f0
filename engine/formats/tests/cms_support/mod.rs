//! Signers of every kind from the test authority, and signature values made with the openssl crate: the token's part.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use formats::{Prepared, Sealed, Source};
use model::profile::Format;
use model::{
    Curve, Digest, DigestAlgorithm, Profile, Scheme, SignatureValue, Signer, SignerName, Time, ToBeSigned, TokenSerial,
};
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use std::sync::Arc;
use testkit::pki::{Identity, KeyKind, Pki};

/// Every kind but RSA-4096, whose key takes seconds to make.
pub const KINDS: [KeyKind; 8] = [
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::P256,
    KeyKind::P384,
    KeyKind::P521,
    KeyKind::BrainpoolP256r1,
    KeyKind::BrainpoolP384r1,
    KeyKind::Ed25519,
];

pub const DIGESTS: [DigestAlgorithm; 3] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

/// Our word for a kind of key.
pub fn kind_of(kind: KeyKind) -> model::KeyKind {
    match kind {
        KeyKind::Rsa2048 => model::KeyKind::Rsa { bits: 2048 },
        KeyKind::Rsa3072 => model::KeyKind::Rsa { bits: 3072 },
        KeyKind::Rsa4096 => model::KeyKind::Rsa { bits: 4096 },
        KeyKind::P256 => model::KeyKind::Ec(Curve::P256),
        KeyKind::P384 => model::KeyKind::Ec(Curve::P384),
        KeyKind::P521 => model::KeyKind::Ec(Curve::P521),
        KeyKind::BrainpoolP256r1 => model::KeyKind::Ec(Curve::BrainpoolP256r1),
        KeyKind::BrainpoolP384r1 => model::KeyKind::Ec(Curve::BrainpoolP384r1),
        KeyKind::Ed25519 => model::KeyKind::Ed25519,
    }
}

pub fn identity(kind: KeyKind) -> Arc<Identity> {
    Pki::shared().signer(kind).unwrap()
}

pub fn signer(kind: KeyKind) -> Signer {
    let identity = identity(kind);
    Signer {
        name: SignerName(identity.common_name().into()),
        token: TokenSerial("soft:test".into()),
        certificate: identity.certificate_der().into(),
        // The root stays away: the verifier has it.
        chain: identity.chain_der()[1..2].iter().map(|der| der.clone().into()).collect(),
        key: kind_of(kind),
        subject: identity.common_name(),
    }
}

pub fn profile(format: Format, digest: DigestAlgorithm, pss: bool) -> Profile {
    Profile { digest, pss, ..Profile::plain("test", "test", format) }
}

pub fn now() -> Time {
    Time::from_seconds(openssl_now())
}

#[allow(clippy::disallowed_methods)] // certificates made now are not valid at an invented time
fn openssl_now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn md(digest: &Digest) -> &'static MdRef {
    match digest.algorithm() {
        DigestAlgorithm::Sha256 => Md::sha256(),
        DigestAlgorithm::Sha384 => Md::sha384(),
        DigestAlgorithm::Sha512 => Md::sha512(),
    }
}

/// What a token does.
pub fn sign(key: &PKey<Private>, to_be_signed: &ToBeSigned) -> SignatureValue {
    let mut value = Vec::new();
    match to_be_signed {
        ToBeSigned::Message { message, .. } => {
            value = openssl::sign::Signer::new_without_digest(key).unwrap().sign_oneshot_to_vec(message).unwrap();
        }
        ToBeSigned::Digest { algorithm, digest } => {
            let mut context = PkeyCtx::new(key).unwrap();
            context.sign_init().unwrap();
            if algorithm.scheme != Scheme::Ecdsa {
                let pss = algorithm.scheme == Scheme::RsaPss;
                context.set_rsa_padding(if pss { Padding::PKCS1_PSS } else { Padding::PKCS1 }).unwrap();
                context.set_signature_md(md(digest)).unwrap();
                if pss {
                    context.set_rsa_mgf1_md(md(digest)).unwrap();
                    context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
                }
            }
            context.sign_to_vec(digest.as_bytes(), &mut value).unwrap();
        }
    }
    SignatureValue(value)
}

/// Signs and assembles.
pub fn seal(kind: KeyKind, prepared: Prepared) -> Sealed {
    let value = sign(identity(kind).key(), prepared.to_be_signed());
    prepared.assemble(&value).unwrap()
}

/// Writes a result out, as the server does.
pub fn written(sealed: &Sealed, original: &[u8]) -> Vec<u8> {
    let assembled = sealed.assembled(&original);
    let mut bytes = vec![0; formats::Source::len(&assembled) as usize];
    formats::Source::read_exact_at(&assembled, 0, &mut bytes).unwrap();
    bytes
}

/// A document that exists nowhere: zeros, as many as wanted, never all at once in memory.
pub struct Zeros(pub u64);

impl Source for Zeros {
    fn len(&self) -> u64 {
        self.0
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), formats::SourceError> {
        assert!(buffer.len() <= 256 * 1024, "read in bounded pieces");
        assert!(offset + buffer.len() as u64 <= self.0);
        buffer.fill(0);
        Ok(())
    }
}
