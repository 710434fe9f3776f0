//! Ten thousand documents through the real router, queues, workers, actors, pipeline and recorder, at four tokens of
//! which each fails in its own ways.
//!
//! The seed is new in each run and printed; `SEALMILL_SEED` repeats one. It decides who fails, how and at which
//! signature; the interleaving of threads is the machine's.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod fake;

use actors::document::Origin;
use actors::pipeline::{Failure, Signed};
use actors::recorder::{After, Entry};
use actors::services::Services;
use actors::token::roster::TokenState;
use bytes::Bytes;
use fake::{Character, FakeToken, Random, Trouble, World, profile, run, until};
use formats::Part;
use model::profile::Format;
use model::{AuditEntry, Clock, DocumentId, Lane, Outcome, Profile, SystemClock, TenantId};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{DocumentEnd, LoginState, NewDocument, NewJob};
use testkit::pki::Pki;
use tokio::task::JoinSet;

const DOCUMENTS: u32 = 10_000;
const IN_FLIGHT_MAX: usize = 64;
/// One document in so many is judged by openssl as well.
const JUDGED: u32 = 500;

fn characters() -> Vec<Character> {
    vec![
        // A card in a reader, in this process: slow, sometimes pulled; its driver sometimes hangs for a while.
        Character {
            name: "card",
            sessions: 1,
            isolated: false,
            micros: 300,
            signing: vec![(Trouble::SessionLost, 120), (Trouble::Pulled(150), 150), (Trouble::Hang(500), 300)],
            hangs_coming_up: 0,
            refused_login: None,
        },
        // An HSM whose library crashes and hangs, in a process of its own.
        Character {
            name: "hsm",
            sessions: 4,
            isolated: true,
            micros: 200,
            signing: vec![(Trouble::Crash, 250), (Trouble::Hang(0), 250), (Trouble::Slow(20), 50)],
            hangs_coming_up: 12,
            refused_login: None,
        },
        // A token that reports errors until it is blocked, again and again.
        Character {
            name: "errors",
            sessions: 2,
            isolated: false,
            micros: 200,
            signing: vec![(Trouble::DeviceError, 100), (Trouble::Panic, 150)],
            hangs_coming_up: 0,
            refused_login: None,
        },
        // A token that lies, and whose PIN was changed behind our back.
        Character {
            name: "liar",
            sessions: 2,
            isolated: true,
            micros: 200,
            signing: vec![(Trouble::WrongSignature, 80), (Trouble::SessionLost, 80)],
            hangs_coming_up: 0,
            refused_login: Some(3),
        },
    ]
}

#[derive(Default)]
struct Tally {
    inside: AtomicUsize,
    inside_max: AtomicUsize,
    deferrals: AtomicUsize,
    done: AtomicUsize,
    rejected: AtomicUsize,
    outcomes: AtomicUsize,
}

struct Doors {
    services: Arc<Services>,
    tenant: TenantId,
    good: Arc<Profile>,
    /// Asks for a PDF, which none of the documents is.
    bad: Arc<Profile>,
    tally: Tally,
    judged: tempfile::TempDir,
}

#[test]
fn every_document_has_one_outcome_whatever_the_tokens_do() {
    let seed = std::env::var("SEALMILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(fresh_seed);
    println!("SEALMILL_SEED={seed}");
    run(async move {
        let simulation = tokio::time::timeout(Duration::from_secs(120), simulate(seed));
        assert!(simulation.await.is_ok(), "not finished in time; SEALMILL_SEED={seed}");
    });
}

async fn simulate(seed: u64) {
    let mut random = Random(seed);
    let tokens: Vec<_> = characters().into_iter().map(|one| FakeToken::new(one, random.next())).collect();
    let world = World::start(tokens, IN_FLIGHT_MAX, Duration::from_millis(250)).await;
    let doors = Arc::new(Doors {
        services: world.services.clone(),
        tenant: world.tenant.clone(),
        good: profile(Format::Cades { detached: true }),
        bad: profile(Format::Pades),
        tally: Tally::default(),
        judged: tempfile::tempdir().unwrap(),
    });
    let job = actors::services::new_job(&*world.services.clock);
    let names = (0..DOCUMENTS).map(|number| NewDocument { number, name: format!("{number}.xml") }).collect::<Vec<_>>();
    let opened =
        NewJob { id: job, door: "simulation".to_owned(), profile: "all".to_owned(), opened_at: SystemClock.now() };
    world.store.open_job(&world.tenant, &opened, &names).await.unwrap();

    let memory = testkit::memory::peak_bytes().unwrap();
    let started = Instant::now();
    let mut documents = JoinSet::new();
    let mut operated = 0;
    for number in 0..DOCUMENTS {
        let permit = world.services.intake.enter().await.unwrap();
        let lane = if random.below(10) == 0 { Lane::Interactive } else { Lane::Batch };
        let bad = random.below(200) == 0;
        let id = DocumentId { job, number };
        documents.spawn(document(doors.clone(), id, lane, bad, permit));
        while let Some(ended) = documents.try_join_next() {
            ended.unwrap();
        }
        if number.is_multiple_of(50) {
            operated += operate(&world, number).await;
            assert_bounds(&world);
        }
    }
    while let Some(ended) = documents.join_next().await {
        ended.unwrap();
        operated += operate(&world, DOCUMENTS).await;
    }
    let elapsed = started.elapsed();
    until("everybody has left", || world.services.intake.is_empty()).await;
    until("all places", || world.is_at_rest()).await;
    report(&world, &doors.tally, elapsed, operated);

    // One outcome each: counted here, in the store, and in the audit log.
    let (done, rejected) = (doors.tally.done.load(Ordering::SeqCst), doors.tally.rejected.load(Ordering::SeqCst));
    assert_eq!(doors.tally.outcomes.load(Ordering::SeqCst), DOCUMENTS as usize);
    let counts = world.store.count_job(&world.tenant, job).await.unwrap();
    assert_eq!((counts.done, counts.rejected, counts.unfinished()), (done as u64, rejected as u64, 0));
    assert_eq!(counts.total(), u64::from(DOCUMENTS));
    let verdict = world.store.verify_audit(&world.tenant, &[]).await.unwrap();
    assert_eq!(verdict.entries, u64::from(DOCUMENTS) + operated, "one entry a document and one a cleared block");
    assert!(verdict.breaks.is_empty());

    assert!(doors.tally.inside_max.load(Ordering::SeqCst) <= IN_FLIGHT_MAX);
    let grown = testkit::memory::peak_bytes().unwrap().saturating_sub(memory);
    assert!(grown < 64 << 20, "{grown} bytes more than before the first document");
    for (token, character) in world.tokens.iter().zip(characters()) {
        let seen = token.seen();
        assert_eq!(seen.logins_after_refusal, 0, "{}", character.name);
        assert_eq!(seen.hangs_not_ended, 0, "{}", character.name);
        assert!(seen.sessions_max <= character.sessions, "{}: {} sessions", character.name, seen.sessions_max);
        assert!(seen.signatures > 0, "{} did its share", character.name);
        assert!(!seen.troubles.is_empty(), "{} misbehaved", character.name);
    }
    assert_eq!(world.tokens[3].seen().refused, 1);
    openssl_judges(doors.judged.path());
}

/// What a door does with one document; a directory, too, tries deferred ones again.
async fn document(doors: Arc<Doors>, id: DocumentId, lane: Lane, bad: bool, permit: actors::intake::Permit) {
    let tally = &doors.tally;
    let inside = tally.inside.fetch_add(1, Ordering::SeqCst) + 1;
    tally.inside_max.fetch_max(inside, Ordering::SeqCst);
    let content: Bytes = format!("<Rechnung><ID>{}</ID></Rechnung>", id.number).into_bytes().into();
    let profile = if bad { &doors.bad } else { &doors.good };
    let sealed = loop {
        match doors.services.pipeline.seal(&Origin::Bytes(content.clone()), profile, lane).await {
            Err(Failure::Deferred(_)) => {
                tally.deferrals.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(Failure::Rejected(reason)) => break Err(reason),
            Ok(signed) => break Ok(signed),
        }
    };
    assert_eq!(sealed.is_err(), bad, "{sealed:?}");
    let (outcome, signer) = match &sealed {
        Ok(signed) => {
            keep_to_be_judged(&doors, id, signed, &content);
            (Outcome::Done, signed.signer.as_ref().map(ToString::to_string))
        }
        Err(reason) => (Outcome::Rejected(reason.clone()), None),
    };
    match outcome {
        Outcome::Done => tally.done.fetch_add(1, Ordering::SeqCst),
        _ => tally.rejected.fetch_add(1, Ordering::SeqCst),
    };
    let now = SystemClock.now();
    let audit = AuditEntry::of_document(now, "simulation", id, "x.xml", &outcome, signer.clone());
    let end = DocumentEnd { id, outcome, format: None, signer, output: None, ended_at: now, micros: 0 };
    let after_doors = doors.clone();
    let after = After::Run(Box::new(move |_durable| {
        after_doors.tally.outcomes.fetch_add(1, Ordering::SeqCst);
        after_doors.tally.inside.fetch_sub(1, Ordering::SeqCst);
        drop(permit);
    }));
    doors
        .services
        .recorder
        .record(Entry { tenant: doors.tenant.clone(), new: None, end, audit, result_on: None, awaited: None, after })
        .await;
}

fn keep_to_be_judged(doors: &Doors, id: DocumentId, signed: &Signed, content: &[u8]) {
    if id.number.is_multiple_of(JUDGED)
        && let [Part::Bytes(der)] = &signed.sealed.document().parts[..]
    {
        std::fs::write(doors.judged.path().join(format!("{}.xml", id.number)), content).unwrap();
        std::fs::write(doors.judged.path().join(format!("{}.p7s", id.number)), der).unwrap();
    }
}

/// The operator lifts blocks, except that of the refused PIN: that one waits for the last quarter, so that there is time
/// to try it again by mistake.
async fn operate(world: &World, number: u32) -> u64 {
    let mut lifted = 0;
    for row in world.store.login_states(&world.tenant).await.unwrap() {
        let token = world.services.roster.tokens().iter().position(|view| view.status().serial == row.serial).unwrap();
        let refused_pin = token == 3 && number < DOCUMENTS / 4 * 3;
        if row.state == LoginState::Blocked && world.state(token) == TokenState::Blocked && !refused_pin {
            lifted += u64::from(world.unblock(token).await);
        }
    }
    lifted
}

fn assert_bounds(world: &World) {
    for ((serial, assigned), character) in world.services.router.assigned().into_iter().zip(characters()) {
        let places = character.sessions * model::limits::ASSIGNED_PER_SESSION_MAX;
        assert!(assigned <= places, "{serial}: {assigned} of {places} places");
    }
    assert!(world.services.router.waiting() <= IN_FLIGHT_MAX);
}

fn report(world: &World, tally: &Tally, elapsed: Duration, operated: u64) {
    let deferrals = tally.deferrals.load(Ordering::SeqCst);
    println!("{DOCUMENTS} documents in {elapsed:.1?}, {deferrals} deferred meanwhile, {operated} blocks lifted");
    for (token, character) in world.tokens.iter().zip(characters()) {
        println!("{}: {:?}", character.name, token.seen());
    }
}

fn openssl_judges(folder: &Path) {
    let mut judged = 0;
    for number in (0..DOCUMENTS).step_by(JUDGED as usize) {
        let (content, signature) = (folder.join(format!("{number}.xml")), folder.join(format!("{number}.p7s")));
        if !signature.exists() {
            continue; // it was a bad one
        }
        let mut command = Command::new("openssl");
        command.args([
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-purpose",
            "any",
            "-out",
            "/dev/null",
            "-CAfile",
        ]);
        command.arg(Pki::shared().root_pem()).arg("-in").arg(&signature).arg("-content").arg(&content);
        testkit::tools::ok("openssl", &mut command).unwrap();
        judged += 1;
    }
    assert!(judged > 10, "only {judged} were judged");
}

/// From the randomness with which the standard library seeds its maps.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
