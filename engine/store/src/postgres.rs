//! PostgreSQL: a pool of connections, prepared statements kept with each, rows of one statement sent without waiting for
//! each other's answers.
//!
//! A connection that does not answer in time is thrown away, not given back. Every transaction and every question begins by
//! telling the database its tenant, in the same round trip; see `wall`.

use crate::audit::Head;
use crate::error::StoreError;
use crate::sql;
use crate::value::{Row, Value};
use crate::wall;
use crate::work::{Step, Work, Written};
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Transaction};
use futures_util::future::{join4, try_join, try_join_all};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio_postgres::types::Type;
use tokio_postgres::{Config, NoTls};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The pool and the ends of this node's audit chains.
pub(crate) struct Postgres {
    pool: Pool,
    node: Arc<str>,
    /// By tenant. Held while entries are appended, so that numbers are given out in the order of the commits. A head is
    /// taken out before it is used and put back after the commit: whatever interrupts that, the next caller reads the
    /// database.
    heads: Mutex<HashMap<Arc<str>, Head>>,
}

impl Postgres {
    pub(crate) async fn open(url: &SecretString, pool_size: usize, node: Arc<str>) -> Result<Self, StoreError> {
        // The error would quote the address with its password.
        let mut config: Config = url
            .expose_secret()
            .parse()
            .map_err(|_| StoreError::Config("the address of the PostgreSQL database cannot be read".into()))?;
        if pool_size == 0 {
            return Err(StoreError::Config("the pool of connections has at least one".into()));
        }
        if config.get_application_name().is_none() {
            config.application_name(format!("sealmill {node}"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(OPERATION_TIMEOUT);
        }
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(pool_size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(OPERATION_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(DURABLE).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Config(error.to_string()))?;
        let postgres = Self { pool, node, heads: Mutex::new(HashMap::new()) };
        postgres.migrate().await?;
        Ok(postgres)
    }

    pub(crate) async fn read(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        // Every statement's first value is the tenant; one that forgets it is shown nothing.
        let Some(Value::Text(tenant)) = values.first() else {
            return Err(StoreError::Invalid("a question without a tenant".into()));
        };
        let client = self.client().await?;
        let answer = in_time(read(&client, tenant, statement, &values)).await;
        keep_or_drop(client, answer)
    }

    /// For the few questions about all tenants: only what `wall` opens for them is seen.
    pub(crate) async fn read_of_all(
        &self,
        statement: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let client = self.client().await?;
        let answer = in_time(read(&client, wall::ALL_TENANTS, statement, &values)).await;
        keep_or_drop(client, answer)
    }

    pub(crate) async fn write(&self, work: Work) -> Result<Written, StoreError> {
        let mut last = StoreError::Unavailable("no attempt was made".into());
        for _ in 0..ATTEMPTS {
            let mut client = self.client().await?;
            let answer = in_time(self.attempt(&mut client, &work)).await;
            match keep_or_drop(client, answer) {
                Ok(written) => return Ok(written),
                // Rolled back as a whole by the database: a deadlock, or a chain that somebody else of our name wrote to.
                Err(Failure { error, again: true }) => {
                    tracing::debug!(%error, "transaction repeated");
                    last = error;
                }
                Err(Failure { error, .. }) => return Err(error),
            }
        }
        Err(match last {
            StoreError::Invalid(text) => StoreError::Unavailable(text),
            other => other,
        })
    }

    async fn attempt(&self, client: &mut Object, work: &Work) -> Result<Written, Failure> {
        let transaction = client.transaction().await?;
        // The first poll sends the tenant, and the statements after it without waiting for an answer.
        let tenant = [Value::Text(work.tenant.clone())];
        let set = transaction.prepare_cached(wall::SET_TENANT).await?;
        let set = async { Ok(transaction.execute_raw(&set, &tenant).await.map(drop)?) };
        let (written, heads) = match try_join(set, self.steps(&transaction, work)).await? {
            ((), (written, _)) if written.taken_back => {
                transaction.rollback().await?;
                return Ok(written);
            }
            ((), done) => done,
        };
        transaction.commit().await?;
        if let Some((mut heads, head)) = heads {
            heads.insert(work.tenant.clone(), head);
        }
        Ok(written)
    }

    /// What a transaction does between its beginning and its end. The heads stay locked until the end.
    async fn steps(
        &self,
        transaction: &Transaction<'_>,
        work: &Work,
    ) -> Result<(Written, Option<Locked<'_>>), Failure> {
        let mut written = Written::default();
        for step in &work.steps {
            written.changed.push(execute(transaction, step).await?);
            if written.fails(work) {
                written.taken_back = true;
                return Ok((written, None));
            }
        }
        if work.audit.is_empty() {
            return Ok((written, None));
        }
        let mut heads = self.heads.lock().await;
        let head = match heads.remove(&work.tenant) {
            Some(head) => head,
            None => {
                let values = [Value::Text(work.tenant.clone()), Value::Text(self.node.clone())];
                let statement = transaction.prepare_cached(sql::AUDIT_HEAD).await?;
                let rows = transaction.query_raw(&statement, &values).await?;
                Head::from_rows(&collect(rows).await?)?
            }
        };
        let (rows, head) = work.audit_rows(&self.node, head, &written);
        execute(transaction, &Step { statement: sql::INSERT_AUDIT, rows, demanded: false }).await?;
        Ok((written, Some((heads, head))))
    }

    /// Under an advisory lock, so that servers that start together do not do it twice.
    async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        client.batch_execute(&format!("SET lock_timeout = '60s'; SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
        let migrated = migrations::migrations::runner().run_async(&mut **client.as_mut()).await;
        let walled = match &migrated {
            Ok(_) => wall::build(&client).await,
            Err(_) => Ok(()),
        };
        client.batch_execute(&format!("SELECT pg_advisory_unlock({MIGRATION_LOCK}); RESET lock_timeout")).await?;
        migrated?;
        walled?;
        for (name, statement) in sql::all() {
            client.prepare_cached(statement).await.map_err(|error| match StoreError::from(error) {
                StoreError::Corrupt(text) => {
                    StoreError::Corrupt(format!("statement {name} does not fit the schema: {text}"))
                }
                other => other,
            })?;
        }
        Ok(())
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}

/// The ends of the chains while a transaction is open, and the end that it makes of its own chain.
type Locked<'p> = (MutexGuard<'p, HashMap<Arc<str>, Head>>, Head);

/// Why an attempt failed, and whether it may be made again at once.
struct Failure {
    error: StoreError,
    again: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, again: false }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let again = error.as_db_error().is_some_and(|database| {
            let code = database.code().code();
            code == "40001" || code == "40P01" || (code == "23505" && database.table() == Some("audit"))
        });
        Self { error: error.into(), again }
    }
}

/// The connection did not answer in time.
trait TimedOut {
    fn timed_out() -> Self;
}

impl TimedOut for StoreError {
    fn timed_out() -> Self {
        StoreError::Unavailable(format!("no answer within {} s", OPERATION_TIMEOUT.as_secs()))
    }
}

impl TimedOut for Failure {
    fn timed_out() -> Self {
        StoreError::timed_out().into()
    }
}

/// `None`: the time is over.
async fn in_time<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(OPERATION_TIMEOUT, work).await.ok()
}

fn keep_or_drop<T, E: TimedOut>(client: Object, answer: Option<Result<T, E>>) -> Result<T, E> {
    match answer {
        Some(answer) => answer,
        None => {
            drop(Object::take(client));
            Err(E::timed_out())
        }
    }
}

/// One round trip: all four are sent when they are first polled, and that in their order. What was sent ends with its COMMIT,
/// whatever becomes of the caller.
async fn read(client: &Object, tenant: &str, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
    let statement = client.prepare_cached(statement).await?;
    let set = client.prepare_cached(wall::SET_TENANT).await?;
    let tenant = [Value::from(tenant)];
    let (begun, told, rows, ended) = join4(
        client.batch_execute("BEGIN READ ONLY"),
        client.execute_raw(&set, &tenant),
        async { collect(client.query_raw(&statement, values).await?).await },
        client.batch_execute("COMMIT"),
    )
    .await;
    begun?;
    told?;
    let rows = rows?;
    ended?;
    Ok(rows)
}

async fn collect(rows: tokio_postgres::RowStream) -> Result<Vec<Row>, StoreError> {
    use futures_util::{StreamExt, pin_mut};
    pin_mut!(rows);
    let mut found = Vec::new();
    while let Some(row) = rows.next().await {
        found.push(convert(&row?)?);
    }
    Ok(found)
}

/// Rows are sent in parts without waiting for each answer; the answers come in order.
async fn execute(transaction: &Transaction<'_>, step: &Step) -> Result<Vec<u64>, tokio_postgres::Error> {
    let statement = transaction.prepare_cached(step.statement).await?;
    let mut changed = Vec::with_capacity(step.rows.len());
    for part in step.rows.chunks(PIPELINED_ROWS_MAX) {
        changed.extend(try_join_all(part.iter().map(|row| transaction.execute_raw(&statement, row))).await?);
    }
    Ok(changed)
}

fn convert(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let value = |(column, description): (usize, &tokio_postgres::Column)| match *description.type_() {
        Type::TEXT => Ok(row.try_get::<_, Option<&str>>(column)?.into()),
        Type::INT8 => Ok(row.try_get::<_, Option<i64>>(column)?.into()),
        ref other => Err(StoreError::Corrupt(format!("column {column} is of type {other}"))),
    };
    Ok(Row(row.columns().iter().enumerate().map(value).collect::<Result<_, StoreError>>()?))
}

/// A server whose administrator turned durability off gets it back for our connections: a login attempt that a power cut
/// forgets would be made twice.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') = 'off'";

/// Any number that no other program uses for an advisory lock in this database: "sealmill" in ASCII.
const MIGRATION_LOCK: i64 = 0x7365_616c_6d69_6c6c;

/// Attempts at one transaction.
const ATTEMPTS: usize = 4;

/// Rows sent before the first answer is awaited.
const PIPELINED_ROWS_MAX: usize = 256;

/// How long to wait for a connection to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for a free connection, and for the answer of one operation.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);
