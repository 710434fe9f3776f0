//! Paths among the certificates of the test kit's world, of openssl's own tests and of NIST's suite.
#![allow(clippy::unwrap_used)]

use formats::path::{Search, find};
use model::Time;
use std::sync::Arc;
use testkit::corpora::{corpora, files_below};
use testkit::pki::KeyKind;
use testkit::world::{Issuer, Order, Validity, World};

fn der(bytes: Vec<u8>) -> Arc<[u8]> {
    bytes.into()
}

struct Family {
    now: Time,
    signer: Arc<[u8]>,
    authority: Arc<[u8]>,
    root: Arc<[u8]>,
}

fn family() -> Family {
    let world = World::offline().unwrap();
    let signer = world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der();
    Family {
        now: Time::from_seconds(world.now()),
        signer: der(signer),
        authority: der(world.authority_der(Issuer::Seals)),
        root: der(world.root_der()),
    }
}

#[test]
fn a_path_is_found_whatever_lies_around() {
    let Family { now, signer, authority, root } = family();
    // Other worlds have the same names and other keys.
    let (other, another) = (family(), family());
    let known =
        [other.root, another.authority, der(vec![0x30, 3, 1]), root.clone(), other.authority, authority.clone()];
    let Search::Found(path) = find(&signer, &known, std::slice::from_ref(&root), now).unwrap() else {
        panic!("no path")
    };
    assert_eq!((path.certificates, path.anchored), (vec![signer.clone(), authority.clone(), root.clone()], true));
    let Search::Found(path) = find(&signer, &known, &[], now).unwrap() else { panic!("no path") };
    assert!(!path.anchored && path.certificates.len() == 3);
    // An anchor in the middle ends the path.
    let Search::Found(path) = find(&signer, &[], std::slice::from_ref(&authority), now).unwrap() else {
        panic!("no path")
    };
    assert_eq!(path.certificates, [signer, authority]);
}

#[test]
fn what_is_missing_is_said() {
    let Family { now, signer, authority, root } = family();
    let Search::Missing { addresses, why } = find(&signer, &[], std::slice::from_ref(&root), now).unwrap() else {
        panic!("a path without an issuer")
    };
    assert_eq!(addresses, ["http://127.0.0.1:9/ca/seals.cer"], "{why}");
    let missing = find(&signer, &[authority], &[], now).unwrap();
    assert!(matches!(&missing, Search::Missing { addresses, .. } if addresses[0].ends_with("/ca/root.cer")));
    // Issuers of the same name and another key do not help.
    let other = family();
    let missing = find(&signer, &[other.authority, other.root], &[], now).unwrap();
    assert!(matches!(&missing, Search::Missing { addresses, .. } if !addresses.is_empty()), "{missing:?}");
    assert!(find(&der(vec![0x30, 0]), &[], &[], now).is_err());
}

#[test]
fn expired_certificates_have_no_path() {
    let world = World::offline().unwrap();
    let (now, root) = (Time::from_seconds(world.now()), der(world.root_der()));
    for validity in [Validity::Expired, Validity::NotYet] {
        let order = Order::signer(KeyKind::P256, "Altes Siegel").valid(validity);
        let signer = der(world.issue(&order).unwrap().certificate_der());
        let known = [der(world.authority_der(Issuer::Seals))];
        let found = find(&signer, &known, std::slice::from_ref(&root), now).unwrap();
        assert!(matches!(&found, Search::Missing { addresses, .. } if addresses.is_empty()), "{found:?}");
    }
}

#[test]
fn who_is_no_authority_issues_nothing() {
    let Family { now, signer, authority, root } = family();
    // A signer cannot be an issuer, nor can the path go in circles.
    let found = find(&authority, &[signer.clone(), authority.clone()], std::slice::from_ref(&signer), now).unwrap();
    assert!(matches!(found, Search::Missing { .. }));
    let mut spoiled = authority.to_vec();
    *spoiled.last_mut().unwrap() ^= 1;
    let found = find(&signer, &[der(spoiled)], std::slice::from_ref(&root), now).unwrap();
    assert!(matches!(found, Search::Missing { .. }), "an authority with a broken signature");
}

/// Every valid path of NIST's suite is found. Those that are invalid for a broken signature, a wrong name, dates, or
/// because the issuer is no authority, are not (sections 4.1, 4.2, 4.3 and 4.6 to 4.7).
#[test]
fn nist_agrees_about_paths() {
    let Some(folder) = corpora("pkits") else { return };
    let read = |name: &str| der(std::fs::read(folder.join("certs").join(name)).unwrap());
    let root = read("TrustAnchorRootCertificate.crt");
    // 2022-05-01
    let now = Time::from_seconds(1_651_363_200);
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut valid, mut invalid, mut wrong) = (0, 0, Vec::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let judged = ["401", "402", "403", "406", "407"].iter().any(|section| columns[2].starts_with(section));
        let revocation = columns[8] == "True";
        let known: Vec<_> = columns[6].split(';').filter(|name| !name.is_empty()).map(&read).collect();
        let subject = der(std::fs::read(folder.join(columns[0])).unwrap());
        let found = matches!(
            find(&subject, &known, std::slice::from_ref(&root), now).unwrap(),
            Search::Found(path) if path.anchored
        );
        match columns[1] {
            // Its DSA parameters are those of its issuer, which no signature since has used.
            "valid" if columns[2] == "40105" => assert!(!found),
            "valid" if !found => wrong.push(format!("{} {} is valid", columns[2], columns[3])),
            "valid" => valid += 1,
            "invalid" if judged && !revocation && found => {
                wrong.push(format!("{} {} is invalid", columns[2], columns[3]));
            }
            _ => invalid += 1,
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), valid + invalid, wrong.join("\n"));
    assert!(valid > 80 && invalid > 80, "{valid} {invalid}");
}

#[test]
fn spoiled_certificates_never_panic() {
    let Family { now, signer, authority, root } = family();
    let mut samples = vec![signer.to_vec(), authority.to_vec(), root.to_vec()];
    if let Some(folder) = corpora("pkits") {
        samples.extend(files_below(&folder.join("certs"), "crt").iter().map(|file| std::fs::read(file).unwrap()));
    }
    let changed: Vec<Arc<[u8]>> = testkit::mutate::mutations(&samples, 3).take(3_000).map(der).collect();
    for group in changed.chunks(16) {
        for subject in group {
            let _ = find(subject, group, std::slice::from_ref(&root), now);
        }
        let _ = find(&signer, group, std::slice::from_ref(&root), now);
    }
}
