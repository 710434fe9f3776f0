//! The door for callers: documents of one call in, one outcome for each out, in their order. Knows no SOAP and no HTTP.
//!
//! A call never waits in a line of the server: it gets in or is told that the server is busy. Its outcomes are durable
//! before their results are given out. What was begun is finished even if the caller goes away.

pub mod batch;
mod batch_work;
pub mod catalogue;
pub mod judge;
mod kept;
mod make;
mod once;
pub mod settings;
pub mod shares;

use crate::deliver::FileSystem;
use crate::intake::Permit;
use crate::pipeline::{Failure, Terms};
use crate::services::{Services, new_job};
use crate::spool::{Content, Spool};
use batch::BatchSettings;
use batch_work::Batches;
use catalogue::Catalogue;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kept::Folder;
use model::access::Denied;
use model::limits::FILE_NAME_BYTES_MAX;
use model::profile::Format;
use model::{Caller, Digest, DocumentId, Function, JobId, Lane, Outcome, Profile, Reason, SignerName, TenantId, Time};
use once::Once;
use settings::{Wishes, adapted};
use shares::{Allowance, Share, Shares};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use store::{NewDocument, NewJob, StoreError};

/// What the door is made of.
pub struct ApiSettings {
    /// The folder for what is too large for memory.
    pub spool: PathBuf,
    /// The folder for batches, the same for all servers of a store.
    pub batches_folder: PathBuf,
    /// Results up to this length stay in memory, in bytes.
    pub in_memory_bytes_max: u64,
    /// Documents of one call.
    pub documents_per_call_max: usize,
    /// What belongs to whom.
    pub catalogue: Catalogue,
    /// How batches are worked on.
    pub batches: BatchSettings,
    /// What a tenant may occupy unless it is named.
    pub standard: Allowance,
    /// What these tenants may occupy.
    pub allowances: BTreeMap<TenantId, Allowance>,
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    services: Arc<Services>,
    spool: Spool,
    in_memory_bytes_max: u64,
    documents_per_call_max: usize,
    catalogue: Catalogue,
    shares: Shares,
    /// Who may judge a file now.
    judges: Arc<tokio::sync::Semaphore>,
    batches: Batches,
}

/// What a caller wants done.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is; the profile has to be one for it.
    pub function: Function,
    /// Name of the profile.
    pub profile: String,
    /// The profile itself, for doors that make one on the fly; `profile` is then the name of the one it was made from.
    pub adapted: Option<Arc<Profile>>,
    /// Signers that the caller names; none: any of the profile's pool. That she may name them is for the door to check.
    pub signers: Vec<SignerName>,
    /// Further choices, by name; see [`settings::adapted`].
    pub settings: Vec<(String, String)>,
    /// How urgent it is.
    pub lane: Lane,
    /// The same key with the same request gives the same answer again.
    pub key: Option<String>,
    /// The documents.
    pub documents: Vec<ApiDocument>,
}

impl Order {
    fn wishes(&self) -> Wishes {
        Wishes { function: self.function, signers: self.signers.clone(), settings: self.settings.clone() }
    }
}

/// One document of a caller.
#[derive(Clone, Debug)]
pub struct ApiDocument {
    /// What it is called, without folders.
    pub name: String,
    /// The caller's own name for it.
    pub reference: Option<String>,
    /// What is there of it.
    pub body: Body,
}

/// What is there of a document.
#[derive(Clone, Debug)]
pub enum Body {
    /// All of it.
    Whole(Content),
    /// A detached signature, and the document that it is about.
    Detached {
        /// The signature.
        signature: Content,
        /// The document.
        original: Content,
    },
    /// Several files with their names, which are signed together.
    Together(Vec<(String, Content)>),
    /// Its digest.
    Digest(Digest),
}

/// How one document ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its place in the store. `None` if it was refused before it got one.
    pub id: Option<DocumentId>,
    /// What it is called.
    pub name: String,
    /// What was made of it, or why nothing.
    pub result: Result<Made, Failure>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// What was made of a document.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it is called.
    pub name: String,
    /// Its bytes.
    pub content: Content,
    /// The evidence record beside it, if its profile asks for one.
    pub record: Option<Content>,
    /// Its form.
    pub format: Format,
    /// Whether the document is part of it.
    pub contains_original: bool,
    /// Who signed.
    pub signer: Option<SignerName>,
}

impl Ended {
    /// How it ended, as stores and logs say it.
    pub fn outcome(&self) -> Outcome {
        match &self.result {
            Ok(_) => Outcome::Done,
            Err(Failure::Rejected(reason)) => Outcome::Rejected(reason.clone()),
            Err(Failure::Deferred(reason)) => Outcome::Deferred(reason.clone()),
        }
    }
}

/// Why a call was not worked on at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// She may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The tenant has no such profile.
    #[error("there is no profile \"{0}\"")]
    NoProfile(String),
    /// The tenant has no such signer.
    #[error("there is no signer \"{0}\"")]
    NoSigner(String),
    /// Nothing is configured to judge by.
    #[error("this server does not judge signatures for this tenant")]
    NoVerification,
    /// The profile is for something else.
    #[error("profile \"{profile}\" cannot be used for \"{function}\": its results are of the form {format}")]
    WrongProfile {
        /// The profile.
        profile: String,
        /// What was asked for.
        function: Function,
        /// What it makes.
        format: &'static str,
    },
    /// Digests where documents belong, or the other way round.
    #[error("\"{0}\" takes {what}", what = if *.0 == Function::SignHash { "digests, not documents" } else { "documents, not digests" })]
    WrongBody(Function),
    /// Batches are of whole documents.
    #[error("a batch takes whole documents, each for itself")]
    NotInBatches,
    /// A call without documents.
    #[error("there is no document")]
    NoDocument,
    /// Not a choice that the profile leaves open.
    #[error("there is no setting \"{0}\" for this profile")]
    NoSetting(String),
    /// A key that cannot be one.
    #[error("a key has 1 to 512 bytes without control characters")]
    BadKey,
    /// The key was used before.
    #[error("this key was used for another request before")]
    KeyReused,
    /// The same request is here already.
    #[error("the same request is being worked on; try again in a moment")]
    InProgress,
    /// There is no such batch, or it is another user's.
    #[error("there is no batch \"{0}\"")]
    NoBatch(String),
    /// Too many.
    #[error("one call takes {0} documents at most")]
    TooMany(usize),
    /// Everything that may be inside is inside.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// The server ends.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The store is at fault.
    #[error("the store does not answer; try again in a moment")]
    Store(#[from] StoreError),
    /// The disk is at fault.
    #[error("the spool folder cannot be used: {0}")]
    Spool(String),
    /// This program is at fault.
    #[error("this call made sealmill fail; please report it")]
    Internal,
}

impl Refused {
    /// Whether the same call may succeed in a moment.
    pub fn is_temporary(&self) -> bool {
        let waits = matches!(self, Refused::Busy | Refused::ShuttingDown | Refused::InProgress);
        waits || matches!(self, Refused::Store(_) | Refused::Spool(_))
    }
}

/// The right to be inside, of the server and of the tenant.
#[allow(dead_code)] // held, not read
struct Entry(Permit, Share);

impl Api {
    /// Opens the door.
    pub fn new(services: Arc<Services>, settings: ApiSettings) -> io::Result<Self> {
        let spool = Spool::open(&settings.spool, &settings.batches_folder, services.store.node())?;
        Ok(Self(Arc::new(Inner {
            services,
            spool,
            in_memory_bytes_max: settings.in_memory_bytes_max,
            documents_per_call_max: settings.documents_per_call_max,
            catalogue: settings.catalogue,
            shares: Shares::new(settings.standard, &settings.allowances),
            judges: judge::judges(),
            batches: Batches::new(settings.batches),
        })))
    }

    /// Takes no further documents of batches; what is inside is finished, and calls that are here get their answers.
    pub fn stop_batches(&self) {
        self.0.batches.stop();
    }

    /// What belongs to whom.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// What each tenant occupies and may occupy.
    pub fn shares(&self) -> &Shares {
        &self.0.shares
    }

    /// Where large documents lie while a call lasts.
    pub fn spool(&self) -> &Spool {
        &self.0.spool
    }

    /// The running parts.
    pub fn services(&self) -> &Arc<Services> {
        &self.0.services
    }

    /// Makes of each document what the profile says: signs, lifts, stamps, encrypts, opens. One outcome for each, in the
    /// order of the documents; one that fails does not spoil the rest.
    pub async fn make(&self, caller: &Caller, order: Order) -> Result<Vec<Ended>, Refused> {
        let mut task = self.task(caller, &order)?;
        if order.documents.len() > self.0.documents_per_call_max {
            return Err(Refused::TooMany(self.0.documents_per_call_max));
        }
        let first = self.enter(&caller.tenant)?;
        let mut once = None;
        if let Some(key) = &order.key {
            let begun = self.begin_once(caller, &order, key, task.job).await?;
            task.job = begun.request.job;
            task.unknown_since = None;
            let folder = Folder::of(&self.0.spool, &task.tenant, task.job);
            let on = folder.keep().map_err(|error| Refused::Spool(error.to_string()))?;
            task.kept = Some(Kept { folder, on, attempt: new_job(&*self.0.services.clock).to_string() });
            once = Some((begun, order.wishes()));
        } else if self.0.services.recorder.is_stalled() {
            return Err(StoreError::Unavailable("it does not take outcomes".into()).into());
        }
        let work = self.clone().work(Arc::new(task), order.documents, first, once);
        // On its own: a caller who hangs up leaves no document without its outcome.
        tokio::spawn(work).await.map_err(|_| Refused::Internal)?
    }

    /// Checks what is asked for, before anything is done.
    fn task(&self, caller: &Caller, order: &Order) -> Result<Task, Refused> {
        caller.may(order.function, Some(&order.profile))?;
        let configured = self.0.catalogue.profile(&caller.tenant, &order.profile)?;
        let profile = adapted(order.adapted.as_ref().unwrap_or(&configured), &order.settings)?;
        if !fits(order.function, profile.format) {
            let (profile, format) = (order.profile.clone(), profile.format.word());
            return Err(Refused::WrongProfile { profile, function: order.function, format });
        }
        check_bodies(order)?;
        let signers = self.0.catalogue.signers(&caller.tenant, &order.signers)?;
        let keys = Some(self.0.catalogue.tokens(&caller.tenant));
        let lane = self.0.shares.lane(&caller.tenant, order.lane);
        Ok(Task {
            tenant: caller.tenant.clone(),
            door: caller.who(),
            profile,
            terms: Terms { lane, signers, keys },
            job: new_job(&*self.0.services.clock),
            kept: None,
            unknown_since: Some(self.0.services.clock.now()),
        })
    }

    fn enter(&self, tenant: &TenantId) -> Result<Entry, Refused> {
        let share = self.0.shares.try_enter(tenant).ok_or(Refused::Busy)?;
        let permit = self.0.services.intake.try_enter().ok_or(Refused::Busy)?;
        Ok(Entry(permit, share))
    }

    /// Works on all documents with the one place that the call has, and with more while there are any.
    async fn work(
        self,
        task: Arc<Task>,
        documents: Vec<ApiDocument>,
        first: Entry,
        once: Option<(Once, Wishes)>,
    ) -> Result<Vec<Ended>, Refused> {
        let mut before = BTreeMap::new();
        // Without a key whoever gets no answer asks anew, and nobody would finish what a crash leaves of this call.
        if let Some((once, wishes)) = &once {
            let job = self.open_rows(&task, &documents).await?;
            self.keep_for_a_time(&task, wishes, job).await?;
            if once.again {
                before = self.ended_before(&task).await?;
            }
        }
        let mut ended: Vec<Option<Ended>> = (0..).zip(&documents).map(|(number, _)| before.remove(&number)).collect();
        let mut places = vec![first];
        let mut running = FuturesUnordered::new();
        let left: Vec<bool> = ended.iter().map(Option::is_none).collect();
        let numbered = documents.into_iter().zip(0_u32..).zip(left);
        let mut waiting = numbered.filter_map(|(document, left)| left.then_some(document)).peekable();
        loop {
            while waiting.peek().is_some() {
                let Some(place) = places.pop().or_else(|| self.enter(&task.tenant).ok()) else { break };
                if let Some((document, number)) = waiting.next() {
                    running.push(self.clone().one(task.clone(), document, number, place));
                }
            }
            if waiting.peek().is_none() {
                places.clear();
            }
            let Some((number, end, place)) = running.next().await else { break };
            places.extend(place);
            if let Some(slot) = ended.get_mut(number as usize) {
                *slot = Some(end);
            }
        }
        if let Some((once, _)) = &once {
            self.leave_once(&task, once).await;
        }
        ended.into_iter().collect::<Option<Vec<_>>>().ok_or(Refused::Internal)
    }

    async fn open_rows(&self, task: &Task, documents: &[ApiDocument]) -> Result<NewJob, Refused> {
        let job = task.new_job(self.0.services.clock.now());
        let rows: Vec<_> = (0..)
            .zip(documents)
            .map(|(number, document)| NewDocument { number, name: shown_name(&document.name) })
            .collect();
        self.0.services.store.open_job(&task.tenant, &job, &rows).await?;
        Ok(job)
    }
}

/// What all documents of a call have in common.
#[derive(Debug)]
struct Task {
    tenant: TenantId,
    door: String,
    profile: Arc<Profile>,
    terms: Terms,
    job: JobId,
    /// Where results are kept, if they outlast the call.
    kept: Option<Kept>,
    /// When the call came, if the store does not know its job: each document is written with it and with its end.
    unknown_since: Option<Time>,
}

impl Task {
    fn new_job(&self, opened_at: Time) -> NewJob {
        NewJob { id: self.job, door: self.door.clone(), profile: self.profile.name.to_string(), opened_at }
    }
}

/// Where results are kept, for one attempt.
#[derive(Debug)]
struct Kept {
    folder: Folder,
    on: FileSystem,
    /// Tells results of this attempt from those of others.
    attempt: String,
}

/// Whether a profile of this format does what the function permits: who may encrypt may not sign by it.
fn fits(function: Function, format: Format) -> bool {
    match function {
        Function::Sign | Function::SignHash => format.signs(),
        Function::Extend => format == Format::Extended,
        Function::Timestamp => format == Format::TimeStamp,
        Function::Encrypt => format == Format::Encrypted,
        Function::Decrypt => format == Format::Decrypted,
        _ => false,
    }
}

/// Whoever may sign what sealmill has seen may not sign any digest, and the other way round.
fn check_bodies(order: &Order) -> Result<(), Refused> {
    let is_digest = |document: &ApiDocument| matches!(document.body, Body::Digest(_));
    let fit = match order.function {
        Function::SignHash => order.documents.iter().all(is_digest),
        Function::Timestamp => true,
        _ => !order.documents.iter().any(is_digest),
    };
    match (order.documents.is_empty(), fit) {
        (true, _) => Err(Refused::NoDocument),
        (false, false) => Err(Refused::WrongBody(order.function)),
        (false, true) => Ok(()),
    }
}

/// A name that a row can hold, whatever was sent.
fn shown_name(name: &str) -> String {
    let shown: String = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    shown.chars().take(NAME_CHARS_SHOWN).collect()
}

/// Names become those of results and of members of containers: nothing that leads anywhere else.
fn check_name(name: &str) -> Result<(), Failure> {
    let fits = (1..=FILE_NAME_BYTES_MAX).contains(&name.len())
        && !name.chars().any(|c| c.is_control() || c == '/' || c == '\\')
        && name.trim() == name
        && !matches!(name, "." | "..");
    if fits {
        return Ok(());
    }
    let sentence = format!(
        "a document's name has 1 to {FILE_NAME_BYTES_MAX} bytes without control characters, '/' and '\\', and no blank at its ends"
    );
    Err(Failure::Rejected(Reason::new("bad-name", sentence)))
}

const NAME_CHARS_SHOWN: usize = 200;
