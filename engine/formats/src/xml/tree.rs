//! An XML document as a compact tree: nodes of fixed size in document order, names kept once, text where it lies in the
//! document. Knows the bytes that each node came from.
//!
//! Never changes a document, and never resolves anything outside of it.

mod names;

pub(in crate::xml) use names::{Interner, KNOWN, Names, Prefix, Span, Uri};
pub use names::{XML_NAMESPACE, XMLNS_NAMESPACE};

use super::encoding::Encoding;
use super::reader::{self, XmlError};
use std::borrow::Cow;
use std::ops::Range;

/// A node of a document: its place in document order. The root node, which is above the document element, is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(in crate::xml) u32);

impl NodeId {
    /// The root node of every document.
    pub const ROOT: NodeId = NodeId(0);

    /// Its place in document order, for tables that have one row for each node.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is. Attributes and namespaces belong to their elements and are no nodes of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// The root node.
    Root,
    /// An element.
    Element,
    /// Character data, CDATA sections included, as long as no markup interrupts it.
    Text,
    /// A comment.
    Comment,
    /// A processing instruction.
    Instruction,
}

/// The name of an element or attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name<'d> {
    /// The namespace, empty if it is in none.
    pub namespace: &'d str,
    /// The prefix, empty if it has none.
    pub prefix: &'d str,
    /// The name without its prefix.
    pub local: &'d str,
}

impl Name<'_> {
    /// Whether it is this name, whatever the prefix.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace == namespace
    }
}

/// One attribute. Namespace declarations are none.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'d> {
    /// Its place among all attributes of the document.
    pub index: usize,
    /// Its name.
    pub name: Name<'d>,
    /// Its value, normalised as XML asks for.
    pub value: &'d str,
}

/// What the look-up of an Id found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFound {
    /// Nothing has this Id.
    None,
    /// One element has it.
    One(NodeId),
    /// Several have it, so that it means nothing.
    Several,
}

/// The namespace of the `Id` of Web Services Security (SOAP Message Security 1.1 section 4.2).
const WS_SECURITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

/// Marks that a node has no rewritten text.
const UNCHANGED: u32 = u32::MAX;

/// One row of the tree.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct Node {
    /// The kind, and for an element its resolved name.
    kind_and_name: u32,
    pub(in crate::xml) parent: u32,
    /// The first node behind this one and everything in it.
    pub(in crate::xml) after: u32,
    pub(in crate::xml) start: u32,
    pub(in crate::xml) end: u32,
    /// Of an element: its row in the table of tags. Of the others: that of their rewritten text, or [`UNCHANGED`].
    pub(in crate::xml) extra: u32,
}

const KIND_BITS: u32 = 3;

impl Node {
    pub(in crate::xml) fn new(kind: NodeKind, name: u32, parent: u32, start: u32) -> Self {
        let kind_and_name = (name << KIND_BITS) | kind as u32;
        Self { kind_and_name, parent, after: 0, start, end: start, extra: UNCHANGED }
    }

    fn kind(&self) -> NodeKind {
        match self.kind_and_name & ((1 << KIND_BITS) - 1) {
            0 => NodeKind::Root,
            1 => NodeKind::Element,
            2 => NodeKind::Text,
            3 => NodeKind::Comment,
            _ => NodeKind::Instruction,
        }
    }

    pub(in crate::xml) fn name(&self) -> u32 {
        self.kind_and_name >> KIND_BITS
    }
}

/// What an element has beside its row. Its attributes and declarations end where those of the next row begin.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct Tag {
    pub(in crate::xml) node: u32,
    pub(in crate::xml) attributes: u32,
    pub(in crate::xml) declarations: u32,
}

/// One row of the table of attributes.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct AttributeRow {
    pub(in crate::xml) name: u32,
    pub(in crate::xml) value: Span,
}

/// One `xmlns` attribute.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct Declaration {
    pub(in crate::xml) prefix: Prefix,
    pub(in crate::xml) uri: Uri,
}

/// The tables that the reader fills.
#[derive(Debug)]
pub(in crate::xml) struct Tables {
    pub(in crate::xml) nodes: Vec<Node>,
    /// With a last row that only ends the one before it.
    pub(in crate::xml) tags: Vec<Tag>,
    pub(in crate::xml) attributes: Vec<AttributeRow>,
    pub(in crate::xml) declarations: Vec<Declaration>,
    pub(in crate::xml) rewritten_texts: Vec<Span>,
    pub(in crate::xml) rewritten: String,
    pub(in crate::xml) names: Names,
}

/// A document that was read.
#[derive(Debug)]
pub struct Document<'s> {
    text: Cow<'s, str>,
    encoding: Encoding,
    tables: Tables,
}

impl<'s> Document<'s> {
    /// Reads a document, strictly: it is well-formed (XML 1.0, fifth edition) and conforms to Namespaces in XML 1.0, has
    /// no document type declaration, and stays within the bounds of [`model::limits`].
    ///
    /// Memory: besides the source at most about twice its size for usual documents. Time: one pass.
    pub fn parse(source: &'s [u8]) -> Result<Document<'s>, XmlError> {
        let (encoding, text) = Encoding::decode(source)?;
        let tables = reader::read(&text)?;
        Ok(Document { text, encoding, tables })
    }

    /// The whole text, in UTF-8: the source itself if that is in UTF-8. Ranges of nodes are ranges of this text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The encoding of the source.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Where a position of the text lies in the source.
    pub fn source_position(&self, position: usize) -> usize {
        match self.encoding {
            Encoding::Utf8 => position,
            other => self.text.get(..position).map_or(position, |before| other.source_length(before)),
        }
    }

    /// How many nodes there are, the root node included.
    pub fn node_count(&self) -> usize {
        self.tables.nodes.len()
    }

    /// How many attributes there are.
    pub fn attribute_count(&self) -> usize {
        self.tables.attributes.len()
    }

    /// How many bytes the tree takes besides the text.
    pub fn tree_bytes(&self) -> usize {
        let tables = &self.tables;
        tables.nodes.len() * size_of::<Node>()
            + tables.tags.len() * size_of::<Tag>()
            + tables.attributes.len() * size_of::<AttributeRow>()
            + tables.declarations.len() * size_of::<Declaration>()
            + tables.rewritten_texts.len() * size_of::<Span>()
            + tables.rewritten.len()
    }

    /// What a node is.
    pub fn kind(&self, node: NodeId) -> NodeKind {
        self.row(node).kind()
    }

    /// The document element.
    pub fn root_element(&self) -> NodeId {
        let found = self.children(NodeId::ROOT).find(|child| self.kind(*child) == NodeKind::Element);
        found.unwrap_or(NodeId::ROOT)
    }

    /// The parent; `None` of the root node.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        (node != NodeId::ROOT).then(|| NodeId(self.row(node).parent))
    }

    /// The first child.
    pub fn first_child(&self, node: NodeId) -> Option<NodeId> {
        (self.row(node).after > node.0 + 1).then(|| NodeId(node.0 + 1))
    }

    /// The last child.
    pub fn last_child(&self, node: NodeId) -> Option<NodeId> {
        self.first_child(node)?;
        self.climb(self.row(node).after - 1, node)
    }

    /// The next node with the same parent.
    pub fn next_sibling(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.parent(node)?;
        let next = self.row(node).after;
        (next < self.row(parent).after).then_some(NodeId(next))
    }

    /// The previous node with the same parent.
    pub fn previous_sibling(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.parent(node)?;
        if node.0 == parent.0 + 1 {
            return None;
        }
        self.climb(node.0 - 1, parent)
    }

    /// The child of `above` that is this node or has it inside.
    fn climb(&self, from: u32, above: NodeId) -> Option<NodeId> {
        let mut at = from;
        while self.row(NodeId(at)).parent != above.0 {
            at = self.row(NodeId(at)).parent;
        }
        Some(NodeId(at))
    }

    /// The children, in document order.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.first_child(node), |child| self.next_sibling(*child))
    }

    /// The children that are elements, in document order.
    pub fn child_elements(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.children(node).filter(|child| self.kind(*child) == NodeKind::Element)
    }

    /// The first child element with this name.
    pub fn child_named(&self, node: NodeId, namespace: &str, local: &str) -> Option<NodeId> {
        self.child_elements(node).find(|child| self.name(*child).is_some_and(|name| name.is(namespace, local)))
    }

    /// This node and everything in it, in document order.
    pub fn subtree(&self, node: NodeId) -> impl Iterator<Item = NodeId> + Clone + use<> {
        (node.0..self.row(node).after).map(NodeId)
    }

    /// The parent, its parent, and so on, up to the root node.
    pub fn ancestors(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.parent(node), |above| self.parent(*above))
    }

    /// Whether a node is `top` or inside of it.
    pub fn is_within(&self, node: NodeId, top: NodeId) -> bool {
        node.0 >= top.0 && node.0 < self.row(top).after
    }

    /// The name of an element.
    pub fn name(&self, node: NodeId) -> Option<Name<'_>> {
        let row = self.row(node);
        (row.kind() == NodeKind::Element).then(|| self.resolved_name(row.name()))
    }

    /// The name of an element as written, prefix included; the target of a processing instruction; else empty.
    pub fn written_name(&self, node: NodeId) -> &str {
        let row = self.row(node);
        match row.kind() {
            NodeKind::Element => self.written(row.name()),
            NodeKind::Instruction => self.instruction(row).0,
            _ => "",
        }
    }

    /// The attributes of an element, in the order of the document.
    pub fn attributes(&self, node: NodeId) -> impl Iterator<Item = Attribute<'_>> + '_ {
        self.attribute_range(node).filter_map(|index| self.attribute_at(index))
    }

    /// The value of an attribute.
    pub fn attribute(&self, node: NodeId, namespace: &str, local: &str) -> Option<&str> {
        self.attributes(node).find(|attribute| attribute.name.is(namespace, local)).map(|attribute| attribute.value)
    }

    /// The attribute with this [`Attribute::index`].
    pub fn attribute_at(&self, index: usize) -> Option<Attribute<'_>> {
        let row = self.tables.attributes.get(index)?;
        Some(Attribute { index, name: self.resolved_name(row.name), value: self.read(row.value) })
    }

    /// The element that has the attribute with this [`Attribute::index`].
    pub fn owner_of_attribute(&self, index: usize) -> NodeId {
        let tag = self.tables.tags.partition_point(|tag| tag.attributes as usize <= index);
        tag.checked_sub(1).and_then(|tag| self.tables.tags.get(tag)).map_or(NodeId::ROOT, |tag| NodeId(tag.node))
    }

    /// The namespaces that an element declares: prefix (empty for the default namespace) and name (empty to undeclare
    /// the default namespace).
    pub fn declarations(&self, node: NodeId) -> impl Iterator<Item = (&str, &str)> + '_ {
        self.declared(node).iter().map(|declaration| (self.prefix(declaration.prefix), self.uri(declaration.uri)))
    }

    /// The namespaces in scope at a node, sorted by prefix, `xml` among them.
    pub fn namespaces_in_scope(&self, node: NodeId) -> Vec<(&str, &str)> {
        let mut found: Vec<(&str, &str)> = vec![("xml", XML_NAMESPACE)];
        for above in std::iter::once(node).chain(self.ancestors(node)) {
            for (prefix, uri) in self.declarations(above) {
                if !found.iter().any(|(seen, _)| *seen == prefix) {
                    found.push((prefix, uri));
                }
            }
        }
        found.retain(|(_, uri)| !uri.is_empty());
        found.sort_unstable();
        found
    }

    /// The namespace that a prefix stands for at a node; the empty prefix asks for the default namespace.
    pub fn namespace_of_prefix(&self, node: NodeId, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        let mut above = std::iter::once(node).chain(self.ancestors(node));
        let found = above.find_map(|above| self.declarations(above).find(|(declared, _)| *declared == prefix));
        found.map(|(_, uri)| uri).filter(|uri| !uri.is_empty())
    }

    /// The characters of a text or comment, and what is behind the target of a processing instruction; else empty.
    pub fn characters(&self, node: NodeId) -> &str {
        let row = self.row(node);
        let rewritten = self.tables.rewritten_texts.get(row.extra as usize).filter(|_| row.extra != UNCHANGED);
        let raw = self.slice(row);
        match (row.kind(), rewritten) {
            (NodeKind::Root | NodeKind::Element, _) => "",
            (_, Some(span)) => self.read(*span),
            (NodeKind::Text, None) => raw,
            (NodeKind::Comment, None) => raw.get(4..raw.len() - 3).unwrap_or_default(),
            (NodeKind::Instruction, None) => self.instruction(row).1,
        }
    }

    /// The string-value of XPath: all text inside of it, or what [`Self::characters`] says.
    pub fn string_value(&self, node: NodeId) -> Cow<'_, str> {
        if !matches!(self.kind(node), NodeKind::Root | NodeKind::Element) {
            return Cow::Borrowed(self.characters(node));
        }
        let mut texts = self.subtree(node).filter(|inside| self.kind(*inside) == NodeKind::Text);
        let first = texts.next().map_or("", |text| self.characters(text));
        match texts.next() {
            None => Cow::Borrowed(first),
            Some(second) => {
                let rest = std::iter::once(second).chain(texts).map(|text| self.characters(text));
                Cow::Owned(std::iter::once(first).chain(rest).collect())
            }
        }
    }

    /// Where a node is in the text, from its first to its last byte.
    pub fn range(&self, node: NodeId) -> Range<usize> {
        let row = self.row(node);
        row.start as usize..row.end as usize
    }

    /// Where the start tag of an element is; all of it, if it is an empty-element tag (`<a/>`).
    pub fn start_tag(&self, node: NodeId) -> Range<usize> {
        let range = self.range(node);
        let mut quote = None;
        let inside = self.slice(self.row(node)).bytes();
        let length = inside.enumerate().find_map(|(at, byte)| match (quote, byte) {
            (Some(open), _) => {
                quote = (byte != open).then_some(open);
                None
            }
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                None
            }
            (None, b'>') => Some(at + 1),
            _ => None,
        });
        range.start..range.start + length.unwrap_or(0)
    }

    /// Where the end tag of an element is; `None` if it is an empty-element tag.
    pub fn end_tag(&self, node: NodeId) -> Option<Range<usize>> {
        let range = self.range(node);
        let tag = self.slice(self.row(node)).rfind("</")?;
        // An empty-element tag may have `</` in an attribute only escaped, so the last one found is the end tag.
        (self.kind(node) == NodeKind::Element).then_some(range.start + tag..range.end)
    }

    /// The element that has this value as its `Id`, `ID`, `id` (each without namespace), `xml:id` or `wsu:Id`.
    pub fn find_id(&self, value: &str) -> IdFound {
        let is_id: Vec<bool> = (0..).take(self.tables.names.resolved.len()).map(|name| self.is_id_name(name)).collect();
        let mut found = IdFound::None;
        for (index, row) in self.tables.attributes.iter().enumerate() {
            if is_id.get(row.name as usize) == Some(&true) && self.read(row.value) == value {
                let owner = self.owner_of_attribute(index);
                found = match found {
                    IdFound::None => IdFound::One(owner),
                    // `Id` and `ID` of one element may agree.
                    IdFound::One(same) if same == owner => found,
                    _ => return IdFound::Several,
                };
            }
        }
        found
    }

    /// The value of the first Id attribute that an element has.
    pub fn id_of(&self, node: NodeId) -> Option<&str> {
        let mut rows = self.tables.attributes.get(self.attribute_range(node)).unwrap_or_default().iter();
        rows.find(|row| self.is_id_name(row.name)).map(|row| self.read(row.value))
    }

    fn is_id_name(&self, name: u32) -> bool {
        let name = self.resolved_name(name);
        matches!((name.namespace, name.local), ("", "Id" | "ID" | "id") | (XML_NAMESPACE, "id") | (WS_SECURITY, "Id"))
    }
}

/// What the rest of `xml` sees of the tables.
impl Document<'_> {
    pub(in crate::xml) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(in crate::xml) fn row(&self, node: NodeId) -> &Node {
        &self.tables.nodes[node.0 as usize] // nobody but the reader makes a `NodeId`
    }

    pub(in crate::xml) fn read(&self, span: Span) -> &str {
        span.read(&self.text, &self.tables.rewritten)
    }

    pub(in crate::xml) fn prefix(&self, prefix: Prefix) -> &str {
        self.tables.names.prefixes.get(prefix.0 as usize).map_or("", |span| self.read(*span))
    }

    pub(in crate::xml) fn uri(&self, uri: Uri) -> &str {
        self.tables.names.uris.get(uri.0 as usize).map_or("", |span| self.read(*span))
    }

    /// The attributes of a node, as rows of their table.
    pub(in crate::xml) fn attribute_range(&self, node: NodeId) -> Range<usize> {
        self.tag(node).map_or(0..0, |(tag, next)| tag.attributes as usize..next.attributes as usize)
    }

    pub(in crate::xml) fn declared(&self, node: NodeId) -> &[Declaration] {
        let range = self.tag(node).map_or(0..0, |(tag, next)| tag.declarations as usize..next.declarations as usize);
        self.tables.declarations.get(range).unwrap_or_default()
    }

    /// A resolved name as written.
    pub(in crate::xml) fn written(&self, name: u32) -> &str {
        self.qualified(name).map_or("", |qualified| self.read(qualified.whole))
    }

    pub(in crate::xml) fn prefix_of_name(&self, name: u32) -> Prefix {
        self.qualified(name).map_or(Prefix::DEFAULT, |qualified| qualified.prefix)
    }

    pub(in crate::xml) fn resolved_name(&self, name: u32) -> Name<'_> {
        let uri = self.tables.names.resolved.get(name as usize).map_or(Uri::NONE, |resolved| resolved.uri);
        let (prefix, local) = self
            .qualified(name)
            .map_or(("", ""), |qualified| (self.prefix(qualified.prefix), self.read(qualified.local)));
        Name { namespace: self.uri(uri), prefix, local }
    }

    fn qualified(&self, name: u32) -> Option<&names::Qualified> {
        let resolved = self.tables.names.resolved.get(name as usize)?;
        self.tables.names.qualified.get(resolved.qualified as usize)
    }

    fn tag(&self, node: NodeId) -> Option<(&Tag, &Tag)> {
        let row = self.row(node);
        if row.kind() != NodeKind::Element {
            return None;
        }
        let at = row.extra as usize;
        Some((self.tables.tags.get(at)?, self.tables.tags.get(at + 1)?))
    }

    fn slice(&self, row: &Node) -> &str {
        self.text.get(row.start as usize..row.end as usize).unwrap_or_default()
    }

    /// Target and data of a processing instruction, as written.
    fn instruction(&self, row: &Node) -> (&str, &str) {
        let raw = self.slice(row);
        let inside = raw.get(2..raw.len() - 2).unwrap_or_default();
        let blank = |character: char| matches!(character, ' ' | '\t' | '\n' | '\r');
        match inside.split_once(blank) {
            Some((target, data)) => (target, data.trim_start_matches(blank)),
            None => (inside, ""),
        }
    }
}
