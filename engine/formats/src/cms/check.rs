//! A finished message of ours, read back and checked from the outside: by tests, and where a result that was written
//! earlier has to be trusted again.

use super::certificate::Certificate;
use super::identifiers::{OID_CONTENT_TYPE, OID_DATA, OID_MESSAGE_DIGEST, digest_of, signature_identifier};
use super::reader::{SignedData, SignerInfo, joined};
use crate::crypto::{self, PublicKey};
use crate::der::{self, TAG_OCTET_STRING, TAG_SEQUENCE};
use crate::prepare::FormatError;
use model::{Digest, DigestAlgorithm, Scheme, SignatureAlgorithm, SignatureValue, ToBeSigned};

/// Checks a message with exactly one signer, whose certificate is in it, against the digest of its content. Trust in
/// that certificate is not looked at.
pub fn verify_own(message: &[u8], content: &Digest) -> Result<(), FormatError> {
    let wrong = FormatError::WrongSignature;
    let signed_data = SignedData::read(message).map_err(|_| wrong("the message cannot be read"))?;
    let [signer] = &signed_data.signers[..] else {
        return Err(wrong("the message has not exactly one signer"));
    };
    let field = |place: &super::reader::Place| message.get(place.clone()).unwrap_or_default();

    if field(&signed_data.content_type) != OID_DATA || value_of(message, signer, OID_CONTENT_TYPE) != Some(OID_DATA) {
        return Err(wrong("the content type is not data"));
    }
    let digest_algorithm =
        digest_of(field(&signer.digest_algorithm)).ok_or(wrong("the digest algorithm is not known"))?;
    let expected = der::tlv(TAG_OCTET_STRING, &[content.as_bytes()]);
    if content.algorithm() != digest_algorithm
        || value_of(message, signer, OID_MESSAGE_DIGEST) != Some(expected.as_slice())
    {
        return Err(wrong("the digest is not that of the content"));
    }

    let algorithm = algorithm_of(field(&signer.signature_algorithm), digest_algorithm)
        .ok_or(wrong("the signature algorithm is not known or does not fit the digest"))?;
    let certificates = signed_data.certificates.iter().filter_map(|place| Certificate::parse(field(place)).ok());
    let certificate = certificates
        .into_iter()
        .find(|found| der::tlv(TAG_SEQUENCE, &[found.issuer, found.serial]) == field(&signer.id))
        .ok_or(wrong("the signer's certificate is not in the message"))?;
    let key = certificate.public_key.kind.ok_or(wrong("the signer's key is of an unknown kind"))?;
    let key = PublicKey::new(key, certificate.public_key.bits, algorithm)
        .map_err(|_| wrong("the signer's key is unusable"))?;

    let attributes = signer.signed_bytes(message).ok_or(wrong("there are no signed attributes"))?;
    let to_be_signed = if algorithm.scheme.signs_message() {
        ToBeSigned::Message { algorithm, message: attributes }
    } else {
        ToBeSigned::Digest { algorithm, digest: crypto::digest(digest_algorithm, &attributes) }
    };
    let value = SignatureValue(joined(message, &signer.signature));
    key.verify(&to_be_signed, &value).map_err(|_| wrong("the value does not fit the signer's certificate"))
}

/// The one value of the one attribute of this type.
fn value_of<'a>(message: &'a [u8], signer: &SignerInfo, oid: &[u8]) -> Option<&'a [u8]> {
    let mut found = signer.attributes.iter().filter(|attribute| message.get(attribute.oid.clone()) == Some(oid));
    let attribute = found.next().filter(|_| found.next().is_none())?;
    let [value] = &attribute.values[..] else { return None };
    message.get(value.clone())
}

fn algorithm_of(identifier: &[u8], digest: DigestAlgorithm) -> Option<SignatureAlgorithm> {
    [Scheme::RsaPkcs1, Scheme::RsaPss, Scheme::Ecdsa, Scheme::Ed25519, Scheme::MlDsa65]
        .into_iter()
        .map(|scheme| SignatureAlgorithm { scheme, digest })
        .find(|&algorithm| signature_identifier(algorithm) == identifier)
}
