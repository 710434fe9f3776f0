//! Works on batches: takes documents by leases, in turn between tenants and batches, and lets each go through the pipeline.
//!
//! Any number of servers do this beside each other. A server that is gone holds its documents up until its leases end; one that
//! is only slow may sign a document that another one signs, too, and then the row that came first counts. While the store is
//! away nothing is taken, and what was taken waits for it.

use super::batch::{BatchSettings, found};
use super::kept::Folder;
use super::settings::{Wishes, adapted};
use super::{Api, Ended, Entry, Kept, Refused, Task, shown_name};
use crate::pipeline::{Failure, Terms, blocking};
use model::{JobId, Lane, Profile, Reason, TenantId, Time};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{BatchToDo, Lease, StoreError, Taken};
use tokio::sync::{Notify, mpsc};

/// What the door knows of batches.
pub(super) struct Batches {
    pub(super) settings: BatchSettings,
    interactive_share: AtomicUsize,
    stopped: AtomicBool,
    started: AtomicBool,
    wake: Notify,
    under_way: AtomicUsize,
}

impl Batches {
    pub(super) fn new(settings: BatchSettings) -> Self {
        Self {
            settings,
            interactive_share: AtomicUsize::new(settings.interactive_share.min(SHARE_MAX)),
            stopped: AtomicBool::new(false),
            started: AtomicBool::new(false),
            wake: Notify::new(),
            under_way: AtomicUsize::new(0),
        }
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// One document's way through this server.
struct UnderWay(Api);

impl UnderWay {
    fn new(api: &Api) -> Self {
        api.0.batches.under_way.fetch_add(1, Ordering::AcqRel);
        Self(api.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.batches.under_way.fetch_sub(1, Ordering::AcqRel);
        self.0.0.batches.wake();
    }
}

/// Documents of one batch that were taken together.
struct Load {
    tenant: TenantId,
    lease: Lease,
    folder: Folder,
    cancelled: bool,
    /// The profile and what belongs to it, or why documents cannot be worked on.
    task: Result<Task, Failure>,
}

/// Said of a document whose outcome is durable.
type Closed = (TenantId, model::DocumentId);

impl Api {
    /// Begins to work on batches. Once for each server; inside a runtime.
    pub fn work_on_batches(&self) {
        if self.0.batches.started.swap(true, Ordering::AcqRel) {
            return;
        }
        let (closing, closed) = mpsc::channel(CLOSED_MAX);
        tokio::spawn(self.clone().close(closed));
        tokio::spawn(self.clone().tidy());
        tokio::spawn(self.clone().run(closing));
    }

    /// Of a hundred places, how many are kept for callers who wait.
    pub fn interactive_share(&self) -> usize {
        self.0.batches.interactive_share.load(Ordering::Relaxed)
    }

    /// Changes it, from now on.
    pub fn keep_for_interactive(&self, share: usize) {
        self.0.batches.interactive_share.store(share.min(SHARE_MAX), Ordering::Relaxed);
        self.0.batches.wake();
    }

    async fn run(self, closing: mpsc::Sender<Closed>) {
        let tenants: Vec<TenantId> = self.0.catalogue.tenants().cloned().collect();
        let mut wait = RETRY_FIRST;
        for tenant in &tenants {
            while let Err(error) = self.0.services.store.reclaim_documents(tenant).await {
                tracing::error!(%tenant, %error, "documents of batches cannot be taken up again yet");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
        let mut turns = Turns::default();
        while !self.0.batches.is_stopped() {
            let pause = match self.round(&tenants, &mut turns, &closing).await {
                Ok(0) => {
                    wait = RETRY_FIRST;
                    self.0.batches.settings.poll
                }
                Ok(_) => {
                    wait = RETRY_FIRST;
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "the store does not give out documents of batches; trying again");
                    wait = (wait * 2).min(RETRY_MAX);
                    wait
                }
            };
            let _ = tokio::time::timeout(pause, self.0.batches.wake.notified()).await;
        }
    }

    /// One turn for each tenant. Gives how many documents were taken.
    async fn round(
        &self,
        tenants: &[TenantId],
        turns: &mut Turns,
        closing: &mpsc::Sender<Closed>,
    ) -> Result<usize, StoreError> {
        let mut taken = 0;
        turns.first += 1;
        for index in 0..tenants.len() {
            let Some(tenant) = tenants.get((index + turns.first) % tenants.len()) else { continue };
            for _ in 0..self.0.shares.status(tenant).allowance.weight.max(1) {
                if self.room(tenant) == 0 {
                    break;
                }
                let todo = self.0.services.store.batches_to_do(tenant, self.now(), BATCHES_LOOKED_AT).await?;
                let Some(batch) = turns.next(tenant, &todo) else { break };
                taken += self.load(tenant, batch, closing).await?;
            }
        }
        Ok(taken)
    }

    /// How many documents may be taken now. Few at a time would cost the store as much as many: there is none until half of
    /// what may be under way has ended.
    fn room(&self, tenant: &TenantId) -> usize {
        let all = self.0.services.intake.documents_max();
        let for_batches = (all - all * self.interactive_share() / 100).max(1);
        let under_way = self.0.batches.under_way.load(Ordering::Acquire);
        if under_way > for_batches / 2 {
            return 0;
        }
        let kept_free = all - for_batches;
        let free = self.0.services.intake.free().saturating_sub(kept_free);
        (for_batches - under_way).min(free).min(self.0.shares.left(tenant)).min(TAKEN_AT_ONCE)
    }

    async fn load(
        &self,
        tenant: &TenantId,
        batch: &BatchToDo,
        closing: &mpsc::Sender<Closed>,
    ) -> Result<usize, StoreError> {
        let mut places: Vec<Entry> = Vec::new();
        for _ in 0..self.room(tenant) {
            let Ok(place) = self.enter(tenant) else { break };
            places.push(place);
        }
        let lease = Lease { job: batch.job, name: self.fresh_job().to_string() };
        let limit = u32::try_from(places.len()).unwrap_or(0);
        if limit == 0 {
            return Ok(0);
        }
        let (now, until) = (self.now(), self.now().plus(self.0.batches.settings.lease));
        let taken = self.0.services.store.take_documents(tenant, &lease, now, until, limit).await?;
        if taken.is_empty() {
            return Ok(0);
        }
        let folder = Folder::of(&self.0.spool, tenant, batch.job);
        let load = Arc::new(Load {
            task: self.batch_task(tenant, batch, &folder, &lease),
            tenant: tenant.clone(),
            lease,
            folder,
            cancelled: batch.cancelled,
        });
        tokio::spawn(self.clone().renew(Arc::downgrade(&load)));
        let count = taken.len();
        for (document, place) in taken.into_iter().zip(places) {
            let work = self.clone().one_of_batch(load.clone(), document, place, closing.clone(), UnderWay::new(self));
            tokio::spawn(work);
        }
        Ok(count)
    }

    /// What the documents of a batch have in common, or why they have to wait.
    fn batch_task(
        &self,
        tenant: &TenantId,
        batch: &BatchToDo,
        folder: &Folder,
        lease: &Lease,
    ) -> Result<Task, Failure> {
        let wait = |code, sentence: String| Failure::Deferred(Reason::new(code, sentence));
        let wishes =
            Wishes::read(&batch.terms).ok_or_else(|| wait("batch", "the batch is of a later version".into()))?;
        let refused = |refused: Refused| wait("batch", refused.to_string());
        let configured = self.0.catalogue.profile(tenant, &batch.profile).map_err(refused)?;
        let profile: Arc<Profile> = adapted(&configured, &wishes.settings).map_err(refused)?;
        if !super::fits(wishes.function, profile.format) {
            return Err(wait("batch", format!("profile \"{}\" is for something else by now", batch.profile)));
        }
        let signers = self.0.catalogue.signers(tenant, &wishes.signers).map_err(refused)?;
        let on = folder
            .file_system()
            .map_err(|error| wait("spool", format!("the folder of the batch cannot be opened: {error}")))?;
        Ok(Task {
            tenant: tenant.clone(),
            door: batch.owner.clone(),
            profile,
            terms: Terms { lane: Lane::Batch, signers, keys: Some(self.0.catalogue.tokens(tenant)) },
            job: batch.job,
            kept: Some(Kept { folder: folder.clone(), on, attempt: lease.name.clone() }),
            unknown_since: None,
        })
    }

    /// Keeps the lease while any of its documents is under way.
    async fn renew(self, load: std::sync::Weak<Load>) {
        let period = self.0.batches.settings.lease / 3;
        loop {
            tokio::time::sleep(period).await;
            let Some(load) = load.upgrade() else { return };
            let until = self.now().plus(self.0.batches.settings.lease);
            match self.0.services.store.renew_lease(&load.tenant, &load.lease, until).await {
                Ok(_) => {}
                Err(error) => tracing::warn!(batch = %load.lease.job, %error, "a lease could not be renewed"),
            }
        }
    }

    /// One document to its outcome, or back to where all servers find it.
    async fn one_of_batch(
        self,
        load: Arc<Load>,
        taken: Taken,
        place: Entry,
        closing: mpsc::Sender<Closed>,
        under_way: UnderWay,
    ) {
        let (started, mut place) = (Instant::now(), Some(place));
        let result = match &load.task {
            _ if taken.state.is_final() => None, // somebody ended it and did not live to say so
            Ok(task) => Some(self.attempt(task, &load, &taken, &mut place).await),
            Err(failure) => Some(Err(failure.clone())),
        };
        let closed = match (result, &load.task) {
            (None, _) => true,
            (Some(Err(Failure::Deferred(reason))), _) => {
                tracing::warn!(document = %taken.id, %reason, "deferred");
                false
            }
            (Some(result), Ok(task)) => {
                let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                let ended = Ended { id: Some(taken.id), name: shown_name(&taken.name), result, micros };
                let ended = self.recorded(task, taken.id, ended, None).await;
                !matches!(ended.result, Err(Failure::Deferred(_)))
            }
            (Some(_), Err(_)) => false,
        };
        if closed {
            let (folder, number) = (load.folder.clone(), taken.id.number);
            let _ = blocking(move || folder.forget_inputs(number)).await;
            // The receiver is there as long as the runtime is.
            let _ = closing.send((load.tenant.clone(), taken.id)).await;
        } else {
            self.give_back(&load, &taken).await;
        }
        drop((place, under_way));
    }

    async fn attempt(
        &self,
        task: &Task,
        load: &Load,
        taken: &Taken,
        place: &mut Option<Entry>,
    ) -> Result<super::Made, Failure> {
        if load.cancelled {
            return Err(Failure::Rejected(Reason::new("cancelled", "the batch was cancelled before this document")));
        }
        if taken.attempts > ATTEMPTS_MAX {
            let sentence = format!("{ATTEMPTS_MAX} attempts at this document ended with the server");
            return Err(Failure::Rejected(Reason::new("too-many-attempts", sentence)));
        }
        let document = found(&load.folder, taken.id.number, &taken.name, taken.has_original)?;
        Box::pin(self.through(task, &document, taken.id, place)).await
    }

    async fn give_back(&self, load: &Load, taken: &Taken) {
        let free_at = self.now().plus(DEFERRED_RETRY);
        let given = self.0.services.store.give_back(&load.tenant, &load.lease, taken.id, free_at).await;
        if let Err(error) = given {
            // The lease ends by itself.
            tracing::warn!(document = %taken.id, %error, "a document could not be given back");
        }
    }

    /// Writes down which documents are done with, many at a time.
    async fn close(self, mut closed: mpsc::Receiver<Closed>) {
        let mut line = Vec::with_capacity(CLOSED_MAX);
        while closed.recv_many(&mut line, CLOSED_MAX).await > 0 {
            let mut tenants: BTreeMap<TenantId, Vec<model::DocumentId>> = BTreeMap::new();
            for (tenant, document) in line.drain(..) {
                tenants.entry(tenant).or_default().push(document);
            }
            for (tenant, documents) in tenants {
                let mut wait = RETRY_FIRST;
                while let Err(error) =
                    self.0.services.store.batch_documents_ended(&tenant, &documents, self.now()).await
                {
                    tracing::error!(%tenant, %error, "the store does not take ends of documents; trying again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// Removes what nobody needs any more, now and then.
    async fn tidy(self) {
        while !self.0.batches.is_stopped() {
            for tenant in self.0.catalogue.tenants() {
                if let Err(error) = self.tidy_tenant(tenant).await {
                    tracing::warn!(%tenant, %error, "old batches could not be removed");
                }
            }
            tokio::time::sleep(self.0.batches.settings.poll.max(TIDY_PERIOD_MIN) * 10).await;
        }
    }

    async fn tidy_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let (store, now) = (&self.0.services.store, self.now());
        let to_end = store.batches_to_end(tenant, BATCHES_LOOKED_AT).await?;
        store.end_batches(tenant, to_end.into_iter(), now).await?;
        let before = earlier(now, self.0.batches.settings.retention);
        for job in store.batches_to_sweep(tenant, before, BATCHES_LOOKED_AT).await? {
            let folder = Folder::of(&self.0.spool, tenant, job);
            match blocking(move || folder.remove()).await {
                Ok(Ok(())) => store.batch_swept(tenant, job, now).await?,
                Ok(Err(error)) => tracing::warn!(batch = %job, %error, "results of a batch cannot be removed"),
                Err(failure) => tracing::warn!(batch = %job, %failure, "results of a batch cannot be removed"),
            }
        }
        store.forget_requests(tenant, before).await?;
        let parent = self.0.spool.batches().join(tenant.as_str());
        let old = blocking(move || old_folders(&parent)).await.unwrap_or(Ok(Vec::new())).unwrap_or_default();
        for job in old {
            // Written by a submission that never got its rows.
            if store.job(tenant, job).await?.is_none() {
                let folder = Folder::of(&self.0.spool, tenant, job);
                let _ = blocking(move || folder.remove()).await;
            }
        }
        Ok(())
    }

    fn now(&self) -> Time {
        self.0.services.clock.now()
    }
}

/// Whose turn it is.
#[derive(Default)]
struct Turns {
    first: usize,
    /// The batch of each tenant that had the last turn.
    last: BTreeMap<TenantId, JobId>,
}

impl Turns {
    /// The batch behind the one that had the last turn.
    fn next<'b>(&mut self, tenant: &TenantId, batches: &'b [BatchToDo]) -> Option<&'b BatchToDo> {
        let last = self.last.get(tenant);
        let next = batches.iter().find(|batch| last.is_none_or(|last| batch.job > *last)).or(batches.first())?;
        self.last.insert(tenant.clone(), next.job);
        Some(next)
    }
}

/// Folders of jobs that have not been changed for a while, some of them.
fn old_folders(parent: &std::path::Path) -> io::Result<Vec<JobId>> {
    let entries = match std::fs::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut jobs = Vec::new();
    for entry in entries {
        let entry = entry?;
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age > ORPHAN_AGE
            && let Some(job) = entry.file_name().to_str().and_then(|name| name.parse().ok())
        {
            jobs.push(job);
        }
        if jobs.len() >= ORPHANS_LOOKED_AT {
            break;
        }
    }
    Ok(jobs)
}

fn earlier(now: Time, by: Duration) -> Time {
    Time::from_micros(now.micros().saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

/// Documents that are taken at once.
const TAKEN_AT_ONCE: usize = 128;
/// Batches of a tenant among which turns go round.
const BATCHES_LOOKED_AT: u32 = 64;
/// At least some places are for batches, whoever waits.
const SHARE_MAX: usize = 90;
const CLOSED_MAX: usize = 512;
/// Servers that end while they work on one document.
const ATTEMPTS_MAX: u32 = 20;
const DEFERRED_RETRY: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(10);
const TIDY_PERIOD_MIN: Duration = Duration::from_secs(1);
const ORPHAN_AGE: Duration = Duration::from_secs(3_600);
const ORPHANS_LOOKED_AT: usize = 100;
