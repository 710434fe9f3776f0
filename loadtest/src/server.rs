//! Runs the real server as a child process on a home, from its start to its last result, and watches it from outside.

use crate::home::Home;
use crate::metrics::Samples;
use crate::process;
use crate::report::ServerRun;
use anyhow::{Context, Result, bail};
use rustix::fs::inotify;
use rustix::process::{Pid, Signal, kill_process, setpriority_process};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The server's program: `SEALMILL_BIN`, or the one beside this program.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("SEALMILL_BIN") {
        return Ok(chosen.into());
    }
    let beside = std::env::current_exe()?.with_file_name("sealmill");
    if !beside.exists() {
        bail!(
            "{} is not there: build it with `cargo build --release -p server -p loadtest`, or name it in SEALMILL_BIN",
            beside.display()
        );
    }
    Ok(beside)
}

/// Lets the server sign what lies in the home's `in/`, and ends it.
pub(crate) fn run(
    program: &Path,
    home: &Home,
    documents: usize,
    environment: Option<(&str, String)>,
) -> Result<ServerRun> {
    for folder in [home.output(), home.error()] {
        std::fs::create_dir_all(folder)?;
    }
    let claims = Moves::watch(&home.input(), inotify::WatchFlags::MOVED_FROM)?;
    let results = Moves::watch(&home.output(), inotify::WatchFlags::MOVED_TO)?;
    let rejections = Moves::watch(&home.error(), inotify::WatchFlags::MOVED_TO)?;

    let started = Instant::now();
    let mut child = Running::start(program, &home.configuration(), home.log(), environment)?;
    let process = child.id();
    // Both sides of the first claim, since the processor time is asked for a moment later.
    while claims.count()? == 0 {
        child.check(started.elapsed() < PATIENCE)?;
        pause(CLAIM_LOOK);
    }
    let (first_claim, cpu_before) = (Instant::now(), process::cpu_seconds(process)?);

    let (mut done, mut quiet_since) = (0, Instant::now());
    let mut scraped = Instant::now();
    let mut samples = Samples::default();
    while done < documents {
        let moved = results.count()?;
        if rejections.count()? > 0 {
            bail!("the server rejected a document; see {} (use --keep)", home.error().display());
        }
        if moved > 0 {
            (done, quiet_since) = (done + moved, Instant::now());
        }
        child.check(quiet_since.elapsed() < PATIENCE)?;
        if scraped.elapsed() > SCRAPE {
            scraped = Instant::now();
            samples = Samples::fetch(home.metrics()).unwrap_or(samples);
        }
        if done < documents {
            pause(RESULT_LOOK);
        }
    }
    let (seconds, cpu_after) = (first_claim.elapsed().as_secs_f64(), process::cpu_seconds(process)?);
    let samples = Samples::fetch(home.metrics())?;
    let peak_mebibytes = process::peak_mebibytes(process);
    child.end()?;

    let count = documents as f64;
    let stages = samples.by_label("sealmill_stage_cpu_nanoseconds_total", "stage");
    Ok(ServerRun {
        startup_seconds: (first_claim - started).as_secs_f64(),
        seconds,
        per_second: count / seconds,
        cpu_micros: (cpu_after - cpu_before) * 1e6 / count,
        stage_cpu_micros: stages.into_iter().map(|(stage, nanos)| (stage, nanos / 1e3 / count)).collect(),
        signatures: samples.by_label("sealmill_token_signatures_total", "token"),
        peak_mebibytes,
    })
}

/// Counts files that are moved out of or into a folder, without listing it.
struct Moves(OwnedFd);

impl Moves {
    fn watch(folder: &Path, moves: inotify::WatchFlags) -> Result<Self> {
        let watcher = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        inotify::add_watch(&watcher, folder, moves).with_context(|| format!("watch {}", folder.display()))?;
        Ok(Self(watcher))
    }

    /// Moves since the last look; the server's probes of its folders do not count, nor do evidence records, which arrive
    /// before their results.
    fn count(&self) -> Result<usize> {
        let mut buffer = [MaybeUninit::uninit(); 64 * 1024];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut count = 0;
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(inotify::ReadFlags::QUEUE_OVERFLOW) => {
                    bail!("the kernel dropped events; the count of results is not known");
                }
                Ok(event) => {
                    let counts = |name: &[u8]| !name.starts_with(b".") && !name.ends_with(b".ers");
                    count += usize::from(event.file_name().is_some_and(|name| counts(name.to_bytes())));
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(count),
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

/// The server; ended if a run stops half-way.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; what it says goes to `log`.
    pub(crate) fn start(
        program: &Path,
        configuration: &Path,
        log: PathBuf,
        environment: Option<(&str, String)>,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("--log").arg("warn").arg("serve").arg("--config").arg(configuration).envs(environment);
        let file = std::fs::File::create(&log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("start {}", program.display()))?;
        Ok(Self { child, log })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets this program go before it on the processors that they share: threads that it starts from now on inherit that.
    pub(crate) fn stand_back(&self) -> Result<()> {
        Ok(setpriority_process(Some(Pid::from_child(&self.child)), NICE)?)
    }

    /// An error if it has ended, or if the caller's patience has.
    pub(crate) fn check(&mut self, patient: bool) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the server ended with {status}: {}", self.last_words());
        }
        if !patient {
            bail!("the server did nothing for {} s: {}", PATIENCE.as_secs(), self.last_words());
        }
        Ok(())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) fn end(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the server ended with {status}: {}", self.last_words());
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn pause(duration: Duration) {
    std::thread::park_timeout(duration);
}

const NICE: i32 = 10;
const CLAIM_LOOK: Duration = Duration::from_millis(1);
const RESULT_LOOK: Duration = Duration::from_millis(10);
const SCRAPE: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moves_are_counted_once_and_hidden_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::create_dir(&from).unwrap();
        std::fs::create_dir(&to).unwrap();
        let (left, arrived) = (
            Moves::watch(&from, inotify::WatchFlags::MOVED_FROM).unwrap(),
            Moves::watch(&to, inotify::WatchFlags::MOVED_TO).unwrap(),
        );
        for name in ["a", "b", ".hidden"] {
            std::fs::write(from.join(name), name).unwrap();
            std::fs::rename(from.join(name), to.join(name)).unwrap();
        }
        assert_eq!((left.count().unwrap(), arrived.count().unwrap()), (2, 2));
        assert_eq!((left.count().unwrap(), arrived.count().unwrap()), (0, 0));
    }
}
