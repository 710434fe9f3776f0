//! A report as JSON. Members that programs rely on keep their names; new ones may be added. Times are RFC 3339, digests
//! hexadecimal, octets Base64; what is not there is `null`, never left out.

use super::{
    AlgorithmUse, Check, Conclusion, CoveredReport, Object, RecordReport, Report, RevocationStatus, RevocationUse,
    SignatureReport, Signer, StampReport, word,
};
use crate::json::Json;
use formats::inspect::ObjectId;
use model::limits::INSPECTION_NESTING_MAX;
use model::{Reason, Time};
use std::borrow::Cow;

/// Whether the octets of certificates, CRLs and so on go into the rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Only what they are.
    Named,
    /// With their octets.
    Included,
}

/// The report on one file. `to_string` gives one line, `{:#}` many.
pub fn of(report: &Report, evidence: Evidence) -> Json {
    file(report, evidence, 0)
}

fn file(report: &Report, evidence: Evidence, depth: usize) -> Json {
    let nested = if depth < INSPECTION_NESTING_MAX { report.nested.as_slice() } else { &[] };
    Json::map([
        ("file", text(&report.file)),
        ("sha256", report.content.map(|(digest, _)| word::hex(&digest)).into()),
        ("length", report.content.map(|(_, length)| i64::try_from(length).unwrap_or(i64::MAX)).into()),
        ("kind", word::kind(report.kind).into()),
        ("validation_time", time(report.validation_time)),
        (
            "policy",
            Json::map([("name", text(&report.policy.name)), ("sha256", word::hex(&report.policy.digest).into())]),
        ),
        ("overall", report.overall().map(word::indication).into()),
        ("signatures", Json::list(report.signatures.iter().map(signature))),
        ("timestamps", Json::list(report.stamps.iter().map(stamp))),
        ("evidence_records", Json::list(report.records.iter().map(record))),
        ("nested", Json::list(nested.iter().map(|nested| file(nested, evidence, depth + 1)))),
        ("notes", reasons(&report.notes)),
        ("objects", Json::list(report.objects.iter().map(|each| object(each, evidence)))),
    ])
}

fn signature(report: &SignatureReport) -> Json {
    let mut members = vec![
        ("name", optional(report.name.as_deref())),
        ("id", id(report.id)),
        ("counter_signs", report.parent.into()),
        ("format", word::format(report.format).into()),
        ("level", word::level(report.level).into()),
        ("intact", report.intact.into()),
        ("valid", report.valid.into()),
    ];
    members.extend(conclusion(&report.conclusion, word::indication));
    members.extend([
        ("basic", map(conclusion(&report.basic, word::part_indication))),
        ("process", word::process(report.process).into()),
        ("coverage", coverage(report)),
        ("covered", Json::list(report.covered.iter().map(covered))),
        ("later_changes", report.later_changes.map(word::later_changes).into()),
        ("changes", reasons(&report.changes)),
        (
            "revision",
            report.revision.map(|(this, all)| Json::map([("number", this.into()), ("of", all.into())])).into(),
        ),
        ("best_signature_time", time(report.best_signature_time)),
        (
            "proof",
            Json::map([
                ("type", word::proof(report.proof).into()),
                ("object", word::proof_object(report.proof).map(id).into()),
            ]),
        ),
        ("claimed_time", report.claimed_time.map(time).into()),
        ("signer", report.signer.as_ref().map(signer).into()),
        ("claims", Json::list(report.claims.iter().map(claim))),
        ("algorithms", Json::list(report.algorithms.iter().map(algorithm))),
        ("checks", Json::list(report.checks.iter().map(check))),
        ("stamps", Json::list(report.stamps.iter().map(stamp))),
        ("notes", reasons(&report.notes)),
    ]);
    map(members)
}

/// The word for a PDF; else what is covered, in words.
fn coverage(report: &SignatureReport) -> Json {
    match report.coverage {
        Some(coverage) => word::coverage(coverage).into(),
        None => {
            let content = report.covered.iter().map(|covered| covered.what.as_str());
            let mut list = String::new();
            for what in content {
                if !list.is_empty() {
                    list.push_str(", ");
                }
                list.push_str(&word::bounded(what));
                if list.len() > 4 * model::limits::REPORT_TEXT_CHARS_MAX {
                    break;
                }
            }
            text(&list)
        }
    }
}

fn covered(report: &CoveredReport) -> Json {
    Json::map([
        ("what", text(&report.what)),
        ("role", word::role(report.role).into()),
        ("algorithm", text(&report.algorithm)),
        ("digest", word::hex(&report.digest).into()),
        ("intact", report.intact.into()),
        ("reason", report.reason.as_ref().map(reason).into()),
    ])
}

fn signer(signer: &Signer) -> Json {
    Json::map([
        ("name", text(&signer.name)),
        ("certificate", id(signer.certificate)),
        ("qualified", signer.qualified.into()),
        ("path", Json::list(signer.path.iter().copied().map(id))),
        ("anchor", optional(signer.anchor.as_deref())),
        ("revocation", Json::list(signer.revocation.iter().map(revocation))),
    ])
}

fn revocation(about: &RevocationUse) -> Json {
    let (since, why) = match about.status {
        RevocationStatus::Revoked(since, why) => (Some(since), why),
        _ => (None, None),
    };
    Json::map([
        ("certificate", id(about.certificate)),
        ("status", word::revocation(about.status).into()),
        ("revoked_at", since.map(time).into()),
        ("revocation_reason", why.and_then(word::revocation_reason).into()),
        ("source", about.source.map(id).into()),
        ("this_update", about.this_update.map(time).into()),
        ("next_update", about.next_update.map(time).into()),
    ])
}

fn claim((name, value): &(&'static str, String)) -> Json {
    Json::map([("name", (*name).into()), ("value", text(value))])
}

fn algorithm(used: &AlgorithmUse) -> Json {
    Json::map([
        ("place", text(&used.place)),
        ("name", text(&used.name)),
        ("bits", used.bits.into()),
        ("until", used.until.map(time).into()),
        ("suitable", used.suitable.into()),
    ])
}

fn check(check: &Check) -> Json {
    Json::map([
        ("name", check.name.into()),
        ("status", word::check(check.status).into()),
        ("finding", optional(check.finding.as_deref())),
    ])
}

fn stamp(report: &StampReport) -> Json {
    let mut members = vec![
        ("name", optional(report.name.as_deref())),
        ("id", id(report.id)),
        ("kind", word::stamp(report.kind).into()),
        ("time", report.time.map(time).into()),
        ("intact", report.intact.into()),
        ("valid", report.valid.into()),
    ];
    members.extend(conclusion(&report.conclusion, word::part_indication));
    members.extend([
        ("coverage", report.coverage.map(|(coverage, _)| word::coverage(coverage)).into()),
        ("later_changes", report.coverage.map(|(_, later)| word::later_changes(later)).into()),
        ("signer", report.signer.as_ref().map(signer).into()),
        ("algorithms", Json::list(report.algorithms.iter().map(algorithm))),
        ("checks", Json::list(report.checks.iter().map(check))),
    ]);
    map(members)
}

fn record(report: &RecordReport) -> Json {
    let mut members = vec![
        ("name", optional(report.name.as_deref())),
        ("id", id(report.id)),
        ("form", if report.xml { "rfc6283" } else { "rfc4998" }.into()),
        ("since", report.since.map(time).into()),
        ("intact", report.intact.into()),
    ];
    members.extend(conclusion(&report.conclusion, word::part_indication));
    members.extend([
        ("objects", Json::list(report.objects.iter().map(|name| text(name)))),
        ("stamps", Json::list(report.stamps.iter().map(stamp))),
    ]);
    map(members)
}

fn object(object: &Object, evidence: Evidence) -> Json {
    let mut members = vec![
        ("id", id(object.id)),
        ("kind", word::object(object.kind).into()),
        ("name", text(&object.name)),
        ("exists_since", time(object.exists_since)),
    ];
    if evidence == Evidence::Included {
        members.push(("bytes", word::base64(&object.bytes).into()));
    }
    map(members)
}

fn conclusion(conclusion: &Conclusion, word: fn(super::Indication) -> &'static str) -> [(&'static str, Json); 3] {
    [
        ("indication", word(conclusion.indication).into()),
        ("sub_indication", conclusion.sub_indication.map(super::SubIndication::word).into()),
        ("reason", conclusion.reason.as_ref().map(reason).into()),
    ]
}

fn reason(reason: &Reason) -> Json {
    Json::map([("code", reason.code.into()), ("sentence", text(&reason.sentence))])
}

fn reasons(reasons: &[Reason]) -> Json {
    Json::list(reasons.iter().map(reason))
}

fn map(members: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Map(members.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
}

fn text(foreign: &str) -> Json {
    word::bounded(foreign).into()
}

fn optional(foreign: Option<&str>) -> Json {
    foreign.map(word::bounded).into()
}

fn time(time: Time) -> Json {
    word::time(time).into()
}

fn id(id: ObjectId) -> Json {
    word::hex(&id.0).into()
}
