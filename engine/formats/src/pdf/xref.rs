//! The chain of cross-reference sections (ISO 32000-1 7.5.4 to 7.5.8): where an object lies. Sections are read as far as
//! their headers; an entry is read when it is asked for. Nothing is repaired: where the chain is broken, readers would
//! disagree about what was signed.

use super::filter;
use super::lexer::{self, Dictionary};
use super::window::Window;
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use model::limits::{PDF_OBJECTS_MAX, PDF_REVISIONS_MAX, PDF_STREAM_BYTES_MAX};
use std::ops::Range;

/// Memory that the sections of one document may take, and again their decoded streams.
const TABLE_BYTES_MAX: usize = PDF_STREAM_BYTES_MAX;

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// Nowhere: it is null.
    Free,
    /// At this offset from the header.
    Offset { offset: u64, generation: u16 },
    /// In an object stream.
    Stream { number: u32, index: u32 },
}

/// All sections of a document, the newest first.
#[derive(Debug)]
pub(super) struct Chain {
    sections: Vec<Section>,
    /// The section that counts as the newest: those before it are passed over, and with them what came later.
    newest: usize,
    /// `startxref` of the newest section, from the header.
    pub(super) start: u64,
    /// One more than the highest object number that any section mentions.
    pub(super) size: u32,
    /// Bytes of cross-reference streams that are kept decoded.
    decoded: usize,
}

/// What grows over all sections.
struct Totals {
    /// One more than the highest object number.
    size: u32,
    /// Memory taken.
    bytes: usize,
}

impl Totals {
    fn charge(&mut self, bytes: usize) -> Result<(), FormatError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > TABLE_BYTES_MAX { Err(too_large()) } else { Ok(()) }
    }
}

fn too_large() -> FormatError {
    unsupported("its cross-reference tables take too much memory".into())
}

#[derive(Debug)]
struct Section {
    /// Where it is, from the header.
    position: u64,
    /// The raw trailer, or the dictionary of the cross-reference stream.
    trailer: Vec<u8>,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Table { subsections: Vec<Subsection>, hybrid: Option<Stream> },
    Stream(Stream),
}

/// Consecutive entries of a table.
#[derive(Debug)]
struct Subsection {
    first: u32,
    count: u32,
    entries: Entries,
}

#[derive(Debug)]
enum Entries {
    /// Twenty bytes each, from this offset (from the header) on.
    At(u64),
    /// Of another width, so read when the section was.
    Read(Vec<Place>),
}

/// A cross-reference stream, decoded when the first entry is asked for.
#[derive(Debug)]
struct Stream {
    index: Vec<(u32, u32)>,
    widths: [usize; 3],
    dictionary: Vec<u8>,
    /// Offset of the data, from the header.
    data_at: u64,
    decoded: Option<Vec<u8>>,
}

impl Chain {
    /// Reads the chain from the newest section on.
    pub(super) fn read(window: &Window<'_>, start: u64) -> Result<Self, FormatError> {
        let mut chain = Chain { sections: Vec::with_capacity(2), newest: 0, start, size: 0, decoded: 0 };
        let mut totals = Totals { size: 0, bytes: 0 };
        let mut seen = vec![start];
        let mut next = Some(start);
        while let Some(position) = next {
            if chain.sections.len() >= PDF_REVISIONS_MAX {
                return Err(unsupported(format!("it has more than {PDF_REVISIONS_MAX} revisions")));
            }
            let mut section = read_section(window, position, &mut totals, true)?;
            section.position = position;
            next = match Dictionary::new(&section.trailer).and_then(|trailer| trailer.get("Prev")) {
                None | Some(b"0") => None,
                Some(previous) => Some(
                    lexer::unsigned(previous, 0)
                        .ok_or_else(|| damaged("the offset of an earlier cross-reference section is not a number"))?
                        .0,
                ),
            };
            if next.is_some_and(|next| seen.contains(&next)) {
                return Err(damaged("its cross-reference sections refer to each other in a circle"));
            }
            seen.extend(next);
            totals.charge(section.trailer.len())?;
            chain.sections.push(section);
        }
        chain.size = totals.size;
        Ok(chain)
    }

    /// The newest trailer, raw.
    pub(super) fn trailer(&self) -> &[u8] {
        self.trailer_of(self.newest)
    }

    /// The trailer of one section, raw.
    pub(super) fn trailer_of(&self, section: usize) -> &[u8] {
        self.sections.get(section).map_or(b"<<>>", |section| &section.trailer)
    }

    /// Where the sections are, from the header, the newest first.
    pub(super) fn positions(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + '_ {
        self.sections.iter().map(|section| section.position)
    }

    /// From now on answers as if this section were the newest.
    pub(super) fn look_from(&mut self, section: usize) {
        self.newest = section;
    }

    /// The runs of object numbers that a section mentions: first and count.
    pub(super) fn mentioned(&self, section: usize) -> Vec<(u32, u32)> {
        let Some(section) = self.sections.get(section) else { return Vec::new() };
        match &section.body {
            Body::Stream(stream) => stream.index.clone(),
            Body::Table { subsections, hybrid } => {
                let beside = hybrid.iter().flat_map(|stream| stream.index.iter().copied());
                subsections.iter().map(|part| (part.first, part.count)).chain(beside).collect()
            }
        }
    }

    /// Whether the newest section is a cross-reference stream.
    pub(super) fn ends_with_stream(&self) -> bool {
        self.sections.first().is_some_and(|section| matches!(section.body, Body::Stream(_)))
    }

    /// Whether a table has a cross-reference stream beside it (ISO 32000-1 7.5.8.4).
    pub(super) fn is_hybrid(&self) -> bool {
        self.sections.iter().any(|section| matches!(section.body, Body::Table { hybrid: Some(_), .. }))
    }

    /// Where the object of this number lies, by the newest section that mentions it.
    pub(super) fn find(&mut self, window: &Window<'_>, number: u32) -> Result<Place, FormatError> {
        self.find_within(window, self.newest..self.sections.len(), number).map(|found| found.unwrap_or(Place::Free))
    }

    /// Where these sections say that the object of this number lies; `None`: they do not mention it.
    pub(super) fn find_within(
        &mut self,
        window: &Window<'_>,
        sections: Range<usize>,
        number: u32,
    ) -> Result<Option<Place>, FormatError> {
        for section in self.sections.get_mut(sections).into_iter().flatten() {
            let found = match &mut section.body {
                Body::Stream(stream) => stream.find(window, number, &mut self.decoded)?,
                Body::Table { subsections, hybrid } => match (find_in(subsections, window, number)?, hybrid) {
                    // What a table hides as free, the stream beside it may reveal.
                    (None | Some(Place::Free), Some(stream)) => stream.find(window, number, &mut self.decoded)?,
                    (found, _) => found,
                },
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// `may_be_stream` is false for the stream beside a table, which must be one.
fn read_section(window: &Window<'_>, position: u64, totals: &mut Totals, main: bool) -> Result<Section, FormatError> {
    let head = window.bytes(position, 64)?;
    let start = lexer::skip_blank(&head, 0);
    let position = position + start as u64;
    if main && head[start.min(head.len())..].starts_with(b"xref") {
        return read_table(window, position + 4, totals);
    }
    let object = window
        .object(position, None)
        .map_err(|_| damaged("the cross-reference table is not where the file says it is"))?;
    let dictionary =
        Dictionary::new(&object.value).filter(|dictionary| dictionary.name("Type").as_deref() == Some(b"XRef"));
    let (Some(dictionary), Some(data_at)) = (dictionary, object.stream_at) else {
        return Err(damaged("the cross-reference table is not where the file says it is"));
    };
    let stream = Stream::new(&dictionary, &object.value, data_at, totals)?;
    Ok(Section { position, trailer: object.value.to_vec(), body: Body::Stream(stream) })
}

fn read_table(window: &Window<'_>, mut position: u64, totals: &mut Totals) -> Result<Section, FormatError> {
    let broken = || damaged("its cross-reference table is malformed");
    let mut subsections = Vec::with_capacity(4);
    loop {
        let head = window.bytes(position, 64)?;
        let start = lexer::skip_blank(&head, 0);
        if head[start.min(head.len())..].starts_with(b"trailer") {
            position += start as u64 + 7;
            break;
        }
        if start >= head.len() && !head.is_empty() {
            position += start as u64;
            continue;
        }
        let (first, end) = lexer::unsigned(&head, start).ok_or_else(broken)?;
        let (count, end) = lexer::unsigned(&head, end).ok_or_else(broken)?;
        let entries_at = position + lexer::skip_blank(&head, end) as u64;
        let (first, count) = check_range(first, count, totals)?;
        if count == 0 {
            position += end as u64;
            continue;
        }
        totals.charge(size_of::<Subsection>())?;
        let length = u64::from(count) * 20;
        // The last entry often lacks the second byte of its line end.
        let entries = if entry_at(window, entries_at).is_some()
            && entry_at(window, entries_at + length - 20).is_some()
            && after_entries(window, entries_at + length)?
        {
            position = entries_at + length - 1;
            Entries::At(entries_at)
        } else {
            totals.charge(count as usize * size_of::<Place>())?;
            let (places, end) = read_odd_entries(window, entries_at, count)?;
            position = end;
            Entries::Read(places)
        };
        subsections.push(Subsection { first, count, entries });
    }
    subsections.sort_by_key(|subsection| subsection.first);
    if subsections.windows(2).any(|pair| pair[0].first + pair[0].count > pair[1].first) {
        return Err(damaged("its cross-reference table mentions an object twice"));
    }
    let trailer = window.value(position)?;
    let dictionary = Dictionary::new(&trailer).ok_or_else(|| damaged("its trailer is malformed"))?;
    note_size(&dictionary, totals)?;
    let hybrid = match dictionary.integer("XRefStm").and_then(|offset| u64::try_from(offset).ok()) {
        None => None,
        Some(offset) => match read_section(window, offset, totals, false)?.body {
            Body::Stream(stream) => Some(stream),
            Body::Table { .. } => return Err(broken()),
        },
    };
    Ok(Section { position, trailer: trailer.into_owned(), body: Body::Table { subsections, hybrid } })
}

/// Whether what follows the entries is another subsection or the trailer, that is: whether all had twenty bytes.
fn after_entries(window: &Window<'_>, position: u64) -> Result<bool, FormatError> {
    let after = window.bytes(position - 1, 64)?;
    let start = lexer::skip_blank(&after, 0);
    Ok(start <= 24
        && after.get(start).is_some_and(|byte| byte.is_ascii_digit() || *byte == b't')
        && after[0].is_ascii_whitespace())
}

/// Reads one twenty-byte entry: `oooooooooo ggggg n`.
fn entry_at(window: &Window<'_>, position: u64) -> Option<Place> {
    let bytes = window.bytes(position, 18).ok()?;
    let digits = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0u64, |value, digit| value * 10 + u64::from(digit - b'0')))
    };
    let (offset, generation) = (digits(0..10)?, digits(11..16)?);
    match (bytes.get(10)?, bytes.get(16)?, bytes.get(17)?) {
        (b' ', b' ', b'n') if offset > 0 => Some(Place::Offset { offset, generation: u16::try_from(generation).ok()? }),
        (b' ', b' ', b'n' | b'f') => Some(Place::Free),
        _ => None,
    }
}

/// Reads entries that do not have twenty bytes each, word by word.
fn read_odd_entries(window: &Window<'_>, position: u64, count: u32) -> Result<(Vec<Place>, u64), FormatError> {
    let broken = || damaged("its cross-reference table is malformed");
    let mut places = Vec::with_capacity(count.min(1 << 16) as usize);
    let mut at = position;
    while places.len() < count as usize {
        let bytes = window.bytes(at, 16 * 1024)?;
        let (mut end, before) = (0, places.len());
        // An entry that the block cuts off is read again from the next block.
        while places.len() < count as usize && (bytes.len() - end >= 64 || bytes.len() < 16 * 1024) {
            let (offset, next) = lexer::unsigned(&bytes, end).ok_or_else(broken)?;
            let (generation, next) = lexer::unsigned(&bytes, next).ok_or_else(broken)?;
            let start = lexer::skip_blank(&bytes, next);
            end = lexer::word_end(&bytes, start);
            let generation = u16::try_from(generation).map_err(|_| broken())?;
            places.push(match &bytes[start..end] {
                b"n" if offset > 0 => Place::Offset { offset, generation },
                b"n" | b"f" => Place::Free,
                _ => return Err(broken()),
            });
        }
        if places.len() == before {
            return Err(broken());
        }
        at += end as u64;
    }
    Ok((places, at))
}

fn find_in(subsections: &[Subsection], window: &Window<'_>, number: u32) -> Result<Option<Place>, FormatError> {
    let after = subsections.partition_point(|subsection| subsection.first <= number);
    let Some(subsection) = after.checked_sub(1).and_then(|at| subsections.get(at)) else { return Ok(None) };
    let index = number - subsection.first;
    if index >= subsection.count {
        return Ok(None);
    }
    match &subsection.entries {
        Entries::Read(places) => Ok(places.get(index as usize).copied()),
        Entries::At(position) => entry_at(window, position + u64::from(index) * 20)
            .map(Some)
            .ok_or_else(|| damaged("its cross-reference table is malformed")),
    }
}

impl Stream {
    fn new(dictionary: &Dictionary<'_>, raw: &[u8], data_at: u64, totals: &mut Totals) -> Result<Self, FormatError> {
        let broken = || damaged("its cross-reference stream is malformed");
        let declared = note_size(dictionary, totals)?;
        let mut widths = [0; 3];
        let mut given = dictionary.get("W").and_then(lexer::items).ok_or_else(broken)?;
        for width in &mut widths {
            let value = given.next().and_then(lexer::integer).ok_or_else(broken)?;
            *width = usize::try_from(value).ok().filter(|width| *width <= 8).ok_or_else(broken)?;
        }
        let index = match dictionary.get("Index") {
            None => vec![check_range(0, u64::from(declared), totals)?],
            Some(raw) => {
                let mut numbers = lexer::items(raw)
                    .ok_or_else(broken)?
                    .map(|item| lexer::unsigned(item, 0).map(|(number, _)| number));
                let mut index = Vec::new();
                while let Some(first) = numbers.next() {
                    let (Some(first), Some(count)) = (first, numbers.next().flatten()) else { return Err(broken()) };
                    totals.charge(size_of::<(u32, u32)>())?;
                    index.push(check_range(first, count, totals)?);
                }
                index
            }
        };
        Ok(Self { index, widths, dictionary: raw.to_vec(), data_at, decoded: None })
    }

    /// `kept` counts the bytes of all decoded streams.
    fn find(&mut self, window: &Window<'_>, number: u32, kept: &mut usize) -> Result<Option<Place>, FormatError> {
        let mut before = 0usize;
        let row = self.index.iter().find_map(|&(first, count)| {
            let inside = number.checked_sub(first).filter(|index| *index < count);
            let row = inside.map(|index| before + index as usize);
            before += count as usize;
            row
        });
        let Some(row) = row else { return Ok(None) };
        let width: usize = self.widths.iter().sum();
        let data = match &mut self.decoded {
            Some(data) => data,
            none => {
                let data = decode(window, &self.dictionary, self.data_at, &self.index, width)?;
                *kept = kept.saturating_add(data.len());
                if *kept > TABLE_BYTES_MAX {
                    return Err(too_large());
                }
                none.insert(data)
            }
        };
        let Some(mut entry) = data.get(row * width..(row + 1) * width) else { return Ok(None) };
        let mut field = |width: usize| {
            let (field, rest) = entry.split_at(width);
            entry = rest;
            field.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte))
        };
        let kind = if self.widths[0] == 0 { 1 } else { field(self.widths[0]) };
        let (second, third) = (field(self.widths[1]), field(self.widths[2]));
        Ok(Some(match kind {
            1 => match u16::try_from(third) {
                Ok(generation) if second > 0 => Place::Offset { offset: second, generation },
                _ => Place::Free,
            },
            2 => match (u32::try_from(second), u32::try_from(third)) {
                (Ok(number), Ok(index)) => Place::Stream { number, index },
                _ => return Err(damaged("its cross-reference stream is malformed")),
            },
            _ => Place::Free,
        }))
    }
}

fn decode(
    window: &Window<'_>,
    raw: &[u8],
    data_at: u64,
    index: &[(u32, u32)],
    width: usize,
) -> Result<Vec<u8>, FormatError> {
    let broken = || damaged("its cross-reference stream is malformed");
    let dictionary = Dictionary::new(raw).ok_or_else(broken)?;
    let length = dictionary.integer("Length").and_then(|length| usize::try_from(length).ok()).ok_or_else(broken)?;
    let rows: u64 = index.iter().map(|(_, count)| u64::from(*count)).sum();
    let needed = usize::try_from(rows * width as u64).unwrap_or(usize::MAX).min(PDF_STREAM_BYTES_MAX);
    let data = window.bytes(data_at, length)?;
    filter::decode(&dictionary, &data, needed)
}

/// Checks the numbers of a run of objects against the limits, and notes the highest.
fn check_range(first: u64, count: u64, totals: &mut Totals) -> Result<(u32, u32), FormatError> {
    let end = first.saturating_add(count);
    match (u32::try_from(first), u32::try_from(count), u32::try_from(end)) {
        (Ok(first), Ok(count), Ok(end)) if end as usize <= PDF_OBJECTS_MAX + 1 => {
            totals.size = totals.size.max(end);
            Ok((first, count))
        }
        _ => Err(unsupported(format!("it numbers more than {PDF_OBJECTS_MAX} objects"))),
    }
}

/// Reads `/Size` of a trailer, and notes it.
fn note_size(trailer: &Dictionary<'_>, totals: &mut Totals) -> Result<u32, FormatError> {
    let declared = trailer.integer("Size").and_then(|size| u64::try_from(size).ok());
    let declared = declared.ok_or_else(|| damaged("its trailer does not say how many objects there are"))?;
    Ok(check_range(0, declared, totals)?.1)
}
