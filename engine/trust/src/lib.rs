//! Is it valid, and how do we know: certification paths, revocation, algorithms, proofs of existence, and the report on
//! all of it (EN 319 102-1). Judges what `formats` has taken apart.
//!
//! Pure: no IO, no clock, no thread. What is needed from outside is handed in as data; what is missing is named in the
//! result, so that the caller may fetch it and ask again.

#![warn(missing_docs)]

pub mod algorithm;
pub mod anchor;
pub mod batch;
pub mod catalogue;
pub mod certificate;
mod further;
pub mod json;
mod level;
pub mod list;
mod memory;
pub mod missing;
pub mod path;
mod poe;
pub mod policy;
mod process;
pub mod report;
pub mod revocation;
pub mod usage;
pub mod verifier;

pub use anchor::{Anchor, Model, Uses};
pub use catalogue::Catalogue;
pub use certificate::Cert;
pub use further::Further;
pub use memory::Memory;
pub use policy::Policy;
pub use verifier::{FileFacts, Judged, Verifier};
