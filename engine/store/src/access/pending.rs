//! Changes that wait for a second person.
//!
//! The change is kept as text that its asker's server wrote; what it means is for the caller to read again.

use super::{AccessChange, entry};
use crate::value::{Row, Value, bounded};
use crate::work::Work;
use crate::{Store, StoreError, TEXT_BYTES_MAX, sql::access as sql};
use model::limits::ACCESS_PENDING_MAX;
use model::{TenantId, Time};

/// A change to be kept for a second person.
#[derive(Clone, Debug)]
pub struct NewPending {
    /// Its id: not guessable, unique in its tenant.
    pub id: String,
    /// The change, as the caller writes it. May hold what argon2id made of a password; it is never shown.
    pub change: String,
    /// What it does, for people.
    pub about: String,
    /// Who asks for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Time,
    /// After that it cannot be confirmed.
    pub expires_at: Time,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It waits.
    Waiting,
    /// It was confirmed and carried out.
    Confirmed,
    /// It was refused, or taken back.
    Refused,
}

/// A change that waits or waited.
#[derive(Clone, Debug)]
pub struct PendingRow {
    /// What was kept.
    pub pending: NewPending,
    /// What became of it.
    pub decision: Decision,
    /// Who decided.
    pub decided_by: Option<String>,
}

impl Store {
    /// Keeps a change for a second person. `false`: too many wait.
    pub async fn ask_for(&self, tenant: &TenantId, new: &NewPending) -> Result<bool, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            new.id.as_str().into(),
            new.change.as_str().into(),
            bounded(&new.about, TEXT_BYTES_MAX).into(),
            bounded(&new.asked_by, TEXT_BYTES_MAX).into(),
            new.asked_at.micros().into(),
            new.expires_at.micros().into(),
            i64::try_from(ACCESS_PENDING_MAX).unwrap_or(i64::MAX).into(),
        ];
        let work = Work::new(tenant).demand(sql::PENDING_ADD, row);
        let asked = entry(new.asked_at, &new.asked_by, "change.asked", &new.id, Some(new.about.clone()));
        Ok(!self.write(work.entry(&asked)).await?.taken_back)
    }

    /// A second person agrees: the change is carried out in the same transaction. `false`: it does not wait (any more), the
    /// person is the one who asked, or the change would change nothing; then nothing was written.
    pub async fn confirm(
        &self,
        tenant: &TenantId,
        id: &str,
        change: &AccessChange,
        who: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let work = Work::new(tenant).demand(sql::PENDING_CONFIRM, decision(tenant, id, who, now));
        let work = work.entry(&entry(now, who, "change.confirmed", id, None));
        let work = change.work(tenant, work, who, now)?;
        Ok(!self.write(work).await?.taken_back)
    }

    /// Somebody refuses, or takes back what she asked for. `false`: it does not wait any more.
    pub async fn refuse(&self, tenant: &TenantId, id: &str, who: &str, now: Time) -> Result<bool, StoreError> {
        let work = Work::new(tenant).demand(sql::PENDING_REFUSE, decision(tenant, id, who, now));
        Ok(!self.write(work.entry(&entry(now, who, "change.refused", id, None))).await?.taken_back)
    }

    /// What waits now, oldest first.
    pub async fn pending(&self, tenant: &TenantId, now: Time) -> Result<Vec<PendingRow>, StoreError> {
        let most = i64::try_from(ACCESS_PENDING_MAX).unwrap_or(i64::MAX);
        let values = vec![tenant.as_str().into(), now.micros().into(), most.into()];
        self.read(sql::PENDING_WAITING, values).await?.iter().map(pending_row).collect()
    }

    /// One of them, decided or not.
    pub async fn pending_change(&self, tenant: &TenantId, id: &str) -> Result<Option<PendingRow>, StoreError> {
        let values = vec![tenant.as_str().into(), id.into()];
        self.read(sql::PENDING, values).await?.first().map(pending_row).transpose()
    }
}

fn decision(tenant: &TenantId, id: &str, who: &str, now: Time) -> Vec<Value> {
    vec![tenant.as_str().into(), id.into(), bounded(who, TEXT_BYTES_MAX).into(), now.micros().into()]
}

fn pending_row(row: &Row) -> Result<PendingRow, StoreError> {
    Ok(PendingRow {
        pending: NewPending {
            id: row.text(0)?.to_owned(),
            change: row.text(1)?.to_owned(),
            about: row.text(2)?.to_owned(),
            asked_by: row.text(3)?.to_owned(),
            asked_at: Time::from_micros(row.int(4)?),
            expires_at: Time::from_micros(row.int(5)?),
        },
        decision: match row.text(6)? {
            "waiting" => Decision::Waiting,
            "confirmed" => Decision::Confirmed,
            "refused" => Decision::Refused,
            other => return Err(super::unknown_word("the state of a change", other)),
        },
        decided_by: row.optional_text(7)?,
    })
}
