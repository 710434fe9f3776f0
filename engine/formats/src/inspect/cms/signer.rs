//! One signature of a message: what it is over, whether its value fits, whose it is, and all that came with it.

use super::SignedMessage;
use super::certificate::{Known, References};
use super::content::{Chosen, Contents};
use super::evidence::Collected;
use super::index::{AttributeDigests, MessageDigests};
use super::stamps::{self, FoundStamp};
use super::{attributes, records, rules};
use crate::cms::certificate::Certificate;
use crate::cms::identifiers::{OID_COUNTERSIGNATURE, OID_MESSAGE_DIGEST};
use crate::cms::in_der_order;
use crate::cms::message::{Message, SignerInfo};
use crate::der::{Reader, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE};
use crate::evidence::Evidence;
use crate::inspect::{Covered, CoveredRole, Integrity, ObjectId, Record, Signature, SignatureFormat, SignerReference};
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Method, Unverified, dotted};
use crate::source::Source;
use model::Reason;
use model::limits::{
    CMS_COUNTERSIGNATURE_DEPTH_MAX, CMS_KEY_TRIES_MAX, CMS_SIGNATURES_MAX, CMS_WHOLE_CONTENT_BYTES_MAX,
};
use std::collections::HashSet;
use std::sync::Arc;

/// A message on its way through inspection.
pub(super) struct Stage<'a> {
    pub(super) message: &'a Message,
    pub(super) document: &'a dyn Source,
    /// What the message brings outside of its attributes.
    pub(super) shared: Collected,
    pub(super) known: Known,
    pub(super) digests: MessageDigests,
    /// Keys that may still be tried.
    tries: usize,
    pub(super) signatures: Vec<Signature>,
    records: Vec<Record>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(message: &'a Message, document: &'a dyn Source, further: &'a [Arc<[u8]>]) -> Self {
        let shared = Collected::of_message(message);
        let known = Known::new(further.iter().cloned());
        Self {
            message,
            document,
            shared,
            known,
            digests: MessageDigests::default(),
            tries: CMS_KEY_TRIES_MAX,
            signatures: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Inspects all signatures.
    pub(super) fn run(mut self, mut contents: Contents<'_>) -> Result<SignedMessage, FormatError> {
        let message = self.message;
        if message.signers().len() > CMS_SIGNATURES_MAX {
            return Err(too_many());
        }
        let mut brought = self.shared.clone();
        message.signers().iter().for_each(|signer| brought.attributes(signer));
        self.known.add(brought.into_evidence().certificates);

        let mut left = stamps::Budget::default();
        let mut found = Vec::with_capacity(message.signers().len());
        for signer in message.signers() {
            found.push(stamps::find(signer, self.known.all(), &mut left)?);
        }
        let hashes = message.signers().iter().zip(&found).flat_map(|(signer, stamps)| wanted(signer, stamps));
        contents.prepare(&hashes.collect::<HashSet<_>>().into_iter().collect::<Vec<_>>())?;
        for (number, (signer, stamps)) in message.signers().iter().zip(found).enumerate() {
            let place = Place { parent: None, depth: 0, number };
            self.add(signer, stamps, &mut contents, &place, &mut left)?;
        }
        let evidence = if self.signatures.is_empty() { self.shared.into_evidence() } else { Evidence::default() };
        Ok(SignedMessage {
            signatures: self.signatures,
            records: self.records,
            evidence,
            is_detached: message.is_detached(),
            end: message.end(),
        })
    }

    fn add(
        &mut self,
        signer: &SignerInfo,
        stamps: Vec<FoundStamp<'_>>,
        contents: &mut Contents<'_>,
        place: &Place,
        left: &mut stamps::Budget,
    ) -> Result<(), FormatError> {
        if self.signatures.len() >= CMS_SIGNATURES_MAX {
            return Err(too_many());
        }
        let expected_type = place.parent.is_none().then(|| self.message.content_type());
        let (mut faults, mut notes) = rules::judge(signer, expected_type);
        let (covered, chosen) = self.covered(signer, contents)?;
        let references = References::of(signer);
        let checked = self.check_value(signer, &references, contents, chosen.as_ref(), &mut notes)?;
        if signer.signed_bytes().is_none()
            && let Some(chosen) = &chosen
            && looks_like_attributes(contents, chosen.index)?
        {
            let sentence = "the content looks like the signed attributes of a signature from which they were taken";
            faults.push(Reason::new("cms-attributes-as-content", sentence));
        }
        if references.count > 1 {
            let sentence = "the signature refers to its signer's certificate several times";
            notes.push(Reason::new("several-signer-references", sentence));
        }

        let reference = references.judge(checked.certificate.as_deref());
        let mut evidence = self.shared.clone();
        evidence.attributes(signer);
        let attributes = attributes::read(signer, self.message.content_type(), place.parent.is_some(), &mut notes);
        let signature_value: Arc<[u8]> = signer.signature().into();
        let own = Own {
            signer,
            value: ObjectId::of(&signature_value),
            certificate: match reference {
                SignerReference::Matches { .. } => checked.certificate.as_deref().map(ObjectId::of),
                _ => None,
            },
            unsigned: AttributeDigests::default(),
        };
        let index = self.signatures.len();
        let over = chosen.as_ref().map(|chosen| chosen.index);
        let stamped = stamps::judge(self, &own, stamps, contents, over, left, &mut notes)?;
        for stamp in stamped.iter().filter_map(|stamp| stamp.token.as_ref().ok()) {
            evidence_of_attributes(&mut evidence, stamp.der());
        }
        self.signatures.push(Signature {
            name: Some(place.name()),
            format: if references.count > 0 { SignatureFormat::Cades } else { SignatureFormat::Cms },
            parent: place.parent,
            covered: vec![covered],
            value: checked.value,
            signature_value,
            method: checked.method,
            method_name: method_name(signer.signature_algorithm()),
            key: checked.key,
            signer: checked.certificate,
            reference,
            evidence: evidence.into_evidence(),
            attributes,
            stamps: stamped,
            faults,
            notes,
            pdf: None,
        });
        if place.parent.is_none() {
            let records = records::find(self, signer, place.number, index, contents, over, left)?;
            self.records.extend(records);
        }
        self.add_counters(signer, index, place, left)
    }

    /// The signatures over this one's value (RFC 5652 section 11.4).
    fn add_counters(
        &mut self,
        signer: &SignerInfo,
        parent: usize,
        place: &Place,
        left: &mut stamps::Budget,
    ) -> Result<(), FormatError> {
        for (number, value) in signer.unsigned(OID_COUNTERSIGNATURE).into_iter().enumerate() {
            if place.depth >= CMS_COUNTERSIGNATURE_DEPTH_MAX || self.signatures.len() >= CMS_SIGNATURES_MAX {
                return Err(too_many());
            }
            let Ok(counter) = SignerInfo::read(value.to_vec()) else {
                if let Some(signature) = self.signatures.get_mut(parent) {
                    let sentence = "a counter-signature of it cannot be read";
                    signature.faults.push(Reason::new("counter-signature-unreadable", sentence));
                }
                continue;
            };
            let stamps = stamps::find(&counter, self.known.all(), left)?;
            let name = format!("the value of {}", place.name());
            let mut contents = Contents::bytes(name, signer.signature());
            let place = Place { parent: Some(parent), depth: place.depth + 1, number };
            self.add(&counter, stamps, &mut contents, &place, left)?;
        }
        Ok(())
    }

    /// What the signature is over, and which of the candidates that is.
    fn covered(
        &self,
        signer: &SignerInfo,
        contents: &mut Contents<'_>,
    ) -> Result<(Covered, Option<Chosen>), FormatError> {
        let covered = |what: String, algorithm, digest: Vec<u8>, integrity| Covered {
            what,
            role: CoveredRole::Content,
            algorithm,
            digest,
            integrity,
        };
        let claimed = match (signer.signed_bytes(), signer.signed(OID_MESSAGE_DIGEST).first()) {
            (Some(_), None) => None,
            (Some(_), Some(value)) => {
                Reader::new(value).expect(TAG_OCTET_STRING).ok().map(|found| found.value.to_vec())
            }
            (None, _) => Some(Vec::new()),
        };
        let hash = match self.content_hash(signer) {
            Ok(hash) => hash,
            Err(error) => {
                let refused = Integrity::Refused(Reason::new("digest-unknown", digest_unknown(signer, &error)));
                return Ok((covered(contents.name(None), None, claimed.unwrap_or_default(), refused), None));
            }
        };
        let Some(claimed) = claimed else {
            let sentence = "the signature does not say what was signed (it has no message digest)";
            let refused = Integrity::Refused(Reason::new("message-digest-missing", sentence));
            return Ok((covered(contents.name(None), Some(hash), Vec::new(), refused), None));
        };
        let direct = signer.signed_bytes().is_none();
        let chosen =
            if direct { self.choose_by_value(signer, hash, contents)? } else { contents.choose(hash, &claimed)? };
        let Some(chosen) = chosen else {
            let integrity = if hash.start().is_err() {
                let sentence = format!("this machine cannot compute the digest of the content ({hash:?})");
                Integrity::Refused(Reason::new("digest-unknown", sentence))
            } else {
                Integrity::Missing(missing(contents.count()))
            };
            return Ok((covered(contents.name(None), Some(hash), claimed, integrity), None));
        };
        // Without signed attributes nothing but the value refers to the content.
        let intact = direct || chosen.digest == claimed;
        let integrity = if intact { Integrity::Intact } else { Integrity::Changed };
        let digest = if direct { chosen.digest.clone() } else { claimed };
        Ok((covered(contents.name(Some(chosen.index)), Some(hash), digest, integrity), Some(chosen)))
    }

    /// The algorithm that the content was digested with: without signed attributes that of the signature.
    fn content_hash(&self, signer: &SignerInfo) -> Result<HashAlgorithm, Unverified> {
        let own = HashAlgorithm::of_identifier(signer.digest_algorithm());
        match (signer.signed_bytes(), method(signer)) {
            (None, Ok(method)) => method.hash().map_or(own, Ok),
            _ => own,
        }
    }

    /// For a signature without signed attributes: the candidate over which its value was made, else the only one.
    fn choose_by_value(
        &self,
        signer: &SignerInfo,
        hash: HashAlgorithm,
        contents: &mut Contents<'_>,
    ) -> Result<Option<Chosen>, FormatError> {
        let count = contents.count();
        if count > 1
            && let (Ok(method), Some(certificate)) =
                (method(signer), self.known.signer(signer, &References::of(signer)))
            && let Ok(parsed) = Certificate::parse(certificate)
        {
            for index in 0..count {
                let Some(digest) = contents.digest(index, hash)? else { continue };
                if method.verify_digest(parsed.public_key.raw, &digest, &signer.signature()).is_ok() {
                    return Ok(Some(Chosen { index, digest }));
                }
            }
            return Ok(None);
        }
        Ok(contents.digest(0, hash)?.map(|digest| Chosen { index: 0, digest }))
    }

    /// Finds the signer's certificate and checks the signature value with its key.
    fn check_value(
        &mut self,
        signer: &SignerInfo,
        references: &References,
        contents: &Contents<'_>,
        chosen: Option<&Chosen>,
        notes: &mut Vec<Reason>,
    ) -> Result<Checked, FormatError> {
        let named = self.known.signer(signer, references).cloned();
        let method = match method(signer) {
            Ok(method) => method,
            Err(error) => {
                let key = named.as_deref().and_then(key_of);
                return Ok(Checked { value: Err(unverified(&error)), method: None, key, certificate: named });
            }
        };
        let signed = match signer.signed_bytes() {
            Some(attributes) => Signed::Attributes(attributes),
            None => match (method.hash(), chosen) {
                (_, None) => Signed::Nothing,
                (Some(_), Some(chosen)) => Signed::Digest(chosen.digest.clone()),
                (None, Some(chosen)) => match contents.bytes_of(chosen.index, CMS_WHOLE_CONTENT_BYTES_MAX)? {
                    Some(bytes) => Signed::Attributes(bytes),
                    None => Signed::Nothing,
                },
            },
        };
        let value = signer.signature();
        let mut certificate = named.clone();
        let mut fits = match &named {
            Some(named) => signed.check(&method, named, &value),
            None => Err(None),
        };
        let referenced = matches!(references.judge(named.as_deref()), SignerReference::Matches { .. });
        if fits.is_err() && !referenced && !matches!(signed, Signed::Nothing) {
            // EN 319 102-1 clause 5.2.3.4: what the signature says about its signer is no help; whose key fits?
            for other in self.known.all().iter().filter(|other| Some(*other) != named.as_ref()) {
                if self.tries == 0 {
                    break;
                }
                self.tries -= 1;
                if let Ok(order) = signed.check(&method, other, &value) {
                    certificate = Some(other.clone());
                    fits = Ok(order);
                    let sentence =
                        "the signature names no certificate that is there; it was made with the key of another";
                    notes.push(Reason::new("signer-found-by-key", sentence));
                    break;
                }
            }
        }
        if fits == Ok(Order::Sorted) {
            let sentence = "the signed attributes are not in the order in which they were signed";
            notes.push(Reason::new("cms-attributes-order", sentence));
        }
        let value = fits.map(drop).map_err(|error| match (error, &signed) {
            (Some(error), _) => unverified(&error),
            (None, Signed::Nothing) if certificate.is_some() => missing(contents.count()),
            (None, _) => {
                let sentence = "the signer's certificate is not there, so that the signature cannot be checked";
                Reason::new("signer-certificate-missing", sentence)
            }
        });
        let key = certificate.as_deref().and_then(key_of);
        Ok(Checked { value, method: Some(method), key, certificate })
    }
}

/// A signature and the things that exist if it does.
pub(super) struct Own<'a> {
    pub(super) signer: &'a SignerInfo,
    /// Its value.
    pub(super) value: ObjectId,
    /// The certificate whose digest it signed.
    pub(super) certificate: Option<ObjectId>,
    pub(super) unsigned: AttributeDigests,
}

/// Where a signature is.
struct Place {
    parent: Option<usize>,
    depth: usize,
    /// Among its siblings, from 0.
    number: usize,
}

impl Place {
    fn name(&self) -> String {
        match self.parent {
            None => format!("signature {}", self.number + 1),
            Some(parent) => format!("counter-signature {} of signature {}", self.number + 1, parent + 1),
        }
    }
}

/// What became of a signature value.
struct Checked {
    value: Result<(), Reason>,
    method: Option<Method>,
    key: Option<Arc<[u8]>>,
    certificate: Option<Arc<[u8]>>,
}

/// In which order signed attributes were signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Received,
    Sorted,
}

/// What a signature value is made over.
enum Signed {
    /// A message: the signed attributes, or a content whose key signs it as it is.
    Attributes(Vec<u8>),
    /// Only the digest of it.
    Digest(Vec<u8>),
    /// It is not there.
    Nothing,
}

impl Signed {
    /// `Err(None)`: there is nothing to check.
    fn check(&self, method: &Method, certificate: &[u8], value: &[u8]) -> Result<Order, Option<Unverified>> {
        let parsed = Certificate::parse(certificate).map_err(|error| Some(error.into()))?;
        let key = parsed.public_key.raw;
        match self {
            Self::Nothing => Err(None),
            Self::Digest(digest) => method.verify_digest(key, digest, value).map(|()| Order::Received).map_err(Some),
            Self::Attributes(message) => match method.verify(key, message, value) {
                Ok(()) => Ok(Order::Received),
                // Signed in DER order, sent in another (RFC 5652 section 5.4).
                Err(Unverified::BadSignature) => match in_der_order(message) {
                    Ok(sorted) if sorted != *message => {
                        method.verify(key, &sorted, value).map(|()| Order::Sorted).map_err(Some)
                    }
                    _ => Err(Some(Unverified::BadSignature)),
                },
                Err(error) => Err(Some(error)),
            },
        }
    }
}

fn method(signer: &SignerInfo) -> Result<Method, Unverified> {
    Method::of_signer_info(signer.signature_algorithm(), signer.digest_algorithm())
}

/// The digests of the content that a signature and its time stamps need.
fn wanted(signer: &SignerInfo, stamps: &[FoundStamp<'_>]) -> Vec<HashAlgorithm> {
    let own = HashAlgorithm::of_identifier(signer.digest_algorithm()).ok();
    let direct = signer.signed_bytes().is_none().then(|| method(signer).ok()?.hash()).flatten();
    let stamps = stamps.iter().filter_map(FoundStamp::content_hash);
    own.into_iter().chain(direct).chain(stamps).chain(records::hashes(signer)).collect()
}

fn key_of(certificate: &[u8]) -> Option<Arc<[u8]>> {
    Certificate::parse(certificate).ok().map(|parsed| parsed.public_key.raw.into())
}

fn method_name(identifier: &[u8]) -> String {
    let oid = Reader::new(identifier).enter(TAG_SEQUENCE).and_then(|mut fields| fields.expect(TAG_OID));
    oid.map_or_else(|_| "unreadable".into(), |oid| dotted(oid.value))
}

fn digest_unknown(signer: &SignerInfo, error: &Unverified) -> String {
    match error {
        Unverified::UnknownAlgorithm(_) => {
            format!("the digest algorithm {} of the signature is not supported", method_name(signer.digest_algorithm()))
        }
        error => error.to_string(),
    }
}

pub(super) fn unverified(error: &Unverified) -> Reason {
    let code = match error {
        Unverified::UnknownAlgorithm(_) => "algorithm-unknown",
        Unverified::Malformed(_) => "signature-malformed",
        Unverified::WrongKey(_) => "key-does-not-fit",
        Unverified::BadSignature => "signature-wrong",
        Unverified::Library => "algorithm-not-offered",
    };
    Reason::new(code, error.to_string())
}

/// Why there is no digest of the content.
pub(super) fn missing(candidates: usize) -> Reason {
    let sentence = match candidates {
        0 => "the signature is detached: the document that was signed is needed, too".to_owned(),
        1 => "what was given for the signed document does not tell the digest that is needed".to_owned(),
        count => format!("none of the {count} documents that were given is the one that was signed"),
    };
    Reason::new("original-missing", sentence)
}

fn too_many() -> FormatError {
    let sentence = format!("the file has more than {CMS_SIGNATURES_MAX} signatures, or they are nested too deeply");
    FormatError::document("too-many-signatures", sentence)
}

/// Evidence in unsigned attributes of a time stamp.
fn evidence_of_attributes(evidence: &mut Collected, token: &[u8]) {
    if let Ok(message) = Message::read(&token) {
        message.signers().iter().for_each(|signer| evidence.attributes(signer));
    }
}

/// Whether a content is `SET OF Attribute` with a message digest in it: then a signature with signed attributes may
/// have been turned into one over them.
fn looks_like_attributes(contents: &Contents<'_>, index: usize) -> Result<bool, FormatError> {
    const ATTRIBUTES_BYTES_MAX: usize = 64 * 1024;
    let Some(bytes) = contents.bytes_of(index, ATTRIBUTES_BYTES_MAX)? else { return Ok(false) };
    let mut outer = Reader::new(&bytes);
    let Ok(mut set) = outer.enter(crate::der::TAG_SET) else { return Ok(false) };
    let mut found = false;
    while !set.is_empty() {
        let Ok(mut attribute) = set.enter(TAG_SEQUENCE) else { return Ok(false) };
        let Ok(oid) = attribute.expect(TAG_OID) else { return Ok(false) };
        found |= oid.raw == OID_MESSAGE_DIGEST;
    }
    Ok(found && outer.is_empty())
}
