//! Files that are attached to a mail and may have signatures of their own: PDFs, XML, containers, CMS messages beside
//! what they are over.

use super::entity::{Entity, Part};
use super::place::Place;
use super::walk::{Walk, is_empty};
use super::{decode, read};
use crate::inspect::recognise::{Shape, recognise};
use crate::inspect::{Detached, Input, Inspection, Nested, inspect_as};
use crate::prepare::FormatError;
use model::Reason;
use std::borrow::Cow;

/// Gives the file of this name, if there is one.
pub(super) type Find<'f> = &'f dyn Fn(&str) -> Result<Option<Vec<u8>>, FormatError>;

impl Walk<'_> {
    /// A part that is nothing of a mail itself. `siblings`: the parts beside it.
    pub(super) fn attachment(
        &mut self,
        entity: &Entity<'_>,
        place: &Place,
        siblings: &[Part<'_>],
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        let kind = entity.content_type();
        let never = ["text/plain", "text/html", "text/calendar"];
        if never.contains(&kind.name.as_str()) || kind.name.split('/').next().is_some_and(is_media) {
            return Ok(());
        }
        let Some(bytes) = self.decoded(entity)? else { return Ok(()) };
        let file_name = entity.file_name().unwrap_or_default();
        self.file(&bytes, &file_name, place, &|wanted| original(siblings, wanted, place), out)
    }

    /// A file. `find` gives one of this name from beside it.
    pub(super) fn file(
        &mut self,
        bytes: &[u8],
        file_name: &str,
        place: &Place,
        find: Find<'_>,
        out: &mut Inspection,
    ) -> Result<(), FormatError> {
        let shape = recognise(&bytes)?;
        let is_signature = matches!(shape, Shape::Cms | Shape::BareSignedData);
        match shape {
            Shape::Pdf | Shape::Xml | Shape::Zip => {}
            Shape::TimeStampToken | Shape::TimeStampResponse | Shape::EvidenceRecord => {}
            _ if is_signature => self.count_message()?,
            // Mails in mails have a type that says so; anything else of them is a file.
            _ => return Ok(()),
        }
        // What a detached signature is over: the file that is called as it is, without its last suffix.
        let wanted = file_name.rsplit_once('.').map(|(wanted, _)| wanted).filter(|wanted| !wanted.is_empty());
        let original = match wanted.filter(|_| is_signature) {
            Some(wanted) => find(wanted)?.map(|bytes| (wanted, bytes)),
            None => None,
        };
        let detached: Vec<Detached<'_>> =
            original.iter().map(|(name, source)| Detached::Document { name, source }).collect();
        let name = format!("{} {file_name}", place.path()).trim().to_owned();
        let input = self.input.inside(&bytes, file_name)?;
        match inspect_as(shape, &Input { detached: &detached, ..input }) {
            Ok(inside) if is_empty(&inside) => {}
            Ok(inside) => out.nested.push(Nested { name, inspection: inside }),
            Err(FormatError::Document(why)) => {
                let sentence = format!("the attached file {name} was not judged: {why}");
                out.notes.push(Reason::new("mail-attachment-not-read", sentence));
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }
}

fn is_media(kind: &str) -> bool {
    matches!(kind, "image" | "audio" | "video" | "font")
}

/// The content of the sibling of this name.
fn original(siblings: &[Part<'_>], wanted: &str, place: &Place) -> Result<Option<Vec<u8>>, FormatError> {
    for sibling in siblings {
        let entity = read(sibling.bytes, place)?;
        if entity.file_name().is_some_and(|name| name == wanted) {
            return Ok(decode::decoded(entity.body, &entity.transfer_encoding()).map(Cow::into_owned));
        }
    }
    Ok(None)
}
