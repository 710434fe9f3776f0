//! Bytes to signatures, in two halves: [`prepare`](prepare::prepare) → to-be-signed → `assemble`. Sans-IO: documents
//! come in through [`Source`], results go out as [`Part`]s; no file, socket, clock or private key is ever touched here.

#![warn(missing_docs)]

pub mod cms;
pub mod crypto;
pub mod der;
pub mod pdf;
pub mod prepare;
pub mod source;

pub use prepare::{FormatError, Part, Prepared, Sealed, SignedDocument, SignerTemplate, prepare};
pub use source::{Source, SourceError};
