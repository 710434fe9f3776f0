//! Archive time stamps of version 3 (EN 319 122-1 clause 5.5.3): over the signature and an index of digests, which each
//! token carries, of all that was there when it was made.

use super::content::Contents;
use super::evidence::{Collected, Revocation};
use super::signer::{Own, Stage, missing};
use super::stamps::{FoundStamp, Outcome, Scene, over, under_attribute, under_value};
use crate::cms::identifiers::{OID_HASH_INDEX_1, OID_HASH_INDEX_2, OID_HASH_INDEX_3};
use crate::cms::in_der_order;
use crate::cms::message::{Attributed, Message, SignerInfo};
use crate::der::{DerError, Reader, TAG_CONTEXT_0, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE};
use crate::inspect::{Integrity, ObjectId};
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Unverified};
use crate::tsp::Token;
use model::Reason;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// `ATSHashIndex` of any version.
struct Index {
    /// All of it.
    raw: Vec<u8>,
    hash: HashAlgorithm,
    certificates: HashSet<Vec<u8>>,
    revocations: HashSet<Vec<u8>>,
    unsigned: HashSet<Vec<u8>>,
    /// Unsigned attributes are digested value by value, each with its type in front; before version 3 whole.
    by_value: bool,
}

impl Index {
    fn of(token: &Token) -> Result<Option<Self>, Unverified> {
        let bytes = &token.der()[..];
        let Ok(message) = Message::read(&bytes) else { return Ok(None) };
        let Some(signer) = message.signers().first() else { return Ok(None) };
        for (oid, by_value) in [(OID_HASH_INDEX_3, true), (OID_HASH_INDEX_2, false), (OID_HASH_INDEX_1, false)] {
            if let Some(value) = signer.unsigned(oid).first() {
                return Self::read(value, by_value).map(Some);
            }
        }
        Ok(None)
    }

    fn read(value: &[u8], by_value: bool) -> Result<Self, Unverified> {
        let mut fields = Reader::new(value).enter(TAG_SEQUENCE)?;
        let mut hash = HashAlgorithm::Sha256; // the default of version 1
        let mut ahead = fields;
        let first = ahead.expect(TAG_SEQUENCE)?;
        if first.value.first() == Some(&TAG_OID) {
            hash = HashAlgorithm::of_identifier(first.raw)?;
            fields = ahead;
        }
        let mut list = || -> Result<HashSet<Vec<u8>>, DerError> {
            let mut members = fields.enter(TAG_SEQUENCE)?;
            let mut digests = HashSet::new();
            while !members.is_empty() {
                digests.insert(members.expect(TAG_OCTET_STRING)?.value.to_vec());
            }
            Ok(digests)
        };
        let (certificates, revocations, unsigned) = (list()?, list()?, list()?);
        Ok(Self { raw: value.to_vec(), hash, certificates, revocations, unsigned, by_value })
    }

    /// How many digests in it are those of nothing that is there.
    fn unmatched(&self) -> usize {
        self.certificates.len() + self.revocations.len() + self.unsigned.len()
    }
}

/// Judges one such time stamp.
pub(super) fn judge(
    scene: &Scene<'_>,
    token: &Token,
    contents: &mut Contents<'_>,
    notes: &mut Vec<Reason>,
) -> Result<Outcome, FormatError> {
    let Scene { stage, own, found, chosen } = *scene;
    let mut index = match Index::of(token) {
        Ok(Some(index)) => index,
        Ok(None) => return Ok(broken("it has no index of what it is over")),
        Err(error) => return Ok(broken(&format!("its index of what it is over cannot be read: {error}"))),
    };
    let algorithm = token.imprint().algorithm;
    let digest = match chosen {
        Some(chosen) => contents.digest(chosen, algorithm)?,
        None => None,
    };
    let imprint = match digest {
        Some(digest) => imprint(stage, own, token, &digest, &index.raw),
        None => Integrity::Missing(missing(contents.count())),
    };
    let covers = match covered(stage, own, found, &mut index) {
        Ok(covers) => covers,
        Err(error) => return Ok(broken(&error.to_string())),
    };
    if index.hash != algorithm {
        let sentence = "the index of an archive time stamp is made with another digest algorithm than the time stamp";
        notes.push(Reason::new("hash-index-algorithm", sentence));
    }
    match index.unmatched() {
        0 => {}
        count => {
            let sentence = format!("an archive time stamp is over {count} things that are no longer in the file");
            notes.push(Reason::new("hash-index-unmatched", sentence));
        }
    }
    Ok(Outcome { imprint, covers: covers.into_iter().collect(), faults: Vec::new() })
}

fn broken(what: &str) -> Outcome {
    let reason = Reason::new("hash-index-missing", format!("the archive time stamp breaks the rules: {what}"));
    Outcome { imprint: Integrity::Refused(reason.clone()), covers: Vec::new(), faults: vec![reason] }
}

/// Type and digest of the content, the fields of the SignerInfo, the index.
fn imprint(stage: &Stage<'_>, own: &Own<'_>, token: &Token, content: &[u8], index: &[u8]) -> Integrity {
    let kind = stage.message.content_type();
    match over(token, &[kind, content, own.signer.fields(), index]) {
        // Programs that encode the signed attributes again do so in DER order.
        Integrity::Changed => match sorted_fields(own).map(|fields| over(token, &[kind, content, &fields, index])) {
            Some(Integrity::Intact) => Integrity::Intact,
            _ => Integrity::Changed,
        },
        other => other,
    }
}

/// The fields of a SignerInfo with its signed attributes in DER order, if they are in another.
fn sorted_fields(own: &Own<'_>) -> Option<Vec<u8>> {
    let received = own.signer.signed_bytes()?;
    let mut sorted = in_der_order(&received).ok().filter(|sorted| *sorted != received)?;
    *sorted.first_mut()? = TAG_CONTEXT_0;
    let mut fields = Reader::new(own.signer.fields());
    let mut parts = Vec::new();
    while !fields.is_empty() {
        let field = fields.read().ok()?;
        let replaced = if field.tag == TAG_CONTEXT_0 { &sorted } else { field.raw };
        parts.push(replaced.to_vec());
    }
    Some(parts.concat())
}

/// What the digests of the index are of; takes those out of it.
fn covered(
    stage: &Stage<'_>,
    own: &Own<'_>,
    found: &[FoundStamp<'_>],
    index: &mut Index,
) -> Result<BTreeSet<ObjectId>, Unverified> {
    let mut ids = under_value(own, found);
    let hash = index.hash;
    let digests = stage.digests.of(hash, stage.message)?;
    for (digest, id) in &digests.certificates {
        if index.certificates.remove(digest) {
            ids.insert(*id);
        }
    }
    for (digest, id) in &digests.revocations {
        if index.revocations.remove(digest) {
            ids.extend(id);
        }
    }
    let attributes = own.signer.unsigned_attributes();
    for (attribute, digests) in attributes.zip(own.unsigned.of(hash, index.by_value, own.signer)?.iter()) {
        // One digest for each value, or one for all of them.
        for (position, value) in attribute.values.iter().enumerate() {
            if digests.get(position).or(digests.last()).is_some_and(|digest| index.unsigned.contains(digest)) {
                under_attribute(attribute.oid, value, found, &mut ids);
            }
        }
        index.unsigned.retain(|digest| !digests.contains(digest));
    }
    if index.unmatched() > 0 {
        elsewhere(stage, own, index, &mut ids)?;
    }
    Ok(ids)
}

/// Certificates and CRLs may also be in attributes of the signature.
fn elsewhere(
    stage: &Stage<'_>,
    own: &Own<'_>,
    index: &mut Index,
    ids: &mut BTreeSet<ObjectId>,
) -> Result<(), Unverified> {
    let certificates = index.certificates.clone();
    for digest in certificates {
        if let Some(certificate) = stage.known.with_digest(index.hash, &digest) {
            index.certificates.remove(&digest);
            ids.insert(ObjectId::of(certificate));
        }
    }
    if index.revocations.is_empty() {
        return Ok(());
    }
    let mut attributes = Collected::default();
    attributes.attributes(own.signer);
    for crl in &attributes.into_evidence().crls {
        if index.revocations.remove(&index.hash.digest(crl)?) {
            ids.insert(ObjectId::of(crl));
        }
    }
    Ok(())
}

/// Digests of what a message brings, each made once.
#[derive(Default)]
pub(super) struct MessageDigests(RefCell<HashMap<HashAlgorithm, Rc<OfMessage>>>);

struct OfMessage {
    certificates: Vec<(Vec<u8>, ObjectId)>,
    revocations: Vec<(Vec<u8>, Option<ObjectId>)>,
}

impl MessageDigests {
    fn of(&self, hash: HashAlgorithm, message: &Message) -> Result<Rc<OfMessage>, Unverified> {
        if let Some(known) = self.0.borrow().get(&hash) {
            return Ok(known.clone());
        }
        let certificates = message.certificates().iter();
        let certificates = certificates.map(|member| Ok((hash.digest(member)?, ObjectId::of(member))));
        let revocations = message.revocations().iter();
        let revocations =
            revocations.map(|choice| Ok((hash.digest(choice)?, Revocation::of_choice(choice).map(|found| found.id()))));
        let made = Rc::new(OfMessage {
            certificates: certificates.collect::<Result<_, Unverified>>()?,
            revocations: revocations.collect::<Result<_, Unverified>>()?,
        });
        self.0.borrow_mut().insert(hash, made.clone());
        Ok(made)
    }
}

/// Digests of the unsigned attributes of a signature, each made once, by algorithm and by whether they are made value
/// by value.
#[derive(Default)]
pub(super) struct AttributeDigests(RefCell<HashMap<(HashAlgorithm, bool), Rc<OfAttributes>>>);

/// For each attribute the digests of its values, or the one of all of it.
type OfAttributes = Vec<Vec<Vec<u8>>>;

impl AttributeDigests {
    fn of(&self, hash: HashAlgorithm, by_value: bool, signer: &SignerInfo) -> Result<Rc<OfAttributes>, Unverified> {
        if let Some(known) = self.0.borrow().get(&(hash, by_value)) {
            return Ok(known.clone());
        }
        let digests = |attribute: Attributed<'_>| -> Result<Vec<Vec<u8>>, Unverified> {
            if !by_value {
                return Ok(vec![hash.digest(attribute.raw)?]);
            }
            attribute.values.iter().map(|value| hash.digest(&[attribute.oid, value].concat())).collect()
        };
        let made: Rc<OfAttributes> = Rc::new(signer.unsigned_attributes().map(digests).collect::<Result<_, _>>()?);
        self.0.borrow_mut().insert((hash, by_value), made.clone());
        Ok(made)
    }
}
