//! Evidence of validity from a small world of authorities: what is in it, what is asked, and what happens when sources
//! fail, lie or are slow.
#![allow(clippy::unwrap_used)]

use actors::fetch::{FetchSettings, Reach};
use actors::revocation::{Collector, EvidenceFault, Prefer, RevocationSettings};
use formats::cms::certificate::Certificate;
use formats::evidence::{Evidence, Subject};
use model::{Clock, Time};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::pki::KeyKind;
use testkit::world::{Fault, Issuer, OcspSigner, Order, State, Validity, World};

/// The world's own time.
struct WorldClock(Arc<World>);

impl Clock for WorldClock {
    fn now(&self) -> Time {
        Time::from_seconds(self.0.now())
    }
}

struct Scene {
    world: Arc<World>,
    collector: Collector,
    signer: Arc<[u8]>,
}

impl Scene {
    fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    fn with(order: impl FnOnce(&mut Order), settings: impl FnOnce(&mut RevocationSettings)) -> Self {
        let world = Arc::new(World::start().unwrap());
        let mut wanted = Order::signer(KeyKind::P256, "Rechnungssiegel Muster GmbH");
        order(&mut wanted);
        let signer = world.issue(&wanted).unwrap().certificate_der().into();
        let mut chosen = RevocationSettings {
            anchors: vec![world.root_der().into()],
            fetch: FetchSettings {
                reach: Reach::Public { except: vec!["127.0.0.1".into()] },
                ..FetchSettings::default()
            },
            ..RevocationSettings::default()
        };
        settings(&mut chosen);
        let collector = Collector::new(chosen, Arc::new(WorldClock(world.clone()))).unwrap();
        Self { world, collector, signer }
    }

    fn now(&self) -> Time {
        Time::from_seconds(self.world.now())
    }

    async fn collect(&self) -> Result<Evidence, EvidenceFault> {
        let subject = Subject { role: "signer", certificate: self.signer.clone(), known: Vec::new() };
        self.collector.collect(&[subject], self.now()).await
    }

    fn asked(&self, path: &str) -> u64 {
        self.world.count(path)
    }
}

fn fault(result: Result<Evidence, EvidenceFault>) -> EvidenceFault {
    result.expect_err("evidence where there is none")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_path_is_proven() {
    let scene = Scene::new();
    let evidence = scene.collect().await.unwrap();
    let has = |der: &[u8]| evidence.certificates.iter().any(|known| **known == *der);
    assert!(has(&scene.signer) && has(&scene.world.authority_der(Issuer::Seals)) && has(&scene.world.root_der()));
    // The signer by its responder, whose certificate comes along; the authority by the root's list.
    assert_eq!((evidence.ocsp_responses.len(), evidence.crls.len(), evidence.certificates.len()), (1, 1, 4));
    assert_eq!(scene.asked("/ca/seals.cer"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_ask_once() {
    let scene = Arc::new(Scene::new());
    scene.world.fault("/ocsp", Fault::Late(200), 1);
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let scene = scene.clone();
            tokio::spawn(async move { scene.collect().await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().ocsp_responses.len(), 1);
    }
    let paths = ["/ocsp", "/ca/seals.cer", "/crl/root.crl"];
    assert_eq!(paths.map(|path| scene.asked(path)), [1; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_documents_ask_once_in_each_validity_period() {
    let scene = Scene::new();
    let (day, documents) = (86_400, 10_000);
    let began = Instant::now();
    for document in 0..documents {
        // Two and a half periods of a day pass.
        scene.world.shift(document * (day * 5 / 2) / documents);
        scene.collect().await.unwrap();
    }
    let each = began.elapsed() / documents as u32;
    println!("{documents} documents, {} requests, {each:?} each", scene.asked("/ocsp"));
    assert_eq!(scene.asked("/ocsp"), 3, "one for each of the periods that were begun");
    assert!(scene.world.connections("/ocsp") <= 3, "{} connections", scene.world.connections("/ocsp"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_signer_ends_it_for_good_and_a_suspended_one_is_named_so() {
    let scene = Scene::new();
    scene.world.revoke(&scene.signer, 1).unwrap();
    let revoked = fault(scene.collect().await);
    assert!(matches!(revoked, EvidenceFault::Revoked { .. }) && !revoked.is_temporary(), "{revoked:?}");
    let sentence = revoked.reason().sentence;
    assert!(sentence.starts_with("the certificate \"Rechnungssiegel Muster GmbH\" (signer) is revoked since 20"));

    let scene = Scene::with(|order| order.ocsp = false, |_| {});
    scene.world.revoke(&scene.signer, 6).unwrap();
    let suspended = fault(scene.collect().await).reason();
    assert!(suspended.sentence.contains("is suspended since"), "{}", suspended.sentence);
    assert_eq!(suspended.code, "certificate-revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_valid_at_the_moment_in_question_is_proven_even_if_it_was_revoked_later() {
    let scene = Scene::new();
    let before = Time::from_seconds(scene.world.now() - 3_600);
    scene.world.revoke(&scene.signer, 4).unwrap();
    let subject = Subject { role: "signer", certificate: scene.signer.clone(), known: Vec::new() };
    assert!(scene.collector.collect(&[subject], before).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_means_nothing_for_an_expired_certificate() {
    let scene = Scene::with(|order| order.validity = Validity::Expired, |_| {});
    let subject = Subject { role: "signer", certificate: scene.signer.clone(), known: Vec::new() };
    let while_valid = Time::from_seconds(scene.world.now() - 3 * 86_400);
    let unproven = fault(scene.collector.collect(&[subject], while_valid).await);
    assert!(!unproven.is_temporary() && unproven.to_string().contains("expired"), "{unproven}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_responder_that_an_operator_trusts_needs_no_path() {
    let scene = Scene::new();
    let evidence = scene.collect().await.unwrap();
    let is_responder = |der: &&Arc<[u8]>| {
        let parsed = Certificate::parse(der).unwrap();
        parsed.has_purpose(formats::cms::certificate::extensions::oid::PURPOSE_OCSP_SIGNING).unwrap()
    };
    let responder = evidence.certificates.iter().find(is_responder).unwrap().clone();
    scene.world.set_ocsp(|ocsp| ocsp.certificates = false);
    let settings = |trusted: Vec<Arc<[u8]>>| RevocationSettings {
        anchors: vec![scene.world.root_der().into()],
        fetch: FetchSettings { reach: Reach::Anywhere, ..FetchSettings::default() },
        responders: trusted,
        prefer: Prefer::Ocsp,
        ..RevocationSettings::default()
    };
    let ask = async |trusted| {
        let clock = Arc::new(WorldClock(scene.world.clone()));
        let collector = Collector::new(settings(trusted), clock).unwrap();
        let subject = Subject { role: "signer", certificate: scene.signer.clone(), known: Vec::new() };
        collector.collect(&[subject], scene.now()).await.unwrap()
    };
    assert_eq!(ask(vec![responder.clone()]).await.ocsp_responses.len(), 1);
    assert!(ask(vec![responder.clone()]).await.certificates.contains(&responder));
    assert_eq!(ask(Vec::new()).await.ocsp_responses.len(), 0, "an unknown responder counts nothing; the CRL does");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_authority_is_found() {
    let scene = Scene::new();
    scene.world.revoke(&scene.world.authority_der(Issuer::Seals), 2).unwrap();
    let revoked = fault(scene.collect().await).reason();
    assert!(revoked.sentence.contains("Siegel CA") && revoked.sentence.contains("revoked"), "{}", revoked.sentence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crl_is_used_where_ocsp_gives_nothing() {
    for trouble in [
        Fault::Http500,
        Fault::Drop,
        Fault::Garbage,
        Fault::Empty,
        Fault::Short,
        Fault::Endless,
        Fault::Redirect,
        Fault::Rejection,
        Fault::Waiting,
        Fault::BadSignature,
        Fault::OldTime,
        Fault::FutureTime,
        Fault::WrongImprint,
        Fault::WrongEku,
        Fault::Stranger,
        Fault::Unknown,
        Fault::Unauthorized,
    ] {
        let scene = Scene::new();
        scene.world.fault("/ocsp", trouble, 100);
        let evidence = scene.collect().await.unwrap_or_else(|fault| panic!("{trouble:?}: {fault}"));
        assert_eq!((evidence.ocsp_responses.len(), evidence.crls.len()), (0, 2), "{trouble:?}");
        // Without a CRL the document waits.
        let scene = Scene::with(|order| order.crl = false, |_| {});
        scene.world.fault("/ocsp", trouble, 100);
        let waits = fault(scene.collect().await);
        assert_eq!(waits.is_temporary(), !matches!(trouble, Fault::Unknown | Fault::Endless), "{trouble:?}: {waits}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_fails_is_left_alone_for_a_while() {
    let scene = Scene::with(|order| order.crl = false, |_| {});
    scene.world.fault("/ocsp", Fault::Http500, 100);
    let first = fault(scene.collect().await);
    assert_eq!(first.again(), Some(scene.now().plus(Duration::from_secs(2))));
    for _ in 0..50 {
        fault(scene.collect().await);
    }
    assert_eq!(scene.asked("/ocsp"), 1);
    scene.world.shift(3);
    fault(scene.collect().await);
    assert_eq!(scene.asked("/ocsp"), 2);
    scene.world.heal("/ocsp");
    scene.world.shift(8);
    scene.collect().await.unwrap();

    let scene = Scene::with(|order| order.crl = false, |settings| settings.back_off_first = Duration::from_millis(1));
    scene.world.fault("/ocsp", Fault::Http429, 1);
    let wished = fault(scene.collect().await).again().unwrap();
    assert!(wished.since(scene.now()) >= Duration::from_millis(1), "Retry-After is heard");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_source_does_not_hold_a_document_longer_than_allowed() {
    let scene = Scene::with(|_| {}, |settings| settings.total_timeout = Duration::from_millis(500));
    scene.world.fault("/ocsp", Fault::Slow, 100);
    let began = Instant::now();
    let timeout = fault(scene.collect().await);
    assert!(timeout.is_temporary() && began.elapsed() < Duration::from_secs(3), "{timeout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_kept_even_if_nobody_waited_for_it() {
    let scene = Scene::with(|_| {}, |settings| settings.total_timeout = Duration::from_millis(300));
    scene.world.fault("/ocsp", Fault::Late(800), 1);
    assert!(matches!(fault(scene.collect().await), EvidenceFault::Timeout(_)));
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    scene.collect().await.unwrap();
    assert_eq!(scene.asked("/ocsp"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonces_are_sent_and_a_wrong_one_is_refused() {
    let scene = Scene::with(|order| order.crl = false, |settings| settings.nonce = true);
    scene.collect().await.unwrap();
    let scene = Scene::with(|order| order.crl = false, |settings| settings.nonce = true);
    scene.world.fault("/ocsp", Fault::WrongNonce, 1);
    let wrong = fault(scene.collect().await);
    assert!(wrong.to_string().contains("nonce"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hash_of_the_certificate_can_be_demanded() {
    let demand = |settings: &mut RevocationSettings| settings.certificate_hash_required = true;
    let scene = Scene::with(|order| order.crl = false, demand);
    let without = fault(scene.collect().await);
    assert!(without.to_string().contains("prove that the certificate was issued"), "{without}");
    let scene = Scene::with(|order| order.crl = false, demand);
    scene.world.set_ocsp(|ocsp| ocsp.certificate_hash = true);
    scene.collect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_responder_without_nocheck_is_proven_too() {
    let scene = Scene::new();
    scene.world.set_ocsp(|ocsp| ocsp.signer = OcspSigner::CheckedDelegate);
    let evidence = scene.collect().await.unwrap();
    assert_eq!(evidence.ocsp_responses.len(), 1);
    assert_eq!(scene.asked("/crl/seals.crl"), 1, "the list that says that the responder is not revoked");
    assert_eq!(evidence.crls.len(), 2);

    let scene = Scene::new();
    scene.world.set_ocsp(|ocsp| ocsp.signer = OcspSigner::Authority);
    let evidence = scene.collect().await.unwrap();
    assert_eq!((evidence.certificates.len(), evidence.ocsp_responses.len()), (3, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crls_are_asked_for_again_only_if_there_is_a_newer_one() {
    let scene = Scene::with(|order| order.ocsp = false, |settings| settings.prefer = Prefer::Crl);
    for _ in 0..100 {
        assert_eq!(scene.collect().await.unwrap().crls.len(), 2);
    }
    assert_eq!(scene.asked("/crl/seals.crl"), 1);
    scene.world.shift(3_700);
    scene.collect().await.unwrap();
    assert_eq!(scene.asked("/crl/seals.crl"), 2);
    // A source that fails does no harm as long as the CRL counts.
    scene.world.fault("/crl/seals.crl", Fault::Http500, 100);
    scene.world.shift(7_400);
    scene.collect().await.unwrap();
    assert_eq!(scene.asked("/crl/seals.crl"), 3);
    scene.world.shift(86_400 * 30);
    let expired = fault(scene.collect().await);
    assert!(expired.is_temporary(), "{expired}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delta_crls_and_partitions_are_understood() {
    let scene = Scene::with(|order| order.ocsp = false, |settings| settings.prefer = Prefer::Crl);
    scene.world.freeze_crls(true);
    assert_eq!(scene.collect().await.unwrap().crls.len(), 4, "a complete and a delta CRL of each authority");
    scene.world.shift(7_300);
    scene.world.revoke(&scene.signer, 1).unwrap();
    assert!(matches!(fault(scene.collect().await), EvidenceFault::Revoked { .. }), "the delta CRL has it");

    let partition = |order: &mut Order| (order.ocsp, order.partition) = (false, Some(1));
    let scene = Scene::with(partition, |_| {});
    scene.collect().await.unwrap();
    let scene = Scene::with(partition, |_| {});
    scene.world.set_state(&scene.signer, State::Revoked { at: scene.world.now(), reason: 4 }).unwrap();
    assert!(matches!(fault(scene.collect().await), EvidenceFault::Revoked { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_are_completed_or_the_reason_is_told() {
    let scene = Scene::with(|_| {}, |settings| settings.fetch_issuers = false);
    let none = fault(scene.collect().await);
    assert!(matches!(none, EvidenceFault::NoPath(..)) && !none.is_temporary(), "{none}");
    assert_eq!(scene.asked("/ca/seals.cer"), 0);
    // Known issuers are not fetched.
    let issuer = scene.world.authority_der(Issuer::Seals).into();
    let subject = Subject { role: "signer", certificate: scene.signer.clone(), known: vec![issuer] };
    scene.collector.collect(&[subject], scene.now()).await.unwrap();

    let other = World::offline().unwrap();
    let scene = Scene::with(|_| {}, |settings| settings.anchors = vec![other.root_der().into()]);
    let untrusted = fault(scene.collect().await);
    assert_eq!(scene.asked("/ocsp"), 0, "nobody is asked about a certificate that leads to no anchor: {untrusted}");

    let scene = Scene::with(|order| (order.ocsp, order.crl) = (false, false), |_| {});
    assert!(matches!(fault(scene.collect().await), EvidenceFault::NoSource(_)));
    let scene = Scene::new();
    let rubbish = Subject { role: "signer", certificate: vec![0x30, 0].into(), known: Vec::new() };
    let unreadable = scene.collector.collect(&[rubbish], scene.now()).await;
    assert!(matches!(fault(unreadable), EvidenceFault::Unreadable(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_hosts_are_not_asked_unless_they_are_named() {
    let scene = Scene::with(|_| {}, |settings| settings.fetch = FetchSettings::default());
    let refused = fault(scene.collect().await);
    assert!(!refused.is_temporary() && refused.to_string().contains("private network"), "{refused}");
    assert_eq!(scene.world.count_under("/"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fresh_material_can_be_waited_for() {
    let scene = Scene::with(
        |order| order.ocsp = false,
        |settings| (settings.wait_for_fresh, settings.prefer) = (true, Prefer::Crl),
    );
    scene.collect().await.unwrap();
    for path in ["/crl/seals.crl", "/crl/seals-delta.crl"] {
        scene.world.fault(path, Fault::Http500, 100);
    }
    scene.world.shift(60);
    let waits = fault(scene.collect().await);
    assert!(waits.is_temporary() && waits.again().is_some_and(|again| again > scene.now()), "{waits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_responder_is_asked_again_for_each_moment_if_its_answer_must_be_younger() {
    let scene = Scene::with(|_| {}, |settings| settings.wait_for_fresh = true);
    for asked in 1..=3 {
        scene.collect().await.unwrap();
        // It is not so for the authority, whose list is of another day.
        assert_eq!((scene.asked("/ocsp"), scene.asked("/crl/root.crl")), (asked, 1));
        scene.world.shift(60 * asked as i64);
    }
    // An answer of before is not taken, and nobody asks without pause for a better one.
    scene.collect().await.unwrap();
    scene.world.fault("/ocsp", Fault::Http500, 100);
    scene.world.fault("/crl/seals.crl", Fault::Http500, 100);
    scene.world.shift(1_000);
    for _ in 0..20 {
        assert!(fault(scene.collect().await).is_temporary());
    }
    assert_eq!(scene.asked("/ocsp"), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_signer_kind_and_the_time_stamp_unit_are_proven() {
    let scene = Scene::new();
    let mut subjects = Vec::new();
    for kind in [KeyKind::Rsa3072, KeyKind::P384, KeyKind::Ed25519] {
        let certificate = scene.world.signer(kind).unwrap().certificate_der().into();
        subjects.push(Subject { role: "signer", certificate, known: Vec::new() });
    }
    let unit: Arc<[u8]> = scene.world.unit(testkit::world::Unit::Good).unwrap().certificate_der().into();
    subjects.push(Subject { role: "time-stamp unit", certificate: unit.clone(), known: Vec::new() });
    let evidence = scene.collector.collect(&subjects, scene.now()).await.unwrap();
    assert!(evidence.certificates.contains(&unit));
    assert_eq!(evidence.ocsp_responses.len(), 3 + 1);
    let mut serials: Vec<_> =
        evidence.certificates.iter().map(|der| Certificate::parse(der).unwrap().serial.to_vec()).collect();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), evidence.certificates.len(), "a certificate is there twice");
}
