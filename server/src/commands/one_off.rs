//! The configuration of one command: that of the file, if there is one, with what the command line says instead.

use crate::cli::{KeyArguments, LevelName, StampArguments};
use crate::config::{Config, ProfileConfig};
use anyhow::{Context, bail};
use model::Clock;
use std::path::{Path, PathBuf};

/// The name under which a command writes into a store that a server may be using at the same time: its own, so that its
/// audit chain is its own.
pub fn node_name() -> String {
    format!("cli-{}-{}", std::process::id(), model::SystemClock.now().micros())
}

/// The configuration to start from. No directory is watched.
pub fn config(file: Option<&Path>) -> anyhow::Result<Config> {
    let mut config = match file {
        Some(file) => Config::load(file)?,
        None => Config::parse("", "command line", &state_folder()?)?,
    };
    config.directory.clear();
    config.server.name = node_name();
    Ok(config)
}

/// Adds the key; gives the pool to sign with.
pub fn add_key(config: &mut Config, key: &KeyArguments) -> anyhow::Result<String> {
    let signer = match (&key.pkcs12, &key.token) {
        (Some(pkcs12), _) => Some(add_software(config, pkcs12, key)?),
        (None, Some(serial)) => Some(add_token(config, serial, key)?),
        (None, None) => None,
    };
    match (signer, config.pool.as_slice()) {
        (Some(signer), _) => {
            let text = format!("[[pool]]\nname = {COMMAND_LINE:?}\nsigners = [{}]\n", quoted(&signer));
            config.pool = fragment(&text)?.pool;
            Ok(COMMAND_LINE.to_owned())
        }
        (None, [only]) => Ok(only.name.get_ref().clone()),
        (None, []) => bail!("say who signs: --pkcs12 with --password-file, --token, or --config"),
        (None, _) => bail!("the configuration has several pools; name a --profile"),
    }
}

fn add_software(config: &mut Config, pkcs12: &Path, key: &KeyArguments) -> anyhow::Result<String> {
    let password = key.password_file.as_ref().context("--pkcs12 needs --password-file")?;
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

fn add_token(config: &mut Config, serial: &str, key: &KeyArguments) -> anyhow::Result<String> {
    config.software.clear();
    config.token.retain(|token| token.serial.get_ref() == serial);
    if let (None, Some(token)) = (&key.module, config.token.first()) {
        let wanted = |label: &Option<String>| key.label.is_none() || *label == key.label;
        let signer = token.signer.iter().find(|signer| wanted(&signer.label));
        return Ok(signer.context("the token has no such signer in the configuration")?.name.get_ref().clone());
    }
    let module = key.module.as_ref().context("--token needs --module, or a --config that names the token")?;
    let mut text = format!("[[token]]\nserial = {}\nmodule = {}\n", quoted(serial), quoted(&absolute(module)?));
    match &key.password_file {
        Some(file) => text += &format!("pin_file = {}\n", quoted(&absolute(file)?)),
        None => text += "pin_pad = true\n",
    }
    text += &format!("[[token.signer]]\nname = {COMMAND_LINE:?}\n");
    if let Some(label) = &key.label {
        text += &format!("label = {}\n", quoted(label));
    }
    config.token = parse(&text)?.token;
    Ok(COMMAND_LINE.to_owned())
}

/// Adds authorities and roots; gives the `[profile.stamp]` of a profile that asks all authorities, in their order.
pub fn add_stamps(config: &mut Config, stamps: &StampArguments) -> anyhow::Result<String> {
    if !stamps.tsa.is_empty() {
        let mut text = String::new();
        for (number, url) in stamps.tsa.iter().enumerate() {
            text += &format!("[[authority]]\nname = \"{COMMAND_LINE}-{number}\"\nurl = {}\n", quoted(url));
        }
        config.authority = parse(&text)?.authority;
    }
    for file in &stamps.trust {
        config.revocation.anchors.push(PathBuf::from(absolute(file)?));
    }
    if config.authority.is_empty() {
        bail!("say where time stamps come from: --tsa, or a --config with an [[authority]]");
    }
    let names: Vec<_> = config.authority.iter().map(|authority| quoted(authority.name.get_ref())).collect();
    Ok(format!("[profile.stamp]\nauthorities = [{}]\n", names.join(", ")))
}

/// The level as configuration calls it.
pub fn level(level: LevelName) -> &'static str {
    match level {
        LevelName::BB => "B-B",
        LevelName::BT => "B-T",
        LevelName::BLt => "B-LT",
        LevelName::BLta => "B-LTA",
    }
}

/// The profile in a text that begins with `[[profile]]`, checked.
pub fn profile(text: &str) -> anyhow::Result<ProfileConfig> {
    let profile = fragment(text)?.profile.pop().context("no profile")?;
    profile.check().map_err(|(_, what)| anyhow::anyhow!(what))?;
    Ok(profile)
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
pub fn quoted(text: &str) -> String {
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

/// What the things are called that the command line adds.
pub const COMMAND_LINE: &str = "command-line";
