//! Parallel, counter- and sequential signatures of our own.

use super::cms_support::sign;
use super::support::{
    CONTENT, LEVELS, assert_strict_der, bytes_of, cades, ladder, lifted, now, openssl_verify, signed, signer,
    try_signed, world,
};
use super::table;
use formats::cms::message::Message;
use formats::cms::{Shape, Template, add};
use formats::lift::{self, Kind};
use formats::{FormatError, SignerTemplate};
use model::profile::{ExistingSignatures, Format, Level};
use model::{DigestAlgorithm, KeyKind as ModelKind, Profile, SignatureAlgorithm};
use testkit::pki::KeyKind;

fn with(existing: ExistingSignatures, detached: bool) -> Profile {
    Profile { existing, ..cades(detached) }
}

#[test]
fn parallel_signers_stand_beside_each_other_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let first = signed(KeyKind::P256, &cades(false), CONTENT);
    let second = signed(KeyKind::Rsa2048, &with(ExistingSignatures::Parallel, false), &first);
    let sha512 = Profile { digest: DigestAlgorithm::Sha512, ..with(ExistingSignatures::Parallel, false) };
    let third = signed(KeyKind::P384, &sha512, &second);
    for (level, message) in ladder(&third, None) {
        assert_eq!(openssl_verify(folder.path(), &message, None, true).as_deref(), Ok(CONTENT));
        assert_strict_der(&message);
        table::check(level, &message, CONTENT);
        assert_eq!(Message::read(&message).unwrap().signers().len(), 3);
    }
    // Beside a signature that is at B-LTA already: what its archive time stamp covers is still there.
    let (_, archived) = ladder(&first, None).pop().unwrap();
    let beside = signed(KeyKind::Rsa2048, &with(ExistingSignatures::Parallel, false), &archived);
    assert_eq!(openssl_verify(folder.path(), &beside, None, true).as_deref(), Ok(CONTENT));
    assert_strict_der(&beside);
    let mut message = beside;
    for level in LEVELS {
        message = lifted(level, &message, None).unwrap();
    }
    table::check(Level::Lta, &message, CONTENT);
    assert_eq!(Message::read(&message).unwrap().time_stamps().len(), 5);
}

#[test]
fn a_detached_signature_takes_another_when_its_content_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let first = signed(KeyKind::P256, &cades(true), CONTENT);
    let identity = world().signer(KeyKind::Rsa2048).unwrap();
    let refused = try_signed(&identity, &with(ExistingSignatures::Parallel, true), &first);
    assert!(matches!(refused, Err(FormatError::Document(reason)) if reason.code == "original-missing"));

    let template = template(KeyKind::Rsa2048, Shape::of(Format::Cades { detached: true }));
    let addition = add::parallel(&first, Some(&CONTENT), &template, now()).unwrap();
    let value = sign(identity.key(), addition.to_be_signed());
    addition.check(&value).unwrap();
    let both = bytes_of(&addition.finish(&value).unwrap(), &first);
    assert!(openssl_verify(folder.path(), &both, Some(CONTENT), true).is_ok());
    assert_strict_der(&both);
    assert!(matches!(add::parallel(&first, Some(&b"x".as_slice()), &template, now()), Err(FormatError::Document(_))));
}

fn template(kind: KeyKind, shape: Shape) -> Template {
    let signer = signer(&world().signer(kind).unwrap());
    Template::new(&signer, SignatureAlgorithm::for_key(signer.key, DigestAlgorithm::Sha256, false), shape).unwrap()
}

#[test]
fn counter_signatures_are_over_the_value_and_are_proven_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    for detached in [false, true] {
        let original = detached.then_some(CONTENT);
        let first = signed(KeyKind::P256, &cades(detached), CONTENT);
        // The content is not needed: the counter-signature covers the signature.
        let countered = signed(KeyKind::Rsa2048, &with(ExistingSignatures::Counter, detached), &first);
        assert!(openssl_verify(folder.path(), &countered, original, true).is_ok());
        assert_strict_der(&countered);
        let read = Message::read(&countered).unwrap();
        let [counter] = read.signers()[0].unsigned(formats::cms::identifiers::OID_COUNTERSIGNATURE)[..] else {
            panic!("one counter-signature")
        };
        let places = formats::cms::reader::SignerInfo::read(counter).unwrap();
        assert_eq!(places.signed(counter, formats::cms::identifiers::OID_CONTENT_TYPE).count(), 0);

        let place = lift::evidence(Kind::Cms, &countered, original.as_ref().map(|bytes| bytes as _), None).unwrap();
        let roles: Vec<_> = place.subjects().iter().map(|subject| subject.role).collect();
        assert_eq!(roles, ["signer", "counter-signer"]);
        for (level, message) in ladder(&countered, original) {
            table::check(level, &message, CONTENT);
        }
    }
}

#[test]
fn each_signature_is_counter_signed_once_by_one_signer() {
    let first = signed(KeyKind::P256, &cades(false), CONTENT);
    let second = signed(KeyKind::P384, &with(ExistingSignatures::Parallel, false), &first);
    let counter = with(ExistingSignatures::Counter, false);
    let identity = world().signer(KeyKind::Rsa2048).unwrap();
    let mut message = second;
    for _ in 0..2 {
        message = try_signed(&identity, &counter, &message).unwrap();
    }
    let refused = try_signed(&identity, &counter, &message);
    assert!(matches!(refused, Err(FormatError::Document(reason)) if reason.code == "counter-signed-already"));
    let oid = formats::cms::identifiers::OID_COUNTERSIGNATURE;
    let read = Message::read(&message).unwrap();
    assert!(read.signers().iter().all(|signer| signer.unsigned(oid).len() == 1));
}

#[test]
fn a_signed_message_can_be_signed_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let inner = signed(KeyKind::P256, &cades(false), CONTENT);
    let outer = signed(KeyKind::Rsa2048, &cades(false), &inner);
    assert_eq!(openssl_verify(folder.path(), &outer, None, true), Ok(inner.clone()));
    assert_eq!(openssl_verify(folder.path(), &inner, None, true).as_deref(), Ok(CONTENT));
}

#[test]
fn nothing_is_added_to_what_is_broken_or_not_signed() {
    let mut broken = signed(KeyKind::P256, &cades(false), CONTENT);
    let at = broken.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
    broken[at] ^= 1;
    let identity = world().signer(KeyKind::Rsa2048).unwrap();
    for existing in [ExistingSignatures::Parallel, ExistingSignatures::Counter] {
        for (document, code) in [(&broken[..], "signature-broken"), (CONTENT, "cms-unreadable")] {
            let refused = try_signed(&identity, &with(existing, false), document);
            assert!(matches!(refused, Err(FormatError::Document(reason)) if reason.code == code));
        }
    }
}

#[test]
fn post_quantum_keys_need_the_profile_s_word() {
    let mut signer = signer(&world().signer(KeyKind::P256).unwrap());
    signer.key = ModelKind::MlDsa65;
    let refused = |profile: &Profile| match SignerTemplate::new(&signer, profile) {
        Err(FormatError::Setup(reason)) => reason.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&cades(true)), "post-quantum");
    let asked = Profile { post_quantum: true, ..cades(true) };
    // Now it gets as far as the certificate, which has another key.
    assert_eq!(refused(&asked), "key-kind");
    assert_eq!(refused(&Profile { format: Format::Pades, ..asked }), "post-quantum");
}
