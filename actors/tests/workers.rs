//! A token that fails, one failure at a time: the document finishes on the other one, no place is lost, the token comes
//! back, and no PIN is tried twice.
#![allow(clippy::unwrap_used)]

mod fake;

use actors::document::Origin;
use actors::pipeline::Failure;
use actors::token::actor::Command;
use actors::token::roster::TokenState;
use bytes::Bytes;
use fake::{Character, FakeToken, Trouble, World, profile, run, until};
use model::Lane;
use model::profile::Format;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const SIGN_TIMEOUT: Duration = Duration::from_millis(300);

/// Two tokens; the first one is chosen first, since nothing is known of either.
async fn two(first: Character) -> World {
    let tokens = vec![FakeToken::new(first, 1), FakeToken::new(Character::good("other", 1), 2)];
    let world = World::start(tokens, 16, SIGN_TIMEOUT).await;
    until("both tokens", || (0..2).all(|token| world.state(token) == TokenState::LoggedIn)).await;
    world
}

async fn seal(world: &World) -> Result<String, Failure> {
    let origin = Origin::Bytes(Bytes::from_static(b"<Rechnung/>"));
    let profile = profile(Format::Cades { detached: true });
    world.services.pipeline.seal(&origin, &profile, Lane::Batch).await.map(|signed| signed.signer.unwrap().to_string())
}

/// So many at a time that each token gets some.
async fn seal_some(world: &World) {
    let sealed = futures_util::future::join_all((0..8).map(|_| seal(world))).await;
    assert!(sealed.iter().all(Result::is_ok), "{sealed:?}");
}

/// One document meets the trouble at the first token and is signed by the other; both tokens sign afterwards.
async fn falls_over(first: Character, trouble: Trouble) -> World {
    let world = two(first).await;
    world.tokens[0].plan(trouble);
    assert_eq!(seal(&world).await.unwrap(), "other", "{trouble:?}");
    assert_eq!(world.tokens[0].seen().troubles[&trouble], 1, "the first token was asked first");
    comes_back(&world, trouble).await;
    assert!(world.tokens[0].seen().sessions_max <= 1, "never two sessions of one card");
    world
}

/// Documents go on being signed, and sooner or later by the token again.
async fn comes_back(world: &World, trouble: Trouble) {
    let before = world.tokens[0].seen().signatures;
    let deadline = Instant::now() + Duration::from_secs(10);
    while world.tokens[0].seen().signatures == before {
        assert!(Instant::now() < deadline, "it signs again after {trouble:?}");
        seal_some(world).await;
    }
    assert!(world.is_at_rest());
}

#[test]
fn a_document_outlives_everything_that_a_token_does() {
    run(async {
        for trouble in [
            Trouble::SessionLost,
            Trouble::DeviceError,
            Trouble::Crash,
            Trouble::Pulled(150),
            Trouble::WrongSignature,
            Trouble::Panic,
        ] {
            falls_over(Character::good("first", 1), trouble).await;
        }
    });
}

#[test]
fn a_hang_in_a_process_of_its_own_ends_with_the_process() {
    run(async {
        let first = Character { isolated: true, ..Character::good("first", 1) };
        let world = falls_over(first, Trouble::Hang(0)).await;
        assert!(world.tokens[0].seen().resets >= 1);
    });
}

#[test]
fn a_hang_in_this_process_costs_the_thread_until_it_returns() {
    run(async {
        let world = two(Character::good("first", 1)).await;
        world.tokens[0].plan(Trouble::Hang(1_200));
        assert_eq!(seal(&world).await.unwrap(), "other");
        assert_eq!(world.state(0), TokenState::Stuck);
        until("the place of the request that hangs", || world.is_at_rest()).await;
        assert_eq!(world.tokens[0].sessions(), 1, "the thread is still inside");
        for _ in 0..8 {
            assert_eq!(seal(&world).await.unwrap(), "other");
        }
        comes_back(&world, Trouble::Hang(1_200)).await;
    });
}

#[test]
fn a_token_that_hangs_while_it_comes_up_is_ended_too() {
    run(async {
        let tokens = vec![FakeToken::new(Character { isolated: true, ..Character::good("first", 1) }, 1)];
        tokens[0].plan_hangs_coming_up(3);
        let world = World::start(tokens, 16, SIGN_TIMEOUT).await;
        until("the token", || world.state(0) == TokenState::LoggedIn).await;
        assert!(world.tokens[0].seen().resets >= 3);
    });
}

/// The token goes down for another reason while a call hangs, as when a card is pulled while it signs: nobody may wait
/// for that call for ever.
#[test]
fn a_hang_is_ended_although_the_token_is_down_already() {
    run(async {
        let world = two(Character { sessions: 2, isolated: true, ..Character::good("first", 1) }).await;
        world.tokens[0].plan(Trouble::Hang(0));
        world.tokens[0].plan(Trouble::SessionLost);
        seal_some(&world).await;
        assert_eq!(world.tokens[0].seen().troubles.len(), 2, "both were met");
        comes_back(&world, Trouble::Hang(0)).await;
        assert!(world.tokens[0].seen().resets >= 1);
    });
}

#[test]
fn one_wrong_signature_is_one_fault_however_many_were_under_way() {
    run(async {
        let world = two(Character { sessions: 4, ..Character::good("first", 1) }).await;
        for _ in 0..12 {
            world.tokens[0].plan(Trouble::WrongSignature);
        }
        let sealed = futures_util::future::join_all((0..24).map(|_| seal(&world))).await;
        assert!(sealed.iter().all(Result::is_ok), "{sealed:?}");
        assert_ne!(world.state(0), TokenState::Blocked);
    });
}

#[test]
fn five_device_faults_block_until_an_operator_acts_and_only_then() {
    run(async {
        let world = two(Character::good("first", 1)).await;
        for count in 1..=5 {
            world.tokens[0].plan(Trouble::DeviceError);
            while world.tokens[0].seen().troubles.get(&Trouble::DeviceError) != Some(&count) {
                seal_some(&world).await;
            }
            if count < 5 {
                let again = || world.tokens[0].seen().logins > count && world.state(0) == TokenState::LoggedIn;
                until("a restart", again).await;
            }
        }
        until("the block", || world.state(0) == TokenState::Blocked).await;
        // Many times the period in which it asks the record.
        tokio::time::sleep(fake::PACE.block_poll * 15).await;
        assert_eq!(world.state(0), TokenState::Blocked);
        assert!(world.unblock(0).await, "the block is on record, so that it can be cleared");
        comes_back(&world, Trouble::DeviceError).await;
    });
}

#[test]
fn a_refused_pin_is_tried_again_only_after_an_operator() {
    run(async {
        let first = Character { refused_login: Some(2), ..Character::good("first", 1) };
        let world = two(first).await;
        world.tokens[0].plan(Trouble::SessionLost);
        assert_eq!(seal(&world).await.unwrap(), "other");
        until("the block", || world.state(0) == TokenState::Blocked).await;
        tokio::time::sleep(fake::PACE.block_poll * 15).await;
        assert_eq!(world.tokens[0].seen().logins, 2);
        assert_eq!(world.state(0), TokenState::Blocked);
        assert!(world.unblock(0).await);
        until("the token", || world.state(0) == TokenState::LoggedIn).await;
        assert_eq!(world.tokens[0].seen().logins, 3);
        assert_eq!(world.pins_loaded.load(Ordering::SeqCst), 3, "the PIN was read anew, once");
    });
}

/// The keeper starts an actor again whose handler panicked; meanwhile no document is sent to its token.
#[test]
fn an_actor_that_panics_is_started_again() {
    run(async {
        let world = two(Character { isolated: true, ..Character::good("first", 1) }).await;
        let (hangs, panics) = (&world.tokens[0], &world.tokens[0].panic_in_actor);
        hangs.plan(Trouble::Hang(0));
        panics.store(true, Ordering::SeqCst);
        // The actor finds the hang, and panics over it.
        assert_eq!(seal(&world).await.unwrap(), "other");
        assert!(!panics.load(Ordering::SeqCst));
        until("the place of the request that hangs", || world.is_at_rest()).await;
        for _ in 0..8 {
            assert_eq!(seal(&world).await.unwrap(), "other", "no places at a token without an actor");
        }
        let view = &world.services.roster.tokens()[0];
        until("an actor", || view.tell(Command::WorkerEnded)).await;
        until("the token", || world.state(0) == TokenState::LoggedIn).await;
    });
}

#[test]
fn a_token_gets_more_and_fewer_sessions_while_it_signs_and_no_signature_is_lost() {
    run(async {
        let world = World::start(
            vec![FakeToken::new(Character { micros: 2_000, ..Character::good("first", 2) }, 1)],
            200,
            SIGN_TIMEOUT,
        )
        .await;
        until("the token", || world.state(0) == TokenState::LoggedIn).await;
        let serial = world.services.roster.tokens()[0].status().serial;
        let sessions = || world.services.pool().tokens[0].sessions;
        let sealing = futures_util::future::join_all((0..400).map(|_| seal(&world)));
        let tuning = async {
            for wanted in [6, 1, 4, 64, 2] {
                world.services.resize_token(&serial, wanted).unwrap();
                until("the sessions", || sessions() == wanted).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                let assigned = world.services.pool().tokens[0].assigned;
                assert!(assigned <= 64 * model::limits::ASSIGNED_PER_SESSION_MAX);
            }
        };
        let (sealed, ()) = futures_util::future::join(sealing, tuning).await;
        assert!(sealed.iter().all(Result::is_ok), "no signature is lost");
        until("surplus threads to end", || world.tokens[0].sessions() == 2).await;
        let pool = world.services.pool();
        assert_eq!((pool.tokens[0].done.signatures, pool.tokens[0].sessions_wanted), (400, 2));
        assert!(
            pool.tokens[0].median_sign.unwrap() >= Duration::from_micros(2_000),
            "{:?}",
            pool.tokens[0].median_sign
        );
        assert_eq!(world.tokens[0].seen().logins, 1, "no PIN was tried again");
        assert!(world.services.resize_token(&serial, 0).is_err() && world.services.resize_token(&serial, 65).is_err());
        assert!(world.is_at_rest());
    });
}

#[test]
fn a_size_outlives_a_restart_of_the_token() {
    run(async {
        let world = two(Character::good("first", 1)).await;
        let serial = world.services.roster.tokens()[0].status().serial;
        world.services.resize_token(&serial, 3).unwrap();
        until("three sessions", || world.services.pool().tokens[0].sessions == 3).await;
        world.tokens[0].plan(Trouble::SessionLost);
        comes_back(&world, Trouble::SessionLost).await;
        until("three sessions again", || world.services.pool().tokens[0].sessions == 3).await;
    });
}

#[test]
fn a_heavier_token_gets_more_documents() {
    run(async {
        let world = two(Character { micros: 3_000, ..Character::good("first", 1) }).await;
        let serial = world.services.roster.tokens()[0].status().serial;
        // The other one is faster; a weight of a thousand outdoes that.
        world.services.weigh_token(&serial, 1_000.0).unwrap();
        for _ in 0..10 {
            assert_eq!(seal(&world).await.unwrap(), "first");
        }
        world.services.weigh_token(&serial, 0.001).unwrap();
        assert_eq!(seal(&world).await.unwrap(), "other");
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1_001.0] {
            assert!(world.services.weigh_token(&serial, bad).is_err(), "{bad}");
        }
    });
}
