//! What XAdES costs beside the signature value: from the bytes of an invoice to what is signed, and to the result.

#![allow(clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use formats::{SignerTemplate, prepare};
use model::profile::{Format, XmlShape};
use std::fmt::Write;
use std::hint::black_box;
use testkit::pki::KeyKind;

/// Length of the invoices, in bytes.
const LENGTH: usize = 20_000;

/// An invoice whose document element is called so; UBL has a place for signatures, other documents have none.
fn invoice(root: &str) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ubl:Invoice xmlns:ubl=\"{root}\"\n    \
         xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\"\n    \
         xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\">\n"
    );
    let mut line = 1;
    while text.len() < LENGTH {
        write!(
            text,
            "  <cac:InvoiceLine>\n    <cbc:ID>{line}</cbc:ID>\n    <cbc:InvoicedQuantity unitCode=\"XPP\">3\
             </cbc:InvoicedQuantity>\n    <cbc:LineExtensionAmount currencyID=\"EUR\">{line}.00\
             </cbc:LineExtensionAmount>\n    <cac:Item>\n      <cbc:Name>Kanzleipapier &amp; Umschläge, Sorte {line}\
             </cbc:Name>\n    </cac:Item>\n  </cac:InvoiceLine>\n"
        )
        .unwrap();
        line += 1;
    }
    text + "</ubl:Invoice>\n"
}

fn xml(criterion: &mut Criterion) {
    let signer = benches::signer(KeyKind::P256);
    let profile = benches::profile(Format::Xades(XmlShape::Enveloped));
    let template = SignerTemplate::new(&signer.signer, &profile).unwrap();
    let mut group = criterion.benchmark_group("xades");
    for (name, root) in [("UBL", "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"), ("other", "urn:other")] {
        let source = invoice(root).into_bytes();
        let prepared = || prepare(black_box(&source), &profile, &template, benches::now()).unwrap();
        group.bench_function(format!("prepare {name}"), |bencher| bencher.iter(prepared));
        let value = signer.sign(prepared().to_be_signed());
        group.bench_function(format!("assemble {name}"), |bencher| {
            bencher.iter_batched(prepared, |prepared| prepared.assemble(&value).unwrap(), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = xml }
criterion_main!(all);
