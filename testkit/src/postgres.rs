//! A PostgreSQL server of its own in a temporary folder, on a free port of the loopback address.
//!
//! Owns the process and the folder. The server ends when the value is dropped, and also when the test process ends in
//! any other way, be it by kill -9.

use crate::tools;
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A running server. Its databases live in memory as far as the kernel likes: nothing is synced.
pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    running: Option<Running>,
}

impl Postgres {
    /// Makes a new cluster and starts it; takes a second or two.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("testkit-postgres-").tempdir()?;
        if is_root()? {
            // The server refuses to run as root; its own user must own the folder.
            tools::run_ok("chown", [Path::new("postgres"), folder.path()])?;
        }
        let data = folder.path().join("data");
        let initdb = programs.join("initdb");
        let mut command = as_database_user(&initdb)?;
        command.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"]);
        tools::ok("initdb", command.arg(&data).current_dir("/"))?;
        let mut server = Self { folder, programs, port: 0, running: None };
        // Between finding a free port and listening on it another process may take it.
        for _ in 0..5 {
            server.port = free_port()?;
            if server.start_again().is_ok() {
                return Ok(server);
            }
        }
        bail!("PostgreSQL did not start: {}", server.log())
    }

    /// `postgres://postgres@127.0.0.1:<port>/postgres`, no password needed.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The address of another database of this server.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database, so that several tests can share one server, and gives its address.
    pub fn create_database(&self, name: &str) -> Result<String> {
        self.sql(&format!("create database \"{name}\""))?;
        Ok(self.url_of(name))
    }

    /// Makes an empty database of an ordinary role, as in production: no superuser, so that row-level security counts, and the
    /// order of a human language, not of bytes. Gives the address for that role.
    pub fn create_ordinary_database(&self, name: &str) -> Result<String> {
        if self.sql("select 1 from pg_roles where rolname = 'ordinary'")?.trim().is_empty() {
            self.sql("create role ordinary login")?;
        }
        let order = "locale_provider icu icu_locale 'en-US' template template0";
        self.sql(&format!("create database \"{name}\" owner ordinary {order}"))?;
        Ok(self.url_of(name).replace("postgres@", "ordinary@"))
    }

    /// Runs SQL with psql in the default database and gives its unaligned output.
    pub fn sql(&self, text: &str) -> Result<String> {
        let psql = self.programs.join("psql").to_string_lossy().into_owned();
        tools::run_ok(&psql, ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-c", text])
    }

    /// Stops the server at once, as a power cut would; the data stays for [`Postgres::start_again`].
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts the stopped server on the same port.
    pub fn start_again(&mut self) -> Result<()> {
        self.running = None;
        let mut command = as_database_user(&self.programs.join("postgres"))?;
        let sockets = format!("unix_socket_directories={}", self.folder.path().display());
        command.arg("-D").arg(self.folder.path().join("data")).args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        for setting in [&sockets, "fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB"] {
            command.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.log_path())?;
        command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let running = Running::start(command)?;
        let ready = self.programs.join("pg_isready").to_string_lossy().into_owned();
        for _ in 0..300 {
            if running.has_ended() {
                bail!("PostgreSQL ended: {}", self.log());
            }
            if tools::run(&ready, ["-q", "-d", &self.url()])?.ok() {
                self.running = Some(running);
                return Ok(());
            }
            pause();
        }
        bail!("PostgreSQL was not ready in 30 s: {}", self.log())
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Before the folder goes.
        self.running = None;
    }
}

/// The server process, held by a thread of its own: the kernel ends the process with the thread that started it, and
/// a test's own thread may end while others still use the server.
struct Running {
    stop: mpsc::SyncSender<()>,
    holder: Option<JoinHandle<()>>,
}

impl Running {
    fn start(mut command: Command) -> Result<Self> {
        let (stop, stopped) = mpsc::sync_channel(1);
        let (started, starting) = mpsc::sync_channel(1);
        let holder = std::thread::spawn(move || match command.spawn() {
            Ok(child) => {
                let _ = started.send(Ok(()));
                hold(child, &stopped);
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        });
        starting.recv().context("the thread that starts PostgreSQL ended")?.context("start PostgreSQL")?;
        Ok(Self { stop, holder: Some(holder) })
    }

    fn has_ended(&self) -> bool {
        self.holder.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.try_send(());
        if let Some(holder) = self.holder.take() {
            let _ = holder.join();
        }
    }
}

fn hold(mut child: Child, stopped: &mpsc::Receiver<()>) {
    while stopped.recv_timeout(Duration::from_millis(50)) == Err(mpsc::RecvTimeoutError::Timeout) {
        if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
            return;
        }
    }
    // SIGQUIT is PostgreSQL's immediate shutdown: the children end too, the next start recovers.
    // Through the shell's own kill: the program of that name is not on every machine.
    let _ = tools::run("sh", ["-c", &format!("kill -QUIT {}", child.id())]);
    let _ = child.wait();
}

/// A command that runs as the user `postgres` if we are root, and that ends when its parent thread does.
fn as_database_user(program: &Path) -> Result<Command> {
    let mut command = Command::new("setpriv");
    if is_root()? {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.args(["--pdeathsig=QUIT", "--"]).arg(program);
    Ok(command)
}

fn is_root() -> Result<bool> {
    Ok(tools::run_ok("id", ["-u"])?.trim() == "0")
}

/// The newest installed PostgreSQL.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &PathBuf| path.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok());
    let newest =
        versions.map(|entry| entry.path()).filter(|path| path.join("bin/postgres").exists()).max_by_key(number);
    let newest = newest.context("PostgreSQL is not installed; `make test` installs what the tests need")?;
    Ok(newest.join("bin"))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[allow(clippy::disallowed_methods)] // waiting for a foreign process that gives no event
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn it_answers_survives_a_restart_and_is_gone_after_the_drop() {
        let mut server = Postgres::start().unwrap();
        server.sql("create table t (x int)").unwrap();
        server.sql("insert into t values (41), (1)").unwrap();
        assert!(server.create_database("other").unwrap().ends_with("/other"));
        server.stop();
        assert!(server.sql("select 1").is_err());
        server.start_again().unwrap();
        assert_eq!(server.sql("select sum(x) from t").unwrap().trim(), "42");
        let (port, folder) = (server.port, server.folder.path().to_path_buf());
        drop(server);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(!folder.exists());
    }
}
