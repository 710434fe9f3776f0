//! `TSTInfo` (RFC 3161 section 2.4.2): what the authority signs.

use super::{Imprint, TspError};
use crate::der::{
    self, DerError, Reader, TAG_BOOLEAN, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_GENERALIZED_TIME, TAG_INTEGER,
    TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, Tlv,
};
use crate::signature::HashAlgorithm;
use model::Time;
use std::time::Duration;

/// The fields of a time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// `policy`, the whole OBJECT IDENTIFIER.
    pub policy: Vec<u8>,
    /// `messageImprint`.
    pub imprint: Imprint,
    /// `serialNumber`, the contents octets of the INTEGER.
    pub serial: Vec<u8>,
    /// `genTime`.
    pub time: Time,
    /// `accuracy`: how far to either side the true time may be.
    pub accuracy: Option<Duration>,
    /// `ordering`.
    pub ordering: bool,
    /// `nonce`, the contents octets of the INTEGER.
    pub nonce: Option<Vec<u8>>,
    /// `tsa`, the whole GeneralName.
    pub authority: Option<Vec<u8>>,
    /// It says of itself that it is qualified (EN 319 422 section 9.1). Only a claim.
    pub claims_qualified: bool,
    /// It has a critical extension, which nobody here understands.
    pub(super) critical: bool,
    /// The fraction of `genTime` ends in zeros, which DER forbids and some authorities write.
    pub(super) padded_time: bool,
}

impl Info {
    /// Reads a `TSTInfo`.
    pub fn read(bytes: &[u8]) -> Result<Self, TspError> {
        let mut outer = Reader::new(bytes);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        if fields.expect(TAG_INTEGER)?.value != [1] {
            return Err(TspError::Rule("its version is not 1"));
        }
        let policy = fields.expect(TAG_OID)?.raw.to_vec();
        let imprint = imprint(fields.enter(TAG_SEQUENCE)?)?;
        let serial = integer(&fields.expect(TAG_INTEGER)?)?;
        let (time, padded_time) = read_time(&fields.expect(TAG_GENERALIZED_TIME)?)?;
        let accuracy = fields.optional(TAG_SEQUENCE)?.map(|found| accuracy(Reader::new(found.value))).transpose()?;
        let ordering = fields.optional(TAG_BOOLEAN)?.is_some_and(|found| found.value != [0]);
        let nonce = fields.optional(TAG_INTEGER)?.map(|found| integer(&found)).transpose()?;
        let authority = fields.optional(TAG_CONTEXT_0)?.map(|found| found.value.to_vec());
        let (mut claims_qualified, mut critical) = (false, false);
        if let Some(extensions) = fields.optional(TAG_CONTEXT_1)? {
            let mut extensions = Reader::new(extensions.value);
            while !extensions.is_empty() {
                let mut extension = extensions.enter(TAG_SEQUENCE)?;
                let oid = extension.expect(TAG_OID)?.value;
                critical |= extension.optional(TAG_BOOLEAN)?.is_some_and(|found| found.value != [0]);
                let value = extension.expect(TAG_OCTET_STRING)?.value;
                claims_qualified |= oid == QC_STATEMENTS && says_qualified(value);
            }
        }
        fields.end()?;
        Ok(Self {
            policy,
            imprint,
            serial,
            time,
            accuracy,
            ordering,
            nonce,
            authority,
            claims_qualified,
            critical,
            padded_time,
        })
    }
}

fn imprint(mut fields: Reader<'_>) -> Result<Imprint, TspError> {
    let algorithm = HashAlgorithm::of_identifier(fields.expect(TAG_SEQUENCE)?.raw)?;
    let value = fields.expect(TAG_OCTET_STRING)?.value.to_vec();
    fields.end()?;
    if value.len() != algorithm.length() {
        return Err(TspError::Rule("its imprint has a wrong length"));
    }
    Ok(Imprint { algorithm, value })
}

/// The contents octets of an INTEGER that is not padded.
fn integer(found: &Tlv<'_>) -> Result<Vec<u8>, DerError> {
    match found.value {
        [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(DerError::Malformed),
        octets => Ok(octets.to_vec()),
    }
}

/// A small number that is not negative.
fn number(octets: &[u8]) -> Result<u64, DerError> {
    match octets {
        [] | [0x80..=0xff, ..] => Err(DerError::Malformed),
        octets if octets.len() > 5 => Err(DerError::Malformed),
        octets => Ok(octets.iter().fold(0, |number, &octet| number << 8 | u64::from(octet))),
    }
}

fn accuracy(mut fields: Reader<'_>) -> Result<Duration, DerError> {
    let mut part = |tag| fields.optional(tag)?.map_or(Ok(0), |found| number(found.value));
    let (seconds, millis, micros) = (part(TAG_INTEGER)?, part(0x80)?, part(0x81)?);
    fields.end()?;
    if millis > 999 || micros > 999 {
        return Err(DerError::Malformed);
    }
    Ok(Duration::from_secs(seconds) + Duration::from_micros(millis * 1_000 + micros))
}

/// The time, and whether its fraction had to be mended.
fn read_time(found: &Tlv<'_>) -> Result<(Time, bool), DerError> {
    if let Ok(time) = der::read_time(found) {
        return Ok((time, false));
    }
    let text = found.value.strip_suffix(b"Z").ok_or(DerError::Malformed)?;
    let fraction = text.iter().position(|&byte| byte == b'.').ok_or(DerError::Malformed)?;
    let significant = text.iter().rposition(|&byte| byte != b'0').filter(|&last| last >= fraction);
    let kept = match significant {
        Some(last) if last > fraction => &text[..=last],
        _ => &text[..fraction],
    };
    let mended = [kept, b"Z"].concat();
    der::read_time(&Tlv { tag: found.tag, value: &mended, raw: &[] }).map(|time| (time, true))
}

/// `QCStatements` (RFC 3739 section 3.2.6) with esi4-qtstStatement-1.
fn says_qualified(statements: &[u8]) -> bool {
    let Ok(mut statements) = Reader::new(statements).enter(TAG_SEQUENCE) else { return false };
    while let Ok(mut statement) = statements.enter(TAG_SEQUENCE) {
        if statement.expect(TAG_OID).is_ok_and(|oid| oid.value == QUALIFIED) {
            return true;
        }
    }
    false
}

/// 1.3.6.1.5.5.7.1.3.
const QC_STATEMENTS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x03";
/// 0.4.0.19422.1.1, esi4-qtstStatement-1.
const QUALIFIED: &[u8] = b"\x04\x00\x81\x97\x5e\x01\x01";
