//! Real files of other people: each is signed, and programs that we did not write find the signature valid.




use crate::support::{judge_pdfsig, judge_pyhanko, judge_structure, options, profile, sign_and_judge, signer};
use testkit::corpora::{corpora, files_below};
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
