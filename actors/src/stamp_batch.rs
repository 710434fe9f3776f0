//! One time stamp for many documents: their digests gather in a batch, the root of a hash tree over them is stamped, and
//! each document gets its own evidence record (RFC 4998), in a file where it wants it. A document is finished when it
//! has its record; without a time stamp none of its batch is, and all of them are tried again.
//!
//! A batch closes when it is full, when nobody has joined it for a moment, or when its first document has waited long
//! enough. So it needs not know who else is under way: documents that hold every permit and wait here are nobody who
//! joins, and the batch closes. For full speed `size_max` is at most half of the documents that may be in flight; then
//! the others are being signed while a batch is being stamped.

use crate::deliver::{not_written, replace};
use crate::measure::{self, Stage};
use crate::pipeline::Failure;
use crate::timestamp::{Because, StampFault, TimeStamper};
use archive::{ArchiveError, EvidenceRecord, HashTree};
use formats::tsp::Token;
use model::Digest;
use model::profile::StampOptions;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

/// When a batch closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// With so many documents.
    pub size_max: usize,
    /// When nobody has joined for so long.
    pub quiet: Duration,
    /// When its first document has waited so long.
    pub wait_max: Duration,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            size_max: model::limits::DOCUMENTS_IN_FLIGHT_MAX / 2,
            quiet: Duration::from_millis(150),
            wait_max: Duration::from_secs(2),
        }
    }
}

/// Gathers documents, from any number of tasks at once. Cheap to clone.
#[derive(Clone)]
pub struct StampBatcher(Arc<Inner>);

struct Inner {
    stamper: TimeStamper,
    limits: BatchLimits,
    /// One for each way of stamping that is in use.
    open: Mutex<Vec<Open>>,
}

/// A batch that takes documents.
struct Open {
    options: StampOptions,
    waiting: Vec<Waiting>,
    last_joined: Instant,
    close: Arc<Notify>,
}

/// A document in a batch.
struct Waiting {
    digest: Digest,
    /// Where its record is written.
    to: PathBuf,
    done: oneshot::Sender<Result<(), NoRecord>>,
}

/// Why a document has no evidence record.
#[derive(Debug, thiserror::Error)]
pub enum NoRecord {
    /// Its batch has no time stamp.
    #[error(transparent)]
    Stamp(#[from] StampFault),
    /// The disk is at fault.
    #[error(transparent)]
    NotWritten(#[from] io::Error),
}

impl NoRecord {
    /// What it means for the document.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            NoRecord::Stamp(fault) => Failure::Deferred(fault.reason()),
            NoRecord::NotWritten(error) => not_written(error),
        }
    }
}

impl StampBatcher {
    /// Over these authorities.
    pub fn new(stamper: TimeStamper, limits: BatchLimits) -> Self {
        Self(Arc::new(Inner { stamper, limits, open: Mutex::default() }))
    }

    /// Waits for the evidence record of a document that is otherwise finished, and until it is written as the file `to`
    /// (DER; not yet durable). `digest` is that of the result, by the algorithm of the options. Must be called inside a
    /// runtime; the batch goes on if nobody waits any more.
    pub async fn join(&self, options: &StampOptions, digest: Digest, to: PathBuf) -> Result<(), NoRecord> {
        let (done, answer) = oneshot::channel();
        self.enter(options, Waiting { digest, to, done });
        // The sender is gone only if making the record failed unexpectedly.
        answer.await.unwrap_or_else(|_| Err(unexpected(options).into()))
    }

    /// Closes the open batches now: who waits knows that nobody else will come.
    pub fn flush(&self) {
        self.0.lock().iter().for_each(|batch| batch.close.notify_one());
    }

    /// Documents that wait in batches that are not closed.
    pub fn waiting(&self) -> usize {
        self.0.lock().iter().map(|batch| batch.waiting.len()).sum()
    }

    fn enter(&self, options: &StampOptions, document: Waiting) {
        let mut open = self.0.lock();
        let known = open.iter().position(|batch| batch.options == *options);
        let at = known.unwrap_or_else(|| {
            let close = Arc::new(Notify::new());
            let (options, last_joined) = (options.clone(), Instant::now());
            open.push(Open { options, waiting: Vec::new(), last_joined, close: close.clone() });
            tokio::spawn(self.clone().keep(close));
            open.len() - 1
        });
        open[at].waiting.push(document);
        open[at].last_joined = Instant::now();
        if open[at].waiting.len() >= self.0.limits.size_max {
            // The next document opens another one; this one's keeper has it from here.
            let full = open.swap_remove(at);
            tokio::spawn(finish(self.0.stamper.clone(), full));
        }
    }

    /// Waits until the batch has to close. It ends without doing anything if the batch was filled in the meantime.
    async fn keep(self, close: Arc<Notify>) {
        let last = Instant::now() + self.0.limits.wait_max;
        while let Some(quiet) = self.0.quiet_from(&close) {
            let asked = tokio::select! {
                () = close.notified() => true,
                () = sleep_until(quiet.min(last)) => false,
            };
            // Somebody may have joined in the meantime.
            let now = Instant::now();
            let batch = self.0.take(&close, |quiet| asked || now >= quiet.min(last));
            if let Some(batch) = batch {
                return finish(self.0.stamper.clone(), batch).await;
            }
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the batch has been quiet for long enough unless somebody joins. `None`: it is closed.
    fn quiet_from(&self, close: &Arc<Notify>) -> Option<Instant> {
        let open = self.lock();
        open.iter().find(|batch| Arc::ptr_eq(&batch.close, close)).map(|batch| batch.last_joined + self.limits.quiet)
    }

    /// Closes the batch if that is due at the moment from which it is quiet.
    fn take(&self, close: &Arc<Notify>, due: impl FnOnce(Instant) -> bool) -> Option<Open> {
        let mut open = self.lock();
        let at = open.iter().position(|batch| Arc::ptr_eq(&batch.close, close))?;
        due(open[at].last_joined + self.limits.quiet).then(|| open.swap_remove(at))
    }
}

/// One time stamp for all of them, and to each its record.
async fn finish(stamper: TimeStamper, batch: Open) {
    metrics::histogram!(measure::STAMP_BATCH_DOCUMENTS).record(batch.waiting.len() as f64);
    let digests: Vec<Vec<Digest>> = batch.waiting.iter().map(|document| vec![document.digest]).collect();
    match stamped(&stamper, &batch.options, digests).await {
        Ok((tree, token)) => {
            let stamped = Arc::new((tree, token));
            // More threads than processors would only stand in each other's way in the folder.
            let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
            let together = batch.waiting.len().div_ceil(threads).max(WRITTEN_TOGETHER_MIN);
            let mut documents = batch.waiting.into_iter().enumerate();
            loop {
                let some: Vec<(usize, Waiting)> = documents.by_ref().take(together).collect();
                if some.is_empty() {
                    break;
                }
                let stamped = stamped.clone();
                // If it panics, who waits hears of it: the senders are gone.
                tokio::task::spawn_blocking(move || Stage::Write.timed(|| write(&stamped, some)));
            }
        }
        Err(fault) => {
            for document in batch.waiting {
                let _ = document.done.send(Err(fault.clone().into()));
            }
        }
    }
}

/// The tree over these digests, and the time stamp over its root.
async fn stamped(
    stamper: &TimeStamper,
    options: &StampOptions,
    digests: Vec<Vec<Digest>>,
) -> Result<(HashTree, Token), StampFault> {
    let tree = tokio::task::spawn_blocking(move || HashTree::new(digests)).await;
    let tree = tree.map_err(|_| unexpected(options))?.map_err(|error| refused(options, &error))?;
    let token = stamper.stamp(options, &tree.root()).await?;
    Ok((tree, token))
}

/// Writes the records of some documents, given with their places in the tree. Blocks.
fn write((tree, token): &(HashTree, Token), documents: Vec<(usize, Waiting)>) {
    for (index, Waiting { to, done, .. }) in documents {
        // Who does not wait any more has been told that the document is tried again.
        if !done.is_closed() {
            let record = EvidenceRecord::new(tree.algorithm(), tree.reduced(index), token).der();
            let _ = done.send(replace(&to, &record).map_err(NoRecord::from));
        }
    }
}

/// Each authority of the profile, none of which was asked.
fn without_asking(options: &StampOptions, because: &Because) -> StampFault {
    StampFault { tries: options.authorities.iter().map(|name| (name.clone(), because.clone())).collect() }
}

fn unexpected(options: &StampOptions) -> StampFault {
    without_asking(options, &Because::Panicked)
}

fn refused(options: &StampOptions, error: &ArchiveError) -> StampFault {
    tracing::error!(%error, "a batch of documents cannot be stamped");
    without_asking(options, &Because::Panicked)
}

/// So many records at least are written by one thread, one after the other: handing each over would cost more than
/// writing it.
const WRITTEN_TOGETHER_MIN: usize = 64;
