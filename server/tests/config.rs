//! The configuration files that are shipped load, and a fault in one is found with its file and line.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use server::config::Config;
use std::path::Path;
use support::Home;
use testkit::tools::workspace_root;

#[test]
fn the_shipped_files_load() {
    for name in ["config/sealmill.toml", "config/development.toml", "config/postgres.toml"] {
        let config = Config::load(&workspace_root().join(name)).unwrap();
        assert!(!config.pool.is_empty() && !config.profile.is_empty() && !config.directory.is_empty(), "{name}");
    }
}

/// What stands in the manual behind a `#` is right, too: every option that is commented out is one.
#[test]
fn every_option_that_the_manual_comments_out_exists() {
    let manual = std::fs::read_to_string(workspace_root().join("config/sealmill.toml")).unwrap();
    let mut checked = 0;
    for (number, line) in manual.lines().enumerate() {
        let is_option = line.strip_prefix('#').is_some_and(|rest| {
            let key = rest.split([' ', '=']).next().unwrap_or_default();
            rest.contains(" = ") && !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        });
        if !is_option {
            continue;
        }
        let active: String = manual
            .lines()
            .enumerate()
            .map(|(at, text)| if at == number { format!("{}\n", &text[1..]) } else { format!("{text}\n") })
            .collect();
        checked += 1;
        if let Err(error) = Config::parse(&active, "manual", Path::new("/")) {
            // It may contradict another way to say the same; it must be known.
            let text = error.to_string();
            assert!(!text.contains("unknown field") && !text.contains("invalid"), "line {}: {text}", number + 1);
        }
    }
    assert!(checked > 5, "only {checked} options are commented out");
}

/// A configuration that works, to spoil one line of.
const GOOD: &str = r#"[server]
name = "one"
tenant = "main"
[store]
path = "s.sqlite"
[metrics]
listen = ""
[api]
listen = ["0.0.0.0:25100"]
plain = ["127.0.0.1:25101"]
certificate = "a.pem"
key = "a.key"
client_certificates = "optional"
client_authorities = ["ca.pem"]
header_fields_max = 64
[access]
lock_ms = 1000
[api.legacy]
socket = "s"
users = ["old"]
program = "sealmill-legacy-tls"
config = "legacy-tls.toml"
[[software]]
name = "s1"
pkcs12 = "s1.p12"
password_file = "s1.password"
[[token]]
serial = "0001"
module = "/usr/lib/softhsm/libsofthsm2.so"
pin_file = "pin"
[[token.signer]]
name = "card"
label = "Siegel"
[[pool]]
name = "all"
signers = ["s1", "card"]
[[profile]]
name = "usual"
pool = "all"
format = "pades"
otherwise = "cades"
[profile.pdf]
reason = "Rechnung"
[profile.pdf.visible]
page = "last"
[[directory]]
name = "in"
path = "in"
profile = "usual"
timetable = "0 3 * * *"
naming = { pdf = "{stem}.pdf" }
"#;

#[test]
fn a_fault_is_found_with_its_file_and_line() {
    Config::parse(GOOD, "good", Path::new("/")).unwrap();
    // The line that is replaced, what stands there instead, and what the error must say.
    let spoiled = [
        ("name = \"one\"", "nmae = \"one\"", "unknown field `nmae`"),
        ("tenant = \"main\"", "tenant = \"Main tenant\"", "tenant"),
        ("tenant = \"main\"", "io_threads = 0", "at least 1"),
        ("path = \"s.sqlite\"", "path = 7", "string"),
        ("path = \"s.sqlite\"", "path = \"s.sqlite\"\nurl_env = \"URL\"", "path, url_file and url_env"),
        ("listen = [\"0.0.0.0:25100\"]", "listen = [\"localhost\"]", "\"localhost\" is no address"),
        ("listen = [\"0.0.0.0:25100\"]", "listen = []", "client_certificates goes together with listen"),
        ("plain = [\"127.0.0.1:25101\"]", "plain = [\"10.0.0.1:25101\"]", "plain_anywhere = true"),
        ("plain = [\"127.0.0.1:25101\"]", "plain = [\"[::]:25101\"]", "plain_anywhere = true"),
        ("plain = [\"127.0.0.1:25101\"]", "plain = \"127.0.0.1:25101\"", "invalid type"),
        ("key = \"a.key\"", "", "certificate goes together with key"),
        ("client_certificates = \"optional\"", "client_certificates = \"maybe\"", "unknown variant `maybe`"),
        ("client_certificates = \"optional\"", "client_certificates = \"off\"", "client_authorities goes together"),
        ("header_fields_max = 64", "header_fields_max = 500", "header_fields_max must be 8 to 96"),
        ("header_fields_max = 64", "tls_min = \"1.1\"", "unknown variant `1.1`"),
        ("header_fields_max = 64", "address = \"seal.example\"", "http:// or https://"),
        ("header_fields_max = 64", "address = \"https://x/<a>\"", "http:// or https://"),
        ("header_fields_max = 64", "workers = 0", "workers must be 1 to"),
        ("header_fields_max = 64", "requests_max = 0", "requests_max must be at least 1"),
        ("header_fields_max = 64", "connections_max = 1000000", "connections_max must be 1 to"),
        ("header_fields_max = 64", "password = \"x\"", "unknown field `password`"),
        ("lock_ms = 1000", "lock_ms = 0", "lock_ms must be at least 1"),
        ("lock_ms = 1000", "lock_ms = 1000000", "lock_max_ms must not be less than lock_ms"),
        ("lock_ms = 1000", "wrong_passwords_max = 1", "wrong_passwords_max must be at least 2"),
        ("lock_ms = 1000", "rights_kept_ms = 3600000", "rights_kept_ms must be at most"),
        ("lock_ms = 1000", "passwords_at_once_max = 0", "passwords_at_once_max must be at least 1"),
        ("lock_ms = 1000", "password_chars_min = 1", "password_chars_min must be 4 to 128"),
        ("lock_ms = 1000", "revocation = \"always\"", "unknown variant `always`"),
        ("lock_ms = 1000", "four_eyes = [\"users\"]", "unknown field `four_eyes`"),
        ("users = [\"old\"]", "users = []", "needs users"),
        ("users = [\"old\"]", "users = [\" old\"]", "1 to 128 characters"),
        ("users = [\"old\"]", "users = [\"Not a tenant:old\"]", "tenant's name"),
        ("users = [\"old\"]", "", "missing field `users`"),
        ("pkcs12 = \"s1.p12\"", "pkcs12 = \"s1.p12\"\nkey = \"s1.pem\"", "either pkcs12, or key and certificates"),
        ("password_file = \"s1.password\"", "password_file = \"a\"\npassword_env = \"b\"", "one of password_file"),
        ("password_file = \"s1.password\"", "sessions = 0", "sessions must be 1 to"),
        ("password_file = \"s1.password\"", "password = \"geheim\"", "unknown field `password`"),
        ("pin_file = \"pin\"", "pin_file = \"pin\"\npin_pad = true", "pin_file, pin_env and pin_pad"),
        ("pin_file = \"pin\"", "pin = \"1234\"", "unknown field `pin`"),
        ("label = \"Siegel\"", "label = \"Siegel\"\ncertificate = \"c.pem\"", "one of label and certificate"),
        ("label = \"Siegel\"", "[[token.signer]]\nname = \"second\"", "each needs label or certificate"),
        ("name = \"card\"", "name = \"s1\"", "two of signer \"s1\""),
        ("signers = [\"s1\", \"card\"]", "signers = [\"s1\", \"caard\"]", "no signer \"caard\""),
        ("signers = [\"s1\", \"card\"]", "signers = []", "at least one signer"),
        ("pool = \"all\"", "pool = \"al\"", "no pool \"al\""),
        ("format = \"pades\"", "format = \"word\"", "unknown variant `word`"),
        ("format = \"pades\"", "format = \"cades\"", "otherwise belongs to"),
        ("otherwise = \"cades\"", "level = \"B-T\"", "needs [profile.stamp]"),
        ("otherwise = \"cades\"", "level = \"B-T\"\nstamp = { authorities = [] }", "at least one authority"),
        ("otherwise = \"cades\"", "level = \"B-T\"\nstamp = { authorities = [\"x\"] }", "no authority \"x\""),
        ("otherwise = \"cades\"", "stamp = { authorities = [\"x\"] }", "needs a level from B-T"),
        ("otherwise = \"cades\"", "level = \"B-X\"", "unknown variant `B-X`"),
        ("otherwise = \"cades\"", "shape = \"enveloped\"", "shape belongs to"),
        ("otherwise = \"cades\"", "signature = \"xades\"", "signature belongs to"),
        ("otherwise = \"cades\"", "xml = { prefix = \"ds\" }", "[profile.xml] belongs to"),
        ("otherwise = \"cades\"", "archive = \"main\"", "archive is not available yet"),
        ("otherwise = \"cades\"", "[profile.archive]\ntree = \"main\"", "archive is not available yet"),
        ("otherwise = \"cades\"", "otherwise = \"pdf\"", "otherwise must be cms or cades"),
        ("otherwise = \"cades\"", "digest = \"SHA-1\"", "unknown variant `SHA-1`"),
        ("reason = \"Rechnung\"", "password_file = \"a\"\npassword_env = \"b\"", "one of password_file"),
        ("page = \"last\"", "page = 0", "counted from 1"),
        ("page = \"last\"", "x = 10.0", "x and y go together"),
        ("page = \"last\"", "width = nan", "1 to 20000"),
        ("profile = \"usual\"", "profile = \"unusual\"", "no profile \"unusual\""),
        ("timetable = \"0 3 * * *\"", "timetable = \"at night\"", "not understood"),
        ("timetable = \"0 3 * * *\"", "output = \"in/in\"", "the same"),
        ("timetable = \"0 3 * * *\"", "group_files_max = 0", "at least 1"),
        ("naming = { pdf = \"{stem}.pdf\" }", "naming = { pdf = \"../{name}\" }", "must not contain '/'"),
        ("naming = { pdf = \"{stem}.pdf\" }", "naming = { pdf = \"signed.pdf\" }", "{name} or {stem}"),
        (
            "naming = { pdf = \"{stem}.pdf\" }",
            "[[directory]]\nname = \"b\"\npath = \"in\"\nprofile = \"usual\"",
            "same path",
        ),
        ("naming = { pdf = \"{stem}.pdf\" }", "naming = {", ""),
    ];
    for (line, instead, words) in spoiled {
        assert_eq!(GOOD.matches(&format!("{line}\n")).count(), 1, "{line}");
        let text = GOOD.replace(&format!("{line}\n"), &format!("{instead}\n"));
        let error = match Config::parse(&text, "spoiled.toml", Path::new("/")) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted: {instead}"),
        };
        assert!(error.contains(words), "{instead}: {error}");
        let number = error.strip_prefix("spoiled.toml:").and_then(|rest| rest.split(':').next()).unwrap_or_default();
        let number: usize = number.parse().unwrap_or_else(|_| panic!("{instead}: no line in {error}"));
        // Near: a contradiction is told where one of its sides, or the name of its table, stands.
        let at = 1 + GOOD[..GOOD.find(line).unwrap()].matches('\n').count();
        assert!((at.saturating_sub(4)..=at + 4).contains(&number), "{instead}: line {at} is meant: {error}");
    }
}

#[test]
fn the_program_says_where_the_fault_is_and_does_not_start() {
    let mut home = Home::two_signers();
    home.profile("usual", "nobody", "format = \"cades\"");
    let config = home.config();
    let text = std::fs::read_to_string(&config).unwrap();
    let line = 1 + text.lines().position(|line| line.contains("nobody")).unwrap();
    for command in ["serve", "bench"] {
        let said = home.run([command.as_ref(), "--config".as_ref(), config.as_os_str()]);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
        let expected = format!("{}:{line}: there is no pool \"nobody\"", config.display());
        assert!(said.err.contains(&expected), "{}", said.err);
    }
    assert!(!home.path().join("sealmill.sqlite").exists(), "nothing was touched");
}

#[test]
fn a_page_that_cannot_be_opened_stops_the_start_before_any_file_is_touched() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut home = Home::with("", &taken.local_addr().unwrap().to_string());
    home.software("s1", testkit::pki::KeyKind::P256, 1).pool("all", &["s1"]);
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("box", "usual", "");
    folder.put("x.xml", b"<x/>");
    let config = home.config();
    for _ in 0..3 {
        let said = home.run(["serve".as_ref(), "--config".as_ref(), config.as_os_str()]);
        assert!(said.code == 3 && said.err.contains("metrics address"), "{said:?}");
        assert_eq!(support::names(&folder.input()), ["x.xml"]);
    }
}

#[test]
fn secrets_come_from_the_environment_too_and_never_into_logs() {
    let mut home = Home::new();
    let identity = testkit::pki::Pki::shared().signer(testkit::pki::KeyKind::P256).unwrap();
    home.key_file("env", &identity);
    std::fs::write(home.path().join("keys/env.pem"), identity.encrypted_key_pem(support::PASSWORD).unwrap()).unwrap();
    std::fs::write(home.path().join("keys/env-chain.pem"), identity.chain_pem().unwrap()).unwrap();
    home.add("[[software]]\nname = \"p12\"\npkcs12 = \"keys/env.p12\"\npassword_env = \"SEAL_PASSWORD\"");
    home.add("[[software]]\nname = \"pem\"\nkey = \"keys/env.pem\"\ncertificates = \"keys/env-chain.pem\"\npassword_env = \"SEAL_PASSWORD\"");
    home.pool("p12", &["p12"]).pool("pem", &["pem"]);
    home.profile("a", "p12", "format = \"cades\"").profile("b", "pem", "format = \"cades\"");
    let folders = [home.directory("one", "a", ""), home.directory("two", "b", "")];
    home.environment("SEAL_PASSWORD", support::PASSWORD).environment("SEALMILL_LOG", "trace");
    let server = home.start_ready();
    for folder in &folders {
        folder.put("x.xml", b"<x/>");
        folder.wait_empty(20);
        support::openssl_accepts_detached(&folder.output().join("x.xml.pkcs7"), &folder.done().join("x.xml")).unwrap();
    }
    assert!(!server.log().contains(support::PASSWORD));
    assert!(server.stop().success());
}
