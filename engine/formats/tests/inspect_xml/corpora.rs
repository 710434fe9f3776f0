//! Files of others with the verdicts of others. Where we think otherwise, each file is named with the reason.

use crate::signing::Files;
use crate::support::{taken_apart, wrong};
use formats::Source;
use formats::inspect::{Integrity, SignerReference};
use std::path::Path;
use std::sync::Arc;

fn rows(folder: &Path) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    table.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Rows of the reference implementation that we judge otherwise, each with the reason.
const DEVIATIONS: [(&str, &str); 4] = [
    ("dss-xades/sample.xml", "there is no signature in it"),
    (
        "dss-xades/validation/dss2011/xades-detached.xml with dss-xades/sample.png;dss-xades/sample.xml",
        "the file that was signed is there, beside another one",
    ),
    (
        "dss-xades/validation/xades-unsupported-signature-algorithm.xml",
        "its method is the object identifier of a curve, with which nobody can check a value",
    ),
    (
        "dss-xades/validation/xsw/disable-checks.xml",
        "of its two rows one says valid: an element signed by its Id, where it stands, and nothing was moved",
    ),
];

#[test]
fn files_of_the_reference_implementation_are_judged_as_by_itself() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    let (mut right, mut consensus, mut otherwise) = (0, 0, Vec::new());
    for row in rows(&folder) {
        let column = |at: usize| row.get(at).map_or("", String::as_str);
        let (path, expected, handed_in) = (column(0), column(1), column(11));
        if !path.starts_with("dss-xades") || !path.ends_with(".xml") || expected == "unchecked" {
            continue;
        }
        if handed_in.contains("dynamic") || column(13).starts_with('[') {
            continue; // what was signed is not a file; one such row has a test of its own
        }
        let names = handed_in.split(';').filter(|name| !name.is_empty());
        let beside: Vec<(String, Vec<u8>)> = names
            .map(|name| (name.rsplit('/').next().unwrap().to_owned(), std::fs::read(folder.join(name)).unwrap()))
            .collect();
        let beside: Vec<_> = beside.iter().map(|(name, bytes)| (name.as_str(), bytes as &dyn Source)).collect();
        let found = taken_apart(&std::fs::read(folder.join(path)).unwrap(), &beside, &[]);
        let signatures = found.map(|found| found.signatures).unwrap_or_default();
        let broken: Vec<bool> = signatures.iter().map(|signature| !wrong(signature).is_empty()).collect();
        let as_they_say = match expected {
            "valid" => !broken.is_empty() && !broken.contains(&true),
            "partly-invalid" => broken.contains(&true) && broken.contains(&false),
            _ => broken.contains(&true) || broken.is_empty(),
        };
        match as_they_say {
            true => {
                right += 1;
                consensus += usize::from(column(3) == "yes");
            }
            false => {
                assert_ne!(column(3), "yes", "{path}: {:?}", signatures.iter().map(wrong).collect::<Vec<_>>());
                otherwise.push(if handed_in.is_empty() { path.to_owned() } else { format!("{path} with {handed_in}") });
            }
        }
    }
    eprintln!("{right} as they say, {consensus} of them agreed by another program; otherwise: {otherwise:#?}");
    otherwise.dedup();
    assert_eq!(otherwise, DEVIATIONS.map(|(path, _)| path));
    assert!(right >= 85 && consensus >= 60, "{right} {consensus}");
}

/// Time stamps whose imprint is wrong on purpose, by file.
const WRONG_STAMPS: [(&str, usize); 8] = [
    ("dss-xades/validation/Signature-X-RO_TRA-4.xml", 1),
    ("dss-xades/validation/dss3732/xades-enveloped-arcTst132-no-objects.xml", 1),
    ("dss-xades/validation/signing-cert-multiple-refs-sig.xml", 1),
    ("dss-xades/validation/xades-counter-sig-copied-sigtst.xml", 1),
    ("dss-xades/validation/xades-lta-copied-atst.xml", 1),
    ("dss-xades/validation/xades-lta-corrupted-cert.xml", 1),
    ("dss-xades/validation/xades-two-sig-copied-tst.xml", 1),
    ("dss-xades/validation/xades-x-level-wrong-sigAndRefsTstVersion.xml", 1),
];

#[test]
fn time_stamps_of_others_are_over_what_they_should_be_over() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    let (mut intact, mut wrong) = (0, Vec::new());
    for path in testkit::corpora::files_below(&folder.join("dss-xades"), "xml") {
        let Ok(found) = taken_apart(&std::fs::read(&path).unwrap(), &[], &[]) else { continue };
        let stamps = found.signatures.iter().flat_map(|signature| &signature.stamps);
        let mut changed = 0;
        for stamp in stamps {
            assert!(stamp.faults.is_empty());
            match &stamp.imprint {
                Integrity::Intact => intact += 1,
                Integrity::Missing(_) => {}
                Integrity::Changed => changed += 1,
                // It names references to some of the data which are not there.
                Integrity::Refused(reason) => {
                    assert!(
                        path.ends_with("Signature-X-CZ_ICZ-1.xml") && reason.code == "time-stamp-include",
                        "{reason}"
                    );
                }
            }
        }
        if changed > 0 {
            wrong.push((path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned(), changed));
        }
    }
    wrong.sort();
    assert_eq!(wrong, WRONG_STAMPS.map(|(path, count)| (path.to_owned(), count)));
    assert_eq!(intact, 67);
}

#[test]
fn signers_are_told_by_the_signed_reference() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    let reference = |name: &str| {
        let file = std::fs::read(folder.join("dss-xades/validation").join(name)).unwrap();
        taken_apart(&file, &[], &[]).unwrap().signatures.remove(0).reference
    };
    for name in ["xades-wrong-sign-cert-digest.xml", "xades-sign-cert-v2-wrong-digest.xml", "dss-2506.xml"] {
        assert_eq!(reference(name), SignerReference::Differs, "{name}");
    }
    let differs = |name: &str| matches!(reference(name), SignerReference::Matches { issuer_differs: true, .. });
    for name in
        ["dss3758/xades-bes-issuer-linebreaks.xml", "dss3758/xades-bes-issuer-linebreaks-end-cr.xml", "dss-2293.xml"]
    {
        assert!(!differs(name), "{name}");
    }
    assert!(differs("xades-extended-xl.xml"));
}

#[test]
fn records_in_signatures_come_with_the_digests_of_what_they_are_over() {
    let Some(folder) = testkit::corpora::corpora("dss-ades") else { return };
    let of = |name: &str| {
        let file = std::fs::read(folder.join("dss-xades/validation/evidence-record").join(name)).unwrap();
        taken_apart(&file, &[], &[]).unwrap().records
    };
    for (name, records, objects) in [
        ("X-E-ERS-basic-asn1.xml", 1, 5),
        ("X-E-ERS-basic-chain-renewal.xml", 1, 5),
        ("X-E-ERS-two-ers.xml", 2, 5),
        ("X-E-ERS-two-parallel-ers.xml", 2, 5),
        ("X-E-ERS-with-counter-sig.xml", 1, 11),
    ] {
        let found = of(name);
        assert_eq!((found.len(), found[0].objects.len()), (records, objects), "{name}");
        assert!(found.iter().all(|record| !record.covers.is_empty() && record.signatures == [0]));
        assert!(found.iter().flat_map(|record| &record.objects).all(|object| !object.digests.is_empty()), "{name}");
    }
    assert_eq!(of("X-E-ERS-basic-chain-renewal.xml")[0].objects[0].digests.len(), 2);
}

#[test]
fn the_vectors_of_the_w3c_are_right_where_their_algorithms_are_allowed() {
    let Some(folder) = testkit::corpora::corpora("xmldsig-interop") else { return };
    let certificates: Vec<Arc<[u8]>> =
        testkit::corpora::files_below(&folder.join("merlin-xmldsig-twenty-three"), "der")
            .iter()
            .map(|path| std::fs::read(path).unwrap().into())
            .collect();
    let mut right = 0;
    for row in rows(&folder) {
        let (path, keys) = (&row[0], &row[4]);
        let not_judged = match path.as_str() {
            _ if keys.contains("hmac") => Some("HMAC: whoever can check it can make it"),
            "merlin-xmldsig-twenty-three/signature.xml" => Some("a document type declaration, and XSLT"),
            "merlin-c14n-three/signature.xml" | "merlin-xpath-filter2-three/sign-spec.xml" => {
                Some("references whose expressions choose nothing")
            }
            _ => None,
        };
        let year = if path.ends_with("signature-x509-crt-crl.xml") { 2018 } else { 2005 };
        let external = |name: &str| std::fs::read(folder.join("external-data").join(name)).unwrap();
        let files = Files(vec![
            ("http://www.w3.org/TR/xml-stylesheet".to_owned(), external(&format!("xml-stylesheet-{year}"))),
            ("http://www.w3.org/Signature/2002/04/xml-stylesheet.b64".to_owned(), external("xml-stylesheet-2005.b64")),
        ]);
        let beside: Vec<_> = files.0.iter().map(|(name, bytes)| (name.as_str(), bytes as &dyn Source)).collect();
        let found = taken_apart(&std::fs::read(folder.join(path)).unwrap(), &beside, &certificates);
        let signatures = found.map(|found| found.signatures).unwrap_or_default();
        let is_right = !signatures.is_empty() && signatures.iter().all(|signature| wrong(signature).is_empty());
        match not_judged {
            Some(why) => assert!(!is_right, "{path} should be refused: {why}"),
            None => {
                let said: Vec<_> = signatures.iter().flat_map(wrong).collect();
                assert_eq!(is_right, row[1] == "valid", "{path}: {said:?}");
                right += 1;
            }
        }
    }
    assert_eq!(right, 15);
}
