//! Finds the way from a certificate to its root among known certificates, and says where the missing ones are to be
//! fetched. Signatures, names, validity dates and the right to issue are checked; policies and name constraints are not
//! (RFC 5280 section 6): the path is for those who verify later, who judge it by their own rules.

mod name;

pub(crate) use name::decoded;
pub use name::{attribute_texts, common_name, name_key, name_within, same_name};

use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::KeyUsage;
use crate::der::DerError;
use crate::signature::certificate_signed_by;
use model::Time;
use model::limits::{CHAIN_CERTIFICATES_MAX, PATH_ADDRESSES_MAX, PATH_CERTIFICATES_MAX, PATH_SIGNATURES_MAX};
use std::sync::Arc;

/// A way from a certificate to its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The subject first, each one signed by the next; DER.
    pub certificates: Vec<Arc<[u8]>>,
    /// The last one is a configured anchor. Otherwise it is only signed by itself.
    pub anchored: bool,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// A way.
    Found(Path),
    /// None, but issuers may be had from these addresses. Empty: there is nothing more to try.
    Missing {
        /// http or https, from authorityInfoAccess.
        addresses: Vec<String>,
        /// What is in the way, for people.
        why: &'static str,
    },
}

/// Searches for a way from `subject` that is good at the moment `at`. `known` may hold anything; `anchors` end a path
/// even if they are signed by others. A way to an anchor is preferred to one that ends with a certificate signed by
/// itself. The work is bounded; an error means that the subject itself cannot be read.
pub fn find(subject: &Arc<[u8]>, known: &[Arc<[u8]>], anchors: &[Arc<[u8]>], at: Time) -> Result<Search, DerError> {
    let first = Certificate::parse(subject)?;
    if !first.valid_at(at)? {
        return Ok(Search::Missing { addresses: Vec::new(), why: "the certificate itself is not valid at this time" });
    }
    let mut pool: Vec<Candidate<'_>> = Vec::new();
    for (der, anchor) in anchors.iter().map(|der| (der, true)).chain(known.iter().map(|der| (der, false))) {
        if pool.len() == PATH_CERTIFICATES_MAX {
            break;
        }
        if pool.iter().all(|candidate| candidate.der != der) {
            // What cannot be read cannot be on the way.
            pool.extend(Certificate::parse(der).ok().map(|certificate| Candidate { der, certificate, anchor }));
        }
    }
    let mut walk = Walk { pool, at, signatures: 0, loose_end: None, addresses: Vec::new(), why: NO_ISSUER };
    let start = Candidate { der: subject, certificate: first, anchor: anchors.contains(subject) };
    let mut trail = vec![start];
    if walk.reaches_anchor(&mut trail) {
        let certificates = trail.iter().map(|candidate| candidate.der.clone()).collect();
        return Ok(Search::Found(Path { certificates, anchored: true }));
    }
    Ok(match walk.loose_end {
        Some(certificates) => Search::Found(Path { certificates, anchored: false }),
        None => Search::Missing { addresses: walk.addresses, why: walk.why },
    })
}

const NO_ISSUER: &str = "the certificate of an issuer is not known";

#[derive(Clone, Copy)]
struct Candidate<'a> {
    der: &'a Arc<[u8]>,
    certificate: Certificate<'a>,
    anchor: bool,
}

struct Walk<'a> {
    pool: Vec<Candidate<'a>>,
    at: Time,
    signatures: usize,
    /// The first way that ends with a certificate signed by itself.
    loose_end: Option<Vec<Arc<[u8]>>>,
    addresses: Vec<String>,
    why: &'static str,
}

impl<'a> Walk<'a> {
    /// Depth first; `trail` is the way so far, and the whole way if the answer is yes.
    fn reaches_anchor(&mut self, trail: &mut Vec<Candidate<'a>>) -> bool {
        let Some(&end) = trail.last() else { return false };
        if end.anchor {
            return true;
        }
        if same_name(end.certificate.subject, end.certificate.issuer) && self.signs(&end, &end) {
            self.loose_end.get_or_insert_with(|| trail.iter().map(|candidate| candidate.der.clone()).collect());
            return false;
        }
        if trail.len() == CHAIN_CERTIFICATES_MAX {
            self.why = "the path is too long";
            return false;
        }
        let mut issuers: Vec<Candidate<'a>> =
            self.pool.iter().filter(|issuer| could_issue(issuer, &end)).copied().collect();
        // Of several with the same name the one with the right key identifier is tried first.
        let wanted = end.certificate.authority_key_id().ok().flatten();
        issuers.sort_by_key(|issuer| {
            let id = issuer.certificate.subject_key_id().ok().flatten();
            wanted.is_none() || id.is_none() || wanted != id
        });
        let mut found_one = false;
        for issuer in issuers {
            if trail.iter().any(|passed| passed.der == issuer.der) || !self.signs(&issuer, &end) {
                continue;
            }
            found_one = true;
            if let Err(why) = may_issue(&issuer, trail, self.at) {
                self.why = why;
                continue;
            }
            trail.push(issuer);
            if self.reaches_anchor(trail) {
                return true;
            }
            trail.pop();
        }
        if !found_one {
            self.remember_addresses(&end);
        }
        false
    }

    fn signs(&mut self, issuer: &Candidate<'_>, subject: &Candidate<'_>) -> bool {
        self.signatures += 1;
        if self.signatures > PATH_SIGNATURES_MAX {
            self.why = "there are too many certificates to try";
            return false;
        }
        certificate_signed_by(subject.der, issuer.der).is_ok()
    }

    fn remember_addresses(&mut self, end: &Candidate<'_>) {
        for address in end.certificate.access().unwrap_or_default().ca_issuers {
            if self.addresses.len() < PATH_ADDRESSES_MAX && !self.addresses.iter().any(|known| known == address) {
                self.addresses.push(address.to_owned());
            }
        }
    }
}

fn could_issue(issuer: &Candidate<'_>, subject: &Candidate<'_>) -> bool {
    same_name(issuer.certificate.subject, subject.certificate.issuer)
}

/// Whether a certificate may sign the last one of the trail.
fn may_issue(issuer: &Candidate<'_>, trail: &[Candidate<'_>], at: Time) -> Result<(), &'static str> {
    const UNREADABLE: &str = "the certificate of an issuer cannot be read";
    let certificate = &issuer.certificate;
    if !certificate.valid_at(at).map_err(|_| UNREADABLE)? && !issuer.anchor {
        return Err("the certificate of an issuer is not valid at this time");
    }
    // Roots of version 1 have no extensions at all; whether one is trusted is the operator's word.
    let constraints = certificate.basic_constraints().map_err(|_| UNREADABLE)?;
    if constraints.map_or(!issuer.anchor, |constraints| !constraints.ca) {
        return Err("the certificate of an issuer is not one of a certificate authority");
    }
    let between =
        trail.iter().skip(1).filter(|passed| !same_name(passed.certificate.subject, passed.certificate.issuer));
    let allowed = constraints.and_then(|constraints| constraints.path_length);
    if allowed.is_some_and(|allowed| between.count() > usize::from(allowed)) {
        return Err("a certificate authority may not have so many others below it");
    }
    match certificate.key_usage().map_err(|_| UNREADABLE)? {
        Some(usage) if !usage.allows(KeyUsage::CERTIFICATE_SIGN) => Err("the key of an issuer is not for certificates"),
        _ => Ok(()),
    }
}
