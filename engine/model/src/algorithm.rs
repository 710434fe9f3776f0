//! Names of keys, curves and signature algorithms, and which of them fit together.
//!
//! This file knows no object identifiers (those belong to `formats`) and no suitability dates (those are
//! configuration).

use crate::digest::DigestAlgorithm;
use std::fmt;

/// The named curves that sealmill signs with (SEC 2 and RFC 5639).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1 (RFC 5639).
    BrainpoolP384r1,
}

impl Curve {
    /// All curves, for tables and searches.
    pub const ALL: [Curve; 5] = [Curve::P256, Curve::P384, Curve::P521, Curve::BrainpoolP256r1, Curve::BrainpoolP384r1];

    /// Length of one coordinate, and so of `r` and of `s`, in bytes.
    pub fn field_bytes(self) -> usize {
        match self {
            Curve::P256 | Curve::BrainpoolP256r1 => 32,
            Curve::P384 | Curve::BrainpoolP384r1 => 48,
            Curve::P521 => 66,
        }
    }
}

/// What kind of key a certificate carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with this modulus length in bits.
    Rsa {
        /// Modulus length in bits.
        bits: u32,
    },
    /// An elliptic-curve key for ECDSA.
    Ec(Curve),
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ML-DSA-65 (FIPS 204), which is to outlive quantum computers.
    MlDsa65,
}

impl KeyKind {
    /// Whether few verifiers know this kind of key yet, so that a profile has to ask for it.
    pub fn is_post_quantum(self) -> bool {
        self == KeyKind::MlDsa65
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa { bits } => write!(f, "RSA-{bits}"),
            KeyKind::Ec(Curve::P256) => f.write_str("P-256"),
            KeyKind::Ec(Curve::P384) => f.write_str("P-384"),
            KeyKind::Ec(Curve::P521) => f.write_str("P-521"),
            KeyKind::Ec(Curve::BrainpoolP256r1) => f.write_str("brainpoolP256r1"),
            KeyKind::Ec(Curve::BrainpoolP384r1) => f.write_str("brainpoolP384r1"),
            KeyKind::Ed25519 => f.write_str("Ed25519"),
            KeyKind::MlDsa65 => f.write_str("ML-DSA-65"),
        }
    }
}

/// The mathematical scheme of a signature, without its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1,
    /// RSASSA-PSS (RFC 8017 section 8.1), MGF1 with the same digest, salt as long as the digest.
    RsaPss,
    /// ECDSA; the curve follows from the key.
    Ecdsa,
    /// PureEdDSA over Ed25519; signs the message itself, no digest of it.
    Ed25519,
    /// ML-DSA-65, pure, with an empty context (FIPS 204 section 5.2); signs the message itself, no digest of it.
    MlDsa65,
}

impl Scheme {
    /// Whether the token gets the message itself and no digest of it ([`crate::ToBeSigned::Message`]).
    pub fn signs_message(self) -> bool {
        matches!(self, Scheme::Ed25519 | Scheme::MlDsa65)
    }
}

/// A scheme together with the digest it is used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignatureAlgorithm {
    /// The scheme.
    pub scheme: Scheme,
    /// The digest of the content and, except for Ed25519 and ML-DSA, of the to-be-signed bytes. These two always use
    /// SHA-512 for the content in CMS (RFC 8419 section 3, RFC 9882 section 3.3).
    pub digest: DigestAlgorithm,
}

impl SignatureAlgorithm {
    /// Chooses the algorithm for a key: `pss` matters for RSA only, and Ed25519 and ML-DSA override the digest with
    /// SHA-512.
    ///
    /// ```
    /// # use model::{KeyKind, SignatureAlgorithm, Scheme, DigestAlgorithm};
    /// let chosen = SignatureAlgorithm::for_key(KeyKind::Ed25519, DigestAlgorithm::Sha256, true);
    /// assert_eq!((chosen.scheme, chosen.digest), (Scheme::Ed25519, DigestAlgorithm::Sha512));
    /// ```
    pub fn for_key(key: KeyKind, digest: DigestAlgorithm, pss: bool) -> Self {
        match key {
            KeyKind::Rsa { .. } => Self { scheme: if pss { Scheme::RsaPss } else { Scheme::RsaPkcs1 }, digest },
            KeyKind::Ec(_) => Self { scheme: Scheme::Ecdsa, digest },
            KeyKind::Ed25519 => Self { scheme: Scheme::Ed25519, digest: DigestAlgorithm::Sha512 },
            KeyKind::MlDsa65 => Self { scheme: Scheme::MlDsa65, digest: DigestAlgorithm::Sha512 },
        }
    }

    /// Whether the scheme can be used with this kind of key at all.
    pub fn fits(self, key: KeyKind) -> bool {
        matches!(
            (self.scheme, key),
            (Scheme::RsaPkcs1 | Scheme::RsaPss, KeyKind::Rsa { .. })
                | (Scheme::Ecdsa, KeyKind::Ec(_))
                | (Scheme::Ed25519, KeyKind::Ed25519)
                | (Scheme::MlDsa65, KeyKind::MlDsa65)
        )
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::RsaPkcs1 => write!(f, "RSA-PKCS1 {}", self.digest),
            Scheme::RsaPss => write!(f, "RSA-PSS {}", self.digest),
            Scheme::Ecdsa => write!(f, "ECDSA {}", self.digest),
            Scheme::Ed25519 => f.write_str("Ed25519"),
            Scheme::MlDsa65 => f.write_str("ML-DSA-65"),
        }
    }
}
