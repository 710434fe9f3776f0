//! XML signatures and XAdES of any maker: every `ds:Signature` of a document, wherever it is.
//!
//! Never loads what a document points to, and never looks anything up twice: the verdict on a reference is about the nodes
//! that were hashed, and what a reader should take for signed is said in words, place included.

mod anatomy;
mod attributes;
mod covered;
mod evidence;
mod files;
mod issuer;
mod place;
mod records;
mod signer;
mod stamps;

use super::{
    Attributes, Detached, FileKind, Input, Inspection, Integrity, Signature, SignatureFormat, SignerReference,
};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::source::Source;
use crate::xml::algorithms::DS;
use crate::xml::reference::Outside;
use crate::xml::signature::Step;
use crate::xml::transform::whole;
use crate::xml::tree::{Document, NodeId};
use anatomy::{Anatomy, XADES_NAMESPACES, malformed};
use covered::Found;
use evidence::Contents;
use model::Reason;
use model::limits::{
    XML_ALL_SIGNATURES_MAX, XML_DIGESTED_BYTES_MAX, XML_DIGESTED_TIMES_MAX, XML_EVIDENCE_MAX, XML_EXPRESSIONS_MAX,
};
use signer::{KeyInfo, Signer};
use stamps::Stamped;
use std::cell::Cell;
use std::sync::Arc;

/// Takes a document apart whose detached signatures may be over what was handed in.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let files = files::Files::of(input.detached);
    let digests = input.detached.iter().filter_map(|detached| match detached {
        Detached::Digest(algorithm, value) => Some((*algorithm, value.as_slice())),
        Detached::Document { .. } => None,
    });
    let files = files.as_ref().map(|files| files as &dyn Source);
    let beside = Beside { files, digests: digests.collect(), renamed: true };
    signatures(input.source, &beside, input.certificates)
}

/// What references that lead out of a document may be about.
pub(in crate::inspect) struct Beside<'a> {
    /// Files, by the names of the members.
    pub(in crate::inspect) files: Option<&'a dyn Source>,
    /// Digests of files that are not there.
    pub(in crate::inspect) digests: Vec<(HashAlgorithm, &'a [u8])>,
    /// A single file is what a single reference means, whatever it is called by now. Not so inside of a container.
    pub(in crate::inspect) renamed: bool,
}

/// Takes a document apart that may lie in a container: what leads out of it is among `beside`.
pub(in crate::inspect) fn signatures(
    source: &dyn Source,
    beside: &Beside<'_>,
    certificates: &[Arc<[u8]>],
) -> Result<Inspection, FormatError> {
    let bytes = whole(source, 0..source.len())?;
    let document = Document::parse(&bytes)?;
    let length = source.len().saturating_add(beside.files.map_or(0, Source::len));
    let context = Context {
        document: &document,
        outside: Outside::files(beside.files),
        digests: &beside.digests,
        renamed: beside.renamed,
        certificates,
        bytes_left: Cell::new(length.saturating_mul(XML_DIGESTED_TIMES_MAX).saturating_add(XML_DIGESTED_BYTES_MAX)),
        expressions_left: Cell::new(XML_EXPRESSIONS_MAX),
    };
    let mut inspection = Inspection::new(FileKind::Xml);
    let mut nodes: Vec<NodeId> = Vec::new();
    for node in document.subtree(NodeId::ROOT) {
        if !document.name(node).is_some_and(|name| name.is(DS, "Signature")) {
            continue;
        }
        if nodes.len() == XML_ALL_SIGNATURES_MAX {
            let sentence = format!("the file has more than {XML_ALL_SIGNATURES_MAX} signatures");
            return Err(FormatError::document("too-many-signatures", sentence));
        }
        nodes.push(node);
    }
    for (index, node) in nodes.iter().enumerate() {
        let parent = counter_signed(&document, *node);
        let parent = parent.and_then(|parent| nodes.iter().position(|other| *other == parent));
        one(&context, *node, index, parent, &mut inspection)?;
    }
    Ok(inspection)
}

/// What all signatures of one document share.
struct Context<'a> {
    document: &'a Document<'a>,
    outside: Outside<'a>,
    digests: &'a [(HashAlgorithm, &'a [u8])],
    renamed: bool,
    certificates: &'a [Arc<[u8]>],
    /// How much may still be hashed.
    bytes_left: Cell<u64>,
    /// How many XPath expressions may still be evaluated.
    expressions_left: Cell<usize>,
}

impl Context<'_> {
    /// Makes sure that these transforms may be carried out.
    fn spend(&self, steps: &[Step]) -> Result<(), FormatError> {
        let too_much = |what: &str| {
            let sentence = format!("the signatures of the file want more {what} than any real ones do");
            Err(FormatError::document("too-much-work", sentence))
        };
        let expressions = steps.iter().map(|step| match step {
            Step::XPath(..) => 1,
            Step::Filter(list, _) => list.len(),
            Step::Canonical(_) | Step::Base64 | Step::Enveloped => 0,
        });
        let Some(left) = self.expressions_left.get().checked_sub(expressions.sum()) else {
            return too_much("XPath expressions to be evaluated");
        };
        self.expressions_left.set(left);
        // Looking at the nodes costs something even where few octets come out.
        self.spent(self.document.node_count());
        if self.bytes_left.get() == 0 {
            return too_much("to be hashed");
        }
        Ok(())
    }

    fn spent(&self, bytes: usize) {
        self.bytes_left.set(self.bytes_left.get().saturating_sub(bytes as u64));
    }
}

/// The signature whose unsigned properties this one is in as a counter-signature.
fn counter_signed(document: &Document<'_>, node: NodeId) -> Option<NodeId> {
    let property = document.parent(node)?;
    let name = document.name(property)?;
    if name.local != "CounterSignature" || !XADES_NAMESPACES.contains(&name.namespace) {
        return None;
    }
    document.ancestors(property).find(|above| document.name(*above).is_some_and(|name| name.is(DS, "Signature")))
}

/// Takes one signature apart.
fn one(
    context: &Context<'_>,
    node: NodeId,
    index: usize,
    parent: Option<usize>,
    inspection: &mut Inspection,
) -> Result<(), FormatError> {
    let document = context.document;
    let mut anatomy = Anatomy::read(document, node)?;
    let key_info = KeyInfo::read(document, &mut anatomy)?;
    let found = Found::of(context, &anatomy)?;
    let in_key_info = match anatomy.key_info {
        Some(info) => Contents::of(document, info)?,
        None => Contents::default(),
    };
    let mut unsigned = Vec::new();
    let holder = anatomy.properties.and_then(|properties| properties.unsigned);
    for property in holder.into_iter().flat_map(|unsigned| document.child_elements(unsigned)).take(XML_EVIDENCE_MAX) {
        unsigned.push((property, Contents::of(document, property)?));
    }

    let mut evidence = in_key_info.evidence.clone();
    for (_, contents) in &unsigned {
        evidence.merge(&contents.evidence);
        anatomy.notes.extend(contents.notes.iter().cloned());
    }
    let signed = check_properties(&mut anatomy, &found);
    let further: Vec<_> = evidence.certificates.iter().chain(context.certificates).cloned().collect();
    let signer = Signer::find(context, &mut anatomy, signed, &key_info, &further)?;
    let attributes = match anatomy.properties.filter(|_| signed) {
        Some(properties) => attributes::read(document, properties, &mut anatomy.notes),
        None => Attributes::default(),
    };
    if parent.is_some() {
        check_counter(context, &mut anatomy, &found);
    }
    note_uncovered(context, &mut anatomy, &found, parent);

    let mut faults = std::mem::take(&mut anatomy.faults);
    let mut stamps = Vec::new();
    if let Some(properties) = anatomy.properties {
        let stamped = Stamped {
            context,
            anatomy: &anatomy,
            properties,
            found: &found,
            signer: &signer,
            evidence: &evidence,
            key_info: &in_key_info,
            unsigned: &unsigned,
        };
        stamps = stamped.all(&mut faults)?;
        let covers = |property| stamped.covered_before(property, &stamps);
        inspection.records.extend(records::read(context, &anatomy, &unsigned, index, covers)?);
    }
    faults.extend(found.faults);
    anatomy.notes.extend(found.notes);
    let format = match signer.reference != SignerReference::Absent || signed && found.over_key_info {
        true => SignatureFormat::Xades,
        false => SignatureFormat::XmlDsig,
    };
    inspection.signatures.push(Signature {
        name: anatomy.id(document).map(shown),
        format,
        parent,
        covered: found.covered,
        value: signer.value,
        signature_value: anatomy.value.unwrap_or_default().into(),
        method: anatomy.method,
        method_name: shown(&anatomy.method_uri),
        key: signer.key,
        signer: signer.certificate,
        reference: signer.reference,
        evidence,
        attributes,
        stamps,
        faults,
        notes: anatomy.notes,
        pdf: None,
    });
    Ok(())
}

/// Whether the signed properties are signed; those that are not mean nothing.
fn check_properties(anatomy: &mut Anatomy, found: &Found) -> bool {
    let Some(properties) = anatomy.properties else { return false };
    match (properties.signed, found.over_properties) {
        (Some(_), 1) => true,
        (Some(_), 0) => {
            if found.faults.is_empty() {
                let sentence = "the signed properties in a signature are not signed: they may come from anybody";
                anatomy.faults.push(Reason::new("properties-not-signed", sentence));
            }
            false
        }
        (Some(_), _) => {
            anatomy.faults.push(malformed("it refers to its signed properties more than once".to_owned()));
            true
        }
        (None, _) => false,
    }
}

/// EN 319 132-1 section 5.2.7: a counter-signature is over the value of the signature that it is in.
fn check_counter(context: &Context<'_>, anatomy: &mut Anatomy, found: &Found) {
    let document = context.document;
    let value = counter_signed(document, anatomy.node);
    let value = value.and_then(|above| document.child_named(above, DS, "SignatureValue"));
    if !value.is_some_and(|value| covered::covers_all(context, &found.nodes, value)) {
        let sentence =
            "a counter-signature is not over the value of the signature that it is in, but over something else";
        anatomy.faults.push(Reason::new("counter-signature-elsewhere", sentence));
    }
}

/// Says what of the document the signature is not over.
fn note_uncovered(context: &Context<'_>, anatomy: &mut Anatomy, found: &Found, parent: Option<usize>) {
    if parent.is_some() {
        return;
    }
    if let Some(words) = place::uncovered(context.document, &found.nodes, anatomy.node) {
        let sentence = format!("the signature is not over all of the file; not covered: {words}");
        anatomy.notes.push(Reason::new("partly-covered", sentence));
    }
    let changed = found.covered.iter().filter(|covered| covered.integrity == Integrity::Changed).count();
    if changed > 1 && found.outside {
        let sentence = format!("{changed} of {} references do not fit what was handed in", found.covered.len());
        anatomy.notes.push(Reason::new("references-changed", sentence));
    }
}

/// Foreign text, short enough for a sentence and on one line.
fn shown(text: &str) -> String {
    let text = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    text.take(200).collect()
}
