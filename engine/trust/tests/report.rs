//! Reports of every kind round all renderings. What comes out is judged by programs that we did not write.
#![allow(clippy::unwrap_used)]

mod report_support;

use report_support::*;
use std::collections::BTreeSet;
use std::path::Path;
use testkit::tools;
use trust::report::json::{self, Evidence};
use trust::report::language::Language;
use trust::report::{etsi, html, pdf, status, *};

const LANGUAGES: [Language; 2] = [Language::English, Language::German];

#[test]
fn json_says_what_the_report_says() {
    for (what, report) in samples() {
        let written = json::of(&report, Evidence::Named).to_string();
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(read["signatures"].as_array().unwrap().len(), report.signatures.len(), "{what}");
        assert_eq!(read["nested"].as_array().unwrap().len(), report.nested.len(), "{what}");
        assert_eq!(read["objects"].as_array().unwrap().len(), report.objects.len(), "{what}");
        assert_eq!(read["overall"].as_str(), report.overall().map(word::indication), "{what}");
        for (read, signature) in read["signatures"].as_array().unwrap().iter().zip(&report.signatures) {
            assert_eq!(read["intact"], signature.intact, "{what}");
            assert_eq!(read["sub_indication"].as_str(), signature.conclusion.sub_indication.map(SubIndication::word));
            assert_eq!(read["reason"].is_null(), signature.conclusion.is_passed(), "{what}");
        }
        assert!(!written.contains('\u{202e}') && !written.contains('\0'), "{what}");
    }
}

#[test]
fn json_has_the_words_that_programs_rely_on() {
    let all = samples();
    let find = |name: &str| {
        let report = &all.iter().find(|(what, _)| *what == name).unwrap().1;
        serde_json::from_str::<serde_json::Value>(&format!("{:#}", json::of(report, Evidence::Included))).unwrap()
    };
    let good = find("good");
    let signature = &good["signatures"][0];
    assert_eq!(good["sha256"], "ab".repeat(32));
    assert_eq!((&good["kind"], &good["validation_time"]), (&"pdf".into(), &"2026-04-11T00:00:00Z".into()));
    assert_eq!((&signature["format"], &signature["level"]), (&"pades".into(), &"B-LTA".into()));
    assert_eq!(signature["indication"], "TOTAL-PASSED");
    assert_eq!((&signature["coverage"], &signature["later_changes"]), (&"whole-revision".into(), &"lta".into()));
    assert_eq!(signature["best_signature_time"], "2026-01-11T00:00:00Z");
    assert_eq!(signature["signer"]["path"].as_array().unwrap().len(), 3);
    assert_eq!(signature["signer"]["revocation"][0]["status"], "good");
    assert_eq!(signature["stamps"][0]["indication"], "PASSED");
    assert_eq!(good["timestamps"][0]["kind"], "document");
    assert_eq!(good["objects"][3]["kind"], "ocsp-response");
    assert_eq!(good["objects"][0]["bytes"].as_str().unwrap().len(), 56);
    assert_eq!(find("changed")["signatures"][0]["indication"], "TOTAL-FAILED");
    let revoked = find("revoked");
    assert_eq!(revoked["signatures"][0]["indication"], "INDETERMINATE");
    assert_eq!(revoked["signatures"][0]["coverage"], "the whole document");
    assert_eq!(revoked["signatures"][1]["counter_signs"], 0);
    let status = &revoked["signatures"][0]["signer"]["revocation"][0];
    assert_eq!(
        (&status["revoked_at"], &status["revocation_reason"]),
        (&"2026-01-06T00:00:00Z".into(), &"keyCompromise".into())
    );
    assert_eq!(find("records")["evidence_records"][0]["form"], "rfc6283");
    assert!(find("nothing")["overall"].is_null());
}

#[test]
fn every_rendering_is_bounded_however_long_the_texts_are() {
    let folder = tempfile::tempdir().unwrap();
    let report = hostile(&"ä<\u{202e}".repeat(3_500_000));
    let check = |what: &str, length: usize| assert!(length < 600_000, "{what}: {length}");
    check("json", json::of(&report, Evidence::Named).to_string().len());
    let written = etsi::of(&report, Evidence::Included);
    check("etsi", written.len());
    well_formed(folder.path(), "long.xml", &written);
    for language in LANGUAGES {
        check("html", html::of(&report, language).len());
        let written = pdf::of(&report, language).unwrap();
        check("pdf", written.len());
        sound(folder.path(), "long.pdf", &written);
    }
}

#[test]
fn deep_nesting_ends() {
    let mut report = empty("0", formats::inspect::FileKind::Mail);
    for depth in 1..1_000 {
        let mut outer = empty(&depth.to_string(), formats::inspect::FileKind::Mail);
        outer.nested.push(report);
        report = outer;
    }
    let written = json::of(&report, Evidence::Named).to_string();
    assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
    let levels = 1 + model::limits::INSPECTION_NESTING_MAX;
    assert_eq!(written.matches("\"kind\"").count(), levels);
    assert_eq!(html::of(&report, Language::English).matches("<h1>").count(), levels);
    assert!(etsi::of(&report, Evidence::Named).contains("noSignatureFound"));
    assert!(pdf::of(&report, Language::German).unwrap().starts_with(b"%PDF-1.7"));
}

/// xmllint finds nothing wrong.
fn well_formed(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    tools::run_ok("xmllint", ["--noout", "--huge", file.to_str().unwrap()]).unwrap();
}

/// qpdf finds nothing wrong; gives the text as poppler reads it.
fn sound(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let file = folder.join(name);
    std::fs::write(&file, bytes).unwrap();
    let (structure, said) = testkit::judge::qpdf_check(&file, None).unwrap();
    assert_eq!(structure, testkit::judge::Structure::Clean, "{name}: {said}");
    let facts = tools::run_ok("pdfinfo", [file.to_str().unwrap()]).unwrap();
    assert!(facts.contains("A4"), "{facts}");
    let fonts = tools::run_ok("pdffonts", [file.to_str().unwrap()]).unwrap();
    let font = fonts.lines().nth(2).unwrap();
    // Embedded, a subset, with a way back to Unicode.
    assert!(fonts.lines().count() == 3 && font.contains("+DejaVuSans") && font.contains("yes yes yes"), "{fonts}");
    tools::run_ok("pdftotext", ["-layout", file.to_str().unwrap(), "-"]).unwrap()
}

#[test]
fn the_validation_report_is_whole_and_every_reference_in_it_leads_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    let keep = std::env::var_os("REPORT_SAMPLES");
    let folder = keep.as_deref().map_or(folder.path(), Path::new);
    for (at, (what, report)) in samples().into_iter().enumerate() {
        let evidence = if at % 2 == 0 { Evidence::Named } else { Evidence::Included };
        let written = etsi::of(&report, evidence);
        well_formed(folder, &format!("{at}.xml"), &written);
        let document = formats::xml::tree::Document::parse(written.as_bytes()).unwrap();
        let (mut ids, mut references) = (BTreeSet::new(), Vec::new());
        for node in document.subtree(document.root_element()) {
            if let Some(id) = document.attribute(node, "", "id") {
                assert!(ids.insert(id.to_owned()), "{what}: {id} twice");
            }
            references
                .extend(document.attribute(node, "", "VOReference").unwrap_or_default().split(' ').map(str::to_owned));
        }
        references.retain(|reference| !reference.is_empty());
        assert_eq!(report.objects.is_empty(), references.is_empty(), "{what}");
        let lost: Vec<_> = references.iter().filter(|reference| !ids.contains(*reference)).collect();
        assert!(lost.is_empty(), "{what}: {lost:?}");
        let root = document.name(document.root_element()).unwrap();
        assert!(root.is(etsi::NAMESPACE, "ValidationReport"), "{what}");
        let signature =
            document.child_named(document.root_element(), etsi::NAMESPACE, "SignatureValidationReport").unwrap();
        let status = document.child_named(signature, etsi::NAMESPACE, "SignatureValidationStatus").unwrap();
        let main = document.child_named(status, etsi::NAMESPACE, "MainIndication").unwrap();
        let expected = match report.signatures.first().map(|signature| signature.conclusion.indication) {
            Some(Indication::Passed) => "total-passed",
            Some(Indication::Failed) => "total-failed",
            Some(Indication::Indeterminate) => "indeterminate",
            None => "noSignatureFound",
        };
        assert!(document.string_value(main).ends_with(expected), "{what}");
        let sub = document.child_named(status, etsi::NAMESPACE, "SubIndication");
        let sub = sub.map(|sub| document.string_value(sub).rsplit(':').next().unwrap().to_owned());
        let expected = report.signatures.first().and_then(|signature| signature.conclusion.sub_indication);
        assert_eq!(sub.as_deref(), expected.map(SubIndication::word), "{what}");
    }
}

#[test]
fn pages_say_plainly_what_came_out_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let keep = std::env::var_os("REPORT_SAMPLES");
    let folder = keep.as_deref().map_or(folder.path(), Path::new);
    for (at, (what, report)) in samples().into_iter().enumerate() {
        for language in LANGUAGES {
            let page = html::of(&report, language);
            let name = format!("{at}-{}", language.tag());
            std::fs::write(folder.join(format!("{name}.html")), &page).unwrap();
            let text = sound(folder, &format!("{name}.pdf"), &pdf::of(&report, language).unwrap());
            let number = if language == Language::German { "Seite 1 von" } else { "Page 1 of" };
            assert!(text.contains(number), "{what}: {text}");
            let verdict = match (report.overall(), language) {
                (None, Language::English) => "Nothing signed",
                (None, Language::German) => "Nichts unterschrieben",
                (Some(Indication::Passed), Language::English) => "Everything is valid",
                (Some(Indication::Passed), Language::German) => "Alles gültig",
                (Some(Indication::Failed), Language::English) => "Not valid",
                (Some(Indication::Failed), Language::German) => "Nicht gültig",
                (Some(Indication::Indeterminate), Language::English) => "Cannot be decided",
                (Some(Indication::Indeterminate), Language::German) => "Nicht entscheidbar",
            };
            assert!(page.contains(verdict) && text.contains(verdict), "{what}: {verdict}");
            for signature in &report.signatures {
                if let Some(sub) = signature.conclusion.sub_indication {
                    assert!(page.contains(sub.word()), "{what}");
                    assert!(page.contains("because of") == (what != "hostile"), "{what}");
                }
            }
            // Well-formed but for the elements that HTML does not close.
            let strict = page.replace("<!DOCTYPE html>", "");
            let strict = strict.lines().filter(|line| !line.starts_with("<meta")).collect::<Vec<_>>().join("\n");
            well_formed(folder, "strict.html.tmp", &strict);
        }
    }
}

#[test]
fn a_good_signature_reads_well() {
    let folder = tempfile::tempdir().unwrap();
    let report = &samples()[0].1;
    let text = sound(folder.path(), "good.pdf", &pdf::of(report, Language::German).unwrap());
    for expected in [
        "Prüfbericht: vertrag.pdf",
        "1 von 1 Signaturen sind gültig.",
        "Erika Mustermann, Musterfirma GmbH (qualifiziertes Zertifikat)",
        "11.01.2026, 00:00:00 Uhr UTC (durch Zeitstempel)",
        "10.01.2026, 00:00:00 Uhr UTC (unbewiesen)",
        "Köln",
        "Freigabe & Prüfung",
        "TOTAL-PASSED",
        "nicht gesperrt",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let page = html::of(report, Language::English);
    for expected in
        ["1 of 1 signatures are valid.", "2026-01-11 00:00:00 UTC (by a time stamp)", "Freigabe &amp; Prüfung"]
    {
        assert!(page.contains(expected), "{expected}");
    }
}

#[test]
fn foreign_text_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let report = hostile(HOSTILE);
    for language in LANGUAGES {
        let page = html::of(&report, language);
        assert!(!page.contains("<script") && !page.contains("<b>") && page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains('\u{202e}') && !page.contains('\0'));
        let text = sound(folder.path(), "hostile.pdf", &pdf::of(&report, language).unwrap());
        assert!(text.contains("ÄÖÜß") && !text.contains('\u{202e}'), "{text}");
    }
    let written = etsi::of(&report, Evidence::Named);
    assert!(!written.contains("<script") && !written.contains("<b>") && !written.contains('\0'), "{written}");
}

#[test]
fn every_check_of_the_policy_has_a_name_for_people() {
    let mut report = samples().remove(0).1;
    let rules = trust::policy::Rule::ALL;
    report.signatures[0].checks = rules.iter().map(|rule| check(rule.name(), CheckStatus::Passed)).collect();
    for language in LANGUAGES {
        let page = html::of(&report, language);
        let raw: Vec<_> = rules.iter().filter(|rule| page.contains(&format!("<bdi>{}</bdi>", rule.name()))).collect();
        assert!(raw.is_empty(), "{raw:?}");
    }
}

#[test]
fn older_clients_get_their_numbers() {
    let check = |report: &Report, result: i32, outcome: &str| {
        let status = status::of(report);
        assert_eq!((status.result, status.outcome.word()), (result, outcome));
    };
    for (what, report) in samples() {
        match what {
            "good" | "mail" => check(&report, 1, "valid"),
            "changed" | "HASH_FAILURE" => check(&report, -11, "data-mismatch"),
            "revoked" | "REVOKED" | "REVOKED_NO_POE" => check(&report, -22, "certificate-revoked"),
            "SIG_CRYPTO_FAILURE" => check(&report, -1, "signature-invalid"),
            "FORMAT_FAILURE" => check(&report, -26, "decode-failed"),
            "SIGNED_DATA_NOT_FOUND" => check(&report, -11, "no-data"),
            "CRYPTO_CONSTRAINTS_FAILURE_NO_POE" => check(&report, -1, "algorithm-expired"),
            "NO_CERTIFICATE_CHAIN_FOUND" | "hostile" => check(&report, -22, "certificate-invalid"),
            "time stamp" => check(&report, 1, "time-stamp-valid"),
            "records" => check(&report, -1, "time-stamp-invalid"),
            "nothing" => check(&report, -29, "unsigned"),
            _ => assert_ne!(status::of(&report).result, 1, "{what}"),
        }
    }
    let mut renewed = samples().remove(0).1;
    renewed.signatures[0].basic = failed(SubIndication::OutOfBoundsNoPoe);
    check(&renewed, 1, "valid-renewed");
    assert_eq!(status::document_type(formats::inspect::FileKind::Pdf), 4);
    assert_eq!(status::format_type(formats::inspect::SignatureFormat::Cades, true), 5);
    assert_eq!(status::format_type(formats::inspect::SignatureFormat::Cades, false), 0);
}
