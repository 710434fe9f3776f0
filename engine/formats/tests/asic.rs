//! Containers: made, opened by a foreign program, lifted to every level; damaged ones are refused.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "cms_support/mod.rs"]
mod cms_support;
#[path = "cms_levels/support.rs"]
#[allow(dead_code)]
mod support;

use formats::lift::{self, Kind};
use formats::source::Member;
use formats::{SignerTemplate, Source, SourceError, prepare};
use model::DigestAlgorithm::Sha256;
use model::Profile;
use model::profile::{Container, ContainerSignature, Format};
use testkit::pki::KeyKind;
use testkit::tools;

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

fn documents(count: usize) -> Documents {
    let (mut bytes, mut members) = (Vec::new(), Vec::new());
    for number in 0..count {
        let start = bytes.len() as u64;
        bytes.extend(format!("Rechnung {number}\n").bytes());
        members
            .push(Member { name: Some(format!("Rechnung ä {}.txt", number / 2)), range: start..bytes.len() as u64 });
    }
    Documents(bytes, members)
}

fn made(container: Container, signature: ContainerSignature, count: usize) -> Result<Vec<u8>, formats::FormatError> {
    let identity = support::world().signer(KeyKind::P256).unwrap();
    let profile = Profile::plain("test", "test", Format::Asic { container, signature });
    let template = SignerTemplate::new(&support::signer(&identity), &profile)?;
    let source = documents(count);
    let prepared = prepare(&source, &profile, &template, support::now())?;
    let value = cms_support::sign(identity.key(), prepared.to_be_signed());
    Ok(support::bytes_of(&prepared.assemble(&value)?.document().parts, &source))
}

const LIST: &str = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
                    z.extractall(sys.argv[2]); print(' '.join(n.replace(' ', '_') for n in z.namelist()))";

fn opened(folder: &std::path::Path, bytes: &[u8]) -> String {
    let file = folder.join("container");
    std::fs::write(&file, bytes).unwrap();
    let arguments = ["-c".as_ref(), LIST.as_ref(), file.as_os_str(), folder.as_os_str()];
    let python = tools::python().unwrap();
    tools::run_ok(&python.to_string_lossy(), arguments).unwrap()
}

#[test]
fn every_kind_is_made_opened_and_lifted() {
    use {
        Container::{Extended, Simple},
        ContainerSignature::{Cades, Xades},
    };
    for (container, signature, count) in
        [(Simple, Cades, 1), (Simple, Xades, 1), (Extended, Cades, 1), (Extended, Cades, 3), (Extended, Xades, 3)]
    {
        let mut bytes = made(container, signature, count).unwrap();
        assert_eq!(&bytes[30..38], b"mimetype");
        for step in 0..4 {
            let folder = tempfile::tempdir().unwrap();
            let names = opened(folder.path(), &bytes);
            assert!(names.starts_with("mimetype Rechnung_ä_0.txt"), "{names}");
            if signature == Cades {
                let message = std::fs::read(folder.path().join("META-INF/signature.p7s")).unwrap();
                let over = if container == Simple { "Rechnung ä 0.txt" } else { "META-INF/ASiCManifest.xml" };
                let over = std::fs::read(folder.path().join(over)).unwrap();
                support::openssl_verify(folder.path(), &message, Some(&over), true).unwrap();
            }
            let parts = match step {
                0 => {
                    let place = lift::signature_time_stamps(Kind::Asic, &bytes, None, Sha256, None).unwrap();
                    let tokens: Vec<_> = place.imprints().iter().map(support::stamp).collect();
                    assert_eq!(tokens.len(), 1);
                    place.fill(&tokens).unwrap()
                }
                1 => {
                    let place = lift::evidence(Kind::Asic, &bytes, None, None).unwrap();
                    let evidence = support::evidence(place.subjects());
                    place.fill(&evidence).unwrap()
                }
                2 => {
                    let place = lift::archive_time_stamps(Kind::Asic, &bytes, None, Sha256, None).unwrap();
                    let tokens: Vec<_> = place.imprints().iter().map(support::stamp).collect();
                    place.fill(&tokens).unwrap()
                }
                _ => continue,
            };
            bytes = support::bytes_of(&parts, &bytes);
        }
        // A changed document, and a container cut short.
        for cut in [bytes.len() / 2, bytes.len() - 1] {
            assert!(lift::evidence(Kind::Asic, &&bytes[..cut], None, None).is_err());
        }
        let at = bytes.windows(10).position(|window| window == b"Rechnung 0").unwrap();
        bytes[at] ^= 1;
        assert!(lift::evidence(Kind::Asic, &bytes, None, None).is_err());
    }
    assert!(made(Simple, Cades, 2).is_err());
}

/// Containers of other makers become B-T, or there is a reason.
#[test]
fn containers_of_others_are_lifted_or_refused_with_a_reason() {
    let mut files = Vec::new();
    for set in ["dss-ades/dss-asic-cades", "dss-ades/dss-asic-xades"] {
        let Some(folder) = testkit::corpora::corpora(set) else { return };
        for extension in ["asice", "asics", "sce", "scs", "asice.zip", "zip"] {
            files.extend(testkit::corpora::files_below(&folder, extension));
        }
    }
    let (mut lifted, mut refused) = (0, 0);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        if Kind::of(&bytes).unwrap() != Some(Kind::Asic) {
            continue;
        }
        let tried = lift::signature_time_stamps(Kind::Asic, &bytes, None, Sha256, None).and_then(|place| {
            let tokens: Vec<_> = place.imprints().iter().map(support::stamp).collect();
            place.fill(&tokens)
        });
        match tried {
            Ok(parts) => {
                let folder = tempfile::tempdir().unwrap();
                let again = support::bytes_of(&parts, &bytes);
                opened(folder.path(), &again);
                let place = lift::signature_time_stamps(Kind::Asic, &again, None, Sha256, None).unwrap();
                assert!(place.imprints().is_empty(), "{}: every signature has its time stamp", path.display());
                lifted += 1;
            }
            Err(error) => {
                assert!(error.to_string().len() > 10, "{}: {error}", path.display());
                refused += 1;
            }
        }
    }
    assert!(lifted > 20 && refused < 2 * lifted, "{lifted} lifted, {refused} refused");
}

#[test]
fn damaged_containers_end_in_no_panic() {
    let whole = made(Container::Extended, ContainerSignature::Cades, 3).unwrap();
    let mut numbers = testkit::pdf::Numbers::new(7);
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        for change in numbers.bytes(9).chunks(3) {
            let at = usize::from(change[0]) << 8 | usize::from(change[1]);
            let length = bytes.len();
            bytes[at % length] ^= change[2];
        }
        // Most of them are refused; what is not was changed where nothing depends on it.
        let _ = lift::signature_time_stamps(Kind::Asic, &bytes, None, Sha256, None);
    }
}
