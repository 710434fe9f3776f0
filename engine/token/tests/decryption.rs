//! Content keys are opened with keys in software and on SoftHSM, the module in a child process; encrypted by openssl.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Ledger, import_always_authenticate, pin, serial};
use model::{KeyKind as Kind, OaepPadding, Sha, WrappedKey};
use openssl::bn::BigNumContext;
use openssl::derive::Deriver;
use openssl::ec::{EcKey, PointConversionForm};
use openssl::encrypt::Encrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::x509::X509;
use std::sync::Arc;
use testkit::pki::{KeyKind, Pki};
use testkit::softhsm::SoftHsm;
use token::{Fault, FoundKey, Host, HostCommand, HostedToken, Session, SoftwareToken, Token};

const KEY: [u8; 32] = [0x42; 32];

/// Not a test: what the child processes of the others run.
#[test]
fn host_process() {
    if std::env::var_os("TEST_TOKEN_HOST").is_some() {
        token::run_host();
    }
}

fn hosted(hsm: &SoftHsm, card: &testkit::softhsm::Token) -> HostedToken {
    let mut command = HostCommand::this_program().unwrap();
    command.arguments = ["host_process", "--exact", "--nocapture"].map(Into::into).to_vec();
    command.environment = hsm.environment().map(|(name, value)| (name.into(), value)).to_vec();
    command.environment.push(("TEST_TOKEN_HOST".into(), "1".into()));
    HostedToken::new(Host::new(command, hsm.module()), serial(card.serial()))
}

fn md(sha: Sha) -> MessageDigest {
    match sha {
        Sha::Sha1 => MessageDigest::sha1(),
        Sha::Sha224 => MessageDigest::sha224(),
        Sha::Sha256 => MessageDigest::sha256(),
        Sha::Sha384 => MessageDigest::sha384(),
        Sha::Sha512 => MessageDigest::sha512(),
    }
}

fn encrypted(key: &PKey<Public>, padding: Option<&OaepPadding>) -> Vec<u8> {
    let mut encrypter = Encrypter::new(key).unwrap();
    encrypter.set_rsa_padding(if padding.is_some() { Padding::PKCS1_OAEP } else { Padding::PKCS1 }).unwrap();
    if let Some(padding) = padding {
        encrypter.set_rsa_oaep_md(md(padding.hash)).unwrap();
        encrypter.set_rsa_mgf1_md(md(padding.mask)).unwrap();
        if !padding.label.is_empty() {
            encrypter.set_rsa_oaep_label(&padding.label).unwrap();
        }
    }
    let mut encrypted = vec![0; key.size()];
    let length = encrypter.encrypt(&KEY, &mut encrypted).unwrap();
    encrypted.truncate(length);
    encrypted
}

fn opens_everything(session: &mut dyn Session, found: &FoundKey) {
    assert!(found.uses.decrypt, "{}", found.kind);
    let public = X509::from_der(&found.certificate).unwrap().public_key().unwrap();
    match found.kind {
        Kind::Rsa { .. } => rsa(session, found, &public),
        Kind::Ec(_) => ec(session, found, &public),
        other => panic!("{other} does not decrypt"),
    }
}

fn rsa(session: &mut dyn Session, found: &FoundKey, public: &PKey<Public>) {
    let open = |session: &mut dyn Session, wrapped: &WrappedKey| session.decrypt(&found.key, wrapped);
    let good = encrypted(public, None);
    let opened = open(session, &WrappedKey::RsaPkcs1 { encrypted: good.clone(), length: 32 }).unwrap();
    assert_eq!(opened.expose(), KEY, "{}", found.kind);
    let mut bad = good.clone();
    bad[100] ^= 1;
    for (encrypted, length) in [(bad, 32), (good, 16), (vec![1; 7], 24), (Vec::new(), 16)] {
        let one = open(session, &WrappedKey::RsaPkcs1 { encrypted: encrypted.clone(), length }).unwrap();
        let other = open(session, &WrappedKey::RsaPkcs1 { encrypted, length }).unwrap();
        assert_eq!(one.expose().len(), length, "a key as any other");
        assert_ne!(one.expose(), other.expose(), "but a random one");
    }
    let label = b"Rechnungen".to_vec();
    for (hash, mask, label) in [
        (Sha::Sha1, Sha::Sha1, Vec::new()),
        (Sha::Sha256, Sha::Sha256, Vec::new()),
        (Sha::Sha384, Sha::Sha1, label),
        (Sha::Sha512, Sha::Sha512, Vec::new()),
    ] {
        let padding = OaepPadding { hash, mask, label };
        let good = encrypted(public, Some(&padding));
        let opened = open(session, &WrappedKey::RsaOaep { encrypted: good.clone(), padding: padding.clone() });
        assert_eq!(opened.unwrap().expose(), KEY, "{} {padding:?}", found.kind);
        let mut bad = good;
        bad[100] ^= 1;
        let refused = open(session, &WrappedKey::RsaOaep { encrypted: bad, padding }).unwrap_err();
        assert!(matches!(refused, Fault::Request(_)), "{refused:?}");
    }
    let not_ours = open(session, &WrappedKey::Ecdh { point: vec![4; 65] }).unwrap_err();
    assert!(matches!(not_ours, Fault::Request(_)));
}

fn ec(session: &mut dyn Session, found: &FoundKey, public: &PKey<Public>) {
    let key = public.ec_key().unwrap();
    let group = key.group();
    let mut context = BigNumContext::new().unwrap();
    // Often enough that a secret with a zero in front is among them for many.
    for _ in 0..8 {
        let ephemeral = EcKey::generate(group).unwrap();
        let point = ephemeral.public_key().to_bytes(group, PointConversionForm::UNCOMPRESSED, &mut context).unwrap();
        let ephemeral = PKey::from_ec_key(ephemeral).unwrap();
        let mut deriver = Deriver::new(&ephemeral).unwrap();
        deriver.set_peer(public).unwrap();
        let expected = deriver.derive_to_vec().unwrap();
        let opened = session.decrypt(&found.key, &WrappedKey::Ecdh { point: point.clone() }).unwrap();
        assert_eq!(opened.expose(), expected, "{}", found.kind);
        let mut off_the_curve = point;
        *off_the_curve.last_mut().unwrap() ^= 1;
        let refused = session.decrypt(&found.key, &WrappedKey::Ecdh { point: off_the_curve }).unwrap_err();
        assert!(matches!(refused, Fault::Request(_)), "{refused:?}");
    }
    let padding = OaepPadding { hash: Sha::Sha1, mask: Sha::Sha1, label: Vec::new() };
    assert!(session.decrypt(&found.key, &WrappedKey::RsaOaep { encrypted: vec![1; 256], padding }).is_err());
}

#[test]
fn keys_in_software_open_everything() {
    for kind in [KeyKind::Rsa2048, KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::BrainpoolP256r1] {
        let recipient = Pki::shared().recipient(kind).unwrap();
        let token = SoftwareToken::from_pkcs12("x", &recipient.pkcs12("geheim").unwrap(), &"geheim".into()).unwrap();
        let found = token.signer().clone();
        opens_everything(&mut *token.open_session().unwrap(), &found);
        assert!(!format!("{token:?}").contains("key"), "nothing of the key is printed");
    }
    let signer = Pki::shared().signer(KeyKind::Ed25519).unwrap();
    let token = SoftwareToken::from_pkcs12("x", &signer.pkcs12("geheim").unwrap(), &"geheim".into()).unwrap();
    let found = token.signer().clone();
    assert!(!found.uses.decrypt && found.uses.sign);
    let refused = token.open_session().unwrap().decrypt(&found.key, &WrappedKey::Ecdh { point: vec![4; 65] });
    assert!(matches!(refused, Err(Fault::Request(_))));
}

#[test]
fn keys_on_a_token_open_everything() {
    let kinds =
        [KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::P256, KeyKind::P384, KeyKind::P521, KeyKind::BrainpoolP256r1];
    let recipients = kinds.map(|kind| Pki::shared().recipient(kind).unwrap());
    let hsm = SoftHsm::new().unwrap();
    let card = hsm.token("Posteingang").unwrap();
    for recipient in &recipients {
        card.import_recipient(recipient).unwrap();
    }
    let token = hosted(&hsm, &card);
    let (proof, _verified) = token.login(&Ledger::default(), pin(card.pin())).unwrap();
    let found = token.keys(&proof).unwrap();
    assert_eq!(found.len(), recipients.len());
    let mut session = token.open_session().unwrap();
    for found in &found {
        opens_everything(&mut *session, found);
    }
}

#[test]
fn a_key_that_asks_for_the_pin_each_time_gets_it_each_time() {
    let recipient = Pki::shared().recipient(KeyKind::Rsa2048).unwrap();
    let hsm = SoftHsm::new().unwrap();
    let card = hsm.token("Karte").unwrap();
    import_always_authenticate(&hsm, &card, &recipient);
    let token = hosted(&hsm, &card);
    let ledger = Arc::new(Ledger::default());
    let (proof, verified) = token.login(&*ledger, pin(card.pin())).unwrap();
    let found = token.keys(&proof).unwrap().remove(0);
    assert!(found.always_authenticate && found.uses.decrypt);
    let public = X509::from_der(&found.certificate).unwrap().public_key().unwrap();
    let wrapped = WrappedKey::RsaPkcs1 { encrypted: encrypted(&public, None), length: 32 };
    let mut session = token.open_session().unwrap();
    assert!(matches!(session.decrypt(&found.key, &wrapped), Err(Fault::Request(_))), "no PIN in hand");
    session.authenticate_with(verified.for_context(ledger.clone()));
    let before = ledger.begun();
    for _ in 0..3 {
        assert_eq!(session.decrypt(&found.key, &wrapped).unwrap().expose(), KEY);
    }
    assert_eq!(ledger.begun() - before, 3, "each is a login on record");
}
