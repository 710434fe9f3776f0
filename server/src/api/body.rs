//! The body of a request, piece by piece, within a length and at a pace.

use super::pace::{Account, Pace};
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt;
use std::time::Instant;

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

/// A body being read.
pub struct Body {
    payload: Payload,
    account: Account,
    length_max: u64,
    length: u64,
}

impl Body {
    /// A body that may have so many bytes.
    pub fn new(payload: Payload, length_max: u64, pace: Pace) -> Self {
        Self { payload, account: Account::new(pace), length_max, length: 0 }
    }

    /// It is known now who sends it: it may be so long.
    pub fn allow(&mut self, length_max: u64) {
        self.length_max = length_max;
    }

    /// Bytes read so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        let asked = Instant::now();
        let piece = match tokio::time::timeout(self.account.left(), self.payload.next()).await {
            Err(_) => return Err(BodyFault::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(piece)) => piece.map_err(|error| BodyFault::Broken(error.to_string()))?,
        };
        // Only what was waited for the client counts: while we work, it waits for us.
        self.account.waited(asked.elapsed());
        self.account.moved(piece.len());
        self.length = self.length.saturating_add(piece.len() as u64);
        if self.length > self.length_max {
            return Err(BodyFault::TooLong(self.length_max));
        }
        Ok(Some(piece))
    }
}
