//! Answers of openssl's own tests and of the test kit's world, good ones and spoiled ones.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::anchor::Anchor;
use formats::der::{Reader, TAG_SEQUENCE, tlv};
use formats::ocsp::Response;
use std::sync::Arc;
use testkit::corpora::{corpora, unarmoured};
use testkit::mutate::mutations;
use testkit::pki::KeyKind;
use testkit::world::{Issuer, Order, World};

fn cert(der: Vec<u8>) -> Cert {
    Cert::read(&der.into()).unwrap()
}

fn chain(certificate: Cert, issuer: Cert) -> Chain {
    let anchor = Anchor::plain(issuer.clone(), "a test");
    Chain::supposed(vec![certificate, issuer], anchor)
}

fn ask(chain: &Chain, anchors: Vec<Anchor>, material: &Material, pool: &Pool) -> Findings {
    let (anchors, cache) = (Anchors::new(anchors), EdgeCache::new());
    findings(chain, 0, &Context { pool, anchors: &anchors, material, cache: &cache })
}

/// A certificate about which nothing is true but its serial number and its issuer's name.
fn made_up(serial: &[u8], issuer: &Cert) -> Cert {
    let issuer = issuer.fields().unwrap();
    let validity = tlv(TAG_SEQUENCE, &[b"\x17\x0d000101000000Z\x17\x0d491231235959Z"]);
    let body = [serial, &tlv(TAG_SEQUENCE, &[]), issuer.subject, &validity, issuer.subject, issuer.public_key.raw];
    cert(tlv(TAG_SEQUENCE, &[&tlv(TAG_SEQUENCE, &body), &tlv(TAG_SEQUENCE, &[]), b"\x03\x01\x00"]))
}

/// All OCSP rows: what openssl accepts is usable, and what it refuses is not.
#[test]
fn openssl_tests_itself_with_the_same_answers() {
    let Some(folder) = corpora("openssl-x509-ocsp") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let read = |name: &str| unarmoured(&std::fs::read_to_string(folder.join(name)).unwrap());
    let (mut rows, mut wrong) = (0, Vec::new());
    for columns in table.lines().map(|row| row.split('\t').collect::<Vec<_>>()) {
        if columns[2] != "ocsp" {
            continue;
        }
        rows += 1;
        let issuer = cert(read(if columns[5].is_empty() { columns[4] } else { columns[5] }));
        let response: Arc<[u8]> = read(columns[0]).into();
        let serial = Response::parse(&response).unwrap().serials().unwrap()[0].to_vec();
        let mut material = Material::new();
        assert!(material.add_answer(&response));
        let found = ask(&chain(made_up(&serial, &issuer), issuer), Vec::new(), &material, &Pool::new());
        let delegated = found.usable.iter().any(|finding| matches!(finding.speaker, Speaker::Delegate(_)));
        let good = found.usable.iter().any(|finding| finding.status == Status::Good);
        if good != (columns[1] == "valid") || good && delegated != columns[7].contains(": DELEGATED") {
            wrong.push(format!("{}: {} {found:?}", columns[7], columns[1]));
        }
    }
    assert!(wrong.is_empty(), "{} of {rows}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(rows, 58);
}

#[test]
fn who_speaks_is_told_and_revocations_are_found_on_lists_and_in_answers() {
    let world = World::offline().unwrap();
    let issuer = cert(world.authority_der(Issuer::Seals));
    let signer = cert(world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der());
    let look = |world: &World| {
        let mut material = Material::new();
        assert!(material.add_crl(&world.crl(Issuer::Seals).unwrap().into()));
        assert!(material.add_answer(&world.ocsp_response(signer.der()).unwrap().into()));
        ask(&chain(signer.clone(), issuer.clone()), Vec::new(), &material, &Pool::new())
    };
    let good = look(&world);
    assert_eq!(good.usable.len(), 2, "{good:?}");
    assert!(good.usable.iter().all(|finding| finding.status == Status::Good));
    world.revoke(signer.der(), 1).unwrap();
    let revoked = look(&world);
    assert_eq!(revoked.usable.len(), 2, "{revoked:?}");
    assert!(revoked.usable.iter().all(|finding| matches!(finding.status, Status::Revoked { reason: Some(1), .. })));
    world.revoke(signer.der(), 6).unwrap();
    let held = look(&world);
    assert!(held.usable.iter().all(|finding| matches!(finding.status, Status::OnHold { .. })), "{held:?}");
    let from_list = held.usable.iter().find(|finding| finding.kind == Kind::Crl).unwrap();
    assert_eq!(from_list.speaker, Speaker::Issuer);
}

/// A root that an operator trusts for everything does not speak for the certificates of others; a responder that is
/// trusted for revocation does.
#[test]
fn only_a_responder_that_is_an_anchor_speaks_for_every_authority() {
    let Some(folder) = corpora("openssl-x509-ocsp") else { return };
    let read = |name: &str| unarmoured(&std::fs::read_to_string(folder.join("ocsp").join(name)).unwrap());
    let response: Arc<[u8]> = read("ND1.ors").into();
    let (signer, stranger) = (cert(read("ND1_Issuer_ICA.pem")), cert(read("D3_Issuer_Root.pem")));
    let serial = Response::parse(&response).unwrap().serials().unwrap()[0].to_vec();
    // The answer names its CA by name and key; a cross certificate of the same key is the same CA.
    let mut material = Material::new();
    assert!(material.add_answer(&response));
    let path = chain(made_up(&serial, &signer), signer.clone());
    let other = chain(made_up(&serial, &stranger), stranger);
    let mut anchor = Anchor::plain(signer, "a test");
    let speak = |path, anchor: &Anchor| ask(path, vec![anchor.clone()], &material, &Pool::new()).usable;
    assert_eq!(speak(&path, &anchor)[0].speaker, Speaker::Issuer);
    assert!(speak(&other, &anchor).is_empty(), "it is about a certificate of another CA");
    assert!(!speaks_for_all(&anchor.certificate, &Anchors::new(vec![anchor.clone()])));
    anchor.uses = Uses::REVOCATION;
    assert!(speaks_for_all(&anchor.certificate, &Anchors::new(vec![anchor.clone()])));
}

#[test]
fn spoiled_material_never_panics_and_is_never_believed() {
    let world = World::offline().unwrap();
    let issuer = cert(world.authority_der(Issuer::Seals));
    let signer = cert(world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der());
    let samples = vec![world.crl(Issuer::Seals).unwrap(), world.ocsp_response(signer.der()).unwrap()];
    let path = chain(signer, issuer);
    let (cache, pool, anchors) = (EdgeCache::new(), Pool::new(), Anchors::default());
    let changed: Vec<Arc<[u8]>> = mutations(&samples, 11).take(4_000).map(Arc::from).collect();
    let mut usable = 0;
    for bytes in changed.iter().filter(|bytes| samples.iter().all(|sample| **sample != ***bytes)) {
        let mut material = Material::new();
        material.add_crl(bytes);
        material.add_answer(bytes);
        let found = findings(&path, 0, &Context { pool: &pool, anchors: &anchors, material: &material, cache: &cache });
        // Only what is not signed can be changed: the certificates in an answer.
        usable += found.usable.iter().filter(|finding| finding.kind == Kind::Crl).count();
        for finding in found.usable.iter().filter(|finding| finding.kind == Kind::Ocsp) {
            let mut outer = Reader::new(bytes);
            assert!(finding.status == Status::Good && outer.enter(TAG_SEQUENCE).is_ok());
        }
    }
    assert_eq!(usable, 0);
}

#[test]
fn material_is_shared_and_bounded() {
    let world = World::offline().unwrap();
    let crl: Arc<[u8]> = world.crl(Issuer::Seals).unwrap().into();
    let mut one = Material::new();
    assert!(one.add_crl(&crl) && one.add_crl(&crl) && one.add_answer(&Arc::from(*b"nothing")));
    assert_eq!((one.objects().count(), one.unreadable().len()), (1, 1));
    let mut other = Material::new();
    assert!(other.merge(&one) && other.merge(&one));
    assert!(Arc::ptr_eq(&one.lists[0], &other.lists[0]));
    let full = (0..model::limits::REVOCATION_OBJECTS_MAX as u32).all(|n| other.add_crl(&Arc::from(n.to_be_bytes())));
    assert!(!full, "there is an end to it");
}
