//! Whether the signatures of a message are intact: digests, signature values and the references to the signers'
//! certificates, of any maker. Trust, validity and the suitability of algorithms are judged elsewhere.

use super::certificate::Certificate;
use super::identifiers::{
    OID_CONTENT_TYPE, OID_MESSAGE_DIGEST, OID_SIGNING_CERTIFICATE, OID_SIGNING_CERTIFICATE_V2, OID_SIGNING_TIME,
};
use super::message::{Message, SignerInfo};
use crate::der::{self, DerError, Reader, TAG_OCTET_STRING, TAG_SEQUENCE, TAG_SET};
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Method, Unverified};
use crate::source::{Source, SourceError};
use crate::tsp::strict;
use std::ops::Range;
use std::sync::Arc;

/// How much of a document is in memory at once while it is hashed, in bytes.
const CHUNK_BYTES: u64 = 128 * 1024;

/// A digest of the content and how it was made.
type Digested = (HashAlgorithm, Vec<u8>);

/// Looks digests up.
fn given(digests: &[Digested]) -> impl FnMut(HashAlgorithm) -> Result<Vec<u8>, FormatError> {
    move |hash| {
        let found = digests.iter().find(|(known, _)| *known == hash);
        found.map(|(_, digest)| digest.clone()).ok_or_else(original_missing)
    }
}

impl Message {
    /// Checks every signer against the digest of the content, which `digest` gives for each algorithm that occurs.
    /// Gives each signer's certificate, in the order of the signers; a broken signature is an error of the document.
    pub fn check(
        &self,
        digest: &mut dyn FnMut(HashAlgorithm) -> Result<Vec<u8>, FormatError>,
    ) -> Result<Vec<Arc<[u8]>>, FormatError> {
        if self.signers().is_empty() {
            return Err(FormatError::document("no-signature", "there is no signature in the file"));
        }
        let check = |signer: &SignerInfo| {
            let content = digest(hash_of(signer)?)?;
            let certificate = self.certificate_of(signer, &[])?;
            signer.check(Some(self.content_type()), &content, certificate)?;
            Ok(certificate.into())
        };
        self.signers().iter().map(check).collect()
    }

    /// As [`Message::check`], but only that the signed attributes are those that were signed; the content is not there.
    pub(super) fn check_without_content(&self) -> Result<(), FormatError> {
        self.signers().iter().try_for_each(|signer| {
            let claimed = match signer.signed(OID_MESSAGE_DIGEST)[..] {
                [value] => Reader::new(value).expect(TAG_OCTET_STRING).map_err(malformed)?.value,
                _ => return Err(broken("it does not say what was signed")),
            };
            signer.check(Some(self.content_type()), claimed, self.certificate_of(signer, &[])?)
        })
    }

    /// As [`Message::check`], with the content read from the message or, if it is detached, from `original`.
    pub fn check_over(
        &self,
        document: &dyn Source,
        original: Option<&dyn Source>,
    ) -> Result<Vec<Arc<[u8]>>, FormatError> {
        let digests = self.digests(document, original, None)?;
        self.check(&mut given(&digests))
    }

    /// As [`Message::check_over`]; gives the digest of the content by an algorithm, made in the same pass.
    pub(super) fn checked_digest(
        &self,
        document: &dyn Source,
        original: Option<&dyn Source>,
        hash: HashAlgorithm,
    ) -> Result<Vec<u8>, FormatError> {
        let digests = self.digests(document, original, Some(hash))?;
        self.check(&mut given(&digests))?;
        given(&digests)(hash)
    }

    /// The content's digests by all algorithms of the signers and a further one.
    fn digests(
        &self,
        document: &dyn Source,
        original: Option<&dyn Source>,
        further: Option<HashAlgorithm>,
    ) -> Result<Vec<Digested>, FormatError> {
        let mut wanted: Vec<HashAlgorithm> = further.into_iter().collect();
        for signer in self.signers() {
            let hash = hash_of(signer)?;
            if !wanted.contains(&hash) {
                wanted.push(hash);
            }
        }
        if let Some(known) = original.filter(|_| self.is_detached()).and_then(|original| original.only_digest()) {
            let known = (HashAlgorithm::from(known.algorithm()), known.as_bytes().to_vec());
            let fits = wanted.iter().all(|hash| *hash == known.0);
            return if fits { Ok(vec![known]) } else { Err(original_missing()) };
        }
        let start = |hash: &HashAlgorithm| hash.start().map_err(unverified);
        let mut running = wanted.iter().map(start).collect::<Result<Vec<_>, _>>()?;
        let mut buffer = Vec::new();
        let hashed = self.content_pieces(document, original, |source, range| {
            each_chunk(source, range, &mut buffer, |chunk| {
                running.iter_mut().try_for_each(|hash| hash.update(chunk)).map_err(unverified)
            })
        })?;
        hashed.ok_or_else(original_missing)?;
        let finished = running.into_iter().map(|hash| hash.finish().map_err(unverified));
        wanted.iter().zip(finished).map(|(hash, digest)| digest.map(|digest| (*hash, digest))).collect()
    }

    /// The certificate that a signer names, among those of the message and further ones.
    pub(super) fn certificate_of<'a>(
        &'a self,
        signer: &SignerInfo,
        further: &'a [Vec<u8>],
    ) -> Result<&'a [u8], FormatError> {
        let all = self.certificates().iter().chain(further).map(Vec::as_slice);
        let named = all.into_iter().find(|certificate| signer.is_by(certificate));
        named.ok_or_else(|| {
            let sentence = "the certificate of a signer is not in the file, so that its signature cannot be checked";
            FormatError::document("signer-certificate-missing", sentence)
        })
    }
}

impl SignerInfo {
    /// Checks one signature: over a content with this digest, by the key of this certificate. `content_type`: what the
    /// signed attribute must say; `None` for counter-signatures, which have none (RFC 5652 section 11.4).
    pub(super) fn check(
        &self,
        content_type: Option<&[u8]>,
        content: &[u8],
        certificate: &[u8],
    ) -> Result<(), FormatError> {
        let Some(signed) = self.signed_bytes() else {
            let sentence = "a signature has no signed attributes; it is older than CAdES and has no levels";
            return Err(FormatError::document("no-signed-attributes", sentence));
        };
        let fits = match content_type {
            Some(expected) => matches!(self.signed(OID_CONTENT_TYPE)[..], [value] if value == expected),
            None => self.signed(OID_CONTENT_TYPE).is_empty(),
        };
        if !fits {
            return Err(broken("the signed type of the content is not that of the content"));
        }
        self.check_counts()?;
        let expected = der::tlv(TAG_OCTET_STRING, &[content]);
        if !matches!(self.signed(OID_MESSAGE_DIGEST)[..], [value] if value == expected) {
            return Err(broken("the content is not the one that was signed"));
        }
        if !self.names(certificate).map_err(malformed)? {
            return Err(broken("the certificate is not the one that was signed with the content"));
        }
        let parsed = Certificate::parse(certificate).map_err(malformed)?;
        let method = Method::of_signer_info(self.signature_algorithm(), self.digest_algorithm()).map_err(unverified)?;
        let value = self.signature();
        let verified = |message: &[u8]| method.verify(parsed.public_key.raw, message, &value);
        match verified(&signed) {
            // Signed in DER order, sent in another (RFC 5652 section 5.4).
            Err(Unverified::BadSignature) => match in_der_order(&signed).map_err(malformed)? {
                ordered if ordered == signed => Err(unverified(Unverified::BadSignature)),
                ordered => verified(&ordered).map_err(unverified),
            },
            other => other.map_err(unverified),
        }
    }

    /// The attributes that RFC 5652 section 11 and RFC 5035 allow once, and signed only.
    fn check_counts(&self) -> Result<(), FormatError> {
        let once = [OID_SIGNING_TIME, OID_SIGNING_CERTIFICATE, OID_SIGNING_CERTIFICATE_V2];
        if once.iter().any(|oid| self.signed(oid).len() > 1) {
            return Err(broken("an attribute that may be there once is there several times"));
        }
        let signed_only = [OID_CONTENT_TYPE, OID_MESSAGE_DIGEST].into_iter().chain(once);
        if signed_only.into_iter().any(|oid| !self.unsigned(oid).is_empty()) {
            return Err(broken("an attribute that has to be signed is not"));
        }
        Ok(())
    }

    /// Makes sure that what an archive time stamp is over is in DER, because verifiers encode it again.
    pub(super) fn check_der(&self) -> Result<(), FormatError> {
        let set = self.signed_bytes().unwrap_or_default();
        strict::check(self.fields()).and_then(|()| strict::check(&set)).map_err(|what| {
            let sentence = format!(
                "the signature is not encoded in DER ({what}); verifiers would not agree on what an archive time stamp \
                 is over"
            );
            FormatError::document("signature-not-der", sentence)
        })
    }

    /// Whether `sid` is that of this certificate.
    pub(crate) fn is_by(&self, certificate: &[u8]) -> bool {
        let Ok(parsed) = Certificate::parse(certificate) else { return false };
        match self.id() {
            id @ [0x80, ..] => {
                let named = Reader::new(id).read().map(|named| named.value);
                named.is_ok_and(|named| parsed.subject_key_id() == Ok(Some(named)))
            }
            id => id == der::tlv(TAG_SEQUENCE, &[parsed.issuer, parsed.serial]),
        }
    }

    /// Whether the signing-certificate attributes, as far as there are any, are about this certificate (RFC 5035
    /// section 5).
    fn names(&self, certificate: &[u8]) -> Result<bool, DerError> {
        let references = self.signed(OID_SIGNING_CERTIFICATE).into_iter().map(|value| (value, false));
        let references =
            references.chain(self.signed(OID_SIGNING_CERTIFICATE_V2).into_iter().map(|value| (value, true)));
        for (value, second) in references {
            let mut id = Reader::new(value).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
            let mut hash = if second { HashAlgorithm::Sha256 } else { HashAlgorithm::Sha1 };
            if let Some(identifier) = id.optional(TAG_SEQUENCE)? {
                hash = HashAlgorithm::of_identifier(identifier.raw).map_err(|_| DerError::Malformed)?;
            }
            let expected = id.expect(TAG_OCTET_STRING)?.value;
            if hash.digest(certificate).map_err(|_| DerError::Malformed)? != expected {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The digest of the content that a signer signed.
fn hash_of(signer: &SignerInfo) -> Result<HashAlgorithm, FormatError> {
    HashAlgorithm::of_identifier(signer.digest_algorithm()).map_err(unverified)
}

/// The members of a set in DER order.
pub(crate) fn in_der_order(set: &[u8]) -> Result<Vec<u8>, DerError> {
    let members = super::reader::set_members(set)?;
    let members = members.into_iter().filter_map(|place| set.get(place)).map(<[u8]>::to_vec).collect();
    Ok(der::set_of(TAG_SET, members))
}

fn each_chunk(
    source: &dyn Source,
    range: Range<u64>,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    if let Some(bytes) = source.as_slice() {
        let wanted = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let wanted = wanted.and_then(|(start, end)| bytes.get(start..end));
        return take(wanted.ok_or_else(|| SourceError(std::io::ErrorKind::UnexpectedEof.into()))?);
    }
    let mut at = range.start;
    while at < range.end {
        let length = (range.end - at).min(CHUNK_BYTES);
        buffer.resize(length as usize, 0);
        source.read_exact_at(at, buffer)?;
        take(buffer)?;
        at += length;
    }
    Ok(())
}

pub(super) fn broken(what: &str) -> FormatError {
    FormatError::document("signature-broken", format!("a signature in the file is broken: {what}"))
}

fn malformed(error: DerError) -> FormatError {
    broken(&error.to_string())
}

fn unverified(error: Unverified) -> FormatError {
    match error {
        Unverified::UnknownAlgorithm(_) | Unverified::Library => {
            FormatError::document("algorithm-unknown", format!("a signature in the file cannot be checked: {error}"))
        }
        error => broken(&error.to_string()),
    }
}

fn original_missing() -> FormatError {
    let sentence = "the signature is detached: the document that was signed is needed, too";
    FormatError::document("original-missing", sentence)
}
