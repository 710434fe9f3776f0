//! Passwords: hashed with argon2id, checked in a bounded number at the same time, and remembered for a short time by a keyed
//! digest.

use super::{Facts, Inner};
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use model::limits::PASSWORD_BYTES_MAX;
use model::{Right, Time};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Why a password cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// It is too short.
    #[error("a password needs at least {0} characters")]
    Short(usize),
    /// It is too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// It is easily guessed.
    #[error("the password is the name of the user")]
    IsName,
    /// The server cannot make one now.
    #[error("the password cannot be hashed: {0}")]
    Unavailable(String),
}

/// Makes and checks hashes of passwords: argon2id with 19 MiB and two passes, as OWASP advises.
#[derive(Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash of a password that nobody has: what is checked where there is no user.
    nobody: Arc<SecretString>,
}

impl Passwords {
    /// At most so many at the same time.
    pub fn new(hashing_max: usize) -> Result<Self, BadPassword> {
        // A value that no password was hashed for; to look like others it has the same parameters.
        let (salt, value) = (random::<16>()?, random::<32>()?);
        let base64 = |octets: &[u8]| base64_simd::STANDARD_NO_PAD.encode_to_string(octets);
        let nobody = format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}", base64(&salt), base64(&value));
        let permits = Arc::new(Semaphore::new(hashing_max.clamp(1, HASHING_MAX)));
        Ok(Self { permits, nobody: Arc::new(nobody.into()) })
    }

    /// What argon2id makes of a new password.
    pub async fn hash(&self, password: SecretString) -> Result<SecretString, BadPassword> {
        if password.expose_secret().len() > PASSWORD_BYTES_MAX {
            return Err(BadPassword::Long);
        }
        let salt = random::<16>()?;
        let unavailable = |error: &dyn std::fmt::Display| BadPassword::Unavailable(error.to_string());
        let permit = self.permits.clone().acquire_owned().await.map_err(|error| unavailable(&error))?;
        let hashed = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let made = argon2()?.hash_password_with_salt(password.expose_secret().as_bytes(), &salt)?;
            Ok::<_, argon2::password_hash::Error>(SecretString::from(made.to_string()))
        });
        hashed.await.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))
    }

    /// Whether the password is the one that was hashed. Without a hash it never is, and takes as long. A caller who goes away
    /// does not free her place before the work is done.
    pub(super) async fn is_right(&self, hash: Option<&SecretString>, password: &SecretString) -> bool {
        let Ok(permit) = self.permits.clone().acquire_owned().await else { return false };
        let (there, hash, password) = (hash.is_some(), hash.unwrap_or(&self.nobody).clone(), password.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let hash = PasswordHash::new(hash.expose_secret()).map_err(|_| "a hash of the store cannot be read")?;
            let argon2 = argon2().map_err(|_| "argon2 refuses its parameters")?;
            Ok::<_, &str>(argon2.verify_password(password.expose_secret().as_bytes(), &hash).is_ok())
        });
        match checked.await {
            Ok(Ok(is_right)) => is_right && there,
            Ok(Err(fault)) => {
                tracing::error!(fault, "a password cannot be checked");
                false
            }
            Err(error) => {
                tracing::error!(%error, "a password cannot be checked");
                false
            }
        }
    }
}

fn argon2() -> Result<Argon2<'static>, argon2::Error> {
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, PASSES, LANES, None)?))
}

/// Octets from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], BadPassword> {
    let mut octets = [0; N];
    match rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty()) {
        Ok(count) if count == N => Ok(octets),
        _ => Err(BadPassword::Unavailable("no randomness".into())),
    }
}

/// A user at an address: one check at a time, and what came of the last one.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) checking: tokio::sync::Mutex<()>,
    pub(super) reading: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    right: Option<RightPassword>,
    facts: Option<Facts>,
}

struct RightPassword {
    seal: [u8; 32],
    until: Time,
    /// Digest of the hash that it was right for.
    hash: [u8; 32],
}

impl Desk {
    /// The user's rights, if her password is known to be right and they are fresh.
    pub(super) fn rights(&self, seal: &[u8; 32], now: Time, access: &Inner) -> Option<Arc<[Right]>> {
        let known = self.known();
        let right = known.right.as_ref().is_some_and(|right| right.seal == *seal && now < right.until);
        let facts = known.facts.as_ref().filter(|facts| right && access.is_fresh(facts, now))?;
        Some(facts.rights.clone())
    }

    /// Whether the password was right a short time ago.
    pub(super) fn is_right(&self, seal: &[u8; 32], now: Time) -> bool {
        self.known().right.as_ref().is_some_and(|right| right.seal == *seal && now < right.until)
    }

    /// The password was checked and is right.
    pub(super) fn was_right(&self, seal: [u8; 32], until: Time, hash: Option<[u8; 32]>, facts: Facts) {
        let right = hash.map(|hash| RightPassword { seal, until, hash });
        *self.known() = Known { right, facts: Some(facts) };
    }

    /// Takes the new facts if the password is still the one that was checked; otherwise it has to be checked again.
    pub(super) fn is_still_right(&self, seal: &[u8; 32], hash: &[u8; 32], facts: Facts) -> bool {
        let mut known = self.known();
        if known.right.as_ref().is_some_and(|right| right.seal == *seal && right.hash == *hash) {
            known.facts = Some(facts);
            return true;
        }
        // It was changed, or somebody else came with the new one meanwhile.
        if known.right.as_ref().is_some_and(|right| right.seal == *seal) {
            *known = Known::default();
        }
        false
    }

    /// A wrong password was tried: whether she is locked now is for the store to say.
    pub(super) fn forget_facts(&self) {
        self.known().facts = None;
    }

    pub(super) fn forget(&self) {
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Passwords that are checked at the same time, whatever is configured: 1.2 GiB.
pub const HASHING_MAX: usize = 64;
