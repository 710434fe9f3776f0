//! A `ds:Signature` of any maker, part by part: what can be read of it is read, and what breaks its rules is said.
//!
//! Resolves nothing and checks nothing. [`crate::xml::signature`] refuses as a whole what is read here with faults.

use super::shown;
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Method};
use crate::xml::algorithms::{DS, hash_of, method_of};
use crate::xml::signature::{Step, canonicalization, children, octets};
use crate::xml::tree::{Document, IdFound, NodeId, NodeKind};
use crate::xml::verify::verdict;
use model::Reason;
use model::limits::{XML_REFERENCES_MAX, XML_TRANSFORMS_MAX};
use model::profile::Canonicalization;

/// The namespaces of XAdES that hold qualifying properties, oldest first.
pub(super) const XADES_NAMESPACES: [&str; 3] =
    ["http://uri.etsi.org/01903/v1.1.1#", "http://uri.etsi.org/01903/v1.2.2#", "http://uri.etsi.org/01903/v1.3.2#"];

/// The parts of a signature. Where one occurs twice, the first is here and a fault says so.
pub(super) struct Anatomy {
    /// `ds:Signature`.
    pub(super) node: NodeId,
    pub(super) signed_info: Option<NodeId>,
    /// How `SignedInfo` is made canonical.
    pub(super) canonicalization: Result<Canonicalization, Reason>,
    /// The signature algorithm, if it is one that is known.
    pub(super) method: Option<Method>,
    pub(super) method_uri: String,
    pub(super) entries: Vec<Entry>,
    pub(super) value_node: Option<NodeId>,
    pub(super) value: Result<Vec<u8>, Reason>,
    pub(super) key_info: Option<NodeId>,
    /// Each `ds:Object`.
    pub(super) objects: Vec<NodeId>,
    pub(super) properties: Option<Properties>,
    pub(super) faults: Vec<Reason>,
    pub(super) notes: Vec<Reason>,
}

/// The qualifying properties of XAdES.
#[derive(Clone, Copy)]
pub(super) struct Properties {
    /// `QualifyingProperties`.
    pub(super) node: NodeId,
    /// Their namespace, one of [`XADES_NAMESPACES`].
    pub(super) namespace: &'static str,
    pub(super) signed: Option<NodeId>,
    /// `UnsignedSignatureProperties`.
    pub(super) unsigned: Option<NodeId>,
}

/// One `ds:Reference`, with what is wrong in its place.
pub(super) struct Entry {
    pub(super) node: NodeId,
    pub(super) uri: Option<String>,
    /// `Type`, empty if it has none.
    pub(super) kind: String,
    pub(super) hash: Option<HashAlgorithm>,
    pub(super) digest: Result<Vec<u8>, Reason>,
    pub(super) steps: Result<Vec<Step>, Reason>,
}

impl Anatomy {
    /// Reads the signature at this element. An error is one of the medium.
    pub(super) fn read(document: &Document<'_>, node: NodeId) -> Result<Self, FormatError> {
        let mut faults = Vec::new();
        let mut one = |parent: NodeId, local: &'static str, needed: bool| {
            let mut found = children(document, parent, DS, local);
            let first = found.next();
            if first.is_none() && needed {
                faults.push(malformed(format!("it has no {local}")));
            }
            if found.next().is_some() {
                let sentence = format!(
                    "a signature has {local} more than once, so that programs may read different ones: this is how a \
                     signature is passed off as one over something else"
                );
                faults.push(Reason::new("signature-ambiguous", sentence));
            }
            first
        };
        let signed_info = one(node, "SignedInfo", true);
        let value_node = one(node, "SignatureValue", true);
        let key_info = one(node, "KeyInfo", false);
        let method_node = signed_info.and_then(|parent| one(parent, "SignatureMethod", true));
        let canonicalization_node = signed_info.and_then(|parent| one(parent, "CanonicalizationMethod", true));
        let objects: Vec<NodeId> = children(document, node, DS, "Object").collect();
        check_order(document, node, &["SignedInfo", "SignatureValue", "KeyInfo", "Object"], &mut faults);
        if let Some(info) = signed_info {
            check_order(document, info, &["CanonicalizationMethod", "SignatureMethod", "Reference"], &mut faults);
        }

        let method_uri = method_node.and_then(|method| document.attribute(method, "", "Algorithm"));
        let method_uri = method_uri.unwrap_or_default().to_owned();
        let canonicalization = match canonicalization_node {
            Some(node) => verdict(canonicalization(document, node))?,
            None => Err(malformed("it does not say how it is made canonical".to_owned())),
        };
        let value = match value_node {
            Some(node) => verdict(octets(document, node))?,
            None => Err(malformed("it has no value".to_owned())),
        };
        if let Err(reason) = &value {
            faults.push(reason.clone());
        }
        let mut entries = Vec::new();
        for reference in signed_info.into_iter().flat_map(|info| children(document, info, DS, "Reference")) {
            if entries.len() == XML_REFERENCES_MAX {
                faults.push(malformed(format!("it has more than {XML_REFERENCES_MAX} references")));
                break;
            }
            entries.push(Entry::read(document, reference)?);
        }
        if entries.is_empty() {
            faults.push(malformed("it refers to nothing".to_owned()));
        }
        let method = method_of(&method_uri);
        let mut anatomy = Self {
            node,
            signed_info,
            canonicalization,
            method,
            method_uri,
            entries,
            value_node,
            value,
            key_info,
            objects,
            properties: None,
            faults,
            notes: Vec::new(),
        };
        anatomy.properties = anatomy.find_properties(document);
        Ok(anatomy)
    }

    /// Its Id.
    pub(super) fn id<'d>(&self, document: &'d Document<'_>) -> Option<&'d str> {
        document.id_of(self.node)
    }

    /// Whether a single reference leads out of the document.
    pub(super) fn leads_outside_once(&self) -> bool {
        self.entries.iter().filter(|entry| crate::xml::reference::leads_outside(entry.uri.as_deref())).count() == 1
    }

    /// The properties in an object of this signature. Any others mean nothing, wherever they are.
    fn find_properties(&mut self, document: &Document<'_>) -> Option<Properties> {
        let mut found = Vec::new();
        for object in &self.objects {
            for node in document.child_elements(*object) {
                let Some(name) = document.name(node) else { continue };
                let namespace = XADES_NAMESPACES.into_iter().find(|namespace| *namespace == name.namespace);
                match (namespace, name.local) {
                    (Some(namespace), "QualifyingProperties") => found.push((node, namespace)),
                    (Some(_), "QualifyingPropertiesReference") => self.notes.push(Reason::new(
                        "properties-elsewhere",
                        "a signature says that qualifying properties are in another file, which is not looked for",
                    )),
                    _ => {}
                }
            }
        }
        let &(node, namespace) = found.first()?;
        if found.len() > 1 {
            self.ambiguous("QualifyingProperties");
        }
        self.check_target(document, node);
        let mut one = |parent: NodeId, local: &'static str| {
            let mut all = children(document, parent, namespace, local);
            let first = all.next();
            if all.next().is_some() {
                self.ambiguous(local);
            }
            first
        };
        let signed = one(node, "SignedProperties");
        let unsigned = one(node, "UnsignedProperties");
        let unsigned = unsigned.and_then(|unsigned| one(unsigned, "UnsignedSignatureProperties"));
        Some(Properties { node, namespace, signed, unsigned })
    }

    /// `Target` must be the signature that the properties are in (EN 319 132-1 section 4.3.1).
    fn check_target(&mut self, document: &Document<'_>, properties: NodeId) {
        let target = document.attribute(properties, "", "Target").unwrap_or_default();
        let id = self.id(document);
        match (target.strip_prefix('#'), id) {
            (Some(target), Some(id)) if target == id => {
                if document.find_id(id) == IdFound::Several {
                    let sentence = format!("several elements have the Id \"{}\" of a signature", shown(id));
                    self.notes.push(Reason::new("id-twice", sentence));
                }
            }
            _ if target.is_empty() => {
                let sentence = "the qualifying properties of a signature do not say that they are about it";
                self.notes.push(Reason::new("properties-target", sentence));
            }
            // A target that is nowhere misleads nobody; some makers leave out the # or write the Id in other letters.
            _ if document.find_id(target.trim_start_matches('#')) == IdFound::None || Some(target) == id => {
                let sentence = format!(
                    "the qualifying properties of a signature say that they are about \"{}\", which is not its Id",
                    shown(target)
                );
                self.notes.push(Reason::new("properties-target", sentence));
            }
            _ => {
                let sentence = format!(
                    "the qualifying properties in a signature are about another one (\"{}\"): properties may have been \
                     taken over from elsewhere",
                    shown(target)
                );
                self.faults.push(Reason::new("properties-target", sentence));
            }
        }
    }

    fn ambiguous(&mut self, local: &str) {
        let sentence = format!(
            "a signature has {local} more than once, so that programs may read different ones: this is how other \
             properties are passed off as those that were signed"
        );
        self.faults.push(Reason::new("signature-ambiguous", sentence));
    }
}

impl Entry {
    /// Reads one `ds:Reference`, of `SignedInfo` or of a `ds:Manifest`.
    pub(super) fn read(document: &Document<'_>, node: NodeId) -> Result<Self, FormatError> {
        let single = |local: &'static str| {
            let mut all = children(document, node, DS, local);
            match (all.next(), all.next()) {
                (found, None) => Ok(found),
                _ => Err(Reason::new("signature-ambiguous", format!("a reference has {local} more than once"))),
            }
        };
        let hash = single("DigestMethod").ok().flatten();
        let hash = hash.and_then(|method| document.attribute(method, "", "Algorithm")).and_then(hash_of);
        let digest = match single("DigestValue") {
            Ok(Some(value)) => verdict(octets(document, value))?,
            Ok(None) => Err(malformed("a reference has no digest".to_owned())),
            Err(reason) => Err(reason),
        };
        let digest = match (digest, hash) {
            (Ok(digest), Some(hash)) if digest.len() != hash.length() => {
                Err(malformed("the digest in a reference has a wrong length".to_owned()))
            }
            (digest, _) => digest,
        };
        let steps = match single("Transforms") {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(list)) => verdict(steps(document, list))?,
            Err(reason) => Err(reason),
        };
        let mut odd = Vec::new();
        check_order(document, node, &["Transforms", "DigestMethod", "DigestValue"], &mut odd);
        let steps = match odd.pop() {
            Some(reason) => Err(reason),
            None => steps,
        };
        Ok(Self {
            node,
            uri: document.attribute(node, "", "URI").map(str::to_owned),
            kind: document.attribute(node, "", "Type").unwrap_or_default().to_owned(),
            hash,
            digest,
            steps,
        })
    }

    /// The digest algorithm as it is written.
    pub(super) fn hash_uri<'d>(&self, document: &'d Document<'_>) -> &'d str {
        let method = document.child_named(self.node, DS, "DigestMethod");
        method.and_then(|method| document.attribute(method, "", "Algorithm")).unwrap_or_default()
    }

    /// Whether it says that it is about the signed properties of XAdES.
    pub(super) fn is_of_properties(&self) -> bool {
        self.kind.starts_with("http://uri.etsi.org/01903") && self.kind.ends_with("#SignedProperties")
    }
}

fn steps(document: &Document<'_>, list: NodeId) -> Result<Vec<Step>, FormatError> {
    let mut steps = Vec::new();
    for transform in document.child_elements(list) {
        if !document.name(transform).is_some_and(|name| name.is(DS, "Transform")) {
            return Err(FormatError::Document(malformed(
                "there is something else where a Transform must be".to_owned(),
            )));
        }
        if steps.len() == XML_TRANSFORMS_MAX {
            let sentence = format!("a reference has more than {XML_TRANSFORMS_MAX} transforms");
            return Err(FormatError::Document(malformed(sentence)));
        }
        match document.attribute(transform, "", "Algorithm") {
            Some("http://www.w3.org/TR/1999/REC-xslt-19991116") => {
                let sentence = "a signature wants a program (XSLT) to be run over what it signs, which is never done";
                return Err(FormatError::document("transform-refused", sentence));
            }
            _ => steps.push(Step::read(document, transform)?),
        }
    }
    Ok(steps)
}

/// Child elements must be these, in this order; and there must be no text between them.
fn check_order(document: &Document<'_>, parent: NodeId, order: &[&str], faults: &mut Vec<Reason>) {
    let mut at = 0;
    for child in document.children(parent) {
        match document.kind(child) {
            NodeKind::Element => {
                let name = document.name(child).filter(|name| name.namespace == DS);
                let place = name.and_then(|name| order.iter().position(|local| *local == name.local));
                match place {
                    Some(place) if place >= at => at = place,
                    _ => {
                        let sentence = format!("{} does not belong where it is", shown(document.written_name(child)));
                        return faults.push(malformed(sentence));
                    }
                }
            }
            NodeKind::Text if !document.characters(child).trim_ascii().is_empty() => {
                return faults.push(malformed("there is text between its elements".to_owned()));
            }
            _ => {}
        }
    }
}

/// A signature is not what its standard says.
pub(super) fn malformed(what: String) -> Reason {
    Reason::new("signature-malformed", format!("a signature in the file breaks the rules: {what}"))
}
