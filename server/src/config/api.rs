//! `[api]`: where applications call the server, and what one of them may cost.

use super::PathsFromHome;
use model::{TenantId, UserName, limits};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// `[api]`: the network edge. Without this table nobody can call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Addresses with TLS.
    pub listen: Vec<Spanned<String>>,
    /// Addresses without TLS.
    pub plain: Vec<Spanned<String>>,
    /// Addresses without TLS need not be on this machine.
    pub plain_anywhere: bool,
    /// PEM file: the server's certificate, then those above it.
    pub certificate: Option<PathBuf>,
    /// PEM file: the certificate's private key, not encrypted.
    pub key: Option<PathBuf>,
    /// The oldest TLS that is spoken.
    pub tls_min: TlsVersion,
    /// Whether clients are asked for certificates.
    pub client_certificates: ClientCertificates,
    /// PEM files with the authorities of client certificates. None: any certificate that a user has registered.
    pub client_authorities: Vec<PathBuf>,
    /// How often the files above are looked at, in milliseconds.
    pub reload_ms: u64,
    /// The address that the WSDL says.
    pub address: Option<Spanned<String>>,
    /// WSDL and OpenAPI are shown to whoever asks.
    pub public_wsdl: bool,
    /// Longest body of a request, in bytes.
    pub body_bytes_max: u64,
    /// Longest body of a request that says in the message, and not before it, who calls, in bytes.
    pub anonymous_body_bytes_max: u64,
    /// Length of all header fields of a request, in bytes.
    pub header_bytes_max: usize,
    /// Header fields of a request.
    pub header_fields_max: usize,
    /// How long the header of a request may take, in milliseconds.
    pub header_timeout_ms: u64,
    /// How long a connection may rest between two requests, in milliseconds.
    pub keep_alive_ms: u64,
    /// How long a client may take to go on sending or receiving, in milliseconds.
    pub transfer_grace_ms: u64,
    /// The slowest that a client may send or receive for long, in bytes a second.
    pub transfer_bytes_per_second_min: u64,
    /// Connections at a time.
    pub connections_max: usize,
    /// Connections of one address at a time.
    pub connections_per_address_max: usize,
    /// Requests being worked on at a time.
    pub requests_max: usize,
    /// Of those, of one tenant.
    pub requests_per_tenant_max: usize,
    /// Of those, of one user.
    pub requests_per_user_max: usize,
    /// What a client that finds the server full is told to wait, in seconds.
    pub retry_after_s: u32,
    /// Threads that read requests and write answers.
    pub workers: usize,
    /// Folder for what does not fit into memory.
    pub spool: PathBuf,
    /// Bytes in that folder.
    pub spool_bytes_max: u64,
    /// Bytes of documents of requests in memory, before they go to that folder.
    pub spool_memory_bytes_max: u64,
    /// `[api.legacy]`.
    pub legacy: Option<LegacyConfig>,
}

/// `tls_min`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 and 1.3.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3 alone.
    #[serde(rename = "1.3")]
    V13,
}

/// `client_certificates`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// Clients are not asked.
    #[default]
    Off,
    /// Clients are asked and may have none.
    Optional,
    /// Who has none gets no connection.
    Required,
}

/// `[api.legacy]`: the door for `sealmill-legacy-tls`, which speaks old TLS for clients that cannot do better.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyConfig {
    /// The socket that it connects to.
    pub socket: PathBuf,
    /// The users who may call by it.
    pub users: Vec<Spanned<String>>,
    /// The program, if the server is to run it.
    pub program: Option<PathBuf>,
    /// The program's own configuration.
    pub config: Option<PathBuf>,
}

impl LegacyConfig {
    /// What the server runs.
    pub fn program(&self, home: &PathsFromHome<'_>) -> Option<crate::api::legacy::Program> {
        let absolute = |path| std::path::absolute(home.path(path)).unwrap_or_else(|_| home.path(path));
        let (program, config) = self.program.as_ref().zip(self.config.as_ref())?;
        Some(crate::api::legacy::Program { path: absolute(program), config: absolute(config) })
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            plain: Vec::new(),
            plain_anywhere: false,
            certificate: None,
            key: None,
            tls_min: TlsVersion::default(),
            client_certificates: ClientCertificates::default(),
            client_authorities: Vec::new(),
            reload_ms: 5_000,
            address: None,
            public_wsdl: true,
            body_bytes_max: limits::API_BODY_BYTES_MAX,
            anonymous_body_bytes_max: limits::API_ANONYMOUS_BODY_BYTES_MAX,
            header_bytes_max: limits::API_HEADER_BYTES_MAX,
            header_fields_max: limits::API_HEADER_FIELDS_MAX,
            header_timeout_ms: 10_000,
            keep_alive_ms: 75_000,
            transfer_grace_ms: 30_000,
            transfer_bytes_per_second_min: 1_024,
            connections_max: 1_024,
            connections_per_address_max: 512,
            requests_max: limits::API_REQUESTS_MAX,
            requests_per_tenant_max: limits::API_REQUESTS_MAX,
            requests_per_user_max: limits::API_REQUESTS_MAX,
            retry_after_s: 1,
            workers: 2,
            spool: PathBuf::from("spool"),
            spool_bytes_max: limits::API_SPOOL_BYTES_MAX,
            spool_memory_bytes_max: limits::API_SPOOL_MEMORY_BYTES_MAX,
            legacy: None,
        }
    }
}

/// Reads `NAME` or `TENANT:NAME`; without a tenant it is that of the server.
pub fn legacy_user(text: &str) -> Result<(Option<TenantId>, UserName), String> {
    let (tenant, user) = match text.split_once(':') {
        Some((tenant, user)) => (Some(TenantId::new(tenant).map_err(|error| error.to_string())?), user),
        None => (None, text),
    };
    Ok((tenant, UserName::new(user).map_err(|error| error.to_string())?))
}

/// Where a fault is.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// At this byte of the text.
    At(usize),
    /// Where this stands first.
    Key(&'static str),
}

/// Where a fault is, and what it is.
type Fault = (Place, String);

impl ApiConfig {
    /// What contradicts itself or cannot be meant.
    pub fn check(&self) -> Result<(), Fault> {
        let somewhere = |key, what: &str| Err((Place::Key(key), what.to_owned()));
        self.addresses(&self.listen)?;
        for (address, text) in self.addresses(&self.plain)?.iter().zip(&self.plain) {
            if !address.ip().is_loopback() && !self.plain_anywhere {
                let what = "without TLS only a loopback address, or plain_anywhere = true: passwords and documents would \
                            cross the network readable";
                return Err((Place::At(text.span().start), what.to_owned()));
            }
        }
        if self.listen.is_empty() && self.plain.is_empty() && self.legacy.is_none() {
            return somewhere("[api]", "[api] needs listen, plain or [api.legacy]");
        }
        if self.certificate.is_some() != self.key.is_some() {
            return somewhere("[api]", "certificate goes together with key");
        }
        if !self.listen.is_empty() && self.certificate.is_none() {
            return somewhere("[api]", "listen needs certificate and key");
        }
        if self.client_certificates != ClientCertificates::Off && self.listen.is_empty() {
            return somewhere("client_certificates", "client_certificates goes together with listen");
        }
        if self.client_certificates == ClientCertificates::Off && !self.client_authorities.is_empty() {
            return somewhere("client_authorities", "client_authorities goes together with client_certificates");
        }
        if let Some(address) = &self.address {
            let text = address.get_ref();
            let good = text.starts_with("http://") || text.starts_with("https://");
            if !good || text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"'&".contains(c)) {
                return Err((
                    Place::At(address.span().start),
                    "address must begin with http:// or https://".to_owned(),
                ));
            }
        }
        self.check_numbers()?;
        self.check_legacy()
    }

    fn check_numbers(&self) -> Result<(), Fault> {
        let at_least_one = [
            ("reload_ms", self.reload_ms),
            ("body_bytes_max", self.body_bytes_max),
            ("header_timeout_ms", self.header_timeout_ms),
            ("keep_alive_ms", self.keep_alive_ms),
            ("transfer_grace_ms", self.transfer_grace_ms),
            ("transfer_bytes_per_second_min", self.transfer_bytes_per_second_min),
            ("connections_max", self.connections_max as u64),
            ("connections_per_address_max", self.connections_per_address_max as u64),
            ("requests_max", self.requests_max as u64),
            ("requests_per_tenant_max", self.requests_per_tenant_max as u64),
            ("requests_per_user_max", self.requests_per_user_max as u64),
            ("spool_bytes_max", self.spool_bytes_max),
            ("spool_memory_bytes_max", self.spool_memory_bytes_max),
        ];
        if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err((Place::Key(name), format!("{name} must be at least 1")));
        }
        let within = |name, value: usize, least: usize, most: usize| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err((Place::Key(name), format!("{name} must be {least} to {most}"))),
        };
        within("workers", self.workers, 1, limits::API_WORKERS_MAX)?;
        within("connections_max", self.connections_max, 1, limits::API_CONNECTIONS_MAX)?;
        within("header_bytes_max", self.header_bytes_max, 1_024, limits::API_HEADER_BYTES_CEILING)?;
        within("header_fields_max", self.header_fields_max, 8, limits::API_HEADER_FIELDS_CEILING)
    }

    fn check_legacy(&self) -> Result<(), Fault> {
        let Some(legacy) = &self.legacy else { return Ok(()) };
        if legacy.users.is_empty() {
            let what = "[api.legacy] needs users: those who may call over old TLS";
            return Err((Place::Key("legacy"), what.to_owned()));
        }
        if legacy.program.is_some() != legacy.config.is_some() {
            let what = "[api.legacy] program goes together with config";
            return Err((Place::Key("legacy"), what.to_owned()));
        }
        for user in &legacy.users {
            legacy_user(user.get_ref()).map_err(|what| (Place::At(user.span().start), what))?;
        }
        Ok(())
    }

    /// Addresses of texts.
    pub fn addresses(&self, texts: &[Spanned<String>]) -> Result<Vec<SocketAddr>, Fault> {
        let address = |text: &Spanned<String>| {
            let what = || format!("\"{}\" is no address: write 127.0.0.1:25100 or [::1]:25100", text.get_ref());
            text.get_ref().parse().map_err(|_| (Place::At(text.span().start), what()))
        };
        texts.iter().map(address).collect()
    }

    /// How long a header may take.
    pub fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// How long a connection may rest.
    pub fn keep_alive(&self) -> Duration {
        Duration::from_millis(self.keep_alive_ms)
    }

    /// The files that TLS is made of.
    pub fn tls_files(&self, home: &PathsFromHome<'_>) -> Option<crate::api::tls::Files> {
        let (certificate, key) = self.certificate.as_ref().zip(self.key.as_ref())?;
        Some(crate::api::tls::Files {
            certificate: home.path(certificate),
            key: home.path(key),
            authorities: self.client_authorities.iter().map(|file| home.path(file)).collect(),
        })
    }
}
