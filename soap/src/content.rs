//! The bytes of documents, signatures and certificates in messages: in memory while they are small and few, otherwise in a
//! file of the spool that vanishes with them.
//!
//! Knows neither XML nor what the bytes are.

use actors::document::Origin;
use bytes::Bytes;
use model::limits::{API_CONTENT_MEMORY_BYTES_MAX, API_MESSAGE_MEMORY_BYTES_MAX};
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::{NamedTempFile, TempPath};

/// Where contents go that are too large for memory, and how much may be there.
#[derive(Clone, Debug)]
pub struct Spool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    message_bytes_max: u64,
    disk_bytes_max: u64,
    memory_bytes_max: u64,
    disk_bytes: AtomicU64,
    memory_bytes: AtomicU64,
}

/// Why a content was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SpoolFault {
    /// The message is larger than any may be.
    #[error("the contents of one message may have {0} bytes in all")]
    MessageTooLarge(u64),
    /// Other messages have filled the spool; later there may be room.
    #[error("the spool is full")]
    Full,
    /// The medium failed.
    #[error("the spool cannot be written: {0}")]
    Medium(#[from] io::Error),
}

impl Spool {
    /// Opens the folder and removes what an earlier run left in it: one server, one folder. `message_bytes_max` bounds the
    /// contents of one message, `disk_bytes_max` and `memory_bytes_max` those of all messages together.
    pub fn open(folder: &Path, message_bytes_max: u64, disk_bytes_max: u64, memory_bytes_max: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.file_type()?.is_file() {
                std::fs::remove_file(entry.path())?;
            }
        }
        let shared = Shared {
            folder: folder.to_path_buf(),
            message_bytes_max,
            disk_bytes_max,
            memory_bytes_max,
            disk_bytes: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Starts the contents of one message.
    pub fn message(&self) -> MessageSpool {
        MessageSpool { spool: self.clone(), bytes: Arc::default(), memory_bytes: Arc::default() }
    }

    /// Bytes that one message may have on the wire: its contents as base64 with blanks in between, and its XML.
    pub(crate) fn wire_bytes_max(&self) -> u64 {
        self.shared.message_bytes_max.saturating_mul(2).saturating_add(WIRE_XML_BYTES_MAX)
    }

    /// Bytes that lie in files now.
    pub fn disk_bytes(&self) -> u64 {
        self.shared.disk_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that lie in memory now.
    pub fn memory_bytes(&self) -> u64 {
        self.shared.memory_bytes.load(Ordering::Relaxed)
    }
}

const PREFIX: &str = "content-";
const WIRE_XML_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The contents of one message, counted together.
#[derive(Clone, Debug)]
pub struct MessageSpool {
    spool: Spool,
    bytes: Arc<AtomicU64>,
    memory_bytes: Arc<AtomicU64>,
}

impl MessageSpool {
    /// Starts a content.
    pub fn writer(&self) -> ContentWriter {
        ContentWriter { message: self.clone(), buffer: Vec::new(), memory: None, file: None, length: 0 }
    }

    /// A content of bytes that are there already.
    pub fn content(&self, bytes: &[u8]) -> Result<Content, SpoolFault> {
        let mut writer = self.writer();
        writer.push(bytes)?;
        writer.finish()
    }
}

/// What a file or a piece of memory takes of the bounds until it is dropped.
#[derive(Debug)]
struct Held {
    spool: Spool,
    bytes: u64,
    on_disk: bool,
    /// Of the message, if it is memory.
    message: Option<Arc<AtomicU64>>,
}

impl Held {
    fn counter(&self) -> &AtomicU64 {
        if self.on_disk { &self.spool.shared.disk_bytes } else { &self.spool.shared.memory_bytes }
    }

    /// Takes more; false if the bound would be passed.
    fn take(&mut self, bytes: u64) -> bool {
        let shared = &self.spool.shared;
        let max = if self.on_disk { shared.disk_bytes_max } else { shared.memory_bytes_max };
        if !add_within(self.counter(), bytes, max) {
            return false;
        }
        if let Some(message) = &self.message
            && !add_within(message, bytes, API_MESSAGE_MEMORY_BYTES_MAX as u64)
        {
            self.counter().fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

fn add_within(counter: &AtomicU64, bytes: u64, max: u64) -> bool {
    let more = |now: u64| now.checked_add(bytes).filter(|sum| *sum <= max);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counter().fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(message) = &self.message {
            message.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Takes the bytes of one content, piece by piece.
#[derive(Debug)]
pub struct ContentWriter {
    message: MessageSpool,
    buffer: Vec<u8>,
    memory: Option<Held>,
    file: Option<(NamedTempFile, Held)>,
    length: u64,
}

impl ContentWriter {
    /// Takes more bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SpoolFault> {
        let shared = self.message.spool.shared.clone();
        let more = bytes.len() as u64;
        if !add_within(&self.message.bytes, more, shared.message_bytes_max) {
            return Err(SpoolFault::MessageTooLarge(shared.message_bytes_max));
        }
        self.length += more;
        if self.file.is_none() && self.fits_in_memory(bytes.len()) {
            let length = self.buffer.len() + bytes.len();
            if length > self.buffer.capacity() && length > GROWN_BYTES {
                // All the room that it may ever need: what is never written to is never there.
                self.buffer.reserve_exact(API_CONTENT_MEMORY_BYTES_MAX.saturating_sub(self.buffer.len()));
            }
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        if self.file.is_none() {
            let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(&shared.folder)?;
            let held = Held { spool: self.message.spool.clone(), bytes: 0, on_disk: true, message: None };
            self.file = Some((file, held));
            let earlier = std::mem::take(&mut self.buffer);
            self.memory = None;
            self.append(&earlier)?;
        }
        self.append(bytes)
    }

    fn fits_in_memory(&mut self, more: usize) -> bool {
        if self.buffer.len() + more > API_CONTENT_MEMORY_BYTES_MAX {
            return false;
        }
        let message = &self.message;
        self.memory
            .get_or_insert_with(|| Held {
                spool: message.spool.clone(),
                bytes: 0,
                on_disk: false,
                message: Some(message.memory_bytes.clone()),
            })
            .take(more as u64)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), SpoolFault> {
        let Some((file, held)) = &mut self.file else {
            return Err(SpoolFault::Medium(io::ErrorKind::NotFound.into()));
        };
        if !held.take(bytes.len() as u64) {
            return Err(SpoolFault::Full);
        }
        file.as_file_mut().write_all(bytes)?;
        Ok(())
    }

    /// How many bytes it has by now.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The content.
    pub fn finish(self) -> Result<Content, SpoolFault> {
        let place = match self.file {
            Some((file, held)) => {
                let (file, path) = file.into_parts();
                drop(file);
                Place::File(Arc::new(OnDisk { path, _held: held }))
            }
            None => {
                let mut buffer = self.buffer;
                buffer.shrink_to_fit(); // gives back what was reserved, so that the bytes can stay where they are
                Place::Memory { bytes: buffer.into(), _held: self.memory.map(Arc::new) }
            }
        };
        Ok(Content { place, length: self.length })
    }
}

/// Up to this length its memory grows as it comes; growing further would copy all of it several times.
const GROWN_BYTES: usize = 16 * 1024;

impl Write for ContentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes).map_err(|fault| match fault {
            SpoolFault::Medium(error) => error,
            SpoolFault::MessageTooLarge(_) => io::Error::new(io::ErrorKind::FileTooLarge, fault),
            SpoolFault::Full => io::Error::new(io::ErrorKind::StorageFull, fault),
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The bytes of one content. A clone is the same bytes; the file vanishes with the last one.
#[derive(Clone)]
pub struct Content {
    place: Place,
    length: u64,
}

#[derive(Clone)]
enum Place {
    Memory {
        bytes: Bytes,
        _held: Option<Arc<Held>>,
    },
    File(Arc<OnDisk>),
    /// A file that belongs to somebody else and stays.
    Foreign {
        path: PathBuf,
        _owner: Arc<dyn Any + Send + Sync>,
    },
}

struct OnDisk {
    path: TempPath,
    _held: Held,
}

impl Content {
    /// Bytes that were made here, such as a report; they count for no bound.
    pub fn of_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { length: bytes.len() as u64, place: Place::Memory { bytes, _held: None } }
    }

    /// A file that belongs to somebody else, such as the result of a batch. It must stay until the answer is written.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let length = std::fs::metadata(path)?.len();
        Ok(Self { place: Place::Foreign { path: path.to_path_buf(), _owner: Arc::new(()) }, length })
    }

    /// A file of a known length that stays as long as its owner lives.
    pub fn of_lent_file(path: PathBuf, length: u64, owner: Arc<dyn Any + Send + Sync>) -> Self {
        Self { place: Place::Foreign { path, _owner: owner }, length }
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// For the pipeline. A file lives as long as this content: keep it until the document is done.
    pub fn origin(&self) -> Origin {
        match &self.place {
            Place::Memory { bytes, .. } => Origin::Bytes(bytes.clone()),
            Place::File(file) => Origin::File(file.path.to_path_buf()),
            Place::Foreign { path, .. } => Origin::File(path.clone()),
        }
    }

    /// The file it lies in, if it does.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Memory { .. } => None,
            Place::File(file) => Some(&file.path),
            Place::Foreign { path, .. } => Some(path),
        }
    }

    /// All bytes, if there are at most so many. `None`: there are more.
    pub fn bytes(&self, max: usize) -> io::Result<Option<Bytes>> {
        if self.length > max as u64 {
            return Ok(None);
        }
        match &self.place {
            Place::Memory { bytes, .. } => Ok(Some(bytes.clone())),
            Place::File(_) | Place::Foreign { .. } => {
                let mut bytes = vec![0; usize::try_from(self.length).unwrap_or(max)];
                let mut pieces = self.pieces();
                let mut at = 0;
                while let Some(rest) = bytes.get_mut(at..).filter(|rest| !rest.is_empty()) {
                    let count = pieces.read(rest)?;
                    if count == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    at += count;
                }
                Ok(Some(bytes.into()))
            }
        }
    }

    /// The bytes from the start, piece by piece.
    pub fn pieces(&self) -> Pieces {
        Pieces { content: self.clone(), file: None, at: 0 }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path().is_some() { "a file" } else { "memory" };
        write!(f, "Content({} bytes in {place})", self.length)
    }
}

impl PartialEq for Content {
    /// Compares the bytes. A file that cannot be read equals nothing.
    fn eq(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (self.pieces(), other.pieces());
        let (mut left, mut right) = (vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
        self.length == other.length
            && loop {
                match (ours.fill(&mut left), theirs.fill(&mut right)) {
                    (Ok(0), Ok(0)) => break true,
                    (Ok(a), Ok(b)) if left.get(..a) == right.get(..b) => {}
                    _ => break false,
                }
            }
    }
}

const PIECE_BYTES: usize = 48 * 1024;

/// Reads a content from its start to its end.
#[derive(Debug)]
pub struct Pieces {
    content: Content,
    file: Option<File>,
    at: u64,
}

impl Pieces {
    /// How many bytes are still to come.
    pub fn left(&self) -> usize {
        usize::try_from(self.content.length.saturating_sub(self.at)).unwrap_or(usize::MAX)
    }

    /// The next bytes; 0 at the end.
    pub fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.left().min(into.len());
        let Some(into) = into.get_mut(..count).filter(|into| !into.is_empty()) else { return Ok(0) };
        let count = match (&self.content.place, self.content.path()) {
            (Place::Memory { bytes, .. }, _) => {
                let from = usize::try_from(self.at).unwrap_or(usize::MAX);
                let bytes = bytes.get(from..).unwrap_or_default();
                let count = count.min(bytes.len());
                into.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                count
            }
            (_, Some(path)) => {
                if self.file.is_none() {
                    self.file = Some(File::open(path)?);
                }
                let file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
                file.read_at(into, self.at)?
            }
            (_, None) => 0,
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        Ok(count)
    }

    /// Fills the buffer as far as there are bytes; what it says is short only at the end.
    pub fn fill(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest)? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spool(folder: &Path, message: u64, disk: u64, memory: u64) -> Spool {
        Spool::open(folder, message, disk, memory).unwrap()
    }

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn small_contents_stay_in_memory_and_large_ones_become_files_that_vanish() {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(folder.path(), 1 << 30, 1 << 30, 1 << 30);
        let message = spool.message();
        let small = message.content(&[7; 1_000]).unwrap();
        let bytes: Vec<u8> = (0..API_CONTENT_MEMORY_BYTES_MAX + 1).map(|at| at as u8).collect();
        let mut writer = message.writer();
        bytes.chunks(10_007).for_each(|chunk| writer.push(chunk).unwrap());
        let large = writer.finish().unwrap();
        assert!(matches!(small.origin(), Origin::Bytes(_)) && matches!(large.origin(), Origin::File(_)));
        assert_eq!((spool.memory_bytes(), spool.disk_bytes()), (1_000, bytes.len() as u64));
        assert_eq!(large.bytes(bytes.len()).unwrap().unwrap()[..], bytes[..]);
        assert_eq!(large.bytes(bytes.len() - 1).unwrap(), None);
        assert_eq!(large, Content::of_bytes(bytes));
        assert_ne!(small, large);
        assert_eq!(files(folder.path()), 1);
        let again = large.clone();
        drop(large);
        assert_eq!(files(folder.path()), 1);
        drop((small, again));
        assert_eq!((files(folder.path()), spool.memory_bytes(), spool.disk_bytes()), (0, 0, 0));
    }

    #[test]
    fn bounds_hold_for_a_message_and_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(folder.path(), 3_000_000, 4_000_000, 100_000);
        let message = spool.message();
        let kept = message.content(&[1; 100_000]).unwrap();
        // Memory is full: even a small content becomes a file.
        let beside = message.content(&[1; 10]).unwrap();
        assert!(kept.path().is_none() && beside.path().is_some());
        assert!(matches!(message.content(&[1; 3_000_000]), Err(SpoolFault::MessageTooLarge(3_000_000))));
        let other = spool.message().content(&[1; 2_900_000]).unwrap();
        assert!(matches!(spool.message().content(&[1; 2_900_000]), Err(SpoolFault::Full)));
        drop(other);
        assert!(spool.message().content(&[1; 2_900_000]).is_ok());
    }

    #[test]
    fn what_an_earlier_run_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("content-left"), "x").unwrap();
        std::fs::write(folder.path().join("other"), "x").unwrap();
        spool(folder.path(), 1, 1, 1);
        assert_eq!(files(folder.path()), 1);
    }
}
