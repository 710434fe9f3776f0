//! Reads the text of an XML document into the tables of its tree, in one pass and without recursion.
//!
//! Refuses everything that is not well-formed and not namespace-well-formed, and every document type declaration: so
//! there are no entities but the five of XML, no default attributes, and nothing that is loaded from elsewhere.

mod characters;
mod text;

use super::tree::{AttributeRow, Declaration, Interner, KNOWN, Node, NodeKind, Prefix, Span, Tables, Tag, Uri};
use super::tree::{XML_NAMESPACE, XMLNS_NAMESPACE};
use crate::prepare::FormatError;
use characters::{BLANK, name_byte};
pub(in crate::xml) use characters::{is_name, is_name_start};
use model::limits::{XML_ATTRIBUTES_MAX, XML_BYTES_MAX, XML_DEPTH_MAX, XML_NAME_BYTES_MAX, XML_NODES_MAX};

/// Why a document is not accepted as XML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (line {line}, column {column})")]
pub struct XmlError {
    /// A stable code: `xml-syntax`, `xml-namespace`, `xml-doctype`, `xml-encoding`, `xml-limit`.
    pub code: &'static str,
    /// A sentence that a clerk understands.
    pub reason: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl XmlError {
    pub(super) fn at(code: &'static str, reason: impl Into<String>, text: &str, position: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(position)).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Self { code, reason: reason.into(), line, column }
    }

    pub(super) fn start(code: &'static str, reason: impl Into<String>) -> Self {
        Self::at(code, reason, "", 0)
    }
}

impl From<XmlError> for FormatError {
    fn from(error: XmlError) -> Self {
        FormatError::document(error.code, error.to_string())
    }
}

/// Reads a whole document.
pub(super) fn read(text: &str) -> Result<Tables, XmlError> {
    if text.len() > XML_BYTES_MAX {
        return Err(XmlError::start("xml-limit", "the XML document is too large"));
    }
    Reader::new(text).document()
}

/// An element whose end tag has not come yet.
#[derive(Clone, Copy)]
struct Open {
    node: u32,
    name_start: u32,
    name_end: u32,
    /// How long the list of hidden bindings was before it.
    hidden: u32,
}

/// One attribute as written.
#[derive(Clone, Copy)]
struct Written {
    qualified: u32,
    name_start: u32,
    name_end: u32,
    value: Span,
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    names: Interner<'t>,
    nodes: Vec<Node>,
    tags: Vec<Tag>,
    attributes: Vec<AttributeRow>,
    declarations: Vec<Declaration>,
    rewritten_texts: Vec<Span>,
    rewritten: String,
    open: Vec<Open>,
    /// For each prefix what it stands for here.
    bound: Vec<Option<Uri>>,
    /// What the declarations of open elements have hidden.
    hidden: Vec<(Prefix, Option<Uri>)>,
    /// The attributes of the current tag that are no declarations.
    written: Vec<Written>,
    seen: Vec<u32>,
}

type Step<T = ()> = Result<T, XmlError>;

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        // An element in an element makes three nodes of two tags; what is reserved too much is never touched.
        let marks = text.bytes().filter(|byte| *byte == b'<').count();
        let nodes = (marks + marks / 2).min(text.len() / 8) + 8;
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            names: Interner::new(),
            nodes: Vec::with_capacity(nodes),
            tags: Vec::with_capacity(nodes / 2),
            attributes: Vec::new(),
            declarations: Vec::new(),
            rewritten_texts: Vec::new(),
            rewritten: KNOWN.to_owned(),
            open: Vec::new(),
            bound: vec![Some(Uri::NONE), Some(Uri::XML), None],
            hidden: Vec::new(),
            written: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn document(mut self) -> Step<Tables> {
        self.nodes.push(Node::new(NodeKind::Root, 0, 0, 0));
        if self.text.starts_with('\u{FEFF}') {
            self.at = '\u{FEFF}'.len_utf8();
        }
        self.declaration()?;
        let mut root_seen = false;
        loop {
            if self.open.is_empty() {
                self.blanks();
            } else {
                self.character_data()?;
            }
            match (self.byte(0), self.byte(1)) {
                (None, _) => break,
                (Some(b'<'), Some(b'/')) => self.end_tag()?,
                (Some(b'<'), Some(b'!')) => self.comment_or_worse()?,
                (Some(b'<'), Some(b'?')) => self.instruction()?,
                (Some(b'<'), _) => {
                    if self.open.is_empty() && std::mem::replace(&mut root_seen, true) {
                        return self.wrong("there is a second document element");
                    }
                    self.start_tag()?;
                }
                _ => return self.wrong("there is text outside of the document element"),
            }
        }
        if !self.open.is_empty() {
            return self.wrong("the document ends inside of an element");
        }
        if !root_seen {
            return self.wrong("the document has no element");
        }
        Ok(self.finish())
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by XML_NODES_MAX and XML_BYTES_MAX
    fn finish(mut self) -> Tables {
        let (count, end) = (self.nodes.len() as u32, self.text.len() as u32);
        if let Some(root) = self.nodes.first_mut() {
            root.after = count;
            root.end = end;
        }
        self.push_tag(count);
        Tables {
            nodes: self.nodes,
            tags: self.tags,
            attributes: self.attributes,
            declarations: self.declarations,
            rewritten_texts: self.rewritten_texts,
            rewritten: self.rewritten,
            names: self.names.names,
        }
    }

    // Places and errors.

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// A part of the text that lies between characters.
    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn wrong<T>(&self, reason: impl Into<String>) -> Step<T> {
        self.error("xml-syntax", reason)
    }

    fn error<T>(&self, code: &'static str, reason: impl Into<String>) -> Step<T> {
        Err(XmlError::at(code, reason, self.text, self.at))
    }

    fn blanks(&mut self) -> bool {
        let count = self.rest().iter().take_while(|byte| BLANK.contains(byte)).count();
        self.at += count;
        count > 0
    }

    fn skip(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token.as_bytes());
        if there {
            self.at += token.len();
        }
        there
    }

    // The prolog.

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`, whose encoding has been looked at before.
    fn declaration(&mut self) -> Step {
        let is_declaration = self.rest().starts_with(b"<?xml") && self.byte(5).is_none_or(|byte| BLANK.contains(&byte));
        if !is_declaration {
            return Ok(());
        }
        self.at += 5;
        let mut blank = self.blanks();
        match self.pseudo_attribute("version", blank)? {
            Some("1.0") => {}
            Some(_) => return self.wrong("the document is not in XML version 1.0"),
            None => return self.wrong("the XML declaration has no version"),
        }
        blank = self.blanks();
        if let Some(name) = self.pseudo_attribute("encoding", blank)? {
            let mut letters = name.bytes();
            let sound = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
                && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
            if !sound {
                return self.wrong("the XML declaration names no encoding");
            }
            blank = self.blanks();
        }
        if let Some(answer) = self.pseudo_attribute("standalone", blank)? {
            if !matches!(answer, "yes" | "no") {
                return self.wrong("standalone is neither yes nor no");
            }
            self.blanks();
        }
        if !self.skip("?>") {
            return self.wrong("the XML declaration is not sound");
        }
        Ok(())
    }

    fn pseudo_attribute(&mut self, name: &str, blank_before: bool) -> Step<Option<&'t str>> {
        if !blank_before || !self.skip(name) {
            return Ok(None);
        }
        self.equals()?;
        let quote = self.quote()?;
        let start = self.at;
        match self.rest().iter().position(|byte| *byte == quote || *byte == b'<') {
            Some(length) if self.bytes.get(start + length) == Some(&quote) => {
                self.at += length + 1;
                Ok(Some(self.slice(start, start + length)))
            }
            _ => self.wrong("the XML declaration is not sound"),
        }
    }

    fn equals(&mut self) -> Step {
        self.blanks();
        if !self.skip("=") {
            return self.wrong("there is no = behind the name of an attribute");
        }
        self.blanks();
        Ok(())
    }

    fn quote(&mut self) -> Step<u8> {
        match self.byte(0) {
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                Ok(quote)
            }
            _ => self.wrong("the value of an attribute is not in quotation marks"),
        }
    }

    // Nodes.

    #[allow(clippy::cast_possible_truncation)] // bounded by XML_NODES_MAX and XML_BYTES_MAX
    fn push_node(&mut self, kind: NodeKind, name: u32, start: usize) -> Step<u32> {
        let id = self.nodes.len();
        if id >= XML_NODES_MAX {
            return self.error("xml-limit", "the document has too many nodes");
        }
        let parent = self.open.last().map_or(0, |open| open.node);
        let mut node = Node::new(kind, name, parent, start as u32);
        node.end = self.at as u32;
        node.after = id as u32 + 1;
        self.nodes.push(node);
        Ok(id as u32)
    }

    #[allow(clippy::cast_possible_truncation)] // not more than nodes
    fn set_rewritten(&mut self, node: u32, span: Span) {
        let extra = self.rewritten_texts.len() as u32;
        self.rewritten_texts.push(span);
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.extra = extra;
        }
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by XML_NODES_MAX
    fn push_tag(&mut self, node: u32) {
        let (attributes, declarations) = (self.attributes.len() as u32, self.declarations.len() as u32);
        self.tags.push(Tag { node, attributes, declarations });
    }

    /// A name with at most one colon, at a place where it can stand.
    fn name(&mut self) -> Step<&'t str> {
        let start = self.at;
        let ascii = self.rest().iter().take_while(|byte| name_byte(**byte)).count();
        self.at += ascii;
        if self.byte(0).is_some_and(|byte| byte >= 0x80) {
            let beyond = self.slice(self.at, self.text.len()).find(|character| !is_name(character));
            self.at = beyond.map_or(self.text.len(), |length| self.at + length);
        }
        let name = self.slice(start, self.at);
        if name.len() > XML_NAME_BYTES_MAX {
            self.at = start;
            return self.error("xml-limit", "a name is too long");
        }
        let (first, local) = match name.as_bytes().iter().position(|byte| *byte == b':') {
            Some(colon) => (name.get(..colon).unwrap_or_default(), name.get(colon + 1..)),
            None => (name, None),
        };
        let sound = |part: &str| part.chars().next().is_some_and(is_name_start);
        if !sound(first) {
            self.at = start;
            return self.wrong("a name is expected here");
        }
        if let Some(local) = local
            && (!sound(local) || local.contains(':'))
        {
            self.at = start;
            return self.error("xml-namespace", "a name has a colon where it cannot have one");
        }
        Ok(name)
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by XML_BYTES_MAX
    fn start_tag(&mut self) -> Step {
        let start = self.at;
        self.at += 1;
        let name_start = self.at;
        let name = self.name()?;
        let name_end = self.at;
        if self.open.len() >= XML_DEPTH_MAX {
            self.at = start;
            return self.error("xml-limit", "elements are nested too deeply");
        }
        let hidden = self.hidden.len() as u32;
        let first_declaration = self.declarations.len();
        let tag = self.tags.len() as u32;
        self.push_tag(self.nodes.len() as u32);
        self.written.clear();
        let empty = loop {
            let blank = self.blanks();
            match self.byte(0) {
                Some(b'>') => break false,
                Some(b'/') if self.byte(1) == Some(b'>') => break true,
                Some(_) if !blank => return self.wrong("a tag is not sound"),
                _ => self.attribute()?,
            }
            if self.written.len() + self.declarations.len() - first_declaration > XML_ATTRIBUTES_MAX {
                return self.error("xml-limit", "an element has too many attributes");
            }
        };
        self.at += if empty { 2 } else { 1 };
        self.bind(first_declaration)?;
        let qualified = self.names.qualified(name, name_start);
        let uri = self.uri_of(self.names.prefix_of(qualified), name_start)?;
        let resolved = self.names.resolved(qualified, name, uri);
        let node = self.push_node(NodeKind::Element, resolved, start)?;
        if let Some(row) = self.nodes.get_mut(node as usize) {
            row.extra = tag;
        }
        self.resolve_attributes()?;
        if empty {
            self.unbind(hidden);
        } else {
            let (name_start, name_end) = (name_start as u32, name_end as u32);
            self.open.push(Open { node, name_start, name_end, hidden });
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation)] // bounded by XML_NODES_MAX and XML_BYTES_MAX
    fn end_tag(&mut self) -> Step {
        let Some(open) = self.open.last().copied() else {
            return self.wrong("an end tag has no start tag");
        };
        let start = self.at;
        self.at += 2;
        let name = self.slice(open.name_start as usize, open.name_end as usize);
        let matches = self.skip(name);
        self.blanks();
        if !matches || !self.skip(">") {
            self.at = start;
            return self
                .wrong(format!("the end tag of {} is expected here", name.chars().take(80).collect::<String>()));
        }
        self.open.pop();
        self.unbind(open.hidden);
        let after = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(open.node as usize) {
            node.after = after;
            node.end = self.at as u32;
        }
        Ok(())
    }

    // Attributes and namespaces.

    #[allow(clippy::cast_possible_truncation)] // bounded by XML_BYTES_MAX
    fn attribute(&mut self) -> Step {
        let name_start = self.at;
        let name = self.name()?;
        let name_end = self.at;
        self.equals()?;
        let value = self.value()?;
        let declared = match name.strip_prefix("xmlns") {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix(':'),
            None => None,
        };
        let Some(prefix) = declared else {
            let qualified = self.names.qualified(name, name_start);
            let (name_start, name_end) = (name_start as u32, name_end as u32);
            self.written.push(Written { qualified, name_start, name_end, value });
            return Ok(());
        };
        let end = self.at;
        self.at = name_start;
        let uri = value.read(self.text, &self.rewritten);
        let reason = match (prefix, uri) {
            ("xml", XML_NAMESPACE) => None,
            ("xmlns", _) => Some("the prefix xmlns cannot be declared"),
            ("xml", _) => Some("the prefix xml cannot stand for another namespace"),
            (_, XML_NAMESPACE) => Some("the namespace of xml cannot have another prefix"),
            (_, XMLNS_NAMESPACE) => Some("the namespace of xmlns cannot be declared"),
            ("", _) => None,
            (_, "") => Some("a prefix cannot be undeclared"),
            _ => None,
        };
        if let Some(reason) = reason {
            return self.error("xml-namespace", reason);
        }
        let uri = self.names.uri(uri, value);
        let prefix = self.names.prefix(prefix, name_end - prefix.len());
        self.declarations.push(Declaration { prefix, uri });
        self.at = end;
        Ok(())
    }

    /// Makes the declarations of the current tag hold, and none twice.
    fn bind(&mut self, first: usize) -> Step {
        let new = first..self.declarations.len();
        if new.is_empty() {
            return Ok(());
        }
        self.seen.clear();
        for at in new {
            let Some(Declaration { prefix, uri }) = self.declarations.get(at).copied() else { break };
            self.seen.push(prefix.0);
            let slot = prefix.0 as usize;
            if slot >= self.bound.len() {
                self.bound.resize(slot + 1, None);
            }
            if let Some(bound) = self.bound.get_mut(slot) {
                self.hidden.push((prefix, bound.replace(uri)));
            }
        }
        self.none_twice("xml-syntax", "a namespace prefix is declared twice in one tag")
    }

    fn none_twice(&mut self, code: &'static str, reason: &str) -> Step {
        self.seen.sort_unstable();
        if self.seen.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return self.error(code, reason);
        }
        Ok(())
    }

    fn unbind(&mut self, hidden: u32) {
        while self.hidden.len() > hidden as usize {
            if let Some((prefix, before)) = self.hidden.pop()
                && let Some(bound) = self.bound.get_mut(prefix.0 as usize)
            {
                *bound = before;
            }
        }
    }

    fn uri_of(&mut self, prefix: Prefix, name_start: usize) -> Step<Uri> {
        match self.bound.get(prefix.0 as usize).copied().flatten() {
            Some(uri) => Ok(uri),
            None => {
                self.at = name_start;
                self.error("xml-namespace", "a namespace prefix is not declared")
            }
        }
    }

    fn resolve_attributes(&mut self) -> Step {
        if self.written.is_empty() {
            return Ok(());
        }
        if self.attributes.len() + self.written.len() > XML_NODES_MAX {
            return self.error("xml-limit", "the document has too many attributes");
        }
        let written = std::mem::take(&mut self.written);
        self.seen.clear();
        for attribute in &written {
            let (start, end) = (attribute.name_start as usize, attribute.name_end as usize);
            let uri = match self.names.prefix_of(attribute.qualified) {
                Prefix::DEFAULT => Uri::NONE,
                prefix => self.uri_of(prefix, start)?,
            };
            let name = self.names.resolved(attribute.qualified, self.slice(start, end), uri);
            let expanded = self.names.names.resolved.get(name as usize).map_or(0, |resolved| resolved.expanded);
            self.seen.push(expanded);
            self.attributes.push(AttributeRow { name, value: attribute.value });
        }
        self.written = written;
        if self.seen.len() < 2 {
            return Ok(());
        }
        self.none_twice("xml-syntax", "an attribute is there twice in one tag")
    }
}
