//! Real documents with bytes changed: never a panic, and never accepted when libxml2 refuses them.

use crate::judges::lxml;
use formats::xml::c14n::{NodeSet, canonical_bytes};
use formats::xml::tree::{Document, NodeId, NodeKind};
use model::profile::{CanonicalVersion, Canonicalization};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;
use testkit::corpora::{corpora, files_below};

const MUTANTS: usize = 4_000;

/// What is put into documents, besides pieces of themselves.
const PIECES: [&[u8]; 26] = [
    b"<",
    b">",
    b"&",
    b"&amp;",
    b"&#0;",
    b"&#x1F600;",
    b"&nbsp;",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"-->",
    b"--",
    b"<?x",
    b"?>",
    b"xmlns:q=''",
    b" xmlns='u:x'",
    b"q:",
    b":",
    b"\xC3\xA4",
    b"\xFF",
    b"\0",
    b"\x01",
    b"\xEF\xBF\xBF",
    b"\"",
    b"'",
    b" a='1'",
];

#[test]
fn what_libxml2_refuses_is_refused() {
    let Some(folder) = corpora("xml-invoices") else { return };
    let mut runner = TestRunner::deterministic();
    let small = |file: &std::path::PathBuf| file.metadata().unwrap().len() < 20_000;
    let files: Vec<_> = files_below(&folder, "xml").into_iter().filter(small).take(20).collect();
    assert!(!files.is_empty());
    let mut mutants: Vec<Vec<u8>> = Vec::new();
    for number in 0..MUTANTS {
        let mut bytes = std::fs::read(&files[number % files.len()]).unwrap();
        bytes.truncate(bytes.len().min(1_500 + bytes.len() * usize::from(number % 4 == 0)));
        if number % 4 != 0 {
            // A whole small document, so that most mutants are not just cut off.
            bytes = SMALL.to_vec();
        }
        let changes = (1..4_usize).new_tree(&mut runner).unwrap().current();
        for _ in 0..changes {
            let strategy = (0..bytes.len(), 0..8_usize, 0..PIECES.len(), 0..4_u8, any::<u8>());
            let (at, length, piece, kind, byte) = strategy.new_tree(&mut runner).unwrap().current();
            let end = (at + length).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => bytes[at] = byte,
                2 => drop(bytes.splice(at..at, PIECES[piece].iter().copied())),
                _ => drop(bytes.splice(at..end, PIECES[piece].iter().copied())),
            }
        }
        mutants.push(bytes);
    }
    mutants.extend(MALFORMED.iter().map(|document| document.to_vec()));
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let answers = lxml("accept", &Json::from(mutants.iter().map(hex).collect::<Vec<_>>()).to_string());
    let (mut both, mut neither, mut stricter) = (0, 0, 0);
    for (bytes, answer) in mutants.iter().zip(answers) {
        let there: Json = serde_json::from_str(&answer).unwrap();
        match (Document::parse(bytes), there["accepted"].as_bool().unwrap()) {
            (Ok(document), true) => {
                walk(&document);
                both += 1;
            }
            (Err(_), false) => neither += 1,
            // It does not look further then; a namespace is any text to others.
            (Ok(_), false) if there["reason"].as_str().unwrap().contains("is not a valid URI") => {}
            (Ok(_), false) => panic!("libxml2 refuses ({}): {}", there["reason"], bytes.escape_ascii()),
            (Err(error), true) => {
                let known = ["xml-doctype", "xml-namespace", "xml-encoding", "xml-limit"].contains(&error.code)
                    || error.reason.contains("version 1.0")
                    || error.reason.contains("entity");
                assert!(known, "libxml2 accepts, but {error}: {}", bytes.escape_ascii());
                stricter += 1;
            }
        }
    }
    println!("{both} accepted, {neither} refused by both, {stricter} refused here only");
    assert!(both > 100 && neither > 1_000);
}

const SMALL: &[u8] =
    b"<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><a:r xmlns:a='urn:a' xmlns='urn:d' a:x='1' y=\"&lt;2\">\
    text &amp; <b><![CDATA[<c>]]></b>\r\n<?pi data?><c xml:lang='de'/>\xC3\xA4</a:r>\n<?end?>";

/// Each breaks one rule.
const MALFORMED: [&[u8]; 34] = [
    b"",
    b" ",
    b"<a>",
    b"</a>",
    b"<a></b>",
    b"<a/><b/>",
    b"x<a/>",
    b"<a/>x",
    b"<a b=1/>",
    b"<a b='1' b='2'/>",
    b"<a b='<'/>",
    b"<a b='&x;'/>",
    b"<a>&#xD800;</a>",
    b"<a>&#x110000;</a>",
    b"<a>]]></a>",
    b"<a><!-- -- --></a>",
    b"<a><!-- ---></a>",
    b"<?xml version='1.0'?><?xml version='1.0'?><a/>",
    b" <?xml version='1.0'?><a/>",
    b"<a><?XML x?></a>",
    b"<1a/>",
    b"<a b/>",
    b"<a b='1'c='2'/>",
    b"<a><![CDATA[x</a>",
    b"<![CDATA[x]]><a/>",
    b"<a>&#;</a>",
    b"<a>&#x;</a>",
    b"<a>&#xg;</a>",
    b"<a>\x0B</a>",
    b"<a xmlns:x='1' xmlns:x='2'/>",
    b"<x:a/>",
    b"<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>",
    b"<?xml encoding='UTF-8'?><a/>",
    b"<?xml version='1.0' standalone='maybe'?><a/>",
];

/// Looks at everything that a tree can tell.
fn walk(document: &Document<'_>) {
    let text = document.text();
    for node in document.subtree(NodeId::ROOT) {
        let range = document.range(node);
        assert!(text.get(range.clone()).is_some());
        if let Some(parent) = document.parent(node) {
            assert!(document.is_within(node, parent) && document.children(parent).any(|child| child == node));
        }
        let next = document.next_sibling(node);
        assert!(next.is_none_or(|next| document.previous_sibling(next) == Some(node)));
        if document.kind(node) == NodeKind::Element {
            let start = document.start_tag(node);
            assert!(text[start.clone()].starts_with('<') && text[start.clone()].ends_with('>'));
            match document.end_tag(node) {
                Some(end) => assert!(text[end.clone()].starts_with("</") && end.end == range.end),
                None => assert!(start == range && text[range].ends_with("/>")),
            }
        }
        let _ = (document.string_value(node), document.namespaces_in_scope(node), document.last_child(node));
    }
    for version in [CanonicalVersion::V1_0, CanonicalVersion::V1_1, CanonicalVersion::Exclusive] {
        let method = Canonicalization { version, comments: true, inclusive_prefixes: vec!["#default".to_owned()] };
        let Ok(bytes) = canonical_bytes(document, &NodeSet::document(document), &method) else { return };
        // What is canonical already stays as it is.
        let again = Document::parse(&bytes).unwrap();
        assert_eq!(canonical_bytes(&again, &NodeSet::document(&again), &method).unwrap(), bytes);
    }
}
