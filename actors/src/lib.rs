//! Who owns what, and when it runs: tokens, watched directories, the router between them, the pipeline.
//!
//! The only crate that starts actors and threads. actix carries commands, bounded crossbeam channels and places carry
//! the work. Start reading at [`pipeline`].

pub mod access;
pub mod administration;
pub mod api;
pub mod batch;
pub mod decrypt;
pub mod deliver;
pub mod directory;
pub mod document;
pub mod fetch;
pub mod intake;
pub mod levels;
pub mod measure;
pub mod naming;
pub mod pipeline;
pub mod pool;
pub mod recorder;
pub mod revocation;
pub mod router;
pub mod schedule;
pub mod services;
pub mod spool;
pub mod stamp_batch;
pub mod supervise;
pub mod timestamp;
pub mod token;
pub mod verification;
