//! A SignedData message of any maker that can be added to: certificates, revocation material, unsigned attributes and
//! signers. What was received stays as it was, byte for byte; only lengths around it are written anew.
//!
//! The content stays in its document. Nothing is judged here (see `verify.rs`).

use super::identifiers::{OID_OCSP_BASIC, OID_OCSP_RESPONSE, OID_SIGNED_DATA};
use super::outline::{Content, Fault, Outline, unreadable};
use super::reader::{self, Attribute, Rest, set_members};
use crate::der::{
    self, DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, TAG_SET,
};

use crate::prepare::FormatError;
use crate::recipe::{Assembled, Part};
use crate::signature::HashAlgorithm;
use crate::source::Source;
use std::ops::Range;

/// `version` 5 of SignedData: there is revocation material of another kind than CRLs (RFC 5652 section 5.1).
const VERSION_5: &[u8] = &[TAG_INTEGER, 1, 5];

/// ENUMERATED (X.690 8.4).
const TAG_ENUMERATED: u8 = 0x0a;

/// A message in pieces. Every piece is whole, with tag and length, as it was received or as it will be written.
#[derive(Clone, Debug)]
pub struct Message {
    version: Vec<u8>,
    digest_algorithms: Vec<Vec<u8>>,
    encapsulated: Range<u64>,
    content_type: Vec<u8>,
    content: Option<Content>,
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    signers: Vec<SignerInfo>,
    end: u64,
}

/// One `SignerInfo` of a message.
#[derive(Clone, Debug)]
pub struct SignerInfo {
    raw: Vec<u8>,
    places: reader::SignerInfo,
    added: Vec<Vec<u8>>,
}

impl Message {
    /// Reads a message, of any size.
    pub fn read(document: &dyn Source) -> Result<Self, FormatError> {
        let outline = Outline::read(document)?;
        Self::of(outline).map_err(unreadable)
    }

    fn of(outline: Outline) -> Result<Self, DerError> {
        let rest = Rest::read(&outline.rest)?;
        let copied = |bytes: &[u8], places: &[reader::Place]| -> Vec<Vec<u8>> {
            places.iter().filter_map(|place| bytes.get(place.clone())).map(<[u8]>::to_vec).collect()
        };
        let algorithms = &outline.digest_algorithms;
        Ok(Self {
            digest_algorithms: copied(algorithms, &set_members(algorithms)?),
            certificates: copied(&outline.rest, &rest.certificates),
            revocations: copied(&outline.rest, &rest.revocations),
            signers: copied(&outline.rest, &rest.signers.iter().map(|signer| signer.raw.clone()).collect::<Vec<_>>())
                .into_iter()
                .map(SignerInfo::read)
                .collect::<Result<_, _>>()?,
            version: outline.version,
            encapsulated: outline.encapsulated,
            content_type: outline.content_type,
            content: outline.content,
            end: outline.end,
        })
    }

    /// `eContentType`, the whole OBJECT IDENTIFIER.
    pub fn content_type(&self) -> &[u8] {
        &self.content_type
    }

    /// Whether the content is elsewhere.
    pub fn is_detached(&self) -> bool {
        self.content.is_none()
    }

    /// `certificates`, in the order of the message.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// `crls`, in the order of the message.
    pub fn revocations(&self) -> &[Vec<u8>] {
        &self.revocations
    }

    /// `signerInfos`, in the order of the message.
    pub fn signers(&self) -> &[SignerInfo] {
        &self.signers
    }

    pub(crate) fn signers_mut(&mut self) -> &mut [SignerInfo] {
        &mut self.signers
    }

    /// All of `encapContentInfo` in the document.
    pub(crate) fn encapsulated(&self) -> Range<u64> {
        self.encapsulated.clone()
    }

    /// Where the message ends in the document.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Calls `visit` with the place of each piece of the signed content in `document`, or with all of `original` if the
    /// content is detached. `None`: it is detached and there is no original.
    pub(crate) fn content_pieces<'a>(
        &self,
        document: &'a dyn Source,
        original: Option<&'a dyn Source>,
        mut visit: impl FnMut(&'a dyn Source, Range<u64>) -> Result<(), FormatError>,
    ) -> Result<Option<()>, FormatError> {
        match (&self.content, original) {
            (Some(content), _) => content.each::<Broken>(document, |range| Ok(visit(document, range)?))?,
            (None, Some(original)) => visit(original, 0..original.len())?,
            (None, None) => return Ok(None),
        }
        Ok(Some(()))
    }

    /// The content inside of the message, if it has not more than `bytes_max` bytes. `None`: it is elsewhere.
    pub fn content(&self, document: &dyn Source, bytes_max: usize) -> Result<Option<Vec<u8>>, FormatError> {
        if self.is_detached() {
            return Ok(None);
        }
        let mut content = Vec::new();
        self.content_pieces(document, None, |source, range| {
            let start = content.len();
            let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
            let end = start.checked_add(length).filter(|end| *end <= bytes_max).ok_or_else(|| {
                FormatError::document("content-too-long", format!("the content has more than {bytes_max} bytes"))
            })?;
            content.resize(end, 0);
            source.read_exact_at(range.start, content.get_mut(start..).unwrap_or_default())?;
            Ok(())
        })?;
        Ok(Some(content))
    }

    /// Puts a certificate in, if it is not there yet.
    pub(super) fn add_certificate(&mut self, certificate: &[u8]) {
        add(&mut self.certificates, certificate.to_vec());
    }

    /// Puts a `CertificateList` in, if it is not there yet.
    pub(super) fn add_crl(&mut self, crl: &[u8]) {
        add(&mut self.revocations, crl.to_vec());
    }

    /// Puts an `OCSPResponse` in (RFC 5940 section 2.1), if it is not there yet, whole or its basic response alone.
    pub(super) fn add_ocsp_response(&mut self, response: &[u8]) {
        let whole = der::tlv(TAG_CONTEXT_1, &[OID_OCSP_RESPONSE, response]);
        let basic = basic_response(response).map(|basic| der::tlv(TAG_CONTEXT_1, &[OID_OCSP_BASIC, basic]));
        if !basic.is_some_and(|basic| self.revocations.contains(&basic)) {
            add(&mut self.revocations, whole);
            self.version = VERSION_5.to_vec();
        }
    }

    /// Puts a `SignerInfo` in, and its digest algorithm if none of the others has it.
    pub(super) fn add_signer(&mut self, info: Vec<u8>, digest_algorithm: &[u8]) -> Result<(), FormatError> {
        if !self.digest_algorithms.iter().any(|known| same_digest(known, digest_algorithm)) {
            insert(&mut self.digest_algorithms, digest_algorithm.to_vec());
        }
        insert_by(&mut self.signers, SignerInfo::read(info).map_err(unreadable)?, |signer| &signer.raw);
        Ok(())
    }

    /// Puts certificates, revocation material and signers into DER order, and the unsigned attributes of each signer.
    pub(crate) fn sort(&mut self) {
        self.digest_algorithms.sort_unstable();
        self.certificates.sort_unstable();
        self.revocations.sort_unstable();
        for signer in &mut self.signers {
            let mut attributes: Vec<Attributed<'_>> = signer.unsigned_attributes().collect();
            attributes.sort_unstable_by(|a, b| a.raw.cmp(b.raw));
            if let Ok(sorted) = signer.with_unsigned(&attributes) {
                *signer = sorted;
            }
        }
        self.signers.sort_unstable_by(|a, b| a.raw.cmp(&b.raw));
    }

    /// The message as a recipe over the document that was read.
    pub fn parts(&self) -> Result<Vec<Part>, FormatError> {
        let mut front = self.version.clone();
        front.extend(set(TAG_SET, &self.digest_algorithms));
        let mut tail = Vec::new();
        for (tag, members) in [(TAG_CONTEXT_0, &self.certificates), (TAG_CONTEXT_1, &self.revocations)] {
            if !members.is_empty() {
                tail.extend(set(tag, members));
            }
        }
        let mut signers: Vec<Vec<u8>> = self.signers.iter().map(SignerInfo::written).collect();
        if self.signers.is_sorted_by(|a, b| a.raw <= b.raw) {
            // They were in DER order, which begins with their lengths, and these have changed.
            signers.sort_unstable();
        }
        tail.extend(set(TAG_SET, &signers));

        let too_large = || FormatError::document("document-too-large", "the document is too large for a CMS message");
        let around = |length: u64| length.checked_add(der::header_length(length) as u64).ok_or_else(too_large);
        let length = self.encapsulated.end.saturating_sub(self.encapsulated.start);
        let length = length.checked_add((front.len() + tail.len()) as u64).ok_or_else(too_large)?;
        let explicit = around(length)?;
        let outer = around(explicit)?.checked_add(OID_SIGNED_DATA.len() as u64).ok_or_else(too_large)?;
        let mut head = Vec::with_capacity(front.len() + 64);
        der::write_header(&mut head, TAG_SEQUENCE, outer);
        head.extend_from_slice(OID_SIGNED_DATA);
        der::write_header(&mut head, TAG_CONTEXT_0, explicit);
        der::write_header(&mut head, TAG_SEQUENCE, length);
        head.extend(front);
        Ok(vec![Part::Bytes(head), Part::Slice(self.encapsulated.clone()), Part::Bytes(tail)])
    }

    /// The message in one piece, when it is small: a time stamp, a signature in a PDF.
    pub fn bytes(&self, document: &dyn Source) -> Result<Vec<u8>, FormatError> {
        let parts = self.parts()?;
        let all = Assembled::new(&parts, document);
        let mut bytes = vec![0; usize::try_from(Source::len(&all)).unwrap_or(usize::MAX)];
        all.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

/// A fault of reading or one of the caller's.
enum Broken {
    Fault(Fault),
    Caller(FormatError),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Broken::Fault(fault)
    }
}

impl From<FormatError> for Broken {
    fn from(error: FormatError) -> Self {
        Broken::Caller(error)
    }
}

impl From<Broken> for FormatError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Fault(fault) => fault.into(),
            Broken::Caller(error) => error,
        }
    }
}

impl SignerInfo {
    /// Reads one on its own.
    pub(crate) fn read(raw: Vec<u8>) -> Result<Self, DerError> {
        let places = reader::SignerInfo::read(&raw)?;
        Ok(Self { raw, places, added: Vec::new() })
    }

    fn at(&self, place: &reader::Place) -> &[u8] {
        self.raw.get(place.clone()).unwrap_or_default()
    }

    /// All fields but the unsigned attributes, one behind the other, as received.
    pub fn fields(&self) -> &[u8] {
        self.at(&self.places.fields)
    }

    /// `sid`.
    pub fn id(&self) -> &[u8] {
        self.at(&self.places.id)
    }

    /// `digestAlgorithm`.
    pub fn digest_algorithm(&self) -> &[u8] {
        self.at(&self.places.digest_algorithm)
    }

    /// `signatureAlgorithm`.
    pub fn signature_algorithm(&self) -> &[u8] {
        self.at(&self.places.signature_algorithm)
    }

    /// The signature value without tag and length: what a signature time stamp and a counter-signature are over.
    pub fn signature(&self) -> Vec<u8> {
        reader::joined(&self.raw, &self.places.signature)
    }

    /// What was signed when there are signed attributes, see [`reader::SignerInfo::signed_bytes`].
    pub fn signed_bytes(&self) -> Option<Vec<u8>> {
        self.places.signed_bytes(&self.raw)
    }

    /// The values of all signed attributes of this type, each whole.
    pub fn signed(&self, oid: &[u8]) -> Vec<&[u8]> {
        self.values(&self.places.attributes, oid)
    }

    /// The values of all unsigned attributes of this type, each whole.
    pub fn unsigned(&self, oid: &[u8]) -> Vec<&[u8]> {
        self.values(&self.places.unsigned_attributes, oid)
    }

    fn values(&self, attributes: &[Attribute], oid: &[u8]) -> Vec<&[u8]> {
        let fitting = attributes.iter().filter(|attribute| self.at(&attribute.oid) == oid);
        fitting.flat_map(|attribute| &attribute.values).map(|value| self.at(value)).collect()
    }

    /// The signed attributes, in their order.
    pub(crate) fn signed_attributes(&self) -> impl Iterator<Item = Attributed<'_>> {
        self.places.attributes.iter().map(|attribute| Attributed::of(self, attribute))
    }

    /// The unsigned attributes that were received, in their order.
    pub(crate) fn unsigned_attributes(&self) -> impl Iterator<Item = Attributed<'_>> {
        self.places.unsigned_attributes.iter().map(|attribute| Attributed::of(self, attribute))
    }

    /// The same without some of its unsigned attributes: those that are kept.
    pub(crate) fn with_unsigned(&self, kept: &[Attributed<'_>]) -> Result<Self, DerError> {
        let attributes: Vec<&[u8]> = kept.iter().map(|attribute| attribute.raw).collect();
        let unsigned = if kept.is_empty() { Vec::new() } else { der::tlv(TAG_CONTEXT_1, &attributes) };
        Self::read(der::tlv(TAG_SEQUENCE, &[self.fields(), &unsigned]))
    }

    /// Type and value of each value of each unsigned attribute that was received, in their order.
    pub(super) fn unsigned_values(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let attributes = self.places.unsigned_attributes.iter();
        attributes.flat_map(|attribute| attribute.values.iter().map(|value| (self.at(&attribute.oid), self.at(value))))
    }

    /// Puts an unsigned attribute with one value in.
    pub(super) fn add_unsigned(&mut self, oid: &[u8], value: &[u8]) {
        self.added.push(der::tlv(TAG_SEQUENCE, &[oid, &der::tlv(TAG_SET, &[value])]));
    }

    /// The whole SignerInfo.
    fn written(&self) -> Vec<u8> {
        if self.added.is_empty() {
            return self.raw.clone();
        }
        let mut attributes: Vec<Vec<u8>> =
            self.places.unsigned_attributes.iter().map(|attribute| self.at(&attribute.raw).to_vec()).collect();
        self.added.iter().for_each(|attribute| insert(&mut attributes, attribute.clone()));
        der::tlv(TAG_SEQUENCE, &[self.fields(), &set(TAG_CONTEXT_1, &attributes)])
    }
}

/// One attribute of a signer, borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Attributed<'a> {
    /// All of it.
    pub(crate) raw: &'a [u8],
    /// `attrType`, the whole OBJECT IDENTIFIER.
    pub(crate) oid: &'a [u8],
    /// `attrValues`, each whole.
    pub(crate) values: Vec<&'a [u8]>,
}

impl<'a> Attributed<'a> {
    fn of(signer: &'a SignerInfo, attribute: &Attribute) -> Self {
        Self {
            raw: signer.at(&attribute.raw),
            oid: signer.at(&attribute.oid),
            values: attribute.values.iter().map(|value| signer.at(value)).collect(),
        }
    }
}

/// The `BasicOCSPResponse` in an `OCSPResponse` (RFC 6960 section 4.2.1).
pub(crate) fn basic_response(response: &[u8]) -> Option<&[u8]> {
    let mut fields = Reader::new(response).enter(TAG_SEQUENCE).ok()?;
    fields.expect(TAG_ENUMERATED).ok()?;
    let mut bytes = fields.enter(TAG_CONTEXT_0).ok()?.enter(TAG_SEQUENCE).ok()?;
    bytes.expect(TAG_OID).ok().filter(|kind| kind.raw == OID_OCSP_BASIC)?;
    bytes.expect(TAG_OCTET_STRING).ok().map(|basic| basic.value)
}

/// A set of members as they stand: [`insert`] keeps DER order where there is one.
fn set(tag: u8, members: &[Vec<u8>]) -> Vec<u8> {
    der::tlv(tag, &members.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn add(members: &mut Vec<Vec<u8>>, member: Vec<u8>) {
    if !members.contains(&member) {
        insert(members, member);
    }
}

/// Puts a member at its place in a set that is in DER order, and at the end of one that is not: the order of those
/// that were there never changes.
fn insert(members: &mut Vec<Vec<u8>>, member: Vec<u8>) {
    insert_by(members, member, |member| member);
}

fn insert_by<T>(members: &mut Vec<T>, member: T, encoding: impl Fn(&T) -> &Vec<u8>) {
    let place = if members.is_sorted_by(|a, b| encoding(a) <= encoding(b)) {
        members.partition_point(|known| encoding(known) <= encoding(&member))
    } else {
        members.len()
    };
    members.insert(place, member);
}

/// Whether two AlgorithmIdentifiers name one digest, whatever their parameters.
fn same_digest(a: &[u8], b: &[u8]) -> bool {
    let named = |identifier| HashAlgorithm::of_identifier(identifier).ok();
    a == b || named(a).is_some() && named(a) == named(b)
}
