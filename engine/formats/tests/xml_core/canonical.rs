//! Canonical forms of whole documents, byte for byte those of xmllint.

use crate::documents::document;
use crate::judges::{FORMS, with_comments, xmllint};
use formats::xml::c14n::{NodeSet, canonical_bytes};
use formats::xml::tree::Document;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::path::PathBuf;
use testkit::corpora::{corpora, files_below};

/// Every XML file of the corpora either has the form that xmllint gives it or is refused for a reason that is known.
#[test]
fn real_documents_have_the_form_that_xmllint_gives_them() {
    let Some(readme) = corpora("c14n") else { return };
    let files = files_below(readme.parent().unwrap(), "xml");
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let (mut equal, mut wrong) = (0, Vec::new());
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let name = file.strip_prefix(readme.parent().unwrap()).unwrap().display().to_string();
        let read = match Document::parse(&bytes) {
            Ok(document) => document,
            Err(error) => {
                let there = xmllint("--c14n", std::slice::from_ref(file));
                if error.code != "xml-doctype" && !there.is_empty() {
                    wrong.push(format!("{name}: {error}"));
                }
                refused.entry(error.code).or_default().push(name);
                continue;
            }
        };
        for (form, version) in FORMS {
            let there = xmllint(form, std::slice::from_ref(file));
            let all = NodeSet::document(&read);
            match canonical_bytes(&read, &all, &with_comments(version)) {
                Ok(here) if here == there => equal += 1,
                Ok(_) => wrong.push(format!("{name} {form}: different")),
                Err(error) if there.is_empty() => {
                    assert!(error.to_string().contains("relative"), "{name}: {error}");
                    refused.entry("relative namespace").or_default().push(format!("{name} {form}"));
                }
                Err(error) => wrong.push(format!("{name} {form}: {error}")),
            }
        }
    }
    println!("{} files, {equal} forms equal, refused: {refused:#?}", files.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(equal >= files.len() * 3 * 3 / 4, "only {equal} forms of {} files", files.len());
}

/// How many documents are made up for the comparison with xmllint.
const MADE_UP: usize = 10_000;

#[test]
fn made_up_documents_have_the_form_that_xmllint_gives_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let strategy = document();
    let made: Vec<(PathBuf, Vec<u8>)> = (0..MADE_UP)
        .map(|number| {
            let bytes = strategy.new_tree(&mut runner).unwrap().current();
            let file = folder.path().join(format!("{number}.xml"));
            std::fs::write(&file, &bytes).unwrap();
            (file, bytes)
        })
        .collect();
    for (form, version) in FORMS {
        for some in made.chunks(500) {
            compare(form, version, some);
        }
    }
}

/// Compares many at once, and looks for the one that differs only if there is one.
fn compare(form: &str, version: model::profile::CanonicalVersion, some: &[(PathBuf, Vec<u8>)]) {
    let files: Vec<PathBuf> = some.iter().map(|(file, _)| file.clone()).collect();
    let there = xmllint(form, &files);
    let mut here = Vec::new();
    for (_, bytes) in some {
        let read = Document::parse(bytes).unwrap_or_else(|error| panic!("{error}: {}", show(bytes)));
        let all = NodeSet::document(&read);
        here.extend(canonical_bytes(&read, &all, &with_comments(version)).unwrap());
    }
    if here == there {
        return;
    }
    let [(_, bytes)] = some else {
        for half in some.chunks(some.len().div_ceil(2)) {
            compare(form, version, half);
        }
        panic!("the forms of these differ only together");
    };
    panic!("{form}\n{}\nhere:  {}\nthere: {}", show(bytes), show(&here), show(&there));
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Not compared with xmllint, which writes these as they are: section 2.3 wants namespaces written as attributes are.
#[test]
fn characters_of_namespaces_are_escaped() {
    let source = b"<a xmlns='u:a?b&amp;c&lt;&quot;&#10;'><b xmlns:p='u:&#xE4;>' p:x='&#13;&quot;'/></a>";
    let expected = "<a xmlns=\"u:a?b&amp;c&lt;&quot;&#xA;\"><b xmlns:p=\"u:\u{E4}>\" p:x=\"&#xD;&quot;\"></b></a>";
    let document = Document::parse(source).unwrap();
    for (_, version) in FORMS {
        let octets = canonical_bytes(&document, &NodeSet::document(&document), &with_comments(version)).unwrap();
        assert_eq!(String::from_utf8(octets).unwrap(), expected);
    }
}
