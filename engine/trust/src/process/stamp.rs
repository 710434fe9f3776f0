//! A time stamp: its token, what it is over, and the certificate of the unit that made it (EN 319 102-1 clause 5.4), with
//! proofs of the past if it does not hold at present (clause 5.6.2.4).

use super::case::Case;
use super::certificate::{Moments, Standing, name};
use super::ledger::{Failed, Ledger};
use crate::algorithm::hash_name;
use crate::anchor::Uses;
use crate::policy::Rule;
use crate::report::{AlgorithmUse, Check, Conclusion, SubIndication};
use formats::inspect::{Integrity, ObjectId, Stamp};
use formats::tsp::Token;
use model::{Reason, Time};

/// What was found out about a time stamp.
#[derive(Clone, Debug)]
pub(crate) struct StampFacts {
    pub(crate) conclusion: Conclusion,
    pub(crate) standing: Option<Standing>,
    pub(crate) checks: Vec<Check>,
    pub(crate) algorithms: Vec<AlgorithmUse>,
}

impl StampFacts {
    pub(super) fn failed(sub: SubIndication, reason: Reason, ledger: Ledger<'_>) -> Self {
        Self {
            conclusion: Conclusion::of(sub, reason),
            standing: None,
            checks: ledger.checks,
            algorithms: ledger.algorithms,
        }
    }
}

impl Case<'_> {
    /// Judges a time stamp that a file carries; proves from it what it covers.
    pub(crate) fn stamp(&mut self, stamp: &Stamp) -> StampFacts {
        let mut ledger = Ledger::new(self.policy());
        let begun = self.check_stamp(stamp, &mut ledger);
        match begun {
            Ok(token) => {
                let token = token.clone();
                self.token(&token, ObjectId::of(&stamp.bytes), self.now, ledger)
            }
            Err(failed) => StampFacts::failed(failed.sub, failed.reason, ledger),
        }
    }

    fn check_stamp<'s>(&self, stamp: &'s Stamp, ledger: &mut Ledger<'_>) -> Result<&'s Token, Failed> {
        if let Some(fault) = stamp.faults.first() {
            ledger.find(Rule::Format, fault.clone())?;
        }
        let token = match &stamp.token {
            Ok(token) => token,
            Err(error) => {
                let reason = Reason::new("time-stamp", error.to_string());
                let (rule, sub) = match error {
                    formats::tsp::TspError::Signature(_) => (Rule::SignatureValue, SubIndication::SigCryptoFailure),
                    formats::tsp::TspError::NoCertificate | formats::tsp::TspError::WrongCertificate => {
                        (Rule::SignerCertificate, SubIndication::NoSigningCertificateFound)
                    }
                    _ => (Rule::Format, SubIndication::FormatFailure),
                };
                ledger.find_as(rule, sub, reason.clone())?;
                return Err(Failed::new(sub, reason));
            }
        };
        ledger.pass(Rule::Format);
        ledger.pass(Rule::SignatureValue);
        match &stamp.imprint {
            Integrity::Intact => ledger.pass(Rule::Digests),
            Integrity::Changed => {
                let sentence = "the time stamp is over something else than what lies under it";
                ledger.find(Rule::Digests, Reason::new("time-stamp-imprint", sentence))?;
            }
            Integrity::Missing(reason) => ledger.find(Rule::SignedData, reason.clone())?,
            Integrity::Refused(reason) => ledger.find(Rule::Format, reason.clone())?,
        }
        Ok(token)
    }

    /// Judges a token whose signature and imprint are right, at a moment: that of the time stamp over it, or now.
    pub(super) fn token(&mut self, token: &Token, id: ObjectId, at: Time, mut ledger: Ledger<'_>) -> StampFacts {
        let Some(unit) = self.read(token.signer()) else {
            let reason = Reason::new("certificate-unreadable", "the certificate of the time-stamp unit cannot be read");
            return StampFacts::failed(SubIndication::CertificateChainGeneralFailure, reason, ledger);
        };
        let standing = self.certificate(&unit, Uses::STAMP, Moments::at(at), &mut ledger);
        let judged = match standing.failed.clone() {
            Some(failed) => Err(failed),
            None => self.check_token_algorithms(token, &standing, at, &mut ledger),
        }
        .and_then(|()| self.check_unit_time(token, &standing, &mut ledger));
        let conclusion = match judged {
            Ok(()) => Conclusion::passed(),
            Err(failed) => match self.past(&standing, id, &failed) {
                Ok(_) if self.algorithms_held(token, &standing, id) => Conclusion::passed(),
                Ok(_) => failed.conclusion(),
                Err(kept) => kept.conclusion(),
            },
        };
        StampFacts { conclusion, standing: Some(standing), checks: ledger.checks, algorithms: ledger.algorithms }
    }

    /// A unit stamps only while its certificate is valid.
    fn check_unit_time(&self, token: &Token, standing: &Standing, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
        let unit = &standing.certificate;
        if unit.not_before() <= token.time() && token.time() <= unit.not_after() {
            return Ok(());
        }
        let sentence = format!("{} was not valid at the time of the time stamp", name(unit));
        let reason = Reason::new("unit-dates", sentence);
        ledger.find_as(Rule::ValidityDates, SubIndication::OutOfBoundsNoPoe, reason)
    }

    fn check_token_algorithms(
        &self,
        token: &Token,
        standing: &Standing,
        at: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let bits = standing.certificate.key_bits();
        self.check_method(Rule::SignatureAlgorithms, "time stamp", Some(token.method()), bits, at, ledger)?;
        for (place, hash) in
            [("time-stamp imprint", token.imprint().algorithm), ("time-stamp content", token.digest_algorithm())]
        {
            let suitable = self.policy().catalogue.hash(hash);
            let named = hash_name(hash).to_owned();
            self.check_suitable(Rule::SignatureAlgorithms, place, named, None, suitable, at, ledger)?;
        }
        Ok(())
    }

    /// Whether the token's algorithms were suitable when it provably existed.
    fn algorithms_held(&self, token: &Token, standing: &Standing, id: ObjectId) -> bool {
        let since = self.proofs.since(id);
        let catalogue = &self.policy().catalogue;
        catalogue.signature(&token.method(), standing.certificate.key_bits()).at(since)
            && catalogue.hash(token.digest_algorithm()).at(since)
    }
}
