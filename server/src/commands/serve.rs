//! `sealmill serve`: run until told to end.

use crate::api::Api;
use crate::assemble;
use crate::cli::Serve;
use crate::config::Config;
use crate::http;
use actors::services::{Running, Services};
use anyhow::Context;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the command.
pub fn run(arguments: &Serve) -> anyhow::Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    super::system(&config)?.block_on(serve(config, arguments.until_idle))
}

async fn serve(config: Config, until_idle: bool) -> anyhow::Result<ExitCode> {
    let server = Server::start(&config).await?;
    for url in server.urls() {
        tracing::info!(api = url, "serving");
    }
    if let Some(address) = &server.address {
        tracing::info!(metrics = %format_args!("http://{address}/metrics"), "serving");
    }
    tokio::select! {
        () = told_to_end()? => tracing::info!("ending"),
        () = idle(&server.running.services), if until_idle => tracing::info!("nothing left to do"),
    }
    server.end(&config).await;
    // Every outcome is durable. A call that hangs in a module of this process must not keep the process alive: the
    // runtime would wait for its thread.
    std::process::exit(i32::from(super::EXIT_DONE))
}

/// A started server and its page.
pub struct Server {
    /// The services.
    pub running: Running,
    /// Where the metrics page is.
    pub address: Option<std::net::SocketAddr>,
    page: Option<actix_web::dev::ServerHandle>,
    api: Option<Api>,
    documents: Option<actors::api::Api>,
}

impl Server {
    /// Starts everything that the configuration names.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let store = assemble::open_store(config).await?;
        let metrics = http::install_metrics()?;
        let allowed = crate::trust_sources::allowed(&store, &assemble::tenant(config)?).await?;
        let (setup, broken) = assemble::setup(config, store, &allowed)?;
        broken.iter().for_each(assemble::Broken::show);
        let tenant = setup.tenant.clone();
        let running = Services::start(setup);
        let api = match &config.api {
            Some(api) => {
                let (parts, documents) = assemble::api_parts(config, api, &running.services, &allowed).await?;
                documents.work_on_batches();
                Some((Api::start(config, api, parts)?, documents))
            }
            None => None,
        };
        let (api, documents) = api.unzip();
        let edge = api.as_ref().map(|api| api.edge().clone());
        let (mut address, mut page) = (None, None);
        if !config.metrics.listen.is_empty() {
            let (at, server) = http::serve(&config.metrics.listen, metrics, &running.services, edge, tenant)?;
            (address, page) = (Some(at), Some(server.handle()));
            tokio::spawn(server);
        }
        Ok(Self { running, address, page, api, documents })
    }

    /// Where applications call.
    pub fn urls(&self) -> Vec<String> {
        let Some(api) = &self.api else { return Vec::new() };
        let tls = api.tls.iter().map(|at| format!("https://{at}/"));
        tls.chain(api.plain.iter().map(|at| format!("http://{at}/"))).collect()
    }

    /// Lets what is inside finish, then ends.
    pub async fn end(self, config: &Config) {
        if let Some(documents) = &self.documents {
            documents.stop_batches();
        }
        if let Some(api) = self.api {
            api.end().await;
        }
        if let Some(page) = self.page {
            page.stop(false).await;
        }
        self.running.shut_down(Duration::from_millis(config.server.shutdown_timeout_ms)).await;
    }
}

/// Returns on SIGINT (Ctrl-C) or SIGTERM.
pub fn told_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("signals cannot be watched")?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be watched")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns when every watched directory has been idle for a moment.
pub async fn idle(services: &Arc<Services>) {
    let mut quiet = 0;
    while quiet < 3 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let idle = services.directories.iter().all(|directory| directory.status().idle);
        quiet = if idle { quiet + 1 } else { 0 };
    }
}
