//! Tokens of a module in this process, against SoftHSM directly and through the test shim.
//!
//! SoftHSM finds its tokens by an environment variable, so each test runs in a child process of its own.

#![allow(clippy::unwrap_used)]

mod common;

use common::{Ledger, pin, request, serial, signs_everything, verifies};
use model::DigestAlgorithm::Sha256;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use testkit::pki::{Identity, KeyKind, Pki};
use testkit::softhsm::{self, SoftHsm};
use testkit::{shim, tools};
use token::{Fault, LoginRefused, Module, Pin, Pkcs11Token, Token, list_slots};

/// What a child process finds in its environment.
struct World {
    module: PathBuf,
    token: softhsm::Token,
    hsm: SoftHsm,
    folder: tempfile::TempDir,
}

impl World {
    /// A token with these signers, behind the shim.
    fn new(signers: &[&Identity]) -> Self {
        let (hsm, token) = SoftHsm::with_token("Siegel", signers).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { module: shim::shim(folder.path()).unwrap(), token, hsm, folder }
    }

    /// Runs the test again in a process that sees this world.
    fn run(&self, test: &str) {
        let mut environment = self.hsm.environment().to_vec();
        let text = |value: &Path| value.as_os_str().to_owned();
        environment.push(("SHIM_TARGET", text(self.hsm.module())));
        for (name, file) in [
            ("SHIM_LOGIN_LOG", "logins"),
            ("SHIM_SIGN_LOG", "signs"),
            ("SHIM_GONE_FILE", "gone"),
            ("SHIM_CANCEL_FILE", "cancel"),
        ] {
            environment.push((name, text(&self.folder.path().join(file))));
        }
        environment.push(("SHIM_PAD_PIN", self.token.pin().into()));
        environment.push(("SHIM_FLAGS_FILE", text(&self.folder.path().join("flags"))));
        environment.push(("TEST_FOLDER", text(self.folder.path())));
        environment.push(("TEST_MODULE", text(&self.module)));
        environment.push(("TEST_SERIAL", self.token.serial().into()));
        environment.push(("TEST_PIN", self.token.pin().into()));
        tools::again_in_child(test, &environment).unwrap();
    }
}

/// In the child: the token, its PIN, and the folder of the shim's files.
fn in_child() -> (Pkcs11Token, String, PathBuf) {
    let variable = |name: &str| std::env::var(name).unwrap();
    let module = Module::load(Path::new(&variable("TEST_MODULE"))).unwrap();
    let token = Pkcs11Token::new(module, serial(&variable("TEST_SERIAL")));
    (token, variable("TEST_PIN"), PathBuf::from(variable("TEST_FOLDER")))
}

fn log(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn every_kind_of_key_signs_with_one_login_and_one_call_each() {
    let test = "every_kind_of_key_signs_with_one_login_and_one_call_each";
    if !tools::is_child(test) {
        let signers: Vec<_> = KeyKind::ALL.iter().map(|kind| Pki::shared().signer(*kind).unwrap()).collect();
        let signers: Vec<&Identity> = signers.iter().map(|signer| &**signer).collect();
        return World::new(&signers).run(test);
    }
    let (token, secret, folder) = in_child();
    let info = token.present().unwrap();
    assert_eq!((info.label.as_str(), info.pin.initialised, info.pin.pad), ("Siegel", true, false));

    let module = Module::load(Path::new(&std::env::var("TEST_MODULE").unwrap())).unwrap();
    let listed = list_slots(&module).unwrap();
    let mut shown = listed.iter().filter_map(|slot| slot.token.as_ref()).map(|token| token.as_ref().unwrap());
    let shown = shown.find(|shown| shown.info.serial == *token.serial()).unwrap();
    assert_eq!(shown.certificates.len(), 9);
    assert!(shown.mechanisms.iter().any(|name| name == "CKM_RSA_PKCS_PSS"), "{:?}", shown.mechanisms);
    assert_eq!(log(&folder, "logins"), "", "listing must not log in");

    let ledger = Ledger::default();
    let (proof, _pin) = token.login(&ledger, pin(&secret)).unwrap();
    let found = token.signers(&proof).unwrap();
    let mut kinds: Vec<String> = found.iter().map(|key| key.kind.to_string()).collect();
    let mut expected: Vec<&str> = KeyKind::ALL.iter().map(|kind| kind.name()).collect();
    kinds.sort();
    expected.sort();
    assert_eq!(kinds, expected);
    let mut sessions = [token.open_session().unwrap(), token.open_session().unwrap()];
    for key in &found {
        signs_everything(&mut *sessions[0], key);
        signs_everything(&mut *sessions[1], key);
    }
    assert_eq!(log(&folder, "logins"), "u");
    assert_eq!(log(&folder, "signs").len(), 9 * 6 * 2, "one C_Sign for each signature");
    assert_eq!((ledger.begun(), ledger.row(token.serial()).as_str()), (1, "free"));
}

#[test]
fn a_wrong_pin_is_tried_once_until_an_operator_acts() {
    let test = "a_wrong_pin_is_tried_once_until_an_operator_acts";
    if !tools::is_child(test) {
        return World::new(&[&Pki::shared().signer(KeyKind::P256).unwrap()]).run(test);
    }
    let (token, secret, folder) = in_child();
    let ledger = Ledger::default();
    let failed = token.login(&ledger, pin("not the PIN")).map(drop).unwrap_err();
    assert_eq!(failed.refused, LoginRefused::Wrong);
    assert!(failed.pin.is_none(), "the PIN is gone");
    assert_eq!(log(&folder, "logins"), "u");
    assert!(ledger.row(token.serial()).starts_with("blocked"), "{}", ledger.row(token.serial()));

    let failed = token.login(&ledger, pin(&secret)).map(drop).unwrap_err();
    assert!(matches!(failed.refused, LoginRefused::Ledger(_)) && failed.pin.is_some(), "{failed:?}");
    assert_eq!(log(&folder, "logins"), "u", "the ledger refused without a call");

    // Even with a free ledger, the token's own flag asks for an operator's word.
    ledger.clear(token.serial());
    let failed = token.login(&ledger, pin(&secret)).map(drop).unwrap_err();
    assert_eq!(failed.refused, LoginRefused::CountLow);
    assert_eq!((log(&folder, "logins").as_str(), ledger.row(token.serial()).as_str()), ("u", "free"));
    let (proof, _pin) = token.login(&ledger, failed.pin.unwrap().confirmed()).unwrap();
    assert_eq!(log(&folder, "logins"), "uu");
    assert_eq!(token.signers(&proof).unwrap().len(), 1);
}

#[test]
fn the_tokens_flags_forbid_a_login() {
    let test = "the_tokens_flags_forbid_a_login";
    if !tools::is_child(test) {
        return World::new(&[]).run(test);
    }
    let (token, secret, folder) = in_child();
    let ledger = Ledger::default();
    let locked = |pin: Pin| token.login(&ledger, pin).map(drop).unwrap_err().refused;
    for (flags, plain, confirmed) in [
        ("10000", LoginRefused::CountLow, None),
        ("20000", LoginRefused::FinalTry, None),
        ("40000", LoginRefused::Locked, Some(LoginRefused::Locked)),
        ("80000", LoginRefused::MustChange, Some(LoginRefused::MustChange)),
    ] {
        std::fs::write(folder.join("flags"), flags).unwrap();
        assert_eq!(locked(pin(&secret)), plain);
        if let Some(confirmed) = confirmed {
            assert_eq!(locked(pin(&secret).confirmed()), confirmed);
        }
    }
    std::fs::write(folder.join("flags"), "0").unwrap();
    assert_eq!(locked(Pin::pad()), LoginRefused::NoPad);
    assert_eq!(log(&folder, "logins"), "");
    assert_eq!(ledger.row(token.serial()), "free");
}

#[test]
fn a_pin_pad_logs_in_without_a_pin_of_ours() {
    let test = "a_pin_pad_logs_in_without_a_pin_of_ours";
    if !tools::is_child(test) {
        return World::new(&[&Pki::shared().signer(KeyKind::P256).unwrap()]).run(test);
    }
    let (token, _, folder) = in_child();
    std::fs::write(folder.join("flags"), "100").unwrap();
    assert!(token.present().unwrap().pin.pad);
    let ledger = Ledger::default();
    std::fs::write(folder.join("cancel"), "").unwrap();
    let failed = token.login(&ledger, Pin::pad()).map(drop).unwrap_err();
    assert!(failed.refused == LoginRefused::Cancelled && failed.pin.is_some(), "{failed:?}");
    assert_eq!(ledger.row(token.serial()), "free");
    std::fs::remove_file(folder.join("cancel")).unwrap();
    let (proof, _pin) = token.login(&ledger, Pin::pad()).unwrap();
    let found = token.signers(&proof).unwrap().remove(0);
    signs_everything(&mut *token.open_session().unwrap(), &found);
    assert_eq!(log(&folder, "logins"), "uu");
}

#[test]
fn a_key_that_always_authenticates_gets_a_recorded_login_for_each_signature() {
    let test = "a_key_that_always_authenticates_gets_a_recorded_login_for_each_signature";
    if !tools::is_child(test) {
        let signer = Pki::shared().signer(KeyKind::Rsa2048).unwrap();
        let world = World::new(&[]);
        common::import_always_authenticate(&world.hsm, &world.token, &signer);
        return world.run(test);
    }
    let (token, secret, folder) = in_child();
    let ledger = Arc::new(Ledger::default());
    let (proof, verified) = token.login(&*ledger, pin(&secret)).unwrap();
    let found = token.signers(&proof).unwrap().remove(0);
    assert!(found.always_authenticate);
    let mut session = token.open_session().unwrap();
    let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
    assert!(matches!(fault, Fault::Request(_)), "{fault}");
    session.authenticate_with(verified.for_context(ledger.clone()));
    for seed in 0..3 {
        let to_be_signed = request(found.kind, Sha256, seed == 1, seed);
        let value = session.sign(&found.key, &to_be_signed).unwrap();
        assert!(verifies(&found.certificate, &to_be_signed, &value));
    }
    assert_eq!(log(&folder, "logins"), "uccc");
    assert_eq!(ledger.begun(), 4);
    // An operator's block elsewhere stops the next signature before the token sees a PIN.
    token::LoginLedger::refused(&*ledger, token.serial(), "by hand");
    let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
    assert!(matches!(fault, Fault::LoginRefused(_)) && fault.ends_session(), "{fault}");
    assert_eq!(log(&folder, "logins"), "uccc");
}

#[test]
fn a_token_that_is_pulled_and_put_back_signs_again_with_the_verified_pin() {
    let test = "a_token_that_is_pulled_and_put_back_signs_again_with_the_verified_pin";
    if !tools::is_child(test) {
        return World::new(&[&Pki::shared().signer(KeyKind::P256).unwrap()]).run(test);
    }
    let (token, secret, folder) = in_child();
    let ledger = Ledger::default();
    let (proof, verified) = token.login(&ledger, pin(&secret)).unwrap();
    let found = token.signers(&proof).unwrap().remove(0);
    let mut session = token.open_session().unwrap();
    signs_everything(&mut *session, &found);
    std::fs::write(folder.join("gone"), "").unwrap();
    let fault = session.sign(&found.key, &request(found.kind, Sha256, false, 1)).unwrap_err();
    assert!(fault.ends_session(), "{fault}");
    drop(session);
    assert_eq!(token.present().unwrap_err(), Fault::Absent);
    assert!(matches!(token.open_session(), Err(Fault::Absent)));
    let failed = token.login_again(&ledger, verified).map(drop).unwrap_err();
    assert_eq!(failed.refused, LoginRefused::Fault(Fault::Absent));
    std::fs::remove_file(folder.join("gone")).unwrap();
    token.present().unwrap();
    let (proof, _pin) = token.login_again(&ledger, failed.pin.unwrap()).unwrap();
    assert_eq!(token.signers(&proof).unwrap(), std::slice::from_ref(&found));
    signs_everything(&mut *token.open_session().unwrap(), &found);
    assert_eq!(log(&folder, "logins"), "uu");
}

#[test]
fn a_softhsm_folder_that_is_moved_away_and_back_is_absent_and_present() {
    let test = "a_softhsm_folder_that_is_moved_away_and_back_is_absent_and_present";
    if !tools::is_child(test) {
        return World::new(&[&Pki::shared().signer(KeyKind::P256).unwrap()]).run(test);
    }
    let (token, secret, _) = in_child();
    let conf = std::fs::read_to_string(std::env::var("SOFTHSM2_CONF").unwrap()).unwrap();
    let tokens = PathBuf::from(conf.lines().next().unwrap().split_once("= ").unwrap().1);
    let away = tokens.with_file_name("elsewhere");
    let ledger = Ledger::default();
    let (proof, verified) = token.login(&ledger, pin(&secret)).unwrap();
    let found = token.signers(&proof).unwrap().remove(0);
    let mut session = token.open_session().unwrap();
    signs_everything(&mut *session, &found);
    std::fs::rename(&tokens, &away).unwrap();
    let outcome = session.sign(&found.key, &request(found.kind, Sha256, false, 1));
    assert!(outcome.unwrap_err().ends_session());
    assert_eq!(token.present().unwrap_err(), Fault::Absent);
    drop(session);
    assert_eq!(token.present().unwrap_err(), Fault::Absent);
    std::fs::rename(&away, &tokens).unwrap();
    token.present().unwrap();
    let (_proof, _pin) = token.login_again(&ledger, verified).unwrap();
    signs_everything(&mut *token.open_session().unwrap(), &found);
}

#[test]
fn what_is_no_module_is_a_clear_error() {
    for path in ["/no/such/module.so", "/etc/hostname", "/lib/x86_64-linux-gnu/libm.so.6"] {
        let fault = Module::load(Path::new(path)).unwrap_err();
        assert!(matches!(fault, Fault::Request(_)), "{fault}");
    }
}
