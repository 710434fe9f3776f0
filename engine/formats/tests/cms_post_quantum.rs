//! ML-DSA-65 in CMS (RFC 9882), judged by OpenSSL 4.

#![allow(clippy::unwrap_used)]

mod cms_support;

use aws_lc_rs::signature::{ML_DSA_65_SIGNING, PqdsaKeyPair};
use cms_support::{now, written};
use formats::cms::certificate::Certificate;
use formats::cms::message::Message;
use formats::{FormatError, Prepared, SignerTemplate, crypto, prepare, signature};
use model::profile::{ExistingSignatures, Format};
use model::{DigestAlgorithm, KeyKind, Profile, SignatureValue, Signer, SignerName, ToBeSigned, TokenSerial};
use testkit::mldsa;
use testkit::pki::KeyKind as OtherKind;

const CONTENT: &[u8] = b"Rechnung 4711";

/// A key and a certificate that OpenSSL 4 made.
fn identity() -> (PqdsaKeyPair, Signer) {
    let folder = tempfile::tempdir().unwrap();
    mldsa::make(folder.path()).unwrap();
    let der = |name: &str| {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        openssl::base64::decode_block(&body).unwrap()
    };
    let key = PqdsaKeyPair::from_pkcs8(&ML_DSA_65_SIGNING, &der("key.pem")).unwrap();
    let signer = Signer {
        name: SignerName("pq".into()),
        token: TokenSerial("soft:pq".into()),
        certificate: der("certificate.pem").into(),
        chain: Vec::new(),
        key: KeyKind::MlDsa65,
        subject: "Siegel ML-DSA-65".to_owned(),
    };
    (key, signer)
}

fn sign(key: &PqdsaKeyPair, prepared: &Prepared) -> SignatureValue {
    let ToBeSigned::Message { message, .. } = prepared.to_be_signed() else { panic!("a digest") };
    let mut value = vec![0; ML_DSA_65_SIGNING.signature_len()];
    let length = key.sign(message, &mut value).unwrap();
    value.truncate(length);
    SignatureValue(value)
}

fn profile(format: Format) -> Profile {
    Profile { post_quantum: true, ..Profile::plain("test", "test", format) }
}

#[test]
fn openssl_4_accepts_our_signatures_and_we_accept_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let [file, content] = ["message.der", "content"].map(|name| folder.path().join(name));
    std::fs::write(&content, CONTENT).unwrap();
    let (key, signer) = identity();
    let read = Certificate::parse(&signer.certificate).unwrap();
    assert_eq!(read.public_key.kind, Some(KeyKind::MlDsa65));
    signature::certificate_signed_by(&signer.certificate, &signer.certificate).unwrap();
    for detached in [true, false] {
        for format in [Format::Cms { detached }, Format::Cades { detached }] {
            let profile = profile(format);
            let template = SignerTemplate::new(&signer, &profile).unwrap();
            let prepared = prepare(&CONTENT, &profile, &template, now()).unwrap();
            let value = sign(&key, &prepared);
            let message = written(&prepared.assemble(&value).unwrap(), CONTENT);
            std::fs::write(&file, &message).unwrap();
            assert_eq!(mldsa::judge(&file, detached.then_some(content.as_path())).unwrap(), 1);
            formats::cms::verify_own(&message, &crypto::digest(DigestAlgorithm::Sha512, CONTENT)).unwrap();
            let original = detached.then_some(&CONTENT as &dyn formats::Source);
            Message::read(&message).unwrap().check_over(&message, original).unwrap();
        }
    }
    std::fs::write(&content, b"Rechnung 4712").unwrap();
    assert!(mldsa::judge(&file, Some(&content)).is_err());
}

#[test]
fn a_value_that_was_not_made_over_these_attributes_is_not_released() {
    let (key, signer) = identity();
    let profile = profile(Format::Cades { detached: true });
    let template = SignerTemplate::new(&signer, &profile).unwrap();
    let time = now();
    let prepared = || prepare(&CONTENT, &profile, &template, time).unwrap();
    let good = sign(&key, &prepared()).0;
    let (other, _) = identity();
    let mut wrong = vec![sign(&other, &prepared()).0, Vec::new(), good[1..].to_vec(), [&good[..], &[0]].concat()];
    for at in (0..good.len()).step_by(97) {
        let mut changed = good.clone();
        changed[at] ^= 1;
        wrong.push(changed);
    }
    for value in wrong {
        assert!(matches!(prepared().assemble(&SignatureValue(value)), Err(FormatError::WrongSignature(_))));
    }
    prepared().assemble(&SignatureValue(good)).unwrap();
}

#[test]
fn it_stands_beside_a_signature_of_today() {
    let plain = Profile::plain("test", "test", Format::Cades { detached: false });
    let template = SignerTemplate::new(&cms_support::signer(OtherKind::P256), &plain).unwrap();
    let prepared = prepare(&CONTENT, &plain, &template, now()).unwrap();
    let first = written(&cms_support::seal(OtherKind::P256, prepared), CONTENT);
    let (key, signer) = identity();
    let both = Profile { existing: ExistingSignatures::Parallel, ..profile(Format::Cades { detached: false }) };
    let template = SignerTemplate::new(&signer, &both).unwrap();
    let prepared = prepare(&first, &both, &template, now()).unwrap();
    let value = sign(&key, &prepared);
    let message = written(&prepared.assemble(&value).unwrap(), &first);
    let read = Message::read(&message).unwrap();
    assert_eq!(read.check_over(&message, None).unwrap().len(), 2);
    assert!(read.signers().iter().any(|signer| signer.signature().len() == ML_DSA_65_SIGNING.signature_len()));
}
