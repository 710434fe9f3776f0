//! Fields with parameters: Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2183, RFC 2231).

/// How many parameters of a field are looked at.
const PARAMETERS_MAX: usize = 64;

/// A type with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentType {
    /// `type/subtype`, in lower case.
    pub(super) name: String,
    /// Names in lower case.
    parameters: Vec<(String, String)>,
    /// A parameter is there twice.
    pub(super) twice: bool,
}

impl Default for ContentType {
    fn default() -> Self {
        Self { name: "text/plain".to_owned(), parameters: Vec::new(), twice: false }
    }
}

impl ContentType {
    /// Whether it is this type.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// `multipart/…`.
    pub(super) fn is_multipart(&self) -> bool {
        self.name.starts_with("multipart/")
    }

    /// A parameter, put together from its continuations (RFC 2231 section 3) if there are such.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let find = |wanted: &str| self.parameters.iter().find(|(known, _)| known == wanted).map(|(_, value)| value);
        if let Some(value) = find(name) {
            return Some(value.clone());
        }
        if let Some(value) = find(&format!("{name}*")) {
            return Some(percent(value.splitn(3, '\'').last().unwrap_or_default()));
        }
        let mut whole = String::new();
        for number in 0..PARAMETERS_MAX {
            let plain = find(&format!("{name}*{number}")).cloned();
            let piece = plain.or_else(|| {
                let value = find(&format!("{name}*{number}*"))?;
                Some(percent(if number == 0 { value.splitn(3, '\'').last().unwrap_or_default() } else { value }))
            });
            match piece {
                Some(piece) => whole.push_str(&piece),
                None if number == 0 => return None,
                None => break,
            }
        }
        Some(whole)
    }
}

/// Reads the value of a field. What is no parameter in it is left out.
pub(super) fn content_type(value: &[u8]) -> ContentType {
    let mut scan = Scan { bytes: value, at: 0 };
    let name = scan.until_semicolon();
    let name: String = name.split_whitespace().collect::<String>().to_ascii_lowercase();
    let mut read = ContentType { name, parameters: Vec::new(), twice: false };
    while scan.at < value.len() && read.parameters.len() < PARAMETERS_MAX {
        let whole = scan.until_semicolon();
        let Some((name, value)) = whole.split_once('=') else { continue };
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() {
            read.twice |= read.parameters.iter().any(|(known, _)| *known == name);
            read.parameters.push((name, value.trim().to_owned()));
        }
    }
    if read.name.is_empty() {
        read.name = ContentType::default().name;
    }
    read
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let next = self.bytes.get(self.at).copied();
        self.at += 1;
        next
    }

    /// Up to the next semicolon outside of quotes: comments left out, quotes taken off.
    fn until_semicolon(&mut self) -> String {
        let (mut text, mut quoted, mut comments) = (Vec::new(), false, 0_usize);
        while let Some(byte) = self.next() {
            match byte {
                b'\\' if quoted || comments > 0 => {
                    let escaped = self.next();
                    if quoted {
                        text.extend(escaped);
                    }
                }
                b'"' if comments == 0 => quoted = !quoted,
                _ if quoted => text.push(byte),
                b'(' => comments += 1,
                b')' if comments > 0 => comments -= 1,
                _ if comments > 0 => {}
                b';' => break,
                _ => text.push(byte),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn percent(text: &str) -> String {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parameters_in_all_their_forms() {
        let check = |value: &str, name: &str, parameter: &str, expected: Option<&str>| {
            let read = content_type(value.as_bytes());
            assert_eq!(read.name, name, "{value}");
            assert_eq!(read.parameter(parameter).as_deref(), expected, "{value}");
        };
        check("multipart/signed; boundary=\"a;b\"", "multipart/signed", "boundary", Some("a;b"));
        check("Multipart/Signed ; BOUNDARY = x (y) ; p=q", "multipart/signed", "boundary", Some("x"));
        check("a/b; boundary*0=\"one\"; boundary*1=two", "a/b", "boundary", Some("onetwo"));
        check("a/b; name*=utf-8''a%20b%zz", "a/b", "name", Some("a b%zz"));
        check("a/b; name*0*=utf-8'de'%C3%A4; name*1=.pdf", "a/b", "name", Some("ä.pdf"));
        check("a/b; name=\"x\\\"y\"", "a/b", "name", Some("x\"y"));
        check("", "text/plain", "name", None);
        check("a/b; ;; name", "a/b", "name", None);
        assert!(content_type(b"a/b; boundary=x; Boundary=y").twice);
    }
}
