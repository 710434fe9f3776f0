//! The two halves of every signature: `prepare` reads the document and says what has to be signed, `assemble` builds
//! the result around the signature value, and `check` makes sure of it before anybody sees it.

use crate::recipe::{Assembled, Part, flatten};
use crate::source::{Source, SourceError};
use crate::{asic, cms, der, pdf, tsp, xml};
use model::limits::PDF_STAMP_BYTES;
use model::profile::{ExistingSignatures, Format, Level};
use model::{Digest, DigestAlgorithm, Profile, Reason, SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};

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
    main: Template,
    /// The form that `Profile::otherwise` asks for.
    otherwise: Option<Template>,
}

/// The constant parts of one form.
#[derive(Debug)]
enum Template {
    Cms(cms::Template),
    Xml(xml::sign::Template),
    Asic(asic::sign::Template),
}

impl Template {
    fn new(
        signer: &Signer,
        algorithm: SignatureAlgorithm,
        profile: &Profile,
        format: Format,
    ) -> Result<Self, FormatError> {
        Ok(match format {
            Format::Cms { .. } | Format::Cades { .. } if profile.existing == ExistingSignatures::Counter => {
                Template::Cms(cms::Template::new(signer, algorithm, cms::Shape::of_counter(format))?)
            }
            Format::Cms { .. } | Format::Cades { .. } | Format::Pdf | Format::Pades => {
                Template::Cms(cms::Template::new(signer, algorithm, cms::Shape::of(format))?)
            }
            Format::Xmldsig(_) => Template::Xml(xml::sign::Template::new(signer, algorithm, profile, false)?),
            Format::Xades(_) => Template::Xml(xml::sign::Template::new(signer, algorithm, profile, true)?),
            Format::Asic { container, signature } => {
                Template::Asic(asic::sign::Template::new(signer, algorithm, profile, container, signature)?)
            }
            Format::TimeStamp | Format::Extended | Format::Encrypted | Format::Decrypted => {
                return Err(FormatError::setup("no-signature", "the profile does not ask for a signature"));
            }
        })
    }
}

impl SignerTemplate {
    /// Reads the signer's certificate and lays out what every signature of this profile has in common.
    pub fn new(signer: &Signer, profile: &Profile) -> Result<Self, FormatError> {
        check_post_quantum(signer, profile)?;
        let algorithm = SignatureAlgorithm::for_key(signer.key, profile.digest, profile.pss);
        let template = |format| Template::new(signer, algorithm, profile, format);
        Ok(Self {
            signer: signer.clone(),
            algorithm,
            main: template(profile.format)?,
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

/// Keys that few verifiers know sign only where the profile says so, and only in CMS, the one form with a standard for
/// them (RFC 9882).
fn check_post_quantum(signer: &Signer, profile: &Profile) -> Result<(), FormatError> {
    let (name, key) = (&signer.name, signer.key);
    let mut formats = [Some(profile.format), profile.otherwise].into_iter().flatten();
    if !key.is_post_quantum()
        || profile.post_quantum && formats.all(|form| matches!(form, Format::Cms { .. } | Format::Cades { .. }))
    {
        return Ok(());
    }
    let sentence =
        format!("signer {name} has an {key} key, which needs `post_quantum = true` and the format cms or cades");
    Err(FormatError::setup("post-quantum", sentence))
}

/// Reads the document once and works out what has to be signed.
///
/// Memory: a constant plus, for a PDF, its object table, and for XML, its tree. Time: one pass over the document. `now`
/// is the claimed signing time. `template` was made for the same profile.
pub fn prepare(
    source: &dyn Source,
    profile: &Profile,
    template: &SignerTemplate,
    now: Time,
) -> Result<Prepared, FormatError> {
    prepare_beside(source, None, profile, template, now)
}

/// As [`prepare`]. `original`: what the document, a detached signature, is about, if another signature goes into it.
pub fn prepare_beside(
    source: &dyn Source,
    original: Option<&dyn Source>,
    profile: &Profile,
    template: &SignerTemplate,
    now: Time,
) -> Result<Prepared, FormatError> {
    if let Some(digest) = source.only_digest() {
        return prepare_digest(digest, profile, template, now);
    }
    let (format, form) = match (&template.otherwise, profile.otherwise) {
        (Some(other), Some(format)) if profile.format.is_pdf() && !pdf::looks_like_pdf(source)? => (format, other),
        _ => (profile.format, &template.main),
    };
    let pending = match (form, format) {
        (Template::Cms(cms), Format::Pdf | Format::Pades) => {
            // A time stamp is filled in where it belongs, inside the signature that was made, if there is room for it.
            let stamp = if profile.level >= Level::T { PDF_STAMP_BYTES } else { 0 };
            let update = pdf::prepare(source, profile, &template.signer, cms.length_max() + stamp, now)?;
            Pending::Cms(cms.begin(update.digest(), now)?, CmsPlace::Pdf(Box::new(update)))
        }
        (Template::Cms(cms), Format::Cms { .. } | Format::Cades { .. })
            if profile.existing != ExistingSignatures::Wrap =>
        {
            let add =
                if profile.existing == ExistingSignatures::Counter { cms::add::counter } else { cms::add::parallel };
            Pending::Addition(Box::new(add(source, original, cms, now)?))
        }
        (Template::Cms(cms), _) => {
            let digest = crate::crypto::digest_source(template.algorithm.digest, source)?;
            return prepare_digest_with(cms, format, digest, source.len(), now);
        }
        (Template::Xml(xml), Format::Xmldsig(shape) | Format::Xades(shape)) => {
            Pending::Xml(Box::new(xml::sign::prepare(source, profile, xml, shape, now)?))
        }
        (Template::Asic(asic), _) => Pending::Asic(Box::new(asic::sign::prepare(source, profile, asic, now)?)),
        (Template::Xml(_), _) => {
            return Err(FormatError::setup("profile", "the signer was prepared for another profile"));
        }
    };
    Ok(Prepared { format, pending })
}

/// Prepares a detached CMS signature for a document of which only the digest is known (sign-a-hash-only).
pub fn prepare_digest(
    digest: Digest,
    profile: &Profile,
    template: &SignerTemplate,
    now: Time,
) -> Result<Prepared, FormatError> {
    match &template.main {
        Template::Cms(cms) if signs_digests(profile) => prepare_digest_with(cms, profile.format, digest, 0, now),
        _ => Err(digest_needs_detached()),
    }
}

/// Whether a signature by this profile can be made without the document, from its digest.
pub fn signs_digests(profile: &Profile) -> bool {
    matches!(profile.format, Format::Cms { detached: true } | Format::Cades { detached: true })
        && profile.existing == ExistingSignatures::Wrap
}

fn digest_needs_detached() -> FormatError {
    FormatError::setup("digest-needs-detached", "only a detached CMS or CAdES signature can be made from a digest")
}

fn prepare_digest_with(
    cms: &cms::Template,
    format: Format,
    digest: Digest,
    length: u64,
    now: Time,
) -> Result<Prepared, FormatError> {
    let detached = matches!(format, Format::Cms { detached: true } | Format::Cades { detached: true });
    let place = if detached { CmsPlace::Detached } else { CmsPlace::Enveloping { length } };
    Ok(Prepared { format, pending: Pending::Cms(cms.begin(digest, now)?, place) })
}

/// A document that waits for its signature value.
#[derive(Debug)]
pub struct Prepared {
    format: Format,
    pending: Pending,
}

#[derive(Debug)]
enum Pending {
    Cms(cms::Pending, CmsPlace),
    Addition(Box<cms::add::Addition>),
    Xml(Box<xml::sign::Pending>),
    Asic(Box<asic::sign::Pending>),
}

/// Where a finished CMS message goes.
#[derive(Debug)]
enum CmsPlace {
    Detached,
    Enveloping { length: u64 },
    Pdf(Box<pdf::Update>),
}

impl Prepared {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        match &self.pending {
            Pending::Cms(pending, _) => pending.to_be_signed(),
            Pending::Addition(pending) => pending.to_be_signed(),
            Pending::Xml(pending) => pending.to_be_signed(),
            Pending::Asic(pending) => pending.to_be_signed(),
        }
    }

    /// The form that was chosen for this document.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Checks the signature value with the signer's public key and builds the result around it. There is no other way
    /// from a document to a [`Sealed`]: nothing unverified is ever released.
    pub fn assemble(self, value: &SignatureValue) -> Result<Sealed, FormatError> {
        let mut hashed = None;
        let parts = match self.pending {
            Pending::Cms(pending, place) => {
                pending.check(value)?;
                match place {
                    CmsPlace::Detached => vec![Part::Bytes(pending.finish(value)?)],
                    CmsPlace::Enveloping { length } => {
                        let (head, tail) = pending.finish_around(value, length)?;
                        vec![Part::Bytes(head), Part::Original, Part::Bytes(tail)]
                    }
                    CmsPlace::Pdf(update) => {
                        let der = pending.finish(value)?;
                        hashed = Some(update.front().clone());
                        vec![Part::Original, Part::Bytes(update.finish(&der)?)]
                    }
                }
            }
            Pending::Addition(pending) => {
                pending.check(value)?;
                pending.finish(value)?
            }
            Pending::Xml(pending) => {
                pending.check(value)?;
                pending.finish(value)?
            }
            Pending::Asic(pending) => {
                pending.check(value)?;
                pending.finish(value)?
            }
        };
        Ok(Sealed { document: SignedDocument { format: self.format, parts }, hashed })
    }
}

/// A finished signature as a recipe: bytes of ours and the original, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    /// Its form.
    pub format: Format,
    /// The pieces.
    pub parts: Vec<Part>,
}

/// A [`SignedDocument`] whose signature has been verified with the signer's public key. `Prepared::assemble` makes it, and
/// lifting keeps it one.
#[derive(Debug)]
pub struct Sealed {
    document: SignedDocument,
    /// What has been hashed of it already, from its beginning on.
    hashed: Option<pdf::Front>,
}

impl Sealed {
    fn new(format: Format, parts: Vec<Part>) -> Self {
        Self { document: SignedDocument { format, parts }, hashed: None }
    }

    /// The digest of the result. What was hashed for the signature is not hashed again, where that is possible.
    pub fn digest(&self, algorithm: DigestAlgorithm, original: &dyn Source) -> Result<Digest, SourceError> {
        let assembled = self.assembled(original);
        match self.hashed.as_ref().filter(|front| front.hasher.algorithm() == algorithm) {
            Some(front) => {
                let mut hasher = front.hasher.clone();
                hasher.update_from(&assembled, front.length..assembled.len())?;
                Ok(hasher.finish())
            }
            None => crate::crypto::digest_source(algorithm, &assembled),
        }
    }

    /// The result as a document that can be read, for lifting it. `original` is the document it was made from.
    pub fn assembled<'a>(&'a self, original: &'a dyn Source) -> Assembled<'a> {
        Assembled::new(&self.document.parts, original)
    }

    /// A document that is signed already, by anyone, before it is lifted. Whoever lifts it checks its signatures.
    pub fn existing() -> Self {
        Self::new(Format::Extended, vec![Part::Original])
    }

    /// A document as it is, for encrypting it (`Format::Encrypted`) or opening it (`Format::Decrypted`): nobody vouches for
    /// what is in it.
    pub fn untouched(format: Format) -> Self {
        Self::new(format, vec![Part::Original])
    }

    /// A time stamp over a document, as a response of its own (RFC 3161 section 2.4.2) that says "granted".
    pub fn time_stamp(token: &tsp::Token) -> Self {
        let granted = der::tlv(der::TAG_SEQUENCE, &[&[der::TAG_INTEGER, 1, 0]]);
        let response = der::tlv(der::TAG_SEQUENCE, &[&granted, token.der()]);
        Self::new(Format::TimeStamp, vec![Part::Bytes(response)])
    }

    /// The lifted result: `parts` is what filling a place in [`Sealed::assembled`] gave.
    pub fn lifted(self, parts: Vec<Part>, original: &dyn Source) -> Result<Self, FormatError> {
        let parts = flatten(parts, &self.document.parts, original)?;
        Ok(Self::new(self.document.format, parts))
    }

    /// The document, for writing it out.
    pub fn document(&self) -> &SignedDocument {
        &self.document
    }

    /// Whether the original's bytes are part of the result (else it stays beside it).
    pub fn contains_original(&self) -> bool {
        self.document.parts.iter().any(|part| !matches!(part, Part::Bytes(_)))
    }
}
