//! What sealmill itself signs, at all levels and again and again; and that nothing is good here which pyHanko finds broken.

use crate::attacks::{certify, sign};
use crate::builder;
use crate::lifting::{lifted, sign_to, stamp_document, world_signer};
use crate::lines::{Line, lines, take_apart, take_apart_with};
use crate::support::{Pieces, options, profile, signer};
use formats::inspect::{Coverage, Input, LaterChanges, ObjectId, SignatureFormat, StampKind, inspect};
use model::profile::{CertificationLevel, Level, Password, PdfOptions};
use testkit::judge;
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::{KeyKind, Pki};

fn good(bytes: &[u8], count: usize) -> Vec<Line> {
    let lines = lines(&take_apart(bytes));
    assert_eq!(lines.len(), count, "{lines:#?}");
    assert!(lines.iter().all(Line::is_good), "{lines:#?}");
    lines
}

#[test]
fn every_level_is_taken_apart_and_nothing_later_is_seen_that_is_not_there() {
    for (level, later, stamps) in [
        (Level::B, LaterChanges::None, 0),
        (Level::T, LaterChanges::None, 0),
        (Level::Lt, LaterChanges::LongTerm, 0),
        (Level::Lta, LaterChanges::LongTerm, 1),
    ] {
        for form in [Form::Classic, Form::XrefStream, Form::ObjectStreams] {
            let original = invoice(3, &Shape { form, ..Shape::default() });
            let (_, bytes) = sign_to(&world_signer(KeyKind::P256), &original, level);
            let lines = good(&bytes, 1 + stamps);
            assert_eq!(lines[0].later, later, "{level} {form:?}: {lines:#?}");
            let inspection = take_apart(&bytes);
            let signature = &inspection.signatures[0];
            assert_eq!(signature.format, SignatureFormat::Pades);
            assert_eq!(signature.stamps.len(), usize::from(level >= Level::T));
            assert!(signature.attributes.signing_time.is_some(), "from /M");
            assert_eq!(signature.attributes.reason.as_deref(), Some("Rechnungsprüfung"));
            assert_eq!(signature.attributes.place.as_deref(), Some("Köln (Rhein)"));
            assert_eq!(inspection.evidence.is_empty(), level < Level::Lt);
            if let [stamp] = &inspection.stamps[..] {
                assert_eq!((stamp.kind, &stamp.signatures[..]), (StampKind::Document, &[0][..]));
                let covered = |bytes: &[u8]| stamp.covers.contains(&ObjectId::of(bytes));
                assert!(covered(&signature.signature_value) && covered(&signature.stamps[0].bytes));
                let evidence = &inspection.evidence;
                let all = [&evidence.certificates, &evidence.crls, &evidence.ocsp_responses];
                assert!(all.into_iter().flatten().all(|item| covered(item)));
                assert_eq!(lines[1].coverage, Coverage::WholeFile);
                // A renewal: the older stamp is covered by the newer one.
                let renewed = take_apart(&stamp_document(&lifted(&bytes, Level::Lt).unwrap()).unwrap());
                assert!(renewed.stamps[1].covers.contains(&ObjectId::of(&renewed.stamps[0].bytes)));
                assert!(!renewed.stamps[0].covers.contains(&ObjectId::of(&renewed.stamps[1].bytes)));
                assert_eq!(renewed.stamps[0].pdf.as_ref().unwrap().later, LaterChanges::LongTerm);
            }
        }
    }
}

#[test]
fn further_signatures_are_form_filling_for_the_earlier_ones() {
    for form in [Form::Classic, Form::XrefStream, Form::ObjectStreams] {
        let mut bytes = invoice(5, &Shape { form, ..Shape::default() });
        for round in 1..=4 {
            bytes = sign(&bytes);
            let lines = good(&bytes, round);
            let later: Vec<_> = lines.iter().map(|line| line.later).collect();
            assert!(later[..round - 1].iter().all(|later| *later == LaterChanges::Form), "{lines:#?}");
            assert_eq!((later[round - 1], lines[round - 1].coverage), (LaterChanges::None, Coverage::WholeFile));
            assert!(lines[..round - 1].iter().all(|line| line.coverage == Coverage::WholeRevision));
        }
    }
    let certified = certify(&builder::form(), CertificationLevel::FormFilling);
    assert_eq!(take_apart(&certified).signatures[0].pdf.as_ref().unwrap().certifies, Some(2));
}

#[test]
fn files_in_pieces_and_encrypted_ones_are_the_same() {
    let signed = sign(&sign(&builder::form()));
    let pieces = inspect(&Input::new(&Pieces(&signed), "x.pdf")).unwrap();
    assert_eq!(lines(&pieces), lines(&take_apart(&signed)));
    let folder = tempfile::tempdir().unwrap();
    let (plain, locked) = (folder.path().join("plain.pdf"), folder.path().join("locked.pdf"));
    std::fs::write(&plain, builder::form()).unwrap();
    testkit::tools::run_ok(
        "qpdf",
        ["--encrypt", "geheim", "chef", "256", "--", plain.to_str().unwrap(), locked.to_str().unwrap()]
            .map(std::ffi::OsStr::new),
    )
    .unwrap();
    let bytes = std::fs::read(&locked).unwrap();
    let options = PdfOptions { password: Some(Password::new("chef")), ..options() };
    let once = signer(KeyKind::P256).sign(&bytes, &profile(options.clone())).unwrap();
    let twice = signer(KeyKind::P256).sign(&once, &profile(options)).unwrap();
    let found = lines(&take_apart_with(&twice, "geheim"));
    assert_eq!(
        found.iter().map(|line| (line.is_good(), line.later)).collect::<Vec<_>>(),
        [(true, LaterChanges::Form), (true, LaterChanges::None)],
        "{found:#?}"
    );
    assert!(inspect(&Input::new(&twice, "x.pdf")).is_err(), "without the password");
}

#[test]
fn bytes_before_the_header_and_linearized_files_are_taken_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, linear) = (folder.path().join("plain.pdf"), folder.path().join("linear.pdf"));
    std::fs::write(&plain, invoice(9, &Shape::default())).unwrap();
    let arguments = ["--linearize", "--object-streams=generate", plain.to_str().unwrap(), linear.to_str().unwrap()];
    testkit::tools::run_ok("qpdf", arguments.map(std::ffi::OsStr::new)).unwrap();
    let signed = sign(&sign(&std::fs::read(&linear).unwrap()));
    let found = good(&signed, 2);
    assert_eq!((found[0].revision, found[0].revisions, found[0].later), (2, 3, LaterChanges::Form), "{found:#?}");
    let shifted = sign(&[b"junk before\n", &builder::form()[..]].concat());
    good(&shifted, 1);
    assert!(take_apart(&shifted).notes.iter().any(|note| note.code == "pdf-bytes-before"));
}

#[test]
fn nothing_is_good_that_pyhanko_finds_broken() {
    let folder = tempfile::tempdir().unwrap();
    let signed = sign(&sign(&builder::form()));
    let mut files = Vec::new();
    let spoiled: Vec<Vec<u8>> = testkit::mutate::mutations(std::slice::from_ref(&signed), 11).take(60).collect();
    for (index, bytes) in [signed].iter().chain(&spoiled).enumerate() {
        let path = folder.path().join(format!("{index}.pdf"));
        std::fs::write(&path, bytes).unwrap();
        files.push(path);
    }
    let verdicts = judge::pyhanko_judge(&files, &Pki::shared().root_pem()).unwrap();
    let mut compared = 0;
    for (path, bytes) in files.iter().zip([sign(&sign(&builder::form()))].iter().chain(&spoiled)) {
        let Ok(inspection) = inspect(&Input::new(bytes, "x.pdf")) else { continue };
        for line in lines(&inspection).iter().filter(|line| line.is_good() && line.later != LaterChanges::Other) {
            let of_field = verdicts.iter().filter(|verdict| verdict.file == *path);
            for verdict in of_field.filter(|verdict| verdict.field == line.field && verdict.error.is_none()) {
                assert!(verdict.intact && verdict.valid, "{line:#?} {verdict:?}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 2, "{compared}");
}
