//! Real signatures of other makers, from B-T to B-LTA, or the reason why not.

use super::support::{LEVELS, lifted, openssl_verify};
use formats::FormatError;
use formats::cms::identifiers;
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

/// The codes and sentences of refusals, with the files.
type Refused = BTreeMap<&'static str, Vec<String>>;

/// From B-T to B-LTA; what openssl verified before, it verifies afterwards. Whether it was among them.
fn to_the_top(name: &str, message: &[u8], original: Option<&[u8]>, refused: &mut Refused) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let before = openssl_verify(folder.path(), message, original, false).ok();
    let mut lifted_message = message.to_vec();
    for level in LEVELS {
        match lifted(level, &lifted_message, original) {
            Ok(next) => lifted_message = next,
            Err(FormatError::Document(reason)) => {
                println!("{name}: {}: {}", reason.code, reason.sentence);
                refused.entry(reason.code).or_default().push(name.to_owned());
                return None;
            }
            Err(other) => panic!("{name}: {other}"),
        }
    }
    assert!(!Message::read(&lifted_message).unwrap().time_stamps().is_empty());
    // OpenSSL takes signed attributes in DER order only.
    let after = openssl_verify(folder.path(), &lifted_message, original, false).ok();
    assert_eq!(before, after, "{name}");
    Some(before.is_some())
}

#[test]
fn real_signatures_are_lifted_or_there_is_a_reason() {
    let (mut reached, mut judged, mut refused) = (0, 0, Refused::new());
    for (set, folder) in [("dss-ades", "dss-cades"), ("smime-mail", "")] {
        let Some(corpus) = corpora::corpora(set) else { return };
        let originals = if set == "dss-ades" { originals(&corpus) } else { BTreeMap::new() };
        let endings = ["p7m", "p7s", "pkcs7", "sig", "cms", "der", "bin"];
        for file in endings.iter().flat_map(|ending| corpora::files_below(&corpus.join(folder), ending)) {
            let message = std::fs::read(&file).unwrap();
            let signed = message.windows(11).take(40).any(|window| window == identifiers::OID_SIGNED_DATA);
            let name = file.strip_prefix(&corpus).unwrap().display().to_string();
            if !signed {
                continue;
            }
            let original = originals.get(&file).map(Vec::as_slice);
            let known = to_the_top(&name, &message, original, &mut refused);
            reached += usize::from(known.is_some());
            judged += usize::from(known == Some(true));
        }
    }
    let counts: Vec<_> = refused.iter().map(|(code, names)| format!("{code} {}", names.len())).collect();
    println!("{reached} reached B-LTA, {judged} of them verified again by openssl; {}", counts.join(", "));
    assert!(reached >= 25 && judged >= 25, "{reached} reached, {judged} judged");
}
