//! Foreign bytes as a CRL: what is indexed can be looked up, and the judgement never panics.

use formats::cms::certificate::Certificate;
use formats::crl::{Crl, judge};
use formats::ocsp::Rules;
use model::Time;

const CERTIFICATE: &[u8] = include_bytes!("../../seeds/certificate_reader/revoked.der");
const ISSUER: &[u8] = include_bytes!("../../seeds/certificate_reader/authority.der");

pub(crate) fn run(bytes: &[u8]) {
    let source = bytes.to_vec();
    let Ok(crl) = Crl::read(&source) else { return };
    assert!(crl.len() <= source.len() / 4);
    let certificate = Certificate::parse(CERTIFICATE).expect("our own certificate");
    let issuer = Certificate::parse(ISSUER).expect("our own certificate");
    let _ = crl.verify(&source, issuer.public_key.raw);
    crl.entry(&source, &certificate).expect("what was indexed can be read again");
    let now = Time::from_seconds(1_795_507_578);
    let _ = judge((&crl, &source), Some((&crl, &source)), &certificate, now, &Rules::default());
}
