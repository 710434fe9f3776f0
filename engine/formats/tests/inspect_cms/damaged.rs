//! One thing wrong at a time: the field that tells it says so, and no other.

use super::built::{Built, SHA256, attribute, reference};
use super::look::{is_intact, look_at, told};
use super::support::{CONTENT, cades, ladder, signed, world};
use formats::cms::identifiers::{
    OID_ALGORITHM_PROTECTION, OID_CONTENT_TYPE, OID_COUNTERSIGNATURE, OID_DATA, OID_MESSAGE_DIGEST,
    OID_SIGNATURE_TIME_STAMP, OID_SIGNING_CERTIFICATE_V2, OID_SIGNING_TIME,
};
use formats::der::{TAG_OCTET_STRING, TAG_SEQUENCE, TAG_UTC_TIME, tlv};
use formats::inspect::{Inspection, Integrity, Signature, SignerReference};
use model::profile::Level;
use openssl::sha::sha256;
use testkit::pki::KeyKind;

/// What a signature is said to be: intact, valid, the codes of its faults.
fn check(what: &str, message: &[u8], intact: bool, valid: bool, faults: &[&str]) -> Inspection {
    let inspection = look_at(message, None);
    let signature = &inspection.signatures[0];
    let codes: Vec<&str> = signature.faults.iter().map(|fault| fault.code).collect();
    let found = (is_intact(signature), signature.value.is_ok(), codes.as_slice());
    assert_eq!(found, (intact, valid, faults), "{what}\n{}", told(&inspection));
    inspection
}

fn flipped(message: &[u8], part: &[u8], at: usize) -> Vec<u8> {
    let start = message.windows(part.len()).position(|window| window == part).unwrap();
    let mut changed = message.to_vec();
    changed[start + at] ^= 1;
    changed
}

#[test]
fn flipped_bits_are_told_where_they_are() {
    let built = Built::new(CONTENT);
    let message = built.message();
    check("nothing", &message, true, true, &[]);
    let inspection = look_at(&message, None);
    let signature: &Signature = &inspection.signatures[0];

    let changed = flipped(&message, CONTENT, 3);
    check("content", &changed, false, true, &[]);
    for at in [0, 31] {
        let changed = flipped(&message, &sha256(CONTENT), at);
        check("message digest", &changed, false, false, &[]);
    }
    for at in [0, 100, 255] {
        let changed = flipped(&message, &signature.signature_value, at);
        check("signature value", &changed, true, false, &[]);
    }
    check("signing time", &flipped(&message, b"251123130101Z", 1), true, false, &[]);
    let digest = sha256(&built.certificates[0]);
    let changed = check("reference", &flipped(&message, &digest, 5), true, false, &[]);
    assert_eq!(changed.signatures[0].reference, SignerReference::Differs);
    // Somewhere in the signature of the certificate: it is no longer the one that was meant, but its key is the same.
    let changed = flipped(&message, &built.certificates[0], built.certificates[0].len() - 9);
    let changed = check("certificate", &changed, true, true, &[]);
    assert_eq!(changed.signatures[0].reference, SignerReference::Differs);
}

#[test]
fn exchanged_certificates_are_told() {
    let built = Built::new(CONTENT);
    let other = world().signer(KeyKind::Rsa3072).unwrap().certificate_der();
    let swapped = Built { certificates: vec![other.clone()], ..built.clone() };
    let found = check("swapped", &swapped.message(), true, false, &[]);
    assert_eq!(found.signatures[0].signer, None);
    let none = Built { certificates: Vec::new(), ..built.clone() };
    let found = check("none", &none.message(), true, false, &[]);
    assert!(found.signatures[0].signer.is_none() && found.signatures[0].key.is_none());
    // Among others it is found, in any order.
    let own = built.certificates[0].clone();
    check("both", &Built { certificates: vec![other.clone(), own], ..built.clone() }.message(), true, true, &[]);
    // The reference is about another certificate that is there: its key did not sign.
    let certificates = vec![built.certificates[0].clone(), other.clone()];
    let lying = Built { certificates, ..built.clone() }.with(OID_SIGNING_CERTIFICATE_V2, &[&reference(&other)]);
    check("reference to another", &lying.message(), true, false, &[]);
    let alone = built.with(OID_SIGNING_CERTIFICATE_V2, &[&reference(&other)]);
    let found = check("reference to one that is not there", &alone.message(), true, true, &[]);
    assert_eq!(found.signatures[0].reference, SignerReference::Differs);
}

#[test]
fn rules_of_the_format_are_kept() {
    let built = || Built::new(CONTENT);
    let octets = tlv(TAG_OCTET_STRING, &[&sha256(CONTENT)]);
    let time = tlv(TAG_UTC_TIME, &[b"251123130102Z"]);
    let faulty = |what: &str, built: Built, faults: &[&str]| check(what, &built.message(), true, true, faults);
    faulty("no content type", built().with(OID_CONTENT_TYPE, &[]), &["content-type-missing"]);
    faulty("another content type", built().with(OID_CONTENT_TYPE, &[b"\x06\x01\x2a"]), &["content-type-differs"]);
    faulty("two content types", built().and(OID_CONTENT_TYPE, OID_DATA), &["attribute-repeated"]);
    faulty("two digests", built().and(OID_MESSAGE_DIGEST, &octets), &["attribute-repeated"]);
    faulty("two times", built().and(OID_SIGNING_TIME, &time), &["attribute-repeated"]);
    faulty("two times in one", built().with(OID_SIGNING_TIME, &[&time, &time]), &["attribute-repeated"]);
    faulty("time beside", built().and_unsigned(OID_SIGNING_TIME, &time), &["attribute-not-signed"]);
    faulty("digest beside", built().and_unsigned(OID_MESSAGE_DIGEST, &octets), &["attribute-not-signed"]);
    faulty("type beside", built().and_unsigned(OID_CONTENT_TYPE, OID_DATA), &["attribute-not-signed"]);
    let named = reference(&built().certificates[0]);
    let beside = built().and_unsigned(OID_SIGNING_CERTIFICATE_V2, &named);
    faulty("reference beside", beside, &["attribute-not-signed"]);
    faulty("counter-signature signed", built().and(OID_COUNTERSIGNATURE, b"\x30\x00"), &["attribute-signed"]);
    let protection = |digest: &[u8], signature: &[u8]| tlv(TAG_SEQUENCE, &[digest, &tlv(0xa1, &[&signature[2..]])]);
    let right = protection(SHA256, super::built::RSA_SHA256);
    faulty("protection", built().and(OID_ALGORITHM_PROTECTION, &right), &[]);
    let wrong = protection(b"\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a", super::built::RSA_SHA256);
    faulty("wrong protection", built().and(OID_ALGORITHM_PROTECTION, &wrong), &["algorithm-protection"]);
    faulty("empty protection", built().and(OID_ALGORITHM_PROTECTION, b"\x30\x00"), &["algorithm-protection"]);
    let missing = built().with(OID_MESSAGE_DIGEST, &[]);
    let found = check("no digest", &missing.message(), false, true, &["message-digest-missing"]);
    assert!(matches!(found.signatures[0].covered[0].integrity, Integrity::Refused(_)));
    let unreadable = built().with(OID_MESSAGE_DIGEST, &[b"\x02\x01\x01"]);
    check("digest of another type", &unreadable.message(), false, true, &["message-digest-unreadable"]);
    let twice = built().and(OID_SIGNING_CERTIFICATE_V2, &named);
    let found = faulty("two references", twice, &[]);
    assert!(found.signatures[0].notes.iter().any(|note| note.code == "several-signer-references"));

    let bare = Built { attributes: None, ..built() };
    faulty("no attributes", bare.clone(), &[]);
    let typed = Built { content_type: b"\x06\x01\x2a".to_vec(), ..bare.clone() };
    faulty("no attributes over something else", typed, &["signed-attributes-missing"]);
    check("no attributes, content changed", &flipped(&bare.message(), CONTENT, 1), true, false, &[]);
    // Attributes that were signed, handed out as a content.
    let attributes = formats::der::set_of(0x31, built().attributes.unwrap());
    let passed_off = Built { attributes: None, ..Built::new(&attributes) };
    faulty("attributes as content", passed_off, &["cms-attributes-as-content"]);

    let unknown = Built { digest: b"\x30\x03\x06\x01\x2a".to_vec(), ..built() };
    let found = check("unknown digest", &unknown.message(), false, true, &[]);
    assert!(matches!(found.signatures[0].covered[0].integrity, Integrity::Refused(_)));
    let unknown = Built { method: b"\x30\x03\x06\x01\x2a".to_vec(), ..built() };
    let found = check("unknown method", &unknown.message(), true, false, &[]);
    assert_eq!((found.signatures[0].method, &*found.signatures[0].method_name), (None, "1.2"));
    let sha1 = Built { digest: b"\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a".to_vec(), ..built() };
    let sha1 = sha1.with(OID_MESSAGE_DIGEST, &[&tlv(TAG_OCTET_STRING, &[&openssl::sha::sha1(CONTENT)])]);
    let found = faulty("two digest algorithms", sha1, &[]);
    assert!(found.signatures[0].notes.iter().any(|note| note.code == "digest-algorithms-differ"));
}

#[test]
fn counter_signatures_keep_their_rules() {
    let parent = Built::new(CONTENT);
    let value = look_at(&parent.message(), None).signatures[0].signature_value.to_vec();
    let digest = |bytes: &[u8]| tlv(TAG_OCTET_STRING, &[&sha256(bytes)]);
    let with = |counter: Built| parent.clone().and_unsigned(OID_COUNTERSIGNATURE, &counter.signer_info()).message();
    let counter = Built::new(CONTENT).with(OID_CONTENT_TYPE, &[]).with(OID_MESSAGE_DIGEST, &[&digest(&value)]);
    let found = look_at(&with(counter.clone()), None);
    assert!(
        found.signatures.iter().all(super::look::is_good) && found.signatures[1].parent == Some(0),
        "{}",
        told(&found)
    );
    let typed = look_at(&with(counter.clone().and(OID_CONTENT_TYPE, OID_DATA)), None);
    assert_eq!(typed.signatures[1].faults[0].code, "content-type-in-counter-signature");
    let other = look_at(&with(counter.with(OID_MESSAGE_DIGEST, &[&digest(b"else")])), None);
    assert_eq!(other.signatures[1].covered[0].integrity, Integrity::Changed);
    let unreadable = look_at(&parent.clone().and_unsigned(OID_COUNTERSIGNATURE, b"\x30\x00").message(), None);
    assert_eq!(unreadable.signatures[0].faults[0].code, "counter-signature-unreadable");
}

#[test]
fn damaged_time_stamps_are_told() {
    let message = signed(KeyKind::P256, &cades(false), CONTENT);
    let all = ladder(&message, None);
    let (_, archived) = all.iter().find(|(level, _)| *level == Level::Lta).unwrap();
    let before = look_at(archived, None);
    for (number, stamp) in before.signatures[0].stamps.iter().enumerate() {
        let changed = flipped(archived, &stamp.bytes, stamp.bytes.len() / 2);
        let after = look_at(&changed, None);
        assert!(after.signatures[0].stamps[number].token.is_err() || changed.len() != archived.len());
        assert!(super::look::is_good(&after.signatures[0]));
    }
    // A certificate that the archive time stamp is over: changed, it is over something that is not there.
    let last = before.signatures[0].evidence.certificates.last().unwrap();
    let after = look_at(&flipped(archived, last, last.len() - 4), None);
    let notes: Vec<&str> = after.signatures[0].notes.iter().map(|note| note.code).collect();
    assert!(notes.contains(&"hash-index-unmatched"), "{}", told(&after));
    let changed = &after.signatures[0].evidence.certificates;
    let archive = after.signatures[0].stamps.iter().find(|stamp| stamp.kind == formats::inspect::StampKind::Archive);
    let covers = &archive.unwrap().covers;
    let uncovered = changed.iter().filter(|one| !covers.contains(&formats::inspect::ObjectId::of(one)));
    assert_eq!(uncovered.count(), 1);
    // A time stamp of another signature.
    let stamp = before.signatures[0].stamps.iter().find(|stamp| stamp.kind == formats::inspect::StampKind::Signature);
    let copied = Built::new(CONTENT).and_unsigned(OID_SIGNATURE_TIME_STAMP, &stamp.unwrap().bytes);
    let found = look_at(&copied.message(), None);
    assert_eq!(found.signatures[0].stamps[0].imprint, Integrity::Changed);
    assert!(found.signatures[0].stamps[0].token.is_ok());
    let none = Built::new(CONTENT).and_unsigned(OID_SIGNATURE_TIME_STAMP, &attribute(OID_DATA, &[]));
    assert!(look_at(&none.message(), None).signatures[0].stamps[0].token.is_err());
}
