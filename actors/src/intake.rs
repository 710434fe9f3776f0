//! The single door for work: every document holds a permit from here from its entry to its outcome.
//!
//! The permits bound what the server holds at once. A door that gets none defers at once (a caller) or does not claim
//! (a directory); nothing queues behind the door.

use crate::measure;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts documents in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    permits: Arc<Semaphore>,
    documents_max: usize,
}

impl Intake {
    /// A door for at most `documents_max` documents at a time.
    pub fn new(documents_max: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(documents_max)), documents_max }
    }

    /// Waits for a permit. For doors whose work lies in files and can wait there. `None` when the server shuts down.
    pub async fn enter(&self) -> Option<Permit> {
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        Some(self.count(permit))
    }

    /// A permit, if there is one now. For doors with a caller who can be told "busy".
    pub fn try_enter(&self) -> Option<Permit> {
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(self.count(permit))
    }

    /// Permits that are free now.
    pub fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// Permits in all.
    pub fn documents_max(&self) -> usize {
        self.documents_max
    }

    /// Nobody enters any more; those inside finish.
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether everybody has left.
    pub fn is_empty(&self) -> bool {
        self.free() == self.documents_max
    }

    fn count(&self, permit: OwnedSemaphorePermit) -> Permit {
        metrics::gauge!(measure::IN_FLIGHT).increment(1.0);
        Permit { _permit: permit }
    }
}

/// The right to be inside. Dropped with the document's outcome.
pub struct Permit {
    _permit: OwnedSemaphorePermit,
}

impl Drop for Permit {
    fn drop(&mut self) {
        metrics::gauge!(measure::IN_FLIGHT).decrement(1.0);
    }
}
