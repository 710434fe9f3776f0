//! ASiC containers (EN 319 162-1): ZIP files with documents and the signatures over them.
//!
//! Writes entries stored, never compressed, so that documents are copied as they are; reads what others compressed.

pub mod archive;
pub mod lift;
pub mod manifest;
pub mod reader;
pub mod sign;

/// The entry that says what kind of container it is.
pub(crate) const MIME_TYPE: &str = "mimetype";
/// The folder of everything about signatures.
pub(crate) const META_INF: &str = "META-INF/";
/// The namespace of ASiC.
pub(crate) const NAMESPACE: &str = "http://uri.etsi.org/02918/v1.2.1#";
