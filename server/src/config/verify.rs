//! `[directory.verify]`: a directory whose files are judged instead of signed.

use crate::cli::{LanguageName, ReportName};
use serde::Deserialize;
use std::path::PathBuf;

/// How a directory judges. All of it can be left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyConfig {
    /// PEM or DER files with the certificates that are trusted, instead of the anchors of `[revocation]`.
    pub trust: Vec<PathBuf>,
    /// PEM or DER files with further certificates of issuers and signers.
    pub known: Vec<PathBuf>,
    /// The verification policy instead of the built-in one.
    pub policy: Option<PathBuf>,
    /// The algorithm catalogues instead of the built-in ones.
    pub algorithms: Option<PathBuf>,
    /// What the report beside a file is.
    pub report: ReportWord,
    /// Its language.
    pub language: LanguageWord,
    /// Where the documents of detached signatures lie.
    pub originals: Option<PathBuf>,
    /// Nobody is asked for what a file lacks.
    pub offline: bool,
}

/// `report`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportWord {
    /// JSON.
    Json,
    /// XML by ETSI TS 119 102-2.
    Xml,
    /// A page for people.
    #[default]
    Html,
    /// A PDF for people.
    Pdf,
}

/// `language`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LanguageWord {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl From<ReportName> for ReportWord {
    fn from(name: ReportName) -> Self {
        match name {
            ReportName::Json => Self::Json,
            ReportName::Xml => Self::Xml,
            ReportName::Html => Self::Html,
            ReportName::Pdf => Self::Pdf,
        }
    }
}

impl From<LanguageName> for LanguageWord {
    fn from(name: LanguageName) -> Self {
        match name {
            LanguageName::En => Self::En,
            LanguageName::De => Self::De,
        }
    }
}
