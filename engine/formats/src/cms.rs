//! CMS SignedData (RFC 5652) with one signer, from a template: whatever does not change from document to document is
//! encoded once. Plain PKCS#7 of old, CAdES B-B (EN 319 122-1) and the CMS inside PDF signatures.
//!
//! Never holds a document: digests come in, and enveloping signatures leave as a head and a tail around the content.

pub mod add;
mod attributes;
pub mod certificate;
mod check;
pub mod identifiers;
pub mod lift;
pub mod message;
mod outline;
pub mod reader;
mod stamps;
mod verify;

pub use check::verify_own;
pub(crate) use verify::in_der_order;

use crate::crypto::{self, PublicKey};
use crate::der::{self, TAG_CONTEXT_0, TAG_OCTET_STRING, TAG_SEQUENCE, TAG_SET};
use crate::prepare::FormatError;
use attributes::Attributes;
use certificate::Certificate;
use identifiers::{OID_DATA, OID_SIGNED_DATA, digest_identifier, signature_identifier};
use model::limits::CHAIN_CERTIFICATES_MAX;
use model::profile::Format;
use model::{Digest, KeyKind, Scheme, SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};
use std::sync::Arc;

/// `INTEGER 1`: the version of SignedData and of SignerInfo with issuerAndSerialNumber and id-data (RFC 5652 sections
/// 5.1 and 5.3).
const VERSION_1: &[u8] = &[der::TAG_INTEGER, 1, 1];

/// Which signed attributes a form has beside message-digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// content-type: in all but counter-signatures (RFC 5652 section 11.4).
    pub content_type: bool,
    /// signing-time: in CAdES and in the older forms; PAdES forbids it and puts the time into the PDF.
    pub signing_time: bool,
    /// signing-certificate-v2: in CAdES and PAdES.
    pub signing_certificate: bool,
}

impl Shape {
    /// The attributes of a format.
    pub fn of(format: Format) -> Self {
        match format {
            Format::Cms { .. }
            | Format::Pdf
            | Format::Xmldsig(_)
            | Format::TimeStamp
            | Format::Extended
            | Format::Encrypted
            | Format::Decrypted => Self { content_type: true, signing_time: true, signing_certificate: false },
            Format::Cades { .. } | Format::Xades(_) | Format::Asic { .. } => {
                Self { content_type: true, signing_time: true, signing_certificate: true }
            }
            Format::Pades => Self { content_type: true, signing_time: false, signing_certificate: true },
        }
    }

    /// The attributes of a counter-signature of a format.
    pub fn of_counter(format: Format) -> Self {
        Self { content_type: false, ..Self::of(format) }
    }
}

/// All constant parts of the signatures of one signer with one algorithm in one shape. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Template(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    algorithm: SignatureAlgorithm,
    public_key: PublicKey,
    attributes: Attributes,
    /// `version` and `digestAlgorithms` of SignedData.
    front: Vec<u8>,
    /// `certificates [0]`.
    certificates: Vec<u8>,
    /// `version`, `sid` and `digestAlgorithm` of SignerInfo.
    signer_front: Vec<u8>,
    /// `signatureAlgorithm` of SignerInfo.
    signature_algorithm: Vec<u8>,
    value_length_max: usize,
}

impl Template {
    /// Reads the signer's certificate and lays out what its signatures have in common. The signer is at fault when its
    /// certificates cannot be read, or its key is not of the kind it says or cannot be used with the algorithm.
    pub fn new(signer: &Signer, algorithm: SignatureAlgorithm, shape: Shape) -> Result<Self, FormatError> {
        let unreadable = |which: &str| {
            FormatError::setup("certificate-unreadable", format!("{which} of signer {} cannot be read", signer.name))
        };
        let certificate = Certificate::parse(&signer.certificate).map_err(|_| unreadable("the certificate"))?;
        let key = check_key(signer, &certificate, algorithm)?;
        let public_key = PublicKey::new(key, certificate.public_key.bits, algorithm)
            .map_err(|error| FormatError::setup("key-unusable", format!("signer {}: {error}", signer.name)))?;

        if signer.chain.len() >= CHAIN_CERTIFICATES_MAX {
            let sentence = format!("signer {} has more than {CHAIN_CERTIFICATES_MAX} certificates", signer.name);
            return Err(FormatError::setup("chain-too-long", sentence));
        }
        let mut certificates = vec![signer.certificate.to_vec()];
        for further in &signer.chain {
            Certificate::parse(further).map_err(|_| unreadable("a certificate in the chain"))?;
            // A set: files with chains often repeat the signer's own certificate.
            if !certificates.iter().any(|known| known[..] == further[..]) {
                certificates.push(further.to_vec());
            }
        }

        let digest = digest_identifier(algorithm.digest);
        let issuer_and_serial = der::tlv(TAG_SEQUENCE, &[certificate.issuer, certificate.serial]);
        Ok(Self(Arc::new(Parts {
            algorithm,
            public_key,
            attributes: Attributes::new(&signer.certificate, algorithm, shape),
            front: [VERSION_1, &der::tlv(TAG_SET, &[&digest])].concat(),
            certificates: der::set_of(TAG_CONTEXT_0, certificates),
            signer_front: [VERSION_1, &issuer_and_serial, &digest].concat(),
            signature_algorithm: signature_identifier(algorithm),
            value_length_max: value_length_max(key),
        })))
    }

    /// The algorithm it was made for.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm
    }

    /// No finished detached signature is longer than this, in bytes.
    pub fn length_max(&self) -> usize {
        let attributes = self.0.attributes.length_max() as u64;
        let value = self.0.value_length_max as u64;
        // Every length was counted from bytes in memory.
        self.0.frame(attributes, value, None).map_or(usize::MAX, |frame| frame.total() as usize)
    }

    /// Whether a SignerIdentifier is that of this signer.
    fn is_signer(&self, id: &[u8]) -> bool {
        self.0.signer_front.strip_prefix(VERSION_1).is_some_and(|rest| rest.starts_with(id))
    }

    /// Builds the signed attributes around the content's digest: the input for the token.
    pub fn begin(&self, digest: Digest, now: Time) -> Result<Pending, FormatError> {
        let algorithm = self.0.algorithm;
        if digest.algorithm() != algorithm.digest {
            let (wanted, got) = (algorithm.digest, digest.algorithm());
            return Err(FormatError::setup(
                "digest-algorithm",
                format!("{algorithm} needs a {wanted} digest, not {got}"),
            ));
        }
        let attributes = self.0.attributes.fill(&digest, now);
        let to_be_signed = if algorithm.scheme.signs_message() {
            ToBeSigned::Message { algorithm, message: attributes.clone() }
        } else {
            ToBeSigned::Digest { algorithm, digest: crypto::digest(algorithm.digest, &attributes) }
        };
        Ok(Pending { parts: Arc::clone(&self.0), attributes, to_be_signed })
    }
}

/// The key in the certificate, if it is the one that the signer names and it fits the algorithm.
pub(crate) fn check_key(
    signer: &Signer,
    certificate: &Certificate<'_>,
    algorithm: SignatureAlgorithm,
) -> Result<KeyKind, FormatError> {
    let name = &signer.name;
    let wrong = |sentence: String| Err(FormatError::setup("key-kind", sentence));
    match certificate.public_key.kind {
        None => wrong(format!("the certificate of signer {name} has a kind of key that sealmill does not sign with")),
        Some(key) if key != signer.key => {
            wrong(format!("the certificate of signer {name} has a {key} key, but its private key is {}", signer.key))
        }
        Some(key) if !algorithm.fits(key) => wrong(format!("signer {name}: a {key} key cannot sign with {algorithm}")),
        Some(_) if certificate.public_key.pss_only && algorithm.scheme != Scheme::RsaPss => {
            wrong(format!("the certificate of signer {name} allows RSA-PSS only; set `pss = true`"))
        }
        Some(key) => Ok(key),
    }
}

/// Longest signature value of a key, in bytes.
fn value_length_max(key: KeyKind) -> usize {
    match key {
        KeyKind::Rsa { bits } => bits.div_ceil(8) as usize,
        KeyKind::Ec(curve) => {
            // Two INTEGERs, each with a zero in front if its first bit is set.
            let integer = curve.field_bytes() + 1;
            let pair = 2 * (der::header_length(integer as u64) + integer);
            der::header_length(pair as u64) + pair
        }
        KeyKind::Ed25519 => 64,
        KeyKind::MlDsa65 => 3309,
    }
}

impl Parts {
    /// All lengths of a message, from the inside out. `None`: some length does not fit 64 bits.
    fn frame(&self, attributes: u64, value: u64, content: Option<u64>) -> Option<Frame> {
        let around = |length: u64| length.checked_add(der::header_length(length) as u64);
        // The attributes are given with their header, which has the same length as that of the implicit [0].
        let signer =
            self.signer_front.len() as u64 + attributes + self.signature_algorithm.len() as u64 + around(value)?;
        let signers = around(signer)?;
        let encapsulated = OID_DATA.len() as u64
            + match content {
                Some(length) => around(around(length)?)?,
                None => 0,
            };
        let signed_data = (self.front.len() as u64 + self.certificates.len() as u64)
            .checked_add(around(encapsulated)?)?
            .checked_add(around(signers)?)?;
        let explicit = around(signed_data)?;
        let outer = around(explicit)?.checked_add(OID_SIGNED_DATA.len() as u64)?;
        around(outer)?;
        Some(Frame { signer, signers, encapsulated, signed_data, explicit, outer })
    }
}

/// Lengths of the contents of nested values, without their headers.
struct Frame {
    signer: u64,
    signers: u64,
    encapsulated: u64,
    signed_data: u64,
    explicit: u64,
    outer: u64,
}

impl Frame {
    fn total(&self) -> u64 {
        self.outer + der::header_length(self.outer) as u64
    }
}

/// A signature that waits for its value.
#[derive(Debug)]
pub struct Pending {
    parts: Arc<Parts>,
    /// With the universal tag.
    attributes: Vec<u8>,
    to_be_signed: ToBeSigned,
}

impl Pending {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        &self.to_be_signed
    }

    /// Makes sure that the value was made with the private key that belongs to the certificate, over these bytes.
    pub fn check(&self, value: &SignatureValue) -> Result<(), FormatError> {
        self.parts.public_key.verify(&self.to_be_signed, value).map_err(|_| {
            FormatError::WrongSignature("the value does not fit the signer's certificate and the signed attributes")
        })
    }

    /// The finished message without content.
    pub fn finish(&self, value: &SignatureValue) -> Result<Vec<u8>, FormatError> {
        let frame = self.frame(value, None)?;
        let mut out = Vec::with_capacity(frame.total() as usize);
        self.write_head(&mut out, &frame, None);
        self.write_tail(&mut out, &frame, value);
        Ok(out)
    }

    /// The finished message as what comes before and what comes behind a content of this many bytes.
    pub fn finish_around(
        &self,
        value: &SignatureValue,
        content_length: u64,
    ) -> Result<(Vec<u8>, Vec<u8>), FormatError> {
        let frame = self.frame(value, Some(content_length))?;
        let tail_length =
            self.parts.certificates.len() as u64 + der::header_length(frame.signers) as u64 + frame.signers;
        let (mut head, mut tail) = (Vec::with_capacity(128), Vec::with_capacity(tail_length as usize));
        self.write_head(&mut head, &frame, Some(content_length));
        self.write_tail(&mut tail, &frame, value);
        Ok((head, tail))
    }

    fn frame(&self, value: &SignatureValue, content: Option<u64>) -> Result<Frame, FormatError> {
        self.parts
            .frame(self.attributes.len() as u64, value.0.len() as u64, content)
            .ok_or_else(|| FormatError::document("document-too-large", "the document is too large for a CMS message"))
    }

    fn write_head(&self, out: &mut Vec<u8>, frame: &Frame, content: Option<u64>) {
        der::write_header(out, TAG_SEQUENCE, frame.outer);
        out.extend_from_slice(OID_SIGNED_DATA);
        der::write_header(out, TAG_CONTEXT_0, frame.explicit);
        der::write_header(out, TAG_SEQUENCE, frame.signed_data);
        out.extend_from_slice(&self.parts.front);
        der::write_header(out, TAG_SEQUENCE, frame.encapsulated);
        out.extend_from_slice(OID_DATA);
        if let Some(length) = content {
            der::write_header(out, TAG_CONTEXT_0, length + der::header_length(length) as u64);
            der::write_header(out, TAG_OCTET_STRING, length);
        }
    }

    /// The finished `SignerInfo` alone.
    fn signer_info(&self, value: &SignatureValue) -> Result<Vec<u8>, FormatError> {
        let frame = self.frame(value, None)?;
        let mut out = Vec::with_capacity(der::header_length(frame.signer) + frame.signer as usize);
        self.write_signer(&mut out, &frame, value);
        Ok(out)
    }

    fn write_tail(&self, out: &mut Vec<u8>, frame: &Frame, value: &SignatureValue) {
        out.extend_from_slice(&self.parts.certificates);
        der::write_header(out, TAG_SET, frame.signers);
        self.write_signer(out, frame, value);
    }

    fn write_signer(&self, out: &mut Vec<u8>, frame: &Frame, value: &SignatureValue) {
        let parts = &*self.parts;
        der::write_header(out, TAG_SEQUENCE, frame.signer);
        out.extend_from_slice(&parts.signer_front);
        let attributes_at = out.len();
        out.extend_from_slice(&self.attributes);
        // Signed as a SET, sent as an implicit [0] (RFC 5652 section 5.4).
        out[attributes_at] = TAG_CONTEXT_0;
        out.extend_from_slice(&parts.signature_algorithm);
        der::write_header(out, TAG_OCTET_STRING, value.0.len() as u64);
        out.extend_from_slice(&value.0);
    }
}
