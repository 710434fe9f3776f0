//! Requests that may be repeated: the same key of the same user gives the same answer, on whichever server she asks again. What
//! was signed for it is kept with its results like a batch; what was only deferred is tried again.

use super::kept::Folder;
use super::settings::Wishes;
use super::{Api, ApiDocument, Body, Ended, Order, Refused, Task};
use crate::pipeline::blocking;
use crate::spool::Content;
use formats::crypto::Hasher;
use model::{Caller, DigestAlgorithm, JobId};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::time::Duration;
use store::{NewBatch, NewJob, NewRequest};

/// A request that nobody else works on now.
#[derive(Clone, Debug)]
pub(super) struct Once {
    pub(super) request: NewRequest,
    /// It was begun before.
    pub(super) again: bool,
}

impl Api {
    /// Takes the key. Somebody who works on the same request at this moment keeps it.
    pub(super) async fn begin_once(
        &self,
        caller: &Caller,
        order: &Order,
        key: &str,
        job: JobId,
    ) -> Result<Once, Refused> {
        if !(1..=KEY_BYTES_MAX).contains(&key.len()) || key.chars().any(char::is_control) {
            return Err(Refused::BadKey);
        }
        let (store, now) = (&self.0.services.store, self.0.services.clock.now());
        let fingerprint = fingerprint(order).await?;
        let request = NewRequest { owner: caller.who(), key: key.to_owned(), fingerprint, job };
        let until = now.plus(HELD_FOR);
        let Some(known) = store.begin_request(&caller.tenant, &request, now, until).await? else {
            return Ok(Once { request, again: false });
        };
        if known.fingerprint != request.fingerprint {
            return Err(Refused::KeyReused);
        }
        let request = NewRequest { job: known.job, ..request };
        match store.take_over_request(&caller.tenant, &request, now, until).await? {
            true => Ok(Once { request, again: true }),
            false => Err(Refused::InProgress),
        }
    }

    /// Whoever asks again need not wait until nobody is believed to work on it.
    pub(super) async fn leave_once(&self, task: &Task, once: &Once) {
        let now = self.0.services.clock.now();
        if let Err(error) = self.0.services.store.hold_request(&task.tenant, &once.request, now).await {
            tracing::warn!(%error, "a repeated request has to wait although nobody works on it");
        }
    }

    /// What is there of a request that was begun before, by number.
    pub(super) async fn ended_before(&self, task: &Task) -> Result<BTreeMap<u32, Ended>, Refused> {
        let folder = Folder::of(&self.0.spool, &task.tenant, task.job);
        let mut ended = BTreeMap::new();
        let mut after = None;
        loop {
            let rows = self.0.services.store.list_documents(&task.tenant, task.job, after, PAGE_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(ended) };
            after = Some(last.id.number);
            ended.extend(rows.iter().filter_map(|row| Some((row.id.number, folder.ended(row)?))));
        }
    }

    /// Puts the results of a keyed request among those that are kept for a time.
    pub(super) async fn keep_for_a_time(&self, task: &Task, wishes: &Wishes, job: NewJob) -> Result<(), Refused> {
        let batch = NewBatch { job, owner: task.door.clone(), terms: wishes.text() };
        Ok(self.0.services.store.submit_batch(&task.tenant, &batch, &[]).await?)
    }
}

/// Tells whether a repeated request is the same.
async fn fingerprint(order: &Order) -> Result<String, Refused> {
    let order = order.clone();
    let digest = blocking(move || -> io::Result<String> {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        let wishes = Wishes { function: order.function, signers: order.signers, settings: order.settings };
        part(order.profile.as_bytes());
        part(wishes.text().as_bytes());
        for ApiDocument { name, reference, body } in &order.documents {
            part(name.as_bytes());
            part(reference.as_deref().unwrap_or_default().as_bytes());
            match body {
                Body::Whole(content) => part(&digest_of(content)?),
                Body::Detached { signature, original } => {
                    part(&digest_of(signature)?);
                    part(&digest_of(original)?);
                }
                Body::Together(files) => {
                    for (name, content) in files {
                        part(name.as_bytes());
                        part(&digest_of(content)?);
                    }
                }
                Body::Digest(digest) => part(digest.as_bytes()),
            }
        }
        let mut text = String::new();
        for byte in hasher.finish().as_bytes() {
            let _ = write!(text, "{byte:02x}"); // writing into a String does not fail
        }
        Ok(text)
    });
    let digest = digest.await.map_err(|_| Refused::Internal)?;
    digest.map_err(|error| Refused::Spool(error.to_string()))
}

fn digest_of(content: &Content) -> io::Result<Vec<u8>> {
    struct Into(Hasher);
    impl io::Write for Into {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hasher = Into(Hasher::new(DigestAlgorithm::Sha256));
    content.copy_to(&mut hasher)?;
    Ok(hasher.0.finish().as_bytes().to_vec())
}

/// A call takes less: a place, and a token's answer.
const HELD_FOR: Duration = Duration::from_secs(300);
const KEY_BYTES_MAX: usize = 512;
const PAGE_ROWS: u32 = 1_000;
