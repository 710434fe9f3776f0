//! Issuer and serial number in a reference to a certificate, as text (XAdES before EN 319 132-1) or DER. They decide
//! nothing: a difference deserves a warning (EN 319 102-1 clause 5.2.3.4).

use crate::cms::certificate::Certificate;
use crate::der::{Reader, TAG_INTEGER, TAG_SEQUENCE, TAG_SET};
use crate::path::same_name;
use crate::xml::algorithms::DS;
use crate::xml::signature::octets;
use crate::xml::tree::{Document, NodeId};

/// Whose certificate it is, and which one.
pub(super) enum Issuer {
    /// `IssuerSerialV2`: a DER `IssuerSerial` (RFC 5035 section 4). Empty if it is not base64.
    Der(Vec<u8>),
    /// `IssuerSerial`: a name as RFC 4514 writes it, and a decimal number.
    Text(String, String),
}

impl Issuer {
    /// Reads it from a `Cert`, if it is there.
    pub(super) fn read(document: &Document<'_>, entry: NodeId, space: &str) -> Option<Self> {
        if let Some(node) = document.child_named(entry, space, "IssuerSerialV2") {
            return Some(Self::Der(octets(document, node).unwrap_or_default()));
        }
        let node = document.child_named(entry, space, "IssuerSerial")?;
        let text = |local: &str| {
            let part = document.child_named(node, DS, local).or_else(|| document.child_named(node, space, local));
            part.map(|part| document.string_value(part).into_owned()).unwrap_or_default()
        };
        Some(Self::Text(text("X509IssuerName"), text("X509SerialNumber")))
    }
}

/// Whether it is that of this certificate.
pub(super) fn is_of(issuer: &Issuer, certificate: &[u8]) -> bool {
    let Ok(parsed) = Certificate::parse(certificate) else { return false };
    match issuer {
        Issuer::Der(der) => {
            let read = || {
                let mut fields = Reader::new(der).enter(TAG_SEQUENCE)?;
                let names = fields.enter(TAG_SEQUENCE)?.enter(0xa4)?.expect(TAG_SEQUENCE)?.raw;
                Ok::<_, crate::der::DerError>((names, fields.expect(TAG_INTEGER)?.raw))
            };
            read().is_ok_and(|(name, serial)| same_name(name, parsed.issuer) && serial == parsed.serial)
        }
        Issuer::Text(name, serial) => {
            let octets = Reader::new(parsed.serial).read().map(|serial| serial.value).unwrap_or_default();
            let same_serial = decimal(octets).is_some_and(|number| number == serial.trim());
            same_serial && values_of_text(name) == values_of_name(parsed.issuer)
        }
    }
}

/// A number of any length that is not negative, in decimal digits.
fn decimal(octets: &[u8]) -> Option<String> {
    // RFC 5280 section 4.1.2.2 allows 20 octets; longer ones occur, but not by much.
    if octets.len() > 64 || octets.first().is_none_or(|first| *first >= 0x80) {
        return None;
    }
    let mut digits: Vec<u8> = vec![0];
    for octet in octets {
        let mut carry = u32::from(*octet);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = (value % 10) as u8;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    Some(digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect())
}

/// The values in a name, folded and sorted. Programs differ in the names that they give to attributes, in their order and
/// in how they escape, so that only the values are compared.
fn values_of_name(name: &[u8]) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut sets = Reader::new(name).enter(TAG_SEQUENCE).ok()?;
    while !sets.is_empty() {
        let mut set = sets.enter(TAG_SET).ok()?;
        while !set.is_empty() {
            let mut pair = set.enter(TAG_SEQUENCE).ok()?;
            pair.read().ok()?;
            let value = pair.read().ok()?;
            values.push(folded(&text_of(value.tag, value.value)));
        }
    }
    values.sort_unstable();
    Some(values)
}

/// The text of an ASN.1 string: BMPString and UniversalString by their units, everything else as it is.
fn text_of(tag: u8, value: &[u8]) -> String {
    match tag {
        0x1e => {
            let units = value.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')).collect()
        }
        0x14 => value.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

/// The values in a name that is written as RFC 4514 (or RFC 1779) says, folded and sorted.
fn values_of_text(text: &str) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut value: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut rest = text.trim().bytes().peekable();
    let close = |value: &mut Option<Vec<u8>>, values: &mut Vec<String>| {
        let Some(bytes) = value.take() else { return false };
        values.push(folded(&shown_value(&String::from_utf8_lossy(&bytes))));
        true
    };
    while let Some(byte) = rest.next() {
        match (byte, &mut value) {
            (b'\\', Some(value)) => {
                let first = rest.next()?;
                let second = rest.peek().and_then(|second| char::from(*second).to_digit(16));
                match (char::from(first).to_digit(16), second) {
                    (Some(high), Some(low)) => {
                        rest.next();
                        value.push((high * 16 + low) as u8);
                    }
                    _ => value.push(first),
                }
            }
            (b'"', Some(_)) => quoted = !quoted,
            (b',' | b';' | b'+', _) if !quoted => {
                if !close(&mut value, &mut values) {
                    return None;
                }
            }
            (b'=', none @ None) => *none = Some(Vec::new()),
            (byte, Some(value)) => value.push(byte),
            (_, None) => {}
        }
    }
    close(&mut value, &mut values);
    values.sort_unstable();
    Some(values)
}

/// A value in the form `#04024869` is the DER of the string.
fn shown_value(value: &str) -> String {
    let Some(digits) = value.trim().strip_prefix('#') else { return value.to_owned() };
    let nibbles: Option<Vec<u32>> = digits.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> =
        nibbles.unwrap_or_default().chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
    match Reader::new(&bytes).read() {
        Ok(string) => text_of(string.tag, string.value),
        Err(_) => value.to_owned(),
    }
}

/// Letters of any case and any run of white space are alike.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_of_any_length_are_decimal() {
        assert_eq!(decimal(&[0]).unwrap(), "0");
        assert_eq!(decimal(&[0, 0xff]).unwrap(), "255");
        assert_eq!(decimal(&[0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]).unwrap(), "18446744073709551616");
        assert_eq!(decimal(&[0x80]), None);
        assert_eq!(decimal(&[1; 65]), None);
    }

    #[test]
    fn names_are_alike_however_they_are_written() {
        let values = |text: &str| values_of_text(text).unwrap();
        let plain = values("CN=Test CA, O=Ham & Egg, C=DE");
        assert_eq!(plain, ["de", "ham & egg", "test ca"]);
        for same in [
            "C=DE,O=Ham & Egg,CN=Test CA",
            "cn=TEST  CA;o=\"Ham & Egg\";c=de",
            "CN=Test CA,O=Ham \\26 Egg,C=#13024445",
            "2.5.4.3=Test\n CA, O=Ham & Egg, C=DE\r\n",
        ] {
            assert_eq!(values(same), plain, "{same}");
        }
        assert_eq!(values("O=A\\, B"), ["a, b"]);
        assert_ne!(values("CN=Test CA 2, O=Ham & Egg, C=DE"), plain);
        assert_eq!(values_of_text("no name, at all"), None);
    }
}
