//! The world is judged by openssl, through its server and without: time stamps, OCSP answers, revocation lists,
//! certificates; and each fault is the fault that it is called.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testkit::pki::KeyKind;
use testkit::tools::{run, run_ok};
use testkit::world::{CrlPart, Fault, Hash, Issuer, OcspSigner, Order, Purpose, State, Unit, Validity, World};

/// A folder for what openssl reads.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        text(&path)
    }

    fn at(&self, name: &str) -> String {
        text(&self.0.path().join(name))
    }

    /// A certificate as PEM.
    fn pem(&self, name: &str, der: &[u8]) -> String {
        let from = self.put(&format!("{name}.der"), der);
        let to = self.at(name);
        run_ok("openssl", ["x509", "-inform", "DER", "-in", &from, "-out", &to]).unwrap();
        to
    }
}

fn text(path: &Path) -> String {
    PathBuf::from(path).to_string_lossy().into_owned()
}

/// One HTTP request on a connection of its own: status line and headers, body.
fn http(url: &str, method: &str, headers: &str, body: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.take(10_000_000).read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let body = answer.get(end + 4..).unwrap_or_default().to_vec();
    Ok((String::from_utf8_lossy(&answer[..end]).into_owned(), body))
}

/// A `TimeStampReq` by openssl on this data: its bytes, and its file.
fn query(desk: &Desk, data: &str, hash: &str) -> (Vec<u8>, String) {
    let file = desk.at(&format!("{hash}.tsq"));
    let flag = format!("-{hash}");
    run_ok("openssl", ["ts", "-query", "-data", data, &flag, "-cert", "-out", &file]).unwrap();
    (std::fs::read(&file).unwrap(), file)
}

fn ts_verify(world: &World, query: &str, response: &str) -> testkit::tools::Said {
    let root = text(&world.root_pem());
    run("openssl", ["ts", "-verify", "-queryfile", query, "-in", response, "-CAfile", &root]).unwrap()
}

#[test]
fn openssl_verifies_every_kind_of_good_stamp() {
    let (world, desk) = (World::start().unwrap(), Desk::new());
    let data = desk.put("data", b"Rechnung 4711");
    for (path, hashes) in [("/tsa", ["sha256", "sha384", "sha512"]), ("/tsa/rsa", ["sha256", "sha512", "sha3-384"])] {
        for (hash, own) in hashes.iter().zip([Hash::Sha256, Hash::Sha384, Hash::Sha512]) {
            world.set_stamps(|stamps| stamps.hash = own);
            let (request, file) = query(&desk, &data, hash);
            let (head, body) = http(&world.url(path), "POST", "", &request).unwrap();
            assert!(head.contains("200 OK") && head.contains("application/timestamp-reply"), "{head}");
            let said = ts_verify(&world, &file, &desk.put("answer.tsr", &body));
            assert!(said.ok(), "{path} {hash}: {}", said.err);
        }
        assert_eq!(world.count(path), 3);
    }
    let (request, file) = query(&desk, &data, "sha256");
    world.set_stamps(|stamps| {
        (stamps.ordering, stamps.accuracy_millis, stamps.root) = (true, 2_750, true);
    });
    let answer = desk.put("answer.tsr", &world.answer_stamp_request(&request, None).unwrap());
    assert!(ts_verify(&world, &file, &answer).ok());
    let shown = run_ok("openssl", ["ts", "-reply", "-in", &answer, "-text"]).unwrap();
    assert!(shown.contains("Ordering: yes") && shown.contains("0x02 seconds, 0x02EE millis"), "{shown}");
    assert!(shown.contains("Zeitstempeldienst 11") && shown.contains("1.3.6.1.4.1.99999.3161.1"), "{shown}");
}

#[test]
fn each_bad_stamp_has_its_fault_and_no_other() {
    let (world, desk) = (World::offline().unwrap(), Desk::new());
    let data = desk.put("data", b"Rechnung 4711");
    let (request, file) = query(&desk, &data, "sha256");
    let complaints = [
        (Fault::WrongNonce, "nonce mismatch"),
        (Fault::NoNonce, "nonce not returned"),
        (Fault::WrongImprint, "message imprint mismatch"),
        (Fault::BadSignature, "signature failure"),
        (Fault::ExpiredCertificate, "certificate has expired"),
        (Fault::WrongEku, "certificate purpose"),
        (Fault::Stranger, "unable to get local issuer"),
        (Fault::NoCertificate, "signer certificate not found"),
        (Fault::WrongEss, "ess routines"),
        (Fault::Rejection, "systemfailure"),
        (Fault::Waiting, "status code: waiting"),
    ];
    for (fault, complaint) in complaints {
        let answer = desk.put("answer.tsr", &world.answer_stamp_request(&request, Some(fault)).unwrap());
        let said = ts_verify(&world, &file, &answer);
        let all = format!("{}{}", said.out, said.err).to_lowercase();
        assert!(!said.ok() && all.contains(&complaint.to_lowercase()), "{fault:?}: {all}");
    }
    // These openssl accepts: they are wrong by rules that it has not, and their signatures are right.
    for fault in [Fault::NotDer, Fault::OldTime, Fault::FutureTime, Fault::WrongPolicy, Fault::RevokedCertificate] {
        let answer = desk.put("answer.tsr", &world.answer_stamp_request(&request, Some(fault)).unwrap());
        let said = ts_verify(&world, &file, &answer);
        assert!(said.ok(), "{fault:?}: {}", said.err);
    }
    let sha1 = query(&desk, &data, "sha1").0;
    let refused = desk.put("refused.tsr", &world.answer_stamp_request(&sha1, None).unwrap());
    let shown = run_ok("openssl", ["ts", "-reply", "-in", &refused, "-text"]).unwrap();
    assert!(shown.contains("Rejected") && shown.contains("unrecognized or unsupported algorithm"), "{shown}");
}

#[test]
fn openssl_accepts_ocsp_answers_by_authority_and_delegate() {
    let (world, desk) = (World::start().unwrap(), Desk::new());
    let signer = world.signer(KeyKind::P256).unwrap();
    let leaf = desk.pem("leaf.pem", &signer.certificate_der());
    let issuer = desk.pem("issuer.pem", &world.authority_der(Issuer::Seals));
    let root = text(&world.root_pem());
    let url = world.url("/ocsp");
    let ask = |more: &[&str]| {
        let fixed = ["ocsp", "-issuer", &issuer, "-cert", &leaf, "-url", &url, "-CAfile", &root];
        run("openssl", fixed.into_iter().chain(more.iter().copied())).unwrap()
    };
    for signer in [OcspSigner::Authority, OcspSigner::Delegate, OcspSigner::CheckedDelegate] {
        for by_key in [false, true] {
            world.set_ocsp(|ocsp| (ocsp.signer, ocsp.by_key) = (signer, by_key));
            let said = ask(&["-verify_other", &issuer]);
            assert!(said.ok() && said.out.contains("leaf.pem: good"), "{signer:?}: {}{}", said.out, said.err);
            assert!(said.err.contains("Response verify OK"), "{signer:?}: {}", said.err);
        }
    }
    assert_eq!(world.count("/ocsp"), 6);
    world.set_ocsp(|ocsp| (ocsp.signer, ocsp.certificate_hash) = (OcspSigner::Delegate, true));
    let shown = ask(&["-verify_other", &issuer, "-resp_text"]).out;
    assert!(shown.contains("1.3.36.8.3.13") && shown.contains("OCSP Nonce"), "{shown}");
    world.set_ocsp(|ocsp| (ocsp.nonce, ocsp.next_update) = (false, None));
    let said = ask(&["-verify_other", &issuer, "-resp_text"]);
    assert!(said.err.contains("no nonce") && !said.out.contains("Next Update"), "{}{}", said.out, said.err);
    world.set_ocsp(|ocsp| *ocsp = Default::default());

    world.revoke(&signer.certificate_der(), 1).unwrap();
    assert!(ask(&["-verify_other", &issuer]).out.contains("leaf.pem: revoked"));
    world.set_state(&signer.certificate_der(), State::Unknown).unwrap();
    assert!(ask(&["-verify_other", &issuer]).out.contains("leaf.pem: unknown"));
    world.set_state(&signer.certificate_der(), State::Good).unwrap();

    let complaints = [
        (Fault::WrongNonce, "nonce"),
        (Fault::BadSignature, "signature failure"),
        (Fault::WrongEku, "verify failure"),
        (Fault::Stranger, "verify failure"),
        (Fault::WrongImprint, "no status found"),
        (Fault::OldTime, "status times invalid"),
        (Fault::Rejection, "trylater"),
        (Fault::Unauthorized, "unauthorized"),
    ];
    for (fault, complaint) in complaints {
        world.fault("/ocsp", fault, 1);
        let said = ask(&["-verify_other", &issuer]);
        let all = format!("{}{}", said.out, said.err).to_lowercase();
        assert!(all.contains(complaint), "{fault:?}: {all}");
        assert!(ask(&["-verify_other", &issuer]).out.contains("good"), "after {fault:?}");
    }
}

#[test]
fn ocsp_is_answered_to_get_as_to_post() {
    let (world, desk) = (World::start().unwrap(), Desk::new());
    let signer = world.signer(KeyKind::P256).unwrap();
    let leaf = desk.pem("leaf.pem", &signer.certificate_der());
    let issuer = desk.pem("issuer.pem", &world.authority_der(Issuer::Seals));
    let request = desk.at("request.der");
    run_ok("openssl", ["ocsp", "-issuer", &issuer, "-cert", &leaf, "-no_nonce", "-reqout", &request]).unwrap();
    let base64 = run_ok("openssl", ["base64", "-A", "-in", &request]).unwrap();
    let escaped = base64.trim().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let (head, body) = http(&world.url(&format!("/ocsp/{escaped}")), "GET", "", b"").unwrap();
    assert!(head.contains("200 OK") && head.contains("application/ocsp-response"), "{head}");
    let answer = desk.put("answer.der", &body);
    let said =
        run_ok("openssl", ["ocsp", "-respin", &answer, "-issuer", &issuer, "-cert", &leaf, "-noverify"]).unwrap();
    assert!(said.contains("leaf.pem: good"), "{said}");
    assert_eq!((world.count("/ocsp"), world.connections("/ocsp")), (1, 1));
}

#[test]
fn openssl_checks_paths_with_the_lists() {
    let (world, desk) = (World::start().unwrap(), Desk::new());
    let good = world.signer(KeyKind::Rsa2048).unwrap();
    let bad = world.issue(&Order::signer(KeyKind::P384, "Gesperrt")).unwrap();
    world.revoke(&bad.certificate_der(), 4).unwrap();
    let seals = desk.pem("seals.pem", &world.authority_der(Issuer::Seals));
    let root = text(&world.root_pem());
    let verify = |leaf: &str, lists: &[&str]| {
        let mut arguments = vec!["verify", "-x509_strict", "-crl_check_all", "-CAfile", &root, "-untrusted", &seals];
        lists.iter().for_each(|list| arguments.extend(["-CRLfile", list]));
        run("openssl", arguments.into_iter().chain([leaf])).unwrap()
    };
    let fetch = |path: &str| {
        let (head, body) = http(&world.url(path), "GET", "", b"").unwrap();
        assert!(head.contains("200 OK") && head.contains("etag: "), "{head}");
        let der = desk.put("list.der", &body);
        let pem = desk.at(&path.replace('/', "_"));
        run_ok("openssl", ["crl", "-inform", "DER", "-in", &der, "-out", &pem]).unwrap();
        pem
    };
    let lists = [fetch("/crl/root.crl"), fetch("/crl/seals.crl")];
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let good_pem = desk.pem("good.pem", &good.certificate_der());
    let bad_pem = desk.pem("bad.pem", &bad.certificate_der());
    let said = verify(&good_pem, &lists);
    assert!(said.ok(), "{}{}", said.out, said.err);
    let said = verify(&bad_pem, &lists);
    assert!(said.err.contains("certificate revoked"), "{}", said.err);

    // What happens after the freeze is in the delta alone.
    world.freeze_crls(true);
    world.revoke(&good.certificate_der(), 1).unwrap();
    let whole = fetch("/crl/seals.crl");
    assert!(verify(&good_pem, &[lists[0], &whole]).ok());
    let delta = desk.put("delta.der", &world.crl_part(Issuer::Seals, CrlPart::Delta).unwrap());
    let shown = run_ok("openssl", ["crl", "-inform", "DER", "-in", &delta, "-noout", "-text"]).unwrap();
    assert!(shown.contains("Delta CRL Indicator: critical") && shown.contains("Key Compromise"), "{shown}");
    let shown = run_ok("openssl", ["crl", "-in", &whole, "-noout", "-text"]).unwrap();
    assert!(shown.contains("Freshest CRL") && shown.contains("/crl/seals-delta.crl"), "{shown}");
    let frozen: Vec<String> = vec![fetch("/crl/root.crl"), whole.clone()];
    let delta_pem = desk.at("delta.pem");
    run_ok("openssl", ["crl", "-inform", "DER", "-in", &delta, "-out", &delta_pem]).unwrap();
    let all = desk.put("all.pem", &[&frozen[0], &frozen[1], &delta_pem].map(|f| std::fs::read(f).unwrap()).concat());
    let arguments = ["verify", "-crl_check_all", "-extended_crl", "-use_deltas", "-CAfile", &root];
    let said =
        run("openssl", arguments.into_iter().chain(["-untrusted", &seals, "-CRLfile", &all, &good_pem])).unwrap();
    assert!(said.err.contains("certificate revoked"), "{}{}", said.out, said.err);
}

#[test]
fn partitions_hold_their_own_certificates_only() {
    let (world, desk) = (World::offline().unwrap(), Desk::new());
    let mut leaves = Vec::new();
    for partition in [1, 2] {
        let order = Order::signer(KeyKind::P256, "Gesperrt");
        let leaf = world.issue(&Order { partition: Some(partition), ..order }).unwrap();
        world.revoke(&leaf.certificate_der(), 1).unwrap();
        leaves.push(leaf.certificate_der());
    }
    let (seals, root) = (desk.pem("seals.pem", &world.authority_der(Issuer::Seals)), text(&world.root_pem()));
    let verdict = |leaf: &[u8], partition: usize| {
        let list = desk.put("list.der", &world.crl_part(Issuer::Seals, CrlPart::Partition(partition)).unwrap());
        let pem = desk.at("list.pem");
        run_ok("openssl", ["crl", "-inform", "DER", "-in", &list, "-out", &pem]).unwrap();
        let leaf = desk.pem("leaf.pem", leaf);
        let arguments = ["verify", "-crl_check", "-extended_crl", "-CAfile", &root, "-untrusted", &seals];
        run("openssl", arguments.into_iter().chain(["-CRLfile", &pem, &leaf])).unwrap().err
    };
    assert!(verdict(&leaves[0], 1).contains("certificate revoked"));
    assert!(verdict(&leaves[1], 2).contains("certificate revoked"));
    let other = verdict(&leaves[1], 1);
    assert!(other.contains("scope") && !other.contains("certificate revoked"), "{other}");
}

#[test]
fn certificates_are_as_ordered() {
    let (world, desk) = (World::offline().unwrap(), Desk::new());
    let (root, seals) = (text(&world.root_pem()), desk.pem("seals.pem", &world.authority_der(Issuer::Seals)));
    let verify = |order: &Order| {
        let leaf = desk.pem("leaf.pem", &world.issue(order).unwrap().certificate_der());
        let arguments = ["verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", &root, "-untrusted", &seals];
        let said = run("openssl", arguments.into_iter().chain([leaf.as_str()])).unwrap();
        let shown = run_ok("openssl", ["x509", "-in", &leaf, "-noout", "-text"]).unwrap();
        (said.ok(), format!("{}{shown}", said.err))
    };
    for kind in [KeyKind::P256, KeyKind::BrainpoolP256r1, KeyKind::Ed25519] {
        let (good, said) = verify(&Order::signer(kind, "Gut"));
        assert!(good, "{said}");
        for part in ["/ocsp", "/ca/seals.cer", "/crl/seals.crl", "Non Repudiation"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let order = Order::signer(KeyKind::P256, "Anders");
    let (_, said) = verify(&order.clone().valid(Validity::Expired));
    assert!(said.contains("certificate has expired"), "{said}");
    let (_, said) = verify(&order.clone().valid(Validity::NotYet));
    assert!(said.contains("not yet valid"), "{said}");
    let (good, said) = verify(&Order::new(Purpose::WrongUsage, KeyKind::P256, "Falsch"));
    assert!(!good && said.contains("Key Agreement") && !said.contains("Digital Signature"), "{said}");
    let (_, said) = verify(&Order::new(Purpose::Encryption, KeyKind::Rsa2048, "Empfang"));
    assert!(said.contains("Key Encipherment"), "{said}");
    let (_, said) = verify(&Order { ocsp: false, crl: false, ca_issuers: false, ..order });
    assert!(!said.contains("http://"), "{said}");
}

#[test]
fn a_large_list_is_made_quickly_and_asked_for_conditionally() {
    let world = World::start().unwrap();
    world.set_crl(|crl| crl.invented = 1_450_000);
    let began = Instant::now();
    let list = world.crl(Issuer::Seals).unwrap();
    assert!(list.len() > 50_000_000, "{}", list.len());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let parsed = openssl::x509::X509Crl::from_der(&list).unwrap();
    assert_eq!(parsed.get_revoked().unwrap().len(), 1_450_000);
    world.set_crl(|crl| crl.invented = 3);
    let url = world.url("/crl/seals.crl");
    let (head, _) = http(&url, "GET", "", b"").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{head}"));
        line.trim().to_owned()
    };
    let (tag, modified) = (header("etag: "), header("last-modified: "));
    for condition in [format!("If-None-Match: {tag}\r\n"), format!("If-Modified-Since: {modified}\r\n")] {
        let (head, body) = http(&url, "GET", &condition, b"").unwrap();
        assert!(head.contains("304") && body.is_empty(), "{condition}: {head}");
    }
    world.revoke(&world.signer(KeyKind::P256).unwrap().certificate_der(), 1).unwrap();
    assert!(http(&url, "GET", &format!("If-None-Match: {tag}\r\n"), b"").unwrap().0.contains("200 OK"));
}

#[test]
fn faults_of_the_line_come_over_the_line() {
    let (world, desk) = (World::start().unwrap(), Desk::new());
    let request = query(&desk, &desk.put("data", b"x"), "sha256").0;
    let ask = |path: &str| http(&world.url(path), "POST", "", &request);
    for (name, part) in
        [("http-429", "retry-after: 1"), ("http-500", "500"), ("http-401", "401"), ("wrong-type", "text/html")]
    {
        let (head, _) = ask(&format!("/tsa/{name}")).unwrap();
        assert!(head.contains(part), "{name}: {head}");
    }
    assert_eq!(ask("/tsa/drop").unwrap().0, "");
    assert!(ask("/tsa/garbage").unwrap().1.starts_with(b"<html>"));
    assert_eq!(ask("/tsa/endless").unwrap().1.len(), 10_000_000 - ask("/tsa/endless").unwrap().0.len() - 4);
    let (head, short) = ask("/tsa/short").unwrap();
    assert!(head.contains("200") && !short.is_empty() && !head.contains(&format!("length: {}", short.len())), "{head}");
    let began = Instant::now();
    world.fault("/tsa", Fault::Late(300), 1);
    assert!(ask("/tsa").is_ok() && began.elapsed() >= Duration::from_millis(300));

    // Down is refused, until somebody listens there.
    let down = world.url("/tsa/down");
    assert_eq!(http(&down, "POST", "", &request).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    world.open_down_port().unwrap();
    assert!(http(&down, "POST", "", &request).unwrap().0.contains("200 OK"));

    // The next two only, then well again; and every request is counted.
    world.fault("/tsa/rsa", Fault::Http500, 2);
    let codes: Vec<bool> = (0..3).map(|_| ask("/tsa/rsa").unwrap().0.contains("200 OK")).collect();
    assert_eq!(codes, [false, false, true]);
    assert_eq!(world.count("/tsa/rsa"), 3);
    world.fault("/tsa/as/one", Fault::Http500, u64::MAX);
    assert!(ask("/tsa/as/one").unwrap().0.contains("500") && ask("/tsa/as/two").unwrap().0.contains("200 OK"));
    world.heal("/tsa/as/one");
    assert!(ask("/tsa/as/one").unwrap().0.contains("200 OK"));
}

#[test]
fn user_and_client_certificate_are_asked_for() {
    let (world, desk) = (World::start().unwrap(), Desk::new());
    let request = query(&desk, &desk.put("data", b"x"), "sha256").0;
    let basic = world.url("/basic/tsa");
    assert!(http(&basic, "POST", "", &request).unwrap().0.contains("401"));
    let header = "Authorization: Basic c2VhbG1pbGw6Z2VoZWlt\r\n"; // sealmill:geheim
    assert!(http(&basic, "POST", header, &request).unwrap().0.contains("200 OK"));

    let client = world.client().unwrap();
    let (certificate, key) =
        (desk.put("c.pem", &client.chain_pem().unwrap()), desk.put("k.pem", &client.key_pem().unwrap()));
    let root = text(&world.root_pem());
    let get = |url: &str, with: bool| {
        let (host, path) = url.strip_prefix("https://").unwrap().split_once('/').unwrap();
        let mut arguments = vec!["s_client", "-connect", host, "-CAfile", &root, "-verify_return_error", "-quiet"];
        if with {
            arguments.extend(["-cert", &certificate, "-key", &key]);
        }
        let input =
            desk.put("request", format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        let mut command = std::process::Command::new("openssl");
        command.args(arguments).stdin(std::fs::File::open(input).unwrap());
        testkit::tools::said("openssl", &mut command).unwrap().out
    };
    let (open, closed) = (world.tls_url("/ca/root.cer"), world.tls_url("/client/ca/root.cer"));
    assert!(get(&open, false).contains("200 OK"));
    assert!(get(&closed, false).contains("403"));
    assert!(get(&closed, true).contains("200 OK"));
    let mutual = world.mutual_tls_url("/ca/root.cer");
    assert!(!get(&mutual, false).contains("200 OK"));
    assert!(get(&mutual, true).contains("200 OK"));
}

#[test]
fn proofs_hold_without_the_network_and_in_another_time() {
    let world = World::offline().unwrap();
    let signer = world.signer(KeyKind::P256).unwrap();
    let proofs = world.proofs(&signer.certificate_der()).unwrap();
    assert_eq!((proofs.certificates.len(), proofs.ocsp_responses.len(), proofs.crls.len()), (3, 1, 1));
    world.shift(-3 * 365 * 86_400);
    let desk = Desk::new();
    let token = desk.put("old.tst", &world.stamp(Hash::Sha256, &Hash::Sha256.of(b"x")).unwrap());
    let shown = run_ok("openssl", ["ts", "-reply", "-token_in", "-in", &token, "-text", "-token_out"]).unwrap();
    let year: i64 =
        shown.split("Time stamp: ").nth(1).unwrap()[..30].split_whitespace().nth(3).unwrap().parse().unwrap();
    let this_year = 1970 + (world.now() + 3 * 365 * 86_400) / 31_556_952;
    assert!((this_year - 4..=this_year - 2).contains(&year), "{year} {this_year}");
}

/// Stamps for load tests: far more than 1 000 in a second, also in a build without optimisation.
#[test]
fn a_thousand_stamps_take_less_than_a_second() {
    let world = World::offline().unwrap();
    let imprint = Hash::Sha256.of(b"x");
    world.unit(Unit::Good).unwrap();
    let began = Instant::now();
    for _ in 0..1000 {
        world.stamp(Hash::Sha256, &imprint).unwrap();
    }
    let took = began.elapsed();
    eprintln!("1000 stamps: {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}
