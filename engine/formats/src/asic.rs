//! ASiC containers (EN 319 162-1): ZIP files with documents and the signatures over them.
//!
//! Writes entries stored, never compressed, so that documents are copied as they are; reads what others compressed.

pub mod lift;
pub mod sign;
