//! Each kind of damage gets the indication and sub-indication that EN 319 102-1 has for it.

use super::support::{CADES, Court, FORMS, Form, Made, PADES, XADES, made, made_by, news, proofs, said, time};
use formats::evidence::Evidence;
use model::profile::Level;
use testkit::pki::KeyKind;
use testkit::world::{Order, Purpose, State, Unit, Validity, World};
use trust::Policy;
use trust::report::{Proof, SignatureReport};

/// The judgement begins with this sub-indication.
fn check(what: &str, signature: &SignatureReport, expected: &str) {
    let said = said(signature);
    assert!(said.starts_with(expected), "{what}: {said}\n{:#?}", signature.checks);
}

/// Changes the last place in a file where these bytes stand.
fn replaced(made: &Made, from: &[u8], to: &[u8]) -> Made {
    assert_eq!(from.len(), to.len());
    let mut changed = made.clone();
    let at = changed.file.windows(from.len()).rposition(|window| window == from).unwrap();
    changed.file[at..at + to.len()].copy_from_slice(to);
    changed
}

/// Flips a bit in the middle of the first place where these bytes stand.
fn flipped(made: &Made, within: &[u8]) -> Made {
    let mut changed = made.clone();
    let at = changed.file.windows(within.len()).position(|window| window == within).unwrap();
    changed.file[at + within.len() / 2] ^= 1;
    changed
}

#[test]
fn changed_content_is_a_hash_failure_in_every_form() {
    let world = World::offline().unwrap();
    let court = Court::of(&world).knowing(news(&world));
    for form in FORMS {
        let good = made(&world, form, Level::B);
        let changed = match &good.original {
            Some(original) => {
                let mut other = original.clone();
                *other.last_mut().unwrap() ^= 1;
                Made { original: Some(other), ..good.clone() }
            }
            None => content_changed(form, &good),
        };
        let signature = court.signature(&changed);
        assert!(!signature.intact && signature.valid, "{form:?}: {}", said(&signature));
        check(&format!("{form:?}"), &signature, "HASH_FAILURE");
    }
}

fn content_changed(form: Form, good: &Made) -> Made {
    match form.format {
        model::profile::Format::Pades => replaced(good, b"/Type /Page", b"/Type /Pagf"),
        // In a ZIP the checksum has to fit, too: documents are stored, not packed.
        model::profile::Format::Asic { .. } => restored(good, b"1.234,56", b"9.234,56"),
        _ => replaced(good, b"234,56", b"235,56"),
    }
}

/// As [`replaced`], in a stored member of a ZIP, with its checksums put right.
fn restored(made: &Made, from: &[u8], to: &[u8]) -> Made {
    let crc = |bytes: &[u8]| {
        let mut register = u32::MAX;
        for byte in bytes {
            register ^= u32::from(*byte);
            for _ in 0..8 {
                register = (register >> 1) ^ (0xedb8_8320 & (register & 1).wrapping_neg());
            }
        }
        !register
    };
    let document = CADES.document();
    let at = document.windows(from.len()).position(|window| window == from).unwrap();
    let mut other = document.clone();
    other[at..at + to.len()].copy_from_slice(to);
    let mut changed = made.clone();
    for (old, new) in [
        (document.clone(), other.clone()),
        (crc(&document).to_le_bytes().to_vec(), crc(&other).to_le_bytes().to_vec()),
        (crc(&document).to_le_bytes().to_vec(), crc(&other).to_le_bytes().to_vec()),
    ] {
        if let Some(at) = changed.file.windows(old.len()).position(|window| window == old) {
            changed.file[at..at + new.len()].copy_from_slice(&new);
        }
    }
    changed
}

#[test]
fn a_changed_signature_value_is_a_crypto_failure() {
    let world = World::offline().unwrap();
    let court = Court::of(&world).knowing(news(&world));
    let good = made(&world, CADES, Level::B);
    let mut changed = good.clone();
    // Without unsigned attributes the value is the last thing in the message.
    *changed.file.last_mut().unwrap() ^= 1;
    let signature = court.signature(&changed);
    assert!(signature.intact && !signature.valid);
    check("cms value", &signature, "SIG_CRYPTO_FAILURE");

    let good = made(&world, XADES, Level::B);
    let text = String::from_utf8(good.file.clone()).unwrap();
    let start = text.find("<ds:SignatureValue").unwrap();
    let start = start + text[start..].find('>').unwrap() + 5;
    let other = if text.as_bytes()[start] == b'A' { "B" } else { "A" };
    let mut changed = good.clone();
    changed.file[start] = other.as_bytes()[0];
    check("xml value", &court.signature(&changed), "SIG_CRYPTO_FAILURE");
}

#[test]
fn changed_signed_attributes_are_a_crypto_failure() {
    let world = World::offline().unwrap();
    let court = Court::of(&world).knowing(news(&world));
    // The claimed time: the UTCTime behind the object identifier of signing-time.
    let good = made(&world, CADES, Level::B);
    let oid = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05";
    let at = good.file.windows(oid.len()).position(|window| window == oid).unwrap() + oid.len() + 4;
    let mut changed = good.clone();
    changed.file[at + 1] = if changed.file[at + 1] == b'1' { b'2' } else { b'1' };
    check("signing time", &court.signature(&changed), "SIG_CRYPTO_FAILURE");
    // In XML the signed properties have a digest of their own.
    let good = made(&world, XADES, Level::B);
    let text = String::from_utf8(good.file.clone()).unwrap();
    let at = text.find("SigningTime>20").unwrap() + "SigningTime>20".len();
    let mut changed = good.clone();
    changed.file[at] = if changed.file[at] == b'1' { b'2' } else { b'1' };
    check("signing time in XML", &court.signature(&changed), "HASH_FAILURE");
}

#[test]
fn a_swapped_certificate_is_not_the_signers() {
    let world = World::offline().unwrap();
    let court = Court::of(&world).knowing(news(&world));
    let signer = world.signer(KeyKind::P256).unwrap().certificate_der();
    // The key in the certificate, by one bit another one.
    let good = made(&world, CADES, Level::B);
    let signature = court.signature(&flipped(&good, &signer));
    check("changed certificate", &signature, "NO_SIGNING_CERTIFICATE_FOUND");
}

#[test]
fn a_missing_document_is_signed_data_not_found() {
    let world = World::offline().unwrap();
    let court = Court::of(&world).knowing(news(&world));
    for form in FORMS.into_iter().filter(|form| form.detached) {
        let good = made(&world, form, Level::B);
        let signature = court.signature(&Made { original: None, ..good });
        assert!(!signature.intact && signature.valid, "{form:?}");
        check(&format!("{form:?}"), &signature, "SIGNED_DATA_NOT_FOUND");
    }
}

#[test]
fn a_time_stamp_over_something_else_proves_nothing() {
    let world = World::offline().unwrap();
    let t = made(&world, CADES, Level::T);
    let imprint_of = |made: &Made| {
        let court = Court::of(&world).knowing(news(&world));
        court.signature(made)
    };
    let good = imprint_of(&t);
    assert!(good.stamps[0].intact && good.stamps[0].valid);
    // The token of another signature over the same document, of the same length so that it fits in its place.
    let token = |made: &Made| {
        let oid = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e";
        let at = made.file.windows(oid.len()).position(|window| window == oid).unwrap() + oid.len();
        made.file[at..].to_vec()
    };
    let mine = token(&t);
    let theirs = (0..100).map(|_| token(&made(&world, CADES, Level::T))).find(|token| token.len() == mine.len());
    let mut changed = t.clone();
    let at = changed.file.len() - mine.len();
    changed.file[at..].copy_from_slice(&theirs.unwrap());
    let signature = imprint_of(&changed);
    assert!(!signature.stamps[0].intact && signature.stamps[0].valid);
    check("signature", &signature, "TOTAL-PASSED");
    assert_eq!(signature.proof, Proof::Now, "the time stamp must not count");
    // A bit of the token's signature value.
    let mut changed = t.clone();
    *changed.file.last_mut().unwrap() ^= 1;
    let signature = imprint_of(&changed);
    assert!(!signature.stamps[0].valid);
    assert!(!signature.stamps[0].conclusion.is_passed());
}

#[test]
fn time_stamps_of_bad_units_prove_nothing() {
    let world = World::offline().unwrap();
    for (unit, expected) in [
        (Unit::Expired, "OUT_OF_BOUNDS"),
        (Unit::Revoked, "REVOKED_NO_POE"),
        (Unit::WrongEku, "CHAIN_CONSTRAINTS_FAILURE"),
        (Unit::Stranger, "NO_CERTIFICATE_CHAIN_FOUND"),
    ] {
        let form = CADES;
        let b = made(&world, form, Level::B);
        let places = formats::lift::signature_time_stamps(
            formats::lift::Kind::Cms,
            &b.file,
            None,
            model::DigestAlgorithm::Sha256,
            None,
        )
        .unwrap();
        let imprint = places.imprints()[0];
        let token =
            world.stamp_by(unit, testkit::world::Hash::Sha256, imprint.as_bytes(), (world.now(), 0), None).unwrap();
        let token = formats::tsp::Token::read(&token).unwrap();
        let certificate = token.signer().clone();
        let parts = places.fill(&[token]).unwrap();
        let t = Made { file: super::support::bytes_of(&parts, &b.file), original: None };
        let mut known = news(&world);
        if unit != Unit::Stranger {
            known.merge(&proofs(&world, &certificate));
        }
        let court = Court::of(&world).knowing(known);
        let signature = court.signature(&t);
        let stamp = &signature.stamps[0];
        let sub = stamp.conclusion.sub_indication.unwrap();
        assert!(sub.word().starts_with(expected), "{unit:?}: {} {:?}", sub.word(), stamp.conclusion.reason);
        check(&format!("{unit:?}: the signature itself"), &signature, "TOTAL-PASSED");
        assert_eq!(signature.best_signature_time, court.now);
    }
}

#[test]
fn certificates_that_are_not_good_decide() {
    let world = World::offline().unwrap();
    let issue = |order: Order| world.issue(&order).unwrap();
    let judged = |identity: &testkit::pki::Identity, further: bool| {
        let b = made_by(&world, identity, CADES, Level::B);
        let known = if further { proofs(&world, &identity.certificate_der()) } else { Evidence::default() };
        Court::of(&world).knowing(known).signature(&b)
    };
    let expired = issue(Order::signer(KeyKind::P256, "abgelaufen").valid(Validity::Expired));
    check("expired, unknown", &judged(&expired, false), "OUT_OF_BOUNDS_NO_POE");
    let early = issue(Order::signer(KeyKind::P256, "verfrueht").valid(Validity::NotYet));
    check("not yet valid", &judged(&early, true), "OUT_OF_BOUNDS");
    let wrong = issue(Order::new(Purpose::WrongUsage, KeyKind::P256, "falscher Zweck"));
    check("wrong usage", &judged(&wrong, true), "CHAIN_CONSTRAINTS_FAILURE");
    let good = issue(Order::signer(KeyKind::P256, "gut"));
    check("good", &judged(&good, true), "TOTAL-PASSED");
    check("nothing known about revocation", &judged(&good, false), "TRY_LATER");
    world.revoke(&good.certificate_der(), 1).unwrap();
    check("revoked", &judged(&good, true), "REVOKED_NO_POE");
    world.set_state(&good.certificate_der(), State::Revoked { at: world.now(), reason: 6 }).unwrap();
    check("on hold", &judged(&good, true), "TRY_LATER");
    world.set_state(&good.certificate_der(), State::Unknown).unwrap();
    let mut answered = proofs(&world, &good.certificate_der());
    answered.crls.retain(|crl| {
        // Only the responder is asked.
        *crl != world.crl(testkit::world::Issuer::Seals).unwrap().into()
    });
    let b = made_by(&world, &good, CADES, Level::B);
    check("unknown to the responder", &Court::of(&world).knowing(answered).signature(&b), "TRY_LATER");
}

#[test]
fn a_revoked_authority_takes_its_signers_along() {
    let world = World::offline().unwrap();
    let b = made(&world, CADES, Level::B);
    let seals = world.authority_der(testkit::world::Issuer::Seals);
    world.revoke(&seals, 2).unwrap();
    check("revoked CA", &Court::of(&world).knowing(news(&world)).signature(&b), "REVOKED_CA_NO_POE");
}

#[test]
fn nobody_untrusted_passes() {
    let (world, other) = (World::offline().unwrap(), World::offline().unwrap());
    for form in [CADES, XADES, PADES] {
        let lta = made(&world, form, Level::Lta);
        check("strange root", &Court::of(&other).signature(&lta), "NO_CERTIFICATE_CHAIN_FOUND");
    }
}

#[test]
fn revoked_before_and_after_the_proven_time_are_told_apart() {
    let world = World::offline().unwrap();
    let identity = world.issue(&Order::signer(KeyKind::P256, "widerrufen")).unwrap();
    let t = made_by(&world, &identity, CADES, Level::T);
    let unit = world.unit(Unit::Good).unwrap().certificate_der();
    let known = |world: &World| {
        let mut known = proofs(world, &identity.certificate_der());
        known.merge(&proofs(world, &unit));
        known
    };
    let (stamped, certificate) = (world.now(), identity.certificate_der());
    world.set_state(&certificate, State::Revoked { at: stamped - 3_600, reason: 1 }).unwrap();
    check("revoked before", &Court::of(&world).knowing(known(&world)).signature(&t), "REVOKED_NO_POE");
    world.shift(7_200);
    world.set_state(&certificate, State::Revoked { at: stamped + 3_600, reason: 1 }).unwrap();
    let signature = Court::of(&world).knowing(known(&world)).signature(&t);
    check("revoked after", &signature, "TOTAL-PASSED");
    assert!(signature.best_signature_time < time(world.now()));
}

#[test]
fn weak_algorithms_fail_unless_a_proof_is_older_than_their_end() {
    let world = World::offline().unwrap();
    let now = time(world.now());
    let (year, month, day, ..) = now.civil();
    let ended = |on: String| {
        let catalogues = trust::catalogue::SHIPPED
            .replace("name = \"ECDSA\", bits = 256 }", &format!("name = \"ECDSA\", bits = 256, until = {on} }}"));
        assert_ne!(catalogues, trust::catalogue::SHIPPED);
        Policy::read(trust::policy::SHIPPED, Some(&catalogues)).unwrap()
    };
    let b = made(&world, CADES, Level::B);
    let mut court = Court::of(&world).knowing(news(&world));
    court.policy = ended("2020-01-01".to_owned());
    check("weak", &court.signature(&b), "CRYPTO_CONSTRAINTS_FAILURE_NO_POE");
    // Still suitable today, not in a month.
    let end = format!(
        "{:04}-{:02}-{:02}",
        if month == 12 { year + 1 } else { year },
        if month == 12 { 1 } else { month + 1 },
        day.min(28)
    );
    let mut court = Court::of(&world).knowing(news(&world));
    court.policy = ended(end);
    check("still suitable", &court.signature(&b), "TOTAL-PASSED");
    court.now = time(world.now() + 90 * 86_400);
    check("ended meanwhile", &court.signature(&b), "TRY_LATER");
}

#[test]
fn a_policy_decides_how_grave_findings_are_but_not_about_cryptography() {
    let world = World::offline().unwrap();
    let wrong = world.issue(&Order::new(Purpose::WrongUsage, KeyKind::P256, "falscher Zweck")).unwrap();
    let b = made_by(&world, &wrong, CADES, Level::B);
    let mut court = Court::of(&world).knowing(proofs(&world, &wrong.certificate_der()));
    court.policy =
        Policy::read(&trust::policy::SHIPPED.replace("key-usage = \"fail\"", "key-usage = \"warn\""), None).unwrap();
    let signature = court.signature(&b);
    check("warned", &signature, "TOTAL-PASSED");
    assert!(
        signature
            .checks
            .iter()
            .any(|check| check.name == "key-usage" && check.status == trust::report::CheckStatus::Warned)
    );
    let lax = format!("{}\nsignature-value = \"warn\"\n", trust::policy::SHIPPED);
    assert!(Policy::read(&lax, None).unwrap_err().0.contains("cannot be anything but"));
    let unknown = format!("{}\nno-such-check = \"warn\"\n", trust::policy::SHIPPED);
    assert!(Policy::read(&unknown, None).unwrap_err().0.contains("there is no check"));
}
