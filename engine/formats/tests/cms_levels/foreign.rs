//! Real signatures of other makers, from B-T to B-LTA, or the reason why not.

use super::support::{LEVELS, lifted, openssl_verify};
use formats::FormatError;
use formats::cms::message::Message;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use testkit::corpora;

/// The signed documents of detached signatures, as the collection's list says: beside it, or in the list itself.
fn originals(corpus: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let list = std::fs::read_to_string(corpus.join("expected.tsv")).unwrap();
    let mut found = BTreeMap::new();
    for line in list.lines().filter(|line| line.starts_with("dss-cades/")) {
        let columns: Vec<_> = line.split('\t').collect();
        let (beside, inline) = (columns[11], serde_json::from_str::<serde_json::Value>(columns[13]));
        let inline = inline.ok().and_then(|list| list[0]["text"].as_str().map(|text| text.as_bytes().to_vec()));
        let beside = (!beside.is_empty()).then(|| std::fs::read(corpus.join(beside)).ok()).flatten();
        found.extend(beside.or(inline).map(|document| (corpus.join(columns[0]), document)));
    }
    found
}

#[test]
fn real_signatures_are_lifted_or_there_is_a_reason() {
    let Some(corpus) = corpora::corpora("dss-ades") else { return };
    let originals = originals(&corpus);
    let folder = tempfile::tempdir().unwrap();
    let (mut reached, mut judged, mut refused) = (0, 0, BTreeMap::<&str, Vec<String>>::new());
    let endings = ["p7m", "p7s", "pkcs7", "sig"];
    for file in endings.iter().flat_map(|ending| corpora::files_below(&corpus.join("dss-cades"), ending)) {
        let name = file.strip_prefix(&corpus).unwrap().display().to_string();
        let original = originals.get(&file);
        let mut message = std::fs::read(&file).unwrap();
        let before = openssl_verify(folder.path(), &message, original.map(Vec::as_slice), false);
        let mut fault = None;
        for level in LEVELS {
            match lifted(level, &message, original.map(Vec::as_slice)) {
                Ok(next) => message = next,
                Err(FormatError::Document(reason)) => fault = Some(reason),
                Err(other) => panic!("{name}: {other}"),
            }
            if fault.is_some() {
                break;
            }
        }
        if let Some(reason) = fault {
            println!("{name}: {}: {}", reason.code, reason.sentence);
            refused.entry(reason.code).or_default().push(name);
            continue;
        }
        reached += 1;
        assert!(!Message::read(&message).unwrap().time_stamps().is_empty());
        // OpenSSL takes attributes in one order only; what it verified before it verifies after.
        let after = openssl_verify(folder.path(), &message, original.map(Vec::as_slice), false);
        assert_eq!(before.clone().ok(), after.ok(), "{name}");
        judged += usize::from(before.is_ok());
    }
    let counts: Vec<_> = refused.iter().map(|(code, names)| format!("{code} {}", names.len())).collect();
    println!("{reached} reached B-LTA, {judged} of them verified again by openssl; {}", counts.join(", "));
    assert!(reached >= 20 && judged >= 20, "{reached} reached, {judged} judged");
}
