//! Hands files to the pipeline for a command and says what became of each.

use super::{EVENT_HEADER, event_json, event_row, exit_code, say};
use crate::assemble;
use crate::config::Config;
use crate::table::table;
use actors::batch::{self, Submission};
use actors::services::{Running, Services, Setup, TokenSetup};
use actors::token::roster::TokenState;
use anyhow::{Context, bail};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use model::profile::{Format, PoolName};
use model::{Profile, TokenSerial};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a command wants done.
pub struct Work {
    /// With which signers, authorities and store.
    pub config: Config,
    /// What is made of each file.
    pub profile: Arc<Profile>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// All files make up one document.
    pub together: bool,
    /// The document that a detached signature is about.
    pub original: Option<PathBuf>,
    /// The folder for results.
    pub output: PathBuf,
}

/// Does it, with a line for each file.
pub fn run(work: Work, as_json: bool) -> anyhow::Result<ExitCode> {
    super::system(&work.config)?.block_on(submit(work, as_json))
}

async fn submit(work: Work, as_json: bool) -> anyhow::Result<ExitCode> {
    let Work { config, profile, files, together, original, output } = work;
    std::fs::create_dir_all(&output).with_context(|| format!("{} cannot be made", output.display()))?;
    let store = assemble::open_store(&config).await?;
    let (setup, broken) = assemble::setup(&config, store, &[])?;
    if let Some(broken) = broken.first() {
        bail!("{}: {}", broken.part, broken.reason);
    }
    let tenant = setup.tenant.clone();
    let tokens = tokens_of(&setup, &profile.pool);
    let running = Services::start(setup);
    if profile.format.signs() {
        ready(&running, &profile.pool, &tokens).await?;
    } else if profile.format == Format::Decrypted {
        some_token_ready(&running).await?;
    }
    let bar = if as_json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(files.len() as u64).with_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec}")?)
    };
    let submission = Submission {
        tenant,
        door: format!("cli:{}", std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned())),
        files,
        together,
        original,
        output,
        profile,
        in_flight_max: config.server.documents_in_flight_max,
    };
    let started = Instant::now();
    let mut events = Vec::new();
    {
        let stream = batch::run(running.services.clone(), submission).await?;
        let mut stream = std::pin::pin!(stream);
        while let Some(event) = stream.next().await {
            bar.inc(1);
            if as_json {
                say(&event_json(&event).to_string());
            }
            events.push(event);
        }
    }
    let took = started.elapsed();
    bar.finish_and_clear();
    running.shut_down(Duration::from_millis(config.server.shutdown_timeout_ms)).await;
    if !as_json {
        let rows: Vec<_> = events.iter().map(event_row).collect();
        say(table(&EVENT_HEADER, &rows).trim_end());
        say(&format!("{} files in {:.0} ms", events.len(), took.as_secs_f64() * 1e3));
    }
    Ok(exit_code(events.iter().map(|event| &event.outcome)))
}

/// The tokens that hold the pool's signers.
pub fn tokens_of(setup: &Setup, pool: &PoolName) -> Vec<TokenSerial> {
    let signers: Vec<_> =
        setup.pools.iter().filter(|(name, _)| name == pool).flat_map(|(_, signers)| signers).collect();
    let holds = |token: &&TokenSetup| token.settings.signers.iter().any(|signer| signers.contains(&&signer.name));
    setup.tokens.iter().filter(holds).map(|token| token.settings.serial.clone()).collect()
}

/// Waits until somebody of the pool, which these tokens make up, can sign; if nobody will, says why.
pub async fn ready(running: &Running, pool: &PoolName, tokens: &[TokenSerial]) -> anyhow::Result<()> {
    until_ready(running, tokens, || running.services.router.any_up(pool)).await
}

/// Waits until some token can be asked to open something; if none will, says why.
async fn some_token_ready(running: &Running) -> anyhow::Result<()> {
    let tokens: Vec<_> = running.services.roster.tokens().iter().map(|view| view.status().serial).collect();
    until_ready(running, &tokens, || running.services.some_signer_ready()).await
}

async fn until_ready(running: &Running, tokens: &[TokenSerial], is_ready: impl Fn() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_PATIENCE;
    while !is_ready() {
        let views = running.services.roster.tokens().iter();
        let states: Vec<_> = views.map(|view| view.status()).filter(|status| tokens.contains(&status.serial)).collect();
        let reasons = states.iter().filter_map(|status| {
            Some(format!("token {} is {}: {}", status.serial, status.state.word(), status.reason.as_ref()?))
        });
        let hopeless = |state| matches!(state, TokenState::Blocked | TokenState::Restarting | TokenState::Stuck);
        if states.iter().all(|status| hopeless(status.state)) || Instant::now() > deadline {
            let reasons: Vec<_> = reasons.collect();
            bail!(
                "no signer is ready; {}",
                if reasons.is_empty() { "no token is there".to_owned() } else { reasons.join("; ") }
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

const READY_PATIENCE: Duration = Duration::from_secs(20);
