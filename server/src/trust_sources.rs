//! Whom a tenant trusts by what was imported into the store: reads batches and lists again, checks their signatures again,
//! and gives the anchors of the trust centres that are allowed.

use base64_simd::STANDARD;
use model::TenantId;
use std::sync::Arc;
use store::{Store, TrustKind, TrustSource};
use trust::batch::{Batch, Pins};
use trust::list::TrustedList;
use trust::{Anchor, Cert};

/// A trust centre of a source.
pub struct Centre {
    /// Its source.
    pub source: String,
    /// Its name there: the identifier in a batch, the provider in a list.
    pub name: String,
    /// What it may be trusted for.
    pub anchors: Vec<Anchor>,
    /// The tenant allows it.
    pub allowed: bool,
}

/// Allows every trust centre of a source.
pub const ALL: &str = "*";

/// All trust centres of a tenant. A source that cannot be read any more is an error: what is trusted must not shrink
/// silently.
pub async fn centres(store: &Store, tenant: &TenantId) -> anyhow::Result<Vec<Centre>> {
    let allowed = store.allowed_trust(tenant).await?;
    let is_allowed = |source: &str, name: &str| {
        allowed.iter().any(|row| row.source == source && (row.centre == name || row.centre == ALL))
    };
    let mut centres: Vec<Centre> = Vec::new();
    for source in store.trust_sources(tenant).await? {
        let mut add = |name: String, anchors: Vec<Anchor>| match centres
            .iter_mut()
            .find(|centre| centre.source == source.name && centre.name == name)
        {
            Some(centre) => centre.anchors.extend(anchors),
            None => {
                let allowed = is_allowed(&source.name, &name);
                centres.push(Centre { source: source.name.clone(), name, anchors, allowed });
            }
        };
        let broken = |what: &dyn std::fmt::Display| anyhow::anyhow!("the trust source {:?}: {what}", source.name);
        match source.kind {
            TrustKind::Batch => {
                let pins = pins(&source.keys).ok_or_else(|| broken(&"its pinned keys cannot be read"))?;
                let octets = octets(&source).ok_or_else(|| broken(&"it cannot be read"))?;
                let signed = Batch::read(&octets, &pins, None).map_err(|refused| broken(&refused))?;
                signed.batch.entries.iter().for_each(|entry| add(entry.id.clone(), entry.anchors()));
            }
            TrustKind::List => {
                let list = list(&source).map_err(|what| broken(&what))?;
                for service in &list.services {
                    add(service.provider.clone(), service.anchors(&list.territory));
                }
            }
        }
    }
    Ok(centres)
}

/// The anchors of everything that is allowed.
pub async fn allowed(store: &Store, tenant: &TenantId) -> anyhow::Result<Vec<Anchor>> {
    let centres = centres(store, tenant).await?;
    Ok(centres.into_iter().filter(|centre| centre.allowed).flat_map(|centre| centre.anchors).collect())
}

/// A list in the store, its signature checked again.
pub fn list(source: &TrustSource) -> Result<TrustedList, String> {
    let signers = certificates(&source.keys).ok_or("the certificates of its signers cannot be read")?;
    let octets = octets(source).ok_or("it cannot be read")?;
    TrustedList::read(&octets, &signers, None).map_err(|refused| refused.to_string())
}

/// The octets of a source.
pub fn octets(source: &TrustSource) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(source.octets.as_bytes()).ok()
}

/// Octets as the store keeps them.
pub fn encoded(octets: &[u8]) -> String {
    STANDARD.encode_to_string(octets)
}

/// Pins as the store keeps them: the digests of one key or two, in Base64.
pub fn pins_text(pins: &Pins) -> String {
    let next = pins.next.map(|next| format!(" {}", encoded(&next))).unwrap_or_default();
    encoded(&pins.current) + &next
}

/// And back.
pub fn pins(text: &str) -> Option<Pins> {
    let mut keys = text.split(' ').map(|key| <[u8; 32]>::try_from(STANDARD.decode_to_vec(key).ok()?).ok());
    let current = keys.next()??;
    let next = match keys.next() {
        Some(next) => Some(next?),
        None => None,
    };
    Some(Pins { current, next })
}

/// Certificates as the store keeps them.
pub fn certificates_text(certificates: &[Cert]) -> String {
    certificates.iter().map(|certificate| encoded(certificate.der())).collect::<Vec<_>>().join(" ")
}

/// And back.
pub fn certificates(text: &str) -> Option<Vec<Cert>> {
    let read = |one: &str| Cert::read(&Arc::from(STANDARD.decode_to_vec(one).ok()?)).ok();
    text.split(' ').map(read).collect()
}
