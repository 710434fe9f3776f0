//! Whether bytes are DER (X.690 chapter 10 and 11) all the way down, so that whoever encodes them again gets the same.
//!
//! No recursion: a stack of at most [`DER_NESTING_MAX`] levels.

use crate::der::{DerError, Reader, TAG_SEQUENCE, TAG_SET};
use model::limits::DER_NESTING_MAX;

/// Says what is not DER. What lies in OCTET STRINGs and BIT STRINGs is not looked at.
pub(crate) fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let mut levels = vec![Level { rest: Reader::new(bytes), before: None }];
    while let Some(level) = levels.last_mut() {
        if level.rest.is_empty() {
            levels.pop();
            continue;
        }
        let found = level.rest.read().map_err(|error| match error {
            DerError::Malformed => "a length is not written in the shortest form, or it is left open",
            _ => "it ends too early",
        })?;
        if let Some(before) = &mut level.before {
            if *before > found.raw {
                return Err("the members of a set are not in order");
            }
            *before = found.raw;
        }
        if let Some(wrong) = wrong_value(found.tag, found.value) {
            return Err(wrong);
        }
        if found.tag & CONSTRUCTED != 0 {
            if levels.len() == DER_NESTING_MAX {
                return Err("it is nested too deeply");
            }
            let before = (found.tag == TAG_SET).then_some(&[][..]);
            levels.push(Level { rest: Reader::new(found.value), before });
        }
    }
    Ok(())
}

struct Level<'a> {
    rest: Reader<'a>,
    /// In a SET OF: the member before.
    before: Option<&'a [u8]>,
}

const CONSTRUCTED: u8 = 0x20;

fn wrong_value(tag: u8, value: &[u8]) -> Option<&'static str> {
    match (tag, value) {
        (TAG_SEQUENCE | TAG_SET, _) => None,
        (0x01, [0 | 0xff]) => None,
        (0x01, _) => Some("a BOOLEAN is neither 00 nor FF"),
        (0x02 | 0x0a, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]) => {
            Some("an INTEGER has too many octets, or none")
        }
        (0x03, [] | [8..=0xff, ..]) => Some("a BIT STRING has a wrong count of unused bits"),
        (0x03, [unused @ 1..=7, .., last]) if last & ((1_u8 << unused) - 1) != 0 => {
            Some("unused bits of a BIT STRING are set")
        }
        // Universal types other than SEQUENCE and SET come in one piece.
        (0x20..=0x3f, _) => Some("a string is cut into segments"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_passes_and_ber_is_named() {
        for good in [
            &b"\x30\x06\x02\x01\x80\x01\x01\xff"[..],
            b"\x31\x06\x02\x01\x01\x04\x01\x05",
            b"\xa0\x03\x03\x01\x00",
            b"\x03\x02\x04\xf0",
        ] {
            assert_eq!(check(good), Ok(()), "{good:02x?}");
        }
        for wrong in [
            &b"\x30\x80\x00\x00"[..],
            b"\x30\x81\x03\x02\x01\x01",
            b"\x30\x82\x00\x03\x02\x01\x01",
            b"\x24\x03\x04\x01\x00",
            b"\x01\x01\x01",
            b"\x02\x02\x00\x01",
            b"\x02\x00",
            b"\x03\x02\x04\xf1",
            b"\x31\x06\x04\x01\x05\x02\x01\x01",
            b"\x30\x03\x02\x01",
        ] {
            assert!(check(wrong).is_err(), "{wrong:02x?}");
        }
        let deep = (0..40).fold(Vec::new(), |inner, _| crate::der::tlv(TAG_SEQUENCE, &[&inner]));
        assert_eq!(check(&deep), Err("it is nested too deeply"));
    }
}
