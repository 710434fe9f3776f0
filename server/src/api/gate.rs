//! Who calls: from what a request shows to a [`Caller`], or to the fault that says she is not known.
//!
//! Checks nothing itself: `actors::access` believes or does not. Adds what only the edge knows: by which door somebody
//! came, and which tokens were seen before.

use super::Edge;
use super::connection::{Door, Peer};
use super::credentials::Presented;
use super::replay::Seen;
use actors::access::Refused;
use model::{Caller, TenantId, UserName};
use secrecy::SecretString;
use soap::fault::{Fault, status};
use soap::read::UsernameToken;
use std::net::IpAddr;
use std::sync::Arc;

impl Edge {
    /// The caller by what stands before the body. `Ok(None)`: nothing stands there that says who; the message may.
    pub(super) async fn caller_before(&self, peer: &Peer, shown: &Presented) -> Result<Option<Caller>, Fault> {
        if let Some((user, password)) = &shown.basic {
            let found = self.by_password(self.tenant(shown), user.as_str(), password, peer.address).await;
            return self.let_in(peer, found).map(Some);
        }
        let Some(certificate) = &shown.certificate else { return Ok(None) };
        match self.by_certificate(shown.tenant.clone(), certificate.clone(), peer.address).await {
            // A client may show a certificate to everybody and mean nothing by it.
            Err(Refused::WrongCredentials) => Ok(None),
            found => self.let_in(peer, found).map(Some),
        }
    }

    /// The caller by the token of the message. `before`: who she was taken for before it came; it must be the same.
    pub(super) async fn caller_in_message(
        &self,
        peer: &Peer,
        shown: &Presented,
        token: &UsernameToken,
        before: Option<&Caller>,
    ) -> Result<Caller, Fault> {
        let now = self.access.clock().now();
        token.check_fresh(now)?;
        let tenant = before.map_or_else(|| self.tenant(shown), |before| &before.tenant);
        let found = self.by_password(tenant, &token.user, token.password.get(), peer.address).await;
        let caller = self.let_in(peer, found)?;
        if before.is_some_and(|before| before.user != caller.user) {
            return Err(Fault::security("InvalidSecurity", "the message names another user than the request"));
        }
        match self.replays.see(tenant.as_str(), token, now) {
            Seen::New => Ok(caller),
            Seen::Again => Err(Fault::security("InvalidSecurityToken", "the security token was used before")),
            Seen::Full => Err(Fault::busy(self.settings.retry_after_s)),
        }
    }

    async fn by_password(
        &self,
        tenant: &TenantId,
        user: &str,
        password: &SecretString,
        address: IpAddr,
    ) -> Result<Caller, Refused> {
        if let Some(caller) = self.access.kept_by_password(tenant, user, password, address) {
            return Ok(caller);
        }
        let (access, tenant, user, password) = (self.access.clone(), tenant.clone(), user.to_owned(), password.clone());
        self.inside(async move { access.by_password(&tenant, &user, &password, address).await }).await
    }

    async fn by_certificate(
        &self,
        tenant: Option<TenantId>,
        certificate: Arc<[u8]>,
        address: IpAddr,
    ) -> Result<Caller, Refused> {
        // Whoever was let in a moment ago is not sent through the threads that documents are worked on: they may be busy.
        if let Some(caller) = self.access.kept_by_certificate(tenant.as_ref(), &certificate, address) {
            return Ok(caller);
        }
        let access = self.access.clone();
        self.inside(async move { access.by_certificate(tenant.as_ref(), &certificate, address).await }).await
    }

    /// Where the store's connections live, and where the threads for hashing are counted.
    async fn inside(
        &self,
        check: impl Future<Output = Result<Caller, Refused>> + Send + 'static,
    ) -> Result<Caller, Refused> {
        self.runtime.spawn(check).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a check of credentials has failed");
            Err(Refused::Unavailable)
        })
    }

    fn tenant<'e>(&'e self, shown: &'e Presented) -> &'e TenantId {
        shown.tenant.as_ref().unwrap_or(&self.settings.tenant)
    }

    fn let_in(&self, peer: &Peer, found: Result<Caller, Refused>) -> Result<Caller, Fault> {
        let caller = found.map_err(|refused| self.refusal(refused))?;
        if peer.door == Door::Legacy && !self.may_use_legacy(&caller.tenant, &caller.user) {
            tracing::warn!(user = %caller.user, address = %peer.address, "refused at the door of old TLS");
            let sentence = "this user may not call over old TLS";
            return Err(Fault::client("old-tls", sentence).with_status(status::NO_PERMISSION).with_http(403));
        }
        Ok(caller)
    }

    fn may_use_legacy(&self, tenant: &TenantId, user: &UserName) -> bool {
        self.settings.legacy_users.iter().any(|(of, name)| of == tenant && name == user)
    }

    fn refusal(&self, refused: Refused) -> Fault {
        let seconds = |time: std::time::Duration| u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX);
        match refused {
            Refused::WrongCredentials => Fault::unauthenticated(),
            Refused::Locked => Fault::unauthenticated().with_status(status::ACCOUNT_LOCKED),
            Refused::TooManyAttempts { retry_after } => Fault::busy(seconds(retry_after)),
            Refused::Unavailable => Fault::busy(self.settings.retry_after_s),
        }
    }
}
