//! What the tests of the real program share: homes to run it in, servers that end with their test, watched folders,
//! waiting with an end.
//!
//! Every server listens on a port of its own on the loopback address and is ended by its process id.
#![allow(dead_code, unreachable_pub)] // each test program uses its part
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr)]

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use testkit::pki::{KeyKind, Pki};
use testkit::tools::{self, Said};
use testkit::world::World;

/// The program under test.
pub const SEALMILL: &str = env!("CARGO_BIN_EXE_sealmill");

/// The password of every key file that [`Home::software`] makes.
pub const PASSWORD: &str = "geheim-ü";

/// A folder with a configuration in the making; gone when dropped.
pub struct Home {
    folder: tempfile::TempDir,
    text: String,
    environment: Vec<(OsString, OsString)>,
}

impl Home {
    /// A home with a store and a metrics page on a free port, and nothing else.
    pub fn new() -> Self {
        Self::with("", "127.0.0.1:0")
    }

    /// A home with these lines in `[server]`, and its metrics page there (empty: none).
    pub fn with(server: &str, listen: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sealmill-e2e-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("keys")).unwrap();
        let text = format!(
            "[server]\nname = \"test\"\n{server}\n[store]\npath = \"sealmill.sqlite\"\n[metrics]\nlisten = \"{listen}\"\n"
        );
        Self { folder, text, environment: Vec::new() }
    }

    /// The usual one: signers `s1` and `s2` (P-256, two sessions each) in the pool `all`.
    pub fn two_signers() -> Self {
        let mut home = Self::new();
        home.software("s1", KeyKind::P256, 2).software("s2", KeyKind::P256, 2).pool("all", &["s1", "s2"]);
        home
    }

    /// Puts the store somewhere else.
    pub fn store_at(&mut self, path: &Path) -> &mut Self {
        self.text = self.text.replacen("path = \"sealmill.sqlite\"", &format!("path = {path:?}"), 1);
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A variable that every program run in this home gets.
    pub fn environment(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Further lines of configuration.
    pub fn add(&mut self, lines: &str) -> &mut Self {
        let _ = writeln!(self.text, "{lines}");
        self
    }

    /// One line of configuration instead of another that is there.
    pub fn replace(&mut self, line: &str, instead: &str) -> &mut Self {
        assert!(self.text.contains(line), "{line}");
        self.text = self.text.replacen(line, instead, 1);
        self
    }

    /// Another store than the usual file: these lines of `[store]`.
    pub fn store(&mut self, lines: &str) -> &mut Self {
        self.text = self.text.replacen("path = \"sealmill.sqlite\"", lines, 1);
        self
    }

    /// A software signer with the shared authority's certificate: `keys/NAME.p12` and `keys/NAME.password`.
    pub fn software(&mut self, name: &str, kind: KeyKind, sessions: usize) -> &mut Self {
        let identity = Pki::shared().signer(kind).unwrap();
        self.key_file(name, &identity);
        self.add(&format!(
            "[[software]]\nname = \"{name}\"\npkcs12 = \"keys/{name}.p12\"\npassword_file = \"keys/{name}.password\"\n\
             sessions = {sessions}"
        ))
    }

    /// The files of a signer, without a line in the configuration: the PKCS#12 file and that of its password.
    pub fn key_file(&self, name: &str, identity: &testkit::pki::Identity) -> (PathBuf, PathBuf) {
        let keys = self.path().join("keys");
        let password = keys.join(format!("{name}.password"));
        std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        (identity.write_pkcs12(&keys, name, PASSWORD).unwrap(), password)
    }

    /// Believes this world's root and asks its servers, although they are private.
    pub fn world(&mut self, world: &World) -> &mut Self {
        let root = world.root_pem();
        self.add(&format!("[revocation]\nanchors = [{root:?}]\nprivate_hosts = [\"127.0.0.1\"]"))
    }

    /// A time-stamping authority of this world, and what else it says.
    pub fn authority(&mut self, world: &World, name: &str, path: &str, lines: &str) -> &mut Self {
        let (url, root) = (world.url(path), world.root_pem());
        self.add(&format!("[[authority]]\nname = \"{name}\"\nurl = \"{url}\"\nanchors = [{root:?}]\n{lines}"))
    }

    /// A software signer with two sessions, and a pool of it alone, both of this name.
    pub fn sealer(&mut self, name: &str, identity: &testkit::pki::Identity) -> &mut Self {
        self.key_file(name, identity);
        self.add(&format!(
            "[[software]]\nname = \"{name}\"\npkcs12 = \"keys/{name}.p12\"\npassword_file = \"keys/{name}.password\"\n\
             sessions = 2"
        ))
        .pool(name, &[name])
    }

    /// A pool.
    pub fn pool(&mut self, name: &str, signers: &[&str]) -> &mut Self {
        self.add(&format!("[[pool]]\nname = \"{name}\"\nsigners = {signers:?}"))
    }

    /// A profile of this name over this pool, and what else it says.
    pub fn profile(&mut self, name: &str, pool: &str, lines: &str) -> &mut Self {
        self.add(&format!("[[profile]]\nname = \"{name}\"\npool = \"{pool}\"\n{lines}"))
    }

    /// A watched directory `NAME/` with the profile, and what else it says. Files settle within a fifth of a second.
    pub fn directory(&mut self, name: &str, profile: &str, lines: &str) -> Folder {
        let root = self.path().join(name);
        self.directory_at(name, &root, profile, lines)
    }

    /// A watched directory `NAME/` whose files are judged, and what `[directory.verify]` says. A file settles at once.
    pub fn judging_directory(&mut self, name: &str, verify: &str) -> Folder {
        let root = self.path().join(name);
        self.add(&format!(
            "[[directory]]\nname = \"{name}\"\npath = {root:?}\nsettle_ms = 200\npoll_ms = 100\n[directory.verify]\n{verify}"
        ));
        let folder = Folder { root };
        std::fs::create_dir_all(folder.input()).unwrap();
        folder
    }

    /// As [`Home::directory`], somewhere else.
    pub fn directory_at(&mut self, name: &str, root: &Path, profile: &str, lines: &str) -> Folder {
        let mut lines = lines.to_owned();
        for (key, usual) in [("settle_ms", "200"), ("poll_ms", "100")] {
            if !lines.contains(key) {
                let _ = write!(lines, "\n{key} = {usual}");
            }
        }
        self.add(&format!("[[directory]]\nname = \"{name}\"\npath = {root:?}\nprofile = \"{profile}\"\n{lines}"));
        let folder = Folder { root: root.to_owned() };
        std::fs::create_dir_all(folder.input()).unwrap();
        folder
    }

    /// Writes the configuration and gives its path.
    pub fn config(&self) -> PathBuf {
        let path = self.path().join("sealmill.toml");
        std::fs::write(&path, &self.text).unwrap();
        path
    }

    /// A command of the program, run to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        tools::said("sealmill", &mut self.command(arguments)).unwrap()
    }

    /// A command of the program in this home's environment.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.command_of(Command::new(SEALMILL), arguments)
    }

    fn command_of<A: AsRef<OsStr>>(&self, mut command: Command, arguments: impl IntoIterator<Item = A>) -> Command {
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        command.env("HOME", self.path()).env_remove("XDG_STATE_HOME").env_remove("SEALMILL_LOG");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the server and waits until its page, if it has one, can be asked.
    pub fn start(&self) -> Server {
        self.start_as(Command::new(SEALMILL))
    }

    /// As [`Home::start`], with a command before the program (`setpriv … sealmill`).
    pub fn start_as(&self, command: Command) -> Server {
        self.start_with(command, &self.config())
    }

    /// As [`Home::start`], with a configuration that is somewhere else.
    pub fn start_at(&self, config: &Path) -> Server {
        self.start_with(Command::new(SEALMILL), config)
    }

    fn start_with(&self, command: Command, config: &Path) -> Server {
        let log = self.path().join("server.log");
        // Appended to: the log of a home tells of all its servers.
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let start = file.metadata().unwrap().len();
        let mut command = self.command_of(command, [OsStr::new("serve"), "--config".as_ref(), config.as_os_str()]);
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let mut server = Server { child, log, start, address: None };
        if !self.text.contains("listen = \"\"") {
            wait("the server's page", 30, || {
                server.fail_if_ended();
                server.address = server.address_in_log();
                server.address.is_some()
            });
        }
        server
    }

    /// As [`Home::start`], and a signer is ready.
    pub fn start_ready(&self) -> Server {
        let server = self.start();
        wait("/readyz", 30, || server.get("/readyz").0 == 200);
        server
    }

    /// `audit verify` finds nothing broken; gives how many entries there are.
    pub fn audit_is_unbroken(&self) -> u64 {
        let config = self.config();
        let said =
            self.run(["--json".as_ref(), "audit".as_ref(), "verify".as_ref(), "--config".as_ref(), config.as_os_str()]);
        assert_eq!(said.code, 0, "{said:?}");
        let verdict: serde_json::Value = serde_json::from_str(said.out.trim()).unwrap();
        assert_eq!(verdict["breaks"].as_array().unwrap().len(), 0, "{verdict}");
        verdict["entries"].as_u64().unwrap()
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    log: PathBuf,
    /// Where in the log file this server's lines begin.
    start: u64,
    address: Option<String>,
}

impl Server {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let start = usize::try_from(self.start).unwrap().min(bytes.len());
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    /// The first address that applications call with this scheme, without a path: `https://127.0.0.1:40001`.
    pub fn api(&self, scheme: &str) -> String {
        let log = self.log();
        let start = format!("api=\"{scheme}://");
        let rest = log.split(&start).nth(1).unwrap_or_else(|| panic!("no {scheme} address in the log:\n{log}"));
        format!("{scheme}://{}", rest.split('/').next().unwrap())
    }

    fn address_in_log(&self) -> Option<String> {
        let log = self.log();
        let rest = &log[log.find("metrics=http://")? + "metrics=http://".len()..];
        rest.split_once("/metrics").map(|(address, _)| address.to_owned())
    }

    /// Asks its page: status and body. Status 0 if nobody answers.
    pub fn get(&self, path: &str) -> (u16, String) {
        let ask = || -> std::io::Result<String> {
            let address = self.address.as_ref().expect("the server has a page");
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = ask().unwrap_or_default();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, body.to_owned())
    }

    /// The value of a metric whose line begins with this name and has all these labels (`outcome="done"`); the sum, if
    /// there are several; `None` if there is none.
    pub fn metric(&self, name: &str, labels: &[&str]) -> Option<f64> {
        metric_in(&self.get("/metrics").1, name, labels)
    }

    /// The most memory that it has held, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        testkit::memory::peak_bytes_of(self.pid()).unwrap()
    }

    /// The processor time that it has used so far, in hundredths of a second.
    pub fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let behind_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = behind_name.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// Panics with its log if it is not running any more.
    pub fn fail_if_ended(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the server has ended ({status}):\n{}", self.log());
        }
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait_end(60)
    }

    /// Ends it as a power failure would (SIGKILL).
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait_end(10);
    }

    /// Sends a signal to this process, and to it alone.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn wait_end(&mut self, seconds: u64) -> ExitStatus {
        let mut status = None;
        let child = &mut self.child;
        wait("the end of the server", seconds, || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let end: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the server's last lines:\n{}", end.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As [`Server::metric`], in a page that was fetched before.
pub fn metric_in(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut values = page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (of, with) = series.split_once('{').unwrap_or((series, ""));
        (of == name && labels.iter().all(|label| with.contains(label))).then(|| value.parse::<f64>().ok())?
    });
    let first = values.next()?;
    Some(values.fold(first, |sum, value| sum + value))
}

/// A watched directory, seen from outside.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder that holds the others.
    pub root: PathBuf,
}

impl Folder {
    pub fn input(&self) -> PathBuf {
        self.root.join("in")
    }

    pub fn output(&self) -> PathBuf {
        self.root.join("out")
    }

    pub fn done(&self) -> PathBuf {
        self.root.join("done")
    }

    pub fn error(&self) -> PathBuf {
        self.root.join("error")
    }

    pub fn work(&self) -> PathBuf {
        self.root.join(".work")
    }

    /// Hands a file over as careful programs do: under a hidden name first, then renamed.
    pub fn put(&self, name: impl AsRef<OsStr>, content: &[u8]) {
        let name = name.as_ref();
        let mut hidden = OsString::from(".");
        hidden.push(name);
        let hidden = self.input().join(hidden);
        std::fs::write(&hidden, content).unwrap();
        std::fs::rename(&hidden, self.input().join(name)).unwrap();
    }

    /// Nothing waits and nothing is under way.
    pub fn is_empty(&self) -> bool {
        let waiting = names(&self.input()).into_iter().filter(|name| !name.starts_with('.')).count();
        waiting == 0 && names(&self.work()).is_empty()
    }

    /// Waits until everything that was put in has been dealt with.
    pub fn wait_empty(&self, seconds: u64) {
        wait(&format!("everything in {} to be dealt with", self.root.display()), seconds, || self.is_empty());
    }

    /// The text that says why this source was rejected.
    pub fn reason(&self, source: &str) -> Option<String> {
        std::fs::read_to_string(self.error().join(format!("{source}.reason.txt"))).ok()
    }
}

/// The names in a folder, sorted; none if there is no such folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits until something is so; fails the test when it is not within so many seconds.
#[track_caller]
pub fn wait(what: &str, seconds: u64, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !condition() {
        assert!(Instant::now() < deadline, "waited {seconds} s in vain for {what}");
        pause(10);
    }
}

/// Lets some milliseconds pass: for what must NOT happen meanwhile.
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// `openssl cms -verify` accepts a detached signature (DER) over this content, up to the shared authority's root.
pub fn openssl_accepts_detached(signature: &Path, content: &Path) -> Result<(), String> {
    openssl_verify(signature, Some(content)).map(|_| ())
}

/// `openssl cms -verify` accepts an enveloping signature (DER); gives the content that it holds.
pub fn openssl_opens(signature: &Path) -> Result<Vec<u8>, String> {
    openssl_verify(signature, None)
}

fn openssl_verify(signature: &Path, content: Option<&Path>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("openssl");
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-CAfile"]);
    command.arg(Pki::shared().root_pem()).arg("-in").arg(signature);
    if let Some(content) = content {
        command.arg("-content").arg(content);
    }
    let output = command.output().map_err(|error| format!("openssl: {error}; `make test` installs it"))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{}: {}", signature.display(), String::from_utf8_lossy(&output.stderr))),
    }
}
