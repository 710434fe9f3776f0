//! A document with all its signatures, each with its place: what it covers, what came later, and whether that was
//! permitted (ISO 32000-2 12.8.2). One signature that breaks the rules never hides another.

use super::catalog;
use super::difference::{self, Change};
use super::fields::{Fields, SignedField};
use super::found::Found;
use super::kept::Kept;
use super::reader::Document;
use super::revision::{self, Revisions};
use super::unsupported;
use crate::inspect::{Coverage, LaterChanges, PdfPlace};
use crate::prepare::FormatError;
use crate::source::Source;
use model::Reason;
use model::limits::{PDF_CHANGES_NAMED_MAX, PDF_SIGNATURES_MAX};
use std::collections::BTreeSet;

/// A signature with its place.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) found: Found,
    pub(crate) place: PdfPlace,
}

/// A document taken apart.
#[derive(Debug, Default)]
pub(crate) struct TakenApart {
    /// In the order of the form; those that are no longer in it at the end.
    pub(crate) signatures: Vec<Judged>,
    pub(crate) kept: Kept,
    pub(crate) notes: Vec<Reason>,
}

/// Takes a document apart.
pub(crate) fn take_apart(source: &dyn Source, password: Option<&str>) -> Result<TakenApart, FormatError> {
    let mut document = Document::open_unfinished(source, password)?;
    let catalog = catalog(&mut document)?;
    let fields = Fields::read(&mut document, &catalog)?;
    let mut apart = TakenApart { notes: notes(&document, &fields), ..TakenApart::default() };
    let mut found = Vec::new();
    for field in &fields.signed {
        check_count(found.len())?;
        found.push((field.clone(), Found::read(&mut document, source, field)?));
    }
    let starts: Vec<u64> = found.iter().filter_map(|(_, found)| found.end).map(|end| end.start).collect();
    let revisions = Revisions::of(&document, &starts);
    let mut all = Vec::new();
    for (field, found) in found {
        let found = in_its_revision(&mut document, source, &revisions, &field, found)?;
        note_once(&mut all, found);
    }
    let several = revisions.len() > 1;
    if several && all.is_empty() {
        for revision in History::UNKNOWN.suspicious(revisions.len()) {
            lost(&mut document, source, &revisions, revision, &mut all, &mut apart.notes)?;
        }
        Revisions::look_at_last(&mut document);
    }
    let history = match several && !all.is_empty() {
        true => History::read(&mut document, &revisions, &fields)?,
        false => History::UNKNOWN,
    };
    if history.has_other() {
        for revision in history.suspicious(revisions.len()) {
            lost(&mut document, source, &revisions, revision, &mut all, &mut apart.notes)?;
        }
    }
    Revisions::look_at_last(&mut document);
    overlaps(&mut all);
    let behind = behind(source)?;
    let places = Places { source, document: &document, revisions: &revisions, history: &history, behind };
    apart.signatures = places.of(all);
    apart.kept.read(&mut document, &catalog)?;
    stores(&mut document, &revisions, &mut apart)?;
    Ok(apart)
}

fn check_count(count: usize) -> Result<(), FormatError> {
    if count < PDF_SIGNATURES_MAX {
        return Ok(());
    }
    Err(FormatError::document("too-many-signatures", format!("the PDF has more than {PDF_SIGNATURES_MAX} signatures")))
}

fn notes(document: &Document<'_>, fields: &Fields<'_>) -> Vec<Reason> {
    let mut notes = Vec::new();
    if document.window.base > 0 {
        let sentence =
            "there are bytes before the header of the PDF, so that readers may take it for another kind of file";
        notes.push(Reason::new("pdf-bytes-before", sentence));
    }
    if document.chain.is_hybrid() {
        let sentence = "the PDF has two tables of contents at once (hybrid cross-reference), so that readers may disagree about it";
        notes.push(Reason::new("pdf-hybrid", sentence));
    }
    if document.crypt.is_some() {
        notes.push(Reason::new("pdf-encrypted", "the PDF is encrypted; it was opened with the password"));
    }
    if fields.unreadable > 0 {
        let sentence = format!("{} fields of the form cannot be read; signatures may be in them", fields.unreadable);
        notes.push(Reason::new("pdf-field-unreadable", sentence));
    }
    notes
}

/// A signature as it was in the revision that it covers. A later revision may have put something else in its place: that
/// is a change of the document then, which is told apart from a signature that never was right.
fn in_its_revision(
    document: &mut Document<'_>,
    source: &dyn Source,
    revisions: &Revisions,
    field: &SignedField<'_>,
    found: Found,
) -> Result<Found, FormatError> {
    let revision = found.end.and_then(|end| revisions.starting_at(document, end.start));
    let Some(revision) = revision.filter(|_| !found.is_in_place()) else { return Ok(found) };
    revisions.look_at(document, revision);
    let earlier = document.object(field.object.id);
    let earlier = match earlier {
        Ok(object) => Found::read(document, source, &SignedField { name: field.name.clone(), object }).map(Some),
        Err(FormatError::Document(_)) => Ok(None),
        Err(other) => Err(other),
    };
    Revisions::look_at_last(document);
    Ok(match earlier? {
        Some(mut earlier) if earlier.is_in_place() => {
            let sentence = format!(
                "what a later revision put in the place of the signature \u{201c}{}\u{201d} was passed over",
                field.name
            );
            earlier.notes.push(Reason::new("pdf-signature-exchanged", sentence));
            earlier
        }
        _ => found,
    })
}

/// One signature may be the value of several fields.
fn note_once(all: &mut Vec<Found>, found: Found) {
    let known = all.iter_mut().find(|known| match (&known.span, &found.span) {
        (Some(one), Some(two)) => one.contents == two.contents && known.is_in_place() == found.is_in_place(),
        _ => known.object == found.object && known.place == found.place,
    });
    match known {
        Some(known) if known.field != found.field => {
            let sentence = format!("it is also the value of the field \u{201c}{}\u{201d}", found.field);
            if known.notes.len() < PDF_CHANGES_NAMED_MAX {
                known.notes.push(Reason::new("pdf-signature-shared", sentence));
            }
        }
        Some(_) => {}
        None => all.push(found),
    }
}

/// Signatures that the form of this revision had and the file has no longer.
fn lost(
    document: &mut Document<'_>,
    source: &dyn Source,
    revisions: &Revisions,
    revision: usize,
    all: &mut Vec<Found>,
    notes: &mut Vec<Reason>,
) -> Result<(), FormatError> {
    revisions.look_at(document, revision);
    let fields = catalog(document).and_then(|catalog| Fields::read(document, &catalog));
    let fields = match fields {
        Ok(fields) => fields,
        Err(FormatError::Document(reason)) => {
            let sentence = format!("revision {} of the PDF cannot be read: {}", revision + 1, reason.sentence);
            notes.push(Reason::new("pdf-revision-unreadable", sentence));
            return Ok(());
        }
        Err(other) => return Err(other),
    };
    for field in &fields.signed {
        let mut found = Found::read(document, source, field)?;
        let known = all.iter().any(|known| match (&known.span, &found.span) {
            (Some(one), Some(two)) => known.is_in_place() && one.contents == two.contents,
            _ => known.object == found.object && known.place == found.place,
        });
        if !known && found.is_in_place() {
            check_count(all.len())?;
            let sentence = format!(
                "the signature \u{201c}{}\u{201d} was taken out of the form after revision {}",
                found.field,
                revision + 1
            );
            found.notes.push(Reason::new("pdf-signature-removed", sentence));
            all.push(found);
        }
    }
    Ok(())
}

/// Two signatures must not leave out or cover parts of each other.
fn overlaps(all: &mut [Found]) {
    let mut order: Vec<usize> =
        (0..all.len()).filter(|at| all.get(*at).is_some_and(|found| found.span.is_some())).collect();
    order.sort_by_key(|at| {
        all.get(*at).and_then(|found| found.span.as_ref()).map(|span| (span.end, span.contents.start))
    });
    let mut widest: Option<(usize, u64)> = None;
    for at in order {
        let Some(span) = all.get(at).and_then(|found| found.span.clone()) else { continue };
        if let Some((other, end)) = widest
            && span.contents.start < end
        {
            let name = all.get(other).map(|found| found.field.clone()).unwrap_or_default();
            let what = format!(
                "it leaves out bytes that the signature \u{201c}{name}\u{201d} covers, so that both cannot be right (/ByteRange)"
            );
            if let Some(found) = all.get_mut(at) {
                found.fault("pdf-byte-range", &what);
            }
        }
        if widest.is_none_or(|(_, end)| span.end > end) {
            widest = Some((at, span.end));
        }
    }
}

/// What lies behind the last revision, if it is more than what fills up.
fn behind(source: &dyn Source) -> Result<Option<u64>, FormatError> {
    let (end, finished) = revision::last_end(source)?;
    Ok((!finished).then_some(end))
}

/// What all revisions changed.
struct History {
    changes: Vec<Vec<Change>>,
    /// Why that is not known.
    unknown: Option<Reason>,
}

impl History {
    /// That of a document with one revision, or without signatures.
    const UNKNOWN: Self = Self { changes: Vec::new(), unknown: None };

    fn read<'s>(document: &mut Document<'s>, revisions: &Revisions, fields: &Fields<'s>) -> Result<Self, FormatError> {
        let analysed = difference::analyse(document, revisions, fields);
        Revisions::look_at_last(document);
        match analysed {
            Ok(changes) => Ok(Self { changes, unknown: None }),
            Err(FormatError::Document(reason)) => {
                let sentence = format!("what changed after signing cannot be told: {}", reason.sentence);
                Ok(Self { changes: Vec::new(), unknown: Some(Reason::new("pdf-changes-unknown", sentence)) })
            }
            Err(other) => Err(other),
        }
    }

    fn has_other(&self) -> bool {
        self.unknown.is_some() || self.changes.iter().flatten().any(|change| change.level == LaterChanges::Other)
    }

    /// The revisions from which signatures may have been taken away.
    fn suspicious(&self, revisions: usize) -> BTreeSet<usize> {
        /// More revisions than that need not be looked at: their signatures would still be there in one of these.
        const LOOKED_AT_MAX: usize = 64;
        if self.unknown.is_some() || self.changes.len() < revisions {
            return (0..revisions.saturating_sub(1)).rev().take(LOOKED_AT_MAX).collect();
        }
        let changed = self.changes.iter().enumerate().skip(1);
        let with_other =
            changed.filter(|(_, changes)| changes.iter().any(|change| change.level == LaterChanges::Other));
        with_other.map(|(revision, _)| revision - 1).rev().take(LOOKED_AT_MAX).collect()
    }
}

/// What places are made from.
struct Places<'p, 's> {
    source: &'p dyn Source,
    document: &'p Document<'s>,
    revisions: &'p Revisions,
    history: &'p History,
    /// Where something begins that belongs to no revision.
    behind: Option<u64>,
}

impl Places<'_, '_> {
    fn of(&self, all: Vec<Found>) -> Vec<Judged> {
        let mut covered: Vec<(Found, Option<usize>, Coverage)> = Vec::with_capacity(all.len());
        for mut found in all {
            let (revision, coverage) = self.coverage(&mut found);
            covered.push((found, revision, coverage));
        }
        // Certifications: the revision and the permission.
        let certified: Vec<(usize, u8)> =
            covered.iter().filter_map(|(found, revision, _)| Some(((*revision)?, found.certifies?))).collect();
        let total = self.revisions.len() + usize::from(self.behind.is_some());
        let judge = |(found, revision, coverage): (Found, Option<usize>, Coverage)| {
            let (later, changes) = self.later(&found, revision, coverage, &certified);
            let place = PdfPlace {
                field: found.field.clone(),
                revision: revision.map_or(total, |revision| revision + 1),
                revisions: total,
                coverage,
                later,
                changes,
                certifies: found.certifies,
            };
            Judged { found, place }
        };
        covered.into_iter().map(judge).collect()
    }

    /// Which revision a signature covers, from 0, and how much.
    fn coverage(&self, found: &mut Found) -> (Option<usize>, Coverage) {
        let Some(span) = found.span.clone().filter(|_| found.is_in_place()) else { return (None, Coverage::Unclear) };
        let last = self.revisions.len().checked_sub(1);
        if span.end == self.source.len() {
            return (last, Coverage::WholeFile);
        }
        let Some(end) = found.end else {
            found.fault(
                "pdf-byte-range",
                "it covers the file up to somewhere, but not up to the end of a revision (/ByteRange)",
            );
            return (None, Coverage::Unclear);
        };
        let revision = self.revisions.starting_at(self.document, end.start);
        let inside = |revision: usize| {
            let limit = self.revisions.all.get(revision).map_or(u64::MAX, |revision| revision.limit);
            self.document.window.base.saturating_add(limit) < span.end
        };
        match revision.filter(|revision| inside(*revision)) {
            Some(revision) => (Some(revision), Coverage::WholeRevision),
            None => {
                found.fault("pdf-byte-range", "the revision that it covers is not part of the document any more");
                (None, Coverage::Unclear)
            }
        }
    }

    /// The gravest change after a signature, and all of them in words.
    fn later(
        &self,
        found: &Found,
        revision: Option<usize>,
        coverage: Coverage,
        certified: &[(usize, u8)],
    ) -> (LaterChanges, Vec<Reason>) {
        let Some(revision) = revision else {
            let sentence =
                format!("nobody can say what was changed after the signature \u{201c}{}\u{201d}", found.field);
            return (LaterChanges::Other, vec![Reason::new("pdf-changes-unknown", sentence)]);
        };
        let mut judged: Vec<(LaterChanges, Reason)> = Vec::new();
        if let Some(at) = self.behind.filter(|_| coverage != Coverage::WholeFile) {
            let sentence = format!("something was appended to the file up to byte {at} that belongs to no revision");
            judged.push((LaterChanges::Other, Reason::new("pdf-bytes-behind", sentence)));
        }
        if revision + 1 < self.revisions.len() && self.history.changes.len() < self.revisions.len() {
            let unknown = || Reason::new("pdf-changes-unknown", "what changed after signing was not compared");
            judged.push((LaterChanges::Other, self.history.unknown.clone().unwrap_or_else(unknown)));
        }
        for (at, changes) in self.history.changes.iter().enumerate().skip(revision + 1) {
            let permission = certified.iter().filter(|(since, _)| *since < at).map(|(_, level)| *level).min();
            judged.extend(changes.iter().map(|change| permit(found, permission, change)));
        }
        judged.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let gravest = judged.first().map_or(LaterChanges::None, |(level, _)| *level);
        let mut named: Vec<Reason> = Vec::new();
        for (_, reason) in judged {
            if named.len() >= PDF_CHANGES_NAMED_MAX {
                break;
            }
            if !named.contains(&reason) {
                named.push(reason);
            }
        }
        (gravest, named)
    }
}

/// What a change counts after this signature. `certified`: what the certification of the document permits.
fn permit(found: &Found, certified: Option<u8>, change: &Change) -> (LaterChanges, Reason) {
    let refused = |why: String| {
        let sentence = format!("{}, {why}", change.reason.sentence);
        (LaterChanges::Other, Reason::new(change.reason.code, sentence))
    };
    let own = found.locks.iter().filter_map(|lock| lock.permissions).min();
    let permission = own.into_iter().chain(certified).min();
    match change.level {
        LaterChanges::Form if permission == Some(1) => refused("though no changes were permitted any more".into()),
        LaterChanges::Form | LaterChanges::Annotation if change.visible && certified.is_some() => {
            refused("which can cover what was certified".into())
        }
        LaterChanges::Form => {
            let locked = change.field.as_deref().filter(|field| found.locks.iter().any(|lock| lock.holds(field)));
            match locked {
                Some(_) => refused(format!("though the signature \u{201c}{}\u{201d} locked that field", found.field)),
                None => (change.level, change.reason.clone()),
            }
        }
        LaterChanges::Annotation if permission.is_some_and(|level| level < 3) => {
            refused("though annotations were not permitted".into())
        }
        level => (level, change.reason.clone()),
    }
}

/// Takes in the evidence of those revisions that a time stamp covers: later ones may have dropped some.
fn stores(document: &mut Document<'_>, revisions: &Revisions, apart: &mut TakenApart) -> Result<(), FormatError> {
    let stamps = apart.signatures.iter().filter(|judged| judged.found.sub_filter == super::found::SubFilter::TimeStamp);
    let covered: BTreeSet<usize> = stamps
        .filter(|judged| judged.place.coverage == Coverage::WholeRevision)
        .filter_map(|judged| judged.place.revision.checked_sub(1))
        .collect();
    for revision in covered {
        revisions.look_at(document, revision);
        match catalog(document) {
            Ok(catalog) => apart.kept.read(document, &catalog)?,
            Err(FormatError::Document(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Revisions::look_at_last(document);
    if document.is_exhausted() {
        return Err(unsupported("reading its revisions takes too much memory".into()));
    }
    Ok(())
}
