//! Mails as Outlook saves them (MS-OXMSG): properties in a compound file. What is signed or encrypted of them lies, as it
//! was sent, in an attachment (MS-OXOSMIME).

use super::Place;
use super::address::Originators;
use super::entity::Entity;
use super::walk::Walk;
use crate::inspect::recognise::{Shape, recognise};
use crate::inspect::{FileKind, Input, Inspection};
use crate::prepare::FormatError;
use cfb::CompoundFile;
use model::Reason;
use model::limits::{MAIL_BYTES_MAX, MAIL_HEADER_BYTES_MAX, MAIL_PARTS_MAX};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// PidTagMessageClass.
const MESSAGE_CLASS: u16 = 0x001a;
/// PidTagTransportMessageHeaders.
const TRANSPORT_HEADERS: u16 = 0x007d;
/// PidTagBody.
const BODY: u16 = 0x1000;
/// PidTagAttachDataBinary.
const ATTACH_DATA: u16 = 0x3701;
/// PidTagAttachLongFilename and PidTagAttachFilename.
const ATTACH_NAMES: [u16; 2] = [0x3707, 0x3704];
/// PidTagSentRepresentingSmtpAddress and PidTagSentRepresentingEmailAddress.
const FROM: [u16; 2] = [0x5d02, 0x0065];
/// PidTagSenderSmtpAddress and PidTagSenderEmailAddress.
const SENDER: [u16; 2] = [0x5d01, 0x0c1f];

/// The type of a property, as the names of streams say it.
const UNICODE: &str = "001F";
const BYTE_STRING: &str = "001E";
const BINARY: &str = "0102";

/// Takes a saved mail apart.
pub(super) fn inspect(input: &Input<'_>, bytes: &[u8]) -> Result<Inspection, FormatError> {
    let file = CompoundFile::open(Cursor::new(bytes)).map_err(|error| unreadable(&error.to_string()))?;
    let mut message = Message { file };
    let Some(class) = message.text(Path::new("/"), MESSAGE_CLASS) else {
        // Some other program keeps its files like this, too.
        return Ok(Inspection::new(FileKind::Other));
    };
    let class = class.to_ascii_lowercase();
    let place = Place::root().from(message.originators()?);
    let attachments = message.attachments()?;
    let (mut walk, mut out) = (Walk::new(input), Inspection::new(FileKind::Mail));
    let is_smime = class.starts_with("ipm.note.smime") || class.starts_with("ipm.note.secure");
    match &attachments[..] {
        [sent] if is_smime => {
            whole(&mut walk, &sent.bytes, &place, &mut out)?;
            if class.ends_with(".multipartsigned") && message.has(Path::new("/"), BODY) {
                let sentence = "Outlook also keeps the text of the mail outside of what is signed; what it shows was not \
                                compared with what was signed";
                out.notes.push(Reason::new("mail-outlook-copy", sentence));
            }
        }
        _ => {
            if is_smime {
                let sentence = "the mail is saved as a signed or encrypted one, but what was sent is not in the file";
                out.notes.push(Reason::new("mail-part-not-read", sentence));
            }
            for (index, attached) in attachments.iter().enumerate() {
                let find = |wanted: &str| {
                    let found = attachments.iter().find(|other| other.name == wanted);
                    Ok(found.map(|found| found.bytes.clone()))
                };
                let part = place.part(index + 1, attachments.len(), super::place::Beside::Content);
                walk.file(&attached.bytes, &attached.name, &part, &find, &mut out)?;
            }
        }
    }
    Ok(out)
}

/// What was sent: a MIME entity or a CMS message.
fn whole(walk: &mut Walk<'_>, sent: &[u8], place: &Place, out: &mut Inspection) -> Result<(), FormatError> {
    let shape = recognise(&sent)?;
    match shape {
        Shape::Cms | Shape::BareSignedData | Shape::Encrypted => walk.message_syntax(sent, shape, false, place, out),
        _ => {
            let entity = super::read(sent, place)?;
            walk.entity(&entity, place, &[], out)
        }
    }
}

struct Attached {
    name: String,
    bytes: Vec<u8>,
}

struct Message<'a> {
    file: CompoundFile<Cursor<&'a [u8]>>,
}

impl Message<'_> {
    fn has(&self, storage: &Path, property: u16) -> bool {
        [UNICODE, BYTE_STRING].into_iter().any(|kind| {
            let entry = self.file.entry(storage.join(stream(property, kind)));
            entry.is_ok_and(|entry| !entry.is_empty())
        })
    }

    fn binary(&mut self, storage: &Path, property: u16, kind: &str, most: u64) -> Result<Option<Vec<u8>>, FormatError> {
        let path = storage.join(stream(property, kind));
        if !self.file.is_stream(&path) {
            return Ok(None);
        }
        let damaged = |error: std::io::Error| unreadable(&error.to_string());
        let mut bytes = Vec::new();
        let opened = self.file.open_stream(&path).map_err(damaged)?;
        opened.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 > most {
            return Err(unreadable("a property is too long"));
        }
        Ok(Some(bytes))
    }

    /// A text property. `None`: it is not there, or damaged.
    fn text(&mut self, storage: &Path, property: u16) -> Option<String> {
        let most = 2 * MAIL_HEADER_BYTES_MAX as u64;
        if let Ok(Some(bytes)) = self.binary(storage, property, UNICODE, most) {
            let units = bytes.chunks_exact(2).map(|unit| match *unit {
                [low, high] => u16::from_le_bytes([low, high]),
                _ => 0,
            });
            let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            return Some(text.trim_end_matches('\0').to_owned());
        }
        let bytes = self.binary(storage, property, BYTE_STRING, most).ok().flatten()?;
        Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned())
    }

    /// From the header as it came over the network; of a mail that was never sent, from the properties.
    fn originators(&mut self) -> Result<Originators, FormatError> {
        let root = Path::new("/");
        if let Some(header) = self.text(root, TRANSPORT_HEADERS).filter(|header| !header.trim().is_empty()) {
            let header = header.trim_start().to_owned();
            return Ok(Originators::of(&super::read(header.as_bytes(), &Place::root())?));
        }
        let mut address = |properties: [u16; 2]| {
            let texts = properties.into_iter().filter_map(|property| self.text(root, property));
            texts.into_iter().find(|text| text.contains('@')).filter(|text| !text.contains(['\r', '\n']))
        };
        let (from, sender) = (address(FROM), address(SENDER));
        let mut header = String::new();
        if let Some(from) = from.as_ref().or(sender.as_ref()) {
            header.push_str(&format!("From: <{from}>\r\n"));
        }
        if let Some(sender) = sender {
            header.push_str(&format!("Sender: <{sender}>\r\n"));
        }
        Ok(Entity::read(header.as_bytes()).map(|entity| Originators::of(&entity)).unwrap_or_default())
    }

    fn attachments(&mut self) -> Result<Vec<Attached>, FormatError> {
        let entries = self.file.read_root_storage();
        let is_attachment = |name: &str| name.to_ascii_lowercase().starts_with("__attach_version1.0_");
        let mut storages: Vec<PathBuf> = entries
            .filter(|entry| entry.is_storage() && is_attachment(entry.name()))
            .map(|entry| entry.path().to_path_buf())
            .take(MAIL_PARTS_MAX + 1)
            .collect();
        if storages.len() > MAIL_PARTS_MAX {
            return Err(unreadable("it has too many attachments"));
        }
        storages.sort();
        let mut left = MAIL_BYTES_MAX;
        let mut found = Vec::new();
        for storage in storages {
            let Some(bytes) = self.binary(&storage, ATTACH_DATA, BINARY, left)? else { continue };
            left = left.saturating_sub(bytes.len() as u64);
            let name = ATTACH_NAMES.into_iter().find_map(|property| self.text(&storage, property));
            found.push(Attached { name: name.unwrap_or_default(), bytes });
        }
        Ok(found)
    }
}

/// The name of the stream of a property (MS-OXMSG section 2.1.3).
fn stream(property: u16, kind: &str) -> String {
    format!("__substg1.0_{property:04X}{kind}")
}

fn unreadable(why: &str) -> FormatError {
    FormatError::document("mail-unreadable", format!("the Outlook file cannot be read: {why}"))
}
