//! The login state of each token: the durable half of the rule that a PIN is tried once, ever, until an operator acts.
//!
//! Never logs in itself and never holds a PIN.

use crate::value::{Row, Value, bounded};
use crate::work::{Entry, Work};
use crate::{Store, StoreError, TEXT_BYTES_MAX, sql};
use model::{AuditEntry, TenantId, Time, TokenSerial};

/// What the store knows about logging in to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginState {
    /// An attempt may be made.
    Free,
    /// An attempt was begun and its end is not known: somebody is at it, or crashed at it. As good as blocked.
    Attempting,
    /// Refused once; an operator has to act.
    Blocked,
}

impl LoginState {
    /// The word in the database and in reports.
    pub fn word(self) -> &'static str {
        match self {
            LoginState::Free => "free",
            LoginState::Attempting => "attempting",
            LoginState::Blocked => "blocked",
        }
    }
}

/// A token's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRow {
    /// Which token.
    pub serial: TokenSerial,
    /// Its state.
    pub state: LoginState,
    /// Since when.
    pub since: Time,
    /// The server that wrote the state.
    pub node: String,
    /// Why it is blocked.
    pub why: Option<String>,
}

/// The answer to [`Store::begin_login`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The attempt is on record; exactly one may be made now, and its end must be told.
    Free,
    /// No attempt may be made. An `Attempting` row of this very server, found at its start, is a crash during an
    /// attempt.
    Refused(LoginRow),
}

impl Store {
    /// Asks for permission to log in once. Atomic over all servers that share the database, and durable before it
    /// answers. After an error no attempt may be made; since it may be on record all the same, tell
    /// [`Store::login_not_tried`] when the database is back.
    pub async fn begin_login(&self, tenant: &TenantId, serial: &TokenSerial, now: Time) -> Result<Begin, StoreError> {
        for _ in 0..3 {
            let row = vec![tenant.as_str().into(), serial_text(serial), now.micros().into(), self.node().into()];
            let written = self.write(Work::new(tenant).step(sql::LOGIN_BEGIN, vec![row])).await?;
            if written.first() == 1 {
                return Ok(Begin::Free);
            }
            match self.login_state(tenant, serial).await? {
                Some(row) if row.state != LoginState::Free => return Ok(Begin::Refused(row)),
                _ => {} // freed between the two statements
            }
        }
        Err(StoreError::Unavailable(format!("the login state of token {serial} changes too fast")))
    }

    /// The token took the PIN. `false`: there was no attempt of this server on record.
    pub async fn login_accepted(&self, tenant: &TenantId, serial: &TokenSerial, now: Time) -> Result<bool, StoreError> {
        self.free(tenant, serial, now).await
    }

    /// The attempt did not reach the token (it was removed, the module is gone): nothing was tried. `false`: there was
    /// no attempt of this server on record.
    pub async fn login_not_tried(
        &self,
        tenant: &TenantId,
        serial: &TokenSerial,
        now: Time,
    ) -> Result<bool, StoreError> {
        self.free(tenant, serial, now).await
    }

    /// The token refused, or nobody knows: blocked until an operator clears it.
    pub async fn login_refused(
        &self,
        tenant: &TenantId,
        serial: &TokenSerial,
        why: &str,
        now: Time,
    ) -> Result<(), StoreError> {
        let row = vec![
            tenant.as_str().into(),
            serial_text(serial),
            now.micros().into(),
            self.node().into(),
            bounded(why, TEXT_BYTES_MAX).into(),
        ];
        self.write(Work::new(tenant).step(sql::LOGIN_BLOCK, vec![row])).await.map(|_| ())
    }

    /// An operator allows the next attempt; written to the audit log in the same transaction. `false`: it was free
    /// already, and nothing was written.
    pub async fn login_clear(
        &self,
        tenant: &TenantId,
        serial: &TokenSerial,
        operator: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![tenant.as_str().into(), serial_text(serial), now.micros().into()];
        let entry = AuditEntry {
            at: now,
            who: operator.to_owned(),
            what: "token.login.cleared",
            object: serial.to_string(),
            signer: None,
            detail: None,
        };
        let mut work = Work::new(tenant).step(sql::LOGIN_CLEAR, vec![row]);
        work.audit.push(Entry { entry: Store::entry(&entry), only_if: Some(0) });
        Ok(self.write(work).await?.first() == 1)
    }

    /// One token's row; `None` if no attempt was ever made.
    pub async fn login_state(&self, tenant: &TenantId, serial: &TokenSerial) -> Result<Option<LoginRow>, StoreError> {
        let rows = self.read(sql::LOGIN_STATE, vec![tenant.as_str().into(), serial_text(serial)]).await?;
        rows.first().map(login_row).transpose()
    }

    /// All rows, by serial number.
    pub async fn login_states(&self, tenant: &TenantId) -> Result<Vec<LoginRow>, StoreError> {
        self.read(sql::LOGIN_STATES, vec![tenant.as_str().into()]).await?.iter().map(login_row).collect()
    }

    async fn free(&self, tenant: &TenantId, serial: &TokenSerial, now: Time) -> Result<bool, StoreError> {
        let row = vec![tenant.as_str().into(), serial_text(serial), now.micros().into(), self.node().into()];
        let written = self.write(Work::new(tenant).step(sql::LOGIN_FREE, vec![row])).await?;
        Ok(written.first() == 1)
    }
}

/// A serial number as it is stored: some modules fill the field with NUL.
fn serial_text(serial: &TokenSerial) -> Value {
    bounded(&serial.0, TEXT_BYTES_MAX).into()
}

fn login_row(row: &Row) -> Result<LoginRow, StoreError> {
    let state = match row.text(1)? {
        "free" => LoginState::Free,
        "attempting" => LoginState::Attempting,
        "blocked" => LoginState::Blocked,
        other => return Err(StoreError::Corrupt(format!("a token's login state is \"{}\"", bounded(other, 40)))),
    };
    Ok(LoginRow {
        serial: TokenSerial(row.text(0)?.into()),
        state,
        since: Time::from_micros(row.int(2)?),
        node: row.text(3)?.to_owned(),
        why: row.optional_text(4)?,
    })
}
