//! Who refers to the objects that later revisions changed. An object may be changed in one role only if it has no other: a
//! picture that is also an appearance, a page that names an object which does not exist yet. One pass over all objects of
//! all revisions, whatever their number.

use super::lexer::{self, Dictionary, Reference};
use super::reader::Document;
use super::revision::{Redefined, Revisions};
use super::unsupported;
use super::xref::Place;
use crate::prepare::FormatError;
use model::limits::{PDF_COMPARED_BYTES_MAX, PDF_REFERRERS_MAX};
use std::collections::HashMap;

/// Who refers to what, before each change.
#[derive(Debug, Default)]
pub(super) struct Referrers {
    /// By revision (from 0) and changed object: who referred to it in the revision before, and how often.
    all: HashMap<(usize, u32), Vec<(u32, u32)>>,
    /// Objects that end behind the revision that defines them: its number and theirs.
    pub(super) outside: Vec<(usize, u32)>,
}

impl Referrers {
    /// Reads all objects of all revisions. `changes`: what each revision defines anew.
    pub(super) fn read(
        document: &mut Document<'_>,
        revisions: &Revisions,
        changes: &[Vec<Redefined>],
    ) -> Result<Self, FormatError> {
        let mut watched: HashMap<u32, Vec<usize>> = HashMap::new();
        for (revision, changed) in changes.iter().enumerate() {
            changed.iter().for_each(|change| watched.entry(change.number).or_default().push(revision));
        }
        let mut found = Self::default();
        let (mut read, mut edges, mut count) = (0usize, 0usize, 0usize);
        for revision in 0..revisions.len() {
            let limit = revisions.all.get(revision).map_or(0, |revision| revision.limit);
            revisions.look_at(document, revision);
            let mut last = None;
            for (place, number) in revisions.defined(document, revision, &mut count)? {
                // An entry that only repeats an earlier revision.
                let changed = changes.get(revision).map_or(&[][..], Vec::as_slice);
                let again = revision > 0 && changed.binary_search_by_key(&number, |change| change.number).is_err();
                if again {
                    continue;
                }
                let object = match place {
                    Place::Offset { offset, generation } => {
                        if last == Some(offset) {
                            // Two numbers at one place: one of them is not there.
                            continue;
                        }
                        last = Some(offset);
                        document.window.object(offset, Some(Reference { number, generation }))
                    }
                    _ => document.object(Reference { number, generation: 0 }),
                };
                // What cannot be read is null for everybody, unless it is changed; then it is looked at again.
                let Ok(object) = object else {
                    if document.is_exhausted() {
                        return Err(too_large());
                    }
                    continue;
                };
                document.window.uncharge(object.value.len());
                read = read.saturating_add(object.value.len());
                if read > PDF_COMPARED_BYTES_MAX {
                    return Err(too_large());
                }
                let is_section = match place {
                    Place::Offset { offset, .. } => {
                        let length = Dictionary::new(&object.value)
                            .filter(|_| object.stream_at.is_some())
                            .and_then(|dictionary| u64::try_from(dictionary.integer("Length")?).ok());
                        let end = object.stream_at.unwrap_or(offset.saturating_add(object.value.len() as u64));
                        let end = end.saturating_add(length.unwrap_or(0));
                        let is_section = object.stream_at.is_some()
                            && Dictionary::new(&object.value)
                                .is_some_and(|dictionary| dictionary.name("Type").as_deref() == Some(b"XRef"));
                        if end > limit && !is_section {
                            found.outside.push((revision, number));
                        }
                        is_section
                    }
                    _ => false,
                };
                if is_section {
                    continue;
                }
                // Until when the object is what it is here.
                let until = watched.get(&number).and_then(|changes| changes.iter().find(|at| **at > revision));
                let until = until.copied().unwrap_or(usize::MAX);
                lexer::each_reference(&object.value, |reference| {
                    let Some(changes) = watched.get(&reference.number) else { return };
                    let first = changes.partition_point(|at| *at <= revision);
                    for at in changes.iter().skip(first).take_while(|at| **at <= until) {
                        let referrers = found.all.entry((*at, reference.number)).or_default();
                        match referrers.last_mut() {
                            Some((known, times)) if *known == number => *times += 1,
                            _ => {
                                edges += 1;
                                referrers.push((number, 1));
                            }
                        }
                    }
                });
                if edges > PDF_REFERRERS_MAX {
                    return Err(too_large());
                }
            }
        }
        Ok(found)
    }

    /// Who referred to an object before this revision changed it, and how often.
    pub(super) fn of(&self, revision: usize, number: u32) -> &[(u32, u32)] {
        self.all.get(&(revision, number)).map_or(&[], Vec::as_slice)
    }

    /// Whether the object was referred to by this one only, and once.
    pub(super) fn is_only(&self, revision: usize, number: u32, referrer: u32) -> bool {
        matches!(self.of(revision, number), [(known, 1)] if *known == referrer)
    }
}

fn too_large() -> FormatError {
    unsupported("it is too large for its revisions to be compared".into())
}
