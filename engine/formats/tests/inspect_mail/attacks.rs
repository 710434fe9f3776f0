//! Mails that pretend: every class of the published attacks on mail programs ("Johnny, you are fired!", 2019; covert
//! content, 2019), made anew. Each is refused or reported, and the sentence says what was tried.

use crate::support::*;

const WORDS: &[u8] = b"Content-Type: text/plain\r\n\r\nIch bin einverstanden.\r\n";

fn signed() -> Vec<u8> {
    sign(&alice(), WORDS, &[])
}

/// None of the signatures is good, and this is the fault of one.
fn check_refused(mail: &[u8], code: &str) {
    let inspection = taken_apart(mail).unwrap();
    let found = all(&inspection);
    assert!(!found.is_empty(), "{code}: {inspection:?}");
    assert!(found.iter().all(|(_, signature)| !is_good(signature)), "{code}: {inspection:?}");
    assert!(faults(&inspection).contains(&code), "{code}: {:?}", faults(&inspection));
}

fn around(kind: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut body = format!("Content-Type: {kind}; boundary=outer\r\n\r\n").into_bytes();
    for part in parts {
        body.extend_from_slice(b"--outer\r\n");
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--outer--\r\n");
    body
}

const HTML: &[u8] = b"Content-Type: text/html\r\n\r\n<p>Zahlen Sie an IBAN DE00</p><div style=\"display:none\">";

#[test]
fn a_signed_part_beside_words_that_nobody_signed() {
    let signed = signed();
    for kind in ["multipart/mixed", "multipart/alternative", "multipart/related", "multipart/report", "multipart/x"] {
        check_refused(&mail(&around(kind, &[HTML, &signed])), "mail-unsigned-content");
    }
    for kind in ["multipart/mixed", "multipart/related"] {
        check_refused(&mail(&around(kind, &[&signed, HTML])), "mail-unsigned-content");
    }
    let opaque = sign(&alice(), WORDS, &["-nodetach"]);
    check_refused(&mail(&around("multipart/mixed", &[HTML, &opaque])), "mail-unsigned-content");
    let deep =
        around("multipart/mixed", &[&around("multipart/mixed", &[&signed]).escape_ascii().to_string().into_bytes()]);
    assert!(all(&taken_apart(&mail(&deep)).unwrap()).is_empty());
}

#[test]
fn a_mailing_list_may_add_its_footer() {
    let footer = b"Content-Type: text/plain\r\n\r\n-- \r\nlist@example.de\r\n";
    let inspection = taken_apart(&mail(&around("multipart/mixed", &[&signed(), footer]))).unwrap();
    let found = all(&inspection);
    assert!(is_good(found[0].1), "{inspection:?}");
    assert_eq!(found[0].1.covered[0].what, "part 1 of 2");
    assert!(notes(&inspection).contains(&"mail-partly-signed"));
    assert!(inspection.signatures.is_empty() && notes(&inspection).contains(&"mail-not-signed"));
    // Nothing is shown of an empty part.
    let alone =
        taken_apart(&mail(&around("multipart/mixed", &[&signed(), b"Content-Type: text/plain\r\n\r\n\r\n"]))).unwrap();
    assert!(is_good(all(&alone)[0].1) && !notes(&alone).contains(&"mail-partly-signed"), "{alone:?}");
}

#[test]
fn a_third_part_behind_the_signature() {
    let signed = String::from_utf8(signed()).unwrap();
    let boundary = signed.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap();
    let end = format!("--{boundary}--");
    let more = format!("--{boundary}\nContent-Type: text/html\n\n<p>Zahlen Sie</p>\n{end}");
    check_refused(&mail(signed.replace(&end, &more).as_bytes()), "mail-unsigned-content");
}

#[test]
fn a_signature_that_brings_another_content_along() {
    let clear = String::from_utf8(sign(&alice(), b"Content-Type: text/plain\r\n\r\nNein.\r\n", &[])).unwrap();
    let opaque = openssl::base64::encode_block(&sign(&alice(), WORDS, &["-nodetach", "-outform", "DER"]));
    let (head, tail) = clear.split_once("filename=\"smime.p7s\"\n\n").unwrap();
    let end = tail.split_once("\n\n--").unwrap().1;
    let forged = format!("{head}filename=\"smime.p7s\"\n\n{opaque}\n\n--{end}");
    check_refused(&mail(forged.as_bytes()), "mail-two-contents");
}

#[test]
fn an_opaque_message_without_content_signs_nothing() {
    let der = sign(&alice(), WORDS, &["-outform", "DER"]);
    let body = openssl::base64::encode_block(&der);
    let entity = format!("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n");
    let inspection = taken_apart(&mail(entity.as_bytes())).unwrap();
    assert!(all(&inspection).iter().all(|(_, signature)| !is_good(signature)), "{inspection:?}");
    assert!(notes(&inspection).contains(&"mail-content-missing"));
}

#[test]
fn senders_that_are_not_the_signer() {
    let signed = signed();
    let check = |header: &str, fault: Option<&str>, note: Option<&str>| {
        let inspection = taken_apart(&mail_with(header, &signed)).unwrap();
        assert_eq!(faults(&inspection).first().copied(), fault, "{header}");
        let signature = &inspection.signatures[0];
        assert!(is_intact(signature), "{header}");
        let found = signature.notes.iter().map(|note| note.code).find(|code| code.starts_with("mail-"));
        assert_eq!(found, note, "{header}: {:?}", signature.notes);
    };
    check("From: Alice@Example.DE\r\n", None, None);
    check("From: ceo@firm.de\r\n", None, Some("mail-from-differs"));
    check("From: ceo@firm.de\r\nSender: alice@example.de\r\n", None, Some("mail-signed-by-sender"));
    check("From: ceo@firm.de\r\nFrom: alice@example.de\r\n", Some("mail-several-from"), Some("mail-from-differs"));
    check("From: \"ceo@firm.de\" <alice@example.de>\r\n", Some("mail-from-ambiguous"), None);
    check("From: ceo@firm.de, alice@example.de\r\n", Some("mail-from-ambiguous"), Some("mail-from-differs"));
    check("From: ceo@firm.de <alice@example.de>\r\n", Some("mail-from-ambiguous"), None);
    check("From: alice@example.de (ceo@firm.de)\r\n", Some("mail-from-ambiguous"), None);
    check("From: board: alice@example.de;\r\n", Some("mail-from-ambiguous"), None);
    check("From: <alice@example.de><ceo@firm.de>\r\n", Some("mail-from-ambiguous"), None);
    check("From: =?utf-8?Q?ceo=40firm=2Ede?= <alice@example.de>\r\n", Some("mail-from-ambiguous"), None);
    check("Subject: from nobody\r\n", None, None);
}

#[test]
fn the_header_outside_says_something_else_than_the_signed_one() {
    let entity =
        b"Content-Type: text/plain; hp=\"clear\"\r\nFrom: Alice <alice@example.de>\r\nSubject: Ja\r\n\r\nJa.\r\n";
    let made = sign(&alice(), entity, &["-binary"]);
    let honest = taken_apart(&mail(&made)).unwrap();
    assert!(!notes(&honest).contains(&"mail-header-differs"));
    let changed = taken_apart(&mail_with("From: ceo@firm.de\r\n", &made)).unwrap();
    assert!(notes(&changed).contains(&"mail-header-differs"), "{changed:?}");
    let wrapped = [b"Content-Type: message/rfc822\r\n\r\n", &mail(WORDS)[..]].concat();
    let wrapped = sign(&alice(), &wrapped, &["-binary"]);
    let changed = taken_apart(&mail_with("From: ceo@firm.de\r\n", &wrapped)).unwrap();
    assert!(notes(&changed).contains(&"mail-header-differs"), "{changed:?}");
}

#[test]
fn a_header_that_says_two_things() {
    let signed = String::from_utf8(signed()).unwrap();
    let twice = signed.replacen("MIME-Version: 1.0\n", "MIME-Version: 1.0\nContent-Type: text/html\n", 1);
    assert!(all(&taken_apart(&mail(twice.as_bytes())).unwrap()).is_empty());
    let (first, rest) = signed.split_once("\n\n").unwrap();
    let twice = format!("{first}\nContent-Type: text/html\n\n{rest}");
    check_refused(&mail(twice.as_bytes()), "mail-part-ambiguous");
}

#[test]
fn ciphertext_of_others_inside_of_a_mail_is_not_decrypted() {
    let bob = person("bob", "rsa:2048");
    let secret = encrypt(&bob, WORDS, &["-aes-256-gcm"]);
    let check = |mail: &[u8], code: &str| {
        let inspection = opened(mail, &[bob.recipient()]);
        assert!(notes(&inspection).contains(&code), "{code}: {inspection:?}");
        assert!(!notes(&inspection).contains(&"decrypted"), "{code}");
    };
    for kind in ["multipart/mixed", "multipart/related", "multipart/alternative"] {
        check(&mail(&around(kind, &[HTML, &secret])), "mail-partly-encrypted");
        check(&mail(&around(kind, &[&secret, HTML])), "mail-partly-encrypted");
        check(&mail(&around(kind, &[&secret, &secret])), "mail-partly-encrypted");
    }
    let attached = [b"Content-Type: message/rfc822\r\n\r\n", &mail(&secret)[..]].concat();
    check(&mail(&attached), "mail-encrypted-inside");
    check(&mail(&around("multipart/report", &[HTML, &attached])), "mail-encrypted-inside");
}
