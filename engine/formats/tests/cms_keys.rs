//! The check of signature values against Wycheproof's vectors: what it must accept and what it must not.

#![allow(clippy::unwrap_used)]

use formats::cms::certificate::PublicKeyInfo;
use formats::crypto::{self, PublicKey};
use model::{DigestAlgorithm, Scheme, SignatureAlgorithm, SignatureValue, ToBeSigned};
use serde_json::Value;
use testkit::corpora;

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn wycheproof_agrees() {
    let Some(folder) = corpora::corpora("wycheproof") else { return };
    for (name, scheme, digest) in [
        ("ecdsa_secp256r1_sha256", Scheme::Ecdsa, DigestAlgorithm::Sha256),
        ("ecdsa_secp384r1_sha384", Scheme::Ecdsa, DigestAlgorithm::Sha384),
        ("ecdsa_secp521r1_sha512", Scheme::Ecdsa, DigestAlgorithm::Sha512),
        ("ecdsa_brainpoolP256r1_sha256", Scheme::Ecdsa, DigestAlgorithm::Sha256),
        ("ecdsa_brainpoolP384r1_sha384", Scheme::Ecdsa, DigestAlgorithm::Sha384),
        ("ed25519", Scheme::Ed25519, DigestAlgorithm::Sha512),
        ("rsa_pss_2048_sha256_mgf1_32_params", Scheme::RsaPss, DigestAlgorithm::Sha256),
        ("rsa_pss_4096_sha512_mgf1_64_params", Scheme::RsaPss, DigestAlgorithm::Sha512),
    ] {
        let text = std::fs::read(folder.join(format!("{name}_test.json"))).unwrap();
        let vectors: Value = serde_json::from_slice(&text).unwrap();
        let algorithm = SignatureAlgorithm { scheme, digest };
        let mut seen = 0;
        for group in vectors["testGroups"].as_array().unwrap() {
            let der = bytes(&group["publicKeyDer"]);
            let info = PublicKeyInfo::parse(&der).unwrap();
            let key = PublicKey::new(info.kind.unwrap(), info.bits, algorithm).unwrap();
            for test in group["tests"].as_array().unwrap() {
                let message = bytes(&test["msg"]);
                let to_be_signed = match scheme {
                    Scheme::Ed25519 => ToBeSigned::Message { algorithm, message },
                    _ => ToBeSigned::Digest { algorithm, digest: crypto::digest(digest, &message) },
                };
                let accepted = key.verify(&to_be_signed, &SignatureValue(bytes(&test["sig"]))).is_ok();
                match test["result"].as_str().unwrap() {
                    "valid" => assert!(accepted, "{name} {}", test["tcId"]),
                    "invalid" => assert!(!accepted, "{name} {}: {}", test["tcId"], test["comment"]),
                    _ => {}
                }
                seen += 1;
            }
        }
        assert!(seen > 100, "{name}: {seen}");
    }
}
