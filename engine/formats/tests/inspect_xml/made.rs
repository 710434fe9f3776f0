//! What sealmill signs in every form and lifts to every level is right here, too, and each field says what was done.

use crate::cms_support::KINDS;
use crate::signing::{Files, signed, written};
use crate::support::{sealed, signatures, step_lt, step_lta, step_t, taken_apart, wrong};
use formats::inspect::{CoveredRole, Integrity, ObjectId, Signature, SignatureFormat, SignerReference, StampKind};
use formats::{Sealed, Source};
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

fn only(file: &[u8], files: Option<&Files>) -> Signature {
    let beside: Vec<(&str, &dyn Source)> = files
        .map(|files| files.0.iter().map(|(name, bytes)| (name.as_str(), bytes as &dyn Source)).collect())
        .unwrap_or_default();
    let mut inspection = taken_apart(file, &beside, &[]).unwrap();
    assert_eq!(inspection.signatures.len(), 1);
    let signature = inspection.signatures.remove(0);
    assert_eq!(wrong(&signature), [""; 0]);
    signature
}

/// A file, what it came with, and how the words on what it is over begin.
type Made<'f> = (&'static str, Vec<u8>, Option<&'f Files>, &'static [&'static str]);

#[test]
fn every_form_with_every_key_is_right() {
    for kind in KINDS {
        for xades in [false, true] {
            let pdf = b"%PDF-1.7 no XML at all \x00\xff".repeat(50);
            let files = Files(vec![("Rechnung 7 für Köln.xml".into(), ORDER.into()), ("b.pdf".into(), pdf.clone())]);
            let all: [Made<'_>; 4] = [
                (
                    "enveloped",
                    signed(&ORDER.as_bytes(), &profile(XmlShape::Enveloped, xades), kind),
                    None,
                    &["the whole document"],
                ),
                (
                    "enveloping",
                    signed(&ORDER.as_bytes(), &profile(XmlShape::Enveloping, xades), kind),
                    None,
                    &["an object"],
                ),
                ("enveloping base64", signed(&pdf, &profile(XmlShape::Enveloping, xades), kind), None, &["an object"]),
                (
                    "detached",
                    signed(&files, &profile(XmlShape::Detached, xades), kind),
                    Some(&files),
                    &["file Rechnung 7 für Köln.xml", "file b.pdf"],
                ),
            ];
            for (name, file, files, words) in all {
                let signature = only(&file, files);
                let of_role = |role| signature.covered.iter().filter(move |covered| covered.role == role);
                let content: Vec<_> = of_role(CoveredRole::Content).map(|covered| covered.what.as_str()).collect();
                assert_eq!(content.len(), words.len(), "{name}");
                assert!(content.iter().zip(words).all(|(one, start)| one.starts_with(start)), "{name}: {content:?}");
                assert_eq!(of_role(CoveredRole::Properties).count(), usize::from(xades));
                let identity = crate::cms_support::identity(kind);
                assert_eq!(signature.signer.as_deref(), identity.certificate_der().as_slice().into());
                assert!(signature.method.is_some() && signature.key.is_some() && !signature.signature_value.is_empty());
                assert!(signature.notes.is_empty(), "{:?}", signature.notes);
                let is_named = matches!(signature.reference, SignerReference::Matches { issuer_differs: false, .. });
                assert_eq!(is_named, xades);
                assert_eq!(signature.format == SignatureFormat::Xades, xades);
                assert_eq!(signature.attributes.signing_time.is_some(), xades);
                assert_eq!(signature.attributes.content_type.is_some(), xades);
            }
        }
    }
}

/// Everything that a stamp should prove the existence of, once.
fn ids<'a>(items: impl IntoIterator<Item = &'a [u8]>) -> Vec<ObjectId> {
    let mut all: Vec<ObjectId> = items.into_iter().map(ObjectId::of).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn each_level_has_its_stamps_over_exactly_what_is_before_them() {
    type Step = fn(Sealed, &dyn Source) -> Sealed;
    for shape in [XmlShape::Enveloped, XmlShape::Enveloping, XmlShape::Detached] {
        let original = Files::one("order.xml", ORDER.as_bytes());
        let files = (shape == XmlShape::Detached).then_some(&original);
        let mut result = sealed(&original, &profile(shape, true));
        let mut before = only(&written(&result, &original), files);
        let steps: [(Step, &[StampKind]); 5] = [
            (step_t, &[StampKind::Signature]),
            (step_lt, &[StampKind::Signature]),
            (step_lta, &[StampKind::Signature, StampKind::Archive]),
            (step_lt, &[StampKind::Signature, StampKind::Archive]),
            (step_lta, &[StampKind::Signature, StampKind::Archive, StampKind::Archive]),
        ];
        for (step, kinds) in steps {
            result = step(result, &original);
            let now = only(&written(&result, &original), files);
            assert_eq!(now.stamps.iter().map(|stamp| stamp.kind).collect::<Vec<_>>(), kinds);
            assert!(now.stamps.iter().all(|stamp| stamp.imprint == Integrity::Intact && stamp.token.is_ok()));
            if now.stamps.len() > before.stamps.len() {
                let value = &before.signature_value[..];
                let signer = before.signer.as_deref().unwrap();
                let expected = match now.stamps.last().unwrap().kind {
                    StampKind::Signature => ids([value, signer]),
                    _ => {
                        let evidence = &before.evidence;
                        let mut all: Vec<&[u8]> = vec![value, signer];
                        let lists = [&evidence.certificates, &evidence.crls, &evidence.ocsp_responses];
                        all.extend(lists.into_iter().flatten().map(|item| &item[..]));
                        all.extend(before.stamps.iter().map(|stamp| &stamp.bytes[..]));
                        let inside: Vec<_> = before.stamps.iter().map(|stamp| stamp.token.as_ref().unwrap()).collect();
                        let inside: Vec<_> = inside.into_iter().map(formats::inspect::of_token).collect();
                        let lists = |evidence| {
                            let formats::evidence::Evidence { certificates, crls, ocsp_responses } = evidence;
                            [certificates, crls, ocsp_responses].into_iter().flatten()
                        };
                        let inside: Vec<_> = inside.into_iter().flat_map(lists).collect();
                        all.extend(inside.iter().map(|item| &item[..]));
                        ids(all)
                    }
                };
                assert_eq!(now.stamps.last().unwrap().covers, expected);
            }
            before = now;
        }
        assert!(!before.evidence.crls.is_empty() && !before.evidence.ocsp_responses.is_empty());
        assert!(before.evidence.certificates.len() > 2);
    }
}

#[test]
fn a_digest_stands_for_a_document() {
    use formats::inspect::{Detached, Input, inspect};
    use formats::signature::HashAlgorithm;
    let original = Files::one("letter.bin", b"\0 no XML");
    let file = signed(&original, &profile(XmlShape::Detached, true), KeyKind::P256);
    let integrity = |hash: HashAlgorithm, bytes: &[u8]| {
        let detached = [Detached::Digest(hash, hash.digest(bytes).unwrap())];
        let input = Input { detached: &detached, ..Input::new(&file, "letter.xml") };
        inspect(&input).unwrap().signatures.remove(0).covered.remove(0).integrity
    };
    assert_eq!(integrity(HashAlgorithm::Sha256, b"\0 no XML"), Integrity::Intact);
    assert_eq!(integrity(HashAlgorithm::Sha256, b"something else"), Integrity::Changed);
    assert!(matches!(integrity(HashAlgorithm::Sha512, b"\0 no XML"), Integrity::Missing(_)));
    // The document itself, under any name if there is but one; of several the one with its name.
    let one = |beside: &[(&str, &dyn Source)]| {
        taken_apart(&file, beside, &[]).unwrap().signatures.remove(0).covered.remove(0).integrity
    };
    let (right, other) = (b"\0 no XML".to_vec(), b"other".to_vec());
    assert_eq!(one(&[("renamed.bin", &right)]), Integrity::Intact);
    assert_eq!(one(&[("renamed.bin", &other)]), Integrity::Changed);
    assert_eq!(one(&[("a", &other), ("letter.bin", &right)]), Integrity::Intact);
    assert!(matches!(one(&[("a", &other), ("b", &right)]), Integrity::Missing(_)));
    assert!(matches!(one(&[]), Integrity::Missing(_)));
}

#[test]
fn two_signatures_in_one_document_are_each_over_their_part() {
    let first = crate::support::by_id();
    let both = signed(&first.as_bytes(), &profile(XmlShape::Enveloped, true), KeyKind::P384);
    let both = String::from_utf8(both).unwrap();
    let all = signatures(&both);
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|signature| wrong(signature).is_empty() && signature.parent.is_none()));
    let [one, other] = [&all[0], &all[1]].map(|signature| signature.covered[0].what.clone());
    assert_eq!(one, "element line (#L1) at /order/line");
    assert!(other.starts_with("the whole document"), "{other}");
    let note = all[0].notes.iter().find(|note| note.code == "partly-covered").unwrap();
    assert!(note.sentence.ends_with("not covered: /order/line[2], /order/evil"), "{note}");
}
