//! Which field is signed, and what that changes in the document: the field and its widget, the form, the page, the
//! catalog (ISO 32000-1 12.7.4.5 and 12.8). Decides first, then writes.

use super::appearance::{self, Drawing};
use super::form::{self, Form, SignatureField};
use super::lexer::{self, Dictionary, Reference, encode_text};
use super::page::{self, Page};
use super::reader::Document;
use super::seed;
use super::update::{Holes, Tail, byte_range_width};
use super::window::Object;
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use model::profile::PageChoice;
use model::{DigestAlgorithm, Profile, Signer, Time};
use std::borrow::Cow;

/// Annotation flags: Print and Locked (ISO 32000-1 table 165).
const WIDGET_FLAGS: i64 = 4 + 128;

/// What will be written.
pub(super) struct Plan<'s> {
    catalog: Object<'s>,
    /// `/Perms` of the catalog, resolved.
    permissions: Option<Object<'s>>,
    form: Form<'s>,
    target: Target<'s>,
    lock: Option<seed::Lock>,
    /// What a visible signature shows, and where.
    drawing: Option<Drawing>,
}

enum Target<'s> {
    New { name: String, page: Page<'s>, annotations: Option<Object<'s>> },
    Existing(Box<SignatureField<'s>>),
}

/// Chooses the field and makes sure that it may be signed.
pub(super) fn plan<'s>(
    document: &mut Document<'s>,
    catalog: Object<'s>,
    profile: &Profile,
    signer: &Signer,
    digest: DigestAlgorithm,
) -> Result<Plan<'s>, FormatError> {
    let options = &profile.pdf;
    let form = Form::read(document, &catalog)?;
    let certified = form::certification(document, &catalog)?;
    if certified == Some(1) {
        return Err(FormatError::document(
            "pdf-certified",
            "the PDF is certified and its certification permits no further changes, not even signatures",
        ));
    }
    if options.certify.is_some() && (certified.is_some() || form.is_signed()) {
        return Err(FormatError::document(
            "pdf-certify-not-first",
            "the PDF is signed already; only the first signature can be a certification",
        ));
    }
    let existing = match &options.field {
        None => None,
        Some(name) => match form.signatures.iter().find(|field| field.name == *name) {
            Some(field) if field.signed => {
                return Err(FormatError::document(
                    "pdf-field-signed",
                    format!("the signature field \u{201c}{name}\u{201d} of the PDF is signed already"),
                ));
            }
            Some(field) => Some(field.clone()),
            None if form.names.contains(name) => {
                return Err(FormatError::document(
                    "pdf-field-kind",
                    format!("the field \u{201c}{name}\u{201d} of the PDF is not a signature field"),
                ));
            }
            None if name.contains('.') || name.is_empty() => {
                return Err(FormatError::document(
                    "pdf-no-field",
                    format!("the PDF has no signature field \u{201c}{name}\u{201d}"),
                ));
            }
            None => None,
        },
    };
    let name = match (&existing, &options.field) {
        (Some(field), _) => field.name.clone(),
        (None, Some(name)) => name.clone(),
        (None, None) => form.free_name("Signature"),
    };
    if form.is_locked(&name) {
        return Err(FormatError::document(
            "pdf-locked",
            "an earlier signature of the PDF locks its form, so that no further signature is permitted",
        ));
    }
    if let Some(crypt) = &document.crypt
        && !(if existing.is_some() { crypt.may_fill() } else { crypt.may_create() })
    {
        return Err(forbidden());
    }
    let permissions = match options.certify {
        Some(_) => match document.dictionary(&catalog.value)?.get("Perms") {
            Some(raw) => Some(document.follow(raw, &catalog)?),
            None => None,
        },
        None => None,
    };
    let mut lock = None;
    let (target, drawing) = match existing {
        Some(field) => {
            seed::check(document, &field.object, profile, signer, digest)?;
            lock = seed::lock(document, &field.object)?;
            let drawing = match &options.visible {
                Some(_) => existing_drawing(document, &field)?,
                None => None,
            };
            (Target::Existing(Box::new(field)), drawing)
        }
        None => {
            if certified.is_some() && options.visible.is_some() {
                return Err(FormatError::document(
                    "pdf-certified",
                    "the PDF is certified, which permits no new visible signature; an invisible one is permitted",
                ));
            }
            let choice = options.visible.as_ref().map_or(PageChoice::First, |visible| visible.page);
            let page = page::find(document, &catalog, choice)?;
            let raw = document.dictionary(&page.object.value)?.get("Annots");
            let annotations = raw.map(|raw| document.follow(raw, &page.object)).transpose()?;
            let drawing = options.visible.as_ref().map(|visible| Drawing::place(&page, &visible.place)).transpose()?;
            let annotations = annotations.filter(|object| *object.value != *b"null");
            if let (Some(drawing), Some(annotations)) = (&drawing, &annotations)
                && page::is_taken(document, annotations, drawing.rectangle)?
            {
                return Err(FormatError::document(
                    "pdf-place-taken",
                    "the place for the visible signature is taken by a form field or another signature",
                ));
            }
            (Target::New { name, page, annotations }, drawing)
        }
    };
    Ok(Plan { catalog, permissions, form, target, lock, drawing })
}

/// A new invisible field for a document time stamp (EN 319 142-1). Neither certifications nor locks forbid
/// one: it changes nothing that they protect.
pub(super) fn plan_time_stamp<'s>(
    document: &mut Document<'s>,
    catalog: Object<'s>,
    form: Form<'s>,
) -> Result<Plan<'s>, FormatError> {
    if document.crypt.as_ref().is_some_and(|crypt| !crypt.may_create()) {
        return Err(forbidden());
    }
    let name = form.free_name("TimeStamp");
    let page = page::find(document, &catalog, PageChoice::First)?;
    let raw = document.dictionary(&page.object.value)?.get("Annots");
    let annotations = raw.map(|raw| document.follow(raw, &page.object)).transpose()?;
    let annotations = annotations.filter(|object| *object.value != *b"null");
    let target = Target::New { name, page, annotations };
    Ok(Plan { catalog, permissions: None, form, target, lock: None, drawing: None })
}

fn forbidden() -> FormatError {
    FormatError::document(
        "pdf-permissions",
        "the author of the encrypted PDF does not permit to sign it; the owner password is needed",
    )
}

/// A visible signature in an existing field takes the place that the form's author gave it.
fn existing_drawing(document: &mut Document<'_>, field: &SignatureField<'_>) -> Result<Option<Drawing>, FormatError> {
    let widget = field.widget.as_ref().unwrap_or(&field.object);
    let dictionary = document.dictionary(&widget.value)?;
    let Some(rectangle) = page::read_box(document, &dictionary, "Rect")? else { return Ok(None) };
    let turns = match dictionary.reference("P") {
        Some(id) => {
            let object = document.object(id)?;
            page::of_object(document, object)?.turns
        }
        None => 0,
    };
    Ok(Drawing::within(rectangle, turns))
}

impl Plan<'_> {
    /// Writes all objects of the signature.
    pub(super) fn write(
        &self,
        tail: &mut Tail<'_>,
        profile: &Profile,
        signer: &Signer,
        length: u64,
        contents_len_max: usize,
        now: Time,
    ) -> Result<Holes, FormatError> {
        let signature = tail.allocate()?;
        let appearance = match (&profile.pdf.visible, &self.drawing) {
            (Some(visible), Some(drawing)) => Some(appearance::write(tail, visible, drawing, profile, signer, now)?),
            _ => None,
        };
        let new_field = match &self.target {
            Target::New { name, page, annotations } => {
                // Archive formats demand an appearance of every widget, be it empty.
                let appearance = appearance.map_or_else(|| appearance::write_empty(tail), Ok)?;
                Some(self.write_new_field(tail, signature, name, page, annotations.as_ref(), Some(appearance))?)
            }
            Target::Existing(field) => {
                write_existing_field(tail, signature, field, appearance)?;
                None
            }
        };
        self.write_form(tail, signature, new_field, profile.pdf.certify.is_some(), Vec::new())?;
        self.write_signature(tail, signature, profile, signer, length, contents_len_max, now)
    }

    /// Writes all objects of a document time stamp.
    pub(super) fn write_time_stamp(
        &self,
        tail: &mut Tail<'_>,
        length: u64,
        contents_len_max: usize,
        catalog_changes: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<Holes, FormatError> {
        let stamp = tail.allocate()?;
        let new_field = match &self.target {
            Target::New { name, page, annotations } => {
                // No appearance (ISO 32000-2 12.8.5): it would count as filling in the form, which a certification
                // may forbid.
                Some(self.write_new_field(tail, stamp, name, page, annotations.as_ref(), None)?)
            }
            Target::Existing(_) => None,
        };
        self.write_form(tail, stamp, new_field, false, catalog_changes)?;
        let head = "<< /Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161 ";
        let (mut body, holes) = with_holes(head, tail, length, contents_len_max)?;
        body.extend_from_slice(b" >>");
        Ok(holes.behind(tail.object(stamp, &body)))
    }

    fn write_new_field(
        &self,
        tail: &mut Tail<'_>,
        signature: Reference,
        name: &str,
        page: &Page<'_>,
        annotations: Option<&Object<'_>>,
        appearance: Option<Reference>,
    ) -> Result<Reference, FormatError> {
        let id = tail.allocate()?;
        let appearance = appearance.map(|id| format!(" /AP << /N {id} >>")).unwrap_or_default();
        let rectangle = self.drawing.as_ref().map_or_else(|| "[0 0 0 0]".to_owned(), Drawing::rectangle);
        let name = tail.string(id, &encode_text(name))?;
        let head = format!(
            "<< /Type /Annot /Subtype /Widget /FT /Sig /F {WIDGET_FLAGS} /Rect {rectangle} /P {} /V {signature}{appearance} /T ",
            page.object.id
        );
        tail.object(id, &[head.as_bytes(), &name, b" >>"].concat());
        let item = id.to_string().into_bytes();
        let raw = Dictionary::new(&page.object.value).and_then(|page| page.get("Annots"));
        match (annotations, raw.and_then(lexer::reference)) {
            (None, _) => tail.rewrite(&page.object, &[("Annots", [b"[", &item[..], b"]"].concat())])?,
            (Some(array), indirect) => {
                let longer = lexer::array_with(&tail.outside(array)?, &item);
                let longer = longer.ok_or_else(|| damaged("the list of annotations of a page is malformed"))?;
                match indirect {
                    Some(_) => {
                        tail.object(array.id, &longer);
                    }
                    None => tail.rewrite(&page.object, &[("Annots", longer)])?,
                }
            }
        }
        Ok(id)
    }

    /// Writes the form, and the catalog where it changes.
    fn write_form(
        &self,
        tail: &mut Tail<'_>,
        signature: Reference,
        new_field: Option<Reference>,
        certify: bool,
        mut catalog_changes: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<(), FormatError> {
        match &self.form.dictionary {
            None => {
                let id = tail.allocate()?;
                let field = new_field.map(|field| field.to_string()).unwrap_or_default();
                tail.object(id, format!("<< /Fields [{field}] /SigFlags 3 >>").as_bytes());
                catalog_changes.push(("AcroForm", id.to_string().into_bytes()));
            }
            Some(object) => {
                let dictionary = Dictionary::new(&object.value).ok_or_else(|| damaged("its form is malformed"))?;
                let mut changes = Vec::new();
                let flags = dictionary.integer("SigFlags").unwrap_or(0);
                if flags & 3 != 3 {
                    changes.push(("SigFlags", (flags | 3).to_string().into_bytes()));
                }
                // Readers that obey this draw their own idea of our field. Other fields may need it, though.
                if dictionary.get("NeedAppearances") == Some(b"true") && self.form.names.is_empty() {
                    changes.push(("NeedAppearances", b"false".to_vec()));
                }
                if let Some(field) = new_field {
                    let item = field.to_string().into_bytes();
                    match (&self.form.fields, dictionary.reference("Fields")) {
                        (None, _) => changes.push(("Fields", [b"[", &item[..], b"]"].concat())),
                        (Some(fields), indirect) => {
                            let longer = lexer::array_with(&tail.outside(fields)?, &item);
                            let longer = longer.ok_or_else(|| damaged("the list of its form fields is malformed"))?;
                            match indirect {
                                Some(_) => {
                                    tail.object(fields.id, &longer);
                                }
                                None => changes.push(("Fields", longer)),
                            }
                        }
                    }
                }
                if changes.is_empty() {
                    // Nothing to say that the form does not say already.
                } else if self.form.indirect {
                    tail.rewrite(object, &changes)?;
                } else {
                    let raw = tail.outside(object)?;
                    let form = Dictionary::new(&raw).ok_or_else(|| damaged("its form is malformed"))?;
                    catalog_changes.push(("AcroForm", form.with(&changes)));
                }
            }
        }
        if certify {
            let change = ("DocMDP", signature.to_string().into_bytes());
            let raw = match &self.permissions {
                Some(object) if object.value.starts_with(b"<<") => tail.outside(object)?,
                _ => Cow::Borrowed(&b"<<>>"[..]),
            };
            let permissions = Dictionary::new(&raw).ok_or_else(|| damaged("its catalog is malformed"))?;
            catalog_changes.push(("Perms", permissions.with(&[change])));
        }
        if catalog_changes.is_empty() { Ok(()) } else { tail.rewrite(&self.catalog, &catalog_changes) }
    }

    #[allow(clippy::too_many_arguments)]
    fn write_signature(
        &self,
        tail: &mut Tail<'_>,
        id: Reference,
        profile: &Profile,
        signer: &Signer,
        length: u64,
        contents_len_max: usize,
        now: Time,
    ) -> Result<Holes, FormatError> {
        let options = &profile.pdf;
        let sub_filter = seed::sub_filter(profile.format);
        let head = format!("<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /{sub_filter} ");
        let (mut body, holes) = with_holes(&head, tail, length, contents_len_max)?;
        let (year, month, day, hour, minute, second) = now.civil();
        let date = format!("D:{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}+00'00'");
        let texts = [
            ("M", Some(date.as_str())),
            ("Name", Some(signer.subject.as_str())),
            ("Reason", options.reason.as_deref()),
            ("Location", options.location.as_deref()),
            ("ContactInfo", options.contact.as_deref()),
        ];
        for (key, text) in texts {
            let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
            body.extend_from_slice(format!(" /{key} ").as_bytes());
            body.extend_from_slice(&tail.string(id, &encode_text(text))?);
        }
        if let Some(references) = seed::references(tail, id, self.catalog.id, options.certify, self.lock.as_ref())? {
            body.extend_from_slice(b" /Reference ");
            body.extend_from_slice(&references);
        }
        body.extend_from_slice(b" >>");
        Ok(holes.behind(tail.object(id, &body)))
    }
}

/// The body of a signature dictionary so far, with room for what is filled in last.
fn with_holes(
    head: &str,
    tail: &Tail<'_>,
    length: u64,
    contents_len_max: usize,
) -> Result<(Vec<u8>, Holes), FormatError> {
    let contents_bytes =
        contents_len_max.checked_mul(2).ok_or_else(|| unsupported("the signature is too long".into()))?;
    let mut body = format!("{head}/ByteRange [").into_bytes();
    let mut byte_range = body.len()..body.len();
    byte_range.end += byte_range_width(length, tail.bytes.len() + contents_bytes + 64 * 1024);
    body.resize(byte_range.end, b' ');
    body.extend_from_slice(b"] /Contents ");
    let mut contents = body.len()..body.len();
    contents.end += contents_bytes + 2;
    body.push(b'<');
    body.resize(contents.end - 1, b'0');
    body.push(b'>');
    Ok((body, Holes { byte_range, contents }))
}

/// Writes the value into an empty field, and the appearance into its widget.
fn write_existing_field(
    tail: &mut Tail<'_>,
    signature: Reference,
    field: &SignatureField<'_>,
    appearance: Option<Reference>,
) -> Result<(), FormatError> {
    let value = ("V", signature.to_string().into_bytes());
    let widget = field.widget.as_ref().unwrap_or(&field.object);
    let dictionary = Dictionary::new(&widget.value).ok_or_else(|| damaged("a form field is malformed"))?;
    let mut changes = Vec::new();
    // Archive formats demand an appearance of every widget, be it empty.
    if appearance.is_some() || dictionary.get("AP").is_none() {
        let appearance = appearance.map_or_else(|| appearance::write_empty(tail), Ok)?;
        changes.push(("AP", format!("<< /N {appearance} >>").into_bytes()));
    }
    if dictionary.get("F").is_none() {
        changes.push(("F", WIDGET_FLAGS.to_string().into_bytes()));
    }
    if field.widget.is_none() {
        changes.push(value);
        return tail.rewrite(&field.object, &changes);
    }
    tail.rewrite(&field.object, &[value])?;
    if changes.is_empty() { Ok(()) } else { tail.rewrite(widget, &changes) }
}
