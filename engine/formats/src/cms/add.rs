//! Further signatures in a message that is signed already, by any maker: beside those in it, over the same content, or
//! over the value of one of them. In the same two halves as every signature; what was received stays as it was.

use super::identifiers::{OID_COUNTERSIGNATURE, OID_DATA, digest_identifier};
use super::message::{Message, SignerInfo};
use super::{Pending, Template};
use crate::crypto;
use crate::der::{Reader, TAG_CONTEXT_0};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::signature::HashAlgorithm;
use crate::source::Source;
use model::{Digest, SignatureValue, Time, ToBeSigned};

/// A signature that waits for its value, and the message that it goes into.
#[derive(Debug)]
pub struct Addition {
    message: Message,
    pending: Pending,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Beside,
    /// Over the value of this signer.
    Over(usize),
}

/// A signature beside those in the message. `original` is the content if it is not in the message; all signatures in
/// it have to be intact.
pub fn parallel(
    document: &dyn Source,
    original: Option<&dyn Source>,
    template: &Template,
    now: Time,
) -> Result<Addition, FormatError> {
    let message = Message::read(document)?;
    if message.content_type() != OID_DATA {
        let sentence = "the signed content is of a special type, to which sealmill adds no signatures";
        return Err(FormatError::document("content-type", sentence));
    }
    let algorithm = template.algorithm().digest;
    let content = message.checked_digest(document, original, HashAlgorithm::from(algorithm))?;
    message.signers().iter().try_for_each(SignerInfo::check_open)?;
    let digest = Digest::new(algorithm, &content).ok_or_else(|| super::verify::broken("its digest is too short"))?;
    Ok(Addition { pending: template.begin(digest, now)?, message, place: Place::Beside })
}

/// A signature over the value of the first signature in the message that this signer has not counter-signed yet.
/// `template` is one for counter-signatures. Without `original`, the content of a detached signature is not looked at:
/// a counter-signature covers the signature only. The signature itself has to be intact.
pub fn counter(
    document: &dyn Source,
    original: Option<&dyn Source>,
    template: &Template,
    now: Time,
) -> Result<Addition, FormatError> {
    let message = Message::read(document)?;
    if message.is_detached() && original.is_none() {
        message.check_without_content()?;
    } else {
        message.check_over(document, original)?;
    }
    message.signers().iter().try_for_each(SignerInfo::check_open)?;
    let free = message.signers().iter().position(|signer| !signer.is_counter_signed_by(template));
    let (at, signer) = free.and_then(|at| message.signers().get(at).map(|signer| (at, signer))).ok_or_else(|| {
        let sentence = "this signer has counter-signed every signature in the file already";
        FormatError::document("counter-signed-already", sentence)
    })?;
    let digest = crypto::digest(template.algorithm().digest, &signer.signature());
    Ok(Addition { pending: template.begin(digest, now)?, message, place: Place::Over(at) })
}

impl Addition {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        self.pending.to_be_signed()
    }

    /// See [`Pending::check`].
    pub fn check(&self, value: &SignatureValue) -> Result<(), FormatError> {
        self.pending.check(value)
    }

    /// The message with the new signature and its certificates in it, as a recipe over the document that was read.
    pub fn finish(mut self, value: &SignatureValue) -> Result<Vec<Part>, FormatError> {
        let info = self.pending.signer_info(value)?;
        let mut certificates = Reader::new(&self.pending.parts.certificates).enter(TAG_CONTEXT_0);
        while let Ok(Ok(certificate)) = certificates.as_mut().map(Reader::read) {
            self.message.add_certificate(certificate.raw);
        }
        match self.place {
            Place::Beside => {
                let digest = digest_identifier(self.pending.parts.algorithm.digest);
                self.message.add_signer(info, &digest)?;
            }
            Place::Over(at) => {
                if let Some(signer) = self.message.signers_mut().get_mut(at) {
                    signer.add_unsigned(OID_COUNTERSIGNATURE, &info);
                }
            }
        }
        self.message.parts()
    }
}

impl SignerInfo {
    fn is_counter_signed_by(&self, template: &Template) -> bool {
        let counters = self.unsigned(OID_COUNTERSIGNATURE).into_iter();
        let mut counters = counters.filter_map(|value| SignerInfo::read(value.to_vec()).ok());
        counters.any(|counter| template.is_signer(counter.id()))
    }
}
