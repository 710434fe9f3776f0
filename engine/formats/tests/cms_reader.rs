//! The CMS reader against messages of other makers and against damaged ones.

#![allow(clippy::unwrap_used)]

mod cms_support;

use cms_support::{identity, kind_of, now, profile, seal, signer, written};
use formats::cms::reader::{SignedData, joined};
use formats::cms::{identifiers, verify_own};
use formats::{FormatError, SignerTemplate, crypto, der, prepare};
use model::DigestAlgorithm::Sha256;
use model::profile::Format;
use proptest::prelude::*;
use std::sync::OnceLock;
use testkit::pki::KeyKind;
use testkit::{corpora, tools};

const CONTENT: &[u8] = b"Inhalt";

fn ours() -> &'static [u8] {
    static MESSAGE: OnceLock<Vec<u8>> = OnceLock::new();
    MESSAGE.get_or_init(|| {
        let profile = profile(Format::Cades { detached: false }, Sha256, false);
        let template = SignerTemplate::new(&signer(KeyKind::P256), &profile).unwrap();
        let prepared = prepare(&CONTENT, &profile, &template, now()).unwrap();
        written(&seal(KeyKind::P256, prepared), CONTENT)
    })
}

/// `openssl cms -sign` over `content`, with further options.
fn openssl_sign(kind: KeyKind, content: &[u8], options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [key, certificate, input, out] = ["key", "certificate", "input", "out"].map(|name| folder.path().join(name));
    std::fs::write(&key, identity(kind).key_pem().unwrap()).unwrap();
    std::fs::write(&certificate, identity(kind).certificate_pem().unwrap()).unwrap();
    std::fs::write(&input, content).unwrap();
    let mut command = std::process::Command::new("openssl");
    command.args(["cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256"]).args(options);
    command.arg("-signer").arg(certificate).arg("-inkey").arg(key).arg("-in").arg(input).arg("-out").arg(&out);
    tools::ok("openssl", &mut command).unwrap();
    std::fs::read(out).unwrap()
}

#[test]
fn messages_of_openssl_are_read_whole() {
    // Longer than one segment of OpenSSL's streaming mode (which is indefinite length and constructed strings).
    let content: Vec<u8> = (0..100_000_u32).map(|number| (number * 7 % 251) as u8).collect();
    for kind in [KeyKind::Rsa2048, KeyKind::P256] {
        let options: [&[&str]; 4] = [&["-nodetach"], &["-nodetach", "-stream"], &[], &["-nodetach", "-cades"]];
        for options in options {
            let message = openssl_sign(kind, &content, options);
            let read = SignedData::read(&message).unwrap();
            assert_eq!(&message[read.content_type.clone()], identifiers::OID_DATA);
            let attached = options.contains(&"-nodetach");
            assert_eq!(read.content_bytes(&message), attached.then(|| content.clone()), "{options:?}");
            assert_eq!(read.content.map_or(0, |pieces| pieces.len()) > 1, options.contains(&"-stream"));
            assert_eq!(read.certificates.len(), 1);
            assert_eq!(&message[read.certificates[0].clone()], identity(kind).certificate_der());
            let [signer] = &read.signers[..] else { panic!("one signer") };
            assert_eq!(signer.signed(&message, identifiers::OID_MESSAGE_DIGEST).count(), 1);
            // OpenSSL writes rsaEncryption as the signature algorithm, which is another than ours.
            if kind == KeyKind::P256 {
                verify_own(&message, &crypto::digest(Sha256, &content)).unwrap();
            }
        }
    }
}

#[test]
fn segments_in_segments_are_put_together() {
    let nested = [
        &b"\x24\x80\x04\x02In\x24\x80\x04\x01h\x04\x00\x00\x00\x24\x03\x04\x01a\x04\x82\x00\x02lt\x00\x00"[..],
        &[0xff; 3],
    ]
    .concat();
    let message = around_content(&nested[..nested.len() - 3]);
    let read = SignedData::read(&message).unwrap();
    assert_eq!(joined(&message, &read.content.unwrap()), CONTENT);
}

/// A message whose eContent is this value.
fn around_content(value: &[u8]) -> Vec<u8> {
    let encapsulated = der::tlv(0x30, &[identifiers::OID_DATA, &der::tlv(0xa0, &[value])]);
    let body = der::tlv(0x30, &[&[2, 1, 1], &[0x31, 0], &encapsulated, &[0x31, 0]]);
    der::tlv(0x30, &[identifiers::OID_SIGNED_DATA, &der::tlv(0xa0, &[&body])])
}

#[test]
fn deep_nesting_ends_in_an_error() {
    for levels in [33, 1_000, 200_000] {
        let indefinite = [[0x24, 0x80].repeat(levels), [0, 0].repeat(levels)].concat();
        assert_eq!(SignedData::read(&around_content(&indefinite)).unwrap_err(), der::DerError::TooDeep);
    }
    let mut definite = vec![4, 0];
    for _ in 0..100 {
        definite = der::tlv(0x24, &[&definite]);
    }
    assert_eq!(SignedData::read(&around_content(&definite)).unwrap_err(), der::DerError::TooDeep);
}

#[test]
fn bytes_behind_a_message_do_not_matter_and_missing_ones_do() {
    SignedData::read(&[ours(), &[0; 500]].concat()).unwrap();
    for length in 0..ours().len() {
        assert!(SignedData::read(&ours()[..length]).is_err());
    }
}

#[test]
fn every_changed_bit_that_matters_is_found() {
    let content = crypto::digest(Sha256, CONTENT);
    verify_own(ours(), &content).unwrap();
    assert!(matches!(verify_own(ours(), &crypto::digest(Sha256, b"x")), Err(FormatError::WrongSignature(_))));
    let read = SignedData::read(ours()).unwrap();
    let signer = &read.signers[0];
    let places = [signer.signed_attributes.clone().unwrap(), signer.signature[0].clone(), signer.id.clone()];
    for at in places.into_iter().flatten() {
        let mut changed = ours().to_vec();
        changed[at] ^= 1;
        assert!(verify_own(&changed, &content).is_err(), "byte {at}");
    }
}

#[test]
fn signed_bytes_carry_the_universal_tag() {
    let read = SignedData::read(ours()).unwrap();
    let signed = read.signers[0].signed_bytes(ours()).unwrap();
    assert_eq!(signed[0], 0x31);
    assert_eq!(kind_of(KeyKind::P256), signer(KeyKind::P256).key);
}

/// Each message that OpenSSL reads as SignedData is read, and attached content is the one that OpenSSL takes out.
#[test]
fn messages_of_real_programs_are_read_as_openssl_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("content");
    let (mut read, mut compared) = (0, 0);
    for set in ["smime-mail", "dss-ades"] {
        let Some(corpus) = corpora::corpora(set) else { return };
        for file in ["p7m", "p7s", "cms"].iter().flat_map(|extension| corpora::files_below(&corpus, extension)) {
            let message = std::fs::read(&file).unwrap();
            let ours = SignedData::read(&message);
            let is_signed_data = message.windows(11).take(40).any(|window| window == identifiers::OID_SIGNED_DATA);
            if !is_signed_data || openssl::cms::CmsContentInfo::from_der(&message).is_err() {
                continue;
            }
            let ours = ours.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            read += 1;
            let Some(content) = ours.content_bytes(&message) else { continue };
            let mut command = std::process::Command::new("openssl");
            command.args(["cms", "-verify", "-noverify", "-nosigs", "-binary", "-inform", "DER", "-in"]);
            if tools::said("openssl", command.arg(&file).arg("-out").arg(&out)).unwrap().ok() {
                assert!(std::fs::read(&out).unwrap() == content, "{}", file.display());
                compared += 1;
            }
        }
    }
    println!("{read} messages read, {compared} contents compared");
    assert!(read >= 30 && compared >= 15, "{read} read, {compared} compared");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = SignedData::read(&bytes);
        let _ = SignedData::read(&around_content(&bytes));
        let _ = formats::cms::certificate::Certificate::parse(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
                                    cut in any::<prop::sample::Index>()) {
        let mut bytes = ours().to_vec();
        for (at, value) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        let _ = verify_own(&bytes, &crypto::digest(Sha256, CONTENT));
        bytes.truncate(cut.index(bytes.len()));
        let _ = verify_own(&bytes, &crypto::digest(Sha256, CONTENT));
    }

    #[test]
    fn lengths_are_written_as_they_are_read(length in 0_u64..100_000) {
        let value = vec![7; length as usize];
        let whole = der::tlv(0x04, &[&value]);
        prop_assert_eq!(whole.len(), der::header_length(length) + value.len());
        let read = der::Reader::new(&whole).expect(0x04).unwrap();
        prop_assert_eq!(read.value, &value[..]);
        prop_assert_eq!(read.raw, &whole[..]);
    }
}
