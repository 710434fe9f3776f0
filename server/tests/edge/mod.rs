//! What the tests of the network edge share: homes with an `[api]`, certificates, and curl as the client.
#![allow(dead_code, unreachable_pub)] // each test program uses its part
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::support::{Home, Server};
use std::path::{Path, PathBuf};
use std::process::Command;
use testkit::pki::{Identity, KeyKind, Pki};

/// A home that listens with TLS and without, and what else `[api]` says.
pub fn home(lines: &str) -> Home {
    let mut home = Home::new();
    put_identity(&home, &Pki::shared().issue(KeyKind::P256, "localhost").unwrap());
    home.add(&format!(
        "[api]\nlisten = [\"127.0.0.1:0\"]\nplain = [\"127.0.0.1:0\"]\ncertificate = \"keys/api.pem\"\nkey = \
         \"keys/api.key.pem\"\nreload_ms = 100\n{lines}"
    ));
    home
}

/// Puts the server's certificate and key to where `[api]` looks for them, the key first.
pub fn put_identity(home: &Home, identity: &Identity) {
    let keys = home.path().join("keys");
    std::fs::write(keys.join("api.key.pem"), identity.key_pem().unwrap()).unwrap();
    std::fs::write(keys.join("api.pem"), identity.chain_pem().unwrap()).unwrap();
}

/// Certificate and key of a client as files.
pub fn client_files(home: &Home, name: &str, identity: &Identity) -> (PathBuf, PathBuf) {
    let (certificate, key) =
        (home.path().join(format!("keys/{name}.pem")), home.path().join(format!("keys/{name}.key.pem")));
    std::fs::write(&certificate, identity.chain_pem().unwrap()).unwrap();
    std::fs::write(&key, identity.key_pem().unwrap()).unwrap();
    (certificate, key)
}

/// What curl got.
#[derive(Debug)]
pub struct Answer {
    /// curl's own exit code; 0 if there was an answer.
    pub exit: i32,
    /// HTTP status; 0 without an answer.
    pub status: u16,
    /// Header fields, as they came.
    pub head: String,
    /// The body.
    pub body: String,
    /// What curl says about its failure.
    pub error: String,
}

impl Answer {
    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).last()
    }
}

/// Calls with curl. The shared authority's certificates name no host, so curl does not look for one.
pub fn curl(url: &str, arguments: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "60", "--include", "--noproxy", "*"]);
    command.arg("--insecure").args(arguments).arg(url);
    let output = command.output().expect("curl; `make test` installs it");
    let text = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    // Several heads stand one behind the other: "100 Continue" first.
    let mut rest = text.as_str();
    let mut head = String::new();
    while rest.starts_with("HTTP/") {
        let (one, behind) = rest.split_once("\n\n").unwrap_or((rest, ""));
        (head, rest) = (one.to_owned(), behind);
    }
    Answer {
        exit: output.status.code().unwrap_or(-1),
        status: head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0),
        head,
        body: rest.to_owned(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `openssl s_client`: whether a handshake with these arguments comes about, and what it prints.
pub fn s_client(server: &Server, arguments: &[&str]) -> (bool, String) {
    let address = server.api("https").replace("https://", "");
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &address, "-CAfile"]).arg(Pki::shared().root_pem()).args(arguments);
    let output = command.stdin(std::process::Stdio::null()).output().expect("openssl; `make test` installs it");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success() && text.contains("Cipher is ") && !text.contains("Cipher is (NONE)"), text)
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
