//! Evidence records in XML (RFC 6283): reading. What later time stamps cover is hashed while the record is read, so that
//! nothing of the document is kept.

use crate::ArchiveError;
use crate::tree::ReducedTree;
use formats::evidence::Evidence;
use formats::signature::{HashAlgorithm, Unverified};
use formats::xml::algorithms::{canonicalization_of, canonicalization_uri, hash_of};
use formats::xml::c14n::{NodeSet, canonicalize};
use formats::xml::signature::{children, octets};
use formats::xml::tree::{Document, NodeId};
use model::limits::{EVIDENCE_RECORD_BYTES_MAX, EVIDENCE_RECORD_CHAINS_MAX, EVIDENCE_RECORD_STAMPS_MAX};
use model::profile::Canonicalization;
use std::sync::Arc;

/// The namespace of RFC 6283.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:ers";

/// A record in XML that has been read; what it shows is [`crate::findings`]' work.
#[derive(Clone, Debug)]
pub struct XmlRecord {
    /// Oldest first; each has at least one time stamp.
    pub(crate) chains: Vec<XmlChain>,
}

/// `ArchiveTimeStampChain`.
#[derive(Clone, Debug)]
pub(crate) struct XmlChain {
    /// `DigestMethod`.
    pub(crate) algorithm: HashAlgorithm,
    /// `CanonicalizationMethod`, its URI.
    pub(crate) canonicalization: &'static str,
    /// By this chain's algorithm: all chains before it.
    pub(crate) earlier: Vec<u8>,
    /// Oldest first.
    pub(crate) stamps: Vec<XmlStamp>,
}

/// `ArchiveTimeStamp`.
#[derive(Clone, Debug)]
pub(crate) struct XmlStamp {
    /// `HashTree`. `None`: the document's digest is the imprint.
    pub(crate) tree: Option<ReducedTree>,
    /// `TimeStampToken`.
    pub(crate) token: Vec<u8>,
    /// By its chain's algorithm: its `TimeStamp`, as the next one covers it.
    pub(crate) digest: Vec<u8>,
    /// `CryptographicInformationList`.
    pub(crate) evidence: Evidence,
}

impl XmlRecord {
    /// Reads a record that is a document of its own.
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        if bytes.len() > EVIDENCE_RECORD_BYTES_MAX {
            return Err(ArchiveError::Rule("it is too long"));
        }
        let document = Document::parse(bytes).map_err(|error| ArchiveError::Xml(error.to_string()))?;
        let root = document.root_element();
        if !document.name(root).is_some_and(|name| name.is(NAMESPACE, "EvidenceRecord")) {
            return Err(ArchiveError::Rule("its document element is another one"));
        }
        if document.attribute(root, "", "Version") != Some("1.0") {
            return Err(ArchiveError::Rule("its version is not 1.0"));
        }
        let sequence = only(&document, root, "ArchiveTimeStampSequence")?;
        let nodes = in_order(&document, sequence, "ArchiveTimeStampChain", EVIDENCE_RECORD_CHAINS_MAX)?;
        let (mut chains, mut count) = (Vec::new(), 0);
        for (at, node) in nodes.iter().enumerate() {
            let later = nodes.get(at..).unwrap_or_default();
            let chain = XmlChain::read(&document, sequence, *node, later)?;
            count += chain.stamps.len();
            if count > EVIDENCE_RECORD_STAMPS_MAX {
                return Err(ArchiveError::Rule("it has too many time stamps"));
            }
            chains.push(chain);
        }
        Ok(Self { chains })
    }
}

impl XmlChain {
    /// `later`: this chain and those after it, which its first time stamp does not cover (RFC 6283 section 4.2.2).
    fn read(doc: &Document<'_>, sequence: NodeId, node: NodeId, later: &[NodeId]) -> Result<Self, ArchiveError> {
        let method = only(doc, node, "DigestMethod")?;
        let uri = doc.attribute(method, "", "Algorithm").unwrap_or_default();
        let algorithm = hash_of(uri).ok_or_else(|| Unverified::UnknownAlgorithm(shortened(uri)))?;
        let method = only(doc, node, "CanonicalizationMethod")?;
        let uri = doc.attribute(method, "", "Algorithm").unwrap_or_default();
        let canonical = canonicalization_of(uri).ok_or(ArchiveError::Rule("its canonicalisation is unknown"))?;
        let mut before = NodeSet::subtree(doc, sequence);
        later.iter().for_each(|chain| before.remove_subtree(doc, *chain));
        let mut chain = Self {
            algorithm,
            canonicalization: canonicalization_uri(&canonical),
            earlier: digest(doc, &before, &canonical, algorithm)?,
            stamps: Vec::new(),
        };
        for stamp in in_order(doc, node, "ArchiveTimeStamp", EVIDENCE_RECORD_STAMPS_MAX)? {
            let time_stamp = only(doc, stamp, "TimeStamp")?;
            let token = only(doc, time_stamp, "TimeStampToken")?;
            if doc.attribute(token, "", "Type") != Some("RFC3161") {
                return Err(ArchiveError::Rule("a time stamp in it is none of RFC 3161"));
            }
            chain.stamps.push(XmlStamp {
                tree: doc.child_named(stamp, NAMESPACE, "HashTree").map(|tree| read_tree(doc, tree)).transpose()?,
                token: binary(doc, token)?,
                digest: digest(doc, &NodeSet::subtree(doc, time_stamp), &canonical, algorithm)?,
                evidence: read_evidence(doc, time_stamp)?,
            });
        }
        Ok(chain)
    }
}

/// The one child with this name.
fn only(document: &Document<'_>, node: NodeId, local: &'static str) -> Result<NodeId, ArchiveError> {
    let mut found = children(document, node, NAMESPACE, local);
    found.next().filter(|_| found.next().is_none()).ok_or(ArchiveError::Rule("an element is missing or there twice"))
}

/// The children with this name in the order that their `Order` says: 1, 2, … At least one.
fn in_order(
    document: &Document<'_>,
    node: NodeId,
    local: &'static str,
    most: usize,
) -> Result<Vec<NodeId>, ArchiveError> {
    let mut found = Vec::new();
    for child in children(document, node, NAMESPACE, local) {
        let order = document.attribute(child, "", "Order").and_then(|order| order.trim().parse::<usize>().ok());
        found.push((order.ok_or(ArchiveError::Rule("an element has no number"))?, child));
        if found.len() > most {
            return Err(ArchiveError::Rule("it has too many time stamps or hashes"));
        }
    }
    found.sort_unstable();
    if found.is_empty() || found.iter().zip(1..).any(|((order, _), expected)| *order != expected) {
        return Err(ArchiveError::Rule("its elements are not numbered from 1 on"));
    }
    Ok(found.into_iter().map(|(_, child)| child).collect())
}

fn read_tree(document: &Document<'_>, tree: NodeId) -> Result<ReducedTree, ArchiveError> {
    let mut lists = Vec::new();
    for list in in_order(document, tree, "Sequence", usize::MAX)? {
        let hashes = children(document, list, NAMESPACE, "DigestValue").map(|value| binary(document, value));
        let hashes = hashes.collect::<Result<Vec<_>, _>>()?;
        if hashes.is_empty() {
            return Err(ArchiveError::Rule("a list of hashes is empty"));
        }
        lists.push(hashes);
    }
    Ok(lists)
}

/// What came with a time stamp for its verification (RFC 6283 section 3.1.3). Of other types than these nothing is known.
fn read_evidence(document: &Document<'_>, time_stamp: NodeId) -> Result<Evidence, ArchiveError> {
    let mut evidence = Evidence::default();
    let Some(list) = document.child_named(time_stamp, NAMESPACE, "CryptographicInformationList") else {
        return Ok(evidence);
    };
    for item in children(document, list, NAMESPACE, "CryptographicInformation") {
        let into = match document.attribute(item, "", "Type") {
            Some("CERT") => &mut evidence.certificates,
            Some("CRL") => &mut evidence.crls,
            Some("OCSP") => &mut evidence.ocsp_responses,
            _ => continue,
        };
        let bytes: Arc<[u8]> = binary(document, item)?.into();
        if !into.contains(&bytes) {
            into.push(bytes);
        }
    }
    Ok(evidence)
}

fn binary(document: &Document<'_>, node: NodeId) -> Result<Vec<u8>, ArchiveError> {
    octets(document, node).map_err(|_| ArchiveError::Rule("a value in it is not base64"))
}

fn digest(
    document: &Document<'_>,
    chosen: &NodeSet,
    method: &Canonicalization,
    algorithm: HashAlgorithm,
) -> Result<Vec<u8>, ArchiveError> {
    let (mut running, mut failed) = (algorithm.start()?, Ok(()));
    let mut sink = |piece: &[u8]| {
        if failed.is_ok() {
            failed = running.update(piece);
        }
    };
    canonicalize(document, chosen, method, &mut sink).map_err(|error| ArchiveError::Xml(error.to_string()))?;
    failed?;
    Ok(running.finish()?)
}

fn shortened(uri: &str) -> String {
    uri.chars().take(120).collect()
}
