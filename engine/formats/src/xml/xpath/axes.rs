//! Where the axes of XPath lead from a node, and which nodes a test lets through (sections 2.2 and 2.3).

use super::evaluate::Evaluation;
use super::value::{Node, Part};
use super::{Axis, Test, XPathError};
use crate::xml::tree::{NodeId, NodeKind};
use std::ops::ControlFlow;

/// What is done with each node of an axis.
pub(super) type Visit<'v> = &'v mut dyn FnMut(Node) -> Result<ControlFlow<()>, XPathError>;

type Walked = Result<ControlFlow<()>, XPathError>;

impl Evaluation<'_> {
    /// Visits the nodes of an axis in its order, which for those that lead back is against document order.
    pub(super) fn walk(&self, axis: Axis, from: Node, visit: Visit<'_>) -> Walked {
        let owner = from.owner;
        let document = self.document;
        let whole = from.part == Part::Whole;
        match axis {
            Axis::Itself => visit(from),
            Axis::Parent => match self.parent(from) {
                Some(parent) => visit(parent),
                None => Ok(ControlFlow::Continue(())),
            },
            Axis::Ancestor | Axis::AncestorOrSelf => {
                let first = if axis == Axis::Ancestor { self.parent(from) } else { Some(from) };
                all(std::iter::successors(first, |node| self.parent(*node)), visit)
            }
            Axis::Child if whole => all(document.children(owner).map(Node::from), visit),
            Axis::Descendant if whole => all(document.subtree(owner).skip(1).map(Node::from), visit),
            Axis::DescendantOrSelf if whole => all(document.subtree(owner).map(Node::from), visit),
            Axis::DescendantOrSelf => visit(from),
            Axis::FollowingSibling if whole => {
                let next = |node: &NodeId| document.next_sibling(*node);
                all(std::iter::successors(next(&owner), next).map(Node::from), visit)
            }
            Axis::PrecedingSibling if whole => {
                let previous = |node: &NodeId| document.previous_sibling(*node);
                all(std::iter::successors(previous(&owner), previous).map(Node::from), visit)
            }
            Axis::Following => {
                let first = if whole { document.row(owner).after } else { owner.0 + 1 };
                let end = document.row(NodeId::ROOT).after;
                all((first..end).map(|node| Node::from(NodeId(node))), visit)
            }
            Axis::Preceding => {
                // Ancestors do not precede; the next one of them is always known while going back.
                let mut above = document.parent(owner);
                for node in (0..owner.0).rev().map(NodeId) {
                    if above == Some(node) {
                        above = document.parent(node);
                    } else if visit(Node::from(node))?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
            Axis::Attribute if whole => {
                let count = document.attribute_range(owner).len();
                all((0..).take(count).map(|at| Node { owner, part: Part::Attribute(at) }), visit)
            }
            Axis::Namespace if whole && document.kind(owner) == NodeKind::Element => {
                let scopes = self.scopes()?;
                let count = scopes.entries(document, owner).map_or(0, |(_, entries)| entries.len());
                all((0..).take(count).map(|at| Node { owner, part: Part::Namespace(at) }), visit)
            }
            Axis::Child
            | Axis::Descendant
            | Axis::FollowingSibling
            | Axis::PrecedingSibling
            | Axis::Attribute
            | Axis::Namespace => Ok(ControlFlow::Continue(())),
        }
    }

    pub(super) fn parent(&self, node: Node) -> Option<Node> {
        match node.part {
            Part::Whole => self.document.parent(node.owner).map(Node::from),
            Part::Namespace(_) | Part::Attribute(_) => Some(Node::from(node.owner)),
        }
    }

    /// Whether a node that was met on an axis passes a test.
    pub(super) fn passes(&self, axis: Axis, test: &Test, node: Node) -> bool {
        let document = self.document;
        let kind = (node.part == Part::Whole).then(|| document.kind(node.owner));
        let principal = match (axis, node.part) {
            (Axis::Attribute, Part::Attribute(_)) | (Axis::Namespace, Part::Namespace(_)) => true,
            (Axis::Attribute | Axis::Namespace, _) => false,
            _ => kind == Some(NodeKind::Element),
        };
        match test {
            Test::Node => true,
            Test::Text => kind == Some(NodeKind::Text),
            Test::Comment => kind == Some(NodeKind::Comment),
            Test::Instruction(target) => {
                kind == Some(NodeKind::Instruction)
                    && target.as_ref().is_none_or(|target| document.written_name(node.owner) == target)
            }
            Test::Any => principal,
            Test::Namespace(namespace) => principal && self.name(node).0 == namespace.as_str(),
            Test::Name { namespace, local } => {
                principal && {
                    let name = self.name(node);
                    name.1 == local.as_str() && name.0 == namespace.as_str()
                }
            }
        }
    }

    /// Namespace and local part of the name of a node; empty where it has none.
    pub(super) fn name(&self, node: Node) -> (&str, &str) {
        let document = self.document;
        match node.part {
            Part::Whole => match document.name(node.owner) {
                Some(name) => (name.namespace, name.local),
                None => ("", document.written_name(node.owner)),
            },
            Part::Attribute(at) => {
                let index = document.attribute_range(node.owner).start + at as usize;
                document.attribute_at(index).map_or(("", ""), |found| (found.name.namespace, found.name.local))
            }
            Part::Namespace(_) => ("", self.namespace(node).0),
        }
    }

    /// Prefix and name of the namespace that a namespace node stands for.
    pub(super) fn namespace(&self, node: Node) -> (&str, &str) {
        let Part::Namespace(at) = node.part else { return ("", "") };
        let entries = self.scopes().ok().and_then(|scopes| scopes.entries(self.document, node.owner));
        let entry = entries.and_then(|(_, entries)| entries.get(at as usize));
        entry.map_or(("", ""), |(prefix, uri)| (self.document.prefix(*prefix), self.document.uri(*uri)))
    }
}

fn all(nodes: impl Iterator<Item = Node>, visit: Visit<'_>) -> Walked {
    for node in nodes {
        if visit(node)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
