//! Evidence records that are files of their own (RFC 4998, RFC 6283), and the digests that any record needs of its data
//! objects. Whether a record holds together is the `archive` crate's work.
//!
//! Reads of a record no more than which algorithms it uses; what cannot be read asks for nothing.

use super::{Detached, FileKind, Input, Inspection, ObjectId, Record, RecordDigest, RecordObject};
use crate::cms::reader::SignedData;
use crate::crypto::Hasher;
use crate::der::{self, DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_SEQUENCE};
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Running};
use crate::source::{Source, SourceError, each_chunk};
use crate::tsp::Info;
use crate::xml::algorithms::{canonicalization_of, canonicalization_uri, hash_of};
use crate::xml::c14n::{NodeSet, canonical_bytes, canonicalize};
use crate::xml::looks_like_xml;
use crate::xml::signature::{children, octets};
use crate::xml::tree::{Document, NodeId};
use model::limits::{EVIDENCE_RECORD_BYTES_MAX, EVIDENCE_RECORD_STAMPS_MAX, EVIDENCE_RECORD_XML_BYTES_MAX};
use model::profile::{CanonicalVersion, Canonicalization};
use model::{DigestAlgorithm, Reason};

/// The namespace of RFC 6283.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:ers";
/// The namespace of BSI TR-03125.
const TR_ESOR: &str = "http://www.bsi.bund.de/tr-esor/xaip";
/// `[2]`, constructed.
const TAG_CONTEXT_2: u8 = 0xa2;

/// Takes a record of RFC 4998 apart that is a file, over what was handed in beside it.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    if input.source.len() > EVIDENCE_RECORD_BYTES_MAX as u64 {
        let sentence = "the evidence record is larger than evidence records may be";
        return Err(FormatError::document("evidence-record-too-large", sentence));
    }
    with_documents(input, whole(input.source)?, false)
}

/// Takes a document in XML apart if it is a record: of RFC 6283, or of either form in the envelope of TR-ESOR.
pub(super) fn inspect_xml(input: &Input<'_>) -> Result<Option<Inspection>, FormatError> {
    if input.source.len() > EVIDENCE_RECORD_BYTES_MAX as u64 {
        return Ok(None);
    }
    // Most documents are none, which their beginning tells before all of them is read.
    let mut head = vec![0; input.source.len().min(XML_HEAD_BYTES) as usize];
    input.source.read_exact_at(0, &mut head)?;
    let mentions = |name: &str| head.utf8_chunks().any(|chunk| chunk.valid().contains(name));
    if !mentions(NAMESPACE) && !mentions(TR_ESOR) && !is_wide(&head) {
        return Ok(None);
    }
    let bytes = whole(input.source)?;
    let Ok(document) = Document::parse(&bytes) else { return Ok(None) };
    let root = document.root_element();
    let is =
        |node: NodeId, namespace: &str, local: &str| document.name(node).is_some_and(|name| name.is(namespace, local));
    if is(root, NAMESPACE, "EvidenceRecord") {
        drop(document);
        return with_documents(input, bytes, true).map(Some);
    }
    if !is(root, TR_ESOR, "evidenceRecord") {
        return Ok(None);
    }
    if let Some(record) = document.child_named(root, TR_ESOR, "asn1EvidenceRecord") {
        return with_documents(input, octets(&document, record)?, false).map(Some);
    }
    let holder = document.child_named(root, TR_ESOR, "xmlEvidenceRecord");
    let record = holder.and_then(|holder| match is(holder, NAMESPACE, "EvidenceRecord") {
        true => Some(holder),
        false => document.child_named(holder, NAMESPACE, "EvidenceRecord"),
    });
    match record {
        Some(record) => with_documents(input, cut_out(&document, record)?, true).map(Some),
        None => Ok(None),
    }
}

/// A record of RFC 6283 inside of another document, as one of its own: Canonical XML with comments, so that the
/// namespaces of where it stands are in it and its parts have the same canonical form as before.
pub fn cut_out(document: &Document<'_>, record: NodeId) -> Result<Vec<u8>, FormatError> {
    let method = Canonicalization { version: CanonicalVersion::V1_0, comments: true, inclusive_prefixes: Vec::new() };
    Ok(canonical_bytes(document, &NodeSet::subtree(document, record), &method)?)
}

/// Whether a document in XML is in UTF-16.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.iter().take(4).any(|byte| matches!(byte, 0 | 0xfe | 0xff))
}

fn with_documents(input: &Input<'_>, bytes: Vec<u8>, xml: bool) -> Result<Inspection, FormatError> {
    let wanted = Wanted::by(&bytes, xml);
    let (mut objects, mut covers) = (Vec::new(), Vec::new());
    for detached in input.detached {
        match detached {
            Detached::Document { name, source } => {
                let (object, id) = wanted.object(name, *source)?;
                objects.push(object);
                covers.push(id);
            }
            Detached::Digest(algorithm, value) => {
                let digest = RecordDigest { algorithm: *algorithm, canonicalization: None, value: value.clone() };
                add_digest(&mut objects, digest);
            }
        }
    }
    let name = (!input.name.is_empty()).then(|| input.name.to_owned());
    let mut inspection = Inspection::new(FileKind::EvidenceRecord);
    if objects.is_empty() {
        let sentence = "the evidence record is a file of its own: the documents that it is about are needed, too";
        inspection.notes.push(Reason::new("original-missing", sentence));
    }
    inspection.records.push(Record {
        name,
        xml,
        bytes: bytes.into(),
        objects,
        manifest: Vec::new(),
        covers,
        signatures: Vec::new(),
    });
    Ok(inspection)
}

/// Digests of one object by several algorithms may be given one after the other: an algorithm that comes again begins
/// another object.
fn add_digest(objects: &mut Vec<RecordObject>, digest: RecordDigest) {
    let is_given = |object: &RecordObject| object.name.starts_with(GIVEN);
    let has = |object: &RecordObject| object.digests.iter().any(|known| known.algorithm == digest.algorithm);
    let number = 1 + objects.iter().filter(|object| is_given(object)).count();
    match objects.last_mut() {
        Some(object) if is_given(object) && !has(object) => object.digests.push(digest),
        _ => objects.push(RecordObject { name: format!("{GIVEN}{number}"), digests: vec![digest] }),
    }
}

/// What a document is called of which only digests were given. A `/` would be part of no file name.
const GIVEN: &str = "digest/";

/// Which digests of its data objects a record needs.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// By which algorithm; by which canonicalisation before, if the object is XML.
    digests: Vec<(HashAlgorithm, Option<Canonicalization>)>,
    first: Option<HashAlgorithm>,
}

impl Wanted {
    /// What this record needs. `xml`: it is one of RFC 6283.
    ///
    /// A record inside of another document in XML is handed in, and kept as [`Record::bytes`], as [`cut_out`] gives it.
    pub fn by(record: &[u8], xml: bool) -> Self {
        let mut wanted = Self::default();
        if record.len() <= EVIDENCE_RECORD_BYTES_MAX {
            match xml {
                true => wanted.read_xml(record),
                // What stands before the fault is asked for; the fault itself is found by whoever checks the record.
                false => wanted.read_der(record).unwrap_or_default(),
            }
        }
        wanted
    }

    /// That of the first time stamp, by which a container's manifest has to give digests (EN 319 162-1 annex A.4).
    pub fn first(&self) -> Option<HashAlgorithm> {
        self.first
    }

    /// The algorithms, each once.
    pub fn algorithms(&self) -> Vec<HashAlgorithm> {
        let mut all = Vec::new();
        for (algorithm, _) in &self.digests {
            if !all.contains(algorithm) {
                all.push(*algorithm);
            }
        }
        all
    }

    /// The digests of a data object, read once. Without those that the library does not compute.
    pub fn digests(&self, source: &dyn Source) -> Result<Vec<RecordDigest>, SourceError> {
        Ok(self.object("", source)?.0.digests)
    }

    /// As [`Wanted::digests`], with a name, and the SHA-256 digest of its bytes as what exists since the record does.
    pub fn object(&self, name: &str, source: &dyn Source) -> Result<(RecordObject, ObjectId), SourceError> {
        let mut sha256 = Hasher::new(DigestAlgorithm::Sha256);
        let mut running: Vec<_> = self.algorithms().into_iter().map(|algorithm| Sink::new(algorithm, None)).collect();
        each_chunk::<SourceError>(source, &(0..source.len()), |chunk| {
            sha256.update(chunk);
            running.iter_mut().for_each(|sink| sink.update(chunk));
            Ok(())
        })?;
        let mut digests: Vec<RecordDigest> = running.into_iter().filter_map(Sink::finish).collect();
        digests.extend(self.canonical(source)?);
        let mut id = [0; 32];
        id.iter_mut().zip(sha256.finish().as_bytes()).for_each(|(to, from)| *to = *from);
        Ok((RecordObject { name: name.to_owned(), digests }, ObjectId(id)))
    }

    /// Of a document in XML, if a canonicalisation is asked for.
    fn canonical(&self, source: &dyn Source) -> Result<Vec<RecordDigest>, SourceError> {
        let mut methods: Vec<&Canonicalization> = Vec::new();
        for method in self.digests.iter().filter_map(|(_, method)| method.as_ref()) {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        if methods.is_empty() || source.len() > EVIDENCE_RECORD_XML_BYTES_MAX {
            return Ok(Vec::new());
        }
        let mut head = vec![0; source.len().min(XML_HEAD_BYTES) as usize];
        source.read_exact_at(0, &mut head)?;
        if !looks_like_xml(&head) {
            return Ok(Vec::new());
        }
        let bytes;
        let bytes = match source.as_slice() {
            Some(slice) => slice,
            None => {
                bytes = whole(source)?;
                &bytes
            }
        };
        let Ok(document) = Document::parse(bytes) else { return Ok(Vec::new()) };
        let nodes = NodeSet::document(&document);
        let mut digests = Vec::new();
        for method in methods {
            let of_method = self.digests.iter().filter(|(_, wanted)| wanted.as_ref() == Some(method));
            let mut sinks: Vec<_> = of_method.map(|(algorithm, _)| Sink::new(*algorithm, Some(method))).collect();
            let mut feed = |piece: &[u8]| sinks.iter_mut().for_each(|sink| sink.update(piece));
            if canonicalize(&document, &nodes, method, &mut feed).is_ok() {
                digests.extend(sinks.into_iter().filter_map(Sink::finish));
            }
        }
        Ok(digests)
    }

    fn add(&mut self, algorithm: HashAlgorithm, method: Option<Canonicalization>) {
        let wanted = (algorithm, method);
        if !self.digests.contains(&wanted) {
            self.digests.push(wanted);
        }
    }

    /// The algorithms of RFC 4998 section 3.1: those listed, and those of each time stamp.
    fn read_der(&mut self, record: &[u8]) -> Result<(), DerError> {
        let mut fields = Reader::new(record).enter(TAG_SEQUENCE)?;
        fields.expect(TAG_INTEGER)?;
        let mut listed = fields.enter(TAG_SEQUENCE)?;
        while !listed.is_empty() {
            if let Ok(algorithm) = HashAlgorithm::of_identifier(listed.expect(TAG_SEQUENCE)?.raw) {
                self.add(algorithm, None);
            }
        }
        fields.optional(TAG_CONTEXT_0)?;
        fields.optional(TAG_CONTEXT_1)?;
        let mut sequence = fields.enter(TAG_SEQUENCE)?;
        let mut count = 0;
        while !sequence.is_empty() {
            let mut chain = sequence.enter(TAG_SEQUENCE)?;
            while !chain.is_empty() && count < EVIDENCE_RECORD_STAMPS_MAX {
                count += 1;
                let mut stamp = chain.enter(TAG_SEQUENCE)?;
                let stated = stamp.optional(TAG_CONTEXT_0)?;
                stamp.optional(TAG_CONTEXT_1)?;
                stamp.optional(TAG_CONTEXT_2)?;
                let token = stamp.expect(TAG_SEQUENCE)?.raw;
                let algorithm = match stated {
                    Some(stated) => HashAlgorithm::of_identifier(&der::tlv(TAG_SEQUENCE, &[stated.value])).ok(),
                    None => stamped_algorithm(token),
                };
                if let Some(algorithm) = algorithm {
                    self.add(algorithm, None);
                }
                if count == 1 {
                    self.first = algorithm;
                }
            }
            if count == EVIDENCE_RECORD_STAMPS_MAX {
                break;
            }
        }
        Ok(())
    }

    fn read_xml(&mut self, record: &[u8]) {
        let Ok(document) = Document::parse(record) else { return };
        let Some(sequence) = document.child_named(document.root_element(), NAMESPACE, "ArchiveTimeStampSequence")
        else {
            return;
        };
        let named = |node: NodeId, local: &'static str| {
            let method = document.child_named(node, NAMESPACE, local)?;
            document.attribute(method, "", "Algorithm")
        };
        for chain in children(&document, sequence, NAMESPACE, "ArchiveTimeStampChain").take(EVIDENCE_RECORD_STAMPS_MAX)
        {
            let algorithm = named(chain, "DigestMethod").and_then(hash_of);
            if document.attribute(chain, "", "Order").is_some_and(|order| order.trim() == "1") {
                self.first = algorithm;
            }
            if let Some(algorithm) = algorithm {
                self.add(algorithm, named(chain, "CanonicalizationMethod").and_then(canonicalization_of));
            }
        }
    }
}

/// How much of a document tells whether it may be XML: a byte order mark and some white space.
const XML_HEAD_BYTES: u64 = 4_096;

/// The algorithm of a token's imprint, without a look at its signature.
fn stamped_algorithm(token: &[u8]) -> Option<HashAlgorithm> {
    let message = SignedData::read(token).ok()?;
    Some(Info::read(&message.content_bytes(token)?).ok()?.imprint.algorithm)
}

/// One digest in progress. Nothing comes out if the library refuses.
struct Sink {
    algorithm: HashAlgorithm,
    canonicalization: Option<String>,
    running: Option<Running>,
}

impl Sink {
    fn new(algorithm: HashAlgorithm, method: Option<&Canonicalization>) -> Self {
        let canonicalization = method.map(|method| canonicalization_uri(method).to_owned());
        Self { algorithm, canonicalization, running: algorithm.start().ok() }
    }

    fn update(&mut self, bytes: &[u8]) {
        if self.running.as_mut().is_some_and(|running| running.update(bytes).is_err()) {
            self.running = None;
        }
    }

    fn finish(self) -> Option<RecordDigest> {
        let value = self.running?.finish().ok()?;
        Some(RecordDigest { algorithm: self.algorithm, canonicalization: self.canonicalization, value })
    }
}

fn whole(source: &dyn Source) -> Result<Vec<u8>, SourceError> {
    let mut bytes = vec![0; source.len() as usize];
    source.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}
