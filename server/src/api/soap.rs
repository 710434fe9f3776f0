//! The SOAP door: one POST in, one envelope out.

use super::answer::{numbered, outcome, respond};
use super::body::{Body, BodyFault};
use super::connection::Peer;
use super::credentials::Presented;
use super::exchange::Reserved;
use super::routes::{Correlation, Told};
use super::{Edge, measure};
use ::soap::fault::{Fault, status};
use ::soap::read::{Call, Head, Reader, Version};
use ::soap::table::Service;
use ::soap::write::{self, Answer};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use model::Caller;
use std::sync::Arc;

/// `POST /` and `POST /soap`.
pub(super) async fn post(edge: Data<Edge>, request: HttpRequest, payload: Payload) -> HttpResponse {
    serve(edge, request, payload, None).await
}

/// `POST /secsigner`.
pub(super) async fn post_signer(edge: Data<Edge>, request: HttpRequest, payload: Payload) -> HttpResponse {
    serve(edge, request, payload, Some(Service::SecSigner)).await
}

async fn serve(edge: Data<Edge>, request: HttpRequest, payload: Payload, service: Option<Service>) -> HttpResponse {
    let correlation = request.extensions().get::<Correlation>().cloned().unwrap_or_else(Correlation::none);
    let mut exchange = Exchange { version: Version::Soap11, service, operation: "none" };
    let mut body = Body::new(payload, edge.settings.anonymous_body_bytes_max, edge.settings.pace);
    let done = exchange.run(&edge, &request, &mut body).await;
    if let Err(fault) = &done {
        refuse(&edge, fault, &request, body).await;
    }
    let told = |outcome| Told { operation: exchange.operation, outcome };
    match done {
        Ok(answer) => respond(answer, told("ok")),
        Err(fault) => {
            let fault = numbered(fault, &correlation);
            tracing::debug!(correlation = &*correlation.0, operation = exchange.operation, %fault, "fault");
            let service = exchange.service.unwrap_or(Service::SecPki);
            let mut answer = write::fault(exchange.version, service, &fault);
            // What is wrong with the request of HTTP itself is said in its words: carriers on the way read them, too.
            if matches!(fault.http, 408 | 411) {
                answer.http_status = fault.http;
            }
            respond(answer, told(outcome(&fault)))
        }
    }
}

/// One exchange, as far as it is known what it is.
struct Exchange {
    version: Version,
    service: Option<Service>,
    operation: &'static str,
}

impl Exchange {
    async fn run(&mut self, edge: &Edge, request: &HttpRequest, body: &mut Body) -> Result<Answer, Fault> {
        let peer = request.conn_data::<Arc<Peer>>().ok_or_else(|| Fault::server("connection", "nobody is there"))?;
        let headers = request.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let head =
            Head { content_type: text(CONTENT_TYPE.as_str()), soap_action: text("soapaction"), service: self.service };
        if head.content_type.is_some_and(|media| media.trim_start().starts_with("application/soap+xml")) {
            self.version = Version::Soap12;
        }
        let length = framed(headers, edge.settings.body_bytes_max)?;
        let shown = Presented::read(headers, peer).map_err(|bad| Fault::client("header", bad.to_string()))?;
        let mut reader = Reader::new(&head, &edge.spool)?;
        edge.has_room(None)?;
        let mut caller = edge.caller_before(peer, &shown).await?;
        let mut reserved = Reserved::default();
        if let Some(caller) = &caller {
            reserved = edge.reserve(caller)?;
            body.allow(edge.settings.body_bytes_max);
        }
        let mut is_token_seen = false;
        while let Some(piece) = body.next_within(&mut reserved).await.map_err(unread)? {
            let pushed = reader.push(&piece);
            self.version = reader.version();
            self.operation = reader.operation().map_or("none", |operation| operation.name);
            pushed?;
            // The token stands before the documents: whoever it lets in may send more.
            if let (false, Some(token)) = (is_token_seen, reader.token()) {
                caller = Some(edge.caller_in_message(peer, &shown, token, caller.as_ref()).await?);
                is_token_seen = true;
                if let (None, Some(caller)) = (reserved.until(), &caller) {
                    reserved = edge.reserve(caller)?;
                }
                body.allow(edge.settings.body_bytes_max);
            }
        }
        if length.is_some_and(|length| length != body.length()) {
            return Err(Fault::malformed("length", "the body is not as long as its header says"));
        }
        let call = reader.finish()?;
        (self.version, self.service, self.operation) =
            (call.version, Some(call.operation.service), call.operation.name);
        if let (false, Some(token)) = (is_token_seen, &call.token) {
            caller = Some(edge.caller_in_message(peer, &shown, token, caller.as_ref()).await?);
        }
        answer(edge, caller.ok_or_else(Fault::unauthenticated)?, call, reserved).await
    }
}

async fn answer(edge: &Edge, caller: Caller, call: Call, reserved: Reserved) -> Result<Answer, Fault> {
    let form = call.form();
    let reply = edge.exchange(caller, call, reserved).await?;
    write::answer(&form, &reply)
}

/// Before somebody is told that the server is busy: she will come again, and had better not need a new connection for it.
pub(super) async fn refuse(edge: &Edge, fault: &Fault, request: &HttpRequest, mut body: Body) {
    if fault.status == status::BUSY
        && let Ok(length) = framed(request.headers(), edge.settings.body_bytes_max)
    {
        body.pass(length).await;
    }
}

/// How the body comes; its length, if that is said. The HTTP library refuses what is said twice or in two ways.
pub(super) fn framed(headers: &HeaderMap, bytes_max: u64) -> Result<Option<u64>, Fault> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    if encoding.is_some_and(|encoding| !matches!(encoding.as_str(), "" | "identity")) {
        let sentence = "the body has a content encoding; none is understood";
        return Err(Fault::malformed("content-encoding", sentence).with_http(415));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > bytes_max => Err(too_long(bytes_max)),
        None if !headers.contains_key(TRANSFER_ENCODING) => {
            Err(Fault::malformed("length", "the length of the body is not said").with_http(411))
        }
        length => Ok(length),
    }
}

/// Why a body was not read.
pub(super) fn unread(fault: BodyFault) -> Fault {
    match fault {
        BodyFault::TooLong(bytes) => too_long(bytes),
        BodyFault::TooSlow => {
            metrics::counter!(measure::CONNECTIONS_ENDED, "why" => "slow body").increment(1);
            Fault::malformed("too-slow", fault.to_string()).with_http(408)
        }
        BodyFault::Broken(_) => Fault::malformed("body", fault.to_string()),
    }
}

fn too_long(bytes: u64) -> Fault {
    Fault::too_large("message-too-large", format!("the body of the request is longer than {bytes} bytes"))
}
