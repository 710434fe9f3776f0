//! `sealmill demo`, behind `make run`: from nothing to signed invoices, without a question.

use super::serve::{Server, told_to_end};
use super::{EVENT_HEADER, event_row, exit_code, init, say};
use crate::cli::Demo;
use crate::config::Config;
use crate::table::table;
use actors::services::DocumentEvent;
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use model::Outcome;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Runs the command.
pub fn run(arguments: &Demo) -> anyhow::Result<ExitCode> {
    let file = arguments.home.join(init::FILE);
    if !file.exists() {
        init::make(&arguments.home, arguments.postgres)?;
        say(&format!("made a home in {}: configuration, demo CA, two software signers", arguments.home.display()));
    }
    let config = Config::load(&file)?;
    super::system(&config)?.block_on(demo(config, arguments))
}

async fn demo(config: Config, arguments: &Demo) -> anyhow::Result<ExitCode> {
    let Some(directory) = config.directory.first() else { bail!("the home has no watched directory") };
    let [input, ..] = config.folders(directory);
    let samples = samples(&arguments.samples)?;
    let server = Server::start(&config).await?;
    let mut events = server.running.services.events.subscribe();
    std::fs::create_dir_all(&input).with_context(|| format!("{} cannot be made", input.display()))?;
    // The directory is watched from its first look on; what comes earlier has to rest first like any file of unknown age.
    super::serve::idle(&server.running.services).await;
    let started = Instant::now();
    for sample in &samples {
        put(sample, &input)?;
    }
    say(&format!("put {} invoices into {}", samples.len(), input.display()));
    let (ended, took) = watch(&mut events, samples.len(), started).await?;
    let rows: Vec<_> = ended.iter().map(event_row).collect();
    say("");
    say(table(&EVENT_HEADER, &rows).trim_end());
    let done = ended.iter().filter(|event| event.outcome == Outcome::Done).count();
    say(&format!(
        "\n{:.0} signatures per second ({done} in {:.0} ms)",
        done as f64 / took.as_secs_f64(),
        took.as_secs_f64() * 1e3
    ));
    let code = if ended.len() < samples.len() {
        say(&format!("{} of {} files have no outcome yet", samples.len() - ended.len(), samples.len()));
        ExitCode::from(super::EXIT_DEFERRED)
    } else {
        exit_code(ended.iter().map(|event| &event.outcome))
    };
    if let Some(address) = server.address {
        say(&format!("metrics: http://{address}/metrics"));
    }
    for url in server.urls() {
        say(&format!("applications: {url} (SOAP; WSDL: {url}?wsdl; REST: {url}v1/openapi.json)"));
    }
    if let Some(url) = server.urls().last() {
        let password = arguments.home.join("keys/application.password");
        say(&format!(
            "call it: sealmill soap-request sign --url {url} --user application --password-file {} --set \
             profile=invoices --file FILE",
            password.display()
        ));
    }
    let ca = arguments.home.join("keys/demo-ca.pem");
    say(&format!(
        "check one: pdfsig FILE, or openssl cms -verify -binary -inform DER -in FILE.pkcs7 -content FILE -CAfile {} -purpose any -out /dev/null",
        ca.display()
    ));
    if !arguments.once {
        say(&format!("watching {}; Ctrl-C ends", input.display()));
        told_to_end()?.await;
    }
    server.end(&config).await;
    Ok(code)
}

/// Regular files with the endings of invoices, by name.
fn samples(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let is_invoice = |path: &PathBuf| path.extension().is_some_and(|end| end == "pdf" || end == "xml");
    let mut samples: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_invoice).collect();
    if samples.is_empty() {
        bail!("{} holds no .pdf and no .xml file", folder.display());
    }
    samples.sort();
    Ok(samples)
}

/// Copies under a hidden name and renames, as every careful program hands over a file.
fn put(sample: &Path, input: &Path) -> anyhow::Result<()> {
    let name = sample.file_name().context("a sample has no name")?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    std::fs::copy(sample, input.join(&hidden))
        .and_then(|_| std::fs::rename(input.join(&hidden), input.join(name)))
        .with_context(|| format!("{} cannot be put into {}", sample.display(), input.display()))
}

/// Collects outcomes until all are there.
async fn watch(
    events: &mut Receiver<DocumentEvent>,
    wanted: usize,
    started: Instant,
) -> anyhow::Result<(Vec<DocumentEvent>, Duration)> {
    let bar = ProgressBar::new(wanted as u64)
        .with_style(ProgressStyle::with_template("signing {bar:40} {pos}/{len} {per_sec}")?);
    let mut ended = Vec::with_capacity(wanted);
    let mut last = started;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while ended.len() < wanted {
        match tokio::time::timeout_at(deadline, events.recv()).await {
            Ok(Ok(event)) => {
                last = Instant::now();
                bar.inc(1);
                ended.push(event);
            }
            Ok(Err(RecvError::Lagged(_))) => {}
            Ok(Err(RecvError::Closed)) | Err(_) => break,
        }
    }
    bar.finish_and_clear();
    ended.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((ended, last - started))
}

const PATIENCE: Duration = Duration::from_secs(60);
