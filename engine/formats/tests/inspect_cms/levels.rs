//! What sealmill and openssl sign, at every level.

use super::look::{is_good, look, look_at, told};
use super::support::{CONTENT, cades, ladder, signed, world};
use formats::inspect::{
    Detached, Inspection, Integrity, ObjectId, Signature, SignatureFormat, SignerReference, StampKind,
};
use formats::signature::{HashAlgorithm, Method};
use model::Profile;
use model::profile::{ExistingSignatures, Format, Level};
use std::process::Command;
use testkit::pki::KeyKind;
use testkit::tools;

/// Everything that a signature brings is under its last archive time stamp.
fn assert_all_covered(signature: &Signature) {
    let last = signature.stamps.iter().rfind(|stamp| stamp.kind == StampKind::Archive).unwrap();
    let evidence = &signature.evidence;
    let items = evidence.certificates.iter().chain(&evidence.crls).chain(&evidence.ocsp_responses);
    for item in items {
        assert!(last.covers.contains(&ObjectId::of(item)));
    }
    assert!(last.covers.contains(&ObjectId::of(&signature.signature_value)));
    for stamp in signature.stamps.iter().filter(|stamp| stamp.kind == StampKind::Signature) {
        assert!(last.covers.contains(&ObjectId::of(&stamp.bytes)));
    }
}

fn assert_good(inspection: &Inspection, count: usize) {
    assert_eq!(inspection.signatures.len(), count);
    for signature in &inspection.signatures {
        assert!(is_good(signature), "{}", told(inspection));
        for stamp in &signature.stamps {
            assert!(stamp.token.is_ok() && stamp.faults.is_empty());
            assert_eq!(stamp.imprint, Integrity::Intact, "{}", told(inspection));
        }
    }
}

#[test]
fn our_own_at_every_level_and_of_every_key() {
    for (kind, pss) in [
        (KeyKind::Rsa2048, false),
        (KeyKind::Rsa3072, true),
        (KeyKind::P256, false),
        (KeyKind::BrainpoolP384r1, false),
        (KeyKind::Ed25519, false),
    ] {
        for detached in [true, false] {
            let original = detached.then_some(CONTENT);
            let message = signed(kind, &Profile { pss, ..cades(detached) }, CONTENT);
            for (level, message) in ladder(&message, original) {
                let inspection = look_at(&message, original);
                assert_good(&inspection, 1);
                let signature = &inspection.signatures[0];
                let kinds: Vec<StampKind> = signature.stamps.iter().map(|stamp| stamp.kind).collect();
                let expected: &[StampKind] = match level {
                    Level::B => &[],
                    Level::T | Level::Lt => &[StampKind::Signature],
                    _ => &[StampKind::Signature, StampKind::Archive],
                };
                let sorted = |mut kinds: Vec<StampKind>| {
                    kinds.sort_by_key(|kind| *kind as u8);
                    kinds
                };
                assert_eq!(sorted(kinds), expected, "{level}");
                assert_eq!(signature.format, SignatureFormat::Cades);
                assert!(matches!(signature.reference, SignerReference::Matches { issuer_differs: false, .. }));
                assert!(signature.attributes.signing_time.is_some() && signature.pdf.is_none());
                let certificate = world().signer(kind).unwrap().certificate_der();
                assert_eq!(signature.signer.as_deref(), Some(&certificate[..]));
                assert_eq!(
                    signature.evidence.crls.is_empty() && signature.evidence.ocsp_responses.is_empty(),
                    level < Level::Lt
                );
                if level == Level::Lta {
                    assert_all_covered(signature);
                }
                if pss {
                    assert!(matches!(signature.method, Some(Method::RsaPss(_))));
                }
            }
        }
    }
}

#[test]
fn parallel_and_counter_signatures_are_told_apart() {
    let first = signed(KeyKind::P256, &cades(false), CONTENT);
    let with = |existing| Profile { existing, ..cades(false) };
    let countered = signed(KeyKind::P384, &with(ExistingSignatures::Counter), &first);
    let all = signed(KeyKind::Rsa2048, &with(ExistingSignatures::Parallel), &countered);
    for (_, message) in ladder(&all, None) {
        let inspection = look_at(&message, None);
        assert_good(&inspection, 3);
        let parents: Vec<Option<usize>> = inspection.signatures.iter().map(|signature| signature.parent).collect();
        let counter = parents.iter().position(Option::is_some).unwrap();
        assert_eq!(parents[counter], Some(counter - 1));
        assert_eq!(
            inspection.signatures[counter].covered[0].what,
            format!("the value of {}", inspection.signatures[counter - 1].name.as_deref().unwrap())
        );
    }
}

#[test]
fn plain_cms_says_less() {
    let message = signed(KeyKind::Rsa2048, &Profile::plain("test", "test", Format::Cms { detached: false }), CONTENT);
    let inspection = look_at(&message, None);
    assert_good(&inspection, 1);
    let signature = &inspection.signatures[0];
    assert_eq!((signature.format, signature.reference), (SignatureFormat::Cms, SignerReference::Absent));
}

#[test]
fn detached_ones_find_their_document_among_several() {
    let message = signed(KeyKind::P256, &cades(true), CONTENT);
    let (other, content) = (b"something else".to_vec(), CONTENT.to_vec());
    let document = |name, source| Detached::Document { name, source };
    let both = [document("other", &other), document("right", &content)];
    let inspection = look(&message, &both).unwrap();
    assert_good(&inspection, 1);
    assert_eq!(inspection.signatures[0].covered[0].what, "file right");

    let digest = HashAlgorithm::Sha256.digest(CONTENT).unwrap();
    assert_good(&look(&message, &[Detached::Digest(HashAlgorithm::Sha256, digest.clone())]).unwrap(), 1);
    let integrity =
        |detached: &[Detached<'_>]| look(&message, detached).unwrap().signatures[0].covered[0].integrity.clone();
    assert!(matches!(integrity(&[]), Integrity::Missing(_)));
    assert!(matches!(integrity(&[Detached::Digest(HashAlgorithm::Sha512, vec![0; 64])]), Integrity::Missing(_)));
    assert!(matches!(integrity(&[document("a", &other), document("b", &other)]), Integrity::Missing(_)));
    assert_eq!(integrity(&[document("other", &other)]), Integrity::Changed);
    assert_eq!(integrity(&[Detached::Digest(HashAlgorithm::Sha256, vec![0; 32])]), Integrity::Changed);
}

/// `openssl cms -sign` by these signers.
fn openssl_sign(kinds: &[KeyKind], options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("input"), folder.path().join("out"));
    std::fs::write(&input, CONTENT).unwrap();
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

#[test]
fn messages_of_openssl_in_every_form() {
    for kinds in [&[KeyKind::Rsa2048][..], &[KeyKind::P256, KeyKind::Rsa3072, KeyKind::BrainpoolP256r1]] {
        for options in [
            &["-nodetach", "-cades"][..],
            &["-nodetach", "-stream"],
            &["-cades"],
            &["-nodetach", "-keyid"],
            &["-nodetach", "-noattr"],
            &["-noattr"],
        ] {
            let message = openssl_sign(kinds, options);
            let original = (!options.contains(&"-nodetach")).then_some(CONTENT);
            let inspection = look_at(&message, original);
            assert_good(&inspection, kinds.len());
            let cades = options.contains(&"-cades");
            let expected = if cades { SignatureFormat::Cades } else { SignatureFormat::Cms };
            assert!(inspection.signatures.iter().all(|signature| signature.format == expected), "{options:?}");
            // Without a word about the signer's certificate it is not there.
            let without = openssl_sign(kinds, &[options, &["-nocerts"]].concat());
            let inspection = look_at(&without, original);
            assert!(inspection.signatures.iter().all(|one| one.signer.is_none() && one.value.is_err()));
        }
    }
}
