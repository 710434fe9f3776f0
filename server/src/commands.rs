//! One file for each command. Only what is here prints.

pub mod access;
pub mod audit;
pub mod bench;
pub mod call;
pub mod decrypt;
pub mod demo;
pub mod encrypt;
pub mod extend;
pub mod init;
pub mod one_off;
pub mod pool;
pub mod serve;
pub mod sign;
pub mod soap_request;
pub mod submit;
pub mod timestamp;
pub mod token;
pub mod trust;
pub mod trust_batch;
pub mod verify;

use crate::cli::Arguments;
use crate::config::Config;
use actix::SystemRunner;
use actors::services::DocumentEvent;
use anyhow::Context;
use model::Outcome;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Everything was done.
pub const EXIT_DONE: u8 = 0;
/// Some documents were rejected.
pub const EXIT_REJECTED: u8 = 1;
/// Some documents were deferred, none rejected.
pub const EXIT_DEFERRED: u8 = 2;
/// Nothing could be started.
pub const EXIT_SETUP: u8 = 3;

/// Logs go to standard error, so that results on standard output can be piped.
pub fn log(arguments: &Arguments) {
    // A command for a person says what it has to say itself.
    let quiet = !matches!(arguments.command, crate::cli::Command::Serve(_)) && arguments.log == "info";
    let filter = if quiet { "warn" } else { &arguments.log };
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if arguments.log_json {
        logs.json().init();
    } else {
        logs.with_ansi(std::io::stderr().is_terminal()).init();
    }
}

/// One line on standard output. A reader that has gone away is no reason to fail.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// An error on standard error, with what caused it.
pub fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "sealmill: {error:#}");
}

/// The runtime: actors on this thread, documents on as many threads as there are processors, blocking work on a bounded
/// number of others.
pub fn system(config: &Config) -> anyhow::Result<SystemRunner> {
    // Every token may keep one thread in a call that does not return; documents must not wait for it.
    let blocking = config.server.io_threads + 2 * (config.token.len() + config.software.len()) + 4;
    let blocking = blocking + config.access.threads();
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(blocking).enable_all().build();
    let runtime = runtime.context("the runtime cannot be started")?;
    Ok(actix::System::with_tokio_rt(move || runtime))
}

/// The exit code for a set of outcomes.
pub fn exit_code<'o>(outcomes: impl Iterator<Item = &'o Outcome>) -> ExitCode {
    let code = |outcome: &Outcome| match outcome {
        Outcome::Done => EXIT_DONE,
        Outcome::Rejected(_) => EXIT_REJECTED,
        Outcome::Deferred(_) => EXIT_DEFERRED,
    };
    // Rejected is worse than deferred, whatever their numbers.
    let worst = |a: u8, b: u8| if a == EXIT_REJECTED || b == EXIT_REJECTED { EXIT_REJECTED } else { a.max(b) };
    ExitCode::from(outcomes.map(code).fold(EXIT_DONE, worst))
}

/// A document's end as a JSON line.
pub fn event_json(event: &DocumentEvent) -> Value {
    let reason = event.outcome.reason();
    json!({
        "file": event.name,
        "format": event.format,
        "signer": event.signer,
        "outcome": event.outcome.word(),
        "code": reason.map(|reason| reason.code),
        "reason": reason.map(|reason| reason.sentence.as_str()),
        "micros": event.micros,
        "place": event.place.as_ref().map(|place| place.to_string_lossy()),
    })
}

/// A document's end as a row for people: file, format, signer, outcome, milliseconds, where it is.
pub fn event_row(event: &DocumentEvent) -> Vec<String> {
    let dash = || "-".to_owned();
    let place = match (&event.place, event.outcome.reason()) {
        (_, Some(reason)) => reason.to_string(),
        (Some(place), None) => place.display().to_string(),
        (None, None) => dash(),
    };
    vec![
        event.name.clone(),
        event.format.clone().unwrap_or_else(dash),
        event.signer.clone().unwrap_or_else(dash),
        event.outcome.word().to_owned(),
        format!("{:.1}", event.micros as f64 / 1_000.0),
        place,
    ]
}

/// The header above [`event_row`].
pub const EVENT_HEADER: [&str; 6] = ["file", "format", "signer", "outcome", "ms", "where it is"];
