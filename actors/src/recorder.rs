//! Makes outcomes durable, a group at a time, off the hot path.
//!
//! While one group is being written the next one gathers, so the price of durability is paid once for a group, not once
//! for a document. What has to happen after a document's outcome is durable (moving its files) happens for the whole
//! group on one thread. The recorder never drops an entry: while the store is away it waits and tries again.

use crate::deliver::FileSystem;
use crate::measure::{self, Stage};
use model::limits::{STORE_GROUP_ROWS_MAX, STORE_GROUP_WAIT_MICROS};
use model::{AuditEntry, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use store::{DocumentEnd, Store};
use tokio::sync::{mpsc, oneshot};

/// One document's outcome and what depends on it.
pub struct Entry {
    /// Whose document.
    pub tenant: TenantId,
    /// Its end.
    pub end: DocumentEnd,
    /// What the audit log says of it.
    pub audit: AuditEntry,
    /// Where its result lies, if there is one: made durable before the end is written, once for the group.
    pub result_on: Option<FileSystem>,
    /// Somebody waits for it: its group does not wait for company.
    pub urgent: bool,
    /// Follows with `true` after the end is durable, or with `false` if the result could not be made durable and so nothing
    /// was written of it.
    pub after: After,
}

/// What follows an entry.
pub enum After {
    /// Somebody is told, at once. It may be that nobody is left to hear it.
    Tell(oneshot::Sender<bool>),
    /// This runs, behind what is run for the groups before. May block.
    Run(Box<dyn FnOnce(bool) + Send>),
}

impl After {
    /// Tells, or gives back what is to be run.
    fn tell(self, durable: bool) -> Option<Box<dyn FnOnce(bool) + Send>> {
        match self {
            After::Tell(sender) => {
                let _ = sender.send(durable);
                None
            }
            After::Run(run) => Some(run),
        }
    }
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
        let places = group.iter().filter_map(|entry| entry.result_on.clone()).map(|on| (on.device(), on)).collect();
        let failed = sync_results(places).await;
        let not_durable = |entry: &mut Entry| entry.result_on.as_ref().is_some_and(|on| failed.contains(&on.device()));
        let lost: Vec<Entry> = group.extract_if(.., not_durable).collect();
        let afters = write(&store, group.drain(..)).await;
        Stage::Record.record(started.elapsed());
        let afters: Vec<_> = afters.into_iter().filter_map(|after| after.tell(true)).collect();
        let lost: Vec<_> = lost.into_iter().filter_map(|entry| entry.after.tell(false)).collect();
        if afters.is_empty() && lost.is_empty() {
            continue;
        }
        // At most one group is being published while the next one is written.
        if let Some(previous) = publishing.take() {
            let _ = previous.await;
        }
        publishing = Some(tokio::task::spawn_blocking(move || {
            for after in afters {
                Stage::Publish.timed(|| after(true));
            }
            for after in lost {
                after(false);
            }
        }));
    }
    if let Some(previous) = publishing {
        let _ = previous.await;
    }
}

/// Makes the results of a group durable, by device; gives the devices where that failed.
async fn sync_results(places: BTreeMap<u64, FileSystem>) -> BTreeSet<u64> {
    let all: BTreeSet<u64> = places.keys().copied().collect();
    if all.is_empty() {
        return all;
    }
    let sync = move || {
        let failed = places.into_iter().filter_map(|(device, place)| match place.sync() {
            Ok(()) => None,
            Err(error) => {
                tracing::error!(%error, "the disk does not take results; they are made again");
                Some(device)
            }
        });
        failed.collect()
    };
    // If the thread is lost, nothing is known to be durable.
    tokio::task::spawn_blocking(move || Stage::Sync.timed(sync)).await.unwrap_or(all)
}

/// Waits for a first entry, then for enough of them or until `wait` is over, and takes what is there. For one that somebody
/// waits for it is not waited longer than a moment, and not at all where there was no company before. `false` when there
/// will be no more.
async fn gather(line: &mut mpsc::Receiver<Entry>, group: &mut Vec<Entry>, wait: Duration) -> bool {
    let Some(first) = line.recv().await else { return false };
    let soon = if wait > WAIT_QUIET { WAIT_QUIET } else { Duration::ZERO };
    let mut urgent = first.urgent;
    group.push(first);
    let end = tokio::time::sleep(if urgent { soon } else { wait });
    tokio::pin!(end);
    while group.len() < ROWS_ENOUGH && !(urgent && soon.is_zero()) {
        tokio::select! {
            biased;
            entry = line.recv() => match entry {
                Some(entry) => {
                    if entry.urgent && !urgent {
                        urgent = true;
                        let due = end.deadline().min(tokio::time::Instant::now() + soon);
                        end.as_mut().reset(due);
                    }
                    group.push(entry);
                }
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
async fn write(store: &Store, entries: impl Iterator<Item = Entry>) -> Vec<After> {
    let mut afters = Vec::new();
    let mut tenants: BTreeMap<TenantId, (Vec<DocumentEnd>, Vec<AuditEntry>)> = BTreeMap::new();
    for entry in entries {
        let (ends, audits) = tenants.entry(entry.tenant).or_default();
        ends.push(entry.end);
        audits.push(entry.audit);
        afters.push(entry.after);
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
