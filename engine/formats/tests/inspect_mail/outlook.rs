//! Mails as Outlook saves them.

use crate::support::*;
use formats::inspect::{FileKind, Inspection};
use std::io::{Cursor, Write};

const WORDS: &[u8] = b"Content-Type: text/plain\r\n\r\nIch bin einverstanden.\r\n";

/// A saved mail: its class, and its attachments with their names.
fn saved(class: &str, sender: &str, attachments: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let mut write = |path: &str, bytes: &[u8]| file.create_stream(path).unwrap().write_all(bytes).unwrap();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    write("/__substg1.0_001A001F", &wide(class));
    write("/__substg1.0_007D001F", &wide(&format!("From: {sender}\r\nSubject: x\r\n\r\n")));
    for (index, (name, bytes)) in attachments.iter().enumerate() {
        let storage = format!("/__attach_version1.0_#{index:08X}");
        file.create_storage(&storage).unwrap();
        let mut write = |path: &str, bytes: &[u8]| file.create_stream(path).unwrap().write_all(bytes).unwrap();
        write(&format!("{storage}/__substg1.0_37010102"), bytes);
        write(&format!("{storage}/__substg1.0_3707001F"), &wide(name));
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn check(file: &[u8], places: &[&str]) -> Inspection {
    let inspection = taken_apart(file).unwrap();
    assert_eq!(inspection.kind, FileKind::Mail);
    let found = all(&inspection);
    assert_eq!(found.iter().map(|(place, _)| place.as_str()).collect::<Vec<_>>(), places, "{inspection:?}");
    assert!(found.iter().all(|(_, signature)| is_good(signature)), "{inspection:?}");
    inspection
}

#[test]
fn what_was_sent_is_found_in_the_attachment() {
    let clear = sign(&alice(), WORDS, &["-crlfeol"]);
    let opaque = sign(&alice(), WORDS, &["-nodetach", "-outform", "DER"]);
    let multipart = "IPM.Note.SMIME.MultipartSigned";
    for (class, sent) in [(multipart, &clear), ("IPM.Note.SMIME", &opaque)] {
        let inspection = check(&saved(class, "alice@example.de", &[("smime.p7m", sent)]), &[""]);
        assert_eq!(inspection.signatures[0].attributes.mail_from, ["alice@example.de"]);
        assert!(!notes(&inspection).contains(&"mail-from-differs"));
        let other = check(&saved(class, "ceo@firm.de", &[("smime.p7m", sent)]), &[""]);
        assert!(notes(&other).contains(&"mail-from-differs"));
    }
}

#[test]
fn encrypted_ones_are_opened_with_a_key() {
    let bob = person("bob", "rsa:2048");
    let sent = encrypt(&bob, &sign(&alice(), WORDS, &[]), &["-binary", "-outform", "DER", "-aes-256-gcm"]);
    let file = saved("IPM.Note.SMIME", "alice@example.de", &[("smime.p7m", &sent)]);
    assert_eq!(taken_apart(&file).unwrap().kind, FileKind::Encrypted);
    let inspection = opened(&file, &[bob.recipient()]);
    assert!(all(&inspection).iter().all(|(place, signature)| place == "decrypted" && is_good(signature)));
    assert_eq!(all(&inspection).len(), 1);
}

#[test]
fn attached_files_are_judged_on_their_own() {
    let signature = sign(&alice(), b"words", &["-outform", "DER", "-binary"]);
    let file = saved("IPM.Note", "alice@example.de", &[("a.txt", b"words"), ("a.txt.p7s", &signature)]);
    check(&file, &["2 a.txt.p7s"]);
}

#[test]
fn spoiled_files_are_refused_without_a_panic() {
    let opaque = sign(&alice(), WORDS, &["-nodetach", "-outform", "DER"]);
    let samples = [saved("IPM.Note.SMIME", "alice@example.de", &[("smime.p7m", &opaque)])];
    for spoiled in testkit::mutate::mutations(&samples, 11).take(300) {
        let _ = taken_apart(&spoiled);
    }
    // The tables in the front and the directory decide what is read.
    for place in (0..samples[0].len()).step_by(7) {
        for value in [0, 0xff] {
            let mut bad = samples[0].clone();
            bad[place] = value;
            let _ = taken_apart(&bad);
        }
    }
}
