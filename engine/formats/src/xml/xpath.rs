//! XPath 1.0 over the tree, with `here()` of XML-DSig, and the two transforms that choose nodes with it: XPath filtering
//! (XML-DSig, section 6.6.3) and XPath Filter 2.0.
//!
//! Knows no variables and no functions but those of the recommendations. Length, nesting and work are bounded.

mod axes;
mod evaluate;
mod filter;
mod functions;
mod lexer;
mod parse;
mod value;

pub use filter::{filter, filter2};
pub use value::{Node, Part, Value};

use super::tree::{Document, NodeId};
use evaluate::{Context, Evaluation};
use model::limits::XPATH_BYTES_MAX;

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XPathError {
    /// It is no XPath 1.0.
    #[error("the XPath expression is not sound at character {at}: {reason}")]
    Syntax {
        /// From 1.
        at: usize,
        /// A sentence.
        reason: String,
    },
    /// A function or operator was given what it cannot take.
    #[error("the XPath expression {0}")]
    Type(&'static str),
    /// It is too long, too deep, or too much work for this document.
    #[error("the XPath expression {0}")]
    Limit(&'static str),
}

/// An expression that was read.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Expr,
    counts: Counts,
}

/// How many of the things are there that an evaluation keeps a table of.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    kept: usize,
    ancestors: usize,
}

impl Expression {
    /// Reads an expression. `namespaces` are prefixes with what they stand for; an unprefixed name is in no namespace.
    pub fn parse(text: &str, namespaces: &[(String, String)]) -> Result<Self, XPathError> {
        if text.len() > XPATH_BYTES_MAX {
            return Err(XPathError::Limit("is too long"));
        }
        parse::parse(text, namespaces)
    }

    /// The value of the expression. `here` is the element that holds the expression's text.
    pub fn evaluate(
        &self,
        document: &Document<'_>,
        context: NodeId,
        here: Option<NodeId>,
    ) -> Result<Value, XPathError> {
        Evaluation::new(document, self, here).value(&self.root, &Context::alone(Node::from(context)))
    }

    /// The nodes of the tree that the expression chooses, in document order; it must choose nothing else.
    pub fn select(
        &self,
        document: &Document<'_>,
        context: NodeId,
        here: Option<NodeId>,
    ) -> Result<Vec<NodeId>, XPathError> {
        let Value::Nodes(nodes) = self.evaluate(document, context, here)? else {
            return Err(XPathError::Type("does not choose nodes"));
        };
        let whole = |node: &Node| (node.part == Part::Whole).then_some(node.owner);
        nodes.iter().map(whole).collect::<Option<_>>().ok_or(XPathError::Type("chooses attributes or namespaces"))
    }
}

/// A part of an expression.
#[derive(Clone, Debug)]
enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Union(Vec<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
    Path(Path),
    Literal(String),
    Number(f64),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// A location path.
#[derive(Clone, Debug)]
struct Path {
    start: Start,
    steps: Vec<Step>,
    /// Its row in the table of results, if it means the same wherever it is evaluated.
    kept: Option<usize>,
}

/// Where a path begins.
#[derive(Clone, Debug)]
enum Start {
    Root,
    Context,
    /// At the nodes that an expression gives, filtered.
    Filtered(Box<Expr>, Vec<Expr>),
}

#[derive(Clone, Debug)]
struct Step {
    axis: Axis,
    test: Test,
    predicates: Vec<Expr>,
    /// Whether none of the predicates asks for the position.
    plain: bool,
    /// Its row in the table of ancestors, if it is a plain step along them.
    ancestors: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Namespace,
    Parent,
    Preceding,
    PrecedingSibling,
    Itself,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
    /// `*`
    Any,
    /// `prefix:*`
    Namespace(String),
    Name {
        namespace: String,
        local: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Last,
    Position,
    Count,
    Id,
    LocalName,
    NamespaceUri,
    Name,
    String,
    Concat,
    StartsWith,
    Contains,
    SubstringBefore,
    SubstringAfter,
    Substring,
    StringLength,
    NormalizeSpace,
    Translate,
    Boolean,
    Not,
    True,
    False,
    Lang,
    Number,
    Sum,
    Floor,
    Ceiling,
    Round,
    Here,
}

impl Expr {
    /// Whether it may ask for the position or size of its context, or be a number, which as a predicate does so.
    fn is_positional(&self) -> bool {
        let is_number = match self {
            Expr::Number(_) | Expr::Arithmetic(..) | Expr::Negate(_) => true,
            Expr::Call(function, _) => function.gives_number(),
            _ => false,
        };
        is_number || self.asks_for_position()
    }

    fn asks_for_position(&self) -> bool {
        let any = |parts: &[Expr]| parts.iter().any(Expr::asks_for_position);
        match self {
            Expr::Or(parts) | Expr::And(parts) | Expr::Union(parts) => any(parts),
            Expr::Compare(_, one, other) | Expr::Arithmetic(_, one, other) => {
                one.asks_for_position() || other.asks_for_position()
            }
            Expr::Negate(part) => part.asks_for_position(),
            Expr::Path(Path { start: Start::Filtered(part, _), .. }) => part.asks_for_position(),
            Expr::Path(_) | Expr::Literal(_) | Expr::Number(_) => false,
            Expr::Call(Function::Last | Function::Position, _) => true,
            Expr::Call(_, arguments) => any(arguments),
        }
    }

    /// Whether it is true of an attribute or namespace node exactly if it is true of the element: not, and, or of steps
    /// to ancestors, as in `not(ancestor-or-self::ds:Signature)`.
    fn follows_element(&self) -> bool {
        match self {
            Expr::Or(parts) | Expr::And(parts) => parts.iter().all(Expr::follows_element),
            Expr::Call(Function::Not | Function::Boolean, arguments) => arguments.iter().all(Expr::follows_element),
            Expr::Call(Function::True | Function::False, _) => true,
            Expr::Path(Path { start: Start::Context, steps, .. }) => match steps.as_slice() {
                [step] => step.axis == Axis::AncestorOrSelf && step.predicates.is_empty(),
                _ => false,
            },
            Expr::Path(path) => path.kept.is_some(),
            _ => false,
        }
    }
}
