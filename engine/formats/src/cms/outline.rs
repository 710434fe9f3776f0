//! Where the parts of a SignedData message lie in a document of any size. The content is passed over, never held; what
//! lies around it is small and handed out in memory. BER and DER alike.
//!
//! Foreign bytes: no recursion, no panic, bounded memory, two looks at each header of the content.

use super::identifiers::OID_SIGNED_DATA;
use super::reader::{CONSTRUCTED, Header};
use crate::der::{
    DerError, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, TAG_SET,
};
use crate::prepare::FormatError;
use crate::source::{Source, SourceError};
use model::limits::{CMS_AROUND_BYTES_MAX, DER_NESTING_MAX};
use std::ops::Range;

/// Enough for any identifier with any length octets that [`Header::read`] takes.
const HEADER_BYTES: u64 = 160;
/// How much is read ahead while headers of segments are passed over.
const WINDOW_BYTES: u64 = 32 * 1024;

/// A message, its content left out.
#[derive(Debug)]
pub(super) struct Outline {
    /// `version`, the whole INTEGER.
    pub version: Vec<u8>,
    /// `digestAlgorithms`, the whole SET.
    pub digest_algorithms: Vec<u8>,
    /// `encapContentInfo`, all of it.
    pub encapsulated: Range<u64>,
    /// `eContentType`, the whole OBJECT IDENTIFIER.
    pub content_type: Vec<u8>,
    /// `eContent`. `None`: detached.
    pub content: Option<Content>,
    /// `certificates`, `crls` and `signerInfos`, one behind the other.
    pub rest: Vec<u8>,
    /// Where the message ends.
    pub end: u64,
}

/// Where the content of a message lies, however many segments it has.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// The contents octets of the value.
    value: Range<u64>,
    /// They are segments, which may have segments again (X.690 8.7).
    segmented: bool,
}

/// Why a message cannot be outlined.
#[derive(Debug)]
pub(super) enum Fault {
    Encoding(DerError),
    Source(SourceError),
}

impl From<DerError> for Fault {
    fn from(error: DerError) -> Self {
        Fault::Encoding(error)
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Fault::Source(error)
    }
}

impl From<Fault> for FormatError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Encoding(error) => unreadable(error),
            Fault::Source(error) => FormatError::Source(error),
        }
    }
}

/// The document is no message that can be worked on.
pub(super) fn unreadable(error: DerError) -> FormatError {
    FormatError::document("cms-unreadable", format!("the file is not a CMS signature that can be read: {error}"))
}

impl Outline {
    /// Reads a message. Bytes behind it are ignored.
    pub(super) fn read(source: &dyn Source) -> Result<Self, Fault> {
        let mut stream = Stream::new(source);
        let mut outer = stream.open(0, source.len(), TAG_SEQUENCE)?;
        let kind = stream.expect(&mut outer, TAG_OID)?;
        if stream.bytes(&kind.raw)? != OID_SIGNED_DATA {
            return Err(DerError::UnexpectedTag.into());
        }
        let explicit = stream.open(outer.at, outer.end, TAG_CONTEXT_0)?;
        let mut body = stream.open(explicit.at, explicit.end, TAG_SEQUENCE)?;
        let version = stream.expect(&mut body, TAG_INTEGER)?.raw;
        let version = stream.bytes(&version)?;
        let digest_algorithms = stream.expect(&mut body, TAG_SET)?.raw;
        let digest_algorithms = stream.bytes(&digest_algorithms)?;

        let start = body.at;
        let mut encapsulated = stream.open(body.at, body.end, TAG_SEQUENCE)?;
        let content_type = stream.expect(&mut encapsulated, TAG_OID)?.raw;
        let content_type = stream.bytes(&content_type)?;
        let mut content = None;
        if stream.peek(&encapsulated)? == Some(TAG_CONTEXT_0) {
            let mut explicit = stream.open(encapsulated.at, encapsulated.end, TAG_CONTEXT_0)?;
            content = Some(stream.content(&mut explicit)?);
            encapsulated.at = stream.close(explicit)?;
        }
        body.at = stream.close(encapsulated)?;
        let encapsulated = start..body.at;

        for tag in [TAG_CONTEXT_0, TAG_CONTEXT_1] {
            if stream.peek(&body)? == Some(tag) {
                stream.expect(&mut body, tag)?;
            }
        }
        stream.expect(&mut body, TAG_SET)?;
        let rest = stream.bytes(&(encapsulated.end..body.at))?;
        let behind = body.at;
        let end = match stream.end_of(outer, explicit, body) {
            Ok(end) => end,
            Err(Fault::Encoding(_)) => behind, // what nobody reads may be odd
            Err(fault) => return Err(fault),
        };
        Ok(Self { version, digest_algorithms, encapsulated, content_type, content, rest, end })
    }
}

impl Content {
    /// Calls `visit` with the range of each piece of the content, in order.
    pub(super) fn each<E: From<Fault>>(
        &self,
        source: &dyn Source,
        mut visit: impl FnMut(Range<u64>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.segmented {
            return visit(self.value.clone());
        }
        let level = Level { at: self.value.start, end: self.value.end, indefinite: false };
        Stream::new(source).segments(level, visit).map(drop)
    }
}

/// One value.
struct Element {
    raw: Range<u64>,
}

/// The contents of a value that is being read.
struct Level {
    at: u64,
    /// Where it ends; where it must have ended if it is indefinite.
    end: u64,
    indefinite: bool,
}

/// Reads headers of a document through a window.
struct Stream<'a> {
    source: &'a dyn Source,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Stream<'a> {
    fn new(source: &'a dyn Source) -> Self {
        Self { source, window: Vec::new(), window_at: 0 }
    }

    /// Tag, length of the contents (`None`: indefinite) and where they begin.
    fn header(&mut self, at: u64, end: u64) -> Result<(u8, Option<u64>, u64), Fault> {
        let wanted = end.saturating_sub(at).min(HEADER_BYTES);
        let held = self.window_at + self.window.len() as u64;
        if self.source.as_slice().is_none() && (at < self.window_at || at + wanted > held) {
            let length = self.source.len().saturating_sub(at).min(WINDOW_BYTES);
            self.window.resize(length as usize, 0);
            self.source.read_exact_at(at, &mut self.window)?;
            self.window_at = at;
        }
        let (bytes, from) = match self.source.as_slice() {
            Some(all) => (all, at),
            None => (self.window.as_slice(), at - self.window_at),
        };
        let from = usize::try_from(from).map_err(|_| DerError::Truncated)?;
        let header = Header::read(bytes, from, from.saturating_add(wanted as usize).min(bytes.len()))?;
        Ok((header.tag, header.length.map(|length| length as u64), at + (header.value_at - from) as u64))
    }

    fn bytes(&self, range: &Range<u64>) -> Result<Vec<u8>, Fault> {
        let length = range.end.saturating_sub(range.start);
        if length > CMS_AROUND_BYTES_MAX {
            return Err(DerError::TooMany.into());
        }
        let mut bytes = vec![0; length as usize];
        self.source.read_exact_at(range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// Goes into the value at `at`, which must have this (constructed) tag.
    fn open(&mut self, at: u64, end: u64, tag: u8) -> Result<Level, Fault> {
        let (found, length, value_at) = self.header(at, end)?;
        if found != tag {
            return Err(DerError::UnexpectedTag.into());
        }
        self.level(value_at, length, end)
    }

    fn level(&self, value_at: u64, length: Option<u64>, end: u64) -> Result<Level, Fault> {
        Ok(match length {
            Some(length) => Level { at: value_at, end: inner_end(value_at, length, end)?, indefinite: false },
            None => Level { at: value_at, end, indefinite: true },
        })
    }

    /// Whether nothing is left on a level; its end-of-contents octets are not passed.
    fn at_end(&mut self, level: &Level) -> Result<bool, Fault> {
        if !level.indefinite {
            return Ok(level.at == level.end);
        }
        // End-of-contents octets are a universal 0 of length 0 (X.690 8.1.5).
        let (tag, length, value_at) = self.header(level.at, level.end)?;
        Ok(tag == 0 && length == Some(0) && value_at == level.at + 2)
    }

    /// The tag of the next value on a level.
    fn peek(&mut self, level: &Level) -> Result<Option<u8>, Fault> {
        if self.at_end(level)? { Ok(None) } else { Ok(Some(self.header(level.at, level.end)?.0)) }
    }

    /// The end of the value whose contents these were, all of them read.
    fn close(&mut self, level: Level) -> Result<u64, Fault> {
        match (self.at_end(&level)?, level.indefinite) {
            (true, false) => Ok(level.end),
            (true, true) => Ok(level.at + 2),
            (false, _) => Err(DerError::Malformed.into()),
        }
    }

    /// The end of the outermost of three values in each other, whose innermost has been read.
    fn end_of(&mut self, mut outer: Level, mut middle: Level, inner: Level) -> Result<u64, Fault> {
        if !outer.indefinite {
            return Ok(outer.end);
        }
        middle.at = self.close(inner)?;
        outer.at = self.close(middle)?;
        self.close(outer)
    }

    /// The next value on a level, which must have this tag.
    fn expect(&mut self, level: &mut Level, tag: u8) -> Result<Element, Fault> {
        if self.at_end(level)? {
            return Err(DerError::Truncated.into());
        }
        let (found, length, value_at) = self.header(level.at, level.end)?;
        if found != tag {
            return Err(DerError::UnexpectedTag.into());
        }
        let end = match length {
            Some(length) => inner_end(value_at, length, level.end)?,
            None => self.skip(Level { at: value_at, end: level.end, indefinite: true })?,
        };
        let raw = level.at..end;
        level.at = end;
        Ok(Element { raw })
    }

    /// The end of a value of indefinite length.
    fn skip(&mut self, level: Level) -> Result<u64, Fault> {
        let (mut at, end) = (level.at, level.end);
        let mut open = 1;
        while open > 0 {
            if self.at_end(&Level { at, end, indefinite: true })? {
                open -= 1;
                at += 2;
                continue;
            }
            let (_, length, value_at) = self.header(at, end)?;
            at = match length {
                Some(length) => inner_end(value_at, length, end)?,
                None if open == DER_NESTING_MAX => return Err(DerError::TooDeep.into()),
                None => {
                    open += 1;
                    value_at
                }
            };
        }
        Ok(at)
    }

    /// `eContent`: an OCTET STRING; in PKCS#7 1.5 any value, of which the contents octets are signed.
    fn content(&mut self, explicit: &mut Level) -> Result<Content, Fault> {
        if self.at_end(explicit)? {
            return Err(DerError::Truncated.into());
        }
        let (tag, length, value_at) = self.header(explicit.at, explicit.end)?;
        let segmented = tag == TAG_OCTET_STRING | CONSTRUCTED;
        let level = self.level(value_at, length, explicit.end)?;
        let indefinite = level.indefinite;
        let end = if segmented {
            self.segments(level, |_| Ok::<(), Fault>(()))?
        } else if indefinite {
            self.skip(level)?
        } else {
            level.end
        };
        explicit.at = end;
        Ok(Content { value: value_at..if indefinite { end - 2 } else { end }, segmented })
    }

    /// Visits the segments of a constructed OCTET STRING; gives the end of the value.
    fn segments<E: From<Fault>>(
        &mut self,
        string: Level,
        mut visit: impl FnMut(Range<u64>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let fault = |error: DerError| E::from(Fault::Encoding(error));
        let mut levels = vec![string];
        loop {
            let depth = levels.len();
            let Some(level) = levels.last_mut() else { return Err(fault(DerError::Malformed)) };
            if self.at_end(level).map_err(E::from)? {
                let Some(level) = levels.pop() else { return Err(fault(DerError::Malformed)) };
                let end = self.close(level).map_err(E::from)?;
                match levels.last_mut() {
                    Some(above) => above.at = end,
                    None => return Ok(end),
                }
                continue;
            }
            let (tag, length, value_at) = self.header(level.at, level.end).map_err(E::from)?;
            match (tag, length) {
                (TAG_OCTET_STRING, Some(length)) => {
                    let end = inner_end(value_at, length, level.end).map_err(fault)?;
                    level.at = end;
                    if value_at < end {
                        visit(value_at..end)?;
                    }
                }
                (tag, length) if tag == TAG_OCTET_STRING | CONSTRUCTED => {
                    if depth >= DER_NESTING_MAX {
                        return Err(fault(DerError::TooDeep));
                    }
                    let inner = self.level(value_at, length, level.end).map_err(E::from)?;
                    levels.push(inner);
                }
                _ => return Err(fault(DerError::UnexpectedTag)),
            }
        }
    }
}

fn inner_end(value_at: u64, length: u64, end: u64) -> Result<u64, DerError> {
    value_at.checked_add(length).filter(|&inner| inner <= end).ok_or(DerError::Truncated)
}
