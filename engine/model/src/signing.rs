//! What goes to a token and what comes back: a few dozen bytes each, never a document.

use crate::algorithm::SignatureAlgorithm;
use crate::digest::Digest;

/// The exact input of one signature operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToBeSigned {
    /// The digest of the to-be-signed bytes: RSA and ECDSA.
    Digest {
        /// Scheme and digest; `digest.algorithm()` equals `algorithm.digest`.
        algorithm: SignatureAlgorithm,
        /// The value that the token pads (RSA) or signs (ECDSA).
        digest: Digest,
    },
    /// The message itself: Ed25519 (RFC 8419) and ML-DSA (RFC 9882) sign no digest. Small, because it is a CMS
    /// SignedAttributes.
    Message {
        /// Scheme and (content) digest.
        algorithm: SignatureAlgorithm,
        /// The bytes.
        message: Vec<u8>,
    },
}

impl ToBeSigned {
    /// The algorithm to sign with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        match self {
            ToBeSigned::Digest { algorithm, .. } | ToBeSigned::Message { algorithm, .. } => *algorithm,
        }
    }

    /// The bytes that are handed to the token.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            ToBeSigned::Digest { digest, .. } => digest.as_bytes(),
            ToBeSigned::Message { message, .. } => message,
        }
    }
}

/// The raw signature as CMS wants it: RSA the integer as long as the modulus, ECDSA a DER `SEQUENCE { r, s }`, Ed25519
/// 64 bytes, ML-DSA-65 3309 bytes. Tokens that answer `r || s` are converted in `token`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureValue(pub Vec<u8>);
