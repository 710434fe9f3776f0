//! One connection: who is at its other end, and the stream that ends when she is too slow.
//!
//! The HTTP library watches the first header of a connection and the rest between requests. What it does not watch is
//! watched here: the headers of later requests, and answers that nobody takes.

use super::admission::Seat;
use super::pace::{Account, Pace};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// By which door a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// TLS.
    Tls,
    /// No TLS.
    Plain,
    /// Old TLS, by way of `sealmill-legacy-tls`.
    Legacy,
}

impl Door {
    /// The label in metrics and logs.
    pub fn word(self) -> &'static str {
        match self {
            Door::Tls => "tls",
            Door::Plain => "plain",
            Door::Legacy => "legacy",
        }
    }
}

/// What is known about a connection before its first request.
#[derive(Debug)]
pub struct Peer {
    /// The door.
    pub door: Door,
    /// The client's address.
    pub address: IpAddr,
    /// DER of the certificate whose key she holds.
    pub certificate: Option<Arc<[u8]>>,
    /// Protocol and suite of old TLS, for the log.
    pub protocol: Option<String>,
    /// Requests that are being worked on or answered.
    active: AtomicUsize,
    /// Requests so far.
    requests: AtomicUsize,
}

impl Peer {
    /// A connection without a request.
    pub fn new(door: Door, address: IpAddr, certificate: Option<Arc<[u8]>>, protocol: Option<String>) -> Self {
        Self { door, address, certificate, protocol, active: AtomicUsize::new(0), requests: AtomicUsize::new(0) }
    }

    /// Marks that a request is being worked on, until what is given back is dropped.
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.active.fetch_add(1, Ordering::AcqRel);
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.active.load(Ordering::Acquire) == 0
    }
}

/// A request that is being worked on or answered.
#[derive(Debug)]
pub struct Busy(Arc<Peer>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A stream that ends when its client is too slow.
pub struct Watched<S> {
    stream: S,
    peer: Arc<Peer>,
    header: Duration,
    /// Since which request the next one is waited for, and until when.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
    writing: Account,
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Given back when the connection ends.
    _seat: Seat,
}

impl<S> Watched<S> {
    /// Watches a stream. `header`: how long a client may take from the end of one request to the end of the next one's
    /// header.
    pub fn new(stream: S, peer: Arc<Peer>, seat: Seat, header: Duration, pace: Pace) -> Self {
        Self { stream, peer, header, waiting: None, writing: Account::new(pace), stalled: None, _seat: seat }
    }

    /// Who is at its other end.
    pub fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// What a write has come to: keeps the account of waiting.
    fn account<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl Fn(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(done) => {
                if let Some((since, _)) = self.stalled.take() {
                    self.writing.waited(since.elapsed());
                }
                if let Ok(count) = &done {
                    self.writing.moved(bytes(count));
                }
                Poll::Ready(done)
            }
            Poll::Pending => {
                let left = self.writing.left();
                let stall = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
                let (_, end) = self.stalled.get_or_insert_with(stall);
                ready!(end.as_mut().poll(context));
                metrics::counter!(super::measure::CONNECTIONS_ENDED, "why" => "slow reader").increment(1);
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes its answer too slowly")))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if !this.peer.is_idle() {
            this.waiting = None; // the request's body: whoever reads it keeps the account
            return read;
        }
        let (header, requests) = (this.header, this.peer.requests());
        // A request without a body may have come and gone between two reads.
        this.waiting.take_if(|(since, _)| *since != requests);
        let is_over = match (&mut this.waiting, read.is_ready()) {
            (None, true) => false,
            // What comes may be the rest of a body that nobody wants any more, without end.
            (Some((_, end)), true) => end.is_elapsed(),
            (waiting, false) => {
                let (_, end) = waiting.get_or_insert_with(|| (requests, Box::pin(tokio::time::sleep(header))));
                end.as_mut().poll(context).is_ready()
            }
        };
        if !is_over {
            return read;
        }
        metrics::counter!(super::measure::CONNECTIONS_ENDED, "why" => "slow header").increment(1);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the header of the request does not come")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.account(context, written, |count| *count)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.account(context, flushed, |()| 0)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ended = Pin::new(&mut this.stream).poll_shutdown(context);
        this.account(context, ended, |()| 0)
    }
}
