//! A profile: the named choice of format, algorithm, pool and appearance that a directory or a caller signs with.
//!
//! Profiles are checked when they are made; code that holds a [`Profile`] needs no further checks of it.

mod encryption;
mod level;
mod xml;

pub use encryption::{ContentCipher, EncryptionOptions, RsaKeyTransport};
pub use level::{AuthorityName, Level, StampOptions};
pub use xml::{
    CanonicalVersion, Canonicalization, Transform, XPathFilter, XmlOptions, XmlPlace, XmlPosition, XmlReference,
    XmlShape, XmlTarget,
};

use crate::digest::DigestAlgorithm;
use std::sync::Arc;

/// Name of a pool: signers that a profile accepts as interchangeable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolName(pub Arc<str>);

impl std::fmt::Display for PoolName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// CMS SignedData (RFC 5652) without CAdES attributes: the plain PKCS#7 of old.
    Cms {
        /// Whether the content stays outside.
        detached: bool,
    },
    /// CAdES (EN 319 122-1).
    Cades {
        /// Whether the content stays outside.
        detached: bool,
    },
    /// PDF signature with `/SubFilter /adbe.pkcs7.detached` (ISO 32000-1 12.8).
    Pdf,
    /// PAdES, `/SubFilter /ETSI.CAdES.detached` (EN 319 142-1).
    Pades,
    /// XML-DSig 1.1.
    Xmldsig(XmlShape),
    /// XAdES (EN 319 132-1).
    Xades(XmlShape),
    /// A container with documents and their signature (EN 319 162-1).
    Asic {
        /// With one document or several.
        container: Container,
        /// The form of the signature in it.
        signature: ContainerSignature,
    },
    /// No signature: a time stamp over the document, as an RFC 3161 response in a file of its own.
    TimeStamp,
    /// No new signature: the document is signed already, by anyone, and is lifted to a higher level.
    Extended,
    /// No new signature: the document is encrypted as it is.
    Encrypted,
    /// No new signature: the document is an encrypted message and is opened.
    Decrypted,
}

/// The two kinds of ASiC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// ASiC-S: one document.
    Simple,
    /// ASiC-E: several documents.
    Extended,
}

/// The form of the signature in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContainerSignature {
    /// CAdES, detached.
    Cades,
    /// XAdES, detached.
    Xades,
}

impl Format {
    /// The name used on the command line, in configuration and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Format::Cms { .. } => "cms",
            Format::Cades { .. } => "cades",
            Format::Pdf => "pdf",
            Format::Pades => "pades",
            Format::Xmldsig(_) => "xmldsig",
            Format::Xades(_) => "xades",
            Format::Asic { container: Container::Simple, .. } => "asic-s",
            Format::Asic { container: Container::Extended, .. } => "asic-e",
            Format::TimeStamp => "timestamp",
            Format::Extended => "extended",
            Format::Encrypted => "encrypted",
            Format::Decrypted => "decrypted",
        }
    }

    /// Whether the document must be a PDF.
    pub fn is_pdf(self) -> bool {
        matches!(self, Format::Pdf | Format::Pades)
    }

    /// Whether signatures of this form can be lifted above [`Level::B`].
    pub fn has_levels(self) -> bool {
        match self {
            Format::Cms { .. } | Format::Pdf | Format::Xmldsig(_) => false,
            Format::TimeStamp | Format::Encrypted | Format::Decrypted => false,
            Format::Cades { .. } | Format::Pades | Format::Xades(_) | Format::Asic { .. } | Format::Extended => true,
        }
    }

    /// Whether a signer is needed at all.
    pub fn signs(self) -> bool {
        !matches!(self, Format::TimeStamp | Format::Extended | Format::Encrypted | Format::Decrypted)
    }
}

/// How to sign, all choices made.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: Arc<str>,
    /// Which signers may sign. Of no meaning where the format needs none.
    pub pool: PoolName,
    /// The form of the result.
    pub format: Format,
    /// What to do with a document that is not a PDF when `format` asks for one: sign it in this form instead. `None`:
    /// reject it.
    pub otherwise: Option<Format>,
    /// How much the signature carries beside itself.
    pub level: Level,
    /// Time stamps. Never `None` above [`Level::B`].
    pub stamp: Option<StampOptions>,
    /// Encrypt the result.
    pub encryption: Option<EncryptionOptions>,
    /// The digest of content and signature.
    pub digest: DigestAlgorithm,
    /// RSA keys sign with PSS instead of PKCS#1 v1.5.
    pub pss: bool,
    /// Signers with ML-DSA keys may sign, in CMS only: few verifiers know them yet.
    pub post_quantum: bool,
    /// What a signature does to those that the document has already; of meaning for CMS and CAdES only.
    pub existing: ExistingSignatures,
    /// Everything that concerns PDF only.
    pub pdf: PdfOptions,
    /// Everything that concerns XML only.
    pub xml: XmlOptions,
}

impl Profile {
    /// A profile of this form with nothing else set: SHA-256, B-B, no encryption.
    pub fn plain(name: &str, pool: &str, format: Format) -> Self {
        Self {
            name: name.into(),
            pool: PoolName(pool.into()),
            format,
            otherwise: None,
            level: Level::B,
            stamp: None,
            encryption: None,
            digest: DigestAlgorithm::Sha256,
            pss: false,
            post_quantum: false,
            existing: ExistingSignatures::default(),
            pdf: PdfOptions::default(),
            xml: XmlOptions::default(),
        }
    }
}

/// How a CMS signature stands to signatures that the document has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExistingSignatures {
    /// The document is content like any other: a signed message is wrapped by the new one (sequential signing).
    #[default]
    Wrap,
    /// The document is a CMS signature; the new one stands beside those in it, over the same content.
    Parallel,
    /// The document is a CMS signature; the new one is over the value of one in it (RFC 5652 section 11.4).
    Counter,
}

/// The PDF part of a profile.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct PdfOptions {
    /// Certify (DocMDP) instead of approving.
    pub certify: Option<CertificationLevel>,
    /// Name of the signature field: an empty one is used, a missing one is made. `None`: a free name is made.
    pub field: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact: Option<String>,
    /// A visible signature; `None` is invisible.
    pub visible: Option<VisibleSignature>,
    /// Open password (user or owner) of encrypted files. Wrapped so that it is not printed.
    pub password: Option<Password>,
    /// Sign hybrid-reference files (ISO 32000-1 7.5.8.4), which strict verifiers refuse.
    pub allow_hybrid: bool,
}

/// What a certification signature permits afterwards (ISO 32000-1 table 254).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificationLevel {
    /// `/P 1`: no changes.
    NoChanges,
    /// `/P 2`: filling forms and signing.
    FormFilling,
    /// `/P 3`: also annotations.
    Annotations,
}

/// A visible signature's place and content.
#[derive(Clone, Debug, PartialEq)]
pub struct VisibleSignature {
    /// On which page.
    pub page: PageChoice,
    /// Where on it.
    pub place: Place,
    /// Lines of text above the generated ones; may be empty.
    pub text: Option<String>,
    /// Show the signer's name, taken from the certificate.
    pub show_name: bool,
    /// Show the signing time.
    pub show_date: bool,
    /// Show `/Reason` if there is one.
    pub show_reason: bool,
    /// Show `/Location` if there is one.
    pub show_location: bool,
    /// PNG or JPEG to show at the left, as read from its file.
    pub image: Option<Arc<[u8]>>,
    /// Font size in points.
    pub font_size: f32,
}

/// A page, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageChoice {
    /// The first page.
    First,
    /// The last page.
    Last,
    /// This page, counted from 1.
    Number(u32),
}

/// A place on a page, in points, seen as the page is displayed (after `/Rotate`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// A corner or the middle of an edge.
    Corner {
        /// Which one.
        corner: Corner,
        /// Width of the signature.
        width: f32,
        /// Height of the signature.
        height: f32,
        /// Distance from the edges.
        margin: f32,
    },
    /// A rectangle, lower left corner first.
    Rectangle {
        /// Left edge.
        x: f32,
        /// Lower edge.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
    },
}

/// Where on the page a `Place::Corner` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top, in the middle.
    TopCentre,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom, in the middle.
    BottomCentre,
    /// Bottom right.
    BottomRight,
}

/// A document's open password. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Arc<str>);

impl Password {
    /// Wraps a password.
    pub fn new(password: &str) -> Self {
        Self(password.into())
    }

    /// The password itself, for the one who opens the document.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}
