//! Reads an `OCSPResponse` strictly and judges it: who signed it, whether it is about the certificate in question,
//! whether it still counts.

use super::{OID_NONCE, Question, Revoked, Rules, Status, oid, small};
use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::{Extension, each, find};
use crate::der::{
    DerError, Reader, TAG_BIT_STRING, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_GENERALIZED_TIME, TAG_INTEGER,
    TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, Tlv, read_time,
};
use crate::path::same_name;
use crate::signature::{self, HashAlgorithm, Unverified, certificate_signed_by, dotted};
use model::Time;
use model::limits::{OCSP_CERTIFICATES_MAX, OCSP_SINGLES_MAX};

const TAG_ENUMERATED: u8 = 0x0a;
/// id-pkix-ocsp-basic.
const OID_BASIC: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x01";
/// id-pkix-ocsp-archive-cutoff.
const OID_ARCHIVE_CUTOFF: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x06";
/// id-pkix-ocsp-crl and id-pkix-ocsp-extended-revoke: known, and of no consequence here.
const OID_CRL_REFERENCE: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x03";
const OID_EXTENDED_REVOKE: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x09";
/// id-isismtt-at-certHash (Common PKI 2.0 part 4).
const OID_CERTIFICATE_HASH: &[u8] = b"\x2b\x24\x08\x03\x0d";

/// Why an answer says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The responder answers with an error (RFC 6960 section 4.2.1): 1 malformed request, 2 internal error, 3 try
    /// later, 5 signature required, 6 unauthorized.
    #[error("the responder answers with {}", error_name(*.0))]
    Error(u8),
    /// Not an OCSP answer.
    #[error("the answer cannot be read: {0}")]
    Malformed(#[from] DerError),
    /// It is about other certificates.
    #[error("the answer is not about this certificate")]
    NotAboutThis,
    /// Who signed it may not speak for the issuer.
    #[error("the answer is not from a responder of the issuer: {0}")]
    Responder(&'static str),
    /// Its signature is wrong.
    #[error("the answer's signature: {0}")]
    Signature(Unverified),
    /// It does not count now.
    #[error("the answer does not count now: {0}")]
    Time(&'static str),
    /// It answers another request, or leaves out the nonce where that is not allowed.
    #[error("the answer has not the nonce of the request")]
    Nonce,
    /// The hash in it is of another certificate, or it has none where one is demanded.
    #[error("the answer does not prove that the certificate was issued")]
    CertificateHash,
    /// It has a critical extension that nobody here knows.
    #[error("the answer has the unknown critical extension {0}")]
    Extension(String),
}

fn error_name(status: u8) -> &'static str {
    match status {
        1 => "\"malformed request\"",
        2 => "\"internal error\"",
        3 => "\"try later\"",
        5 => "\"signature required\"",
        6 => "\"unauthorized\"",
        _ => "an unknown status",
    }
}

impl Unusable {
    fn signature(error: Unverified) -> Self {
        Unusable::Signature(error)
    }
}

/// What a believable answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The state of the certificate.
    pub status: Status,
    /// When the answer was signed.
    pub produced_at: Time,
    /// When the state was known to be right.
    pub this_update: Time,
    /// When newer information will be there.
    pub next_update: Option<Time>,
    /// Certificates that expired after this moment are still answered for.
    pub archive_cutoff: Option<Time>,
    /// The hash of the certificate is in it.
    pub certificate_hash: bool,
    /// The responder's own certificate, DER. `None`: the issuer's own key signed.
    pub responder: Option<Vec<u8>>,
}

/// Reads an answer (the whole `OCSPResponse`, DER) and judges it.
pub fn judge(response: &[u8], question: &Question<'_>, rules: &Rules) -> Result<Answer, Unusable> {
    let (certificate, issuer) = (Certificate::parse(question.certificate)?, Certificate::parse(question.issuer)?);
    let basic = Basic::parse(response)?;
    let responder = basic.responder(question, &issuer, rules)?;
    basic.check_nonce(question, rules)?;
    known_only(basic.extensions, &[OID_NONCE, OID_EXTENDED_REVOKE])?;
    let single = basic.newest(&certificate, &issuer)?.ok_or(Unusable::NotAboutThis)?;
    known_only(single.extensions, &[OID_ARCHIVE_CUTOFF, OID_CERTIFICATE_HASH, OID_CRL_REFERENCE])?;
    let time = |extension: Extension<'_>| read_time(&Reader::new(extension.value).read()?);
    let archive_cutoff = find(single.extensions, OID_ARCHIVE_CUTOFF)?.map(time).transpose()?;
    let certificate_hash = match find(single.extensions, OID_CERTIFICATE_HASH)? {
        Some(extension) if is_hash_of(extension.value, question.certificate)? => true,
        None if !rules.certificate_hash_required || single.status != Status::Good => false,
        _ => return Err(Unusable::CertificateHash),
    };
    rules.check_times(question.now, single.this_update, single.next_update).map_err(Unusable::Time)?;
    if basic.produced_at > question.now.plus(rules.skew) {
        return Err(Unusable::Time("it was made in the future"));
    }
    Ok(Answer {
        status: single.status,
        produced_at: basic.produced_at,
        this_update: single.this_update,
        next_update: single.next_update,
        archive_cutoff,
        certificate_hash,
        responder: responder.map(<[u8]>::to_vec),
    })
}

fn known_only(extensions: &[u8], known: &[&[u8]]) -> Result<(), Unusable> {
    for extension in each(extensions) {
        let extension = extension?;
        if extension.critical && !known.contains(&extension.oid) {
            return Err(Unusable::Extension(dotted(extension.oid)));
        }
    }
    Ok(())
}

/// `CertHash ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, certificateHash OCTET STRING }`.
fn is_hash_of(value: &[u8], certificate: &[u8]) -> Result<bool, Unusable> {
    let mut fields = Reader::new(value).enter(TAG_SEQUENCE)?;
    let hash = HashAlgorithm::of_identifier(fields.expect(TAG_SEQUENCE)?.raw).map_err(Unusable::signature)?;
    let stated = fields.expect(TAG_OCTET_STRING)?.value;
    fields.end()?;
    Ok(hash.digest(certificate).map_err(Unusable::signature)? == stated)
}

/// `BasicOCSPResponse`.
struct Basic<'a> {
    signed: &'a [u8],
    responder: Tlv<'a>,
    produced_at: Time,
    singles: Reader<'a>,
    extensions: &'a [u8],
    algorithm: &'a [u8],
    value: &'a [u8],
    certificates: Vec<&'a [u8]>,
}

/// `SingleResponse`.
struct Single<'a> {
    status: Status,
    this_update: Time,
    next_update: Option<Time>,
    extensions: &'a [u8],
}

impl<'a> Basic<'a> {
    fn parse(response: &'a [u8]) -> Result<Self, Unusable> {
        let mut outer = Reader::new(response);
        let mut fields = outer.enter(TAG_SEQUENCE)?;
        outer.end()?;
        let status = small(fields.expect(TAG_ENUMERATED)?.value)?;
        if status != 0 {
            return Err(Unusable::Error(status));
        }
        let mut bytes = fields.enter(TAG_CONTEXT_0)?.enter(TAG_SEQUENCE)?;
        fields.end()?;
        if bytes.expect(TAG_OID)?.value != OID_BASIC {
            return Err(Unusable::Malformed(DerError::UnexpectedTag));
        }
        let mut basic = Reader::new(bytes.expect(TAG_OCTET_STRING)?.value);
        bytes.end()?;
        let mut fields = basic.enter(TAG_SEQUENCE)?;
        basic.end()?;
        let signed = fields.expect(TAG_SEQUENCE)?;
        let algorithm = fields.expect(TAG_SEQUENCE)?.raw;
        let value = signature::bit_string(fields.expect(TAG_BIT_STRING)?.value)?;
        let mut certificates = Vec::new();
        if let Some(list) = fields.optional(TAG_CONTEXT_0)? {
            let mut list = Reader::new(list.value).enter(TAG_SEQUENCE)?;
            while !list.is_empty() {
                if certificates.len() == OCSP_CERTIFICATES_MAX {
                    return Err(Unusable::Malformed(DerError::TooMany));
                }
                certificates.push(list.expect(TAG_SEQUENCE)?.raw);
            }
        }
        fields.end()?;
        let mut body = Reader::new(signed.value);
        if let Some(version) = body.optional(TAG_CONTEXT_0)?
            && Reader::new(version.value).expect(TAG_INTEGER)?.value != [0]
        {
            return Err(Unusable::Malformed(DerError::Malformed));
        }
        let responder = body.read()?;
        let produced_at = read_time(&body.expect(TAG_GENERALIZED_TIME)?)?;
        let singles = body.enter(TAG_SEQUENCE)?;
        let extensions = explicit_sequence(&mut body)?;
        body.end()?;
        Ok(Self { signed: signed.raw, responder, produced_at, singles, extensions, algorithm, value, certificates })
    }

    /// Finds who signed and checks that they may: the issuer's own key, a responder with a certificate that the issuer
    /// gave it for this purpose, or one that an operator trusts (RFC 6960 section 4.2.2.2).
    fn responder(
        &self,
        question: &'a Question<'a>,
        issuer: &Certificate<'_>,
        rules: &'a Rules,
    ) -> Result<Option<&'a [u8]>, Unusable> {
        if self.is_from(issuer)? {
            match signature::verify(issuer.public_key.raw, self.algorithm, self.signed, self.value) {
                Ok(()) => return Ok(None),
                // Name alone is not enough to tell the issuer from a responder that has the same one.
                Err(error) if self.certificates.is_empty() => return Err(Unusable::Signature(error)),
                Err(_) => {}
            }
        }
        let mut refusal = Unusable::Responder("its certificate is neither in the answer nor known");
        let local = rules.responders.iter().map(|der| (&**der, true));
        for (der, trusted) in self.certificates.iter().map(|der| (*der, false)).chain(local) {
            let Ok(candidate) = Certificate::parse(der) else { continue };
            if !self.is_from(&candidate)? {
                continue;
            }
            let verdict = if trusted { Ok(()) } else { self.delegated(der, &candidate, question, issuer) };
            let verdict = verdict.and_then(|()| {
                signature::verify(candidate.public_key.raw, self.algorithm, self.signed, self.value)
                    .map_err(Unusable::Signature)
            });
            match verdict {
                Ok(()) => return Ok(Some(der)),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn delegated(
        &self,
        der: &[u8],
        responder: &Certificate<'_>,
        question: &Question<'_>,
        issuer: &Certificate<'_>,
    ) -> Result<(), Unusable> {
        if !same_name(responder.issuer, issuer.subject) {
            return Err(Unusable::Responder("its certificate is of another issuer"));
        }
        if !responder.has_purpose(oid::PURPOSE_OCSP_SIGNING)? {
            return Err(Unusable::Responder("its certificate is not for signing OCSP answers"));
        }
        if !responder.valid_at(self.produced_at)? {
            return Err(Unusable::Responder("its certificate was not valid when the answer was made"));
        }
        certificate_signed_by(der, question.issuer)
            .map_err(|_| Unusable::Responder("its certificate is not signed by the issuer"))
    }

    /// Whether the ResponderID is of this certificate.
    fn is_from(&self, certificate: &Certificate<'_>) -> Result<bool, Unusable> {
        let mut inner = Reader::new(self.responder.value);
        match self.responder.tag {
            TAG_CONTEXT_1 => Ok(same_name(inner.expect(TAG_SEQUENCE)?.raw, certificate.subject)),
            0xa2 => {
                let hash = HashAlgorithm::Sha1.digest(certificate.public_key.bits).map_err(Unusable::Signature)?;
                Ok(inner.expect(TAG_OCTET_STRING)?.value == hash)
            }
            _ => Err(Unusable::Malformed(DerError::UnexpectedTag)),
        }
    }

    fn check_nonce(&self, question: &Question<'_>, rules: &Rules) -> Result<(), Unusable> {
        match (question.nonce, find(self.extensions, OID_NONCE)?) {
            (None, _) => Ok(()),
            (Some(_), None) if !rules.nonce_required => Ok(()),
            (Some(sent), Some(found)) if nonce_is(found.value, sent) => Ok(()),
            _ => Err(Unusable::Nonce),
        }
    }

    /// Of the answers about this certificate the newest one.
    fn newest(&self, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<Option<Single<'a>>, Unusable> {
        let (mut singles, mut newest, mut seen) = (self.singles, None::<Single<'a>>, 0);
        while !singles.is_empty() {
            seen += 1;
            if seen > OCSP_SINGLES_MAX {
                return Err(Unusable::Malformed(DerError::TooMany));
            }
            let mut fields = singles.enter(TAG_SEQUENCE)?;
            let id = fields.enter(TAG_SEQUENCE)?;
            if !is_id_of(id, certificate, issuer)? {
                continue;
            }
            let status = read_status(fields.read()?)?;
            let this_update = read_time(&fields.expect(TAG_GENERALIZED_TIME)?)?;
            let next_update = match fields.optional(TAG_CONTEXT_0)? {
                Some(time) => Some(read_time(&Reader::new(time.value).expect(TAG_GENERALIZED_TIME)?)?),
                None => None,
            };
            let extensions = explicit_sequence(&mut fields)?;
            fields.end()?;
            if newest.as_ref().is_none_or(|newest| newest.this_update < this_update) {
                newest = Some(Single { status, this_update, next_update, extensions });
            }
        }
        Ok(newest)
    }
}

/// The content of an optional `[1] EXPLICIT SEQUENCE`.
fn explicit_sequence<'a>(fields: &mut Reader<'a>) -> Result<&'a [u8], DerError> {
    match fields.optional(TAG_CONTEXT_1)? {
        Some(wrapped) => Ok(Reader::new(wrapped.value).expect(TAG_SEQUENCE)?.value),
        None => Ok(&[]),
    }
}

/// Older responders put the nonce's bytes into the extension without an OCTET STRING around them.
fn nonce_is(found: &[u8], sent: &[u8]) -> bool {
    let wrapped = Reader::new(found).expect(TAG_OCTET_STRING).is_ok_and(|inner| inner.value == sent);
    wrapped || found == sent
}

/// `CertID`: the hashes are by the algorithm of the answer, whatever the request used.
fn is_id_of(mut id: Reader<'_>, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<bool, Unusable> {
    let algorithm = id.expect(TAG_SEQUENCE)?.raw;
    let (name, key) = (id.expect(TAG_OCTET_STRING)?.value, id.expect(TAG_OCTET_STRING)?.value);
    if id.expect(TAG_INTEGER)?.raw != certificate.serial {
        return Ok(false);
    }
    let Ok(hash) = HashAlgorithm::of_identifier(algorithm) else { return Ok(false) };
    let digest = |bytes: &[u8]| hash.digest(bytes).map_err(Unusable::Signature);
    let names = name == digest(certificate.issuer)? || name == digest(issuer.subject)?;
    Ok(names && key == digest(issuer.public_key.bits)?)
}

/// `CertStatus`.
fn read_status(choice: Tlv<'_>) -> Result<Status, DerError> {
    match choice.tag {
        0x80 => Ok(Status::Good),
        TAG_CONTEXT_1 => {
            let mut fields = Reader::new(choice.value);
            let at = read_time(&fields.expect(TAG_GENERALIZED_TIME)?)?;
            let reason = match fields.optional(TAG_CONTEXT_0)? {
                Some(reason) => Some(small(Reader::new(reason.value).expect(TAG_ENUMERATED)?.value)?),
                None => None,
            };
            fields.end()?;
            Ok(Status::Revoked(Revoked { at, reason }))
        }
        0x82 => Ok(Status::Unknown),
        _ => Err(DerError::UnexpectedTag),
    }
}
