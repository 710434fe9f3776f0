//! The grammar of XPath (sections 2 and 3).

use super::lexer::{Token, tokens, wrong};
use super::{Arithmetic, Axis, Comparison, Counts, Expr, Expression, Function, Path, Start, Step, Test, XPathError};
use model::limits::XPATH_NESTING_MAX;

type Parsed<T> = Result<T, XPathError>;

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    namespaces: &'t [(String, String)],
    counts: Counts,
    nesting: usize,
}

/// Operators with two operands that group to the left, by how tightly they bind.
const LEVELS: [&[&str]; 4] = [&["=", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "div", "mod"]];

const AXES: [(&str, Axis); 13] = [
    ("ancestor", Axis::Ancestor),
    ("ancestor-or-self", Axis::AncestorOrSelf),
    ("attribute", Axis::Attribute),
    ("child", Axis::Child),
    ("descendant", Axis::Descendant),
    ("descendant-or-self", Axis::DescendantOrSelf),
    ("following", Axis::Following),
    ("following-sibling", Axis::FollowingSibling),
    ("namespace", Axis::Namespace),
    ("parent", Axis::Parent),
    ("preceding", Axis::Preceding),
    ("preceding-sibling", Axis::PrecedingSibling),
    ("self", Axis::Itself),
];

const NODE_TYPES: [&str; 4] = ["node", "text", "comment", "processing-instruction"];

pub(super) fn parse(text: &str, namespaces: &[(String, String)]) -> Parsed<Expression> {
    let tokens = tokens(text)?;
    let mut parser = Parser { text, tokens, at: 0, namespaces, counts: Counts::default(), nesting: 0 };
    let root = parser.expression()?;
    if parser.at < parser.tokens.len() {
        return parser.wrong("something stands behind the end of the expression");
    }
    Ok(Expression { root, counts: parser.counts })
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next_is(&self, ahead: usize, sign: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead), Some((_, Token::Sign(found))) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.next_is(0, sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.take(sign) { Ok(()) } else { self.wrong(format!("{sign} is expected here")) }
    }

    fn wrong<T>(&self, reason: impl Into<String>) -> Parsed<T> {
        let at = self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at);
        Err(wrong(self.text, at, reason))
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.nesting += 1;
        if self.nesting > XPATH_NESTING_MAX {
            return Err(XPathError::Limit("is nested too deeply"));
        }
        let mut alternatives = vec![self.conjunction()?];
        while self.take("or") {
            alternatives.push(self.conjunction()?);
        }
        self.nesting -= 1;
        Ok(one_or(alternatives, Expr::Or))
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut conditions = vec![self.binary(0)?];
        while self.take("and") {
            conditions.push(self.binary(0)?);
        }
        Ok(one_or(conditions, Expr::And))
    }

    /// Equality, comparison, addition, multiplication.
    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        let Some(operators) = LEVELS.get(level) else { return self.negation() };
        let mut left = self.binary(level + 1)?;
        let mut chained = 0;
        while let Some(operator) = operators.iter().copied().find(|operator| self.next_is(0, operator)) {
            chained += 1;
            if chained > XPATH_NESTING_MAX {
                return Err(XPathError::Limit("is nested too deeply"));
            }
            self.at += 1;
            let (one, other) = (Box::new(left), Box::new(self.binary(level + 1)?));
            left = match operator {
                "=" => Expr::Compare(Comparison::Equal, one, other),
                "!=" => Expr::Compare(Comparison::NotEqual, one, other),
                "<" => Expr::Compare(Comparison::Less, one, other),
                "<=" => Expr::Compare(Comparison::LessOrEqual, one, other),
                ">" => Expr::Compare(Comparison::Greater, one, other),
                ">=" => Expr::Compare(Comparison::GreaterOrEqual, one, other),
                "+" => Expr::Arithmetic(Arithmetic::Add, one, other),
                "-" => Expr::Arithmetic(Arithmetic::Subtract, one, other),
                "*" => Expr::Arithmetic(Arithmetic::Multiply, one, other),
                "div" => Expr::Arithmetic(Arithmetic::Divide, one, other),
                _ => Expr::Arithmetic(Arithmetic::Modulo, one, other),
            };
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed<Expr> {
        let mut count = 0;
        while self.take("-") {
            count += 1;
        }
        let operand = self.union()?;
        // Two of them are none, but what they stand before becomes a number.
        Ok(match count {
            0 => operand,
            odd if odd % 2 == 1 => Expr::Negate(Box::new(operand)),
            _ => Expr::Negate(Box::new(Expr::Negate(Box::new(operand)))),
        })
    }

    fn union(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.path()?];
        while self.take("|") {
            parts.push(self.path()?);
        }
        Ok(one_or(parts, Expr::Union))
    }

    fn path(&mut self) -> Parsed<Expr> {
        let mut path = Path { start: Start::Context, steps: Vec::new(), kept: None };
        if self.next_is(0, "/") || self.next_is(0, "//") {
            path.start = Start::Root;
            if self.take("//") {
                path.steps.push(everything());
                self.step(&mut path.steps)?;
            } else {
                self.at += 1;
                if self.begins_step() {
                    self.step(&mut path.steps)?;
                }
            }
        } else if self.begins_step() {
            self.step(&mut path.steps)?;
        } else {
            let primary = self.primary()?;
            let predicates = self.predicates()?;
            if predicates.is_empty() && !self.next_is(0, "/") && !self.next_is(0, "//") {
                return Ok(primary);
            }
            path.start = Start::Filtered(Box::new(primary), predicates);
        }
        loop {
            if self.take("//") {
                path.steps.push(everything());
            } else if !self.take("/") {
                break;
            }
            self.step(&mut path.steps)?;
        }
        let fixed = match &path.start {
            Start::Root => !path.steps.is_empty(),
            Start::Context => false,
            Start::Filtered(primary, _) => match &**primary {
                Expr::Call(Function::Here, _) => true,
                Expr::Call(Function::Id, arguments) => matches!(arguments.as_slice(), [Expr::Literal(_)]),
                _ => false,
            },
        };
        path.kept = fixed.then_some(self.counts.kept);
        self.counts.kept += usize::from(fixed);
        Ok(Expr::Path(path))
    }

    /// Whether a step begins here, and not a function, a number and the like.
    fn begins_step(&self) -> bool {
        match self.peek() {
            Some(Token::Sign(sign)) => matches!(*sign, "." | ".." | "@"),
            Some(Token::Name { prefix, local }) => {
                !self.next_is(1, "(") || prefix.is_none() && NODE_TYPES.contains(&local.as_str())
            }
            _ => false,
        }
    }

    fn step(&mut self, steps: &mut Vec<Step>) -> Parsed<()> {
        if self.take(".") {
            steps.push(step(Axis::Itself, Test::Node, Vec::new()));
            return Ok(());
        }
        if self.take("..") {
            steps.push(step(Axis::Parent, Test::Node, Vec::new()));
            return Ok(());
        }
        let axis = if self.take("@") {
            Axis::Attribute
        } else if self.next_is(1, "::") {
            let named = match self.peek() {
                Some(Token::Name { prefix: None, local }) => AXES.iter().find(|(name, _)| name == local),
                _ => None,
            };
            let Some((_, axis)) = named else { return self.wrong("the name of an axis is expected here") };
            self.at += 2;
            *axis
        } else {
            Axis::Child
        };
        let test = self.test()?;
        let mut new = step(axis, test, self.predicates()?);
        if new.plain && matches!(axis, Axis::Ancestor | Axis::AncestorOrSelf) {
            new.ancestors = Some(self.counts.ancestors);
            self.counts.ancestors += 1;
        }
        // `//name` goes along one axis at once, unless a predicate counts among the children of each node.
        if axis == Axis::Child && new.plain {
            let is_everything = |last: &mut Step| {
                last.axis == Axis::DescendantOrSelf && last.test == Test::Node && last.predicates.is_empty()
            };
            if steps.pop_if(is_everything).is_some() {
                new.axis = Axis::Descendant;
            }
        }
        steps.push(new);
        Ok(())
    }

    fn test(&mut self) -> Parsed<Test> {
        let Some(Token::Name { prefix, local }) = self.peek().cloned() else {
            return self.wrong("the name of a node is expected here");
        };
        if self.next_is(1, "(") {
            let test = match local.as_str() {
                "node" => Test::Node,
                "text" => Test::Text,
                "comment" => Test::Comment,
                "processing-instruction" => Test::Instruction(None),
                _ => return self.wrong("the name of a node is expected here"),
            };
            self.at += 2;
            let test = match (test, self.peek()) {
                (Test::Instruction(_), Some(Token::Literal(target))) => {
                    let test = Test::Instruction(Some(target.clone()));
                    self.at += 1;
                    test
                }
                (test, _) => test,
            };
            self.expect(")")?;
            return Ok(test);
        }
        let namespace = match &prefix {
            None => String::new(),
            Some(prefix) if prefix == "xml" => crate::xml::tree::XML_NAMESPACE.to_owned(),
            Some(prefix) => match self.namespaces.iter().find(|(known, _)| known == prefix) {
                Some((_, namespace)) => namespace.clone(),
                None => return self.wrong(format!("the prefix {prefix} stands for nothing")),
            },
        };
        self.at += 1;
        Ok(match (prefix, local.as_str()) {
            (None, "*") => Test::Any,
            (Some(_), "*") => Test::Namespace(namespace),
            _ => Test::Name { namespace, local },
        })
    }

    fn predicates(&mut self) -> Parsed<Vec<Expr>> {
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.expression()?);
            self.expect("]")?;
        }
        Ok(predicates)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        match self.peek().cloned() {
            Some(Token::Literal(text)) => {
                self.at += 1;
                Ok(Expr::Literal(text))
            }
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(Expr::Number(number))
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let inside = self.expression()?;
                self.expect(")")?;
                Ok(inside)
            }
            Some(Token::Variable) => self.wrong("variables have no value here"),
            Some(Token::Name { prefix, local }) => self.call(prefix.as_deref(), &local),
            _ => self.wrong("an expression is expected here"),
        }
    }

    fn call(&mut self, prefix: Option<&str>, name: &str) -> Parsed<Expr> {
        let Some((function, least, most)) = Function::named(name).filter(|_| prefix.is_none()) else {
            return self.wrong(format!("there is no function {name}"));
        };
        self.at += 1;
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.next_is(0, ")") {
            arguments.push(self.expression()?);
            while self.take(",") {
                arguments.push(self.expression()?);
            }
        }
        if arguments.len() < least || arguments.len() > most {
            return self.wrong(format!("the function {name} is given a wrong number of arguments"));
        }
        self.expect(")")?;
        Ok(Expr::Call(function, arguments))
    }
}

fn one_or(mut parts: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.pop().unwrap_or(Expr::Number(f64::NAN)),
        _ => several(parts),
    }
}

fn step(axis: Axis, test: Test, predicates: Vec<Expr>) -> Step {
    let plain = !predicates.iter().any(Expr::is_positional);
    Step { axis, test, predicates, plain, ancestors: None }
}

/// What `//` stands for.
fn everything() -> Step {
    step(Axis::DescendantOrSelf, Test::Node, Vec::new())
}
