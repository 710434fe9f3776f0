//! What held in the past: a certificate that is revoked, expired or signed with an algorithm that has become weak may
//! have been good when the signature provably existed (EN 319 102-1 clauses 5.6.2.1, 5.6.2.2 and 5.6.2.4).

use super::case::Case;
use super::certificate::{Link, Standing, name};
use super::ledger::{Failed, Ledger};
use crate::anchor::Model;
use crate::catalogue::Suitable;
use crate::path::{Chain, Dates};
use crate::report::SubIndication;
use crate::revocation::{Finding, Status};
use formats::inspect::ObjectId;
use model::{Reason, Time};

impl Case<'_> {
    /// Whether a signature by this certificate was good when the object (its value, or the token) provably existed, given
    /// that it is not good at present because of `failed`. Gives that time; else what stays true.
    pub(super) fn past(&mut self, standing: &Standing, object: ObjectId, failed: &Failed) -> Result<Time, Failed> {
        let Some(chain) = standing.chain.clone().filter(|_| may_be_healed(failed.sub)) else {
            return Err(failed.clone());
        };
        let since = self.proofs.since(object);
        let signer = &standing.certificate;
        let control = self.control_time(&chain, standing).map_err(|no_proof| {
            // Without a proof about the past, what is wrong at present says more than "no proof".
            if since < self.now { no_proof } else { failed.clone() }
        })?;
        if since > control || (failed.sub == SubIndication::TryLater && !self.was_fresh(standing, since)) {
            return Err(failed.clone());
        }
        if since < signer.not_before() {
            let sentence = format!("the signature existed before {} was valid", name(signer));
            return Err(Failed::new(SubIndication::NotYetValid, Reason::new("certificate-not-yet-valid", sentence)));
        }
        if signer.not_after() < since {
            return Err(failed.clone());
        }
        Ok(since)
    }

    /// Whether what is known about revocation was new enough at a moment (clause 5.5.4, step 6): "good" since then, or
    /// shortly before; or suspended only later.
    fn was_fresh(&self, standing: &Standing, at: Time) -> bool {
        standing.links.iter().filter(|link| link.needed).all(|link| {
            link.findings.usable.iter().any(|finding| match finding.status {
                Status::Good => finding.this_update.plus(self.age_max(finding)) > at,
                Status::Revoked { at: when, .. } | Status::OnHold { since: when } => at < when,
                Status::Unknown => false,
            })
        })
    }

    /// Past certificate validation: the path holds at a moment at which all its certificates are valid, and the time from
    /// which on nothing can be relied on slides back for each thing that went wrong since.
    fn control_time(&mut self, chain: &Chain, standing: &Standing) -> Result<Time, Failed> {
        let mut quiet = Ledger::new(self.policy());
        let below = &chain.certificates()[..chain.below_anchor()];
        let moment = match chain.anchor().model {
            Model::Shell | Model::Hybrid => {
                let from = below.iter().map(crate::Cert::not_before).max();
                let to = below.iter().map(crate::Cert::not_after).min();
                match (from, to) {
                    (Some(from), Some(to)) if from <= to => to,
                    _ => standing.certificate.not_after(),
                }
            }
            Model::Chain => standing.certificate.not_after(),
        };
        self.check_path_dates(chain, moment, Dates::All, &mut quiet)?;
        let mut control = chain.anchor().sunset(self.now).unwrap_or(self.now).min(self.now);
        for link in standing.links.iter().rev() {
            control = self.slide(chain, link, control)?;
        }
        Ok(control)
    }

    /// One step of the sliding, for one certificate.
    fn slide(&self, chain: &Chain, link: &Link, mut control: Time) -> Result<Time, Failed> {
        let mut counted = None;
        if link.needed {
            let proven = |finding: &&Finding| {
                finding.this_update <= control
                    && self.proofs.existed(finding.source, control)
                    && self.proofs.existed(link.certificate.id(), control)
            };
            let known: Vec<&Finding> = link.findings.usable.iter().filter(proven).collect();
            let revoked = known.iter().find(|finding| matches!(finding.status, Status::Revoked { .. }));
            let newest =
                known.iter().filter(|finding| finding.status == Status::Good).max_by_key(|finding| finding.this_update);
            let Some(&finding) = revoked.or(newest) else {
                let sentence =
                    format!("nothing proves what was known about the revocation of {} then", name(&link.certificate));
                return Err(Failed::new(SubIndication::NoPoe, Reason::new("no-proof", sentence)));
            };
            match finding.status {
                // By the chain model a revocation reaches back only if the key was no longer its owner's.
                Status::Revoked { at, reason }
                    if chain.anchor().model != Model::Chain || matches!(reason, None | Some(0..=2)) =>
                {
                    control = control.min(at);
                }
                _ if self.policy().revocation_age_max.is_some()
                    && finding.this_update.plus(self.age_max(finding)) <= control =>
                {
                    control = finding.this_update;
                }
                _ => {}
            }
            counted = Some(finding);
        }
        match self.suitable(link, counted) {
            Suitable::Open => {}
            Suitable::Until(end) => control = control.min(end),
            Suitable::Never => {
                let sentence = format!("the algorithms of {} were never suitable", name(&link.certificate));
                let reason = Reason::new("algorithm-unsuitable", sentence);
                return Err(Failed::new(SubIndication::CryptoConstraintsFailureNoPoe, reason));
            }
        }
        Ok(control)
    }
}

/// What a proof about the past may mend (clause 5.6.3.4).
fn may_be_healed(sub: SubIndication) -> bool {
    matches!(
        sub,
        SubIndication::RevokedNoPoe
            | SubIndication::RevokedCaNoPoe
            | SubIndication::OutOfBoundsNoPoe
            | SubIndication::OutOfBoundsNotRevoked
            | SubIndication::RevocationOutOfBoundsNoPoe
            | SubIndication::CryptoConstraintsFailureNoPoe
            | SubIndication::NoCertificateChainFoundNoPoe
            | SubIndication::TryLater
    )
}
