//! PDFs taken apart: what signatures they have, what each covers and what came later.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attacks;
mod builder;
mod corpora;
mod hostile;
#[allow(dead_code)] // shared with the tests of signing
#[path = "../pdf/lifting.rs"]
mod lifting;
mod lines;
mod ours;
#[allow(dead_code)] // shared with the tests of signing
#[path = "../pdf/support.rs"]
mod support;
