//! When an authority may be asked: a breaker that leaves it alone after failures, and a pace that it is not asked faster
//! than. Pure: time is an argument.

use std::time::Duration;
use tokio::time::Instant;

/// How long an authority is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// So many failures in a row open the breaker.
    pub failures_max: u32,
    /// The first rest; doubled with each further failure.
    pub first: Duration,
    /// The longest rest.
    pub most: Duration,
}

impl Default for Rest {
    fn default() -> Self {
        Self { failures_max: 3, first: Duration::from_secs(5), most: Duration::from_secs(120) }
    }
}

/// Closed: everybody may ask. Open: nobody. Half open, after a rest: one may, and the answer decides.
#[derive(Debug)]
pub(super) struct Breaker {
    rest: Rest,
    failures_in_a_row: u32,
    open_until: Option<Instant>,
    probing: bool,
}

/// How a question ended, seen by the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answered, whatever it said about this request.
    Alive,
    /// It failed.
    Failed,
    /// It failed in a way that the next request will not change, or it asked to be left alone for so long.
    LeaveAlone(Option<Duration>),
    /// Nobody waited for the answer.
    Unknown,
}

impl Breaker {
    pub(super) fn new(rest: Rest) -> Self {
        Self { rest, failures_in_a_row: 0, open_until: None, probing: false }
    }

    /// Whether it may be asked now; if so, [`Breaker::ended`] must follow. The error says how long it rests still.
    pub(super) fn enter(&mut self, now: Instant) -> Result<(), Duration> {
        match self.open_until {
            None => Ok(()),
            Some(until) if now < until => Err(until - now),
            Some(_) if self.probing => Err(Duration::ZERO),
            Some(_) => {
                self.probing = true;
                Ok(())
            }
        }
    }

    pub(super) fn ended(&mut self, verdict: Verdict, now: Instant) {
        self.probing = false;
        let wish = match verdict {
            Verdict::Unknown => return,
            Verdict::Alive => {
                (self.failures_in_a_row, self.open_until) = (0, None);
                return;
            }
            Verdict::Failed => None,
            Verdict::LeaveAlone(wish) => {
                self.failures_in_a_row = self.failures_in_a_row.max(self.rest.failures_max.saturating_sub(1));
                wish
            }
        };
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if let Some(doublings) = self.failures_in_a_row.checked_sub(self.rest.failures_max.max(1)) {
            let rest = self.rest.first.saturating_mul(1 << doublings.min(16)).max(wish.unwrap_or_default());
            self.open_until = Some(now + rest.min(self.rest.most));
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }
}

/// Requests in a second, and how many may come at once after a pause.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    burst: u32,
    /// When the next request would be due if all came evenly.
    due: Option<Instant>,
}

impl Pace {
    /// `per_second` of zero: no limit.
    pub(super) fn new(per_second: f64, burst: u32) -> Self {
        let interval =
            if per_second > 0.0 { Duration::from_secs_f64(1.0 / per_second.max(1e-6)) } else { Duration::ZERO };
        Self { interval, burst: burst.max(1), due: None }
    }

    /// How long to wait before the next request; the turn is taken. `None`: longer than `patience`, and no turn is taken.
    pub(super) fn turn(&mut self, now: Instant, patience: Duration) -> Option<Duration> {
        let due = self.due.unwrap_or(now).max(now);
        let credit = self.interval.saturating_mul(self.burst - 1);
        let wait = (due - now).saturating_sub(credit);
        if wait > patience {
            return None;
        }
        self.due = Some(due + self.interval);
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn failures_open_it_one_probe_tries_and_success_closes_it() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(Rest { failures_max: 3, first: SECOND, most: 3 * SECOND });
        for _ in 0..3 {
            assert_eq!(breaker.enter(now), Ok(()));
            assert!(!breaker.is_open());
            breaker.ended(Verdict::Failed, now);
        }
        for rest in [1, 2, 3, 3] {
            assert_eq!(breaker.enter(now), Err(rest * SECOND));
            now += rest * SECOND;
            assert_eq!(breaker.enter(now), Ok(()), "the probe");
            assert_eq!(breaker.enter(now), Err(Duration::ZERO), "one probe at a time");
            breaker.ended(Verdict::Failed, now);
        }
        now += 3 * SECOND;
        assert_eq!(breaker.enter(now), Ok(()));
        breaker.ended(Verdict::Unknown, now);
        assert_eq!(breaker.enter(now), Ok(()), "a probe that nobody waited for leaves its place to another");
        breaker.ended(Verdict::Alive, now);
        assert_eq!((breaker.enter(now), breaker.is_open()), (Ok(()), false));
        breaker.ended(Verdict::Failed, now);
        assert_eq!(breaker.enter(now), Ok(()), "the failures before the success are forgotten");
    }

    #[test]
    fn who_asks_to_be_left_alone_is_left_alone_at_once() {
        let now = Instant::now();
        let mut breaker = Breaker::new(Rest { failures_max: 3, first: SECOND, most: 60 * SECOND });
        breaker.ended(Verdict::LeaveAlone(Some(17 * SECOND)), now);
        assert_eq!(breaker.enter(now), Err(17 * SECOND));
        breaker.ended(Verdict::LeaveAlone(Some(3_600 * SECOND)), now);
        assert_eq!(breaker.enter(now), Err(60 * SECOND), "not for ever");
    }

    #[test]
    fn a_burst_goes_at_once_and_the_rest_evenly() {
        let now = Instant::now();
        let mut pace = Pace::new(2.0, 3);
        let waits: Vec<_> = (0..6).map(|_| pace.turn(now, 10 * SECOND).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(0), Some(0), Some(0), Some(500), Some(1_000), Some(1_500)]);
        assert_eq!(pace.turn(now, SECOND), None, "too long, and no turn is taken");
        assert_eq!(pace.turn(now + 2 * SECOND, SECOND), Some(Duration::ZERO));
        let mut unlimited = Pace::new(0.0, 1);
        assert!((0..1_000).all(|_| unlimited.turn(now, Duration::ZERO) == Some(Duration::ZERO)));
    }
}
