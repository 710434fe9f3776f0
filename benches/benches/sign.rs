//! Raw signatures of software keys through the `token` crate: one thread, one digest, each kind of key.

#![allow(clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use formats::crypto;
use model::{DigestAlgorithm, ToBeSigned};
use testkit::pki::KeyKind;
use token::Token;

fn sign(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign");
    for kind in KeyKind::ALL {
        let signer = benches::signer(kind);
        let algorithm = signer.algorithm;
        let digest = crypto::digest(DigestAlgorithm::Sha256, b"signed attributes");
        let to_be_signed = match algorithm.scheme {
            // As long as the signed attributes of CAdES are.
            scheme if scheme.signs_message() => ToBeSigned::Message { algorithm, message: vec![7; 180] },
            _ => ToBeSigned::Digest { algorithm, digest },
        };
        let mut session = signer.token.open_session().unwrap();
        let key = signer.token.signer().key.clone();
        group.bench_function(kind.name(), |bencher| bencher.iter(|| session.sign(&key, &to_be_signed).unwrap()));
    }
    group.finish();
}

criterion_group! { name = all; config = benches::criterion(); targets = sign }
criterion_main!(all);
