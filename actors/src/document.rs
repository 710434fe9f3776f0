//! A document on its way: where it lies, its bytes at offsets, and whether it changed while it was being signed.
//!
//! Small files are read once and stay in memory until their result is written; large ones stay on disk.

use bytes::Bytes;
use formats::source::Member;
use formats::{Source, SourceError};
use model::Digest;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a document lies before it is read.
#[derive(Clone, Debug)]
pub enum Origin {
    /// In this file.
    File(PathBuf),
    /// In this file, which came under this name.
    Claimed(PathBuf, OsString),
    /// In memory already.
    Bytes(Bytes),
    /// In these files, to be signed together.
    Together(Vec<PathBuf>),
    /// A detached signature in the first file, over the document in the second.
    Detached(PathBuf, PathBuf),
    /// What a caller sent.
    Sent(Arc<Sent>),
    /// Elsewhere: only its digest is known.
    Digest(Digest),
}

/// What a caller sent as one document.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The document; several, if they are to be signed together. Never empty.
    pub pieces: Vec<Piece>,
    /// The document that the first piece, a detached signature, is about.
    pub original: Option<Piece>,
}

/// A part of what a caller sent, under the name that it came with.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The name, without folders.
    pub name: String,
    /// Where its bytes are.
    pub place: Place,
}

/// Where bytes are.
#[derive(Clone, Debug)]
pub enum Place {
    /// In memory.
    Bytes(Bytes),
    /// In this file.
    File(PathBuf),
}

impl Origin {
    /// Whether nothing has to be read for it, and hashing it takes no time worth mentioning.
    pub fn is_small_in_memory(&self) -> bool {
        let bytes = |place: &Place| match place {
            Place::Bytes(bytes) => Some(bytes.len() as u64),
            Place::File(_) => None,
        };
        let length = match self {
            Origin::Digest(_) => Some(0),
            Origin::Bytes(bytes) => Some(bytes.len() as u64),
            Origin::Sent(sent) => sent.pieces.iter().chain(&sent.original).map(|piece| bytes(&piece.place)).sum(),
            Origin::File(_) | Origin::Claimed(..) | Origin::Together(_) | Origin::Detached(..) => None,
        };
        length.is_some_and(|length| length <= IN_MEMORY_BYTES_MAX)
    }

    /// What it is called, be it the path of a file or a name only.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Origin::File(path) | Origin::Claimed(path, _) | Origin::Detached(path, _) => Some(path),
            Origin::Together(paths) => paths.first().map(PathBuf::as_path),
            Origin::Sent(sent) => sent.pieces.first().map(|piece| Path::new(&piece.name)),
            Origin::Bytes(_) | Origin::Digest(_) => None,
        }
    }
}

/// An opened document. Its bytes do not change while it is in use, or [`Document::unchanged`] says so.
#[derive(Debug)]
pub struct Document {
    content: Content,
    name: Option<String>,
    length: u64,
    mode: u32,
    /// Of a detached signature.
    original: Option<Box<Document>>,
}

#[derive(Debug)]
enum Content {
    Memory { bytes: Buffer, file: File, stamp: Stamp },
    File { file: File, stamp: Stamp },
    Bytes(Bytes),
    Together(Vec<Document>),
    Digest(Digest),
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
            Origin::Bytes(bytes) => Ok(Self::of(Content::Bytes(bytes.clone()), None, bytes.len() as u64, PRIVATE_MODE)),
            Origin::File(path) => Self::open_file(path),
            Origin::Claimed(path, name) => {
                Ok(Self { name: Some(name.to_string_lossy().into_owned()), ..Self::open_file(path)? })
            }
            Origin::Together(paths) => Self::open_together(paths),
            Origin::Detached(path, original) => {
                Ok(Self { original: Some(Box::new(Self::open_file(original)?)), ..Self::open_file(path)? })
            }
            Origin::Sent(sent) => Self::open_sent(sent),
            Origin::Digest(digest) => Ok(Self::of(Content::Digest(*digest), None, 0, PRIVATE_MODE)),
        }
    }

    fn open_sent(sent: &Sent) -> io::Result<Self> {
        let document = match sent.pieces.as_slice() {
            [piece] => Self::open_piece(piece)?,
            pieces => Self::together(pieces.iter().map(Self::open_piece).collect::<io::Result<Vec<_>>>()?),
        };
        let original = sent.original.as_ref().map(Self::open_piece).transpose()?;
        Ok(Self { original: original.map(Box::new), ..document })
    }

    /// Opens what was sent as one piece.
    pub fn open_piece(piece: &Piece) -> io::Result<Self> {
        let document = match &piece.place {
            Place::Bytes(bytes) => Self::of(Content::Bytes(bytes.clone()), None, bytes.len() as u64, PRIVATE_MODE),
            Place::File(path) => Self::open_file(path)?,
        };
        Ok(Self { name: Some(piece.name.clone()), ..document })
    }

    fn of(content: Content, name: Option<String>, length: u64, mode: u32) -> Self {
        Self { content, name, length, mode, original: None }
    }

    fn open_together(paths: &[PathBuf]) -> io::Result<Self> {
        Ok(Self::together(paths.iter().map(|path| Self::open_file(path)).collect::<io::Result<Vec<_>>>()?))
    }

    fn together(documents: Vec<Self>) -> Self {
        let length = documents.iter().map(|document| document.length).sum();
        let mode = documents.iter().fold(0o666, |mode, document| mode & document.mode);
        Self::of(Content::Together(documents), None, length, mode)
    }

    fn open_file(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let stamp = Stamp::of(&metadata);
        let (length, mode) = (stamp.length, metadata.mode() & 0o666);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if length > IN_MEMORY_BYTES_MAX {
            return Ok(Self::of(Content::File { file, stamp }, name, length, mode));
        }
        let mut bytes = Buffer::take(usize::try_from(length).unwrap_or(0));
        file.read_exact_at(bytes.as_mut_slice(), 0)?;
        Ok(Self::of(Content::Memory { bytes, file, stamp }, name, length, mode))
    }

    /// The document that a detached signature is about.
    pub fn original(&self) -> Option<&Document> {
        self.original.as_deref()
    }

    /// Who may read and write the document, as permission bits: a result must not be open to more people than its source.
    pub fn mode(&self) -> u32 {
        self.mode
    }

    /// Whether the file is still what it was when it was opened. Somebody who writes into a file that is being signed
    /// must not get a signature over a mixture.
    pub fn unchanged(&self) -> io::Result<bool> {
        if self.original.as_ref().is_some_and(|original| !original.unchanged().unwrap_or(false)) {
            return Ok(false);
        }
        match &self.content {
            Content::Bytes(_) | Content::Digest(_) => Ok(true),
            Content::Together(documents) => {
                documents.iter().try_fold(true, |so_far, document| Ok(so_far && document.unchanged()?))
            }
            Content::Memory { file, stamp, .. } | Content::File { file, stamp } => {
                Ok(Stamp::of(&file.metadata()?) == *stamp)
            }
        }
    }

    /// The file, if the bytes must be copied from there.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.content {
            Content::File { file, .. } => Some(file),
            Content::Memory { .. } | Content::Bytes(_) | Content::Together(_) | Content::Digest(_) => None,
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
            (Content::Together(documents), _) => read_together(documents, offset, buffer),
            (_, Some(bytes)) => bytes.read_exact_at(offset, buffer),
            (_, None) => Err(SourceError(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn as_slice(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory { bytes, .. } => Some(bytes.as_slice()),
            Content::Bytes(bytes) => Some(bytes),
            Content::File { .. } | Content::Together(_) | Content::Digest(_) => None,
        }
    }

    fn only_digest(&self) -> Option<Digest> {
        match &self.content {
            Content::Digest(digest) => Some(*digest),
            _ => None,
        }
    }

    fn members(&self) -> Vec<Member> {
        let Content::Together(documents) = &self.content else {
            return vec![Member { name: self.name.clone(), range: 0..self.length }];
        };
        let mut start = 0;
        let member = |document: &Document| {
            let range = start..start + document.length;
            start = range.end;
            Member { name: document.name.clone(), range }
        };
        documents.iter().map(member).collect()
    }
}

/// Reads across the documents, which lie one behind the other.
fn read_together(documents: &[Document], mut offset: u64, mut buffer: &mut [u8]) -> Result<(), SourceError> {
    for document in documents {
        if offset >= document.length {
            offset -= document.length;
            continue;
        }
        let count = usize::try_from(document.length - offset).unwrap_or(usize::MAX).min(buffer.len());
        let (now, later) = buffer.split_at_mut(count);
        document.read_exact_at(offset, now)?;
        (buffer, offset) = (later, 0);
    }
    if buffer.is_empty() { Ok(()) } else { Err(SourceError(io::ErrorKind::UnexpectedEof.into())) }
}

/// Memory for one document. It goes from document to document: getting it from the system anew for each would cost
/// more than the layout of a PDF.
#[derive(Debug)]
struct Buffer {
    /// As long as the longest document.
    memory: Vec<u8>,
    length: usize,
}

/// Where free memory waits. Each thread takes what it has given back itself, as long as there is some: what another
/// processor has in its cache would have to be fetched from there to be overwritten.
static FREE_BUFFERS: [Mutex<Vec<Vec<u8>>>; FREE_BUFFERS_PLACES] =
    [const { Mutex::new(Vec::new()) }; FREE_BUFFERS_PLACES];
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static OWN_PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % FREE_BUFFERS_PLACES;
}

/// The place of this thread, then the others.
fn free_buffers() -> impl Iterator<Item = MutexGuard<'static, Vec<Vec<u8>>>> {
    let (before, own) = FREE_BUFFERS.split_at(OWN_PLACE.with(|place| *place));
    own.iter().chain(before).map(|place| place.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Buffer {
    /// Room for `length` bytes, at most [`IN_MEMORY_BYTES_MAX`]. What is in it is left over from an earlier document.
    fn take(length: usize) -> Self {
        let free = free_buffers().find_map(|mut place| place.pop());
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
        if let Some(mut free) = free_buffers().next()
            && free.len() < FREE_BUFFERS_MAX / FREE_BUFFERS_PLACES
        {
            free.push(std::mem::take(&mut self.memory));
        }
    }
}

/// Up to this length a document is read into memory once instead of twice from its file, in bytes. With
/// `DOCUMENTS_IN_FLIGHT_MAX` documents it bounds what documents occupy.
const IN_MEMORY_BYTES_MAX: u64 = 256 * 1024;
const FREE_BUFFERS_MAX: usize = 64;
const FREE_BUFFERS_PLACES: usize = 8;
/// Of documents that came without permissions of their own.
const PRIVATE_MODE: u32 = 0o640;
