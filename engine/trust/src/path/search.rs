//! Searches for the ways from a certificate up to the anchors. Depth first, signatures checked on the way, the work
//! bounded; what was tried in vain is kept for the report, with the addresses where more may be had.

use super::{Anchors, Chain, EdgeCache, Pool};
use crate::anchor::{Anchor, Uses};
use crate::certificate::Cert;
use formats::inspect::ObjectId;
use formats::signature::{key_with_parameters_of, lacks_parameters, signed_by_key};
use model::limits::{CHAIN_CERTIFICATES_MAX, PATH_ADDRESSES_MAX, PATH_CHAINS_MAX, PATH_SIGNATURES_MAX, PATH_STEPS_MAX};
use std::sync::Arc;

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Prospects {
    /// Ways to an anchor, the best one first: short ones before long ones.
    pub chains: Vec<Chain>,
    /// How far the search came where it did not reach an anchor; the longest way. `None`: it reached one everywhere.
    pub dead_end: Option<DeadEnd>,
    /// Where further issuers may be had (authorityInfoAccess), http and https.
    pub addresses: Vec<String>,
}

/// A way that leads to no anchor.
#[derive(Clone, Debug)]
pub struct DeadEnd {
    /// The signer first; each is signed by the next one.
    pub certificates: Vec<Cert>,
    /// What is in the way.
    pub obstacle: Obstacle,
}

/// What is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Nobody is known who signed the last certificate.
    #[error("the certificate of an issuer is not known")]
    IssuerUnknown,
    /// There are certificates with the name of the issuer, but none of their keys signed.
    #[error("no known certificate of the issuer has the key that signed")]
    IssuerKeyUnknown,
    /// It ends with a certificate that is signed by itself.
    #[error("it ends with a root that is not trusted")]
    RootNotTrusted,
    /// It is longer than any real one.
    #[error("it is too long")]
    TooLong,
    /// There is too much to try.
    #[error("there are too many certificates to try")]
    TooMuchWork,
}

/// Searches for ways from `subject` to anchors that are trusted for all of `uses`. The subject may itself be an anchor.
/// Dates, and the right to issue, are left to [`super::check`].
pub fn prospective(subject: &Cert, pool: &Pool, anchors: &Anchors, uses: Uses, cache: &EdgeCache) -> Prospects {
    search(subject, pool, anchors, uses, cache).0
}

/// As [`prospective`], and whether another search among the same would find the same: not if there were more signatures to
/// check than one search may, because the next one knows the results of this one.
pub(crate) fn search(
    subject: &Cert,
    pool: &Pool,
    anchors: &Anchors,
    uses: Uses,
    cache: &EdgeCache,
) -> (Prospects, bool) {
    let mut walk = Walk { pool, anchors, uses, cache, signatures: 0, steps: 0, found: Prospects::default() };
    for anchor in anchors.of(subject, uses) {
        walk.found.chains.push(Chain::new(vec![subject.clone()], vec![None], anchor.clone()));
    }
    if subject.is_self_issued() && !walk.found.chains.is_empty() {
        return (walk.found, true);
    }
    walk.climb(&mut vec![subject.clone()]);
    walk.found.chains.sort_by_key(|chain| chain.certificates().len());
    (walk.found, walk.signatures <= PATH_SIGNATURES_MAX)
}

struct Walk<'a> {
    pool: &'a Pool,
    anchors: &'a Anchors,
    uses: Uses,
    cache: &'a EdgeCache,
    signatures: usize,
    steps: usize,
    found: Prospects,
}

impl<'a> Walk<'a> {
    /// Goes on from the last certificate of the trail.
    fn climb(&mut self, trail: &mut Vec<Cert>) {
        let Some(end) = trail.last().cloned() else { return };
        self.steps += 1;
        if self.steps > PATH_STEPS_MAX || self.found.chains.len() >= PATH_CHAINS_MAX {
            return self.dead_end(trail, Obstacle::TooMuchWork);
        }
        let name = end.issuer_key();
        let mut anchors: Vec<&Anchor> = self.anchors.with_subject(name, self.uses).collect();
        anchors.sort_by_key(|anchor| !is_preferred(&anchor.certificate, &end));
        let mut issuers: Vec<&Cert> = self.pool.with_subject(name).iter().collect();
        // Of several with the same name the one with the right key identifier is tried first, then the youngest.
        issuers.sort_by_cached_key(|issuer| {
            (!is_preferred(issuer, &end), std::cmp::Reverse(issuer.not_before()), issuer.id())
        });
        if trail.len() == CHAIN_CERTIFICATES_MAX {
            return self.dead_end(trail, Obstacle::TooLong);
        }
        let some_named = !anchors.is_empty() || !issuers.is_empty();
        let (mut issued_by_one, mut issued_by_itself) = (false, false);
        for &anchor in &anchors {
            if trail.iter().any(|passed| is_same_entity(passed, &anchor.certificate)) {
                continue;
            }
            if self.signs(&anchor.certificate, &end) {
                issued_by_one = true;
                self.reached(trail, anchor);
                // There may be other anchors above this one, which were trusted at other times.
                if !anchor.certificate.is_self_issued() {
                    self.further(trail, &anchor.certificate);
                }
            }
        }
        for issuer in issuers {
            // Going through the same name and key twice leads nowhere new.
            if trail.iter().any(|passed| is_same_entity(passed, issuer)) {
                issued_by_itself |= is_same_entity(issuer, &end) && end.is_self_issued();
                continue;
            }
            // An anchor of the same name and key was tried above.
            if anchors.iter().any(|anchor| is_same_entity(&anchor.certificate, issuer)) {
                continue;
            }
            if self.signs(issuer, &end) {
                issued_by_one = true;
                self.further(trail, issuer);
            }
        }
        if !issued_by_one {
            let by_itself = issued_by_itself || end.is_self_issued() && self.signs(&end, &end);
            self.remember_addresses(&end);
            let obstacle = match () {
                () if self.signatures > PATH_SIGNATURES_MAX => Obstacle::TooMuchWork,
                () if by_itself => Obstacle::RootNotTrusted,
                () if some_named => Obstacle::IssuerKeyUnknown,
                () => Obstacle::IssuerUnknown,
            };
            self.dead_end(trail, obstacle);
        }
    }

    fn further(&mut self, trail: &mut Vec<Cert>, issuer: &Cert) {
        trail.push(issuer.clone());
        self.climb(trail);
        trail.pop();
    }

    fn reached(&mut self, trail: &[Cert], anchor: &Anchor) {
        let mut certificates = trail.to_vec();
        certificates.push(anchor.certificate.clone());
        if let Some(keys) = self.complete_keys(&certificates)
            && self.found.chains.len() < PATH_CHAINS_MAX
        {
            self.found.chains.push(Chain::new(certificates, keys, anchor.clone()));
        }
    }

    fn dead_end(&mut self, trail: &[Cert], obstacle: Obstacle) {
        if self.found.dead_end.as_ref().is_none_or(|known| known.certificates.len() < trail.len()) {
            self.found.dead_end = Some(DeadEnd { certificates: trail.to_vec(), obstacle });
        }
    }

    /// Whether the key of `issuer` signed `subject`. Where its parameters come from further up, nobody can tell before
    /// the way is whole: then it is only supposed, and [`Walk::complete_keys`] checks it.
    fn signs(&mut self, issuer: &Cert, subject: &Cert) -> bool {
        let Ok(fields) = issuer.fields() else { return false };
        let key = fields.public_key.raw;
        lacks_parameters(key) || self.verifies(subject, issuer.key(), key)
    }

    fn verifies(&mut self, subject: &Cert, id: ObjectId, key: &[u8]) -> bool {
        if let Some(known) = self.cache.known(subject.id(), id) {
            return known.is_ok();
        }
        self.signatures += 1;
        self.signatures <= PATH_SIGNATURES_MAX
            && self.cache.check(subject.id(), id, || signed_by_key(subject.der(), key)).is_ok()
    }

    /// Inherited parameters of DSA keys (RFC 3279 section 2.3.2), from the anchor down. `None`: with them a signature is
    /// wrong after all.
    fn complete_keys(&mut self, certificates: &[Cert]) -> Option<Vec<Option<Arc<[u8]>>>> {
        let mut keys: Vec<Option<Arc<[u8]>>> = vec![None; certificates.len()];
        for place in (1..certificates.len()).rev() {
            let (below, issuer) = (certificates.get(place - 1)?, certificates.get(place)?);
            let own = issuer.fields().ok()?.public_key.raw;
            if !lacks_parameters(own) {
                continue;
            }
            let above = certificates.get(place + 1)?;
            let completed = keys.get(place + 1)?.clone();
            let above = completed.as_deref().unwrap_or(above.fields().ok()?.public_key.raw);
            let key: Arc<[u8]> = key_with_parameters_of(own, above)?.into();
            if !self.verifies(below, ObjectId::of(&key), &key) {
                return None;
            }
            *keys.get_mut(place)? = Some(key);
        }
        Some(keys)
    }

    fn remember_addresses(&mut self, end: &Cert) {
        let access =
            end.fields().and_then(|fields| fields.access().map(|access| access.ca_issuers)).unwrap_or_default();
        for address in access {
            if self.found.addresses.len() < PATH_ADDRESSES_MAX && !self.found.addresses.iter().any(|a| a == address) {
                self.found.addresses.push(address.to_owned());
            }
        }
    }
}

fn is_same_entity(one: &Cert, other: &Cert) -> bool {
    one.key() == other.key() && one.subject_key() == other.subject_key()
}

/// Whether the subject's authorityKeyIdentifier is that of the issuer, or nothing speaks against it.
fn is_preferred(issuer: &Cert, subject: &Cert) -> bool {
    let wanted = subject.fields().and_then(|fields| fields.authority_key_id().map(|id| id.map(<[u8]>::to_vec)));
    let id = issuer.fields().and_then(|fields| fields.subject_key_id().map(|id| id.map(<[u8]>::to_vec)));
    match (wanted, id) {
        (Ok(Some(wanted)), Ok(Some(id))) => wanted == id,
        _ => true,
    }
}
