//! Mails made to break readers: bounded, and a reason that says what is wrong.

use crate::support::*;
use std::time::{Duration, Instant};

fn check(mail: &[u8], why: &str) {
    let start = Instant::now();
    let error = taken_apart(mail).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    assert!(start.elapsed() < Duration::from_secs(20), "{why}: {:?}", start.elapsed());
}

#[test]
fn floods_are_refused_with_a_reason() {
    let parts =
        ["Content-Type: multipart/mixed; boundary=b\r\n\r\n", &"--b\r\n\r\nx\r\n".repeat(100_000), "--b--"].concat();
    check(&mail(parts.as_bytes()), "more than 10000 parts");
    let mut deep = String::new();
    for number in 0..10_000 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{number}x\r\n\r\n--b{number}x\r\n"));
    }
    check(&mail(deep.as_bytes()), "nested more than 32 deep");
    check(&mail("Content-Type: message/rfc822\r\n\r\n".repeat(10_000).as_bytes()), "nested more than 32 deep");
    check(&mail("X-Flood: y\r\n".repeat(1_000_000).as_bytes()), "more than 2000 header fields");
    check(&mail(["X: ", &"y".repeat(20_000_000)].concat().as_bytes()), "header is longer than");
    check(&mail(["X: ", &"\r\n y".repeat(5_000_000)].concat().as_bytes()), "header is longer than");
}

#[test]
fn many_signatures_are_refused_with_a_reason() {
    let signed = sign(&alice(), b"Content-Type: text/plain\r\n\r\nx\r\n", &[]);
    let mut body = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    for _ in 0..100 {
        body.extend_from_slice(b"--b\r\n");
        body.extend_from_slice(&signed);
    }
    check(&mail(&body), "more than 64 signed or encrypted parts");
}

#[test]
fn oddities_are_no_reason_to_fall_over() {
    let odd: [&[u8]; 12] = [
        b"",
        b"From: a@b.de",
        b"From: a@b.de\r\n\r\n",
        b"From: a@b.de\r\nContent-Type: multipart/signed\r\n\r\n",
        b"From: a@b.de\r\nContent-Type: multipart/signed; boundary=\r\n\r\n--\r\n\r\nx\r\n--\r\n\r\ny\r\n----",
        b"From: a@b.de\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n--b\r\n--b--",
        b"From: a@b.de\r\nContent-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n",
        b"From: a@b.de\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"From: a@b.de\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: x-odd\r\n\r\nMIIB",
        b"From: a@b.de\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n",
        b"From a@b.de Mon Jan  1\r\n>From x\r\nFrom: \xff\xfe\r\nno field\r\n\r\n",
        b"POST / HTTP/1.1\r\nFrom: a@b.de\r\nContent-Type: text/plain\r\n\r\nx",
    ];
    for mail in odd {
        let inspection = taken_apart(mail).unwrap();
        assert!(all(&inspection).is_empty(), "{}", mail.escape_ascii());
    }
}
