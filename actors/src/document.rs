//! A document on its way: where it lies, its bytes at offsets, and whether it changed while it was being signed.
//!
//! Small files are read once and stay in memory until their result is written; large ones stay on disk.

use formats::{Source, SourceError};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a document lies before it is read.
#[derive(Clone, Debug)]
pub enum Origin {
    /// In this file.
    File(PathBuf),
    /// In memory already.
    Bytes(Arc<[u8]>),
}

/// An opened document. Its bytes do not change while it is in use, or [`Document::unchanged`] says so.
#[derive(Debug)]
pub struct Document {
    content: Content,
    length: u64,
    mode: u32,
}

#[derive(Debug)]
enum Content {
    Memory { bytes: Buffer, file: File, stamp: Stamp },
    File { file: File, stamp: Stamp },
    Bytes(Arc<[u8]>),
}

/// What tells that a file has not been written to: length, modification and change of status, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

impl Document {
    /// Opens the document; reads it if it is small.
    pub fn open(origin: &Origin) -> io::Result<Self> {
        match origin {
            Origin::Bytes(bytes) => {
                Ok(Self { length: bytes.len() as u64, content: Content::Bytes(bytes.clone()), mode: PRIVATE_MODE })
            }
            Origin::File(path) => Self::open_file(path),
        }
    }

    fn open_file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let stamp = Stamp::of(&metadata);
        let (length, mode) = (stamp.length, metadata.mode() & 0o666);
        if length > IN_MEMORY_BYTES_MAX {
            return Ok(Self { content: Content::File { file, stamp }, length, mode });
        }
        let mut bytes = Buffer::take(usize::try_from(length).unwrap_or(0));
        file.read_exact_at(bytes.as_mut_slice(), 0)?;
        Ok(Self { content: Content::Memory { bytes, file, stamp }, length, mode })
    }

    /// Who may read and write the document, as permission bits: a result must not be open to more people than its source.
    pub fn mode(&self) -> u32 {
        self.mode
    }

    /// Whether the file is still what it was when it was opened. Somebody who writes into a file that is being signed
    /// must not get a signature over a mixture.
    pub fn unchanged(&self) -> io::Result<bool> {
        match &self.content {
            Content::Bytes(_) => Ok(true),
            Content::Memory { file, stamp, .. } | Content::File { file, stamp } => {
                Ok(Stamp::of(&file.metadata()?) == *stamp)
            }
        }
    }

    /// The file, if the bytes must be copied from there.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.content {
            Content::File { file, .. } => Some(file),
            Content::Memory { .. } | Content::Bytes(_) => None,
        }
    }
}

impl Source for Document {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        match (&self.content, self.as_slice()) {
            (Content::File { file, .. }, _) => Ok(file.read_exact_at(buffer, offset)?),
            (_, Some(bytes)) => bytes.read_exact_at(offset, buffer),
            (_, None) => Err(SourceError(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn as_slice(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory { bytes, .. } => Some(bytes.as_slice()),
            Content::Bytes(bytes) => Some(bytes),
            Content::File { .. } => None,
        }
    }
}

/// Memory for one document. It goes from document to document: getting it from the system anew for each would cost
/// more than the layout of a PDF.
#[derive(Debug)]
struct Buffer {
    /// As long as the longest document.
    memory: Vec<u8>,
    length: usize,
}

static FREE_BUFFERS: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

impl Buffer {
    /// Room for `length` bytes, at most [`IN_MEMORY_BYTES_MAX`]. What is in it is left over from an earlier document.
    fn take(length: usize) -> Self {
        let free = FREE_BUFFERS.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { memory: free.unwrap_or_else(|| vec![0; IN_MEMORY_BYTES_MAX as usize]), length }
    }

    fn as_slice(&self) -> &[u8] {
        &self.memory[..self.length]
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.memory[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = FREE_BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < FREE_BUFFERS_MAX {
            free.push(std::mem::take(&mut self.memory));
        }
    }
}

/// Up to this length a document is read into memory once instead of twice from its file, in bytes. With
/// `DOCUMENTS_IN_FLIGHT_MAX` documents it bounds what documents occupy.
const IN_MEMORY_BYTES_MAX: u64 = 256 * 1024;
const FREE_BUFFERS_MAX: usize = 64;
/// Of documents that came without permissions of their own.
const PRIVATE_MODE: u32 = 0o640;
