//! Certificates and time stamps that come in messages, as far as operations have to look into them.

use crate::fault::{Fault, status};
use base64_simd::STANDARD;
use formats::der::{Reader, TAG_SEQUENCE};
use formats::tsp::Token;
use model::Time;
use std::sync::Arc;
use trust::Cert;

/// A certificate in DER or PEM, as DER.
pub(super) fn der(bytes: &[u8]) -> Result<Arc<[u8]>, Fault> {
    let unreadable = || {
        let sentence = "this is no certificate, neither in DER nor in PEM";
        Fault::client("certificate-unreadable", sentence).with_status(status::CERTIFICATE_UNREADABLE)
    };
    let der: Arc<[u8]> = match pem(bytes) {
        Some(der) => der.into(),
        None => bytes.into(),
    };
    Cert::read(&der).map_err(|_| unreadable())?;
    Ok(der)
}

/// The bytes of the first certificate in a text (RFC 7468).
fn pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, behind) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = behind.split_once("-----END CERTIFICATE-----")?;
    let body: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode_to_vec(body).ok()
}

/// The time in a response of an authority (RFC 3161 section 2.4.2).
pub(super) fn stamp_time(response: &[u8]) -> Option<Time> {
    let mut fields = Reader::new(response).enter(TAG_SEQUENCE).ok()?;
    fields.expect(TAG_SEQUENCE).ok()?; // the status: we have written "granted" ourselves
    let token = fields.expect(TAG_SEQUENCE).ok()?;
    Token::read(token.raw).ok().map(|token| token.time())
}
