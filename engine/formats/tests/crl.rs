//! Revocation lists: NIST's test suite, lists of openssl and of the test kit's world, long ones and spoiled ones.
#![allow(clippy::unwrap_used)]

use formats::cms::certificate::Certificate;
use formats::cms::certificate::extensions::KeyUsage;
use formats::crl::{self, Crl, CrlFault};
use formats::ocsp::{Revoked, Rules, Status};
use formats::path::{self, Search, same_name};
use formats::{Source, SourceError};
use model::Time;
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use testkit::corpora::{corpora, files_below};
use testkit::pki::KeyKind;
use testkit::world::{CrlPart, Issuer, Order, State, World};

/// 2022-05-01, when all of NIST's certificates are valid.
const NIST_TIME: i64 = 1_651_363_200;

struct Suite {
    all: Vec<Arc<[u8]>>,
    crls: Vec<(Crl, Vec<u8>)>,
    root: Arc<[u8]>,
}

impl Suite {
    /// Whether nothing says that this certificate or one above it is revoked, and lists say so about each.
    fn good(&self, subject: &Arc<[u8]>, guard: &mut HashSet<Arc<[u8]>>) -> bool {
        let now = Time::from_seconds(NIST_TIME);
        let Ok(Search::Found(path)) = path::find(subject, &self.all, std::slice::from_ref(&self.root), now) else {
            return false;
        };
        path.certificates.windows(2).all(|pair| self.not_revoked(&pair[0], &pair[1], guard))
    }

    fn not_revoked(&self, certificate: &Arc<[u8]>, issuer: &Arc<[u8]>, guard: &mut HashSet<Arc<[u8]>>) -> bool {
        if !guard.insert(certificate.clone()) {
            return true;
        }
        let parsed = Certificate::parse(certificate).unwrap();
        let now = Time::from_seconds(NIST_TIME);
        for (list, bytes) in &self.crls {
            let Some(signer) = self.signer(list, bytes, issuer) else { continue };
            let delta = self.crls.iter().find(|(delta, bytes)| {
                delta.base_number.is_some() && self.signer(delta, bytes, issuer).as_ref() == Some(&signer)
            });
            let delta = delta.map(|(delta, bytes)| (delta, bytes as &dyn Source));
            let verdict = crl::judge((list, bytes), delta, &parsed, now, &Rules::default())
                .or_else(|_| crl::judge((list, bytes), None, &parsed, now, &Rules::default()));
            match verdict {
                Ok(Status::Good) => return signer == *issuer || self.good(&signer, guard),
                Ok(_) => return false,
                Err(_) => {}
            }
        }
        false
    }

    fn signer(&self, list: &Crl, bytes: &[u8], issuer: &Arc<[u8]>) -> Option<Arc<[u8]>> {
        let found = std::iter::once(issuer).chain(&self.all).find(|der| {
            let Ok(candidate) = Certificate::parse(der) else { return false };
            let usage = candidate.key_usage().unwrap();
            same_name(candidate.subject, &list.issuer)
                && usage.is_none_or(|usage| usage.allows(KeyUsage::CRL_SIGN))
                && list.verify(&bytes, candidate.public_key.raw).is_ok()
        });
        found.cloned()
    }
}

/// Sections 4.4 (revocation), 4.14 (distribution points) and 4.15 (delta CRLs) of the Public Key Interoperability Test
/// Suite.
#[test]
fn nist_agrees_about_revocation() {
    let Some(folder) = corpora("pkits") else { return };
    let read = |kind: &str, name: &str| std::fs::read(folder.join(kind).join(name)).unwrap();
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut tests, mut wrong) = (0, Vec::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let (id, name, expected) = (columns[2], columns[3], columns[1]);
        if !["404", "414", "415"].iter().any(|section| id.starts_with(section)) {
            continue;
        }
        let files = |column: &str| column.split(';').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let (others, lists): (Vec<String>, Vec<String>) = (files(columns[6]), files(columns[7]));
        let root: Arc<[u8]> = read("certs", "TrustAnchorRootCertificate.crt").into();
        let mut all: Vec<Arc<[u8]>> = others.iter().map(|name| read("certs", name).into()).collect();
        all.push(root.clone());
        let crls = lists.iter().map(|name| read("crls", name));
        let crls = crls.filter_map(|bytes| Crl::read(&bytes).ok().map(|crl| (crl, bytes))).collect();
        let subject: Arc<[u8]> = std::fs::read(folder.join(columns[0])).unwrap().into();
        let good = Suite { all, crls, root }.good(&subject, &mut HashSet::new());
        tests += 1;
        // Several CRLs for some reasons each are not put together: then nothing is proven, which is the safe side.
        let not_supported = ["41418", "41419"].contains(&id);
        if good != (expected == "valid") && !not_supported {
            wrong.push(format!("{id} {name}: {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {tests}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tests > 60, "{tests}");
}

/// What openssl lists as revoked is what we find, and the dates and reasons are the same.
#[test]
fn openssl_reads_the_same_lists() {
    let Some(folder) = corpora("pkits") else { return };
    let mut entries = 0;
    for file in files_below(&folder.join("crls"), "crl") {
        let bytes = std::fs::read(&file).unwrap();
        let text = testkit::tools::run_ok(
            "openssl",
            ["crl", "-inform", "DER", "-noout", "-text", "-in", file.to_str().unwrap()],
        );
        let theirs = text.unwrap().matches("Serial Number: ").count();
        match Crl::read(&bytes) {
            Ok(crl) => assert_eq!(crl.len(), theirs, "{}", file.display()),
            // Lists with extensions that nobody knows, and one whose signature is not even a whole number of octets.
            Err(error) => {
                let name = file.to_string_lossy();
                assert!(name.contains("Unknown") || name.contains("BadCRLSignature"), "{name}: {error}");
            }
        }
        entries += theirs;
    }
    assert!(entries >= 40, "{entries}");
}

fn state(world: &World, part: CrlPart, delta: bool, certificate: &[u8]) -> Result<Status, CrlFault> {
    let now = Time::from_seconds(world.now());
    let issuer = world.authority_der(Issuer::Seals);
    let key = Certificate::parse(&issuer).unwrap().public_key.raw;
    let read = |part| {
        let bytes = world.crl_part(Issuer::Seals, part).unwrap();
        let crl = Crl::read(&bytes).unwrap();
        crl.verify(&bytes, key).unwrap();
        (crl, bytes)
    };
    let (complete, bytes) = read(part);
    let delta = delta.then(|| read(CrlPart::Delta));
    let delta = delta.as_ref().map(|(crl, bytes)| (crl, bytes as &dyn Source));
    crl::judge((&complete, &bytes), delta, &Certificate::parse(certificate)?, now, &Rules::default())
}

#[test]
fn a_revoked_certificate_is_found_among_many_and_deltas_count() {
    let world = World::offline().unwrap();
    world.set_crl(|crl| crl.invented = 5_000);
    let signer = world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der();
    let at = world.now() - 60;
    assert_eq!(state(&world, CrlPart::Whole, false, &signer).unwrap(), Status::Good);
    world.freeze_crls(true);
    world.set_state(&signer, State::Revoked { at, reason: 6 }).unwrap();
    let suspended = Status::Revoked(Revoked { at: Time::from_seconds(at), reason: Some(6) });
    assert_eq!(state(&world, CrlPart::Whole, false, &signer).unwrap(), Status::Good);
    assert_eq!(state(&world, CrlPart::Whole, true, &signer).unwrap(), suspended);
    // A whole list that has it, and a delta that takes it back.
    let world = World::offline().unwrap();
    let signer = world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der();
    world.set_state(&signer, State::Revoked { at: world.now(), reason: 6 }).unwrap();
    world.freeze_crls(true);
    world.set_state(&signer, State::Good).unwrap();
    assert!(matches!(state(&world, CrlPart::Whole, false, &signer).unwrap(), Status::Revoked(_)));
    assert_eq!(state(&world, CrlPart::Whole, true, &signer).unwrap(), Status::Good);
    let mut partitioned = Order::signer(KeyKind::P256, "Siegel der Abteilung");
    partitioned.partition = Some(1);
    let member = world.issue(&partitioned).unwrap().certificate_der();
    assert_eq!(state(&world, CrlPart::Partition(1), false, &member).unwrap(), Status::Good);
    let other = state(&world, CrlPart::Partition(2), false, &member);
    assert!(matches!(other, Err(CrlFault::Uncovered(_))), "{other:?}");
}

#[test]
fn old_and_future_lists_do_not_count() {
    let world = World::offline().unwrap();
    let bytes = world.crl(Issuer::Seals).unwrap();
    let crl = Crl::read(&bytes).unwrap();
    let at = |seconds| crl.check_times(Time::from_seconds(world.now() + seconds), &Rules::default());
    assert!(at(0).is_ok() && at(86_400).is_ok());
    assert!(matches!(at(86_400 * 8), Err(CrlFault::Time(_))));
    assert!(matches!(at(-3_600), Err(CrlFault::Time(_))));
    let mut spoiled = bytes.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    let key = world.authority_der(Issuer::Seals);
    let key = Certificate::parse(&key).unwrap().public_key.raw;
    assert!(matches!(Crl::read(&spoiled).unwrap().verify(&spoiled, key), Err(CrlFault::Signature(_))));
    let stranger = world.root_der();
    let stranger = Certificate::parse(&stranger).unwrap().public_key.raw;
    assert!(matches!(crl.verify(&bytes, stranger), Err(CrlFault::Signature(_))));
}

struct OnDisk(File, u64);

impl Source for OnDisk {
    fn len(&self) -> u64 {
        self.1
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        Ok(self.0.read_exact_at(buffer, offset)?)
    }
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// 1.4 million entries, 50 MB: read, verified and searched from a file in memory that is far below its length.
#[test]
fn a_long_list_takes_little_memory() {
    const NAME: &str = "a_long_list_takes_little_memory";
    const FOLDER: &str = "SEALMILL_LONG_CRL";
    if !testkit::tools::is_child(NAME) {
        let world = World::offline().unwrap();
        world.set_crl(|crl| crl.invented = 1_400_000);
        let signer = world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der();
        world.revoke(&signer, 1).unwrap();
        let good = world.issue(&Order::signer(KeyKind::P256, "Anderes Siegel")).unwrap().certificate_der();
        let folder = tempfile::tempdir().unwrap();
        let issuer = world.authority_der(Issuer::Seals);
        let files = [("crl", world.crl(Issuer::Seals).unwrap()), ("bad", signer), ("good", good), ("issuer", issuer)];
        for (name, bytes) in files {
            File::create(folder.path().join(name)).unwrap().write_all(&bytes).unwrap();
        }
        testkit::tools::again_in_child(NAME, &[(FOLDER, folder.path().into())]).unwrap();
        return;
    }
    let folder = std::env::var_os(FOLDER).unwrap();
    let read = |name| std::fs::read(Path::new(&folder).join(name)).unwrap();
    let (bad, good, issuer) = (read("bad"), read("good"), read("issuer"));
    let file = File::open(Path::new(&folder).join("crl")).unwrap();
    let length = file.metadata().unwrap().len();
    let source = OnDisk(file, length);
    let before = peak_kib();
    let began = Instant::now();
    let crl = Crl::read(&source).unwrap();
    let indexed = began.elapsed();
    crl.verify(&source, Certificate::parse(&issuer).unwrap().public_key.raw).unwrap();
    let verified = began.elapsed() - indexed;
    assert!(crl.entry(&source, &Certificate::parse(&bad).unwrap()).unwrap().is_some());
    assert!(crl.entry(&source, &Certificate::parse(&good).unwrap()).unwrap().is_none());
    let grown = peak_kib() - before;
    println!("{length} bytes, {} entries: index {indexed:?}, signature {verified:?}, {grown} KiB", crl.len());
    assert!(length > 45_000_000 && crl.len() > 1_400_000);
    assert!(grown < 40 * 1024, "{grown} KiB for a list of {length} bytes");
}

#[test]
fn spoiled_lists_never_panic() {
    let world = World::offline().unwrap();
    world.set_crl(|crl| crl.invented = 5);
    world.freeze_crls(true);
    let signer = world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der();
    world.revoke(&signer, 1).unwrap();
    let mut samples: Vec<Vec<u8>> = [CrlPart::Whole, CrlPart::Delta, CrlPart::Partition(0)]
        .into_iter()
        .map(|part| world.crl_part(Issuer::Seals, part).unwrap())
        .collect();
    if let Some(folder) = corpora("pkits") {
        samples.extend(files_below(&folder.join("crls"), "crl").iter().map(|file| std::fs::read(file).unwrap()));
    }
    let certificate = Certificate::parse(&signer).unwrap();
    let mut read = 0;
    for changed in testkit::mutate::mutations(&samples, 7).take(20_000) {
        if let Ok(crl) = Crl::read(&changed) {
            read += 1;
            let _ = crl.entry(&changed, &certificate);
            let now = Time::from_seconds(world.now());
            let _ = crl::judge((&crl, &changed), Some((&crl, &changed)), &certificate, now, &Rules::default());
        }
    }
    assert!(read > 100, "only {read} were read at all");
}
