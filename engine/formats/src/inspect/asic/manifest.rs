//! `ASiCManifest`, `ASiCArchiveManifest` and `ASiCEvidenceRecordManifest` (EN 319 162-1 annex A.4) of any maker: what a
//! file of the container is over, and whether those files have the digests that it says.

use super::files::Files;
use crate::asic::NAMESPACE;
use crate::asic::manifest::name_of;
use crate::inspect::{Covered, CoveredRole, Integrity};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::xml::algorithms::{DS, hash_of};
use crate::xml::signature::{children, octets};
use crate::xml::tree::{Document, NodeId};
use model::Reason;
use model::limits::{ASIC_ENTRIES_MAX, XML_NAME_BYTES_MAX};

/// A manifest.
pub(super) struct Manifest {
    /// Its own place among the files.
    pub(super) file: usize,
    /// The URI of the signature, time stamp or record that is over it.
    pub(super) over_it: String,
    entries: Vec<Entry>,
}

struct Entry {
    uri: String,
    hash: Result<HashAlgorithm, String>,
    value: Option<Vec<u8>>,
}

/// What became of one entry of a manifest.
pub(super) struct Checked {
    /// The file, if it is there.
    pub(super) file: Option<usize>,
    /// With its integrity.
    pub(super) covered: Covered,
}

impl Manifest {
    /// Reads a manifest. `None`: it is something else.
    pub(super) fn read(file: usize, bytes: &[u8]) -> Result<Option<Self>, Reason> {
        let document = Document::parse(bytes).map_err(|error| Reason::new("asic-manifest", error.to_string()))?;
        let root = document.root_element();
        if !document.name(root).is_some_and(|name| name.local == "ASiCManifest" && name.namespace == NAMESPACE) {
            return Ok(None);
        }
        let uri = |node: NodeId| document.attribute(node, "", "URI").map(str::trim).unwrap_or_default().to_owned();
        let mut over_it = children(&document, root, NAMESPACE, "SigReference");
        let (Some(first), None) = (over_it.next(), over_it.next()) else {
            return Err(Reason::new("asic-manifest", "a manifest does not say what signs it"));
        };
        let mut entries = Vec::new();
        for node in children(&document, root, NAMESPACE, "DataObjectReference") {
            if entries.len() == ASIC_ENTRIES_MAX {
                return Err(Reason::new("asic-manifest", "a manifest has too many entries"));
            }
            let method = document.child_named(node, DS, "DigestMethod");
            let method = method.and_then(|method| document.attribute(method, "", "Algorithm")).unwrap_or_default();
            let value = document.child_named(node, DS, "DigestValue");
            entries.push(Entry {
                uri: uri(node),
                hash: hash_of(method).ok_or_else(|| method.chars().take(XML_NAME_BYTES_MAX).collect()),
                value: value.and_then(|value| octets(&document, value).ok()),
            });
        }
        Ok(Some(Self { file, over_it: uri(first), entries }))
    }

    /// Compares the files with their digests.
    pub(super) fn check(&self, files: &Files<'_>, role: CoveredRole) -> Result<Vec<Checked>, FormatError> {
        self.entries.iter().map(|entry| entry.check(files, role)).collect()
    }
}

impl Entry {
    fn check(&self, files: &Files<'_>, role: CoveredRole) -> Result<Checked, FormatError> {
        let file = files.find(&self.uri);
        let name = String::from_utf8_lossy(&name_of(&self.uri)).into_owned();
        let shown: String = name.chars().filter(|letter| !letter.is_control()).take(120).collect();
        let integrity = match (file, &self.hash, &self.value) {
            (None, ..) => {
                let sentence = format!("the file {shown} is signed, but not in the container");
                Integrity::Missing(Reason::new("original-missing", sentence))
            }
            (_, Err(uri), _) => {
                let sentence = format!("the digest of {shown} is of an unknown kind: {uri:?}");
                Integrity::Refused(Reason::new("asic-digest", sentence))
            }
            (_, _, None) => {
                let sentence = format!("the digest of {shown} cannot be read");
                Integrity::Refused(Reason::new("asic-digest", sentence))
            }
            (Some(file), Ok(hash), Some(value)) => match (files.piece(file), files.digest(file, *hash)?) {
                (Err(reason), _) => Integrity::Refused(reason),
                (_, Some(digest)) if digest == *value => Integrity::Intact,
                (_, Some(_)) => Integrity::Changed,
                (_, None) => {
                    let sentence = format!("the digest of {shown} cannot be computed here");
                    Integrity::Refused(Reason::new("asic-digest", sentence))
                }
            },
        };
        let name = file.map_or(shown.as_str(), |file| files.name(file));
        let covered = Covered {
            what: format!("file {name}"),
            role,
            algorithm: self.hash.as_ref().ok().copied(),
            digest: self.value.clone().unwrap_or_default(),
            integrity,
        };
        Ok(Checked { file, covered })
    }
}
