//! The Document Security Store (ISO 32000-2 12.8.4.3, EN 319 142-1): what is in it, and what is added to it.
//! What is there stays, its streams are used again.

use super::filter;
use super::lexer::{self, Dictionary, Reference, array_with};
use super::reader::Document;
use super::update::Tail;
use super::window::Object;
use super::{damaged, unsupported};
use crate::cms::certificate::Certificate;
use crate::evidence::Evidence;
use crate::prepare::FormatError;
use model::limits::{PDF_EVIDENCE_MAX, PDF_STREAM_BYTES_MAX};
use std::sync::Arc;

/// Where the three kinds of material are in the store, and in the entry of one signature (`/VRI`).
const LISTS: [(&str, &str); 3] = [("Certs", "Cert"), ("CRLs", "CRL"), ("OCSPs", "OCSP")];

/// The store as it is.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The dictionary, and whether it is an object of its own and not part of the catalog.
    dictionary: Option<(Object<'static>, bool)>,
    lists: [List; 3],
    /// `/VRI`, and whether it is an object of its own and not part of the store.
    entries: Option<(Object<'static>, bool)>,
}

/// One array of streams.
#[derive(Debug, Default)]
struct List {
    /// The array, and whether it is an object of its own and not part of the store.
    array: Option<(Object<'static>, bool)>,
    /// What is in the streams, as far as it can be read.
    known: Vec<(Reference, Arc<[u8]>)>,
}

/// What a raw value in `within` is or refers to, and whether it refers; `None` if it is null or missing.
fn part(
    document: &mut Document<'_>,
    raw: Option<&[u8]>,
    within: &Object<'_>,
) -> Result<Option<(Object<'static>, bool)>, FormatError> {
    let Some(raw) = raw else { return Ok(None) };
    let object = document.follow(raw, within)?;
    Ok((*object.value != *b"null").then(|| (object.into_owned(), lexer::reference(raw).is_some())))
}

impl Store {
    /// Reads the store of the catalog.
    pub(super) fn read(document: &mut Document<'_>, catalog: &Object<'_>) -> Result<Self, FormatError> {
        let root = document.dictionary(&catalog.value)?;
        let Some((object, own)) = part(document, root.get("DSS"), catalog)? else { return Ok(Self::default()) };
        let dictionary = document.dictionary(&object.value)?;
        let mut store = Self { entries: part(document, dictionary.get("VRI"), &object)?, ..Self::default() };
        let mut bytes = 0;
        for (list, (key, _)) in store.lists.iter_mut().zip(LISTS) {
            list.array = part(document, dictionary.get(key), &object)?;
            let Some((array, _)) = &list.array else { continue };
            let items = lexer::items(&array.value).ok_or_else(|| damaged("its security store is malformed"))?;
            for id in items.filter_map(lexer::reference) {
                if list.known.len() >= PDF_EVIDENCE_MAX {
                    return Err(unsupported(format!("its security store has more than {PDF_EVIDENCE_MAX} entries")));
                }
                // What cannot be read is not ours to repair; it is merely not found to be there already.
                let Some(data) = stream(document, id)? else { continue };
                bytes += data.len();
                if bytes > PDF_STREAM_BYTES_MAX {
                    return Err(unsupported("its security store is too large".into()));
                }
                list.known.push((id, data.into()));
            }
        }
        store.dictionary = Some((object, own));
        Ok(store)
    }

    /// The certificates in it.
    pub(super) fn certificates(&self) -> Vec<Arc<[u8]>> {
        let [certificates, ..] = &self.lists;
        let readable = certificates.known.iter().filter(|(_, der)| Certificate::parse(der).is_ok());
        readable.map(|(_, der)| der.clone()).collect()
    }

    /// Whether a signature has its entry in `/VRI`.
    fn has_entry(&self, key: &str) -> bool {
        let entries = self.entries.as_ref().and_then(|(object, _)| Dictionary::new(&object.value));
        entries.is_some_and(|entries| entries.get(key).is_some())
    }

    /// Whether everything is in it already.
    pub(super) fn holds(&self, evidence: &Evidence) -> bool {
        self.lists
            .iter()
            .zip(material(evidence))
            .all(|(list, items)| items.iter().all(|item| list.known.iter().any(|(_, known)| known == item)))
    }

    /// Writes what is new, and an entry for each of these signatures that has none. `keys` are those of `/VRI`. Gives
    /// the change of the catalog, if it changes.
    pub(super) fn grow(
        &self,
        tail: &mut Tail<'_>,
        evidence: &Evidence,
        keys: &[String],
    ) -> Result<Option<(&'static str, Vec<u8>)>, FormatError> {
        let mut changes: Vec<(&str, Vec<u8>)> = Vec::new();
        let mut entry = b"<<".to_vec();
        for ((list, items), (key, short)) in self.lists.iter().zip(material(evidence)).zip(LISTS) {
            let (mut added, mut all) = (Vec::new(), Vec::new());
            for item in items {
                let known = list.known.iter().find(|(_, known)| known == item).map(|(id, _)| *id);
                let id = match known {
                    Some(id) => id,
                    None => {
                        let id = tail.allocate()?;
                        tail.stream(id, "/Filter /FlateDecode", &filter::deflate(item))?;
                        added.extend_from_slice(format!("{id} ").as_bytes());
                        id
                    }
                };
                all.extend_from_slice(format!("{id} ").as_bytes());
            }
            if !all.is_empty() {
                entry.extend_from_slice(&[format!(" /{short} [").as_bytes(), all.trim_ascii(), b"]"].concat());
            }
            if !added.is_empty() {
                changes.extend(list.grow(tail, key, added.trim_ascii())?);
            }
        }
        entry.extend_from_slice(b" >>");
        let entries: Vec<(&str, Vec<u8>)> =
            keys.iter().filter(|key| !self.has_entry(key)).map(|key| (key.as_str(), entry.clone())).collect();
        if !entries.is_empty() {
            match &self.entries {
                Some((object, true)) => tail.rewrite(object, &entries)?,
                Some((object, false)) => changes.push(("VRI", with(&tail.outside(object)?, &entries)?)),
                None => changes.push(("VRI", with(b"<<>>", &entries)?)),
            }
        }
        match &self.dictionary {
            _ if changes.is_empty() => Ok(None),
            Some((object, true)) => tail.rewrite(object, &changes).map(|()| None),
            Some((object, false)) => Ok(Some(("DSS", with(&tail.outside(object)?, &changes)?))),
            None => {
                let id = tail.allocate()?;
                tail.object(id, &with(b"<< /Type /DSS >>", &changes)?);
                Ok(Some(("DSS", id.to_string().into_bytes())))
            }
        }
    }
}

impl List {
    /// Appends references to the array; gives the change of the store, if it changes.
    fn grow(
        &self,
        tail: &mut Tail<'_>,
        key: &'static str,
        added: &[u8],
    ) -> Result<Option<(&'static str, Vec<u8>)>, FormatError> {
        let Some((array, own)) = &self.array else { return Ok(Some((key, [b"[", added, b"]"].concat()))) };
        let longer = array_with(&tail.outside(array)?, added);
        let longer = longer.ok_or_else(|| damaged("its security store is malformed"))?;
        if *own {
            tail.object(array.id, &longer);
            return Ok(None);
        }
        Ok(Some((key, longer)))
    }
}

/// The evidence in the order of [`LISTS`].
fn material(evidence: &Evidence) -> [&[Arc<[u8]>]; 3] {
    [&evidence.certificates, &evidence.crls, &evidence.ocsp_responses]
}

fn with(raw: &[u8], changes: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, FormatError> {
    let dictionary = Dictionary::new(raw).ok_or_else(|| damaged("its security store is malformed"))?;
    Ok(dictionary.with(changes))
}

/// The data of a stream; `None` if there is none or it is packed in a way that only readers of pictures know.
fn stream(document: &mut Document<'_>, id: Reference) -> Result<Option<Vec<u8>>, FormatError> {
    let object = document.object(id)?;
    let (Some(dictionary), Some(data_at)) = (Dictionary::new(&object.value), object.stream_at) else {
        return Ok(None);
    };
    let length = document.get(&dictionary, "Length")?.as_deref().and_then(lexer::integer);
    let length =
        length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= PDF_STREAM_BYTES_MAX);
    let Some(length) = length else { return Ok(None) };
    let data = document.window.bytes(data_at, length)?;
    let data = match &document.crypt {
        Some(crypt) => crypt.decrypt_stream(id, &data)?,
        None => data.into_owned(),
    };
    Ok(filter::decode(&dictionary, &data, PDF_STREAM_BYTES_MAX).ok())
}
