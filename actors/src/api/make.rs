//! One document of a call: through the pipeline, into memory or the spool folder, and its outcome into the store before
//! anybody gets the result.

use super::kept::Folder;
use super::{Api, ApiDocument, Body, Ended, Entry as Place, Made, Task, check_name, shown_name};
use crate::deliver::{Wrapping, WriteError, in_memory, length_about, write_part};
use crate::document::{Origin, Piece, Sent};
use crate::measure::{self, Stage};
use crate::pipeline::{Failure, Signed, blocking, briefly};
use crate::recorder::{After, Coming, Entry};
use crate::services::DocumentEvent;
use crate::spool::{Content, SpoolFile};
use model::{AuditEntry, Digest, DocumentId, Profile, Reason};
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::DocumentEnd;
use tokio::sync::oneshot;

impl Api {
    /// One document to its outcome. Gives the place back, unless the document did not need it to its end.
    pub(super) async fn one(
        self,
        task: Arc<Task>,
        document: ApiDocument,
        number: u32,
        place: Place,
    ) -> (u32, Ended, Option<Place>) {
        let started = Instant::now();
        let id = DocumentId { job: task.job, number };
        let mut place = Some(place);
        let coming = self.0.services.recorder.announce();
        let result = Box::pin(self.through(&task, &document, id, &mut place)).await;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let ended = Ended { id: Some(id), name: shown_name(&document.name), result, micros };
        let ended = self.recorded(&task, id, ended, Some(coming)).await;
        (number, self.as_it_is_kept(&task, id, ended).await, place)
    }

    /// Of two attempts at a keyed request, which may be on two servers, the one that the store took first counts.
    async fn as_it_is_kept(&self, task: &Task, id: DocumentId, ended: Ended) -> Ended {
        let Some(kept) = task.kept.as_ref().filter(|_| ended.result.is_ok()) else { return ended };
        let row = self.0.services.store.document(&task.tenant, id).await.ok().flatten();
        row.and_then(|row| kept.folder.ended(&row)).unwrap_or(ended)
    }

    pub(super) async fn through(
        &self,
        task: &Task,
        document: &ApiDocument,
        id: DocumentId,
        place: &mut Option<Place>,
    ) -> Result<Made, Failure> {
        let origin = origin(document)?;
        let signed = self.0.services.pipeline.seal_on(&origin, &task.profile, &task.terms).await?;
        let (made, digest) = self.result(task, document, id, signed).await?;
        let Some(digest) = digest else { return Ok(made) };
        place.take(); // what waits for its batch occupies a name and a digest only
        let record = self.evidence_record(task, &made, digest).await?;
        Ok(Made { record: Some(record), ..made })
    }

    /// The result, and its digest if an evidence record is made of it.
    async fn result(
        &self,
        task: &Task,
        document: &ApiDocument,
        id: DocumentId,
        signed: Signed,
    ) -> Result<(Made, Option<Digest>), Failure> {
        let format = signed.sealed.document().format;
        let contains_original = signed.sealed.contains_original() && signed.document.original().is_none();
        let encrypted = task.profile.encryption.is_some();
        let naming = &self.0.services.naming;
        let name = naming.result_name(format, contains_original, encrypted, OsStr::new(&document.name));
        let (spool, in_memory_max) = (self.0.spool.clone(), self.0.in_memory_bytes_max);
        let (profile, signer) = (task.profile.clone(), signed.signer.clone());
        let kept = task.kept.as_ref().map(|kept| kept.folder.result(id.number, &kept.attempt, contains_original));
        let is_brief = kept.is_none() && matches!(signed.wrapping, Wrapping::None) && is_short(&signed, in_memory_max);
        let write = move || -> Result<(Content, Option<Digest>), Failure> {
            let Signed { sealed, document, wrapping, .. } = &signed;
            let content = match kept {
                Some(path) => {
                    let written = write_part(&path, sealed, document, wrapping);
                    written.and_then(|_| SpoolFile::kept(path).map_err(WriteError::from))
                }
                None if length_about(sealed, document, wrapping) <= in_memory_max => {
                    let bytes = in_memory(sealed, document, wrapping).map_err(WriteError::failure)?;
                    return finish(&signed, &profile, bytes.into());
                }
                None => {
                    let path = spool.new_path();
                    let written = write_part(&path, sealed, document, wrapping);
                    written.and_then(|_| SpoolFile::adopted(path).map_err(WriteError::from))
                }
            };
            finish(&signed, &profile, Content::File(Arc::new(content.map_err(WriteError::failure)?)))
        };
        let (content, digest) = match is_brief {
            true => briefly(|| Stage::Write.timed(write))??,
            false => blocking(move || Stage::Write.timed(write)).await??,
        };
        let name = name.to_string_lossy().into_owned();
        Ok((Made { name, content, record: None, format, contains_original, signer }, digest))
    }

    /// Beside a result that is kept, in a file that is kept, too.
    async fn evidence_record(&self, task: &Task, made: &Made, digest: Digest) -> Result<Content, Failure> {
        let kept = match (&task.kept, &made.content) {
            (Some(_), Content::File(result)) => Some(result.path().with_extension("ers")),
            _ => None,
        };
        let path = kept.clone().unwrap_or_else(|| self.0.spool.new_path());
        self.0.services.pipeline.evidence_record(&task.profile, digest, path.clone()).await?;
        let opened = if kept.is_some() { SpoolFile::kept(path) } else { SpoolFile::adopted(path) };
        let lost =
            |error| Failure::Deferred(Reason::new("not-written", format!("the evidence record is lost: {error}")));
        Ok(Content::File(Arc::new(opened.map_err(lost)?)))
    }

    /// Gives the end out after it is durable. `awaited`: somebody waits for it.
    pub(super) async fn recorded(
        &self,
        task: &Task,
        id: DocumentId,
        mut ended: Ended,
        awaited: Option<Coming>,
    ) -> Ended {
        let services = &self.0.services;
        let (outcome, now) = (ended.outcome(), services.clock.now());
        let made = ended.result.as_ref().ok();
        let signer = made.and_then(|made| made.signer.as_ref()).map(ToString::to_string);
        let end = DocumentEnd {
            id,
            outcome: outcome.clone(),
            format: made.map(|made| made.format.word().to_owned()),
            signer: signer.clone(),
            output: made.map(|made| match (&task.kept, &made.content) {
                (Some(_), Content::File(file)) => Folder::output(file.path(), &made.name),
                _ => made.name.clone(),
            }),
            ended_at: now,
            micros: ended.micros,
        };
        let event = DocumentEvent {
            door: task.door.clone(),
            name: ended.name.clone(),
            format: end.format.clone(),
            signer: signer.clone(),
            outcome: outcome.clone(),
            micros: ended.micros,
            place: None,
        };
        let audit = AuditEntry::of_document(now, &task.door, id, &ended.name, &outcome, signer);
        let (sender, receiver) = oneshot::channel();
        let result_on = task.kept.as_ref().filter(|_| ended.result.is_ok()).map(|kept| kept.on.clone());
        let patience = if awaited.is_some() { RECORD_PATIENCE } else { Duration::MAX };
        let new = task.unknown_since.map(|since| (task.new_job(since), ended.name.clone()));
        let tenant = task.tenant.clone();
        let entry = Entry { tenant, new, end, audit, result_on, awaited, after: After::Tell(sender) };
        let record = async {
            services.recorder.record(entry).await;
            receiver.await.unwrap_or(false)
        };
        if !tokio::time::timeout(patience, record).await.unwrap_or(false) {
            // Nothing is given out that the store does not know. Whoever asks again gets another one.
            let sentence = "the outcome could not be made durable in time; try again";
            ended.result = Err(Failure::Deferred(Reason::new("not-recorded", sentence)));
        }
        metrics::counter!(measure::DOCUMENTS, "door" => "api", "outcome" => ended.outcome().word()).increment(1);
        let _ = services.events.send(event);
        ended
    }
}

/// Whether the result is a signature beside its document: nothing that is worth a thread of its own.
fn is_short(signed: &Signed, in_memory_max: u64) -> bool {
    let length = length_about(&signed.sealed, &signed.document, &signed.wrapping);
    length <= in_memory_max.min(SHORT_BYTES_MAX) && signed.document.file().is_none()
}

/// The digest for an evidence record, if the document is still what it was.
fn finish(signed: &Signed, profile: &Profile, content: Content) -> Result<(Content, Option<Digest>), Failure> {
    let digest = signed.digest_for_record(profile)?;
    if signed.document.unchanged().unwrap_or(false) {
        return Ok((content, digest));
    }
    Err(Failure::Deferred(Reason::new("changed", "the document was written to while it was being signed")))
}

/// Where the document is, for the pipeline.
fn origin(document: &ApiDocument) -> Result<Origin, Failure> {
    check_name(&document.name)?;
    let piece = |name: &str, content: &Content| Piece { name: name.to_owned(), place: content.place() };
    let sent = match &document.body {
        Body::Digest(digest) => return Ok(Origin::Digest(*digest)),
        Body::Whole(content) => Sent { pieces: vec![piece(&document.name, content)], original: None },
        Body::Detached { signature, original } => {
            Sent { pieces: vec![piece(&document.name, signature)], original: Some(piece(&document.name, original)) }
        }
        Body::Together(files) => {
            if files.is_empty() {
                return Err(Failure::Rejected(Reason::new("empty", "there is no file in the document")));
            }
            files.iter().try_for_each(|(name, _)| check_name(name))?;
            Sent { pieces: files.iter().map(|(name, content)| piece(name, content)).collect(), original: None }
        }
    };
    Ok(Origin::Sent(Arc::new(sent)))
}

const SHORT_BYTES_MAX: u64 = 64 * 1024;

/// How long a caller waits for the store.
const RECORD_PATIENCE: Duration = Duration::from_secs(30);
