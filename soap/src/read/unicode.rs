//! From the bytes of a message to its text: UTF-8, or UTF-16 with a byte order mark, however the bytes are cut.
//!
//! Gives on only characters that XML 1.0 permits.

use crate::fault::Fault;
use crate::read::scan;

/// Turns bytes into text, piece by piece.
#[derive(Debug)]
pub(super) struct Unicode {
    state: State,
    /// Bytes of a character, or of the mark, that is not complete.
    rest: Vec<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// The last text, if it is no piece of the bytes.
    text: String,
}

/// The text of a piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t> {
    pub(super) piece: &'t str,
    /// Whether it came as UTF-16.
    pub(super) is_wide: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The first bytes, which tell the encoding.
    Start,
    Utf8,
    Utf16 {
        big: bool,
    },
}

impl Unicode {
    /// `charset`: what the content type says, if it says something.
    pub(super) fn new(charset: Option<&str>) -> Result<Self, Fault> {
        let state = match charset.map(str::to_ascii_lowercase).as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii") => State::Start,
            Some("utf-16" | "utf16") => State::Start,
            Some("utf-16le") => State::Utf16 { big: false },
            Some("utf-16be") => State::Utf16 { big: true },
            Some(_) => {
                return Err(wrong("the message has to be UTF-8 or UTF-16; its content type says something else"));
            }
        };
        Ok(Self { state, rest: Vec::new(), high: None, text: String::new() })
    }

    /// Takes more bytes and gives their text. What is UTF-8 is not copied, but for a piece that begins inside of a character.
    pub(super) fn push<'t>(&'t mut self, bytes: &'t [u8]) -> Result<Text<'t>, Fault> {
        self.text.clear();
        if self.rest.is_empty() {
            return self.decode(bytes);
        }
        let mut joined = std::mem::take(&mut self.rest);
        joined.extend_from_slice(bytes);
        let Text { piece, is_wide } = self.decode(&joined)?;
        let piece = piece.to_owned();
        self.text = piece;
        Ok(Text { piece: &self.text, is_wide })
    }

    fn decode<'t>(&'t mut self, mut bytes: &'t [u8]) -> Result<Text<'t>, Fault> {
        if self.state == State::Start {
            if bytes.len() < 4 {
                self.rest.extend_from_slice(bytes);
                return Ok(Text { piece: "", is_wide: false });
            }
            let mark;
            (self.state, mark) = match bytes {
                [0xEF, 0xBB, 0xBF, ..] => (State::Utf8, 3),
                [0xFF, 0xFE, ..] => (State::Utf16 { big: false }, 2),
                [0xFE, 0xFF, ..] => (State::Utf16 { big: true }, 2),
                [b'<', 0, ..] => (State::Utf16 { big: false }, 0),
                [0, b'<', ..] => (State::Utf16 { big: true }, 0),
                _ => (State::Utf8, 0),
            };
            bytes = bytes.get(mark..).unwrap_or_default();
        }
        let (piece, is_wide) = match self.state {
            State::Utf16 { big } => {
                self.utf16(bytes, big)?;
                (self.text.as_str(), true)
            }
            State::Start | State::Utf8 => {
                let (text, rest) = utf8(bytes)?;
                self.rest.extend_from_slice(rest);
                (text, false)
            }
        };
        permitted(piece)?;
        Ok(Text { piece, is_wide })
    }

    fn utf16(&mut self, bytes: &[u8], big: bool) -> Result<(), Fault> {
        let (units, rest) = bytes.as_chunks::<2>();
        self.rest.extend_from_slice(rest);
        let units = units.iter().map(|pair| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) });
        let mut units: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if let Some(last) = units.last().copied()
            && (0xD800..0xDC00).contains(&last)
        {
            self.high = units.pop();
        }
        for character in char::decode_utf16(units) {
            self.text.push(character.map_err(|_| wrong("the message is not UTF-16"))?);
        }
        Ok(())
    }

    /// Whether the message may end here; that of one shorter than a mark is text now.
    pub(super) fn finish(&mut self) -> Result<&str, Fault> {
        self.text.clear();
        if self.state == State::Start {
            self.state = State::Utf8;
            let bytes = std::mem::take(&mut self.rest);
            let (text, rest) = utf8(&bytes)?;
            permitted(text)?;
            self.text.push_str(text);
            self.rest.extend_from_slice(rest);
        }
        if self.rest.is_empty() && self.high.is_none() {
            Ok(&self.text)
        } else {
            Err(wrong("the message ends in the middle of a character"))
        }
    }
}

/// The text of these bytes, and those of a character that is not complete.
fn utf8(bytes: &[u8]) -> Result<(&str, &[u8]), Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text, &[])),
        Err(error) if error.error_len().is_none() => {
            let (good, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
            Ok((std::str::from_utf8(good).unwrap_or_default(), rest))
        }
        Err(_) => Err(wrong("the message is not UTF-8")),
    }
}

/// Section 2.2 of XML 1.0.
pub(crate) fn is_permitted(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn permitted(text: &str) -> Result<(), Fault> {
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF; everything else that is forbidden is below 0x20.
    let suspicious = |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0xEF;
    if scan::position(text.as_bytes(), suspicious).is_some() && !text.chars().all(is_permitted) {
        return Err(wrong("the message has a character that XML forbids"));
    }
    Ok(())
}

fn wrong(sentence: &str) -> Fault {
    Fault::malformed("encoding", sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(charset: Option<&str>, bytes: &[u8], step: usize) -> Result<String, Fault> {
        let mut unicode = Unicode::new(charset)?;
        let mut text = String::new();
        for chunk in bytes.chunks(step) {
            text.push_str(unicode.push(chunk)?.piece);
        }
        text.push_str(unicode.finish()?);
        Ok(text)
    }

    fn check(charset: Option<&str>, bytes: &[u8], expected: Option<&str>) {
        for step in 1..6 {
            assert_eq!(decode(charset, bytes, step).ok().as_deref(), expected, "{bytes:?} in steps of {step}");
        }
    }

    #[test]
    fn text_is_the_same_however_the_bytes_are_cut() {
        let text = "<a>äöü €𝄞</a>";
        let wide = |big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        check(None, text.as_bytes(), Some(text));
        check(Some("UTF-8"), &[&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat(), Some(text));
        check(None, &[&[0xFF, 0xFE][..], &wide(false)].concat(), Some(text));
        check(None, &[&[0xFE, 0xFF][..], &wide(true)].concat(), Some(text));
        check(Some("utf-16be"), &wide(true), Some(text));
        check(None, &wide(false), Some(text));
        check(None, b"<a", Some("<a"));
    }

    #[test]
    fn what_is_no_text_of_xml_is_refused() {
        check(None, b"<a>\xFF</a>", None);
        check(None, b"<a>\xC3", None);
        check(None, b"<a>\x01</a>", None);
        check(None, "<a>\u{FFFE}</a>".as_bytes(), None);
        check(None, &[0xFF, 0xFE, b'<', 0, 0, 0xD8, b'<', 0], None);
        check(None, &[0xFF, 0xFE, b'<', 0, 0, 0xD8], None);
        assert!(Unicode::new(Some("iso-8859-1")).is_err());
    }
}
