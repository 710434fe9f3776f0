//! How much of the server each tenant may occupy at a time. Beside the permits of the intake, never instead of them: a
//! tenant that asks for more than its share is told that the server is busy, while others go on.

use model::{Lane, TenantId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What an operator allows a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Documents inside at a time.
    pub documents_max: usize,
    /// Its turns among the tenants whose batches are worked on, at least 1.
    pub weight: u32,
    /// Everything of this tenant waits in this line, whatever its callers ask for.
    pub lane: Option<Lane>,
}

/// What a tenant occupies, and what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareStatus {
    /// What it may.
    pub allowance: Allowance,
    /// Documents of it inside now.
    pub documents: usize,
    /// Requests that were told "busy" since the start.
    pub refused: u64,
}

/// Counts every tenant's documents. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shares {
    tenants: Arc<Mutex<BTreeMap<TenantId, ShareStatus>>>,
    standard: Allowance,
}

/// The right to be inside at a tenant's expense.
#[derive(Debug)]
pub struct Share {
    shares: Shares,
    tenant: TenantId,
}

impl Shares {
    /// Every tenant has the standard allowance, but for those that are named.
    pub fn new(standard: Allowance, named: &BTreeMap<TenantId, Allowance>) -> Self {
        let status = |allowance: &Allowance| ShareStatus { allowance: *allowance, documents: 0, refused: 0 };
        let tenants = named.iter().map(|(tenant, allowance)| (tenant.clone(), status(allowance))).collect();
        Self { tenants: Arc::new(Mutex::new(tenants)), standard }
    }

    /// A place within the tenant's share, if it is not used up.
    pub fn try_enter(&self, tenant: &TenantId) -> Option<Share> {
        let mut tenants = self.lock();
        let status = tenants.entry(tenant.clone()).or_insert_with(|| self.fresh());
        if status.documents >= status.allowance.documents_max {
            status.refused += 1;
            return None;
        }
        status.documents += 1;
        Some(Share { shares: self.clone(), tenant: tenant.clone() })
    }

    /// Places left to a tenant.
    pub fn left(&self, tenant: &TenantId) -> usize {
        let status = self.status(tenant);
        status.allowance.documents_max.saturating_sub(status.documents)
    }

    /// Changes what a tenant may, from now on; what is inside stays.
    pub fn allow(&self, tenant: &TenantId, allowance: Allowance) {
        self.lock().entry(tenant.clone()).or_insert_with(|| self.fresh()).allowance = allowance;
    }

    /// A tenant's share now.
    pub fn status(&self, tenant: &TenantId) -> ShareStatus {
        self.lock().get(tenant).copied().unwrap_or_else(|| self.fresh())
    }

    /// The line that the documents of a tenant wait in.
    pub fn lane(&self, tenant: &TenantId, asked: Lane) -> Lane {
        self.status(tenant).allowance.lane.unwrap_or(asked)
    }

    fn fresh(&self) -> ShareStatus {
        ShareStatus { allowance: self.standard, documents: 0, refused: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantId, ShareStatus>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(status) = self.shares.lock().get_mut(&self.tenant) {
            status.documents = status.documents.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tenant_cannot_take_what_is_another_ones() {
        let tenant = |name| TenantId::new(name).unwrap();
        let (a, b) = (tenant("a"), tenant("b"));
        let shares = Shares::new(Allowance { documents_max: 2, weight: 1, lane: None }, &BTreeMap::new());
        let held = [shares.try_enter(&a).unwrap(), shares.try_enter(&a).unwrap()];
        assert!(shares.try_enter(&a).is_none());
        assert!(shares.try_enter(&b).is_some());
        assert_eq!((shares.status(&a).documents, shares.status(&a).refused), (2, 1));
        shares.allow(&a, Allowance { documents_max: 1, weight: 1, lane: Some(Lane::Batch) });
        drop(held);
        assert_eq!(shares.left(&a), 1);
        assert_eq!(shares.lane(&a, Lane::Interactive), Lane::Batch);
        assert_eq!(shares.lane(&b, Lane::Interactive), Lane::Interactive);
    }
}
