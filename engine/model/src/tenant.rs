//! The client organisation. First column of every table, first check of every door.

use std::fmt;
use std::sync::Arc;

/// Short name of a tenant: 1 to 64 characters of `a-z 0-9 - _`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

/// A tenant's name is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's name has 1 to 64 characters of a-z, 0-9, '-' and '_'; \"{0}\" has not")]
pub struct BadTenant(pub String);

impl TenantId {
    /// Checks and wraps a name.
    pub fn new(name: &str) -> Result<Self, BadTenant> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
        if fits { Ok(Self(name.into())) } else { Err(BadTenant(name.to_owned())) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
