//! Messages of other makers with outcomes that others state: the sets of the European reference implementation and of
//! S/MIME. Rows on which two others agree are hard.

use super::look::{is_good, is_intact, look, told};
use formats::inspect::{Detached, FileKind, Inspection};
use formats::signature::HashAlgorithm;
use std::path::Path;
use testkit::corpora::corpora;

/// What belongs to a row: documents and digests.
struct Beside {
    documents: Vec<(String, Vec<u8>)>,
    digests: Vec<Vec<u8>>,
}

impl Beside {
    fn of(folder: &Path, file: &str, inline: &str) -> Self {
        let mut found = Self { documents: Vec::new(), digests: Vec::new() };
        if !file.is_empty() {
            found.documents.push((file.into(), std::fs::read(folder.join(file)).unwrap()));
        }
        if !inline.is_empty() {
            let all: serde_json::Value = serde_json::from_str(inline).unwrap();
            for given in all.as_array().unwrap() {
                match given["text"].as_str() {
                    Some(text) => found.documents.push(("inline".into(), text.as_bytes().to_vec())),
                    None => {
                        let digest = given["value_b64"].as_str().or(given["value_fromBase64"].as_str()).unwrap();
                        found.digests.push(openssl::base64::decode_block(digest).unwrap());
                    }
                }
            }
        }
        found
    }

    fn detached(&self) -> Vec<Detached<'_>> {
        let documents = self.documents.iter().map(|(name, bytes)| Detached::Document { name, source: bytes });
        let digests = self.digests.iter().map(|digest| Detached::Digest(HashAlgorithm::Sha256, digest.clone()));
        documents.chain(digests).collect()
    }
}

/// Rows of the reference implementation where we say something else than its tests, and why.
const OTHERWISE: [(&str, &str); 2] = [
    (
        "dss-cades/validation/Signature-C-DE_CRY-4.p7m",
        "stated invalid, but openssl and we find signature and content right; its time stamp is no token at all",
    ),
    (
        "dss-cades/validation/no-key-info-cert.pkcs7",
        "the signer's certificate is not in it; the reference implementation was given it by its test",
    ),
];

#[test]
fn cades_of_the_reference_implementation() {
    let Some(folder) = corpora("dss-ades") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut hard, mut soft, mut wrong, mut records) = (0, 0, Vec::new(), 0);
    for row in table.lines().filter(|row| row.starts_with("dss-cades/")) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [path, expected, count, consensus] = columns[..4] else { panic!("{row}") };
        let bytes = std::fs::read(folder.join(path)).unwrap();
        let beside = Beside::of(&folder, columns[11], columns[13]);
        let inspection = look(&bytes, &beside.detached()).unwrap();
        if let Ok(count) = count.parse::<usize>() {
            assert_eq!(inspection.signatures.len(), count, "{path}");
        }
        assert!(!inspection.signatures.is_empty(), "{path}");
        let good = inspection.signatures.iter().all(is_good);
        if good != (expected == "valid") {
            wrong.push((path.to_owned(), consensus == "yes", told(&inspection)));
        }
        if consensus == "yes" {
            hard += 1
        } else {
            soft += 1
        }
        records += records_are_over_what_they_say(path, columns[6], &inspection);
    }
    println!("{hard} hard rows, {soft} others, {} otherwise, {records} records", wrong.len());
    assert!(hard > 40 && records > 10, "{hard} {records}");
    for (path, is_hard, told) in wrong {
        assert!(!is_hard && OTHERWISE.iter().any(|(known, _)| *known == path), "{path}\n{told}");
    }
}

/// The digest of every data object stands in the record, or in the imprint of its first time stamp, where the reference
/// implementation finds them there.
fn records_are_over_what_they_say(path: &str, evidence: &str, inspection: &Inspection) -> usize {
    let stated_wrong = evidence.contains("ERDigestMatchers=") && !evidence.contains("ERDigestMatchers=valid");
    for record in &inspection.records {
        let has = |digest: &[u8]| record.bytes.windows(digest.len()).any(|window| window == digest);
        let all = record.objects.iter().all(|object| object.digests.iter().any(|digest| has(&digest.value)));
        assert!(all || stated_wrong, "{path}: {:?}", record.objects);
        assert!(!record.covers.is_empty() && !record.signatures.is_empty());
    }
    inspection.records.len()
}

/// Archive time stamps of all three versions, and the others of old.
#[test]
fn time_stamps_of_the_reference_implementation() {
    let Some(folder) = corpora("dss-ades") else { return };
    let folder = folder.join("dss-cades/validation");
    let check = |file: &str, document: Option<&str>, expected: &[(&str, bool)]| {
        let document = document.map(|name| std::fs::read(folder.join(name)).unwrap());
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let detached = document.as_ref().map(|bytes| Detached::Document { name: "document", source: bytes });
        let inspection = look(&bytes, detached.as_slice()).unwrap();
        let found = inspection.signatures.iter().flat_map(|signature| &signature.stamps).map(|stamp| {
            let intact = stamp.token.is_ok() && stamp.imprint == formats::inspect::Integrity::Intact;
            (stamp.name.as_deref().unwrap(), intact)
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "{file}");
    };
    let (signature, c, v2, v3, content) = (
        "signature-time-stamp",
        "CAdES-C-time-stamp",
        "archive-time-stamp-v2",
        "archive-time-stamp-v3",
        "content-time-stamp",
    );
    check("Signature-C-A-XL-1.p7m", None, &[(signature, true), (c, true), (v3, true)]);
    check("dss-1469/cadesLTAwithATv2.sig", Some("dss-1469/screenshot2.png"), &[(v2, true), (signature, true)]);
    check(
        "dss-916/test.txt.signed_Certipost-2048.detached.old.p7s",
        Some("dss-916/test.txt"),
        &[(v2, true), (signature, true)],
    );
    check("cades-ats-v3-wrong-crl.p7s", Some("dss-1469/screenshot2.png"), &[(v3, true), (v2, true), (signature, true)]);
    check("counterSignedLTA.p7s", None, &[(signature, true), (v3, true)]);
    check("cades-lta-duplicated-atst.p7m", None, &[(signature, true), (v3, true), (v3, true)]);
    check("cades-t-copied-sigtst.p7m", None, &[(content, true), (signature, false)]);
    let both = [(content, true), (c, true), (signature, true), (v2, true)];
    check("dss-1619/CAdES-XL-T1-Double-AV2.png.p7m", None, &[both, both].concat());
}

#[test]
fn messages_of_rfc_4134_and_others() {
    let Some(folder) = corpora("smime-mail") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut good, mut bad, mut encrypted) = (0, 0, 0);
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [path, expected] = columns[..2] else { panic!("{row}") };
        let is_plain = [".bin", ".p7m", ".cms"].iter().any(|end| path.ends_with(end));
        let bytes = std::fs::read(folder.join(path)).unwrap();
        // Some of them are mails, whose reader has its own tests.
        if !is_plain || bytes.first() != Some(&0x30) {
            continue;
        }
        // The content of the examples of RFC 4134 (section 2.1), for those of them that are detached.
        let sample = b"This is some sample content.".to_vec();
        let inspection = match look(&bytes, &[Detached::Document { name: "sample", source: &sample }]) {
            Ok(inspection) => inspection,
            Err(error) => panic!("{path}: {error}"),
        };
        match expected {
            "crypto-valid" => {
                let signatures = &inspection.signatures;
                assert!(!signatures.is_empty(), "{path}");
                if path.contains("NoCerts") || path.ends_with("4.6.bin") {
                    // Certificates come from elsewhere; the parameters of the DSA key in 4.6 from its issuer.
                    assert!(!signatures.iter().all(is_good), "{path}");
                } else {
                    assert!(
                        signatures.iter().all(|one| is_intact(one) && one.value.is_ok()),
                        "{path} {}",
                        told(&inspection)
                    );
                    good += 1;
                }
            }
            "certs-only" => {
                assert!(inspection.signatures.is_empty() && !inspection.evidence.certificates.is_empty(), "{path}");
            }
            "decryptable" | "encrypted" => {
                assert_eq!(inspection.kind, FileKind::Encrypted, "{path}");
                encrypted += 1;
            }
            invalid if invalid.starts_with("invalid") => {
                assert!(!inspection.signatures.iter().all(is_good), "{path} {}", told(&inspection));
                bad += 1;
            }
            _ => {}
        }
    }
    println!("{good} good, {bad} bad, {encrypted} encrypted");
    assert!(good >= 7 && bad >= 3 && encrypted >= 4, "{good} {bad} {encrypted}");
}
