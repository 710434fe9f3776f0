//! One authority: its connections, how many ask it at once, how fast, and whether it is left alone for a while.
//!
//! It owns no task: whoever wants a time stamp does the asking, within the permits given out here. Nothing here can die.

use super::breaker::{Breaker, Pace, Verdict};
use super::{AuthoritySettings, Because};
use crate::fetch::{FetchFault, Fetcher};
use crate::measure;
use formats::tsp::{Fault, Request, Terms, Token};
use model::limits::TSP_RESPONSE_BYTES_MAX;
use model::{Clock, Digest};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

pub(super) struct Authority {
    pub(super) settings: Arc<AuthoritySettings>,
    fetcher: Fetcher,
    permits: Semaphore,
    breaker: Mutex<Breaker>,
    pace: Mutex<Pace>,
    tolerance: Duration,
    clock: Arc<dyn Clock>,
}

impl Authority {
    pub(super) fn new(
        settings: AuthoritySettings,
        tolerance: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FetchFault> {
        Ok(Self {
            fetcher: Fetcher::new(&settings.fetch)?,
            permits: Semaphore::new(settings.requests_at_once.max(1)),
            breaker: Mutex::new(Breaker::new(settings.rest)),
            pace: Mutex::new(Pace::new(settings.requests_per_second, settings.burst)),
            settings: Arc::new(settings),
            tolerance,
            clock,
        })
    }

    /// Asks for a time stamp and checks the answer. A connection that breaks is tried once more.
    pub(super) async fn stamp(
        &self,
        imprint: &Digest,
        policy: Option<&str>,
        deadline: Instant,
    ) -> Result<Token, Because> {
        let policy = policy.or(self.settings.policy.as_deref());
        let mut again = true;
        loop {
            let outcome = self.once(imprint, policy, deadline).await;
            match outcome {
                Err(Because::Fetch(FetchFault::Unreachable(..))) if again => again = false,
                outcome => return outcome,
            }
        }
    }

    async fn once(&self, imprint: &Digest, policy: Option<&str>, deadline: Instant) -> Result<Token, Because> {
        let nonce = nonce().ok_or(Because::NoRandomness)?;
        let request = Request::new(imprint, policy, nonce).map_err(Because::Answer)?;
        // Who rests is passed over at once; who is busy is waited for.
        self.is_resting()?;
        let permit = timeout_at(deadline, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return Err(Because::Busy) };
        let patience = deadline.saturating_duration_since(Instant::now());
        let wait = lock(&self.pace).turn(Instant::now(), patience).ok_or(Because::Busy)?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        lock(&self.breaker).enter(Instant::now()).map_err(Because::Resting)?;
        let mut asking = Asking { authority: self, verdict: Verdict::Unknown };
        let outcome = match timeout_at(deadline, self.ask(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Because::Fetch(FetchFault::Timeout(self.settings.name.to_string()))),
        };
        asking.verdict = verdict(&outcome);
        drop(asking);
        self.count(&outcome);
        outcome
    }

    async fn ask(&self, request: Request) -> Result<Token, Because> {
        let settings = self.settings.clone();
        let body = request.der().to_vec();
        let credentials = settings.credentials.as_ref();
        let answer = self.fetcher.post(&settings.url, QUERY, body, credentials, TSP_RESPONSE_BYTES_MAX as u64);
        let answer = answer.await.map_err(Because::Fetch)?;
        if let Some(kind) = answer.headers.content_type.filter(|kind| !REPLIES.contains(&kind.as_str())) {
            return Err(Because::WrongType(kind));
        }
        let (now, tolerance) = (self.clock.now(), self.tolerance);
        // Several signatures are checked: the time of a thread that may take it.
        let check = move || {
            let terms = Terms { now, tolerance, anchors: &settings.anchors };
            Token::check_response(&answer.body, &request, &terms)
        };
        let token = tokio::task::spawn_blocking(check).await.map_err(|_| Because::Panicked)?;
        token.map_err(Because::Answer)
    }

    /// An error says for how long it is left alone.
    pub(super) fn is_resting(&self) -> Result<(), Because> {
        let mut breaker = lock(&self.breaker);
        let entered = breaker.enter(Instant::now()).map_err(Because::Resting);
        if entered.is_ok() {
            breaker.ended(Verdict::Unknown, Instant::now());
        }
        entered
    }

    fn count(&self, outcome: &Result<Token, Because>) {
        let name = self.settings.name.to_string();
        let word = if outcome.is_ok() { "stamped" } else { "failed" };
        metrics::counter!(measure::TIME_STAMPS, "authority" => name.clone(), "outcome" => word).increment(1);
        let up = if lock(&self.breaker).is_open() { 0.0 } else { 1.0 };
        metrics::gauge!(measure::AUTHORITY_UP, "authority" => name).set(up);
        match outcome {
            Err(why @ Because::Answer(error)) if error.fault() == Fault::Untrustworthy => {
                tracing::error!(authority = %self.settings.name, %why, "a time stamp cannot be relied on; it is thrown away");
            }
            Err(why) => tracing::warn!(authority = %self.settings.name, %why, "no time stamp"),
            Ok(_) => {}
        }
    }
}

/// A question under way: the breaker learns of its end even if nobody waits for it any more.
struct Asking<'a> {
    authority: &'a Authority,
    verdict: Verdict,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.authority.breaker).ended(self.verdict, Instant::now());
    }
}

fn verdict(outcome: &Result<Token, Because>) -> Verdict {
    match outcome {
        Ok(_) => Verdict::Alive,
        Err(Because::Fetch(FetchFault::Refused { status, retry_after, .. })) => match status {
            // Who we are, or what is configured, does not change by asking again; 429 and 503 ask for a rest.
            400..500 | 503 => Verdict::LeaveAlone(*retry_after),
            _ => Verdict::Failed,
        },
        Err(Because::Fetch(FetchFault::Forbidden(..) | FetchFault::Setup(_))) => Verdict::LeaveAlone(None),
        Err(Because::Answer(error)) => match error.fault() {
            Fault::Busy => Verdict::Failed,
            Fault::Request => Verdict::Alive,
            Fault::Untrustworthy => Verdict::LeaveAlone(None),
        },
        Err(Because::Fetch(_) | Because::WrongType(_)) => Verdict::Failed,
        Err(_) => Verdict::Unknown,
    }
}

/// Once used, never guessed: from the kernel.
fn nonce() -> Option<u64> {
    let mut octets = [0; 8];
    match rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty()) {
        Ok(8) => Some(u64::from_be_bytes(octets)),
        _ => None,
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// RFC 3161 section 3.4.
const QUERY: &str = "application/timestamp-query";
/// What authorities call their answers; something else is a page of a proxy.
const REPLIES: [&str; 3] =
    ["application/timestamp-reply", "application/timestamp-response", "application/octet-stream"];
