//! Batches: taken durably, worked on later by any server of the store, their results fetched in pages until the operator's
//! time for keeping them is over.

use super::kept::Folder;
use super::{Api, ApiDocument, Body, Ended, Order, Refused, check_name, shown_name};
use crate::pipeline::{Failure, blocking};
use crate::services::new_job;
use crate::spool::{Content, private_file};
use model::{Caller, JobId, Time};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{BatchRow, Counts, NewBatch, NewBatchDocument, NewDocument, NewJob};

/// How batches are worked on.
#[derive(Clone, Copy, Debug)]
pub struct BatchSettings {
    /// For so long a server has a document to itself; it renews that while it works. A server that is gone holds its documents
    /// up for this long.
    pub lease: Duration,
    /// How often is looked for batches without being told.
    pub poll: Duration,
    /// How long results are kept after a batch has ended.
    pub retention: Duration,
    /// Documents of one batch.
    pub documents_max: usize,
    /// Of a hundred places of the server, how many are kept for callers who wait.
    pub interactive_share: usize,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            retention: Duration::from_secs(7 * 24 * 3_600),
            documents_max: 10_000,
            interactive_share: 25,
        }
    }
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Nothing of it is done yet.
    Waiting,
    /// Some of it is done.
    Running,
    /// Nothing is left to do.
    Complete,
    /// It was cancelled.
    Cancelled,
}

impl BatchState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            BatchState::Waiting => "waiting",
            BatchState::Running => "running",
            BatchState::Complete => "complete",
            BatchState::Cancelled => "cancelled",
        }
    }
}

/// A batch, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStatus {
    /// Its id.
    pub job: JobId,
    /// How far it is.
    pub state: BatchState,
    /// Name of its profile.
    pub profile: String,
    /// Its documents by state.
    pub counts: Counts,
    /// When it came.
    pub submitted_at: Time,
    /// When nothing was left to do.
    pub ended_at: Option<Time>,
    /// Whether its results have been removed.
    pub swept: bool,
}

/// One document of a batch.
#[derive(Clone, Debug)]
pub struct BatchItem {
    /// Its place in the batch.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// The caller's own name for it.
    pub reference: Option<String>,
    /// How it ended. `None`: it has not yet.
    pub ended: Option<Ended>,
    /// When.
    pub ended_at: Option<Time>,
}

impl Api {
    /// Takes a batch; when this returns, it is durable and will be worked on, whatever happens to this server.
    pub async fn submit(&self, caller: &Caller, order: Order) -> Result<BatchStatus, Refused> {
        let task = self.task(caller, &order)?;
        if order.documents.len() > self.0.batches.settings.documents_max {
            return Err(Refused::TooMany(self.0.batches.settings.documents_max));
        }
        if self.0.batches.is_stopped() {
            return Err(Refused::ShuttingDown);
        }
        // Writing occupies a place like anything else that costs the disk something.
        let place = self.enter(&caller.tenant)?;
        let mut job = task.job;
        if let Some(key) = &order.key {
            let once = self.begin_once_or_find(caller, &order, key, job).await?;
            match once {
                Ok(again) => job = again,
                Err(known) => return Ok(known),
            }
        }
        let (api, caller) = (self.clone(), caller.clone());
        let work = async move {
            let _place = place;
            api.take(&caller, order, job).await
        };
        tokio::spawn(work).await.map_err(|_| Refused::Internal)?
    }

    /// The job to go on with, or the batch that there is already.
    async fn begin_once_or_find(
        &self,
        caller: &Caller,
        order: &Order,
        key: &str,
        job: JobId,
    ) -> Result<Result<JobId, BatchStatus>, Refused> {
        let begun = self.begin_once(caller, order, key, job).await;
        if let Err(Refused::InProgress) = begun {
            // Whoever took it may be done with it long before nobody is believed to be.
            let row = self.0.services.store.request(&caller.tenant, &caller.who(), key).await?;
            let known = match row {
                Some(row) => self.0.services.store.batch(&caller.tenant, row.job).await?,
                None => None,
            };
            return match known {
                Some(known) => Ok(Err(self.status_of(caller, known).await?)),
                None => Err(Refused::InProgress),
            };
        }
        let once = begun?;
        match self.0.services.store.batch(&caller.tenant, once.request.job).await? {
            Some(known) => Ok(Err(self.status_of(caller, known).await?)),
            None => Ok(Ok(once.request.job)),
        }
    }

    async fn take(&self, caller: &Caller, order: Order, job: JobId) -> Result<BatchStatus, Refused> {
        let (services, now) = (&self.0.services, self.0.services.clock.now());
        let wishes = order.wishes();
        let folder = Folder::of(&self.0.spool, &caller.tenant, job);
        let mut documents = Vec::with_capacity(order.documents.len());
        for (number, document) in (0..).zip(&order.documents) {
            if matches!(document.body, Body::Together(_) | Body::Digest(_)) {
                return Err(Refused::NotInBatches);
            }
            documents.push(NewBatchDocument {
                document: NewDocument { number, name: shown_name(&document.name) },
                reference: document.reference.clone(),
                has_original: matches!(document.body, Body::Detached { .. }),
            });
        }
        let opened = NewJob { id: job, door: caller.who(), profile: order.profile.clone(), opened_at: now };
        let (sent, to) = (order.documents, folder.clone());
        let written = blocking(move || write_all(&to, &sent)).await.map_err(|_| Refused::Internal)?;
        if let Err(error) = written {
            let _ = folder.remove();
            return Err(Refused::Spool(error.to_string()));
        }
        let batch = NewBatch { job: opened, owner: caller.who(), terms: wishes.text() };
        // If it is not known whether this took place, the folder stays: whoever finds no row for it removes it later.
        services.store.submit_batch(&caller.tenant, &batch, &documents).await?;
        self.0.batches.wake();
        let total = documents.len() as u64;
        Ok(BatchStatus {
            job,
            state: BatchState::Waiting,
            profile: order.profile,
            counts: Counts { open: total, ..Counts::default() },
            submitted_at: now,
            ended_at: None,
            swept: false,
        })
    }

    /// A batch of the caller, and how far it is.
    pub async fn batch(&self, caller: &Caller, id: &str) -> Result<BatchStatus, Refused> {
        let row = self.own_batch(caller, id).await?;
        self.status_of(caller, row).await
    }

    /// A page of a batch's documents, from number `first` on, at most `count`.
    pub async fn batch_items(
        &self,
        caller: &Caller,
        id: &str,
        first: u32,
        count: u32,
    ) -> Result<(BatchStatus, Vec<BatchItem>), Refused> {
        let row = self.own_batch(caller, id).await?;
        let job = row.job;
        let folder = Folder::of(&self.0.spool, &caller.tenant, job);
        let (after, count) = (first.checked_sub(1), count.clamp(1, PAGE_MAX));
        let store = &self.0.services.store;
        let status = self.status_of(caller, row).await?;
        let mut references = store.batch_references(&caller.tenant, job, after, count).await?;
        let rows = store.list_documents(&caller.tenant, job, after, count).await?;
        let read = move || {
            let item = |row: store::DocumentRow| BatchItem {
                number: row.id.number,
                reference: references.remove(&row.id.number).flatten(),
                ended_at: row.outcome_at.filter(|_| row.state.is_final()),
                ended: folder.ended(&row),
                name: row.name,
            };
            rows.into_iter().map(item).collect()
        };
        Ok((status, blocking(read).await.map_err(|_| Refused::Internal)?))
    }

    /// Signs no further document of a batch. What is being signed at this moment still is.
    pub async fn cancel(&self, caller: &Caller, id: &str) -> Result<BatchStatus, Refused> {
        let row = self.own_batch(caller, id).await?;
        let store = &self.0.services.store;
        store.cancel_batch(&caller.tenant, row.job, self.0.services.clock.now()).await?;
        self.0.batches.wake();
        self.batch(caller, id).await
    }

    /// Another user's batch does not exist for the caller.
    async fn own_batch(&self, caller: &Caller, id: &str) -> Result<BatchRow, Refused> {
        let none = || Refused::NoBatch(shown_name(id));
        let job: JobId = id.parse().map_err(|_| none())?;
        let row = self.0.services.store.batch(&caller.tenant, job).await?;
        row.filter(|row| row.owner == caller.who()).ok_or_else(none)
    }

    async fn status_of(&self, caller: &Caller, row: BatchRow) -> Result<BatchStatus, Refused> {
        let counts = self.0.services.store.count_job(&caller.tenant, row.job).await?;
        let finished = counts.total() - counts.unfinished();
        let state = match (row.cancelled_at, counts.unfinished(), finished) {
            (Some(_), ..) => BatchState::Cancelled,
            (None, 0, _) => BatchState::Complete,
            (None, _, 0) => BatchState::Waiting,
            (None, ..) => BatchState::Running,
        };
        Ok(BatchStatus {
            job: row.job,
            state,
            profile: row.profile,
            submitted_at: row.submitted_at,
            ended_at: counts.last_outcome_at.filter(|_| counts.unfinished() == 0),
            counts,
            swept: row.swept_at.is_some(),
        })
    }

    /// A job's id that was not used before.
    pub(super) fn fresh_job(&self) -> JobId {
        new_job(&*self.0.services.clock)
    }
}

/// Writes the documents and makes them durable.
fn write_all(folder: &Folder, documents: &[ApiDocument]) -> io::Result<()> {
    let file_system = folder.make()?;
    for (number, document) in (0..).zip(documents) {
        match &document.body {
            Body::Whole(content) => write(content, &folder.input(number))?,
            Body::Detached { signature, original } => {
                write(signature, &folder.input(number))?;
                write(original, &folder.original(number))?;
            }
            Body::Together(_) | Body::Digest(_) => {}
        }
    }
    file_system.sync()
}

fn write(content: &Content, path: &Path) -> io::Result<()> {
    content.copy_to(&mut private_file(path)?).map(drop)
}

/// A document as a worker finds it.
pub(super) fn found(folder: &Folder, number: u32, name: &str, has_original: bool) -> Result<ApiDocument, Failure> {
    check_name(name)?;
    let content = |path| -> Result<Content, Failure> {
        let file = crate::spool::SpoolFile::kept(path).map_err(|error| {
            let sentence = format!("the document cannot be found in the spool folder: {error}");
            Failure::Deferred(model::Reason::new("spool", sentence))
        });
        Ok(Content::File(Arc::new(file?)))
    };
    let body = match has_original {
        true => {
            Body::Detached { signature: content(folder.input(number))?, original: content(folder.original(number))? }
        }
        false => Body::Whole(content(folder.input(number))?),
    };
    Ok(ApiDocument { name: name.to_owned(), reference: None, body })
}

const PAGE_MAX: u32 = 1_000;
