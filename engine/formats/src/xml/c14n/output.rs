//! Canonical octets on their way out: escaped as section 2.3 of Canonical XML asks for, gathered into larger pieces.

/// Gathers small pieces.
pub(super) struct Output<'s> {
    sink: &'s mut dyn FnMut(&[u8]),
    gathered: Vec<u8>,
}

/// Pieces are gathered up to this size, in bytes.
const GATHERED_BYTES: usize = 8 * 1024;

const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
}

const IN_TEXT: [bool; 256] = table(b"&<>\r");
const IN_ATTRIBUTE: [bool; 256] = table(b"&<\"\t\n\r");

impl<'s> Output<'s> {
    pub(super) fn new(sink: &'s mut dyn FnMut(&[u8])) -> Self {
        Self { sink, gathered: Vec::with_capacity(GATHERED_BYTES) }
    }

    pub(super) fn parts(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.gathered.len() + length > GATHERED_BYTES {
            parts.iter().for_each(|part| self.bytes(part.as_bytes()));
        } else {
            parts.iter().for_each(|part| self.gathered.extend_from_slice(part.as_bytes()));
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.gathered.len() + bytes.len() > GATHERED_BYTES {
            self.flush();
        }
        if bytes.len() > GATHERED_BYTES / 4 {
            self.flush();
            (self.sink)(bytes);
        } else {
            self.gathered.extend_from_slice(bytes);
        }
    }

    /// Gives out what was gathered.
    pub(super) fn flush(&mut self) {
        if !self.gathered.is_empty() {
            (self.sink)(&self.gathered);
            self.gathered.clear();
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.escaped(text, &IN_TEXT);
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        self.parts(&[" ", name, "=\""]);
        self.escaped(value, &IN_ATTRIBUTE);
        self.parts(&["\""]);
    }

    fn escaped(&mut self, text: &str, special: &[bool; 256]) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| special[usize::from(*byte)]) {
            let (plain, behind) = rest.split_at(at);
            self.bytes(plain);
            self.bytes(escape(behind.first().copied()).as_bytes());
            rest = behind.get(1..).unwrap_or_default();
        }
        self.bytes(rest);
    }
}

/// The value of an attribute as it is written.
pub(super) fn escaped_attribute(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match u8::try_from(character) {
            Ok(byte) if IN_ATTRIBUTE[usize::from(byte)] => escaped.push_str(escape(Some(byte))),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// What a special character is written as; one is a carriage return if it is none of the others.
fn escape(byte: Option<u8>) -> &'static str {
    match byte {
        Some(b'&') => "&amp;",
        Some(b'<') => "&lt;",
        Some(b'>') => "&gt;",
        Some(b'"') => "&quot;",
        Some(b'\t') => "&#x9;",
        Some(b'\n') => "&#xA;",
        _ => "&#xD;",
    }
}
