//! The interactive form: which signature fields there are, which are signed, and what earlier signatures forbid
//! (ISO 32000-1 12.7 and 12.8.2). Reads only.

use super::lexer::{self, Dictionary, decode_text};
use super::reader::Document;
use super::window::Object;
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use model::limits::PDF_NESTING_MAX;
use std::collections::HashSet;

/// Names and dictionaries that are kept of one form, in bytes.
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Fields and widgets that are looked at in one form.
const FIELDS_MAX: usize = 100_000;

/// Length of a field's full name.
const NAME_BYTES_MAX: usize = 1024;

/// The form as far as signing needs it.
pub(super) struct Form<'s> {
    /// `/AcroForm` of the catalog, resolved; `None` if there is none.
    pub(super) dictionary: Option<Object<'s>>,
    /// Whether it is an object of its own and not part of the catalog.
    pub(super) indirect: bool,
    /// The array under `/Fields`, resolved.
    pub(super) fields: Option<Object<'s>>,
    /// Names of all fields, full and partial ones.
    pub(super) names: HashSet<String>,
    /// All signature fields.
    pub(super) signatures: Vec<SignatureField<'s>>,
    /// What earlier signatures lock.
    locks: Vec<Lock>,
    visited: usize,
    held_bytes: usize,
}

#[derive(Clone)]
pub(super) struct SignatureField<'s> {
    /// Full name.
    pub(super) name: String,
    pub(super) object: Object<'s>,
    /// Its widget, if that is another object.
    pub(super) widget: Option<Object<'s>>,
    pub(super) signed: bool,
}

/// Which fields must not change any more.
#[derive(Debug, PartialEq, Eq)]
struct Lock {
    scope: Scope,
    /// `/P` of a lock dictionary (ISO 32000-2 table 236).
    permissions: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
enum Scope {
    All,
    Include(Vec<String>),
    Exclude(Vec<String>),
}

impl<'s> Form<'s> {
    /// Reads the form of the catalog.
    pub(super) fn read(document: &mut Document<'s>, catalog: &Object<'s>) -> Result<Self, FormatError> {
        let mut form = Form {
            dictionary: None,
            indirect: false,
            fields: None,
            names: HashSet::new(),
            signatures: Vec::new(),
            locks: Vec::new(),
            visited: 0,
            held_bytes: 0,
        };
        let root = document.dictionary(&catalog.value)?;
        let Some(raw) = root.get("AcroForm") else { return Ok(form) };
        let object = document.follow(raw, catalog)?;
        if *object.value == *b"null" {
            return Ok(form);
        }
        let dictionary = document.dictionary(&object.value)?;
        if let Some(raw) = dictionary.get("Fields") {
            let fields = document.follow(raw, &object)?;
            if *fields.value != *b"null" {
                for item in
                    lexer::items(&fields.value).ok_or_else(|| damaged("the list of its form fields is malformed"))?
                {
                    form.visit(document, item, &fields, None, false, 0)?;
                }
                form.fields = Some(fields);
            }
        }
        // A dynamic XFA form draws its pages from XML and ignores our field; a static one has real fields beside.
        let dynamic = root.get("NeedsRendering") == Some(b"true");
        if dictionary.get("XFA").is_some() && (dynamic || form.names.is_empty()) {
            return Err(unsupported(
                "it is a dynamic XFA form, which only Adobe's own programs can sign; print it to a PDF first".into(),
            ));
        }
        form.indirect = lexer::reference(raw).is_some();
        form.dictionary = Some(object);
        Ok(form)
    }

    fn visit(
        &mut self,
        document: &mut Document<'s>,
        raw: &[u8],
        within: &Object<'_>,
        parent: Option<&str>,
        parent_is_signature: bool,
        depth: usize,
    ) -> Result<(), FormatError> {
        self.visited += 1;
        if depth > PDF_NESTING_MAX || self.visited > FIELDS_MAX {
            return Err(unsupported(format!(
                "its form nests too deep, in a circle, or has more than {FIELDS_MAX} fields"
            )));
        }
        let object = document.follow(raw, within)?;
        let Some(dictionary) = Dictionary::new(&object.value) else { return Ok(()) };
        check_own(raw)?;
        let name = match dictionary.get("T") {
            None => parent.unwrap_or_default().to_owned(),
            Some(raw) => {
                let text = document.follow(raw, &object)?;
                let partial = decode_text(&document.string(&text.value, &text)?);
                match parent {
                    Some(parent) if !parent.is_empty() => format!("{parent}.{partial}"),
                    _ => partial,
                }
            }
        };
        if name.len() > NAME_BYTES_MAX {
            return Err(unsupported(format!("the name of a form field is longer than {NAME_BYTES_MAX} bytes")));
        }
        // What is kept of a form grows with its references, not with the file: one field may be named many times.
        self.held_bytes += name.len() + object.value.len();
        if self.held_bytes > HELD_BYTES_MAX {
            return Err(unsupported(format!("the fields of its form hold more than {HELD_BYTES_MAX} bytes")));
        }
        self.names.insert(name.clone());
        let is_signature = dictionary.name("FT").map_or(parent_is_signature, |kind| *kind == *b"Sig");
        let mut widget = None;
        if let Some(raw) = dictionary.get("Kids") {
            let kids = document.follow(raw, &object)?;
            for kid in lexer::items(&kids.value).into_iter().flatten() {
                let child = document.follow(kid, &kids)?;
                match Dictionary::new(&child.value) {
                    Some(fields) if fields.get("T").is_none() && fields.get("Kids").is_none() => {
                        self.visited += 1;
                        if self.visited > FIELDS_MAX {
                            return Err(unsupported(format!("its form has more than {FIELDS_MAX} fields")));
                        }
                        check_own(kid)?;
                        widget.get_or_insert(child);
                    }
                    Some(_) => self.visit(document, kid, &kids, Some(&name), is_signature, depth + 1)?,
                    None => {}
                }
            }
            if widget.is_none() && dictionary.get("V").is_none() {
                return Ok(());
            }
        }
        if is_signature {
            let signed = match dictionary.get("V") {
                None => false,
                Some(raw) => {
                    let value = document.follow(raw, &object)?;
                    self.note_locks(document, &dictionary, &object, &value)?;
                    *value.value != *b"null"
                }
            };
            self.signatures.push(SignatureField { name, object, widget, signed });
        }
        Ok(())
    }

    /// Notes what a signed field locks: by its own lock dictionary and by the references of its signature.
    fn note_locks(
        &mut self,
        document: &mut Document<'s>,
        field: &Dictionary<'_>,
        object: &Object<'_>,
        signature: &Object<'_>,
    ) -> Result<(), FormatError> {
        let Some(value) = Dictionary::new(&signature.value) else { return Ok(()) };
        if let Some(raw) = field.get("Lock") {
            let lock = document.follow(raw, object)?;
            self.locks.extend(read_lock(document, &lock)?);
        }
        for parameters in transforms(document, &value, signature, b"FieldMDP")? {
            self.locks.extend(read_lock(document, &parameters)?);
        }
        Ok(())
    }

    /// Whether any field is signed.
    pub(super) fn is_signed(&self) -> bool {
        self.signatures.iter().any(|field| field.signed)
    }

    /// Whether an earlier signature forbids to sign the field of this name.
    pub(super) fn is_locked(&self, name: &str) -> bool {
        let within = |names: &[String]| {
            names.iter().any(|locked| {
                name == locked || name.strip_prefix(locked.as_str()).is_some_and(|rest| rest.starts_with('.'))
            })
        };
        self.locks.iter().any(|lock| {
            lock.permissions == Some(1)
                || match &lock.scope {
                    Scope::All => true,
                    Scope::Include(names) => within(names),
                    Scope::Exclude(names) => !within(names),
                }
        })
    }

    /// A name that no field has.
    pub(super) fn free_name(&self, kind: &str) -> String {
        (1u32..).map(|number| format!("{kind}{number}")).find(|name| !self.names.contains(name)).unwrap_or_default()
    }
}

/// `/P` of the certification signature, if the document has one.
pub(super) fn certification(document: &mut Document<'_>, catalog: &Object<'_>) -> Result<Option<i64>, FormatError> {
    let root = document.dictionary(&catalog.value)?;
    let Some(raw) = root.get("Perms") else { return Ok(None) };
    let permissions = document.follow(raw, catalog)?;
    let Some(raw) = Dictionary::new(&permissions.value).and_then(|permissions| permissions.get("DocMDP")) else {
        return Ok(None);
    };
    let signature = document.follow(raw, &permissions)?;
    let Some(value) = Dictionary::new(&signature.value) else { return Ok(None) };
    let parameters = transforms(document, &value, &signature, b"DocMDP")?;
    let level = parameters.first().and_then(|object| Dictionary::new(&object.value)?.integer("P"));
    Ok(Some(level.unwrap_or(2)))
}

/// The `/TransformParams` of those signature references that have the given method.
fn transforms<'s>(
    document: &mut Document<'s>,
    signature: &Dictionary<'_>,
    object: &Object<'_>,
    method: &[u8],
) -> Result<Vec<Object<'s>>, FormatError> {
    let Some(raw) = signature.get("Reference") else { return Ok(Vec::new()) };
    let references = document.follow(raw, object)?;
    let mut found = Vec::new();
    for item in lexer::items(&references.value).into_iter().flatten().take(FIELDS_MAX) {
        let reference = document.follow(item, &references)?;
        let Some(dictionary) = Dictionary::new(&reference.value) else { continue };
        if dictionary.name("TransformMethod").as_deref() == Some(method) {
            let parameters = dictionary.get("TransformParams").unwrap_or(b"<<>>");
            found.push(document.follow(parameters, &reference)?);
        }
    }
    Ok(found)
}

/// Reads a lock dictionary or the parameters of FieldMDP, which look alike.
fn read_lock(document: &mut Document<'_>, object: &Object<'_>) -> Result<Option<Lock>, FormatError> {
    let Some(dictionary) = Dictionary::new(&object.value) else { return Ok(None) };
    let names = match dictionary.get("Fields") {
        Some(raw) => document.texts(raw, object)?,
        None => Vec::new(),
    };
    let scope = match dictionary.name("Action").as_deref() {
        Some(b"Include") => Scope::Include(names),
        Some(b"Exclude") => Scope::Exclude(names),
        Some(b"All") => Scope::All,
        _ => return Ok(None),
    };
    Ok(Some(Lock { scope, permissions: dictionary.integer("P") }))
}

/// Fields and widgets have to be objects of their own, or they could not be rewritten without what holds them.
fn check_own(raw: &[u8]) -> Result<(), FormatError> {
    lexer::reference(raw).map(|_| ()).ok_or_else(|| damaged("a form field is not an object of its own"))
}
