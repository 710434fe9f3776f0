//! The durable record of login attempts, over the store. Called from threads that may block, never from a task.

use model::{Clock, TenantId, TokenSerial};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Begin, LoginState, Store};
use token::{LoginLedger, LoginRefused};
use tokio::runtime::Handle;

/// Writes every attempt before it is made. If the store can't be reached, there is no attempt.
pub struct StoreLedger {
    store: Store,
    tenant: TenantId,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    /// Tokens whose row may say "attempting" although the attempt ended well or never was, because the store went away
    /// in between. Their rows are ours to free once it is back.
    to_be_freed: Mutex<BTreeSet<TokenSerial>>,
    /// Tokens whose row this server has written or seen as "blocked". When such a row is free, an operator has freed it.
    blocked: Mutex<BTreeSet<TokenSerial>>,
}

/// What the record of a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An attempt may be made.
    Free,
    /// An attempt may be made because an operator said so after a block. Told once.
    Cleared,
    /// No attempt may be made.
    Held,
    /// The store can't be asked.
    Unknown,
}

impl StoreLedger {
    /// A ledger that blocks on `runtime`.
    pub fn new(store: Store, tenant: TenantId, clock: Arc<dyn Clock>, runtime: Handle) -> Self {
        Self { store, tenant, clock, runtime, to_be_freed: Mutex::default(), blocked: Mutex::default() }
    }

    /// What is on record.
    pub fn standing(&self, serial: &TokenSerial) -> Standing {
        if !self.free_if_owed(serial) {
            return Standing::Unknown;
        }
        let Ok(row) = self.runtime.block_on(self.store.login_state(&self.tenant, serial)) else {
            return Standing::Unknown;
        };
        match row.map_or(LoginState::Free, |row| row.state) {
            LoginState::Free if self.lock_blocked().remove(serial) => Standing::Cleared,
            LoginState::Free => Standing::Free,
            LoginState::Blocked => {
                self.lock_blocked().insert(serial.clone());
                Standing::Held
            }
            LoginState::Attempting => Standing::Held,
        }
    }

    fn lock_blocked(&self) -> MutexGuard<'_, BTreeSet<TokenSerial>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a token out until an operator acts, for a reason that is not its PIN. Whether that is on record now.
    pub fn block(&self, serial: &TokenSerial, why: &str) -> bool {
        let written = self.runtime.block_on(self.store.login_refused(&self.tenant, serial, why, self.clock.now()));
        if let Err(error) = &written {
            tracing::error!(token = %serial, %error, "the block of a token could not be recorded yet");
        } else {
            self.lock_blocked().insert(serial.clone());
        }
        written.is_ok()
    }

    /// The attempt is over and the row may be free again.
    fn free(&self, serial: &TokenSerial) {
        let written = self.runtime.block_on(self.store.login_accepted(&self.tenant, serial, self.clock.now()));
        let mut to_be_freed = self.to_be_freed.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(_) => {
                to_be_freed.remove(serial);
            }
            Err(error) => {
                // A crash before it is made good finds the token blocked at the next start: the safe side.
                tracing::error!(token = %serial, %error, "the end of a login could not be recorded yet");
                to_be_freed.insert(serial.clone());
            }
        }
    }

    /// Whether nothing is owed (any more).
    fn free_if_owed(&self, serial: &TokenSerial) -> bool {
        let owed = || self.to_be_freed.lock().unwrap_or_else(PoisonError::into_inner).contains(serial);
        if owed() {
            self.free(serial);
        }
        !owed()
    }
}

impl LoginLedger for StoreLedger {
    fn begin(&self, serial: &TokenSerial) -> Result<(), LoginRefused> {
        if !self.free_if_owed(serial) {
            // What is owed must not be paid after a later attempt, whose end may be another one.
            return Err(LoginRefused::Ledger("the end of an earlier attempt could not be recorded yet".to_owned()));
        }
        let begun = self.runtime.block_on(self.store.begin_login(&self.tenant, serial, self.clock.now()));
        match begun {
            Ok(Begin::Free) => Ok(()),
            Ok(Begin::Refused(row)) => {
                // Our own attempt that nobody ended, found at the start, is as good as a block; another server's may go on.
                if row.state == LoginState::Blocked || row.node == self.store.node() {
                    self.lock_blocked().insert(serial.clone());
                }
                Err(LoginRefused::Ledger(match (row.state, row.why) {
                    (_, Some(why)) => format!("it was blocked by server {}: {why}", row.node),
                    (LoginState::Attempting, None) => {
                        format!("server {} began an attempt and never said how it ended", row.node)
                    }
                    (_, None) => format!("it was blocked by server {}", row.node),
                }))
            }
            Err(error) => {
                // It may be on record all the same; no attempt follows.
                self.to_be_freed.lock().unwrap_or_else(PoisonError::into_inner).insert(serial.clone());
                Err(LoginRefused::Ledger(error.to_string()))
            }
        }
    }

    fn accepted(&self, serial: &TokenSerial) {
        self.free(serial);
    }

    fn refused(&self, serial: &TokenSerial, why: &str) {
        // If this fails the row stays "attempting", which permits no more than "blocked" does.
        self.block(serial, why);
    }

    fn not_tried(&self, serial: &TokenSerial) {
        self.free(serial);
    }
}
