//! The stable words of a report: the same in every rendering and every language, for programs to match on. And how
//! foreign text, times and digests are written.

use super::{CheckStatus, Indication, ObjectKind, Process, Proof, RevocationStatus, SignatureLevel};
use crate::json::is_invisible;
use formats::inspect::{Coverage, CoveredRole, FileKind, LaterChanges, ObjectId, SignatureFormat, StampKind};
use model::Time;
use model::limits::REPORT_TEXT_CHARS_MAX;
use std::fmt::Write;

/// `cms`, `pdf`, …
pub fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Cms => "cms",
        FileKind::TimeStamp => "time-stamp",
        FileKind::EvidenceRecord => "evidence-record",
        FileKind::Xml => "xml",
        FileKind::Pdf => "pdf",
        FileKind::Asic => "asic",
        FileKind::Mail => "mail",
        FileKind::Encrypted => "encrypted",
        FileKind::Other => "other",
    }
}

/// `cades`, `pdf-cms`, …
pub fn format(format: SignatureFormat) -> &'static str {
    match format {
        SignatureFormat::Cms => "cms",
        SignatureFormat::Cades => "cades",
        SignatureFormat::XmlDsig => "xmldsig",
        SignatureFormat::Xades => "xades",
        SignatureFormat::PdfCms => "pdf-cms",
        SignatureFormat::PdfPkcs1 => "pdf-pkcs1",
        SignatureFormat::Pades => "pades",
    }
}

/// `B-LTA`, `not-ades`, …
pub fn level(level: SignatureLevel) -> &'static str {
    match level {
        SignatureLevel::NotAdes => "not-ades",
        SignatureLevel::B => "B-B",
        SignatureLevel::T => "B-T",
        SignatureLevel::Lt => "B-LT",
        SignatureLevel::Lta => "B-LTA",
    }
}

/// `TOTAL-PASSED`, `TOTAL-FAILED`, `INDETERMINATE`: as EN 319 102-1 has it for signatures.
pub fn indication(indication: Indication) -> &'static str {
    match indication {
        Indication::Passed => "TOTAL-PASSED",
        Indication::Failed => "TOTAL-FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    }
}

/// `PASSED`, `FAILED`, `INDETERMINATE`: as EN 319 102-1 has it for time stamps and parts of a validation.
pub fn part_indication(indication: Indication) -> &'static str {
    match indication {
        Indication::Passed => "PASSED",
        Indication::Failed => "FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    }
}

/// `whole-file`, `whole-revision`, `unclear`.
pub fn coverage(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::WholeFile => "whole-file",
        Coverage::WholeRevision => "whole-revision",
        Coverage::Unclear => "unclear",
    }
}

/// `none`, `lta`, `form`, `annotation`, `other`.
pub fn later_changes(changes: LaterChanges) -> &'static str {
    match changes {
        LaterChanges::None => "none",
        LaterChanges::LongTerm => "lta",
        LaterChanges::Form => "form",
        LaterChanges::Annotation => "annotation",
        LaterChanges::Other => "other",
    }
}

/// `content`, `properties`, `manifest-entry`.
pub fn role(role: CoveredRole) -> &'static str {
    match role {
        CoveredRole::Content => "content",
        CoveredRole::Properties => "properties",
        CoveredRole::ManifestEntry => "manifest-entry",
    }
}

/// `basic`, `long-term`, `archival`.
pub fn process(process: Process) -> &'static str {
    match process {
        Process::Basic => "basic",
        Process::LongTerm => "long-term",
        Process::Archival => "archival",
    }
}

/// `now`, `time-stamp`, `evidence-record`.
pub fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Now => "now",
        Proof::Stamp(_) => "time-stamp",
        Proof::Record(_) => "evidence-record",
    }
}

/// What proves it, if that is an object.
pub fn proof_object(proof: Proof) -> Option<ObjectId> {
    match proof {
        Proof::Now => None,
        Proof::Stamp(id) | Proof::Record(id) => Some(id),
    }
}

/// `good`, `revoked`, `unknown`, `not-needed`.
pub fn revocation(status: RevocationStatus) -> &'static str {
    match status {
        RevocationStatus::Good => "good",
        RevocationStatus::Revoked(..) => "revoked",
        RevocationStatus::Unknown => "unknown",
        RevocationStatus::NotNeeded => "not-needed",
    }
}

/// The name of a reason of RFC 5280 section 5.3.1.
pub fn revocation_reason(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "unspecified",
        1 => "keyCompromise",
        2 => "cACompromise",
        3 => "affiliationChanged",
        4 => "superseded",
        5 => "cessationOfOperation",
        6 => "certificateHold",
        8 => "removeFromCRL",
        9 => "privilegeWithdrawn",
        10 => "aACompromise",
        _ => return None,
    })
}

/// `passed`, `informed`, `warned`, `failed`.
pub fn check(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Passed => "passed",
        CheckStatus::Informed => "informed",
        CheckStatus::Warned => "warned",
        CheckStatus::Failed => "failed",
    }
}

/// `content`, `signature`, `archive`, …
pub fn stamp(kind: StampKind) -> &'static str {
    match kind {
        StampKind::Content => "content",
        StampKind::Signature => "signature",
        StampKind::SignatureAndReferences => "signature-and-references",
        StampKind::References => "references",
        StampKind::Archive => "archive",
        StampKind::Document => "document",
        StampKind::Container => "container",
        StampKind::Alone => "alone",
    }
}

/// `certificate`, `crl`, `ocsp-response`, `time-stamp`, `evidence-record`.
pub fn object(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Certificate => "certificate",
        ObjectKind::Crl => "crl",
        ObjectKind::OcspResponse => "ocsp-response",
        ObjectKind::Stamp => "time-stamp",
        ObjectKind::Record => "evidence-record",
    }
}

/// A time in UTC (RFC 3339), fractions of a second only where there are any.
pub fn time(time: Time) -> String {
    let (year, month, day, hour, minute, second) = time.civil();
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let fraction = time.micros() % 1_000_000;
    if fraction != 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Octets in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Octets in Base64 (RFC 4648 section 4).
pub fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// Foreign text, cut where it is too long for a report.
pub fn bounded(text: &str) -> String {
    match text.char_indices().nth(REPORT_TEXT_CHARS_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// Foreign text as a person may see it: bounded, on one line, nothing in it that hides or turns around what stands beside.
pub fn visible(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\r' | '\t' => ' ',
        _ if is_invisible(character) => '\u{fffd}',
        _ => character,
    };
    bounded(text).chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339() {
        let check = |micros: i64, expected: &str| assert_eq!(time(Time::from_micros(micros)), expected);
        check(0, "1970-01-01T00:00:00Z");
        check(1_763_902_861_000_000, "2025-11-23T13:01:01Z");
        check(1_763_902_861_250_000, "2025-11-23T13:01:01.25Z");
        check(1_763_902_861_000_001, "2025-11-23T13:01:01.000001Z");
    }

    #[test]
    fn foreign_text_is_bounded_and_hides_nothing() {
        assert_eq!(visible("a\nb\u{202e}c\u{0}"), "a b\u{fffd}c\u{fffd}");
        let long = "ä".repeat(10_000_000);
        assert_eq!(bounded(&long).chars().count(), REPORT_TEXT_CHARS_MAX + 1);
        assert!(bounded(&long).ends_with("ä…"));
        assert_eq!(bounded("short"), "short");
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }
}
