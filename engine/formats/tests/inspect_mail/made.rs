//! Mails as the openssl program makes them.

use crate::support::*;
use formats::inspect::FileKind;
use proptest::prelude::*;

const TEXT: &[u8] = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
    Zahlen Sie 1 000,00 \xe2\x82\xac\r\nan uns.\r\n";

const PARTS: &[u8] = b"Content-Type: multipart/mixed; boundary=inner\r\n\r\npreamble\r\n--inner\r\n\
    Content-Type: text/plain\r\n\r\nHallo\r\n\r\n\r\n--inner\r\nContent-Type: application/octet-stream; name=x.bin\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nAAECAwQ=\r\n--inner--\r\nepilogue\r\n\r\n";

/// The one signature of a mail is over all of it, and nothing is wrong.
fn check_whole(mail: &[u8], what: &str) {
    assert!(openssl_accepts(mail), "{what}: openssl");
    let inspection = taken_apart(mail).unwrap();
    assert_eq!(inspection.kind, FileKind::Mail, "{what}");
    let [signature] = &inspection.signatures[..] else { panic!("{what}: {inspection:?}") };
    assert!(is_good(signature), "{what}: {signature:?}");
    assert_eq!(signature.covered[0].what, "the whole body", "{what}");
    assert_eq!(signature.attributes.mail_from, ["alice@example.de"], "{what}");
    assert!(signature.notes.iter().all(|note| !note.code.starts_with("mail-")), "{what}: {:?}", signature.notes);
}

#[test]
fn clear_and_opaque_signatures_however_they_are_made_and_stored() {
    for key in ["rsa:2048", "ec:P-256"] {
        let alice = person("alice", key);
        for entity in [TEXT, PARTS] {
            let forms: [&[&str]; 9] = [
                &[],
                &["-nodetach"],
                &["-crlfeol"],
                &["-nodetach", "-crlfeol"],
                &["-md", "sha512"],
                &["-md", "sha1", "-noattr"],
                &["-nodetach", "-stream"],
                &["-keyid"],
                &["-nosmimecap", "-md", "sha384"],
            ];
            for options in forms {
                let made = sign(&alice, entity, options);
                for end in [&b"\n"[..], b"\r\n"] {
                    let stored = mail(&lines_end_with(&made, end));
                    check_whole(&stored, &format!("{key} {options:?} {}", end.escape_ascii()));
                }
            }
        }
    }
}

#[test]
fn lines_that_were_signed_as_they_are_stored_are_accepted_with_a_note() {
    let stored = lines_end_with(TEXT, b"\n");
    let made = mail(&sign(&alice(), &stored, &["-binary"]));
    let inspection = taken_apart(&made).unwrap();
    assert!(is_good(&inspection.signatures[0]), "{inspection:?}");
    assert!(notes(&inspection).contains(&"mail-line-ends"));
    let opaque = mail(&sign(&alice(), &stored, &["-binary", "-nodetach"]));
    check_whole(&opaque, "opaque and binary");
}

#[test]
fn the_older_program_and_its_older_labels() {
    let alice = alice();
    let (certificate, key) = (text(&alice.certificate), text(&alice.key));
    for options in [&[][..], &["-nodetach"], &["-crlfeol"]] {
        let arguments = [&["smime", "-sign", "-signer", &certificate, "-inkey", &key][..], options].concat();
        let made = openssl(&arguments, TEXT).unwrap();
        check_whole(&mail(&made), "smime");
        let older = String::from_utf8(made).unwrap().replace("application/pkcs7-", "application/x-pkcs7-");
        check_whole(&mail(older.as_bytes()), "x-pkcs7");
    }
}

#[test]
fn other_transfer_encodings_of_the_signature() {
    let made = sign(&alice(), TEXT, &["-outform", "DER", "-nodetach"]);
    let head = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n";
    let binary = [head.as_bytes(), b"Content-Transfer-Encoding: binary\r\n\r\n", &made].concat();
    let escaped: String = made
        .iter()
        .map(|byte| format!("={byte:02X}"))
        .collect::<Vec<_>>()
        .join("")
        .as_bytes()
        .chunks(72)
        .map(|line| format!("{}=\r\n", std::str::from_utf8(line).unwrap()))
        .collect();
    let quoted = [head.as_bytes(), b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", escaped.as_bytes()].concat();
    for entity in [binary, quoted] {
        let inspection = taken_apart(&mail(&entity)).unwrap();
        assert!(is_good(&inspection.signatures[0]), "{inspection:?}");
    }
}

#[test]
fn a_wrong_or_missing_micalg_is_a_note_only() {
    let made = String::from_utf8(sign(&alice(), TEXT, &[])).unwrap();
    let check = |from: &str, to: &str, noted: bool| {
        let inspection = taken_apart(&mail(made.replace(from, to).as_bytes())).unwrap();
        assert!(is_good(&inspection.signatures[0]), "{to}");
        assert_eq!(notes(&inspection).contains(&"mail-micalg"), noted, "{to}");
    };
    check("micalg=\"sha-256\"", "micalg=\"sha-256\"", false);
    check("micalg=\"sha-256\"", "micalg=SHA256", false);
    check("micalg=\"sha-256\"", "micalg=\"sha1,sha-256\"", false);
    check("micalg=\"sha-256\"", "micalg=sha1", true);
    check("micalg=\"sha-256\"", "x=y", true);
}

#[test]
fn several_signers_are_each_reported() {
    let (mallory, key) = (mallory(), text(&mallory().key));
    let certificate = text(&mallory.certificate);
    let made = mail(&sign(&alice(), TEXT, &["-signer", &certificate, "-inkey", &key]));
    let inspection = taken_apart(&made).unwrap();
    assert_eq!(inspection.signatures.len(), 2);
    assert!(inspection.signatures.iter().all(is_good), "{inspection:?}");
    assert!(notes(&inspection).contains(&"mail-several-signers"));
    assert_eq!(notes(&inspection).iter().filter(|note| **note == "mail-from-differs").count(), 1);
}

#[test]
fn signatures_in_signatures_and_in_attached_mails_are_nested() {
    let inner = sign(&alice(), TEXT, &[]);
    let twice = taken_apart(&mail(&sign(&alice(), &inner, &["-binary"]))).unwrap();
    let opaque = taken_apart(&mail(&sign(&alice(), &inner, &["-nodetach", "-binary"]))).unwrap();
    let attached = [b"Content-Type: message/rfc822\r\n\r\n", &mail(&inner)[..]].concat();
    let attached = taken_apart(&mail(&attached)).unwrap();
    let forwarded = [b"Content-Type: message/rfc822\r\n\r\n", &mail(&inner)[..]].concat();
    let forwarded = taken_apart(&mail(&sign(&mallory(), &forwarded, &["-binary"]))).unwrap();
    let places = |inspection: &formats::inspect::Inspection| -> Vec<String> {
        assert!(all(inspection).iter().all(|(_, signature)| is_good(signature)), "{inspection:?}");
        all(inspection).into_iter().map(|(place, _)| place).collect()
    };
    assert_eq!(places(&twice), ["", "1 signed"]);
    assert_eq!(places(&opaque), ["", "content"]);
    assert_eq!(places(&attached), ["attached mail"]);
    assert_eq!(places(&forwarded), ["", "1"]);
    assert!(notes(&attached).contains(&"mail-not-signed"));
    assert!(!notes(&forwarded).contains(&"mail-not-signed"));
}

#[test]
fn certificates_alone_are_no_signature() {
    let certificate = text(&alice().certificate);
    let folder = tempfile::tempdir().unwrap();
    let out = text(&folder.path().join("certificates.p7c"));
    let arguments = ["crl2pkcs7", "-nocrl", "-certfile", &certificate, "-outform", "DER", "-out", &out];
    testkit::tools::run_ok("openssl", arguments).unwrap();
    let body = openssl::base64::encode_block(&std::fs::read(&out).unwrap());
    let entity = format!(
        "Content-Type: application/pkcs7-mime; smime-type=certs-only\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
    );
    let inspection = taken_apart(&mail(entity.as_bytes())).unwrap();
    assert!(inspection.signatures.is_empty());
    assert!(notes(&inspection).contains(&"mail-certificates-only"), "{inspection:?}");
}

#[test]
fn attached_files_are_judged_on_their_own() {
    let signature = sign(&alice(), b"<invoice/>", &["-outform", "DER", "-binary"]);
    let base64 = |bytes: &[u8]| openssl::base64::encode_block(bytes);
    let body = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nanbei\r\n--b\r\n\
         Content-Type: application/octet-stream; name=\"invoice.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b\r\n\
         Content-Type: application/pkcs7-signature; name=\"invoice.txt.p7s\"\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"invoice.txt.p7s\"\r\n\r\n{}\r\n--b--\r\n",
        base64(b"<invoice/>"),
        base64(&signature)
    );
    let inspection = taken_apart(&mail(body.as_bytes())).unwrap();
    let found = all(&inspection);
    assert_eq!(found.len(), 1, "{inspection:?}");
    assert_eq!(found[0].0, "3 invoice.txt.p7s");
    assert!(is_good(found[0].1), "{inspection:?}");
    assert!(notes(&inspection).contains(&"mail-not-signed"));
}

#[test]
fn a_byte_changed_anywhere_is_never_good_where_openssl_finds_the_signature_broken() {
    for options in [&[][..], &["-nodetach"]] {
        let made = mail(&sign(&alice(), TEXT, options));
        let mut found_broken = 0;
        for (number, place) in (0..made.len()).step_by(7).enumerate() {
            let mut bad = made.clone();
            bad[place] ^= 1;
            let good = taken_apart(&bad).is_ok_and(|mail| all(&mail).iter().any(|(_, signature)| is_good(signature)));
            // Each question to OpenSSL is a process: it is asked of all that we find good, and of some others for the count.
            if !good && number % 8 != 0 {
                continue;
            }
            let why = openssl(&["cms", "-verify", "-noverify"], &bad).err().unwrap_or_default();
            // Digest or value; not what it says about structure, hints and names, which are judged elsewhere.
            if [":verification failure:", ":content verify error:"].iter().any(|reason| why.contains(reason)) {
                found_broken += 1;
                assert!(!good, "{options:?} byte {place}: {why}");
            }
        }
        assert!(found_broken > 10, "{found_broken}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn spoiled_mails_are_taken_apart_without_a_panic(seed in any::<u64>()) {
        static SAMPLES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
        let samples = SAMPLES.get_or_init(|| {
            let clear = sign(&alice(), PARTS, &[]);
            vec![mail(&sign(&alice(), &clear, &["-nodetach"])), mail(&clear), mail(PARTS)]
        });
        for spoiled in testkit::mutate::mutations(samples, seed).take(8) {
            let _ = taken_apart(&spoiled);
        }
    }
}
