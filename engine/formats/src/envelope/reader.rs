//! An envelope being read: its outer structure, BER or DER, found without touching the content.

use super::arrival::Arrival;
use super::ber::{Cursor, Octets};
use super::cipher::Parameters;
use super::identifiers::{OID_AUTH_ENVELOPED_DATA, OID_ENVELOPED_DATA};
use super::opening::Opening;
use crate::der::{
    self, DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, TAG_SET,
};
use crate::prepare::FormatError;
use crate::source::{Source, SourceError};
use model::Secret;

/// The reason for a message whose encoding is not what the standard says.
pub(super) fn unreadable(error: DerError) -> FormatError {
    FormatError::document("envelope-unreadable", format!("the encrypted file is damaged: {error}"))
}

/// Whether a document is an encrypted CMS message, by its first bytes: a ContentInfo of EnvelopedData or
/// AuthEnvelopedData. Its name is of no interest.
pub fn looks_encrypted(source: &dyn Source) -> Result<bool, SourceError> {
    Ok(kind(source)?.is_some())
}

/// Whether the message authenticates its content. `None`: not an encrypted message.
fn kind(source: &dyn Source) -> Result<Option<bool>, SourceError> {
    let first = |mut cursor: Cursor<'_>| {
        cursor.enter(TAG_SEQUENCE)?;
        cursor.optional(TAG_OID)
    };
    let oid = match first(Cursor::new(source, 0..source.len())) {
        Ok(oid) => oid.unwrap_or_default(),
        Err(FormatError::Source(error)) => return Err(error),
        Err(_) => return Ok(None),
    };
    Ok(match oid.as_slice() {
        OID_ENVELOPED_DATA => Some(false),
        OID_AUTH_ENVELOPED_DATA => Some(true),
        _ => None,
    })
}

/// An encrypted message, its content left where it is.
#[derive(Debug)]
pub struct Envelope {
    arrivals: Vec<Arrival>,
    parameters: Parameters,
    content: Octets,
    /// What is authenticated beside the content: the attributes, as a SET in DER; empty if there are none.
    authenticated: Vec<u8>,
    tag: Vec<u8>,
}

impl Envelope {
    /// Reads everything around the content. Memory: bounded by `model::limits::ENVELOPE_AROUND_BYTES_MAX`.
    pub fn read(source: &dyn Source) -> Result<Self, FormatError> {
        let Some(authenticated) = kind(source)? else {
            return Err(FormatError::document("not-encrypted", "the file is not an encrypted CMS message"));
        };
        let mut cursor = Cursor::new(source, 0..source.len());
        cursor.enter(TAG_SEQUENCE)?;
        cursor.read()?;
        cursor.enter(TAG_CONTEXT_0)?;
        cursor.enter(TAG_SEQUENCE)?;
        expect(&mut cursor, TAG_INTEGER)?;
        cursor.optional(TAG_CONTEXT_0)?; // originatorInfo: certificates that nobody asked for
        let infos = expect(&mut cursor, TAG_SET)?;
        cursor.enter(TAG_SEQUENCE)?;
        expect(&mut cursor, TAG_OID)?;
        let parameters = Parameters::read(&expect(&mut cursor, TAG_SEQUENCE)?, authenticated)?;
        if cursor.at_end()? {
            return Err(FormatError::document("no-content", "the encrypted message has no content"));
        }
        let content = cursor.octets(0)?;
        cursor.leave()?;
        let (mut attributes, mut tag) = (Vec::new(), Vec::new());
        if authenticated {
            if let Some(found) = cursor.optional(TAG_CONTEXT_1)? {
                attributes = as_set(&found).map_err(unreadable)?;
            }
            tag = Reader::new(&expect(&mut cursor, TAG_OCTET_STRING)?)
                .expect(TAG_OCTET_STRING)
                .map_err(unreadable)?
                .value
                .to_vec();
        }
        // unprotectedAttrs or unauthAttrs: nobody vouches for them.
        while !cursor.at_end()? {
            cursor.read()?;
        }
        cursor.leave()?;
        cursor.leave()?;
        cursor.leave()?;
        let arrivals = Arrival::read_all(&infos, parameters.cipher).map_err(unreadable)?;
        Ok(Self { arrivals, parameters, content, authenticated: attributes, tag })
    }

    /// For whom it is, in the order of the message.
    pub fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// Those that the key of this certificate (DER) can open. Empty also for certificates that cannot be read.
    pub fn for_certificate<'e>(&'e self, certificate: &'e [u8]) -> impl Iterator<Item = &'e Arrival> {
        self.arrivals.iter().filter(|arrival| arrival.is_for(certificate))
    }

    /// Begins to decrypt. `secret` is what the token made of the arrival's wrapped key; `source` is the document that
    /// this was read from. A wrong key is not noticed here in every case, but at the end in any.
    pub fn open<'s>(
        &self,
        source: &'s dyn Source,
        arrival: &Arrival,
        secret: &Secret,
    ) -> Result<Opening<'s>, FormatError> {
        let key = arrival.content_key(secret, self.parameters.cipher)?;
        Opening::new(self.content.pieces(source), source, &self.parameters, &key, &self.authenticated, &self.tag)
    }
}

fn expect(cursor: &mut Cursor<'_>, tag: u8) -> Result<Vec<u8>, FormatError> {
    cursor.optional(tag)?.ok_or_else(|| unreadable(DerError::UnexpectedTag))
}

/// `authAttrs [1] IMPLICIT` as it is authenticated: DER with the tag of a SET (RFC 5083 section 2.2).
fn as_set(attributes: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut members = Vec::new();
    let mut reader = Reader::new(attributes).enter(TAG_CONTEXT_1)?;
    while !reader.is_empty() {
        members.push(reader.expect(TAG_SEQUENCE)?.raw.to_vec());
    }
    Ok(der::set_of(TAG_SET, members))
}
