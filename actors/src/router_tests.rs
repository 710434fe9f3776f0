//! The balance by itself, and the router's promise that no place is lost.

use super::*;
use crate::token::queue::SignQueue;

fn balance(places: &[usize]) -> (Balance, Vec<TokenIndex>) {
    let mut balance = Balance::default();
    let tokens: Vec<_> = places.iter().map(|_| balance.add_token()).collect();
    balance.add_pool(tokens.clone());
    for (token, places) in tokens.iter().zip(places) {
        balance.up(*token, 1, *places);
    }
    (balance, tokens)
}

#[test]
fn a_slow_token_receives_fewer_documents() {
    let (mut balance, tokens) = balance(&[8, 8]);
    // Teach it that the second token is ten times slower.
    for _ in 0..100 {
        for (token, micros) in [(tokens[0], 500), (tokens[1], 5_000)] {
            balance.tokens[token.0].assigned += 1;
            balance.freed(token, Some(micros));
        }
    }
    let chosen: Vec<_> = (0..9).map(|id| balance.arrive(id, 0, Lane::Batch, None).unwrap()).collect();
    assert_eq!(chosen.iter().filter(|token| **token == tokens[0]).count(), 8);
    assert_eq!(chosen.iter().filter(|token| **token == tokens[1]).count(), 1);
}

#[test]
fn people_go_before_batches_and_nobody_overtakes() {
    let (mut balance, tokens) = balance(&[1]);
    assert!(balance.arrive(1, 0, Lane::Batch, None).is_some());
    assert!(balance.arrive(2, 0, Lane::Batch, None).is_none());
    assert!(balance.arrive(3, 0, Lane::Interactive, None).is_none());
    assert!(balance.arrive(4, 0, Lane::Interactive, None).is_none());
    let order: Vec<_> = (0..3).map(|_| balance.freed(tokens[0], None).unwrap().0).collect();
    assert_eq!(order, [3, 4, 2]);
    assert!(balance.freed(tokens[0], None).is_none());
}

#[test]
fn a_token_that_failed_a_document_is_chosen_again_only_if_no_other_is_up() {
    let (mut balance, tokens) = balance(&[4, 4]);
    for id in 0..4 {
        assert_eq!(balance.arrive(id, 0, Lane::Batch, Some(tokens[0])), Some(tokens[1]));
    }
    assert_eq!(balance.arrive(9, 0, Lane::Batch, Some(tokens[0])), None, "waits for the other one");
    balance.down(tokens[1]);
    assert_eq!(balance.serve_next(), Some((9, tokens[0])), "takes what there is");
}

#[test]
fn a_waiter_of_another_pool_is_served_by_its_own_tokens_only() {
    let (mut balance, tokens) = balance(&[1, 1]);
    let second = balance.add_pool(vec![tokens[1]]);
    assert!(balance.arrive(1, second, Lane::Batch, None).is_some());
    assert!(balance.arrive(2, second, Lane::Batch, None).is_none());
    assert!(balance.arrive(3, 0, Lane::Batch, None).is_some());
    assert_eq!(balance.freed(tokens[0], None), None);
    assert_eq!(balance.freed(tokens[1], None), Some((2, tokens[1])));
}

fn router(places: usize) -> (Router, TokenSerial, PoolName) {
    let (serial, pool) = (TokenSerial("T".into()), PoolName("p".into()));
    let signer = SignerName("s".into());
    let queue = Arc::new(SignQueue::new(places));
    let seating = [Seating { serial: serial.clone(), signers: vec![signer.clone()], queue }];
    let router = Router::new(&seating, &[(pool.clone(), vec![signer])]);
    router.up(&serial, Vec::new(), 1);
    (router, serial, pool)
}

#[tokio::test(start_paused = true)]
async fn places_come_back_however_a_document_leaves() {
    let (router, serial, pool) = router(2);
    let patience = Duration::from_secs(5);
    let first = router.choose(&pool, Lane::Batch, None, patience).await.unwrap();
    let second = router.choose(&pool, Lane::Batch, None, patience).await.unwrap();
    // One that gives up in the line, one whose task is dropped in the line.
    assert_eq!(router.choose(&pool, Lane::Batch, None, patience).await.unwrap_err(), NoPlace::TimedOut(pool.clone()));
    let (waiting, wanted) = (router.clone(), pool.clone());
    let dropped = tokio::spawn(async move { waiting.choose(&wanted, Lane::Batch, None, patience).await.map(|_| ()) });
    tokio::task::yield_now().await;
    dropped.abort();
    let _ = dropped.await;
    assert_eq!(router.waiting(), 0);
    drop((first, second));
    assert_eq!(router.assigned(), [(serial, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_place_goes_straight_to_the_next_in_line() {
    let (router, serial, pool) = router(1);
    let patience = Duration::from_secs(5);
    let mut held = Some(router.choose(&pool, Lane::Batch, None, patience).await.unwrap());
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let (router, pool) = (router.clone(), pool.clone());
        waiting.push(tokio::spawn(async move { router.choose(&pool, Lane::Batch, None, patience).await.is_ok() }));
    }
    tokio::task::yield_now().await;
    assert_eq!(router.waiting(), 50);
    drop(held.take());
    for waiter in waiting {
        assert!(waiter.await.unwrap());
    }
    assert_eq!(router.assigned(), [(serial, 0)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_chosen_while_the_token_is_down() {
    let (router, serial, pool) = router(1);
    router.down(&serial);
    assert!(!router.any_up(&pool));
    let patience = Duration::from_secs(1);
    assert!(router.choose(&pool, Lane::Batch, None, patience).await.is_err());
    router.up(&serial, Vec::new(), 1);
    assert!(router.choose(&pool, Lane::Batch, None, patience).await.is_ok());
}

#[tokio::test]
async fn an_unknown_pool_is_named() {
    let (router, ..) = router(1);
    let wanted = PoolName("nowhere".into());
    let error = router.choose(&wanted, Lane::Batch, None, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error, NoPlace::UnknownPool(wanted));
}
