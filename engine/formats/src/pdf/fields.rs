//! The fields of a form as verification sees them: every field and widget with its full name, and every signature field
//! (ISO 32000-1 12.7.3). Unlike [`super::form`] it goes on where a field is malformed: one bad field must not hide the
//! signatures of the others.

use super::lexer::{self, Dictionary, Reference, decode_text};
use super::reader::Document;
use super::unsupported;
use super::window::Object;
use crate::prepare::FormatError;
use model::limits::PDF_NESTING_MAX;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Fields and widgets that are looked at in one form.
const FIELDS_MAX: usize = 100_000;

/// Length of a field's full name.
const NAME_BYTES_MAX: usize = 1024;

/// Names and signature fields that are kept of one form, in bytes.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A field or a widget of one.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Full name of the field.
    pub(super) name: Rc<str>,
    /// Whether it is a signature field, or the widget of one.
    pub(super) is_signature: bool,
}

/// A signature field that has a value.
#[derive(Clone, Debug)]
pub(super) struct SignedField<'s> {
    pub(super) name: Rc<str>,
    pub(super) object: Object<'s>,
}

/// All fields of one form.
#[derive(Default)]
pub(super) struct Fields<'s> {
    /// Every object of the form.
    pub(super) members: HashMap<u32, Member>,
    /// Those with a value, in the order of the form.
    pub(super) signed: Vec<SignedField<'s>>,
    /// How many fields cannot be read.
    pub(super) unreadable: usize,
    seen: HashSet<u32>,
    visited: usize,
    held: usize,
}

/// What a field hands down.
#[derive(Clone)]
struct Inherited {
    name: Rc<str>,
    is_signature: bool,
}

impl<'s> Fields<'s> {
    /// Reads the form of the catalog.
    pub(super) fn read(document: &mut Document<'s>, catalog: &Object<'s>) -> Result<Self, FormatError> {
        let mut fields = Self::default();
        let Some(raw) = Dictionary::new(&catalog.value).and_then(|root| root.get("AcroForm")) else {
            return Ok(fields);
        };
        let form = document.follow(raw, catalog)?;
        let Some(raw) = Dictionary::new(&form.value).and_then(|form| form.get("Fields")) else { return Ok(fields) };
        let list = document.follow(raw, &form)?;
        if lexer::items(&list.value).is_none() && *list.value != *b"null" {
            fields.unreadable += 1;
        }
        let top = Inherited { name: "".into(), is_signature: false };
        for item in lexer::items(&list.value).into_iter().flatten() {
            fields.visit(document, item, &list, &top, 0)?;
        }
        if document.is_exhausted() {
            return Err(unsupported("reading its form takes too much memory".into()));
        }
        Ok(fields)
    }

    /// What is there, or a note that it cannot be read.
    fn readable<T>(&mut self, read: Result<T, FormatError>) -> Result<Option<T>, FormatError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(FormatError::Document(_)) => {
                self.unreadable += 1;
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    fn visit(
        &mut self,
        document: &mut Document<'s>,
        raw: &[u8],
        within: &Object<'_>,
        above: &Inherited,
        depth: usize,
    ) -> Result<(), FormatError> {
        self.visited += 1;
        if self.visited > FIELDS_MAX {
            return Err(unsupported(format!("its form has more than {FIELDS_MAX} fields")));
        }
        let own = lexer::reference(raw);
        // A field that is named twice, or in a circle, is still one field.
        if depth > PDF_NESTING_MAX || own.is_some_and(|own| !self.seen.insert(own.number)) {
            return Ok(());
        }
        let Some(object) = self.readable(document.follow(raw, within))? else { return Ok(()) };
        let Some(dictionary) = Dictionary::new(&object.value) else {
            self.unreadable += usize::from(*object.value != *b"null");
            return Ok(());
        };
        let inherited = self.of(document, &dictionary, &object, above)?;
        if let Some(own) = own {
            let member = Member { name: inherited.name.clone(), is_signature: inherited.is_signature };
            self.members.insert(own.number, member);
        }
        if dictionary.get("V").is_some() && inherited.is_signature {
            self.held += object.value.len();
            self.signed.push(SignedField { name: inherited.name.clone(), object: object.clone() });
        }
        if self.held > HELD_BYTES_MAX {
            return Err(unsupported(format!("the fields of its form hold more than {HELD_BYTES_MAX} bytes")));
        }
        if let Some(raw) = dictionary.get("Kids") {
            let Some(kids) = self.readable(document.follow(raw, &object))? else { return Ok(()) };
            for kid in lexer::items(&kids.value).into_iter().flatten() {
                self.visit(document, kid, &kids, &inherited, depth + 1)?;
            }
        }
        Ok(())
    }

    /// What this field hands down to its kids.
    fn of(
        &mut self,
        document: &mut Document<'s>,
        dictionary: &Dictionary<'_>,
        object: &Object<'_>,
        above: &Inherited,
    ) -> Result<Inherited, FormatError> {
        let mut inherited = above.clone();
        let kind = document.get(dictionary, "FT");
        if let Some(kind) = self.readable(kind)?.flatten() {
            inherited.is_signature = lexer::name(&kind).as_deref() == Some(b"Sig");
        }
        if let Some(raw) = dictionary.get("T") {
            let partial = part_of_name(document, raw, object);
            inherited.name = match &*above.name {
                "" => partial.into(),
                parent => format!("{parent}.{partial}").into(),
            };
            self.held += inherited.name.len();
        }
        if inherited.name.len() > NAME_BYTES_MAX {
            return Err(unsupported(format!("the name of a form field is longer than {NAME_BYTES_MAX} bytes")));
        }
        Ok(inherited)
    }
}

/// The partial name under `/T`; something for people where it cannot be read.
fn part_of_name(document: &mut Document<'_>, raw: &[u8], object: &Object<'_>) -> String {
    let text = document.follow(raw, object).and_then(|text| document.string(&text.value, &text));
    text.map_or_else(|_| "?".to_owned(), |text| decode_text(&text))
}

/// Whether the name is one of these or below one of these.
pub(super) fn is_within(names: &HashSet<String>, name: &str) -> bool {
    let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
    ends.into_iter().any(|end| name.get(..end).is_some_and(|prefix| names.contains(prefix)))
}

/// What a signature locks (ISO 32000-1 12.8.2.4, ISO 32000-2 table 236).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) scope: Scope,
    /// `/P` of a lock dictionary.
    pub(super) permissions: Option<u8>,
}

/// Which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Include(HashSet<String>),
    Exclude(HashSet<String>),
}

impl Lock {
    /// Reads a lock dictionary or the parameters of FieldMDP, which look alike. What cannot be read locks everything.
    pub(super) fn read(document: &mut Document<'_>, object: &Object<'_>) -> Result<Self, FormatError> {
        let Some(dictionary) = Dictionary::new(&object.value) else {
            return Ok(Self { scope: Scope::All, permissions: None });
        };
        let names: HashSet<String> = match dictionary.get("Fields") {
            Some(raw) => document.texts(raw, object)?.into_iter().collect(),
            None => HashSet::new(),
        };
        let scope = match dictionary.name("Action").as_deref() {
            Some(b"Include") => Scope::Include(names),
            Some(b"Exclude") => Scope::Exclude(names),
            _ => Scope::All,
        };
        Ok(Self { scope, permissions: dictionary.integer("P").and_then(|level| u8::try_from(level).ok()) })
    }

    /// Whether the field of this name must not change.
    pub(super) fn holds(&self, name: &str) -> bool {
        match &self.scope {
            Scope::All => true,
            Scope::Include(names) => is_within(names, name),
            Scope::Exclude(names) => !is_within(names, name),
        }
    }
}

/// The `/TransformParams` of those signature references that have the given method.
pub(super) fn transforms<'s>(
    document: &mut Document<'s>,
    signature: &Object<'_>,
    method: &[u8],
) -> Result<Vec<Object<'s>>, FormatError> {
    const REFERENCES_MAX: usize = 64;
    let Some(raw) = Dictionary::new(&signature.value).and_then(|value| value.get("Reference")) else {
        return Ok(Vec::new());
    };
    let references = document.follow(raw, signature)?;
    let mut found = Vec::new();
    for item in lexer::items(&references.value).into_iter().flatten().take(REFERENCES_MAX) {
        let reference = document.follow(item, &references)?;
        let Some(dictionary) = Dictionary::new(&reference.value) else { continue };
        if document.get(&dictionary, "TransformMethod")?.as_deref().and_then(lexer::name).as_deref() == Some(method) {
            found.push(document.follow(dictionary.get("TransformParams").unwrap_or(b"<<>>"), &reference)?);
        }
    }
    Ok(found)
}

/// The reference under `/V`, if the value is an object of its own.
pub(super) fn value_reference(field: &Object<'_>) -> Option<Reference> {
    Dictionary::new(&field.value)?.reference("V")
}
