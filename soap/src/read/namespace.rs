//! Which namespace a prefix stands for, at each depth of a message.

use crate::fault::Fault;
use crate::read::token::Tag;
use model::limits::{API_XML_ATTRIBUTES_MAX, API_XML_NAMESPACES_MAX};

/// Declarations that are in force.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    declared: Vec<(usize, String, String)>,
    depth: usize,
}

impl Namespaces {
    /// Enters an element with its declarations.
    pub(super) fn enter(&mut self, tag: &Tag) -> Result<(), Fault> {
        self.depth += 1;
        if tag.attributes.len() > API_XML_ATTRIBUTES_MAX {
            return Err(Fault::too_large("too-many-attributes", "an element of the message has too many attributes"));
        }
        let mut count = 0;
        for (name, value) in &tag.attributes {
            let prefix = match name.strip_prefix("xmlns:") {
                Some(prefix) => prefix,
                None if name == "xmlns" => "",
                None => continue,
            };
            count += 1;
            let reserved = matches!(prefix, "xml" | "xmlns") || matches!(value.as_str(), XML | XMLNS);
            let bound_xml = prefix == "xml" && value == XML;
            if (reserved && !bound_xml) || (value.is_empty() && !prefix.is_empty()) {
                return Err(wrong("a namespace declaration of the message is not allowed"));
            }
            self.declared.push((self.depth, prefix.to_owned(), value.clone()));
        }
        if count > API_XML_NAMESPACES_MAX {
            return Err(Fault::too_large(
                "too-many-namespaces",
                "an element of the message declares too many namespaces",
            ));
        }
        Ok(())
    }

    /// Leaves the innermost element.
    pub(super) fn leave(&mut self) {
        while self.declared.last().is_some_and(|(depth, _, _)| *depth == self.depth) {
            self.declared.pop();
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Namespace and local name of an element; the namespace is empty if it has none.
    pub(super) fn element<'n>(&'n self, name: &'n str) -> Result<(&'n str, &'n str), Fault> {
        match name.split_once(':') {
            Some((prefix, local)) => Ok((self.resolve(prefix)?, local)),
            None => Ok((self.resolve("").unwrap_or(""), name)),
        }
    }

    /// Namespace and local name of an attribute: without a prefix it has no namespace.
    pub(super) fn attribute<'n>(&'n self, name: &'n str) -> Result<(&'n str, &'n str), Fault> {
        match name.split_once(':') {
            Some(("xmlns", local)) => Ok((XMLNS, local)),
            Some((prefix, local)) => Ok((self.resolve(prefix)?, local)),
            None if name == "xmlns" => Ok((XMLNS, "")),
            None => Ok(("", name)),
        }
    }

    fn resolve(&self, prefix: &str) -> Result<&str, Fault> {
        let declared = self.declared.iter().rev().find(|(_, name, _)| name == prefix);
        match declared {
            Some((_, _, namespace)) => Ok(namespace),
            None if prefix == "xml" => Ok(XML),
            None => Err(wrong("a prefix in the message is not declared")),
        }
    }

    /// The value of the attribute of this name.
    pub(super) fn value<'t>(&self, tag: &'t Tag, namespace: &str, local: &str) -> Result<Option<&'t str>, Fault> {
        let mut found = None;
        for (name, value) in &tag.attributes {
            if self.attribute(name)? == (namespace, local) && found.replace(value.as_str()).is_some() {
                return Err(wrong("an element of the message has an attribute twice"));
            }
        }
        Ok(found)
    }
}

/// Of the attributes that every document may have.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Of declarations of namespaces.
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

fn wrong(sentence: &str) -> Fault {
    Fault::malformed("xml", sentence)
}
