//! Messages of `openssl cms -sign` (DER, BER in segments, several signers, detached, key identifiers) lifted and signed
//! further: nothing that they had is changed.

use super::support::{CONTENT, LEVELS, assert_strict_der, cades, lifted, openssl_verify, try_signed, world};
use formats::cms::message::Message;
use model::Profile;
use model::profile::ExistingSignatures;
use std::process::Command;
use testkit::pki::KeyKind;
use testkit::tools;

/// `openssl cms -sign` over `content` by these signers.
fn openssl_sign(kinds: &[KeyKind], content: &[u8], options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("input"), folder.path().join("out"));
    std::fs::write(&input, content).unwrap();
    let mut command = Command::new("openssl");
    command.args(["cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256"]).args(options);
    for (number, kind) in kinds.iter().enumerate() {
        let identity = world().signer(*kind).unwrap();
        let [key, certificate] = ["key", "certificate"].map(|name| folder.path().join(format!("{name}{number}")));
        std::fs::write(&key, identity.key_pem().unwrap()).unwrap();
        std::fs::write(&certificate, identity.certificate_pem().unwrap()).unwrap();
        command.arg("-signer").arg(certificate).arg("-inkey").arg(key);
    }
    tools::ok("openssl", command.arg("-in").arg(input).arg("-out").arg(&out)).unwrap();
    std::fs::read(out).unwrap()
}

/// Every piece that a message had is in the other, as it was and in the same order.
fn assert_kept(before: &[u8], after: &[u8]) {
    let (old, new) = (Message::read(&before).unwrap(), Message::read(&after).unwrap());
    let in_order = |old: &[Vec<u8>], new: &[Vec<u8>]| {
        let mut rest = new.iter();
        assert!(old.iter().all(|piece| rest.any(|kept| kept == piece)));
    };
    in_order(old.certificates(), new.certificates());
    in_order(old.revocations(), new.revocations());
    for signer in old.signers() {
        let kept = new.signers().iter().find(|kept| kept.fields() == signer.fields()).unwrap();
        assert_eq!(kept.signature(), signer.signature());
    }
    assert!(after.windows(encapsulated(before).len()).any(|window| window == encapsulated(before)));
}

/// `encapContentInfo` as it stands in a message: from its content type to what stands behind it.
fn encapsulated(message: &[u8]) -> &[u8] {
    let places = formats::cms::reader::SignedData::read(message).unwrap();
    let end = places.content.iter().flatten().map(|piece| piece.end).max().unwrap_or(places.content_type.end);
    &message[places.content_type.start..end]
}

const FORMS: [&[&str]; 6] = [
    &["-nodetach", "-cades"],
    &["-nodetach", "-stream"],
    &["-nodetach", "-stream", "-cades"],
    &["-cades"],
    &["-nodetach", "-keyid"],
    &["-nodetach", "-nosmimecap", "-cades"],
];

#[test]
fn they_reach_b_lta_with_all_that_they_had() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = CONTENT.iter().copied().cycle().take(70_000).collect();
    for kinds in [&[KeyKind::Rsa2048][..], &[KeyKind::P256, KeyKind::Rsa3072, KeyKind::BrainpoolP256r1]] {
        for options in FORMS {
            let original = (!options.contains(&"-nodetach")).then_some(content.as_slice());
            let mut message = openssl_sign(kinds, &content, options);
            for level in LEVELS.into_iter().chain(LEVELS) {
                let next = lifted(level, &message, original).unwrap();
                assert_kept(&message, &next);
                let said = openssl_verify(folder.path(), &next, original, true);
                assert!(said == Ok(content.clone()), "{options:?} {level}: {:?}", said.err());
                message = next;
            }
            if !options.contains(&"-stream") {
                assert_strict_der(&message);
            }
            let read = Message::read(&message).unwrap();
            assert_eq!(read.signers().len(), kinds.len());
            assert_eq!(read.time_stamps().len(), 3 * kinds.len());
        }
    }
}

#[test]
fn they_take_further_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = CONTENT.iter().copied().cycle().take(70_000).collect();
    let second = world().signer(KeyKind::P384).unwrap();
    for options in FORMS.into_iter().filter(|options| options.contains(&"-nodetach")) {
        let message = openssl_sign(&[KeyKind::Rsa2048], &content, options);
        for existing in [ExistingSignatures::Parallel, ExistingSignatures::Counter] {
            let profile = Profile { existing, ..cades(false) };
            let more = try_signed(&second, &profile, &message).unwrap();
            assert_kept(&message, &more);
            let said = openssl_verify(folder.path(), &more, None, true);
            assert!(said == Ok(content.clone()), "{options:?} {existing:?}: {:?}", said.err());
            let count = if existing == ExistingSignatures::Parallel { 2 } else { 1 };
            assert_eq!(Message::read(&more).unwrap().signers().len(), count);
            lifted(LEVELS[0], &more, None).unwrap();
        }
    }
}
