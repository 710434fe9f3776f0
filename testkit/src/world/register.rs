//! What the authorities know about their certificates: good, revoked, on hold, or nothing.
//!
//! No IO, no clock.

use super::authority::Issuer;
use std::collections::{BTreeMap, HashMap};

/// What an authority says about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Issued and not revoked.
    Good,
    /// Revoked.
    Revoked {
        /// Seconds since 1970.
        at: i64,
        /// `CRLReason`, for example 1 keyCompromise, 4 superseded, 6 certificateHold.
        reason: u8,
    },
    /// OCSP answers `unknown`; the CRL does not have it.
    Unknown,
}

/// Revoked certificates of one authority by serial number: moment and reason.
pub(super) type Revoked = BTreeMap<Vec<u8>, (i64, u8)>;

#[derive(Default)]
pub(super) struct Register {
    states: HashMap<(Issuer, Vec<u8>), State>,
    partitions: HashMap<(Issuer, Vec<u8>), usize>,
    /// What the whole lists say while deltas follow them.
    bases: Option<(u64, HashMap<Issuer, Revoked>)>,
    version: u64,
}

impl Register {
    /// Takes in a certificate that was issued.
    pub(super) fn issued(&mut self, issuer: Issuer, serial: Vec<u8>, partition: Option<usize>) {
        if let Some(partition) = partition {
            self.partitions.insert((issuer, serial.clone()), partition);
        }
        self.states.insert((issuer, serial), State::Good);
    }

    pub(super) fn set(&mut self, issuer: Issuer, serial: Vec<u8>, state: State) {
        self.version += 1;
        self.states.insert((issuer, serial), state);
    }

    pub(super) fn state(&self, issuer: Issuer, serial: &[u8]) -> State {
        self.states.get(&(issuer, serial.to_vec())).copied().unwrap_or(State::Unknown)
    }

    /// Grows with each change; also the CRL number.
    pub(super) fn version(&self) -> u64 {
        self.version + 1
    }

    /// From now on the whole lists stay as they are and changes are in the deltas alone; or no longer.
    pub(super) fn freeze(&mut self, freeze: bool) {
        self.version += 1;
        let bases = Issuer::ALL.into_iter().map(|issuer| (issuer, self.now(issuer))).collect();
        self.bases = freeze.then_some((self.version(), bases));
    }

    /// The number of the whole list that deltas refer to.
    pub(super) fn base_number(&self) -> Option<u64> {
        self.bases.as_ref().map(|(number, _)| *number)
    }

    /// The entries of the whole list, or of a partition.
    pub(super) fn whole(&self, issuer: Issuer, partition: Option<usize>) -> Revoked {
        let frozen = self.bases.as_ref().and_then(|(_, bases)| bases.get(&issuer).cloned());
        let mut entries = frozen.unwrap_or_else(|| self.now(issuer));
        if partition.is_some() {
            entries.retain(|serial, _| self.partitions.get(&(issuer, serial.clone())).copied() == partition);
        }
        entries
    }

    /// The entries of the delta: what is new, and with removeFromCRL (8) what is good again.
    pub(super) fn delta(&self, issuer: Issuer) -> Revoked {
        let (base, now) = (self.whole(issuer, None), self.now(issuer));
        let removed = base.iter().filter(|(serial, _)| !now.contains_key(*serial));
        let removed = removed.map(|(serial, (at, _))| (serial.clone(), (*at, 8)));
        let added = now.iter().filter(|(serial, entry)| base.get(*serial) != Some(entry));
        added.map(|(serial, entry)| (serial.clone(), *entry)).chain(removed).collect()
    }

    fn now(&self, issuer: Issuer) -> Revoked {
        let revoked = self.states.iter().filter_map(|((by, serial), state)| match state {
            State::Revoked { at, reason } if *by == issuer => Some((serial.clone(), (*at, *reason))),
            _ => None,
        });
        revoked.collect()
    }
}
