//! Sends the files of one watched directory through the pipeline: finish what a crash left, then claim, sign, record,
//! publish. Claims at most what there are permits for, so that whatever waits, waits in `in/`.

use super::aside::Aside;
use super::claim::{self, ClaimedFile, JobFolder, Recovery};
use super::folders::make_folders;
use super::publish::{Places, Publication};
use super::scan::scan;
use super::{DirectoryParts, Task, judge};
use crate::deliver::{Ahead, FileSystem, WriteError, not_written, replace, write_part};
use crate::document::Origin;
use crate::intake::Permit;
use crate::measure::{self, Stage};
use crate::pipeline::{Failure, Signed, blocking};
use crate::recorder::{After, Entry};
use crate::services::{DocumentEvent, new_job};
use model::{AuditEntry, Digest, Lane, Outcome, Profile, Reason};
use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fmt::Display;
use std::io;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};
use store::{DocumentEnd, NewDocument, NewJob};

/// Runs until the server stops. An error is a reason why the directory can't work now.
pub async fn run(parts: Arc<DirectoryParts>) -> Result<(), String> {
    // Files of an earlier feed that ended in an error may still be on their way; recovery must not take them again.
    while parts.busy.load(Ordering::Acquire) > 0 {
        tokio::time::sleep(POLL_MIN).await;
    }
    parts.claimed.store(0, Ordering::Release);
    parts.waiting.store(0, Ordering::Release);
    parts.forgotten.store(false, Ordering::Release);
    let feed = Arc::new(Feed::open(parts).await?);
    feed.recover().await?;
    feed.work().await
}

struct Feed {
    parts: Arc<DirectoryParts>,
    places: Arc<Places>,
    /// Files that were deferred, and when they are due again.
    deferred: Mutex<VecDeque<(Instant, ClaimedFile)>>,
    /// Moves that failed (a full disk, a missing folder) and are due again.
    unpublished: Mutex<Vec<Unpublished>>,
    aside: Aside,
    /// Where results are written.
    file_system: FileSystem,
    /// Has the disk take them while they wait for the time stamp of their batch.
    ahead: Arc<Ahead>,
}

struct Unpublished {
    publication: Publication,
    event: DocumentEvent,
    permit: Option<Permit>,
    busy: Busy,
}

/// Counts a file that is on its way. A panic on the way leaves the file claimed: the feed then starts over.
struct Busy(Arc<DirectoryParts>);

impl Busy {
    fn new(parts: &Arc<DirectoryParts>) -> Self {
        parts.busy.fetch_add(1, Ordering::AcqRel);
        Self(parts.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.forgotten.store(true, Ordering::Release);
        }
        let busy = self.0.busy.fetch_sub(1, Ordering::AcqRel) - 1;
        // One file of many is no reason to look at the folder again; but the last one is, and so are those that are left
        // if all of them wait for company.
        if std::thread::panicking() || busy == self.0.waiting.load(Ordering::Acquire) {
            self.0.wake.notify_one();
        }
    }
}

impl Feed {
    /// Makes the folders and checks that files can be moved between them.
    async fn open(parts: Arc<DirectoryParts>) -> Result<Self, String> {
        let settings = parts.settings.clone();
        blocking(move || make_folders(&settings)).await.map_err(|failure| failure.reason().to_string())??;
        let settings = &parts.settings;
        let places = Arc::new(Places {
            output: settings.output.clone(),
            done: settings.done.clone(),
            error: settings.error.clone(),
            judged: settings.judged().is_some(),
        });
        let work = settings.work();
        let not_opened = |error: io::Error| format!("{} cannot be opened: {error}", work.display());
        Ok(Self {
            file_system: FileSystem::of(&work).map_err(not_opened)?,
            ahead: Arc::new(Ahead::of(&work).map_err(not_opened)?),
            aside: Aside::new(parts.clone()),
            parts,
            places,
            deferred: Mutex::default(),
            unpublished: Mutex::default(),
        })
    }

    /// Finishes what an earlier run left behind: rows with an outcome get their files moved, files without one are
    /// signed again.
    async fn recover(self: &Arc<Self>) -> Result<(), String> {
        let (settings, store) = (&self.parts.settings, &self.parts.store);
        let work = settings.work();
        let leftovers = blocking(move || claim::leftovers(&work))
            .await
            .map_err(sentence)?
            .map_err(|error| format!("the folder of claimed files cannot be read: {error}"))?;
        let door = self.door();
        let open_rows = store.open_documents(&settings.tenant, &door).await.map_err(sentence)?;
        let mut missing: HashMap<_, _> = open_rows.into_iter().map(|row| (row.id, row.name)).collect();
        for leftover in leftovers {
            let mut rows = HashMap::new();
            for number in leftover.sources.iter().chain(&leftover.reasons).map(|file| file.id.number) {
                rows.insert(number, None);
            }
            rows.extend(leftover.parts.keys().map(|number| (*number, None)));
            for (number, row) in &mut rows {
                let id = model::DocumentId { job: leftover.folder.job, number: *number };
                *row = store.document(&settings.tenant, id).await.map_err(sentence)?;
            }
            let known = rows
                .into_iter()
                .filter_map(|(number, row)| row.map(|row| (number, (row.state, row.sentence.unwrap_or_default()))));
            let recovery = claim::recover(&leftover, &known.collect(), &self.places);
            for file in &recovery.open {
                missing.remove(&file.id);
            }
            self.resume(recovery).await?;
        }
        // Open rows whose file is gone: somebody took it out of `.work`.
        let reason = Reason::new("vanished", "the file was removed while sealmill was signing it");
        let vanished: Vec<_> = missing
            .into_iter()
            .map(|(id, name)| (self.end(id, Outcome::Rejected(reason.clone()), None, None, None, 0), name))
            .collect();
        let audits: Vec<_> = vanished.iter().map(|(end, name)| self.audit(end, name)).collect();
        let ends: Vec<_> = vanished.into_iter().map(|(end, _)| end).collect();
        if !ends.is_empty() {
            tracing::error!(directory = %settings.name, files = ends.len(), "claimed files have vanished");
            store.finish(&settings.tenant, &ends, &audits).await.map_err(sentence)?;
        }
        Ok(())
    }

    async fn resume(self: &Arc<Self>, recovery: Recovery) -> Result<(), String> {
        let Recovery { open, publish, discard } = recovery;
        tracing::info!(
            directory = %self.parts.settings.name,
            open = open.len(),
            publish = publish.len(),
            discard = discard.len(),
            "finishing what an earlier run left"
        );
        let work = move || -> io::Result<()> {
            discard.iter().try_for_each(std::fs::remove_file)?;
            publish.iter().try_for_each(|publication| publication.run().map(|_| ()))
        };
        blocking(work)
            .await
            .map_err(sentence)?
            .map_err(|error| format!("files of an earlier run cannot be moved to their places: {error}"))?;
        if !open.is_empty() {
            self.open_job(&open).await.map_err(sentence)?;
            self.parts.claimed.fetch_add(open.len(), Ordering::AcqRel);
            let now = Instant::now();
            self.lock_deferred().extend(open.into_iter().map(|file| (now, file)));
        }
        Ok(())
    }

    async fn work(self: &Arc<Self>) -> Result<(), String> {
        let parts = &self.parts;
        let mut candidates: VecDeque<OsString> = VecDeque::new();
        while !parts.is_stopping() {
            if parts.forgotten.load(Ordering::Acquire) {
                return Err("signing a file failed unexpectedly; claimed files are looked through again".to_owned());
            }
            self.publish_again().await;
            let retried = self.retry_due().await;
            let mut unfinished = 0;
            let due = parts.settings.timetable.is_none() || parts.due.load(Ordering::Acquire);
            if candidates.is_empty() && due {
                let (again, now) = (parts.clone(), parts.clock.now().micros());
                let found = blocking(move || Stage::Claim.timed(|| scan(&again, now))).await.map_err(sentence)?;
                let found = found.map_err(|error| {
                    format!("the folder {} cannot be read: {error}", parts.settings.input.display())
                })?;
                unfinished = found.unfinished;
                candidates = found.complete;
                candidates.retain(|name| !self.aside.is_left(name));
                self.aside.look_at_odd(found.odd, found.folders).await;
                if candidates.is_empty() && unfinished == 0 {
                    parts.due.store(false, Ordering::Release);
                }
            }
            let reason = self.reason_to_wait();
            let claimed = if reason.is_none() { self.claim_some(&mut candidates).await? } else { 0 };
            let idle = candidates.is_empty() && unfinished == 0 && parts.claimed.load(Ordering::Acquire) == 0;
            parts.show(reason, idle);
            if claimed == 0 && retried == 0 {
                let waiting = self.parts.waiting.load(Ordering::Acquire);
                if waiting > 0 && waiting == parts.busy.load(Ordering::Acquire) {
                    parts.pipeline.close_batches(); // the batch need not wait for company that is not there
                }
                let mut rest = parts.settings.poll;
                if unfinished > 0 {
                    // A file that is still growing gives no event when it merely rests: look again when it has rested.
                    rest = rest.min(parts.settings.settle);
                }
                if parts.claimed.load(Ordering::Acquire) > 0 {
                    rest = rest.min(RETRY_LOOK); // deferred files and failed moves give no event either
                }
                let woken = async {
                    tokio::select! {
                        () = parts.wake.notified() => {}
                        () = parts.router.more_signers() => {}
                    }
                };
                let _ = tokio::time::timeout(rest.max(POLL_MIN), woken).await;
            }
        }
        Ok(())
    }

    /// Why nothing is claimed now.
    fn reason_to_wait(&self) -> Option<String> {
        if let Task::Make(profile) = &self.parts.settings.task
            && let Some(reason) = self.parts.pipeline.reason_to_wait(profile)
        {
            return Some(reason);
        }
        let deferred = self.lock_deferred().len();
        (deferred >= DEFERRED_MAX).then(|| format!("{deferred} deferred files are waiting already"))
    }

    /// Claims one group, writes its rows, and sends each file on its way. Waits for permits first.
    async fn claim_some(self: &Arc<Self>, candidates: &mut VecDeque<OsString>) -> Result<usize, String> {
        let parts = &self.parts;
        let wanted = candidates.len().min(parts.settings.group_files_max);
        if wanted == 0 {
            return Ok(0);
        }
        let Some(first) = parts.intake.enter().await else { return Ok(0) };
        let mut permits = vec![first];
        // A group of a few files costs as much in the store as one of many: wait for more places, but never for long.
        // The places may all be in the hands of feeds that wait here.
        let end = tokio::time::Instant::now() + GROUP_WAIT;
        let enough = GROUP_FILES_MIN.min(parts.intake.documents_max() / 8);
        while permits.len() < wanted {
            match parts.intake.try_enter() {
                Some(permit) => permits.push(permit),
                None if permits.len() >= enough => break,
                None => match tokio::time::timeout_at(end, parts.intake.enter()).await {
                    Ok(Some(permit)) => permits.push(permit),
                    Ok(None) => return Ok(0),
                    Err(_) => break,
                },
            }
        }
        if parts.is_stopping() {
            return Ok(0);
        }
        let names: Vec<OsString> = candidates.drain(..permits.len()).collect();
        let (work, input, job) = (parts.settings.work(), parts.settings.input.clone(), new_job(&*self.parts.clock));
        let claim = blocking(move || {
            Stage::Claim.timed(|| -> io::Result<_> {
                let folder = JobFolder::create(&work, job)?;
                let claim = claim::claim(&input, &folder, &names);
                folder.sync()?;
                Ok(claim)
            })
        });
        let claim = claim.await.map_err(sentence)?.map_err(|error| format!("files cannot be claimed: {error}"))?;
        let refused = claim.refused.len();
        self.aside.set_aside(claim.refused).await;
        parts.claimed.fetch_add(claim.files.len(), Ordering::AcqRel);
        self.open_job(&claim.files).await.map_err(sentence)?;
        let count = claim.files.len();
        for (file, permit) in claim.files.into_iter().zip(permits) {
            tokio::spawn(self.clone().sign(file, permit, Busy::new(parts)));
        }
        Ok(count + refused)
    }

    /// Writes the rows of claimed files; repeating it changes nothing. Waits while the store is away.
    async fn open_job(&self, files: &[ClaimedFile]) -> Result<(), store::StoreError> {
        let Some(first) = files.first() else { return Ok(()) };
        let settings = &self.parts.settings;
        let job = NewJob {
            id: first.id.job,
            door: self.door(),
            profile: match &settings.task {
                Task::Make(profile) => profile.name.to_string(),
                Task::Judge(_) => "verify".to_owned(),
            },
            opened_at: self.parts.clock.now(),
        };
        let documents: Vec<_> =
            files.iter().map(|file| NewDocument { number: file.id.number, name: file.shown_name() }).collect();
        let mut wait = STORE_RETRY_FIRST;
        loop {
            match self.parts.store.open_job(&settings.tenant, &job, &documents).await {
                Err(error) if error.is_temporary() && !self.parts.is_stopping() => {
                    metrics::counter!(measure::STORE_BUSY).increment(1);
                    self.parts.show(Some(error.to_string()), false);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(STORE_RETRY_MAX);
                }
                result => return result,
            }
        }
    }

    /// Files whose time has come again. Takes as many as there are permits.
    async fn retry_due(self: &Arc<Self>) -> usize {
        let mut count = 0;
        loop {
            let due = {
                let mut deferred = self.lock_deferred();
                let index = deferred.iter().position(|(when, _)| *when <= Instant::now());
                index.and_then(|index| deferred.remove(index))
            };
            let Some((when, file)) = due else { return count };
            let Some(permit) = self.parts.intake.try_enter() else {
                self.lock_deferred().push_front((when, file));
                return count;
            };
            tokio::spawn(self.clone().sign(file, permit, Busy::new(&self.parts)));
            count += 1;
        }
    }

    /// One claimed file to its outcome.
    async fn sign(self: Arc<Self>, file: ClaimedFile, permit: Permit, busy: Busy) {
        let started = Instant::now();
        let mut permit = Some(permit);
        match self.make(&file, &mut permit).await {
            Ok(written) => self.conclude(file, (permit, busy), started, Ok(written)).await,
            Err(Failure::Rejected(reason)) => self.conclude(file, (permit, busy), started, Err(reason)).await,
            Err(Failure::Deferred(reason)) => self.defer(file, &reason),
        }
    }

    /// The result, and its evidence record if the profile asks for one.
    async fn make(&self, file: &ClaimedFile, permit: &mut Option<Permit>) -> Result<Written, Failure> {
        let profile = match &self.parts.settings.task {
            Task::Make(profile) => profile,
            Task::Judge(judging) => return self.judge(file, judging).await,
        };
        let pipeline = &self.parts.pipeline;
        let origin = Origin::Claimed(file.path(), file.name.clone());
        let signed = pipeline.seal(&origin, profile, Lane::Batch).await?;
        let mut written = self.write(file, signed, profile.clone()).await?;
        let Some(digest) = written.to_be_recorded.take() else { return Ok(written) };
        // What waits for its batch occupies a name and a digest only: the next file may come in.
        permit.take();
        self.ahead.written();
        let mut record = pin!(pipeline.evidence_record(profile, digest, file.record(&written.result)));
        match futures_util::poll!(record.as_mut()) {
            Poll::Ready(record) => record?,
            Poll::Pending => {
                let waiting = self.parts.waiting.fetch_add(1, Ordering::AcqRel) + 1;
                if waiting == self.parts.busy.load(Ordering::Acquire) {
                    self.parts.wake.notify_one(); // nobody is being signed: perhaps nobody else comes
                }
                let record = record.await;
                self.parts.waiting.fetch_sub(1, Ordering::AcqRel);
                record?;
            }
        }
        written.record = true;
        Ok(written)
    }

    /// Judges a file; its report is the result.
    async fn judge(&self, file: &ClaimedFile, judging: &Arc<judge::Judging>) -> Result<Written, Failure> {
        let now = self.parts.clock.now();
        let judged = judge::judge(judging, &self.parts.router, file, now).await?;
        let (path, result) = (file.part(&judged.result), judged.result);
        let write = move || replace(&path, &judged.bytes).map_err(|error| not_written(&error));
        blocking(move || Stage::Write.timed(write)).await??;
        Ok(Written { result, format: "verified", signer: None, to_be_recorded: None, record: false })
    }

    async fn write(&self, file: &ClaimedFile, signed: Signed, profile: Arc<Profile>) -> Result<Written, Failure> {
        let format = signed.sealed.document().format;
        let (contains_original, encrypted) = (signed.sealed.contains_original(), profile.encryption.is_some());
        let result = self.parts.settings.naming.result_name(format, contains_original, encrypted, &file.name);
        let (part, signer) = (file.part(&result), signed.signer.as_ref().map(ToString::to_string));
        let work = move || {
            let write = || write_part(&part, &signed.sealed, &signed.document, &signed.wrapping);
            let written = match write() {
                // A result of an attempt that was deferred.
                Err(error) if error.is_taken() => {
                    std::fs::remove_file(&part).map_err(WriteError::from).and_then(|()| write())
                }
                written => written,
            };
            written.map_err(WriteError::failure)?;
            let digest = signed.digest_for_record(&profile)?;
            if signed.document.unchanged().unwrap_or(false) {
                return Ok(digest);
            }
            let _ = std::fs::remove_file(&part);
            Err(Failure::Deferred(Reason::new("changed", "the file was written to while it was being signed")))
        };
        let to_be_recorded = blocking(move || Stage::Write.timed(work)).await??;
        Ok(Written { result, format: format.word(), signer, to_be_recorded, record: false })
    }

    fn defer(&self, file: ClaimedFile, reason: &Reason) {
        tracing::warn!(directory = %self.parts.settings.name, file = file.shown_name(), %reason, "deferred");
        metrics::counter!(measure::DOCUMENTS, "door" => self.door(), "outcome" => "deferred").increment(1);
        self.lock_deferred().push_back((Instant::now() + DEFERRED_RETRY, file));
    }

    /// Records the outcome; once it is durable, moves the files and lets the next one in.
    async fn conclude(
        self: Arc<Self>,
        file: ClaimedFile,
        (permit, busy): (Option<Permit>, Busy),
        started: Instant,
        result: Result<Written, Reason>,
    ) {
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let name = file.shown_name();
        let (end, publication) = match result {
            Ok(written) => {
                let (_, folder, name) = self.places.of(&written.result);
                let output = folder.join(name).to_string_lossy().into_owned();
                let format = Some(written.format.to_owned());
                let end = self.end(file.id, Outcome::Done, format, written.signer, Some(output), micros);
                (end, Publication::done(file.clone(), written.result, written.record, self.places.clone()))
            }
            Err(reason) => {
                let sentence = reason.sentence.clone();
                let end = self.end(file.id, Outcome::Rejected(reason), None, None, None, micros);
                (end, Publication::rejected(file.clone(), sentence, self.places.clone()))
            }
        };
        let event = DocumentEvent {
            door: self.door(),
            name: name.clone(),
            format: end.format.clone(),
            signer: end.signer.clone(),
            outcome: end.outcome.clone(),
            micros,
            place: None,
        };
        let audit = self.audit(&end, &name);
        let result_on = matches!(end.outcome, Outcome::Done).then(|| self.file_system.clone());
        let tenant = self.parts.settings.tenant.clone();
        let recorder = self.parts.recorder.clone();
        let after = After::Run(Box::new(move |durable| match durable {
            true => self.publish(Unpublished { publication, event, permit, busy }),
            false => {
                let what = "the disk reported an error before the signed file was durable";
                self.defer(file, &Reason::new("not-written", what));
                drop((permit, busy));
            }
        }));
        recorder.record(Entry { tenant, new: None, end, audit, result_on, awaited: None, after }).await;
    }

    /// Moves the files of one document. Blocks.
    fn publish(&self, unpublished: Unpublished) {
        match unpublished.publication.run() {
            Ok(place) => {
                let Unpublished { publication, mut event, permit, busy } = unpublished;
                event.place = Some(place);
                metrics::counter!(measure::DOCUMENTS, "door" => event.door.clone(), "outcome" => event.outcome.word())
                    .increment(1);
                self.parts.claimed.fetch_sub(1, Ordering::AcqRel);
                // Nobody may be listening.
                let _ = self.parts.events.send(event);
                drop((publication, permit, busy));
            }
            Err(error) => {
                tracing::error!(directory = %self.parts.settings.name, file = unpublished.event.name, %error, "files not moved yet");
                self.unpublished.lock().unwrap_or_else(PoisonError::into_inner).push(unpublished);
            }
        }
    }

    async fn publish_again(self: &Arc<Self>) {
        let waiting = std::mem::take(&mut *self.unpublished.lock().unwrap_or_else(PoisonError::into_inner));
        if !waiting.is_empty() {
            let feed = self.clone();
            let work = move || waiting.into_iter().for_each(|unpublished| feed.publish(unpublished));
            if blocking(work).await.is_err() {
                tracing::error!("moving files failed unexpectedly; the next start finishes it");
            }
        }
    }

    fn lock_deferred(&self) -> std::sync::MutexGuard<'_, VecDeque<(Instant, ClaimedFile)>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn door(&self) -> String {
        self.parts.door()
    }

    fn end(
        &self,
        id: model::DocumentId,
        outcome: Outcome,
        format: Option<String>,
        signer: Option<String>,
        output: Option<String>,
        micros: u64,
    ) -> DocumentEnd {
        DocumentEnd { id, outcome, format, signer, output, ended_at: self.parts.clock.now(), micros }
    }

    fn audit(&self, end: &DocumentEnd, name: &str) -> AuditEntry {
        AuditEntry::of_document(end.ended_at, &self.door(), end.id, name, &end.outcome, end.signer.clone())
    }
}

struct Written {
    result: OsString,
    /// A word for tables.
    format: &'static str,
    signer: Option<String>,
    /// The digest of the result, which waits for an evidence record.
    to_be_recorded: Option<Digest>,
    /// Its evidence record is written.
    record: bool,
}

fn sentence(error: impl Display) -> String {
    error.to_string()
}

/// How often deferred files and failed moves are looked at, however rarely the folder is.
const RETRY_LOOK: Duration = Duration::from_secs(1);
const DEFERRED_MAX: usize = 512;
const DEFERRED_RETRY: Duration = Duration::from_secs(5);
const GROUP_FILES_MIN: usize = 32;
const GROUP_WAIT: Duration = Duration::from_millis(20);
const POLL_MIN: Duration = Duration::from_millis(20);
const STORE_RETRY_FIRST: Duration = Duration::from_millis(100);
const STORE_RETRY_MAX: Duration = Duration::from_secs(10);
