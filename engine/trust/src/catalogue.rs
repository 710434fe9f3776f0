//! The algorithm catalogue: until when a digest, and a scheme with a key of some length, is suitable. Reads the text of
//! `config/algorithms.toml`; which catalogue of it counts is the policy's choice. They disagree and are never merged.

use crate::algorithm::{HASHES, Scheme, hash_name};
use crate::policy::BadPolicy;
use formats::signature::{HashAlgorithm, Method};
use model::Time;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The shipped catalogues.
pub const SHIPPED: &str = include_str!("../../../config/algorithms.toml");

/// One catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What it is and where it comes from, for people.
    pub title: String,
    digests: BTreeMap<&'static str, Suitable>,
    /// For each scheme: the least length of a key, and until when keys from that length on are suitable; ascending.
    keys: BTreeMap<&'static str, Vec<(u32, Suitable)>>,
}

/// Until when something is suitable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suitable {
    /// No end is known.
    Open,
    /// This is the first moment at which it is not.
    Until(Time),
    /// The catalogue does not know it.
    Never,
}

impl Suitable {
    /// Whether it is suitable at this moment.
    pub fn at(self, time: Time) -> bool {
        match self {
            Self::Open => true,
            Self::Until(end) => time < end,
            Self::Never => false,
        }
    }

    /// The earlier end.
    #[must_use]
    pub fn and(self, other: Suitable) -> Suitable {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Open, end) | (end, Self::Open) => end,
            (Self::Until(one), Self::Until(other)) => Self::Until(one.min(other)),
        }
    }

    /// The end: `None` if none is known, the epoch for what was never suitable.
    pub fn end(self) -> Option<Time> {
        match self {
            Self::Open => None,
            Self::Until(end) => Some(end),
            Self::Never => Some(Time::from_seconds(0)),
        }
    }
}

impl Catalogue {
    /// Reads one of the catalogues of a file.
    pub fn read(text: &str, name: &str) -> Result<Self, BadPolicy> {
        let file: BTreeMap<String, Entries> =
            toml::from_str(text).map_err(|error| BadPolicy(format!("the algorithm catalogue: {error}")))?;
        let entries = file.get(name).ok_or_else(|| {
            let known: Vec<&str> = file.keys().map(String::as_str).collect();
            BadPolicy(format!("there is no algorithm catalogue {name:?}; there are {}", known.join(", ")))
        })?;
        let mut digests = BTreeMap::new();
        for digest in &entries.digests {
            let known = HASHES.into_iter().map(hash_name).find(|known| *known == digest.name);
            let known = known.ok_or_else(|| BadPolicy(format!("the digest {:?} is not known", digest.name)))?;
            if digests.insert(known, suitable(digest.until.as_ref())?).is_some() {
                return Err(BadPolicy(format!("the digest {known} is listed twice in {name}")));
            }
        }
        let mut keys: BTreeMap<&'static str, Vec<(u32, Suitable)>> = BTreeMap::new();
        for key in &entries.keys {
            let known = Scheme::ALL.into_iter().map(Scheme::name).find(|known| *known == key.name);
            let known = known.ok_or_else(|| BadPolicy(format!("the scheme {:?} is not known", key.name)))?;
            let list = keys.entry(known).or_default();
            if list.iter().any(|(bits, _)| *bits == key.bits) {
                return Err(BadPolicy(format!("{known} with {} bits is listed twice in {name}", key.bits)));
            }
            list.push((key.bits, suitable(key.until.as_ref())?));
        }
        keys.values_mut().for_each(|list| list.sort_by_key(|(bits, _)| *bits));
        Ok(Self { title: entries.title.clone(), digests, keys })
    }

    /// Until when a digest is suitable.
    pub fn hash(&self, hash: HashAlgorithm) -> Suitable {
        self.digests.get(hash_name(hash)).copied().unwrap_or(Suitable::Never)
    }

    /// Until when a signature value of this method by a key of this length is suitable, its digest included.
    pub fn signature(&self, method: &Method, bits: Option<u32>) -> Suitable {
        let list = self.keys.get(Scheme::of(method).name()).map(Vec::as_slice).unwrap_or_default();
        let bits = bits.unwrap_or_default();
        let key = list.iter().rev().find(|(least, _)| *least <= bits).map_or(Suitable::Never, |(_, until)| *until);
        let hash = method.hash().map_or(Suitable::Open, |hash| self.hash(hash));
        key.and(hash)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    title: String,
    digests: Vec<DigestEntry>,
    keys: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestEntry {
    name: String,
    until: Option<toml::value::Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    name: String,
    bits: u32,
    until: Option<toml::value::Datetime>,
}

/// A date is its midnight in UTC.
fn suitable(until: Option<&toml::value::Datetime>) -> Result<Suitable, BadPolicy> {
    let Some(until) = until else { return Ok(Suitable::Open) };
    let bad = || BadPolicy(format!("{until} is no date, or no time in UTC"));
    let date = until.date.ok_or_else(bad)?;
    let (hour, minute, second) = match (until.time, until.offset) {
        (None, None) => (0, 0, 0),
        (Some(time), Some(toml::value::Offset::Z | toml::value::Offset::Custom { minutes: 0 })) => {
            (time.hour, time.minute, time.second.unwrap_or_default())
        }
        _ => return Err(bad()),
    };
    let time = Time::from_civil(i32::from(date.year), date.month, date.day, hour, minute, second);
    time.map(Suitable::Until).ok_or_else(bad)
}
