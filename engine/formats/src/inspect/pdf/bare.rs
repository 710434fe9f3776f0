//! Signatures without a message (`adbe.x509.rsa_sha1`, ISO 32000-1 12.8.3.2): an RSA value in an OCTET STRING, and the
//! certificate beside it. Long out of use; old files have them.

use super::digests::Digests;
use super::{not_computed, padding, unreadable};
use crate::cms::certificate::Certificate;
use crate::der::{Reader, TAG_OCTET_STRING};
use crate::inspect::{Integrity, PdfPlace, Signature, SignatureFormat};
use crate::pdf::found::Found;
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Method};
use model::Reason;

/// sha1WithRSAEncryption.
const METHOD_NAME: &str = "1.2.840.113549.1.1.5";

pub(super) fn signature(
    mut found: Found,
    place: PdfPlace,
    what: String,
    digests: &mut Digests<'_>,
) -> Result<Signature, FormatError> {
    let mut reader = Reader::new(&found.octets);
    let value = reader.expect(TAG_OCTET_STRING).map(|outer| (outer.value.to_vec(), outer.raw.len() as u64));
    padding(&mut found, value.as_ref().ok().map(|(_, end)| *end));
    let digest = match &found.span {
        Some(span) if found.is_in_place() => digests.of(HashAlgorithm::Sha1, span)?,
        _ => None,
    };
    let own = found.certificates.clone();
    let mut signature = unreadable(found, place, what);
    signature.format = SignatureFormat::PdfPkcs1;
    signature.method = Some(Method::RsaPkcs1(HashAlgorithm::Sha1));
    METHOD_NAME.clone_into(&mut signature.method_name);
    signature.evidence.certificates.clone_from(&own);
    let Ok((value, _)) = value else {
        signature.faults.push(Reason::new("pdf-contents", "the signature is no value in an octet string"));
        return Ok(signature);
    };
    signature.signature_value = value.as_slice().into();
    signature.signer = own.first().cloned();
    let key = signature.signer.as_deref().and_then(|der| Some(Certificate::parse(der).ok()?.public_key.raw.to_vec()));
    let Some(key) = key else {
        signature.value =
            Err(Reason::new("signer-certificate-missing", "the certificate of the signer is not in the file"));
        return Ok(signature);
    };
    let Some(digest) = digest else {
        signature.value = Err(not_computed());
        return Ok(signature);
    };
    let checked = Method::RsaPkcs1(HashAlgorithm::Sha1).verify_digest(&key, &digest, &value);
    signature.key = Some(key.into());
    for covered in &mut signature.covered {
        covered.algorithm = Some(HashAlgorithm::Sha1);
        covered.digest.clone_from(&digest);
        // There is no signed digest beside the value: what was signed and what is there cannot be told apart.
        covered.integrity = Integrity::Intact;
    }
    signature.value = checked.map_err(|error| Reason::new("signature-value-wrong", error.to_string()));
    Ok(signature)
}
