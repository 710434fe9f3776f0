//! Reading containers of any maker: the central directory, checked against the local headers, and the bytes of entries.
//!
//! Refuses what readers would disagree about: names twice, entries over each other, headers that differ.

use super::archive::{CENTRAL, END, END_64, EXTRA_64, LOCAL, LOCATOR_64};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::{Source, SourceError, each_chunk};
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

impl Container {
    /// Reads the directory and every local header.
    pub fn read(source: &dyn Source) -> Result<Self, FormatError> {
        let (range, count) = directory(source)?;
        if count > ASIC_ENTRIES_MAX as u64 || range.end.saturating_sub(range.start) > ASIC_DIRECTORY_BYTES_MAX {
            return Err(FormatError::document("asic-too-large", "the container has too many entries"));
        }
        let bytes = bytes_at(source, range.clone())?;
        let mut rest = bytes.as_slice();
        let mut entries = Vec::new();
        for _ in 0..count {
            let (entry, behind) = entry(rest)?;
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
            entry.locate(source, end)?;
            if !names.insert(entry.name.to_lowercase()) {
                return Err(broken("two entries have the same name"));
            }
        }
        if entries.first().is_none_or(|first| first.record.start != 0) {
            return Err(broken("it does not begin with an entry"));
        }
        Ok(Self { entries, directory_start: range.start })
    }
}

/// Where the central directory is, and how many entries it has.
fn directory(source: &dyn Source) -> Result<(Range<u64>, u64), FormatError> {
    let tail_start = source.len().saturating_sub(22 + 65_535);
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
fn entry(bytes: &[u8]) -> Result<(Entry, &[u8]), FormatError> {
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
    let name = std::str::from_utf8(name).map_err(|_| broken("a name is not UTF-8"))?.to_owned();
    let odd = name.starts_with('/') || name.contains(['\\', '\0']) || name.split('/').any(|part| part == "..");
    if name.is_empty() || odd {
        return Err(broken("a name leads out of it"));
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
    Ok((Entry { name, record: start..start, data, deflated, length, crc, header, offset_at }, behind))
}

impl Entry {
    /// Finds the bytes behind the local header, which has to agree. `end`: where the next entry begins.
    fn locate(&mut self, source: &dyn Source, end: u64) -> Result<(), FormatError> {
        let start = self.record.start;
        let local = bytes_at(source, start..start.saturating_add(30))?;
        let [name, extra] = [number(&local, 26, 2)?, number(&local, 28, 2)?];
        let data = start + 30 + name + extra;
        let data_end = data.checked_add(self.data.end).filter(|data_end| *data_end <= end);
        let data_end = data_end.ok_or_else(|| broken("entries lie over each other"))?;
        let written = bytes_at(source, start + 30..start + 30 + name)?;
        let same = number(&local, 0, 4)? == u64::from(LOCAL)
            && written == self.name.as_bytes()
            && local.get(8..10) == self.header.get(10..12);
        // With a data descriptor the lengths of the local header are zero.
        let streamed = number(&local, 6, 2)? & 8 != 0;
        if !same || !streamed && number(&local, 14, 4)? != u64::from(self.crc) {
            return Err(broken("its directory and its entries do not agree"));
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
