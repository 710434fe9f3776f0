//! What the signer said, from signed attributes (EN 319 122-1 clause 5.2): time, policy, commitments, place, roles, type
//! of the content. What cannot be read is noted and left out; texts are cut to a length that people read.

use crate::cms::identifiers::{
    OID_COMMITMENT_TYPE, OID_CONTENT_HINTS, OID_MIME_TYPE, OID_SIGNATURE_POLICY, OID_SIGNER_ATTRIBUTES,
    OID_SIGNER_ATTRIBUTES_2, OID_SIGNER_LOCATION, OID_SIGNING_TIME,
};
use crate::cms::message::SignerInfo;
use crate::der::{
    self, DerError, Reader, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, TAG_SET,
};
use crate::inspect::{Attributes, PolicyReference};
use crate::path::decoded;
use crate::signature::{HashAlgorithm, dotted};
use model::Reason;
use model::limits::{ATTRIBUTE_TEXT_CHARACTERS_MAX, DER_NESTING_MAX, SIGNER_STATEMENTS_MAX};

/// SPuri (EN 319 122-1 clause 5.2.9.2), content of the OBJECT IDENTIFIER.
const POLICY_URI: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x05\x01";
const TAG_NULL: u8 = 0x05;

/// Reads the attributes of one signature; a counter-signature is over no content that would have a type.
pub(super) fn read(signer: &SignerInfo, content_type: &[u8], counter: bool, notes: &mut Vec<Reason>) -> Attributes {
    let mut odd = |what: &str| {
        notes.push(Reason::new("attribute-unreadable", format!("{what} in the signature cannot be read")));
    };
    let mut found = Attributes::default();
    if let Some(value) = signer.signed(OID_SIGNING_TIME).first() {
        match Reader::new(value).read().and_then(|time| der::read_time(&time)) {
            Ok(time) => found.signing_time = Some(time),
            Err(_) => odd("the time of signing"),
        }
    }
    if let Some(value) = signer.signed(OID_SIGNATURE_POLICY).first() {
        match policy(value) {
            Ok(policy) => found.policy = Some(policy),
            Err(_) => odd("the signature policy"),
        }
    }
    for value in signer.signed(OID_COMMITMENT_TYPE).into_iter().take(SIGNER_STATEMENTS_MAX) {
        match Reader::new(value).enter(TAG_SEQUENCE).and_then(|mut fields| fields.expect(TAG_OID)) {
            Ok(oid) => found.commitments.push(dotted(oid.value)),
            Err(_) => odd("a commitment"),
        }
    }
    if let Some(value) = signer.signed(OID_SIGNER_LOCATION).first() {
        match place(value) {
            Ok(place) => found.place = Some(place).filter(|place| !place.is_empty()),
            Err(_) => odd("the place of signing"),
        }
    }
    let roles = signer.signed(OID_SIGNER_ATTRIBUTES).into_iter().chain(signer.signed(OID_SIGNER_ATTRIBUTES_2));
    for value in roles {
        if claimed_roles(value, &mut found.roles).is_err() {
            odd("a claimed role");
        }
    }
    if !counter {
        found.content_type = type_of_content(signer, content_type);
    }
    found
}

/// `SignaturePolicy ::= CHOICE { SignaturePolicyId, NULL }`.
fn policy(value: &[u8]) -> Result<PolicyReference, DerError> {
    let mut outer = Reader::new(value);
    if outer.peek() == Some(TAG_NULL) {
        return Ok(PolicyReference::default());
    }
    let mut fields = outer.enter(TAG_SEQUENCE)?;
    let identifier = dotted(fields.expect(TAG_OID)?.value);
    let mut digest = None;
    if let Some(found) = fields.optional(TAG_SEQUENCE)? {
        let mut hash = Reader::new(found.value);
        let algorithm = hash.expect(TAG_SEQUENCE)?.raw;
        let value = hash.expect(TAG_OCTET_STRING)?.value.to_vec();
        digest = HashAlgorithm::of_identifier(algorithm).ok().map(|algorithm| (algorithm, value));
    }
    let mut uri = None;
    if let Some(qualifiers) = fields.optional(TAG_SEQUENCE)? {
        let mut list = Reader::new(qualifiers.value);
        while !list.is_empty() {
            let mut qualifier = list.enter(TAG_SEQUENCE)?;
            if qualifier.expect(TAG_OID)?.value == POLICY_URI {
                let text = qualifier.read()?;
                uri = uri.or(text_of(text.tag, text.value));
            }
        }
    }
    Ok(PolicyReference { identifier, digest, uri })
}

/// `SignerLocation ::= SEQUENCE { [0] countryName, [1] localityName, [2] SEQUENCE OF DirectoryString }`, on one line.
fn place(value: &[u8]) -> Result<String, DerError> {
    let mut fields = Reader::new(value).enter(TAG_SEQUENCE)?;
    let mut texts: [Vec<String>; 3] = Default::default();
    while !fields.is_empty() {
        let field = fields.read()?;
        let (at, inside) = match field.tag {
            TAG_CONTEXT_0 => (2, field.value),
            TAG_CONTEXT_1 => (1, field.value),
            // postalAdddress: explicit, and implicit as some write it
            0xa2 => (0, Reader::new(field.value).expect(TAG_SEQUENCE).map_or(field.value, |list| list.value)),
            _ => return Err(DerError::UnexpectedTag),
        };
        let mut list = Reader::new(inside);
        while !list.is_empty() {
            let text = list.read()?;
            if let (Some(texts), Some(text)) = (texts.get_mut(at), text_of(text.tag, text.value)) {
                texts.push(text);
            }
        }
    }
    let all: Vec<String> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    Ok(all.join(", ").chars().take(ATTRIBUTE_TEXT_CHARACTERS_MAX).collect())
}

/// `SEQUENCE OF CHOICE { [0] ClaimedAttributes, … }`: what is certified or asserted by others is not claimed.
fn claimed_roles(value: &[u8], roles: &mut Vec<String>) -> Result<(), DerError> {
    let mut choices = Reader::new(value).enter(TAG_SEQUENCE)?;
    while !choices.is_empty() {
        let choice = choices.read()?;
        if choice.tag != TAG_CONTEXT_0 {
            continue;
        }
        // Explicit by the standard's module, implicit by some programs.
        let mut list = Reader::new(choice.value);
        if list.peek() == Some(TAG_SEQUENCE) {
            let inner = Reader::new(choice.value).enter(TAG_SEQUENCE)?;
            if inner.peek() == Some(TAG_SEQUENCE) {
                list = inner;
            }
        }
        while !list.is_empty() {
            let mut attribute = list.enter(TAG_SEQUENCE)?;
            attribute.expect(TAG_OID)?;
            let values = attribute.expect(TAG_SET)?;
            texts(values.value, roles);
        }
    }
    Ok(())
}

/// All texts in some values, however deep.
fn texts(values: &[u8], into: &mut Vec<String>) {
    let mut levels = vec![Reader::new(values)];
    while let Some(level) = levels.last_mut() {
        let Ok(found) = level.read() else {
            levels.pop();
            continue;
        };
        if into.len() >= SIGNER_STATEMENTS_MAX {
            return;
        }
        // A URI in a GeneralName is `[6]` IMPLICIT IA5String.
        let tag = if found.tag == 0x86 { 0x16 } else { found.tag };
        if let Some(text) = text_of(tag, found.value) {
            into.push(text);
        } else if found.tag & 0x20 != 0 && levels.len() < DER_NESTING_MAX {
            levels.push(Reader::new(found.value));
        }
    }
}

/// MIME type, else what content-hints say, else the content type of CMS.
fn type_of_content(signer: &SignerInfo, content_type: &[u8]) -> Option<String> {
    let read = |value: &[u8]| Reader::new(value).read().ok().and_then(|text| text_of(text.tag, text.value));
    let mime = signer.signed(OID_MIME_TYPE).first().and_then(|value| read(value));
    let hint = || {
        let mut fields = Reader::new(signer.signed(OID_CONTENT_HINTS).first()?).enter(TAG_SEQUENCE).ok()?;
        fields.optional(0x0c).ok()?;
        fields.expect(TAG_OID).ok().map(|oid| dotted(oid.value))
    };
    let own = || Reader::new(content_type).expect(TAG_OID).ok().map(|oid| dotted(oid.value));
    mime.or_else(hint).or_else(own)
}

/// A text as people may see it.
fn text_of(tag: u8, value: &[u8]) -> Option<String> {
    // VisibleString is ASCII.
    let tag = if tag == 0x1a { 0x16 } else { tag };
    let text = decoded(tag, value)?;
    Some(text.chars().filter(|character| !character.is_control()).take(ATTRIBUTE_TEXT_CHARACTERS_MAX).collect())
}
