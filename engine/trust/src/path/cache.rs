//! Remembers which signatures of certificates, CRLs and OCSP answers were checked with which key, so that thousands of
//! documents of one signer cost one check.

use formats::inspect::ObjectId;
use formats::signature::Unverified;
use model::limits::SIGNATURES_REMEMBERED_MAX;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Checked = HashMap<(ObjectId, ObjectId), Result<(), Unverified>>;

/// The results of signature checks, by the digests of the signed object and of the key. Shared between threads; bounded:
/// what was not asked for since half of it was filled anew is forgotten.
#[derive(Debug, Default)]
pub struct EdgeCache {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: Checked,
    old: Checked,
}

impl EdgeCache {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many results it holds.
    pub fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The result of a check that was made before.
    pub(crate) fn known(&self, signed: ObjectId, key: ObjectId) -> Option<Result<(), Unverified>> {
        let mut generations = self.lock();
        if let Some(known) = generations.young.get(&(signed, key)) {
            return Some(known.clone());
        }
        let known = generations.old.remove(&(signed, key))?;
        generations.insert(signed, key, known.clone());
        Some(known)
    }

    /// The result of a check, made now unless it is known. Nobody waits for another one's check: at worst two make it.
    pub(crate) fn check(
        &self,
        signed: ObjectId,
        key: ObjectId,
        check: impl FnOnce() -> Result<(), Unverified>,
    ) -> Result<(), Unverified> {
        if let Some(known) = self.known(signed, key) {
            return known;
        }
        let result = check();
        // A refusal of the library is about its state, not about these bytes.
        if result != Err(Unverified::Library) {
            self.lock().insert(signed, key, result.clone());
        }
        result
    }

    /// A thread that panicked in here has left the tables whole.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn insert(&mut self, signed: ObjectId, key: ObjectId, result: Result<(), Unverified>) {
        if self.young.len() >= SIGNATURES_REMEMBERED_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert((signed, key), result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn id(number: u32) -> ObjectId {
        ObjectId::of(&number.to_be_bytes())
    }

    #[test]
    fn a_check_is_made_once_and_the_cache_stays_small() {
        let (cache, checks) = (EdgeCache::new(), Cell::new(0));
        let check = |signed, result: Result<(), Unverified>| {
            cache.check(id(signed), id(0), || {
                checks.set(checks.get() + 1);
                result
            })
        };
        for _ in 0..3 {
            assert_eq!(check(1, Ok(())), Ok(()));
            assert_eq!(check(2, Err(Unverified::BadSignature)), Err(Unverified::BadSignature));
        }
        assert_eq!(checks.get(), 2);
        assert_eq!(cache.known(id(1), id(1)), None, "with another key it is another signature");
        for _ in 0..2 {
            assert_eq!(check(3, Err(Unverified::Library)), Err(Unverified::Library));
        }
        assert_eq!(checks.get(), 4, "what the library refused is tried again");
        for number in 10..2 * SIGNATURES_REMEMBERED_MAX as u32 {
            let _ = check(number, Ok(()));
            assert_eq!(check(1, Err(Unverified::BadSignature)), Ok(()), "what is asked for stays");
        }
        let generations = cache.lock();
        assert!(generations.young.len() + generations.old.len() <= SIGNATURES_REMEMBERED_MAX);
        assert!(!generations.young.contains_key(&(id(10), id(0))) && !generations.old.contains_key(&(id(10), id(0))));
    }
}
