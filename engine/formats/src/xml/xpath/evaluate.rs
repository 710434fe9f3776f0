//! The evaluation of expressions (sections 2 and 3).

use super::value::{self, Node, Part, Value};
use super::{Arithmetic, Axis, Comparison, Expr, Expression, Path, Start, Step, XPathError};
use crate::xml::c14n::{Bits, Scopes};
use crate::xml::tree::{Document, NodeId};
use model::limits::{XPATH_STEPS_MAX, XPATH_STEPS_PER_NODE_MAX};
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

/// What an expression is evaluated in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) node: Node,
    pub(super) position: usize,
    pub(super) size: usize,
}

impl Context {
    pub(super) fn alone(node: Node) -> Self {
        Self { node, position: 1, size: 1 }
    }
}

/// One evaluation, or many of one expression over one document.
pub(super) struct Evaluation<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) here: Option<NodeId>,
    scopes: OnceCell<Arc<Scopes>>,
    /// Results of parts that mean the same everywhere.
    kept: RefCell<Vec<Option<Rc<[Node]>>>>,
    /// For plain steps to ancestors: which nodes of the tree have such an ancestor, or are one.
    ancestors: RefCell<Vec<Option<Rc<Bits>>>>,
    /// Whether many evaluations are to come, so that tables pay.
    many: bool,
    work_left: Cell<u64>,
}

type Evaluated<T> = Result<T, XPathError>;

impl<'d> Evaluation<'d> {
    pub(super) fn new(document: &'d Document<'d>, expression: &Expression, here: Option<NodeId>) -> Self {
        let nodes = (document.node_count() + document.attribute_count()) as u64;
        Self {
            document,
            here,
            scopes: OnceCell::new(),
            kept: RefCell::new(vec![None; expression.counts.kept]),
            ancestors: RefCell::new(vec![None; expression.counts.ancestors]),
            many: false,
            work_left: Cell::new(XPATH_STEPS_MAX + nodes * XPATH_STEPS_PER_NODE_MAX),
        }
    }

    /// For the evaluation at many nodes, whose namespace nodes are known already.
    pub(super) fn of_many(mut self, scopes: Option<&Arc<Scopes>>) -> Self {
        self.many = true;
        if let Some(scopes) = scopes {
            self.scopes = OnceCell::from(Arc::clone(scopes));
        }
        self
    }

    pub(super) fn scopes(&self) -> Evaluated<&Arc<Scopes>> {
        if self.scopes.get().is_none() {
            let scopes = Scopes::new(self.document).map_err(|_| XPathError::Limit("meets too many namespaces"))?;
            let _ = self.scopes.set(Arc::new(scopes));
        }
        self.scopes.get().ok_or(XPathError::Limit("meets too many namespaces"))
    }

    /// Counts work and ends it when it is too much.
    pub(super) fn charge(&self, work: usize) -> Evaluated<()> {
        let left = self.work_left.get().checked_sub(work as u64);
        self.work_left.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(XPathError::Limit("is too much work for this document"))
    }

    pub(super) fn value(&self, expression: &Expr, context: &Context) -> Evaluated<Value> {
        self.charge(1)?;
        Ok(match expression {
            Expr::Or(_) | Expr::And(_) => Value::Boolean(self.truth(expression, context)?),
            Expr::Compare(operator, one, other) => {
                let (one, other) = (self.value(one, context)?, self.value(other, context)?);
                Value::Boolean(self.compare(*operator, &one, &other)?)
            }
            Expr::Arithmetic(operator, one, other) => {
                let (one, other) = (self.number_of(one, context)?, self.number_of(other, context)?);
                Value::Number(match operator {
                    Arithmetic::Add => one + other,
                    Arithmetic::Subtract => one - other,
                    Arithmetic::Multiply => one * other,
                    Arithmetic::Divide => one / other,
                    Arithmetic::Modulo => one % other,
                })
            }
            Expr::Negate(operand) => Value::Number(-self.number_of(operand, context)?),
            Expr::Union(parts) => {
                let mut nodes = Vec::new();
                for part in parts {
                    nodes.extend_from_slice(&self.nodes_of(part, context)?);
                }
                Value::Nodes(in_order(nodes))
            }
            Expr::Path(path) => Value::Nodes(self.path(path, context)?),
            Expr::Literal(text) => Value::Text(text.clone()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Call(function, arguments) => self.call(*function, arguments, context)?,
        })
    }

    /// `boolean()` of an expression; does not look further than it has to.
    pub(super) fn truth(&self, expression: &Expr, context: &Context) -> Evaluated<bool> {
        match expression {
            Expr::Or(parts) => {
                for part in parts {
                    if self.truth(part, context)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expr::And(parts) => {
                for part in parts {
                    if !self.truth(part, context)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Expr::Path(Path { start: Start::Context, steps, .. }) => match steps.as_slice() {
                [step] if step.plain => self.exists(step, context.node),
                _ => Ok(truth(&self.value(expression, context)?)),
            },
            _ => Ok(truth(&self.value(expression, context)?)),
        }
    }

    pub(super) fn nodes_of(&self, expression: &Expr, context: &Context) -> Evaluated<Rc<[Node]>> {
        match self.value(expression, context)? {
            Value::Nodes(nodes) => Ok(nodes),
            _ => Err(XPathError::Type("treats something as nodes that is none")),
        }
    }

    pub(super) fn number_of(&self, expression: &Expr, context: &Context) -> Evaluated<f64> {
        let value = self.value(expression, context)?;
        self.number(&value)
    }

    pub(super) fn text_of(&self, expression: &Expr, context: &Context) -> Evaluated<String> {
        let value = self.value(expression, context)?;
        self.text(value)
    }

    pub(super) fn number(&self, value: &Value) -> Evaluated<f64> {
        Ok(match value {
            Value::Number(number) => *number,
            Value::Boolean(truth) => f64::from(u8::from(*truth)),
            Value::Text(text) => value::number(text),
            Value::Nodes(nodes) => match nodes.first() {
                Some(first) => value::number(&self.string_value(*first)?),
                None => f64::NAN,
            },
        })
    }

    pub(super) fn text(&self, value: Value) -> Evaluated<String> {
        Ok(match value {
            Value::Text(text) => text,
            Value::Number(number) => value::text(number),
            Value::Boolean(truth) => truth.to_string(),
            Value::Nodes(nodes) => match nodes.first() {
                Some(first) => self.string_value(*first)?.into_owned(),
                None => String::new(),
            },
        })
    }

    /// The string-value of a node (section 5).
    pub(super) fn string_value(&self, node: Node) -> Evaluated<Cow<'_, str>> {
        let document = self.document;
        if node.part == Part::Whole {
            self.charge(document.row(node.owner).after as usize - node.owner.index())?;
        }
        let text = match node.part {
            Part::Whole => document.string_value(node.owner),
            Part::Attribute(at) => {
                let index = document.attribute_range(node.owner).start + at as usize;
                Cow::Borrowed(document.attribute_at(index).map_or("", |attribute| attribute.value))
            }
            Part::Namespace(_) => Cow::Borrowed(self.namespace(node).1),
        };
        self.charge(text.len() / BYTES_PER_STEP)?;
        Ok(text)
    }

    fn path(&self, path: &Path, context: &Context) -> Evaluated<Rc<[Node]>> {
        if let Some(slot) = path.kept
            && let Some(Some(kept)) = self.kept.borrow().get(slot)
        {
            return Ok(Rc::clone(kept));
        }
        let mut nodes: Rc<[Node]> = match &path.start {
            Start::Root => Rc::from([Node::from(NodeId::ROOT)]),
            Start::Context => Rc::from([context.node]),
            Start::Filtered(primary, predicates) => {
                let mut nodes = self.nodes_of(primary, context)?.to_vec();
                for predicate in predicates {
                    nodes = self.filtered(nodes, predicate)?;
                }
                Rc::from(nodes)
            }
        };
        for step in &path.steps {
            nodes = self.step(step, &nodes)?;
        }
        if let Some(slot) = path.kept
            && let Some(kept) = self.kept.borrow_mut().get_mut(slot)
        {
            *kept = Some(Rc::clone(&nodes));
        }
        Ok(nodes)
    }

    fn step(&self, step: &Step, from: &[Node]) -> Evaluated<Rc<[Node]>> {
        let mut found = Vec::new();
        // Nodes below this one have been met already.
        let mut met_below = 0;
        for node in from {
            let downwards = matches!(step.axis, Axis::Descendant | Axis::DescendantOrSelf);
            if downwards && step.plain && node.part == Part::Whole {
                // What is inside of something met before has been met, too; it cannot be that thing itself.
                if node.owner.0 < met_below {
                    continue;
                }
                met_below = self.document.row(node.owner).after;
            }
            let before = found.len();
            let _ = self.walk(step.axis, *node, &mut |node| {
                self.charge(1)?;
                if self.passes(step.axis, &step.test, node) {
                    found.push(node);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            if !step.predicates.is_empty() {
                let mut new = found.split_off(before);
                for predicate in &step.predicates {
                    new = self.filtered(new, predicate)?;
                }
                found.append(&mut new);
            }
        }
        Ok(in_order(found))
    }

    fn filtered(&self, nodes: Vec<Node>, predicate: &Expr) -> Evaluated<Vec<Node>> {
        let size = nodes.len();
        let mut kept = Vec::new();
        for (at, node) in nodes.into_iter().enumerate() {
            if self.holds(predicate, &Context { node, position: at + 1, size })? {
                kept.push(node);
            }
        }
        Ok(kept)
    }

    /// Whether a predicate holds: a number means a position.
    fn holds(&self, predicate: &Expr, context: &Context) -> Evaluated<bool> {
        if !predicate.is_positional() {
            return self.truth(predicate, context);
        }
        #[allow(clippy::cast_precision_loss, clippy::float_cmp)] // positions are compared as XPath compares numbers
        match self.value(predicate, context)? {
            Value::Number(number) => Ok(number == context.position as f64),
            value => Ok(truth(&value)),
        }
    }

    /// Whether a plain step leads anywhere.
    fn exists(&self, step: &Step, from: Node) -> Evaluated<bool> {
        if let Some(slot) = step.ancestors.filter(|_| self.many) {
            return self.has_ancestor(step, slot, from);
        }
        let mut found = false;
        let _ = self.walk(step.axis, from, &mut |node| {
            self.charge(1)?;
            found = self.matches(step, node)?;
            Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(found)
    }

    /// Whether a node that was met on the axis of a plain step is chosen by it.
    fn matches(&self, step: &Step, node: Node) -> Evaluated<bool> {
        if !self.passes(step.axis, &step.test, node) {
            return Ok(false);
        }
        for predicate in &step.predicates {
            if !self.truth(predicate, &Context::alone(node))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As [`Self::exists`], with a table over all nodes: so that asking at every node takes one pass, not one for each.
    fn has_ancestor(&self, step: &Step, slot: usize, from: Node) -> Evaluated<bool> {
        self.charge(1)?;
        let known = self.ancestors.borrow().get(slot).cloned().flatten();
        let table = match known {
            Some(table) => table,
            None => {
                let table = Rc::new(self.table_of(step)?);
                if let Some(row) = self.ancestors.borrow_mut().get_mut(slot) {
                    *row = Some(Rc::clone(&table));
                }
                table
            }
        };
        let above = self.parent(from).is_some_and(|parent| table.has(parent.owner.index()));
        if above || step.axis == Axis::Ancestor {
            return Ok(above);
        }
        match from.part {
            Part::Whole => Ok(table.has(from.owner.index())),
            Part::Namespace(_) | Part::Attribute(_) => self.matches(step, from),
        }
    }

    fn table_of(&self, step: &Step) -> Evaluated<Bits> {
        let mut table = Bits::none(self.document.node_count());
        for node in self.document.subtree(NodeId::ROOT) {
            let above = self.document.parent(node).is_some_and(|parent| table.has(parent.index()));
            if above || self.matches(step, Node::from(node))? {
                table.set(node.index(), true);
            }
        }
        Ok(table)
    }

    /// Section 3.4.
    fn compare(&self, operator: Comparison, one: &Value, other: &Value) -> Evaluated<bool> {
        match (one, other) {
            (Value::Nodes(one), Value::Nodes(other)) => self.compare_nodes(operator, one, other),
            (Value::Nodes(_), Value::Boolean(_)) | (Value::Boolean(_), Value::Nodes(_)) => {
                self.compare_single(operator, &Value::Boolean(truth(one)), &Value::Boolean(truth(other)))
            }
            (Value::Nodes(nodes), single) => {
                for node in nodes.iter() {
                    let text = Value::Text(self.string_value(*node)?.into_owned());
                    if self.compare_single(operator, &text, single)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (single, Value::Nodes(_)) => self.compare(operator.turned(), other, single),
            _ => self.compare_single(operator, one, other),
        }
    }

    #[allow(clippy::float_cmp)] // XPath compares numbers so
    fn compare_single(&self, operator: Comparison, one: &Value, other: &Value) -> Evaluated<bool> {
        let equal = match (one, other) {
            _ if !matches!(operator, Comparison::Equal | Comparison::NotEqual) => {
                return Ok(operator.of_numbers(self.number(one)?, self.number(other)?));
            }
            (Value::Boolean(_), _) | (_, Value::Boolean(_)) => truth(one) == truth(other),
            (Value::Number(_), _) | (_, Value::Number(_)) => {
                return Ok(operator.of_numbers(self.number(one)?, self.number(other)?));
            }
            _ => matches!((one, other), (Value::Text(one), Value::Text(other)) if one == other),
        };
        Ok(equal == (operator == Comparison::Equal))
    }

    /// Whether there are two nodes that compare so: without looking at every pair.
    fn compare_nodes(&self, operator: Comparison, one: &[Node], other: &[Node]) -> Evaluated<bool> {
        match operator {
            Comparison::Equal => {
                let mut texts = HashSet::with_capacity(one.len());
                for node in one {
                    texts.insert(self.string_value(*node)?);
                }
                for node in other {
                    if texts.contains(&self.string_value(*node)?) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Comparison::NotEqual => {
                // Only if all nodes of both sets say the same there are no two that differ.
                let Some(first) = one.first().filter(|_| !other.is_empty()) else { return Ok(false) };
                let first = self.string_value(*first)?;
                for node in one.iter().chain(other) {
                    if self.string_value(*node)? != first {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => {
                // The most favourable numbers of each side decide.
                let bound = |nodes: &[Node], largest: bool| {
                    let mut best = f64::NAN;
                    for node in nodes {
                        let number = value::number(&self.string_value(*node)?);
                        best = if largest { best.max(number) } else { best.min(number) };
                    }
                    Ok(best)
                };
                let largest = matches!(operator, Comparison::Greater | Comparison::GreaterOrEqual);
                Ok(operator.of_numbers(bound(one, largest)?, bound(other, !largest)?))
            }
        }
    }
}

impl Comparison {
    /// The same question with the operands exchanged.
    fn turned(self) -> Self {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            same => same,
        }
    }

    #[allow(clippy::float_cmp)] // XPath compares numbers so
    fn of_numbers(self, one: f64, other: f64) -> bool {
        match self {
            Comparison::Equal => one == other,
            Comparison::NotEqual => one != other,
            Comparison::Less => one < other,
            Comparison::LessOrEqual => one <= other,
            Comparison::Greater => one > other,
            Comparison::GreaterOrEqual => one >= other,
        }
    }
}

/// Characters cost one step of work for so many bytes.
pub(super) const BYTES_PER_STEP: usize = 16;

/// `boolean()` of a value.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Nodes(nodes) => !nodes.is_empty(),
        Value::Boolean(truth) => *truth,
        Value::Number(number) => *number != 0.0 && !number.is_nan(),
        Value::Text(text) => !text.is_empty(),
    }
}

/// Nodes in document order, none twice.
pub(super) fn in_order(mut nodes: Vec<Node>) -> Rc<[Node]> {
    if !nodes.is_sorted_by(|one, other| one < other) {
        nodes.sort_unstable();
        nodes.dedup();
    }
    Rc::from(nodes)
}
