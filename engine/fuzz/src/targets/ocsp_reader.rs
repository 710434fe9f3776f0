//! Foreign bytes as an OCSP answer: no panic, and nothing without a signature of the authority's is ever believed.

use formats::ocsp::{Question, Rules, Status, judge};
use model::Time;

const CERTIFICATE: &[u8] = include_bytes!("../../seeds/certificate_reader/revoked.der");
const ISSUER: &[u8] = include_bytes!("../../seeds/certificate_reader/authority.der");

pub(crate) fn run(response: &[u8]) {
    // The seeds are of this time; the only answers that the authority ever signed say "revoked".
    let now = Time::from_seconds(SEEDS_MADE);
    let nonce = [7; 32];
    for nonce in [None, Some(&nonce)] {
        let question = Question { certificate: CERTIFICATE, issuer: ISSUER, nonce, now };
        if let Ok(answer) = judge(response, &question, &Rules::default()) {
            assert_ne!(answer.status, Status::Good);
        }
    }
}

const SEEDS_MADE: i64 = 1_795_507_578;
