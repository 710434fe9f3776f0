//! `EvidenceRecord` (RFC 4998 section 3.1): reading and writing. What is inside is kept byte for byte, because later
//! time stamps cover it as it is stored.

use crate::ArchiveError;
use crate::tree::ReducedTree;
use formats::cms::identifiers::digest_identifier;
use formats::der::{self, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_SEQUENCE, Tlv};
use formats::signature::HashAlgorithm;
use formats::tsp::{Imprint, Token};
use model::limits::{EVIDENCE_RECORD_BYTES_MAX, EVIDENCE_RECORD_CHAINS_MAX, EVIDENCE_RECORD_STAMPS_MAX};
use model::{Digest, DigestAlgorithm};

/// A record that has been read; what it proves is [`crate::check()`]'s work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// `digestAlgorithms`, each AlgorithmIdentifier whole.
    algorithms: Vec<Vec<u8>>,
    /// `cryptoInfos` and `encryptionInfo` as they are stored.
    others: Vec<u8>,
    /// Oldest first; each has at least one time stamp.
    pub(crate) chains: Vec<Vec<ArchiveTimeStamp>>,
}

/// `ArchiveTimeStamp` (RFC 4998 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveTimeStamp {
    /// All of it, as stored.
    raw: Vec<u8>,
    /// `digestAlgorithm`. `None`: that of the token's imprint.
    pub algorithm: Option<HashAlgorithm>,
    /// `reducedHashtree`. `None`: the document's digest is the imprint.
    pub tree: Option<ReducedTree>,
    /// `timeStamp`, as stored.
    pub token: Vec<u8>,
}

impl EvidenceRecord {
    /// The first record of a document: `tree` is what [`crate::HashTree::reduced`] gave for it, `token` the time stamp
    /// over the root.
    pub fn new(algorithm: DigestAlgorithm, tree: Option<ReducedTree>, token: &Token) -> Self {
        let stamp = ArchiveTimeStamp::new(algorithm, tree, token);
        Self { algorithms: vec![digest_identifier(algorithm)], others: Vec::new(), chains: vec![vec![stamp]] }
    }

    /// Reads a record in DER.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        if bytes.len() > EVIDENCE_RECORD_BYTES_MAX {
            return Err(ArchiveError::Rule("it is too long"));
        }
        let mut outer = Reader::new(bytes);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        if fields.expect(TAG_INTEGER)?.value != [1] {
            return Err(ArchiveError::Rule("its version is not 1"));
        }
        let mut list = fields.enter(TAG_SEQUENCE)?;
        let mut algorithms = Vec::new();
        while !list.is_empty() {
            algorithms.push(list.expect(TAG_SEQUENCE)?.raw.to_vec());
        }
        let mut others = Vec::new();
        for tag in [TAG_CONTEXT_0, TAG_CONTEXT_1] {
            others.extend_from_slice(fields.optional(tag)?.map(|found| found.raw).unwrap_or_default());
        }
        let mut sequence = fields.enter(TAG_SEQUENCE)?;
        fields.end()?;
        let (mut chains, mut count) = (Vec::new(), 0);
        while !sequence.is_empty() {
            let mut chain = sequence.enter(TAG_SEQUENCE)?;
            let mut stamps = Vec::new();
            while !chain.is_empty() {
                count += 1;
                if count > EVIDENCE_RECORD_STAMPS_MAX {
                    return Err(ArchiveError::Rule("it has too many time stamps"));
                }
                stamps.push(ArchiveTimeStamp::read(chain.expect(TAG_SEQUENCE)?)?);
            }
            if stamps.is_empty() {
                return Err(ArchiveError::Rule("a chain of time stamps is empty"));
            }
            if chains.len() == EVIDENCE_RECORD_CHAINS_MAX {
                return Err(ArchiveError::Rule("it has too many chains of time stamps"));
            }
            chains.push(stamps);
        }
        if chains.is_empty() {
            return Err(ArchiveError::Rule("it has no time stamps"));
        }
        Ok(Self { algorithms, others, chains })
    }

    /// The record, DER.
    pub fn der(&self) -> Vec<u8> {
        let algorithms: Vec<&[u8]> = self.algorithms.iter().map(Vec::as_slice).collect();
        let algorithms = der::tlv(TAG_SEQUENCE, &algorithms);
        der::tlv(TAG_SEQUENCE, &[&[TAG_INTEGER, 1, 1], &algorithms, &self.others, &self.sequence(self.chains.len())])
    }

    /// All time stamps, oldest first.
    pub fn stamps(&self) -> impl Iterator<Item = &ArchiveTimeStamp> {
        self.chains.iter().flatten()
    }

    /// Its chains, oldest first: a new one begins with each hash-tree renewal.
    pub fn chains(&self) -> impl Iterator<Item = &[ArchiveTimeStamp]> {
        self.chains.iter().map(Vec::as_slice)
    }

    /// `ArchiveTimeStampSequence` of the first so many chains, DER.
    pub(crate) fn sequence(&self, chains: usize) -> Vec<u8> {
        let chains: Vec<Vec<u8>> = self.chains[..chains]
            .iter()
            .map(|chain| der::tlv(TAG_SEQUENCE, &chain.iter().map(|stamp| &stamp.raw[..]).collect::<Vec<_>>()))
            .collect();
        der::tlv(TAG_SEQUENCE, &chains.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn last(&self) -> &ArchiveTimeStamp {
        self.chains.last().and_then(|chain| chain.last()).unwrap_or_else(|| unreachable!("a record has a time stamp"))
    }

    /// Time-stamp renewal (RFC 4998 section 5.2): what goes into a tree as this record's leaf. `None`: the digest of its
    /// newest chain is one that is not made any more, so only a hash-tree renewal helps.
    pub fn renewal_leaf(&self) -> Result<Option<Digest>, ArchiveError> {
        let algorithm = algorithm_of(self.last(), self.stamps().count())?;
        Ok(algorithm.ours().map(|algorithm| formats::crypto::digest(algorithm, &self.last().token)))
    }

    /// The record after a time-stamp renewal: `tree` leads from [`EvidenceRecord::renewal_leaf`] to what `token` covers.
    pub fn renewed(mut self, tree: Option<ReducedTree>, token: &Token) -> Result<Self, ArchiveError> {
        let leaf = self.renewal_leaf()?.ok_or(ArchiveError::Rule("its newest digest is not made any more"))?;
        let stamp = ArchiveTimeStamp::new(leaf.algorithm(), tree, token);
        if let Some(chain) = self.chains.last_mut() {
            chain.push(stamp);
        }
        Ok(self)
    }

    /// Hash-tree renewal (RFC 4998 section 5.2): the digests of the documents of the group become what goes into a
    /// tree: H(document's digest, then H(all chains)), not sorted.
    pub fn rehash_leaves(&self, documents: &[Digest]) -> Vec<Digest> {
        let sequence = self.sequence(self.chains.len());
        let leaf = |document: &Digest| {
            let chains = formats::crypto::digest(document.algorithm(), &sequence);
            formats::crypto::digest(document.algorithm(), &[document.as_bytes(), chains.as_bytes()].concat())
        };
        documents.iter().map(leaf).collect()
    }

    /// The record after a hash-tree renewal: `tree` leads from [`EvidenceRecord::rehash_leaves`] to what `token` covers.
    #[must_use]
    pub fn rehashed(mut self, algorithm: DigestAlgorithm, tree: Option<ReducedTree>, token: &Token) -> Self {
        let identifier = digest_identifier(algorithm);
        if !self.algorithms.contains(&identifier) {
            self.algorithms.push(identifier);
        }
        self.chains.push(vec![ArchiveTimeStamp::new(algorithm, tree, token)]);
        self
    }
}

impl ArchiveTimeStamp {
    fn new(algorithm: DigestAlgorithm, tree: Option<ReducedTree>, token: &Token) -> Self {
        let mut identifier = digest_identifier(algorithm);
        let known = HashAlgorithm::of_identifier(&identifier).ok();
        identifier[0] = TAG_CONTEXT_0; // implicitly tagged
        let lists = tree.as_ref().map(|lists| {
            let lists: Vec<Vec<u8>> = lists
                .iter()
                .map(|list| {
                    let hashes: Vec<Vec<u8>> = list.iter().map(|hash| der::tlv(TAG_OCTET_STRING, &[hash])).collect();
                    der::tlv(TAG_SEQUENCE, &hashes.iter().map(Vec::as_slice).collect::<Vec<_>>())
                })
                .collect();
            der::tlv(TAG_CONTEXT_2, &lists.iter().map(Vec::as_slice).collect::<Vec<_>>())
        });
        let raw = der::tlv(TAG_SEQUENCE, &[&identifier, lists.as_deref().unwrap_or_default(), token.der()]);
        Self { raw, algorithm: known, tree, token: token.der().to_vec() }
    }

    fn read(found: Tlv<'_>) -> Result<Self, ArchiveError> {
        let mut fields = Reader::new(found.value);
        let algorithm = match fields.optional(TAG_CONTEXT_0)? {
            Some(identifier) => Some(HashAlgorithm::of_identifier(&der::tlv(TAG_SEQUENCE, &[identifier.value]))?),
            None => None,
        };
        // Nothing depends on attributes, but they must be some.
        if let Some(attributes) = fields.optional(TAG_CONTEXT_1)? {
            let mut attributes = Reader::new(attributes.value);
            while !attributes.is_empty() {
                attributes.expect(TAG_SEQUENCE)?;
            }
        }
        let tree = match fields.optional(TAG_CONTEXT_2)? {
            Some(lists) => Some(read_lists(Reader::new(lists.value))?),
            None => None,
        };
        let token = fields.expect(TAG_SEQUENCE)?.raw.to_vec();
        fields.end()?;
        Ok(Self { raw: found.raw.to_vec(), algorithm, tree, token })
    }
}

fn read_lists(mut lists: Reader<'_>) -> Result<ReducedTree, ArchiveError> {
    let mut tree = Vec::new();
    while !lists.is_empty() {
        let mut hashes = lists.enter(TAG_SEQUENCE)?;
        let mut list = Vec::new();
        while !hashes.is_empty() {
            list.push(hashes.expect(TAG_OCTET_STRING)?.value.to_vec());
        }
        if list.is_empty() {
            return Err(ArchiveError::Rule("a list of hashes is empty"));
        }
        tree.push(list);
    }
    if tree.is_empty() { Err(ArchiveError::Rule("a hash tree is empty")) } else { Ok(tree) }
}

/// The digest algorithm of a time stamp; without one of its own, that of its token. `number` is for messages.
pub(crate) fn algorithm_of(stamp: &ArchiveTimeStamp, number: usize) -> Result<HashAlgorithm, ArchiveError> {
    match stamp.algorithm {
        Some(algorithm) => Ok(algorithm),
        None => {
            let token = Token::read(&stamp.token).map_err(|error| ArchiveError::Token(number, error))?;
            let Imprint { algorithm, .. } = token.imprint();
            Ok(*algorithm)
        }
    }
}

/// `[2]`, constructed.
const TAG_CONTEXT_2: u8 = 0xa2;
