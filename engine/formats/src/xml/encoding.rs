//! Which encoding an XML document is in, and its text as UTF-8. Also the way back: where a position of the text lies in
//! the source, and how inserted text is written there.
//!
//! Never guesses: what the byte-order mark, the first bytes and the declaration say must agree (XML 1.0, appendix F).

use super::reader::XmlError;
use std::borrow::Cow;

/// An encoding that a document may declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, or US-ASCII, which is a part of it.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// ISO-8859-1.
    Latin1,
    /// ISO-8859-2.
    Latin2,
    /// ISO-8859-15.
    Latin9,
    /// Windows-1252.
    Windows1252,
}

/// Windows-1252 at 0x80 to 0x9F; NUL where nothing is defined.
const WINDOWS_1252: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// ISO-8859-2 at 0xA0 to 0xFF.
const LATIN_2: [char; 96] = [
    '\u{A0}', 'Ą', '˘', 'Ł', '¤', 'Ľ', 'Ś', '§', '¨', 'Š', 'Ş', 'Ť', 'Ź', '\u{AD}', 'Ž', 'Ż', '°', 'ą', '˛', 'ł', '´',
    'ľ', 'ś', 'ˇ', '¸', 'š', 'ş', 'ť', 'ź', '˝', 'ž', 'ż', 'Ŕ', 'Á', 'Â', 'Ă', 'Ä', 'Ĺ', 'Ć', 'Ç', 'Č', 'É', 'Ę', 'Ë',
    'Ě', 'Í', 'Î', 'Ď', 'Đ', 'Ń', 'Ň', 'Ó', 'Ô', 'Ő', 'Ö', '×', 'Ř', 'Ů', 'Ú', 'Ű', 'Ü', 'Ý', 'Ţ', 'ß', 'ŕ', 'á', 'â',
    'ă', 'ä', 'ĺ', 'ć', 'ç', 'č', 'é', 'ę', 'ë', 'ě', 'í', 'î', 'ď', 'đ', 'ń', 'ň', 'ó', 'ô', 'ő', 'ö', '÷', 'ř', 'ů',
    'ú', 'ű', 'ü', 'ý', 'ţ', '˙',
];

/// Where ISO-8859-15 departs from ISO-8859-1.
const LATIN_9: [(u8, char); 8] =
    [(0xA4, '€'), (0xA6, 'Š'), (0xA8, 'š'), (0xB4, 'Ž'), (0xB8, 'ž'), (0xBC, 'Œ'), (0xBD, 'œ'), (0xBE, 'Ÿ')];

impl Encoding {
    /// The text of a document. A byte-order mark stays in front of it, as U+FEFF.
    pub fn decode(source: &[u8]) -> Result<(Encoding, Cow<'_, str>), XmlError> {
        let encoding = Encoding::detect(source)?;
        Ok((encoding, encoding.text(source)?))
    }

    /// This text in this encoding; a character that it lacks becomes a character reference.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Encoding::Latin1 | Encoding::Latin2 | Encoding::Latin9 | Encoding::Windows1252 => {
                let mut bytes = Vec::with_capacity(text.len());
                for character in text.chars() {
                    match self.byte(character) {
                        Some(byte) => bytes.push(byte),
                        None => bytes.extend_from_slice(format!("&#{};", u32::from(character)).as_bytes()),
                    }
                }
                bytes
            }
        }
    }

    /// How many bytes this text takes in the source that it was decoded from.
    pub fn source_length(self, text: &str) -> usize {
        match self {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16Le | Encoding::Utf16Be => 2 * text.chars().map(char::len_utf16).sum::<usize>(),
            Encoding::Latin1 | Encoding::Latin2 | Encoding::Latin9 | Encoding::Windows1252 => text.chars().count(),
        }
    }

    fn detect(source: &[u8]) -> Result<Encoding, XmlError> {
        let (found, declaration) = match source {
            [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, b'<', ..] | [b'<', 0, 0, 0, ..] => {
                return Err(unsupported("UTF-32"));
            }
            [0xFF, 0xFE, ..] => return Encoding::agreed(Encoding::Utf16Le, &source[2..]),
            [0xFE, 0xFF, ..] => return Encoding::agreed(Encoding::Utf16Be, &source[2..]),
            [b'<', 0, ..] => return Encoding::agreed(Encoding::Utf16Le, source),
            [0, b'<', ..] => return Encoding::agreed(Encoding::Utf16Be, source),
            [0xEF, 0xBB, 0xBF, text @ ..] => (true, declared(text)),
            _ => (false, declared(source)),
        };
        let Some(name) = declaration else { return Ok(Encoding::Utf8) };
        let encoding = match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Encoding::Utf8,
            "us-ascii" | "ascii" => Encoding::Utf8,
            "iso-8859-1" | "iso_8859-1" | "latin1" | "iso-latin-1" | "iso8859-1" => Encoding::Latin1,
            "iso-8859-2" | "iso_8859-2" | "latin2" | "iso8859-2" => Encoding::Latin2,
            "iso-8859-15" | "iso_8859-15" | "latin-9" | "latin9" | "iso8859-15" => Encoding::Latin9,
            "windows-1252" | "cp1252" | "cp-1252" => Encoding::Windows1252,
            _ => return Err(unsupported(&name)),
        };
        if found && encoding != Encoding::Utf8 {
            return Err(XmlError::start(
                "xml-encoding",
                format!("the document begins as UTF-8 but declares the encoding {name}"),
            ));
        }
        Ok(encoding)
    }

    /// UTF-16, unless the declaration says otherwise.
    fn agreed(encoding: Encoding, source: &[u8]) -> Result<Encoding, XmlError> {
        let head: Vec<u8> = source
            .chunks_exact(2)
            .take(DECLARATION_MAX)
            .map(|unit| match (encoding, unit) {
                (Encoding::Utf16Le, [byte, 0]) | (Encoding::Utf16Be, [0, byte]) => *byte,
                _ => 0xFF,
            })
            .collect();
        let other = match encoding {
            Encoding::Utf16Le => "utf-16le",
            _ => "utf-16be",
        };
        match declared(&head) {
            Some(name) if name.eq_ignore_ascii_case("utf-16") || name.eq_ignore_ascii_case(other) => Ok(encoding),
            None => Ok(encoding),
            Some(name) => Err(XmlError::start(
                "xml-encoding",
                format!("the document is in UTF-16 but declares the encoding {name}"),
            )),
        }
    }

    fn text(self, source: &[u8]) -> Result<Cow<'_, str>, XmlError> {
        match self {
            Encoding::Utf8 => std::str::from_utf8(source).map(Cow::Borrowed).map_err(|error| {
                let sound = String::from_utf8_lossy(source.get(..error.valid_up_to()).unwrap_or_default());
                XmlError::at("xml-encoding", "the document is not UTF-8 as it should be", &sound, sound.len())
            }),
            Encoding::Utf16Le => decode_utf16(source, u16::from_le_bytes),
            Encoding::Utf16Be => decode_utf16(source, u16::from_be_bytes),
            Encoding::Latin1 | Encoding::Latin2 | Encoding::Latin9 | Encoding::Windows1252 => {
                let mut text = String::with_capacity(source.len() + source.len() / 16);
                for &byte in source {
                    let character = self.character(byte).ok_or_else(|| {
                        let reason = format!("the byte {byte:#04X} means nothing in the declared encoding");
                        XmlError::at("xml-encoding", reason, &text, text.len())
                    })?;
                    text.push(character);
                }
                Ok(Cow::Owned(text))
            }
        }
    }

    /// The character of a byte, in an encoding of one byte for each.
    fn character(self, byte: u8) -> Option<char> {
        match (self, byte) {
            (Encoding::Windows1252, 0x80..=0x9F) => {
                WINDOWS_1252.get(usize::from(byte - 0x80)).copied().filter(|character| *character != '\0')
            }
            (Encoding::Latin2, 0xA0..) => LATIN_2.get(usize::from(byte - 0xA0)).copied(),
            (Encoding::Latin9, 0xA0..) => {
                let special = LATIN_9.iter().find(|(at, _)| *at == byte).map(|(_, character)| *character);
                Some(special.unwrap_or(char::from(byte)))
            }
            _ => Some(char::from(byte)),
        }
    }

    /// The byte of a character, in an encoding of one byte for each.
    fn byte(self, character: char) -> Option<u8> {
        let same = u8::try_from(u32::from(character)).ok().filter(|byte| self.character(*byte) == Some(character));
        same.or_else(|| (0x80..=0xFF).find(|byte| self.character(*byte) == Some(character)))
    }
}

/// A declaration is not longer than this, in characters.
const DECLARATION_MAX: usize = 256;

fn unsupported(name: &str) -> XmlError {
    let name: String = name.chars().take(40).collect();
    XmlError::start("xml-encoding", format!("the encoding {name} is not supported; UTF-8, UTF-16, ISO-8859-1 are"))
}

/// The name of the encoding in the XML declaration, if there is one. The reader checks later that it is well-formed.
fn declared(head: &[u8]) -> Option<String> {
    let head = head.get(..head.len().min(DECLARATION_MAX))?;
    let inside = head.strip_prefix(b"<?xml").filter(|inside| inside.first().is_some_and(u8::is_ascii_whitespace))?;
    let end = inside.windows(2).position(|pair| pair == b"?>")?;
    let inside = inside.get(..end)?;
    let after = inside.windows(8).position(|word| word == b"encoding")? + 8;
    let value = inside.get(after..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    let end = value.iter().position(|byte| byte == quote)?;
    value.get(..end).map(|name| String::from_utf8_lossy(name).into_owned())
}

fn decode_utf16(source: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'_, str>, XmlError> {
    let (pairs, rest) = source.as_chunks::<2>();
    let mut text = String::with_capacity(source.len() / 2);
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) => text.push(character),
            Err(_) => {
                return Err(XmlError::at("xml-encoding", "the document is not sound UTF-16", &text, text.len()));
            }
        }
    }
    if !rest.is_empty() {
        return Err(XmlError::at("xml-encoding", "half a character of UTF-16 is at the end", &text, text.len()));
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_encoding_goes_there_and_back() {
        let all = "<?xml version='1.0' encoding='NAME'?><a>Größe 5 €</a>";
        let cases = [
            ("UTF-8", Encoding::Utf8),
            ("ISO-8859-2", Encoding::Latin2),
            ("ISO-8859-15", Encoding::Latin9),
            ("windows-1252", Encoding::Windows1252),
            ("UTF-16", Encoding::Utf16Le),
            ("UTF-16BE", Encoding::Utf16Be),
        ];
        for (name, encoding) in cases {
            let text = all.replace("NAME", name).replace('€', if encoding == Encoding::Latin2 { "Ł" } else { "€" });
            let source = encoding.encode(&text);
            let (found, decoded) = Encoding::decode(&source).unwrap();
            assert_eq!((found, &*decoded), (encoding, text.as_str()));
            assert_eq!(encoding.source_length(&decoded), source.len());
        }
        assert_eq!(Encoding::Latin1.encode("5 €"), b"5 &#8364;");
    }

    #[test]
    fn an_instruction_declares_no_encoding() {
        let source = "<?xmlr version='1.0' encoding='ISO-8859-1'?><a>ä</a>";
        assert_eq!(Encoding::decode(source.as_bytes()).unwrap(), (Encoding::Utf8, Cow::Borrowed(source)));
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let refused: [&[u8]; 6] = [
            b"\xEF\xBB\xBF<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            b"<\0?\0x\0m\0l\0 \0e\0n\0c\0o\0d\0i\0n\0g\0=\0'\0U\0T\0F\0-\08\0'\0?\0>\0",
            b"<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>",
            b"<?xml version='1.0' encoding='windows-1252'?><a>\x81</a>",
            b"<a>\xFF</a>",
            b"\xFF\xFE<\0a",
        ];
        for source in refused {
            assert_eq!(Encoding::decode(source).unwrap_err().code, "xml-encoding");
        }
    }
}
