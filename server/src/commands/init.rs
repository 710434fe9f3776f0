//! `sealmill init`: a working home.

use crate::assemble;
use crate::cli::Init;
use crate::config::Config;
use crate::demo_ca::DemoCa;
use actors::access::Access;
use actors::administration::NewUser;
use anyhow::{Context, bail};
use model::{GroupName, UserName};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
pub fn run(arguments: &Init) -> anyhow::Result<ExitCode> {
    make(&arguments.directory, arguments.postgres)?;
    super::say(&format!("made {}", arguments.directory.display()));
    let keys = arguments.directory.join("keys");
    super::say(&format!("users admin and application; their passwords: {}/*.password", keys.display()));
    super::say(&format!("start it with: sealmill serve --config {}", arguments.directory.join(FILE).display()));
    Ok(ExitCode::SUCCESS)
}

/// Name of the configuration in a home.
pub const FILE: &str = "sealmill.toml";

/// Makes a home, with its store in a file or in PostgreSQL. The configuration is written last: a home that has one is whole.
pub fn make(home: &Path, postgres: bool) -> anyhow::Result<()> {
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
    let text = match postgres {
        true => include_str!("../../../config/postgres.toml"),
        false => include_str!("../../../config/development.toml"),
    };
    let config = Config::parse(text, FILE, home)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(people(config, &keys, postgres)).context("the first users cannot be made")?;
    write(&home.join(FILE), text.as_bytes(), 0o644)
}

/// The first users, with what they are for.
const PEOPLE: [(&str, &str); 2] = [("admin", "administrator"), ("application", "signing-application")];

/// Makes the first users with random passwords, each in the group of its role.
async fn people(mut config: Config, keys: &Path, shared: bool) -> anyhow::Result<()> {
    config.server.name = super::one_off::node_name();
    let store = assemble::open_store(&config).await?;
    let (_, administration) = assemble::access(&config, &store).await?;
    let caller = Access::local(&assemble::tenant(&config)?, UserName::new("init")?);
    for (name, role) in PEOPLE {
        let (user, group) = (UserName::new(name)?, GroupName::new(role)?);
        let is_known = store.user(&caller.tenant, &user).await?.is_some();
        // A database that other servers share has its users already.
        if is_known && shared {
            continue;
        }
        // Left by an `init` that did not come to its end: only its password is not known any more.
        if is_known {
            administration.delete_user(&caller, &user).await?;
            administration.delete_group(&caller, &group).await?;
        }
        let password = crate::demo_ca::password()?;
        write(&keys.join(format!("{name}.password")), format!("{password}\n").as_bytes(), 0o600)?;
        administration.create_group(&caller, &group, Some(role)).await?;
        let new = NewUser { name: user, title: String::new(), password: Some(password.into()), groups: vec![group] };
        administration.create_user(&caller, new).await?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.with_context(|| format!("{} cannot be written", path.display()))
}
