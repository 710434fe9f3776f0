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
    /// What workers did that have ended since.
    past: Past,
    /// Sessions that it should have; 0 until somebody says so.
    sessions_wanted: AtomicUsize,
}

#[derive(Default)]
struct Past {
    signatures: AtomicU64,
    micros: AtomicU64,
    faults: AtomicU64,
}

/// What a token's workers have done since the start of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Signatures, and content keys opened.
    pub signatures: u64,
    /// Microseconds inside the token.
    pub micros: u64,
    /// Faults.
    pub faults: u64,
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
            past: Past::default(),
            sessions_wanted: AtomicUsize::new(0),
        })
    }

    /// Its status now.
    pub fn status(&self) -> TokenStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signatures made since the start of the server.
    pub fn signatures(&self) -> u64 {
        self.done().signatures
    }

    /// What its workers have done since the start of the server.
    pub fn done(&self) -> Done {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let past = Done {
            signatures: self.past.signatures.load(Ordering::Relaxed),
            micros: self.past.micros.load(Ordering::Relaxed),
            faults: self.past.faults.load(Ordering::Relaxed),
        };
        workers.iter().map(|worker| Done::of(worker)).fold(past, Done::plus)
    }

    /// Half of the recent signatures took at most so long, in microseconds.
    pub fn median_micros(&self) -> Option<u32> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent: Vec<u32> = workers.iter().flat_map(|worker| worker.recent()).collect();
        recent.sort_unstable();
        recent.get(recent.len() / 2).copied()
    }

    /// Sessions that it should have, if anybody has said so while the server ran.
    pub fn sessions_wanted(&self) -> Option<usize> {
        let wanted = self.sessions_wanted.load(Ordering::Acquire);
        (wanted > 0).then_some(wanted)
    }

    pub(crate) fn wants_sessions(&self, sessions: usize) {
        self.sessions_wanted.store(sessions, Ordering::Release);
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
        let before = std::mem::replace(&mut *workers, activities);
        let gone = |worker: &&Arc<Activity>| !workers.iter().any(|present| Arc::ptr_eq(present, worker));
        let ended = before.iter().filter(gone).map(|worker| Done::of(worker)).fold(Done::default(), Done::plus);
        self.past.signatures.fetch_add(ended.signatures, Ordering::Relaxed);
        self.past.micros.fetch_add(ended.micros, Ordering::Relaxed);
        self.past.faults.fetch_add(ended.faults, Ordering::Relaxed);
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

impl Done {
    fn of(worker: &Activity) -> Self {
        Self {
            signatures: worker.signatures.load(Ordering::Relaxed),
            micros: worker.sign_micros.load(Ordering::Relaxed),
            faults: worker.faults.load(Ordering::Relaxed),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            signatures: self.signatures + other.signatures,
            micros: self.micros + other.micros,
            faults: self.faults + other.faults,
        }
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
