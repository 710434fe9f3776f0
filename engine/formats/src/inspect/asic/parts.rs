//! The signature files of a container: CAdES over a manifest or over the one document, XAdES over files by their names.

use super::files::is_meta;
use super::{Kind, Meta, Work};
use crate::evidence::Evidence;
use crate::inspect::{
    Attributes, Covered, CoveredRole, Detached, FileKind, Inspection, Integrity, Signature, SignatureFormat,
    SignerReference, cms, xml,
};
use crate::prepare::FormatError;
use crate::source::Source;
use crate::xml::algorithms::DS;
use crate::xml::signature::children;
use crate::xml::tree::{Document, NodeId};
use model::Reason;
use model::limits::{ASIC_FILE_BYTES_MAX, XML_REFERENCES_MAX};
use std::collections::BTreeSet;

impl Work<'_> {
    /// Takes every signature file apart. One that cannot be read stands for a signature that is none.
    pub(super) fn read_signatures(&mut self) -> Result<(), FormatError> {
        for (at, meta) in self.meta.clone() {
            let found = match meta {
                Meta::Xades => self.read_xades(at),
                Meta::Cades => self.read_cades(at),
                _ => continue,
            };
            match found {
                Ok(inside) => self.take(at, inside),
                Err(FormatError::Source(error)) => return Err(error.into()),
                Err(error) => {
                    let reason = match error {
                        FormatError::Document(reason) | FormatError::Setup(reason) => reason,
                        other => Reason::new("signature-malformed", other.to_string()),
                    };
                    let format = if meta == Meta::Xades { SignatureFormat::XmlDsig } else { SignatureFormat::Cms };
                    let mut inside = Inspection::new(FileKind::Asic);
                    inside.signatures.push(unreadable(format, reason));
                    self.take(at, inside);
                }
            }
        }
        Ok(())
    }

    /// Puts what is in a signature file among what is in the container.
    fn take(&mut self, at: usize, inside: Inspection) {
        self.objects.add_inspection(at, &inside);
        let first = self.inspection.signatures.len();
        let name = self.files.name(at);
        for mut signature in inside.signatures {
            signature.parent = signature.parent.map(|parent| parent + first);
            signature.name = Some(match signature.name {
                Some(own) => format!("{name}: {own}"),
                None => name.to_owned(),
            });
            self.inspection.signatures.push(signature);
        }
        for mut record in inside.records {
            record.signatures.iter_mut().for_each(|index| *index += first);
            record.name = Some(record.name.map_or_else(|| name.to_owned(), |own| format!("{name}: {own}")));
            self.inspection.records.push(record);
        }
        for mut stamp in inside.stamps {
            stamp.signatures.iter_mut().for_each(|index| *index += first);
            self.inspection.stamps.push(stamp);
        }
        self.inspection.evidence.merge(&inside.evidence);
        let in_file = |note: Reason| Reason::new(note.code, format!("{name}: {}", note.sentence));
        self.inspection.notes.extend(inside.notes.into_iter().map(in_file));
        self.places.insert(at, first..self.inspection.signatures.len());
    }

    fn read_xades(&mut self, at: usize) -> Result<Inspection, FormatError> {
        let bytes = self.files.bytes(at, ASIC_FILE_BYTES_MAX)?.map_err(FormatError::Document)?;
        let together = self.files.together();
        let beside = xml::Beside { files: Some(&together), digests: Vec::new(), renamed: false };
        let inside = xml::signatures(&bytes, &beside, self.input.certificates)?;
        if inside.signatures.is_empty() {
            return Err(FormatError::document("signature-missing", "there is no signature in it"));
        }
        let named = referenced(&bytes)?;
        let meant: BTreeSet<usize> = named.iter().filter_map(|uri| self.files.find(uri)).collect();
        self.signed.extend(meant);
        Ok(inside)
    }

    fn read_cades(&mut self, at: usize) -> Result<Inspection, FormatError> {
        let bytes = self.files.bytes(at, ASIC_FILE_BYTES_MAX)?.map_err(FormatError::Document)?;
        let manifest = self.manifest_of(at);
        let entries = match manifest {
            Some(manifest) => manifest.check(self.files, CoveredRole::Content)?,
            None => Vec::new(),
        };
        let over = match (manifest, self.kind) {
            (Some(manifest), _) => Some(manifest.file),
            (None, Kind::Simple) => self.only_document(),
            // A signature without a manifest is at home in ASiC-S; by whatever name, one document is what it is over.
            (None, Kind::Extended) => match self.documents[..] {
                [document] if self.manifests.is_empty() => Some(document),
                _ => None,
            },
        };
        let piece = over.map(|over| self.files.piece(over)).transpose().map_err(FormatError::Document)?;
        let name = over.map(|over| self.files.name(over)).unwrap_or_default();
        let detached: Vec<Detached<'_>> =
            piece.as_ref().map(|piece| Detached::Document { name, source: piece as &dyn Source }).into_iter().collect();
        let found = cms::signed_document(&bytes, self.input.certificates, &detached)?;
        if found.signatures.is_empty() {
            return Err(FormatError::document("signature-missing", "there is no signature in it"));
        }
        let mut inside = Inspection::new(FileKind::Asic);
        inside.signatures = found.signatures;
        inside.records = found.records;
        inside.evidence = found.evidence;
        self.signed.extend(over.filter(|over| !is_meta(self.files.name(*over))));
        self.signed.extend(entries.iter().filter_map(|entry| entry.file));
        for signature in inside.signatures.iter_mut().filter(|signature| signature.parent.is_none()) {
            if let Some(over) = over {
                self.bind(signature, over)?;
            }
            signature.covered.extend(entries.iter().map(|entry| entry.covered.clone()));
        }
        Ok(inside)
    }

    /// A message that brings its own content is about the file in the container only if that is the same.
    fn bind(&self, signature: &mut Signature, file: usize) -> Result<(), FormatError> {
        let name = format!("file {}", self.files.name(file));
        let Some(content) = signature.covered.iter_mut().find(|covered| covered.role == CoveredRole::Content) else {
            return Ok(());
        };
        let Some(hash) = content.algorithm.filter(|_| content.integrity == Integrity::Intact) else {
            return Ok(());
        };
        if self.files.digest(file, hash)?.as_ref() == Some(&content.digest) {
            content.what = name;
        } else {
            let sentence = format!("the signature brings a content of its own, which is not the {name}");
            signature.notes.push(Reason::new("asic-other-content", sentence));
            let covered = Covered {
                what: name,
                role: CoveredRole::Content,
                algorithm: Some(hash),
                digest: content.digest.clone(),
                integrity: Integrity::Changed,
            };
            signature.covered.push(covered);
        }
        Ok(())
    }

    /// The signatures in these files.
    pub(super) fn signatures_in(&self, files: &[usize]) -> Vec<usize> {
        let mut all: Vec<usize> = files.iter().filter_map(|file| self.places.get(file)).cloned().flatten().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// The URIs of all references of all signatures and manifests in a document.
fn referenced(bytes: &[u8]) -> Result<Vec<String>, FormatError> {
    let document = Document::parse(bytes)?;
    let mut uris = Vec::new();
    for node in document.subtree(NodeId::ROOT) {
        let holds = |name: &crate::xml::tree::Name<'_>| name.is(DS, "SignedInfo") || name.is(DS, "Manifest");
        if document.name(node).is_some_and(|name| holds(&name)) {
            for reference in children(&document, node, DS, "Reference").take(XML_REFERENCES_MAX) {
                let uri = document.attribute(reference, "", "URI").filter(|uri| !uri.starts_with('#'));
                uris.extend(uri.map(str::to_owned));
            }
        }
    }
    Ok(uris)
}

/// Stands for what should be a signature and is none.
fn unreadable(format: SignatureFormat, reason: Reason) -> Signature {
    Signature {
        name: None,
        format,
        parent: None,
        covered: Vec::new(),
        value: Err(reason.clone()),
        signature_value: [].into(),
        method: None,
        method_name: String::new(),
        key: None,
        signer: None,
        reference: SignerReference::Absent,
        evidence: Evidence::default(),
        attributes: Attributes::default(),
        stamps: Vec::new(),
        faults: vec![reason],
        notes: Vec::new(),
        pdf: None,
    }
}
