//! The kinds of files: tables, streams, hybrids, linearised, encrypted, junk around; made by qpdf or by hand.

use crate::support::{Pieces, judge_pdfsig, judge_pyhanko, judge_structure, options, profile, refusal, sign_and_judge, signer};
use model::profile::{Format, Password, PdfOptions};
use std::path::{Path, PathBuf};
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::KeyKind;
use testkit::tools;

fn plain(folder: &Path) -> PathBuf {
    let path = folder.join("plain.pdf");
    std::fs::write(&path, invoice(1, &Shape { pages: 3, bytes: 0, form: Form::Classic })).unwrap();
    path
}

fn qpdf(folder: &Path, original: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let mut all: Vec<&str> = arguments.to_vec();
    all.extend([original.to_str().unwrap(), path.to_str().unwrap()]);
    tools::run_ok("qpdf", all).unwrap();
    path
}

#[test]
fn all_shapes_of_cross_references_are_signed_twice() {
    let folder = tempfile::tempdir().unwrap();
    let original = plain(folder.path());
    let (rsa, ed25519) = (signer(KeyKind::Rsa2048), signer(KeyKind::Ed25519));
    let mut files = vec![original.clone()];
    for (name, arguments) in [
        ("objstm.pdf", &["--object-streams=generate"][..]),
        ("table.pdf", &["--object-streams=disable"]),
        ("linear.pdf", &["--linearize"]),
        ("linear-objstm.pdf", &["--linearize", "--object-streams=generate"]),
        ("qdf.pdf", &["--qdf"]),
        ("no-compression.pdf", &["--object-streams=generate", "--compress-streams=n"]),
    ] {
        files.push(qpdf(folder.path(), &original, name, arguments));
    }
    for (name, form) in [("own-stream.pdf", Form::XrefStream), ("own-objects.pdf", Form::ObjectStreams)] {
        let path = folder.path().join(name);
        std::fs::write(&path, invoice(2, &Shape { form, ..Shape::default() })).unwrap();
        files.push(path);
    }
    let mut results = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let once = sign_and_judge(&rsa, file, folder.path(), &format!("{number}-once.pdf"), &profile(options()), None);
        let legacy = model::Profile { format: Format::Pdf, ..profile(options()) };
        let bytes = std::fs::read(&once).unwrap();
        let twice = folder.path().join(format!("{number}-twice.pdf"));
        let signed = if number % 2 == 0 { rsa.sign(&bytes, &legacy) } else { ed25519.sign(&bytes, &profile(options())) };
        std::fs::write(&twice, signed.unwrap()).unwrap();
        if number % 2 == 0 {
            // pdfsig does not know Ed25519.
            judge_pdfsig(&twice, None, 2);
        }
        judge_structure(file, &twice, None);
        results.extend([once, twice]);
        let whole = rsa.sign(&bytes, &profile(options())).unwrap();
        let pieces = rsa.sign_source(&Pieces(&bytes), &profile(options())).unwrap();
        assert_eq!(whole.len(), bytes.len() + pieces.len(), "read whole or in pieces");
    }
    judge_pyhanko(&results, None);
}

#[test]
fn encrypted_files_open_with_either_password() {
    let folder = tempfile::tempdir().unwrap();
    let original = plain(folder.path());
    let signer = signer(KeyKind::Rsa2048);
    for (name, method) in [
        ("rc4-40", &["40"][..]),
        ("rc4-128", &["128", "--use-aes=n"]),
        ("aes-128", &["128", "--use-aes=y"]),
        ("aes-128-clear", &["128", "--use-aes=y", "--cleartext-metadata"]),
        ("aes-256", &["256"]),
        ("aes-256-r5", &["256", "--force-R5"]),
    ] {
        for (shape, objects) in [("table", "--object-streams=disable"), ("objstm", "--object-streams=generate")] {
            for user in ["", "kunde"] {
                let mut arguments = vec!["--allow-weak-crypto", objects, "--encrypt", user, "chef"];
                arguments.extend(method);
                arguments.push("--");
                let name = format!("{name}-{shape}-{user}.pdf");
                let file = qpdf(folder.path(), &original, &name, &arguments);
                let with = |password: &str| profile(PdfOptions { password: Some(Password::new(password)), ..options() });
                let once = sign_and_judge(&signer, &file, folder.path(), &format!("user-{name}"), &with(user), Some(user));
                let bytes = std::fs::read(&once).unwrap();
                let twice = folder.path().join(format!("twice-{name}"));
                std::fs::write(&twice, signer.sign(&bytes, &with("chef")).unwrap()).unwrap();
                judge_structure(&file, &twice, Some(user));
                judge_pdfsig(&twice, Some(user), 2);
                // pyHanko does not open the short-lived revision 5 with an empty password.
                if !name.contains("r5") {
                    judge_pyhanko(&[once, twice], Some(user));
                }
                if !user.is_empty() {
                    let bytes = std::fs::read(&file).unwrap();
                    assert_eq!(refusal(signer.sign(&bytes, &profile(options()))), "pdf-password-needed");
                    assert_eq!(refusal(signer.sign(&bytes, &with("falsch"))), "pdf-password-wrong");
                }
            }
        }
    }
}

#[test]
fn permissions_of_the_author_are_respected() {
    let folder = tempfile::tempdir().unwrap();
    let original = plain(folder.path());
    let signer = signer(KeyKind::P256);
    let arguments = ["--encrypt", "", "chef", "256", "--modify=none", "--annotate=n", "--form=n", "--"];
    let file = qpdf(folder.path(), &original, "locked.pdf", &arguments);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(refusal(signer.sign(&bytes, &profile(options()))), "pdf-permissions");
    let owner = profile(PdfOptions { password: Some(Password::new("chef")), ..options() });
    sign_and_judge(&signer, &file, folder.path(), "owner.pdf", &owner, Some(""));
}

#[test]
fn harmless_oddities_are_tolerated() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::Rsa2048);
    let original = invoice(3, &Shape::default());
    let text = String::from_utf8_lossy(&original).into_owned();
    let start: usize = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let mut cases = vec![
        ("junk-before", [b"junk from a mail gateway\r\n", &original[..]].concat()),
        ("no-line-end", original.strip_suffix(b"\n").unwrap_or(&original).to_vec()),
        ("blanks-after", [&original[..], &[b' '; 700]].concat()),
        ("zeros-after", [&original[..], &[0; 5000]].concat()),
    ];
    // Entries of nineteen bytes instead of twenty.
    let table = String::from_utf8_lossy(&original[start..]).replace(" n \n", " n\n").replace(" f \n", " f\n").replace(" n\r\n", " n\n").replace(" f\r\n", " f\n");
    cases.push(("odd-entries", [&original[..start], table.as_bytes()].concat()));
    for (name, bytes) in cases {
        let file = folder.path().join(format!("{name}.pdf"));
        std::fs::write(&file, &bytes).unwrap();
        let signed = signer.sign(&bytes, &profile(options())).unwrap_or_else(|error| panic!("{name}: {error}"));
        let path = folder.path().join(format!("{name}-signed.pdf"));
        std::fs::write(&path, signed).unwrap();
        judge_structure(&file, &path, None);
        judge_pdfsig(&path, None, 1);
    }
}
