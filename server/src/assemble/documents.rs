//! The door for callers' documents: what belongs to which tenant, and what a caller's signatures are judged by.

use super::judging;
use crate::config::Config;
use crate::config::api::ApiConfig;
use actors::administration::Administration;
use actors::api::catalogue::{Catalogue, Holdings};
use actors::api::{Api, ApiSettings};
use actors::services::Services;
use anyhow::Context;
use model::{SignerName, TenantId, TokenSerial};
use soap::operations::{OperationSettings, Operations};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use token::Token;
use trust::Anchor;

/// Opens the door. A profile that cannot be used now is left out, and the log says why.
pub fn open(config: &Config, api: &ApiConfig, services: &Arc<Services>, allowed: &[Anchor]) -> anyhow::Result<Api> {
    let (standard, allowances) = config.allowances();
    let spool = config.path(&api.spool);
    let folder = config.batches.folder.as_ref();
    let settings = ApiSettings {
        batches_folder: folder.map_or_else(|| spool.join("batches"), |folder| config.path(folder)),
        spool,
        in_memory_bytes_max: model::limits::API_CONTENT_MEMORY_BYTES_MAX as u64,
        documents_per_call_max: model::limits::API_CALL_DOCUMENTS_MAX as usize,
        catalogue: catalogue(config, services, allowed)?,
        batches: config.batches.settings(),
        standard,
        allowances,
    };
    Api::new(services.clone(), settings).context("[api] spool and [batches] folder")
}

/// What calls are made of.
pub fn operations(config: &Config, documents: Api, administration: Administration) -> Operations {
    let component_profile = config.component.profile.as_ref().map(|profile| profile.get_ref().clone());
    Operations::new(documents, administration, OperationSettings { component_profile })
}

fn catalogue(config: &Config, services: &Arc<Services>, allowed: &[Anchor]) -> anyhow::Result<Catalogue> {
    let mut tenants: BTreeMap<TenantId, Holdings> = BTreeMap::new();
    for profile in &config.profile {
        match profile.resolve(&config.home, None).map(Arc::new) {
            Ok(resolved) => {
                for tenant in config.owners(&profile.tenants) {
                    let holdings = tenants.entry(tenant).or_default();
                    holdings.profiles.insert(resolved.name.clone(), resolved.clone());
                }
            }
            Err(reason) => tracing::error!(profile = profile.name.get_ref(), reason, "left out"),
        }
    }
    let signer = |name: &toml::Spanned<String>| SignerName(name.get_ref().as_str().into());
    let mut tokens: BTreeMap<TenantId, BTreeSet<TokenSerial>> = BTreeMap::new();
    for software in &config.software {
        let serial = crate::key_file::KeyFile::new(software, &config.home).serial().clone();
        for tenant in config.owners(&software.tenants) {
            tokens.entry(tenant.clone()).or_default().insert(serial.clone());
            tenants.entry(tenant).or_default().signers.insert(signer(&software.name));
        }
    }
    for token in &config.token {
        for tenant in config.owners(&token.tenants) {
            let serial = TokenSerial(token.serial.get_ref().as_str().into());
            tokens.entry(tenant.clone()).or_default().insert(serial);
            tenants.entry(tenant).or_default().signers.extend(token.signer.iter().map(|one| signer(&one.name)));
        }
    }
    for (tenant, tokens) in tokens {
        tenants.entry(tenant).or_default().tokens = Arc::new(tokens);
    }
    let home = super::tenant(config)?;
    tenants.entry(home.clone()).or_default();
    for tenant in &config.tenant {
        tenants.entry(TenantId::new(tenant.name.get_ref())?).or_default();
    }
    let mut collector = None;
    for (tenant, holdings) in &mut tenants {
        // What was imported is allowed by the tenant of the server, for itself.
        let allowed = if *tenant == home { allowed } else { &[] };
        match judging(config, &config.verify, allowed, &mut collector, &services.clock) {
            Ok(judging) => holdings.verification = Some(Arc::new(judging.verification)),
            Err(reason) => tracing::error!(%tenant, reason, "signatures are not judged for callers"),
        }
    }
    Ok(Catalogue::new(tenants))
}
