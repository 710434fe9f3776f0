//! Lifts PDF signatures of any maker (EN 319 142-1): a time stamp inside the signature where there is room for it, else one over the document (B-T); the security store (B-LT); a document time stamp over all of it (B-LTA, and
//! again for its renewal). Every signature is checked first. Only a time stamp inside the last signature changes bytes
//! that are there, and those are filling that no signature covers; all else is appended.

use super::dss::Store;
use super::field;
use super::form::Form;
use super::lexer::{Dictionary, hex_pair, name};
use super::reader::Document;
use super::signed::{Body, Signed};
use super::update::{self, Ground, Holes, Tail};
use super::window::Object;
use super::{catalog, new_id};
use crate::cms::lift::Places;
use crate::crypto;
use crate::evidence::{Evidence, Subject};
use crate::lift::{EvidencePlace, StampPlaces};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::signature::HashAlgorithm;
use crate::source::Source;
use crate::tsp::Token;
use model::limits::PDF_STAMP_BYTES;
use model::{Digest, DigestAlgorithm};
use std::ops::Range;
use std::sync::Arc;

/// What one update takes beside `/Contents`; only a guess.
const UPDATE_BYTES_GUESS: usize = 4096;

/// A signed document, its signatures checked.
struct Opened<'s> {
    document: Document<'s>,
    catalog: Object<'s>,
    form: Form<'s>,
    store: Store,
    signatures: Vec<Signed>,
}

impl<'s> Opened<'s> {
    fn new(source: &'s dyn Source, password: Option<&str>) -> Result<Self, FormatError> {
        let mut document = Document::open(source, password)?;
        let catalog = catalog(&mut document)?;
        let form = Form::read(&mut document, &catalog)?;
        let store = Store::read(&mut document, &catalog)?;
        let signatures = Signed::all(&mut document, source, &form, &store.certificates())?;
        Ok(Self { document, catalog, form, store, signatures })
    }

    /// A document time stamp behind everything.
    fn stamp(mut self, source: &dyn Source, digest: DigestAlgorithm) -> Result<DocumentStamp, FormatError> {
        let id = self.next_id(source)?;
        let extension = extension(&mut self.document, &self.catalog)?;
        let plan = field::plan_time_stamp(&mut self.document, self.catalog, self.form)?;
        let ground = Ground::of(&self.document);
        let mut tail = Tail::new(&ground, UPDATE_BYTES_GUESS + PDF_STAMP_BYTES * 2);
        let holes = plan.write_time_stamp(&mut tail, source.len(), PDF_STAMP_BYTES, extension.into_iter().collect())?;
        tail.finish(&id)?;
        let mut tail = tail.bytes;
        update::fill_byte_range(&mut tail, &holes, source.len());
        let around = [tail.get(..holes.contents.start), tail.get(holes.contents.end..)].map(Option::unwrap_or_default);
        let whole = 0..source.len();
        let imprint = crypto::digest_ranges(digest, source, std::slice::from_ref(&whole), &around)?;
        Ok(DocumentStamp { tail, holes, imprint: [imprint] })
    }

    /// The `/ID` of the next revision.
    fn next_id(&mut self, source: &dyn Source) -> Result<Vec<u8>, FormatError> {
        // No two signatures of one document have the same value, so no two revisions the same identifier.
        let last = self.signatures.iter().max_by_key(|signed| signed.end);
        new_id(&mut self.document, source, &[last.map(|signed| &signed.octets[..]).unwrap_or_default()])
    }
}

/// See [`crate::lift::signature_time_stamps`].
pub fn signature_time_stamps(
    source: &dyn Source,
    digest: DigestAlgorithm,
    password: Option<&str>,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    let opened = Opened::new(source, password)?;
    let mut open = Vec::new();
    for signed in &opened.signatures {
        let Body::Signature(message, der) = &signed.body else { continue };
        let covers = |other: &Signed| matches!(other.body, Body::TimeStamp(_)) && signed.is_covered_by(other);
        if opened.signatures.iter().any(covers) {
            continue;
        }
        let places = (**message).clone().signature_places(digest)?;
        if !places.imprints().is_empty() {
            open.push((signed, places, der.clone()));
        }
    }
    if open.is_empty() {
        return Ok(Box::new(Nothing));
    }
    // A time stamp over the document is one for all signatures in it; one inside a signature is for that alone, and
    // must not change what another one covers.
    if let [(signed, _, der)] = &open[..]
        && !opened.signatures.iter().any(|other| signed.is_covered_by(other))
        && signed.octets.len() >= der.len() + PDF_STAMP_BYTES
        && let Some((signed, places, der)) = open.pop()
    {
        let (contents, room) = (signed.contents.clone(), signed.octets.len());
        return Ok(Box::new(Inside { places, der, contents, room, length: source.len() }));
    }
    Ok(Box::new(opened.stamp(source, digest)?))
}

/// See [`crate::lift::archive_time_stamps`].
pub fn archive_time_stamps(
    source: &dyn Source,
    digest: DigestAlgorithm,
    password: Option<&str>,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    Ok(Box::new(Opened::new(source, password)?.stamp(source, digest)?))
}

/// See [`crate::lift::evidence`].
pub fn evidence(source: &dyn Source, password: Option<&str>) -> Result<Box<dyn EvidencePlace>, FormatError> {
    let mut opened = Opened::new(source, password)?;
    let certificates = opened.store.certificates();
    let mut subjects: Vec<Subject> = Vec::new();
    let mut keys = Vec::new();
    for signed in &opened.signatures {
        for mut subject in signed.subjects()? {
            if subjects.iter().any(|known| known.certificate == subject.certificate) {
                continue;
            }
            let further: Vec<Arc<[u8]>> = certificates
                .iter()
                .filter(|other| **other != subject.certificate && !subject.known.contains(other))
                .cloned()
                .collect();
            subject.known.extend(further);
            subjects.push(subject);
        }
        let key = HashAlgorithm::Sha1.digest(&signed.octets);
        let key = key.map_err(|error| FormatError::setup("digest-algorithm", error.to_string()))?;
        keys.push(key.iter().flat_map(|byte| hex_pair(*byte)).map(char::from).collect());
    }
    let id = opened.next_id(source)?;
    let extension = extension(&mut opened.document, &opened.catalog)?;
    let ground = Ground::of(&opened.document);
    let catalog = opened.catalog.into_owned();
    Ok(Box::new(StorePlace { subjects, keys, store: opened.store, ground, catalog, extension, id }))
}

/// The change of the catalog that says that extensions of ETSI are used (`/ESIC`, as pyHanko writes it); `None` if it
/// says so or if they are part of the version of PDF.
fn extension(
    document: &mut Document<'_>,
    catalog: &Object<'_>,
) -> Result<Option<(&'static str, Vec<u8>)>, FormatError> {
    let root = document.dictionary(&catalog.value)?;
    let header = document.window.bytes(0, 8)?;
    let version = document.get(&root, "Version")?;
    let version = version.as_deref().and_then(name).map(|version| version.into_owned());
    if header.starts_with(b"%PDF-2") || version.is_some_and(|version| version.starts_with(b"2")) {
        return Ok(None);
    }
    let ours = ("ESIC", b"<< /BaseVersion /1.7 /ExtensionLevel 1 >>".to_vec());
    match root.get("Extensions") {
        None => Ok(Some(("Extensions", Dictionary::new(b"<<>>").map(|none| none.with(&[ours])).unwrap_or_default()))),
        // Only what stands in the catalog itself and holds no strings is added to; it is a hint, no more.
        Some(raw) => match Dictionary::new(raw) {
            Some(known) if known.get("ESIC").is_none() && !catalog.compressed => {
                Ok(Some(("Extensions", known.with(&[ours]))))
            }
            _ => Ok(None),
        },
    }
}

/// Every signature has a time stamp.
struct Nothing;

impl StampPlaces for Nothing {
    fn imprints(&self) -> &[Digest] {
        &[]
    }

    fn fill(self: Box<Self>, _tokens: &[Token]) -> Result<Vec<Part>, FormatError> {
        Ok(vec![Part::Original])
    }
}

/// Room for a time stamp inside a signature that nothing covers.
struct Inside {
    places: Places,
    der: Vec<u8>,
    contents: Range<u64>,
    /// How long the value of `/Contents` is, in bytes.
    room: usize,
    /// Length of the document.
    length: u64,
}

impl StampPlaces for Inside {
    fn imprints(&self) -> &[Digest] {
        self.places.imprints()
    }

    fn fill(self: Box<Self>, tokens: &[Token]) -> Result<Vec<Part>, FormatError> {
        let mut octets = self.places.filled(tokens)?.bytes(&self.der)?;
        if octets.len() > self.room {
            return Err(too_long());
        }
        octets.resize(self.room, 0);
        let hex = octets.iter().flat_map(|byte| hex_pair(*byte)).collect();
        let (before, after) = (0..self.contents.start + 1, self.contents.end - 1..self.length);
        Ok(vec![Part::Slice(before), Part::Bytes(hex), Part::Slice(after)])
    }
}

/// A document time stamp that waits for its token.
struct DocumentStamp {
    tail: Vec<u8>,
    holes: Holes,
    imprint: [Digest; 1],
}

impl StampPlaces for DocumentStamp {
    fn imprints(&self) -> &[Digest] {
        &self.imprint
    }

    fn fill(mut self: Box<Self>, tokens: &[Token]) -> Result<Vec<Part>, FormatError> {
        let [imprint] = &self.imprint;
        let token = match tokens {
            [token] if token.stamps(imprint) => token,
            _ => return Err(FormatError::WrongSignature("the time stamp is not over what it was asked for")),
        };
        update::fill_contents(&mut self.tail, &self.holes, token.der()).ok_or_else(too_long)?;
        Ok(vec![Part::Original, Part::Bytes(self.tail)])
    }
}

fn too_long() -> FormatError {
    let sentence = format!("the time stamp is longer than the {PDF_STAMP_BYTES} bytes that a PDF has room for");
    FormatError::setup("time-stamp-too-long", sentence)
}

/// The security store, to which evidence is added.
struct StorePlace {
    subjects: Vec<Subject>,
    /// The names of the signatures in `/VRI`.
    keys: Vec<String>,
    store: Store,
    ground: Ground,
    catalog: Object<'static>,
    extension: Option<(&'static str, Vec<u8>)>,
    id: Vec<u8>,
}

impl EvidencePlace for StorePlace {
    fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    fn fill(self: Box<Self>, evidence: &Evidence) -> Result<Vec<Part>, FormatError> {
        if self.store.holds(evidence) {
            return Ok(vec![Part::Original]);
        }
        let mut tail = Tail::new(&self.ground, UPDATE_BYTES_GUESS);
        let changes = self.store.grow(&mut tail, evidence, &self.keys)?;
        let changes: Vec<_> = changes.into_iter().chain(self.extension).collect();
        if !changes.is_empty() {
            tail.rewrite(&self.catalog, &changes)?;
        }
        tail.finish(&self.id)?;
        Ok(vec![Part::Original, Part::Bytes(tail.bytes)])
    }
}
