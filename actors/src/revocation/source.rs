//! One source outside: how many ask it at the same time, and for how long it is left alone after it failed.
//!
//! Each thing that is asked for has a task of its own while it is asked for: who loses patience leaves, and the answer
//! is still there for the others and for later. Between answers nothing runs, so nothing has to be restarted.

use crate::fetch::FetchFault;
use formats::ocsp::Unusable;
use model::Time;
use moka::future::Cache;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Why a source gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// For people.
    pub(super) why: String,
    /// Another try may go better.
    pub(super) temporary: bool,
    /// When it makes sense to try again.
    pub(super) again: Option<Time>,
}

impl Failure {
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), temporary: false, again: None }
    }

    pub(super) fn temporary(why: impl Into<String>) -> Self {
        Self { why: why.into(), temporary: true, again: None }
    }
}

impl From<FetchFault> for Failure {
    fn from(fault: FetchFault) -> Self {
        let lasting = matches!(fault, FetchFault::Forbidden(..) | FetchFault::Setup(_) | FetchFault::TooLong(..));
        Self { why: fault.to_string(), temporary: !lasting, again: None }
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        // A responder that does not count, or lies, may be repaired; a document is not lost for it.
        Self::temporary(unusable.to_string())
    }
}

/// A value or a failure, and until when it is not asked for again.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    pub(super) outcome: Result<T, Failure>,
    pub(super) asked: Time,
    pub(super) until: Time,
}

/// What is kept under the key, or what `fetch` gives if there is nothing or it is stale. Of any number who want the same
/// at the same time one asks.
pub(super) async fn shared<K, T>(
    cache: &Cache<K, Kept<T>>,
    key: K,
    stale: impl Fn(&Kept<T>) -> bool + Send + 'static,
    fetch: impl Future<Output = Kept<T>> + Send + 'static,
) -> Result<T, Failure>
where
    K: Hash + Eq + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    if let Some(kept) = cache.get(&key).await.filter(|kept| !stale(kept)) {
        return kept.outcome;
    }
    let (cache, fetch) = (cache.clone(), Box::pin(fetch));
    let asking = tokio::spawn(async move { cache.entry(key).or_insert_with_if(fetch, stale).await.into_value() });
    match asking.await {
        Ok(kept) => kept.outcome,
        Err(error) => {
            tracing::error!(%error, "asking a source of revocation material ended before its time");
            Err(Failure::temporary("asking was given up"))
        }
    }
}

/// The state of one source.
#[derive(Debug)]
pub(super) struct Source {
    permits: Semaphore,
    trouble: Mutex<Trouble>,
    first: Duration,
    most: Duration,
}

#[derive(Debug, Default)]
struct Trouble {
    failures_in_a_row: u32,
    /// Until when it is left alone, and why.
    closed: Option<(Time, String)>,
}

impl Source {
    pub(super) fn new(requests_max: usize, first: Duration, most: Duration) -> Self {
        Self { permits: Semaphore::new(requests_max.max(1)), trouble: Mutex::default(), first, most }
    }

    /// A place at the source, unless it is to be left alone.
    pub(super) async fn place(&self, now: impl Fn() -> Time) -> Result<SemaphorePermit<'_>, Failure> {
        let closed = || Failure::temporary("nobody asks there any more");
        let permit = self.permits.acquire().await.map_err(|_| closed())?;
        match &self.lock().closed {
            Some((until, why)) if *until > now() => {
                Err(Failure { why: why.clone(), temporary: true, again: Some(*until) })
            }
            _ => Ok(permit),
        }
    }

    /// It answered.
    pub(super) fn succeeded(&self) {
        *self.lock() = Trouble::default();
    }

    /// It failed: each time in a row it is left alone twice as long, or as long as it wants.
    pub(super) fn failed(&self, now: Time, why: &str, wish: Option<Duration>) -> Time {
        let mut trouble = self.lock();
        let wait = self.first.saturating_mul(1 << trouble.failures_in_a_row.min(16)).min(self.most);
        trouble.failures_in_a_row = trouble.failures_in_a_row.saturating_add(1);
        let until = now.plus(wish.unwrap_or(wait).max(wait));
        trouble.closed = Some((until, why.to_owned()));
        until
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_source_is_left_alone_ever_longer_until_it_answers() {
        let source = Source::new(1, Duration::from_secs(2), Duration::from_secs(10));
        let now = Time::from_seconds(1_000);
        let waits: Vec<i64> = (0..5).map(|_| source.failed(now, "broken", None).seconds() - 1_000).collect();
        assert_eq!(waits, [2, 4, 8, 10, 10]);
        assert_eq!(source.failed(now, "busy", Some(Duration::from_secs(60))).seconds(), 1_060);
        let refused = source.place(|| Time::from_seconds(1_059)).await.unwrap_err();
        assert_eq!((refused.why.as_str(), refused.again), ("busy", Some(Time::from_seconds(1_060))));
        assert!(source.place(|| Time::from_seconds(1_060)).await.is_ok());
        source.succeeded();
        assert!(source.place(|| now).await.is_ok());
        assert_eq!(source.failed(now, "broken", None).seconds(), 1_002);
    }
}
