//! As much DER (X.690) as certificates, revocation lists, OCSP answers and time stamps need: written here a second
//! time, apart from the engine's, so that a mistake in one is not repeated in the other.
//!
//! Writes into vectors and reads slices; it knows no structure of any standard.

use anyhow::{Result, bail, ensure};

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: &[u8] = &[0x05, 0];
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// One value with its header; the content comes in parts.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = (length as u64).to_be_bytes();
        let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
        out.push(0x80 | (8 - first) as u8);
        out.extend_from_slice(&bytes[first..]);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// SEQUENCE of these.
pub(super) fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

/// SET OF these, in the order that DER asks for.
pub(super) fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(SET, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A non-negative INTEGER from big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    match &bytes[first..] {
        [] => tlv(INTEGER, &[&[0]]),
        rest if rest[0] >= 0x80 => tlv(INTEGER, &[&[0], rest]),
        rest => tlv(INTEGER, &[rest]),
    }
}

/// A small INTEGER.
pub(super) fn number(value: u64) -> Vec<u8> {
    integer(&value.to_be_bytes())
}

/// TRUE.
pub(super) fn truth() -> Vec<u8> {
    tlv(BOOLEAN, &[&[0xff]])
}

/// OBJECT IDENTIFIER from its dotted form.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    let mut arcs = dotted.split('.').map(|arc| arc.parse::<u64>().unwrap_or_default());
    let first = arcs.next().unwrap_or_default() * 40 + arcs.next().unwrap_or_default();
    let mut content = Vec::new();
    for arc in std::iter::once(first).chain(arcs) {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        content.extend(groups.iter().rev());
    }
    tlv(OID, &[&content])
}

/// BIT STRING of whole octets.
pub(super) fn bits(content: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], content])
}

/// BIT STRING of named bits, without the zero bits at its end.
pub(super) fn named_bits(set: &[usize]) -> Vec<u8> {
    let last = set.iter().copied().max().unwrap_or(0);
    let mut content = vec![0; last / 8 + 1];
    for bit in set {
        content[bit / 8] |= 0x80 >> (bit % 8);
    }
    tlv(BIT_STRING, &[&[7 - (last % 8) as u8], &content])
}

/// `Time` of RFC 5280: UTCTime up to 2049, GeneralizedTime from 2050 on.
pub(super) fn time(unix: i64) -> Vec<u8> {
    let text = digits(unix);
    if (1950..2050).contains(&date(unix).0) { tlv(0x17, &[&text.as_bytes()[2..], b"Z"]) } else { generalized(unix, 0) }
}

/// GeneralizedTime, with a fraction if there are milliseconds, without trailing zeros.
pub(super) fn generalized(unix: i64, millis: u16) -> Vec<u8> {
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    tlv(0x18, &[digits(unix).as_bytes(), fraction.trim_end_matches('0').as_bytes(), b"Z"])
}

fn digits(unix: i64) -> String {
    let (year, month, day) = date(unix);
    let second = unix.rem_euclid(86_400);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// The date of an HTTP header (RFC 9110 section 5.6.7).
pub(super) fn http_date(unix: i64) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const DAYS: &str = "ThuFriSatSunMonTueWed"; // 1 January 1970 was a Thursday
    let (year, month, day) = date(unix);
    let name = |names: &'static str, number: i64| &names[number as usize * 3..][..3];
    let (weekday, month) = (name(DAYS, unix.div_euclid(86_400).rem_euclid(7)), name(MONTHS, month - 1));
    let second = unix.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Year, month and day of a moment. The calendar repeats every 400 years, which are 146 097 days; a year counted from
/// March has its leap day at its end.
pub(super) fn date(unix: i64) -> (i64, i64, i64) {
    let days = unix.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// One value that was read.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With its header.
    pub(super) whole: &'a [u8],
}

/// Reads values of definite length one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value.
    pub(super) fn next(&mut self) -> Result<Value<'a>> {
        let [tag, first, ..] = *self.0 else { bail!("the DER ends early") };
        let (header, length) = match first {
            0..=0x7f => (2, usize::from(first)),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                ensure!(self.0.len() >= 2 + count, "the DER ends in a length");
                (2 + count, self.0[2..2 + count].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            }
            _ => bail!("a length that is not DER's"),
        };
        ensure!(self.0.len() - header >= length, "the DER ends in a value");
        let (whole, rest) = self.0.split_at(header + length);
        self.0 = rest;
        Ok(Value { tag, content: &whole[header..], whole })
    }

    /// The next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Value<'a>> {
        let value = self.next()?;
        ensure!(value.tag == tag, "tag {:#04x} in place of {tag:#04x}", value.tag);
        Ok(value)
    }

    /// Into the next value, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Reader<'a>> {
        Ok(Reader(self.expect(tag)?.content))
    }

    /// The next value if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>> {
        if self.0.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use openssl::asn1::Asn1Time;

    #[test]
    fn times_are_those_of_openssl() {
        for unix in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_790_000_000, 2_524_607_999, 2_524_608_000] {
            let ours = String::from_utf8(generalized(unix, 0)[2..].to_vec()).unwrap();
            let theirs = Asn1Time::from_str(&ours).unwrap();
            assert!(Asn1Time::from_unix(unix).unwrap() == theirs, "{ours}");
        }
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(generalized(0, 120)[2..], *b"19700101000000.12Z");
        assert_eq!(time(2_524_607_999)[..4], [0x17, 13, b'4', b'9']);
        assert_eq!(time(2_524_608_000)[..4], [0x18, 15, b'2', b'0']);
    }

    #[test]
    fn what_is_written_reads_back_and_a_short_one_is_refused() {
        let long = vec![7; 70_000];
        let bytes = seq(&[&oid("1.2.840.113549"), &number(300), &tlv(OCTET_STRING, &[&long])]);
        let mut inside = Reader(&bytes).enter(SEQUENCE).unwrap();
        assert_eq!(inside.expect(OID).unwrap().content, [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]);
        assert_eq!(inside.expect(INTEGER).unwrap().content, [1, 44]);
        assert_eq!(inside.next().unwrap().content, long);
        assert!(inside.is_empty());
        assert!(Reader(&bytes[..bytes.len() - 1]).next().is_err());
        assert_eq!(named_bits(&[0, 1]), [3, 2, 6, 0xc0]);
    }
}
