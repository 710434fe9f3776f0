//! What the store's tests share: a place for a store on either database, and small makers of values.

#![allow(dead_code, unused_macros)] // each test program uses its part

use model::{AuditEntry, DocumentId, JobId, Outcome, TenantId, Time, TokenSerial};
use secrecy::SecretString;
use std::path::PathBuf;
use store::{DocumentEnd, NewDocument, NewJob, Store, StoreConfig};

/// Each test on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let directory = tempfile::tempdir().unwrap();
                    super::$test(&super::Place::Sqlite(directory.path().join("store.db"))).await;
                }
            )+
        }

        /// One server for all of them; each has a database of its own.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql() {
            let server = testkit::postgres::Postgres::start().unwrap();
            $(
                eprintln!("postgresql: {}", stringify!($test));
                let url = server.create_ordinary_database(stringify!($test)).unwrap();
                $test(&Place::Postgres { url, superuser: server.url_of(stringify!($test)) }).await;
            )+
        }
    };
}

/// An empty database, on which any number of stores can be opened, and which can be tampered with.
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres {
        /// For the store.
        url: String,
        /// For tampering.
        superuser: String,
    },
}

impl Place {
    pub(crate) fn config(&self) -> StoreConfig {
        match self {
            Place::Sqlite(path) => StoreConfig::Sqlite { path: path.clone() },
            Place::Postgres { url, .. } => StoreConfig::Postgres { url: SecretString::from(url.clone()), pool_size: 8 },
        }
    }

    pub(crate) async fn open(&self, node: &str) -> Store {
        Store::open(&self.config(), node).await.unwrap()
    }

    /// Does to the database what nobody should; returns the number of changed rows.
    pub(crate) async fn tamper(&self, statement: &str) -> u64 {
        match self {
            Place::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                connection.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
                connection.execute(statement, []).unwrap() as u64
            }
            Place::Postgres { superuser, .. } => {
                let (client, connection) = tokio_postgres::connect(superuser, tokio_postgres::NoTls).await.unwrap();
                let connection = tokio::spawn(connection);
                let changed = client.execute(statement, &[]).await.unwrap();
                drop(client);
                connection.await.unwrap().unwrap();
                changed
            }
        }
    }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn at(second: i64) -> Time {
    Time::from_seconds(1_763_900_000 + second)
}

pub(crate) fn serial(text: &str) -> TokenSerial {
    TokenSerial(text.into())
}

pub(crate) fn job(number: u8) -> NewJob {
    let id = JobId::new(at(i64::from(number)), [number; 10]);
    NewJob { id, door: "directory:invoices".into(), profile: "invoices".into(), opened_at: at(i64::from(number)) }
}

pub(crate) fn documents(count: u32) -> Vec<NewDocument> {
    (0..count).map(|number| NewDocument { number, name: format!("invoice-{number:06}.pdf") }).collect()
}

pub(crate) fn end(job: JobId, number: u32, outcome: Outcome) -> DocumentEnd {
    let done = outcome == Outcome::Done;
    DocumentEnd {
        id: DocumentId { job, number },
        outcome,
        format: Some("pades".into()),
        signer: done.then(|| "seal-1".into()),
        output: done.then(|| format!("out/invoice-{number:06}.pdf")),
        ended_at: at(100 + i64::from(number % 1000)),
        micros: 4_321,
    }
}

pub(crate) fn entry(end: &DocumentEnd) -> AuditEntry {
    AuditEntry {
        at: end.ended_at,
        who: "directory:invoices".into(),
        what: if end.outcome == Outcome::Done { "document.done" } else { "document.rejected" },
        object: end.id.to_string(),
        signer: end.signer.clone(),
        detail: end.outcome.reason().map(|reason| reason.sentence.clone()),
    }
}
