//! Sockets to HTTP: takes connections at every door, and serves requests on threads of its own.
//!
//! One thread accepts, `workers` threads read and write; each has a runtime of its own. Nothing of the control plane runs
//! on them, and no document is worked on there.

use super::connection::{Door, Peer, Watched};
use super::tls::Tls;
use super::{Edge, measure, proxy, routes};
use actix_http::{HttpService, KeepAlive};
use actix_service::{ServiceFactory, map_config};
use actix_web::dev::{AppConfig, Server, fn_factory, fn_service};
use actix_web::middleware::from_fn;
use actix_web::{App, web};
use anyhow::Context;
use model::limits;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::{TcpStream, UnixStream};

/// What carries HTTP.
pub trait Wire: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire for S {}

type Connection = Watched<Box<dyn Wire>>;

/// Waits until the server is told to end, so that connections take no further request.
type Ending = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>> + Send + Sync>;

/// The sockets, bound.
pub struct Sockets {
    /// With TLS.
    pub tls: Vec<TcpListener>,
    /// Without.
    pub plain: Vec<TcpListener>,
    /// For old TLS.
    pub legacy: Option<UnixListener>,
}

/// Binds an address.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("the address {address} of [api] cannot be used"))
}

/// Binds a socket in the file system: for its owner and group alone. One that a server left behind makes way; one that a
/// server listens at does not.
pub fn bind_unix(path: &Path) -> anyhow::Result<UnixListener> {
    let fault = || format!("the socket {} of [api.legacy] cannot be used", path.display());
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            anyhow::bail!("{}: another server listens at it", fault());
        }
        std::fs::remove_file(path).with_context(fault)?;
    }
    // Nobody can connect before the permissions are right: the name comes last.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = Path::new(&unfinished);
    let _ = std::fs::remove_file(unfinished);
    let listener = UnixListener::bind(unfinished).with_context(fault)?;
    std::fs::set_permissions(unfinished, std::fs::Permissions::from_mode(0o660)).with_context(fault)?;
    std::fs::rename(unfinished, path).with_context(fault)?;
    Ok(listener)
}

/// Starts serving. The server must be awaited; its handle ends it.
pub fn serve(edge: &Arc<Edge>, tls: Option<&Arc<Tls>>, sockets: Sockets) -> anyhow::Result<Server> {
    let mut builder = Server::build()
        .workers(edge.settings.workers)
        .disable_signals()
        .shutdown_timeout(edge.settings.drain.as_secs().max(1))
        // The door's own count refuses; this one would let people wait.
        .max_concurrent_connections(2 * limits::API_CONNECTIONS_MAX);
    let signal = builder.graceful_shutdown_signal();
    let ending: Ending = Arc::new(move || {
        let signal = signal.clone();
        Box::pin(async move { signal.notified().await })
    });
    if let Some(tls) = tls {
        for (at, listener) in sockets.tls.into_iter().enumerate() {
            let (edge, tls, ending) = (edge.clone(), tls.clone(), ending.clone());
            let take = move |edge: Arc<Edge>, stream| take_tls(edge, tls.clone(), stream);
            let door = move || doorway(edge.clone(), ending.clone(), take.clone());
            builder = builder.listen(format!("api-tls-{at}"), listener, door).context("[api] listen")?;
        }
    }
    for (at, listener) in sockets.plain.into_iter().enumerate() {
        let (edge, ending) = (edge.clone(), ending.clone());
        let door = move || doorway(edge.clone(), ending.clone(), take_plain);
        builder = builder.listen(format!("api-plain-{at}"), listener, door).context("[api] plain")?;
    }
    if let Some(listener) = sockets.legacy {
        let (edge, ending) = (edge.clone(), ending.clone());
        let door = move || doorway(edge.clone(), ending.clone(), take_legacy);
        builder = builder.listen_uds("api-legacy", listener, door).context("[api.legacy]")?;
    }
    Ok(builder.run())
}

/// The service of one door in one worker: `take` makes a connection of a stream, HTTP does the rest.
fn doorway<S, T, F>(
    edge: Arc<Edge>,
    ending: Ending,
    take: T,
) -> impl ServiceFactory<S, Config = (), Response = (), Error = io::Error, InitError = ()>
where
    S: 'static,
    T: Fn(Arc<Edge>, S) -> F + Clone + 'static,
    F: Future<Output = io::Result<Connection>> + 'static,
{
    fn_factory(move || {
        let (edge, take, ending) = (edge.clone(), take.clone(), ending.clone());
        async move {
            let app = App::new().app_data(web::Data::from(edge.clone())).wrap(from_fn(routes::guard));
            let http = HttpService::build()
                .keep_alive(KeepAlive::Timeout(edge.settings.keep_alive))
                .client_request_timeout(edge.settings.header_timeout)
                .client_disconnect_timeout(LINGER)
                .graceful_shutdown_signal(move || ending())
                .on_connect_ext(|connection: &Connection, data| {
                    data.insert(connection.peer().clone());
                })
                .h1(map_config(app.configure(routes::configure), |()| AppConfig::default()))
                .new_service(())
                .await?;
            let http = std::rc::Rc::new(http);
            Ok(fn_service(move |stream: S| {
                let (edge, take, http) = (edge.clone(), take.clone(), http.clone());
                async move {
                    let connection = match take(edge, stream).await {
                        Ok(connection) => connection,
                        Err(error) => {
                            tracing::debug!(%error, "no connection");
                            return Ok(());
                        }
                    };
                    let address = SocketAddr::new(connection.peer().address, 0);
                    let served = actix_service::Service::call(&*http, (connection, Some(address))).await;
                    if let Err(error) = served {
                        tracing::debug!(%error, "the connection ended");
                    }
                    Ok::<_, io::Error>(())
                }
            }))
        }
    })
}

/// What is taken from a socket at a time. By itself the TLS library asks for 4 KiB, and so thirty times for a small body.
const READ_AHEAD_BYTES: usize = 32 * 1024;

/// How long a client that was answered before its body ended may go on sending it.
const LINGER: Duration = Duration::from_secs(5);

fn refused(why: &'static str) -> io::Error {
    metrics::counter!(measure::CONNECTIONS_ENDED, "why" => why).increment(1);
    io::Error::new(io::ErrorKind::ConnectionRefused, why)
}

fn address_of(stream: &TcpStream) -> io::Result<IpAddr> {
    stream.set_nodelay(true)?;
    Ok(stream.peer_addr()?.ip().to_canonical())
}

fn connection(edge: &Edge, stream: Box<dyn Wire>, peer: Peer, seat: super::admission::Seat) -> Connection {
    metrics::counter!(measure::CONNECTIONS_TAKEN, "door" => peer.door.word()).increment(1);
    let header = edge.settings.header_timeout.saturating_add(edge.settings.keep_alive);
    Watched::new(stream, Arc::new(peer), seat, header, edge.settings.pace)
}

async fn take_plain(edge: Arc<Edge>, stream: TcpStream) -> io::Result<Connection> {
    let address = address_of(&stream)?;
    let seat = edge.admission.connection(address).ok_or_else(|| refused("too many"))?;
    Ok(connection(&edge, Box::new(stream), Peer::new(Door::Plain, address, None, None), seat))
}

async fn take_tls(edge: Arc<Edge>, tls: Arc<Tls>, stream: TcpStream) -> io::Result<Connection> {
    let address = address_of(&stream)?;
    let seat = edge.admission.connection(address).ok_or_else(|| refused("too many"))?;
    let stream = BufReader::with_capacity(READ_AHEAD_BYTES, stream);
    // Asked for each connection: the files may be new.
    let handshake = tokio_rustls::TlsAcceptor::from(tls.current()).accept(stream);
    let stream = match tokio::time::timeout(edge.settings.header_timeout, handshake).await {
        Ok(done) => done.inspect_err(|_| {
            metrics::counter!(measure::CONNECTIONS_ENDED, "why" => "handshake").increment(1);
        })?,
        Err(_) => return Err(refused("slow handshake")),
    };
    let chain = stream.get_ref().1.peer_certificates();
    let certificate = chain.and_then(<[_]>::first).map(|certificate| Arc::from(certificate.as_ref()));
    Ok(connection(&edge, Box::new(stream), Peer::new(Door::Tls, address, certificate, None), seat))
}

async fn take_legacy(edge: Arc<Edge>, mut stream: UnixStream) -> io::Result<Connection> {
    let handed = match tokio::time::timeout(edge.settings.header_timeout, proxy::read(&mut stream)).await {
        Ok(Ok(handed)) => handed,
        Ok(Err(fault)) => {
            tracing::warn!(%fault, "a connection at the socket of [api.legacy] was refused");
            return Err(refused("handover"));
        }
        Err(_) => return Err(refused("slow handover")),
    };
    let address = handed.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)).to_canonical();
    let seat = edge.admission.connection(address).ok_or_else(|| refused("too many"))?;
    let protocol = handed.protocol();
    tracing::warn!(%address, protocol, "a connection over old TLS");
    Ok(connection(&edge, Box::new(stream), Peer::new(Door::Legacy, address, handed.certificate, protocol), seat))
}
