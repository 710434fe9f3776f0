//! Tokens and software signers in one pool, stores that go away, and every kind of key as openssl judges it.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod hsm;
mod support;

use hsm::{Card, invoice, name};
use std::collections::BTreeMap;
use store::{Store, StoreConfig};
use support::{Folder, Home, names, openssl_accepts_detached, openssl_opens, pause, wait};
use testkit::pki::{KeyKind, Pki};
use testkit::postgres::Postgres;

const DETACHED: &str = "format = \"cades\"";

/// An HSM with four sessions and two software signers, all with the same kind of key, in one pool.
fn pool_of_three() -> (Home, Card) {
    let mut home = Home::new();
    let card = Card::in_home(&mut home, KeyKind::Rsa3072, "sessions = 4");
    home.software("soft1", KeyKind::Rsa3072, 1).software("soft2", KeyKind::Rsa3072, 1);
    home.pool("all", &["card", "soft1", "soft2"]);
    (home, card)
}

/// Puts files in, has them signed, and gives what the audit log says each signer did.
fn shares(home: &mut Home, store: &StoreConfig, files: usize) -> BTreeMap<String, usize> {
    let folder = home.profile("usual", "all", DETACHED).directory("invoices", "usual", "");
    for number in 0..files {
        folder.put(name(number), &invoice(number));
    }
    let server = home.start_ready();
    folder.wait_empty(90);
    assert!(server.stop().success());
    all_signed(&folder, files);
    home.audit_is_unbroken();
    audit_shares(store)
}

fn all_signed(folder: &Folder, files: usize) {
    assert_eq!(names(&folder.error()), Vec::<String>::new());
    let expected: Vec<String> = (0..files).map(name).collect();
    assert_eq!(names(&folder.done()), expected);
    assert_eq!(names(&folder.output()), expected.iter().map(|name| format!("{name}.pkcs7")).collect::<Vec<_>>());
    for number in (0..files).step_by(files / 20) {
        let signature = folder.output().join(format!("{}.pkcs7", name(number)));
        openssl_accepts_detached(&signature, &folder.done().join(name(number))).unwrap();
    }
}

fn audit_shares(config: &StoreConfig) -> BTreeMap<String, usize> {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let store = Store::open(config, "reader").await.unwrap();
        let tenant = model::TenantId::new("main").unwrap();
        let mut shares = BTreeMap::new();
        let mut last: Option<(model::Time, String, i64)> = None;
        loop {
            let after = last.as_ref().map(|(at, node, number)| (*at, node.as_str(), *number));
            let rows = store.audit(&tenant, after, 500).await.unwrap();
            let Some(end) = rows.last() else { return shares };
            last = Some((end.at, end.node.clone(), end.number));
            for row in rows.into_iter().filter(|row| row.what == "document.done") {
                *shares.entry(row.signer.unwrap()).or_default() += 1;
            }
        }
    })
}

fn judge_shares(shares: &BTreeMap<String, usize>, files: usize) {
    eprintln!("{files} files: {shares:?}");
    assert_eq!(shares.keys().collect::<Vec<_>>(), ["card", "soft1", "soft2"]);
    assert_eq!(shares.values().sum::<usize>(), files);
}

#[test]
fn four_sessions_and_two_software_signers_sign_a_directory_together() {
    let (mut home, _card) = pool_of_three();
    let store = StoreConfig::Sqlite { path: home.path().join("sealmill.sqlite") };
    let shares = shares(&mut home, &store, 2_000);
    judge_shares(&shares, 2_000);
}

#[test]
fn the_same_on_postgresql() {
    let (mut home, _card) = pool_of_three();
    let postgres = Postgres::start().unwrap();
    home.store("url_env = \"STORE_URL\"").environment("STORE_URL", postgres.url());
    let store = StoreConfig::Postgres { url: postgres.url().into(), pool_size: 1 };
    let shares = shares(&mut home, &store, 400);
    judge_shares(&shares, 400);
}

#[test]
fn a_database_that_goes_away_under_load_costs_no_file() {
    let mut postgres = Postgres::start().unwrap();
    let mut home = Home::two_signers();
    home.store("url_env = \"STORE_URL\"").environment("STORE_URL", postgres.url());
    let folder = home.profile("usual", "all", DETACHED).directory("invoices", "usual", "group_files_max = 16");
    let server = home.start_ready();
    let pid = server.pid();
    for number in 0..300 {
        folder.put(name(number), &invoice(number));
    }
    wait("the first results", 30, || !names(&folder.output()).is_empty());
    postgres.stop();
    for number in 300..600 {
        folder.put(name(number), &invoice(number));
    }
    pause(2_000);
    assert!(!folder.is_empty(), "nothing ends without a record");
    wait("the page to say that it is not ready", 30, || server.get("/readyz").0 == 503);
    postgres.start_again().unwrap();
    folder.wait_empty(60);
    wait("the page to say that it is ready", 30, || server.get("/readyz").0 == 200);
    assert_eq!(server.pid(), pid);
    assert!(server.stop().success());
    all_signed(&folder, 600);
    home.audit_is_unbroken();
    let store = StoreConfig::Postgres { url: postgres.url().into(), pool_size: 1 };
    assert_eq!(audit_shares(&store).values().sum::<usize>(), 600, "one outcome each");
}

/// A login needs its record first. Without the database the card waits; with it, no operator is needed.
#[test]
fn a_card_that_comes_back_before_the_database_waits_for_it() {
    let mut postgres = Postgres::start().unwrap();
    let mut home = Home::new();
    let card = Card::in_home(&mut home, KeyKind::P256, "poll_ms = 100");
    home.store("url_env = \"STORE_URL\"").environment("STORE_URL", postgres.url()).pool("all", &["card"]);
    let folder = home.profile("usual", "all", DETACHED).directory("invoices", "usual", "");
    let server = home.start_ready();
    card.wait_for(&server, "logged-in");
    postgres.stop();
    card.token.move_away().unwrap();
    card.wait_for(&server, "absent");
    card.token.move_back().unwrap();
    card.wait_for(&server, "blocked");
    assert_eq!(card.shim.logins(), "u");
    for number in 0..40 {
        folder.put(name(number), &invoice(number));
    }
    postgres.start_again().unwrap();
    card.wait_for(&server, "logged-in");
    folder.wait_empty(60);
    assert_eq!(card.shim.logins(), "uu");
    assert!(server.stop().success());
    all_signed(&folder, 40);
}

/// RSA, PSS, NIST and brainpool curves; in software and on the token; attached and detached.
#[test]
fn openssl_accepts_every_kind_of_key_in_software_and_on_a_token() {
    let kinds = [
        ("rsa", KeyKind::Rsa2048),
        ("p256", KeyKind::P256),
        ("p384", KeyKind::P384),
        ("brainpool256", KeyKind::BrainpoolP256r1),
        ("brainpool384", KeyKind::BrainpoolP384r1),
    ];
    let mut home = Home::new();
    let identities: Vec<_> = kinds.iter().map(|(_, kind)| Pki::shared().signer(*kind).unwrap()).collect();
    let signers = kinds.iter().zip(&identities).map(|((name, _), identity)| {
        let label = identity.common_name();
        format!("[[token.signer]]\nname = \"card-{name}\"\nlabel = \"{label}\"\nchain = \"keys/chain.pem\"\n")
    });
    let signers: String = signers.collect();
    let _card = Card::with_signers(&mut home, &identities, "sessions = 2", &signers);
    let mut folders = Vec::new();
    for (kind, key) in kinds {
        home.software(&format!("soft-{kind}"), key, 1);
        for place in ["soft", "card"] {
            let signer = format!("{place}-{kind}");
            home.pool(&signer, &[&signer]);
            let paddings: &[&str] = if kind == "rsa" { &["pkcs1", "pss"] } else { &["pkcs1"] };
            for padding in paddings {
                for (format, detached) in [("cms", true), ("cms", false), ("cades", true), ("cades", false)] {
                    let profile = format!("{signer}-{padding}-{format}-{detached}");
                    let digest = if key == KeyKind::P384 { "SHA-384" } else { "SHA-256" };
                    home.profile(
                        &profile,
                        &signer,
                        &format!("format = \"{format}\"\ndetached = {detached}\npadding = \"{padding}\"\ndigest = \"{digest}\""),
                    );
                    let folder = home.directory(&profile, &profile, "");
                    folder.put("rechnung.xml", &invoice(1));
                    folders.push((profile, detached, *padding == "pss", folder));
                }
            }
        }
    }
    let server = home.start_ready();
    for (.., folder) in &folders {
        folder.wait_empty(60);
    }
    assert!(server.stop().success());
    for (profile, detached, pss, folder) in folders {
        assert_eq!(folder.reason("rechnung.xml"), None, "{profile}");
        let signature = folder.output().join(if detached { "rechnung.xml.pkcs7" } else { "rechnung.xml.p7m" });
        if detached {
            openssl_accepts_detached(&signature, &folder.done().join("rechnung.xml")).expect(&profile);
        } else {
            assert_eq!(openssl_opens(&signature).expect(&profile), invoice(1));
        }
        let bytes = std::fs::read(&signature).unwrap();
        assert_eq!(bytes.windows(RSASSA_PSS.len()).any(|window| window == RSASSA_PSS), pss, "{profile}");
    }
}

/// The object identifier 1.2.840.113549.1.1.10 (RFC 4055 section 3.1).
const RSASSA_PSS: &[u8] = &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
