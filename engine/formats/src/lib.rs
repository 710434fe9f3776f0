//! Bytes to signatures, in two halves: [`prepare`](prepare::prepare) → to-be-signed → `assemble`. Sans-IO: documents
//! come in through [`Source`], results go out as [`Part`]s; no file, socket, clock or private key is ever touched here.

#![warn(missing_docs)]

pub mod asic;
pub mod cms;
pub mod crl;
pub mod crypto;
pub mod der;
pub mod envelope;
pub mod evidence;
pub mod inspect;
pub mod lift;
pub mod ocsp;
pub mod path;
pub mod pdf;
pub mod prepare;
pub mod recipe;
pub mod signature;
pub mod source;
pub mod tsp;
pub mod xml;

pub use prepare::{FormatError, Prepared, Sealed, SignedDocument, SignerTemplate, prepare, prepare_beside};
pub use recipe::Part;
pub use source::{Source, SourceError};
