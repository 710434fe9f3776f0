//! Tokens that misbehave by a seeded plan, and the server around them: what the simulation and the tests of workers share.
//!
//! A fake token signs with a real software key, so that a wrong signature is wrong and a right one is right. What goes
//! wrong, and when, follows from its seed and the number of calls; only the interleaving of threads does not.
#![allow(dead_code, unreachable_pub)] // each test program uses its part
#![allow(clippy::unwrap_used)]

use actors::levels::Levels;
use actors::naming::Naming;
use actors::pipeline::Patience;
use actors::revocation::{Collector, RevocationSettings};
use actors::services::{Running, Services, Setup, TokenSetup};
use actors::timestamp::{TimeStampSettings, TimeStamper};
use actors::token::actor::{Pace, Select, SignerSettings, TokenSettings};
use actors::token::roster::TokenState;
use model::profile::{Format, PoolName};
use model::{
    Clock, Profile, Secret, SignatureValue, SignerName, SystemClock, TenantId, ToBeSigned, TokenSerial, WrappedKey,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use store::{Store, StoreConfig};
use testkit::pki::{KeyKind, Pki};
use token::{
    ContextLogin, Fault, FoundKey, KeyRef, LoggedIn, LoginFailed, LoginLedger, LoginRefused, Pin, Session,
    SoftwareToken, Token, TokenInfo, VerifiedPin,
};

/// A small generator of numbers (SplitMix64): the same seed gives the same plan on every machine.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What a call to a token may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The session has ended.
    SessionLost,
    /// The reader reports an error.
    DeviceError,
    /// The module's process has ended.
    Crash,
    /// The card is pulled, and put back after so many milliseconds.
    Pulled(u64),
    /// The signature takes so many milliseconds, and is right.
    Slow(u64),
    /// The call does not return: until a reset if the token is isolated, else for so many milliseconds.
    Hang(u64),
    /// One wrong bit.
    WrongSignature,
    /// The thread panics.
    Panic,
}

/// A token's character.
pub struct Character {
    pub name: &'static str,
    pub sessions: usize,
    pub isolated: bool,
    /// How long each signature takes at least, in microseconds.
    pub micros: u64,
    /// Troubles of signatures, each once in so many.
    pub signing: Vec<(Trouble, u64)>,
    /// Once in so many times the token does not answer while it is brought up, until a reset. 0: never.
    pub hangs_coming_up: u64,
    /// Which login, counted from 1, is refused.
    pub refused_login: Option<usize>,
}

impl Character {
    pub fn good(name: &'static str, sessions: usize) -> Self {
        let signing = Vec::new();
        Self { name, sessions, isolated: false, micros: 0, signing, hangs_coming_up: 0, refused_login: None }
    }
}

/// What happened to a token, for the test to judge.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub signatures: usize,
    pub logins: usize,
    pub refused: usize,
    /// Logins after a refusal that no operator had cleared. Must stay 0.
    pub logins_after_refusal: usize,
    pub resets: usize,
    /// Calls that hung for ten seconds because nobody ended the process. Must stay 0.
    pub hangs_not_ended: usize,
    /// The most sessions that were open at a time.
    pub sessions_max: usize,
    pub troubles: BTreeMap<Trouble, usize>,
}

/// A card, a reader and its middleware.
pub struct FakeToken {
    software: SoftwareToken,
    serial: TokenSerial,
    character: Character,
    state: Mutex<State>,
    changed: Condvar,
    /// Makes the next call of `isolated` panic: the one call that the actor itself makes.
    pub panic_in_actor: AtomicBool,
}

struct State {
    random: Random,
    /// Troubles that come first, whatever the dice say.
    planned: VecDeque<Trouble>,
    planned_hangs: usize,
    away_until: Option<Instant>,
    logged_in: bool,
    locked: bool,
    sessions: usize,
    /// Counts pulls, crashes and resets; sessions of before are of no use.
    generation: u64,
    /// The test has ended; nothing hangs any more.
    over: bool,
    seen: Seen,
}

impl FakeToken {
    pub fn new(character: Character, seed: u64) -> Arc<Self> {
        let identity = Pki::shared().issue(KeyKind::P256, &format!("Siegel {}", character.name)).unwrap();
        let (key, chain) = (identity.key_pem().unwrap(), identity.chain_pem().unwrap());
        let software = SoftwareToken::from_pem(character.name, &key, None, &chain).unwrap();
        let state = State {
            random: Random(seed),
            planned: VecDeque::new(),
            planned_hangs: 0,
            away_until: None,
            logged_in: false,
            locked: false,
            sessions: 0,
            generation: 0,
            over: false,
            seen: Seen::default(),
        };
        Arc::new(Self {
            software,
            serial: TokenSerial(format!("fake-{}", character.name).into()),
            character,
            state: Mutex::new(state),
            changed: Condvar::new(),
            panic_in_actor: AtomicBool::new(false),
        })
    }

    /// The next signature meets this.
    pub fn plan(&self, trouble: Trouble) {
        self.state().planned.push_back(trouble);
    }

    /// The next so many calls that bring the token up, or look at it, hang until a reset.
    pub fn plan_hangs_coming_up(&self, count: usize) {
        self.state().planned_hangs = count;
    }

    pub fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    /// Sessions that are open now.
    pub fn sessions(&self) -> usize {
        self.state().sessions
    }

    /// An operator has given the token a new PIN.
    pub fn unlock(&self) {
        self.state().locked = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_there(&self) -> bool {
        let mut state = self.state();
        if state.away_until.is_some_and(|until| until <= Instant::now()) {
            state.away_until = None;
        }
        state.away_until.is_none()
    }

    /// Waits until the process of this generation is ended (or far too long).
    fn hang(&self, generation: u64) -> Fault {
        let state = self.state();
        let limit = Duration::from_secs(10);
        let waited =
            self.changed.wait_timeout_while(state, limit, |state| state.generation == generation && !state.over);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        state.seen.hangs_not_ended += usize::from(timeout.timed_out());
        Fault::HostGone("reset".to_owned())
    }

    fn end_sessions(&self) {
        let mut state = self.state();
        state.generation += 1;
        state.logged_in = false;
        self.changed.notify_all();
    }

    fn attempt(&self, ledger: &dyn LoginLedger) -> Result<(), (LoginRefused, bool)> {
        if !self.is_there() {
            return Err((Fault::Absent.into(), false));
        }
        ledger.begin(&self.serial).map_err(|refused| (refused, false))?;
        let refused = {
            let mut state = self.state();
            state.seen.logins += 1;
            if state.locked {
                state.seen.logins_after_refusal += 1;
            }
            if self.character.refused_login == Some(state.seen.logins) {
                state.locked = true;
                state.seen.refused += 1;
            }
            state.logged_in = !state.locked;
            state.locked
        };
        if refused {
            ledger.refused(&self.serial, "wrong PIN");
            return Err((LoginRefused::Wrong, true));
        }
        ledger.accepted(&self.serial);
        Ok(())
    }

    /// While it is brought up and looked at.
    fn may_hang(&self) -> Result<(), Fault> {
        let mut state = self.state();
        let often = self.character.hangs_coming_up;
        let planned = state.planned_hangs > 0;
        state.planned_hangs = state.planned_hangs.saturating_sub(1);
        let hangs = planned || (often > 0 && state.random.below(often) == 0);
        let generation = state.generation;
        drop(state);
        if hangs { Err(self.hang(generation)) } else { Ok(()) }
    }
}

/// For the software token, which asks nobody.
struct NoLedger;

impl LoginLedger for NoLedger {
    fn begin(&self, _: &TokenSerial) -> Result<(), LoginRefused> {
        Ok(())
    }
    fn accepted(&self, _: &TokenSerial) {}
    fn refused(&self, _: &TokenSerial, _: &str) {}
    fn not_tried(&self, _: &TokenSerial) {}
}

/// The same token, as the server holds it.
pub struct Handle(pub Arc<FakeToken>);

impl Token for Handle {
    fn serial(&self) -> &TokenSerial {
        &self.0.serial
    }

    fn present(&self) -> Result<TokenInfo, Fault> {
        self.0.may_hang()?;
        if !self.0.is_there() {
            return Err(Fault::Absent);
        }
        self.0.software.present()
    }

    fn login(&self, ledger: &dyn LoginLedger, pin: Pin) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>> {
        match self.0.attempt(ledger) {
            Ok(()) => self.0.software.login(&NoLedger, pin),
            Err((refused, tried)) => Err(LoginFailed { refused, pin: (!tried).then_some(pin) }),
        }
    }

    fn login_again(
        &self,
        ledger: &dyn LoginLedger,
        pin: VerifiedPin,
    ) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>> {
        match self.0.attempt(ledger) {
            Ok(()) => self.0.software.login_again(&NoLedger, pin),
            Err((refused, tried)) => Err(LoginFailed { refused, pin: (!tried).then_some(pin) }),
        }
    }

    fn keys(&self, proof: &LoggedIn) -> Result<Vec<FoundKey>, Fault> {
        self.0.may_hang()?;
        self.0.software.keys(proof)
    }

    fn open_session(&self) -> Result<Box<dyn Session>, Fault> {
        if !self.0.is_there() {
            return Err(Fault::Absent);
        }
        let session = self.0.software.open_session()?;
        let mut state = self.0.state();
        state.sessions += 1;
        state.seen.sessions_max = state.seen.sessions_max.max(state.sessions);
        let generation = state.generation;
        drop(state);
        Ok(Box::new(FakeSession { token: self.0.clone(), session, generation }))
    }

    fn reset(&self) {
        if self.0.character.isolated {
            self.0.state().seen.resets += 1;
            self.0.end_sessions();
        }
    }

    fn isolated(&self) -> bool {
        assert!(!self.0.panic_in_actor.swap(false, Ordering::SeqCst), "{EXPECTED_PANIC}");
        self.0.character.isolated
    }
}

struct FakeSession {
    token: Arc<FakeToken>,
    session: Box<dyn Session>,
    generation: u64,
}

impl FakeSession {
    fn trouble(&self) -> Option<Trouble> {
        let mut state = self.token.state();
        let planned = state.planned.pop_front();
        let mut rolled = || {
            let troubles = &self.token.character.signing;
            troubles.iter().filter(|(_, often)| state.random.below(*often) == 0).map(|(trouble, _)| *trouble).next()
        };
        let trouble = planned.or_else(&mut rolled);
        if let Some(trouble) = trouble {
            *state.seen.troubles.entry(trouble).or_default() += 1;
        }
        trouble
    }
}

impl Session for FakeSession {
    fn sign(&mut self, key: &KeyRef, to_be_signed: &ToBeSigned) -> Result<SignatureValue, Fault> {
        let token = self.token.clone();
        if !token.is_there() {
            return Err(Fault::Absent);
        }
        {
            let state = token.state();
            if state.generation != self.generation || !state.logged_in {
                return Err(Fault::SessionLost("of before".to_owned()));
            }
        }
        sleep(Duration::from_micros(token.character.micros));
        let mut wrong = false;
        match self.trouble() {
            None => {}
            Some(Trouble::SessionLost) => return Err(Fault::SessionLost("closed".to_owned())),
            Some(Trouble::DeviceError) => return Err(Fault::Device("CKR_DEVICE_ERROR".to_owned())),
            Some(Trouble::Crash) => {
                token.end_sessions();
                return Err(Fault::HostGone("crashed".to_owned()));
            }
            Some(Trouble::Pulled(milliseconds)) => {
                token.state().away_until = Some(Instant::now() + Duration::from_millis(milliseconds));
                token.end_sessions();
                return Err(Fault::Absent);
            }
            Some(Trouble::Hang(_)) if token.character.isolated => return Err(token.hang(self.generation)),
            Some(Trouble::Slow(milliseconds) | Trouble::Hang(milliseconds)) => {
                sleep(Duration::from_millis(milliseconds));
            }
            Some(Trouble::WrongSignature) => wrong = true,
            Some(Trouble::Panic) => panic!("{EXPECTED_PANIC}"),
        }
        let mut value = self.session.sign(key, to_be_signed)?;
        token.state().seen.signatures += 1;
        if wrong && let Some(last) = value.0.last_mut() {
            *last ^= 1;
        }
        Ok(value)
    }

    fn decrypt(&mut self, key: &KeyRef, wrapped: &WrappedKey) -> Result<Secret, Fault> {
        self.session.decrypt(key, wrapped)
    }

    fn authenticate_with(&mut self, _: ContextLogin) {}
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.token.state().sessions -= 1;
    }
}

#[allow(clippy::disallowed_methods)] // a card is slow, and there is no event that would say so
fn sleep(time: Duration) {
    if !time.is_zero() {
        std::thread::sleep(time);
    }
}

const EXPECTED_PANIC: &str = "this panic belongs to the test";

/// Panics that belong to a test print no trace.
pub fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let text = panic.payload().downcast_ref::<String>().map(String::as_str).unwrap_or_default();
            if !text.contains(EXPECTED_PANIC) {
                usual(panic);
            }
        }));
    });
}

/// The services over some fake tokens, in one pool, with a real store in a temporary folder.
pub struct World {
    pub running: Running,
    pub services: Arc<Services>,
    pub store: Store,
    pub tenant: TenantId,
    pub tokens: Vec<Arc<FakeToken>>,
    pub pins_loaded: Arc<AtomicUsize>,
    /// Of the store, if it is one of its own.
    folder: Option<tempfile::TempDir>,
}

impl Drop for World {
    fn drop(&mut self) {
        for token in &self.tokens {
            token.state().over = true;
            token.end_sessions();
        }
    }
}

/// Everything a hundred times faster than in life.
pub const PACE: Pace = Pace {
    tick: Duration::from_millis(5),
    back_off_first: Duration::from_millis(10),
    back_off_max: Duration::from_millis(80),
    block_poll: Duration::from_millis(20),
    mismatch_retry: Duration::from_millis(50),
    step_timeout: Duration::from_millis(400),
};

const STORE: &str = "store.sqlite";

impl World {
    pub async fn start(tokens: Vec<Arc<FakeToken>>, in_flight_max: usize, sign_timeout: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(STORE);
        let store = Store::open(&StoreConfig::Sqlite { path }, "test").await.unwrap();
        let mut world = Self::start_on(store, tokens, in_flight_max, sign_timeout);
        world.folder = Some(folder);
        world
    }

    /// As [`World::start`], over a store that others may use, too.
    pub fn start_on(store: Store, tokens: Vec<Arc<FakeToken>>, in_flight_max: usize, sign_timeout: Duration) -> Self {
        let tenant = TenantId::new("main").unwrap();
        let pins_loaded = Arc::new(AtomicUsize::new(0));
        let setups = tokens.iter().map(|token| {
            let loaded = pins_loaded.clone();
            let settings = TokenSettings {
                serial: token.serial.clone(),
                sessions: token.character.sessions,
                signers: vec![SignerSettings { name: signer(token), select: Select::Only, chain: Vec::new() }],
                pin: Arc::new(move || {
                    loaded.fetch_add(1, Ordering::SeqCst);
                    Some(Pin::pad())
                }),
                sign_timeout,
                poll: Duration::from_millis(30),
            };
            TokenSetup { settings, token: Arc::new(Handle(token.clone())) as Arc<dyn Token> }
        });
        let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
        let stamper = TimeStamper::new(TimeStampSettings::default(), clock.clone()).unwrap();
        let collector = Collector::new(RevocationSettings::default(), clock.clone()).unwrap();
        let setup = Setup {
            store: store.clone(),
            levels: Levels::new(stamper, collector, clock.clone()),
            clock,
            tenant: tenant.clone(),
            tokens: setups.collect(),
            pools: vec![(pool(), tokens.iter().map(|token| signer(token)).collect())],
            directories: Vec::new(),
            documents_in_flight_max: in_flight_max,
            patience: Patience { place: Duration::from_secs(10), answer: Duration::from_secs(10) },
            naming: Naming::default(),
        };
        let running = Services::start_at(PACE, setup);
        let services = running.services.clone();
        Self { running, services, store, tenant, tokens, pins_loaded, folder: None }
    }

    /// Carries a statement out behind the store's back.
    pub fn tamper(&self, statement: &str) {
        let folder = self.folder.as_ref().expect("a store of its own");
        let program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])";
        let store = folder.path().join(STORE);
        testkit::tools::run_ok("python3", ["-c", program, store.to_str().unwrap(), statement]).unwrap();
    }

    pub fn state(&self, token: usize) -> TokenState {
        self.services.roster.tokens()[token].status().state
    }

    /// All places have come back and nobody waits.
    pub fn is_at_rest(&self) -> bool {
        let assigned = self.services.router.assigned();
        assigned.iter().all(|(_, assigned)| *assigned == 0) && self.services.router.waiting() == 0
    }

    /// As an operator does with `sealmill token unblock`, after the token got a PIN that it will take.
    pub async fn unblock(&self, token: usize) -> bool {
        self.tokens[token].unlock();
        let serial = &self.tokens[token].serial;
        self.store.login_clear(&self.tenant, serial, "cli:operator", SystemClock.now()).await.unwrap()
    }
}

/// Waits until something is so, at most ten seconds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn signer(token: &FakeToken) -> SignerName {
    SignerName(token.character.name.into())
}

fn pool() -> PoolName {
    PoolName("all".into())
}

/// A profile over the pool.
pub fn profile(format: Format) -> Arc<Profile> {
    Arc::new(Profile::plain(format.word(), &pool().0, format))
}

/// Runs a test as the server runs: actors on this thread, documents on others.
pub fn run<F: Future>(test: F) -> F::Output {
    quiet_panics();
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(32)
            .enable_all()
            .build()
            .unwrap()
    });
    system.block_on(test)
}
