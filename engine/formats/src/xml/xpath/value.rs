//! The four kinds of values of XPath, and how they become each other (sections 3.2, 4.2 to 4.4).

use crate::xml::tree::NodeId;
use std::rc::Rc;

/// A node of the data model of XPath. Their order is document order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// A node of the tree.
    pub owner: NodeId,
    /// What of it.
    pub part: Part,
}

/// A node of the tree, or what belongs to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The node itself.
    Whole,
    /// One of the namespaces in scope at the element.
    Namespace(u32),
    /// One of its attributes, counted from 0 in the order of the document.
    Attribute(u32),
}

impl From<NodeId> for Node {
    fn from(owner: NodeId) -> Self {
        Self { owner, part: Part::Whole }
    }
}

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nodes, in document order, none twice.
    Nodes(Rc<[Node]>),
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// Characters.
    Text(String),
}

/// `number()` of characters.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim_matches(is_blank);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    if is_number { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

/// `string()` of a number.
pub(super) fn text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        number.to_string()
    }
}

/// White space of XML.
pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_as_the_recommendation_says() {
        for (given, expected) in [("1", "1"), (" -1.50\n", "-1.5"), (".5", "0.5"), ("5.", "5"), ("-0", "0")] {
            assert_eq!(text(number(given)), expected);
        }
        for given in ["", "+1", "1e3", "inf", "NaN", "--1", "1.2.3", ".", "0x1"] {
            assert!(number(given).is_nan(), "{given}");
        }
        assert_eq!(text(1e21), "1000000000000000000000");
        assert_eq!(text(-1.0 / 0.0), "-Infinity");
    }
}
