//! The two transforms that choose nodes with XPath: filtering node by node (XML-DSig, section 6.6.3), and by whole
//! subtrees (XPath Filter 2.0).

use super::evaluate::{Context, Evaluation};
use super::value::{Node, Part};
use super::{Expression, XPathError};
use crate::xml::c14n::{NodeSet, Scopes};
use crate::xml::tree::{Document, NodeId};
use model::profile::XPathFilter;
use std::sync::Arc;

fn scopes(document: &Document<'_>) -> Result<Arc<Scopes>, XPathError> {
    let scopes = Scopes::new(document).map_err(|_| XPathError::Limit("meets too many namespaces"))?;
    Ok(Arc::new(scopes))
}

/// Keeps the nodes, attributes and namespace nodes at which the expression is true.
///
/// Time: one evaluation for each of them. Conditions on ancestors such as `not(ancestor-or-self::ds:Signature)` take one
/// pass over the document, and are evaluated at the nodes of the tree only.
pub fn filter(
    expression: &Expression,
    document: &Document<'_>,
    mut chosen: NodeSet,
    here: Option<NodeId>,
) -> Result<NodeSet, XPathError> {
    let evaluation = Evaluation::new(document, expression, here);
    let holds = |evaluation: &Evaluation<'_>, node| evaluation.truth(&expression.root, &Context::alone(node));
    if chosen.details.is_none() && expression.root.follows_element() {
        let evaluation = evaluation.of_many(None);
        for node in document.subtree(NodeId::ROOT) {
            if chosen.contains(node) && !holds(&evaluation, Node::from(node))? {
                chosen.nodes.set(node.index(), false);
            }
        }
        return Ok(chosen);
    }
    let scopes = match &chosen.details {
        Some(details) => Arc::clone(&details.scopes),
        None => scopes(document)?,
    };
    chosen.detail(document, &scopes);
    let evaluation = evaluation.of_many(Some(&scopes));
    for owner in document.subtree(NodeId::ROOT) {
        if chosen.contains(owner) && !holds(&evaluation, Node::from(owner))? {
            chosen.nodes.set(owner.index(), false);
        }
        let Some(details) = &mut chosen.details else { continue };
        for (at, index) in (0..).zip(document.attribute_range(owner)) {
            let node = Node { owner, part: Part::Attribute(at) };
            if details.attributes.has(index) && !holds(&evaluation, node)? {
                details.attributes.set(index, false);
            }
        }
        let namespaces = scopes.entries(document, owner).map_or(0..0, |(range, _)| range);
        for (at, index) in (0..).zip(namespaces) {
            let node = Node { owner, part: Part::Namespace(at) };
            if details.namespaces.has(index) && !holds(&evaluation, node)? {
                details.namespaces.set(index, false);
            }
        }
    }
    Ok(chosen)
}

/// Intersects, subtracts and unites the subtrees that the expressions choose, in order, and keeps of the chosen nodes
/// those that are in the result.
pub fn filter2(
    steps: &[(XPathFilter, Expression)],
    document: &Document<'_>,
    mut chosen: NodeSet,
    here: Option<NodeId>,
) -> Result<NodeSet, XPathError> {
    let mut result = NodeSet::document(document);
    let mut known = chosen.details.as_ref().map(|details| Arc::clone(&details.scopes));
    for (operation, expression) in steps {
        let super::Value::Nodes(nodes) = expression.evaluate(document, NodeId::ROOT, here)? else {
            return Err(XPathError::Type("does not choose nodes"));
        };
        let mut subtrees = NodeSet::empty(document);
        if known.is_none() && nodes.iter().any(|node| node.part != Part::Whole) {
            known = Some(scopes(document)?);
        }
        if let Some(scopes) = &known {
            result.detail(document, scopes);
            subtrees.detail(document, scopes);
        }
        let mut behind = 0;
        for node in nodes.iter() {
            // What is inside of a subtree is there already.
            if node.owner.0 >= behind {
                if node.part == Part::Whole {
                    behind = document.row(node.owner).after;
                    subtrees.add_subtree(document, node.owner);
                } else {
                    subtrees.add_part(document, *node);
                }
            }
        }
        result.combine(
            &subtrees,
            match operation {
                XPathFilter::Intersect => |one, other| one & other,
                XPathFilter::Subtract => |one, other| one & !other,
                XPathFilter::Union => |one, other| one | other,
            },
        );
    }
    if let Some(scopes) = &known {
        chosen.detail(document, scopes);
        result.detail(document, scopes);
    }
    chosen.combine(&result, |one, other| one & other);
    Ok(chosen)
}

impl NodeSet {
    /// Exactly these nodes, attributes and namespace nodes.
    pub fn of(document: &Document<'_>, nodes: &[Node]) -> Result<Self, XPathError> {
        let mut set = Self::empty(document);
        set.detail(document, &scopes(document)?);
        for node in nodes {
            set.add_part(document, *node);
        }
        Ok(set)
    }

    /// Adds one node, without what is in it.
    fn add_part(&mut self, document: &Document<'_>, node: Node) {
        let Some(details) = &mut self.details else { return };
        match node.part {
            Part::Whole => self.nodes.set(node.owner.index(), true),
            Part::Attribute(at) => {
                details.attributes.set(document.attribute_range(node.owner).start + at as usize, true);
            }
            Part::Namespace(at) => {
                let range = details.scopes.entries(document, node.owner).map_or(0..0, |(range, _)| range);
                details.namespaces.set(range.start + at as usize, true);
            }
        }
    }
}
