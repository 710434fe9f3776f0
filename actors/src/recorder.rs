//! Makes outcomes durable, a group at a time, off the hot path.
//!
//! While one group is being written the next one gathers, so the price of durability is paid once for a group, not once
//! for a document. What has to happen after a document's outcome is durable (moving its files) happens for the whole
//! group on one thread. The recorder never drops an entry: while the store is away it waits and tries again.

use crate::measure::{self, Stage};
use model::limits::{STORE_GROUP_ROWS_MAX, STORE_GROUP_WAIT_MICROS};
use model::{AuditEntry, TenantId};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use store::{DocumentEnd, Store};
use tokio::sync::mpsc;

/// One document's outcome and what depends on it.
pub struct Entry {
    /// Whose document.
    pub tenant: TenantId,
    /// Its end.
    pub end: DocumentEnd,
    /// What the audit log says of it.
    pub audit: AuditEntry,
    /// Runs once before the group is written, for all entries of the group that name the same key: makes the names of
    /// their files durable.
    pub before: Option<Sync>,
    /// Runs after the end is durable; may block.
    pub after: Box<dyn FnOnce() + Send>,
}

/// A preparation shared by the entries of a group.
#[derive(Clone)]
pub struct Sync {
    /// Equal keys run once a group.
    pub key: u64,
    /// The work; may block.
    pub work: std::sync::Arc<dyn Fn() + Send + std::marker::Sync>,
}

/// The door to the recorder. Cheap to clone; when all doors are gone the recorder writes what it has and ends.
#[derive(Clone)]
pub struct Recorder {
    entries: mpsc::Sender<Entry>,
}

impl Recorder {
    /// Starts the recorder on the current runtime. The handle ends when everything is written.
    pub fn start(store: Store) -> (Self, tokio::task::JoinHandle<()>) {
        let (entries, line) = mpsc::channel(STORE_GROUP_ROWS_MAX);
        (Self { entries }, tokio::spawn(run(store, line)))
    }

    /// Queues an entry; waits while the line is full.
    pub async fn record(&self, entry: Entry) {
        if self.entries.send(entry).await.is_err() {
            tracing::error!("the recorder has ended; the document is found again at the next start");
        }
    }
}

async fn run(store: Store, mut line: mpsc::Receiver<Entry>) {
    let mut publishing: Option<tokio::task::JoinHandle<()>> = None;
    let mut group = Vec::with_capacity(STORE_GROUP_ROWS_MAX);
    let mut wait = WAIT_QUIET;
    while gather(&mut line, &mut group, wait).await {
        let started = Instant::now();
        // Where there is company, more is coming: a group that waits longer costs each of its entries less.
        wait = if group.len() > 1 { WAIT_BUSY } else { WAIT_QUIET };
        metrics::histogram!(measure::GROUP_ROWS).record(group.len() as f64);
        let (befores, entries): (Vec<_>, Vec<_>) = group.drain(..).map(split).unzip();
        let befores: BTreeMap<u64, Sync> = befores.into_iter().flatten().map(|sync| (sync.key, sync)).collect();
        let synced = tokio::task::spawn_blocking(move || befores.values().for_each(|sync| (sync.work)()));
        if synced.await.is_err() {
            tracing::error!("making file names durable panicked");
        }
        let afters = write(&store, entries).await;
        Stage::Record.record(started.elapsed());
        // At most one group is being published while the next one is written.
        if let Some(previous) = publishing.take() {
            let _ = previous.await;
        }
        publishing = Some(tokio::task::spawn_blocking(move || {
            for after in afters {
                Stage::Publish.timed(after);
            }
        }));
    }
    if let Some(previous) = publishing {
        let _ = previous.await;
    }
}

type Row = (TenantId, DocumentEnd, AuditEntry, Box<dyn FnOnce() + Send>);

fn split(entry: Entry) -> (Option<Sync>, Row) {
    (entry.before, (entry.tenant, entry.end, entry.audit, entry.after))
}

/// Waits for a first entry, then for enough of them or until `wait` is over, and takes what is there. `false` when
/// there will be no more.
async fn gather(line: &mut mpsc::Receiver<Entry>, group: &mut Vec<Entry>, wait: Duration) -> bool {
    let Some(first) = line.recv().await else { return false };
    group.push(first);
    let end = tokio::time::sleep(wait);
    tokio::pin!(end);
    while group.len() < ROWS_ENOUGH {
        tokio::select! {
            biased;
            entry = line.recv() => match entry {
                Some(entry) => group.push(entry),
                None => return true,
            },
            () = &mut end => break,
        }
    }
    while group.len() < STORE_GROUP_ROWS_MAX
        && let Ok(entry) = line.try_recv()
    {
        group.push(entry);
    }
    true
}

/// Writes the rows of a group, one transaction for each tenant, until the store has taken them.
async fn write(store: &Store, rows: Vec<Row>) -> Vec<Box<dyn FnOnce() + Send>> {
    let mut afters = Vec::with_capacity(rows.len());
    let mut tenants: BTreeMap<TenantId, (Vec<DocumentEnd>, Vec<AuditEntry>)> = BTreeMap::new();
    for (tenant, end, audit, after) in rows {
        let (ends, audits) = tenants.entry(tenant).or_default();
        ends.push(end);
        audits.push(audit);
        afters.push(after);
    }
    for (tenant, (ends, audits)) in tenants {
        let mut wait = RETRY_FIRST;
        while let Err(error) = store.finish(&tenant, &ends, &audits).await {
            metrics::counter!(measure::STORE_BUSY).increment(1);
            tracing::error!(%tenant, %error, rows = ends.len(), "the store does not take outcomes; trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }
    afters
}

/// How long the first entry waits for others when the one before it was alone.
const WAIT_QUIET: Duration = Duration::from_micros(STORE_GROUP_WAIT_MICROS);
/// How long it waits when there were several: what people wait for from signed to published, at most.
const WAIT_BUSY: Duration = Duration::from_millis(50);
/// With so many the price of a group is spread thinly enough; waiting for more would only hold permits.
const ROWS_ENOUGH: usize = 128;
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(10);
