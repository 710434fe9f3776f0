//! Spoiled messages: never a panic, and never right where openssl finds the cryptography wrong.

use super::built::Built;
use super::look::{is_good, look, look_at};
use super::support::{CONTENT, cades, ladder, openssl_verify, signed};
use formats::inspect::FileKind;
use model::Profile;
use model::profile::ExistingSignatures;
use proptest::prelude::*;
use std::sync::OnceLock;
use testkit::mutate::mutations;
use testkit::pki::KeyKind;

fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let first = signed(KeyKind::P256, &cades(false), CONTENT);
        let counter = Profile { existing: ExistingSignatures::Counter, ..cades(false) };
        let countered = signed(KeyKind::P384, &counter, &first);
        let mut all: Vec<Vec<u8>> = ladder(&countered, None).into_iter().map(|(_, message)| message).collect();
        all.push(Built::new(CONTENT).message());
        all
    })
}

#[test]
fn openssl_refuses_nothing_that_is_called_good() {
    let folder = tempfile::tempdir().unwrap();
    let (mut good, mut read) = (0, 0);
    for spoiled in mutations(samples(), 5).take(1_500) {
        let Ok(inspection) = look(&spoiled, &[]) else { continue };
        if inspection.kind != FileKind::Cms || inspection.signatures.is_empty() {
            continue;
        }
        read += 1;
        let signers: Vec<_> = inspection.signatures.iter().filter(|signature| signature.parent.is_none()).collect();
        if signers.iter().all(|signature| is_good(signature) && signature.signer.is_some()) {
            good += 1;
            if let Err(said) = openssl_verify(folder.path(), &spoiled, None, false) {
                // Cryptography; other complaints of openssl are about encodings and attributes that nobody signed.
                let crypto =
                    ["verification failure", "content verify error", "bad signature", "digest", "invalid digest"];
                // The set of digest algorithms at the beginning is a hint for reading in one pass; nobody signed it.
                let hint = said.contains("DigestAlgorithm_init_bio:unknown digest algorithm");
                assert!(hint || !crypto.iter().any(|word| said.contains(word)), "{said}");
            }
        }
    }
    assert!(good > 20 && read > 100, "{good} good of {read}");
}

#[test]
fn every_flipped_bit_of_what_is_signed_is_noticed() {
    let message = &samples()[4];
    let before = look_at(message, None);
    assert!(is_good(&before.signatures[0]));
    // Everything but the signature of the certificate, which is not ours to judge, and its extensions.
    for at in (0..message.len()).step_by(3) {
        let mut changed = message.clone();
        changed[at] ^= 0x10;
        let Ok(after) = look(&changed, &[]) else { continue };
        let Some(signature) = after.signatures.first() else { continue };
        let same = signature.signature_value == before.signatures[0].signature_value
            && signature.covered == before.signatures[0].covered
            && signature.attributes == before.signatures[0].attributes;
        assert!(!is_good(signature) || same, "octet {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(seed in any::<u64>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for spoiled in mutations(samples(), seed).take(3) {
            let _ = look(&spoiled, &[]);
            let pem = format!("-----BEGIN CMS-----\n{}\n-----END CMS-----", openssl::base64::encode_block(&spoiled));
            let _ = look(pem.as_bytes(), &[]);
        }
        let _ = look(&bytes, &[]);
        let start = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00";
        let _ = look(&[&start[..], &bytes].concat(), &[]);
    }
}
