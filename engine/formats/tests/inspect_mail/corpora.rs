//! Real mails and what is known about them.

use crate::envelope::Recipient;
use crate::support::*;
use formats::inspect::{Detached, FileKind, Input, Inspection, inspect};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use testkit::corpora::{corpora, files_below};

fn certificate(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let read = openssl::x509::X509::from_pem(&bytes).or_else(|_| openssl::x509::X509::from_der(&bytes));
    read.unwrap().to_der().unwrap()
}

/// Everybody in the set whose key is there.
fn keys(folder: &Path) -> Vec<Recipient> {
    let pairs = [
        ("covert/manager.crt", "covert/manager.key"),
        ("bc/smimeTKcert.pem", "bc/smimeTKkey.pem"),
        ("bc/cert.pem", "bc/key.pem"),
        ("examples-cms/lamps-bob.encrypt.crt", "examples-cms/lamps-bob.decrypt.p8.pem"),
        ("rfc4134/BobRSASignByCarl.cer", "rfc4134/BobPrivRSAEncrypt.pri"),
    ];
    let mut keys = Vec::new();
    for (public, private) in pairs {
        let bytes = std::fs::read(folder.join(private)).unwrap();
        let key = openssl::pkey::PKey::private_key_from_pem_passphrase(&bytes, b"");
        let key = key.or_else(|_| openssl::pkey::PKey::private_key_from_der(&bytes));
        let key = key.or_else(|_| openssl::pkey::PKey::private_key_from_pkcs8(&bytes));
        let Ok(key) = key else { continue };
        keys.push(Recipient { name: public.to_owned(), certificate: certificate(&folder.join(public)), key });
    }
    keys
}

fn apart(folder: &Path, path: &str, bytes: &[u8], keys: &Keys) -> Result<Inspection, String> {
    let further: Vec<Arc<[u8]>> = ["alice", "carlos"]
        .map(|name| certificate(&folder.join(format!("examples-cms/lamps-{name}.crt"))).into())
        .into();
    let original = std::fs::read(folder.join("rfc4134/ExContent.bin")).unwrap();
    let detached = [Detached::Document { name: "ExContent.bin", source: &original }];
    let source = &bytes;
    let input = Input { certificates: &further, opener: Some(keys), ..Input::new(source, path) };
    let input = if path.starts_with("rfc4134") || path.starts_with("examples-cms") {
        Input { detached: &detached, ..input }
    } else {
        input
    };
    inspect(&input).map_err(|error| error.to_string())
}

/// What there is in a file, in a word.
fn outcome(inspection: &Result<Inspection, String>) -> String {
    let inspection = match inspection {
        Ok(inspection) => inspection,
        Err(why) => return format!("refused: {why}"),
    };
    let found = all(inspection);
    let codes = notes(inspection);
    if codes.contains(&"mail-partly-encrypted") || codes.contains(&"mail-encrypted-inside") {
        return "covert".to_owned();
    }
    let opened = if codes.contains(&"decrypted") { "opened, " } else { "" };
    let closed = kinds(inspection).contains(&FileKind::Encrypted) && !codes.contains(&"decrypted");
    let signed = match found.len() {
        0 if closed => "closed".to_owned(),
        0 if codes.contains(&"mail-certificates-only") => "certificates".to_owned(),
        0 => "nothing".to_owned(),
        _ if found.iter().all(|(_, signature)| is_good(signature)) => "intact".to_owned(),
        _ if found.iter().all(|(_, signature)| is_intact(signature)) => "faults".to_owned(),
        _ => "broken".to_owned(),
    };
    format!("{opened}{signed}")
}

/// Where what is known is not what is told by the file alone, or is the view of one program.
const DIFFERING: [(&str, &str, &str); 3] = [
    ("bc/brokenEnv.message", "broken", "a detached signature alone: what it is over is not in the file"),
    ("rfc4134/4.6.bin", "broken", "the second signer's DSA key has the parameters of its issuer's"),
    ("openssl-cms/pkcs7-empty-digest-set.eml", "intact", "RFC 5652 section 5.1 allows an empty set; OpenSSL does not"),
];

#[test]
fn real_mails_are_what_is_known_about_them() {
    let Some(folder) = corpora("smime-mail") else { return };
    let keys = Keys(keys(&folder));
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut differing = Vec::new();
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let mut columns = row.split('\t');
        let (path, expected) = (columns.next().unwrap(), columns.next().unwrap());
        let bytes = std::fs::read(folder.join(path)).unwrap();
        let inspection = apart(&folder, path, &bytes, &keys);
        let got = outcome(&inspection);
        rows += 1;
        if let Some((_, known, why)) = DIFFERING.iter().find(|(known, ..)| *known == path) {
            assert_eq!(got, *known, "{path}: {why}");
            continue;
        }
        let fits = match expected {
            "encrypted" | "decryptable" => got.starts_with("opened") || got == "closed",
            "review" => !got.starts_with("refused") && !got.contains("broken"),
            "certs-only" => got == "certificates" || got == "nothing",
            _ if expected.starts_with("partial-encrypted") => got == "covert",
            // The certificate is at fault, which is not told by the file.
            _ if expected.starts_with("crypto-valid") || expected.starts_with("valid") => got == "intact",
            _ if path.starts_with("bc/validator") => got == "intact",
            _ if expected.starts_with("invalid") => got != "intact" && !got.starts_with("opened"),
            _ => false,
        };
        if !fits {
            let faults: Vec<String> = inspection
                .iter()
                .flat_map(|inspection| {
                    all(inspection).into_iter().map(|(place, signature)| {
                        let integrity: Vec<_> = signature.covered.iter().map(|covered| &covered.integrity).collect();
                        format!("[{place}] {:?} {integrity:?} {:?}", signature.value, signature.faults)
                    })
                })
                .collect();
            differing.push(format!("{path}: expected {expected}, got {got} {faults:?}"));
        }
    }
    assert_eq!(rows, 66);
    assert!(differing.is_empty(), "{} of {rows}:\n{}", differing.len(), differing.join("\n"));
}

#[test]
fn mails_of_every_kind_are_taken_apart() {
    let Some(folder) = corpora("mail-parse") else { return };
    let files = files_below(&folder, "eml");
    assert!(files.len() > 50, "{}", files.len());
    let mut outcomes = BTreeMap::<String, usize>::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let source = &bytes;
        let got = outcome(&inspect(&Input::new(source, "mail.eml")).map_err(|error| error.to_string()));
        assert!(!got.contains("intact"), "{}", file.display());
        *outcomes.entry(got).or_default() += 1;
    }
    assert!(outcomes.keys().all(|outcome| !outcome.starts_with("refused")), "{outcomes:?}");
}

#[test]
fn the_mails_of_pkits_are_intact_but_for_their_paths() {
    let Some(folder) = corpora("pkits") else { return };
    let files = files_below(&folder.join("smime"), "eml");
    assert_eq!(files.len(), 224);
    let mut broken = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let source = &bytes;
        let inspection = inspect(&Input::new(source, "mail.eml"));
        let got = outcome(&inspection.map_err(|error| error.to_string()));
        if got != "intact" {
            broken.push(format!("{} {got}", file.file_name().unwrap().display()));
        }
    }
    // Its DSA key has the parameters of its issuer's, which only the path tells.
    assert_eq!(broken, ["SignedValidDSAParameterInheritanceTest5.eml broken"]);
}
