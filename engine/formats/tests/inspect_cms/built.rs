//! Messages put together by hand, so that each can break one rule.

use super::support::world;
use formats::cms::identifiers::{
    OID_CONTENT_TYPE, OID_DATA, OID_MESSAGE_DIGEST, OID_SIGNED_DATA, OID_SIGNING_CERTIFICATE_V2, OID_SIGNING_TIME,
};
use formats::der::{TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_SEQUENCE, TAG_SET, TAG_UTC_TIME, set_of, tlv};
use openssl::hash::MessageDigest;
use openssl::sha::sha256;
use std::sync::Arc;
use testkit::pki::{Identity, KeyKind};

pub(crate) const SHA256: &[u8] = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
pub(crate) const RSA_SHA256: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00";

pub(crate) fn attribute(oid: &[u8], values: &[&[u8]]) -> Vec<u8> {
    tlv(TAG_SEQUENCE, &[oid, &tlv(TAG_SET, values)])
}

/// One signer's message; every piece may be exchanged before it is signed.
#[derive(Clone)]
pub(crate) struct Built {
    pub(crate) identity: Arc<Identity>,
    pub(crate) content_type: Vec<u8>,
    pub(crate) content: Vec<u8>,
    /// Signed attributes; `None`: the content itself is signed.
    pub(crate) attributes: Option<Vec<Vec<u8>>>,
    pub(crate) unsigned: Vec<Vec<u8>>,
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) digest: Vec<u8>,
    pub(crate) method: Vec<u8>,
}

impl Built {
    pub(crate) fn new(content: &[u8]) -> Self {
        let identity = world().signer(KeyKind::Rsa2048).unwrap();
        let certificate = identity.certificate_der();
        Self {
            content_type: OID_DATA.to_vec(),
            content: content.to_vec(),
            attributes: Some(vec![
                attribute(OID_CONTENT_TYPE, &[OID_DATA]),
                attribute(OID_MESSAGE_DIGEST, &[&tlv(TAG_OCTET_STRING, &[&sha256(content)])]),
                attribute(OID_SIGNING_TIME, &[&tlv(TAG_UTC_TIME, &[b"251123130101Z"])]),
                attribute(OID_SIGNING_CERTIFICATE_V2, &[&reference(&certificate)]),
            ]),
            unsigned: Vec::new(),
            certificates: vec![certificate],
            digest: SHA256.to_vec(),
            method: RSA_SHA256.to_vec(),
            identity,
        }
    }

    /// The attribute of this type is put in again with these values, or left out if there are none.
    pub(crate) fn with(mut self, oid: &[u8], values: &[&[u8]]) -> Self {
        let attributes = self.attributes.get_or_insert_default();
        attributes.retain(|attribute| !attribute[2..].starts_with(oid) && !attribute[4..].starts_with(oid));
        if !values.is_empty() {
            attributes.push(attribute(oid, values));
        }
        self
    }

    /// This signed attribute in addition.
    pub(crate) fn and(mut self, oid: &[u8], value: &[u8]) -> Self {
        self.attributes.get_or_insert_default().push(attribute(oid, &[value]));
        self
    }

    pub(crate) fn and_unsigned(mut self, oid: &[u8], value: &[u8]) -> Self {
        self.unsigned.push(attribute(oid, &[value]));
        self
    }

    pub(crate) fn signer_info(&self) -> Vec<u8> {
        let sign = |bytes: &[u8]| {
            let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), self.identity.key()).unwrap();
            signer.sign_oneshot_to_vec(bytes).unwrap()
        };
        let (attributes, value) = match &self.attributes {
            Some(attributes) => {
                let set = set_of(TAG_SET, attributes.clone());
                let value = sign(&set);
                (set_of(TAG_CONTEXT_0, attributes.clone()), value)
            }
            None => (Vec::new(), sign(&self.content)),
        };
        let certificate = self.identity.certificate_der();
        let parsed = formats::cms::certificate::Certificate::parse(&certificate).unwrap();
        let sid = tlv(TAG_SEQUENCE, &[parsed.issuer, parsed.serial]);
        let value = tlv(TAG_OCTET_STRING, &[&value]);
        let unsigned = if self.unsigned.is_empty() { Vec::new() } else { set_of(TAG_CONTEXT_1, self.unsigned.clone()) };
        tlv(TAG_SEQUENCE, &[b"\x02\x01\x01", &sid, &self.digest, &attributes, &self.method, &value, &unsigned])
    }

    pub(crate) fn message(&self) -> Vec<u8> {
        self.message_of(&[self.signer_info()])
    }

    /// The message with these signers.
    pub(crate) fn message_of(&self, signers: &[Vec<u8>]) -> Vec<u8> {
        tlv(TAG_SEQUENCE, &[OID_SIGNED_DATA, &tlv(TAG_CONTEXT_0, &[&self.signed_data(signers)])])
    }

    pub(crate) fn signed_data(&self, signers: &[Vec<u8>]) -> Vec<u8> {
        let content = tlv(TAG_CONTEXT_0, &[&tlv(TAG_OCTET_STRING, &[&self.content])]);
        let encapsulated = tlv(TAG_SEQUENCE, &[&self.content_type, &content]);
        let certificates = tlv(TAG_CONTEXT_0, &self.certificates.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let signers = tlv(TAG_SET, &signers.iter().map(Vec::as_slice).collect::<Vec<_>>());
        tlv(TAG_SEQUENCE, &[b"\x02\x01\x01", &tlv(TAG_SET, &[&self.digest]), &encapsulated, &certificates, &signers])
    }
}

/// SigningCertificateV2 with SHA-256.
pub(crate) fn reference(certificate: &[u8]) -> Vec<u8> {
    let id = tlv(TAG_SEQUENCE, &[&tlv(TAG_OCTET_STRING, &[&sha256(certificate)])]);
    tlv(TAG_SEQUENCE, &[&tlv(TAG_SEQUENCE, &[&id])])
}
