//! Reading containers of any maker: the central directory, checked against the local headers, and the bytes of entries.
//!
//! Refuses what readers would disagree about: names twice, entries over each other, headers that differ.

use super::archive::{CENTRAL, END, END_64, EXTRA_64, LOCAL, LOCATOR_64};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::{Source, SourceError, each_chunk};
use model::Reason;
use model::limits::{ASIC_DIRECTORY_BYTES_MAX, ASIC_ENTRIES_MAX, ASIC_UNPACKED_BYTES_MAX};
use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;

/// The entries of a container, in the order of their bytes.
#[derive(Debug)]
pub struct Container {
    /// All entries.
    pub entries: Vec<Entry>,
    /// Where the central directory begins.
    pub directory_start: u64,
}

/// One entry.
#[derive(Debug)]
pub struct Entry {
    /// Its name, with folders.
    pub name: String,
    /// From its local header to what comes next.
    pub record: Range<u64>,
    /// Its bytes as they are stored.
    pub data: Range<u64>,
    /// Compressed with deflate.
    pub deflated: bool,
    /// Its length in bytes when unpacked.
    pub length: u64,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// Its header in the central directory.
    pub header: Vec<u8>,
    /// Where in the header the offset stands: four bytes, or eight.
    pub offset_at: Range<usize>,
    /// The name as it is written.
    raw_name: Vec<u8>,
    /// Checksum and lengths stand behind the bytes.
    streamed: bool,
}

pub(super) fn broken(what: &str) -> FormatError {
    FormatError::document("asic-broken", format!("the container is damaged or made to mislead: {what}"))
}

fn number(bytes: &[u8], at: usize, length: usize) -> Result<u64, FormatError> {
    let field = at.checked_add(length).and_then(|end| bytes.get(at..end)).ok_or_else(|| broken("it is cut short"))?;
    Ok(field.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn bytes_at(source: &dyn Source, range: Range<u64>) -> Result<Vec<u8>, FormatError> {
    if range.start > range.end || range.end > source.len() {
        return Err(broken("it is cut short"));
    }
    let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(|_| broken("a length"))?];
    source.read_exact_at(range.start, &mut bytes)?;
    Ok(bytes)
}

/// What is done about something that misleads readers.
type Odd<'a> = dyn FnMut(Oddity) -> Result<(), FormatError> + 'a;

/// Something about a container that makes different readers see different things in it.
struct Oddity {
    code: &'static str,
    /// What is wrong, for whoever refuses it.
    what: &'static str,
    /// What was attempted, for whoever reports it.
    sentence: String,
}

impl Container {
    /// Reads the directory and every local header. Refuses what misleads readers.
    pub fn read(source: &dyn Source) -> Result<Self, FormatError> {
        Self::read_with(source, &mut |oddity| Err(broken(oddity.what)))
    }

    /// As [`Container::read`], but says what misleads readers instead of refusing it, and looks for more of it.
    pub fn read_reporting(source: &dyn Source) -> Result<(Self, Vec<Reason>), FormatError> {
        let mut found: Vec<Reason> = Vec::new();
        let container = Self::read_with(source, &mut |oddity| {
            if found.len() < ODDITIES_MAX && !found.iter().any(|known| known.sentence == oddity.sentence) {
                found.push(Reason::new(oddity.code, oddity.sentence));
            }
            Ok(())
        })?;
        container.look_between(source, &mut found)?;
        Ok((container, found))
    }

    fn read_with(source: &dyn Source, odd: &mut Odd<'_>) -> Result<Self, FormatError> {
        let (range, count) = directory(source)?;
        if count > ASIC_ENTRIES_MAX as u64 || range.end.saturating_sub(range.start) > ASIC_DIRECTORY_BYTES_MAX {
            return Err(FormatError::document("asic-too-large", "the container has too many entries"));
        }
        let bytes = bytes_at(source, range.clone())?;
        let mut rest = bytes.as_slice();
        let mut entries = Vec::new();
        for _ in 0..count {
            let (entry, behind) = entry(rest, odd)?;
            entries.push(entry);
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(broken("its directory has more than it says"));
        }
        entries.sort_by_key(|entry| entry.record.start);
        let ends: Vec<u64> = entries.iter().skip(1).map(|entry| entry.record.start).chain([range.start]).collect();
        let mut names = HashSet::new();
        for (entry, end) in entries.iter_mut().zip(ends) {
            entry.locate(source, end, odd)?;
            if !names.insert(normal_name(&entry.name)) {
                let shown = shown(&entry.name);
                let sentence =
                    format!("two entries are called {shown}, so that readers see different files by that name");
                odd(Oddity { code: "asic-duplicate-name", what: "two entries have the same name", sentence })?;
            }
        }
        if entries.first().is_none_or(|first| first.record.start != 0) {
            let sentence =
                "there is something in front of the first entry, which some readers take for the file".into();
            odd(Oddity { code: "asic-prefix", what: "it does not begin with an entry", sentence })?;
        }
        Ok(Self { entries, directory_start: range.start })
    }

    /// Looks for entries that the directory does not name, and for a second end.
    fn look_between(&self, source: &dyn Source, found: &mut Vec<Reason>) -> Result<(), FormatError> {
        for entry in &self.entries {
            let gap = entry.data.end..entry.record.end;
            let usual = if entry.streamed { DESCRIPTOR_BYTES_MAX } else { 0 };
            if gap.end - gap.start <= usual || found.len() >= ODDITIES_MAX {
                continue;
            }
            let name = shown(&entry.name);
            let looked_at = bytes_at(source, gap.start..gap.end.min(gap.start + GAP_BYTES_MAX))?;
            let mark = LOCAL.to_le_bytes();
            if looked_at.windows(mark.len()).any(|window| window == mark) {
                let sentence = format!("an entry is hidden behind {name}: the directory does not name it");
                found.push(Reason::new("asic-hidden-entry", sentence));
            } else if looked_at.len() as u64 == GAP_BYTES_MAX || looked_at.iter().any(|byte| *byte != 0) {
                let sentence = format!("there are bytes behind {name} that belong to no entry");
                found.push(Reason::new("asic-hidden-bytes", sentence));
            }
        }
        let tail_start = source.len().saturating_sub(END_TAIL_BYTES);
        let tail = bytes_at(source, tail_start..source.len())?;
        let mark = END.to_le_bytes();
        // The mark itself may stand anywhere in a file that is packed; an end of a directory can be followed to one.
        let ends = (0..tail.len()).filter(|at| tail.get(*at..).is_some_and(|end| end.starts_with(&mark)));
        let leads_to_directory = |at: &usize| {
            let end = tail.get(*at..).unwrap_or_default();
            let (size, start) = (number(end, 12, 4).unwrap_or(0), number(end, 16, 4).unwrap_or(u64::MAX));
            let at = tail_start + *at as u64;
            start.checked_add(size).is_some_and(|behind| behind <= at)
                && size > 0
                && bytes_at(source, start..start.saturating_add(4)).is_ok_and(|head| head == CENTRAL.to_le_bytes())
        };
        if ends.filter(leads_to_directory).take(2).count() > 1 {
            let sentence = "there are two directories, so that readers see different files in the container";
            found.push(Reason::new("asic-two-directories", sentence));
        }
        Ok(())
    }
}

/// A name as file systems compare names that do not distinguish case: so that two files never take one place.
fn normal_name(name: &str) -> String {
    let parts = name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let parts: Vec<&str> = parts.map(|part| part.trim_end_matches(['.', ' '])).collect();
    let folder = if name.ends_with('/') { "/" } else { "" };
    parts.join("/").to_lowercase() + folder
}

/// A foreign name for people.
fn shown(name: &str) -> String {
    let printable = name.chars().take(120).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    format!("{:?}", printable.collect::<String>())
}

/// So many oddities are reported.
const ODDITIES_MAX: usize = 32;
/// Longest data descriptor behind a streamed entry: signature, checksum, two lengths of eight bytes.
const DESCRIPTOR_BYTES_MAX: u64 = 24;
/// How much is looked at between two entries.
const GAP_BYTES_MAX: u64 = 1024 * 1024;
/// Where the end of the central directory can begin: 22 bytes, and a comment.
const END_TAIL_BYTES: u64 = 22 + 65_535;

/// Where the central directory is, and how many entries it has.
fn directory(source: &dyn Source) -> Result<(Range<u64>, u64), FormatError> {
    let tail_start = source.len().saturating_sub(END_TAIL_BYTES);
    let tail = bytes_at(source, tail_start..source.len())?;
    let mark = END.to_le_bytes();
    let fits = |at: &usize| {
        tail.get(*at..).is_some_and(|end| {
            end.starts_with(&mark) && number(end, 20, 2).is_ok_and(|comment| comment + 22 == end.len() as u64)
        })
    };
    let at = (0..tail.len()).rev().find(fits).ok_or_else(|| broken("its end is missing"))?;
    let end = tail.get(at..).unwrap_or_default();
    let mut end_at = tail_start + at as u64;
    let [disk, first] = [number(end, 4, 2)?, number(end, 6, 2)?];
    let (mut count, mut size, mut start) = (number(end, 10, 2)?, number(end, 12, 4)?, number(end, 16, 4)?);
    if disk != 0 || first != 0 || number(end, 8, 2)? != count {
        return Err(broken("it is a part of several"));
    }
    if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
        let locator = bytes_at(source, end_at.saturating_sub(20)..end_at)?;
        if number(&locator, 0, 4)? != u64::from(LOCATOR_64) {
            return Err(broken("its end is missing"));
        }
        let at = number(&locator, 8, 8)?;
        let large = bytes_at(source, at..at.saturating_add(56))?;
        if number(&large, 0, 4)? != u64::from(END_64) || number(&large, 16, 8)? != 0 {
            return Err(broken("its end is missing"));
        }
        (count, size, start) = (number(&large, 32, 8)?, number(&large, 40, 8)?, number(&large, 48, 8)?);
        end_at = at;
    }
    if start.checked_add(size) != Some(end_at) {
        return Err(broken("its directory is not where it should be"));
    }
    Ok((start..end_at, count))
}

/// One header of the central directory, and what is behind it.
fn entry<'b>(bytes: &'b [u8], odd: &mut Odd<'_>) -> Result<(Entry, &'b [u8]), FormatError> {
    if number(bytes, 0, 4)? != u64::from(CENTRAL) {
        return Err(broken("its directory cannot be read"));
    }
    let (flags, method) = (number(bytes, 8, 2)?, number(bytes, 10, 2)?);
    if flags & 0x2041 != 0 {
        return Err(FormatError::document("asic-encrypted", "the container is encrypted"));
    }
    if !matches!(method, 0 | 8) || number(bytes, 34, 2)? != 0 {
        return Err(FormatError::document("asic-method", "an entry of the container is packed in an unknown way"));
    }
    let lengths = [28, 30, 32].map(|at| number(bytes, at, 2).unwrap_or(0) as usize);
    let end = 46 + lengths.iter().sum::<usize>();
    let (header, behind) = bytes.split_at_checked(end).ok_or_else(|| broken("its directory is cut short"))?;
    let [name_length, extra_length, _] = lengths;
    let name = header.get(46..46 + name_length).unwrap_or_default();
    let raw_name = name.to_vec();
    let name = match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => {
            let name = String::from_utf8_lossy(name).into_owned();
            let sentence =
                format!("the name of an entry is not UTF-8, so that readers see different names: {}", shown(&name));
            odd(Oddity { code: "asic-name", what: "a name is not UTF-8", sentence })?;
            name
        }
    };
    let leads_out = name.starts_with('/') || name.contains(['\\', '\0']) || name.split('/').any(|part| part == "..");
    let has_drive = name.get(1..2) == Some(":") && name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if name.is_empty() || leads_out || has_drive {
        let sentence = format!("the name of an entry leads out of the container: {}", shown(&name));
        odd(Oddity { code: "asic-name", what: "a name leads out of it", sentence })?;
    }
    let (mut packed, mut length) = (number(header, 20, 4)?, number(header, 24, 4)?);
    let mut start = number(header, 42, 4)?;
    let mut offset_at = 42..46;
    let mut at = 46 + name_length;
    while at + 4 <= 46 + name_length + extra_length {
        let (id, size) = (number(header, at, 2)?, number(header, at + 2, 2)? as usize);
        let mut field = at + 4;
        if id == u64::from(EXTRA_64) {
            for value in [&mut length, &mut packed] {
                if *value == 0xffff_ffff {
                    *value = number(header, field, 8)?;
                    field += 8;
                }
            }
            if start == 0xffff_ffff {
                start = number(header, field, 8)?;
                offset_at = field..field + 8;
            }
        }
        at += 4 + size;
    }
    let data = 0..packed;
    let (deflated, crc) = (method == 8, number(header, 16, 4)? as u32);
    if !deflated && packed != length {
        return Err(broken("two lengths differ"));
    }
    let header = header.to_vec();
    let entry =
        Entry { name, record: start..start, data, deflated, length, crc, header, offset_at, raw_name, streamed: false };
    Ok((entry, behind))
}

impl Entry {
    /// Finds the bytes behind the local header, which has to agree. `end`: where the next entry begins.
    fn locate(&mut self, source: &dyn Source, end: u64, odd: &mut Odd<'_>) -> Result<(), FormatError> {
        let start = self.record.start;
        let local = bytes_at(source, start..start.saturating_add(30))?;
        let [name, extra] = [number(&local, 26, 2)?, number(&local, 28, 2)?];
        let data = start + 30 + name + extra;
        let data_end = data.checked_add(self.data.end).filter(|data_end| *data_end <= end);
        let data_end = data_end.ok_or_else(|| broken("entries lie over each other"))?;
        let written = bytes_at(source, start + 30..start + 30 + name)?;
        if number(&local, 0, 4)? != u64::from(LOCAL) {
            return Err(broken("its directory and its entries do not agree"));
        }
        // With a data descriptor the lengths of the local header are zero.
        self.streamed = number(&local, 6, 2)? & 8 != 0;
        let same_kind = local.get(8..10) == self.header.get(10..12);
        let same_sum = self.streamed || number(&local, 14, 4)? == u64::from(self.crc);
        if written != self.raw_name || !same_kind || !same_sum {
            let own = shown(&String::from_utf8_lossy(&written));
            let sentence = match written == self.raw_name {
                false => format!("an entry calls itself {own}, but the directory calls it {}", shown(&self.name)),
                true => format!("the directory says other things about {own} than the entry itself"),
            };
            let what = "its directory and its entries do not agree";
            odd(Oddity { code: "asic-entry-differs", what, sentence })?;
        }
        self.record.end = end;
        self.data = data..data_end;
        Ok(())
    }

    /// The bytes as a recipe over the container: a slice, or what was unpacked, counted in `unpacked`. The checksum is
    /// checked.
    pub fn content(&self, source: &dyn Source, unpacked: &mut u64) -> Result<Part, FormatError> {
        let mut crc = crc32fast::Hasher::new();
        let part = if self.deflated {
            let bytes = self.bytes(source, unpacked)?;
            crc.update(&bytes);
            Part::Bytes(bytes)
        } else {
            each_chunk::<SourceError>(source, &self.data, |chunk| {
                crc.update(chunk);
                Ok(())
            })?;
            Part::Slice(self.data.clone())
        };
        if crc.finalize() == self.crc { Ok(part) } else { Err(broken("a checksum is wrong")) }
    }

    /// The bytes, in memory.
    pub fn bytes(&self, source: &dyn Source, unpacked: &mut u64) -> Result<Vec<u8>, FormatError> {
        *unpacked = unpacked.saturating_add(self.length.max(self.data.end - self.data.start));
        if *unpacked > ASIC_UNPACKED_BYTES_MAX {
            let sentence = "too much of the container would have to be unpacked";
            return Err(FormatError::document("asic-too-large", sentence));
        }
        let packed = bytes_at(source, self.data.clone())?;
        if !self.deflated {
            return Ok(packed);
        }
        let mut bytes = Vec::new();
        let read = flate2::read::DeflateDecoder::new(packed.as_slice()).take(self.length + 1).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() as u64 != self.length {
            return Err(broken("an entry cannot be unpacked"));
        }
        Ok(bytes)
    }
}
