//! What sealmill makes, in every form and level; and time stamps in containers.

use crate::zip_file::{Entry, written};
use crate::{cms_support, codes, holds, look, support};
use formats::crypto::digest;
use formats::inspect::{FileKind, Integrity, ObjectId, SignatureFormat, StampKind};
use formats::lift::{self, Kind};
use formats::source::Member;
use formats::tsp::Token;
use formats::{SignerTemplate, Source, SourceError, prepare};
use model::DigestAlgorithm::Sha256;
use model::Profile;
use model::profile::{Container, ContainerSignature, Format};
use testkit::pki::KeyKind;

/// Several documents one behind the other.
struct Documents(Vec<u8>, Vec<Member>);

impl Source for Documents {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.0.read_exact_at(offset, buffer)
    }

    fn members(&self) -> Vec<Member> {
        self.1.clone()
    }
}

/// A container over `Rechnung 0.txt`, `Rechnung 1.txt`, …
pub(crate) fn made(container: Container, signature: ContainerSignature, count: usize) -> Vec<u8> {
    let (mut bytes, mut members) = (Vec::new(), Vec::new());
    for number in 0..count {
        let start = bytes.len() as u64;
        bytes.extend(format!("Rechnung Nummer {number}\n").bytes());
        let name = Some(format!("Rechnung {number}.txt"));
        members.push(Member { name, range: start..bytes.len() as u64 });
    }
    let identity = support::world().signer(KeyKind::P256).unwrap();
    let profile = Profile::plain("test", "test", Format::Asic { container, signature });
    let template = SignerTemplate::new(&support::signer(&identity), &profile).unwrap();
    let source = Documents(bytes, members);
    let prepared = prepare(&source, &profile, &template, support::now()).unwrap();
    let value = cms_support::sign(identity.key(), prepared.to_be_signed());
    support::bytes_of(&prepared.assemble(&value).unwrap().document().parts, &source)
}

/// The container one level higher: B-T, B-LT, B-LTA.
fn lifted(bytes: &[u8], step: usize) -> Vec<u8> {
    let stamped = |place: Box<dyn lift::StampPlaces>| {
        let tokens: Vec<_> = place.imprints().iter().map(support::stamp).collect();
        place.fill(&tokens).unwrap()
    };
    let parts = match step {
        0 => stamped(lift::signature_time_stamps(Kind::Asic, &bytes, None, Sha256, None).unwrap()),
        1 => {
            let place = lift::evidence(Kind::Asic, &bytes, None, None).unwrap();
            let evidence = support::evidence(place.subjects());
            place.fill(&evidence).unwrap()
        }
        _ => stamped(lift::archive_time_stamps(Kind::Asic, &bytes, None, Sha256, None).unwrap()),
    };
    support::bytes_of(&parts, &bytes)
}

#[test]
fn every_form_and_level_of_ours_holds() {
    use {
        Container::{Extended, Simple},
        ContainerSignature::{Cades, Xades},
    };
    for (container, form, count) in
        [(Simple, Cades, 1), (Simple, Xades, 1), (Extended, Cades, 1), (Extended, Cades, 3), (Extended, Xades, 3)]
    {
        let mut bytes = made(container, form, count);
        for level in 0..4 {
            let found = look(&bytes);
            let case = format!("{container:?} {form:?} {count} level {level}");
            assert_eq!(found.kind, FileKind::Asic, "{case}");
            let [signature] = &found.signatures[..] else { panic!("{case}") };
            assert!(holds(signature), "{case}: {:?} {:?}", signature.value, signature.covered);
            assert_eq!((codes(&signature.faults), codes(&found.notes)), (vec![], vec![]), "{case}");
            let expected = if form == Cades { SignatureFormat::Cades } else { SignatureFormat::Xades };
            assert_eq!(signature.format, expected, "{case}");
            for number in 0..count {
                let what = format!("file Rechnung {number}.txt");
                assert!(
                    signature.covered.iter().any(|covered| covered.what == what),
                    "{case}: {:?}",
                    signature.covered
                );
            }
            let kinds: Vec<StampKind> = signature.stamps.iter().map(|stamp| stamp.kind).collect();
            let stamps = [
                &[][..],
                &[StampKind::Signature],
                &[StampKind::Signature],
                &[StampKind::Signature, StampKind::Archive],
            ];
            assert_eq!(kinds, stamps[level], "{case}");
            assert!(signature.stamps.iter().all(|stamp| stamp.imprint == Integrity::Intact), "{case}");
            if level < 3 {
                bytes = lifted(&bytes, level);
            }
        }
    }
}

/// A file of a container, for a manifest.
pub(crate) fn reference(name: &str, bytes: &[u8]) -> String {
    let value = base64_simd::STANDARD.encode_to_string(digest(Sha256, bytes).as_bytes());
    format!(
        "<a:DataObjectReference URI=\"{name}\"><d:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
         <d:DigestValue>{value}</d:DigestValue></a:DataObjectReference>"
    )
}

pub(crate) fn manifest(over_it: &str, references: &str) -> Vec<u8> {
    format!(
        "<a:ASiCManifest xmlns:a=\"http://uri.etsi.org/02918/v1.2.1#\" xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\">\
         <a:SigReference URI=\"{over_it}\"/>{references}</a:ASiCManifest>"
    )
    .into_bytes()
}

fn token(bytes: &[u8]) -> Token {
    support::stamp(&digest(Sha256, bytes))
}

/// A signed container under a chain of two archive time stamps.
pub(crate) fn under_archive_stamps() -> Vec<Entry> {
    let mut entries = crate::zip_file::entries(&made(Container::Extended, ContainerSignature::Cades, 2));
    let of = |entries: &[Entry], names: &[&str]| -> String {
        let bytes = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap().bytes.clone();
        names.iter().map(|name| reference(&name.replace(' ', "%20"), &bytes(name))).collect()
    };
    let mut names = vec!["Rechnung 0.txt", "Rechnung 1.txt", "META-INF/ASiCManifest.xml", "META-INF/signature.p7s"];
    let files = [
        ("META-INF/ASiCArchiveManifest1.xml", "META-INF/timestamp1.tst"),
        ("META-INF/ASiCArchiveManifest.xml", "META-INF/timestamp2.tst"),
    ];
    for (manifest_name, stamp_name) in files {
        let bytes = manifest(stamp_name, &of(&entries, &names));
        let stamp = token(&bytes).der().to_vec();
        entries.extend([Entry::new(manifest_name, bytes), Entry::new(stamp_name, stamp)]);
        names.extend([manifest_name, stamp_name]);
    }
    entries
}

#[test]
fn archive_time_stamps_prove_what_their_manifests_name() {
    let entries = under_archive_stamps();
    let found = look(&written(&entries));
    assert!(holds(&found.signatures[0]) && codes(&found.notes).is_empty(), "{:?}", found.notes);
    let [first, second] = &found.stamps[..] else { panic!("{}", found.stamps.len()) };
    let signature = &found.signatures[0];
    let value = ObjectId::of(&signature.signature_value);
    for stamp in [first, second] {
        assert_eq!((stamp.kind, &stamp.imprint), (StampKind::Container, &Integrity::Intact));
        assert_eq!(stamp.signatures, [0]);
        assert!(
            stamp.covers.contains(&value) && stamp.covers.contains(&ObjectId::of(signature.signer.as_ref().unwrap()))
        );
    }
    assert!(second.covers.contains(&ObjectId::of(&first.bytes)), "the later one covers the earlier one");
    assert!(!first.covers.contains(&ObjectId::of(&second.bytes)));
    // A file under both was changed: neither proves anything of it, and both say so.
    let mut changed = entries.clone();
    let document = changed.iter_mut().find(|entry| entry.name == "Rechnung 1.txt").unwrap();
    *document = Entry::new("Rechnung 1.txt", "anders");
    let found = look(&written(&changed));
    assert!(found.stamps.iter().all(|stamp| stamp.imprint == Integrity::Changed));
    assert!(!holds(&found.signatures[0]) && codes(&found.notes).contains(&"asic-manifest-entry"));
    // One that a manifest names is gone.
    let without: Vec<Entry> = entries.into_iter().filter(|entry| entry.name != "Rechnung 1.txt").collect();
    let found = look(&written(&without));
    assert!(found.stamps.iter().all(|stamp| matches!(stamp.imprint, Integrity::Missing(_))));
}

#[test]
fn a_document_with_a_time_stamp_only_is_told_from_another() {
    let document = b"Rechnung".as_slice();
    let container = |over: &[u8]| {
        written(&[
            Entry::new("mimetype", "application/vnd.etsi.asic-s+zip"),
            Entry::new("Rechnung.txt", document),
            Entry::new("META-INF/timestamp.tst", token(over).der().to_vec()),
        ])
    };
    for (over, expected) in [(document, Integrity::Intact), (b"anderes".as_slice(), Integrity::Changed)] {
        let found = look(&container(over));
        assert_eq!((found.signatures.len(), found.stamps.len(), &found.stamps[0].imprint), (0, 1, &expected));
    }
}

#[test]
fn signed_files_in_a_container_are_looked_into_but_not_without_end() {
    let mut inner = made(Container::Simple, ContainerSignature::Xades, 1);
    for depth in 1..=4 {
        inner = written(&[Entry::new("note.txt", "x"), Entry::new(&format!("{depth}.asice"), inner)]);
    }
    let (mut found, mut depth) = (look(&inner), 0);
    while let Some(nested) = found.nested.pop() {
        found = nested.inspection;
        depth += 1;
    }
    // The fourth container in others is not opened.
    assert_eq!((depth, found.signatures.len()), (3, 0));
    assert_eq!(codes(&found.notes), ["nested-too-deep"]);
}

/// A plain ZIP file with a document and its detached signature.
#[test]
fn a_detached_signature_in_a_plain_zip_is_about_the_document_beside_it() {
    let inner = crate::zip_file::entries(&made(Container::Simple, ContainerSignature::Cades, 1));
    let bytes = |name: &str| inner.iter().find(|entry| entry.name == name).unwrap().bytes.clone();
    let document = bytes("Rechnung 0.txt");
    let signature = bytes("META-INF/signature.p7s");
    for (document, good) in [(document.clone(), true), (b"anders".to_vec(), false)] {
        let zip = written(&[
            Entry::new("Rechnung 0.txt", document),
            Entry::new("Rechnung 0.txt.p7s", signature.clone()),
            Entry::new("Brief.txt", "x"),
        ]);
        let found = look(&zip);
        assert_eq!((found.kind, found.signatures.len(), found.nested.len()), (FileKind::Other, 0, 1));
        assert_eq!(holds(&found.nested[0].inspection.signatures[0]), good);
    }
}
