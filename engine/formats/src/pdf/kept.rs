//! The evidence that a document keeps for its signatures (security store, ISO 32000-2 12.8.4.3), in any of its revisions, and
//! where in the file each piece ends: what a later time stamp covers exists since its time.

use super::filter;
use super::lexer::{self, Dictionary, Reference};
use super::reader::Document;
use super::window::Object;
use super::xref::Place;
use crate::prepare::FormatError;
use model::Reason;
use model::limits::{PDF_EVIDENCE_MAX, PDF_STREAM_BYTES_MAX};
use std::collections::HashSet;
use std::sync::Arc;

/// What a piece of evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    Crl,
    OcspResponse,
}

/// One piece of evidence.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) bytes: Arc<[u8]>,
    /// Where its stream ends in the file.
    pub(crate) end: u64,
}

/// All evidence that was found.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) notes: Vec<Reason>,
    /// Streams that were looked at, by their offsets.
    seen: HashSet<u64>,
    bytes: usize,
}

/// Keys of the lists in the store and in the entry of one signature.
const LISTS: [(&str, &str, Kind); 3] =
    [("Certs", "Cert", Kind::Certificate), ("CRLs", "CRL", Kind::Crl), ("OCSPs", "OCSP", Kind::OcspResponse)];

impl Kept {
    /// Takes in what the store of this catalog has, in the revision that is looked at. What cannot be read is noted.
    pub(super) fn read(&mut self, document: &mut Document<'_>, catalog: &Object<'_>) -> Result<(), FormatError> {
        match self.gather(document, catalog) {
            Err(FormatError::Document(reason)) => {
                let sentence = format!("the security store cannot be read in full: {}", reason.sentence);
                self.note("pdf-store-unreadable", sentence);
                Ok(())
            }
            other => other,
        }
    }

    fn note(&mut self, code: &'static str, sentence: String) {
        if !self.notes.iter().any(|note| note.code == code) {
            self.notes.push(Reason::new(code, sentence));
        }
    }

    fn gather(&mut self, document: &mut Document<'_>, catalog: &Object<'_>) -> Result<(), FormatError> {
        let Some(raw) = Dictionary::new(&catalog.value).and_then(|root| root.get("DSS")) else { return Ok(()) };
        let store = document.follow(raw, catalog)?;
        let Some(dictionary) = Dictionary::new(&store.value) else { return Ok(()) };
        for (list, _, kind) in LISTS {
            self.list(document, dictionary.get(list), &store, kind)?;
        }
        let Some(raw) = dictionary.get("VRI") else { return Ok(()) };
        let entries = document.follow(raw, &store)?;
        for (_, raw) in Dictionary::new(&entries.value).iter().flat_map(Dictionary::iter) {
            let entry = document.follow(raw, &entries)?;
            let Some(parts) = Dictionary::new(&entry.value) else { continue };
            for (_, list, kind) in LISTS {
                self.list(document, parts.get(list), &entry, kind)?;
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        document: &mut Document<'_>,
        raw: Option<&[u8]>,
        within: &Object<'_>,
        kind: Kind,
    ) -> Result<(), FormatError> {
        let Some(raw) = raw else { return Ok(()) };
        let list = document.follow(raw, within)?;
        for id in lexer::items(&list.value).into_iter().flatten().filter_map(lexer::reference) {
            let Place::Offset { offset, .. } = document.chain.find(&document.window, id.number)? else { continue };
            if !self.seen.insert(offset) {
                continue;
            }
            if self.pieces.len() >= PDF_EVIDENCE_MAX * LISTS.len() {
                let sentence = format!(
                    "the security store has more than {} entries; the others were left alone",
                    self.pieces.len()
                );
                self.note("pdf-store-large", sentence);
                return Ok(());
            }
            let Some((bytes, end)) = stream(document, id, PDF_STREAM_BYTES_MAX - self.bytes)? else {
                self.note(
                    "pdf-store-unreadable",
                    format!("an entry of the security store cannot be read (object {})", id.number),
                );
                continue;
            };
            self.bytes += bytes.len();
            self.pieces.push(Piece { kind, bytes: bytes.into(), end: document.window.base.saturating_add(end) });
        }
        Ok(())
    }
}

/// The plain data of a stream, and where they end; `None`: it is none, or packed in a way that evidence is not.
fn stream(document: &mut Document<'_>, id: Reference, enough: usize) -> Result<Option<(Vec<u8>, u64)>, FormatError> {
    let object = document.object(id)?;
    let (Some(dictionary), Some(data_at)) = (Dictionary::new(&object.value), object.stream_at) else {
        return Ok(None);
    };
    let length = document.get(&dictionary, "Length")?.as_deref().and_then(lexer::integer);
    let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| (1..=enough).contains(length));
    let Some(length) = length else { return Ok(None) };
    let data = document.window.bytes(data_at, length)?;
    let end = data_at.saturating_add(data.len() as u64);
    let data = match &document.crypt {
        Some(crypt) => crypt.decrypt_stream(id, &data)?,
        None => data.into_owned(),
    };
    let plain = filter::decode(&dictionary, &data, enough).ok();
    Ok(plain.filter(|plain| plain.len() < enough).map(|plain| (plain, end)))
}
