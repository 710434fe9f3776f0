//! Submission → job → document: what a caller sends, its durable record, one file in it.

use crate::clock::Time;
use std::fmt;
use std::str::FromStr;

/// Identifies a job on every server that shares a store: a UUID of version 7, so that jobs sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(uuid::Uuid);

impl JobId {
    /// Makes an id from the time and ten random bytes (RFC 9562 section 5.7).
    pub fn new(now: Time, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id as 128 bits, for storing.
    pub fn as_uuid(self) -> uuid::Uuid {
        self.0
    }

    /// An id read back from a store.
    pub fn from_uuid(uuid: uuid::Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

impl FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        uuid::Uuid::parse_str(text).map(Self)
    }
}

/// One document: its job and its place in it, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId {
    /// The job.
    pub job: JobId,
    /// Its place in the job.
    pub number: u32,
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job, self.number)
    }
}

/// Which waiting line a document stands in at a token. People go before batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    /// A batch or a watched directory.
    Batch,
}
