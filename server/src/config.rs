//! The configuration file: what may be written in it, and what it means.
//!
//! The text is parsed strictly: an unknown key, a wrong type, a name that leads nowhere or two settings that contradict
//! each other are errors that name the line. What can only be found out by looking (a key file that is missing, a
//! folder on another disk) is not an error here: it belongs to one signer or directory, and the rest runs.

pub mod access;
pub mod api;
pub mod documents;
mod outside;
mod profile;
pub mod verify;

use actors::directory::Order;
use actors::naming::Naming;
use model::limits;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

pub use access::AccessConfig;
pub use api::ApiConfig;
pub use documents::{BatchesConfig, TenantConfig};
pub use outside::{AuthorityConfig, NetworkConfig, RevocationConfig};
pub use profile::ProfileConfig;
pub use verify::VerifyConfig;

/// A configuration that cannot be used, with the place of the fault.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct ConfigError {
    file: String,
    line: usize,
    what: String,
}

/// The whole file. See `config/sealmill.toml`, where every option is explained.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[server]`.
    #[serde(default)]
    pub server: ServerConfig,
    /// `[store]`.
    #[serde(default)]
    pub store: StoreConfig,
    /// `[metrics]`.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// `[access]`.
    #[serde(default)]
    pub access: AccessConfig,
    /// `[api]`.
    pub api: Option<ApiConfig>,
    /// `[[software]]`.
    #[serde(default)]
    pub software: Vec<SoftwareConfig>,
    /// `[[token]]`.
    #[serde(default)]
    pub token: Vec<TokenConfig>,
    /// `[[pool]]`.
    #[serde(default)]
    pub pool: Vec<PoolConfig>,
    /// `[network]`.
    #[serde(default)]
    pub network: NetworkConfig,
    /// `[[authority]]`.
    #[serde(default)]
    pub authority: Vec<AuthorityConfig>,
    /// `[revocation]`.
    #[serde(default)]
    pub revocation: RevocationConfig,
    /// `[[tenant]]`.
    #[serde(default)]
    pub tenant: Vec<TenantConfig>,
    /// `[batches]`.
    #[serde(default)]
    pub batches: BatchesConfig,
    /// `[verify]`: what callers' signatures are judged by.
    #[serde(default)]
    pub verify: VerifyConfig,
    /// `[component]`.
    #[serde(default)]
    pub component: ComponentConfig,
    /// `[[profile]]`.
    #[serde(default)]
    pub profile: Vec<ProfileConfig>,
    /// `[[directory]]`.
    #[serde(default)]
    pub directory: Vec<DirectoryConfig>,
    /// The folder of the file; relative paths start here.
    #[serde(skip)]
    pub home: PathBuf,
}

/// `[server]`: the process.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Name of this server among those that share a store.
    pub name: String,
    /// The tenant that signers and directories belong to.
    pub tenant: String,
    /// Documents inside at a time.
    pub documents_in_flight_max: usize,
    /// Threads that read, hash and write.
    pub io_threads: usize,
    /// How long a document waits for a signer, in milliseconds.
    pub place_timeout_ms: u64,
    /// How long the end of the server waits for documents inside, in milliseconds.
    pub shutdown_timeout_ms: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            name: "sealmill".to_owned(),
            tenant: "main".to_owned(),
            documents_in_flight_max: limits::DOCUMENTS_IN_FLIGHT_MAX,
            io_threads: 8,
            place_timeout_ms: 60_000,
            shutdown_timeout_ms: 30_000,
        }
    }
}

/// `[store]`: where jobs, outcomes, login states and the audit log are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// SQLite file.
    pub path: Option<PathBuf>,
    /// PostgreSQL: file that holds the address.
    pub url_file: Option<PathBuf>,
    /// PostgreSQL: environment variable that holds the address.
    pub url_env: Option<String>,
    /// PostgreSQL: connections at most.
    pub pool_size: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { path: None, url_file: None, url_env: None, pool_size: 8 }
    }
}

/// `[metrics]`: the local page for monitoring.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Address; port 0 takes a free one; empty turns it off.
    pub listen: String,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9464".to_owned() }
    }
}

/// `[component]`: the service of the signing component, which clients of old call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComponentConfig {
    /// The profile whose pool, digest and the like its signatures have. Without it there is no such service.
    pub profile: Option<Spanned<String>>,
}

/// `[[software]]`: a signer whose key lies in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftwareConfig {
    /// The signer's name.
    pub name: Spanned<String>,
    /// PKCS#12 file.
    pub pkcs12: Option<PathBuf>,
    /// PEM file with the private key, encrypted or not.
    pub key: Option<PathBuf>,
    /// PEM file with the certificate, then those above it.
    pub certificates: Option<PathBuf>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Environment variable that holds the password.
    pub password_env: Option<String>,
    /// Threads that sign at a time.
    #[serde(default = "one")]
    pub sessions: usize,
    /// Whose it is, if not the server's tenant's.
    pub tenants: Option<Vec<Spanned<String>>>,
}

/// `[[token]]`: a card or a partition of an HSM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// Serial number.
    pub serial: Spanned<String>,
    /// PKCS#11 module.
    pub module: PathBuf,
    /// `process` or `none`.
    #[serde(default)]
    pub isolation: Isolation,
    /// File whose first line is the PIN.
    pub pin_file: Option<PathBuf>,
    /// Environment variable that holds the PIN.
    pub pin_env: Option<String>,
    /// The PIN is typed on the reader.
    #[serde(default)]
    pub pin_pad: bool,
    /// Sessions, and so signatures at a time.
    #[serde(default = "one")]
    pub sessions: usize,
    /// A signature that takes longer is stuck, in milliseconds.
    #[serde(default = "sign_timeout_ms")]
    pub sign_timeout_ms: u64,
    /// How often an absent token is looked for, in milliseconds.
    #[serde(default = "token_poll_ms")]
    pub poll_ms: u64,
    /// Whose it is, if not the server's tenant's.
    pub tenants: Option<Vec<Spanned<String>>>,
    /// `[[token.signer]]`.
    pub signer: Vec<TokenSignerConfig>,
}

/// `isolation`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// The module runs in a child process.
    #[default]
    Process,
    /// The module runs in the server.
    None,
}

/// `[[token.signer]]`: a key on the token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSignerConfig {
    /// The signer's name.
    pub name: Spanned<String>,
    /// Label of the certificate on the token.
    pub label: Option<String>,
    /// PEM or DER file of the certificate.
    pub certificate: Option<PathBuf>,
    /// PEM file with certificates to put beside the signer's.
    pub chain: Option<PathBuf>,
}

/// `[[pool]]`: signers that stand in for each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// Its signers.
    pub signers: Vec<Spanned<String>>,
    /// Whose it is, if not the server's tenant's.
    pub tenants: Option<Vec<Spanned<String>>>,
}

/// `[[directory]]`: a watched directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// The folder that holds `in`, `out`, `done`, `error` and `.work`.
    pub path: PathBuf,
    /// Another folder than `in`.
    pub input: Option<PathBuf>,
    /// Another folder than `out`.
    pub output: Option<PathBuf>,
    /// Another folder than `done`.
    pub done: Option<PathBuf>,
    /// Another folder than `error`.
    pub error: Option<PathBuf>,
    /// The profile, where files are signed.
    pub profile: Option<Spanned<String>>,
    /// Where files are judged: how.
    pub verify: Option<VerifyConfig>,
    /// PEM or DER files with the certificates of those to encrypt for, instead of the profile's own.
    #[serde(default)]
    pub recipients: Vec<PathBuf>,
    /// Which names are taken.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// `name` or `oldest`.
    #[serde(default)]
    pub order: OrderConfig,
    /// How results are named.
    #[serde(default)]
    pub naming: NamingConfig,
    /// How long a file must rest that no event called complete, in milliseconds.
    #[serde(default = "settle_ms")]
    pub settle_ms: u64,
    /// How often the folder is looked at without an event, in milliseconds.
    #[serde(default = "directory_poll_ms")]
    pub poll_ms: u64,
    /// Files taken at once.
    #[serde(default = "group_files_max")]
    pub group_files_max: usize,
    /// When files are taken (cron expression, UTC); without it always.
    pub timetable: Option<Spanned<String>>,
}

/// `order`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderConfig {
    /// By name.
    Name,
    /// Oldest first.
    #[default]
    Oldest,
}

impl From<OrderConfig> for Order {
    fn from(order: OrderConfig) -> Self {
        match order {
            OrderConfig::Name => Order::Name,
            OrderConfig::Oldest => Order::Oldest,
        }
    }
}

/// `naming`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamingConfig {
    /// A signed PDF.
    pub pdf: Option<Spanned<String>>,
    /// XML with its signature inside.
    pub xml: Option<Spanned<String>>,
    /// A CMS signature beside its document.
    pub detached: Option<Spanned<String>>,
    /// A CMS around its document.
    pub enveloping: Option<Spanned<String>>,
    /// An XML signature beside or around its document.
    pub xml_signature: Option<Spanned<String>>,
    /// A container with one document.
    pub asic_s: Option<Spanned<String>>,
    /// A container for several documents.
    pub asic_e: Option<Spanned<String>>,
    /// A time stamp beside its document.
    pub time_stamp: Option<Spanned<String>>,
    /// A document that was lifted.
    pub extended: Option<Spanned<String>>,
    /// Any of these, encrypted.
    pub encrypted: Option<Spanned<String>>,
}

impl NamingConfig {
    fn rules(&self) -> impl Iterator<Item = &Spanned<String>> {
        let rules = [
            &self.pdf,
            &self.xml,
            &self.detached,
            &self.enveloping,
            &self.xml_signature,
            &self.asic_s,
            &self.asic_e,
            &self.time_stamp,
            &self.extended,
            &self.encrypted,
        ];
        rules.into_iter().flatten()
    }

    /// With the defaults filled in.
    pub fn naming(&self) -> Naming {
        let default = Naming::default();
        let chosen = |rule: &Option<Spanned<String>>, default| rule.as_ref().map_or(default, |r| r.get_ref().clone());
        Naming {
            pdf: chosen(&self.pdf, default.pdf),
            xml: chosen(&self.xml, default.xml),
            detached: chosen(&self.detached, default.detached),
            enveloping: chosen(&self.enveloping, default.enveloping),
            xml_signature: chosen(&self.xml_signature, default.xml_signature),
            asic_s: chosen(&self.asic_s, default.asic_s),
            asic_e: chosen(&self.asic_e, default.asic_e),
            time_stamp: chosen(&self.time_stamp, default.time_stamp),
            extended: chosen(&self.extended, default.extended),
            // Directories sign; what opens files takes the usual names.
            decrypted: default.decrypted,
            encrypted: chosen(&self.encrypted, default.encrypted),
        }
    }
}

fn one() -> usize {
    1
}

fn sign_timeout_ms() -> u64 {
    limits::SIGN_TIMEOUT_MS
}

fn token_poll_ms() -> u64 {
    1_000
}

fn settle_ms() -> u64 {
    2_000
}

fn directory_poll_ms() -> u64 {
    1_000
}

fn group_files_max() -> usize {
    limits::CLAIM_GROUP_FILES_MAX
}

impl Config {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| anyhow::anyhow!("the configuration {} cannot be read: {error}", path.display()))?;
        let home = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self::parse(&text, &path.display().to_string(), home)?)
    }

    /// Checks a text. `file` is its name in errors, `home` is where relative paths start.
    pub fn parse(text: &str, file: &str, home: &Path) -> Result<Self, ConfigError> {
        let faults = Faults { text, file };
        let mut config: Config = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            faults.at(at, error.message())
        })?;
        config.home = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
        config.check(&faults)?;
        Ok(config)
    }

    /// A path of the configuration, absolute.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.home.join(path)
    }

    /// Where relative paths of the configuration start.
    pub fn paths(&self) -> PathsFromHome<'_> {
        PathsFromHome(&self.home)
    }

    /// Finds a profile.
    pub fn profile(&self, name: &str) -> Option<&ProfileConfig> {
        self.profile.iter().find(|profile| profile.name.get_ref() == name)
    }

    fn check(&self, faults: &Faults<'_>) -> Result<(), ConfigError> {
        model::TenantId::new(&self.server.tenant).map_err(|error| faults.of_key("tenant", error))?;
        if self.server.documents_in_flight_max == 0 || self.server.io_threads == 0 {
            return Err(faults.of_key("server", "documents_in_flight_max and io_threads must be at least 1"));
        }
        let store = &self.store;
        if [store.path.is_some(), store.url_file.is_some(), store.url_env.is_some()].iter().filter(|set| **set).count()
            > 1
        {
            return Err(faults.of_key("store", "give one of path, url_file and url_env"));
        }
        if let Some(api) = &self.api {
            api.check().map_err(|(at, what)| match at {
                api::Place::At(at) => faults.at(at, what),
                api::Place::Key(key) => faults.of_key(key, what),
            })?;
        }
        let signers = self.check_signers(faults)?;
        let pools = unique(self.pool.iter().map(|pool| &pool.name), "pool", faults)?;
        for pool in &self.pool {
            if pool.signers.is_empty() {
                return Err(faults.of(&pool.name, "a pool needs at least one signer"));
            }
            for signer in &pool.signers {
                if !signers.contains(signer.get_ref().as_str()) {
                    return Err(faults.of(signer, format!("there is no signer \"{}\"", signer.get_ref())));
                }
            }
        }
        self.network.check().map_err(|what| faults.of_key("network", what))?;
        self.access.check().map_err(|(key, what)| {
            // What is wrong with a default shows in what it contradicts.
            let place = if faults.text.contains(key) { key } else { "[access]" };
            faults.of_key(place, format!("{key} {what}"))
        })?;
        let authorities = unique(self.authority.iter().map(|authority| &authority.name), "authority", faults)?;
        for authority in &self.authority {
            authority.check().map_err(|(at, what)| faults.at(at, what))?;
        }
        let profiles = unique(self.profile.iter().map(|profile| &profile.name), "profile", faults)?;
        for profile in &self.profile {
            match &profile.pool {
                Some(pool) if !pools.contains(pool.get_ref().as_str()) => {
                    return Err(faults.of(pool, format!("there is no pool \"{}\"", pool.get_ref())));
                }
                None if profile.needs_signer() => {
                    return Err(faults.of(&profile.name, "a profile that signs needs a pool"));
                }
                _ => {}
            }
            profile.check().map_err(|(at, what)| faults.at(at, what))?;
            for name in profile.authorities() {
                if !authorities.contains(name.get_ref().as_str()) {
                    return Err(faults.of(name, format!("there is no authority \"{}\"", name.get_ref())));
                }
            }
        }
        if let Some(profile) = &self.component.profile
            && !profiles.contains(profile.get_ref().as_str())
        {
            return Err(faults.of(profile, format!("there is no profile \"{}\"", profile.get_ref())));
        }
        self.check_owners(faults)?;
        unique(self.directory.iter().map(|directory| &directory.name), "directory", faults)?;
        let mut roots = BTreeMap::new();
        for directory in &self.directory {
            self.check_directory(directory, &profiles, faults)?;
            if let Some(other) = roots.insert(self.path(&directory.path), directory.name.get_ref()) {
                let what = format!("directory \"{other}\" has the same path");
                return Err(faults.of(&directory.name, what));
            }
        }
        Ok(())
    }

    fn check_signers<'c>(&'c self, faults: &Faults<'_>) -> Result<BTreeSet<&'c str>, ConfigError> {
        let software = self.software.iter().map(|signer| &signer.name);
        let on_tokens = self.token.iter().flat_map(|token| token.signer.iter().map(|signer| &signer.name));
        let signers = unique(software.chain(on_tokens), "signer", faults)?;
        for signer in &self.software {
            match (&signer.pkcs12, &signer.key, &signer.certificates) {
                (Some(_), None, None) | (None, Some(_), Some(_)) => {}
                _ => return Err(faults.of(&signer.name, "give either pkcs12, or key and certificates")),
            }
            if signer.password_file.is_some() && signer.password_env.is_some() {
                return Err(faults.of(&signer.name, "give one of password_file and password_env"));
            }
            check_sessions(signer.sessions).map_err(|what| faults.of(&signer.name, what))?;
        }
        unique(self.token.iter().map(|token| &token.serial), "token", faults)?;
        for token in &self.token {
            let ways = [token.pin_file.is_some(), token.pin_env.is_some(), token.pin_pad];
            if ways.iter().filter(|way| **way).count() > 1 {
                return Err(faults.of(&token.serial, "give one of pin_file, pin_env and pin_pad"));
            }
            if token.signer.is_empty() {
                return Err(faults.of(&token.serial, "a token needs at least one [[token.signer]]"));
            }
            check_sessions(token.sessions).map_err(|what| faults.of(&token.serial, what))?;
            for signer in &token.signer {
                if signer.label.is_some() && signer.certificate.is_some() {
                    return Err(faults.of(&signer.name, "give one of label and certificate"));
                }
                if token.signer.len() > 1 && signer.label.is_none() && signer.certificate.is_none() {
                    return Err(faults.of(&signer.name, "with several signers each needs label or certificate"));
                }
            }
        }
        Ok(signers)
    }

    fn check_directory(
        &self,
        directory: &DirectoryConfig,
        profiles: &BTreeSet<&str>,
        faults: &Faults<'_>,
    ) -> Result<(), ConfigError> {
        match (&directory.profile, &directory.verify) {
            (Some(profile), None) if !profiles.contains(profile.get_ref().as_str()) => {
                return Err(faults.of(profile, format!("there is no profile \"{}\"", profile.get_ref())));
            }
            (Some(_), None) | (None, Some(_)) => {}
            _ => {
                let what = "a directory needs either a profile, to sign by, or [directory.verify], to judge";
                return Err(faults.of(&directory.name, what));
            }
        }
        for rule in directory.naming.rules() {
            Naming::check(rule.get_ref()).map_err(|what| faults.of(rule, what))?;
        }
        if let Some(timetable) = &directory.timetable {
            actors::schedule::Timetable::parse(timetable.get_ref()).map_err(|what| faults.of(timetable, what))?;
        }
        let folders = self.folders(directory);
        for (i, folder) in folders.iter().enumerate() {
            if folders[..i].contains(folder) {
                let what = format!("two folders of this directory are the same: {}", folder.display());
                return Err(faults.of(&directory.name, what));
            }
        }
        if directory.group_files_max == 0 {
            return Err(faults.of(&directory.name, "group_files_max must be at least 1"));
        }
        Ok(())
    }

    /// Input, output, done and error folder of a directory.
    pub fn folders(&self, directory: &DirectoryConfig) -> [PathBuf; 4] {
        let root = self.path(&directory.path);
        let folder = |given: &Option<PathBuf>, name: &str| match given {
            Some(given) => self.path(given),
            None => root.join(name),
        };
        [
            folder(&directory.input, "in"),
            folder(&directory.output, "out"),
            folder(&directory.done, "done"),
            folder(&directory.error, "error"),
        ]
    }
}

/// Turns relative paths of the configuration into absolute ones.
pub struct PathsFromHome<'h>(&'h Path);

impl PathsFromHome<'_> {
    /// An absolute path.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }
}

fn check_sessions(sessions: usize) -> Result<(), String> {
    let max = limits::SESSIONS_PER_TOKEN_MAX;
    if (1..=max).contains(&sessions) { Ok(()) } else { Err(format!("sessions must be 1 to {max}")) }
}

fn unique<'c>(
    names: impl Iterator<Item = &'c Spanned<String>>,
    kind: &str,
    faults: &Faults<'_>,
) -> Result<BTreeSet<&'c str>, ConfigError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.get_ref().is_empty() {
            return Err(faults.of(name, format!("the name of a {kind} is empty")));
        }
        if !seen.insert(name.get_ref().as_str()) {
            return Err(faults.of(name, format!("there are two of {kind} \"{}\"", name.get_ref())));
        }
    }
    Ok(seen)
}

/// Turns places in the text into line numbers.
struct Faults<'t> {
    text: &'t str,
    file: &'t str,
}

impl Faults<'_> {
    fn at(&self, offset: usize, what: impl Display) -> ConfigError {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        ConfigError { file: self.file.to_owned(), line, what: what.to_string() }
    }

    fn of<T>(&self, value: &Spanned<T>, what: impl Display) -> ConfigError {
        let Range { start, .. } = value.span();
        self.at(start, what)
    }

    fn of_key(&self, key: &str, what: impl Display) -> ConfigError {
        self.at(self.text.find(key).unwrap_or(0), what)
    }
}
