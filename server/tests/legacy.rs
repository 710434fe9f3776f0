//! Old TLS in front of the real server: it is off unless it is configured, works when it is, is looked after, and goes with
//! the server. What it speaks and refuses is tested in `legacy-tls/`, which builds the program that this needs.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use edge::{basic, change, client_files, curl, echo, envelope, home, post, text, user};
use model::UserName;
use rustix::process::{Pid, Signal, getuid, kill_process};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use store::access::AccessChange;
use support::{Home, SEALMILL, Server, wait};
use testkit::pki::{KeyKind, Pki};

/// `make test` builds it before it runs this.
fn program() -> PathBuf {
    let built = Path::new(SEALMILL).parent().unwrap().parent().unwrap().join("legacy-tls/debug/sealmill-legacy-tls");
    let path = std::env::var_os("SEALMILL_LEGACY_TLS").map_or(built, PathBuf::from);
    assert!(path.is_file(), "{} is missing: cargo build --manifest-path legacy-tls/Cargo.toml", path.display());
    path
}

/// A home whose server runs the program with these protocols.
fn old_home(protocols: &str) -> Home {
    let mut home = home("");
    let run = home.path().join("run");
    std::fs::create_dir(&run).unwrap();
    let is_root = getuid().is_root();
    if is_root {
        // The program becomes `nobody`, who has to reach the socket by its group.
        let nobody =
            String::from_utf8(std::process::Command::new("id").args(["-g", "nobody"]).output().unwrap().stdout);
        std::os::unix::fs::chown(&run, None, Some(nobody.unwrap().trim().parse().unwrap())).unwrap();
        std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o2750)).unwrap();
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let identity = Pki::shared().signer(KeyKind::Rsa2048).unwrap();
    std::fs::write(home.path().join("keys/legacy.pem"), identity.chain_pem().unwrap()).unwrap();
    let key = home.path().join("keys/legacy.key.pem");
    std::fs::write(&key, identity.key_pem().unwrap()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let user = if is_root { "user = \"nobody\"" } else { "" };
    let config = format!(
        "listen = [\"127.0.0.1:0\"]\nsocket = \"run/legacy.sock\"\ncertificate = \"keys/legacy.pem\"\nkey = \
         \"keys/legacy.key.pem\"\nprotocols = {protocols}\nsuites = [\"TLS_RSA_WITH_AES_128_CBC_SHA\"]\n{user}\n"
    );
    std::fs::write(home.path().join("legacy-tls.toml"), config).unwrap();
    let program = program();
    home.add(&format!(
        "[api.legacy]\nsocket = \"run/legacy.sock\"\nusers = [\"old-erp\"]\nprogram = {program:?}\nconfig = \
         \"legacy-tls.toml\""
    ));
    home
}

/// Where the program of the newest start listens.
fn old_address(server: &Server) -> String {
    let mut address = None;
    wait("the program for old TLS", 30, || {
        let log = server.log();
        let last = log.rsplit("listens at ").next().filter(|_| log.contains("listens at "));
        address = last.filter(|rest| rest.contains("ready")).map(|rest| {
            rest.chars().take_while(|letter| letter.is_ascii_digit() || ".:".contains(*letter)).collect::<String>()
        });
        address.is_some()
    });
    address.unwrap()
}

/// Asks by TLS 1.0, as an old client does; whether the server answers, whatever it says.
fn answers(address: &str) -> bool {
    let suite = "AES128-SHA:@SECLEVEL=0";
    let old = ["--insecure", "--tlsv1.0", "--tls-max", "1.0", "--ciphers", suite];
    let answer = curl(&format!("https://{address}/?wsdl"), &old);
    answer.exit == 0 && answer.status > 0
}

/// A call of `echo` by TLS 1.0 with what else curl is told: HTTP status and body.
fn calls(address: &str, arguments: &[&str]) -> (u16, String) {
    let mut all = vec!["--insecure", "--tlsv1.0", "--tls-max", "1.0", "--ciphers", "AES128-SHA:@SECLEVEL=0"];
    all.extend(arguments);
    let answer = post(&format!("https://{address}/"), &envelope("", &echo("old")), &all);
    (answer.status, answer.body)
}

/// Process ids of what this process has started.
fn children(pid: u32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let all: Vec<String> = tasks.map(|task| of_task(task.unwrap())).collect();
    all.iter().flat_map(|list| list.split_whitespace()).map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn old_tls_is_off_unless_it_is_configured() {
    let home = home("");
    let server = home.start();
    assert_eq!(server.metric("sealmill_api_legacy", &[]), Some(0.0));
    assert!(children(server.pid()).is_empty());
    assert!(!server.log().contains("legacy"), "{}", server.log());
    let address = server.api("https").replace("https://", "");
    assert!(!answers(&address), "the usual listener speaks TLS 1.0");
}

#[test]
fn an_old_client_reaches_the_server_and_it_is_loud_about_it() {
    let home = old_home("[\"tls1.0\"]");
    let server = home.start();
    let address = old_address(&server);
    assert!(answers(&address), "{}", server.log());
    assert_eq!(server.metric("sealmill_api_legacy", &[]), Some(1.0));
    assert_eq!(server.metric("sealmill_api_legacy_runs", &[]), Some(1.0));
    assert_eq!(server.metric("sealmill_api_connections_total", &["door=\"legacy\""]), Some(1.0));
    let log = server.log();
    assert!(log.contains("old TLS is let in") && log.contains("the legacy listener is on: protocols=TLS 1.0"), "{log}");
    assert!(server.stop().success());
}

#[test]
fn only_the_users_who_are_named_may_call_by_it_with_password_or_certificate() {
    let mut home = old_home("[\"tls1.0\"]");
    let identity = Pki::shared().issue(KeyKind::Rsa2048, "Kasse 3").unwrap();
    for name in ["old-erp", "erp"] {
        user(&home, "main", name, &[]);
    }
    let der = identity.certificate_der();
    let registered = AccessChange::AddCertificate {
        user: UserName::new("old-erp").unwrap(),
        fingerprint: actors::access::fingerprint(&der),
        der: base64_simd::STANDARD.encode_to_string(&der),
        state: store::access::CertificateState::Active,
    };
    change(&home, "main", registered);
    home.replace("reload_ms = 100", "reload_ms = 100\nclient_certificates = \"optional\"");
    let server = home.start();
    let address = old_address(&server);

    let (status, body) = calls(&address, &["--user", &basic("old-erp")]);
    assert!(status == 200 && body.contains("<Text>old</Text>"), "{status} {body}");
    let (certificate, key) = client_files(&home, "old-erp", &identity);
    let (status, body) = calls(&address, &["--cert", text(&certificate), "--key", text(&key)]);
    assert!(status == 200 && body.contains("<Text>old</Text>"), "{status} {body}");

    let (status, body) = calls(&address, &["--user", &basic("erp")]);
    assert!(status >= 400 && body.contains("<Status>-2"), "{status} {body}");
    let (status, body) = calls(&address, &[]);
    assert!(status == 401 && body.contains("<Status>-23</Status>"), "{status} {body}");
    // By the usual door both may.
    let usual = post(&server.api("https"), &envelope("", &echo("new")), &["--user", &basic("erp")]);
    assert_eq!(usual.status, 200, "{usual:?}");
}

#[test]
fn the_program_gets_nothing_of_the_servers_environment() {
    let mut home = old_home("[\"tls1.0\"]");
    home.environment("SEALMILL_SECRET", "geheim");
    let server = home.start();
    old_address(&server);
    let [child] = children(server.pid())[..] else { panic!("not one child") };
    let of = |pid: u32| std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    assert!(of(server.pid()).windows(6).any(|part| part == b"geheim"));
    assert!(of(child.cast_unsigned()).is_empty());
}

#[test]
fn it_is_started_again_when_it_has_ended_and_ends_with_the_server() {
    let home = old_home("[\"tls1.0\"]");
    let server = home.start();
    let first = old_address(&server);
    let [child] = children(server.pid())[..] else { panic!("not one child") };
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
    wait("another start", 30, || old_address(&server) != first);
    assert!(answers(&old_address(&server)), "{}", server.log());
    let [again] = children(server.pid())[..] else { panic!("not one child") };
    assert!(server.stop().success());
    assert!(!Path::new(&format!("/proc/{again}")).exists());

    // Also when the server is killed, its child does not stay.
    let server = home.start();
    old_address(&server);
    let [child] = children(server.pid())[..] else { panic!("not one child") };
    server.kill();
    wait("the end of the child", 30, || !Path::new(&format!("/proc/{child}")).exists());
}

#[test]
fn a_set_up_that_cannot_work_turns_it_off_and_the_rest_runs() {
    let home = old_home("[\"tls1.3\"]");
    let server = home.start();
    wait("its reason in the log", 30, || server.log().contains("old TLS is off"));
    assert!(server.log().contains("unknown variant"), "{}", server.log());
    assert_eq!(server.metric("sealmill_api_legacy_runs", &[]), Some(0.0));
    assert_eq!(server.get("/healthz").0, 200);
}
