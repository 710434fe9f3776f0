//! Lifts XAdES signatures of any maker: a time stamp over the signature value (B-T), certificates and revocation material
//! (B-LT), an archive time stamp over all of it (B-LTA, and again for its renewal), as EN 319 132-1 says. Every signature
//! is checked first; what is there stays as it is, and what comes is put behind it.
//!
//! A signature that another one in the same file is over is left alone: anything put into it would break the other.

use super::algorithms::{DS, XADES, XADES_141};
use super::c14n;
use super::encoding::Encoding;
use super::reference::{self, Outside};
use super::sign::place::Place;
use super::signature::{Signature, canonicalization_in, children, octets};
use super::transform::{self, whole};
use super::tree::{Document, NodeId};
use super::verify::{self, Checked, Key, broken};
use super::xades;
use crate::crypto::Hasher;
use crate::evidence::{Evidence, Subject};
use crate::lift::{EvidencePlace, StampPlaces};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::Source;
use crate::tsp::Token;
use model::limits::XML_STAMPS_MAX;
use model::profile::Canonicalization;
use model::{Digest, DigestAlgorithm};
use std::ops::Range;
use std::sync::Arc;

/// See [`crate::lift::signature_time_stamps`].
pub fn signature_time_stamps(
    document: &dyn Source,
    original: Option<&dyn Source>,
    digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    let bytes = whole(document, 0..document.len())?;
    let file = Document::parse(&bytes)?;
    let method = Canonicalization::default();
    let mut stamps = Stamps::new(document, &file, xades::signature_time_stamp);
    for (checked, place) in open(&file, &Outside::files(original))? {
        if !is_stamped(&file, &checked)? {
            let mut hasher = Hasher::new(digest);
            let value = checked.signature.value_node;
            transform::element(&file, value, &method, &mut |piece| hasher.update(piece))?;
            stamps.add(&file, &place, hasher.finish());
        }
    }
    Ok(Box::new(stamps))
}

/// See [`crate::lift::evidence`].
pub fn evidence(document: &dyn Source, original: Option<&dyn Source>) -> Result<Box<dyn EvidencePlace>, FormatError> {
    let bytes = whole(document, 0..document.len())?;
    let file = Document::parse(&bytes)?;
    let mut found = EvidenceInFile { frame: Frame::new(document, &file), slots: Vec::new(), subjects: Vec::new() };
    for (checked, place) in open(&file, &Outside::files(original))? {
        let carried = Carried::of(&file, &checked)?;
        carried.subjects(&file, &checked, &mut found.subjects)?;
        found.slots.push((Slot::new(&file, &place), carried));
    }
    Ok(Box::new(found))
}

/// See [`crate::lift::archive_time_stamps`].
pub fn archive_time_stamps(
    document: &dyn Source,
    original: Option<&dyn Source>,
    digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    let bytes = whole(document, 0..document.len())?;
    let file = Document::parse(&bytes)?;
    let outside = Outside::files(original);
    let method = Canonicalization::default();
    let mut stamps = Stamps::new(document, &file, xades::archive_time_stamp);
    for (checked, place) in open(&file, &outside)? {
        let mut hasher = Hasher::new(digest);
        archive_imprint(&file, &checked.signature, &outside, None, &method, &mut |piece| hasher.update(piece))?;
        stamps.add(&file, &place, hasher.finish());
    }
    Ok(Box::new(stamps))
}

/// Gives what an archive time stamp (EN 319 132-1 section 5.5.2.2) is over to `sink`. `stamp`: the one that is meant;
/// `None`: one that is to come behind everything that is there.
pub fn archive_imprint(
    file: &Document<'_>,
    signature: &Signature,
    outside: &Outside<'_>,
    stamp: Option<NodeId>,
    method: &Canonicalization,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), FormatError> {
    for reference in &signature.references {
        reference::dereference(file, signature, reference, outside, Some(method), sink)?;
    }
    let fixed = [signature.signed_info, signature.value_node].into_iter().chain(signature.key_info);
    let properties = signature.unsigned_properties(file).into_iter().flat_map(|parent| file.child_elements(parent));
    let properties = properties.take_while(|property| Some(*property) != stamp);
    let holds_properties = |object: &NodeId| signature.properties.is_some_and(|inside| file.is_within(inside, *object));
    let objects = signature.objects.iter().copied().filter(|object| !holds_properties(object));
    for node in fixed.chain(properties).chain(objects) {
        transform::element(file, node, method, sink)?;
    }
    Ok(())
}

/// The intact signatures of a file that can be lifted, with the place for further unsigned properties. One that is
/// broken or has no levels is an error of the document.
fn open(file: &Document<'_>, outside: &Outside<'_>) -> Result<Vec<(Checked, Place)>, FormatError> {
    let mut opened = Vec::new();
    for checked in verify::check_all(file, outside)? {
        let checked = checked.map_err(FormatError::Document)?;
        if let Some(fault) = checked.fault() {
            return Err(FormatError::Document(fault.clone()));
        }
        let Some(properties) = checked.signature.properties else {
            let sentence = "a signature in the file has no qualifying properties of XAdES 1.3.2: it is plain XML-DSig, \
                            or older, and has no levels";
            return Err(FormatError::document("no-qualifying-properties", sentence));
        };
        if checked.key.as_ref().and_then(Key::certificate).is_none() {
            let sentence = "a signature in the file comes without the certificate of its signer and has no levels";
            return Err(FormatError::document("signer-certificate-missing", sentence));
        }
        let place = place(file, properties);
        opened.push((checked, place));
    }
    if opened.is_empty() {
        return Err(FormatError::document("no-signature", "there is no signature in the file"));
    }
    let covered: Vec<bool> =
        opened.iter().map(|(_, place)| opened.iter().any(|(other, _)| other.covers(place.parent))).collect();
    let mut covered = covered.into_iter();
    opened.retain(|_| covered.next() == Some(false));
    if opened.is_empty() {
        return Err(broken("it is over its own unsigned properties, so that nothing can be added"));
    }
    Ok(opened)
}

/// Behind all unsigned signature properties.
fn place(file: &Document<'_>, properties: NodeId) -> Place {
    let unsigned = file.child_named(properties, XADES, "UnsignedProperties");
    let inside = unsigned.and_then(|unsigned| file.child_named(unsigned, XADES, "UnsignedSignatureProperties"));
    match (inside, unsigned) {
        (Some(inside), _) => Place::last_in(file, inside),
        (None, Some(unsigned)) => Place::first_in(file, unsigned).with(&[xades::UNSIGNED_SIGNATURE_PROPERTIES]),
        (None, None) => {
            let levels = [xades::UNSIGNED_PROPERTIES, xades::UNSIGNED_SIGNATURE_PROPERTIES];
            Place::last_in(file, properties).with(&levels)
        }
    }
}

/// Whether there is an intact time stamp over the signature value.
fn is_stamped(file: &Document<'_>, checked: &Checked) -> Result<bool, FormatError> {
    let Some(unsigned) = checked.signature.unsigned_properties(file) else { return Ok(false) };
    for stamp in children(file, unsigned, XADES, "SignatureTimeStamp") {
        let method = canonicalization_in(file, stamp)?;
        for token in children(file, stamp, XADES, "EncapsulatedTimeStamp") {
            let Ok(token) = Token::read_with(&octets(file, token)?, &arcs(&checked.certificates)) else { continue };
            let set = c14n::NodeSet::subtree(file, checked.signature.value_node);
            let value = c14n::canonical_bytes(file, &set, &method)?;
            let imprint = token.imprint();
            if imprint.algorithm.digest(&value).is_ok_and(|digest| digest == imprint.value) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn arcs(certificates: &[Vec<u8>]) -> Vec<Arc<[u8]>> {
    certificates.iter().map(|certificate| certificate.as_slice().into()).collect()
}

/// What a signature carries already.
struct Carried {
    /// All certificates, DER.
    certificates: Vec<Arc<[u8]>>,
    /// All CRLs and OCSP responses, DER.
    revocations: Vec<Arc<[u8]>>,
    /// All time stamps of the signature itself.
    tokens: Vec<Token>,
    /// `CertificateValues` are there, or have to come as part of something else.
    has_certificate_values: bool,
    /// The same of `RevocationValues`.
    has_revocation_values: bool,
}

impl Carried {
    fn of(file: &Document<'_>, checked: &Checked) -> Result<Self, FormatError> {
        let mut carried = Self {
            certificates: arcs(&checked.certificates),
            revocations: Vec::new(),
            tokens: Vec::new(),
            has_certificate_values: false,
            has_revocation_values: false,
        };
        let signature = &checked.signature;
        let Some(properties) = signature.properties else { return Ok(carried) };
        for node in file.subtree(properties) {
            let Some(name) = file.name(node).filter(|name| name.namespace == XADES) else { continue };
            match name.local {
                "EncapsulatedX509Certificate" => keep(&mut carried.certificates, &octets(file, node)?.into()),
                "EncapsulatedCRLValue" | "EncapsulatedOCSPValue" => {
                    keep(&mut carried.revocations, &octets(file, node)?.into());
                }
                "EncapsulatedTimeStamp" => {
                    if carried.tokens.len() == XML_STAMPS_MAX {
                        let sentence = format!("a signature in the file has more than {XML_STAMPS_MAX} time stamps");
                        return Err(FormatError::document("too-many-time-stamps", sentence));
                    }
                    let token = Token::read_with(&octets(file, node)?, &carried.certificates)
                        .map_err(|error| broken(&format!("a time stamp in it: {error}")))?;
                    token.certificates().iter().for_each(|certificate| keep(&mut carried.certificates, certificate));
                    token.revocations().iter().for_each(|revocation| keep(&mut carried.revocations, revocation));
                    carried.tokens.push(token);
                }
                _ => {}
            }
        }
        if let Some(unsigned) = signature.unsigned_properties(file) {
            let has = |namespace: &str, local: &str| file.child_named(unsigned, namespace, local).is_some();
            let sealed = has(XADES_141, "ArchiveTimeStamp") || has(XADES, "ArchiveTimeStamp");
            carried.has_certificate_values = sealed || has(XADES, "CertificateValues");
            carried.has_revocation_values = sealed || has(XADES, "RevocationValues");
        }
        Ok(carried)
    }

    /// Signer, counter-signers and time-stamp units.
    fn subjects(&self, file: &Document<'_>, checked: &Checked, subjects: &mut Vec<Subject>) -> Result<(), FormatError> {
        let mut add = |role: &'static str, certificate: &[u8]| {
            if !subjects.iter().any(|known| known.certificate[..] == *certificate) {
                let others = self.certificates.iter().filter(|other| other[..] != *certificate);
                subjects.push(Subject { role, certificate: certificate.into(), known: others.cloned().collect() });
            }
        };
        if let Some(certificate) = checked.key.as_ref().and_then(Key::certificate) {
            add("signer", certificate);
        }
        for token in &self.tokens {
            add("time-stamp unit", token.signer());
        }
        let Some(unsigned) = checked.signature.unsigned_properties(file) else { return Ok(()) };
        for counter in children(file, unsigned, XADES, "CounterSignature").take(XML_STAMPS_MAX) {
            for inner in children(file, counter, DS, "Signature") {
                let inner = verify::check(file, inner, &Outside::default())?;
                if let (None, Some(certificate)) = (inner.fault(), inner.key.as_ref().and_then(Key::certificate)) {
                    add("counter-signer", certificate);
                }
            }
        }
        Ok(())
    }

    /// The properties with what is not there yet.
    fn missing(&self, evidence: &Evidence) -> String {
        let new = |all: &[Arc<[u8]>], known: &[Arc<[u8]>]| -> Vec<Arc<[u8]>> {
            all.iter().filter(|item| !known.contains(item)).cloned().collect()
        };
        let certificates = xades::certificate_values(&new(&evidence.certificates, &self.certificates));
        let revocations = xades::revocation_values(&Evidence {
            certificates: Vec::new(),
            crls: new(&evidence.crls, &self.revocations),
            ocsp_responses: new(&evidence.ocsp_responses, &self.revocations),
        });
        let (mut first, mut further) = (String::new(), String::new());
        for (text, is_there) in [(certificates, self.has_certificate_values), (revocations, self.has_revocation_values)]
        {
            if is_there { further += &text } else { first += &text }
        }
        if !further.is_empty() {
            first += &xades::time_stamp_validation_data(&further);
        }
        first
    }
}

fn keep(list: &mut Vec<Arc<[u8]>>, item: &Arc<[u8]>) {
    if !list.contains(item) {
        list.push(Arc::clone(item));
    }
}

/// The file that things are put into.
struct Frame {
    length: u64,
    encoding: Encoding,
}

/// Where something is put in.
struct Slot {
    at: Range<u64>,
    around: [String; 2],
}

impl Slot {
    fn new(file: &Document<'_>, place: &Place) -> Self {
        let [start, end] = [place.at.start, place.at.end].map(|position| file.source_position(position) as u64);
        Self { at: start..end, around: place.around() }
    }
}

impl Frame {
    fn new(source: &dyn Source, file: &Document<'_>) -> Self {
        Self { length: source.len(), encoding: file.encoding() }
    }

    /// The file with these properties in it, in the order of the file.
    fn filled<'s>(&self, slots: impl Iterator<Item = (&'s Slot, String)>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut at = 0;
        for (slot, properties) in slots.filter(|(_, properties)| !properties.is_empty()) {
            let [before, after] = &slot.around;
            parts.push(Part::Slice(at..slot.at.start));
            parts.push(Part::Bytes(self.encoding.encode(&[before, properties.as_str(), after].concat())));
            at = slot.at.end;
        }
        if at == 0 {
            return vec![Part::Original];
        }
        parts.push(Part::Slice(at..self.length));
        parts
    }
}

struct Stamps {
    frame: Frame,
    slots: Vec<Slot>,
    imprints: Vec<Digest>,
    property: fn(&Canonicalization, &[u8]) -> String,
}

impl Stamps {
    fn new(source: &dyn Source, file: &Document<'_>, property: fn(&Canonicalization, &[u8]) -> String) -> Self {
        Self { frame: Frame::new(source, file), slots: Vec::new(), imprints: Vec::new(), property }
    }

    fn add(&mut self, file: &Document<'_>, place: &Place, imprint: Digest) {
        self.slots.push(Slot::new(file, place));
        self.imprints.push(imprint);
    }
}

impl StampPlaces for Stamps {
    fn imprints(&self) -> &[Digest] {
        &self.imprints
    }

    fn fill(self: Box<Self>, tokens: &[Token]) -> Result<Vec<Part>, FormatError> {
        let fit = tokens.len() == self.imprints.len()
            && tokens.iter().zip(&self.imprints).all(|(token, imprint)| token.stamps(imprint));
        if !fit {
            return Err(FormatError::WrongSignature("the time stamps are not over what they were asked for"));
        }
        let method = Canonicalization::default();
        let properties = tokens.iter().map(|token| (self.property)(&method, token.der()));
        Ok(self.frame.filled(self.slots.iter().zip(properties)))
    }
}

struct EvidenceInFile {
    frame: Frame,
    slots: Vec<(Slot, Carried)>,
    subjects: Vec<Subject>,
}

impl EvidencePlace for EvidenceInFile {
    fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    fn fill(self: Box<Self>, evidence: &Evidence) -> Result<Vec<Part>, FormatError> {
        Ok(self.frame.filled(self.slots.iter().map(|(slot, carried)| (slot, carried.missing(evidence)))))
    }
}
