//! Real files of other people: each is signed, and programs that we did not write find the signature valid.

use crate::support::{judge_pdfsig, judge_pyhanko, judge_structure, options, profile, refusal, sign_and_judge, signer};
use testkit::corpora::{corpora, files_below};
use testkit::judge;
use testkit::pki::KeyKind;

#[test]
fn every_real_file_is_signed_twice_and_found_valid() {
    let Some(folder) = corpora("pdf-real") else { return };
    let out = tempfile::tempdir().unwrap();
    let (first, second) = (signer(KeyKind::Rsa2048), signer(KeyKind::P256));
    let files = files_below(&folder, "pdf");
    assert!(files.len() > 40, "only {} files", files.len());
    let mut results = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let once = sign_and_judge(&first, file, out.path(), &format!("{number}-once.pdf"), &profile(options()), None);
        let bytes = std::fs::read(&once).unwrap();
        let twice = out.path().join(format!("{number}-twice.pdf"));
        std::fs::write(&twice, second.sign(&bytes, &profile(options())).unwrap()).unwrap();
        judge_structure(file, &twice, None);
        judge_pdfsig(&twice, None, 2);
        results.extend([once, twice]);
    }
    eprintln!("{} files signed once and twice", files.len());
    judge_pyhanko(&results, None);
}

/// Files that others have signed, some of them in order to deceive: ours is valid beside theirs, and what theirs were
/// they stay.
#[test]
fn foreign_signatures_stay_what_they_are() {
    let Some(folder) = corpora("pdf-signed") else { return };
    let out = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::Rsa2048);
    let root = testkit::pki::Pki::shared().root_pem();
    let mut pairs = Vec::new();
    for (number, file) in files_below(&folder, "pdf").iter().enumerate() {
        let bytes = std::fs::read(file).unwrap();
        let result = signer.sign(&bytes, &profile(options()));
        let Ok(signed) = result else {
            eprintln!("{}: {:?}", file.display(), result.as_ref().err());
            refusal(result);
            continue;
        };
        assert!(signed.starts_with(&bytes));
        let path = out.path().join(format!("{number}.pdf"));
        std::fs::write(&path, signed).unwrap();
        judge_structure(file, &path, None);
        let (before, after) = (judge::pdfsig(file, None).unwrap(), judge::pdfsig(&path, None).unwrap());
        assert_eq!(after.len(), before.len() + 1, "{}", file.display());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((&before.field, before.valid), (&after.field, after.valid), "{}", file.display());
        }
        assert!(after.iter().any(|verdict| verdict.valid && verdict.whole_document), "{}: {after:?}", file.display());
        pairs.push((file.clone(), path));
    }
    let both: Vec<_> = pairs.iter().flat_map(|(file, path)| [file.clone(), path.clone()]).collect();
    let verdicts = judge::pyhanko_judge(&both, &root).unwrap();
    for (file, path) in &pairs {
        for before in verdicts.iter().filter(|verdict| verdict.file == *file && verdict.error.is_none()) {
            let after = verdicts.iter().find(|after| after.file == *path && after.field == before.field).unwrap();
            assert_eq!((before.intact, before.valid), (after.intact, after.valid), "{before:?} {after:?}");
            if before.intact && before.coverage == "ENTIRE_FILE" {
                let level = after.modification_level.as_deref();
                assert!(matches!(level, Some("FORM_FILLING" | "LTA_UPDATES")), "{before:?} {after:?}");
            }
        }
    }
    eprintln!("{} foreign files signed", pairs.len());
    assert!(pairs.len() > 20);
}
