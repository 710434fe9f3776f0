//! The signatures that a document has: where they lie, and whether each is intact over the bytes it names (ISO 32000-1
//! 12.8.1). Of any maker. Reads only; trust and later changes are judged elsewhere.

use super::form::{Form, SignatureField};
use super::lexer::{self, Dictionary};
use super::reader::Document;
use super::window::Object;
use super::xref::Place;
use crate::cms::message::Message;
use crate::der::Reader;
use crate::evidence::Subject;
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Unverified};
use crate::source::{Source, each_chunk};
use crate::tsp::Token;
use model::limits::PDF_SIGNATURES_MAX;
use std::ops::Range;
use std::sync::Arc;

/// Longest text between an object's offset and its value, as in `8388607 65535 obj`.
const OBJECT_HEAD_BYTES_MAX: u64 = 64;

/// One signature or document time stamp.
#[derive(Debug)]
pub(super) struct Signed {
    /// Where `/Contents` lies in the file, with its angle brackets.
    pub(super) contents: Range<u64>,
    /// Where the bytes that it covers end.
    pub(super) end: u64,
    /// The value of `/Contents`, with what fills it up.
    pub(super) octets: Vec<u8>,
    /// What is in it.
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// A signature, and its encoding without what fills it up.
    Signature(Box<Message>, Vec<u8>),
    /// A document time stamp (`/SubFilter /ETSI.RFC3161`).
    TimeStamp(Box<Token>),
}

/// What a `/SubFilter` makes of `/Contents`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Detached CMS over the covered bytes.
    Detached,
    /// CMS over the SHA-1 digest of the covered bytes.
    OverSha1,
    /// A time-stamp token over the covered bytes.
    TimeStamp,
}

impl Signed {
    /// All signatures of the form, in the order of their fields, each checked. A broken one is an error of the
    /// document. `certificates`: where those of time-stamp units may be found that are not in their tokens.
    pub(super) fn all(
        document: &mut Document<'_>,
        source: &dyn Source,
        form: &Form<'_>,
        certificates: &[Arc<[u8]>],
    ) -> Result<Vec<Self>, FormatError> {
        let mut all: Vec<Self> = Vec::new();
        for field in form.signatures.iter().filter(|field| field.signed) {
            let found = Found::read(document, source, field)?;
            // One signature may be the value of several fields.
            if all.iter().any(|known| known.contents == found.contents) {
                continue;
            }
            if all.len() >= PDF_SIGNATURES_MAX {
                let sentence = format!("the PDF has more than {PDF_SIGNATURES_MAX} signatures");
                return Err(FormatError::document("too-many-signatures", sentence));
            }
            all.push(found.check(source, certificates)?);
        }
        if all.is_empty() {
            return Err(FormatError::document("no-signature", "there is no signature in the file"));
        }
        Ok(all)
    }

    /// Whether any byte of this signature's `/Contents` is covered by the other one.
    pub(super) fn is_covered_by(&self, other: &Signed) -> bool {
        self.contents != other.contents && self.contents.start < other.end
    }

    /// Whose paths and revocation states have to be provable.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>, FormatError> {
        match &self.body {
            Body::Signature(message, _) => message.subjects(),
            Body::TimeStamp(token) => {
                let others = token.certificates().iter().filter(|other| *other != token.signer());
                let known = others.cloned().collect();
                Ok(vec![Subject { role: "time-stamp unit", certificate: token.signer().clone(), known }])
            }
        }
    }
}

/// A signature dictionary, not yet checked.
struct Found {
    field: String,
    kind: Kind,
    contents: Range<u64>,
    end: u64,
    octets: Vec<u8>,
}

impl Found {
    fn read(document: &mut Document<'_>, source: &dyn Source, field: &SignatureField<'_>) -> Result<Self, FormatError> {
        let name = &field.name;
        let malformed = |what: &str| {
            let sentence = format!("the signature \u{201c}{name}\u{201d} of the PDF is malformed: {what}");
            FormatError::document("signature-malformed", sentence)
        };
        let raw = Dictionary::new(&field.object.value).and_then(|field| field.get("V"));
        let value = document.follow(raw.unwrap_or(b"null"), &field.object)?;
        let dictionary = Dictionary::new(&value.value).ok_or_else(|| malformed("it is not a dictionary"))?;
        let kind = document.get(&dictionary, "SubFilter")?;
        let kind = match kind.as_deref().and_then(lexer::name).as_deref() {
            Some(b"ETSI.CAdES.detached" | b"adbe.pkcs7.detached") => Kind::Detached,
            Some(b"adbe.pkcs7.sha1") => Kind::OverSha1,
            Some(b"ETSI.RFC3161") => Kind::TimeStamp,
            _ => {
                let sentence =
                    format!("the signature \u{201c}{name}\u{201d} of the PDF is of a kind that has no levels");
                return Err(FormatError::document("signature-kind", sentence));
            }
        };
        let ranges = document.get(&dictionary, "ByteRange")?;
        let ranges = ranges.as_deref().and_then(lexer::items).ok_or_else(|| malformed("it names no bytes"))?;
        let numbers: Option<Vec<u64>> =
            ranges.take(5).map(|item| lexer::integer(item).and_then(|number| u64::try_from(number).ok())).collect();
        let Some([0, first_end, second, rest]) = numbers.as_deref() else {
            return Err(malformed("it does not cover the file up to and after itself (/ByteRange)"));
        };
        let (contents, end) = (*first_end..*second, second.checked_add(*rest));
        let end = end.filter(|end| *end <= source.len()).ok_or_else(|| malformed("it covers more than the file"))?;
        let raw = dictionary.get("Contents").filter(|raw| raw.starts_with(b"<")).unwrap_or_default();
        if !is_at(document, &value, raw, &contents)? || !equals(source, &contents, raw)? {
            return Err(malformed("what it leaves out is not its own value (/ByteRange, /Contents)"));
        }
        let octets = lexer::string(raw).ok_or_else(|| malformed("its value is not a string"))?;
        Ok(Self { field: name.clone(), kind, contents, end, octets })
    }

    fn check(self, source: &dyn Source, certificates: &[Arc<[u8]>]) -> Result<Signed, FormatError> {
        let Self { field, kind, contents, end, octets } = self;
        let covered = [0..contents.start, contents.end..end];
        let mut known: Vec<(HashAlgorithm, Vec<u8>)> = Vec::new();
        let mut digest = |hash: HashAlgorithm| match known.iter().find(|(of, _)| *of == hash) {
            Some((_, digest)) => Ok(digest.clone()),
            None => {
                let digest = digest_of(source, &covered, hash)?;
                known.push((hash, digest.clone()));
                Ok(digest)
            }
        };
        let body = match kind {
            Kind::TimeStamp => {
                let token = Token::read_with(&octets, certificates).map_err(|error| broken(&field, &error))?;
                let imprint = token.imprint();
                if digest(imprint.algorithm)? != imprint.value {
                    return Err(broken(&field, &"the file is not the one that was stamped"));
                }
                Body::TimeStamp(Box::new(token))
            }
            Kind::Detached | Kind::OverSha1 => {
                // Of indefinite length it ends somewhere in the zeros that fill it up; in DER it says where.
                let der = Reader::new(&octets).read().map_or(&octets[..], |outer| outer.raw).to_vec();
                let message = Message::read(&der).map_err(|error| named(&field, error))?;
                let checked = match kind {
                    Kind::OverSha1 => {
                        let content = digest(HashAlgorithm::Sha1)?;
                        message.check(&mut |hash| hash.digest(&content).map_err(|error| broken(&field, &error)))
                    }
                    _ => message.check(&mut digest),
                };
                checked.map_err(|error| named(&field, error))?;
                Body::Signature(Box::new(message), der)
            }
        };
        Ok(Signed { contents, end, octets, body })
    }
}

/// Whether the raw value in this object is what lies at this place of the file, and not a copy of it elsewhere.
pub(super) fn is_at(
    document: &mut Document<'_>,
    object: &Object<'_>,
    raw: &[u8],
    place: &Range<u64>,
) -> Result<bool, FormatError> {
    let Place::Offset { offset, .. } = document.chain.find(&document.window, object.id.number)? else {
        return Ok(false);
    };
    let inside = (raw.as_ptr() as usize).wrapping_sub(object.value.as_ptr() as usize) as u64;
    let start = document.window.base.saturating_add(offset).saturating_add(inside);
    let head = place.start.checked_sub(start);
    Ok(head.is_some_and(|head| (1..=OBJECT_HEAD_BYTES_MAX).contains(&head)))
}

/// Whether these bytes lie at this place of the file.
pub(super) fn equals(source: &dyn Source, place: &Range<u64>, bytes: &[u8]) -> Result<bool, FormatError> {
    if bytes.is_empty() || place.end.checked_sub(place.start) != Some(bytes.len() as u64) {
        return Ok(false);
    }
    if let Some(all) = source.as_slice() {
        let (start, end) = (usize::try_from(place.start), usize::try_from(place.end));
        return Ok(start.ok().zip(end.ok()).and_then(|(start, end)| all.get(start..end)) == Some(bytes));
    }
    let mut found = vec![0; bytes.len()];
    source.read_exact_at(place.start, &mut found)?;
    Ok(found == bytes)
}

fn digest_of(source: &dyn Source, ranges: &[Range<u64>], hash: HashAlgorithm) -> Result<Vec<u8>, FormatError> {
    let failed = |error: Unverified| FormatError::document("algorithm-unknown", error.to_string());
    let mut running = hash.start().map_err(failed)?;
    for range in ranges {
        each_chunk(source, range, |chunk| running.update(chunk).map_err(failed))?;
    }
    running.finish().map_err(failed)
}

fn broken(field: &str, why: &dyn std::fmt::Display) -> FormatError {
    let sentence = format!("the signature \u{201c}{field}\u{201d} of the PDF is broken: {why}");
    FormatError::document("signature-broken", sentence)
}

/// The same fault, with the name of the field.
fn named(field: &str, error: FormatError) -> FormatError {
    match error {
        FormatError::Document(reason) => {
            let sentence = format!("the signature \u{201c}{field}\u{201d} of the PDF: {}", reason.sentence);
            FormatError::document(reason.code, sentence)
        }
        other => other,
    }
}
