//! A `ds:Signature` of any maker, read strictly: what it refers to, with which algorithms, and what it carries.
//!
//! Reads only; nothing is checked or resolved here.

use super::algorithms::{
    self, BASE64, DEFAULT_CANONICALIZATION, DS, ENVELOPED, EXCLUSIVE, FILTER_2, XADES, XPATH, canonicalization_of,
};
use super::tree::{Document, NodeId, NodeKind};
use super::xpath::Expression;
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Method};
use model::limits::{XML_REFERENCES_MAX, XML_SIGNATURES_MAX, XML_TRANSFORMS_MAX};
use model::profile::{Canonicalization, XPathFilter};

/// A signature as it was found.
#[derive(Clone, Debug)]
pub struct Signature {
    /// `ds:Signature`.
    pub node: NodeId,
    /// `ds:SignedInfo`.
    pub signed_info: NodeId,
    /// How `SignedInfo` is made canonical.
    pub canonicalization: Canonicalization,
    /// The signature algorithm.
    pub method: Method,
    /// The URI of the signature algorithm.
    pub method_uri: String,
    /// What is signed, in order.
    pub references: Vec<Reference>,
    /// `ds:SignatureValue`.
    pub value_node: NodeId,
    /// Its octets.
    pub value: Vec<u8>,
    /// `ds:KeyInfo`.
    pub key_info: Option<NodeId>,
    /// Each `ds:Object`, in order.
    pub objects: Vec<NodeId>,
    /// `xades:QualifyingProperties` of a `ds:Object` of this signature, for this signature.
    pub properties: Option<NodeId>,
}

/// One `ds:Reference`.
#[derive(Clone, Debug)]
pub struct Reference {
    /// `ds:Reference`.
    pub node: NodeId,
    /// What it points to, as written; `None` if it says nothing.
    pub uri: Option<String>,
    /// `Type`, empty if it has none.
    pub kind: String,
    /// What is done to it, in order.
    pub transforms: Vec<Step>,
    /// The digest algorithm.
    pub hash: HashAlgorithm,
    /// The URI of the digest algorithm.
    pub hash_uri: String,
    /// The digest.
    pub digest: Vec<u8>,
}

/// One `ds:Transform`.
#[derive(Clone, Debug)]
pub enum Step {
    /// Canonical XML.
    Canonical(Canonicalization),
    /// Base64 decoding.
    Base64,
    /// Without the signature that it is in.
    Enveloped,
    /// XPath 1.0: the nodes for which it is true. With the element that holds it.
    XPath(Expression, NodeId),
    /// XPath Filter 2.0. With the transform that holds it.
    Filter(Vec<(XPathFilter, Expression)>, NodeId),
}

/// All signatures that are not inside of another one, in the order of the document.
pub fn find(document: &Document<'_>) -> Result<Vec<NodeId>, FormatError> {
    let mut found: Vec<NodeId> = Vec::new();
    for node in document.subtree(NodeId::ROOT) {
        let is = document.name(node).is_some_and(|name| name.is(DS, "Signature"));
        if is && !found.last().is_some_and(|last| document.is_within(node, *last)) {
            if found.len() == XML_SIGNATURES_MAX {
                let sentence = format!("the file has more than {XML_SIGNATURES_MAX} signatures");
                return Err(FormatError::document("too-many-signatures", sentence));
            }
            found.push(node);
        }
    }
    Ok(found)
}

impl Signature {
    /// Reads the signature at this element.
    pub fn read(document: &Document<'_>, node: NodeId) -> Result<Self, FormatError> {
        let mut parts = document.child_elements(node).peekable();
        let mut next = |local: &str| {
            let found = parts.next_if(|part| document.name(*part).is_some_and(|name| name.is(DS, local)));
            found.ok_or_else(|| malformed(&format!("it has no {local} where there must be one")))
        };
        let signed_info = next("SignedInfo")?;
        let value_node = next("SignatureValue")?;
        let key_info = next("KeyInfo").ok();
        let mut objects = Vec::new();
        while let Ok(object) = next("Object") {
            objects.push(object);
        }
        if parts.next().is_some() {
            return Err(malformed("it has elements that do not belong there"));
        }

        let mut parts = document.child_elements(signed_info);
        let mut next = |local: &str| {
            let found = parts.next().filter(|part| document.name(*part).is_some_and(|name| name.is(DS, local)));
            found.ok_or_else(|| malformed(&format!("SignedInfo has no {local} where there must be one")))
        };
        let canonicalization = canonicalization(document, next("CanonicalizationMethod")?)?;
        let method_node = next("SignatureMethod")?;
        let method_uri = algorithm(document, method_node)?.to_owned();
        let method = algorithms::method_of(&method_uri).ok_or_else(|| unknown(&method_uri))?;
        let mut references = vec![Reference::read(document, next("Reference")?)?];
        for reference in parts {
            if references.len() == XML_REFERENCES_MAX {
                return Err(malformed(&format!("it has more than {XML_REFERENCES_MAX} references")));
            }
            references.push(Reference::read(document, reference)?);
        }

        let value = octets(document, value_node)?;
        let properties = properties(document, node, &objects)?;
        Ok(Self {
            node,
            signed_info,
            canonicalization,
            method,
            method_uri,
            references,
            value_node,
            value,
            key_info,
            objects,
            properties,
        })
    }

    /// The certificates in KeyInfo, DER, in order.
    pub fn certificates(&self, document: &Document<'_>) -> Result<Vec<Vec<u8>>, FormatError> {
        let mut found = Vec::new();
        for data in self.key_info.into_iter().flat_map(|info| children(document, info, DS, "X509Data")) {
            for certificate in children(document, data, DS, "X509Certificate") {
                found.push(octets(document, certificate)?);
            }
        }
        Ok(found)
    }

    /// The `SignedProperties` of XAdES.
    pub fn signed_properties(&self, document: &Document<'_>) -> Option<NodeId> {
        document.child_named(self.properties?, XADES, "SignedProperties")
    }

    /// The `UnsignedSignatureProperties` of XAdES.
    pub fn unsigned_properties(&self, document: &Document<'_>) -> Option<NodeId> {
        let unsigned = document.child_named(self.properties?, XADES, "UnsignedProperties")?;
        document.child_named(unsigned, XADES, "UnsignedSignatureProperties")
    }
}

impl Reference {
    /// Reads one `ds:Reference`, of `SignedInfo` or of a `ds:Manifest`.
    pub fn read(document: &Document<'_>, node: NodeId) -> Result<Self, FormatError> {
        if !document.name(node).is_some_and(|name| name.is(DS, "Reference")) {
            return Err(malformed("there is something else where a Reference must be"));
        }
        let mut parts = document.child_elements(node).peekable();
        let is = |part: &NodeId, local: &str| document.name(*part).is_some_and(|name| name.is(DS, local));
        let mut transforms = Vec::new();
        if let Some(list) = parts.next_if(|part| is(part, "Transforms")) {
            for transform in document.child_elements(list) {
                if !is(&transform, "Transform") {
                    return Err(malformed("there is something else where a Transform must be"));
                }
                if transforms.len() == XML_TRANSFORMS_MAX {
                    return Err(malformed(&format!("a reference has more than {XML_TRANSFORMS_MAX} transforms")));
                }
                transforms.push(Step::read(document, transform)?);
            }
        }
        let method = parts.next().filter(|part| is(part, "DigestMethod"));
        let value = parts.next().filter(|part| is(part, "DigestValue"));
        let (Some(method), Some(value), None) = (method, value, parts.next()) else {
            return Err(malformed("a Reference has not exactly one DigestMethod and one DigestValue"));
        };
        let hash_uri = algorithm(document, method)?.to_owned();
        let hash = algorithms::hash_of(&hash_uri).ok_or_else(|| unknown(&hash_uri))?;
        Ok(Self {
            node,
            uri: document.attribute(node, "", "URI").map(str::to_owned),
            kind: document.attribute(node, "", "Type").unwrap_or_default().to_owned(),
            transforms,
            hash,
            hash_uri,
            digest: octets(document, value)?,
        })
    }
}

impl Step {
    /// Reads one `ds:Transform`.
    pub(crate) fn read(document: &Document<'_>, node: NodeId) -> Result<Self, FormatError> {
        let uri = algorithm(document, node)?;
        Ok(match uri {
            BASE64 => Step::Base64,
            ENVELOPED => Step::Enveloped,
            XPATH => {
                let expressions = children(document, node, DS, "XPath").collect::<Vec<_>>();
                let [expression] = expressions[..] else {
                    return Err(malformed("an XPath transform has not exactly one expression"));
                };
                Step::XPath(expression_of(document, expression)?, expression)
            }
            FILTER_2 => {
                let mut steps = Vec::new();
                let expressions = children(document, node, FILTER_2, "XPath");
                for expression in expressions.take(XML_TRANSFORMS_MAX + 1) {
                    let filter = match document.attribute(expression, "", "Filter") {
                        Some("intersect") => XPathFilter::Intersect,
                        Some("subtract") => XPathFilter::Subtract,
                        Some("union") => XPathFilter::Union,
                        _ => return Err(malformed("an XPath filter says nothing of what it does")),
                    };
                    steps.push((filter, expression_of(document, expression)?));
                }
                if steps.is_empty() || steps.len() > XML_TRANSFORMS_MAX {
                    return Err(malformed(&format!("an XPath filter has not 1 to {XML_TRANSFORMS_MAX} expressions")));
                }
                Step::Filter(steps, node)
            }
            _ => Step::Canonical(canonicalization(document, node)?),
        })
    }
}

/// Reads the expression in an element, with the namespaces that are in scope there.
fn expression_of(document: &Document<'_>, node: NodeId) -> Result<Expression, FormatError> {
    let namespaces = document.namespaces_in_scope(node).into_iter();
    let namespaces: Vec<_> = namespaces.map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned())).collect();
    let text = document.string_value(node);
    Expression::parse(&text, &namespaces).map_err(|error| malformed(&error.to_string()))
}

/// Reads the method of a `CanonicalizationMethod` or a `Transform`, with its prefix list.
pub(crate) fn canonicalization(document: &Document<'_>, node: NodeId) -> Result<Canonicalization, FormatError> {
    let uri = algorithm(document, node)?;
    let mut method = canonicalization_of(uri).ok_or_else(|| unknown(uri))?;
    if let Some(inclusive) = document.child_named(node, EXCLUSIVE, "InclusiveNamespaces") {
        let list = document.attribute(inclusive, "", "PrefixList").unwrap_or_default();
        method.inclusive_prefixes = list.split_ascii_whitespace().map(str::to_owned).collect();
    }
    Ok(method)
}

/// Reads the `ds:CanonicalizationMethod` in a property; Canonical XML 1.0 where there is none, or one that names nothing.
pub fn canonicalization_in(document: &Document<'_>, node: NodeId) -> Result<Canonicalization, FormatError> {
    match document.child_named(node, DS, "CanonicalizationMethod") {
        Some(method) if document.attribute(method, "", "Algorithm").is_some_and(|uri| !uri.is_empty()) => {
            canonicalization(document, method)
        }
        _ => Ok(DEFAULT_CANONICALIZATION.clone()),
    }
}

fn algorithm<'d>(document: &'d Document<'_>, node: NodeId) -> Result<&'d str, FormatError> {
    document.attribute(node, "", "Algorithm").ok_or_else(|| malformed("an algorithm is not named"))
}

/// The child elements with this name.
pub fn children<'d>(
    document: &'d Document<'_>,
    node: NodeId,
    namespace: &'d str,
    local: &'d str,
) -> impl Iterator<Item = NodeId> + 'd {
    document
        .child_elements(node)
        .filter(move |child| document.name(*child).is_some_and(|name| name.is(namespace, local)))
}

/// The octets of an element with base64 content and nothing else. Comments are refused, too: programs differ in whether
/// they read the text in front of one, or all of it.
pub fn octets(document: &Document<'_>, node: NodeId) -> Result<Vec<u8>, FormatError> {
    let mut text = Vec::new();
    for part in document.children(node) {
        match document.kind(part) {
            NodeKind::Text => {
                text.extend(document.characters(part).bytes().filter(|byte| !byte.is_ascii_whitespace()));
            }
            NodeKind::Element => return Err(malformed("there are elements where base64 must be")),
            _ => return Err(malformed("the base64 in it is interrupted by a comment or a processing instruction")),
        }
    }
    base64_simd::STANDARD.decode_to_vec(&text).map_err(|_| malformed("a value in it is not base64"))
}

/// The properties of XAdES that are in an object of the signature and point to the signature. Any others mean nothing.
fn properties(document: &Document<'_>, signature: NodeId, objects: &[NodeId]) -> Result<Option<NodeId>, FormatError> {
    let in_objects = objects.iter().flat_map(|object| children(document, *object, XADES, "QualifyingProperties"));
    let mut found = in_objects.filter(|properties| {
        let target = document.attribute(*properties, "", "Target").and_then(|target| target.strip_prefix('#'));
        target.is_some() && target == document.id_of(signature)
    });
    let first = found.next();
    if found.next().is_some() {
        return Err(malformed("it has qualifying properties twice"));
    }
    Ok(first)
}

/// The signature is not what its standard says.
pub(crate) fn malformed(what: &str) -> FormatError {
    FormatError::document("signature-malformed", format!("a signature in the file cannot be read: {what}"))
}

/// The signature uses an algorithm that is not known, or that is never accepted.
pub(crate) fn unknown(uri: &str) -> FormatError {
    let shown: String = uri.chars().take(120).collect();
    let sentence = format!("a signature in the file cannot be checked: the algorithm \"{shown}\" is not accepted");
    FormatError::document("algorithm-unknown", sentence)
}
