//! `[profile.xml]`: references, transforms and the place of the signature.

use model::profile::{
    CanonicalVersion, Canonicalization, Transform, XPathFilter, XmlOptions, XmlPlace, XmlPosition, XmlReference,
    XmlTarget,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[profile.xml]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct XmlConfig {
    /// How `SignedInfo` is made canonical.
    pub canonicalization: CanonicalWord,
    /// Prefixes that exclusive canonicalisation treats as inclusive.
    pub inclusive_prefixes: Vec<String>,
    /// Namespace prefix of the signature.
    pub prefix: Option<String>,
    /// Its Id.
    pub id: Option<String>,
    /// Prefixes in XPath expressions.
    pub namespaces: BTreeMap<String, String>,
    /// Where an enveloped signature goes.
    pub place: Option<PlaceConfig>,
    /// What is signed.
    pub reference: Vec<ReferenceConfig>,
}

/// A canonicalisation by name.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CanonicalWord {
    /// Canonical XML 1.0.
    C14n,
    /// With comments.
    C14nComments,
    /// Canonical XML 1.1.
    C14n11,
    /// With comments.
    C14n11Comments,
    /// Exclusive.
    #[default]
    Exclusive,
    /// With comments.
    ExclusiveComments,
}

impl CanonicalWord {
    fn method(self, inclusive_prefixes: &[String]) -> Canonicalization {
        let (version, comments) = match self {
            CanonicalWord::C14n => (CanonicalVersion::V1_0, false),
            CanonicalWord::C14nComments => (CanonicalVersion::V1_0, true),
            CanonicalWord::C14n11 => (CanonicalVersion::V1_1, false),
            CanonicalWord::C14n11Comments => (CanonicalVersion::V1_1, true),
            CanonicalWord::Exclusive => (CanonicalVersion::Exclusive, false),
            CanonicalWord::ExclusiveComments => (CanonicalVersion::Exclusive, true),
        };
        let inclusive_prefixes = match version {
            CanonicalVersion::Exclusive => inclusive_prefixes.to_vec(),
            CanonicalVersion::V1_0 | CanonicalVersion::V1_1 => Vec::new(),
        };
        Canonicalization { version, comments, inclusive_prefixes }
    }
}

/// `place`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceConfig {
    /// Selects one element.
    pub xpath: String,
    /// Seen from it.
    #[serde(default)]
    pub position: PositionWord,
}

/// `position`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionWord {
    /// As its first child.
    FirstChild,
    /// As its last child.
    #[default]
    LastChild,
    /// Before it.
    Before,
    /// Behind it.
    After,
}

/// `[[profile.xml.reference]]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReferenceConfig {
    /// The element with this Id.
    pub id: Option<String>,
    /// The element that this selects.
    pub xpath: Option<String>,
    /// What is done to it.
    pub transforms: Vec<TransformConfig>,
}

/// A transform: a word, or an XPath filter.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum TransformConfig {
    /// Without parameters.
    Word(TransformWord),
    /// A canonicalisation.
    Canonical(CanonicalWord),
    /// XPath Filter 2.0: one or more of these, applied in order.
    Filter {
        /// The steps.
        filter: Vec<FilterConfig>,
    },
}

/// A transform by name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransformWord {
    /// Without the signature.
    EnvelopedSignature,
    /// Base64 decoding.
    Base64,
}

/// One step of an XPath filter.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterConfig {
    /// Keep only these subtrees.
    Intersect(String),
    /// Leave out these subtrees.
    Subtract(String),
    /// Add these subtrees.
    Union(String),
}

impl XmlConfig {
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), String> {
        if self.reference.iter().any(|reference| reference.id.is_some() && reference.xpath.is_some()) {
            return Err("a reference has either id or xpath".to_owned());
        }
        Ok(())
    }

    /// The choices, made.
    pub fn resolve(&self) -> XmlOptions {
        XmlOptions {
            signed_info: self.canonicalization.method(&self.inclusive_prefixes),
            references: self.reference.iter().map(|reference| self.reference(reference)).collect(),
            place: self.place.as_ref().map(|place| XmlPlace {
                xpath: place.xpath.clone(),
                position: match place.position {
                    PositionWord::FirstChild => XmlPosition::FirstChild,
                    PositionWord::LastChild => XmlPosition::LastChild,
                    PositionWord::Before => XmlPosition::Before,
                    PositionWord::After => XmlPosition::After,
                },
            }),
            prefix: self.prefix.clone(),
            id: self.id.clone(),
            namespaces: self.namespaces.clone().into_iter().collect(),
        }
    }

    fn reference(&self, reference: &ReferenceConfig) -> XmlReference {
        let target = match (&reference.id, &reference.xpath) {
            (Some(id), _) => XmlTarget::Id(id.clone()),
            (None, Some(xpath)) => XmlTarget::XPath(xpath.clone()),
            (None, None) => XmlTarget::Document,
        };
        let transform = |transform: &TransformConfig| match transform {
            TransformConfig::Word(TransformWord::EnvelopedSignature) => Transform::EnvelopedSignature,
            TransformConfig::Word(TransformWord::Base64) => Transform::Base64,
            TransformConfig::Canonical(word) => Transform::Canonicalization(word.method(&self.inclusive_prefixes)),
            TransformConfig::Filter { filter } => Transform::XPathFilter(
                filter
                    .iter()
                    .map(|step| match step {
                        FilterConfig::Intersect(xpath) => (XPathFilter::Intersect, xpath.clone()),
                        FilterConfig::Subtract(xpath) => (XPathFilter::Subtract, xpath.clone()),
                        FilterConfig::Union(xpath) => (XPathFilter::Union, xpath.clone()),
                    })
                    .collect(),
            ),
        };
        XmlReference { target, transforms: reference.transforms.iter().map(transform).collect() }
    }
}
