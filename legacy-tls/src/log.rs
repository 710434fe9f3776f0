//! Lines on standard error, which the server adds to its own log. Strangers can cause lines, so what they cause has a
//! bound.

use std::io::Write;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Lines that connections may cause in a second; the rest is counted.
const LINES_A_SECOND_MAX: u32 = 20;

/// What the operator has to know. If nobody listens any more, that is no reason to fail.
pub(crate) fn line(what: &str) {
    let _ = std::io::stderr().write_all(format!("sealmill-legacy-tls: {what}\n").as_bytes());
}

/// What a connection came to; not always written.
pub(crate) fn connection(what: &str) {
    let mut pace = PACE.lock().unwrap_or_else(PoisonError::into_inner);
    let (before, write) = pace.next(Instant::now());
    drop(pace);
    if before > 0 {
        line(&format!("{before} more lines about connections were not written"));
    }
    if write {
        line(what);
    }
}

static PACE: Mutex<Pace> = Mutex::new(Pace { since: None, written: 0, held_back: 0 });

struct Pace {
    since: Option<Instant>,
    written: u32,
    held_back: u64,
}

impl Pace {
    /// How many lines the second that has ended held back, and whether this one is written.
    fn next(&mut self, now: Instant) -> (u64, bool) {
        let mut before = 0;
        if self.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
            before = std::mem::take(&mut self.held_back);
            self.since = Some(now);
            self.written = 0;
        }
        let write = self.written < LINES_A_SECOND_MAX;
        if write {
            self.written += 1;
        } else {
            self.held_back += 1;
        }
        (before, write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_flood_the_log() {
        let mut pace = Pace { since: None, written: 0, held_back: 0 };
        let start = Instant::now();
        let written = (0..1000).filter(|_| pace.next(start).1).count();
        assert_eq!(written, LINES_A_SECOND_MAX as usize);
        assert_eq!(pace.next(start + Duration::from_secs(1)), (1000 - u64::from(LINES_A_SECOND_MAX), true));
        assert_eq!(pace.next(start + Duration::from_secs(1)), (0, true));
    }
}
