//! The judgement on a file: takes what `formats` found in it, runs the processes of EN 319 102-1 over it in their order,
//! and writes the report. Shared by all files of a batch; each call is one file.

use crate::certificate::Cert;
use crate::further::Further;
use crate::level;
use crate::memory::Memory;
use crate::missing::Missing;
use crate::path::Anchors;
use crate::policy::Policy;
use crate::process::{Case, RecordFacts, StampFacts, Standing, Verdict, is_qualified};
use crate::report::{
    CoveredReport, Object, ObjectKind, Proof, RecordReport, Report, SignatureReport, Signer, StampReport,
};
use formats::inspect::{Attributes, Inspection, Integrity, ObjectId, Record, Signature, Stamp};
use model::{Reason, Time};

/// By what files are judged: whom to trust, and by which policy. What they have in common is worked out once.
pub struct Verifier<'a> {
    /// Whom to trust.
    pub anchors: &'a Anchors,
    /// The policy.
    pub policy: &'a Policy,
    /// What was found out before.
    pub memory: &'a Memory,
}

/// Which file it is.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// Its name.
    pub name: String,
    /// SHA-256 of the file and its length in bytes. `None`: it is inside another file, or nobody wants to know.
    pub content: Option<([u8; 32], u64)>,
}

/// A report, and what would have made it better.
#[derive(Debug)]
pub struct Judged {
    /// The report.
    pub report: Report,
    /// What is missing.
    pub missing: Missing,
}

impl Verifier<'_> {
    /// Judges a file as of a moment. `further`: certificates and revocation information from elsewhere.
    pub fn judge(&self, inspection: &Inspection, facts: FileFacts, further: &Further, now: Time) -> Judged {
        let mut case = Case::new(self, inspection, further, now);
        let mut report = self.report(&mut case, inspection, facts, now);
        case.note_unusable(&mut report.notes);
        Judged { report, missing: case.missing }
    }

    /// One file, then those inside it, which share what is known and proven.
    fn report(&self, case: &mut Case<'_>, inspection: &Inspection, facts: FileFacts, now: Time) -> Report {
        // What covers most comes first: a record proves the time stamps under it, a time stamp what is under that.
        let records: Vec<RecordFacts> =
            inspection.records.iter().map(|record| case.record(inspection, record)).collect();
        case.prove_stamps(inspection);
        let verdicts: Vec<Verdict<'_>> = inspection
            .signatures
            .iter()
            .enumerate()
            .map(|(index, one)| case.signature(inspection, index, one))
            .collect();
        let mut objects = Objects::default();
        let signatures = inspection.signatures.iter().zip(verdicts).enumerate();
        let signatures = signatures
            .map(|(index, (signature, verdict))| {
                let level = level::of(inspection, index, signature);
                let mut report = signature_report(case, signature, verdict, &mut objects);
                report.level = level;
                report
            })
            .collect();
        let stamps = inspection.stamps.iter().map(|stamp| stamp_report(case, stamp, &mut objects)).collect();
        let records = inspection.records.iter().zip(records);
        let records = records.map(|(record, facts)| record_report(case, record, facts, &mut objects)).collect();
        let nested = inspection.nested.iter().map(|nested| {
            let facts = FileFacts { name: nested.name.clone(), content: None };
            self.report(case, &nested.inspection, facts, now)
        });
        Report {
            file: facts.name,
            content: facts.content,
            kind: inspection.kind,
            validation_time: now,
            policy: self.policy.name.clone(),
            signatures,
            stamps,
            records,
            nested: nested.collect(),
            notes: inspection.notes.clone(),
            objects: objects.all,
        }
    }
}

/// The evidence that the report names, each piece once.
#[derive(Default)]
struct Objects {
    all: Vec<Object>,
    seen: std::collections::HashSet<ObjectId>,
}

impl Objects {
    fn add(&mut self, object: Option<Object>) {
        if let Some(object) = object
            && self.seen.insert(object.id)
        {
            self.all.push(object);
        }
    }

    fn add_standing(&mut self, case: &Case<'_>, standing: &Standing) {
        for certificate in path_of(standing) {
            self.add(Some(case.certificate_object(certificate)));
        }
        for used in standing.revocations() {
            self.add(used.source.and_then(|source| case.revocation_object(source)));
        }
        for responder in standing.responders() {
            self.add(Some(case.certificate_object(responder)));
        }
    }

    fn add_stamp(&mut self, case: &Case<'_>, id: ObjectId, bytes: &std::sync::Arc<[u8]>, name: String) {
        let exists_since = case.proven_since(id);
        self.add(Some(Object { id, kind: ObjectKind::Stamp, bytes: bytes.clone(), name, exists_since }));
    }
}

fn path_of(standing: &Standing) -> &[Cert] {
    standing.chain.as_ref().map_or(standing.partial.as_slice(), crate::path::Chain::certificates)
}

fn signer_of(standing: &Standing) -> Signer {
    let path = path_of(standing);
    let signer = &standing.certificate;
    Signer {
        certificate: signer.id(),
        name: signer.name().to_owned(),
        path: path.iter().map(Cert::id).collect(),
        anchor: standing.chain.as_ref().map(|chain| chain.anchor().origin.clone()),
        revocation: standing.revocations(),
        qualified: standing.chain.as_ref().is_some_and(is_qualified),
    }
}

fn signature_report(
    case: &Case<'_>,
    signature: &Signature,
    verdict: Verdict<'_>,
    objects: &mut Objects,
) -> SignatureReport {
    let essential = |covered: &&formats::inspect::Covered| covered.role != formats::inspect::CoveredRole::ManifestEntry;
    let intact = signature.covered.iter().any(|covered| essential(&covered))
        && signature.covered.iter().filter(essential).all(|covered| covered.integrity == Integrity::Intact);
    if let Some(standing) = &verdict.standing {
        objects.add_standing(case, standing);
    }
    let stamps = signature.stamps.iter().map(|stamp| stamp_report(case, stamp, objects)).collect();
    let covered = signature.covered.iter().map(covered_report).collect();
    SignatureReport {
        name: signature.name.clone(),
        parent: signature.parent,
        format: signature.format,
        level: crate::report::SignatureLevel::NotAdes,
        id: ObjectId::of(&signature.signature_value),
        intact,
        valid: signature.value.is_ok(),
        conclusion: verdict.conclusion,
        basic: verdict.basic,
        process: verdict.process,
        covered,
        coverage: signature.pdf.as_ref().map(|pdf| pdf.coverage),
        later_changes: signature.pdf.as_ref().map(|pdf| pdf.later),
        changes: signature.pdf.as_ref().map(|pdf| pdf.changes.clone()).unwrap_or_default(),
        revision: signature.pdf.as_ref().map(|pdf| (pdf.revision, pdf.revisions)),
        best_signature_time: verdict.best_time,
        proof: verdict.proof,
        claimed_time: signature.attributes.signing_time,
        signer: verdict.standing.as_ref().map(signer_of),
        claims: claims(&signature.attributes),
        algorithms: verdict.ledger.algorithms,
        checks: verdict.ledger.checks,
        stamps,
        notes: signature.notes.clone(),
    }
}

fn claims(attributes: &Attributes) -> Vec<(&'static str, String)> {
    let mut claims = Vec::new();
    claims.extend(attributes.roles.iter().map(|role| ("role", role.clone())));
    claims.extend(attributes.place.iter().map(|place| ("place", place.clone())));
    claims.extend(attributes.commitments.iter().map(|commitment| ("commitment", commitment.clone())));
    claims.extend(attributes.policy.iter().map(|policy| ("policy", policy.identifier.clone())));
    claims.extend(attributes.reason.iter().map(|reason| ("reason", reason.clone())));
    claims
}

fn covered_report(covered: &formats::inspect::Covered) -> CoveredReport {
    let reason = match &covered.integrity {
        Integrity::Intact => None,
        Integrity::Changed => Some(Reason::new("content-changed", format!("{} is not what was signed", covered.what))),
        Integrity::Missing(reason) | Integrity::Refused(reason) => Some(reason.clone()),
    };
    CoveredReport {
        what: covered.what.clone(),
        role: covered.role,
        algorithm: covered.algorithm.map_or("unknown", crate::algorithm::hash_name).to_owned(),
        digest: covered.digest.clone(),
        intact: covered.integrity == Integrity::Intact,
        reason,
    }
}

fn stamp_report(case: &Case<'_>, stamp: &Stamp, objects: &mut Objects) -> StampReport {
    let id = ObjectId::of(&stamp.bytes);
    let facts = case.stamp_facts(id);
    let mut report = facts_report(case, id, facts, objects);
    report.kind = stamp.kind;
    report.name.clone_from(&stamp.name);
    report.time = stamp.token.as_ref().ok().map(formats::tsp::Token::time);
    report.intact = stamp.imprint == Integrity::Intact;
    report.valid = stamp.token.is_ok();
    report.coverage = stamp.pdf.as_ref().map(|pdf| (pdf.coverage, pdf.later));
    let name = report.signer.as_ref().map_or_else(|| "time stamp".to_owned(), |signer| signer.name.clone());
    objects.add_stamp(case, id, &stamp.bytes, name);
    report
}

fn facts_report(case: &Case<'_>, id: ObjectId, facts: Option<&StampFacts>, objects: &mut Objects) -> StampReport {
    if let Some(standing) = facts.and_then(|facts| facts.standing.as_ref()) {
        objects.add_standing(case, standing);
    }
    StampReport {
        kind: formats::inspect::StampKind::Alone,
        name: None,
        id,
        time: None,
        intact: false,
        valid: false,
        conclusion: facts.map_or_else(not_judged, |facts| facts.conclusion.clone()),
        signer: facts.and_then(|facts| facts.standing.as_ref()).map(signer_of),
        algorithms: facts.map(|facts| facts.algorithms.clone()).unwrap_or_default(),
        checks: facts.map(|facts| facts.checks.clone()).unwrap_or_default(),
        coverage: None,
    }
}

fn not_judged() -> crate::report::Conclusion {
    let reason = Reason::new("time-stamp", "the time stamp was not judged");
    crate::report::Conclusion::of(crate::report::SubIndication::FormatFailure, reason)
}

fn record_report(case: &Case<'_>, record: &Record, facts: RecordFacts, objects: &mut Objects) -> RecordReport {
    let id = ObjectId::of(&record.bytes);
    let exists_since = case.proven_since(id);
    let name = record.name.clone().unwrap_or_else(|| "evidence record".to_owned());
    objects.add(Some(Object { id, kind: ObjectKind::Record, bytes: record.bytes.clone(), name, exists_since }));
    let mut stamps = Vec::new();
    if let Some(findings) = &facts.findings {
        for (found, judged) in findings.stamps.iter().zip(&facts.stamps) {
            let id = ObjectId::of(&found.bytes);
            let mut report = facts_report(case, id, Some(judged), objects);
            report.kind = formats::inspect::StampKind::Archive;
            report.time = found.token.as_ref().ok().map(formats::tsp::Token::time);
            report.intact = found.covered.is_ok();
            report.valid = found.token.is_ok();
            let name = report.signer.as_ref().map_or_else(|| "time stamp".to_owned(), |signer| signer.name.clone());
            objects.add_stamp(case, id, &found.bytes.as_slice().into(), name);
            stamps.push(report);
        }
    }
    let since = facts.findings.as_ref().and_then(|findings| findings.since.as_ref().ok()).copied();
    RecordReport {
        name: record.name.clone(),
        id,
        xml: record.xml,
        since,
        intact: since.is_some(),
        conclusion: facts.conclusion,
        objects: record.objects.iter().map(|object| object.name.clone()).collect(),
        stamps,
    }
}

impl Case<'_> {
    /// Judges all time stamps of a file, the newest first, and proves what lies under each.
    fn prove_stamps(&mut self, inspection: &Inspection) {
        let inner = inspection.signatures.iter().enumerate();
        let inner = inner.flat_map(|(index, signature)| signature.stamps.iter().map(move |stamp| (Some(index), stamp)));
        let mut all: Vec<(Option<usize>, &Stamp)> =
            inspection.stamps.iter().map(|stamp| (None, stamp)).chain(inner).collect();
        all.sort_by_key(|(_, stamp)| std::cmp::Reverse(stamp.token.as_ref().ok().map(formats::tsp::Token::time)));
        for (owner, stamp) in all {
            self.prove_stamp(inspection, owner, stamp);
        }
    }

    fn prove_stamp(&mut self, inspection: &Inspection, owner: Option<usize>, stamp: &Stamp) {
        use formats::inspect::StampKind;
        let id = ObjectId::of(&stamp.bytes);
        let facts = self.stamp(stamp);
        let proves = facts.conclusion.is_passed();
        self.keep_stamp(id, facts);
        let Ok(token) = &stamp.token else { return };
        let (time, hash) = (token.time(), token.imprint().algorithm);
        if !proves || !self.hash_suitable(hash, time) {
            return;
        }
        let proof = Proof::Stamp(id);
        stamp.covers.iter().for_each(|object| self.prove(*object, time, proof));
        let over_its_own =
            matches!(stamp.kind, StampKind::Signature | StampKind::SignatureAndReferences | StampKind::Archive);
        let own = owner.filter(|_| over_its_own);
        for index in stamp.signatures.iter().copied().chain(own) {
            if let Some(signature) = inspection.signatures.get(index) {
                self.prove(ObjectId::of(&signature.signature_value), time, proof);
            }
        }
    }
}
