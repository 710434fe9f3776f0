//! What a file is, by its structure and never by its name. Looks at its first bytes only.
//!
//! Foreign bytes: one level of a value at a time, bounded memory, no panic.

use super::armour;
use crate::cms::identifiers::OID_SIGNED_DATA;
use crate::cms::reader::Header;
use crate::der::{DerError, TAG_CONTEXT_0, TAG_CONTEXT_1, TAG_INTEGER, TAG_OID, TAG_SEQUENCE, TAG_SET};
use crate::source::{Source, SourceError};
use crate::tsp::OID_TST_INFO;

/// How much of a file is looked at, in bytes.
const HEAD_BYTES: u64 = 64 * 1024;
/// Where the header of a PDF may begin (ISO 32000-1 annex H.3, note 13).
const PDF_HEADER_WITHIN: usize = 1_024;

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// ContentInfo with SignedData.
    Cms,
    /// SignedData without the ContentInfo around it.
    BareSignedData,
    /// ContentInfo with something encrypted, or the bare EnvelopedData.
    Encrypted,
    /// ContentInfo with SignedData over a TSTInfo.
    TimeStampToken,
    /// `TimeStampResp`.
    TimeStampResponse,
    /// `EvidenceRecord` (RFC 4998).
    EvidenceRecord,
    /// Starts as XML does, in any encoding; whether an evidence record (RFC 6283) is told by its root.
    Xml,
    /// Has the header of a PDF.
    Pdf,
    /// Starts as a ZIP archive does.
    Zip,
    /// Starts with header fields of a mail.
    Mail,
    /// Starts as a compound file, in which Outlook keeps mails.
    CompoundFile,
    /// One of the others in text form.
    Armoured,
    /// None of them.
    Other,
}

/// Recognises a file.
pub(super) fn recognise(source: &dyn Source) -> Result<Shape, SourceError> {
    let length = source.len().min(HEAD_BYTES);
    if let Some(head) = source.as_slice().and_then(|all| all.get(..length as usize)) {
        return Ok(shape(head));
    }
    let mut head = vec![0; length as usize];
    source.read_exact_at(0, &mut head)?;
    Ok(shape(&head))
}

fn shape(head: &[u8]) -> Shape {
    if let Some(shape) = binary(head) {
        return shape;
    }
    if is_xml(head) {
        return Shape::Xml;
    }
    let fields = mail_fields(head);
    if fields == Fields::Mail {
        return Shape::Mail;
    }
    if head.windows(5).take(PDF_HEADER_WITHIN).any(|window| window == b"%PDF-") {
        return Shape::Pdf;
    }
    if fields == Fields::ContentType {
        return Shape::Mail;
    }
    match armour::peek(head) {
        Some(inside) if is_worth_reading(&inside) => Shape::Armoured,
        _ => Shape::Other,
    }
}

/// Whether what was found in text form is something that is read.
fn is_worth_reading(inside: &[u8]) -> bool {
    binary(inside).is_some() || is_xml(inside) || inside.starts_with(b"%PDF-")
}

/// The shapes that their first bytes tell.
fn binary(head: &[u8]) -> Option<Shape> {
    match head {
        [0x30, ..] => der(head).ok().flatten(),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Shape::Zip),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Some(Shape::CompoundFile),
        _ => None,
    }
}

/// The start of a value that reaches beyond what is looked at.
#[derive(Clone, Copy)]
struct Start<'a> {
    tag: u8,
    /// With tag and length, as far as it is known.
    raw: &'a [u8],
    /// The contents octets, as far as they are known.
    inside: &'a [u8],
    /// What stands behind it, if that is known.
    behind: Option<&'a [u8]>,
}

impl<'a> Start<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, DerError> {
        let header = Header::read(bytes, 0, bytes.len())?;
        let contents = bytes.get(header.value_at..).ok_or(DerError::Truncated)?;
        Ok(match header.length.and_then(|length| contents.split_at_checked(length)) {
            Some((inside, behind)) => {
                let raw = bytes.get(..header.value_at + inside.len()).unwrap_or_default();
                Self { tag: header.tag, raw, inside, behind: Some(behind) }
            }
            None => Self { tag: header.tag, raw: bytes, inside: contents, behind: None },
        })
    }

    fn expect(bytes: &'a [u8], tag: u8) -> Result<Self, DerError> {
        let start = Self::read(bytes)?;
        if start.tag == tag { Ok(start) } else { Err(DerError::UnexpectedTag) }
    }

    fn behind(&self) -> Result<&'a [u8], DerError> {
        self.behind.ok_or(DerError::Truncated)
    }
}

/// `None`: BER, but nothing that is known here.
fn der(head: &[u8]) -> Result<Option<Shape>, DerError> {
    let outer = Start::expect(head, TAG_SEQUENCE)?;
    let first = Start::read(outer.inside)?;
    match first.tag {
        TAG_OID => content_info(&first),
        TAG_INTEGER => numbered(&first),
        TAG_SEQUENCE => Ok(time_stamp_response(&first)?.then_some(Shape::TimeStampResponse)),
        _ => Ok(None),
    }
}

/// What a ContentInfo holds.
fn content_info(kind: &Start<'_>) -> Result<Option<Shape>, DerError> {
    Ok(match kind.raw {
        OID_SIGNED_DATA => match content_type(kind.behind()?) {
            Ok(OID_TST_INFO) => Some(Shape::TimeStampToken),
            _ => Some(Shape::Cms),
        },
        oid if ENCRYPTED.contains(&oid) => Some(Shape::Encrypted),
        _ => None,
    })
}

/// `eContentType` of the SignedData in this `[0]`, the whole OBJECT IDENTIFIER.
fn content_type(explicit: &[u8]) -> Result<&[u8], DerError> {
    let signed_data = Start::expect(Start::expect(explicit, TAG_CONTEXT_0)?.inside, TAG_SEQUENCE)?;
    let version = Start::expect(signed_data.inside, TAG_INTEGER)?;
    let algorithms = Start::expect(version.behind()?, TAG_SET)?;
    let encapsulated = Start::expect(algorithms.behind()?, TAG_SEQUENCE)?;
    Ok(Start::expect(encapsulated.inside, TAG_OID)?.raw)
}

/// What begins with a version: SignedData and EnvelopedData without a ContentInfo, an evidence record.
fn numbered(version: &Start<'_>) -> Result<Option<Shape>, DerError> {
    let second = Start::read(version.behind()?)?;
    match second.tag {
        // digestAlgorithms or recipientInfos, then the type of the content.
        TAG_SET => {
            let has_type = second.behind.is_none_or(|behind| starts_with(behind, TAG_SEQUENCE, TAG_OID));
            Ok(match (has_type, second.inside.is_empty() || starts_with(second.inside, TAG_SEQUENCE, TAG_OID)) {
                (true, true) => Some(Shape::BareSignedData),
                (true, false) => Some(Shape::Encrypted),
                (false, _) => None,
            })
        }
        // originatorInfo of an EnvelopedData, then recipientInfos
        TAG_CONTEXT_0 => {
            Ok(second.behind.is_none_or(|behind| behind.first() == Some(&TAG_SET)).then_some(Shape::Encrypted))
        }
        // digestAlgorithms of an evidence record; a time-stamp request has an OCTET STRING behind one algorithm
        TAG_SEQUENCE => {
            let mut rest = second.inside;
            while !rest.is_empty() {
                let member = Start::expect(rest, TAG_SEQUENCE)?;
                Start::expect(member.inside, TAG_OID)?;
                rest = member.behind()?;
            }
            let next = second.behind()?.first().copied();
            let fits = matches!(next, Some(TAG_CONTEXT_0 | TAG_CONTEXT_1 | TAG_SEQUENCE)) && !second.inside.is_empty();
            Ok(fits.then_some(Shape::EvidenceRecord))
        }
        _ => Ok(None),
    }
}

/// `SEQUENCE { status, timeStampToken OPTIONAL }` (RFC 3161 section 2.4.2). `status`: the first value in it.
fn time_stamp_response(status: &Start<'_>) -> Result<bool, DerError> {
    let number = Start::expect(status.inside, TAG_INTEGER)?;
    let &[number @ 0..=5] = number.inside else { return Ok(false) };
    let behind = status.behind()?;
    if behind.is_empty() {
        return Ok(number > 1);
    }
    Ok(Start::expect(behind, TAG_SEQUENCE)?.inside.starts_with(OID_SIGNED_DATA))
}

/// Whether a value with this tag is here, with a value of that tag first in it.
fn starts_with(bytes: &[u8], outer: u8, inner: u8) -> bool {
    Start::expect(bytes, outer).is_ok_and(|start| start.inside.first() == Some(&inner))
}

/// EnvelopedData, EncryptedData (RFC 5652 sections 6 and 8) and AuthEnvelopedData (RFC 5083), whole OBJECT IDENTIFIERs.
const ENCRYPTED: [&[u8]; 3] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03",
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06",
    b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17",
];

/// A `<` after any byte order mark and white space, in UTF-8 or UTF-16.
fn is_xml(head: &[u8]) -> bool {
    let (units, wide): (Box<dyn Iterator<Item = u16>>, _) = match head {
        [0xef, 0xbb, 0xbf, rest @ ..] => (Box::new(rest.iter().map(|&byte| u16::from(byte))), false),
        [0xfe, 0xff, rest @ ..] | rest @ [0, b'<', ..] => (Box::new(pairs(rest).map(u16::from_be_bytes)), true),
        [0xff, 0xfe, rest @ ..] | rest @ [b'<', 0, ..] => (Box::new(pairs(rest).map(u16::from_le_bytes)), true),
        rest => (Box::new(rest.iter().map(|&byte| u16::from(byte))), false),
    };
    let mut units = units.skip_while(|unit| matches!(unit, 0x20 | 0x09 | 0x0a | 0x0d));
    let first = units.next() == Some(u16::from(b'<'));
    // Behind it: a declaration, a comment, an instruction or a name.
    let second = units.next().and_then(|unit| u8::try_from(unit).ok());
    first
        && (wide
            || second
                .is_none_or(|byte| matches!(byte, b'?' | b'!' | b'_' | b':' | 0x80..) || byte.is_ascii_alphabetic()))
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> + '_ {
    bytes.chunks_exact(2).map(|pair| match *pair {
        [first, second] => [first, second],
        _ => [0, 0],
    })
}

/// Which header fields a file begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fields {
    /// Those of a mail.
    Mail,
    /// Only some that say of what type it is: a part of a mail, or of something else that borrowed them.
    ContentType,
    None,
}

/// RFC 5322 section 2.2. An mbox line may stand in front.
fn mail_fields(head: &[u8]) -> Fields {
    let mut found = Fields::None;
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).peekable();
    while lines.next_if(|line| line.is_empty()).is_some() {}
    lines.next_if(|line| line.starts_with(b"From "));
    let mut first = true;
    for line in lines {
        match line {
            [] => break,
            [b' ' | b'\t', ..] if !first => continue,
            _ => {}
        }
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        let is_field = name.len() < line.len() && !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte));
        if !is_field {
            // Damaged headers are still those of a mail; something else has none that are known.
            break;
        }
        first = false;
        if MAIL_FIELDS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return Fields::Mail;
        }
        if name.eq_ignore_ascii_case(b"content-type") {
            found = Fields::ContentType;
        }
    }
    found
}

const MAIL_FIELDS: [&[u8]; 14] = [
    b"from",
    b"to",
    b"cc",
    b"date",
    b"subject",
    b"sender",
    b"received",
    b"reply-to",
    b"message-id",
    b"return-path",
    b"delivered-to",
    b"mime-version",
    b"resent-from",
    b"dkim-signature",
];
