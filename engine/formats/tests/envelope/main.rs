//! Encrypted messages: the openssl program opens what we make, we open what it makes, and nothing that was changed is
//! taken for what was sent.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod changed;
mod foreign;
mod made;
mod support;
