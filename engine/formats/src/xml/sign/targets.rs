//! What a signature is to be over: the references of a profile, applied to a document.

use super::FIRST_ID;
use super::layout::{Entry, Layout, OCTETS, Written, XML, canonical, escaped};
use super::place::{Edit, Made, Place};
use crate::prepare::FormatError;
use crate::source::Source;
use crate::xml::algorithms::{BASE64, ENVELOPED, FILTER_2, OBJECT, canonicalization_of};
use crate::xml::c14n::NodeSet;
use crate::xml::reference::uri_of;
use crate::xml::tree::{Document, IdFound, NodeId, NodeKind, XML_NAMESPACE};
use crate::xml::xpath::{Expression, XPathError};
use model::limits::XML_REFERENCES_MAX;
use model::profile::{Canonicalization, Profile, Transform, XPathFilter, XmlReference, XmlTarget};
use std::fmt::Write;

/// The Id of the signature: that of the profile, if the document does not have it, or one that it does not have.
pub(super) fn free_id(document: &Document<'_>, profile: &Profile) -> Result<String, FormatError> {
    let ids = || {
        let all = (0..document.attribute_count()).filter_map(|index| document.attribute_at(index));
        all.filter(|attribute| {
            let name = attribute.name;
            matches!((name.namespace, name.local), ("", "Id" | "ID" | "id") | (XML_NAMESPACE, "id"))
        })
    };
    let taken = |wanted: &str| {
        ids().any(|attribute| {
            let rest = attribute.value.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    match profile.xml.id.as_deref() {
        Some(id) if taken(id) => {
            let sentence = format!("the document has an Id \"{id}\" already, which the signature should have");
            Err(FormatError::document("xml-id", sentence))
        }
        Some(id) => Ok(id.to_owned()),
        None if !taken(FIRST_ID) => Ok(FIRST_ID.to_owned()),
        None => {
            let stem = FIRST_ID.trim_end_matches(char::is_numeric);
            let used = ids().filter_map(|attribute| {
                let rest = attribute.value.strip_prefix(stem)?;
                rest.split('-').next()?.parse::<u64>().ok()
            });
            Ok(format!("{stem}{}", used.max().unwrap_or(0).saturating_add(1)))
        }
    }
}

/// The references of a detached signature: each member by its name.
pub(super) fn of_members(source: &dyn Source, profile: &Profile) -> Result<Vec<Entry>, FormatError> {
    let members = source.members();
    let wanted = profile.xml.references.as_slice();
    if members.len().saturating_mul(wanted.len().max(1)) > XML_REFERENCES_MAX {
        let sentence = format!("one signature can be over {XML_REFERENCES_MAX} documents at most");
        return Err(FormatError::document("too-many-references", sentence));
    }
    let plain = XmlReference { target: XmlTarget::Document, transforms: Vec::new() };
    let wanted = if wanted.is_empty() { std::slice::from_ref(&plain) } else { wanted };
    let mut entries = Vec::new();
    for member in &members {
        for reference in wanted {
            if reference.target != XmlTarget::Document {
                let sentence = "a detached signature is over whole documents; \
                                for an element of a document sign inside of it (enveloped)";
                return Err(FormatError::setup("xml-reference", sentence));
            }
            if member.name.is_none() && members.len() * wanted.len() > 1 {
                let sentence = "several documents can be signed together only if each has a name";
                return Err(FormatError::setup("xml-reference", sentence));
            }
            let mut transforms = written(&reference.transforms, profile);
            if !reference.transforms.is_empty() {
                end_canonical(&mut transforms, profile);
            }
            entries.push(Entry {
                uri: member.name.as_deref().map(uri_of),
                kind: "",
                transforms,
                mime_type: member.name.as_deref().map_or(OCTETS, mime_type),
                encoding: None,
            });
        }
    }
    Ok(entries)
}

/// The references of an enveloping signature with this Id around XML.
pub(super) fn of_content(document: &Document<'_>, profile: &Profile, id: &str) -> Result<Vec<Entry>, FormatError> {
    let whole = XmlReference { target: XmlTarget::Document, transforms: Vec::new() };
    let wanted = profile.xml.references.as_slice();
    let wanted = if wanted.is_empty() { std::slice::from_ref(&whole) } else { wanted };
    let entry = |reference: &XmlReference| {
        let (uri, kind) = match &reference.target {
            XmlTarget::Document => (format!("#{id}-object"), OBJECT),
            XmlTarget::Id(wanted) => (format!("#{}", existing(document, wanted)?.1), ""),
            XmlTarget::XPath(xpath) => {
                let element = select(document, xpath, profile)?;
                let found = document.id_of(element).ok_or_else(|| {
                    let sentence = "what is signed inside of an enveloping signature must have an Id";
                    FormatError::document("xml-id", sentence)
                })?;
                (format!("#{found}"), "")
            }
        };
        let mut transforms = written(&reference.transforms, profile);
        end_canonical(&mut transforms, profile);
        Ok(Entry { uri: Some(uri), kind, transforms, mime_type: XML, encoding: None })
    };
    wanted.iter().map(entry).collect()
}

/// The references of a signature inside of the document, and what has to be put into it for them: missing Ids.
pub(super) fn of_document(
    document: &Document<'_>,
    profile: &Profile,
    id: &str,
) -> Result<(Vec<Entry>, Vec<Edit>), FormatError> {
    let whole = XmlReference { target: XmlTarget::Document, transforms: vec![Transform::EnvelopedSignature] };
    let wanted = profile.xml.references.as_slice();
    let wanted = if wanted.is_empty() { std::slice::from_ref(&whole) } else { wanted };
    let mut edits: Vec<(NodeId, Edit)> = Vec::new();
    let mut entries = Vec::with_capacity(wanted.len());
    for reference in wanted {
        let uri = match &reference.target {
            XmlTarget::Document => String::new(),
            XmlTarget::Id(wanted) => format!("#{}", existing(document, wanted)?.1),
            XmlTarget::XPath(xpath) => {
                let element = select(document, xpath, profile)?;
                let made = edits.iter().position(|(node, _)| *node == element);
                match (document.id_of(element), made) {
                    (Some(found), _) => format!("#{}", existing(document, found)?.1),
                    (None, Some(at)) => format!("#{id}-target-{}", at + 1),
                    (None, None) => {
                        let at = document.range(element).start + 1 + document.written_name(element).len();
                        let new = format!("{id}-target-{}", edits.len() + 1);
                        edits.push((element, Edit { at: at..at, text: format!(" Id=\"{new}\"") }));
                        format!("#{new}")
                    }
                }
            }
        };
        let mut transforms = written(&reference.transforms, profile);
        end_canonical(&mut transforms, profile);
        entries.push(Entry { uri: Some(uri), kind: "", transforms, mime_type: XML, encoding: None });
    }
    let mut edits: Vec<Edit> = edits.into_iter().map(|(_, edit)| edit).collect();
    edits.sort_by_key(|edit| edit.at.start);
    Ok((entries, edits))
}

/// What a reference is over, found in the document without the signature.
pub(super) struct Direct {
    pub(super) set: NodeSet,
    pub(super) method: Canonicalization,
    /// Elements that are made around the signature, if they are part of it.
    pub(super) made: Option<Made>,
}

/// What each reference is over. `None`: the document with the signature has to be looked at to know.
pub(super) fn direct(
    document: &Document<'_>,
    layout: &Layout<'_>,
    place: &Place,
) -> Result<Option<Vec<Direct>>, FormatError> {
    let one = |entry: &Entry| {
        let Some((top, enveloped, method)) = simple(document, entry) else { return Ok(None) };
        let inside = document.is_within(place.parent, top);
        if enveloped != inside {
            return Ok(None);
        }
        let set = NodeSet::subtree(document, top);
        if !inside {
            return Ok(Some(Direct { set, method, made: None }));
        }
        let made = place.made_octets(document, top, &method)?;
        Ok(made.map(|made| Direct { set, method, made: Some(made) }))
    };
    layout.entries().iter().map(one).collect()
}

/// The element that a reference points to, whether it leaves the signature out, and its canonical form, if it asks for
/// nothing else.
fn simple(document: &Document<'_>, entry: &Entry) -> Option<(NodeId, bool, Canonicalization)> {
    let (last, before) = entry.transforms.split_last()?;
    let mut method = canonicalization_of(last.uri).filter(|_| last.inside.is_empty())?;
    let enveloped = match before {
        [] => false,
        [only] if only.uri == ENVELOPED => true,
        _ => return None,
    };
    let top = match entry.uri.as_deref()? {
        "" => NodeId::ROOT,
        id => match document.find_id(id.strip_prefix('#')?) {
            IdFound::One(node) => node,
            _ => return None,
        },
    };
    // A reference without a pointer leaves comments out, whatever the method.
    method.comments = false;
    Some((top, enveloped, method))
}

/// The one element that an expression selects.
pub(super) fn select(document: &Document<'_>, xpath: &str, profile: &Profile) -> Result<NodeId, FormatError> {
    let unusable = |error: XPathError| FormatError::setup("xml-xpath", format!("\"{xpath}\": {error}"));
    let expression = Expression::parse(xpath, &profile.xml.namespaces).map_err(unusable)?;
    let nodes = expression.select(document, NodeId::ROOT, None).map_err(unusable)?;
    match nodes[..] {
        [node] if document.kind(node) == NodeKind::Element => Ok(node),
        [] => Err(FormatError::document("xml-xpath", format!("the document has nothing that is meant by {xpath}"))),
        [_] => Err(FormatError::setup("xml-xpath", format!("{xpath} means no element"))),
        _ => {
            let sentence = format!("the document has several elements that are meant by {xpath}");
            Err(FormatError::document("xml-xpath", sentence))
        }
    }
}

fn existing<'a>(document: &Document<'_>, id: &'a str) -> Result<(NodeId, &'a str), FormatError> {
    match document.find_id(id) {
        IdFound::One(node) => Ok((node, id)),
        IdFound::None => Err(FormatError::document(
            "xml-id",
            format!("the document has no element with the Id \"{id}\" to be signed"),
        )),
        IdFound::Several => {
            let sentence = format!("the document has several elements with the Id \"{id}\" to be signed");
            Err(FormatError::document("xml-id", sentence))
        }
    }
}

fn written(transforms: &[Transform], profile: &Profile) -> Vec<Written> {
    let one = |transform: &Transform| match transform {
        Transform::Canonicalization(method) => canonical(method),
        Transform::Base64 => Written { uri: BASE64, inside: String::new() },
        Transform::EnvelopedSignature => Written { uri: ENVELOPED, inside: String::new() },
        Transform::XPathFilter(steps) => {
            let mut inside = String::new();
            for (filter, expression) in steps {
                let filter = match filter {
                    XPathFilter::Intersect => "intersect",
                    XPathFilter::Subtract => "subtract",
                    XPathFilter::Union => "union",
                };
                let _ = write!(inside, "<dsig-filter2:XPath xmlns:dsig-filter2=\"{FILTER_2}\" Filter=\"{filter}\"");
                for (prefix, namespace) in &profile.xml.namespaces {
                    let _ = write!(inside, " xmlns:{prefix}=\"{}\"", escaped(namespace));
                }
                let _ = write!(inside, ">{}</dsig-filter2:XPath>", escaped(expression));
            }
            Written { uri: FILTER_2, inside }
        }
    };
    transforms.iter().map(one).collect()
}

/// Nodes become octets as `SignedInfo` does, if nothing else was asked for.
fn end_canonical(transforms: &mut Vec<Written>, profile: &Profile) {
    let ends = transforms.iter().any(|last| last.uri == BASE64)
        || transforms.last().is_some_and(|last| canonicalization_of(last.uri).is_some());
    if !ends {
        transforms.push(canonical(&profile.xml.signed_info));
    }
}

/// The media type that a file name promises.
fn mime_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "xml" => XML,
        "pdf" => "application/pdf",
        "json" => "application/json",
        "zip" => "application/zip",
        "txt" | "edi" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "tif" | "tiff" => "image/tiff",
        _ => OCTETS,
    }
}
