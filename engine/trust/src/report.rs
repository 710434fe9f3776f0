//! The verification report: one model of what was found out about a file, from which every rendering is made. Plain data,
//! complete in itself; it judges nothing.
//!
//! Three levels, as the European reference implementation has them: the [`Conclusion`] of each signature (what a clerk
//! reads), its [`Check`]s (why), and the [`Object`]s with their use (on which evidence).

pub mod etsi;
pub mod html;
pub mod json;
pub mod language;
pub mod pdf;
pub mod status;
mod story;
pub mod word;

use formats::inspect::{Coverage, CoveredRole, FileKind, LaterChanges, ObjectId, SignatureFormat, StampKind};
use model::{Reason, Time};
use std::sync::Arc;

/// The report on one file.
#[derive(Clone, Debug)]
pub struct Report {
    /// The name of the file.
    pub file: String,
    /// SHA-256 of the file and its length in bytes. `None`: it is inside another file, or nobody wanted to know.
    pub content: Option<([u8; 32], u64)>,
    /// What it was recognised as.
    pub kind: FileKind,
    /// The moment that was taken for "now".
    pub validation_time: Time,
    /// By which policy.
    pub policy: PolicyName,
    /// The signatures, in the order of the inspection.
    pub signatures: Vec<SignatureReport>,
    /// Time stamps that belong to no single signature.
    pub stamps: Vec<StampReport>,
    /// Evidence records.
    pub records: Vec<RecordReport>,
    /// Files inside with signatures of their own.
    pub nested: Vec<Report>,
    /// What a person should know about the file.
    pub notes: Vec<Reason>,
    /// Every certificate, CRL, OCSP answer and time stamp that was used, each once.
    pub objects: Vec<Object>,
}

impl Report {
    /// The judgement on the whole: failed if any failed, else indeterminate if any is, else passed. `None`: there is no
    /// signature, time stamp or record in the file.
    pub fn overall(&self) -> Option<Indication> {
        let signatures = self.signatures.iter().map(|signature| signature.conclusion.indication);
        let stamps = self.stamps.iter().map(|stamp| stamp.conclusion.indication);
        let records = self.records.iter().map(|record| record.conclusion.indication);
        let nested = self.nested.iter().filter_map(Report::overall);
        signatures.chain(stamps).chain(records).chain(nested).max()
    }
}

/// Which policy judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text and of that of the algorithm catalogue.
    pub digest: [u8; 32],
}

/// The main indication (EN 319 102-1 clause 5.1.2, table 5), best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)] // the words of the standard
pub enum Indication {
    Passed,
    Indeterminate,
    Failed,
}

/// The sub-indication (EN 319 102-1 clause 5.1.2, tables 5 and 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // the words of the standard
pub enum SubIndication {
    FormatFailure,
    HashFailure,
    SigCryptoFailure,
    Revoked,
    Expired,
    NotYetValid,
    SigConstraintsFailure,
    ChainConstraintsFailure,
    CertificateChainGeneralFailure,
    CryptoConstraintsFailure,
    PolicyProcessingError,
    SignaturePolicyNotAvailable,
    TimestampOrderFailure,
    NoSigningCertificateFound,
    NoCertificateChainFound,
    NoCertificateChainFoundNoPoe,
    RevokedNoPoe,
    RevokedCaNoPoe,
    OutOfBoundsNotRevoked,
    OutOfBoundsNoPoe,
    RevocationOutOfBoundsNoPoe,
    CryptoConstraintsFailureNoPoe,
    NoPoe,
    TryLater,
    SignedDataNotFound,
}

impl SubIndication {
    /// As the standard writes it: `CRYPTO_CONSTRAINTS_FAILURE_NO_POE`.
    pub fn word(self) -> &'static str {
        match self {
            Self::FormatFailure => "FORMAT_FAILURE",
            Self::HashFailure => "HASH_FAILURE",
            Self::SigCryptoFailure => "SIG_CRYPTO_FAILURE",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::SigConstraintsFailure => "SIG_CONSTRAINTS_FAILURE",
            Self::ChainConstraintsFailure => "CHAIN_CONSTRAINTS_FAILURE",
            Self::CertificateChainGeneralFailure => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
            Self::CryptoConstraintsFailure => "CRYPTO_CONSTRAINTS_FAILURE",
            Self::PolicyProcessingError => "POLICY_PROCESSING_ERROR",
            Self::SignaturePolicyNotAvailable => "SIGNATURE_POLICY_NOT_AVAILABLE",
            Self::TimestampOrderFailure => "TIMESTAMP_ORDER_FAILURE",
            Self::NoSigningCertificateFound => "NO_SIGNING_CERTIFICATE_FOUND",
            Self::NoCertificateChainFound => "NO_CERTIFICATE_CHAIN_FOUND",
            Self::NoCertificateChainFoundNoPoe => "NO_CERTIFICATE_CHAIN_FOUND_NO_POE",
            Self::RevokedNoPoe => "REVOKED_NO_POE",
            Self::RevokedCaNoPoe => "REVOKED_CA_NO_POE",
            Self::OutOfBoundsNotRevoked => "OUT_OF_BOUNDS_NOT_REVOKED",
            Self::OutOfBoundsNoPoe => "OUT_OF_BOUNDS_NO_POE",
            Self::RevocationOutOfBoundsNoPoe => "REVOCATION_OUT_OF_BOUNDS_NO_POE",
            Self::CryptoConstraintsFailureNoPoe => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            Self::NoPoe => "NO_POE",
            Self::TryLater => "TRY_LATER",
            Self::SignedDataNotFound => "SIGNED_DATA_NOT_FOUND",
        }
    }

    /// The main indication that it explains.
    pub fn indication(self) -> Indication {
        match self {
            Self::FormatFailure
            | Self::HashFailure
            | Self::SigCryptoFailure
            | Self::Revoked
            | Self::Expired
            | Self::NotYetValid => Indication::Failed,
            _ => Indication::Indeterminate,
        }
    }
}

/// What came out, and why in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// The main indication.
    pub indication: Indication,
    /// The sub-indication; `None` if it passed.
    pub sub_indication: Option<SubIndication>,
    /// Why, for people. `None` if it passed.
    pub reason: Option<Reason>,
}

impl Conclusion {
    /// It passed.
    pub fn passed() -> Self {
        Self { indication: Indication::Passed, sub_indication: None, reason: None }
    }

    /// It did not.
    pub fn of(sub: SubIndication, reason: Reason) -> Self {
        Self { indication: sub.indication(), sub_indication: Some(sub), reason: Some(reason) }
    }

    /// Whether it passed.
    pub fn is_passed(&self) -> bool {
        self.indication == Indication::Passed
    }
}

/// The level that a signature has reached, by the attributes it carries (EN 319 122-1, 132-1, 142-1 clause 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureLevel {
    /// No baseline signature.
    NotAdes,
    /// B-B.
    B,
    /// B-T.
    T,
    /// B-LT.
    Lt,
    /// B-LTA.
    Lta,
}

/// The report on one signature.
#[derive(Clone, Debug)]
pub struct SignatureReport {
    /// What the file calls it.
    pub name: Option<String>,
    /// The signature that it counter-signs: an index into [`Report::signatures`].
    pub parent: Option<usize>,
    /// Its form.
    pub format: SignatureFormat,
    /// Its level.
    pub level: SignatureLevel,
    /// SHA-256 of the signature value.
    pub id: ObjectId,
    /// What it covers has the digest that was signed.
    pub intact: bool,
    /// The signature value fits the key.
    pub valid: bool,
    /// The judgement.
    pub conclusion: Conclusion,
    /// The judgement as if nothing were known about the past (clause 5.3).
    pub basic: Conclusion,
    /// The process that led to `conclusion`.
    pub process: Process,
    /// What it is over.
    pub covered: Vec<CoveredReport>,
    /// PDF: how much of the file it covers.
    pub coverage: Option<Coverage>,
    /// PDF: what came later, and what that was.
    pub later_changes: Option<LaterChanges>,
    /// PDF: what came later, for people.
    pub changes: Vec<Reason>,
    /// PDF: the revision it covers, and of how many.
    pub revision: Option<(usize, usize)>,
    /// It provably existed at this time.
    pub best_signature_time: Time,
    /// What proves it.
    pub proof: Proof,
    /// The time that the signer claims.
    pub claimed_time: Option<Time>,
    /// The signer's certificate and its path.
    pub signer: Option<Signer>,
    /// Further claims of the signer, as pairs of a stable name (`role`, `place`, `commitment`, `policy`, `reason`) and a value.
    pub claims: Vec<(&'static str, String)>,
    /// The algorithms.
    pub algorithms: Vec<AlgorithmUse>,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// Its time stamps.
    pub stamps: Vec<StampReport>,
    /// What is odd.
    pub notes: Vec<Reason>,
}

/// The process of EN 319 102-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Clause 5.3.
    Basic,
    /// Clause 5.5: with time and long-term validation material.
    LongTerm,
    /// Clause 5.6: with archival data.
    Archival,
}

/// What proves that something existed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is here now.
    Now,
    /// A time stamp.
    Stamp(ObjectId),
    /// The first time stamp of an evidence record.
    Record(ObjectId),
}

/// Something that was covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoveredReport {
    /// For people.
    pub what: String,
    /// Its role.
    pub role: CoveredRole,
    /// The digest algorithm, as [`AlgorithmUse::name`].
    pub algorithm: String,
    /// The digest that was signed.
    pub digest: Vec<u8>,
    /// It has that digest.
    pub intact: bool,
    /// Why not, or why nobody knows.
    pub reason: Option<Reason>,
}

/// Who signed, and why we believe it.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The certificate.
    pub certificate: ObjectId,
    /// The subject on one line, common name first.
    pub name: String,
    /// From the certificate up to the anchor, both included, each an object of the report. Without an anchor: as far as
    /// it is known.
    pub path: Vec<ObjectId>,
    /// Where the path ends: [`crate::Anchor::origin`].
    pub anchor: Option<Arc<str>>,
    /// For each certificate of the path that needs it: what is known about its revocation.
    pub revocation: Vec<RevocationUse>,
    /// The certificate says that it is qualified, and its anchor issues qualified certificates.
    pub qualified: bool,
}

/// What is known about the revocation of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationUse {
    /// The certificate.
    pub certificate: ObjectId,
    /// The CRL or OCSP answer. `None`: nothing was found.
    pub source: Option<ObjectId>,
    /// What it says.
    pub status: RevocationStatus,
    /// When that was known to be right.
    pub this_update: Option<Time>,
    /// Until when.
    pub next_update: Option<Time>,
}

/// The state of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// Not revoked.
    Good,
    /// Revoked at this time, for this reason (RFC 5280 section 5.3.1).
    Revoked(Time, Option<u8>),
    /// Nobody knows.
    Unknown,
    /// It need not be checked: an anchor, or a certificate that says so.
    NotNeeded,
}

/// One algorithm in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmUse {
    /// Where: `signature`, `content digest`, `certificate`, `time stamp`, …
    pub place: String,
    /// Its name: `SHA-256`, `RSA-PKCS1 with SHA-256`.
    pub name: String,
    /// The length of the key in bits.
    pub bits: Option<u32>,
    /// Suitable until then; `None`: no end is known.
    pub until: Option<Time>,
    /// It was suitable at the time that counts.
    pub suitable: bool,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name in the policy file: `signer-certificate-key-usage`.
    pub name: &'static str,
    /// How it came out.
    pub status: CheckStatus,
    /// What was found; `None` if there is nothing to say.
    pub finding: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckStatus {
    /// All right.
    Passed,
    /// Not all right, but the policy only informs.
    Informed,
    /// Not all right, the policy warns.
    Warned,
    /// Not all right.
    Failed,
}

/// The report on one time stamp.
#[derive(Clone, Debug)]
pub struct StampReport {
    /// What it is over.
    pub kind: StampKind,
    /// What the file calls it.
    pub name: Option<String>,
    /// SHA-256 of the token.
    pub id: ObjectId,
    /// When it was made. `None`: it cannot be read.
    pub time: Option<Time>,
    /// It is over what it should be over.
    pub intact: bool,
    /// Its signature value fits.
    pub valid: bool,
    /// The judgement.
    pub conclusion: Conclusion,
    /// Who made it.
    pub signer: Option<Signer>,
    /// The algorithms.
    pub algorithms: Vec<AlgorithmUse>,
    /// Every check, in order.
    pub checks: Vec<Check>,
    /// PDF: how much of the file it covers, and what came later.
    pub coverage: Option<(Coverage, LaterChanges)>,
}

/// The report on one evidence record.
#[derive(Clone, Debug)]
pub struct RecordReport {
    /// What the file calls it.
    pub name: Option<String>,
    /// SHA-256 of the record.
    pub id: ObjectId,
    /// RFC 6283; else RFC 4998.
    pub xml: bool,
    /// The data objects existed at this time. `None`: it does not hold together.
    pub since: Option<Time>,
    /// It covers its data objects and each of its time stamps the one before.
    pub intact: bool,
    /// The judgement.
    pub conclusion: Conclusion,
    /// What it is over, for people.
    pub objects: Vec<String>,
    /// Its time stamps, oldest first.
    pub stamps: Vec<StampReport>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its SHA-256.
    pub id: ObjectId,
    /// What it is.
    pub kind: ObjectKind,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// For people: the subject of a certificate, the issuer of a CRL.
    pub name: String,
    /// It provably existed at this time.
    pub exists_since: Time,
}

/// What a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum ObjectKind {
    Certificate,
    Crl,
    OcspResponse,
    Stamp,
    Record,
}
