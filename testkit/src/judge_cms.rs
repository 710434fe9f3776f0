//! What pyHanko thinks of CMS signatures with time: EN 319 102-1, trust and revocation included, without a network.
//!
//! Only asks and reports. It does not look at archive time stamps; `judge_bc` does.

use crate::tools;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The verdict on one message, or why pyHanko gave up (then `error` is set).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdesVerdict {
    /// The indication of EN 319 102-1 and its sub-indication, for example `PASSED AdESPassed.OK`.
    pub indication: String,
    /// The digest of the content is the signed one.
    pub intact: bool,
    /// The signature value is right.
    pub valid: bool,
    /// A signature time stamp is right.
    pub stamped: bool,
    /// What went wrong.
    pub error: Option<String>,
}

impl AdesVerdict {
    /// Passed, with a time stamp.
    pub fn passed(&self) -> bool {
        self.error.is_none() && self.indication.starts_with("PASSED") && self.intact && self.valid && self.stamped
    }
}

/// Judges messages with one signer each, with their detached content if they have one. The anchors are in `root_pem`;
/// all other certificates and the revocation material have to be in the messages.
pub fn pyhanko_cms(root_pem: &Path, messages: &[(PathBuf, Option<PathBuf>)]) -> Result<Vec<AdesVerdict>> {
    let python = tools::python()?;
    let mut command = Command::new(&python);
    command.arg(tools::workspace_root().join("testkit/python/judge_cms.py")).arg(root_pem);
    for (message, content) in messages {
        command.arg(message).arg(content.as_deref().unwrap_or(Path::new("-")));
    }
    let out = tools::ok(&python.to_string_lossy(), &mut command)?;
    let verdicts: Vec<_> = out.lines().map(verdict).collect::<Result<_>>()?;
    if verdicts.len() != messages.len() {
        bail!("{} messages, but {} verdicts", messages.len(), verdicts.len());
    }
    Ok(verdicts)
}

fn verdict(line: &str) -> Result<AdesVerdict> {
    let said: Value = serde_json::from_str(line).with_context(|| format!("read {line}"))?;
    let truth = |key: &str| said[key].as_bool().unwrap_or(false);
    Ok(AdesVerdict {
        indication: said["indication"].as_str().unwrap_or_default().to_owned(),
        intact: truth("intact"),
        valid: truth("valid"),
        stamped: truth("stamped"),
        error: said["error"].as_str().map(str::to_owned),
    })
}
