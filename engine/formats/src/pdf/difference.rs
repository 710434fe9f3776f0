//! What came after each revision of a document, object by object: each revision is compared once with the one before it, and
//! only what is known to be harmless is allowed (EN 319 102-1 leaves it to the verifier; ISO 32000-2 12.8.2.2 says what
//! permissions mean). Which changes a signature permits is decided in [`super::judged`].
//!
//! Where things are: `value.rs` whether two values say the same · `catalog.rs` the catalog, the form, and the security
//! store · `field.rs` fields of the form · `page.rs` pages and annotations ·
//! `structure.rs` tagged documents.

mod catalog;
mod field;
mod page;
mod structure;
mod value;

use super::fields::Fields;
use super::lexer::{self, Dictionary, Reference};
use super::reader::Document;
use super::referrers::Referrers;
use super::revision::{Redefined, Revisions};
use super::window::Object;
use super::xref::Place;
use crate::inspect::LaterChanges;
use crate::prepare::FormatError;
use model::Reason;
use model::limits::PDF_CHANGES_MAX;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// One change that a revision made.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) level: LaterChanges,
    /// The field whose value or signature it is.
    pub(super) field: Option<Rc<str>>,
    /// It lays something over the pages that was not there.
    pub(super) visible: bool,
    pub(super) reason: Reason,
}

impl Change {
    pub(super) fn other(code: &'static str, sentence: impl Into<String>) -> Self {
        let reason = Reason::new(code, sentence);
        Self { level: LaterChanges::Other, field: None, visible: false, reason }
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    New,
    Replaced,
    Gone,
}

/// Before or after the revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Old,
    New,
}

/// The changes of all revisions, in their order; those of the first one are none.
pub(super) fn analyse<'s>(
    document: &mut Document<'s>,
    revisions: &Revisions,
    fields: &Fields<'s>,
) -> Result<Vec<Vec<Change>>, FormatError> {
    let redefined = revisions.redefined(document)?;
    let referrers = Referrers::read(document, revisions, &redefined)?;
    let mut all = vec![Vec::new()];
    let mut pages = None;
    let mut left = PDF_CHANGES_MAX;
    for (revision, changes) in redefined.iter().enumerate().skip(1) {
        let mut comparison = Comparison {
            document: &mut *document,
            revisions,
            revision,
            referrers: &referrers,
            fields,
            fates: BTreeMap::new(),
            explained: BTreeSet::new(),
            widgets: HashSet::new(),
            valued: HashSet::new(),
            pages: &mut pages,
            found: Vec::new(),
            left,
        };
        comparison.run(changes)?;
        left = left.saturating_sub(comparison.found.len());
        all.push(comparison.found);
    }
    for (revision, number) in &referrers.outside {
        let sentence = format!(
            "object {number} of revision {} of the PDF lies behind its end, so that it could be exchanged after signing",
            revision + 1
        );
        if let Some(changes) = all.get_mut(revision + 1) {
            changes.push(Change::other("pdf-object-outside", sentence));
        }
    }
    Revisions::look_at_last(document);
    Ok(all)
}

/// One revision against the one before it.
struct Comparison<'c, 's> {
    document: &'c mut Document<'s>,
    revisions: &'c Revisions,
    /// The newer one, from 0.
    revision: usize,
    referrers: &'c Referrers,
    fields: &'c Fields<'s>,
    /// What really changed.
    fates: BTreeMap<u32, Fate>,
    /// What need not be looked at again.
    explained: BTreeSet<u32>,
    /// Widgets of signature fields that are new.
    widgets: HashSet<u32>,
    /// Fields whose value changed.
    valued: HashSet<Rc<str>>,
    /// The numbers of pages by their objects.
    pages: &'c mut Option<HashMap<u32, usize>>,
    found: Vec<Change>,
    /// How many more changes are kept.
    left: usize,
}

impl<'s> Comparison<'_, 's> {
    fn run(&mut self, redefined: &[Redefined]) -> Result<(), FormatError> {
        for change in redefined {
            let fate = self.fate(change);
            if let Some(fate) = self.tolerate(fate)?.flatten() {
                self.fates.insert(change.number, fate);
            }
        }
        let root = self.trailers();
        let root = self.tolerate(root)?.flatten();
        if let Some((old, new)) = root {
            let compared = self.catalog(old, new);
            self.tolerate(compared)?;
        }
        let valued = self.values();
        self.tolerate(valued)?;
        let left: Vec<(u32, Fate)> = self.fates.iter().map(|(number, fate)| (*number, *fate)).collect();
        for (number, fate) in left {
            if self.explained.contains(&number) {
                continue;
            }
            let compared = match fate {
                Fate::New => self.appeared(number),
                Fate::Gone => self.disappeared(number),
                Fate::Replaced => self.replaced(number),
            };
            self.tolerate(compared)?;
        }
        Ok(())
    }

    /// What cannot be read is a change of its own, unless the medium fails.
    fn tolerate<T>(&mut self, result: Result<T, FormatError>) -> Result<Option<T>, FormatError> {
        match result {
            Err(FormatError::Document(reason)) if !self.document.is_exhausted() => {
                let sentence = format!("a change after signing cannot be understood: {}", reason.sentence);
                self.add(Change::other("pdf-change-unreadable", sentence));
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    fn look(&mut self, side: Side) {
        let revision = match side {
            Side::Old => self.revision.saturating_sub(1),
            Side::New => self.revision,
        };
        self.revisions.look_at(self.document, revision);
    }

    /// An object by its number, whatever its generation; null if there is none.
    fn object(&mut self, side: Side, number: u32) -> Result<Object<'s>, FormatError> {
        self.look(side);
        let generation = match self.document.chain.find(&self.document.window, number)? {
            Place::Offset { generation, .. } => generation,
            _ => 0,
        };
        self.document.object(Reference { number, generation })
    }

    fn follow(&mut self, side: Side, raw: Option<&[u8]>, within: &Object<'_>) -> Result<Object<'s>, FormatError> {
        self.look(side);
        self.document.follow(raw.unwrap_or(b"null"), within)
    }

    /// What became of an object whose place changed. `None`: it says what it said.
    fn fate(&mut self, change: &Redefined) -> Result<Option<Fate>, FormatError> {
        let Redefined { number, old, new } = *change;
        if old == Place::Free {
            return Ok(Some(Fate::New));
        }
        let before = self.object(Side::Old, number)?;
        if *before.value == *b"null" {
            return Ok(Some(Fate::New));
        }
        if new == Place::Free {
            return Ok(Some(Fate::Gone));
        }
        let after = self.object(Side::New, number)?;
        if *after.value == *b"null" {
            return Ok(Some(Fate::Gone));
        }
        if before.id == after.id && before.value == after.value && self.same_data(&before, &after)? {
            return Ok(None);
        }
        Ok(Some(Fate::Replaced))
    }

    fn is_new(&self, number: u32) -> bool {
        self.fates.get(&number) == Some(&Fate::New)
    }

    fn is_changed(&self, number: u32) -> bool {
        self.fates.contains_key(&number)
    }

    /// Who referred to it before.
    fn referrers(&self, number: u32) -> &[(u32, u32)] {
        self.referrers.of(self.revision, number)
    }

    fn is_only_of(&self, number: u32, referrer: u32) -> bool {
        self.referrers.is_only(self.revision, number, referrer)
    }

    fn add(&mut self, change: Change) {
        if self.found.len() < self.left {
            self.found.push(change);
        } else if change.level == LaterChanges::Other || self.found.len() == self.left {
            // Of too many, that they are too many is what counts.
            let sentence = format!("there are more than {PDF_CHANGES_MAX} changes after signing");
            self.found.truncate(self.left);
            self.found.push(Change::other("pdf-changes-many", sentence));
        }
    }

    fn note(&mut self, level: LaterChanges, code: &'static str, sentence: impl Into<String>) {
        self.add(Change { level, field: None, visible: false, reason: Reason::new(code, sentence) });
    }

    fn other(&mut self, code: &'static str, sentence: impl Into<String>) {
        self.add(Change::other(code, sentence));
    }

    /// Compares the trailers; gives the catalogs.
    fn trailers(&mut self) -> Result<Option<(Reference, Reference)>, FormatError> {
        self.look(Side::Old);
        let old = self.document.chain.trailer().to_vec();
        self.look(Side::New);
        let new = self.document.chain.trailer().to_vec();
        let (Some(before), Some(after)) = (Dictionary::new(&old), Dictionary::new(&new)) else {
            self.other("pdf-trailer-changed", "the trailer of the PDF is malformed");
            return Ok(None);
        };
        for key in keys(&before, &after) {
            let (old, new) = (before.get(&key), after.get(&key));
            match key.as_str() {
                "Size" | "Prev" | "XRefStm" | "Type" | "W" | "Index" | "Length" | "Filter" | "DecodeParms" | "DL" => {}
                "ID" => {
                    let first = |raw: Option<&[u8]>| lexer::items(raw?)?.next().and_then(lexer::string);
                    if self.document.crypt.is_some() && first(old) != first(new) {
                        self.other(
                            "pdf-trailer-changed",
                            "the identifier of the encrypted PDF was changed after signing",
                        );
                    }
                }
                "Info" => {
                    let number = old.and_then(lexer::reference).map(|info| info.number);
                    let alone = number.is_none_or(|number| self.referrers(number).is_empty());
                    let changed = number.is_some_and(|number| self.is_changed(number));
                    if old != new || (changed && alone) {
                        let sentence = "the document information (author, title, dates) was changed after signing";
                        self.note(LaterChanges::LongTerm, "pdf-information-changed", sentence);
                    }
                    if alone {
                        self.explained.extend(number.filter(|_| changed));
                    }
                }
                _ if old == new => {}
                "Root" if after.reference("Root").is_some_and(|root| self.is_new(root.number)) => {}
                "Root" => {
                    self.other(
                        "pdf-catalog-exchanged",
                        "another catalog was put in place after signing: the whole document may have been exchanged",
                    );
                    return Ok(None);
                }
                // An entry that nobody but its writer knows; a next writer leaves it out.
                "Encrypt" => self.other("pdf-trailer-changed", "the encryption of the PDF was changed after signing"),
                _ if new.is_none() => {
                    let sentence = "an entry of the trailer was left out after signing";
                    self.note(LaterChanges::LongTerm, "pdf-trailer-changed", sentence);
                }
                key => {
                    let sentence = format!("the entry /{} of the trailer was changed after signing", printable(key));
                    self.other("pdf-trailer-changed", sentence);
                }
            }
        }
        Ok(before.reference("Root").zip(after.reference("Root")))
    }

    /// An object that was not there. It is harmless as long as nothing that was there shows it now.
    fn appeared(&mut self, number: u32) -> Result<(), FormatError> {
        if let [(referrer, _), ..] = self.referrers(number) {
            let sentence = format!(
                "object {number} was added after signing where the signed object {referrer} already referred to it: hidden content may have appeared"
            );
            self.other("pdf-object-revived", sentence);
        }
        Ok(())
    }

    fn disappeared(&mut self, number: u32) -> Result<(), FormatError> {
        let old = self.object(Side::Old, number)?;
        if !self.referrers(number).is_empty() {
            let what = self.describe(number, &old)?;
            self.other("pdf-object-removed", format!("{what} was removed after signing"));
        }
        Ok(())
    }

    fn replaced(&mut self, number: u32) -> Result<(), FormatError> {
        let old = self.object(Side::Old, number)?;
        let new = self.object(Side::New, number)?;
        if old.id != new.id {
            self.other(
                "pdf-object-replaced",
                format!("object {number} was replaced after signing by one of another generation"),
            );
            return Ok(());
        }
        let (before, after) = (Dictionary::new(&old.value), Dictionary::new(&new.value));
        if let (Some(before), Some(after)) = (&before, &after) {
            let kinds = (before.name("Type"), after.name("Type"));
            match (kinds.0.as_deref(), kinds.1.as_deref()) {
                (Some(b"XRef"), Some(b"XRef")) => return Ok(()),
                (Some(one @ (b"StructTreeRoot" | b"StructElem")), Some(two))
                    if one == two && self.structure((before, &old), (after, &new))? =>
                {
                    return Ok(());
                }
                (Some(b"Page"), Some(b"Page")) if !self.fields.members.contains_key(&number) => {
                    return self.page(number, (before, &old), (after, &new));
                }
                _ => {}
            }
            if let Some(member) = self.fields.members.get(&number) {
                let member = member.clone();
                return self.field(&member, (before, &old), (after, &new));
            }
        }
        if old.value.starts_with(b"[") && self.annotations_of(number, &old, &new)? {
            return Ok(());
        }
        if old.stream_at.is_some() && self.appearance(number)? {
            return Ok(());
        }
        let what = self.describe(number, &old)?;
        self.other("pdf-object-replaced", format!("{what} was replaced after signing"));
        Ok(())
    }

    /// What an object is, for people.
    fn describe(&mut self, number: u32, object: &Object<'_>) -> Result<String, FormatError> {
        let Some(dictionary) = Dictionary::new(&object.value) else { return Ok(format!("object {number}")) };
        let kind = dictionary.name("Type").map(Cow::into_owned).unwrap_or_default();
        let subtype = dictionary.name("Subtype").map(Cow::into_owned).unwrap_or_default();
        Ok(match (&kind[..], &subtype[..]) {
            (b"Page", _) => match self.page_number(number)? {
                Some(page) => format!("page {page}"),
                None => format!("a page (object {number})"),
            },
            (b"Pages", _) => format!("the list of pages (object {number})"),
            (b"Font" | b"FontDescriptor", _) => format!("a font (object {number})"),
            (b"ObjStm", _) => format!("a container of objects (object {number})"),
            (b"Sig" | b"DocTimeStamp", _) => format!("the value of a signature (object {number})"),
            (b"Annot", _) | (_, b"Widget") => format!("an annotation (object {number})"),
            (_, b"Image") => format!("a picture (object {number})"),
            (_, b"Form") => format!("a drawing (object {number})"),
            (b"Catalog", _) => "the catalog".to_owned(),
            _ if object.stream_at.is_some() => {
                format!("the stream in object {number}, which may be the content of a page,")
            }
            _ => format!("object {number}"),
        })
    }
}

/// All keys of two dictionaries, each once, in order.
fn keys(old: &Dictionary<'_>, new: &Dictionary<'_>) -> BTreeSet<String> {
    let plain = |key: &[u8]| {
        let named = [b"/", key].concat();
        lexer::name(&named).map(|name| name.iter().map(|&byte| byte as char).collect::<String>()).unwrap_or_default()
    };
    old.iter().chain(new.iter()).map(|(key, _)| plain(key)).collect()
}

/// The name of a key as it may stand in a sentence.
fn printable(key: &str) -> String {
    const KEY_CHARACTERS_MAX: usize = 40;
    key.chars().take(KEY_CHARACTERS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect()
}
