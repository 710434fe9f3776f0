//! The Time-Stamp Protocol (RFC 3161, RFC 5816): requests, responses and the tokens in them. No network.

use crate::cms::reader::SignedData;
use model::{Digest, Time};
use std::sync::Arc;

/// A time-stamp token whose imprint, signature and signer's certificate have been checked against each other. Its
/// bytes are those that were received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    der: Arc<[u8]>,
    imprint: Digest,
    time: Time,
    signer: Arc<[u8]>,
    certificates: Vec<Arc<[u8]>>,
}

impl Token {
    /// The `TimeStampToken`, DER, as received.
    pub fn der(&self) -> &Arc<[u8]> {
        &self.der
    }

    /// What was stamped.
    pub fn imprint(&self) -> &Digest {
        &self.imprint
    }

    /// `genTime`.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The certificate of the time-stamp unit, DER.
    pub fn signer(&self) -> &Arc<[u8]> {
        &self.signer
    }

    /// All certificates in the token, DER.
    pub fn certificates(&self) -> &[Arc<[u8]>] {
        &self.certificates
    }
}

#[allow(dead_code)] // the reader of tokens is built on it
type TokenMessage = SignedData;
