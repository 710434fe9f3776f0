//! An XML invoice from its bytes to the digest of its canonical form, and the parts of that.

#![allow(clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use formats::crypto::Hasher;
use formats::xml::c14n::{NodeSet, canonicalize};
use formats::xml::tree::Document;
use formats::xml::xpath::{Expression, filter};
use model::DigestAlgorithm;
use model::profile::Canonicalization;
use std::fmt::Write;
use std::hint::black_box;

/// Length of the invoice, in bytes.
const LENGTH: usize = 20_000;

fn invoice() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\" \
         xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" \
         xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\">",
    );
    for number in 1.. {
        if text.len() > LENGTH {
            break;
        }
        write!(
            text,
            "\n  <cac:InvoiceLine>\n    <cbc:ID>{number}</cbc:ID>\n    <cbc:InvoicedQuantity unitCode=\"C62\">1\
             </cbc:InvoicedQuantity>\n    <cbc:LineExtensionAmount currencyID=\"EUR\">{number}.00</cbc:LineExtensionAmount>\
             \n    <cac:Item>\n      <cbc:Name>Screws &amp; nuts, size {number}</cbc:Name>\n    </cac:Item>\n  </cac:InvoiceLine>"
        )
        .unwrap();
    }
    text + "\n</Invoice>\n"
}

fn xml(criterion: &mut Criterion) {
    let source = invoice();
    let method = Canonicalization::default();
    let digest = |document: &Document<'_>, chosen: &NodeSet| {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        canonicalize(document, chosen, &method, &mut |piece| hasher.update(piece)).unwrap();
        hasher.finish()
    };
    let document = Document::parse(source.as_bytes()).unwrap();
    let all = NodeSet::document(&document);
    let namespaces = [("ds".to_owned(), "http://www.w3.org/2000/09/xmldsig#".to_owned())];
    let expression = Expression::parse("not(ancestor-or-self::ds:Signature)", &namespaces).unwrap();

    let mut group = criterion.benchmark_group("xml");
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Document::parse(black_box(source.as_bytes())).unwrap().node_count());
    });
    group.bench_function("exclusive canonical digest", |bencher| bencher.iter(|| digest(black_box(&document), &all)));
    group.bench_function("XPath filter", |bencher| {
        bencher.iter(|| filter(&expression, &document, all.clone(), None).unwrap());
    });
    group.bench_function("parse to digest", |bencher| {
        bencher.iter(|| {
            let document = Document::parse(black_box(source.as_bytes())).unwrap();
            digest(&document, &NodeSet::document(&document))
        });
    });
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = xml }
criterion_main!(all);
