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
        for part in parts {
            self.bytes(part.as_bytes());
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
        self.declaration(&[name, ""], value);
    }

    /// An attribute whose name is in two parts.
    pub(super) fn declaration(&mut self, name: &[&str; 2], value: &str) {
        self.parts(&[" ", name[0], name[1], "=\""]);
        self.escaped(value, &IN_ATTRIBUTE);
        self.parts(&["\""]);
    }

    fn escaped(&mut self, text: &str, special: &[bool; 256]) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| special[usize::from(*byte)]) {
            let (plain, behind) = rest.split_at(at);
            self.bytes(plain);
            let escape: &[u8] = match behind.first() {
                Some(b'&') => b"&amp;",
                Some(b'<') => b"&lt;",
                Some(b'>') => b"&gt;",
                Some(b'"') => b"&quot;",
                Some(b'\t') => b"&#x9;",
                Some(b'\n') => b"&#xA;",
                _ => b"&#xD;",
            };
            self.bytes(escape);
            rest = behind.get(1..).unwrap_or_default();
        }
        self.bytes(rest);
    }
}
