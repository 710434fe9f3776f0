//! A MIME entity as it was received: header fields, content type, transfer encoding, parts (RFC 2045, RFC 2046,
//! RFC 5322), each a range of the bytes that came in, because signatures are over exactly these.
//!
//! Reads what real programs send, and says where readers would not agree about it. Never decodes text.

use super::parameters::{self, ContentType};
use model::limits::{MAIL_FIELDS_MAX, MAIL_HEADER_BYTES_MAX};
use std::borrow::Cow;

/// Why something cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MimeError {
    /// More header fields than anybody sends.
    #[error("it has more than {MAIL_FIELDS_MAX} header fields")]
    Fields,
    /// A longer header than anybody sends.
    #[error("its header is longer than {MAIL_HEADER_BYTES_MAX} bytes")]
    Header,
}

/// One header field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    /// As received, with its folds.
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// On one line (RFC 5322 section 2.2.3).
    pub(super) fn unfolded(&self) -> Cow<'a, [u8]> {
        if !self.value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            return Cow::Borrowed(self.value.trim_ascii());
        }
        let kept: Vec<u8> = self.value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
        Cow::Owned(kept.trim_ascii().to_vec())
    }
}

/// An entity.
#[derive(Debug)]
pub(super) struct Entity<'a> {
    fields: Vec<Field<'a>>,
    /// What stands behind the header and the empty line.
    pub(super) body: &'a [u8],
    /// The header is followed by something that is no header field, without an empty line between.
    pub(super) torn: bool,
}

impl<'a> Entity<'a> {
    /// Reads the header.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, MimeError> {
        let (mut fields, mut at, mut torn) = (Vec::<Field<'a>>::new(), 0, false);
        let mut value_at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let line = line(rest);
            if at + line.len() > MAIL_HEADER_BYTES_MAX {
                return Err(MimeError::Header);
            }
            let text = without_end(line);
            if line.is_empty() || text.is_empty() {
                at += line.len();
                break;
            }
            if let (Some(b' ' | b'\t'), Some(last)) = (text.first(), fields.last_mut()) {
                last.value = bytes.get(value_at..at + line.len()).unwrap_or_default();
                at += line.len();
                continue;
            }
            match field(line) {
                Some(_) if fields.len() == MAIL_FIELDS_MAX => return Err(MimeError::Fields),
                Some(found) => {
                    value_at = at + line.len() - found.value.len();
                    fields.push(found);
                }
                // The line that mailbox files and HTTP put in front.
                None if fields.is_empty() && is_preface(text) => {}
                None => {
                    torn = true;
                    break;
                }
            }
            at += line.len();
        }
        Ok(Self { fields, body: bytes.get(at..).unwrap_or_default(), torn })
    }

    /// The fields of this name, in order.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = Field<'a>> + 'e {
        self.fields.iter().copied().filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The first field of this name, on one line.
    pub(super) fn first(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.all(name).next().map(|field| field.unfolded())
    }

    /// Whether a field that may be there once is there several times, or says one thing twice: readers choose
    /// differently.
    pub(super) fn is_ambiguous(&self) -> bool {
        let twice = |name| self.all(name).nth(1).is_some();
        ["content-type", "content-transfer-encoding"].into_iter().any(twice) || self.content_type().twice
    }

    /// Its type; `text/plain` if it has none that can be read (RFC 2045 section 5.2).
    pub(super) fn content_type(&self) -> ContentType {
        self.first("content-type").map(|value| parameters::content_type(&value)).unwrap_or_default()
    }

    /// What a program would call it when it is saved.
    pub(super) fn file_name(&self) -> Option<String> {
        let disposition = self.first("content-disposition").map(|value| parameters::content_type(&value));
        disposition.and_then(|found| found.parameter("filename")).or_else(|| self.content_type().parameter("name"))
    }

    /// Its transfer encoding, in lower case.
    pub(super) fn transfer_encoding(&self) -> String {
        let value = self.first("content-transfer-encoding").unwrap_or_default();
        String::from_utf8_lossy(&value).trim().to_ascii_lowercase()
    }
}

fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at(colon);
    let name = name.trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte));
    is_name.then(|| Field { name, value: value.get(1..).unwrap_or_default() })
}

fn is_preface(line: &[u8]) -> bool {
    line.starts_with(b"From ")
        || line.starts_with(b">From ")
        || line.starts_with(b"POST ")
        || line.starts_with(b"HTTP/")
}

/// The first line with its end: CR LF or LF.
pub(super) fn line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(..end).unwrap_or_default()
}

pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A multipart body taken apart (RFC 2046 section 5.1).
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) parts: Vec<Part<'a>>,
    /// The closing delimiter is there.
    pub(super) closed: bool,
    /// There are more than were asked for.
    pub(super) more: bool,
}

/// One part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Without the line end before the delimiter, which belongs to that.
    pub(super) bytes: &'a [u8],
    /// With it.
    pub(super) with_line_end: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Finds at most `most` parts.
    pub(super) fn split(body: &'a [u8], boundary: &[u8], most: usize) -> Self {
        let mut found = Self::default();
        let (mut at, mut start) = (0, None);
        loop {
            let line = line(body.get(at..).unwrap_or_default());
            let delimiter = delimiter(line, boundary);
            if let (Some(from), true) = (start, delimiter.is_some() || line.is_empty()) {
                let with_line_end = body.get(from..at).unwrap_or_default();
                let bytes = if delimiter.is_some() { without_end(with_line_end) } else { with_line_end };
                if found.parts.len() == most {
                    found.more = true;
                    return found;
                }
                found.parts.push(Part { bytes, with_line_end });
            }
            at += line.len();
            match delimiter {
                Some(true) => {
                    found.closed = true;
                    return found;
                }
                Some(false) => start = Some(at),
                None if line.is_empty() => return found,
                None => {}
            }
        }
    }
}

/// Whether a line is a delimiter, and if so whether the closing one.
fn delimiter(line: &[u8], boundary: &[u8]) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    let (closing, rest) = rest.strip_prefix(b"--").map_or((false, rest), |rest| (true, rest));
    rest.trim_ascii().is_empty().then_some(closing)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_are_unfolded_and_the_body_begins_behind_the_empty_line() {
        let entity = Entity::read(b"Subject: a\r\n  b\r\nX:\r\nContent-Type : Text/HTML; x=y\r\n\r\nbody").unwrap();
        assert_eq!(entity.first("subject").unwrap().as_ref(), b"a  b");
        assert_eq!(entity.first("x").unwrap().as_ref(), b"");
        assert!(entity.content_type().is("text/html"));
        assert_eq!((entity.body, entity.torn), (&b"body"[..], false));
        let bare = Entity::read(b"\nbody").unwrap();
        assert_eq!((bare.body, bare.torn), (&b"body"[..], false));
        let torn = Entity::read(b"A: b\nno field here\n\nbody").unwrap();
        assert_eq!((torn.body, torn.torn), (&b"no field here\n\nbody"[..], true));
    }

    #[test]
    fn floods_of_fields_are_refused() {
        assert_eq!(Entity::read(&b"A: b\n".repeat(MAIL_FIELDS_MAX + 1)).unwrap_err(), MimeError::Fields);
        let long = [b"A: ".to_vec(), vec![b'x'; MAIL_HEADER_BYTES_MAX]].concat();
        assert_eq!(Entity::read(&long).unwrap_err(), MimeError::Header);
    }

    #[test]
    fn the_line_end_before_a_delimiter_is_not_of_the_part() {
        let check = |body: &[u8], expected: &[&[u8]], closed| {
            let found = Parts::split(body, b"b", 10);
            let parts: Vec<_> = found.parts.iter().map(|part| part.bytes).collect();
            assert_eq!((parts, found.closed), (expected.to_vec(), closed), "{}", body.escape_ascii());
        };
        check(b"pre\r\n--b\r\none\r\n\r\n--b  \r\n--b--\r\npost", &[b"one\r\n", b""], true);
        check(b"--b\none\n--b\ntwo\n--b--", &[b"one", b"two"], true);
        check(b"--b\none\n--bc\n--b\ntwo\n", &[b"one\n--bc", b"two\n"], false);
        check(b"--b--", &[], true);
        check(b"nothing", &[], false);
        assert!(Parts::split(b"--b\n--b\n--b\n--b--", b"b", 2).more);
    }
}
