//! What the tests of the network edge share: homes with an `[api]`, certificates, and curl as the client.
#![allow(dead_code, unreachable_pub)] // each test program uses its part
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use crate::support::{Home, PASSWORD, Server};
use actors::access::Passwords;
use model::{Clock, Function, GroupName, Right, SystemClock, TenantId, Time, UserName};
use secrecy::SecretString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use store::access::AccessChange;
use store::{Store, StoreConfig};
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
        lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next_back()
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

/// Makes a tenant, unless it is the server's own, and in it a user with a password and rights of her own.
pub fn user(home: &Home, tenant: &str, name: &str, rights: &[Function]) {
    let tenant = TenantId::new(tenant).unwrap();
    let rights = rights.iter().map(|function| Right { function: *function, object: None }).collect();
    let (user, group) = (UserName::new(name).unwrap(), GroupName::new(&format!("group of {name}")).unwrap());
    in_store(home, async |store, now| {
        store.create_tenant(&tenant, "A tenant", "cli:test", now).await.unwrap();
        let hash = Passwords::new(1).unwrap().hash(SecretString::from(PASSWORD.to_owned())).await.unwrap();
        for change in [
            AccessChange::CreateUser { user: user.clone(), title: String::new(), password: Some(hash.clone()) },
            AccessChange::CreateGroup { group: group.clone(), rights },
            AccessChange::AddMember { user, group },
        ] {
            assert!(store.change_access(&tenant, &change, "cli:test", now).await.unwrap());
        }
    });
}

/// Changes users, groups or certificates of a tenant.
pub fn change(home: &Home, tenant: &str, change: AccessChange) {
    let tenant = TenantId::new(tenant).unwrap();
    in_store(home, async |store, now| {
        assert!(store.change_access(&tenant, &change, "cli:test", now).await.unwrap());
    });
}

fn in_store(home: &Home, work: impl AsyncFnOnce(&Store, Time)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let place = StoreConfig::Sqlite { path: home.path().join("sealmill.sqlite") };
        let store = Store::open(&place, "setup").await.unwrap();
        work(&store, SystemClock.now()).await;
    });
}

/// An envelope of SOAP 1.1 with these headers and this body.
pub fn envelope(header: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\">\
         <e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    )
}

/// The body of a call of `echo`.
pub fn echo(text: &str) -> String {
    format!("<p:echo xmlns:p=\"http://seccommerce.de/ws/SecPKI/\"><p:text>{text}</p:text></p:echo>")
}

/// A security header with name and password, and what else it says.
pub fn token(user: &str, password: &str, more: &str) -> String {
    format!(
        "<s:Security xmlns:s=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\" \
         xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\" \
         e:mustUnderstand=\"1\"><s:UsernameToken><s:Username>{user}</s:Username><s:Password>{password}</s:Password>\
         {more}</s:UsernameToken></s:Security>"
    )
}

/// Posts an envelope of SOAP 1.1.
pub fn post(url: &str, envelope: &str, arguments: &[&str]) -> Answer {
    let mut all = vec!["--header", "Content-Type: text/xml; charset=utf-8", "--data-binary", envelope];
    all.extend(arguments);
    curl(url, &all)
}

/// curl's argument for a user of [`user`].
pub fn basic(name: &str) -> String {
    format!("{name}:{PASSWORD}")
}

/// A connection without TLS that gives up after a while.
pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.api("http").replace("http://", "")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends these bytes, as far as the server takes them, and reads until it ends the connection.
pub fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    let _ = stream.write_all(bytes);
    rest(&mut stream)
}

/// What comes until the connection ends.
pub fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4_096];
    while let Ok(count) = stream.read(&mut piece) {
        if count == 0 {
            break;
        }
        all.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The status of an answer as it came.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}
