//! The vocabulary of sealmill: types and rules, no IO, no clock, no cryptography.
//!
//! Every word of the glossary that more than one crate needs has its type here, and only here. The crate never reads
//! a file, a socket or the time; whoever needs the time is handed a [`Time`] or a [`Clock`].

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod access;
pub mod algorithm;
pub mod audit;
pub mod clock;
pub mod decryption;
pub mod digest;
pub mod job;
pub mod limits;
pub mod outcome;
pub mod profile;
pub mod signer;
pub mod signing;
pub mod tenant;

pub use access::{Caller, Function, GroupName, Right, UserName};
pub use algorithm::{Curve, KeyKind, Scheme, SignatureAlgorithm};
pub use audit::AuditEntry;
pub use clock::{Clock, SystemClock, Time};
pub use decryption::{OaepPadding, Secret, Sha, WrappedKey};
pub use digest::{Digest, DigestAlgorithm};
pub use job::{DocumentId, JobId, Lane};
pub use outcome::{Outcome, Reason};
pub use profile::Profile;
pub use signer::{Signer, SignerName, TokenSerial};
pub use signing::{SignatureValue, ToBeSigned};
pub use tenant::TenantId;
