//! Words for people: which element it is, where it stands, and what of a document nobody has signed.

use super::shown;
use crate::xml::algorithms::DS;
use crate::xml::c14n::NodeSet;
use crate::xml::tree::{Document, NodeId, NodeKind};

/// How many paths one sentence names.
const PATHS_SHOWN: usize = 4;

/// Longest path that is shown, in characters.
const PATH_CHARACTERS: usize = 200;

/// The way from the root to an element: `/Envelope/Body[2]`, names without prefixes.
pub(super) fn path(document: &Document<'_>, node: NodeId) -> String {
    let mut way: Vec<NodeId> = document.ancestors(node).filter(|above| *above != NodeId::ROOT).collect();
    way.reverse();
    way.push(node);
    let mut text = String::new();
    for step in way {
        let name = document.name(step).map_or("", |name| name.local);
        text.push('/');
        text.push_str(name);
        // Counting stops early: nobody reads a number with six digits.
        let before = earlier_siblings(document, step).take(100_000);
        let before = before.filter(|other| document.name(*other) == document.name(step)).count();
        if before > 0 {
            text.push_str(&format!("[{}]", before + 1));
        }
    }
    match text.char_indices().nth(PATH_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn earlier_siblings<'d>(document: &'d Document<'_>, node: NodeId) -> impl Iterator<Item = NodeId> + 'd {
    std::iter::successors(document.previous_sibling(node), |other| document.previous_sibling(*other))
}

/// An element for people: `element Invoice (#id) at /Envelope/Invoice`.
pub(super) fn element(document: &Document<'_>, node: NodeId) -> String {
    let name = document.name(node).map_or("", |name| name.local);
    let id = document.id_of(node).map(|id| format!(" (#{})", shown(id))).unwrap_or_default();
    format!("element {}{id} at {}", shown(name), path(document, node))
}

/// What a set of nodes of a reference to `top` is, in words. `signature`: that which the reference is in.
pub(super) fn describe(document: &Document<'_>, top: NodeId, chosen: &NodeSet, signature: NodeId) -> String {
    let whole = top == NodeId::ROOT || top == document.root_element();
    let mut text = match top {
        _ if whole => "the whole document".to_owned(),
        top if document.is_within(top, signature) && document.name(top).is_some_and(|name| name.is(DS, "Object")) => {
            format!("an object in the signature (#{})", shown(document.id_of(top).unwrap_or_default()))
        }
        top => element(document, top),
    };
    let first = if top == NodeId::ROOT { document.root_element() } else { top };
    let missing = Missing::of(document, first, chosen, signature);
    if missing.count > 0 {
        text.push_str(&format!(" without {}", missing.words(document)));
    }
    if chosen.leaves_out_attributes(document) {
        text.push_str(", not with all attributes");
    }
    text
}

/// The topmost elements that a set leaves out, and the elements of which it leaves out text.
struct Missing {
    paths: Vec<NodeId>,
    count: usize,
}

impl Missing {
    fn of(document: &Document<'_>, top: NodeId, chosen: &NodeSet, signature: NodeId) -> Self {
        let mut missing = Self { paths: Vec::new(), count: 0 };
        let mut skip_until = None;
        for node in document.subtree(top) {
            if skip_until.is_some_and(|end| node <= end) {
                continue;
            }
            let matters = match document.kind(node) {
                NodeKind::Element => node != signature,
                NodeKind::Text => !document.characters(node).trim_ascii().is_empty(),
                _ => false,
            };
            if chosen.contains(node) || !matters {
                skip_until = if node == signature { document.subtree(node).last() } else { skip_until };
                continue;
            }
            let named = if document.kind(node) == NodeKind::Text { document.parent(node) } else { Some(node) };
            missing.add(named.unwrap_or(top));
            // What is chosen below what is left out is not worth more words; all of it counts as left out.
            skip_until = document.subtree(node).last();
        }
        missing
    }

    fn add(&mut self, node: NodeId) {
        if self.paths.last() == Some(&node) {
            return;
        }
        self.count += 1;
        if self.paths.len() < PATHS_SHOWN {
            self.paths.push(node);
        }
    }

    fn words(&self, document: &Document<'_>) -> String {
        let paths: Vec<String> = self.paths.iter().map(|node| path(document, *node)).collect();
        match self.count - self.paths.len() {
            0 => paths.join(", "),
            more => format!("{} and {more} more", paths.join(", ")),
        }
    }
}

/// What of a document is outside of everything that a signature is over: topmost elements without anything signed and
/// without a signature in them, and elements around signed ones that say something themselves. `None`: nothing.
pub(super) fn uncovered(document: &Document<'_>, covered: &NodeSet, signature: NodeId) -> Option<String> {
    let is = |node: NodeId, local: &str| document.name(node).is_some_and(|name| name.is(DS, local));
    let mut kept = covered.clone();
    for node in document.subtree(NodeId::ROOT).filter(|node| is(*node, "Signature")) {
        kept.add_subtree(document, node);
    }
    let mut missing = Missing { paths: Vec::new(), count: 0 };
    let mut open = vec![document.root_element()];
    while let Some(node) = open.pop() {
        if node == signature {
            // Objects carry content; everything else in a signature is not meant to be covered.
            let about_it = |object: NodeId| {
                let mut names = document.child_elements(object).filter_map(|inside| document.name(inside));
                names.any(|name| name.local.starts_with("QualifyingProperties"))
            };
            let objects = document.child_elements(node).filter(|part| is(*part, "Object"));
            objects.filter(|object| !covered.has_within(document, *object) && !about_it(*object)).for_each(|object| {
                missing.add(object);
            });
        }
        if covered.contains(node) || is(node, "Signature") {
            continue;
        }
        let holds_more = kept.has_within(document, node);
        let says_something = document.children(node).any(|child| {
            document.kind(child) == NodeKind::Text
                && !covered.contains(child)
                && !document.characters(child).trim_ascii().is_empty()
        });
        if !holds_more || says_something {
            missing.add(node);
        }
        if holds_more {
            let at = open.len();
            open.extend(document.child_elements(node));
            open.get_mut(at..).unwrap_or_default().reverse();
        }
    }
    (missing.count > 0).then(|| missing.words(document))
}
