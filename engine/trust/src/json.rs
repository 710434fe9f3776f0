//! JSON that keeps its order and has no numbers but whole ones. Written here so that the types of the engine need no
//! derived serialisation, and so that the same value always gives the same octets. Reads nothing.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum Json {
    Null,
    Flag(bool),
    Number(i64),
    Text(String),
    List(Vec<Json>),
    /// Members in the order in which they are written.
    Map(Vec<(Cow<'static, str>, Json)>),
}

impl Json {
    /// A map with these members.
    pub fn map<const N: usize>(members: [(&'static str, Json); N]) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
    }

    /// A list of what an iterator gives.
    pub fn list<T: Into<Json>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// The member of a map.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Map(members) => members.iter().find(|(other, _)| other == name).map(|(_, value)| value),
            _ => None,
        }
    }

    fn write(&self, out: &mut impl Write, indent: Option<usize>) -> fmt::Result {
        let deeper = indent.map(|indent| indent + 1);
        match self {
            Self::Null => out.write_str("null"),
            Self::Flag(flag) => write!(out, "{flag}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => write_text(out, text),
            Self::List(items) if items.is_empty() => out.write_str("[]"),
            Self::List(items) => {
                out.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    separate(out, at, deeper)?;
                    item.write(out, deeper)?;
                }
                new_line(out, indent)?;
                out.write_char(']')
            }
            Self::Map(members) if members.is_empty() => out.write_str("{}"),
            Self::Map(members) => {
                out.write_char('{')?;
                for (at, (name, value)) in members.iter().enumerate() {
                    separate(out, at, deeper)?;
                    write_text(out, name)?;
                    out.write_str(if indent.is_some() { ": " } else { ":" })?;
                    value.write(out, deeper)?;
                }
                new_line(out, indent)?;
                out.write_char('}')
            }
        }
    }
}

/// `{}` gives one line without blanks, `{:#}` lines for people.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = f.alternate().then_some(0);
        self.write(f, indent)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Json {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

fn separate(out: &mut impl Write, at: usize, indent: Option<usize>) -> fmt::Result {
    if at > 0 {
        out.write_char(',')?;
    }
    new_line(out, indent)
}

fn new_line(out: &mut impl Write, indent: Option<usize>) -> fmt::Result {
    match indent {
        Some(indent) => write!(out, "\n{:1$}", "", indent * 2),
        None => Ok(()),
    }
}

/// Beside what RFC 8259 asks for, whatever could confuse a terminal or the eye is escaped.
fn write_text(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\u{8}' => out.write_str("\\b")?,
            '\u{c}' => out.write_str("\\f")?,
            // None of them is beyond the first plane.
            _ if is_invisible(character) => write!(out, "\\u{:04x}", u32::from(character))?,
            _ => out.write_char(character)?,
        }
    }
    out.write_char('"')
}

/// Whether a character is a control, or changes the direction of what stands around it, or ends a line.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_back_by_others() {
        let text = "a\"b\\c\n\t\u{8}\u{c}\u{1}\u{7f}\u{202e}ä€😀\u{2028}</script>";
        let value = Json::map([
            ("text", text.into()),
            ("none", Json::Null),
            ("list", Json::list([1_i64, -2, i64::MAX])),
            ("empty", Json::List(Vec::new())),
            ("map", Json::map([("flag", true.into())])),
            ("no members", Json::Map(Vec::new())),
        ]);
        for written in [value.to_string(), format!("{value:#}")] {
            let read: serde_json::Value = serde_json::from_str(&written).unwrap();
            assert_eq!(read["text"], text, "{written}");
            assert_eq!(read["list"][2], i64::MAX);
            assert_eq!(read["map"]["flag"], true);
            assert!(read["none"].is_null() && read["empty"].as_array().unwrap().is_empty());
            assert!(!written.contains('\u{202e}') && !written.contains('\u{7f}'), "{written}");
        }
        assert!(value.to_string().starts_with("{\"text\":") && !value.to_string().contains('\n'));
        assert_eq!(value.get("none"), Some(&Json::Null));
    }
}
