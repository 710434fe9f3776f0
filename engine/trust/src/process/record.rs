//! Evidence records (EN 319 102-1 clause 5.6.2.5, RFC 4998 section 5.3): each time stamp is judged at the time of the next
//! one, the last one now; a record that holds proves that its data objects existed at the time of the first.

use super::case::Case;
use super::ledger::{Failed, Ledger};
use super::stamp::StampFacts;
use crate::algorithm::hash_name;
use crate::policy::Rule;
use crate::report::{Conclusion, Proof, SubIndication};
use archive::ArchiveError;
use archive::findings::{Findings, StampFinding, check_inspected};
use formats::inspect::{Inspection, Integrity, ObjectId, Record};
use model::{Reason, Time};

/// What was found out about a record.
pub(crate) struct RecordFacts {
    pub(crate) conclusion: Conclusion,
    pub(crate) findings: Option<Findings>,
    /// One for each time stamp of the record.
    pub(crate) stamps: Vec<StampFacts>,
}

impl Case<'_> {
    /// Judges a record and, if it holds, proves from it what it covers.
    pub(crate) fn record(&mut self, inspection: &Inspection, record: &Record) -> RecordFacts {
        let findings = match check_inspected(record) {
            Ok(findings) => findings,
            Err(error) => {
                let reason = Reason::new("evidence-record", error.to_string());
                let conclusion = Conclusion::of(SubIndication::FormatFailure, reason);
                return RecordFacts { conclusion, findings: None, stamps: Vec::new() };
            }
        };
        for stamp in &findings.stamps {
            self.take(&stamp.evidence);
            if let Ok(token) = &stamp.token {
                self.take_token(token);
            }
        }
        let mut stamps = Vec::new();
        let mut outcome = held_together(&findings).and_then(|()| manifest_right(record));
        for (at, stamp) in findings.stamps.iter().enumerate() {
            let next =
                findings.stamps.get(at + 1).and_then(|next| next.token.as_ref().ok()).map(formats::tsp::Token::time);
            let chain_end = findings.stamps.iter().find(|later| later.chain > stamp.chain);
            let chain_end = chain_end.and_then(|later| later.token.as_ref().ok()).map(formats::tsp::Token::time);
            let facts = self.record_stamp(stamp, next.unwrap_or(self.now), chain_end.unwrap_or(self.now));
            if outcome.is_ok()
                && let Some(reason) = facts.conclusion.reason.clone()
            {
                outcome = Err(Failed::new(facts.conclusion.sub_indication.unwrap_or(SubIndication::NoPoe), reason));
            }
            stamps.push(facts);
        }
        if let (Ok(()), Ok(since)) = (&outcome, &findings.since) {
            let proof = Proof::Record(ObjectId::of(&record.bytes));
            record.covers.iter().for_each(|object| self.proofs.add(*object, *since, proof));
            for signature in record.signatures.iter().filter_map(|index| inspection.signatures.get(*index)) {
                self.proofs.add(ObjectId::of(&signature.signature_value), *since, proof);
            }
        }
        let conclusion = outcome.err().map_or_else(Conclusion::passed, Failed::conclusion);
        RecordFacts { conclusion, findings: Some(findings), stamps }
    }

    /// One time stamp of a record at the time of the next one; its hash tree at the end of its chain.
    fn record_stamp(&mut self, stamp: &StampFinding, at: Time, chain_end: Time) -> StampFacts {
        let mut ledger = Ledger::new(self.policy());
        let token = match &stamp.token {
            Ok(token) => token.clone(),
            Err(error) => {
                let reason = Reason::new("time-stamp", error.to_string());
                return StampFacts::failed(SubIndication::SigCryptoFailure, reason, ledger);
            }
        };
        if let Some(hash) = stamp.algorithm {
            let suitable = self.policy().catalogue.hash(hash);
            let named = hash_name(hash).to_owned();
            let checked =
                self.check_suitable(Rule::RecordAlgorithms, "hash tree", named, None, suitable, chain_end, &mut ledger);
            if let Err(failed) = checked {
                return StampFacts::failed(failed.sub, failed.reason, ledger);
            }
        }
        self.token(&token, ObjectId::of(&stamp.bytes), at, ledger)
    }
}

/// What a container's manifest claims about the data objects has to be right, too.
fn manifest_right(record: &Record) -> Result<(), Failed> {
    let wrong = record.manifest.iter().find(|covered| covered.integrity != Integrity::Intact);
    let Some(covered) = wrong else { return Ok(()) };
    let reason = match &covered.integrity {
        Integrity::Missing(reason) | Integrity::Refused(reason) => reason.clone(),
        _ => Reason::new("evidence-record", format!("{} is not what the manifest of the record says", covered.what)),
    };
    Err(Failed::new(SubIndication::HashFailure, reason))
}

/// Whether the record covers its data objects and each time stamp the one before.
fn held_together(findings: &Findings) -> Result<(), Failed> {
    let Err(error) = &findings.since else { return Ok(()) };
    let reason = Reason::new("evidence-record", error.to_string());
    Err(match error {
        ArchiveError::NeedsDigest(_) => Failed::new(SubIndication::SignedDataNotFound, reason),
        ArchiveError::NotListed(_) | ArchiveError::NotCovered(_) => Failed::new(SubIndication::HashFailure, reason),
        ArchiveError::Token(..) => Failed::new(SubIndication::SigCryptoFailure, reason),
        _ => Failed::new(SubIndication::FormatFailure, reason),
    })
}
