//! The durable record of login attempts, over the store. Called from threads that may block, never from a task.

use model::{Clock, TenantId, TokenSerial};
use std::sync::Arc;
use store::{Begin, LoginState, Store, StoreError};
use token::{LoginLedger, LoginRefused};
use tokio::runtime::Handle;

/// Writes every attempt before it is made. If the store can't be reached, there is no attempt.
pub struct StoreLedger {
    store: Store,
    tenant: TenantId,
    clock: Arc<dyn Clock>,
    runtime: Handle,
}

impl StoreLedger {
    /// A ledger that blocks on `runtime`.
    pub fn new(store: Store, tenant: TenantId, clock: Arc<dyn Clock>, runtime: Handle) -> Self {
        Self { store, tenant, clock, runtime }
    }

    /// Whether an attempt would be permitted now.
    pub fn is_free(&self, serial: &TokenSerial) -> bool {
        let state = self.runtime.block_on(self.store.login_state(&self.tenant, serial));
        match state {
            Ok(row) => row.is_none_or(|row| row.state == LoginState::Free),
            Err(_) => false,
        }
    }

    fn note(&self, what: &'static str, serial: &TokenSerial, written: Result<bool, StoreError>) {
        if let Err(error) = written {
            // The row stays "attempting": the next start finds the token blocked. That is the safe side.
            tracing::error!(token = %serial, %error, what, "the outcome of a login could not be recorded");
        }
    }
}

impl LoginLedger for StoreLedger {
    fn begin(&self, serial: &TokenSerial) -> Result<(), LoginRefused> {
        let begun = self.runtime.block_on(self.store.begin_login(&self.tenant, serial, self.clock.now()));
        match begun {
            Ok(Begin::Free) => Ok(()),
            Ok(Begin::Refused(row)) => Err(LoginRefused::Ledger(match (row.state, row.why) {
                (_, Some(why)) => format!("it was blocked by server {}: {why}", row.node),
                (LoginState::Attempting, None) => {
                    format!("server {} began an attempt and never said how it ended", row.node)
                }
                (_, None) => format!("it was blocked by server {}", row.node),
            })),
            Err(error) => Err(LoginRefused::Ledger(error.to_string())),
        }
    }

    fn accepted(&self, serial: &TokenSerial) {
        let written = self.runtime.block_on(self.store.login_accepted(&self.tenant, serial, self.clock.now()));
        self.note("accepted", serial, written);
    }

    fn refused(&self, serial: &TokenSerial, why: &str) {
        let written =
            self.runtime.block_on(self.store.login_refused(&self.tenant, serial, why, self.clock.now())).map(|()| true);
        self.note("refused", serial, written);
    }

    fn not_tried(&self, serial: &TokenSerial) {
        let written = self.runtime.block_on(self.store.login_not_tried(&self.tenant, serial, self.clock.now()));
        self.note("not tried", serial, written);
    }
}
