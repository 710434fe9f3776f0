//! Why a path is not good.

use crate::certificate::Cert;
use crate::report::SubIndication;
use formats::der::DerError;
use formats::inspect::ObjectId;
use model::Time;

/// What is wrong with a path, and with which certificate of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate of “{name}”: {fault}")]
pub struct PathFault {
    /// The certificate.
    pub certificate: ObjectId,
    /// Whose it is, for people.
    pub name: String,
    /// Its place in [`super::Chain::certificates`]: 0 is the signer's.
    pub place: usize,
    /// What is wrong.
    pub fault: Fault,
}

impl PathFault {
    pub(super) fn new(certificate: &Cert, place: usize, fault: Fault) -> Self {
        Self { certificate: certificate.id(), name: certificate.name().to_owned(), place, fault }
    }

    /// What EN 319 102-1 calls it.
    pub fn sub_indication(&self) -> SubIndication {
        self.fault.sub_indication()
    }
}

/// What is wrong with a certificate of a path (RFC 5280 section 6.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] DerError),
    /// Not valid any more.
    #[error("it expired on {}, before {}", .not_after.in_words(), .at.in_words())]
    Expired {
        /// The end of its validity.
        not_after: Time,
        /// The time that counts.
        at: Time,
    },
    /// Not valid yet.
    #[error("it is valid from {}, after {}", .not_before.in_words(), .at.in_words())]
    NotYetValid {
        /// The beginning of its validity.
        not_before: Time,
        /// The time that counts.
        at: Time,
    },
    /// Names do not chain.
    #[error("it names another issuer than the one that signed it")]
    NameChaining,
    /// An issuer that is no authority.
    #[error("it has issued a certificate, but is not one of a certificate authority")]
    NotAnAuthority,
    /// An issuer whose key may not sign certificates.
    #[error("it has issued a certificate, but its key is not for that")]
    KeyUsage,
    /// Too many authorities below one that allows fewer.
    #[error("an authority above it does not allow so many others below it")]
    PathLength,
    /// A critical extension that nobody here knows.
    #[error("it has the unknown critical extension {0}")]
    UnknownCriticalExtension(String),
    /// A name outside of what an authority above permits, or inside of what it excludes.
    #[error("an authority above it does not permit the name {0}")]
    NameNotPermitted(String),
    /// A name and a constraint of a kind that cannot be compared.
    #[error("an authority above it limits names of a kind that cannot be judged")]
    NameNotJudged,
    /// More names and constraints than any real path has.
    #[error("there are too many names and limits to them")]
    TooManyNames,
    /// The policies of the path do not fit together, or are none that was asked for.
    #[error("it is issued under no policy that is acceptable here")]
    Policies,
    /// A mapping from or to anyPolicy, which is forbidden.
    #[error("it maps policies in a way that is not allowed")]
    PolicyMapping,
    /// More policies than any real path has.
    #[error("there are too many policies")]
    TooManyPolicies,
}

impl Fault {
    /// What EN 319 102-1 calls it: dates are out of bounds; what an authority did not allow is a constraint; what cannot
    /// be processed is a general failure.
    pub fn sub_indication(&self) -> SubIndication {
        match self {
            Self::Expired { .. } | Self::NotYetValid { .. } => SubIndication::OutOfBoundsNoPoe,
            Self::NotAnAuthority | Self::KeyUsage | Self::PathLength | Self::NameNotPermitted(_) | Self::Policies => {
                SubIndication::ChainConstraintsFailure
            }
            Self::Unreadable(_)
            | Self::NameChaining
            | Self::UnknownCriticalExtension(_)
            | Self::NameNotJudged
            | Self::TooManyNames
            | Self::PolicyMapping
            | Self::TooManyPolicies => SubIndication::CertificateChainGeneralFailure,
        }
    }
}
