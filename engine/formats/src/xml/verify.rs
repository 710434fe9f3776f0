//! Whether an XML signature of any maker is intact: each reference, the signature value, and the qualifying properties
//! of XAdES. Trust, validity and the suitability of algorithms are judged elsewhere.
//!
//! A verdict is about exactly the nodes and octets that were hashed; nothing is looked up a second time.

use super::algorithms::{DS, DSIG11, MANIFEST, XADES, curve_of, hash_of};
use super::c14n::{self, NodeSet};
use super::reference::{self, Outside};
use super::signature::{self, Reference, Signature, children, malformed, octets, unknown};
use super::tree::{Document, NodeId};
use crate::cms::certificate::Certificate;
use crate::der::{self, TAG_BIT_STRING, TAG_INTEGER, TAG_OID, TAG_SEQUENCE};
use crate::prepare::FormatError;
use crate::signature::Unverified;
use model::Reason;
use model::limits::XML_REFERENCES_MAX;

/// What was found out about one signature.
#[derive(Debug)]
pub struct Checked {
    /// The signature.
    pub signature: Signature,
    /// Each reference in order.
    pub references: Vec<CheckedReference>,
    /// Whether the signature value was made with the key, over `SignedInfo`.
    pub value: Result<(), Reason>,
    /// Whose key it is.
    pub key: Option<Key>,
    /// The certificates in `KeyInfo`, DER, in order.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the qualifying properties of XAdES, if there are any, are signed and name the key's certificate.
    pub properties: Result<(), Reason>,
}

/// What was found out about one reference.
#[derive(Debug)]
pub struct CheckedReference {
    /// The reference.
    pub reference: Reference,
    /// Whether its digest is right.
    pub digest: Result<(), Reason>,
    /// The nodes of the signature's own document that it is over; `None` if it is over a file outside, or unresolved.
    pub nodes: Option<NodeSet>,
    /// For a reference to a `ds:Manifest`: each reference in that one. They do not count for the signature (XML-DSig 1.1
    /// section 5.1), but the signer meant them.
    pub manifest: Vec<CheckedReference>,
}

/// The key that made a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// That of a certificate, DER.
    Certificate(Vec<u8>),
    /// One without a certificate: a SubjectPublicKeyInfo, DER.
    Bare(Vec<u8>),
}

impl Key {
    /// The certificate, if there is one.
    pub fn certificate(&self) -> Option<&[u8]> {
        match self {
            Key::Certificate(der) => Some(der),
            Key::Bare(_) => None,
        }
    }
}

impl Checked {
    /// The first thing that is wrong. Manifests do not count.
    pub fn fault(&self) -> Option<&Reason> {
        let references = self.references.iter().map(|reference| &reference.digest);
        [&self.value].into_iter().chain(references).chain([&self.properties]).find_map(|result| result.as_ref().err())
    }

    /// Whether the signature is over this node of its own document.
    pub fn covers(&self, node: NodeId) -> bool {
        let sets = self.references.iter().filter_map(|reference| reference.nodes.as_ref());
        sets.into_iter().any(|nodes| nodes.contains(node))
    }
}

/// Checks every signature of a document that is not inside of another one. An error is one of the medium, or of the
/// document as a whole; what is wrong with one signature is said in its place.
pub fn check_all(document: &Document<'_>, outside: &Outside<'_>) -> Result<Vec<Result<Checked, Reason>>, FormatError> {
    let nodes = signature::find(document)?;
    nodes.into_iter().map(|node| verdict(check(document, node, outside))).collect()
}

/// Checks the signature at this element. An error: it cannot be read, or the medium is at fault.
pub fn check(document: &Document<'_>, node: NodeId, outside: &Outside<'_>) -> Result<Checked, FormatError> {
    let signature = Signature::read(document, node)?;
    let mut references = Vec::with_capacity(signature.references.len());
    let mut in_manifests = 0;
    for reference in &signature.references {
        let mut checked = check_reference(document, &signature, reference, outside)?;
        if reference.kind == MANIFEST && checked.digest.is_ok() {
            checked.manifest = check_manifest(document, &signature, reference, outside, &mut in_manifests)?;
        }
        references.push(checked);
    }
    let certificates = signature.certificates(document)?;
    let key = find_key(document, &signature, &certificates, outside);
    let (key, value) = match verdict(key)? {
        Ok(key) => (Some(key), Ok(())),
        Err(reason) => (None, Err(reason)),
    };
    let properties = verdict(check_properties(document, &signature, key.as_ref()))?;
    Ok(Checked { signature, references, value, key, certificates, properties })
}

fn check_reference(
    document: &Document<'_>,
    signature: &Signature,
    reference: &Reference,
    outside: &Outside<'_>,
) -> Result<CheckedReference, FormatError> {
    let mut nodes = None;
    let mut check = || {
        let mut running = reference.hash.start().map_err(unverified)?;
        let mut failed = None;
        let mut sink = |piece: &[u8]| failed = failed.take().or(running.update(piece).err());
        nodes = reference::dereference(document, signature, reference, outside, None, &mut sink)?;
        match failed {
            Some(error) => Err(unverified(error)),
            None if running.finish().map_err(unverified)? == reference.digest => Ok(()),
            None => {
                let shown: String = reference.uri.as_deref().unwrap_or_default().chars().take(120).collect();
                Err(broken(&format!("what its reference \"{shown}\" points to is not what was signed")))
            }
        }
    };
    let digest = verdict(check())?;
    Ok(CheckedReference { reference: reference.clone(), digest, nodes, manifest: Vec::new() })
}

fn check_manifest(
    document: &Document<'_>,
    signature: &Signature,
    reference: &Reference,
    outside: &Outside<'_>,
    count: &mut usize,
) -> Result<Vec<CheckedReference>, FormatError> {
    let Some(manifest) = reference::target(document, reference)? else { return Ok(Vec::new()) };
    let mut checked = Vec::new();
    for node in children(document, manifest, DS, "Reference") {
        *count += 1;
        if *count > XML_REFERENCES_MAX {
            return Err(malformed(&format!("its manifests have more than {XML_REFERENCES_MAX} references")));
        }
        let entry = Reference::read(document, node)?;
        checked.push(check_reference(document, signature, &entry, outside)?);
    }
    Ok(checked)
}

/// The first key that made the signature value, of those that `KeyInfo` gives and those from outside.
fn find_key(
    document: &Document<'_>,
    signature: &Signature,
    certificates: &[Vec<u8>],
    outside: &Outside<'_>,
) -> Result<Key, FormatError> {
    let set = NodeSet::subtree(document, signature.signed_info);
    let message = c14n::canonical_bytes(document, &set, &signature.canonicalization)?;
    let mut last = None;
    let mut made_by = |key: &[u8]| match signature.method.verify(key, &message, &signature.value) {
        Ok(()) => true,
        Err(error) => {
            last = Some(error);
            false
        }
    };
    for certificate in certificates.iter().chain(outside.certificates) {
        let Ok(parsed) = Certificate::parse(certificate) else { continue };
        if made_by(parsed.public_key.raw) {
            return Ok(Key::Certificate(certificate.clone()));
        }
    }
    for key in bare_keys(document, signature.key_info)? {
        if made_by(&key) {
            return Ok(Key::Bare(key));
        }
    }
    Err(match last {
        Some(error) => unverified(error),
        None => {
            let sentence = "the certificate of a signer is not in the file, so that its signature cannot be checked";
            FormatError::document("signer-certificate-missing", sentence)
        }
    })
}

/// Each `ds:KeyValue` of a `ds:KeyInfo` as a SubjectPublicKeyInfo.
pub(crate) fn bare_keys(document: &Document<'_>, key_info: Option<NodeId>) -> Result<Vec<Vec<u8>>, FormatError> {
    let Some(info) = key_info else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for value in children(document, info, DS, "KeyValue") {
        let field = |parent: NodeId, local: &str| {
            let node = document.child_named(parent, DS, local);
            octets(document, node.ok_or_else(|| malformed(&format!("a key in it has no {local}")))?)
        };
        if let Some(rsa) = document.child_named(value, DS, "RSAKeyValue") {
            let key = [integer(&field(rsa, "Modulus")?), integer(&field(rsa, "Exponent")?)].concat();
            found.push(public_key(&[RSA_ENCRYPTION], &der::tlv(TAG_SEQUENCE, &[&key])));
        } else if let Some(dsa) = document.child_named(value, DS, "DSAKeyValue") {
            let domain = [field(dsa, "P")?, field(dsa, "Q")?, field(dsa, "G")?].map(|number| integer(&number)).concat();
            let domain = der::tlv(TAG_SEQUENCE, &[&domain]);
            found.push(public_key(&[ID_DSA, &domain], &integer(&field(dsa, "Y")?)));
        } else if let Some(ec) = document.child_named(value, DSIG11, "ECKeyValue") {
            let curve = document.child_named(ec, DSIG11, "NamedCurve");
            let curve = curve.and_then(|curve| document.attribute(curve, "", "URI")).and_then(curve_of);
            let point = document.child_named(ec, DSIG11, "PublicKey");
            if let (Some(curve), Some(point)) = (curve, point) {
                let curve = der::tlv(TAG_OID, &[curve]);
                found.push(public_key(&[ID_EC, &curve], &octets(document, point)?));
            }
        }
    }
    Ok(found)
}

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1).
fn public_key(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    der::tlv(TAG_SEQUENCE, &[&der::tlv(TAG_SEQUENCE, algorithm), &der::tlv(TAG_BIT_STRING, &[&[0], key])])
}

/// A DER INTEGER from an unsigned number of any length (ds:CryptoBinary).
fn integer(number: &[u8]) -> Vec<u8> {
    let significant =
        number.iter().position(|byte| *byte != 0).map_or(&[][..], |at| number.get(at..).unwrap_or_default());
    let sign: &[u8] = if significant.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    der::tlv(TAG_INTEGER, &[sign, significant])
}

/// The algorithm of an RSA key, with its NULL.
const RSA_ENCRYPTION: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
const ID_DSA: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01";
const ID_EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";

/// The signed properties must be signed, by a reference to exactly them, and name the signer's certificate.
fn check_properties(document: &Document<'_>, signature: &Signature, key: Option<&Key>) -> Result<(), FormatError> {
    let Some(properties) = signature.signed_properties(document) else { return Ok(()) };
    let is_typed = |reference: &&Reference| {
        reference.kind.starts_with("http://uri.etsi.org/01903") && reference.kind.ends_with("#SignedProperties")
    };
    let mut typed = signature.references.iter().filter(is_typed);
    let (Some(reference), None) = (typed.next(), typed.next()) else {
        return Err(broken("its qualifying properties are not signed"));
    };
    if reference::target(document, reference)? != Some(properties) {
        return Err(broken("other qualifying properties are signed than those that it has"));
    }
    let Some(certificate) = key.and_then(Key::certificate) else { return Ok(()) };
    let Some(about) = document.child_named(properties, XADES, "SignedSignatureProperties") else { return Ok(()) };
    for local in ["SigningCertificateV2", "SigningCertificate"] {
        let Some(list) = document.child_named(about, XADES, local) else { continue };
        let mut names = false;
        for entry in children(document, list, XADES, "Cert") {
            names |= entry_names(document, entry, certificate)?;
        }
        if !names {
            return Err(broken("the certificate is not the one that was signed with the content"));
        }
    }
    Ok(())
}

/// Whether a `Cert` has the digest of this certificate.
fn entry_names(document: &Document<'_>, entry: NodeId, certificate: &[u8]) -> Result<bool, FormatError> {
    let Some(digest) = document.child_named(entry, XADES, "CertDigest") else { return Ok(false) };
    let method = document.child_named(digest, DS, "DigestMethod");
    let uri = method.and_then(|method| document.attribute(method, "", "Algorithm")).unwrap_or_default();
    let hash = hash_of(uri).ok_or_else(|| unknown(uri))?;
    let Some(value) = document.child_named(digest, DS, "DigestValue") else { return Ok(false) };
    Ok(hash.digest(certificate).map_err(unverified)? == octets(document, value)?)
}

/// Faults of the document become a verdict; those of the medium stay errors.
pub(crate) fn verdict<T>(result: Result<T, FormatError>) -> Result<Result<T, Reason>, FormatError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(FormatError::Document(reason)) => Ok(Err(reason)),
        Err(error) => Err(error),
    }
}

/// The signature does not fit.
pub(crate) fn broken(what: &str) -> FormatError {
    FormatError::document("signature-broken", format!("a signature in the file is broken: {what}"))
}

/// What the attempt to check something by cryptography came to.
pub(crate) fn unverified(error: Unverified) -> FormatError {
    match error {
        Unverified::UnknownAlgorithm(_) | Unverified::Library => {
            FormatError::document("algorithm-unknown", format!("a signature in the file cannot be checked: {error}"))
        }
        error => broken(&error.to_string()),
    }
}
