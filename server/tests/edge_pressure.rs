//! The network edge under pressure: a full server says so at once, its end lets work finish, large documents cost no memory.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use base64_simd::STANDARD;
use edge::{basic, connect, curl, echo, envelope, post, rest, status, user};
use model::Function;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use support::{Home, Server, pause, wait};
use testkit::pki::KeyKind;

/// A home with a profile `cades` and the users `erp` and `shop`, who may sign.
fn sealer(lines: &str) -> (Home, Server) {
    let mut home = Home::new();
    home.add(&format!("[api]\nplain = [\"127.0.0.1:0\"]\n{lines}"));
    home.software("s", KeyKind::Rsa3072, 1).pool("all", &["s"]).profile("cades", "all", "format = \"cades\"");
    for name in ["erp", "shop"] {
        user(&home, "main", name, &[Function::Sign]);
    }
    let server = home.start_ready();
    (home, server)
}

/// Begins a call that signs so many documents, and takes its time for it.
fn begin(server: &Server, documents: usize) -> TcpStream {
    let document = |at: usize| json!({ "document": STANDARD.encode_to_string(format!("invoice {at}")) });
    let documents: Vec<Value> = (0..documents).map(document).collect();
    let body = json!({ "profile": "cades", "documents": documents }).to_string();
    let login = STANDARD.encode_to_string(basic("erp"));
    let mut stream = connect(server);
    write!(
        stream,
        "POST /v1/signBatch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {login}\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    wait("the call to be worked on", 30, || {
        server.metric("sealmill_api_requests_in_flight", &[]).is_some_and(|inside| inside > 0.0)
    });
    stream
}

/// The answer to a call of [`begin`]: all are signed.
fn all_signed(answer: &str, documents: usize) {
    assert_eq!(status(answer), 200, "{answer:.1000}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["Signed"], &body["Failed"]), (&json!(documents), &json!(0)), "{answer:.1000}");
}

#[test]
fn a_full_server_says_busy_at_once_and_what_is_inside_goes_on() {
    for (lines, who, others) in [
        ("requests_max = 1\nretry_after_s = 7", "shop", 503),
        ("requests_per_tenant_max = 1\nretry_after_s = 7", "shop", 503),
        ("requests_per_user_max = 1\nretry_after_s = 7", "erp", 200),
    ] {
        let (_home, server) = sealer(lines);
        let url = server.api("http");
        // Their passwords are known by now, which takes a moment.
        for name in ["erp", "shop"] {
            assert_eq!(post(&url, &envelope("", &echo("x")), &["--user", &basic(name)]).status, 200);
        }
        let mut inside = begin(&server, 300);
        let began = Instant::now();
        let busy = post(&url, &envelope("", &echo("x")), &["--user", &basic(who)]);
        let took = began.elapsed();
        assert_eq!((busy.status, busy.header("retry-after")), (503, Some("7")), "{lines}: {busy:?}");
        assert!(
            busy.body.contains("<Code>busy</Code>") && busy.body.contains("<RetryAfter>7</RetryAfter>"),
            "{busy:?}"
        );
        assert!(took < Duration::from_secs(2), "{lines}: busy after {took:?}");
        let other = post(&url, &envelope("", &echo("x")), &["--user", &basic("shop")]);
        assert_eq!(other.status, others, "{lines}: {other:?}");
        let problem = curl(
            &format!("{url}/v1/echo"),
            &["--user", &basic(who), "--header", "Content-Type: application/json", "--data-binary", "{}"],
        );
        assert_eq!((problem.status, problem.header("retry-after")), (503, Some("7")), "{problem:?}");
        assert!(server.metric("sealmill_api_busy_total", &[]).unwrap() >= 2.0);
        all_signed(&rest(&mut inside), 300);
        wait("the place to be free", 10, || {
            post(&url, &envelope("", &echo("x")), &["--user", &basic(who)]).status == 200
        });
    }
}

/// Sends the head of a call of `echo` and so many bytes of its body.
fn send(stream: &mut TcpStream, who: &str, envelope: &str, bytes: usize) {
    let login = STANDARD.encode_to_string(basic(who));
    let length = envelope.len();
    let head = format!(
        "POST /soap HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&envelope.as_bytes()[..bytes]).unwrap();
}

/// One answer, of a connection that may go on: its status, and whether it does.
fn answer(stream: &mut TcpStream) -> (u16, bool) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (status(&head), !head.contains("connection: close"))
}

#[test]
fn whoever_is_refused_keeps_her_connection_unless_her_body_is_slow_or_long() {
    let (_home, server) = sealer("requests_max = 1");
    let document = envelope("", &echo(&"x".repeat(100_000)));
    let long = envelope("", &echo(&"x".repeat(3 << 20)));
    // Her password is known by now.
    assert_eq!(post(&server.api("http"), &envelope("", &echo("x")), &["--user", &basic("shop")]).status, 200);
    let mut inside = begin(&server, 400);
    let mut stream = connect(&server);
    for _ in 0..3 {
        send(&mut stream, "shop", &document, document.len());
        assert_eq!(answer(&mut stream), (503, true));
    }
    for (envelope, bytes) in [(&document, 10), (&document, 50_000), (&long, 10)] {
        let mut stream = connect(&server);
        let began = Instant::now();
        send(&mut stream, "shop", envelope, bytes);
        assert_eq!(answer(&mut stream), (503, false), "{bytes} of {}", envelope.len());
        assert!(began.elapsed() < Duration::from_secs(2), "{bytes} of {}", envelope.len());
    }
    all_signed(&rest(&mut inside), 400);
    send(&mut stream, "shop", &envelope("", &echo("x")), envelope("", &echo("x")).len());
    assert_eq!(answer(&mut stream), (200, true));
}

#[test]
fn whoever_sends_slowly_occupies_no_place() {
    let (_home, server) = sealer("requests_max = 1");
    let message = envelope("", &echo("x"));
    let login = basic("shop");
    let mut slow = connect(&server);
    send(&mut slow, "erp", &message, 20);
    wait("a place beside a slow one", 10, || post(&server.api("http"), &message, &["--user", &login]).status == 200);
    slow.write_all(&message.as_bytes()[20..]).unwrap();
    assert_eq!(answer(&mut slow), (200, true));
}

#[test]
fn the_end_of_the_server_waits_for_what_is_being_signed() {
    let (home, server) = sealer("");
    let mut inside = begin(&server, 200);
    let address = server.api("http");
    server.signal(Signal::TERM);
    wait("the door to close", 10, || curl(&address, &[]).status == 0);
    all_signed(&rest(&mut inside), 200);
    assert!(server.stop().success());
    assert!(home.audit_is_unbroken() > 0);
}

#[test]
fn a_client_who_goes_away_gives_back_seat_and_place() {
    let (_home, server) = sealer("");
    for _ in 0..3 {
        drop(begin(&server, 50));
    }
    wait("seats and places", 60, || {
        let free = |name: &str| server.metric(name, &[]) == Some(0.0);
        free("sealmill_api_connections") && free("sealmill_api_requests_in_flight")
    });
    pause(100);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn a_large_document_costs_no_memory_whichever_way_it_comes() {
    const MIB: usize = 1 << 20;
    let (home, server) = sealer("");
    let login = STANDARD.encode_to_string(basic("erp"));
    let piece: Vec<u8> = (0..3 * MIB).map(|at| (at * 31 % 251) as u8).collect();
    let text = STANDARD.encode_to_string(&piece).into_bytes();
    let soap = |document: &str| {
        envelope(
            "",
            &format!(
                "<p:sign xmlns:p=\"http://seccommerce.de/ws/SecPKI/\"><p:document>{document}</p:document>\
             <p:profile>cades</p:profile></p:sign>"
            ),
        )
    };
    let include = "<i:Include xmlns:i=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:one\"/>";
    let mtom = format!(
        "--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n{}\r\n--b\r\n\
         Content-ID: <one>\r\nContent-Transfer-Encoding: binary\r\n\r\n#\r\n--b--",
        soap(include)
    );
    let inline = soap("#").replace("<p:documentName/>", "");
    let media =
        "multipart/related; type=\"application/xop+xml\"; boundary=b; start=\"<root>\"; start-info=\"text/xml\"";
    // 500 MB of document by SOAP, either way.
    for (what, path, media, around, piece, pieces) in [
        ("MTOM", "/", media, mtom.as_str(), &piece, 160),
        ("base64", "/", "text/xml; charset=utf-8", inline.as_str(), &text, 160),
        ("JSON", "/v1/sign", "application/json", "{\"profile\":\"cades\",\"document\":\"#\"}", &text, 30),
    ] {
        let (before, after) = around.split_once('#').unwrap();
        let length = before.len() + piece.len() * pieces + after.len();
        let mut stream = connect(&server);
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {login}\r\nContent-Type: \
             {media}\r\nContent-Length: {length}\r\n\r\n{before}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        (0..pieces).for_each(|_| stream.write_all(piece).unwrap());
        stream.write_all(after.as_bytes()).unwrap();
        let answer = rest(&mut stream);
        assert_eq!(status(&answer), 200, "{what}: {answer:.1500}");
        assert!(answer.contains("Signature"), "{what}: {answer:.1500}");
        let peak = server.peak_bytes() / (1 << 20);
        eprintln!("{what}: {} MiB sent, the server has held {peak} MiB at most", length / MIB);
        assert!(peak < 200, "{what}: {peak} MiB");
    }
    wait("the spool to be empty", 20, || {
        support::names(&home.path().join("spool")).iter().all(|name| !name.starts_with("content"))
    });
}
