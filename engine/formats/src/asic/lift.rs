//! Lifts the signatures in containers of any maker. Every other entry stays byte for byte; a lifted signature is written
//! again as the last entry.

use super::archive::{DosTime, Entry as NewEntry, Writer};
use super::reader::{Container, broken};
use super::{META_INF, MIME_TYPE, manifest};
use crate::evidence::{Evidence, Subject};
use crate::lift::{EvidencePlace, StampPlaces};
use crate::prepare::FormatError;
use crate::recipe::{Assembled, Part};
use crate::source::{Member, Source, SourceError, each_chunk};
use crate::tsp::Token;
use crate::{cms, xml};
use model::{Digest, DigestAlgorithm, Time};

/// See [`crate::lift::signature_time_stamps`].
pub fn signature_time_stamps(
    document: &dyn Source,
    digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    stamps(document, |is_xml, signature, original| match is_xml {
        true => xml::lift::signature_time_stamps(signature, Some(original), digest),
        false => cms::lift::signature_time_stamps(signature, Some(original), digest),
    })
}

/// See [`crate::lift::evidence`].
pub fn evidence(document: &dyn Source) -> Result<Box<dyn EvidencePlace>, FormatError> {
    let (rest, places) = open(document, |is_xml, signature, original| match is_xml {
        true => xml::lift::evidence(signature, Some(original)),
        false => cms::lift::evidence(signature, Some(original)),
    })?;
    let subjects = places.iter().flat_map(|place| place.inner.subjects().to_vec()).collect();
    Ok(Box::new(EvidenceInContainer { rest, places, subjects }))
}

/// See [`crate::lift::archive_time_stamps`].
pub fn archive_time_stamps(
    document: &dyn Source,
    digest: DigestAlgorithm,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    stamps(document, |is_xml, signature, original| match is_xml {
        true => xml::lift::archive_time_stamps(signature, Some(original), digest),
        false => cms::lift::archive_time_stamps(signature, Some(original), digest),
    })
}

/// A signature in a container, and its own place.
struct Place<P: ?Sized> {
    name: String,
    bytes: Vec<u8>,
    inner: Box<P>,
}

/// The entry of a signature that was lifted by this recipe.
fn lifted(name: &str, before: &dyn Source, parts: &[Part]) -> Result<NewEntry, FormatError> {
    let assembled = Assembled::new(parts, before);
    let mut bytes = vec![0; assembled.len() as usize];
    assembled.read_exact_at(0, &mut bytes)?;
    Ok(NewEntry::of_bytes(name, bytes))
}

/// Everything in the container but its signatures.
struct Rest {
    parts: Vec<Part>,
    length: u64,
    directory: Vec<u8>,
    count: u64,
}

impl Rest {
    fn new(container: &Container, is_lifted: impl Fn(&str) -> bool) -> Result<Self, FormatError> {
        let mut rest = Self { parts: Vec::new(), length: 0, directory: Vec::new(), count: 0 };
        for entry in container.entries.iter().filter(|entry| !is_lifted(&entry.name)) {
            let mut header = entry.header.clone();
            // Entries only move towards the beginning, so that every offset fits where it stood.
            let offset = rest.length.to_le_bytes();
            let field = header.get_mut(entry.offset_at.clone()).ok_or_else(|| broken("its directory"))?;
            field.copy_from_slice(offset.get(..field.len()).unwrap_or_default());
            rest.directory.extend(header);
            rest.length += entry.record.end - entry.record.start;
            rest.parts.push(Part::Slice(entry.record.clone()));
            rest.count += 1;
        }
        Ok(rest)
    }

    fn with(self, entries: Vec<NewEntry>) -> Vec<Part> {
        let mut writer = Writer::behind(self.parts, self.length, self.directory, self.count);
        let time = DosTime::of(Time::from_seconds(0));
        entries.into_iter().for_each(|entry| writer.add(entry, time));
        writer.finish()
    }
}

/// The documents of a container, by their names.
struct Files<'a> {
    assembled: Assembled<'a>,
    members: Vec<Member>,
}

impl Source for Files<'_> {
    fn len(&self) -> u64 {
        self.assembled.len()
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.assembled.read_exact_at(offset, buffer)
    }

    fn members(&self) -> Vec<Member> {
        self.members.clone()
    }
}

type Opener<'a, P> = dyn Fn(bool, &dyn Source, &dyn Source) -> Result<Box<P>, FormatError> + 'a;

fn stamps<'a>(
    document: &dyn Source,
    opener: impl Fn(bool, &dyn Source, &dyn Source) -> Result<Box<dyn StampPlaces>, FormatError> + 'a,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    let (rest, places) = open(document, opener)?;
    let imprints = places.iter().flat_map(|place| place.inner.imprints().to_vec()).collect();
    Ok(Box::new(Stamps { rest, places, imprints }))
}

/// Finds the signatures and opens each over what it signs.
fn open<P: ?Sized>(
    source: &dyn Source,
    opener: impl Fn(bool, &dyn Source, &dyn Source) -> Result<Box<P>, FormatError>,
) -> Result<(Rest, Vec<Place<P>>), FormatError> {
    let opener: &Opener<'_, P> = &opener;
    let container = Container::read(source)?;
    let mut unpacked = 0;
    let (mut parts, mut members, mut at) = (Vec::new(), Vec::new(), 0);
    for entry in &container.entries {
        let part = entry.content(source, &mut unpacked)?;
        members.push(Member { name: Some(entry.name.clone()), range: at..at + entry.length });
        parts.push(part);
        at += entry.length;
    }
    let all = Files { assembled: Assembled::new(&parts, source), members };
    let in_folder = |name: &str, start: &str, end: &str| {
        let rest = name.strip_prefix(META_INF).map(str::to_lowercase);
        rest.is_some_and(|rest| rest.starts_with(start) && rest.ends_with(end))
    };
    let mut manifests = Vec::new();
    for entry in container.entries.iter().filter(|entry| in_folder(&entry.name, "asicmanifest", ".xml")) {
        let bytes = entry.bytes(source, &mut unpacked)?;
        manifests.push((manifest::read(&bytes)?, bytes));
    }
    // What they cover is a signature as it is now: lifting it would break them.
    if container.entries.iter().any(|entry| in_folder(&entry.name, "asicarchivemanifest", ".xml")) {
        let sentence = "a time stamp in a file of its own covers the container's signatures; they cannot be lifted";
        return Err(FormatError::document("archive-manifest", sentence));
    }
    let documents: Vec<&Member> = all
        .members
        .iter()
        .filter(|member| {
            let name = member.name.as_deref().unwrap_or_default();
            name != MIME_TYPE && !name.starts_with(META_INF) && !name.ends_with('/')
        })
        .collect();
    let mut places: Vec<Place<P>> = Vec::new();
    for entry in &container.entries {
        let name = &entry.name;
        let is_xml = in_folder(name, "signatures", ".xml");
        if !is_xml && !in_folder(name, "signature", ".p7s") {
            continue;
        }
        let bytes = entry.bytes(source, &mut unpacked)?;
        let manifest = manifests.iter().find(|(found, _)| manifest::name_of(&found.signature) == name.as_bytes());
        let inner = match (is_xml, manifest, documents.as_slice()) {
            (true, ..) => opener(true, &bytes, &all)?,
            (false, Some((manifest, text)), _) => {
                check(manifest, &all)?;
                opener(false, &bytes, text)?
            }
            (false, None, [document]) => {
                let part = [Part::Slice(document.range.clone())];
                opener(false, &bytes, &Assembled::new(&part, &all))?
            }
            (false, None, _) => return Err(broken("it does not say what a signature is over")),
        };
        places.push(Place { name: name.clone(), bytes, inner });
    }
    if let Some(name) = places.iter().find_map(|place| covered(&place.name, &places, &manifests)) {
        let sentence = format!("{name} is covered by another signature, which lifting it would break");
        return Err(FormatError::document("signature-covered", sentence));
    }
    if places.is_empty() {
        return Err(FormatError::document("no-signature", "there is no signature in the container"));
    }
    let rest = Rest::new(&container, |name| places.iter().any(|place| place.name == name))?;
    Ok((rest, places))
}

/// The name, if another signature or its manifest mentions this one's: then it is among what that signature covers. A
/// manifest mentions its own signature, too, as what signs it.
fn covered<P: ?Sized>(name: &str, places: &[Place<P>], manifests: &[(manifest::Manifest, Vec<u8>)]) -> Option<String> {
    let mentions = |bytes: &[u8]| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    let by_signature = places.iter().any(|place| place.name != name && mentions(&place.bytes));
    let by_manifest = manifests
        .iter()
        .any(|(manifest, _)| manifest.documents.iter().any(|(uri, ..)| manifest::name_of(uri) == name.as_bytes()));
    (by_signature || by_manifest).then(|| name.to_owned())
}

/// Makes sure that the documents are those of the manifest.
fn check(manifest: &manifest::Manifest, files: &Files<'_>) -> Result<(), FormatError> {
    for (uri, hash, value) in &manifest.documents {
        let name = manifest::name_of(uri);
        let named = |member: &&Member| member.name.as_ref().is_some_and(|known| known.as_bytes() == name);
        let member = files.members.iter().find(named).ok_or_else(|| broken("a signed document is missing"))?;
        let unknown = |_| FormatError::document("asic-digest", "a digest in the container is of an unknown kind");
        let mut running = hash.start().map_err(unknown)?;
        let mut fits = Ok(());
        each_chunk::<SourceError>(files, &member.range, |chunk| {
            if fits.is_ok() {
                fits = running.update(chunk);
            }
            Ok(())
        })?;
        fits.map_err(unknown)?;
        if running.finish().map_err(unknown)? != *value {
            let sentence = "a document in the container was changed after it was signed";
            return Err(FormatError::document("signature-broken", sentence));
        }
    }
    Ok(())
}

struct Stamps {
    rest: Rest,
    places: Vec<Place<dyn StampPlaces>>,
    imprints: Vec<Digest>,
}

impl StampPlaces for Stamps {
    fn imprints(&self) -> &[Digest] {
        &self.imprints
    }

    fn fill(self: Box<Self>, tokens: &[Token]) -> Result<Vec<Part>, FormatError> {
        let mut left = tokens;
        let mut entries = Vec::new();
        for Place { name, bytes, inner } in self.places {
            let wrong = || FormatError::WrongSignature("the time stamps are not over what they were asked for");
            let (mine, others) = left.split_at_checked(inner.imprints().len()).ok_or_else(wrong)?;
            left = others;
            let parts = inner.fill(mine)?;
            entries.push(lifted(&name, &bytes, &parts)?);
        }
        Ok(self.rest.with(entries))
    }
}

struct EvidenceInContainer {
    rest: Rest,
    places: Vec<Place<dyn EvidencePlace>>,
    subjects: Vec<Subject>,
}

impl EvidencePlace for EvidenceInContainer {
    fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    fn fill(self: Box<Self>, evidence: &Evidence) -> Result<Vec<Part>, FormatError> {
        let mut entries = Vec::new();
        for Place { name, bytes, inner } in self.places {
            let parts = inner.fill(evidence)?;
            entries.push(lifted(&name, &bytes, &parts)?);
        }
        Ok(self.rest.with(entries))
    }
}
