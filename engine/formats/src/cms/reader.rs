//! Reads CMS SignedData of any maker: BER with definite or indefinite lengths, OCTET STRINGs in one piece or in many,
//! PKCS#7 1.5 as well as RFC 5652. Everything is handed out as ranges of the input, so that digests are made over
//! exactly what was received. It judges nothing.
//!
//! Foreign bytes: no recursion, no panic, time and memory linear in the input (each level of nesting, at most
//! [`DER_NESTING_MAX`], looks at a byte once more).

use crate::der::{
    self, DerError, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, TAG_SET,
};
use model::limits::DER_NESTING_MAX;
use std::ops::Range;

/// Signers, certificates, revocation entries, attributes or values in one set: more is an attack, not a message.
const MEMBERS_MAX: usize = 4_096;
pub(super) const CONSTRUCTED: u8 = 0x20;
const TAG_OCTET_STRING_CONSTRUCTED: u8 = TAG_OCTET_STRING | CONSTRUCTED;

/// Where the bytes of something lie in the input.
pub type Place = Range<usize>;

/// `ContentInfo` with `SignedData` (RFC 5652 sections 3 and 5.1). Places of single values include tag and length.
#[derive(Clone, Debug)]
pub struct SignedData {
    /// `eContentType`, the whole OBJECT IDENTIFIER.
    pub content_type: Place,
    /// The content without any tags and lengths, in pieces, in order. `None`: detached.
    pub content: Option<Vec<Place>>,
    /// `certificates`, each whole.
    pub certificates: Vec<Place>,
    /// `crls`, each whole.
    pub revocations: Vec<Place>,
    /// `signerInfos`.
    pub signers: Vec<SignerInfo>,
}

/// `SignerInfo` (RFC 5652 section 5.3).
#[derive(Clone, Debug)]
pub struct SignerInfo {
    /// All of it.
    pub raw: Place,
    /// All fields but `unsignedAttrs`, one behind the other, each whole.
    pub fields: Place,
    /// `sid`: an IssuerAndSerialNumber or an implicit `[0]` SubjectKeyIdentifier.
    pub id: Place,
    /// `digestAlgorithm`.
    pub digest_algorithm: Place,
    /// The contents octets of `signedAttrs`, as received. `None`: there are none.
    pub signed_attributes: Option<Place>,
    /// The same, one by one.
    pub attributes: Vec<Attribute>,
    /// `signatureAlgorithm`.
    pub signature_algorithm: Place,
    /// `signature` without tags and lengths, in pieces.
    pub signature: Vec<Place>,
    /// `unsignedAttrs`, one by one.
    pub unsigned_attributes: Vec<Attribute>,
}

/// `Attribute` (RFC 5652 section 5.3).
#[derive(Clone, Debug)]
pub struct Attribute {
    /// All of it.
    pub raw: Place,
    /// `attrType`, the whole OBJECT IDENTIFIER.
    pub oid: Place,
    /// `attrValues`, each whole.
    pub values: Vec<Place>,
}

impl SignerInfo {
    /// What was signed when there are signed attributes: the attributes as received, under the universal tag (RFC 5652
    /// section 5.4). `None`: the content itself was signed.
    pub fn signed_bytes(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.signed_attributes.clone().and_then(|place| message.get(place)).map(|body| der::tlv(TAG_SET, &[body]))
    }

    /// The signed attributes of this type.
    pub fn signed<'a>(&'a self, message: &'a [u8], oid: &'a [u8]) -> impl Iterator<Item = &'a Attribute> {
        self.attributes.iter().filter(move |attribute| message.get(attribute.oid.clone()) == Some(oid))
    }
}

impl SignedData {
    /// Reads a message. Bytes behind it are ignored: PDF pads its `/Contents` with zeros.
    pub fn read(message: &[u8]) -> Result<Self, DerError> {
        let mut outer = Walker::whole(message).enter(TAG_SEQUENCE)?;
        let kind = outer.expect(TAG_OID)?;
        if message.get(kind.raw) != Some(super::identifiers::OID_SIGNED_DATA) {
            return Err(DerError::UnexpectedTag);
        }
        let mut body = outer.enter(TAG_CONTEXT_0)?.enter(TAG_SEQUENCE)?;
        body.expect(TAG_INTEGER)?;
        body.expect(TAG_SET)?;

        let mut encapsulated = body.enter(TAG_SEQUENCE)?;
        let content_type = encapsulated.expect(TAG_OID)?.raw;
        let content = match encapsulated.optional(TAG_CONTEXT_0)? {
            Some(explicit) => Some(content_pieces(message, &explicit)?),
            None => None,
        };

        let Rest { certificates, revocations, signers } = Rest::read_from(&mut body)?;
        Ok(Self { content_type, content, certificates, revocations, signers })
    }

    /// The content in one piece, if there is one.
    pub fn content_bytes(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.content.as_ref().map(|pieces| joined(message, pieces))
    }
}

/// What stands behind the content: `certificates`, `crls` and `signerInfos`.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) certificates: Vec<Place>,
    pub(super) revocations: Vec<Place>,
    pub(super) signers: Vec<SignerInfo>,
}

impl Rest {
    /// Reads the three fields, which are all that there is.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DerError> {
        Self::read_from(&mut Walker::whole(bytes))
    }

    fn read_from(body: &mut Walker<'_>) -> Result<Self, DerError> {
        let certificates = members(body, TAG_CONTEXT_0)?;
        let revocations = members(body, TAG_CONTEXT_1)?;
        let mut infos = body.enter(TAG_SET)?;
        let mut signers = Vec::new();
        while let Some(info) = infos.next()? {
            bounded(signers.len())?;
            signers.push(signer_info(body.bytes, &info)?);
        }
        Ok(Self { certificates, revocations, signers })
    }
}

impl SignerInfo {
    /// Reads one `SignerInfo` on its own, as it stands in a counter-signature.
    pub fn read(info: &[u8]) -> Result<Self, DerError> {
        signer_info(info, &Walker::whole(info).expect(TAG_SEQUENCE)?)
    }
}

/// The members of one SET, each whole.
pub(super) fn set_members(set: &[u8]) -> Result<Vec<Place>, DerError> {
    members(&mut Walker::whole(set), TAG_SET)
}

/// Pieces put together.
pub fn joined(message: &[u8], pieces: &[Place]) -> Vec<u8> {
    pieces.iter().filter_map(|place| message.get(place.clone())).collect::<Vec<_>>().concat()
}

fn bounded(count: usize) -> Result<(), DerError> {
    if count < MEMBERS_MAX { Ok(()) } else { Err(DerError::TooMany) }
}

/// The members of an optional implicitly tagged set.
fn members(body: &mut Walker<'_>, tag: u8) -> Result<Vec<Place>, DerError> {
    let mut found = Vec::new();
    if let Some(set) = body.optional(tag)? {
        let mut inside = Walker::inside(body.bytes, &set, tag)?;
        while let Some(member) = inside.next()? {
            bounded(found.len())?;
            found.push(member.raw);
        }
    }
    Ok(found)
}

fn signer_info(bytes: &[u8], info: &Element) -> Result<SignerInfo, DerError> {
    let mut fields = Walker::inside(bytes, info, TAG_SEQUENCE)?;
    let start = fields.expect(TAG_INTEGER)?.raw.start;
    let id = fields.next()?.ok_or(DerError::Truncated)?.raw;
    let digest_algorithm = fields.expect(TAG_SEQUENCE)?.raw;
    let (mut signed_attributes, mut attributes) = (None, Vec::new());
    if let Some(set) = fields.optional(TAG_CONTEXT_0)? {
        attributes = read_attributes(fields.bytes, &set)?;
        signed_attributes = Some(set.value);
    }
    let signature_algorithm = fields.expect(TAG_SEQUENCE)?.raw;
    let value = fields.next()?.ok_or(DerError::Truncated)?;
    let signature = octet_pieces(fields.bytes, &value)?;
    let all = start..value.raw.end;
    let unsigned_attributes = match fields.optional(TAG_CONTEXT_1)? {
        Some(set) => read_attributes(fields.bytes, &set)?,
        None => Vec::new(),
    };
    Ok(SignerInfo {
        raw: info.raw.clone(),
        fields: all,
        id,
        digest_algorithm,
        signed_attributes,
        attributes,
        signature_algorithm,
        signature,
        unsigned_attributes,
    })
}

fn read_attributes(bytes: &[u8], set: &Element) -> Result<Vec<Attribute>, DerError> {
    let mut attributes = Vec::new();
    let mut inside = Walker::inside(bytes, set, set.tag)?;
    while let Some(attribute) = inside.next()? {
        bounded(attributes.len())?;
        let mut fields = Walker::inside(bytes, &attribute, TAG_SEQUENCE)?;
        let oid = fields.expect(TAG_OID)?.raw;
        let mut values = Vec::new();
        let mut set = fields.enter(TAG_SET)?;
        while let Some(value) = set.next()? {
            bounded(values.len())?;
            values.push(value.raw);
        }
        attributes.push(Attribute { raw: attribute.raw, oid, values });
    }
    Ok(attributes)
}

/// `eContent [0] EXPLICIT OCTET STRING`; in PKCS#7 1.5 it may be any value, of which the contents octets are signed.
fn content_pieces(bytes: &[u8], explicit: &Element) -> Result<Vec<Place>, DerError> {
    let value = Walker::inside(bytes, explicit, TAG_CONTEXT_0)?.next()?.ok_or(DerError::Truncated)?;
    match value.tag {
        TAG_OCTET_STRING | TAG_OCTET_STRING_CONSTRUCTED => octet_pieces(bytes, &value),
        _ => Ok(vec![value.value]),
    }
}

/// The pieces of an OCTET STRING (X.690 8.7): itself, or those of its segments, which may have segments again.
fn octet_pieces(bytes: &[u8], string: &Element) -> Result<Vec<Place>, DerError> {
    let mut pieces = Vec::new();
    match string.tag {
        TAG_OCTET_STRING => pieces.push(string.value.clone()),
        TAG_OCTET_STRING_CONSTRUCTED => {
            let mut levels = vec![Walker::inside(bytes, string, string.tag)?];
            while let Some(level) = levels.last_mut() {
                match level.next()? {
                    None => {
                        levels.pop();
                    }
                    Some(segment) if segment.tag == TAG_OCTET_STRING => {
                        if !segment.value.is_empty() {
                            pieces.push(segment.value);
                        }
                    }
                    Some(segment) if levels.len() < DER_NESTING_MAX => {
                        levels.push(Walker::inside(bytes, &segment, TAG_OCTET_STRING_CONSTRUCTED)?);
                    }
                    Some(_) => return Err(DerError::TooDeep),
                }
            }
        }
        _ => return Err(DerError::UnexpectedTag),
    }
    Ok(pieces)
}

/// One BER value.
#[derive(Clone, Debug)]
struct Element {
    /// The first identifier octet.
    tag: u8,
    /// From the identifier to the last byte, end-of-contents included.
    raw: Place,
    /// The contents octets.
    value: Place,
}

/// A cursor over consecutive BER values.
#[derive(Clone, Copy, Debug)]
struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Walker<'a> {
    fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, end: bytes.len() }
    }

    /// Over the contents of a value that must have this (constructed) tag.
    fn inside(bytes: &'a [u8], element: &Element, tag: u8) -> Result<Self, DerError> {
        if element.tag != tag || tag & CONSTRUCTED == 0 {
            return Err(DerError::UnexpectedTag);
        }
        Ok(Self { bytes, at: element.value.start, end: element.value.end })
    }

    /// The next value; `None` at the end.
    fn next(&mut self) -> Result<Option<Element>, DerError> {
        if self.at == self.end {
            return Ok(None);
        }
        let header = Header::read(self.bytes, self.at, self.end)?;
        let (value_end, raw_end) = match header.length {
            Some(length) => {
                let end = inner_end(header.value_at, length, self.end)?;
                (end, end)
            }
            None => end_of_contents(self.bytes, header.value_at, self.end)?,
        };
        let raw = self.at..raw_end;
        self.at = raw_end;
        Ok(Some(Element { tag: header.tag, raw, value: header.value_at..value_end }))
    }

    fn expect(&mut self, tag: u8) -> Result<Element, DerError> {
        let element = self.next()?.ok_or(DerError::Truncated)?;
        if element.tag == tag { Ok(element) } else { Err(DerError::UnexpectedTag) }
    }

    fn optional(&mut self, tag: u8) -> Result<Option<Element>, DerError> {
        if self.at < self.end && self.bytes.get(self.at) == Some(&tag) { self.next() } else { Ok(None) }
    }

    fn enter(&mut self, tag: u8) -> Result<Walker<'a>, DerError> {
        let element = self.expect(tag)?;
        Walker::inside(self.bytes, &element, tag)
    }
}

fn inner_end(value_at: usize, length: usize, end: usize) -> Result<usize, DerError> {
    value_at.checked_add(length).filter(|&inner| inner <= end).ok_or(DerError::Truncated)
}

/// Where an indefinite value ends: before and behind its end-of-contents octets.
fn end_of_contents(bytes: &[u8], from: usize, end: usize) -> Result<(usize, usize), DerError> {
    let mut at = from;
    let mut open = 1;
    loop {
        if bytes.get(at..end).is_some_and(|rest| rest.starts_with(&[0, 0])) {
            open -= 1;
            if open == 0 {
                return Ok((at, at + 2));
            }
            at += 2;
            continue;
        }
        let header = Header::read(bytes, at, end)?;
        at = match header.length {
            Some(length) => inner_end(header.value_at, length, end)?,
            None if open == DER_NESTING_MAX => return Err(DerError::TooDeep),
            None => {
                open += 1;
                header.value_at
            }
        };
    }
}

/// Identifier and length octets (X.690 8.1.2 and 8.1.3).
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// `None`: indefinite.
    pub(crate) length: Option<usize>,
    pub(crate) value_at: usize,
}

impl Header {
    pub(crate) fn read(bytes: &[u8], start: usize, end: usize) -> Result<Self, DerError> {
        let mut octets = bytes.get(start..end).ok_or(DerError::Truncated)?.iter().copied();
        let mut next = || octets.next().ok_or(DerError::Truncated);
        let mut used = 2;
        let tag = next()?;
        if tag & 0x1f == 0x1f {
            // A tag number above 30, which may be skipped but never means anything here.
            used += 1;
            while next()? & 0x80 != 0 {
                used += 1;
                if used > 8 {
                    return Err(DerError::Malformed);
                }
            }
        }
        let length = match next()? {
            short @ 0..=0x7f => Some(usize::from(short)),
            0x80 if tag & CONSTRUCTED != 0 => None,
            0x80 | 0xff => return Err(DerError::Malformed),
            long => {
                let count = usize::from(long & 0x7f);
                used += count;
                let mut length = 0_usize;
                for _ in 0..count {
                    // BER allows any number of leading zeros.
                    length = length.checked_mul(256).ok_or(DerError::Truncated)? + usize::from(next()?);
                }
                Some(length)
            }
        };
        Ok(Self { tag, length, value_at: start + used })
    }
}
