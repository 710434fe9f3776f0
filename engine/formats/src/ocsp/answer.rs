//! Judges an answer to a question that was just asked: who signed it, whether it is about the certificate in question,
//! whether it counts now.

use super::{Question, Response, Rules, Status, oid};
use crate::cms::certificate::Certificate;
use crate::der::{DerError, Reader, TAG_OCTET_STRING};
use crate::path::same_name;
use crate::signature::{Unverified, certificate_signed_by};
use model::Time;

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
    let response = Response::parse(response)?;
    let responder = responder(&response, question, &issuer, rules)?;
    check_nonce(&response, question, rules)?;
    let said = response.about(&certificate, question.certificate, &issuer)?.ok_or(Unusable::NotAboutThis)?;
    if rules.certificate_hash_required && said.status == Status::Good && !said.certificate_hash {
        return Err(Unusable::CertificateHash);
    }
    rules.check_times(question.now, said.this_update, said.next_update).map_err(Unusable::Time)?;
    if response.produced_at > question.now.plus(rules.skew) {
        return Err(Unusable::Time("it was made in the future"));
    }
    Ok(Answer {
        status: said.status,
        produced_at: response.produced_at,
        this_update: said.this_update,
        next_update: said.next_update,
        archive_cutoff: said.archive_cutoff,
        certificate_hash: said.certificate_hash,
        responder: responder.map(<[u8]>::to_vec),
    })
}

/// Finds who signed and checks that they may: the issuer's own key, a responder with a certificate that the issuer
/// gave it for this purpose, or one that an operator trusts (RFC 6960 section 4.2.2.2).
fn responder<'a>(
    response: &Response<'a>,
    question: &'a Question<'a>,
    issuer: &Certificate<'_>,
    rules: &'a Rules,
) -> Result<Option<&'a [u8]>, Unusable> {
    if response.is_from(issuer)? {
        match response.verify(issuer.public_key.raw) {
            Ok(()) => return Ok(None),
            // Name alone is not enough to tell the issuer from a responder that has the same one.
            Err(error) if response.certificates.is_empty() => return Err(Unusable::Signature(error)),
            Err(_) => {}
        }
    }
    let mut refusal = Unusable::Responder("its certificate is neither in the answer nor known");
    let local = rules.responders.iter().map(|der| (&**der, true));
    for (der, trusted) in response.certificates.iter().map(|der| (*der, false)).chain(local) {
        let Ok(candidate) = Certificate::parse(der) else { continue };
        if !response.is_from(&candidate)? {
            continue;
        }
        let verdict = if trusted { Ok(()) } else { delegated(response, der, &candidate, question, issuer) };
        let verdict = verdict.and_then(|()| response.verify(candidate.public_key.raw).map_err(Unusable::Signature));
        match verdict {
            Ok(()) => return Ok(Some(der)),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

fn delegated(
    response: &Response<'_>,
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
    if !responder.valid_at(response.produced_at)? {
        return Err(Unusable::Responder("its certificate was not valid when the answer was made"));
    }
    certificate_signed_by(der, question.issuer)
        .map_err(|_| Unusable::Responder("its certificate is not signed by the issuer"))
}

fn check_nonce(response: &Response<'_>, question: &Question<'_>, rules: &Rules) -> Result<(), Unusable> {
    match (question.nonce, response.nonce()?) {
        (None, _) => Ok(()),
        (Some(_), None) if !rules.nonce_required => Ok(()),
        (Some(sent), Some(found)) if nonce_is(found, sent) => Ok(()),
        _ => Err(Unusable::Nonce),
    }
}

/// Older responders put the nonce's bytes into the extension without an OCTET STRING around them.
fn nonce_is(found: &[u8], sent: &[u8]) -> bool {
    let wrapped = Reader::new(found).expect(TAG_OCTET_STRING).is_ok_and(|inner| inner.value == sent);
    wrapped || found == sent
}
