//! CMS signatures as foreign programs see them: `openssl cms -verify` and `openssl asn1parse` are the judges.

#![allow(clippy::unwrap_used)]

mod cms_support;

use cms_support::{DIGESTS, KINDS, Zeros, identity, now, profile, seal, sign, signer, written};
use formats::prepare::prepare_digest;
use formats::{FormatError, Part, SignerTemplate, crypto, prepare};
use model::profile::Format;
use model::{DigestAlgorithm, Profile, Scheme, SignatureAlgorithm, SignatureValue, Time};
use std::path::Path;
use testkit::pki::{KeyKind, Pki};
use testkit::tools;

const CONTENT: &[u8] = b"Rechnung 4711\r\nBetrag: 1.234,56 EUR\n\0\xff";

fn schemes(kind: KeyKind) -> &'static [bool] {
    if matches!(kind, KeyKind::Rsa2048 | KeyKind::Rsa3072) { &[false, true] } else { &[false] }
}

fn template(kind: KeyKind, profile: &Profile) -> SignerTemplate {
    SignerTemplate::new(&signer(kind), profile).unwrap()
}

/// `openssl cms -verify` with the test authority's root as the only anchor.
fn openssl_verify(folder: &Path, der: &[u8], detached: Option<&[u8]>) -> tools::Said {
    let [message, content, out] = ["message.der", "content", "out"].map(|name| folder.join(name));
    std::fs::write(&message, der).unwrap();
    let mut command = std::process::Command::new("openssl");
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]).arg(&message);
    command.arg("-CAfile").arg(Pki::shared().root_pem()).arg("-out").arg(&out);
    if let Some(bytes) = detached {
        std::fs::write(&content, bytes).unwrap();
        command.arg("-content").arg(&content);
    }
    let said = tools::said("openssl", &mut command).unwrap();
    if said.ok() {
        assert_eq!(std::fs::read(&out).unwrap(), detached.unwrap_or(CONTENT));
    }
    said
}

#[test]
fn openssl_accepts_every_key_digest_and_shape() {
    let folder = tempfile::tempdir().unwrap();
    for kind in KINDS {
        for digest in DIGESTS {
            for &pss in schemes(kind) {
                for detached in [true, false] {
                    for format in [Format::Cms { detached }, Format::Cades { detached }] {
                        let what = format!("{} {digest} pss {pss} {format:?}", kind.name());
                        let profile = profile(format, digest, pss);
                        let prepared = prepare(&CONTENT, &profile, &template(kind, &profile), now()).unwrap();
                        let sealed = seal(kind, prepared);
                        assert_eq!(sealed.contains_original(), !detached);
                        let der = written(&sealed, CONTENT);
                        let content = crypto::digest(sealed_digest(kind, digest), CONTENT);
                        formats::cms::verify_own(&der, &content).unwrap();
                        // `openssl cms` knows no Ed25519 before 3.2: it always asks for a digest first.
                        if kind != KeyKind::Ed25519 {
                            let said = openssl_verify(folder.path(), &der, detached.then_some(CONTENT));
                            assert!(said.ok(), "{what}: {}", said.err);
                        }
                        assert_strict_der(&der);
                    }
                }
            }
        }
    }
}

fn sealed_digest(kind: KeyKind, digest: DigestAlgorithm) -> DigestAlgorithm {
    if kind == KeyKind::Ed25519 { DigestAlgorithm::Sha512 } else { digest }
}

/// Our bytes are what OpenSSL itself would write for the same structure, and nothing stands behind them.
fn assert_strict_der(der: &[u8]) {
    let message = openssl::cms::CmsContentInfo::from_der(der).unwrap();
    assert_eq!(message.to_der().unwrap(), der);
}

#[test]
fn asn1parse_reads_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(Format::Cades { detached: true }, DigestAlgorithm::Sha384, false);
    let prepared = prepare(&CONTENT, &profile, &template(KeyKind::P384, &profile), now()).unwrap();
    let path = folder.path().join("message.der");
    std::fs::write(&path, written(&seal(KeyKind::P384, prepared), CONTENT)).unwrap();
    let listing = tools::run_ok("openssl", ["asn1parse", "-inform", "DER", "-in", path.to_str().unwrap()]);
    let listing = listing.unwrap();
    for expected in
        ["pkcs7-signedData", "contentType", "signingTime", "messageDigest", "signingCertificateV2", "ecdsa-with-SHA384"]
    {
        assert!(listing.contains(expected), "{expected} is missing in\n{listing}");
    }
}

#[test]
fn a_changed_document_is_refused_by_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(Format::Cms { detached: true }, DigestAlgorithm::Sha256, false);
    let prepared = prepare(&CONTENT, &profile, &template(KeyKind::P256, &profile), now()).unwrap();
    let der = written(&seal(KeyKind::P256, prepared), CONTENT);
    assert!(!openssl_verify(folder.path(), &der, Some(b"Rechnung 4712")).ok());
}

#[test]
fn a_hash_alone_gives_the_same_message_as_the_document() {
    let profile = profile(Format::Cades { detached: true }, DigestAlgorithm::Sha256, false);
    let template = template(KeyKind::Rsa2048, &profile);
    let whole = prepare(&CONTENT, &profile, &template, now()).unwrap();
    let digest = crypto::digest(DigestAlgorithm::Sha256, CONTENT);
    let alone = prepare_digest(digest, &profile, &template, now()).unwrap();
    assert_eq!(whole.to_be_signed(), alone.to_be_signed());
    // RSA PKCS#1 v1.5 is deterministic, so the whole messages are equal.
    let [whole, alone] = [whole, alone].map(|prepared| written(&seal(KeyKind::Rsa2048, prepared), CONTENT));
    assert_eq!(whole, alone);
}

#[test]
fn a_hash_alone_needs_a_detached_form_and_the_right_algorithm() {
    let digest = crypto::digest(DigestAlgorithm::Sha256, CONTENT);
    for (format, wanted, code) in [
        (Format::Cms { detached: false }, DigestAlgorithm::Sha256, "digest-needs-detached"),
        (Format::Cms { detached: true }, DigestAlgorithm::Sha512, "digest-algorithm"),
    ] {
        let profile = profile(format, wanted, false);
        let refused = prepare_digest(digest, &profile, &template(KeyKind::P256, &profile), now());
        assert!(matches!(refused, Err(FormatError::Setup(reason)) if reason.code == code));
    }
}

#[test]
fn every_damage_to_the_value_is_caught() {
    for kind in KINDS {
        for &pss in schemes(kind) {
            let profile = profile(Format::Cms { detached: true }, DigestAlgorithm::Sha256, pss);
            let template = template(kind, &profile);
            let prepared = || prepare(&CONTENT, &profile, &template, now()).unwrap();
            let good = sign(identity(kind).key(), prepared().to_be_signed()).0;
            let mut damaged: Vec<Vec<u8>> = vec![Vec::new(), [good.as_slice(), &[0]].concat(), good[1..].to_vec()];
            damaged.push(good[..good.len() - 1].to_vec());
            damaged.push([&[0], good.as_slice()].concat());
            let step = good.len().div_ceil(40).max(1);
            for at in (0..good.len()).step_by(step) {
                let mut value = good.clone();
                value[at] ^= 1 << (at % 8);
                damaged.push(value);
            }
            for value in damaged {
                let refused = prepared().assemble(&SignatureValue(value));
                assert!(matches!(refused, Err(FormatError::WrongSignature(_))), "{}", kind.name());
            }
        }
    }
}

#[test]
fn a_value_by_another_key_or_over_another_document_is_caught() {
    let profile = profile(Format::Cms { detached: true }, DigestAlgorithm::Sha256, false);
    for kind in KINDS {
        let template = template(kind, &profile);
        let prepared = prepare(&CONTENT, &profile, &template, now()).unwrap();
        let other = Pki::shared().issue(kind, "Jemand anderes").unwrap();
        let foreign = sign(other.key(), prepared.to_be_signed());
        assert!(matches!(prepared.assemble(&foreign), Err(FormatError::WrongSignature(_))));
        let prepared = prepare(&CONTENT, &profile, &template, now()).unwrap();
        let stale = sign(
            identity(kind).key(),
            prepare(&b"anderes".as_slice(), &profile, &template, now()).unwrap().to_be_signed(),
        );
        assert!(matches!(prepared.assemble(&stale), Err(FormatError::WrongSignature(_))));
    }
}

#[test]
fn a_key_that_does_not_fit_its_certificate_is_a_fault_of_the_set_up() {
    let profile = profile(Format::Cms { detached: true }, DigestAlgorithm::Sha256, false);
    let mut wrong = signer(KeyKind::P256);
    wrong.key = cms_support::kind_of(KeyKind::P384);
    let mut unreadable = signer(KeyKind::P256);
    unreadable.certificate = unreadable.certificate[..100].into();
    let mut chain = signer(KeyKind::P256);
    chain.chain.push(b"junk"[..].into());
    let mut long = signer(KeyKind::P256);
    long.chain = vec![long.certificate.clone(); 16];
    for (signer, code) in [
        (wrong, "key-kind"),
        (unreadable, "certificate-unreadable"),
        (chain, "certificate-unreadable"),
        (long, "chain-too-long"),
    ] {
        let refused = SignerTemplate::new(&signer, &profile).unwrap_err();
        assert!(matches!(refused, FormatError::Setup(reason) if reason.code == code), "{code}");
    }
}

#[test]
fn large_documents_are_read_in_bounded_pieces() {
    let length = 256 << 20;
    let profile = profile(Format::Cms { detached: true }, DigestAlgorithm::Sha256, false);
    let prepared = prepare(&Zeros(length), &profile, &template(KeyKind::P256, &profile), now()).unwrap();
    // `head -c 268435456 /dev/zero | sha256sum`
    let known = "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484";
    let digest = crypto::digest_source(DigestAlgorithm::Sha256, &Zeros(length)).unwrap();
    assert_eq!(format!("{digest:?}"), format!("SHA-256:{known}"));
    let sealed = seal(KeyKind::P256, prepared);
    assert_eq!(sealed.document().parts.len(), 1);
}

#[test]
fn an_enveloping_message_around_more_than_4_gib_has_64_bit_lengths() {
    let length = 5_u64 << 30;
    let signer = signer(KeyKind::P256);
    let algorithm = SignatureAlgorithm::for_key(signer.key, DigestAlgorithm::Sha256, false);
    let shape = formats::cms::Shape::of(Format::Cades { detached: false });
    let template = formats::cms::Template::new(&signer, algorithm, shape).unwrap();
    let pending = template.begin(crypto::digest(DigestAlgorithm::Sha256, b""), now()).unwrap();
    let value = sign(identity(KeyKind::P256).key(), pending.to_be_signed());
    let (head, tail) = pending.finish_around(&value, length).unwrap();
    assert_eq!(head[..2], [0x30, 0x85]);
    let announced = head[2..7].iter().fold(0, |all, &byte| all << 8 | u64::from(byte));
    assert_eq!(announced + 7, head.len() as u64 + length + tail.len() as u64);
    assert_eq!(head[head.len() - 7..], [0x04, 0x85, 1, 0x40, 0, 0, 0]);
    assert!(matches!(pending.finish_around(&value, u64::MAX - 3), Err(FormatError::Document(_))));
}

#[test]
fn signing_times_from_2050_on_are_generalized_times() {
    let profile = profile(Format::Cms { detached: true }, DigestAlgorithm::Sha256, false);
    let template = template(KeyKind::Ed25519, &profile);
    let message = |seconds| {
        let prepared = prepare(&CONTENT, &profile, &template, Time::from_seconds(seconds)).unwrap();
        prepared.to_be_signed().as_bytes().to_vec()
    };
    let contains = |all: &[u8], part: &[u8]| all.windows(part.len()).any(|window| window == part);
    assert!(contains(&message(2_524_607_999), b"\x17\x0d491231235959Z"));
    assert!(contains(&message(2_524_608_000), b"\x18\x0f20500101000000Z"));
    assert!(contains(&message(0), b"\x17\x0d700101000000Z"));
}

#[test]
fn no_message_is_longer_than_announced() {
    for kind in KINDS {
        let signer = signer(kind);
        for digest in DIGESTS {
            let algorithm = SignatureAlgorithm::for_key(signer.key, digest, false);
            for format in [Format::Cms { detached: true }, Format::Cades { detached: true }, Format::Pades] {
                let shape = formats::cms::Shape::of(format);
                let template = formats::cms::Template::new(&signer, algorithm, shape).unwrap();
                for seconds in [1_800_000_000, 3_000_000_000] {
                    let digest = crypto::digest(algorithm.digest, CONTENT);
                    let pending = template.begin(digest, Time::from_seconds(seconds)).unwrap();
                    let value = sign(identity(kind).key(), pending.to_be_signed());
                    let length = pending.finish(&value).unwrap().len();
                    assert!(length <= template.length_max(), "{} {length}", kind.name());
                    assert!(length + 16 > template.length_max(), "{} {length}", kind.name());
                }
            }
        }
    }
}

/// The worked example: content-type and message-digest of "abc" alone, as computed with hashlib.
#[test]
fn the_signed_attributes_are_those_computed_by_hand() {
    let shape = formats::cms::Shape { content_type: true, signing_time: false, signing_certificate: false };
    let signer = signer(KeyKind::Rsa2048);
    let algorithm = SignatureAlgorithm::for_key(signer.key, DigestAlgorithm::Sha256, false);
    let template = formats::cms::Template::new(&signer, algorithm, shape).unwrap();
    let pending = template.begin(crypto::digest(DigestAlgorithm::Sha256, b"abc"), now()).unwrap();
    let expected = "9bbc6b5c610511c968f19646d250e7423f97c40f76ddb58718fa67c47a304eed";
    assert_eq!(hex(pending.to_be_signed().as_bytes()), expected);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// AlgorithmIdentifiers as `openssl asn1parse` and certificates of other makers have them.
#[test]
fn algorithm_identifiers_are_the_usual_ones() {
    use Scheme::{Ecdsa, Ed25519, RsaPkcs1, RsaPss};
    let pss = |arc: &str, salt: &str| {
        format!(
            "304106092a864886f70d01010a3034a00f300d06096086480165030402{arc}0500a11c301a06092a864886f70d010108300d06\
             096086480165030402{arc}0500a2030201{salt}"
        )
    };
    let [sha256, sha384, sha512] = DIGESTS;
    for (scheme, digest, expected) in [
        (RsaPkcs1, sha256, "300d06092a864886f70d01010b0500".to_owned()),
        (RsaPss, sha256, pss("01", "20")),
        (RsaPss, sha384, pss("02", "30")),
        (RsaPss, sha512, pss("03", "40")),
        (Ecdsa, sha256, "300a06082a8648ce3d040302".to_owned()),
        (Ecdsa, sha384, "300a06082a8648ce3d040303".to_owned()),
        (Ecdsa, sha512, "300a06082a8648ce3d040304".to_owned()),
        (Ed25519, sha512, "300506032b6570".to_owned()),
    ] {
        let identifier = formats::cms::identifiers::signature_identifier(SignatureAlgorithm { scheme, digest });
        assert_eq!(hex(&identifier), expected);
    }
    for (digest, arc) in [(sha256, "01"), (sha384, "02"), (sha512, "03")] {
        let identifier = formats::cms::identifiers::digest_identifier(digest);
        assert_eq!(hex(&identifier), format!("300b06096086480165030402{arc}"));
        assert_eq!(formats::cms::identifiers::digest_of(&identifier), Some(digest));
    }
}

#[test]
fn what_is_not_a_pdf_is_signed_in_the_other_form_if_the_profile_has_one() {
    let mut profile = profile(Format::Pades, DigestAlgorithm::Sha256, false);
    profile.otherwise = Some(Format::Cades { detached: true });
    let prepared = prepare(&CONTENT, &profile, &template(KeyKind::P256, &profile), now()).unwrap();
    assert_eq!(prepared.format(), Format::Cades { detached: true });
    let der = written(&seal(KeyKind::P256, prepared), CONTENT);
    formats::cms::verify_own(&der, &crypto::digest(DigestAlgorithm::Sha256, CONTENT)).unwrap();

    profile.otherwise = None;
    let refused = prepare(&CONTENT, &profile, &template(KeyKind::P256, &profile), now());
    assert!(matches!(refused, Err(FormatError::Document(_))));
}

#[test]
fn an_empty_document_is_signed_too() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(Format::Cades { detached: true }, DigestAlgorithm::Sha256, false);
    let prepared = prepare(&Vec::new(), &profile, &template(KeyKind::P256, &profile), now()).unwrap();
    let der = written(&seal(KeyKind::P256, prepared), b"");
    assert!(openssl_verify(folder.path(), &der, Some(b"")).ok());
}

#[test]
fn a_prepared_document_may_change_its_thread() {
    fn may_travel<T: Send + 'static>() {}
    may_travel::<formats::Prepared>();
    may_travel::<formats::Sealed>();
    fn may_be_shared<T: Send + Sync + 'static>() {}
    may_be_shared::<SignerTemplate>();
}

#[test]
fn the_parts_of_an_enveloping_message_surround_the_original() {
    let profile = profile(Format::Cades { detached: false }, DigestAlgorithm::Sha256, false);
    let prepared = prepare(&CONTENT, &profile, &template(KeyKind::P256, &profile), now()).unwrap();
    let sealed = seal(KeyKind::P256, prepared);
    assert!(matches!(&sealed.document().parts[..], [Part::Bytes(_), Part::Original, Part::Bytes(_)]));
}
