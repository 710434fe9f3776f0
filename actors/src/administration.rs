//! Who may change users, groups, rights and certificates, and what of it needs a second person. Called by every door that
//! administers: SOAP, REST, the command line.
//!
//! The rules, beside the right to the function:
//! - Nobody widens her own rights: whoever is, or makes herself, a member of a group cannot give it a right that she has not.
//! - Nobody disables or deletes herself, or believes a certificate of her own.
//! - A right is about something that its function knows; a name for people has no control characters.
//! - **Four eyes.** If two persons are demanded for a function, a change that gives somebody something waits until another
//!   one confirms it: all changes of `users` if that is the function; else those that give a right to it, or a new way in (a
//!   password, a certificate, an enabled account) to somebody who has a right to it. Taking away never waits, so that one
//!   person alone can answer an incident. Who asked does not confirm, at whatever door, nor does whoever the change is about.
//! - The operator at the server's own machine is bound by four eyes like others, and by no other rule.

mod encoding;
mod look;
mod rules;
mod sessions;

pub use look::{CertificateEntry, GroupEntry, PendingEntry, UserEntry};
pub use sessions::SessionSettings;

use crate::access::{Access, BadPassword, fingerprint};
use formats::cms::certificate::Certificate;
use model::access::{Authentication, Denied};
use model::{Caller, Function, GroupName, Reason, Right, Time, UserName};
use rules::Side;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;
use store::access::{AccessChange, CertificateState, NewPending, UserState};
use store::{Store, StoreError};

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is made.
    Made,
    /// It waits for a second person, under this id.
    Waits(String),
}

/// Why a change is not made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AdministrationError {
    /// The caller has no right to it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A rule forbids it, whatever her rights.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such user, group, certificate or change.
    #[error("there is no {0}")]
    NotFound(String),
    /// It is so already, there is one of that name already, or there are as many as there may be.
    #[error("{0}")]
    Nothing(String),
    /// What was given cannot be used.
    #[error("{0}")]
    Bad(String),
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] BadPassword),
    /// The store does not answer or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdministrationError {
    /// For callers: a stable code and a sentence.
    pub fn reason(&self) -> Reason {
        let code = match self {
            AdministrationError::Denied(_) => "access-denied",
            AdministrationError::Forbidden(_) => "administration-forbidden",
            AdministrationError::NotFound(_) => "administration-not-found",
            AdministrationError::Nothing(_) => "administration-unchanged",
            AdministrationError::Bad(_) => "administration-bad",
            AdministrationError::Password(BadPassword::Unavailable(_)) => "administration-unavailable",
            AdministrationError::Password(_) => "password-bad",
            AdministrationError::Store(error) if error.is_temporary() => "store-unavailable",
            AdministrationError::Store(_) => "store-failed",
        };
        // What is wrong with the database is for the log.
        match self {
            AdministrationError::Store(error) => {
                tracing::error!(%error, "a change of users or rights failed");
                Reason::new(code, "the change cannot be stored now")
            }
            other => Reason::new(code, other.to_string()),
        }
    }

    /// Whether the same may work later.
    pub fn is_temporary(&self) -> bool {
        match self {
            AdministrationError::Store(error) => error.is_temporary(),
            AdministrationError::Password(BadPassword::Unavailable(_)) => true,
            _ => false,
        }
    }
}

/// A group that is made with one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its word.
    pub name: String,
    /// What it is for, in a line.
    pub title: String,
    /// Its rights.
    pub rights: Vec<Right>,
}

/// How users are administered.
#[derive(Clone, Debug)]
pub struct AdministrationSettings {
    /// Characters that a new password needs.
    pub password_chars_min: usize,
    /// How long a change waits for a second person.
    pub pending_kept: Duration,
    /// Groups that are made with one word.
    pub roles: Vec<Role>,
    /// Log-in sessions.
    pub sessions: SessionSettings,
}

impl Default for AdministrationSettings {
    fn default() -> Self {
        Self {
            password_chars_min: 12,
            pending_kept: Duration::from_secs(7 * 24 * 3_600),
            roles: Vec::new(),
            sessions: SessionSettings::default(),
        }
    }
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Her name.
    pub name: UserName,
    /// Her name for people; may be empty.
    pub title: String,
    /// Her password, if she gets one.
    pub password: Option<SecretString>,
    /// Groups that she is put into.
    pub groups: Vec<GroupName>,
}

/// What is to be changed of a user; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UserUpdate {
    /// Her name for people.
    pub title: Option<String>,
    /// Her password; `Some(None)` takes it from her.
    pub password: Option<Option<SecretString>>,
    /// Whether she is let in.
    pub state: Option<UserState>,
}

/// Administers. Cheap to clone.
#[derive(Clone)]
pub struct Administration {
    access: Access,
    settings: Arc<AdministrationSettings>,
}

type Answer = Result<Done, AdministrationError>;

impl Administration {
    /// On the same store as the checks of credentials.
    pub fn new(access: Access, settings: AdministrationSettings) -> Self {
        Self { access, settings: Arc::new(settings) }
    }

    /// The groups that are made with one word.
    pub fn roles(&self) -> &[Role] {
        &self.settings.roles
    }

    /// Makes a user, with her groups.
    pub async fn create_user(&self, caller: &Caller, new: NewUser) -> Answer {
        let NewUser { name, title, password, groups } = new;
        caller.may(Function::Users, None)?;
        let password = match password {
            Some(password) => Some(self.hashed(&name, password).await?),
            None => None,
        };
        if self.store().user(&caller.tenant, &name).await?.is_some() {
            return Err(AdministrationError::Nothing(format!("there is a user \"{name}\" already")));
        }
        let mut changes = vec![AccessChange::CreateUser { user: name.clone(), title: titled(title)?, password }];
        for group in groups {
            self.group(caller, &group).await?;
            changes.push(AccessChange::AddMember { user: name.clone(), group });
        }
        self.make(caller, together(changes), "there is such a user already, or a group is gone").await
    }

    /// Changes a user.
    pub async fn change_user(&self, caller: &Caller, user: &UserName, update: UserUpdate) -> Answer {
        caller.may(Function::Users, None)?;
        let row = self.store().user(&caller.tenant, user).await?.ok_or_else(|| no_user(user))?;
        let mut changes = Vec::new();
        if let Some(title) = update.title.map(titled).transpose()?.filter(|title| *title != row.title) {
            changes.push(AccessChange::SetTitle { user: user.clone(), title });
        }
        match update.password {
            Some(Some(password)) => {
                let password = Some(self.hashed(user, password).await?);
                changes.push(AccessChange::SetPassword { user: user.clone(), password });
            }
            Some(None) if row.has_password => {
                changes.push(AccessChange::SetPassword { user: user.clone(), password: None });
            }
            _ => {}
        }
        if let Some(state) = update.state.filter(|state| *state != row.state) {
            changes.push(AccessChange::SetUserState { user: user.clone(), state });
        }
        if changes.is_empty() {
            return Ok(Done::Made);
        }
        self.make(caller, together(changes), "the user was changed meanwhile").await
    }

    /// Forgets the wrong passwords that were tried for a user. Made at once.
    pub async fn unlock_user(&self, caller: &Caller, user: &UserName) -> Answer {
        caller.may(Function::Users, None)?;
        let unlock = AccessChange::Unlock { user: user.clone() };
        self.make(caller, unlock, "no wrong password counts against that name").await
    }

    /// Removes a user with her memberships and certificates.
    pub async fn delete_user(&self, caller: &Caller, user: &UserName) -> Answer {
        caller.may(Function::Users, None)?;
        self.store().user(&caller.tenant, user).await?.ok_or_else(|| no_user(user))?;
        self.make(caller, AccessChange::DeleteUser { user: user.clone() }, "there is no such user any more").await
    }

    /// Makes a group, without rights or with those of a role.
    pub async fn create_group(&self, caller: &Caller, group: &GroupName, role: Option<&str>) -> Answer {
        caller.may(Function::Users, None)?;
        let rights = match role {
            None => Vec::new(),
            Some(role) => {
                let known = self.settings.roles.iter().find(|known| known.name == role);
                known.ok_or_else(|| AdministrationError::NotFound(format!("role \"{role}\"")))?.rights.clone()
            }
        };
        let create = AccessChange::CreateGroup { group: group.clone(), rights };
        self.make(caller, create, &format!("there is a group \"{group}\" already")).await
    }

    /// Removes a group.
    pub async fn delete_group(&self, caller: &Caller, group: &GroupName) -> Answer {
        caller.may(Function::Users, None)?;
        self.group(caller, group).await?;
        self.make(caller, AccessChange::DeleteGroup { group: group.clone() }, "there is no such group any more").await
    }

    /// Puts a user into a group.
    pub async fn add_member(&self, caller: &Caller, group: &GroupName, user: &UserName) -> Answer {
        caller.may(Function::Users, None)?;
        self.group(caller, group).await?;
        self.store().user(&caller.tenant, user).await?.ok_or_else(|| no_user(user))?;
        let add = AccessChange::AddMember { user: user.clone(), group: group.clone() };
        self.make(caller, add, &format!("\"{user}\" is a member of \"{group}\" already")).await
    }

    /// Takes a user out of a group.
    pub async fn remove_member(&self, caller: &Caller, group: &GroupName, user: &UserName) -> Answer {
        caller.may(Function::Users, None)?;
        let remove = AccessChange::RemoveMember { user: user.clone(), group: group.clone() };
        self.make(caller, remove, &format!("\"{user}\" is no member of \"{group}\"")).await
    }

    /// Gives a group a right.
    pub async fn grant(&self, caller: &Caller, group: &GroupName, right: Right) -> Answer {
        caller.may(Function::Users, None)?;
        self.group(caller, group).await?;
        let right: Right = right.to_string().parse().map_err(|bad: model::access::BadRight| bad_input(&bad))?;
        let what = format!("\"{group}\" has the right to {right} already");
        self.make(caller, AccessChange::Grant { group: group.clone(), right }, &what).await
    }

    /// Takes a right from a group.
    pub async fn revoke(&self, caller: &Caller, group: &GroupName, right: Right) -> Answer {
        caller.may(Function::Users, None)?;
        let what = format!("\"{group}\" has no right to {right}; what was granted is taken back as it was granted");
        self.make(caller, AccessChange::Revoke { group: group.clone(), right }, &what).await
    }

    /// Registers a certificate (DER or PEM). One's own waits until somebody else activates it; an administrator's word
    /// about somebody else counts at once. Gives its fingerprint and what it is worth.
    pub async fn register_certificate(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
        certificate: &[u8],
    ) -> Result<(String, CertificateState, Done), AdministrationError> {
        let user = user.unwrap_or(&caller.user);
        let own = *user == caller.user && caller.authentication != Authentication::Local;
        caller.may(if own { Function::RegisterCertificate } else { Function::Users }, None)?;
        self.store().user(&caller.tenant, user).await?.ok_or_else(|| no_user(user))?;
        let der = one_certificate(certificate)?;
        let parsed = Certificate::parse(&der).map_err(|_| bad_input(&"the certificate cannot be read"))?;
        let (_, not_after) = parsed.validity().map_err(|_| bad_input(&"the certificate cannot be read"))?;
        if not_after < self.now() {
            return Err(bad_input(&"the certificate has expired"));
        }
        let fingerprint = fingerprint(&der);
        let state = if own { CertificateState::Pending } else { CertificateState::Active };
        let add = AccessChange::AddCertificate {
            user: user.clone(),
            fingerprint: fingerprint.clone(),
            der: base64_simd::STANDARD.encode_to_string(&der),
            state,
        };
        let what = "the certificate is registered already, or the user has as many as one may have";
        let done = self.make(caller, add, what).await?;
        Ok((fingerprint, state, done))
    }

    /// Lets a registered certificate count.
    pub async fn activate_certificate(&self, caller: &Caller, fingerprint: &str) -> Answer {
        caller.may(Function::Users, None)?;
        self.set_certificate(caller, fingerprint, CertificateState::Active).await
    }

    /// Lets a certificate count no more, for ever. Her own everybody may revoke who may register one.
    pub async fn revoke_certificate(&self, caller: &Caller, fingerprint: &str) -> Answer {
        let fingerprint = fingerprint.to_ascii_lowercase();
        let row = self.store().certificate(&caller.tenant, &fingerprint).await?;
        let own = row.is_some_and(|row| row.user == caller.user);
        if !own || caller.may(Function::RegisterCertificate, None).is_err() {
            caller.may(Function::Users, None)?;
        }
        self.set_certificate(caller, &fingerprint, CertificateState::Revoked).await
    }

    /// Demands two persons for a function, or not any more; only at the server's own machine.
    pub async fn set_four_eyes(&self, caller: &Caller, function: Function, demanded: bool) -> Answer {
        if caller.authentication != Authentication::Local {
            return Err(AdministrationError::Forbidden("four eyes are demanded at the server's own machine only"));
        }
        let what = "it is so already";
        self.make(caller, AccessChange::FourEyes { function, demanded }, what).await
    }

    /// Confirms a change that another one has asked for; it is made at once.
    pub async fn confirm(&self, caller: &Caller, id: &str) -> Result<(), AdministrationError> {
        caller.may(Function::Approve, None)?;
        let row = self.waiting(caller, id).await?;
        let change = encoding::decode(&row.change).map_err(|fault| bad_input(&fault))?;
        if rules::name_of(&row.asked_by) == caller.user.as_str() {
            return Err(AdministrationError::Forbidden("who asked for a change does not confirm it"));
        }
        if caller.authentication != Authentication::Local && rules::is_about(&change, caller, self.store()).await? {
            return Err(AdministrationError::Forbidden("whoever a change is about does not confirm it"));
        }
        let now = self.now();
        if self.store().confirm(&caller.tenant, id, &change, &caller.who(), now).await? {
            self.access.changed();
            return Ok(());
        }
        Err(AdministrationError::Nothing("the change cannot be made any more; refuse it".to_owned()))
    }

    /// Refuses a change, or takes back what one has asked for.
    pub async fn refuse(&self, caller: &Caller, id: &str) -> Result<(), AdministrationError> {
        let row = self.waiting(caller, id).await?;
        if row.asked_by != caller.who() {
            caller.may(Function::Approve, None)?;
        }
        match self.store().refuse(&caller.tenant, id, &caller.who(), self.now()).await? {
            true => Ok(()),
            false => Err(no_change(id)),
        }
    }

    async fn set_certificate(&self, caller: &Caller, fingerprint: &str, state: CertificateState) -> Answer {
        let fingerprint = fingerprint.to_ascii_lowercase();
        let row = self.store().certificate(&caller.tenant, &fingerprint).await?;
        row.ok_or_else(|| AdministrationError::NotFound(format!("certificate {fingerprint}")))?;
        let what = "the certificate is so already, or it was revoked, which is for ever";
        self.make(caller, AccessChange::SetCertificateState { fingerprint, state }, what).await
    }

    /// Makes a change, or keeps it for a second person. `nothing` says why it may have changed nothing.
    async fn make(&self, caller: &Caller, change: AccessChange, nothing: &str) -> Answer {
        let side = Side { caller, store: self.store() };
        side.allow(&change).await?;
        let now = self.now();
        if side.needs_second(&change).await? {
            let id = random_id()?;
            let pending = NewPending {
                id: id.clone(),
                change: encoding::encode(&change),
                about: change.summary(),
                asked_by: caller.who(),
                asked_at: now,
                expires_at: now.plus(self.settings.pending_kept),
            };
            return match self.store().ask_for(&caller.tenant, &pending).await? {
                true => Ok(Done::Waits(id)),
                false => Err(AdministrationError::Nothing("too many changes wait for a second person".to_owned())),
            };
        }
        match self.store().change_access(&caller.tenant, &change, &caller.who(), now).await? {
            true => {
                self.access.changed();
                Ok(Done::Made)
            }
            false => Err(AdministrationError::Nothing(nothing.to_owned())),
        }
    }

    async fn waiting(&self, caller: &Caller, id: &str) -> Result<NewPending, AdministrationError> {
        let row = self.store().pending_change(&caller.tenant, id).await?;
        let waits = |row: &store::access::PendingRow| {
            row.decision == store::access::Decision::Waiting && self.now() < row.pending.expires_at
        };
        row.filter(waits).map(|row| row.pending).ok_or_else(|| no_change(id))
    }

    async fn group(&self, caller: &Caller, group: &GroupName) -> Result<(), AdministrationError> {
        match self.store().groups(&caller.tenant).await?.contains(group) {
            true => Ok(()),
            false => Err(AdministrationError::NotFound(format!("group \"{group}\""))),
        }
    }

    async fn hashed(&self, user: &UserName, password: SecretString) -> Result<SecretString, AdministrationError> {
        let text = password.expose_secret();
        let most = self.settings.password_chars_min;
        if text.chars().count() < most {
            return Err(BadPassword::Short(most).into());
        }
        if text.to_lowercase() == user.as_str().to_lowercase() {
            return Err(BadPassword::IsName.into());
        }
        Ok(self.access.passwords().hash(password).await?)
    }

    fn store(&self) -> &Store {
        self.access.store()
    }

    fn now(&self) -> Time {
        self.access.clock().now()
    }
}

fn together(mut changes: Vec<AccessChange>) -> AccessChange {
    match changes.len() {
        1 => changes.remove(0),
        _ => AccessChange::Several(changes),
    }
}

/// An id that nobody guesses.
fn random_id() -> Result<String, AdministrationError> {
    Ok(crate::access::random::<16>()?.iter().map(|octet| format!("{octet:02x}")).collect())
}

fn titled(title: String) -> Result<String, AdministrationError> {
    match title.chars().count() <= TITLE_CHARS_MAX && !title.chars().any(char::is_control) {
        true => Ok(title),
        false => Err(bad_input(&"a name for people has at most 200 characters and no control characters")),
    }
}

/// The one certificate of an input: DER, or the first of a PEM text.
fn one_certificate(input: &[u8]) -> Result<Vec<u8>, AdministrationError> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    if input.len() > model::limits::ACCESS_CERTIFICATE_BYTES_MAX {
        return Err(bad_input(&"the certificate is too large"));
    }
    let text = std::str::from_utf8(input).unwrap_or_default();
    let Some((_, rest)) = text.split_once(BEGIN) else { return Ok(input.to_vec()) };
    let body = rest.split_once("-----END CERTIFICATE-----").map(|(body, _)| body);
    let body: Option<String> = body.map(|body| body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let der = body.and_then(|body| base64_simd::STANDARD.decode_to_vec(body).ok());
    der.ok_or_else(|| bad_input(&"the certificate in PEM cannot be read"))
}

fn no_user(user: &UserName) -> AdministrationError {
    AdministrationError::NotFound(format!("user \"{user}\""))
}

fn no_change(id: &str) -> AdministrationError {
    AdministrationError::NotFound(format!("change \"{id}\" that waits"))
}

fn bad_input(what: &dyn std::fmt::Display) -> AdministrationError {
    AdministrationError::Bad(what.to_string())
}

const TITLE_CHARS_MAX: usize = 200;
