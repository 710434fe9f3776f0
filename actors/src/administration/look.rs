//! What administrators see.

use super::{Administration, AdministrationError};
use formats::cms::certificate::Certificate;
use formats::path::common_name;
use model::limits::API_LISTED_MAX;
use model::{Caller, Function, GroupName, Right, Time, UserName};
use store::access::{CertificateRow, CertificateState, UserState};

/// A user with what hangs on her.
#[derive(Clone, Debug)]
pub struct UserEntry {
    /// Her name.
    pub name: UserName,
    /// Her name for people; may be empty.
    pub title: String,
    /// Whether she is let in.
    pub state: UserState,
    /// Her password is refused until then at addresses where she is not known, because of too many wrong ones.
    pub locked_until: Option<Time>,
    /// Whether she has a password.
    pub has_password: bool,
    /// Her groups.
    pub groups: Vec<GroupName>,
    /// Her certificates.
    pub certificates: Vec<CertificateEntry>,
}

/// A certificate of a user.
#[derive(Clone, Debug)]
pub struct CertificateEntry {
    /// SHA-256 in hexadecimal.
    pub fingerprint: String,
    /// Whose.
    pub user: UserName,
    /// The common name in it.
    pub subject: Option<String>,
    /// When it ends.
    pub not_after: Option<Time>,
    /// What it is worth.
    pub state: CertificateState,
}

/// A group.
#[derive(Clone, Debug)]
pub struct GroupEntry {
    /// Its name.
    pub name: GroupName,
    /// Its members, of very many the first.
    pub members: Vec<UserName>,
    /// Its rights.
    pub rights: Vec<Right>,
}

/// A change that waits for a second person.
#[derive(Clone, Debug)]
pub struct PendingEntry {
    /// Names it.
    pub id: String,
    /// What it does.
    pub about: String,
    /// Who asked for it: `user:NAME` or `cli:NAME`.
    pub asked_by: String,
    /// When.
    pub asked_at: Time,
    /// Until when it can be confirmed.
    pub expires_at: Time,
}

impl Administration {
    /// One user, or a page of them; and how many there are.
    pub async fn users(
        &self,
        caller: &Caller,
        one: Option<&UserName>,
        first: u32,
        count: u32,
    ) -> Result<(u64, Vec<UserEntry>), AdministrationError> {
        caller.may(Function::UsersView, None)?;
        let (tenant, store, now) = (&caller.tenant, self.store(), self.now());
        let (total, rows) = match one {
            Some(one) => {
                let row = store.user(tenant, one).await?.into_iter().collect::<Vec<_>>();
                (row.len() as u64, row)
            }
            None => (store.count_users(tenant).await?, store.users(tenant, first, count.min(API_LISTED_MAX)).await?),
        };
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let groups = store.members(tenant, Some(&row.name), None, API_LISTED_MAX).await?;
            let certificates = store.certificates(tenant, Some(&row.name), API_LISTED_MAX).await?;
            entries.push(UserEntry {
                locked_until: Some(row.locked_until).filter(|until| *until > now),
                name: row.name,
                title: row.title,
                state: row.state,
                has_password: row.has_password,
                groups: groups.into_iter().map(|member| member.group).collect(),
                certificates: certificates.iter().map(certificate_entry).collect(),
            });
        }
        Ok((total, entries))
    }

    /// One group, or all.
    pub async fn groups(
        &self,
        caller: &Caller,
        one: Option<&GroupName>,
    ) -> Result<Vec<GroupEntry>, AdministrationError> {
        caller.may(Function::UsersView, None)?;
        let (tenant, store) = (&caller.tenant, self.store());
        let groups = store.groups(tenant).await?.into_iter().filter(|group| one.is_none_or(|one| one == group));
        let mut entries = Vec::new();
        for group in groups.take(API_LISTED_MAX as usize) {
            let members = store.members(tenant, None, Some(&group), API_LISTED_MAX).await?;
            let rights = store.rights(tenant, Some(&group)).await?;
            entries.push(GroupEntry {
                name: group,
                members: members.into_iter().map(|member| member.user).collect(),
                rights: rights.into_iter().map(|row| row.right).collect(),
            });
        }
        Ok(entries)
    }

    /// Certificates of one user, or of all.
    pub async fn certificates(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
    ) -> Result<Vec<CertificateEntry>, AdministrationError> {
        if user != Some(&caller.user) {
            caller.may(Function::UsersView, None)?;
        }
        let rows = self.store().certificates(&caller.tenant, user, API_LISTED_MAX).await?;
        Ok(rows.iter().map(certificate_entry).collect())
    }

    /// What waits for a second person, oldest first.
    pub async fn pending(&self, caller: &Caller) -> Result<Vec<PendingEntry>, AdministrationError> {
        caller.may(Function::Approve, None)?;
        let rows = self.store().pending(&caller.tenant, self.now()).await?;
        let entry = |row: store::access::PendingRow| PendingEntry {
            id: row.pending.id,
            about: row.pending.about,
            asked_by: row.pending.asked_by,
            asked_at: row.pending.asked_at,
            expires_at: row.pending.expires_at,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    /// Functions for which two persons are demanded.
    pub async fn four_eyes(&self, caller: &Caller) -> Result<Vec<Function>, AdministrationError> {
        caller.may(Function::UsersView, None)?;
        Ok(self.store().four_eyes(&caller.tenant).await?)
    }
}

fn certificate_entry(row: &CertificateRow) -> CertificateEntry {
    let der = base64_simd::STANDARD.decode_to_vec(&row.der).unwrap_or_default();
    let parsed = Certificate::parse(&der).ok();
    CertificateEntry {
        fingerprint: row.fingerprint.clone(),
        user: row.user.clone(),
        subject: parsed.as_ref().and_then(|certificate| common_name(certificate.subject)),
        not_after: parsed.and_then(|certificate| certificate.validity().ok()).map(|(_, not_after)| not_after),
        state: row.state,
    }
}
