//! What becomes of a connection, whatever the client does, and of the program around it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use openssl::ssl::{Ssl, SslContext, SslVersion};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{CLIENT, Header, LISTENER, Listener, PATIENCE, PROTOCOLS, Setup, client, is_root, wait};

fn usual() -> SslContext {
    client(SslVersion::TLS1_2, "AES256-SHA256").build()
}

fn with_certificate(version: SslVersion) -> SslContext {
    let mut builder = client(version, "AES128-SHA");
    builder.set_certificate(&CLIENT.certificate).unwrap();
    builder.set_private_key(&CLIENT.key).unwrap();
    builder.build()
}

#[test]
fn the_header_tells_where_the_client_is_and_what_it_speaks() {
    let listener = Setup::new().start();
    let stream = listener.handshake(&usual()).unwrap();
    let expected = Header {
        client: stream.get_ref().local_addr().unwrap(),
        listener: listener.address,
        client_bits: 0x01,
        verified: 1,
        version: "TLSv1.2".to_owned(),
        cipher: "AES256-SHA256".to_owned(),
        common_name: None,
        certificate: None,
    };
    assert_eq!(listener.accept().1, expected);
}

#[test]
fn a_clients_certificate_is_handed_over_in_every_protocol() {
    let listener = Setup::new().start();
    for (_, version, name) in PROTOCOLS {
        let _stream = listener.handshake(&with_certificate(version)).unwrap();
        let header = listener.accept().1;
        assert_eq!(header.version, name);
        assert_eq!(header.certificate.unwrap(), CLIENT.certificate.to_der().unwrap(), "{name}");
        assert_eq!(header.common_name.unwrap(), "Kasse Köln-Süd 3");
        assert_eq!((header.client_bits, header.verified), (0x07, 1), "{name}");
    }
}

#[test]
fn the_certificate_stays_with_a_session_that_is_resumed() {
    let listener = Setup::new().start();
    let file = |name: &str| listener.folder().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("client.pem"), CLIENT.certificate.to_pem().unwrap()).unwrap();
    std::fs::write(file("client.key"), CLIENT.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let connect = |session: &str| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-tls1_2", "-cipher", "AES256-SHA256:@SECLEVEL=0"]);
        command.args(["-cert", &file("client.pem"), "-key", &file("client.key"), session, &file("session")]);
        command.arg("-connect").arg(listener.address.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (server, header) = listener.accept();
        drop(server);
        child.wait().unwrap();
        header
    };
    assert_eq!(connect("-sess_out").client_bits, 0x07);
    let header = connect("-sess_in");
    assert_eq!(header.client_bits, 0x05, "it was not resumed");
    assert_eq!(header.certificate.unwrap(), CLIENT.certificate.to_der().unwrap());
}

#[test]
fn a_certificate_is_asked_for_as_configured() {
    let never = Setup::with("client_certificate = \"never\"").start();
    let _stream = never.handshake(&with_certificate(SslVersion::TLS1_2)).unwrap();
    assert_eq!(never.accept().1.certificate, None);

    let require = Setup::with("client_certificate = \"require\"").start();
    for (_, version, _) in PROTOCOLS {
        require.refuses(version, "AES128-SHA");
        let _stream = require.handshake(&with_certificate(version)).unwrap();
        assert!(require.accept().1.certificate.is_some());
    }
}

#[test]
fn garbage_and_half_a_handshake_end_in_time_and_do_no_harm() {
    let limit = Duration::from_millis(700);
    let listener = Setup::with("handshake_timeout_ms = 700").start();
    let hello = first_flight();
    let mut lying = hello.clone();
    lying[3..5].copy_from_slice(&[0xFF, 0xFF]);
    let cases: &[(&str, Vec<u8>)] = &[
        ("nothing", Vec::new()),
        ("one byte", hello[..1].to_vec()),
        ("half a greeting", hello[..hello.len() / 2].to_vec()),
        ("a greeting and no more", hello.clone()),
        ("a greeting twice", [hello.clone(), hello.clone()].concat()),
        ("a record that says it is longer than any", lying),
        ("plain HTTP", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".to_vec()),
        ("zeros", vec![0; 70_000]),
        ("ones", vec![0xFF; 70_000]),
        ("half a greeting of SSL 2.0", vec![0x80, 0x2E, 0x01, 0x00, 0x02, 0x00, 0x15]),
        ("a greeting of SSL 2.0 with a wrong length", [vec![0x80, 0x2E, 0x01, 0x03, 0x00], vec![0xFF; 200]].concat()),
        ("a PROXY header of its own", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C".to_vec()),
        ("an alert", vec![0x15, 3, 0, 0, 2, 2, 40]),
    ];
    for (name, bytes) in cases {
        let start = Instant::now();
        let mut stream = listener.connect();
        let _ = stream.write_all(bytes); // the other side may close at once
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}: {error}"),
        }
        assert!(start.elapsed() < limit * 3, "{name}: {:?}", start.elapsed());
        assert!(listener.nothing_arrived(), "{name}");
    }
    assert!(listener.log().contains("no handshake within 700 ms"), "{}", listener.log());
    listener.serves(SslVersion::SSL3, "SSLv3", "DES-CBC3-SHA");
}

#[test]
fn a_greeting_byte_by_byte_gets_no_more_time() {
    let listener = Setup::with("handshake_timeout_ms = 500").start();
    let start = Instant::now();
    let mut stream = listener.connect();
    for byte in first_flight() {
        if stream.write_all(&[byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(40));
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn one_address_cannot_take_every_place_and_gets_its_own_back() {
    let listener = Setup::with("connections_per_address_max = 3\nhandshake_timeout_ms = 10000").start();
    let held: Vec<_> = (0..3).map(|_| listener.connect()).collect();
    let mut fourth = listener.connect();
    fourth.set_read_timeout(Some(Duration::from_secs(5))).unwrap(); // sooner than a handshake ends
    assert!(!matches!(fourth.read(&mut [0; 16]), Err(error) if error.kind() == ErrorKind::WouldBlock));
    wait("its line", || listener.log().contains("too many connections")); // comes a moment after the end
    drop(held);
    wait("a place", || listener.handshake(&usual()).is_ok());
}

#[test]
fn who_finds_no_place_waits_for_one() {
    let listener = Setup::with("connections_max = 2\nhandshake_timeout_ms = 600").start();
    let held: Vec<_> = (0..2).map(|_| listener.connect()).collect();
    let start = Instant::now();
    listener.serves(SslVersion::TLS1, "TLSv1", "AES128-SHA"); // the two before it have to run out
    assert!(start.elapsed() > Duration::from_millis(300), "{:?}", start.elapsed());
    drop(held);
}

#[test]
fn a_connection_on_which_nothing_moves_ends() {
    let listener = Setup::with("idle_timeout_ms = 400").start();
    let mut stream = listener.handshake(&usual()).unwrap();
    let (mut server, _) = listener.accept();
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(200));
        server.write_all(b"x").unwrap(); // something moves, so it goes on
    }
    let start = Instant::now();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    let mut rest = Vec::new();
    assert!(stream.read_to_end(&mut rest).is_err() || rest == b"xxxx");
}

#[test]
fn without_a_server_the_client_is_sent_away_and_the_program_goes_on() {
    let listener = Setup::new().start();
    let socket = listener.folder().join("server.sock");
    let aside = listener.folder().join("aside.sock");
    std::fs::rename(&socket, &aside).unwrap();
    let mut stream = listener.handshake(&usual()).unwrap();
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    wait("its line", || listener.log().contains("server.sock"));
    std::fs::rename(&aside, &socket).unwrap();
    listener.serves(SslVersion::TLS1_2, "TLSv1.2", "AES128-SHA");
}

#[test]
fn large_streams_pass_in_both_directions_at_once() {
    let listener = Setup::new().start();
    let stream = listener.handshake(&usual()).unwrap();
    let (server, _) = listener.accept();
    let data: Arc<Vec<u8>> =
        Arc::new((0..8_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect());
    // What it receives it sends back at once, so both directions are full.
    let echo = std::thread::spawn(move || {
        let mut reader = server.try_clone().unwrap();
        let mut writer = server;
        std::io::copy(&mut reader, &mut writer).unwrap();
    });
    let stream = Arc::new(Mutex::new(stream));
    let mut received = Vec::new();
    let mut sent = 0;
    let mut chunk = [0; 16 * 1024];
    while received.len() < data.len() {
        let mut stream = stream.lock().unwrap();
        if sent < data.len() {
            let end = data.len().min(sent + 100_000);
            stream.write_all(&data[sent..end]).unwrap();
            sent = end;
        }
        let target = sent.saturating_sub(50_000).max(if sent == data.len() { sent } else { 0 });
        while received.len() < target {
            let count = stream.read(&mut chunk).unwrap();
            assert!(count > 0, "ended after {} bytes", received.len());
            received.extend_from_slice(&chunk[..count]);
        }
    }
    assert!(received == *data);
    drop(stream);
    echo.join().unwrap();
}

#[test]
fn an_answer_arrives_although_the_server_did_not_read_everything() {
    let listener = Setup::new().start();
    let mut stream = listener.handshake(&usual()).unwrap();
    let server = listener.accept().0;
    let answer = std::thread::spawn(move || {
        let mut server = server;
        server.read_exact(&mut [0; 1000]).unwrap();
        server.write_all(b"413 too large").unwrap();
    });
    let _ = stream.write_all(&vec![7; 600_000]); // more than fits into the buffers between
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    assert_eq!(said, b"413 too large");
    answer.join().unwrap();
}

#[test]
fn it_ends_with_the_server_that_started_it_and_when_it_is_told_to() {
    let mut listener = Setup::new().start();
    listener.close_stdin();
    ends_well(&mut listener);

    let mut listener = Setup::new().start();
    let stream = listener.handshake(&usual()).unwrap();
    let (mut server, _) = listener.accept();
    kill(Pid::from_raw(i32::try_from(listener.pid()).unwrap()), Signal::SIGTERM).unwrap();
    wait("the door to close", || std::net::TcpStream::connect(listener.address).is_err());
    server.write_all(b"the rest").unwrap(); // what is under way is finished
    drop(server);
    let (mut stream, mut rest) = (stream, String::new());
    stream.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "the rest");
    ends_well(&mut listener);
}

fn ends_well(listener: &mut Listener) {
    let mut status = None;
    wait("the end of the program", || {
        status = listener.ended();
        status.is_some()
    });
    assert!(status.unwrap().success());
}

#[test]
fn it_has_no_rights_left() {
    let listener = Setup::new().start();
    let status = std::fs::read_to_string(format!("/proc/{}/status", listener.pid())).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once(':').unwrap().1.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(field("NoNewPrivs"), ["1"]);
    if is_root() {
        for name in ["Uid", "Gid"] {
            assert!(field(name).iter().all(|id| id != "0"), "{status}");
        }
        assert!(field("Groups").is_empty(), "{status}");
    }
    for name in ["CapEff", "CapPrm"] {
        assert_eq!(field(name), ["0000000000000000"], "{status}");
    }
    assert!(listener.log().contains("no further rights: runs as user"), "{}", listener.log());
}

#[test]
fn what_is_wrong_with_the_set_up_is_said_at_the_start() {
    let check = |prepare: &dyn Fn(&Setup, &mut String), reason: &str| {
        let setup = Setup::new();
        let mut text = setup.text();
        prepare(&setup, &mut text);
        let output = setup.command(&text).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(reason), "not '{reason}': {said}");
    };
    let mode = |setup: &Setup, mode| {
        let key = setup.folder.path().join("listener.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let key = |setup: &Setup, pem: &[u8]| std::fs::write(setup.folder.path().join("listener.key"), pem).unwrap();
    let elliptic = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let elliptic = openssl::ec::EcKey::generate(&elliptic).unwrap().private_key_to_pem().unwrap();
    let cipher = openssl::symm::Cipher::aes_128_cbc();
    let locked = LISTENER.key.private_key_to_pem_pkcs8_passphrase(cipher, b"geheim").unwrap();

    check(&|setup, _| mode(setup, 0o644), "can be read or changed by everybody");
    check(&|setup, _| key(setup, &CLIENT.key.private_key_to_pem_pkcs8().unwrap()), "is not the key of");
    check(&|setup, _| key(setup, &elliptic), "is no RSA key");
    check(&|setup, _| key(setup, &locked), "no PEM private key without a password");
    check(&|_, text| *text = text.replace("listener.pem", "nowhere.pem"), "nowhere.pem cannot be used");
    check(&|_, text| *text = text.replace("\"ssl3\"", "\"tls1.3\""), "unknown variant");
    check(&|_, text| text.push_str("\nstore = \"sealmill.sqlite\""), "unknown field");
    check(&|_, text| *text = text.replace("127.0.0.1:0", "192.0.2.1:25443"), "cannot listen at 192.0.2.1:25443");
    if is_root() {
        check(&|_, text| *text = text.replace("user = \"nobody\"", ""), "no `user` is configured");
        check(&|_, text| *text = text.replace("\"nobody\"", "\"root\""), "root is root");
        check(&|_, text| *text = text.replace("\"nobody\"", "\"no-such-user\""), "there is no user");
    }
}

/// What a client sends first.
fn first_flight() -> Vec<u8> {
    let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_read_timeout(Some(PATIENCE)).unwrap();
    let client = std::thread::spawn(move || drop(Ssl::new(&usual()).unwrap().connect(near)));
    let mut record = vec![0; 5];
    far.read_exact(&mut record).unwrap();
    let mut rest = vec![0; usize::from(record[3]) << 8 | usize::from(record[4])];
    far.read_exact(&mut rest).unwrap();
    record.extend(rest);
    drop(far);
    client.join().unwrap();
    record
}
