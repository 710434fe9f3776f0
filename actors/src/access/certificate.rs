//! Client certificates: the exact certificate is looked for, not a name in it.

use super::audit::{Said, WINDOW};
use super::{Access, Facts, Refused, Revocation, RevocationMode, caller};
use formats::cms::certificate::Certificate;
use formats::crypto::digest;
use model::access::Authentication;
use model::{Caller, DigestAlgorithm, Right, TenantId, Time};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use store::access::{CertificateRow, CertificateState, Credentials, TenantState, UserState};

/// A certificate: one look at a time, and what came of the last one.
#[derive(Default)]
pub(super) struct Holder {
    looking: tokio::sync::Mutex<()>,
    known: Mutex<Option<Known>>,
}

#[derive(Clone)]
struct Known {
    caller: Caller,
    facts: Facts,
    /// Until when it is valid.
    not_after: Time,
    /// When it was last known not to be revoked.
    asked_at: Option<Time>,
}

impl Access {
    pub(super) async fn holder(&self, tenant: Option<&TenantId>, der: &[u8], address: &str) -> Result<Caller, Refused> {
        let fingerprint = fingerprint(der);
        let holder = self.0.holders.get_or_make((tenant.cloned(), fingerprint.clone()));
        let mut known = holder.known(self);
        if known.is_none() {
            let _one = holder.looking.lock().await;
            known = holder.known(self);
            if known.is_none() {
                let before = holder.asked_at();
                known = Some(self.look(tenant, der, &fingerprint, address, before).await?);
                *holder.known.lock().unwrap_or_else(PoisonError::into_inner) = known.clone();
            }
        }
        let Some(Known { caller, .. }) = known else { return Err(Refused::WrongCredentials) };
        let (who, detail) = (caller.who(), format!("certificate {fingerprint}"));
        let same = [caller.tenant.as_str(), &fingerprint, address];
        let said = accepted(&caller, &who, address, &detail, &same);
        self.note(self.0.settings.password_kept, said).await;
        Ok(caller)
    }

    /// The caller, if everything that is known of her still counts and the auditor has read of her a short time ago.
    pub(super) fn kept_holder(&self, tenant: Option<&TenantId>, der: &[u8], address: &str) -> Option<Caller> {
        let fingerprint = fingerprint(der);
        let key = (tenant.cloned(), fingerprint);
        let Known { caller, .. } = self.0.holders.get(&key)?.known(self)?;
        let same = [caller.tenant.as_str(), &key.1, address];
        let is_noted = self.is_noted(self.0.settings.password_kept, &accepted(&caller, "", address, "", &same));
        is_noted.then_some(caller)
    }

    async fn look(
        &self,
        tenant: Option<&TenantId>,
        der: &[u8],
        fingerprint: &str,
        address: &str,
        asked_at: Option<Time>,
    ) -> Result<Known, Refused> {
        let inner = &*self.0;
        let (now, changes) = (inner.clock.now(), inner.changes.load(Ordering::Acquire));
        let refused = async |tenant: &TenantId, why: &str| {
            self.refused(tenant, &format!("certificate {fingerprint}"), address, why).await;
            Err(Refused::WrongCredentials)
        };
        let rows: Vec<CertificateRow> = match tenant {
            Some(tenant) => self.told(inner.store.certificate(tenant, fingerprint).await)?.into_iter().collect(),
            None => self.told(inner.store.certificate_of_all(fingerprint).await)?,
        };
        let row = match rows.as_slice() {
            [row] => row,
            [] => {
                let tenant = tenant.unwrap_or(&inner.settings.home);
                let who = format!("certificate {fingerprint}");
                self.refused_stranger(tenant, &who, address, "it is nobody's").await;
                return Err(Refused::WrongCredentials);
            }
            _ => return refused(&inner.settings.home, "it is active in several tenants, and none was named").await,
        };
        match row.state {
            CertificateState::Active => {}
            CertificateState::Pending => return refused(&row.tenant, "it is not activated yet").await,
            CertificateState::Revoked => return refused(&row.tenant, "it was revoked here").await,
        }
        if row.der != base64_simd::STANDARD.encode_to_string(der) {
            return refused(&row.tenant, "it is not the registered one").await;
        }
        let validity = Certificate::parse(der).ok().and_then(|certificate| certificate.validity().ok());
        let not_after = match validity {
            Some((not_before, not_after)) if not_before <= now && now <= not_after => not_after,
            Some(_) => return refused(&row.tenant, "it is not valid at this time").await,
            None => return refused(&row.tenant, "it cannot be read").await,
        };
        match self.told(inner.store.credentials(&row.tenant, &row.user).await)? {
            Some(Credentials { tenant: TenantState::Active, user: Some((UserState::Active, _)) }) => {}
            Some(Credentials { tenant: TenantState::Disabled, .. }) => {
                return refused(&row.tenant, "the tenant is disabled").await;
            }
            _ => return refused(&row.tenant, "its user is disabled").await,
        }
        let mut asked_at = asked_at.filter(|at| now.since(*at) < inner.settings.revocation_kept);
        if asked_at.is_none() {
            if let Err(why) = self.not_revoked(der, &row.tenant, fingerprint, now).await {
                return refused(&row.tenant, &why).await;
            }
            asked_at = Some(now);
        }
        let rights: Arc<[Right]> = self.told(inner.store.rights_of_user(&row.tenant, &row.user).await)?.into();
        let caller = caller(&row.tenant, row.user.clone(), Authentication::Certificate, rights.clone());
        Ok(Known { caller, facts: Facts { rights, read_at: now, changes }, not_after, asked_at })
    }

    async fn not_revoked(&self, der: &[u8], tenant: &TenantId, fingerprint: &str, now: Time) -> Result<(), String> {
        let mode = self.0.settings.revocation;
        let answer = match (mode, &self.0.check) {
            (RevocationMode::Off, _) => return Ok(()),
            (_, Some(check)) => check.state(der.into(), now).await,
            (_, None) => Revocation::Unknown(model::Reason::new("revocation-no-source", "nobody can be asked")),
        };
        match answer {
            Revocation::Good => Ok(()),
            Revocation::Revoked(reason) => Err(reason.to_string()),
            Revocation::Unknown(reason) if mode == RevocationMode::Hard => Err(reason.to_string()),
            Revocation::Unknown(reason) => {
                let who = format!("certificate {fingerprint}");
                let (what, detail, same) = ("access.unproven", reason.to_string(), [fingerprint]);
                self.note(WINDOW, Said { tenant, who: &who, what, object: fingerprint, detail: &detail, same: &same })
                    .await;
                Ok(())
            }
        }
    }
}

impl Holder {
    fn known(&self, access: &Access) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = access.0.clock.now();
        known.as_ref().filter(|known| now <= known.not_after && access.0.is_fresh(&known.facts, now)).cloned()
    }

    fn asked_at(&self) -> Option<Time> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|known| known.asked_at)
    }
}

/// What the auditor reads of a caller with a certificate.
fn accepted<'a>(caller: &'a Caller, who: &'a str, address: &'a str, detail: &'a str, same: &'a [&'a str]) -> Said<'a> {
    Said { tenant: &caller.tenant, who, what: "access.accepted", object: address, detail, same }
}

/// SHA-256 of a certificate, in hexadecimal.
pub fn fingerprint(der: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let digest = digest(DigestAlgorithm::Sha256, der);
    digest.as_bytes().iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 0x0f)]).collect()
}
