//! `sealmill audit verify`.

use super::say;
use crate::assemble;
use crate::cli::{Audit, AuditCommand};
use crate::config::Config;
use serde_json::json;
use std::process::ExitCode;
use store::ChainFault;

/// Runs the command.
pub fn run(arguments: &Audit, as_json: bool) -> anyhow::Result<ExitCode> {
    let AuditCommand::Verify { config } = &arguments.command;
    let mut config = Config::load(config)?;
    config.server.name = super::one_off::node_name();
    super::system(&config)?.block_on(verify(config, as_json))
}

async fn verify(config: Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let store = assemble::open_store(&config).await?;
    let verdict = store.verify_audit(&assemble::tenant(&config)?, &[]).await?;
    let broken: Vec<String> = verdict
        .breaks
        .iter()
        .map(|found| format!("server {}, entry {}: {}", found.node, found.number, sentence(found.fault)))
        .collect();
    if as_json {
        say(&json!({ "entries": verdict.entries, "chains": verdict.heads.len(), "breaks": broken }).to_string());
    } else {
        say(&format!("{} entries in {} chains", verdict.entries, verdict.heads.len()));
        for line in &broken {
            say(line);
        }
        say(if broken.is_empty() { "unbroken" } else { "BROKEN" });
    }
    Ok(ExitCode::from(u8::from(!broken.is_empty())))
}

fn sentence(fault: ChainFault) -> String {
    match fault {
        ChainFault::Altered => "it is not what was written".to_owned(),
        ChainFault::Missing { entries } => format!("{entries} entries before it are missing"),
        ChainFault::Inserted => "it has a number that no server gives".to_owned(),
        ChainFault::HeadLost => "the end of the chain that was known before is gone".to_owned(),
    }
}
