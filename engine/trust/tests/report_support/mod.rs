//! Reports put together by hand: one of every kind, and one of foreign text that means no good.

use formats::inspect::{Coverage, CoveredRole, FileKind, LaterChanges, ObjectId, SignatureFormat, StampKind};
use model::{Reason, Time};
use std::sync::Arc;
use trust::report::*;

/// Text that breaks out of markup, out of a line, out of its direction, and out of a page.
pub(crate) const HOSTILE: &str = "<script>alert(\"1\")</script>&amp;'\u{202e}fdp.exe\u{0}\r\n]]><b>\u{1f600}ÄÖÜß";

pub(crate) fn at(day: i64) -> Time {
    // 2026-01-01T00:00:00Z and so many days.
    Time::from_seconds(1_767_225_600 + day * 86_400)
}

pub(crate) fn id(number: u8) -> ObjectId {
    ObjectId([number; 32])
}

pub(crate) fn empty(file: &str, kind: FileKind) -> Report {
    Report {
        file: file.into(),
        content: Some(([0xab; 32], 123_456)),
        kind,
        validation_time: at(100),
        policy: PolicyName { name: "default".into(), digest: [0xcd; 32] },
        signatures: Vec::new(),
        stamps: Vec::new(),
        records: Vec::new(),
        nested: Vec::new(),
        notes: Vec::new(),
        objects: Vec::new(),
    }
}

pub(crate) fn object(number: u8, kind: ObjectKind, name: &str) -> Object {
    Object { id: id(number), kind, bytes: vec![number; 40].into(), name: name.into(), exists_since: at(10) }
}

pub(crate) fn objects() -> Vec<Object> {
    vec![
        object(1, ObjectKind::Certificate, "Erika Mustermann, Musterfirma GmbH"),
        object(2, ObjectKind::Certificate, "Muster CA 1"),
        object(3, ObjectKind::Certificate, "Muster Root"),
        object(4, ObjectKind::OcspResponse, "OCSP Responder Muster CA 1"),
        object(5, ObjectKind::Crl, "Muster Root"),
        object(6, ObjectKind::Stamp, "TSA Muster"),
        object(7, ObjectKind::Record, "ER.xml"),
    ]
}

pub(crate) fn signer(name: &str) -> Signer {
    Signer {
        certificate: id(1),
        name: name.into(),
        path: vec![id(1), id(2), id(3)],
        anchor: Some(Arc::from("trusted list DE: Muster Trust, CA/QC")),
        revocation: vec![
            RevocationUse {
                certificate: id(1),
                source: Some(id(4)),
                status: RevocationStatus::Good,
                this_update: Some(at(9)),
                next_update: Some(at(12)),
            },
            RevocationUse {
                certificate: id(2),
                source: Some(id(5)),
                status: RevocationStatus::Good,
                this_update: Some(at(1)),
                next_update: None,
            },
            RevocationUse {
                certificate: id(3),
                source: None,
                status: RevocationStatus::NotNeeded,
                this_update: None,
                next_update: None,
            },
        ],
        qualified: true,
    }
}

pub(crate) fn stamp(kind: StampKind) -> StampReport {
    StampReport {
        kind,
        name: None,
        id: id(6),
        time: Some(at(10)),
        intact: true,
        valid: true,
        conclusion: Conclusion::passed(),
        signer: Some(signer("TSA Muster")),
        algorithms: vec![algorithm("time stamp", true)],
        checks: vec![check("timestamp-message-imprint", CheckStatus::Passed)],
        coverage: None,
    }
}

pub(crate) fn algorithm(place: &str, suitable: bool) -> AlgorithmUse {
    AlgorithmUse {
        place: place.into(),
        name: "RSA-PKCS1 with SHA-256".into(),
        bits: Some(3072),
        until: Some(at(2000)),
        suitable,
    }
}

pub(crate) fn check(name: &'static str, status: CheckStatus) -> Check {
    Check { name, status, finding: (status != CheckStatus::Passed).then(|| "digitalSignature is missing".into()) }
}

pub(crate) fn signature(format: SignatureFormat, level: SignatureLevel) -> SignatureReport {
    let pdf = matches!(format, SignatureFormat::Pades | SignatureFormat::PdfCms | SignatureFormat::PdfPkcs1);
    SignatureReport {
        name: Some("Signature1".into()),
        parent: None,
        format,
        level,
        id: id(9),
        intact: true,
        valid: true,
        conclusion: Conclusion::passed(),
        basic: Conclusion::passed(),
        process: Process::LongTerm,
        covered: vec![CoveredReport {
            what: "the whole document".into(),
            role: CoveredRole::Content,
            algorithm: "SHA-256".into(),
            digest: vec![7; 32],
            intact: true,
            reason: None,
        }],
        coverage: pdf.then_some(Coverage::WholeRevision),
        later_changes: pdf.then_some(LaterChanges::LongTerm),
        changes: Vec::new(),
        revision: pdf.then_some((1, 2)),
        best_signature_time: at(10),
        proof: Proof::Stamp(id(6)),
        claimed_time: Some(at(9)),
        signer: Some(signer("Erika Mustermann, Musterfirma GmbH")),
        claims: vec![
            ("role", "Prokuristin".into()),
            ("place", "Köln".into()),
            ("commitment", "1.2.840.113549.1.9.16.6.1".into()),
            ("policy", "1.2.3.4".into()),
            ("reason", "Freigabe & Prüfung".into()),
        ],
        algorithms: vec![algorithm("signature", true), algorithm("certificate", true)],
        checks: vec![
            check("signer-certificate-key-usage", CheckStatus::Passed),
            check("signer-certificate-qualified", CheckStatus::Informed),
        ],
        stamps: vec![stamp(StampKind::Signature)],
        notes: Vec::new(),
    }
}

pub(crate) fn record(conclusion: Conclusion) -> RecordReport {
    RecordReport {
        name: Some("evidencerecord.xml".into()),
        id: id(7),
        xml: true,
        since: conclusion.is_passed().then(|| at(20)),
        intact: conclusion.is_passed(),
        conclusion,
        objects: vec!["brief.pdf".into()],
        stamps: vec![stamp(StampKind::Archive)],
    }
}

/// Every sub-indication.
pub(crate) const SUB_INDICATIONS: [SubIndication; 25] = [
    SubIndication::FormatFailure,
    SubIndication::HashFailure,
    SubIndication::SigCryptoFailure,
    SubIndication::Revoked,
    SubIndication::Expired,
    SubIndication::NotYetValid,
    SubIndication::SigConstraintsFailure,
    SubIndication::ChainConstraintsFailure,
    SubIndication::CertificateChainGeneralFailure,
    SubIndication::CryptoConstraintsFailure,
    SubIndication::PolicyProcessingError,
    SubIndication::SignaturePolicyNotAvailable,
    SubIndication::TimestampOrderFailure,
    SubIndication::NoSigningCertificateFound,
    SubIndication::NoCertificateChainFound,
    SubIndication::NoCertificateChainFoundNoPoe,
    SubIndication::RevokedNoPoe,
    SubIndication::RevokedCaNoPoe,
    SubIndication::OutOfBoundsNotRevoked,
    SubIndication::OutOfBoundsNoPoe,
    SubIndication::RevocationOutOfBoundsNoPoe,
    SubIndication::CryptoConstraintsFailureNoPoe,
    SubIndication::NoPoe,
    SubIndication::TryLater,
    SubIndication::SignedDataNotFound,
];

pub(crate) fn failed(sub: SubIndication) -> Conclusion {
    Conclusion::of(sub, Reason::new("example-reason", format!("because of {}", sub.word())))
}

/// One report for each kind of thing that a file may be.
pub(crate) fn samples() -> Vec<(&'static str, Report)> {
    let mut all = Vec::new();

    let mut good = empty("vertrag.pdf", FileKind::Pdf);
    good.objects = objects();
    good.signatures.push(signature(SignatureFormat::Pades, SignatureLevel::Lta));
    good.stamps
        .push(StampReport { coverage: Some((Coverage::WholeFile, LaterChanges::None)), ..stamp(StampKind::Document) });
    all.push(("good", good));

    let mut changed = empty("rechnung.pdf", FileKind::Pdf);
    changed.objects = objects();
    changed.signatures.push(SignatureReport {
        intact: false,
        coverage: Some(Coverage::Unclear),
        later_changes: Some(LaterChanges::Other),
        changes: vec![Reason::new("pdf-page-content", "page 1 was given other content")],
        revision: Some((1, 3)),
        conclusion: failed(SubIndication::HashFailure),
        basic: failed(SubIndication::HashFailure),
        process: Process::Basic,
        proof: Proof::Now,
        best_signature_time: at(100),
        signer: None,
        stamps: Vec::new(),
        checks: vec![check("content-digest", CheckStatus::Failed)],
        ..signature(SignatureFormat::PdfCms, SignatureLevel::NotAdes)
    });
    all.push(("changed", changed));

    let mut revoked = empty("angebot.xml", FileKind::Xml);
    revoked.objects = objects();
    let mut counter = signature(SignatureFormat::XmlDsig, SignatureLevel::NotAdes);
    counter.parent = Some(0);
    let mut first = signature(SignatureFormat::Xades, SignatureLevel::T);
    first.conclusion = failed(SubIndication::RevokedNoPoe);
    if let Some(status) = first.signer.as_mut().and_then(|signer| signer.revocation.first_mut()) {
        status.status = RevocationStatus::Revoked(at(5), Some(1));
    }
    first.notes.push(Reason::new("issuer-differs", "the reference names another issuer"));
    revoked.signatures = vec![first, counter];
    all.push(("revoked", revoked));

    for sub in SUB_INDICATIONS {
        let mut report = empty("brief.p7s", FileKind::Cms);
        let mut signature = signature(SignatureFormat::Cades, SignatureLevel::B);
        signature.conclusion = failed(sub);
        signature.basic = failed(sub);
        report.objects = objects();
        report.signatures.push(signature);
        all.push((sub.word(), report));
    }

    let mut alone = empty("zeit.tsr", FileKind::TimeStamp);
    alone.objects = objects();
    alone.stamps.push(stamp(StampKind::Alone));
    all.push(("time stamp", alone));

    let mut record_file = empty("er.xml", FileKind::EvidenceRecord);
    record_file.objects = objects();
    record_file.records.push(record(Conclusion::passed()));
    record_file.records.push(record(failed(SubIndication::HashFailure)));
    all.push(("records", record_file));

    let mut mail = empty("mail.eml", FileKind::Mail);
    let mut inner = empty("2: anhang.pdf", FileKind::Pdf);
    inner.content = None;
    inner.objects = objects();
    inner.signatures.push(signature(SignatureFormat::PdfPkcs1, SignatureLevel::NotAdes));
    mail.nested.push(inner);
    mail.objects = objects();
    mail.signatures.push(signature(SignatureFormat::Cms, SignatureLevel::NotAdes));
    mail.notes.push(Reason::new("mail-text-unsigned", "the text above the signed part is not signed"));
    all.push(("mail", mail));

    all.push(("nothing", empty("bild.png", FileKind::Other)));
    all.push(("hostile", hostile(HOSTILE)));
    all
}

/// A report in which every text that comes from outside is this one.
pub(crate) fn hostile(text: &str) -> Report {
    let mut report = empty(text, FileKind::Asic);
    report.policy.name = text.into();
    report.objects = objects();
    report.objects.iter_mut().for_each(|object| object.name = text.into());
    let mut signature = signature(SignatureFormat::Xades, SignatureLevel::Lt);
    signature.name = Some(text.into());
    signature.conclusion = Conclusion::of(SubIndication::Expired, Reason::new("expired", text));
    signature.covered.iter_mut().for_each(|covered| {
        covered.what = text.into();
        covered.algorithm = text.into();
        covered.intact = false;
        covered.reason = Some(Reason::new("covered", text));
    });
    signature.claims = vec![("role", text.into()), ("place", text.into()), ("policy", text.into())];
    signature.signer = Some(Signer { anchor: Some(Arc::from(text)), ..signer(text) });
    signature.algorithms.iter_mut().for_each(|used| {
        used.name = text.into();
        used.place = text.into();
    });
    signature.checks.iter_mut().for_each(|check| check.finding = Some(text.into()));
    signature.notes = vec![Reason::new("note", text)];
    signature.changes = vec![Reason::new("change", text)];
    signature.stamps.iter_mut().for_each(|stamp| stamp.name = Some(text.into()));
    report.signatures.push(signature);
    let mut record = record(Conclusion::passed());
    record.name = Some(text.into());
    record.objects = vec![text.into()];
    report.records.push(record);
    report.notes = vec![Reason::new("note", text)];
    report
}
