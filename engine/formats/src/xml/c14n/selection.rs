//! A set of nodes of one document: any of its nodes, attributes and namespace nodes.
//!
//! Takes a bit for each node. Attributes and namespace nodes have bits of their own only if an expression chose among
//! them; else they go with their elements.

use super::namespaces::Scopes;
use crate::xml::tree::{Document, NodeId, NodeKind};
use std::ops::Range;
use std::sync::Arc;

/// One bit for each of a fixed number of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::xml) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    pub(in crate::xml) fn none(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)] }
    }

    pub(in crate::xml) fn has(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    pub(in crate::xml) fn set(&mut self, at: usize, on: bool) {
        self.set_range(at..at + 1, on);
    }

    pub(in crate::xml) fn set_range(&mut self, range: Range<usize>, on: bool) {
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min((at / 64 + 1) * 64);
            let mask = (u64::MAX >> (64 - (end - at))) << (at % 64);
            if let Some(word) = self.words.get_mut(at / 64) {
                *word = if on { *word | mask } else { *word & !mask };
            }
            at = end;
        }
    }

    /// Whether one of a range is set.
    fn any(&self, range: Range<usize>) -> bool {
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min((at / 64 + 1) * 64);
            let mask = (u64::MAX >> (64 - (end - at))) << (at % 64);
            if self.words.get(at / 64).is_some_and(|word| word & mask != 0) {
                return true;
            }
            at = end;
        }
        false
    }

    fn combine(&mut self, other: &Bits, with: fn(u64, u64) -> u64) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word = with(*word, *other);
        }
    }

    fn bounds(&self) -> Option<(usize, usize)> {
        let first = self.words.iter().position(|word| *word != 0)?;
        let last = self.words.iter().rposition(|word| *word != 0)?;
        let (low, high) = (self.words.get(first)?.trailing_zeros(), 63 - self.words.get(last)?.leading_zeros());
        Some((first * 64 + low as usize, last * 64 + high as usize))
    }
}

/// The bits of attributes and namespace nodes.
#[derive(Clone, Debug)]
pub(in crate::xml) struct Details {
    pub(in crate::xml) attributes: Bits,
    pub(in crate::xml) scopes: Arc<Scopes>,
    pub(in crate::xml) namespaces: Bits,
}

/// A set of nodes of one document.
#[derive(Clone, Debug)]
pub struct NodeSet {
    pub(in crate::xml) nodes: Bits,
    /// Where attributes and namespace nodes do not simply go with their elements.
    pub(in crate::xml) details: Option<Details>,
}

impl NodeSet {
    /// No node at all.
    pub fn empty(document: &Document<'_>) -> Self {
        Self { nodes: Bits::none(document.node_count()), details: None }
    }

    /// The whole document with all its comments.
    pub fn document(document: &Document<'_>) -> Self {
        Self::subtree(document, NodeId::ROOT)
    }

    /// A node and everything in it.
    pub fn subtree(document: &Document<'_>, top: NodeId) -> Self {
        let mut set = Self::empty(document);
        set.add_subtree(document, top);
        set
    }

    /// Whether a node is in it.
    pub fn contains(&self, node: NodeId) -> bool {
        self.nodes.has(node.index())
    }

    /// Adds a node and everything in it, attributes and namespace nodes included.
    pub fn add_subtree(&mut self, document: &Document<'_>, top: NodeId) {
        self.set_subtree(document, top, true);
    }

    /// Takes out a node and everything in it: the enveloped signature, for instance.
    pub fn remove_subtree(&mut self, document: &Document<'_>, top: NodeId) {
        self.set_subtree(document, top, false);
    }

    /// Takes out all comments: what `URI=""` and `URI="#id"` mean (XML-DSig, section 4.4.3.3).
    pub fn remove_comments(&mut self, document: &Document<'_>) {
        // Outside of the first and the last node there is nothing to take out.
        let Some((first, last)) = self.nodes.bounds() else { return };
        for node in document.subtree(NodeId::ROOT).skip(first).take(last - first + 1) {
            if document.kind(node) == NodeKind::Comment {
                self.nodes.set(node.index(), false);
            }
        }
    }

    /// Whether something of the subtree of this node is in it.
    pub fn has_within(&self, document: &Document<'_>, top: NodeId) -> bool {
        let after = document.row(top).after as usize;
        self.nodes.any(top.index()..after)
    }

    /// Takes in the nodes of the tree that another set of the same document has.
    pub fn add_nodes(&mut self, other: &NodeSet) {
        self.nodes.combine(&other.nodes, |one, other| one | other);
    }

    /// Whether it leaves out an attribute of an element that is in it.
    pub fn leaves_out_attributes(&self, document: &Document<'_>) -> bool {
        let Some(details) = &self.details else { return false };
        document.subtree(NodeId::ROOT).filter(|node| self.contains(*node)).any(|node| {
            let mut attributes = document.attribute_range(node);
            attributes.any(|index| !details.attributes.has(index))
        })
    }

    /// Whether it has no node of the tree in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.bounds().is_none()
    }

    /// The first and the last node of the tree that are in it, or of which something is.
    #[allow(clippy::cast_possible_truncation)] // there are no more nodes than fit
    pub(in crate::xml) fn bounds(&self, document: &Document<'_>) -> Option<(NodeId, NodeId)> {
        let whole = self.nodes.bounds().map(|(first, last)| (NodeId(first as u32), NodeId(last as u32)));
        let details = self.details.as_ref();
        let attributes = details.and_then(|details| details.attributes.bounds());
        let attributes =
            attributes.map(|(first, last)| (document.owner_of_attribute(first), document.owner_of_attribute(last)));
        let namespaces = details.and_then(|details| {
            let (first, last) = details.namespaces.bounds()?;
            Some((details.scopes.owner(document, first), details.scopes.owner(document, last)))
        });
        let all = [whole, attributes, namespaces].into_iter().flatten();
        all.reduce(|(first, last), (other_first, other_last)| (first.min(other_first), last.max(other_last)))
    }

    /// Whether an attribute of an element that is in the set is so, too.
    pub(in crate::xml) fn contains_attribute(&self, index: usize) -> bool {
        self.details.as_ref().is_none_or(|details| details.attributes.has(index))
    }

    fn set_subtree(&mut self, document: &Document<'_>, top: NodeId, on: bool) {
        let after = document.row(top).after as usize;
        self.nodes.set_range(top.index()..after, on);
        if let Some(details) = &mut self.details {
            let (attributes, namespaces) = details.scopes.rows_of_subtree(document, top);
            details.attributes.set_range(attributes, on);
            details.namespaces.set_range(namespaces, on);
        }
    }

    /// Gives attributes and namespace nodes bits of their own.
    pub(in crate::xml) fn detail(&mut self, document: &Document<'_>, scopes: &Arc<Scopes>) {
        if self.details.is_some() {
            return;
        }
        let mut attributes = Bits::none(document.attribute_count());
        let mut namespaces = Bits::none(scopes.count());
        for (row, tag) in document.tables().tags.iter().enumerate() {
            let node = NodeId(tag.node);
            if tag.node < document.row(NodeId::ROOT).after && self.contains(node) {
                attributes.set_range(document.attribute_range(node), true);
                namespaces.set_range(scopes.range(row), true);
            }
        }
        self.details = Some(Details { attributes, scopes: Arc::clone(scopes), namespaces });
    }

    /// Combines the bits of two sets of one document, which both have details or both have none.
    pub(in crate::xml) fn combine(&mut self, other: &NodeSet, with: fn(u64, u64) -> u64) {
        self.nodes.combine(&other.nodes, with);
        if let (Some(mine), Some(others)) = (&mut self.details, &other.details) {
            mine.attributes.combine(&others.attributes, with);
            mine.namespaces.combine(&others.namespaces, with);
        }
    }
}
