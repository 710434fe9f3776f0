//! Jobs, their documents and how each ended. A job's end is derived from its documents; no counter is kept.

use crate::value::{Row, Value, bounded};
use crate::work::{Entry, Work};
use crate::{NAME_BYTES_MAX, Store, StoreError, TEXT_BYTES_MAX, sql};
use model::{AuditEntry, DocumentId, JobId, Outcome, TenantId, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// A job to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Where it came in: `directory:invoices`, `cli`.
    pub door: String,
    /// Name of the profile it is signed with.
    pub profile: String,
    /// When.
    pub opened_at: Time,
}

/// A document of a job to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument {
    /// Its place in the job, from 0.
    pub number: u32,
    /// Its name, at most [`NAME_BYTES_MAX`] bytes.
    pub name: String,
}

/// How a document ended, or was deferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEnd {
    /// Which document.
    pub id: DocumentId,
    /// `Done` and `Rejected` are final; after `Deferred` the document is still open.
    pub outcome: Outcome,
    /// The form of the result (`pades`, `cms`), if there is one.
    pub format: Option<String>,
    /// Name of the signer, if one signed.
    pub signer: Option<String>,
    /// Where the result is.
    pub output: Option<String>,
    /// When.
    pub ended_at: Time,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// A document that is stored together with its end: nobody was told of it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeDocument {
    /// Its job; made if it is not there.
    pub job: NewJob,
    /// Its name, cut at [`NAME_BYTES_MAX`] bytes.
    pub name: String,
    /// Its end.
    pub end: DocumentEnd,
}

/// What [`Store::finish`] did not write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Documents that had a final outcome before; it was kept, and audit entries about them were left out.
    pub already_ended: Vec<DocumentId>,
    /// Documents that no job of this tenant has.
    pub unknown: Vec<DocumentId>,
}

/// A document without a final outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDocument {
    /// Which.
    pub id: DocumentId,
    /// Its name.
    pub name: String,
}

/// The state of a document's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentState {
    /// Not tried, or not to an end.
    Open,
    /// Tried and to be tried again.
    Deferred,
    /// Signed and delivered.
    Done,
    /// Refused for good.
    Rejected,
}

impl DocumentState {
    /// All states, for tables.
    pub const ALL: [DocumentState; 4] =
        [DocumentState::Open, DocumentState::Deferred, DocumentState::Done, DocumentState::Rejected];

    /// The word in the database and in reports.
    pub fn word(self) -> &'static str {
        match self {
            DocumentState::Open => "open",
            DocumentState::Deferred => "deferred",
            DocumentState::Done => "done",
            DocumentState::Rejected => "rejected",
        }
    }

    /// Whether nothing more will happen to the document.
    pub fn is_final(self) -> bool {
        matches!(self, DocumentState::Done | DocumentState::Rejected)
    }

    pub(crate) fn from_word(word: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|state| state.word() == word)
            .ok_or_else(|| StoreError::Corrupt(format!("a document's outcome is \"{}\"", bounded(word, 40))))
    }
}

/// A document as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRow {
    /// Which.
    pub id: DocumentId,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: DocumentState,
    /// The reason's code, if it is rejected or deferred.
    pub code: Option<String>,
    /// The reason's sentence, if it is rejected or deferred.
    pub sentence: Option<String>,
    /// The form of the result.
    pub format: Option<String>,
    /// Who signed.
    pub signer: Option<String>,
    /// Where the result is.
    pub output: Option<String>,
    /// When it got its outcome.
    pub outcome_at: Option<Time>,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
}

/// Numbers of documents by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not tried to an end.
    pub open: u64,
    /// To be tried again.
    pub deferred: u64,
    /// Signed.
    pub done: u64,
    /// Refused.
    pub rejected: u64,
    /// When the last outcome was written.
    pub last_outcome_at: Option<Time>,
}

impl Counts {
    /// All documents.
    pub fn total(&self) -> u64 {
        self.unfinished() + self.done + self.rejected
    }

    /// Documents without a final outcome.
    pub fn unfinished(&self) -> u64 {
        self.open + self.deferred
    }
}

/// A job as stored, with what follows from its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Which.
    pub id: JobId,
    /// The server that opened it.
    pub node: String,
    /// Where it came in.
    pub door: String,
    /// Name of its profile.
    pub profile: String,
    /// When it was opened.
    pub opened_at: Time,
    /// Its documents by state.
    pub counts: Counts,
    /// When its last document ended; `None` while one is open.
    pub ended_at: Option<Time>,
}

impl Store {
    /// Opens a job with its documents, in one transaction. Repeating it changes nothing; with further documents it adds
    /// them.
    pub async fn open_job(&self, tenant: &TenantId, job: &NewJob, documents: &[NewDocument]) -> Result<(), StoreError> {
        let (tenant_text, id) = (shared(tenant.as_str()), shared(&job.id.to_string()));
        let rows = document_rows(&tenant_text, &id, documents)?;
        let job_row = job_row_values(&tenant_text, self.node(), job);
        let work = Work::new(tenant).step(sql::INSERT_JOB, vec![job_row]).step(sql::INSERT_DOCUMENT, rows);
        self.write(work).await.map(|_| ())
    }

    /// Writes outcomes and audit entries in one transaction. A document that has a final outcome keeps it, and audit
    /// entries whose `object` is such a document (`DocumentId` as text) are left out: a group whose fate was unknown
    /// ([`StoreError::Unavailable`]) is simply handed over again.
    pub async fn finish(
        &self,
        tenant: &TenantId,
        ends: &[DocumentEnd],
        audit: &[AuditEntry],
    ) -> Result<Finished, StoreError> {
        // One order for all callers, so that two groups with common documents cannot wait for each other in a circle.
        let mut ends: Vec<&DocumentEnd> = ends.iter().collect();
        ends.sort_by_key(|end| end.id);
        let tenant_text = shared(tenant.as_str());
        let rows: Vec<Vec<Value>> = ends.iter().map(|end| end_row(&tenant_text, end)).collect();
        let mut work = Work::new(tenant).step(sql::END_DOCUMENT, rows);
        work.audit = entries_of(ends.iter().copied(), audit);
        let written = self.write(work).await?;

        let mut finished = Finished::default();
        let changed = written.changed.first().map(Vec::as_slice).unwrap_or_default();
        for (end, _) in ends.iter().zip(changed).filter(|(_, changed)| **changed == 0) {
            match self.document(tenant, end.id).await? {
                Some(_) => finished.already_ended.push(end.id),
                None => finished.unknown.push(end.id),
            }
        }
        Ok(finished)
    }

    /// Writes documents with their jobs, outcomes and audit entries in one transaction. A document that is there already
    /// stays as it is, and audit entries about it are left out, so that a group whose fate was unknown
    /// ([`StoreError::Unavailable`]) is simply handed over again.
    pub async fn record(
        &self,
        tenant: &TenantId,
        documents: &[WholeDocument],
        audit: &[AuditEntry],
    ) -> Result<(), StoreError> {
        let mut documents: Vec<&WholeDocument> = documents.iter().collect();
        documents.sort_by_key(|document| document.end.id); // for the reason given in `finish`
        let tenant_text = shared(tenant.as_str());
        let mut jobs: Vec<&NewJob> = documents.iter().map(|document| &document.job).collect();
        jobs.dedup_by_key(|job| job.id);
        let jobs = jobs.into_iter().map(|job| job_row_values(&tenant_text, self.node(), job)).collect();
        let row = |document: &&WholeDocument| {
            let name = bounded(&document.name, NAME_BYTES_MAX).into();
            end_row(&tenant_text, &document.end).into_iter().chain([name]).collect()
        };
        let rows = documents.iter().map(row).collect();
        let ends = documents.iter().map(|document| &document.end);
        let mut work = Work::new(tenant).step(sql::INSERT_JOB, jobs).step(sql::INSERT_WHOLE_DOCUMENT, rows);
        work.judged = 1;
        work.audit = entries_of(ends, audit);
        self.write(work).await.map(drop)
    }

    /// Documents without a final outcome that came in by a door of this server, in the order of their jobs: what a
    /// restart has to look after. What another server of the same database works on is not among them.
    pub async fn open_documents(&self, tenant: &TenantId, door: &str) -> Result<Vec<OpenDocument>, StoreError> {
        let mut found: Vec<OpenDocument> = Vec::new();
        loop {
            let (job, number) = match found.last() {
                Some(last) => (last.id.job.to_string(), i64::from(last.id.number)),
                None => (String::new(), -1),
            };
            let place = [door_text(door), job.into(), number.into(), PAGE_ROWS.into(), self.node().into()];
            let values = [tenant.as_str().into()].into_iter().chain(place).collect();
            let rows = self.read(sql::OPEN_DOCUMENTS, values).await?;
            for row in &rows {
                let id = DocumentId { job: job_id(row.text(0)?)?, number: document_number(row.int(1)?)? };
                found.push(OpenDocument { id, name: row.text(2)?.to_owned() });
            }
            if i64::try_from(rows.len()).unwrap_or(i64::MAX) < PAGE_ROWS {
                return Ok(found);
            }
        }
    }

    /// One document.
    pub async fn document(&self, tenant: &TenantId, id: DocumentId) -> Result<Option<DocumentRow>, StoreError> {
        let values = vec![tenant.as_str().into(), id.job.to_string().into(), i64::from(id.number).into()];
        self.read(sql::DOCUMENT, values).await?.first().map(|row| document_row(id.job, row)).transpose()
    }

    /// A job's documents in order, at most `limit`, after the one numbered `after`.
    pub async fn list_documents(
        &self,
        tenant: &TenantId,
        job: JobId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<Vec<DocumentRow>, StoreError> {
        let after = after.map_or(-1, i64::from);
        let values = vec![tenant.as_str().into(), job.to_string().into(), after.into(), i64::from(limit).into()];
        self.read(sql::DOCUMENTS, values).await?.iter().map(|row| document_row(job, row)).collect()
    }

    /// One job.
    pub async fn job(&self, tenant: &TenantId, id: JobId) -> Result<Option<JobRow>, StoreError> {
        let rows = self.read(sql::JOB, vec![tenant.as_str().into(), id.to_string().into()]).await?;
        match rows.first() {
            Some(row) => self.job_row(tenant, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// A door's jobs, newest first, at most `limit`, older than `before`.
    pub async fn list_jobs(
        &self,
        tenant: &TenantId,
        door: &str,
        before: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<JobRow>, StoreError> {
        // "g" sorts behind every hexadecimal digit in every collation.
        let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
        let values = vec![tenant.as_str().into(), door_text(door), before.into(), i64::from(limit).into()];
        let mut jobs = Vec::new();
        for row in &self.read(sql::JOBS, values).await? {
            jobs.push(self.job_row(tenant, row).await?);
        }
        Ok(jobs)
    }

    /// A job's documents by state; all zero for an unknown job.
    pub async fn count_job(&self, tenant: &TenantId, job: JobId) -> Result<Counts, StoreError> {
        counts(&self.read(sql::COUNT_JOB, vec![tenant.as_str().into(), job.to_string().into()]).await?)
    }

    /// All documents of a door by state. Reads every document of the door: for reports, not for every second.
    pub async fn count_door(&self, tenant: &TenantId, door: &str) -> Result<Counts, StoreError> {
        counts(&self.read(sql::COUNT_DOOR, vec![tenant.as_str().into(), door_text(door)]).await?)
    }

    async fn job_row(&self, tenant: &TenantId, row: &Row) -> Result<JobRow, StoreError> {
        let id = job_id(row.text(0)?)?;
        let counts = self.count_job(tenant, id).await?;
        Ok(JobRow {
            id,
            node: row.text(1)?.to_owned(),
            door: row.text(2)?.to_owned(),
            profile: row.text(3)?.to_owned(),
            opened_at: Time::from_micros(row.int(4)?),
            counts,
            ended_at: counts.last_outcome_at.filter(|_| counts.unfinished() == 0),
        })
    }
}

/// The row of a new job.
pub(crate) fn job_row_values(tenant: &Value, node: &str, job: &NewJob) -> Vec<Value> {
    vec![
        tenant.clone(),
        job.id.to_string().into(),
        node.into(),
        door_text(&job.door),
        bounded(&job.profile, TEXT_BYTES_MAX).into(),
        job.opened_at.micros().into(),
    ]
}

/// The rows of new documents.
pub(crate) fn document_rows(
    tenant: &Value,
    job: &Value,
    documents: &[NewDocument],
) -> Result<Vec<Vec<Value>>, StoreError> {
    let row = |document: &NewDocument| {
        if document.name.len() > NAME_BYTES_MAX {
            let name = bounded(&document.name, 80);
            return Err(StoreError::Invalid(format!("the name {name} is longer than {NAME_BYTES_MAX} bytes")));
        }
        let name = bounded(&document.name, NAME_BYTES_MAX * 3);
        Ok(vec![tenant.clone(), job.clone(), i64::from(document.number).into(), name.into()])
    };
    documents.iter().map(row).collect()
}

/// Audit entries, each written only if the row of its document is.
fn entries_of<'e>(
    ends: impl DoubleEndedIterator<Item = &'e DocumentEnd> + ExactSizeIterator,
    audit: &[AuditEntry],
) -> Vec<Entry> {
    let row_of: HashMap<String, usize> = ends.enumerate().rev().map(|(row, end)| (end.id.to_string(), row)).collect();
    let entry = |entry: &AuditEntry| Entry { entry: Store::entry(entry), only_if: row_of.get(&entry.object).copied() };
    audit.iter().map(entry).collect()
}

/// A door's name as it is stored.
fn door_text(door: &str) -> Value {
    bounded(door, TEXT_BYTES_MAX).into()
}

pub(crate) fn shared(text: &str) -> Value {
    Value::Text(Arc::from(text))
}

fn end_row(tenant: &Value, end: &DocumentEnd) -> Vec<Value> {
    let text = |text: &String| bounded(text, TEXT_BYTES_MAX);
    let reason = end.outcome.reason();
    vec![
        tenant.clone(),
        end.id.job.to_string().into(),
        i64::from(end.id.number).into(),
        end.outcome.word().into(),
        reason.map(|reason| reason.code).into(),
        reason.map(|reason| bounded(&reason.sentence, TEXT_BYTES_MAX)).into(),
        end.format.as_ref().map(text).into(),
        end.signer.as_ref().map(text).into(),
        end.output.as_ref().map(text).into(),
        end.ended_at.micros().into(),
        i64::try_from(end.micros).unwrap_or(i64::MAX).into(),
    ]
}

fn document_row(job: JobId, row: &Row) -> Result<DocumentRow, StoreError> {
    Ok(DocumentRow {
        id: DocumentId { job, number: document_number(row.int(0)?)? },
        name: row.text(1)?.to_owned(),
        state: DocumentState::from_word(row.text(2)?)?,
        code: row.optional_text(3)?,
        sentence: row.optional_text(4)?,
        format: row.optional_text(5)?,
        signer: row.optional_text(6)?,
        output: row.optional_text(7)?,
        outcome_at: row.optional_int(8)?.map(Time::from_micros),
        micros: row.optional_int(9)?.map(|micros| u64::try_from(micros).unwrap_or(0)),
    })
}

fn counts(rows: &[Row]) -> Result<Counts, StoreError> {
    let mut counts = Counts::default();
    for row in rows {
        let number = u64::try_from(row.int(1)?).unwrap_or(0);
        match DocumentState::from_word(row.text(0)?)? {
            DocumentState::Open => counts.open = number,
            DocumentState::Deferred => counts.deferred = number,
            DocumentState::Done => counts.done = number,
            DocumentState::Rejected => counts.rejected = number,
        }
        counts.last_outcome_at = counts.last_outcome_at.max(row.optional_int(2)?.map(Time::from_micros));
    }
    Ok(counts)
}

pub(crate) fn job_id(text: &str) -> Result<JobId, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("\"{}\" is no job", bounded(text, 40))))
}

fn document_number(number: i64) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::Corrupt(format!("{number} is no place in a job")))
}

/// Rows that one question brings into memory.
const PAGE_ROWS: i64 = 1_000;
