//! The document's bytes, a piece at a time: borrowed if the document lies in memory, read if it does not. Offsets here count
//! from the `%PDF-` header, as those in the file do.

use super::lexer::{self, Fault, Reference};
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use crate::source::Source;
use model::limits::{PDF_NESTING_MAX, PDF_OBJECT_BYTES_MAX};
use std::borrow::Cow;
use std::cell::Cell;

/// First try for the length of an object; a longer one is read again, four times as much each time.
const OBJECT_BYTES_GUESS: usize = 1024;

/// Bytes of objects that are read from one document altogether: a form of 100 000 fields needs less, a file that refers to
/// one large object again and again would need more.
const OBJECTS_BYTES_MAX: usize = 128 * 1024 * 1024;

pub(super) struct Window<'s> {
    source: &'s dyn Source,
    whole: Option<&'s [u8]>,
    /// Where the header is.
    pub(super) base: u64,
    /// Bytes of objects read so far.
    read: Cell<usize>,
}

/// One indirect object as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Object<'s> {
    pub(super) id: Reference,
    /// Its raw value; of a stream, the dictionary.
    pub(super) value: Cow<'s, [u8]>,
    /// Where the data of a stream start.
    pub(super) stream_at: Option<u64>,
    /// Whether it lies in an object stream.
    pub(super) compressed: bool,
}

impl Object<'_> {
    /// Independent of the document that it was read from.
    pub(super) fn into_owned(self) -> Object<'static> {
        let Object { id, value, stream_at, compressed } = self;
        Object { id, value: Cow::Owned(value.into_owned()), stream_at, compressed }
    }
}

impl<'s> Window<'s> {
    pub(super) fn new(source: &'s dyn Source, base: u64) -> Self {
        Self { source, whole: source.as_slice(), base, read: Cell::new(0) }
    }

    /// Counts the bytes of an object that has been read, so that a small file cannot cost endless time or memory.
    pub(super) fn charge(&self, bytes: usize) -> Result<(), FormatError> {
        self.read.set(self.read.get().saturating_add(bytes));
        if self.read.get() > OBJECTS_BYTES_MAX {
            return Err(unsupported("reading its form and pages takes too much memory".into()));
        }
        Ok(())
    }

    /// Takes back a charge, for what the caller counts itself and does not keep.
    pub(super) fn uncharge(&self, bytes: usize) {
        self.read.set(self.read.get().saturating_sub(bytes));
    }

    /// Whether objects are refused because so many were read.
    pub(super) fn is_exhausted(&self) -> bool {
        self.read.get() > OBJECTS_BYTES_MAX
    }

    /// Length from the header to the end.
    pub(super) fn len(&self) -> u64 {
        self.source.len().saturating_sub(self.base)
    }

    /// The bytes from `offset` on, `length` or as many as there are. An offset beyond the end is an error.
    pub(super) fn bytes(&self, offset: u64, length: usize) -> Result<Cow<'s, [u8]>, FormatError> {
        let available = self.len().checked_sub(offset).filter(|available| *available > 0);
        let available =
            available.ok_or_else(|| damaged("it refers to places beyond its end; it may have been cut off"))?;
        let length = usize::try_from(available).map_or(length, |available| available.min(length));
        let position = self.base + offset;
        if let Some(whole) = self.whole {
            let start = usize::try_from(position).unwrap_or(usize::MAX);
            let bytes = whole.get(start..).and_then(|rest| rest.get(..length));
            return bytes.map(Cow::Borrowed).ok_or_else(|| damaged("it refers to places beyond its end"));
        }
        let mut buffer = vec![0; length];
        self.source.read_exact_at(position, &mut buffer)?;
        Ok(Cow::Owned(buffer))
    }

    /// The raw value that starts at `offset` or after blanks there.
    pub(super) fn value(&self, offset: u64) -> Result<Cow<'s, [u8]>, FormatError> {
        self.grow(offset, |bytes, complete| {
            let start = lexer::skip_blank(bytes, 0);
            let end = lexer::value_end(bytes, start)?;
            if end == bytes.len() && !complete { Err(Fault::Incomplete) } else { Ok((start, end, ())) }
        })
        .map(|(value, ())| value)
    }

    /// The object at `offset`, which must be the expected one.
    pub(super) fn object(&self, offset: u64, expected: Option<Reference>) -> Result<Object<'s>, FormatError> {
        let (value, (id, stream_at)) = self.grow(offset, |bytes, complete| {
            let missing = || if bytes.len() < 64 && !complete { Fault::Incomplete } else { Fault::Malformed };
            let (number, end) = lexer::unsigned(bytes, 0).ok_or_else(missing)?;
            let (generation, end) = lexer::unsigned(bytes, end).ok_or_else(missing)?;
            let keyword = lexer::skip_blank(bytes, end);
            if !bytes.get(keyword..).is_some_and(|rest| rest.starts_with(b"obj")) {
                return Err(missing());
            }
            let (Ok(number), Ok(generation)) = (u32::try_from(number), u16::try_from(generation)) else {
                return Err(Fault::Malformed);
            };
            let start = lexer::skip_blank(bytes, keyword + 3);
            let end = lexer::value_end(bytes, start)?;
            let after = lexer::skip_blank(bytes, end);
            let rest = bytes.get(after..).unwrap_or_default();
            if rest.len() < 8 && !complete {
                return Err(Fault::Incomplete);
            }
            let stream_at = rest.starts_with(b"stream").then(|| match rest.get(6..8) {
                Some(b"\r\n") => after + 8,
                Some([b'\n' | b'\r', _]) => after + 7,
                _ => after + 6,
            });
            if stream_at.is_none() && !rest.starts_with(b"endobj") {
                return Err(Fault::Malformed);
            }
            let id = Reference { number, generation };
            Ok((start, end, (id, stream_at.map(|at| offset + at as u64))))
        })?;
        self.charge(value.len())?;
        if expected.is_some_and(|expected| expected != id) {
            return Err(damaged("an object is not where the cross-reference table says it is"));
        }
        Ok(Object { id, value, stream_at, compressed: false })
    }

    /// Hands more and more bytes to `read` until it has enough of them; it answers a range of them and what else it
    /// found. Its second argument says that there are no more.
    fn grow<T>(
        &self,
        offset: u64,
        read: impl Fn(&[u8], bool) -> Result<(usize, usize, T), Fault>,
    ) -> Result<(Cow<'s, [u8]>, T), FormatError> {
        let mut length = if self.whole.is_some() { PDF_OBJECT_BYTES_MAX } else { OBJECT_BYTES_GUESS };
        loop {
            let bytes = self.bytes(offset, length)?;
            let complete = bytes.len() < length;
            match read(&bytes, complete) {
                Ok((start, end, found)) => {
                    let value = match bytes {
                        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[start..end]),
                        Cow::Owned(mut bytes) => {
                            bytes.truncate(end);
                            bytes.drain(..start);
                            Cow::Owned(bytes)
                        }
                    };
                    return Ok((value, found));
                }
                Err(Fault::Incomplete) if complete => return Err(damaged("it ends in the middle of an object")),
                Err(Fault::Incomplete) if length >= PDF_OBJECT_BYTES_MAX => {
                    let limit = PDF_OBJECT_BYTES_MAX / (1024 * 1024);
                    return Err(unsupported(format!("one of its objects is longer than {limit} MiB")));
                }
                Err(Fault::Incomplete) => length = (length * 4).min(PDF_OBJECT_BYTES_MAX),
                Err(Fault::Malformed) => {
                    return Err(damaged("an object is not where the cross-reference table says it is"));
                }
                Err(Fault::TooDeep) => {
                    return Err(unsupported(format!("its objects are nested deeper than {PDF_NESTING_MAX} levels")));
                }
            }
        }
    }
}
