//! How many signatures a second does the SOAP door give, and how long does one take? The real server, with TLS, client
//! certificates, access control and audit on, and its clients in this program, on the same processors.
//!
//! The ideal program beside it has the documents in memory and does only what nobody who signs them can leave out: one
//! SHA-256 pass, one raw signature, one check of it. No network, no TLS, no XML, no store.

mod client;
mod home;
mod request;

use crate::key::{self, SigningKey};
use crate::limit::{Lap, cores, on_threads};
use crate::server::{self, Running};
use crate::{KeyName, process};
use anyhow::{Context, Result, bail};
use clap::Args;
use client::{Pace, Tally, Target};
use formats::inspect::{Detached, Input, Integrity, Signature, inspect};
use hdrhistogram::Histogram;
use home::SoapHome;
use request::Requests;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// `soap`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Soap {
    /// Connections at a time, each a client with a certificate.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Number of documents, each different.
    #[arg(long, default_value_t = 5_000)]
    documents: usize,
    /// Length of each, in bytes.
    #[arg(long, default_value_t = 100_000)]
    size: usize,
    /// Documents as attachments (MTOM) instead of base64.
    #[arg(long)]
    mtom: bool,
    /// Requests a second (open loop); without it each client sends the next one when it has its answer (closed loop).
    #[arg(long, conflicts_with = "percent")]
    rate: Option<f64>,
    /// As --rate, in percent of the rate that a closed loop of the same length reaches right before, with no more clients than
    /// the server has places; it is run once more right after. Above 100 as many connections are used as it takes for the
    /// requests to arrive.
    #[arg(long)]
    percent: Option<f64>,
    /// Kind of the signing key.
    #[arg(long, value_enum, default_value = "p256")]
    key: KeyName,
    /// Software tokens in the pool, one session each.
    #[arg(long, default_value_t = 2)]
    tokens: usize,
    /// Requests that the server works on at a time; more are told "busy".
    #[arg(long, default_value_t = 256)]
    requests_max: usize,
    /// Make the home in this folder; without it in the folder for temporary files. It must not be in memory (tmpfs).
    #[arg(long)]
    home: Option<PathBuf>,
    /// Leave the home where it is.
    #[arg(long)]
    keep: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// One loop of requests.
#[derive(Debug, Serialize)]
struct Round {
    /// Requests a second that were due; `None`: closed loop.
    rate: Option<f64>,
    connections: usize,
    seconds: f64,
    signed: u64,
    busy: u64,
    signed_per_second: f64,
    /// Processor time of the server for a request, in microseconds.
    server_cpu_micros: f64,
    /// Processor time of the clients for a request, in microseconds.
    client_cpu_micros: f64,
    times: Times,
    busy_times: Option<Times>,
    /// How long after they were due requests were sent; in an open loop.
    late_times: Option<Times>,
    /// Connections that were made again.
    reconnected: u64,
    /// Answers whose signature was checked against its document.
    checked: usize,
}

/// Times in milliseconds.
#[derive(Debug, Serialize)]
struct Times {
    median: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    longest: f64,
}

/// The ideal program.
#[derive(Clone, Copy, Debug, Serialize)]
struct Limit {
    per_second: f64,
    cpu_micros: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    key: String,
    bytes: usize,
    mtom: bool,
    clients: usize,
    raw_per_second: f64,
    limit_before: Limit,
    limit_after: Limit,
    rounds: Vec<Round>,
    /// Signatures a second of the first round by the mean of the limits.
    ratio_to_limit: f64,
    peak_mebibytes: f64,
}

/// Runs it.
pub(crate) fn run(arguments: &Soap) -> Result<String> {
    if arguments.documents == 0 || arguments.clients == 0 || arguments.tokens == 0 || arguments.requests_max == 0 {
        bail!("--documents, --clients, --tokens and --requests-max must be at least 1");
    }
    if [arguments.rate, arguments.percent].into_iter().flatten().any(|number| !number.is_finite() || number <= 0.0) {
        bail!("--rate and --percent must be above 0");
    }
    let program = server::program()?;
    let signing_key = SigningKey::software(arguments.key.kind())?;
    let home = SoapHome::make(arguments, &signing_key, &program)?;
    let requests = Arc::new(Requests::new(arguments.documents, arguments.size, arguments.mtom));
    let raw = key::raw_rates(&signing_key)?.first().map_or(0.0, |raw| raw.per_second);
    let limit_before = limit(&signing_key, &requests)?;
    let mut server = Running::start(&program, &home.configuration(), home.log(), None)?;
    server.stand_back()?; // on machines of their own the clients would not be late because the server is busy
    home.wait_until_ready(&mut server)?;
    let target = home.target()?;
    // More would wake each other more often than they would help: a thread sends thousands of requests a second.
    let threads = (cores() / 2).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let round = |clients, pace| runtime.block_on(one_round(&target, clients, pace, requests.clone(), server.id()));
    let mut rounds = Vec::new();
    match (arguments.rate, arguments.percent) {
        (Some(rate), _) => rounds.push(round(arguments.clients, Pace::Open(rate))?),
        (None, Some(percent)) => {
            // Those who find no place would be told "busy", and the base would be too low.
            let base = || round(arguments.clients.min(arguments.requests_max), Pace::Closed);
            let closed = base()?;
            let rate = closed.signed_per_second * percent / 100.0;
            let clients = match percent > 100.0 {
                true => arguments.clients.max(arguments.requests_max + CONNECTIONS_REFUSED),
                false => arguments.clients,
            };
            let open = round(clients, Pace::Open(rate))?;
            // What else the machine does changes meanwhile: the base counts before and after.
            rounds.extend([closed, open, base()?]);
        }
        (None, None) => rounds.push(round(arguments.clients, Pace::Closed)?),
    }
    let peak_mebibytes = process::peak_mebibytes(server.id());
    server.end()?;
    let limit_after = limit(&signing_key, &requests)?;
    let mean = (limit_before.per_second + limit_after.per_second) / 2.0;
    let report = Report {
        key: format!("{:?}", arguments.key),
        bytes: arguments.size,
        mtom: arguments.mtom,
        clients: arguments.clients,
        raw_per_second: raw,
        ratio_to_limit: rounds.first().map_or(0.0, |round| round.signed_per_second / mean),
        limit_before,
        limit_after,
        rounds,
        peak_mebibytes,
    };
    if arguments.json { Ok(format!("{}\n", serde_json::to_string(&report)?)) } else { Ok(report.table()) }
}

async fn one_round(target: &Target, clients: usize, pace: Pace, requests: Arc<Requests>, server: u32) -> Result<Round> {
    let before = (process::cpu_seconds(server)?, process::cpu_seconds(std::process::id())?);
    let (tally, seconds) = client::send_all(target, clients, pace, requests.clone()).await?;
    let after = (process::cpu_seconds(server)?, process::cpu_seconds(std::process::id())?);
    let count = requests.count() as f64;
    let checked = check(&tally, &requests)?;
    Ok(Round {
        rate: match pace {
            Pace::Closed => None,
            Pace::Open(rate) => Some(rate),
        },
        connections: clients,
        seconds,
        signed: tally.signed,
        busy: tally.busy,
        signed_per_second: tally.signed as f64 / seconds,
        server_cpu_micros: (after.0 - before.0) * 1e6 / count,
        // The clients run inside this process, and the server is its child; a family's time counts both.
        client_cpu_micros: (after.1 - before.1 - (after.0 - before.0)).max(0.0) * 1e6 / count,
        times: times(&tally.times),
        busy_times: (tally.busy > 0).then(|| times(&tally.busy_times)),
        late_times: (!tally.late_times.is_empty()).then(|| times(&tally.late_times)),
        reconnected: tally.reconnected,
        checked,
    })
}

/// Connections beside those of requests that the server works on: enough for all whom it tells "busy" meanwhile.
const CONNECTIONS_REFUSED: usize = 128;

/// Takes the kept answers apart: each holds a signature over its own document.
fn check(tally: &Tally, requests: &Requests) -> Result<usize> {
    for (number, body) in &tally.kept {
        let signature = home::signature_in(body).with_context(|| format!("the answer to request {number}"))?;
        let document = requests.document(*number);
        let name = format!("answer {number}");
        let detached = [Detached::Document { name: "beleg.bin", source: &document }];
        let input = Input { detached: &detached, ..Input::new(&signature, &name) };
        let inspection = inspect(&input)?;
        let good = |signature: &Signature| {
            signature.value.is_ok() && signature.covered.iter().all(|covered| covered.integrity == Integrity::Intact)
        };
        if inspection.signatures.len() != 1 || !inspection.signatures.iter().all(good) {
            bail!("the signature that request {number} got is not one over its document");
        }
    }
    Ok(tally.kept.len())
}

/// The ideal program on the same documents, all cores.
fn limit(key: &SigningKey, requests: &Requests) -> Result<Limit> {
    let next = AtomicUsize::new(0);
    let public_key = key.public_key()?;
    let started = Instant::now();
    let cpu = on_threads(cores(), |_| {
        let mut session = key.session()?;
        let mut document = requests.document(0);
        let mut clock = Lap::start();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= requests.count() {
                return Ok(clock.lap());
            }
            if let Some(byte) = document.first_mut() {
                *byte = byte.wrapping_add(1);
            }
            let to_be_signed = key.to_be_signed(&document);
            let value = session.sign(key.key(), &to_be_signed)?;
            public_key.verify(&to_be_signed, &value)?;
        }
    })?;
    let count = requests.count() as f64;
    Ok(Limit { per_second: count / started.elapsed().as_secs_f64(), cpu_micros: cpu.into_iter().sum::<f64>() / count })
}

fn times(histogram: &Histogram<u64>) -> Times {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    Times { median: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), longest: histogram.max() as f64 / 1e3 }
}

impl Report {
    fn table(&self) -> String {
        let Self { key, bytes, clients, .. } = self;
        let how = if self.mtom { "MTOM" } else { "base64" };
        let mut text = format!("CMS detached, {key}, {bytes} bytes, {how}, {clients} clients, {} cores\n\n", cores());
        text += &format!("raw sign {:>28.0}/s\n", self.raw_per_second);
        for (name, limit) in [("limit, before", self.limit_before), ("limit, after", self.limit_after)] {
            text += &format!("{name:<20}{:>17.0}/s   CPU {:>6.0} us\n", limit.per_second, limit.cpu_micros);
        }
        for round in &self.rounds {
            let name = match round.rate {
                None => "closed loop".to_owned(),
                Some(rate) => format!("open loop, {rate:.0}/s"),
            };
            text += &format!(
                "{name:<20}{:>17.0}/s   CPU {:>6.0} us server, {:.0} us clients; {} signed, {} busy, {} checked, \
                 {} connections, {} made again\n",
                round.signed_per_second,
                round.server_cpu_micros,
                round.client_cpu_micros,
                round.signed,
                round.busy,
                round.checked,
                round.connections,
                round.reconnected,
            );
            let (busy, late) = (round.busy_times.as_ref(), round.late_times.as_ref());
            for (what, times) in [("signed", Some(&round.times)), ("busy", busy), ("sent late", late)] {
                let Some(Times { median, p90, p99, p999, longest }) = times else { continue };
                text += &format!(
                    "  {what:<9} ms: median {median:.2}  90 % {p90:.2}  99 % {p99:.2}  99.9 % {p999:.2}  longest {longest:.2}\n"
                );
            }
        }
        if let [before, open, after] = self.rounds.as_slice() {
            let kept = 2.0 * open.signed_per_second / (before.signed_per_second + after.signed_per_second);
            text += &format!("\nsigned, of the closed loop {kept:>11.3}\n");
            text += &format!("99 % by the median {:>19.2}\n", open.times.p99 / open.times.median);
        }
        text += &format!("\nratio to the limit {:>18.3}\n", self.ratio_to_limit);
        text += &format!("peak memory of the server {:>11.1} MiB\n", self.peak_mebibytes);
        text
    }
}
