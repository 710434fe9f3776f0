//! The record of login attempts when its store goes away at the worst moment. Errs on the side of not logging in, but
//! does not ask for an operator where nothing was refused.
#![allow(clippy::unwrap_used)]

use actors::token::ledger::{Standing, StoreLedger};
use model::{Clock, SystemClock, TenantId, TokenSerial};
use std::sync::Arc;
use store::{Store, StoreConfig};
use testkit::postgres::Postgres;
use token::{LoginLedger, LoginRefused};
use tokio::runtime::Runtime;

struct World {
    runtime: Runtime,
    postgres: Postgres,
    tenant: TenantId,
    serial: TokenSerial,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (postgres, tenant) = (Postgres::start().unwrap(), TenantId::new("main").unwrap());
        Self { runtime, postgres, tenant, serial: TokenSerial("0001".into()) }
    }

    fn store(&self, node: &str) -> Store {
        let config = StoreConfig::Postgres { url: self.postgres.url().into(), pool_size: 2 };
        self.runtime.block_on(Store::open(&config, node)).unwrap()
    }

    fn ledger(&self, node: &str) -> StoreLedger {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        StoreLedger::new(self.store(node), self.tenant.clone(), clock, self.runtime.handle().clone())
    }

    fn clear(&self) {
        let store = self.store("command-line");
        let cleared = store.login_clear(&self.tenant, &self.serial, "cli:operator", SystemClock.now());
        assert!(self.runtime.block_on(cleared).unwrap());
    }
}

#[test]
fn an_accepted_login_whose_end_was_lost_is_made_good() {
    let mut world = World::new();
    let (ledger, serial) = (world.ledger("a"), world.serial.clone());
    ledger.begin(&serial).unwrap();
    world.postgres.stop();
    ledger.accepted(&serial);
    assert_eq!(ledger.standing(&serial), Standing::Unknown);
    assert!(matches!(ledger.begin(&serial), Err(LoginRefused::Ledger(_))), "no record, no attempt");
    world.postgres.start_again().unwrap();
    assert_eq!(world.ledger("b").standing(&serial), Standing::Held, "until then it looks like a crash");
    assert_eq!(ledger.standing(&serial), Standing::Free);
    ledger.begin(&serial).unwrap();
    ledger.accepted(&serial);
}

#[test]
fn an_attempt_that_could_not_be_recorded_does_not_block() {
    let mut world = World::new();
    let (ledger, serial) = (world.ledger("a"), world.serial.clone());
    world.postgres.stop();
    assert!(matches!(ledger.begin(&serial), Err(LoginRefused::Ledger(_))));
    world.postgres.start_again().unwrap();
    assert_eq!(ledger.standing(&serial), Standing::Free);
    ledger.begin(&serial).unwrap();
}

#[test]
fn a_refusal_that_could_not_be_recorded_still_holds_everybody() {
    let mut world = World::new();
    let (ledger, serial) = (world.ledger("a"), world.serial.clone());
    ledger.begin(&serial).unwrap();
    world.postgres.stop();
    ledger.refused(&serial, "wrong PIN");
    world.postgres.start_again().unwrap();
    assert_eq!(ledger.standing(&serial), Standing::Held);
    for node in ["a", "b"] {
        let later = world.ledger(node);
        assert!(matches!(later.begin(&serial), Err(LoginRefused::Ledger(_))), "{node}");
        assert_eq!(later.standing(&serial), Standing::Held);
    }
}

#[test]
fn an_operators_word_is_told_once_and_only_after_a_block() {
    let world = World::new();
    let (ledger, serial) = (world.ledger("a"), world.serial.clone());
    assert_eq!(ledger.standing(&serial), Standing::Free, "nobody has said anything");
    ledger.begin(&serial).unwrap();
    ledger.refused(&serial, "wrong PIN");
    assert_eq!(ledger.standing(&serial), Standing::Held);
    world.clear();
    assert_eq!(ledger.standing(&serial), Standing::Cleared);
    assert_eq!(ledger.standing(&serial), Standing::Free);

    // Another server's attempt under way is no block, and its good end no operator's word.
    let other = world.ledger("b");
    other.begin(&serial).unwrap();
    assert!(matches!(ledger.begin(&serial), Err(LoginRefused::Ledger(_))));
    assert_eq!(ledger.standing(&serial), Standing::Held);
    other.accepted(&serial);
    assert_eq!(ledger.standing(&serial), Standing::Free);
}
