//! Writes a result where nobody looks yet, makes results durable by the group, and moves files to names that are free.
//!
//! Nothing here ever writes over an existing file or leaves a half-written one under a final name.

use crate::decrypt::Unlocked;
use crate::document::Document;
use crate::pipeline::{Failure, failure};
use formats::envelope::Recipients;
use formats::recipe::Assembled;
use formats::{FormatError, Part, Sealed, Source};
use model::{Reason, Time};
use rustix::fs::{CWD, RenameFlags, copy_file_range, fdatasync, renameat_with, syncfs};
use rustix::io::Errno;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Where results are written. Opened before anything is written there, so that it hears of every error since.
#[derive(Clone, Debug)]
pub struct FileSystem {
    device: u64,
    folder: Arc<File>,
}

impl FileSystem {
    /// The file system that a folder lies on.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let folder = File::open(folder)?;
        Ok(Self { device: folder.metadata()?.dev(), folder: Arc::new(folder) })
    }

    /// Tells file systems apart.
    pub(crate) fn device(&self) -> u64 {
        self.device
    }

    /// Makes everything durable that has been written to it, bytes and names: once for a whole group of results. An
    /// error may concern any of them, and is reported once only.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(syncfs(&*self.folder)?)
    }
}

/// Has the disk take results while they wait for their evidence records, a group at a time. Else all of a batch would have
/// to be made durable at its end, with nothing to do meanwhile for the processors.
///
/// It makes nothing durable that anybody may rely on: the recorder syncs again, and hears of every error itself.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// Opened for this alone: an error of a file system is reported once to each that has it open.
    file_system: FileSystem,
    written: AtomicUsize,
    at_work: AtomicBool,
}

impl Ahead {
    /// For the file system that a folder lies on.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let file_system = FileSystem::of(folder)?;
        Ok(Self { file_system, written: AtomicUsize::new(0), at_work: AtomicBool::new(false) })
    }

    /// One more result waits. Must be called inside a runtime.
    pub(crate) fn written(self: &Arc<Self>) {
        let written = self.written.fetch_add(1, Ordering::AcqRel) + 1;
        if written < AHEAD_RESULTS || self.at_work.swap(true, Ordering::AcqRel) {
            return;
        }
        self.written.store(0, Ordering::Release);
        let ahead = self.clone();
        tokio::task::spawn_blocking(move || {
            let _ = ahead.file_system.sync(); // the recorder is told as well, and defers the documents
            ahead.at_work.store(false, Ordering::Release);
        });
    }
}

/// What a result goes through on its way to the disk.
#[derive(Debug)]
pub enum Wrapping {
    /// Nothing: it is written as it is.
    None,
    /// It is encrypted.
    Encrypt {
        /// For these.
        recipients: Arc<Recipients>,
        /// Their certificates must be valid now.
        now: Time,
    },
    /// It is opened.
    Decrypt(Box<Unlocked>),
}

/// Why a result was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is at fault.
    #[error(transparent)]
    Medium(#[from] io::Error),
    /// It cannot be encrypted, or not be decrypted.
    #[error(transparent)]
    Content(#[from] FormatError),
}

impl WriteError {
    /// What it means for the document.
    pub(crate) fn failure(self) -> Failure {
        match self {
            WriteError::Medium(error) => not_written(&error),
            WriteError::Content(error) => failure(error),
        }
    }

    /// Whether there is a file of this name already.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, WriteError::Medium(error) if error.kind() == io::ErrorKind::AlreadyExists)
    }
}

/// Writes the sealed document to a new file. It is durable only after [`FileSystem`] has been synced. On an error the
/// file is removed again: neither half a result nor a decrypted content that was changed on the way is left behind.
/// Gives the length in bytes.
pub fn write_part(path: &Path, sealed: &Sealed, document: &Document, wrapping: &Wrapping) -> Result<u64, WriteError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(document.mode()).open(path)?;
    let written = match wrapping {
        Wrapping::None => write_parts(&file, sealed, document).map_err(WriteError::Medium),
        Wrapping::Encrypt { recipients, now } => write_encrypted(&mut &file, sealed, document, recipients, *now),
        Wrapping::Decrypt(unlocked) => write_decrypted(&mut &file, document, unlocked),
    };
    if written.is_err() {
        // Best effort: the next start removes it, too.
        let _ = std::fs::remove_file(path);
    }
    written
}

/// How long a result is that is written as it is; about how long, and at most, if it is encrypted or opened.
pub fn length_about(sealed: &Sealed, document: &Document, wrapping: &Wrapping) -> u64 {
    match wrapping {
        Wrapping::None | Wrapping::Encrypt { .. } => sealed.assembled(document).len(),
        Wrapping::Decrypt(_) => document.len(),
    }
}

/// The sealed document in memory. For small ones: all of it is there at once.
pub fn in_memory(sealed: &Sealed, document: &Document, wrapping: &Wrapping) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Vec::new();
    match wrapping {
        Wrapping::None => {
            let assembled = sealed.assembled(document);
            bytes.resize(usize::try_from(assembled.len()).unwrap_or(usize::MAX), 0);
            assembled.read_exact_at(0, &mut bytes).map_err(|error| error.0)?;
        }
        Wrapping::Encrypt { recipients, now } => {
            write_encrypted(&mut bytes, sealed, document, recipients, *now)?;
        }
        Wrapping::Decrypt(unlocked) => {
            write_decrypted(&mut bytes, document, unlocked)?;
        }
    }
    Ok(bytes)
}

fn write_encrypted(
    to: &mut dyn Write,
    sealed: &Sealed,
    document: &Document,
    recipients: &Recipients,
    now: Time,
) -> Result<u64, WriteError> {
    let plain = sealed.assembled(document);
    let mut encryptor = recipients.begin(plain.len(), now)?;
    let total = encryptor.total();
    let mut buffer = vec![0; usize::try_from(plain.len()).unwrap_or(usize::MAX).min(COPY_BUFFER_BYTES)];
    let (mut out, mut offset, mut written) = (Vec::new(), 0, 0);
    while offset < plain.len() {
        let wanted = usize::try_from(plain.len() - offset).unwrap_or(usize::MAX).min(buffer.len());
        plain.read_exact_at(offset, &mut buffer[..wanted]).map_err(FormatError::from)?;
        encryptor.update(&buffer[..wanted], &mut out)?;
        written += write_all(to, &out)?;
        offset += wanted as u64;
    }
    encryptor.finish(&mut out)?;
    written += write_all(to, &out)?;
    if written == total { Ok(written) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}

fn write_decrypted(to: &mut dyn Write, document: &Document, unlocked: &Unlocked) -> Result<u64, WriteError> {
    let mut opening = unlocked.open(document)?;
    while let Some(piece) = opening.piece()? {
        write_all(to, piece)?;
    }
    // Only now is it known that the content is the sender's.
    let (last, opened) = opening.finish()?;
    write_all(to, &last)?;
    Ok(opened.length)
}

fn write_parts(file: &File, sealed: &Sealed, document: &Document) -> io::Result<u64> {
    let mut length = 0;
    for part in &sealed.document().parts {
        length += match (part, document.file()) {
            (Part::Bytes(bytes), _) => write_bytes(file, bytes)?,
            (Part::Original, Some(source)) => copy(source, file, 0..document.len())?,
            (Part::Slice(range), Some(source)) => copy(source, file, range.clone())?,
            (part, _) => write_through_memory(file, part, document)?,
        };
    }
    Ok(length)
}

/// What is in memory anyway, or has to be encoded.
fn write_through_memory(file: &File, part: &Part, document: &Document) -> io::Result<u64> {
    if let (Part::Original, Some(bytes)) = (part, document.as_slice()) {
        return write_bytes(file, bytes);
    }
    let parts = std::slice::from_ref(part);
    let assembled = Assembled::new(parts, document);
    let mut buffer = vec![0; usize::try_from(assembled.len()).unwrap_or(usize::MAX).min(COPY_BUFFER_BYTES)];
    let mut offset = 0;
    while offset < assembled.len() {
        let wanted = usize::try_from(assembled.len() - offset).unwrap_or(usize::MAX).min(buffer.len());
        assembled.read_exact_at(offset, &mut buffer[..wanted]).map_err(|error| error.0)?;
        offset += write_bytes(file, &buffer[..wanted])?;
    }
    Ok(offset)
}

fn write_bytes(mut file: &File, bytes: &[u8]) -> io::Result<u64> {
    write_all(&mut file, bytes)
}

fn write_all(to: &mut dyn Write, bytes: &[u8]) -> io::Result<u64> {
    to.write_all(bytes)?;
    Ok(bytes.len() as u64)
}

/// Copies a piece of a file behind what `to` holds, inside the kernel where the file system can.
fn copy(from: &File, mut to: &File, range: Range<u64>) -> io::Result<u64> {
    let mut offset = range.start;
    while offset < range.end {
        let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX).min(COPY_BYTES_MAX);
        match copy_file_range(from, Some(&mut offset), to, None, wanted) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if offset == range.start => {
                copy_through_memory(from, &mut to, range.clone())?;
                return Ok(range.end - range.start);
            }
            Err(error) => return Err(error.into()),
        }
    }
    to.seek(SeekFrom::End(0))?;
    Ok(range.end - range.start)
}

fn copy_through_memory(from: &File, to: &mut impl Write, range: Range<u64>) -> io::Result<()> {
    let mut buffer = vec![0; COPY_BUFFER_BYTES];
    let mut offset = range.start;
    while offset < range.end {
        let wanted = usize::try_from(range.end - offset).unwrap_or(usize::MAX).min(buffer.len());
        from.read_exact_at(&mut buffer[..wanted], offset)?;
        to.write_all(&buffer[..wanted])?;
        offset += wanted as u64;
    }
    Ok(())
}

/// Writes a small file anew. It is durable only after [`FileSystem`] has been synced. On an error it is removed again.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
        file.write_all(bytes)
    };
    write().inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })
}

/// Writes a small text durably.
pub fn write_text(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(fdatasync(&file)?)
}

/// Moves a file into `directory` as `name`, or, where that is taken, as `name` with a number before its extension.
/// Gives the path it has now.
pub fn move_to_free_name(from: &Path, directory: &Path, name: &std::ffi::OsStr) -> io::Result<PathBuf> {
    let mut to = directory.join(name);
    for number in 2..FREE_NAME_TRIES_MAX {
        match rename_unless_taken(from, &to) {
            Ok(()) => return Ok(to),
            Err(Errno::EXIST) => to = directory.join(numbered(name, number)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files of this name"))
}

/// As [`move_to_free_name`], for a result and the evidence record that goes beside it, as `NAME.ers`. The record leaves
/// first: nobody sees a result without it. If it is gone, an earlier attempt has moved it, and the result follows.
pub fn move_with_record(from: &Path, record: &Path, directory: &Path, name: &std::ffi::OsStr) -> io::Result<PathBuf> {
    let mut record = Cow::Borrowed(record);
    for number in 1..FREE_NAME_TRIES_MAX {
        let to = directory.join(if number == 1 { name.to_os_string() } else { numbered(name, number) });
        if to.symlink_metadata().is_ok() {
            continue;
        }
        let beside = with_record_name(&to);
        match rename_unless_taken(&record, &beside) {
            Ok(()) => {}
            Err(Errno::EXIST) => continue,
            Err(Errno::NOENT) if matches!(record, Cow::Borrowed(_)) => return move_to_free_name(from, directory, name),
            Err(error) => return Err(error.into()),
        }
        match rename_unless_taken(from, &to) {
            // Somebody else took the name just now.
            Err(Errno::EXIST) => record = Cow::Owned(beside),
            moved => return Ok(moved.map(|()| to)?),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files of this name"))
}

/// Renames a file unless the new name is taken (`EXIST`).
fn rename_unless_taken(from: &Path, to: &Path) -> Result<(), Errno> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system without RENAME_NOREPLACE (some network shares): look, then rename.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match to.symlink_metadata() {
            Ok(_) => Err(Errno::EXIST),
            Err(_) => rustix::fs::rename(from, to),
        },
        renamed => renamed,
    }
}

/// The name of the evidence record beside a result.
pub fn with_record_name(result: &Path) -> PathBuf {
    let mut name = result.as_os_str().to_os_string();
    name.push(".ers");
    PathBuf::from(name)
}

/// `invoice.pdf`, 2 → `invoice.2.pdf`.
fn numbered(name: &std::ffi::OsStr, number: u32) -> std::ffi::OsString {
    let path = Path::new(name);
    let mut result = path.file_stem().unwrap_or(name).to_os_string();
    result.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        result.push(".");
        result.push(extension);
    }
    result
}

/// What it means for a document that its result cannot be written.
pub(crate) fn not_written(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Failure::Deferred(Reason::new("disk-full", "there is no room on the disk for the signed file"))
        }
        io::ErrorKind::UnexpectedEof => {
            Failure::Deferred(Reason::new("changed", "the file became shorter while it was being signed"))
        }
        io::ErrorKind::InvalidFilename => {
            Failure::Rejected(Reason::new("name-too-long", "the name of the signed file would be too long"))
        }
        _ => Failure::Deferred(Reason::new("not-written", format!("the signed file cannot be written: {error}"))),
    }
}

/// So many results are worth a sync.
const AHEAD_RESULTS: usize = 128;
const COPY_BUFFER_BYTES: usize = 256 * 1024;
const COPY_BYTES_MAX: usize = 64 * 1024 * 1024;
const FREE_NAME_TRIES_MAX: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_gets_a_number_and_nothing_is_overwritten() {
        let home = tempfile::tempdir().unwrap();
        for (content, expected) in [("a", "x.pdf"), ("b", "x.2.pdf"), ("c", "x.3.pdf")] {
            let from = home.path().join("from");
            std::fs::write(&from, content).unwrap();
            let to = move_to_free_name(&from, home.path(), "x.pdf".as_ref()).unwrap();
            assert_eq!(to.file_name().unwrap(), expected);
            assert_eq!(std::fs::read_to_string(to).unwrap(), content);
        }
    }

    #[test]
    fn a_result_and_its_record_keep_their_names_together() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("out");
        std::fs::create_dir(&out).unwrap();
        std::fs::write(out.join("x.pdf"), "somebody's").unwrap();
        std::fs::write(out.join("x.2.pdf.ers"), "somebody's").unwrap();
        for expected in ["x.3.pdf", "x.4.pdf"] {
            let (from, record) = (home.path().join("from"), home.path().join("record"));
            std::fs::write(&from, "result").unwrap();
            std::fs::write(&record, "record").unwrap();
            let to = move_with_record(&from, &record, &out, "x.pdf".as_ref()).unwrap();
            assert_eq!(to.file_name().unwrap(), expected);
            assert_eq!(std::fs::read_to_string(with_record_name(&to)).unwrap(), "record");
            assert_eq!(std::fs::read_to_string(to).unwrap(), "result");
        }
    }
}
