//! What CRLs say about a certificate (RFC 5280 section 6.3): alone, with a delta CRL, and several for some reasons each
//! put together.

use super::material::List;
use super::{Case, Finding, Findings, Kind, Speaker, Status, Unusable};
use crate::anchor::Uses;
use crate::certificate::Cert;
use formats::Source;
use formats::cms::certificate::extensions::KeyUsage;
use formats::crl::{ALL_REASONS, CrlFault, Listed, Uncovered, listed};
use formats::inspect::ObjectId;
use formats::signature::Unverified;
use model::limits::CRL_SIGNERS_TRIED_MAX;

/// A CRL that is about the certificate, with its signer.
struct Signed<'a> {
    list: &'a List,
    speaker: Speaker,
    /// The key that signed.
    key: ObjectId,
    listed: Listed,
}

pub(super) fn find(case: &Case<'_>, found: &mut Findings) {
    let mut partial: Vec<Signed<'_>> = Vec::new();
    for list in case.context.material.lists.iter().filter(|list| list.crl.base_number.is_none()) {
        match case.judge(list) {
            Ok(Some(signed)) => {
                case.with_deltas(&signed, found);
                if signed.is_decisive() {
                    found.usable.push(signed.finding());
                } else {
                    partial.push(signed);
                }
            }
            Ok(None) => {}
            Err(why) => found.unusable.push(Unusable { source: list.id, kind: Kind::Crl, why }),
        }
    }
    put_together(partial, found);
}

impl<'a> Case<'a> {
    /// `None`: it is not about the certificate.
    fn judge(&self, list: &'a List) -> Result<Option<Signed<'a>>, String> {
        let listed = match listed((&list.crl, &&*list.bytes), None, &self.fields) {
            Ok(listed) => listed,
            Err(CrlFault::Uncovered(Uncovered::Issuer)) => return Ok(None),
            Err(fault) => return Err(fault.to_string()),
        };
        let (speaker, key) = self.speaker(list)?;
        Ok(Some(Signed { list, speaker, key, listed }))
    }

    /// Who signed a list that is about the certificate.
    fn speaker(&self, list: &List) -> Result<(Speaker, ObjectId), String> {
        let mut refusal = "the certificate of who signed the CRL is not known".to_owned();
        if list.issuer_key == self.issuer.subject_key() {
            let refused = match may_sign_lists(self.issuer) {
                true => match self.verifies(list, self.issuer_key_id, self.issuer_key) {
                    Ok(()) => return Ok((Speaker::Issuer, self.issuer_key_id)),
                    Err(error) => format!("the CRL's signature: {error}"),
                },
                false => "the key of the issuer is not for signing CRLs".to_owned(),
            };
            refusal = refused;
        }
        let anchors = self.context.anchors.with_subject(&list.issuer_key, Uses::REVOCATION);
        let anchors = anchors.map(|anchor| &anchor.certificate);
        let mut others: Vec<&Cert> = self.context.pool.with_subject(&list.issuer_key).iter().chain(anchors).collect();
        others.retain(|other| other.key() != self.issuer_key_id);
        others.sort_by_cached_key(|other| {
            let fields = other.fields();
            let id = fields.as_ref().ok().and_then(|fields| fields.subject_key_id().ok().flatten());
            id.is_some() && list.crl.authority_key_id.is_some() && id != list.crl.authority_key_id.as_deref()
        });
        for other in others.into_iter().filter(|other| may_sign_lists(other)).take(CRL_SIGNERS_TRIED_MAX) {
            let Ok(fields) = other.fields() else { continue };
            match self.verifies(list, other.key(), fields.public_key.raw) {
                Ok(()) => return Ok((Speaker::CrlSigner(other.clone()), other.key())),
                Err(error) => refusal = format!("the CRL's signature: {error}"),
            }
        }
        Err(refusal)
    }

    fn verifies(&self, list: &List, id: ObjectId, key: &[u8]) -> Result<(), Unverified> {
        self.context.cache.check(list.id, id, || match list.crl.verify(&&*list.bytes, key) {
            Ok(()) => Ok(()),
            Err(CrlFault::Signature(error)) => Err(error),
            Err(CrlFault::Malformed(error)) => Err(Unverified::Malformed(error)),
            Err(_) => Err(Unverified::BadSignature),
        })
    }

    /// What the list says together with each delta CRL that continues it.
    fn with_deltas(&self, complete: &Signed<'a>, found: &mut Findings) {
        for delta in self.context.material.lists.iter().filter(|delta| delta.crl.base_number.is_some()) {
            let bytes: (&dyn Source, &dyn Source) = (&&*complete.list.bytes, &&*delta.bytes);
            if delta.crl.continues(&complete.list.crl).is_err() {
                continue;
            }
            let unusable = |why| Unusable { source: delta.id, kind: Kind::Crl, why };
            match self.speaker(delta) {
                // One authority answers for both (RFC 5280 section 5.2.4 (c)).
                Ok((_, key)) if key == complete.key => {}
                Ok(_) => continue,
                Err(why) => {
                    found.unusable.push(unusable(why));
                    continue;
                }
            }
            match listed((&complete.list.crl, bytes.0), Some((&delta.crl, bytes.1)), &self.fields) {
                Ok(listed) => {
                    let signed = Signed { listed, speaker: complete.speaker.clone(), ..*complete };
                    if signed.is_decisive() {
                        let (this_update, next_update) = (delta.crl.this_update, delta.crl.next_update);
                        let parts = vec![delta.id];
                        found.usable.push(Finding {
                            parts,
                            this_update,
                            next_update,
                            produced_at: this_update,
                            ..signed.finding()
                        });
                    }
                }
                Err(fault) => found.unusable.push(unusable(fault.to_string())),
            }
        }
    }
}

impl Signed<'_> {
    /// Whether something follows from it without other lists.
    fn is_decisive(&self) -> bool {
        self.listed.entry.is_some() || self.listed.reasons == ALL_REASONS
    }

    fn finding(&self) -> Finding {
        let crl = &self.list.crl;
        Finding {
            source: self.list.id,
            parts: Vec::new(),
            kind: Kind::Crl,
            status: Status::of(self.listed.entry),
            this_update: crl.this_update,
            next_update: crl.next_update,
            produced_at: crl.this_update,
            speaker: self.speaker.clone(),
            expired_since: crl.expired_since,
            certificate_hash: false,
            method: crl.method().ok(),
        }
    }
}

/// Lists for some reasons each, on which the certificate is not: of one signer, newest first, until all reasons are
/// covered.
fn put_together(mut partial: Vec<Signed<'_>>, found: &mut Findings) {
    partial.sort_by_key(|signed| std::cmp::Reverse(signed.list.crl.this_update));
    while let Some(key) = partial.first().map(|signed| signed.key) {
        let (mine, others): (Vec<_>, Vec<_>) = partial.into_iter().partition(|signed| signed.key == key);
        partial = others;
        let (mut reasons, mut used) = (0, Vec::new());
        for signed in &mine {
            if reasons | signed.listed.reasons != reasons {
                reasons |= signed.listed.reasons;
                used.push(signed);
            }
        }
        if reasons != ALL_REASONS {
            let why = CrlFault::Uncovered(Uncovered::Reasons).to_string();
            found.unusable.extend(mine.iter().map(|signed| Unusable {
                source: signed.list.id,
                kind: Kind::Crl,
                why: why.clone(),
            }));
            continue;
        }
        let Some((first, rest)) = used.split_first() else { continue };
        let mut finding = first.finding();
        for other in rest {
            let crl = &other.list.crl;
            finding.parts.push(other.list.id);
            finding.this_update = finding.this_update.min(crl.this_update);
            finding.next_update = match (finding.next_update, crl.next_update) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            // What not all of them promise is not promised.
            finding.expired_since = finding.expired_since.zip(crl.expired_since).map(|(one, other)| one.max(other));
        }
        finding.produced_at = finding.this_update;
        found.usable.push(finding);
    }
}

fn may_sign_lists(certificate: &Cert) -> bool {
    let usage = certificate.fields().and_then(|fields| fields.key_usage());
    usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.allows(KeyUsage::CRL_SIGN)))
}
