//! For whom an envelope is: its RecipientInfos (RFC 5652 section 6.2), what each needs its private key for, and how the
//! content key comes out of what the token answers.

use super::cipher::Cipher;
use super::identifiers::{OID_OAEP, algorithm, dh_kdf, oaep_padding};
use super::keys::{self, Wrap};
use super::not_decrypted;
use super::recipient::common_name;
use crate::cms::certificate::Certificate;
use crate::cms::identifiers::OID_RSA;
use crate::der::{
    DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_SEQUENCE,
    TAG_SET,
};
use crate::prepare::FormatError;
use model::limits::{ENVELOPE_RECIPIENTS_MAX, OAEP_LABEL_BYTES_MAX, WRAPPED_KEY_BYTES_MAX};
use model::{Secret, Sha, WrappedKey};
use std::fmt;

/// `[0] IMPLICIT SubjectKeyIdentifier`, primitive.
const TAG_KEY_IDENTIFIER: u8 = 0x80;

/// How an envelope names a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientId {
    /// By issuer and serial number of the certificate, both DER.
    IssuerAndSerial {
        /// The whole Name.
        issuer: Vec<u8>,
        /// The whole INTEGER.
        serial: Vec<u8>,
    },
    /// By the identifier of its key (RFC 5280 section 4.2.1.2).
    KeyIdentifier(Vec<u8>),
    /// Not by a certificate at all: a password, a key that both sides know.
    Other,
}

impl fmt::Display for RecipientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |f: &mut fmt::Formatter<'_>, bytes: &[u8]| bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"));
        match self {
            RecipientId::IssuerAndSerial { issuer, serial } => {
                write!(f, "certificate ")?;
                hex(f, Reader::new(serial).read().map(|serial| serial.value).unwrap_or_default())?;
                write!(f, " of {}", common_name(issuer).unwrap_or_else(|| "an issuer without a name".to_owned()))
            }
            RecipientId::KeyIdentifier(identifier) => {
                write!(f, "key ")?;
                hex(f, identifier)
            }
            RecipientId::Other => f.write_str("a password or a shared key"),
        }
    }
}

/// One recipient of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    id: RecipientId,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Transport(WrappedKey),
    Agreement {
        key: WrappedKey,
        kdf: Sha,
        wrap: Wrap,
        info: Vec<u8>,
        wrapped: Vec<u8>,
    },
    /// With the reason.
    Unsupported(&'static str),
}

impl Arrival {
    /// Reads `recipientInfos`.
    pub(super) fn read_all(infos: &[u8], cipher: Cipher) -> Result<Vec<Self>, DerError> {
        let mut arrivals = Vec::new();
        let mut infos = Reader::new(infos).enter(TAG_SET)?;
        while !infos.is_empty() {
            let info = infos.read()?;
            match info.tag {
                TAG_SEQUENCE => arrivals.push(transport(Reader::new(info.value), cipher)?),
                TAG_CONTEXT_1 => agreement(Reader::new(info.value), &mut arrivals)?,
                _ => arrivals.push(Self {
                    id: RecipientId::Other,
                    way: Way::Unsupported("it needs a password or a shared key"),
                }),
            }
            if arrivals.len() > ENVELOPE_RECIPIENTS_MAX {
                return Err(DerError::TooMany);
            }
        }
        Ok(arrivals)
    }

    /// How the envelope names this recipient.
    pub fn id(&self) -> &RecipientId {
        &self.id
    }

    /// What the token of the recipient's key has to open; a reason if nobody here knows how.
    pub fn wrapped(&self) -> Result<&WrappedKey, FormatError> {
        match &self.way {
            Way::Transport(key) | Way::Agreement { key, .. } => Ok(key),
            Way::Unsupported(why) => {
                let reason = format!("the content key cannot be opened: {why}");
                Err(FormatError::document("recipient-unsupported", reason))
            }
        }
    }

    /// Whether this certificate (DER) is the recipient's.
    pub fn is_for(&self, certificate: &[u8]) -> bool {
        let Ok(certificate) = Certificate::parse(certificate) else { return false };
        match &self.id {
            RecipientId::IssuerAndSerial { issuer, serial } => {
                certificate.issuer == issuer && certificate.serial == serial
            }
            RecipientId::KeyIdentifier(wanted) => match certificate.subject_key_id() {
                Ok(Some(identifier)) => identifier == wanted,
                // The usual way to make one, where the certificate has none (RFC 5280 section 4.2.1.2 (1)).
                _ => openssl::sha::sha1(certificate.public_key.bits) == wanted.as_slice(),
            },
            RecipientId::Other => false,
        }
    }

    /// The content key, from what the token made of [`Arrival::wrapped`].
    pub(super) fn content_key(&self, secret: &Secret, cipher: Cipher) -> Result<Secret, FormatError> {
        let key = match &self.way {
            Way::Transport(_) => Secret::new(secret.expose().to_vec()),
            Way::Agreement { kdf, wrap, info, wrapped, .. } => {
                let wrapping = keys::derive(*kdf, secret, info, wrap.key_bytes()).map_err(|_| not_decrypted())?;
                wrap.unwrap(&wrapping, wrapped).map_err(|_| not_decrypted())?
            }
            Way::Unsupported(_) => return Err(not_decrypted()),
        };
        if key.expose().len() == cipher.key_bytes() { Ok(key) } else { Err(not_decrypted()) }
    }
}

/// `KeyTransRecipientInfo`.
fn transport(mut info: Reader<'_>, cipher: Cipher) -> Result<Arrival, DerError> {
    info.expect(TAG_INTEGER)?;
    let id = identifier(&mut info)?;
    let identifier = info.expect(TAG_SEQUENCE)?.raw;
    let encrypted = bounded(info.expect(TAG_OCTET_STRING)?.value)?;
    info.end()?;
    let (oid, parameters) = algorithm(identifier)?;
    let way = match oid.raw {
        OID_RSA => Way::Transport(WrappedKey::RsaPkcs1 { encrypted, length: cipher.key_bytes() }),
        OID_OAEP => match oaep_padding(parameters)? {
            Some(padding) if padding.label.len() <= OAEP_LABEL_BYTES_MAX => {
                Way::Transport(WrappedKey::RsaOaep { encrypted, padding })
            }
            _ => Way::Unsupported("its OAEP padding uses a digest that is not supported"),
        },
        _ => Way::Unsupported("it was encrypted with an algorithm that is not supported"),
    };
    Ok(Arrival { id, way })
}

/// `KeyAgreeRecipientInfo` (RFC 5753 section 3.1): several recipients may share one key of the sender.
fn agreement(mut info: Reader<'_>, arrivals: &mut Vec<Arrival>) -> Result<(), DerError> {
    info.expect(TAG_INTEGER)?;
    let mut originator = info.enter(TAG_CONTEXT_0)?;
    let point = match originator.optional(TAG_CONTEXT_1)? {
        Some(key) => {
            let mut key = Reader::new(key.value);
            key.expect(TAG_SEQUENCE)?;
            let bits = key.expect(TAG_BIT_STRING)?.value.strip_prefix(&[0]).ok_or(DerError::Malformed)?;
            Some(bounded(bits)?)
        }
        // The sender's certificate: a static key.
        None => None,
    };
    let material = info.optional(TAG_CONTEXT_1)?;
    let material = match &material {
        Some(material) => Some(Reader::new(material.value).expect(TAG_OCTET_STRING)?.value),
        None => None,
    };
    let (scheme, wrap_identifier) = algorithm(info.expect(TAG_SEQUENCE)?.raw)?;
    let kdf = dh_kdf(&scheme);
    let wrap = wrap_identifier.map(|wrap| Wrap::of_identifier(wrap.raw)).transpose()?.flatten();
    let mut recipients = info.enter(TAG_SEQUENCE)?;
    info.end()?;
    while !recipients.is_empty() {
        let mut recipient = recipients.enter(TAG_SEQUENCE)?;
        let id = agreement_identifier(&mut recipient)?;
        let wrapped = bounded(recipient.expect(TAG_OCTET_STRING)?.value)?;
        recipient.end()?;
        let way = match (&point, kdf, wrap, wrap_identifier) {
            (Some(point), Some(kdf), Some(wrap), Some(identifier)) => {
                let info = keys::shared_info(identifier.raw, material, wrap.key_bytes());
                Way::Agreement { key: WrappedKey::Ecdh { point: point.clone() }, kdf, wrap, info, wrapped }
            }
            (None, ..) => Way::Unsupported("the sender used a key of its own certificate"),
            _ => Way::Unsupported("it was encrypted with a key agreement that is not supported"),
        };
        arrivals.push(Arrival { id, way });
        if arrivals.len() > ENVELOPE_RECIPIENTS_MAX {
            return Err(DerError::TooMany);
        }
    }
    Ok(())
}

/// `RecipientIdentifier`.
fn identifier(info: &mut Reader<'_>) -> Result<RecipientId, DerError> {
    if let Some(identifier) = info.optional(TAG_KEY_IDENTIFIER)? {
        return Ok(RecipientId::KeyIdentifier(identifier.value.to_vec()));
    }
    let mut pair = info.enter(TAG_SEQUENCE)?;
    let issuer = pair.expect(TAG_SEQUENCE)?.raw.to_vec();
    let serial = pair.expect(TAG_INTEGER)?.raw.to_vec();
    pair.end()?;
    Ok(RecipientId::IssuerAndSerial { issuer, serial })
}

/// `KeyAgreeRecipientIdentifier`, whose key identifier comes with a date and more.
fn agreement_identifier(info: &mut Reader<'_>) -> Result<RecipientId, DerError> {
    match info.optional(TAG_CONTEXT_0)? {
        Some(identifier) => {
            let identifier = Reader::new(identifier.value).expect(TAG_OCTET_STRING)?.value;
            Ok(RecipientId::KeyIdentifier(identifier.to_vec()))
        }
        None => identifier(info),
    }
}

fn bounded(bytes: &[u8]) -> Result<Vec<u8>, DerError> {
    if bytes.len() <= WRAPPED_KEY_BYTES_MAX { Ok(bytes.to_vec()) } else { Err(DerError::TooMany) }
}
