//! CMS messages (RFC 5652) with plain signatures and CAdES signatures of any level (EN 319 122-1, TS 101 733), attached
//! and detached, with parallel and counter-signatures; and time stamps in files of their own.
//!
//! Takes apart and checks integrity; judges no trust. A content of any size is read in pieces, once for all digests.
//!
//! Where things are: `content.rs` what is signed · `signer.rs` one signature, `rules.rs` the rules of its format,
//! `certificate.rs` whose it is, `attributes.rs` what the signer said · `evidence.rs` certificates and revocation
//! material · `stamps.rs` time stamps, `index.rs` and `archive.rs` what archive time stamps are over,
//! `references.rs` references to evidence · `records.rs` evidence records · `alone.rs` time stamps in their own files.

mod alone;
mod archive;
mod attributes;
mod certificate;
mod content;
mod evidence;
mod index;
mod records;
mod references;
mod rules;
mod signer;
mod stamps;

pub use evidence::of_token;
pub(in crate::inspect) use evidence::whole_response;

use super::recognise::Shape;
use super::{Detached, FileKind, Input, Inspection, Record, Signature};
use crate::cms::message::Message;
use crate::der;
use crate::evidence::Evidence;
use crate::prepare::FormatError;
use crate::recipe::{Assembled, Part};
use crate::signature::HashAlgorithm;
use crate::source::Source;
use content::Contents;
use model::Reason;
use signer::Stage;
use std::sync::Arc;

/// Gives the digest of what a message is over. `None`: it is not there.
pub(in crate::inspect) type Digests<'a> = dyn FnMut(HashAlgorithm) -> Result<Option<Vec<u8>>, FormatError> + 'a;

/// A message taken apart.
pub(in crate::inspect) struct SignedMessage {
    /// Each counter-signature behind the one that it is over; `parent` counts in this list.
    pub(in crate::inspect) signatures: Vec<Signature>,
    /// Evidence records in unsigned attributes; their `signatures` count in the list above.
    pub(in crate::inspect) records: Vec<Record>,
    /// What the message brings if nobody signed it: a bag of certificates.
    pub(in crate::inspect) evidence: Evidence,
    /// It brings no content of its own.
    pub(in crate::inspect) is_detached: bool,
    /// Where it ends in what was given.
    pub(in crate::inspect) end: u64,
}

/// Takes a message in memory apart, as it lies in a PDF, a mail or a container. `content` gives the digests of what a
/// detached message is over; it is not asked about a message that brings its content. `certificates`: from elsewhere,
/// among which a signer may be who brought none. Bytes behind the message are left alone.
pub(in crate::inspect) fn signed_message(
    bytes: &[u8],
    certificates: &[Arc<[u8]>],
    content: &mut Digests<'_>,
) -> Result<SignedMessage, FormatError> {
    let document: &dyn Source = &bytes;
    let message = Message::read(document)?;
    let contents = Contents::given(&message, document, content);
    Stage::new(&message, document, certificates).run(contents)
}

/// As [`signed_message`], for a message of any size in a document; detached, it is over one of these.
pub(in crate::inspect) fn signed_document(
    document: &dyn Source,
    certificates: &[Arc<[u8]>],
    detached: &[Detached<'_>],
) -> Result<SignedMessage, FormatError> {
    let message = Message::read(document)?;
    let contents = Contents::of_message(&message, document, detached);
    Stage::new(&message, document, certificates).run(contents)
}

/// Takes a file apart that was recognised as a message or a time stamp.
pub(super) fn inspect(input: &Input<'_>, shape: Shape) -> Result<Inspection, FormatError> {
    match shape {
        Shape::TimeStampToken => alone::token(input, 0..input.source.len()),
        Shape::TimeStampResponse => alone::response(input),
        Shape::BareSignedData => {
            let parts = with_content_info(input.source.len())?;
            let mut inspection = inspect_message(&Input { source: &Assembled::new(&parts, input.source), ..*input })?;
            let sentence = "the message lacks its outermost frame (ContentInfo); it was read all the same";
            inspection.notes.push(Reason::new("cms-without-content-info", sentence));
            Ok(inspection)
        }
        _ => inspect_message(input),
    }
}

fn inspect_message(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let found = signed_document(input.source, input.certificates, input.detached)?;
    let mut inspection = Inspection::new(FileKind::Cms);
    inspection.signatures = found.signatures;
    inspection.records = found.records;
    inspection.evidence = found.evidence;
    inspection.notes.extend(behind(input.source, found.end)?);
    Ok(inspection)
}

/// ContentInfo around a SignedData that fills a document of this length.
fn with_content_info(length: u64) -> Result<Vec<Part>, FormatError> {
    let too_large = || FormatError::document("document-too-large", "the document is too large for a CMS message");
    let explicit = length.checked_add(der::header_length(length) as u64).ok_or_else(too_large)?;
    let oid = crate::cms::identifiers::OID_SIGNED_DATA;
    let mut head = Vec::new();
    der::write_header(&mut head, der::TAG_SEQUENCE, explicit.checked_add(oid.len() as u64).ok_or_else(too_large)?);
    head.extend_from_slice(oid);
    der::write_header(&mut head, der::TAG_CONTEXT_0, length);
    Ok(vec![Part::Bytes(head), Part::Original])
}

/// What to say about bytes behind the end of a message. Line ends and zeros that fill up are nobody's business.
fn behind(source: &dyn Source, end: u64) -> Result<Option<Reason>, FormatError> {
    const LOOKED_AT: u64 = 4_096;
    let count = source.len().saturating_sub(end);
    let mut bytes = vec![0; count.min(LOOKED_AT) as usize];
    source.read_exact_at(end.min(source.len()), &mut bytes)?;
    if count <= LOOKED_AT && bytes.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace()) {
        return Ok(None);
    }
    let sentence = format!("there are {count} bytes behind the end of the message, which no signature covers");
    Ok(Some(Reason::new("bytes-behind-the-end", sentence)))
}
