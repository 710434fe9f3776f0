//! What a signature is over: each reference resolved, transformed, hashed and put into words. The verdict is about exactly
//! the nodes and octets that were hashed.

use super::anatomy::{Anatomy, Entry};
use super::{Context, place, shown};
use crate::inspect::{Covered, CoveredRole, Integrity};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::xml::algorithms::{DS, MANIFEST};
use crate::xml::c14n::NodeSet;
use crate::xml::reference::{self, Origin};
use crate::xml::signature::children;
use crate::xml::tree::{IdFound, NodeId, NodeKind};
use crate::xml::verify::{unverified, verdict};
use model::Reason;
use model::limits::XML_REFERENCES_MAX;

/// What came of all references of a signature.
pub(super) struct Found {
    /// In the order of the references; entries of a manifest behind the reference to it.
    pub(super) covered: Vec<Covered>,
    /// For each reference of `SignedInfo` what it is about.
    pub(super) targets: Vec<Target>,
    /// All nodes of the document that a reference is over.
    pub(super) nodes: NodeSet,
    /// The octets of a file outside are signed.
    pub(super) outside: bool,
    /// How many references are over exactly and completely the signed properties.
    pub(super) over_properties: usize,
    /// `KeyInfo` is signed as it is.
    pub(super) over_key_info: bool,
    pub(super) faults: Vec<Reason>,
    pub(super) notes: Vec<Reason>,
}

/// What one reference of `SignedInfo` is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The signed properties, or so it says.
    Properties,
    /// Anything else.
    Content,
}

impl Found {
    /// Resolves and hashes all references. An error is one of the medium.
    pub(super) fn of(context: &Context<'_>, anatomy: &Anatomy) -> Result<Self, FormatError> {
        let mut found = Self {
            covered: Vec::new(),
            targets: Vec::new(),
            nodes: NodeSet::empty(context.document),
            outside: false,
            over_properties: 0,
            over_key_info: false,
            faults: Vec::new(),
            notes: Vec::new(),
        };
        let mut in_manifests = 0;
        for entry in &anatomy.entries {
            let target = found.reference(context, anatomy, entry)?;
            found.targets.push(target);
            if entry.kind == MANIFEST {
                found.manifest(context, anatomy, entry, &mut in_manifests)?;
            }
        }
        Ok(found)
    }

    fn reference(&mut self, context: &Context<'_>, anatomy: &Anatomy, entry: &Entry) -> Result<Target, FormatError> {
        let document = context.document;
        let mut made = hash(context, anatomy, entry)?;
        let top = verdict(reference::target_of(document, entry.uri.as_deref()))?.ok().flatten();
        if let (Some(nodes), Some(signed_info)) = (&made.nodes, anatomy.signed_info) {
            // Its digest, or what depends on it, would have to be known before it is computed.
            let own = [Some(signed_info), anatomy.value_node].into_iter().flatten();
            if own.into_iter().any(|part| nodes.contains(part)) {
                let sentence =
                    format!("the reference \"{}\" of a signature is over the signature itself", entry.said());
                made.integrity = Integrity::Refused(Reason::new("covers-itself", sentence));
            }
        }
        let signed = anatomy.properties.and_then(|properties| properties.signed);
        let is_properties = signed.is_some() && top == signed;
        let is_key_info = top.is_some() && top == anatomy.key_info;
        if is_properties || entry.is_of_properties() {
            self.properties(context, entry, signed, top, made.nodes.as_ref());
        }
        let covers_all = |part: NodeId| made.nodes.as_ref().is_some_and(|nodes| covers_all(context, nodes, part));
        self.over_key_info |= is_key_info && top.is_some_and(covers_all);
        self.outside |= made.nodes.is_none() && matches!(made.integrity, Integrity::Intact | Integrity::Changed);
        if let Some(nodes) = &made.nodes {
            self.nodes.add_nodes(nodes);
        }
        let what = match (top, &made.nodes) {
            _ if is_properties => "the signed properties".to_owned(),
            _ if is_key_info => "the key info".to_owned(),
            (Some(top), Some(nodes)) => place::describe(document, top, nodes, anatomy.node),
            _ => entry.words(),
        };
        let role = if is_properties || is_key_info { CoveredRole::Properties } else { CoveredRole::Content };
        self.covered.push(entry.covered(what, role, made.integrity));
        Ok(if is_properties || entry.is_of_properties() { Target::Properties } else { Target::Content })
    }

    /// EN 319 132-1 section 4.4.2: one reference, with its type, over exactly these properties.
    fn properties(
        &mut self,
        context: &Context<'_>,
        entry: &Entry,
        signed: Option<NodeId>,
        top: Option<NodeId>,
        nodes: Option<&NodeSet>,
    ) {
        let sentence = match (signed, nodes) {
            (Some(signed), Some(nodes)) if top == Some(signed) => {
                if covers_all(context, nodes, signed) {
                    self.over_properties += 1;
                    if !entry.is_of_properties() {
                        let sentence = "the reference to the signed properties does not say that it is one";
                        self.notes.push(Reason::new("properties-type", sentence));
                    }
                    return;
                }
                "the signed properties of a signature are signed only in part".to_owned()
            }
            _ => {
                let place = match top {
                    Some(top) if top != NodeId::ROOT => place::element(context.document, top),
                    _ => format!("\"{}\"", entry.said()),
                };
                format!(
                    "what a signature has signed as its properties is {place}, and not the properties in it: they may \
                     have been exchanged"
                )
            }
        };
        self.faults.push(Reason::new("properties-not-signed", sentence));
    }

    /// XML-DSig 1.1 section 5.1: what is in a manifest does not decide about the signature.
    fn manifest(
        &mut self,
        context: &Context<'_>,
        anatomy: &Anatomy,
        entry: &Entry,
        count: &mut usize,
    ) -> Result<(), FormatError> {
        for node in manifest_entries(context, entry)? {
            *count += 1;
            if *count > XML_REFERENCES_MAX {
                let sentence = format!("the manifests of a signature have more than {XML_REFERENCES_MAX} references");
                self.faults.push(Reason::new("signature-malformed", sentence));
                return Ok(());
            }
            let inner = Entry::read(context.document, node)?;
            let made = hash(context, anatomy, &inner)?;
            let top = verdict(reference::target_of(context.document, inner.uri.as_deref()))?.ok().flatten();
            let what = match (top, &made.nodes) {
                (Some(top), Some(nodes)) => place::describe(context.document, top, nodes, anatomy.node),
                _ => inner.words(),
            };
            if let Some(nodes) = made.nodes.as_ref().filter(|_| made.integrity == Integrity::Intact) {
                self.nodes.add_nodes(nodes);
            }
            self.covered.push(inner.covered(what, CoveredRole::ManifestEntry, made.integrity));
        }
        Ok(())
    }
}

/// The references in the manifest that a reference is over.
pub(super) fn manifest_entries(context: &Context<'_>, entry: &Entry) -> Result<Vec<NodeId>, FormatError> {
    let document = context.document;
    let top = verdict(reference::target_of(document, entry.uri.as_deref()))?.ok().flatten();
    let manifest = top.filter(|top| document.name(*top).is_some_and(|name| name.is(DS, "Manifest")));
    let references = manifest.into_iter().flat_map(|manifest| children(document, manifest, DS, "Reference"));
    Ok(references.take(XML_REFERENCES_MAX + 1).collect())
}

/// Whether a set has all of an element but its comments.
pub(super) fn covers_all(context: &Context<'_>, nodes: &NodeSet, top: NodeId) -> bool {
    let document = context.document;
    let all = document.subtree(top).all(|node| nodes.contains(node) || document.kind(node) == NodeKind::Comment);
    all && !nodes.leaves_out_attributes(document)
}

/// What hashing a reference gave.
struct Made {
    integrity: Integrity,
    /// The nodes of the document that were hashed.
    nodes: Option<NodeSet>,
}

fn hash(context: &Context<'_>, anatomy: &Anatomy, entry: &Entry) -> Result<Made, FormatError> {
    let refused = |reason: Reason| Made { integrity: Integrity::Refused(reason), nodes: None };
    let digest = match &entry.digest {
        Ok(digest) => digest,
        Err(reason) => return Ok(refused(reason.clone())),
    };
    if let Some(reason) = entry.unreachable(context) {
        return Ok(Made { integrity: Integrity::Missing(reason), nodes: None });
    }
    let Some(hash) = entry.hash else {
        let uri = shown(entry.hash_uri(context.document));
        let sentence = format!("the digest algorithm \"{uri}\" of a reference is not known or broken");
        return Ok(refused(Reason::new("algorithm-unknown", sentence)));
    };
    if reference::leads_outside(entry.uri.as_deref())
        && let Some(integrity) = context.digest_outside(anatomy, entry, hash, digest)
    {
        return Ok(Made { integrity, nodes: None });
    }
    let (mut nodes, mut length) = (None, 0);
    let mut compute = || {
        let mut running = hash.start().map_err(unverified)?;
        let mut failed = None;
        nodes = octets(context, anatomy, entry, None, &mut |piece| {
            length += piece.len();
            failed = failed.take().or(running.update(piece).err());
        })?;
        match failed {
            Some(error) => Err(unverified(error)),
            None => running.finish().map_err(unverified),
        }
    };
    let integrity = match verdict(compute())? {
        Ok(_) if nodes.is_some() && length == 0 => {
            let sentence = format!("the transforms of the reference \"{}\" leave nothing to be signed", entry.said());
            Integrity::Refused(Reason::new("covers-nothing", sentence))
        }
        Ok(computed) if computed == *digest => Integrity::Intact,
        Ok(_) => Integrity::Changed,
        Err(reason) if reason.code == "original-missing" => Integrity::Missing(reason),
        Err(reason) => Integrity::Refused(reason),
    };
    Ok(Made { integrity, nodes })
}

/// Gives the octets that a reference stands for to `sink`; `fallback` is for those that end in nodes.
pub(super) fn octets(
    context: &Context<'_>,
    anatomy: &Anatomy,
    entry: &Entry,
    fallback: Option<&model::profile::Canonicalization>,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Option<NodeSet>, FormatError> {
    let steps = entry.steps.as_ref().map_err(|reason| FormatError::Document(reason.clone()))?;
    context.spend(steps)?;
    let origin = Origin {
        signature: anatomy.node,
        uri: entry.uri.as_deref(),
        outside: &context.outside,
        alone: context.renamed && anatomy.leads_outside_once(),
        // What is not in there need not be taken out; what was hashed is told by its nodes.
        enveloped_anywhere: true,
    };
    origin.dereference(context.document, steps, fallback, &mut |piece| {
        context.spent(piece.len());
        sink(piece);
    })
}

impl Entry {
    /// What it points to, shortened.
    pub(super) fn said(&self) -> String {
        shown(self.uri.as_deref().unwrap_or_default())
    }

    fn words(&self) -> String {
        match self.uri.as_deref() {
            None => "a file without a name".to_owned(),
            Some("") => "the whole document".to_owned(),
            Some(uri) if uri.starts_with('#') => format!("what has the Id {}", shown(uri)),
            Some(uri) => {
                let name = String::from_utf8(reference::percent_decoded(uri)).unwrap_or_else(|_| uri.to_owned());
                format!("file {}", shown(&name))
            }
        }
    }

    fn covered(&self, what: String, role: CoveredRole, integrity: Integrity) -> Covered {
        let digest = self.digest.clone().unwrap_or_default();
        Covered { what, role, algorithm: self.hash, digest, integrity }
    }

    /// Why that which it points to cannot be had, if that is known before looking.
    fn unreachable(&self, context: &Context<'_>) -> Option<Reason> {
        let uri = self.uri.as_deref()?;
        if !reference::leads_outside(Some(uri)) {
            let id = reference::id_of(uri)?;
            return (context.document.find_id(id) == IdFound::None).then(|| {
                let sentence = format!("nothing in the file has the Id \"{}\" that was signed", shown(id));
                Reason::new("reference-missing", sentence)
            });
        }
        let scheme = uri.split_once("://").map(|(scheme, _)| scheme)?;
        let is_there = context.outside.files.is_some_and(|files| {
            files.members().iter().any(|member| member.name.as_deref() == Some(uri)) || context.renamed
        });
        (!is_there && context.digests.is_empty()).then(|| {
            let sentence = format!(
                "the signature is over \"{}\", which is somewhere else ({}); nothing that a signature names is loaded",
                shown(uri),
                shown(scheme)
            );
            Reason::new("reference-external", sentence)
        })
    }
}

impl Context<'_> {
    /// The verdict by a digest that was handed in instead of the document. `None`: there is none, or the document is
    /// there.
    fn digest_outside(
        &self,
        anatomy: &Anatomy,
        entry: &Entry,
        hash: HashAlgorithm,
        digest: &[u8],
    ) -> Option<Integrity> {
        if self.digests.is_empty() || self.outside.files.is_some() {
            return None;
        }
        if !entry.steps.as_ref().is_ok_and(Vec::is_empty) {
            let sentence = "only the digest of the document is there, but the signature is over a changed form of it";
            return Some(Integrity::Missing(Reason::new("original-missing", sentence)));
        }
        let mut fitting = self.digests.iter().filter(|(algorithm, _)| *algorithm == hash).peekable();
        if fitting.peek().is_none() {
            let sentence = format!("the document that was signed is known only by a digest other than {hash:?}");
            return Some(Integrity::Missing(Reason::new("original-missing", sentence)));
        }
        if fitting.any(|(_, value)| *value == digest) {
            return Some(Integrity::Intact);
        }
        let sentence = "none of the digests that were handed in is that of the document that was signed";
        Some(match anatomy.leads_outside_once() {
            true => Integrity::Changed,
            false => Integrity::Missing(Reason::new("original-missing", sentence)),
        })
    }
}
