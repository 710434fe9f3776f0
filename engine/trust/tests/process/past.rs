//! Signatures that outlive their certificates, their algorithms and their evidence: the archival process.

use super::support::{CADES, Court, FORMS, LEVELS, Made, lifted, made, made_by, news, proofs, said, time};
use model::profile::Level;
use testkit::pki::KeyKind;
use testkit::world::{Order, Unit, Validity, World};
use trust::report::Process;

const YEAR: i64 = 365 * 86_400;

#[test]
fn archived_signatures_pass_after_the_signers_certificate_has_expired() {
    let world = World::offline().unwrap();
    let begin = world.now();
    let order = Order::signer(KeyKind::P256, "ein Jahr").valid(Validity::Between(begin - 86_400, begin + YEAR));
    let identity = world.issue(&order).unwrap();
    for form in FORMS {
        world.shift(0);
        let lta = made_by(&world, &identity, form, Level::Lta);
        let lt = made_by(&world, &identity, form, Level::Lt);
        // Eight years on nobody answers for the expired certificate; the time-stamp unit is still good.
        world.shift(8 * YEAR);
        let unit = proofs(&world, &world.unit(Unit::Good).unwrap().certificate_der());
        let signature = Court::of(&world).knowing(unit.clone()).signature(&lta);
        assert_eq!(said(&signature), "TOTAL-PASSED", "{form:?} {:#?}", signature.checks);
        assert!(signature.best_signature_time < time(begin + YEAR), "{form:?}");
        // The archive time stamp is renewed in time, and again once its hash is weak: the first proof still counts.
        let renewed = lifted(&world, form, &lta, Level::Lta);
        let signature = Court::of(&world).knowing(unit.clone()).signature(&renewed);
        assert_eq!(said(&signature), "TOTAL-PASSED", "{form:?} renewed {:#?}", signature.checks);
        // A signature time stamp proves when the signature existed, but not what was known about revocation then.
        let signature = Court::of(&world).knowing(unit).signature(&lt);
        assert_eq!(said(&signature), "TOTAL-PASSED", "{form:?} with long-term data");
    }
}

#[test]
fn nothing_heals_a_signature_without_proofs_after_its_certificate_expired() {
    let world = World::offline().unwrap();
    let begin = world.now();
    let order = Order::signer(KeyKind::P256, "ein Jahr").valid(Validity::Between(begin - 86_400, begin + YEAR));
    let identity = world.issue(&order).unwrap();
    let b = made_by(&world, &identity, CADES, Level::B);
    let known = proofs(&world, &identity.certificate_der());
    world.shift(2 * YEAR);
    let signature = Court::of(&world).knowing(known).signature(&b);
    assert!(
        said(&signature).starts_with("TRY_LATER") || said(&signature).starts_with("OUT_OF_BOUNDS"),
        "{}",
        said(&signature)
    );
    let signature = Court::of(&world).signature(&b);
    assert!(!said(&signature).starts_with("TOTAL-PASSED"));
}

#[test]
fn without_an_archive_time_stamp_evidence_that_is_old_proves_nothing_new() {
    let world = World::offline().unwrap();
    let lt = made(&world, CADES, Level::Lt);
    world.shift(60 * 86_400);
    let stale = Court::of(&world).signature(&lt);
    assert!(said(&stale).starts_with("TRY_LATER"), "{}", said(&stale));
    let asked = Court::of(&world).knowing(news(&world)).signature(&lt);
    assert_eq!(said(&asked), "TOTAL-PASSED");
}

#[test]
fn a_revocation_after_the_archive_time_stamp_changes_nothing() {
    let world = World::offline().unwrap();
    for level in LEVELS.into_iter().skip(1) {
        let made = made(&world, CADES, level);
        let signer = world.signer(testkit::pki::KeyKind::P256).unwrap().certificate_der();
        let stamped = world.now();
        world.shift(86_400);
        world.set_state(&signer, testkit::world::State::Revoked { at: stamped + 3_600, reason: 1 }).unwrap();
        let signature = Court::of(&world).knowing(news(&world)).signature(&made);
        assert_eq!(said(&signature), "TOTAL-PASSED", "{level:?}");
        assert_ne!(signature.process, Process::Basic);
        world.set_state(&signer, testkit::world::State::Good).unwrap();
        world.shift(0);
    }
}

#[test]
fn the_earliest_proof_counts_and_removed_proofs_do_not() {
    let world = World::offline().unwrap();
    let b = made(&world, CADES, Level::B);
    let now = Court::of(&world).knowing(news(&world));
    assert_eq!(now.signature(&b).best_signature_time, now.now);
    let t = lifted(&world, CADES, &b, Level::T);
    world.shift(3_600);
    let later = Court::of(&world).knowing(news(&world));
    assert!(later.signature(&t).best_signature_time < later.now);
    let stripped = Made { file: b.file.clone(), original: None };
    assert_eq!(later.signature(&stripped).best_signature_time, later.now);
}
