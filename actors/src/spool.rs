//! What callers send and get: bytes in memory, or a file in the spool folder that is gone when nobody needs it any more.
//!
//! Owns the names in the spool folder. Never reads a document and never makes one durable: whoever acknowledges does.

use crate::document::Place;
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a caller, or for one. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory.
    Bytes(Bytes),
    /// In a file.
    File(Arc<SpoolFile>),
    /// Where somebody else keeps them.
    Lent(Lent),
}

/// Bytes that stay where they are for as long as this value lives.
#[derive(Clone)]
pub struct Lent {
    /// Where they are.
    pub place: Place,
    /// How many there are.
    pub length: u64,
    /// What keeps them there.
    pub owner: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("length", &self.length).finish_non_exhaustive()
    }
}

/// A file in the spool folder. Removed with its last owner, unless it was kept.
#[derive(Debug)]
pub struct SpoolFile {
    path: PathBuf,
    length: u64,
    keep: bool,
}

/// The folder for documents and results that are too large for memory, and for those that wait.
#[derive(Clone, Debug)]
pub struct Spool {
    batches: Arc<Path>,
    /// What this process alone uses; emptied at the start.
    calls: Arc<Path>,
    next: Arc<AtomicU64>,
}

impl Content {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(file) => file.length,
            Content::Lent(lent) => lent.length,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it is, for as long as this value or a clone of it lives.
    pub fn place(&self) -> Place {
        match self {
            Content::Bytes(bytes) => Place::Bytes(bytes.clone()),
            Content::File(file) => Place::File(file.path.clone()),
            Content::Lent(lent) => lent.place.clone(),
        }
    }

    /// Fills `buffer` from `offset` on; fewer bytes than asked for is an error. Blocks on a file.
    pub fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match self.place() {
            Place::Bytes(bytes) => {
                let start = usize::try_from(offset).ok();
                let wanted = start.and_then(|start| bytes.get(start..start.checked_add(buffer.len())?));
                buffer.copy_from_slice(wanted.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Place::File(path) => File::open(path)?.read_exact_at(buffer, offset),
        }
    }

    /// All of it in memory, if it has not more than `bytes_max` bytes. Blocks on a file.
    pub fn to_bytes(&self, bytes_max: u64) -> io::Result<Bytes> {
        if self.len() > bytes_max {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long for memory"));
        }
        match self.place() {
            Place::Bytes(bytes) => Ok(bytes),
            Place::File(path) => {
                let mut bytes = vec![0; usize::try_from(self.len()).unwrap_or(usize::MAX)];
                File::open(path)?.read_exact_at(&mut bytes, 0)?;
                Ok(bytes.into())
            }
        }
    }

    /// Writes all of it. Blocks.
    pub fn copy_to(&self, out: &mut dyn Write) -> io::Result<u64> {
        match self.place() {
            Place::Bytes(bytes) => out.write_all(&bytes).map(|()| bytes.len() as u64),
            Place::File(path) => io::copy(&mut File::open(path)?, out),
        }
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Content::Bytes(bytes.into())
    }
}

impl SpoolFile {
    /// A file that others own: it stays when this value is gone.
    pub fn kept(path: PathBuf) -> io::Result<Self> {
        let length = std::fs::metadata(&path)?.len();
        Ok(Self { path, length, keep: true })
    }

    /// A file that is removed with this value.
    pub fn adopted(path: PathBuf) -> io::Result<Self> {
        let length = std::fs::metadata(&path)?.len();
        Ok(Self { path, length, keep: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Opens it for reading.
    pub fn open(&self) -> io::Result<File> {
        File::open(&self.path)
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        if !self.keep {
            // Best effort: the next start removes it, too.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Spool {
    /// Opens the folder and makes it if it is not there. `node` is the name of this server: what an earlier process of
    /// that name left of its calls is removed. `batches` is the folder of batches, which servers share.
    pub fn open(home: &Path, batches: &Path, node: &str) -> io::Result<Self> {
        let name: String = node.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let calls = home.join("calls").join(name);
        match std::fs::remove_dir_all(&calls) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        private_folder(&calls)?;
        private_folder(batches)?;
        Ok(Self { batches: batches.into(), calls: calls.into(), next: Arc::default() })
    }

    /// A path in the folder of calls that no other file has or had.
    pub fn new_path(&self) -> PathBuf {
        self.calls.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// An empty file to write into.
    pub fn begin(&self) -> io::Result<Arriving> {
        let path = self.new_path();
        let file = private_file(&path)?;
        Ok(Arriving { content: SpoolFile { path, length: 0, keep: false }, file })
    }

    /// Where batches are.
    pub fn batches(&self) -> &Path {
        &self.batches
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Arriving {
    content: SpoolFile,
    file: File,
}

impl Arriving {
    /// All of it is there.
    pub fn finish(mut self) -> io::Result<Content> {
        self.content.length = self.file.seek(SeekFrom::End(0))?;
        Ok(Content::File(Arc::new(self.content)))
    }
}

impl Write for Arriving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Documents are nobody else's business.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A new file that only its owner reads.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_gone_with_its_last_owner_and_after_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let open = |node| Spool::open(home.path(), &home.path().join("batches"), node);
        let spool = open("a/..").unwrap();
        let mut arriving = spool.begin().unwrap();
        arriving.write_all(b"0123456789").unwrap();
        let content = arriving.finish().unwrap();
        let Content::File(file) = content.clone() else { panic!("a file") };
        let path = file.path().to_owned();
        assert!(path.starts_with(home.path().join("calls")));
        let mut piece = [0; 4];
        content.read_exact_at(3, &mut piece).unwrap();
        assert_eq!((&piece, content.len()), (b"3456", 10));
        assert!(content.to_bytes(9).is_err());
        drop(file);
        assert!(path.exists());
        drop(content);
        assert!(!path.exists());
        let left_behind = spool.begin().unwrap().content.path.clone();
        std::fs::write(&left_behind, "x").unwrap();
        open("b").unwrap();
        assert!(left_behind.exists(), "another server's");
        open("a/..").unwrap();
        assert!(!left_behind.exists());
    }
}
