//! Vendor code that hangs, crashes or lies: it costs no document, no restart of the server and no wrong signature.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod hsm;
mod support;

use hsm::{Card, invoice, name};
use support::{Folder, Home, Server, names, openssl_accepts_detached, wait};
use testkit::pki::KeyKind;
use testkit::shim::Switch;

/// A card with a process of its own and a software signer in one pool.
struct Two {
    home: Home,
    card: Card,
    folder: Folder,
    files: usize,
}

impl Two {
    fn new() -> Self {
        let mut home = Home::new();
        let card = Card::in_home(&mut home, KeyKind::P256, "sessions = 2\nsign_timeout_ms = 700");
        home.software("soft", KeyKind::P256, 1);
        home.pool("all", &["card", "soft"]);
        let folder = home.profile("usual", "all", "format = \"cades\"").directory("invoices", "usual", "");
        Self { home, card, folder, files: 0 }
    }

    fn put(&mut self, count: usize) {
        for number in self.files..self.files + count {
            self.folder.put(name(number), &invoice(number));
        }
        self.files += count;
    }

    /// The server with the card in it; some files have been signed.
    fn start(&mut self) -> Server {
        let server = self.home.start_ready();
        self.card.wait_for(&server, "logged-in");
        self.put(50);
        self.folder.wait_empty(60);
        server
    }

    /// Files go on being put in until the card signs again.
    fn wait_until_it_signs(&mut self, server: &Server) {
        self.card.wait_for(server, "logged-in");
        let before = self.card.signatures(server);
        wait("the card to sign again", 30, || {
            self.put(10);
            self.folder.wait_empty(60);
            self.card.signatures(server) > before
        });
    }

    /// Everything is in `out/`, right, by one server that never ended.
    fn end(self, server: Server) {
        assert!(server.stop().success());
        assert_eq!(names(&self.folder.error()), Vec::<String>::new());
        let expected: Vec<String> = (0..self.files).map(|number| format!("{}.pkcs7", name(number))).collect();
        assert_eq!(names(&self.folder.output()), expected);
        for number in (0..self.files).step_by(self.files.div_ceil(100)) {
            let signature = self.folder.output().join(format!("{}.pkcs7", name(number)));
            openssl_accepts_detached(&signature, &self.folder.done().join(name(number))).unwrap();
        }
        self.home.audit_is_unbroken();
    }
}

/// The process ids of the server's token hosts.
fn hosts(server: &Server) -> Vec<String> {
    let pid = server.pid();
    let children = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let lists = children.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_module_that_hangs_costs_no_document() {
    let mut two = Two::new();
    let server = two.start();
    let before = hosts(&server);
    assert_eq!(before.len(), 1);
    two.card.shim.turn(Switch::Hang, true).unwrap();
    two.put(200);
    two.folder.wait_empty(60);
    assert!(server.log().contains("did not come back in time"), "it has hung");
    two.card.shim.turn(Switch::Hang, false).unwrap();
    two.wait_until_it_signs(&server);
    let after = hosts(&server);
    assert_eq!(after.len(), 1);
    assert_ne!(after, before, "another process than the one that hung");
    assert!(!two.card.shim.logins().contains('c'));
    two.end(server);
}

#[test]
fn a_module_that_crashes_its_process_costs_no_document() {
    let mut two = Two::new();
    let server = two.start();
    let before = hosts(&server);
    two.card.shim.turn(Switch::Crash, true).unwrap();
    two.put(200);
    two.folder.wait_empty(60);
    wait("the crash to be seen", 10, || server.log().contains("has ended"));
    two.card.shim.turn(Switch::Crash, false).unwrap();
    two.wait_until_it_signs(&server);
    assert_ne!(hosts(&server), before);
    two.end(server);
}

#[test]
fn nothing_wrong_leaves_the_server() {
    let mut two = Two::new();
    let server = two.start();
    two.card.shim.turn(Switch::WrongSignature, true).unwrap();
    two.put(200);
    two.folder.wait_empty(60);
    wait("the lie to be seen", 10, || server.log().contains("does not verify"));
    // It lies each time that it is tried again, until an operator has to decide.
    wait("the block", 60, || {
        two.put(20);
        two.folder.wait_empty(60);
        two.card.is(&server, "blocked")
    });
    two.card.shim.turn(Switch::WrongSignature, false).unwrap();
    let mut said = String::new();
    wait("the block to be on record", 10, || {
        said = two.card.unblock(&two.home).out;
        said.contains("permitted")
    });
    two.wait_until_it_signs(&server);
    two.end(server);
}

/// Whatever way the server ends, the process with the module ends with it, even while the module hangs.
#[test]
fn no_process_is_left_behind() {
    for kill in [false, true] {
        let mut two = Two::new();
        let server = two.start();
        let hosts = hosts(&server);
        two.card.shim.turn(Switch::Hang, true).unwrap();
        two.put(50);
        wait("a hang", 10, || two.card.shim.signatures() > 0 && !two.folder.is_empty());
        match kill {
            true => server.kill(),
            false => assert!(server.stop().success()),
        }
        for host in hosts {
            // Nobody may be there to reap it after the server.
            let status = || std::fs::read_to_string(format!("/proc/{host}/stat")).unwrap_or_default();
            let gone = || status().rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'));
            wait(&format!("the end of the token host (server killed: {kill})"), 20, gone);
        }
    }
}

/// The reader's driver does not return from a signature when the card is pulled; the card is missed long before that
/// signature is.
#[test]
fn a_card_that_is_pulled_in_a_hanging_signature_comes_back() {
    let mut home = Home::new();
    let card = Card::in_home(&mut home, KeyKind::P256, "sign_timeout_ms = 2000\npoll_ms = 100");
    home.pool("all", &["card"]);
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("invoices", "usual", "");
    let mut two = Two { home, card, folder, files: 0 };
    let server = two.start();
    let signed = two.card.shim.signatures();
    two.card.shim.turn(Switch::Hang, true).unwrap();
    two.put(20);
    wait("the call", 30, || two.card.shim.signatures() > signed);
    two.card.shim.turn(Switch::Gone, true).unwrap();
    two.card.wait_for(&server, "absent");
    two.card.shim.turn(Switch::Gone, false).unwrap();
    // Whether it is there again or not, nothing can be asked of it before the process with the call has ended.
    wait("the end of the process", 30, || server.log().contains("token host ended"));
    two.card.shim.turn(Switch::Hang, false).unwrap();
    two.card.wait_for(&server, "logged-in");
    two.folder.wait_empty(60);
    two.end(server);
}

/// The card is the only signer: its documents wait for it through a hang and a crash.
#[test]
fn documents_wait_for_the_only_signer() {
    let mut home = Home::with("place_timeout_ms = 2000", "127.0.0.1:0");
    let card = Card::in_home(&mut home, KeyKind::P256, "sessions = 2\nsign_timeout_ms = 500");
    home.pool("all", &["card"]);
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("invoices", "usual", "");
    let mut two = Two { home, card, folder, files: 0 };
    let server = two.start();
    for switch in [Switch::Hang, Switch::Crash] {
        two.card.shim.turn(switch, true).unwrap();
        two.put(30);
        wait(&format!("{switch:?} to be seen"), 30, || !two.card.is(&server, "logged-in"));
        two.card.shim.turn(switch, false).unwrap();
        two.folder.wait_empty(60);
    }
    two.end(server);
}
