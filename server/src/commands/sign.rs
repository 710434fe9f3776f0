//! `sealmill sign`: sign files now and say what became of each.

use super::{EVENT_HEADER, event_json, event_row, exit_code, say};
use crate::assemble;
use crate::cli::{DigestName, FormatName, Sign};
use crate::config::{Config, ProfileConfig};
use crate::table::table;
use actors::batch::{self, Submission};
use actors::services::{Running, Services, Setup, TokenSetup};
use actors::token::roster::TokenState;
use anyhow::{Context, bail};
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use model::profile::PoolName;
use model::{Clock, Profile, TokenSerial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs the command.
pub fn run(arguments: &Sign, as_json: bool) -> anyhow::Result<ExitCode> {
    let (config, profile) = plan(arguments)?;
    super::system(&config)?.block_on(sign(config, profile, arguments, as_json))
}

/// The name under which a command writes into a store that a server may be using at the same time: its own, so that its
/// audit chain is its own.
pub fn node_name() -> String {
    format!("cli-{}-{}", std::process::id(), model::SystemClock.now().micros())
}

/// The configuration to run with and the profile to sign with.
fn plan(arguments: &Sign) -> anyhow::Result<(Config, Arc<Profile>)> {
    let mut config = match &arguments.config {
        Some(file) => Config::load(file)?,
        None => Config::parse("", "command line", &state_folder()?)?,
    };
    config.directory.clear();
    config.server.name = node_name();
    if let Some(name) = &arguments.profile {
        let profile = assemble::profile(&config, name)?;
        return Ok((config, profile));
    }
    let pool = match (&arguments.pkcs12, &arguments.token) {
        (Some(pkcs12), _) => Some(add_software(&mut config, pkcs12, arguments)?),
        (None, Some(serial)) => Some(add_token(&mut config, serial, arguments)?),
        (None, None) => None,
    };
    let pool = match (pool, config.pool.as_slice()) {
        (Some(signer), _) => {
            let text = format!("[[pool]]\nname = {COMMAND_LINE:?}\nsigners = [{}]\n", quoted(&signer));
            config.pool = fragment(&text)?.pool;
            COMMAND_LINE.to_owned()
        }
        (None, [only]) => only.name.get_ref().clone(),
        (None, []) => bail!("say who signs: --pkcs12 with --password-file, --token, or --config"),
        (None, _) => bail!("the configuration has several pools; name a --profile"),
    };
    let profile = profile(arguments, &pool)?.resolve(&config.home, None).map_err(anyhow::Error::msg)?;
    Ok((config, Arc::new(profile)))
}

fn add_software(config: &mut Config, pkcs12: &Path, arguments: &Sign) -> anyhow::Result<String> {
    let password = arguments.password_file.as_ref().context("--pkcs12 needs --password-file")?;
    let text = format!(
        "[[software]]\nname = {COMMAND_LINE:?}\npkcs12 = {}\npassword_file = {}\nsessions = {}\n",
        quoted(&absolute(pkcs12)?),
        quoted(&absolute(password)?),
        std::thread::available_parallelism().map_or(1, usize::from),
    );
    config.software = parse(&text)?.software;
    config.token.clear();
    Ok(COMMAND_LINE.to_owned())
}

fn add_token(config: &mut Config, serial: &str, arguments: &Sign) -> anyhow::Result<String> {
    config.software.clear();
    config.token.retain(|token| token.serial.get_ref() == serial);
    if let (None, Some(token)) = (&arguments.module, config.token.first()) {
        let wanted = |label: &Option<String>| arguments.label.is_none() || *label == arguments.label;
        let signer = token.signer.iter().find(|signer| wanted(&signer.label));
        return Ok(signer.context("the token has no such signer in the configuration")?.name.get_ref().clone());
    }
    let module = arguments.module.as_ref().context("--token needs --module, or a --config that names the token")?;
    let mut text = format!("[[token]]\nserial = {}\nmodule = {}\n", quoted(serial), quoted(&absolute(module)?));
    match &arguments.password_file {
        Some(file) => text += &format!("pin_file = {}\n", quoted(&absolute(file)?)),
        None => text += "pin_pad = true\n",
    }
    text += &format!("[[token.signer]]\nname = {COMMAND_LINE:?}\n");
    if let Some(label) = &arguments.label {
        text += &format!("label = {}\n", quoted(label));
    }
    config.token = parse(&text)?.token;
    Ok(COMMAND_LINE.to_owned())
}

fn profile(arguments: &Sign, pool: &str) -> anyhow::Result<ProfileConfig> {
    let format = match arguments.format {
        Some(FormatName::Cms) => "cms",
        Some(FormatName::Cades) => "cades",
        Some(FormatName::Pdf) => "pdf",
        Some(FormatName::Pades) => "pades",
        // PDFs inside, everything else beside: what `make run` does, too.
        None => "pades",
    };
    let digest = match arguments.digest {
        DigestName::Sha256 => "SHA-256",
        DigestName::Sha384 => "SHA-384",
        DigestName::Sha512 => "SHA-512",
    };
    // Without a format everything can be signed, so documents that are no PDF get a signature beside them.
    let detached = arguments.detached || arguments.format.is_none();
    let otherwise = if arguments.format.is_none() { "otherwise = \"cades\"\n" } else { "" };
    let padding = if arguments.pss { "pss" } else { "pkcs1" };
    let text = format!(
        "[[profile]]\nname = {COMMAND_LINE:?}\npool = {}\nformat = \"{format}\"\n{otherwise}detached = {detached}\n\
         digest = \"{digest}\"\npadding = \"{padding}\"\n",
        quoted(pool)
    );
    fragment(&text)?.profile.pop().context("no profile")
}

/// A complete small configuration.
fn parse(text: &str) -> anyhow::Result<Config> {
    Ok(Config::parse(text, "command line", Path::new("."))?)
}

/// A piece of a configuration whose names lead outside of it.
fn fragment(text: &str) -> anyhow::Result<Config> {
    toml::from_str(text).context("the command line cannot be turned into a configuration")
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn absolute(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    path.into_os_string().into_string().map_err(|path| anyhow::anyhow!("{} is not UTF-8", path.display()))
}

/// Where the record of login attempts is kept when no configuration names a store: a PIN is not tried twice there either.
fn state_folder() -> anyhow::Result<PathBuf> {
    let folder = match (std::env::var_os("XDG_STATE_HOME"), std::env::var_os("HOME")) {
        (Some(state), _) if !state.is_empty() => PathBuf::from(state).join("sealmill"),
        (_, Some(home)) => PathBuf::from(home).join(".local/state/sealmill"),
        _ => bail!("neither XDG_STATE_HOME nor HOME is set; name a --config"),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

async fn sign(config: Config, profile: Arc<Profile>, arguments: &Sign, as_json: bool) -> anyhow::Result<ExitCode> {
    let output = &arguments.output;
    std::fs::create_dir_all(output).with_context(|| format!("{} cannot be made", output.display()))?;
    let store = assemble::open_store(&config).await?;
    let (setup, broken) = assemble::setup(&config, store)?;
    if let Some(broken) = broken.first() {
        bail!("{}: {}", broken.part, broken.reason);
    }
    let tenant = setup.tenant.clone();
    let tokens = tokens_of(&setup, &profile.pool);
    let running = Services::start(setup);
    ready(&running, &profile.pool, &tokens).await?;
    let submission = Submission {
        tenant,
        door: format!("cli:{}", std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned())),
        files: arguments.files.clone(),
        output: output.clone(),
        profile,
        in_flight_max: config.server.documents_in_flight_max,
    };
    let bar = if as_json {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(arguments.files.len() as u64)
            .with_style(ProgressStyle::with_template("signing {bar:40} {pos}/{len} {per_sec}")?)
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
    let deadline = Instant::now() + READY_PATIENCE;
    while !running.services.router.any_up(pool) {
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

const COMMAND_LINE: &str = "command-line";
const READY_PATIENCE: Duration = Duration::from_secs(20);
