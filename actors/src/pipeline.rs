//! The spine: one document from bytes to sealed bytes. Read [`Pipeline::seal`] top to bottom.
//!
//! The pipeline owns no queue, no file name and no row: it chooses a signer, prepares, has the token sign, and hands
//! out a result that has been verified. Doors bring documents here and carry the results away.

use crate::decrypt;
use crate::deliver::Wrapping;
use crate::document::{Document, Origin};
use crate::levels::Levels;
use crate::measure::Stage;
use crate::router::{Assignment, NoPlace, ReadySigner, Router, TokenIndex};
use crate::token::queue::SignFault;
use crate::token::roster::Roster;
use formats::envelope::Recipients;
use formats::{FormatError, Prepared, Sealed, SignerTemplate, Source, SourceError};
use model::profile::Format;
use model::{Clock, Digest, Lane, Profile, Reason, SignerName, TokenSerial};
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use token::Fault;

/// A document that has its signature, verified and not yet written.
#[derive(Debug)]
pub struct Signed {
    /// The recipe of the result.
    pub sealed: Sealed,
    /// The document it was made from.
    pub document: Arc<Document>,
    /// Who signed, if a signature was asked for.
    pub signer: Option<SignerName>,
    /// What happens to it while it is written.
    pub wrapping: Wrapping,
}

impl Signed {
    /// The digest of the result, if its profile wants an evidence record of it.
    pub fn digest_for_record(&self, profile: &Profile) -> Result<Option<Digest>, Failure> {
        let Some(stamp) = profile.stamp.as_ref().filter(|stamp| stamp.batch) else { return Ok(None) };
        self.sealed.digest(stamp.digest, &*self.document).map(Some).map_err(|error| failure(error.into()))
    }
}

/// Why a document has no signature, seen by its door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It never will have one.
    Rejected(Reason),
    /// Not now.
    Deferred(Reason),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.reason().fmt(f)
    }
}

impl Failure {
    /// The reason, either way.
    pub fn reason(&self) -> &Reason {
        match self {
            Failure::Rejected(reason) | Failure::Deferred(reason) => reason,
        }
    }
}

/// Everything a document needs on its way.
pub struct Pipeline {
    router: Router,
    roster: Roster,
    clock: Arc<dyn Clock>,
    patience: Patience,
    levels: Levels,
    templates: RwLock<Templates>,
}

/// Templates by signer and name of the profile, with the profile that they were made for.
type Templates = HashMap<(SignerName, Arc<str>), (Arc<Profile>, Arc<SignerTemplate>)>;

/// What is asked for one document beside its profile.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Its waiting line.
    pub lane: Lane,
    /// These signers only, instead of the profile's pool.
    pub signers: Option<Arc<[SignerName]>>,
    /// Only keys on these tokens open what is encrypted. `None`: all.
    pub keys: Option<Arc<BTreeSet<TokenSerial>>>,
}

/// How long a document waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a place at a signer.
    pub place: Duration,
    /// For a token's answer, waiting in its lane included.
    pub answer: Duration,
}

impl Pipeline {
    /// A pipeline over this router.
    pub fn new(router: Router, roster: Roster, clock: Arc<dyn Clock>, patience: Patience, levels: Levels) -> Self {
        Self { router, roster, clock, patience, levels, templates: RwLock::default() }
    }

    /// Makes of one document what its profile asks for.
    pub async fn seal(&self, origin: &Origin, profile: &Arc<Profile>, lane: Lane) -> Result<Signed, Failure> {
        self.seal_on(origin, profile, &Terms { lane, signers: None, keys: None }).await
    }

    /// As [`Pipeline::seal`], with what a caller asks for beside it.
    pub async fn seal_on(&self, origin: &Origin, profile: &Arc<Profile>, terms: &Terms) -> Result<Signed, Failure> {
        let profile = &for_origin(origin, profile)?;
        self.levels.ready(profile)?; // no card signs for a time stamp that is known not to come
        let signed = match (profile.format, &profile.stamp) {
            (Format::TimeStamp, Some(stamp)) => {
                let document = self.open(origin).await?;
                let sealed = self.levels.stamp_document(document.clone(), stamp).await?;
                let wrapping = self.wrapping(profile)?;
                return Ok(Signed { sealed, document, signer: None, wrapping });
            }
            (Format::Extended, _) => {
                let document = self.open(origin).await?;
                Signed { sealed: Sealed::existing(), document, signer: None, wrapping: Wrapping::None }
            }
            (Format::Encrypted, _) => {
                let (document, wrapping) = (self.open(origin).await?, self.wrapping(profile)?);
                return Ok(Signed { sealed: Sealed::untouched(profile.format), document, signer: None, wrapping });
            }
            (Format::Decrypted, _) => {
                let document = self.open(origin).await?;
                let unlocked = Box::pin(decrypt::unlock(&self.router, self.patience, &document, terms)).await?;
                let wrapping = Wrapping::Decrypt(Box::new(unlocked));
                return Ok(Signed { sealed: Sealed::untouched(profile.format), document, signer: None, wrapping });
            }
            _ => self.sign_with_any(origin, profile, terms).await?,
        };
        // The place at the card is free again while others are asked for time stamps and evidence.
        let Signed { sealed, document, signer, .. } = signed;
        let sealed = Box::pin(self.levels.lift(sealed, &document, profile)).await?;
        Ok(Signed { sealed, document, signer, wrapping: self.wrapping(profile)? })
    }

    /// Encrypts the result, if the profile asks for it. Recipients that nothing can be encrypted for are known before
    /// anything is written.
    fn wrapping(&self, profile: &Profile) -> Result<Wrapping, Failure> {
        let Some(options) = &profile.encryption else { return Ok(Wrapping::None) };
        let recipients = Arc::new(Recipients::new(options).map_err(failure)?);
        Ok(Wrapping::Encrypt { recipients, now: self.clock.now() })
    }

    /// Writes the evidence record (RFC 4998, DER) of a result as the file `to`, once its batch has its time stamp.
    pub async fn evidence_record(&self, profile: &Profile, digest: Digest, to: PathBuf) -> Result<(), Failure> {
        self.levels.evidence_record(profile, digest, to).await
    }

    /// The server ends: documents that wait for company in a batch are stamped now.
    pub fn close_batches(&self) {
        self.levels.close_batches();
    }

    /// Why nothing can be made with this profile now.
    pub fn reason_to_wait(&self, profile: &Profile) -> Option<String> {
        if profile.format.signs() && !self.router.any_up(&profile.pool) {
            return Some(format!("no signer of pool \"{}\" is ready", profile.pool));
        }
        self.levels.ready(profile).err().map(|failure| failure.reason().sentence.clone())
    }

    /// Signs one document. A token that fails is replaced by another one, at most twice; then the document is deferred,
    /// or rejected if what was asked for is what the last token cannot do.
    async fn sign_with_any(&self, origin: &Origin, profile: &Arc<Profile>, terms: &Terms) -> Result<Signed, Failure> {
        let mut document = None;
        let mut avoid = None;
        let mut last = Failure::Deferred(Reason::new("no-signer", "no signer of the pool was ready"));
        for _ in 0..ATTEMPTS_MAX {
            let assignment = self.choose(profile, terms, avoid).await?; // backpressure is here, and only here
            avoid = Some(assignment.token());
            let Some(ready) = assignment.ready().cloned() else { continue };
            let template = self.template(&ready, profile)?;
            let (opened, prepared) = self.prepare(origin, document.take(), profile, template).await?;
            let serial = assignment.serial.clone();
            match self.sign(assignment, &ready, &prepared).await {
                Ok(value) => match Stage::Assemble.timed(|| prepared.assemble(&value)) {
                    Ok(sealed) => {
                        let signer = Some(ready.signer.name.clone());
                        return Ok(Signed { sealed, document: opened, signer, wrapping: Wrapping::None });
                    }
                    Err(FormatError::WrongSignature(what)) => {
                        self.roster.wrong_signature(&serial, what); // nothing unverified leaves; the token answers for it
                        let what = "the token returned a signature that does not verify";
                        last = Failure::Deferred(Reason::new("wrong-signature", what));
                    }
                    Err(error) => return Err(failure(error)),
                },
                Err(fault) => last = sign_failure(&fault),
            }
            document = Some(opened);
        }
        Err(last)
    }

    async fn open(&self, origin: &Origin) -> Result<Arc<Document>, Failure> {
        let origin = origin.clone();
        blocking(move || open(&origin)).await?
    }

    async fn choose(&self, profile: &Profile, terms: &Terms, avoid: Option<TokenIndex>) -> Result<Assignment, Failure> {
        let started = Instant::now();
        let patience = self.patience.place;
        let chosen = match &terms.signers {
            Some(signers) => self.router.choose_among(signers, terms.lane, avoid, patience).await,
            None => self.router.choose(&profile.pool, terms.lane, avoid, patience).await,
        };
        Stage::Choose.record(started.elapsed());
        chosen.map_err(|no_place| {
            let sentence = no_place.to_string();
            match no_place {
                NoPlace::UnknownPool(_) => Failure::Deferred(Reason::new("pool-unknown", sentence)),
                NoPlace::UnknownSigners => Failure::Rejected(Reason::new("signer-unknown", sentence)),
                NoPlace::TimedOut(_) | NoPlace::TokenBusy(_) | NoPlace::SignersBusy => {
                    Failure::Deferred(Reason::new("no-signer", sentence))
                }
            }
        })
    }

    /// Opening and hashing wait for the disk and use the processor: they run on a thread of their own kind.
    async fn prepare(
        &self,
        origin: &Origin,
        opened: Option<Arc<Document>>,
        profile: &Arc<Profile>,
        template: Arc<SignerTemplate>,
    ) -> Result<(Arc<Document>, Prepared), Failure> {
        let (origin, profile, now) = (origin.clone(), profile.clone(), self.clock.now());
        let is_brief =
            origin.is_small_in_memory() && matches!(profile.format, Format::Cms { .. } | Format::Cades { .. });
        let work = move || {
            let document = match opened {
                Some(document) => document,
                None => open(&origin)?,
            };
            let original = document.original().map(|original| original as &dyn Source);
            let prepared = formats::prepare_beside(&*document, original, &profile, &template, now);
            let prepared = prepared.map_err(|error| match (failure(error), &origin) {
                // No other document brings another digest: whoever sent it has to.
                (Failure::Deferred(reason), Origin::Digest(_)) => Failure::Rejected(reason),
                (failure, _) => failure,
            })?;
            if profile.format.is_pdf() && !prepared.format().is_pdf() && is_named_pdf(&origin) {
                let reason = "the file is named as a PDF but it is none, or its beginning is damaged";
                return Err(Failure::Rejected(Reason::new("not-a-pdf", reason)));
            }
            Ok((document, prepared))
        };
        if is_brief {
            briefly(|| Stage::Prepare.timed(work))?
        } else {
            blocking(move || Stage::Prepare.timed(work)).await?
        }
    }

    async fn sign(
        &self,
        assignment: Assignment,
        ready: &ReadySigner,
        prepared: &Prepared,
    ) -> Result<model::SignatureValue, SignFault> {
        let started = Instant::now();
        let to_be_signed = prepared.to_be_signed().clone();
        let result = assignment.sign(ready.key.clone(), to_be_signed, self.patience.answer).await; // the only wait on hardware
        Stage::Sign.record(started.elapsed());
        result
    }

    /// The template of this signer under this profile; laid out anew when the token came back with another certificate.
    /// Tenants may have profiles of the same name that differ.
    fn template(&self, ready: &ReadySigner, profile: &Arc<Profile>) -> Result<Arc<SignerTemplate>, Failure> {
        let key = (ready.signer.name.clone(), profile.name.clone());
        let known = self.templates.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let fits = |(of, template): &(Arc<Profile>, Arc<SignerTemplate>)| {
            template.signer().certificate == ready.signer.certificate && (Arc::ptr_eq(of, profile) || of == profile)
        };
        if let Some((_, template)) = known.filter(fits) {
            return Ok(template);
        }
        let template = Arc::new(SignerTemplate::new(&ready.signer, profile).map_err(failure)?);
        let entry = (profile.clone(), template.clone());
        self.templates.write().unwrap_or_else(PoisonError::into_inner).insert(key, entry);
        Ok(template)
    }
}

/// Runs work that blocks. A panic in it ends this document only.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| broken())
}

/// As [`blocking`], here and now: for work that waits for nothing and is done in less time than it takes another thread to
/// wake up.
pub(crate) fn briefly<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    // Nothing that the work was given is looked at again.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|_| broken())
}

fn broken() -> Failure {
    Failure::Rejected(Reason::new("internal", "this document made sealmill fail; please report it with the document"))
}

/// Opens the document. An empty one is nobody's document.
pub(crate) fn open(origin: &Origin) -> Result<Arc<Document>, Failure> {
    let document = Document::open(origin).map_err(|error| unreadable(&error))?;
    match document.is_empty() && document.only_digest().is_none() {
        true => Err(Failure::Rejected(Reason::new("empty", "the file is empty"))),
        false => Ok(Arc::new(document)),
    }
}

/// The profile as this document needs it: of a digest alone, only some signatures can be made, and with that digest.
fn for_origin(origin: &Origin, profile: &Arc<Profile>) -> Result<Arc<Profile>, Failure> {
    let Origin::Digest(digest) = origin else { return Ok(profile.clone()) };
    let stamps = profile.format == Format::TimeStamp && profile.stamp.is_some();
    if !stamps && !formats::prepare::signs_digests(profile) {
        let sentence = format!(
            "profile \"{}\" cannot sign a digest alone: that takes a detached CMS or CAdES signature, or a time stamp",
            profile.name
        );
        return Err(Failure::Rejected(Reason::new("digest-needs-detached", sentence)));
    }
    if stamps || profile.digest == digest.algorithm() {
        return Ok(profile.clone());
    }
    let name = format!("{} with {}", profile.name, digest.algorithm()).into();
    Ok(Arc::new(Profile { name, digest: digest.algorithm(), ..Profile::clone(profile) }))
}

/// Who calls a file a PDF expects a signed PDF; the profile's other form is for files that do not claim to be one.
fn is_named_pdf(origin: &Origin) -> bool {
    origin.path().and_then(Path::extension).is_some_and(|end| end.eq_ignore_ascii_case("pdf"))
}

pub(crate) fn failure(error: FormatError) -> Failure {
    match error {
        FormatError::Document(reason) => Failure::Rejected(reason),
        // The profile or the certificate is at fault, not the document: it waits until an operator has mended it.
        FormatError::Setup(reason) => Failure::Deferred(reason),
        FormatError::Source(SourceError(error)) => unreadable(&error),
        FormatError::WrongSignature(what) => Failure::Deferred(Reason::new("wrong-signature", what)),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => Reason::new("vanished", "the file was removed before it could be signed"),
        io::ErrorKind::PermissionDenied => Reason::new("unreadable", "sealmill has no permission to read the file"),
        io::ErrorKind::UnexpectedEof => Reason::new("changed", "the file became shorter while it was being read"),
        _ => Reason::new("unreadable", format!("the file cannot be read: {error}")),
    };
    match (error.kind(), error.raw_os_error()) {
        // Too many open files (EMFILE, ENFILE): the machine's trouble, not the document's.
        (_, Some(23 | 24)) => Failure::Deferred(reason),
        _ => Failure::Rejected(reason),
    }
}

/// What it means for the document if no other signer does better.
fn sign_failure(fault: &SignFault) -> Failure {
    match fault {
        SignFault::Token(Fault::Request(_)) => Failure::Rejected(Reason::new("token-refused", fault.to_string())),
        _ => Failure::Deferred(Reason::new("token-failed", format!("no token could sign: {fault}"))),
    }
}

/// How many signers one document is offered to before it is deferred.
const ATTEMPTS_MAX: usize = 3;
