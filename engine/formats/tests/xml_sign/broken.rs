//! Signatures that somebody tampered with get a reason, and foreign bytes of any kind never make the reader panic.

use crate::support::{check, signed};
use formats::xml::reference::Outside;
use formats::xml::tree::Document;
use formats::xml::verify;
use model::Profile;
use model::profile::{Format, Transform, XmlOptions, XmlReference, XmlShape, XmlTarget};
use proptest::prelude::*;
use std::sync::OnceLock;
use testkit::pki::KeyKind;

const ORDER: &str = "<order><line Id=\"L1\">1000 EUR</line><evil/></order>";

fn by_id() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let reference = XmlReference { target: XmlTarget::Id("L1".into()), transforms: Vec::new() };
        let xml = XmlOptions { references: vec![reference], ..XmlOptions::default() };
        let profile = Profile { xml, ..Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped)) };
        String::from_utf8(signed(&ORDER.as_bytes(), &profile, KeyKind::P256)).unwrap()
    })
}

fn code(file: &str) -> &'static str {
    let document = match Document::parse(file.as_bytes()) {
        Ok(document) => document,
        Err(error) => return error.code,
    };
    let checked = verify::check_all(&document, &Outside::default()).unwrap().remove(0);
    checked.map_or_else(|reason| reason.code, |checked| checked.fault().map_or("intact", |reason| reason.code))
}

/// What is wrong with the first reference.
fn first_reference(file: &str) -> &'static str {
    check(file.as_bytes(), None)[0].references[0].digest.as_ref().unwrap_err().code
}

#[test]
fn tampering_has_a_reason() {
    let file = by_id();
    assert_eq!(code(file), "intact");
    let with = |from: &str, to: &str| {
        assert!(file.contains(from), "{from}");
        code(&file.replacen(from, to, 1))
    };
    // Wrapping: the signed element moved away and another one in its place, with and without its Id.
    let original = "<line Id=\"L1\">1000 EUR</line>";
    let forged = "<line Id=\"L1\">9 EUR</line>";
    assert_eq!(with(original, forged), "signature-broken");
    assert_eq!(with("<evil/>", forged), "signature-malformed");
    assert_eq!(with("<ds:SignedInfo>", "<ds:SignedInfo></ds:SignedInfo><ds:SignedInfo>"), "signature-malformed");
    let pointing = |uri: &str| first_reference(&file.replacen("URI=\"#L1\"", &format!("URI=\"{uri}\""), 1));
    assert_eq!(pointing("http://localhost/secret"), "original-missing");
    assert_eq!(pointing("file:///etc/passwd"), "original-missing");
    assert_eq!(pointing("#xpointer(//line)"), "signature-malformed");
    assert_eq!(with("<order>", "<!DOCTYPE order [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><order>"), "xml-doctype");
    let transform = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    assert_eq!(with(transform, &transform.repeat(11)), "signature-malformed");
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>";
    assert_eq!(with(transform, xslt), "algorithm-unknown");
    assert_eq!(with("xmldsig-more#ecdsa-sha256", "xmldsig-more#hmac-sha256"), "algorithm-unknown");
    let enveloped = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    assert_eq!(first_reference(&file.replacen(transform, enveloped, 1)), "signature-malformed");
    // Other properties than those that are signed.
    let properties = "<xades:SignedProperties Id=\"Signature-1-properties\">";
    assert_eq!(with(properties, "<xades:SignedProperties Id=\"other\">"), "signature-malformed");
    assert_eq!(with("Type=\"http://uri.etsi.org/01903#SignedProperties\" ", ""), "signature-broken");
    assert_eq!(with("<ds:X509Certificate>", "<ds:X509Certificate>!"), "signature-malformed");
}

#[test]
fn a_second_signature_does_not_break_the_first() {
    let profile = Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped));
    let template = formats::SignerTemplate::new(&crate::cms_support::signer(KeyKind::P256), &profile).unwrap();
    let first = signed(&ORDER.as_bytes(), &profile, KeyKind::P256);
    let refused = formats::prepare(&first, &profile, &template, crate::cms_support::now()).unwrap_err();
    assert!(matches!(&refused, formats::FormatError::Document(reason) if reason.code == "already-signed"), "{refused}");
    // Beside a signature that is over one element only there is room for another one.
    let both = signed(&by_id().as_bytes(), &profile, KeyKind::P384);
    let checked = check(&both, None);
    assert_eq!(checked.len(), 2);
    assert!(checked.iter().all(|one| one.fault().is_none()));
    assert!(String::from_utf8(both).unwrap().contains("Id=\"Signature-2\""));
}

#[test]
fn a_profile_that_signs_itself_is_refused() {
    let reference = XmlReference {
        target: XmlTarget::Document,
        transforms: vec![Transform::Canonicalization(model::profile::Canonicalization::default())],
    };
    let xml = XmlOptions { references: vec![reference], ..XmlOptions::default() };
    let profile = Profile { xml, ..Profile::plain("test", "test", Format::Xmldsig(XmlShape::Enveloped)) };
    let template = formats::SignerTemplate::new(&crate::cms_support::signer(KeyKind::P256), &profile).unwrap();
    let refused = formats::prepare(&ORDER.as_bytes(), &profile, &template, crate::cms_support::now()).unwrap_err();
    assert!(matches!(&refused, formats::FormatError::Setup(reason) if reason.code == "covers-itself"), "{refused}");
}

proptest! {
    #[test]
    fn mutated_signatures_never_panic(seed in any::<u64>()) {
        let samples = vec![by_id().as_bytes().to_vec()];
        for mutated in testkit::mutate::mutations(&samples, seed).take(8) {
            if let Ok(document) = Document::parse(&mutated) {
                let _ = verify::check_all(&document, &Outside::files(Some(&mutated)));
            }
        }
    }
}
