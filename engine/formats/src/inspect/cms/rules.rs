//! The rules that a SignerInfo keeps by RFC 5652 chapters 5 and 11, RFC 4056 and RFC 6211 (format checking, EN 319 102-1
//! clause 5.2.2): what breaks them is a fault, what only programs of old do is a note.

use crate::cms::identifiers::{
    OID_ALGORITHM_PROTECTION, OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2, OID_ARCHIVE_TIME_STAMP_3,
    OID_CONTENT_TYPE, OID_COUNTERSIGNATURE, OID_DATA, OID_MESSAGE_DIGEST, OID_SIGNATURE_TIME_STAMP,
    OID_SIGNING_CERTIFICATE, OID_SIGNING_CERTIFICATE_V2, OID_SIGNING_TIME,
};
use crate::cms::message::{Attributed, SignerInfo};
use crate::der::{DerError, Reader, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE};
use crate::signature::{HashAlgorithm, Method, dotted};
use model::Reason;

/// Of these there is one, with one value (RFC 5652 sections 11.1 to 11.3, RFC 6211 section 2).
const ONCE: [(&[u8], &str); 4] = [
    (OID_CONTENT_TYPE, "the type of the content"),
    (OID_MESSAGE_DIGEST, "the digest of the content"),
    (OID_SIGNING_TIME, "the time of signing"),
    (OID_ALGORITHM_PROTECTION, "the algorithms"),
];

/// These are signed or not there at all.
const SIGNED_ONLY: [(&[u8], &str); 6] = [
    ONCE[0],
    ONCE[1],
    ONCE[2],
    ONCE[3],
    (OID_SIGNING_CERTIFICATE, "the reference to the signer's certificate"),
    (OID_SIGNING_CERTIFICATE_V2, "the reference to the signer's certificate"),
];

/// These are not signed.
const UNSIGNED_ONLY: [(&[u8], &str); 5] = [
    (OID_COUNTERSIGNATURE, "a counter-signature"),
    (OID_SIGNATURE_TIME_STAMP, "a time stamp over the signature"),
    (OID_ARCHIVE_TIME_STAMP_1, "an archive time stamp"),
    (OID_ARCHIVE_TIME_STAMP_2, "an archive time stamp"),
    (OID_ARCHIVE_TIME_STAMP_3, "an archive time stamp"),
];

/// Faults and notes. `content_type`: what the signed attribute must say; `None`: a counter-signature, which has none.
pub(super) fn judge(signer: &SignerInfo, content_type: Option<&[u8]>) -> (Vec<Reason>, Vec<Reason>) {
    let mut found = Found { faults: Vec::new(), notes: Vec::new() };
    let signed: Vec<Attributed<'_>> = signer.signed_attributes().collect();
    let unsigned: Vec<Attributed<'_>> = signer.unsigned_attributes().collect();
    if signer.signed_bytes().is_some() {
        found.contents(signer, content_type);
        for (oid, what) in ONCE {
            let there: Vec<&Attributed<'_>> = signed.iter().filter(|attribute| attribute.oid == oid).collect();
            let values: usize = there.iter().map(|attribute| attribute.values.len()).sum();
            if there.len() > 1 || values > 1 || there.len() == 1 && values == 0 {
                found.fault("attribute-repeated", format!("{what} is in the signature {values} times instead of once"));
            }
        }
        found.repeated(&signed);
    } else if content_type.is_some_and(|kind| kind != OID_DATA) {
        let sentence = "the signature has no signed attributes, which only plain data may go without";
        found.fault("signed-attributes-missing", sentence.into());
    } else {
        let sentence = "the signature has no signed attributes: it says nothing but that the content was signed";
        found.note("no-signed-attributes", sentence.into());
    }
    for (oid, what) in SIGNED_ONLY {
        if unsigned.iter().any(|attribute| attribute.oid == oid) {
            found.fault("attribute-not-signed", format!("{what} is in the signature, but not signed"));
        }
    }
    for (oid, what) in UNSIGNED_ONLY {
        if signed.iter().any(|attribute| attribute.oid == oid) {
            found.fault("attribute-signed", format!("{what} is among the signed attributes, where none can be"));
        }
    }
    found.algorithms(signer);
    (found.faults, found.notes)
}

struct Found {
    faults: Vec<Reason>,
    notes: Vec<Reason>,
}

impl Found {
    fn fault(&mut self, code: &'static str, sentence: String) {
        self.faults.push(Reason::new(code, sentence));
    }

    fn note(&mut self, code: &'static str, sentence: String) {
        self.notes.push(Reason::new(code, sentence));
    }

    /// content-type and message-digest (RFC 5652 section 5.3).
    fn contents(&mut self, signer: &SignerInfo, content_type: Option<&[u8]>) {
        match (content_type, &signer.signed(OID_CONTENT_TYPE)[..]) {
            (None, []) => {}
            (None, _) => {
                self.fault(
                    "content-type-in-counter-signature",
                    "a counter-signature must not name a content type".into(),
                );
            }
            (Some(_), []) => self.fault("content-type-missing", "the type of the content is not signed".into()),
            (Some(expected), values) if values.iter().all(|value| *value == expected) => {}
            (Some(_), _) => {
                self.fault("content-type-differs", "the signed type of the content is not that of the content".into());
            }
        }
        match signer.signed(OID_MESSAGE_DIGEST)[..] {
            [] => self.fault("message-digest-missing", "the digest of the content is not signed".into()),
            [value] if Reader::new(value).expect(TAG_OCTET_STRING).is_err() => {
                self.fault("message-digest-unreadable", "the signed digest of the content cannot be read".into());
            }
            _ => {}
        }
    }

    /// Attributes of other kinds that are there several times.
    fn repeated(&mut self, signed: &[Attributed<'_>]) {
        let known = |oid: &[u8]| ONCE.iter().any(|(once, _)| *once == oid);
        let mut seen: Vec<&[u8]> = Vec::new();
        for oid in signed.iter().map(|attribute| attribute.oid).filter(|oid| !known(oid)) {
            if seen.contains(&oid) {
                let name = Reader::new(oid).expect(TAG_OID).map(|oid| dotted(oid.value)).unwrap_or_default();
                self.note("attribute-repeated", format!("the signed attribute {name} is there several times"));
            } else {
                seen.push(oid);
            }
        }
    }

    /// That the algorithms of the signature agree with each other.
    fn algorithms(&mut self, signer: &SignerInfo) {
        let digest = HashAlgorithm::of_identifier(signer.digest_algorithm());
        let method = Method::of_signer_info(signer.signature_algorithm(), signer.digest_algorithm());
        if let (Ok(digest), Ok(method)) = (&digest, &method) {
            match method {
                // RFC 4056 section 3
                Method::RsaPss(pss) if pss.hash != *digest => {
                    let sentence = "the digest algorithm is not that of the parameters of the signature (RSA-PSS)";
                    self.fault("pss-digest-differs", sentence.into());
                }
                method if method.hash().is_some_and(|hash| hash != *digest) => {
                    let sentence = "content and signature are digested with different algorithms";
                    self.note("digest-algorithms-differ", sentence.into());
                }
                _ => {}
            }
        }
        if let [value] = signer.signed(OID_ALGORITHM_PROTECTION)[..]
            && !protects(value, signer).unwrap_or(false)
        {
            let sentence = "the signed names of the algorithms are not those of the algorithms that are used";
            self.fault("algorithm-protection", sentence.into());
        }
    }
}

/// Whether a CMSAlgorithmProtection (RFC 6211 section 2) names the algorithms of its signature.
fn protects(value: &[u8], signer: &SignerInfo) -> Result<bool, DerError> {
    let mut fields = Reader::new(value).enter(TAG_SEQUENCE)?;
    let digest = fields.expect(TAG_SEQUENCE)?;
    let Some(signature) = fields.optional(TAG_CONTEXT_1)? else { return Ok(false) };
    let used_digest = Reader::new(signer.digest_algorithm()).expect(TAG_SEQUENCE)?;
    let used_signature = Reader::new(signer.signature_algorithm()).expect(TAG_SEQUENCE)?;
    Ok(same_algorithm(digest.value, used_digest.value) && same_algorithm(signature.value, used_signature.value))
}

/// Whether the contents of two AlgorithmIdentifiers are alike; absent parameters equal NULL.
fn same_algorithm(one: &[u8], other: &[u8]) -> bool {
    let without_null = |bytes: &'_ [u8]| bytes.strip_suffix(&[5, 0]).unwrap_or(bytes).to_vec();
    one == other || without_null(one) == without_null(other)
}
