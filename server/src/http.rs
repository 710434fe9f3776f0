//! The local page for monitoring: `/metrics` (Prometheus text), `/healthz` (the process lives), `/readyz` (the store
//! answers and a signer is ready). Changes nothing and shows no document.

use crate::api::Edge;
use crate::api::measure as edge_measure;
use actix_web::dev::Server;
use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer, web};
use actors::measure;
use actors::services::Services;
use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use model::TenantId;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

/// Starts counting. Once in a process.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    // Fixed buckets: without them every sample would be kept until somebody asks.
    let seconds =
        [0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
    let rows = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(measure::STAGE_SECONDS.to_owned()), &seconds)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full(edge_measure::REQUEST_SECONDS.to_owned()), &seconds)
        })
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(measure::GROUP_ROWS.to_owned()), &rows))
        .context("metric buckets")?
        .install_recorder()
        .context("metrics cannot be installed")
}

struct Page {
    metrics: PrometheusHandle,
    // Weak: the page must not keep a server alive that is shutting down.
    services: Weak<Services>,
    edge: Option<Arc<Edge>>,
    tenant: TenantId,
}

/// Serves the page. Gives the address it listens on and the server to be awaited or stopped.
pub fn serve(
    listen: &str,
    metrics: PrometheusHandle,
    services: &Arc<Services>,
    edge: Option<Arc<Edge>>,
    tenant: TenantId,
) -> anyhow::Result<(SocketAddr, Server)> {
    let page = Data::new(Page { metrics, services: Arc::downgrade(services), edge, tenant });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(page.clone())
            .route("/metrics", web::get().to(show_metrics))
            .route("/healthz", web::get().to(async || HttpResponse::Ok().body("alive\n")))
            .route("/readyz", web::get().to(show_ready))
    })
    .workers(1)
    .max_connections(64)
    .disable_signals()
    .bind(listen)
    .with_context(|| format!("the metrics address {listen} cannot be used"))?;
    let address = server.addrs().first().copied().context("the metrics page has no address")?;
    Ok((address, server.run()))
}

async fn show_metrics(page: Data<Page>) -> HttpResponse {
    if let Some(services) = page.services.upgrade() {
        services.gauge();
    }
    if let Some(edge) = &page.edge {
        edge.gauge();
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(page.metrics.render())
}

async fn show_ready(page: Data<Page>) -> HttpResponse {
    let Some(services) = page.services.upgrade() else {
        return HttpResponse::ServiceUnavailable().body("shutting down\n");
    };
    if let Err(error) = services.store.ping(&page.tenant).await {
        return HttpResponse::ServiceUnavailable().body(format!("{error}\n"));
    }
    if !services.some_signer_ready() {
        return HttpResponse::ServiceUnavailable().body("no signer is ready\n");
    }
    HttpResponse::Ok().body("ready\n")
}
