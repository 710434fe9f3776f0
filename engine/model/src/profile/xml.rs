//! The XML part of a profile: which references, which transforms, where the signature goes.

/// Where the signature is, seen from what it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XmlShape {
    /// Inside the document. With references by Id only this is also the detached signature in the same document.
    Enveloped,
    /// Around the document: as XML if it is XML, else as base64.
    Enveloping,
    /// Beside the document, in a file of its own; the document is referenced by its name and need not be XML.
    Detached,
}

/// The XML part of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct XmlOptions {
    /// How `SignedInfo` is made canonical.
    pub signed_info: Canonicalization,
    /// What is signed. Empty: the whole document, with what its shape needs.
    pub references: Vec<XmlReference>,
    /// Where an enveloped signature is put. `None`: as the last child of the document element, for UBL invoices in
    /// their `ext:UBLExtensions` as the format wants it.
    pub place: Option<XmlPlace>,
    /// Namespace prefix of XML-DSig. `None`: `ds`; empty: the default namespace.
    pub prefix: Option<String>,
    /// `Id` of the signature. `None`: one that the document does not have yet.
    pub id: Option<String>,
    /// Prefixes that the XPath expressions of this profile use, with their namespaces.
    pub namespaces: Vec<(String, String)>,
}

/// One `ds:Reference`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlReference {
    /// What it points to.
    pub target: XmlTarget,
    /// What is done to it, in order. A canonicalisation at the end, if none is there, is that of `signed_info`.
    pub transforms: Vec<Transform>,
}

/// What a reference points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XmlTarget {
    /// The whole document (`URI=""`), or the signed file of a detached signature.
    Document,
    /// The element with this `Id`, `ID`, `id` or `xml:id`.
    Id(String),
    /// The one element that this XPath selects; it must have an Id, or gets one.
    XPath(String),
}

/// One `ds:Transform`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transform {
    /// Canonical XML.
    Canonicalization(Canonicalization),
    /// Base64 decoding.
    Base64,
    /// Without the signature itself.
    EnvelopedSignature,
    /// XPath Filter 2.0.
    XPathFilter(Vec<(XPathFilter, String)>),
}

/// The set operation of one XPath Filter 2.0 step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XPathFilter {
    /// Keep only these subtrees.
    Intersect,
    /// Leave out these subtrees.
    Subtract,
    /// Add these subtrees.
    Union,
}

/// A canonicalisation method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Canonicalization {
    /// Which one.
    pub version: CanonicalVersion,
    /// Comments stay.
    pub comments: bool,
    /// Exclusive only: `InclusiveNamespaces PrefixList`, with `#default` for the default namespace.
    pub inclusive_prefixes: Vec<String>,
}

/// The three canonical forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum CanonicalVersion {
    /// Canonical XML 1.0.
    V1_0,
    /// Canonical XML 1.1.
    V1_1,
    /// Exclusive XML Canonicalization 1.0.
    #[default]
    Exclusive,
}

/// Where an enveloped signature is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlPlace {
    /// Selects exactly one element.
    pub xpath: String,
    /// Seen from that element.
    pub position: XmlPosition,
}

/// Seen from an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlPosition {
    /// As its first child.
    FirstChild,
    /// As its last child.
    LastChild,
    /// As its neighbour before it.
    Before,
    /// As its neighbour behind it.
    After,
}
