//! Canonical XML: version 1.0 (W3C, 15 March 2001), version 1.1 (2 May 2008) and exclusive 1.0 (18 July 2002), each with
//! or without comments, of any part of a document.
//!
//! Gives the octets out in pieces, so that they can be hashed without ever being held. Never changes a document.

mod inherited;
mod namespaces;
mod output;
mod selection;

pub(in crate::xml) use namespaces::Scopes;
pub(in crate::xml) use selection::Bits;
pub use selection::NodeSet;

use super::tree::{Document, NodeId, NodeKind, Prefix, Uri};
use crate::prepare::FormatError;
use inherited::Inherited;
use model::profile::{CanonicalVersion, Canonicalization};
use namespaces::Rendered;
use output::Output;
use std::borrow::Cow;

/// Why a document has no canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Section 1.3 of Canonical XML 1.0: such documents have none.
    #[error("a namespace is named relative to something: {0}")]
    RelativeNamespace(String),
    /// See [`model::limits`].
    #[error("the document has too many namespaces in scope")]
    TooManyNamespaces,
}

impl From<CanonicalError> for FormatError {
    fn from(error: CanonicalError) -> Self {
        FormatError::document("xml-canonical", error.to_string())
    }
}

/// Gives the canonical octets of the chosen nodes to `sink`, in order and in pieces.
///
/// Memory: a constant, and what the nesting needs. Time: one pass over the nodes from the first to the last chosen one.
pub fn canonicalize(
    document: &Document<'_>,
    chosen: &NodeSet,
    method: &Canonicalization,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), CanonicalError> {
    canonicalize_with(document, chosen, method, None, sink)
}

/// As [`canonicalize`], of the document that there will be once something has been put into it.
pub(in crate::xml) fn canonicalize_with(
    document: &Document<'_>,
    chosen: &NodeSet,
    method: &Canonicalization,
    insertion: Option<Insertion<'_>>,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), CanonicalError> {
    let Some((first, last)) = chosen.bounds(document) else { return Ok(()) };
    let mut walk = Walk {
        document,
        chosen,
        insertion,
        comments: method.comments,
        rendered: Rendered::new(document, method),
        inherited: Inherited::new(document, method.version),
        exclusive: method.version == CanonicalVersion::Exclusive,
        open: Vec::new(),
        shown: Vec::new(),
        written: Written { last: vec![(Uri::NONE, String::new()); document.tables().names.prefixes.len()] },
        output: Output::new(sink),
        root_element: document.root_element(),
    };
    let mut above: Vec<NodeId> = document.ancestors(first).collect();
    while let Some(node) = above.pop() {
        walk.enter(node)?;
    }
    for node in (first.0..=last.0).map(NodeId) {
        walk.enter(node)?;
    }
    walk.leave_until(u32::MAX);
    walk.output.flush();
    Ok(())
}

/// The canonical octets of the chosen nodes.
pub fn canonical_bytes(
    document: &Document<'_>,
    chosen: &NodeSet,
    method: &Canonicalization,
) -> Result<Vec<u8>, CanonicalError> {
    let mut bytes = Vec::new();
    canonicalize(document, chosen, method, &mut |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}

/// Canonical octets that do not come from the document but are given out as if they were in it. Whoever asks for that
/// has made them for this place: with the namespaces that are in scope there.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct Insertion<'o> {
    /// In this element, if that is among the chosen nodes.
    pub(in crate::xml) parent: NodeId,
    /// In front of everything else in the element, or behind it.
    pub(in crate::xml) first: bool,
    /// What is given out there.
    pub(in crate::xml) octets: &'o str,
}

/// An element whose end has not come yet.
struct Open {
    node: NodeId,
    after: u32,
    chosen: bool,
}

/// An attribute that is written.
struct Shown<'d> {
    name: u32,
    value: Cow<'d, str>,
}

struct Walk<'d, 's> {
    document: &'d Document<'d>,
    chosen: &'d NodeSet,
    insertion: Option<Insertion<'d>>,
    comments: bool,
    exclusive: bool,
    rendered: Rendered<'d>,
    inherited: Inherited<'d>,
    open: Vec<Open>,
    shown: Vec<Shown<'d>>,
    written: Written,
    output: Output<'s>,
    root_element: NodeId,
}

impl Walk<'_, '_> {
    fn enter(&mut self, node: NodeId) -> Result<(), CanonicalError> {
        self.leave_until(node.0);
        let document = self.document;
        let chosen = self.chosen.contains(node);
        match document.kind(node) {
            NodeKind::Root => {}
            NodeKind::Element => self.element(node, chosen)?,
            NodeKind::Text if chosen => self.output.text(document.characters(node)),
            NodeKind::Comment if chosen && self.comments => {
                self.beside_root(node, |output| output.parts(&["<!--", document.characters(node), "-->"]));
            }
            NodeKind::Instruction if chosen => {
                let (target, data) = (document.written_name(node), document.characters(node));
                let blank = if data.is_empty() { "" } else { " " };
                self.beside_root(node, |output| output.parts(&["<?", target, blank, data, "?>"]));
            }
            NodeKind::Text | NodeKind::Comment | NodeKind::Instruction => {}
        }
        Ok(())
    }

    /// Beside the document element each comment and instruction has a line of its own.
    fn beside_root(&mut self, node: NodeId, write: impl FnOnce(&mut Output<'_>)) {
        let beside = self.document.parent(node) == Some(NodeId::ROOT);
        if beside && node > self.root_element {
            self.output.parts(&["\n"]);
        }
        write(&mut self.output);
        if beside && node < self.root_element {
            self.output.parts(&["\n"]);
        }
    }

    fn element(&mut self, node: NodeId, chosen: bool) -> Result<(), CanonicalError> {
        let document = self.document;
        self.rendered.declare(node)?;
        if chosen {
            let parent_chosen = self.open.last().is_some_and(|open| open.chosen);
            self.attributes(node, parent_chosen);
            self.utilize(node);
            let name = document.written_name(node);
            let changes = self.rendered.changes(node, self.chosen);
            if changes.is_empty() && self.shown.is_empty() {
                let start = document.range(node).start;
                let tag = document.text().get(start..start + name.len() + 2).filter(|tag| tag.ends_with('>'));
                // Mostly the tag is written so in the document, and one piece costs less than three.
                match tag {
                    Some(tag) => self.output.parts(&[tag]),
                    None => self.output.parts(&["<", name, ">"]),
                }
            } else {
                self.output.parts(&["<", name]);
                self.written.write(document, &mut self.output, changes);
                self.write_attributes();
                self.output.parts(&[">"]);
            }
        } else if let Some(details) = &self.chosen.details {
            // An element that is left out does not take its namespace nodes and attributes with it (section 2.3).
            self.attributes(node, true);
            self.written.write(document, &mut self.output, self.rendered.loose(node, details));
            self.write_attributes();
        }
        self.rendered.opened(chosen);
        self.inherited.opened(node, chosen);
        self.open.push(Open { node, after: document.row(node).after, chosen });
        if chosen {
            self.insert(node, true);
        }
        Ok(())
    }

    fn insert(&mut self, parent: NodeId, first: bool) {
        if let Some(insertion) =
            self.insertion.filter(|insertion| insertion.parent == parent && insertion.first == first)
        {
            self.output.parts(&[insertion.octets]);
        }
    }

    /// Collects the attributes that are written, in their order.
    fn attributes(&mut self, node: NodeId, parent_chosen: bool) {
        let document = self.document;
        let range = document.attribute_range(node);
        let rows = document.tables().attributes.get(range.clone()).unwrap_or_default();
        for (index, row) in range.zip(rows) {
            if self.chosen.contains_attribute(index) {
                self.shown.push(Shown { name: row.name, value: Cow::Borrowed(document.read(row.value)) });
            }
        }
        if !parent_chosen {
            self.inherited.add(node, &mut self.shown);
        }
        if self.shown.len() > 1 {
            let key = |name: u32| {
                let name = document.resolved_name(name);
                (name.namespace, name.local)
            };
            self.shown.sort_unstable_by(|one, other| key(one.name).cmp(&key(other.name)));
        }
    }

    /// Exclusive: says which prefixes the element and its attributes have.
    fn utilize(&mut self, node: NodeId) {
        if !self.exclusive {
            return;
        }
        let document = self.document;
        self.rendered.utilize(node, self.chosen, document.prefix_of_name(document.row(node).name()));
        for shown in &self.shown {
            match document.prefix_of_name(shown.name) {
                Prefix::DEFAULT | Prefix::XML => {}
                prefix => self.rendered.utilize(node, self.chosen, prefix),
            }
        }
    }

    fn write_attributes(&mut self) {
        for shown in self.shown.drain(..) {
            self.output.attribute(self.document.written(shown.name), &shown.value);
        }
    }

    /// Closes all elements that end before this node.
    fn leave_until(&mut self, node: u32) {
        while let Some(open) = self.open.pop_if(|open| open.after <= node) {
            if open.chosen {
                self.insert(open.node, false);
                let name = self.document.written_name(open.node);
                let end = self.document.range(open.node).end;
                let tag = end.checked_sub(name.len() + 3).and_then(|start| self.document.text().get(start..end));
                match tag.filter(|tag| tag.starts_with("</")) {
                    Some(tag) => self.output.parts(&[tag]),
                    None => self.output.parts(&["</", name, ">"]),
                }
            }
            self.rendered.closed();
            self.inherited.closed();
        }
    }
}

/// Declarations as they are written: exclusive canonical XML repeats the same ones again and again.
struct Written {
    /// For each prefix the namespace that it was last written with.
    last: Vec<(Uri, String)>,
}

impl Written {
    fn write(&mut self, document: &Document<'_>, output: &mut Output<'_>, bindings: &[Binding]) {
        for (prefix, uri) in bindings {
            let Some((known, text)) = self.last.get_mut(prefix.0 as usize) else { continue };
            if *known != *uri || text.is_empty() {
                *known = *uri;
                let name = document.prefix(*prefix);
                let colon = if name.is_empty() { "" } else { ":" };
                *text = format!(" xmlns{colon}{name}=\"{}\"", output::escaped_attribute(document.uri(*uri)));
            }
            output.parts(&[text]);
        }
    }
}

/// Whether a namespace has no scheme, so that it is named relative to something.
fn is_relative(uri: &str) -> bool {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let mut letters = scheme.bytes();
    let has_scheme = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    !has_scheme && !uri.is_empty()
}

/// One entry of a namespace axis.
pub(in crate::xml) type Binding = (Prefix, Uri);
