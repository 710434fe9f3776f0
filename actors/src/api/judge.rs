//! Judging what a caller sends: a signed document, or a detached signature with its document or with its document's digest
//! alone. Nothing is kept of it.

use super::{Api, Refused};
use crate::directory::judge::Tokens;
use crate::document::{Document, Piece};
use crate::pipeline::{Failure, blocking, failure};
use crate::spool::Content;
use crate::verification::facts;
use formats::Source;
use formats::inspect::{Detached, Input};
use formats::signature::HashAlgorithm;
use model::profile::Password;
use model::{Caller, Function, Reason, Time};
use std::io;
use std::sync::Arc;
use trust::report::Report;

/// What is to be judged.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the file is called that is judged.
    pub name: String,
    /// The file: a signed document or a detached signature.
    pub content: Content,
    /// What a detached signature is about.
    pub about: About,
    /// What opens an encrypted PDF.
    pub password: Option<Password>,
    /// Judge as of then. `None`: as of now.
    pub at: Option<Time>,
    /// The report is to name the digest of the file.
    pub names_digest: bool,
}

/// What a detached signature is about.
#[derive(Clone, Debug)]
pub enum About {
    /// It contains its document.
    Itself,
    /// One of these documents.
    Documents(Vec<(String, Content)>),
    /// A document with this digest.
    Digest(HashAlgorithm, Vec<u8>),
}

impl Api {
    /// Judges a file. A file that cannot be read has no verdict, but a reason.
    pub async fn judge(&self, caller: &Caller, question: Question) -> Result<Result<Report, Failure>, Refused> {
        caller.may(Function::Verify, None)?;
        let holdings = self.0.catalogue.of(&caller.tenant);
        let Some(verification) = holdings.verification.clone() else { return Err(Refused::NoVerification) };
        let place = self.enter(&caller.tenant)?;
        // Judging is hard work for a processor: more at once than there are processors would only wait in memory.
        let turn = self.0.judges.clone().acquire_owned().await.map_err(|_| Refused::ShuttingDown)?;
        let (services, runtime) = (self.0.services.clone(), tokio::runtime::Handle::current());
        let work = move || {
            let _held = (place, turn);
            let now = question.at.unwrap_or_else(|| services.clock.now());
            let document = open(&question.name, &question.content)?;
            let about = match &question.about {
                About::Documents(documents) => documents
                    .iter()
                    .map(|(name, content)| Ok((name, open(name, content)?)))
                    .collect::<Result<_, _>>()?,
                About::Itself | About::Digest(..) => Vec::new(),
            };
            let mut detached: Vec<Detached<'_>> =
                about.iter().map(|(name, source)| Detached::Document { name, source }).collect();
            if let About::Digest(algorithm, value) = &question.about {
                detached.push(Detached::Digest(*algorithm, value.clone()));
            }
            let tokens = Tokens { router: &services.router, runtime: &runtime, only: Some(&holdings.tokens) };
            let input = Input {
                detached: &detached,
                password: question.password.as_ref().map(Password::expose),
                opener: Some(&tokens),
                ..Input::new(&document, &question.name)
            };
            let inspection = verification.inspect(&input).map_err(failure)?;
            let facts =
                facts(&question.name, &document, question.names_digest).map_err(|error| failure(error.into()))?;
            Ok(runtime.block_on(verification.judge_with_sources(&inspection, facts, now)))
        };
        Ok(blocking(work).await.and_then(|judged| judged))
    }
}

fn open(name: &str, content: &Content) -> Result<Document, Failure> {
    let piece = Piece { name: name.to_owned(), place: content.place() };
    let unreadable = |error: io::Error| {
        Failure::Deferred(Reason::new("unreadable", format!("the document cannot be read again: {error}")))
    };
    let document = Document::open_piece(&piece).map_err(unreadable)?;
    match document.is_empty() {
        true => Err(Failure::Rejected(Reason::new("empty", "the file is empty"))),
        false => Ok(document),
    }
}

/// So many files are judged at a time.
pub(super) fn judges() -> Arc<tokio::sync::Semaphore> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(tokio::sync::Semaphore::new(processors * JUDGES_PER_PROCESSOR))
}

/// While one waits for evidence from outside, another one calculates.
const JUDGES_PER_PROCESSOR: usize = 4;
