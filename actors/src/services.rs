//! Everything that doors and the server hold, and the one place that starts the actors.
//!
//! `Services` outlives every actor: a door never sees one die. The keeper looks after the actors themselves, because
//! actix restarts an actor that stops, but not one whose handler panicked.

use crate::directory::{DirectoryActor, DirectoryParts, DirectorySettings};
use crate::intake::Intake;
use crate::levels::Levels;
use crate::measure;
use crate::naming::Naming;
use crate::pipeline::{Patience, Pipeline};
use crate::pool::Meter;
use crate::recorder::Recorder;
use crate::router::{Router, Seating};
use crate::schedule::Schedule;
use crate::token::actor::{Pace, TokenActor, TokenParts, TokenSettings};
use crate::token::ledger::StoreLedger;
use crate::token::queue::SignQueue;
use crate::token::roster::{Roster, TokenState, TokenView};
use actix::{Actor, Addr};
use model::profile::PoolName;
use model::{Clock, JobId, Outcome, SignerName, TenantId};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::Store;
use token::Token;
use tokio::runtime::Handle;
use tokio::sync::broadcast;

/// What became of one document, for whoever watches.
#[derive(Clone, Debug)]
pub struct DocumentEvent {
    /// The door it came in by.
    pub door: String,
    /// Its name.
    pub name: String,
    /// The form of the result.
    pub format: Option<String>,
    /// Who signed.
    pub signer: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Where the result is, or the rejected source.
    pub place: Option<PathBuf>,
}

/// A token to be owned.
pub struct TokenSetup {
    /// What is configured.
    pub settings: TokenSettings,
    /// The token itself.
    pub token: Arc<dyn Token>,
}

/// What a server is made of.
pub struct Setup {
    /// The store.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The tenant that owns the tokens.
    pub tenant: TenantId,
    /// The tokens.
    pub tokens: Vec<TokenSetup>,
    /// The pools and their signers.
    pub pools: Vec<(PoolName, Vec<SignerName>)>,
    /// The watched directories.
    pub directories: Vec<DirectorySettings>,
    /// Documents in the server at a time.
    pub documents_in_flight_max: usize,
    /// How long documents wait.
    pub patience: Patience,
    /// Lifts signatures, with the authorities and sources that it asks.
    pub levels: Levels,
    /// Naming rule of doors without one of their own.
    pub naming: Naming,
}

/// The running parts.
pub struct Services {
    /// The store.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The door for work.
    pub intake: Intake,
    /// The spine.
    pub pipeline: Arc<Pipeline>,
    /// Writes outcomes.
    pub recorder: Recorder,
    /// Chooses signers.
    pub router: Router,
    /// All tokens.
    pub roster: Roster,
    /// All watched directories.
    pub directories: Vec<Arc<DirectoryParts>>,
    /// Naming rule of doors without one of their own.
    pub naming: Naming,
    /// What became of each document; slow listeners miss some.
    pub events: broadcast::Sender<DocumentEvent>,
    pub(crate) queues: Vec<Arc<SignQueue>>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) configured_sessions: Vec<usize>,
}

/// Lets a server end in order.
pub struct Running {
    /// The parts.
    pub services: Arc<Services>,
    recorder: tokio::task::JoinHandle<()>,
    keeper: tokio::task::JoinHandle<()>,
    tokens: Vec<TokenParts>,
}

impl Services {
    /// Starts everything. Must run inside an actix system.
    pub fn start(setup: Setup) -> Running {
        Self::start_at(Pace::default(), setup)
    }

    /// As [`Services::start`], with token actors of another pace.
    pub fn start_at(pace: Pace, setup: Setup) -> Running {
        let Setup {
            store,
            clock,
            tenant,
            tokens,
            pools,
            directories,
            documents_in_flight_max,
            patience,
            levels,
            naming,
        } = setup;
        let seating: Vec<Seating> = tokens.iter().map(|setup| seat(&setup.settings)).collect();
        let router = Router::new(&seating, &pools);
        let views: Vec<_> =
            tokens.iter().map(|setup| TokenView::new(setup.settings.serial.clone(), clock.now())).collect();
        let roster = Roster::new(views.clone());
        let ledger = Arc::new(StoreLedger::new(store.clone(), tenant, clock.clone(), Handle::current()));
        let mut kept = Vec::new();
        for ((setup, seat), view) in tokens.into_iter().zip(&seating).zip(views) {
            let parts = TokenParts {
                token: setup.token,
                queue: seat.queue.clone(),
                view,
                router: router.clone(),
                ledger: ledger.clone(),
                clock: clock.clone(),
                pace,
            };
            let kept_token = KeptToken { settings: setup.settings, parts };
            kept_token.start();
            kept.push(kept_token);
        }
        let pipeline = Arc::new(Pipeline::new(router.clone(), roster.clone(), clock.clone(), patience, levels));
        let (recorder, recorder_task) = Recorder::start(store.clone());
        let intake = Intake::new(documents_in_flight_max);
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        let directories: Vec<_> = directories
            .into_iter()
            .map(|settings| {
                DirectoryParts::new(
                    settings,
                    store.clone(),
                    recorder.clone(),
                    pipeline.clone(),
                    router.clone(),
                    intake.clone(),
                    clock.clone(),
                    events.clone(),
                )
            })
            .collect();
        let kept_directories = directories
            .iter()
            .map(|parts| KeptDirectory { parts: parts.clone(), address: DirectoryActor::new(parts.clone()).start() })
            .collect();
        let meter = Meter::start(roster.clone());
        let configured_sessions = kept.iter().map(|token| token.settings.sessions).collect();
        let queues = seating.into_iter().map(|seat| seat.queue).collect();
        Schedule::new(clock.clone(), &directories).start();
        let tokens = kept.iter().map(|token| token.parts.clone()).collect();
        let keeper = actix::spawn(keep(kept, kept_directories));
        let services = Services {
            store,
            clock,
            intake,
            pipeline,
            recorder,
            router,
            roster,
            directories,
            naming,
            events,
            queues,
            meter,
            configured_sessions,
        };
        Running { services: Arc::new(services), recorder: recorder_task, keeper, tokens }
    }

    /// Writes the values that are read, not counted, into the metrics.
    pub fn gauge(&self) {
        metrics::gauge!(measure::PERMITS).set(self.intake.free() as f64);
        metrics::gauge!(measure::WAITING).set(self.router.waiting() as f64);
        let assigned = self.router.assigned();
        for ((view, queue), (_, assigned)) in self.roster.tokens().iter().zip(&self.queues).zip(assigned) {
            let status = view.status();
            let serial = status.serial.to_string();
            metrics::counter!(measure::SIGNATURES, "token" => serial.clone()).absolute(view.signatures());
            metrics::gauge!(measure::TOKEN_QUEUE, "token" => serial.clone()).set(queue.depth() as f64);
            metrics::gauge!(measure::TOKEN_ASSIGNED, "token" => serial.clone()).set(assigned as f64);
            for state in TokenState::ALL {
                let value = if state == status.state { 1.0 } else { 0.0 };
                metrics::gauge!(measure::TOKEN_STATE, "token" => serial.clone(), "state" => state.word()).set(value);
            }
        }
    }

    /// Whether any directory or caller can be served: the store answers and some signer is ready.
    pub fn some_signer_ready(&self) -> bool {
        self.roster.tokens().iter().any(|view| view.status().state == TokenState::LoggedIn)
    }
}

impl Running {
    /// Claims nothing more, lets what is inside finish for at most `patience`, writes every outcome. What is left stays
    /// claimed and is found again at the next start.
    pub async fn shut_down(self, patience: Duration) {
        let Running { services, recorder, keeper, tokens } = self;
        keeper.abort();
        services.directories.iter().for_each(|directory| directory.stop());
        let deadline = Instant::now() + patience;
        // What waits for the time stamp of its batch has no permit, but its directory is busy with it.
        let is_busy = || services.directories.iter().any(|directory| directory.busy.load(Ordering::Acquire) > 0);
        while (!services.intake.is_empty() || is_busy()) && Instant::now() < deadline {
            services.pipeline.close_batches();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        services.intake.close();
        // A document leaves the intake after its outcome is durable and its files are moved: nothing is in the recorder
        // now but documents that took too long, and those are found again.
        recorder.abort();
        // The process can't end while a thread is in a call into a module; a login that hangs would keep it for ever.
        let deadline = Instant::now() + STEP_PATIENCE;
        while tokens.iter().any(|token| token.view.is_in_step()) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for token in tokens.iter().filter(|token| token.view.is_in_step()) {
            tracing::error!(token = %token.token.serial(), "a call into the token's module does not return");
            token.token.reset();
        }
    }
}

/// A new job's id.
pub fn new_job(clock: &dyn Clock) -> JobId {
    let mut random = [0; 10];
    // The random part only keeps apart what starts in the same millisecond on several servers.
    if rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).is_err() {
        random[..4].copy_from_slice(&std::process::id().to_be_bytes());
    }
    JobId::new(clock.now(), random)
}

fn seat(settings: &TokenSettings) -> Seating {
    let places = settings.sessions.max(1) * model::limits::ASSIGNED_PER_SESSION_MAX;
    Seating {
        serial: settings.serial.clone(),
        signers: settings.signers.iter().map(|signer| signer.name.clone()).collect(),
        queue: Arc::new(SignQueue::new(places)),
    }
}

struct KeptToken {
    settings: TokenSettings,
    parts: TokenParts,
}

impl KeptToken {
    fn start(&self) {
        let mut settings = self.settings.clone();
        settings.sessions = self.parts.view.sessions_wanted().unwrap_or(settings.sessions);
        let address = TokenActor::new(settings, self.parts.clone()).start();
        self.parts.view.actor_is(address);
    }
}

struct KeptDirectory {
    parts: Arc<DirectoryParts>,
    address: Addr<DirectoryActor>,
}

/// Starts actors again whose handler panicked: their mailbox is closed for good, their queue and view are not.
async fn keep(tokens: Vec<KeptToken>, mut directories: Vec<KeptDirectory>) {
    loop {
        actix::clock::sleep(KEEPER_PERIOD).await;
        for token in tokens.iter().filter(|token| !token.parts.view.actor_lives()) {
            tracing::error!(token = %token.settings.serial, "the token's actor has failed; it is started again");
            token.start();
        }
        for directory in directories.iter_mut().filter(|directory| !directory.address.connected()) {
            let name = &directory.parts.settings.name;
            tracing::error!(directory = %name, "the directory's actor has failed; it is started again");
            directory.address = DirectoryActor::new(directory.parts.clone()).start();
        }
    }
}

const EVENTS_KEPT: usize = 4_096;
const STEP_PATIENCE: Duration = Duration::from_secs(2);
const KEEPER_PERIOD: Duration = Duration::from_secs(1);
