//! Who made a signature: the certificate that the signed reference names (EN 319 102-1 clause 5.2.3), else one of `KeyInfo`,
//! else a bare key; and whether the signature value is that key's. Says nothing about trust.

use super::Context;
use super::anatomy::{Anatomy, Properties, malformed};
use super::issuer::{self, Issuer};
use crate::cms::certificate::Certificate;
use crate::inspect::SignerReference;
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::xml::algorithms::{DS, hash_of};
use crate::xml::c14n::{self, NodeSet};
use crate::xml::signature::{children, octets};
use crate::xml::tree::{Document, NodeId};
use crate::xml::verify::{bare_keys, unverified, verdict};
use model::Reason;
use model::limits::{PATH_CERTIFICATES_MAX, PATH_SIGNATURES_MAX};
use std::sync::Arc;

/// The signer of one signature.
pub(super) struct Signer {
    pub(super) certificate: Option<Arc<[u8]>>,
    /// SubjectPublicKeyInfo.
    pub(super) key: Option<Arc<[u8]>>,
    pub(super) reference: SignerReference,
    pub(super) value: Result<(), Reason>,
}

/// `Cert` of `SigningCertificate` or `SigningCertificateV2`.
struct CertificateReference {
    hash: Option<HashAlgorithm>,
    digest: Vec<u8>,
    issuer: Option<Issuer>,
}

/// What `KeyInfo` brings along.
#[derive(Default)]
pub(super) struct KeyInfo {
    pub(super) certificates: Vec<Arc<[u8]>>,
    pub(super) crls: Vec<Arc<[u8]>>,
}

impl KeyInfo {
    /// Reads it; what cannot be read is a fault.
    pub(super) fn read(document: &Document<'_>, anatomy: &mut Anatomy) -> Result<Self, FormatError> {
        let mut found = Self::default();
        let Some(info) = anatomy.key_info else { return Ok(found) };
        for data in children(document, info, DS, "X509Data") {
            for (local, list) in [("X509Certificate", &mut found.certificates), ("X509CRL", &mut found.crls)] {
                for node in children(document, data, DS, local).take(PATH_CERTIFICATES_MAX) {
                    match verdict(octets(document, node))? {
                        Ok(der) => list.push(der.into()),
                        Err(reason) => anatomy.faults.push(reason),
                    }
                }
            }
        }
        if children(document, info, DS, "RetrievalMethod").next().is_some() {
            let sentence = "a signature says where the key of its signer may be had; it is not looked for there";
            anatomy.notes.push(Reason::new("key-elsewhere", sentence));
        }
        Ok(found)
    }
}

impl Signer {
    /// Finds the signer among the certificates of `KeyInfo` and others, and checks the signature value. An error is one
    /// of the medium. `signed`: the signed properties are those that the signer signed.
    pub(super) fn find(
        context: &Context<'_>,
        anatomy: &mut Anatomy,
        signed: bool,
        key_info: &KeyInfo,
        further: &[Arc<[u8]>],
    ) -> Result<Self, FormatError> {
        let message = verdict(message(context, anatomy))?;
        let references = match anatomy.properties.filter(|_| signed) {
            Some(properties) => certificate_references(context.document, properties, &mut anatomy.notes)?,
            None => Vec::new(),
        };
        let mut attempts = 0;
        let mut made_by = |key: &[u8]| -> Result<(), Reason> {
            let message = message.as_deref().map_err(Clone::clone)?;
            let value = anatomy.value.as_deref().map_err(Clone::clone)?;
            let method = anatomy.method.ok_or_else(|| unknown_method(&anatomy.method_uri))?;
            attempts += 1;
            if attempts > PATH_SIGNATURES_MAX {
                return Err(malformed("too many keys may have made it".to_owned()));
            }
            verdict(method.verify(key, message, value).map_err(unverified)).unwrap_or_else(|_| Err(unreadable_key()))
        };

        let candidates = || key_info.certificates.iter().chain(further).take(PATH_CERTIFICATES_MAX);
        let named: Vec<_> = candidates().filter_map(|der| Some((der, named_by(der, &references)?))).collect();
        let reference = if references.is_empty() { SignerReference::Absent } else { SignerReference::Differs };
        let mut first_failure: Option<Self> = None;
        for (der, reference) in &named {
            let signer = Self::with_certificate(der, *reference, &mut made_by);
            if signer.value.is_ok() {
                return Ok(signer);
            }
            first_failure.get_or_insert(signer);
        }
        if let Some(signer) = first_failure.take() {
            return Ok(signer);
        }
        for der in candidates() {
            let signer = Self::with_certificate(der, reference, &mut made_by);
            if signer.value.is_ok() {
                return Ok(signer);
            }
            // Only what the signature itself presents is worth naming as the signer of a value that does not fit.
            if key_info.certificates.contains(der) {
                first_failure.get_or_insert(signer);
            }
        }
        for key in verdict(bare_keys(context.document, anatomy.key_info))?.unwrap_or_default() {
            let value = made_by(&key);
            let signer = Self { certificate: None, key: Some(key.into()), reference, value };
            if signer.value.is_ok() {
                return Ok(signer);
            }
            first_failure.get_or_insert(signer);
        }
        Ok(first_failure.unwrap_or_else(|| {
            let sentence = "the certificate of a signer is not in the file, so that its signature cannot be checked";
            let missing = Reason::new("signer-certificate-missing", sentence);
            let known = anatomy.method.map(|_| ()).ok_or_else(|| unknown_method(&anatomy.method_uri));
            let value = known.and(message.map(|_| ())).and(Err(missing));
            Self { certificate: None, key: None, reference, value }
        }))
    }

    fn with_certificate(
        der: &Arc<[u8]>,
        reference: SignerReference,
        made_by: &mut impl FnMut(&[u8]) -> Result<(), Reason>,
    ) -> Self {
        let certificate = Some(Arc::clone(der));
        match Certificate::parse(der) {
            Ok(parsed) => {
                let key = parsed.public_key.raw;
                Self { certificate, key: Some(key.into()), reference, value: made_by(key) }
            }
            Err(_) => Self { certificate, key: None, reference, value: Err(unreadable_key()) },
        }
    }
}

/// The canonical octets of `SignedInfo`.
fn message(context: &Context<'_>, anatomy: &Anatomy) -> Result<Vec<u8>, FormatError> {
    let method = anatomy.canonicalization.as_ref().map_err(|reason| FormatError::Document(reason.clone()))?;
    let Some(signed_info) = anatomy.signed_info else {
        return Err(FormatError::Document(malformed("it has no SignedInfo".to_owned())));
    };
    Ok(c14n::canonical_bytes(context.document, &NodeSet::subtree(context.document, signed_info), method)?)
}

/// The references to certificates in the signed properties, those to the signer's first.
fn certificate_references(
    document: &Document<'_>,
    properties: Properties,
    notes: &mut Vec<Reason>,
) -> Result<Vec<CertificateReference>, FormatError> {
    let mut found = Vec::new();
    let space = properties.namespace;
    let Some(signed) = properties.signed else { return Ok(found) };
    for about in children(document, signed, space, "SignedSignatureProperties") {
        for local in ["SigningCertificateV2", "SigningCertificate"] {
            for list in children(document, about, space, local) {
                for entry in children(document, list, space, "Cert") {
                    match verdict(CertificateReference::read(document, entry, space))? {
                        Ok(reference) if found.len() < PATH_SIGNATURES_MAX => found.push(reference),
                        Ok(_) => {}
                        Err(reason) => {
                            notes.push(reason);
                            // It is there, but about no certificate.
                            found.push(CertificateReference { hash: None, digest: Vec::new(), issuer: None });
                        }
                    }
                }
            }
        }
    }
    Ok(found)
}

impl CertificateReference {
    fn read(document: &Document<'_>, entry: NodeId, space: &str) -> Result<Self, FormatError> {
        let digest = document.child_named(entry, space, "CertDigest");
        let part = |local: &str| {
            let digest = digest?;
            // XAdES 1.1.1 has elements of its own for these.
            document.child_named(digest, DS, local).or_else(|| document.child_named(digest, space, local))
        };
        let hash =
            part("DigestMethod").and_then(|method| document.attribute(method, "", "Algorithm")).and_then(hash_of);
        let digest = match part("DigestValue") {
            Some(value) => octets(document, value)?,
            None => Vec::new(),
        };
        Ok(Self { hash, digest, issuer: Issuer::read(document, entry, space) })
    }
}

/// What the references say of a certificate; `None`: none of them is about it.
fn named_by(der: &[u8], references: &[CertificateReference]) -> Option<SignerReference> {
    references.iter().find_map(|reference| {
        let hash = reference.hash?;
        let fits = hash.digest(der).is_ok_and(|digest| digest == reference.digest);
        let differs = || reference.issuer.as_ref().is_some_and(|issuer| !issuer::is_of(issuer, der));
        fits.then(|| SignerReference::Matches { hash, issuer_differs: differs() })
    })
}

/// Why a value with this algorithm cannot be checked.
fn unknown_method(uri: &str) -> Reason {
    let what = if uri.contains("#hmac-") {
        "whoever can check it can make it (HMAC), so that it proves nothing about a signer"
    } else {
        "its algorithm is not known"
    };
    let sentence = format!("the value of a signature cannot be checked: {what} (\"{}\")", super::shown(uri));
    Reason::new("algorithm-unknown", sentence)
}

fn unreadable_key() -> Reason {
    Reason::new("signature-broken", "a signature in the file is broken: the certificate of its signer cannot be read")
}
