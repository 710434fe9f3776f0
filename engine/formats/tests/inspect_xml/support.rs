//! Files that the tests take apart, and what they call right.

use crate::cms_support::{kind_of, now, sign};
use crate::signing::written;
use formats::evidence::Evidence;
use formats::inspect::{self, CoveredRole, Detached, Input, Inspection, Integrity, Signature, SignerReference};
use formats::lift::{self, Kind};
use formats::tsp::Token;
use formats::{FormatError, Sealed, SignerTemplate, Source, prepare};
use model::profile::{Format, XmlOptions, XmlReference, XmlShape, XmlTarget};
use model::{DigestAlgorithm, Profile, Signer, SignerName, TokenSerial};
use std::sync::{Arc, OnceLock};
use testkit::pki::KeyKind;
use testkit::world::{Hash, World};

/// Takes a file apart that came with others.
pub fn taken_apart(
    file: &[u8],
    beside: &[(&str, &dyn Source)],
    certificates: &[Arc<[u8]>],
) -> Result<Inspection, FormatError> {
    let detached: Vec<Detached<'_>> =
        beside.iter().map(|(name, source)| Detached::Document { name, source: *source }).collect();
    inspect::inspect(&Input { detached: &detached, certificates, ..Input::new(&file, "file.xml") })
}

/// The signatures of a file that came alone.
pub fn signatures(file: &str) -> Vec<Signature> {
    taken_apart(file.as_bytes(), &[], &[]).unwrap().signatures
}

/// Everything that is wrong with a signature itself, code first; empty if it is right. Manifests and time stamps do not
/// count, and neither does which certificate the signer meant.
pub fn wrong(signature: &Signature) -> Vec<String> {
    let mut all: Vec<String> = signature.faults.iter().map(|fault| format!("{}: {fault}", fault.code)).collect();
    if let Err(reason) = &signature.value {
        all.push(format!("{}: {reason}", reason.code));
    }
    for covered in signature.covered.iter().filter(|covered| covered.role != CoveredRole::ManifestEntry) {
        match &covered.integrity {
            Integrity::Intact => {}
            Integrity::Changed => all.push(format!("changed: {}", covered.what)),
            Integrity::Missing(reason) | Integrity::Refused(reason) => all.push(format!("{}: {reason}", reason.code)),
        }
    }
    all
}

/// An order with two lines, of which the first one is signed with XAdES by its Id.
pub const ORDER: &str = "<order><line Id=\"L1\">1000 EUR</line><line Id=\"L2\">2 EUR</line><evil/></order>";

/// [`ORDER`] signed.
pub fn by_id() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let reference = XmlReference { target: XmlTarget::Id("L1".into()), transforms: Vec::new() };
        let xml = XmlOptions { references: vec![reference], ..XmlOptions::default() };
        let profile = Profile { xml, ..Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped)) };
        String::from_utf8(crate::signing::signed(&ORDER.as_bytes(), &profile, KeyKind::P256)).unwrap()
    })
}

/// An order that is signed as a whole.
pub fn whole() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let profile = Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped));
        String::from_utf8(crate::signing::signed(&ORDER.as_bytes(), &profile, KeyKind::P256)).unwrap()
    })
}

/// Signed by someone whose certificates have revocation material.
pub fn sealed(source: &dyn Source, profile: &Profile) -> Sealed {
    let identity = World::shared_offline().signer(KeyKind::P256).unwrap();
    let signer = Signer {
        name: SignerName("Siegel".into()),
        token: TokenSerial("soft:test".into()),
        certificate: identity.certificate_der().into(),
        chain: identity.chain_der()[1..2].iter().map(|der| der.clone().into()).collect(),
        key: kind_of(KeyKind::P256),
        subject: identity.common_name(),
    };
    let template = SignerTemplate::new(&signer, profile).unwrap();
    let prepared = prepare(source, profile, &template, now()).unwrap();
    let value = sign(identity.key(), prepared.to_be_signed());
    prepared.assemble(&value).unwrap()
}

fn tokens(imprints: &[model::Digest]) -> Vec<Token> {
    let stamp = |imprint: &model::Digest| {
        Token::read(&World::shared_offline().stamp(Hash::Sha256, imprint.as_bytes()).unwrap()).unwrap()
    };
    imprints.iter().map(stamp).collect()
}

/// The next level: a time stamp over the value.
pub fn step_t(sealed: Sealed, original: &dyn Source) -> Sealed {
    let assembled = sealed.assembled(original);
    let digest = DigestAlgorithm::Sha256;
    let places = lift::signature_time_stamps(Kind::Xml, &assembled, Some(original), digest, None).unwrap();
    let stamps = tokens(places.imprints());
    let parts = places.fill(&stamps).unwrap();
    sealed.lifted(parts, original).unwrap()
}

/// The next level: certificates and revocation material.
pub fn step_lt(sealed: Sealed, original: &dyn Source) -> Sealed {
    let assembled = sealed.assembled(original);
    let place = lift::evidence(Kind::Xml, &assembled, Some(original), None).unwrap();
    let mut evidence = Evidence::default();
    for subject in place.subjects() {
        let proofs = World::shared_offline().proofs(&subject.certificate).unwrap();
        let arcs = |list: Vec<Vec<u8>>| list.into_iter().map(Arc::from).collect();
        evidence.merge(&Evidence {
            certificates: arcs(proofs.certificates),
            crls: arcs(proofs.crls),
            ocsp_responses: arcs(proofs.ocsp_responses),
        });
    }
    let parts = place.fill(&evidence).unwrap();
    sealed.lifted(parts, original).unwrap()
}

/// The next level: a time stamp over everything.
pub fn step_lta(sealed: Sealed, original: &dyn Source) -> Sealed {
    let assembled = sealed.assembled(original);
    let digest = DigestAlgorithm::Sha256;
    let places = lift::archive_time_stamps(Kind::Xml, &assembled, Some(original), digest, None).unwrap();
    let stamps = tokens(places.imprints());
    let parts = places.fill(&stamps).unwrap();
    sealed.lifted(parts, original).unwrap()
}

/// [`ORDER`] with everything that a signature may have: level B-LTA, twice stamped.
pub fn archived() -> &'static str {
    static FILE: OnceLock<String> = OnceLock::new();
    FILE.get_or_init(|| {
        let original = ORDER.as_bytes();
        let profile = Profile::plain("test", "test", Format::Xades(XmlShape::Enveloped));
        let mut result = sealed(&original, &profile);
        for step in [step_t, step_lt, step_lta, step_lt, step_lta] {
            result = step(result, &original);
        }
        String::from_utf8(written(&result, &original)).unwrap()
    })
}

/// As [`wrong`], and whether the certificate is one that the signer did not mean.
pub fn wrong_or_foreign(signature: &Signature) -> Vec<String> {
    let mut all = wrong(signature);
    if signature.reference == SignerReference::Differs {
        all.push("certificate: it is not the one that the signer meant".to_owned());
    }
    all
}
