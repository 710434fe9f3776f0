//! Tokens of a module in a child process: the same behaviour as in process, and crashes and hangs survived.
//!
//! The child is this test program again, in the "test" `host_process`; SoftHSM's environment goes to it alone.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Ledger, pin, request, serial, signs_everything, verifies};
use model::DigestAlgorithm::Sha256;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::pki::{Identity, KeyKind, Pki};
use testkit::softhsm::{self, SoftHsm};
use testkit::{shim, tools};
use token::{Fault, FoundKey, Host, HostCommand, HostedToken, LoginRefused, Module, Pkcs11Token, Token, VerifiedPin};

/// Not a test: what the child processes of the others run.
#[test]
fn host_process() {
    if std::env::var_os("TEST_TOKEN_HOST").is_some() {
        token::run_host();
    }
}

fn command(environment: Vec<(std::ffi::OsString, std::ffi::OsString)>) -> HostCommand {
    let mut command = HostCommand::this_program().unwrap();
    command.arguments = ["host_process", "--exact", "--nocapture"].map(Into::into).to_vec();
    command.environment = environment;
    command.environment.push(("TEST_TOKEN_HOST".into(), "1".into()));
    command
}

struct World {
    environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    module: PathBuf,
    host: Host,
    card: softhsm::Token,
    token: HostedToken,
    ledger: Arc<Ledger>,
    hsm: SoftHsm,
    folder: tempfile::TempDir,
}

impl World {
    fn new(signers: &[&Identity]) -> Self {
        let (hsm, card) = SoftHsm::with_token("Siegel", signers).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let module = shim::shim(folder.path()).unwrap();
        let text = |path: &Path| path.as_os_str().to_owned();
        let mut environment = vec![("SHIM_TARGET".into(), text(hsm.module()))];
        for (name, file) in [
            ("SHIM_LOGIN_LOG", "logins"),
            ("SHIM_SIGN_LOG", "signs"),
            ("SHIM_GONE_FILE", "gone"),
            ("SHIM_HANG_FILE", "hang"),
            ("SHIM_CRASH_FILE", "crash"),
            ("SHIM_LOGIN_CRASH_FILE", "login-crash"),
            ("SHIM_LOGIN_REFUSE_FILE", "refuse"),
            ("SHIM_WRONG_FILE", "wrong"),
        ] {
            environment.push((name.into(), text(&folder.path().join(file))));
        }
        environment.extend(hsm.environment().map(|(name, value)| (name.into(), value)));
        let host = Host::new(command(environment.clone()), &module);
        let token = HostedToken::new(host.clone(), serial(card.serial()));
        Self { environment, module, host, card, token, ledger: Arc::default(), hsm, folder }
    }

    fn with_signer(kind: KeyKind) -> Self {
        Self::new(&[&Pki::shared().signer(kind).unwrap()])
    }

    fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    fn switch(&self, name: &str, on: bool) {
        let file = self.folder.path().join(name);
        if on { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
    }

    fn log_in(&self) -> (FoundKey, VerifiedPin) {
        let (proof, verified) = self.token.login(&*self.ledger, pin(self.card.pin())).unwrap();
        (self.token.signers(&proof).unwrap().remove(0), verified)
    }

    /// As an actor does after a loss: is it there, log in again, find the key again, sign.
    fn recovers(&self, found: &FoundKey, verified: VerifiedPin) -> VerifiedPin {
        // The far end of a session that has been dropped closes a moment later; until then the module stays as it is.
        wait_for(|| self.token.present().is_ok());
        let (proof, verified) = self.token.login_again(&*self.ledger, verified).unwrap();
        assert_eq!(self.token.signers(&proof).unwrap(), std::slice::from_ref(found));
        signs_everything(&mut *self.token.open_session().unwrap(), found);
        verified
    }
}

#[test]
fn every_kind_of_key_signs_and_the_module_is_not_in_this_process() {
    let signers: Vec<_> = KeyKind::ALL.iter().map(|kind| Pki::shared().signer(*kind).unwrap()).collect();
    let world = World::new(&signers.iter().map(|signer| &**signer).collect::<Vec<_>>());
    let listed = world.host.list_slots().unwrap();
    let shown = listed.iter().filter_map(|slot| slot.token.as_ref()).filter_map(|token| token.as_ref().ok());
    assert_eq!(shown.filter(|shown| shown.info.serial == *world.token.serial()).count(), 1);
    let (proof, _verified) = world.token.login(&*world.ledger, pin(world.card.pin())).unwrap();
    let found = world.token.signers(&proof).unwrap();
    assert_eq!(found.len(), 9);
    let mut sessions = [world.token.open_session().unwrap(), world.token.open_session().unwrap()];
    for key in &found {
        for session in &mut sessions {
            signs_everything(&mut **session, key);
        }
    }
    assert_eq!((world.log("logins").as_str(), world.log("signs").len()), ("u", 9 * 6 * 2));
    assert!(!std::fs::read_to_string("/proc/self/maps").unwrap().contains("libshim"));
    assert!(world.token.isolated());
}

#[test]
fn a_crash_costs_the_signature_and_nothing_else() {
    let world = World::with_signer(KeyKind::P256);
    let (found, mut verified) = world.log_in();
    let bystander = world.token.open_session().unwrap();
    for _ in 0..2 {
        let mut session = world.token.open_session().unwrap();
        signs_everything(&mut *session, &found);
        let before = world.host.process_id().unwrap();
        world.switch("crash", true);
        let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
        assert!(matches!(fault, Fault::HostGone(_)) && fault.ends_session(), "{fault}");
        world.switch("crash", false);
        verified = world.recovers(&found, verified);
        assert_ne!(world.host.process_id().unwrap(), before);
    }
    let mut bystander = bystander;
    let fault = bystander.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
    assert!(matches!(fault, Fault::HostGone(_)), "{fault}");
    assert_eq!(world.log("logins"), "uuu");
}

#[test]
fn a_hang_is_ended_by_a_reset() {
    let world = World::with_signer(KeyKind::Rsa2048);
    let (found, verified) = world.log_in();
    let mut session = world.token.open_session().unwrap();
    world.switch("hang", true);
    let pid = world.host.process_id().unwrap();
    std::thread::scope(|scope| {
        let signing = scope.spawn(|| session.sign(&found.key, &request(found.kind, Sha256, false, 1)));
        while world.log("signs").is_empty() {
            common::pause(2);
        }
        // Another call is not held up by the hang.
        assert!(world.token.present().is_ok());
        let start = Instant::now();
        world.token.reset();
        assert!(matches!(signing.join().unwrap(), Err(Fault::HostGone(_))));
        assert!(start.elapsed() < Duration::from_secs(2));
    });
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "killed and reaped");
    world.switch("hang", false);
    world.recovers(&found, verified);
    world.token.reset();
    world.token.reset();
}

#[test]
fn a_wrong_pin_is_tried_once_and_a_crash_in_the_login_blocks() {
    let world = World::with_signer(KeyKind::P256);
    let failed = world.token.login(&*world.ledger, pin("not the PIN")).map(drop).unwrap_err();
    assert!(failed.refused == LoginRefused::Wrong && failed.pin.is_none(), "{failed:?}");
    world.token.reset(); // a new process knows nothing of it; the ledger does
    let failed = world.token.login(&*world.ledger, pin(world.card.pin())).map(drop).unwrap_err();
    assert!(matches!(failed.refused, LoginRefused::Ledger(_)) && failed.pin.is_some(), "{failed:?}");
    assert_eq!(world.log("logins"), "u");
    world.ledger.clear(world.token.serial());

    world.switch("login-crash", true);
    let pin = pin(world.card.pin()).confirmed();
    let failed = world.token.login(&*world.ledger, pin).map(drop).unwrap_err();
    assert!(matches!(failed.refused, LoginRefused::Unclear(_)) && failed.pin.is_none(), "{failed:?}");
    world.switch("login-crash", false);
    assert!(world.ledger.row(world.token.serial()).starts_with("blocked"));
    assert_eq!(world.log("logins"), "uu");
    assert!(world.token.present().is_ok());
}

#[test]
fn a_key_that_always_authenticates_gets_a_recorded_login_for_each_signature() {
    let world = World::new(&[]);
    common::import_always_authenticate(&world.hsm, &world.card, &Pki::shared().signer(KeyKind::P384).unwrap());
    let (found, verified) = world.log_in();
    assert!(found.always_authenticate);
    let mut session = world.token.open_session().unwrap();
    let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
    assert!(matches!(fault, Fault::Request(_)), "{fault}");
    session.authenticate_with(verified.for_context(world.ledger.clone()));
    for seed in 0..3 {
        let to_be_signed = request(found.kind, Sha256, false, seed);
        let value = session.sign(&found.key, &to_be_signed).unwrap();
        assert!(verifies(&found.certificate, &to_be_signed, &value));
    }
    assert_eq!((world.log("logins").as_str(), world.ledger.begun()), ("uccc", 4));

    // The PIN has been changed elsewhere: refused once, and then it is gone for everybody who held it.
    world.switch("refuse", true);
    let mut other = world.token.open_session().unwrap();
    other.authenticate_with(verified.for_context(world.ledger.clone()));
    let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 9)).unwrap_err();
    assert_eq!(fault, Fault::LoginRefused(Box::new(LoginRefused::Wrong)));
    assert!(world.ledger.row(world.token.serial()).starts_with("blocked"));
    world.ledger.clear(world.token.serial());
    world.switch("refuse", false);
    let fault = other.sign(&found.key, &request(found.kind, Sha256, false, 9)).unwrap_err();
    assert_eq!(fault, Fault::LoginRefused(Box::new(LoginRefused::NoPin)));
    assert_eq!(world.token.login_again(&*world.ledger, verified).map(drop).unwrap_err().refused, LoginRefused::NoPin);
    assert_eq!(world.log("logins"), "ucccc");
}

#[test]
fn a_token_that_is_moved_away_and_back_is_used_again() {
    let world = World::with_signer(KeyKind::P256);
    let neighbour_card = world.hsm.token("Nachbar").unwrap();
    neighbour_card.import(&Pki::shared().signer(KeyKind::P384).unwrap()).unwrap();
    let (found, verified) = world.log_in();
    let mut session = world.token.open_session().unwrap();
    signs_everything(&mut *session, &found);
    world.card.move_away().unwrap();
    let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
    assert!(fault.ends_session(), "{fault}");
    drop(session);
    wait_for(|| world.token.present() == Err(Fault::Absent));
    let failed = world.token.login_again(&*world.ledger, verified).map(drop).unwrap_err();
    assert_eq!(failed.refused, LoginRefused::Fault(Fault::Absent));

    world.card.move_back().unwrap();
    let verified = world.recovers(&found, failed.pin.unwrap());

    // A neighbour with a session in the same process keeps the module from being started anew; one with a process of
    // its own does not.
    let shared = HostedToken::new(world.host.clone(), serial(neighbour_card.serial()));
    let (proof, _pin) = shared.login(&*world.ledger, pin(neighbour_card.pin())).unwrap();
    let neighbours = shared.signers(&proof).unwrap().remove(0);
    let mut busy = shared.open_session().unwrap();
    world.card.move_away().unwrap();
    wait_for(|| world.token.present() == Err(Fault::Absent));
    world.card.move_back().unwrap();
    let own_host = Host::new(command(world.environment.clone()), &world.module);
    let own = HostedToken::new(own_host, serial(world.card.serial()));
    let (_proof, verified) = own.login_again(&*world.ledger, verified).unwrap();
    signs_everything(&mut *own.open_session().unwrap(), &found);
    signs_everything(&mut *busy, &neighbours);
    drop((busy, shared));
    // The shared neighbour's login keeps a session open until its process is started anew.
    world.token.reset();
    world.recovers(&found, verified);
}

/// Signs with one session until it is lost or `enough` is reached; how often.
fn work(world: &World, found: &FoundKey, enough: u8) -> u8 {
    let Ok(mut session) = world.token.open_session() else { return 0 };
    for done in 0..enough {
        let to_be_signed = request(found.kind, Sha256, false, done);
        match session.sign(&found.key, &to_be_signed) {
            Ok(value) => assert!(verifies(&found.certificate, &to_be_signed, &value)),
            Err(fault) => {
                assert!(fault.ends_session(), "{fault}");
                return done;
            }
        }
    }
    enough
}

#[test]
fn four_sessions_survive_a_token_that_is_pulled_crashes_and_hangs_under_load() {
    let world = World::with_signer(KeyKind::P256);
    let (found, verified) = world.log_in();
    let mut verified = Some(verified);
    for trouble in ["away", "crash", "hang", "away", "gone"] {
        let signed: u32 = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| u32::from(work(&world, &found, u8::MAX)))).collect();
            common::pause(5);
            match trouble {
                "away" => world.card.move_away().unwrap(),
                switch => world.switch(switch, true),
            }
            common::pause(20);
            if trouble == "hang" {
                world.token.reset();
            }
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        eprintln!("{trouble}: {signed} signatures before it");
        match trouble {
            "away" => world.card.move_back().unwrap(),
            switch => world.switch(switch, false),
        }
        // As an actor: ask until it is there, log in with the verified PIN, go on.
        wait_for(|| world.token.present().is_ok());
        let again = world.token.login_again(&*world.ledger, verified.take().unwrap());
        verified = Some(again.unwrap_or_else(|failed| panic!("after {trouble}: {failed:?}")).1);
        assert_eq!(work(&world, &found, 20), 20, "after {trouble}");
    }
    assert_eq!(world.ledger.row(world.token.serial()), "free");
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(5), "did not happen");
        common::pause(5);
    }
}

#[test]
fn a_wrong_signature_is_seen_by_whoever_verifies() {
    let world = World::with_signer(KeyKind::Rsa2048);
    let (found, _verified) = world.log_in();
    world.switch("wrong", true);
    let to_be_signed = request(found.kind, Sha256, false, 1);
    let value = world.token.open_session().unwrap().sign(&found.key, &to_be_signed).unwrap();
    assert!(!verifies(&found.certificate, &to_be_signed, &value));
}

#[test]
fn what_cannot_be_started_is_a_clear_fault() {
    let nothing = HostCommand { program: "/no/such/program".into(), arguments: Vec::new(), environment: Vec::new() };
    let token = HostedToken::new(Host::new(nothing, Path::new("/lib/x.so")), serial("1"));
    assert!(matches!(token.present(), Err(Fault::HostGone(_))));
    let token = HostedToken::new(Host::new(command(Vec::new()), Path::new("/no/such/module.so")), serial("1"));
    assert!(matches!(token.present(), Err(Fault::Request(_))), "{:?}", token.present());
    let quits = HostCommand { program: "/bin/true".into(), arguments: Vec::new(), environment: Vec::new() };
    let token = HostedToken::new(Host::new(quits, Path::new("/lib/x.so")), serial("1"));
    assert!(matches!(token.present(), Err(Fault::HostGone(_))));
    let failed = token.login(&Ledger::default(), pin("1234")).map(drop).unwrap_err();
    assert!(matches!(failed.refused, LoginRefused::Fault(Fault::HostGone(_))) && failed.pin.is_some(), "{failed:?}");
}

#[test]
fn the_process_ends_with_the_server_even_if_that_is_killed() {
    let test = "the_process_ends_with_the_server_even_if_that_is_killed";
    if !tools::is_child(test) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // The child kills itself, so it is never reported as passed.
        let _ = tools::again_in_child(test, &[("TEST_PID_FILE", file.clone().into_os_string())]).unwrap_err();
        let pid = std::fs::read_to_string(file).unwrap();
        let zombie_or_gone = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.is_empty() || status.contains("State:\tZ")
        };
        return wait_for(zombie_or_gone);
    }
    let world = World::with_signer(KeyKind::P256);
    let (found, _verified) = world.log_in();
    signs_everything(&mut *world.token.open_session().unwrap(), &found);
    let pid = world.host.process_id().unwrap();
    std::fs::write(PathBuf::from(std::env::var("TEST_PID_FILE").unwrap()), pid.to_string()).unwrap();
    world.switch("hang", true);
    let mut session = world.token.open_session().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| session.sign(&found.key, &request(found.kind, Sha256, false, 1)));
        common::pause(50);
        std::process::abort();
    });
}

/// Prints what the child process costs for each signature; the figures are not asserted.
#[test]
fn the_price_of_the_child_process() {
    let test = "the_price_of_the_child_process";
    if !tools::is_child(test) {
        let world = World::with_signer(KeyKind::P256);
        let mut environment = world.hsm.environment().to_vec();
        environment.push(("TEST_SERIAL", world.card.serial().into()));
        environment.push(("TEST_PIN", world.card.pin().into()));
        environment.push(("TEST_FOLDER", world.folder.path().into()));
        tools::again_in_child(test, &environment).unwrap();
        return eprintln!("{}", world.log("figures"));
    }
    let variable = |name: &str| std::env::var(name).unwrap();
    let path = softhsm::module().unwrap();
    let serial = serial(&variable("TEST_SERIAL"));
    let tokens: [(&str, Box<dyn Token>); 2] = [
        ("in process", Box::new(Pkcs11Token::new(Module::load(&path).unwrap(), serial.clone()))),
        ("child process", Box::new(HostedToken::new(Host::new(command(Vec::new()), &path), serial))),
    ];
    let mut figures = String::new();
    for round in 0..3 {
        for (name, token) in &tokens {
            let (proof, _pin) = token.login(&Ledger::default(), pin(&variable("TEST_PIN"))).unwrap();
            let found = token.signers(&proof).unwrap().remove(0);
            let mut session = token.open_session().unwrap();
            let to_be_signed = request(found.kind, Sha256, false, 1);
            // The best of many short runs: other work on the machine only ever adds.
            let best = (0..50).map(|_| {
                let start = Instant::now();
                for _ in 0..20 {
                    session.sign(&found.key, &to_be_signed).unwrap();
                }
                start.elapsed().as_micros() / 20
            });
            let micros = best.min().unwrap();
            figures += &format!("round {round}, SoftHSM P-256, {name}: {micros} us each\n");
        }
    }
    std::fs::write(Path::new(&variable("TEST_FOLDER")).join("figures"), figures).unwrap();
}
