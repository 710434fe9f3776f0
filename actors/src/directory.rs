//! Owns one watched directory: what lies in `in/` is signed into `out/`, its source goes to `done/`, or to `error/` with
//! a reason.
//!
//! Or it is judged: source and report then go to `valid/`, `indeterminate/` or `invalid/`.
//!
//! Where things are: [`scan`] finds complete files, `aside` what can't be signed · [`claim`] takes them and finds them again after a crash ·
//! [`feed`] sends them through the pipeline or to [`judge`] · [`publish`] moves results and sources to where people look. The actor here
//! starts the feed, wakes it when something happens in the directory, and starts it again if it fails.

mod aside;
pub mod claim;
pub mod feed;
mod folders;
pub mod judge;
pub mod publish;
pub mod scan;

use crate::intake::Intake;
use crate::measure;
use crate::naming::Naming;
use crate::pipeline::Pipeline;
use crate::recorder::Recorder;
use crate::router::Router;
use crate::schedule::Timetable;
use crate::services::DocumentEvent;
use crate::supervise::Supervision;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use model::{Clock, Profile, TenantId};
use notify::{EventKind, RecursiveMode, Watcher};
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::Store;
use tokio::sync::{Notify, broadcast};

/// In which order complete files are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By name.
    Name,
    /// The one that was modified longest ago first.
    Oldest,
}

/// What a directory does with its files.
#[derive(Clone, Debug)]
pub enum Task {
    /// Makes of them what a profile says.
    Make(Arc<Profile>),
    /// Judges them.
    Judge(Arc<judge::Judging>),
}

/// A watched directory as configuration describes it.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// Its name, in logs, metrics and the store.
    pub name: Arc<str>,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where `.work` is, and by default the others.
    pub root: PathBuf,
    /// Where files arrive.
    pub input: PathBuf,
    /// Where results go.
    pub output: PathBuf,
    /// Where signed sources go.
    pub done: PathBuf,
    /// Where rejected sources and their reasons go.
    pub error: PathBuf,
    /// What is done with files.
    pub task: Task,
    /// Which names are taken: `*` and `?`, case does not matter. None: all.
    pub patterns: Vec<String>,
    /// In which order.
    pub order: Order,
    /// How results are named.
    pub naming: Naming,
    /// A file that no event called complete must rest this long.
    pub settle: Duration,
    /// How often it is looked at without any event.
    pub poll: Duration,
    /// When files are taken; without it whenever they are there.
    pub timetable: Option<Timetable>,
    /// Files that are claimed at once, and so written to the store in one group.
    pub group_files_max: usize,
}

impl DirectorySettings {
    /// Where judged files and their reports go: `valid`, `indeterminate` and `invalid` beside the input, unless results go
    /// elsewhere.
    pub fn judged(&self) -> Option<PathBuf> {
        matches!(self.task, Task::Judge(_)).then(|| self.output.clone())
    }

    /// The folder for claimed files and unfinished results.
    pub fn work(&self) -> PathBuf {
        self.root.join(".work")
    }
}

/// What a directory shows of itself.
#[derive(Clone, Debug, Default)]
pub struct DirectoryStatus {
    /// Why it does not work, if it does not.
    pub reason: Option<String>,
    /// Files that are claimed and have no outcome yet.
    pub claimed: usize,
    /// Whether everything that was found has an outcome.
    pub idle: bool,
    /// Since when `reason` is what it is.
    since: Option<Instant>,
    /// Whether `reason` has been logged.
    told: bool,
}

/// Everything around one directory that outlives its feed.
pub struct DirectoryParts {
    /// Its settings.
    pub settings: DirectorySettings,
    /// The store.
    pub store: Store,
    /// Writes outcomes.
    pub recorder: Recorder,
    /// Signs.
    pub pipeline: Arc<Pipeline>,
    /// Tells whether anybody can sign.
    pub router: Router,
    /// Gives permits.
    pub intake: Intake,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Tells the world about outcomes.
    pub events: broadcast::Sender<DocumentEvent>,
    /// Makes the feed look.
    pub wake: Notify,
    pub(crate) complete: Mutex<HashSet<OsString>>,
    pub(crate) claimed: AtomicUsize,
    /// Files that a task is at work on.
    pub(crate) busy: AtomicUsize,
    /// Those of them that wait for the time stamp of their batch.
    pub(crate) waiting: AtomicUsize,
    /// Its time has come and its input has not been emptied since.
    pub(crate) due: AtomicBool,
    /// A task ended without saying what became of its file.
    pub(crate) forgotten: AtomicBool,
    pub(crate) stopping: AtomicBool,
    pub(crate) status: Mutex<DirectoryStatus>,
}

impl DirectoryParts {
    /// Brings the parts together.
    #[allow(clippy::too_many_arguments)] // one call, in the wiring
    pub fn new(
        settings: DirectorySettings,
        store: Store,
        recorder: Recorder,
        pipeline: Arc<Pipeline>,
        router: Router,
        intake: Intake,
        clock: Arc<dyn Clock>,
        events: broadcast::Sender<DocumentEvent>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            store,
            recorder,
            pipeline,
            router,
            intake,
            clock,
            events,
            wake: Notify::new(),
            complete: Mutex::default(),
            claimed: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            due: AtomicBool::new(false),
            forgotten: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            status: Mutex::default(),
        })
    }

    /// Its status now.
    pub fn status(&self) -> DirectoryStatus {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        status.claimed = self.claimed.load(Ordering::Acquire);
        status
    }

    /// Claims nothing more; what is claimed is finished.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Its time has come, or somebody wants it to look now.
    pub fn tick(&self) {
        self.due.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// The name of this door, in the store, the audit log and metrics.
    pub fn door(&self) -> String {
        format!("directory:{}", self.settings.name)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) fn show(&self, reason: Option<String>, idle: bool) {
        let up = if reason.is_none() { 1.0 } else { 0.0 };
        metrics::gauge!(measure::DIRECTORY_UP, "directory" => self.settings.name.to_string()).set(up);
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.reason != reason {
            (status.since, status.told) = (Some(Instant::now()), false);
        }
        // Tokens need a moment to come up: only what lasts is worth a line.
        let lasts = status.since.is_some_and(|since| since.elapsed() >= REASON_LASTS);
        if let Some(reason) = reason.as_ref().filter(|_| lasts && !status.told) {
            tracing::warn!(directory = %self.settings.name, reason, "directory does not work");
            status.told = true;
        }
        (status.reason, status.idle) = (reason, idle);
    }
}

/// The actor of one watched directory.
pub struct DirectoryActor {
    parts: Arc<DirectoryParts>,
    supervision: Supervision,
    watcher: Option<notify::RecommendedWatcher>,
}

impl DirectoryActor {
    /// An actor over these parts.
    pub fn new(parts: Arc<DirectoryParts>) -> Self {
        Self { parts, supervision: Supervision::default(), watcher: None }
    }

    fn start_feed(&mut self, ctx: &mut Context<Self>) {
        // The folder may be another one than that which was watched before.
        self.watch(ctx);
        let feed = tokio::spawn(feed::run(self.parts.clone()));
        let watch = feed.into_actor(self).map(|ended, actor, ctx| {
            if actor.parts.is_stopping() {
                return;
            }
            let reason = match ended {
                Ok(Err(reason)) => reason,
                Ok(Ok(())) => return,
                Err(_) => "its feed failed unexpectedly; it is started again".to_owned(),
            };
            if actor.parts.status().reason.as_ref() != Some(&reason) {
                tracing::error!(directory = %actor.parts.settings.name, reason, "directory stopped; it is started again");
            }
            actor.parts.show(Some(reason), false);
            // A folder that is missing comes back when somebody mounts it: no need to wait ten minutes for it.
            let wait = actor.supervision.back_off().min(FEED_BACK_OFF_MAX);
            ctx.run_later(wait, Self::start_feed);
        });
        ctx.spawn(watch);
    }

    /// Events are hints: the scan is the truth, and it comes by itself after `poll`.
    fn watch(&mut self, _ctx: &mut Context<Self>) {
        let parts = self.parts.clone();
        let hint = move |event: notify::Result<notify::Event>| {
            // Only what completes a file is worth a look: the look itself opens the folder, and that is an event, too.
            if event.as_ref().map_or(true, |event| event.need_rescan() || note(&parts, event)) {
                parts.wake.notify_one();
            }
        };
        // A folder that is not there cannot be watched; the feed says why if it cannot be made.
        let _ = std::fs::create_dir_all(&self.parts.settings.input);
        let watcher = notify::recommended_watcher(hint).and_then(|mut watcher| {
            watcher.watch(&self.parts.settings.input, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        self.watcher = watcher.ok(); // without events, polling finds everything a little later
    }
}

/// A file that was closed after writing, or renamed in, is complete at once. Whether this event says so.
fn note(parts: &DirectoryParts, event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
    let complete = matches!(
        event.kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) | EventKind::Modify(ModifyKind::Name(RenameMode::To))
    );
    if complete {
        let mut names = parts.complete.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = event.paths.iter().filter_map(|path| Path::file_name(path)).map(ToOwned::to_owned);
        // Past the bound the scan finds the rest by its rest time.
        let room = COMPLETE_NAMES_MAX.saturating_sub(names.len());
        names.extend(fresh.take(room));
    }
    complete
}

impl Actor for DirectoryActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.start_feed(ctx);
        // A watched folder that is removed and made again falls silent without a word.
        ctx.run_interval(REWATCH, Self::watch);
    }
}

const COMPLETE_NAMES_MAX: usize = 65_536;
const FEED_BACK_OFF_MAX: Duration = Duration::from_secs(30);
const REASON_LASTS: Duration = Duration::from_secs(2);
const REWATCH: Duration = Duration::from_secs(300);
