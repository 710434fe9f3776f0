//! Where the values of PDF syntax begin and end (ISO 32000-1 7.2 and 7.3). Values stay raw bytes: a view is taken of what
//! is asked for, everything else is passed over and can be copied byte for byte. Never allocates for what it passes over.

use model::limits::PDF_NESTING_MAX;
use std::borrow::Cow;
use std::ops::Range;

/// Why a value has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end before the value does; there may be more in the file.
    Incomplete,
    /// The bytes are not PDF syntax.
    Malformed,
    /// Arrays and dictionaries are nested deeper than `PDF_NESTING_MAX`.
    TooDeep,
}

/// An indirect reference or the name of an indirect object: number and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) number: u32,
    pub(super) generation: u16,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} R", self.number, self.generation)
    }
}

/// Kinds of characters (ISO 32000-1 7.2.2) as a table, because most of the time is spent asking for them.
const KINDS: [Kind; 256] = kinds();

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Blank,
    Delimiter,
    Regular,
}

const fn kinds() -> [Kind; 256] {
    let mut kinds = [Kind::Regular; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b' ' | b'\n' | b'\r' | b'\t' | 0x0c | 0 => Kind::Blank,
            b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%' => Kind::Delimiter,
            _ => Kind::Regular,
        };
        byte += 1;
    }
    kinds
}

fn is_blank(byte: u8) -> bool {
    KINDS[usize::from(byte)] == Kind::Blank
}

fn is_regular(byte: u8) -> bool {
    KINDS[usize::from(byte)] == Kind::Regular
}

/// Passes over white space and comments.
pub(super) fn skip_blank(bytes: &[u8], mut position: usize) -> usize {
    while let Some(&byte) = bytes.get(position) {
        if byte == b'%' {
            while bytes.get(position).is_some_and(|&b| b != b'\n' && b != b'\r') {
                position += 1;
            }
        } else if is_blank(byte) {
            position += 1;
        } else {
            break;
        }
    }
    position
}

/// The end of the run of regular characters that starts at `position`.
pub(super) fn word_end(bytes: &[u8], mut position: usize) -> usize {
    let rest = bytes.get(position..).unwrap_or_default();
    position += rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
    position
}

/// Reads an unsigned number at `position`, after blanks; answers it and its end.
pub(super) fn unsigned(bytes: &[u8], position: usize) -> Option<(u64, usize)> {
    let start = skip_blank(bytes, position);
    let end = word_end(bytes, start);
    let digits = bytes.get(start..end)?;
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')), end))
}

/// Passes over the one value (a reference counts as one) that starts at `position`, which is no blank. Answers its end.
pub(super) fn value_end(bytes: &[u8], position: usize) -> Result<usize, Fault> {
    value_end_at(bytes, position, 0)
}

fn value_end_at(bytes: &[u8], position: usize, depth: usize) -> Result<usize, Fault> {
    if depth > PDF_NESTING_MAX {
        return Err(Fault::TooDeep);
    }
    match bytes.get(position).ok_or(Fault::Incomplete)? {
        b'/' => Ok(word_end(bytes, position + 1)),
        b'(' => literal_end(bytes, position),
        b'<' if bytes.get(position + 1) == Some(&b'<') => dictionary_end(bytes, position, depth),
        b'<' => hex_end(bytes, position),
        b'[' => {
            let mut next = skip_blank(bytes, position + 1);
            while bytes.get(next) != Some(&b']') {
                next = skip_blank(bytes, value_end_at(bytes, next, depth + 1)?);
            }
            Ok(next + 1)
        }
        byte if is_regular(*byte) => {
            let end = word_end(bytes, position);
            if byte.is_ascii_digit() { Ok(reference_end(bytes, position).unwrap_or(end)) } else { Ok(end) }
        }
        _ => Err(Fault::Malformed),
    }
}

fn dictionary_end(bytes: &[u8], position: usize, depth: usize) -> Result<usize, Fault> {
    let mut next = skip_blank(bytes, position + 2);
    loop {
        match bytes.get(next).ok_or(Fault::Incomplete)? {
            b'/' => {
                let value = skip_blank(bytes, word_end(bytes, next + 1));
                next = skip_blank(bytes, value_end_at(bytes, value, depth + 1)?);
            }
            b'>' => match bytes.get(next + 1) {
                Some(b'>') => return Ok(next + 2),
                Some(_) => return Err(Fault::Malformed),
                None => return Err(Fault::Incomplete),
            },
            _ => return Err(Fault::Malformed),
        }
    }
}

fn literal_end(bytes: &[u8], position: usize) -> Result<usize, Fault> {
    let mut open = 0usize;
    let mut next = position;
    loop {
        match bytes.get(next).ok_or(Fault::Incomplete)? {
            b'\\' => next += 1,
            b'(' => open += 1,
            b')' if open == 1 => return Ok(next + 1),
            b')' => open -= 1,
            _ => {}
        }
        next += 1;
    }
}

fn hex_end(bytes: &[u8], position: usize) -> Result<usize, Fault> {
    let mut next = position + 1;
    // The value of a signature is long, and it is passed over again and again: many digits at a time.
    while let Some(chunk) = bytes.get(next..).and_then(<[u8]>::first_chunk::<32>)
        && chunk.iter().fold(true, |all, byte| all & byte.is_ascii_hexdigit())
    {
        next += chunk.len();
    }
    loop {
        match bytes.get(next).ok_or(Fault::Incomplete)? {
            b'>' => return Ok(next + 1),
            byte if byte.is_ascii_hexdigit() || is_blank(*byte) => next += 1,
            _ => return Err(Fault::Malformed),
        }
    }
}

/// The end of `12 0 R` at `position`, if that is what stands there.
fn reference_end(bytes: &[u8], position: usize) -> Option<usize> {
    let (_, end) = unsigned(bytes, position)?;
    let (_, end) = unsigned(bytes, end)?;
    let r = skip_blank(bytes, end);
    (bytes.get(r) == Some(&b'R') && word_end(bytes, r) == r + 1).then_some(r + 1)
}

/// The reference that the raw value is, if it is one.
pub(super) fn reference(raw: &[u8]) -> Option<Reference> {
    if !raw.first()?.is_ascii_digit() || raw.last() != Some(&b'R') {
        return None;
    }
    let (number, end) = unsigned(raw, 0)?;
    let (generation, _) = unsigned(raw, end)?;
    Some(Reference { number: u32::try_from(number).ok()?, generation: u16::try_from(generation).ok()? })
}

/// The integer that the raw value is.
pub(super) fn integer(raw: &[u8]) -> Option<i64> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}

/// The finite number that the raw value is. PDF has no exponents.
pub(super) fn number(raw: &[u8]) -> Option<f32> {
    if raw.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')) {
        return None;
    }
    std::str::from_utf8(raw).ok()?.parse().ok().filter(|number: &f32| number.is_finite())
}

/// The name that the raw value is, without its solidus and with `#xx` resolved.
pub(super) fn name(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    let name = raw.strip_prefix(b"/")?;
    if !name.contains(&b'#') {
        return Some(Cow::Borrowed(name));
    }
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| Some(hex_digit(two[0])? << 4 | hex_digit(two[1])?));
        match digits {
            Some(value) if byte == b'#' => {
                plain.push(value);
                rest = &after[2..];
            }
            _ => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    Some(Cow::Owned(plain))
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The bytes of the literal or hexadecimal string that the raw value is.
pub(super) fn string(raw: &[u8]) -> Option<Vec<u8>> {
    match raw {
        [b'(', inner @ .., b')'] => Some(literal(inner)),
        [b'<', inner @ .., b'>'] if inner.first() != Some(&b'<') => Some(hexadecimal(inner)),
        _ => None,
    }
}

/// ISO 32000-1 7.3.4.3: blanks do not count, a last digit that is missing is 0.
fn hexadecimal(inner: &[u8]) -> Vec<u8> {
    const ZEROS: &[u8; 32] = &[b'0'; 32];
    let mut plain = Vec::with_capacity(inner.len() / 2 + 1);
    let (mut rest, mut high) = (inner, None);
    while let Some((&byte, after)) = rest.split_first() {
        // Much of a signature's value is zeros that fill it up.
        if high.is_none() && rest.starts_with(ZEROS) {
            plain.extend_from_slice(&[0; ZEROS.len() / 2]);
            rest = rest.get(ZEROS.len()..).unwrap_or_default();
            continue;
        }
        rest = after;
        let Some(digit) = hex_digit(byte) else { continue };
        match high.take() {
            Some(high) => plain.push(high << 4 | digit),
            None => high = Some(digit),
        }
    }
    plain.extend(high.map(|high| high << 4));
    plain
}

/// ISO 32000-1 7.3.4.2.
fn literal(inner: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                plain.push(b'\n');
            }
            b'\\' => match bytes.next() {
                Some(b'n') => plain.push(b'\n'),
                Some(b'r') => plain.push(b'\r'),
                Some(b't') => plain.push(b'\t'),
                Some(b'b') => plain.push(8),
                Some(b'f') => plain.push(12),
                Some(b'\n') | None => {}
                Some(b'\r') => {
                    bytes.next_if_eq(&b'\n');
                }
                Some(digit @ b'0'..=b'7') => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let Some(next) = bytes.next_if(|next| matches!(next, b'0'..=b'7')) else { break };
                        value = value * 8 + u32::from(next - b'0');
                    }
                    plain.push((value & 0xff) as u8);
                }
                Some(other) => plain.push(other),
            },
            other => plain.push(other),
        }
    }
    plain
}

/// The items of the array that the raw value is; `None` if it is no array. Ends early at malformed bytes, which cannot
/// be there if `value_end` has passed over the array.
pub(super) fn items(raw: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let inner = raw.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut next = 0;
    Some(std::iter::from_fn(move || {
        let start = skip_blank(inner, next);
        next = value_end(inner, start).ok()?;
        inner.get(start..next)
    }))
}

/// A dictionary as it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Dictionary<'a> {
    raw: &'a [u8],
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// The raw name without its solidus.
    key: Range<usize>,
    value: Range<usize>,
}

impl<'a> Dictionary<'a> {
    /// A view of the dictionary that the raw value is; `None` if it is none.
    pub(super) fn new(raw: &'a [u8]) -> Option<Self> {
        if !raw.starts_with(b"<<") {
            return None;
        }
        let mut entries = Vec::with_capacity(12);
        let mut next = skip_blank(raw, 2);
        while raw.get(next) == Some(&b'/') {
            let key = next + 1..word_end(raw, next + 1);
            let start = skip_blank(raw, key.end);
            let end = value_end(raw, start).ok()?;
            entries.push(Entry { key, value: start..end });
            next = skip_blank(raw, end);
        }
        (raw.get(next..) == Some(b">>")).then_some(Self { raw, entries })
    }

    /// The raw value of a key; `null` counts as absent. Of doubled keys the last wins, as most readers have it.
    pub(super) fn get(&self, key: &str) -> Option<&'a [u8]> {
        let entry = self.entries.iter().rev().find(|entry| self.is_key(entry, key))?;
        let value = self.raw.get(entry.value.clone())?;
        (value != b"null").then_some(value)
    }

    fn is_key(&self, entry: &Entry, key: &str) -> bool {
        let raw = &self.raw[entry.key.clone()];
        raw == key.as_bytes()
            || (raw.contains(&b'#')
                && name(&self.raw[entry.key.start - 1..entry.key.end]).as_deref() == Some(key.as_bytes()))
    }

    /// The keys (raw, without solidus) and raw values in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.entries.iter().map(|entry| (&self.raw[entry.key.clone()], &self.raw[entry.value.clone()]))
    }

    /// The name under a key.
    pub(super) fn name(&self, key: &str) -> Option<Cow<'a, [u8]>> {
        name(self.get(key)?)
    }

    /// The integer under a key.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        integer(self.get(key)?)
    }

    /// The reference under a key.
    pub(super) fn reference(&self, key: &str) -> Option<Reference> {
        reference(self.get(key)?)
    }

    /// The same dictionary with some keys set: everything else stays byte for byte.
    pub(super) fn with(&self, changes: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut result =
            Vec::with_capacity(self.raw.len() + changes.iter().map(|c| c.0.len() + c.1.len() + 4).sum::<usize>());
        let mut copied = 0;
        let mut set = vec![false; changes.len()];
        for entry in &self.entries {
            let Some(at) = changes.iter().position(|(key, _)| self.is_key(entry, key)) else { continue };
            // A doubled key is written once.
            let until = if set[at] { entry.key.start - 1 } else { entry.key.end };
            result.extend_from_slice(&self.raw[copied..until]);
            if !set[at] {
                set[at] = true;
                result.push(b' ');
                result.extend_from_slice(&changes[at].1);
                result.push(b' ');
            }
            copied = entry.value.end;
        }
        result.extend_from_slice(&self.raw[copied..self.raw.len() - 2]);
        for (_, (key, value)) in set.iter().zip(changes).filter(|(set, _)| !**set) {
            result.extend_from_slice(b" /");
            result.extend_from_slice(key.as_bytes());
            result.push(b' ');
            result.extend_from_slice(value);
        }
        result.extend_from_slice(b" >>");
        result
    }
}

/// The raw array with one more item at its end; everything else stays byte for byte.
pub(super) fn array_with(raw: &[u8], item: &[u8]) -> Option<Vec<u8>> {
    let inner = raw.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let separator: &[u8] = if inner.is_empty() { b"" } else { b" " };
    Some([b"[", inner, separator, item, b"]"].concat())
}

/// The raw value with every string in it replaced.
pub(super) fn map_strings(raw: &[u8], map: &mut dyn FnMut(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut result = Vec::with_capacity(raw.len() + 64);
    let mut next = 0;
    while let Some(&byte) = raw.get(next) {
        let end = match byte {
            b'(' => literal_end(raw, next).ok(),
            b'<' if raw.get(next + 1) == Some(&b'<') => {
                result.extend_from_slice(b"<<");
                next += 2;
                continue;
            }
            b'<' => hex_end(raw, next).ok(),
            b'%' => {
                // A comment may hold brackets; it means nothing, so it goes.
                next = skip_blank(raw, next);
                result.push(b'\n');
                continue;
            }
            _ => None,
        };
        match end.and_then(|end| Some((end, string(&raw[next..end])?))) {
            Some((end, plain)) => {
                result.extend_from_slice(&hex_string(&map(plain)));
                next = end;
            }
            None => {
                result.push(byte);
                next += 1;
            }
        }
    }
    result
}

/// Calls `visit` with every reference in the raw value.
pub(super) fn each_reference(raw: &[u8], mut visit: impl FnMut(Reference)) {
    let mut next = 0;
    while let Some(&byte) = raw.get(next) {
        let end = match byte {
            b'(' => literal_end(raw, next).ok(),
            b'<' if raw.get(next + 1) == Some(&b'<') => Some(next + 2),
            b'<' => hex_end(raw, next).ok(),
            b'/' => Some(word_end(raw, next + 1)),
            b'%' => Some(skip_blank(raw, next)),
            b'0'..=b'9' => match reference_end(raw, next) {
                Some(end) => {
                    raw.get(next..end).and_then(reference).into_iter().for_each(&mut visit);
                    Some(end)
                }
                None => Some(word_end(raw, next)),
            },
            byte if is_regular(byte) => Some(word_end(raw, next)),
            _ => None,
        };
        next = end.unwrap_or(next + 1).max(next + 1);
    }
}

/// Bytes as a hexadecimal string.
pub(super) fn hex_string(bytes: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len() * 2 + 2);
    result.push(b'<');
    for byte in bytes {
        result.extend_from_slice(&hex_pair(*byte));
    }
    result.push(b'>');
    result
}

/// One byte as two upper-case digits.
pub(super) fn hex_pair(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// A text string (ISO 32000-1 7.9.2.2) as people read it.
pub(super) fn decode_text(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // PDFDocEncoding; the few places where it differs from Latin-1 do not matter for comparing names.
        _ => bytes.iter().map(|&byte| byte as char).collect(),
    }
}

/// Text as the bytes of a text string: PDFDocEncoding where ASCII is enough, else UTF-16.
pub(super) fn encode_text(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect()
}

/// The bytes of a string as a literal string where that is readable, else hexadecimal.
pub(super) fn write_string(bytes: &[u8]) -> Vec<u8> {
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return hex_string(bytes);
    }
    let mut result = vec![b'('];
    for &byte in bytes {
        if matches!(byte, b'(' | b')' | b'\\') {
            result.push(b'\\');
        }
        result.push(byte);
    }
    result.push(b')');
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check_end(text: &str, expected: Result<usize, Fault>) {
        assert_eq!(value_end(text.as_bytes(), 0), expected, "{text}");
    }

    #[test]
    fn values_end_where_they_should() {
        check_end("12 0 R/X", Ok(6));
        check_end("12 0 RG", Ok(2));
        check_end("12 0", Ok(2));
        check_end("-1.5>>", Ok(4));
        check_end("(a(b)\\)c)x", Ok(9));
        check_end("(a", Err(Fault::Incomplete));
        check_end("<4a 4B>", Ok(7));
        check_end("<<>>", Ok(4));
        check_end("<</A[1 2 0 R(])]/B<</C/D>>>> ", Ok(28));
        check_end("<</A 1 % >> \n>>", Ok(15));
        check_end("<</A>>", Err(Fault::Malformed));
        check_end("[1 2", Err(Fault::Incomplete));
        check_end("]", Err(Fault::Malformed));
        check_end(&"[".repeat(1_000_000), Err(Fault::TooDeep));
    }

    #[test]
    fn setting_keys_keeps_everything_else() {
        let raw = b"<</A/B/C(x)/D[1]% c\n/#41A 7 /A 3>>";
        let dictionary = Dictionary::new(raw).unwrap();
        assert_eq!(dictionary.get("A"), Some(&b"3"[..]));
        assert_eq!(dictionary.get("AA"), Some(&b"7"[..]));
        let changed = dictionary.with(&[("A", b"<<>>".to_vec()), ("N", b"1".to_vec())]);
        assert_eq!(changed, b"<</A <<>> /C(x)/D[1]% c\n/#41A 7  /N 1 >>");
        assert_eq!(Dictionary::new(&changed).unwrap().get("A"), Some(&b"<<>>"[..]));
    }

    #[test]
    fn strings_and_names() {
        assert_eq!(string(b"(a\\(\\)\\101\\\r\nb\\5)").unwrap(), b"a()Ab\x05");
        assert_eq!(string(b"<414>").unwrap(), b"A@");
        assert_eq!(*name(b"/A#20B").unwrap(), b"A B"[..]);
        assert_eq!(decode_text(&encode_text("Müller ✓")), "Müller ✓");
        assert_eq!(string(&write_string(b"a(b)\\")).unwrap(), b"a(b)\\");
        let mapped = map_strings(b"<</A(x)/B[<00>]/C<</D 1>>>>", &mut |plain| [&plain[..], b"!"].concat());
        assert_eq!(mapped, b"<</A<7821>/B[<0021>]/C<</D 1>>>>");
    }

    #[test]
    fn arrays_grow_at_their_end() {
        assert_eq!(array_with(b"[1 0 R]", b"2 0 R").unwrap(), b"[1 0 R 2 0 R]");
        assert_eq!(array_with(b"[]", b"2 0 R").unwrap(), b"[2 0 R]");
        assert_eq!(items(b"[1 0 R(x)/N]").unwrap().collect::<Vec<_>>(), [&b"1 0 R"[..], b"(x)", b"/N"]);
    }
}
