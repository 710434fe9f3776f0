//! Time-stamp tokens of OpenSSL and of real authorities, good ones and spoilt ones.

#![allow(clippy::unwrap_used)]

mod tsp_support;

use formats::crypto;
use formats::tsp::{Fault, Request, Terms, Token, TspError};
use model::{DigestAlgorithm, Time};
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use testkit::corpora;
use tsp_support::{NONCE, OpensslTsa, POLICY, now};

fn tsa() -> &'static OpensslTsa {
    static TSA: OnceLock<OpensslTsa> = OnceLock::new();
    TSA.get_or_init(OpensslTsa::new)
}

fn terms(anchors: &[Arc<[u8]>]) -> Terms<'_> {
    Terms { now: now(), tolerance: Duration::from_secs(300), anchors }
}

fn request(content: &[u8], policy: Option<&str>) -> Request {
    Request::new(&crypto::digest(DigestAlgorithm::Sha256, content), policy, NONCE).unwrap()
}

/// One answer of OpenSSL to a request for `Inhalt`, for the tests that spoil it.
fn answer() -> &'static [u8] {
    static ANSWER: OnceLock<Vec<u8>> = OnceLock::new();
    ANSWER.get_or_init(|| tsa().reply(request(b"Inhalt", Some(POLICY)).der()))
}

#[test]
fn openssl_answers_our_requests_and_accepts_the_tokens_that_we_accept() {
    for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
        for policy in [None, Some(POLICY)] {
            let stamped = crypto::digest(digest, b"Inhalt");
            let request = Request::new(&stamped, policy, NONCE).unwrap();
            let response = tsa().reply(request.der());
            let anchors = [tsa().root().into()];
            let token = Token::check_response(&response, &request, &terms(&anchors)).unwrap();
            assert!(token.stamps(&stamped) && *token.imprint() == stamped);
            assert!(!token.stamps(&crypto::digest(digest, b"other")));
            assert_eq!(&token.signer()[..], tsa().unit());
            assert!(token.certificates().contains(token.signer()));
            assert_eq!(token.info().accuracy, Some(Duration::from_micros(1_500_100)));
            assert!(token.info().ordering && token.info().authority.is_some() && !token.info().claims_qualified);
            assert!(now().since(token.time()) < Duration::from_secs(60));
            assert!(response.windows(token.der().len()).any(|window| window == &token.der()[..]), "kept as received");
            tsa().verify(token.der(), &stamped).unwrap();
            assert_eq!(Token::read(token.der()).unwrap(), token);
        }
    }
}

#[test]
fn a_refusal_says_why() {
    let request = request(b"Inhalt", Some("1.2.3.4.5.6"));
    let error = Token::check_response(&tsa().reply(request.der()), &request, &terms(&[])).unwrap_err();
    assert_eq!(error.fault(), Fault::Request);
    let text = error.to_string();
    assert!(text.starts_with("the authority refused the request: it does not offer this policy ("), "{text}");
}

#[test]
fn an_answer_to_something_else_is_not_taken() {
    let check = |request: &Request, terms: &Terms<'_>| Token::check_response(answer(), request, terms);
    let good = request(b"Inhalt", Some(POLICY));
    check(&good, &terms(&[])).unwrap();
    assert_eq!(check(&request(b"other", None), &terms(&[])), Err(TspError::WrongImprint));
    let digest = crypto::digest(DigestAlgorithm::Sha256, b"Inhalt");
    let other_nonce = Request::new(&digest, None, NONCE + 1).unwrap();
    assert_eq!(check(&other_nonce, &terms(&[])), Err(TspError::WrongNonce));
    assert_eq!(check(&request(b"Inhalt", Some("1.2.3")), &terms(&[])), Err(TspError::WrongPolicy(POLICY.to_owned())));
    for now in [now().plus(Duration::from_secs(400)), Time::from_seconds(now().seconds() - 400)] {
        assert!(matches!(check(&good, &Terms { now, ..terms(&[]) }), Err(TspError::WrongTime(300..=500))));
    }
    let unit: [Arc<[u8]>; 1] = [tsa().unit().into()];
    check(&good, &terms(&unit)).unwrap();
    let stranger: [Arc<[u8]>; 1] = [testkit::pki::Pki::shared().root_der().unwrap().into()];
    assert_eq!(check(&good, &terms(&stranger)), Err(TspError::NotTrusted));
    assert_eq!(check(&good, &terms(&[b"not a certificate".as_slice().into()])), Err(TspError::NotTrusted));
}

/// Whatever bit is turned: if the answer is still taken, then as the same time stamp by the same signer. The root that
/// OpenSSL puts in, too, is left out here: it is not needed, because it is the anchor.
#[test]
fn no_turned_bit_leads_to_another_time_stamp() {
    let good = request(b"Inhalt", Some(POLICY));
    let anchors = [tsa().root().into()];
    let token = Token::check_response(answer(), &good, &terms(&anchors)).unwrap();
    let root = answer().windows(tsa().root().len()).position(|window| window == tsa().root()).unwrap();
    let mut taken = 0;
    for at in (0..root).chain(root + tsa().root().len()..answer().len()) {
        for bit in 0..8 {
            let mut changed = answer().to_vec();
            changed[at] ^= 1 << bit;
            if let Ok(other) = Token::check_response(&changed, &good, &terms(&anchors)) {
                assert_eq!((other.info(), other.signer()), (token.info(), token.signer()), "bit {bit} of byte {at}");
                taken += 1;
            }
        }
    }
    // Version numbers, digestAlgorithms and the status text are what nothing depends on.
    println!("{taken} of {} turned bits change nothing that is signed", answer().len() * 8);
    assert!(taken < 200, "{taken}");
}

/// Each time-stamp token in the real files: all that are complete can be read, and OpenSSL's judgement of the signature is ours.
#[test]
fn tokens_of_real_authorities_are_read() {
    let (mut read, mut refused) = (0, Vec::new());
    for set in ["evidence-records", "dss-ades", "pdf-signed"] {
        let Some(folder) = corpora::corpora(set) else { return };
        for extension in ["ers", "b64", "tsr", "p7s", "p7m", "tst", "pkcs7", "der", "asice", "pdf", "xml"] {
            for file in corpora::files_below(&folder, extension) {
                for token in tsp_support::tokens_in(&std::fs::read(&file).unwrap()) {
                    match Token::read(&token) {
                        Ok(_) => read += 1,
                        Err(error) => refused.push(format!("{}: {error}", file.display())),
                    }
                }
            }
        }
    }
    println!("{read} read, {} refused:\n{}", refused.len(), refused.join("\n"));
    // Signed with MD5 or tampered with, as their names say.
    let known = ["er-asn1-chain-renewal-invalid.ers", "cms-wrong-sign-cert-ref.p7m"];
    let unexpected: Vec<_> = refused.iter().filter(|line| !known.iter().any(|name| line.contains(name))).collect();
    assert!(read > 300 && unexpected.is_empty(), "{read} read, {unexpected:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_answers_never_panic(seed in any::<u64>()) {
        let samples = [answer().to_vec()];
        let good = request(b"Inhalt", Some(POLICY));
        for changed in testkit::mutate::mutations(&samples, seed).take(4) {
            let _ = Token::check_response(&changed, &good, &terms(&[]));
            let _ = Token::read(changed.get(9..).unwrap_or_default());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Token::check_response(&bytes, &request(b"x", None), &terms(&[]));
        let _ = Token::read(&bytes);
        let _ = formats::tsp::Info::read(&bytes);
    }
}
