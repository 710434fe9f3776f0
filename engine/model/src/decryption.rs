//! What a token is asked to open and the secret that comes back: a few hundred bytes each, never a document.

use std::fmt;
use zeroize::Zeroizing;

/// A content key as its recipient's private key is needed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrappedKey {
    /// RSAES-PKCS1-v1_5 (RFC 8017 section 7.2).
    RsaPkcs1 {
        /// As long as the modulus.
        encrypted: Vec<u8>,
        /// How long the content key must be, in bytes. Whatever does not decrypt to that many bytes gives as many
        /// random ones instead of an error: who tries out ciphertexts learns nothing (RFC 3218 section 2.3.2).
        length: usize,
    },
    /// RSAES-OAEP (RFC 8017 section 7.1).
    RsaOaep {
        /// As long as the modulus.
        encrypted: Vec<u8>,
        /// How it was padded.
        padding: OaepPadding,
    },
    /// Elliptic-curve Diffie-Hellman with a key of the sender (RFC 5753). The secret is the x-coordinate, as long as
    /// the field; the key derivation is `formats`' work.
    Ecdh {
        /// The sender's ephemeral public key: a point on the curve of the private key, X9.62, usually uncompressed.
        point: Vec<u8>,
    },
}

impl WrappedKey {
    /// The foreign bytes in it.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            WrappedKey::RsaPkcs1 { encrypted, .. } | WrappedKey::RsaOaep { encrypted, .. } => encrypted,
            WrappedKey::Ecdh { point } => point,
        }
    }
}

/// Parameters of RSAES-OAEP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OaepPadding {
    /// The digest of the label.
    pub hash: Sha,
    /// The digest of the mask generation function MGF1.
    pub mask: Sha,
    /// The label; usually empty.
    pub label: Vec<u8>,
}

/// The digests inside key transport and key derivation, where SHA-1 is still sound and still found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it all
pub enum Sha {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Sha {
    /// All of them, for tables and searches.
    pub const ALL: [Sha; 5] = [Sha::Sha1, Sha::Sha224, Sha::Sha256, Sha::Sha384, Sha::Sha512];
}

impl fmt::Display for Sha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sha::Sha1 => "SHA-1",
            Sha::Sha224 => "SHA-224",
            Sha::Sha256 => "SHA-256",
            Sha::Sha384 => "SHA-384",
            Sha::Sha512 => "SHA-512",
        })
    }
}

/// Secret bytes: a content key or what one is derived from. Erased when dropped, never printed.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over. They must not have been moved by growing, or a copy is left behind.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one who computes with them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new(vec![0x5a, 0x5b]);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(secret.expose(), [0x5a, 0x5b]);
    }
}
