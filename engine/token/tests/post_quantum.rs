//! ML-DSA-65 keys in software, made and judged by another implementation.

#![allow(clippy::unwrap_used)]

use model::{DigestAlgorithm, KeyKind, SignatureAlgorithm, ToBeSigned};
use secrecy::SecretString;
use testkit::mldsa;
use token::Token;
use token::software::{SoftwareKeyError, SoftwareToken};

#[test]
fn keys_from_pkcs8_plain_or_encrypted_sign_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    mldsa::make(folder.path()).unwrap();
    let certificate = std::fs::read(path("certificate.pem")).unwrap();
    let password = SecretString::from(mldsa::PASSWORD);
    for (name, password) in [("key.pem", None), ("encrypted.pem", Some(&password))] {
        let key = std::fs::read(path(name)).unwrap();
        let token = SoftwareToken::from_pem("pq", &key, password, &certificate).unwrap();
        let signer = token.signer();
        assert_eq!((signer.kind, signer.subject.as_str()), (KeyKind::MlDsa65, "Siegel ML-DSA-65"));
        let algorithm = SignatureAlgorithm::for_key(signer.kind, DigestAlgorithm::Sha256, false);
        let message = vec![0x31; 200];
        let to_be_signed = ToBeSigned::Message { algorithm, message: message.clone() };
        let value = token.open_session().unwrap().sign(&signer.key, &to_be_signed).unwrap();
        assert_eq!(value.0.len(), 3309);
        std::fs::write(path("message"), &message).unwrap();
        std::fs::write(path("value"), &value.0).unwrap();
        mldsa::check_value(&path("certificate.pem"), &path("message"), &path("value")).unwrap();
        std::fs::write(path("message"), b"another").unwrap();
        assert!(mldsa::check_value(&path("certificate.pem"), &path("message"), &path("value")).is_err());
    }
}

#[test]
fn wrong_passwords_and_damaged_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    mldsa::make(folder.path()).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let certificate = read("certificate.pem");
    let encrypted = read("encrypted.pem");
    let wrong = SecretString::from("falsch");
    for password in [None, Some(&wrong)] {
        let refused = SoftwareToken::from_pem("pq", encrypted.as_bytes(), password, certificate.as_bytes());
        assert!(matches!(refused, Err(SoftwareKeyError::Pem(_))), "{refused:?}");
    }
    // Every cut of the base64 is a parse error, never a panic.
    let plain = read("key.pem");
    let body: String = plain.lines().filter(|line| !line.starts_with('-')).collect();
    for length in (0..body.len()).step_by(4) {
        let cut = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", &body[..length]);
        assert!(SoftwareToken::from_pem("pq", cut.as_bytes(), None, certificate.as_bytes()).is_err());
    }
    let other = tempfile::tempdir().unwrap();
    mldsa::make(other.path()).unwrap();
    let stranger = std::fs::read(other.path().join("certificate.pem")).unwrap();
    let refused = SoftwareToken::from_pem("pq", plain.as_bytes(), None, &stranger);
    assert!(matches!(refused, Err(SoftwareKeyError::NoCertificate)));
}
