//! The check of signature values against Wycheproof's vectors: what it must accept and what it must not.

#![allow(clippy::unwrap_used)]

use formats::cms::certificate::{Certificate, PublicKeyInfo};
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

/// Each certificate that OpenSSL reads is read, with the same names, serial number and key.
#[test]
fn certificates_of_real_authorities_are_read_as_openssl_reads_them() {
    let mut read = 0;
    for set in ["pkits", "smime-mail", "openssl-x509-ocsp", "dss-ades"] {
        let Some(corpus) = corpora::corpora(set) else { return };
        for file in ["crt", "cer", "der"].iter().flat_map(|extension| corpora::files_below(&corpus, extension)) {
            let bytes = std::fs::read(&file).unwrap();
            let theirs = openssl::x509::X509::from_der(&bytes).or_else(|_| openssl::x509::X509::from_pem(&bytes));
            let Ok(theirs) = theirs else { continue };
            let der = theirs.to_der().unwrap();
            let ours = Certificate::parse(&der).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(ours.issuer, theirs.issuer_name().to_der().unwrap(), "{}", file.display());
            assert_eq!(ours.subject, theirs.subject_name().to_der().unwrap(), "{}", file.display());
            let Ok(key) = theirs.public_key() else { continue };
            if key.id() == openssl::pkey::Id::RSA {
                assert_eq!(ours.public_key.kind, Some(model::KeyKind::Rsa { bits: key.bits() }), "{}", file.display());
            }
            read += 1;
        }
    }
    println!("{read} certificates read");
    assert!(read > 400);
}
