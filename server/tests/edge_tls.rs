//! TLS of the network edge, judged by curl and OpenSSL: versions, client certificates, new files while it runs.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod edge;
mod support;

use edge::{client_files, curl, home, put_identity, s_client, text};
use rustix::process::Signal;
use std::net::TcpStream;
use support::{Server, pause, wait};
use testkit::pki::{KeyKind, Pki};

/// Serial number of the certificate that the server shows.
fn shown(server: &Server) -> String {
    let (_, said) = s_client(server, &["-showcerts"]);
    let start = said.find("-----BEGIN CERTIFICATE-----").unwrap_or_else(|| panic!("no certificate: {said}"));
    let end = said[start..].find("-----END CERTIFICATE-----").unwrap();
    said[start..start + end].to_owned()
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let usual = home("");
    let server = usual.start();
    for (version, spoken) in [("-tls1_2", true), ("-tls1_3", true), ("-tls1_1", false), ("-tls1", false)] {
        let (done, said) = s_client(&server, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
        assert_eq!(done, spoken, "{version}: {said}");
    }
    assert!(server.stop().success());
    let strict = home("tls_min = \"1.3\"");
    let server = strict.start();
    assert!(!s_client(&server, &["-tls1_2"]).0);
    assert!(s_client(&server, &["-tls1_3"]).0);
}

#[test]
fn there_is_no_edge_without_its_table() {
    let home = support::Home::new();
    let server = home.start();
    assert!(!server.log().contains("api="), "{}", server.log());
    assert_eq!(server.metric("sealmill_api_connections", &[]), None);
}

#[test]
fn a_client_certificate_is_optional_or_required_as_configured() {
    let authority = format!("client_authorities = [{:?}]", Pki::shared().root_pem());
    let issuer = Pki::shared().issue(KeyKind::P256, "client").unwrap();
    let stranger = Pki::new().unwrap().issue(KeyKind::P256, "stranger").unwrap();
    // What is configured, and whether nobody, one of the authority and a stranger get an answer.
    for (lines, nobody, known, unknown) in [
        ("client_certificates = \"off\"".to_owned(), true, true, true),
        ("client_certificates = \"optional\"".to_owned(), true, true, true),
        ("client_certificates = \"required\"".to_owned(), false, true, true),
        (format!("client_certificates = \"optional\"\n{authority}"), true, true, false),
        (format!("client_certificates = \"required\"\n{authority}"), false, true, false),
    ] {
        let home = home(&lines);
        let server = home.start();
        for version in ["1.2", "1.3"] {
            let answered = |files: Option<&testkit::pki::Identity>| {
                let files = files.map(|identity| client_files(&home, "client", identity));
                let mut arguments = vec!["--tls-max", version];
                if let Some((certificate, key)) = &files {
                    arguments.extend(["--cert", text(certificate), "--key", text(key)]);
                }
                curl(&format!("{}/?wsdl", server.api("https")), &arguments).status != 0
            };
            let got = (answered(None), answered(Some(&issuer)), answered(Some(&stranger)));
            assert_eq!(got, (nobody, known, unknown), "{lines} with TLS {version}");
        }
        assert!(server.stop().success());
    }
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_changes_nothing() {
    let home = home("");
    let server = home.start();
    let first = shown(&server);
    assert_eq!(server.metric("sealmill_api_requests_in_flight", &[]), Some(0.0));

    let second = Pki::shared().issue(KeyKind::Rsa2048, "localhost").unwrap();
    put_identity(&home, &second);
    wait("the new certificate", 20, || shown(&server) != first);
    let new = shown(&server);
    wait("its line in the log", 5, || server.log().contains("new TLS certificate"));

    // The certificate of one key with the key of another, then no PEM at all, then nothing.
    let third = Pki::shared().issue(KeyKind::P256, "localhost").unwrap();
    let certificate = home.path().join("keys/api.pem");
    for broken in [third.chain_pem().unwrap(), b"no certificate".to_vec()] {
        std::fs::write(&certificate, broken).unwrap();
        wait("a complaint", 20, || server.metric("sealmill_api_certificate_fresh", &[]) == Some(0.0));
        assert_eq!(shown(&server), new, "the old one goes on");
        std::fs::write(&certificate, second.chain_pem().unwrap()).unwrap();
        wait("content again", 20, || server.metric("sealmill_api_certificate_fresh", &[]) == Some(1.0));
    }
    std::fs::remove_file(&certificate).unwrap();
    wait("a complaint", 20, || server.metric("sealmill_api_certificate_fresh", &[]) == Some(0.0));
    assert!(server.log().contains("cannot be used: the old ones go on"));
    put_identity(&home, &third);
    wait("the third certificate", 20, || shown(&server) != new);
}

#[test]
fn a_hangup_looks_at_the_files_at_once_and_open_connections_go_on() {
    let mut home = home("");
    home.replace("reload_ms = 100", "reload_ms = 3600000");
    let server = home.start();
    let first = shown(&server);
    put_identity(&home, &Pki::shared().issue(KeyKind::P256, "localhost").unwrap());
    pause(500);
    assert_eq!(shown(&server), first, "nobody has looked");
    server.signal(Signal::HUP);
    wait("the new certificate", 10, || shown(&server) != first);
}

#[test]
fn wrong_tls_files_stop_the_start_with_a_reason() {
    let home = home("");
    let other = Pki::shared().issue(KeyKind::P256, "localhost").unwrap();
    std::fs::write(home.path().join("keys/api.key.pem"), other.key_pem().unwrap()).unwrap();
    let config = home.config();
    let said = home.run(["serve".as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert!(said.code == 3 && said.err.contains("TLS of [api]") && said.err.contains("api.pem"), "{said:?}");
    assert!(!said.err.contains("PRIVATE KEY"));
}

#[test]
fn a_handshake_that_does_not_come_ends_the_connection() {
    use std::io::Read;
    let home = home("header_timeout_ms = 500");
    let server = home.start();
    let mut silent = TcpStream::connect(server.api("https").replace("https://", "")).unwrap();
    silent.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut end = [0; 1];
    assert_eq!(silent.read(&mut end).unwrap_or(0), 0);
    let ended = || server.metric("sealmill_api_connections_ended_total", &["why=\"slow handshake\""]);
    wait("the count", 5, || ended() == Some(1.0));
    wait("the seat", 5, || server.metric("sealmill_api_connections", &[]) == Some(0.0));
}
