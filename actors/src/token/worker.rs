//! One session, one thread: takes requests from the token's lanes, signs, answers.
//!
//! A worker never logs in, never reopens its session and never decides what a fault means for the token: it ends and
//! says why. The simulation calls [`Worker::step`] directly.

use super::queue::{Answer, Operation, Reply, SignFault, SignQueue, SignRequest};
use crate::measure::{Stage, thread_cpu};
use crate::supervise::Exit;
use crossbeam_channel::{Receiver, select_biased};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use token::Session;

/// What the outside sees of a worker while it runs.
#[derive(Debug)]
pub struct Activity {
    epoch: Instant,
    /// Microseconds since `epoch` at which the present signature began; 0 while idle.
    busy_since: AtomicI64,
    /// Signatures made, and content keys opened.
    pub signatures: AtomicU64,
    /// Microseconds spent inside the token.
    pub sign_micros: AtomicU64,
    /// What the token answered with a fault.
    pub faults: AtomicU64,
    /// How long the last signatures took, in microseconds; 0: there were not so many yet.
    recent: [AtomicU32; RECENT_KEPT],
    /// The reply of the present request, where the supervisor can take it when the module does not return.
    in_flight: Mutex<Option<Reply>>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            busy_since: AtomicI64::new(0),
            signatures: AtomicU64::new(0),
            sign_micros: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            recent: [const { AtomicU32::new(0) }; RECENT_KEPT],
            in_flight: Mutex::new(None),
        }
    }
}

impl Activity {
    /// How long the present signature has been going on, in milliseconds; `None` while idle.
    pub fn busy_ms(&self) -> Option<u64> {
        let since = self.busy_since.load(Ordering::Acquire);
        let now = i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX);
        (since > 0).then(|| u64::try_from((now - since) / 1_000).unwrap_or(0))
    }

    /// Answers the request that hangs in the module, so that its document can go elsewhere.
    pub fn give_up(&self) {
        if let Some(reply) = self.take() {
            reply.send(Err(SignFault::TimedOut));
        }
    }

    /// How long the last signatures took, in microseconds, in no order.
    pub fn recent(&self) -> impl Iterator<Item = u32> {
        self.recent.iter().map(|micros| micros.load(Ordering::Relaxed)).filter(|micros| *micros > 0)
    }

    fn begin(&self, mut reply: Reply) {
        reply.place.started();
        *self.in_flight.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
        let now = i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.busy_since.store(now.max(1), Ordering::Release);
    }

    fn end(&self) -> Option<Reply> {
        let since = self.busy_since.swap(0, Ordering::AcqRel);
        let now = i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX);
        let took = u64::try_from(now - since).unwrap_or(0);
        self.sign_micros.fetch_add(took, Ordering::Relaxed);
        let place = self.signatures.load(Ordering::Relaxed) as usize % RECENT_KEPT;
        if let Some(place) = self.recent.get(place) {
            place.store(u32::try_from(took).unwrap_or(u32::MAX).max(1), Ordering::Relaxed);
        }
        self.take()
    }

    fn take(&self) -> Option<Reply> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Owns one session.
pub struct Worker {
    session: Box<dyn Session>,
    control: Receiver<()>,
    interactive: Receiver<SignRequest>,
    batch: Receiver<SignRequest>,
    activity: Arc<Activity>,
}

enum Next {
    Stop,
    Sign(SignRequest),
}

impl Worker {
    /// A worker that pulls from `queue` until `control` is closed or the session ends.
    pub fn new(session: Box<dyn Session>, control: Receiver<()>, queue: &SignQueue, activity: Arc<Activity>) -> Self {
        let (interactive, batch) = queue.lanes();
        Self { session, control, interactive, batch, activity }
    }

    /// Works until there is a reason to end.
    pub fn run(mut self) -> Exit {
        loop {
            if let Some(exit) = self.step() {
                return exit;
            }
        }
    }

    /// Waits for one thing and does it.
    pub fn step(&mut self) -> Option<Exit> {
        let request = match self.next() {
            Next::Stop => return Some(Exit::Asked),
            Next::Sign(request) => request,
        };
        self.activity.begin(request.reply);
        let cpu = thread_cpu();
        let result = match &request.operation {
            Operation::Sign(to_be_signed) => self.session.sign(&request.key, to_be_signed).map(Answer::Signature),
            Operation::Decrypt(wrapped) => self.session.decrypt(&request.key, wrapped).map(Answer::Secret),
        };
        Stage::Sign.record_cpu(thread_cpu().saturating_sub(cpu));
        // The supervisor may have answered in the meantime; then the value is of no use to anybody.
        let reply = self.activity.end();
        match result {
            Ok(value) => {
                self.activity.signatures.fetch_add(1, Ordering::Relaxed);
                if let Some(reply) = reply {
                    reply.send(Ok(value));
                }
                None
            }
            Err(fault) => {
                self.activity.faults.fetch_add(1, Ordering::Relaxed);
                let exit = fault.ends_session();
                if let Some(reply) = reply {
                    reply.send(Err(SignFault::Token(fault.clone())));
                }
                exit.then_some(Exit::Fault(fault))
            }
        }
    }

    /// Commands first, people before batches.
    fn next(&self) -> Next {
        select_biased! {
            recv(self.control) -> _ => Next::Stop,
            recv(self.interactive) -> request => request.map_or(Next::Stop, Next::Sign),
            recv(self.batch) -> request => request.map_or(Next::Stop, Next::Sign),
        }
    }
}

/// Enough to tell what is usual by now.
const RECENT_KEPT: usize = 64;
