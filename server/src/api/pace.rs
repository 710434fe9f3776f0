//! How slow a client may be: waiting for her is forgiven for a while, and what she sends or takes pays it back.

use std::time::Duration;

/// What is forgiven.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// So much waiting in one go.
    pub grace: Duration,
    /// So many bytes pay for a second of waiting.
    pub bytes_per_second: u64,
}

/// The account of one direction of one connection.
#[derive(Clone, Debug)]
pub struct Account {
    pace: Pace,
    debt: Duration,
}

impl Account {
    /// Nothing is owed.
    pub fn new(pace: Pace) -> Self {
        Self { pace, debt: Duration::ZERO }
    }

    /// How long may be waited now.
    pub fn left(&self) -> Duration {
        self.pace.grace.saturating_sub(self.debt)
    }

    /// So long was waited.
    pub fn waited(&mut self, time: Duration) {
        self.debt = self.debt.saturating_add(time);
    }

    /// So many bytes came or went. Nothing is saved up for later.
    pub fn moved(&mut self, bytes: usize) {
        let micros = (bytes as u64).saturating_mul(1_000_000) / self.pace.bytes_per_second.max(1);
        self.debt = self.debt.saturating_sub(Duration::from_micros(micros));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account::new(Pace { grace: Duration::from_secs(10), bytes_per_second: 1_000 })
    }

    #[test]
    fn a_steady_client_may_go_on_for_ever() {
        let mut steady = account();
        for _ in 0..100_000 {
            steady.waited(Duration::from_secs(1));
            assert!(steady.left() > Duration::ZERO);
            steady.moved(1_000);
        }
    }

    #[test]
    fn a_client_of_one_byte_a_second_ends_after_the_grace() {
        let mut slow = account();
        let seconds = (0..).take_while(|_| {
            slow.waited(Duration::from_secs(1));
            slow.moved(1);
            slow.left() > Duration::ZERO
        });
        assert_eq!(seconds.count(), 10);
    }

    #[test]
    fn a_fast_start_buys_no_rest_later() {
        let mut fast = account();
        fast.moved(1_000_000_000);
        fast.waited(Duration::from_secs(10));
        assert_eq!(fast.left(), Duration::ZERO);
    }
}
