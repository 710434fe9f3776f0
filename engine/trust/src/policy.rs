//! The verification policy: how grave each finding is, and the numbers that the checks need. Reads the text of a policy
//! file such as `config/policy.toml`; a finding that makes a signature wrong by itself cannot be made harmless.

use crate::catalogue::{Catalogue, SHIPPED as SHIPPED_CATALOGUES};
use crate::report::{PolicyName, SubIndication};
use formats::inspect::ObjectId;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The shipped policy.
pub const SHIPPED: &str = include_str!("../../../config/policy.toml");

/// The policy, or the catalogue that it names, says something impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPolicy(pub String);

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// It decides.
    Fail,
    /// It is reported as a warning.
    Warn,
    /// It is reported.
    Inform,
    /// The check is not made.
    Ignore,
}

/// One check: what [`crate::report::Check::name`] says, how grave its finding is unless the policy says otherwise, and the
/// sub-indication that follows.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident = $name:literal, $gravity:ident, $sub:ident, $fixed:literal;)+) => {
        /// Every check there is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule { $($(#[doc = $doc])+ $rule,)+ }

        impl Rule {
            /// All of them, in the order of the report.
            pub const ALL: &'static [Rule] = &[$(Rule::$rule,)+];

            /// Its name in policy files and reports.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$rule => $name,)+ }
            }

            /// What follows if it fails.
            pub fn sub_indication(self) -> SubIndication {
                match self { $(Rule::$rule => SubIndication::$sub,)+ }
            }

            fn gravity(self) -> Gravity {
                match self { $(Rule::$rule => Gravity::$gravity,)+ }
            }

            /// Whether no policy may make it less grave.
            fn is_fixed(self) -> bool {
                match self { $(Rule::$rule => $fixed,)+ }
            }
        }
    };
}

rules! {
    /// The signature keeps the rules of its format.
    Format = "format", Fail, FormatFailure, true;
    /// PDF: it covers a whole revision.
    PdfCoverage = "pdf-coverage", Fail, FormatFailure, true;
    /// PDF: nothing was changed later but what is permitted.
    PdfChanges = "pdf-changes", Fail, FormatFailure, false;
    /// PDF: nobody wrote notes on it later, even if permitted.
    PdfAnnotations = "pdf-annotations", Warn, FormatFailure, false;
    /// The signer's certificate is known.
    SignerCertificate = "signer-certificate", Fail, NoSigningCertificateFound, true;
    /// The signed reference to the signer's certificate is there.
    SignerReference = "signer-reference", Warn, SigConstraintsFailure, false;
    /// Issuer and serial number in that reference are those of the certificate.
    SignerReferenceIssuer = "signer-reference-issuer", Warn, SigConstraintsFailure, false;
    /// What was signed is there.
    SignedData = "signed-data", Fail, SignedDataNotFound, true;
    /// It has the digests that were signed.
    Digests = "digests", Fail, HashFailure, true;
    /// The entries of manifests have the digests that were signed.
    Manifests = "manifest-entries", Warn, HashFailure, false;
    /// The signature value fits the key.
    SignatureValue = "signature-value", Fail, SigCryptoFailure, true;
    /// The signer claims a time.
    SigningTime = "signing-time", Inform, SigConstraintsFailure, false;
    /// The signature policy that the signer names is one that is known here.
    SignaturePolicy = "signature-policy", Inform, SignaturePolicyNotAvailable, false;
    /// Mail: the sender is the signer.
    MailSender = "mail-sender", Warn, SigConstraintsFailure, false;
    /// The path leads to a certificate that is trusted for this use.
    PathAnchor = "path-anchor", Fail, NoCertificateChainFound, true;
    /// The path keeps RFC 5280.
    Path = "path", Fail, CertificateChainGeneralFailure, true;
    /// The path keeps the constraints that its certificates and this policy set.
    PathConstraints = "path-constraints", Fail, ChainConstraintsFailure, false;
    /// The signer's key is for signatures, the unit's key for time stamps.
    KeyUsage = "key-usage", Fail, ChainConstraintsFailure, false;
    /// The signer's key is for commitments (nonRepudiation).
    KeyUsageCommitment = "key-usage-commitment", Inform, ChainConstraintsFailure, false;
    /// The certificate is qualified.
    Qualified = "qualified", Ignore, ChainConstraintsFailure, false;
    /// It is known whether certificates are revoked.
    RevocationKnown = "revocation-known", Fail, TryLater, false;
    /// What is known about it is new enough.
    RevocationFresh = "revocation-fresh", Fail, TryLater, false;
    /// The signer's certificate is not revoked.
    NotRevoked = "not-revoked", Fail, RevokedNoPoe, true;
    /// The certificates of its issuers are not revoked.
    IssuersNotRevoked = "issuers-not-revoked", Fail, RevokedCaNoPoe, true;
    /// The signer's certificate is valid by its dates.
    ValidityDates = "validity-dates", Fail, OutOfBoundsNoPoe, true;
    /// The algorithms of the signature are suitable.
    SignatureAlgorithms = "signature-algorithms", Fail, CryptoConstraintsFailureNoPoe, false;
    /// Those of the certificates are.
    CertificateAlgorithms = "certificate-algorithms", Fail, CryptoConstraintsFailureNoPoe, false;
    /// Those of the revocation information are.
    RevocationAlgorithms = "revocation-algorithms", Fail, CryptoConstraintsFailureNoPoe, false;
    /// There is a time stamp over the signature.
    StampPresent = "time-stamp-present", Ignore, SigConstraintsFailure, false;
    /// Every time stamp is valid; one that is not counts for nothing.
    StampsValid = "time-stamps-valid", Warn, SigConstraintsFailure, false;
    /// Time stamps over the content are older than those over the signature.
    StampOrder = "time-stamp-order", Fail, TimestampOrderFailure, false;
    /// The first time stamp came soon enough after the claimed time.
    StampDelay = "time-stamp-delay", Ignore, SigConstraintsFailure, false;
    /// An evidence record holds together.
    Record = "evidence-record", Fail, FormatFailure, true;
    /// Its data objects are those that it covers.
    RecordObjects = "evidence-record-objects", Fail, HashFailure, true;
    /// Its algorithms were suitable until they were renewed.
    RecordAlgorithms = "evidence-record-algorithms", Fail, CryptoConstraintsFailureNoPoe, false;
}

/// A policy and the catalogue it goes by.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name and digest.
    pub name: PolicyName,
    /// The algorithm catalogue.
    pub catalogue: Catalogue,
    gravity: BTreeMap<Rule, Gravity>,
    /// How old revocation information may be. `None`: as old as its own period.
    pub revocation_age_max: Option<Duration>,
    /// How long after the claimed time the first time stamp may come.
    pub stamp_delay_max: Duration,
    /// How far clocks may differ.
    pub skew: Duration,
    /// Acceptable certificate policies, contents of object identifiers. Empty: any.
    pub certificate_policies: Vec<Vec<u8>>,
    /// Signature policies that need no further processing: object identifiers or URIs.
    pub signature_policies: Vec<String>,
}

impl Policy {
    /// Reads a policy. `catalogues`: the text of the algorithm catalogues, [`SHIPPED_CATALOGUES`] if `None`.
    pub fn read(text: &str, catalogues: Option<&str>) -> Result<Self, BadPolicy> {
        let file: File = toml::from_str(text).map_err(|error| BadPolicy(format!("the policy: {error}")))?;
        let catalogues = catalogues.unwrap_or(SHIPPED_CATALOGUES);
        let mut gravity = BTreeMap::new();
        for (name, wanted) in file.checks {
            let rule = Rule::ALL.iter().copied().find(|rule| rule.name() == name);
            let rule = rule.ok_or_else(|| BadPolicy(format!("the policy: there is no check {name:?}")))?;
            if rule.is_fixed() && wanted != Gravity::Fail {
                return Err(BadPolicy(format!("the policy: the check {name:?} cannot be anything but \"fail\"")));
            }
            gravity.insert(rule, wanted);
        }
        Ok(Self {
            catalogue: Catalogue::read(catalogues, &file.catalogue)?,
            name: PolicyName { name: file.name, digest: ObjectId::of([text, catalogues].concat().as_bytes()).0 },
            gravity,
            revocation_age_max: file.revocation_age_max_hours.map(hours),
            stamp_delay_max: hours(file.time_stamp_delay_max_hours),
            skew: Duration::from_secs(file.clock_skew_seconds),
            certificate_policies: file
                .certificate_policies
                .iter()
                .map(|dots| object_identifier(dots))
                .collect::<Result<_, _>>()?,
            signature_policies: file.signature_policies,
        })
    }

    /// The policy that counts if nobody names another one.
    pub fn shipped() -> Result<Self, BadPolicy> {
        Self::read(SHIPPED, None)
    }

    /// How grave a finding is.
    pub fn gravity(&self, rule: Rule) -> Gravity {
        self.gravity.get(&rule).copied().unwrap_or_else(|| rule.gravity())
    }
}

/// The content of an object identifier that is written in dots.
fn object_identifier(dots: &str) -> Result<Vec<u8>, BadPolicy> {
    let bad = || BadPolicy(format!("the policy: {dots:?} is not an object identifier in dots"));
    let arcs = dots.split('.').map(|arc| arc.parse::<u32>().map_err(|_| bad())).collect::<Result<Vec<_>, _>>()?;
    let [first @ 0..=2, second, rest @ ..] = arcs.as_slice() else { return Err(bad()) };
    if *first < 2 && *second > 39 {
        return Err(bad());
    }
    let head = first.checked_mul(40).and_then(|first| first.checked_add(*second)).ok_or_else(bad)?;
    let mut out = Vec::new();
    for arc in std::iter::once(head).chain(rest.iter().copied()) {
        let groups = (32 - arc.leading_zeros()).div_ceil(7).max(1);
        out.extend((0..groups).rev().map(|at| (arc >> (7 * at)) as u8 & 0x7f | if at > 0 { 0x80 } else { 0 }));
    }
    Ok(out)
}

fn hours(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(3_600))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    catalogue: String,
    #[serde(default)]
    revocation_age_max_hours: Option<u64>,
    #[serde(default = "a_day")]
    time_stamp_delay_max_hours: u64,
    #[serde(default = "five_minutes")]
    clock_skew_seconds: u64,
    #[serde(default)]
    certificate_policies: Vec<String>,
    #[serde(default)]
    signature_policies: Vec<String>,
    #[serde(default)]
    checks: BTreeMap<String, Gravity>,
}

fn a_day() -> u64 {
    24
}

fn five_minutes() -> u64 {
    300
}
