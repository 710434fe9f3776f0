//! Containers of the European reference implementation, against what its own tests say of each.

use crate::{codes, holds};
use formats::inspect::{Input, Inspection, Integrity, Signature, inspect};
use testkit::corpora;

/// What the table calls valid where its test says more: the file that a manifest names was changed, or is not there.
const BROKEN: [&str; 2] = ["brokenReference.asice", "removedReference.asice"];

/// Where the reference implementation says FORMAT_FAILURE of the container.
const MISSHAPEN: [&str; 3] = ["multifiles-too-much-files.asics", "no-root-signed-file.asics", "no-signed-file.asice"];

fn all_stamps(found: &Inspection) -> impl Iterator<Item = &Integrity> {
    let inside = found.signatures.iter().flat_map(|signature| &signature.stamps);
    inside.chain(&found.stamps).map(|stamp| &stamp.imprint)
}

/// What is wrong with what was found, compared with a row of the table.
fn differences(found: &Inspection, name: &str, column: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let signatures = &found.signatures;
    let own: Vec<&Signature> = signatures.iter().filter(|signature| signature.parent.is_none()).collect();
    let good = own.iter().all(|signature| holds(signature));
    let expected_good = column[1] == "valid" && !BROKEN.contains(&name);
    if column[1] != "no-signature" && good != expected_good {
        wrong.push(format!("{name}: signatures hold: {good}"));
    }
    if let Ok(count) = column[2].parse::<usize>()
        && count != signatures.len()
    {
        wrong.push(format!("{name}: {} signatures instead of {count}", signatures.len()));
    }
    let intact = all_stamps(found).all(|imprint| *imprint == Integrity::Intact);
    // Of the documents that are not there nobody can say whether time stamps are over them.
    if intact != (column[5] != "mixed") && good {
        wrong.push(format!("{name}: time stamps intact: {intact}, but {}", column[5]));
    }
    let misshapen =
        signatures.iter().flat_map(|signature| codes(&signature.faults)).any(|code| code == "asic-documents");
    if misshapen != MISSHAPEN.contains(&name) {
        wrong.push(format!("{name}: misshapen: {misshapen}"));
    }
    let without_signature = column[1] == "no-signature" || name == "test.zip" || name.starts_with("er-");
    if signatures.is_empty() != without_signature {
        wrong.push(format!("{name}: {} signatures", signatures.len()));
    }
    wrong
}

#[test]
fn containers_of_dss_are_taken_apart_as_dss_does() {
    let Some(folder) = corpora::corpora("dss-ades") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut count, mut signatures, mut stamps, mut records, mut wrong) = (0, 0, 0, 0, Vec::new());
    for line in table.lines().skip(1).filter(|line| line.starts_with("dss-asic")) {
        let column: Vec<&str> = line.split('\t').collect();
        let bytes = std::fs::read(folder.join(column[0])).unwrap();
        let name = column[0].rsplit('/').next().unwrap();
        let found = inspect(&Input::new(&bytes, name)).unwrap();
        wrong.extend(differences(&found, name, &column));
        count += 1;
        signatures += found.signatures.len();
        stamps += all_stamps(&found).count();
        records += found.records.len();
    }
    println!("{count} containers, {signatures} signatures, {stamps} time stamps, {records} evidence records");
    assert!(count == 66 && records >= 30 && wrong.is_empty(), "{count} rows, {records} records, {wrong:#?}");
}

/// What nobody signed is named: the table has such containers by their names.
#[test]
fn files_that_nobody_signed_are_named() {
    let Some(folder) = corpora::corpora("dss-ades") else { return };
    for (name, left) in [
        ("onefile-too-much-files.asice", "cef-portal-esig.png"),
        ("multifiles-too-much-files.asice", "cef-portal-esig.png"),
        ("onefile-wrong-file.asics", "cef-portal-esig.png"),
    ] {
        let bytes = std::fs::read(folder.join("dss-asic-xades/validation").join(name)).unwrap();
        let found = inspect(&Input::new(&bytes, name)).unwrap();
        let [note] = &found.notes[..] else { panic!("{name}: {:?}", found.notes) };
        assert!(note.code == "not-covered" && note.sentence.ends_with(left), "{name}: {note}");
    }
}
