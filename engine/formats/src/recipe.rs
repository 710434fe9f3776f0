//! A result as a recipe: bytes of ours and pieces of the original, in order. Nothing is copied until it is written out,
//! and a recipe over a recipe is again one over the original.

use crate::source::{Source, SourceError};
use std::io;
use std::ops::Range;

/// One piece of a result, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The whole original document, byte for byte.
    Original,
    /// These bytes of the original document.
    Slice(Range<u64>),
    /// These bytes of the original document in base64 (RFC 4648 section 4), without line breaks.
    Base64(Range<u64>),
}

impl Part {
    /// Length in the result, in bytes. `original` is the length of the original document.
    pub fn len(&self, original: u64) -> u64 {
        match self {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::Original => original,
            Part::Slice(range) => range.end.saturating_sub(range.start),
            Part::Base64(range) => range.end.saturating_sub(range.start).div_ceil(3).saturating_mul(4),
        }
    }
}

/// A recipe together with its original: readable like any document.
pub struct Assembled<'a> {
    parts: &'a [Part],
    original: &'a dyn Source,
    /// Where each part begins in the result.
    starts: Vec<u64>,
    length: u64,
}

impl<'a> Assembled<'a> {
    /// Lays the parts one behind the other.
    pub fn new(parts: &'a [Part], original: &'a dyn Source) -> Self {
        let mut length = 0_u64;
        let starts = parts
            .iter()
            .map(|part| {
                let start = length;
                length = length.saturating_add(part.len(original.len()));
                start
            })
            .collect();
        Self { parts, original, starts, length }
    }

    /// Fills `buffer` from within one part.
    fn read_part(&self, part: &Part, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        match part {
            Part::Bytes(bytes) => bytes.as_slice().read_exact_at(offset, buffer),
            Part::Original => self.original.read_exact_at(offset, buffer),
            Part::Slice(range) => self.original.read_exact_at(range.start.saturating_add(offset), buffer),
            Part::Base64(range) => self.read_base64(range, offset, buffer),
        }
    }

    fn read_base64(&self, range: &Range<u64>, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), SourceError> {
        let mut plain = [0; BASE64_CHUNK / 4 * 3];
        let mut text = [0; BASE64_CHUNK];
        while !buffer.is_empty() {
            // Whole groups of three bytes, four characters, from the one that the offset lies in.
            let start = range.start.saturating_add(offset / 4 * 3);
            let left = usize::try_from(range.end.saturating_sub(start)).unwrap_or(usize::MAX);
            let plain = &mut plain[..left.min(BASE64_CHUNK / 4 * 3)];
            self.original.read_exact_at(start, plain)?;
            let text = base64_simd::STANDARD.encode(plain, base64_simd::Out::from_slice(&mut text[..]));
            let text = text.get((offset % 4) as usize..).unwrap_or_default();
            let count = text.len().min(buffer.len());
            if count == 0 {
                return Err(SourceError(io::ErrorKind::UnexpectedEof.into()));
            }
            let (now, later) = buffer.split_at_mut(count);
            now.copy_from_slice(&text[..count]);
            buffer = later;
            offset += count as u64;
        }
        Ok(())
    }
}

impl Source for Assembled<'_> {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), SourceError> {
        let original = self.original.len();
        let mut index = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        while !buffer.is_empty() {
            let (Some(part), Some(start)) = (self.parts.get(index), self.starts.get(index)) else {
                return Err(SourceError(io::ErrorKind::UnexpectedEof.into()));
            };
            let left = part.len(original).saturating_sub(offset - start);
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let (now, later) = buffer.split_at_mut(count);
            self.read_part(part, offset - start, now)?;
            buffer = later;
            offset += count as u64;
            index += 1;
        }
        Ok(())
    }

    fn as_slice(&self) -> Option<&[u8]> {
        match self.parts {
            [Part::Bytes(bytes)] => Some(bytes),
            [Part::Original] => self.original.as_slice(),
            _ => None,
        }
    }
}

/// Turns a recipe over an assembled result into one over the original that `inner` was made from.
///
/// `Base64` parts of the outer recipe that would need base64 of anything but the original are written out, so they
/// must be small.
pub fn flatten(outer: Vec<Part>, inner: &[Part], original: &dyn Source) -> Result<Vec<Part>, SourceError> {
    let assembled = Assembled::new(inner, original);
    let mut parts = Vec::new();
    for part in outer {
        match part {
            Part::Bytes(bytes) => push(&mut parts, Part::Bytes(bytes)),
            Part::Original => inner.iter().for_each(|part| push(&mut parts, part.clone())),
            Part::Slice(range) => cut(&assembled, &range, &mut parts)?,
            Part::Base64(range) => match inner {
                [Part::Original] => push(&mut parts, Part::Base64(range)),
                _ => {
                    let mut text = vec![0; usize::try_from(Part::Base64(range.clone()).len(0)).unwrap_or(usize::MAX)];
                    Assembled::new(&[Part::Base64(range)], &assembled).read_exact_at(0, &mut text)?;
                    push(&mut parts, Part::Bytes(text));
                }
            },
        }
    }
    Ok(parts)
}

/// The parts that make up a range of the assembled result.
fn cut(assembled: &Assembled<'_>, range: &Range<u64>, parts: &mut Vec<Part>) -> Result<(), SourceError> {
    let original = assembled.original.len();
    if range.end > assembled.length || range.start > range.end {
        return Err(SourceError(io::ErrorKind::UnexpectedEof.into()));
    }
    for (part, start) in assembled.parts.iter().zip(&assembled.starts) {
        let length = part.len(original);
        let from = range.start.max(*start) - start;
        let to = range.end.min(start + length).saturating_sub(*start);
        if from >= to {
            continue;
        }
        let whole = from == 0 && to == length;
        let piece = match part {
            part if whole => part.clone(),
            Part::Bytes(bytes) => Part::Bytes(bytes[from as usize..to as usize].to_vec()),
            Part::Original => Part::Slice(from..to),
            Part::Slice(slice) => Part::Slice(slice.start + from..slice.start + to),
            Part::Base64(_) => base64_piece(assembled, part, from, to, parts)?,
        };
        push(parts, piece);
    }
    Ok(())
}

/// A piece of base64 text: whole groups stay a recipe, a group that is cut is written out. Gives the last piece.
fn base64_piece(
    assembled: &Assembled<'_>,
    part: &Part,
    from: u64,
    to: u64,
    parts: &mut Vec<Part>,
) -> Result<Part, SourceError> {
    let Part::Base64(range) = part else { return Ok(part.clone()) };
    let text = |from: u64, to: u64| {
        let mut text = vec![0; (to - from) as usize];
        assembled.read_part(part, from, &mut text).map(|()| Part::Bytes(text))
    };
    let (first, last) = (from.next_multiple_of(4).min(to), to / 4 * 4);
    if first >= last {
        return text(from, to);
    }
    if from < first {
        push(parts, text(from, first)?);
    }
    let end = range.start.saturating_add(last / 4 * 3).min(range.end);
    let middle = Part::Base64(range.start + first / 4 * 3..end);
    if last == to {
        return Ok(middle);
    }
    push(parts, middle);
    text(last, to)
}

/// Neighbouring bytes become one part, so that recipes stay short however often a document is lifted.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), part) {
        (Some(Part::Bytes(last)), Part::Bytes(bytes)) => last.extend_from_slice(&bytes),
        (_, Part::Bytes(bytes)) if bytes.is_empty() => {}
        (_, part) => parts.push(part),
    }
}

/// Characters of base64 that are made at a time; a multiple of four.
const BASE64_CHUNK: usize = 64 * 1024;
