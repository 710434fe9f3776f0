//! How fast is sealmill, and how far is that from what the machine could do at best? Runs the real server as a child
//! process on files it makes itself, and an ideal program on the same files before and after.
//!
//! Measures and prints; asserts nothing and is no test. Read [`limit`] for what "at best" means.

mod directory;
mod documents;
mod home;
mod key;
mod limit;
mod metrics;
mod peer;
mod process;
mod report;
mod server;
mod soap;
mod verify;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures sealmill against the limit of the machine.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version)]
struct Arguments {
    #[command(subcommand)]
    door: Door,
}

#[derive(Debug, Subcommand)]
enum Door {
    /// A watched directory: all files lie in `in/` before the server starts.
    Directory(Directory),
    /// Verification: all files lie on the disk, signed before.
    Verify(verify::Verify),
    /// The SOAP door, with TLS client certificates, access control and audit.
    Soap(soap::Soap),
}

/// `directory`.
#[derive(Clone, Debug, Args)]
struct Directory {
    /// Number of documents, each different.
    #[arg(long, default_value_t = 2_000)]
    documents: usize,
    /// Length of each, in bytes: 100 000, XML 20 000.
    #[arg(long)]
    size: Option<usize>,
    /// Software tokens in the pool, one session each. Not with --softhsm.
    #[arg(long, default_value_t = 2)]
    tokens: usize,
    /// What is made of them.
    #[arg(long, value_enum, default_value = "pades", alias = "format")]
    profile: Profile,
    /// Kind of the signing key.
    #[arg(long, value_enum, default_value = "rsa3072")]
    key: KeyName,
    /// Sign with one SoftHSM token, in a process of its own, with so many sessions.
    #[arg(long, value_name = "SESSIONS")]
    softhsm: Option<usize>,
    /// Where the server keeps its records.
    #[arg(long, value_enum, default_value = "sqlite")]
    store: StoreName,
    /// Let pyHanko sign some of the same PDFs with the same key.
    #[arg(long)]
    peer: bool,
    /// How many pyHanko signs.
    #[arg(long, default_value_t = 200)]
    peer_documents: usize,
    /// Make the home in this folder; without it in the folder for temporary files. It must not be in memory (tmpfs).
    #[arg(long)]
    home: Option<PathBuf>,
    /// Leave the home where it is.
    #[arg(long)]
    keep: bool,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// The SoftHSM token that the outer process has made.
    #[arg(long, hide = true)]
    token_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// PAdES B-B.
    Pades,
    /// PAdES B-T, with a time-stamping authority on this machine, which uses its processors, too.
    PadesT,
    /// PAdES B-B, one time stamp for each batch and an evidence record for each document.
    PadesBatch,
    /// `adbe.pkcs7.detached`.
    Pdf,
    /// CAdES B-B, detached.
    Cades,
    /// CAdES B-B, detached, one time stamp for each batch.
    CadesBatch,
    /// Plain CMS, detached.
    Cms,
    /// XAdES B-B, enveloped.
    Xades,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StoreName {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KeyName {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Brainpoolp256r1,
    Brainpoolp384r1,
    Ed25519,
}

impl KeyName {
    fn kind(self) -> testkit::pki::KeyKind {
        use testkit::pki::KeyKind;
        match self {
            KeyName::Rsa2048 => KeyKind::Rsa2048,
            KeyName::Rsa3072 => KeyKind::Rsa3072,
            KeyName::Rsa4096 => KeyKind::Rsa4096,
            KeyName::P256 => KeyKind::P256,
            KeyName::P384 => KeyKind::P384,
            KeyName::P521 => KeyKind::P521,
            KeyName::Brainpoolp256r1 => KeyKind::BrainpoolP256r1,
            KeyName::Brainpoolp384r1 => KeyKind::BrainpoolP384r1,
            KeyName::Ed25519 => KeyKind::Ed25519,
        }
    }
}

/// What documents are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Pdf,
    Xml,
    Random,
}

impl Profile {
    fn word(self) -> &'static str {
        match self {
            Profile::Pades => "PAdES B-B",
            Profile::PadesT => "PAdES B-T",
            Profile::PadesBatch => "PAdES B-B, batch stamped",
            Profile::Pdf => "PDF",
            Profile::Cades => "CAdES B-B",
            Profile::CadesBatch => "CAdES B-B, batch stamped",
            Profile::Cms => "CMS",
            Profile::Xades => "XAdES B-B",
        }
    }

    /// `format` and `level` in the server's configuration.
    fn lines(self) -> &'static str {
        match self {
            Profile::Pades | Profile::PadesBatch => "format = \"pades\"",
            Profile::PadesT => "format = \"pades\"\nlevel = \"B-T\"",
            Profile::Pdf => "format = \"pdf\"",
            Profile::Cades | Profile::CadesBatch => "format = \"cades\"",
            Profile::Cms => "format = \"cms\"",
            Profile::Xades => "format = \"xades\"",
        }
    }

    fn stamps(self) -> bool {
        self == Profile::PadesT || self.stamps_batches()
    }

    fn stamps_batches(self) -> bool {
        matches!(self, Profile::PadesBatch | Profile::CadesBatch)
    }

    fn content(self) -> Content {
        match self {
            Profile::Pades | Profile::PadesT | Profile::PadesBatch | Profile::Pdf => Content::Pdf,
            Profile::Cades | Profile::CadesBatch | Profile::Cms => Content::Random,
            Profile::Xades => Content::Xml,
        }
    }
}

impl Directory {
    fn size(&self) -> usize {
        let usual = if self.profile.content() == Content::Xml { 20_000 } else { 100_000 };
        self.size.unwrap_or(usual)
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr)] // a command line program
fn main() -> ExitCode {
    let result = match Arguments::parse().door {
        Door::Directory(arguments) => run(&arguments),
        Door::Verify(arguments) => verify::run(&arguments),
        Door::Soap(arguments) => soap::run(&arguments),
    };
    match result {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Directory) -> Result<String> {
    if arguments.softhsm.is_some() && arguments.token_file.is_none() {
        return key::with_softhsm(arguments);
    }
    let report = directory::run(arguments)?;
    if arguments.json { Ok(format!("{}\n", serde_json::to_string(&report)?)) } else { Ok(report.table()) }
}
