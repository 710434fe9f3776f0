//! Requests that mean harm end in a clear refusal, at once and in bounded memory, and the server goes on.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use base64_simd::STANDARD;
use edge::{basic, connect, echo, envelope, home, post, raw, rest, status, token, user};
use model::{Clock, Function, SystemClock};
use std::io::Write;
use std::time::{Duration, Instant};
use support::{Home, PASSWORD, Server, wait};

/// The most memory that the server may have held after all of it, in bytes.
const MEMORY_MAX: u64 = 200 * 1024 * 1024;

/// The same where many wrong passwords were checked: each check takes 19 MiB, which the allocator keeps for the thread.
const MEMORY_WITH_PASSWORDS_MAX: u64 = 320 * 1024 * 1024;

/// The longest that a refusal may take; most of it is the client's own sending.
const PATIENCE: Duration = Duration::from_secs(40);

/// A home with a user who may do everything, so that nothing is refused for want of rights.
fn hostile_home(lines: &str) -> (Home, Server) {
    let home = home(lines);
    user(&home, "main", "erp", &Function::ALL);
    let server = home.start();
    (home, server)
}

/// Sends a message as the user `erp` and gives the whole answer.
fn send(server: &Server, media: &str, body: &[u8]) -> String {
    let began = Instant::now();
    let login = STANDARD.encode_to_string(basic("erp"));
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {login}\r\nContent-Type: \
         {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = connect(server);
    let mut other = stream.try_clone().unwrap();
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| {
            // The server may have heard enough before the end.
            let _ = other.write_all(head.as_bytes());
            let _ = body.chunks(64 * 1024).try_for_each(|piece| other.write_all(piece));
        });
        rest(&mut stream)
    });
    assert!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
    answer
}

/// The message is answered by a fault of the client with this word, and the server is well.
#[track_caller]
fn check(server: &Server, what: &str, media: &str, body: &[u8], code: &str) {
    let answer = send(server, media, body);
    let shown: String = answer.chars().take(1_500).collect();
    assert!(matches!(status(&answer), 400..=500), "{what}: {shown}");
    assert!(answer.contains(&format!("<Code>{code}</Code>")), "{what}: not {code}: {shown}");
    assert!(answer.contains("<CorrelationId>"), "{what}: {shown}");
    assert!(!answer.contains("root:") && !answer.contains("panicked"), "{what}: {shown}");
}

fn well(server: &Server) {
    well_within(server, MEMORY_MAX);
}

fn well_within(server: &Server, memory_max: u64) {
    let answer = post(&server.api("http"), &envelope("", &echo("still here")), &["--user", &basic("erp")]);
    assert!(answer.body.contains("<Text>still here</Text>"), "{answer:?}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
    let peak = server.peak_bytes();
    eprintln!("the server has held {} MiB at most", peak / (1 << 20));
    assert!(peak < memory_max, "{} MiB", peak / (1 << 20));
}

const XML: &str = "text/xml; charset=utf-8";

/// An envelope with this document type.
fn with_doctype(doctype: &str) -> Vec<u8> {
    envelope("", &echo("&x;")).replacen("?>", &format!("?>{doctype}"), 1).into_bytes()
}

#[test]
fn xml_that_means_harm() {
    let (_home, server) = hostile_home("");
    let bomb: String = (1..30).map(|at| format!("<!ENTITY e{at} \"&e{};&e{};\">", at - 1, at - 1)).collect();
    let deep = "<a>".repeat(1_000_000);
    let many = |text: &dyn Fn(usize) -> String| (0..200_000).map(text).collect::<String>();
    let open = "<p:echo xmlns:p=\"http://seccommerce.de/ws/SecPKI/\"";
    for (what, body, code) in [
        ("entities that double", with_doctype(&format!("<!DOCTYPE x [<!ENTITY e0 \"ha\">{bomb}]>")), "xml"),
        ("a file as an entity", with_doctype("<!DOCTYPE x [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"), "xml"),
        ("an address as an entity", with_doctype("<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\">"), "xml"),
        ("a million elements in each other", envelope("", &deep).into_bytes(), ""),
        ("the same in the header", envelope(&deep, "").into_bytes(), "too-deep"),
        (
            "an attribute of ten megabytes",
            envelope("", &format!("{open} a=\"{}\"/>", "x".repeat(10_000_000))).into_bytes(),
            "",
        ),
        (
            "very many attributes",
            envelope("", &format!("{open}{}/>", many(&|at| format!(" a{at}=\"\"")))).into_bytes(),
            "",
        ),
        (
            "very many namespaces",
            envelope("", &format!("{open}{}/>", many(&|at| format!(" xmlns:n{at}=\"u\"")))).into_bytes(),
            "",
        ),
        ("a name of a megabyte", envelope("", &format!("<{}/>", "n".repeat(1_000_000))).into_bytes(), ""),
        ("a text without end", envelope("", &echo(&"x".repeat(20_000_000))).into_bytes(), ""),
        ("a comment without end", envelope("", &format!("<!--{}-->", "x".repeat(20_000_000))).into_bytes(), ""),
        ("two bodies", envelope("", &format!("{}</e:Body><e:Body>{}", echo("a"), echo("b"))).into_bytes(), ""),
        ("two operations", envelope("", &format!("{}{}", echo("a"), echo("b"))).into_bytes(), ""),
        (
            "something behind the body",
            envelope("", &format!("{}</e:Body><e:More/><e:Body>", echo("a"))).into_bytes(),
            "",
        ),
        ("a processing instruction", envelope("", "<?php system('id'); ?>").into_bytes(), ""),
        ("an entity that nobody knows", envelope("", &echo("&nbsp;")).into_bytes(), ""),
        ("a character that XML has not", envelope("", &echo("&#0;")).into_bytes(), ""),
        ("an envelope that ends too early", envelope("", &echo("x")).as_bytes()[..200].to_vec(), ""),
        ("nothing", Vec::new(), ""),
        ("no XML", b"GET / HTTP/1.1\r\n\r\n".to_vec(), ""),
    ] {
        let answer = send(&server, XML, &body);
        let shown: String = answer.chars().take(1_500).collect();
        assert!(matches!(status(&answer), 400..=500), "{what}: {shown}");
        assert!(answer.contains("<Code>") && answer.contains("<CorrelationId>"), "{what}: {shown}");
        assert!(answer.contains(":Client</faultcode>"), "{what} is the client's fault: {shown}");
        assert!(!answer.contains("root:"), "{what}: {shown}");
        if !code.is_empty() {
            assert!(answer.contains(&format!("<Code>{code}</Code>")), "{what}: not {code}: {shown}");
        }
    }
    well(&server);
}

#[test]
fn encodings_that_lie() {
    let (_home, server) = hostile_home("");
    let message = envelope("", &echo("ä"));
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let mut odd = vec![0xff, 0xfe];
    odd.extend(wide(&message.replace("UTF-8", "UTF-16")));
    odd.pop();
    for (what, media, body) in [
        (
            "a character cut in two",
            XML,
            message.replacen('ä', "\u{1}", 1).into_bytes().into_iter().map(|b| if b == 1 { 0xc3 } else { b }).collect(),
        ),
        ("a character in too many bytes", XML, [message.as_bytes(), b"\xc0\xaf"].concat()),
        ("another encoding in the header", "text/xml; charset=utf-7", message.clone().into_bytes()),
        ("another encoding in the message", XML, message.replace("UTF-8", "EBCDIC-CP-US").into_bytes()),
        ("half a character of two bytes", "text/xml", odd),
        ("two bytes for each without saying so", XML, wide(&message)),
        ("a zero", XML, message.replacen('ä', "\0", 1).into_bytes()),
    ] {
        let answer = send(&server, media, &body);
        assert!(matches!(status(&answer), 400..=500) && answer.contains("<CorrelationId>"), "{what}: {answer}");
    }
    well(&server);
}

fn cut(mut bytes: Vec<u8>, by: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - by);
    bytes
}

/// A message with these attachments: head and body of each; `end`: how it ends.
fn attachments(parts: &[(&str, &[u8])], end: &str) -> Vec<u8> {
    let body = "<p:verify xmlns:p=\"http://seccommerce.de/ws/SecPKI/\"><p:signature><i:Include \
                xmlns:i=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:one\"/></p:signature></p:verify>";
    let root = envelope("", body);
    let root_head = "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <root>";
    let mut message = format!("--b\r\n{root_head}\r\n\r\n{root}\r\n").into_bytes();
    for (head, bytes) in parts {
        message.extend(format!("--b\r\n{head}\r\n\r\n").as_bytes());
        message.extend_from_slice(bytes);
        message.extend_from_slice(b"\r\n");
    }
    message.extend(end.as_bytes());
    message
}

#[test]
fn attachments_that_lie() {
    let (home, server) = hostile_home("");
    let media =
        "multipart/related; type=\"application/xop+xml\"; boundary=b; start=\"<root>\"; start-info=\"text/xml\"";
    let one = ("Content-ID: <one>\r\nContent-Transfer-Encoding: binary", &b"signature"[..]);
    let long_head = format!("Content-ID: <one>\r\nX: {}", "x".repeat(10_000_000));
    let many: Vec<_> = (0..100_000).map(|at| format!("Content-ID: <n{at}>")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|head| (head.as_str(), &b"x"[..])).collect();
    for (what, media, body) in [
        ("no end", media, attachments(&[one], "")),
        ("an end in the middle", media, cut(attachments(&[one], "--b--"), 30)),
        ("no attachment", media, attachments(&[], "--b--")),
        ("the same twice", media, attachments(&[one, one], "--b--")),
        ("one that nobody wants", media, attachments(&[one, ("Content-ID: <two>", b"x")], "--b--")),
        ("no name", media, attachments(&[("Content-Type: text/plain", b"x")], "--b--")),
        ("a head without end", media, attachments(&[(&long_head, b"x")], "--b--")),
        ("very many", media, attachments(&many, "--b--")),
        ("no boundary", "multipart/related; type=\"application/xop+xml\"", attachments(&[one], "--b--")),
        ("an empty boundary", "multipart/related; boundary=\"\"", attachments(&[one], "--b--")),
        ("a boundary that never comes", "multipart/related; boundary=never", attachments(&[one], "--b--")),
    ] {
        let answer = send(&server, media, &body);
        let shown: String = answer.chars().take(1_500).collect();
        assert!(matches!(status(&answer), 400..=500) && shown.contains("<CorrelationId>"), "{what}: {shown}");
        assert!(shown.contains(":Client</faultcode>"), "{what} is the client's fault: {shown}");
    }
    well(&server);
    let left = support::names(&home.path().join("spool")).into_iter().filter(|name| name.starts_with("content"));
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "nothing is left in the spool");
}

#[test]
fn tokens_that_lie() {
    let (home, server) = hostile_home("");
    let now = soap::value::Moment(SystemClock.now());
    let once = format!("<s:Nonce>{}</s:Nonce><u:Created>{now}</u:Created>", STANDARD.encode_to_string("nonce"));
    let good = token("erp", PASSWORD, &once);
    let url = server.api("http");
    let message = envelope(&good, &echo("first"));
    assert_eq!(post(&url, &message, &[]).status, 200);
    let digest = good.replace(
        "<s:Password>",
        "<s:Password Type=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest\">",
    );
    for (what, header) in [
        ("the same again", good.clone()),
        ("another time, the same nonce and time", good.replace("</s:UsernameToken>", " </s:UsernameToken>")),
        ("two of them", format!("{good}{good}")),
        ("a digest", digest),
        ("no name", good.replace("<s:Username>erp</s:Username>", "")),
        ("no password", good.replace(&format!("<s:Password>{PASSWORD}</s:Password>"), "")),
        ("a nonce that is none", token("erp", PASSWORD, "<s:Nonce>***</s:Nonce>")),
        ("a nonce without end", token("erp", PASSWORD, &format!("<s:Nonce>{}</s:Nonce>", "A".repeat(100_000)))),
        ("a time that is none", token("erp", PASSWORD, "<u:Created>yesterday</u:Created>")),
        ("a time long ago", token("erp", PASSWORD, "<u:Created>2001-01-01T00:00:00Z</u:Created>")),
        ("a time to come", token("erp", PASSWORD, "<u:Created>2999-01-01T00:00:00Z</u:Created>")),
        ("another kind of token", good.replace("UsernameToken", "BinarySecurityToken")),
        ("a header that must be understood", "<m:x xmlns:m=\"urn:m\" e:mustUnderstand=\"1\"/>".to_owned()),
        ("a wrong password", token("erp", "wrong", "")),
    ] {
        let answer = post(&url, &envelope(&header, &echo("x")), &[]);
        assert!(matches!(answer.status, 400..=500) && answer.body.contains("<CorrelationId>"), "{what}: {answer:?}");
        assert!(!answer.body.contains(PASSWORD) && !answer.body.contains("<Text>"), "{what}: {answer:?}");
    }
    assert!(!server.log().contains(PASSWORD));
    well(&server);
    assert!(home.audit_is_unbroken() > 0);
}

#[test]
fn sql_and_paths_in_every_field() {
    let (home, server) = hostile_home("");
    let url = server.api("http");
    let before = support::names(home.path());
    let evil = [
        "'; DROP TABLE users; --",
        "' OR '1'='1",
        "\" OR \"\"=\"",
        "1; SELECT pg_sleep(30)",
        "%27%20UNION%20SELECT%20*",
        "\\'; --",
        "../../../../etc/passwd",
        "..\\..\\windows",
        "/etc/cron.d/evil",
        "a/../../evil",
        "CON",
        "-rf",
        "$(touch evil)",
        "{{7*7}}",
        "\u{202e}fdp.exe",
    ];
    for text in evil {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        // In the credentials: nobody is let in.
        let login = format!("{text}:{text}");
        let organisation = format!("X-AuthorizeOrg: {}", STANDARD.encode_to_string(text));
        for arguments in [vec!["--user", &login], vec!["--user", &basic("erp"), "--header", &organisation]] {
            let answer = post(&url, &envelope("", &echo("x")), &arguments);
            assert!(matches!(answer.status, 400..=500) && !answer.body.contains("<Text>"), "{text}: {answer:?}");
        }
        let answer = post(&url, &envelope(&token(&escaped, &escaped, ""), &echo("x")), &[]);
        assert!(matches!(answer.status, 400..=500) && !answer.body.contains("<Text>"), "{text}: {answer:?}");
        // In a text that comes back as it was.
        let answer = post(&url, &envelope("", &echo(&escaped)), &["--user", &basic("erp")]);
        assert_eq!(answer.status, 200, "{text}: {answer:?}");
        // In each field of each operation that takes a text.
        for operation in soap::table::OPERATIONS.iter().filter(|one| one.service == soap::table::Service::SecPki) {
            let texts =
                operation.request.fields.iter().filter(|field| {
                    !matches!(field.kind, soap::message::Kind::Record(_) | soap::message::Kind::Binary)
                });
            let fields: Vec<(&str, &str)> = texts.map(|field| (field.name, text)).collect();
            if fields.is_empty() || matches!(operation.name, "echo") {
                continue;
            }
            let Ok(message) = soap::sample::filled(operation, soap::read::Version::Soap11, &fields) else { continue };
            let answer = send(&server, XML, message.as_bytes());
            assert!(matches!(status(&answer), 200..=501), "{} {text}: {answer}", operation.name);
            assert!(
                !answer.contains("root:") && !answer.to_lowercase().contains("sqlite"),
                "{}: {answer}",
                operation.name
            );
        }
    }
    well_within(&server, MEMORY_WITH_PASSWORDS_MAX);
    assert_eq!(support::names(home.path()), before, "no file was made");
    assert!(home.audit_is_unbroken() > 0);
}

#[test]
fn floods_at_the_edge() {
    let (_home, server) = hostile_home("header_timeout_ms = 1500\ntransfer_grace_ms = 1500");
    let login = STANDARD.encode_to_string(basic("erp"));
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Type: text/xml\r\n");
    // Headers without end: many, and one.
    assert_eq!(status(&raw(&server, format!("{head}{}\r\n", "a: b\r\n".repeat(100_000)).as_bytes())), 431);
    assert_eq!(status(&raw(&server, format!("{head}a: {}\r\n\r\n", "b".repeat(50_000_000)).as_bytes())), 431);
    // Chunks of one byte, and chunks with extensions.
    let tiny = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", "1\r\n \r\n".repeat(500_000));
    assert!(matches!(status(&raw(&server, tiny.as_bytes())), 400..=500));
    let extended = format!("{head}Transfer-Encoding: chunked\r\n\r\n1;{}\r\n \r\n0\r\n\r\n", "x".repeat(1_000_000));
    assert!(matches!(status(&raw(&server, extended.as_bytes())), 0 | 400..=500));
    // A gzip bomb is not unpacked.
    let bomb = format!("{head}Content-Encoding: gzip\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789");
    assert_eq!(status(&raw(&server, bomb.as_bytes())), 415);
    // Two hundred clients that say a word each and wait: they cost a seat each, for a while.
    let slow: Vec<_> = (0..200)
        .map(|at| {
            let mut stream = connect(&server);
            let said = match at % 2 {
                0 => "POST / HT".to_owned(),
                _ => format!("{head}Content-Length: 1000\r\n\r\n<e:Env"),
            };
            stream.write_all(said.as_bytes()).unwrap();
            stream
        })
        .collect();
    // Everybody else is served meanwhile.
    let began = Instant::now();
    well(&server);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    wait("the slow ones to be ended", 30, || server.metric("sealmill_api_connections", &[]) == Some(0.0));
    drop(slow);
    well(&server);
}

#[test]
fn json_that_means_harm() {
    let (_home, server) = hostile_home("");
    let login = STANDARD.encode_to_string(basic("erp"));
    let call = |operation: &str, body: &str| {
        let head = format!(
            "POST /v1/{operation} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic {login}\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        raw(&server, [head.as_bytes(), body.as_bytes()].concat().as_slice())
    };
    for (what, body) in [
        ("a million lists in each other", "[".repeat(1_000_000)),
        ("a million objects in each other", "{\"text\":".repeat(1_000_000)),
        ("a text without end", format!("{{\"text\":\"{}\"}}", "x".repeat(20_000_000))),
        ("a number without end", format!("{{\"text\":{}}}", "9".repeat(3_000_000))),
        ("very many members", format!("{{{}}}", (0..200_000).map(|at| format!("\"a{at}\":1,")).collect::<String>())),
        ("half of a pair", "{\"text\":\"\\ud800\"}".to_owned()),
        ("a zero", "{\"text\":\"\\u0000\"}".to_owned()),
        ("the same twice", "{\"text\":\"a\",\"text\":\"b\"".to_owned()),
    ] {
        let answer = call("echo", &body);
        let shown: String = answer.chars().take(1_500).collect();
        assert!(matches!(status(&answer), 400..=499) && answer.contains("problem+json"), "{what}: {shown}");
    }
    well(&server);
}

#[test]
fn what_a_stranger_sends_is_short() {
    let (_home, server) = hostile_home("anonymous_body_bytes_max = 100000");
    let body = envelope("", &echo(&"x".repeat(10_000_000)));
    let head =
        format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = raw(&server, format!("{head}{body}").as_bytes());
    assert_eq!(status(&answer), 413, "{answer}");
    check(&server, "the same of somebody known is too much for another reason", XML, body.as_bytes(), "text-too-long");
    well(&server);
}
