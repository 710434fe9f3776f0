//! Tokens of WS-Security that were seen: each counts once.
//!
//! Remembers for as long as a token can be fresh. Only tokens with the right password get in, so strangers cannot fill
//! it; what does not fit is refused, never forgotten. Another server of the same store remembers for itself.

use model::Time;
use openssl::sha::Sha256;
use soap::read::UsernameToken;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What came of remembering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never before.
    New,
    /// Before.
    Again,
    /// It cannot be remembered.
    Full,
}

/// The memory.
#[derive(Default)]
pub struct Replays(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// When `young` began.
    since: Option<Time>,
    young: HashSet<[u8; 32]>,
    old: HashSet<[u8; 32]>,
}

/// How long one generation collects. A token is fresh for the window before and after its time, so two are enough.
const GENERATION: Duration = UsernameToken::WINDOW.saturating_mul(2);

/// Tokens of one generation.
const KEPT_MAX: usize = 500_000;

impl Replays {
    /// Remembers a token of this tenant, if it has a nonce.
    pub fn see(&self, tenant: &str, token: &UsernameToken, now: Time) -> Seen {
        let Some((user, nonce, created)) = token.replay_key() else { return Seen::New };
        let mut hash = Sha256::new();
        for part in [tenant.as_bytes(), user.as_bytes(), &nonce] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(&created.map_or(0, |created| created.0.micros()).to_be_bytes());
        self.remember(hash.finish(), now, KEPT_MAX)
    }

    fn remember(&self, key: [u8; 32], now: Time, kept_max: usize) -> Seen {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *memory.since.get_or_insert(now);
        if now.since(since) >= GENERATION {
            memory.old = std::mem::take(&mut memory.young);
            memory.since = Some(now);
        }
        if memory.young.contains(&key) || memory.old.contains(&key) {
            return Seen::Again;
        }
        if memory.young.len() >= kept_max {
            return Seen::Full;
        }
        memory.young.insert(key);
        Seen::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_000_000 + seconds)
    }

    #[test]
    fn a_token_counts_once_while_it_is_fresh() {
        let replays = Replays::default();
        for start in [0, 599, 600, 1_199, 5_000] {
            let key = [(start % 251) as u8; 32];
            assert_eq!(replays.remember(key, at(start), 10), Seen::New, "{start}");
            for later in [0, 1, 299, 599] {
                assert_eq!(replays.remember(key, at(start + later), 10), Seen::Again, "{start} {later}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_forgotten() {
        let replays = Replays::default();
        for key in 0..3 {
            assert_eq!(replays.remember([key; 32], at(0), 3), Seen::New);
        }
        assert_eq!(replays.remember([9; 32], at(1), 3), Seen::Full);
        assert_eq!(replays.remember([0; 32], at(1), 3), Seen::Again);
        assert_eq!(replays.remember([9; 32], at(1_300), 3), Seen::New);
        assert!(replays.0.lock().is_ok_and(|memory| memory.young.len() + memory.old.len() <= 6));
    }
}
