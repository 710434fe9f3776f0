//! What expressions choose and compute, compared with libxml2 through lxml.

use crate::judges::lxml;
use formats::xml::tree::{Document, NodeId, NodeKind};
use formats::xml::xpath::{Expression, Node, Part, Value};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use testkit::corpora::{corpora, files_below};

/// Expressions for each document.
const EXPRESSIONS: usize = 150;

const NAMESPACES: [(&str, &str); 4] = [
    ("cbc", "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"),
    ("cac", "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"),
    ("ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"),
    ("udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
];

#[test]
fn expressions_mean_what_libxml2_says() {
    let Some(folder) = corpora("xml-invoices") else { return };
    // Small ones: some expressions look at every pair of nodes.
    let small = |file: &std::path::PathBuf| file.metadata().unwrap().len() < 9_000;
    let files: Vec<_> = files_below(&folder, "xml").into_iter().filter(small).take(12).collect();
    assert!(files.len() > 5);
    let mut runner = TestRunner::deterministic();
    let namespaces: Vec<(String, String)> =
        NAMESPACES.iter().map(|(prefix, uri)| ((*prefix).to_owned(), (*uri).to_owned())).collect();
    let (mut cases, mut here) = (Vec::new(), Vec::new());
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let document = Document::parse(&bytes).unwrap();
        let is_element = |node: &NodeId| document.kind(*node) == NodeKind::Element;
        let elements: Vec<NodeId> = document.subtree(NodeId::ROOT).filter(is_element).collect();
        let context = (0..elements.len()).new_tree(&mut runner).unwrap().current();
        let expressions: Vec<String> = (0..EXPRESSIONS)
            .map(|_| prop_oneof![path(1), expression()].new_tree(&mut runner).unwrap().current())
            .collect();
        for text in &expressions {
            let parsed = Expression::parse(text, &namespaces).unwrap_or_else(|error| panic!("{text}: {error}"));
            let value = parsed.evaluate(&document, elements[context], None).map(|value| told(&document, value));
            here.push((format!("{} at {context}: {text}", file.display()), value.map_err(|error| error.to_string())));
        }
        let prefixes: serde_json::Map<String, Json> =
            namespaces.iter().map(|(prefix, uri)| (prefix.clone(), json!(uri))).collect();
        cases.push(json!({"file": file, "context": context, "namespaces": prefixes, "expressions": expressions}));
    }
    let answers = lxml("xpath", &Json::from(cases).to_string());
    assert_eq!(answers.len(), here.len());
    let mut nodes = 0;
    for ((question, value), answer) in here.into_iter().zip(answers) {
        let there: Json = serde_json::from_str(&answer).unwrap();
        assert_eq!(value.unwrap_or_else(|error| json!({"error": error})), there, "{question}");
        nodes += usize::from(there["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty()));
    }
    assert!(nodes > 100, "only {nodes} expressions chose anything");
}

/// As `judge.py` tells a value.
fn told(document: &Document<'_>, value: Value) -> Json {
    match value {
        Value::Nodes(nodes) => {
            // lxml leaves out the root node.
            let visible = nodes.iter().filter(|node| node.owner != NodeId::ROOT);
            json!({"nodes": visible.map(|node| told_node(document, *node)).collect::<Vec<_>>()})
        }
        Value::Boolean(truth) => json!({"boolean": truth}),
        Value::Number(number) if number.is_nan() => json!({"number": "nan"}),
        Value::Number(number) if number.is_infinite() => json!({"number": if number > 0.0 { "inf" } else { "-inf" }}),
        Value::Number(number) => json!({"number": format!("{number:?}")}),
        Value::Text(text) => json!({"text": text}),
    }
}

fn told_node(document: &Document<'_>, node: Node) -> String {
    let owner = node.owner;
    match node.part {
        Part::Namespace(_) => "namespace".to_owned(),
        Part::Attribute(at) => {
            format!("attribute {}", document.attributes(owner).nth(at as usize).unwrap().value)
        }
        Part::Whole => match document.kind(owner) {
            NodeKind::Element => {
                let name = document.name(owner).unwrap();
                let namespace =
                    if name.namespace.is_empty() { String::new() } else { format!("{{{}}}", name.namespace) };
                format!("element {namespace}{} {}", name.local, document.ancestors(owner).count() - 1)
            }
            NodeKind::Text => format!("text {}", document.characters(owner)),
            NodeKind::Comment => format!("comment {}", document.characters(owner)),
            _ => format!("instruction {}", document.written_name(owner)),
        },
    }
}

fn expression() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec!["0", "1", "2", "3.5", "0.5", "1.5", "10"]).prop_map(str::to_owned);
    let literal = prop::sample::select(vec!["'EUR'", "\"a\"", "'2'", "''", "'1.5'", "' x  y '", "'ä€'"]);
    let leaf = prop_oneof![3 => path(1), 1 => number, 1 => literal.prop_map(str::to_owned)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let three = (inner.clone(), inner.clone(), inner.clone());
        let operator =
            prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "and", "or"]);
        let single = prop::sample::select(vec![
            "string",
            "number",
            "boolean",
            "not",
            "floor",
            "ceiling",
            "round",
            "string-length",
            "normalize-space",
            "-",
        ]);
        let pair =
            prop::sample::select(vec!["concat", "starts-with", "contains", "substring-before", "substring-after"]);
        let of_nodes = prop::sample::select(vec!["count", "sum", "name", "local-name", "namespace-uri"]);
        prop_oneof![
            (two.clone(), operator).prop_map(|((one, other), sign)| format!("({one}) {sign} ({other})")),
            (inner.clone(), single).prop_map(|(inside, name)| format!("{name}({inside})")),
            (two, pair).prop_map(|((one, other), name)| format!("{name}({one}, {other})")),
            three.prop_map(|(one, two, three)| format!("translate(string({one}), {two}, {three})")),
            (inner, -1..4_i8, 0..5_u8)
                .prop_map(|(inside, from, count)| format!("substring({inside}, {from}, {count})")),
            (path(1), of_nodes).prop_map(|(inside, name)| format!("{name}({inside})")),
            (path(1), path(1)).prop_map(|(one, other)| format!("{one} | {other}")),
            (path(1), 1..4_u8).prop_map(|(inside, at)| format!("({inside})[{at}]")),
        ]
    })
}

fn path(predicates: u32) -> BoxedStrategy<String> {
    let axis = prop::sample::select(vec![
        "",
        "",
        "",
        "child::",
        "descendant::",
        "descendant-or-self::",
        "parent::",
        "ancestor::",
        "ancestor-or-self::",
        "following-sibling::",
        "preceding-sibling::",
        "following::",
        "preceding::",
        "self::",
        "@",
        "attribute::",
    ]);
    let test = prop::sample::select(vec![
        "*",
        "node()",
        "text()",
        "comment()",
        "cbc:ID",
        "cbc:*",
        "cac:Party",
        "cac:TaxCategory",
        "ram:ID",
        "ram:*",
        "ram:Name",
        "schemeID",
        "currencyID",
        "processing-instruction()",
    ]);
    let predicate: BoxedStrategy<String> = if predicates == 0 {
        Just(String::new()).boxed()
    } else {
        prop_oneof![
            4 => Just(String::new()),
            1 => prop::sample::select(vec!["1", "2", "last()", "position() > 1", "last() - 1", "@schemeID", ". = '1'"])
                .prop_map(|inside| format!("[{inside}]")),
            1 => path(predicates - 1).prop_map(|inside| format!("[{inside}]")),
            1 => path(predicates - 1).prop_map(|inside| format!("[count({inside}) > 1]")),
        ]
        .boxed()
    };
    let step = (axis, test, predicate).prop_map(|(axis, test, predicate)| match (axis, test) {
        ("@" | "attribute::", "text()" | "comment()" | "processing-instruction()") => format!("*{predicate}"),
        _ => format!("{axis}{test}{predicate}"),
    });
    let start = prop::sample::select(vec!["", "//", "//", "//", ".//", "../", "./", "/"]);
    let between = prop::sample::select(vec!["/", "/", "//"]);
    (start, prop::collection::vec(step, 1..3), between)
        .prop_map(|(start, steps, between)| format!("{start}{}", steps.join(between)))
        .boxed()
}

#[test]
fn here_and_ids_are_found_and_bounds_are_kept() {
    let source = b"<a Id='x'><b id='y'/><c xml:id='z'/><d Id='z'/></a>";
    let document = Document::parse(source).unwrap();
    let root = document.root_element();
    let evaluate = |text: &str, here| {
        let expression = Expression::parse(text, &[]).map_err(|error| error.to_string())?;
        expression.evaluate(&document, root, here).map_err(|error| error.to_string())
    };
    assert_eq!(evaluate("name(here()/*)", Some(root)), Ok(Value::Text("b".to_owned())));
    assert!(evaluate("here()", None).is_err());
    assert_eq!(evaluate("count(id('x y z'))", None), Ok(Value::Number(2.0)));
    let deep = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(evaluate(&deep(30), None).is_ok());
    for refused in [deep(100), "a".repeat(9_000), "1+".repeat(200) + "1", "-".repeat(8_000) + "1"] {
        let outcome = evaluate(&refused, None);
        assert!(outcome.is_err() || refused.starts_with('-'), "{refused}: {outcome:?}");
    }
    for wrong in ["", "a b", "//", "a[", "$x", "p:a", "f()", "count()", "'", "a::b", "1 2", "a/", "@", "::a", "[1]"] {
        assert!(evaluate(wrong, None).unwrap_err().contains("not sound"), "{wrong}");
    }
}

#[test]
fn work_is_bounded() {
    let source = format!("<a>{}</a>", "<b/>".repeat(20_000));
    let document = Document::parse(source.as_bytes()).unwrap();
    let evaluate = |text: &str| Expression::parse(text, &[]).unwrap().evaluate(&document, NodeId::ROOT, None);
    assert!(evaluate("count(//b[not(following::c)])").unwrap_err().to_string().contains("too much work"));
    assert_eq!(evaluate("count(//b[1])"), Ok(Value::Number(1.0)));
}
