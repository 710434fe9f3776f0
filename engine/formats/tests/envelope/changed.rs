//! What was changed on the way: never a panic, never somebody else's words for what was sent, one answer to all keys,
//! paddings and tags that are wrong.

use super::support::*;
use formats::envelope::Envelope;
use model::profile::{ContentCipher, RsaKeyTransport};
use testkit::mutate::mutations;
use testkit::pki::KeyKind;

const PLAIN: &[u8] = b"Zahlung an IBAN DE02 1203 0000 0000 2020 51, 1 000,00 EUR, bitte sofort";

#[test]
fn a_bit_flipped_anywhere_in_an_authenticated_message_is_an_error() {
    for kind in [KeyKind::Rsa2048, KeyKind::P256, KeyKind::BrainpoolP384r1] {
        let recipient = Recipient::of(kind);
        let options = options(std::slice::from_ref(&recipient), ContentCipher::Aes256Gcm, RsaKeyTransport::Oaep);
        let good = encrypt(&options, PLAIN);
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            match decrypt(&bad, &recipient) {
                Err(_) => {}
                // What has no influence on the content is not protected by anything: versions, and the type, which
                // AuthEnvelopedData without attributes does not authenticate (RFC 5083 section 2).
                Ok((plain, _)) => assert_eq!(plain, PLAIN, "{} byte {place}", recipient.name),
            }
        }
        let content = good.len() - 18 - PLAIN.len();
        for place in content..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 0x10;
            assert!(decrypt(&bad, &recipient).is_err(), "content and tag: byte {place}");
        }
    }
}

#[test]
fn wrong_keys_paddings_and_tags_get_the_same_answer() {
    let answer = formats_answer();
    let rsa = Recipient::of(KeyKind::Rsa2048);
    let ec = Recipient::of(KeyKind::P256);
    for (recipient, cipher, transport) in [
        (&rsa, ContentCipher::Aes256Gcm, RsaKeyTransport::Pkcs1),
        (&rsa, ContentCipher::Aes128Cbc, RsaKeyTransport::Pkcs1),
        (&ec, ContentCipher::Aes256Gcm, RsaKeyTransport::Oaep),
    ] {
        let good = encrypt(&options(std::slice::from_ref(recipient), cipher, transport), PLAIN);
        let envelope = Envelope::read(&good).unwrap();
        let wrapped = match envelope.arrivals()[0].wrapped().unwrap() {
            model::WrappedKey::Ecdh { .. } => good.len() - 200,
            wrapped => {
                let bytes = wrapped.as_bytes();
                good.windows(bytes.len()).position(|window| window == bytes).unwrap() + bytes.len() / 2
            }
        };
        let end = good.len() - 1;
        for place in [end, wrapped] {
            let mut bad = good.clone();
            bad[place] ^= 0x40;
            if let Err(why) = decrypt(&bad, recipient) {
                let known = [answer, "not for this certificate", "the token does not open the key"];
                assert!(known.iter().any(|known| why.contains(known)), "{why}");
            }
        }
    }
}

fn formats_answer() -> &'static str {
    "it was damaged or changed, or it was not encrypted for this key"
}

#[test]
fn a_cut_message_is_an_error() {
    let recipient = Recipient::of(KeyKind::P256);
    for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes256Cbc] {
        let good = encrypt(&options(std::slice::from_ref(&recipient), cipher, RsaKeyTransport::Oaep), PLAIN);
        for length in 0..good.len() {
            assert!(decrypt(&good[..length], &recipient).is_err(), "{length} of {}", good.len());
        }
    }
}

#[test]
fn spoiled_messages_are_refused_without_a_panic() {
    let (rsa, ec) = (Recipient::of(KeyKind::Rsa2048), Recipient::of(KeyKind::P256));
    let desk = Desk::new();
    let both = [rsa.clone(), ec.clone()];
    let mut samples: Vec<Vec<u8>> =
        CIPHERS.map(|cipher| encrypt(&options(&both, cipher, RsaKeyTransport::Oaep), PLAIN)).into();
    samples.push(desk.made_by_openssl(PLAIN, &["-aes-256-gcm", "-stream"], &[(&rsa, &[]), (&ec, &[])]));
    samples.push(desk.made_by_openssl(PLAIN, &["-des3", "-stream", "-keyid"], &[(&ec, &[])]));
    for spoiled in mutations(&samples, 9).take(4_000) {
        for recipient in &both {
            if let Ok((plain, opened)) = decrypt(&spoiled, recipient) {
                assert!(!opened.authenticated || plain == PLAIN, "changed, and its tag was right");
            }
        }
    }
}
