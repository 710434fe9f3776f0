//! Judges files: takes one apart, judges it, fetches what is missing and judges again. Owns what is shared between files:
//! anchors, policy, what was found out about certificates. Never writes a file.

use crate::revocation::Collector;
use formats::evidence::Evidence;
use formats::inspect::{Input, Inspection, inspect};
use formats::prepare::FormatError;
use formats::source::{Source, SourceError};
use model::{Reason, Time};
use std::collections::HashSet;
use std::sync::Arc;
use trust::missing::Missing;
use trust::path::Anchors;
use trust::report::Report;
use trust::{FileFacts, Further, Memory, Policy, Verifier};

/// By what files are judged, and where missing evidence comes from.
pub struct Verification {
    anchors: Anchors,
    policy: Policy,
    memory: Memory,
    /// Issuers, revocation information and the like that need not be fetched.
    known: Evidence,
    /// The same, read.
    further: Further,
    collector: Option<Collector>,
}

impl Verification {
    /// `collector`: where what a file lacks is fetched; without one it is judged by what it brings and what is `known`.
    pub fn new(anchors: Anchors, policy: Policy, known: Evidence, collector: Option<Collector>) -> Self {
        Self { anchors, policy, memory: Memory::new(), further: Further::read(&known), known, collector }
    }

    /// Takes a file apart. Blocks for as long as reading and hashing it takes.
    pub fn inspect(&self, input: &Input<'_>) -> Result<Inspection, FormatError> {
        inspect(input)
    }

    /// Judges a file by what it brings.
    pub fn judge(&self, inspection: &Inspection, facts: FileFacts, now: Time) -> Report {
        self.verifier().judge(inspection, facts, &self.further, now).report
    }

    /// Judges a file; fetches what is missing, as far as that can be had, and judges again.
    pub async fn judge_with_sources(&self, inspection: &Inspection, facts: FileFacts, now: Time) -> Report {
        let mut notes: Vec<Reason> = Vec::new();
        let mut judged = self.verifier().judge(inspection, facts.clone(), &self.further, now);
        if let Some(collector) = self.collector.as_ref().filter(|_| !judged.missing.is_empty()) {
            let mut further = self.known.clone();
            let mut asked = HashSet::new();
            // Each round may bring an issuer whose own state, or issuer, is then asked for.
            for _ in 0..ROUNDS_MAX {
                let before = further.clone();
                fetch(collector, &judged.missing, &mut asked, &mut further, &mut notes).await;
                if further == before {
                    break;
                }
                judged = self.verifier().judge(inspection, facts.clone(), &Further::read(&further), now);
                if judged.missing.is_empty() {
                    break;
                }
            }
        }
        let mut report = judged.report;
        report.notes.extend(notes);
        report
    }

    fn verifier(&self) -> Verifier<'_> {
        Verifier { anchors: &self.anchors, policy: &self.policy, memory: &self.memory }
    }
}

/// How often is asked for what turned out to be missing.
const ROUNDS_MAX: usize = 4;

async fn fetch(
    collector: &Collector,
    missing: &Missing,
    asked: &mut HashSet<Arc<[u8]>>,
    further: &mut Evidence,
    notes: &mut Vec<Reason>,
) {
    for (certificate, addresses) in &missing.issuers {
        if asked.insert(certificate.der().clone()) {
            let certificates = collector.issuers_at(addresses).await;
            further.merge(&Evidence { certificates, ..Evidence::default() });
        }
    }
    for path in &missing.revocations {
        let path: Vec<Arc<[u8]>> = path.iter().map(|certificate| certificate.der().clone()).collect();
        if path.first().is_some_and(|first| asked.insert(first.clone())) {
            match collector.state(&path).await {
                Ok(evidence) => further.merge(&evidence),
                Err(fault) => notes.push(fault.reason()),
            }
        }
    }
}

/// Which file it is, for the report; with its SHA-256 and its length only if the report `names_digest`: computing that
/// costs as much as hashing what was signed.
pub fn facts(name: &str, source: &dyn Source, names_digest: bool) -> Result<FileFacts, SourceError> {
    if !names_digest {
        return Ok(FileFacts { name: name.to_owned(), content: None });
    }
    let digest = formats::crypto::digest_source(model::DigestAlgorithm::Sha256, source)?;
    let mut content = [0; 32];
    content.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    Ok(FileFacts { name: name.to_owned(), content: Some((content, source.len())) })
}
