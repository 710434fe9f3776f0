//! The few fields of an X.509 certificate that a signature needs, as they are encoded. No judgement of validity.

pub mod extensions;
pub mod names;
pub mod policies;
pub mod qualified;

use super::identifiers::{OID_EC, OID_ED25519, OID_ML_DSA_65, OID_RSA, OID_RSA_PSS, curve_oid};
use crate::der::{DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_INTEGER, TAG_OID, TAG_SEQUENCE, read_time};
use model::{Curve, KeyKind, Time};

/// What a certificate says, borrowed from its DER (RFC 5280 section 4.1).
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// `serialNumber`, the whole INTEGER.
    pub serial: &'a [u8],
    /// `issuer`, the whole Name.
    pub issuer: &'a [u8],
    /// `subject`, the whole Name.
    pub subject: &'a [u8],
    /// `subjectPublicKeyInfo`.
    pub public_key: PublicKeyInfo<'a>,
    /// Content of `validity`.
    validity: &'a [u8],
    /// Content of `extensions`, empty if there are none.
    extensions: &'a [u8],
}

/// `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
#[derive(Clone, Copy, Debug)]
pub struct PublicKeyInfo<'a> {
    /// What kind of key it is. `None`: one that sealmill does not sign with.
    pub kind: Option<KeyKind>,
    /// Content of the BIT STRING, without the count of unused bits.
    pub bits: &'a [u8],
    /// The key may sign with PSS only (its algorithm is id-RSASSA-PSS, RFC 4055 section 1.2).
    pub pss_only: bool,
    /// All of it.
    pub raw: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate in DER.
    pub fn parse(der: &'a [u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(der);
        let mut certificate = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let mut body = certificate.enter(TAG_SEQUENCE)?;
        certificate.expect(TAG_SEQUENCE)?;
        certificate.expect(TAG_BIT_STRING)?;
        certificate.end()?;
        body.optional(TAG_CONTEXT_0)?;
        let serial = body.expect(TAG_INTEGER)?.raw;
        body.expect(TAG_SEQUENCE)?;
        let issuer = body.expect(TAG_SEQUENCE)?.raw;
        let validity = body.expect(TAG_SEQUENCE)?.value;
        let subject = body.expect(TAG_SEQUENCE)?.raw;
        let public_key = PublicKeyInfo::parse(body.expect(TAG_SEQUENCE)?.raw)?;
        for unique_identifier in [0x81, 0x82] {
            body.optional(unique_identifier)?;
        }
        let extensions = match body.optional(0xa3)? {
            Some(wrapped) => {
                let mut wrapped = Reader::new(wrapped.value);
                let list = wrapped.expect(TAG_SEQUENCE)?.value;
                wrapped.end()?;
                list
            }
            None => &[],
        };
        body.end()?;
        Ok(Self { serial, issuer, subject, public_key, validity, extensions })
    }

    /// `notBefore` and `notAfter`.
    pub fn validity(&self) -> Result<(Time, Time), DerError> {
        let mut times = Reader::new(self.validity);
        let both = (read_time(&times.read()?)?, read_time(&times.read()?)?);
        times.end()?;
        Ok(both)
    }

    /// Whether it is valid at this moment, by its dates alone.
    pub fn valid_at(&self, time: Time) -> Result<bool, DerError> {
        let (not_before, not_after) = self.validity()?;
        Ok(not_before <= time && time <= not_after)
    }
}

impl<'a> PublicKeyInfo<'a> {
    /// Reads a public key in DER.
    pub fn parse(der: &'a [u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(der);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let mut algorithm = fields.enter(TAG_SEQUENCE)?;
        let bits = fields.expect(TAG_BIT_STRING)?.value.strip_prefix(&[0]).ok_or(DerError::Malformed)?;
        let oid = algorithm.expect(TAG_OID)?.raw;
        let kind = match oid {
            OID_RSA | OID_RSA_PSS => Some(KeyKind::Rsa { bits: rsa_bits(bits)? }),
            OID_ED25519 => Some(KeyKind::Ed25519),
            OID_ML_DSA_65 => Some(KeyKind::MlDsa65),
            OID_EC => {
                let named = algorithm.read()?.raw;
                Curve::ALL.into_iter().find(|&curve| curve_oid(curve) == named).map(KeyKind::Ec)
            }
            _ => None,
        };
        Ok(Self { kind, bits, pss_only: oid == OID_RSA_PSS, raw: der })
    }
}

/// Length of the modulus in `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`.
fn rsa_bits(key: &[u8]) -> Result<u32, DerError> {
    let modulus = Reader::new(key).enter(TAG_SEQUENCE)?.expect(TAG_INTEGER)?.value;
    let significant = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let first = significant.first().ok_or(DerError::Malformed)?;
    let bits = significant.len().checked_mul(8).ok_or(DerError::Malformed)?;
    u32::try_from(bits).map(|bits| bits - first.leading_zeros()).map_err(|_| DerError::Malformed)
}
