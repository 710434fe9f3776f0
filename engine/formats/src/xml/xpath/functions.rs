//! The function library of XPath (section 4), and `here()` of XML-DSig (section 6.6.3).

use super::evaluate::{Context, Evaluation, in_order};
use super::value::{self, Node, Part, Value, is_blank};
use super::{Expr, Function, XPathError};
use crate::xml::tree::{IdFound, XML_NAMESPACE};
use std::collections::HashMap;

/// Name, and the least and the largest number of arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 28] = [
    ("last", Function::Last, 0, 0),
    ("position", Function::Position, 0, 0),
    ("count", Function::Count, 1, 1),
    ("id", Function::Id, 1, 1),
    ("local-name", Function::LocalName, 0, 1),
    ("namespace-uri", Function::NamespaceUri, 0, 1),
    ("name", Function::Name, 0, 1),
    ("string", Function::String, 0, 1),
    ("concat", Function::Concat, 2, usize::MAX),
    ("starts-with", Function::StartsWith, 2, 2),
    ("contains", Function::Contains, 2, 2),
    ("substring-before", Function::SubstringBefore, 2, 2),
    ("substring-after", Function::SubstringAfter, 2, 2),
    ("substring", Function::Substring, 2, 3),
    ("string-length", Function::StringLength, 0, 1),
    ("normalize-space", Function::NormalizeSpace, 0, 1),
    ("translate", Function::Translate, 3, 3),
    ("boolean", Function::Boolean, 1, 1),
    ("not", Function::Not, 1, 1),
    ("true", Function::True, 0, 0),
    ("false", Function::False, 0, 0),
    ("lang", Function::Lang, 1, 1),
    ("number", Function::Number, 0, 1),
    ("sum", Function::Sum, 1, 1),
    ("floor", Function::Floor, 1, 1),
    ("ceiling", Function::Ceiling, 1, 1),
    ("round", Function::Round, 1, 1),
    ("here", Function::Here, 0, 0),
];

impl Function {
    pub(super) fn named(name: &str) -> Option<(Function, usize, usize)> {
        let found = FUNCTIONS.iter().find(|(known, ..)| *known == name);
        found.map(|(_, function, least, most)| (*function, *least, *most))
    }

    pub(super) fn gives_number(self) -> bool {
        use Function::{Ceiling, Count, Floor, Last, Number, Position, Round, StringLength, Sum};
        matches!(self, Last | Position | Count | StringLength | Number | Sum | Floor | Ceiling | Round)
    }
}

impl Evaluation<'_> {
    #[allow(clippy::cast_precision_loss)] // all numbers of XPath are of this type
    pub(super) fn call(&self, function: Function, arguments: &[Expr], context: &Context) -> Result<Value, XPathError> {
        let text = |at: usize| match arguments.get(at) {
            Some(argument) => self.text_of(argument, context),
            None => Ok(self.string_value(context.node)?.into_owned()),
        };
        let number = |at: usize| match arguments.get(at) {
            Some(argument) => self.number_of(argument, context),
            None => Ok(value::number(&self.string_value(context.node)?)),
        };
        let nodes = |at: usize| match arguments.get(at) {
            Some(argument) => self.nodes_of(argument, context),
            None => Ok(in_order(vec![context.node])),
        };
        let condition = |at: usize| arguments.get(at).map_or(Ok(false), |argument| self.truth(argument, context));
        Ok(match function {
            Function::Last => Value::Number(context.size as f64),
            Function::Position => Value::Number(context.position as f64),
            Function::Count => Value::Number(nodes(0)?.len() as f64),
            Function::Id => self.id(arguments, context)?,
            Function::LocalName => Value::Text(nodes(0)?.first().map_or("", |node| self.name(*node).1).to_owned()),
            Function::NamespaceUri => Value::Text(nodes(0)?.first().map_or("", |node| self.name(*node).0).to_owned()),
            Function::Name => Value::Text(nodes(0)?.first().map_or("", |node| self.written(*node)).to_owned()),
            Function::String => Value::Text(text(0)?),
            Function::Concat => {
                let mut whole = String::new();
                for at in 0..arguments.len() {
                    whole.push_str(&text(at)?);
                    if whole.len() > self.document.text().len() + CONCAT_BYTES_MAX {
                        return Err(XPathError::Limit("makes too long a text"));
                    }
                }
                Value::Text(whole)
            }
            Function::StartsWith => Value::Boolean(text(0)?.starts_with(text(1)?.as_str())),
            Function::Contains => Value::Boolean(text(0)?.contains(text(1)?.as_str())),
            Function::SubstringBefore => {
                let (text, mark) = (text(0)?, text(1)?);
                Value::Text(text.split_once(mark.as_str()).map_or("", |(before, _)| before).to_owned())
            }
            Function::SubstringAfter => {
                let (text, mark) = (text(0)?, text(1)?);
                Value::Text(text.split_once(mark.as_str()).map_or("", |(_, after)| after).to_owned())
            }
            Function::Substring => {
                let from = round(number(1)?);
                let behind = if arguments.len() > 2 { from + round(number(2)?) } else { f64::INFINITY };
                let inside = |at: usize| at as f64 >= from && (at as f64) < behind;
                let text = text(0)?;
                Value::Text((1..).zip(text.chars()).filter(|(at, _)| inside(*at)).map(|(_, letter)| letter).collect())
            }
            Function::StringLength => Value::Number(text(0)?.chars().count() as f64),
            Function::NormalizeSpace => {
                let text = text(0)?;
                let words: Vec<&str> = text.split(is_blank).filter(|word| !word.is_empty()).collect();
                Value::Text(words.join(" "))
            }
            Function::Translate => Value::Text(translate(&text(0)?, &text(1)?, &text(2)?)),
            Function::Boolean => Value::Boolean(condition(0)?),
            Function::Not => Value::Boolean(!condition(0)?),
            Function::True => Value::Boolean(true),
            Function::False => Value::Boolean(false),
            Function::Lang => Value::Boolean(self.is_in_language(context.node, &text(0)?)),
            Function::Number => Value::Number(number(0)?),
            Function::Sum => {
                let mut sum = 0.0;
                for node in nodes(0)?.iter() {
                    sum += value::number(&self.string_value(*node)?);
                }
                Value::Number(sum)
            }
            Function::Floor => Value::Number(number(0)?.floor()),
            Function::Ceiling => Value::Number(number(0)?.ceil()),
            Function::Round => Value::Number(round(number(0)?)),
            Function::Here => match self.here {
                Some(here) => Value::Nodes(in_order(vec![Node::from(here)])),
                None => return Err(XPathError::Type("uses here() but is not part of the document")),
            },
        })
    }

    /// There are no declared types, so an Id is what [`crate::xml::tree::Document::find_id`] takes for one.
    fn id(&self, arguments: &[Expr], context: &Context) -> Result<Value, XPathError> {
        let Some(argument) = arguments.first() else { return Ok(Value::Nodes(in_order(Vec::new()))) };
        let texts = match self.value(argument, context)? {
            Value::Nodes(nodes) => {
                let texts = nodes.iter().map(|node| Ok(self.string_value(*node)?.into_owned()));
                texts.collect::<Result<Vec<_>, XPathError>>()?
            }
            other => vec![self.text(other)?],
        };
        let mut found = Vec::new();
        for id in texts.iter().flat_map(|text| text.split(is_blank)).filter(|id| !id.is_empty()) {
            self.charge(self.document.attribute_count())?;
            if let IdFound::One(node) = self.document.find_id(id) {
                found.push(Node::from(node));
            }
        }
        Ok(Value::Nodes(in_order(found)))
    }

    /// The name of a node as written.
    fn written(&self, node: Node) -> &str {
        let document = self.document;
        match node.part {
            Part::Whole => document.written_name(node.owner),
            Part::Attribute(at) => {
                let index = document.attribute_range(node.owner).start + at as usize;
                document.tables().attributes.get(index).map_or("", |row| document.written(row.name))
            }
            Part::Namespace(_) => self.namespace(node).0,
        }
    }

    fn is_in_language(&self, node: Node, language: &str) -> bool {
        let own = std::iter::once(node.owner).chain(self.document.ancestors(node.owner));
        let mut found = own.filter_map(|node| self.document.attribute(node, XML_NAMESPACE, "lang"));
        found.next().is_some_and(|found| {
            let (found, language) = (found.to_ascii_lowercase(), language.to_ascii_lowercase());
            found.strip_prefix(&language).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    }
}

/// `concat` may make a text that is longer than the document by this, in bytes.
const CONCAT_BYTES_MAX: usize = 1024 * 1024;

/// To the nearest whole number; halves towards positive infinity.
fn round(number: f64) -> f64 {
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let mut table = HashMap::new();
    let mut to = to.chars();
    for character in from.chars() {
        let target = to.next();
        table.entry(character).or_insert(target);
    }
    text.chars().filter_map(|character| table.get(&character).copied().unwrap_or(Some(character))).collect()
}
