//! The names that the standards gave: object identifiers of algorithms, attributes and extensions, as this world uses
//! them.

use super::der;
use crate::pki::KeyKind;
use anyhow::{Result, ensure};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// No longer fit for signatures; OCSP's certificate identifiers still use it.
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Hash {
    /// All of them.
    pub const ALL: [Hash; 7] =
        [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Sha3_256, Hash::Sha3_384, Hash::Sha3_512];

    /// The hash of these bytes.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        #[allow(clippy::expect_used)] // it fails only without memory
        openssl::hash::hash(self.message_digest(), bytes).expect("hash").to_vec()
    }

    /// The length of its values in bytes.
    pub fn length(self) -> usize {
        self.message_digest().size()
    }

    pub(super) fn message_digest(self) -> MessageDigest {
        match self {
            Hash::Sha1 => MessageDigest::sha1(),
            Hash::Sha256 => MessageDigest::sha256(),
            Hash::Sha384 => MessageDigest::sha384(),
            Hash::Sha512 => MessageDigest::sha512(),
            Hash::Sha3_256 => MessageDigest::sha3_256(),
            Hash::Sha3_384 => MessageDigest::sha3_384(),
            Hash::Sha3_512 => MessageDigest::sha3_512(),
        }
    }

    fn dotted(self) -> &'static str {
        match self {
            Hash::Sha1 => "1.3.14.3.2.26",
            Hash::Sha256 => "2.16.840.1.101.3.4.2.1",
            Hash::Sha384 => "2.16.840.1.101.3.4.2.2",
            Hash::Sha512 => "2.16.840.1.101.3.4.2.3",
            Hash::Sha3_256 => "2.16.840.1.101.3.4.2.8",
            Hash::Sha3_384 => "2.16.840.1.101.3.4.2.9",
            Hash::Sha3_512 => "2.16.840.1.101.3.4.2.10",
        }
    }

    /// Its `AlgorithmIdentifier`, without parameters (RFC 5754 section 2).
    pub(super) fn identifier(self) -> Vec<u8> {
        der::seq(&[&der::oid(self.dotted())])
    }

    /// The hash that an OBJECT IDENTIFIER (with its header) names.
    pub(super) fn named(oid: &[u8]) -> Option<Hash> {
        Hash::ALL.into_iter().find(|hash| der::oid(hash.dotted()) == oid)
    }
}

/// A key that signs for an authority, a responder or a time-stamp unit; its handle is made once.
#[derive(Clone)]
pub(super) struct SigningKey {
    key: PKey<Private>,
    /// `AlgorithmIdentifier` of key and hash together.
    pub(super) identifier: Vec<u8>,
    hash: MessageDigest,
}

impl SigningKey {
    pub(super) fn new(key: PKey<Private>, hash: Hash) -> Result<Self> {
        let rsa = key.id() == Id::RSA;
        ensure!(rsa || key.id() == Id::EC, "authorities and time-stamp units here have RSA or EC keys");
        let dotted = match (rsa, hash) {
            (true, Hash::Sha384) => "1.2.840.113549.1.1.12",
            (true, Hash::Sha512) => "1.2.840.113549.1.1.13",
            (true, _) => "1.2.840.113549.1.1.11",
            (false, Hash::Sha384) => "1.2.840.10045.4.3.3",
            (false, Hash::Sha512) => "1.2.840.10045.4.3.4",
            (false, _) => "1.2.840.10045.4.3.2",
        };
        let parameters = if rsa { der::NULL } else { &[] };
        let hash = if matches!(hash, Hash::Sha384 | Hash::Sha512) { hash } else { Hash::Sha256 };
        let identifier = der::seq(&[&der::oid(dotted), parameters]);
        Ok(Self { key, identifier, hash: hash.message_digest() })
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(Signer::new(self.hash, &self.key)?.sign_oneshot_to_vec(bytes)?)
    }

    /// `SIGNED { ... }` of X.509: what is signed, the algorithm, the signature.
    pub(super) fn sealed(&self, to_be_signed: &[u8]) -> Result<Vec<u8>> {
        Ok(der::seq(&[to_be_signed, &self.identifier, &der::bits(&self.sign(to_be_signed)?)]))
    }
}

/// A `Name` from pairs of an attribute's OID and its text.
pub(super) fn distinguished(parts: &[(&str, &str)]) -> Vec<u8> {
    let attributes = parts.iter().map(|(kind, text)| {
        // Countries are PrintableString (RFC 5280 appendix A.1), everything else UTF8String.
        let tag = if *kind == COUNTRY { 0x13 } else { 0x0c };
        der::tlv(der::SET, &[&der::seq(&[&der::oid(kind), &der::tlv(tag, &[text.as_bytes()])])])
    });
    der::tlv(der::SEQUENCE, &[&attributes.collect::<Vec<_>>().concat()])
}

/// Whether keys of this kind agree on keys, in place of taking one that is encrypted to them.
pub(super) fn agrees(kind: KeyKind) -> bool {
    !matches!(kind, KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096)
}

pub(super) const COUNTRY: &str = "2.5.4.6";
pub(super) const ORGANIZATION: &str = "2.5.4.10";
pub(super) const COMMON_NAME: &str = "2.5.4.3";
