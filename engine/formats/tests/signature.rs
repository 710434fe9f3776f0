//! The check of foreign signatures against the vectors of the Wycheproof project and against what openssl makes.

#![allow(clippy::unwrap_used)]

use formats::signature::{HashAlgorithm, Method, Pss, Unverified};
use serde_json::Value;
use testkit::corpora::corpora;

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hash(name: &Value) -> HashAlgorithm {
    match name.as_str().unwrap() {
        "SHA-1" => HashAlgorithm::Sha1,
        "SHA-224" => HashAlgorithm::Sha224,
        "SHA-256" => HashAlgorithm::Sha256,
        "SHA-384" => HashAlgorithm::Sha384,
        "SHA-512" => HashAlgorithm::Sha512,
        "SHA-512/224" => HashAlgorithm::Sha512Of224,
        "SHA-512/256" => HashAlgorithm::Sha512Of256,
        other => panic!("a digest that the vectors did not have before: {other}"),
    }
}

fn method(file: &str, group: &Value) -> Method {
    match group["type"].as_str().unwrap() {
        "RsassaPkcs1Verify" => Method::RsaPkcs1(hash(&group["sha"])),
        "RsassaPssVerify" | "RsassaPssWithParametersVerify" => Method::RsaPss(Pss {
            hash: hash(&group["sha"]),
            mask: hash(&group["mgfSha"]),
            salt_length: u16::try_from(group["sLen"].as_u64().unwrap()).unwrap(),
        }),
        "EcdsaVerify" => Method::Ecdsa(hash(&group["sha"])),
        "EddsaVerify" if file.contains("448") => Method::Ed448,
        "EddsaVerify" => Method::Ed25519,
        other => panic!("{file}: a kind of test that the vectors did not have before: {other}"),
    }
}

/// Every vector is judged as its authors say.
#[test]
fn wycheproof() {
    let Some(folder) = corpora("wycheproof") else { return };
    let mut tests = 0;
    let mut wrong = Vec::new();
    for path in testkit::corpora::files_below(&folder, "json") {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if !["ecdsa", "ed25519", "ed448", "rsa_pss"].iter().any(|kind| file.starts_with(kind)) {
            continue;
        }
        let all: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for group in all["testGroups"].as_array().unwrap() {
            let method = method(&file, group);
            let key = hex(&group["publicKeyDer"]);
            for test in group["tests"].as_array().unwrap() {
                let verdict = method.verify(&key, &hex(&test["msg"]), &hex(&test["sig"]));
                let agreed = match test["result"].as_str().unwrap() {
                    "valid" => verdict.is_ok(),
                    "invalid" => verdict.is_err(),
                    _ => true,
                };
                if !agreed {
                    wrong.push(format!("{file} {} {} {verdict:?}", test["tcId"], test["comment"]));
                }
                tests += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tests}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tests > 2_000, "only {tests} vectors were found");
    println!("{tests} vectors");
}

#[test]
fn md5_is_refused_by_its_name() {
    let identifier = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04\x05\x00";
    let refused = formats::signature::verify(&[], identifier, b"", b"");
    assert_eq!(refused, Err(Unverified::UnknownAlgorithm("1.2.840.113549.1.1.4".into())));
}
