//! The clients: each owns one connection with TLS and a client certificate, asks for signatures over it and notes when
//! each answer was there. A connection that ends is made again, as a real client does.

use super::request::{Request, Requests};
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where the server is, and how it is reached.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) tls: Arc<rustls::ClientConfig>,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Each client sends the next when it has the answer.
    Closed,
    /// So many a second, whether or not answers come. The time of an answer counts from the moment at which its request
    /// was due, so that a stalled server is charged for what waited (no coordinated omission).
    Open(f64),
}

/// What came back.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) signed: u64,
    pub(super) busy: u64,
    /// Times of signatures, in microseconds.
    pub(super) times: Histogram<u64>,
    /// Times of "busy".
    pub(super) busy_times: Histogram<u64>,
    /// How long after it was due each request was sent: what these clients add to the times. Empty in a closed loop.
    pub(super) late_times: Histogram<u64>,
    /// Connections that had to be made again.
    pub(super) reconnected: u64,
    /// Some answers, to be checked later: the request's number and the answer.
    pub(super) kept: Vec<(usize, Bytes)>,
}

impl Tally {
    fn new() -> Result<Self> {
        let times = || Histogram::new_with_bounds(1, LONGEST_MICROS, 3);
        Ok(Self {
            signed: 0,
            busy: 0,
            times: times()?,
            busy_times: times()?,
            late_times: times()?,
            reconnected: 0,
            kept: Vec::new(),
        })
    }

    fn add(&mut self, other: Self) -> Result<()> {
        self.signed += other.signed;
        self.busy += other.busy;
        self.times.add(other.times)?;
        self.busy_times.add(other.busy_times)?;
        self.late_times.add(other.late_times)?;
        self.reconnected += other.reconnected;
        self.kept.extend(other.kept);
        Ok(())
    }
}

/// Sends all requests; gives what came back, and in how many seconds.
pub(super) async fn send_all(
    target: &Target,
    clients: usize,
    pace: Pace,
    requests: Arc<Requests>,
) -> Result<(Tally, f64)> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(connect(target).await?); // before the clock starts: what is measured is the work
    }
    // In an open loop nothing is due while all of them make their first requests at the same time.
    let started = match pace {
        Pace::Closed => Instant::now(),
        Pace::Open(_) => Instant::now() + MAKING_TIME,
    };
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|connection| {
            let client = Client { target: target.clone(), connection, requests: requests.clone(), next: next.clone() };
            tokio::spawn(client.run(pace, started))
        })
        .collect();
    let mut tally = Tally::new()?;
    for task in tasks {
        tally.add(task.await??)?;
    }
    Ok((tally, started.elapsed().as_secs_f64()))
}

struct Client {
    target: Target,
    connection: SendRequest<Full<Bytes>>,
    requests: Arc<Requests>,
    next: Arc<AtomicUsize>,
}

impl Client {
    async fn run(mut self, pace: Pace, started: Instant) -> Result<Tally> {
        let mut tally = Tally::new()?;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.requests.count() {
                return Ok(tally);
            }
            let request = self.requests.make(number);
            let due = match pace {
                Pace::Closed => Instant::now(),
                Pace::Open(rate) => {
                    let due = started + Duration::from_secs_f64(number as f64 / rate);
                    tokio::time::sleep_until(due.into()).await;
                    tally.late_times.record(micros_since(due))?;
                    due
                }
            };
            if self.connection.ready().await.is_err() {
                self.connection = connect(&self.target).await?;
                tally.reconnected += 1;
            }
            let answer = self.ask(request).await.with_context(|| format!("request {number}"))?;
            let micros = micros_since(due);
            match answer {
                Answer::Signed(body) => {
                    tally.signed += 1;
                    tally.times.record(micros)?;
                    if number.is_multiple_of(KEEP_EVERY) {
                        tally.kept.push((number, body));
                    }
                }
                Answer::Busy => {
                    tally.busy += 1;
                    tally.busy_times.record(micros)?;
                }
            }
        }
    }

    async fn ask(&mut self, request: Request) -> Result<Answer> {
        let (content_type, body) = (request.content_type, request.body);
        let request = hyper::Request::post("/soap")
            .header(HOST, self.target.address.to_string())
            .header(CONTENT_TYPE, content_type)
            .header("SOAPAction", "\"\"")
            .body(Full::new(body))?;
        let answer = match self.connection.send_request(request).await {
            Ok(answer) => answer,
            // A server that is full may answer and hang up before the whole body was sent; then the answer is lost.
            Err(error) if error.is_canceled() || error.is_closed() || error.is_incomplete_message() => {
                return Ok(Answer::Busy);
            }
            Err(error) if error.is_user() => return Err(error.into()),
            Err(error) => return Err(anyhow!("{error:?}")),
        };
        let status = answer.status();
        let body =
            Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|error| anyhow!(error))?;
        let body = body.to_bytes();
        match status.as_u16() {
            200 => Ok(Answer::Signed(body)),
            503 => Ok(Answer::Busy),
            _ => bail!("{status}: {}", String::from_utf8_lossy(body.get(..body.len().min(2_000)).unwrap_or_default())),
        }
    }
}

fn micros_since(due: Instant) -> u64 {
    u64::try_from(due.elapsed().as_micros()).unwrap_or(LONGEST_MICROS).clamp(1, LONGEST_MICROS)
}

enum Answer {
    Signed(Bytes),
    Busy,
}

async fn connect(target: &Target) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(target.address).await.context("connect")?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(target.tls.clone()).connect(name, stream).await.context("TLS")?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the connection; why it ended is seen by the next request.
    tokio::spawn(connection);
    Ok(sender)
}

/// What clients need to make their first requests, and more.
const MAKING_TIME: Duration = Duration::from_millis(300);
/// One answer of so many is kept and checked.
const KEEP_EVERY: usize = 50;
const LONGEST_MICROS: u64 = 600_000_000;
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
