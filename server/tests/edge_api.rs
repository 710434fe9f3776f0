//! The network edge as applications see it: descriptions, SOAP and REST, who is let in, how requests end.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use base64_simd::STANDARD;
use edge::{
    Answer, basic, change, client_files, connect, curl, echo, envelope, home, post, raw, rest, status, text, token,
    user,
};
use model::{Clock, SystemClock, Time, UserName};
use rustix::process::Signal;
use std::io::Write;
use std::time::{Duration, Instant};
use store::access::AccessChange;
use support::{Home, PASSWORD, Server, pause, wait};
use testkit::pki::{KeyKind, Pki};

/// A home with the user `erp`, who has no rights, and a server that runs in it.
fn with_erp(lines: &str) -> (Home, Server) {
    let home = home(lines);
    user(&home, "main", "erp", &[]);
    let server = home.start();
    (home, server)
}

fn is_echo(answer: &Answer, said: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        answer.body.contains(&format!("<Text>{said}</Text>")) && answer.body.contains("echoResponse"),
        "{answer:?}"
    );
}

fn is_fault(answer: &Answer, status: u16, number: i32) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body.contains(&format!("<Status>{number}</Status>")), "{answer:?}");
    assert!(answer.body.contains("Fault>") && answer.body.contains("<CorrelationId>"), "{answer:?}");
}

#[test]
fn descriptions_are_shown_with_the_address_that_was_called() {
    let home = home("");
    let server = home.start();
    for base in [server.api("https"), server.api("http")] {
        for (path, at, words) in [
            ("/", "/", "wsdl/soap/"),
            ("/?wsdl", "/", "wsdl/soap/"),
            ("/soap?WSDL", "/", "wsdl/soap/"),
            ("/?wsdl&v=12", "/", "wsdl/soap12/"),
            ("/secsigner?wsdl", "/secsigner", "SecSignerSoapPortType"),
        ] {
            let answer = curl(&format!("{base}{path}"), &[]);
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("text/xml; charset=utf-8"));
            assert!(answer.body.contains(&format!("location=\"{base}{at}\"")), "{path}: {}", answer.body);
            assert!(answer.body.contains(words), "{path}: {}", answer.body);
        }
        let described = curl(&format!("{base}/v1/openapi.json"), &[]);
        let described: serde_json::Value = serde_json::from_str(&described.body).unwrap();
        assert_eq!(described["servers"][0]["url"], format!("{base}/v1"));
        assert_eq!(described["openapi"], "3.1.0");
    }
    let evil = curl(&format!("{}/?wsdl", server.api("http")), &["--header", "Host: x\"><evil/>"]);
    assert!(!evil.body.contains("evil"), "{}", evil.body);
    assert_eq!(curl(&server.api("http"), &["--head"]).status, 200);
}

#[test]
fn descriptions_can_be_kept_for_users_and_name_the_address_of_the_configuration() {
    let (_home, server) = with_erp("public_wsdl = false\naddress = \"https://seal.example:443\"");
    for path in ["/?wsdl", "/secsigner?wsdl", "/v1/openapi.json"] {
        let url = format!("{}{path}", server.api("https"));
        let stranger = curl(&url, &[]);
        assert_eq!(stranger.status, 401, "{stranger:?}");
        assert!(stranger.header("www-authenticate").unwrap().starts_with("Basic"), "{stranger:?}");
        let known = curl(&url, &["--user", &basic("erp")]);
        assert!(known.status == 200 && known.body.contains("https://seal.example:443/"), "{known:?}");
    }
}

#[test]
fn a_user_is_let_in_by_basic_by_token_and_by_certificate() {
    let home = home("client_certificates = \"optional\"");
    user(&home, "main", "erp", &[]);
    let identity = Pki::shared().issue(KeyKind::P256, "erp").unwrap();
    let server = home.start();
    let url = server.api("https");
    is_echo(&post(&url, &envelope("", &echo("a &amp; b")), &["--user", &basic("erp")]), "a &amp; b");
    is_echo(&post(&format!("{url}/soap"), &envelope(&token("erp", PASSWORD, ""), &echo("token")), &[]), "token");
    is_echo(&post(&server.api("http"), &envelope("", &echo("plain")), &["--user", &basic("erp")]), "plain");

    let (certificate, key) = client_files(&home, "erp", &identity);
    let shown = ["--cert", text(&certificate), "--key", text(&key)];
    is_fault(&post(&url, &envelope("", &echo("early")), &shown), 401, -23);
    let der = identity.certificate_der();
    let registered = AccessChange::AddCertificate {
        user: UserName::new("erp").unwrap(),
        fingerprint: actors::access::fingerprint(&der),
        der: STANDARD.encode_to_string(&der),
        state: store::access::CertificateState::Active,
    };
    change(&home, "main", registered);
    wait("the certificate to be known", 20, || {
        post(&url, &envelope("", &echo("certificate")), &shown).body.contains("<Text>certificate</Text>")
    });
}

#[test]
fn who_is_not_known_gets_one_and_the_same_answer() {
    let (home, server) = with_erp("");
    user(&home, "other", "stranger", &[]);
    let url = server.api("https");
    let message = envelope("", &echo("x"));
    let organisation = |name: &str| format!("X-AuthorizeOrg: {}", STANDARD.encode_to_string(name));
    is_echo(&post(&url, &message, &["--user", &basic("erp"), "--header", &organisation("MAIN")]), "x");
    is_echo(&post(&url, &message, &["--user", &basic("stranger"), "--header", &organisation("other")]), "x");
    for arguments in [
        vec![],
        vec!["--user", "erp:wrong"],
        vec!["--user", "nobody:wrong"],
        vec!["--user", &basic("stranger")],
        vec!["--user", &basic("erp"), "--header", &organisation("other")],
        vec!["--user", &basic("erp"), "--header", &organisation("nowhere")],
    ] {
        let answer = post(&url, &message, &arguments);
        is_fault(&answer, 401, -23);
        assert!(
            answer.header("www-authenticate").is_some() && answer.body.contains("FailedAuthentication"),
            "{answer:?}"
        );
        assert!(!answer.body.contains("erp") && !answer.body.contains("nowhere"), "{answer:?}");
    }
    assert!(!server.log().contains(PASSWORD));
    assert!(home.audit_is_unbroken() > 0);
}

#[test]
fn a_security_token_counts_once_and_while_it_is_fresh() {
    let (_home, server) = with_erp("");
    let url = server.api("https");
    let call = |user: &str, nonce: &str, ago: i64, arguments: &[&str]| {
        let created = soap::value::Moment(Time::from_micros(SystemClock.now().micros() - 1_000_000 * ago));
        let nonce = STANDARD.encode_to_string(nonce);
        let more = format!("<s:Nonce>{nonce}</s:Nonce><u:Created>{created}</u:Created>");
        let message = envelope(&token(user, PASSWORD, &more), &echo("x"));
        (post(&url, &message, arguments), message)
    };
    let (first, message) = call("erp", "one", 0, &[]);
    is_echo(&first, "x");
    let again = post(&url, &message, &[]);
    is_fault(&again, 401, -23);
    assert!(again.body.contains("InvalidSecurityToken"), "{again:?}");
    is_echo(&call("erp", "two", 60, &[]).0, "x");
    let stale = call("erp", "three", 1_000, &[]).0;
    assert!(stale.status == 401 && stale.body.contains("MessageExpired"), "{stale:?}");
    // The token must not name another user than the one who was let in.
    is_echo(&call("erp", "four", 0, &["--user", &basic("erp")]).0, "x");
    is_fault(&call("somebody", "five", 0, &["--user", &basic("erp")]).0, 401, -23);
}

#[test]
fn what_no_right_grants_is_refused_in_both_doors() {
    let (_home, server) = with_erp("");
    let body = "<p:getProfiles xmlns:p=\"http://seccommerce.de/ws/SecPKI/\"/>";
    let answer = post(&server.api("https"), &envelope("", body), &["--user", &basic("erp")]);
    is_fault(&answer, 500, -25);
    assert!(answer.body.contains("user erp has no right to look"), "{answer:?}");
    let rest = json(&server, "getProfiles", "{}", &["--user", &basic("erp")]);
    assert_eq!((rest.status, problem(&rest)["title"].as_str()), (403, Some("no-permission")), "{rest:?}");
}

fn json(server: &Server, operation: &str, body: &str, arguments: &[&str]) -> Answer {
    json_as(server, "application/json", operation, body, arguments)
}

fn json_as(server: &Server, media: &str, operation: &str, body: &str, arguments: &[&str]) -> Answer {
    let media = format!("Content-Type: {media}");
    let mut all = vec!["--header", &media, "--data-binary", body];
    all.extend(arguments);
    curl(&format!("{}/v1/{operation}", server.api("https")), &all)
}

fn problem(answer: &Answer) -> serde_json::Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn the_same_operations_are_there_as_json() {
    let (_home, server) = with_erp("");
    let erp = basic("erp");
    let answer = json(&server, "echo", "{\"text\":\"gr\\u00fc\\u00dfe\"}", &["--user", &erp]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"Text\":\"grüße\"}"), "{answer:?}");
    let version: serde_json::Value =
        serde_json::from_str(&json(&server, "getVersion", "", &["--user", &erp]).body).unwrap();
    assert_eq!(version["Product"], "sealmill");
    for (operation, body, arguments, status, title) in [
        ("echo", "{}", vec![], 401, "unauthenticated"),
        ("echo", "{\"txt\":\"\"}", vec!["--user", &erp], 400, "unknown-element"),
        ("echo", "{\"text\":7}", vec!["--user", &erp], 400, "json"),
        ("echo", "{\"text\":", vec!["--user", &erp], 400, "json"),
        ("echo", "[]", vec!["--user", &erp], 400, "json"),
        ("ecko", "{}", vec!["--user", &erp], 404, "operation"),
        ("../echo", "{}", vec!["--user", &erp, "--path-as-is"], 404, "operation"),
        ("createUser", "{}", vec!["--user", &erp, "--header", "Idempotency-Key: k"], 400, "idempotency-key"),
    ] {
        let answer = json(&server, operation, body, &arguments);
        if operation.contains("..") {
            assert_eq!(answer.status, 404, "{answer:?}");
            continue;
        }
        assert_eq!(
            (answer.status, problem(&answer)["title"].as_str()),
            (status, Some(title)),
            "{operation} {body}: {answer:?}"
        );
    }
    for (media, status) in [("text/plain", 415), ("application/json; charset=utf-8", 200), ("application/jsonp", 415)] {
        assert_eq!(json_as(&server, media, "echo", "{}", &["--user", &erp]).status, status, "{media}");
    }
}

#[test]
fn what_is_no_request_is_refused_at_the_edge() {
    let (_home, server) = with_erp("body_bytes_max = 100000\nanonymous_body_bytes_max = 10000");
    let url = server.api("http");
    let erp = basic("erp");
    let message = envelope("", &echo("x"));
    let put = curl(&url, &["--request", "PUT", "--data", "x"]);
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST")), "{put:?}");
    assert_eq!(curl(&format!("{url}/v1/echo"), &["--request", "GET"]).status, 405);
    assert_eq!(curl(&format!("{url}/etc/passwd"), &[]).status, 404);
    let media = |media: &str| ["--header".to_owned(), format!("Content-Type: {media}")];
    for (header, expected) in [(media("text/plain"), 415), (media("multipart/related"), 415), (media("text/xml"), 401)]
    {
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        assert_eq!(curl(&url, &[&header[..], &["--data-binary", &message]].concat()).status, expected, "{header:?}");
    }
    assert_eq!(post(&url, &message, &["--header", "Content-Type: text/xml"]).status, 400, "two of them");
    assert_eq!(post(&url, &message, &["--header", "Content-Encoding: gzip", "--user", &erp]).status, 415);
    is_echo(&post(&url, &message, &["--header", "Content-Encoding: identity", "--user", &erp]), "x");

    let long = envelope("", &echo(&"x".repeat(50_000)));
    is_fault(&post(&url, &long, &[]), 413, -1003);
    is_fault(&post(&url, &envelope("", &echo(&" ".repeat(100_001))), &["--user", &erp]), 413, -1003);
    let chunked = ["--user", erp.as_str(), "--header", "Transfer-Encoding: chunked"];
    is_fault(&post(&url, &envelope("", &echo(&" ".repeat(100_001))), &chunked), 413, -1003);
    is_echo(&post(&url, &message, &chunked), "x");

    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nConnection: close\r\n";
    for (fields, expected) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("Content-Length: -5\r\n\r\nhello", 400),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 500),
        ("\r\n", 411),
        ("no colon\r\n\r\n", 400),
        ("Content-Length: 99999999999999999999\r\n\r\n", 400),
        ("Content-Length: 1000000000\r\n\r\n", 413),
    ] {
        let answer = raw(&server, format!("{head}{fields}").as_bytes());
        assert_eq!(status(&answer), expected, "{fields:?}: {answer}");
    }
}

#[test]
fn headers_are_bounded_in_number_and_length() {
    let (_home, server) = with_erp("header_bytes_max = 4096\nheader_fields_max = 20");
    let head = |fields: String| format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    assert_eq!(status(&raw(&server, head("a: b\r\n".repeat(18)).as_bytes())), 200);
    assert_eq!(status(&raw(&server, head("a: b\r\n".repeat(19)).as_bytes())), 431);
    assert_eq!(status(&raw(&server, head("a: b\r\n".repeat(200)).as_bytes())), 431);
    assert_eq!(status(&raw(&server, head(format!("a: {}\r\n", "b".repeat(5_000))).as_bytes())), 431);
    assert_eq!(status(&raw(&server, head(format!("a: {}\r\n", "b".repeat(1_000_000))).as_bytes())), 431);
    let long = format!("GET /?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "q".repeat(3_000));
    assert_eq!(status(&raw(&server, long.as_bytes())), 414);
}

#[test]
fn slow_clients_are_ended_wherever_they_are_slow() {
    let (_home, server) = with_erp(
        "header_timeout_ms = 700\nkeep_alive_ms = 700\ntransfer_grace_ms = 700\ntransfer_bytes_per_second_min = 1000000",
    );
    let ended = |stream: &mut std::net::TcpStream| {
        let began = Instant::now();
        let said = rest(stream);
        assert!(began.elapsed() < Duration::from_secs(20), "it was not ended");
        said
    };
    // The first header, and a byte now and then.
    let mut first = connect(&server);
    for byte in b"GET / HTT" {
        if first.write_all(&[*byte]).is_err() {
            break;
        }
        pause(100);
    }
    assert!(matches!(status(&ended(&mut first)), 0 | 408));
    // The header of a second request.
    let mut second = connect(&server);
    second.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /noth").unwrap();
    let said = ended(&mut second);
    assert_eq!((status(&said), said.matches("HTTP/1.1").count()), (404, 1), "{said}");
    // No second request at all.
    let mut idle = connect(&server);
    idle.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(status(&ended(&mut idle)), 404);
    // A body that stops.
    let mut body = connect(&server);
    body.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<a>").unwrap();
    let said = ended(&mut body);
    assert!(said.contains("too slowly"), "{said}");
    // Answers that nobody takes.
    let mut reader = connect(&server);
    let asked = "GET /?wsdl HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2_000);
    reader.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let _ = reader.write_all(asked.as_bytes());
    wait("the slow reader to be ended", 20, || {
        server.metric("sealmill_api_connections_ended_total", &["why=\"slow reader\""]) == Some(1.0)
    });
    wait("all seats", 20, || server.metric("sealmill_api_connections", &[]) == Some(0.0));
}

#[test]
fn one_address_gets_no_more_connections_than_its_share() {
    let (_home, server) = with_erp("connections_per_address_max = 3");
    let held: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    wait("the connections", 10, || server.metric("sealmill_api_connections", &[]) == Some(3.0));
    assert_eq!(curl(&server.api("http"), &[]).status, 0);
    drop(held);
    wait("the seats", 10, || server.metric("sealmill_api_connections", &[]) == Some(0.0));
    assert_eq!(curl(&server.api("http"), &[]).status, 200);
}

#[test]
fn the_end_of_the_server_lets_requests_finish_and_takes_no_new_ones() {
    let (_home, server) = with_erp("");
    let message = envelope("", &echo("the last one"));
    let login = STANDARD.encode_to_string(basic("erp"));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    let mut under_way = connect(&server);
    under_way.write_all(format!("{head}{}", &message[..50]).as_bytes()).unwrap();
    let mut idle = connect(&server);
    wait("the connections", 10, || server.metric("sealmill_api_connections", &[]) == Some(2.0));
    pause(300);
    let address = server.api("http");
    server.signal(Signal::TERM);
    wait("the door to close", 10, || curl(&address, &[]).status == 0);
    assert_eq!(rest(&mut idle), "", "an idle connection is ended at once");
    pause(300);
    under_way.write_all(&message.as_bytes()[50..]).unwrap();
    let said = rest(&mut under_way);
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("the last one"), "{said}");
    assert!(server.stop().success());
}

#[test]
fn requests_are_counted_by_operation_and_outcome() {
    let (_home, server) = with_erp("");
    let url = server.api("https");
    let erp = basic("erp");
    for _ in 0..3 {
        post(&url, &envelope("", &echo("x")), &["--user", &erp]);
    }
    post(&url, &envelope("", "<nothing/>"), &["--user", &erp]);
    post(&url, &envelope("", &echo("x")), &[]);
    let count = |operation: &str, outcome: &str| {
        let labels = [format!("operation=\"{operation}\""), format!("outcome=\"{outcome}\"")];
        server.metric("sealmill_api_requests_total", &[&labels[0], &labels[1]]).unwrap_or(0.0)
    };
    assert_eq!((count("echo", "ok"), count("echo", "refused"), count("none", "fault")), (3.0, 1.0, 1.0));
    assert!(server.metric("sealmill_api_request_seconds_count", &["operation=\"echo\""]) == Some(4.0));
}

#[test]
fn a_home_of_init_lets_its_users_in_over_tls() {
    let home = Home::new();
    let made = home.path().join("made");
    assert_eq!(home.run(["init".as_ref(), made.as_os_str()]).code, 0);
    let server = home.start_at(&made.join("sealmill.toml"));
    let (root, url) = (made.join("keys/demo-ca.pem"), server.api("https"));
    for name in ["admin", "application"] {
        let password = made.join(format!("keys/{name}.password"));
        let said = home.run([
            "soap-request",
            "getVersion",
            "--url",
            &url,
            "--root",
            text(&root),
            "--user",
            name,
            "--password-file",
            text(&password),
        ]);
        assert!(said.code == 0 && said.out.contains("<Product>sealmill</Product>"), "{name}: {said:?}");
    }
    let other = Pki::shared().root_pem();
    let said = home.run(["soap-request", "getVersion", "--url", &url, "--root", text(&other)]);
    assert_eq!(said.code, 3, "a server that nobody vouches for gets nothing: {said:?}");
}

#[test]
fn the_command_line_calls_a_running_server() {
    let (home, server) = with_erp("");
    let password = home.path().join("erp.password");
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    let call = |operation: &str, arguments: &[&str]| {
        let url = server.api("http");
        let mut all =
            vec!["soap-request", operation, "--url", &url, "--user", "erp", "--password-file", text(&password)];
        all.extend(arguments);
        home.run(all)
    };
    for version in [&[][..], &["--soap12"]] {
        let said = call("echo", &[version, &["--set", "text=hello"]].concat());
        assert!(said.code == 0 && said.out.contains("<Text>hello</Text>"), "{said:?}");
    }
    let fault = call("getProfiles", &[]);
    assert!(fault.code == 1 && fault.out.contains("no right to look"), "{fault:?}");
    let unknown = call("ecko", &[]);
    assert!(unknown.code == 3 && unknown.err.contains("there are: echo, getVersion, sign"), "{unknown:?}");
    let wrong = call("echo", &["--set", "txt=hello"]);
    assert!(wrong.code == 3 && wrong.err.contains("echo has no txt"), "{wrong:?}");

    let document = home.path().join("invoice.xml");
    std::fs::write(&document, "<invoice/>").unwrap();
    let shown = home.run(["soap-request", "sign", "--show", "--file", text(&document), "--set", "profile=p"]);
    let expected = STANDARD.encode_to_string("<invoice/>");
    assert!(shown.code == 0 && shown.out.contains(&expected) && shown.out.contains("invoice.xml"), "{shown:?}");
}
