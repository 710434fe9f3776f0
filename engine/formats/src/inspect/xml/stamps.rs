//! The time stamps in an XML signature: which there are, whether each is over what it should be over, and what exists
//! since its time (EN 319 132-1 sections 5.2.9, 5.3, 5.5.2 and annex A; ETSI TS 101 903 for the older ones).

use super::anatomy::{Anatomy, Properties};
use super::covered::{self, Found, Target};
use super::evidence::{Contents, ids_of_token, trimmed};
use super::signer::Signer;
use super::{Context, shown};
use crate::evidence::Evidence;
use crate::inspect::{Integrity, ObjectId, SignerReference, Stamp, StampKind};
use crate::prepare::FormatError;
use crate::tsp::{Token, TspError};
use crate::xml::algorithms::{DEFAULT_CANONICALIZATION, DS, XADES_141};
use crate::xml::c14n::{self, NodeSet};
use crate::xml::signature::{Step, canonicalization, canonicalization_in, children, octets};
use crate::xml::transform;
use crate::xml::tree::{Document, NodeId};
use crate::xml::verify::{unverified, verdict};
use model::Reason;
use model::limits::XML_STAMPS_MAX;
use model::profile::Canonicalization;
use std::sync::Arc;

/// What has to be known of a signature to judge its time stamps.
pub(super) struct Stamped<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) anatomy: &'a Anatomy,
    pub(super) properties: Properties,
    pub(super) found: &'a Found,
    pub(super) signer: &'a Signer,
    /// All evidence of the signature.
    pub(super) evidence: &'a Evidence,
    /// What `KeyInfo` holds.
    pub(super) key_info: &'a Contents,
    /// Each unsigned signature property with what is in it.
    pub(super) unsigned: &'a [(NodeId, Contents)],
}

/// Which kind of time stamp a property is, with what decides about its imprint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    AllData,
    IndividualData,
    SignatureValue,
    /// `second`: as in EN 319 132-1, over the second versions of the references.
    SignatureAndReferences {
        second: bool,
    },
    References {
        second: bool,
    },
    /// `all_objects`: of XAdES 1.4.1, over all objects; else over those that no reference names.
    Archive {
        all_objects: bool,
    },
}

impl Shape {
    fn of(namespace: &str, properties: &str, local: &str) -> Option<Self> {
        let core = namespace == properties;
        let newer = namespace == XADES_141;
        Some(match local {
            "AllDataObjectsTimeStamp" if core => Self::AllData,
            "IndividualDataObjectsTimeStamp" if core => Self::IndividualData,
            "SignatureTimeStamp" if core => Self::SignatureValue,
            "SigAndRefsTimeStamp" if core => Self::SignatureAndReferences { second: false },
            "SigAndRefsTimeStampV2" if newer => Self::SignatureAndReferences { second: true },
            "RefsOnlyTimeStamp" if core => Self::References { second: false },
            "RefsOnlyTimeStampV2" if newer => Self::References { second: true },
            "ArchiveTimeStamp" if core => Self::Archive { all_objects: false },
            "ArchiveTimeStamp" if newer => Self::Archive { all_objects: true },
            _ => return None,
        })
    }

    fn kind(self) -> StampKind {
        match self {
            Self::AllData | Self::IndividualData => StampKind::Content,
            Self::SignatureValue => StampKind::Signature,
            Self::SignatureAndReferences { .. } => StampKind::SignatureAndReferences,
            Self::References { .. } => StampKind::References,
            Self::Archive { .. } => StampKind::Archive,
        }
    }

    /// The older properties that lie before such a stamp and are under it.
    fn takes(self, local: &str) -> bool {
        let names = |second: bool| match second {
            false => ["CompleteCertificateRefs", "AttributeCertificateRefs"],
            true => ["CompleteCertificateRefsV2", "AttributeCertificateRefsV2"],
        };
        let references = |second| {
            names(second).contains(&local) || ["CompleteRevocationRefs", "AttributeRevocationRefs"].contains(&local)
        };
        match self {
            Self::SignatureAndReferences { second } => local == "SignatureTimeStamp" || references(second),
            Self::References { second } => references(second),
            Self::Archive { .. } => true,
            _ => false,
        }
    }
}

/// How an imprint is computed. Makers differ where the standard can be read in two ways.
struct Reading {
    method: Canonicalization,
    /// References that end in nodes become octets by Canonical XML 1.0, are read again and made canonical then.
    again: bool,
}

impl Stamped<'_> {
    /// All time stamps, in order of appearance. An error is one of the medium.
    pub(super) fn all(&self, faults: &mut Vec<Reason>) -> Result<Vec<Stamp>, FormatError> {
        let document = self.context.document;
        let space = self.properties.namespace;
        let signed = self.properties.signed.into_iter().filter(|_| self.found.over_properties == 1);
        let signed = signed.flat_map(|signed| children(document, signed, space, "SignedDataObjectProperties"));
        let signed = signed.flat_map(|about| document.child_elements(about));
        let unsigned = self.unsigned.iter().map(|(property, _)| *property);
        let mut stamps = Vec::new();
        let of_data = |shape: Shape| shape.kind() == StampKind::Content;
        for (property, is_signed) in signed.map(|node| (node, true)).chain(unsigned.map(|node| (node, false))) {
            let name = document.name(property);
            let shape = name.and_then(|name| Shape::of(name.namespace, space, name.local));
            let Some(shape) = shape.filter(|shape| of_data(*shape) == is_signed) else { continue };
            for token in document.child_elements(property) {
                match document.name(token) {
                    Some(name) if name.is(space, "EncapsulatedTimeStamp") => {}
                    Some(name) if name.is(space, "XMLTimeStamp") => {
                        let sentence = "a time stamp in a signature is written in XML, which nobody here reads";
                        faults.push(Reason::new("time-stamp-unreadable", sentence));
                        continue;
                    }
                    _ => continue,
                }
                if stamps.len() == XML_STAMPS_MAX {
                    let sentence = format!("a signature has more than {XML_STAMPS_MAX} time stamps");
                    faults.push(Reason::new("too-many-time-stamps", sentence));
                    return Ok(stamps);
                }
                let covers = self.covers(shape, property, &stamps);
                stamps.push(self.stamp(shape, property, token, covers)?);
            }
        }
        Ok(stamps)
    }

    fn stamp(&self, shape: Shape, property: NodeId, node: NodeId, covers: Vec<ObjectId>) -> Result<Stamp, FormatError> {
        let document = self.context.document;
        let mut faults = Vec::new();
        let bytes = match verdict(octets(document, node))? {
            Ok(bytes) => bytes,
            Err(reason) => {
                faults.push(reason);
                Vec::new()
            }
        };
        let token = Token::read_with(&bytes, &self.evidence.certificates);
        let imprint = self.imprint(shape, property, &token)?;
        let bytes: Arc<[u8]> = trimmed(&bytes).into();
        Ok(Stamp {
            kind: shape.kind(),
            name: document.id_of(property).map(shown),
            bytes,
            token,
            imprint,
            covers,
            signatures: Vec::new(),
            faults,
            pdf: None,
        })
    }

    fn imprint(
        &self,
        shape: Shape,
        property: NodeId,
        token: &Result<Token, TspError>,
    ) -> Result<Integrity, FormatError> {
        let refused = |code, sentence: &str| Ok(Integrity::Refused(Reason::new(code, sentence)));
        let Ok(token) = token else {
            return refused("time-stamp-unreadable", "what a time stamp is over cannot be told: it cannot be read");
        };
        let document = self.context.document;
        let includes: Vec<NodeId> = children(document, property, self.properties.namespace, "Include").collect();
        if !includes.is_empty() && shape.kind() != StampKind::Content && shape != Shape::SignatureValue {
            // With these a time stamp says that what it is over does not lie beside it.
            return refused("time-stamp-distributed", "what a time stamp is over is spread over several places");
        }
        let method = match verdict(self.method(property))? {
            Ok(method) => method,
            Err(reason) => return Ok(Integrity::Refused(reason)),
        };
        let mut readings = vec![Reading { method: method.clone(), again: false }];
        if !method.inclusive_prefixes.is_empty() {
            let method = Canonicalization { inclusive_prefixes: Vec::new(), ..method.clone() };
            readings.push(Reading { method, again: false });
        }
        let ends_in_nodes = self.anatomy.entries.iter().any(ends_in_nodes);
        if ends_in_nodes && method != DEFAULT_CANONICALIZATION && shape.kind() != StampKind::Signature {
            readings
                .push(Reading { method: Canonicalization { inclusive_prefixes: Vec::new(), ..method }, again: true });
        }
        for reading in readings {
            let compute = || {
                let mut running = token.imprint().algorithm.start().map_err(unverified)?;
                let mut failed = None;
                self.octets(shape, property, &includes, &reading, &mut |piece| {
                    self.context.spent(piece.len());
                    failed = failed.take().or(running.update(piece).err());
                })?;
                match failed {
                    Some(error) => Err(unverified(error)),
                    None => running.finish().map_err(unverified),
                }
            };
            match verdict(compute())? {
                Ok(digest) if digest == token.imprint().value => return Ok(Integrity::Intact),
                Ok(_) => {}
                Err(reason) if matches!(reason.code, "original-missing" | "reference-missing") => {
                    return Ok(Integrity::Missing(reason));
                }
                Err(reason) => return Ok(Integrity::Refused(reason)),
            }
        }
        Ok(Integrity::Changed)
    }

    /// How the parts are made canonical: by the property, or by the transform of XAdES 1.1.1.
    fn method(&self, property: NodeId) -> Result<Canonicalization, FormatError> {
        let document = self.context.document;
        let data = document.child_named(property, self.properties.namespace, "HashDataInfo");
        let transforms = data.and_then(|data| {
            let list = document.child_named(data, self.properties.namespace, "Transforms");
            list.or_else(|| document.child_named(data, DS, "Transforms"))
        });
        match transforms.and_then(|list| document.child_named(list, DS, "Transform")) {
            Some(transform) => canonicalization(document, transform),
            None => canonicalization_in(document, property),
        }
    }

    /// Gives what a time stamp should be over to `sink`.
    fn octets(
        &self,
        shape: Shape,
        property: NodeId,
        includes: &[NodeId],
        reading: &Reading,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), FormatError> {
        let document = self.context.document;
        match shape {
            Shape::AllData => {
                for at in (0..self.anatomy.entries.len()).filter(|at| self.is_content(*at)) {
                    self.reference(at, reading, sink)?;
                }
                return Ok(());
            }
            Shape::IndividualData => return self.included(includes, reading, sink),
            _ => {}
        }
        let is_archive = matches!(shape, Shape::Archive { .. });
        if is_archive {
            for at in 0..self.anatomy.entries.len() {
                self.reference(at, reading, sink)?;
            }
        }
        let anatomy = self.anatomy;
        let fixed = match shape {
            Shape::References { .. } => [None, None, None],
            Shape::Archive { .. } => [anatomy.signed_info, anatomy.value_node, anatomy.key_info],
            _ => [anatomy.value_node, None, None],
        };
        let before =
            self.before(property).filter(|(node, _)| document.name(*node).is_some_and(|name| shape.takes(name.local)));
        let objects = anatomy.objects.iter().copied().filter(|object| match shape {
            Shape::Archive { all_objects } => {
                !document.is_within(self.properties.node, *object) && (all_objects || !self.is_referenced(*object))
            }
            _ => false,
        });
        for node in fixed.into_iter().flatten().chain(before.map(|(node, _)| *node)).chain(objects) {
            transform::element(document, node, &reading.method, sink)?;
        }
        Ok(())
    }

    /// The properties before one.
    fn before(&self, property: NodeId) -> impl Iterator<Item = &(NodeId, Contents)> {
        self.unsigned.iter().take_while(move |(node, _)| *node != property)
    }

    fn is_content(&self, at: usize) -> bool {
        self.found.targets.get(at) == Some(&Target::Content)
    }

    fn is_referenced(&self, object: NodeId) -> bool {
        let document = self.context.document;
        let Some(id) = document.id_of(object) else { return false };
        self.anatomy.entries.iter().any(|entry| entry.uri.as_deref().and_then(crate::xml::reference::id_of) == Some(id))
    }

    /// EN 319 132-1 section 5.2.9.2: the references that are named, in the order in which they are.
    fn included(&self, includes: &[NodeId], reading: &Reading, sink: &mut dyn FnMut(&[u8])) -> Result<(), FormatError> {
        let document = self.context.document;
        let refuse = |sentence: &str| Err(FormatError::document("time-stamp-include", sentence));
        for include in includes {
            if document.attribute(*include, "", "referencedData") != Some("true") {
                return refuse("a time stamp over some of the data does not say that it is over what is referred to");
            }
            let uri = document.attribute(*include, "", "URI").unwrap_or_default();
            let id = uri.rsplit('#').next().unwrap_or_default();
            let mut ids = self.anatomy.entries.iter().map(|entry| document.id_of(entry.node));
            match ids.position(|found| found == Some(id)) {
                Some(at) => self.reference(at, reading, sink)?,
                None => return refuse("a time stamp names a reference that the signature does not have"),
            }
        }
        Ok(())
    }

    fn reference(&self, at: usize, reading: &Reading, sink: &mut dyn FnMut(&[u8])) -> Result<(), FormatError> {
        let Some(entry) = self.anatomy.entries.get(at) else { return Ok(()) };
        if !reading.again || !ends_in_nodes(entry) {
            covered::octets(self.context, self.anatomy, entry, Some(&reading.method), sink)?;
            return Ok(());
        }
        let mut bytes = Vec::new();
        covered::octets(self.context, self.anatomy, entry, None, &mut |piece| bytes.extend_from_slice(piece))?;
        match Document::parse(&bytes) {
            Ok(parsed) => Ok(c14n::canonicalize(&parsed, &NodeSet::document(&parsed), &reading.method, sink)?),
            Err(_) => {
                sink(&bytes);
                Ok(())
            }
        }
    }

    /// What lies before a property that seals everything before it. `stamps`: all stamps.
    pub(super) fn covered_before(&self, property: NodeId, stamps: &[Stamp]) -> Vec<ObjectId> {
        self.covers(Shape::Archive { all_objects: true }, property, stamps)
    }

    /// What exists since the time of a stamp, if it is valid. `earlier`: the stamps before it.
    fn covers(&self, shape: Shape, property: NodeId, earlier: &[Stamp]) -> Vec<ObjectId> {
        let mut ids = Vec::new();
        let kind = shape.kind();
        if kind == StampKind::Content {
            return ids;
        }
        if kind != StampKind::References {
            ids.extend(self.anatomy.value.iter().map(|value| ObjectId::of(value)));
            // What the signer signed the digest of, or as it is, is under the signature value.
            if let (Some(certificate), SignerReference::Matches { .. }) =
                (&self.signer.certificate, self.signer.reference)
            {
                ids.push(ObjectId::of(certificate));
            }
            let content = earlier.iter().filter(|stamp| stamp.kind == StampKind::Content);
            content.for_each(|stamp| ids_of_token(&stamp.bytes, &mut ids));
            if kind == StampKind::Archive || self.found.over_key_info {
                self.key_info.ids(self.evidence, &mut ids);
            }
        }
        let document = self.context.document;
        for (node, contents) in self.before(property) {
            if document.name(*node).is_some_and(|name| shape.takes(name.local)) {
                contents.ids(self.evidence, &mut ids);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Whether the transforms of a reference give nodes, so that something has to say how they become octets.
fn ends_in_nodes(entry: &super::anatomy::Entry) -> bool {
    let is_home = !crate::xml::reference::leads_outside(entry.uri.as_deref());
    match entry.steps.as_deref().unwrap_or_default().last() {
        None => is_home,
        Some(Step::Enveloped | Step::XPath(..) | Step::Filter(..)) => true,
        Some(Step::Canonical(_) | Step::Base64) => false,
    }
}
