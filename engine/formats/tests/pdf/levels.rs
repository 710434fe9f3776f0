//! B-T, B-LT, B-LTA and renewal of our own signatures, judged by pyHanko (EN 319 102-1), pdfsig and qpdf.

use crate::kinds::qpdf;
use crate::lifting::{
    add_evidence, judge_encrypted, judge_world, lifted, lifted_with, profile_of, sign_to, signed, stamp_document,
    stamp_signatures, world_signer,
};
use crate::support::{judge_structure, options, profile, refusal};
use formats::Part;
use model::profile::{Level, Password, PdfOptions};
use serde_json::Value;
use std::path::{Path, PathBuf};
use testkit::corpora::{corpora, files_below};
use testkit::judge;
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::KeyKind;

const LEVELS: [Level; 4] = [Level::B, Level::T, Level::Lt, Level::Lta];

/// Files of one level, judged together because pyHanko's start takes longer than its work.
struct Files {
    folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), paths: Vec::new() }
    }

    fn add(&mut self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(format!("{}.pdf", self.paths.len()));
        std::fs::write(&path, bytes).unwrap();
        self.paths.push(path.clone());
        path
    }
}

/// pdfsig finds so many signatures and time stamps, all signatures valid; of document time stamps it knows nothing.
fn judge_valid(path: &Path, password: Option<&str>, count: usize) {
    let verdicts = judge::pdfsig(path, password).unwrap();
    assert_eq!(verdicts.len(), count, "{verdicts:?}");
    assert!(verdicts.iter().all(|verdict| verdict.valid || verdict.kind == "unknown"), "{verdicts:?}");
}

/// Whether the procedure for this level (EN 319 102-1) ends in PASSED.
pub(crate) fn is_passed(verdict: &Value, level: Level) -> bool {
    let words = verdict["levels"][level.to_string()].as_str().unwrap_or_else(|| panic!("{verdict}"));
    words.starts_with("PASSED")
}

pub(crate) fn of<'a>(verdicts: &'a [Value], path: &Path) -> Vec<&'a Value> {
    verdicts.iter().filter(|verdict| verdict["file"] == path.to_str().unwrap()).collect()
}

#[test]
fn every_level_is_what_pyhanko_finds_it_to_be() {
    let mut files = Files::new();
    let mut expected = Vec::new();
    for form in [Form::Classic, Form::XrefStream, Form::ObjectStreams] {
        for kind in [KeyKind::Rsa2048, KeyKind::P256] {
            let original = invoice(3, &Shape { pages: 2, form, ..Shape::default() });
            for level in LEVELS {
                let (parts, bytes) = sign_to(&world_signer(kind), &original, level);
                assert!(bytes.starts_with(&original));
                assert!(matches!(parts[..], [Part::Original, Part::Bytes(_)]), "one piece behind the original");
                let path = files.add(&bytes);
                judge_structure(&path, &path, None);
                judge_valid(&path, None, if level == Level::Lta { 2 } else { 1 });
                expected.push((path, level));
            }
        }
    }
    let verdicts = judge_world(&files.paths);
    for (path, level) in expected {
        let [verdict] = of(&verdicts, &path)[..] else { panic!("{verdicts:?}") };
        assert!(verdict["intact"] == true && verdict["valid"] == true, "{verdict}");
        assert_eq!(verdict["stamped_inside"] == true, level >= Level::T, "{verdict}");
        for other in LEVELS {
            assert_eq!(is_passed(verdict, other), other <= level, "{level} judged as {other}: {verdict}");
        }
        assert_eq!(verdict["store"].is_null(), level < Level::Lt, "{verdict}");
        assert_eq!(verdict["stamps"].as_array().unwrap().len(), usize::from(level == Level::Lta), "{verdict}");
        assert_eq!(verdict["oldest_evidence"].is_null(), level < Level::Lta, "{verdict}");
    }
}

#[test]
fn two_signatures_are_lifted_together_and_renewed() {
    let mut files = Files::new();
    let original = invoice(5, &Shape::default());
    let once = signed(&world_signer(KeyKind::P256), &original);
    let twice = signed(&world_signer(KeyKind::Rsa2048), &once);
    let mut bytes = lifted(&twice, Level::Lta).unwrap();
    // The first signature is covered by the second, so that one time stamp over the document is for both.
    assert!(bytes.starts_with(&twice));
    let path = files.add(&bytes);
    for _ in 0..2 {
        let longer = stamp_document(&add_evidence(&bytes).unwrap()).unwrap();
        assert!(longer.starts_with(&bytes));
        bytes = longer;
    }
    let renewed = files.add(&bytes);
    // Nothing is asked for and nothing changes where everything is there.
    assert_eq!(stamp_signatures(&bytes).unwrap(), bytes);
    let verdicts = judge_world(&files.paths);
    for (path, stamps) in [(&path, 2), (&renewed, 4)] {
        judge_structure(path, path, None);
        judge_valid(path, None, 2 + stamps);
        let of_file = of(&verdicts, path);
        assert_eq!(of_file.len(), 2);
        for verdict in of_file {
            assert!(verdict["intact"] == true && verdict["valid"] == true, "{verdict}");
            assert!(verdict["docmdp_ok"] == true && verdict["oldest_evidence"].is_number(), "{verdict}");
            assert_eq!(verdict["stamps"], serde_json::json!(vec![true; stamps]), "{verdict}");
        }
    }
}

#[test]
fn broken_signatures_are_not_lifted() {
    let original = invoice(5, &Shape::default());
    assert_eq!(refusal(lifted(&original, Level::T)), "no-signature");
    let bytes = signed(&world_signer(KeyKind::P256), &original);
    let mut changed = bytes.clone();
    let at = changed.windows(7).position(|window| window == b"Rechnun").unwrap();
    changed[at] = b'B';
    for step in [stamp_signatures, add_evidence, stamp_document] {
        assert_eq!(refusal(step(&changed)), "signature-broken");
    }
    let mut short = bytes.clone();
    let at = short.windows(12).rposition(|window| window == b"/ByteRange [").unwrap() + 12;
    short[at] = b'1';
    assert_eq!(refusal(stamp_signatures(&short)), "signature-malformed");
    // Without room inside there is one over the document.
    let tight = world_signer(KeyKind::P256).sign(&original, &profile(options())).unwrap();
    assert!(stamp_signatures(&tight).unwrap().starts_with(&tight));
}

#[test]
fn encrypted_files_are_lifted_with_their_password() {
    let mut files = Files::new();
    let original = files.folder.path().join("original.pdf");
    std::fs::write(&original, invoice(3, &Shape::default())).unwrap();
    for method in [&["128", "--use-aes=y"][..], &["256"]] {
        for objects in ["--object-streams=disable", "--object-streams=generate"] {
            let arguments = [&[objects, "--allow-weak-crypto", "--encrypt", "kunde", "chef"], method, &["--"]].concat();
            let encrypted = qpdf(files.folder.path(), &original, "encrypted.pdf", &arguments);
            let with = PdfOptions { password: Some(Password::new("kunde")), ..options() };
            let bytes = std::fs::read(&encrypted).unwrap();
            let bytes = world_signer(KeyKind::P256).sign(&bytes, &profile_of(Level::Lta, with)).unwrap();
            assert_eq!(refusal(lifted(&bytes, Level::Lta)), "pdf-password-needed");
            assert_eq!(refusal(lifted_with(&bytes, Level::Lta, Some("falsch"))), "pdf-password-wrong");
            let once = lifted_with(&bytes, Level::Lta, Some("kunde")).unwrap();
            // With the owner's password too, and what is in the store is found there and used again.
            let renewed = lifted_with(&once, Level::Lta, Some("chef")).unwrap();
            assert!(renewed.starts_with(&once));
            for (bytes, stamps) in [(once, 1), (renewed, 2)] {
                let path = files.add(&bytes);
                judge_structure(&encrypted, &path, Some("kunde"));
                judge_valid(&path, Some("kunde"), 1 + stamps);
            }
        }
    }
    let verdicts = judge_encrypted(&files.paths, "kunde");
    assert_eq!(verdicts.len(), files.paths.len());
    for verdict in verdicts {
        assert!(LEVELS.iter().all(|level| is_passed(&verdict, *level)), "{verdict}");
    }
}

/// Real files, among them invoices with their XML (PDF/A-3), forms, and what many programs write.
#[test]
fn real_files_reach_every_level() {
    let Some(folder) = corpora("pdf-real") else { return };
    let mut files = Files::new();
    let small = |file: &PathBuf| std::fs::metadata(file).is_ok_and(|found| found.len() < 600_000);
    let (invoices, others): (Vec<_>, Vec<_>) = files_below(&folder, "pdf")
        .into_iter()
        .filter(small)
        .partition(|file| file.starts_with(folder.join("zugferd")));
    let has_form = |file: &&PathBuf| std::fs::read(file).unwrap().windows(9).any(|nine| nine == b"/AcroForm");
    let forms: Vec<_> = invoices.iter().chain(&others).filter(has_form).take(3).collect();
    assert!(!forms.is_empty() && invoices.len() > 10 && others.len() > 10, "{folder:?}");
    let chosen =
        invoices.iter().step_by(invoices.len() / 8).chain(others.iter().step_by(others.len() / 6)).chain(forms);
    let signer = world_signer(KeyKind::P256);
    let mut expected = Vec::new();
    for (file, level) in chosen.zip([Level::Lta, Level::Lt, Level::Lta].into_iter().cycle()) {
        let (_, bytes) = sign_to(&signer, &std::fs::read(file).unwrap(), level);
        let path = files.add(&bytes);
        judge_structure(file, &path, None);
        expected.push((file, path, level));
    }
    let verdicts = judge_world(&files.paths);
    for (file, path, level) in &expected {
        let [verdict] = of(&verdicts, path)[..] else { panic!("{}: {verdicts:?}", file.display()) };
        assert!(is_passed(verdict, *level) && verdict["docmdp_ok"] == true, "{}: {verdict}", file.display());
    }
    eprintln!("{} real files signed and lifted", expected.len());
}

/// Files that others have signed: lifted to B-LTA, so that pyHanko finds each signature as it was before, or refused
/// with a reason.
#[test]
fn foreign_signatures_are_lifted_or_refused_with_a_reason() {
    let mut files = Files::new();
    let mut pairs = Vec::new();
    let mut refused = std::collections::BTreeMap::<&str, usize>::new();
    for set in ["pdf-signed", "dss-ades/dss-pades"] {
        let Some(folder) = corpora(set) else { return };
        for file in files_below(&folder, "pdf") {
            let bytes = std::fs::read(&file).unwrap();
            let result = lifted(&bytes, Level::Lta);
            let Ok(result) = result else {
                eprintln!("{}: {}", file.display(), result.as_ref().unwrap_err());
                *refused.entry(refusal(result)).or_default() += 1;
                continue;
            };
            let path = files.add(&result);
            judge_structure(&file, &path, None);
            pairs.push((file, path));
        }
    }
    eprintln!("{} foreign files lifted, refused: {refused:?}", pairs.len());
    assert!(pairs.len() > 40, "only {} lifted, refused: {refused:?}", pairs.len());
    let both: Vec<_> = pairs.iter().flat_map(|(file, path)| [file.clone(), path.clone()]).collect();
    let verdicts = judge_world(&both);
    for (file, path) in &pairs {
        for before in of(&verdicts, file).into_iter().filter(|verdict| verdict["error"].is_null()) {
            let after = of(&verdicts, path).into_iter().find(|after| after["field"] == before["field"]);
            let after = after.unwrap_or_else(|| panic!("{before} is gone"));
            assert_eq!((&before["intact"], &before["valid"]), (&after["intact"], &after["valid"]), "{before} {after}");
            assert_eq!(after["stamps"].as_array().unwrap().last(), Some(&Value::Bool(true)), "{after}");
            if before["coverage"] == "ENTIRE_FILE" {
                assert_eq!(after["modification_level"], "LTA_UPDATES", "{before} {after}");
            }
        }
    }
}
