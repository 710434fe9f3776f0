//! What a submitted batch is promised: every document is signed and has one outcome, whatever happens to servers; nobody else
//! sees it; a repeated request is the same one. On both databases. Signatures are judged by openssl.
#![allow(clippy::unwrap_used)]

mod fake;

use actors::api::batch::{BatchSettings, BatchState, BatchStatus};
use actors::api::catalogue::{Catalogue, Holdings};
use actors::api::shares::Allowance;
use actors::api::{Api, ApiDocument, ApiSettings, Body, Order, Refused};
use actors::spool::Content;
use fake::{Character, FakeToken, Trouble, World, profile, run};
use model::access::Authentication;
use model::profile::Format;
use model::{Caller, Clock, Function, Lane, Outcome, Right, SystemClock, TenantId, UserName};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use store::{Lease, Store, StoreConfig};
use testkit::pki::Pki;
use testkit::postgres::Postgres;

const DETACHED: Format = Format::Cades { detached: true };

/// A database and a spool folder for any number of servers.
struct Ground {
    config: StoreConfig,
    folder: tempfile::TempDir,
}

impl Ground {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { config: StoreConfig::Sqlite { path: folder.path().join("store.sqlite") }, folder }
    }

    fn postgres(server: &Postgres, name: &str) -> Self {
        let url = server.create_database(name).unwrap().into();
        Self { config: StoreConfig::Postgres { url, pool_size: 4 }, folder: tempfile::tempdir().unwrap() }
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    async fn store(&self, node: &str) -> Store {
        Store::open(&self.config, node).await.unwrap()
    }

    /// A server that works on batches if it is told to.
    async fn server(&self, node: &'static str, settings: BatchSettings, micros: u64) -> Server {
        let character = Character { micros, ..Character::good(node, 2) };
        let tokens = vec![FakeToken::new(character, 7)];
        let world = World::start_on(self.store(node).await, tokens, 32, Duration::from_secs(5));
        let profiles = [("detached".into(), profile(DETACHED))];
        let holdings = || Holdings { profiles: profiles.clone().into(), ..Holdings::default() };
        let tenants = ["main", "other"].map(|name| (TenantId::new(name).unwrap(), holdings()));
        let settings = ApiSettings {
            spool: self.spool(),
            batches_folder: self.spool().join("batches"),
            in_memory_bytes_max: 64 * 1024,
            documents_per_call_max: 100,
            catalogue: Catalogue::new(tenants.into()),
            batches: settings,
            standard: Allowance { documents_max: 32, weight: 1, lane: None },
            allowances: BTreeMap::new(),
        };
        let api = Api::new(world.services.clone(), settings).unwrap();
        Server { world, api }
    }
}

struct Server {
    world: World,
    api: Api,
}

fn quick() -> BatchSettings {
    BatchSettings { lease: Duration::from_millis(600), poll: Duration::from_millis(20), ..BatchSettings::default() }
}

fn caller(tenant: &str, user: &str) -> Caller {
    let all = Function::ALL.into_iter().map(|function| Right { function, object: None });
    Caller {
        tenant: TenantId::new(tenant).unwrap(),
        user: UserName::new(user).unwrap(),
        authentication: Authentication::Password,
        rights: all.collect(),
    }
}

fn order(documents: u32, key: Option<&str>) -> Order {
    let document = |n| ApiDocument {
        name: format!("{n}.xml"),
        reference: Some(format!("ref {n}")),
        body: Body::Whole(Content::from(text(n).into_bytes())),
    };
    Order {
        function: Function::Sign,
        profile: "detached".to_owned(),
        adapted: None,
        signers: Vec::new(),
        settings: Vec::new(),
        lane: Lane::Batch,
        key: key.map(str::to_owned),
        documents: (0..documents).map(document).collect(),
    }
}

fn text(number: u32) -> String {
    format!("<Rechnung><ID>{number}</ID></Rechnung>")
}

async fn complete(api: &Api, who: &Caller, batch: &BatchStatus) -> BatchStatus {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = api.batch(who, &batch.job.to_string()).await.unwrap();
        if status.counts.unfinished() == 0 {
            return status;
        }
        assert!(Instant::now() < deadline, "not complete: {status:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn openssl_accepts(signature: &[u8], document: &[u8], folder: &Path) {
    let (content, value) = (folder.join("content"), folder.join("signature"));
    std::fs::write(&content, document).unwrap();
    std::fs::write(&value, signature).unwrap();
    let mut command = Command::new("openssl");
    command.args("cms -verify -binary -inform DER -purpose any -out /dev/null -CAfile".split(' '));
    command.arg(Pki::shared().root_pem()).arg("-in").arg(&value).arg("-content").arg(&content);
    testkit::tools::ok("openssl", &mut command).unwrap();
}

/// Every document of the batch is done, under its number, and a signature over what was sent. Gives the results.
async fn all_done(api: &Api, who: &Caller, batch: &BatchStatus, documents: u32) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let mut results = Vec::new();
    while (results.len() as u32) < documents {
        let first = results.len() as u32;
        let (status, page) = api.batch_items(who, &batch.job.to_string(), first, 37).await.unwrap();
        assert_eq!(status.counts.total(), u64::from(documents));
        assert!(!page.is_empty());
        for item in page {
            assert_eq!(item.number, results.len() as u32);
            assert_eq!(item.reference, Some(format!("ref {}", item.number)));
            let made = item.ended.unwrap().result.unwrap();
            assert_eq!(made.name, format!("{}.xml.pkcs7", item.number));
            let signature = made.content.to_bytes(1 << 20).unwrap().to_vec();
            if item.number.is_multiple_of(40) {
                openssl_accepts(&signature, text(item.number).as_bytes(), folder.path());
            }
            results.push(signature);
        }
    }
    results
}

/// On SQLite, and on one PostgreSQL with a database for each test.
fn on_both(test: impl AsyncFn(Ground)) {
    run(async {
        test(Ground::sqlite()).await;
        let server = Postgres::start().unwrap();
        test(Ground::postgres(&server, "batches")).await;
    });
}

#[test]
fn a_batch_is_signed_by_whoever_is_there_each_document_once() {
    on_both(async |ground| {
        let taker = ground.server("taker", quick(), 0).await;
        let who = caller("main", "erp");
        let batch = taker.api.submit(&who, order(300, None)).await.unwrap();
        assert_eq!(batch.state, BatchState::Waiting);
        // Nobody works on batches here: they wait in the store and the spool folder.
        let (one, two) = (ground.server("one", quick(), 500).await, ground.server("two", quick(), 500).await);
        one.api.work_on_batches();
        two.api.work_on_batches();
        let status = complete(&taker.api, &who, &batch).await;
        assert_eq!((status.state, status.counts.done), (BatchState::Complete, 300));
        all_done(&taker.api, &who, &batch, 300).await;
        let signed: Vec<usize> = [&one, &two].map(|server| server.world.tokens[0].seen().signatures).into();
        assert_eq!(signed.iter().sum::<usize>(), 300, "{signed:?}");
        assert!(signed.iter().all(|count| *count > 0), "{signed:?}");
    });
}

#[test]
fn what_a_dead_server_had_taken_is_signed_by_another_one() {
    on_both(async |ground| {
        let server = ground.server("alive", quick(), 0).await;
        let who = caller("main", "erp");
        let batch = server.api.submit(&who, order(60, None)).await.unwrap();
        // A server takes some and is never heard of again; another one dies between the outcome and its last word.
        let dead = ground.store("dead").await;
        let lease = Lease { job: batch.job, name: "dead-1".into() };
        let now = SystemClock.now();
        let until = now.plus(Duration::from_millis(400));
        let taken = dead.take_documents(&who.tenant, &lease, now, until, 25).await.unwrap();
        assert_eq!(taken.iter().map(|taken| taken.id.number).collect::<Vec<_>>(), (0..25).collect::<Vec<_>>());
        assert_eq!(dead.take_documents(&who.tenant, &lease, now, until, 100).await.unwrap().len(), 60, "the rest, too");
        server.api.work_on_batches();
        let status = complete(&server.api, &who, &batch).await;
        assert_eq!(status.counts.done, 60);
        all_done(&server.api, &who, &batch, 60).await;
        assert_eq!(server.world.tokens[0].seen().signatures, 60);
    });
}

#[test]
fn a_server_that_comes_back_takes_up_its_own_at_once() {
    run(async {
        let ground = Ground::sqlite();
        let who = caller("main", "erp");
        let settings = BatchSettings { lease: Duration::from_secs(3_600), ..quick() };
        let server = ground.server("same", settings, 0).await;
        let batch = server.api.submit(&who, order(20, None)).await.unwrap();
        let lease = Lease { job: batch.job, name: "before".into() };
        let now = SystemClock.now();
        let until = now.plus(settings.lease);
        assert_eq!(server.world.store.take_documents(&who.tenant, &lease, now, until, 20).await.unwrap().len(), 20);
        server.api.work_on_batches();
        assert_eq!(complete(&server.api, &who, &batch).await.counts.done, 20);
    });
}

#[test]
fn a_slow_server_and_its_successor_make_one_outcome() {
    run(async {
        let ground = Ground::sqlite();
        let who = caller("main", "erp");
        let slow = ground.server("slow", quick(), 0).await;
        let batch = slow.api.submit(&who, order(1, None)).await.unwrap();
        slow.world.tokens[0].plan(Trouble::Slow(900));
        slow.api.work_on_batches();
        tokio::time::sleep(Duration::from_millis(200)).await;
        // The clock of the other server is ahead: it believes the lease to be over.
        let quick_store = ground.store("quick").await;
        let lease = Lease { job: batch.job, name: "quick".into() };
        let later = SystemClock.now().plus(Duration::from_secs(5));
        let until = later.plus(Duration::from_secs(5));
        assert_eq!(quick_store.take_documents(&who.tenant, &lease, later, until, 1).await.unwrap().len(), 1);
        assert!(
            !quick_store.renew_lease(&who.tenant, &Lease { name: "x".into(), ..lease.clone() }, until).await.unwrap()
        );
        complete(&slow.api, &who, &batch).await;
        all_done(&slow.api, &who, &batch, 1).await;
        // It finds that the row has its outcome, and does not sign again.
        let again = quick_store.take_documents(&who.tenant, &lease, until.plus(Duration::from_secs(1)), until, 1).await;
        assert!(again.unwrap().iter().all(|taken| taken.state.is_final()));
        assert_eq!(slow.world.tokens[0].seen().signatures, 1);
    });
}

#[test]
fn nobody_else_sees_a_batch() {
    run(async {
        let ground = Ground::sqlite();
        let server = ground.server("one", quick(), 0).await;
        let batch = server.api.submit(&caller("main", "erp"), order(3, None)).await.unwrap();
        let id = batch.job.to_string();
        for who in [caller("main", "scan"), caller("other", "erp")] {
            let nothing = Refused::NoBatch(id.clone());
            assert_eq!(server.api.batch(&who, &id).await.unwrap_err(), nothing);
            assert_eq!(server.api.cancel(&who, &id).await.unwrap_err(), nothing);
            assert_eq!(server.api.batch_items(&who, &id, 0, 10).await.unwrap_err(), nothing);
        }
        for bad in ["", "x", "../x", "\u{0}"] {
            assert!(matches!(server.api.batch(&caller("main", "erp"), bad).await.unwrap_err(), Refused::NoBatch(_)));
        }
    });
}

#[test]
fn a_cancelled_batch_ends_and_signs_no_more() {
    on_both(async |ground| {
        let server = ground.server("one", quick(), 2_000).await;
        let who = caller("main", "erp");
        let batch = server.api.submit(&who, order(400, None)).await.unwrap();
        let id = batch.job.to_string();
        server.api.work_on_batches();
        while server.api.batch(&who, &id).await.unwrap().counts.done == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(server.api.cancel(&who, &id).await.unwrap().state, BatchState::Cancelled);
        let status = complete(&server.api, &who, &batch).await;
        assert_eq!(status.counts.done + status.counts.rejected, 400);
        assert!(status.counts.rejected > 200, "{status:?}");
        let (_, items) = server.api.batch_items(&who, &id, 399, 1).await.unwrap();
        let last = items[0].ended.as_ref().unwrap().result.as_ref().unwrap_err().reason().clone();
        assert_eq!(last.code, "cancelled");
    });
}

#[test]
fn a_small_batch_does_not_wait_for_a_large_one_before_it() {
    run(async {
        let ground = Ground::sqlite();
        let server = ground.server("one", quick(), 1_000).await;
        let who = caller("main", "erp");
        let large = server.api.submit(&who, order(600, None)).await.unwrap();
        let small = server.api.submit(&caller("other", "erp"), order(10, None)).await.unwrap();
        let own = server.api.submit(&who, order(10, None)).await.unwrap();
        server.api.work_on_batches();
        complete(&server.api, &caller("other", "erp"), &small).await;
        complete(&server.api, &who, &own).await;
        let left = server.api.batch(&who, &large.job.to_string()).await.unwrap().counts.unfinished();
        assert!(left > 300, "only {left} were left of the large one");
    });
}

#[test]
fn a_repeated_request_is_the_same_request_on_every_server() {
    on_both(async |ground| {
        let (one, two) = (ground.server("one", quick(), 0).await, ground.server("two", quick(), 0).await);
        let who = caller("main", "erp");
        let first = one.api.submit(&who, order(5, Some("night 1"))).await.unwrap();
        let again = two.api.submit(&who, order(5, Some("night 1"))).await.unwrap();
        assert_eq!(first.job, again.job);
        assert_eq!(two.api.submit(&who, order(6, Some("night 1"))).await.unwrap_err(), Refused::KeyReused);
        let other = two.api.submit(&caller("main", "scan"), order(6, Some("night 1"))).await.unwrap();
        assert_ne!(other.job, first.job);

        // In the call, too: no second signature, and the same bytes.
        let bytes = |ended: &[actors::api::Ended]| {
            let content = |end: &actors::api::Ended| end.result.as_ref().unwrap().content.to_bytes(1 << 20).unwrap();
            ended.iter().map(content).collect::<Vec<_>>()
        };
        let signed = one.api.make(&who, order(4, Some("call"))).await.unwrap();
        let count = one.world.tokens[0].seen().signatures;
        let repeated = two.api.make(&who, order(4, Some("call"))).await.unwrap();
        assert_eq!(bytes(&signed), bytes(&repeated));
        assert!(repeated.iter().all(|end| end.outcome() == Outcome::Done));
        assert_eq!((one.world.tokens[0].seen().signatures, two.world.tokens[0].seen().signatures), (count, 0));
        assert_eq!(two.api.make(&who, order(3, Some("call"))).await.unwrap_err(), Refused::KeyReused);

        // While the first is under way, the second is told so.
        one.world.tokens[0].plan(Trouble::Slow(300));
        let (api, asker) = (one.api.clone(), who.clone());
        let slow = tokio::spawn(async move { api.make(&asker, order(1, Some("slow"))).await });
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(two.api.make(&who, order(1, Some("slow"))).await.unwrap_err(), Refused::InProgress);
        let signed = slow.await.unwrap().unwrap();
        assert_eq!(bytes(&signed), bytes(&two.api.make(&who, order(1, Some("slow"))).await.unwrap()));
    });
}

#[test]
fn results_are_removed_when_their_time_is_over() {
    run(async {
        let ground = Ground::sqlite();
        let settings = BatchSettings { retention: Duration::from_millis(300), ..quick() };
        let server = ground.server("one", settings, 0).await;
        let who = caller("main", "erp");
        let batch = server.api.submit(&who, order(3, None)).await.unwrap();
        server.api.work_on_batches();
        let id = batch.job.to_string();
        let deadline = Instant::now() + Duration::from_secs(40);
        while !server.api.batch(&who, &id).await.unwrap().swept {
            assert!(Instant::now() < deadline, "never removed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (_, items) = server.api.batch_items(&who, &id, 0, 10).await.unwrap();
        let gone = items[0].ended.as_ref().unwrap().result.as_ref().unwrap_err().reason().code;
        assert_eq!((items.len(), gone), (3, "result-gone"));
        assert!(!ground.spool().join("batches/main").join(&id).exists());
    });
}

#[test]
fn a_database_that_goes_away_loses_nothing() {
    run(async {
        let mut database = Postgres::start().unwrap();
        let ground = Ground::postgres(&database, "away");
        let server = ground.server("one", quick(), 3_000).await;
        let who = caller("main", "erp");
        let batch = server.api.submit(&who, order(300, None)).await.unwrap();
        server.api.work_on_batches();
        while server.api.batch(&who, &batch.job.to_string()).await.unwrap().counts.done < 20 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        database.stop();
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert!(matches!(server.api.batch(&who, &batch.job.to_string()).await, Err(Refused::Store(_))));
        assert!(matches!(server.api.submit(&who, order(2, None)).await, Err(Refused::Store(_))));
        database.start_again().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while server.api.batch(&who, &batch.job.to_string()).await.is_err() {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(complete(&server.api, &who, &batch).await.counts.done, 300);
        all_done(&server.api, &who, &batch, 300).await;
    });
}
