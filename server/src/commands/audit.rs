//! `sealmill audit verify`.

use super::say;
use crate::assemble;
use crate::cli::{Audit, AuditCommand};
use crate::config::Config;
use serde_json::json;
use std::collections::BTreeSet;
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
    // A home of before there were tenants has entries of one that is in no table.
    let mut tenants = BTreeSet::from([assemble::tenant(&config)?]);
    tenants.extend(store.tenants().await?.into_iter().map(|row| row.tenant));
    let (mut entries, mut chains, mut broken) = (0, 0, Vec::new());
    for tenant in &tenants {
        let verdict = store.verify_audit(tenant, &[]).await?;
        entries += verdict.entries;
        chains += verdict.heads.len();
        let place = if tenants.len() > 1 { format!("tenant {tenant}, ") } else { String::new() };
        broken.extend(
            verdict.breaks.iter().map(|found| {
                format!("{place}server {}, entry {}: {}", found.node, found.number, sentence(found.fault))
            }),
        );
    }
    if as_json {
        let line = json!({ "entries": entries, "chains": chains, "tenants": tenants.len(), "breaks": broken });
        say(&line.to_string());
    } else {
        say(&format!("{entries} entries in {chains} chains of {} tenants", tenants.len()));
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
