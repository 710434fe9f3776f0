//! Every change of users, groups, rights and certificates as data, with the statements and the audit entry that it means. As
//! data it can wait for a second person and be carried out with the same words then.

use super::{CertificateState, UserState, entry};
use crate::value::{Value, bounded};
use crate::work::Work;
use crate::{NAME_BYTES_MAX, Store, StoreError, sql::access as sql};
use model::limits::{ACCESS_CERTIFICATE_BYTES_MAX, ACCESS_CERTIFICATES_PER_USER_MAX};
use model::{AuditEntry, Function, GroupName, Right, TenantId, Time, UserName};
use secrecy::{ExposeSecret, SecretString};

/// One change.
#[derive(Clone, Debug)]
pub enum AccessChange {
    /// Make a user, without rights.
    CreateUser {
        /// Her name.
        user: UserName,
        /// What argon2id made of her password, if she has one.
        password: Option<SecretString>,
    },
    /// Let a user in, or not.
    SetUserState {
        /// Who.
        user: UserName,
        /// What she is from now on.
        state: UserState,
    },
    /// Give a user another password, or none.
    SetPassword {
        /// Who.
        user: UserName,
        /// What argon2id made of it.
        password: Option<SecretString>,
    },
    /// Remove a user with her memberships and certificates.
    DeleteUser {
        /// Who.
        user: UserName,
    },
    /// Forget the wrong passwords that were tried for a name.
    Unlock {
        /// Who.
        user: UserName,
    },
    /// Make a group with rights.
    CreateGroup {
        /// Its name.
        group: GroupName,
        /// Its rights from the start.
        rights: Vec<Right>,
    },
    /// Remove a group.
    DeleteGroup {
        /// Which.
        group: GroupName,
    },
    /// Put a user into a group.
    AddMember {
        /// Who.
        user: UserName,
        /// Into which.
        group: GroupName,
    },
    /// Take a user out of a group.
    RemoveMember {
        /// Who.
        user: UserName,
        /// Out of which.
        group: GroupName,
    },
    /// Give a group a right.
    Grant {
        /// Which group.
        group: GroupName,
        /// Which right.
        right: Right,
    },
    /// Take a right from a group.
    Revoke {
        /// Which group.
        group: GroupName,
        /// Which right.
        right: Right,
    },
    /// Register a certificate of a user.
    AddCertificate {
        /// Whose.
        user: UserName,
        /// SHA-256 of its DER form, in hexadecimal.
        fingerprint: String,
        /// Its DER form in Base64.
        der: String,
        /// What it is worth from the start.
        state: CertificateState,
    },
    /// Activate or revoke a certificate.
    SetCertificateState {
        /// Which.
        fingerprint: String,
        /// What it is worth from now on.
        state: CertificateState,
    },
    /// Demand two persons for a function, or not any more.
    FourEyes {
        /// Which function.
        function: Function,
        /// Whether they are demanded from now on.
        demanded: bool,
    },
}

impl AccessChange {
    /// The word in the audit log.
    pub fn word(&self) -> &'static str {
        match self {
            AccessChange::CreateUser { .. } => "user.created",
            AccessChange::SetUserState { state: UserState::Active, .. } => "user.enabled",
            AccessChange::SetUserState { state: UserState::Disabled, .. } => "user.disabled",
            AccessChange::SetPassword { password: Some(_), .. } => "user.password.set",
            AccessChange::SetPassword { password: None, .. } => "user.password.removed",
            AccessChange::DeleteUser { .. } => "user.deleted",
            AccessChange::Unlock { .. } => "user.unlocked",
            AccessChange::CreateGroup { .. } => "group.created",
            AccessChange::DeleteGroup { .. } => "group.deleted",
            AccessChange::AddMember { .. } => "group.member.added",
            AccessChange::RemoveMember { .. } => "group.member.removed",
            AccessChange::Grant { .. } => "right.granted",
            AccessChange::Revoke { .. } => "right.revoked",
            AccessChange::AddCertificate { .. } => "certificate.registered",
            AccessChange::SetCertificateState { state: CertificateState::Revoked, .. } => "certificate.revoked",
            AccessChange::SetCertificateState { .. } => "certificate.activated",
            AccessChange::FourEyes { demanded: true, .. } => "four-eyes.demanded",
            AccessChange::FourEyes { demanded: false, .. } => "four-eyes.ended",
        }
    }

    /// What it is about, and a detail; never a secret.
    pub fn about(&self) -> (String, Option<String>) {
        match self {
            AccessChange::CreateUser { user, password } => (
                user.to_string(),
                Some(if password.is_some() { "with a password" } else { "without a password" }.into()),
            ),
            AccessChange::SetUserState { user, .. }
            | AccessChange::SetPassword { user, .. }
            | AccessChange::DeleteUser { user }
            | AccessChange::Unlock { user } => (user.to_string(), None),
            AccessChange::CreateGroup { group, rights } => {
                let rights: Vec<String> = rights.iter().map(Right::to_string).collect();
                (group.to_string(), Some(rights.join(", ")))
            }
            AccessChange::DeleteGroup { group } => (group.to_string(), None),
            AccessChange::AddMember { user, group } | AccessChange::RemoveMember { user, group } => {
                (group.to_string(), Some(user.to_string()))
            }
            AccessChange::Grant { group, right } | AccessChange::Revoke { group, right } => {
                (group.to_string(), Some(right.to_string()))
            }
            AccessChange::AddCertificate { user, fingerprint, state, .. } => {
                (user.to_string(), Some(format!("{fingerprint} {}", state.word())))
            }
            AccessChange::SetCertificateState { fingerprint, .. } => (fingerprint.clone(), None),
            AccessChange::FourEyes { function, .. } => (function.to_string(), None),
        }
    }

    pub(super) fn entry(&self, who: &str, now: Time) -> AuditEntry {
        let (about, detail) = self.about();
        entry(now, who, self.word(), &about, detail)
    }

    /// The steps, the first of which must change something.
    pub(super) fn steps(&self, tenant: &TenantId, mut work: Work, now: Time) -> Result<Work, StoreError> {
        let of = |values: &[&str]| -> Vec<Value> {
            [tenant.as_str()].iter().chain(values).map(|text| Value::from(*text)).collect()
        };
        let with = |mut row: Vec<Value>, more: &[Value]| {
            row.extend_from_slice(more);
            row
        };
        let hash = |password: &Option<SecretString>| Value::from(password.as_ref().map(|text| text.expose_secret()));
        let at = Value::from(now.micros());
        Ok(match self {
            AccessChange::CreateUser { user, password } => {
                // Wrong passwords that were tried before the user was there are not hers.
                let row = with(of(&[user.as_str()]), &[hash(password), at]);
                work.demand(sql::USER_CREATE, row).step(sql::ATTEMPT_FORGET, vec![of(&[user.as_str()])])
            }
            AccessChange::SetUserState { user, state } => {
                work.demand(sql::USER_STATE, with(of(&[user.as_str(), state.word()]), &[at]))
            }
            AccessChange::SetPassword { user, password } => {
                work.demand(sql::USER_PASSWORD, with(of(&[user.as_str()]), &[hash(password), at]))
            }
            AccessChange::DeleteUser { user } => work
                .demand(sql::USER_DELETE, of(&[user.as_str()]))
                .step(sql::ATTEMPT_FORGET, vec![of(&[user.as_str()])]),
            AccessChange::Unlock { user } => work.demand(sql::ATTEMPT_CLEAR, of(&[user.as_str()])),
            AccessChange::CreateGroup { group, rights } => {
                work = work.demand(sql::GROUP_CREATE, with(of(&[group.as_str()]), &[at]));
                let rows = rights.iter().map(|right| right_row(tenant, group, right)).collect::<Result<_, _>>()?;
                work.step(sql::RIGHT_ADD, rows)
            }
            AccessChange::DeleteGroup { group } => work.demand(sql::GROUP_DELETE, of(&[group.as_str()])),
            AccessChange::AddMember { user, group } => {
                work.demand(sql::MEMBER_ADD, of(&[user.as_str(), group.as_str()]))
            }
            AccessChange::RemoveMember { user, group } => {
                work.demand(sql::MEMBER_REMOVE, of(&[user.as_str(), group.as_str()]))
            }
            AccessChange::Grant { group, right } => work.demand(sql::RIGHT_ADD, right_row(tenant, group, right)?),
            AccessChange::Revoke { group, right } => work.demand(sql::RIGHT_REMOVE, right_row(tenant, group, right)?),
            AccessChange::AddCertificate { user, fingerprint, der, state } => {
                if der.len() > ACCESS_CERTIFICATE_BYTES_MAX {
                    return Err(StoreError::Invalid("the certificate is too large".into()));
                }
                let most = i64::try_from(ACCESS_CERTIFICATES_PER_USER_MAX).unwrap_or(i64::MAX);
                let row = with(of(&[fingerprint, user.as_str(), der, state.word()]), &[at, most.into()]);
                work.demand(sql::CERTIFICATE_ADD, row)
            }
            AccessChange::SetCertificateState { fingerprint, state } => {
                work.demand(sql::CERTIFICATE_STATE, with(of(&[fingerprint, state.word()]), &[at]))
            }
            AccessChange::FourEyes { function, demanded: true } => {
                work.demand(sql::FOUR_EYES_ADD, with(of(&[function.word()]), &[at]))
            }
            AccessChange::FourEyes { function, demanded: false } => {
                work.demand(sql::FOUR_EYES_REMOVE, of(&[function.word()]))
            }
        })
    }
}

fn right_row(tenant: &TenantId, group: &GroupName, right: &Right) -> Result<Vec<Value>, StoreError> {
    let object = right.object.as_deref().unwrap_or_default();
    // Cut, it would be the right to something else; empty, to everything.
    if right.object.as_deref() == Some("") || object.len() > NAME_BYTES_MAX || object.contains('\0') {
        return Err(StoreError::Invalid(format!("a right to \"{}\"", bounded(object, 40))));
    }
    Ok(vec![tenant.as_str().into(), group.as_str().into(), right.function.word().into(), object.into()])
}

impl Store {
    /// Carries out a change and writes it to the audit log, in one transaction. `false`: it changes nothing (it is so already,
    /// or what it is about is not there, or there are too many), and nothing was written.
    pub async fn change_access(
        &self,
        tenant: &TenantId,
        change: &AccessChange,
        who: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let work = change.steps(tenant, Work::new(tenant), now)?.entry(&change.entry(who, now));
        Ok(!self.write(work).await?.taken_back)
    }

    /// Functions for which two persons are demanded.
    pub async fn four_eyes(&self, tenant: &TenantId) -> Result<Vec<Function>, StoreError> {
        let rows = self.read(sql::FOUR_EYES, vec![tenant.as_str().into()]).await?;
        // A function of a later version is none that this one could carry out.
        rows.iter().map(|row| Ok(Function::from_word(row.text(0)?))).filter_map(Result::transpose).collect()
    }
}
