//! CMS signatures above B-B: our own and foreign ones, lifted level by level, judged by foreign programs, and checked
//! against the tables of EN 319 122-1.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../cms_support/mod.rs"]
mod cms_support;

mod bouncy;
mod foreign;
mod further;
mod large;
mod lifted;
mod openssl_messages;
mod pyhanko;
mod spoiled;
mod support;
mod table;
