//! Foreign bytes as the answer of a time-stamping authority and as a token: no panic, and what is taken is what was asked
//! for.

use formats::crypto;
use formats::tsp::{Info, Request, Terms, Token};
use model::{DigestAlgorithm, Time};
use std::time::Duration;

pub(crate) fn run(bytes: &[u8]) {
    let digest = crypto::digest(DigestAlgorithm::Sha256, b"Inhalt");
    let request = Request::new(&digest, None, 0xfedc_ba98_7654_3210).expect("a request");
    // Long enough for the seeds to be taken in every year.
    let terms = Terms { now: Time::from_seconds(1_795_000_000), tolerance: Duration::from_secs(1 << 32), anchors: &[] };
    if let Ok(token) = Token::check_response(bytes, &request, &terms) {
        assert!(token.stamps(&digest));
    }
    if let Ok(token) = Token::read(bytes) {
        assert!(bytes.starts_with(token.der()));
        assert!(token.imprint().value.len() == token.imprint().algorithm.length());
    }
    let _ = Info::read(bytes);
}
