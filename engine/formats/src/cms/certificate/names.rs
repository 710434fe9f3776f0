//! The names of a certificate besides its subject, and the limits that a CA sets to those of the certificates below it
//! (RFC 5280 sections 4.2.1.6 and 4.2.1.10). Reads; whether a name keeps within the limits is for the path to judge.

use super::Certificate;
use super::extensions::{oid, sequence};
use crate::der::{DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OID, TAG_SEQUENCE, Tlv};
use crate::path::attribute_texts;
use model::limits::CERTIFICATE_NAMES_MAX;

/// emailAddress of PKCS #9, an attribute of older subjects.
const OID_EMAIL_ADDRESS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01";
/// id-on-SmtpUTF8Mailbox (RFC 9598 section 3).
const OID_UTF8_MAILBOX: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x08\x09";
const TAG_UTF8: u8 = 0x0c;

/// A `GeneralName`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneralName<'a> {
    /// Of a kind that an object identifier names (its content); the value as it is.
    Other {
        /// Content of the object identifier.
        kind: &'a [u8],
        /// The whole value.
        value: &'a [u8],
    },
    /// rfc822Name: a mail address; in constraints also a host or a domain.
    Mail(&'a str),
    /// dNSName.
    Dns(&'a str),
    /// directoryName, the whole Name.
    Directory(&'a [u8]),
    /// uniformResourceIdentifier; in constraints a host or a domain.
    Uri(&'a str),
    /// iPAddress: 4 or 16 octets; in constraints with a mask behind it.
    Ip(&'a [u8]),
    /// registeredID.
    Registered(&'a [u8]),
    /// Of a kind that nobody uses (x400Address, ediPartyName), or not readable: its tag.
    Unreadable(u8),
}

impl<'a> GeneralName<'a> {
    /// Reads one. What is not readable inside is [`GeneralName::Unreadable`]: the others beside it still count.
    pub fn read(name: &Tlv<'a>) -> Self {
        let unreadable = Self::Unreadable(name.tag);
        // IA5String; texts with other characters are no such names.
        let text = || std::str::from_utf8(name.value).ok().filter(|text| text.is_ascii());
        match name.tag {
            TAG_CONTEXT_0 => other(name.value).unwrap_or(unreadable),
            0x81 => text().map_or(unreadable, Self::Mail),
            0x82 => text().map_or(unreadable, Self::Dns),
            0xa4 => directory(name.value).map_or(unreadable, Self::Directory),
            0x86 => text().map_or(unreadable, Self::Uri),
            0x87 => Self::Ip(name.value),
            0x88 => Self::Registered(name.value),
            _ => unreadable,
        }
    }

    /// The number of its kind in the standard (the context tag): names are compared with constraints of their own kind.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Other { .. } => 0,
            Self::Mail(_) => 1,
            Self::Dns(_) => 2,
            Self::Directory(_) => 4,
            Self::Uri(_) => 6,
            Self::Ip(_) => 7,
            Self::Registered(_) => 8,
            Self::Unreadable(tag) => tag & 0x1f,
        }
    }
}

fn other(content: &[u8]) -> Option<GeneralName<'_>> {
    let mut fields = Reader::new(content);
    let kind = fields.expect(TAG_OID).ok()?.value;
    let value = fields.expect(TAG_CONTEXT_0).ok()?.value;
    fields.end().ok()?;
    Some(GeneralName::Other { kind, value })
}

/// The one Name inside.
fn directory(content: &[u8]) -> Option<&[u8]> {
    let mut wrapped = Reader::new(content);
    let name = wrapped.expect(TAG_SEQUENCE).ok()?.raw;
    wrapped.end().ok()?;
    Some(name)
}

/// nameConstraints. Distances (`minimum`, `maximum`) do not occur and are refused when they are not the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints<'a> {
    /// Of each kind that occurs here, names must be in one of these subtrees.
    pub permitted: Vec<GeneralName<'a>>,
    /// Names must not be in one of these.
    pub excluded: Vec<GeneralName<'a>>,
}

impl<'a> Certificate<'a> {
    /// subjectAltName.
    pub fn alternative_names(&self) -> Result<Vec<GeneralName<'a>>, DerError> {
        let Some(value) = self.value(oid::SUBJECT_ALTERNATIVE_NAME)? else { return Ok(Vec::new()) };
        let (mut list, mut names) = (sequence(value)?, Vec::new());
        while !list.is_empty() {
            if names.len() == CERTIFICATE_NAMES_MAX {
                return Err(DerError::TooMany);
            }
            names.push(GeneralName::read(&list.read()?));
        }
        Ok(names)
    }

    /// Mail addresses that are an attribute of the subject.
    pub fn subject_mail_addresses(&self) -> Result<Vec<String>, DerError> {
        attribute_texts(self.subject, OID_EMAIL_ADDRESS)
    }

    /// All mail addresses: of subjectAltName first, then those in the subject; each once.
    pub fn mail_addresses(&self) -> Result<Vec<String>, DerError> {
        let mut addresses: Vec<String> = Vec::new();
        let alternative = self.alternative_names()?;
        let alternative = alternative.iter().filter_map(|name| match *name {
            GeneralName::Mail(address) => Some(address.to_owned()),
            GeneralName::Other { kind: OID_UTF8_MAILBOX, value } => {
                let text = Reader::new(value).expect(TAG_UTF8).ok()?;
                std::str::from_utf8(text.value).ok().map(str::to_owned)
            }
            _ => None,
        });
        for address in alternative.chain(self.subject_mail_addresses()?) {
            if !addresses.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    /// nameConstraints. `None`: it has none.
    pub fn name_constraints(&self) -> Result<Option<NameConstraints<'a>>, DerError> {
        let Some(value) = self.value(oid::NAME_CONSTRAINTS)? else { return Ok(None) };
        let mut fields = sequence(value)?;
        let permitted = subtrees(fields.optional(TAG_CONTEXT_0)?)?;
        let excluded = subtrees(fields.optional(TAG_CONTEXT_1)?)?;
        fields.end()?;
        Ok(Some(NameConstraints { permitted, excluded }))
    }
}

/// `GeneralSubtrees`, tagged implicitly.
fn subtrees(list: Option<Tlv<'_>>) -> Result<Vec<GeneralName<'_>>, DerError> {
    let mut names = Vec::new();
    let mut list = Reader::new(list.map_or(&[], |list| list.value));
    while !list.is_empty() {
        if names.len() == CERTIFICATE_NAMES_MAX {
            return Err(DerError::TooMany);
        }
        let mut fields = list.enter(TAG_SEQUENCE)?;
        let base = fields.read()?;
        // A minimum of zero is the default, which some write all the same.
        if fields.optional(0x80)?.is_some_and(|minimum| minimum.value != [0]) {
            return Err(DerError::Malformed);
        }
        fields.end()?;
        names.push(GeneralName::read(&base));
    }
    Ok(names)
}
