//! Messages made to hurt: each ends soon, in little memory, with a reason.

use super::built::Built;
use super::cms_support::Zeros;
use super::look::look;
use super::support::{CONTENT, cades, stamp, world};
use formats::cms::identifiers::{OID_COUNTERSIGNATURE, OID_SIGNATURE_TIME_STAMP};
use formats::der::tlv;
use formats::inspect::{Input, inspect};
use formats::{FormatError, Source};
use model::{Digest, DigestAlgorithm, Profile};
use std::time::{Duration, Instant};
use testkit::pki::KeyKind;

/// Ends in time; gives the code of the reason if there is one.
fn check(what: &str, bytes: &[u8]) -> Option<&'static str> {
    let start = Instant::now();
    let outcome = look(bytes, &[]);
    let took = start.elapsed();
    // Without optimisation it may take longer than the two seconds that are promised.
    let allowed = if cfg!(debug_assertions) { Duration::from_secs(20) } else { Duration::from_secs(2) };
    println!("{what}: {took:?} {:?}", outcome.as_ref().map(|found| found.signatures.len()));
    assert!(took < allowed, "{what}: {took:?}");
    match outcome {
        Err(FormatError::Document(reason)) => Some(reason.code),
        Err(other) => panic!("{what}: {other}"),
        Ok(_) => None,
    }
}

#[test]
fn many_of_everything() {
    let built = Built::new(CONTENT);
    let signer = built.signer_info();
    assert_eq!(check("10 000 signers", &built.message_of(&vec![signer.clone(); 10_000])), Some("cms-unreadable"));
    assert_eq!(check("4 000 signers", &built.message_of(&vec![signer.clone(); 4_000])), Some("too-many-signatures"));
    assert_eq!(check("256 signers", &built.message_of(&vec![signer.clone(); 256])), None);
    let mut many = built.clone();
    many.unsigned = vec![tlv(0x30, &[OID_COUNTERSIGNATURE, &tlv(0x31, &[&signer])]); 10_000];
    assert_eq!(check("10 000 counter-signatures", &many.message()), Some("cms-unreadable"));
    many.unsigned.truncate(4_000);
    assert_eq!(check("4 000 counter-signatures", &many.message()), Some("too-many-signatures"));
    let mut deep = built.clone();
    for _ in 0..200 {
        deep = built.clone().and_unsigned(OID_COUNTERSIGNATURE, &deep.signer_info());
    }
    assert_eq!(check("200 levels of counter-signatures", &deep.message()), Some("too-many-signatures"));
    let token = stamp(&Digest::new(DigestAlgorithm::Sha256, &[7; 32]).unwrap());
    let mut stamped = built.clone();
    stamped.unsigned = vec![tlv(0x30, &[OID_SIGNATURE_TIME_STAMP, &tlv(0x31, &[token.der()])]); 257];
    assert_eq!(check("257 time stamps", &stamped.message()), Some("too-many-time-stamps"));
    stamped.unsigned.truncate(256);
    assert_eq!(check("256 time stamps", &stamped.message()), None);
    let mut crowd = built.clone();
    crowd.certificates = (0..4_000_u32)
        .map(|number| {
            let mut copy = built.certificates[0].clone();
            let at = copy.len() - 4;
            copy[at..].copy_from_slice(&number.to_be_bytes());
            copy
        })
        .collect();
    assert_eq!(check("256 signers among 4 000 certificates", &crowd.message_of(&vec![signer; 256])), None);
}

#[test]
fn deep_and_endless_encodings() {
    for unit in [&b"\x30\x80"[..], b"\xa0\x80", b"\x24\x80", b"\x30\x84\x00\x0f\xff\xff"] {
        let nested = unit.repeat(1024 * 1024 / unit.len());
        check("nested from the start", &nested);
        let start = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00";
        assert_eq!(check("nested in a message", &[&start[..], &nested].concat()), Some("cms-unreadable"));
        let content = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80";
        assert_eq!(check("nested content", &[&start[..], content, &nested].concat()), Some("cms-unreadable"));
    }
    let roles = (0..10_000).fold(Vec::new(), |inner, _| tlv(0x30, &[&inner]));
    let oid = formats::cms::identifiers::OID_SIGNER_ATTRIBUTES;
    let value = tlv(0x30, &[&tlv(0xa0, &[&tlv(0x30, &[b"\x06\x01\x2a", &tlv(0x31, &[&roles])])])]);
    assert_eq!(check("deep roles", &Built::new(CONTENT).and(oid, &value).message()), None);
}

/// 4 GiB of content pass by in pieces (the source refuses to give more at once): once for all signers and digests.
#[test]
fn large_content_is_never_held() {
    const LENGTH: u64 = if cfg!(debug_assertions) { 1 << 28 } else { 1 << 32 };
    let template = |kind, digest| {
        let profile = Profile { digest, ..cades(false) };
        let signer = super::support::signer(&world().signer(kind).unwrap());
        formats::SignerTemplate::new(&signer, &profile).map(|template| (profile, template)).unwrap()
    };
    let (profile, first) = template(KeyKind::P256, DigestAlgorithm::Sha256);
    let prepared = formats::prepare(&Zeros(LENGTH), &profile, &first, super::support::now()).unwrap();
    let value = super::cms_support::sign(world().signer(KeyKind::P256).unwrap().key(), prepared.to_be_signed());
    let sealed = prepared.assemble(&value).unwrap();
    let zeros = Zeros(LENGTH);
    let assembled = sealed.assembled(&zeros);
    let inspection = inspect(&Input::new(&assembled, "large")).unwrap();
    assert!(super::look::is_good(&inspection.signatures[0]));
    assert!(Source::len(&assembled) > LENGTH);
}

#[test]
fn text_forms_are_bounded() {
    struct Long;
    impl Source for Long {
        fn len(&self) -> u64 {
            1 << 40
        }
        fn read_exact_at(&self, _: u64, buffer: &mut [u8]) -> Result<(), formats::SourceError> {
            assert!(buffer.len() <= 1 << 20);
            buffer.fill(b'M');
            let start = b"MIIBVwYJKoZIhvcNAQcCoIIBSDCCAUQCAQExADALBgkqhkiG9w0BBwE";
            buffer[..start.len()].copy_from_slice(start);
            Ok(())
        }
    }
    let refused = inspect(&Input::new(&Long, "long")).unwrap_err();
    assert!(matches!(refused, FormatError::Document(reason) if reason.code == "armoured-too-large"));
}
