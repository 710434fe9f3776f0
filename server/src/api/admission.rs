//! Who gets in: connections in all and of one address, requests in all, of one tenant and of one user.
//!
//! Counts, and never waits: whoever finds the server full is told so at once. What work waits for inside the server is
//! not its business.

use model::{Caller, TenantId, UserName};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// What may be inside at a time.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections.
    pub connections: usize,
    /// Of those, of one address.
    pub connections_per_address: usize,
    /// Requests being worked on.
    pub requests: usize,
    /// Of those, of one tenant.
    pub requests_per_tenant: usize,
    /// Of those, of one user.
    pub requests_per_user: usize,
}

/// What was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The whole server.
    #[error("the server is busy")]
    Server,
    /// One tenant has all that it may have.
    #[error("the tenant has as many requests under way as it may have")]
    Tenant,
    /// One user has all that she may have.
    #[error("the user has as many requests under way as she may have")]
    User,
}

impl Full {
    /// The label in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Full::Server => "server",
            Full::Tenant => "tenant",
            Full::User => "user",
        }
    }
}

/// The counts. Cheap to clone.
#[derive(Clone)]
pub struct Admission(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    of_address: HashMap<IpAddr, usize>,
    requests: usize,
    of_tenant: HashMap<TenantId, usize>,
    of_user: HashMap<(TenantId, UserName), usize>,
}

impl Admission {
    /// Nobody is inside.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared { bounds, counts: Mutex::default() }))
    }

    /// A seat for a connection; `None` if there is none.
    pub fn connection(&self, address: IpAddr) -> Option<Seat> {
        let mut counts = self.counts();
        let address = network(address);
        let of_address = counts.of_address.get(&address).copied().unwrap_or(0);
        if counts.connections >= self.0.bounds.connections || of_address >= self.0.bounds.connections_per_address {
            return None;
        }
        counts.connections += 1;
        *counts.of_address.entry(address).or_default() += 1;
        Some(Seat { admission: self.clone(), address })
    }

    /// Whether there would be a place now: asked before a long body is read.
    pub fn check(&self, caller: Option<&Caller>) -> Result<(), Full> {
        self.fits(&self.counts(), caller)
    }

    /// A place for a request that is to be worked on.
    pub fn request(&self, caller: &Caller) -> Result<Place, Full> {
        let mut counts = self.counts();
        self.fits(&counts, Some(caller))?;
        let user = (caller.tenant.clone(), caller.user.clone());
        counts.requests += 1;
        *counts.of_tenant.entry(caller.tenant.clone()).or_default() += 1;
        *counts.of_user.entry(user.clone()).or_default() += 1;
        drop(counts);
        Ok(Place { admission: self.clone(), user })
    }

    fn fits(&self, counts: &Counts, caller: Option<&Caller>) -> Result<(), Full> {
        let bounds = &self.0.bounds;
        if counts.requests >= bounds.requests {
            return Err(Full::Server);
        }
        let Some(caller) = caller else { return Ok(()) };
        if counts.of_tenant.get(&caller.tenant).copied().unwrap_or(0) >= bounds.requests_per_tenant {
            return Err(Full::Tenant);
        }
        let user = (caller.tenant.clone(), caller.user.clone());
        if counts.of_user.get(&user).copied().unwrap_or(0) >= bounds.requests_per_user {
            return Err(Full::User);
        }
        Ok(())
    }

    /// Connections and requests inside.
    pub fn inside(&self) -> (usize, usize) {
        let counts = self.counts();
        (counts.connections, counts.requests)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has an IPv6 address has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four => four,
    }
}

fn take_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut entry) = counts.entry(key) {
        match entry.get() {
            0 | 1 => drop(entry.remove()), // the table holds only who is inside
            _ => *entry.get_mut() -= 1,
        }
    }
}

/// A connection's seat, given back when dropped.
pub struct Seat {
    admission: Admission,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.connections = counts.connections.saturating_sub(1);
        take_one(&mut counts.of_address, self.address);
    }
}

/// A request's place, given back when dropped.
pub struct Place {
    admission: Admission,
    user: (TenantId, UserName),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.requests = counts.requests.saturating_sub(1);
        take_one(&mut counts.of_tenant, self.user.0.clone());
        take_one(&mut counts.of_user, self.user.clone());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use model::access::Authentication;

    fn admission() -> Admission {
        Admission::new(Bounds {
            connections: 4,
            connections_per_address: 2,
            requests: 6,
            requests_per_tenant: 3,
            requests_per_user: 2,
        })
    }

    fn caller(tenant: &str, user: &str) -> Caller {
        Caller {
            tenant: TenantId::new(tenant).unwrap(),
            user: UserName::new(user).unwrap(),
            authentication: Authentication::Password,
            rights: Arc::new([]),
        }
    }

    #[test]
    fn one_address_gets_no_more_than_its_share_and_gives_it_back() {
        let admission = admission();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = admission.connection(address("10.0.0.1")).unwrap();
        let _second = admission.connection(address("::ffff:10.0.0.1")).unwrap();
        assert!(admission.connection(address("10.0.0.1")).is_none());
        drop(first);
        let _third = admission.connection(address("10.0.0.1")).unwrap();
        let _a = admission.connection(address("2001:db8:0:1::1")).unwrap();
        let _b = admission.connection(address("2001:db8:0:1::2")).unwrap();
        assert!(admission.connection(address("10.0.0.9")).is_none(), "five connections");
    }

    #[test]
    fn tenants_and_users_get_no_more_than_their_shares() {
        let admission = admission();
        let place = |tenant, user| admission.request(&caller(tenant, user));
        let first = place("a", "x").unwrap();
        let _second = place("a", "x").unwrap();
        assert_eq!(place("a", "x").err(), Some(Full::User));
        let _third = place("a", "y").unwrap();
        assert_eq!(place("a", "z").err(), Some(Full::Tenant));
        drop(first);
        let _fourth = place("a", "x").unwrap();
        let _others = [place("b", "x").unwrap(), place("b", "x").unwrap(), place("b", "y").unwrap()];
        assert_eq!(place("c", "x").err(), Some(Full::Server));
        assert_eq!(admission.check(None), Err(Full::Server));
    }

    #[test]
    fn nothing_is_left_behind() {
        let admission = admission();
        for round in 0..1_000 {
            let seat = admission.connection(IpAddr::from([10, 0, (round / 256) as u8, (round % 256) as u8])).unwrap();
            let place = admission.request(&caller("a", &format!("user {round}"))).unwrap();
            drop((seat, place));
        }
        let counts = admission.counts();
        assert_eq!((counts.connections, counts.requests), (0, 0));
        assert!(counts.of_address.is_empty() && counts.of_tenant.is_empty() && counts.of_user.is_empty());
    }
}
