//! Revocation: which CRLs and OCSP answers speak about a certificate, who signed them, and what they say. Reports, and
//! judges neither how fresh they are nor whether whoever signed them is trusted: that is for the caller, who knows the
//! time that counts.
//!
//! ```text
//! bytes ──read──▶ Material ──findings(chain, place)──▶ Finding: usable, with who signed it
//!                                                     Unusable: about this certificate, but of no use, and why
//! ```

mod lists;
mod material;
mod online;

pub use material::{Material, Unreadable};

use crate::anchor::Uses;
use crate::certificate::Cert;
use crate::path::{Anchors, Chain, EdgeCache, Pool};
use formats::cms::certificate::Certificate;
use formats::cms::certificate::extensions::oid;
use formats::der::DerError;
use formats::inspect::ObjectId;
use formats::signature::{Method, Unverified};
use model::Time;

/// Where findings are looked for, and by what.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Certificates among which signers of CRLs and answers may be.
    pub pool: &'a Pool,
    /// Anchors; those for [`Uses::REVOCATION`] that are responders of their own speak for every CA.
    pub anchors: &'a Anchors,
    /// CRLs and answers.
    pub material: &'a Material,
    /// Which signatures were checked before.
    pub cache: &'a EdgeCache,
}

/// All there is about the revocation of one certificate.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What may be believed if its signer may; the latest information first.
    pub usable: Vec<Finding>,
    /// What speaks about this certificate, but cannot be used.
    pub unusable: Vec<Unusable>,
}

/// What one CRL or OCSP answer says.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The CRL or answer.
    pub source: ObjectId,
    /// CRLs that were read together with it: a delta CRL, or those for the other reasons.
    pub parts: Vec<ObjectId>,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub status: Status,
    /// When that was known to be right; of several CRLs for different reasons the earliest.
    pub this_update: Time,
    /// Until when at the latest newer information was to come; of several CRLs the earliest.
    pub next_update: Option<Time>,
    /// When it was signed; of a CRL the same as `this_update`.
    pub produced_at: Time,
    /// Who signed it.
    pub speaker: Speaker,
    /// Certificates that expired after this moment are still spoken about (archive cut-off, expiredCertsOnCRL).
    pub expired_since: Option<Time>,
    /// OCSP: the hash of the certificate is in it, and right (Common PKI).
    pub certificate_hash: bool,
    /// How it is signed.
    pub method: Option<Method>,
}

/// What information is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum Kind {
    Crl,
    Ocsp,
}

/// The state of a certificate, as somebody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked for ever.
    Revoked {
        /// Since when.
        at: Time,
        /// `CRLReason` (RFC 5280 section 5.3.1).
        reason: Option<u8>,
    },
    /// Suspended for now.
    OnHold {
        /// Since when.
        since: Time,
    },
    /// The responder does not know it.
    Unknown,
}

impl Status {
    /// certificateHold.
    const HOLD: u8 = 6;

    fn of(entry: Option<formats::ocsp::Revoked>) -> Self {
        match entry {
            None => Self::Good,
            Some(entry) if entry.reason == Some(Self::HOLD) => Self::OnHold { since: entry.at },
            Some(entry) => Self::Revoked { at: entry.at, reason: entry.reason },
        }
    }
}

/// Who signed a CRL or an answer. Its signature, and the right to speak about the certificate, are checked; path, dates
/// and revocation of a certificate that is named here are for the caller to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The issuer with the key that signed the certificate, which is in the same chain.
    Issuer,
    /// A responder with a certificate for this purpose that the issuer has signed.
    Delegate(Cert),
    /// Another certificate for CRLs: of the same name as the issuer, or the one that the certificate names for indirect
    /// CRLs. Its path has to end at the same anchor (RFC 5280 section 6.3.3 (f)).
    CrlSigner(Cert),
    /// A responder that is itself an anchor.
    Trusted(Cert),
}

impl Speaker {
    /// Its certificate, unless it is the issuer's in the chain.
    pub fn certificate(&self) -> Option<&Cert> {
        match self {
            Self::Issuer => None,
            Self::Delegate(certificate) | Self::CrlSigner(certificate) | Self::Trusted(certificate) => {
                Some(certificate)
            }
        }
    }
}

/// Something about a certificate that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The CRL or answer.
    pub source: ObjectId,
    /// What it is.
    pub kind: Kind,
    /// Why, for people.
    pub why: String,
}

/// Finds all that speaks about the certificate at this place of a chain: 0 is the signer's. Nothing speaks about an
/// anchor.
pub fn findings(chain: &Chain, place: usize, context: &Context<'_>) -> Findings {
    let mut found = Findings::default();
    let certificates = chain.certificates();
    let (Some(certificate), Some(issuer)) = (certificates.get(place), certificates.get(place + 1)) else {
        return found;
    };
    let (Ok(fields), Ok(issuer_fields)) = (certificate.fields(), issuer.fields()) else { return found };
    let Some(issuer_key) = chain.key(place + 1) else { return found };
    // The key of the chain is complete where that of the certificate inherits its parameters.
    let issuer_key_id =
        if issuer_key == issuer_fields.public_key.raw { issuer.key() } else { ObjectId::of(issuer_key) };
    let case = Case { certificate, fields, issuer, issuer_fields, issuer_key, issuer_key_id, context: *context };
    lists::find(&case, &mut found);
    online::find(&case, &mut found);
    found.usable.sort_by_key(|finding| std::cmp::Reverse((finding.this_update, finding.produced_at)));
    found
}

/// What is asked.
struct Case<'a> {
    certificate: &'a Cert,
    fields: Certificate<'a>,
    issuer: &'a Cert,
    issuer_fields: Certificate<'a>,
    issuer_key: &'a [u8],
    issuer_key_id: ObjectId,
    context: Context<'a>,
}

impl Case<'_> {
    /// Whether a certificate is signed by the issuer's key.
    fn is_issued_by_issuer(&self, certificate: &Cert) -> Result<(), Unverified> {
        if certificate.issuer_key() != self.issuer.subject_key() {
            return Err(Unverified::BadSignature);
        }
        let check = || formats::signature::signed_by_key(certificate.der(), self.issuer_key);
        self.context.cache.check(certificate.id(), self.issuer_key_id, check)
    }
}

/// Whether a certificate is an anchor that speaks for every CA: trusted for revocation, and either for nothing on
/// documents or marked as a responder. A root that is trusted for everything speaks for its own certificates only.
fn speaks_for_all(certificate: &Cert, anchors: &Anchors) -> bool {
    let responder = || certificate.fields().and_then(|fields| fields.has_purpose(oid::PURPOSE_OCSP_SIGNING));
    anchors.of(certificate, Uses::REVOCATION).any(|anchor| !anchor.uses.has(Uses::SIGN) || responder() == Ok(true))
}

/// Why nobody needs to ask whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNeeded {
    /// It says that there is no such information (RFC 9608).
    NoneAvailable,
    /// It is a responder's that is trusted for as long as it is valid (RFC 6960 section 4.2.2.2.1).
    Responder,
    /// It lives too short for it (EN 319 412-1 section 5.2).
    ShortTerm,
}

/// Whether a certificate says that nobody needs to ask.
pub fn needs_no_revocation(certificate: &Cert) -> Result<Option<NotNeeded>, DerError> {
    let fields = certificate.fields()?;
    for (oid, reason) in [
        (oid::NO_REVOCATION_AVAILABLE, NotNeeded::NoneAvailable),
        (oid::VALIDITY_ASSURED_SHORT_TERM, NotNeeded::ShortTerm),
    ] {
        if fields.extension(oid)?.is_some() {
            return Ok(Some(reason));
        }
    }
    // On any other certificate this means nothing.
    let responder = fields.extension(oid::OCSP_NO_CHECK)?.is_some() && fields.has_purpose(oid::PURPOSE_OCSP_SIGNING)?;
    Ok(responder.then_some(NotNeeded::Responder))
}

#[cfg(test)]
mod tests;
