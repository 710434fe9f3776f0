//! Fields of the form: filled in, signed, or new for a signature. Nothing else may happen to them.

use super::{Change, Comparison, Fate, Side, keys, printable};
use crate::inspect::LaterChanges;
use crate::pdf::fields::Member;
use crate::pdf::lexer::{self, Dictionary};
use crate::pdf::window::Object;
use crate::prepare::FormatError;
use std::rc::Rc;

/// What a new signature field and its widget may have. Actions are not among it.
const FIELD_KEYS: [&str; 32] = [
    "FT",
    "T",
    "V",
    "Type",
    "Subtype",
    "Rect",
    "P",
    "F",
    "Ff",
    "AP",
    "AS",
    "MK",
    "BS",
    "Border",
    "DA",
    "DR",
    "DV",
    "Lock",
    "SV",
    "TU",
    "TM",
    "Kids",
    "Parent",
    "StructParent",
    "NM",
    "M",
    "C",
    "H",
    "Contents",
    "Q",
    "Lang",
    "OC",
];

/// Bits of `/F` that hide an annotation: Invisible, Hidden, NoView, ToggleNoView (ISO 32000-1 table 165).
const HIDING: i64 = 1 | 1 << 1 | 1 << 5 | 1 << 8;

/// Kids of one new signature field.
const WIDGETS_MAX: usize = 64;

/// What signs a field.
struct Value {
    is_time_stamp: bool,
}

impl<'s> Comparison<'_, 's> {
    /// A field that was added to the form.
    pub(super) fn new_field(&mut self, raw: &[u8]) -> Result<(), FormatError> {
        let Some(id) = lexer::reference(raw).filter(|id| self.is_new(id.number)) else {
            self.other("pdf-field-added", "an object that was there before was made a field of the form after signing");
            return Ok(());
        };
        let object = self.object(Side::New, id.number)?;
        let Some(field) = Dictionary::new(&object.value) else {
            self.other("pdf-field-added", "something that is no field was added to the form after signing");
            return Ok(());
        };
        let name: Rc<str> = self
            .fields
            .members
            .get(&id.number)
            .map_or_else(|| format!("object {}", id.number).into(), |m| m.name.clone());
        self.explain_new(id.number);
        let kind = self.follow(Side::New, field.get("FT"), &object)?;
        if lexer::name(&kind.value).as_deref() != Some(b"Sig") {
            let sentence = format!(
                "the field \u{201c}{name}\u{201d}, which is not for a signature, was added to the form after signing"
            );
            self.other("pdf-field-added", sentence);
            return Ok(());
        }
        let mut visible = self.widget(id.number, &name, &field)?;
        let kids = self.follow(Side::New, field.get("Kids"), &object)?;
        let kids: Vec<_> =
            lexer::items(&kids.value).into_iter().flatten().take(WIDGETS_MAX + 1).map(<[u8]>::to_vec).collect();
        for kid in kids.iter().take(WIDGETS_MAX) {
            let new = lexer::reference(kid).filter(|kid| self.is_new(kid.number));
            let Some(kid) = new else {
                let sentence =
                    format!("the new signature field \u{201c}{name}\u{201d} took over something that was there before");
                self.other("pdf-field-added", sentence);
                return Ok(());
            };
            let kid_object = self.object(Side::New, kid.number)?;
            if let Some(kid_field) = Dictionary::new(&kid_object.value) {
                self.explain_new(kid.number);
                visible |= self.widget(kid.number, &name, &kid_field)?;
            }
        }
        if kids.len() > WIDGETS_MAX {
            self.other("pdf-field-added", format!("the new signature field \u{201c}{name}\u{201d} has too many parts"));
        }
        let value = match field.get("V") {
            None => None,
            Some(raw) => match self.value(raw)? {
                Some(value) => Some(value),
                None => {
                    let sentence = format!(
                        "the new signature field \u{201c}{name}\u{201d} got as its signature what is none or was there before"
                    );
                    self.other("pdf-signature-copied", sentence);
                    return Ok(());
                }
            },
        };
        self.add(match value {
            Some(Value { is_time_stamp: true }) if !visible => Change {
                level: LaterChanges::LongTerm,
                field: None,
                visible,
                reason: model::Reason::new(
                    "pdf-time-stamp-added",
                    format!("the document time stamp \u{201c}{name}\u{201d} was added"),
                ),
            },
            Some(_) => {
                let sentence =
                    format!("the {}signature \u{201c}{name}\u{201d} was added", if visible { "visible " } else { "" });
                Change::form(&name, visible, "pdf-signature-added", sentence)
            }
            None => {
                let sentence = format!("the empty signature field \u{201c}{name}\u{201d} was added");
                Change::form(&name, visible, "pdf-field-added", sentence)
            }
        });
        Ok(())
    }

    fn explain_new(&mut self, number: u32) {
        // One that something referred to before it was there stays suspicious.
        if self.fates.get(&number) == Some(&Fate::New) && self.referrers(number).is_empty() {
            self.explained.insert(number);
        }
    }

    /// Checks the keys of a new signature field or its widget, and whether it shows.
    fn widget(&mut self, number: u32, name: &str, field: &Dictionary<'_>) -> Result<bool, FormatError> {
        for (key, _) in field.iter() {
            if !FIELD_KEYS.iter().any(|known| known.as_bytes() == key) {
                let key = printable(&String::from_utf8_lossy(key));
                let sentence = format!(
                    "the new signature field \u{201c}{name}\u{201d} has something that signatures do not need (/{key}), perhaps an action"
                );
                self.other("pdf-field-added", sentence);
            }
        }
        self.widgets.insert(number);
        Ok(is_visible(field))
    }

    /// What a field was signed with: an object that is new. `None`: it is no signature of this revision.
    fn value(&mut self, raw: &[u8]) -> Result<Option<Value>, FormatError> {
        let Some(id) = lexer::reference(raw).filter(|id| self.is_new(id.number)) else { return Ok(None) };
        let object = self.object(Side::New, id.number)?;
        let Some(dictionary) = Dictionary::new(&object.value) else { return Ok(None) };
        if dictionary.get("ByteRange").is_none() || object.stream_at.is_some() {
            return Ok(None);
        }
        self.explain_new(id.number);
        let kind = self.follow(Side::New, dictionary.get("SubFilter"), &object)?;
        Ok(Some(Value { is_time_stamp: lexer::name(&kind.value).as_deref() == Some(b"ETSI.RFC3161") }))
    }

    /// Notes the fields whose value changed.
    pub(super) fn values(&mut self) -> Result<(), FormatError> {
        let replaced: Vec<u32> =
            self.fates.iter().filter(|(_, fate)| **fate == Fate::Replaced).map(|(number, _)| *number).collect();
        for number in replaced {
            let Some(member) = self.fields.members.get(&number) else { continue };
            let name = member.name.clone();
            let old = self.object(Side::Old, number)?;
            let new = self.object(Side::New, number)?;
            let (Some(before), Some(after)) = (Dictionary::new(&old.value), Dictionary::new(&new.value)) else {
                continue;
            };
            if !self.same(before.get("V"), &old, after.get("V"), &new)? {
                self.valued.insert(name);
            }
        }
        Ok(())
    }

    /// A field or widget that was rewritten.
    pub(super) fn field(
        &mut self,
        member: &Member,
        (before, old): (&Dictionary<'_>, &Object<'_>),
        (after, new): (&Dictionary<'_>, &Object<'_>),
    ) -> Result<(), FormatError> {
        let name = &member.name;
        let mut changed = Vec::new();
        for key in keys(before, after) {
            if !self.same(before.get(&key), old, after.get(&key), new)? {
                changed.push(key);
            }
        }
        let of_field = |what: &str| format!("the field \u{201c}{name}\u{201d} was changed after signing: {what}");
        if member.is_signature && before.get("V").is_some() && !changed.is_empty() {
            let sentence =
                format!("the signature \u{201c}{name}\u{201d} or how it looks was changed after it was made");
            self.other("pdf-signature-changed", sentence);
            return Ok(());
        }
        let allowed = |key: &str| matches!(key, "V" | "AP" | "AS" | "F" | "DA" | "Q" | "Ff" | "Type" | "RV" | "I");
        if let Some(key) = changed.iter().find(|key| !allowed(key)) {
            let what = match key.as_str() {
                "A" | "AA" => "it got an action, which may be JavaScript".to_owned(),
                "Rect" => "it was moved".to_owned(),
                "Kids" | "Parent" | "T" | "FT" => "its place in the form is another".to_owned(),
                key => format!("its entry /{}", printable(key)),
            };
            self.other("pdf-field-changed", of_field(&what));
            return Ok(());
        }
        let has = |key: &str| changed.iter().any(|changed| changed == key);
        let hides = |flags: Option<i64>| flags.unwrap_or(0) & HIDING;
        if has("F") && hides(before.integer("F")) != hides(after.integer("F")) {
            self.other("pdf-field-changed", of_field("it was hidden or shown"));
            return Ok(());
        }
        if has("AP") && !self.valued.contains(name) {
            self.other("pdf-appearance-changed", of_field("it shows something else than its value"));
            return Ok(());
        }
        if member.is_signature && has("V") {
            let value = match after.get("V") {
                Some(raw) => self.value(raw)?,
                None => None,
            };
            self.add(match value {
                None => Change::other(
                    "pdf-signature-copied",
                    format!("the field \u{201c}{name}\u{201d} got as its signature what is none or was there before"),
                ),
                Some(Value { is_time_stamp: true }) if !is_visible(after) => Change {
                    level: LaterChanges::LongTerm,
                    field: None,
                    visible: false,
                    reason: model::Reason::new(
                        "pdf-time-stamp-added",
                        format!("the document time stamp \u{201c}{name}\u{201d} was added"),
                    ),
                },
                Some(_) => Change::form(
                    name,
                    false,
                    "pdf-signature-added",
                    format!("the field \u{201c}{name}\u{201d} was signed"),
                ),
            });
        } else if !changed.is_empty() {
            self.add(Change::form(
                name,
                false,
                "pdf-field-filled",
                format!("the field \u{201c}{name}\u{201d} was filled in"),
            ));
        }
        Ok(())
    }

    /// Whether a stream that was replaced is the appearance of fields that were filled in, and nothing else.
    pub(super) fn appearance(&mut self, number: u32) -> Result<bool, FormatError> {
        let referrers: Vec<u32> = self.referrers(number).iter().map(|(referrer, _)| *referrer).collect();
        let mut names = Vec::new();
        for referrer in &referrers {
            let Some(member) = self.fields.members.get(referrer) else { return Ok(false) };
            if !self.valued.contains(&member.name) {
                return Ok(false);
            }
            let name = member.name.clone();
            let widget = self.object(Side::Old, *referrer)?;
            let Some(dictionary) = Dictionary::new(&widget.value) else { return Ok(false) };
            // All references have to be those of the appearance.
            let mut elsewhere = false;
            for (key, raw) in dictionary.iter().filter(|(key, _)| *key != b"AP") {
                lexer::each_reference(raw, |reference| elsewhere |= reference.number == number && key != b"AP");
            }
            if elsewhere {
                return Ok(false);
            }
            names.push(name);
        }
        for name in &names {
            self.add(Change::form(
                name,
                false,
                "pdf-field-filled",
                format!("the field \u{201c}{name}\u{201d} was filled in"),
            ));
        }
        Ok(!names.is_empty())
    }
}

/// Whether an annotation takes room on its page and is not hidden.
pub(super) fn is_visible(annotation: &Dictionary<'_>) -> bool {
    let Some(rectangle) = annotation.get("Rect") else { return false };
    let numbers: Option<Vec<f32>> = lexer::items(rectangle).and_then(|items| items.map(lexer::number).collect());
    let empty = matches!(numbers.as_deref(), Some([left, bottom, right, top]) if left == right || bottom == top);
    let hidden = annotation.integer("F").unwrap_or(0) & (1 << 1 | 1 << 5) != 0;
    !empty && !hidden
}
