//! Signatures over parts of a mail: clear (multipart/signed, RFC 1847) and opaque (the content inside of the message).

use super::address::same;
use super::decode;
use super::entity::{Entity, Part};
use super::parameters::ContentType;
use super::place::Place;
use super::read;
use super::walk::{Walk, is_empty, named, not_read};
use crate::cms::certificate::Certificate;
use crate::cms::identifiers::OID_SIGNED_DATA;
use crate::cms::message::Message;
use crate::cms::reader::SignedData;
use crate::der;
use crate::inspect::recognise::{Shape, recognise};
use crate::inspect::{Covered, CoveredRole, Detached, Input, Inspection, Integrity, Nested, Signature};
use crate::prepare::FormatError;
use model::Reason;
use std::borrow::Cow;

impl Walk<'_> {
    /// multipart/signed: what is signed, and then the signature.
    pub(super) fn clear_signed(
        &mut self,
        entity: &Entity<'_>,
        kind: &ContentType,
        place: &Place,
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        let boundary = kind.parameter("boundary").unwrap_or_default();
        let found = self.split(entity.body, &boundary)?;
        let parts = found.parts;
        let (Some(content), Some(signature)) = (parts.first(), parts.get(1)) else {
            out.notes.push(not_read(place, "says that it is signed, but has no signature"));
            return Ok(());
        };
        let mut faults = Vec::new();
        if parts.len() > 2 {
            let sentence = format!(
                "a signed part has two parts, and this one has {}: those behind the signature are not signed",
                parts.len()
            );
            faults.push(Reason::new("mail-unsigned-content", sentence));
        }
        if entity.is_ambiguous() {
            faults.push(ambiguous());
        }
        let holder = read(signature.bytes, place)?;
        let bytes = self.decoded(&holder)?.unwrap_or_default();
        let protocol = kind.parameter("protocol").unwrap_or_default().to_ascii_lowercase();
        let shape = recognise(&&*bytes)?;
        let is_signed = matches!(shape, Shape::Cms | Shape::BareSignedData);
        let bytes = framed(bytes, shape);
        let readable = !boundary.is_empty() && is_signed;
        if readable {
            if has_content(&bytes) {
                let sentence = "the signature brings a content of its own beside the part that it should be over: programs \
                                may check the one and show the other";
                faults.push(Reason::new("mail-two-contents", sentence));
            }
            self.count_message()?;
            let mut inside = self.over(&bytes, content, place)?;
            let holder_kind = holder.content_type();
            check_types(&mut inside, &protocol, &holder_kind);
            check_micalg(&mut inside, kind.parameter("micalg"));
            if !found.closed {
                inside.notes.push(Reason::new("mail-not-closed", "the last delimiter of the signed part is missing"));
            }
            for signature in inside.signatures.iter_mut().filter(|signature| signature.parent.is_none()) {
                signature.faults.extend(faults.iter().cloned());
            }
            let payload = read(content.bytes, place)?;
            put(out, inside, place, Some(&payload));
        } else {
            let what = match protocol.as_str() {
                "application/pgp-signature" => "is signed with OpenPGP",
                _ => "says that it is signed, but its signature cannot be read",
            };
            out.notes.push(not_read(place, what));
        }
        let payload = read(content.bytes, place)?;
        let inner = place.part(1, parts.len(), super::place::Beside::Nothing);
        let inner = if readable { inner.signed() } else { inner };
        self.entity(&payload, &inner, &[], out)?;
        // What follows the signature is no less part of the mail.
        for (index, further) in parts.iter().enumerate().skip(2) {
            let further = read(further.bytes, place)?;
            let beside = super::place::Beside::Content;
            self.entity(&further, &place.part(index + 1, parts.len(), beside), &[], out)?;
        }
        Ok(())
    }

    /// The content lies in the message.
    pub(super) fn opaque_signed(
        &mut self,
        bytes: &[u8],
        shape: Shape,
        place: &Place,
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        self.count_message()?;
        let name = place.label();
        let bytes = &*framed(Cow::Borrowed(bytes), shape);
        let mut inside = match self.signatures_in(bytes, &name, &[])? {
            Ok(inside) => inside,
            Err(why) => {
                out.notes.push(why);
                return Ok(());
            }
        };
        let content = SignedData::read(bytes).ok().and_then(|message| message.content_bytes(bytes));
        if inside.signatures.is_empty() {
            let sentence = format!("{} holds certificates and no signature: nothing is signed by it", place.label());
            inside.notes.push(Reason::new("mail-certificates-only", sentence));
        } else if content.is_none() {
            let sentence = format!("{} is a signature without what it is over", place.label());
            inside.notes.push(Reason::new("mail-content-missing", sentence));
        }
        let Some(content) = content.filter(|content| !content.is_empty()) else {
            put(out, inside, place, None);
            return Ok(());
        };
        let signed = !inside.signatures.is_empty();
        let payload = read(&content, place)?;
        put(out, inside, place, Some(&payload));
        let inner = place.content();
        let within = self.content(&content, &if signed { inner.signed() } else { inner })?;
        if is_empty(&within) {
            out.notes.extend(within.notes);
        } else {
            out.nested.push(Nested { name: named(place, "content"), inspection: within });
        }
        Ok(())
    }

    /// The signatures over a part, in the form of it that they fit.
    fn over(&mut self, message: &[u8], content: &Part<'_>, place: &Place) -> Result<Inspection, FormatError> {
        let name = place.label();
        let mut first = None;
        for (form, bytes) in forms(content) {
            let detached = [Detached::Document { name: &name, source: &&*bytes }];
            let mut inside = match self.signatures_in(message, &name, &detached)? {
                Ok(inside) => inside,
                Err(why) => {
                    let mut none = Inspection::new(crate::inspect::FileKind::Mail);
                    none.notes.push(why);
                    return Ok(none);
                }
            };
            if inside.signatures.iter().filter(|signature| signature.parent.is_none()).all(is_intact) {
                inside.notes.extend(form.map(|form| Reason::new("mail-line-ends", form)));
                return Ok(inside);
            }
            // What is wrong is said about the form that the standard asks for.
            first.get_or_insert(inside);
        }
        Ok(first.unwrap_or_else(|| Inspection::new(crate::inspect::FileKind::Mail)))
    }

    /// What is in a message; the reason why nobody knows.
    pub(super) fn signatures_in(
        &self,
        message: &[u8],
        name: &str,
        detached: &[Detached<'_>],
    ) -> Result<Result<Inspection, Reason>, FormatError> {
        let source = &message;
        let inside = self.input.inside(source, name)?;
        match crate::inspect::inspect_plain(&Input { detached, ..inside }) {
            Ok(inspection) => Ok(Ok(inspection)),
            Err(FormatError::Document(why)) => {
                let sentence = format!("{name}: the signature cannot be read: {why}");
                Ok(Err(Reason::new("mail-signature-unreadable", sentence)))
            }
            Err(other) => Err(other),
        }
    }
}

/// The octets that may have been signed, and what is unusual about them. First those of RFC 8551 section 3.1.1.
fn forms<'a>(content: &Part<'a>) -> impl Iterator<Item = (Option<&'static str>, Cow<'a, [u8]>)> {
    let Part { bytes, with_line_end } = *content;
    let canonical: Box<dyn Fn(&'a [u8]) -> Cow<'a, [u8]>> = Box::new(decode::canonical);
    let forms: [(Option<&'static str>, &'a [u8], bool); 4] = [
        (None, bytes, true),
        (Some("the signature is over the lines as they are stored, which end in line feeds alone"), bytes, false),
        (Some("the signature also covers the line end before the delimiter"), with_line_end, true),
        (Some("the signature also covers the line end before the delimiter, as it is stored"), with_line_end, false),
    ];
    forms.into_iter().filter_map(move |(what, bytes, make)| {
        let form = if make { canonical(bytes) } else { Cow::Borrowed(bytes) };
        // The stored form is another one only if making it canonical changed it.
        (make || matches!(canonical(bytes), Cow::Owned(_))).then_some((what, form))
    })
}

fn is_intact(signature: &Signature) -> bool {
    signature.covered.iter().all(|covered| covered.integrity != Integrity::Changed)
}

/// By the reader that the signatures are checked with; a message that it cannot read has none that are believed.
fn has_content(message: &[u8]) -> bool {
    Message::read(&message).is_ok_and(|message| !message.is_detached())
}

/// The message with the ContentInfo around it that some programs leave out.
fn framed(message: Cow<'_, [u8]>, shape: Shape) -> Cow<'_, [u8]> {
    match shape {
        Shape::BareSignedData => {
            let explicit = der::tlv(der::TAG_CONTEXT_0, &[&message]);
            Cow::Owned(der::tlv(der::TAG_SEQUENCE, &[OID_SIGNED_DATA, &explicit]))
        }
        _ => message,
    }
}

fn ambiguous() -> Reason {
    let sentence = "the header says twice, and not the same, what the part is; programs read different things in it";
    Reason::new("mail-part-ambiguous", sentence)
}

/// Whether the labels around a signature are those of S/MIME.
fn check_types(inside: &mut Inspection, protocol: &str, holder: &ContentType) {
    let known = |name: &str| matches!(name, "application/pkcs7-signature" | "application/x-pkcs7-signature");
    if !known(protocol) || !known(&holder.name) {
        let sentence = format!("the parts are labelled {protocol:?} and {:?}, not as S/MIME", holder.name);
        inside.notes.push(Reason::new("mail-labels", sentence));
    }
}

/// Whether `micalg` names the digests of the signers (RFC 8551 section 3.5.3.2). It is for information only.
fn check_micalg(inside: &mut Inspection, micalg: Option<String>) {
    let Some(micalg) = micalg else {
        inside.notes.push(Reason::new("mail-micalg", "the mail does not say which digest its signature uses"));
        return;
    };
    let named: Vec<String> = micalg.split(',').map(plain_name).collect();
    let missing = inside.signatures.iter().filter(|signature| signature.parent.is_none()).find_map(|signature| {
        let hash = signature.covered.first()?.algorithm?;
        let name = format!("{hash:?}").to_lowercase();
        (!named.contains(&name)).then_some(name)
    });
    if let Some(hash) = missing {
        let sentence = format!("the mail says that its signature uses {micalg}, and it uses {hash}");
        inside.notes.push(Reason::new("mail-micalg", sentence));
    }
}

/// Letters and digits only: `rsa-sha1`, `SHA-1`, `sha1` are one.
fn plain_name(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    name.strip_prefix("rsa").map(str::to_owned).unwrap_or(name)
}

/// Puts the signatures of one message where they belong. `payload`: what they are over.
fn put(out: &mut Inspection, mut inside: Inspection, place: &Place, payload: Option<&Entity<'_>>) {
    let label = place.label();
    if inside.signatures.iter().filter(|signature| signature.parent.is_none()).count() > 1 {
        let sentence = format!("{label} is signed by several; each signature says who vouches for it");
        inside.notes.push(Reason::new("mail-several-signers", sentence));
    }
    for signature in inside.signatures.iter_mut().filter(|signature| signature.parent.is_none()) {
        say_what_is_covered(&mut signature.covered, &label);
        signature.attributes.mail_from = place.originators.all();
        match place.partial() {
            Some((true, fault)) => signature.faults.push(fault),
            Some((false, note)) => signature.notes.push(note),
            None => {}
        }
        identify(signature, place, payload);
    }
    if place.is_root() && out.signatures.is_empty() {
        let Inspection { kind: _, signatures, stamps, records, evidence, nested, notes } = inside;
        out.signatures = signatures;
        out.stamps.extend(stamps);
        out.records.extend(records);
        out.evidence.merge(&evidence);
        out.nested.extend(nested);
        out.notes.extend(notes);
    } else {
        inside.kind = crate::inspect::FileKind::Mail;
        out.nested.push(Nested { name: named(place, "signed"), inspection: inside });
    }
}

fn say_what_is_covered(covered: &mut [Covered], label: &str) {
    for covered in covered.iter_mut().filter(|covered| covered.role == CoveredRole::Content) {
        covered.what = label.to_owned();
    }
}

/// Compares whom the mail is from with whom the certificate is for (RFC 8551 section 4.4.3, RFC 8550 section 3).
fn identify(signature: &mut Signature, place: &Place, payload: Option<&Entity<'_>>) {
    let outside = &place.originators;
    signature.faults.extend(outside.faults.iter().cloned());
    let protected = payload.map(protected_originators).unwrap_or_default();
    if !protected.from.is_empty() && !outside.from.is_empty() && !alike(&protected.from, &outside.from) {
        let sentence = format!(
            "the signed header says that the mail is from {}, the one outside, which anybody can change, that it is from {}",
            protected.from.join(", "),
            outside.from.join(", ")
        );
        signature.notes.push(Reason::new("mail-header-differs", sentence));
    }
    let from = if protected.from.is_empty() { &outside.from } else { &protected.from };
    if from.is_empty() {
        return;
    }
    let Some(certificate) = &signature.signer else { return };
    let certified = Certificate::parse(certificate).and_then(|read| read.mail_addresses()).unwrap_or_default();
    let is_certified = |address: &String| certified.iter().any(|known| same(known, address));
    let (shown, signers) = (from.join(", "), certified.join(", "));
    let note = if certified.is_empty() {
        let sentence = format!("the mail is from {shown}; the certificate of its signer names no mail address");
        Some(("mail-no-address", sentence))
    } else if from.iter().all(is_certified) {
        None
    } else if outside.sender.iter().any(is_certified) {
        let sentence = format!("the mail is from {shown}; it was signed by who sent it for them, {signers}");
        Some(("mail-signed-by-sender", sentence))
    } else {
        let sentence = format!("the mail is from {shown}, and the certificate of its signer is for {signers}");
        Some(("mail-from-differs", sentence))
    };
    signature.notes.extend(note.map(|(code, sentence)| Reason::new(code, sentence)));
}

/// Header fields under the signature (RFC 9788; RFC 8551 section 3.1 as an attached mail).
fn protected_originators(payload: &Entity<'_>) -> super::address::Originators {
    let own = super::address::Originators::of(payload);
    if own.from.is_empty() && payload.content_type().is("message/rfc822") {
        return Entity::read(payload.body).map(|mail| super::address::Originators::of(&mail)).unwrap_or_default();
    }
    own
}

fn alike(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|one| b.iter().any(|other| same(one, other)))
}
