//! The incremental update (ISO 32000-1 7.5.6): objects, cross-reference section and trailer that are appended to the
//! untouched original. Knows syntax, encryption and offsets, nothing of signatures.

use super::encrypt::Crypt;
use super::lexer::{self, Dictionary, Reference};
use super::reader::Document;
use super::window::Object;
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use model::limits::PDF_OBJECTS_MAX;
use std::borrow::Cow;
use std::ops::Range;

/// Highest offset that a cross-reference table can hold.
const TABLE_OFFSET_MAX: u64 = 9_999_999_999;

/// What an update has to know of the document that it goes behind.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    crypt: Option<Crypt>,
    /// Where the update starts, as offsets in the file count.
    start: u64,
    /// Whether the last byte ends a line.
    ends_with_line_end: bool,
    /// The first free object number.
    next_number: u32,
    /// The newest trailer, raw.
    trailer: Vec<u8>,
    /// `startxref` of the newest cross-reference section, and whether that is a stream. `None`: there is no document yet.
    previous: Option<u64>,
    streams: bool,
}

impl Ground {
    /// The document as it is now.
    pub(super) fn of(document: &Document<'_>) -> Self {
        Self {
            crypt: document.crypt.clone(),
            start: document.window.len(),
            ends_with_line_end: document.ends_with_line_end,
            next_number: document.chain.size.max(1),
            trailer: document.chain.trailer().to_vec(),
            previous: Some(document.chain.start),
            streams: document.chain.ends_with_stream(),
        }
    }

    /// No document: what is written makes a new file behind a header of this length. `trailer` names its root.
    pub(super) fn of_new_file(header: u64, trailer: Vec<u8>, next_number: u32) -> Self {
        Self {
            crypt: None,
            start: header,
            ends_with_line_end: true,
            next_number,
            trailer,
            previous: None,
            streams: false,
        }
    }
}

/// The update while it grows.
pub(super) struct Tail<'g> {
    ground: &'g Ground,
    crypt: Option<&'g Crypt>,
    /// Where the update starts, as offsets in the file count.
    start: u64,
    pub(super) bytes: Vec<u8>,
    entries: Vec<(Reference, u64)>,
    next_number: u32,
}

impl<'g> Tail<'g> {
    /// Starts an update of the document; `capacity` is a guess of its length.
    pub(super) fn new(ground: &'g Ground, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        if !ground.ends_with_line_end {
            bytes.push(b'\n');
        }
        Self {
            ground,
            crypt: ground.crypt.as_ref(),
            start: ground.start,
            bytes,
            entries: Vec::with_capacity(8),
            next_number: ground.next_number,
        }
    }

    /// Takes the name of a new object.
    pub(super) fn allocate(&mut self) -> Result<Reference, FormatError> {
        let number = self.next_number;
        if number as usize > PDF_OBJECTS_MAX {
            return Err(unsupported(format!("it numbers more than {PDF_OBJECTS_MAX} objects")));
        }
        self.next_number += 1;
        Ok(Reference { number, generation: 0 })
    }

    fn open(&mut self, id: Reference) {
        self.entries.push((id, self.start + self.bytes.len() as u64));
        self.bytes.extend_from_slice(format!("{} {} obj\n", id.number, id.generation).as_bytes());
    }

    /// Writes an object; answers where its body starts in `bytes`.
    pub(super) fn object(&mut self, id: Reference, body: &[u8]) -> usize {
        self.open(id);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(body);
        self.bytes.extend_from_slice(b"\nendobj\n");
        start
    }

    /// Writes a stream; `entries` are those of its dictionary without `/Length`.
    pub(super) fn stream(&mut self, id: Reference, entries: &str, data: &[u8]) -> Result<(), FormatError> {
        let data = match self.crypt {
            Some(crypt) => Cow::Owned(crypt.encrypt_stream(id, data)?),
            None => Cow::Borrowed(data),
        };
        self.plain_stream(id, entries, &data);
        Ok(())
    }

    fn plain_stream(&mut self, id: Reference, entries: &str, data: &[u8]) {
        self.open(id);
        self.bytes.extend_from_slice(format!("<< {entries} /Length {} >>\nstream\n", data.len()).as_bytes());
        self.bytes.extend_from_slice(data);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
    }

    /// A string as it has to stand in the object `id`.
    pub(super) fn string(&self, id: Reference, bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
        match self.crypt {
            Some(crypt) => crypt.encrypt_string(id, bytes).map(|data| lexer::hex_string(&data)),
            None => Ok(lexer::write_string(bytes)),
        }
    }

    /// The raw value of an object as it has to stand outside of object streams: there strings are encrypted one by one.
    pub(super) fn outside<'a>(&self, object: &'a Object<'_>) -> Result<Cow<'a, [u8]>, FormatError> {
        let Some(crypt) = self.crypt.filter(|_| object.compressed) else { return Ok(Cow::Borrowed(&object.value)) };
        let mut failed = None;
        let raw = lexer::map_strings(&object.value, &mut |plain| {
            crypt.encrypt_string(object.id, &plain).unwrap_or_else(|error| {
                failed = Some(error);
                Vec::new()
            })
        });
        failed.map_or(Ok(Cow::Owned(raw)), Err)
    }

    /// Writes a dictionary object anew with some keys set, everything else as it was.
    pub(super) fn rewrite(&mut self, object: &Object<'_>, changes: &[(&str, Vec<u8>)]) -> Result<(), FormatError> {
        let raw = self.outside(object)?;
        let dictionary =
            Dictionary::new(&raw).ok_or_else(|| damaged("it lacks a dictionary where there has to be one"))?;
        let body = dictionary.with(changes);
        self.object(object.id, &body);
        Ok(())
    }

    /// Writes the cross-reference section, of the same kind as the document's newest one, and the trailer. `id` is the
    /// raw new `/ID`.
    pub(super) fn finish(&mut self, id: &[u8]) -> Result<(), FormatError> {
        let trailer = Dictionary::new(&self.ground.trailer);
        let mut common = Vec::with_capacity(256);
        for key in ["Root", "Info", "Encrypt"] {
            if let Some(value) = trailer.as_ref().and_then(|trailer| trailer.get(key)) {
                common.extend_from_slice(format!("/{key} ").as_bytes());
                common.extend_from_slice(value);
                common.push(b' ');
            }
        }
        common.extend_from_slice(b"/ID ");
        common.extend_from_slice(id);
        if let Some(previous) = self.ground.previous {
            common.extend_from_slice(format!(" /Prev {previous}").as_bytes());
        }
        self.entries.sort_unstable();
        if self.entries.windows(2).any(|pair| pair[0].0.number == pair[1].0.number) {
            return Err(damaged("one object of it plays two parts"));
        }
        let start = if self.ground.streams { self.write_stream(&common)? } else { self.write_table(&common)? };
        self.bytes.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        Ok(())
    }

    fn write_table(&mut self, common: &[u8]) -> Result<u64, FormatError> {
        let start = self.start + self.bytes.len() as u64;
        if start > TABLE_OFFSET_MAX {
            return Err(unsupported(
                "it is longer than 10 GB, which its kind of cross-reference table cannot express".into(),
            ));
        }
        self.bytes.extend_from_slice(b"xref\n");
        if self.ground.previous.is_none() {
            self.bytes.extend_from_slice(b"0 1\n0000000000 65535 f \n");
        }
        for run in self.entries.chunk_by(|a, b| a.0.number + 1 == b.0.number) {
            let first = run.first().map_or(0, |entry| entry.0.number);
            self.bytes.extend_from_slice(format!("{first} {}\n", run.len()).as_bytes());
            for (id, offset) in run {
                self.bytes.extend_from_slice(format!("{offset:010} {:05} n \n", id.generation).as_bytes());
            }
        }
        self.bytes.extend_from_slice(format!("trailer\n<< /Size {} ", self.next_number).as_bytes());
        self.bytes.extend_from_slice(common);
        self.bytes.extend_from_slice(b" >>\n");
        Ok(start)
    }

    fn write_stream(&mut self, common: &[u8]) -> Result<u64, FormatError> {
        let id = self.allocate()?;
        let start = self.start + self.bytes.len() as u64;
        // The highest number of all, so the order stays.
        self.entries.push((id, start));
        let width = (8 - start.leading_zeros() as usize / 8).max(1);
        let (mut index, mut data) = (String::new(), Vec::with_capacity(self.entries.len() * (width + 3)));
        for run in self.entries.chunk_by(|a, b| a.0.number + 1 == b.0.number) {
            index.push_str(&format!("{} {} ", run.first().map_or(0, |entry| entry.0.number), run.len()));
            for (id, offset) in run {
                data.push(1);
                data.extend_from_slice(&offset.to_be_bytes()[8 - width..]);
                data.extend_from_slice(&id.generation.to_be_bytes());
            }
        }
        let head = format!(
            "{} 0 obj\n<< /Type /XRef /Size {} /W [1 {width} 2] /Index [{}] ",
            id.number,
            self.next_number,
            index.trim_end()
        );
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(common);
        // Never encrypted (ISO 32000-1 7.5.8.2).
        self.bytes.extend_from_slice(format!(" /Length {} >>\nstream\n", data.len()).as_bytes());
        self.bytes.extend_from_slice(&data);
        self.bytes.extend_from_slice(b"\nendstream\nendobj\n");
        Ok(start)
    }
}

/// Where a signature dictionary in `bytes` keeps what is filled in last.
#[derive(Clone, Debug)]
pub(super) struct Holes {
    /// The numbers of `/ByteRange`, a run of blanks inside its brackets.
    pub(super) byte_range: Range<usize>,
    /// `/Contents` with its angle brackets.
    pub(super) contents: Range<usize>,
}

impl Holes {
    /// The same holes, counted from further in front.
    pub(super) fn behind(self, start: usize) -> Self {
        let shift = |range: Range<usize>| range.start + start..range.end + start;
        Self { byte_range: shift(self.byte_range), contents: shift(self.contents) }
    }
}

/// Fills in `/ByteRange`: all of the file but `/Contents`. `length` is that of the original.
pub(super) fn fill_byte_range(bytes: &mut [u8], holes: &Holes, length: u64) {
    let first = length + holes.contents.start as u64;
    let second = length + holes.contents.end as u64;
    let rest = (bytes.len() - holes.contents.end) as u64;
    let numbers = format!("0 {first} {second} {rest}");
    bytes[holes.byte_range.clone()].fill(b' ');
    bytes[holes.byte_range.start..][..numbers.len()].copy_from_slice(numbers.as_bytes());
}

/// Writes a signature (DER) into `/Contents`. `None`: there is not enough room.
pub(super) fn fill_contents(bytes: &mut [u8], holes: &Holes, der: &[u8]) -> Option<()> {
    let hole = bytes.get_mut(holes.contents.start + 1..holes.contents.end.checked_sub(1)?)?;
    if der.len() > hole.len() / 2 {
        return None;
    }
    for (pair, byte) in hole.chunks_exact_mut(2).zip(der) {
        pair.copy_from_slice(&lexer::hex_pair(*byte));
    }
    Some(())
}

/// How long the numbers of `/ByteRange` can become for a file of this length.
pub(super) fn byte_range_width(length: u64, update: usize) -> usize {
    let digits = (length + update as u64).to_string().len().max(10);
    2 + 3 * (digits + 1)
}
