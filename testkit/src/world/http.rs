//! The world's server: HTTP, HTTPS with and without client certificates, on loopback, with keep-alive and counters.
//!
//! Routes requests to the authorities and spoils answers as told. It logs nothing.

mod body;

use super::authority::{Issuer, Order, Purpose};
use super::fault::Fault;
use super::{Inner, Unit, World, crl, der, lock};
use crate::pki::KeyKind;
use anyhow::{Context, Result};
use body::{Shape, Spoiled};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// The user of everything under `/basic`.
pub const USER: &str = "sealmill";
/// The password of everything under `/basic`.
pub const PASSWORD: &str = "geheim";

/// The ports, open before there is anything to serve, because certificates name them.
pub(super) struct Sockets {
    plain: TcpListener,
    tls: TcpListener,
    mutual: TcpListener,
    /// Bound, so that nobody else gets it, and not listening, so that connections are refused.
    down: TcpSocket,
}

impl Sockets {
    pub(super) fn bind(port: u16) -> Result<Self> {
        let listen = |port| -> Result<TcpListener> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port}"))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let down = TcpSocket::new_v4()?;
        down.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self { plain: listen(port)?, tls: listen(0)?, mutual: listen(0)?, down })
    }

    pub(super) fn base_url(&self) -> String {
        self.plain.local_addr().map(|address| format!("http://{address}")).unwrap_or_default()
    }
}

/// Serves until dropped.
pub(super) struct Server {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    tls: SocketAddr,
    mutual: SocketAddr,
    down: SocketAddr,
    closed: Mutex<Option<TcpSocket>>,
}

struct Shared {
    inner: Arc<Inner>,
    faults: Mutex<HashMap<String, (Fault, u64)>>,
    requests: Mutex<HashMap<String, u64>>,
    connections: Mutex<HashMap<String, u64>>,
}

impl Server {
    pub(super) fn start(inner: Arc<Inner>, sockets: Sockets) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("world").enable_all().build()?;
        let (tls_address, mutual) = (sockets.tls.local_addr()?, sockets.mutual.local_addr()?);
        let down = sockets.down.local_addr()?;
        let (optional, required) = (tls(&inner, false)?, tls(&inner, true)?);
        let shared = Arc::new(Shared {
            inner,
            faults: Mutex::default(),
            requests: Mutex::default(),
            connections: Mutex::default(),
        });
        let inside = runtime.enter();
        for (listener, acceptor) in
            [(sockets.plain, None), (sockets.tls, Some(optional)), (sockets.mutual, Some(required))]
        {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(accept(listener, acceptor, Arc::clone(&shared)));
        }
        drop(inside);
        let closed = Mutex::new(Some(sockets.down));
        Ok(Self { runtime: Some(runtime), shared, tls: tls_address, mutual, down, closed })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl World {
    /// The URL of a path: `/ocsp`, `/crl/seals.crl`, `/ca/seals.cer`, `/tsa`, `/tsa/rsa`, `/tsa/<fault>`; `/tsa/down`
    /// is where nobody listens, and `/tsa/as/<any name>` a good authority with counters and faults of its own. Under
    /// `/basic` the same paths want [`USER`] and [`PASSWORD`].
    pub fn url(&self, path: &str) -> String {
        match (path, &self.server) {
            ("/tsa/down", Some(server)) => format!("http://{}/tsa", server.down),
            _ => format!("{}{path}", self.inner.base_url),
        }
    }

    /// The same over TLS; the certificate is issued by the root, for 127.0.0.1. Under `/client` the same paths want a
    /// client's certificate of [`World::client`].
    pub fn tls_url(&self, path: &str) -> String {
        self.server.as_ref().map(|server| format!("https://{}{path}", server.tls)).unwrap_or_default()
    }

    /// The same over TLS, where no connection comes about without a client's certificate.
    pub fn mutual_tls_url(&self, path: &str) -> String {
        self.server.as_ref().map(|server| format!("https://{}{path}", server.mutual)).unwrap_or_default()
    }

    /// The client whose certificate the TLS ports accept.
    pub fn client(&self) -> Result<Arc<crate::pki::Identity>> {
        self.known(&Order::new(Purpose::TlsClient, KeyKind::P256, "Siegelserver"))
    }

    /// Lets the next `times` requests to this path fail (`u64::MAX` for always).
    pub fn fault(&self, path: &str, fault: Fault, times: u64) {
        if let Some(server) = &self.server {
            lock(&server.shared.faults).insert(path.to_owned(), (fault, times));
        }
    }

    /// Ends what [`World::fault`] began.
    pub fn heal(&self, path: &str) {
        if let Some(server) = &self.server {
            lock(&server.shared.faults).remove(path);
        }
    }

    /// From now on somebody listens where `/tsa/down` leads: its server is up again.
    pub fn open_down_port(&self) -> Result<()> {
        let server = self.server.as_ref().context("an offline world has no ports")?;
        let runtime = server.runtime.as_ref().context("the server has ended")?;
        if let Some(socket) = lock(&server.closed).take() {
            let _inside = runtime.enter();
            runtime.spawn(accept(socket.listen(64)?, None, Arc::clone(&server.shared)));
        }
        Ok(())
    }

    /// Requests to exactly this path so far. GET requests of OCSP count for `/ocsp`.
    pub fn count(&self, path: &str) -> u64 {
        self.counted(path, |shared| &shared.requests)
    }

    /// Requests to all paths that begin so.
    pub fn count_under(&self, start: &str) -> u64 {
        let under = |server: &Server| {
            lock(&server.shared.requests).iter().filter(|(path, _)| path.starts_with(start)).map(|(_, n)| n).sum()
        };
        self.server.as_ref().map(under).unwrap_or(0)
    }

    /// Connections that carried at least one request to exactly this path.
    pub fn connections(&self, path: &str) -> u64 {
        self.counted(path, |shared| &shared.connections)
    }

    fn counted(&self, path: &str, of: impl Fn(&Shared) -> &Mutex<HashMap<String, u64>>) -> u64 {
        let server = self.server.as_ref();
        server.and_then(|server| lock(of(&server.shared)).get(path).copied()).unwrap_or(0)
    }
}

fn tls(inner: &Inner, required: bool) -> Result<TlsAcceptor> {
    let server = inner.issue(&Order::new(Purpose::TlsServer, KeyKind::P256, "Muster Welt"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(inner.root.certificate.clone()))?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = if required { verifier.build()? } else { verifier.allow_unauthenticated().build()? };
    let key = PrivateKeyDer::try_from(server.key_pkcs8_der()?).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![CertificateDer::from(server.certificate_der())], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: tokio::net::TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let Some(acceptor) = acceptor else { return serve(stream, false, shared).await };
            if let Ok(stream) = acceptor.accept(stream).await {
                let known = stream.get_ref().1.peer_certificates().is_some();
                serve(stream, known, shared).await;
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, known: bool, shared: Arc<Shared>) {
    let seen: Mutex<HashSet<String>> = Mutex::default();
    let service = service_fn(|request| answer(&shared, &seen, known, request));
    // A client that goes away is its own business.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// What a path stands for, once its prefix and its fault are taken off.
struct Route {
    /// What is counted and what faults are set for.
    path: String,
    service: String,
    fault: Option<Fault>,
    /// The request of a GET to OCSP.
    question: Option<String>,
}

fn route(path: &str) -> Route {
    let mut route = Route { path: path.to_owned(), service: path.to_owned(), fault: None, question: None };
    for service in ["/tsa", "/ocsp"] {
        let Some(rest) = path.strip_prefix(service).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let (first, more) = rest.split_once('/').unwrap_or((rest, ""));
        let question = match Fault::named(first) {
            Some(fault) => {
                route.fault = Some(fault);
                more
            }
            None => rest,
        };
        if service == "/tsa" && first == "as" {
            route.service = service.to_owned();
        } else if service == "/ocsp" || route.fault.is_some() {
            let question = (!question.is_empty()).then(|| question.to_owned());
            route.path = path[..path.len() - question.as_ref().map_or(0, |q| q.len() + 1)].to_owned();
            route.service = service.to_owned();
            route.question = question;
        }
    }
    route
}

async fn answer(
    shared: &Shared,
    seen: &Mutex<HashSet<String>>,
    known: bool,
    request: Request<Incoming>,
) -> Result<Response<Spoiled>> {
    let (head, body) = request.into_parts();
    let whole = head.uri.path();
    let (wants_user, wants_client, inner_path) = match (whole.strip_prefix("/basic"), whole.strip_prefix("/client")) {
        (Some(rest), _) => (true, false, rest),
        (_, Some(rest)) => (false, true, rest),
        _ => (false, false, whole),
    };
    let route = route(inner_path);
    let counted = format!("{}{}", &whole[..whole.len() - inner_path.len()], route.path);
    *lock(&shared.requests).entry(counted.clone()).or_default() += 1;
    if lock(seen).insert(counted.clone()) {
        *lock(&shared.connections).entry(counted.clone()).or_default() += 1;
    }
    let body = Limited::new(body, REQUEST_MAX).collect().await.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    if wants_user && head.headers.get(header::AUTHORIZATION) != Some(&authorization()?) {
        return status(StatusCode::UNAUTHORIZED, &[(header::WWW_AUTHENTICATE, "Basic realm=\"world\"")]);
    }
    if wants_client && !known {
        return status(StatusCode::FORBIDDEN, &[]);
    }

    let fault = scheduled(shared, &counted).or(route.fault);
    match fault {
        Some(Fault::Drop) => anyhow::bail!("closed in place of an answer"),
        Some(Fault::Http429) => return status(StatusCode::TOO_MANY_REQUESTS, &[(header::RETRY_AFTER, "1")]),
        Some(Fault::Http500) => return status(StatusCode::INTERNAL_SERVER_ERROR, &[]),
        Some(Fault::Http401) => return status(StatusCode::UNAUTHORIZED, &[]),
        Some(Fault::Http404) => return status(StatusCode::NOT_FOUND, &[]),
        Some(Fault::Redirect) => return status(StatusCode::FOUND, &[(header::LOCATION, whole)]),
        _ => {}
    }
    let Some(Content { kind, bytes, made }) = content(&shared.inner, &head.method, &route, &body, fault)? else {
        return status(StatusCode::NOT_FOUND, &[]);
    };
    if let Some(fault) = fault {
        tokio::time::sleep(fault.delay()).await;
    }
    let validators = head.method == Method::GET && route.service != "/ocsp";
    let mut response = Response::builder().status(StatusCode::OK);
    if validators {
        let (tag, modified) = (tag(&bytes), der::http_date(made));
        let given = |name| head.headers.get(name).map(HeaderValue::as_bytes);
        let unmodified = match given(header::IF_NONE_MATCH) {
            Some(given) => given == tag.as_bytes(),
            None => given(header::IF_MODIFIED_SINCE) == Some(modified.as_bytes()),
        };
        if unmodified {
            return status(StatusCode::NOT_MODIFIED, &[(header::ETAG, &tag), (header::LAST_MODIFIED, &modified)]);
        }
        response = response.header(header::ETAG, tag).header(header::LAST_MODIFIED, modified);
    }
    let kind = if fault == Some(Fault::WrongType) { "text/html" } else { kind };
    let (length, shape) = match fault {
        Some(Fault::Garbage) => (Some(GARBAGE.len()), Shape::whole(Bytes::from_static(GARBAGE))),
        Some(Fault::Empty) => (Some(0), Shape::whole(Bytes::new())),
        Some(Fault::Endless) => (None, Shape::endless()),
        Some(Fault::Drip) => (Some(bytes.len()), Shape::drip(bytes)),
        Some(Fault::Short) => (Some(bytes.len()), Shape::short(bytes)),
        _ => (Some(bytes.len()), Shape::whole(bytes)),
    };
    if let Some(length) = length {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    Ok(response.header(header::CONTENT_TYPE, kind).body(Spoiled(shape))?)
}

/// What a route leads to.
struct Content {
    /// The media type.
    kind: &'static str,
    bytes: Bytes,
    /// Since when it is so.
    made: i64,
}

/// What a route leads to; nothing if there is nothing.
fn content(
    inner: &Inner,
    method: &Method,
    route: &Route,
    body: &[u8],
    fault: Option<Fault>,
) -> Result<Option<Content>> {
    let mut made = inner.began;
    let (kind, bytes) = match (method, route.service.as_str()) {
        (&Method::POST, "/tsa") => ("application/timestamp-reply", stamp(inner, Unit::Good, body, fault)?),
        (&Method::POST, "/tsa/rsa") => ("application/timestamp-reply", stamp(inner, Unit::Rsa, body, fault)?),
        (&Method::POST, "/ocsp") => ("application/ocsp-response", inner.answer_ocsp_request(body, fault)?.into()),
        (&Method::GET, "/ocsp") => {
            let question = route.question.as_deref().map(unescaped).unwrap_or_default();
            let question = openssl::base64::decode_block(&question).unwrap_or_default();
            ("application/ocsp-response", inner.answer_ocsp_request(&question, fault)?.into())
        }
        (&Method::GET, path) if path.starts_with("/ca/") => {
            let issuer = Issuer::ALL.into_iter().find(|issuer| path == format!("/ca/{}.cer", issuer.label()));
            let Some(issuer) = issuer else { return Ok(None) };
            ("application/pkix-cert", inner.authority(issuer).certificate.clone().into())
        }
        (&Method::GET, path) => {
            let Some((issuer, part)) = crl::named(path) else { return Ok(None) };
            let list = inner.list(issuer, part)?;
            made = list.made;
            ("application/pkix-crl", list.bytes.clone())
        }
        _ => return Ok(None),
    };
    Ok(Some(Content { kind, bytes, made }))
}

fn stamp(inner: &Inner, unit: Unit, request: &[u8], fault: Option<Fault>) -> Result<Bytes> {
    Ok(inner.answer_stamp_request(unit, request, fault)?.into())
}

/// The fault that was set for the next requests to this path, one less of them afterwards.
fn scheduled(shared: &Shared, path: &str) -> Option<Fault> {
    let mut faults = lock(&shared.faults);
    let (fault, left) = faults.get_mut(path)?;
    let fault = *fault;
    *left = left.saturating_sub(1);
    if *left == 0 {
        faults.remove(path);
    }
    Some(fault)
}

fn status(status: StatusCode, headers: &[(header::HeaderName, &str)]) -> Result<Response<Spoiled>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, *value);
    }
    Ok(response.body(Spoiled(Shape::whole(Bytes::new())))?)
}

fn authorization() -> Result<HeaderValue> {
    let pair = openssl::base64::encode_block(format!("{USER}:{PASSWORD}").as_bytes());
    Ok(HeaderValue::try_from(format!("Basic {pair}"))?)
}

/// An entity tag: large bodies by their ends and length, where signature and time are.
fn tag(bytes: &[u8]) -> String {
    let end = bytes.len().saturating_sub(200);
    let hash = super::Hash::Sha256.of(&[&bytes[..bytes.len().min(500)], &bytes[end..]].concat());
    let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}-{}\"", bytes.len())
}

/// Takes away the percent signs of a URL.
fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = (*first == b'%').then(|| more.get(..2).and_then(|two| std::str::from_utf8(two).ok())).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &more[2..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

const REQUEST_MAX: usize = 1 << 20;
const GARBAGE: &[u8] = b"<html><body>Our service is being maintained.</body></html>";
