//! Tenants: which there are, and whether they are let in.

use super::{entry, unknown_word};
use crate::value::{Row, bounded};
use crate::work::Work;
use crate::{Store, StoreError, TEXT_BYTES_MAX, sql::access as sql};
use model::{TenantId, Time};

/// Whether a tenant's users are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TenantState {
    /// They are.
    Active,
    /// They are not; all that the tenant has stays.
    Disabled,
}

impl TenantState {
    /// The word in the database and in reports.
    pub fn word(self) -> &'static str {
        match self {
            TenantState::Active => "active",
            TenantState::Disabled => "disabled",
        }
    }

    pub(super) fn from_word(word: &str) -> Result<Self, StoreError> {
        match word {
            "active" => Ok(TenantState::Active),
            "disabled" => Ok(TenantState::Disabled),
            other => Err(unknown_word("a tenant's state", other)),
        }
    }
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// Its short name, by which clients call it.
    pub tenant: TenantId,
    /// Its name for people.
    pub title: String,
    /// Whether its users are let in.
    pub state: TenantState,
    /// Since when it is there.
    pub created_at: Time,
}

impl Store {
    /// Makes a tenant. `false`: it is there already, and nothing was changed.
    pub async fn create_tenant(
        &self,
        tenant: &TenantId,
        title: &str,
        operator: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let title = bounded(title, TEXT_BYTES_MAX);
        let row = vec![tenant.as_str().into(), title.as_str().into(), now.micros().into()];
        let work = Work::new(tenant).demand(sql::TENANT_CREATE, row);
        let work = work.entry(&entry(now, operator, "tenant.created", tenant.as_str(), Some(title)));
        Ok(!self.write(work).await?.taken_back)
    }

    /// Lets a tenant's users in, or not. `false`: there is no such tenant, or it was so already.
    pub async fn set_tenant_state(
        &self,
        tenant: &TenantId,
        state: TenantState,
        operator: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![tenant.as_str().into(), state.word().into(), now.micros().into()];
        let what = match state {
            TenantState::Active => "tenant.enabled",
            TenantState::Disabled => "tenant.disabled",
        };
        let work = Work::new(tenant).demand(sql::TENANT_STATE, row);
        Ok(!self.write(work.entry(&entry(now, operator, what, tenant.as_str(), None))).await?.taken_back)
    }

    /// One tenant.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Option<TenantRow>, StoreError> {
        self.read(sql::TENANT, vec![tenant.as_str().into()]).await?.first().map(tenant_row).transpose()
    }

    /// All tenants: one of the two questions that are not about one.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        self.read_of_all(sql::TENANTS_OF_ALL, Vec::new()).await?.iter().map(tenant_row).collect()
    }
}

fn tenant_row(row: &Row) -> Result<TenantRow, StoreError> {
    Ok(TenantRow {
        tenant: tenant_id(row.text(0)?)?,
        title: row.text(1)?.to_owned(),
        state: TenantState::from_word(row.text(2)?)?,
        created_at: Time::from_micros(row.int(3)?),
    })
}

/// A tenant's name that comes from the database.
pub(super) fn tenant_id(name: &str) -> Result<TenantId, StoreError> {
    TenantId::new(name).map_err(|_| unknown_word("a tenant's name", name))
}
