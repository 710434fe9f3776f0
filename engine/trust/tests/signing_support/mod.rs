//! Signs with keys of the test authority through our own signers, as an operator would.

use formats::{Prepared, SignerTemplate, Source, prepare};
use model::profile::Format;
use model::{Curve, KeyKind, Profile, SignatureValue, Signer, SignerName, Time, TokenSerial};
use testkit::pki::{Identity, Pki};
use trust::Cert;

/// Somebody new with a P-256 key.
pub(crate) fn somebody(name: &str) -> Identity {
    Pki::shared().issue(testkit::pki::KeyKind::P256, name).unwrap()
}

pub(crate) fn cert(identity: &Identity) -> Cert {
    Cert::read(&identity.certificate_der().into()).unwrap()
}

#[allow(clippy::disallowed_methods)] // certificates made now are not valid at an invented time
pub(crate) fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_seconds(since.as_secs() as i64)
}

/// A signature of this form over these bytes; the finished file.
pub(crate) fn signed(identity: &Identity, format: Format, bytes: &[u8]) -> Vec<u8> {
    let signer = Signer {
        name: SignerName(identity.common_name().into()),
        token: TokenSerial("soft:test".into()),
        certificate: identity.certificate_der().into(),
        chain: vec![identity.chain_der()[1].clone().into()],
        key: KeyKind::Ec(Curve::P256),
        subject: identity.common_name(),
    };
    let profile = Profile::plain("test", "test", format);
    let template = SignerTemplate::new(&signer, &profile).unwrap();
    let prepared: Prepared = prepare(&bytes, &profile, &template, now()).unwrap();
    let value = identity.sign_digest(prepared.to_be_signed().as_bytes()).unwrap();
    let sealed = prepared.assemble(&SignatureValue(value)).unwrap();
    let assembled = sealed.assembled(&bytes);
    let mut written = vec![0; assembled.len() as usize];
    assembled.read_exact_at(0, &mut written).unwrap();
    written
}
