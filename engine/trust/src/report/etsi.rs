//! A report as the validation report of ETSI TS 119 102-2 (version 1.4.1). Every reference in it leads to an object in it.
//! Where the standard has no name for a thing, a URN of ours stands in.

mod writer;

use super::{
    AlgorithmUse, Check, CheckStatus, Conclusion, CoveredReport, Indication, Object, ObjectKind, Process, Proof,
    RecordReport, Report, RevocationStatus, SignatureReport, Signer, StampReport, word,
};
use formats::inspect::{CoveredRole, ObjectId, StampKind};
use model::Time;
use model::limits::INSPECTION_NESTING_MAX;
use std::collections::BTreeMap;
use writer::Writer;

pub use super::json::Evidence;

/// The namespace of the report.
pub const NAMESPACE: &str = "http://uri.etsi.org/19102/v1.4.1#";

const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// The report on one file and all files inside.
pub fn of(report: &Report, evidence: Evidence) -> String {
    let mut all = Vec::new();
    flatten(report, 0, &mut all);
    let mut rendering = Rendering { writer: Writer::new(), things: things(&all), evidence };
    rendering.write(report, &all);
    rendering.writer.finish()
}

fn flatten<'r>(report: &'r Report, depth: usize, all: &mut Vec<&'r Report>) {
    all.push(report);
    if depth < INSPECTION_NESTING_MAX {
        report.nested.iter().for_each(|nested| flatten(nested, depth + 1, all));
    }
}

/// A validation object: what is known about one digest.
#[derive(Clone, Copy)]
struct Thing<'r> {
    kind: ObjectKind,
    object: Option<&'r Object>,
    stamp: Option<&'r StampReport>,
    record: Option<&'r RecordReport>,
}

/// Everything that has a digest of its own, each once.
fn things<'r>(all: &[&'r Report]) -> BTreeMap<ObjectId, Thing<'r>> {
    let mut things = BTreeMap::new();
    let new = |kind| Thing { kind, object: None, stamp: None, record: None };
    for report in all {
        for object in &report.objects {
            things.entry(object.id).or_insert_with(|| new(object.kind)).object.get_or_insert(object);
        }
        let of_signatures = report.signatures.iter().flat_map(|signature| &signature.stamps);
        let of_records = report.records.iter().flat_map(|record| &record.stamps);
        for stamp in of_signatures.chain(&report.stamps).chain(of_records) {
            things.entry(stamp.id).or_insert_with(|| new(ObjectKind::Stamp)).stamp.get_or_insert(stamp);
        }
        for record in &report.records {
            things.entry(record.id).or_insert_with(|| new(ObjectKind::Record)).record.get_or_insert(record);
        }
    }
    things
}

struct Rendering<'r> {
    writer: Writer,
    things: BTreeMap<ObjectId, Thing<'r>>,
    evidence: Evidence,
}

impl Rendering<'_> {
    fn write(&mut self, report: &Report, all: &[&Report]) {
        let attributes = [
            ("xmlns:vr", NAMESPACE),
            ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#"),
            ("xmlns:XAdES", "http://uri.etsi.org/01903/v1.3.2#"),
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            ("xmlns:xs", "http://www.w3.org/2001/XMLSchema"),
        ];
        self.writer.open("vr:ValidationReport", &attributes);
        let mut number = 0;
        for each in all {
            for signature in &each.signatures {
                number += 1;
                self.signature(each, signature, number);
            }
        }
        if number == 0 {
            // A report must hold one; the reference implementation has a word for this.
            self.writer.open("vr:SignatureValidationReport", &[]);
            self.policy(report, &[]);
            self.writer.open("vr:SignatureValidationStatus", &[]);
            self.writer.leaf("vr:MainIndication", "urn:cef:dss:mainindication:noSignatureFound");
            self.writer.close();
            self.writer.close();
        }
        self.objects(all);
        self.writer.close();
    }

    fn signature(&mut self, file: &Report, report: &SignatureReport, number: usize) {
        let name = format!("S-{number}");
        self.writer.open("vr:SignatureValidationReport", &[]);
        self.writer.open("vr:SignatureIdentifier", &[("id", &name)]);
        self.writer.leaf("vr:HashOnly", "false");
        self.writer.leaf("vr:DocHashOnly", "false");
        self.writer.leaf("vr:DAIdentifier", &word::hex(&report.id.0));
        self.writer.close();
        self.policy(file, &report.checks);
        self.writer.open("vr:ValidationTimeInfo", &[]);
        self.writer.leaf("vr:ValidationTime", &word::time(file.validation_time));
        self.proof("vr:BestSignatureTime", report.best_signature_time, report.proof);
        self.writer.close();
        self.document(report, number);
        self.attributes(report);
        if let Some(signer) = &report.signer {
            self.signer(signer);
        }
        self.writer.open("vr:SignatureQuality", &[]);
        self.writer.leaf("vr:SignatureQualityInformation", &own("level", word::level(report.level)));
        if report.signer.as_ref().is_some_and(|signer| signer.qualified) {
            self.writer.leaf("vr:SignatureQualityInformation", &own("certificate", "qualified"));
        }
        self.writer.close();
        let process = match report.process {
            Process::Basic => "Basic",
            Process::LongTerm => "LTVM",
            Process::Archival => "LTA",
        };
        self.writer.open("vr:SignatureValidationProcess", &[]);
        self.writer.leaf("vr:SignatureValidationProcessID", &format!("urn:etsi:019102:validationprocess:{process}"));
        self.writer.close();
        let total = main_indication(report.conclusion.indication, true);
        self.status(
            "vr:SignatureValidationStatus",
            total,
            &report.conclusion,
            report.signer.as_ref(),
            &report.algorithms,
            &name,
        );
        self.writer.close();
    }

    /// The policy and how its constraints came out.
    fn policy(&mut self, file: &Report, checks: &[Check]) {
        self.writer.open("vr:ValidationConstraintsEvaluationReport", &[]);
        self.writer.open("vr:SignatureValidationPolicy", &[]);
        self.writer.open("vr:SignaturePolicyIdentifier", &[]);
        self.writer.open("XAdES:SignaturePolicyId", &[]);
        self.writer.open("XAdES:SigPolicyId", &[]);
        self.writer.leaf("XAdES:Identifier", &own("policy", &file.policy.name));
        self.writer.close();
        self.writer.open("XAdES:SigPolicyHash", &[]);
        self.digest(SHA256, &file.policy.digest);
        self.writer.close();
        self.writer.close();
        self.writer.close();
        self.writer.leaf("vr:PolicyName", &file.policy.name);
        self.writer.close();
        for check in checks {
            self.writer.open("vr:ValidationConstraint", &[]);
            self.writer.leaf("vr:ValidationConstraintIdentifier", &own("constraint", check.name));
            self.writer.open("vr:ConstraintStatus", &[]);
            self.writer.leaf("vr:Status", "urn:etsi:019102:constraintStatus:applied");
            self.writer.close();
            let indication = match check.status {
                CheckStatus::Failed => Indication::Failed,
                CheckStatus::Passed | CheckStatus::Informed | CheckStatus::Warned => Indication::Passed,
            };
            self.writer.open("vr:ValidationStatus", &[]);
            self.writer.leaf("vr:MainIndication", main_indication(indication, false));
            if check.finding.is_some() || check.status != CheckStatus::Passed {
                let finding = check.finding.as_deref().unwrap_or_default();
                self.writer.open("vr:AssociatedValidationReportData", &[]);
                self.remark(&own("check", word::check(check.status)), finding);
                self.writer.close();
            }
            self.writer.close();
            self.writer.close();
        }
        self.writer.close();
    }

    fn document(&mut self, report: &SignatureReport, number: usize) {
        let content = report.covered.iter().find(|covered| covered.role == CoveredRole::Content);
        let Some(content) = content.or(report.covered.first()) else { return };
        let references: Vec<String> = (0..report.covered.len()).map(|at| format!("D-{number}-{at}")).collect();
        self.writer.open("vr:SignersDocument", &[]);
        self.writer.open("vr:DigestAlgAndValue", &[]);
        self.digest(&algorithm(&content.algorithm), &content.digest);
        self.writer.close();
        self.writer.empty("vr:SignersDocumentRef", &[("VOReference", &references.join(" "))]);
        self.writer.close();
    }

    fn attributes(&mut self, report: &SignatureReport) {
        let stamps: Vec<(&str, &StampReport, Time)> =
            report.stamps.iter().filter_map(|stamp| Some((attribute(stamp.kind)?, stamp, stamp.time?))).collect();
        let known = |name: &str| matches!(name, "role" | "place" | "commitment" | "policy" | "reason");
        let claims: Vec<_> = report.claims.iter().filter(|(name, _)| known(name)).collect();
        if stamps.is_empty() && claims.is_empty() && report.claimed_time.is_none() {
            return;
        }
        self.writer.open("vr:SignatureAttributes", &[]);
        let signed = [("Signed", "true")];
        if let Some(time) = report.claimed_time {
            self.writer.open("vr:SigningTime", &signed);
            self.writer.leaf("vr:Time", &word::time(time));
            self.writer.close();
        }
        for (name, value) in claims {
            let (outer, inner) = match *name {
                "place" => ("vr:SignatureProductionPlace", "vr:AddressString"),
                "commitment" => ("vr:CommitmentTypeIndication", "vr:CommitmentTypeIdentifier"),
                "policy" => ("vr:SigPolicyIdentifier", "vr:SigPolicyId"),
                "reason" => ("vr:Reason", "vr:ReasonElement"),
                _ => ("vr:SignerRole", "vr:RoleDetails"),
            };
            self.writer.open(outer, &signed);
            match *name {
                "role" => {
                    self.writer.open(inner, &[]);
                    self.writer.leaf("vr:Role", value);
                    self.writer.leaf("vr:EndorsementType", "claimed");
                    self.writer.close();
                }
                "commitment" | "policy" => self.writer.leaf(inner, &writer::uri(value)),
                _ => self.writer.leaf(inner, value),
            }
            self.writer.close();
        }
        for (name, stamp, time) in stamps {
            self.writer.open(name, &[]);
            self.reference("vr:AttributeObject", &[stamp.id]);
            self.writer.leaf("vr:TimeStampValue", &word::time(time));
            self.writer.close();
        }
        self.writer.close();
    }

    fn signer(&mut self, signer: &Signer) {
        if self.things.contains_key(&signer.certificate) {
            self.writer.open("vr:SignerInformation", &[]);
            self.reference("vr:SignerCertificate", &[signer.certificate]);
            self.writer.leaf("vr:Signer", &signer.name);
            self.writer.close();
        }
    }

    /// A status with everything it rests on. `name`: the id of what it is about.
    fn status(
        &mut self,
        element: &'static str,
        indication: &str,
        conclusion: &Conclusion,
        signer: Option<&Signer>,
        algorithms: &[AlgorithmUse],
        name: &str,
    ) {
        self.writer.open(element, &[]);
        self.writer.leaf("vr:MainIndication", indication);
        if let Some(sub) = conclusion.sub_indication {
            self.writer.leaf("vr:SubIndication", &format!("urn:etsi:019102:subindication:{}", sub.word()));
        }
        if signer.is_some() || conclusion.reason.is_some() {
            self.writer.open("vr:AssociatedValidationReportData", &[]);
            if let Some(signer) = signer {
                self.chain(signer);
            }
            if let Some(reason) = &conclusion.reason {
                self.remark(&own("reason", reason.code), &reason.sentence);
            }
            self.writer.close();
        }
        for used in algorithms {
            self.writer.open("vr:AssociatedValidationReportData", &[]);
            self.writer.open("vr:CryptoInformation", &[]);
            self.writer.empty("vr:ValidationObjectId", &[("VOReference", name)]);
            self.writer.leaf("vr:Algorithm", &algorithm(&used.name));
            if let Some(bits) = used.bits {
                self.writer.open("vr:AlgorithmParameters", &[]);
                self.writer.leaf("vr:Type", &own("algorithm", "key-length"));
                self.value(&bits.to_string());
                self.writer.close();
            }
            self.writer.leaf("vr:SecureAlgorithm", if used.suitable { "true" } else { "false" });
            if let Some(until) = used.until {
                self.writer.leaf("vr:NotAfter", &word::time(until));
            }
            self.writer.close();
            self.writer.close();
        }
        self.writer.close();
    }

    fn chain(&mut self, signer: &Signer) {
        let anchor = signer.anchor.is_some().then(|| signer.path.last().copied()).flatten();
        if let Some(anchor) = anchor {
            self.reference("vr:TrustAnchor", &[anchor]);
        }
        if self.things.contains_key(&signer.certificate) {
            self.writer.open("vr:CertificateChain", &[]);
            self.reference("vr:SigningCertificate", &[signer.certificate]);
            let above = signer.path.iter().filter(|id| **id != signer.certificate && Some(**id) != anchor);
            for id in above {
                self.reference("vr:IntermediateCertificate", &[*id]);
            }
            if let Some(anchor) = anchor {
                self.reference("vr:TrustAnchor", &[anchor]);
            }
            self.writer.close();
        }
        for about in &signer.revocation {
            if let Some(source) = about.source {
                self.reference("vr:RelatedValidationObject", &[source]);
            }
        }
        let revoked = signer.revocation.iter().find_map(|about| match about.status {
            RevocationStatus::Revoked(since, why) if self.things.contains_key(&about.certificate) => {
                Some((about, since, why))
            }
            _ => None,
        });
        if let Some((about, since, why)) = revoked {
            self.writer.open("vr:RevocationStatusInformation", &[]);
            self.reference("vr:ValidationObjectId", &[about.certificate]);
            self.writer.leaf("vr:RevocationTime", &word::time(since));
            if let Some(why) = why.and_then(word::revocation_reason) {
                self.writer.leaf("vr:RevocationReason", &format!("urn:etsi:019102:revocationReason:{why}"));
            }
            if let Some(source) = about.source {
                self.reference("vr:RevocationObject", &[source]);
            }
            self.writer.close();
        }
    }

    fn objects(&mut self, all: &[&Report]) {
        let things = std::mem::take(&mut self.things);
        let signatures = || all.iter().flat_map(|report| &report.signatures);
        if !things.is_empty() || signatures().any(|signature| !signature.covered.is_empty()) {
            self.writer.open("vr:SignatureValidationObjects", &[]);
            // References ask whether a thing is there.
            self.things = things;
            let ids: Vec<ObjectId> = self.things.keys().copied().collect();
            for id in ids {
                self.thing(id);
            }
            for (at, signature) in signatures().enumerate() {
                for (index, covered) in signature.covered.iter().enumerate() {
                    self.covered(&format!("D-{}-{index}", at + 1), covered);
                }
            }
            self.writer.close();
        }
    }

    fn thing(&mut self, id: ObjectId) {
        let Some(&Thing { kind, object, stamp, record }) = self.things.get(&id) else { return };
        let kind = match kind {
            ObjectKind::Certificate => "certificate",
            ObjectKind::Crl => "CRL",
            ObjectKind::OcspResponse => "OCSPResponse",
            ObjectKind::Stamp => "timestamp",
            ObjectKind::Record => "evidencerecord",
        };
        let name = name_of(id);
        self.writer.open("vr:ValidationObject", &[("id", &name)]);
        self.writer.leaf("vr:ObjectType", &format!("urn:etsi:019102:validationObject:{kind}"));
        self.writer.open("vr:ValidationObjectRepresentation", &[]);
        match object {
            Some(object) if self.evidence == Evidence::Included => {
                self.writer.leaf("vr:base64", &word::base64(&object.bytes));
            }
            _ => {
                self.writer.open("vr:DigestAlgAndValue", &[]);
                self.digest(SHA256, &id.0);
                self.writer.close();
            }
        }
        self.writer.close();
        if let Some(object) = object {
            self.proof("vr:POE", object.exists_since, Proof::Now);
        }
        let since = stamp.and_then(|stamp| stamp.time).or(record.and_then(|record| record.since));
        if let Some(since) = since {
            self.writer.open("vr:POEProvisioning", &[]);
            self.writer.leaf("vr:POETime", &word::time(since));
            self.writer.close();
        }
        if let Some(stamp) = stamp {
            self.writer.open("vr:ValidationReport", &[]);
            if let Some(signer) = &stamp.signer {
                self.signer(signer);
            }
            let indication = main_indication(stamp.conclusion.indication, false);
            self.status(
                "vr:SignatureValidationStatus",
                indication,
                &stamp.conclusion,
                stamp.signer.as_ref(),
                &stamp.algorithms,
                &name,
            );
            self.writer.close();
        } else if let Some(record) = record {
            self.writer.open("vr:ValidationReport", &[]);
            let indication = main_indication(record.conclusion.indication, false);
            self.status("vr:SignatureValidationStatus", indication, &record.conclusion, None, &[], &name);
            self.writer.close();
        }
        self.writer.close();
    }

    fn covered(&mut self, name: &str, covered: &CoveredReport) {
        self.writer.open("vr:ValidationObject", &[("id", name)]);
        self.writer.leaf("vr:ObjectType", "urn:etsi:019102:validationObject:signedData");
        self.writer.open("vr:ValidationObjectRepresentation", &[]);
        self.writer.open("vr:DigestAlgAndValue", &[]);
        self.digest(&algorithm(&covered.algorithm), &covered.digest);
        self.writer.close();
        self.writer.close();
        self.writer.close();
    }

    fn proof(&mut self, element: &'static str, time: Time, proof: Proof) {
        self.writer.open(element, &[]);
        self.writer.leaf("vr:POETime", &word::time(time));
        self.writer.leaf("vr:TypeOfProof", "urn:etsi:019102:poetype:validation");
        if let Some(id) = word::proof_object(proof) {
            self.reference("vr:POEObject", &[id]);
        }
        self.writer.close();
    }

    /// A reference to those of these things that are in the report; none, if none is.
    fn reference(&mut self, element: &'static str, ids: &[ObjectId]) {
        let names: Vec<String> = ids.iter().filter(|id| self.things.contains_key(id)).map(|id| name_of(*id)).collect();
        if !names.is_empty() {
            self.writer.empty(element, &[("VOReference", &names.join(" "))]);
        }
    }

    fn remark(&mut self, kind: &str, text: &str) {
        self.writer.open("vr:AdditionalValidationReportData", &[]);
        self.writer.open("vr:ReportData", &[]);
        self.writer.leaf("vr:Type", kind);
        self.value(text);
        self.writer.close();
        self.writer.close();
    }

    fn value(&mut self, text: &str) {
        self.writer.open("vr:Value", &[("xsi:type", "xs:string")]);
        self.writer.text(text);
        self.writer.close();
    }

    fn digest(&mut self, algorithm: &str, value: &[u8]) {
        self.writer.empty("ds:DigestMethod", &[("Algorithm", algorithm)]);
        self.writer.leaf("ds:DigestValue", &word::base64(value));
    }
}

fn name_of(id: ObjectId) -> String {
    format!("O-{}", word::hex(&id.0))
}

/// A URN of ours.
fn own(kind: &str, name: &str) -> String {
    format!("urn:sealmill:{kind}:{}", writer::escaped(name))
}

fn main_indication(indication: Indication, total: bool) -> &'static str {
    match (indication, total) {
        (Indication::Passed, true) => "urn:etsi:019102:mainindication:total-passed",
        (Indication::Failed, true) => "urn:etsi:019102:mainindication:total-failed",
        (Indication::Passed, false) => "urn:etsi:019102:mainindication:passed",
        (Indication::Failed, false) => "urn:etsi:019102:mainindication:failed",
        (Indication::Indeterminate, _) => "urn:etsi:019102:mainindication:indeterminate",
    }
}

/// The URI of an algorithm (RFC 9231 and the specifications it lists).
fn algorithm(name: &str) -> String {
    match name {
        "SHA-1" => "http://www.w3.org/2000/09/xmldsig#sha1".into(),
        "SHA-224" => "http://www.w3.org/2001/04/xmldsig-more#sha224".into(),
        "SHA-256" => SHA256.into(),
        "SHA-384" => "http://www.w3.org/2001/04/xmldsig-more#sha384".into(),
        "SHA-512" => "http://www.w3.org/2001/04/xmlenc#sha512".into(),
        "SHA3-224" => "http://www.w3.org/2007/05/xmldsig-more#sha3-224".into(),
        "SHA3-256" => "http://www.w3.org/2007/05/xmldsig-more#sha3-256".into(),
        "SHA3-384" => "http://www.w3.org/2007/05/xmldsig-more#sha3-384".into(),
        "SHA3-512" => "http://www.w3.org/2007/05/xmldsig-more#sha3-512".into(),
        "RIPEMD-160" => "http://www.w3.org/2001/04/xmlenc#ripemd160".into(),
        other => own("algorithm", other),
    }
}

/// The attribute in which a time stamp lies (TS 119 102-2 annex A).
fn attribute(kind: StampKind) -> Option<&'static str> {
    Some(match kind {
        StampKind::Content => "vr:AllDataObjectsTimeStamp",
        StampKind::Signature => "vr:SignatureTimeStamp",
        StampKind::SignatureAndReferences => "vr:SigAndRefsTimeStamp",
        StampKind::References => "vr:RefsOnlyTimeStamp",
        StampKind::Archive => "vr:ArchiveTimeStamp",
        StampKind::Document => "vr:DocTimeStamp",
        StampKind::Container | StampKind::Alone => return None,
    })
}
