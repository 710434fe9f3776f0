//! The wiring: from a configuration to running services, top to bottom in the order things start.

pub mod documents;

use crate::api::Parts;
use crate::certificates;
use crate::config::api::ApiConfig;
use crate::config::{Config, DirectoryConfig, Isolation, TokenConfig, VerifyConfig};
use crate::key_file::KeyFile;
use crate::{secret, verification};
use actors::access::{Access, RevocationMode};
use actors::administration::Administration;
use actors::directory::judge::Judging;
use actors::directory::{DirectorySettings, Task};
use actors::levels::Levels;
use actors::measure;
use actors::naming::Naming;
use actors::pipeline::Patience;
use actors::revocation::Collector;
use actors::services::{Services, Setup, TokenSetup};
use actors::timestamp::{TimeStampSettings, TimeStamper};
use actors::token::actor::{PinLoader, Select, SignerSettings, TokenSettings};
use actors::token::roster::TokenState;
use actors::verification::Verification;
use anyhow::Context;
use formats::evidence::Evidence;
use model::profile::PoolName;
use model::{Clock, Profile, SignerName, SystemClock, TenantId, TokenSerial};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Store, StoreConfig};
use token::{Fault, Host, HostCommand, HostedToken, Module, Pin, Pkcs11Token, Token};
use toml::Spanned;
use trust::Anchor;

/// Something of the configuration that cannot work now; everything else runs.
#[derive(Debug)]
pub struct Broken {
    /// What.
    pub part: Part,
    /// Why.
    pub reason: String,
}

/// A part of the configuration that can be left out.
#[derive(Debug)]
pub enum Part {
    /// A watched directory, by name.
    Directory(String),
    /// A token, by serial number.
    Token(TokenSerial),
    /// A time-stamping authority, by name.
    Authority(String),
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Directory(name) => write!(f, "directory \"{name}\""),
            Part::Token(serial) => write!(f, "token {serial}"),
            Part::Authority(name) => write!(f, "authority \"{name}\""),
        }
    }
}

impl Broken {
    /// Shows it to whoever watches the metrics, as if it ran and did not work.
    pub fn show(&self) {
        match &self.part {
            Part::Directory(name) => metrics::gauge!(measure::DIRECTORY_UP, "directory" => name.clone()).set(0.0),
            // Its meters say that it is not asked.
            Part::Authority(_) => {}
            Part::Token(serial) => {
                for state in TokenState::ALL {
                    let value = if state == TokenState::Absent { 1.0 } else { 0.0 };
                    let labels = [("token", serial.to_string()), ("state", state.word().to_owned())];
                    metrics::gauge!(measure::TOKEN_STATE, &labels).set(value);
                }
            }
        }
    }
}

/// Opens the store that the configuration names.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let store = &config.store;
    let settings = match (&store.url_file, &store.url_env) {
        (Some(file), _) => StoreConfig::Postgres {
            url: secret::from_file(&config.path(file)).map_err(anyhow::Error::msg)?,
            pool_size: store.pool_size,
        },
        (None, Some(variable)) => StoreConfig::Postgres {
            url: secret::from_environment(variable).map_err(anyhow::Error::msg)?,
            pool_size: store.pool_size,
        },
        (None, None) => {
            let path = store.path.as_deref().unwrap_or(Path::new("sealmill.sqlite"));
            StoreConfig::Sqlite { path: config.path(path) }
        }
    };
    Store::open(&settings, &config.server.name).await.context("the store cannot be opened")
}

/// Whoever checks credentials and administers users. The tenant of the configuration is made if it is not there.
pub async fn access(config: &Config, store: &Store) -> anyhow::Result<(Access, Administration)> {
    let (tenant, clock) = (tenant(config)?, Arc::new(SystemClock) as Arc<dyn Clock>);
    if store.tenant(&tenant).await?.is_none() {
        store.create_tenant(&tenant, "", "system", clock.now()).await?;
    }
    let settings = config.access.settings(tenant);
    let asks = settings.revocation != RevocationMode::Off;
    let mut access = Access::new(store.clone(), clock.clone(), settings)?;
    if asks {
        let revocation = config.revocation.resolve(&config.paths(), &config.network).map_err(anyhow::Error::msg)?;
        access = access.with_revocation(Arc::new(Collector::new(revocation, clock).context("[revocation]")?));
    }
    let administration = Administration::new(access.clone(), config.access.administration(crate::roles::all()?));
    Ok((access, administration))
}

/// Everything the services need, and what of the configuration had to be left out. `allowed`: whom the tenant trusts by what
/// was imported into the store.
pub fn setup(config: &Config, store: Store, allowed: &[Anchor]) -> anyhow::Result<(Setup, Vec<Broken>)> {
    let tenant = tenant(config)?;
    let mut broken = Vec::new();
    let mut profiles = HashMap::new();
    for profile in &config.profile {
        profiles.insert(profile.name.get_ref().clone(), profile.resolve(&config.home, None).map(Arc::new));
    }
    let mut directories = Vec::new();
    let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
    let mut collector = None;
    for directory in &config.directory {
        if let Some(verify) = &directory.verify {
            let judging = judging(config, verify, allowed, &mut collector, &clock);
            match judging {
                Ok(judging) => {
                    directories.push(directory_settings(config, directory, &tenant, Task::Judge(Arc::new(judging))));
                }
                Err(reason) => {
                    broken.push(Broken { part: Part::Directory(directory.name.get_ref().clone()), reason });
                }
            }
        }
        let Some(name) = directory.profile.as_ref().map(Spanned::get_ref) else { continue };
        let own = config.profile(name).filter(|_| !directory.recipients.is_empty()).map(|profile| {
            profile.resolve(&config.home, Some(&directory.recipients)).map(Arc::new) // its own recipients
        });
        match own.as_ref().or(profiles.get(name)) {
            Some(Ok(profile)) => {
                directories.push(directory_settings(config, directory, &tenant, Task::Make(profile.clone())));
            }
            Some(Err(reason)) => broken.push(Broken {
                part: Part::Directory(directory.name.get_ref().clone()),
                reason: format!("profile \"{name}\": {reason}"),
            }),
            None => {}
        }
    }
    let pools = config.pool.iter().map(|pool| {
        let signers = pool.signers.iter().map(|signer| SignerName(signer.get_ref().as_str().into()));
        (PoolName(pool.name.get_ref().as_str().into()), signers.collect())
    });
    let setup = Setup {
        store,
        levels: levels(config, clock.clone(), &mut broken)?,
        clock,
        tenant,
        tokens: tokens(config, &mut broken)?,
        pools: pools.collect(),
        directories,
        documents_in_flight_max: config.server.documents_in_flight_max,
        patience: patience(config),
        naming: Naming::default(),
    };
    for broken in &broken {
        tracing::error!(what = %broken.part, reason = broken.reason, "left out");
    }
    Ok((setup, broken))
}

/// What the network edge hands its requests to, and the door for documents behind it.
pub async fn api_parts(
    config: &Config,
    api: &ApiConfig,
    services: &Arc<Services>,
    allowed: &[Anchor],
) -> anyhow::Result<(Parts, actors::api::Api)> {
    let (access, administration) = access(config, &services.store).await?;
    let documents = documents::open(config, api, services, allowed)?;
    let operations = documents::operations(config, documents.clone(), administration);
    Ok((Parts { access, operations }, documents))
}

/// The tenant of the configuration.
pub fn tenant(config: &Config) -> anyhow::Result<TenantId> {
    Ok(TenantId::new(&config.server.tenant)?)
}

/// A profile of the configuration, with its files read.
pub fn profile(config: &Config, name: &str) -> anyhow::Result<Arc<Profile>> {
    let profile = config.profile(name).with_context(|| format!("there is no profile \"{name}\""))?;
    Ok(Arc::new(profile.resolve(&config.home, None).map_err(anyhow::Error::msg)?))
}

/// Everybody who is asked for time stamps, certificates and revocation material. An authority that cannot be used is
/// left out: profiles go on with the next one that they name.
fn levels(config: &Config, clock: Arc<dyn Clock>, broken: &mut Vec<Broken>) -> anyhow::Result<Levels> {
    let paths = config.paths();
    let mut stamping = TimeStampSettings::default();
    for authority in &config.authority {
        match authority.resolve(&paths, &config.network) {
            Ok(settings) => stamping.authorities.push(settings),
            Err(reason) => {
                broken.push(Broken { part: Part::Authority(authority.name.get_ref().clone()), reason });
            }
        }
    }
    let revocation = config.revocation.resolve(&paths, &config.network).map_err(anyhow::Error::msg)?;
    let stamper = TimeStamper::new(stamping, clock.clone()).context("[[authority]]")?;
    let collector = Collector::new(revocation, clock.clone()).context("[revocation]")?;
    Ok(Levels::new(stamper, collector, clock))
}

/// How a directory judges. All such directories share what was fetched.
fn judging(
    config: &Config,
    verify: &VerifyConfig,
    allowed: &[Anchor],
    collector: &mut Option<Collector>,
    clock: &Arc<dyn Clock>,
) -> Result<Judging, String> {
    let paths = config.paths();
    let absolute = |files: &[PathBuf]| files.iter().map(|file| config.path(file)).collect::<Vec<_>>();
    let settings = config.revocation.resolve(&paths, &config.network)?;
    let roots = match verify.trust.is_empty() {
        true => settings.anchors.clone(),
        false => verification::certificates(&absolute(&verify.trust))?,
    };
    let mut known = verification::certificates(&absolute(&verify.known))?;
    known.extend(settings.intermediates.iter().cloned());
    let (policy, algorithms) = (verify.policy.as_ref(), verify.algorithms.as_ref());
    let policy = verification::policy(
        policy.map(|file| config.path(file)).as_deref(),
        algorithms.map(|file| config.path(file)).as_deref(),
    )?;
    let anchors = verification::anchors(&roots, &settings.responders, allowed)?;
    if !verify.offline && collector.is_none() {
        *collector = Some(Collector::new(settings, clock.clone()).map_err(|fault| fault.to_string())?);
    }
    let known = Evidence { certificates: known, ..Evidence::default() };
    Ok(Judging {
        verification: Verification::new(anchors, policy, known, collector.clone().filter(|_| !verify.offline)),
        report: verification::report_form(verify.report, verify.language),
        originals: verify.originals.as_ref().map(|folder| config.path(folder)),
    })
}

fn patience(config: &Config) -> Patience {
    let slowest = config.token.iter().map(|token| token.sign_timeout_ms).max();
    let sign_ms = slowest.unwrap_or(model::limits::SIGN_TIMEOUT_MS);
    Patience {
        place: Duration::from_millis(config.server.place_timeout_ms),
        // Everybody in the lane before it may take the whole time.
        answer: Duration::from_millis(sign_ms) * (model::limits::ASSIGNED_PER_SESSION_MAX as u32 + 1),
    }
}

/// All tokens of the configuration. Opens no file and calls no module.
pub fn tokens(config: &Config, broken: &mut Vec<Broken>) -> anyhow::Result<Vec<TokenSetup>> {
    let mut tokens: Vec<TokenSetup> = Vec::new();
    for software in &config.software {
        let token = KeyFile::new(software, &config.home);
        let settings = TokenSettings {
            serial: token.serial().clone(),
            sessions: software.sessions,
            signers: vec![SignerSettings {
                name: SignerName(software.name.get_ref().as_str().into()),
                select: Select::Only,
                chain: Vec::new(),
            }],
            pin: Arc::new(|| Some(Pin::pad())), // a key file has no PIN; nothing is asked of anybody
            sign_timeout: Duration::from_millis(model::limits::SIGN_TIMEOUT_MS),
            poll: Duration::from_secs(60),
        };
        tokens.push(TokenSetup { settings, token: Arc::new(token) });
    }
    for token in &config.token {
        let serial = TokenSerial(token.serial.get_ref().as_str().into());
        let module = config.path(&token.module);
        let signers = match signers(config, token) {
            Ok(signers) => signers,
            Err(reason) => {
                broken.push(Broken { part: Part::Token(serial), reason });
                continue;
            }
        };
        let made: Result<Arc<dyn Token>, Fault> = match token.isolation {
            Isolation::Process => {
                let command = HostCommand::this_program().context("the program cannot find itself")?;
                // A process for each token, not for each module: a hang of one ends the sessions of that one only.
                Ok(Arc::new(HostedToken::new(Host::new(command, &module), serial.clone())))
            }
            Isolation::None => {
                Module::load(&module).map(|module| Arc::new(Pkcs11Token::new(module, serial.clone())) as Arc<dyn Token>)
            }
        };
        let made = match made {
            Ok(made) => made,
            Err(fault) => {
                broken.push(Broken { part: Part::Token(serial), reason: fault.to_string() });
                continue;
            }
        };
        let settings = TokenSettings {
            serial,
            sessions: token.sessions,
            signers,
            pin: pin_loader(config, token),
            sign_timeout: Duration::from_millis(token.sign_timeout_ms),
            poll: Duration::from_millis(token.poll_ms),
        };
        tokens.push(TokenSetup { settings, token: made });
    }
    Ok(tokens)
}

fn signers(config: &Config, token: &TokenConfig) -> Result<Vec<SignerSettings>, String> {
    let signers = token.signer.iter().map(|signer| {
        let select = match (&signer.label, &signer.certificate) {
            (Some(label), _) => Select::Label(label.clone()),
            (None, Some(file)) => {
                let first = certificates::from_file(&config.path(file))?.into_iter().next();
                Select::Certificate(first.ok_or_else(|| format!("{} holds no certificate", file.display()))?)
            }
            (None, None) => Select::Only,
        };
        let chain = signer.chain.as_ref().map(|file| certificates::from_file(&config.path(file))).transpose()?;
        let name = SignerName(signer.name.get_ref().as_str().into());
        Ok(SignerSettings { name, select, chain: chain.unwrap_or_default() })
    });
    signers.collect()
}

fn pin_loader(config: &Config, token: &TokenConfig) -> PinLoader {
    let serial = token.serial.get_ref().clone();
    let load: Box<dyn Fn() -> Result<Option<Pin>, String> + Send + Sync> = if token.pin_pad {
        Box::new(|| Ok(Some(Pin::pad())))
    } else if let Some(file) = &token.pin_file {
        let file = config.path(file);
        Box::new(move || secret::from_file(&file).map(|pin| Some(Pin::typed(pin))))
    } else if let Some(variable) = token.pin_env.clone() {
        Box::new(move || secret::from_environment(&variable).map(|pin| Some(Pin::typed(pin))))
    } else {
        Box::new(|| Ok(None))
    };
    Arc::new(move || {
        load().unwrap_or_else(|reason| {
            tracing::error!(token = serial, reason, "no PIN");
            None
        })
    })
}

fn directory_settings(
    config: &Config,
    directory: &DirectoryConfig,
    tenant: &TenantId,
    task: Task,
) -> DirectorySettings {
    let [input, output, done, error] = config.folders(directory);
    DirectorySettings {
        name: directory.name.get_ref().as_str().into(),
        tenant: tenant.clone(),
        root: config.path(&directory.path),
        input,
        output,
        done,
        error,
        task,
        patterns: directory.patterns.clone(),
        order: directory.order.into(),
        naming: directory.naming.naming(),
        settle: Duration::from_millis(directory.settle_ms),
        poll: Duration::from_millis(directory.poll_ms),
        // Checked when the configuration was read.
        timetable: directory
            .timetable
            .as_ref()
            .and_then(|timetable| actors::schedule::Timetable::parse(timetable.get_ref()).ok()),
        group_files_max: directory.group_files_max,
    }
}
