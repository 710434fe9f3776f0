//! CRLs and OCSP answers, each read once and shared from then on.

use super::Kind;
use formats::crl::Crl;
use formats::der::DerError;
use formats::evidence::Evidence;
use formats::inspect::ObjectId;
use formats::ocsp::Response;
use formats::path::name_key;
use model::limits::REVOCATION_OBJECTS_MAX;
use std::collections::HashSet;
use std::sync::Arc;

/// A bounded set of CRLs and OCSP answers. Cheap to merge into another one: what was read is shared.
#[derive(Clone, Debug, Default)]
pub struct Material {
    pub(super) lists: Vec<Arc<List>>,
    pub(super) answers: Vec<Arc<Answer>>,
    unreadable: Vec<Unreadable>,
    ids: HashSet<ObjectId>,
}

/// A CRL.
#[derive(Debug)]
pub(super) struct List {
    pub(super) id: ObjectId,
    pub(super) bytes: Arc<[u8]>,
    pub(super) crl: Crl,
    pub(super) issuer_key: Vec<u8>,
}

/// An OCSP answer, and the serial numbers that it is about.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: ObjectId,
    pub(super) bytes: Arc<[u8]>,
    serials: Vec<Box<[u8]>>,
}

impl Answer {
    /// Whether it may be about a certificate with this serial number.
    pub(super) fn has_serial(&self, serial: &[u8]) -> bool {
        self.serials.iter().any(|known| **known == *serial)
    }
}

/// Something that is no CRL or OCSP answer, or an answer that refuses one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its digest.
    pub source: ObjectId,
    /// As what it was read.
    pub kind: Kind,
    /// Why, for people.
    pub why: String,
}

impl Material {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a CRL, DER. What cannot be read is kept for the report. `false`: there is no more room.
    pub fn add_crl(&mut self, der: &Arc<[u8]>) -> bool {
        let Some(id) = self.make_room(der) else { return !self.is_full() };
        match Crl::read(&&**der) {
            Ok(crl) => {
                let issuer_key = name_key(&crl.issuer);
                self.lists.push(Arc::new(List { id, bytes: der.clone(), crl, issuer_key }));
            }
            Err(error) => self.unreadable.push(Unreadable { source: id, kind: Kind::Crl, why: error.to_string() }),
        }
        true
    }

    /// Takes in an OCSP answer, the whole `OCSPResponse`, DER.
    pub fn add_answer(&mut self, der: &Arc<[u8]>) -> bool {
        let Some(id) = self.make_room(der) else { return !self.is_full() };
        let serials = Response::parse(der).map_err(|error| error.to_string()).and_then(|response| {
            let serials = response.serials().map_err(|error: DerError| error.to_string())?;
            Ok(serials.into_iter().map(Box::from).collect())
        });
        match serials {
            Ok(serials) => self.answers.push(Arc::new(Answer { id, bytes: der.clone(), serials })),
            Err(why) => self.unreadable.push(Unreadable { source: id, kind: Kind::Ocsp, why }),
        }
        true
    }

    /// Takes in what came with a signature.
    pub fn add_evidence(&mut self, evidence: &Evidence) -> bool {
        // Both run to their end: an answer may be known already where a CRL found no more room.
        let mut room = true;
        evidence.crls.iter().for_each(|der| room &= self.add_crl(der));
        evidence.ocsp_responses.iter().for_each(|der| room &= self.add_answer(der));
        room
    }

    /// Takes in what another one has read.
    pub fn merge(&mut self, other: &Material) -> bool {
        for list in &other.lists {
            if !self.is_full() && self.ids.insert(list.id) {
                self.lists.push(list.clone());
            }
        }
        for answer in &other.answers {
            if !self.is_full() && self.ids.insert(answer.id) {
                self.answers.push(answer.clone());
            }
        }
        for unreadable in &other.unreadable {
            if !self.is_full() && self.ids.insert(unreadable.source) {
                self.unreadable.push(unreadable.clone());
            }
        }
        !self.is_full()
    }

    /// What could not be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// All that was read: its digest, what it is, and its bytes.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectId, Kind, &Arc<[u8]>)> {
        let lists = self.lists.iter().map(|list| (list.id, Kind::Crl, &list.bytes));
        lists.chain(self.answers.iter().map(|answer| (answer.id, Kind::Ocsp, &answer.bytes)))
    }

    /// The digests of the CRLs, in the order in which they are asked.
    pub(crate) fn list_ids(&self) -> impl ExactSizeIterator<Item = ObjectId> + '_ {
        self.lists.iter().map(|list| list.id)
    }

    /// The digests of the OCSP answers, in the order in which they are asked.
    pub(crate) fn answer_ids(&self) -> impl ExactSizeIterator<Item = ObjectId> + '_ {
        self.answers.iter().map(|answer| answer.id)
    }

    /// The certificates in OCSP answers, DER: responders, and those on the way to them.
    pub fn certificates(&self) -> impl Iterator<Item = Arc<[u8]>> {
        self.answers.iter().flat_map(|answer| {
            let response = Response::parse(&answer.bytes);
            let certificates = response.map(|response| response.certificates).unwrap_or_default();
            certificates.into_iter().map(Arc::from).collect::<Vec<_>>()
        })
    }

    fn is_full(&self) -> bool {
        self.ids.len() >= REVOCATION_OBJECTS_MAX
    }

    /// `None`: it is known, or there is no more room.
    fn make_room(&mut self, der: &[u8]) -> Option<ObjectId> {
        let id = ObjectId::of(der);
        (!self.is_full() && self.ids.insert(id)).then_some(id)
    }
}
