//! A world of its own for each test, documents signed in it at every level, and the judgement on them.

use formats::evidence::{Evidence, Subject};
use formats::inspect::{Detached, Input, inspect};
use formats::lift::{self, Kind};
use formats::recipe::Assembled;
use formats::tsp::Token;
use formats::{Part, SignerTemplate, Source, prepare};
use model::profile::{Container, ContainerSignature, Format, Level, XmlShape};
use model::{Curve, Digest, DigestAlgorithm, Profile, SignatureValue, Signer, SignerName, Time, TokenSerial};
use std::sync::Arc;
use testkit::pki::{Identity, KeyKind};
use testkit::world::{Hash, World};
use trust::path::Anchors;
use trust::report::{Report, SignatureReport};
use trust::{Anchor, Cert, FileFacts, Further, Memory, Policy, Verifier};

pub(crate) const LEVELS: [Level; 4] = [Level::B, Level::T, Level::Lt, Level::Lta];

/// A form of signature, and a document for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) format: Format,
    pub(crate) detached: bool,
}

pub(crate) const FORMS: [Form; 10] = [
    Form { format: Format::Cades { detached: false }, detached: false },
    Form { format: Format::Cades { detached: true }, detached: true },
    Form { format: Format::Xades(XmlShape::Enveloped), detached: false },
    Form { format: Format::Xades(XmlShape::Enveloping), detached: false },
    Form { format: Format::Xades(XmlShape::Detached), detached: true },
    Form { format: Format::Pades, detached: false },
    asic(Container::Simple, ContainerSignature::Cades),
    asic(Container::Simple, ContainerSignature::Xades),
    asic(Container::Extended, ContainerSignature::Cades),
    asic(Container::Extended, ContainerSignature::Xades),
];

const fn asic(container: Container, signature: ContainerSignature) -> Form {
    Form { format: Format::Asic { container, signature }, detached: false }
}

pub(crate) const CADES: Form = FORMS[0];
pub(crate) const XADES: Form = FORMS[2];
pub(crate) const PADES: Form = FORMS[5];

impl Form {
    pub(crate) fn document(self) -> Vec<u8> {
        match self.format {
            Format::Pades => testkit::pdf::invoice(7, &testkit::pdf::Shape::of_bytes(20_000)),
            Format::Xades(_) => {
                b"<?xml version=\"1.0\"?>\n<Rechnung xmlns=\"urn:muster\"><Betrag>1234,56</Betrag></Rechnung>".to_vec()
            }
            _ => b"Rechnung 4711\r\nBetrag: 1.234,56 EUR\n\0\xff".to_vec(),
        }
    }
}

/// A signed file, and its original if that stays outside.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) file: Vec<u8>,
    pub(crate) original: Option<Vec<u8>>,
}

pub(crate) fn time(seconds: i64) -> Time {
    Time::from_seconds(seconds)
}

/// Signs at a level with the world's own signer, now.
pub(crate) fn made(world: &World, form: Form, level: Level) -> Made {
    made_by(world, &world.signer(KeyKind::P256).unwrap(), form, level)
}

pub(crate) fn made_by(world: &World, identity: &Identity, form: Form, level: Level) -> Made {
    let document = form.document();
    let file = signed(world, identity, form, &document);
    let original = form.detached.then_some(document);
    let steps = LEVELS.into_iter().skip(1).take_while(|step| *step <= level);
    steps.fold(Made { file, original }, |made, step| lifted(world, form, &made, step))
}

fn signed(world: &World, identity: &Identity, form: Form, document: &[u8]) -> Vec<u8> {
    let key = match identity.kind() {
        KeyKind::P256 => model::KeyKind::Ec(Curve::P256),
        KeyKind::Rsa2048 => model::KeyKind::Rsa { bits: 2048 },
        KeyKind::Rsa3072 => model::KeyKind::Rsa { bits: 3072 },
        other => panic!("no test needs {}", other.name()),
    };
    let signer = Signer {
        name: SignerName("test".into()),
        token: TokenSerial("soft:test".into()),
        certificate: identity.certificate_der().into(),
        chain: identity.chain_der().into_iter().skip(1).map(Arc::from).collect(),
        key,
        subject: identity.common_name(),
    };
    let profile = Profile::plain("test", "test", form.format);
    let template = SignerTemplate::new(&signer, &profile).unwrap();
    let source = Named(document.to_vec());
    let prepared = prepare(&source, &profile, &template, time(world.now())).unwrap();
    let value = SignatureValue(identity.sign_digest(prepared.to_be_signed().as_bytes()).unwrap());
    let sealed = prepared.assemble(&value).unwrap();
    bytes_of(&sealed.document().parts, &source)
}

/// A document with a file name, which detached XML signatures refer to.
struct Named(Vec<u8>);

impl Source for Named {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), formats::SourceError> {
        self.0.read_exact_at(offset, buffer)
    }

    fn as_slice(&self) -> Option<&[u8]> {
        Some(&self.0)
    }

    fn members(&self) -> Vec<formats::source::Member> {
        vec![formats::source::Member { name: Some("rechnung.txt".to_owned()), range: 0..self.len() }]
    }
}

/// One level up, with time stamps and evidence of this moment.
pub(crate) fn lifted(world: &World, form: Form, made: &Made, level: Level) -> Made {
    let kind = Kind::of_format(form.format).unwrap();
    let original = made.original.clone().map(Named);
    let original = original.as_ref().map(|bytes| bytes as &dyn Source);
    let digest = DigestAlgorithm::Sha256;
    let parts = match level {
        Level::B => unreachable!("nothing to do"),
        Level::Lt => {
            let place = lift::evidence(kind, &made.file, original, None).unwrap();
            let evidence = evidence(world, place.subjects());
            place.fill(&evidence).unwrap()
        }
        level => {
            let places = match level {
                Level::T => lift::signature_time_stamps(kind, &made.file, original, digest, None).unwrap(),
                _ => lift::archive_time_stamps(kind, &made.file, original, digest, None).unwrap(),
            };
            let tokens: Vec<Token> = places.imprints().iter().map(|imprint| stamp(world, imprint)).collect();
            places.fill(&tokens).unwrap()
        }
    };
    Made { file: bytes_of(&parts, &made.file), original: made.original.clone() }
}

fn stamp(world: &World, digest: &Digest) -> Token {
    Token::read(&world.stamp_at(Hash::Sha256, digest.as_bytes(), world.now()).unwrap()).unwrap()
}

fn evidence(world: &World, subjects: &[Subject]) -> Evidence {
    let mut all = Evidence::default();
    for subject in subjects {
        all.merge(&proofs(world, &subject.certificate));
    }
    all
}

/// What the world says about a certificate now.
pub(crate) fn proofs(world: &World, certificate: &[u8]) -> Evidence {
    let proofs = world.proofs(certificate).unwrap();
    let arcs = |list: Vec<Vec<u8>>| list.into_iter().map(Into::into).collect();
    Evidence {
        certificates: arcs(proofs.certificates),
        crls: arcs(proofs.crls),
        ocsp_responses: arcs(proofs.ocsp_responses),
    }
}

/// What the world says now about its signer and its time-stamp unit.
pub(crate) fn news(world: &World) -> Evidence {
    let mut all = proofs(world, &world.signer(KeyKind::P256).unwrap().certificate_der());
    all.merge(&proofs(world, &world.unit(testkit::world::Unit::Good).unwrap().certificate_der()));
    all
}

pub(crate) fn bytes_of(parts: &[Part], document: &dyn Source) -> Vec<u8> {
    let assembled = Assembled::new(parts, document);
    let mut bytes = vec![0; Source::len(&assembled) as usize];
    assembled.read_exact_at(0, &mut bytes).unwrap();
    bytes
}

/// By what is judged.
pub(crate) struct Court {
    pub(crate) anchors: Anchors,
    pub(crate) policy: Policy,
    pub(crate) further: Evidence,
    pub(crate) now: Time,
}

impl Court {
    /// The world's root is trusted, it is now, and nothing is known beside what the file brings.
    pub(crate) fn of(world: &World) -> Self {
        let root = Cert::read(&world.root_der().into()).unwrap();
        Self {
            anchors: Anchors::new(vec![Anchor::plain(root, "Muster Welt")]),
            policy: Policy::shipped().unwrap(),
            further: Evidence::default(),
            now: time(world.now()),
        }
    }

    pub(crate) fn knowing(self, further: Evidence) -> Self {
        Self { further, ..self }
    }

    pub(crate) fn report(&self, made: &Made) -> Report {
        let original = made.original.clone().map(Named);
        let detached: Vec<Detached<'_>> =
            original.iter().map(|source| Detached::Document { name: "rechnung.txt", source }).collect();
        let input = Input { detached: &detached, ..Input::new(&made.file, "file") };
        let inspection = inspect(&input).unwrap();
        let (memory, further) = (Memory::new(), Further::read(&self.further));
        let verifier = Verifier { anchors: &self.anchors, policy: &self.policy, memory: &memory };
        let facts = FileFacts { name: "file".to_owned(), content: None };
        let first = verifier.judge(&inspection, facts.clone(), &further, self.now).report;
        let again = verifier.judge(&inspection, facts, &further, self.now).report;
        assert_eq!(format!("{first:?}"), format!("{again:?}"), "what is remembered changes nothing");
        again
    }

    /// The report on the one signature of a file.
    pub(crate) fn signature(&self, made: &Made) -> SignatureReport {
        let report = self.report(made);
        assert_eq!(report.signatures.len(), 1, "{:?}", report.notes);
        report.signatures.into_iter().next().unwrap()
    }
}

/// The words of a conclusion: `TOTAL-PASSED`, or the sub-indication with its sentence.
pub(crate) fn said(signature: &SignatureReport) -> String {
    match (signature.conclusion.sub_indication, &signature.conclusion.reason) {
        (Some(sub), Some(reason)) => format!("{}: {}", sub.word(), reason.sentence),
        _ => "TOTAL-PASSED".to_owned(),
    }
}
