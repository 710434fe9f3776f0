//! The SecPKI interface: bytes in, bytes out. One table of operations, from which dispatch, authorisation, WSDL, schema
//! and samples come; the strict reader of requests, the writer of answers, and what each operation does.
//!
//! No HTTP, no TLS and no credentials are checked here: `server` carries the bytes and says who the caller is.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod content;
pub mod dialect;
pub mod fault;
pub mod message;
pub mod operations;
pub mod read;
pub mod sample;
pub mod table;
pub mod types;
pub mod value;
pub mod write;
pub mod wsdl;
pub mod xsd;
