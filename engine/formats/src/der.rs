//! DER (X.690): the few writers that the formats need, and a strict reader that borrows. Foreign bytes never make it
//! panic, and it never goes deeper by itself: callers enter one level at a time. BER is [`crate::cms::reader`]'s work.

use model::Time;
use std::time::Duration;

/// BOOLEAN.
pub const TAG_BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const TAG_INTEGER: u8 = 0x02;
/// BIT STRING, primitive.
pub const TAG_BIT_STRING: u8 = 0x03;
/// OCTET STRING, primitive.
pub const TAG_OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub const TAG_OID: u8 = 0x06;
/// UTCTime.
pub const TAG_UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const TAG_GENERALIZED_TIME: u8 = 0x18;
/// SEQUENCE and SEQUENCE OF.
pub const TAG_SEQUENCE: u8 = 0x30;
/// SET and SET OF.
pub const TAG_SET: u8 = 0x31;
/// `[0]`, constructed.
pub const TAG_CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed.
pub const TAG_CONTEXT_1: u8 = 0xa1;

/// How many bytes tag and length take in front of a value of this length.
///
/// ```
/// # use formats::der::header_length;
/// assert_eq!([header_length(127), header_length(128), header_length(5 << 30)], [2, 3, 7]);
/// ```
pub fn header_length(length: u64) -> usize {
    if length < 0x80 { 2 } else { 2 + length_bytes(length) }
}

/// Significant bytes of a long-form length.
fn length_bytes(length: u64) -> usize {
    8 - length.leading_zeros() as usize / 8
}

/// Appends tag and length.
pub fn write_header(out: &mut Vec<u8>, tag: u8, length: u64) {
    if length < 0x80 {
        out.extend_from_slice(&[tag, length as u8]);
    } else {
        let significant = length_bytes(length);
        out.extend_from_slice(&[tag, 0x80 | significant as u8]);
        out.extend_from_slice(&length.to_be_bytes()[8 - significant..]);
    }
}

/// A complete value from its parts.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() as u64;
    let mut out = Vec::with_capacity(header_length(length) + length as usize);
    write_header(&mut out, tag, length);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A SET OF, or an implicitly tagged one, in DER order (X.690 11.6: ascending, the shorter one padded with zeros).
/// Complete encodings are never prefixes of one another, so plain byte order is that order.
pub fn set_of(tag: u8, mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort_unstable();
    let parts: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
    tlv(tag, &parts)
}

/// What is wrong with an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DerError {
    /// It ends too early.
    #[error("the encoding ends too early")]
    Truncated,
    /// Not the type that belongs here.
    #[error("an unexpected type in the encoding")]
    UnexpectedTag,
    /// Not DER, or more bytes than the type has.
    #[error("the encoding is malformed")]
    Malformed,
    /// More levels than `model::limits::DER_NESTING_MAX`.
    #[error("the encoding is nested too deeply")]
    TooDeep,
    /// More members than any real message has.
    #[error("the encoding has too many members")]
    TooMany,
}

/// A UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 and RFC 3161 section 2.4.2 allow them: seconds present,
/// `Z` at the end, for GeneralizedTime a fraction without trailing zeros. Finer than a microsecond is cut off.
pub fn read_time(time: &Tlv<'_>) -> Result<Time, DerError> {
    let text = time.value.strip_suffix(b"Z").ok_or(DerError::Malformed)?;
    let (whole, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(at) if time.tag == TAG_GENERALIZED_TIME => (&text[..at], &text[at + 1..]),
        Some(_) => return Err(DerError::Malformed),
        None => (text, &b""[..]),
    };
    if fraction.last() == Some(&b'0') || whole.len() < text.len() && fraction.is_empty() {
        return Err(DerError::Malformed);
    }
    let mut pairs = [0_u8; 7];
    let pairs = pairs.get_mut(..whole.len() / 2).ok_or(DerError::Malformed)?;
    for (number, digits) in pairs.iter_mut().zip(whole.chunks(2)) {
        *number = match *digits {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => (tens - b'0') * 10 + (ones - b'0'),
            _ => return Err(DerError::Malformed),
        };
    }
    let (year, rest) = match (time.tag, &*pairs) {
        (TAG_UTC_TIME, [year, rest @ ..]) => (if *year < 50 { 2000 } else { 1900 } + i32::from(*year), rest),
        (TAG_GENERALIZED_TIME, [century, year, rest @ ..]) => (i32::from(*century) * 100 + i32::from(*year), rest),
        _ => return Err(DerError::UnexpectedTag),
    };
    let &[month, day, hour, minute, second] = rest else { return Err(DerError::Malformed) };
    if whole.len() % 2 != 0 {
        return Err(DerError::Malformed);
    }
    let mut micros = 0_u64;
    for place in 0..fraction.len().max(6) {
        let digit = match fraction.get(place) {
            Some(digit @ b'0'..=b'9') => u64::from(digit - b'0'),
            Some(_) => return Err(DerError::Malformed),
            None => 0,
        };
        if place < 6 {
            micros = micros * 10 + digit;
        }
    }
    let time = Time::from_civil(year, month, day, hour, minute, second).ok_or(DerError::Malformed)?;
    Ok(time.plus(Duration::from_micros(micros)))
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The contents octets.
    pub value: &'a [u8],
    /// Identifier, length and contents, as received.
    pub raw: &'a [u8],
}

/// A cursor over consecutive DER values. High tag numbers do not occur in what it reads and are refused.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The tag of the next value, if there is one.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub fn read(&mut self) -> Result<Tlv<'a>, DerError> {
        let (&[tag, first], mut rest) = self.rest.split_first_chunk::<2>().ok_or(DerError::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(DerError::Malformed);
        }
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x88 => {
                let (octets, behind) = rest.split_at_checked(usize::from(first & 0x7f)).ok_or(DerError::Truncated)?;
                rest = behind;
                let length = octets.iter().fold(0_u64, |length, &octet| length << 8 | u64::from(octet));
                if length < 0x80 || octets.first() == Some(&0) {
                    return Err(DerError::Malformed);
                }
                usize::try_from(length).map_err(|_| DerError::Truncated)?
            }
            _ => return Err(DerError::Malformed),
        };
        let (value, behind) = rest.split_at_checked(length).ok_or(DerError::Truncated)?;
        let raw = &self.rest[..self.rest.len() - behind.len()];
        self.rest = behind;
        Ok(Tlv { tag, value, raw })
    }

    /// The next value, which has this tag.
    pub fn expect(&mut self, tag: u8) -> Result<Tlv<'a>, DerError> {
        match self.peek() {
            Some(found) if found == tag => self.read(),
            Some(_) => Err(DerError::UnexpectedTag),
            None => Err(DerError::Truncated),
        }
    }

    /// The next value if it has this tag; otherwise nothing is read.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, DerError> {
        if self.peek() == Some(tag) { self.read().map(Some) } else { Ok(None) }
    }

    /// Reads the next value, which has this tag, and gives a cursor over what is inside.
    pub fn enter(&mut self, tag: u8) -> Result<Reader<'a>, DerError> {
        self.expect(tag).map(|tlv| Reader::new(tlv.value))
    }

    /// Makes sure that nothing is left.
    pub fn end(&self) -> Result<(), DerError> {
        if self.is_empty() { Ok(()) } else { Err(DerError::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_odd_ones_refused() {
        let read = |tag, text: &str| read_time(&Tlv { tag, value: text.as_bytes(), raw: &[] });
        let second = Time::from_seconds(1_763_902_861);
        assert_eq!(read(TAG_UTC_TIME, "251123130101Z"), Ok(second));
        assert_eq!(read(TAG_GENERALIZED_TIME, "20251123130101Z"), Ok(second));
        assert_eq!(read(TAG_GENERALIZED_TIME, "20251123130101.05Z"), Ok(second.plus(Duration::from_millis(50))));
        assert_eq!(read(TAG_GENERALIZED_TIME, "20251123130101.0000019Z"), Ok(second.plus(Duration::from_micros(1))));
        assert_eq!(read(TAG_UTC_TIME, "500101000000Z"), Ok(Time::from_seconds(0)), "before the epoch is the epoch");
        for (tag, text) in [
            (TAG_UTC_TIME, "251123130101"),
            (TAG_UTC_TIME, "2511231301Z"),
            (TAG_UTC_TIME, "251323130101Z"),
            (TAG_UTC_TIME, "251123130101.5Z"),
            (TAG_UTC_TIME, "251123130101+0100Z"),
            (TAG_GENERALIZED_TIME, "20251123130101.Z"),
            (TAG_GENERALIZED_TIME, "20251123130101.50Z"),
            (TAG_GENERALIZED_TIME, "20251123130101.5xZ"),
            (TAG_GENERALIZED_TIME, "202511231301011Z"),
            (TAG_GENERALIZED_TIME, "20250229130101Z"),
            (TAG_GENERALIZED_TIME, "2025112313010101Z"),
            (TAG_GENERALIZED_TIME, "Z"),
            (TAG_OCTET_STRING, "251123130101Z"),
        ] {
            assert!(read(tag, text).is_err(), "{text}");
        }
    }
}
