//! How a document ends: exactly one of three ways.

use std::fmt;

/// The end of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Signed, verified, delivered.
    Done,
    /// Permanently refused; trying again cannot help.
    Rejected(Reason),
    /// Not now; the document is kept and tried again.
    Deferred(Reason),
}

impl Outcome {
    /// The word that stores, metrics and reports use.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Rejected(_) => "rejected",
            Outcome::Deferred(_) => "deferred",
        }
    }

    /// The reason, if it is not `Done`.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Outcome::Done => None,
            Outcome::Rejected(reason) | Outcome::Deferred(reason) => Some(reason),
        }
    }
}

/// A sentence that a clerk understands and a word that a program can match on. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Short, stable, lower-case with hyphens: `pdf-password-needed`.
    pub code: &'static str,
    /// What is wrong and, where possible, what to do about it.
    pub sentence: String,
}

impl Reason {
    /// A reason from its two parts.
    pub fn new(code: &'static str, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
