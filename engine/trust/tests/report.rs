//! Reports of every kind round all renderings. What comes out is judged by programs that we did not write.
#![allow(clippy::unwrap_used)]

mod report_support;

use report_support::*;
use trust::report::json::{self, Evidence};
use trust::report::{status, *};

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
    let report = hostile(&"ä<\u{202e}".repeat(3_500_000));
    let written = json::of(&report, Evidence::Named).to_string();
    assert!(written.len() < 400_000, "{}", written.len());
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
    assert_eq!(written.matches("\"kind\"").count(), 1 + model::limits::INSPECTION_NESTING_MAX);
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
