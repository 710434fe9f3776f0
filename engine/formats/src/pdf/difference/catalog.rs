//! The catalog, and what hangs on it alone: form, security store, extensions, metadata.

use super::{Change, Comparison, Side, keys, printable};
use crate::inspect::LaterChanges;
use crate::pdf::lexer::{self, Dictionary, Reference};
use crate::pdf::window::Object;
use crate::prepare::FormatError;
use std::collections::HashSet;

/// The parts of the security store, and of the entry of one signature in it.
const STORE_LISTS: [&str; 3] = ["Certs", "CRLs", "OCSPs"];
const ENTRY_LISTS: [&str; 3] = ["Cert", "CRL", "OCSP"];

/// Length of the name of an entry in `/VRI`: hexadecimal SHA-1.
const ENTRY_NAME_LENGTH: usize = 40;

impl<'s> Comparison<'_, 's> {
    /// Compares the catalogs. Some writers give each revision one with a new number.
    pub(super) fn catalog(&mut self, root: Reference, now: Reference) -> Result<(), FormatError> {
        let old = self.object(Side::Old, root.number)?;
        let new = self.object(Side::New, now.number)?;
        let (Some(before), Some(after)) = (Dictionary::new(&old.value), Dictionary::new(&new.value)) else {
            self.other("pdf-catalog-exchanged", "the catalog was removed after signing");
            return Ok(());
        };
        self.explained.extend([root.number, now.number]);
        let mut all = keys(&before, &after);
        // What stays in the catalog may change where it refers to.
        all.extend(["AcroForm", "DSS", "Extensions", "Metadata"].map(str::to_owned));
        for key in all {
            let (was, is) = (before.get(&key), after.get(&key));
            match key.as_str() {
                "AcroForm" => self.form(root.number, (was, &old), (is, &new))?,
                "DSS" => self.store(root.number, (was, &old), (is, &new))?,
                "Extensions" => self.free_part(root.number, "Extensions", (was, &old), (is, &new))?,
                "Metadata" => self.metadata(root.number, (was, &old), (is, &new))?,
                _ if self.same(was, &old, is, &new)? => {}
                "Version" if is.is_some_and(|is| lexer::name(is).is_some()) => {
                    self.note(
                        LaterChanges::LongTerm,
                        "pdf-version-changed",
                        "the version of PDF was changed after signing",
                    );
                }
                "MarkInfo" => {
                    let sentence = "the marks of a tagged PDF were changed after signing (/MarkInfo)";
                    self.note(LaterChanges::LongTerm, "pdf-marks-changed", sentence);
                }
                "OpenAction" | "AA" | "Names" | "URI" | "Dests" => {
                    let sentence = format!(
                        "an action or a named object was changed in the catalog after signing (/{key}): JavaScript may run when the document is opened"
                    );
                    self.other("pdf-action-changed", sentence);
                }
                "Pages" => {
                    let sentence =
                        "another list of pages was put in place after signing: the pages may have been exchanged";
                    self.other("pdf-pages-exchanged", sentence);
                }
                "OCProperties" => {
                    let sentence =
                        "the layers of the document were changed after signing: content may have been hidden or shown";
                    self.other("pdf-layers-changed", sentence);
                }
                key => {
                    let sentence = format!("the entry /{} of the catalog was changed after signing", printable(key));
                    self.other("pdf-catalog-changed", sentence);
                }
            }
        }
        Ok(())
    }

    /// The object that an entry refers to, if it was changed.
    fn changed_own(&self, entry: Option<&[u8]>) -> Option<u32> {
        entry.and_then(lexer::reference).map(|own| own.number).filter(|own| self.is_changed(*own))
    }

    /// A changed object that only this one refers to, once, needs no further look.
    fn explain_only(&mut self, number: u32, referrer: u32) -> bool {
        let only = self.is_changed(number) && (self.is_new(number) || self.is_only_of(number, referrer));
        if only {
            self.explained.insert(number);
        }
        only
    }

    /// A part that may become anything.
    fn free_part(
        &mut self,
        root: u32,
        key: &str,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
    ) -> Result<(), FormatError> {
        let own = self.changed_own(old.0);
        let moved = !self.same(old.0, old.1, new.0, new.1)?;
        if own.is_some_and(|own| !self.explain_only(own, root)) || (own.is_none() && !moved) {
            // Shared with something else, which is looked at like any other object; or the same.
            return Ok(());
        }
        let is = self.follow(Side::New, new.0, new.1)?;
        if *is.value != *b"null" && Dictionary::new(&is.value).is_none() {
            self.other("pdf-catalog-changed", format!("the entry /{key} of the catalog was changed after signing"));
            return Ok(());
        }
        let sentence = "which extensions of PDF are used was changed after signing";
        self.note(LaterChanges::LongTerm, "pdf-extensions-changed", sentence);
        Ok(())
    }

    fn metadata(
        &mut self,
        root: u32,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
    ) -> Result<(), FormatError> {
        let own = self.changed_own(old.0);
        if own.is_none() && old.0 == new.0 {
            return Ok(());
        }
        if own.is_some_and(|own| !self.explain_only(own, root)) {
            return Ok(());
        }
        let is = self.follow(Side::New, new.0, new.1)?;
        let added = new.0.and_then(lexer::reference).is_some_and(|new| self.is_changed(new.number));
        if is.stream_at.is_some() && added && self.is_plain_xml(&is)? {
            let sentence = "the metadata of the document (XMP) were changed after signing";
            self.note(LaterChanges::LongTerm, "pdf-metadata-changed", sentence);
        } else {
            let sentence = "the metadata of the document (XMP) were replaced after signing by something else";
            self.other("pdf-metadata-changed", sentence);
        }
        Ok(())
    }

    /// Compares the interactive form.
    fn form(
        &mut self,
        root: u32,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
    ) -> Result<(), FormatError> {
        if old.0.is_none() && new.0.is_none() {
            return Ok(());
        }
        let before = self.follow(Side::Old, old.0, old.1)?;
        let after = self.follow(Side::New, new.0, new.1)?;
        let own = self.changed_own(old.0);
        if own.is_some_and(|own| !self.explain_only(own, root)) {
            return Ok(());
        }
        let owner = old.0.and_then(lexer::reference).map_or(root, |own| own.number);
        let Some(is) = Dictionary::new(&after.value) else {
            self.other("pdf-form-removed", "the form, with the signatures in it, was removed after signing");
            return Ok(());
        };
        let none = Dictionary::new(b"<<>>");
        let Some(was) = Dictionary::new(&before.value).or(none) else { return Ok(()) };
        for key in keys(&was, &is).into_iter().chain(["Fields".to_owned()]) {
            let (then, now) = (was.get(&key), is.get(&key));
            match key.as_str() {
                "Fields" => self.field_list(owner, (then, &before), (now, &after))?,
                "DR" => self.resources(owner, (then, &before), (now, &after))?,
                _ if self.same(then, &before, now, &after)? => {}
                "SigFlags" | "NeedAppearances" => {
                    let sentence = "flags of the form were changed after signing";
                    self.note(LaterChanges::LongTerm, "pdf-form-flags", sentence);
                }
                "DA" | "Q" if then.is_none() => {
                    let sentence = "how filled fields look was said where nothing was said before";
                    self.note(LaterChanges::LongTerm, "pdf-form-style", sentence);
                }
                "DA" | "Q" => {
                    self.note(LaterChanges::Form, "pdf-form-style", "how filled fields look was changed after signing");
                }
                key => {
                    let sentence = format!("the entry /{} of the form was changed after signing", printable(key));
                    self.other("pdf-form-changed", sentence);
                }
            }
        }
        Ok(())
    }

    /// The list of fields may only grow, by signature fields.
    fn field_list(
        &mut self,
        owner: u32,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
    ) -> Result<(), FormatError> {
        let own = self.changed_own(old.0);
        if own.is_none() && old.0 == new.0 {
            return Ok(());
        }
        if own.is_some_and(|own| !self.explain_only(own, owner)) {
            return Ok(());
        }
        let before = self.follow(Side::Old, old.0, old.1)?;
        let after = self.follow(Side::New, new.0, new.1)?;
        let Some(added) = added(&before.value, &after.value) else {
            let sentence = "fields were removed from the form after signing, perhaps with the signatures in them";
            self.other("pdf-fields-removed", sentence);
            return Ok(());
        };
        for item in added {
            self.new_field(&item)?;
        }
        Ok(())
    }

    /// The resources of the form may only grow: a font that is exchanged makes filled fields say something else.
    fn resources(
        &mut self,
        owner: u32,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
    ) -> Result<(), FormatError> {
        let own = self.changed_own(old.0);
        if own.is_none() && self.same(old.0, old.1, new.0, new.1)? {
            return Ok(());
        }
        if own.is_some_and(|own| !self.explain_only(own, owner)) {
            return Ok(());
        }
        if self.only_grew(old, new, 0)? {
            self.note(LaterChanges::LongTerm, "pdf-form-resources", "resources were added to the form after signing");
        } else {
            let sentence =
                "fonts or other resources of the form were exchanged after signing: fields may look different";
            self.other("pdf-form-resources", sentence);
        }
        Ok(())
    }

    fn only_grew(
        &mut self,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
        depth: usize,
    ) -> Result<bool, FormatError> {
        if old.0.is_none() || self.same(old.0, old.1, new.0, new.1)? {
            return Ok(true);
        }
        let before = self.follow(Side::Old, old.0, old.1)?;
        let after = self.follow(Side::New, new.0, new.1)?;
        match (Dictionary::new(&before.value), Dictionary::new(&after.value)) {
            // Resources, then their kinds; what is below has a meaning of its own.
            (Some(was), Some(is)) if depth < 2 => {
                for (key, _) in was.iter() {
                    let key = String::from_utf8_lossy(key);
                    if !self.only_grew((was.get(&key), &before), (is.get(&key), &after), depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (None, None) if depth == 1 => {
                Ok(added(&before.value, &after.value).is_some() && before.value.starts_with(b"["))
            }
            _ => Ok(false),
        }
    }

    /// Compares the security store, in which nothing is shown.
    fn store(
        &mut self,
        root: u32,
        old: (Option<&[u8]>, &Object<'_>),
        new: (Option<&[u8]>, &Object<'_>),
    ) -> Result<(), FormatError> {
        if old.0.is_none() && new.0.is_none() {
            return Ok(());
        }
        let members = self.store_members(old)?;
        let changed: Vec<u32> = members.iter().copied().filter(|member| self.is_changed(*member)).collect();
        if changed.is_empty() && old.0 == new.0 {
            return Ok(());
        }
        for member in changed {
            let inside = |(referrer, _): &(u32, u32)| members.contains(referrer) || *referrer == root;
            let of_root =
                self.referrers(member).iter().filter(|(referrer, _)| *referrer == root).map(|(_, times)| times);
            if self.referrers(member).iter().all(inside) && of_root.sum::<u32>() <= 1 {
                self.explained.insert(member);
            }
        }
        if self.is_store(new)? {
            let sentence = "evidence for signatures was added after signing (security store)";
            self.note(LaterChanges::LongTerm, "pdf-store-changed", sentence);
        } else {
            let sentence = "the security store was given something after signing that does not belong there";
            self.other("pdf-store-malformed", sentence);
        }
        Ok(())
    }

    /// The objects that make the store, without its streams.
    fn store_members(&mut self, store: (Option<&[u8]>, &Object<'_>)) -> Result<HashSet<u32>, FormatError> {
        let mut members: HashSet<u32> = HashSet::new();
        let mut note = |raw: Option<&[u8]>| members.extend(raw.and_then(lexer::reference).map(|own| own.number));
        note(store.0);
        let object = self.follow(Side::Old, store.0, store.1)?;
        let Some(dictionary) = Dictionary::new(&object.value) else { return Ok(members) };
        STORE_LISTS.iter().for_each(|key| note(dictionary.get(key)));
        note(dictionary.get("VRI"));
        let entries = self.follow(Side::Old, dictionary.get("VRI"), &object)?;
        for (_, raw) in Dictionary::new(&entries.value).iter().flat_map(Dictionary::iter) {
            note(Some(raw));
            let entry = self.follow(Side::Old, Some(raw), &entries)?;
            if let Some(entry) = Dictionary::new(&entry.value) {
                ENTRY_LISTS.iter().for_each(|key| note(entry.get(key)));
            }
        }
        Ok(members)
    }

    /// Whether what is there now is a security store and nothing else.
    fn is_store(&mut self, store: (Option<&[u8]>, &Object<'_>)) -> Result<bool, FormatError> {
        let object = self.follow(Side::New, store.0, store.1)?;
        // Emptied or left out: evidence is missing then, which is found elsewhere.
        let Some(dictionary) = Dictionary::new(&object.value) else { return Ok(*object.value == *b"null") };
        for (key, raw) in dictionary.iter() {
            let fits = match key {
                b"Type" => lexer::name(raw).as_deref() == Some(b"DSS"),
                b"Certs" | b"CRLs" | b"OCSPs" => self.is_list(Some(raw), &object)?,
                b"VRI" => {
                    let entries = self.follow(Side::New, Some(raw), &object)?;
                    self.are_entries(&entries)?
                }
                _ => false,
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn are_entries(&mut self, entries: &Object<'s>) -> Result<bool, FormatError> {
        let Some(dictionary) = Dictionary::new(&entries.value) else { return Ok(false) };
        for (key, raw) in dictionary.iter() {
            if key == b"Type" && lexer::name(raw).as_deref() == Some(b"VRI") {
                continue;
            }
            let named = key.len() == ENTRY_NAME_LENGTH && key.iter().all(u8::is_ascii_alphanumeric);
            let entry = self.follow(Side::New, Some(raw), entries)?;
            let Some(parts) = Dictionary::new(&entry.value).filter(|_| named) else { return Ok(false) };
            for (key, raw) in parts.iter() {
                let fits = match key {
                    b"Type" | b"TU" | b"TS" => true,
                    b"Cert" | b"CRL" | b"OCSP" => self.is_list(Some(raw), &entry)?,
                    _ => false,
                };
                if !fits {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn is_list(&mut self, raw: Option<&[u8]>, within: &Object<'_>) -> Result<bool, FormatError> {
        let list = self.follow(Side::New, raw, within)?;
        Ok(lexer::items(&list.value).is_some_and(|mut items| items.all(|item| lexer::reference(item).is_some()))
            || *list.value == *b"null")
    }
}

/// What was added to a list whose members are all there still, in their order; `None`: something else happened to it.
pub(super) fn added(old: &[u8], new: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut kept = lexer::items(if old == b"null" { b"[]" } else { old })?.peekable();
    let mut added = Vec::new();
    for item in lexer::items(if new == b"null" { b"[]" } else { new })? {
        let same = |known: &&[u8]| {
            item == *known || lexer::reference(item).is_some_and(|item| lexer::reference(known) == Some(item))
        };
        if kept.next_if(same).is_none() {
            added.push(item.to_vec());
        }
    }
    kept.next().is_none().then_some(added)
}

impl Change {
    /// A field was filled in or signed.
    pub(super) fn form(field: &std::rc::Rc<str>, visible: bool, code: &'static str, sentence: String) -> Self {
        Self {
            level: LaterChanges::Form,
            field: Some(field.clone()),
            visible,
            reason: model::Reason::new(code, sentence),
        }
    }
}
