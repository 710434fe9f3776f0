//! The waiting lines in front of one token: two bounded lanes that outlive its worker threads.
//!
//! A request enters only with a [`Place`] that the router gave out, and there are as many places as a lane is long:
//! entering never waits and never fails for want of room. Requests carry digests and
//! wrapped content keys, never documents.

use crate::router::{Assignment, Place};
use crossbeam_channel::{Receiver, Sender, bounded};
use model::limits::{ASSIGNED_PER_SESSION_MAX, SESSIONS_PER_TOKEN_MAX};
use model::{Lane, Secret, SignatureValue, ToBeSigned, WrappedKey};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use token::Fault;
use tokio::sync::oneshot;

/// How a worker names a key to its session.
pub type KeyHandle = token::KeyRef;

/// Why a token gave no signature value.
#[derive(Debug, thiserror::Error)]
pub enum SignFault {
    /// The token said so.
    #[error(transparent)]
    Token(#[from] Fault),
    /// The token went away, was taken out or its worker ended while the request was in line.
    #[error("the token became unavailable before it could sign")]
    Drained,
    /// No answer in time.
    #[error("the token did not answer in time")]
    TimedOut,
}

/// What a private key is asked to do.
#[derive(Debug)]
pub(crate) enum Operation {
    Sign(ToBeSigned),
    Decrypt(WrappedKey),
}

/// What it answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Signature(SignatureValue),
    Secret(Secret),
}

/// One thing for a private key to do.
#[derive(Debug)]
pub struct SignRequest {
    pub(crate) key: KeyHandle,
    pub(crate) operation: Operation,
    pub(crate) reply: Reply,
}

/// Where the answer goes; gives the place back when it is used or dropped.
#[derive(Debug)]
pub struct Reply {
    sender: oneshot::Sender<Result<Answer, SignFault>>,
    pub(crate) place: Place,
}

impl Reply {
    /// Answers. The place is free again before the document goes on, so that the token never idles.
    pub(crate) fn send(mut self, result: Result<Answer, SignFault>) {
        if result.is_err() {
            self.place.did_not_sign();
        }
        drop(self.place);
        // Nobody may be left to hear it: the caller gave up.
        let _ = self.sender.send(result);
    }
}

/// The two lanes of one token.
#[derive(Debug)]
pub struct SignQueue {
    interactive: (Sender<SignRequest>, Receiver<SignRequest>),
    batch: (Sender<SignRequest>, Receiver<SignRequest>),
    capacity: AtomicUsize,
    /// What the lanes have room for, whatever the capacity is.
    room: usize,
}

impl SignQueue {
    /// Lanes for `capacity` places, and for as many as the token may ever have.
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let room = capacity.max(SESSIONS_PER_TOKEN_MAX * ASSIGNED_PER_SESSION_MAX);
        Self { interactive: bounded(room), batch: bounded(room), capacity: AtomicUsize::new(capacity), room }
    }

    /// How many places the router may give out.
    pub fn capacity(&self) -> usize {
        self.capacity.load(Ordering::Acquire)
    }

    /// Changes how many places the router may give out. The router is to be told.
    pub fn resize(&self, capacity: usize) {
        self.capacity.store(capacity.clamp(1, self.room), Ordering::Release);
    }

    /// Requests in line.
    pub fn depth(&self) -> usize {
        self.interactive.1.len() + self.batch.1.len()
    }

    /// The workers' ends: interactive first.
    pub(crate) fn lanes(&self) -> (Receiver<SignRequest>, Receiver<SignRequest>) {
        (self.interactive.1.clone(), self.batch.1.clone())
    }

    /// Sends everything in line back: the token can't sign now, another one may.
    pub fn drain(&self) {
        for lane in [&self.interactive.1, &self.batch.1] {
            while let Ok(request) = lane.try_recv() {
                request.reply.send(Err(SignFault::Drained));
            }
        }
    }
}

impl Assignment {
    /// Hands the to-be-signed bytes to the token and waits for the value, at most `timeout`.
    pub async fn sign(
        self,
        key: KeyHandle,
        to_be_signed: ToBeSigned,
        timeout: Duration,
    ) -> Result<SignatureValue, SignFault> {
        match self.ask(key, Operation::Sign(to_be_signed), timeout).await? {
            Answer::Signature(value) => Ok(value),
            Answer::Secret(_) => Err(SignFault::Drained),
        }
    }

    /// Hands a wrapped content key to the token and waits for what it makes of it, at most `timeout`.
    pub async fn decrypt(self, key: KeyHandle, wrapped: WrappedKey, timeout: Duration) -> Result<Secret, SignFault> {
        match self.ask(key, Operation::Decrypt(wrapped), timeout).await? {
            Answer::Secret(secret) => Ok(secret),
            Answer::Signature(_) => Err(SignFault::Drained),
        }
    }

    async fn ask(self, key: KeyHandle, operation: Operation, timeout: Duration) -> Result<Answer, SignFault> {
        let (sender, receiver) = oneshot::channel();
        let reply = Reply { sender, place: self.place };
        let lane = match self.lane {
            Lane::Interactive => &self.queue.interactive.0,
            Lane::Batch => &self.queue.batch.0,
        };
        let sent = lane.try_send(SignRequest { key, operation, reply });
        debug_assert!(sent.is_ok(), "a place means room in the lane");
        if sent.is_err() {
            return Err(SignFault::Drained);
        }
        match tokio::time::timeout(timeout, receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(SignFault::Drained),
            Err(_) => Err(SignFault::TimedOut),
        }
    }
}
