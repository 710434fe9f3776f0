//! Certificates by which users show who they are.

use super::people::user_name;
use super::tenants::tenant_id;
use super::unknown_word;
use crate::value::Row;
use crate::{Store, StoreError, sql::access as sql};
use model::{TenantId, Time, UserName};

/// What a user's certificate is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateState {
    /// Registered by its user; an administrator has to activate it.
    Pending,
    /// It lets its user in.
    Active,
    /// Not any more, and never again.
    Revoked,
}

impl CertificateState {
    /// The word in the database and in reports.
    pub fn word(self) -> &'static str {
        match self {
            CertificateState::Pending => "pending",
            CertificateState::Active => "active",
            CertificateState::Revoked => "revoked",
        }
    }

    /// The state of this word.
    pub fn from_word(word: &str) -> Result<Self, StoreError> {
        match word {
            "pending" => Ok(CertificateState::Pending),
            "active" => Ok(CertificateState::Active),
            "revoked" => Ok(CertificateState::Revoked),
            other => Err(unknown_word("the state of a user's certificate", other)),
        }
    }
}

/// A certificate of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRow {
    /// In which tenant.
    pub tenant: TenantId,
    /// SHA-256 of its DER form, in hexadecimal.
    pub fingerprint: String,
    /// Whose.
    pub user: UserName,
    /// Its DER form in Base64.
    pub der: String,
    /// What it is worth.
    pub state: CertificateState,
    /// Since when it is here.
    pub registered_at: Time,
    /// When it got its state.
    pub changed_at: Time,
}

impl Store {
    /// Certificates of one user, or of all; at most `limit`.
    pub async fn certificates(
        &self,
        tenant: &TenantId,
        user: Option<&UserName>,
        limit: u32,
    ) -> Result<Vec<CertificateRow>, StoreError> {
        let values = vec![tenant.as_str().into(), user.map_or("", UserName::as_str).into(), i64::from(limit).into()];
        self.read(sql::CERTIFICATES, values).await?.iter().map(certificate_row).collect()
    }

    /// One certificate of a tenant.
    pub async fn certificate(
        &self,
        tenant: &TenantId,
        fingerprint: &str,
    ) -> Result<Option<CertificateRow>, StoreError> {
        let values = vec![tenant.as_str().into(), fingerprint.into()];
        self.read(sql::CERTIFICATE, values).await?.first().map(certificate_row).transpose()
    }

    /// In which tenants this certificate is active, two at most: one of the two questions that are not about one tenant. For
    /// callers who say nothing of their tenant.
    pub async fn certificate_of_all(&self, fingerprint: &str) -> Result<Vec<CertificateRow>, StoreError> {
        self.read_of_all(sql::CERTIFICATE_OF_ALL, vec![fingerprint.into()]).await?.iter().map(certificate_row).collect()
    }
}

fn certificate_row(row: &Row) -> Result<CertificateRow, StoreError> {
    Ok(CertificateRow {
        tenant: tenant_id(row.text(0)?)?,
        fingerprint: row.text(1)?.to_owned(),
        user: user_name(row.text(2)?)?,
        der: row.text(3)?.to_owned(),
        state: CertificateState::from_word(row.text(4)?)?,
        registered_at: Time::from_micros(row.int(5)?),
        changed_at: Time::from_micros(row.int(6)?),
    })
}
