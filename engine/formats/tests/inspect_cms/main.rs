//! CMS messages and time stamps taken apart: our own of every level, those of others, damaged ones and hostile ones.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../cms_support/mod.rs"]
mod cms_support;
#[allow(dead_code)]
#[path = "../cms_levels/support.rs"]
mod support;

mod built;
mod corpora;
mod damaged;
mod hostile;
mod levels;
mod look;
mod mutated;
mod recognised;
