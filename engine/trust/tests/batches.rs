//! Certificate batches: made, signed by our own CAdES signer, judged by openssl, read back, rolled, and refused.
#![allow(clippy::unwrap_used)]

mod signing_support;

use formats::inspect::ObjectId;
use model::Time;
use model::profile::Format;
use proptest::prelude::*;
use signing_support::{cert, signed, somebody};
use std::sync::LazyLock;
use testkit::pki::{Identity, Pki};
use testkit::tools;
use trust::batch::{Batch, BatchCertificate, Entry, Pins, Refused, Role, Signed, Status, difference};
use trust::{Model, Uses};

static VENDOR: LazyLock<Identity> = LazyLock::new(|| somebody("Batch signer"));
static NEXT: LazyLock<Identity> = LazyLock::new(|| somebody("Batch signer, next"));
static CENTRE: LazyLock<Identity> = LazyLock::new(|| somebody("Trust centre"));

fn pin(identity: &Identity) -> [u8; 32] {
    ObjectId::of(&identity.public_key_der().unwrap()).0
}

fn pins() -> Pins {
    Pins { current: pin(&VENDOR), next: Some(pin(&NEXT)) }
}

fn day(day: i64) -> Time {
    Time::from_seconds(1_767_225_600 + day * 86_400)
}

fn held(identity: &Identity, role: Role, use_for: &[&str]) -> BatchCertificate {
    BatchCertificate {
        certificate: cert(identity),
        role,
        use_for: use_for.iter().map(|word| (*word).into()).collect(),
        valid_from: Some(day(0)),
        valid_to: None,
        status: Status::Granted,
    }
}

fn entry(id: &str) -> Entry {
    Entry {
        id: id.into(),
        name: ("Muster-Zertifizierung Köln".into(), "Muster Trust".into()),
        country: "DE".into(),
        legal_basis: "sigg".into(),
        model: Model::Chain,
        certificate_hash_required: true,
        certificates: vec![held(&CENTRE, Role::Ca, &["mail", "qes"]), held(&NEXT, Role::Tsa, &["tsa"])],
        crl_urls: vec!["http://crl.example/a.crl".into()],
        ocsp_urls: vec!["http://ocsp.example/".into()],
        ldap_urls: Vec::new(),
        aia_override: false,
        supersedes: Vec::new(),
    }
}

fn batch(sequence: u64) -> Batch {
    Batch {
        id: format!("2026-{sequence}"),
        sequence,
        issued: day(1),
        valid_until: day(90),
        min_server_version: (0, 1, 0),
        next_key: None,
        entries: vec![entry("de-muster")],
        removed: vec!["de-alt".into()],
    }
}

fn sign(by: &Identity, content: &str) -> Vec<u8> {
    signed(by, Format::Cades { detached: false }, content.as_bytes())
}

fn code(result: Result<Signed, Refused>) -> &'static str {
    result.err().map_or("taken", |refused| refused.0.code)
}

#[test]
fn a_batch_is_read_back_as_it_was_made_and_openssl_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let made = batch(7);
    let content = made.to_json().unwrap();
    let message = sign(&VENDOR, &content);
    let read = Batch::read(&message, &pins(), Some(6)).unwrap();
    assert_eq!((&read.batch, read.by), (&made, pin(&VENDOR)));
    assert!(read.batch.is_stale(day(91)) && !read.batch.is_stale(day(90)));
    assert!(read.batch.fits((0, 1, 0)) && !read.batch.fits((0, 0, 9)));

    let (file, out) = (folder.path().join("batch.p7m"), folder.path().join("batch.json"));
    std::fs::write(&file, &message).unwrap();
    let root = Pki::shared().root_pem();
    let arguments = [
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-purpose",
        "any",
        "-in",
        file.to_str().unwrap(),
        "-out",
        out.to_str().unwrap(),
        "-binary",
        "-CAfile",
        root.to_str().unwrap(),
    ];
    tools::run_ok("openssl", arguments).unwrap();
    assert_eq!(std::fs::read_to_string(out).unwrap(), content);
    assert_eq!(Batch::read_content(content.as_bytes()).as_ref(), Ok(&made));
    // The same batch is the same octets.
    assert_eq!(batch(7).to_json().unwrap(), content);
    assert!(
        content.starts_with("{\"batchId\":\"2026-7\",\"entries\":[{\"aiaOverride\":false,\"certs\":[{\"der\":\"MII")
    );
}

#[test]
fn entries_become_anchors() {
    let mut made = batch(1);
    let mut gone = held(&VENDOR, Role::Root, &["seal"]);
    gone.status = Status::Withdrawn;
    made.entries[0].certificates.push(gone.clone());
    gone.role = Role::Ca;
    gone.valid_to = Some(day(50));
    made.entries[0].certificates.push(gone);
    let anchors = made.anchors();
    assert_eq!(anchors.len(), 3);
    let [authority, unit, former] = anchors.as_slice() else { panic!("{}", anchors.len()) };
    assert_eq!(authority.uses, Uses::SIGN.and(Uses::MAIL).and(Uses::REVOCATION));
    assert!(authority.qualified && authority.certificate_hash_required && authority.model == Model::Chain);
    assert!(authority.trusted_at(day(5)) && !authority.trusted_at(day(-5)));
    assert_eq!(unit.uses, Uses::STAMP);
    assert!(former.trusted_at(day(49)) && former.sunset(day(60)) == Some(day(50)));
    assert_eq!(&*authority.origin, "certificate batch: Muster Trust");
}

#[test]
fn only_pinned_keys_newer_numbers_and_whole_batches_are_taken() {
    let good = batch(7).to_json().unwrap();
    let message = sign(&VENDOR, &good);
    let check = |what: &str, message: &[u8], sequence: Option<u64>, expected: &str| {
        assert_eq!(code(Batch::read(message, &pins(), sequence)), expected, "{what}");
    };
    check("good", &message, None, "taken");
    check("the same again", &message, Some(7), "batch-rollback");
    check("an older one", &message, Some(8), "batch-rollback");
    check("the next key", &sign(&NEXT, &good), Some(6), "taken");
    check("a stranger", &sign(&CENTRE, &good), Some(6), "batch-signer");
    check("detached", &signed(&VENDOR, Format::Cades { detached: true }, good.as_bytes()), None, "batch-signature");
    check("no message", good.as_bytes(), None, "batch-signature");
    check("empty", b"", None, "batch-signature");
    let at = message.windows(4).position(|window| window == b"sigg").unwrap();
    let mut changed = message.clone();
    changed[at] ^= 1;
    check("one bit", &changed, None, "batch-signature");
    for (what, content) in [
        ("white space", good.replace("\"seq\":7", "\"seq\": 7")),
        ("an unknown member", good.replace("\"seq\":7", "\"seq\":7,\"tseq\":8")),
        ("twice", good.replace("\"seq\":7", "\"seq\":6,\"seq\":7")),
        ("a fraction", good.replace("\"seq\":7", "\"seq\":7.0")),
        ("negative", good.replace("\"seq\":7", "\"seq\":-7")),
        ("another format", good.replace("batch-1\"", "batch-2\"")),
        ("another model", good.replace("\"chain\"", "\"chains\"")),
        ("another role", good.replace("\"role\":\"ca\"", "\"role\":\"cas\"")),
        ("another use", good.replace("\"qes\"", "\"qesx\"")),
        ("another digest", good.replace("\"sha256\":\"", "\"sha256\":\"AAAA")),
        ("a hidden character", good.replace("Muster Trust", "Muster\\u202eTrust")),
        ("a time with a zone", good.replace("2026-01-02T00:00:00Z", "2026-01-02T01:00:00+01:00")),
        ("removed and there", good.replace("de-alt", "de-muster")),
        ("not JSON", good[1..].to_owned()),
    ] {
        assert_ne!(content, good, "{what}");
        check(what, &sign(&VENDOR, &content), None, "batch-form");
    }
}

#[test]
fn a_batch_that_nobody_could_read_is_not_made() {
    let check = |change: &dyn Fn(&mut Batch)| {
        let mut made = batch(7);
        change(&mut made);
        assert_eq!(made.to_json().unwrap_err().0.code, "batch-form");
    };
    check(&|made| made.entries.push(entry("aa")));
    check(&|made| made.entries.push(entry("de-muster")));
    check(&|made| made.entries[0].name.0.push('\u{202e}'));
    check(&|made| made.entries[0].crl_urls = vec!["b".into(), "a".into()]);
    check(&|made| made.issued = Time::from_micros(1));
    check(&|made| made.sequence = u64::MAX);
}

#[test]
fn keys_are_rolled_by_batches_of_the_old_key() {
    let other = somebody("Batch signer after next");
    let mut announcing = batch(8);
    announcing.next_key = Some(pin(&other));
    let first = Pins { current: pin(&VENDOR), next: None };
    assert_eq!(code(Batch::read(&sign(&other, &announcing.to_json().unwrap()), &first, None)), "batch-signer");
    let read = Batch::read(&sign(&VENDOR, &announcing.to_json().unwrap()), &first, None).unwrap();
    let rolled = first.after(&read.batch, read.by);
    assert_eq!(rolled, Pins { current: pin(&VENDOR), next: Some(pin(&other)) });
    // The old key may still sign until the new one has.
    assert_eq!(rolled.after(&batch(9), pin(&VENDOR)), rolled);
    let read = Batch::read(&sign(&other, &batch(10).to_json().unwrap()), &rolled, Some(9)).unwrap();
    let last = rolled.after(&read.batch, read.by);
    assert_eq!(last, Pins { current: pin(&other), next: None });
    assert_eq!(code(Batch::read(&sign(&VENDOR, &batch(11).to_json().unwrap()), &last, Some(10))), "batch-signer");
}

#[test]
fn differences_are_told_and_what_widens_trust_is_marked() {
    let before = batch(7);
    let words = |after: &Batch| -> Vec<(&'static str, bool)> {
        difference(Some(&before), after).iter().map(|change| (change.kind, change.widens)).collect()
    };
    assert_eq!(words(&before), []);
    assert_eq!(difference(None, &before).iter().map(|change| change.kind).collect::<Vec<_>>(), ["added"]);
    let change = |change: &dyn Fn(&mut Batch)| {
        let mut after = batch(8);
        change(&mut after);
        words(&after)
    };
    assert_eq!(change(&|after| after.entries.clear()), [("removed", false)]);
    assert_eq!(change(&|after| after.entries.push(entry("zz"))), [("added", true)]);
    assert_eq!(change(&|after| after.entries[0].certificate_hash_required = false), [("changed", true)]);
    assert_eq!(change(&|after| after.entries[0].country = "AT".into()), [("changed", false)]);
    assert_eq!(
        change(&|after| after.entries[0].certificates[0].status = Status::Withdrawn),
        [("certificate-changed", false)]
    );
    assert_eq!(change(&|after| after.entries[0].certificates[1].valid_from = None), [("certificate-changed", true)]);
    assert_eq!(change(&|after| drop(after.entries[0].certificates.pop())), [("certificate-removed", false)]);
    let more = |after: &mut Batch| after.entries[0].certificates.push(held(&VENDOR, Role::Ocsp, &[]));
    assert_eq!(change(&more), [("certificate-added", true)]);
}

#[test]
fn spoiled_batches_end_in_a_reason() {
    let samples = [sign(&VENDOR, &batch(7).to_json().unwrap())];
    for input in testkit::mutate::mutations(&samples, 4).take(2_000) {
        if let Err(refused) = Batch::read(&input, &pins(), None) {
            assert!(refused.0.code.starts_with("batch-") && !refused.0.sentence.is_empty());
        }
    }
    // Behind the signature, too; and there is one form only.
    let content = [batch(7).to_json().unwrap().into_bytes()];
    let mut read = 0;
    for input in testkit::mutate::mutations(&content, 5).take(5_000) {
        match Batch::read_content(&input) {
            Ok(batch) => {
                assert_eq!(batch.to_json().map(String::into_bytes), Ok(input));
                assert!(difference(Some(&batch), &batch).is_empty() && !batch.anchors().is_empty());
                read += 1;
            }
            Err(refused) => assert_eq!(refused.0.code, "batch-form"),
        }
    }
    assert!(read < 500, "{read}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_can_be_made_reads_back(sequence in 0u64..1 << 60, name in "[^\\p{C}\\u{61c}\\u{200b}-\\u{206f}\\u{2028}\\u{2029}]{0,40}", days in 0i64..20_000) {
        let mut made = batch(sequence);
        made.entries[0].name.1 = name;
        made.valid_until = Time::from_seconds(days * 86_400);
        let content = made.to_json().unwrap();
        let read = Batch::read(&sign(&VENDOR, &content), &pins(), None).unwrap();
        prop_assert_eq!(read.batch, made);
    }
}
