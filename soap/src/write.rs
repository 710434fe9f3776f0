//! Writes answers and faults: as SOAP 1.1 or 1.2, inline or with attachments, or as JSON, in the shape of the request.
//!
//! An answer is a list of pieces, given out one chunk at a time: a document is read from its file while it is sent.

mod json;
mod soap;

pub use json::{fault_json, problem};
pub use soap::fault;

use crate::content::{Content, Pieces};
use crate::fault::Fault;
use crate::message::{Message, Record};
use crate::read::{Contents, Form, Shape};
use base64_simd::STANDARD;
use std::collections::VecDeque;
use std::fmt;
use std::io;

/// What an operation answers: its structure, and the bytes that the structure refers to.
pub struct Reply {
    body: Box<dyn Encode>,
    contents: Contents,
}

impl Reply {
    /// An answer.
    pub fn new<T: Message>(body: T, contents: Contents) -> Self {
        Self { body: Box::new(body), contents }
    }

    /// An answer without bytes.
    pub fn plain<T: Message>(body: T) -> Self {
        Self::new(body, Contents::default())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({} with {} contents)", self.body.record().name, self.contents.len())
    }
}

/// A message of any operation.
trait Encode: Send {
    fn record(&self) -> Record;
    fn xml(&self) -> Result<String, yaserde::Error>;
    fn json(&self) -> Result<serde_json::Value, serde_json::Error>;
}

impl<T: Message> Encode for T {
    fn record(&self) -> Record {
        T::RECORD
    }

    fn xml(&self) -> Result<String, yaserde::Error> {
        let config = yaserde::ser::Config { write_document_declaration: false, ..Default::default() };
        yaserde::ser::to_string_with_config(self, &config)
    }

    fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// A part of an answer.
#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    /// The content as base64.
    Base64(Content),
    /// The content as it is.
    Raw(Content),
}

/// An answer that is ready to be sent.
#[derive(Debug)]
pub struct Answer {
    /// Status of the HTTP answer.
    pub http_status: u16,
    /// `Content-Type`.
    pub content_type: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    pieces: VecDeque<Piece>,
    /// The content that is being read.
    current: Option<(Pieces, bool)>,
}

/// The answer to a call.
pub fn answer(form: &Form, reply: &Reply) -> Result<Answer, Fault> {
    let encoded = match form.shape {
        Shape::Json => json::answer(reply),
        _ => soap::answer(form, reply),
    };
    encoded.map_err(|error| {
        tracing::error!(operation = form.operation.name, %error, "an answer cannot be written");
        Fault::server("answer", "the answer cannot be written")
    })
}

/// Why an answer cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error("{0}")]
    Xml(#[from] yaserde::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("it refers to bytes that are not there")]
    NoContent,
}

impl Answer {
    fn new(http_status: u16, content_type: impl Into<String>, pieces: Vec<Piece>) -> Self {
        let content_type = content_type.into();
        Self { http_status, content_type, headers: Vec::new(), pieces: pieces.into(), current: None }
    }

    /// Length of what is still to be sent, in bytes.
    pub fn length(&self) -> u64 {
        let piece = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::Base64(content) => content.len().div_ceil(3) * 4,
            Piece::Raw(content) => content.len(),
        };
        self.pieces.iter().map(piece).sum()
    }

    /// The next bytes to be sent, at most 64 KiB of a document at a time. Reads a file, so it may block for as long as that
    /// takes.
    pub fn next_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some((pieces, is_base64)) = &mut self.current {
                let mut bytes = vec![0; pieces.left().min(CHUNK_BYTES)];
                let count = pieces.fill(&mut bytes)?;
                bytes.truncate(count);
                if count > 0 {
                    return Ok(Some(if *is_base64 { STANDARD.encode_to_string(&bytes).into_bytes() } else { bytes }));
                }
                self.current = None;
            }
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Piece::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Piece::Base64(content)) => self.current = Some((content.pieces(), true)),
                Some(Piece::Raw(content)) => self.current = Some((content.pieces(), false)),
            }
        }
    }

    /// All of it at once, for tests and small answers.
    pub fn into_bytes(mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(chunk) = self.next_chunk()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }
}

/// A multiple of three, so that base64 of one chunk follows that of the one before.
const CHUNK_BYTES: usize = 48 * 1024;
