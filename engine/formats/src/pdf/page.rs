//! Pages: finding one in the page tree, with what it inherits (ISO 32000-1 7.7.3). Reads only.

use super::lexer::{self, Dictionary};
use super::reader::Document;
use super::window::Object;
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use model::limits::PDF_NESTING_MAX;
use model::profile::PageChoice;

/// Nodes of the page tree that are looked at.
const NODES_MAX: usize = 1_000_000;

/// Paper size when a document gives none: A4.
const DEFAULT_BOX: Box = Box { left: 0.0, bottom: 0.0, right: 595.0, top: 842.0 };

/// A rectangle in the page's own coordinates, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Box {
    pub(super) left: f32,
    pub(super) bottom: f32,
    pub(super) right: f32,
    pub(super) top: f32,
}

/// A page and how it is displayed.
pub(super) struct Page<'s> {
    pub(super) object: Object<'s>,
    /// What is shown of it.
    pub(super) visible: Box,
    /// Clockwise quarter turns.
    pub(super) turns: u8,
}

#[derive(Clone, Copy, Default)]
struct Inherited {
    media: Option<Box>,
    crop: Option<Box>,
    rotate: i64,
}

impl Inherited {
    fn with(mut self, document: &mut Document<'_>, node: &Dictionary<'_>) -> Result<Self, FormatError> {
        self.media = read_box(document, node, "MediaBox")?.or(self.media);
        self.crop = read_box(document, node, "CropBox")?.or(self.crop);
        self.rotate = match document.get(node, "Rotate")? {
            Some(raw) => lexer::integer(&raw).unwrap_or(self.rotate),
            None => self.rotate,
        };
        Ok(self)
    }

    fn finish(self, object: Object<'_>) -> Page<'_> {
        let media = self.media.unwrap_or(DEFAULT_BOX);
        let visible = self.crop.map_or(media, |crop| Box {
            left: crop.left.max(media.left),
            bottom: crop.bottom.max(media.bottom),
            right: crop.right.min(media.right),
            top: crop.top.min(media.top),
        });
        let visible = if visible.left < visible.right && visible.bottom < visible.top { visible } else { media };
        Page { object, visible, turns: (self.rotate.div_euclid(90).rem_euclid(4)) as u8 }
    }
}

struct Walk {
    /// Which page to find: from the front if positive, the last if zero.
    wanted: u64,
    /// Pages passed over.
    passed: u64,
    visited: usize,
}

/// Finds a page.
pub(super) fn find<'s>(
    document: &mut Document<'s>,
    catalog: &Object<'s>,
    choice: PageChoice,
) -> Result<Page<'s>, FormatError> {
    let pages = document.dictionary(&catalog.value)?.get("Pages").ok_or_else(|| damaged("it has no pages"))?;
    let mut walk = Walk {
        wanted: match choice {
            PageChoice::First => 1,
            PageChoice::Number(number) => u64::from(number.max(1)),
            PageChoice::Last => 0,
        },
        passed: 0,
        visited: 0,
    };
    walk.descend(document, pages, Inherited::default(), 0)?.ok_or_else(|| match choice {
        PageChoice::Number(number) => FormatError::document(
            "pdf-no-such-page",
            format!("the signature belongs on page {number}, but the PDF has only {} pages", walk.passed),
        ),
        _ => damaged("it has no pages"),
    })
}

impl Walk {
    fn descend<'s>(
        &mut self,
        document: &mut Document<'s>,
        raw: &[u8],
        inherited: Inherited,
        depth: usize,
    ) -> Result<Option<Page<'s>>, FormatError> {
        self.visited += 1;
        if depth > PDF_NESTING_MAX || self.visited > NODES_MAX {
            return Err(unsupported("its page tree nests too deep or in a circle".into()));
        }
        let Some(id) = lexer::reference(raw) else { return Ok(None) };
        let object = document.object(id)?;
        let Some(node) = Dictionary::new(&object.value) else { return Ok(None) };
        let here = inherited.with(document, &node)?;
        let Some(kids) = document.get(&node, "Kids")? else {
            if node.name("Type").as_deref() == Some(b"Pages") {
                return Ok(None);
            }
            self.passed += 1;
            return Ok((self.wanted == 0 || self.passed == self.wanted).then(|| here.finish(object.clone())));
        };
        // A branch that says how many pages it has need not be walked to pass over them.
        if depth > 0 && self.wanted > 0 {
            let count = node.integer("Count").and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
            if let Some(count) = count.filter(|count| self.passed.saturating_add(*count) < self.wanted) {
                self.passed += count;
                return Ok(None);
            }
        }
        let kids = lexer::items(&kids).ok_or_else(|| damaged("its page tree is malformed"))?;
        if self.wanted > 0 {
            for kid in kids {
                if let Some(page) = self.descend(document, kid, here, depth + 1)? {
                    return Ok(Some(page));
                }
            }
        } else {
            for kid in kids.collect::<Vec<_>>().into_iter().rev() {
                if let Some(page) = self.descend(document, kid, here, depth + 1)? {
                    return Ok(Some(page));
                }
            }
        }
        Ok(None)
    }
}

/// The page that an object is, with what its ancestors hand down.
pub(super) fn of_object<'s>(document: &mut Document<'s>, object: Object<'s>) -> Result<Page<'s>, FormatError> {
    // From the page upwards; the nearest value wins, so each ancestor only fills in what is still missing.
    let mut found = Inherited::default();
    let mut rotate = None;
    let mut node = object.clone();
    for _ in 0..=PDF_NESTING_MAX {
        let Some(dictionary) = Dictionary::new(&node.value) else { break };
        found.media = match found.media {
            None => read_box(document, &dictionary, "MediaBox")?,
            some => some,
        };
        found.crop = match found.crop {
            None => read_box(document, &dictionary, "CropBox")?,
            some => some,
        };
        if rotate.is_none() {
            rotate = document.get(&dictionary, "Rotate")?.and_then(|raw| lexer::integer(&raw));
        }
        let Some(parent) = dictionary.reference("Parent") else { break };
        node = document.object(parent)?;
    }
    found.rotate = rotate.unwrap_or(0);
    Ok(found.finish(object))
}

/// Whether a form field or signature is shown where the box is. Links and notes may be covered, fields may not.
pub(super) fn is_taken(document: &mut Document<'_>, annotations: &Object<'_>, place: Box) -> Result<bool, FormatError> {
    for item in lexer::items(&annotations.value).into_iter().flatten() {
        let annotation = document.follow(item, annotations)?;
        let Some(dictionary) = Dictionary::new(&annotation.value) else { continue };
        if dictionary.name("Subtype").as_deref() != Some(b"Widget") {
            continue;
        }
        let Some(other) = read_box(document, &dictionary, "Rect")? else { continue };
        let across = place.left.max(other.left) < place.right.min(other.right);
        if across && place.bottom.max(other.bottom) < place.top.min(other.top) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads a rectangle, its corners in any order.
pub(super) fn read_box(
    document: &mut Document<'_>,
    node: &Dictionary<'_>,
    key: &str,
) -> Result<Option<Box>, FormatError> {
    let Some(raw) = document.get(node, key)? else { return Ok(None) };
    let mut numbers = [0.0; 4];
    let Some(mut items) = lexer::items(&raw) else { return Ok(None) };
    for number in &mut numbers {
        let Some(item) = items.next() else { return Ok(None) };
        let Some(value) = lexer::number(&document.resolve(item)?) else { return Ok(None) };
        *number = value;
    }
    let [a, b, c, d] = numbers;
    Ok(Some(Box { left: a.min(c), bottom: b.min(d), right: a.max(c), top: b.max(d) }))
}
