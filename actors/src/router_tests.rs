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

/// A fast HSM that failed once must not stand idle until a slow card has signed everything that the HSM failed.
#[test]
fn those_who_avoid_a_token_do_not_keep_others_from_it() {
    let (mut balance, tokens) = balance(&[2, 1]);
    let [hsm, card] = tokens[..] else { panic!("two tokens") };
    assert_eq!(balance.arrive(1, 0, Lane::Batch, Some(hsm)), Some(card));
    for id in 2..5 {
        assert_eq!(balance.arrive(id, 0, Lane::Batch, Some(hsm)), None, "the card has one place");
    }
    assert_eq!(balance.arrive(5, 0, Lane::Interactive, Some(hsm)), None);
    assert_eq!(balance.arrive(6, 0, Lane::Batch, None), Some(hsm));
    assert_eq!(balance.arrive(7, 0, Lane::Batch, None), Some(hsm));
    assert_eq!(balance.arrive(8, 0, Lane::Batch, None), None);
    assert_eq!(balance.freed(hsm, None), Some((8, hsm)), "past those who avoid it");
    assert_eq!(balance.freed(card, None), Some((5, card)));
    assert_eq!(balance.freed(card, None), Some((2, card)));
    balance.down(card);
    assert_eq!(balance.freed(hsm, None), Some((3, hsm)), "better that one than nobody");
    assert_eq!(balance.freed(card, None), None);
    assert_eq!(balance.freed(hsm, None), Some((4, hsm)));
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

proptest::proptest! {
    /// Whatever happens in whatever order: nobody who could be served waits, nobody is served twice, no place is given
    /// out twice or at a token that is down, and in the end every place is back.
    #[test]
    fn nobody_waits_who_could_be_served(events in proptest::collection::vec((0_u8..6, 0_usize..3, 0_u8..4), 1..400)) {
        let (mut balance, tokens) = balance(&[1, 2, 3]);
        balance.add_pool(vec![tokens[0], tokens[2]]);
        let places = [1, 2, 3];
        let (mut next, mut waiting, mut held) = (0, Vec::new(), Vec::new());
        for (event, token, choice) in events {
            let mut served = Vec::new();
            match event {
                0 | 1 => {
                    let lane = if choice % 2 == 0 { Lane::Batch } else { Lane::Interactive };
                    let avoid = (choice > 1).then(|| tokens[token]);
                    next += 1;
                    match balance.arrive(next, usize::from(event), lane, avoid) {
                        Some(token) => held.push(token),
                        None => waiting.push((next, usize::from(event))),
                    }
                }
                2 if !held.is_empty() => {
                    let token = held.remove(usize::from(choice) % held.len());
                    served.extend(balance.freed(token, Some(500)));
                }
                3 if !waiting.is_empty() => {
                    let (id, pool) = waiting.remove(usize::from(choice) % waiting.len());
                    balance.leave(id, pool);
                }
                4 => {
                    balance.up(tokens[token], 1, places[token]);
                    served.extend(std::iter::from_fn(|| balance.serve_next()));
                }
                5 => {
                    balance.down(tokens[token]);
                    served.extend(std::iter::from_fn(|| balance.serve_next()));
                }
                _ => {}
            }
            for (id, token) in served {
                let before = waiting.len();
                waiting.retain(|(waiter, _)| *waiter != id);
                assert_eq!(waiting.len(), before - 1, "served once, and only who waited");
                assert!(balance.tokens[token.0].up);
                held.push(token);
            }
            for (token, places) in tokens.iter().zip(places) {
                assert_eq!(balance.assigned(*token), held.iter().filter(|held| *held == token).count());
                assert!(balance.assigned(*token) <= places);
            }
            assert_eq!(balance.waiting(), waiting.len());
            assert_eq!(balance.serve_next(), None, "nobody waits who could be served");
        }
        tokens.iter().for_each(|token| balance.down(*token));
        held.into_iter().for_each(|token| assert_eq!(balance.freed(token, None), None));
        assert!(tokens.iter().all(|token| balance.assigned(*token) == 0));
    }
}
