//! Why signatures do not travel in actix mailboxes: what actix 0.13 promises about their capacity, measured.
//!
//! These tests describe actix, not sealmill. When one of them fails after an update, the rule that it stands for
//! ("commands in mailboxes, work in bounded channels with places") may be looked at again.
#![allow(clippy::unwrap_used)]

use actix::dev::ContextFutureSpawner;
use actix::{Actor, Addr, Context, Handler, Message, Supervised, Supervisor, WrapFuture};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// An actor that holds its first message until it may go on: everything behind it stays in the mailbox.
struct Slow {
    capacity: usize,
    gate: Arc<tokio::sync::Semaphore>,
    handled: Arc<AtomicUsize>,
    restarts: Arc<AtomicUsize>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Work;

#[derive(Message)]
#[rtype(result = "()")]
struct Document(#[allow(dead_code)] Arc<[u8]>);

#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

impl Actor for Slow {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(self.capacity);
    }
}

impl Supervised for Slow {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.restarts.fetch_add(1, Ordering::SeqCst);
    }
}

impl Handler<Work> for Slow {
    type Result = ();

    fn handle(&mut self, _: Work, ctx: &mut Self::Context) {
        self.handled.fetch_add(1, Ordering::SeqCst);
        let gate = self.gate.clone();
        // `wait` keeps the context from handling anything else, as a call into a card would.
        async move { drop(gate.acquire().await) }.into_actor(self).wait(ctx);
    }
}

impl Handler<Document> for Slow {
    type Result = ();

    fn handle(&mut self, _: Document, ctx: &mut Self::Context) {
        self.handle(Work, ctx);
    }
}

impl Handler<Panic> for Slow {
    type Result = ();

    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("a handler panics, as it shall in this test");
    }
}

fn slow(capacity: usize) -> Slow {
    Slow { capacity, gate: Arc::new(tokio::sync::Semaphore::new(0)), handled: Arc::default(), restarts: Arc::default() }
}

/// Lets the actor's task run until it has nothing to do.
async fn settle() {
    actix::clock::sleep(Duration::from_millis(20)).await;
}

#[actix::test]
async fn try_send_on_one_address_is_bounded() {
    let actor = slow(4);
    let gate = actor.gate.clone();
    let handled = actor.handled.clone();
    let address = actor.start();
    settle().await; // `started` has set the capacity
    let mut taken = 0;
    while taken < 1_000 && address.try_send(Work).is_ok() {
        taken += 1;
    }
    assert!((4..=8).contains(&taken), "{taken} messages in a mailbox of 4");
    settle().await;
    assert_eq!(handled.load(Ordering::SeqCst), 1, "the first one holds the others up");
    gate.add_permits(1_000);
    settle().await;
    assert_eq!(handled.load(Ordering::SeqCst), taken);
}

#[actix::test]
async fn every_clone_of_an_address_has_a_free_place() {
    let actor = slow(1);
    let gate = actor.gate.clone();
    let handled = actor.handled.clone();
    let address = actor.start();
    settle().await;
    while address.try_send(Work).is_ok() {}
    assert!(address.try_send(Work).is_err(), "full for this address");
    let clones: Vec<Addr<Slow>> = (0..1_000).map(|_| address.clone()).collect();
    let taken = clones.iter().filter(|clone| clone.try_send(Work).is_ok()).count();
    assert_eq!(taken, 1_000, "and yet each clone got one in");
    gate.add_permits(10_000);
    settle().await;
    assert!(handled.load(Ordering::SeqCst) >= 1_000);
}

#[actix::test]
async fn send_goes_past_the_capacity() {
    let actor = slow(1);
    let handled = actor.handled.clone();
    let address = actor.start();
    settle().await;
    // What a server does: every document sends its bytes and waits for the answer.
    let bytes: Arc<[u8]> = Arc::from([0; 1_024]);
    let documents: Vec<_> = (0..1_000)
        .map(|_| {
            let (address, document) = (address.clone(), Document(bytes.clone()));
            actix::spawn(async move { address.send(document).await })
        })
        .collect();
    settle().await;
    assert_eq!(handled.load(Ordering::SeqCst), 1);
    // If the mailbox held its senders back, the documents would go with them. They lie in the mailbox.
    documents.iter().for_each(tokio::task::JoinHandle::abort);
    settle().await;
    assert!(documents.iter().all(tokio::task::JoinHandle::is_finished));
    let kept = Arc::strong_count(&bytes) - 1;
    assert!(kept > 900, "a mailbox of 1 keeps {kept} documents");
}

#[actix::test]
async fn a_panic_under_a_supervisor_closes_the_address_and_nobody_restarts() {
    let restarts = Arc::new(AtomicUsize::new(0));
    let seen = restarts.clone();
    let address = Supervisor::start(move |_| Slow { restarts: seen, ..slow(16) });
    assert!(address.connected());
    assert!(address.send(Panic).await.is_err());
    settle().await;
    assert!(!address.connected(), "the mailbox is gone with the panic");
    assert!(address.send(Work).await.is_err());
    assert_eq!(restarts.load(Ordering::SeqCst), 0);
}
