//! Tokens of XPath (section 3.7).

use super::XPathError;
use super::value::is_blank;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Anything that is written with signs: `(`, `::`, `!=`, …, and the operators `and`, `or`, `div`, `mod`, `*`.
    Sign(&'static str),
    /// A name, or an asterisk that stands for one, or `prefix:*`.
    Name { prefix: Option<String>, local: String },
    /// `$name`
    Variable,
    /// Characters in quotation marks.
    Literal(String),
    /// A number.
    Number(f64),
}

/// Longer signs before those that they begin with.
const SIGNS: [&str; 23] = [
    "::", "..", "//", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">", "*", "$",
    ":",
];

/// Names that are operators behind an operand.
const OPERATORS: [&str; 4] = ["and", "or", "div", "mod"];

/// All tokens, each with its place.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, XPathError> {
    let mut tokens: Vec<(usize, Token)> = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_blank);
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let behind_operand = match tokens.last() {
            None => false,
            Some((_, Token::Sign(sign))) => matches!(*sign, ")" | "]" | "." | ".."),
            Some(_) => true,
        };
        let number_here = first.is_ascii_digit()
            || first == '.' && rest.chars().nth(1).is_some_and(|character| character.is_ascii_digit());
        let (token, length) = if first == '"' || first == '\'' {
            let inside = rest.get(1..).unwrap_or_default();
            let Some(end) = inside.find(first) else {
                return Err(wrong(text, at, "a literal has no end"));
            };
            (Token::Literal(inside.get(..end).unwrap_or_default().to_owned()), end + 2)
        } else if number_here {
            let whole = digits(rest);
            let fraction = rest.get(whole..).and_then(|rest| rest.strip_prefix('.')).map(|rest| 1 + digits(rest));
            let length = whole + fraction.unwrap_or(0);
            (Token::Number(super::value::number(rest.get(..length).unwrap_or_default())), length)
        } else if is_start(first) {
            let (name, length) = name(rest);
            let operator = OPERATORS.into_iter().find(|operator| behind_operand && name.is(operator));
            match operator {
                Some(operator) => (Token::Sign(operator), operator.len()),
                None if behind_operand => return Err(wrong(text, at, "an operator is expected here")),
                None => (Token::Name { prefix: name.prefix, local: name.local }, length),
            }
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            match sign {
                "*" if !behind_operand => (Token::Name { prefix: None, local: "*".to_owned() }, 1),
                "$" => (Token::Variable, 1),
                ":" => return Err(wrong(text, at, "a colon stands alone")),
                _ => (Token::Sign(sign), sign.len()),
            }
        } else {
            return Err(wrong(text, at, "a character stands here that means nothing"));
        };
        tokens.push((at, token));
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// An error at a byte of an expression.
pub(super) fn wrong(text: &str, at: usize, reason: impl Into<String>) -> XPathError {
    let before = text.get(..at).unwrap_or(text);
    XPathError::Syntax { at: before.chars().count() + 1, reason: reason.into() }
}

struct Name {
    prefix: Option<String>,
    local: String,
}

impl Name {
    fn is(&self, operator: &str) -> bool {
        self.prefix.is_none() && self.local == operator
    }
}

/// `name`, `prefix:name` or `prefix:*`, and its length.
fn name(text: &str) -> (Name, usize) {
    let first = part(text);
    let (prefix, rest) = text.split_at(first);
    let plain = Name { prefix: None, local: prefix.to_owned() };
    let Some(behind) = rest.strip_prefix(':') else { return (plain, first) };
    let second = if behind.starts_with('*') { 1 } else { part(behind) };
    match behind.get(..second) {
        Some(local) if second > 0 => {
            (Name { prefix: Some(prefix.to_owned()), local: local.to_owned() }, first + 1 + second)
        }
        _ => (plain, first),
    }
}

/// The length of the name without colons at the beginning.
fn part(text: &str) -> usize {
    if !text.starts_with(is_start) {
        return 0;
    }
    text.find(|character| character == ':' || !crate::xml::reader::is_name(character)).unwrap_or(text.len())
}

fn is_start(character: char) -> bool {
    crate::xml::reader::is_name_start(character)
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}
