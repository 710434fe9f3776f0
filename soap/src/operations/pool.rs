//! Operations about the token pool: who of the tenant's tokens does what, and changing that while the server runs.

use super::Operations;
use super::look::pool_state;
use super::mapping::store;
use crate::fault::Fault;
use crate::read::Call;
use crate::types::*;
use crate::write::Reply;
use actors::pool::{NotChanged, TokenPool};
use model::{AuditEntry, Caller, TokenSerial};

impl Operations {
    pub(super) fn token_pool(&self, caller: &Caller) -> Result<Reply, Fault> {
        Ok(Reply::plain(GetTokenPoolResponse {
            tokens: self.own_tokens(caller).iter().map(entry).collect(),
            interactive_share: Some(number(self.api.interactive_share())),
            caps: vec![self.cap(caller)],
        }))
    }

    pub(super) async fn resize_token_pool(&self, caller: &Caller, call: &Call) -> Result<Reply, Fault> {
        let request: ResizeTokenPoolRequest = call.request()?;
        let services = self.api.services();
        let mut changes = Vec::new();
        if let Some(token) = &request.token {
            let serial = TokenSerial(token.as_str().into());
            if !self.api.catalogue().tokens(&caller.tenant).contains(&serial) {
                return Err(unchanged(&NotChanged::NoToken(token.clone())));
            }
            if let Some(weight) = request.weight {
                services.weigh_token(&serial, weight as f64).map_err(|why| unchanged(&why))?;
                changes.push(format!("weight {weight}"));
            }
            if let Some(sessions) = request.sessions {
                let sessions = usize::try_from(sessions).unwrap_or(0);
                services.resize_token(&serial, sessions).map_err(|why| unchanged(&why))?;
                changes.push(format!("{sessions} sessions"));
            }
        } else if request.weight.is_some() || request.sessions.is_some() {
            return Err(Fault::client("token-missing", "sessions and weight are of a token: say of which"));
        }
        if let Some(share) = request.interactive_share {
            self.api.keep_for_interactive(usize::try_from(share).unwrap_or(0));
            changes.push(format!("{share} % for callers who wait"));
        }
        let mut allowance = self.api.shares().status(&caller.tenant).allowance;
        if let Some(documents) = request.tenant_documents_max {
            allowance.documents_max = usize::try_from(documents).unwrap_or(1);
            changes.push(format!("{documents} documents of the tenant"));
        }
        if let Some(weight) = request.tenant_weight {
            allowance.weight = u32::try_from(weight).unwrap_or(1);
            changes.push(format!("weight {weight} of the tenant"));
        }
        self.api.shares().allow(&caller.tenant, allowance);
        if changes.is_empty() {
            return Err(Fault::client("nothing-to-change", "the request asks for no change"));
        }
        let audit = AuditEntry {
            at: self.clock().now(),
            who: caller.who(),
            what: "pool.tuned",
            object: request.token.clone().unwrap_or_else(|| caller.tenant.to_string()),
            signer: None,
            detail: Some(changes.join(", ")),
        };
        services.store.append_audit(&caller.tenant, &[audit]).await.map_err(|error| store(&error))?;
        let token =
            self.own_tokens(caller).into_iter().find(|token| Some(&*token.serial.0) == request.token.as_deref());
        Ok(Reply::plain(ResizeTokenPoolResponse {
            token: token.as_ref().map(entry),
            interactive_share: Some(number(self.api.interactive_share())),
            caps: vec![self.cap(caller)],
        }))
    }

    fn own_tokens(&self, caller: &Caller) -> Vec<TokenPool> {
        let own = self.api.catalogue().tokens(&caller.tenant);
        let mut tokens = self.api.services().pool().tokens;
        tokens.retain(|token| own.contains(&token.serial));
        tokens
    }

    fn cap(&self, caller: &Caller) -> TenantCap {
        let share = self.api.shares().status(&caller.tenant);
        TenantCap {
            tenant: caller.tenant.to_string(),
            documents_max: number(share.allowance.documents_max),
            documents: number(share.documents),
            weight: i64::from(share.allowance.weight),
        }
    }
}

fn entry(token: &TokenPool) -> TokenEntry {
    TokenEntry {
        name: token.serial.to_string(),
        state: pool_state(token.state).to_owned(),
        reason: token.reason.clone(),
        sessions: number(token.sessions),
        sessions_wanted: number(token.sessions_wanted),
        weight: token.weight.round() as i64,
        waiting: number(token.assigned),
        signed: i64::try_from(token.done.signatures).unwrap_or(i64::MAX),
        per_minute: (token.rate_60s * 60.0).round() as i64,
        failed: i64::try_from(token.done.faults).unwrap_or(i64::MAX),
        median_micros: token.median_sign.map(|time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX)),
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unchanged(why: &NotChanged) -> Fault {
    match why {
        NotChanged::NoToken(_) => Fault::not_found("token-unknown", why.to_string()),
        NotChanged::Sessions | NotChanged::Weight => Fault::client("out-of-range", why.to_string()),
        NotChanged::NotNow => Fault { sentence: why.to_string(), ..Fault::busy(1) },
    }
}
