//! What a large XML document takes: a program of its own, so that nothing else is counted.
#![allow(clippy::unwrap_used)]

use formats::xml::c14n::{NodeSet, canonicalize};
use formats::xml::tree::Document;
use model::profile::{CanonicalVersion, Canonicalization};
use testkit::memory;

/// Length of the large document, in bytes.
const LARGE: usize = 32 * 1024 * 1024;

#[test]
fn a_large_document_takes_a_bounded_multiple_of_its_size() {
    let mut source = String::with_capacity(LARGE + 1_000);
    source.push_str("<i:Invoices xmlns:i='urn:example:invoices' xmlns:c='urn:example:common'>");
    while source.len() < LARGE {
        source.push_str(
            "\n  <c:Line unit=\"C62\">\n    <c:ID>4711</c:ID>\n    <c:Quantity unitCode=\"C62\">1.00</c:Quantity>\n  </c:Line>",
        );
    }
    source.push_str("</i:Invoices>");
    memory::forget_peak().unwrap();
    let before = memory::peak_bytes().unwrap();
    let document = Document::parse(source.as_bytes()).unwrap();
    let mut length = 0;
    let all = NodeSet::document(&document);
    let method = Canonicalization { version: CanonicalVersion::V1_0, ..Canonicalization::default() };
    canonicalize(&document, &all, &method, &mut |piece| length += piece.len()).unwrap();
    let taken = memory::peak_bytes().unwrap() - before;
    println!("{} bytes: tree {}, peak {taken}, canonical {length}", source.len(), document.tree_bytes());
    assert_eq!(length, source.len());
    // A document that is nearly all markup; an invoice with its texts takes less.
    assert!(document.tree_bytes() < 3 * source.len());
    assert!(taken < 4 * source.len() as u64, "{taken}");
}
