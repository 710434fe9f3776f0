//! Files in text form: PEM of any label (RFC 7468) and plain base64, with or without line breaks.

use super::{Input, Inspection, inspect_plain};
use crate::prepare::FormatError;
use model::Reason;
use model::limits::ARMOUR_BYTES_MAX;

/// How much of it is decoded to see what is in it: whole groups of four.
const PEEK_CHARACTERS: usize = 8_192;
/// As many characters have to be base64 before anybody believes that it is.
const BASE64_CHARACTERS_MIN: usize = 16;

/// The first bytes of what is in text form here. `None`: nothing is.
pub(super) fn peek(head: &[u8]) -> Option<Vec<u8>> {
    let text = match begin(head) {
        Some(body) => body,
        None => head,
    };
    let mut digits = Vec::with_capacity(PEEK_CHARACTERS);
    for &byte in text.iter() {
        match byte {
            b'-' if begin(head).is_some() => break,
            b'=' => break,
            _ if digits.len() == PEEK_CHARACTERS => break,
            byte if byte.is_ascii_whitespace() => {}
            byte if is_digit(byte) => digits.push(byte),
            _ => return None,
        }
    }
    if digits.len() < BASE64_CHARACTERS_MIN {
        return None;
    }
    digits.truncate(digits.len() / 4 * 4);
    base64_simd::STANDARD.decode_to_vec(&digits).ok()
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// What stands behind the first line `-----BEGIN …-----`, which is the first of the file but for explanations.
fn begin(text: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b"-----BEGIN ";
    let at = text.windows(MARK.len()).position(|window| window == MARK)?;
    if at > 0 && text.get(at - 1).is_none_or(|&before| before != b'\n' && before != b'\r') && !text.starts_with(BOM) {
        return None;
    }
    let rest = text.get(at + MARK.len()..)?;
    let end = rest.windows(5).position(|window| window == b"-----")?;
    let label = rest.get(..end)?;
    let printable = label.len() <= 64 && label.iter().all(|byte| (0x20..0x7f).contains(byte));
    if printable { rest.get(end + 5..) } else { None }
}

/// Byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Decodes a file that was recognised as one in text form, and inspects what is in it.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    if input.source.len() > ARMOUR_BYTES_MAX {
        let sentence = "the file is in text form (base64) and larger than such files may be";
        return Err(FormatError::document("armoured-too-large", sentence));
    }
    let mut text = vec![0; input.source.len() as usize];
    input.source.read_exact_at(0, &mut text)?;
    let pem = begin(&text);
    let body = match pem {
        Some(body) => {
            const MARK: &[u8] = b"-----END ";
            let end = body.windows(MARK.len()).position(|window| window == MARK);
            let end = end.ok_or_else(|| unreadable("its last line is missing"))?;
            body.get(..end).unwrap_or_default()
        }
        None => text.as_slice(),
    };
    let decoded = base64_simd::forgiving_decode_to_vec(body).map_err(|_| unreadable("it is not base64"))?;
    let form = if pem.is_some() { "PEM" } else { "base64" };
    drop(text);
    let inside = Input { source: &decoded, ..*input };
    let mut inspection = inspect_plain(&inside)?;
    let sentence = format!("the file is in text form ({form}); its signatures are over what it holds");
    inspection.notes.insert(0, Reason::new("armoured", sentence));
    Ok(inspection)
}

fn unreadable(what: &str) -> FormatError {
    FormatError::document("armour-unreadable", format!("the file is in text form, but damaged: {what}"))
}
