//! XML signatures of any maker taken apart: what sealmill makes, what others have made and judged, what was tampered with.

#![allow(clippy::unwrap_used, clippy::print_stderr, unreachable_pub)]

#[path = "../cms_support/mod.rs"]
mod cms_support;
#[path = "../xml_sign/support.rs"]
#[allow(dead_code)]
mod signing;
mod support;

mod attacks;
mod corpora;
mod damage;
mod made;
mod words;
