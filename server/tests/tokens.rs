//! PINs and cards at the real program: a wrong PIN is tried once, ever; a card that is pulled comes back by itself.
//!
//! Logins are counted by the shim before the token, which sees every C_Login of every process.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod hsm;
mod support;

use hsm::{Card, invoice, name};
use std::process::Command;
use support::{Folder, Home, names, openssl_accepts_detached, pause, wait};
use testkit::pki::{Identity, KeyKind, Pki};
use testkit::shim::Switch;

/// Longer than a server takes to look at the record of a block.
const LONGER_THAN_A_LOOK: u64 = 3_000;

/// A home whose only signer is on the card.
fn only_a_card(lines: &str) -> (Home, Card, Folder) {
    let mut home = Home::with("place_timeout_ms = 1000", "127.0.0.1:0");
    let card = Card::in_home(&mut home, KeyKind::P256, lines);
    let folder = directory(&mut home, &["card"]);
    (home, card, folder)
}

fn directory(home: &mut Home, pool: &[&str]) -> Folder {
    home.pool("all", pool);
    home.profile("usual", "all", "format = \"cades\"").directory("invoices", "usual", "")
}

fn put(folder: &Folder, numbers: std::ops::Range<usize>) {
    for number in numbers {
        folder.put(name(number), &invoice(number));
    }
}

fn all_signed(folder: &Folder, files: usize) {
    assert_eq!(names(&folder.error()), Vec::<String>::new());
    assert_eq!(names(&folder.output()), (0..files).map(|number| format!("{}.pkcs7", name(number))).collect::<Vec<_>>());
    for number in (0..files).step_by((files / 10).max(1)) {
        let signature = folder.output().join(format!("{}.pkcs7", name(number)));
        openssl_accepts_detached(&signature, &folder.done().join(name(number))).unwrap();
    }
}

#[test]
fn a_wrong_pin_is_tried_once_until_an_operator_has_put_it_right() {
    let (home, card, folder) = only_a_card("sessions = 2");
    card.write_pin("falsch");
    put(&folder, 0..20);
    let server = home.start();
    card.wait_for(&server, "blocked");
    pause(LONGER_THAN_A_LOOK);
    assert_eq!(card.shim.logins(), "u", "one login, however often the documents ask");
    assert_eq!(server.get("/readyz").0, 503);
    assert!(server.stop().success());

    // Neither a restart nor a crash makes it forget.
    let server = home.start();
    card.wait_for(&server, "blocked");
    pause(1_000);
    server.kill();
    let server = home.start();
    card.wait_for(&server, "blocked");
    assert_eq!(card.shim.logins(), "u");
    let listed = home.run(["token", "list", "--config", &home.config().to_string_lossy()]);
    assert!(listed.out.contains("blocked"), "{listed:?}");
    assert_eq!(card.shim.logins(), "u", "looking is not logging in");

    // The right PIN alone changes nothing; with an operator's word the running server takes it, although the token now
    // counts a wrong try.
    card.write_pin(card.token.pin());
    pause(LONGER_THAN_A_LOOK);
    assert_eq!(card.shim.logins(), "u");
    let said = card.unblock(&home);
    assert!(said.ok(), "{said:?}");
    card.wait_for(&server, "logged-in");
    folder.wait_empty(60);
    assert_eq!(card.shim.logins(), "uu");
    assert!(server.stop().success());
    all_signed(&folder, 20);
    home.audit_is_unbroken();
}

#[test]
fn a_second_wrong_pin_is_one_more_try_and_no_other() {
    let (home, card, _folder) = only_a_card("");
    card.write_pin("falsch");
    let server = home.start();
    card.wait_for(&server, "blocked");
    card.write_pin("immer noch falsch");
    wait("the record", 10, || card.unblock(&home).out.contains("permitted"));
    wait("the second login", 30, || card.shim.logins() == "uu");
    pause(LONGER_THAN_A_LOOK);
    assert_eq!(card.shim.logins(), "uu");
    assert!(card.is(&server, "blocked"));
    assert!(server.stop().success());
}

#[test]
fn a_pulled_card_costs_no_file_and_comes_back_by_itself() {
    let (home, card, folder) = only_a_card("sessions = 4\npoll_ms = 200");
    let server = home.start_ready();
    let pid = server.pid();
    put(&folder, 0..150);
    wait("the first results", 30, || !names(&folder.output()).is_empty());
    card.token.move_away().unwrap();
    card.wait_for(&server, "absent");
    put(&folder, 150..300);
    // Long enough that documents give up waiting for a place, and are deferred.
    pause(2_500);
    assert!(card.is(&server, "absent"));
    assert!(!folder.is_empty());
    card.token.move_back().unwrap();
    card.wait_for(&server, "logged-in");
    folder.wait_empty(60);
    assert_eq!(server.pid(), pid);
    assert!(server.stop().success());
    all_signed(&folder, 300);
    assert!(!card.shim.logins().contains('c'));
    home.audit_is_unbroken();
}

#[test]
fn a_card_that_is_not_there_at_the_start_is_awaited() {
    let (home, card, folder) = only_a_card("poll_ms = 100");
    card.token.move_away().unwrap();
    put(&folder, 0..20);
    let server = home.start();
    card.wait_for(&server, "absent");
    pause(500);
    assert_eq!(card.shim.logins(), "");
    card.token.move_back().unwrap();
    folder.wait_empty(60);
    assert_eq!(card.shim.logins(), "u");
    assert!(server.stop().success());
    all_signed(&folder, 20);
}

#[test]
fn a_card_is_pulled_again_and_again_while_others_go_on() {
    let mut home = Home::new();
    let card = Card::in_home(&mut home, KeyKind::P256, "sessions = 2\npoll_ms = 100");
    home.software("soft", KeyKind::P256, 1);
    let folder = directory(&mut home, &["card", "soft"]);
    let server = home.start_ready();
    card.wait_for(&server, "logged-in");
    for round in 0..3 {
        let before = card.signatures(&server);
        put(&folder, round * 100..round * 100 + 50);
        card.token.move_away().unwrap();
        put(&folder, round * 100 + 50..round * 100 + 100);
        card.wait_for(&server, "absent");
        folder.wait_empty(60);
        card.token.move_back().unwrap();
        card.wait_for(&server, "logged-in");
        assert!(card.signatures(&server) >= before);
    }
    assert!(server.stop().success());
    all_signed(&folder, 300);
}

#[test]
fn a_key_that_wants_a_login_for_each_signature_gets_it() {
    let mut home = Home::new();
    let signer = Pki::shared().issue(KeyKind::P256, "Siegel je Signatur").unwrap();
    let lines = "[[token.signer]]\nname = \"card\"\nchain = \"keys/chain.pem\"";
    let card = Card::with_signers(&mut home, &[], "", lines);
    import_always_authenticate(&card, &signer);
    std::fs::write(home.path().join("keys/chain.pem"), signer.chain_pem().unwrap()).unwrap();
    let folder = directory(&mut home, &["card"]);
    put(&folder, 0..8);
    let server = home.start_ready();
    folder.wait_empty(60);
    assert!(server.stop().success());
    all_signed(&folder, 8);
    assert_eq!(card.shim.logins(), "ucccccccc");
}

fn import_always_authenticate(card: &Card, signer: &Identity) {
    let folder = tempfile::tempdir().unwrap();
    let module = card.hsm.module().to_string_lossy().into_owned();
    for (kind, bytes) in [("privkey", signer.key_pkcs8_der().unwrap()), ("cert", signer.certificate_der())] {
        let path = folder.path().join(kind);
        std::fs::write(&path, bytes).unwrap();
        let mut command = Command::new("pkcs11-tool");
        command.args(["--module", &module, "--token-label", card.token.label(), "--login", "--pin", card.token.pin()]);
        command.args(["--write-object", &path.to_string_lossy(), "--id", "a1", "--type", kind]);
        if kind == "privkey" {
            command.arg("--always-auth");
        }
        testkit::tools::ok("pkcs11-tool", command.envs(card.hsm.environment())).unwrap();
    }
}

/// The module runs in the server and takes it down in the middle of C_Login: nobody can know whether the token counted
/// the try, so the next start makes none.
#[test]
fn a_server_that_dies_in_a_login_does_not_log_in_at_its_next_start() {
    let (home, card, folder) = only_a_card("isolation = \"none\"");
    card.shim.turn(Switch::LoginCrash, true).unwrap();
    let config = home.config().to_string_lossy().into_owned();
    let died = home.run(["serve", "--config", &config]);
    assert_eq!(died.code, -1, "a signal ended it: {died:?}");
    assert_eq!(card.shim.logins(), "u");
    card.shim.turn(Switch::LoginCrash, false).unwrap();

    let server = home.start();
    card.wait_for(&server, "blocked");
    pause(LONGER_THAN_A_LOOK);
    assert_eq!(card.shim.logins(), "u");
    put(&folder, 0..5);
    let said = card.unblock(&home);
    assert!(said.ok(), "{said:?}");
    folder.wait_empty(60);
    assert_eq!(card.shim.logins(), "uu");
    assert!(server.stop().success());
    all_signed(&folder, 5);
}

/// The server is killed, or told to end, while its module does not return from C_Login.
#[test]
fn a_server_that_is_ended_in_a_login_does_not_log_in_at_its_next_start() {
    for kill in [true, false] {
        let (home, card, _folder) = only_a_card("");
        card.shim.turn(Switch::LoginHang, true).unwrap();
        let server = home.start();
        wait("the login", 30, || card.shim.logins() == "u");
        match kill {
            true => server.kill(),
            false => assert!(server.stop().success(), "it ends in order, and soon"),
        }
        card.shim.turn(Switch::LoginHang, false).unwrap();
        let server = home.start();
        card.wait_for(&server, "blocked");
        pause(LONGER_THAN_A_LOOK);
        assert_eq!(card.shim.logins(), "u", "killed: {kill}");
        assert!(server.stop().success());
    }
}

#[test]
fn a_module_that_dies_in_a_login_blocks_its_token_alone() {
    let mut home = Home::new();
    let card = Card::in_home(&mut home, KeyKind::P256, "");
    home.software("soft", KeyKind::P256, 1);
    let folder = directory(&mut home, &["card", "soft"]);
    card.shim.turn(Switch::LoginCrash, true).unwrap();
    let server = home.start();
    card.wait_for(&server, "blocked");
    card.shim.turn(Switch::LoginCrash, false).unwrap();
    put(&folder, 0..20);
    folder.wait_empty(60);
    pause(LONGER_THAN_A_LOOK);
    assert_eq!(card.shim.logins(), "u");
    assert!(server.stop().success());
    let server = home.start();
    card.wait_for(&server, "blocked");
    assert_eq!(card.shim.logins(), "u");
    assert!(server.stop().success());
    all_signed(&folder, 20);
}
