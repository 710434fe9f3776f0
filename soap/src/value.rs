//! The values of messages that Rust has no type for: a place in the contents, an instant, a secret.
//!
//! Each is text on the wire; none knows how an envelope looks.

use model::Time;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::io::{Read, Write};
use yaserde::__xml as xml;

/// Which of the contents of a message an element stands for. The bytes themselves never are part of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BinaryRef(pub u32);

impl Default for BinaryRef {
    /// Refers to nothing.
    fn default() -> Self {
        Self(u32::MAX)
    }
}

/// An instant as messages write it: `2026-11-27T00:03:08Z`, read with any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Time);

impl Default for Moment {
    fn default() -> Self {
        Self(Time::from_seconds(0))
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self(time)
    }
}

impl Moment {
    /// Reads `xs:dateTime`. Without an offset it is UTC; years from 1970 to 9999; a fraction counts to the microsecond.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u16>().ok()).flatten()
        };
        let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
        if marks.iter().any(|(at, mark)| text.get(*at..at + 1) != Some(mark)) {
            return None;
        }
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let small = |value: u16| u8::try_from(value).ok();
        let civil = Time::from_civil(
            i32::from(year),
            small(month)?,
            small(day)?,
            small(hour)?,
            small(minute)?,
            small(second)?,
        )?;
        let mut rest = text.get(19..)?;
        let mut micros = 0_i64;
        if let Some(fraction) = rest.strip_prefix('.') {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 || digits > FRACTION_DIGITS_MAX {
                return None;
            }
            let (digits, after) = fraction.split_at(digits);
            for place in 0..6 {
                let digit = digits.as_bytes().get(place).map_or(0, |digit| i64::from(digit - b'0'));
                micros = micros * 10 + digit;
            }
            rest = after;
        }
        let total = civil.micros() + micros - offset_seconds(rest)? * 1_000_000;
        (year >= 1970 && total >= 0).then(|| Self(Time::from_micros(total)))
    }
}

const FRACTION_DIGITS_MAX: usize = 18;

fn offset_seconds(text: &str) -> Option<i64> {
    if matches!(text, "" | "Z") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |digits: &str| {
        let fits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| digits.parse::<i64>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let within = minutes < 60 && hours * 60 + minutes <= 14 * 60;
    within.then_some(sign * (hours * 60 + minutes) * 60)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = self.0.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let micros = self.0.micros() % 1_000_000;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

/// A password that came in a message. Shown by no `Debug`.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text))
    }

    /// For the one who checks or hashes it.
    pub fn get(&self) -> &SecretString {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Name of the processing instruction that stands for bytes in what yaserde writes. Text cannot be taken for it, because
/// a `<` of a text is written as `&lt;`.
pub(crate) const CONTENT_MARK: &str = "content";

trait Element: Sized {
    fn read(text: &str) -> Option<Self>;
    fn shown(&self) -> String;
    const IS_CONTENT: bool = false;
}

impl Element for BinaryRef {
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    fn shown(&self) -> String {
        self.0.to_string()
    }

    const IS_CONTENT: bool = true;
}

impl Element for Moment {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Element for Secret {
    fn read(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }

    fn shown(&self) -> String {
        self.0.expose_secret().to_owned()
    }
}

macro_rules! element {
    ($($type:ident)+) => { $(
        impl yaserde::YaSerialize for $type {
            fn serialize<W: Write>(&self, writer: &mut yaserde::ser::Serializer<W>) -> yaserde::Result<()> {
                let name = writer.get_start_event_name().unwrap_or_else(|| stringify!($type).to_owned());
                let shown = self.shown();
                writer.write(xml::writer::XmlEvent::start_element(name.as_str()))?;
                if Self::IS_CONTENT {
                    let data = Some(shown.as_str());
                    writer.write(xml::writer::XmlEvent::ProcessingInstruction { name: CONTENT_MARK, data })?;
                } else {
                    writer.write(xml::writer::XmlEvent::characters(&shown))?;
                }
                writer.write(xml::writer::XmlEvent::end_element())?;
                Ok(())
            }

            fn serialize_attributes(
                &self,
                attributes: Vec<xml::attribute::OwnedAttribute>,
                namespace: xml::namespace::Namespace,
            ) -> yaserde::Result<(Vec<xml::attribute::OwnedAttribute>, xml::namespace::Namespace)> {
                Ok((attributes, namespace))
            }
        }

        impl yaserde::YaDeserialize for $type {
            /// Leaves the end of the element to whoever asked, as derived structures do.
            fn deserialize<R: Read>(reader: &mut yaserde::de::Deserializer<R>) -> yaserde::Result<Self> {
                let _start = reader.next_event()?;
                let mut text = String::new();
                while let xml::reader::XmlEvent::Characters(more) = reader.peek()? {
                    text.push_str(more);
                    let _text = reader.next_event()?;
                }
                $type::read(&text).ok_or_else(|| yaserde::Error::custom(concat!("no ", stringify!($type))))
            }
        }
    )+ };
}

element!(BinaryRef Moment Secret);

macro_rules! json_text {
    ($($type:ident)+) => { $(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.shown())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $type::read(&text).ok_or_else(|| serde::de::Error::custom(concat!("no ", stringify!($type))))
            }
        }
    )+ };
}

json_text!(Moment Secret);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_are_read_as_the_schema_says() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(Moment::parse(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
        };
        check("2026-11-27T00:03:08Z", Some("2026-11-27T00:03:08Z"));
        check("2026-11-27T00:03:08", Some("2026-11-27T00:03:08Z"));
        check("2026-11-27T01:03:08+01:00", Some("2026-11-27T00:03:08Z"));
        check("2026-11-26T19:03:08.5-05:00", Some("2026-11-27T00:03:08.500000Z"));
        check("2026-11-27T00:03:08.1234567Z", Some("2026-11-27T00:03:08.123456Z"));
        for bad in [
            "",
            "2026-11-27",
            "2026-02-30T00:00:00Z",
            "2026-11-27T24:00:00Z",
            "2026-11-27T00:03:08.Z",
            "2026-11-27T00:03:08+1:00",
            "2026-11-27T00:03:08+15:00",
            "2026-11-27T00:03:08z",
            "1969-12-31T23:59:59Z",
            "+026-11-27T00:03:08Z",
            "20é6-11-27T00:03:08Z",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("geheim")), "Secret(..)");
    }
}
