//! The server's home for one run: keys, configuration, folders. On a real disk, and gone afterwards.

use crate::Directory;
use crate::key::{PASSWORD, SigningKey};
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

/// A home that is removed with this value, unless it is to be kept.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    metrics: SocketAddr,
}

impl Home {
    /// Makes folders, keys and configuration.
    pub(crate) fn make(
        arguments: &Directory,
        key: &SigningKey,
        database: Option<&str>,
        authority: Option<String>,
    ) -> Result<Self> {
        let parent = parent(arguments.home.as_deref())?;
        let mut folder = tempfile::Builder::new().prefix("sealmill-loadtest-").tempdir_in(&parent)?;
        folder.disable_cleanup(arguments.keep);
        // The server binds it a moment later; nobody else asks for it in between.
        let metrics = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let home = Self { folder, metrics };
        for folder in [home.input(), home.keys()] {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(home.keys().join("seal.p12"), key.pkcs12())?;
        write_secret(&home.keys().join("seal.password"), PASSWORD)?;
        if let Some(token) = key.hardware() {
            write_secret(&home.keys().join("token.pin"), &token.pin)?;
        }
        let text = configuration(arguments, key, metrics, database, authority.as_deref());
        std::fs::write(home.configuration(), text)?;
        Ok(home)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.folder.path().join("sealmill.toml")
    }

    /// Where the server's metrics are.
    pub(crate) fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    pub(crate) fn input(&self) -> PathBuf {
        self.folder.path().join("load/in")
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.folder.path().join("load/out")
    }

    pub(crate) fn done(&self) -> PathBuf {
        self.folder.path().join("load/done")
    }

    pub(crate) fn error(&self) -> PathBuf {
        self.folder.path().join("load/error")
    }

    /// Where the server's log goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    /// A folder of our own on the same disk.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::create_dir(&path).with_context(|| format!("make {}", path.display()))?;
        Ok(path)
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }
}

fn write_secret(path: &Path, secret: &str) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(writeln!(file, "{secret}")?)
}

/// The regular files of a folder, by name.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The folder that homes are made in: never in memory, where making a file durable costs nothing.
pub(crate) fn parent(wanted: Option<&Path>) -> Result<PathBuf> {
    if let Some(wanted) = wanted {
        std::fs::create_dir_all(wanted).with_context(|| format!("make {}", wanted.display()))?;
        if in_memory(wanted)? {
            bail!("{} is in memory (tmpfs); choose a folder on a disk with --home", wanted.display());
        }
        return Ok(wanted.canonicalize()?);
    }
    for folder in [std::env::temp_dir(), PathBuf::from("/var/tmp")] {
        if folder.is_dir() && !in_memory(&folder)? {
            return Ok(folder);
        }
    }
    bail!("the folders for temporary files are in memory (tmpfs); choose one on a disk with --home")
}

fn in_memory(folder: &Path) -> Result<bool> {
    let kind = rustix::fs::statfs(folder).with_context(|| format!("look at {}", folder.display()))?.f_type;
    Ok(kind == TMPFS_MAGIC)
}

/// `statfs(2)`.
const TMPFS_MAGIC: i64 = 0x0102_1994;

fn configuration(
    arguments: &Directory,
    key: &SigningKey,
    metrics: SocketAddr,
    database: Option<&str>,
    authority: Option<&str>,
) -> String {
    let mut text = String::from("[store]\n");
    let _ = match database {
        Some(variable) => writeln!(text, "url_env = \"{variable}\""),
        None => writeln!(text, "path = \"sealmill.sqlite\""),
    };
    let _ = writeln!(text, "\n[metrics]\nlisten = \"{metrics}\"");
    let mut signers = Vec::new();
    match (key.hardware(), arguments.softhsm) {
        (Some(token), Some(sessions)) => {
            let (serial, module) = (&token.serial, token.module.display());
            let _ =
                writeln!(text, "\n[[token]]\nserial = \"{serial}\"\nmodule = \"{module}\"\nisolation = \"process\"");
            let _ = writeln!(text, "pin_file = \"keys/token.pin\"\nsessions = {sessions}");
            let _ = writeln!(text, "\n[[token.signer]]\nname = \"seal\"");
            signers.push("\"seal\"".to_owned());
        }
        _ => {
            for number in 1..=arguments.tokens {
                let _ = writeln!(text, "\n[[software]]\nname = \"seal-{number}\"\npkcs12 = \"keys/seal.p12\"");
                let _ = writeln!(text, "password_file = \"keys/seal.password\"\nsessions = 1");
                signers.push(format!("\"seal-{number}\""));
            }
        }
    }
    let (signers, lines) = (signers.join(", "), arguments.profile.lines());
    let _ = writeln!(text, "\n[[pool]]\nname = \"load\"\nsigners = [{signers}]");
    if let Some(url) = authority {
        let _ = writeln!(text, "\n[[authority]]\nname = \"local\"\nurl = \"{url}\"");
    }
    let _ = writeln!(text, "\n[[profile]]\nname = \"load\"\npool = \"load\"\n{lines}");
    if authority.is_some() {
        let batch = arguments.profile.stamps_batches();
        let _ = writeln!(text, "\n[profile.stamp]\nauthorities = [\"local\"]\nbatch = {batch}");
    }
    // The files are complete: they need not rest.
    let _ = writeln!(text, "\n[[directory]]\nname = \"load\"\npath = \"load\"\nprofile = \"load\"\nsettle_ms = 0");
    text
}
