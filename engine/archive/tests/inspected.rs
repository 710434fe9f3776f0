//! Evidence records of other makers, found by `formats` and checked here, against what is known of each: two sets of real
//! files with their outcomes. Everything but trust is judged.

#![allow(clippy::unwrap_used)]

use archive::{ArchiveError, Findings, check_inspected};
use formats::inspect::{Detached, FileKind, Input, Inspection, Integrity, Record, inspect};
use formats::signature::HashAlgorithm;
use proptest::prelude::*;
use std::path::Path;
use testkit::{corpora, tools};

/// Something that a record may be about.
enum Given {
    Document(String, Vec<u8>),
    Digest(HashAlgorithm, Vec<u8>),
}

fn inspected(bytes: &[u8], name: &str, given: &[Given]) -> Inspection {
    let detached: Vec<Detached<'_>> = given
        .iter()
        .map(|given| match given {
            Given::Document(name, bytes) => Detached::Document { name, source: bytes },
            Given::Digest(algorithm, value) => Detached::Digest(*algorithm, value.clone()),
        })
        .collect();
    inspect(&Input { detached: &detached, ..Input::new(&bytes.to_vec(), name) }).unwrap()
}

fn found(bytes: &[u8], name: &str, given: &[Given]) -> Result<Findings, ArchiveError> {
    let inspection = inspected(bytes, name, given);
    assert_eq!(inspection.kind, FileKind::EvidenceRecord, "{name}");
    assert_eq!(
        inspection.notes.is_empty(),
        !given.is_empty() && !name.ends_with("b64"),
        "{name}: {:?}",
        inspection.notes
    );
    check_inspected(&inspection.records[0])
}

/// `valid`, `invalid`, `unknown` (nothing is wrong but that documents are missing), `unreadable`, and why.
fn word(found: &Result<Findings, ArchiveError>) -> (&'static str, String) {
    match found {
        Err(error) => ("unreadable", error.to_string()),
        Ok(findings) => match &findings.since {
            Ok(_) => ("valid", String::new()),
            Err(error @ (ArchiveError::NeedsDigest(_) | ArchiveError::NotListed(_))) => ("unknown", error.to_string()),
            Err(error) => ("invalid", error.to_string()),
        },
    }
}

fn base64(text: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [file, out] = ["text", "out"].map(|name| folder.path().join(name));
    std::fs::write(&file, text).unwrap();
    let mut command = std::process::Command::new("openssl");
    command.args(["base64", "-d", "-A", "-in"]).arg(&file).arg("-out").arg(&out);
    tools::ok("openssl", &mut command).unwrap();
    std::fs::read(out).unwrap()
}

/// What a row of the table gives beside the record: names of files, and texts or digests in JSON.
fn given(folder: &Path, files: &str, inline: &str) -> Vec<Given> {
    let mut all = Vec::new();
    for name in files.split('|').filter(|name| !name.is_empty() && *name != "dynamic") {
        all.push(Given::Document(name.to_owned(), std::fs::read(folder.join(name)).unwrap()));
    }
    if inline.is_empty() {
        return all;
    }
    let values: Vec<serde_json::Value> = serde_json::from_str(inline).unwrap();
    for value in values {
        let name = value["name"].as_str().unwrap_or("unnamed").to_owned();
        all.push(match value["text"].as_str() {
            Some(text) => Given::Document(name, text.as_bytes().to_vec()),
            None => {
                let algorithm = match value["digest"].as_str().unwrap() {
                    "SHA256" => HashAlgorithm::Sha256,
                    "SHA512" => HashAlgorithm::Sha512,
                    other => panic!("{other}"),
                };
                Given::Digest(algorithm, base64(value["value_b64"].as_str().unwrap()))
            }
        });
    }
    all
}

/// How a row is to be called, `None`: as its label says.
type Deviation = (&'static str, &'static str, &'static str);

fn compare(
    label: &str,
    path: &str,
    deviations: &[Deviation],
    result: &Result<Findings, ArchiveError>,
) -> Option<String> {
    let deviation = deviations.iter().find(|(file, of, _)| path.ends_with(file) && label == *of);
    let expected = match (deviation, label) {
        (Some((_, _, expected)), _) => *expected,
        (None, "er-valid" | "valid" | "review:er-valid") => "valid",
        (None, label) if label.starts_with("er-indeterminate") => "unknown",
        (None, _) => "invalid",
    };
    let (word, why) = word(result);
    (word != expected).then(|| format!("{path} ({label}): {word} instead of {expected}: {why}"))
}

/// DSS calls a record that names other documents than the one given invalid; the table has `er-review` where its test
/// asserts several things.
const OF_DSS: [Deviation; 6] = [
    // Nothing says that the document given was changed: it is not among those of the record.
    ("er-asn1-simple.ers", "er-invalid", "unknown"),
    // One of two documents, and none of two, is in the record.
    ("BIN-1_ER.ers", "er-review", "unknown"),
    // The time stamp of the new chain was copied, or is over another hash.
    ("er-chain-renewal-copied-tst.xml", "er-review", "invalid"),
    ("er-chain-renewal-no-hashtree.xml", "er-review", "invalid"),
    // Its data is made by the test of DSS and not in the set.
    ("er-tst-renewal.xml", "er-valid", "unknown"),
    ("er-no-hashtree.xml", "er-indeterminate(data not supplied)", "unknown"),
];

#[test]
fn records_of_dss_are_judged_as_dss_does() {
    let Some(folder) = corpora::corpora("dss-ades") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in table.lines().skip(1) {
        let column: Vec<&str> = line.split('\t').collect();
        if !column[1].starts_with("er-") {
            continue;
        }
        let mut path = column[0];
        let mut given = given(&folder, column[11], column[13]);
        if !column[12].is_empty() {
            given = vec![Given::Document(path.to_owned(), std::fs::read(folder.join(path)).unwrap())];
            path = column[12];
        }
        let bytes = std::fs::read(folder.join(path)).unwrap();
        count += 1;
        wrong.extend(compare(column[1], path, &OF_DSS, &found(&bytes, path, &given)));
    }
    assert!(count == 40 && wrong.is_empty(), "{count} records, {wrong:#?}");
}

/// Documents that lie beside records in the set, though its table does not say so.
const BESIDE: [(&str, &str); 3] = [
    ("ervt/bin/ER_DOUBLE_HASHED_FOR_TXT_DATA.ers", "ervt/bin/TXT_DATA.txt.b64"),
    ("ervt/bin/ER_SHA256-DGN_XAIP_OK_SC1.ers", "ervt/bin/TXT_DATA.txt.b64"),
    ("ervt/bin/example.ers.b64", "ervt/bin/example.tif.b64"),
];

/// The version of its SignedData is not 3, on which nothing depends; what is wrong with the other one are certificates.
const OF_THE_BSI: [Deviation; 3] = [
    ("example_wrong_cms_version.ers.b64", "er-invalid", "unknown"),
    ("example_invalidTSPs.ers.b64", "review:er-invalid", "unknown"),
    ("er_nok_wrong_version.er.b64", "review:er-invalid", "unreadable"),
];

/// Where nobody gives the data, the rest of the record is judged. Whole XAIPs are none of ours.
#[test]
fn records_of_the_bsi_and_others_are_judged_as_their_labels_say() {
    let Some(folder) = corpora::corpora("evidence-records") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut records, mut with_data, mut others, mut wrong) = (0, 0, 0, Vec::new());
    for line in table.lines().skip(1) {
        let column: Vec<&str> = line.split('\t').collect();
        let (path, mut data) = (column[0], column[2]);
        let text = std::fs::read_to_string(folder.join(path)).unwrap_or_default();
        if path.ends_with(".txt") || path.ends_with(".xml") && !text.contains("evidenceRecord xmlns") {
            others += 1;
            continue;
        }
        data = BESIDE.iter().find(|(record, _)| *record == path).map_or(data, |(_, beside)| beside);
        let mut given = given(&folder, data, "");
        for document in &mut given {
            if let Given::Document(name, bytes) = document
                && name.ends_with(".b64")
            {
                *bytes = base64(&String::from_utf8_lossy(bytes).split_whitespace().collect::<String>());
            }
        }
        let result = found(&std::fs::read(folder.join(path)).unwrap(), path, &given);
        records += 1;
        let label = column[1];
        if given.is_empty() && word(&result).0 == "unknown" && label.ends_with("valid") && !label.ends_with("invalid") {
            continue;
        }
        with_data += usize::from(!given.is_empty());
        wrong.extend(compare(label, path, &OF_THE_BSI, &result));
    }
    println!("{records} records, {with_data} with their data; {others} XAIPs and others");
    assert!(
        records + others == 85 && with_data == 8 && wrong.is_empty(),
        "{records}, {with_data}, {others}: {wrong:#?}"
    );
}

#[test]
fn what_a_time_stamp_brought_for_its_verification_is_handed_out() {
    let Some(folder) = corpora::corpora("dss-ades") else { return };
    let path = "dss-evidence-record-xml/er-simple-validation-data.xml";
    let findings = found(&std::fs::read(folder.join(path)).unwrap(), path, &[]).unwrap();
    let evidence = &findings.stamps[0].evidence;
    assert_eq!((evidence.certificates.len(), evidence.crls.len(), evidence.ocsp_responses.len()), (2, 1, 1));
    assert_eq!((findings.stamps[0].number, findings.stamps[0].chain), (1, 1));
    assert_eq!(findings.stamps[0].algorithm, Some(HashAlgorithm::Sha256));
}

/// Every change of a record in XML is noticed, but for white space between elements, comments and what is under no hash.
#[test]
fn what_is_changed_in_a_record_in_xml_is_said() {
    let Some(folder) = corpora::corpora("dss-ades") else { return };
    let folder = folder.join("dss-evidence-record-xml");
    let record = std::fs::read_to_string(folder.join("er-chain-renewal-five-atschain.xml")).unwrap();
    let document = Given::Document("x".into(), std::fs::read(folder.join("valid-xades-t.xml")).unwrap());
    let given = [document];
    let judged = |record: &str| word(&found(record.as_bytes(), "r.xml", &given)).0;
    assert_eq!(judged(&record), "valid");
    let replaced = |from: &str, to: &str| {
        assert!(record.contains(from), "{from}");
        record.replacen(from, to, 1)
    };
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let canonical = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments";
    for (expected, changed) in [
        ("unreadable", replaced("Version=\"1.0\"", "Version=\"2.0\"")),
        ("unreadable", replaced("Order=\"2\"", "Order=\"3\"")),
        ("unreadable", replaced("Order=\"2\"", "Order=\"1\"")),
        ("unreadable", replaced("Type=\"RFC3161\"", "Type=\"XMLENTRUST\"")),
        ("unreadable", replaced(sha256, "http://www.w3.org/2001/04/xmldsig-more#md5")),
        ("unreadable", replaced(canonical, "urn:none")),
        (
            "unreadable",
            replaced("<TimeStampToken ", "<TimeStampTokens/><TimeStampToken  Type='RFC3161'/><TimeStampToken "),
        ),
        ("unreadable", replaced("<DigestValue>", "<DigestValue>!")),
        ("invalid", replaced(sha256, "http://www.w3.org/2001/04/xmlenc#sha512")),
        ("invalid", replaced("</TimeStampToken>", "</TimeStampToken><!--x-->")),
        ("invalid", replaced("</ArchiveTimeStampChain>", " </ArchiveTimeStampChain>")),
        ("invalid", replaced("<DigestValue>lX", "<DigestValue>lY")),
    ] {
        assert_eq!(judged(&changed), expected, "{:?}", changed.chars().take(200).collect::<String>());
    }
    // Another document, and the same document written otherwise: the record asks for its canonical form.
    let text = std::fs::read_to_string(folder.join("valid-xades-t.xml")).unwrap();
    for (expected, text) in [("valid", text.replace("?>", " ?>")), ("invalid", text.replacen("</", "x</", 1))] {
        let given = [Given::Document("x".into(), text.into_bytes())];
        assert_eq!(word(&found(record.as_bytes(), "r.xml", &given)).0, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_records_never_panic(seed in any::<u64>()) {
        if let Some(folder) = corpora::corpora("dss-ades") {
            let names = ["dss-evidence-record-xml/er-chain-renewal.xml", "dss-evidence-record-asn1/er-asn1-full-renewal.ers"];
            let seeds: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect();
            for changed in testkit::mutate::mutations(&seeds, seed).take(8) {
                let input = changed.to_vec();
                if let Ok(inspection) = inspect(&Input::new(&input, "")) {
                    inspection.records.iter().for_each(|record| drop(check_inspected(record)));
                }
                let record = Record { name: None, xml: seed % 2 == 0, bytes: input.into(), objects: Vec::new(), manifest: Vec::new(), covers: Vec::new(), signatures: Vec::new() };
                let _ = check_inspected(&record);
            }
        }
    }
}

/// How a record in a container is to be called if not valid, and why.
const IN_CONTAINERS: [(&str, &str); 13] = [
    // A hash tree of the second chain lacks a file, or has another hash of it.
    ("cades-lt-with-er-chain-renewed-invalid-ref.sce", "unknown"),
    ("cades-lt-with-er-chain-renewed-missed-ref.sce", "unknown"),
    // The manifest has other digests than the record, or more files.
    ("cades-lt-with-er-multi-files-different-algo.sce", "manifest"),
    ("cades-lt-with-er-unsigned-manifest-entries.sce", "unknown"),
    // There is no manifest, or none for this record.
    ("er-asn1-full-renewal-no-manifest.asice", "unknown"),
    ("er-asn1-tst-renewal-no-manifest.asice", "unknown"),
    ("er-no-hashtree-xml-manifest-wrong-sig-ref.sce", "unknown"),
    ("er-asn1-incorrect-hash.asice", "invalid"),
    // A file of the manifest is not there, or has another digest.
    ("er-multi-file-data-not-found.asice", "unknown"),
    ("er-no-hashtree-xml-manifest-canonicalized.sce", "manifest"),
    // In ASiC-S the manifest counts for nothing, and the record is about the signature.
    ("xades-lta-with-er-hashtree.scs", "invalid"),
    // Records inside of signatures, which are judged with those.
    ("cades-ers.sce", "inside"),
    ("asic-xades-ers.scs", "inside"),
];

#[test]
fn records_in_containers_of_dss_are_judged_as_dss_does() {
    let Some(folder) = corpora::corpora("dss-ades") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in table.lines().skip(1).filter(|line| line.starts_with("dss-asic") && line.contains("evidencerecord/")) {
        let path = line.split('\t').next().unwrap();
        let name = path.rsplit('/').next().unwrap();
        let expected = IN_CONTAINERS.iter().find(|(file, _)| *file == name).map_or("valid", |(_, expected)| expected);
        let bytes = std::fs::read(folder.join(path)).unwrap();
        let found = inspect(&Input::new(&bytes, name)).unwrap();
        assert!(!found.records.is_empty(), "{name}");
        for record in found.records.iter().filter(|_| expected != "inside") {
            let result = check_inspected(record);
            let manifest = record.manifest.iter().all(|covered| covered.integrity == Integrity::Intact);
            let found = match word(&result).0 {
                "valid" if !manifest => "manifest",
                word => word,
            };
            count += 1;
            if found != expected {
                wrong.push(format!("{name}: {found} instead of {expected}, {:?}", word(&result)));
            }
        }
    }
    assert!(count == 31 && wrong.is_empty(), "{count} records, {wrong:#?}");
}
