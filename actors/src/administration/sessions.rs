//! Log-in sessions: a portal opens one for its visitor, she (with a certificate) or somebody who may confirms it here, and the
//! portal learns of it. Only who opened a session is told about it; to all others it does not exist.

use super::{Administration, AdministrationError, random_id};
use model::access::Authentication;
use model::{Caller, Function, UserName};
use std::time::Duration;
use store::access::{NewSession, SessionRow, SessionState};

/// How long sessions last.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// From its opening until it is confirmed.
    pub wait: Duration,
    /// From its confirmation, or from when it was last kept alive.
    pub kept: Duration,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { wait: Duration::from_secs(5 * 60), kept: Duration::from_secs(60 * 60) }
    }
}

impl Administration {
    /// Opens a session for a user; gives its id. Whether there is such a user is not told.
    pub async fn open_session(
        &self,
        caller: &Caller,
        user: &UserName,
        service_name: &str,
        service_address: &str,
        browser_address: &str,
    ) -> Result<(String, SessionState), AdministrationError> {
        caller.may(Function::OpenSessions, None)?;
        let now = self.now();
        let new = NewSession {
            id: random_id()?,
            user: user.clone(),
            service_name: service_name.to_owned(),
            service_address: service_address.to_owned(),
            browser_address: browser_address.to_owned(),
            opened_by: caller.user.clone(),
            opened_at: now,
            expires_at: now.plus(self.settings.sessions.wait),
        };
        match self.store().open_session(&caller.tenant, &new).await? {
            true => Ok((new.id, SessionState::Pending)),
            false => Err(AdministrationError::Nothing("too many log-in sessions are open".to_owned())),
        }
    }

    /// Where a session stands. That it was authenticated is told once; after that it is fetched.
    pub async fn session_state(&self, caller: &Caller, id: &str) -> Result<SessionState, AdministrationError> {
        caller.may(Function::OpenSessions, None)?;
        let now = self.now();
        let Some(row) = self.own_session(caller, id).await? else { return Ok(SessionState::Invalid) };
        let state = row.state_at(now);
        let fetch = (SessionState::Authenticated, SessionState::Fetched);
        if state == SessionState::Authenticated
            && !self.store().move_session(&caller.tenant, id, fetch, &caller.who(), now).await?
        {
            return Ok(SessionState::Fetched); // somebody else fetched it at the same moment
        }
        Ok(state)
    }

    /// The portal does not want to know any more.
    pub async fn cancel_session(&self, caller: &Caller, id: &str) -> Result<SessionState, AdministrationError> {
        caller.may(Function::OpenSessions, None)?;
        let now = self.now();
        let Some(row) = self.own_session(caller, id).await? else { return Ok(SessionState::Invalid) };
        let state = row.state_at(now);
        let cancel = (state, SessionState::Cancelled);
        let open = [SessionState::Pending, SessionState::Authenticated, SessionState::Suspended, SessionState::Fetched];
        if open.contains(&state) && self.store().move_session(&caller.tenant, id, cancel, &caller.who(), now).await? {
            return Ok(SessionState::Cancelled);
        }
        Ok(self.own_session(caller, id).await?.map_or(SessionState::Invalid, |row| row.state_at(now)))
    }

    /// The portal's visitor has logged out: the session is forgotten.
    pub async fn release_session(&self, caller: &Caller, id: &str) -> Result<SessionState, AdministrationError> {
        caller.may(Function::OpenSessions, None)?;
        if self.own_session(caller, id).await?.is_none() {
            return Ok(SessionState::Invalid);
        }
        self.store().forget_session(&caller.tenant, id, &caller.who(), self.now()).await?;
        Ok(SessionState::None)
    }

    /// Keeps a session alive that was confirmed. `false`: there is none.
    pub async fn prolong_session(&self, caller: &Caller, id: &str) -> Result<bool, AdministrationError> {
        caller.may(Function::OpenSessions, None)?;
        let now = self.now();
        if self.own_session(caller, id).await?.is_none() {
            return Ok(false);
        }
        let until = now.plus(self.settings.sessions.kept);
        Ok(self.store().prolong_session(&caller.tenant, id, until, now).await?)
    }

    /// Confirms or denies a session: her own with a certificate, or any with the right to.
    pub async fn decide_session(
        &self,
        caller: &Caller,
        id: &str,
        authenticated: bool,
    ) -> Result<SessionState, AdministrationError> {
        let row = self.store().session(&caller.tenant, id).await?;
        let own = row.as_ref().is_some_and(|row| row.session.user == caller.user);
        if !own || caller.authentication != Authentication::Certificate {
            caller.may(Function::ConfirmSessions, None)?;
        }
        let Some(row) = row else { return Ok(SessionState::Invalid) };
        let now = self.now();
        // Whoever opens a session for somebody does not say that it is she.
        if row.session.opened_by == caller.user {
            return Err(AdministrationError::Forbidden("who opened a log-in session does not confirm it"));
        }
        if self.store().decide_session(&caller.tenant, id, authenticated, &caller.who(), now).await? && authenticated {
            let until = now.plus(self.settings.sessions.kept);
            self.store().prolong_session(&caller.tenant, id, until, now).await?;
        }
        let row = self.store().session(&caller.tenant, id).await?;
        Ok(row.map_or(SessionState::Invalid, |row| row.state_at(now)))
    }

    /// Sessions that wait for the caller: her own, or all with the right to confirm them.
    pub async fn sessions_waiting(&self, caller: &Caller) -> Result<Vec<SessionRow>, AdministrationError> {
        let all = caller.may(Function::ConfirmSessions, None).is_ok();
        let user = Some(&caller.user).filter(|_| !all);
        Ok(self.store().sessions_waiting(&caller.tenant, user, self.now()).await?)
    }

    async fn own_session(&self, caller: &Caller, id: &str) -> Result<Option<SessionRow>, AdministrationError> {
        let row = self.store().session(&caller.tenant, id).await?;
        Ok(row.filter(|row| row.session.opened_by == caller.user))
    }
}
