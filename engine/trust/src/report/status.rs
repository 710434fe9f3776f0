//! A report in the small numbers that SOAP clients of older verification services know. They say less than the report:
//! whoever needs to know why reads one of the other renderings.

use super::{Conclusion, Indication, Proof, Report, SignatureReport, SubIndication};
use formats::inspect::{FileKind, SignatureFormat};

/// What such a client is told about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// `ResultCode`: 1 is valid; else [`Status::archive`].
    pub result: i32,
    /// The number of the archive interface: 0 is right, all others are negative.
    pub archive: i32,
    /// The outcome by name.
    pub outcome: Outcome,
}

/// The outcomes that such clients tell apart, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Valid.
    Valid,
    /// Valid, because archive time stamps or an evidence record renewed it in time.
    ValidRenewed,
    /// Only time stamps or evidence records, all valid.
    TimeStampValid,
    /// There is nothing signed.
    Unsigned,
    /// The signature is right, the algorithm is not suitable any more; an evidence record would help.
    AlgorithmExpired,
    /// The signature is right, nobody can say whether its certificate is.
    CertificateInvalid,
    /// The signature is right, the certificate was revoked.
    CertificateRevoked,
    /// A time stamp or evidence record is wrong or cannot be judged.
    TimeStampInvalid,
    /// What was signed is not there.
    NoData,
    /// It was over something else.
    DataMismatch,
    /// It cannot be read.
    DecodeFailed,
    /// The signature is wrong.
    SignatureInvalid,
}

impl Outcome {
    /// A stable word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::ValidRenewed => "valid-renewed",
            Self::TimeStampValid => "time-stamp-valid",
            Self::Unsigned => "unsigned",
            Self::AlgorithmExpired => "algorithm-expired",
            Self::CertificateInvalid => "certificate-invalid",
            Self::CertificateRevoked => "certificate-revoked",
            Self::TimeStampInvalid => "time-stamp-invalid",
            Self::NoData => "no-data",
            Self::DataMismatch => "data-mismatch",
            Self::DecodeFailed => "decode-failed",
            Self::SignatureInvalid => "signature-invalid",
        }
    }

    /// The number of the archive interface: -1 signature invalid, -3 method failed, -11 document mismatch, -22 certificate
    /// not valid, -26 signed data unreadable, -29 document has no signature.
    pub fn archive(self) -> i32 {
        match self {
            Self::Valid | Self::ValidRenewed | Self::TimeStampValid => 0,
            Self::Unsigned => -29,
            Self::CertificateInvalid | Self::CertificateRevoked => -22,
            Self::NoData | Self::DataMismatch => -11,
            Self::DecodeFailed => -26,
            Self::AlgorithmExpired | Self::TimeStampInvalid | Self::SignatureInvalid => -1,
        }
    }
}

/// The status of a file: the worst outcome of all that is in it.
pub fn of(report: &Report) -> Status {
    let outcome = outcome(report);
    let archive = outcome.archive();
    Status { result: if archive == 0 { 1 } else { archive }, archive, outcome }
}

fn outcome(report: &Report) -> Outcome {
    let signatures = report.signatures.iter().map(of_signature);
    let stamps = report.stamps.iter().map(|stamp| &stamp.conclusion);
    let records = report.records.iter().map(|record| &record.conclusion);
    let stamps = stamps.chain(records).map(of_stamp);
    let nested = report.nested.iter().map(outcome).filter(|outcome| *outcome != Outcome::Unsigned);
    let all = signatures.chain(nested);
    match (all.max(), stamps.max()) {
        // A time stamp beside valid signatures says nothing of its own.
        (Some(outcome), Some(Outcome::TimeStampValid) | None) => outcome,
        (Some(outcome), Some(stamp)) => outcome.max(stamp),
        (None, Some(stamp)) => stamp,
        (None, None) if matches!(report.kind, FileKind::Encrypted) => Outcome::DecodeFailed,
        (None, None) => Outcome::Unsigned,
    }
}

fn of_stamp(conclusion: &Conclusion) -> Outcome {
    if conclusion.is_passed() { Outcome::TimeStampValid } else { Outcome::TimeStampInvalid }
}

fn of_signature(report: &SignatureReport) -> Outcome {
    use SubIndication::*;
    match (report.conclusion.indication, report.conclusion.sub_indication) {
        (Indication::Passed, _) if !report.basic.is_passed() && report.proof != Proof::Now => Outcome::ValidRenewed,
        (Indication::Passed, _) => Outcome::Valid,
        (_, Some(sub)) => match sub {
            FormatFailure => Outcome::DecodeFailed,
            HashFailure => Outcome::DataMismatch,
            SignedDataNotFound => Outcome::NoData,
            SigCryptoFailure | SigConstraintsFailure | TimestampOrderFailure => Outcome::SignatureInvalid,
            Revoked | RevokedNoPoe | RevokedCaNoPoe => Outcome::CertificateRevoked,
            CryptoConstraintsFailure | CryptoConstraintsFailureNoPoe => Outcome::AlgorithmExpired,
            Expired
            | NotYetValid
            | ChainConstraintsFailure
            | CertificateChainGeneralFailure
            | NoSigningCertificateFound
            | NoCertificateChainFound
            | NoCertificateChainFoundNoPoe
            | OutOfBoundsNotRevoked
            | OutOfBoundsNoPoe
            | RevocationOutOfBoundsNoPoe
            | NoPoe
            | TryLater
            | PolicyProcessingError
            | SignaturePolicyNotAvailable => Outcome::CertificateInvalid,
        },
        (_, None) => Outcome::SignatureInvalid,
    }
}

/// `documentType`: 2 binary, 4 PDF, 12 XML, 14 ZIP.
pub fn document_type(kind: FileKind) -> i32 {
    match kind {
        FileKind::Pdf => 4,
        FileKind::Xml => 12,
        FileKind::Asic => 14,
        FileKind::Cms
        | FileKind::TimeStamp
        | FileKind::EvidenceRecord
        | FileKind::Mail
        | FileKind::Encrypted
        | FileKind::Other => 2,
    }
}

/// `signatureFormatType`: 0 PKCS #7, 3 PDF, 4 XML-DSig, 5 PKCS #7 with its content inside. `enveloping`: it holds what it
/// signs.
pub fn format_type(format: SignatureFormat, enveloping: bool) -> i32 {
    match format {
        SignatureFormat::Cms | SignatureFormat::Cades if enveloping => 5,
        SignatureFormat::Cms | SignatureFormat::Cades => 0,
        SignatureFormat::PdfCms | SignatureFormat::PdfPkcs1 | SignatureFormat::Pades => 3,
        SignatureFormat::XmlDsig | SignatureFormat::Xades => 4,
    }
}
