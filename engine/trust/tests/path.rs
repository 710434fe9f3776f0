//! The search for paths and their check, on families of certificates that the tests make themselves.
#![allow(clippy::unwrap_used)]

use model::Time;
use model::limits::{PATH_CERTIFICATES_MAX, PATH_CHAINS_MAX};
use std::sync::Arc;
use testkit::corpora::{corpora, files_below};
use testkit::mutate::mutations;
use testkit::pki::KeyKind;
use testkit::world::{Issuer, Order, Validity, World};
use trust::path::{Anchors, Dates, EdgeCache, Fault, Obstacle, PathInputs, Pool, check, prospective};
use trust::report::SubIndication;
use trust::{Anchor, Cert, Model, Uses};

fn cert(der: impl Into<Arc<[u8]>>) -> Cert {
    Cert::read(&der.into()).unwrap()
}

struct Family {
    now: Time,
    signer: Cert,
    authority: Cert,
    root: Cert,
}

fn family(validity: Validity) -> Family {
    let world = World::offline().unwrap();
    let order = Order::signer(KeyKind::P256, "Siegel").valid(validity);
    Family {
        now: Time::from_seconds(world.now()),
        signer: cert(world.issue(&order).unwrap().certificate_der()),
        authority: cert(world.authority_der(Issuer::Seals)),
        root: cert(world.root_der()),
    }
}

fn pool(certificates: &[&Cert]) -> Pool {
    let mut pool = Pool::new();
    assert!(certificates.iter().all(|certificate| pool.add(certificate)));
    pool
}

fn anchors(certificates: &[&Cert]) -> Anchors {
    Anchors::new(certificates.iter().map(|certificate| Anchor::plain((*certificate).clone(), "a test")).collect())
}

#[test]
fn every_anchor_above_ends_a_path_and_the_shortest_comes_first() {
    let Family { signer, authority, root, .. } = family(Validity::Good);
    let cache = EdgeCache::new();
    let lengths = |known: &[&Cert], trusted: &[&Cert]| -> Vec<usize> {
        let found = prospective(&signer, &pool(known), &anchors(trusted), Uses::SIGN, &cache);
        found.chains.iter().map(|chain| chain.certificates().len()).collect()
    };
    assert_eq!(lengths(&[&authority], &[&root]), [3]);
    assert_eq!(lengths(&[&root, &authority], &[&root]), [3]);
    assert_eq!(lengths(&[], &[&authority]), [2]);
    assert_eq!(lengths(&[&authority], &[&root, &authority]), [2, 3]);
    assert_eq!(lengths(&[&authority], &[&root, &authority, &signer]), [1, 2, 3]);
    assert!(lengths(&[], &[&root]).is_empty());
}

#[test]
fn where_the_search_ends_in_vain_is_said() {
    let Family { signer, authority, root, .. } = family(Validity::Good);
    let other = family(Validity::Good);
    let cache = EdgeCache::new();
    let dead_end = |known: &[&Cert], trusted: &[&Cert]| {
        let found = prospective(&signer, &pool(known), &anchors(trusted), Uses::SIGN, &cache);
        assert!(found.chains.is_empty());
        let end = found.dead_end.unwrap();
        (end.obstacle, end.certificates.len(), !found.addresses.is_empty())
    };
    assert_eq!(dead_end(&[], &[&root]), (Obstacle::IssuerUnknown, 1, true));
    assert_eq!(dead_end(&[&authority], &[]), (Obstacle::IssuerUnknown, 2, true));
    assert_eq!(dead_end(&[&authority, &root], &[]).0, Obstacle::RootNotTrusted);
    assert_eq!(dead_end(&[&other.authority], &[&other.root]), (Obstacle::IssuerKeyUnknown, 1, true));
    // What is trusted for time stamps only does not help a signature.
    let mut anchor = Anchor::plain(root, "a test");
    anchor.uses = Uses::STAMP;
    let found = prospective(&signer, &pool(&[&authority]), &Anchors::new(vec![anchor]), Uses::SIGN, &cache);
    assert!(found.chains.is_empty());
}

#[test]
fn dates_are_checked_as_the_caller_and_the_model_want() {
    let Family { now, signer, authority, root } = family(Validity::Expired);
    let found = prospective(&signer, &pool(&[&authority]), &anchors(&[&root]), Uses::SIGN, &EdgeCache::new());
    let chain = &found.chains[0];
    let judge = |model, dates, at| check(chain, at, &PathInputs::new(model, dates)).map_err(|fault| fault.fault);
    for model in [Model::Shell, Model::Chain, Model::Hybrid] {
        assert!(matches!(judge(model, Dates::All, now), Err(Fault::Expired { .. })), "{model:?}");
        assert_eq!(judge(model, Dates::AllButSigner, now).err(), None);
        assert_eq!(judge(model, Dates::None, Time::from_seconds(0)).err(), None);
    }
    let fault = check(chain, now, &PathInputs::new(Model::Shell, Dates::All)).unwrap_err();
    assert_eq!((fault.place, fault.sub_indication()), (0, SubIndication::OutOfBoundsNoPoe));
    assert!(fault.to_string().contains("Siegel") && fault.to_string().contains("expired on"), "{fault}");
    // Long after its end the authority was still valid when it issued the certificate.
    let late = Time::from_seconds(4_000_000_000);
    assert!(authority.not_after() < late);
    assert!(matches!(judge(Model::Shell, Dates::AllButSigner, late), Err(Fault::Expired { .. })));
    let valid_then = authority.not_before() <= signer.not_before() && signer.not_before() <= authority.not_after();
    for model in [Model::Chain, Model::Hybrid] {
        assert_eq!(judge(model, Dates::AllButSigner, late).is_ok(), valid_then, "{model:?}");
    }
}

#[test]
fn who_is_no_authority_issues_nothing_even_as_an_anchor() {
    let Family { now, signer, .. } = family(Validity::Good);
    let found = prospective(&signer, &Pool::new(), &anchors(&[&signer]), Uses::SIGN, &EdgeCache::new());
    let inputs = PathInputs::new(Model::Shell, Dates::All);
    assert!(check(&found.chains[0], now, &inputs).is_ok(), "a signer may itself be trusted");
    let demanding = PathInputs { explicit_policy: true, policies: vec![vec![0x2a, 3]], ..inputs };
    let verdict = check(&found.chains[0], now, &demanding);
    assert!(verdict.is_ok(), "the path of an anchor has no certificates to which a policy could apply: {verdict:?}");
}

/// As many copies of an authority as the pool takes, all of one name, each with another signature: hostile, and cheap.
#[test]
fn many_certificates_of_one_name_are_bounded_work() {
    let Family { signer, authority, root, .. } = family(Validity::Good);
    let mut known = Pool::new();
    let der = authority.der();
    // The last octets are of the signature: other certificates with the same name and key.
    for number in 0..PATH_CERTIFICATES_MAX as u16 {
        let mut copy = der.to_vec();
        let end = copy.len();
        copy[end - 2..].copy_from_slice(&number.to_be_bytes());
        known.add(&cert(copy));
    }
    assert!(!known.add(&root), "there is an end to it");
    let started = std::time::Instant::now();
    let found = prospective(&signer, &known, &anchors(&[&root]), Uses::SIGN, &EdgeCache::new());
    assert!(found.chains.len() <= PATH_CHAINS_MAX);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// NIST's certificates and ours, spoiled: no panic, and no path to the anchor through what was changed.
#[test]
fn spoiled_certificates_never_panic() {
    let Family { now, signer, authority, root } = family(Validity::Good);
    let mut samples = vec![signer.der().to_vec(), authority.der().to_vec()];
    if let Some(folder) = corpora("pkits") {
        samples.extend(files_below(&folder.join("certs"), "crt").iter().map(|file| std::fs::read(file).unwrap()));
    }
    let cache = EdgeCache::new();
    let trusted = anchors(&[&root]);
    let inputs = PathInputs { explicit_policy: true, ..PathInputs::new(Model::Shell, Dates::None) };
    let changed: Vec<Cert> = mutations(&samples, 5)
        .filter(|der| !samples.contains(der))
        .filter_map(|der| Cert::read(&der.into()).ok())
        .take(1_500)
        .collect();
    for group in changed.chunks(24) {
        let known = pool(&group.iter().collect::<Vec<_>>());
        for subject in group.iter().chain([&signer]) {
            let found = prospective(subject, &known, &trusted, Uses::SIGN, &cache);
            assert!(found.chains.is_empty(), "a changed certificate keeps no signature");
            // Against itself as the anchor, so that its extensions are read.
            let own = anchors(&[subject]);
            for chain in prospective(&group[0], &known, &own, Uses::SIGN, &cache).chains {
                let _ = check(&chain, now, &inputs);
            }
            let _ = (trust::usage::document_signing(subject), trust::usage::time_stamping(subject));
            let _ = (trust::usage::policies(subject), trust::usage::qualified(subject));
            let _ = (trust::usage::mail_addresses(subject), trust::revocation::needs_no_revocation(subject));
        }
    }
}

#[test]
fn a_batch_of_one_signer_checks_each_signature_once() {
    let Family { signer, authority, root, .. } = family(Validity::Good);
    let (cache, known, trusted) = (EdgeCache::new(), pool(&[&authority]), anchors(&[&root]));
    let search = || prospective(&signer, &known, &trusted, Uses::SIGN, &cache).chains.len();
    assert_eq!(search(), 1);
    let (checked, started) = (cache.len(), std::time::Instant::now());
    for _ in 0..1_000 {
        assert_eq!(search(), 1);
    }
    assert_eq!((checked, cache.len()), (2, 2));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
