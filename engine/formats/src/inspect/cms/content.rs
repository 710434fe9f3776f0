//! What the signatures of a message are over: its own content, documents that came with it, or only digests of them.
//! Every document is read once for all digests that are wanted of it, a piece at a time.

use super::Digests;
use crate::cms::message::Message;
use crate::inspect::Detached;
use crate::prepare::FormatError;
use crate::signature::hash::Running;
use crate::signature::{HashAlgorithm, Unverified};
use crate::source::{Source, SourceError, each_chunk};

/// All that the signatures of one message may be over.
pub(super) struct Contents<'a> {
    candidates: Vec<Candidate<'a>>,
    /// What to call them where none is known by name.
    what: &'static str,
}

/// One thing that may be signed.
struct Candidate<'a> {
    /// For people.
    name: String,
    kind: Kind<'a>,
    known: Vec<(HashAlgorithm, Vec<u8>)>,
}

enum Kind<'a> {
    /// The content of this message, which lies in this document. Its segments are never listed: there may be millions.
    Inside(&'a Message, &'a dyn Source),
    /// A document.
    Document(&'a dyn Source),
    /// These bytes.
    Bytes(Vec<u8>),
    /// Somebody else knows its digests.
    Given(&'a mut Digests<'a>),
    /// Nothing but what is known already.
    Digest,
}

/// The one that a signature is over, as far as can be told.
pub(super) struct Chosen {
    /// Which one.
    pub(super) index: usize,
    /// Its digest by the algorithm that was asked for.
    pub(super) digest: Vec<u8>,
}

impl<'a> Contents<'a> {
    /// The message's own content, or what is there for a detached one.
    pub(super) fn of_message(message: &'a Message, document: &'a dyn Source, detached: &'a [Detached<'a>]) -> Self {
        let candidate = |name: String, kind| Candidate { name, kind, known: Vec::new() };
        let candidates = if message.is_detached() {
            let given = detached.iter().map(|given| match given {
                Detached::Document { name, source } => candidate(format!("file {name}"), Kind::Document(*source)),
                Detached::Digest(algorithm, digest) => Candidate {
                    name: "the document whose digest was given".into(),
                    kind: Kind::Digest,
                    known: vec![(*algorithm, digest.clone())],
                },
            });
            given.collect()
        } else {
            vec![candidate("the content of the message".into(), Kind::Inside(message, document))]
        };
        Self { candidates, what: "the document" }
    }

    /// Something whose digests somebody else knows, unless the message brings its content.
    pub(super) fn given(message: &'a Message, bytes: &'a dyn Source, digests: &'a mut Digests<'a>) -> Self {
        if !message.is_detached() {
            return Self::of_message(message, bytes, &[]);
        }
        let candidate = Candidate { name: "the content".into(), kind: Kind::Given(digests), known: Vec::new() };
        Self { candidates: vec![candidate], what: "the content" }
    }

    /// These bytes: the signature value that a counter-signature is over.
    pub(super) fn bytes(name: String, bytes: Vec<u8>) -> Self {
        Self {
            candidates: vec![Candidate { name, kind: Kind::Bytes(bytes), known: Vec::new() }],
            what: "the signature",
        }
    }

    /// Computes what will be asked for, each document in one pass.
    pub(super) fn prepare(&mut self, wanted: &[HashAlgorithm]) -> Result<(), FormatError> {
        self.candidates.iter_mut().try_for_each(|candidate| candidate.learn(wanted))
    }

    /// The one with this digest; else, if there is only one, that one.
    pub(super) fn choose(&mut self, hash: HashAlgorithm, claimed: &[u8]) -> Result<Option<Chosen>, FormatError> {
        let mut only = None;
        let count = self.candidates.len();
        for (index, candidate) in self.candidates.iter_mut().enumerate() {
            let Some(digest) = candidate.digest(hash)? else { continue };
            if digest == claimed {
                return Ok(Some(Chosen { index, digest }));
            }
            if count == 1 {
                only = Some(Chosen { index, digest });
            }
        }
        Ok(only)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.candidates.len()
    }

    /// What it is called.
    pub(super) fn name(&self, index: Option<usize>) -> String {
        index.and_then(|index| self.candidates.get(index)).map_or_else(|| self.what.into(), |found| found.name.clone())
    }

    /// The digest of one of them. `None`: it is not there, or only its digest by another algorithm.
    pub(super) fn digest(&mut self, index: usize, hash: HashAlgorithm) -> Result<Option<Vec<u8>>, FormatError> {
        match self.candidates.get_mut(index) {
            Some(candidate) => candidate.digest(hash),
            None => Ok(None),
        }
    }

    /// Reads all of one of them. `false`: there is nothing but digests.
    pub(super) fn each(
        &self,
        index: usize,
        mut take: impl FnMut(&[u8]) -> Result<(), FormatError>,
    ) -> Result<bool, FormatError> {
        self.candidates.get(index).map_or(Ok(false), |candidate| candidate.each(&mut take))
    }

    /// Its bytes, at most as many. `None`: there are more, or they are not there.
    pub(super) fn bytes_of(&self, index: usize, max: usize) -> Result<Option<Vec<u8>>, FormatError> {
        if self.length(index)?.is_none_or(|length| length > max as u64) {
            return Ok(None);
        }
        let mut all = Vec::new();
        let there = self.each(index, |chunk| {
            all.extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(there.then_some(all))
    }

    fn length(&self, index: usize) -> Result<Option<u64>, FormatError> {
        Ok(match self.candidates.get(index).map(|candidate| &candidate.kind) {
            Some(Kind::Inside(message, document)) => {
                let mut length = 0_u64;
                message.content_pieces(*document, None, |_, range| {
                    length = length.saturating_add(range.end.saturating_sub(range.start));
                    Ok(())
                })?;
                Some(length)
            }
            Some(Kind::Document(source)) => Some(source.len()),
            Some(Kind::Bytes(bytes)) => Some(bytes.len() as u64),
            _ => None,
        })
    }
}

impl Candidate<'_> {
    /// Reads all of it. `false`: there is nothing but digests.
    fn each(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), FormatError>) -> Result<bool, FormatError> {
        match &self.kind {
            Kind::Inside(message, document) => {
                message.content_pieces(*document, None, |source, range| each_chunk(source, &range, &mut *take))?;
                Ok(true)
            }
            Kind::Document(source) => each_chunk(*source, &(0..source.len()), take).map(|()| true),
            Kind::Bytes(bytes) => take(bytes).map(|()| true),
            Kind::Given(_) | Kind::Digest => Ok(false),
        }
    }

    fn digest(&mut self, hash: HashAlgorithm) -> Result<Option<Vec<u8>>, FormatError> {
        self.learn(&[hash])?;
        Ok(self.known.iter().find(|(known, _)| *known == hash).map(|(_, digest)| digest.clone()))
    }

    fn learn(&mut self, wanted: &[HashAlgorithm]) -> Result<(), FormatError> {
        let mut missing: Vec<HashAlgorithm> = Vec::new();
        for hash in wanted {
            if !self.known.iter().any(|(known, _)| known == hash) && !missing.contains(hash) {
                missing.push(*hash);
            }
        }
        if let Kind::Given(digests) = &mut self.kind {
            for hash in missing {
                if let Some(digest) = digests(hash)? {
                    self.known.push((hash, digest));
                }
            }
            return Ok(());
        }
        // What the library of this machine does not offer stays unknown.
        let started = missing.into_iter().filter_map(|hash| Some((hash, hash.start().ok()?)));
        let mut running: Vec<(HashAlgorithm, Running)> = started.collect();
        if running.is_empty() {
            return Ok(());
        }
        let read = self.each(&mut |chunk| {
            running.iter_mut().try_for_each(|(_, running)| running.update(chunk)).map_err(library)
        })?;
        if read {
            for (hash, running) in running {
                self.known.push((hash, running.finish().map_err(library)?));
            }
        }
        Ok(())
    }
}

/// The cryptographic library of this machine refuses a digest: nothing that the file could help.
fn library(error: Unverified) -> FormatError {
    FormatError::Source(SourceError(std::io::Error::other(error.to_string())))
}
