//! Whom tenants trust: imported batches and lists, each in its newest state, and which trust centres of them are allowed.
//!
//! Keeps octets and numbers; what is in them, and whether their signature is right, is for the caller to judge.

use crate::value::{Row, Value, bounded};
use crate::work::{Entry, Work};
use crate::{Store, StoreError, TEXT_BYTES_MAX, sql};
use model::{AuditEntry, TenantId, Time};

/// What kind of source it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustKind {
    /// A signed certificate batch.
    Batch,
    /// A trusted list (ETSI TS 119 612).
    List,
}

impl TrustKind {
    /// The word in the database and in reports.
    pub fn word(self) -> &'static str {
        match self {
            TrustKind::Batch => "batch",
            TrustKind::List => "list",
        }
    }
}

/// An imported source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSource {
    /// Its name, unique in its tenant.
    pub name: String,
    /// What it is.
    pub kind: TrustKind,
    /// Its number: a lower or equal one is never taken again.
    pub sequence: u64,
    /// When it was issued.
    pub issued_at: Time,
    /// By which keys the next one is checked, as the caller writes them; no secrets.
    pub keys: String,
    /// Its octets in Base64.
    pub octets: String,
    /// When it was imported.
    pub imported_at: Time,
}

/// A trust centre that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAllowed {
    /// Its source.
    pub source: String,
    /// Its name there.
    pub centre: String,
    /// Since when.
    pub allowed_at: Time,
    /// By whom.
    pub allowed_by: String,
}

impl Store {
    /// Keeps a source in place of its earlier state; written to the audit log in the same transaction. `false`: what is
    /// kept is as new or newer, and nothing was written.
    pub async fn import_trust(
        &self,
        tenant: &TenantId,
        source: &TrustSource,
        operator: &str,
    ) -> Result<bool, StoreError> {
        let sequence = i64::try_from(source.sequence)
            .map_err(|_| StoreError::Config("the number of a trust source is too large".into()))?;
        let row = vec![
            tenant.as_str().into(),
            bounded(&source.name, TEXT_BYTES_MAX).into(),
            source.kind.word().into(),
            sequence.into(),
            source.issued_at.micros().into(),
            source.keys.as_str().into(),
            source.octets.as_str().into(),
            source.imported_at.micros().into(),
        ];
        let detail = Some(format!("{} {}", source.kind.word(), source.sequence));
        let entry = trust_entry(source.imported_at, operator, "trust.imported", &source.name, detail);
        self.change_trust(tenant, sql::TRUST_IMPORT, row, &entry).await
    }

    /// All sources, by name.
    pub async fn trust_sources(&self, tenant: &TenantId) -> Result<Vec<TrustSource>, StoreError> {
        self.read(sql::TRUST_SOURCES, vec![tenant.as_str().into()]).await?.iter().map(source_row).collect()
    }

    /// Allows a trust centre of a source. `false`: it was allowed already.
    pub async fn allow_trust(
        &self,
        tenant: &TenantId,
        source: &str,
        centre: &str,
        operator: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            bounded(source, TEXT_BYTES_MAX).into(),
            bounded(centre, TEXT_BYTES_MAX).into(),
            now.micros().into(),
            bounded(operator, TEXT_BYTES_MAX).into(),
        ];
        let entry = trust_entry(now, operator, "trust.allowed", &format!("{source}/{centre}"), None);
        self.change_trust(tenant, sql::TRUST_ALLOW, row, &entry).await
    }

    /// Takes the allowance back. `false`: there was none.
    pub async fn deny_trust(
        &self,
        tenant: &TenantId,
        source: &str,
        centre: &str,
        operator: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            bounded(source, TEXT_BYTES_MAX).into(),
            bounded(centre, TEXT_BYTES_MAX).into(),
        ];
        let entry = trust_entry(now, operator, "trust.denied", &format!("{source}/{centre}"), None);
        self.change_trust(tenant, sql::TRUST_DENY, row, &entry).await
    }

    /// Whether the row was written; only then is the entry in the log.
    async fn change_trust(
        &self,
        tenant: &TenantId,
        statement: &'static str,
        row: Vec<Value>,
        entry: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut work = Work::new(tenant).step(statement, vec![row]);
        work.audit.push(Entry { entry: Store::entry(entry), only_if: Some(0) });
        Ok(self.write(work).await?.first() == 1)
    }

    /// All allowances, by source and trust centre.
    pub async fn allowed_trust(&self, tenant: &TenantId) -> Result<Vec<TrustAllowed>, StoreError> {
        self.read(sql::TRUST_ALLOWED, vec![tenant.as_str().into()]).await?.iter().map(allowed_row).collect()
    }
}

fn trust_entry(at: Time, who: &str, what: &'static str, object: &str, detail: Option<String>) -> AuditEntry {
    AuditEntry { at, who: who.to_owned(), what, object: object.to_owned(), signer: None, detail }
}

fn source_row(row: &Row) -> Result<TrustSource, StoreError> {
    let kind = match row.text(1)? {
        "batch" => TrustKind::Batch,
        "list" => TrustKind::List,
        other => return Err(StoreError::Corrupt(format!("a trust source is a \"{}\"", bounded(other, 40)))),
    };
    Ok(TrustSource {
        name: row.text(0)?.to_owned(),
        kind,
        sequence: u64::try_from(row.int(2)?)
            .map_err(|_| StoreError::Corrupt("the number of a trust source is negative".into()))?,
        issued_at: Time::from_micros(row.int(3)?),
        keys: row.text(4)?.to_owned(),
        octets: row.text(5)?.to_owned(),
        imported_at: Time::from_micros(row.int(6)?),
    })
}

fn allowed_row(row: &Row) -> Result<TrustAllowed, StoreError> {
    Ok(TrustAllowed {
        source: row.text(0)?.to_owned(),
        centre: row.text(1)?.to_owned(),
        allowed_at: Time::from_micros(row.int(2)?),
        allowed_by: row.text(3)?.to_owned(),
    })
}
