//! Certificate policies and what a CA says about those of the certificates below it (RFC 5280 sections 4.2.1.4, 4.2.1.5,
//! 4.2.1.11 and 4.2.1.14). Policies are the contents of their object identifiers; qualifiers are not read.

use super::Certificate;
use super::extensions::{oid, sequence};
use crate::der::{DerError, Reader, TAG_INTEGER, TAG_OID, TAG_SEQUENCE};
use model::limits::EXTENSION_MEMBERS_MAX;

/// anyPolicy.
pub const ANY_POLICY: &[u8] = b"\x55\x1d\x20\x00";

/// A policy of the issuer that the subject calls by another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyMapping<'a> {
    /// issuerDomainPolicy.
    pub issuer: &'a [u8],
    /// subjectDomainPolicy.
    pub subject: &'a [u8],
}

/// policyConstraints: after how many certificates something begins to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// requireExplicitPolicy.
    pub require_explicit: Option<u32>,
    /// inhibitPolicyMapping.
    pub inhibit_mapping: Option<u32>,
}

impl<'a> Certificate<'a> {
    /// certificatePolicies. `None`: it has none.
    pub fn certificate_policies(&self) -> Result<Option<Vec<&'a [u8]>>, DerError> {
        let Some(value) = self.value(oid::CERTIFICATE_POLICIES)? else { return Ok(None) };
        let (mut list, mut policies) = (sequence(value)?, Vec::new());
        while !list.is_empty() {
            if policies.len() == EXTENSION_MEMBERS_MAX {
                return Err(DerError::TooMany);
            }
            let mut fields = list.enter(TAG_SEQUENCE)?;
            let policy = fields.expect(TAG_OID)?.value;
            fields.optional(TAG_SEQUENCE)?;
            fields.end()?;
            policies.push(policy);
        }
        Ok(Some(policies))
    }

    /// policyMappings.
    pub fn policy_mappings(&self) -> Result<Vec<PolicyMapping<'a>>, DerError> {
        let Some(value) = self.value(oid::POLICY_MAPPINGS)? else { return Ok(Vec::new()) };
        let (mut list, mut mappings) = (sequence(value)?, Vec::new());
        while !list.is_empty() {
            if mappings.len() == EXTENSION_MEMBERS_MAX {
                return Err(DerError::TooMany);
            }
            let mut fields = list.enter(TAG_SEQUENCE)?;
            mappings
                .push(PolicyMapping { issuer: fields.expect(TAG_OID)?.value, subject: fields.expect(TAG_OID)?.value });
            fields.end()?;
        }
        Ok(mappings)
    }

    /// policyConstraints.
    pub fn policy_constraints(&self) -> Result<PolicyConstraints, DerError> {
        let Some(value) = self.value(oid::POLICY_CONSTRAINTS)? else { return Ok(PolicyConstraints::default()) };
        let mut fields = sequence(value)?;
        let mut next = |tag| fields.optional(tag)?.map(|number| count(number.value)).transpose();
        let constraints = PolicyConstraints { require_explicit: next(0x80)?, inhibit_mapping: next(0x81)? };
        fields.end()?;
        Ok(constraints)
    }

    /// inhibitAnyPolicy.
    pub fn inhibit_any_policy(&self) -> Result<Option<u32>, DerError> {
        let Some(value) = self.value(oid::INHIBIT_ANY_POLICY)? else { return Ok(None) };
        let mut outer = Reader::new(value);
        let number = outer.expect(TAG_INTEGER)?.value;
        outer.end()?;
        count(number).map(Some)
    }
}

/// `SkipCerts`: content of an INTEGER that is not negative. What is larger than any path counts as the largest number.
fn count(content: &[u8]) -> Result<u32, DerError> {
    match *content {
        [] | [0x80..=0xff, ..] => Err(DerError::Malformed),
        [one] => Ok(u32::from(one)),
        [high, low] => Ok(u32::from(u16::from_be_bytes([high, low]))),
        _ => Ok(u32::MAX),
    }
}
