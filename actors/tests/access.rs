//! Who is let in: passwords, certificates, locks, on two servers that share a store; and that nothing tells strangers more than
//! they may know.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use actors::access::{Access, AccessSettings, Refused, Revocation, RevocationCheck, RevocationMode};
use model::access::Authentication;
use model::{Caller, Clock, Function, GroupName, Reason, Right, TenantId, Time, UserName};
use secrecy::SecretString;
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use store::access::{AccessChange, CertificateState, TenantState, UserState};
use store::{Store, StoreConfig};
use testkit::pki::{KeyKind, Pki};
use testkit::postgres::Postgres;

const PASSWORD: &str = "correct horse battery staple";
const HOME: &str = "192.0.2.1";
const AWAY: &str = "198.51.100.9";

/// A clock that goes when it is told to.
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_seconds(self.0.load(Ordering::Acquire))
    }
}

impl TestClock {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::AcqRel);
    }
}

struct World {
    place: StoreConfig,
    clock: Arc<TestClock>,
    store: Store,
    access: Access,
    _folder: tempfile::TempDir,
}

fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

fn secret(text: &str) -> SecretString {
    text.to_owned().into()
}

fn from(address: &str) -> IpAddr {
    address.parse().unwrap()
}

/// The hash is made once: it is meant to take its time.
async fn hash() -> SecretString {
    static HASH: OnceLock<SecretString> = OnceLock::new();
    if HASH.get().is_none() {
        let made = actors::access::Passwords::new(1).unwrap().hash(secret(PASSWORD)).await.unwrap();
        let _ = HASH.set(made);
    }
    HASH.get().unwrap().clone()
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("store.db");
        Self::at(StoreConfig::Sqlite { path }, folder).await
    }

    /// A tenant with a user `erp`, who may sign invoices, and `web`, who may do nothing.
    async fn at(place: StoreConfig, folder: tempfile::TempDir) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(1_800_000_000)));
        let store = Store::open(&place, "a").await.unwrap();
        store.create_tenant(&tenant(), "Acme", "cli:ada", clock.now()).await.unwrap();
        let access = Access::new(store.clone(), clock.clone(), AccessSettings::of(tenant())).unwrap();
        let world = Self { place, clock, store, access, _folder: folder };
        let rights = vec![Right { function: Function::Sign, object: Some("invoices".into()) }];
        world.change(AccessChange::CreateGroup { group: group("signers"), rights }).await;
        for name in ["erp", "web"] {
            world
                .change(AccessChange::CreateUser {
                    user: user(name),
                    title: String::new(),
                    password: Some(hash().await),
                })
                .await;
        }
        world.change(AccessChange::AddMember { user: user("erp"), group: group("signers") }).await;
        world
    }

    /// Another server on the same store.
    async fn other(&self, node: &str) -> Access {
        let store = Store::open(&self.place, node).await.unwrap();
        Access::new(store, self.clock.clone(), AccessSettings::of(tenant())).unwrap()
    }

    /// What another program does to the store.
    async fn change(&self, change: AccessChange) {
        assert!(self.store.change_access(&tenant(), &change, "cli:ada", self.clock.now()).await.unwrap(), "{change:?}");
    }

    async fn log(&self) -> Vec<String> {
        assert!(self.store.verify_audit(&tenant(), &[]).await.unwrap().is_intact());
        let rows = self.store.audit(&tenant(), None, 10_000).await.unwrap();
        rows.iter()
            .map(|row| format!("{} {} {} {}", row.who, row.what, row.object, row.detail.as_deref().unwrap_or("")))
            .collect()
    }

    async fn count(&self, part: &str) -> usize {
        self.log().await.iter().filter(|line| line.contains(part)).count()
    }
}

async fn enter(access: &Access, name: &str, password: &str, address: &str) -> Result<Caller, Refused> {
    access.by_password(&tenant(), name, &secret(password), from(address)).await
}

async fn right(access: &Access, name: &str, address: &str) -> Result<Caller, Refused> {
    enter(access, name, PASSWORD, address).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_password_gives_the_rights_of_the_groups() {
    let world = World::new().await;
    let caller = right(&world.access, "erp", HOME).await.unwrap();
    assert_eq!((caller.tenant.clone(), caller.user.as_str()), (tenant(), "erp"));
    assert_eq!(caller.authentication, Authentication::Password);
    assert!(caller.may(Function::Sign, Some("invoices")).is_ok());
    assert!(caller.may(Function::Sign, Some("contracts")).is_err());
    assert!(right(&world.access, "web", HOME).await.unwrap().rights.is_empty());
    for (name, password) in
        [("erp", "wrong"), ("erp", ""), ("Erp", PASSWORD), ("nobody", PASSWORD), ("a:b", PASSWORD), ("", "")]
    {
        assert_eq!(
            enter(&world.access, name, password, HOME).await,
            Err(Refused::WrongCredentials),
            "{name} {password}"
        );
    }
    let too_long = "x".repeat(100_000);
    assert_eq!(enter(&world.access, "web", &too_long, HOME).await, Err(Refused::WrongCredentials));
    let other = TenantId::new("other").unwrap();
    let stranger = world.access.by_password(&other, "erp", &secret(PASSWORD), from(HOME)).await;
    assert_eq!(stranger, Err(Refused::WrongCredentials), "the tenant does not exist");
    world.store.create_tenant(&other, "", "cli:ada", world.clock.now()).await.unwrap();
    let stranger = world.access.by_password(&other, "erp", &secret(PASSWORD), from(HOME)).await;
    assert_eq!(stranger, Err(Refused::WrongCredentials), "she is another tenant's");
    // The two names that no user can have are one line; the last is in the log of the other tenant.
    assert_eq!(world.count("access.refused").await, 7, "{:#?}", world.log().await);
    assert_eq!(world.count("tenant other: there is no such tenant").await, 1);
    let other = world.store.audit(&other, None, 10).await.unwrap();
    assert_eq!((other.len(), other[1].detail.as_deref()), (2, Some("there is no such user")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_checked_once_in_a_while_and_the_rights_are_of_now() {
    let world = World::new().await;
    right(&world.access, "erp", HOME).await.unwrap();
    let started = Instant::now();
    for _ in 0..2_000 {
        right(&world.access, "erp", HOME).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(world.count("access.accepted").await, 1);
    // Another program takes a right: it counts after a few seconds.
    let invoices = Right { function: Function::Sign, object: Some("invoices".into()) };
    world.change(AccessChange::Revoke { group: group("signers"), right: invoices }).await;
    world.clock.pass(5);
    assert!(right(&world.access, "erp", HOME).await.unwrap().rights.is_empty());
    // This server's own changes count at once.
    let verify = Right { function: Function::Verify, object: None };
    world.change(AccessChange::Grant { group: group("signers"), right: verify }).await;
    assert!(right(&world.access, "erp", HOME).await.unwrap().rights.is_empty());
    world.access.changed();
    assert!(right(&world.access, "erp", HOME).await.unwrap().may(Function::Verify, None).is_ok());
    assert_eq!(world.count("access.accepted").await, 1);
    world.clock.pass(15 * 60);
    right(&world.access, "erp", HOME).await.unwrap();
    assert_eq!(world.count("access.accepted").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_disabled_or_has_another_password_is_out_in_seconds() {
    let world = World::new().await;
    let erp = || user("erp");
    let changes = [
        (
            AccessChange::SetUserState { user: erp(), state: UserState::Disabled },
            AccessChange::SetUserState { user: erp(), state: UserState::Active },
        ),
        (
            AccessChange::SetPassword { user: erp(), password: None },
            AccessChange::SetPassword { user: erp(), password: Some(hash().await) },
        ),
        (
            AccessChange::DeleteUser { user: erp() },
            AccessChange::CreateUser { user: erp(), title: String::new(), password: Some(hash().await) },
        ),
    ];
    for (out, back) in changes {
        right(&world.access, "erp", HOME).await.unwrap();
        world.change(out.clone()).await;
        world.clock.pass(5);
        assert_eq!(right(&world.access, "erp", HOME).await, Err(Refused::WrongCredentials), "{out:?}");
        world.change(back).await;
        right(&world.access, "erp", HOME).await.unwrap();
    }
    let other = world.access.passwords().hash(secret("another password")).await.unwrap();
    world.change(AccessChange::SetPassword { user: erp(), password: Some(other) }).await;
    world.clock.pass(5);
    assert_eq!(right(&world.access, "erp", HOME).await, Err(Refused::WrongCredentials));
    enter(&world.access, "erp", "another password", HOME).await.unwrap();
    assert_eq!(right(&world.access, "erp", HOME).await, Err(Refused::WrongCredentials));
    enter(&world.access, "erp", "another password", HOME).await.unwrap();
    world.store.set_tenant_state(&tenant(), TenantState::Disabled, "cli:ada", world.clock.now()).await.unwrap();
    world.clock.pass(5);
    assert_eq!(enter(&world.access, "erp", "another password", HOME).await, Err(Refused::WrongCredentials));
}

/// Locks on one server, and what all of them then say.
async fn locked_everywhere(world: &World) {
    let second = world.other("b").await;
    right(&world.access, "erp", AWAY).await.unwrap();
    for number in 0..5 {
        let server = if number % 2 == 0 { &world.access } else { &second };
        assert_eq!(enter(server, "erp", "guess", HOME).await, Err(Refused::WrongCredentials), "{number}");
    }
    for server in [&world.access, &second, &world.other("c").await] {
        assert_eq!(right(server, "erp", HOME).await, Err(Refused::Locked), "the right password of a locked name");
        assert_eq!(enter(server, "erp", "guess", HOME).await, Err(Refused::Locked));
        right(server, "erp", AWAY).await.unwrap();
    }
    world.clock.pass(59);
    assert_eq!(right(&second, "erp", HOME).await, Err(Refused::Locked));
    world.clock.pass(1);
    right(&second, "erp", HOME).await.unwrap();
    assert_eq!(world.count("access.locked").await, 1, "{:#?}", world.log().await);
    assert_eq!(world.count("wrong password").await, 5);
    // A name that nobody has is locked like others.
    for _ in 0..5 {
        assert_eq!(enter(&second, "nobody", "guess", HOME).await, Err(Refused::WrongCredentials));
    }
    assert_eq!(enter(&second, "nobody", "guess", HOME).await, Err(Refused::Locked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_holds_for_all_servers_and_over_restarts() {
    locked_everywhere(&World::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_holds_for_all_servers_on_one_postgresql() {
    let server = Postgres::start().unwrap();
    let url = server.create_ordinary_database("access").unwrap();
    let place = StoreConfig::Postgres { url: url.into(), pool_size: 4 };
    locked_everywhere(&World::at(place, tempfile::tempdir().unwrap()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_open_feels_the_lock_too() {
    let world = World::new().await;
    right(&world.access, "erp", HOME).await.unwrap();
    for _ in 0..5 {
        enter(&world.access, "erp", "guess", HOME).await.unwrap_err();
    }
    assert_eq!(right(&world.access, "erp", HOME).await, Err(Refused::Locked));
    world.change(AccessChange::Unlock { user: user("erp") }).await;
    right(&world.access, "erp", HOME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_guesses_at_once_are_no_more_guesses() {
    let world = World::new().await;
    let tries = (0..100).map(|number| {
        let access = world.access.clone();
        tokio::spawn(async move { enter(&access, "erp", &format!("guess {number}"), HOME).await })
    });
    let mut refused = [0, 0];
    for tried in futures_util::future::join_all(tries).await {
        match tried.unwrap() {
            Err(Refused::WrongCredentials) => refused[0] += 1,
            Err(Refused::Locked) => refused[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, [5, 95]);
    assert_eq!(world.count("access.refused").await, 6, "five wrong ones and one line for all that were locked out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_tries_names_is_told_when_to_come_again() {
    let world = World::new().await;
    right(&world.access, "erp", HOME).await.unwrap();
    let (mut number, mut last) = (0, Ok(()));
    while number < 100 && matches!(last, Ok(()) | Err(Refused::WrongCredentials)) {
        last = enter(&world.access, &format!("name {number}"), "guess", HOME).await.map(drop);
        number += 1;
    }
    assert_eq!((number, last), (51, Err(Refused::TooManyAttempts { retry_after: Duration::from_secs(60) })));
    right(&world.access, "erp", HOME).await.unwrap();
    assert!(matches!(right(&world.access, "web", HOME).await, Err(Refused::TooManyAttempts { .. })));
    right(&world.access, "web", AWAY).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_of_one_ipv6_network_are_one() {
    let world = World::new().await;
    for number in 1..=5 {
        let address = format!("2001:db8:0:1::{number}");
        assert_eq!(enter(&world.access, "erp", "guess", &address).await, Err(Refused::WrongCredentials));
    }
    assert_eq!(right(&world.access, "erp", "2001:db8:0:1:ffff::1").await, Err(Refused::Locked));
    right(&world.access, "erp", "2001:db8:0:2::1").await.unwrap();
    // An IPv4 address in the clothes of IPv6 is the same address.
    for _ in 0..5 {
        enter(&world.access, "web", "guess", "::ffff:192.0.2.77").await.unwrap_err();
    }
    assert_eq!(right(&world.access, "web", "192.0.2.77").await, Err(Refused::Locked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_nobody_has_takes_as_long() {
    let world = World::new().await;
    world
        .change(AccessChange::CreateUser { user: user("certificate only"), title: String::new(), password: None })
        .await;
    // The shortest of some that take turns: what else the machine does is not meant here.
    let mut shortest = [Duration::MAX; 3];
    for number in 0..8 {
        for (name, shortest) in ["erp", "nobody", "certificate only"].iter().zip(&mut shortest) {
            let started = Instant::now();
            enter(&world.access, name, "guess", &format!("203.0.113.{number}")).await.unwrap_err();
            *shortest = started.elapsed().min(*shortest);
        }
    }
    eprintln!("wrong password, unknown name, no password: {shortest:?}");
    let [known, others @ ..] = shortest;
    for other in others {
        assert!(other > known / 3 && other < known * 3, "{known:?} and {other:?} tell them apart");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_shown_or_written() {
    let world = World::new().await;
    let caller = right(&world.access, "erp", HOME).await.unwrap();
    enter(&world.access, "erp", "a very wrong one", HOME).await.unwrap_err();
    let shown = format!("{caller:?} {:?} {:?}", Refused::Locked, world.log().await);
    for secret in [PASSWORD, "a very wrong one", "argon2id", "$19"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let change = AccessChange::SetPassword { user: user("erp"), password: Some(hash().await) };
    assert!(!format!("{change:?}").contains("argon2id"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_store_nobody_is_let_in_who_is_not_known() {
    let mut server = Postgres::start().unwrap();
    let url = server.create_ordinary_database("access").unwrap();
    let place = StoreConfig::Postgres { url: url.into(), pool_size: 2 };
    let world = World::at(place, tempfile::tempdir().unwrap()).await;
    right(&world.access, "erp", HOME).await.unwrap();
    server.stop();
    right(&world.access, "erp", HOME).await.unwrap();
    assert_eq!(right(&world.access, "web", HOME).await, Err(Refused::Unavailable));
    world.clock.pass(5);
    assert_eq!(right(&world.access, "erp", HOME).await, Err(Refused::Unavailable), "her rights are too old");
    server.start_again().unwrap();
    let mut attempts = 0;
    while let Err(refused) = right(&world.access, "erp", HOME).await {
        assert!(refused == Refused::Unavailable && attempts < 20, "{refused}");
        attempts += 1;
    }
}

fn fingerprint(der: &[u8]) -> String {
    actors::access::fingerprint(der)
}

async fn register(world: &World, name: &str, der: &[u8], state: CertificateState) {
    let encoded = base64_simd::STANDARD.encode_to_string(der);
    let fingerprint = fingerprint(der);
    world.change(AccessChange::AddCertificate { user: user(name), fingerprint, der: encoded, state }).await;
}

async fn show(access: &Access, tenant: Option<&TenantId>, der: &[u8]) -> Result<Caller, Refused> {
    access.by_certificate(tenant, der, from(HOME)).await
}

/// Certificates of the testkit are valid now, not in the year of the test clock.
fn present(world: &World) {
    world.clock.0.store(model::SystemClock.now().seconds(), Ordering::Release);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exact_certificate_lets_its_user_in() {
    let world = World::new().await;
    present(&world);
    let pki = Pki::shared();
    let (hers, pending) = (pki.issue(KeyKind::P256, "erp").unwrap(), pki.issue(KeyKind::P256, "erp").unwrap());
    let (hers, pending) = (hers.certificate_der(), pending.certificate_der());
    register(&world, "erp", &hers, CertificateState::Active).await;
    register(&world, "erp", &pending, CertificateState::Pending).await;
    for tenant in [None, Some(&tenant())] {
        let caller = show(&world.access, tenant, &hers).await.unwrap();
        assert_eq!((caller.user.as_str(), caller.authentication), ("erp", Authentication::Certificate));
        assert!(caller.may(Function::Sign, Some("invoices")).is_ok());
        assert_eq!(show(&world.access, tenant, &pending).await, Err(Refused::WrongCredentials));
    }
    let other = TenantId::new("other").unwrap();
    assert_eq!(show(&world.access, Some(&other), &hers).await, Err(Refused::WrongCredentials));
    assert_eq!(show(&world.access, None, b"nonsense").await, Err(Refused::WrongCredentials));
    for _ in 0..50 {
        show(&world.access, None, &hers).await.unwrap();
    }
    assert_eq!(world.count("access.accepted").await, 1);

    // A lock is about passwords.
    for _ in 0..5 {
        enter(&world.access, "erp", "guess", HOME).await.unwrap_err();
    }
    show(&world.access, None, &hers).await.unwrap();
    let state = CertificateState::Active;
    world.change(AccessChange::SetCertificateState { fingerprint: fingerprint(&pending), state }).await;
    show(&world.access, None, &pending).await.unwrap();
    let state = CertificateState::Revoked;
    world.change(AccessChange::SetCertificateState { fingerprint: fingerprint(&hers), state }).await;
    world.clock.pass(5);
    assert_eq!(show(&world.access, None, &hers).await, Err(Refused::WrongCredentials));
    world.change(AccessChange::SetUserState { user: user("erp"), state: UserState::Disabled }).await;
    world.clock.pass(5);
    assert_eq!(show(&world.access, None, &pending).await, Err(Refused::WrongCredentials));
    assert_eq!(world.count("its user is disabled").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_counts_while_it_is_valid() {
    let world = World::new().await;
    present(&world);
    let der = Pki::shared().issue(KeyKind::P256, "erp").unwrap().certificate_der();
    register(&world, "erp", &der, CertificateState::Active).await;
    show(&world.access, None, &der).await.unwrap();
    world.clock.pass(100 * 365 * 86_400);
    assert_eq!(show(&world.access, None, &der).await, Err(Refused::WrongCredentials));
    world.clock.0.store(1_000_000_000, Ordering::Release);
    let again = world.other("b").await;
    assert_eq!(show(&again, None, &der).await, Err(Refused::WrongCredentials), "not yet valid");
    assert_eq!(world.count("not valid at this time").await, 2);
}

/// Answers as it is told, and counts.
#[derive(Default)]
struct Source {
    answer: AtomicU8,
    asked: AtomicUsize,
}

impl RevocationCheck for Source {
    fn state(&self, _: Arc<[u8]>, _: Time) -> Pin<Box<dyn Future<Output = Revocation> + Send + '_>> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let reason = || Reason::new("test", "as told");
        let answer = match self.answer.load(Ordering::Acquire) {
            0 => Revocation::Good,
            1 => Revocation::Revoked(reason()),
            _ => Revocation::Unknown(reason()),
        };
        Box::pin(async move { answer })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revocation_is_asked_for_as_the_settings_say() {
    let world = World::new().await;
    present(&world);
    let der = Pki::shared().issue(KeyKind::P256, "erp").unwrap().certificate_der();
    register(&world, "erp", &der, CertificateState::Active).await;
    let refused = Err(Refused::WrongCredentials);
    for (mode, revoked, unknown) in
        [(RevocationMode::Off, false, false), (RevocationMode::Soft, true, false), (RevocationMode::Hard, true, true)]
    {
        let settings = AccessSettings { revocation: mode, ..AccessSettings::of(tenant()) };
        let access = || Access::new(world.store.clone(), world.clock.clone(), settings.clone()).unwrap();
        let none = access();
        assert_eq!(show(&none, None, &der).await.is_err(), mode == RevocationMode::Hard, "nobody to ask, {mode:?}");
        for (answer, expected) in [(0, false), (1, revoked), (2, unknown)] {
            let source = Arc::new(Source::default());
            source.answer.store(answer, Ordering::Release);
            let access = access().with_revocation(source.clone());
            let shown = show(&access, None, &der).await;
            assert_eq!(shown.is_err(), expected, "{mode:?} {answer}");
            if expected {
                assert_eq!(shown.map(drop), refused);
                continue;
            }
            // Asked once in a while, not for each look at the rights.
            for _ in 0..10 {
                world.clock.pass(10);
                show(&access, None, &der).await.unwrap();
            }
            assert_eq!(source.asked.load(Ordering::Acquire), usize::from(mode != RevocationMode::Off), "{mode:?}");
            world.clock.pass(300);
            show(&access, None, &der).await.unwrap();
            assert_eq!(source.asked.load(Ordering::Acquire), 2 * usize::from(mode != RevocationMode::Off), "{mode:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_denied_is_written_once_a_minute() {
    let world = World::new().await;
    let caller = right(&world.access, "erp", HOME).await.unwrap();
    let denied = caller.may(Function::Users, None).unwrap_err();
    for _ in 0..100 {
        world.access.denied(&caller, &denied).await;
    }
    world.clock.pass(61);
    world.access.denied(&caller, &denied).await;
    let lines: Vec<String> = world.log().await.into_iter().filter(|line| line.contains("access.denied")).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("user:erp access.denied users"), "{lines:?}");
    assert!(lines[1].contains("99 times more"), "{lines:?}");
}

/// Whoever may name what she likes fills no log with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_do_not_fill_the_log() {
    let world = World::new().await;
    let before = world.log().await.len();
    let too_long = secret(&"x".repeat(2_000));
    for number in 0..100 {
        let other = TenantId::new(&format!("other-{number}")).unwrap();
        let name = format!("name {number}");
        world.access.by_password(&other, &name, &too_long, from(HOME)).await.unwrap_err();
        world.access.by_password(&other, &format!("{name}:"), &secret("x"), from(HOME)).await.unwrap_err();
        world.access.by_certificate(Some(&other), name.as_bytes(), from(HOME)).await.unwrap_err();
        world.access.by_certificate(None, name.as_bytes(), from(HOME)).await.unwrap_err();
    }
    for number in 0..3 {
        let other = TenantId::new(&format!("other-{number}")).unwrap();
        world.access.by_password(&other, "erp", &secret("x"), from(HOME)).await.unwrap_err();
    }
    let caller = right(&world.access, "erp", AWAY).await.unwrap();
    for number in 0..100 {
        let denied = caller.may(Function::Encrypt, Some(&format!("profile {number}"))).unwrap_err();
        world.access.denied(&caller, &denied).await;
    }
    let log = world.log().await;
    assert_eq!(log.len() - before, 6, "{:#?}", &log[before..]);
    // An address that is locked names nobody any more, either.
    for number in 0..80 {
        enter(&world.access, &format!("guessed {number}"), "guess", HOME).await.unwrap_err();
    }
    assert_eq!(world.count("somebody access.refused 192.0.2.1 locked").await, 1);
    assert!(world.count("guessed").await <= 51, "{:#?}", world.log().await);
}
