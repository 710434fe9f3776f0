//! What taking large signed documents apart takes: a program of its own, so that nothing else is counted.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "cms_support/mod.rs"]
mod cms_support;
#[path = "xml_sign/support.rs"]
#[allow(dead_code)]
mod signing;

use cms_support::Zeros;
use formats::Source;
use formats::inspect::{Detached, Input, Integrity, inspect};
use model::Profile;
use model::profile::{Format, XmlShape};
use testkit::memory;
use testkit::pki::KeyKind;

fn profile(shape: XmlShape) -> Profile {
    Profile::plain("test", "test", Format::Xades(shape))
}

#[test]
fn memory_stays_bounded_for_large_documents_and_large_files_beside() {
    // A file beside the signature is never in memory.
    let zeros = Zeros(200 << 20);
    let file = signing::signed(&zeros, &profile(XmlShape::Detached), KeyKind::P256);
    memory::forget_peak().unwrap();
    let before = memory::peak_bytes().unwrap();
    let detached = [Detached::Document { name: "zeros", source: &zeros as &dyn Source }];
    let found = inspect(&Input { detached: &detached, ..Input::new(&file, "zeros.xml") }).unwrap();
    assert_eq!(found.signatures[0].covered[0].integrity, Integrity::Intact);
    let taken = memory::peak_bytes().unwrap() - before;
    assert!(taken < 16 << 20, "{taken}");

    // A document that a signature is in is there once, with a compact tree.
    let length = 32 << 20;
    let line = "<line><amount>1000 EUR</amount><text>what was ordered and what is to be delivered</text></line>";
    let order = format!("<order>{}</order>", line.repeat(length / line.len()));
    let file = signing::signed(&order.as_bytes(), &profile(XmlShape::Enveloped), KeyKind::P256);
    memory::forget_peak().unwrap();
    let before = memory::peak_bytes().unwrap();
    let found = inspect(&Input::new(&file, "order.xml")).unwrap();
    let taken = memory::peak_bytes().unwrap() - before;
    assert_eq!(found.signatures[0].covered[0].what, "the whole document");
    assert_eq!(found.signatures[0].covered[0].integrity, Integrity::Intact);
    println!("{} bytes: peak {taken}", file.len());
    assert!(taken < 4 * file.len() as u64, "{taken}");
}
