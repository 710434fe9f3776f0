//! Containers (EN 319 162-1): ASiC-S and ASiC-E with CAdES, XAdES, time stamps and evidence records, what came before
//! them (BDOC), and others with signatures in META-INF (OpenDocument, OCF).
//!
//! What stands beside signatures decides, never the name of the container. Whatever makes readers see different files is
//! a fault of every signature in it; files that nobody signed are named.
//!
//! Where things are: `files.rs` the files of the container · `manifest.rs` what a manifest says · `parts.rs` signature
//! files · `stamps.rs` time stamps and evidence records · `objects.rs` what exists since a time stamp.

mod files;
mod manifest;
mod objects;
mod parts;
mod stamps;

use super::{Detached, FileKind, Input, Inspection, Nested, recognise};
use crate::asic::MIME_TYPE;
use crate::asic::reader::Container;
use crate::inspect::recognise::Shape;
use crate::prepare::FormatError;
use crate::source::Source;
use files::{Files, is_meta};
use manifest::Manifest;
use model::Reason;
use model::limits::{ASIC_FILE_BYTES_MAX, ASIC_META_FILES_MAX, ASIC_NESTING_MAX};
use objects::Objects;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// Takes a container apart.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let (container, mut faults) = Container::read_reporting(input.source)?;
    let files = Files::open(input, &container)?;
    let mut work = Work::new(input, &files)?;
    faults.extend(work.faults_of_kind());
    work.look_into_files()?;
    work.read_signatures()?;
    work.read_stamps()?;
    work.read_records()?;
    Ok(work.finish(faults))
}

/// Which kind of container it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One document, which signatures need not name.
    Simple,
    /// Several documents, each named by what is over it.
    Extended,
}

/// What a file in META-INF is, by its name (EN 319 162-1 clauses 4.3.3 and 4.4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meta {
    Xades,
    Cades,
    Stamp,
    Record,
    Manifest,
    Other,
}

impl Meta {
    fn of(name: &str) -> Self {
        let lower = name.to_lowercase();
        let has = |part: &str, end: &str| lower.contains(part) && lower.ends_with(end);
        match () {
            () if !is_meta(name) => Self::Other,
            () if has("manifest", ".xml") => Self::Manifest,
            () if has("evidencerecord", ".xml") || lower.ends_with(".ers") => Self::Record,
            () if has("signature", ".xml") => Self::Xades,
            () if has("signature", ".p7s") || has("signature", ".p7m") => Self::Cades,
            () if has("timestamp", ".tst") || lower.ends_with(".tst") => Self::Stamp,
            () => Self::Other,
        }
    }
}

/// A container while it is taken apart.
struct Work<'a> {
    input: &'a Input<'a>,
    files: &'a Files<'a>,
    kind: Kind,
    /// It says of itself nothing else than that it is ASiC.
    is_associated: bool,
    /// What is in META-INF, of which something is known.
    meta: Vec<(usize, Meta)>,
    manifests: Vec<Manifest>,
    /// The documents in it.
    documents: Vec<usize>,
    inspection: Inspection,
    /// The signatures of each signature file.
    places: HashMap<usize, Range<usize>>,
    /// What is in each file that could be proven to exist.
    objects: Objects,
    /// Files that a signature is over.
    signed: BTreeSet<usize>,
    /// Files that a time stamp or an evidence record is over.
    proven: BTreeSet<usize>,
}

impl<'a> Work<'a> {
    fn new(input: &'a Input<'a>, files: &'a Files<'a>) -> Result<Self, FormatError> {
        let mut inspection = Inspection::new(FileKind::Asic);
        let (mut meta, mut manifests, mut documents, mut mime_type) = (Vec::new(), Vec::new(), Vec::new(), None);
        for (at, file) in files.all() {
            if file.damaged {
                let sentence = format!("the checksum of {} is wrong: the file was damaged", file.name);
                inspection.notes.push(Reason::new("asic-checksum", sentence));
            }
            if let Err(reason) = files.piece(at) {
                let sentence = format!("{} cannot be read: {}", file.name, reason.sentence);
                inspection.notes.push(Reason::new(reason.code, sentence));
            }
            match Meta::of(&file.name) {
                Meta::Other if file.name == MIME_TYPE => mime_type = files.bytes(at, ASIC_FILE_BYTES_MAX)?.ok(),
                Meta::Other if is_meta(&file.name) => {}
                Meta::Other => documents.push(at),
                known => meta.push((at, known)),
            }
        }
        if meta.len() > ASIC_META_FILES_MAX {
            let sentence = format!("the container has more than {ASIC_META_FILES_MAX} signatures and manifests");
            return Err(FormatError::document("too-many-signatures", sentence));
        }
        let mut has_list = false;
        for (at, _) in meta.iter().filter(|(_, meta)| *meta == Meta::Manifest) {
            has_list |= files.name(*at).eq_ignore_ascii_case("META-INF/manifest.xml");
            match files.bytes(*at, ASIC_FILE_BYTES_MAX)?.and_then(|bytes| Manifest::read(*at, &bytes)) {
                Ok(manifest) => manifests.extend(manifest),
                Err(reason) => {
                    let sentence = format!("{} cannot be read: {}", files.name(*at), reason.sentence);
                    inspection.notes.push(Reason::new("asic-manifest", sentence));
                }
            }
        }
        let mime_type = mime_type.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        let extension = input.name.rsplit('.').next().unwrap_or_default().to_lowercase();
        let kind = match mime_type.as_deref() {
            Some(text) if text.contains("asic-s") => Kind::Simple,
            Some(_) => Kind::Extended,
            // Nothing inside tells but what stands beside the documents; then its name may.
            None if ["asice", "sce", "bdoc"].contains(&extension.as_str()) => Kind::Extended,
            None if manifests.is_empty() && !has_list && documents.len() == 1 => Kind::Simple,
            None => Kind::Extended,
        };
        let is_associated = mime_type.as_deref().is_none_or(|text| text.contains("asic"));
        Ok(Self {
            input,
            files,
            kind,
            is_associated,
            meta,
            manifests,
            documents,
            inspection,
            places: HashMap::new(),
            objects: Objects::default(),
            signed: BTreeSet::new(),
            proven: BTreeSet::new(),
        })
    }

    /// The documents that lie in no folder.
    fn at_root(&self) -> Vec<usize> {
        self.documents.iter().copied().filter(|at| !self.files.name(*at).contains('/')).collect()
    }

    /// The one document of ASiC-S.
    fn only_document(&self) -> Option<usize> {
        match self.at_root()[..] {
            [document] => Some(document),
            _ => None,
        }
    }

    /// What its kind asks of a container (EN 319 162-1 clauses 4.3.2 and 4.4.2).
    fn faults_of_kind(&self) -> Vec<Reason> {
        let mut faults = Vec::new();
        let has = |kinds: &[Meta]| self.meta.iter().any(|(_, meta)| kinds.contains(meta));
        if !has(&[Meta::Xades, Meta::Cades, Meta::Stamp, Meta::Record]) {
            return faults;
        }
        match (self.kind, self.at_root().len()) {
            (Kind::Simple, 1) => {}
            (Kind::Simple, count) => {
                let sentence = format!("a container for one document (ASiC-S) has {count} in its topmost folder");
                faults.push(Reason::new("asic-documents", sentence));
            }
            (Kind::Extended, _) if self.documents.is_empty() => {
                faults.push(Reason::new("asic-documents", "the container has signatures, but no document"));
            }
            (Kind::Extended, _) if self.is_associated && !has(&[Meta::Manifest]) => {
                let sentence = "a container for several documents (ASiC-E) lacks the manifest that names them";
                faults.push(Reason::new("asic-manifest-missing", sentence));
            }
            (Kind::Extended, _) => {}
        }
        faults
    }

    /// Documents with signatures of their own.
    fn look_into_files(&mut self) -> Result<(), FormatError> {
        if self.input.depth >= ASIC_NESTING_MAX {
            if !self.documents.is_empty() {
                let sentence = "the files in the container are not looked into: it is too deep inside of others";
                self.inspection.notes.push(Reason::new(TOO_DEEP, sentence));
            }
            return Ok(());
        }
        for at in self.documents.clone() {
            let name = self.files.name(at);
            let Ok(piece) = self.files.piece(at) else { continue };
            let shape = recognise::recognise(&piece)?;
            // What is detached lies beside its document: `letter.pdf` and `letter.pdf.p7s`.
            let document = name.rsplit_once('.').and_then(|(stem, _)| Some((stem, self.files.find_exactly(stem)?)));
            let document = document.and_then(|(stem, at)| Some((stem, self.files.piece(at).ok()?)));
            let detached: Vec<Detached<'_>> = document
                .iter()
                .map(|(name, piece)| Detached::Document { name, source: piece as &dyn Source })
                .collect();
            match super::inspect(&Input { detached: &detached, ..self.input.inside(&piece, name)? }) {
                Ok(inside) => {
                    let found =
                        !inside.signatures.is_empty() || !inside.stamps.is_empty() || !inside.records.is_empty();
                    let not_looked = inside.notes.iter().any(|note| note.code == TOO_DEEP);
                    if found || not_looked || !inside.nested.is_empty() {
                        self.objects.add_inspection(at, &inside);
                        self.inspection.nested.push(Nested { name: name.to_owned(), inspection: inside });
                    }
                }
                Err(FormatError::Source(error)) => return Err(error.into()),
                // Of files that usually hold none it is nobody's business.
                Err(_) if matches!(shape, Shape::Xml | Shape::Other | Shape::Mail) => {}
                Err(error) => {
                    let sentence = format!("{name} in the container cannot be looked into: {error}");
                    self.inspection.notes.push(Reason::new("nested-unreadable", sentence));
                }
            }
        }
        Ok(())
    }

    /// The manifest of which this file says that it is over it.
    fn manifest_of(&self, file: usize) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| self.files.find(&manifest.over_it) == Some(file))
    }

    fn finish(mut self, faults: Vec<Reason>) -> Inspection {
        for signature in &mut self.inspection.signatures {
            signature.faults.extend(faults.iter().cloned());
        }
        for stamp in &mut self.inspection.stamps {
            stamp.faults.extend(faults.iter().cloned());
        }
        if self.inspection.signatures.is_empty() && self.inspection.stamps.is_empty() {
            self.inspection.notes.extend(faults);
        }
        let nothing = self.inspection.records.is_empty() && self.inspection.stamps.is_empty();
        if self.inspection.signatures.is_empty() && nothing {
            self.inspection.kind = FileKind::Other;
            return self.inspection;
        }
        let (over, what) = match self.inspection.signatures.is_empty() {
            false => (&self.signed, "no signature of the container covers"),
            true => (&self.proven, "no time stamp and no evidence record of the container covers"),
        };
        let left: Vec<&str> =
            self.documents.iter().filter(|at| !over.contains(at)).map(|at| self.files.name(*at)).collect();
        if !left.is_empty() {
            let shown: String = left.iter().take(NAMES_SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
            let more = left.len().saturating_sub(NAMES_SHOWN_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.inspection.notes.push(Reason::new("not-covered", format!("{what} {shown}{more}")));
        }
        self.inspection
    }
}

/// The code of the note that files are not looked into.
const TOO_DEEP: &str = "nested-too-deep";

/// So many names of files are shown in one message.
const NAMES_SHOWN_MAX: usize = 20;
