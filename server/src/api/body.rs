//! The body of a request, piece by piece, within a length and at a pace.

use super::exchange::Reserved;
use super::pace::{Account, Pace};
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt;
use std::time::{Duration, Instant};

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyFault {
    /// Longer than allowed.
    #[error("the body of the request is longer than {0} bytes")]
    TooLong(u64),
    /// It comes too slowly.
    #[error("the body of the request comes too slowly")]
    TooSlow,
    /// The connection or its framing broke.
    #[error("the body of the request is broken: {0}")]
    Broken(String),
}

/// The longest body that is read to nobody's use, and for how long: less than a new connection with TLS would cost.
const PASSED_BYTES_MAX: u64 = 1024 * 1024;
const PASSED_TIME: Duration = Duration::from_millis(20);

/// A body being read.
pub struct Body {
    payload: Payload,
    account: Account,
    length_max: u64,
    length: u64,
    /// Since when the client is waited for.
    asked: Option<Instant>,
}

impl Body {
    /// A body that may have so many bytes.
    pub fn new(payload: Payload, length_max: u64, pace: Pace) -> Self {
        Self { payload, account: Account::new(pace), length_max, length: 0, asked: None }
    }

    /// It is known now who sends it: it may be so long.
    pub fn allow(&mut self, length_max: u64) {
        self.length_max = length_max;
    }

    /// Bytes read so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whoever is refused has sent her body or is about to: lets a short one go by, so that her connection can be used
    /// again. Ends soon, whatever she does; the HTTP library then closes the connection of a body that was not read.
    pub async fn pass(&mut self, announced: Option<u64>) {
        let left = announced.map_or(u64::MAX, |length| length.saturating_sub(self.length));
        if left > PASSED_BYTES_MAX {
            return;
        }
        let all = async { while matches!(self.payload.next().await, Some(Ok(_))) {} };
        let _ = tokio::time::timeout(PASSED_TIME, all).await;
    }

    /// As [`Body::next`]. A place that is kept for this body meanwhile is given up when it comes too slowly for that.
    pub(super) async fn next_within(&mut self, reserved: &mut Reserved) -> Result<Option<Bytes>, BodyFault> {
        if let Some(until) = reserved.until() {
            if let Ok(next) = tokio::time::timeout_at(until.into(), self.next()).await {
                return next;
            }
            reserved.give_up();
        }
        self.next().await
    }

    /// The next piece; `None` at the end. What was waited for a piece is not forgotten if this is given up half-way.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let piece = match tokio::time::timeout(self.account.left(), self.payload.next()).await {
            Err(_) => return Err(BodyFault::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(piece)) => piece.map_err(|error| BodyFault::Broken(error.to_string()))?,
        };
        // Only what was waited for the client counts: while we work, it waits for us.
        self.account.waited(asked.elapsed());
        self.asked = None;
        self.account.moved(piece.len());
        self.length = self.length.saturating_add(piece.len() as u64);
        if self.length > self.length_max {
            return Err(BodyFault::TooLong(self.length_max));
        }
        Ok(Some(piece))
    }
}
