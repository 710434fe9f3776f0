//! What the tests share: certificates, a running program, a server's end of its socket, an own reader of PROXY headers,
//! and clients made of the same OpenSSL.
#![allow(dead_code, unreachable_pub)] // each test program uses its part
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::print_stderr)]

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslStream, SslVerifyMode, SslVersion};
use openssl::x509::extension::KeyUsage;
use openssl::x509::{X509, X509NameBuilder};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_sealmill-legacy-tls");

/// No test waits longer for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const PROTOCOLS: [(&str, SslVersion, &str); 4] = [
    ("ssl3", SslVersion::SSL3, "SSLv3"),
    ("tls1.0", SslVersion::TLS1, "TLSv1"),
    ("tls1.1", SslVersion::TLS1_1, "TLSv1.1"),
    ("tls1.2", SslVersion::TLS1_2, "TLSv1.2"),
];

/// Registered name, OpenSSL's name, whether only TLS 1.2 has it.
pub const SUITES: [(&str, &str, bool); 5] = [
    ("TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256", true),
    ("TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256", true),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", false),
    ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", false),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA", false),
];

/// A self-signed certificate with its key.
pub struct Identity {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Identity {
    pub fn new(common_name: &str) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, common_name).unwrap();
        let name = name.build();
        let mut serial = BigNum::new().unwrap();
        serial.rand(64, MsbOption::MAYBE_ZERO, false).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        let usage = KeyUsage::new().critical().digital_signature().key_encipherment().build().unwrap();
        builder.append_extension(usage).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { key, certificate: builder.build() }
    }
}

pub static LISTENER: LazyLock<Identity> = LazyLock::new(|| Identity::new("localhost"));
pub static CLIENT: LazyLock<Identity> = LazyLock::new(|| Identity::new("Kasse Köln-Süd 3"));

/// A configuration with everything on; a test changes what it is about.
pub struct Setup {
    pub protocols: Vec<&'static str>,
    pub suites: Vec<&'static str>,
    pub lines: String,
    pub folder: tempfile::TempDir,
}

impl Setup {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("legacy-tls-").tempdir().unwrap();
        // The program may become another user, who still has to reach the socket.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let write = |name: &str, content: Vec<u8>, mode| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("listener.pem", LISTENER.certificate.to_pem().unwrap(), 0o644);
        write("listener.key", LISTENER.key.private_key_to_pem_pkcs8().unwrap(), 0o600);
        let protocols = PROTOCOLS.map(|(name, ..)| name).to_vec();
        let suites = SUITES.map(|(name, ..)| name).to_vec();
        Self { protocols, suites, lines: String::new(), folder }
    }

    pub fn with(lines: &str) -> Self {
        Self { lines: lines.to_owned(), ..Self::new() }
    }

    pub fn text(&self) -> String {
        let user = if is_root() { "user = \"nobody\"" } else { "" };
        format!(
            "listen = [\"127.0.0.1:0\"]\nsocket = \"server.sock\"\ncertificate = \"listener.pem\"\nkey = \"listener.key\"\n\
             protocols = {:?}\nsuites = {:?}\n{user}\n{}\n",
            self.protocols, self.suites, self.lines
        )
    }

    pub fn command(&self, text: &str) -> Command {
        let config = self.folder.path().join("legacy-tls.toml");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(config);
        command
    }

    /// Starts the program and waits until it is ready; the server's socket is there.
    pub fn start(self) -> Listener {
        let path = self.folder.path().join("server.sock");
        let server = UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let mut command = self.command(&self.text());
        let command = command.arg("--until-stdin-closes").stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut listener = Listener { setup: self, child, log, server, address: "0.0.0.0:0".parse().unwrap() };
        wait("the program to be ready", || listener.log().contains(": ready\n") || listener.ended().is_some());
        let log = listener.log();
        let address = log.split("listens at ").nth(1).and_then(|rest| rest.lines().next());
        listener.address = address.unwrap_or_else(|| panic!("it did not start:\n{log}")).parse().unwrap();
        listener
    }
}

/// The running program and the server's end.
pub struct Listener {
    setup: Setup,
    child: Child,
    log: Arc<Mutex<String>>,
    pub server: UnixListener,
    pub address: SocketAddr,
}

impl Listener {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn folder(&self) -> &Path {
        self.setup.folder.path()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A handshake with the client's context; an error is the words of OpenSSL.
    pub fn handshake(&self, client: &SslContext) -> Result<SslStream<TcpStream>, String> {
        Ssl::new(client).unwrap().connect(self.connect()).map_err(|error| error.to_string())
    }

    /// The next stream at the server's socket, with its header.
    pub fn accept(&self) -> (UnixStream, Header) {
        self.server.set_nonblocking(true).unwrap();
        let mut accepted = None;
        wait("a stream at the server's socket", || {
            accepted = self.server.accept().ok();
            accepted.is_some()
        });
        let (mut stream, _) = accepted.unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let header = Header::read(&mut stream);
        (stream, header)
    }

    pub fn nothing_arrived(&self) -> bool {
        self.server.set_nonblocking(true).unwrap();
        self.server.accept().is_err()
    }

    /// A client with everything it takes gets through, and its header says what was spoken.
    pub fn serves(&self, version: SslVersion, name: &str, cipher: &str) {
        let mut client = self.handshake(&client(version, cipher).build()).unwrap_or_else(|error| {
            panic!("{name} with {cipher}: {error}\n{}", self.log());
        });
        let (mut server, header) = self.accept();
        assert_eq!((header.version.as_str(), header.cipher.as_str()), (name, cipher));
        assert_eq!(client.ssl().version_str(), name);
        client.write_all(b"there").unwrap();
        let mut there = [0; 5];
        server.read_exact(&mut there).unwrap();
        server.write_all(b"and back").unwrap();
        drop(server);
        let mut back = Vec::new();
        client.read_to_end(&mut back).unwrap();
        assert_eq!((&there, back.as_slice()), (b"there", b"and back".as_slice()));
    }

    /// Such a client is turned away, and the server hears nothing of it.
    pub fn refuses(&self, version: SslVersion, cipher: &str) {
        if let Ok(client) = self.handshake(&client(version, cipher).build()) {
            panic!("{} with {cipher} got through", client.ssl().version_str());
        }
        assert!(self.nothing_arrived(), "{cipher}: the server heard of a client that was refused");
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the program's lines:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of exactly this protocol that offers these ciphers, old ones included.
pub fn client(version: SslVersion, ciphers: &str) -> SslContextBuilder {
    let mut builder = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    builder.set_security_level(0);
    builder.set_verify(SslVerifyMode::NONE);
    builder.set_min_proto_version(Some(version)).unwrap();
    builder.set_max_proto_version(Some(version)).unwrap();
    builder.clear_options(SslOptions::NO_SSLV3);
    builder.set_cipher_list(&format!("{ciphers}:@SECLEVEL=0")).unwrap();
    builder
}

/// What a header said, read by the specification and not by the program's code.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    pub client: SocketAddr,
    pub listener: SocketAddr,
    pub client_bits: u8,
    pub verified: u32,
    pub version: String,
    pub cipher: String,
    pub common_name: Option<String>,
    pub certificate: Option<Vec<u8>>,
}

impl Header {
    pub fn read(stream: &mut impl Read) -> Self {
        let mut fixed = [0; 16];
        stream.read_exact(&mut fixed).unwrap();
        assert_eq!(fixed[..12], [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]);
        assert_eq!(fixed[12..14], [0x21, 0x11], "version 2, PROXY, TCP over IPv4");
        let mut rest = vec![0; usize::from(fixed[14]) << 8 | usize::from(fixed[15])];
        stream.read_exact(&mut rest).unwrap();
        let address = |at: usize, port: usize| {
            let ip = IpAddr::from([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]);
            SocketAddr::new(ip, u16::from_be_bytes([rest[port], rest[port + 1]]))
        };
        let outer = parts(&rest[12..]);
        let ssl = &outer[&0x20];
        let inner = parts(&ssl[5..]);
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
        assert!(outer.keys().all(|kind| [0x20, 0xE0].contains(kind)), "{outer:?}");
        assert!(inner.keys().all(|kind| [0x21, 0x22, 0x23].contains(kind)), "{inner:?}");
        Self {
            client: address(0, 8),
            listener: address(4, 10),
            client_bits: ssl[0],
            verified: u32::from_be_bytes(ssl[1..5].try_into().unwrap()),
            version: text(&inner[&0x21]),
            cipher: text(&inner[&0x23]),
            common_name: inner.get(&0x22).map(text),
            certificate: outer.get(&0xE0).cloned(),
        }
    }
}

/// Type, two bytes of length, value: to the last byte.
fn parts(bytes: &[u8]) -> BTreeMap<u8, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = usize::from(bytes[at + 1]) << 8 | usize::from(bytes[at + 2]);
        let value = bytes[at + 3..at + 3 + length].to_vec();
        assert!(found.insert(bytes[at], value).is_none(), "type {} twice", bytes[at]);
        at += 3 + length;
    }
    found
}

pub fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

pub fn wait(what: &str, mut until: impl FnMut() -> bool) {
    let start = Instant::now();
    while !until() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
