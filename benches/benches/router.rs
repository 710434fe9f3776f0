//! Handing out places at tokens: the pure decision, and the async shell around it.

#![allow(clippy::unwrap_used)]

use actors::router::{Balance, ReadySigner, Router, Seating};
use actors::token::queue::SignQueue;
use criterion::{Criterion, criterion_group, criterion_main};
use model::profile::PoolName;
use model::{Lane, SignerName, TokenSerial};
use std::sync::Arc;
use std::time::Duration;
use testkit::pki::KeyKind;

/// Four tokens with four places each, all taken, and as many in line as one server lets in.
fn balance(criterion: &mut Criterion) {
    let mut balance = Balance::default();
    let tokens: Vec<_> = (0..4).map(|_| balance.add_token()).collect();
    let pool = balance.add_pool(tokens.clone());
    tokens.iter().for_each(|token| balance.up(*token, 1, 4));
    let mut next = 0;
    for _ in 0..model::limits::DOCUMENTS_IN_FLIGHT_MAX {
        balance.arrive(next, pool, Lane::Batch, None);
        next += 1;
    }
    let mut turn = tokens.iter().cycle();
    criterion.bench_function("balance freed and arrive", |bencher| {
        bencher.iter(|| {
            let served = balance.freed(*turn.next().unwrap(), Some(1_000)).unwrap();
            next += 1;
            assert!(balance.arrive(next, pool, Lane::Batch, None).is_none());
            served
        });
    });
}

/// `choose` and the drop of the place, with a free place and from one waiter to the next.
fn router(criterion: &mut Criterion) {
    let (serial, name) = (TokenSerial("bench".into()), SignerName("bench".into()));
    let pool = PoolName("bench".into());
    let queue = Arc::new(SignQueue::new(1));
    let seating = Seating { serial: serial.clone(), signers: vec![name.clone()], queue };
    let router = Router::new(&[seating], &[(pool.clone(), vec![name])]);
    let signer = benches::signer(KeyKind::P256);
    let key = signer.token.signer().key.clone();
    router.up(&serial, vec![ReadySigner { signer: Arc::new(signer.signer), key }], 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let choose = || router.choose(&pool, Lane::Batch, None, Duration::from_secs(10));

    criterion.bench_function("router choose and free", |bencher| {
        bencher.iter(|| runtime.block_on(async { drop(choose().await.unwrap()) }));
    });
    // The only place goes from hand to hand: each of the two waits for the other.
    criterion.bench_function("router hand-over", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let held = choose().await.unwrap();
                let waiting = async { drop(choose().await.unwrap()) };
                let freeing = async { drop(held) };
                tokio::join!(waiting, freeing);
            });
        });
    });
}

criterion_group! { name = all; config = benches::criterion(); targets = balance, router }
criterion_main!(all);
