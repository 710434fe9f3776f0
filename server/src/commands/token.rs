//! `sealmill token`: look at tokens without logging in, and permit one further login.

use super::say;
use crate::assemble;
use crate::cli::{TokenArguments, TokenCommand};
use crate::config::Config;
use crate::table::table;
use anyhow::{Context, bail};
use model::{Clock, SystemClock, TokenSerial};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::LoginRow;
use token::{Host, HostCommand, PinState, SlotListing};

/// Runs the command.
pub fn run(arguments: &TokenArguments, as_json: bool) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        TokenCommand::List { config, module } => list(config.as_deref(), module.as_deref(), as_json),
        TokenCommand::Unblock { serial, config, operator } => unblock(serial, config, operator),
    }
}

fn list(config: Option<&Path>, module: Option<&Path>, as_json: bool) -> anyhow::Result<ExitCode> {
    let config = config.map(Config::load).transpose()?;
    let mut modules: Vec<PathBuf> = module.map(Path::to_owned).into_iter().collect();
    let mut expected: Vec<String> = Vec::new();
    let mut logins = BTreeMap::new();
    if let Some(mut config) = config {
        for token in &config.token {
            expected.push(token.serial.get_ref().clone());
            modules.push(config.path(&token.module));
        }
        config.server.name = super::one_off::node_name();
        logins = super::system(&config)?.block_on(login_states(&config))?;
    } else if modules.is_empty() {
        bail!("name a --module or a --config");
    }
    modules.sort();
    modules.dedup();
    let mut missing = false;
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    for module in &modules {
        // In a child process: a module that crashes while being looked at ends only that.
        let slots = Host::new(HostCommand::this_program()?, module).list_slots();
        let slots = match slots {
            Ok(slots) => slots,
            Err(fault) => {
                missing = true;
                lines.push(json!({ "module": module, "error": fault.to_string() }));
                rows.push(vec![module.display().to_string(), "-".into(), fault.to_string()]);
                continue;
            }
        };
        for slot in &slots {
            if let Some(Ok(token)) = &slot.token {
                expected.retain(|serial| *serial != *token.info.serial.0);
            }
            lines.push(slot_json(module, slot, &logins));
            rows.extend(slot_rows(module, slot, &logins));
        }
    }
    for serial in &expected {
        missing = true;
        lines.push(json!({ "serial": serial, "error": "the token is not there" }));
        rows.push(vec!["-".into(), "-".into(), "the token is not there".into(), serial.clone()]);
    }
    if as_json {
        lines.iter().for_each(|line| say(&line.to_string()));
    } else {
        let header = ["module", "slot", "label", "serial", "PIN", "certificates", "mechanisms"];
        say(table(&header, &rows).trim_end());
    }
    Ok(ExitCode::from(u8::from(missing)))
}

async fn login_states(config: &Config) -> anyhow::Result<BTreeMap<String, LoginRow>> {
    let store = assemble::open_store(config).await?;
    let rows = store.login_states(&assemble::tenant(config)?).await?;
    Ok(rows.into_iter().map(|row| (row.serial.to_string(), row)).collect())
}

fn slot_rows(module: &Path, slot: &SlotListing, logins: &BTreeMap<String, LoginRow>) -> Vec<Vec<String>> {
    let first = vec![module.display().to_string(), slot.slot.to_string()];
    let with = |cells: Vec<String>| [first.clone(), cells].concat();
    match &slot.token {
        None => vec![with(vec![format!("(empty) {}", slot.description)])],
        Some(Err(fault)) => vec![with(vec![fault.to_string()])],
        Some(Ok(token)) => {
            let certificates: Vec<String> = token
                .certificates
                .iter()
                .map(|c| match c.kind {
                    Some(kind) => format!("{} ({}, {kind})", c.label, c.subject),
                    None => format!("{} ({}, not for signing)", c.label, c.subject),
                })
                .collect();
            let signing = token
                .mechanisms
                .iter()
                .filter(|name| ["CKM_RSA_PKCS", "CKM_RSA_PKCS_PSS", "CKM_ECDSA", "CKM_EDDSA"].contains(&name.as_str()));
            let mechanisms: Vec<&str> = signing.map(|name| name.trim_start_matches("CKM_")).collect();
            vec![with(vec![
                token.info.label.clone(),
                token.info.serial.to_string(),
                pin_words(&token.info.pin, logins.get(&*token.info.serial.0)),
                certificates.join(", "),
                mechanisms.join(" "),
            ])]
        }
    }
}

fn pin_words(pin: &PinState, login: Option<&LoginRow>) -> String {
    let flags = [
        (!pin.initialised, "not set"),
        (pin.locked, "LOCKED"),
        (pin.final_try, "FINAL TRY"),
        (pin.count_low, "wrong tries counted"),
        (pin.must_change, "must be changed"),
        (pin.pad, "at the reader"),
    ];
    let mut words: Vec<String> = flags.iter().filter(|(set, _)| *set).map(|(_, word)| (*word).to_owned()).collect();
    if let Some(login) = login.filter(|login| login.state != store::LoginState::Free) {
        words.push(format!("{} by {}: {}", login.state.word(), login.node, login.why.as_deref().unwrap_or("-")));
    }
    if words.is_empty() { "ok".to_owned() } else { words.join(", ") }
}

fn slot_json(module: &Path, slot: &SlotListing, logins: &BTreeMap<String, LoginRow>) -> Value {
    let mut line = json!({ "module": module, "slot": slot.slot, "description": slot.description });
    match &slot.token {
        None => {}
        Some(Err(fault)) => line["error"] = fault.to_string().into(),
        Some(Ok(token)) => {
            let pin = &token.info.pin;
            line["label"] = token.info.label.as_str().into();
            line["serial"] = token.info.serial.to_string().into();
            line["pin"] = json!({
                "set": pin.initialised, "pad": pin.pad, "count_low": pin.count_low, "final_try": pin.final_try,
                "locked": pin.locked, "must_change": pin.must_change,
                "login": logins.get(&*token.info.serial.0).map_or("free", |login| login.state.word()),
            });
            line["mechanisms"] = token.mechanisms.clone().into();
            line["certificates"] = token
                .certificates
                .iter()
                .map(|c| json!({ "label": c.label, "subject": c.subject, "key": c.kind.map(|kind| kind.to_string()) }))
                .collect();
        }
    }
    line
}

fn unblock(serial: &str, config: &Path, operator: &str) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(config)?;
    config.server.name = super::one_off::node_name();
    super::system(&config)?.block_on(async {
        let store = assemble::open_store(&config).await?;
        let serial_number = TokenSerial(serial.into());
        let tenant = assemble::tenant(&config)?;
        let cleared = store.login_clear(&tenant, &serial_number, operator, SystemClock.now()).await;
        if cleared.context("the block could not be lifted")? {
            say(&format!("one further login of token {serial} is permitted; a running server tries it within seconds"));
        } else {
            say(&format!("token {serial} was not blocked"));
        }
        Ok(ExitCode::SUCCESS)
    })
}
