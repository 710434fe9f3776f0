//! The REST door: the operations of the SecPKI service at `POST /v1/OPERATION`, with JSON bodies.
//!
//! The same table, the same checks and the same work as SOAP; what goes wrong is said as RFC 9457 says it.

use super::answer::{numbered, outcome, respond};
use super::body::Body;
use super::connection::Peer;
use super::credentials::Presented;
use super::routes::{Correlation, Told};
use super::soap::{framed, refuse, unread};
use super::{Edge, openapi};
use ::soap::fault::Fault;
use ::soap::read::JsonReader;
use ::soap::table::{Operation, Service, operation};
use ::soap::write::{self, Answer};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use std::sync::Arc;

/// `POST /v1/OPERATION`.
pub(super) async fn post(edge: Data<Edge>, name: Path<String>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let correlation = request.extensions().get::<Correlation>().cloned().unwrap_or_else(Correlation::none);
    let asked = operation(Service::SecPki, &name);
    let told = |outcome| Told { operation: asked.map_or("none", |operation| operation.name), outcome };
    let done = match asked {
        Some(operation) => {
            let mut body = Body::new(payload, edge.settings.body_bytes_max, edge.settings.pace);
            let done = run(&edge, operation, &request, &mut body).await;
            if let Err(fault) = &done {
                refuse(&edge, fault, &request, body).await;
            }
            done
        }
        None => Err(Fault::not_found("operation", "there is no such operation")),
    };
    match done {
        Ok(answer) => respond(answer, told("ok")),
        Err(fault) => {
            let fault = numbered(fault, &correlation);
            tracing::debug!(correlation = &*correlation.0, operation = told("").operation, %fault, "fault");
            respond(write::fault_json(&fault), told(outcome(&fault)))
        }
    }
}

async fn run(
    edge: &Edge,
    operation: &'static Operation,
    request: &HttpRequest,
    body: &mut Body,
) -> Result<Answer, Fault> {
    let peer = request.conn_data::<Arc<Peer>>().ok_or_else(|| Fault::server("connection", "nobody is there"))?;
    let headers = request.headers();
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Fault::malformed("content-type", "the request has to be application/json").with_http(415));
    }
    framed(headers, edge.settings.body_bytes_max)?;
    let shown = Presented::read(headers, peer).map_err(|bad| Fault::client("header", bad.to_string()))?;
    edge.has_room(None)?;
    let caller = edge.caller_before(peer, &shown).await?.ok_or_else(Fault::unauthenticated)?;
    let mut reserved = edge.reserve(&caller)?;
    let key = idempotency_key(operation, request)?;
    let mut reader = JsonReader::new(operation, &edge.spool);
    while let Some(piece) = body.next_within(&mut reserved).await.map_err(unread)? {
        reader.push(&piece)?;
    }
    let parameters: Vec<_> = key.iter().map(|key| (openapi::KEY_FIELD, key.as_str())).collect();
    let call = reader.finish(&parameters)?;
    let form = call.form();
    let reply = edge.exchange(caller, call, reserved).await?;
    write::answer(&form, &reply)
}

/// The header `Idempotency-Key`, for operations that keep keys. One that only looks may be repeated anyway; for any other
/// the key would promise what is not kept.
fn idempotency_key(operation: &Operation, request: &HttpRequest) -> Result<Option<String>, Fault> {
    let wrong = |sentence| Err(Fault::client("idempotency-key", sentence));
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return wrong("the header Idempotency-Key is there twice");
    }
    // A structured text of RFC 8941 stands in quotation marks; most clients write none.
    let Some(text) = value.to_str().ok().map(|text| text.trim().trim_matches('"')).filter(|text| !text.is_empty())
    else {
        return wrong("the header Idempotency-Key is empty or no text");
    };
    match (openapi::takes_key(operation), operation.reads) {
        (true, _) => Ok(Some(text.to_owned())),
        (false, true) => Ok(None),
        (false, false) => wrong("this operation keeps no idempotency keys"),
    }
}
