//! What the benches share: a signer of each kind of key, a profile, and how long criterion measures. All benches
//! together end within a minute.

#![allow(clippy::unwrap_used)] // a bench that cannot be set up has nothing to say

use criterion::Criterion;
use model::profile::Format;
use model::{DigestAlgorithm, Profile, SignatureAlgorithm, Signer, SignerName, Time, ToBeSigned};
use std::time::Duration;
use testkit::pki::{KeyKind, Pki};
use token::{SoftwareToken, Token};

/// Short, because there are many; enough to see a change of a few percent.
pub fn criterion() -> Criterion {
    let short = Criterion::default().warm_up_time(Duration::from_millis(200));
    short.measurement_time(Duration::from_secs(1)).sample_size(20).configure_from_args()
}

/// A software signer.
pub struct SoftwareSigner {
    pub token: SoftwareToken,
    pub signer: Signer,
    pub algorithm: SignatureAlgorithm,
}

/// A signer with a new key of this kind.
pub fn signer(kind: KeyKind) -> SoftwareSigner {
    let pkcs12 = Pki::shared().signer(kind).unwrap().pkcs12("bench").unwrap();
    let token = SoftwareToken::from_pkcs12("bench", &pkcs12, &"bench".to_owned().into()).unwrap();
    let found = token.signer();
    let signer = Signer {
        name: SignerName("bench".into()),
        token: token.serial().clone(),
        certificate: found.certificate.clone(),
        chain: found.chain.clone(),
        key: found.kind,
        subject: found.subject.clone(),
    };
    let algorithm = SignatureAlgorithm::for_key(found.kind, DigestAlgorithm::Sha256, false);
    SoftwareSigner { token, signer, algorithm }
}

impl SoftwareSigner {
    /// A signature value over these bytes, as the token makes it.
    pub fn sign(&self, to_be_signed: &ToBeSigned) -> model::SignatureValue {
        self.token.open_session().unwrap().sign(&self.token.signer().key, to_be_signed).unwrap()
    }
}

/// A profile of this form, nothing else set.
pub fn profile(format: Format) -> Profile {
    Profile::plain("bench", "bench", format)
}

/// The claimed signing time.
pub fn now() -> Time {
    Time::from_seconds(1_763_902_861)
}
