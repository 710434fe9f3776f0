//! The hash tree of a batch of 10 000 documents, and what leads from each of them to the root: what one time stamp for
//! a batch costs besides the time stamp.

#![allow(clippy::unwrap_used)]

use archive::HashTree;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use formats::crypto;
use model::{Digest, DigestAlgorithm};
use std::hint::black_box;

const LEAVES: usize = 10_000;

fn hash_tree(criterion: &mut Criterion) {
    let leaf = |number: usize| crypto::digest(DigestAlgorithm::Sha256, &number.to_be_bytes());
    let groups: Vec<Vec<Digest>> = (0..LEAVES).map(|number| vec![leaf(number)]).collect();
    let tree = HashTree::new(groups.clone()).unwrap();

    let mut group = criterion.benchmark_group("hash tree");
    group.throughput(Throughput::Elements(LEAVES as u64));
    group.bench_function("build", |bencher| bencher.iter(|| HashTree::new(black_box(groups.clone())).unwrap()));
    group.bench_function("reduced trees", |bencher| {
        bencher.iter(|| (0..LEAVES).map(|leaf| tree.reduced(black_box(leaf)).unwrap().len()).sum::<usize>());
    });
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = hash_tree }
criterion_main!(all);
