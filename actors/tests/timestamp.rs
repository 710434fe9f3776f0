//! Time stamps from good authorities and from each kind of bad one.

#![allow(clippy::unwrap_used)]

use actors::fetch::{Credentials, FetchSettings};
use actors::timestamp::{AuthoritySettings, Because, Rest, StampFault, TimeStampSettings, TimeStamper};
use formats::crypto;
use formats::tsp::Token;
use model::profile::{AuthorityName, StampOptions};
use model::{Digest, DigestAlgorithm, SystemClock};
use std::sync::Arc;
use std::time::Duration;
use testkit::tools;
use testkit::world::{Fault, PASSWORD, USER, World};

const SECOND: Duration = Duration::from_secs(1);

fn imprint(content: &[u8]) -> Digest {
    crypto::digest(DigestAlgorithm::Sha256, content)
}

fn options(names: &[&str]) -> StampOptions {
    let authorities = names.iter().map(|name| AuthorityName((*name).into())).collect();
    StampOptions { authorities, digest: DigestAlgorithm::Sha256, policy: None, batch: false }
}

/// An authority of the world by its address; believed if its unit leads to the world's root.
fn authority(world: &World, name: &str, url: String) -> AuthoritySettings {
    let mut settings = AuthoritySettings::new(AuthorityName(name.into()), url);
    settings.anchors = vec![world.root_der().into()];
    settings.fetch.total_timeout = 2 * SECOND;
    settings
}

fn stamper(authorities: Vec<AuthoritySettings>) -> TimeStamper {
    let settings = TimeStampSettings { authorities, ..TimeStampSettings::default() };
    TimeStamper::new(settings, Arc::new(SystemClock)).unwrap()
}

fn because(fault: &StampFault, at: usize) -> &Because {
    &fault.tries[at].1
}

/// `openssl ts -verify` over the digest, to the world's root.
fn judged_by_openssl(world: &World, token: &Token, imprint: &Digest) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, token.der()).unwrap();
    let hex: String = imprint.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = std::process::Command::new("openssl");
    command.args(["ts", "-verify", "-token_in", "-digest", &hex, "-in"]).arg(&file);
    tools::ok("openssl", command.arg("-CAfile").arg(world.ca_pem())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_authority_stamps_over_few_connections_and_openssl_agrees() {
    let world = World::start().unwrap();
    for path in ["/tsa", "/tsa/rsa"] {
        let mut settings = authority(&world, "good", world.url(path));
        settings.requests_at_once = 2;
        let stamper = stamper(vec![settings]);
        let imprints: Vec<_> = (0..20_u8).map(|number| imprint(&[number])).collect();
        let tokens = stamper.stamp_all(&options(&["good"]), &imprints).await.unwrap();
        assert!(tokens.iter().zip(&imprints).all(|(token, imprint)| token.stamps(imprint)));
        judged_by_openssl(&world, &tokens[7], &imprints[7]);
        assert_eq!(world.count(path), 20);
        // A connection comes back a moment after its answer, so that the next request may open another one.
        assert!(world.connections(path) <= 6, "{} connections", world.connections(path));
    }
}

/// Never a token from a bad authority, always one from the next.
#[tokio::test(flavor = "multi_thread")]
async fn each_bad_authority_leads_to_the_next_or_to_a_reason() {
    let world = World::start().unwrap();
    let more = [Fault::WrongType, Fault::Slow, Fault::Drip];
    let faults = Fault::TSA_REFUSED.into_iter().chain(more).map(|fault| format!("/tsa/{}", fault.name()));
    let bad: Vec<String> = faults.chain(["/tsa/down".to_owned()]).collect();
    let check = |path: String| {
        let world = &world;
        async move {
            let names = ["bad", "good"];
            let settings =
                || vec![authority(world, "bad", world.url(&path)), authority(world, "good", world.url("/tsa"))];
            let stamped = imprint(path.as_bytes());
            let token = stamper(settings()).stamp(&options(&names), &stamped).await.unwrap();
            assert!(token.stamps(&stamped), "{path}");
            let fault = stamper(settings()).stamp(&options(&names[..1]), &stamped).await.unwrap_err();
            let text = fault.to_string();
            assert!(text.starts_with("no time-stamping authority could be used: bad: "), "{text}");
            println!("{path}: {}", &text["no time-stamping authority could be used: bad: ".len()..]);
            assert_eq!(fault.reason().code, "no-time-stamp");
        }
    };
    futures_util::future::join_all(bad.iter().cloned().map(check)).await;
    assert_eq!(world.count("/tsa"), bad.len() as u64, "the good one has stamped once for each bad one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_asked_for_is_insisted_on() {
    let world = World::start().unwrap();
    let stamper = stamper(vec![
        authority(&world, "bad", world.url("/tsa/wrong-policy")),
        authority(&world, "good", world.url("/tsa")),
    ]);
    let mut options = options(&["bad"]);
    options.policy = Some("1.2.3.4".into());
    let fault = stamper.stamp(&options, &imprint(b"x")).await.unwrap_err();
    assert!(fault.to_string().contains("which was not asked for"), "{fault}");
    options.authorities = vec![AuthorityName("good".into())];
    let token = stamper.stamp(&options, &imprint(b"x")).await.unwrap();
    assert_eq!(formats::signature::dotted(&token.info().policy[2..]), "1.2.3.4");
    options.authorities = vec![AuthorityName("nobody".into())];
    let fault = stamper.stamp(&options, &imprint(b"x")).await.unwrap_err();
    assert_eq!(because(&fault, 0), &Because::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_we_are_is_shown_by_password_or_certificate_and_not_in_messages() {
    let world = World::start().unwrap();
    let mut by_password = authority(&world, "password", world.url("/basic/tsa"));
    by_password.credentials = Some(Credentials { user: USER.into(), password: PASSWORD.to_owned().into() });
    let mut wrong = by_password.clone();
    wrong.name = AuthorityName("wrong".into());
    wrong.credentials = Some(Credentials { user: USER.into(), password: "falsch-geraten".to_owned().into() });
    assert!(!format!("{by_password:?} {wrong:?}").contains("falsch"));
    let client = world.client().unwrap();
    let identity = [client.certificate_pem().unwrap(), client.key_pem().unwrap()].concat();
    let mut by_certificate = authority(&world, "certificate", world.mutual_tls_url("/tsa"));
    by_certificate.fetch = FetchSettings {
        tls_roots: vec![world.root_der().into()],
        tls_identity: Some(String::from_utf8(identity).unwrap().into()),
        ..by_certificate.fetch
    };
    let mut nobody = by_certificate.clone();
    (nobody.name, nobody.fetch.tls_identity) = (AuthorityName("nobody".into()), None);

    let stamper = stamper(vec![by_password, wrong, by_certificate, nobody]);
    for name in ["password", "certificate"] {
        stamper.stamp(&options(&[name]), &imprint(b"x")).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    let fault = stamper.stamp(&options(&["wrong", "nobody"]), &imprint(b"x")).await.unwrap_err();
    assert!(fault.to_string().contains("status 401") && !fault.to_string().contains("falsch"), "{fault}");
    // A wrong password is not tried again and again.
    let fault = stamper.stamp(&options(&["wrong"]), &imprint(b"x")).await.unwrap_err();
    assert!(matches!(because(&fault, 0), Because::Resting(_)), "{fault}");
    assert_eq!(world.count("/basic/tsa"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_fails_is_left_alone_and_asked_again_later() {
    let world = World::start().unwrap();
    let rest = Rest { failures_max: 2, first: Duration::from_millis(300), most: SECOND };
    let stamper = stamper(vec![AuthoritySettings { rest, ..authority(&world, "a", world.url("/tsa")) }]);
    let ask = || async { stamper.stamp(&options(&["a"]), &imprint(b"x")).await };
    world.fault("/tsa", Fault::Http500, u64::MAX);
    for _ in 0..2 {
        assert!(matches!(because(&ask().await.unwrap_err(), 0), Because::Fetch(_)));
    }
    for _ in 0..50 {
        assert!(matches!(because(&ask().await.unwrap_err(), 0), Because::Resting(_)));
    }
    assert_eq!(world.count("/tsa"), 2, "nobody asks while it rests");
    world.heal("/tsa");
    let until = tokio::time::Instant::now() + 20 * SECOND;
    while ask().await.is_err() {
        assert!(tokio::time::Instant::now() < until, "it is never asked again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..5 {
        ask().await.unwrap();
    }
    assert_eq!(world.count("/tsa"), 8, "the probe was the first that went through");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_authority_is_left_alone_as_long_as_it_says() {
    let world = World::start().unwrap();
    let rest = Rest { failures_max: 5, first: Duration::from_millis(1), most: 60 * SECOND };
    let stamper = stamper(vec![AuthoritySettings { rest, ..authority(&world, "a", world.url("/tsa/http-429")) }]);
    let fault = stamper.stamp(&options(&["a"]), &imprint(b"x")).await.unwrap_err();
    assert!(fault.to_string().contains("status 429"), "{fault}");
    let fault = stamper.stamp(&options(&["a"]), &imprint(b"x")).await.unwrap_err();
    assert!(matches!(because(&fault, 0), Because::Resting(rest) if *rest > SECOND / 2), "{fault}");
    assert_eq!(world.count("/tsa/http-429"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_at_once_and_in_a_second_than_allowed() {
    let world = World::start().unwrap();
    let settings = AuthoritySettings {
        requests_per_second: 20.0,
        burst: 5,
        requests_at_once: 3,
        ..authority(&world, "a", world.url("/tsa"))
    };
    let stamper = stamper(vec![settings]);
    let imprints: Vec<_> = (0..15_u8).map(|number| imprint(&[number])).collect();
    let started = std::time::Instant::now();
    stamper.stamp_all(&options(&["a"]), &imprints).await.unwrap();
    // Five at once, then ten more at 20 in a second: never faster, however slow the machine.
    assert!(started.elapsed() >= Duration::from_millis(490), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_is_for_all_authorities_together() {
    let world = World::start().unwrap();
    let mut authorities = Vec::new();
    for name in ["a", "b", "c"] {
        let mut slow = authority(&world, name, world.url("/tsa/slow"));
        slow.fetch.total_timeout = 60 * SECOND;
        authorities.push(slow);
    }
    let settings = TimeStampSettings { authorities, patience: SECOND, ..TimeStampSettings::default() };
    let stamper = TimeStamper::new(settings, Arc::new(SystemClock)).unwrap();
    let (options, imprint) = (options(&["a", "b", "c"]), imprint(b"x"));
    let fault = tokio::time::timeout(20 * SECOND, stamper.stamp(&options, &imprint)).await.unwrap().unwrap_err();
    assert_eq!(fault.tries.len(), 3, "{fault}");
}
