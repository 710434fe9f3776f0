//! The encryption part of a profile: for whom, and how.

use std::sync::Arc;

/// Encrypt the result for these recipients (CMS EnvelopedData, RFC 5652, or AuthEnvelopedData, RFC 5083).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionOptions {
    /// Certificates of the recipients, DER. Never empty.
    pub recipients: Vec<Arc<[u8]>>,
    /// The cipher of the content; it decides between EnvelopedData (CBC) and AuthEnvelopedData (GCM).
    pub cipher: ContentCipher,
    /// How the content key is given to RSA recipients; EC recipients get it by ECDH.
    pub rsa: RsaKeyTransport,
}

/// The cipher of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ContentCipher {
    /// AES-128-CBC.
    Aes128Cbc,
    /// AES-256-CBC.
    Aes256Cbc,
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-GCM.
    #[default]
    Aes256Gcm,
}

/// How a content key is encrypted for an RSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum RsaKeyTransport {
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256.
    #[default]
    Oaep,
    /// RSAES-PKCS1-v1_5, for recipients who know nothing else.
    Pkcs1,
}
