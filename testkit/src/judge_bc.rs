//! What BouncyCastle thinks of CMS signatures: the mathematics of signatures, counter-signatures and time stamps.
//!
//! Only asks and reports. One Java process judges all files of a call, since its start takes a second.

use crate::tools;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// BouncyCastle of Debian's libbcpkix-java.
const CLASSES: &str = "/usr/share/java/bcpkix.jar:/usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar";

/// How many there are of something, and how many of them are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Seen.
    pub all: u64,
    /// Found right.
    pub right: u64,
}

impl Count {
    /// So many, and all of them right.
    pub fn all_right(count: u64) -> Self {
        Self { all: count, right: count }
    }
}

/// The verdict on one message, or why it could not be read (then `error` is set).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CmsVerdict {
    /// Signatures over the content.
    pub signers: Count,
    /// Counter-signatures.
    pub counters: Count,
    /// Signature time stamps.
    pub stamps: Count,
    /// Archive time stamps version 3, with imprint and hash index.
    pub archives: Count,
    /// What went wrong.
    pub error: Option<String>,
}

/// Judges messages, each with its detached content if it has one.
pub fn bouncy_castle(messages: &[(PathBuf, Option<PathBuf>)]) -> Result<Vec<CmsVerdict>> {
    if let Some(jar) = CLASSES.split(':').find(|jar| !Path::new(jar).exists()) {
        bail!("{jar} is missing; `make test` installs what the tests need (libbcpkix-java)");
    }
    let mut command = tools::java();
    command.args(["-cp", CLASSES]).arg(tools::workspace_root().join("testkit/java/BouncyCms.java"));
    for (message, content) in messages {
        command.arg(message).arg(content.as_deref().unwrap_or(Path::new("-")));
    }
    let out = tools::ok("java", &mut command)?;
    let verdicts: Vec<_> = out.lines().map(verdict).collect::<Result<_>>()?;
    if verdicts.len() != messages.len() {
        bail!("{} messages, but {} verdicts", messages.len(), verdicts.len());
    }
    Ok(verdicts)
}

fn verdict(line: &str) -> Result<CmsVerdict> {
    let said: Value = serde_json::from_str(line).with_context(|| format!("read {line}"))?;
    let number = |key: &str| said[key].as_u64().with_context(|| format!("{key} in {line}"));
    let count = |all: &str, right: &str| Ok::<_, anyhow::Error>(Count { all: number(all)?, right: number(right)? });
    Ok(CmsVerdict {
        signers: count("signers", "verified")?,
        counters: count("counters", "counters_verified")?,
        stamps: count("stamps", "stamps_verified")?,
        archives: count("archives", "archives_verified")?,
        error: said["error"].as_str().filter(|text| !text.is_empty()).map(str::to_owned),
    })
}
