//! What callers' documents go by: `[batches]`, `[[tenant]]`, and whose profiles, pools, tokens and signers are.

use super::{Config, ConfigError, Faults};
use actors::api::batch::BatchSettings;
use actors::api::shares::Allowance;
use model::{Lane, TenantId};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// `[batches]`: what callers submit to be signed later.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchesConfig {
    /// Folder for their documents and results, the same for all servers of a store. Without it `batches` in the spool folder.
    pub folder: Option<PathBuf>,
    /// How long a server that is gone holds its documents up, in milliseconds.
    pub lease_ms: u64,
    /// How often is looked for batches of other servers, in milliseconds.
    pub poll_ms: u64,
    /// How long results are kept, in hours.
    pub keep_hours: u64,
    /// Documents of one batch.
    pub documents_max: usize,
    /// Of a hundred places, how many are kept for callers who wait.
    pub interactive_share: usize,
}

impl Default for BatchesConfig {
    fn default() -> Self {
        Self {
            folder: None,
            lease_ms: 30_000,
            poll_ms: 1_000,
            keep_hours: 168,
            documents_max: model::limits::API_BATCH_DOCUMENTS_MAX as usize,
            interactive_share: 25,
        }
    }
}

impl BatchesConfig {
    /// In the units that are worked with.
    pub fn settings(&self) -> BatchSettings {
        BatchSettings {
            lease: Duration::from_millis(self.lease_ms),
            poll: Duration::from_millis(self.poll_ms),
            retention: Duration::from_secs(self.keep_hours.saturating_mul(3_600)),
            documents_max: self.documents_max,
            interactive_share: self.interactive_share,
        }
    }

    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match () {
            () if self.lease_ms < 1_000 => Err(("lease_ms", "lease_ms must be at least 1000")),
            () if self.poll_ms < 10 => Err(("poll_ms", "poll_ms of [batches] must be at least 10")),
            () if self.keep_hours == 0 => Err(("keep_hours", "keep_hours must be at least 1")),
            () if self.documents_max == 0 || self.documents_max > model::limits::API_BATCH_DOCUMENTS_MAX as usize => {
                Err(("documents_max", "documents_max of [batches] must be 1 to 10000"))
            }
            () if self.interactive_share > 90 => Err(("interactive_share", "interactive_share must be 0 to 90")),
            () => Ok(()),
        }
    }
}

/// `[[tenant]]`: what a tenant may occupy. Users and rights are in the store.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// The tenant.
    pub name: Spanned<String>,
    /// Documents inside at a time; without it as many as there are places.
    pub documents_max: Option<usize>,
    /// Turns among the tenants whose batches are worked on.
    #[serde(default = "one")]
    pub weight: u32,
    /// Everything of it waits behind callers of others: `batch`; or with them: `interactive`.
    pub lane: Option<LaneWord>,
}

/// `lane`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneWord {
    /// With people who wait.
    Interactive,
    /// Behind them.
    Batch,
}

fn one() -> u32 {
    1
}

impl Config {
    /// Whose a thing is that names these tenants: the server's, if it names none.
    pub fn owners(&self, tenants: &Option<Vec<Spanned<String>>>) -> BTreeSet<TenantId> {
        match tenants {
            // Checked when the configuration was read.
            Some(names) => names.iter().filter_map(|name| TenantId::new(name.get_ref()).ok()).collect(),
            None => TenantId::new(&self.server.tenant).into_iter().collect(),
        }
    }

    /// What tenants may occupy.
    pub fn allowances(&self) -> (Allowance, BTreeMap<TenantId, Allowance>) {
        let standard = Allowance { documents_max: self.server.documents_in_flight_max, weight: 1, lane: None };
        let named = self.tenant.iter().filter_map(|tenant| {
            let allowance = Allowance {
                documents_max: tenant.documents_max.unwrap_or(standard.documents_max),
                weight: tenant.weight.max(1),
                lane: tenant.lane.map(|lane| match lane {
                    LaneWord::Interactive => Lane::Interactive,
                    LaneWord::Batch => Lane::Batch,
                }),
            };
            Some((TenantId::new(tenant.name.get_ref()).ok()?, allowance))
        });
        (standard, named.collect())
    }

    /// Everything that a tenant may use must be its own, down to the signer.
    pub(super) fn check_owners(&self, faults: &Faults<'_>) -> Result<(), ConfigError> {
        self.batches.check().map_err(|(key, what)| faults.of_key(key, what))?;
        super::unique(self.tenant.iter().map(|tenant| &tenant.name), "tenant", faults)?;
        for tenant in &self.tenant {
            TenantId::new(tenant.name.get_ref()).map_err(|error| faults.of(&tenant.name, error))?;
            if tenant.documents_max == Some(0) || tenant.weight == 0 {
                return Err(faults.of(&tenant.name, "documents_max and weight of a tenant must be at least 1"));
            }
        }
        let lists = (self.software.iter().map(|one| &one.tenants))
            .chain(self.token.iter().map(|one| &one.tenants))
            .chain(self.pool.iter().map(|one| &one.tenants))
            .chain(self.profile.iter().map(|one| &one.tenants));
        for name in lists.flatten().flatten() {
            TenantId::new(name.get_ref()).map_err(|error| faults.of(name, error))?;
        }
        let mut signers: BTreeMap<&str, BTreeSet<TenantId>> = BTreeMap::new();
        for software in &self.software {
            signers.insert(software.name.get_ref(), self.owners(&software.tenants));
        }
        for token in &self.token {
            for signer in &token.signer {
                signers.insert(signer.name.get_ref(), self.owners(&token.tenants));
            }
        }
        let mut pools: BTreeMap<&str, BTreeSet<TenantId>> = BTreeMap::new();
        for pool in &self.pool {
            let owners = self.owners(&pool.tenants);
            for signer in &pool.signers {
                let of_signer = signers.get(signer.get_ref().as_str());
                if let Some(tenant) = owners.iter().find(|tenant| !of_signer.is_some_and(|all| all.contains(*tenant))) {
                    let what =
                        format!("signer \"{}\" is not one of tenant {tenant}, whose this pool is", signer.get_ref());
                    return Err(faults.of(signer, what));
                }
            }
            pools.insert(pool.name.get_ref(), owners);
        }
        for profile in &self.profile {
            let Some(pool) = profile.pool.as_ref().filter(|_| profile.needs_signer()) else { continue };
            let of_pool = pools.get(pool.get_ref().as_str());
            let owners = self.owners(&profile.tenants);
            if let Some(tenant) = owners.iter().find(|tenant| !of_pool.is_some_and(|all| all.contains(*tenant))) {
                let what = format!("pool \"{}\" is not one of tenant {tenant}, whose this profile is", pool.get_ref());
                return Err(faults.of(pool, what));
            }
        }
        Ok(())
    }
}
