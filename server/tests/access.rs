//! `sealmill tenant`, `user`, `group`, `grant` and `pending`, as an operator uses them; and that all of it is in the audit log.
#![allow(clippy::unwrap_used)]

mod support;

use model::{SystemClock, TenantId};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use support::Home;
use testkit::pki::{KeyKind, Pki};
use testkit::postgres::Postgres;
use testkit::tools::{Said, run_ok};

struct Office {
    home: Home,
}

/// Exit codes.
const DONE: i32 = 0;
const REFUSED: i32 = 1;
const WAITS: i32 = 2;
const SETUP: i32 = 3;

impl Office {
    fn new() -> Self {
        Self::of(Home::new())
    }

    fn of(home: Home) -> Self {
        home.config();
        Self { home }
    }

    /// A command in words, by this operator; JSON lines.
    fn by(&self, operator: &str, words: &[&str]) -> Said {
        let config = self.home.path().join("sealmill.toml");
        let mut all = vec!["--json"];
        all.extend(words);
        all.extend(["--config", config.to_str().unwrap(), "--operator", operator]);
        self.home.run(all)
    }

    /// A command that ends so; gives its lines.
    fn expect(&self, code: i32, words: &[&str]) -> Vec<Value> {
        self.expect_by("ada", code, words)
    }

    fn expect_by(&self, operator: &str, code: i32, words: &[&str]) -> Vec<Value> {
        let said = self.by(operator, words);
        assert_eq!(said.code, code, "{words:?}: {said:?}");
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The audit log of a tenant as lines.
    fn log(&self, tenant: &str) -> Vec<String> {
        let store = self.home.path().join("sealmill.sqlite");
        let sql = format!(
            "SELECT who || ' ' || what || ' ' || object || ' ' || coalesce(detail, '') FROM audit \
             WHERE tenant = '{tenant}' ORDER BY happened_at, number"
        );
        let script =
            "import sqlite3, sys; [print(row[0]) for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]";
        let said = run_ok("python3", ["-c", script, store.to_str().unwrap(), &sql]).unwrap();
        said.lines().map(str::to_owned).collect()
    }
}

fn words<'v>(rows: &'v [Value], key: &str) -> Vec<&'v str> {
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

#[test]
fn an_application_gets_a_user_a_role_and_a_password() {
    let office = Office::new();
    let password = office.file("password", b"a password for the ERP\nnot this\n");
    office.expect(DONE, &["group", "create", "--role", "signing-application"]);
    office.expect(DONE, &["group", "create", "night shift"]);
    let create = ["user", "create", "erp", "--title", "The ERP", "--password-file", &password, "--group"];
    office.expect(DONE, &[&create[..], &["signing-application"]].concat());
    office.expect(DONE, &["user", "create", "web"]);
    office.expect(DONE, &["group", "add", "night shift", "erp", "web"]);
    office.expect(DONE, &["grant", "add", "night shift", "sign:invoices", "directories"]);
    office.expect(REFUSED, &["grant", "add", "night shift", "sign:invoices"]);
    office.expect(REFUSED, &["user", "create", "erp"]);
    office.expect(REFUSED, &["user", "create", "x", "--group", "gone"]);
    office.expect(REFUSED, &["group", "add", "gone", "erp"]);
    office.expect(SETUP, &["grant", "add", "night shift", "fly"]);
    office.expect(SETUP, &["grant", "add", "night shift", "users:erp"]);
    office.expect(SETUP, &["user", "create", "a:b"]);

    let users = office.expect(DONE, &["user", "list"]);
    assert_eq!(words(&users, "user"), ["erp", "web"]);
    assert_eq!((users[0]["title"].as_str(), users[0]["password"].as_bool()), (Some("The ERP"), Some(true)));
    assert_eq!(users[0]["groups"].as_array().unwrap().len(), 2);
    let rights = office.expect(DONE, &["grant", "list", "night shift"]);
    assert_eq!(rights[0]["rights"], serde_json::json!(["directories", "sign:invoices"]));
    let groups = office.expect(DONE, &["group", "list"]);
    assert_eq!(words(&groups, "group"), ["night shift", "signing-application"]);
    office.expect(REFUSED, &["grant", "list", "gone"]);

    office.expect(DONE, &["grant", "remove", "night shift", "directories"]);
    office.expect(DONE, &["group", "remove", "night shift", "web"]);
    office.expect(DONE, &["user", "disable", "web"]);
    assert_eq!(office.expect(DONE, &["user", "list"])[1]["state"], "disabled");
    office.expect(DONE, &["user", "enable", "web"]);
    office.expect(REFUSED, &["user", "unlock", "web"]);
    office.expect(DONE, &["user", "password", "erp", "--none"]);
    office.expect(DONE, &["user", "delete", "erp"]);
    office.expect(DONE, &["group", "delete", "night shift"]);
    assert_eq!(words(&office.expect(DONE, &["user", "list"]), "user"), ["web"]);

    let log = office.log("main");
    assert_eq!(log[0], "system tenant.created main ");
    for line in [
        "cli:ada group.created signing-application sign, extend, timestamp, encrypt, verify, look, register-certificate",
        "cli:ada user.created erp with a password",
        "cli:ada group.member.added night shift erp",
        "cli:ada right.granted night shift sign:invoices",
        "cli:ada user.password.removed erp ",
        "cli:ada user.deleted erp ",
    ] {
        assert!(log.iter().any(|entry| entry == line), "{line}: {log:#?}");
    }
    assert!(log.iter().all(|entry| !entry.contains("argon2") && !entry.contains("a password for the ERP")));
    assert_eq!(office.home.audit_is_unbroken() as usize, log.len());
    // For people, too.
    let config = office.home.path().join("sealmill.toml");
    let said = office.home.run(["user", "list", "--config", config.to_str().unwrap()]);
    assert!(said.out.contains("web") && said.out.contains("active"), "{said:?}");
    let said = office.home.run(["group", "roles"]);
    assert!(said.out.contains("auditor: Reads the audit log"), "{said:?}");
}

#[test]
fn a_password_comes_from_a_file_or_from_standard_input_and_never_is_an_argument() {
    let office = Office::new();
    office.expect(DONE, &["user", "create", "erp"]);
    let config = office.home.path().join("sealmill.toml");
    let set = |input: &str| {
        let arguments = ["user", "password", "erp", "--password-file", "-", "--config", config.to_str().unwrap()];
        let mut command = office.home.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(set("the password of the ERP\n").0, DONE);
    let (code, complaint) = set("too short\n");
    assert!(code == REFUSED && complaint.contains("at least 12 characters"), "{complaint}");
    assert!(!complaint.contains("too short"));
    assert_eq!(set("\n").0, SETUP);
    assert_eq!(set("").0, SETUP);
    let said = office.by("ada", &["user", "password", "erp"]);
    assert_eq!(said.code, SETUP, "{said:?}");
    let said = office.by("ada", &["user", "create", "x", "--password", "in the list of processes"]);
    assert_eq!(said.code, SETUP, "{said:?}");
    assert_eq!(office.expect(DONE, &["user", "list"])[0]["password"], true);
}

#[test]
fn certificates_are_added_activated_and_revoked() {
    let office = Office::new();
    office.expect(DONE, &["user", "create", "erp"]);
    let identity = Pki::shared().issue(KeyKind::P256, "The ERP").unwrap();
    let file = office.file("erp.pem", &identity.certificate_pem().unwrap());
    let added = office.expect(DONE, &["user", "certificate", "add", "erp", &file]);
    let fingerprint = added[0]["about"].as_str().unwrap().to_owned();
    assert_eq!(fingerprint, actors::access::fingerprint(&identity.certificate_der()));
    office.expect(REFUSED, &["user", "certificate", "add", "erp", &file]);
    office.expect(REFUSED, &["user", "certificate", "activate", &fingerprint]);
    let rows = office.expect(DONE, &["user", "certificate", "list", "erp"]);
    assert_eq!((rows[0]["state"].as_str(), rows[0]["name"].as_str()), (Some("active"), Some("The ERP")));
    office.expect(DONE, &["user", "certificate", "revoke", &fingerprint]);
    office.expect(REFUSED, &["user", "certificate", "activate", &fingerprint]);
    assert_eq!(office.expect(DONE, &["user", "certificate", "list"])[0]["state"], "revoked");
    let nonsense = office.file("nonsense", b"this is none");
    office.expect(REFUSED, &["user", "certificate", "add", "erp", &nonsense]);
    office.expect(SETUP, &["user", "certificate", "add", "erp", "/not/there"]);
    office.expect(REFUSED, &["user", "certificate", "revoke", &"00".repeat(32)]);
}

#[test]
fn tenants_are_kept_apart() {
    let office = Office::new();
    office.expect(DONE, &["tenant", "create", "acme", "--title", "Acme Ltd"]);
    office.expect(REFUSED, &["tenant", "create", "acme"]);
    office.expect(SETUP, &["tenant", "create", "Acme!"]);
    office.expect(DONE, &["user", "create", "erp", "--tenant", "acme"]);
    assert!(office.expect(DONE, &["user", "list"]).is_empty());
    assert_eq!(words(&office.expect(DONE, &["user", "list", "--tenant", "acme"]), "user"), ["erp"]);
    office.expect(SETUP, &["user", "list", "--tenant", "nobody"]);
    office.expect(DONE, &["tenant", "disable", "acme"]);
    let tenants = office.expect(DONE, &["tenant", "list"]);
    assert_eq!(words(&tenants, "tenant"), ["acme", "main"]);
    assert_eq!(words(&tenants, "state"), ["disabled", "active"]);
    office.expect(DONE, &["tenant", "enable", "acme"]);
    office.expect(REFUSED, &["tenant", "enable", "nobody"]);
    assert_eq!(office.log("acme").len(), 4);
    assert_eq!(office.home.audit_is_unbroken() as usize, office.log("acme").len() + office.log("main").len());
    // A change in any tenant's log is found.
    let store = office.home.path().join("sealmill.sqlite");
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                  c.execute(\"UPDATE audit SET who = 'cli:eve' WHERE what = 'user.created'\"); c.commit()";
    run_ok("python3", ["-c", script, store.to_str().unwrap()]).unwrap();
    let config = office.home.path().join("sealmill.toml");
    let said = office.home.run(["audit", "verify", "--config", config.to_str().unwrap()]);
    assert!(said.code == 1 && said.out.contains("tenant acme, "), "{said:?}");
}

#[test]
fn four_eyes_are_two_persons_eyes() {
    let office = Office::new();
    office.expect(DONE, &["grant", "four-eyes", "--demand", "users"]);
    assert_eq!(words(&office.expect(DONE, &["grant", "four-eyes"]), "function"), ["users"]);
    let asked = office.expect(WAITS, &["user", "create", "erp"]);
    let id = asked[0]["id"].as_str().unwrap().to_owned();
    assert!(office.expect(DONE, &["user", "list"]).is_empty());
    let waiting = office.expect(DONE, &["pending", "list"]);
    assert_eq!(waiting[0]["about"], "user.created erp: without a password");
    assert_eq!((waiting[0]["id"].as_str(), waiting[0]["asked_by"].as_str()), (Some(id.as_str()), Some("cli:ada")));
    office.expect(REFUSED, &["pending", "confirm", &id]);
    office.expect_by("bob", DONE, &["pending", "confirm", &id]);
    office.expect_by("bob", REFUSED, &["pending", "confirm", &id]);
    assert_eq!(words(&office.expect(DONE, &["user", "list"]), "user"), ["erp"]);
    let asked = office.expect(WAITS, &["grant", "four-eyes", "--end", "users"]);
    office.expect_by("bob", DONE, &["pending", "refuse", asked[0]["id"].as_str().unwrap()]);
    office.expect(SETUP, &["grant", "four-eyes", "--demand", "fly"]);
    office.expect(DONE, &["user", "disable", "erp"]);
    let log = office.log("main");
    for what in
        ["cli:ada four-eyes.demanded", "cli:ada change.asked", "cli:bob change.confirmed", "cli:bob user.created"]
    {
        assert!(log.iter().any(|line| line.starts_with(what)), "{what}: {log:#?}");
    }
    office.home.audit_is_unbroken();
}

/// What the command line has made is what a server on the same database lets in, and what it locks the command line unlocks.
#[test]
fn a_server_on_the_same_postgresql_knows_what_the_command_line_did() {
    let server = Postgres::start().unwrap();
    let url = server.create_ordinary_database("office").unwrap();
    let mut home = Home::new();
    home.environment("SEALMILL_TEST_URL", &url).store("url_env = \"SEALMILL_TEST_URL\"");
    let office = Office::of(home);
    let password = office.file("password", b"a password for the ERP\n");
    office.expect(DONE, &["group", "create", "--role", "auditor"]);
    office.expect(DONE, &["user", "create", "erp", "--password-file", &password, "--group", "auditor"]);

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let tenant = TenantId::new("main").unwrap();
    let enter = |word: &'static str| {
        let (url, tenant) = (url.clone(), tenant.clone());
        runtime.block_on(async move {
            let config = store::StoreConfig::Postgres { url: url.into(), pool_size: 2 };
            let store = store::Store::open(&config, "server").await.unwrap();
            let settings = actors::access::AccessSettings::of(tenant.clone());
            let access = actors::access::Access::new(store, Arc::new(SystemClock), settings).unwrap();
            let address = "192.0.2.1".parse().unwrap();
            access.by_password(&tenant, "erp", &word.to_owned().into(), address).await
        })
    };
    let caller = enter("a password for the ERP").unwrap();
    assert!(caller.may(model::Function::Audit, None).is_ok());
    for _ in 0..5 {
        enter("a guess").unwrap_err();
    }
    assert_eq!(enter("a password for the ERP"), Err(actors::access::Refused::Locked));
    office.expect(DONE, &["user", "unlock", "erp"]);
    enter("a password for the ERP").unwrap();
    office.expect(DONE, &["user", "disable", "erp"]);
    assert_eq!(enter("a password for the ERP"), Err(actors::access::Refused::WrongCredentials));
    office.home.audit_is_unbroken();
}
