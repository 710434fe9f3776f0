//! What belongs to which tenant: profiles, signers, tokens. Whoever asks for what belongs to another tenant is told what
//! she would be told if it did not exist.

use super::Refused;
use crate::verification::Verification;
use model::{Profile, SignerName, TenantId, TokenSerial};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All tenants' things.
#[derive(Clone, Default)]
pub struct Catalogue {
    tenants: BTreeMap<TenantId, Holdings>,
}

/// One tenant's things.
#[derive(Clone, Default)]
pub struct Holdings {
    /// Profiles by name.
    pub profiles: BTreeMap<Arc<str>, Arc<Profile>>,
    /// Signers that may be named.
    pub signers: BTreeSet<SignerName>,
    /// Tokens whose state may be seen, and whose keys open what is encrypted.
    pub tokens: Arc<BTreeSet<TokenSerial>>,
    /// By what signatures are judged for this tenant.
    pub verification: Option<Arc<Verification>>,
}

impl Catalogue {
    /// A catalogue of these.
    pub fn new(tenants: BTreeMap<TenantId, Holdings>) -> Self {
        Self { tenants }
    }

    /// The tenants that have anything.
    pub fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.tenants.keys()
    }

    /// A tenant's things; none if it is unknown.
    pub fn of(&self, tenant: &TenantId) -> Holdings {
        self.tenants.get(tenant).cloned().unwrap_or_default()
    }

    /// A tenant's profile of this name.
    pub fn profile(&self, tenant: &TenantId, name: &str) -> Result<Arc<Profile>, Refused> {
        let holdings = self.tenants.get(tenant);
        let profile = holdings.and_then(|holdings| holdings.profiles.get(name));
        profile.cloned().ok_or_else(|| Refused::NoProfile(name.to_owned()))
    }

    /// The names, if each is one of the tenant's signers. `None` if there are no names.
    pub fn signers(&self, tenant: &TenantId, names: &[SignerName]) -> Result<Option<Arc<[SignerName]>>, Refused> {
        let known = self.tenants.get(tenant).map(|holdings| &holdings.signers);
        match names.iter().find(|name| !known.is_some_and(|known| known.contains(name))) {
            Some(unknown) => Err(Refused::NoSigner(unknown.to_string())),
            None => Ok((!names.is_empty()).then(|| names.into())),
        }
    }

    /// The tokens of a tenant.
    pub fn tokens(&self, tenant: &TenantId) -> Arc<BTreeSet<TokenSerial>> {
        self.tenants.get(tenant).map(|holdings| holdings.tokens.clone()).unwrap_or_default()
    }
}
