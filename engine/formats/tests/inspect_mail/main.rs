//! Mails taken apart: those of the openssl program in all its shapes, those of the world, those made to deceive, those
//! that are encrypted, and those made to break readers.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod attacks;
mod corpora;
mod encrypted;
#[allow(dead_code)] // the token's part of it is used here
#[path = "../envelope/support.rs"]
mod envelope;
mod hostile;
mod made;
mod outlook;
mod support;
