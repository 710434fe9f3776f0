//! The tokens while they work: what each does, how fast it has been, and what an operator changes without a restart.
//!
//! What is changed here holds until the server is started again: the configuration stays the one truth of a start, and nobody
//! has to find out later which of two truths was meant.

use crate::services::Services;
use crate::token::actor::Command;
use crate::token::roster::{Done, Roster, TokenState};
use model::limits::SESSIONS_PER_TOKEN_MAX;
use model::{Lane, SignerName, Time, TokenSerial};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// All tokens, and who waits for them.
#[derive(Clone, Debug)]
pub struct PoolStatus {
    /// Each token, in the order of the configuration.
    pub tokens: Vec<TokenPool>,
    /// People who wait for a place.
    pub waiting_interactive: usize,
    /// Documents of batches and directories that wait for a place.
    pub waiting_batch: usize,
}

/// One token.
#[derive(Clone, Debug)]
pub struct TokenPool {
    /// Which.
    pub serial: TokenSerial,
    /// Its state.
    pub state: TokenState,
    /// Why it is in it, if there is something to say.
    pub reason: Option<String>,
    /// Since when.
    pub since: Time,
    /// The signers that can be chosen.
    pub signers: Vec<SignerName>,
    /// Sessions at work.
    pub sessions: usize,
    /// Sessions that it should have.
    pub sessions_wanted: usize,
    /// By which factor it is preferred.
    pub weight: f64,
    /// Requests in its lanes.
    pub queued: usize,
    /// Places that are out.
    pub assigned: usize,
    /// What it has done since the start of the server.
    pub done: Done,
    /// Signatures a second in the last ten seconds.
    pub rate_10s: f64,
    /// Signatures a second in the last minute.
    pub rate_60s: f64,
    /// Mean time of a signature in the last minute.
    pub mean_sign: Option<Duration>,
    /// Half of the recent signatures took at most so long.
    pub median_sign: Option<Duration>,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// There is none.
    #[error("there is no token \"{0}\"")]
    NoToken(String),
    /// Not a number of sessions.
    #[error("a token has 1 to {SESSIONS_PER_TOKEN_MAX} sessions")]
    Sessions,
    /// Not a weight.
    #[error("a weight is greater than 0 and at most {WEIGHT_MAX}")]
    Weight,
    /// Its owner does not listen now.
    #[error("the token's owner does not listen now; try again")]
    NotNow,
}

impl Services {
    /// All tokens now.
    pub fn pool(&self) -> PoolStatus {
        let assigned = self.router.assigned();
        let mut tokens = Vec::with_capacity(assigned.len());
        let of_each = self.roster.tokens().iter().zip(&self.queues).zip(&self.configured_sessions).zip(&assigned);
        for (index, (((view, queue), configured), (_, assigned))) in of_each.enumerate() {
            let status = view.status();
            let (rate_10s, rate_60s, mean_sign) = self.meter.rates(index, view.done());
            tokens.push(TokenPool {
                weight: self.router.weight(&status.serial).unwrap_or(1.0),
                sessions_wanted: view.sessions_wanted().unwrap_or(*configured),
                queued: queue.depth(),
                assigned: *assigned,
                done: view.done(),
                rate_10s,
                rate_60s,
                mean_sign,
                median_sign: view.median_micros().map(|micros| Duration::from_micros(u64::from(micros))),
                serial: status.serial,
                state: status.state,
                reason: status.reason,
                since: status.since,
                signers: status.signers,
                sessions: status.sessions,
            });
        }
        PoolStatus {
            tokens,
            waiting_interactive: self.router.waiting_in(Lane::Interactive),
            waiting_batch: self.router.waiting_in(Lane::Batch),
        }
    }

    /// Gives a token another number of sessions. Surplus ones end after what they sign now; missing ones are opened as soon as
    /// the token is up.
    pub fn resize_token(&self, serial: &TokenSerial, sessions: usize) -> Result<(), NotChanged> {
        if !(1..=SESSIONS_PER_TOKEN_MAX).contains(&sessions) {
            return Err(NotChanged::Sessions);
        }
        let view = self.roster.token(serial).ok_or_else(|| NotChanged::NoToken(serial.to_string()))?;
        if view.tell(Command::Resize(sessions)) { Ok(()) } else { Err(NotChanged::NotNow) }
    }

    /// Prefers a token by this factor, as if it signed so much faster.
    pub fn weigh_token(&self, serial: &TokenSerial, weight: f64) -> Result<(), NotChanged> {
        if !(weight > 0.0 && weight <= WEIGHT_MAX) {
            return Err(NotChanged::Weight);
        }
        match self.router.weigh(serial, weight) {
            true => Ok(()),
            false => Err(NotChanged::NoToken(serial.to_string())),
        }
    }
}

/// What each token had done at moments of the last minute.
pub(crate) struct Meter {
    samples: Mutex<VecDeque<(Instant, Vec<Done>)>>,
}

impl Meter {
    /// Looks at the tokens every second, for as long as it lives.
    pub(crate) fn start(roster: Roster) -> Arc<Self> {
        let meter = Arc::new(Self { samples: Mutex::default() });
        tokio::spawn(sample(Arc::downgrade(&meter), roster));
        meter
    }

    /// Rates of the last ten seconds and the last minute, and the mean time in that, of the token with this index.
    fn rates(&self, index: usize, now: Done) -> (f64, f64, Option<Duration>) {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |wanted: Duration| {
            // The oldest sample of the period: a server that has just started knows a shorter one.
            let young = samples.iter().find(|(at, _)| at.elapsed() <= wanted)?;
            Some((young.0.elapsed(), *young.1.get(index)?))
        };
        let rate = |wanted| {
            let (elapsed, then) = since(wanted)?;
            let count = now.signatures.saturating_sub(then.signatures);
            (elapsed >= SHORTEST).then(|| count as f64 / elapsed.as_secs_f64())
        };
        let mean = since(LONG).and_then(|(_, then)| {
            let count = now.signatures.checked_sub(then.signatures).filter(|count| *count > 0)?;
            Some(Duration::from_micros(now.micros.saturating_sub(then.micros) / count))
        });
        (rate(SHORT).unwrap_or(0.0), rate(LONG).unwrap_or(0.0), mean)
    }
}

async fn sample(meter: Weak<Meter>, roster: Roster) {
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        let Some(meter) = meter.upgrade() else { return };
        let done = roster.tokens().iter().map(|view| view.done()).collect();
        let mut samples = meter.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() >= SAMPLES_KEPT {
            samples.pop_front();
        }
        samples.push_back((Instant::now(), done));
    }
}

/// Of a token's weight.
pub const WEIGHT_MAX: f64 = 1_000.0;
const PERIOD: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(60);
/// Over less, a rate says nothing.
const SHORTEST: Duration = Duration::from_millis(500);
const SAMPLES_KEPT: usize = 64;
