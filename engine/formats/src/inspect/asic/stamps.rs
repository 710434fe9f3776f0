//! Time stamps and evidence records that are files of a container: over its one document, or over what a manifest names.

use super::manifest::Checked;
use super::{Kind, Meta, Work};
use crate::inspect::record::Wanted;
use crate::inspect::{Covered, CoveredRole, Integrity, Record, RecordObject, Stamp, StampKind};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::tsp::Token;
use crate::xml::looks_like_xml;
use model::Reason;
use model::limits::{EVIDENCE_RECORD_BYTES_MAX, STAMP_FILE_BYTES_MAX};
use std::sync::Arc;

impl Work<'_> {
    /// Takes the time stamps apart. What each proves is known when all are there, for they are over each other.
    pub(super) fn read_stamps(&mut self) -> Result<(), FormatError> {
        let mut found = Vec::new();
        for (at, _) in self.meta.clone().into_iter().filter(|(_, meta)| *meta == Meta::Stamp) {
            let name = self.files.name(at).to_owned();
            let (bytes, token) = match self.files.bytes(at, STAMP_FILE_BYTES_MAX)? {
                Ok(bytes) => {
                    let token = Token::read_with(&bytes, self.input.certificates);
                    (token.as_ref().map_or_else(|_| bytes.into(), |token| token.der().clone()), token)
                }
                Err(reason) => {
                    self.inspection.notes.push(reason);
                    (Arc::from([]), Token::read(&[]))
                }
            };
            let stamp = Stamp {
                kind: StampKind::Container,
                name: Some(name),
                bytes,
                token,
                imprint: Integrity::Intact,
                covers: Vec::new(),
                signatures: Vec::new(),
                faults: Vec::new(),
                pdf: None,
            };
            self.objects.add_stamp(at, &stamp);
            found.push((at, stamp));
        }
        self.add_records_as_objects()?;
        for (at, mut stamp) in found {
            let entries = self.entries_over(at)?;
            let over = match (self.manifest_of(at), self.kind) {
                (Some(manifest), _) => Some(manifest.file),
                (None, Kind::Simple) => self.only_document(),
                (None, Kind::Extended) => None,
            };
            stamp.imprint = self.imprint(&stamp, over)?;
            if stamp.imprint == Integrity::Intact {
                stamp.imprint = self.worst(&entries);
                let intact: Vec<usize> = over.into_iter().chain(intact(&entries)).collect();
                stamp.covers = self.objects.of(intact.iter().copied());
                stamp.signatures = self.signatures_in(&intact);
            }
            self.proven.extend(over.into_iter().chain(entries.iter().filter_map(|entry| entry.file)));
            self.inspection.stamps.push(stamp);
        }
        Ok(())
    }

    fn imprint(&self, stamp: &Stamp, over: Option<usize>) -> Result<Integrity, FormatError> {
        let missing = |sentence: &str| Integrity::Missing(Reason::new("original-missing", sentence));
        let token = match &stamp.token {
            Ok(token) => token,
            Err(error) => return Ok(Integrity::Refused(Reason::new("time-stamp-unreadable", error.to_string()))),
        };
        let Some(over) = over else {
            return Ok(missing("the container does not say what the time stamp is over"));
        };
        if let Err(reason) = self.files.piece(over) {
            return Ok(Integrity::Refused(reason));
        }
        Ok(match self.files.digest(over, token.imprint().algorithm)? {
            Some(digest) if digest == token.imprint().value => Integrity::Intact,
            Some(_) => Integrity::Changed,
            None => {
                let sentence = "the digest of the time stamp cannot be computed here";
                Integrity::Refused(Reason::new("time-stamp-digest", sentence))
            }
        })
    }

    /// The gravest of what is wrong with the files that a manifest names; each is noted.
    fn worst(&mut self, entries: &[Checked]) -> Integrity {
        let mut worst = Integrity::Intact;
        for Checked { covered, .. } in entries {
            let (rank, sentence) = match &covered.integrity {
                Integrity::Intact => continue,
                Integrity::Changed => (3, format!("{} was changed after it was time-stamped", covered.what)),
                Integrity::Refused(reason) | Integrity::Missing(reason) => {
                    (grade(&covered.integrity), reason.sentence.clone())
                }
            };
            let note = Reason::new("asic-manifest-entry", sentence);
            if !self.inspection.notes.contains(&note) {
                self.inspection.notes.push(note);
            }
            if rank > grade(&worst) {
                worst = covered.integrity.clone();
            }
        }
        worst
    }

    /// The entries of the manifest that a file is over.
    fn entries_over(&self, at: usize) -> Result<Vec<Checked>, FormatError> {
        match self.manifest_of(at) {
            Some(manifest) => manifest.check(self.files, CoveredRole::ManifestEntry),
            None => Ok(Vec::new()),
        }
    }

    /// Evidence records are covered by time stamps and by other records.
    fn add_records_as_objects(&mut self) -> Result<(), FormatError> {
        for (at, _) in self.meta.clone().into_iter().filter(|(_, meta)| *meta == Meta::Record) {
            if let Ok(bytes) = self.files.bytes(at, EVIDENCE_RECORD_BYTES_MAX as u64)? {
                self.objects.add_bytes(at, &bytes);
            }
        }
        Ok(())
    }

    /// Takes the evidence records apart. In ASiC-S each is over the document; in ASiC-E over what its manifest names.
    pub(super) fn read_records(&mut self) -> Result<(), FormatError> {
        for (at, _) in self.meta.clone().into_iter().filter(|(_, meta)| *meta == Meta::Record) {
            let name = self.files.name(at).to_owned();
            let bytes = match self.files.bytes(at, EVIDENCE_RECORD_BYTES_MAX as u64)? {
                Ok(bytes) => bytes,
                Err(reason) => {
                    self.inspection.notes.push(reason);
                    continue;
                }
            };
            let xml = looks_like_xml(&bytes);
            let wanted = Wanted::by(&bytes, xml);
            let (mut objects, mut manifest, mut files) = (Vec::new(), Vec::<Covered>::new(), Vec::new());
            match self.kind {
                Kind::Simple => {
                    if let Some(document) = self.only_document() {
                        objects.push(self.object(&wanted, Some(document), "the document")?);
                        files.push(document);
                    }
                }
                Kind::Extended => {
                    for mut entry in self.entries_over(at)? {
                        by_its_own_digest(&mut entry.covered, wanted.first());
                        objects.push(self.object(&wanted, entry.file, &entry.covered.what)?);
                        files.extend(intact(std::slice::from_ref(&entry)));
                        manifest.push(entry.covered);
                    }
                    if manifest.is_empty() {
                        let sentence = format!("the container does not say what {name} is over");
                        self.inspection.notes.push(Reason::new("asic-manifest-missing", sentence));
                    }
                }
            }
            let (covers, signatures) = (self.objects.of(files.iter().copied()), self.signatures_in(&files));
            self.proven.extend(files);
            self.inspection.records.push(Record {
                name: Some(name),
                xml,
                bytes: bytes.into(),
                objects,
                manifest,
                covers,
                signatures,
            });
        }
        Ok(())
    }

    fn object(&self, wanted: &Wanted, file: Option<usize>, what: &str) -> Result<RecordObject, FormatError> {
        let name = file.map_or(what, |file| self.files.name(file)).to_owned();
        let digests = match file.and_then(|file| self.files.piece(file).ok()) {
            Some(piece) => wanted.digests(&piece)?,
            None => Vec::new(),
        };
        Ok(RecordObject { name, digests })
    }
}

/// How grave it is.
fn grade(integrity: &Integrity) -> u8 {
    match integrity {
        Integrity::Intact => 0,
        Integrity::Missing(_) => 1,
        Integrity::Refused(_) => 2,
        Integrity::Changed => 3,
    }
}

/// Another digest than the record's own binds nothing to the record (EN 319 162-1 annex A.4).
fn by_its_own_digest(covered: &mut Covered, own: Option<HashAlgorithm>) {
    if covered.integrity == Integrity::Intact && own.is_some() && covered.algorithm != own {
        let sentence = format!("the manifest names {} by another digest than the evidence record does", covered.what);
        covered.integrity = Integrity::Refused(Reason::new("asic-manifest-digest", sentence));
    }
}

fn intact(entries: &[Checked]) -> impl Iterator<Item = usize> + '_ {
    entries.iter().filter(|entry| entry.covered.integrity == Integrity::Intact).filter_map(|entry| entry.file)
}
