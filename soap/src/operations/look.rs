//! Operations that say what is there: profiles, signers.

use super::Operations;
use super::mapping::level_of;
use crate::content::Content;
use crate::fault::Fault;
use crate::read::{Call, Contents};
use crate::types::*;
use crate::write::Reply;
use actors::token::roster::{TokenState, TokenStatus};
use model::profile::Format;
use model::{Caller, Function, Profile, SignerName};
use std::collections::{BTreeMap, BTreeSet};

impl Operations {
    /// Each that the caller may use for what it is there for.
    pub(super) fn profiles(&self, caller: &Caller) -> Result<Reply, Fault> {
        let holdings = self.api.catalogue().of(&caller.tenant);
        let usable = |profile: &&std::sync::Arc<Profile>| {
            let functions = functions_of(profile.format);
            functions.iter().any(|function| caller.may(*function, Some(&profile.name)).is_ok())
        };
        let profiles = holdings.profiles.values().filter(usable).map(|profile| ProfileEntry {
            name: profile.name.to_string(),
            format: profile.format.word().to_owned(),
            level: level_of(profile.format, profile),
            pool: profile.format.signs().then(|| profile.pool.to_string()),
            digest: profile.format.signs().then(|| profile.digest.to_string()),
            encrypts: profile.encryption.is_some(),
        });
        Ok(Reply::plain(GetProfilesResponse { profiles: profiles.collect() }))
    }

    /// Each of the tenant, or of one of its profiles' pools.
    pub(super) fn signers(&self, caller: &Caller, call: &Call) -> Result<Reply, Fault> {
        let request: GetSignersRequest = call.request()?;
        let holdings = self.api.catalogue().of(&caller.tenant);
        let router = &self.api.services().router;
        let mut pools: BTreeMap<SignerName, BTreeSet<String>> = BTreeMap::new();
        for profile in holdings.profiles.values().filter(|profile| profile.format.signs()) {
            for signer in router.signers_of(&profile.pool).unwrap_or_default() {
                pools.entry(signer).or_default().insert(profile.pool.to_string());
            }
        }
        let mut wanted = holdings.signers.clone();
        if let Some(name) = &request.profile {
            let profile = self.profile(caller, name)?;
            let in_pool = router.signers_of(&profile.pool).unwrap_or_default();
            wanted.retain(|signer| in_pool.contains(signer));
        }
        let mut contents = Contents::default();
        let signers = wanted.into_iter().map(|name| {
            let status = router.token_of(&name).and_then(|serial| self.api.services().roster.token(&serial).cloned());
            let (state, reason) = state_of(status.map(|view| view.status()).as_ref(), &name);
            let signer = router.signer(&name);
            let certificate = signer.as_ref().and_then(|signer| trust::Cert::read(&signer.certificate).ok());
            SignerEntry {
                pools: pools.get(&name).into_iter().flatten().cloned().collect(),
                state: state.to_owned(),
                reason,
                subject: signer.as_ref().map(|signer| signer.subject.to_string()),
                key_kind: signer.as_ref().map(|signer| signer.key.to_string()),
                not_after: certificate.map(|certificate| certificate.not_after().into()),
                certificate: signer.map(|signer| contents.add(Content::of_bytes(signer.certificate.to_vec()))),
                name: name.to_string(),
            }
        });
        let signers = signers.collect();
        Ok(Reply::new(GetSignersResponse { signers }, contents))
    }
}

/// What a profile is there for.
pub(super) fn functions_of(format: Format) -> &'static [Function] {
    match format {
        Format::Extended => &[Function::Extend],
        Format::TimeStamp => &[Function::Timestamp],
        Format::Encrypted => &[Function::Encrypt],
        Format::Decrypted => &[Function::Decrypt],
        _ => &[Function::Sign, Function::SignHash],
    }
}

fn state_of(status: Option<&TokenStatus>, name: &SignerName) -> (&'static str, Option<String>) {
    let Some(status) = status else { return ("down", Some("its token could not be set up".to_owned())) };
    let state = match status.state {
        TokenState::LoggedIn if status.signers.contains(name) => "ready",
        other => pool_state(other),
    };
    (state, status.reason.clone())
}

/// A token's state in the words of the messages.
pub(super) fn pool_state(state: TokenState) -> &'static str {
    match state {
        TokenState::LoggedIn => "ready",
        TokenState::Blocked => "blocked",
        TokenState::Present | TokenState::Restarting => "waiting",
        TokenState::Absent | TokenState::Stuck => "down",
    }
}
