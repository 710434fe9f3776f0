//! PDF signatures, judged by programs that we did not write. One binary, because linking is what takes time.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bad_input;
mod corpora;
mod forms;
mod kinds;
mod levels;
mod lifting;
mod store;
mod support;
mod visible;
