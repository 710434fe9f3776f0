//! Encrypted mails, with a key and without.

use crate::support::*;
use formats::inspect::FileKind;
use model::limits::DECRYPTED_BYTES_MAX;

const WORDS: &[u8] = b"Content-Type: text/plain\r\n\r\nstreng geheim\r\n";

#[test]
fn signed_then_encrypted_and_the_other_way_round_and_triple() {
    for key in ["rsa:2048", "ec:P-256"] {
        let (alice, bob) = (person("alice", key), person("bob", key));
        let keys = [bob.recipient()];
        let check = |entity: &[u8], places: &[&str]| {
            let mail = mail(entity);
            let inspection = opened(&mail, &keys);
            let found = all(&inspection);
            assert!(found.iter().all(|(_, signature)| is_good(signature)), "{key} {inspection:?}");
            assert_eq!(found.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), places, "{key}");
            assert!(found.iter().all(|(_, signature)| signature.attributes.mail_from == ["alice@example.de"]));
            assert!(notes(&inspection).contains(&"decrypted"), "{key}");
            assert!(!notes(&inspection).iter().any(|note| note.starts_with("mail-from")), "{:?}", notes(&inspection));
        };
        for cipher in ["-aes-256-gcm", "-aes256", "-aes-128-gcm"] {
            for form in [&[][..], &["-nodetach"]] {
                let signed = sign(&alice, WORDS, form);
                let encrypted = encrypt(&bob, &signed, &["-binary", cipher]);
                check(&encrypted, &["decrypted"]);
                check(&sign(&alice, &encrypt(&bob, WORDS, &[cipher]), form), &[""]);
                let triple = sign(&alice, &encrypted, form);
                check(&triple, if form.is_empty() { &["", "1 decrypted"] } else { &["", "content/decrypted"] });
            }
        }
    }
}

#[test]
fn without_a_key_it_is_said_for_whom_it_is() {
    let (bob, carol) = (person("bob", "rsa:2048"), person("carol", "rsa:2048"));
    let made = mail(&encrypt(&bob, WORDS, &["-aes-256-gcm"]));
    for inspection in [taken_apart(&made).unwrap(), opened(&made, &[carol.recipient()])] {
        assert_eq!(inspection.kind, FileKind::Encrypted);
        assert!(inspection.notes[0].sentence.contains("of bob"), "{:?}", inspection.notes);
        assert!(all(&inspection).is_empty());
    }
    let signed = mail(&sign(&alice(), &encrypt(&bob, WORDS, &[]), &[]));
    assert_eq!(kinds(&taken_apart(&signed).unwrap()), [FileKind::Mail, FileKind::Encrypted]);
}

#[test]
fn a_file_that_is_encrypted_is_opened_as_well() {
    let bob = person("bob", "rsa:2048");
    let signed = sign(&alice(), b"any bytes", &["-nodetach", "-binary", "-outform", "DER"]);
    let made = encrypt(&bob, &signed, &["-binary", "-outform", "DER", "-aes-256-gcm"]);
    let inspection = opened(&made, &[bob.recipient()]);
    assert_eq!(kinds(&inspection), [FileKind::Encrypted, FileKind::Cms]);
    assert!(is_good(all(&inspection)[0].1));
    assert_eq!(taken_apart(&made).unwrap().kind, FileKind::Encrypted);
}

#[test]
fn a_changed_message_gives_nothing_out_and_malleable_ones_are_named() {
    let bob = person("bob", "rsa:2048");
    let check = |cipher: &str, malleable: bool| {
        let der = encrypt(&bob, &sign(&alice(), WORDS, &[]), &["-binary", "-outform", "DER", cipher]);
        let good = opened(&der, &[bob.recipient()]);
        assert_eq!(notes(&good).contains(&"malleable-encryption"), malleable, "{cipher}");
        for place in [der.len() - 1, der.len() - 40, der.len() / 2] {
            let mut bad = der.clone();
            bad[place] ^= 1;
            let inspection = opened(&bad, &[bob.recipient()]);
            // Without a tag, what was changed may lie outside of what is signed inside.
            if !malleable {
                assert!(inspection.nested.is_empty(), "{cipher} {place}");
            }
        }
    };
    check("-aes-256-gcm", false);
    check("-aes256", true);
}

#[test]
fn what_does_not_fit_into_memory_is_not_decrypted() {
    let bob = person("bob", "rsa:2048");
    let plain = vec![b' '; DECRYPTED_BYTES_MAX as usize + 1];
    let made = encrypt(&bob, &plain, &["-binary", "-outform", "DER", "-aes-256-gcm"]);
    let inspection = opened(&made, &[bob.recipient()]);
    assert_eq!(kinds(&inspection), [FileKind::Encrypted]);
    assert!(inspection.notes[0].sentence.contains("more than 64 MiB"), "{:?}", inspection.notes);
}

#[test]
fn messages_in_messages_end_somewhere() {
    let bob = person("bob", "rsa:2048");
    let mut made = WORDS.to_vec();
    for _ in 0..model::limits::MAIL_NESTING_MAX + 3 {
        let der = encrypt(&bob, &made, &["-binary", "-aes-256-gcm", "-outform", "DER"]);
        let head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";
        made = [&head[..], &der].concat();
    }
    let (source, keys) = (&made, Keys(vec![bob.recipient()]));
    let input = formats::inspect::Input { opener: Some(&keys), ..formats::inspect::Input::new(source, "deep.eml") };
    let why = formats::inspect::inspect(&input).unwrap_err().to_string();
    assert!(why.contains("nested more than"), "{why}");
}
