//! Takes files, and finds them again after a crash.
//!
//! A claimed file lies in `.work/<job>/<number>~NAME`; its unfinished result in `.work/<job>/<number>+RESULT`, the evidence
//! record of that, if there is one, in `.work/<job>/<number>^RESULT`. The row in
//! the store decides what a claimed file is: without a final outcome it is signed (again), with one its files are moved
//! to where they belong. So whatever moment the power fails in, every file is in one place and has one outcome.

use super::publish::{Places, Publication};
use model::limits::FILE_NAME_BYTES_MAX;
use model::{DocumentId, JobId, Reason};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use store::DocumentState;

/// The folder of one claimed group; removed when its last file has left.
#[derive(Debug)]
pub struct JobFolder {
    /// Its path.
    pub path: PathBuf,
    /// The job.
    pub job: JobId,
}

impl JobFolder {
    /// Makes the folder.
    pub fn create(work: &Path, job: JobId) -> io::Result<Arc<Self>> {
        let path = work.join(job.to_string());
        std::fs::create_dir(&path)?;
        Ok(Arc::new(Self { path, job }))
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Drop for JobFolder {
    fn drop(&mut self) {
        // Fails while files are left, and that is right.
        let _ = std::fs::remove_dir(&self.path);
    }
}

/// A file that belongs to us until it has an outcome.
#[derive(Clone, Debug)]
pub struct ClaimedFile {
    /// Its document.
    pub id: DocumentId,
    /// The name it came with.
    pub name: OsString,
    /// Its folder.
    pub folder: Arc<JobFolder>,
}

impl ClaimedFile {
    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.folder.path.join(prefixed(self.id.number, b'~', &self.name))
    }

    /// Where its result is written.
    pub fn part(&self, result: &OsStr) -> PathBuf {
        self.folder.path.join(prefixed(self.id.number, b'+', result))
    }

    /// Where the evidence record of its result is written.
    pub fn record(&self, result: &OsStr) -> PathBuf {
        self.folder.path.join(prefixed(self.id.number, b'^', result))
    }

    /// Where the text of its rejection is written.
    pub fn reason(&self) -> PathBuf {
        self.folder.path.join(prefixed(self.id.number, b'!', &self.name))
    }

    /// The name as text for the store and for people.
    pub fn shown_name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }
}

fn prefixed(number: u32, mark: u8, name: &OsStr) -> OsString {
    let mut bytes = number.to_string().into_bytes();
    bytes.push(mark);
    bytes.extend_from_slice(name.as_bytes());
    OsString::from_vec(bytes)
}

/// Files that were claimed, and those that can't be.
#[derive(Debug, Default)]
pub struct Claim {
    /// Ours now.
    pub files: Vec<ClaimedFile>,
    /// Left where they are, with the reason.
    pub refused: Vec<(OsString, Reason)>,
}

/// Takes the files by renaming them. A file that somebody else took first is passed over. Blocks.
pub fn claim(input: &Path, folder: &Arc<JobFolder>, names: &[OsString]) -> Claim {
    let mut claim = Claim::default();
    for name in names {
        if name.len() > FILE_NAME_BYTES_MAX {
            let reason = format!("the file's name is longer than {FILE_NAME_BYTES_MAX} bytes");
            claim.refused.push((name.clone(), Reason::new("name-too-long", reason)));
            continue;
        }
        let number = u32::try_from(claim.files.len()).unwrap_or(u32::MAX);
        let id = DocumentId { job: folder.job, number };
        let file = ClaimedFile { id, name: name.clone(), folder: folder.clone() };
        match rename_new(&input.join(name), &file.path()) {
            Ok(()) => claim.files.push(file),
            Err(Errno::NOENT) => {}
            Err(error) => {
                let reason = Reason::new("not-claimable", format!("the file cannot be taken: {error}"));
                claim.refused.push((name.clone(), reason));
            }
        }
    }
    claim
}

fn rename_new(from: &Path, to: &Path) -> Result<(), Errno> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // The target lies in a folder of our own with a number of its own: nothing can be there.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rustix::fs::rename(from, to),
        result => result,
    }
}

/// What a crash left behind in one job folder.
#[derive(Debug)]
pub struct Leftover {
    /// The folder.
    pub folder: Arc<JobFolder>,
    /// Claimed files.
    pub sources: Vec<ClaimedFile>,
    /// Results, finished or not, by document number.
    pub parts: HashMap<u32, OsString>,
    /// Evidence records, by document number.
    pub records: HashMap<u32, OsString>,
    /// Texts of rejections.
    pub reasons: Vec<ClaimedFile>,
}

/// Lists what lies in `.work`. Names that are not ours are left alone. Blocks.
pub fn leftovers(work: &Path) -> io::Result<Vec<Leftover>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(work)? {
        let entry = entry?;
        let Some(job) = entry.file_name().to_str().and_then(|name| JobId::from_str(name).ok()) else { continue };
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let folder = Arc::new(JobFolder { path: entry.path(), job });
        let mut leftover = Leftover {
            folder: folder.clone(),
            sources: Vec::new(),
            parts: HashMap::new(),
            records: HashMap::new(),
            reasons: Vec::new(),
        };
        for file in std::fs::read_dir(&folder.path)? {
            let name = file?.file_name();
            match split(&name) {
                Some((number, b'~', name)) => {
                    let id = DocumentId { job, number };
                    leftover.sources.push(ClaimedFile { id, name, folder: folder.clone() });
                }
                Some((number, b'+', name)) => {
                    leftover.parts.insert(number, name);
                }
                Some((number, b'^', name)) => {
                    leftover.records.insert(number, name);
                }
                Some((number, b'!', name)) => {
                    let id = DocumentId { job, number };
                    leftover.reasons.push(ClaimedFile { id, name, folder: folder.clone() });
                }
                _ => {}
            }
        }
        leftover.sources.sort_by_key(|file| file.id.number);
        found.push(leftover);
    }
    found.sort_by_key(|leftover| leftover.folder.job);
    Ok(found)
}

fn split(name: &OsStr) -> Option<(u32, u8, OsString)> {
    let bytes = name.as_bytes();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    let mark = *bytes.get(digits)?;
    let rest = bytes.get(digits + 1..).filter(|rest| !rest.is_empty())?;
    Some((number, mark, OsString::from_vec(rest.to_vec())))
}

/// What is to be done with the leftovers of one job, given what the store knows of its documents.
#[derive(Debug, Default)]
pub struct Recovery {
    /// To be signed (again).
    pub open: Vec<ClaimedFile>,
    /// Their outcome is durable, their files are not where they belong yet.
    pub publish: Vec<Publication>,
    /// Results without an outcome, to be removed.
    pub discard: Vec<PathBuf>,
}

/// Decides; moves nothing.
pub fn recover(leftover: &Leftover, rows: &HashMap<u32, (DocumentState, String)>, places: &Arc<Places>) -> Recovery {
    let mut recovery = Recovery::default();
    let (mut parts, mut records) = (leftover.parts.clone(), leftover.records.clone());
    for file in &leftover.sources {
        let part = parts.remove(&file.id.number);
        match (rows.get(&file.id.number), part) {
            (Some((DocumentState::Done, _)), Some(result)) => {
                let record = records.remove(&file.id.number).is_some();
                recovery.publish.push(Publication::done(file.clone(), result, record, places.clone()));
            }
            (Some((DocumentState::Rejected, sentence)), part) => {
                recovery.publish.push(Publication::rejected(file.clone(), sentence.clone(), places.clone()));
                recovery.discard.extend(part.map(|part| file.part(&part)));
            }
            // Done without a result cannot come from us: the source leaves before the result does. Somebody removed the
            // result from `.work`; a new signature is right.
            (_, part) => {
                recovery.discard.extend(part.map(|part| file.part(&part)));
                recovery.open.push(file.clone());
            }
        }
    }
    for file in &leftover.reasons {
        let source_left = !leftover.sources.iter().any(|source| source.id == file.id);
        if source_left && matches!(rows.get(&file.id.number), Some((DocumentState::Rejected, _))) {
            recovery.publish.push(Publication::reason(file.clone(), places.clone()));
        } else {
            recovery.discard.push(file.reason());
        }
    }
    for (number, result) in parts {
        let id = DocumentId { job: leftover.folder.job, number };
        let file = ClaimedFile { id, name: OsString::new(), folder: leftover.folder.clone() };
        match rows.get(&number) {
            Some((DocumentState::Done, _)) => {
                let record = records.remove(&number).is_some();
                recovery.publish.push(Publication::done(file, result, record, places.clone()));
            }
            _ => recovery.discard.push(file.part(&result)),
        }
    }
    for (number, result) in records {
        let id = DocumentId { job: leftover.folder.job, number };
        let file = ClaimedFile { id, name: OsString::new(), folder: leftover.folder.clone() };
        recovery.discard.push(file.record(&result));
    }
    recovery
}
