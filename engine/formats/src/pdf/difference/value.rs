//! Whether two values say the same, however they are written.

use super::{Comparison, Side};
use crate::pdf::lexer::{self, Dictionary};
use crate::pdf::window::Object;
use crate::pdf::{damaged, filter};
use crate::prepare::FormatError;
use model::limits::PDF_STREAM_BYTES_MAX;

/// How deep values are compared through references.
const DEPTH_MAX: usize = 16;

impl Comparison<'_, '_> {
    /// Whether a value says what it said. References to one object are the same; what became of that object is looked at
    /// where it is.
    pub(super) fn same(
        &mut self,
        old: Option<&[u8]>,
        within_old: &Object<'_>,
        new: Option<&[u8]>,
        within_new: &Object<'_>,
    ) -> Result<bool, FormatError> {
        match (old, new) {
            (None, None) => Ok(true),
            (Some(old), Some(new)) => self.same_at((old, within_old), (new, within_new), 0),
            _ => Ok(false),
        }
    }

    fn same_at(
        &mut self,
        old: (&[u8], &Object<'_>),
        new: (&[u8], &Object<'_>),
        depth: usize,
    ) -> Result<bool, FormatError> {
        let sealed = self.document.crypt.is_some();
        if old.0 == new.0 && (!sealed || old.1.id == new.1.id) {
            return Ok(true);
        }
        if depth > DEPTH_MAX {
            return Ok(false);
        }
        match (lexer::reference(old.0), lexer::reference(new.0)) {
            (Some(before), Some(after)) if before == after => return Ok(true),
            (None, None) => {}
            _ => {
                let before = self.follow(Side::Old, Some(old.0), old.1)?;
                let after = self.follow(Side::New, Some(new.0), new.1)?;
                if before.stream_at.is_some() || after.stream_at.is_some() {
                    return Ok(false);
                }
                return self.same_at((&before.value, &before), (&after.value, &after), depth + 1);
            }
        }
        if let (Some(before), Some(after)) = (Dictionary::new(old.0), Dictionary::new(new.0)) {
            for key in super::keys(&before, &after) {
                let same = match (before.get(&key), after.get(&key)) {
                    (None, None) => true,
                    (Some(before), Some(after)) => self.same_at((before, old.1), (after, new.1), depth + 1)?,
                    _ => false,
                };
                if !same {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if let (Some(mut before), Some(mut after)) = (lexer::items(old.0), lexer::items(new.0)) {
            loop {
                match (before.next(), after.next()) {
                    (None, None) => return Ok(true),
                    (Some(before), Some(after)) if self.same_at((before, old.1), (after, new.1), depth + 1)? => {}
                    _ => return Ok(false),
                }
            }
        }
        if let (Some(before), Some(after)) = (lexer::name(old.0), lexer::name(new.0)) {
            return Ok(before == after);
        }
        if lexer::string(old.0).is_some() && lexer::string(new.0).is_some() {
            return Ok(self.document.string(old.0, old.1)? == self.document.string(new.0, new.1)?);
        }
        Ok(match (lexer::number(old.0), lexer::number(new.0)) {
            (Some(before), Some(after)) => before == after && lexer::integer(old.0) == lexer::integer(new.0),
            _ => old.0 == new.0,
        })
    }

    /// Whether two streams have the same bytes; their dictionaries are the same.
    pub(super) fn same_data(&mut self, old: &Object<'_>, new: &Object<'_>) -> Result<bool, FormatError> {
        let (Some(before), Some(after)) = (old.stream_at, new.stream_at) else {
            return Ok(old.stream_at.is_none() && new.stream_at.is_none());
        };
        let (Some(length), Some(again)) = (self.length(Side::Old, old)?, self.length(Side::New, new)?) else {
            return Ok(false);
        };
        if length != again {
            return Ok(false);
        }
        let mut at = 0;
        const CHUNK: usize = 64 * 1024;
        while at < length {
            let wanted = (length - at).min(CHUNK);
            let (one, two) = (
                self.document.window.bytes(before + at as u64, wanted)?,
                self.document.window.bytes(after + at as u64, wanted)?,
            );
            if one != two || one.is_empty() {
                return Ok(false);
            }
            at += one.len();
        }
        Ok(true)
    }

    fn length(&mut self, side: Side, stream: &Object<'_>) -> Result<Option<usize>, FormatError> {
        let raw = Dictionary::new(&stream.value).and_then(|dictionary| dictionary.get("Length"));
        let length = self.follow(side, raw, stream)?;
        Ok(lexer::integer(&length.value).and_then(|length| usize::try_from(length).ok()))
    }

    /// The plain data of a new stream.
    pub(super) fn data(&mut self, stream: &Object<'_>) -> Result<Vec<u8>, FormatError> {
        let broken = || damaged("a stream in it is malformed");
        let length =
            self.length(Side::New, stream)?.filter(|length| *length <= PDF_STREAM_BYTES_MAX).ok_or_else(broken)?;
        let start = stream.stream_at.ok_or_else(broken)?;
        let dictionary = Dictionary::new(&stream.value).ok_or_else(broken)?;
        let mut data = Vec::new();
        if length > 0 {
            data = self.document.window.bytes(start, length)?.into_owned();
        }
        if let Some(crypt) = &self.document.crypt
            && dictionary.get("Filter").is_none_or(|filter| !filter.windows(5).any(|window| window == b"Crypt"))
        {
            data = crypt.decrypt_stream(stream.id, &data)?;
        }
        filter::decode(&dictionary, &data, PDF_STREAM_BYTES_MAX)
    }

    /// Whether nothing but what fills up would be lost if this were read as XML without a document type.
    pub(super) fn is_plain_xml(&mut self, stream: &Object<'_>) -> Result<bool, FormatError> {
        let data = self.data(stream)?;
        let text = data.trim_ascii();
        Ok(crate::xml::tree::Document::parse(text).is_ok())
    }
}
