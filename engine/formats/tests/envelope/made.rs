//! What we make: opened by the openssl program, for every recipient and cipher, and refused where it must be.

use super::support::*;
use formats::envelope::Recipients;
use model::Time;
use model::profile::{ContentCipher, EncryptionOptions, RsaKeyTransport};
use testkit::pki::{KeyKind, Pki};
use testkit::tools;

const PLAIN: &[u8] = b"Rechnung 4711 \xe2\x82\xac\r\n\0 tail";

#[test]
fn openssl_opens_every_cipher_for_every_kind_of_key() {
    let desk = Desk::new();
    for kind in KINDS {
        let recipient = Recipient::of(kind);
        for cipher in CIPHERS {
            let options = options(std::slice::from_ref(&recipient), cipher, RsaKeyTransport::Oaep);
            let message = encrypt(&options, PLAIN);
            assert_eq!(desk.opened_by_openssl(&message, &recipient), PLAIN, "{} {cipher:?}", recipient.name);
            let (plain, opened) = decrypt(&message, &recipient).unwrap();
            assert_eq!((plain.as_slice(), opened.authenticated), (PLAIN, is_gcm(cipher)));
        }
    }
}

#[test]
fn openssl_opens_old_rsa_padding_for_those_who_ask_for_it() {
    let desk = Desk::new();
    let recipient = Recipient::of(KeyKind::Rsa2048);
    let options = options(std::slice::from_ref(&recipient), ContentCipher::Aes256Cbc, RsaKeyTransport::Pkcs1);
    let message = encrypt(&options, PLAIN);
    assert_eq!(desk.opened_by_openssl(&message, &recipient), PLAIN);
    assert_eq!(decrypt(&message, &recipient).unwrap().0, PLAIN);
}

#[test]
fn each_of_several_recipients_opens_the_same_message() {
    let desk = Desk::new();
    let recipients: Vec<_> = KINDS.into_iter().map(Recipient::of).collect();
    for cipher in [ContentCipher::Aes128Cbc, ContentCipher::Aes256Gcm] {
        let message = encrypt(&options(&recipients, cipher, RsaKeyTransport::Oaep), PLAIN);
        for recipient in &recipients {
            assert_eq!(desk.opened_by_openssl(&message, recipient), PLAIN, "{}", recipient.name);
            assert_eq!(decrypt(&message, recipient).unwrap().0, PLAIN, "{}", recipient.name);
        }
        let stranger = Pki::shared().issue(KeyKind::P256, "Fremd").unwrap();
        assert!(decrypt(&message, &Recipient::from(&stranger, "stranger")).is_err());
    }
}

#[test]
fn the_result_is_der_whatever_the_length_and_however_it_was_cut() {
    let desk = Desk::new();
    let recipient = Recipient::of(KeyKind::P256);
    for length in [0, 1, 15, 16, 17, 127, 128, 70_000] {
        let plain: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
        for cipher in [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm] {
            let options = options(std::slice::from_ref(&recipient), cipher, RsaKeyTransport::Oaep);
            let message = encrypt_in(&options, &plain, 1_000).unwrap();
            let file = desk.file("message", &message);
            let text =
                tools::run_ok("openssl", ["asn1parse", "-inform", "DER", "-in", file.to_str().unwrap()]).unwrap();
            assert!(!text.contains("inf"), "definite lengths only: {text}");
            assert_eq!(desk.opened_by_openssl(&message, &recipient), plain, "{length} {cipher:?}");
            assert_eq!(decrypt(&message, &recipient).unwrap().0, plain, "{length} {cipher:?}");
        }
    }
}

#[test]
fn two_messages_share_no_key_and_no_nonce() {
    let recipient = Recipient::of(KeyKind::Rsa2048);
    let options = options(&[recipient], ContentCipher::Aes256Gcm, RsaKeyTransport::Oaep);
    let (one, other) = (encrypt(&options, &[0; 64]), encrypt(&options, &[0; 64]));
    let tail = |message: &[u8]| message[message.len() - 82..].to_vec();
    assert_ne!(tail(&one), tail(&other));
}

#[test]
fn a_document_of_another_length_than_promised_gives_no_envelope() {
    let recipient = Recipient::of(KeyKind::P256);
    for cipher in CIPHERS {
        let options = options(std::slice::from_ref(&recipient), cipher, RsaKeyTransport::Oaep);
        let recipients = Recipients::new(&options).unwrap();
        let mut out = Vec::new();
        let mut encryptor = recipients.begin(10, now()).unwrap();
        encryptor.update(&[0; 9], &mut out).unwrap();
        assert!(encryptor.finish(&mut out).is_err(), "too short");
        let mut encryptor = recipients.begin(10, now()).unwrap();
        assert!(encryptor.update(&[0; 11], &mut out).is_err(), "too long");
    }
}

#[test]
fn certificates_that_nothing_may_be_encrypted_for_are_refused_with_a_reason() {
    let refused = |certificate: Vec<u8>, expected: &str| {
        let options = EncryptionOptions {
            recipients: vec![certificate.into()],
            cipher: ContentCipher::default(),
            rsa: RsaKeyTransport::default(),
        };
        let reason = Recipients::new(&options).unwrap_err().to_string();
        assert!(reason.contains(expected), "{reason}");
    };
    let signer = |kind| Pki::shared().signer(kind).unwrap().certificate_der();
    refused(signer(KeyKind::Rsa2048), "key encipherment");
    refused(signer(KeyKind::P256), "key agreement");
    refused(signer(KeyKind::Ed25519), "may only sign");
    refused(b"no certificate".to_vec(), "cannot be read");
    let recipient = Recipient::of(KeyKind::P256);
    let recipients = Recipients::new(&options(&[recipient], ContentCipher::default(), RsaKeyTransport::Oaep)).unwrap();
    // 2023-01-01 and 2051-01-01; the authority's certificates are valid from 2024 to 2050.
    let too_early = recipients.begin(1, Time::from_seconds(1_672_531_200)).unwrap_err().to_string();
    assert!(too_early.contains("is not valid before 2024-01-01"), "{too_early}");
    let too_late = recipients.begin(1, Time::from_seconds(2_556_144_000)).unwrap_err().to_string();
    assert!(too_late.contains("expired on 2050-12-31"), "{too_late}");
    assert!(recipients.begin(u64::MAX, now()).is_err(), "more than one GCM key may encrypt");
}
