//! The binary `sealmill`: the one composer. It reads the configuration, wires the parts, and is the only crate that talks
//! HTTP and prints.

pub mod api;
pub mod assemble;
pub mod certificates;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo_ca;
pub mod http;
pub mod key_file;
pub mod moment;
pub mod roles;
pub mod secret;
pub mod table;
pub mod trust_sources;
pub mod verification;
