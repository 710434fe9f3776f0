//! Carries out the transforms of a reference one after the other (XML-DSig 1.1 section 6.6), the last one in a stream.
//!
//! Only transforms that cannot compute: no XSLT, and nothing that loads.

use super::c14n::{self, NodeSet};
use super::signature::{Step, malformed};
use super::tree::{Document, NodeId, NodeKind};
use super::xpath;
use crate::prepare::FormatError;
use crate::source::Source;
use model::limits::XML_BYTES_MAX;
use model::profile::Canonicalization;
use std::borrow::Cow;
use std::ops::Range;

/// How much of a file is in memory at once while it is read, in bytes.
const CHUNK_BYTES: u64 = 128 * 1024;

/// The fault of a reference with the enveloped-signature transform to something that the signature is not in.
pub(super) const NOT_INSIDE: &str = "it says that it is inside of what it signs, but it is not";

/// What goes into a transform.
pub(super) enum Data<'d> {
    /// Nodes of a document. `home`: of the one that the signature is in.
    Nodes { document: &'d Document<'d>, set: NodeSet, home: bool },
    /// Bytes of a file.
    Octets(&'d dyn Source, Range<u64>),
}

/// The transforms of one reference.
pub(super) struct Chain<'c> {
    /// The signature that the reference is in.
    pub(super) signature: NodeId,
    /// How nodes become octets in the end.
    pub(super) fallback: &'c Canonicalization,
}

impl Chain<'_> {
    /// Gives what the steps make of the data to `sink`. Gives the nodes of the signature's own document that it was
    /// made of, as they were before they became octets.
    pub(super) fn run(
        &self,
        data: Data<'_>,
        steps: &[Step],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<NodeSet>, FormatError> {
        match data {
            Data::Octets(source, range) => self.octets(source, range, steps, sink),
            Data::Nodes { document, set, home } => self.nodes(document, set, home, steps, sink),
        }
    }

    fn octets(
        &self,
        source: &dyn Source,
        range: Range<u64>,
        steps: &[Step],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<NodeSet>, FormatError> {
        match steps {
            [] => stream(source, range, sink).map(|()| None),
            [Step::Base64, rest @ ..] => {
                let text = whole(source, range)?;
                let decoded = decode(&text)?;
                self.run(Data::Octets(&decoded, 0..decoded.len() as u64), rest, sink)
            }
            steps => {
                let bytes = whole(source, range)?;
                let document = Document::parse(&bytes)?;
                let set = NodeSet::document(&document);
                self.run(Data::Nodes { document: &document, set, home: false }, steps, sink)
            }
        }
    }

    fn nodes(
        &self,
        document: &Document<'_>,
        mut set: NodeSet,
        home: bool,
        steps: &[Step],
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<NodeSet>, FormatError> {
        let (method, rest) = match steps {
            [] => (self.fallback, steps),
            [Step::Canonical(method), rest @ ..] => (method, rest),
            [Step::Base64, rest @ ..] => {
                let texts = document.subtree(NodeId::ROOT).filter(|node| document.kind(*node) == NodeKind::Text);
                let text: String =
                    texts.filter(|node| set.contains(*node)).map(|node| document.characters(node)).collect();
                let decoded = decode(text.as_bytes())?;
                self.run(Data::Octets(&decoded, 0..decoded.len() as u64), rest, sink)?;
                return Ok(home.then_some(set));
            }
            [Step::Enveloped, rest @ ..] => {
                if !home {
                    return Err(malformed(NOT_INSIDE));
                }
                set.remove_subtree(document, self.signature);
                return self.run(Data::Nodes { document, set, home }, rest, sink);
            }
            [Step::XPath(expression, here), rest @ ..] => {
                let set = xpath::filter(expression, document, set, home.then_some(*here));
                let set = set.map_err(|error| malformed(&error.to_string()))?;
                return self.run(Data::Nodes { document, set, home }, rest, sink);
            }
            [Step::Filter(steps, here), rest @ ..] => {
                let set = xpath::filter2(steps, document, set, home.then_some(*here));
                let set = set.map_err(|error| malformed(&error.to_string()))?;
                return self.run(Data::Nodes { document, set, home }, rest, sink);
            }
        };
        if rest.is_empty() {
            c14n::canonicalize(document, &set, method, sink)?;
        } else {
            let bytes = c14n::canonical_bytes(document, &set, method)?;
            self.run(Data::Octets(&bytes, 0..bytes.len() as u64), rest, sink)?;
        }
        Ok(home.then_some(set))
    }
}

/// Gives the canonical octets of an element, as it is in its document, to `sink`.
pub(crate) fn element(
    document: &Document<'_>,
    node: NodeId,
    method: &Canonicalization,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), FormatError> {
    Ok(c14n::canonicalize(document, &NodeSet::subtree(document, node), method, sink)?)
}

/// Base64 with white space anywhere (XML-DSig 1.1 section 6.6.2).
fn decode(text: &[u8]) -> Result<Vec<u8>, FormatError> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64_simd::STANDARD
        .decode_to_vec(&text)
        .map_err(|_| malformed("what was signed is not the base64 that it should be"))
}

/// All bytes of a range, borrowed if they are in memory already.
pub(crate) fn whole(source: &dyn Source, range: Range<u64>) -> Result<Cow<'_, [u8]>, FormatError> {
    let length = range.end.saturating_sub(range.start);
    let length = usize::try_from(length).ok().filter(|length| *length <= XML_BYTES_MAX);
    let length = length.ok_or_else(|| FormatError::document("xml-limit", "the XML document is too large"))?;
    let start = usize::try_from(range.start).ok();
    let slice = source.as_slice().zip(start).and_then(|(bytes, start)| bytes.get(start..start.checked_add(length)?));
    if let Some(slice) = slice {
        return Ok(Cow::Borrowed(slice));
    }
    let mut bytes = vec![0; length];
    source.read_exact_at(range.start, &mut bytes)?;
    Ok(Cow::Owned(bytes))
}

/// Gives a range of a file to `sink`, in pieces.
pub(super) fn stream(source: &dyn Source, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<(), FormatError> {
    let longest = range.end.saturating_sub(range.start).min(CHUNK_BYTES);
    let mut buffer = vec![0; usize::try_from(longest).unwrap_or_default()];
    let mut at = range.start;
    while at < range.end {
        let count = (range.end - at).min(CHUNK_BYTES);
        let chunk = buffer.get_mut(..usize::try_from(count).unwrap_or_default()).unwrap_or_default();
        source.read_exact_at(at, chunk)?;
        sink(chunk);
        at += count;
    }
    Ok(())
}
