//! One SHA-256 pass over a document of 100 KB in memory.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use formats::crypto;
use model::DigestAlgorithm;
use std::hint::black_box;

fn sha256(criterion: &mut Criterion) {
    let document = testkit::pdf::Numbers::new(1).bytes(100_000);
    let mut group = criterion.benchmark_group("sha256");
    group.throughput(Throughput::Bytes(document.len() as u64));
    group.bench_function("100 KB", |bencher| {
        bencher.iter(|| crypto::digest(DigestAlgorithm::Sha256, black_box(&document)));
    });
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = sha256 }
criterion_main!(all);
