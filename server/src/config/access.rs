//! `[access]`: how users show who they are, and what happens when they guess.

use actors::access::{AccessSettings, RevocationMode};
use actors::administration::{AdministrationSettings, Role, SessionSettings};
use model::TenantId;
use serde::Deserialize;
use std::time::Duration;

/// `[access]`. All of it can be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Characters that a new password needs.
    pub password_chars_min: usize,
    /// Wrong passwords for a name from one address.
    pub wrong_passwords_max: u32,
    /// Wrong passwords for a name from all addresses.
    pub wrong_passwords_per_user_max: u32,
    /// Wrong passwords from one address.
    pub wrong_passwords_per_address_max: u32,
    /// How long the first lock lasts, in milliseconds.
    pub lock_ms: u64,
    /// How long a lock lasts at most, in milliseconds.
    pub lock_max_ms: u64,
    /// How old what is known of a user may be, in milliseconds.
    pub rights_kept_ms: u64,
    /// For how long a password that was right is not checked again, in milliseconds.
    pub password_kept_ms: u64,
    /// Passwords that are checked at the same time; without it one for two processors.
    pub passwords_at_once_max: Option<usize>,
    /// Whether certificates of users are asked for being revoked.
    pub revocation: RevocationWord,
    /// For how long a certificate that was not revoked is not asked for again, in milliseconds.
    pub revocation_kept_ms: u64,
    /// How long a change waits for a second person, in hours.
    pub pending_hours: u32,
    /// How long a log-in session waits to be confirmed, in milliseconds.
    pub session_wait_ms: u64,
    /// How long a confirmed log-in session lasts, in milliseconds.
    pub session_kept_ms: u64,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            password_chars_min: 12,
            wrong_passwords_max: 5,
            wrong_passwords_per_user_max: 20,
            wrong_passwords_per_address_max: 50,
            lock_ms: 60_000,
            lock_max_ms: 900_000,
            rights_kept_ms: 5_000,
            password_kept_ms: 900_000,
            passwords_at_once_max: None,
            revocation: RevocationWord::Off,
            revocation_kept_ms: 300_000,
            pending_hours: 7 * 24,
            session_wait_ms: 300_000,
            session_kept_ms: 3_600_000,
        }
    }
}

/// `revocation`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum RevocationWord {
    /// Nobody is asked.
    Off,
    /// Only what is known to be revoked is refused.
    Soft,
    /// Only what is known not to be revoked is accepted.
    Hard,
}

impl AccessConfig {
    /// The key of a number that cannot work, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let at_least_two = [
            ("wrong_passwords_max", self.wrong_passwords_max),
            ("wrong_passwords_per_user_max", self.wrong_passwords_per_user_max),
            ("wrong_passwords_per_address_max", self.wrong_passwords_per_address_max),
        ];
        for (key, value) in at_least_two {
            if value < 2 {
                return Err((key, "must be at least 2: everybody mistypes once"));
            }
        }
        let at_least_one = [
            ("lock_ms", self.lock_ms),
            ("pending_hours", u64::from(self.pending_hours)),
            ("session_wait_ms", self.session_wait_ms),
            ("session_kept_ms", self.session_kept_ms),
            ("passwords_at_once_max", self.passwords_at_once_max.map_or(1, |most| most as u64)),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err((key, "must be at least 1"));
            }
        }
        if self.lock_max_ms < self.lock_ms {
            return Err(("lock_max_ms", "must not be less than lock_ms"));
        }
        // A revoked right that goes on for hours would be none.
        if self.rights_kept_ms > 60_000 {
            return Err(("rights_kept_ms", "must be at most 60000"));
        }
        if self.password_kept_ms > 24 * 3_600_000 {
            return Err(("password_kept_ms", "must be at most 86400000, a day"));
        }
        if !(4..=128).contains(&self.password_chars_min) {
            return Err(("password_chars_min", "must be 4 to 128"));
        }
        Ok(())
    }

    /// How credentials are checked.
    pub fn settings(&self, home: TenantId) -> AccessSettings {
        let mut settings = AccessSettings::of(home);
        settings.limits.per_pair = self.wrong_passwords_max;
        settings.limits.per_user = self.wrong_passwords_per_user_max;
        settings.limits.per_address = self.wrong_passwords_per_address_max;
        settings.limits.lock = Duration::from_millis(self.lock_ms);
        settings.limits.lock_max = Duration::from_millis(self.lock_max_ms);
        settings.rights_kept = Duration::from_millis(self.rights_kept_ms);
        settings.password_kept = Duration::from_millis(self.password_kept_ms);
        settings.hashing_max = self.passwords_at_once_max.unwrap_or(settings.hashing_max);
        settings.revocation = match self.revocation {
            RevocationWord::Off => RevocationMode::Off,
            RevocationWord::Soft => RevocationMode::Soft,
            RevocationWord::Hard => RevocationMode::Hard,
        };
        settings.revocation_kept = Duration::from_millis(self.revocation_kept_ms);
        settings
    }

    /// How users are administered.
    pub fn administration(&self, roles: Vec<Role>) -> AdministrationSettings {
        AdministrationSettings {
            password_chars_min: self.password_chars_min,
            pending_kept: Duration::from_secs(u64::from(self.pending_hours) * 3_600),
            roles,
            sessions: SessionSettings {
                wait: Duration::from_millis(self.session_wait_ms),
                kept: Duration::from_millis(self.session_kept_ms),
            },
        }
    }

    /// Threads that checks of passwords may keep busy.
    pub fn threads(&self) -> usize {
        self.passwords_at_once_max.unwrap_or_else(actors::access::hashing_default).min(actors::access::HASHING_MAX)
    }
}
