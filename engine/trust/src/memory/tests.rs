//! What is remembered is what would be found anew, and nothing else.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::anchor::Anchor;
use formats::evidence::Evidence;
use testkit::pki::KeyKind;
use testkit::world::{Issuer, World};

struct Scene {
    pool: Pool,
    anchors: Anchors,
    material: Material,
}

impl Scene {
    fn surroundings(&self) -> Surroundings {
        Surroundings::of(&self.pool, &self.anchors, &self.material)
    }

    fn prospects(&self, memory: &Memory, subject: &Cert) -> Arc<Prospects> {
        memory.prospects(subject, (&self.pool, &self.anchors, self.surroundings()), Uses::SIGN)
    }

    fn findings(&self, memory: &Memory, chain: &Chain) -> Arc<Findings> {
        let Self { pool, anchors, material } = self;
        let context = Context { pool, anchors, material, cache: memory.edges() };
        memory.findings(chain, 0, &context, self.surroundings())
    }
}

fn cert(der: Vec<u8>) -> Cert {
    Cert::read(&der.into()).unwrap()
}

fn anchors(world: &World) -> Anchors {
    Anchors::new(vec![Anchor::plain(cert(world.root_der()), "the world")])
}

/// A signer, and everything that is needed to judge it.
fn scene(world: &World) -> (Cert, Scene) {
    let identity = world.signer(KeyKind::P256).unwrap();
    let proofs = world.proofs(&identity.certificate_der()).unwrap();
    let arcs = |list: Vec<Vec<u8>>| list.into_iter().map(Into::into).collect();
    let mut material = Material::new();
    material.add_evidence(&Evidence {
        certificates: Vec::new(),
        crls: arcs(proofs.crls),
        ocsp_responses: arcs(proofs.ocsp_responses),
    });
    let mut pool = Pool::new();
    pool.add(&cert(world.authority_der(Issuer::Seals)));
    (cert(identity.certificate_der()), Scene { pool, anchors: anchors(world), material })
}

#[test]
fn what_was_searched_among_the_same_is_found_again_and_among_others_anew() {
    let world = World::offline().unwrap();
    let (signer, mut scene) = scene(&world);
    let memory = Memory::new();
    let first = scene.prospects(&memory, &signer);
    let chain = first.chains.first().unwrap().clone();
    assert!(Arc::ptr_eq(&first, &scene.prospects(&memory, &signer)));
    let known = scene.findings(&memory, &chain);
    assert!(known.unusable.is_empty() && !known.usable.is_empty());
    assert!(Arc::ptr_eq(&known, &scene.findings(&memory, &chain)));

    // The same certificates in another set of anchors are other anchors.
    scene.anchors = anchors(&world);
    assert!(!Arc::ptr_eq(&first, &scene.prospects(&memory, &signer)));
    assert!(!Arc::ptr_eq(&known, &scene.findings(&memory, &chain)));
    let first = scene.prospects(&memory, &signer);
    scene.pool.add(&cert(world.authority_der(Issuer::Stamps)));
    assert!(!Arc::ptr_eq(&first, &scene.prospects(&memory, &signer)), "one more certificate may be on another way");
    let known = scene.findings(&memory, &chain);
    scene.material = Material::new();
    assert!(!Arc::ptr_eq(&known, &scene.findings(&memory, &chain)));
    assert!(scene.findings(&memory, &chain).usable.is_empty(), "nothing is left of what nobody has any more");
}

#[test]
fn what_led_nowhere_is_not_kept() {
    let world = World::offline().unwrap();
    let (signer, mut scene) = scene(&world);
    scene.pool = Pool::new();
    let memory = Memory::new();
    let first = scene.prospects(&memory, &signer);
    assert!(first.chains.is_empty());
    assert!(!Arc::ptr_eq(&first, &scene.prospects(&memory, &signer)));
    assert_eq!(memory.searches.len(), 0);
}

#[test]
fn the_anchor_says_whether_an_answer_needs_the_hash_of_the_certificate() {
    let world = World::offline().unwrap();
    let (signer, mut scene) = scene(&world);
    let memory = Memory::new();
    let lax = scene.prospects(&memory, &signer).chains.first().unwrap().clone();
    let root = Anchor { certificate_hash_required: true, ..Anchor::plain(cert(world.root_der()), "a trust centre") };
    scene.anchors = Anchors::new(vec![root]);
    let strict = scene.prospects(&memory, &signer).chains.first().unwrap().clone();
    let answers = |chain: &Chain| {
        let found = scene.findings(&memory, chain);
        found
            .usable
            .iter()
            .filter(|finding| finding.kind == revocation::Kind::Ocsp && !finding.certificate_hash)
            .count()
    };
    assert_ne!(answers(&lax), 0);
    assert_eq!(answers(&strict), 0);
}

#[test]
fn certificates_are_read_once_and_large_ones_are_not_kept() {
    let world = World::offline().unwrap();
    let memory = Memory::new();
    let der: Arc<[u8]> = world.root_der().into();
    let (one, other) = (memory.certificate(&der).unwrap(), memory.certificate(&world.root_der().into()).unwrap());
    assert!(Arc::ptr_eq(one.der(), other.der()));
    assert!(memory.certificate(&Arc::from(&b"no certificate"[..])).is_err());
    assert_eq!(memory.certificates.len(), 1);
}

#[test]
fn a_table_keeps_what_is_asked_for_and_stays_small() {
    let table = Table::new(8);
    for number in 0..100 {
        table.insert(number, number);
        assert_eq!(table.get(&0), Some(0), "what is asked for stays");
        assert!(table.len() <= 8);
    }
    assert_eq!(table.get(&50), None);
}
