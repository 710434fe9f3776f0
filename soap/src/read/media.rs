//! Media types with their parameters, and the identifiers of attachments.

/// A media type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Media {
    /// `text/xml`, in lower case.
    pub(super) essence: String,
    parameters: Vec<(String, String)>,
}

const PARAMETERS_MAX: usize = 16;

impl Media {
    /// Reads a content type. `None`: it is not one, or a parameter is there twice.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (essence, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim().to_ascii_lowercase();
        if !essence.contains('/') {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                return Some(Self { essence, parameters });
            }
            let (name, after) = rest.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let (value, after) = value(after.trim_start())?;
            if parameters.len() >= PARAMETERS_MAX || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value));
            rest = after;
        }
    }

    /// A parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn value(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([';', ' ', '\t']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Some((value.to_owned(), rest));
    };
    let mut value = String::new();
    loop {
        let mut characters = rest.chars();
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
        rest = characters.as_str();
    }
}

/// The name of an attachment from its header: without angle brackets.
pub(super) fn content_id(text: &str) -> String {
    let text = text.trim();
    text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text).to_owned()
}

/// The name of an attachment from a reference to it. `None`: it refers to something else.
pub(super) fn cid(reference: &str) -> Option<String> {
    let encoded = reference.trim().strip_prefix("cid:")?;
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn content_types_are_read_with_their_parameters() {
        let media = Media::parse(r#"Multipart/Related; type="application/xop+xml";boundary="a;\"b" ; start=<r@x>"#);
        let media = media.unwrap();
        assert_eq!(media.essence, "multipart/related");
        assert_eq!(media.parameter("boundary"), Some("a;\"b"));
        assert_eq!(media.parameter("start"), Some("<r@x>"));
        assert_eq!(media.parameter("type"), Some("application/xop+xml"));
        for bad in ["", "text", "text/xml; charset", "text/xml; a=\"b", "text/xml; a=1; A=2"] {
            assert_eq!(Media::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn references_lead_to_names() {
        assert_eq!(cid("cid:part1%40x").as_deref(), Some("part1@x"));
        assert_eq!(cid("cid:a+b@c").as_deref(), Some("a+b@c"));
        for bad in ["http://x", "cid:", "cid:%4", "cid:%zz", "cid:%ff"] {
            assert_eq!(cid(bad), None, "{bad}");
        }
        assert_eq!(content_id(" <part1@x> "), "part1@x");
    }
}
