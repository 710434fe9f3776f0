//! What lies in the input of a watched directory and is not claimed: links, pipes, names that are too long. Moved to
//! `error/` with a reason where that works; what cannot be moved is left alone for a while instead of being tried again
//! at every look.

use super::DirectoryParts;
use super::publish::reason_name;
use crate::deliver::{move_to_free_name, write_text};
use crate::measure;
use crate::pipeline::blocking;
use model::Reason;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Sets aside, and remembers what could not be moved and when it is tried again.
pub(super) struct Aside {
    parts: Arc<DirectoryParts>,
    immovable: Mutex<HashMap<OsString, Instant>>,
}

impl Aside {
    pub(super) fn new(parts: Arc<DirectoryParts>) -> Self {
        Self { parts, immovable: Mutex::default() }
    }

    /// What is no file is never signed, and nobody shall wait for it.
    pub(super) async fn look_at_odd(&self, odd: Vec<(OsString, &'static str)>, folders: Vec<OsString>) {
        for folder in folders.into_iter().filter(|folder| !self.is_left(folder)) {
            let (directory, shown) = (&self.parts.settings.name, folder.display());
            tracing::warn!(%directory, folder = %shown, "a folder among the files stays where it is");
            self.leave_for(folder, FOLDER_SILENCE);
        }
        let odd = odd.into_iter().filter(|(name, _)| !self.is_left(name));
        let reason = |what| Reason::new("not-a-file", format!("it is {what}, not a file"));
        self.set_aside(odd.map(|(name, what)| (name, reason(what))).collect()).await;
    }

    /// Whether this was found immovable a short while ago.
    pub(super) fn is_left(&self, name: &OsStr) -> bool {
        let mut immovable = self.immovable.lock().unwrap_or_else(PoisonError::into_inner);
        let over = immovable.get(name).is_some_and(|until| *until <= Instant::now());
        if over {
            immovable.remove(name);
        }
        immovable.contains_key(name)
    }

    fn leave_for(&self, name: OsString, time: Duration) {
        let mut immovable = self.immovable.lock().unwrap_or_else(PoisonError::into_inner);
        if immovable.len() < IMMOVABLE_MAX {
            immovable.insert(name, Instant::now() + time);
        }
    }

    /// What cannot be claimed: names too long for us, what is no file. To `error/` where that works; else it stays and
    /// is left alone for a while.
    pub(super) async fn set_aside(&self, refused: Vec<(OsString, Reason)>) {
        if refused.is_empty() {
            return;
        }
        let (work, input, error) =
            (self.parts.settings.work(), self.parts.settings.input.clone(), self.parts.settings.error.clone());
        let set_aside = move || {
            let one = |(name, reason): (OsString, Reason)| {
                let moved = aside(&work, &input, &error, &name, &reason);
                (name, reason, moved)
            };
            refused.into_iter().map(one).collect::<Vec<_>>()
        };
        let Ok(results) = blocking(set_aside).await else {
            tracing::error!(directory = %self.parts.settings.name, "setting files aside failed");
            return;
        };
        for (name, reason, moved) in results {
            let (directory, file) = (&self.parts.settings.name, name.display());
            match moved {
                Ok(()) => {
                    tracing::warn!(%directory, %file, %reason, "set aside");
                    metrics::counter!(measure::DOCUMENTS, "door" => self.parts.door(), "outcome" => "rejected")
                        .increment(1);
                }
                Err(error) => {
                    tracing::error!(%directory, %file, %reason, %error, "cannot be moved, stays");
                    self.leave_for(name, IMMOVABLE_REST);
                }
            }
        }
    }
}

/// Moves a file that was not claimed from `input` to `error`, with its reason beside it.
fn aside(work: &Path, input: &Path, error: &Path, name: &OsStr, reason: &Reason) -> io::Result<()> {
    let moved = move_to_free_name(&input.join(name), error, name)?;
    let text = work.join(".reason");
    write_text(&text, &format!("{}: {reason}\n", name.display()))?;
    move_to_free_name(&text, error, &reason_name(moved.file_name().unwrap_or(name))).map(|_| ())
}

/// Names that are remembered as immovable; those of files that somebody else removed stay until their time is over.
const IMMOVABLE_MAX: usize = 2 * model::limits::SCAN_ENTRIES_MAX;
/// How long something that cannot be moved is left alone.
const IMMOVABLE_REST: Duration = Duration::from_secs(60);
/// A folder in the input is mentioned so often.
const FOLDER_SILENCE: Duration = Duration::from_secs(24 * 3_600);
