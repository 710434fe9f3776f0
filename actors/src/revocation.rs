//! Collects what proves later that certificates were not revoked.

mod settings;

pub use settings::{Prefer, RevocationSettings};
