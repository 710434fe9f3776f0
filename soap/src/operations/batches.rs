//! Operations about batches.

use super::Operations;
use super::documents::{Asked, batch_documents, batch_result, plain};
use super::mapping::{refused, settings, signers};
use crate::fault::Fault;
use crate::read::{Call, Contents};
use crate::types::*;
use crate::write::Reply;
use actors::api::Order;
use actors::api::batch::BatchStatus;
use model::limits::API_BATCH_PAGE_MAX;
use model::profile::Format;
use model::{Caller, Function, Lane, Profile};
use std::sync::Arc;

impl Operations {
    pub(super) async fn submit_batch(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: SubmitBatchRequest = call.request()?;
        let (documents, _) = batch_documents(&mut call.contents, request.documents)?;
        let order = Order {
            signers: signers(&request.signers),
            settings: settings(request.settings),
            key: request.idempotency_key,
            lane: Lane::Batch,
            documents,
            ..plain(Function::Sign, request.profile)
        };
        let status = self.api.submit(caller, order).await.map_err(refused)?;
        Ok(Reply::plain(SubmitBatchResponse {
            batch_id: status.job.to_string(),
            documents: number(status.counts.total()),
            state: status.state.word().to_owned(),
        }))
    }

    pub(super) async fn batch_state(&self, caller: &Caller, call: Call) -> Result<Reply, Fault> {
        let request: GetBatchStateRequest = call.request()?;
        let status = self.own_batch(caller, &request.batch_id).await?;
        Ok(Reply::plain(GetBatchStateResponse {
            batch_id: status.job.to_string(),
            state: status.state.word().to_owned(),
            total: number(status.counts.total()),
            signed: number(status.counts.done),
            failed: number(status.counts.rejected),
            waiting: number(status.counts.unfinished()),
            submitted: status.submitted_at.into(),
            ended: status.ended_at.map(Into::into),
            profile: status.profile,
        }))
    }

    pub(super) async fn batch_result(&self, caller: &Caller, call: Call) -> Result<Reply, Fault> {
        let request: GetBatchResultRequest = call.request()?;
        self.own_batch(caller, &request.batch_id).await?;
        let first = u32::try_from(request.first_index.unwrap_or(0)).unwrap_or(u32::MAX);
        let count = u32::try_from(request.count.unwrap_or(PAGE_USUAL).min(API_BATCH_PAGE_MAX)).unwrap_or(1);
        let (status, items) = self.api.batch_items(caller, &request.batch_id, first, count).await.map_err(refused)?;
        let profile = self.profile_of_then(caller, &status);
        let mut contents = Contents::default();
        let mut results = Vec::with_capacity(items.len());
        let (mut bytes, mut next) = (0_u64, None);
        let with = request.with_signatures.unwrap_or(true);
        for item in items {
            let length = match item.ended.as_ref().map(|ended| &ended.result) {
                Some(Ok(made)) if with => made.content.len(),
                _ => 0,
            };
            if !results.is_empty() && bytes.saturating_add(length) > PAGE_BYTES_MAX {
                break;
            }
            bytes = bytes.saturating_add(length);
            let asked = Asked { reference: item.reference, mime_type: None };
            let contents = &mut with.then_some(&mut contents);
            let index = i64::from(item.number);
            results.push(batch_result(index, item.ended, asked, &profile, item.ended_at, contents));
            next = Some(index + 1);
        }
        let total = number(status.counts.total());
        let reply = GetBatchResultResponse {
            batch_id: status.job.to_string(),
            state: status.state.word().to_owned(),
            total,
            next_index: next.filter(|next| *next < total),
            results,
        };
        Ok(Reply::new(reply, contents))
    }

    pub(super) async fn cancel_batch(&self, caller: &Caller, call: Call) -> Result<Reply, Fault> {
        let request: CancelBatchRequest = call.request()?;
        self.own_batch(caller, &request.batch_id).await?;
        let status = self.api.cancel(caller, &request.batch_id).await.map_err(refused)?;
        Ok(Reply::plain(CancelBatchResponse {
            batch_id: status.job.to_string(),
            state: status.state.word().to_owned(),
        }))
    }

    /// A batch of the caller, who may still sign with its profile.
    async fn own_batch(&self, caller: &Caller, id: &str) -> Result<BatchStatus, Fault> {
        let status = self.api.batch(caller, id).await.map_err(refused)?;
        caller.may(Function::Sign, Some(&status.profile)).map_err(|denied| Fault::denied(&denied))?;
        Ok(status)
    }

    /// The profile of a batch; if it is gone by now, one of the same name about which nothing is known.
    fn profile_of_then(&self, caller: &Caller, status: &BatchStatus) -> Arc<Profile> {
        let known = self.api.catalogue().profile(&caller.tenant, &status.profile);
        known.unwrap_or_else(|_| Arc::new(Profile::plain(&status.profile, "", Format::Cms { detached: true })))
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

const PAGE_USUAL: i64 = 100;
/// Bytes of results in one page, but for a single result that is larger.
const PAGE_BYTES_MAX: u64 = 256 * 1024 * 1024;
