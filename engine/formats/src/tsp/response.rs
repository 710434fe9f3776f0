//! `TimeStampResp` (RFC 3161 section 2.4.2), compared with what was asked for.

use super::{Failure, Refusal, Request, Status, Token, TspError, message, strict, unit};
use crate::der::{DerError, Reader, TAG_BIT_STRING, TAG_INTEGER, TAG_SEQUENCE, Tlv};
use crate::signature::dotted;
use model::Time;
use model::limits::TSP_RESPONSE_BYTES_MAX;
use std::sync::Arc;
use std::time::Duration;

/// What is expected of an authority besides the answer to the request.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The clock here.
    pub now: Time,
    /// How far the clocks may be apart, the accuracy that the time stamp claims not counted.
    pub tolerance: Duration,
    /// Certificates of time-stamp units or of authorities above them, DER. Empty: any authority is believed.
    pub anchors: &'a [Arc<[u8]>],
}

pub(super) fn check(response: &[u8], request: &Request, terms: &Terms<'_>) -> Result<Token, TspError> {
    if response.len() > TSP_RESPONSE_BYTES_MAX {
        return Err(TspError::TooLong);
    }
    let token = granted(response)?;
    strict::check(token.raw).map_err(TspError::NotDer)?;
    let token = message::read(token.raw, &[])?;
    let info = token.info();
    if info.padded_time {
        return Err(TspError::NotDer("the fraction of its time ends in zeros"));
    }
    if info.imprint != request.imprint {
        return Err(TspError::WrongImprint);
    }
    if info.nonce.as_deref() != Some(&request.nonce) {
        return Err(TspError::WrongNonce);
    }
    if request.policy.as_ref().is_some_and(|asked| *asked != info.policy) {
        return Err(TspError::WrongPolicy(dotted(info.policy.get(2..).unwrap_or_default())));
    }
    if info.critical {
        return Err(TspError::Rule("it has a critical extension, which is not allowed"));
    }
    let apart = info.time.since(terms.now).max(terms.now.since(info.time));
    if apart > terms.tolerance.saturating_add(info.accuracy.unwrap_or_default()) {
        return Err(TspError::WrongTime(apart.as_secs()));
    }
    unit::check_purpose(token.signer(), info.time)?;
    if !terms.anchors.is_empty() {
        unit::check_path(token.signer(), token.certificates(), terms.anchors, info.time)?;
    }
    Ok(token)
}

/// The token, if one was granted.
fn granted(response: &[u8]) -> Result<Tlv<'_>, TspError> {
    let not = TspError::NotAResponse;
    let mut outer = Reader::new(response);
    let mut fields = outer.enter(TAG_SEQUENCE).map_err(not)?;
    outer.end().map_err(not)?;
    let mut info = fields.enter(TAG_SEQUENCE).map_err(not)?;
    let status = info.expect(TAG_INTEGER).map_err(not)?.value;
    if !matches!(status, [0 | 1]) {
        return Err(TspError::Refused(refusal(status, info).map_err(not)?));
    }
    if fields.is_empty() {
        return Err(TspError::NoToken);
    }
    let token = fields.read().map_err(|error| match error {
        DerError::Malformed => TspError::NotDer("a length is not written in the shortest form, or it is left open"),
        other => not(other),
    })?;
    fields.end().map_err(not)?;
    Ok(token)
}

fn refusal(status: &[u8], mut info: Reader<'_>) -> Result<Refusal, DerError> {
    let status = match status {
        [2] => Status::Rejection,
        [3] => Status::Waiting,
        [4] => Status::RevocationWarning,
        [5] => Status::RevocationNotification,
        _ => Status::Other,
    };
    let mut text = String::new();
    if let Some(strings) = info.optional(TAG_SEQUENCE)? {
        let mut strings = Reader::new(strings.value);
        while let Ok(string) = strings.read() {
            text.push_str(&String::from_utf8_lossy(string.value));
            text.push(' ');
        }
    }
    // What a stranger wrote goes into logs and to clerks.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(STATUS_TEXT_CHARS_MAX).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bits = info.optional(TAG_BIT_STRING)?.map(|bits| bits.value.get(1..).unwrap_or_default()).unwrap_or_default();
    let is_set = |bit: usize| bits.get(bit / 8).is_some_and(|octet| octet & (0x80 >> (bit % 8)) != 0);
    let failures = Failure::BITS.iter().filter(|(bit, _)| is_set(*bit)).map(|(_, failure)| *failure).collect();
    Ok(Refusal { status, failures, text })
}

const STATUS_TEXT_CHARS_MAX: usize = 200;
