//! Evidence records in a signature (`SealingEvidenceRecords`, ETSI TS 119 132-3): the records, and the data objects that
//! each should be over, with their digests.

use super::anatomy::Anatomy;
use super::covered::{self, manifest_entries};
use super::evidence::{Contents, trimmed};
use super::{Context, anatomy::Entry, shown};
use crate::inspect::record::{Wanted, cut_out};
use crate::inspect::{ObjectId, Record, RecordDigest, RecordObject};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::xml::algorithms::{DEFAULT_CANONICALIZATION, MANIFEST};
use crate::xml::signature::octets;
use crate::xml::transform;
use crate::xml::tree::NodeId;
use crate::xml::verify::{unverified, verdict};
use model::limits::{EVIDENCE_RECORD_BYTES_MAX, XML_STAMPS_MAX};
use model::profile::Canonicalization;

/// The namespace of ETSI TS 119 132-3.
const XADES_EN: &str = "http://uri.etsi.org/19132/v1.1.1#";

/// That of evidence records in XML (RFC 6283).
const ERS: &str = "urn:ietf:params:xml:ns:ers";

/// The records in the unsigned properties. `covers` gives what exists before a property. An error is one of the medium.
pub(super) fn read(
    context: &Context<'_>,
    anatomy: &Anatomy,
    unsigned: &[(NodeId, Contents)],
    index: usize,
    mut covers: impl FnMut(NodeId) -> Vec<ObjectId>,
) -> Result<Vec<Record>, FormatError> {
    let document = context.document;
    let mut records = Vec::new();
    for (property, _) in unsigned {
        if !document.name(*property).is_some_and(|name| name.is(XADES_EN, "SealingEvidenceRecords")) {
            continue;
        }
        for node in document.child_elements(*property) {
            let found = document.name(node).and_then(|name| match (name.namespace, name.local) {
                (XADES_EN, "ASN1EvidenceRecord") => {
                    let bytes = octets(document, node).unwrap_or_default();
                    Some((false, trimmed(&bytes).to_vec()))
                }
                (XADES_EN | ERS, "EvidenceRecord") => Some((true, cut_out(document, node).unwrap_or_default())),
                _ => None,
            });
            let Some((xml, bytes)) = found.filter(|(_, bytes)| bytes.len() <= EVIDENCE_RECORD_BYTES_MAX) else {
                continue;
            };
            if records.len() == XML_STAMPS_MAX {
                return Ok(records);
            }
            let algorithms = Wanted::by(&bytes, xml).algorithms();
            let before = unsigned.iter().map(|(node, _)| *node).take_while(|node| node != property);
            let objects = Objects { context, anatomy, algorithms }.all(before)?;
            records.push(Record {
                name: document.id_of(*property).map(shown),
                xml,
                bytes: bytes.into(),
                objects,
                covers: covers(*property),
                manifest: Vec::new(),
                signatures: vec![index],
            });
        }
    }
    Ok(records)
}

/// Gives the octets of a data object to a sink.
type Give<'g> = dyn FnMut(&mut dyn FnMut(&[u8])) -> Result<(), FormatError> + 'g;

struct Objects<'a> {
    context: &'a Context<'a>,
    anatomy: &'a Anatomy,
    algorithms: Vec<HashAlgorithm>,
}

impl Objects<'_> {
    /// The group of data objects, in the order of ETSI TS 119 132-3. Nodes become octets as `SignedInfo` does.
    fn all(&self, before: impl Iterator<Item = NodeId>) -> Result<Vec<RecordObject>, FormatError> {
        let document = self.context.document;
        let anatomy = self.anatomy;
        let default = &DEFAULT_CANONICALIZATION;
        let method = anatomy.canonicalization.as_ref().unwrap_or(default);
        let mut objects = Vec::new();
        for entry in &anatomy.entries {
            objects.push(self.reference(entry, method)?);
        }
        let fixed = [anatomy.signed_info, anatomy.value_node, anatomy.key_info].into_iter().flatten();
        let properties = anatomy.properties.map(|properties| properties.node);
        let others = anatomy.objects.iter().copied();
        let others = others.filter(|object| !properties.is_some_and(|inside| document.is_within(inside, *object)));
        for node in fixed.chain(before).chain(others) {
            let name = document.name(node).map_or("", |name| name.local);
            let digests = self.digests(&mut |sink| transform::element(document, node, method, sink))?;
            objects.push(RecordObject { name: shown(name), digests });
        }
        for entry in anatomy.entries.iter().filter(|entry| entry.kind == MANIFEST) {
            for node in manifest_entries(self.context, entry)? {
                objects.push(self.reference(&Entry::read(document, node)?, method)?);
            }
        }
        Ok(objects)
    }

    fn reference(&self, entry: &Entry, method: &Canonicalization) -> Result<RecordObject, FormatError> {
        let digests = self
            .digests(&mut |sink| covered::octets(self.context, self.anatomy, entry, Some(method), sink).map(|_| ()))?;
        Ok(RecordObject { name: format!("reference \"{}\"", entry.said()), digests })
    }

    /// The digests by all algorithms, in one pass. None if the object is not there.
    fn digests(&self, give: &mut Give<'_>) -> Result<Vec<RecordDigest>, FormatError> {
        let mut compute = || {
            let running: Result<Vec<_>, _> = self.algorithms.iter().map(|algorithm| algorithm.start()).collect();
            let mut running = running.map_err(unverified)?;
            let mut failed = None;
            give(&mut |piece| {
                self.context.spent(piece.len());
                for one in &mut running {
                    failed = failed.take().or(one.update(piece).err());
                }
            })?;
            if let Some(error) = failed {
                return Err(unverified(error));
            }
            let values = self.algorithms.iter().zip(running).map(|(algorithm, running)| {
                let value = running.finish().map_err(unverified)?;
                Ok(RecordDigest { algorithm: *algorithm, canonicalization: None, value })
            });
            values.collect::<Result<Vec<_>, FormatError>>()
        };
        Ok(verdict(compute())?.unwrap_or_default())
    }
}
