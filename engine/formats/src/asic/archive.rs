//! Writing ZIP files (APPNOTE 6.3): entries stored as they are, without data descriptors, Zip64 where it is needed.
//!
//! Never reads anything: lengths and checksums come in, recipes go out.

use crate::recipe::Part;
use model::Time;

/// Signature of a local file header.
pub const LOCAL: u32 = 0x0403_4b50;
/// Signature of a central directory header.
pub const CENTRAL: u32 = 0x0201_4b50;
/// Signature of the end of the central directory.
pub const END: u32 = 0x0605_4b50;
/// Signature of the Zip64 end of the central directory.
pub const END_64: u32 = 0x0606_4b50;
/// Signature of the locator of the Zip64 end.
pub const LOCATOR_64: u32 = 0x0706_4b50;
/// Header ID of the Zip64 extra field.
pub const EXTRA_64: u16 = 1;

/// Bit 11: the name is UTF-8.
const FLAG_UTF8: u16 = 1 << 11;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;

/// A time in the form of MS-DOS: time, date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DosTime(u16, u16);

impl DosTime {
    /// In UTC; what lies outside of 1980 to 2107 becomes the first of January 1980.
    pub fn of(now: Time) -> Self {
        let (year, month, day, hour, minute, second) = now.civil();
        match u16::try_from(year - 1980) {
            Ok(year @ 0..=127) => Self(
                u16::from(hour) << 11 | u16::from(minute) << 5 | u16::from(second.min(59)) >> 1,
                year << 9 | u16::from(month) << 5 | u16::from(day),
            ),
            _ => Self(0, 1 << 5 | 1),
        }
    }
}

/// What is written of an entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, with folders.
    pub name: String,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes.
    pub body: Vec<Part>,
}

impl Entry {
    /// An entry with these bytes.
    pub fn of_bytes(name: &str, bytes: Vec<u8>) -> Self {
        let (crc, length) = (crc32fast::hash(&bytes), bytes.len() as u64);
        Self { name: name.to_owned(), crc, length, body: vec![Part::Bytes(bytes)] }
    }

    fn header(&self, signature: u32, time: DosTime, extra: &[u8], central: bool) -> Vec<u8> {
        let version = if extra.is_empty() { VERSION } else { VERSION_64 };
        let length = u32::try_from(self.length).unwrap_or(u32::MAX);
        let mut out = signature.to_le_bytes().to_vec();
        if central {
            out.extend(version.to_le_bytes());
        }
        for number in [version, FLAG_UTF8, 0, time.0, time.1] {
            out.extend(number.to_le_bytes());
        }
        for number in [self.crc, length, length] {
            out.extend(number.to_le_bytes());
        }
        // Names are made by us or were read with 16 bits of length.
        for number in [self.name.len() as u16, extra.len() as u16] {
            out.extend(number.to_le_bytes());
        }
        out
    }

    /// The local header. `mimetype` has no extra field, for it is always short.
    fn local(&self, time: DosTime) -> Vec<u8> {
        let mut extra = Vec::new();
        if self.length >= u64::from(u32::MAX) {
            extra = extra_64(&[self.length, self.length]);
        }
        [&self.header(LOCAL, time, &extra, false), self.name.as_bytes(), &extra].concat()
    }

    fn central(&self, time: DosTime, offset: u64) -> Vec<u8> {
        let mut large = Vec::new();
        if self.length >= u64::from(u32::MAX) {
            large.extend([self.length, self.length]);
        }
        let short = u32::try_from(offset).unwrap_or(u32::MAX);
        if short == u32::MAX {
            large.push(offset);
        }
        let extra = if large.is_empty() { Vec::new() } else { extra_64(&large) };
        let mut out = self.header(CENTRAL, time, &extra, true);
        // Comment, disk, internal and external attributes.
        out.extend([0; 10]);
        out.extend(short.to_le_bytes());
        [&out, self.name.as_bytes(), &extra].concat()
    }
}

fn extra_64(numbers: &[u64]) -> Vec<u8> {
    let mut out = EXTRA_64.to_le_bytes().to_vec();
    out.extend((8 * numbers.len() as u16).to_le_bytes());
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    out
}

/// A ZIP file in the making.
#[derive(Debug, Default)]
pub struct Writer {
    parts: Vec<Part>,
    at: u64,
    directory: Vec<u8>,
    count: u64,
}

impl Writer {
    /// Begins behind parts that are `length` bytes long and hold what `count` central headers name.
    pub fn behind(parts: Vec<Part>, length: u64, directory: Vec<u8>, count: u64) -> Self {
        Self { parts, at: length, directory, count }
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: Entry, time: DosTime) {
        let header = entry.local(time);
        self.directory.extend(entry.central(time, self.at));
        self.count += 1;
        self.at += header.len() as u64 + entry.length;
        self.parts.push(Part::Bytes(header));
        self.parts.extend(entry.body);
    }

    /// The whole file.
    pub fn finish(mut self) -> Vec<Part> {
        let (size, start, mut end) = (self.directory.len() as u64, self.at, self.directory);
        let [short_size, short_start] = [size, start].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let short_count = u16::try_from(self.count).unwrap_or(u16::MAX);
        if short_size == u32::MAX || short_start == u32::MAX || short_count == u16::MAX {
            end.extend(END_64.to_le_bytes());
            end.extend(44_u64.to_le_bytes());
            end.extend(VERSION_64.to_le_bytes());
            end.extend(VERSION_64.to_le_bytes());
            end.extend([0; 8]);
            for number in [self.count, self.count, size, start] {
                end.extend(number.to_le_bytes());
            }
            end.extend(LOCATOR_64.to_le_bytes());
            end.extend([0; 4]);
            end.extend((start + size).to_le_bytes());
            end.extend(1_u32.to_le_bytes());
        }
        end.extend(END.to_le_bytes());
        end.extend([0; 4]);
        end.extend(short_count.to_le_bytes());
        end.extend(short_count.to_le_bytes());
        end.extend(short_size.to_le_bytes());
        end.extend(short_start.to_le_bytes());
        end.extend([0; 2]);
        self.parts.push(Part::Bytes(end));
        self.parts
    }
}
