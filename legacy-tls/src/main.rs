//! `sealmill-legacy-tls`: ends SSL 3.0 to TLS 1.2 for clients that know nothing newer, and hands the plain stream to the
//! server.
//!
//! Owns the listener's certificate and key, and nothing else of value: it knows no user, no signing key and no store. What
//! it says about a connection (address, protocol, suite, the client's certificate) goes ahead of the stream as a PROXY
//! header; whether that certificate is believed, the server decides. The order in `start` is the point of this
//! file: whatever needs a right is done first, then every right is given up, then the first stranger is let in.

mod accept;
mod config;
mod confine;
mod log;
mod protocol;
mod proxy_header;
mod rehearsal;
mod relay;
mod tls;

use config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: sealmill-legacy-tls --config FILE [--check] [--until-stdin-closes]";

/// Configuration or machine is not as it has to be. The server does not start it again by itself.
const EXIT_SETUP: u8 = 2;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| start(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            log::line(&what);
            ExitCode::from(EXIT_SETUP)
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), String> {
    let config = Config::read(&arguments.config)?;
    let context = tls::context(&config)?;
    rehearsal::every_protocol(&config, &context)?;
    if arguments.check {
        log::line("the configuration can be used");
        return Ok(());
    }
    confine::room_for(config.connections_max)?;
    let listeners = accept::bind(&config)?;
    let locked = confine::give_up_rights(&config)?;
    announce(&config, &locked);
    accept::serve(config, context, listeners, arguments.until_stdin_closes)
}

/// Nobody shall be able to say that it ran unnoticed.
fn announce(config: &Config, locked: &str) {
    let protocols: Vec<&str> = config.protocols.iter().map(|protocol| protocol.title()).collect();
    let suites: Vec<&str> = config.suites.iter().map(|suite| suite.name()).collect();
    log::line(&format!(
        "WARNING: the legacy listener is on: protocols={} suites={}; what travels over it can be read and changed by a \
         determined attacker",
        protocols.join(","),
        suites.join(",")
    ));
    log::line(&format!("no further rights: {locked}"));
}

struct Arguments {
    config: PathBuf,
    /// Only say whether the configuration can be used.
    check: bool,
    /// End when standard input is closed: the server that holds its other end has gone.
    until_stdin_closes: bool,
}

impl Arguments {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments;
        let (mut config, mut check, mut until_stdin_closes) = (None, false, false);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--config" => config = arguments.next().map(PathBuf::from),
                "--check" => check = true,
                "--until-stdin-closes" => until_stdin_closes = true,
                _ => return Err(USAGE.to_owned()),
            }
        }
        let config = config.ok_or_else(|| USAGE.to_owned())?;
        Ok(Self { config, check, until_stdin_closes })
    }
}
