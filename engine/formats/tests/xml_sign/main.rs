//! XML-DSig and XAdES as sealmill makes, reads and lifts them, judged by xmlsec1, signxml, Santuario and OpenSSL.

#![allow(clippy::unwrap_used)]

#[path = "../cms_support/mod.rs"]
mod cms_support;
mod support;

mod shapes;
