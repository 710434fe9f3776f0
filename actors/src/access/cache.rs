//! A map of bounded size that forgets what was not asked for lately: two generations, of which the older one is given up when
//! the younger one is full. No clock, no list to keep in order.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Generations<K, V> {
    maps: Mutex<Maps<K, V>>,
    generation_max: usize,
}

struct Maps<K, V> {
    young: HashMap<K, Arc<V>>,
    old: HashMap<K, Arc<V>>,
}

impl<K: Eq + Hash, V: Default> Generations<K, V> {
    /// Keeps `kept_max` at most.
    pub(super) fn new(kept_max: usize) -> Self {
        let maps = Maps { young: HashMap::new(), old: HashMap::new() };
        Self { maps: Mutex::new(maps), generation_max: kept_max.div_ceil(2).max(1) }
    }

    /// The value of this key, if it is there.
    pub(super) fn get(&self, key: &K) -> Option<Arc<V>> {
        let maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        // What is asked for only here grows old like anything else; it is made again then.
        maps.young.get(key).or_else(|| maps.old.get(key)).cloned()
    }

    /// The value of this key, made if it is not there.
    pub(super) fn get_or_make(&self, key: K) -> Arc<V> {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = maps.young.get(&key) {
            return value.clone();
        }
        if maps.young.len() >= self.generation_max {
            maps.old = std::mem::take(&mut maps.young);
        }
        let value = maps.old.remove(&key).unwrap_or_default();
        maps.young.insert(key, value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_number_is_bounded() {
        let kept: Generations<u32, Mutex<u32>> = Generations::new(100);
        *kept.get_or_make(0).lock().unwrap() = 7;
        for key in 1..10_000 {
            kept.get_or_make(key);
            assert_eq!(*kept.get_or_make(0).lock().unwrap(), 7, "forgotten at {key}");
            let maps = kept.maps.lock().unwrap();
            assert!(maps.young.len() + maps.old.len() <= 100);
        }
        *kept.get_or_make(5).lock().unwrap() = 5;
        (100..200).for_each(|key| drop(kept.get_or_make(key)));
        assert_eq!(*kept.get_or_make(5).lock().unwrap(), 0);
    }
}
