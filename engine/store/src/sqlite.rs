//! The embedded database: one thread owns the only writing connection, another the only reading one. A third moves what
//! was written from the log of the database into its file, which takes two syncs of the disk that no writer has to wait for.
//!
//! Callers wait in bounded lines. The writer takes what stands in line into one transaction, so that many callers share
//! one sync of the disk; each caller's part is a savepoint of its own and fails alone.

use crate::audit::Head;
use crate::error::StoreError;
use crate::sql;
use crate::value::{Row, Value};
use crate::work::{Work, Written};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags, TransactionBehavior};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// The threads and the lines before them.
pub(crate) struct Sqlite {
    writes: Option<mpsc::Sender<Write>>,
    reads: Option<mpsc::Sender<Read>>,
    threads: Vec<JoinHandle<()>>,
}

struct Write {
    work: Work,
    reply: oneshot::Sender<Result<Written, StoreError>>,
}

struct Read {
    statement: &'static str,
    values: Vec<Value>,
    reply: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

impl Sqlite {
    pub(crate) async fn open(path: PathBuf, node: Arc<str>) -> Result<Self, StoreError> {
        let (writes, write_line) = mpsc::channel(WAITING_MAX);
        let (reads, read_line) = mpsc::channel(WAITING_MAX);
        let mut sqlite = Self { writes: Some(writes), reads: Some(reads), threads: Vec::with_capacity(3) };

        // The reader comes second: it cannot open a file that is not there yet.
        let (ready, opened) = oneshot::channel();
        let (file, log) = (path.clone(), Arc::new(Log::default()));
        let (due, moves) = std::sync::mpsc::sync_channel(1);
        let written = log.clone();
        sqlite.start("store-writer", move || match Writer::open(&file, node) {
            Ok(mut writer) => {
                let _ = ready.send(Ok(()));
                writer.log = Some((written, due));
                writer.run(write_line);
            }
            Err(error) => drop(ready.send(Err(error))),
        })?;
        opened.await.map_err(|_| ended())??;

        let (ready, opened) = oneshot::channel();
        let file = path.clone();
        sqlite.start("store-mover", move || match Connection::open_with_flags(&file, OPEN_FLAGS) {
            Ok(connection) => {
                let _ = ready.send(Ok(()));
                move_all(&connection, &log, &moves);
            }
            Err(error) => drop(ready.send(Err(StoreError::from(error)))),
        })?;
        opened.await.map_err(|_| ended())??;

        let (ready, opened) = oneshot::channel();
        sqlite.start("store-reader", move || match open_reader(&path) {
            Ok(connection) => {
                let _ = ready.send(Ok(()));
                read_all(&connection, read_line);
            }
            Err(error) => drop(ready.send(Err(error))),
        })?;
        opened.await.map_err(|_| ended())??;
        Ok(sqlite)
    }

    pub(crate) async fn read(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let line = self.reads.as_ref().ok_or_else(ended)?;
        line.send(Read { statement, values, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    pub(crate) async fn write(&self, work: Work) -> Result<Written, StoreError> {
        let (reply, answer) = oneshot::channel();
        let line = self.writes.as_ref().ok_or_else(ended)?;
        line.send(Write { work, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    fn start(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
        self.threads.push(thread.map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?);
        Ok(())
    }
}

impl Drop for Sqlite {
    /// Lets the threads finish what stands in line and close the file, so that a new opening finds it closed.
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

/// What writer and mover tell each other of the log.
#[derive(Default)]
struct Log {
    /// It is long, and all but the last transactions are moved: if the writer moves those, it can begin anew.
    is_nearly_moved: AtomicBool,
}

struct Writer {
    connection: Connection,
    node: Arc<str>,
    /// What the mover is told by, once there is one.
    log: Option<(Arc<Log>, SyncSender<()>)>,
    /// Pages that were written since it was told, about.
    pages: usize,
    /// Ends of this node's chains, by tenant. Valid while `data_version` stands.
    heads: HashMap<Arc<str>, Head>,
    data_version: i64,
}

impl Writer {
    fn open(path: &Path, node: Arc<str>) -> Result<Self, StoreError> {
        make_private(path)?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The mover is faster; this bounds the log if it is not.
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX)?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        // Two processes may bring the same new file up to date: the one that comes second fails and finds it done.
        let runner = migrations::migrations::runner().set_grouped(true);
        if let Err(first) = runner.run(&mut connection) {
            tracing::debug!(error = %first, "migration repeated");
            runner.run(&mut connection)?;
        }
        connection.set_prepared_statement_cache_capacity(sql::all().count() + 16);
        for (name, statement) in sql::all() {
            connection
                .prepare_cached(statement)
                .map_err(|error| StoreError::Corrupt(format!("statement {name} does not fit the schema: {error}")))?;
        }
        Ok(Self { connection, node, log: None, pages: 0, heads: HashMap::new(), data_version: -1 })
    }

    fn run(mut self, mut line: mpsc::Receiver<Write>) {
        while let Some(first) = line.blocking_recv() {
            let mut rows = first.work.len();
            let mut group = vec![first];
            while rows < GROUP_ROWS_MAX
                && let Ok(next) = line.try_recv()
            {
                rows += next.work.len();
                group.push(next);
            }
            let works: Vec<&Work> = group.iter().map(|write| &write.work).collect();
            let answers = self.transact(&works);
            if answers.is_err() {
                self.heads.clear();
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
            }
            match answers {
                // A caller that is gone does not want to know; what it asked for is done.
                Ok(answers) => {
                    group.into_iter().zip(answers).for_each(|(write, answer)| drop(write.reply.send(answer)))
                }
                Err(error) => group.into_iter().for_each(|write| drop(write.reply.send(Err(error.clone())))),
            }
            self.shorten_log(rows);
        }
    }

    /// After the answers are out: tells the mover when there is something to do, and does the last of it.
    fn shorten_log(&mut self, rows: usize) {
        let Some((log, due)) = &self.log else { return };
        self.pages += TRANSACTION_PAGES + rows;
        if self.pages >= MOVE_PAGES && !matches!(due.try_send(()), Err(TrySendError::Full(()))) {
            self.pages = 0;
        }
        // Nobody else writes meanwhile, so that nothing is left in the log and the next transaction begins at its start.
        if log.is_nearly_moved.swap(false, Ordering::AcqRel)
            && let Err(error) = move_once(&self.connection)
        {
            tracing::warn!(%error, "the log of the database was not shortened");
        }
    }

    fn transact(&mut self, works: &[&Work]) -> Result<Vec<Result<Written, StoreError>>, StoreError> {
        self.run_cached("BEGIN IMMEDIATE")?;
        let version =
            self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get::<_, i64>(0))?;
        if version != self.data_version {
            // Another process wrote, perhaps to our chains.
            self.heads.clear();
            self.data_version = version;
        }
        let mut answers = Vec::with_capacity(works.len());
        for work in works {
            self.run_cached("SAVEPOINT part")?;
            let answer = self.part(work);
            match &answer {
                Ok(written) if written.taken_back => {
                    self.connection.execute_batch("ROLLBACK TO part; RELEASE part")?;
                }
                Ok(_) => self.run_cached("RELEASE part")?,
                Err(error) if self.connection.is_autocommit() => return Err(error.clone()),
                Err(_) => {
                    self.heads.remove(&work.tenant);
                    self.connection.execute_batch("ROLLBACK TO part; RELEASE part")?;
                }
            }
            answers.push(answer);
        }
        self.run_cached("COMMIT")?;
        Ok(answers)
    }

    fn run_cached(&self, statement: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    fn part(&mut self, work: &Work) -> Result<Written, StoreError> {
        let mut written = Written::default();
        for step in &work.steps {
            written.changed.push(execute(&self.connection, step.statement, &step.rows)?);
            if written.fails(work) {
                written.taken_back = true;
                return Ok(written);
            }
        }
        if !work.audit.is_empty() {
            let head = match self.heads.get(&work.tenant) {
                Some(head) => *head,
                None => {
                    let values = [Value::Text(work.tenant.clone()), Value::Text(self.node.clone())];
                    Head::from_rows(&query(&self.connection, sql::AUDIT_HEAD, &values)?)?
                }
            };
            let (rows, head) = work.audit_rows(&self.node, head, &written);
            execute(&self.connection, sql::INSERT_AUDIT, &rows)?;
            self.heads.insert(work.tenant.clone(), head);
        }
        Ok(written)
    }
}

/// The database file is made for its owner only: names of documents are nobody else's business.
fn make_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map(drop).map_err(|error| StoreError::Config(format!("{}: {error}", path.display())))
}

/// Moves what is in the log whenever the writer says so, until there is no writer any more.
fn move_all(connection: &Connection, log: &Log, due: &std::sync::mpsc::Receiver<()>) {
    while due.recv().is_ok() {
        match move_once(connection) {
            Ok(pages) if pages >= LOG_PAGES_LONG => log.is_nearly_moved.store(true, Ordering::Release),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the log of the database was not moved into its file"),
        }
    }
}

/// Moves what can be moved without making anybody wait; gives the length of the log in pages.
fn move_once(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |row| row.get(1))
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OPEN_FLAGS)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.set_prepared_statement_cache_capacity(sql::all().count());
    Ok(connection)
}

fn read_all(connection: &Connection, mut line: mpsc::Receiver<Read>) {
    while let Some(Read { statement, values, reply }) = line.blocking_recv() {
        if !reply.is_closed() {
            let _ = reply.send(query(connection, statement, &values));
        }
    }
}

fn execute(connection: &Connection, statement: &str, rows: &[Vec<Value>]) -> Result<Vec<u64>, StoreError> {
    let mut statement = connection.prepare_cached(statement)?;
    let mut changed = Vec::with_capacity(rows.len());
    let places = places(&statement)?;
    for row in rows {
        bind(&mut statement, &places, row)?;
        changed.push(statement.raw_execute()? as u64);
    }
    Ok(changed)
}

fn query(connection: &Connection, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(statement)?;
    let places = places(&statement)?;
    bind(&mut statement, &places, values)?;
    let columns = statement.column_count();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let value = |column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Text(text) => Value::from(&*String::from_utf8_lossy(text)),
                ValueRef::Integer(number) => Value::Int(number),
                ValueRef::Null => Value::Null,
                ValueRef::Real(_) | ValueRef::Blob(_) => {
                    return Err(StoreError::Corrupt(format!("column {column} holds neither text nor a whole number")));
                }
            })
        };
        found.push(Row((0..columns).map(value).collect::<Result<_, StoreError>>()?));
    }
    Ok(found)
}

/// Where `$1`, `$2`, … stand. SQLite numbers `$2 … $1` by first appearance, so binding by place would swap them silently:
/// the places are asked for by name.
fn places(statement: &CachedStatement<'_>) -> Result<Vec<usize>, StoreError> {
    let place = |name: &&str| {
        statement.parameter_index(name)?.ok_or_else(|| StoreError::Invalid(format!("a statement has no {name}")))
    };
    NAMES.iter().take(statement.parameter_count()).map(place).collect()
}

fn bind(statement: &mut CachedStatement<'_>, places: &[usize], values: &[Value]) -> Result<(), StoreError> {
    if places.len() != values.len() {
        let (wanted, given) = (places.len(), values.len());
        return Err(StoreError::Invalid(format!("a statement takes {wanted} values, {given} were given")));
    }
    for (value, place) in values.iter().zip(places) {
        statement.raw_bind_parameter(*place, value)?;
    }
    Ok(())
}

fn ended() -> StoreError {
    StoreError::Unavailable("a thread of the store has ended".into())
}

const NAMES: [&str; 12] = ["$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12"];

const OPEN_FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Pages that a transaction writes beside one for each of its rows: where they are and what is found by.
const TRANSACTION_PAGES: usize = 10;

/// Pages after which what is in the log is moved. Many of them are the same ones, written again and again.
const MOVE_PAGES: usize = 2_000;

/// From so many pages on the log is to begin anew, which takes a moment of the writer's time.
const LOG_PAGES_LONG: i64 = 4_000;

/// With so many the writer moves everything itself.
const LOG_PAGES_MAX: i64 = 32_000;

/// Callers that wait in each line.
const WAITING_MAX: usize = 64;

/// Rows after which the writer takes no more callers into a transaction.
const GROUP_ROWS_MAX: usize = 4 * model::limits::STORE_GROUP_ROWS_MAX;

/// How long another process may hold the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn placeholders_are_bound_by_name_whatever_their_order() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (id TEXT, state TEXT); INSERT INTO t VALUES ('a', 'old')").unwrap();
        let reversed = "UPDATE t SET state = $2 WHERE id = $1";
        assert_eq!(execute(&connection, reversed, &[vec!["a".into(), "new".into()]]).unwrap(), [1]);
        let rows =
            query(&connection, "SELECT $3, $1, $2, state FROM t WHERE $1 = 'x'", &["x".into(), 2.into(), Value::Null]);
        assert_eq!(rows.unwrap()[0].0, [Value::Null, "x".into(), Value::Int(2), "new".into()]);
    }

    #[test]
    fn a_wrong_number_of_values_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(matches!(query(&connection, "SELECT $1, $2", &["x".into()]), Err(StoreError::Invalid(_))));
        assert!(matches!(query(&connection, "SELECT $1, $3", &["x".into(), "y".into()]), Err(StoreError::Invalid(_))));
    }

    #[test]
    fn a_restart_looks_for_open_documents_in_their_own_index() {
        let directory = tempfile::tempdir().unwrap();
        let writer = Writer::open(&directory.path().join("store.db"), "a".into()).unwrap();
        let mut plan = writer.connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql::OPEN_DOCUMENTS)).unwrap();
        // Without values bound: only the plan is asked for.
        let outer_loop: String = plan.raw_query().next().unwrap().unwrap().get(3).unwrap();
        assert!(outer_loop.contains("INDEX document_open"), "{outer_loop}");
    }

    #[test]
    fn a_part_that_fails_does_not_take_the_others_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&directory.path().join("store.db"), "a".into()).unwrap();
        let works = [good(1), bad(), good(2)];
        let answers = writer.transact(&works.iter().collect::<Vec<_>>()).unwrap();
        assert!(answers[0].is_ok() && answers[2].is_ok());
        assert!(matches!(answers[1], Err(StoreError::Invalid(_))));
        assert_eq!(numbers(&writer), [1, 2]);
    }

    #[test]
    fn a_full_disk_is_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&directory.path().join("store.db"), "a".into()).unwrap();
        let pages = |writer: &Writer, count: i64| {
            writer
                .connection
                .query_row(&format!("PRAGMA max_page_count = {count}"), [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        let full = pages(&writer, 1);
        pages(&writer, full);
        let mut large = good(1);
        large.audit[0].entry.object = "x".repeat(100_000);
        let answers = writer.transact(&[&large]);
        let error = answers.map_or_else(|error| error, |answers| answers.into_iter().next().unwrap().unwrap_err());
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        if !writer.connection.is_autocommit() {
            writer.connection.execute_batch("ROLLBACK").unwrap();
        }
        writer.heads.clear();
        pages(&writer, 10_000);
        writer.transact(&[&large]).unwrap().remove(0).unwrap();
        assert_eq!(numbers(&writer), [1]);
    }

    #[test]
    fn the_log_begins_anew_while_somebody_writes_all_the_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let pages = runtime.block_on(async {
            let sqlite = Sqlite::open(path.clone(), "a".into()).await.unwrap();
            let mut pages = 0;
            while pages < 3 * LOG_PAGES_LONG {
                let mut work = good(1);
                work.audit = (0..64).map(|_| good(1).audit.remove(0)).collect();
                work.audit.iter_mut().for_each(|entry| entry.entry.object = "x".repeat(1_000));
                sqlite.write(work).await.unwrap();
                pages += 64 * 1_000 / 4_096; // and some for the index
            }
            std::fs::metadata(directory.path().join("store.db-wal")).unwrap().len() / 4_096
        });
        assert!(pages < 2 * LOG_PAGES_LONG as u64, "the log has {pages} pages");
        let writer = Writer::open(&path, "a".into()).unwrap();
        assert_eq!(numbers(&writer).len() % 64, 0);
    }

    fn good(second: i64) -> Work {
        let mut work = Work::new(&model::TenantId::new("acme").unwrap());
        let entry = model::AuditEntry {
            at: model::Time::from_seconds(second),
            who: "system".into(),
            what: "test",
            object: "x".into(),
            signer: None,
            detail: None,
        };
        work.audit.push(crate::work::Entry { entry, only_if: None });
        work
    }

    /// A document without a job, behind an audit entry that must not stay.
    fn bad() -> Work {
        let row = vec!["acme".into(), "no-job".into(), 0.into(), "name".into()];
        Work {
            steps: vec![crate::work::Step { statement: sql::INSERT_DOCUMENT, rows: vec![row], demanded: false }],
            ..good(9)
        }
    }

    fn numbers(writer: &Writer) -> Vec<i64> {
        let mut statement = writer.connection.prepare("SELECT number FROM audit ORDER BY number").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}
