//! pyHanko on the same PDFs with the same key: what else one could use.

use crate::key::{PASSWORD, SigningKey};
use crate::limit::{cores, on_threads};
use crate::report::PeerRun;
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Signs these files into `to`, with one process on each core; the time each takes for its share counts, without the
/// start of python.
pub(crate) fn run(files: &[PathBuf], to: &Path, key: &SigningKey) -> Result<PeerRun> {
    let pkcs12 = to.join("seal.p12");
    std::fs::write(&pkcs12, key.pkcs12())?;
    let shares: Vec<_> = files.chunks(files.len().div_ceil(cores()).max(1)).collect();
    let seconds =
        on_threads(shares.len(), |number| testkit::judge::pyhanko_sign(shares[number], to, &pkcs12, PASSWORD))?;
    // Each process signs its share at its own rate.
    let per_second = shares.iter().zip(seconds).map(|(share, seconds)| share.len() as f64 / seconds).sum();
    Ok(PeerRun { documents: files.len(), processes: shares.len(), per_second })
}
