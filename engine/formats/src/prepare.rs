//! The two halves of every signature: `prepare` reads the document and says what has to be signed, `assemble` builds
//! the result around the signature value, and `check` makes sure of it before anybody sees it.

use crate::cms;
use crate::pdf;
use crate::source::{Source, SourceError};
use model::profile::Format;
use model::{Digest, Profile, Reason, SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};

/// Why a document could not be signed, grouped by who is at fault.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The document is at fault: it stays unsigned however often it is tried.
    #[error("{0}")]
    Document(Reason),
    /// The profile or the signer's certificate is at fault: an operator has to change something.
    #[error("{0}")]
    Setup(Reason),
    /// The medium is at fault.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The signature value is not a signature by this signer over these bytes: the token, its driver or this program
    /// is at fault, and nothing may be released.
    #[error("the signature that was made does not verify: {0}")]
    WrongSignature(&'static str),
}

impl FormatError {
    /// A fault of the document.
    pub fn document(code: &'static str, sentence: impl Into<String>) -> Self {
        FormatError::Document(Reason::new(code, sentence))
    }

    /// A fault of the profile or the signer.
    pub fn setup(code: &'static str, sentence: impl Into<String>) -> Self {
        FormatError::Setup(Reason::new(code, sentence))
    }
}

/// Everything about one signer under one profile that does not change from document to document, computed once.
#[derive(Debug)]
pub struct SignerTemplate {
    signer: Signer,
    algorithm: SignatureAlgorithm,
    cms: cms::Template,
    /// The form that `Profile::otherwise` asks for.
    otherwise: Option<cms::Template>,
}

impl SignerTemplate {
    /// Reads the signer's certificate and lays out what every signature of this profile has in common.
    pub fn new(signer: &Signer, profile: &Profile) -> Result<Self, FormatError> {
        let algorithm = SignatureAlgorithm::for_key(signer.key, profile.digest, profile.pss);
        let template = |format| cms::Template::new(signer, algorithm, cms::Shape::of(format));
        Ok(Self {
            signer: signer.clone(),
            algorithm,
            cms: template(profile.format)?,
            otherwise: profile.otherwise.map(template).transpose()?,
        })
    }

    /// The signer.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The algorithm it signs with.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// Reads the document once and works out what has to be signed.
///
/// Memory: a constant plus, for a PDF, its object table. Time: one pass over the document. `now` is the claimed
/// signing time. `template` was made for the same profile.
pub fn prepare(
    source: &dyn Source,
    profile: &Profile,
    template: &SignerTemplate,
    now: Time,
) -> Result<Prepared, FormatError> {
    let (format, cms) = match (&template.otherwise, profile.otherwise) {
        (Some(other), Some(format)) if profile.format.is_pdf() && !pdf::looks_like_pdf(source)? => (format, other),
        _ => (profile.format, &template.cms),
    };
    match format {
        Format::Cms { .. } | Format::Cades { .. } => {
            let digest = crate::crypto::digest_source(template.algorithm.digest, source)?;
            prepare_digest_with(cms, format, digest, source.len(), now)
        }
        Format::Pdf | Format::Pades => {
            let update = pdf::prepare(source, profile, &template.signer, cms.length_max(), now)?;
            let pending = cms.begin(update.digest(), now)?;
            Ok(Prepared { format, pending, shape: Shape::Pdf(Box::new(update)) })
        }
    }
}

/// Prepares a detached CMS signature for a document of which only the digest is known (sign-a-hash-only).
pub fn prepare_digest(
    digest: Digest,
    profile: &Profile,
    template: &SignerTemplate,
    now: Time,
) -> Result<Prepared, FormatError> {
    if !matches!(profile.format, Format::Cms { detached: true } | Format::Cades { detached: true }) {
        return Err(FormatError::setup("digest-needs-detached", "only a detached signature can be made from a digest"));
    }
    prepare_digest_with(&template.cms, profile.format, digest, 0, now)
}

fn prepare_digest_with(
    cms: &cms::Template,
    format: Format,
    digest: Digest,
    length: u64,
    now: Time,
) -> Result<Prepared, FormatError> {
    let detached = matches!(format, Format::Cms { detached: true } | Format::Cades { detached: true });
    let shape = if detached { Shape::Detached } else { Shape::Enveloping { length } };
    Ok(Prepared { format, pending: cms.begin(digest, now)?, shape })
}

/// A document that waits for its signature value.
#[derive(Debug)]
pub struct Prepared {
    format: Format,
    pending: cms::Pending,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Detached,
    Enveloping { length: u64 },
    Pdf(Box<pdf::Update>),
}

impl Prepared {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        self.pending.to_be_signed()
    }

    /// The form that was chosen for this document.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Checks the signature value with the signer's public key and builds the result around it. There is no other way
    /// to a [`Sealed`]: nothing unverified is ever released.
    pub fn assemble(self, value: &SignatureValue) -> Result<Sealed, FormatError> {
        self.pending.check(value)?;
        let parts = match self.shape {
            Shape::Detached => vec![Part::Bytes(self.pending.finish(value)?)],
            Shape::Enveloping { length } => {
                let (head, tail) = self.pending.finish_around(value, length)?;
                vec![Part::Bytes(head), Part::Original, Part::Bytes(tail)]
            }
            Shape::Pdf(update) => {
                let der = self.pending.finish(value)?;
                vec![Part::Original, Part::Bytes(update.finish(&der)?)]
            }
        };
        Ok(Sealed(SignedDocument { format: self.format, parts }))
    }
}

/// One piece of a result, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The whole original document, byte for byte.
    Original,
}

/// A finished signature as a recipe: bytes of ours and the original, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    /// Its form.
    pub format: Format,
    /// The pieces.
    pub parts: Vec<Part>,
}

/// A [`SignedDocument`] whose signature has been verified with the signer's public key. Only `Prepared::assemble` makes one.
#[derive(Debug)]
pub struct Sealed(SignedDocument);

impl Sealed {
    /// The document, for writing it out.
    pub fn document(&self) -> &SignedDocument {
        &self.0
    }

    /// Whether the original's bytes are part of the result (else it stays beside it).
    pub fn contains_original(&self) -> bool {
        self.0.parts.contains(&Part::Original)
    }
}
