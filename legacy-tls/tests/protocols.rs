//! What is spoken and what is not, seen by clients of the same OpenSSL that still know the old protocols, by the system's
//! `openssl s_client`, and by Java, whose TLS is nobody's copy of OpenSSL.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use openssl::ssl::SslVersion;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use support::{PROTOCOLS, SUITES, Setup, client};

fn exists(suite_needs_12: bool, protocol: &str) -> bool {
    !suite_needs_12 || protocol == "tls1.2"
}

#[test]
fn every_protocol_completes_with_every_suite_that_exists_in_it() {
    let listener = Setup::new().start();
    let mut completed = 0;
    for (protocol, version, name) in PROTOCOLS {
        for (_, cipher, needs_12) in SUITES {
            if exists(needs_12, protocol) {
                listener.serves(version, name, cipher);
                completed += 1;
            } else {
                listener.refuses(version, cipher);
            }
        }
    }
    assert_eq!(completed, 4 * 3 + 2);
    let log = listener.log();
    assert!(
        log.contains("WARNING: the legacy listener is on: protocols=SSL 3.0,TLS 1.0,TLS 1.1,TLS 1.2 suites="),
        "{log}"
    );
}

#[test]
fn tls_1_3_and_every_other_suite_are_refused() {
    let listener = Setup::new().start();
    // All that this OpenSSL can offer, without ours; and some each alone.
    let without_ours = SUITES.map(|(_, cipher, _)| format!("!{cipher}")).join(":");
    let alone = [
        "NULL-SHA",
        "NULL-MD5",
        "ADH-AES128-SHA",
        "AECDH-AES128-SHA",
        "DHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA",
        "ECDHE-RSA-DES-CBC3-SHA",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES128-CCM",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "PSK-AES128-CBC-SHA",
    ];
    for (_, version, _) in PROTOCOLS {
        listener.refuses(version, &format!("ALL:COMPLEMENTOFALL:{without_ours}"));
        alone.iter().for_each(|cipher| listener.refuses(version, cipher));
    }
    listener.refuses(SslVersion::TLS1_3, "ALL");
    // Who knows TLS 1.3 and our suites as well gets TLS 1.2.
    let mut newer = client(SslVersion::TLS1_3, "AES256-SHA");
    newer.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    let stream = listener.handshake(&newer.build()).unwrap();
    assert_eq!(stream.ssl().version_str(), "TLSv1.2");
    assert_eq!(listener.accept().1.cipher, "AES256-SHA");
}

#[test]
fn a_protocol_that_is_switched_off_is_refused() {
    for off in PROTOCOLS {
        let mut setup = Setup::new();
        setup.protocols.retain(|protocol| *protocol != off.0);
        if off.0 == "tls1.2" {
            setup.suites.drain(..2);
        }
        let listener = setup.start();
        for (protocol, version, name) in PROTOCOLS {
            if protocol == off.0 {
                listener.refuses(version, "AES128-SHA");
            } else {
                listener.serves(version, name, "AES128-SHA");
            }
        }
    }
}

#[test]
fn a_suite_that_is_switched_off_is_refused() {
    for off in SUITES {
        let mut setup = Setup::new();
        setup.suites.retain(|suite| *suite != off.0);
        let listener = setup.start();
        for (_, cipher, _) in SUITES {
            if cipher == off.1 {
                PROTOCOLS.iter().for_each(|(_, version, _)| listener.refuses(*version, cipher));
            } else {
                listener.serves(SslVersion::TLS1_2, "TLSv1.2", cipher);
            }
        }
    }
}

#[test]
fn the_operators_order_of_suites_decides() {
    let mut setup = Setup::new();
    setup.suites.reverse();
    let listener = setup.start();
    let client = client(SslVersion::TLS1_2, "AES256-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA");
    let stream = listener.handshake(&client.build()).unwrap();
    assert_eq!(stream.ssl().current_cipher().unwrap().name(), "DES-CBC3-SHA");
}

#[test]
fn the_systems_s_client_gets_through() {
    let listener = Setup::new().start();
    for (flag, name, cipher) in [
        ("-tls1", "TLSv1", "AES128-SHA"),
        ("-tls1_1", "TLSv1.1", "AES256-SHA"),
        ("-tls1_2", "TLSv1.2", "AES256-SHA256"),
    ] {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-cipher", &format!("{cipher}:@SECLEVEL=0"), flag, "-connect"]);
        command.arg(listener.address.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (mut server, header) = listener.accept();
        assert_eq!((header.version.as_str(), header.cipher.as_str()), (name, cipher));
        server.write_all(b"hello\n").unwrap();
        drop(server);
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello\n", "{name}");
        child.wait().unwrap();
    }
}

#[test]
fn java_speaks_every_protocol_and_suite_and_the_greeting_of_version_2() {
    let listener = Setup::new().start();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/OldClient.java");
    let mut java = Command::new("java");
    java.args([program, &listener.address.port().to_string()]).stdout(Stdio::piped());
    let mut child = java.spawn().unwrap();
    // Protocol and suite of each connection that the Java program makes, in its order.
    let mut seen = Vec::new();
    for _ in 0..4 * 3 + 2 + 1 {
        let (mut server, header) = listener.accept();
        let mut line = [0; 6];
        server.read_exact(&mut line).unwrap();
        server.write_all(&line).unwrap();
        seen.push(format!("{} {}", header.version, header.cipher));
    }
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    let mut expected = Vec::new();
    for (protocol, _, name) in PROTOCOLS {
        for (_, cipher, needs_12) in SUITES {
            if exists(needs_12, protocol) {
                expected.push(format!("{name} {cipher}"));
            }
        }
    }
    expected.push("TLSv1 AES256-SHA".to_owned());
    assert_eq!(seen, expected);
    assert_eq!(said.lines().count(), expected.len());
}
