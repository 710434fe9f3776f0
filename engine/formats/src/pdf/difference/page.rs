//! Pages and annotations: a page may get annotations, nothing else.

use super::catalog::added;
use super::field::is_visible;
use super::{Change, Comparison, Side, keys, printable};
use crate::inspect::LaterChanges;
use crate::pdf::lexer::{self, Dictionary, Reference};
use crate::pdf::window::Object;
use crate::prepare::FormatError;
use model::Reason;
use std::collections::HashMap;

/// Objects of the page tree that are looked at to number the pages.
const PAGE_NODES_MAX: usize = 100_000;

/// Annotations that mark what is there.
const MARKS: [&[u8]; 7] = [b"Text", b"Popup", b"Highlight", b"Underline", b"Squiggly", b"StrikeOut", b"Caret"];

/// Annotations that can lay something over what is there.
const COVERS: [&[u8]; 8] = [b"FreeText", b"Stamp", b"Square", b"Circle", b"Line", b"Polygon", b"PolyLine", b"Ink"];

impl<'s> Comparison<'_, 's> {
    /// A page that was rewritten.
    pub(super) fn page(
        &mut self,
        number: u32,
        (before, old): (&Dictionary<'_>, &Object<'_>),
        (after, new): (&Dictionary<'_>, &Object<'_>),
    ) -> Result<(), FormatError> {
        let mut wrong = Vec::new();
        for key in keys(before, after) {
            let (was, is) = (before.get(&key), after.get(&key));
            match key.as_str() {
                "Annots" => {}
                _ if self.same(was, old, is, new)? => {}
                key => wrong.push(format!("/{}", printable(key))),
            }
        }
        if !wrong.is_empty() {
            let page = self.page_name(number)?;
            let what = match wrong.iter().any(|key| matches!(key.as_str(), "/Contents" | "/Resources")) {
                true => "its content was exchanged",
                false => "it was changed",
            };
            let sentence =
                format!("{page} is not the one that was signed: {what} after signing ({})", wrong.join(", "));
            self.other("pdf-page-changed", sentence);
        }
        let (was, is) = (before.get("Annots"), after.get("Annots"));
        let own = was.and_then(lexer::reference).map(|own| own.number).filter(|own| self.is_changed(*own));
        if was == is || own.is_some_and(|own| !self.is_only_of(own, number)) {
            // The list itself is looked at where it is.
            return Ok(());
        }
        let then = self.follow(Side::Old, was, old)?;
        let now = self.follow(Side::New, is, new)?;
        self.annotations(number, &then.value, &now.value)?;
        self.explained.extend(own);
        Ok(())
    }

    /// Whether this list, which was rewritten, is the list of annotations of one page; then it was compared.
    pub(super) fn annotations_of(
        &mut self,
        number: u32,
        old: &Object<'_>,
        new: &Object<'_>,
    ) -> Result<bool, FormatError> {
        let &[(page, 1)] = self.referrers(number) else { return Ok(false) };
        let object = self.object(Side::Old, page)?;
        let of_page = Dictionary::new(&object.value).is_some_and(|dictionary| {
            dictionary.name("Type").as_deref() == Some(b"Page")
                && dictionary.reference("Annots").is_some_and(|own| own.number == number)
        });
        if of_page {
            self.annotations(page, &old.value, &new.value)?;
        }
        Ok(of_page)
    }

    fn annotations(&mut self, page: u32, old: &[u8], new: &[u8]) -> Result<(), FormatError> {
        let Some(added) = added(old, new) else {
            let page = self.page_name(page)?;
            self.other(
                "pdf-annotation-removed",
                format!("annotations of {page} were removed or exchanged after signing"),
            );
            return Ok(());
        };
        for item in added {
            match lexer::reference(&item) {
                Some(id) if self.widgets.contains(&id.number) => {}
                // The widget of a signature field that lacked its place on a page.
                Some(id) if self.fields.members.get(&id.number).is_some_and(|member| member.is_signature) => {}
                Some(id) if self.is_new(id.number) => {
                    let change = self.annotation(id, page)?;
                    self.add(change);
                }
                _ => {
                    let page = self.page_name(page)?;
                    let sentence = format!("an annotation that was hidden in the file was put on {page} after signing");
                    self.other("pdf-annotation-revived", sentence);
                }
            }
        }
        Ok(())
    }

    /// A new annotation that belongs to no signature.
    fn annotation(&mut self, id: Reference, page: u32) -> Result<Change, FormatError> {
        let object = self.object(Side::New, id.number)?;
        let page = self.page_name(page)?;
        let Some(dictionary) = Dictionary::new(&object.value) else {
            return Ok(Change::other(
                "pdf-annotation-added",
                format!("a malformed annotation was put on {page} after signing"),
            ));
        };
        let kind = dictionary.name("Subtype").map(|kind| kind.into_owned()).unwrap_or_default();
        let shown = printable(&String::from_utf8_lossy(&kind));
        let active = ["A", "AA", "PA", "OC"].iter().any(|key| dictionary.get(key).is_some());
        let visible = COVERS.contains(&&kind[..]) && is_visible(&dictionary);
        if active || !(MARKS.contains(&&kind[..]) || COVERS.contains(&&kind[..])) {
            let what = if active { "with an action" } else { "of a kind that is not allowed" };
            let sentence = format!("an annotation {what} was put on {page} after signing ({shown})");
            return Ok(Change::other("pdf-annotation-added", sentence));
        }
        let what = if visible { ", which can cover content," } else { "" };
        let sentence = format!("an annotation{what} was put on {page} after signing ({shown})");
        let reason = Reason::new("pdf-annotation-added", sentence);
        Ok(Change { level: LaterChanges::Annotation, field: None, visible, reason })
    }

    fn page_name(&mut self, number: u32) -> Result<String, FormatError> {
        Ok(match self.page_number(number)? {
            Some(page) => format!("page {page}"),
            None => format!("a page that is not in the list of pages (object {number})"),
        })
    }

    /// The number of a page, from 1, in the newest revision.
    pub(super) fn page_number(&mut self, number: u32) -> Result<Option<usize>, FormatError> {
        if self.pages.is_none() {
            let numbered = self.number_pages();
            let numbered = self.tolerate(numbered)?.unwrap_or_default();
            *self.pages = Some(numbered);
        }
        Ok(self.pages.as_ref().and_then(|pages| pages.get(&number)).copied())
    }

    fn number_pages(&mut self) -> Result<HashMap<u32, usize>, FormatError> {
        let mut pages = HashMap::new();
        self.document.chain.look_from(0);
        let trailer = self.document.chain.trailer().to_vec();
        let Some(root) = Dictionary::new(&trailer).and_then(|trailer| trailer.reference("Root")) else {
            return Ok(pages);
        };
        let root = self.document.object(root)?;
        let first = Dictionary::new(&root.value).and_then(|root| root.reference("Pages"));
        let mut waiting: Vec<Reference> = first.into_iter().collect();
        let (mut visited, mut seen) = (0, std::collections::HashSet::new());
        while let Some(id) = waiting.pop() {
            visited += 1;
            if visited > PAGE_NODES_MAX || !seen.insert(id.number) {
                continue;
            }
            let node = self.document.object(id)?;
            let Some(dictionary) = Dictionary::new(&node.value) else { continue };
            match dictionary.get("Kids") {
                Some(raw) => {
                    let kids = self.document.follow(raw, &node)?;
                    let kids: Vec<Reference> =
                        lexer::items(&kids.value).into_iter().flatten().filter_map(lexer::reference).collect();
                    waiting.extend(kids.into_iter().rev().take(PAGE_NODES_MAX));
                }
                None => {
                    let page = pages.len() + 1;
                    pages.insert(id.number, page);
                }
            }
        }
        Ok(pages)
    }
}
