//! Every combination of shape, canonicalisation, prefix, kind, algorithm and place, judged by three foreign programs.
//! What a judge cannot do is said where it is left out, and another one does it.

use crate::cms_support::{DIGESTS, KINDS};
use crate::support::{Files, intact, signed};
use formats::Source;
use model::profile::{
    CanonicalVersion, Canonicalization, Format, Transform, XPathFilter, XmlOptions, XmlPlace, XmlPosition,
    XmlReference, XmlShape, XmlTarget,
};
use model::{DigestAlgorithm, Profile};
use std::path::{Path, PathBuf};
use testkit::judge_xml::{santuario, signxml, xmlsec1};
use testkit::pki::{KeyKind, Pki};

/// With comments, other namespaces, inherited attributes, references and line ends of all kinds.
const ORDER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- above -->\n<o:order \
                     xmlns:o=\"urn:order\" xmlns:unused=\"urn:u\" xml:lang=\"de\" z='2' a=\"&lt;&#9;&quot;\"><?go on?>\r\n<o:line \
                     Id=\"L1\" o:n='1'>T\u{fc}r &amp; Tor<!-- inside --></o:line>\n  <line xmlns=\"urn:other\" \
                     Id=\"L2\"/><o:text><![CDATA[a < b]]></o:text></o:order>\n<!-- below -->";
const IDS: [&str; 3] = ["urn:order:line", "urn:other:line", "urn:order:text"];

fn methods() -> Vec<Canonicalization> {
    let mut methods = Vec::new();
    for version in [CanonicalVersion::V1_0, CanonicalVersion::V1_1, CanonicalVersion::Exclusive] {
        for comments in [false, true] {
            methods.push(Canonicalization { version, comments, inclusive_prefixes: Vec::new() });
        }
    }
    let inclusive_prefixes = ["unused", "o", "#default"].map(str::to_owned).to_vec();
    methods.push(Canonicalization { inclusive_prefixes, ..Canonicalization::default() });
    methods
}

fn reference(target: XmlTarget, transforms: Vec<Transform>) -> XmlReference {
    XmlReference { target, transforms }
}

/// One way of pointing to things.
#[derive(Clone)]
struct Way {
    name: &'static str,
    shape: XmlShape,
    references: Vec<XmlReference>,
    files: fn() -> Files,
    /// signxml leaves XPath Filter 2.0 out without a word, and instructions beside the document element.
    too_much: bool,
    /// It takes comments in where no pointer asks for them.
    comments: bool,
}

/// Whether signxml can judge it: it cuts elements out before it makes them canonical, so that the inclusive forms lack
/// what they inherit, and its schema lacks InclusiveNamespaces.
fn for_signxml(way: &Way, method: &Canonicalization, prefix: &str) -> bool {
    let alone = way.shape != XmlShape::Enveloped && !prefix.is_empty();
    let comments = way.comments && method.comments;
    !(way.too_much || comments)
        && method.inclusive_prefixes.is_empty()
        && (method.version == CanonicalVersion::Exclusive || alone)
}

fn ways() -> Vec<Way> {
    let order = || Files::one("order.xml", ORDER.as_bytes());
    let both = || Files(vec![("order.xml".into(), ORDER.into()), ("scan.bin".into(), b"\0\x01 no XML\xff".repeat(99))]);
    let id = |id: &str| XmlTarget::Id(id.to_owned());
    let enveloped = || vec![Transform::EnvelopedSignature];
    let filter = |steps: &[(XPathFilter, &str)]| {
        Transform::XPathFilter(steps.iter().map(|(filter, xpath)| (*filter, (*xpath).to_owned())).collect())
    };
    let way = |name, shape, references, files: fn() -> Files| Way {
        name,
        shape,
        references,
        files,
        too_much: false,
        comments: true,
    };
    vec![
        way("enveloped", XmlShape::Enveloped, Vec::new(), order),
        Way {
            too_much: true,
            ..way("beside", XmlShape::Enveloped, Vec::new(), || {
                Files::one("order.xml", ORDER.replacen("<o:order", "<?first?>\n<o:order", 1).as_bytes())
            })
        },
        way("by Id", XmlShape::Enveloped, vec![reference(id("L2"), Vec::new())], order),
        way(
            "several",
            XmlShape::Enveloped,
            vec![
                reference(id("L1"), Vec::new()),
                reference(XmlTarget::Document, enveloped()),
                reference(XmlTarget::XPath("/o:order/o:text".into()), Vec::new()),
            ],
            order,
        ),
        Way {
            too_much: true,
            ..way(
                "filter",
                XmlShape::Enveloped,
                vec![reference(
                    XmlTarget::Document,
                    vec![filter(&[(XPathFilter::Subtract, "//d:Signature"), (XPathFilter::Subtract, "//o:text")])],
                )],
                order,
            )
        },
        Way {
            too_much: true,
            ..way(
                "intersection",
                XmlShape::Enveloped,
                vec![reference(
                    XmlTarget::Document,
                    vec![
                        Transform::EnvelopedSignature,
                        filter(&[(XPathFilter::Intersect, "//o:line"), (XPathFilter::Union, "//o:text")]),
                    ],
                )],
                order,
            )
        },
        way("enveloping", XmlShape::Enveloping, Vec::new(), order),
        Way {
            comments: false,
            ..way("base64", XmlShape::Enveloping, Vec::new(), || {
                Files::one("scan.bin", &b"\0\x01 no XML\xff".repeat(99))
            })
        },
        Way { comments: false, ..way("detached", XmlShape::Detached, Vec::new(), both) },
    ]
}

struct Case {
    name: String,
    file: PathBuf,
    judges: [bool; 3],
}

/// Signs, checks what we think of it ourselves, and writes it out beside what it names.
fn make(folder: &Path, name: String, files: &Files, profile: &Profile, kind: KeyKind, judges: [bool; 3]) -> Case {
    let result = signed(files, profile, kind);
    intact(&result, Some(files));
    let folder = folder.join(name.replace([' ', '/'], "-"));
    std::fs::create_dir(&folder).unwrap();
    for (name, bytes) in &files.0 {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let file = folder.join("signature.sig.xml");
    std::fs::write(&file, result).unwrap();
    Case { name, file, judges }
}

const ALL: [bool; 3] = [true, true, true];

fn judged(cases: &[Case]) {
    let anchor = Pki::shared().root_pem();
    let mut complaints = Vec::new();
    for case in cases.iter().filter(|case| case.judges[0]) {
        if let Err(error) = xmlsec1(&case.file, &anchor, &IDS).unwrap() {
            complaints.push(format!("xmlsec1: {}: {error}", case.name));
        }
    }
    for (judge, name) in [(1, "signxml"), (2, "Santuario")] {
        let some: Vec<&Case> = cases.iter().filter(|case| case.judges[judge]).collect();
        let files: Vec<PathBuf> = some.iter().map(|case| case.file.clone()).collect();
        let verdicts = if judge == 1 { signxml(&files, &anchor) } else { santuario(&files) }.unwrap();
        for (case, verdict) in some.iter().zip(verdicts) {
            if let Err(error) = verdict {
                complaints.push(format!("{name}: {}: {error}", case.name));
            }
        }
    }
    let count = |judge: usize| cases.iter().filter(|case| case.judges[judge]).count();
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
    let counts = [count(0), count(1), count(2)];
    assert!(cases.iter().all(|case| case.judges.contains(&true)), "each case has a judge");
    #[allow(clippy::print_stderr)] // how much was judged by whom belongs to the result
    {
        eprintln!("{} signatures: xmlsec1 {}, signxml {}, Santuario {}", cases.len(), counts[0], counts[1], counts[2]);
    }
}

fn options(way: &Way, method: &Canonicalization, prefix: &str) -> XmlOptions {
    XmlOptions {
        signed_info: method.clone(),
        references: way.references.clone(),
        prefix: Some(prefix.to_owned()),
        namespaces: [("o", "urn:order"), ("d", "http://www.w3.org/2000/09/xmldsig#")]
            .map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned()))
            .to_vec(),
        ..XmlOptions::default()
    }
}

#[test]
fn shapes_canonical_forms_prefixes_and_kinds_are_accepted_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for way in ways() {
        for (number, method) in methods().iter().enumerate() {
            for prefix in ["ds", "", "sig"] {
                for xades in [false, true] {
                    let format = if xades { Format::Xades(way.shape) } else { Format::Xmldsig(way.shape) };
                    let profile =
                        Profile { xml: options(&way, method, prefix), ..Profile::plain("test", "test", format) };
                    let name = format!("{} c14n {number} prefix {prefix} xades {xades}", way.name);
                    let judges = [true, for_signxml(&way, method, prefix), true];
                    cases.push(make(folder.path(), name, &(way.files)(), &profile, KeyKind::P256, judges));
                }
            }
        }
    }
    judged(&cases);
}

#[test]
fn algorithms_are_accepted_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for kind in KINDS {
        for digest in DIGESTS {
            for pss in [false, true] {
                if pss && !matches!(kind, KeyKind::Rsa2048 | KeyKind::Rsa3072) {
                    continue;
                }
                if kind == KeyKind::Ed25519 {
                    continue; // none of the three knows it
                }
                for (name, shape) in [("enveloped", XmlShape::Enveloped), ("detached", XmlShape::Detached)] {
                    let format = Format::Xades(shape);
                    let profile = Profile { digest, pss, ..Profile::plain("test", "test", format) };
                    let name = format!("{name} {} {digest} pss {pss}", kind.name());
                    // xmlsec1 1.2 has no PSS.
                    let files = Files::one("order.xml", ORDER.as_bytes());
                    cases.push(make(folder.path(), name, &files, &profile, kind, [!pss, true, true]));
                }
            }
        }
    }
    judged(&cases);
}

#[test]
fn places_are_accepted_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    let places = [
        ("/o:order", XmlPosition::FirstChild),
        ("/o:order", XmlPosition::LastChild),
        ("/o:order/o:line", XmlPosition::Before),
        ("/o:order/o:text", XmlPosition::After),
        ("//*[@Id='L2']", XmlPosition::FirstChild),
        ("//*[@Id='L2']", XmlPosition::LastChild),
    ];
    for (xpath, position) in places {
        for method in methods() {
            let place = XmlPlace { xpath: xpath.to_owned(), position };
            let way = &ways()[0];
            let xml = XmlOptions { place: Some(place), id: Some("Siegel".to_owned()), ..options(way, &method, "ds") };
            let profile = Profile { xml, ..Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped)) };
            let name = format!("place {} {position:?} {}", cases.len(), method.comments);
            let judges = [true, for_signxml(way, &method, "ds"), true];
            cases.push(make(folder.path(), name, &(way.files)(), &profile, KeyKind::P256, judges));
        }
    }
    judged(&cases);
}

#[test]
fn real_invoices_are_accepted_by_others_and_keep_every_byte() {
    let Some(corpus) = testkit::corpora::corpora("xml-invoices") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for path in testkit::corpora::files_below(&corpus, "xml") {
        let bytes = std::fs::read(&path).unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let files = Files::one("invoice.xml", &bytes);
        for shape in [XmlShape::Enveloped, XmlShape::Enveloping, XmlShape::Detached] {
            let profile = Profile::plain("test", "test", Format::Xades(shape));
            let name = format!("{stem} {shape:?}");
            let case = make(folder.path(), name, &files, &profile, KeyKind::Rsa2048, ALL);
            let result = std::fs::read(&case.file).unwrap();
            if shape == XmlShape::Enveloped {
                let start = result.iter().zip(&bytes).take_while(|(one, other)| one == other).count();
                let added = result.len() - bytes.len();
                assert_eq!([&result[..start], &result[start + added..]].concat(), bytes, "{}", case.name);
                let text = String::from_utf8_lossy(&result);
                if text.contains("specification:ubl:schema:xsd:Invoice-2") {
                    assert!(text.contains("<sig:UBLDocumentSignatures"), "{}", case.name);
                }
            }
            cases.push(case);
        }
    }
    judged(&cases);
    assert!(cases.len() >= 3 * 38);
}

#[test]
fn a_changed_byte_is_seen_by_us_and_by_the_judges() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::one("order.xml", ORDER.as_bytes());
    let profile = Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped));
    let case = make(folder.path(), "changed".to_owned(), &files, &profile, KeyKind::P256, ALL);
    let text = std::fs::read_to_string(&case.file).unwrap();
    for (from, to) in [("Tor<", "Tar<"), ("Z</xades:SigningTime>", "Y</xades:SigningTime>"), ("Id=\"L1\"", "Id=\"L9\"")]
    {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        std::fs::write(&case.file, &changed).unwrap();
        assert!(crate::support::check(changed.as_bytes(), None)[0].fault().is_some());
        let anchor = Pki::shared().root_pem();
        assert!(xmlsec1(&case.file, &anchor, &IDS).unwrap().is_err());
        assert!(signxml(std::slice::from_ref(&case.file), &anchor).unwrap()[0].is_err());
        assert!(santuario(std::slice::from_ref(&case.file)).unwrap()[0].is_err());
    }
    assert_eq!(DigestAlgorithm::Sha256, profile.digest);
    assert_eq!(files.len(), ORDER.len() as u64);
}
