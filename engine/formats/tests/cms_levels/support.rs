//! Signed messages of a small world, its time stamps and its evidence, and what openssl says about a message.

use super::cms_support::{kind_of, sign, written};
use formats::evidence::{Evidence, Subject};
use formats::lift::{self, Kind};
use formats::recipe::Assembled;
use formats::tsp::Token;
use formats::{Part, SignerTemplate, Source, prepare};
use model::profile::{Format, Level};
use model::{Digest, DigestAlgorithm, Profile, Signer, SignerName, Time, TokenSerial};
use std::path::Path;
use std::process::Command;
use testkit::pki::{Identity, KeyKind};
use testkit::tools;
use testkit::world::{Hash, World};

pub(crate) const CONTENT: &[u8] = b"Rechnung 4711\r\nBetrag: 1.234,56 EUR\n\0\xff";

pub(crate) const LEVELS: [Level; 3] = [Level::T, Level::Lt, Level::Lta];

pub(crate) fn world() -> &'static World {
    World::shared_offline()
}

pub(crate) fn now() -> Time {
    Time::from_seconds(world().now())
}

pub(crate) fn signer(identity: &Identity) -> Signer {
    Signer {
        name: SignerName(identity.common_name().into()),
        token: TokenSerial("soft:test".into()),
        certificate: identity.certificate_der().into(),
        chain: Vec::new(),
        key: kind_of(identity.kind()),
        subject: identity.common_name(),
    }
}

/// Signs a document under a profile with the world's signer of this kind.
pub(crate) fn signed(kind: KeyKind, profile: &Profile, document: &[u8]) -> Vec<u8> {
    try_signed(&world().signer(kind).unwrap(), profile, document).unwrap()
}

pub(crate) fn try_signed(
    identity: &Identity,
    profile: &Profile,
    document: &[u8],
) -> Result<Vec<u8>, formats::FormatError> {
    let template = SignerTemplate::new(&signer(identity), profile)?;
    let prepared = prepare(&document, profile, &template, now())?;
    let value = sign(identity.key(), prepared.to_be_signed());
    Ok(written(&prepared.assemble(&value)?, document))
}

pub(crate) fn cades(detached: bool) -> Profile {
    Profile::plain("test", "test", Format::Cades { detached })
}

pub(crate) fn stamp(digest: &Digest) -> Token {
    stamp_at(digest, world().now())
}

pub(crate) fn stamp_at(digest: &Digest, at: i64) -> Token {
    let hash = match digest.algorithm() {
        DigestAlgorithm::Sha256 => Hash::Sha256,
        DigestAlgorithm::Sha384 => Hash::Sha384,
        DigestAlgorithm::Sha512 => Hash::Sha512,
    };
    Token::read(&world().stamp_at(hash, digest.as_bytes(), at).unwrap()).unwrap()
}

/// What the world knows of these; strangers have no evidence.
pub(crate) fn evidence(subjects: &[Subject]) -> Evidence {
    let mut all = Evidence::default();
    for subject in subjects {
        let Ok(proofs) = world().proofs(&subject.certificate) else { continue };
        let arcs = |list: Vec<Vec<u8>>| list.into_iter().map(Into::into).collect();
        all.merge(&Evidence {
            certificates: arcs(proofs.certificates),
            crls: arcs(proofs.crls),
            ocsp_responses: arcs(proofs.ocsp_responses),
        });
    }
    all
}

/// One step up.
pub(crate) fn step(
    level: Level,
    document: &dyn Source,
    original: Option<&dyn Source>,
) -> Result<Vec<Part>, formats::FormatError> {
    let digest = DigestAlgorithm::Sha256;
    match level {
        Level::B => unreachable!("nothing to do"),
        Level::Lt => {
            let place = lift::evidence(Kind::Cms, document, original, None)?;
            let evidence = evidence(place.subjects());
            place.fill(&evidence)
        }
        level => {
            let places = match level {
                Level::T => lift::signature_time_stamps(Kind::Cms, document, original, digest, None)?,
                _ => lift::archive_time_stamps(Kind::Cms, document, original, digest, None)?,
            };
            let tokens: Vec<Token> = places.imprints().iter().map(stamp).collect();
            places.fill(&tokens)
        }
    }
}

/// One step up, in memory.
pub(crate) fn lifted(level: Level, message: &[u8], original: Option<&[u8]>) -> Result<Vec<u8>, formats::FormatError> {
    let original = original.as_ref().map(|bytes| bytes as &dyn Source);
    let parts = step(level, &message, original)?;
    Ok(bytes_of(&parts, &message))
}

/// From B-B to B-LTA, all of them.
pub(crate) fn ladder(message: &[u8], original: Option<&[u8]>) -> Vec<(Level, Vec<u8>)> {
    let mut all = vec![(Level::B, message.to_vec())];
    for level in LEVELS {
        let next = lifted(level, &all.last().unwrap().1, original).unwrap();
        all.push((level, next));
    }
    all
}

pub(crate) fn bytes_of(parts: &[Part], document: &dyn Source) -> Vec<u8> {
    let assembled = Assembled::new(parts, document);
    let mut bytes = vec![0; Source::len(&assembled) as usize];
    assembled.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// `openssl cms -verify`: the content, if all signatures are right. `trust`: the world's, else nobody's.
pub(crate) fn openssl_verify(
    folder: &Path,
    message: &[u8],
    original: Option<&[u8]>,
    trust: bool,
) -> Result<Vec<u8>, String> {
    let [file, content, out] = ["message.der", "content", "out"].map(|name| folder.join(name));
    std::fs::write(&file, message).unwrap();
    let mut command = Command::new("openssl");
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]).arg(&file);
    command.arg("-out").arg(&out);
    if trust {
        command.arg("-CAfile").arg(world().ca_pem());
    } else {
        command.arg("-noverify");
    }
    if let Some(bytes) = original {
        std::fs::write(&content, bytes).unwrap();
        command.arg("-content").arg(&content);
    }
    let said = tools::said("openssl", &mut command).unwrap();
    if said.ok() { Ok(std::fs::read(&out).unwrap()) } else { Err(said.err) }
}

/// OpenSSL writes the same bytes for the same structure: it is DER, and nothing stands behind it.
pub(crate) fn assert_strict_der(der: &[u8]) {
    let message = openssl::cms::CmsContentInfo::from_der(der).unwrap();
    assert!(message.to_der().unwrap() == der, "not DER");
}
