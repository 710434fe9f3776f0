//! The outer encoding of an envelope, which may be BER with indefinite lengths and a content of any size: a cursor over
//! a document that holds little of it, and the pieces that the content consists of.
//!
//! Foreign bytes: bounded depth, bounded memory, no panic. Everything but the content is handed out in memory, in
//! definite form, so that the strict reader of [`crate::der`] can read it.

use crate::der::{DerError, Reader, TAG_OCTET_STRING, write_header};
use crate::prepare::FormatError;
use crate::source::Source;
use model::limits::{DER_NESTING_MAX, ENVELOPE_AROUND_BYTES_MAX};
use std::ops::Range;

const CONSTRUCTED: u8 = 0x20;
/// OCTET STRING in pieces.
const SEGMENTED: u8 = TAG_OCTET_STRING | CONSTRUCTED;
/// Longest identifier and length octets that are read; BER allows any number of leading zeros in a length.
const HEADER_BYTES_MAX: usize = 32;
/// How much of the document is held around the cursor.
const WINDOW_BYTES: u64 = 32 * 1024;

/// Identifier and length (X.690 8.1.2, 8.1.3).
struct Header {
    tag: u8,
    /// `None`: indefinite.
    length: Option<u64>,
    /// How many bytes they take.
    bytes: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, DerError> {
        let mut octets = bytes.iter().copied().take(HEADER_BYTES_MAX);
        let mut next = || octets.next().ok_or(DerError::Truncated);
        let tag = next()?;
        if tag & 0x1f == 0x1f {
            return Err(DerError::Malformed); // high tag numbers mean nothing here
        }
        let (length, more) = match next()? {
            short @ 0..=0x7f => (Some(u64::from(short)), 0),
            0x80 if tag & CONSTRUCTED != 0 => (None, 0),
            0x80 | 0xff => return Err(DerError::Malformed),
            long => {
                let mut length = 0_u64;
                for _ in 0..long & 0x7f {
                    length = length.checked_mul(256).ok_or(DerError::Truncated)? + u64::from(next()?);
                }
                (Some(length), usize::from(long & 0x7f))
            }
        };
        Ok(Self { tag, length, bytes: 2 + more })
    }
}

fn unreadable(error: DerError) -> FormatError {
    super::reader::unreadable(error)
}

/// A cursor over a document. It stands on one level at a time: that of the values inside the last one entered.
pub(super) struct Cursor<'s> {
    source: &'s dyn Source,
    at: u64,
    /// Where the levels end; `None` is where their end-of-contents octets are.
    levels: Vec<Option<u64>>,
    window: Vec<u8>,
    window_at: u64,
}

impl<'s> Cursor<'s> {
    /// At the first of the values in this part of a document.
    pub(super) fn new(source: &'s dyn Source, range: Range<u64>) -> Self {
        Self { source, at: range.start, levels: vec![Some(range.end)], window: Vec::new(), window_at: 0 }
    }

    /// The nearest end that is known.
    fn limit(&self) -> u64 {
        self.levels.iter().rev().flatten().next().copied().unwrap_or(0)
    }

    /// Bytes from the cursor on, at most as many as a header has, within what is known to be there.
    fn look(&mut self) -> Result<&[u8], FormatError> {
        let wanted = self.limit().saturating_sub(self.at).min(HEADER_BYTES_MAX as u64);
        let held = self.window_at.saturating_add(self.window.len() as u64);
        if self.at < self.window_at || self.at.saturating_add(wanted) > held {
            let length = self.source.len().saturating_sub(self.at).min(WINDOW_BYTES);
            self.window.resize(length as usize, 0);
            self.source.read_exact_at(self.at, &mut self.window)?;
            self.window_at = self.at;
        }
        let from = (self.at - self.window_at) as usize;
        Ok(self.window.get(from..from + wanted as usize).unwrap_or_default())
    }

    fn header(&mut self) -> Result<Header, FormatError> {
        Header::read(self.look()?).map_err(unreadable)
    }

    /// Whether the level has no more values.
    pub(super) fn at_end(&mut self) -> Result<bool, FormatError> {
        Ok(match self.levels.last() {
            Some(Some(end)) => self.at == *end,
            _ => self.look()?.starts_with(&[0, 0]),
        })
    }

    /// The tag of the next value; `None` at the end of the level.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, FormatError> {
        if self.at_end()? { Ok(None) } else { Ok(Some(self.header()?.tag)) }
    }

    /// Goes into the next value, which must have this (constructed) tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<(), FormatError> {
        if self.peek()? != Some(tag) || tag & CONSTRUCTED == 0 {
            return Err(unreadable(DerError::UnexpectedTag));
        }
        if self.levels.len() >= DER_NESTING_MAX {
            return Err(unreadable(DerError::TooDeep));
        }
        let header = self.header()?;
        self.at += header.bytes as u64;
        let end = header.length.map(|length| self.end_of(length)).transpose()?;
        self.levels.push(end);
        Ok(())
    }

    /// Leaves a value of which everything has been read.
    pub(super) fn leave(&mut self) -> Result<(), FormatError> {
        if !self.at_end()? {
            return Err(unreadable(DerError::Malformed));
        }
        if self.levels.pop() == Some(None) {
            self.at += 2;
        }
        Ok(())
    }

    fn end_of(&self, length: u64) -> Result<u64, FormatError> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.limit());
        end.ok_or_else(|| unreadable(DerError::Truncated))
    }

    /// Passes the next value; gives where it lies, end-of-contents octets included.
    fn skip(&mut self) -> Result<Range<u64>, FormatError> {
        let start = self.at;
        let mut open = 0;
        loop {
            if open > 0 && self.look()?.starts_with(&[0, 0]) {
                open -= 1;
                self.at += 2;
            } else {
                let header = self.header()?;
                self.at += header.bytes as u64;
                match header.length {
                    Some(length) => self.at = self.end_of(length)?,
                    None if open == DER_NESTING_MAX => return Err(unreadable(DerError::TooDeep)),
                    None => open += 1,
                }
            }
            if open == 0 {
                return Ok(start..self.at);
            }
        }
    }

    /// Takes the next value into memory, in definite form.
    pub(super) fn read(&mut self) -> Result<Vec<u8>, FormatError> {
        if self.at_end()? {
            return Err(unreadable(DerError::Truncated));
        }
        let range = self.skip()?;
        let length = range.end - range.start;
        if length > ENVELOPE_AROUND_BYTES_MAX {
            return Err(unreadable(DerError::TooMany));
        }
        let mut bytes = vec![0; length as usize];
        self.source.read_exact_at(range.start, &mut bytes)?;
        let mut definite = Vec::with_capacity(bytes.len());
        let rest = recode(&bytes, DER_NESTING_MAX, &mut definite).map_err(unreadable)?;
        if rest.is_empty() { Ok(definite) } else { Err(unreadable(DerError::Malformed)) }
    }

    /// As [`Cursor::read`], if the next value has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Vec<u8>>, FormatError> {
        if self.peek()? == Some(tag) { self.read().map(Some) } else { Ok(None) }
    }

    /// Passes an OCTET STRING with the implicit tag `[number]`, without reading what is in it.
    pub(super) fn octets(&mut self, number: u8) -> Result<Octets, FormatError> {
        let header = self.header()?;
        let indefinite = header.length.is_none();
        let constructed = match header.tag ^ (0x80 | number) {
            0 => false,
            CONSTRUCTED => true,
            _ => return Err(unreadable(DerError::UnexpectedTag)),
        };
        let start = self.at + header.bytes as u64;
        let end = self.skip()?.end;
        Ok(Octets { range: start..if indefinite { end - 2 } else { end }, constructed })
    }
}

/// Where the octets of a string lie that may be in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Octets {
    range: Range<u64>,
    constructed: bool,
}

impl Octets {
    /// The pieces that it consists of.
    pub(super) fn pieces<'s>(&self, source: &'s dyn Source) -> Pieces<'s> {
        let whole = (!self.constructed).then(|| self.range.clone());
        Pieces { whole, cursor: Cursor::new(source, if self.constructed { self.range.clone() } else { 0..0 }) }
    }
}

/// The pieces of a string, in order.
pub(super) struct Pieces<'s> {
    whole: Option<Range<u64>>,
    cursor: Cursor<'s>,
}

impl Pieces<'_> {
    /// The next piece; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Range<u64>>, FormatError> {
        if let Some(whole) = self.whole.take() {
            return Ok(Some(whole));
        }
        let cursor = &mut self.cursor;
        loop {
            match cursor.peek()? {
                None if cursor.levels.len() == 1 => return Ok(None),
                None => cursor.leave()?,
                Some(SEGMENTED) => cursor.enter(SEGMENTED)?,
                Some(TAG_OCTET_STRING) => {
                    let header = cursor.header()?.bytes as u64;
                    let piece = cursor.skip()?;
                    return Ok(Some(piece.start + header..piece.end));
                }
                Some(_) => return Err(unreadable(DerError::UnexpectedTag)),
            }
        }
    }
}

/// Writes the value at the front in definite form, a string in pieces as one; gives what is left behind it.
fn recode<'a>(bytes: &'a [u8], depth: usize, out: &mut Vec<u8>) -> Result<&'a [u8], DerError> {
    let header = Header::read(bytes)?;
    let rest = bytes.get(header.bytes..).ok_or(DerError::Truncated)?;
    let definite = header.length.map(|length| {
        let length = usize::try_from(length).map_err(|_| DerError::Truncated)?;
        rest.split_at_checked(length).ok_or(DerError::Truncated)
    });
    let definite = definite.transpose()?;
    if header.tag & CONSTRUCTED == 0 {
        let (value, rest) = definite.ok_or(DerError::Malformed)?;
        write_header(out, header.tag, value.len() as u64);
        out.extend_from_slice(value);
        return Ok(rest);
    }
    let depth = depth.checked_sub(1).ok_or(DerError::TooDeep)?;
    let mut inner = Vec::new();
    let rest = match definite {
        Some((mut value, rest)) => {
            while !value.is_empty() {
                value = recode(value, depth, &mut inner)?;
            }
            rest
        }
        None => {
            let mut rest = rest;
            while !rest.starts_with(&[0, 0]) {
                rest = recode(rest, depth, &mut inner)?;
            }
            &rest[2..]
        }
    };
    let tag = if header.tag == SEGMENTED {
        inner = joined(&inner)?;
        TAG_OCTET_STRING
    } else {
        header.tag
    };
    write_header(out, tag, inner.len() as u64);
    out.extend_from_slice(&inner);
    Ok(rest)
}

fn joined(segments: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut joined = Vec::with_capacity(segments.len());
    let mut reader = Reader::new(segments);
    while !reader.is_empty() {
        joined.extend_from_slice(reader.expect(TAG_OCTET_STRING)?.value);
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pieces(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
        let source: &dyn Source = &bytes;
        let octets = Cursor::new(source, 0..source.len()).octets(0)?;
        let mut pieces = octets.pieces(source);
        let mut all = Vec::new();
        while let Some(piece) = pieces.next()? {
            all.extend_from_slice(&bytes[piece.start as usize..piece.end as usize]);
        }
        Ok(all)
    }

    #[test]
    fn a_string_is_read_whole_and_in_pieces_of_pieces() {
        assert_eq!(pieces(b"\x80\x03abc").unwrap(), b"abc");
        assert_eq!(pieces(b"\xa0\x07\x04\x01a\x04\x02bc").unwrap(), b"abc");
        assert_eq!(pieces(b"\xa0\x80\x04\x01a\x24\x80\x04\x01b\x24\x03\x04\x01c\0\0\x04\x00\0\0").unwrap(), b"abc");
        assert_eq!(pieces(b"\xa0\x80\0\0").unwrap(), b"");
        for bad in
            [&b"\x80\x04abc"[..], b"\xa0\x03\x04\x02a", b"\xa0\x80\x04\x01a", b"\xa0\x03\x02\x01a", b"\xa1\0", b"\x80"]
        {
            assert!(pieces(bad).is_err(), "{bad:02x?}");
        }
        assert!(pieces(&[b"\xa0\x80".to_vec(), b"\x24\x80".repeat(100_000)].concat()).is_err(), "depth is bounded");
    }

    #[test]
    fn values_are_brought_into_definite_form() {
        let recoded = |bytes: &[u8]| {
            let mut out = Vec::new();
            recode(bytes, DER_NESTING_MAX, &mut out).map(|rest| (out, rest.len()))
        };
        assert_eq!(
            recoded(b"\x30\x80\x24\x80\x04\x01a\x04\x01b\0\0\x02\x81\x01\x05\0\0x"),
            Ok((b"\x30\x07\x04\x02ab\x02\x01\x05".to_vec(), 1))
        );
        assert_eq!(recoded(&b"\x30\x80".repeat(100)), Err(DerError::TooDeep));
        assert_eq!(recoded(b"\x30\x80\x02\x01"), Err(DerError::Truncated));
        assert_eq!(recoded(b"\x04\x80a\0\0"), Err(DerError::Malformed));
    }
}
