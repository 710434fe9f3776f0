//! Wrong passwords: how often, for whom and from where, and who is locked because of them. Shared by all servers.
//!
//! Three counts go up with each wrong password: of the name at the address, of the name from everywhere, and of the address
//! for whatever names. Each locks by its own limit; a lock lasts longer each time, up to a limit, and while it lasts nothing is
//! counted, so that it cannot be prolonged.

use super::entry;
use crate::value::Value;
use crate::work::{Entry, Work};
use crate::{Store, StoreError, sql::access as sql};
use model::{TenantId, Time, UserName};
use std::time::Duration;

/// Whose wrong password, from where.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The name that was given. It may be nobody's.
    pub user: &'a UserName,
    /// The address as it is counted: not empty.
    pub address: &'a str,
    /// When.
    pub at: Time,
}

/// When guesses lock, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct GuessLimits {
    /// Wrong passwords for a name from one address, at least 2.
    pub per_pair: u32,
    /// Wrong passwords for a name from all addresses, at least 2.
    pub per_user: u32,
    /// Wrong passwords from one address, at least 2.
    pub per_address: u32,
    /// How long the first lock lasts; the next lasts twice as long, and so on.
    pub lock: Duration,
    /// How long a lock lasts at most.
    pub lock_max: Duration,
    /// After so much time without a wrong password everything begins anew.
    pub forget: Duration,
    /// How long an address at which a user's password was accepted is known as hers.
    pub known: Duration,
}

/// What is known of a name at an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The name is locked at this address until then.
    pub pair_locked: Option<Time>,
    /// The name is locked until then, except at addresses known as hers.
    pub user_locked: Option<Time>,
    /// The address is locked until then, except for those who are known there.
    pub address_locked: Option<Time>,
    /// When her password was last accepted there.
    pub accepted_at: Option<Time>,
}

impl Standing {
    /// Until when a password is refused, whatever it is.
    pub fn locked_until(&self, limits: &GuessLimits, now: Time) -> Option<Time> {
        let known = self.accepted_at.is_some_and(|at| now < at.plus(limits.known));
        let elsewhere = [self.user_locked, self.address_locked].into_iter().flatten().filter(|_| !known);
        elsewhere.chain(self.pair_locked).filter(|until| *until > now).max()
    }
}

impl Store {
    /// What is known of a name at an address.
    pub async fn standing(&self, tenant: &TenantId, user: &UserName, address: &str) -> Result<Standing, StoreError> {
        let values = vec![tenant.as_str().into(), user.as_str().into(), address.into()];
        let mut standing = Standing::default();
        for row in self.read(sql::ATTEMPTS, values).await? {
            let time = |micros: i64| (micros > 0).then(|| Time::from_micros(micros));
            let locked = time(row.int(2)?);
            match (row.text(0)?, row.text(1)?) {
                ("", _) => standing.address_locked = locked,
                (_, "") => standing.user_locked = locked,
                _ => (standing.pair_locked, standing.accepted_at) = (locked, time(row.int(3)?)),
            }
        }
        Ok(standing)
    }

    /// Counts a wrong password and locks where it was one too many; writes both to the audit log. `why` says more to the
    /// auditor than the caller may know.
    pub async fn attempt_failed(
        &self,
        tenant: &TenantId,
        attempt: Attempt<'_>,
        limits: &GuessLimits,
        why: &str,
    ) -> Result<(), StoreError> {
        let Attempt { user, address, at } = attempt;
        let places = [(user.as_str(), address), (user.as_str(), ""), ("", address)];
        let most = [limits.per_pair, limits.per_user, limits.per_address];
        let stale = before(at, limits.forget);
        let counts = places.map(|(name, place)| -> Vec<Value> {
            vec![
                tenant.as_str().into(),
                name.into(),
                place.into(),
                at.micros().into(),
                stale.into(),
                micros(limits.lock).into(),
                user.as_str().into(),
                address.into(),
            ]
        });
        let locks = places.iter().zip(most).map(|((name, place), most)| -> Vec<Value> {
            let most = i64::from(most);
            let lock_max = micros(limits.lock_max);
            vec![
                tenant.as_str().into(),
                (*name).into(),
                (*place).into(),
                at.micros().into(),
                most.into(),
                lock_max.into(),
            ]
        });
        let purge = vec![tenant.as_str().into(), stale.into(), before(at, limits.known).into()];
        // The row of the name at the address comes first: transactions about it wait for each other there.
        let mut work = Work::new(tenant)
            .step(sql::ATTEMPT_COUNT, counts.into())
            .step(sql::ATTEMPT_LOCK, locks.collect())
            .step(sql::ATTEMPT_PURGE, vec![purge]);
        work.judged = 1;
        work = work.entry(&entry(at, user.as_str(), "access.refused", address, Some(why.to_owned())));
        let locked = [
            ("access.locked", format!("the name {user} at this address")),
            ("access.locked", format!("the name {user} at all addresses that are not known as hers")),
            ("access.locked", "the address for everybody who is not known there".to_owned()),
        ];
        for (place, (what, detail)) in locked.into_iter().enumerate() {
            let entry = entry(at, user.as_str(), what, address, Some(detail));
            work.audit.push(Entry { entry: Store::entry(&entry), only_if: Some(place) });
        }
        self.write(work).await.map(|_| ())
    }

    /// A right password: the address is known as hers now. Written to the audit log. `false`: another server has locked her
    /// there meanwhile, and she must not be let in.
    pub async fn attempt_accepted(
        &self,
        tenant: &TenantId,
        attempt: Attempt<'_>,
        limits: &GuessLimits,
        detail: &str,
    ) -> Result<bool, StoreError> {
        let Attempt { user, address, at } = attempt;
        let row = vec![
            tenant.as_str().into(),
            user.as_str().into(),
            address.into(),
            at.micros().into(),
            micros(limits.lock).into(),
        ];
        let work = Work::new(tenant).demand(sql::ATTEMPT_ACCEPT, row);
        let work = work.entry(&entry(at, &format!("user:{user}"), "access.accepted", address, Some(detail.to_owned())));
        Ok(!self.write(work).await?.taken_back)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

fn before(at: Time, duration: Duration) -> i64 {
    at.micros().saturating_sub(micros(duration))
}
