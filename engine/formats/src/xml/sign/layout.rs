//! The text of a signature, piece by piece: each can be put together with others for hashing before all are known.

use super::Parts;
use crate::xml::algorithms::{BASE64, DS, OBJECT, SIGNED_PROPERTIES, canonicalization_uri, digest_uri};
use crate::xml::xades::{self, ObjectFormat};
use model::profile::Canonicalization;
use model::{SignatureAlgorithm, Time};
use std::fmt::Write;
use std::sync::Arc;

/// What a signature has inside beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing: it is enveloped or detached.
    None,
    /// XML.
    Xml,
    /// Anything, as base64.
    Base64,
}

/// One reference to data.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// `URI`; `None`: it has none.
    pub(super) uri: Option<String>,
    /// `Type`, or empty.
    pub(super) kind: &'static str,
    /// Each `ds:Transform`.
    pub(super) transforms: Vec<Written>,
    /// `MimeType` of what it points to.
    pub(super) mime_type: &'static str,
    /// `Encoding` of what it points to.
    pub(super) encoding: Option<&'static str>,
}

/// One `ds:Transform` to be written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// `Algorithm`.
    pub(super) uri: &'static str,
    /// What is inside, which declares its own prefixes.
    pub(super) inside: String,
}

impl Entry {
    /// The content of an enveloping signature with this Id, in base64.
    pub(super) fn base64_object(id: &str) -> Self {
        Self {
            uri: Some(format!("#{id}-object")),
            kind: OBJECT,
            transforms: vec![Written { uri: BASE64, inside: String::new() }],
            mime_type: OCTETS,
            encoding: Some(BASE64),
        }
    }
}

/// A document of which nothing is known.
pub(super) const OCTETS: &str = "application/octet-stream";
/// An XML document.
pub(super) const XML: &str = "application/xml";

/// A signature whose digests and value are still to come.
pub(super) struct Layout<'t> {
    parts: &'t Arc<Parts>,
    id: String,
    entries: Vec<Entry>,
    content: Content,
    /// The `ds:Object` with the qualifying properties, or nothing.
    properties: String,
}

impl<'t> Layout<'t> {
    pub(super) fn new(parts: &'t Arc<Parts>, id: String, entries: Vec<Entry>, content: Content, now: Time) -> Self {
        let ds = &parts.ds;
        let properties = parts.signing_certificate.as_deref().map_or_else(String::new, |signing_certificate| {
            let format = |(at, entry): (usize, &Entry)| ObjectFormat {
                reference: reference_id(&id, at),
                mime_type: entry.mime_type,
                encoding: entry.encoding,
            };
            let objects: Vec<ObjectFormat> = entries.iter().enumerate().map(format).collect();
            let properties = xades::qualifying_properties(&id, parts.xades, signing_certificate, &objects, now);
            format!("<{ds}Object>{properties}</{ds}Object>")
        });
        Self { parts, id, entries, content, properties }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn properties_id(&self) -> String {
        format!("{}-properties", self.id)
    }

    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.parts.algorithm
    }

    pub(super) fn canonicalization(&self) -> &Canonicalization {
        &self.parts.canonicalization
    }

    pub(super) fn has_content(&self) -> bool {
        self.content != Content::None
    }

    pub(super) fn into_parts(self) -> Arc<Parts> {
        Arc::clone(self.parts)
    }

    /// The whole signature, of a shape without content. Digests that are missing stay empty.
    pub(super) fn text(&self, digests: &[String], value: &str) -> String {
        [self.text_until_content(digests, value), self.text_after_content()].concat()
    }

    /// Up to where the content begins.
    pub(super) fn text_until_content(&self, digests: &[String], value: &str) -> String {
        let [before, after] = self.text_around_value(digests);
        [&before, value, &after].concat()
    }

    /// What is in front of the value, and what is between it and the content.
    pub(super) fn text_around_value(&self, digests: &[String]) -> [String; 2] {
        let (ds, id) = (&self.parts.ds, &self.id);
        let before = format!("{}{}<{ds}SignatureValue Id=\"{id}-value\">", self.open(), self.signed_info(digests));
        let content = match (self.content, ds.as_str()) {
            (Content::None, _) => String::new(),
            // With XML-DSig as the default namespace the content must not inherit it.
            (Content::Xml, "") => {
                format!("<ds:Object xmlns:ds=\"{DS}\" xmlns=\"\" Id=\"{id}-object\" MimeType=\"{XML}\">")
            }
            (Content::Xml, ds) => format!("<{ds}Object Id=\"{id}-object\" MimeType=\"{XML}\">"),
            (Content::Base64, ds) => {
                format!("<{ds}Object Id=\"{id}-object\" MimeType=\"{OCTETS}\" Encoding=\"{BASE64}\">")
            }
        };
        let Parts { key_info, .. } = &**self.parts;
        [before, [format!("</{ds}SignatureValue>").as_str(), key_info, &self.properties, &content].concat()]
    }

    /// What is behind the content.
    pub(super) fn text_after_content(&self) -> String {
        let ds = &self.parts.ds;
        match (self.content, ds.as_str()) {
            (Content::None, _) => format!("</{ds}Signature>"),
            (Content::Xml, "") => "</ds:Object></Signature>".to_owned(),
            (Content::Xml | Content::Base64, ds) => format!("</{ds}Object></{ds}Signature>"),
        }
    }

    /// With nothing but `SignedInfo`, which is not changed by what else there is.
    pub(super) fn text_with_signed_info_only(&self, digests: &[String]) -> String {
        format!("{}{}</{}Signature>", self.open(), self.signed_info(digests), self.parts.ds)
    }

    /// With nothing but the qualifying properties. `None`: there are none.
    pub(super) fn text_with_properties_only(&self) -> Option<String> {
        let text = || format!("{}{}</{}Signature>", self.open(), self.properties, self.parts.ds);
        (!self.properties.is_empty()).then(text)
    }

    fn open(&self) -> String {
        let ds = &self.parts.ds;
        format!("<{ds}Signature {} Id=\"{}\">", xades::declaration(ds, DS), self.id)
    }

    fn signed_info(&self, digests: &[String]) -> String {
        let Parts { ds, method, canonicalization, .. } = &**self.parts;
        let mut text = format!("<{ds}SignedInfo>");
        write_method(&mut text, ds, "CanonicalizationMethod", &canonical(canonicalization));
        let _ = write!(text, "<{ds}SignatureMethod Algorithm=\"{method}\"/>");
        let mut digests = digests.iter().map(String::as_str);
        for (at, entry) in self.entries.iter().enumerate() {
            let id = reference_id(&self.id, at);
            self.write_reference(&mut text, Some(&id), entry, digests.next().unwrap_or_default());
        }
        if !self.properties.is_empty() {
            let entry = Entry {
                uri: Some(format!("#{}", self.properties_id())),
                kind: SIGNED_PROPERTIES,
                transforms: vec![canonical(canonicalization)],
                mime_type: XML,
                encoding: None,
            };
            self.write_reference(&mut text, None, &entry, digests.next().unwrap_or_default());
        }
        let _ = write!(text, "</{ds}SignedInfo>");
        text
    }

    fn write_reference(&self, text: &mut String, id: Option<&str>, entry: &Entry, digest: &str) {
        let ds = &self.parts.ds;
        let _ = write!(text, "<{ds}Reference");
        let attributes = [("Id", id), ("Type", Some(entry.kind).filter(|kind| !kind.is_empty()))];
        for (name, value) in attributes.into_iter().chain([("URI", entry.uri.as_deref())]) {
            if let Some(value) = value {
                let _ = write!(text, " {name}=\"{}\"", escaped(value));
            }
        }
        text.push('>');
        if !entry.transforms.is_empty() {
            let _ = write!(text, "<{ds}Transforms>");
            for transform in &entry.transforms {
                write_method(text, ds, "Transform", transform);
            }
            let _ = write!(text, "</{ds}Transforms>");
        }
        let method = digest_uri(self.parts.algorithm.digest);
        let _ = write!(
            text,
            "<{ds}DigestMethod Algorithm=\"{method}\"/><{ds}DigestValue>{digest}</{ds}DigestValue></{ds}Reference>"
        );
    }
}

fn reference_id(id: &str, at: usize) -> String {
    format!("{id}-reference-{}", at + 1)
}

fn write_method(text: &mut String, ds: &str, name: &str, method: &Written) {
    let Written { uri, inside } = method;
    let _ = match inside.as_str() {
        "" => write!(text, "<{ds}{name} Algorithm=\"{uri}\"/>"),
        inside => write!(text, "<{ds}{name} Algorithm=\"{uri}\">{inside}</{ds}{name}>"),
    };
}

/// A canonicalisation method with its prefix list.
pub(super) fn canonical(method: &Canonicalization) -> Written {
    let inside = if method.inclusive_prefixes.is_empty() {
        String::new()
    } else {
        let list = escaped(&method.inclusive_prefixes.join(" "));
        let namespace = crate::xml::algorithms::EXCLUSIVE;
        format!("<ec:InclusiveNamespaces xmlns:ec=\"{namespace}\" PrefixList=\"{list}\"/>")
    };
    Written { uri: canonicalization_uri(method), inside }
}

/// Text as an attribute value or as character data.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
    out
}
