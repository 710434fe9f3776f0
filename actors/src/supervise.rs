//! What happens after something went wrong: one table, pure, with no timer of its own.
//!
//! The owners (token actors, directory actors) ask [`Supervision::after`] and carry the answer out; this file never
//! starts or stops anything.

use std::collections::VecDeque;
use std::time::Duration;
use token::Fault;

/// What the owner of a token does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Keep the session, nothing is broken.
    Keep,
    /// Open a new session (logging in again with the verified PIN if the token asks for it) after this long.
    Restart(Duration),
    /// The token is gone: wait until the same serial number is there again.
    AwaitToken,
    /// Take it out until an operator acts.
    AwaitOperator(&'static str),
}

/// Why a worker thread ended.
#[derive(Debug)]
pub enum Exit {
    /// It was asked to.
    Asked,
    /// A fault that ends a session.
    Fault(Fault),
    /// It panicked.
    Panicked,
    /// It did not come back from the module in time and was given up.
    Stuck,
}

/// The memory of one token's troubles.
#[derive(Debug)]
pub struct Supervision {
    failures_in_a_row: u32,
    device_faults_micros: VecDeque<i64>,
    back_off_first: Duration,
    back_off_max: Duration,
}

impl Default for Supervision {
    /// Waits of 1, 2, 4 … 600 seconds.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(600))
    }
}

impl Supervision {
    /// A token without troubles yet; the first wait and the longest.
    pub fn new(back_off_first: Duration, back_off_max: Duration) -> Self {
        Self { failures_in_a_row: 0, device_faults_micros: VecDeque::new(), back_off_first, back_off_max }
    }

    /// Chooses the action for an exit. `now_micros` is the time of the exit on any steady scale.
    pub fn after(&mut self, exit: &Exit, now_micros: i64) -> Action {
        match exit {
            Exit::Asked => Action::Keep,
            Exit::Stuck | Exit::Panicked => Action::Restart(self.back_off()),
            Exit::Fault(Fault::Request(_)) => Action::Keep,
            Exit::Fault(Fault::Absent) => Action::AwaitToken,
            Exit::Fault(Fault::LoginRefused(_)) => Action::AwaitOperator("the token refused a login"),
            Exit::Fault(Fault::SessionLost(_) | Fault::HostGone(_)) => Action::Restart(self.back_off()),
            Exit::Fault(Fault::Device(_)) => self.device_fault(now_micros),
        }
    }

    /// A signature succeeded: the next trouble is a first one again.
    pub fn succeeded(&mut self) {
        self.failures_in_a_row = 0;
    }

    /// An operator has looked at the token: nothing of before counts.
    pub fn forgive(&mut self) {
        self.failures_in_a_row = 0;
        self.device_faults_micros.clear();
    }

    /// Counts a device fault: a session that fails five times in ten minutes is not restarted for ever.
    pub fn device_fault(&mut self, now_micros: i64) -> Action {
        let window_start = now_micros - DEVICE_FAULT_WINDOW.as_micros() as i64;
        self.device_faults_micros.retain(|at| *at >= window_start);
        self.device_faults_micros.push_back(now_micros);
        if self.device_faults_micros.len() >= DEVICE_FAULTS_MAX {
            return Action::AwaitOperator("the token reported five device faults in ten minutes");
        }
        Action::Restart(self.back_off())
    }

    /// The next wait, twice the last one up to the longest.
    pub fn back_off(&mut self) -> Duration {
        let wait = self.back_off_first.saturating_mul(1 << self.failures_in_a_row.min(16)).min(self.back_off_max);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        wait
    }
}

const DEVICE_FAULT_WINDOW: Duration = Duration::from_secs(600);
const DEVICE_FAULTS_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_ten_minutes_and_forgets_after_success() {
        let mut supervision = Supervision::default();
        let waits: Vec<u64> = (0..12).map(|_| supervision.back_off().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        supervision.succeeded();
        assert_eq!(supervision.back_off().as_secs(), 1);
    }

    #[test]
    fn five_device_faults_in_ten_minutes_need_an_operator() {
        let mut supervision = Supervision::default();
        for minute in 0..4 {
            let action = supervision.device_fault(minute * 60_000_000);
            assert!(matches!(action, Action::Restart(_)), "{action:?}");
        }
        assert!(matches!(supervision.device_fault(240_000_000), Action::AwaitOperator(_)));
        // An hour later the old ones no longer count.
        assert!(matches!(supervision.device_fault(3_840_000_000), Action::Restart(_)));
        for second in 0..4 {
            supervision.device_fault(3_840_000_000 + second);
        }
        supervision.forgive();
        assert_eq!(supervision.device_fault(3_840_000_010), Action::Restart(Duration::from_secs(1)));
    }

    #[test]
    fn an_absent_token_is_awaited_and_a_refused_request_breaks_nothing() {
        let mut supervision = Supervision::default();
        assert_eq!(supervision.after(&Exit::Fault(Fault::Absent), 0), Action::AwaitToken);
        assert_eq!(supervision.after(&Exit::Asked, 0), Action::Keep);
    }
}
