//! Lifts CMS signatures of any maker: a time stamp over each signature (B-T), certificates and revocation material
//! (B-LT), an archive time stamp over all of it for each signature (B-LTA, and again for its renewal), as EN 319 122-1
//! says. Every signature is checked first; what was received stays as it was.
//!
//! Signatures without a signing-certificate attribute (plain CMS) are lifted as well: they gain the same protection,
//! but no level of CAdES, which that attribute would be needed for.

use super::identifiers::{OID_ARCHIVE_TIME_STAMP_3, OID_HASH_INDEX_3, OID_SIGNATURE_TIME_STAMP, digest_identifier};
use super::message::{Message, SignerInfo};
use crate::crypto::{self, Hasher};
use crate::der::{self, TAG_OCTET_STRING, TAG_SEQUENCE};
use crate::evidence::{Evidence, Subject};
use crate::lift::{EvidencePlace, StampPlaces};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::signature::HashAlgorithm;
use crate::source::Source;
use crate::tsp::Token;
use model::{Digest, DigestAlgorithm};

/// See [`crate::lift::signature_time_stamps`].
pub fn signature_time_stamps(
    document: &dyn Source,
    original: Option<&dyn Source>,
    digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    let message = Message::read(document)?;
    message.check_over(document, original)?;
    Ok(Box::new(message.signature_places(digest)?))
}

/// See [`crate::lift::evidence`].
pub fn evidence(document: &dyn Source, original: Option<&dyn Source>) -> Result<Box<dyn EvidencePlace>, FormatError> {
    let message = Message::read(document)?;
    message.check_over(document, original)?;
    let subjects = message.subjects()?;
    Ok(Box::new(EvidenceInMessage { message, subjects }))
}

/// See [`crate::lift::archive_time_stamps`].
pub fn archive_time_stamps(
    document: &dyn Source,
    original: Option<&dyn Source>,
    digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    let message = Message::read(document)?;
    let content = message.checked_digest(document, original, HashAlgorithm::from(digest))?;
    for signer in message.signers() {
        signer.check_evidence_records()?;
        signer.check_der()?;
    }
    let places = message.signers().iter().enumerate();
    let places = places.map(|(at, signer)| Place { signer: at, index: Some(hash_index(&message, signer, digest)) });
    let places: Vec<Place> = places.collect();
    let imprint = |place: &Place| {
        let mut hasher = Hasher::new(digest);
        let index = place.index.as_deref().unwrap_or_default();
        let fields = message.signers().get(place.signer).map(SignerInfo::fields).unwrap_or_default();
        [message.content_type(), &content, fields, index].iter().for_each(|part| hasher.update(part));
        hasher.finish()
    };
    let imprints = places.iter().map(imprint).collect();
    Ok(Box::new(Places { message, places, imprints }))
}

/// `ATSHashIndexV3` (EN 319 122-1 section 5.5.2) of all that is there now.
fn hash_index(message: &Message, signer: &SignerInfo, digest: DigestAlgorithm) -> Vec<u8> {
    let octets = |parts: &[&[u8]]| {
        let mut hasher = Hasher::new(digest);
        parts.iter().for_each(|part| hasher.update(part));
        der::tlv(TAG_OCTET_STRING, &[hasher.finish().as_bytes()])
    };
    let certificates: Vec<u8> = message.certificates().iter().flat_map(|member| octets(&[member])).collect();
    let revocations: Vec<u8> = message.revocations().iter().flat_map(|member| octets(&[member])).collect();
    let unsigned: Vec<u8> = signer.unsigned_values().flat_map(|(oid, value)| octets(&[oid, value])).collect();
    let lists = [certificates, revocations, unsigned].map(|list| der::tlv(TAG_SEQUENCE, &[&list]));
    der::tlv(TAG_SEQUENCE, &[&digest_identifier(digest), &lists[0], &lists[1], &lists[2]])
}

/// A message and the signatures in it that wait for time stamps.
#[derive(Debug)]
pub struct Places {
    message: Message,
    places: Vec<Place>,
    imprints: Vec<Digest>,
}

#[derive(Debug)]
struct Place {
    signer: usize,
    /// The ats-hash-index-v3 that an archive time stamp needs; `None`: a signature time stamp.
    index: Option<Vec<u8>>,
}

impl Message {
    /// The signatures that have no intact time stamp yet. The message was checked before.
    pub fn signature_places(self, digest: DigestAlgorithm) -> Result<Places, FormatError> {
        let signers = self.signers().iter().enumerate();
        let wanting = signers.filter(|(_, signer)| !signer.is_stamped(self.certificates()));
        let places: Vec<Place> = wanting.map(|(signer, _)| Place { signer, index: None }).collect();
        let mut imprints = Vec::new();
        for signer in places.iter().filter_map(|place| self.signers().get(place.signer)) {
            signer.check_open()?;
            signer.check_references()?;
            imprints.push(crypto::digest(digest, &signer.signature()));
        }
        Ok(Places { message: self, places, imprints })
    }

    /// Puts certificates and revocation material in, as far as they are not there yet.
    pub fn add_evidence(&mut self, evidence: &Evidence) -> Result<(), FormatError> {
        let before = (self.certificates().len(), self.revocations().len());
        evidence.certificates.iter().for_each(|certificate| self.add_certificate(certificate));
        evidence.crls.iter().for_each(|crl| self.add_crl(crl));
        evidence.ocsp_responses.iter().for_each(|response| self.add_ocsp_response(response));
        if before == (self.certificates().len(), self.revocations().len()) {
            return Ok(());
        }
        self.signers().iter().try_for_each(SignerInfo::check_open)
    }
}

impl Places {
    /// What has to be stamped.
    pub fn imprints(&self) -> &[Digest] {
        &self.imprints
    }

    /// The message with these time stamps in it, one for each imprint.
    pub fn filled(mut self, tokens: &[Token]) -> Result<Message, FormatError> {
        let fit = tokens.len() == self.places.len()
            && tokens.iter().zip(&self.imprints).all(|(token, imprint)| token.stamps(imprint));
        if !fit {
            return Err(FormatError::WrongSignature("the time stamps are not over what they were asked for"));
        }
        for (place, token) in self.places.into_iter().zip(tokens) {
            let Some(signer) = self.message.signers_mut().get_mut(place.signer) else { continue };
            match place.index {
                None => signer.add_unsigned(OID_SIGNATURE_TIME_STAMP, token.der()),
                Some(index) => signer.add_unsigned(OID_ARCHIVE_TIME_STAMP_3, &with_index(token.der(), &index)?),
            }
        }
        Ok(self.message)
    }
}

/// The token with the index among its unsigned attributes (EN 319 122-1 section 5.5.3).
fn with_index(token: &[u8], index: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut message = Message::read(&token)?;
    if let [signer] = message.signers_mut() {
        signer.add_unsigned(OID_HASH_INDEX_3, index);
    }
    message.bytes(&token)
}

impl StampPlaces for Places {
    fn imprints(&self) -> &[Digest] {
        self.imprints()
    }

    fn fill(self: Box<Self>, tokens: &[Token]) -> Result<Vec<Part>, FormatError> {
        self.filled(tokens)?.parts()
    }
}

struct EvidenceInMessage {
    message: Message,
    subjects: Vec<Subject>,
}

impl EvidencePlace for EvidenceInMessage {
    fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    fn fill(mut self: Box<Self>, evidence: &Evidence) -> Result<Vec<Part>, FormatError> {
        self.message.add_evidence(evidence)?;
        self.message.parts()
    }
}
