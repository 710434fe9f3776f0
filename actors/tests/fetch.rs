//! The HTTP client: what it refuses to do, whatever the other side says.
#![allow(clippy::unwrap_used)]

use actors::fetch::{Conditions, Download, FetchFault, FetchSettings, Fetcher, Reach};
use std::io::{Read, Seek, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::world::{Fault, World};

/// Answers every request with these bytes and remembers what was asked.
struct Canned {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    fn new(answer: impl Into<Vec<u8>>) -> Self {
        let (listener, answer) = (TcpListener::bind("127.0.0.1:0").unwrap(), answer.into());
        let canned = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = canned.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = vec![0; 4_096];
                let read = stream.read(&mut request).unwrap_or(0);
                asked.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
                let _ = stream.write_all(&answer);
            }
        });
        canned
    }

    fn redirecting(target: &str) -> Self {
        Self::new(format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    }

    fn url(&self) -> String {
        format!("http://{}/x", self.address)
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

fn fetcher(change: impl FnOnce(&mut FetchSettings)) -> Fetcher {
    let mut settings = FetchSettings { reach: Reach::Anywhere, ..FetchSettings::default() };
    change(&mut settings);
    Fetcher::new(&settings).unwrap()
}

#[tokio::test]
async fn a_redirection_leads_neither_into_a_private_network_nor_to_another_scheme() {
    let secret = Canned::new(HELLO);
    // The exception is for one name only: the same machine under another address is still private.
    let port = secret.address.port();
    let guarded = |settings: &mut FetchSettings| settings.reach = Reach::Public { except: vec!["127.0.0.1".into()] };
    for target in [
        format!("http://127.0.0.2:{port}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        "file:///etc/passwd".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
    ] {
        let redirecting = Canned::redirecting(&target);
        let refused = fetcher(guarded).get(&redirecting.url(), 1_000).await.unwrap_err();
        assert!(
            matches!(refused, FetchFault::Unreachable(..) | FetchFault::Refused { status: 302, .. }),
            "{refused:?}"
        );
        assert_eq!((redirecting.count(), secret.count()), (1, 0), "{target}");
    }
    let redirecting = Canned::redirecting(&secret.url());
    let followed = fetcher(guarded).get(&redirecting.url(), 1_000).await.unwrap();
    assert_eq!(followed.body, b"hello");
    let never = fetcher(|settings| settings.redirects_max = 0).get(&redirecting.url(), 1_000).await;
    assert!(never.is_err(), "{never:?}");
}

#[tokio::test]
async fn names_that_lead_into_a_private_network_are_refused_when_they_are_resolved() {
    let secret = Canned::new(HELLO);
    let guarded = fetcher(|settings| settings.reach = Reach::Public { except: Vec::new() });
    // Every machine has a name for itself that is not "localhost".
    let name = std::fs::read_to_string("/etc/hostname").unwrap();
    let url = format!("http://{}:{}/x", name.trim(), secret.address.port());
    let refused = guarded.get(&url, 1_000).await.unwrap_err();
    assert!(matches!(refused, FetchFault::Unreachable(..)), "{refused:?}");
    assert_eq!(secret.count(), 0);
}

#[tokio::test]
async fn answers_have_limits_of_length_and_time() {
    let world = World::start().unwrap();
    let url = world.url("/ca/root.cer");
    let plain = fetcher(|_| {});
    let whole = plain.get(&url, 10_000).await.unwrap();
    assert_eq!(whole.body, world.root_der());
    assert_eq!(whole.headers.content_type.as_deref(), Some("application/pkix-cert"));
    assert!(matches!(plain.get(&url, 100).await, Err(FetchFault::TooLong(_, 100))));
    world.fault("/ca/root.cer", Fault::Endless, 2);
    assert!(matches!(plain.get(&url, 100_000).await, Err(FetchFault::TooLong(..))));
    let file = tempfile::tempfile().unwrap();
    let endless = plain.download(&url, &Conditions::default(), file, 3_000_000).await;
    assert!(matches!(endless, Err(FetchFault::TooLong(..))), "{endless:?}");
    world.fault("/ca/root.cer", Fault::Short, 1);
    assert!(matches!(plain.get(&url, 100_000).await, Err(FetchFault::Unreachable(..))));

    let hasty = fetcher(|settings| settings.total_timeout = Duration::from_millis(300));
    for trouble in [Fault::Slow, Fault::Drip] {
        world.fault("/ca/root.cer", trouble, 1);
        let began = Instant::now();
        assert!(matches!(hasty.get(&url, 100_000).await, Err(FetchFault::Timeout(_))), "{trouble:?}");
        assert!(began.elapsed() < Duration::from_secs(3));
    }
    let down = plain.get(&world.url("/tsa/down"), 10).await;
    assert!(matches!(down, Err(FetchFault::Unreachable(..))), "{down:?}");
}

#[tokio::test]
async fn a_download_is_not_repeated_if_nothing_has_changed() {
    let world = World::start().unwrap();
    let (url, plain) = (world.url("/crl/root.crl"), fetcher(|_| {}));
    let mut file = tempfile::tempfile().unwrap();
    let first = plain.download(&url, &Conditions::default(), file.try_clone().unwrap(), 100_000).await.unwrap();
    let Download::Written(headers, length) = first else { panic!("{first:?}") };
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!((bytes.len() as u64, &bytes[..2]), (length, &b"\x30\x82"[..]));
    let again = plain.download(&url, &headers.conditions, tempfile::tempfile().unwrap(), 100_000).await.unwrap();
    assert!(matches!(again, Download::NotModified(_)), "{again:?}");
}

#[tokio::test]
async fn a_proxy_is_asked_in_place_of_the_host_and_never_the_environments() {
    let proxy = Canned::new(HELLO);
    let with_password = format!("http://clerk:geheim@{}", proxy.address);
    let through = fetcher(|settings| {
        settings.proxy = Some(with_password.into());
        settings.reach = Reach::Public { except: Vec::new() };
        settings.no_proxy = Some("direct.example".into());
    });
    assert_eq!(through.get("http://ca.example/crl", 100).await.unwrap().body, b"hello");
    let asked = proxy.asked.lock().unwrap().remove(0);
    assert!(asked.starts_with("GET http://ca.example/crl HTTP/1.1"), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("proxy-authorization: basic "), "{asked}");
    let direct = through.get("http://direct.example/crl", 100).await.unwrap_err();
    assert!(!direct.to_string().contains("geheim") && proxy.count() == 0, "{direct}");
    let refused = through.get("http://10.0.0.1/crl", 100).await.unwrap_err();
    assert!(matches!(refused, FetchFault::Forbidden(..)) && proxy.count() == 0, "{refused}");
}

#[tokio::test]
async fn tls_needs_a_root_that_is_known() {
    let world = World::start().unwrap();
    let url = world.tls_url("/ca/root.cer");
    let stranger = fetcher(|_| {}).get(&url, 10_000).await.unwrap_err();
    assert!(matches!(stranger, FetchFault::Unreachable(..)), "{stranger:?}");
    let known = fetcher(|settings| settings.tls_roots = vec![world.root_der().into()]);
    assert_eq!(known.get(&url, 10_000).await.unwrap().body, world.root_der());
}
