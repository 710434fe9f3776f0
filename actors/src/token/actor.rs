//! Owns one token: brings it up, starts its workers, watches them, and follows the supervision table when they end.
//!
//! It carries commands only; signatures go from the router through the queue to the workers and never pass here.
//! Everything that can block runs on a thread for blocking work, one such step at a time; its result comes back as a
//! message. The actor never tries a PIN twice: it hands its PIN over and keeps only what comes back untried.

use super::ledger::{Standing, StoreLedger};
use super::queue::{KeyHandle, SignQueue};
use super::roster::{TokenState, TokenView};
use super::worker::{Activity, Worker};
use crate::router::{DecryptionKey, ReadySigner, Router};
use crate::supervise::{Action, Exit, Supervision};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use crossbeam_channel::{Sender, bounded};
use model::limits::{ASSIGNED_PER_SESSION_MAX, SESSIONS_PER_TOKEN_MAX};
use model::{Clock, Signer, SignerName, TokenSerial};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use token::{ContextLogin, Fault, FoundKey, LoginRefused, Pin, Session, Token, VerifiedPin};

/// Which key of a token a signer means.
#[derive(Clone, Debug)]
pub enum Select {
    /// The only one there is.
    Only,
    /// The one whose certificate has this label.
    Label(String),
    /// The one with this certificate, DER.
    Certificate(Arc<[u8]>),
}

/// A signer as configuration names it.
#[derive(Clone, Debug)]
pub struct SignerSettings {
    /// Its name.
    pub name: SignerName,
    /// Its key on the token.
    pub select: Select,
    /// Certificates to put beside the signer's, if the token does not hold them; DER, in path order.
    pub chain: Vec<Arc<[u8]>>,
}

/// Reads the configured PIN afresh; `None` if there is none and an operator must enter it.
pub type PinLoader = Arc<dyn Fn() -> Option<Pin> + Send + Sync>;

/// What an actor needs to know about its token.
#[derive(Clone)]
pub struct TokenSettings {
    /// The token.
    pub serial: TokenSerial,
    /// Sessions, and so worker threads.
    pub sessions: usize,
    /// The signers on it.
    pub signers: Vec<SignerSettings>,
    /// Where the PIN comes from.
    pub pin: PinLoader,
    /// A signature that takes longer is stuck.
    pub sign_timeout: Duration,
    /// How often an absent token is looked for.
    pub poll: Duration,
}

/// How soon an actor looks and tries again. Operators have no reason to touch it; tests have.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often it looks at its workers and its token.
    pub tick: Duration,
    /// The first wait before a token in trouble is started again; doubled with each failure in a row.
    pub back_off_first: Duration,
    /// The longest such wait.
    pub back_off_max: Duration,
    /// How often it asks whether an operator has lifted the block of its token.
    pub block_poll: Duration,
    /// How long it waits before it looks again at a token that holds other keys than configured.
    pub mismatch_retry: Duration,
    /// A call other than a signature (a login with a person at a PIN pad included) that takes longer is stuck.
    pub step_timeout: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(100),
            back_off_first: Duration::from_secs(1),
            back_off_max: Duration::from_secs(600),
            block_poll: Duration::from_secs(2),
            mismatch_retry: Duration::from_secs(30),
            step_timeout: Duration::from_secs(180),
        }
    }
}

/// The shared things around an actor; they outlive it.
#[derive(Clone)]
pub struct TokenParts {
    /// The token.
    pub token: Arc<dyn Token>,
    /// Its waiting lines.
    pub queue: Arc<SignQueue>,
    /// Its place in the roster.
    pub view: Arc<TokenView>,
    /// Who hands out places at it.
    pub router: Router,
    /// The record of login attempts.
    pub ledger: Arc<StoreLedger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How soon it looks and tries again.
    pub pace: Pace,
}

/// What can be said to a token's actor.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Command {
    /// An operator entered a PIN; the block has been cleared in the store before.
    EnterPin(Pin),
    /// A signature did not verify.
    WrongSignature,
    /// A worker thread has ended: look at once, not at the next tick.
    WorkerEnded,
    /// It should have so many sessions from now on, until the server is started again.
    Resize(usize),
}

/// The actor of one token.
pub struct TokenActor {
    settings: TokenSettings,
    parts: TokenParts,
    state: State,
    pin: Option<Pin>,
    verified: Option<VerifiedPin>,
    workers: Vec<WorkerThread>,
    /// Sessions log in for each signature.
    context: bool,
    /// More sessions were asked for than could be opened.
    cannot_grow: bool,
    supervision: Supervision,
    /// A blocking step is under way.
    busy: bool,
    /// The step under way took too long, and the token's process was ended for it.
    step_given_up: bool,
    /// When the last step began.
    looked: Instant,
    epoch: Instant,
}

enum State {
    /// Bring it up when this moment has come.
    Due(Instant),
    LoggedIn,
    /// Until the record of the block is cleared. With a sentence: why, and that it must be put on record first.
    Blocked(Option<String>),
}

struct WorkerThread {
    control: Option<Sender<()>>,
    activity: Arc<Activity>,
    thread: Option<JoinHandle<Exit>>,
    /// Its call did not return in time, and what can be done about that has been done.
    given_up: bool,
}

/// What a blocking step found out.
enum Found {
    Up { verified: Option<VerifiedPin>, signers: Vec<ReadySigner>, sessions: Vec<Box<dyn Session>>, context: bool },
    Grown(Vec<Box<dyn Session>>),
    Refused { refused: LoginRefused, pin: Option<Pin>, verified: Option<VerifiedPin> },
    Failed { fault: Fault, verified: Option<VerifiedPin> },
    Mismatch { reason: String, verified: Option<VerifiedPin> },
    StillThere,
    BlockRecorded,
    BlockLifted { pin: Option<Pin>, by_operator: bool },
    NothingNew,
}

impl TokenActor {
    /// An actor that brings its token up as soon as it is started.
    pub fn new(settings: TokenSettings, parts: TokenParts) -> Self {
        let pin = (settings.pin)();
        let now = Instant::now();
        let supervision = Supervision::new(parts.pace.back_off_first, parts.pace.back_off_max);
        Self {
            settings,
            parts,
            state: State::Due(now),
            pin,
            verified: None,
            workers: Vec::new(),
            context: false,
            cannot_grow: false,
            supervision,
            busy: false,
            step_given_up: false,
            looked: now,
            epoch: now,
        }
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.reap();
        self.watch_for_hangs();
        self.watch_the_step();
        match &self.state {
            State::LoggedIn => {
                self.fit(ctx);
                if self.looked.elapsed() >= self.settings.poll {
                    let token = self.parts.token.clone();
                    self.step(ctx, move || match token.present() {
                        Ok(_) => Found::StillThere,
                        Err(fault @ (Fault::Absent | Fault::HostGone(_))) => Found::Failed { fault, verified: None },
                        Err(_) => Found::StillThere, // a busy module may refuse to be asked; its signatures will tell
                    });
                }
            }
            State::Due(when) => {
                // Places that were given out just before the token went down still lead here.
                self.parts.queue.drain();
                if Instant::now() >= *when {
                    self.bring_up(ctx);
                }
            }
            State::Blocked(Some(why)) => {
                self.parts.queue.drain();
                let (ledger, serial, why) = (self.parts.ledger.clone(), self.settings.serial.clone(), why.clone());
                self.step(ctx, move || match ledger.block(&serial, &why) {
                    true => Found::BlockRecorded,
                    false => Found::NothingNew,
                });
            }
            State::Blocked(None) => {
                self.parts.queue.drain();
                if self.looked.elapsed() >= self.parts.pace.block_poll {
                    let (ledger, serial) = (self.parts.ledger.clone(), self.settings.serial.clone());
                    let (pin, need_pin) = (self.settings.pin.clone(), self.pin.is_none());
                    self.step(ctx, move || match ledger.standing(&serial) {
                        // The operator means the PIN that is configured now, not the one of our start.
                        Standing::Cleared => Found::BlockLifted { pin: pin(), by_operator: true },
                        Standing::Free => {
                            Found::BlockLifted { pin: if need_pin { pin() } else { None }, by_operator: false }
                        }
                        Standing::Held | Standing::Unknown => Found::NothingNew,
                    });
                }
            }
        }
    }

    /// Runs one blocking step; further ones wait until it is back.
    fn step(&mut self, ctx: &mut Context<Self>, work: impl FnOnce() -> Found + Send + 'static) {
        if self.busy {
            return;
        }
        (self.busy, self.step_given_up) = (true, false);
        self.looked = Instant::now();
        let view = self.parts.view.clone();
        let step = tokio::task::spawn_blocking(move || view.in_step(work)).into_actor(self).map(|found, actor, ctx| {
            actor.busy = false;
            match found {
                Ok(found) => actor.found(found, ctx),
                Err(_) => {
                    let action = actor.supervision.after(&Exit::Panicked, actor.micros());
                    actor.act(action, "a step with the token panicked".to_owned());
                }
            }
        });
        ctx.spawn(step);
    }

    fn bring_up(&mut self, ctx: &mut Context<Self>) {
        if self.busy || self.workers.iter().any(|worker| worker.thread.is_some()) {
            return; // no second session beside one that still runs
        }
        let (settings, parts) = (self.settings.clone(), self.parts.clone());
        let (pin, verified) = (self.pin.take(), self.verified.take());
        self.step(ctx, move || bring_up(&settings, &parts, pin, verified));
    }

    fn found(&mut self, found: Found, ctx: &mut Context<Self>) {
        match found {
            Found::Up { verified, signers, sessions, context } => {
                (self.verified, self.context, self.cannot_grow) = (verified, context, false);
                self.start_workers(signers, sessions, ctx);
            }
            Found::Grown(sessions) => self.grown(sessions, ctx),
            Found::Refused { refused, pin, verified } => {
                (self.pin, self.verified) = (pin, verified);
                match refused {
                    LoginRefused::Fault(fault) => self.fault(fault),
                    // The token itself holds the next try back, or a person did: that it be made is an operator's decision.
                    LoginRefused::CountLow | LoginRefused::FinalTry | LoginRefused::Cancelled => {
                        self.block(refused.to_string(), Some(refused.to_string()));
                    }
                    refused => {
                        if refused == LoginRefused::NoPin {
                            // It was emptied by a refusal elsewhere, and would stand before the PIN that comes next.
                            self.verified = None;
                        }
                        // Every refusal that counts is on record already.
                        self.block(refused.to_string(), None);
                    }
                }
            }
            Found::Failed { fault, verified } => {
                if verified.is_some() {
                    self.verified = verified;
                }
                self.fault(fault);
            }
            Found::Mismatch { reason, verified } => {
                self.verified = verified;
                // Somebody may put the right certificate on the token: look again, at a person's pace.
                self.down(TokenState::Blocked, Some(reason));
                self.state = State::Due(Instant::now() + self.parts.pace.mismatch_retry);
            }
            Found::BlockRecorded => {
                if matches!(self.state, State::Blocked(_)) {
                    self.state = State::Blocked(None);
                }
            }
            Found::BlockLifted { pin, by_operator } => self.block_lifted(pin, by_operator, ctx),
            Found::StillThere | Found::NothingNew => {}
        }
    }

    fn block_lifted(&mut self, pin: Option<Pin>, by_operator: bool, ctx: &mut Context<Self>) {
        if !matches!(self.state, State::Blocked(_)) {
            return;
        }
        if pin.is_some() {
            self.pin = pin;
        }
        if by_operator {
            // The operator knows of the wrong tries that the token counts, and wants one more.
            self.pin = self.pin.take().map(Pin::confirmed);
            self.supervision.forgive();
        }
        if self.pin.is_some() || self.verified.is_some() {
            self.state = State::Due(Instant::now());
            self.bring_up(ctx);
        }
    }

    fn start_workers(&mut self, signers: Vec<ReadySigner>, sessions: Vec<Box<dyn Session>>, ctx: &mut Context<Self>) {
        let names = signers.iter().map(|ready| ready.signer.name.clone()).collect::<Vec<_>>();
        self.workers = Vec::with_capacity(sessions.len());
        sessions.into_iter().for_each(|session| self.start_worker(session, ctx));
        if self.workers.is_empty() {
            let action = self.supervision.after(&Exit::Panicked, self.micros());
            self.act(action, "no thread could be started".to_owned());
            return;
        }
        let count = self.workers.len();
        self.parts.view.workers_are(self.workers.iter().map(|worker| worker.activity.clone()).collect());
        self.parts.view.update(|status| (status.signers, status.sessions) = (names.clone(), count));
        self.state = State::LoggedIn;
        self.show(TokenState::LoggedIn, None);
        tracing::info!(token = %self.settings.serial, sessions = count, signers = ?names, "token ready");
        self.parts.router.up(&self.settings.serial, signers, count);
    }

    fn start_worker(&mut self, session: Box<dyn Session>, ctx: &Context<Self>) {
        let (control, stop) = bounded(1);
        let activity = Arc::new(Activity::default());
        let worker = Worker::new(session, stop, &self.parts.queue, activity.clone());
        let (nudge, number) = (Nudge(ctx.address()), self.workers.len());
        let thread =
            std::thread::Builder::new().name(format!("token-{}-{number}", self.settings.serial)).spawn(move || {
                let _nudge = nudge; // dropped when the thread ends, panicking or not
                worker.run()
            });
        match thread {
            Ok(thread) => self.workers.push(WorkerThread {
                control: Some(control),
                activity,
                thread: Some(thread),
                given_up: false,
            }),
            Err(error) => tracing::error!(token = %self.settings.serial, %error, "no thread for a session"),
        }
    }

    /// It should have another number of sessions from now on.
    fn resize(&mut self, sessions: usize, ctx: &mut Context<Self>) {
        let sessions = sessions.clamp(1, SESSIONS_PER_TOKEN_MAX);
        tracing::info!(token = %self.settings.serial, sessions, before = self.settings.sessions, "resized");
        (self.settings.sessions, self.cannot_grow) = (sessions, false);
        self.parts.view.wants_sessions(sessions);
        self.parts.queue.resize(sessions * ASSIGNED_PER_SESSION_MAX);
        if matches!(self.state, State::LoggedIn) {
            self.fit(ctx);
        }
    }

    /// As many workers as wanted: surplus ones end after what they sign now, missing ones get sessions.
    fn fit(&mut self, ctx: &mut Context<Self>) {
        let at_work = |worker: &&mut WorkerThread| worker.control.is_some() && worker.thread.is_some();
        let (wanted, present) = (self.settings.sessions, self.workers.iter_mut().filter(at_work).count());
        if present > wanted {
            let surplus = self.workers.iter_mut().filter(at_work).skip(wanted);
            surplus.for_each(|worker| worker.control = None);
            self.count_workers();
        } else if present < wanted && !self.cannot_grow && !self.busy {
            let missing = wanted - present;
            let (context, ledger) = (self.context, self.parts.ledger.clone());
            let login = |_| self.verified.as_ref().filter(|_| context).map(|pin| pin.for_context(ledger.clone()));
            let logins: Vec<Option<ContextLogin>> = (0..missing).map(login).collect();
            let (token, serial) = (self.parts.token.clone(), self.settings.serial.clone());
            self.step(ctx, move || {
                let mut sessions = Vec::with_capacity(logins.len());
                for login in logins {
                    match token.open_session() {
                        Ok(mut session) => {
                            if let Some(login) = login {
                                session.authenticate_with(login);
                            }
                            sessions.push(session);
                        }
                        Err(fault) => {
                            tracing::warn!(token = %serial, %fault, opened = sessions.len(), "fewer sessions than asked for");
                            break;
                        }
                    }
                }
                Found::Grown(sessions)
            });
        }
    }

    fn grown(&mut self, sessions: Vec<Box<dyn Session>>, ctx: &mut Context<Self>) {
        if !matches!(self.state, State::LoggedIn) {
            return; // they end here
        }
        let at_work = self.workers.iter().filter(|worker| worker.control.is_some() && worker.thread.is_some()).count();
        self.cannot_grow = at_work + sessions.len() < self.settings.sessions;
        for session in sessions.into_iter().take(self.settings.sessions.saturating_sub(at_work)) {
            self.start_worker(session, ctx);
        }
        self.count_workers();
    }

    /// Tells everybody how many workers there are.
    fn count_workers(&mut self) {
        self.workers.retain(|worker| worker.thread.is_some());
        let count = self.workers.iter().filter(|worker| worker.control.is_some()).count();
        self.parts.view.workers_are(self.workers.iter().map(|worker| worker.activity.clone()).collect());
        self.parts.view.update(|status| status.sessions = count);
        self.parts.router.resized(&self.settings.serial, count);
    }

    /// Collects worker threads that have ended.
    fn reap(&mut self) {
        let mut exits = Vec::new();
        for worker in &mut self.workers {
            if worker.thread.as_ref().is_some_and(JoinHandle::is_finished)
                && let Some(thread) = worker.thread.take()
            {
                worker.activity.give_up();
                exits.push(thread.join().unwrap_or(Exit::Panicked));
            }
        }
        for exit in exits {
            // Sessions that end because the others did are not a further failure.
            if !matches!(exit, Exit::Asked) && matches!(self.state, State::LoggedIn) {
                self.note_success();
                let action = self.supervision.after(&exit, self.micros());
                self.act(action, describe(&exit));
            }
        }
    }

    /// In every state: a card that is pulled while it signs is missed before its signature is, and it can't come back
    /// while that call hangs.
    fn watch_for_hangs(&mut self) {
        let limit = u64::try_from(self.settings.sign_timeout.as_millis()).unwrap_or(u64::MAX);
        let late = |worker: &WorkerThread| worker.activity.busy_ms().is_some_and(|busy| busy > limit);
        let hangs = |worker: &WorkerThread| !worker.given_up && worker.thread.is_some() && late(worker);
        if !self.workers.iter().any(hangs) {
            return;
        }
        for worker in self.workers.iter_mut().filter(|worker| hangs(worker)) {
            worker.given_up = true;
            worker.activity.give_up();
            if !self.parts.token.isolated() {
                // A thread inside C can't be ended. It is left alone; the card gets no second session beside it.
                tracing::error!(token = %self.settings.serial, "a call into the module does not return; its thread is left behind");
            }
        }
        if !matches!(self.state, State::LoggedIn) {
            self.parts.token.reset(); // it is down for another reason, and stays so
            return;
        }
        self.note_success();
        let why = "a signature did not come back in time";
        if self.parts.token.isolated() {
            self.parts.token.reset();
            let action = self.supervision.after(&Exit::Stuck, self.micros());
            self.act(action, why.to_owned());
        } else {
            // Should the call return after all, the token comes back; until then its thread keeps it from being opened.
            self.down(TokenState::Stuck, Some(format!("{why}; if this lasts, restart the server")));
            self.state = State::Due(Instant::now() + self.supervision.back_off());
        }
        let reason = self.parts.view.status().reason;
        self.show(TokenState::Stuck, reason);
    }

    /// A login or a look at the token that does not return hangs in the module as a signature can.
    fn watch_the_step(&mut self) {
        if self.busy && !self.step_given_up && self.looked.elapsed() > self.parts.pace.step_timeout {
            self.step_given_up = true;
            if matches!(self.state, State::Blocked(_)) {
                return; // it is the store that does not answer
            }
            tracing::error!(token = %self.settings.serial, "a call into the token's module does not return");
            self.parts.token.reset();
            self.down(TokenState::Stuck, Some("a call into the token's module does not return".to_owned()));
            self.state = State::Due(Instant::now() + self.supervision.back_off());
        }
    }

    /// A step did not bring the token up, or found it gone.
    fn fault(&mut self, fault: Fault) {
        self.note_success();
        // Device faults count where they cost documents their attempts: with sessions open. A token that does not come
        // up costs none, and must come back by itself when its reader or its network does. A refused request, too, keeps
        // a token from coming up.
        let coming_up = !matches!(self.state, State::LoggedIn);
        let exit = Exit::Fault(fault);
        let action = match &exit {
            Exit::Fault(Fault::Device(_)) if coming_up => Action::Restart(self.supervision.back_off()),
            exit => match self.supervision.after(exit, self.micros()) {
                Action::Keep => Action::Restart(self.supervision.back_off()),
                action => action,
            },
        };
        self.act(action, describe(&exit));
    }

    /// A token that has signed since it came up starts its back-off anew.
    fn note_success(&mut self) {
        let signed = |worker: &WorkerThread| worker.activity.signatures.load(Ordering::Relaxed) > 0;
        // Once for each time it is up: what its past workers signed says nothing about later failures.
        if matches!(self.state, State::LoggedIn) && self.workers.iter().any(signed) {
            self.supervision.succeeded();
        }
    }

    fn act(&mut self, action: Action, why: String) {
        match action {
            Action::Keep => {}
            Action::Restart(after) => {
                self.down(TokenState::Restarting, Some(why));
                self.state = State::Due(Instant::now() + after);
            }
            Action::AwaitToken => {
                self.down(TokenState::Absent, None);
                self.state = State::Due(Instant::now() + self.settings.poll);
            }
            Action::AwaitOperator(what) => {
                let reason = format!("{what} ({why})");
                self.block(reason.clone(), Some(reason));
            }
        }
    }

    /// `to_record`: why, if the ledger does not know yet that an operator is needed.
    fn block(&mut self, reason: String, to_record: Option<String>) {
        self.down(TokenState::Blocked, Some(reason));
        self.state = State::Blocked(to_record);
    }

    /// Takes the token out: no new places, everything in line goes to others, workers end after what they do now.
    fn down(&mut self, state: TokenState, reason: Option<String>) {
        self.parts.router.down(&self.settings.serial);
        for worker in &mut self.workers {
            worker.control = None;
        }
        self.parts.queue.drain();
        self.parts.view.update(|status| (status.signers, status.sessions) = (Vec::new(), 0));
        if self.parts.view.status().state != state {
            tracing::warn!(token = %self.settings.serial, state = state.word(), reason, "token not ready");
        }
        self.show(state, reason);
    }

    fn show(&self, state: TokenState, reason: Option<String>) {
        let now = self.parts.clock.now();
        self.parts.view.update(|status| {
            if status.state != state {
                status.since = now;
            }
            (status.state, status.reason) = (state, reason);
        });
    }

    fn micros(&self) -> i64 {
        i64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// Everything from "is it there" to open sessions. Blocks.
fn bring_up(settings: &TokenSettings, parts: &TokenParts, pin: Option<Pin>, verified: Option<VerifiedPin>) -> Found {
    let token = &parts.token;
    if let Err(fault) = token.present() {
        // Nothing was tried: both PINs are as good as before.
        return Found::Refused { refused: LoginRefused::Fault(fault), pin, verified };
    }
    let login = match (verified, pin) {
        (Some(verified), kept) => match token.login_again(&*parts.ledger, verified) {
            Ok(login) => login,
            Err(failed) => return Found::Refused { refused: failed.refused, pin: kept, verified: failed.pin },
        },
        (None, Some(pin)) => match token.login(&*parts.ledger, pin) {
            Ok(login) => login,
            Err(failed) => return Found::Refused { refused: failed.refused, pin: failed.pin, verified: None },
        },
        (None, None) => return Found::Refused { refused: LoginRefused::NoPin, pin: None, verified: None },
    };
    let (proof, verified) = login;
    let found = match token.keys(&proof) {
        Ok(found) => found,
        Err(fault) => return Found::Failed { fault, verified: Some(verified) },
    };
    let signers = match match_signers(settings, &found) {
        Ok(signers) => signers,
        Err(reason) => return Found::Mismatch { reason, verified: Some(verified) },
    };
    let opens = |found: &&FoundKey| found.uses.decrypt;
    let decryption: Vec<_> = found.iter().filter(opens).map(decryption_key).collect();
    let context = signers.iter().map(|ready| &ready.key).chain(decryption.iter().map(|key| &key.key));
    let context = context.into_iter().any(KeyHandle::always_authenticate);
    parts.router.opens(&settings.serial, decryption);
    let mut sessions = Vec::with_capacity(settings.sessions);
    for _ in 0..settings.sessions {
        match token.open_session() {
            Ok(mut session) => {
                if context {
                    session.authenticate_with(verified.for_context(parts.ledger.clone()));
                }
                sessions.push(session);
            }
            // Fewer sessions than asked for still sign; none at all is a fault.
            Err(fault) if sessions.is_empty() => return Found::Failed { fault, verified: Some(verified) },
            Err(fault) => {
                tracing::warn!(token = %settings.serial, %fault, opened = sessions.len(), "fewer sessions than configured");
                break;
            }
        }
    }
    Found::Up { verified: Some(verified), signers, sessions, context }
}

fn decryption_key(found: &FoundKey) -> DecryptionKey {
    DecryptionKey { certificate: found.certificate.clone(), key: found.key.clone() }
}

fn match_signers(settings: &TokenSettings, found: &[FoundKey]) -> Result<Vec<ReadySigner>, String> {
    let found: Vec<&FoundKey> = found.iter().filter(|key| key.uses.sign).collect();
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for key in &found {
        *labels.entry(&key.label).or_default() += 1;
    }
    let choose = |select: &Select| match select {
        Select::Only if found.len() == 1 => Ok(found[0]),
        Select::Only => Err(format!("it holds {} keys with certificates; say which one", found.len())),
        Select::Label(label) if labels.get(label.as_str()).is_some_and(|count| *count > 1) => {
            Err(format!("it holds several certificates with the label \"{label}\""))
        }
        Select::Label(label) => found
            .iter()
            .copied()
            .find(|key| key.label == *label)
            .ok_or_else(|| format!("it holds no key with a certificate labelled \"{label}\"")),
        Select::Certificate(wanted) => found
            .iter()
            .copied()
            .find(|key| key.certificate == *wanted)
            .ok_or_else(|| "it holds no key for the configured certificate".to_owned()),
    };
    let ready = settings.signers.iter().map(|wanted| {
        let key = choose(&wanted.select).map_err(|reason| format!("signer \"{}\": {reason}", wanted.name))?;
        let mut chain = key.chain.clone();
        chain.extend(wanted.chain.iter().filter(|extra| **extra != key.certificate).cloned());
        chain.dedup();
        let signer = Signer {
            name: wanted.name.clone(),
            token: settings.serial.clone(),
            certificate: key.certificate.clone(),
            chain,
            key: key.kind,
            subject: key.subject.clone(),
        };
        Ok(ReadySigner { signer: Arc::new(signer), key: key.key.clone() })
    });
    ready.collect()
}

fn describe(exit: &Exit) -> String {
    match exit {
        Exit::Asked => "asked to end".to_owned(),
        Exit::Fault(fault) => fault.to_string(),
        Exit::Panicked => "a worker thread panicked".to_owned(),
        Exit::Stuck => "a call into the module did not return".to_owned(),
    }
}

struct Nudge(actix::Addr<TokenActor>);

impl Drop for Nudge {
    fn drop(&mut self) {
        // If the mailbox is full or gone, the next tick looks anyway.
        let _ = self.0.try_send(Command::WorkerEnded);
    }
}

impl Actor for TokenActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.parts.view.actor_is(ctx.address());
        ctx.run_interval(self.parts.pace.tick, Self::tick);
        self.bring_up(ctx);
    }
}

impl Drop for TokenActor {
    /// Also after a panic in a handler, where actix calls nothing: no places lead to a token that nobody looks after.
    fn drop(&mut self) {
        self.parts.router.down(&self.settings.serial);
        self.parts.queue.drain();
        self.workers.iter().for_each(|worker| worker.activity.give_up());
    }
}

impl Handler<Command> for TokenActor {
    type Result = ();

    fn handle(&mut self, command: Command, ctx: &mut Context<Self>) {
        match command {
            Command::EnterPin(pin) => {
                // It replaces whatever this token accepted before.
                (self.pin, self.verified) = (Some(pin), None);
                if matches!(self.state, State::Blocked(_)) {
                    self.state = State::Due(Instant::now());
                }
                self.bring_up(ctx);
            }
            // Signatures that were under way beside the first wrong one are the same trouble, and the token is out already.
            Command::WrongSignature if matches!(self.state, State::LoggedIn) => {
                let action = self.supervision.device_fault(self.micros());
                self.act(action, "it returned a signature that does not verify".to_owned());
            }
            Command::WrongSignature => {}
            Command::WorkerEnded => self.reap(),
            Command::Resize(sessions) => self.resize(sessions, ctx),
        }
    }
}
