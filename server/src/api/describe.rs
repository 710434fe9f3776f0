//! The descriptions: WSDL for SOAP, OpenAPI for REST, with the address that clients are to call.

use super::connection::{Door, Peer};
use super::credentials::Presented;
use super::routes::Told;
use super::{Edge, answer, openapi};
use actix_web::http::header::{CONTENT_TYPE, HOST};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use soap::fault::Fault;
use soap::read::Version;
use soap::table::Service;
use soap::{write, wsdl};
use std::sync::Arc;

/// `GET /` and `GET /soap`.
pub(super) async fn secpki(edge: Data<Edge>, request: HttpRequest) -> HttpResponse {
    describe(&edge, &request, Service::SecPki, "").await
}

/// `GET /secsigner`.
pub(super) async fn secsigner(edge: Data<Edge>, request: HttpRequest) -> HttpResponse {
    describe(&edge, &request, Service::SecSigner, "secsigner").await
}

async fn describe(edge: &Edge, request: &HttpRequest, service: Service, path: &str) -> HttpResponse {
    let (version, told) = (version(request.query_string()), |outcome| Told { operation: "wsdl", outcome });
    if let Err(fault) = may_see(edge, request).await {
        return answer::respond(write::fault(version, service, &fault), told("refused"));
    }
    let text = wsdl::description(service, version, &format!("{}{path}", address(edge, request)));
    shown("text/xml; charset=utf-8", text, told("ok"))
}

/// `GET /v1/openapi.json`.
pub(super) async fn rest(edge: Data<Edge>, request: HttpRequest) -> HttpResponse {
    let told = |outcome| Told { operation: "openapi", outcome };
    if let Err(fault) = may_see(&edge, &request).await {
        return answer::respond(write::fault_json(&fault), told("refused"));
    }
    let document = openapi::document(&format!("{}v1", address(&edge, &request)));
    shown("application/json", document.to_string(), told("ok"))
}

fn shown(media: &str, text: String, told: Told) -> HttpResponse {
    let mut response = HttpResponse::Ok().insert_header((CONTENT_TYPE, media)).body(text);
    response.extensions_mut().insert(told);
    response
}

async fn may_see(edge: &Edge, request: &HttpRequest) -> Result<(), Fault> {
    if edge.settings.public_wsdl {
        return Ok(());
    }
    let peer = request.conn_data::<Arc<Peer>>().ok_or_else(Fault::unauthenticated)?;
    let shown = Presented::read(request.headers(), peer).map_err(|bad| Fault::client("header", bad.to_string()))?;
    edge.caller_before(peer, &shown).await?.map(|_| ()).ok_or_else(Fault::unauthenticated)
}

/// `?wsdl&v=12` asks for SOAP 1.2; clients that do not know say nothing.
fn version(query: &str) -> Version {
    match query.split('&').any(|part| part.eq_ignore_ascii_case("v=12")) {
        true => Version::Soap12,
        false => Version::Soap11,
    }
}

/// Where the server is called, with a slash at the end: as configured, else as this client has called it.
fn address(edge: &Edge, request: &HttpRequest) -> String {
    if let Some(address) = &edge.settings.address {
        return format!("{}/", address.trim_end_matches('/'));
    }
    let is_plain = request.conn_data::<Arc<Peer>>().is_some_and(|peer| peer.door == Door::Plain);
    let scheme = if is_plain { "http" } else { "https" };
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // What a client says of us goes into a document that others may read: only what can be a host.
    let is_host = |host: &&str| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte))
    };
    format!("{scheme}://{}/", named.filter(is_host).unwrap_or("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soap_1_2_is_described_only_to_whom_asks_for_it() {
        for query in ["", "wsdl", "WSDL", "v=11", "wsdl&v=120"] {
            assert_eq!(version(query), Version::Soap11, "{query}");
        }
        for query in ["wsdl&v=12", "V=12", "v=12&wsdl"] {
            assert_eq!(version(query), Version::Soap12, "{query}");
        }
    }
}
