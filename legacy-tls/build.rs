//! Does nothing. A build script is what makes cargo unify the features of `openssl-src` with those that `openssl-sys`
//! builds (`Cargo.toml`).

fn main() {}
