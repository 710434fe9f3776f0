//! Which path leads where, and what holds for every request before and after.

use super::connection::{Busy, Peer};
use super::{Edge, describe, measure, rest, soap};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, Route};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

/// Tells requests apart in logs and faults.
#[derive(Clone, Debug)]
pub struct Correlation(pub Arc<str>);

/// What a request turned out to be, for metrics and the log. Handlers put it into their answer.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The operation.
    pub operation: &'static str,
    /// How it ended.
    pub outcome: &'static str,
}

impl Correlation {
    /// Of a request that was not guarded.
    pub(super) fn none() -> Self {
        Self("none".into())
    }
}

/// The paths.
pub fn configure(app: &mut web::ServiceConfig) {
    for path in ["/", "/soap"] {
        let (shows, reads) = (web::get().to(describe::secpki), web::post().to(soap::post));
        let heads = web::head().to(describe::secpki);
        app.service(
            web::resource(path).route(shows).route(heads).route(reads).default_service(other("GET, HEAD, POST")),
        );
    }
    let signer = web::resource("/secsigner")
        .route(web::get().to(describe::secsigner))
        .route(web::head().to(describe::secsigner))
        .route(web::post().to(soap::post_signer))
        .default_service(other("GET, HEAD, POST"));
    let described =
        web::resource("/v1/openapi.json").route(web::get().to(describe::rest)).default_service(other("GET"));
    let operations = web::resource("/v1/{operation}").route(web::post().to(rest::post)).default_service(other("POST"));
    app.service(signer).service(described).service(operations);
    app.default_service(web::to(async || HttpResponse::NotFound().body("there is nothing here\n")));
}

/// Another method than those that a path has.
fn other(allowed: &'static str) -> Route {
    web::to(move || async move {
        let mut refusal = HttpResponse::MethodNotAllowed();
        refusal.insert_header((ALLOW, allowed)).body(format!("this address knows {allowed}\n"))
    })
}

/// Around every request: bounds of its header, its number, the log, the metrics.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let edge = request.app_data::<Data<Edge>>().cloned();
    let peer = request.request().conn_data::<Arc<Peer>>().cloned();
    let (Some(edge), Some(peer)) = (edge, peer) else {
        return Ok(request.into_response(HttpResponse::InternalServerError().finish()));
    };
    let busy = peer.busy();
    let correlation = Correlation(number());
    request.extensions_mut().insert(correlation.clone());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let response = match refused(&edge, &request) {
        Some(refusal) => request.into_response(refusal),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    let mut response = response.map_body(|_, body| Held { body, _busy: busy }.boxed());
    if let Ok(value) = HeaderValue::from_str(&correlation.0) {
        response.headers_mut().insert(HeaderName::from_static("x-correlation-id"), value);
    }
    let status = response.status();
    let usual = Told { operation: "none", outcome: if status.is_success() { "ok" } else { "refused" } };
    let told = response.response().extensions().get::<Told>().copied().unwrap_or(usual);
    let micros = began.elapsed().as_micros();
    metrics::counter!(measure::REQUESTS, "operation" => told.operation, "outcome" => told.outcome).increment(1);
    metrics::histogram!(measure::REQUEST_SECONDS, "operation" => told.operation).record(began.elapsed().as_secs_f64());
    tracing::debug!(
        correlation = &*correlation.0,
        address = %peer.address,
        door = peer.door.word(),
        %method,
        path,
        operation = told.operation,
        outcome = told.outcome,
        status = status.as_u16(),
        micros,
        "request"
    );
    Ok(response)
}

/// A number that no other request of this process has, and none of another process either.
fn number() -> Arc<str> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    static PROCESS: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let process = PROCESS.get_or_init(|| {
        let mut random = [0; 4];
        // A process without random numbers has its own number still.
        match openssl::rand::rand_bytes(&mut random) {
            Ok(()) => u32::from_be_bytes(random),
            Err(_) => std::process::id(),
        }
    });
    format!("{process:08x}-{:08x}", NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// What is wrong with a request before anybody looks at what it wants.
fn refused(edge: &Edge, request: &ServiceRequest) -> Option<HttpResponse> {
    let headers = request.headers();
    // Twice is two answers to one question, and the next one who reads it may take the other.
    if [HOST, CONTENT_TYPE, CONTENT_ENCODING].iter().any(|name| headers.get_all(name).nth(1).is_some()) {
        return Some(HttpResponse::BadRequest().body("a header field is there twice\n"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > edge.settings.header_bytes_max / 2 {
        return Some(HttpResponse::build(StatusCode::URI_TOO_LONG).body("the address is too long\n"));
    }
    if headers.len() > edge.settings.header_fields_max || bytes + target > edge.settings.header_bytes_max {
        let answer = "the header of the request is too large\n";
        return Some(HttpResponse::build(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE).body(answer));
    }
    None
}

/// An answer that is being sent: its connection is not idle until it is through.
struct Held {
    body: BoxBody,
    _busy: Busy,
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
