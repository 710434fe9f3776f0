//! What can be wrong with a time stamp, in sentences, and whose fault it is.

use crate::der::DerError;
use crate::signature::Unverified;
use std::fmt;

/// Why there is no time stamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TspError {
    /// The policy that is configured is no object identifier.
    #[error("the time-stamp policy {0:?} is not an object identifier in dots")]
    PolicyName(String),
    /// Not a `TimeStampResp`.
    #[error("the answer is not a time-stamp response: {0}")]
    NotAResponse(DerError),
    /// Longer than any time stamp.
    #[error("the answer is longer than any time stamp")]
    TooLong,
    /// The authority said no.
    #[error("{0}")]
    Refused(Refusal),
    /// Granted, but empty.
    #[error("the answer says that a time stamp was granted, but there is none in it")]
    NoToken,
    /// BER where DER is due; archives compare and hash tokens as stored.
    #[error("the time stamp is not encoded in DER: {0}")]
    NotDer(&'static str),
    /// Not a token.
    #[error("the time stamp cannot be read: {0}")]
    Malformed(#[from] DerError),
    /// A CMS message, but no time stamp as RFC 3161 section 2.4.2 describes it.
    #[error("the time stamp breaks the rules: {0}")]
    Rule(&'static str),
    /// About something else.
    #[error("the time stamp is for something else than was asked for")]
    WrongImprint,
    /// An answer to another request.
    #[error("the time stamp answers another request (its nonce differs)")]
    WrongNonce,
    /// Not the policy that was asked for.
    #[error("the time stamp has the policy {0}, which was not asked for")]
    WrongPolicy(String),
    /// The clocks disagree.
    #[error("the time of the time stamp is {0} seconds away from the clock here")]
    WrongTime(u64),
    /// The signer's certificate is not there.
    #[error("the certificate of the time-stamp signer is not in the time stamp")]
    NoCertificate,
    /// The signed reference to the signer's certificate means another one (RFC 5816).
    #[error("the time stamp names another certificate than the one that signed it")]
    WrongCertificate,
    /// Outside its validity.
    #[error("the certificate of the time-stamp signer was not valid at the time of the time stamp")]
    CertificateNotValid,
    /// Not a certificate for time stamps (RFC 3161 section 2.3).
    #[error("the certificate of the time-stamp signer is not one for time stamps: {0}")]
    WrongPurpose(&'static str),
    /// No path to any configured certificate.
    #[error(
        "the certificate of the time-stamp signer does not lead to a certificate that is trusted for this authority"
    )]
    NotTrusted,
    /// The value does not fit.
    #[error("the signature of the time stamp is wrong: {0}")]
    Signature(#[from] Unverified),
}

/// Whose fault an error is, and so what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The authority cannot just now; asking again later may help.
    Busy,
    /// The request or the configuration; asking again in the same way does not help.
    Request,
    /// What it gives out cannot be relied on.
    Untrustworthy,
}

impl TspError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::PolicyName(_) => Fault::Request,
            Self::Refused(refusal) => refusal.fault(),
            _ => Fault::Untrustworthy,
        }
    }
}

/// `PKIStatusInfo` without a token (RFC 3161 section 2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `status`.
    pub status: Status,
    /// `failInfo`: each reason that is set, in the order of their bits.
    pub failures: Vec<Failure>,
    /// `statusString`, shortened and on one line; empty if there is none.
    pub text: String,
}

impl Refusal {
    fn fault(&self) -> Fault {
        let busy = [Failure::TimeNotAvailable, Failure::SystemFailure];
        match self.status {
            Status::Waiting => Fault::Busy,
            _ if self.failures.iter().any(|failure| busy.contains(failure)) => Fault::Busy,
            _ => Fault::Request,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.status {
            Status::Rejection => "the authority refused the request",
            Status::Waiting => "the authority has not made the time stamp yet",
            Status::RevocationWarning => "the authority warns that its certificate is about to be revoked",
            Status::RevocationNotification => "the authority says that its certificate has been revoked",
            Status::Other => "the authority answered with an unknown status",
        })?;
        for (index, failure) in self.failures.iter().enumerate() {
            write!(f, "{}{}", if index == 0 { ": " } else { ", " }, failure.sentence())?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, " ({})", self.text) }
    }
}

/// `PKIStatus`, as far as there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names of RFC 3161 section 2.4.2
pub enum Status {
    Rejection,
    Waiting,
    RevocationWarning,
    RevocationNotification,
    /// A number that RFC 3161 does not know.
    Other,
}

/// `PKIFailureInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names of RFC 3161 section 2.4.2
pub enum Failure {
    BadAlgorithm,
    BadRequest,
    BadDataFormat,
    TimeNotAvailable,
    UnacceptedPolicy,
    UnacceptedExtension,
    AdditionalInfoNotAvailable,
    SystemFailure,
}

impl Failure {
    /// All, with the number of the bit that says it.
    pub(super) const BITS: [(usize, Failure); 8] = [
        (0, Failure::BadAlgorithm),
        (2, Failure::BadRequest),
        (5, Failure::BadDataFormat),
        (14, Failure::TimeNotAvailable),
        (15, Failure::UnacceptedPolicy),
        (16, Failure::UnacceptedExtension),
        (17, Failure::AdditionalInfoNotAvailable),
        (25, Failure::SystemFailure),
    ];

    fn sentence(self) -> &'static str {
        match self {
            Failure::BadAlgorithm => "it does not take this digest algorithm",
            Failure::BadRequest => "it does not allow this request",
            Failure::BadDataFormat => "it could not read the request",
            Failure::TimeNotAvailable => "its clock is not available",
            Failure::UnacceptedPolicy => "it does not offer this policy",
            Failure::UnacceptedExtension => "it does not know an extension of the request",
            Failure::AdditionalInfoNotAvailable => "it does not have the information that was asked for",
            Failure::SystemFailure => "its system has failed",
        }
    }
}
