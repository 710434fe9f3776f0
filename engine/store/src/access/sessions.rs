//! Log-in sessions: somebody logs in to another service, and this server is asked whether she is who she says.
//!
//! A session is opened pending, confirmed or denied by whoever may, fetched by the service, and ends at its time. Each step
//! is taken once, whichever server is asked.

use super::{entry, unknown_word};
use crate::value::{Row, bounded};
use crate::work::Work;
use crate::{NAME_BYTES_MAX, Store, StoreError, TEXT_BYTES_MAX, sql::access as sql};
use model::limits::ACCESS_SESSIONS_MAX;
use model::{TenantId, Time, UserName};

/// Where a session stands. The numbers are those that clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Nothing has been asked for.
    None = 0,
    /// It waits for a decision.
    Pending = 1,
    /// Its time is over.
    Expired = 2,
    /// She is who she says.
    Authenticated = 3,
    /// She is not.
    Denied = 4,
    /// It is put off.
    Suspended = 5,
    /// The service does not want to know any more.
    Cancelled = 6,
    /// The service knows that she was authenticated.
    Fetched = 7,
    /// There is no such session.
    Invalid = 8,
}

impl SessionState {
    /// All states.
    pub const ALL: [SessionState; 9] = [
        SessionState::None,
        SessionState::Pending,
        SessionState::Expired,
        SessionState::Authenticated,
        SessionState::Denied,
        SessionState::Suspended,
        SessionState::Cancelled,
        SessionState::Fetched,
        SessionState::Invalid,
    ];

    /// The number that clients know.
    pub fn number(self) -> i64 {
        self as i64
    }

    fn from_number(number: i64) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|state| state.number() == number);
        known.ok_or_else(|| unknown_word("the state of a log-in session", &number.to_string()))
    }
}

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its id: not guessable, unique in its tenant.
    pub id: String,
    /// Who says that she logs in.
    pub user: UserName,
    /// To what, as the service calls itself.
    pub service_name: String,
    /// Where the service is.
    pub service_address: String,
    /// Where her browser is.
    pub browser_address: String,
    /// Who opens it: the service's own user.
    pub opened_by: UserName,
    /// When.
    pub opened_at: Time,
    /// When it ends by itself.
    pub expires_at: Time,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// How it was opened.
    pub session: NewSession,
    /// Where it stands, as stored; see [`SessionRow::state_at`].
    pub state: SessionState,
    /// Who decided about it.
    pub decided_by: Option<String>,
}

impl SessionRow {
    /// Where it stands at this moment: what has not ended otherwise ends by its time.
    pub fn state_at(&self, now: Time) -> SessionState {
        match self.state {
            SessionState::Denied | SessionState::Cancelled | SessionState::Expired => self.state,
            _ if now >= self.session.expires_at => SessionState::Expired,
            state => state,
        }
    }
}

impl Store {
    /// Opens a session, pending. `false`: too many are open, or the id is taken.
    pub async fn open_session(&self, tenant: &TenantId, new: &NewSession) -> Result<bool, StoreError> {
        let row = vec![
            tenant.as_str().into(),
            new.id.as_str().into(),
            new.user.as_str().into(),
            bounded(&new.service_name, NAME_BYTES_MAX).into(),
            bounded(&new.service_address, NAME_BYTES_MAX).into(),
            bounded(&new.browser_address, NAME_BYTES_MAX).into(),
            new.opened_by.as_str().into(),
            new.opened_at.micros().into(),
            new.expires_at.micros().into(),
            i64::try_from(ACCESS_SESSIONS_MAX).unwrap_or(i64::MAX).into(),
        ];
        // A day later nobody asks for them any more.
        let purge = vec![tenant.as_str().into(), new.opened_at.micros().saturating_sub(DAY_MICROS).into()];
        let about = format!("{} at {}", new.user, new.service_name);
        let opened = entry(new.opened_at, &format!("user:{}", new.opened_by), "session.opened", &new.id, Some(about));
        let work = Work::new(tenant).demand(sql::SESSION_OPEN, row).step(sql::SESSION_PURGE, vec![purge]);
        Ok(!self.write(work.entry(&opened)).await?.taken_back)
    }

    /// One session.
    pub async fn session(&self, tenant: &TenantId, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let rows = self.read(sql::SESSION, vec![tenant.as_str().into(), id.into()]).await?;
        rows.first().map(session_row).transpose()
    }

    /// Sessions that wait for a decision, of one user or of all, oldest first.
    pub async fn sessions_waiting(
        &self,
        tenant: &TenantId,
        user: Option<&UserName>,
        now: Time,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let most = i64::try_from(ACCESS_SESSIONS_MAX).unwrap_or(i64::MAX);
        let user = user.map_or("", UserName::as_str);
        let values = vec![tenant.as_str().into(), now.micros().into(), user.into(), most.into()];
        self.read(sql::SESSIONS_WAITING, values).await?.iter().map(session_row).collect()
    }

    /// Somebody decides about a session that waits: authenticated or denied. Written to the audit log. `false`: it does not
    /// wait (any more).
    pub async fn decide_session(
        &self,
        tenant: &TenantId,
        id: &str,
        authenticated: bool,
        who: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let (state, what) = match authenticated {
            true => (SessionState::Authenticated, "session.confirmed"),
            false => (SessionState::Denied, "session.denied"),
        };
        let row = vec![
            tenant.as_str().into(),
            id.into(),
            SessionState::Pending.number().into(),
            state.number().into(),
            bounded(who, TEXT_BYTES_MAX).into(),
            now.micros().into(),
        ];
        let work = Work::new(tenant).demand(sql::SESSION_DECIDE, row).entry(&entry(now, who, what, id, None));
        Ok(!self.write(work).await?.taken_back)
    }

    /// Takes a session from one state to another in its time, as cancelling and fetching do; once, whichever server is asked.
    /// Written to the audit log. `false`: it is not in that state.
    pub async fn move_session(
        &self,
        tenant: &TenantId,
        id: &str,
        (from, to): (SessionState, SessionState),
        who: &str,
        now: Time,
    ) -> Result<bool, StoreError> {
        let row =
            vec![tenant.as_str().into(), id.into(), from.number().into(), to.number().into(), now.micros().into()];
        let detail = Some(format!("{} to {}", from.number(), to.number()));
        let work = Work::new(tenant).demand(sql::SESSION_MOVE, row);
        let work = work.entry(&entry(now, who, "session.moved", id, detail));
        Ok(!self.write(work).await?.taken_back)
    }

    /// Forgets a session. Written to the audit log. `false`: there is none.
    pub async fn forget_session(&self, tenant: &TenantId, id: &str, who: &str, now: Time) -> Result<bool, StoreError> {
        let work = Work::new(tenant).demand(sql::SESSION_DELETE, vec![tenant.as_str().into(), id.into()]);
        Ok(!self.write(work.entry(&entry(now, who, "session.released", id, None))).await?.taken_back)
    }

    /// Gives a session that was confirmed more time. `false`: there is none, or its time is over.
    pub async fn prolong_session(
        &self,
        tenant: &TenantId,
        id: &str,
        expires_at: Time,
        now: Time,
    ) -> Result<bool, StoreError> {
        let row = vec![tenant.as_str().into(), id.into(), expires_at.micros().into(), now.micros().into()];
        Ok(!self.write(Work::new(tenant).demand(sql::SESSION_PROLONG, row)).await?.taken_back)
    }
}

fn session_row(row: &Row) -> Result<SessionRow, StoreError> {
    use super::people::user_name;
    Ok(SessionRow {
        session: NewSession {
            id: row.text(0)?.to_owned(),
            user: user_name(row.text(1)?)?,
            service_name: row.text(2)?.to_owned(),
            service_address: row.text(3)?.to_owned(),
            browser_address: row.text(4)?.to_owned(),
            opened_by: user_name(row.text(6)?)?,
            opened_at: Time::from_micros(row.int(7)?),
            expires_at: Time::from_micros(row.int(8)?),
        },
        state: SessionState::from_number(row.int(5)?)?,
        decided_by: row.optional_text(9)?,
    })
}

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
