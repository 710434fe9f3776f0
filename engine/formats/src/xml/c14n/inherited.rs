//! What an element takes over from ancestors that are left out: attributes of the `xml` namespace (Canonical XML 1.0 and
//! 1.1, section 2.4). Exclusive canonical XML takes over nothing.

mod base;

use super::Shown;
use crate::xml::tree::{Document, NodeId, Uri};
use model::profile::CanonicalVersion;
use std::borrow::Cow;

/// An attribute of the `xml` namespace of an element that is open.
#[derive(Clone, Copy)]
struct Above {
    attribute: usize,
    /// How many elements were open outside of its element.
    depth: usize,
}

/// Those of all open elements.
pub(super) struct Inherited<'d> {
    document: &'d Document<'d>,
    version: CanonicalVersion,
    above: Vec<Above>,
    /// For each open element how many attributes were above it, and the depth at which the chosen elements end.
    marks: Vec<(usize, usize)>,
    /// How many of the open elements are not left out, counted from the outside to the innermost chosen one.
    left_out_from: usize,
}

impl<'d> Inherited<'d> {
    pub(super) fn new(document: &'d Document<'d>, version: CanonicalVersion) -> Self {
        Self { document, version, above: Vec::new(), marks: Vec::new(), left_out_from: 0 }
    }

    pub(super) fn opened(&mut self, node: NodeId, chosen: bool) {
        if self.version == CanonicalVersion::Exclusive {
            return;
        }
        let depth = self.marks.len();
        self.marks.push((self.above.len(), self.left_out_from));
        if chosen {
            self.left_out_from = depth + 1;
        }
        let found = self.document.attribute_range(node).filter(|attribute| self.is_xml(*attribute));
        let found: Vec<usize> = found.collect();
        self.above.extend(found.into_iter().map(|attribute| Above { attribute, depth }));
    }

    pub(super) fn closed(&mut self) {
        if let Some((above, left_out_from)) = self.marks.pop() {
            self.above.truncate(above);
            self.left_out_from = left_out_from;
        }
    }

    /// Adds what an element whose parent is left out takes over to the attributes of its own.
    pub(super) fn add(&self, node: NodeId, shown: &mut Vec<Shown<'d>>) {
        if self.above.is_empty() {
            return;
        }
        let mut taken: Vec<&str> = self
            .document
            .attribute_range(node)
            .filter(|attribute| self.is_xml(*attribute))
            .map(|attribute| self.local(attribute))
            .collect();
        for above in self.above.iter().rev() {
            let local = self.local(above.attribute);
            let is_inherited = match self.version {
                CanonicalVersion::V1_0 => true,
                CanonicalVersion::V1_1 => matches!(local, "lang" | "space"),
                CanonicalVersion::Exclusive => false,
            };
            if is_inherited && !taken.contains(&local) {
                taken.push(local);
                shown
                    .extend(self.row(above.attribute).map(|(name, value)| Shown { name, value: Cow::Borrowed(value) }));
            }
        }
        if self.version == CanonicalVersion::V1_1 {
            self.fix_base(shown);
        }
    }

    /// Joins the `xml:base` of the ancestors that are left out, up to the nearest one that is not, with the element's.
    fn fix_base(&self, shown: &mut Vec<Shown<'d>>) {
        let is_base = |name: u32| {
            let name = self.document.resolved_name(name);
            name.is(crate::xml::tree::XML_NAMESPACE, "base")
        };
        let left_out = self.above.iter().rev().take_while(|above| above.depth >= self.left_out_from);
        let bases = left_out.filter_map(|above| self.row(above.attribute)).filter(|(name, _)| is_base(*name));
        let own = shown.iter().position(|shown| is_base(shown.name)).map(|at| shown.swap_remove(at));
        let mut joined = None;
        for (name, outer) in bases {
            let inner = joined.as_ref().or(own.as_ref());
            let value = match inner {
                None => Cow::Borrowed(outer),
                Some(inner) => Cow::Owned(base::join(outer, &inner.value)),
            };
            joined = Some(Shown { name, value });
        }
        // Only what was joined is left out when nothing remains of it.
        let result = match joined {
            None => own,
            Some(joined) => Some(joined).filter(|joined| !joined.value.is_empty()),
        };
        shown.extend(result);
    }

    fn is_xml(&self, attribute: usize) -> bool {
        let tables = self.document.tables();
        let resolved = tables.attributes.get(attribute).and_then(|row| tables.names.resolved.get(row.name as usize));
        resolved.is_some_and(|resolved| resolved.uri == Uri::XML)
    }

    fn local(&self, attribute: usize) -> &'d str {
        self.document.attribute_at(attribute).map_or("", |attribute| attribute.name.local)
    }

    fn row(&self, attribute: usize) -> Option<(u32, &'d str)> {
        let row = self.document.tables().attributes.get(attribute)?;
        Some((row.name, self.document.read(row.value)))
    }
}
