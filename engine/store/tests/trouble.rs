//! What happens when the process is killed, the database goes away, or the file is no database.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use futures_util::future::join_all;
use model::{AuditEntry, JobId, Outcome};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;
use store::{Begin, Store, StoreConfig, StoreError};
use support::{Place, at, documents, end, entry, job, serial, tenant};

const GROUP: u32 = 50;

/// Not a test by itself: the body of the process that the next test kills. Opens and finishes jobs until then and tells
/// each that the store has acknowledged.
#[tokio::test]
async fn writer_to_be_killed() {
    let Ok(path) = std::env::var("STORE_TEST_WRITER") else { return };
    let store = Place::Sqlite(path.into()).open("a").await;
    let mut random = [0; 10];
    for round in 0_u32.. {
        random[..4].copy_from_slice(&round.to_be_bytes());
        random[4..8].copy_from_slice(&std::process::id().to_be_bytes());
        let id = JobId::new(at(i64::from(round)), random);
        let new = store::NewJob { id, ..job(1) };
        store.open_job(&tenant(), &new, &documents(GROUP)).await.unwrap();
        let ends: Vec<_> = (0..GROUP).map(|number| end(id, number, Outcome::Done)).collect();
        let audit: Vec<AuditEntry> = ends.iter().map(entry).collect();
        store.finish(&tenant(), &ends, &audit).await.unwrap();
        println!("\nfinished {id}");
    }
}

#[tokio::test]
async fn a_killed_writer_loses_nothing_that_was_acknowledged_and_leaves_no_half_group() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::Sqlite(directory.path().join("store.db"));
    let mut acknowledged: Vec<JobId> = Vec::new();
    for kill in 0..8_u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer_to_be_killed", "--nocapture"])
            .env("STORE_TEST_WRITER", directory.path().join("store.db"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut heard = |line: std::io::Result<String>| {
            if let Some(id) = line.unwrap().strip_prefix("finished ") {
                acknowledged.push(id.parse().unwrap());
            }
        };
        for line in lines.by_ref().take(10 + 4 * kill as usize) {
            heard(line);
        }
        tokio::time::sleep(Duration::from_micros(317 * kill)).await;
        writer.kill().unwrap();
        writer.wait().unwrap();
        lines.for_each(heard);
    }
    assert!(acknowledged.len() > 8, "only {} groups were written", acknowledged.len());

    let store = place.open("a").await;
    for id in &acknowledged {
        let counts = store.count_job(&tenant(), *id).await.unwrap();
        assert_eq!(counts.done, u64::from(GROUP), "an acknowledged group is not there");
    }
    let jobs = store.list_jobs(&tenant(), "directory:invoices", None, 100_000).await.unwrap();
    let mut done = 0;
    for job in &jobs {
        assert_eq!(job.counts.total(), u64::from(GROUP), "half a job was opened");
        assert!(job.counts.done == 0 || job.counts.done == u64::from(GROUP), "half a group was finished");
        done += job.counts.done;
    }
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact(), "{verdict:?}");
    assert_eq!(verdict.entries, done, "ends and audit entries were not written together");
    let open = store.open_documents(&tenant(), "directory:invoices").await.unwrap();
    assert_eq!(open.len() as u64 + done, jobs.len() as u64 * u64::from(GROUP));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_may_go_away_and_come_back() {
    let mut server = testkit::postgres::Postgres::start().unwrap();
    let url = server.create_ordinary_database("trouble").unwrap();
    let place = Place::Postgres { url, superuser: server.url_of("trouble") };
    let store = place.open("a").await;
    let job = job(1);
    store.open_job(&tenant(), &job, &documents(200)).await.unwrap();

    // Every backend of ours is terminated, again and again, while four callers write. A caller repeats a group until it
    // is acknowledged; some of the repeated ones were written the first time.
    let writers = (0..4).map(|writer| {
        let (store, id) = (store.clone(), job.id);
        tokio::spawn(async move {
            let (mut unavailable, mut known) = (0, 0);
            for number in (writer * 25)..(writer * 25 + 25) {
                let one = end(id, number, Outcome::Done);
                loop {
                    match store.finish(&tenant(), std::slice::from_ref(&one), &[entry(&one)]).await {
                        Ok(finished) => break known += finished.already_ended.len(),
                        Err(StoreError::Unavailable(_)) => unavailable += 1,
                        Err(other) => panic!("{other}"),
                    }
                    assert!(unavailable < 1_000, "it does not recover");
                }
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
            (unavailable, known)
        })
    });
    let writers = tokio::spawn(join_all(writers));
    while !writers.is_finished() {
        server
            .sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'sealmill%'")
            .unwrap();
    }
    for seen in writers.await.unwrap() {
        let (unavailable, known) = seen.unwrap();
        println!("lost connections: {unavailable}, of them after the commit: {known}");
    }

    server.stop();
    let one = end(job.id, 100, Outcome::Done);
    for _ in 0..3 {
        let answer = store.finish(&tenant(), std::slice::from_ref(&one), &[entry(&one)]).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        let answer = store.begin_login(&tenant(), &serial("1"), at(1)).await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        let answer = Store::open(&place.config(), "a").await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{:?}", answer.err());
    }
    server.start_again().unwrap();
    let mut attempts = 0;
    while let Err(error) = store.finish(&tenant(), std::slice::from_ref(&one), &[entry(&one)]).await {
        assert!(error.is_temporary() && attempts < 20, "{error}");
        attempts += 1;
    }
    assert_eq!(store.begin_login(&tenant(), &serial("1"), at(1)).await.unwrap(), Begin::Free);
    assert_eq!(store.count_job(&tenant(), job.id).await.unwrap().done, 101);
    let verdict = store.verify_audit(&tenant(), &[]).await.unwrap();
    assert!(verdict.is_intact() && verdict.entries == 101, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_address_and_an_absent_server_are_told_apart() {
    let server = testkit::postgres::Postgres::start().unwrap();
    let url = server.url();
    let open = |url: String| async move {
        Store::open(&StoreConfig::Postgres { url: url.into(), pool_size: 1 }, "a").await.err().unwrap()
    };
    let tls = open(format!("{url}?sslmode=require")).await;
    assert!(matches!(tls, StoreError::Config(_)), "{tls:?}");
    let database = open(server.url_of("not_there")).await;
    assert!(matches!(&database, StoreError::Config(text) if text.contains("not_there")), "{database:?}");
    let user = open(url.replace("postgres@", "nobody@")).await;
    assert!(matches!(&user, StoreError::Config(text) if text.contains("nobody")), "{user:?}");
    // A user that may connect but not make tables.
    server.sql("create role reader login").unwrap();
    let rights = open(url.replace("postgres@", "reader@")).await;
    assert!(matches!(&rights, StoreError::Config(_)), "{rights:?}");
    drop(server);
    let absent = open(url).await;
    assert!(absent.is_temporary(), "{absent:?}");
}

/// A pool of one connection is enough for everything, also for many callers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_is_enough() {
    let server = testkit::postgres::Postgres::start().unwrap();
    let store = Store::open(&StoreConfig::Postgres { url: server.url().into(), pool_size: 1 }, "a").await.unwrap();
    store.open_job(&tenant(), &job(1), &documents(100)).await.unwrap();
    let callers = (0..100).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let one = end(job(1).id, number, Outcome::Done);
            store.finish(&tenant(), std::slice::from_ref(&one), &[entry(&one)]).await.unwrap()
        })
    });
    join_all(callers).await.into_iter().for_each(|caller| drop(caller.unwrap()));
    assert_eq!(store.verify_audit(&tenant(), &[]).await.unwrap().entries, 100);
}

#[tokio::test]
async fn what_the_operator_must_change_is_called_a_matter_of_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let open = |path: std::path::PathBuf| async move { Store::open(&StoreConfig::Sqlite { path }, "a").await.err() };
    let nowhere = open(directory.path().join("not/there.db")).await;
    assert!(matches!(&nowhere, Some(StoreError::Config(text)) if text.contains("not/there.db")), "{nowhere:?}");
    let text = directory.path().join("text.db");
    std::fs::write(&text, "this is no database ".repeat(500)).unwrap();
    assert!(matches!(open(text).await, Some(StoreError::Config(_))));

    let path = directory.path().join("store.db");
    assert!(open(path.clone()).await.is_none());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let unnamed = Store::open(&StoreConfig::Sqlite { path }, "").await;
    assert!(matches!(unnamed, Err(StoreError::Config(_))));

    for url in ["postgresql://u:secret@[::1/x", "host=/nowhere/at/all user=u password=secret dbname=x"] {
        let config = StoreConfig::Postgres { url: url.to_owned().into(), pool_size: 2 };
        assert!(!format!("{config:?}").contains("secret"));
        let error = Store::open(&config, "a").await.err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

/// A backup program or a person with sqlite3 at the file is waited for.
#[tokio::test]
async fn another_process_at_the_file_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let store = Place::Sqlite(path.clone()).open("a").await;
    store.open_job(&tenant(), &job(1), &documents(10)).await.unwrap();
    // Another process holds the file for a while: a write waits for it.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let one = end(job(1).id, 0, Outcome::Done);
    let waiting = tokio::spawn({
        let (store, one) = (store.clone(), one.clone());
        async move { store.finish(&tenant(), std::slice::from_ref(&one), &[entry(&one)]).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    // Reading goes on meanwhile.
    assert_eq!(store.count_job(&tenant(), job(1).id).await.unwrap().open, 10);
    other.execute_batch("ROLLBACK").unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(store.count_job(&tenant(), job(1).id).await.unwrap().done, 1);
}
