//! Writes XML elements, with every text bounded, escaped, and made of characters that XML permits.

use crate::report::word;

/// Longest name that goes into a URI, in characters.
const NAME_CHARS_MAX: usize = 200;

pub(super) struct Writer {
    xml: String,
    open: Vec<&'static str>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { xml: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), open: Vec::new() }
    }

    /// Opens an element.
    pub(super) fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.xml.push('>');
        self.open.push(name);
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.xml.push_str("/>");
    }

    /// An element with text in it. Base64 is as long as it is; everything else is bounded.
    pub(super) fn leaf(&mut self, name: &'static str, text: &str) {
        self.open(name, &[]);
        if name == "vr:base64" {
            self.xml.push_str(text);
        } else {
            self.text(text);
        }
        self.close();
    }

    pub(super) fn text(&mut self, text: &str) {
        self.escape(&word::bounded(text));
    }

    /// Closes the element that was opened last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.xml.push_str("</");
            self.xml.push_str(name);
            self.xml.push('>');
        }
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.xml.push('\n');
        self.xml
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.xml.push('<');
        self.xml.push_str(name);
        for (name, value) in attributes {
            self.xml.push(' ');
            self.xml.push_str(name);
            self.xml.push_str("=\"");
            self.escape(value);
            self.xml.push('"');
        }
    }

    fn escape(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.xml.push_str("&lt;"),
                '>' => self.xml.push_str("&gt;"),
                '&' => self.xml.push_str("&amp;"),
                '"' => self.xml.push_str("&quot;"),
                '\r' => self.xml.push_str("&#13;"),
                '\n' | '\t' => self.xml.push(character),
                // XML 1.0 section 2.2.
                '\u{fffe}' | '\u{ffff}' => self.xml.push('\u{fffd}'),
                _ if character.is_control() => self.xml.push('\u{fffd}'),
                _ => self.xml.push(character),
            }
        }
    }
}

/// A name as part of a URI (RFC 3986 section 2.1).
pub(super) fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len().min(3 * NAME_CHARS_MAX));
    let cut = name.char_indices().nth(NAME_CHARS_MAX).map_or(name, |(end, _)| name.get(..end).unwrap_or_default());
    for byte in cut.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => text.push(char::from(byte)),
            b' ' => text.push('-'),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// What a signature names as an object identifier or a URI, as a URI.
pub(super) fn uri(named: &str) -> String {
    if named.chars().all(|character| character.is_ascii_digit() || character == '.') && !named.is_empty() {
        return format!("urn:oid:{}", word::bounded(named).trim_end_matches('…'));
    }
    let named = word::bounded(named);
    let mut text = String::with_capacity(named.len());
    for (at, byte) in named.bytes().enumerate() {
        let pair = named.as_bytes().get(at + 1..at + 3);
        match byte {
            b'%' if pair.is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit)) => text.push('%'),
            b'!' | b'#' | b'$' | b'&'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
