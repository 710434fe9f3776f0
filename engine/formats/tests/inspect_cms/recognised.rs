//! What a file is, told by its structure.

use super::built::Built;
use super::look::{is_good, look, look_at};
use super::support::{CONTENT, cades, signed, world};
use formats::der::tlv;
use formats::inspect::{Detached, FileKind, Inspection, Integrity};
use formats::signature::HashAlgorithm;
use testkit::pki::KeyKind;
use testkit::world::Hash;

fn assert_one_good(inspection: &Inspection, note: Option<&str>) {
    assert_eq!(inspection.kind, FileKind::Cms);
    assert!(inspection.signatures.len() == 1 && is_good(&inspection.signatures[0]));
    assert_eq!(inspection.notes.first().map(|note| note.code), note);
}

#[test]
fn a_message_in_every_dress() {
    let message = signed(KeyKind::P256, &cades(false), CONTENT);
    assert_one_good(&look_at(&message, None), None);
    let text = openssl::base64::encode_block(&message);
    let lines = |width: usize, end: &str| -> String {
        text.as_bytes().chunks(width).map(|line| format!("{}{end}", std::str::from_utf8(line).unwrap())).collect()
    };
    for base64 in [text.clone(), format!("{text}\n"), lines(64, "\n"), lines(76, "\r\n")] {
        assert_one_good(&look_at(base64.as_bytes(), None), Some("armoured"));
    }
    for label in ["CMS", "PKCS7", "PKCS #7 SIGNED DATA", "ANYTHING"] {
        let pem = format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines(64, "\n"));
        assert_one_good(&look_at(pem.as_bytes(), None), Some("armoured"));
        let explained = format!("Signed by somebody\n\n{pem}");
        assert_one_good(&look_at(explained.as_bytes(), None), Some("armoured"));
    }
    let mut behind = message.clone();
    behind.extend_from_slice(b"\r\n\0\0");
    assert_one_good(&look_at(&behind, None), None);
    behind.extend_from_slice(b"garbage");
    assert_one_good(&look_at(&behind, None), Some("bytes-behind-the-end"));

    let built = Built::new(CONTENT);
    let bare = built.signed_data(&[built.signer_info()]);
    assert_one_good(&look_at(&bare, None), Some("cms-without-content-info"));
}

#[test]
fn time_stamps_in_files_of_their_own() {
    let imprint = HashAlgorithm::Sha256.digest(CONTENT).unwrap();
    let token = world().stamp_at(Hash::Sha256, &imprint, world().now()).unwrap();
    let response = tlv(0x30, &[b"\x30\x03\x02\x01\x00", &token]);
    let pem = format!("-----BEGIN X-----\n{}\n-----END X-----\n", openssl::base64::encode_block(&token));
    let content = CONTENT.to_vec();
    for file in [&token[..], &response, pem.as_bytes()] {
        let integrity = |detached: &[Detached<'_>]| {
            let inspection = look(file, detached).unwrap();
            assert_eq!((inspection.kind, inspection.stamps.len()), (FileKind::TimeStamp, 1));
            assert!(inspection.stamps[0].token.is_ok());
            assert_eq!(inspection.stamps[0].bytes[..], token);
            inspection.stamps[0].imprint.clone()
        };
        let document = |source| Detached::Document { name: "document", source };
        assert!(matches!(integrity(&[]), Integrity::Missing(_)));
        assert_eq!(integrity(&[document(&content)]), Integrity::Intact);
        assert_eq!(integrity(&[Detached::Digest(HashAlgorithm::Sha256, imprint.clone())]), Integrity::Intact);
        assert_eq!(integrity(&[Detached::Digest(HashAlgorithm::Sha256, vec![1; 32])]), Integrity::Changed);
        assert!(matches!(integrity(&[Detached::Digest(HashAlgorithm::Sha1, vec![1; 20])]), Integrity::Missing(_)));
        assert_eq!(integrity(&[document(&token), document(&content)]), Integrity::Intact);
    }
    let mut changed = token.clone();
    let at = changed.len() - 10;
    changed[at] ^= 1;
    assert!(look(&changed, &[]).unwrap().stamps[0].token.is_err());
    let refusal = look(b"\x30\x05\x30\x03\x02\x01\x02", &[]).unwrap();
    assert!(refusal.kind == FileKind::TimeStamp && refusal.stamps.is_empty() && !refusal.notes.is_empty());
}

#[test]
fn encrypted_and_unknown_files_are_told() {
    let kind = |bytes: &[u8]| look(bytes, &[]).map(|inspection| inspection.kind);
    let oid: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
    let enveloped = tlv(0x30, &[oid, &tlv(0xa0, &[&tlv(0x30, &[b"\x02\x01\x00\x31\x00"])])]);
    assert_eq!(kind(&enveloped).unwrap(), FileKind::Encrypted);
    let certificate = world().root_der();
    for other in [
        &b""[..],
        b"0",
        b"plain text",
        b"\x30\x80",
        b"\x30\x03\x02\x01\x01",
        &certificate,
        b"MII=",
        b"-----BEGIN X-----",
    ] {
        assert_eq!(kind(other).unwrap(), FileKind::Other, "{other:02x?}");
    }
}
