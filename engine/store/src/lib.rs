//! One [`Store`] over embedded SQLite and PostgreSQL: jobs, documents and their outcomes, login states of tokens, whom
//! tenants trust, who may do what, and the audit log.
//!
//! Every table begins with the tenant, and so does every call. The crate never reads a clock (time is an argument),
//! never groups writes over time (callers hand over groups) and never holds a transaction open while it waits for
//! anything but the database. Statements are in `sql`, once each; `sqlite` and `postgres` only carry them out.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod access;
mod audit;
mod batches;
mod error;
mod jobs;
mod logins;
mod postgres;
mod sql;
mod sqlite;
mod trust;
mod value;
mod wall;
mod work;

pub use audit::{AuditRow, AuditVerdict, BREAKS_MAX, ChainBreak, ChainFault, ChainHead};
pub use batches::{BatchRow, BatchToDo, Lease, NewBatch, NewBatchDocument, NewRequest, RequestRow, Taken};
pub use error::StoreError;
pub use jobs::{
    Counts, DocumentEnd, DocumentRow, DocumentState, Finished, JobRow, NewDocument, NewJob, OpenDocument, WholeDocument,
};
pub use logins::{Begin, LoginRow, LoginState};
pub use trust::{TrustAllowed, TrustKind, TrustSource};

use model::{AuditEntry, TenantId};
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use value::{Row, Value, bounded};
use work::{Work, Written};

/// Longest name of a document, in bytes.
pub const NAME_BYTES_MAX: usize = 4096;

/// Longest other text (sentence, detail, output path), in bytes; longer text is cut.
pub const TEXT_BYTES_MAX: usize = 4096;

/// Where the data is.
#[derive(Clone, Debug)]
pub enum StoreConfig {
    /// A file of its own; made, readable by its owner only, if it is not there.
    Sqlite {
        /// The database file; `-wal` and `-shm` appear beside it.
        path: PathBuf,
    },
    /// A PostgreSQL database, shared by several servers if need be.
    Postgres {
        /// `postgresql://user:password@host/database` or `host=… user=…`.
        url: SecretString,
        /// Connections at most, at least one.
        pool_size: usize,
    },
}

/// The handle. Cheap to clone; the last clone closes the database.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
    node: Arc<str>,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(Arc<postgres::Postgres>),
}

impl Store {
    /// Opens the database, brings its schema up to date and checks every statement against it. `node` is the name of
    /// this server: it signs the login attempts and names the audit chain that only this server appends to.
    ///
    /// Errors: [`StoreError::Config`] for what the operator must change, [`StoreError::Unavailable`] if a later attempt
    /// may work.
    pub async fn open(config: &StoreConfig, node: &str) -> Result<Self, StoreError> {
        if node.is_empty() || node.len() > 64 || node.contains('\0') {
            return Err(StoreError::Config("the name of a node has 1 to 64 bytes".into()));
        }
        let node: Arc<str> = node.into();
        let backend = match config {
            StoreConfig::Sqlite { path } => {
                Backend::Sqlite(Arc::new(sqlite::Sqlite::open(path.clone(), node.clone()).await?))
            }
            StoreConfig::Postgres { url, pool_size } => {
                Backend::Postgres(Arc::new(postgres::Postgres::open(url, *pool_size, node.clone()).await?))
            }
        };
        Ok(Self { backend, node })
    }

    /// The name of this server.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// `sqlite` or `postgresql`, for logs and reports.
    pub fn kind(&self) -> &'static str {
        match self.backend {
            Backend::Sqlite(_) => "sqlite",
            Backend::Postgres(_) => "postgresql",
        }
    }

    /// Whether the database answers now; for readiness checks.
    pub async fn ping(&self, tenant: &TenantId) -> Result<(), StoreError> {
        self.read(sql::LOGIN_STATES, vec![tenant.as_str().into()]).await.map(|_| ())
    }

    async fn read(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.read(statement, values).await,
            Backend::Postgres(postgres) => postgres.read(statement, values).await,
        }
    }

    /// For the few questions about all tenants.
    async fn read_of_all(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.read(statement, values).await,
            Backend::Postgres(postgres) => postgres.read_of_all(statement, values).await,
        }
    }

    async fn write(&self, work: Work) -> Result<Written, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(work).await,
            Backend::Postgres(postgres) => postgres.write(work).await,
        }
    }

    /// The entry as it will be stored, cut to size; the chain is made over this form.
    fn entry(entry: &AuditEntry) -> AuditEntry {
        let text = |text: &String| bounded(text, TEXT_BYTES_MAX);
        AuditEntry {
            at: entry.at,
            who: text(&entry.who),
            what: entry.what,
            object: text(&entry.object),
            signer: entry.signer.as_ref().map(text),
            detail: entry.detail.as_ref().map(text),
        }
    }
}
