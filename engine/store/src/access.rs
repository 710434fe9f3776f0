//! Tenants, users, groups and their rights, certificates of users, guesses at passwords, changes that wait for a second person,
//! and log-in sessions.
//!
//! Keeps what it is told and decides nothing about who may do what: that is the caller's part. Every change is one transaction
//! with its audit entry, and every condition that two servers could race for is in the statement itself. Passwords come in
//! as what argon2id made of them.

mod attempts;
mod certificates;
mod change;
mod pending;
mod people;
mod sessions;
mod tenants;

pub use attempts::{Attempt, GuessLimits, Standing};
pub use certificates::{CertificateRow, CertificateState};
pub use change::AccessChange;
pub use pending::{Decision, NewPending, PendingRow};
pub use people::{Credentials, Membership, RightRow, UserRow, UserState};
pub use sessions::{NewSession, SessionRow, SessionState};
pub use tenants::{TenantRow, TenantState};

use crate::StoreError;
use crate::value::bounded;
use model::{AuditEntry, Time};

/// An entry without a signer.
fn entry(at: Time, who: &str, what: &'static str, object: &str, detail: Option<String>) -> AuditEntry {
    AuditEntry { at, who: who.to_owned(), what, object: object.to_owned(), signer: None, detail }
}

/// A word in the database that this version does not know.
fn unknown_word(what: &str, word: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} is \"{}\"", bounded(word, 40)))
}
