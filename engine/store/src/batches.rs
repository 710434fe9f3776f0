//! Batches: documents that servers sign after the call that brought them. Which server works on which document is a lease in
//! the database; what became of a document is its row, as for any other, and the first final outcome stays.
//!
//! Clocks of servers that share a database must agree to a few seconds: a lease ends by the clock of whoever looks.

use crate::jobs::{DocumentState, NewDocument, NewJob, document_rows, job_id, job_row_values, shared};
use crate::value::{Row, Value, bounded};
use crate::work::Work;
use crate::{Store, StoreError, TEXT_BYTES_MAX, sql};
use model::{DocumentId, JobId, TenantId, Time};
use sql::batches as texts;
use std::collections::{BTreeMap, BTreeSet};

/// A batch to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatch {
    /// Its job.
    pub job: NewJob,
    /// The user who submits it.
    pub owner: String,
    /// What is asked for beside the profile, for whoever works on it.
    pub terms: String,
}

/// A document of a batch to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatchDocument {
    /// Number and name.
    pub document: NewDocument,
    /// The caller's own name for it.
    pub reference: Option<String>,
    /// Whether it is a detached signature that came with what it is about.
    pub has_original: bool,
}

/// A batch as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// Its job.
    pub job: JobId,
    /// Who submitted it.
    pub owner: String,
    /// What is asked for beside the profile.
    pub terms: String,
    /// Name of its profile.
    pub profile: String,
    /// When it came.
    pub submitted_at: Time,
    /// When it was cancelled.
    pub cancelled_at: Option<Time>,
    /// When nothing was left to do.
    pub ended_at: Option<Time>,
    /// When its results were removed.
    pub swept_at: Option<Time>,
}

/// A batch with documents that nobody works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchToDo {
    /// Its job.
    pub job: JobId,
    /// Who submitted it.
    pub owner: String,
    /// What is asked for beside the profile.
    pub terms: String,
    /// Name of its profile.
    pub profile: String,
    /// Whether it was cancelled.
    pub cancelled: bool,
}

/// A document that is taken under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub id: DocumentId,
    /// Its name.
    pub name: String,
    /// Whether there is an original beside it.
    pub has_original: bool,
    /// How often it was taken and never given back: after a crash, more than once.
    pub attempts: u32,
    /// Its state: it may have been ended by somebody who did not live to say so.
    pub state: DocumentState,
}

/// A lease on documents of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The batch.
    pub job: JobId,
    /// A name that no other lease ever has.
    pub name: String,
}

/// A request that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRequest {
    /// Who asks.
    pub owner: String,
    /// Her key.
    pub key: String,
    /// Tells requests apart that should have had different keys.
    pub fingerprint: String,
    /// The job that is made for it.
    pub job: JobId,
}

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// For which request.
    pub fingerprint: String,
    /// Its job.
    pub job: JobId,
    /// When it was asked first.
    pub asked_at: Time,
    /// Until when whoever works on it is believed to.
    pub held_until: Time,
}

impl Store {
    /// Takes a batch with its documents, in one transaction. Repeating it changes nothing.
    pub async fn submit_batch(
        &self,
        tenant: &TenantId,
        batch: &NewBatch,
        documents: &[NewBatchDocument],
    ) -> Result<(), StoreError> {
        let (tenant_text, id) = (shared(tenant.as_str()), shared(&batch.job.id.to_string()));
        let plain: Vec<NewDocument> = documents.iter().map(|document| document.document.clone()).collect();
        let row = vec![
            tenant_text.clone(),
            id.clone(),
            bounded(&batch.owner, TEXT_BYTES_MAX).into(),
            batch.terms.as_str().into(),
            batch.job.opened_at.micros().into(),
        ];
        let of_batch = documents.iter().map(|document| {
            vec![
                tenant_text.clone(),
                id.clone(),
                i64::from(document.document.number).into(),
                document.reference.as_ref().map(|reference| bounded(reference, TEXT_BYTES_MAX)).into(),
                i64::from(document.has_original).into(),
            ]
        });
        let work = Work::new(tenant)
            .step(sql::INSERT_JOB, vec![job_row_values(&tenant_text, self.node(), &batch.job)])
            .step(sql::INSERT_DOCUMENT, document_rows(&tenant_text, &id, &plain)?)
            .step(texts::INSERT_BATCH, vec![row])
            .step(texts::INSERT_BATCH_DOCUMENT, of_batch.collect());
        self.write(work).await.map(|_| ())
    }

    /// One batch.
    pub async fn batch(&self, tenant: &TenantId, job: JobId) -> Result<Option<BatchRow>, StoreError> {
        let rows = self.read(texts::BATCH, vec![tenant.as_str().into(), job.to_string().into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(BatchRow {
            job,
            owner: row.text(0)?.to_owned(),
            terms: row.text(1)?.to_owned(),
            profile: row.text(2)?.to_owned(),
            submitted_at: Time::from_micros(row.int(3)?),
            cancelled_at: moment(row, 4)?,
            ended_at: moment(row, 5)?,
            swept_at: moment(row, 6)?,
        }))
    }

    /// Batches with documents that nobody works on, oldest first, at most `limit`.
    pub async fn batches_to_do(&self, tenant: &TenantId, now: Time, limit: u32) -> Result<Vec<BatchToDo>, StoreError> {
        let values = vec![tenant.as_str().into(), now.micros().into(), i64::from(limit).into()];
        let rows = self.read(texts::BATCHES_TO_DO, values).await?;
        let batch = |row: &Row| {
            Ok(BatchToDo {
                job: job_id(row.text(0)?)?,
                owner: row.text(1)?.to_owned(),
                terms: row.text(2)?.to_owned(),
                profile: row.text(3)?.to_owned(),
                cancelled: row.int(4)? > 0,
            })
        };
        rows.iter().map(batch).collect()
    }

    /// Takes documents that nobody works on, at most `limit`, until `until`. If it is not known whether that took place, the
    /// same call with the same lease gives them, or they are free again after `until`.
    pub async fn take_documents(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        now: Time,
        until: Time,
        limit: u32,
    ) -> Result<Vec<Taken>, StoreError> {
        let (job, name) = (lease.job.to_string(), lease.name.as_str());
        let row = vec![
            tenant.as_str().into(),
            job.as_str().into(),
            self.node().into(),
            name.into(),
            until.micros().into(),
            now.micros().into(),
            i64::from(limit).into(),
        ];
        if self.write(Work::new(tenant).step(texts::BATCH_CLAIM, vec![row])).await?.first() == 0 {
            return Ok(Vec::new());
        }
        let rows = self.read(texts::BATCH_CLAIMED, vec![tenant.as_str().into(), job.into(), name.into()]).await?;
        let taken = |row: &Row| {
            Ok(Taken {
                id: DocumentId { job: lease.job, number: number(row.int(0)?) },
                attempts: number(row.int(1)?),
                has_original: row.int(2)? > 0,
                name: row.text(3)?.to_owned(),
                state: DocumentState::from_word(row.text(4)?)?,
            })
        };
        rows.iter().map(taken).collect()
    }

    /// Keeps a lease until then. `false`: nothing is left of it.
    pub async fn renew_lease(&self, tenant: &TenantId, lease: &Lease, until: Time) -> Result<bool, StoreError> {
        let (job, name) = (lease.job.to_string(), lease.name.as_str());
        let row = vec![tenant.as_str().into(), job.into(), name.into(), until.micros().into()];
        Ok(self.write(Work::new(tenant).step(texts::BATCH_RENEW, vec![row])).await?.first() > 0)
    }

    /// Gives a document back; nobody takes it before `free_at`.
    pub async fn give_back(
        &self,
        tenant: &TenantId,
        lease: &Lease,
        document: DocumentId,
        free_at: Time,
    ) -> Result<(), StoreError> {
        let row = vec![
            tenant.as_str().into(),
            document.job.to_string().into(),
            i64::from(document.number).into(),
            lease.name.as_str().into(),
            free_at.micros().into(),
        ];
        self.write(Work::new(tenant).step(texts::BATCH_RELEASE, vec![row])).await.map(|_| ())
    }

    /// Gives back what an earlier process of this server's name had taken. Gives how many.
    pub async fn reclaim_documents(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let row = vec![tenant.as_str().into(), self.node().into()];
        Ok(self.write(Work::new(tenant).step(texts::BATCH_RECLAIM, vec![row])).await?.first())
    }

    /// Nothing more is to be done about these documents; their final outcomes are written already. Ends batches of which
    /// nothing is left to do.
    pub async fn batch_documents_ended(
        &self,
        tenant: &TenantId,
        documents: &[DocumentId],
        now: Time,
    ) -> Result<(), StoreError> {
        let tenant_text = shared(tenant.as_str());
        // One order for all callers, so that they cannot wait for each other in a circle.
        let documents: BTreeSet<DocumentId> = documents.iter().copied().collect();
        let jobs: BTreeMap<JobId, Value> =
            documents.iter().map(|document| (document.job, shared(&document.job.to_string()))).collect();
        let of = |job: &JobId| jobs.get(job).cloned().unwrap_or(Value::Null);
        let rows = documents
            .iter()
            .map(|document| vec![tenant_text.clone(), of(&document.job), i64::from(document.number).into()]);
        let ended = Work::new(tenant).step(texts::BATCH_DOCUMENT_END, rows.collect());
        self.write(ended).await?;
        self.end_batches(tenant, jobs.keys().copied(), now).await
    }

    /// Ends those of these batches of which nothing is left to do. By itself, after its documents are: of two servers that end
    /// the last two documents, one sees both.
    pub async fn end_batches(
        &self,
        tenant: &TenantId,
        jobs: impl Iterator<Item = JobId>,
        now: Time,
    ) -> Result<(), StoreError> {
        let tenant_text = shared(tenant.as_str());
        let rows = jobs.map(|job| vec![tenant_text.clone(), job.to_string().into(), now.micros().into()]);
        self.write(Work::new(tenant).step(texts::BATCH_END, rows.collect())).await.map(|_| ())
    }

    /// Batches without an end of which nothing is left to do, because of a crash at the very end.
    pub async fn batches_to_end(&self, tenant: &TenantId, limit: u32) -> Result<Vec<JobId>, StoreError> {
        self.jobs_of(texts::BATCHES_TO_END, vec![tenant.as_str().into(), i64::from(limit).into()]).await
    }

    /// Cancels a batch; `false` if it is unknown, ended or cancelled already. What is left of it still has to be ended.
    pub async fn cancel_batch(&self, tenant: &TenantId, job: JobId, now: Time) -> Result<bool, StoreError> {
        let row = vec![tenant.as_str().into(), job.to_string().into(), now.micros().into()];
        Ok(self.write(Work::new(tenant).step(texts::BATCH_CANCEL, vec![row])).await?.first() > 0)
    }

    /// The callers' own names of documents, by number, at most `limit`, after the one numbered `after`.
    pub async fn batch_references(
        &self,
        tenant: &TenantId,
        job: JobId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<BTreeMap<u32, Option<String>>, StoreError> {
        let after = after.map_or(-1, i64::from);
        let values = vec![tenant.as_str().into(), job.to_string().into(), after.into(), i64::from(limit).into()];
        let rows = self.read(texts::BATCH_REFERENCES, values).await?;
        rows.iter().map(|row| Ok((number(row.int(0)?), row.optional_text(1)?))).collect()
    }

    /// Batches that ended before `before` and whose results are still kept, at most `limit`.
    pub async fn batches_to_sweep(
        &self,
        tenant: &TenantId,
        before: Time,
        limit: u32,
    ) -> Result<Vec<JobId>, StoreError> {
        let values = vec![tenant.as_str().into(), before.micros().into(), i64::from(limit).into()];
        self.jobs_of(texts::BATCHES_TO_SWEEP, values).await
    }

    /// The results of a batch have been removed.
    pub async fn batch_swept(&self, tenant: &TenantId, job: JobId, now: Time) -> Result<(), StoreError> {
        let row = vec![tenant.as_str().into(), job.to_string().into(), now.micros().into()];
        self.write(Work::new(tenant).step(texts::BATCH_SWEPT, vec![row])).await.map(|_| ())
    }

    /// Documents of batches of a tenant that some server works on.
    pub async fn batch_documents_under_way(&self, tenant: &TenantId, now: Time) -> Result<u64, StoreError> {
        let rows = self.read(texts::BATCH_UNDER_WAY, vec![tenant.as_str().into(), now.micros().into()]).await?;
        Ok(rows.first().map(|row| row.int(0)).transpose()?.map_or(0, |count| u64::try_from(count).unwrap_or(0)))
    }

    /// Takes a key for a request that is worked on until `held_until` at least. `None`: it is taken now. Else what it was
    /// used for before.
    pub async fn begin_request(
        &self,
        tenant: &TenantId,
        request: &NewRequest,
        now: Time,
        held_until: Time,
    ) -> Result<Option<RequestRow>, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            request.owner.as_str().into(),
            request.key.as_str().into(),
            request.fingerprint.as_str().into(),
            request.job.to_string().into(),
            now.micros().into(),
            held_until.micros().into(),
        ];
        if self.write(Work::new(tenant).step(texts::REQUEST_BEGIN, vec![row])).await?.first() > 0 {
            return Ok(None);
        }
        let found = self.request(tenant, &request.owner, &request.key).await?;
        let gone = || StoreError::Unavailable("a request was forgotten in this very moment".into());
        // If it is ours, an attempt whose end was unknown had taken place.
        found.map(|row| (row.job != request.job).then_some(row)).ok_or_else(gone)
    }

    /// What a key was used for.
    pub async fn request(&self, tenant: &TenantId, owner: &str, key: &str) -> Result<Option<RequestRow>, StoreError> {
        let rows = self.read(texts::REQUEST, vec![tenant.as_str().into(), owner.into(), key.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(RequestRow {
            fingerprint: row.text(0)?.to_owned(),
            job: job_id(row.text(1)?)?,
            asked_at: Time::from_micros(row.int(2)?),
            held_until: Time::from_micros(row.int(3)?),
        }))
    }

    /// Goes on with the job of a request whose worker is not heard of any more; `false` if somebody else was faster.
    pub async fn take_over_request(
        &self,
        tenant: &TenantId,
        request: &NewRequest,
        now: Time,
        held_until: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            request.owner.as_str().into(),
            request.key.as_str().into(),
            request.job.to_string().into(),
            held_until.micros().into(),
            now.micros().into(),
        ];
        Ok(self.write(Work::new(tenant).step(texts::REQUEST_TAKE_OVER, vec![row])).await?.first() > 0)
    }

    /// Keeps a request until then; `false` if it is somebody else's by now.
    pub async fn hold_request(
        &self,
        tenant: &TenantId,
        request: &NewRequest,
        held_until: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            request.owner.as_str().into(),
            request.key.as_str().into(),
            request.job.to_string().into(),
            held_until.micros().into(),
        ];
        Ok(self.write(Work::new(tenant).step(texts::REQUEST_HOLD, vec![row])).await?.first() > 0)
    }

    /// Forgets requests that were asked before then.
    pub async fn forget_requests(&self, tenant: &TenantId, before: Time) -> Result<u64, StoreError> {
        let row = vec![tenant.as_str().into(), before.micros().into()];
        Ok(self.write(Work::new(tenant).step(texts::REQUESTS_FORGET, vec![row])).await?.first())
    }

    async fn jobs_of(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<JobId>, StoreError> {
        self.read(statement, values).await?.iter().map(|row| job_id(row.text(0)?)).collect()
    }
}

fn moment(row: &Row, column: usize) -> Result<Option<Time>, StoreError> {
    let micros = row.int(column)?;
    Ok((micros > 0).then(|| Time::from_micros(micros)))
}

fn number(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
