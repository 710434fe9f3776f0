//! What in the files of a container could be proven to exist: signature values, time stamps, evidence records,
//! certificates and revocation material, each by its digest.

use crate::evidence::Evidence;
use crate::inspect::{Inspection, ObjectId, Stamp, of_token};
use model::limits::ASIC_OBJECTS_MAX;
use std::collections::{BTreeSet, HashMap};

/// The objects of each file.
#[derive(Default)]
pub(super) struct Objects {
    of_file: HashMap<usize, BTreeSet<ObjectId>>,
}

impl Objects {
    /// Everything in a file that was taken apart, and in files inside it.
    pub(super) fn add_inspection(&mut self, file: usize, inside: &Inspection) {
        collect(inside, self.of_file.entry(file).or_default());
    }

    /// A time stamp that is a file.
    pub(super) fn add_stamp(&mut self, file: usize, stamp: &Stamp) {
        of_stamp(stamp, self.of_file.entry(file).or_default());
    }

    /// Bytes of a file, as one object.
    pub(super) fn add_bytes(&mut self, file: usize, bytes: &[u8]) {
        self.of_file.entry(file).or_default().insert(ObjectId::of(bytes));
    }

    /// What is in these files, each once.
    pub(super) fn of(&self, files: impl Iterator<Item = usize>) -> Vec<ObjectId> {
        let mut all = BTreeSet::new();
        for ids in files.filter_map(|file| self.of_file.get(&file)) {
            all.extend(ids);
            if all.len() > ASIC_OBJECTS_MAX {
                break;
            }
        }
        all.into_iter().take(ASIC_OBJECTS_MAX).collect()
    }
}

fn collect(inside: &Inspection, ids: &mut BTreeSet<ObjectId>) {
    of_evidence(&inside.evidence, ids);
    for signature in &inside.signatures {
        ids.insert(ObjectId::of(&signature.signature_value));
        ids.extend(signature.signer.as_deref().map(ObjectId::of));
        of_evidence(&signature.evidence, ids);
        signature.stamps.iter().for_each(|stamp| of_stamp(stamp, ids));
    }
    inside.stamps.iter().for_each(|stamp| of_stamp(stamp, ids));
    ids.extend(inside.records.iter().map(|record| ObjectId::of(&record.bytes)));
    inside.nested.iter().for_each(|nested| collect(&nested.inspection, ids));
}

fn of_stamp(stamp: &Stamp, ids: &mut BTreeSet<ObjectId>) {
    ids.insert(ObjectId::of(&stamp.bytes));
    if let Ok(token) = &stamp.token {
        of_evidence(&of_token(token), ids);
    }
}

fn of_evidence(evidence: &Evidence, ids: &mut BTreeSet<ObjectId>) {
    let all = evidence.certificates.iter().chain(&evidence.crls).chain(&evidence.ocsp_responses);
    ids.extend(all.map(|bytes| ObjectId::of(bytes)));
}
