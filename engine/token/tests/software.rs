//! Software signers from real files: PKCS#12 new and old, PEM plain and encrypted, wrong passwords, strange files.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Ledger, pin, signs_everything};
use secrecy::SecretString;
use testkit::pki::{KeyKind, Pki};
use token::{SoftwareKeyError, SoftwareToken, Token};

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

#[test]
fn every_kind_of_key_signs_from_pkcs12() {
    for kind in KeyKind::ALL {
        let identity = Pki::shared().signer(kind).unwrap();
        let file = identity.pkcs12("Kennwort ä").unwrap();
        let token = SoftwareToken::from_pkcs12("rechnung", &file, &secret("Kennwort ä")).unwrap();
        assert_eq!(token.serial().0.as_ref(), "soft:rechnung");
        let Ok((proof, verified)) = token.login(&Ledger::default(), pin("unused")) else { panic!("needs no login") };
        let found = token.signers(&proof).unwrap().remove(0);
        assert_eq!(found.kind.to_string(), kind.name());
        assert_eq!(found.subject, identity.common_name());
        let chain: Vec<Vec<u8>> = found.chain.iter().map(|der| der.to_vec()).collect();
        assert_eq!([vec![found.certificate.to_vec()], chain].concat(), identity.chain_der());
        signs_everything(&mut *token.open_session().unwrap(), &found);
        assert!(token.login_again(&Ledger::default(), verified).is_ok());
        assert!(!format!("{token:?} {found:?}").contains("Kennwort"));
    }
}

#[test]
fn wrong_password_and_other_files_are_clear_errors() {
    let identity = Pki::shared().signer(KeyKind::P256).unwrap();
    let file = identity.pkcs12("right").unwrap();
    let refused = |bytes: &[u8], password: &str| SoftwareToken::from_pkcs12("x", bytes, &secret(password)).unwrap_err();
    assert!(matches!(refused(&file, "wrong"), SoftwareKeyError::Pkcs12(_)));
    assert!(matches!(refused(&file[..file.len() / 2], "right"), SoftwareKeyError::Pkcs12(_)));
    assert!(matches!(refused(b"", ""), SoftwareKeyError::Pkcs12(_)));
}

#[test]
fn pem_plain_and_encrypted() {
    let identity = Pki::shared().signer(KeyKind::P384).unwrap();
    let mut chain = identity.chain_pem().unwrap();
    let plain = identity.key().private_key_to_pem_pkcs8().unwrap();
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let encrypted = identity.key().private_key_to_pem_pkcs8_passphrase(cipher, b"geheim").unwrap();
    let token = SoftwareToken::from_pem("a", &plain, None, &chain).unwrap();
    signs_everything(&mut *token.open_session().unwrap(), token.signer());
    let token = SoftwareToken::from_pem("a", &encrypted, Some(&secret("geheim")), &chain).unwrap();
    assert_eq!(token.signer().chain.len(), 2);
    signs_everything(&mut *token.open_session().unwrap(), token.signer());
    for password in [None, Some(&secret("falsch"))] {
        let error = SoftwareToken::from_pem("a", &encrypted, password, &chain).unwrap_err();
        assert!(matches!(error, SoftwareKeyError::Pem(_)), "{error}");
    }
    chain = Pki::shared().signer(KeyKind::P256).unwrap().chain_pem().unwrap();
    let error = SoftwareToken::from_pem("a", &plain, None, &chain).unwrap_err();
    assert_eq!(error, SoftwareKeyError::NoCertificate);
}

#[test]
fn an_old_pkcs12_file_with_rc2_is_read() {
    let identity = Pki::shared().signer(KeyKind::Rsa2048).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(place("key.pem"), identity.key().private_key_to_pem_pkcs8().unwrap()).unwrap();
    std::fs::write(place("chain.pem"), identity.chain_pem().unwrap()).unwrap();
    let (key, chain, out) = (place("key.pem"), place("chain.pem"), place("old.p12"));
    let export = ["pkcs12", "-export", "-legacy", "-inkey", &key, "-in", &chain, "-out", &out, "-passout", "pass:alt"];
    testkit::tools::run_ok("openssl", export).unwrap();
    let token = SoftwareToken::from_pkcs12("alt", &std::fs::read(out).unwrap(), &secret("alt")).unwrap();
    signs_everything(&mut *token.open_session().unwrap(), token.signer());
}

#[test]
fn requests_that_do_not_fit_the_key_are_refused_and_harmless() {
    let identity = Pki::shared().signer(KeyKind::P256).unwrap();
    let token = SoftwareToken::from_pkcs12("x", &identity.pkcs12("p").unwrap(), &secret("p")).unwrap();
    let other = SoftwareToken::from_pkcs12(
        "x",
        &Pki::shared().signer(KeyKind::Ed25519).unwrap().pkcs12("p").unwrap(),
        &secret("p"),
    )
    .unwrap();
    let mut session = token.open_session().unwrap();
    let foreign = common::request(model::KeyKind::Ed25519, common::DIGESTS[0], false, 1);
    for key in [&token.signer().key, &other.signer().key] {
        let fault = session.sign(key, &foreign).unwrap_err();
        assert!(matches!(fault, token::Fault::Request(_)) && !fault.ends_session(), "{fault}");
    }
    signs_everything(&mut *session, token.signer());
}
