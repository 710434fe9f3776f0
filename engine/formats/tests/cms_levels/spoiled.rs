//! Damaged messages never make anything panic, and lifting what is left of them is refused or right.

use super::support::{CONTENT, cades, ladder, lifted, openssl_verify, signed};
use formats::cms::message::Message;
use model::Profile;
use model::profile::{ExistingSignatures, Level};
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
        ladder(&countered, None).into_iter().map(|(_, message)| message).collect()
    })
}

#[test]
fn spoiled_messages_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (mut survived, mut judged) = (0, 0);
    for spoiled in mutations(samples(), 11).take(1_500) {
        if let Ok(message) = Message::read(&spoiled) {
            let _ = message.subjects();
            let _ = message.bytes(&spoiled);
        }
        for level in [Level::T, Level::Lt, Level::Lta] {
            let Ok(next) = lifted(level, &spoiled, None) else { continue };
            // What was intact for others is intact for them afterwards.
            survived += 1;
            if survived % 8 == 0 && openssl_verify(folder.path(), &spoiled, None, false).is_ok() {
                assert!(openssl_verify(folder.path(), &next, None, false).is_ok());
                judged += 1;
            }
        }
    }
    assert!(survived > 20 && judged > 2, "{survived} lifted, {judged} judged");
}

#[test]
fn cut_messages_are_refused() {
    for sample in samples() {
        for end in (0..sample.len()).step_by(7) {
            assert!(lifted(Level::T, &sample[..end], None).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let start = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00";
        let _ = Message::read(&bytes);
        let _ = Message::read(&[&start[..], &bytes].concat());
        let _ = Message::read(&[&start[..], b"\x30\x80\x06\x01\x2a\xa0\x80\x24\x80", &bytes].concat());
    }
}
