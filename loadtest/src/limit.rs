//! The limit: an ideal program that does only what nobody who signs files durably can leave out.
//!
//! For each file: read it, one SHA-256 pass, one raw signature with the same key through the `token` crate, one check
//! of that signature with the public key, write the same bytes to a new file under a temporary name, `fdatasync` it,
//! rename it. No CMS, no PDF, no database, no queue, no hand-over between threads: [`THREADS`] threads (as many as the
//! server has for files) each take the next file and do all of it. The limit rate is files divided by the wall time of
//! that loop; its CPU is the processor time of those threads. The same files, the same disk, the same cores, the same
//! caches as the server: it runs right before and right after it.
//!
//! sealmill does all of this, and besides: two more renames, synced folders, four rows in the store, an audit chain,
//! the signature format itself. So its ratio to the limit is below 1.

use crate::home;
use crate::key::SigningKey;
use crate::report::{LimitCpu, LimitRun};
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Threads of the ideal program: what the server has for reading, hashing and writing.
pub(crate) const THREADS: usize = 8;

/// Cores of this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Runs `work` on so many threads at once; gives their results, or the first error.
pub(crate) fn on_threads<T: Send>(count: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || work(number))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?);
        joined.collect()
    })
}

/// Does the ideal work on every file of `from`, writing into `to`. The copies stay until the home goes: a file system
/// that has just removed thousands of files makes new ones more slowly, and the server comes next.
pub(crate) fn run(from: &Path, to: &Path, key: &SigningKey) -> Result<LimitRun> {
    let files = home::files(from)?;
    let next = AtomicUsize::new(0);
    let public_key = key.public_key()?;
    let started = Instant::now();
    let parts = on_threads(THREADS, |_| {
        let mut session = key.session()?;
        let (mut bytes, mut cpu) = (Vec::new(), LimitCpu::default());
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = path.file_name().context("a file has a name")?;
            let mut clock = Lap::start();
            bytes.clear();
            File::open(path)?.read_to_end(&mut bytes)?;
            cpu.copy += clock.lap();
            let to_be_signed = key.to_be_signed(&bytes);
            cpu.sha256 += clock.lap();
            let value = session.sign(key.key(), &to_be_signed)?;
            cpu.sign += clock.lap();
            public_key.verify(&to_be_signed, &value)?;
            cpu.verify += clock.lap();
            let part = to.join(name).with_added_extension("part");
            let mut file = OpenOptions::new().write(true).create_new(true).open(&part)?;
            file.write_all(&bytes)?;
            file.sync_data()?;
            std::fs::rename(&part, to.join(name))?;
            cpu.copy += clock.lap();
        }
        Ok(cpu)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let count = files.len() as f64;
    let cpu = parts.iter().fold(LimitCpu::default(), |sum, part| sum + *part) / count;
    Ok(LimitRun { per_second: count / seconds, seconds, cpu_micros: cpu })
}

/// Processor time of this thread since the last look, in microseconds.
pub(crate) struct Lap(f64);

impl Lap {
    pub(crate) fn start() -> Self {
        Self(Self::now())
    }

    pub(crate) fn lap(&mut self) -> f64 {
        let now = Self::now();
        let passed = now - self.0;
        self.0 = now;
        passed
    }

    fn now() -> f64 {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::key::SigningKey;
    use clap::Parser;

    #[test]
    fn the_ideal_program_handles_every_file_and_leaves_the_sources() {
        for key in ["p256", "ed25519"] {
            let crate::Door::Directory(arguments) =
                crate::Arguments::parse_from(["loadtest", "directory", "--key", key]).door
            else {
                unreachable!("another door")
            };
            let key = SigningKey::make(&arguments).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let (from, to) = (folder.path().join("from"), folder.path().join("to"));
            std::fs::create_dir(&from).unwrap();
            std::fs::create_dir(&to).unwrap();
            crate::documents::make(&from, 30, 10_000, crate::Content::Random).unwrap();
            let run = run(&from, &to, &key).unwrap();
            assert_eq!(home::files(&from).unwrap().len(), 30);
            let copies = home::files(&to).unwrap();
            assert_eq!(copies.len(), 30);
            assert!(copies.iter().all(|copy| copy.extension().is_some_and(|kind| kind == "bin")));
            let LimitCpu { sign, sha256, verify, copy } = run.cpu_micros;
            assert!([sign, sha256, verify, copy, run.per_second].into_iter().all(|part| part > 0.0), "{run:?}");
            assert!((run.per_second * run.seconds - 30.0).abs() < 1e-6);
        }
    }

    #[test]
    fn an_error_on_one_thread_is_the_result() {
        let result = on_threads(3, |number| if number == 1 { Err(anyhow::anyhow!("one")) } else { Ok(()) });
        assert_eq!(result.unwrap_err().to_string(), "one");
    }
}
