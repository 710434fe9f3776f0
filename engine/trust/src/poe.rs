//! Proofs of existence: since when each object is known to have existed, and what proves it (EN 319 102-1 clause 5.6.2.3).

use crate::report::Proof;
use formats::inspect::ObjectId;
use model::Time;
use std::collections::HashMap;

/// What is proven about the objects of one file. Whatever is in hand exists now.
#[derive(Clone, Debug)]
pub(crate) struct Proofs {
    now: Time,
    earliest: HashMap<ObjectId, (Time, Proof)>,
}

impl Proofs {
    /// Nothing is proven but that everything is here now.
    pub(crate) fn new(now: Time) -> Self {
        Self { now, earliest: HashMap::new() }
    }

    /// Takes note of a proof.
    pub(crate) fn add(&mut self, object: ObjectId, time: Time, proof: Proof) {
        let known = self.earliest.entry(object).or_insert((time, proof));
        if time < known.0 {
            *known = (time, proof);
        }
    }

    /// The earliest moment at which the object is known to have existed.
    pub(crate) fn since(&self, object: ObjectId) -> Time {
        self.proof(object).0
    }

    /// The same, and what proves it.
    pub(crate) fn proof(&self, object: ObjectId) -> (Time, Proof) {
        match self.earliest.get(&object) {
            Some(&(time, proof)) if time <= self.now => (time, proof),
            _ => (self.now, Proof::Now),
        }
    }

    /// Whether the object is known to have existed at or before this moment.
    pub(crate) fn existed(&self, object: ObjectId, at: Time) -> bool {
        self.since(object) <= at
    }
}
