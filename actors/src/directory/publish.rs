//! Moves results and sources to where people look, after their outcome is durable. Every step can be repeated: a crash in
//! between is finished by the next start.

use super::claim::ClaimedFile;
use super::judge;
use crate::deliver::{move_to_free_name, move_with_record, write_text};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The folders that files end in.
#[derive(Debug)]
pub struct Places {
    /// For results.
    pub output: PathBuf,
    /// For sources that were signed.
    pub done: PathBuf,
    /// For sources that were rejected.
    pub error: PathBuf,
    /// Files are judged: the folders for verdicts are in `output`.
    pub judged: bool,
}

impl Places {
    /// Where the source goes, where the result goes, and the name of the result.
    pub fn of(&self, result: &OsStr) -> (PathBuf, PathBuf, OsString) {
        match judge::routed(result).filter(|_| self.judged) {
            Some((folder, name)) => (self.output.join(folder), self.output.join(folder), name.into()),
            None => (self.done.clone(), self.output.clone(), result.to_owned()),
        }
    }
}

/// The moves that one document still needs.
#[derive(Debug)]
pub struct Publication {
    file: ClaimedFile,
    places: Arc<Places>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Done { result: OsString, record: bool },
    Rejected { sentence: String },
    Reason,
}

impl Publication {
    /// The source goes to `done/`, the result to `out/`, with its evidence record if it has one.
    pub fn done(file: ClaimedFile, result: OsString, record: bool, places: Arc<Places>) -> Self {
        Self { file, places, kind: Kind::Done { result, record } }
    }

    /// The source goes to `error/`, and a text beside it says why.
    pub fn rejected(file: ClaimedFile, sentence: String, places: Arc<Places>) -> Self {
        Self { file, places, kind: Kind::Rejected { sentence } }
    }

    /// The source is in `error/` already; its reason follows.
    pub fn reason(file: ClaimedFile, places: Arc<Places>) -> Self {
        Self { file, places, kind: Kind::Reason }
    }

    /// Moves what has not been moved yet; gives the place of the result, or of the source in `error/`. Blocks.
    ///
    /// The source leaves first: a result is published only when its source can't be signed again.
    pub fn run(&self) -> io::Result<PathBuf> {
        match &self.kind {
            Kind::Done { result, record } => {
                let (done, output, name) = self.places.of(result);
                if !self.file.name.is_empty() {
                    gone_is_fine(move_to_free_name(&self.file.path(), &done, &self.file.name))?;
                }
                let (part, output, result) = (self.file.part(result), &output, &*name);
                match record {
                    true => move_with_record(&part, &self.file.record(result), output, result),
                    false => move_to_free_name(&part, output, result),
                }
            }
            Kind::Rejected { sentence } => {
                let reason = self.file.reason();
                let text = format!("{}: {sentence}\n", self.file.shown_name());
                let written = write_text(&reason, &text);
                // Without room the source waits for its reason. No other trouble with the text keeps it from its place:
                // the store holds the reason as well.
                if let Err(error) = &written
                    && matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
                {
                    let _ = std::fs::remove_file(&reason);
                    return Err(io::ErrorKind::StorageFull.into());
                }
                let moved = match move_to_free_name(&self.file.path(), &self.places.error, &self.file.name) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => self.places.error.join(&self.file.name),
                    moved => moved?,
                };
                let name = moved.file_name().unwrap_or(&self.file.name);
                let published = written
                    .and_then(|()| move_to_free_name(&reason, &self.places.error, &reason_name(name)).map(|_| ()));
                if let Err(error) = published {
                    let _ = std::fs::remove_file(&reason);
                    tracing::error!(file = %moved.display(), %error, "the reason could not be written beside the file");
                }
                Ok(moved)
            }
            Kind::Reason => {
                let name = reason_name(&self.file.name);
                move_to_free_name(&self.file.reason(), &self.places.error, &name)
            }
        }
    }
}

/// `NAME.reason.txt`, shortened if the file system could not hold it.
pub(super) fn reason_name(name: &OsStr) -> OsString {
    let mut reason = name.to_os_string();
    if name.len() > 240 {
        let shown = name.to_string_lossy();
        reason = shown[..shown.floor_char_boundary(200)].into();
    }
    reason.push(".reason.txt");
    reason
}

fn gone_is_fine(moved: io::Result<PathBuf>) -> io::Result<()> {
    match moved {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
