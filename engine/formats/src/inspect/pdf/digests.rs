//! The digests of what the signatures of one document cover. They cover the same bytes again and again, each up to its own
//! value and from there to the end of its revision: the file is read once for each algorithm, and the digest in progress
//! branches off where a value begins.

use crate::pdf::found::Span;
use crate::prepare::FormatError;
use crate::signature::hash::Running;
use crate::signature::{HashAlgorithm, Unverified};
use crate::source::{Source, each_chunk};
use std::collections::HashMap;
use std::ops::Range;

/// What is read beyond one pass: as often the file's length, and as many bytes for small files.
const BEYOND_FACTOR: u64 = 4;
const BEYOND_BYTES: u64 = 16 * 1024 * 1024;

/// One digest that will be asked for.
pub(super) struct Wanted {
    pub(super) algorithm: HashAlgorithm,
    pub(super) span: Span,
}

/// All digests of one document.
pub(super) struct Digests<'s> {
    source: &'s dyn Source,
    known: HashMap<(HashAlgorithm, u64, u64, u64), Vec<u8>>,
    /// How many bytes may be read beyond one pass.
    left: u64,
}

impl<'s> Digests<'s> {
    pub(super) fn read(source: &'s dyn Source, wanted: &[Wanted]) -> Result<Self, FormatError> {
        let left = source.len().saturating_mul(BEYOND_FACTOR).saturating_add(BEYOND_BYTES);
        let mut digests = Self { source, known: HashMap::new(), left };
        let mut algorithms: Vec<HashAlgorithm> = Vec::new();
        for wanted in wanted {
            if !algorithms.contains(&wanted.algorithm) {
                algorithms.push(wanted.algorithm);
            }
        }
        for algorithm in algorithms {
            let mut spans: Vec<&Span> =
                wanted.iter().filter(|wanted| wanted.algorithm == algorithm).map(|wanted| &wanted.span).collect();
            spans.sort_by_key(|span| span.contents.start);
            // What this library does not compute is told when it is asked for.
            let Ok(mut running) = algorithm.start() else { continue };
            let mut at = 0;
            for span in spans {
                update(&mut running, source, at..span.contents.start)?;
                at = span.contents.start;
                let mut branch = running.clone();
                digests.finish(&mut branch, algorithm, span)?;
            }
        }
        Ok(digests)
    }

    /// The digest of what is covered. `None`: it takes too long, or nobody here computes it.
    pub(super) fn of(&mut self, algorithm: HashAlgorithm, span: &Span) -> Result<Option<Vec<u8>>, FormatError> {
        let key = key(algorithm, span);
        if let Some(digest) = self.known.get(&key) {
            return Ok(Some(digest.clone()));
        }
        let before = span.contents.start;
        let Ok(mut running) = algorithm.start() else { return Ok(None) };
        if before > self.left {
            return Ok(None);
        }
        self.left -= before;
        update(&mut running, self.source, 0..before)?;
        self.finish(&mut running, algorithm, span)?;
        Ok(self.known.get(&key).cloned())
    }

    fn finish(&mut self, running: &mut Running, algorithm: HashAlgorithm, span: &Span) -> Result<(), FormatError> {
        let rest = span.end.saturating_sub(span.contents.end);
        let key = key(algorithm, span);
        if self.known.contains_key(&key) || rest > self.left {
            return Ok(());
        }
        self.left -= rest;
        update(running, self.source, span.contents.end..span.end)?;
        let digest = running.clone().finish().map_err(failed)?;
        self.known.insert(key, digest);
        Ok(())
    }
}

fn key(algorithm: HashAlgorithm, span: &Span) -> (HashAlgorithm, u64, u64, u64) {
    (algorithm, span.contents.start, span.contents.end, span.end)
}

fn update(running: &mut Running, source: &dyn Source, range: Range<u64>) -> Result<(), FormatError> {
    if range.is_empty() {
        return Ok(());
    }
    each_chunk(source, &range, |chunk| running.update(chunk).map_err(failed))
}

fn failed(error: Unverified) -> FormatError {
    FormatError::setup("digest-algorithm", error.to_string())
}
