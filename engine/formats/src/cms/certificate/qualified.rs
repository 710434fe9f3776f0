//! What a certificate says about being a qualified one (EN 319 412-5). That it says so proves nothing: who may issue
//! qualified certificates is on the trusted lists.

use super::Certificate;
use super::extensions::{oid, sequence};
use crate::der::{DerError, Reader, TAG_OID, TAG_SEQUENCE};
use crate::signature::dotted;
use model::limits::EXTENSION_MEMBERS_MAX;

/// The statements of EN 319 412-5 that a verifier needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QualifiedStatements {
    /// QcCompliance: it is a qualified certificate.
    pub compliance: bool,
    /// QcSSCD: the private key is in a qualified device.
    pub device: bool,
    /// QcType: for what. Empty: it does not say, which meant signatures before there were seals.
    pub kinds: Vec<QualifiedKind>,
    /// QcCClegislation: by the law of which countries outside of the EU's.
    pub countries: Vec<String>,
}

/// For what a qualified certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QualifiedKind {
    /// Electronic signatures of persons.
    Signature,
    /// Electronic seals.
    Seal,
    /// Web sites.
    WebSite,
    /// Anything else; the object identifier in dots.
    Other(String),
}

impl Certificate<'_> {
    /// qcStatements. `None`: it has none.
    pub fn qualified_statements(&self) -> Result<Option<QualifiedStatements>, DerError> {
        let Some(value) = self.value(oid::QUALIFIED_STATEMENTS)? else { return Ok(None) };
        let mut list = sequence(value)?;
        let (mut statements, mut seen) = (QualifiedStatements::default(), 0);
        while !list.is_empty() {
            seen += 1;
            if seen > EXTENSION_MEMBERS_MAX {
                return Err(DerError::TooMany);
            }
            let mut fields = list.enter(TAG_SEQUENCE)?;
            // id-etsi-qcs is 0.4.0.1862.1
            match fields.expect(TAG_OID)?.value {
                [0x04, 0x00, 0x8e, 0x46, 0x01, 1] => statements.compliance = true,
                [0x04, 0x00, 0x8e, 0x46, 0x01, 4] => statements.device = true,
                [0x04, 0x00, 0x8e, 0x46, 0x01, 6] => {
                    members(&mut fields, |kind| {
                        if kind.tag == TAG_OID {
                            statements.kinds.push(QualifiedKind::of(kind.value));
                        }
                    })?;
                }
                [0x04, 0x00, 0x8e, 0x46, 0x01, 7] => {
                    members(&mut fields, |country| {
                        statements.countries.push(String::from_utf8_lossy(country.value).into_owned());
                    })?;
                }
                _ => {}
            }
        }
        Ok(Some(statements))
    }
}

impl QualifiedKind {
    fn of(oid: &[u8]) -> Self {
        match oid {
            [0x04, 0x00, 0x8e, 0x46, 0x01, 6, 1] => Self::Signature,
            [0x04, 0x00, 0x8e, 0x46, 0x01, 6, 2] => Self::Seal,
            [0x04, 0x00, 0x8e, 0x46, 0x01, 6, 3] => Self::WebSite,
            other => Self::Other(dotted(other)),
        }
    }
}

/// Goes through the SEQUENCE that comes next.
fn members<'a>(fields: &mut Reader<'a>, mut take: impl FnMut(crate::der::Tlv<'a>)) -> Result<(), DerError> {
    let mut list = fields.enter(TAG_SEQUENCE)?;
    for _ in 0..EXTENSION_MEMBERS_MAX {
        if list.is_empty() {
            return Ok(());
        }
        take(list.read()?);
    }
    if list.is_empty() { Ok(()) } else { Err(DerError::TooMany) }
}
