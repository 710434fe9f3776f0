//! Goes through a CRL piece by piece. Never more than one window and one entry of it are in memory.

use super::{Crl, CrlFault, Entry, Scope, number};
use crate::cms::certificate::extensions::{authority_key_id, distribution_points, each, find, oid};
use crate::der::{
    DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_GENERALIZED_TIME, TAG_INTEGER, TAG_SEQUENCE, TAG_UTC_TIME,
    Tlv, read_time,
};
use crate::signature::{bit_string, dotted};
use crate::source::{Source, SourceError};
use model::limits::{CRL_EDGE_BYTES_MAX, CRL_ENTRY_BYTES_MAX, CRL_ISSUERS_MAX};
use std::io::ErrorKind;
use std::ops::Range;

const WINDOW_BYTES: usize = 128 * 1024;

/// A piece of a source that is in memory.
pub(super) struct Window<'a> {
    source: &'a dyn Source,
    start: u64,
    buffer: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(source: &'a dyn Source) -> Self {
        Self { source, start: 0, buffer: Vec::new() }
    }

    /// These bytes of the source.
    pub(super) fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], CrlFault> {
        let inside = |window: &Self| {
            let from = usize::try_from(offset.checked_sub(window.start)?).ok()?;
            let to = from.checked_add(length)?;
            (to <= window.buffer.len()).then_some(from..to)
        };
        let place = match inside(self) {
            Some(place) => place,
            None => {
                let left = self.source.len().saturating_sub(offset);
                let wanted = left.min(WINDOW_BYTES.max(length) as u64);
                if (wanted as usize) < length {
                    return Err(CrlFault::Malformed(DerError::Truncated));
                }
                self.buffer.resize(wanted as usize, 0);
                self.start = offset;
                self.source.read_exact_at(offset, &mut self.buffer)?;
                0..length
            }
        };
        self.buffer.get(place).ok_or_else(|| SourceError(ErrorKind::UnexpectedEof.into()).into())
    }

    /// Tag, length of tag and length, and length of the value at an offset.
    fn header(&mut self, offset: u64) -> Result<(u8, u64, u64), CrlFault> {
        let left = usize::try_from(self.source.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let head = self.bytes(offset, left.min(10))?;
        let &[tag, first, ref rest @ ..] = head else { return Err(CrlFault::Malformed(DerError::Truncated)) };
        let (octets, length) = match first {
            0..=0x7f => (0, u64::from(first)),
            0x81..=0x88 => {
                let count = usize::from(first & 0x7f);
                let octets = rest.get(..count).ok_or(DerError::Truncated)?;
                let length = octets.iter().fold(0_u64, |length, &octet| length << 8 | u64::from(octet));
                if length < 0x80 || octets.first() == Some(&0) {
                    return Err(CrlFault::Malformed(DerError::Malformed));
                }
                (count as u64, length)
            }
            _ => return Err(CrlFault::Malformed(DerError::Malformed)),
        };
        Ok((tag, 2 + octets, length))
    }

    /// The whole value at an offset, which may be so long.
    pub(super) fn value(&mut self, offset: u64, most: usize) -> Result<&[u8], CrlFault> {
        let (_, header, length) = self.header(offset)?;
        let whole = header.checked_add(length).and_then(|whole| usize::try_from(whole).ok());
        match whole.filter(|whole| *whole <= most) {
            Some(whole) => self.bytes(offset, whole),
            None => Err(CrlFault::Malformed(DerError::TooMany)),
        }
    }

    /// Hands out a range piece by piece.
    pub(super) fn each(
        &mut self,
        range: &Range<u64>,
        mut take: impl FnMut(&[u8]) -> Result<(), CrlFault>,
    ) -> Result<(), CrlFault> {
        let mut at = range.start;
        while at < range.end {
            let length = (range.end - at).min(WINDOW_BYTES as u64);
            take(self.bytes(at, length as usize)?)?;
            at += length;
        }
        Ok(())
    }
}

/// A cursor over the values inside another one.
struct Cursor {
    at: u64,
    end: u64,
}

impl Cursor {
    /// Enters the value at `at`, which ends at `end` at the latest.
    fn enter(window: &mut Window<'_>, at: u64, end: u64) -> Result<Self, CrlFault> {
        let (tag, header, length) = window.header(at)?;
        let inside = at + header;
        let last = inside.checked_add(length).filter(|last| *last <= end);
        match (tag, last) {
            (TAG_SEQUENCE, Some(last)) => Ok(Self { at: inside, end: last }),
            (TAG_SEQUENCE, None) => Err(CrlFault::Malformed(DerError::Truncated)),
            _ => Err(CrlFault::Malformed(DerError::UnexpectedTag)),
        }
    }

    fn peek(&self, window: &mut Window<'_>) -> Result<Option<u8>, CrlFault> {
        if self.at == self.end { Ok(None) } else { Ok(window.bytes(self.at, 1)?.first().copied()) }
    }

    /// The next value, which may be so long.
    fn next<'w>(&mut self, window: &'w mut Window<'_>, most: usize) -> Result<Tlv<'w>, CrlFault> {
        let raw = window.value(self.at, most)?;
        let next = self.at + raw.len() as u64;
        if next > self.end {
            return Err(CrlFault::Malformed(DerError::Truncated));
        }
        self.at = next;
        Ok(Reader::new(raw).read()?)
    }

    fn expect<'w>(&mut self, window: &'w mut Window<'_>, tag: u8) -> Result<Tlv<'w>, CrlFault> {
        let next = self.next(window, CRL_EDGE_BYTES_MAX)?;
        if next.tag == tag { Ok(next) } else { Err(CrlFault::Malformed(DerError::UnexpectedTag)) }
    }

    fn finished(&self) -> Result<(), CrlFault> {
        if self.at == self.end { Ok(()) } else { Err(CrlFault::Malformed(DerError::Malformed)) }
    }
}

/// Reads the whole list once.
pub(super) fn read(source: &dyn Source) -> Result<Crl, CrlFault> {
    let mut window = Window::new(source);
    let window = &mut window;
    let mut list = Cursor::enter(window, 0, source.len())?;
    if list.end != source.len() {
        return Err(CrlFault::Malformed(DerError::Malformed));
    }
    let mut body = Cursor::enter(window, list.at, list.end)?;
    let signed = list.at..body.end;
    list.at = body.end;
    let algorithm = list.expect(window, TAG_SEQUENCE)?.raw.to_vec();
    let signature = bit_string(list.expect(window, TAG_BIT_STRING)?.value)?.to_vec();
    list.finished()?;

    if body.peek(window)? == Some(TAG_INTEGER) && body.expect(window, TAG_INTEGER)?.value != [1] {
        return Err(CrlFault::Malformed(DerError::Malformed));
    }
    // RFC 5280 section 5.1.1.2: it is there twice, once protected by the signature.
    if body.expect(window, TAG_SEQUENCE)?.raw != algorithm {
        return Err(CrlFault::Malformed(DerError::Malformed));
    }
    let issuer = body.expect(window, TAG_SEQUENCE)?.raw.to_vec();
    let this_update = read_time(&body.next(window, CRL_EDGE_BYTES_MAX)?)?;
    let next_update = match body.peek(window)? {
        Some(TAG_UTC_TIME | TAG_GENERALIZED_TIME) => Some(read_time(&body.next(window, CRL_EDGE_BYTES_MAX)?)?),
        _ => None,
    };
    let mut crl = Crl {
        issuer,
        authority_key_id: None,
        this_update,
        next_update,
        number: None,
        base_number: None,
        expired_since: None,
        scope: Scope::default(),
        deltas: Vec::new(),
        entries: Vec::new(),
        issuers: Vec::new(),
        signed,
        algorithm,
        signature,
    };
    if body.peek(window)? == Some(TAG_SEQUENCE) {
        let entries = Cursor::enter(window, body.at, body.end)?;
        body.at = entries.end;
        crl.index(window, entries)?;
    }
    if body.peek(window)? == Some(TAG_CONTEXT_0) {
        let wrapped = body.next(window, CRL_EDGE_BYTES_MAX)?;
        let extensions = Reader::new(wrapped.value).expect(TAG_SEQUENCE)?.value.to_vec();
        crl.take_extensions(&extensions)?;
    }
    body.finished()?;
    if !crl.issuers.is_empty() && !crl.scope.indirect {
        return Err(CrlFault::Malformed(DerError::Malformed));
    }
    Ok(crl)
}

impl Crl {
    fn index(&mut self, window: &mut Window<'_>, mut cursor: Cursor) -> Result<(), CrlFault> {
        while cursor.at < cursor.end {
            let at = cursor.at;
            let offset = u32::try_from(at).map_err(|_| DerError::TooMany)?;
            let raw = cursor.next(window, CRL_ENTRY_BYTES_MAX)?.raw;
            let entry = Entry::parse(raw)?;
            self.entries.push(u64::from(hash(entry.serial)) << 32 | u64::from(offset));
            if let Some(issuer) = entry.issuer {
                if self.issuers.len() == CRL_ISSUERS_MAX {
                    return Err(CrlFault::Malformed(DerError::TooMany));
                }
                // Both slices are of the same bytes.
                let from = at + (issuer.as_ptr() as usize - raw.as_ptr() as usize) as u64;
                self.issuers.push((offset, from..from + issuer.len() as u64));
            }
        }
        self.entries.sort_unstable();
        self.entries.shrink_to_fit();
        Ok(())
    }

    fn take_extensions(&mut self, extensions: &[u8]) -> Result<(), CrlFault> {
        for extension in each(extensions) {
            let extension = extension?;
            match extension.oid {
                oid::CRL_NUMBER | oid::DELTA_CRL_INDICATOR => {}
                oid::AUTHORITY_KEY_ID => {
                    self.authority_key_id = authority_key_id(extension.value)?.map(<[u8]>::to_vec);
                }
                oid::ISSUING_DISTRIBUTION_POINT => self.scope = Scope::parse(extension.value)?,
                oid::FRESHEST_CRL => {
                    let points = distribution_points(extension.value)?;
                    self.deltas = points.iter().flat_map(|point| point.addresses()).map(str::to_owned).collect();
                }
                oid::EXPIRED_CERTIFICATES_ON_CRL => {
                    self.expired_since = Some(read_time(&Reader::new(extension.value).read()?)?);
                }
                other if extension.critical => return Err(CrlFault::Extension(dotted(other))),
                _ => {}
            }
        }
        // Twice the same is an error, which `find` notices.
        find(extensions, oid::ISSUING_DISTRIBUTION_POINT)?;
        self.number = number(extensions, oid::CRL_NUMBER)?;
        self.base_number = number(extensions, oid::DELTA_CRL_INDICATOR)?;
        Ok(())
    }
}

/// FNV-1a over a serial number, folded to 32 bits. Who could make collisions is the CA that signs the list.
pub(super) fn hash(serial: &[u8]) -> u32 {
    let hash = serial
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &octet| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ hash >> 32) as u32
}
