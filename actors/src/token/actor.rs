//! Owns one token: brings it up, starts its workers, watches them, and follows the supervision table when they end.
//!
//! It carries commands only; signatures go from the router through the queue to the workers and never pass here.
//! Everything that can block runs on a thread for blocking work, one such step at a time; its result comes back as a
//! message. The actor never tries a PIN twice: it hands its PIN over and keeps only what comes back untried.

use super::ledger::StoreLedger;
use super::queue::SignQueue;
use super::roster::{TokenState, TokenView};
use super::worker::{Activity, Worker};
use crate::router::{ReadySigner, Router};
use crate::supervise::{Action, Exit, Supervision};
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use crossbeam_channel::{Sender, bounded};
use model::{Clock, Signer, SignerName, TokenSerial};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use token::{Fault, FoundKey, LoginRefused, Pin, Session, Token, VerifiedPin};

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
}

/// The actor of one token.
pub struct TokenActor {
    settings: TokenSettings,
    parts: TokenParts,
    state: State,
    pin: Option<Pin>,
    verified: Option<VerifiedPin>,
    workers: Vec<WorkerThread>,
    supervision: Supervision,
    /// A blocking step is under way.
    busy: bool,
    looked: Instant,
    epoch: Instant,
}

enum State {
    /// Bring it up when this moment has come.
    Due(Instant),
    LoggedIn,
    Blocked,
}

struct WorkerThread {
    control: Option<Sender<()>>,
    activity: Arc<Activity>,
    thread: Option<JoinHandle<Exit>>,
}

/// What a blocking step found out.
enum Found {
    Up { verified: Option<VerifiedPin>, signers: Vec<ReadySigner>, sessions: Vec<Box<dyn Session>> },
    Refused { refused: LoginRefused, pin: Option<Pin>, verified: Option<VerifiedPin> },
    Failed { fault: Fault, verified: Option<VerifiedPin> },
    Mismatch { reason: String, verified: Option<VerifiedPin> },
    StillThere,
    BlockLifted(Option<Pin>),
    NothingNew,
}

impl TokenActor {
    /// An actor that brings its token up as soon as it is started.
    pub fn new(settings: TokenSettings, parts: TokenParts) -> Self {
        let pin = (settings.pin)();
        let now = Instant::now();
        Self {
            settings,
            parts,
            state: State::Due(now),
            pin,
            verified: None,
            workers: Vec::new(),
            supervision: Supervision::default(),
            busy: false,
            looked: now,
            epoch: now,
        }
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.reap(ctx);
        match self.state {
            State::LoggedIn => {
                self.watch_for_hangs();
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
                if Instant::now() >= when {
                    self.bring_up(ctx);
                }
            }
            State::Blocked => {
                self.parts.queue.drain();
                if self.looked.elapsed() >= BLOCK_POLL {
                    let (ledger, serial) = (self.parts.ledger.clone(), self.settings.serial.clone());
                    let (pin, need_pin) = (self.settings.pin.clone(), self.pin.is_none());
                    self.step(ctx, move || {
                        if !ledger.is_free(&serial) {
                            return Found::NothingNew;
                        }
                        Found::BlockLifted(if need_pin { pin() } else { None })
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
        self.busy = true;
        self.looked = Instant::now();
        let step = tokio::task::spawn_blocking(work).into_actor(self).map(|found, actor, ctx| {
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
            Found::Up { verified, signers, sessions } => {
                self.verified = verified;
                self.start_workers(signers, sessions, ctx);
            }
            Found::Refused { refused, pin, verified } => {
                (self.pin, self.verified) = (pin, verified);
                match refused {
                    LoginRefused::Fault(fault) => self.fault(fault),
                    refused => self.block(refused.to_string()),
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
                self.state = State::Due(Instant::now() + MISMATCH_RETRY);
            }
            Found::BlockLifted(pin) => {
                if pin.is_some() {
                    self.pin = pin;
                }
                if self.pin.is_some() || self.verified.is_some() {
                    self.state = State::Due(Instant::now());
                    self.bring_up(ctx);
                }
            }
            Found::StillThere | Found::NothingNew => {}
        }
    }

    fn start_workers(&mut self, signers: Vec<ReadySigner>, sessions: Vec<Box<dyn Session>>, ctx: &mut Context<Self>) {
        let names = signers.iter().map(|ready| ready.signer.name.clone()).collect::<Vec<_>>();
        self.workers = Vec::with_capacity(sessions.len());
        for (number, session) in sessions.into_iter().enumerate() {
            let (control, stop) = bounded(1);
            let activity = Arc::new(Activity::default());
            let worker = Worker::new(session, stop, &self.parts.queue, activity.clone());
            let nudge = Nudge(ctx.address());
            let thread =
                std::thread::Builder::new().name(format!("token-{}-{number}", self.settings.serial)).spawn(move || {
                    let _nudge = nudge; // dropped when the thread ends, panicking or not
                    worker.run()
                });
            match thread {
                Ok(thread) => {
                    self.workers.push(WorkerThread { control: Some(control), activity, thread: Some(thread) })
                }
                Err(error) => tracing::error!(token = %self.settings.serial, %error, "no thread for a session"),
            }
        }
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

    /// Collects worker threads that have ended.
    fn reap(&mut self, _ctx: &mut Context<Self>) {
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

    fn watch_for_hangs(&mut self) {
        let limit = u64::try_from(self.settings.sign_timeout.as_millis()).unwrap_or(u64::MAX);
        let hangs = |worker: &WorkerThread| worker.activity.busy_ms().is_some_and(|busy| busy > limit);
        if !self.workers.iter().any(hangs) {
            return;
        }
        for worker in self.workers.iter_mut().filter(|worker| hangs(worker)) {
            worker.activity.give_up();
            if !self.parts.token.isolated() {
                // A thread inside C can't be ended. It is left alone; the card gets no second session beside it.
                tracing::error!(token = %self.settings.serial, "a call into the module does not return; its thread is left behind");
            }
        }
        self.note_success();
        let action = self.supervision.after(&Exit::Stuck, self.micros());
        let action = if self.parts.token.isolated() {
            self.parts.token.reset();
            action
        } else {
            Action::AwaitOperator("a call into the token's module does not return; restart the server")
        };
        self.act(action, "a signature did not come back in time".to_owned());
        self.show(TokenState::Stuck, Some("a signature did not come back in time".to_owned()));
    }

    fn fault(&mut self, fault: Fault) {
        self.note_success();
        let exit = Exit::Fault(fault);
        let action = self.supervision.after(&exit, self.micros());
        // Outside a signature even a refused request keeps the token from coming up.
        let action = if action == Action::Keep { Action::Restart(self.supervision.back_off()) } else { action };
        self.act(action, describe(&exit));
    }

    /// A token that has signed since it came up starts its back-off anew.
    fn note_success(&mut self) {
        let signed =
            self.workers.iter().any(|worker| worker.activity.signatures.load(std::sync::atomic::Ordering::Relaxed) > 0);
        if signed {
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
            Action::AwaitOperator(what) => self.block(format!("{what} ({why})")),
        }
    }

    fn block(&mut self, reason: String) {
        self.down(TokenState::Blocked, Some(reason));
        self.state = State::Blocked;
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
    let found = match token.signers(&proof) {
        Ok(found) => found,
        Err(fault) => return Found::Failed { fault, verified: Some(verified) },
    };
    let signers = match match_signers(settings, &found) {
        Ok(signers) => signers,
        Err(reason) => return Found::Mismatch { reason, verified: Some(verified) },
    };
    let context = signers.iter().any(|ready| ready.key.always_authenticate());
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
    Found::Up { verified: Some(verified), signers, sessions }
}

fn match_signers(settings: &TokenSettings, found: &[FoundKey]) -> Result<Vec<ReadySigner>, String> {
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for key in found {
        *labels.entry(&key.label).or_default() += 1;
    }
    let choose = |select: &Select| match select {
        Select::Only if found.len() == 1 => Ok(&found[0]),
        Select::Only => Err(format!("it holds {} keys with certificates; say which one", found.len())),
        Select::Label(label) if labels.get(label.as_str()).is_some_and(|count| *count > 1) => {
            Err(format!("it holds several certificates with the label \"{label}\""))
        }
        Select::Label(label) => found
            .iter()
            .find(|key| key.label == *label)
            .ok_or_else(|| format!("it holds no key with a certificate labelled \"{label}\"")),
        Select::Certificate(wanted) => found
            .iter()
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
        ctx.run_interval(TICK, Self::tick);
        self.bring_up(ctx);
    }

    fn stopped(&mut self, _ctx: &mut Context<Self>) {
        self.parts.router.down(&self.settings.serial);
        self.parts.queue.drain();
    }
}

impl Handler<Command> for TokenActor {
    type Result = ();

    fn handle(&mut self, command: Command, ctx: &mut Context<Self>) {
        match command {
            Command::EnterPin(pin) => {
                self.pin = Some(pin);
                if matches!(self.state, State::Blocked) {
                    self.state = State::Due(Instant::now());
                }
                self.bring_up(ctx);
            }
            Command::WrongSignature => {
                let action = self.supervision.device_fault(self.micros());
                self.act(action, "it returned a signature that does not verify".to_owned());
            }
            Command::WorkerEnded => self.reap(ctx),
        }
    }
}

const TICK: Duration = Duration::from_millis(100);
const BLOCK_POLL: Duration = Duration::from_secs(2);
const MISMATCH_RETRY: Duration = Duration::from_secs(30);
