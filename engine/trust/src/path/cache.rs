//! Remembers which signatures of certificates, CRLs and OCSP answers were checked with which key, so that thousands of
//! documents of one signer cost one check.

use crate::memory::Table;
use formats::inspect::ObjectId;
use formats::signature::Unverified;
use model::limits::SIGNATURES_REMEMBERED_MAX;
use std::sync::atomic::{AtomicU64, Ordering};

/// The results of signature checks, by the digests of the signed object and of the key. Shared between threads; bounded:
/// what was not asked for since half of it was filled anew is forgotten.
#[derive(Debug)]
pub struct EdgeCache {
    checked: Table<(ObjectId, ObjectId), Result<(), Unverified>>,
    /// How often the library refused a check.
    refusals: AtomicU64,
}

impl Default for EdgeCache {
    fn default() -> Self {
        Self::new()
    }
}

impl EdgeCache {
    /// An empty one.
    pub fn new() -> Self {
        Self { checked: Table::new(SIGNATURES_REMEMBERED_MAX), refusals: AtomicU64::new(0) }
    }

    /// How many results it holds.
    pub fn len(&self) -> usize {
        self.checked.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often the library refused a check: what was found out meanwhile may be other than the bytes say.
    pub(crate) fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Acquire)
    }

    /// The result of a check that was made before.
    pub(crate) fn known(&self, signed: ObjectId, key: ObjectId) -> Option<Result<(), Unverified>> {
        self.checked.get(&(signed, key))
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
        match result {
            Err(Unverified::Library) => _ = self.refusals.fetch_add(1, Ordering::AcqRel),
            _ => self.checked.insert((signed, key), result.clone()),
        }
        result
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
        assert!(cache.len() <= SIGNATURES_REMEMBERED_MAX);
        assert_eq!(cache.known(id(10), id(0)), None, "what nobody asked for is forgotten");
        assert_eq!(cache.refusals(), 2);
    }
}
