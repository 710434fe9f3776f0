//! For whom is encrypted: a recipient's certificate, checked, and the RecipientInfo that gives a content key to its
//! key (RFC 5652 section 6.2, RFC 5753).

use super::identifiers;
use super::keys::{self, Wrap};
use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::KeyUsage;
use crate::cms::identifiers::{OID_EC, OID_RSA};
use crate::der::{
    self, DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID,
    TAG_SEQUENCE,
};
use crate::prepare::FormatError;
use model::profile::RsaKeyTransport;
use model::{Secret, Sha, Time};
use openssl::ec::EcGroup;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};

/// An RSA key of fewer bits is not encrypted for.
const RSA_BITS_MIN: u32 = 2_048;

/// A recipient whose certificate may be encrypted for, as far as that does not depend on the time.
#[derive(Debug)]
pub(super) struct Recipient {
    /// `IssuerAndSerialNumber`, DER.
    identifier: Vec<u8>,
    name: String,
    not_before: Time,
    not_after: Time,
    key: Key,
}

enum Key {
    Rsa(PKey<Public>),
    Ec { key: PKey<Public>, group: EcGroup, kdf: Sha },
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Key::Rsa(_) => "RSA",
            Key::Ec { .. } => "EC",
        })
    }
}

impl Recipient {
    pub(super) fn new(certificate: &[u8]) -> Result<Self, FormatError> {
        let unreadable = |error: DerError| {
            FormatError::setup("recipient", format!("a recipient's certificate cannot be read: {error}"))
        };
        let certificate = Certificate::parse(certificate).map_err(unreadable)?;
        let (not_before, not_after) = certificate.validity().map_err(unreadable)?;
        let usage = certificate.key_usage().map_err(unreadable)?;
        // Without the extension everything is permitted (RFC 5280 section 4.2.1.3).
        let permits = |purpose: u16| usage.is_none_or(|usage| usage.allows(purpose));
        let name = common_name(certificate.subject).unwrap_or_else(|| "without a name".to_owned());
        let unfit = |why: &str| {
            FormatError::setup("recipient", format!("nothing can be encrypted for the certificate of {name}: {why}"))
        };
        let mut identifier = Reader::new(certificate.public_key.raw).enter(TAG_SEQUENCE).map_err(unreadable)?;
        let mut identifier = identifier.enter(TAG_SEQUENCE).map_err(unreadable)?;
        let oid = identifier.expect(TAG_OID).map_err(unreadable)?.raw;
        if ![OID_RSA, OID_EC].contains(&oid) {
            return Err(unfit("its key is neither RSA nor on an elliptic curve, or may only sign"));
        }
        let key =
            PKey::public_key_from_der(certificate.public_key.raw).map_err(|_| unfit("its public key is damaged"))?;
        let key = match key.id() {
            Id::RSA if !permits(KeyUsage::KEY_ENCIPHERMENT) => {
                return Err(unfit("its key usage does not contain key encipherment"));
            }
            Id::RSA if key.bits() < RSA_BITS_MIN => {
                return Err(unfit(&format!("an RSA key of {} bits is too short", key.bits())));
            }
            Id::RSA => Key::Rsa(key),
            Id::EC if !permits(KeyUsage::KEY_AGREEMENT) => {
                return Err(unfit("its key usage does not contain key agreement"));
            }
            Id::EC => ec(key).ok_or_else(|| unfit("its elliptic curve is not supported"))?,
            _ => return Err(unfit("its key is of an unsupported kind")),
        };
        let identifier = der::tlv(TAG_SEQUENCE, &[certificate.issuer, certificate.serial]);
        Ok(Self { identifier, name, not_before, not_after, key })
    }

    /// Refuses a certificate that is not valid at this time.
    pub(super) fn valid_at(&self, now: Time) -> Result<(), FormatError> {
        let date = |time: Time| {
            let (year, month, day, ..) = time.civil();
            format!("{year:04}-{month:02}-{day:02}")
        };
        let why = if now < self.not_before {
            format!("is not valid before {}", date(self.not_before))
        } else if now > self.not_after {
            format!("has expired on {}", date(self.not_after))
        } else {
            return Ok(());
        };
        Err(FormatError::setup("recipient-expired", format!("the certificate of the recipient {} {why}", self.name)))
    }

    /// Whether its RecipientInfo has version 0; the other has 3 (RFC 5652 section 6.1).
    pub(super) fn is_transport(&self) -> bool {
        matches!(self.key, Key::Rsa(_))
    }

    /// The RecipientInfo that carries the content key.
    pub(super) fn info(&self, content_key: &Secret, rsa: RsaKeyTransport) -> Result<Vec<u8>, ErrorStack> {
        match &self.key {
            Key::Rsa(key) => {
                let algorithm = match rsa {
                    RsaKeyTransport::Oaep => identifiers::oaep(Sha::Sha256),
                    RsaKeyTransport::Pkcs1 => der::tlv(TAG_SEQUENCE, &[OID_RSA, b"\x05\x00"]),
                };
                let encrypted = der::tlv(TAG_OCTET_STRING, &[&keys::transport(key, rsa, content_key)?]);
                let version = [TAG_INTEGER, 1, 0];
                Ok(der::tlv(TAG_SEQUENCE, &[&version, &self.identifier, &algorithm, &encrypted]))
            }
            Key::Ec { key, group, kdf } => {
                let (wrap, wrap_identifier) = Wrap::identifier_for(content_key.expose().len());
                let (point, shared) = keys::agree(key, group)?;
                let info = keys::shared_info(&wrap_identifier, None, wrap.key_bytes());
                let wrapping = keys::derive(*kdf, &shared, &info, wrap.key_bytes())?;
                let encrypted = der::tlv(TAG_OCTET_STRING, &[&wrap.wrap(&wrapping, content_key)?]);
                // The curve is that of the recipient's key: the parameters stay absent (RFC 5753 section 3.1.1).
                let originator = [
                    der::tlv(TAG_SEQUENCE, &[OID_EC]),
                    der::tlv(TAG_BIT_STRING, &[&[0], &point]), //
                ];
                let originator = der::tlv(TAG_CONTEXT_1, &[&originator[0], &originator[1]]);
                let recipient = der::tlv(TAG_SEQUENCE, &[&self.identifier, &encrypted]);
                let version = [TAG_INTEGER, 1, 3];
                Ok(der::tlv(
                    TAG_CONTEXT_1,
                    &[
                        &version,
                        &der::tlv(TAG_CONTEXT_0, &[&originator]),
                        &identifiers::standard_dh(*kdf, &wrap_identifier),
                        &der::tlv(TAG_SEQUENCE, &[&recipient]),
                    ],
                ))
            }
        }
    }
}

/// The curve's group and the digest that is as strong as it (RFC 5753 section 8). `None`: a curve that is too small, or
/// one given by its parameters instead of its name.
fn ec(key: PKey<Public>) -> Option<Key> {
    let ec = key.ec_key().ok()?;
    let nid = ec.group().curve_name()?;
    let kdf = match nid {
        Nid::X9_62_PRIME256V1 | Nid::BRAINPOOL_P256R1 => Sha::Sha256,
        Nid::SECP384R1 | Nid::BRAINPOOL_P320R1 | Nid::BRAINPOOL_P384R1 => Sha::Sha384,
        Nid::SECP521R1 | Nid::BRAINPOOL_P512R1 => Sha::Sha512,
        _ => return None,
    };
    let group = EcGroup::from_curve_name(nid).ok()?;
    Some(Key::Ec { key, group, kdf })
}

/// The common name in a Name, or its last attribute if it has none.
pub(super) fn common_name(name: &[u8]) -> Option<String> {
    const COMMON_NAME: &[u8] = b"\x06\x03\x55\x04\x03";
    let mut found = None;
    let mut sets = Reader::new(name).enter(TAG_SEQUENCE).ok()?;
    while !sets.is_empty() {
        let mut set = Reader::new(sets.read().ok()?.value);
        while !set.is_empty() {
            let mut attribute = set.enter(TAG_SEQUENCE).ok()?;
            let oid = attribute.expect(TAG_OID).ok()?.raw;
            let value = attribute.read().ok()?;
            let text = match value.tag {
                // BMPString: UTF-16, big endian.
                0x1e => {
                    let units = value.value.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
                    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
                }
                _ => String::from_utf8_lossy(value.value).into_owned(),
            };
            if oid == COMMON_NAME {
                return Some(text);
            }
            found = Some(text);
        }
    }
    found
}
