//! From one level to the next, for every format in the same three steps: time stamps over signatures, evidence, a time
//! stamp over everything. Each step reads a signed document, says what it needs, and builds the lifted document around
//! what it is given. The same for signatures of our own and of any other maker.

use crate::evidence::{Evidence, Subject};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::Source;
use crate::tsp::Token;
use crate::{asic, cms, pdf, xml};
use model::profile::Format;
use model::{Digest, DigestAlgorithm};

/// Places for time stamps in a signed document.
pub trait StampPlaces: Send {
    /// What has to be stamped: one time stamp for each imprint.
    fn imprints(&self) -> &[Digest];

    /// The document with the time stamps in it, as a recipe over the document that was read. One token for each
    /// imprint, in their order.
    fn fill(self: Box<Self>, tokens: &[Token]) -> Result<Vec<Part>, FormatError>;
}

/// A place for evidence in a signed document.
pub trait EvidencePlace: Send {
    /// Whose paths and revocation states have to be provable: the signers, and the units of all time stamps in it.
    fn subjects(&self) -> &[Subject];

    /// The document with the evidence in it, as a recipe over the document that was read. What is already there is not
    /// put in twice.
    fn fill(self: Box<Self>, evidence: &Evidence) -> Result<Vec<Part>, FormatError>;
}

/// What kind of signed document it is, told by its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CMS SignedData.
    Cms,
    /// XML.
    Xml,
    /// PDF.
    Pdf,
    /// An ASiC container.
    Asic,
}

impl Kind {
    /// What a document of this format becomes. `None`: look with [`Kind::of`].
    pub fn of_format(format: Format) -> Option<Self> {
        match format {
            Format::Cms { .. } | Format::Cades { .. } => Some(Kind::Cms),
            Format::Pdf | Format::Pades => Some(Kind::Pdf),
            Format::Xmldsig(_) | Format::Xades(_) => Some(Kind::Xml),
            Format::Asic { .. } => Some(Kind::Asic),
            Format::TimeStamp | Format::Extended | Format::Encrypted | Format::Decrypted => None,
        }
    }

    /// Looks at the first bytes. `None`: nothing that can be lifted.
    pub fn of(document: &dyn Source) -> Result<Option<Self>, FormatError> {
        let mut head = vec![0; usize::try_from(document.len()).unwrap_or(usize::MAX).min(HEAD_BYTES)];
        document.read_exact_at(0, &mut head)?;
        Ok(match head.as_slice() {
            [b'P', b'K', 3, 4, ..] => Some(Kind::Asic),
            [0x30, ..] => Some(Kind::Cms),
            _ if pdf::looks_like_pdf(document)? => Some(Kind::Pdf),
            head => xml::looks_like_xml(head).then_some(Kind::Xml),
        })
    }
}

/// Places for a time stamp over each signature that has none yet (B-T). No imprints: every signature has one.
///
/// `original` is the signed document of a detached signature, `password` opens an encrypted PDF. Signatures that are
/// broken are never lifted: that is an error of the document.
pub fn signature_time_stamps(
    kind: Kind,
    document: &dyn Source,
    original: Option<&dyn Source>,
    digest: DigestAlgorithm,
    password: Option<&str>,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    match kind {
        Kind::Cms => cms::lift::signature_time_stamps(document, original, digest),
        Kind::Xml => xml::lift::signature_time_stamps(document, original, digest),
        Kind::Pdf => pdf::lift::signature_time_stamps(document, digest, password),
        Kind::Asic => asic::lift::signature_time_stamps(document, digest),
    }
}

/// A place for certificates and revocation material (B-LT). `original`, `password`: see [`signature_time_stamps`].
pub fn evidence(
    kind: Kind,
    document: &dyn Source,
    original: Option<&dyn Source>,
    password: Option<&str>,
) -> Result<Box<dyn EvidencePlace>, FormatError> {
    match kind {
        Kind::Cms => cms::lift::evidence(document, original),
        Kind::Xml => xml::lift::evidence(document, original),
        Kind::Pdf => pdf::lift::evidence(document, password),
        Kind::Asic => asic::lift::evidence(document),
    }
}

/// Places for a time stamp over everything there is (B-LTA); again on a document that has one: renewal. `original`,
/// `password`: see [`signature_time_stamps`].
pub fn archive_time_stamps(
    kind: Kind,
    document: &dyn Source,
    original: Option<&dyn Source>,
    digest: DigestAlgorithm,
    password: Option<&str>,
) -> Result<Box<dyn StampPlaces>, FormatError> {
    match kind {
        Kind::Cms => cms::lift::archive_time_stamps(document, original, digest),
        Kind::Xml => xml::lift::archive_time_stamps(document, original, digest),
        Kind::Pdf => pdf::lift::archive_time_stamps(document, digest, password),
        Kind::Asic => asic::lift::archive_time_stamps(document, digest),
    }
}

/// Enough to recognise a PDF behind junk, or XML behind comments.
const HEAD_BYTES: usize = 4096;
