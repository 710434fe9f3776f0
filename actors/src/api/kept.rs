//! Documents and results that outlast their call: their folder, the names in it, and how an end is read back from its row.
//!
//! `batches/TENANT/JOB/` holds `N.in` and `N.original` while document N waits, and `N-LEASE.out` (or `.sig`, if its document
//! is not part of it) with `N-LEASE.ers` beside it when it is done. Which of several results counts, says the row.

use super::{Ended, Made};
use crate::deliver::FileSystem;
use crate::pipeline::Failure;
use crate::spool::{Content, Spool, SpoolFile, private_folder};
use model::profile::{Container, ContainerSignature, Format, XmlShape};
use model::{JobId, Reason, SignerName, TenantId};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store::{DocumentRow, DocumentState};

/// The folder of one job.
#[derive(Clone, Debug)]
pub(super) struct Folder(Arc<Path>);

impl Folder {
    pub(super) fn of(spool: &Spool, tenant: &TenantId, job: JobId) -> Self {
        Self(spool.batches().join(tenant.as_str()).join(job.to_string()).into())
    }

    /// Makes it, empty.
    pub(super) fn make(&self) -> io::Result<FileSystem> {
        self.remove()?;
        private_folder(&self.0)?;
        self.file_system()
    }

    /// Makes it if it is not there.
    pub(super) fn keep(&self) -> io::Result<FileSystem> {
        private_folder(&self.0)?;
        self.file_system()
    }

    pub(super) fn file_system(&self) -> io::Result<FileSystem> {
        FileSystem::of(&self.0)
    }

    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn input(&self, number: u32) -> PathBuf {
        self.0.join(format!("{number}.in"))
    }

    pub(super) fn original(&self, number: u32) -> PathBuf {
        self.0.join(format!("{number}.original"))
    }

    /// Where a result of this attempt goes.
    pub(super) fn result(&self, number: u32, lease: &str, contains_original: bool) -> PathBuf {
        self.0.join(format!("{number}-{lease}.{}", if contains_original { "out" } else { "sig" }))
    }

    /// The documents are not needed any more. A server that has lost its lease may be reading them still: it can.
    pub(super) fn forget_inputs(&self, number: u32) {
        for path in [self.input(number), self.original(number)] {
            // Best effort: the folder goes as a whole later.
            let _ = std::fs::remove_file(path);
        }
    }

    /// What a row says of a result: its file and, behind a slash, what it is called.
    pub(super) fn output(path: &Path, name: &str) -> String {
        format!("{}/{name}", path.file_name().unwrap_or_default().to_string_lossy())
    }

    /// How the document of a row ended. `None`: it has not.
    pub(super) fn ended(&self, row: &DocumentRow) -> Option<Ended> {
        let sentence = row.sentence.clone().unwrap_or_default();
        let result = match row.state {
            DocumentState::Open | DocumentState::Deferred => return None,
            DocumentState::Rejected => {
                Err(Failure::Rejected(Reason::new(interned(row.code.as_deref().unwrap_or("rejected")), sentence)))
            }
            DocumentState::Done => self.made(row).map_err(|_| {
                let sentence = "the result is not kept any more: the time for which results are kept is over";
                Failure::Rejected(Reason::new("result-gone", sentence))
            }),
        };
        Some(Ended { id: Some(row.id), name: row.name.clone(), result, micros: row.micros.unwrap_or(0) })
    }

    fn made(&self, row: &DocumentRow) -> io::Result<Made> {
        let (file, name) =
            row.output.as_deref().and_then(|output| output.split_once('/')).ok_or(io::ErrorKind::NotFound)?;
        let path = self.0.join(file);
        let record = path.with_extension("ers");
        let record = if record.exists() { Some(kept(record)?) } else { None };
        let contains_original = path.extension().is_some_and(|end| end == "out");
        Ok(Made {
            name: name.to_owned(),
            content: kept(path)?,
            record,
            format: format_of(row.format.as_deref().unwrap_or_default(), contains_original),
            contains_original,
            signer: row.signer.as_deref().map(|signer| SignerName(signer.into())),
        })
    }
}

fn kept(path: PathBuf) -> io::Result<Content> {
    Ok(Content::File(Arc::new(SpoolFile::kept(path)?)))
}

/// The form by its word. The row does not tell shapes apart beyond what can be seen of the result.
fn format_of(word: &str, contains_original: bool) -> Format {
    let detached = !contains_original;
    let shape = if detached { XmlShape::Detached } else { XmlShape::Enveloped };
    let signature = ContainerSignature::Cades;
    match word {
        "cms" => Format::Cms { detached },
        "pdf" => Format::Pdf,
        "pades" => Format::Pades,
        "xmldsig" => Format::Xmldsig(shape),
        "xades" => Format::Xades(shape),
        "asic-s" => Format::Asic { container: Container::Simple, signature },
        "asic-e" => Format::Asic { container: Container::Extended, signature },
        "timestamp" => Format::TimeStamp,
        "extended" => Format::Extended,
        "encrypted" => Format::Encrypted,
        "decrypted" => Format::Decrypted,
        _ => Format::Cades { detached },
    }
}

/// A code as it was before it was stored. Codes are words of this program: there are not many.
fn interned(code: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    match known.get(code) {
        Some(known) => known,
        None if known.len() < CODES_MAX => {
            let code: &'static str = Box::leak(code.to_owned().into_boxed_str());
            known.insert(code);
            code
        }
        None => "rejected",
    }
}

/// If there are more, somebody else has written them.
const CODES_MAX: usize = 1_000;
