//! The small outside world that tests meet: certification authorities, soft tokens, databases, documents and judges.
//!
//! It depends on none of our other crates, so that each of them can use it, and it never decides what is right: that
//! is left to programs that we did not write.

pub mod corpora;
pub mod judge;
pub mod judge_bc;
pub mod judge_cms;
pub mod judge_stamps;
pub mod judge_xml;
pub mod memory;
pub mod mldsa;
pub mod mutate;
pub mod pdf;
pub mod pki;
pub mod postgres;
pub mod shim;
pub mod softhsm;
pub mod tools;
pub mod world;
