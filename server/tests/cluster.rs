//! Several servers on one PostgreSQL behind HAProxy, as in production: one that is killed in the middle of a batch loses
//! nothing and signs nothing twice, and neither does a database that goes away under load.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::{Home, Server, openssl_accepts_detached, pause, wait};
use testkit::pki::KeyKind;
use testkit::postgres::Postgres;

const PASSWORD: &str = "Rechnungslauf 2026";

/// Two servers that share a database and a folder for batches, and a balancer before them.
struct Cluster {
    database: Postgres,
    url: String,
    homes: Vec<Home>,
    batches: tempfile::TempDir,
}

impl Cluster {
    fn new() -> Self {
        let database = Postgres::start().unwrap();
        let url = database.create_ordinary_database("cluster").unwrap();
        let batches = tempfile::tempdir().unwrap();
        let homes = ["node-a", "node-b"].map(|name| {
            let mut home = Home::new();
            home.replace("name = \"test\"", &format!("name = \"{name}\""));
            home.store("url_env = \"CLUSTER_DATABASE\"").environment("CLUSTER_DATABASE", &url);
            home.software("s1", KeyKind::P256, 2).pool("all", &["s1"]).profile("cms", "all", "format = \"cms\"");
            home.add(&format!("[api]\nplain = [\"127.0.0.1:0\"]\n[batches]\nfolder = {:?}", batches.path()));
            home.config();
            home
        });
        let cluster = Self { database, url, homes: homes.into(), batches };
        cluster.make_user();
        cluster
    }

    fn make_user(&self) {
        let home = &self.homes[0];
        let password = home.path().join("erp.password");
        std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        let config = home.config();
        let commands: [&[&str]; 3] = [
            &["user", "create", "erp", "--password-file", password.to_str().unwrap()],
            &["group", "create", "erp", "--role", "signing-application"],
            &["group", "add", "erp", "erp"],
        ];
        for arguments in commands {
            let said = home.run(arguments.iter().copied().chain(["--config", config.to_str().unwrap()]));
            assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        }
    }

    fn rows(&self, sql: &str) -> i64 {
        let said = testkit::tools::run_ok("psql", ["-X", "-A", "-t", "-d", &self.url, "-c", sql]).unwrap();
        said.lines().last().unwrap().trim().parse().unwrap()
    }
}

/// HAProxy over the servers' plain addresses; ended when dropped.
struct Balancer {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Balancer {
    fn start(servers: &[&Server]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut text = format!(
            "defaults\n mode http\n timeout connect 2s\n timeout client 120s\n timeout server 120s\n option redispatch\n \
             retries 3\nfrontend all\n bind 127.0.0.1:{port}\n default_backend servers\nbackend servers\n balance \
             roundrobin\n"
        );
        for (number, server) in servers.iter().enumerate() {
            let address = server.api("http").replace("http://", "");
            let _ = writeln!(text, " server s{number} {address} check inter 200ms fall 2 rise 1");
        }
        let config = folder.path().join("haproxy.cfg");
        std::fs::write(&config, text).unwrap();
        let child = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy; `make test` installs it");
        let address = format!("127.0.0.1:{port}");
        wait("HAProxy", 20, || std::net::TcpStream::connect(&address).is_ok());
        Self { child, address, _folder: folder }
    }

    /// Calls by SOAP; HTTP status and answer.
    fn call(&self, body: &str) -> (u16, String) {
        let folder = tempfile::tempdir().unwrap();
        let (request, answer) = (folder.path().join("request.xml"), folder.path().join("answer.xml"));
        let envelope = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>{body}</e:Body></e:Envelope>"
        );
        std::fs::write(&request, envelope).unwrap();
        let output = Command::new("curl")
            .args(["--silent", "--noproxy", "*", "--max-time", "120", "--user", &format!("erp:{PASSWORD}")])
            .args(["--header", "Content-Type: text/xml; charset=utf-8", "--header", "SOAPAction: \"\""])
            .arg("--data-binary")
            .arg(format!("@{}", request.display()))
            .arg("--output")
            .arg(&answer)
            .args(["--write-out", "%{http_code}", &format!("http://{}/soap", self.address)])
            .output()
            .expect("curl; `make test` installs it");
        let status = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0);
        (status, std::fs::read_to_string(&answer).unwrap_or_default())
    }

    /// As [`Balancer::call`], until it is answered: busy and lost servers are asked again, as a client does.
    fn insist(&self, body: &str) -> String {
        let mut last = (0, String::new());
        for _ in 0..300 {
            last = self.call(body);
            match last.0 {
                200 => return last.1,
                0 | 502..=504 => pause(200),
                _ => break,
            }
        }
        panic!("{last:?}");
    }

    fn submit(&self, key: &str, documents: usize) -> String {
        let mut body =
            format!("{OPEN}submitBatch{NAMESPACE}<profile>cms</profile><idempotencyKey>{key}</idempotencyKey>");
        for number in 0..documents {
            let document = base64_simd::STANDARD.encode_to_string(content(number));
            let _ = write!(
                body,
                "<documents><document>{document}</document><documentName>beleg-{number}.txt</documentName><reference>r{number}\
                 </reference></documents>"
            );
        }
        body += "</s:submitBatch>";
        // Children belong to no namespace or to that of the operation; both are understood.
        between(&self.insist(&body), "BatchId").expect("a batch").to_owned()
    }

    fn state(&self, batch: &str) -> (String, u64) {
        let answer =
            self.insist(&format!("{OPEN}getBatchState{NAMESPACE}<batchId>{batch}</batchId></s:getBatchState>"));
        (between(&answer, "State").unwrap().to_owned(), between(&answer, "Signed").unwrap().parse().unwrap())
    }

    /// The signatures of a batch that is complete, by reference.
    fn signatures(&self, batch: &str) -> Vec<(String, Vec<u8>)> {
        let (mut found, mut next) = (Vec::new(), Some("0".to_owned()));
        while let Some(first) = next {
            let answer = self.insist(&format!(
                "{OPEN}getBatchResult{NAMESPACE}<batchId>{batch}</batchId><firstIndex>{first}</firstIndex>\
                 <count>1000</count></s:getBatchResult>"
            ));
            for result in answer.split("<Results>").skip(1) {
                assert_eq!(between(result, "Status"), Some("0"), "{result}");
                let signature = base64_simd::STANDARD.decode_to_vec(between(result, "Signature").unwrap()).unwrap();
                found.push((between(result, "Reference").unwrap().to_owned(), signature));
            }
            next = between(&answer, "NextIndex").map(str::to_owned);
        }
        found
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const OPEN: &str = "<s:";
const NAMESPACE: &str = " xmlns:s=\"http://seccommerce.de/ws/SecPKI/\">";

fn content(number: usize) -> String {
    format!("Beleg Nummer {number}")
}

/// The text of the first element of this name, whatever its prefix.
fn between<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let start = text.find(&format!("{name}>")).filter(|at| text[..*at].ends_with(['<', ':']))? + name.len() + 1;
    text[start..].split('<').next()
}

fn complete(balancer: &Balancer, batch: &str, seconds: u64) {
    wait("the end of the batch", seconds, || balancer.state(batch).0 == "complete");
}

#[test]
fn a_server_that_is_killed_in_a_batch_loses_nothing_and_signs_nothing_twice() {
    const DOCUMENTS: usize = 5_000;
    let cluster = Cluster::new();
    let (one, other) = (cluster.homes[0].start_ready(), cluster.homes[1].start_ready());
    let balancer = Balancer::start(&[&one, &other]);
    let batch = balancer.submit("run-1", DOCUMENTS);
    wait("the first results", 60, || balancer.state(&batch).1 > 300);
    one.kill();
    // The same request again, as a client sends it that heard nothing: the same batch.
    assert_eq!(balancer.submit("run-1", DOCUMENTS), batch);
    complete(&balancer, &batch, 180);

    let signatures = balancer.signatures(&batch);
    let references: BTreeSet<_> = signatures.iter().map(|(reference, _)| reference.as_str()).collect();
    assert_eq!((signatures.len(), references.len()), (DOCUMENTS, DOCUMENTS));
    let folder = tempfile::tempdir().unwrap();
    for (reference, signature) in signatures.iter().step_by(250) {
        let number: usize = reference[1..].parse().unwrap();
        check_signature(folder.path(), &content(number), signature);
    }
    let tenant = "select set_config('sealmill.tenant', 'main', false);";
    assert_eq!(cluster.rows(&format!("{tenant} select count(*) from document where outcome = 'done'")), 5_000);
    assert_eq!(cluster.rows(&format!("{tenant} select count(*) from audit where what = 'document.done'")), 5_000);
    // Both worked on it.
    let by = |node: &str| {
        cluster.rows(&format!("{tenant} select count(*) from audit where what = 'document.done' and node = '{node}'"))
    };
    assert!(by("node-a") > 0 && by("node-b") > 0, "{} {}", by("node-a"), by("node-b"));
    cluster.homes[0].audit_is_unbroken();
    assert!(other.stop().success());
    drop(cluster.batches);
}

#[test]
fn a_database_that_goes_away_under_load_costs_nothing() {
    const DOCUMENTS: usize = 2_000;
    let mut cluster = Cluster::new();
    let (one, other) = (cluster.homes[0].start_ready(), cluster.homes[1].start_ready());
    let balancer = Balancer::start(&[&one, &other]);
    let batch = balancer.submit("run-2", DOCUMENTS);
    wait("the first results", 60, || balancer.state(&batch).1 > 100);
    cluster.database.stop();
    // While it is away, whoever calls is told to come again.
    let (status, answer) =
        balancer.call(&format!("{OPEN}getBatchState{NAMESPACE}<batchId>{batch}</batchId></s:getBatchState>"));
    assert_eq!(status, 503, "{answer}");
    pause(2_000);
    cluster.database.start_again().unwrap();
    complete(&balancer, &batch, 180);
    assert_eq!(balancer.signatures(&batch).len(), DOCUMENTS);
    let tenant = "select set_config('sealmill.tenant', 'main', false);";
    assert_eq!(cluster.rows(&format!("{tenant} select count(*) from audit where what = 'document.done'")), 2_000);
    cluster.homes[0].audit_is_unbroken();
    assert!(one.stop().success() && other.stop().success());
}

fn check_signature(folder: &Path, document: &str, signature: &[u8]) {
    let (content, file) = (folder.join("content"), folder.join("signature.pkcs7"));
    std::fs::write(&content, document).unwrap();
    std::fs::write(&file, signature).unwrap();
    openssl_accepts_detached(&file, &content).unwrap();
}
