//! What algorithms and keys are called and how strong a key is: what the algorithm catalogue is asked about. Judges nothing.

use formats::cms::certificate::PublicKeyInfo;
use formats::der::{Reader, TAG_INTEGER, TAG_OID, TAG_SEQUENCE};
use formats::signature::{HashAlgorithm, Method, dotted};
use model::KeyKind;

/// A digest's name as people write it.
pub fn hash_name(hash: HashAlgorithm) -> &'static str {
    match hash {
        HashAlgorithm::Sha1 => "SHA-1",
        HashAlgorithm::Sha224 => "SHA-224",
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha384 => "SHA-384",
        HashAlgorithm::Sha512 => "SHA-512",
        HashAlgorithm::Sha512Of224 => "SHA-512/224",
        HashAlgorithm::Sha512Of256 => "SHA-512/256",
        HashAlgorithm::Sha3Of224 => "SHA3-224",
        HashAlgorithm::Sha3Of256 => "SHA3-256",
        HashAlgorithm::Sha3Of384 => "SHA3-384",
        HashAlgorithm::Sha3Of512 => "SHA3-512",
        HashAlgorithm::Ripemd160 => "RIPEMD-160",
    }
}

/// All digests that have a name, for readers of catalogues.
pub const HASHES: [HashAlgorithm; 12] = [
    HashAlgorithm::Sha1,
    HashAlgorithm::Sha224,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
    HashAlgorithm::Sha512Of224,
    HashAlgorithm::Sha512Of256,
    HashAlgorithm::Sha3Of224,
    HashAlgorithm::Sha3Of256,
    HashAlgorithm::Sha3Of384,
    HashAlgorithm::Sha3Of512,
    HashAlgorithm::Ripemd160,
];

/// The scheme of a signature without its digest, which the catalogue judges apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it all
pub enum Scheme {
    RsaPkcs1,
    RsaPss,
    Dsa,
    Ecdsa,
    EdDsa,
    MlDsa,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Scheme; 6] =
        [Scheme::RsaPkcs1, Scheme::RsaPss, Scheme::Dsa, Scheme::Ecdsa, Scheme::EdDsa, Scheme::MlDsa];

    /// That of a method.
    pub fn of(method: &Method) -> Self {
        match method {
            Method::RsaPkcs1(_) => Self::RsaPkcs1,
            Method::RsaPss(_) => Self::RsaPss,
            Method::Dsa(_) | Method::DsaPlain(_) => Self::Dsa,
            Method::Ecdsa(_) | Method::EcdsaPlain(_) => Self::Ecdsa,
            Method::Ed25519 | Method::Ed448 => Self::EdDsa,
            Method::MlDsa65 => Self::MlDsa,
        }
    }

    /// Its name, in catalogues and for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaPkcs1 => "RSA-PKCS1",
            Self::RsaPss => "RSA-PSS",
            Self::Dsa => "DSA",
            Self::Ecdsa => "ECDSA",
            Self::EdDsa => "EdDSA",
            Self::MlDsa => "ML-DSA",
        }
    }
}

/// A method's name: `RSA-PSS with SHA-256`.
pub fn method_name(method: &Method) -> String {
    let scheme = Scheme::of(method).name();
    match method.hash() {
        Some(hash) => format!("{scheme} with {}", hash_name(hash)),
        None => match method {
            Method::Ed25519 => "Ed25519".to_owned(),
            Method::Ed448 => "Ed448".to_owned(),
            _ => "ML-DSA-65".to_owned(),
        },
    }
}

/// The length of a key as catalogues count it, in bits: the modulus of RSA, p of DSA, the field of a curve.
pub fn key_bits(subject_public_key_info: &[u8]) -> Option<u32> {
    let info = PublicKeyInfo::parse(subject_public_key_info).ok();
    if let Some(kind) = info.as_ref().and_then(|info| info.kind) {
        return match kind {
            KeyKind::Rsa { bits } => Some(bits),
            KeyKind::Ec(curve) => Some(match curve {
                model::Curve::P256 | model::Curve::BrainpoolP256r1 => 256,
                model::Curve::P384 | model::Curve::BrainpoolP384r1 => 384,
                model::Curve::P521 => 521,
            }),
            KeyKind::Ed25519 => Some(256),
            KeyKind::MlDsa65 => Some(65),
        };
    }
    let mut algorithm = Reader::new(subject_public_key_info).enter(TAG_SEQUENCE).ok()?.enter(TAG_SEQUENCE).ok()?;
    match algorithm.expect(TAG_OID).ok()?.value {
        // id-dsa: Dss-Parms ::= SEQUENCE { p, q, g }
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => {
            let p = algorithm.enter(TAG_SEQUENCE).ok()?.expect(TAG_INTEGER).ok()?.value;
            let p = p.strip_prefix(&[0]).unwrap_or(p);
            let first = p.first()?;
            u32::try_from(p.len().checked_mul(8)?).ok().map(|bits| bits - first.leading_zeros())
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => curve_bits(algorithm.expect(TAG_OID).ok()?.value),
        [0x2b, 0x65, 0x71] => Some(456),
        _ => None,
    }
}

/// Curves that sealmill does not sign with, by their object identifiers.
fn curve_bits(oid: &[u8]) -> Option<u32> {
    Some(match dotted(oid).as_str() {
        "1.2.840.10045.3.1.1" => 192,
        "1.3.132.0.33" => 224,
        "1.3.132.0.10" | "1.2.250.1.223.101.256.1" => 256,
        "1.3.36.3.3.2.8.1.1.1" | "1.3.36.3.3.2.8.1.1.2" => 160,
        "1.3.36.3.3.2.8.1.1.3" | "1.3.36.3.3.2.8.1.1.4" => 192,
        "1.3.36.3.3.2.8.1.1.5" | "1.3.36.3.3.2.8.1.1.6" => 224,
        "1.3.36.3.3.2.8.1.1.8" => 256,
        "1.3.36.3.3.2.8.1.1.9" | "1.3.36.3.3.2.8.1.1.10" => 320,
        "1.3.36.3.3.2.8.1.1.12" => 384,
        "1.3.36.3.3.2.8.1.1.13" | "1.3.36.3.3.2.8.1.1.14" => 512,
        _ => return None,
    })
}
