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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{DocumentEnd, NewJob, Store, StoreError, WholeDocument};
use tokio::sync::{mpsc, oneshot};

/// One document's outcome and what depends on it.
pub struct Entry {
    /// Whose document.
    pub tenant: TenantId,
    /// Its job and its name, if the store does not know it yet: then it is written together with its end.
    pub new: Option<(NewJob, String)>,
    /// Its end.
    pub end: DocumentEnd,
    /// What the audit log says of it.
    pub audit: AuditEntry,
    /// Where its result lies, if there is one: made durable before the end is written, once for the group.
    pub result_on: Option<FileSystem>,
    /// Somebody waits for it, and it was announced: its group waits a moment at most, and for nobody if nobody comes.
    pub awaited: Option<Coming>,
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
    state: Arc<State>,
}

/// What doors and recorder know of each other.
#[derive(Default)]
struct State {
    /// Awaited documents that are being worked on.
    coming: AtomicUsize,
    /// The store did not take the last outcomes.
    is_stalled: AtomicBool,
}

/// Stands for an awaited document from its beginning until it is gathered: while others are coming, a group waits for
/// them a moment.
pub struct Coming(Arc<State>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.coming.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Recorder {
    /// Starts the recorder on the current runtime. The handle ends when everything is written.
    pub fn start(store: Store) -> (Self, tokio::task::JoinHandle<()>) {
        let (entries, line) = mpsc::channel(STORE_GROUP_ROWS_MAX);
        let state = Arc::new(State::default());
        let task = tokio::spawn(run(store, line, state.clone()));
        (Self { entries, state }, task)
    }

    /// Says that somebody will wait for a document's outcome.
    pub fn announce(&self) -> Coming {
        self.state.coming.fetch_add(1, Ordering::AcqRel);
        Coming(self.state.clone())
    }

    /// Whether the store does not take outcomes now: what is begun meanwhile would wait for it.
    pub fn is_stalled(&self) -> bool {
        self.state.is_stalled.load(Ordering::Acquire)
    }

    /// Queues an entry; waits while the line is full.
    pub async fn record(&self, entry: Entry) {
        if self.entries.send(entry).await.is_err() {
            tracing::error!("the recorder has ended; the document is found again at the next start");
        }
    }
}

async fn run(store: Store, mut line: mpsc::Receiver<Entry>, state: Arc<State>) {
    let mut publishing: Option<tokio::task::JoinHandle<()>> = None;
    let mut group = Vec::with_capacity(STORE_GROUP_ROWS_MAX);
    let mut pace = Pace { last: tokio::time::Instant::now(), had_company: false };
    while gather(&mut line, &mut group, pace, &state).await {
        let started = Instant::now();
        pace = Pace { last: started.into(), had_company: group.len() > 1 };
        metrics::histogram!(measure::GROUP_ROWS).record(group.len() as f64);
        let places = group.iter().filter_map(|entry| entry.result_on.clone()).map(|on| (on.device(), on)).collect();
        let failed = sync_results(places).await;
        let not_durable = |entry: &mut Entry| entry.result_on.as_ref().is_some_and(|on| failed.contains(&on.device()));
        let lost: Vec<Entry> = group.extract_if(.., not_durable).collect();
        let afters = write(&store, group.drain(..), &state).await;
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

/// What the group before tells of the next one.
#[derive(Clone, Copy)]
struct Pace {
    /// When it was gathered.
    last: tokio::time::Instant,
    /// Where there was company, more is coming: a group that waits longer costs each of its entries less.
    had_company: bool,
}

impl Pace {
    /// When a group is taken that has its first entry now.
    fn due(self, is_awaited: bool) -> tokio::time::Instant {
        let now = tokio::time::Instant::now();
        match (is_awaited, self.had_company) {
            (true, _) => now.max(self.last + AWAITED_PACE),
            (false, true) => now + WAIT_BUSY,
            (false, false) => now + WAIT_QUIET,
        }
    }
}

/// Waits for a first entry, then for enough of them or until it is due, and takes what is there. For an entry that somebody
/// waits for it is due soon, and at once if the one before was alone and no other is coming that somebody waits for. `false`
/// when there will be no more.
async fn gather(line: &mut mpsc::Receiver<Entry>, group: &mut Vec<Entry>, pace: Pace, state: &State) -> bool {
    let Some(mut entry) = line.recv().await else { return false };
    let mut is_awaited = entry.awaited.is_some();
    let mut due = pace.due(is_awaited);
    loop {
        if entry.awaited.take().is_some() && !is_awaited {
            is_awaited = true;
            due = due.min(pace.due(true));
        }
        group.push(entry);
        if group.len() >= STORE_GROUP_ROWS_MAX {
            return true;
        }
        entry = match line.try_recv() {
            Ok(next) => next,
            Err(_) if group.len() >= ROWS_ENOUGH => return true,
            Err(_) if is_awaited && !pace.had_company && state.coming.load(Ordering::Acquire) == 0 => return true,
            Err(_) => match tokio::time::timeout_at(due, line.recv()).await {
                Ok(Some(next)) => next,
                Ok(None) | Err(_) => return true,
            },
        };
    }
}

/// Writes the rows of a group, one transaction for each tenant, until the store has taken them.
async fn write(store: &Store, entries: impl Iterator<Item = Entry>, state: &State) -> Vec<After> {
    let mut afters = Vec::new();
    let mut tenants: BTreeMap<TenantId, Rows> = BTreeMap::new();
    for entry in entries {
        let rows = tenants.entry(entry.tenant).or_default();
        match entry.new {
            Some((job, name)) => {
                rows.whole.push(WholeDocument { job, name, end: entry.end });
                rows.whole_audit.push(entry.audit);
            }
            None => {
                rows.ends.push(entry.end);
                rows.audit.push(entry.audit);
            }
        }
        afters.push(entry.after);
    }
    for (tenant, rows) in tenants {
        let mut wait = RETRY_FIRST;
        while let Err(error) = rows.write(store, &tenant).await {
            state.is_stalled.store(true, Ordering::Release);
            metrics::counter!(measure::STORE_BUSY).increment(1);
            let count = rows.ends.len() + rows.whole.len();
            tracing::error!(%tenant, %error, rows = count, "the store does not take outcomes; trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        state.is_stalled.store(false, Ordering::Release);
    }
    afters
}

/// What is written of a tenant's documents in a group.
#[derive(Default)]
struct Rows {
    ends: Vec<DocumentEnd>,
    audit: Vec<AuditEntry>,
    whole: Vec<WholeDocument>,
    whole_audit: Vec<AuditEntry>,
}

impl Rows {
    /// Writing again what was written changes nothing.
    async fn write(&self, store: &Store, tenant: &TenantId) -> Result<(), StoreError> {
        // At once: they may share a transaction.
        let ends = async {
            if !self.ends.is_empty() {
                store.finish(tenant, &self.ends, &self.audit).await?;
            }
            Ok(())
        };
        let whole = async {
            if !self.whole.is_empty() {
                store.record(tenant, &self.whole, &self.whole_audit).await?;
            }
            Ok(())
        };
        futures_util::future::try_join(ends, whole).await.map(drop)
    }
}

/// How long the first entry waits for others when the one before it was alone.
const WAIT_QUIET: Duration = Duration::from_micros(STORE_GROUP_WAIT_MICROS);
/// How long it waits when there were several: what people wait for from signed to published, at most.
const WAIT_BUSY: Duration = Duration::from_millis(50);
/// From one group with an entry that somebody waits for to the next one.
const AWAITED_PACE: Duration = Duration::from_millis(4);
/// With so many the price of a group is spread thinly enough; waiting for more would only hold permits.
const ROWS_ENOUGH: usize = 128;
const RETRY_FIRST: Duration = Duration::from_millis(100);
/// So long after the store is back callers may still be told that it is not.
const RETRY_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use model::{DocumentId, JobId, Outcome, Time};
    use tokio::time::Instant;

    fn entry(awaited: Option<Coming>) -> Entry {
        let id = DocumentId { job: JobId::new(Time::from_micros(1), [1; 10]), number: 0 };
        let end = DocumentEnd {
            id,
            outcome: Outcome::Done,
            format: None,
            signer: None,
            output: None,
            ended_at: Time::from_micros(1),
            micros: 1,
        };
        let audit = AuditEntry::of_document(end.ended_at, "cli", id, "a", &end.outcome, None);
        let after = After::Run(Box::new(|_| ()));
        let tenant = TenantId::new("main").unwrap();
        Entry { tenant, new: None, end, audit, result_on: None, awaited, after }
    }

    struct Line {
        door: Recorder,
        line: mpsc::Receiver<Entry>,
        pace: Pace,
    }

    /// A line whose last group was taken now.
    fn line(had_company: bool) -> Line {
        let (entries, line) = mpsc::channel(STORE_GROUP_ROWS_MAX);
        let door = Recorder { entries, state: Arc::default() };
        Line { door, line, pace: Pace { last: Instant::now(), had_company } }
    }

    impl Line {
        /// How many entries the next group has, and after how long.
        async fn group(&mut self) -> (usize, Duration) {
            let (started, mut group) = (Instant::now(), Vec::new());
            assert!(gather(&mut self.line, &mut group, self.pace, &self.door.state).await);
            (group.len(), started.elapsed())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_waits_for_nobody() {
        let mut line = line(false);
        line.door.record(entry(Some(line.door.announce()))).await;
        assert_eq!(line.group().await, (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_waited_for_waits_for_those_who_are_coming_and_no_longer_than_the_pace() {
        let mut line = line(false);
        let (late, later) = (line.door.announce(), line.door.announce());
        line.door.record(entry(Some(line.door.announce()))).await;
        let door = line.door.clone();
        tokio::spawn(async move {
            tokio::time::sleep(AWAITED_PACE / 2).await;
            door.record(entry(Some(late))).await;
            tokio::time::sleep(AWAITED_PACE).await;
            door.record(entry(Some(later))).await;
        });
        assert_eq!(line.group().await, (2, AWAITED_PACE));
        line.pace = Pace { last: Instant::now(), had_company: true };
        assert_eq!(line.group().await, (1, AWAITED_PACE));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_one_who_gave_up() {
        let mut line = line(false);
        let gone = line.door.announce();
        line.door.record(entry(Some(line.door.announce()))).await;
        drop(gone);
        assert_eq!(line.group().await, (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_nobody_waits_for_becomes_urgent_with_the_first_who_does() {
        let mut line = line(true);
        line.door.record(entry(None)).await;
        let door = line.door.clone();
        let wait = AWAITED_PACE * 3;
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            door.record(entry(Some(door.announce()))).await;
        });
        assert_eq!(line.group().await, (2, wait));
        line.door.record(entry(None)).await;
        assert_eq!(line.group().await, (1, WAIT_BUSY));
    }
}
