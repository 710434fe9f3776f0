//! Time stamps in the attributes of a signature: which there are, whether each is over what it should be over, and what
//! exists since its time if it is valid.

use super::content::Contents;
use super::evidence::Collected;
use super::signer::{Own, Stage, missing};
use super::{archive, index, references};
use crate::cms::identifiers::{
    OID_ADOBE_REVOCATION, OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2, OID_ARCHIVE_TIME_STAMP_3,
    OID_CADES_C_TIME_STAMP, OID_CERTIFICATE_REFERENCES, OID_CERTIFICATE_VALUES, OID_CONTENT_TIME_STAMP,
    OID_COUNTERSIGNATURE, OID_REFERENCES_TIME_STAMP, OID_REVOCATION_REFERENCES, OID_REVOCATION_VALUES,
    OID_SIGNATURE_TIME_STAMP,
};
use crate::cms::message::SignerInfo;
use crate::der;
use crate::inspect::{Integrity, ObjectId, Stamp, StampKind};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::tsp::{Token, TspError};
use model::Reason;
use model::limits::{CMS_CONTENT_PASSES_MAX, CMS_STAMPS_MAX};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one message may still use up.
pub(super) struct Budget {
    stamps: usize,
    /// Passes over the content.
    pub(super) passes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { stamps: CMS_STAMPS_MAX, passes: CMS_CONTENT_PASSES_MAX }
    }
}

/// A time stamp as it lies in an attribute.
pub(super) struct FoundStamp<'a> {
    kind: StampKind,
    name: &'static str,
    /// The type of its attribute, the whole OBJECT IDENTIFIER.
    pub(super) oid: &'static [u8],
    pub(super) bytes: &'a [u8],
    pub(super) token: Result<Token, TspError>,
    /// What exists if the token does, once it was asked for.
    inside: OnceCell<Vec<ObjectId>>,
}

impl FoundStamp<'_> {
    /// What exists if the token does: itself, and the evidence in it.
    fn inside(&self) -> &[ObjectId] {
        self.inside.get_or_init(|| {
            let Ok(token) = &self.token else { return Vec::new() };
            let mut inside = Collected::default();
            inside.token(token);
            inside.ids().chain([ObjectId::of(token.der())]).collect()
        })
    }

    /// The digest of the content that is needed to check its imprint.
    pub(super) fn content_hash(&self) -> Option<HashAlgorithm> {
        let token = self.token.as_ref().ok()?;
        match self.kind {
            StampKind::Content => Some(token.imprint().algorithm),
            StampKind::Archive if self.oid == OID_ARCHIVE_TIME_STAMP_3 => Some(token.imprint().algorithm),
            _ => None,
        }
    }
}

/// Attributes that hold time stamps.
const SIGNED: (&[u8], StampKind, &str) = (OID_CONTENT_TIME_STAMP, StampKind::Content, "content-time-stamp");
const UNSIGNED: [(&[u8], StampKind, &str); 6] = [
    (OID_SIGNATURE_TIME_STAMP, StampKind::Signature, "signature-time-stamp"),
    (OID_CADES_C_TIME_STAMP, StampKind::SignatureAndReferences, "CAdES-C-time-stamp"),
    (OID_REFERENCES_TIME_STAMP, StampKind::References, "time-stamped-certs-crls-references"),
    (OID_ARCHIVE_TIME_STAMP_1, StampKind::Archive, "archive-time-stamp"),
    (OID_ARCHIVE_TIME_STAMP_2, StampKind::Archive, "archive-time-stamp-v2"),
    (OID_ARCHIVE_TIME_STAMP_3, StampKind::Archive, "archive-time-stamp-v3"),
];

/// Reads all time stamps of a signature, in the order of their attributes.
pub(super) fn find<'a>(
    signer: &'a SignerInfo,
    certificates: &[Arc<[u8]>],
    left: &mut Budget,
) -> Result<Vec<FoundStamp<'a>>, FormatError> {
    let signed = signer.signed_attributes().filter(|attribute| attribute.oid == SIGNED.0);
    let signed = signed.map(|attribute| (SIGNED, attribute.values));
    let unsigned = signer.unsigned_attributes().filter_map(|attribute| {
        let kind = UNSIGNED.iter().find(|(oid, ..)| *oid == attribute.oid)?;
        Some((*kind, attribute.values))
    });
    let mut found = Vec::new();
    for ((oid, kind, name), values) in signed.chain(unsigned) {
        for bytes in values {
            if left.stamps == 0 {
                let sentence = format!("the file has more than {CMS_STAMPS_MAX} time stamps");
                return Err(FormatError::document("too-many-time-stamps", sentence));
            }
            left.stamps -= 1;
            let token = Token::read_with(bytes, certificates);
            found.push(FoundStamp { kind, name, oid, bytes, token, inside: OnceCell::new() });
        }
    }
    Ok(found)
}

/// Judges the time stamps of a signature. `chosen`: which of the contents it is over.
pub(super) fn judge(
    stage: &Stage<'_>,
    own: &Own<'_>,
    found: Vec<FoundStamp<'_>>,
    contents: &mut Contents<'_>,
    chosen: Option<usize>,
    left: &mut Budget,
    notes: &mut Vec<Reason>,
) -> Result<Vec<Stamp>, FormatError> {
    let scene = Scene { stage, own, found: &found, chosen };
    let mut judged = Vec::with_capacity(found.len());
    for stamp in &found {
        let mut outcome = Outcome::refused("the time stamp cannot be read");
        if let Ok(token) = &stamp.token {
            outcome = match stamp.kind {
                StampKind::Content => over_content(token, contents, chosen)?,
                StampKind::Archive if stamp.oid == OID_ARCHIVE_TIME_STAMP_3 => {
                    index::judge(&scene, token, contents, notes)?
                }
                StampKind::Archive => archive::judge(&scene, stamp, token, contents, left)?,
                StampKind::Signature => Outcome {
                    imprint: over(token, &[&own.signer.signature()]),
                    covers: under_value(own, &found).into_iter().collect(),
                    faults: Vec::new(),
                },
                kind => over_references(&scene, token, kind),
            };
        }
        judged.push(outcome);
    }
    let stamps = found.into_iter().zip(judged).map(|(stamp, outcome)| Stamp {
        kind: stamp.kind,
        name: Some(stamp.name.into()),
        bytes: match &stamp.token {
            Ok(token) => token.der().clone(),
            Err(_) => stamp.bytes.into(),
        },
        token: stamp.token,
        imprint: outcome.imprint,
        covers: outcome.covers,
        signatures: Vec::new(),
        faults: outcome.faults,
        pdf: None,
    });
    Ok(stamps.collect())
}

/// A signature whose time stamps are judged.
pub(super) struct Scene<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) own: &'a Own<'a>,
    pub(super) found: &'a [FoundStamp<'a>],
    /// Which of the contents it is over.
    pub(super) chosen: Option<usize>,
}

/// What was found out about one time stamp.
pub(super) struct Outcome {
    pub(super) imprint: Integrity,
    pub(super) covers: Vec<ObjectId>,
    pub(super) faults: Vec<Reason>,
}

impl Outcome {
    pub(super) fn refused(why: &str) -> Self {
        let imprint = Integrity::Refused(Reason::new("time-stamp-unreadable", why));
        Self { imprint, covers: Vec::new(), faults: Vec::new() }
    }
}

/// Whether a token is over these parts, one behind the other.
pub(super) fn over(token: &Token, parts: &[&[u8]]) -> Integrity {
    let imprint = token.imprint();
    let digest = imprint.algorithm.start().and_then(|mut running| {
        parts.iter().try_for_each(|part| running.update(part))?;
        running.finish()
    });
    match digest {
        Ok(digest) if digest == imprint.value => Integrity::Intact,
        Ok(_) => Integrity::Changed,
        Err(error) => Integrity::Refused(super::signer::unverified(&error)),
    }
}

fn over_content(token: &Token, contents: &mut Contents<'_>, chosen: Option<usize>) -> Result<Outcome, FormatError> {
    let imprint = token.imprint();
    let found = match chosen {
        Some(index) => contents.digest(index, imprint.algorithm)?,
        None => contents.choose(imprint.algorithm, &imprint.value)?.map(|chosen| chosen.digest),
    };
    let imprint = match found {
        Some(digest) if digest == imprint.value => Integrity::Intact,
        Some(_) => Integrity::Changed,
        None => Integrity::Missing(missing(contents.count())),
    };
    Ok(Outcome { imprint, covers: Vec::new(), faults: Vec::new() })
}

/// What exists if the signature value does: all that is signed.
pub(super) fn under_value(own: &Own<'_>, found: &[FoundStamp<'_>]) -> BTreeSet<ObjectId> {
    let mut ids: BTreeSet<ObjectId> = [own.value].into_iter().chain(own.certificate).collect();
    let mut inside = Collected::default();
    for stamp in found.iter().filter(|stamp| stamp.kind == StampKind::Content) {
        ids.extend(stamp.inside());
    }
    own.signer.signed(OID_ADOBE_REVOCATION).into_iter().for_each(|value| inside.revocation_values(value));
    ids.extend(inside.ids());
    ids
}

/// What exists if this value of an unsigned attribute does.
pub(super) fn under_attribute(oid: &[u8], value: &[u8], found: &[FoundStamp<'_>], ids: &mut BTreeSet<ObjectId>) {
    let mut inside = Collected::default();
    match oid {
        OID_CERTIFICATE_VALUES => inside.certificate_values(value),
        OID_REVOCATION_VALUES => inside.revocation_values(value),
        OID_COUNTERSIGNATURE => {
            if let Ok(counter) = SignerInfo::read(value.to_vec()) {
                ids.insert(ObjectId::of(&counter.signature()));
            }
        }
        _ => {
            if let Some(same) = found.iter().find(|stamp| stamp.oid == oid && std::ptr::eq(stamp.bytes, value)) {
                ids.extend(same.inside());
            }
        }
    }
    ids.extend(inside.ids());
}

/// Over references to evidence, and before them the signature and its time stamps (TS 101 733 sections 6.3.5 and
/// 6.3.6): type and values of each attribute, without the frame around them.
fn over_references(scene: &Scene<'_>, token: &Token, kind: StampKind) -> Outcome {
    let Scene { stage, own, found, .. } = *scene;
    let value = own.signer.signature();
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut whole: Vec<Vec<u8>> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut add = |oid: &[u8]| {
        for attribute in own.signer.unsigned_attributes().filter(|attribute| attribute.oid == oid) {
            parts.push([attribute.oid, &der::tlv(der::TAG_SET, &attribute.values)].concat());
            whole.push(attribute.raw.to_vec());
        }
    };
    if kind == StampKind::SignatureAndReferences {
        ids = under_value(own, found);
        add(OID_SIGNATURE_TIME_STAMP);
        for value in own.signer.unsigned(OID_SIGNATURE_TIME_STAMP) {
            under_attribute(OID_SIGNATURE_TIME_STAMP, value, found, &mut ids);
        }
    }
    add(OID_CERTIFICATE_REFERENCES);
    add(OID_REVOCATION_REFERENCES);
    ids.extend(references::resolve(own.signer, stage));
    let front: &[u8] = if kind == StampKind::SignatureAndReferences { &value } else { &[] };
    let with_front = |attributes: &[Vec<u8>]| -> Integrity {
        let all: Vec<&[u8]> = [front].into_iter().chain(attributes.iter().map(Vec::as_slice)).collect();
        over(token, &all)
    };
    let imprint = match with_front(&parts) {
        // Some programs put the frame in.
        Integrity::Changed => match with_front(&whole) {
            Integrity::Intact => Integrity::Intact,
            _ => Integrity::Changed,
        },
        other => other,
    };
    Outcome { imprint, covers: ids.into_iter().collect(), faults: Vec::new() }
}
