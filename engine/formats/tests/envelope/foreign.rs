//! What others make: the openssl program in all its ways, and real messages.

use super::support::*;
use formats::Source;
use formats::envelope::{Envelope, looks_encrypted};
use openssl::pkey::PKey;
use std::path::Path;
use testkit::corpora::corpora;
use testkit::pki::KeyKind;

fn plain() -> Vec<u8> {
    (0..50_000_u32).flat_map(u32::to_be_bytes).collect()
}

fn check(desk: &Desk, general: &[&str], kind: KeyKind, keyopt: &[&str]) {
    let recipient = Recipient::of(kind);
    let message = desk.made_by_openssl(&plain(), general, &[(&recipient, keyopt)]);
    assert!(looks_encrypted(&message).unwrap());
    let opened = decrypt(&message, &recipient).unwrap_or_else(|why| panic!("{general:?} {keyopt:?}: {why}"));
    assert!(opened.0 == plain(), "{general:?} {keyopt:?}");
}

#[test]
fn every_content_cipher_of_openssl_whole_and_streamed() {
    let desk = Desk::new();
    for cipher in ["-aes128", "-aes192", "-aes256", "-des3", "-aes-128-gcm", "-aes-192-gcm", "-aes-256-gcm"] {
        for stream in [&[cipher][..], &[cipher, "-stream"], &[cipher, "-keyid"], &[cipher, "-indef"]] {
            check(&desk, stream, KeyKind::Rsa2048, &[]);
            check(&desk, stream, KeyKind::P256, &[]);
        }
    }
}

#[test]
fn every_rsa_padding() {
    let desk = Desk::new();
    check(&desk, &["-aes256"], KeyKind::Rsa3072, &["rsa_padding_mode:oaep"]);
    for hash in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
        let hash_option = format!("rsa_oaep_md:{hash}");
        for mask in ["sha1", "sha256", "sha512"] {
            let mask_option = format!("rsa_mgf1_md:{mask}");
            let options = ["rsa_padding_mode:oaep", &hash_option, &mask_option];
            check(&desk, &["-aes-256-gcm"], KeyKind::Rsa2048, &options);
        }
    }
    check(&desk, &["-aes256"], KeyKind::Rsa2048, &["rsa_padding_mode:oaep", "rsa_oaep_label:00ff4c61"]);
}

#[test]
fn every_key_derivation_and_key_wrap_on_every_curve() {
    let desk = Desk::new();
    for kind in KINDS.into_iter().skip(2) {
        for derivation in ["sha1", "sha224", "sha256", "sha384", "sha512"] {
            let derivation = format!("ecdh_kdf_md:{derivation}");
            check(&desk, &["-aes-256-gcm", "-aes256-wrap"], kind, &[&derivation]);
            check(&desk, &["-aes128", "-aes128-wrap"], kind, &[&derivation, "ecdh_cofactor_mode:1"]);
        }
        check(&desk, &["-aes192", "-aes192-wrap"], kind, &[]);
        check(&desk, &["-des3", "-des3-wrap"], kind, &[]);
    }
}

#[test]
fn several_recipients_of_openssl() {
    let desk = Desk::new();
    let recipients: Vec<_> = KINDS.into_iter().map(Recipient::of).collect();
    let to: Vec<_> = recipients.iter().map(|recipient| (recipient, &[][..])).collect();
    let message = desk.made_by_openssl(&plain(), &["-aes-128-gcm", "-stream"], &to);
    for recipient in &recipients {
        assert!(decrypt(&message, recipient).unwrap().0 == plain(), "{}", recipient.name);
    }
}

#[test]
fn a_password_is_named_as_what_is_missing() {
    let desk = Desk::new();
    let message = desk.made_by_openssl(b"x", &["-aes256", "-pwri_password", "geheim"], &[]);
    let envelope = Envelope::read(&message).unwrap();
    assert_eq!(envelope.arrivals()[0].id().to_string(), "a password or a shared key");
    assert!(envelope.arrivals()[0].wrapped().is_err());
}

#[test]
fn what_is_not_encrypted_does_not_look_so() {
    let signed = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80";
    for other in [&b""[..], b"0", b"\x30", b"\x30\x80", b"%PDF-1.7", signed, b"MIIB", b"\x30\x03\x02\x01\x00"] {
        assert!(!looks_encrypted(&other).unwrap(), "{other:02x?}");
        let source: &dyn Source = &other;
        assert!(Envelope::read(source).is_err());
    }
    assert!(looks_encrypted(&&b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80"[..]).unwrap());
}

fn pem_key(path: &Path) -> PKey<openssl::pkey::Private> {
    PKey::private_key_from_pem(&std::fs::read(path).unwrap()).unwrap()
}

/// The base64 of the first encrypted part of a mail, or the file as it is.
fn message_in(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    if bytes.starts_with(&[0x30]) {
        return bytes;
    }
    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
    let start = text.find("\nMI").unwrap_or_else(|| panic!("no base64 in {}", file.display()));
    let body = text[start..].trim_start().split("\n\n").next().unwrap();
    let body: String = body.lines().take_while(|line| !line.starts_with("--")).collect();
    openssl::base64::decode_block(&body).unwrap()
}

#[test]
fn real_messages_are_opened() {
    let Some(folder) = corpora("smime-mail") else { return };
    let examples = folder.join("examples-cms");
    let bob = Recipient {
        name: "bob".to_owned(),
        certificate: openssl::x509::X509::from_pem(&std::fs::read(examples.join("lamps-bob.encrypt.crt")).unwrap())
            .unwrap()
            .to_der()
            .unwrap(),
        key: pem_key(&examples.join("lamps-bob.decrypt.p8.pem")),
    };
    for name in ["encryptedForBobRSAOaep.p7m", "encryptedForBobAndDana.p7m"] {
        let (plain, _) = decrypt(&message_in(&examples.join(name)), &bob).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(!plain.is_empty(), "{name}");
    }
    for (name, expected) in [
        ("authEnvelopedForDanaX25519HKDF.p7m", "not for this certificate"),
        ("authEnvelopedForBobChaCha20Poly1305.p7m", "does not decrypt"),
        ("encryptedKekri.p7m", "not for this certificate"),
    ] {
        let why = decrypt(&message_in(&examples.join(name)), &bob).unwrap_err();
        assert!(why.contains(expected), "{name}: {why}");
    }
    let of_openssl = folder.join("openssl-cms");
    for name in ["rsa-malformed.der", "dh-malformed.der", "ecdh-malformed.der"] {
        let bytes = std::fs::read(of_openssl.join(name)).unwrap();
        let _ = decrypt(&bytes, &bob).unwrap_err();
    }
}
