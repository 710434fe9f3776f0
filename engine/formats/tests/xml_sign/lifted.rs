//! XAdES above B-B: each level's required properties by the table of EN 319 132-1 section 6.3, and that nothing that was
//! there changes.

use crate::cms_support::{kind_of, now, sign};
use crate::support::{Files, intact, written};
use formats::evidence::Evidence;
use formats::lift::{self, Kind};
use formats::tsp::Token;
use formats::xml::algorithms::{XADES, XADES_141};
use formats::xml::reference::Outside;
use formats::xml::tree::Document;
use formats::xml::{lift as xml_lift, signature};
use formats::{FormatError, Sealed, SignerTemplate, Source, prepare};
use model::profile::{Format, XmlOptions, XmlShape};
use model::{DigestAlgorithm, Profile, Signer, SignerName, TokenSerial};
use std::sync::Arc;
use testkit::pki::KeyKind;
use testkit::world::{Hash, World};

fn sealed(source: &dyn Source, profile: &Profile) -> Sealed {
    let identity = World::shared_offline().signer(KeyKind::P256).unwrap();
    let signer = Signer {
        name: SignerName("Siegel".into()),
        token: TokenSerial("soft:test".into()),
        certificate: identity.certificate_der().into(),
        chain: identity.chain_der()[1..2].iter().map(|der| der.clone().into()).collect(),
        key: kind_of(KeyKind::P256),
        subject: identity.common_name(),
    };
    let template = SignerTemplate::new(&signer, profile).unwrap();
    let prepared = prepare(source, profile, &template, now()).unwrap();
    let value = sign(identity.key(), prepared.to_be_signed());
    prepared.assemble(&value).unwrap()
}

type Step = fn(Sealed, &dyn Source) -> Sealed;

fn stamp(imprint: &model::Digest) -> Token {
    Token::read(&World::shared_offline().stamp(Hash::Sha256, imprint.as_bytes()).unwrap()).unwrap()
}

fn step_t(sealed: Sealed, original: &dyn Source) -> Sealed {
    let assembled = sealed.assembled(original);
    let places =
        lift::signature_time_stamps(Kind::Xml, &assembled, Some(original), DigestAlgorithm::Sha256, None).unwrap();
    let tokens: Vec<Token> = places.imprints().iter().map(stamp).collect();
    let parts = places.fill(&tokens).unwrap();
    sealed.lifted(parts, original).unwrap()
}

fn step_lt(sealed: Sealed, original: &dyn Source) -> Sealed {
    let assembled = sealed.assembled(original);
    let place = lift::evidence(Kind::Xml, &assembled, Some(original), None).unwrap();
    let mut evidence = Evidence::default();
    for subject in place.subjects() {
        let proofs = World::shared_offline().proofs(&subject.certificate).unwrap();
        let arcs = |list: Vec<Vec<u8>>| list.into_iter().map(Arc::from).collect();
        evidence.merge(&Evidence {
            certificates: arcs(proofs.certificates),
            crls: arcs(proofs.crls),
            ocsp_responses: arcs(proofs.ocsp_responses),
        });
    }
    let parts = place.fill(&evidence).unwrap();
    sealed.lifted(parts, original).unwrap()
}

fn step_lta(sealed: Sealed, original: &dyn Source) -> Sealed {
    let assembled = sealed.assembled(original);
    let places =
        lift::archive_time_stamps(Kind::Xml, &assembled, Some(original), DigestAlgorithm::Sha256, None).unwrap();
    let tokens: Vec<Token> = places.imprints().iter().map(stamp).collect();
    let parts = places.fill(&tokens).unwrap();
    sealed.lifted(parts, original).unwrap()
}

/// The unsigned signature properties of the one signature, in order; and every archive time stamp is over what it is to
/// be over, also now.
fn unsigned(file: &[u8], original: &dyn Source) -> Vec<String> {
    let checked = intact(file, Some(original));
    let document = Document::parse(file).unwrap();
    let Some(unsigned) = checked.signature.unsigned_properties(&document) else { return Vec::new() };
    let mut names = Vec::new();
    for property in document.child_elements(unsigned) {
        let name = document.name(property).unwrap();
        assert!([XADES, XADES_141].contains(&name.namespace));
        let local = name.local.to_owned();
        if local.ends_with("TimeStamp") {
            let tokens: Vec<_> = signature::children(&document, property, XADES, "EncapsulatedTimeStamp").collect();
            assert_eq!(tokens.len(), 1);
            let token = Token::read(&signature::octets(&document, tokens[0]).unwrap()).unwrap();
            if local == "ArchiveTimeStamp" {
                assert_eq!(name.namespace, XADES_141);
                assert_archive(&document, &checked.signature, Some(original), property, &token);
            }
        }
        names.push(local);
    }
    names
}

fn assert_archive(
    document: &Document<'_>,
    found: &signature::Signature,
    original: Option<&dyn Source>,
    property: formats::xml::tree::NodeId,
    token: &Token,
) {
    let method = signature::canonicalization_in(document, property).unwrap();
    let mut bytes = Vec::new();
    let mut sink = |piece: &[u8]| bytes.extend_from_slice(piece);
    let outside = Outside::files(original);
    xml_lift::archive_imprint(document, found, &outside, Some(property), &method, &mut sink).unwrap();
    assert_eq!(token.imprint().algorithm.digest(&bytes).unwrap(), token.imprint().value);
}

const INVOICE: &str = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<Invoice \
                       xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\"\n xml:lang=\"de\" \
                       xmlns:u=\"urn:u\"><a>&#xE4;</a></Invoice>\n";

#[test]
fn each_level_has_what_its_table_wants_and_changes_nothing() {
    for shape in [XmlShape::Enveloped, XmlShape::Enveloping, XmlShape::Detached] {
        for prefix in ["ds", ""] {
            let original = Files::one("Rechnung 1.xml", INVOICE.as_bytes());
            let xml = XmlOptions { prefix: Some(prefix.to_owned()), ..XmlOptions::default() };
            let profile = Profile { xml, ..Profile::plain("test", "test", Format::Xades(shape)) };
            let mut sealed = sealed(&original, &profile);
            let mut file = written(&sealed, &original);
            assert_eq!(unsigned(&file, &original), [""; 0]);
            let levels: [(Step, &[&str]); 5] = [
                (step_t, &["SignatureTimeStamp"]),
                (step_lt, &["CertificateValues", "RevocationValues"]),
                (step_lta, &["ArchiveTimeStamp"]),
                // The responder answers anew, for the units of all time stamps by now.
                (step_lt, &["TimeStampValidationData"]),
                (step_lta, &["ArchiveTimeStamp"]),
            ];
            let mut expected: Vec<String> = Vec::new();
            for (step, added) in levels {
                sealed = step(sealed, &original);
                let next = written(&sealed, &original);
                expected.extend(added.iter().map(|name| (*name).to_owned()));
                assert_eq!(unsigned(&next, &original), expected);
                // Everything that was there is there still, around what was put in at one place.
                let start = file.iter().zip(&next).take_while(|(one, other)| one == other).count();
                assert!(file.ends_with(&next[next.len() - (file.len() - start)..]));
                file = next;
            }
            // All of it stamped already: nothing is asked for, and nothing changes.
            let again = step_t(sealed, &original);
            assert_eq!(written(&again, &original), file);
        }
    }
}

#[test]
fn what_has_no_levels_or_is_broken_is_not_lifted() {
    let original = INVOICE.as_bytes();
    let reason =
        |file: &[u8]| match lift::signature_time_stamps(Kind::Xml, &file.to_vec(), None, DigestAlgorithm::Sha256, None)
        {
            Err(FormatError::Document(reason)) => reason.code,
            _ => panic!("it was lifted"),
        };
    let plain = Profile::plain("test", "test", Format::Xmldsig(XmlShape::Enveloped));
    let file = written(&sealed(&original, &plain), &original);
    assert_eq!(reason(&file), "no-qualifying-properties");
    assert_eq!(reason(original), "no-signature");

    let profile = Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped));
    let file = String::from_utf8(written(&sealed(&original, &profile), &original)).unwrap();
    assert_eq!(reason(file.replacen("&#xE4;", "&#xE5;", 1).as_bytes()), "signature-broken");
    assert_eq!(reason(file.replacen("SigningTime>20", "SigningTime>19", 1).as_bytes()), "signature-broken");

    let detached = Profile::plain("test", "test", Format::Xades(XmlShape::Detached));
    let file = written(&sealed(&original, &detached), &original);
    assert_eq!(reason(&file), "original-missing");
}

/// Files of other makers: lifted and intact afterwards, or a reason; and their archive time stamps are over what we say.
#[test]
fn signatures_of_other_makers_are_lifted_or_refused_with_a_reason() {
    let Some(corpus) = testkit::corpora::corpora("dss-ades") else { return };
    let (mut lifted, mut refused, mut archives, mut others) = (0, 0, 0, 0);
    for path in testkit::corpora::files_below(&corpus.join("dss-xades"), "xml") {
        let bytes = std::fs::read(&path).unwrap();
        let Ok(document) = Document::parse(&bytes) else { continue };
        let places = lift::archive_time_stamps(Kind::Xml, &bytes, None, DigestAlgorithm::Sha256, None);
        let places = match places {
            Ok(places) => places,
            Err(FormatError::Document(reason)) => {
                assert!(!reason.sentence.is_empty());
                refused += 1;
                continue;
            }
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let tokens: Vec<Token> = places.imprints().iter().map(stamp).collect();
        let parts = places.fill(&tokens).unwrap();
        let assembled = formats::recipe::Assembled::new(&parts, &bytes);
        let mut after = vec![0; assembled.len() as usize];
        assembled.read_exact_at(0, &mut after).unwrap();
        for checked in crate::support::check(&after, None) {
            assert!(checked.fault().is_none(), "{}: {:?}", path.display(), checked.fault());
        }
        lifted += 1;

        for checked in crate::support::check(&bytes, None) {
            let Some(unsigned) = checked.signature.unsigned_properties(&document) else { continue };
            for property in signature::children(&document, unsigned, XADES_141, "ArchiveTimeStamp") {
                let token = signature::children(&document, property, XADES, "EncapsulatedTimeStamp").next().unwrap();
                let Ok(token) = Token::read(&signature::octets(&document, token).unwrap()) else { continue };
                let method = signature::canonicalization_in(&document, property).unwrap();
                let mut imprint = Vec::new();
                let mut sink = |piece: &[u8]| imprint.extend_from_slice(piece);
                let (found, outside) = (&checked.signature, Outside::default());
                xml_lift::archive_imprint(&document, found, &outside, Some(property), &method, &mut sink).unwrap();
                if token.imprint().algorithm.digest(&imprint).unwrap() == token.imprint().value {
                    archives += 1;
                } else {
                    // Only those that were made to be wrong.
                    let name = path.file_name().unwrap().to_string_lossy();
                    assert!(name.contains("copied") || name.contains("corrupted"), "{name}");
                    others += 1;
                }
            }
        }
    }
    eprintln!("{lifted} lifted, {refused} refused; archive time stamps: {archives} as we say, {others} not");
    assert!(lifted >= 60 && archives >= 7);
}
