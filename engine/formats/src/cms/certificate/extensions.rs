//! The extensions of a certificate that paths and revocation need (RFC 5280 section 4.2). Each is read when it is asked
//! for; what is in the others stays unread.

use super::Certificate;
use crate::der::{
    DerError, Reader, TAG_BIT_STRING, TAG_BOOLEAN, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_OID,
    TAG_SEQUENCE, Tlv,
};
use model::limits::EXTENSION_MEMBERS_MAX;

/// Contents of object identifiers: extensions and what is in them.
#[allow(missing_docs)]
pub mod oid {
    pub const SUBJECT_KEY_ID: &[u8] = b"\x55\x1d\x0e";
    pub const KEY_USAGE: &[u8] = b"\x55\x1d\x0f";
    pub const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";
    pub const SUBJECT_ALTERNATIVE_NAME: &[u8] = b"\x55\x1d\x11";
    pub const ISSUER_ALTERNATIVE_NAME: &[u8] = b"\x55\x1d\x12";
    pub const CRL_NUMBER: &[u8] = b"\x55\x1d\x14";
    pub const REASON_CODE: &[u8] = b"\x55\x1d\x15";
    pub const INVALIDITY_DATE: &[u8] = b"\x55\x1d\x18";
    pub const DELTA_CRL_INDICATOR: &[u8] = b"\x55\x1d\x1b";
    pub const ISSUING_DISTRIBUTION_POINT: &[u8] = b"\x55\x1d\x1c";
    pub const CERTIFICATE_ISSUER: &[u8] = b"\x55\x1d\x1d";
    pub const NAME_CONSTRAINTS: &[u8] = b"\x55\x1d\x1e";
    pub const CRL_DISTRIBUTION_POINTS: &[u8] = b"\x55\x1d\x1f";
    pub const CERTIFICATE_POLICIES: &[u8] = b"\x55\x1d\x20";
    pub const POLICY_MAPPINGS: &[u8] = b"\x55\x1d\x21";
    pub const AUTHORITY_KEY_ID: &[u8] = b"\x55\x1d\x23";
    pub const POLICY_CONSTRAINTS: &[u8] = b"\x55\x1d\x24";
    pub const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1d\x25";
    pub const FRESHEST_CRL: &[u8] = b"\x55\x1d\x2e";
    pub const INHIBIT_ANY_POLICY: &[u8] = b"\x55\x1d\x36";
    pub const NO_REVOCATION_AVAILABLE: &[u8] = b"\x55\x1d\x38";
    pub const EXPIRED_CERTIFICATES_ON_CRL: &[u8] = b"\x55\x1d\x3c";
    pub const AUTHORITY_INFORMATION: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x01";
    pub const QUALIFIED_STATEMENTS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x03";
    pub const ACCESS_OCSP: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01";
    pub const ACCESS_CA_ISSUERS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x02";
    pub const OCSP_NO_CHECK: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x05";
    pub const PURPOSE_MAIL: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x04";
    pub const PURPOSE_OCSP_SIGNING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x09";
    pub const PURPOSE_TIME_STAMPING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x08";
    pub const PURPOSE_ANY: &[u8] = b"\x55\x1d\x25\x00";
    pub const VALIDITY_ASSURED_SHORT_TERM: &[u8] = b"\x04\x00\x8b\xec\x49\x02\x01";
}

/// The bits of keyUsage (RFC 5280 section 4.2.1.3), bit 0 of the standard the highest of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: u16 = 1 << 15;
    /// nonRepudiation, or contentCommitment.
    pub const NON_REPUDIATION: u16 = 1 << 14;
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: u16 = 1 << 13;
    /// keyAgreement.
    pub const KEY_AGREEMENT: u16 = 1 << 11;
    /// keyCertSign.
    pub const CERTIFICATE_SIGN: u16 = 1 << 10;
    /// cRLSign.
    pub const CRL_SIGN: u16 = 1 << 9;

    /// Whether one of these is among its uses.
    pub fn allows(self, any: u16) -> bool {
        self.0 & any != 0
    }
}

/// basicConstraints (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasicConstraints {
    /// It may issue certificates.
    pub ca: bool,
    /// How many CA certificates may follow in a path; more than 255 count as 255.
    pub path_length: Option<u8>,
}

/// Where authorityInfoAccess points, http and https only (RFC 5280 section 4.2.2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access<'a> {
    /// OCSP responders.
    pub ocsp: Vec<&'a str>,
    /// The issuer's certificate, or several as a PKCS #7 message.
    pub ca_issuers: Vec<&'a str>,
}

/// One DistributionPoint (RFC 5280 section 4.2.1.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistributionPoint<'a> {
    /// Its full name, each GeneralName whole.
    pub names: Vec<&'a [u8]>,
    /// Its name relative to the CRL issuer, the whole `[1]`.
    pub relative: Option<&'a [u8]>,
    /// `ReasonFlags` as [`reason_flags`] reads them. `None`: all reasons.
    pub reasons: Option<u16>,
    /// Who issues the CRL if not the CA; each GeneralName whole.
    pub crl_issuer: Vec<&'a [u8]>,
}

impl<'a> DistributionPoint<'a> {
    /// The addresses among its names, http and https only.
    pub fn addresses(&self) -> impl Iterator<Item = &'a str> {
        self.names.iter().filter_map(|name| address(name))
    }
}

/// The content of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Content of its object identifier.
    pub oid: &'a [u8],
    /// Who does not know it must not use the object.
    pub critical: bool,
    /// Content of the OCTET STRING.
    pub value: &'a [u8],
}

/// Goes through the content of an `Extensions`.
///
/// More than any real object has are an error: one that is left out could be critical.
pub fn each(list: &[u8]) -> impl Iterator<Item = Result<Extension<'_>, DerError>> {
    let (mut list, mut seen) = (Reader::new(list), 0);
    std::iter::from_fn(move || if list.is_empty() { None } else { Some(one(&mut list)) })
        .map(move |next| {
            seen += 1;
            if seen > EXTENSION_MEMBERS_MAX { Err(DerError::TooMany) } else { next }
        })
        .scan(false, |failed, next| {
            let stop = std::mem::replace(failed, next.is_err());
            (!stop).then_some(next)
        })
}

fn one<'a>(list: &mut Reader<'a>) -> Result<Extension<'a>, DerError> {
    let mut fields = list.enter(TAG_SEQUENCE)?;
    let oid = fields.expect(TAG_OID)?.value;
    let critical = fields.optional(TAG_BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
    let value = fields.expect(TAG_OCTET_STRING)?.value;
    fields.end()?;
    Ok(Extension { oid, critical, value })
}

/// Looks one up. Twice the same is an error, because readers would not agree on which one counts.
pub fn find<'a>(list: &'a [u8], oid: &[u8]) -> Result<Option<Extension<'a>>, DerError> {
    let mut found = None;
    for extension in each(list) {
        let extension = extension?;
        if extension.oid == oid && found.replace(extension).is_some() {
            return Err(DerError::Malformed);
        }
    }
    Ok(found)
}

/// A `ReasonFlags` or another named bit list of at most 16 bits: content of a BIT STRING, bit 0 the highest.
pub fn reason_flags(content: &[u8]) -> Result<u16, DerError> {
    match *content {
        [0..=7, high] => Ok(u16::from_be_bytes([high, 0])),
        [0..=7, high, low] => Ok(u16::from_be_bytes([high, low])),
        [0] => Ok(0),
        _ => Err(DerError::Malformed),
    }
}

/// The members of a `GeneralNames`, each whole.
pub(crate) fn general_names(content: &[u8]) -> Result<Vec<&[u8]>, DerError> {
    let (mut reader, mut names) = (Reader::new(content), Vec::new());
    while !reader.is_empty() {
        if names.len() == EXTENSION_MEMBERS_MAX {
            return Err(DerError::TooMany);
        }
        names.push(reader.read()?.raw);
    }
    Ok(names)
}

/// The address in a GeneralName, if it is an http or https one.
fn address(name: &[u8]) -> Option<&str> {
    let name = Reader::new(name).expect(0x86).ok()?;
    let text = std::str::from_utf8(name.value).ok().filter(|text| text.is_ascii())?;
    let scheme = text.split_once("://")?.0;
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")).then_some(text)
}

/// A `DistributionPointName`: the full name, and the relative one.
pub(crate) type PointName<'a> = (Vec<&'a [u8]>, Option<&'a [u8]>);

/// Reads the content of a `[0] DistributionPointName`.
pub(crate) fn point_name(content: &[u8]) -> Result<PointName<'_>, DerError> {
    let mut choice = Reader::new(content);
    let named = choice.read()?;
    choice.end()?;
    match named.tag {
        TAG_CONTEXT_0 => Ok((general_names(named.value)?, None)),
        TAG_CONTEXT_1 => Ok((Vec::new(), Some(named.raw))),
        _ => Err(DerError::UnexpectedTag),
    }
}

/// The one SEQUENCE that an extension consists of.
pub(super) fn sequence(value: &[u8]) -> Result<Reader<'_>, DerError> {
    let mut outer = Reader::new(value);
    let inner = outer.enter(TAG_SEQUENCE)?;
    outer.end()?;
    Ok(inner)
}

/// `CRLDistributionPoints` and `FreshestCRL` are the same type.
pub(crate) fn distribution_points(value: &[u8]) -> Result<Vec<DistributionPoint<'_>>, DerError> {
    let (mut list, mut points) = (sequence(value)?, Vec::new());
    while !list.is_empty() {
        if points.len() == EXTENSION_MEMBERS_MAX {
            return Err(DerError::TooMany);
        }
        let mut fields = list.enter(TAG_SEQUENCE)?;
        let mut point = DistributionPoint::default();
        if let Some(name) = fields.optional(TAG_CONTEXT_0)? {
            (point.names, point.relative) = point_name(name.value)?;
        }
        point.reasons = fields.optional(0x81)?.map(|flags| reason_flags(flags.value)).transpose()?;
        if let Some(issuer) = fields.optional(0xa2)? {
            point.crl_issuer = general_names(issuer.value)?;
        }
        fields.end()?;
        points.push(point);
    }
    Ok(points)
}

/// The `keyIdentifier` of an AuthorityKeyIdentifier's value.
pub(crate) fn authority_key_id(value: &[u8]) -> Result<Option<&[u8]>, DerError> {
    Ok(sequence(value)?.optional(0x80)?.map(|id| id.value))
}

impl<'a> Certificate<'a> {
    /// All extensions.
    pub fn extensions(&self) -> impl Iterator<Item = Result<Extension<'a>, DerError>> {
        each(self.extensions)
    }

    /// One extension.
    pub fn extension(&self, oid: &[u8]) -> Result<Option<Extension<'a>>, DerError> {
        find(self.extensions, oid)
    }

    pub(super) fn value(&self, oid: &[u8]) -> Result<Option<&'a [u8]>, DerError> {
        Ok(self.extension(oid)?.map(|extension| extension.value))
    }

    /// subjectKeyIdentifier.
    pub fn subject_key_id(&self) -> Result<Option<&'a [u8]>, DerError> {
        self.value(oid::SUBJECT_KEY_ID)?.map(|value| Ok(Reader::new(value).expect(TAG_OCTET_STRING)?.value)).transpose()
    }

    /// The key identifier in authorityKeyIdentifier.
    pub fn authority_key_id(&self) -> Result<Option<&'a [u8]>, DerError> {
        self.value(oid::AUTHORITY_KEY_ID)?.map_or(Ok(None), authority_key_id)
    }

    /// keyUsage. `None`: any use.
    pub fn key_usage(&self) -> Result<Option<KeyUsage>, DerError> {
        let Some(value) = self.value(oid::KEY_USAGE)? else { return Ok(None) };
        let bits = Reader::new(value).expect(TAG_BIT_STRING)?.value;
        Ok(Some(KeyUsage(reason_flags(bits)?)))
    }

    /// basicConstraints. `None`: it has none, and is of no CA unless it is of version 1.
    pub fn basic_constraints(&self) -> Result<Option<BasicConstraints>, DerError> {
        let Some(value) = self.value(oid::BASIC_CONSTRAINTS)? else { return Ok(None) };
        let mut fields = sequence(value)?;
        let ca = fields.optional(TAG_BOOLEAN)?.is_some_and(|flag| flag.value != [0]);
        let path_length = match fields.optional(crate::der::TAG_INTEGER)? {
            Some(Tlv { value: [short @ 0..=0x7f], .. }) => Some(*short),
            Some(Tlv { value: [0..=0x7f, ..], .. }) => Some(u8::MAX),
            Some(_) => return Err(DerError::Malformed),
            None => None,
        };
        Ok(Some(BasicConstraints { ca, path_length }))
    }

    /// Whether extendedKeyUsage lists this purpose (content of its object identifier). An absent one lists none.
    pub fn has_purpose(&self, purpose: &[u8]) -> Result<bool, DerError> {
        let Some(value) = self.value(oid::EXTENDED_KEY_USAGE)? else { return Ok(false) };
        let mut purposes = sequence(value)?;
        while !purposes.is_empty() {
            if purposes.expect(TAG_OID)?.value == purpose {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The purposes that extendedKeyUsage lists (contents of object identifiers). `None`: it has none, any purpose.
    pub fn purposes(&self) -> Result<Option<Vec<&'a [u8]>>, DerError> {
        let Some(value) = self.value(oid::EXTENDED_KEY_USAGE)? else { return Ok(None) };
        let (mut list, mut purposes) = (sequence(value)?, Vec::new());
        while !list.is_empty() {
            if purposes.len() == EXTENSION_MEMBERS_MAX {
                return Err(DerError::TooMany);
            }
            purposes.push(list.expect(TAG_OID)?.value);
        }
        Ok(Some(purposes))
    }

    /// Nobody needs to ask whether it is revoked: an OCSP responder's (RFC 6960 section 4.2.2.2.1), one that says that
    /// there is no such information (RFC 9608), or one that lives too short for it (EN 319 412-1 section 5.2).
    pub fn needs_no_revocation(&self) -> Result<bool, DerError> {
        for oid in [oid::OCSP_NO_CHECK, oid::NO_REVOCATION_AVAILABLE, oid::VALIDITY_ASSURED_SHORT_TERM] {
            if self.extension(oid)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// authorityInfoAccess.
    pub fn access(&self) -> Result<Access<'a>, DerError> {
        let mut access = Access::default();
        let Some(value) = self.value(oid::AUTHORITY_INFORMATION)? else { return Ok(access) };
        let mut list = sequence(value)?;
        while !list.is_empty() {
            let mut fields = list.enter(TAG_SEQUENCE)?;
            let method = fields.expect(TAG_OID)?.value;
            let location = address(fields.read()?.raw);
            let places = match method {
                oid::ACCESS_OCSP => &mut access.ocsp,
                oid::ACCESS_CA_ISSUERS => &mut access.ca_issuers,
                _ => continue,
            };
            places.extend(location.filter(|_| places.len() < EXTENSION_MEMBERS_MAX));
        }
        Ok(access)
    }

    /// cRLDistributionPoints.
    pub fn crl_distribution_points(&self) -> Result<Vec<DistributionPoint<'a>>, DerError> {
        self.value(oid::CRL_DISTRIBUTION_POINTS)?.map_or(Ok(Vec::new()), distribution_points)
    }

    /// freshestCRL: where the delta CRLs are.
    pub fn freshest_crl(&self) -> Result<Vec<DistributionPoint<'a>>, DerError> {
        self.value(oid::FRESHEST_CRL)?.map_or(Ok(Vec::new()), distribution_points)
    }
}
