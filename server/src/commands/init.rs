//! `sealmill init`: a working home.

use crate::cli::Init;
use crate::demo_ca::DemoCa;
use anyhow::{Context, bail};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
pub fn run(arguments: &Init) -> anyhow::Result<ExitCode> {
    make(&arguments.directory)?;
    super::say(&format!("made {}", arguments.directory.display()));
    super::say(&format!("start it with: sealmill serve --config {}", arguments.directory.join(FILE).display()));
    Ok(ExitCode::SUCCESS)
}

/// Name of the configuration in a home.
pub const FILE: &str = "sealmill.toml";

/// Makes a home. The configuration is written last: a home that has one is whole.
pub fn make(home: &Path) -> anyhow::Result<()> {
    if home.join(FILE).exists() {
        bail!("{} has a {FILE} already", home.display());
    }
    let keys = home.join("keys");
    std::fs::create_dir_all(&keys).with_context(|| format!("{} cannot be made", keys.display()))?;
    let ca = DemoCa::new().context("the demo CA cannot be made")?;
    write(&keys.join("demo-ca.pem"), &ca.certificate_pem()?, 0o644)?;
    for (name, kind) in [("seal-1", crate::demo_ca::Kind::Rsa3072), ("seal-2", crate::demo_ca::Kind::P256)] {
        let password = crate::demo_ca::password()?;
        let pkcs12 = ca.issue(name, kind, &password)?;
        write(&keys.join(format!("{name}.p12")), &pkcs12, 0o600)?;
        write(&keys.join(format!("{name}.password")), format!("{password}\n").as_bytes(), 0o600)?;
    }
    let (certificate, key) = ca.issue_server()?;
    write(&keys.join("api.pem"), &certificate, 0o644)?;
    write(&keys.join("api.key.pem"), &key, 0o600)?;
    for folder in ["in", "out", "done", "error"] {
        let folder = home.join("invoices").join(folder);
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let text = include_str!("../../../config/development.toml");
    write(&home.join(FILE), text.as_bytes(), 0o644)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
