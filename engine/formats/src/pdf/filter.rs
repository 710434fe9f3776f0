//! Decoding of cross-reference and object streams: FlateDecode and its predictors (ISO 32000-1 7.4.4), with a bound on the
//! result. Other filters are never used for these streams in practice and are refused.

use super::lexer::{self, Dictionary};
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Decodes the data of a stream whose filters and parameters are direct. Reads no further than `enough` bytes of
/// result, which bounds memory whatever the data say.
pub(super) fn decode(dictionary: &Dictionary<'_>, data: &[u8], enough: usize) -> Result<Vec<u8>, FormatError> {
    let filter = single(dictionary.get("Filter"));
    match filter.and_then(lexer::name).as_deref() {
        None if filter.is_none() => Ok(data[..data.len().min(enough)].to_vec()),
        Some(b"FlateDecode" | b"Fl") => {
            let parameters = single(dictionary.get("DecodeParms")).and_then(Dictionary::new);
            let number = |key, default| parameters.as_ref().and_then(|p| p.integer(key)).unwrap_or(default);
            let predictor = number("Predictor", 1);
            if predictor == 1 {
                return inflate(data, enough);
            }
            let bits = number("Colors", 1).saturating_mul(number("BitsPerComponent", 8));
            let row = number("Columns", 1).saturating_mul(bits).saturating_add(7) / 8;
            let row = usize::try_from(row).ok().filter(|row| (1..=1 << 16).contains(row));
            let row = row.ok_or_else(|| damaged("a compressed part is malformed"))?;
            let pixel = usize::try_from(bits / 8).unwrap_or(1).max(1);
            if predictor < 10 {
                return Err(unsupported("a cross-reference or object stream uses the TIFF predictor".into()));
            }
            unpredict(inflate(data, enough.div_ceil(row).saturating_mul(row + 1))?, row, pixel)
        }
        _ => Err(unsupported("a cross-reference or object stream is not compressed with FlateDecode".into())),
    }
}

/// The one value, or the only item of an array.
fn single(raw: Option<&[u8]>) -> Option<&[u8]> {
    match raw {
        Some(array) if array.starts_with(b"[") => {
            let mut items = lexer::items(array)?;
            let first = items.next();
            // More than one: hand on something that matches no filter.
            if items.next().is_some() { Some(b"[]") } else { first }
        }
        other => other,
    }
}

fn inflate(data: &[u8], enough: usize) -> Result<Vec<u8>, FormatError> {
    let mut stream = Decompress::new(true);
    let mut result = Vec::with_capacity(data.len().saturating_mul(4).clamp(256, 1 << 20).min(enough.max(1)));
    loop {
        let used = usize::try_from(stream.total_in()).unwrap_or(usize::MAX).min(data.len());
        let before = result.len();
        let status = stream
            .decompress_vec(&data[used..], &mut result, FlushDecompress::None)
            .map_err(|_| damaged("a compressed part is malformed"))?;
        let progress = result.len() > before || stream.total_in() as usize > used;
        if result.len() >= enough {
            result.truncate(enough);
            return Ok(result);
        }
        if status == Status::StreamEnd {
            return Ok(result);
        }
        if result.len() == result.capacity() {
            result.reserve(result.len().min(enough - result.len()).max(1));
        } else if !progress {
            return Err(damaged("a compressed part ends too early"));
        }
    }
}

/// Undoes the PNG predictors (RFC 2083 section 6) in place; each row starts with the number of its own.
fn unpredict(mut data: Vec<u8>, row: usize, pixel: usize) -> Result<Vec<u8>, FormatError> {
    let zeros = vec![0; row];
    let rows = data.len() / (row + 1);
    for number in 0..rows {
        let from = number * (row + 1);
        let predictor = data[from];
        data.copy_within(from + 1..from + 1 + row, number * row);
        let (before, rest) = data.split_at_mut(number * row);
        let previous = if number == 0 { &zeros[..] } else { &before[before.len() - row..] };
        let current = &mut rest[..row];
        for at in 0..row {
            let left = if at >= pixel { current[at - pixel] } else { 0 };
            let up = previous[at];
            let corner = if at >= pixel { previous[at - pixel] } else { 0 };
            let predicted = match predictor {
                0 => 0,
                1 => left,
                2 => up,
                3 => u8::midpoint(left, up),
                4 => paeth(left, up, corner),
                _ => return Err(damaged("a compressed part is malformed")),
            };
            current[at] = current[at].wrapping_add(predicted);
        }
    }
    data.truncate(rows * row);
    Ok(data)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

/// Compresses for FlateDecode.
pub(super) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new(Compression::default(), true);
    let mut result = Vec::with_capacity(data.len() / 2 + 64);
    loop {
        let used = usize::try_from(stream.total_in()).unwrap_or(usize::MAX).min(data.len());
        match stream.compress_vec(&data[used..], &mut result, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => return result,
            // The only reason for another round is a full buffer.
            _ => result.reserve(result.len().max(256)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_predictor_is_undone() {
        // Rows of four bytes, pixels of two; the values follow from RFC 2083 section 6 by hand.
        let data =
            [&[0, 10, 20, 30, 40][..], &[1, 1, 2, 3, 4], &[2, 1, 1, 1, 1], &[3, 1, 1, 1, 1], &[4, 1, 1, 1, 1]].concat();
        let plain = [[10, 20, 30, 40], [1, 2, 4, 6], [2, 3, 5, 7], [2, 2, 4, 5], [3, 3, 5, 6]].concat();
        assert_eq!(unpredict(data.clone(), 4, 2).unwrap(), plain);
        let dictionary = b"<</Filter[/FlateDecode]/DecodeParms[<</Predictor 12/Columns 2/Colors 2>>]>>";
        let dictionary = Dictionary::new(dictionary).unwrap();
        assert_eq!(decode(&dictionary, &deflate(&data), 1000).unwrap(), plain);
        assert!(decode(&dictionary, &deflate(&data)[..9], 1000).is_err());
    }

    #[test]
    fn no_more_is_inflated_than_is_asked_for() {
        let bomb = deflate(&vec![0; 1 << 20]);
        let dictionary = Dictionary::new(b"<</Filter/FlateDecode>>").unwrap();
        assert_eq!(decode(&dictionary, &bomb, 5000).unwrap().len(), 5000);
    }
}
