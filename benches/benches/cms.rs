//! CMS from a template: the signed attributes before the signature, the message after it. Without the signature itself.

#![allow(clippy::unwrap_used)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use formats::cms::{Shape, Template};
use formats::crypto;
use model::DigestAlgorithm;
use model::profile::Format;
use std::hint::black_box;
use testkit::pki::KeyKind;

fn cms(criterion: &mut Criterion) {
    let signer = benches::signer(KeyKind::Rsa2048);
    let shape = Shape::of(Format::Cades { detached: true });
    let template = Template::new(&signer.signer, signer.algorithm, shape).unwrap();
    let digest = crypto::digest(DigestAlgorithm::Sha256, b"document");
    let begin = || template.begin(black_box(digest), benches::now()).unwrap();
    let value = signer.sign(begin().to_be_signed());

    let mut group = criterion.benchmark_group("cms");
    group.bench_function("template", |bencher| {
        bencher.iter(|| Template::new(&signer.signer, signer.algorithm, shape).unwrap());
    });
    group.bench_function("begin", |bencher| bencher.iter(begin));
    let pending = begin();
    group.bench_function("check", |bencher| bencher.iter(|| pending.check(black_box(&value)).unwrap()));
    group.bench_function("finish", |bencher| bencher.iter(|| pending.finish(black_box(&value)).unwrap()));
    group.bench_function("begin and finish", |bencher| {
        bencher.iter_batched(|| (), |()| begin().finish(&value).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = cms }
criterion_main!(all);
