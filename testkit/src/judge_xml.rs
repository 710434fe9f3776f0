//! What foreign programs think of XML signatures: xmlsec1, signxml and Apache Santuario.
//!
//! Only asks and reports. Files that a signature names are looked for beside it, by all of them.

use crate::tools;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A verdict: nothing, or what the judge complained about.
pub type Verdict = std::result::Result<(), String>;

/// Santuario of Debian's libxml-security-java and what it needs.
const CLASSES: &str = "/usr/share/java/xmlsec.jar:/usr/share/java/commons-codec.jar:/usr/share/java/slf4j-api.jar:\
                       /usr/share/java/bcprov.jar";

/// Asks xmlsec1 about the one signature of a file, whose certificate must lead to this anchor. `ids`: the elements
/// outside of the signature whose attribute `Id` is one, as `namespace:name` or `name`.
pub fn xmlsec1(file: &Path, anchor: &Path, ids: &[&str]) -> Result<Verdict> {
    let mut command = Command::new("xmlsec1");
    command.arg("--verify").arg("--trusted-pem").arg(anchor);
    for id in ids {
        command.arg("--id-attr:Id").arg(id);
    }
    // It takes names of files as they are written, seen from the current folder.
    command.current_dir(file.parent().unwrap_or(Path::new("."))).arg(file);
    let said = tools::said("xmlsec1", &mut command)?;
    Ok(if said.ok() { Ok(()) } else { Err(format!("{} {}", said.out.trim(), said.err.trim())) })
}

/// Asks xmlsec1 about many files with one signature each, in one process; each must be right.
pub fn xmlsec1_all(files: &[PathBuf], anchors: &Path) -> Result<()> {
    for some in files.chunks(500) {
        let mut command = Command::new("xmlsec1");
        command.arg("--verify").arg("--trusted-pem").arg(anchors).args(some);
        tools::ok("xmlsec1", &mut command)?;
    }
    Ok(())
}

/// Asks signxml about files with one signature each, whose certificates must lead to this anchor.
pub fn signxml(files: &[PathBuf], anchor: &Path) -> Result<Vec<Verdict>> {
    let python = tools::python()?;
    in_groups(files, |some| {
        let script = tools::workspace_root().join("testkit/python/judge_xml.py");
        tools::ok(&python.to_string_lossy(), Command::new(&python).arg(script).arg(anchor).args(some))
    })
}

/// Asks Santuario about all signatures of files. It says nothing about trust.
pub fn santuario(files: &[PathBuf]) -> Result<Vec<Verdict>> {
    if let Some(jar) = CLASSES.split(':').find(|jar| !Path::new(jar).exists()) {
        bail!("{jar} is missing; `make test` installs what the tests need (libxml-security-java)");
    }
    in_groups(files, |some| {
        let program = tools::workspace_root().join("testkit/java/SantuarioXml.java");
        tools::ok("java", tools::java().args(["-cp", CLASSES]).arg(program).args(some))
    })
}

/// A command line has an end; many files go in several.
fn in_groups(files: &[PathBuf], mut ask: impl FnMut(&[PathBuf]) -> Result<String>) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::with_capacity(files.len());
    for some in files.chunks(1000) {
        let said = ask(some)?;
        let before = verdicts.len();
        verdicts.extend(said.lines().map(|line| match line.split_once(' ') {
            Some(("ok", _)) => Ok(()),
            _ => Err(line.to_owned()),
        }));
        if verdicts.len() - before != some.len() {
            bail!("{} files, but {} verdicts", some.len(), verdicts.len() - before);
        }
    }
    Ok(verdicts)
}
