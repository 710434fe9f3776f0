//! Keeps the program for old TLS running, if `[api.legacy]` names one: starts it, takes its lines into the log, starts it
//! again when it has ended, and ends it with the server.
//!
//! It is foreign in every other respect. It gets no environment, no open file but three pipes, and nothing that it says
//! is more than a line in the log.

use super::measure;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of one line; the rest is a line of its own.
const LINE_BYTES_MAX: u64 = 4096;

/// The shortest time between two lines. A program that has been taken over must not fill the disk.
const LINE_PAUSE: Duration = Duration::from_millis(10);

/// The first and the longest wait before the program is started again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// So long it has to run for its next failure to count as the first.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// How long it may take to end when it is asked to.
const FAREWELL: Duration = Duration::from_secs(15);

/// How often an ending program is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Its exit code when its configuration cannot be used; starting it again would not help.
const EXIT_SETUP: i32 = 2;

/// What is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
}

/// The running program, and who looks after it.
#[derive(Debug)]
pub struct Legacy {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Ends are asked for, not to be followed by a start.
    ending: bool,
    child: Option<Child>,
}

impl Legacy {
    /// Starts it.
    pub fn start(program: Program) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let keep = Arc::clone(&shared);
        let keeper = std::thread::Builder::new().name("legacy-tls".to_owned()).spawn(move || keep.keep(&program))?;
        Ok(Self { shared, keeper })
    }

    /// Ends it; waits until it has ended. Its open connections have a moment to finish.
    pub async fn end(self) {
        self.shared.tell_to_end();
        let _ = tokio::task::spawn_blocking(move || self.join()).await;
    }

    /// Waits for the keeper, which may wait for lines of a program that does not end.
    fn join(self) {
        let start = Instant::now();
        while !self.keeper.is_finished() {
            let mut state = self.shared.lock();
            if let Some(child) = &mut state.child
                && start.elapsed() >= FAREWELL
            {
                let _ = child.kill(); // it may have ended just now
            }
            drop(self.shared.told.wait_timeout(state, LOOK));
        }
        let _ = self.keeper.join(); // a panic of it ends nothing else
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_to_end(&self) {
        let mut state = self.lock();
        state.ending = true;
        if let Some(child) = &mut state.child {
            drop(child.stdin.take()); // it is told to end when its standard input does
        }
        drop(state);
        self.told.notify_all();
    }

    /// Waits for so long, or until the end is asked for; gives whether it is.
    fn rest(&self, pause: Duration) -> bool {
        let state = self.lock();
        let rested = self.told.wait_timeout_while(state, pause, |state| !state.ending);
        rested.unwrap_or_else(PoisonError::into_inner).0.ending
    }

    fn keep(&self, program: &Program) {
        let mut pause = FIRST_PAUSE;
        loop {
            let start = Instant::now();
            let ended = self.run(program);
            metrics::gauge!(measure::LEGACY_RUNS).set(0.0);
            if self.lock().ending {
                return;
            }
            match ended {
                Ok(status) if status.code() == Some(EXIT_SETUP) => {
                    tracing::error!("old TLS is off: the set-up of sealmill-legacy-tls cannot be used");
                    return;
                }
                Ok(status) => tracing::error!(%status, ?pause, "sealmill-legacy-tls has ended; it is started again"),
                Err(error) => {
                    let path = program.path.display();
                    tracing::error!(%path, %error, ?pause, "sealmill-legacy-tls cannot be started");
                }
            }
            if start.elapsed() >= WELL_AFTER {
                pause = FIRST_PAUSE;
            }
            if self.rest(pause) {
                return;
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// One run, to its end.
    fn run(&self, program: &Program) -> std::io::Result<ExitStatus> {
        let mut command = Command::new(&program.path);
        command.arg("--config").arg(&program.config).arg("--until-stdin-closes");
        // Secrets may stand in the environment of the server.
        command.env_clear().current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut state = self.lock();
        if state.ending {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let mut child = command.spawn()?;
        let lines = child.stderr.take();
        state.child = Some(child);
        drop(state);
        metrics::gauge!(measure::LEGACY_RUNS).set(1.0);
        if let Some(lines) = lines {
            self.log(lines);
        }
        self.wait_end()
    }

    /// Takes its lines into the log until it closes the pipe.
    fn log(&self, lines: ChildStderr) {
        let mut lines = BufReader::new(lines);
        let mut line = Vec::new();
        loop {
            line.clear();
            match lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end().trim_start_matches("sealmill-legacy-tls: ");
            if text.starts_with("WARNING") {
                tracing::warn!(program = "sealmill-legacy-tls", "{}", text.escape_debug());
            } else {
                tracing::info!(program = "sealmill-legacy-tls", "{}", text.escape_debug());
            }
            self.rest(LINE_PAUSE);
        }
    }

    /// Its exit status. Who says nothing more and does not end is ended.
    fn wait_end(&self) -> std::io::Result<ExitStatus> {
        let start = Instant::now();
        let mut state = self.lock();
        let mut child = state.child.take().ok_or(std::io::ErrorKind::NotFound)?;
        drop(child.stdin.take());
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() >= FAREWELL {
                tracing::error!("sealmill-legacy-tls does not end, and is ended");
                child.kill()?;
            }
            let waited = self.told.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
