//! Who is it? The only place that checks credentials and makes a [`Caller`] of them.
//!
//! What is believed is in the store: users, certificates, rights, and how often wrong passwords were tried. Several servers
//! share it; what is kept here is kept for seconds (rights) or minutes (that a password was right), and only to be quick.
//!
//! **Guessing.** A wrong password is counted for the name at the address, for the name, and for the address
//! ([`GuessLimits`]). One too many locks: 5 for a name at an address, 20 for a name from everywhere, 50 from an address, for a
//! minute first, then for twice as long each time, up to a quarter of an hour. While a lock lasts every password is refused
//! and none is counted, so that it ends by itself, whoever goes on trying. Whoever's password was accepted at an address
//! within a month is not touched by the locks of the second and third kind there: strangers elsewhere cannot shut an
//! application out. Names that nobody has are counted and answered like those of users, and cost the same time.
//!
//! **What the auditor reads.** Each wrong password; each right one when it is checked, which is once for a user, an address
//! and [`AccessSettings::password_kept`], not for each request; what is refused without a check (locked, unknown certificate)
//! and what was denied, once a minute for the same with the number of times. So nobody can flood the log.

mod audit;
mod cache;
mod certificate;
mod password;
mod revoked;

pub use certificate::fingerprint;
pub use password::{BadPassword, HASHING_MAX, Passwords};
pub use revoked::{Revocation, RevocationCheck, RevocationMode};
pub use store::access::{GuessLimits, Standing};

pub(crate) use password::random;

use audit::{Notes, Said};
use cache::Generations;
use certificate::Holder;
use formats::crypto::Hasher;
use model::access::{Authentication, Denied};
use model::{Caller, Clock, DigestAlgorithm, Right, TenantId, Time, UserName};
use password::Desk;
use secrecy::{ExposeSecret, SecretString};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store::access::{Attempt, TenantState, UserState};
use store::{Store, StoreError};
use tokio::sync::Semaphore;

/// How credentials are checked.
#[derive(Clone, Debug)]
pub struct AccessSettings {
    /// The tenant whose audit log tells of callers without a tenant of ours.
    pub home: TenantId,
    /// When guesses lock, and for how long.
    pub limits: GuessLimits,
    /// How old what is known of a user may be: her rights, her state, her locks.
    pub rights_kept: Duration,
    /// For how long a password that was right is not checked again. Kept as a keyed digest.
    pub password_kept: Duration,
    /// Passwords that are checked at the same time. Each takes 19 MiB and some hundredth of a second of one processor.
    pub hashing_max: usize,
    /// Whether certificates are asked for being revoked.
    pub revocation: RevocationMode,
    /// For how long a certificate that was not revoked is not asked for again.
    pub revocation_kept: Duration,
}

impl AccessSettings {
    /// What is right for most.
    pub fn of(home: TenantId) -> Self {
        Self {
            home,
            limits: GuessLimits {
                per_pair: 5,
                per_user: 20,
                per_address: 50,
                lock: Duration::from_secs(60),
                lock_max: Duration::from_secs(15 * 60),
                forget: Duration::from_secs(24 * 3_600),
                known: Duration::from_secs(30 * 24 * 3_600),
            },
            rights_kept: Duration::from_secs(5),
            password_kept: Duration::from_secs(15 * 60),
            hashing_max: hashing_default(),
            revocation: RevocationMode::Off,
            revocation_kept: Duration::from_secs(5 * 60),
        }
    }
}

/// Passwords that are checked at the same time, where nothing is configured: half of the processors stay for signing.
pub fn hashing_default() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).div_ceil(2)
}

/// What a caller is told who was not let in. The audit log knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The user, the password, the certificate or the tenant is not right, or not right any more.
    #[error("wrong credentials")]
    WrongCredentials,
    /// Too many wrong passwords were tried for this name; it is locked for a while.
    #[error("locked after too many wrong passwords")]
    Locked,
    /// Too much is tried from this address, or at this moment by everybody.
    #[error("too many attempts; try again in {} s", retry_after.as_secs())]
    TooManyAttempts {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// The store does not answer.
    #[error("users cannot be looked up now; try again")]
    Unavailable,
}

/// Checks credentials. Cheap to clone; all clones share what is kept.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    settings: AccessSettings,
    passwords: Passwords,
    check: Option<Arc<dyn RevocationCheck>>,
    desks: Generations<DeskKey, Desk>,
    holders: Generations<HolderKey, Holder>,
    notes: Notes,
    /// Those who wait for their password to be checked.
    line: Semaphore,
    /// Goes up when this server changes users or rights: what is kept of them is read again.
    changes: AtomicU64,
    /// Makes the digests of passwords worthless outside of this process.
    key: [u8; 32],
}

/// Who tries from where: tenant, name, address as it is counted.
type DeskKey = (TenantId, UserName, Arc<str>);
/// The tenant, if the caller names one, and the fingerprint of the certificate.
type HolderKey = (Option<TenantId>, String);

/// What the store said of a user.
#[derive(Clone)]
struct Facts {
    rights: Arc<[Right]>,
    read_at: Time,
    changes: u64,
}

impl Access {
    /// Nobody is known yet. Errors: the operating system gives no randomness.
    pub fn new(store: Store, clock: Arc<dyn Clock>, settings: AccessSettings) -> Result<Self, BadPassword> {
        Ok(Self(Arc::new(Inner {
            passwords: Passwords::new(settings.hashing_max)?,
            store,
            clock,
            settings,
            check: None,
            desks: Generations::new(KEPT_MAX),
            holders: Generations::new(KEPT_MAX),
            notes: Notes::default(),
            line: Semaphore::new(LINE_MAX),
            changes: AtomicU64::new(0),
            key: random()?,
        })))
    }

    /// Asks this source whether certificates are revoked, if the settings want it. To be called before it is shared.
    #[must_use]
    pub fn with_revocation(mut self, check: Arc<dyn RevocationCheck>) -> Self {
        match Arc::get_mut(&mut self.0) {
            Some(inner) => inner.check = Some(check),
            None => tracing::error!("the revocation of certificates of users is not asked for: it was set too late"),
        }
        self
    }

    /// The caller of this name and password (HTTP Basic, WS-Security).
    pub async fn by_password(
        &self,
        tenant: &TenantId,
        user: &str,
        password: &SecretString,
        address: IpAddr,
    ) -> Result<Caller, Refused> {
        let address = counted(address);
        // No user has such a name or password, so saying so at once tells nothing.
        let Ok(user) = UserName::new(user) else {
            self.refused_stranger(tenant, "somebody", &address, "a name that no user can have").await;
            return Err(Refused::WrongCredentials);
        };
        if password.expose_secret().len() > model::limits::PASSWORD_BYTES_MAX {
            self.refused_stranger(tenant, user.as_str(), &address, "a password longer than any can be").await;
            return Err(Refused::WrongCredentials);
        }
        let seal = self.seal(tenant, &user, password);
        let desk = self.0.desks.get_or_make((tenant.clone(), user.clone(), address.clone()));
        if let Some(rights) = desk.rights(&seal, self.0.clock.now(), &self.0) {
            return Ok(caller(tenant, user, Authentication::Password, rights));
        }
        let rights = self.at_desk(&desk, seal, tenant, &user, password, &address).await?;
        Ok(caller(tenant, user, Authentication::Password, rights))
    }

    /// The caller with this client certificate, which TLS has seen to be hers. Without a tenant the certificate must be active
    /// in one only.
    pub async fn by_certificate(
        &self,
        tenant: Option<&TenantId>,
        der: &[u8],
        address: IpAddr,
    ) -> Result<Caller, Refused> {
        self.holder(tenant, der, &counted(address)).await
    }

    /// As [`Access::by_password`], at once, from what is kept and still counts. `None`: it has to be asked for. Nobody is
    /// waited for and nothing is written, so it may be called where neither may happen.
    pub fn kept_by_password(
        &self,
        tenant: &TenantId,
        user: &str,
        password: &SecretString,
        address: IpAddr,
    ) -> Option<Caller> {
        let user = UserName::new(user).ok()?;
        if password.expose_secret().len() > model::limits::PASSWORD_BYTES_MAX {
            return None;
        }
        let seal = self.seal(tenant, &user, password);
        let desk = self.0.desks.get(&(tenant.clone(), user.clone(), counted(address)))?;
        let rights = desk.rights(&seal, self.0.clock.now(), &self.0)?;
        Some(caller(tenant, user, Authentication::Password, rights))
    }

    /// As [`Access::by_certificate`], at once, from what is kept and still counts. `None`: it has to be asked for, or said to
    /// the auditor.
    pub fn kept_by_certificate(&self, tenant: Option<&TenantId>, der: &[u8], address: IpAddr) -> Option<Caller> {
        self.kept_holder(tenant, der, &counted(address))
    }

    /// The operator at the server's own machine: she may do everything in the tenant.
    pub fn local(tenant: &TenantId, operator: UserName) -> Caller {
        let rights = model::Function::ALL.map(|function| Right { function, object: None });
        caller(tenant, operator, Authentication::Local, rights.into())
    }

    /// Writes to the audit log that a caller may not do what she asked for.
    pub async fn denied(&self, caller: &Caller, denied: &Denied) {
        let Denied::NoRight { right, .. } = denied;
        let (tenant, who, object) = (&caller.tenant, caller.who(), right.to_string());
        // The object may be any name that she has thought of.
        let same = [tenant.as_str(), &who, right.function.word()];
        let detail = "no right permits it";
        self.note(
            audit::WINDOW,
            Said { tenant, who: &who, what: "access.denied", object: &object, detail, same: &same },
        )
        .await;
    }

    /// Users, groups or rights were changed here: what is kept of them counts no more. Other servers notice within
    /// [`AccessSettings::rights_kept`].
    pub fn changed(&self) {
        self.0.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes hashes of new passwords, within the same bounds.
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// The store behind it.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The clock that locks and sessions go by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Checks a password that is not known here, one at a time for a name at an address: so there are never more guesses
    /// under way than are counted.
    async fn at_desk(
        &self,
        desk: &Desk,
        seal: [u8; 32],
        tenant: &TenantId,
        user: &UserName,
        password: &SecretString,
        address: &Arc<str>,
    ) -> Result<Arc<[Right]>, Refused> {
        let inner = &*self.0;
        // What was right a moment ago needs no checking, only what the store says now. Guesses do not stand in its way.
        if desk.is_right(&seal, inner.clock.now()) {
            let _one = desk.reading.lock().await;
            if let Some(rights) = desk.rights(&seal, inner.clock.now(), inner) {
                return Ok(rights);
            }
            if let Some(rights) = self.read_again(desk, &seal, tenant, user, address).await? {
                return Ok(rights);
            }
        }
        let Ok(_place) = inner.line.try_acquire() else {
            return Err(Refused::TooManyAttempts { retry_after: Duration::from_secs(1) });
        };
        let _one = desk.checking.lock().await;
        let now = inner.clock.now();
        if let Some(rights) = desk.rights(&seal, now, inner) {
            return Ok(rights);
        }
        let changes = inner.changes.load(Ordering::Acquire);
        self.unlocked(tenant, user, address, now).await?;
        let known = self.told(inner.store.credentials(tenant, user).await)?;
        let (hash, fault) = match &known {
            None => (None, Some("there is no such tenant")),
            Some(known) => match &known.user {
                None => (None, Some("there is no such user")),
                Some((_, None)) => (None, Some("she has no password")),
                Some((UserState::Disabled, hash)) => (hash.as_ref(), Some("she is disabled")),
                Some((_, hash)) if known.tenant == TenantState::Disabled => {
                    (hash.as_ref(), Some("the tenant is disabled"))
                }
                Some((UserState::Active, hash)) => (hash.as_ref(), None),
            },
        };
        let is_right = inner.passwords.is_right(hash, password).await;
        let fault = if is_right { fault } else { fault.or(Some("wrong password")) };
        if let Some(why) = fault {
            desk.forget_facts();
            if known.is_none() {
                // Nobody's audit log, and no row that could count it.
                self.refused_stranger(tenant, user.as_str(), address, why).await;
                return Err(Refused::WrongCredentials);
            }
            let attempt = Attempt { user, address, at: now };
            self.told(inner.store.attempt_failed(tenant, attempt, &inner.settings.limits, why).await)?;
            return Err(Refused::WrongCredentials);
        }
        let rights: Arc<[Right]> = self.told(inner.store.rights_of_user(tenant, user).await)?.into();
        let attempt = Attempt { user, address, at: now };
        let accepted = inner.store.attempt_accepted(tenant, attempt, &inner.settings.limits, "password").await;
        if !self.told(accepted)? {
            return Err(Refused::Locked);
        }
        let facts = Facts { rights: rights.clone(), read_at: now, changes };
        desk.was_right(seal, now.plus(inner.settings.password_kept), hash.map(digest_of), facts);
        Ok(rights)
    }

    /// Reads what is known of a user whose password was right a moment ago. `None`: it may not be right any more.
    async fn read_again(
        &self,
        desk: &Desk,
        seal: &[u8; 32],
        tenant: &TenantId,
        user: &UserName,
        address: &str,
    ) -> Result<Option<Arc<[Right]>>, Refused> {
        let inner = &*self.0;
        let (now, changes) = (inner.clock.now(), inner.changes.load(Ordering::Acquire));
        self.unlocked(tenant, user, address, now).await?;
        let known = self.told(inner.store.credentials(tenant, user).await)?;
        let hash = match known {
            Some(store::access::Credentials {
                tenant: TenantState::Active,
                user: Some((UserState::Active, Some(hash))),
            }) => digest_of(&hash),
            _ => {
                desk.forget();
                return Ok(None);
            }
        };
        let rights: Arc<[Right]> = self.told(inner.store.rights_of_user(tenant, user).await)?.into();
        let facts = Facts { rights: rights.clone(), read_at: now, changes };
        Ok(desk.is_still_right(seal, &hash, facts).then_some(rights))
    }

    /// Refuses whoever is locked at this moment.
    async fn unlocked(&self, tenant: &TenantId, user: &UserName, address: &str, now: Time) -> Result<(), Refused> {
        let limits = &self.0.settings.limits;
        let standing = self.told(self.0.store.standing(tenant, user, address).await)?;
        let Some(until) = standing.locked_until(limits, now) else { return Ok(()) };
        let by_name = Standing { address_locked: None, ..standing }.locked_until(limits, now).is_some();
        self.refused(tenant, if by_name { user.as_str() } else { "" }, address, "locked").await;
        Err(match by_name {
            true => Refused::Locked,
            false => Refused::TooManyAttempts { retry_after: until.since(now) },
        })
    }

    /// What the store said; what it did not say is for the log, not for the caller.
    fn told<T>(&self, answer: Result<T, StoreError>) -> Result<T, Refused> {
        answer.map_err(|error| {
            tracing::error!(%error, "credentials cannot be checked");
            Refused::Unavailable
        })
    }

    /// A keyed digest of a password with the name it is for.
    fn seal(&self, tenant: &TenantId, user: &UserName, password: &SecretString) -> [u8; 32] {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        hasher.update(&self.0.key);
        // Neither a tenant's nor a user's name has a line end.
        for name in [tenant.as_str(), user.as_str()] {
            hasher.update(name.as_bytes());
            hasher.update(b"\n");
        }
        hasher.update(password.expose_secret().as_bytes());
        octets(hasher)
    }
}

impl Inner {
    fn is_fresh(&self, facts: &Facts, now: Time) -> bool {
        facts.changes == self.changes.load(Ordering::Acquire) && now.since(facts.read_at) < self.settings.rights_kept
    }
}

fn caller(tenant: &TenantId, user: UserName, authentication: Authentication, rights: Arc<[Right]>) -> Caller {
    Caller { tenant: tenant.clone(), user, authentication, rights }
}

/// An address as guesses are counted: IPv6 by its network, since a caller chooses the rest.
fn counted(address: IpAddr) -> Arc<str> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string().into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64").into()
        }
    }
}

fn digest_of(hash: &SecretString) -> [u8; 32] {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(hash.expose_secret().as_bytes());
    octets(hasher)
}

fn octets(hasher: Hasher) -> [u8; 32] {
    let mut octets = [0; 32];
    octets.copy_from_slice(hasher.finish().as_bytes());
    octets
}

/// Users at addresses, and likewise certificates, of which something is kept.
const KEPT_MAX: usize = 16_384;

/// Callers who wait for their password to be checked.
const LINE_MAX: usize = 256;
