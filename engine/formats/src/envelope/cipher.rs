//! Content ciphers: which there are, how they are named, and one message going through one of them, a piece at a time.

use super::identifiers::{OID_RC2, OID_TRIPLE_DES, aes_arc, aes_oid, algorithm};
use crate::der::{self, DerError, Reader, TAG_INTEGER, TAG_OCTET_STRING, TAG_SEQUENCE};
use crate::prepare::FormatError;
use model::Secret;
use model::profile::ContentCipher;
use openssl::error::ErrorStack;
use openssl::symm::{self, Crypter, Mode};

/// Length of the nonces that are written (RFC 5084 section 3.2 recommends it).
const NONCE_BYTES: usize = 12;
/// Length of the authentication tags that are written.
pub(super) const TAG_BYTES: usize = 16;
/// The most that one GCM key and nonce may encrypt, in bytes (NIST SP 800-38D section 5.2.1.1).
const GCM_BYTES_MAX: u64 = (1 << 36) - 32;

/// A content cipher that can be read; those of [`ContentCipher`] are written, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cipher {
    /// With keys of this many bytes.
    AesCbc(usize),
    /// With keys of this many bytes.
    AesGcm(usize),
    TripleDesCbc,
}

impl From<ContentCipher> for Cipher {
    fn from(cipher: ContentCipher) -> Self {
        match cipher {
            ContentCipher::Aes128Cbc => Cipher::AesCbc(16),
            ContentCipher::Aes256Cbc => Cipher::AesCbc(32),
            ContentCipher::Aes128Gcm => Cipher::AesGcm(16),
            ContentCipher::Aes256Gcm => Cipher::AesGcm(32),
        }
    }
}

/// What an AlgorithmIdentifier says about the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) cipher: Cipher,
    /// Initialisation vector or nonce.
    pub(super) iv: Vec<u8>,
    /// Length of the tag that must follow; 0 without authentication.
    pub(super) tag_bytes: usize,
}

impl Cipher {
    pub(super) fn key_bytes(self) -> usize {
        match self {
            Cipher::AesCbc(bytes) | Cipher::AesGcm(bytes) => bytes,
            Cipher::TripleDesCbc => 24,
        }
    }

    pub(super) fn is_authenticated(self) -> bool {
        matches!(self, Cipher::AesGcm(_))
    }

    pub(super) fn iv_bytes(self) -> usize {
        match self {
            Cipher::AesCbc(_) => 16,
            Cipher::AesGcm(_) => NONCE_BYTES,
            Cipher::TripleDesCbc => 8,
        }
    }

    /// Length of the encrypted content; `None` if so much must not be encrypted.
    pub(super) fn encrypted_length(self, plain: u64) -> Option<u64> {
        match self {
            Cipher::AesGcm(_) => Some(plain).filter(|plain| *plain <= GCM_BYTES_MAX),
            // PKCS#7 padding: always at least one byte (RFC 5652 section 6.3).
            Cipher::AesCbc(_) | Cipher::TripleDesCbc => {
                let block = self.iv_bytes() as u64;
                (plain / block).checked_add(1)?.checked_mul(block)
            }
        }
    }

    /// The AlgorithmIdentifier with this vector (RFC 3565 section 4.1, RFC 5084 section 3.2).
    pub(super) fn identifier(self, iv: &[u8]) -> Vec<u8> {
        let iv = der::tlv(TAG_OCTET_STRING, &[iv]);
        match self {
            Cipher::AesCbc(bytes) => {
                let arc = [2, 22, 42][(bytes / 8 - 2).min(2)];
                der::tlv(TAG_SEQUENCE, &[&aes_oid(arc), &iv])
            }
            Cipher::AesGcm(bytes) => {
                let arc = [6, 26, 46][(bytes / 8 - 2).min(2)];
                let length = [TAG_INTEGER, 1, TAG_BYTES as u8];
                der::tlv(TAG_SEQUENCE, &[&aes_oid(arc), &der::tlv(TAG_SEQUENCE, &[&iv, &length])])
            }
            Cipher::TripleDesCbc => der::tlv(TAG_SEQUENCE, &[OID_TRIPLE_DES, &iv]),
        }
    }

    fn library(self) -> symm::Cipher {
        match self {
            Cipher::AesCbc(16) => symm::Cipher::aes_128_cbc(),
            Cipher::AesCbc(24) => symm::Cipher::aes_192_cbc(),
            Cipher::AesCbc(_) => symm::Cipher::aes_256_cbc(),
            Cipher::AesGcm(16) => symm::Cipher::aes_128_gcm(),
            Cipher::AesGcm(24) => symm::Cipher::aes_192_gcm(),
            Cipher::AesGcm(_) => symm::Cipher::aes_256_gcm(),
            Cipher::TripleDesCbc => symm::Cipher::des_ede3_cbc(),
        }
    }

    /// Room that one call needs beyond what it is given, in bytes.
    pub(super) fn block_bytes(self) -> usize {
        self.library().block_size()
    }

    /// A message under way. The key has [`Cipher::key_bytes`].
    pub(super) fn start(self, mode: Mode, key: &Secret, iv: &[u8]) -> Result<Crypter, ErrorStack> {
        Crypter::new(self.library(), mode, key.expose(), Some(iv))
    }
}

impl Parameters {
    /// Reads the AlgorithmIdentifier of encrypted content.
    pub(super) fn read(identifier: &[u8], authenticated: bool) -> Result<Self, FormatError> {
        let parsed = Self::parse(identifier).map_err(super::reader::unreadable)?;
        match parsed {
            Some(parameters) if parameters.cipher.is_authenticated() == authenticated => Ok(parameters),
            _ => {
                let name = name(identifier);
                let reason = format!("the file is encrypted with {name}, which sealmill does not decrypt");
                Err(FormatError::document("cipher-unknown", reason))
            }
        }
    }

    fn parse(identifier: &[u8]) -> Result<Option<Self>, DerError> {
        let (oid, parameters) = algorithm(identifier)?;
        let cipher = match aes_arc(&oid) {
            Some(2) => Cipher::AesCbc(16),
            Some(22) => Cipher::AesCbc(24),
            Some(42) => Cipher::AesCbc(32),
            Some(6) => Cipher::AesGcm(16),
            Some(26) => Cipher::AesGcm(24),
            Some(46) => Cipher::AesGcm(32),
            _ if oid.raw == OID_TRIPLE_DES => Cipher::TripleDesCbc,
            _ => return Ok(None),
        };
        let parameters = parameters.ok_or(DerError::Truncated)?;
        if !cipher.is_authenticated() {
            let fits = parameters.tag == TAG_OCTET_STRING && parameters.value.len() == cipher.iv_bytes();
            let iv = fits.then(|| parameters.value.to_vec()).ok_or(DerError::Malformed)?;
            return Ok(Some(Self { cipher, iv, tag_bytes: 0 }));
        }
        let mut outer = Reader::new(parameters.raw);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        let iv = fields.expect(TAG_OCTET_STRING)?.value;
        // aes-ICVlen is 12 unless it says otherwise; shorter ones are not allowed (RFC 5084 section 3.2).
        let tag_bytes = match fields.optional(TAG_INTEGER)?.map(|length| length.value) {
            None => 12,
            Some([length @ 12..=16]) => usize::from(*length),
            Some(_) => return Err(DerError::Malformed),
        };
        fields.end()?;
        if !(1..=128).contains(&iv.len()) {
            return Err(DerError::Malformed);
        }
        Ok(Some(Self { cipher, iv: iv.to_vec(), tag_bytes }))
    }
}

/// What people call a cipher that we do not know.
fn name(identifier: &[u8]) -> String {
    match algorithm(identifier) {
        Ok((oid, _)) if oid.raw == OID_RC2 => "RC2".to_owned(),
        Ok((oid, _)) => format!("the algorithm {}", crate::signature::dotted(oid.value)),
        Err(_) => "an unknown algorithm".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn identifiers_are_read_as_they_are_written() {
        let ciphers = [16, 24, 32].into_iter().flat_map(|bytes| [Cipher::AesCbc(bytes), Cipher::AesGcm(bytes)]);
        for cipher in ciphers.chain([Cipher::TripleDesCbc]) {
            let iv = vec![7; cipher.iv_bytes()];
            let tag_bytes = if cipher.is_authenticated() { TAG_BYTES } else { 0 };
            let read = Parameters::read(&cipher.identifier(&iv), cipher.is_authenticated()).unwrap();
            assert_eq!(read, Parameters { cipher, iv, tag_bytes });
            assert!(Parameters::read(&cipher.identifier(&[7; 16]), !cipher.is_authenticated()).is_err());
        }
        let gcm =
            b"\x30\x1e\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e\x30\x11\x04\x0c\0\0\0\0\0\0\0\0\0\0\0\0\x02\x01\x10";
        assert_eq!(Cipher::AesGcm(32).identifier(&[0; 12]), gcm);
    }

    #[test]
    fn lengths() {
        assert_eq!([0, 15, 16, 17].map(|n| Cipher::AesCbc(32).encrypted_length(n).unwrap()), [16, 16, 32, 32]);
        assert_eq!(Cipher::AesGcm(32).encrypted_length(5), Some(5));
        assert_eq!(Cipher::AesGcm(32).encrypted_length(1 << 36), None);
        assert_eq!(Cipher::AesCbc(32).encrypted_length(u64::MAX), None);
    }
}
