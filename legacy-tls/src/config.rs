//! The configuration file of this program, read strictly; it names nothing of the server but one socket.

use crate::protocol::{Protocol, Suite};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Length of the file, in bytes.
const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// The whole file. See `config/legacy-tls.toml` of the product, where every option is explained.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: Vec<SocketAddr>,
    /// The server's socket for plain streams with a PROXY header.
    pub(crate) socket: PathBuf,
    /// PEM: the listener's certificate and those above it.
    pub(crate) certificate: PathBuf,
    /// PEM, not encrypted.
    pub(crate) key: PathBuf,
    pub(crate) protocols: Vec<Protocol>,
    /// The first that the client also knows is taken.
    pub(crate) suites: Vec<Suite>,
    #[serde(default)]
    pub(crate) client_certificate: ClientCertificate,
    /// Whom the program becomes if root starts it.
    pub(crate) user: Option<String>,
    #[serde(default = "connections_max")]
    pub(crate) connections_max: usize,
    #[serde(default = "connections_per_address_max")]
    pub(crate) connections_per_address_max: usize,
    #[serde(default = "handshake_timeout_ms")]
    handshake_timeout_ms: u64,
    #[serde(default = "idle_timeout_ms")]
    idle_timeout_ms: u64,
}

/// Whether clients are asked for a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientCertificate {
    Never,
    /// Asked for; a client without one is let in, and may show a password to the server.
    #[default]
    Request,
    Require,
}

fn connections_max() -> usize {
    256
}

fn connections_per_address_max() -> usize {
    64
}

fn handshake_timeout_ms() -> u64 {
    10_000
}

fn idle_timeout_ms() -> u64 {
    300_000
}

impl Config {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let length = std::fs::metadata(path).map_err(|error| format!("{name} cannot be read: {error}"))?.len();
        if length > CONFIG_BYTES_MAX {
            return Err(format!("{name} is longer than {CONFIG_BYTES_MAX} bytes"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
        let mut config = Self::parse(&text).map_err(|what| format!("{name}: {what}"))?;
        let home = path.parent().unwrap_or(Path::new(""));
        for relative in [&mut config.socket, &mut config.certificate, &mut config.key] {
            *relative = home.join(&*relative);
        }
        Ok(config)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match config.contradiction() {
            Some(what) => Err(what),
            None => Ok(config),
        }
    }

    pub(crate) fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout_ms)
    }

    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    fn contradiction(&self) -> Option<String> {
        let zero = [
            ("connections_max", self.connections_max == 0),
            ("connections_per_address_max", self.connections_per_address_max == 0),
            ("handshake_timeout_ms", self.handshake_timeout_ms == 0),
            ("idle_timeout_ms", self.idle_timeout_ms == 0),
            ("listen", self.listen.is_empty()),
            ("protocols", self.protocols.is_empty()),
            ("suites", self.suites.is_empty()),
        ];
        if let Some((name, _)) = zero.iter().find(|(_, is)| *is) {
            return Some(format!("{name} must not be empty or zero"));
        }
        let impossible = |protocol: &&Protocol| !self.suites.iter().any(|suite| suite.exists_in(**protocol));
        if let Some(protocol) = self.protocols.iter().find(impossible) {
            return Some(format!("{} is on, but none of the suites exists in it", protocol.title()));
        }
        let useless = |suite: &&Suite| !self.protocols.iter().any(|protocol| suite.exists_in(*protocol));
        let suite = self.suites.iter().find(useless)?;
        Some(format!("{} is on, but exists in none of the protocols", suite.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        listen = ["127.0.0.1:25443", "[::1]:25443"]
        socket = "legacy.sock"
        certificate = "listener.pem"
        key = "listener.key"
        protocols = ["ssl3", "tls1.2"]
        suites = ["TLS_RSA_WITH_AES_256_CBC_SHA256", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"]
    "#;

    #[test]
    fn what_is_left_out_has_its_usual_value() {
        let config = Config::parse(GOOD).unwrap();
        assert_eq!(config.client_certificate, ClientCertificate::Request);
        assert_eq!(config.handshake_timeout(), Duration::from_secs(10));
        assert_eq!(config.protocols, [Protocol::Ssl3, Protocol::Tls12]);
    }

    #[test]
    fn the_sample_names_every_protocol_and_suite() {
        let config = Config::parse(include_str!("../../config/legacy-tls.toml")).unwrap();
        assert_eq!(config.protocols, Protocol::ALL);
        assert_eq!(config.suites.len(), 5);
    }

    #[test]
    fn a_wrong_configuration_is_refused_with_its_reason() {
        let check = |from: &str, to: &str, reason: &str| {
            let error = Config::parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(reason), "{from} -> {to}: {error}");
        };
        check("socket", "store", "unknown field");
        check("\"ssl3\", ", "\"ssl2\", ", "unknown variant");
        check("\"tls1.2\"", "\"tls1.3\"", "unknown variant");
        check("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_RC4_128_SHA", "unknown variant");
        check("\"ssl3\", \"tls1.2\"", "", "protocols must not be empty");
        check("listen = [\"127.0.0.1:25443\", \"[::1]:25443\"]", "listen = []", "listen must not be empty");
        check(", \"TLS_RSA_WITH_3DES_EDE_CBC_SHA\"", "", "SSL 3.0 is on, but none of the suites");
        check(", \"tls1.2\"", "", "TLS_RSA_WITH_AES_256_CBC_SHA256 is on, but exists in none");
        check("suites", "connections_max = 0\nsuites", "connections_max must not be");
        check("suites", "client_certificate = \"sometimes\"\nsuites", "unknown variant");
    }
}
