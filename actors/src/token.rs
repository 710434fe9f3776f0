//! Around one token: its waiting lines, its worker threads, the actor that owns it, and the roster of all of them.

pub mod actor;
pub mod ledger;
pub mod queue;
pub mod roster;
pub mod worker;
