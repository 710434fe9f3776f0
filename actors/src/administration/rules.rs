//! What no right permits, and what needs a second person.

use super::AdministrationError;
use model::access::Authentication;
use model::{Caller, Function, GroupName, Right, UserName};
use store::access::{AccessChange, CertificateState, UserState};
use store::{Store, StoreError};

/// A change seen from the side of who asks for it.
pub(super) struct Side<'a> {
    pub(super) caller: &'a Caller,
    pub(super) store: &'a Store,
}

impl Side<'_> {
    /// Forbids what no right permits.
    pub(super) async fn allow(&self, change: &AccessChange) -> Result<(), AdministrationError> {
        if self.caller.authentication == Authentication::Local {
            return Ok(());
        }
        for part in change.parts() {
            if let Some(why) = self.forbidden(part).await? {
                return Err(AdministrationError::Forbidden(why));
            }
        }
        Ok(())
    }

    async fn forbidden(&self, change: &AccessChange) -> Result<Option<&'static str>, StoreError> {
        let own = |user: &UserName| *user == self.caller.user;
        Ok(match change {
            AccessChange::SetUserState { user, state: UserState::Disabled } | AccessChange::DeleteUser { user }
                if own(user) =>
            {
                Some("nobody disables or deletes herself")
            }
            AccessChange::AddMember { user, group } if own(user) => {
                let rights = self.rights_of_group(group).await?;
                (!rights.iter().all(|right| self.has(right))).then_some(WIDENS)
            }
            AccessChange::Grant { group, right } if !self.has(right) => {
                let members = self.store.members(&self.caller.tenant, Some(&self.caller.user), Some(group), 1).await?;
                (!members.is_empty()).then_some(WIDENS)
            }
            AccessChange::SetCertificateState { fingerprint, state: CertificateState::Active } => {
                let row = self.store.certificate(&self.caller.tenant, fingerprint).await?;
                row.is_some_and(|row| own(&row.user)).then_some("nobody activates a certificate of her own")
            }
            _ => None,
        })
    }

    /// Whether two persons are demanded for this.
    pub(super) async fn needs_second(&self, change: &AccessChange) -> Result<bool, StoreError> {
        let demanded = self.store.four_eyes(&self.caller.tenant).await?;
        if demanded.is_empty() {
            return Ok(false);
        }
        for part in change.parts() {
            let (gives, rights) = self.gives(part).await?;
            let whole = gives && demanded.contains(&Function::Users);
            if whole || rights.iter().any(|right| demanded.contains(&right.function)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a change gives somebody something, and the rights that somebody gets by it or gets a new way to use.
    async fn gives(&self, change: &AccessChange) -> Result<(bool, Vec<Right>), StoreError> {
        let of_user = |user: &UserName| {
            let user = user.clone();
            async move { self.store.rights_of_user(&self.caller.tenant, &user).await }
        };
        Ok(match change {
            AccessChange::CreateUser { .. } => (true, Vec::new()),
            AccessChange::SetUserState { user, state: UserState::Active }
            | AccessChange::SetPassword { user, password: Some(_) }
            | AccessChange::AddCertificate { user, state: CertificateState::Active, .. } => {
                (true, of_user(user).await?)
            }
            AccessChange::SetCertificateState { fingerprint, state: CertificateState::Active } => {
                match self.store.certificate(&self.caller.tenant, fingerprint).await? {
                    Some(row) => (true, of_user(&row.user).await?),
                    None => (true, Vec::new()),
                }
            }
            AccessChange::CreateGroup { rights, .. } => (true, rights.clone()),
            AccessChange::AddMember { group, .. } => (true, self.rights_of_group(group).await?),
            AccessChange::Grant { right, .. } => (true, vec![right.clone()]),
            // To demand two persons less is to give everybody a way around them.
            AccessChange::FourEyes { function, demanded: false } => {
                (true, vec![Right { function: *function, object: None }])
            }
            // A certificate that waits for its activation gives nothing yet.
            AccessChange::AddCertificate { .. }
            | AccessChange::SetCertificateState { .. }
            | AccessChange::SetUserState { .. }
            | AccessChange::SetPassword { .. }
            | AccessChange::SetTitle { .. }
            | AccessChange::DeleteUser { .. }
            | AccessChange::Unlock { .. }
            | AccessChange::DeleteGroup { .. }
            | AccessChange::RemoveMember { .. }
            | AccessChange::Revoke { .. }
            | AccessChange::FourEyes { .. }
            | AccessChange::Several(_) => (false, Vec::new()),
        })
    }

    async fn rights_of_group(&self, group: &GroupName) -> Result<Vec<Right>, StoreError> {
        let rows = self.store.rights(&self.caller.tenant, Some(group)).await?;
        Ok(rows.into_iter().map(|row| row.right).collect())
    }

    fn has(&self, right: &Right) -> bool {
        self.caller.may(right.function, right.object.as_deref()).is_ok()
    }
}

/// Whether the caller herself gets something by the change.
pub(super) async fn is_about(change: &AccessChange, caller: &Caller, store: &Store) -> Result<bool, StoreError> {
    for part in change.parts() {
        let about = match part {
            AccessChange::CreateUser { user, .. }
            | AccessChange::SetUserState { user, .. }
            | AccessChange::SetPassword { user, .. }
            | AccessChange::SetTitle { user, .. }
            | AccessChange::DeleteUser { user }
            | AccessChange::Unlock { user }
            | AccessChange::AddMember { user, .. }
            | AccessChange::RemoveMember { user, .. }
            | AccessChange::AddCertificate { user, .. } => *user == caller.user,
            AccessChange::SetCertificateState { fingerprint, .. } => {
                let row = store.certificate(&caller.tenant, fingerprint).await?;
                row.is_some_and(|row| row.user == caller.user)
            }
            AccessChange::Grant { group, .. } => {
                !store.members(&caller.tenant, Some(&caller.user), Some(group), 1).await?.is_empty()
            }
            AccessChange::CreateGroup { .. }
            | AccessChange::DeleteGroup { .. }
            | AccessChange::Revoke { .. }
            | AccessChange::FourEyes { .. }
            | AccessChange::Several(_) => false,
        };
        if about {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The name in `user:NAME` and `cli:NAME`: one person is one person at every door.
pub(super) fn name_of(who: &str) -> &str {
    who.split_once(':').map_or(who, |(_, name)| name)
}

const WIDENS: &str = "nobody widens her own rights";
