//! What each shape makes of a document: where the signature is, that nothing else changed, and that it is intact.

use crate::support::{Files, intact, signed};
use model::Profile;
use model::profile::{Format, XmlShape};
use testkit::pki::KeyKind;

const ORDER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- note -->\n<o:order xmlns:o=\"urn:order\" \
                     xmlns:unused=\"urn:u\" xml:lang=\"de\"><o:line Id=\"L1\" n='1'>Tür &amp; Tor</o:line>\n  <line \
                     xmlns=\"urn:other\" Id=\"L2\"/></o:order>\n";

fn profile(shape: XmlShape, xades: bool) -> Profile {
    let format = if xades { Format::Xades(shape) } else { Format::Xmldsig(shape) };
    Profile::plain("test", "test", format)
}

#[test]
fn every_shape_is_intact_and_keeps_the_document() {
    for xades in [false, true] {
        let references = if xades { 2 } else { 1 };
        let enveloped = signed(&ORDER.as_bytes(), &profile(XmlShape::Enveloped, xades), KeyKind::P256);
        let text = String::from_utf8(enveloped.clone()).unwrap();
        let (before, after) = text.split_once("<ds:Signature ").unwrap();
        assert_eq!([before, after.split_once("</ds:Signature>").unwrap().1].concat(), ORDER);
        assert!(after.ends_with("</ds:Signature></o:order>\n"));
        assert_eq!(intact(&enveloped, None).references.len(), references);

        let enveloping = signed(&ORDER.as_bytes(), &profile(XmlShape::Enveloping, xades), KeyKind::Rsa2048);
        intact(&enveloping, None);
        let content = ORDER.split_once("?>").unwrap().1;
        assert!(String::from_utf8(enveloping).unwrap().contains(content));

        let pdf = b"%PDF-1.7 no XML at all \x00\xff".repeat(50);
        intact(&signed(&pdf, &profile(XmlShape::Enveloping, xades), KeyKind::P384), None);

        let files = Files(vec![("Rechnung 7 für Köln.xml".into(), ORDER.into()), ("b.pdf".into(), pdf)]);
        let detached = signed(&files, &profile(XmlShape::Detached, xades), KeyKind::Ed25519);
        assert_eq!(intact(&detached, Some(&files)).references.len(), references + 1);
    }
}
