//! Whom and what a verification goes by, from files: anchors, the policy, the form of reports.

use crate::certificates;
use crate::config::verify::{LanguageWord, ReportWord};
use actors::directory::judge::ReportForm;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trust::path::Anchors;
use trust::report::language::Language;
use trust::{Anchor, Cert, Policy, Uses};

/// Whom an operator trusts by certificates alone (roots for everything, responders for revocation), and `allowed` anchors.
pub fn anchors(roots: &[Arc<[u8]>], responders: &[Arc<[u8]>], allowed: &[Anchor]) -> Result<Anchors, String> {
    let mut anchors = Vec::new();
    let roots = roots.iter().map(|der| (der, Uses::ALL));
    for (der, uses) in roots.chain(responders.iter().map(|der| (der, Uses::REVOCATION))) {
        let certificate = Cert::read(der).map_err(|error| format!("a trusted certificate cannot be read: {error}"))?;
        let origin = certificate.name().to_owned();
        anchors.push(Anchor { uses, ..Anchor::plain(certificate, &origin) });
    }
    anchors.extend(allowed.iter().cloned());
    Ok(Anchors::new(anchors))
}

/// Certificates of several files.
pub fn certificates(files: &[PathBuf]) -> Result<Vec<Arc<[u8]>>, String> {
    let mut all = Vec::new();
    for file in files {
        all.extend(certificates::from_file(file)?);
    }
    Ok(all)
}

/// The policy in a file, or the built-in one; it goes by the catalogues in a file, or the built-in ones.
pub fn policy(policy: Option<&Path>, algorithms: Option<&Path>) -> Result<Policy, String> {
    let read = |file: &Path| {
        std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
    };
    let catalogues = algorithms.map(read).transpose()?;
    let text = policy.map(read).transpose()?;
    let text = text.as_deref().unwrap_or(trust::policy::SHIPPED);
    Policy::read(text, catalogues.as_deref()).map_err(|error| error.to_string())
}

/// What a report is.
pub fn report_form(report: ReportWord, language: LanguageWord) -> ReportForm {
    let language = match language {
        LanguageWord::En => Language::English,
        LanguageWord::De => Language::German,
    };
    match report {
        ReportWord::Json => ReportForm::Json,
        ReportWord::Xml => ReportForm::Xml,
        ReportWord::Html => ReportForm::Html(language),
        ReportWord::Pdf => ReportForm::Pdf(language),
    }
}
