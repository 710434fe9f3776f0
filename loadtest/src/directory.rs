//! One load test of a watched directory, from top to bottom: documents, limit, server, limit again, peer.

use crate::documents;
use crate::home::{self, Home};
use crate::key::{self, SigningKey};
use crate::limit;
use crate::peer;
use crate::report::Report;
use crate::server;
use crate::{Content, Directory, StoreName};
use anyhow::{Result, bail};
use std::path::Path;
use testkit::postgres::Postgres;
use testkit::world::World;

/// Runs it.
pub(crate) fn run(arguments: &Directory) -> Result<Report> {
    if arguments.documents == 0 || arguments.tokens == 0 || arguments.softhsm == Some(0) {
        bail!("--documents, --tokens and --softhsm must be at least 1");
    }
    if arguments.peer && arguments.profile.content() != Content::Pdf {
        bail!("--peer compares the signing of PDFs; use it with --profile pades or pdf");
    }
    let program = server::program()?;
    let database = match arguments.store {
        StoreName::Sqlite => None,
        StoreName::Postgres => Some(Postgres::start()?),
    };
    let signing_key = SigningKey::make(arguments)?;
    let world = arguments.profile.stamps().then(World::start).transpose()?;
    let authority = world.as_ref().map(|world| world.url("/tsa"));
    let home = Home::make(arguments, &signing_key, database.as_ref().map(|_| DATABASE_VARIABLE), authority)?;
    documents::make(&home.input(), arguments.documents, arguments.size(), arguments.profile.content())?;

    // What one phase wrote must not be written to the disk during the next one.
    let quiet = || rustix::fs::sync();
    let raw = key::raw_rates(&signing_key)?;
    quiet();
    let before = limit::run(&home.input(), &home.scratch("limit-1")?, &signing_key)?;
    quiet();
    let environment = database.as_ref().map(|database| (DATABASE_VARIABLE, database.url()));
    let run = server::run(&program, &home, arguments.documents, environment)?;
    quiet();
    let after = limit::run(&home.done(), &home.scratch("limit-2")?, &signing_key)?;
    let peer = match arguments.peer {
        true => {
            let files = first_files(&home.done(), arguments.peer_documents)?;
            Some(peer::run(&files, &home.scratch("peer")?, &signing_key)?)
        }
        false => None,
    };
    let stamps = world.as_ref().map(|world| world.count("/tsa"));
    Ok(Report::new(arguments, raw, [before, after], run, peer, stamps))
}

fn first_files(folder: &Path, count: usize) -> Result<Vec<std::path::PathBuf>> {
    let mut files = home::files(folder)?;
    files.truncate(count);
    Ok(files)
}

/// Tells the server where PostgreSQL is.
const DATABASE_VARIABLE: &str = "SEALMILL_LOADTEST_DATABASE";
