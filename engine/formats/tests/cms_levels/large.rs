//! Messages around large contents are lifted and signed further in little memory.

use super::cms_support::{Zeros, sign};
use super::support::{LEVELS, bytes_of, cades, now, signer, step, world};
use formats::Part;
use formats::cms::{Shape, Template, add};
use formats::recipe::{Assembled, flatten};
use model::{DigestAlgorithm, SignatureAlgorithm};
use testkit::memory;
use testkit::pki::KeyKind;

const GIBIBYTE: u64 = 1 << 30;

#[test]
fn a_gibibyte_is_lifted_in_flat_memory() {
    let name = "large::a_gibibyte_is_lifted_in_flat_memory";
    if !testkit::tools::is_child(name) {
        return testkit::tools::again_in_child(name, &[]).unwrap();
    }
    let profile = cades(false);
    let identity = world().signer(KeyKind::P256).unwrap();
    let template = formats::SignerTemplate::new(&signer(&identity), &profile).unwrap();
    let content = Zeros(GIBIBYTE);
    memory::forget_peak().unwrap();
    let before = memory::peak_bytes().unwrap();
    let prepared = formats::prepare(&content, &profile, &template, now()).unwrap();
    let value = sign(identity.key(), prepared.to_be_signed());
    let sealed = prepared.assemble(&value).unwrap();
    let mut parts = sealed.document().parts.clone();
    for level in LEVELS {
        let outer = step(level, &Assembled::new(&parts, &content), None).unwrap();
        parts = flatten(outer, &parts, &content).unwrap();
        assert!(parts.iter().any(|part| matches!(part, Part::Original | Part::Slice(_))));
    }
    let signer = signer(&world().signer(KeyKind::Rsa2048).unwrap());
    let algorithm = SignatureAlgorithm::for_key(signer.key, DigestAlgorithm::Sha256, false);
    let template = Template::new(&signer, algorithm, Shape::of(profile.format)).unwrap();
    add::parallel(&Assembled::new(&parts, &content), None, &template, now()).unwrap();
    let grown = memory::peak_bytes().unwrap() - before;
    assert!(grown < 16 << 20, "{grown} bytes more");
}

#[test]
fn segments_of_a_long_message_are_not_remembered() {
    // An OCTET STRING of indefinite length in segments of 1000 bytes, as openssl writes it, many of them.
    let segment = [&[0x04, 0x82, 0x03, 0xe8][..], &[7; 1000]].concat();
    let count = 20_000;
    let content = vec![7; 1000 * count];
    let signed = super::support::signed(KeyKind::P256, &cades(false), &content);
    let definite = formats::der::tlv(0x04, &[&content]);
    let at = signed.windows(9).position(|window| window == &definite[..9]).unwrap();
    let read = formats::cms::reader::SignedData::read(&signed).unwrap();
    let tail = &signed[at + definite.len()..];
    let version = [0x02, 0x01, 0x01];
    let digests = formats::der::tlv(0x31, &[&formats::cms::identifiers::digest_identifier(DigestAlgorithm::Sha256)]);
    let mut message = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80".to_vec();
    message.extend([&version[..], &digests, b"\x30\x80", &signed[read.content_type], b"\xa0\x80\x24\x80"].concat());
    message.extend(segment.repeat(count));
    message.extend([0; 6]);
    message.extend(tail);
    message.extend([0; 6]);
    for level in LEVELS {
        let parts = step(level, &message, None).unwrap();
        assert_eq!(parts.len(), 3);
        message = bytes_of(&parts, &message);
    }
    let folder = tempfile::tempdir().unwrap();
    let said = super::support::openssl_verify(folder.path(), &message, None, true);
    assert!(said.is_ok_and(|seen| seen == content));
}
