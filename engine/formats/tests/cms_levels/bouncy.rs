//! BouncyCastle reads and verifies all of it: signatures, counter-signatures, time stamps and hash indexes.

use super::support::{CONTENT, LEVELS, cades, ladder, lifted, signed};
use model::profile::{ExistingSignatures, Level};
use model::{DigestAlgorithm, Profile};
use std::path::PathBuf;
use testkit::judge_bc::{CmsVerdict, Count, bouncy_castle};
use testkit::pki::KeyKind;

#[test]
fn bouncy_castle_accepts_every_level_and_every_kind_of_further_signature() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    std::fs::write(&content, CONTENT).unwrap();
    let (mut files, mut expected) = (Vec::new(), Vec::new());
    let mut add = |message: &[u8], detached: bool, verdict: CmsVerdict| {
        let path: PathBuf = folder.path().join(format!("{}.p7m", files.len()));
        std::fs::write(&path, message).unwrap();
        files.push((path, detached.then(|| content.clone())));
        expected.push(verdict);
    };
    let counts = |level, signers, counters| CmsVerdict {
        signers: Count::all_right(signers),
        counters: Count::all_right(counters),
        stamps: Count::all_right(if level >= Level::T { signers } else { 0 }),
        archives: Count::all_right(if level >= Level::Lta { signers } else { 0 }),
        error: None,
    };
    for kind in [KeyKind::Rsa3072, KeyKind::P256, KeyKind::BrainpoolP256r1, KeyKind::Ed25519] {
        for (pss, detached) in [(false, true), (true, false)] {
            let profile = Profile { pss, ..cades(detached) };
            for (level, message) in ladder(&signed(kind, &profile, CONTENT), detached.then_some(CONTENT)) {
                add(&message, detached, counts(level, 1, 0));
            }
        }
    }
    let with = |existing, digest| Profile { existing, digest, ..cades(false) };
    let first = signed(KeyKind::P256, &cades(false), CONTENT);
    let parallel = with(ExistingSignatures::Parallel, DigestAlgorithm::Sha512);
    let second = signed(KeyKind::Rsa2048, &parallel, &first);
    let counter = with(ExistingSignatures::Counter, DigestAlgorithm::Sha256);
    let third = signed(KeyKind::P384, &counter, &second);
    for (level, message) in ladder(&third, None) {
        add(&message, false, counts(level, 2, 1));
    }
    let (_, mut renewed) = ladder(&third, None).pop().unwrap();
    for level in LEVELS {
        renewed = lifted(level, &renewed, None).unwrap();
    }
    add(&renewed, false, CmsVerdict { archives: Count::all_right(4), ..counts(Level::Lta, 2, 1) });
    let count = files.len();
    let verdicts = bouncy_castle(&files).unwrap();
    for (number, (verdict, expected)) in verdicts.iter().zip(&expected).enumerate() {
        assert_eq!(verdict, expected, "message {number} of {count}");
    }

    // It does see what is wrong: a content that was not signed.
    std::fs::write(&content, b"Rechnung 4712").unwrap();
    let detached = files.iter().find(|(_, content)| content.is_some()).unwrap().clone();
    let verdict = &bouncy_castle(&[detached]).unwrap()[0];
    assert!(verdict.signers.right == 0 || verdict.error.is_some(), "{verdict:?}");
}
