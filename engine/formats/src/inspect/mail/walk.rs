//! The way through a mail: every part is looked at once, within bounds.

use super::entity::{Entity, Part, Parts};
use super::place::{Beside, Place};
use super::{address::Originators, decode, read};
use crate::inspect::encrypted::{self, Content};
use crate::inspect::recognise::{Shape, recognise};
use crate::inspect::{FileKind, Input, Inspection, Nested};
use crate::prepare::FormatError;
use model::Reason;
use model::limits::{MAIL_BYTES_MAX, MAIL_MESSAGES_MAX, MAIL_NESTING_MAX, MAIL_PARTS_MAX};
use std::borrow::Cow;

/// A mail being taken apart.
pub(super) struct Walk<'i> {
    pub(super) input: &'i Input<'i>,
    parts: usize,
    messages: usize,
    unpacked: u64,
}

impl<'i> Walk<'i> {
    pub(super) fn new(input: &'i Input<'i>) -> Self {
        Self { input, parts: 0, messages: 0, unpacked: 0 }
    }

    /// A mail: header and body.
    pub(super) fn message(&mut self, bytes: &[u8], place: &Place) -> Result<Inspection, FormatError> {
        let entity = read(bytes, place)?;
        let mut inspection = Inspection::new(FileKind::Mail);
        let place = place.from(Originators::of(&entity));
        self.entity(&entity, &place, &[], &mut inspection)?;
        self.say_what_is_not_signed(&mut inspection);
        Ok(inspection)
    }

    /// The content of something signed or encrypted: an entity, which may bring header fields of its mail.
    pub(super) fn content(&mut self, bytes: &[u8], place: &Place) -> Result<Inspection, FormatError> {
        let entity = read(bytes, place)?;
        let mut inspection = Inspection::new(FileKind::Mail);
        let own = Originators::of(&entity);
        let place = if own.from.is_empty() { place.clone() } else { place.from(own) };
        self.entity(&entity, &place, &[], &mut inspection)?;
        Ok(inspection)
    }

    fn say_what_is_not_signed(&self, inspection: &mut Inspection) {
        let closed = inspection.kind == FileKind::Encrypted;
        if inspection.signatures.is_empty() && !closed && !inspection.nested.is_empty() {
            let sentence = "the mail as a whole is not signed; what is said about parts of it holds for these only";
            inspection.notes.push(Reason::new("mail-not-signed", sentence));
        }
    }

    /// One entity. `siblings`: the parts that it is one of.
    pub(super) fn entity(
        &mut self,
        entity: &Entity<'_>,
        place: &Place,
        siblings: &[Part<'_>],
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        if place.depth > MAIL_NESTING_MAX {
            let sentence = format!("the parts of the mail are nested more than {MAIL_NESTING_MAX} deep");
            return Err(FormatError::document("mail-too-deep", sentence));
        }
        if entity.torn {
            let sentence = format!("{}: the header ends without an empty line", place.label());
            out.notes.push(Reason::new("mail-header-torn", sentence));
        }
        let kind = entity.content_type();
        if kind.is("multipart/signed") {
            return self.clear_signed(entity, &kind, place, out);
        }
        if kind.is_multipart() {
            if kind.is("multipart/encrypted") {
                out.notes.push(not_read(place, "is encrypted with OpenPGP"));
            }
            return self.multipart(entity, &kind, place, out);
        }
        if kind.is("message/rfc822") || kind.is("message/global") {
            return self.attached_mail(entity, place, out);
        }
        if is_smime(entity) {
            return self.smime(entity, place, siblings, out);
        }
        self.attachment(entity, place, siblings, out)
    }

    /// The parts of a multipart body.
    pub(super) fn split<'b>(&mut self, body: &'b [u8], boundary: &str) -> Result<Parts<'b>, FormatError> {
        let found = Parts::split(body, boundary.as_bytes(), MAIL_PARTS_MAX.saturating_sub(self.parts));
        self.parts += found.parts.len();
        if found.more {
            let sentence = format!("the mail has more than {MAIL_PARTS_MAX} parts");
            return Err(FormatError::document("mail-too-many-parts", sentence));
        }
        Ok(found)
    }

    fn multipart(
        &mut self,
        entity: &Entity<'_>,
        kind: &super::parameters::ContentType,
        place: &Place,
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        let Some(boundary) = kind.parameter("boundary").filter(|boundary| !boundary.is_empty()) else {
            out.notes.push(not_read(place, "has parts, but does not say how they are told apart"));
            return Ok(());
        };
        let found = self.split(entity.body, &boundary)?;
        let parts = found.parts;
        let entities = parts.iter().map(|part| read(part.bytes, place)).collect::<Result<Vec<_>, _>>()?;
        let mixed = kind.is("multipart/mixed");
        let shown: Vec<Shown> = entities.iter().map(Shown::of).collect();
        let mut before = false;
        for (index, entity) in entities.iter().enumerate() {
            let behind = shown.get(index + 1..).unwrap_or_default().iter().max().copied().unwrap_or(Shown::Nothing);
            let beside = match (before, behind) {
                (false, Shown::Nothing) => Beside::Nothing,
                (false, Shown::Text) if mixed => Beside::Footer,
                _ => Beside::Content,
            };
            before |= shown.get(index).is_some_and(|shown| *shown != Shown::Nothing);
            self.entity(entity, &place.part(index + 1, parts.len(), beside), &parts, out)?;
        }
        Ok(())
    }

    fn attached_mail(&mut self, entity: &Entity<'_>, place: &Place, out: &mut Inspection) -> Result<(), FormatError> {
        let Some(bytes) = self.decoded(entity)? else {
            out.notes.push(not_read(place, "is encoded in a way that nobody knows"));
            return Ok(());
        };
        let inside = self.message(&bytes, &place.mail())?;
        if !is_empty(&inside) {
            let name = if place.is_root() { "attached mail".to_owned() } else { place.path() };
            out.nested.push(Nested { name, inspection: inside });
        }
        Ok(())
    }

    /// S/MIME in one piece: what it is, is told by its structure.
    fn smime(
        &mut self,
        entity: &Entity<'_>,
        place: &Place,
        siblings: &[Part<'_>],
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        let Some(bytes) = self.decoded(entity)? else {
            out.notes.push(not_read(place, "is encoded in a way that nobody knows"));
            return Ok(());
        };
        let shape = recognise(&&*bytes)?;
        let file = is_file(entity);
        let said = entity.content_type().parameter("smime-type").unwrap_or_default().to_ascii_lowercase();
        let is = match shape {
            Shape::Encrypted => "data that is encrypted",
            Shape::Cms | Shape::BareSignedData => "data that is signed",
            _ => "",
        };
        let fits = match said.as_str() {
            "enveloped-data" | "authenveloped-data" => shape == Shape::Encrypted,
            "signed-data" | "certs-only" | "signed-receipt" => matches!(shape, Shape::Cms | Shape::BareSignedData),
            _ => true,
        };
        if !fits && !is.is_empty() {
            let sentence = format!("{} says that it is {said}, and is {is}", place.label());
            out.notes.push(Reason::new("mail-smime-type", sentence));
        }
        match shape {
            Shape::Cms | Shape::BareSignedData if file && !place.is_root() => {
                self.attachment(entity, place, siblings, out)
            }
            _ => self.message_syntax(&bytes, shape, file, place, out),
        }
    }

    /// A CMS message that is the mail or a part of it. `file`: it is one that somebody attached.
    pub(super) fn message_syntax(
        &mut self,
        bytes: &[u8],
        shape: Shape,
        file: bool,
        place: &Place,
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        match shape {
            Shape::Encrypted => self.encrypted(bytes, file, place, out),
            Shape::Cms | Shape::BareSignedData => self.opaque_signed(bytes, shape, place, out),
            _ if bytes.windows(COMPRESSED.len()).take(32).any(|window| window == COMPRESSED) => {
                out.notes.push(not_read(place, "is compressed"));
                Ok(())
            }
            _ => {
                out.notes.push(not_read(place, "says that it is signed or encrypted, and is neither"));
                Ok(())
            }
        }
    }

    /// What is encrypted is opened only if it is all of the mail: a part is how the content of other people's mail is
    /// made to come back with a reply.
    fn encrypted(&mut self, bytes: &[u8], file: bool, place: &Place, out: &mut Inspection) -> Result<(), FormatError> {
        self.count_message()?;
        let (mut closed, label) = (Inspection::new(FileKind::Encrypted), place.label());
        if place.is_whole() {
            match encrypted::open(&bytes, self.input.opener)? {
                Content::Open { plain, authenticated } => {
                    out.notes.extend(encrypted::decrypted(authenticated));
                    self.unpack(plain.len())?;
                    let inside = self.content(&plain, &place.content())?;
                    out.nested.push(Nested { name: named(place, "decrypted"), inspection: inside });
                    return Ok(());
                }
                Content::Closed(why) => closed.notes.push(why),
            }
        } else {
            let (code, sentence) = if place.attached {
                let sentence = "an attached mail is encrypted; it is not decrypted here, because the content would come \
                                back with a reply to this one";
                ("mail-encrypted-inside", sentence.to_owned())
            } else if file {
                ("mail-encrypted-inside", format!("{label} is an encrypted file; decrypt it on its own"))
            } else {
                let sentence = format!(
                    "{label} is encrypted and the rest of the mail is not; it is not decrypted, because mails are made \
                     like this to get at the content of other people's encrypted mails"
                );
                ("mail-partly-encrypted", sentence)
            };
            closed.notes.push(Reason::new(code, sentence.clone()));
            out.notes.push(Reason::new(code, sentence));
        }
        if place.is_root() && out.signatures.is_empty() && out.nested.is_empty() {
            out.kind = FileKind::Encrypted;
            out.notes.append(&mut closed.notes);
        } else {
            out.nested.push(Nested { name: named(place, "encrypted"), inspection: closed });
        }
        Ok(())
    }

    /// The content of an entity. `None`: an encoding that nobody knows.
    pub(super) fn decoded<'b>(&mut self, entity: &Entity<'b>) -> Result<Option<Cow<'b, [u8]>>, FormatError> {
        let decoded = decode::decoded(entity.body, &entity.transfer_encoding());
        if let Some(Cow::Owned(bytes)) = &decoded {
            self.unpack(bytes.len())?;
        }
        Ok(decoded)
    }

    fn unpack(&mut self, length: usize) -> Result<(), FormatError> {
        self.unpacked = self.unpacked.saturating_add(length as u64);
        if self.unpacked > MAIL_BYTES_MAX {
            let sentence = format!("the mail holds more than {} MiB", MAIL_BYTES_MAX / (1024 * 1024));
            return Err(FormatError::document("mail-too-large", sentence));
        }
        Ok(())
    }

    pub(super) fn count_message(&mut self) -> Result<(), FormatError> {
        self.messages += 1;
        if self.messages > MAIL_MESSAGES_MAX {
            let sentence = format!("the mail has more than {MAIL_MESSAGES_MAX} signed or encrypted parts");
            return Err(FormatError::document("mail-too-many-signatures", sentence));
        }
        Ok(())
    }
}

/// How a reader sees a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Nothing,
    Text,
    Other,
}

impl Shown {
    fn of(entity: &Entity<'_>) -> Self {
        let kind = entity.content_type();
        if kind.name.starts_with("text/") && entity.body.trim_ascii().is_empty() {
            Self::Nothing
        } else if kind.is("text/plain") {
            Self::Text
        } else {
            Self::Other
        }
    }
}

/// id-ct-compressedData (RFC 3274).
const COMPRESSED: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09";

/// What names say that S/MIME messages have (RFC 8551 section 3.2.1).
const SUFFIXES: [&str; 4] = [".p7m", ".p7s", ".p7c", ".p7z"];

/// Whether an entity is S/MIME in one piece, by its type, or by its name where the type says nothing (RFC 8551
/// section 3.9).
fn is_smime(entity: &Entity<'_>) -> bool {
    let kind = entity.content_type();
    match kind.name.strip_prefix("application/") {
        Some("pkcs7-mime" | "x-pkcs7-mime" | "pkcs7-signature" | "x-pkcs7-signature") => true,
        Some("octet-stream") => entity.file_name().is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        }),
        _ => false,
    }
}

/// Whether it is a file that somebody attached, not the mail itself.
fn is_file(entity: &Entity<'_>) -> bool {
    let disposition = entity.first("content-disposition").unwrap_or_default();
    let attached = disposition.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"attachment"));
    attached && entity.file_name().is_some_and(|name| !name.to_ascii_lowercase().starts_with("smime.p7"))
}

/// A part that something is said about.
pub(super) fn not_read(place: &Place, what: &str) -> Reason {
    Reason::new("mail-part-not-read", format!("{} {what}; it was not looked into", place.label()))
}

/// The name of what is inside of something.
pub(super) fn named(place: &Place, what: &str) -> String {
    if place.is_root() { what.to_owned() } else { format!("{} {what}", place.path()) }
}

/// Whether there is nothing to judge in it.
pub(super) fn is_empty(inspection: &Inspection) -> bool {
    inspection.signatures.is_empty()
        && inspection.stamps.is_empty()
        && inspection.records.is_empty()
        && inspection.nested.is_empty()
        && inspection.kind != FileKind::Encrypted
}
