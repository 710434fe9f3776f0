//! What a directory does whose files are judged instead of signed: takes a file apart, has a token open what is encrypted,
//! judges it, and renders the report that goes beside it. Names the folder that both go to.

use super::claim::ClaimedFile;
use crate::decrypt;
use crate::document::{Document, Origin};
use crate::pipeline::{Failure, failure};
use crate::router::Router;
use crate::verification::{Verification, facts};
use formats::FormatError;
use formats::envelope::Arrival;
use formats::inspect::{Detached, Input, Inspection, Opener};
use model::{Reason, Secret, Time, TokenSerial};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use trust::FileFacts;
use trust::report::language::Language;
use trust::report::{Indication, Report};

/// How a directory judges.
pub struct Judging {
    /// By what, and where missing evidence comes from.
    pub verification: Verification,
    /// What the report beside the file is.
    pub report: ReportForm,
    /// Where the documents of detached signatures lie, under the name of the signature without its last extension.
    pub originals: Option<PathBuf>,
}

impl std::fmt::Debug for Judging {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judging").field("report", &self.report).field("originals", &self.originals).finish()
    }
}

/// What a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportForm {
    /// JSON, the evidence that was used included.
    Json,
    /// XML by ETSI TS 119 102-2.
    Xml,
    /// A page for people.
    Html(Language),
    /// A PDF for people.
    Pdf(Language),
}

impl ReportForm {
    /// The end of its name.
    pub fn extension(self) -> &'static str {
        match self {
            ReportForm::Json => "json",
            ReportForm::Xml => "xml",
            ReportForm::Html(_) => "html",
            ReportForm::Pdf(_) => "pdf",
        }
    }

    /// Whether it says which file it is about by the digest of that.
    pub fn names_digest(self) -> bool {
        match self {
            ReportForm::Json | ReportForm::Html(_) | ReportForm::Pdf(_) => true,
            ReportForm::Xml => false,
        }
    }

    /// The report in this form. What names the digest of the file needs a report that has it.
    pub fn render(self, report: &Report) -> Result<Vec<u8>, FormatError> {
        use trust::report::{etsi, html, json, pdf};
        Ok(match self {
            ReportForm::Json => json::of(report, json::Evidence::Included).to_string().into_bytes(),
            ReportForm::Xml => etsi::of(report, json::Evidence::Included).into_bytes(),
            ReportForm::Html(language) => html::of(report, language).into_bytes(),
            ReportForm::Pdf(language) => pdf::of(report, language)?,
        })
    }
}

/// The folders that judged files go to.
pub const VERDICTS: [&str; 3] = ["valid", "indeterminate", "invalid"];

/// Which of them.
fn folder_of(indication: Indication) -> &'static str {
    match indication {
        Indication::Passed => "valid",
        Indication::Indeterminate => "indeterminate",
        Indication::Failed => "invalid",
    }
}

/// A report, as the feed writes it.
pub(super) struct Judgement {
    /// Folder and name of the report, as [`routed`] reads them.
    pub(super) result: OsString,
    pub(super) bytes: Vec<u8>,
}

/// A result's name while it waits for its outcome holds the folder, so that a restart knows it: `valid~NAME`.
pub(super) fn routed(result: &OsStr) -> Option<(&'static str, &str)> {
    let (folder, name) = result.to_str()?.split_once('~')?;
    VERDICTS.into_iter().find(|known| *known == folder).map(|folder| (folder, name))
}

/// Judges a claimed file. Reading, hashing and judging happen on a thread that may block.
pub(super) async fn judge(
    judging: &Arc<Judging>,
    router: &Router,
    file: &ClaimedFile,
    now: Time,
) -> Result<Judgement, Failure> {
    let (judging, router, file) = (judging.clone(), router.clone(), file.clone());
    let runtime = tokio::runtime::Handle::current();
    let work = move || {
        let name = file.shown_name();
        let (inspection, facts) = open(&judging, &router, &file, &name, &runtime)?;
        let report = runtime.block_on(judging.verification.judge_with_sources(&inspection, facts, now));
        let Some(indication) = report.overall() else {
            let note = report.notes.first().map_or_else(String::new, |note| format!(": {note}"));
            let sentence = format!("there is no signature in the file{note}");
            return Err(Failure::Rejected(Reason::new("no-signature", sentence)));
        };
        let shown: String = name.chars().map(|letter| if letter == '~' { '-' } else { letter }).collect();
        let result = format!("{}~{shown}-verify-report.{}", folder_of(indication), judging.report.extension());
        let bytes = judging.report.render(&report).map_err(failure)?;
        Ok(Judgement { result: result.into(), bytes })
    };
    crate::pipeline::blocking(work).await?
}

fn open(
    judging: &Judging,
    router: &Router,
    file: &ClaimedFile,
    name: &str,
    runtime: &tokio::runtime::Handle,
) -> Result<(Inspection, FileFacts), Failure> {
    let document = crate::pipeline::open(&Origin::Claimed(file.path(), file.name.clone()))?;
    let original = judging.original(&file.name)?;
    let detached: Vec<Detached<'_>> =
        original.iter().map(|(name, source)| Detached::Document { name, source }).collect();
    let tokens = Tokens { router, runtime, only: None };
    let input = Input { detached: &detached, opener: Some(&tokens), ..Input::new(&*document, name) };
    let inspection = judging.verification.inspect(&input).map_err(failure)?;
    let facts = facts(name, &*document, judging.report.names_digest()).map_err(|error| failure(error.into()))?;
    if !document.unchanged().unwrap_or(false) {
        let what = "the file was written to while it was being judged";
        return Err(Failure::Deferred(Reason::new("changed", what)));
    }
    Ok((inspection, facts))
}

impl Judging {
    /// The document that a detached signature of this name is about, if it is there.
    fn original(&self, signature: &OsStr) -> Result<Option<(String, Document)>, Failure> {
        let Some(folder) = &self.originals else { return Ok(None) };
        let Some(stem) = std::path::Path::new(signature).file_stem() else { return Ok(None) };
        match Document::open(&Origin::File(folder.join(stem))) {
            Ok(document) => Ok(Some((stem.to_string_lossy().into_owned(), document))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let sentence = format!("the document of the signature cannot be read: {error}");
                Err(Failure::Deferred(Reason::new("original-unreadable", sentence)))
            }
        }
    }
}

/// Tokens, as whoever may open a content key.
pub(crate) struct Tokens<'a> {
    pub(crate) router: &'a Router,
    pub(crate) runtime: &'a tokio::runtime::Handle,
    /// These only. `None`: all.
    pub(crate) only: Option<&'a BTreeSet<TokenSerial>>,
}

impl Opener for Tokens<'_> {
    fn open(&self, arrival: &Arrival) -> Option<Result<Secret, Reason>> {
        self.runtime.block_on(decrypt::open_for(self.router, arrival, self.only))
    }
}
