//! A signer: a certificate and the private key that belongs to it, somewhere on a token or in software.
//!
//! The private key itself is never here; only `token` holds keys.

use crate::algorithm::KeyKind;
use std::fmt;
use std::sync::Arc;

/// Name by which profiles and pools call a signer. Unique in one server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignerName(pub Arc<str>);

impl fmt::Display for SignerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Serial number of a token (`CK_TOKEN_INFO.serialNumber`, trailing blanks removed), or the invented one of a software
/// token (`soft:` and its name). Slots move when readers are replugged; serial numbers do not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenSerial(pub Arc<str>);

impl fmt::Display for TokenSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The public half of a signer, as formats and people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Its name.
    pub name: SignerName,
    /// The token that holds the private key.
    pub token: TokenSerial,
    /// The signer's certificate, DER.
    pub certificate: Arc<[u8]>,
    /// Further certificates to put beside it (sub CA, root), DER, in path order; may be empty.
    pub chain: Vec<Arc<[u8]>>,
    /// The kind of the public key in the certificate.
    pub key: KeyKind,
    /// Subject common name, for people.
    pub subject: String,
}
