//! Which namespaces are in scope, and which of them have to be written at an element.

use super::selection::Details;
use super::{Binding, CanonicalError, NodeSet, is_relative};
use crate::xml::tree::{Document, NodeId, Prefix, Uri};
use model::limits::XML_NODES_MAX;
use model::profile::{CanonicalVersion, Canonicalization};
use std::ops::Range;

/// What stands for what while a document is walked through, and what has been written so.
pub(super) struct Rendered<'d> {
    document: &'d Document<'d>,
    inclusive: bool,
    /// Exclusive only: the prefixes that are treated as in inclusive canonical XML.
    listed: Vec<Prefix>,
    relative: Vec<bool>,
    /// For each prefix the namespace in scope; none is [`Uri::NONE`].
    scope: Vec<Uri>,
    hidden: Vec<Binding>,
    /// For each prefix what the nearest chosen element that has to do with it says.
    written: Vec<Uri>,
    replaced: Vec<Binding>,
    /// Prefixes that were declared since the nearest chosen element was opened.
    pending: Vec<Prefix>,
    /// How long `hidden`, `replaced` and `pending` were before each open element, and where the pending ones begin.
    marks: Vec<[usize; 4]>,
    hidden_before: usize,
    replaced_before: usize,
    pending_before: usize,
    /// Where the prefixes begin that are pending now.
    pending_from: usize,
    changes: Vec<Binding>,
}

impl<'d> Rendered<'d> {
    pub(super) fn new(document: &'d Document<'d>, method: &Canonicalization) -> Self {
        let names = &document.tables().names;
        let prefixes = (0..).map(Prefix).take(names.prefixes.len());
        let is_listed = |prefix: &Prefix| {
            let name = match document.prefix(*prefix) {
                "" => "#default",
                name => name,
            };
            method.inclusive_prefixes.iter().any(|listed| listed == name)
        };
        let exclusive = method.version == CanonicalVersion::Exclusive;
        let listed = if exclusive { prefixes.filter(is_listed).collect() } else { Vec::new() };
        Self {
            document,
            inclusive: !exclusive,
            listed,
            relative: (0..).map(Uri).take(names.uris.len()).map(|uri| is_relative(document.uri(uri))).collect(),
            scope: vec![Uri::NONE; names.prefixes.len()],
            hidden: Vec::new(),
            written: vec![Uri::NONE; names.prefixes.len()],
            replaced: Vec::new(),
            pending: Vec::new(),
            marks: Vec::new(),
            hidden_before: 0,
            replaced_before: 0,
            pending_before: 0,
            pending_from: 0,
            changes: Vec::new(),
        }
    }

    /// An element begins.
    pub(super) fn declare(&mut self, node: NodeId) -> Result<(), CanonicalError> {
        self.hidden_before = self.hidden.len();
        self.replaced_before = self.replaced.len();
        self.pending_before = self.pending.len();
        for declaration in self.document.declared(node) {
            if self.relative.get(declaration.uri.0 as usize) == Some(&true) {
                let uri = self.document.uri(declaration.uri).chars().take(200).collect();
                return Err(CanonicalError::RelativeNamespace(uri));
            }
            if let Some(bound) = self.scope.get_mut(declaration.prefix.0 as usize) {
                self.hidden.push((declaration.prefix, *bound));
                *bound = declaration.uri;
            }
            if self.inclusive {
                self.pending.push(declaration.prefix);
            }
        }
        Ok(())
    }

    /// Exclusive: the element or one of its chosen attributes has this prefix.
    pub(super) fn utilize(&mut self, node: NodeId, chosen: &NodeSet, prefix: Prefix) {
        let uri = self.scope.get(prefix.0 as usize).copied().unwrap_or(Uri::NONE);
        let visible = chosen.details.as_ref().is_none_or(|details| {
            let entries = details.scopes.entries(self.document, node);
            entries.is_some_and(|(range, entries)| {
                let at = entries.iter().position(|(other, _)| *other == prefix);
                at.is_some_and(|at| details.namespaces.has(range.start + at))
            })
        });
        self.write(prefix, if visible { uri } else { Uri::NONE });
    }

    /// What is written at this element, sorted by prefix.
    pub(super) fn changes(&mut self, node: NodeId, chosen: &NodeSet) -> &[Binding] {
        match (&chosen.details, self.inclusive) {
            (None, true) => {
                for at in self.pending_from..self.pending.len() {
                    if let Some(prefix) = self.pending.get(at).copied() {
                        let uri = self.scope.get(prefix.0 as usize).copied().unwrap_or(Uri::NONE);
                        self.write(prefix, uri);
                    }
                }
            }
            (Some(details), true) => {
                if let Some((range, entries)) = details.scopes.entries(self.document, node) {
                    let mut has_default = false;
                    for (at, (prefix, uri)) in range.zip(entries) {
                        has_default |= *prefix == Prefix::DEFAULT;
                        self.write(*prefix, if details.namespaces.has(at) { *uri } else { Uri::NONE });
                    }
                    if !has_default {
                        self.write(Prefix::DEFAULT, Uri::NONE);
                    }
                }
            }
            (_, false) => {
                for at in 0..self.listed.len() {
                    if let Some(prefix) = self.listed.get(at).copied() {
                        self.utilize(node, chosen, prefix);
                    }
                }
            }
        }
        self.sorted_changes()
    }

    /// What an element that is left out still writes: those of its namespace nodes that are chosen.
    pub(super) fn loose(&mut self, node: NodeId, details: &Details) -> &[Binding] {
        if let Some((range, entries)) = details.scopes.entries(self.document, node) {
            for (at, (prefix, uri)) in range.zip(entries) {
                let concerned = self.inclusive || self.listed.contains(prefix);
                let new = self.written.get(prefix.0 as usize) != Some(uri) && *prefix != Prefix::XML;
                if concerned && new && details.namespaces.has(at) {
                    self.changes.push((*prefix, *uri));
                }
            }
        }
        self.sorted_changes()
    }

    fn sorted_changes(&mut self) -> &[Binding] {
        if self.changes.len() > 1 {
            let document = self.document;
            self.changes.sort_unstable_by_key(|(prefix, _)| document.prefix(*prefix));
        }
        &self.changes
    }

    /// Notes what a prefix stands for at this element, and that it has to be written if that is new.
    fn write(&mut self, prefix: Prefix, uri: Uri) {
        let Some(written) = self.written.get_mut(prefix.0 as usize) else { return };
        if prefix == Prefix::XML || *written == uri {
            return;
        }
        self.replaced.push((prefix, *written));
        *written = uri;
        if uri != Uri::NONE || prefix == Prefix::DEFAULT {
            self.changes.push((prefix, uri));
        }
    }

    /// The element has been written, if it is chosen; what is in it comes now.
    pub(super) fn opened(&mut self, chosen: bool) {
        self.changes.clear();
        self.marks.push([self.hidden_before, self.replaced_before, self.pending_before, self.pending_from]);
        if chosen {
            self.pending_from = self.pending.len();
        }
    }

    /// The element that was opened last ends.
    pub(super) fn closed(&mut self) {
        let Some([hidden, replaced, pending, pending_from]) = self.marks.pop() else { return };
        undo(&mut self.scope, &mut self.hidden, hidden);
        undo(&mut self.written, &mut self.replaced, replaced);
        self.pending.truncate(pending);
        self.pending_from = pending_from;
    }
}

fn undo(table: &mut [Uri], log: &mut Vec<Binding>, length: usize) {
    while log.len() > length {
        if let Some((prefix, uri)) = log.pop()
            && let Some(row) = table.get_mut(prefix.0 as usize)
        {
            *row = uri;
        }
    }
}

/// The namespace axes of all elements. Elements that declare nothing share that of their parent.
#[derive(Debug)]
pub(in crate::xml) struct Scopes {
    entries: Vec<Binding>,
    /// For each element, in the order of the table of tags, its part of `entries`.
    of_element: Vec<(u32, u32)>,
    /// For each element the number of namespace nodes before its own, and at last that of all.
    before: Vec<u32>,
}

impl Scopes {
    /// Memory: 12 bytes for each element, 8 for each namespace in scope where something is declared.
    #[allow(clippy::cast_possible_truncation)] // bounded by XML_NODES_MAX
    pub(in crate::xml) fn new(document: &Document<'_>) -> Result<Self, CanonicalError> {
        let tags = &document.tables().tags;
        let count = tags.len().saturating_sub(1);
        let mut scopes = Self {
            entries: vec![(Prefix::XML, Uri::XML)],
            of_element: Vec::with_capacity(count),
            before: Vec::with_capacity(count + 1),
        };
        let mut total = 0;
        for tag in tags.iter().take(count) {
            let node = NodeId(tag.node);
            let parent = document.parent(node).filter(|parent| *parent != NodeId::ROOT);
            let parent = parent.and_then(|parent| scopes.of_element.get(document.row(parent).extra as usize).copied());
            let mut range = parent.unwrap_or((0, 1));
            let declared = document.declared(node);
            if !declared.is_empty() {
                let start = scopes.entries.len();
                for at in range.0 as usize..range.1 as usize {
                    if let Some(entry) = scopes.entries.get(at).copied()
                        && !declared.iter().any(|declaration| declaration.prefix == entry.0)
                    {
                        scopes.entries.push(entry);
                    }
                }
                let new = declared.iter().filter(|new| new.uri != Uri::NONE && new.prefix != Prefix::XML);
                scopes.entries.extend(new.map(|declaration| (declaration.prefix, declaration.uri)));
                if declared.iter().any(|declaration| declaration.prefix == Prefix::XML) {
                    scopes.entries.push((Prefix::XML, Uri::XML));
                }
                if let Some(new) = scopes.entries.get_mut(start..) {
                    new.sort_unstable();
                }
                range = (start as u32, scopes.entries.len() as u32);
            }
            scopes.before.push(total as u32);
            total += (range.1 - range.0) as usize;
            scopes.of_element.push(range);
            if total > XML_NODES_MAX || scopes.entries.len() > XML_NODES_MAX {
                return Err(CanonicalError::TooManyNamespaces);
            }
        }
        scopes.before.push(total as u32);
        Ok(scopes)
    }

    /// How many namespace nodes there are.
    pub(in crate::xml) fn count(&self) -> usize {
        self.before.last().map_or(0, |count| *count as usize)
    }

    /// The numbers of the namespace nodes of an element, given by its row in the table of tags.
    pub(in crate::xml) fn range(&self, tag: usize) -> Range<usize> {
        match (self.before.get(tag), self.before.get(tag + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        }
    }

    /// The namespace nodes of an element: their numbers, and what they are.
    pub(in crate::xml) fn entries(&self, document: &Document<'_>, node: NodeId) -> Option<(Range<usize>, &[Binding])> {
        document.name(node)?;
        let tag = document.row(node).extra as usize;
        let (start, end) = *self.of_element.get(tag)?;
        Some((self.range(tag), self.entries.get(start as usize..end as usize)?))
    }

    /// The element that has the namespace node with this number.
    pub(in crate::xml) fn owner(&self, document: &Document<'_>, namespace: usize) -> NodeId {
        let tag = self.before.partition_point(|before| *before as usize <= namespace).saturating_sub(1);
        document.tables().tags.get(tag).map_or(NodeId::ROOT, |tag| NodeId(tag.node))
    }

    /// The numbers of the attributes and of the namespace nodes inside of a node.
    pub(in crate::xml) fn rows_of_subtree(&self, document: &Document<'_>, top: NodeId) -> (Range<usize>, Range<usize>) {
        let tags = &document.tables().tags;
        let tag = |node: u32| tags.partition_point(|tag| tag.node < node).min(tags.len().saturating_sub(1));
        let (first, behind) = (tag(top.0), tag(document.row(top).after));
        let attributes = |tag: usize| tags.get(tag).map_or(0, |tag| tag.attributes as usize);
        let namespaces = |tag: usize| self.before.get(tag).map_or(0, |count| *count as usize);
        (attributes(first)..attributes(behind), namespaces(first)..namespaces(behind))
    }
}
