//! Which certificates and reasons a CRL is about (RFC 5280 sections 5.2.5 and 6.3.3).

use super::Crl;
use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::{DistributionPoint, general_names, point_name, reason_flags};
use crate::der::{DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_SEQUENCE, TAG_SET, tlv};
use crate::path::same_name;

/// `IssuingDistributionPoint`; its default is a CRL about everything that its issuer issues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The names of the distribution point, each GeneralName whole; empty: it is for all.
    pub names: Vec<Vec<u8>>,
    /// It has a name that is relative to the issuer's, the whole `[1]`.
    pub relative: Option<Vec<u8>>,
    /// End entities' certificates only.
    pub only_users: bool,
    /// CA certificates only.
    pub only_authorities: bool,
    /// Attribute certificates only.
    pub only_attributes: bool,
    /// Only some reasons, as bits.
    pub reasons: Option<u16>,
    /// Entries may be about certificates of other issuers.
    pub indirect: bool,
}

/// Why a CRL does not cover a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncovered {
    /// Of another issuer, and the certificate does not send readers to this one.
    #[error("it is of another issuer")]
    Issuer,
    /// For another distribution point.
    #[error("it is for another distribution point")]
    Point,
    /// For another kind of certificate.
    #[error("it is for another kind of certificate")]
    Kind,
    /// Not for all reasons: nothing follows from a certificate not being on it.
    #[error("it is for some reasons of revocation only")]
    Reasons,
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
}

impl Scope {
    /// Reads the extension's value.
    pub(super) fn parse(value: &[u8]) -> Result<Self, DerError> {
        let mut outer = Reader::new(value);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let mut scope = Self::default();
        if let Some(name) = fields.optional(TAG_CONTEXT_0)? {
            let (names, relative) = point_name(name.value)?;
            scope.names = names.into_iter().map(<[u8]>::to_vec).collect();
            scope.relative = relative.map(<[u8]>::to_vec);
        }
        let mut flag = |tag| Ok::<_, DerError>(fields.optional(tag)?.is_some_and(|flag| flag.value != [0]));
        (scope.only_users, scope.only_authorities) = (flag(0x81)?, flag(0x82)?);
        scope.reasons = fields.optional(0x83)?.map(|flags| reason_flags(flags.value)).transpose()?;
        let mut flag = |tag| Ok::<_, DerError>(fields.optional(tag)?.is_some_and(|flag| flag.value != [0]));
        (scope.indirect, scope.only_attributes) = (flag(0x84)?, flag(0x85)?);
        fields.end()?;
        Ok(scope)
    }

    /// For which reasons the CRL with this scope says whether a certificate is revoked.
    pub(super) fn covers(&self, crl: &Crl, certificate: &Certificate<'_>) -> Result<u16, Uncovered> {
        let unreadable = |_| Uncovered::Unreadable;
        let points = certificate.crl_distribution_points().map_err(unreadable)?;
        let mine = full_names(self.names.iter().map(Vec::as_slice), self.relative.as_deref(), &crl.issuer);
        let mine = mine.map_err(unreadable)?;
        // The last step of RFC 5280 section 6.3.3: a CRL of the issuer that no point speaks of is for a point with the
        // issuer's name.
        let own_name = tlv(TAG_DIRECTORY_NAME, &[certificate.issuer]);
        let own = DistributionPoint { names: vec![&own_name], ..DistributionPoint::default() };
        let (mut refused, mut reasons) = (Uncovered::Issuer, 0);
        for point in points.iter().chain([&own]) {
            let others = point.crl_issuer.iter().filter_map(|name| directory_name(name));
            let issued_here = match point.crl_issuer.is_empty() {
                true => same_name(&crl.issuer, certificate.issuer),
                false => self.indirect && others.clone().any(|name| same_name(name, &crl.issuer)),
            };
            if !issued_here {
                continue;
            }
            let base = others.clone().next().unwrap_or(certificate.issuer);
            let names = point.names.iter().chain(&point.crl_issuer).copied();
            let theirs = full_names(names, point.relative, base).map_err(unreadable)?;
            if mine.is_empty() || theirs.iter().any(|name| mine.iter().any(|known| same_general_name(name, known))) {
                // RFC 5280 section 6.3.3 (d): those of the point that the list is about.
                reasons |= point.reasons.unwrap_or(ALL_REASONS) & self.reasons.unwrap_or(ALL_REASONS);
            } else {
                refused = Uncovered::Point;
            }
        }
        match reasons & ALL_REASONS {
            0 => Err(refused),
            reasons => self.covers_kind(certificate).map(|()| reasons),
        }
    }

    fn covers_kind(&self, certificate: &Certificate<'_>) -> Result<(), Uncovered> {
        let constraints = certificate.basic_constraints().map_err(|_| Uncovered::Unreadable)?;
        let authority = constraints.is_some_and(|constraints| constraints.ca);
        if self.only_attributes || (self.only_users && authority) || (self.only_authorities && !authority) {
            return Err(Uncovered::Kind);
        }
        Ok(())
    }
}

/// All names of a distribution point, the relative one made a whole one.
fn full_names<'a>(
    names: impl Iterator<Item = &'a [u8]>,
    relative: Option<&[u8]>,
    base: &[u8],
) -> Result<Vec<Vec<u8>>, DerError> {
    let mut all: Vec<Vec<u8>> = names.map(<[u8]>::to_vec).collect();
    if let Some(relative) = relative {
        let last = tlv(TAG_SET, &[Reader::new(relative).expect(TAG_CONTEXT_1)?.value]);
        let name = tlv(TAG_SEQUENCE, &[Reader::new(base).expect(TAG_SEQUENCE)?.value, &last]);
        all.push(tlv(TAG_DIRECTORY_NAME, &[&name]));
    }
    Ok(all)
}

fn same_general_name(one: &[u8], other: &[u8]) -> bool {
    one == other
        || matches!((directory_name(one), directory_name(other)), (Some(one), Some(other)) if same_name(one, other))
}

/// The eight reasons that have a bit: 1 to 8, the highest bit is that of none.
pub const ALL_REASONS: u16 = 0x7f80;

/// `directoryName` among the GeneralNames.
const TAG_DIRECTORY_NAME: u8 = 0xa4;

fn directory_name(general_name: &[u8]) -> Option<&[u8]> {
    let wrapped = Reader::new(general_name).expect(TAG_DIRECTORY_NAME).ok()?;
    Some(Reader::new(wrapped.value).expect(TAG_SEQUENCE).ok()?.raw)
}

/// The directory names among the members of a `GeneralNames`.
pub(super) fn directory_names(content: &[u8]) -> Result<impl Iterator<Item = &[u8]>, DerError> {
    Ok(general_names(content)?.into_iter().filter_map(directory_name))
}
