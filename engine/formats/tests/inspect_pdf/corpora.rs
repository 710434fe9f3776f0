//! Real files.

use crate::lines::{Line, lines};
use formats::inspect::{Coverage, Input, Inspection, LaterChanges, inspect};
use std::collections::BTreeMap;
use testkit::corpora::{corpora, files_below};

fn open(path: &std::path::Path) -> Result<Inspection, formats::FormatError> {
    let bytes = std::fs::read(path).unwrap();
    inspect(&Input { password: Some(" "), ..Input::new(&bytes, "x.pdf") })
}

/// Rows of a table of expectations, by the names of its columns.
fn rows(path: &std::path::Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split('\t').map(str::to_owned).collect();
    lines.map(|line| names.iter().cloned().zip(line.split('\t').map(str::to_owned)).collect()).collect()
}

/// Where we differ from pyHanko, and why.
const DIFFERENT: [(&str, &str); 8] = [
    ("coverage-anomalies_one-byterange", "a byte range of two numbers breaks ISO 32000 and is a fault here"),
    ("coverage-anomalies_signature-gap-too-big", "a gap that is wider than the value is a fault here"),
    ("coverage-anomalies_tail-uncovered", "covering part of a revision is a fault here"),
    ("coverage-anomalies_weird-byterange", "a gap that is not the value is a fault here"),
    ("ed448-shake256-nolen", "SHAKE256 as the digest of a message is not known here"),
    (
        "form-update-ap-indirect-sneaky-trailer",
        "the appearance is exchanged for a new object, nothing else that refers to the old one changes",
    ),
    ("form-update-no-override-appearance-stream-ap-indirect-sneaky", "the same"),
    (
        "form-update-override-appearance-stream-ap-indirect.",
        "an appearance in a shared dictionary is not told from other drawings",
    ),
];

#[test]
fn signed_files_are_judged_as_pyhanko_does() {
    let Some(folder) = corpora("pdf-signed") else { return };
    let mut differences = Vec::new();
    for row in rows(&folder.join("expected.tsv")) {
        let (path, detail) = (&row["path"], &row["detail"]);
        let found = lines(&open(&folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")));
        if row["expected"] != "valid" {
            assert!(found.iter().all(|line| !line.is_good()) && !found.is_empty(), "{path}: {found:#?}");
            continue;
        }
        assert_eq!(found.len(), row["n"].parse::<usize>().unwrap(), "{path}: {found:#?}");
        for said in detail.split(" ; ") {
            let field = said.split('[').next().unwrap();
            let line = found.iter().find(|line| line.field == field).unwrap_or_else(|| panic!("{path}: {field}"));
            if !agrees(line, said) {
                differences.push(format!("{path} {said} {line:?}"));
            }
        }
    }
    let unknown: Vec<_> =
        differences.iter().filter(|difference| !DIFFERENT.iter().any(|(name, _)| difference.contains(name))).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert_eq!(differences.len(), DIFFERENT.len(), "{differences:#?}");
}

fn agrees(line: &Line, said: &str) -> bool {
    let coverage = match line.coverage {
        Coverage::WholeFile => "cov=ENTIRE_FILE",
        Coverage::WholeRevision => "cov=ENTIRE_REVISION",
        Coverage::Unclear => "cov=UNCLEAR",
    };
    let later = match line.later {
        LaterChanges::None => "mod=NONE",
        LaterChanges::LongTerm => "mod=LTA_UPDATES",
        LaterChanges::Form => "mod=FORM_FILLING",
        LaterChanges::Annotation => "mod=ANNOTATIONS",
        LaterChanges::Other => "mod=OTHER",
    };
    line.is_good() && said.contains(coverage) && said.contains(later)
}

/// Rows that say something else than we do: the beginning of the file's name, and why.
const CONTESTED: [(&str, &str); 2] = [
    ("pades-tst-with-sig-type", "a time stamp that says to be a signature breaks the rules"),
    ("pades-lta-copied-doctst", "the copied time stamp is over another document"),
];

#[test]
fn files_of_the_european_tests_are_judged_as_expected() {
    let Some(folder) = corpora("dss-ades") else { return };
    let mut count = 0;
    for row in rows(&folder.join("expected.tsv")) {
        let path = &row["path"];
        if !path.starts_with("dss-pades/") || CONTESTED.iter().any(|(name, _)| path.contains(name)) {
            continue;
        }
        let inspection = open(&folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let found = lines(&inspection);
        let signatures: Vec<&Line> = found.iter().filter(|line| !line.stamp).collect();
        assert!(!found.is_empty(), "{path}");
        count += 1;
        match row["expected"].as_str() {
            "invalid" => assert!(signatures.iter().any(|line| !line.is_good()), "{path}: {found:#?}"),
            "valid" if row["consensus"] == "yes" => {
                assert!(found.iter().all(Line::is_good), "{path}: {found:#?}");
            }
            _ => {}
        }
        let changed = row["pdf_revision"].as_str();
        let attack = ["added-page", "replace.pdf", "spoofing"].iter().any(|name| path.contains(name));
        if attack {
            assert!(
                signatures.iter().any(|line| !line.is_good() || line.later == LaterChanges::Other),
                "{path}: {found:#?}"
            );
        } else if changed.contains("+UndefinedChanges") && row["consensus"] == "yes" {
            assert!(found.iter().any(|line| line.later == LaterChanges::Other), "{path}: {found:#?}");
        } else if (changed.starts_with("default") || changed.contains("-UndefinedChanges"))
            && row["expected"] == "valid"
            && row["consensus"] == "yes"
        {
            let harmless = |line: &&Line| line.later <= LaterChanges::Form;
            assert!(found.iter().all(|line| harmless(&line)), "{path}: {found:#?}");
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn in_files_that_nobody_signed_nothing_is_found() {
    let Some(folder) = corpora("pdf-real") else { return };
    for path in files_below(&folder, "pdf") {
        let found = open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(lines(&found).is_empty(), "{}", path.display());
    }
}
