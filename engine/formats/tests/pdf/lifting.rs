//! Lifts documents as the server does, with time stamps and evidence from the test world, and asks pyHanko what level
//! they have.

use crate::support::{TestSigner, now, options, profile};
use formats::evidence::Evidence;
use formats::lift::{self, Kind, StampPlaces};
use formats::tsp::Token;
use formats::{FormatError, Part, Sealed, SignerTemplate, Source};
use model::profile::{AuthorityName, Level, PdfOptions, StampOptions};
use model::{DigestAlgorithm, Profile, Signer, SignerName, TokenSerial};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use testkit::pki::KeyKind;
use testkit::tools;
use testkit::world::{Hash, World};

pub(crate) const DIGEST: DigestAlgorithm = DigestAlgorithm::Sha256;

/// A signer whose certificate the world can prove.
pub(crate) fn world_signer(kind: KeyKind) -> TestSigner {
    let identity = World::shared_offline().signer(kind).unwrap();
    let key = match kind {
        KeyKind::Rsa2048 => model::KeyKind::Rsa { bits: 2048 },
        KeyKind::P256 => model::KeyKind::Ec(model::Curve::P256),
        other => panic!("no test needs {}", other.name()),
    };
    let mut chain = identity.chain_der().into_iter().map(Arc::from);
    let signer = Signer {
        name: SignerName("test".into()),
        token: TokenSerial("soft:test".into()),
        certificate: chain.next().unwrap(),
        chain: chain.take(1).collect(),
        key,
        subject: identity.common_name(),
    };
    TestSigner { identity, signer }
}

/// A profile of this level.
pub(crate) fn profile_of(level: Level, pdf: PdfOptions) -> Profile {
    let stamp =
        StampOptions { authorities: vec![AuthorityName("world".into())], digest: DIGEST, policy: None, batch: false };
    Profile { level, stamp: (level > Level::B).then_some(stamp), ..profile(pdf) }
}

/// Any file, signed by us so that there is room for a time stamp.
pub(crate) fn signed(signer: &TestSigner, original: &[u8]) -> Vec<u8> {
    signer.sign(original, &profile_of(Level::T, options())).unwrap()
}

/// One time stamp of the world for each imprint.
pub(crate) fn tokens(imprints: &[model::Digest]) -> Vec<Token> {
    let world = World::shared_offline();
    let stamp = |imprint: &model::Digest| Token::read(&world.stamp(Hash::Sha256, imprint.as_bytes()).unwrap()).unwrap();
    imprints.iter().map(stamp).collect()
}

/// What the world knows of these certificates; of a stranger's nothing.
pub(crate) fn proofs<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Evidence {
    let mut evidence = Evidence::default();
    for certificate in certificates {
        let Ok(proofs) = World::shared_offline().proofs(certificate) else { continue };
        let shared = |list: Vec<Vec<u8>>| list.into_iter().map(Arc::from).collect();
        evidence.merge(&Evidence {
            certificates: shared([vec![certificate.to_vec()], proofs.certificates].concat()),
            crls: shared(proofs.crls),
            ocsp_responses: shared(proofs.ocsp_responses),
        });
    }
    evidence
}

type FindStampPlaces = fn(
    Kind,
    &dyn Source,
    Option<&dyn Source>,
    DigestAlgorithm,
    Option<&str>,
) -> Result<Box<dyn StampPlaces>, FormatError>;

fn stamp(document: &[u8], find: FindStampPlaces, password: Option<&str>) -> Result<Vec<u8>, FormatError> {
    let place = find(Kind::Pdf, &document, None, DIGEST, password)?;
    let tokens = tokens(place.imprints());
    place.fill(&tokens).map(|parts| written(parts, document))
}

fn prove(document: &[u8], password: Option<&str>) -> Result<Vec<u8>, FormatError> {
    let place = lift::evidence(Kind::Pdf, &document, None, password)?;
    let evidence = proofs(place.subjects().iter().map(|subject| &*subject.certificate));
    place.fill(&evidence).map(|parts| written(parts, document))
}

/// Each step alone.
pub(crate) fn stamp_signatures(document: &[u8]) -> Result<Vec<u8>, FormatError> {
    stamp(document, lift::signature_time_stamps, None)
}

pub(crate) fn add_evidence(document: &[u8]) -> Result<Vec<u8>, FormatError> {
    prove(document, None)
}

pub(crate) fn stamp_document(document: &[u8]) -> Result<Vec<u8>, FormatError> {
    stamp(document, lift::archive_time_stamps, None)
}

/// All steps up to this level.
pub(crate) fn lifted(document: &[u8], level: Level) -> Result<Vec<u8>, FormatError> {
    lifted_with(document, level, None)
}

/// All steps up to this level; the password opens an encrypted file.
pub(crate) fn lifted_with(document: &[u8], level: Level, password: Option<&str>) -> Result<Vec<u8>, FormatError> {
    let mut bytes = document.to_vec();
    if level >= Level::T {
        bytes = stamp(&bytes, lift::signature_time_stamps, password)?;
    }
    if level >= Level::Lt {
        bytes = prove(&bytes, password)?;
    }
    if level >= Level::Lta {
        bytes = stamp(&bytes, lift::archive_time_stamps, password)?;
    }
    Ok(bytes)
}

fn written(parts: Vec<Part>, document: &[u8]) -> Vec<u8> {
    let whole = parts.iter().map(|part| match part {
        Part::Bytes(bytes) => bytes.clone(),
        Part::Original => document.to_vec(),
        Part::Slice(range) => document[range.start as usize..range.end as usize].to_vec(),
        Part::Base64(_) => panic!("no base64 in a PDF"),
    });
    whole.collect::<Vec<_>>().concat()
}

/// Signs and lifts as one recipe over the original, as the server does; the result's parts and bytes.
pub(crate) fn sign_to(signer: &TestSigner, original: &[u8], level: Level) -> (Vec<Part>, Vec<u8>) {
    let profile = profile_of(level, options());
    let template = SignerTemplate::new(&signer.signer, &profile).unwrap();
    let prepared = formats::prepare(&original, &profile, &template, now()).unwrap();
    let value = signer.value(prepared.to_be_signed());
    let mut sealed: Sealed = prepared.assemble(&value).unwrap();
    if level >= Level::T {
        let place = lift::signature_time_stamps(Kind::Pdf, &sealed.assembled(&original), None, DIGEST, None).unwrap();
        let tokens = tokens(place.imprints());
        sealed = sealed.lifted(place.fill(&tokens).unwrap(), &original).unwrap();
    }
    if level >= Level::Lt {
        let place = lift::evidence(Kind::Pdf, &sealed.assembled(&original), None, None).unwrap();
        let evidence = proofs(place.subjects().iter().map(|subject| &*subject.certificate));
        sealed = sealed.lifted(place.fill(&evidence).unwrap(), &original).unwrap();
    }
    if level >= Level::Lta {
        let place = lift::archive_time_stamps(Kind::Pdf, &sealed.assembled(&original), None, DIGEST, None).unwrap();
        let tokens = tokens(place.imprints());
        sealed = sealed.lifted(place.fill(&tokens).unwrap(), &original).unwrap();
    }
    let parts = sealed.document().parts.clone();
    let bytes = written(parts.clone(), original);
    (parts, bytes)
}

/// pyHanko's verdicts by EN 319 102-1 with the world's root as the anchor. One JSON object for each signature.
pub(crate) fn judge_world(files: &[PathBuf]) -> Vec<Value> {
    judge_encrypted(files, "")
}

/// As [`judge_world`], for files that open with this password.
pub(crate) fn judge_encrypted(files: &[PathBuf], password: &str) -> Vec<Value> {
    let python = tools::python().unwrap();
    let script = tools::workspace_root().join("testkit/python/judge_pdf_levels.py");
    let mut command = Command::new(&python);
    command.arg(script).args(["--password", password]).arg(World::shared_offline().root_pem()).args(files);
    let out = tools::ok(&python.to_string_lossy(), &mut command).unwrap();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
