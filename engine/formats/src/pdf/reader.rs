//! A document that is read from its end, object by object as they are needed. Knows nothing of signatures and changes
//! nothing.

use super::encrypt::Crypt;
use super::filter;
use super::lexer::{self, Dictionary, Reference};
use super::window::{Object, Window};
use super::xref::{Chain, Place};
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use crate::source::Source;
use model::limits::PDF_STREAM_BYTES_MAX;
use std::borrow::Cow;
use std::rc::Rc;

/// The header is looked for in as many bytes from the start, as readers do.
const HEADER_BYTES_MAX: usize = 1024;

/// `startxref` is looked for in as many bytes from the end; some senders append blanks or more.
const TAIL_BYTES: [usize; 2] = [1024, 64 * 1024];

/// Decoded object streams that are kept for the next question.
const OBJECT_STREAMS_KEPT: usize = 4;

/// Length of one object stream, decoded, and of all that are kept: unlike cross-reference streams they are no table of
/// the whole document, and half the general limit is plenty.
const OBJECT_STREAM_BYTES_MAX: usize = PDF_STREAM_BYTES_MAX / 2;

/// Bytes of object streams that are decoded for one document altogether.
const DECODED_BYTES_MAX: usize = 8 * PDF_STREAM_BYTES_MAX;

/// Bytes of text in one list of names.
const TEXTS_BYTES_MAX: usize = 1024 * 1024;

/// References that lead to references before it is a circle.
const REFERENCE_HOPS_MAX: usize = 16;

pub(super) struct Document<'s> {
    pub(super) window: Window<'s>,
    pub(super) chain: Chain,
    pub(super) crypt: Option<Crypt>,
    /// Whether the last byte ends a line.
    pub(super) ends_with_line_end: bool,
    streams: Vec<Rc<ObjectStream>>,
    /// Bytes of object streams decoded so far.
    decoded: usize,
}

struct ObjectStream {
    /// Where it lies, which tells apart those of one number in several revisions.
    offset: u64,
    /// Object number and offset in `data`, in the order of the stream.
    index: Vec<(u32, usize)>,
    data: Vec<u8>,
}

/// Where the header is, if this is a PDF at all.
pub(super) fn header_at(source: &dyn Source) -> Result<Option<u64>, FormatError> {
    let length = usize::try_from(source.len()).map_or(HEADER_BYTES_MAX, |length| length.min(HEADER_BYTES_MAX));
    let mut buffer = [0; HEADER_BYTES_MAX];
    let head = match source.as_slice() {
        Some(bytes) => &bytes[..length],
        None => {
            source.read_exact_at(0, &mut buffer[..length])?;
            &buffer[..length]
        }
    };
    Ok(find(head, b"%PDF-").map(|at| at as u64))
}

impl<'s> Document<'s> {
    /// Reads what every use needs: the cross-reference sections' headers, the newest trailer and, if there is one, the
    /// security handler.
    pub(super) fn open(source: &'s dyn Source, password: Option<&str>) -> Result<Self, FormatError> {
        Self::open_with(source, password, false)
    }

    /// As [`Document::open`], also if there is something behind the last end of file that belongs to no revision.
    pub(super) fn open_unfinished(source: &'s dyn Source, password: Option<&str>) -> Result<Self, FormatError> {
        Self::open_with(source, password, true)
    }

    fn open_with(source: &'s dyn Source, password: Option<&str>, unfinished: bool) -> Result<Self, FormatError> {
        if source.is_empty() {
            return Err(FormatError::document("pdf-empty", "the file is empty"));
        }
        let base = header_at(source)?.ok_or_else(|| FormatError::document("pdf-not-pdf", "the file is not a PDF"))?;
        let (start, ends_with_line_end) = start_of_chain(&Window::new(source, 0), unfinished)?;
        // Offsets count from the header; but some writers count from the start of the file in spite of what they put
        // before the header.
        let mut window = Window::new(source, base);
        let chain = match Chain::read(&window, start) {
            Err(_) if base > 0 => {
                window = Window::new(source, 0);
                Chain::read(&window, start)?
            }
            chain => chain?,
        };
        let mut document = Self { window, chain, crypt: None, ends_with_line_end, streams: Vec::new(), decoded: 0 };
        document.crypt = document.open_crypt(password)?;
        Ok(document)
    }

    fn open_crypt(&mut self, password: Option<&str>) -> Result<Option<Crypt>, FormatError> {
        let trailer = self.chain.trailer().to_vec();
        let trailer = self.dictionary(&trailer)?;
        let Some(encrypt) = trailer.get("Encrypt") else { return Ok(None) };
        let encrypt = self.resolve(encrypt)?;
        let id = match trailer.get("ID") {
            None => None,
            Some(id) => self
                .resolve(id)
                .map(|id| lexer::items(&id).and_then(|mut items| items.next().and_then(lexer::string)))?,
        };
        Crypt::open(&encrypt, id.as_deref(), password).map(Some)
    }

    /// Whether objects are refused because so much was read.
    pub(super) fn is_exhausted(&self) -> bool {
        self.window.is_exhausted() || self.decoded > DECODED_BYTES_MAX
    }

    /// The object of this name; null if the file has none.
    pub(super) fn object(&mut self, id: Reference) -> Result<Object<'s>, FormatError> {
        let null = Object { id, value: Cow::Borrowed(b"null"), stream_at: None, compressed: false };
        match self.chain.find(&self.window, id.number)? {
            Place::Free => Ok(null),
            Place::Offset { generation, .. } if generation != id.generation => Ok(null),
            Place::Offset { offset, .. } => self.window.object(offset, Some(id)),
            Place::Stream { .. } if id.generation != 0 => Ok(null),
            Place::Stream { number, index } => self.compressed(id, number, index),
        }
    }

    /// The value itself, or the object that it refers to.
    pub(super) fn resolve<'a>(&mut self, raw: &'a [u8]) -> Result<Cow<'a, [u8]>, FormatError>
    where
        's: 'a,
    {
        let mut value = Cow::Borrowed(raw);
        for _ in 0..REFERENCE_HOPS_MAX {
            match lexer::reference(&value) {
                None => return Ok(value),
                Some(id) => value = self.object(id)?.value,
            }
        }
        Err(damaged("references in it lead in a circle"))
    }

    /// What a raw value in `within` is or refers to, as an object with the name that its strings are encrypted under.
    pub(super) fn follow(&mut self, raw: &[u8], within: &Object<'_>) -> Result<Object<'s>, FormatError> {
        let (id, compressed) = (within.id, within.compressed);
        let mut object = Object { id, value: Cow::Owned(raw.to_vec()), stream_at: None, compressed };
        for _ in 0..REFERENCE_HOPS_MAX {
            match lexer::reference(&object.value) {
                None => return Ok(object),
                Some(id) => object = self.object(id)?,
            }
        }
        Err(damaged("references in it lead in a circle"))
    }

    /// The value of a key, resolved; `None` if it is absent or null.
    pub(super) fn get<'a>(
        &mut self,
        dictionary: &Dictionary<'a>,
        key: &str,
    ) -> Result<Option<Cow<'a, [u8]>>, FormatError>
    where
        's: 'a,
    {
        let Some(raw) = dictionary.get(key) else { return Ok(None) };
        self.resolve(raw).map(|value| (&*value != b"null").then_some(value))
    }

    /// A view of a value that has to be a dictionary.
    pub(super) fn dictionary<'a>(&self, raw: &'a [u8]) -> Result<Dictionary<'a>, FormatError> {
        Dictionary::new(raw).ok_or_else(|| damaged("it lacks a dictionary where there has to be one"))
    }

    /// The plain bytes of a string that stands in this object.
    pub(super) fn string(&self, raw: &[u8], object: &Object<'_>) -> Result<Vec<u8>, FormatError> {
        let bytes = lexer::string(raw).ok_or_else(|| damaged("it lacks a string where there has to be one"))?;
        match &self.crypt {
            // What lies in an object stream is encrypted with the stream, not by itself.
            Some(crypt) if !object.compressed => crypt.decrypt_string(object.id, &bytes),
            _ => Ok(bytes),
        }
    }

    /// The texts in the array that the raw value in `within` is or refers to.
    pub(super) fn texts(&mut self, raw: &[u8], within: &Object<'_>) -> Result<Vec<String>, FormatError> {
        let list = self.follow(raw, within)?;
        let (mut texts, mut bytes) = (Vec::new(), 0);
        for item in lexer::items(&list.value).into_iter().flatten() {
            let text = self.follow(item, &list)?;
            bytes += text.value.len();
            if bytes > TEXTS_BYTES_MAX {
                return Err(unsupported("a list of names in it is too long".into()));
            }
            texts.push(lexer::decode_text(&self.string(&text.value, &text)?));
        }
        Ok(texts)
    }

    fn compressed(&mut self, id: Reference, number: u32, index: u32) -> Result<Object<'s>, FormatError> {
        let broken = || damaged("an object is not in the object stream where it should be");
        let stream = self.object_stream(number)?;
        let hinted = stream.index.get(index as usize).filter(|(number, _)| *number == id.number);
        let entry = hinted.or_else(|| stream.index.iter().find(|(number, _)| *number == id.number));
        let &(_, offset) = entry.ok_or_else(broken)?;
        let start = lexer::skip_blank(&stream.data, offset);
        let end = lexer::value_end(&stream.data, start).map_err(|_| broken())?;
        self.window.charge(end - start)?;
        Ok(Object { id, value: Cow::Owned(stream.data[start..end].to_vec()), stream_at: None, compressed: true })
    }

    fn object_stream(&mut self, number: u32) -> Result<Rc<ObjectStream>, FormatError> {
        let broken = || damaged("one of its object streams is malformed");
        let Place::Offset { offset, generation } = self.chain.find(&self.window, number)? else { return Err(broken()) };
        if let Some(stream) = self.streams.iter().find(|stream| stream.offset == offset) {
            return Ok(Rc::clone(stream));
        }
        let object = self.window.object(offset, Some(Reference { number, generation }))?;
        let dictionary = self.dictionary(&object.value)?;
        let (Some(data_at), Some(b"ObjStm")) = (object.stream_at, dictionary.name("Type").as_deref()) else {
            return Err(broken());
        };
        // Not `get`: a length inside this very stream would never end.
        let length = match dictionary.get("Length").ok_or_else(broken)? {
            raw if lexer::reference(raw).is_none() => lexer::integer(raw),
            raw => {
                let id = lexer::reference(raw).ok_or_else(broken)?;
                match self.chain.find(&self.window, id.number)? {
                    Place::Offset { offset, .. } => lexer::integer(&self.window.object(offset, Some(id))?.value),
                    _ => None,
                }
            }
        };
        let length = length.and_then(|length| usize::try_from(length).ok()).ok_or_else(broken)?;
        if length > OBJECT_STREAM_BYTES_MAX {
            return Err(unsupported("one of its object streams is too long".into()));
        }
        let mut data = self.window.bytes(data_at, length)?;
        if let Some(crypt) = &self.crypt {
            data = Cow::Owned(crypt.decrypt_stream(object.id, &data)?);
        }
        let data = filter::decode(&dictionary, &data, OBJECT_STREAM_BYTES_MAX)?;
        if data.len() >= OBJECT_STREAM_BYTES_MAX {
            return Err(unsupported("one of its object streams is too long when decompressed".into()));
        }
        self.decoded = self.decoded.saturating_add(data.len());
        if self.decoded > DECODED_BYTES_MAX {
            return Err(unsupported("reading its compressed parts takes too long".into()));
        }
        let count = dictionary.integer("N").and_then(|count| usize::try_from(count).ok()).ok_or_else(broken)?;
        let first = dictionary.integer("First").and_then(|first| usize::try_from(first).ok()).ok_or_else(broken)?;
        // Two numbers and two blanks are the least that an object takes.
        let mut index = Vec::with_capacity(count.min(data.len() / 4));
        let mut next = 0;
        for _ in 0..count {
            let (number, end) = lexer::unsigned(&data, next).ok_or_else(broken)?;
            let (offset, end) = lexer::unsigned(&data, end).ok_or_else(broken)?;
            next = end;
            let number = u32::try_from(number).map_err(|_| broken())?;
            let offset =
                usize::try_from(offset).ok().and_then(|offset| offset.checked_add(first)).ok_or_else(broken)?;
            index.push((number, offset));
        }
        let kept = |streams: &[Rc<ObjectStream>]| streams.iter().map(|stream| stream.data.len()).sum::<usize>();
        while self.streams.len() >= OBJECT_STREAMS_KEPT
            || (!self.streams.is_empty() && kept(&self.streams) + data.len() > OBJECT_STREAM_BYTES_MAX)
        {
            self.streams.remove(0);
        }
        let stream = Rc::new(ObjectStream { offset, index, data });
        self.streams.push(Rc::clone(&stream));
        Ok(stream)
    }
}

/// The number after the last `startxref`, and whether the file ends with a line end.
fn start_of_chain(file: &Window<'_>, unfinished: bool) -> Result<(u64, bool), FormatError> {
    let incomplete = || {
        FormatError::document(
            "pdf-incomplete",
            "the PDF has no end; it was probably cut off while it was written or sent",
        )
    };
    for length in TAIL_BYTES {
        let from = file.len().saturating_sub(length as u64);
        let tail = file.bytes(from, length)?;
        let Some(at) = rfind(&tail, b"startxref") else { continue };
        let (start, end) = lexer::unsigned(&tail, at + 9).ok_or_else(incomplete)?;
        let after = &tail[end..];
        // Objects after the last end of file are a revision whose own end is missing.
        if !unfinished && (find(after, b" obj").is_some() || find(after, b"\nxref").is_some()) {
            return Err(incomplete());
        }
        let ends_with_line_end = matches!(tail.last(), Some(b'\n' | b'\r'));
        return Ok((start, ends_with_line_end));
    }
    Err(incomplete())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}
