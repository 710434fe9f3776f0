//! `[network]`, `[revocation]` and `[[authority]]`: whom the server asks outside, and how it reaches them.

use super::PathsFromHome;
use crate::{certificates, secret};
use actors::fetch::{Credentials, FetchSettings, Reach};
use actors::revocation::{Prefer, RevocationSettings};
use actors::timestamp::AuthoritySettings;
use model::profile::AuthorityName;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

/// `[network]`: how everything outside is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Proxy, without name and password.
    pub proxy: Option<String>,
    /// File whose first line is the proxy, with name and password in it.
    pub proxy_file: Option<PathBuf>,
    /// Hosts that are asked without the proxy.
    pub no_proxy: Option<String>,
    /// PEM files with further roots for TLS.
    pub tls_roots: Vec<PathBuf>,
    /// Until a connection stands, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { proxy: None, proxy_file: None, no_proxy: None, tls_roots: Vec::new(), connect_timeout_ms: 5_000 }
    }
}

impl NetworkConfig {
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), String> {
        if self.proxy.is_some() && self.proxy_file.is_some() {
            return Err("give one of proxy and proxy_file".to_owned());
        }
        if self.proxy.as_ref().is_some_and(|proxy| proxy.contains('@')) {
            return Err("a proxy with name and password belongs into proxy_file".to_owned());
        }
        Ok(())
    }

    /// The settings, with their files read. An answer may take so long.
    pub fn resolve(&self, home: &PathsFromHome<'_>, timeout_ms: u64) -> Result<FetchSettings, String> {
        let proxy = match (&self.proxy, &self.proxy_file) {
            (Some(proxy), _) => Some(SecretString::from(proxy.clone())),
            (None, Some(file)) => Some(secret::from_file(&home.path(file))?),
            (None, None) => None,
        };
        Ok(FetchSettings {
            proxy,
            no_proxy: self.no_proxy.clone(),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            total_timeout: Duration::from_millis(timeout_ms),
            tls_roots: home.certificates(&self.tls_roots)?,
            ..FetchSettings::default()
        })
    }
}

/// `[revocation]`: certificates and revocation material for long-term signatures.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RevocationConfig {
    /// PEM or DER files with the roots that paths end at.
    pub anchors: Vec<PathBuf>,
    /// PEM or DER files with further issuers, which need not be fetched.
    pub issuers: Vec<PathBuf>,
    /// PEM or DER files with responders that may speak for every CA.
    pub responders: Vec<PathBuf>,
    /// `ocsp` or `crl`: what is asked first.
    pub prefer: PreferWord,
    /// Hosts in private networks that certificates may send the server to.
    pub private_hosts: Vec<String>,
    /// OCSP requests carry a nonce.
    pub nonce: bool,
    /// Material must be younger than what it proves.
    pub wait_for_fresh: bool,
    /// Longest CRL, in bytes.
    pub crl_bytes_max: u64,
    /// Longest CRL that is put into a signature, in bytes.
    pub embedded_crl_bytes_max: u64,
    /// Where CRLs are kept while the server runs.
    pub folder: Option<PathBuf>,
    /// How long one answer may take, in milliseconds.
    pub timeout_ms: u64,
}

/// `prefer`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreferWord {
    /// OCSP first.
    Ocsp,
    /// CRLs first.
    Crl,
}

impl Default for RevocationConfig {
    fn default() -> Self {
        let settings = RevocationSettings::default();
        Self {
            anchors: Vec::new(),
            issuers: Vec::new(),
            responders: Vec::new(),
            prefer: PreferWord::Ocsp,
            private_hosts: Vec::new(),
            nonce: settings.nonce,
            wait_for_fresh: settings.wait_for_fresh,
            crl_bytes_max: settings.crl_bytes_max,
            embedded_crl_bytes_max: settings.embedded_crl_bytes_max,
            folder: None,
            timeout_ms: 30_000,
        }
    }
}

impl RevocationConfig {
    /// The settings, with their files read.
    pub fn resolve(&self, home: &PathsFromHome<'_>, network: &NetworkConfig) -> Result<RevocationSettings, String> {
        let fetch = network.resolve(home, self.timeout_ms)?;
        Ok(RevocationSettings {
            anchors: home.certificates(&self.anchors)?,
            intermediates: home.certificates(&self.issuers)?,
            responders: home.certificates(&self.responders)?,
            fetch: FetchSettings { reach: Reach::Public { except: self.private_hosts.clone() }, ..fetch },
            prefer: match self.prefer {
                PreferWord::Ocsp => Prefer::Ocsp,
                PreferWord::Crl => Prefer::Crl,
            },
            nonce: self.nonce,
            wait_for_fresh: self.wait_for_fresh,
            crl_bytes_max: self.crl_bytes_max,
            embedded_crl_bytes_max: self.embedded_crl_bytes_max,
            folder: self.folder.as_ref().map(|folder| home.path(folder)),
            ..RevocationSettings::default()
        })
    }
}

/// `[[authority]]`: a time-stamping authority.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// Its address.
    pub url: Spanned<String>,
    /// User name for HTTP Basic.
    pub user: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Environment variable that holds the password.
    pub password_env: Option<String>,
    /// PEM file with certificate and private key for TLS.
    pub tls_identity: Option<PathBuf>,
    /// The policy asked for, unless the profile says another.
    pub policy: Option<String>,
    /// PEM or DER files with certificates of its units or of the authorities above them.
    #[serde(default)]
    pub anchors: Vec<PathBuf>,
    /// Requests in a second at most; 0: as many as there are.
    #[serde(default)]
    pub requests_per_second: f64,
    /// Requests at the same time.
    #[serde(default = "requests_at_once")]
    pub requests_at_once: usize,
    /// How long an answer may take, in milliseconds.
    #[serde(default = "authority_timeout_ms")]
    pub timeout_ms: u64,
}

impl AuthorityConfig {
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), (usize, String)> {
        let at = self.name.span().start;
        let url = self.url.get_ref();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err((self.url.span().start, "the address must begin with http:// or https://".to_owned()));
        }
        if self.password_file.is_some() && self.password_env.is_some() {
            return Err((at, "give one of password_file and password_env".to_owned()));
        }
        if self.user.is_some() != (self.password_file.is_some() || self.password_env.is_some()) {
            return Err((at, "user goes together with password_file or password_env".to_owned()));
        }
        if self.requests_at_once == 0 || !(0.0..=1e6).contains(&self.requests_per_second) {
            return Err((at, "requests_at_once must be at least 1, requests_per_second not negative".to_owned()));
        }
        Ok(())
    }
}

impl AuthorityConfig {
    /// The settings, with their files read.
    pub fn resolve(&self, home: &PathsFromHome<'_>, network: &NetworkConfig) -> Result<AuthoritySettings, String> {
        let password = match (&self.password_file, &self.password_env) {
            (Some(file), _) => Some(secret::from_file(&home.path(file))?),
            (None, Some(variable)) => Some(secret::from_environment(variable)?),
            (None, None) => None,
        };
        let identity = self.tls_identity.as_ref().map(|file| {
            let path = home.path(file);
            let text = std::fs::read_to_string(&path);
            text.map(SecretString::from).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        });
        let name = AuthorityName(self.name.get_ref().as_str().into());
        let usual = AuthoritySettings::new(name, self.url.get_ref());
        let fetch = FetchSettings {
            reach: usual.fetch.reach.clone(),
            redirects_max: usual.fetch.redirects_max,
            tls_identity: identity.transpose()?,
            ..network.resolve(home, self.timeout_ms)?
        };
        let credentials = self.user.clone().zip(password).map(|(user, password)| Credentials { user, password });
        Ok(AuthoritySettings {
            credentials,
            fetch,
            policy: self.policy.as_deref().map(Arc::from),
            anchors: home.certificates(&self.anchors)?,
            requests_per_second: self.requests_per_second,
            requests_at_once: self.requests_at_once,
            ..usual
        })
    }
}

fn requests_at_once() -> usize {
    8
}

fn authority_timeout_ms() -> u64 {
    10_000
}

impl PathsFromHome<'_> {
    fn certificates(&self, files: &[PathBuf]) -> Result<Vec<Arc<[u8]>>, String> {
        let mut found = Vec::new();
        for file in files {
            found.extend(certificates::from_file(&self.path(file))?);
        }
        Ok(found)
    }
}
