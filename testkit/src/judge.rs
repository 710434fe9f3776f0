//! What foreign programs think of a PDF: pyHanko and pdfsig of its signatures, qpdf of its structure.
//!
//! Only asks and reports. Which verdict a test needs is the test's business.

use crate::tools;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// pyHanko's verdict on one signature, or why it refused the file (then `error` is set and the rest is empty).
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The file, as it was given.
    pub file: PathBuf,
    /// The name of the signature field.
    pub field: String,
    /// The digest of the covered bytes is the signed one.
    pub intact: bool,
    /// The signature value is right for the signer's certificate.
    pub valid: bool,
    /// The certificate leads to a trust anchor.
    pub trusted: bool,
    /// `ENTIRE_FILE`, `ENTIRE_REVISION`, …
    pub coverage: String,
    /// What happened after this signature (`NONE`, `LTA_UPDATES`, `FORM_FILLING`, …); `None` if it was not examined.
    pub modification_level: Option<String>,
    /// Whether later changes are allowed by DocMDP; `None` if it was not examined.
    pub docmdp_ok: Option<bool>,
    /// pyHanko's judgement of everything together.
    pub bottom_line: bool,
    /// Common name of the signer's certificate.
    pub signer: String,
    /// Why pyHanko could not judge the file or the signature.
    pub error: Option<String>,
}

impl Verdict {
    /// Valid, trusted, unchanged since, and covering the file to its last byte.
    pub fn is_perfect(&self) -> bool {
        self.error.is_none() && self.bottom_line && self.intact && self.trusted && self.coverage == "ENTIRE_FILE"
    }
}

/// Asks pyHanko about every signature of these files. `ca_pem` holds the trust anchor ([`crate::pki::Pki::root_pem`]).
pub fn pyhanko_judge(files: &[PathBuf], ca_pem: &Path) -> Result<Vec<Verdict>> {
    judge(files, ca_pem, None)
}

/// As [`pyhanko_judge`], for files that open with this password.
pub fn pyhanko_judge_encrypted(files: &[PathBuf], ca_pem: &Path, password: &str) -> Result<Vec<Verdict>> {
    judge(files, ca_pem, Some(password))
}

/// Lets pyHanko sign these files into `folder` under their own names (PAdES B-B, field `pyHanko`); the seconds it took.
pub fn pyhanko_sign(files: &[PathBuf], folder: &Path, pkcs12: &Path, password: &str) -> Result<f64> {
    let arguments = [pkcs12.as_os_str(), OsStr::new(password), folder.as_os_str()];
    let out = script("sign_pdf.py", arguments.iter().copied().chain(files.iter().map(|f| f.as_os_str())))?;
    let said: Value = serde_json::from_str(out.trim()).context("read what sign_pdf.py said")?;
    said["seconds"].as_f64().context("sign_pdf.py gave no seconds")
}

/// Lets pyHanko judge these signed PDF files and CMS messages, trusting these certificates and fetching nothing; each
/// must be right. The seconds it took, without the start of python.
pub fn pyhanko_verify(files: &[PathBuf], ca_pem: &Path) -> Result<f64> {
    let arguments = std::iter::once(ca_pem.as_os_str()).chain(files.iter().map(|file| file.as_os_str()));
    let out = script("verify_rate.py", arguments)?;
    let said: Value = serde_json::from_str(out.trim()).context("read what verify_rate.py said")?;
    said["seconds"].as_f64().context("verify_rate.py gave no seconds")
}

fn judge(files: &[PathBuf], ca_pem: &Path, password: Option<&str>) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    // A command line has an end; thousands of files go in several.
    for some in files.chunks(500) {
        let mut arguments: Vec<OsString> = vec![ca_pem.into()];
        if let Some(password) = password {
            arguments.extend(["--password".into(), password.into()]);
        }
        arguments.extend(some.iter().map(|file| file.into()));
        let out = script("judge_pdf.py", arguments.iter().map(OsString::as_os_str))?;
        for line in out.lines() {
            verdicts.push(verdict(&serde_json::from_str(line).with_context(|| format!("read {line}"))?));
        }
    }
    Ok(verdicts)
}

fn verdict(line: &Value) -> Verdict {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let truth = |key: &str| line[key].as_bool();
    Verdict {
        file: text("file").unwrap_or_default().into(),
        field: text("field").unwrap_or_default(),
        intact: truth("intact").unwrap_or(false),
        valid: truth("valid").unwrap_or(false),
        trusted: truth("trusted").unwrap_or(false),
        coverage: text("coverage").unwrap_or_default(),
        modification_level: text("modification_level"),
        docmdp_ok: truth("docmdp_ok"),
        bottom_line: truth("bottom_line").unwrap_or(false),
        signer: text("signer").unwrap_or_default(),
        error: text("error"),
    }
}

fn script<'a>(name: &str, arguments: impl Iterator<Item = &'a OsStr>) -> Result<String> {
    let path = tools::workspace_root().join("testkit/python").join(name);
    let python = tools::python()?;
    tools::ok(&python.to_string_lossy(), Command::new(&python).arg(path).args(arguments))
}

/// pdfsig's verdict on one signature.
#[derive(Clone, Debug)]
pub struct PdfsigVerdict {
    /// The name of the signature field.
    pub field: String,
    /// "Signature is Valid.": the mathematics and the digest, not the trust.
    pub valid: bool,
    /// "Total document signed".
    pub whole_document: bool,
    /// The SubFilter, for example `ETSI.CAdES.detached`.
    pub kind: String,
}

/// Asks poppler's pdfsig about every signature of a file; no signatures give an empty list.
pub fn pdfsig(file: &Path, password: Option<&str>) -> Result<Vec<PdfsigVerdict>> {
    let mut command = Command::new("pdfsig");
    // Without a network and without the user's own certificate store.
    command.args(["-nocert", "-no-ocsp"]);
    if let Some(password) = password {
        command.args(["-upw", password]);
    }
    let said = tools::said("pdfsig", command.arg(file))?;
    // Exit code 2: a file without signatures; 1: a file that cannot be read.
    if said.code != 0 && !said.out.contains("Signature #") && !said.out.contains("does not contain any signatures") {
        bail!("pdfsig ended with {}: {}{}", said.code, said.out.trim(), said.err.trim());
    }
    Ok(pdfsig_verdicts(&said.out))
}

fn pdfsig_verdicts(out: &str) -> Vec<PdfsigVerdict> {
    let sections = out.split("Signature #").skip(1);
    let value = |section: &str, key: &str| {
        let line = section.lines().find_map(|line| line.trim().strip_prefix(key));
        line.unwrap_or_default().trim().to_owned()
    };
    sections
        .map(|section| PdfsigVerdict {
            field: value(section, "- Signature Field Name:"),
            valid: section.contains("Signature is Valid."),
            whole_document: section.contains("- Total document signed"),
            kind: value(section, "- Signature Type:"),
        })
        .collect()
}

/// How clean qpdf finds a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Structure {
    /// No complaint.
    Clean,
    /// Readable, with warnings.
    Warnings,
    /// Not readable, or damaged.
    Errors,
}

/// Runs `qpdf --check`; also gives what it said.
pub fn qpdf_check(file: &Path, password: Option<&str>) -> Result<(Structure, String)> {
    let mut command = Command::new("qpdf");
    if let Some(password) = password {
        command.arg(format!("--password={password}"));
    }
    let said = tools::said("qpdf", command.arg("--check").arg(file))?;
    let structure = match said.code {
        0 => Structure::Clean,
        3 => Structure::Warnings,
        _ => Structure::Errors,
    };
    Ok((structure, format!("{}{}", said.out, said.err)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pdf::{self, Shape};
    use crate::pki::{KeyKind, Pki};

    #[test]
    fn pyhanko_and_pdfsig_see_a_foreign_signature_and_a_changed_byte() {
        let folder = tempfile::tempdir().unwrap();
        let pki = Pki::shared();
        let signer = pki.signer(KeyKind::P256).unwrap();
        let key = signer.write_pkcs12(folder.path(), "siegel", "geheim").unwrap();
        let plain = folder.path().join("rechnung.pdf");
        std::fs::write(&plain, pdf::invoice(7, &Shape::default())).unwrap();
        let out = folder.path().join("out");
        std::fs::create_dir(&out).unwrap();
        pyhanko_sign(std::slice::from_ref(&plain), &out, &key, "geheim").unwrap();
        let signed = out.join("rechnung.pdf");

        let verdicts = pyhanko_judge(std::slice::from_ref(&signed), &pki.root_pem()).unwrap();
        assert_eq!(verdicts.len(), 1);
        assert!(verdicts[0].is_perfect(), "{verdicts:?}");
        assert_eq!(verdicts[0].signer, signer.common_name());
        let seen = pdfsig(&signed, None).unwrap();
        assert!(seen[0].valid && seen[0].whole_document, "{seen:?}");
        assert_eq!((seen[0].field.as_str(), seen[0].kind.as_str()), ("pyHanko", "ETSI.CAdES.detached"));

        let mut bytes = std::fs::read(&signed).unwrap();
        let at = bytes.windows(7).position(|w| w == b"Rechnun").unwrap();
        bytes[at] = b'B';
        let changed = folder.path().join("changed.pdf");
        std::fs::write(&changed, bytes).unwrap();
        let verdicts = pyhanko_judge(std::slice::from_ref(&changed), &pki.root_pem()).unwrap();
        assert!(!verdicts[0].intact && !verdicts[0].is_perfect(), "{verdicts:?}");
        assert!(!pdfsig(&changed, None).unwrap()[0].valid);

        assert!(pdfsig(&plain, None).unwrap().is_empty());
        assert!(pyhanko_judge(&[plain], &pki.root_pem()).unwrap().is_empty());
        let refused = pyhanko_judge(&[key], &pki.root_pem()).unwrap();
        assert!(refused[0].error.is_some() && !refused[0].is_perfect());
    }
}
