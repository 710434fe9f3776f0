//! Every change of users, groups, rights and certificates as data, with the statements and the audit entry that it means. As
//! data it can wait for a second person and be carried out with the same words then.

use super::{CertificateState, UserState, entry};
use crate::value::{Value, bounded};
use crate::work::Work;
use crate::{NAME_BYTES_MAX, Store, StoreError, TEXT_BYTES_MAX, sql::access as sql};
use model::limits::{ACCESS_CERTIFICATE_BYTES_MAX, ACCESS_CERTIFICATES_PER_USER_MAX};
use model::{Function, GroupName, Right, TenantId, Time, UserName};
use secrecy::{ExposeSecret, SecretString};

/// One change.
#[derive(Clone, Debug)]
pub enum AccessChange {
    /// Make a user, without rights.
    CreateUser {
        /// Her name.
        user: UserName,
        /// Her name for people; may be empty.
        title: String,
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
    /// Give a user another name for people.
    SetTitle {
        /// Who.
        user: UserName,
        /// The name; may be empty.
        title: String,
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
    /// All of these or none.
    Several(Vec<AccessChange>),
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
            AccessChange::SetTitle { .. } => "user.renamed",
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
            AccessChange::Several(_) => "access.changed",
        }
    }

    /// What it is about, and a detail; never a secret.
    pub fn about(&self) -> (String, Option<String>) {
        match self {
            AccessChange::CreateUser { user, password, .. } => (
                user.to_string(),
                Some(if password.is_some() { "with a password" } else { "without a password" }.into()),
            ),
            AccessChange::SetUserState { user, .. }
            | AccessChange::SetPassword { user, .. }
            | AccessChange::DeleteUser { user }
            | AccessChange::Unlock { user } => (user.to_string(), None),
            AccessChange::SetTitle { user, title } => (user.to_string(), Some(title.clone())),
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
            AccessChange::Several(all) => (all.iter().map(AccessChange::summary).collect::<Vec<_>>().join("; "), None),
        }
    }

    /// What it does in a line for people; never a secret.
    pub fn summary(&self) -> String {
        match (self, self.about()) {
            (AccessChange::Several(_), (all, _)) => all,
            (_, (about, Some(detail))) => format!("{} {about}: {detail}", self.word()),
            (_, (about, None)) => format!("{} {about}", self.word()),
        }
    }

    /// The changes that it is made of.
    pub fn parts(&self) -> &[AccessChange] {
        match self {
            AccessChange::Several(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// Its steps and its audit entries, in addition to those of the work.
    pub(super) fn work(&self, tenant: &TenantId, mut work: Work, who: &str, now: Time) -> Result<Work, StoreError> {
        for part in self.parts() {
            let (about, detail) = part.about();
            work = part.steps(tenant, work, now)?.entry(&entry(now, who, part.word(), &about, detail));
        }
        Ok(work)
    }

    /// The steps, the first of which must change something.
    fn steps(&self, tenant: &TenantId, mut work: Work, now: Time) -> Result<Work, StoreError> {
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
            AccessChange::CreateUser { user, title, password } => {
                // Wrong passwords that were tried before the user was there are not hers.
                let row = with(of(&[user.as_str(), &bounded(title, TEXT_BYTES_MAX)]), &[hash(password), at]);
                work.demand(sql::USER_CREATE, row).step(sql::ATTEMPT_FORGET, vec![of(&[user.as_str()])])
            }
            AccessChange::SetUserState { user, state } => {
                work.demand(sql::USER_STATE, with(of(&[user.as_str(), state.word()]), &[at]))
            }
            AccessChange::SetPassword { user, password } => {
                work.demand(sql::USER_PASSWORD, with(of(&[user.as_str()]), &[hash(password), at]))
            }
            AccessChange::SetTitle { user, title } => {
                work.demand(sql::USER_TITLE, with(of(&[user.as_str(), &bounded(title, TEXT_BYTES_MAX)]), &[at]))
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
            AccessChange::Several(_) => return Err(StoreError::Invalid("changes inside of changes".into())),
        })
    }
}

fn right_row(tenant: &TenantId, group: &GroupName, right: &Right) -> Result<Vec<Value>, StoreError> {
    let object = right.object.as_deref().unwrap_or_default();
    // Cut, it would be the right to something else; empty, to everything.
    if right.object.as_deref() == Some("") || object.len() > NAME_BYTES_MAX || object.chars().any(char::is_control) {
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
        let work = change.work(tenant, Work::new(tenant), who, now)?;
        Ok(!self.write(work).await?.taken_back)
    }

    /// Functions for which two persons are demanded.
    pub async fn four_eyes(&self, tenant: &TenantId) -> Result<Vec<Function>, StoreError> {
        let rows = self.read(sql::FOUR_EYES, vec![tenant.as_str().into()]).await?;
        // A function of a later version is none that this one could carry out.
        rows.iter().map(|row| Ok(Function::from_word(row.text(0)?))).filter_map(Result::transpose).collect()
    }
}
