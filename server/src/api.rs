//! The network edge: carries requests of applications in and answers out.
//!
//! Owns sockets, TLS, who gets in and how slow she may be; hands bytes to `soap` and says who the caller is. Decides
//! nothing about documents and rights.

pub mod admission;
mod answer;
pub mod body;
pub mod connection;
pub mod credentials;
mod describe;
mod exchange;
mod gate;
pub mod legacy;
pub mod listen;
pub mod measure;
pub mod openapi;
pub mod pace;
pub mod proxy;
pub mod replay;
mod rest;
pub mod routes;
mod soap;
pub mod tls;

use crate::config::Config;
use crate::config::api::{ApiConfig, legacy_user};
use ::soap::content::Spool;
use ::soap::operations::Operations;
use actors::access::Access;
use admission::{Admission, Bounds};
use anyhow::Context;
use listen::Sockets;
use model::{TenantId, UserName};
use pace::Pace;
use replay::Replays;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tls::{Rules, Tls};

/// What all requests share.
pub struct Edge {
    /// What is configured.
    pub settings: Settings,
    /// Who gets in.
    pub admission: Admission,
    /// Where documents go that do not fit into memory.
    pub spool: Spool,
    /// Says who callers are.
    pub access: Access,
    /// Does what they ask for.
    pub operations: Operations,
    /// Tokens that were seen.
    replays: Replays,
    /// The threads that documents are worked on.
    runtime: tokio::runtime::Handle,
}

impl Edge {
    /// Writes the values that are read, not counted, into the metrics.
    pub fn gauge(&self) {
        let (connections, requests) = self.admission.inside();
        metrics::gauge!(measure::CONNECTIONS).set(connections as f64);
        metrics::gauge!(measure::IN_FLIGHT).set(requests as f64);
    }
}

/// What is configured, in the units that are worked with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tenant of requests that name none.
    pub tenant: TenantId,
    /// Who may call over old TLS.
    pub legacy_users: Vec<(TenantId, UserName)>,
    /// The address that the WSDL says; `None`: the one that was asked.
    pub address: Option<String>,
    /// WSDL and OpenAPI for everybody.
    pub public_wsdl: bool,
    /// Longest body.
    pub body_bytes_max: u64,
    /// Longest body of somebody unknown.
    pub anonymous_body_bytes_max: u64,
    /// Length of all header fields.
    pub header_bytes_max: usize,
    /// Number of header fields.
    pub header_fields_max: usize,
    /// How long a header may take.
    pub header_timeout: Duration,
    /// How long a connection may rest.
    pub keep_alive: Duration,
    /// How slow a client may be.
    pub pace: Pace,
    /// What a client that finds the server full is told to wait, in seconds.
    pub retry_after_s: u32,
    /// Threads.
    pub workers: usize,
    /// How long requests may take to end when the server ends.
    pub drain: Duration,
}

impl Settings {
    fn new(api: &ApiConfig, tenant: TenantId, drain: Duration) -> Self {
        let legacy = api.legacy.iter().flat_map(|legacy| &legacy.users);
        let users = legacy.filter_map(|user| legacy_user(user.get_ref()).ok()); // checked when it was read
        Self {
            legacy_users: users.map(|(of, user)| (of.unwrap_or_else(|| tenant.clone()), user)).collect(),
            tenant,
            address: api.address.as_ref().map(|address| address.get_ref().clone()),
            public_wsdl: api.public_wsdl,
            body_bytes_max: api.body_bytes_max,
            anonymous_body_bytes_max: api.anonymous_body_bytes_max.min(api.body_bytes_max),
            header_bytes_max: api.header_bytes_max,
            header_fields_max: api.header_fields_max,
            header_timeout: api.header_timeout(),
            keep_alive: api.keep_alive(),
            pace: Pace {
                grace: Duration::from_millis(api.transfer_grace_ms),
                bytes_per_second: api.transfer_bytes_per_second_min,
            },
            retry_after_s: api.retry_after_s,
            workers: api.workers,
            drain,
        }
    }
}

/// What the edge hands its requests to.
pub struct Parts {
    /// Says who callers are.
    pub access: Access,
    /// Does what they ask for.
    pub operations: Operations,
}

/// The running edge.
pub struct Api {
    /// Where it listens with TLS.
    pub tls: Vec<SocketAddr>,
    /// Where it listens without.
    pub plain: Vec<SocketAddr>,
    edge: Arc<Edge>,
    handle: actix_web::dev::ServerHandle,
    watch: Option<tokio::task::JoinHandle<()>>,
    legacy: Option<legacy::Legacy>,
}

impl Api {
    /// Binds the sockets and starts serving. Must run inside the runtime that documents are worked on.
    pub fn start(config: &Config, api: &ApiConfig, parts: Parts) -> anyhow::Result<Self> {
        let paths = config.paths();
        let addresses = |texts| api.addresses(texts).map_err(|(_, what)| anyhow::anyhow!(what));
        let tls = match api.tls_files(&paths) {
            Some(files) if !api.listen.is_empty() => {
                let rules = Rules { files, oldest: api.tls_min, clients: api.client_certificates };
                Some(Tls::load(rules).map_err(anyhow::Error::msg).context("TLS of [api]")?)
            }
            _ => None,
        };
        let bind = |texts| addresses(texts)?.into_iter().map(listen::bind).collect::<anyhow::Result<Vec<_>>>();
        let legacy = api.legacy.as_ref().map(|legacy| listen::bind_unix(&config.path(&legacy.socket))).transpose()?;
        let sockets = Sockets { tls: bind(&api.listen)?, plain: bind(&api.plain)?, legacy };
        let bound = |listeners: &[TcpListener]| listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>();
        let (at_tls, at_plain) = (bound(&sockets.tls)?, bound(&sockets.plain)?);
        let folder = config.path(&api.spool);
        let spool = Spool::open(&folder, api.body_bytes_max, api.spool_bytes_max, api.spool_memory_bytes_max);
        let drain = Duration::from_millis(config.server.shutdown_timeout_ms);
        let edge = Arc::new(Edge {
            settings: Settings::new(api, crate::assemble::tenant(config)?, drain),
            spool: spool.with_context(|| format!("[api] spool {} cannot be used", folder.display()))?,
            access: parts.access,
            operations: parts.operations,
            replays: Replays::default(),
            runtime: tokio::runtime::Handle::current(),
            admission: Admission::new(Bounds {
                connections: api.connections_max,
                connections_per_address: api.connections_per_address_max,
                requests: api.requests_max,
                requests_per_tenant: api.requests_per_tenant_max,
                requests_per_user: api.requests_per_user_max,
            }),
        });
        warn(config, api);
        let server = listen::serve(&edge, tls.as_ref(), sockets)?;
        let handle = server.handle();
        tokio::spawn(server);
        let program = api.legacy.as_ref().and_then(|legacy| legacy.program(&paths));
        let legacy = program.map(legacy::Legacy::start).transpose().context("[api.legacy]")?;
        let watch = tls.map(|tls| tokio::spawn(tls::watch(tls, Duration::from_millis(api.reload_ms))));
        Ok(Self { tls: at_tls, plain: at_plain, edge, handle, watch, legacy })
    }

    /// What its requests share.
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Takes nothing new, lets what is under way finish within the time for it, then ends.
    pub async fn end(self) {
        if let Some(watch) = self.watch {
            watch.abort();
        }
        self.handle.stop(true).await;
        // Its clients, too, had until now to get their answers.
        if let Some(legacy) = self.legacy {
            legacy.end().await;
        }
    }
}

/// What an operator should not overlook.
fn warn(config: &Config, api: &ApiConfig) {
    let anywhere = api.addresses(&api.plain).unwrap_or_default().into_iter().filter(|at| !at.ip().is_loopback());
    for address in anywhere {
        tracing::warn!(%address, "[api] plain: passwords and documents cross the network readable");
    }
    metrics::gauge!(measure::LEGACY).set(if api.legacy.is_some() { 1.0 } else { 0.0 });
    if let Some(legacy) = &api.legacy {
        let users: Vec<_> = legacy.users.iter().map(|user| user.get_ref().as_str()).collect();
        let socket = config.path(&legacy.socket);
        tracing::warn!(socket = %socket.display(), ?users, "[api.legacy]: old TLS is let in, which protects little");
    }
}
