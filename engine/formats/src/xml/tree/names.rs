//! The names and namespaces of one document, each kept once.

use std::collections::HashMap;

/// A piece of the text of a document, or of what had to be rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xml) struct Span {
    start: u32,
    /// The topmost bit tells a rewritten piece.
    length: u32,
}

const REWRITTEN: u32 = 1 << 31;

impl Span {
    /// A piece of the document's text.
    #[allow(clippy::cast_possible_truncation)] // the reader refuses what is longer than `XML_BYTES_MAX`
    pub(in crate::xml) fn of_text(start: usize, end: usize) -> Span {
        Span { start: start as u32, length: (end - start) as u32 }
    }

    /// A piece of what was rewritten.
    pub(in crate::xml) fn rewritten(start: usize, end: usize) -> Span {
        let span = Span::of_text(start, end);
        Span { length: span.length | REWRITTEN, ..span }
    }

    /// Whether it has no characters.
    pub(in crate::xml) fn is_empty(self) -> bool {
        self.length & !REWRITTEN == 0
    }

    /// What it says.
    pub(in crate::xml) fn read<'d>(self, text: &'d str, rewritten: &'d str) -> &'d str {
        let length = self.length & !REWRITTEN;
        let from = if self.length == length { text } else { rewritten };
        from.get(self.start as usize..(self.start + length) as usize).unwrap_or_default()
    }
}

/// A prefix of the document. [`Prefix::DEFAULT`] stands for no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::xml) struct Prefix(pub(in crate::xml) u32);

impl Prefix {
    pub(in crate::xml) const DEFAULT: Prefix = Prefix(0);
    pub(in crate::xml) const XML: Prefix = Prefix(1);
    pub(in crate::xml) const XMLNS: Prefix = Prefix(2);
}

/// A namespace of the document. [`Uri::NONE`] stands for no namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::xml) struct Uri(pub(in crate::xml) u32);

impl Uri {
    pub(in crate::xml) const NONE: Uri = Uri(0);
    pub(in crate::xml) const XML: Uri = Uri(1);
}

/// A name with its prefix, as written.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct Qualified {
    pub(in crate::xml) whole: Span,
    pub(in crate::xml) local: Span,
    pub(in crate::xml) prefix: Prefix,
}

/// A name that is known to be in a namespace.
#[derive(Clone, Copy, Debug)]
pub(in crate::xml) struct Resolved {
    pub(in crate::xml) qualified: u32,
    pub(in crate::xml) uri: Uri,
    /// Equal for names that differ in their prefixes only.
    pub(in crate::xml) expanded: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(in crate::xml) struct Names {
    pub(in crate::xml) prefixes: Vec<Span>,
    pub(in crate::xml) uris: Vec<Span>,
    pub(in crate::xml) qualified: Vec<Qualified>,
    pub(in crate::xml) resolved: Vec<Resolved>,
}

/// What every document knows: `xml`, `xmlns`, and their namespaces, rewritten in front of everything else.
pub(in crate::xml) const KNOWN: &str = "http://www.w3.org/XML/1998/namespacehttp://www.w3.org/2000/xmlns/xmlns";

/// The namespace of `xml:`.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The namespace of `xmlns:`, which nobody may declare.
pub const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

impl Names {
    pub(in crate::xml) fn new() -> Self {
        let (xml, both) = (XML_NAMESPACE.len(), XML_NAMESPACE.len() + XMLNS_NAMESPACE.len());
        let none = Span::of_text(0, 0);
        Self {
            prefixes: vec![none, Span::rewritten(both, both + 3), Span::rewritten(both, both + 5)],
            uris: vec![none, Span::rewritten(0, xml), Span::rewritten(xml, both)],
            ..Self::default()
        }
    }
}

/// Finds names that were seen before. Foreign names go through a keyed hash, so that nobody can choose them to collide;
/// a small unkeyed table in front of it makes the usual case fast.
#[derive(Debug)]
pub(in crate::xml) struct Interner<'t> {
    pub(in crate::xml) names: Names,
    recent: Vec<Option<(&'t str, u32)>>,
    /// For each qualified name the namespace it was last in, and the resolved name.
    last: Vec<(Uri, u32)>,
    qualified: HashMap<&'t str, u32>,
    prefixes: HashMap<&'t str, Prefix>,
    uris: HashMap<String, Uri>,
    resolved: HashMap<(u32, Uri), u32>,
    expanded: HashMap<(Uri, &'t str), u32>,
}

const RECENT: usize = 256;

impl<'t> Interner<'t> {
    pub(in crate::xml) fn new() -> Self {
        let prefixes = [("", Prefix::DEFAULT), ("xml", Prefix::XML), ("xmlns", Prefix::XMLNS)];
        let uris = [("", Uri::NONE), (XML_NAMESPACE, Uri::XML), (XMLNS_NAMESPACE, Uri(2))];
        Self {
            names: Names::new(),
            recent: vec![None; RECENT],
            last: Vec::new(),
            qualified: HashMap::new(),
            prefixes: prefixes.into_iter().collect(),
            uris: uris.into_iter().map(|(text, uri)| (text.to_owned(), uri)).collect(),
            resolved: HashMap::new(),
            expanded: HashMap::new(),
        }
    }

    /// The qualified name at `start` of the document.
    #[allow(clippy::cast_possible_truncation)] // there are fewer names than bytes
    pub(in crate::xml) fn qualified(&mut self, name: &'t str, start: usize) -> u32 {
        let bytes = name.as_bytes();
        let ends = [bytes.first(), bytes.last(), bytes.get(bytes.len() / 2)].map(|byte| byte.copied().unwrap_or(0));
        let hash = ends.iter().fold(bytes.len(), |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        let slot = hash % RECENT;
        if let Some(Some((seen, id))) = self.recent.get(slot)
            && *seen == name
        {
            return *id;
        }
        let id = match self.qualified.get(name) {
            Some(id) => *id,
            None => self.add_qualified(name, start),
        };
        if let Some(recent) = self.recent.get_mut(slot) {
            *recent = Some((name, id));
        }
        id
    }

    #[allow(clippy::cast_possible_truncation)] // there are fewer names than bytes
    fn add_qualified(&mut self, name: &'t str, start: usize) -> u32 {
        let id = self.names.qualified.len() as u32;
        let (prefix, local) = match name.split_once(':') {
            Some((prefix, _)) => (self.prefix(prefix, start), start + prefix.len() + 1),
            None => (Prefix::DEFAULT, start),
        };
        let end = start + name.len();
        let entry = Qualified { whole: Span::of_text(start, end), local: Span::of_text(local, end), prefix };
        self.names.qualified.push(entry);
        self.last.push((Uri::NONE, u32::MAX));
        self.qualified.insert(name, id);
        id
    }

    /// The prefix at `start` of the document.
    #[allow(clippy::cast_possible_truncation)] // there are fewer prefixes than bytes
    pub(in crate::xml) fn prefix(&mut self, prefix: &'t str, start: usize) -> Prefix {
        let next = Prefix(self.names.prefixes.len() as u32);
        *self.prefixes.entry(prefix).or_insert_with(|| {
            self.names.prefixes.push(Span::of_text(start, start + prefix.len()));
            next
        })
    }

    /// The namespace with this name, which `span` has.
    #[allow(clippy::cast_possible_truncation)] // there are fewer namespaces than bytes
    pub(in crate::xml) fn uri(&mut self, uri: &str, span: Span) -> Uri {
        if let Some(found) = self.uris.get(uri) {
            return *found;
        }
        let next = Uri(self.names.uris.len() as u32);
        self.names.uris.push(span);
        self.uris.insert(uri.to_owned(), next);
        next
    }

    /// The prefix of a qualified name.
    pub(in crate::xml) fn prefix_of(&self, qualified: u32) -> Prefix {
        self.names.qualified.get(qualified as usize).map_or(Prefix::DEFAULT, |entry| entry.prefix)
    }

    /// The qualified name, whose text is `name`, in a namespace.
    #[allow(clippy::cast_possible_truncation)] // there are fewer names than bytes
    pub(in crate::xml) fn resolved(&mut self, qualified: u32, name: &'t str, uri: Uri) -> u32 {
        if let Some((seen, id)) = self.last.get(qualified as usize)
            && *seen == uri
            && *id != u32::MAX
        {
            return *id;
        }
        let id = *self.resolved.entry((qualified, uri)).or_insert_with(|| {
            let local = name.split_once(':').map_or(name, |(_, local)| local);
            let next = self.expanded.len() as u32;
            let expanded = *self.expanded.entry((uri, local)).or_insert(next);
            self.names.resolved.push(Resolved { qualified, uri, expanded });
            self.names.resolved.len() as u32 - 1
        });
        if let Some(last) = self.last.get_mut(qualified as usize) {
            *last = (uri, id);
        }
        id
    }
}
