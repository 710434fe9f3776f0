//! Where an enveloped signature goes, and what has to be made around it there. UBL invoices have a place for signatures
//! (UBL 2.1 section 5); everything else gets it as the last child of the document element.

use super::layout::escaped;
use crate::prepare::FormatError;
use crate::xml::c14n::{self, Insertion, NodeSet};
use crate::xml::tree::{Document, NodeId, XML_NAMESPACE};
use model::profile::{Canonicalization, Profile, XmlPlace, XmlPosition};
use std::fmt::Write;
use std::ops::Range;

const UBL: &str = "urn:oasis:names:specification:ubl:schema:xsd:";
const EXT: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonExtensionComponents-2";
const SIG: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonSignatureComponents-2";
const SAC: &str = "urn:oasis:names:specification:ubl:schema:xsd:SignatureAggregateComponents-2";
const CBC: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// A piece of text instead of another one, mostly of an empty one.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// What it replaces, as a range of the document's text.
    pub(super) at: Range<usize>,
    /// What comes there.
    pub(super) text: String,
}

/// The place of an enveloped signature.
#[derive(Clone, Debug)]
pub(in crate::xml) struct Place {
    /// The element of the document that it is put into.
    pub(in crate::xml) parent: NodeId,
    /// What it replaces, as a range of the document's text.
    pub(in crate::xml) at: Range<usize>,
    /// Where in `parent` it is.
    side: Side,
    /// What an empty-element tag needs to become two tags, in front of everything and behind it.
    edge: [String; 2],
    /// Elements that are made around it: start tags with what belongs into them, and end tags.
    made: [String; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    First,
    Last,
    Between,
}

impl Place {
    /// Finds the place that the profile asks for, or the one that is usual for the document. `xades`: for what the
    /// extension of a UBL document calls itself.
    pub(super) fn find(document: &Document<'_>, profile: &Profile, xades: bool) -> Result<Self, FormatError> {
        let root = document.root_element();
        if let Some(XmlPlace { xpath, position }) = &profile.xml.place {
            let element = super::targets::select(document, xpath, profile)?;
            return Self::beside(document, element, *position);
        }
        match document.name(root) {
            Some(name) if name.namespace.starts_with(UBL) => Ok(Self::in_ubl(document, root, xades)),
            _ => Ok(Self::last_in(document, root)),
        }
    }

    /// What is made around the signature, without it, as canonical octets: what it adds to the canonical form of `top`,
    /// which has the place inside. `None`: the place lies between other nodes.
    ///
    /// Looks at a document of the tags around the place only: nothing else decides how they are written.
    pub(super) fn made_octets(
        &self,
        document: &Document<'_>,
        top: NodeId,
        method: &Canonicalization,
    ) -> Result<Option<Made>, FormatError> {
        let [open, close] = &self.made;
        let first = match self.side {
            _ if open.is_empty() && close.is_empty() => return Ok(Some(Made { first: true, octets: String::new() })),
            Side::First => true,
            Side::Last => false,
            Side::Between => return Ok(None),
        };
        let mut around: Vec<NodeId> = std::iter::once(self.parent).chain(document.ancestors(self.parent)).collect();
        around.retain(|above| *above != NodeId::ROOT);
        let mut text = String::new();
        for above in around.iter().rev() {
            let tag = document.text().get(document.start_tag(*above)).unwrap_or_default();
            text.push_str(tag.strip_suffix("/>").or_else(|| tag.strip_suffix('>')).unwrap_or(tag));
            text.push('>');
        }
        text.extend([open.as_str(), close]);
        for above in &around {
            let _ = write!(text, "</{}>", document.written_name(*above));
        }
        let tags = Document::parse(text.as_bytes())?;
        // Each element in it is the only child of the one around it.
        let inside = |node: NodeId| NodeId(u32::try_from(document.ancestors(node).count()).unwrap_or(u32::MAX));
        let made = NodeId(inside(self.parent).0 + 1);
        let mut chosen = NodeSet::subtree(&tags, inside(top));
        let all = c14n::canonical_bytes(&tags, &chosen, method)?;
        chosen.remove_subtree(&tags, made);
        let without = c14n::canonical_bytes(&tags, &chosen, method)?.len();
        let behind: usize = around
            .iter()
            .filter(|above| document.is_within(**above, top))
            .map(|above| document.written_name(*above).len() + 3)
            .sum();
        let octets = all.get(without - behind..all.len() - behind).map(<[u8]>::to_vec).unwrap_or_default();
        Ok(Some(Made { first, octets: String::from_utf8(octets).unwrap_or_default() }))
    }

    /// What is written in front of the signature and behind it.
    pub(in crate::xml) fn around(&self) -> [String; 2] {
        let ([begin, end], [open, close]) = (&self.edge, &self.made);
        [[begin.as_str(), open].concat(), [close.as_str(), end].concat()]
    }

    fn beside(document: &Document<'_>, element: NodeId, position: XmlPosition) -> Result<Self, FormatError> {
        let range = document.range(element);
        let at = match position {
            XmlPosition::FirstChild => return Ok(Self::first_in(document, element)),
            XmlPosition::LastChild => return Ok(Self::last_in(document, element)),
            XmlPosition::Before => range.start,
            XmlPosition::After => range.end,
        };
        match document.parent(element) {
            Some(parent) if parent != NodeId::ROOT => Ok(Self::bare(parent, Side::Between, at..at)),
            _ => {
                let sentence = "a signature cannot be put beside the document element, only into it";
                Err(FormatError::setup("xml-place", sentence))
            }
        }
    }

    fn bare(parent: NodeId, side: Side, at: Range<usize>) -> Self {
        Self { parent, at, side, edge: Default::default(), made: Default::default() }
    }

    /// As the first child of an element.
    pub(in crate::xml) fn first_in(document: &Document<'_>, parent: NodeId) -> Self {
        match document.end_tag(parent) {
            Some(_) => {
                let at = document.start_tag(parent).end;
                Self::bare(parent, Side::First, at..at)
            }
            None => Self::in_empty(document, parent),
        }
    }

    /// As the last child of an element.
    pub(in crate::xml) fn last_in(document: &Document<'_>, parent: NodeId) -> Self {
        match document.end_tag(parent) {
            Some(end_tag) => Self::bare(parent, Side::Last, end_tag.start..end_tag.start),
            None => Self::in_empty(document, parent),
        }
    }

    /// In elements that are made there: start tags and end tags, from the outermost on.
    pub(in crate::xml) fn with(self, levels: &[[&str; 2]]) -> Self {
        let open = levels.iter().map(|[open, _]| *open).collect();
        let close = levels.iter().rev().map(|[_, close]| *close).collect();
        Self { made: [open, close], ..self }
    }

    /// `<a/>` becomes `<a>…</a>`, which is the same in every canonical form.
    fn in_empty(document: &Document<'_>, parent: NodeId) -> Self {
        let end = document.start_tag(parent).end;
        let close = format!("</{}>", document.written_name(parent));
        Self { edge: [">".to_owned(), close], ..Self::bare(parent, Side::Last, end.saturating_sub(2)..end) }
    }

    /// In `ext:UBLExtensions`, which is the first child and is made if it is missing. Another signature there gets a
    /// neighbour.
    fn in_ubl(document: &Document<'_>, root: NodeId, xades: bool) -> Self {
        let extensions = document.child_named(root, EXT, "UBLExtensions");
        let is_list = |node: &NodeId| document.name(*node).is_some_and(|name| name.is(SIG, "UBLDocumentSignatures"));
        let list = extensions.and_then(|extensions| document.subtree(extensions).find(is_list));
        let (place, around) = match (list, extensions) {
            (Some(list), _) => (Self::last_in(document, list), 0),
            (None, Some(extensions)) => (Self::last_in(document, extensions), 1),
            (None, None) => (Self::first_in(document, root), 2),
        };
        let number = list.map_or(0, |list| document.child_elements(list).count()) + 1;
        let kind = if xades { "enveloped:xades" } else { "enveloped" };
        let levels: [[String; 2]; 3] = [
            [
                format!(
                    "<sac:SignatureInformation xmlns:sac=\"{SAC}\"><cbc:ID xmlns:cbc=\"{CBC}\">\
                     urn:oasis:names:specification:ubl:signature:{number}</cbc:ID>"
                ),
                "</sac:SignatureInformation>".to_owned(),
            ],
            [
                format!(
                    "<ext:UBLExtension xmlns:ext=\"{EXT}\"><ext:ExtensionURI>\
                     urn:oasis:names:specification:ubl:dsig:{kind}</ext:ExtensionURI><ext:ExtensionContent>\
                     <sig:UBLDocumentSignatures xmlns:sig=\"{SIG}\">"
                ),
                "</sig:UBLDocumentSignatures></ext:ExtensionContent></ext:UBLExtension>".to_owned(),
            ],
            [format!("<ext:UBLExtensions xmlns:ext=\"{EXT}\">"), "</ext:UBLExtensions>".to_owned()],
        ];
        let used = levels.iter().take(around + 1);
        let open: String = used.clone().rev().map(|[open, _]| open.as_str()).collect();
        let close: String = used.map(|[_, close]| close.as_str()).collect();
        Self { made: [open, close], ..place }
    }
}

/// Elements around the signature, without it, in their canonical form at their place.
#[derive(Debug)]
pub(super) struct Made {
    first: bool,
    octets: String,
}

impl Made {
    /// Puts them into the canonical form of the document. `parent` is that of their place.
    pub(super) fn insertion(&self, parent: NodeId) -> Insertion<'_> {
        Insertion { parent, first: self.first, octets: &self.octets }
    }
}

/// What is around a place, as far as canonical forms inherit from it: start tags and end tags.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) open: String,
    pub(super) close: String,
}

impl Context {
    /// That of a place in a document.
    pub(super) fn of(document: &Document<'_>, place: &Place) -> Self {
        let mut above: Vec<NodeId> = std::iter::once(place.parent).chain(document.ancestors(place.parent)).collect();
        above.reverse();
        let mut context = Self::default();
        for node in above {
            let mut tag = String::new();
            for (prefix, uri) in document.declarations(node) {
                let colon = if prefix.is_empty() { "" } else { ":" };
                let _ = write!(tag, " xmlns{colon}{prefix}=\"{}\"", escaped(uri));
            }
            for attribute in document.attributes(node).filter(|attribute| attribute.name.namespace == XML_NAMESPACE) {
                let _ = write!(tag, " xml:{}=\"{}\"", attribute.name.local, escaped(attribute.value));
            }
            if !tag.is_empty() {
                let _ = write!(context.open, "<above{tag}>");
                context.close.insert_str(0, "</above>");
            }
        }
        let [open, close] = &place.made;
        context.open += open;
        context.close.insert_str(0, close);
        context
    }

    /// A text in this context.
    pub(super) fn around(&self, text: &str) -> String {
        [&self.open, text, &self.close].concat()
    }
}

/// Where the XML declaration ends, with the byte-order mark in front of it; 0 if there is neither.
pub(super) fn declaration_end(text: &str) -> usize {
    let mark = text.len() - text.trim_start_matches('\u{FEFF}').len();
    let rest = text.get(mark..).unwrap_or_default();
    let is_declaration = rest.strip_prefix("<?xml").is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n']));
    match rest.find("?>") {
        Some(end) if is_declaration => mark + end + 2,
        _ => mark,
    }
}

/// The text with these pieces in it.
pub(super) fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.at.start);
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.at.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.at.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
