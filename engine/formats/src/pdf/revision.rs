//! The revisions of a document: which cross-reference sections make each of them, where a signed part ends, and which
//! objects a revision defines anew (ISO 32000-1 7.5.6). Compares no content.

use super::lexer;
use super::reader::Document;
use super::unsupported;
use super::xref::Place;
use crate::prepare::FormatError;
use crate::source::Source;
use model::limits::PDF_COMPARED_OBJECTS_MAX;
use std::collections::HashMap;
use std::ops::Range;

/// How far before the end of a revision its `startxref` is looked for.
const TAIL_BYTES: u64 = 1024;

/// One revision.
#[derive(Debug)]
pub(super) struct Revision {
    /// Its sections, counted from the newest one of the file.
    pub(super) sections: Range<usize>,
    /// Where its last section begins: everything that it defines lies before.
    pub(super) limit: u64,
}

/// All revisions, the oldest first.
#[derive(Debug)]
pub(super) struct Revisions {
    pub(super) all: Vec<Revision>,
}

/// What a revision defines anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Redefined {
    pub(super) number: u32,
    /// Where the object was before.
    pub(super) old: Place,
    /// Where it is since.
    pub(super) new: Place,
}

/// The end of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The offset after `startxref`.
    pub(super) start: u64,
}

impl Revisions {
    /// Groups the sections. A section belongs to the revision of the section that it follows if it lies before that, as in
    /// linearized files, unless a signed part of the file ends with that section: `ends` are the offsets after
    /// `startxref` of those.
    pub(super) fn of(document: &Document<'_>, ends: &[u64]) -> Self {
        let mut all: Vec<Revision> = Vec::new();
        let positions: Vec<u64> = document.chain.positions().collect();
        let mut closed = true;
        for (section, &position) in positions.iter().enumerate().rev() {
            match all.last_mut() {
                Some(revision) if !closed && position < revision.limit => revision.sections.start = section,
                _ => all.push(Revision { sections: section..section + 1, limit: position }),
            }
            closed = ends.contains(&position);
        }
        Self { all }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The revision (from 0) whose newest section is at this offset.
    pub(super) fn starting_at(&self, document: &Document<'_>, start: u64) -> Option<usize> {
        let positions: Vec<u64> = document.chain.positions().collect();
        self.all.iter().position(|revision| positions.get(revision.sections.start) == Some(&start))
    }

    /// From now on the document is what it was in this revision.
    pub(super) fn look_at(&self, document: &mut Document<'_>, revision: usize) {
        document.chain.look_from(self.all.get(revision).map_or(0, |revision| revision.sections.start));
    }

    /// From now on the document is what it is.
    pub(super) fn look_at_last(document: &mut Document<'_>) {
        document.chain.look_from(0);
    }

    /// What each revision defines anew, the first one defines nothing anew. Objects that stay where they were are left
    /// out, though the section mentions them again.
    pub(super) fn redefined(&self, document: &mut Document<'_>) -> Result<Vec<Vec<Redefined>>, FormatError> {
        let mut places: HashMap<u32, Place> = HashMap::new();
        let mut all = vec![Vec::new()];
        let mut count = 0usize;
        let Some(first) = self.all.first() else { return Ok(all) };
        for revision in self.all.iter().skip(1) {
            let mut found = Vec::new();
            for number in mentioned(document, revision, &mut count)? {
                let at = document.chain.find_within(&document.window, revision.sections.clone(), number)?;
                let Some(new) = at else { continue };
                let old = match places.get(&number) {
                    Some(place) => *place,
                    None => {
                        let base = document.chain.find_within(&document.window, first.sections.clone(), number)?;
                        base.unwrap_or(Place::Free)
                    }
                };
                places.insert(number, new);
                if old != new {
                    found.push(Redefined { number, old, new });
                }
            }
            all.push(found);
        }
        Ok(all)
    }

    /// The numbers that a revision mentions and where it says that they are, sorted by place.
    pub(super) fn defined(
        &self,
        document: &mut Document<'_>,
        revision: usize,
        count: &mut usize,
    ) -> Result<Vec<(Place, u32)>, FormatError> {
        let Some(revision) = self.all.get(revision) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for number in mentioned(document, revision, count)? {
            match document.chain.find_within(&document.window, revision.sections.clone(), number)? {
                None | Some(Place::Free) => {}
                Some(place) => found.push((place, number)),
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

/// The numbers that the sections of a revision mention, sorted, each once. `count`: of all so far.
fn mentioned(document: &Document<'_>, revision: &Revision, count: &mut usize) -> Result<Vec<u32>, FormatError> {
    let runs: Vec<(u32, u32)> =
        revision.sections.clone().flat_map(|section| document.chain.mentioned(section)).collect();
    let of_revision: usize = runs.iter().map(|(_, count)| *count as usize).fold(0, usize::saturating_add);
    *count = count.saturating_add(of_revision);
    if *count > PDF_COMPARED_OBJECTS_MAX {
        let sentence = format!("its revisions mention more than {PDF_COMPARED_OBJECTS_MAX} objects");
        return Err(unsupported(sentence));
    }
    let mut numbers: Vec<u32> =
        runs.into_iter().flat_map(|(first, count)| first..first.saturating_add(count)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// What ends at this offset of the file, if it is a revision: `startxref`, a number, `%%EOF`, at most one line end.
pub(super) fn end_at(source: &dyn Source, end: u64) -> Result<Option<End>, FormatError> {
    let tail = tail(source, end)?;
    let text = tail.strip_suffix(b"\r\n").or_else(|| tail.strip_suffix(b"\n")).or_else(|| tail.strip_suffix(b"\r"));
    Ok(text.unwrap_or(&tail).strip_suffix(b"%%EOF").and_then(start_before))
}

/// The same at the end of the file, where blanks and zeros may follow.
pub(super) fn last_end(source: &dyn Source) -> Result<(u64, bool), FormatError> {
    let length = source.len();
    let mut end = length;
    // Behind the last end of file: only what fills up, or something else.
    loop {
        let tail = tail(source, end)?;
        let kept = tail.iter().rposition(|byte| !is_filling(*byte)).map_or(0, |at| at + 1);
        if kept > 0 {
            let whole = tail.get(..kept).unwrap_or_default();
            return Ok((end - (tail.len() - kept) as u64, whole.ends_with(b"%%EOF")));
        }
        end -= tail.len() as u64;
        if end == 0 {
            return Ok((0, false));
        }
    }
}

fn is_filling(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0c | 0)
}

fn tail(source: &dyn Source, end: u64) -> Result<Vec<u8>, FormatError> {
    let length = end.min(TAIL_BYTES);
    let mut tail = vec![0; length as usize];
    source.read_exact_at(end - length, &mut tail)?;
    Ok(tail)
}

/// The number between the last `startxref` and the end of these bytes, if nothing else is there.
fn start_before(bytes: &[u8]) -> Option<End> {
    let at = bytes.windows(9).rposition(|window| window == b"startxref")?;
    let (start, end) = lexer::unsigned(bytes, at + 9)?;
    (lexer::skip_blank(bytes, end) == bytes.len()).then_some(End { start })
}
