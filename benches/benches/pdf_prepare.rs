//! Both halves of a PAdES signature of an invoice of 69 KB, by the way the file tells where its objects are. `prepare`
//! includes one SHA-256 pass, `assemble` includes the check of the signature.

#![allow(clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use formats::SignerTemplate;
use model::profile::Format;
use std::hint::black_box;
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::KeyKind;

fn pdf_prepare(criterion: &mut Criterion) {
    let signer = benches::signer(KeyKind::Rsa2048);
    let profile = benches::profile(Format::Pades);
    let template = SignerTemplate::new(&signer.signer, &profile).unwrap();
    let mut group = criterion.benchmark_group("pdf");
    for form in [Form::Classic, Form::XrefStream, Form::ObjectStreams] {
        let document = invoice(69, &Shape { bytes: 69_000, form, ..Shape::default() });
        let prepare = || formats::prepare(black_box(&document), &profile, &template, benches::now()).unwrap();
        let value = signer.sign(prepare().to_be_signed());
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(format!("prepare {form:?}"), |bencher| bencher.iter(prepare));
        group.bench_function(format!("assemble {form:?}"), |bencher| {
            bencher.iter_batched(prepare, |prepared| prepared.assemble(&value).unwrap(), BatchSize::SmallInput);
        });
    }
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = pdf_prepare }
criterion_main!(all);
