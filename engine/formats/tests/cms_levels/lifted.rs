//! Our own signatures at every level.

use super::support::{
    CONTENT, LEVELS, assert_strict_der, cades, evidence, ladder, lifted, openssl_verify, signed, stamp, stamp_at, world,
};
use super::table;
use formats::FormatError;
use formats::cms::message::Message;
use formats::lift::{self, Kind};
use model::profile::{Format, Level};
use model::{DigestAlgorithm, Profile};
use testkit::pki::KeyKind;

#[test]
fn every_key_and_form_at_every_level_is_right_for_openssl_and_the_table() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, pss) in [
        (KeyKind::Rsa2048, false),
        (KeyKind::Rsa3072, true),
        (KeyKind::P256, false),
        (KeyKind::P521, false),
        (KeyKind::BrainpoolP384r1, false),
    ] {
        for detached in [true, false] {
            let profile = Profile { pss, digest: DigestAlgorithm::Sha384, ..cades(detached) };
            let original = detached.then_some(CONTENT);
            let message = signed(kind, &profile, CONTENT);
            for (level, message) in ladder(&message, original) {
                let what = format!("{} {level} detached {detached}", kind.name());
                let content = openssl_verify(folder.path(), &message, original, true);
                assert_eq!(content.as_deref().map_err(|said| format!("{what}: {said}")), Ok(CONTENT));
                assert_strict_der(&message);
                table::check(level, &message, CONTENT);
            }
        }
    }
}

#[test]
fn an_archive_time_stamp_is_renewed_with_the_evidence_of_the_one_before() {
    let message = signed(KeyKind::P256, &cades(false), CONTENT);
    let (_, archived) = ladder(&message, None).pop().unwrap();
    let before = Message::read(&archived).unwrap();
    // The unit of the first archive time stamp has to be provable before the second one is put on.
    let completed = lifted(Level::Lt, &archived, None).unwrap();
    let renewed = lifted(Level::Lta, &completed, None).unwrap();
    table::check(Level::Lta, &renewed, CONTENT);
    assert_strict_der(&renewed);
    let after = Message::read(&renewed).unwrap();
    assert_eq!((before.time_stamps().len(), after.time_stamps().len()), (2, 3));
    for stamp in before.time_stamps() {
        assert!(after.time_stamps().contains(&stamp), "a time stamp was changed");
    }
    assert_eq!(after.signers()[0].fields(), before.signers()[0].fields());
}

#[test]
fn what_is_there_is_not_asked_for_or_put_in_again() {
    let message = signed(KeyKind::P256, &cades(false), CONTENT);
    let stamped = lifted(Level::T, &message, None).unwrap();
    let places = lift::signature_time_stamps(Kind::Cms, &stamped, None, DigestAlgorithm::Sha256, None).unwrap();
    assert!(places.imprints().is_empty());
    let place = lift::evidence(Kind::Cms, &stamped, None, None).unwrap();
    let roles: Vec<_> = place.subjects().iter().map(|subject| subject.role).collect();
    assert_eq!(roles, ["signer", "time-stamp unit"]);
    let complete = lifted(Level::Lt, &stamped, None).unwrap();
    let read = Message::read(&complete).unwrap();
    let again = lift::evidence(Kind::Cms, &complete, None, None).unwrap();
    let mut same = evidence(again.subjects());
    // The world's OCSP answers are new each time; the ones that are in it already are not taken again.
    same.ocsp_responses.clear();
    let refilled = super::support::bytes_of(&again.fill(&same).unwrap(), &complete);
    assert!(refilled == complete, "{} entries before", read.revocations().len());
}

#[test]
fn tokens_over_something_else_are_refused() {
    let message = signed(KeyKind::P256, &cades(false), CONTENT);
    let places = || lift::signature_time_stamps(Kind::Cms, &message, None, DigestAlgorithm::Sha256, None).unwrap();
    let other = formats::crypto::digest(DigestAlgorithm::Sha256, b"something else");
    for tokens in [vec![], vec![stamp(&other)], vec![stamp(&places().imprints()[0]), stamp(&other)]] {
        assert!(matches!(places().fill(&tokens), Err(FormatError::WrongSignature(_))));
    }
    assert!(places().fill(&[stamp(&places().imprints()[0])]).is_ok());
}

#[test]
fn a_stamp_over_something_else_in_the_message_does_not_count() {
    let first = signed(KeyKind::P256, &cades(false), CONTENT);
    let second = signed(KeyKind::P256, &cades(false), CONTENT);
    let places = lift::signature_time_stamps(Kind::Cms, &first, None, DigestAlgorithm::Sha256, None).unwrap();
    let token = stamp_at(&places.imprints()[0], world().now());
    // The token of the first signature, put where the second one's belongs.
    let attribute = [formats::cms::identifiers::OID_SIGNATURE_TIME_STAMP, &formats::der::tlv(0x31, &[token.der()])];
    let unsigned = formats::der::tlv(0xa1, &[&formats::der::tlv(0x30, &attribute)]);
    let copied = table::with_unsigned(&second, &unsigned);
    let places = lift::signature_time_stamps(Kind::Cms, &copied, None, DigestAlgorithm::Sha256, None).unwrap();
    assert_eq!(places.imprints().len(), 1);
}

#[test]
fn broken_and_incomplete_signatures_are_not_lifted() {
    let detached = signed(KeyKind::P256, &cades(true), CONTENT);
    let attached = signed(KeyKind::P256, &cades(false), CONTENT);
    let mut changed = attached.clone();
    let at = attached.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
    changed[at] ^= 1;
    let mut value = attached.clone();
    *value.last_mut().unwrap() ^= 1;
    let cases: [(&[u8], Option<&[u8]>, _); 5] = [
        (&detached, None, "original-missing"),
        (&detached, Some(b"Rechnung 4712"), "signature-broken"),
        (&changed, None, "signature-broken"),
        (&value, None, "signature-broken"),
        (b"\x30\x03\x02\x01\x01", None, "cms-unreadable"),
    ];
    for (message, original, code) in cases {
        for level in LEVELS {
            let refused = lifted(level, message, original);
            assert!(matches!(&refused, Err(FormatError::Document(reason)) if reason.code == code), "{refused:?}");
        }
    }
}

#[test]
fn plain_cms_is_lifted_without_becoming_cades() {
    let plain = Profile::plain("test", "test", Format::Cms { detached: false });
    let folder = tempfile::tempdir().unwrap();
    for (_, message) in ladder(&signed(KeyKind::Rsa2048, &plain, CONTENT), None) {
        assert!(openssl_verify(folder.path(), &message, None, true).is_ok());
    }
}
