//! Many documents signed under one submission: bounded parallelism, results in the order of the documents, one failure
//! does not spoil the rest. The sources stay where they are.

use crate::deliver::{FileSystem, WriteError, move_to_free_name, move_with_record, not_written, write_part};
use crate::document::Origin;
use crate::intake::Permit;
use crate::pipeline::{Failure, blocking};
use crate::recorder::{After, Entry};
use crate::services::{DocumentEvent, Services, new_job};
use futures_util::{Stream, StreamExt, stream};
use model::limits::STAMP_BATCH_MAX;
use model::profile::Format;
use model::{AuditEntry, Digest, DocumentId, Lane, Outcome, Profile, Reason, TenantId};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use store::{DocumentEnd, NewDocument, NewJob, StoreError};
use tokio::sync::oneshot;

/// What a caller submits: files, and where their results go.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Whose documents.
    pub tenant: TenantId,
    /// Through which door: `cli:USER`.
    pub door: String,
    /// The documents.
    pub files: Vec<PathBuf>,
    /// All files make up one document.
    pub together: bool,
    /// The document that the only file, a detached signature, is about.
    pub original: Option<PathBuf>,
    /// The folder for results.
    pub output: PathBuf,
    /// How to sign.
    pub profile: Arc<Profile>,
    /// Documents under way at a time.
    pub in_flight_max: usize,
}

impl Submission {
    fn origin(&self, file: &std::path::Path) -> Origin {
        match &self.original {
            Some(original) => Origin::Detached(file.to_owned(), original.clone()),
            None if self.together => Origin::Together(self.files.clone()),
            None => Origin::File(file.to_owned()),
        }
    }

    /// The files that documents are named after.
    fn named(&self) -> &[PathBuf] {
        let count = if self.together { 1 } else { self.files.len() };
        &self.files[..count.min(self.files.len())]
    }
}

/// Signs the submission; the stream gives one event for each file, in order.
pub async fn run(
    services: Arc<Services>,
    submission: Submission,
) -> Result<impl Stream<Item = DocumentEvent>, StoreError> {
    let job = new_job(&*services.clock);
    let opened = NewJob {
        id: job,
        door: submission.door.clone(),
        profile: submission.profile.name.to_string(),
        opened_at: services.clock.now(),
    };
    let name = |file: &PathBuf| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let documents: Vec<_> =
        (0..).zip(submission.named()).map(|(number, file)| NewDocument { number, name: name(file) }).collect();
    services.store.open_job(&submission.tenant, &opened, &documents).await?;
    // A batch that gets one time stamp is complete only when all of it is there; permits bound what is being signed.
    let batch = submission.profile.stamp.as_ref().is_some_and(|stamp| stamp.batch);
    let in_flight = if batch { STAMP_BATCH_MAX } else { submission.in_flight_max.max(1) };
    let submission = Arc::new(submission);
    let numbers = 0..u32::try_from(submission.named().len()).unwrap_or(u32::MAX);
    Ok(stream::iter(numbers)
        .map(move |number| sign(services.clone(), submission.clone(), DocumentId { job, number }))
        .buffered(in_flight))
}

async fn sign(services: Arc<Services>, submission: Arc<Submission>, id: DocumentId) -> DocumentEvent {
    let started = Instant::now();
    let file = &submission.files[id.number as usize];
    let name = file.file_name().map(ToOwned::to_owned).unwrap_or_default();
    let mut permit = services.intake.enter().await;
    let result = match &permit {
        Some(_) => sign_to_part(&services, &submission, file, &mut permit, id).await,
        None => Err(Failure::Deferred(Reason::new("shutting-down", "sealmill is shutting down"))),
    };
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (outcome, written) = match result {
        Ok(written) => (Outcome::Done, Some(written)),
        Err(Failure::Rejected(reason)) => (Outcome::Rejected(reason), None),
        Err(Failure::Deferred(reason)) => (Outcome::Deferred(reason), None),
    };
    let mut event = DocumentEvent {
        door: submission.door.clone(),
        name: name.to_string_lossy().into_owned(),
        format: written.as_ref().map(|written| written.format.word().to_owned()),
        signer: written.as_ref().and_then(|written| written.signer.clone()),
        outcome,
        micros,
        place: None,
    };
    let published = record(&services, &submission, id, &event, written).await;
    match published {
        Some(Ok(place)) => event.place = Some(place),
        Some(Err(error)) => {
            let reason = format!("the signed file cannot be moved to its place: {error}");
            event.outcome = Outcome::Deferred(Reason::new("not-written", reason));
        }
        None => {}
    }
    event
}

struct Written {
    part: PathBuf,
    /// The evidence record, if there is one.
    record: Option<PathBuf>,
    result: OsString,
    format: Format,
    signer: Option<String>,
    on: FileSystem,
}

async fn sign_to_part(
    services: &Services,
    submission: &Submission,
    file: &std::path::Path,
    permit: &mut Option<Permit>,
    id: DocumentId,
) -> Result<Written, Failure> {
    let profile = submission.profile.clone();
    let signed = services.pipeline.seal(&submission.origin(file), &profile, Lane::Interactive).await?;
    let format = signed.sealed.document().format;
    // A further signature in a detached one leaves the original where it is.
    let contains_original = signed.sealed.contains_original() && signed.document.original().is_none();
    let encrypted = profile.encryption.is_some();
    let name = file.file_name().unwrap_or_default();
    let result = services.naming.result_name(format, contains_original, encrypted, name);
    let part = submission.output.join(format!(".sealmill-{id}.part"));
    let (signer, to) = (signed.signer.as_ref().map(ToString::to_string), part.clone());
    let (folder, of) = (submission.output.clone(), profile.clone());
    let work = move || {
        let on = FileSystem::of(&folder).map_err(|error| not_written(&error))?;
        write_part(&to, &signed.sealed, &signed.document, &signed.wrapping).map_err(WriteError::failure)?;
        let digest = signed.digest_for_record(&of)?;
        if signed.document.unchanged().unwrap_or(false) {
            return Ok((on, digest));
        }
        let _ = std::fs::remove_file(&to);
        Err(Failure::Deferred(Reason::new("changed", "the file was written to while it was being signed")))
    };
    let (on, digest) = blocking(work).await??;
    let mut written = Written { part, record: None, result, format, signer, on };
    if let Some(digest) = digest {
        permit.take(); // what waits for its batch occupies a name and a digest only
        match record_to_part(services, &profile, digest, submission, id).await {
            Ok(record) => written.record = Some(record),
            Err(failure) => {
                let _ = std::fs::remove_file(&written.part);
                return Err(failure);
            }
        }
    }
    Ok(written)
}

async fn record_to_part(
    services: &Services,
    profile: &Profile,
    digest: Digest,
    submission: &Submission,
    id: DocumentId,
) -> Result<PathBuf, Failure> {
    let path = submission.output.join(format!(".sealmill-{id}.record"));
    services.pipeline.evidence_record(profile, digest, path.clone()).await?;
    Ok(path)
}

/// Makes the outcome durable, then moves the result to its name.
async fn record(
    services: &Services,
    submission: &Submission,
    id: DocumentId,
    event: &DocumentEvent,
    written: Option<Written>,
) -> Option<std::io::Result<PathBuf>> {
    let now = services.clock.now();
    let end = DocumentEnd {
        id,
        outcome: event.outcome.clone(),
        format: event.format.clone(),
        signer: event.signer.clone(),
        output: written.as_ref().map(|w| submission.output.join(&w.result).to_string_lossy().into_owned()),
        ended_at: now,
        micros: event.micros,
    };
    let audit = AuditEntry::of_document(now, &submission.door, id, &event.name, &event.outcome, event.signer.clone());
    let (sender, receiver) = oneshot::channel();
    let output = submission.output.clone();
    let result_on = written.as_ref().map(|written| written.on.clone());
    let after = After::Run(Box::new(move |durable| {
        let moved = written.map(|written| match durable {
            true => match &written.record {
                Some(record) => move_with_record(&written.part, record, &output, &written.result),
                None => move_to_free_name(&written.part, &output, &written.result),
            },
            false => {
                let _ = std::fs::remove_file(&written.part);
                written.record.map(std::fs::remove_file);
                Err(std::io::Error::other("the disk reported an error before it was durable"))
            }
        });
        let _ = sender.send(moved);
    }));
    services
        .recorder
        .record(Entry { tenant: submission.tenant.clone(), new: None, end, audit, result_on, awaited: None, after })
        .await;
    receiver.await.ok().flatten()
}
