//! The structure of a tagged document (ISO 32000-2 14.7): a signature field that an editor adds gets an element of its own
//! there, and nothing else may change. What is read aloud to somebody is as good as what is seen.

use super::catalog::added;
use super::{Comparison, Side, keys};
use crate::inspect::LaterChanges;
use crate::pdf::lexer::{self, Dictionary};
use crate::pdf::window::Object;
use crate::prepare::FormatError;

impl Comparison<'_, '_> {
    /// Whether the root or an element of the structure only got elements of form fields.
    pub(super) fn structure(
        &mut self,
        (before, old): (&Dictionary<'_>, &Object<'_>),
        (after, new): (&Dictionary<'_>, &Object<'_>),
    ) -> Result<bool, FormatError> {
        for key in keys(before, after) {
            let (was, is) = (before.get(&key), after.get(&key));
            let fits = match key.as_str() {
                "K" => self.elements((was, old), (is, new))?,
                "ParentTree" => self.parents((was, old), (is, new))?,
                "ParentTreeNextKey" => is.is_some_and(|is| lexer::integer(is).is_some()),
                _ => self.same(was, old, is, new)?,
            };
            if !fits {
                return Ok(false);
            }
        }
        let sentence = "elements of form fields were added to the structure of the document";
        self.note(LaterChanges::Form, "pdf-structure-grown", sentence);
        Ok(true)
    }

    /// Kids: one, or a list of them.
    fn elements(
        &mut self,
        (was, old): (Option<&[u8]>, &Object<'_>),
        (is, new): (Option<&[u8]>, &Object<'_>),
    ) -> Result<bool, FormatError> {
        let listed = |raw: &[u8]| match raw.first() {
            Some(b'[') => raw.to_vec(),
            _ => [b"[", raw, b"]"].concat(),
        };
        let then = match was {
            Some(raw) if lexer::reference(raw).is_some() => match self.follow(Side::Old, was, old)? {
                list if list.value.starts_with(b"[") => list.value.to_vec(),
                _ => listed(raw),
            },
            Some(raw) => listed(raw),
            None => b"[]".to_vec(),
        };
        let now = match is {
            Some(raw) if lexer::reference(raw).is_some() => match self.follow(Side::New, is, new)? {
                list if list.value.starts_with(b"[") => list.value.to_vec(),
                _ => listed(raw),
            },
            Some(raw) => listed(raw),
            None => b"[]".to_vec(),
        };
        let Some(added) = added(&then, &now) else { return Ok(false) };
        for item in added {
            let Some(id) = lexer::reference(&item).filter(|id| self.is_new(id.number)) else { return Ok(false) };
            let element = self.object(Side::New, id.number)?;
            let fits = Dictionary::new(&element.value).is_some_and(|element| {
                let spoken = ["ActualText", "Alt", "E"].iter().any(|key| element.get(key).is_some());
                element.name("S").as_deref() == Some(b"Form") && !spoken
            });
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The table from what stands on a page to its element.
    fn parents(
        &mut self,
        (was, old): (Option<&[u8]>, &Object<'_>),
        (is, new): (Option<&[u8]>, &Object<'_>),
    ) -> Result<bool, FormatError> {
        if self.same(was, old, is, new)? {
            return Ok(true);
        }
        let before = self.follow(Side::Old, was, old)?;
        let after = self.follow(Side::New, is, new)?;
        let (Some(then), Some(now)) = (Dictionary::new(&before.value), Dictionary::new(&after.value)) else {
            return Ok(false);
        };
        for key in keys(&then, &now) {
            let fits = match key.as_str() {
                "Nums" => {
                    let list = self.follow(Side::Old, then.get("Nums"), &before)?;
                    let longer = self.follow(Side::New, now.get("Nums"), &after)?;
                    self.pairs_kept(&list, &longer)?
                }
                _ => self.same(then.get(&key), &before, now.get(&key), &after)?,
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether every number of the old table has in the new one what it had.
    fn pairs_kept(&mut self, old: &Object<'_>, new: &Object<'_>) -> Result<bool, FormatError> {
        let (Some(before), Some(after)) = (lexer::items(&old.value), lexer::items(&new.value)) else {
            return Ok(false);
        };
        let (before, after): (Vec<&[u8]>, Vec<&[u8]>) = (before.collect(), after.collect());
        // Both are sorted by their numbers.
        let mut rest = after.chunks_exact(2);
        for pair in before.chunks_exact(2) {
            let &[number, value] = pair else { return Ok(false) };
            let Some(&[_, now]) = rest.by_ref().find(|pair| pair.first() == Some(&number)) else { return Ok(false) };
            if !self.same(Some(value), old, Some(now), new)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
