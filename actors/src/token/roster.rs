//! What everybody may know about every token: its state in words, and a way to tell its actor something.
//!
//! The roster outlives the actors; it decides nothing.

use super::actor::{Command, TokenActor};
use super::worker::Activity;
use actix::Addr;
use model::{SignerName, Time, TokenSerial};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The states of a token (design: `Absent → Present → LoggedIn`, and those that need somebody).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It is not there.
    Absent,
    /// It is there and being logged in.
    Present,
    /// It signs.
    LoggedIn,
    /// It waits for an operator.
    Blocked,
    /// A call into its module does not return.
    Stuck,
    /// It is being started again after trouble.
    Restarting,
}

impl TokenState {
    /// All states, for metrics.
    pub const ALL: [TokenState; 6] = [
        TokenState::Absent,
        TokenState::Present,
        TokenState::LoggedIn,
        TokenState::Blocked,
        TokenState::Stuck,
        TokenState::Restarting,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            TokenState::Absent => "absent",
            TokenState::Present => "present",
            TokenState::LoggedIn => "logged-in",
            TokenState::Blocked => "blocked",
            TokenState::Stuck => "stuck",
            TokenState::Restarting => "restarting",
        }
    }
}

/// One token's observable state.
#[derive(Clone, Debug)]
pub struct TokenStatus {
    /// The token.
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
}

/// The place of one token in the roster.
pub struct TokenView {
    serial: TokenSerial,
    status: Mutex<TokenStatus>,
    address: RwLock<Option<Addr<TokenActor>>>,
    workers: Mutex<Vec<Arc<Activity>>>,
    /// Calls into the token's module under way, other than signatures.
    steps: AtomicUsize,
    /// What workers signed that have ended since.
    past_signatures: AtomicU64,
}

impl TokenView {
    /// A token of which nothing is known yet.
    pub fn new(serial: TokenSerial, now: Time) -> Arc<Self> {
        let status = TokenStatus {
            serial: serial.clone(),
            state: TokenState::Absent,
            reason: None,
            since: now,
            signers: Vec::new(),
            sessions: 0,
        };
        Arc::new(Self {
            serial,
            status: Mutex::new(status),
            address: RwLock::new(None),
            workers: Mutex::new(Vec::new()),
            steps: AtomicUsize::new(0),
            past_signatures: AtomicU64::new(0),
        })
    }

    /// Its status now.
    pub fn status(&self) -> TokenStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signatures made since the start of the server.
    pub fn signatures(&self) -> u64 {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let present: u64 = workers.iter().map(|worker| worker.signatures.load(Ordering::Relaxed)).sum();
        self.past_signatures.load(Ordering::Relaxed) + present
    }

    /// Runs a call into the token's module.
    pub(crate) fn in_step<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Step<'v>(&'v AtomicUsize);
        impl Drop for Step<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::AcqRel);
            }
        }
        self.steps.fetch_add(1, Ordering::AcqRel);
        let _step = Step(&self.steps);
        work()
    }

    /// Whether a call into the token's module, other than a signature, is under way.
    pub(crate) fn is_in_step(&self) -> bool {
        self.steps.load(Ordering::Acquire) > 0
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut TokenStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn workers_are(&self, activities: Vec<Arc<Activity>>) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = std::mem::replace(&mut *workers, activities);
        let signed: u64 = ended.iter().map(|worker| worker.signatures.load(Ordering::Relaxed)).sum();
        self.past_signatures.fetch_add(signed, Ordering::Relaxed);
    }

    pub(crate) fn actor_is(&self, address: Addr<TokenActor>) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    /// Tells the actor something; `false` if it is not there or too busy to listen.
    pub fn tell(&self, command: Command) -> bool {
        let address = self.address.read().unwrap_or_else(PoisonError::into_inner);
        address.as_ref().is_some_and(|address| address.try_send(command).is_ok())
    }

    /// Whether the actor is alive.
    pub(crate) fn actor_lives(&self) -> bool {
        let address = self.address.read().unwrap_or_else(PoisonError::into_inner);
        address.as_ref().is_some_and(Addr::connected)
    }
}

/// All tokens. Cheap to clone.
#[derive(Clone, Default)]
pub struct Roster {
    tokens: Arc<[Arc<TokenView>]>,
}

impl Roster {
    /// A roster of these.
    pub fn new(tokens: Vec<Arc<TokenView>>) -> Self {
        Self { tokens: tokens.into() }
    }

    /// All of them, in configuration order.
    pub fn tokens(&self) -> &[Arc<TokenView>] {
        &self.tokens
    }

    /// Finds one.
    pub fn token(&self, serial: &TokenSerial) -> Option<&Arc<TokenView>> {
        self.tokens.iter().find(|view| view.serial == *serial)
    }

    /// A signature of this token did not verify.
    pub fn wrong_signature(&self, serial: &TokenSerial, what: &'static str) {
        tracing::error!(token = %serial, what, "a token returned a signature that does not verify");
        if let Some(view) = self.token(serial) {
            view.tell(Command::WrongSignature);
        }
    }
}
