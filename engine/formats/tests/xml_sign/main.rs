//! XML-DSig and XAdES as sealmill makes, reads and lifts them, judged by xmlsec1, signxml, Santuario and OpenSSL.

#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

#[path = "../cms_support/mod.rs"]
mod cms_support;
mod support;

mod broken;
mod lifted;
mod matrix;
mod shapes;
mod vectors;
