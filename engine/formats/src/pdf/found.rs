//! A signature dictionary under the strict rules for what it leaves out (ISO 32000-1 12.8.1, EN 319 142-1): four integers
//! from the start of the file on, the gap exactly the value that the parser sees. What breaks them is noted and never an
//! error, because a signature that cannot be checked is not the same as none.

use super::fields::{Lock, SignedField, transforms};
use super::lexer::{self, Dictionary, Reference};
use super::reader::Document;
use super::revision;
use super::signed::{equals, is_at};
use super::window::Object;
use super::xref::Place;
use crate::prepare::FormatError;
use crate::source::Source;
use model::Reason;
use std::ops::Range;
use std::sync::Arc;

/// How the value of a signature dictionary was made (`/SubFilter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubFilter {
    /// `ETSI.CAdES.detached`.
    Cades,
    /// `adbe.pkcs7.detached`.
    Detached,
    /// `adbe.pkcs7.sha1`: a message over the SHA-1 digest.
    OverSha1,
    /// `adbe.x509.rsa_sha1`: a bare value, the certificate beside it.
    Pkcs1,
    /// `ETSI.RFC3161`: a time stamp over the document.
    TimeStamp,
    /// Another one, or none.
    Unknown,
}

/// What is covered and what is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Where `/Contents` lies in the file, with its angle brackets.
    pub(crate) contents: Range<u64>,
    /// Where the covered bytes end.
    pub(crate) end: u64,
}

/// One signature dictionary.
#[derive(Debug)]
pub(crate) struct Found {
    /// The name of its field.
    pub(crate) field: String,
    pub(crate) sub_filter: SubFilter,
    /// `None`: what it covers cannot be told.
    pub(crate) span: Option<Span>,
    /// The value of `/Contents`, with what fills it up.
    pub(crate) octets: Vec<u8>,
    /// `/M`, `/Reason` and `/Location` as texts.
    pub(crate) time: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) location: Option<String>,
    /// `/Cert`, DER.
    pub(crate) certificates: Vec<Arc<[u8]>>,
    /// `/P` of DocMDP.
    pub(crate) certifies: Option<u8>,
    pub(super) locks: Vec<Lock>,
    /// Which attempts it makes.
    pub(crate) faults: Vec<Reason>,
    pub(crate) notes: Vec<Reason>,
    /// What `startxref` at its end says, if a revision ends there.
    pub(super) end: Option<revision::End>,
    /// The object of the dictionary, or of the field that it is in.
    pub(super) object: Reference,
    /// Where that object lies.
    pub(super) place: Option<Place>,
}

impl Found {
    /// Reads the value of a field. Nothing in it is an error but that the medium fails.
    pub(super) fn read(
        document: &mut Document<'_>,
        source: &dyn Source,
        field: &SignedField<'_>,
    ) -> Result<Self, FormatError> {
        let object = super::fields::value_reference(&field.object).unwrap_or(field.object.id);
        let mut found = Self {
            field: field.name.to_string(),
            sub_filter: SubFilter::Unknown,
            span: None,
            octets: Vec::new(),
            time: None,
            reason: None,
            location: None,
            certificates: Vec::new(),
            certifies: None,
            locks: Vec::new(),
            faults: Vec::new(),
            notes: Vec::new(),
            end: None,
            object,
            place: None,
        };
        match found.fill(document, source, field) {
            Err(FormatError::Document(reason)) => {
                found.faults.push(Reason::new("pdf-signature-malformed", reason.sentence));
                Ok(found)
            }
            filled => filled.map(|()| found),
        }
    }

    fn fill(
        &mut self,
        document: &mut Document<'_>,
        source: &dyn Source,
        field: &SignedField<'_>,
    ) -> Result<(), FormatError> {
        self.place = document.chain.find(&document.window, self.object.number).map(Some)?;
        let raw = Dictionary::new(&field.object.value).and_then(|field| field.get("V")).unwrap_or(b"null");
        let followed = document.follow(raw, &field.object)?;
        // A dictionary that stands in its field lies where the field does.
        let (raw, value) = match lexer::reference(raw) {
            Some(_) => (&*followed.value, &followed),
            None => (raw, &field.object),
        };
        let Some(dictionary) = Dictionary::new(raw) else {
            self.fault("pdf-signature-malformed", "its value is no dictionary");
            return Ok(());
        };
        self.read_kind(document, &dictionary)?;
        if let Some(raw) = Dictionary::new(&field.object.value).and_then(|field| field.get("Lock")) {
            let lock = document.follow(raw, &field.object)?;
            self.locks.push(Lock::read(document, &lock)?);
        }
        for parameters in transforms(document, &followed, b"FieldMDP")? {
            self.locks.push(Lock::read(document, &parameters)?);
        }
        if let Some(parameters) = transforms(document, &followed, b"DocMDP")?.first() {
            let level = Dictionary::new(&parameters.value).and_then(|parameters| parameters.integer("P")).unwrap_or(2);
            self.certifies = Some(u8::try_from(level).unwrap_or(1).clamp(1, 3));
        }
        self.read_texts(document, &dictionary, value)?;
        self.read_span(document, source, &dictionary, value)
    }

    /// The kind, and whether `/Type` fits it.
    fn read_kind(&mut self, document: &mut Document<'_>, dictionary: &Dictionary<'_>) -> Result<(), FormatError> {
        let named =
            |raw: Option<std::borrow::Cow<'_, [u8]>>| raw.as_deref().and_then(lexer::name).map(|n| n.into_owned());
        let filter = named(document.get(dictionary, "SubFilter")?);
        self.sub_filter = match filter.as_deref() {
            Some(b"ETSI.CAdES.detached") => SubFilter::Cades,
            Some(b"adbe.pkcs7.detached") => SubFilter::Detached,
            Some(b"adbe.pkcs7.sha1") => SubFilter::OverSha1,
            Some(b"adbe.x509.rsa_sha1") => SubFilter::Pkcs1,
            Some(b"ETSI.RFC3161") => SubFilter::TimeStamp,
            Some(other) => {
                let other = lexer::decode_text(other.get(..64).unwrap_or(other));
                self.fault("pdf-signature-kind", &format!("its kind (/SubFilter {other}) is not known"));
                SubFilter::Unknown
            }
            None => {
                self.fault("pdf-signature-kind", "it does not say of what kind it is (/SubFilter)");
                SubFilter::Unknown
            }
        };
        let kind = named(document.get(dictionary, "Type")?);
        let fits = match (kind.as_deref(), self.sub_filter) {
            (None, _) => true,
            (Some(b"DocTimeStamp"), kind) => kind == SubFilter::TimeStamp,
            (Some(b"Sig"), kind) => kind != SubFilter::TimeStamp,
            _ => false,
        };
        if !fits {
            self.fault("pdf-signature-kind", "its type and its kind contradict each other (/Type, /SubFilter)");
        }
        Ok(())
    }

    fn read_texts(
        &mut self,
        document: &mut Document<'_>,
        dictionary: &Dictionary<'_>,
        object: &Object<'_>,
    ) -> Result<(), FormatError> {
        const TEXT_CHARACTERS_MAX: usize = 512;
        let mut text = |key| -> Option<String> {
            let text = document.follow(dictionary.get(key)?, object).ok()?;
            let plain = document.string(&text.value, &text).ok()?;
            Some(lexer::decode_text(&plain).chars().take(TEXT_CHARACTERS_MAX).collect())
        };
        self.time = text("M");
        self.reason = text("Reason");
        self.location = text("Location");
        if self.sub_filter == SubFilter::Pkcs1
            && let Some(raw) = dictionary.get("Cert")
        {
            let list = document.follow(raw, object)?;
            let one = [&*list.value];
            let items: Vec<&[u8]> = match lexer::items(&list.value) {
                Some(items) => items.take(model::limits::CHAIN_CERTIFICATES_MAX).collect(),
                None => one.to_vec(),
            };
            for item in items {
                let text = document.follow(item, &list)?;
                self.certificates.push(document.string(&text.value, &text)?.into());
            }
        }
        Ok(())
    }

    /// What it covers.
    fn read_span(
        &mut self,
        document: &mut Document<'_>,
        source: &dyn Source,
        dictionary: &Dictionary<'_>,
        object: &Object<'_>,
    ) -> Result<(), FormatError> {
        const RANGE: &str = "pdf-byte-range";
        let raw = match dictionary.get("Contents") {
            Some(raw) if raw.starts_with(b"<") && !raw.starts_with(b"<<") => Some(raw),
            None => {
                self.fault("pdf-contents", "it has no value (/Contents)");
                None
            }
            Some(_) => {
                self.fault("pdf-contents", "its value is not a hexadecimal string of its own (/Contents)");
                None
            }
        };
        self.octets = raw.and_then(lexer::string).unwrap_or_default();
        if raw.is_some() && self.octets.iter().all(|byte| *byte == 0) {
            self.fault("pdf-contents", "its value is empty (/Contents)");
        }
        let Some(ranges) = document.get(dictionary, "ByteRange")? else {
            self.fault(RANGE, "it does not say which bytes it covers (/ByteRange)");
            return Ok(());
        };
        let numbers: Option<Vec<i64>> =
            lexer::items(&ranges).map(|items| items.take(5).map(|item| lexer::integer(item).unwrap_or(-1)).collect());
        let Some([start, length, second, rest]) = numbers.as_deref() else {
            self.fault(RANGE, "what it covers is not given by four numbers (/ByteRange)");
            return Ok(());
        };
        let whole = |number: &i64| u64::try_from(*number).ok();
        let (Some(start), Some(length), Some(second), Some(rest)) =
            (whole(start), whole(length), whole(second), whole(rest))
        else {
            self.fault(RANGE, "what it covers is given by a number that is negative or none (/ByteRange)");
            return Ok(());
        };
        let end = second.checked_add(rest).filter(|end| *end <= source.len());
        let Some(end) = end else {
            self.fault(RANGE, "it covers more bytes than the file has (/ByteRange)");
            return Ok(());
        };
        if start != 0 || length == 0 || second <= length || rest == 0 {
            self.fault(RANGE, "it does not cover the file up to its own value and from there on (/ByteRange)");
            return Ok(());
        }
        let span = Span { contents: length..second, end };
        match raw {
            Some(raw) if equals(source, &span.contents, raw)? && is_at(document, object, raw, &span.contents)? => {}
            Some(raw) => {
                let left_out = span.contents.end - span.contents.start;
                let what = if left_out == raw.len() as u64 {
                    "what it leaves out is not its own value but something else (/ByteRange, /Contents)".to_owned()
                } else {
                    format!(
                        "it leaves out {left_out} bytes of the file, though its value is {} long; anything could stand there (/ByteRange, /Contents)",
                        raw.len()
                    )
                };
                self.fault(RANGE, &what);
            }
            None => {}
        }
        self.end = revision::end_at(source, end)?;
        self.span = Some(span);
        Ok(())
    }

    pub(super) fn fault(&mut self, code: &'static str, what: &str) {
        let sentence = format!("the signature \u{201c}{}\u{201d} breaks the rules of PDF: {what}", self.field);
        self.faults.push(Reason::new(code, sentence));
    }

    /// Whether it was found where it says that it is.
    pub(crate) fn is_in_place(&self) -> bool {
        self.span.is_some() && !self.faults.iter().any(|fault| fault.code == "pdf-byte-range")
    }
}
