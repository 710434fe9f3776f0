//! Every digest that occurs in what others have signed, also those that nobody should use any more: judging their age
//! is the reader's business. MD5 and older ones are not among them, because a second document is too easily made.

use super::{Unverified, dotted};
use crate::crypto;
use crate::der::{Reader, TAG_OID, TAG_SEQUENCE};
use model::DigestAlgorithm;
use openssl::hash::{Hasher, MessageDigest};
use openssl::md::{Md, MdRef};
use openssl::nid::Nid;

/// A digest algorithm of a foreign signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it all
pub enum HashAlgorithm {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512Of224,
    Sha512Of256,
    Sha3Of224,
    Sha3Of256,
    Sha3Of384,
    Sha3Of512,
    Ripemd160,
}

impl HashAlgorithm {
    /// Recognises the AlgorithmIdentifier of a digest (RFC 8017 appendix B.1, RFC 5754, RFC 8702). Parameters are not
    /// looked at: those that exist in the world are absent or NULL.
    pub fn of_identifier(identifier: &[u8]) -> Result<Self, Unverified> {
        let mut outer = Reader::new(identifier);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        Self::of_oid(fields.expect(TAG_OID)?.value)
    }

    /// Recognises the content of a digest's OBJECT IDENTIFIER.
    pub fn of_oid(oid: &[u8]) -> Result<Self, Unverified> {
        Ok(match oid {
            [0x2b, 0x0e, 0x03, 0x02, 0x1a] => Self::Sha1,
            [0x2b, 0x24, 0x03, 0x02, 0x01] => Self::Ripemd160,
            [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc] => match arc {
                1 => Self::Sha256,
                2 => Self::Sha384,
                3 => Self::Sha512,
                4 => Self::Sha224,
                5 => Self::Sha512Of224,
                6 => Self::Sha512Of256,
                7 => Self::Sha3Of224,
                8 => Self::Sha3Of256,
                9 => Self::Sha3Of384,
                10 => Self::Sha3Of512,
                _ => return Err(Unverified::UnknownAlgorithm(dotted(oid))),
            },
            _ => return Err(Unverified::UnknownAlgorithm(dotted(oid))),
        })
    }

    /// Length of its values in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 | Self::Ripemd160 => 20,
            Self::Sha224 | Self::Sha512Of224 | Self::Sha3Of224 => 28,
            Self::Sha256 | Self::Sha512Of256 | Self::Sha3Of256 => 32,
            Self::Sha384 | Self::Sha3Of384 => 48,
            Self::Sha512 | Self::Sha3Of512 => 64,
        }
    }

    /// The same algorithm, if it is one that sealmill signs with.
    pub fn ours(self) -> Option<DigestAlgorithm> {
        match self {
            Self::Sha256 => Some(DigestAlgorithm::Sha256),
            Self::Sha384 => Some(DigestAlgorithm::Sha384),
            Self::Sha512 => Some(DigestAlgorithm::Sha512),
            _ => None,
        }
    }

    /// The digest of bytes in memory.
    pub fn digest(self, bytes: &[u8]) -> Result<Vec<u8>, Unverified> {
        if let Some(ours) = self.ours() {
            return Ok(crypto::digest(ours, bytes).as_bytes().to_vec());
        }
        let mut running = self.start()?;
        running.update(bytes)?;
        running.finish()
    }

    /// Starts a digest over bytes that come in pieces.
    pub fn start(self) -> Result<Running, Unverified> {
        if let Some(ours) = self.ours() {
            return Ok(Running(Library::Ours(crypto::Hasher::new(ours))));
        }
        Hasher::new(self.for_messages()?)
            .map(|hasher| Running(Library::OpenSsl(hasher)))
            .map_err(|_| Unverified::Library)
    }

    fn nid(self) -> Nid {
        match self {
            Self::Sha1 => Nid::SHA1,
            Self::Sha224 => Nid::SHA224,
            Self::Sha256 => Nid::SHA256,
            Self::Sha384 => Nid::SHA384,
            Self::Sha512 => Nid::SHA512,
            Self::Sha512Of224 => Nid::from_raw(openssl_numbers::SHA512_224),
            Self::Sha512Of256 => Nid::from_raw(openssl_numbers::SHA512_256),
            Self::Sha3Of224 => Nid::SHA3_224,
            Self::Sha3Of256 => Nid::SHA3_256,
            Self::Sha3Of384 => Nid::SHA3_384,
            Self::Sha3Of512 => Nid::SHA3_512,
            Self::Ripemd160 => Nid::RIPEMD160,
        }
    }

    fn for_messages(self) -> Result<MessageDigest, Unverified> {
        MessageDigest::from_nid(self.nid()).ok_or(Unverified::Library)
    }

    /// The library's handle for padding.
    pub(super) fn for_padding(self) -> Result<&'static MdRef, Unverified> {
        Md::from_nid(self.nid()).ok_or(Unverified::Library)
    }
}

impl From<DigestAlgorithm> for HashAlgorithm {
    fn from(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256,
            DigestAlgorithm::Sha384 => Self::Sha384,
            DigestAlgorithm::Sha512 => Self::Sha512,
        }
    }
}

/// OpenSSL's numbers that its binding gives no name.
mod openssl_numbers {
    pub(super) const SHA512_224: i32 = 1094;
    pub(super) const SHA512_256: i32 = 1095;
}

/// A digest in progress.
#[derive(Clone)]
pub struct Running(Library);

/// Who computes it. For each new digest OpenSSL looks its algorithm up, which costs more than a short message.
#[derive(Clone)]
enum Library {
    Ours(crypto::Hasher),
    OpenSsl(Hasher),
}

impl Running {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Unverified> {
        match &mut self.0 {
            Library::Ours(hasher) => {
                hasher.update(bytes);
                Ok(())
            }
            Library::OpenSsl(hasher) => hasher.update(bytes).map_err(|_| Unverified::Library),
        }
    }

    /// The digest of all bytes added.
    pub fn finish(self) -> Result<Vec<u8>, Unverified> {
        match self.0 {
            Library::Ours(hasher) => Ok(hasher.finish().as_bytes().to_vec()),
            Library::OpenSsl(mut hasher) => {
                hasher.finish().map(|value| value.to_vec()).map_err(|_| Unverified::Library)
            }
        }
    }
}
