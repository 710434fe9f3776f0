//! A table that forgets: bounded, shared between threads.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values by keys. What was not asked for since half of the room was filled anew is forgotten.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    room: usize,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Clone, V: Clone> Table<K, V> {
    /// An empty one for so many values.
    pub(crate) fn new(room: usize) -> Self {
        Self { room, generations: Mutex::new(Generations { young: HashMap::new(), old: HashMap::new() }) }
    }

    /// How many values it holds.
    pub(crate) fn len(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut generations = self.lock();
        if let Some(known) = generations.young.get(key) {
            return Some(known.clone());
        }
        let (key, known) = generations.old.remove_entry(key)?;
        generations.insert(self.room, key, known.clone());
        Some(known)
    }

    /// Keeps a value.
    pub(crate) fn insert(&self, key: K, value: V) {
        self.lock().insert(self.room, key, value);
    }

    /// A thread that panicked in here has left the tables whole.
    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, room: usize, key: K, value: V) {
        if self.young.len() >= room / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}
