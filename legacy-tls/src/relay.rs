//! One connection: handshake, header, and then bytes both ways until one side ends, always within a time.

use crate::config::Config;
use crate::proxy_header::{self, Certificate, Told};
use openssl::nid::Nid;
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslRef};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_openssl::SslStream;

/// Bytes on their way, in each direction; a record of TLS has no more.
const CHUNK: usize = 16 * 1024;

/// How long the server may take to accept a connection on its socket, and to read the header.
const SERVER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a client may go on sending after the server has ended; if its bytes met a closed socket, the answer that is
/// on its way to it would be lost.
const LINGER: Duration = Duration::from_secs(2);

/// Why a connection came to nothing.
pub(crate) enum Refused {
    /// The client went away without a word; not worth a line.
    Gone,
    Why(String),
}

/// What all connections share.
pub(crate) struct Relay {
    config: Config,
    context: SslContext,
}

impl Relay {
    pub(crate) fn new(config: Config, context: SslContext) -> Self {
        Self { config, context }
    }

    /// From the first byte to the last.
    pub(crate) async fn attend(&self, stream: TcpStream, client: SocketAddr) -> Result<(), Refused> {
        let listener = stream.local_addr().map_err(|_| Refused::Gone)?;
        let _ = stream.set_nodelay(true); // only slower without it
        let patience = self.config.handshake_timeout();
        let stream = timeout(patience, self.handshake(stream))
            .await
            .map_err(|_| Refused::Why(format!("no handshake within {} ms", patience.as_millis())))??;

        let header = header_of(stream.ssl(), client, listener)?;
        let server = timeout(SERVER_TIMEOUT, self.server(&header))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| Refused::Why(format!("the server's socket {}: {error}", self.config.socket.display())))?;
        let ended = exchange(stream, server, self.config.idle_timeout()).await;
        ended.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Refused::Why("nothing was sent for too long".to_owned()),
            _ => Refused::Gone,
        })
    }

    async fn handshake(&self, stream: TcpStream) -> Result<SslStream<TcpStream>, Refused> {
        let failed = |error: openssl::error::ErrorStack| Refused::Why(error.to_string());
        let ssl = Ssl::new(&self.context).map_err(failed)?;
        let mut stream = SslStream::new(ssl, stream).map_err(failed)?;
        match Pin::new(&mut stream).accept().await {
            Ok(()) => Ok(stream),
            Err(error) if error.code() == ErrorCode::SYSCALL => Err(Refused::Gone),
            Err(error) => Err(Refused::Why(format!("no handshake: {error}"))),
        }
    }

    async fn server(&self, header: &[u8]) -> io::Result<UnixStream> {
        let mut server = UnixStream::connect(&self.config.socket).await?;
        server.write_all(header).await?;
        Ok(server)
    }
}

fn header_of(ssl: &SslRef, client: SocketAddr, listener: SocketAddr) -> Result<Vec<u8>, Refused> {
    let certificate = match ssl.peer_certificate() {
        None => None,
        Some(certificate) => {
            let der = certificate.to_der().map_err(|error| Refused::Why(error.to_string()))?;
            let name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next();
            let common_name = name.and_then(|entry| entry.data().to_string().ok()).map(String::into_bytes);
            Some(Certificate { der, common_name, resumed: ssl.session_reused() })
        }
    };
    let cipher = ssl.current_cipher().map(|cipher| cipher.name()).unwrap_or_default();
    let told = Told { client, listener, version: ssl.version_str(), cipher, certificate };
    proxy_header::header(&told).ok_or_else(|| Refused::Why("the client's certificate is too large".to_owned()))
}

/// Carries bytes both ways. An error is the end of both directions at once: a stream that was cut off must not look as
/// if it had ended properly.
async fn exchange(client: SslStream<TcpStream>, server: UnixStream, idle: Duration) -> io::Result<()> {
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    let pulse = Pulse::new();
    let mut up = std::pin::pin!(carry(from_client, to_server, &pulse, Way::Up));
    let mut down = std::pin::pin!(carry(from_server, to_client, &pulse, Way::Down));
    let both = async {
        tokio::select! {
            done = &mut up => {
                done?;
                down.await.map(drop)
            }
            done = &mut down => {
                done?;
                // The answer is complete; what the client still sends is read, and of no use to anybody.
                let _ = timeout(LINGER, up).await;
                Ok(())
            }
        }
    };
    tokio::select! {
        ended = both => ended,
        () = pulse.stops(idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A server may answer, and close, before it has read everything. That it takes nothing more ends nothing: its
    /// answer still has to arrive.
    Up,
    Down,
}

/// One direction, to its end, which is passed on.
async fn carry<R, W>(mut from: ReadHalf<R>, mut to: WriteHalf<W>, pulse: &Pulse, way: Way) -> io::Result<()>
where
    R: AsyncRead,
    W: AsyncWrite,
{
    let mut chunk = vec![0; CHUNK];
    let mut listens = true;
    loop {
        let count = match from.read(&mut chunk).await {
            // So ends a socket whose other end was closed with bytes unread, behind all that was written to it.
            Err(error) if way == Way::Down && error.kind() == io::ErrorKind::ConnectionReset => 0,
            count => count?,
        };
        pulse.beat();
        if count == 0 {
            return if listens { to.shutdown().await } else { Ok(()) };
        }
        if listens {
            match pass_on(chunk.get(..count).unwrap_or_default(), &mut to, pulse).await {
                Err(_) if way == Way::Up => listens = false,
                passed => passed?,
            }
        }
    }
}

async fn pass_on<W: AsyncWrite>(bytes: &[u8], to: &mut WriteHalf<W>, pulse: &Pulse) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = to.write(rest).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        pulse.beat();
        rest = rest.get(written..).unwrap_or_default();
    }
    to.flush().await
}

/// When something last moved, in either direction.
struct Pulse {
    start: Instant,
    last_ms: AtomicU64,
}

impl Pulse {
    fn new() -> Self {
        Self { start: Instant::now(), last_ms: AtomicU64::new(0) }
    }

    fn beat(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(now, Ordering::Relaxed);
    }

    /// Returns when nothing has moved for so long.
    async fn stops(&self, idle: Duration) {
        loop {
            let last = self.start + Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
            let still = idle.saturating_sub(last.elapsed());
            if still.is_zero() {
                return;
            }
            sleep(still).await;
        }
    }
}
