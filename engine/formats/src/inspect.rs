//! Takes a file of any maker apart: which signatures, time stamps, evidence records and evidence are in it, what each is
//! over, and whether digests and signature values fit. No judgement of trust, time or suitability: that is the work of
//! the `trust` crate, which sees nothing of a file but an [`Inspection`].
//!
//! Foreign bytes throughout. What is wrong with one signature is said in its place and never hides the others; an `Err`
//! means that the medium failed, or that the file as a whole cannot be taken apart.

mod armour;
mod asic;
mod cms;
mod encrypted;
mod mail;
mod pdf;
mod recognise;
pub mod record;
mod xml;

pub use cms::of_token;

use crate::envelope::Arrival;
use crate::evidence::Evidence;
use crate::prepare::FormatError;
use crate::signature::{HashAlgorithm, Method};
use crate::source::Source;
use crate::tsp::{Token, TspError};
use model::limits::INSPECTION_NESTING_MAX;
use model::{Reason, Secret, Time};
use recognise::Shape;
use std::cell::Cell;
use std::sync::Arc;

/// Takes a file apart, whatever it is.
pub fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let counted = Cell::new(0);
    let input = &Input { unpacked: input.unpacked.or(Some(&counted)), ..*input };
    match recognise::recognise(input.source)? {
        Shape::Armoured => armour::inspect(input),
        shape => inspect_as(shape, input),
    }
}

/// As [`inspect`], for what was in text form: it is not so again.
fn inspect_plain(input: &Input<'_>) -> Result<Inspection, FormatError> {
    match recognise::recognise(input.source)? {
        Shape::Armoured => Ok(Inspection::new(FileKind::Other)),
        shape => inspect_as(shape, input),
    }
}

fn inspect_as(shape: Shape, input: &Input<'_>) -> Result<Inspection, FormatError> {
    match shape {
        Shape::Cms | Shape::BareSignedData | Shape::TimeStampToken | Shape::TimeStampResponse => {
            cms::inspect(input, shape)
        }
        Shape::EvidenceRecord => record::inspect(input),
        Shape::Xml => match record::inspect_xml(input)? {
            Some(inspection) => Ok(inspection),
            None => xml::inspect(input),
        },
        Shape::Pdf => pdf::inspect(input),
        Shape::Zip => asic::inspect(input),
        Shape::Mail => mail::inspect(input),
        Shape::CompoundFile => mail::inspect_compound(input),
        Shape::Encrypted => encrypted::inspect(input),
        Shape::Armoured | Shape::Other => Ok(Inspection::new(FileKind::Other)),
    }
}

/// What is handed in: a file, and what came with it.
pub struct Input<'a> {
    /// The file that holds the signatures.
    pub source: &'a dyn Source,
    /// Its name, for messages and as a hint; what it is, is told by its structure.
    pub name: &'a str,
    /// What a detached signature may be over.
    pub detached: &'a [Detached<'a>],
    /// Opens an encrypted PDF.
    pub password: Option<&'a str>,
    /// Certificates from elsewhere, DER, among which a signer may be who brought none.
    pub certificates: &'a [Arc<[u8]>],
    /// Opens encrypted content. `None`: nobody has a key.
    pub opener: Option<&'a dyn Opener>,
    /// In how many others the file lies: 0 for the one that was handed in.
    pub depth: usize,
    /// How much was unpacked of all files in one another together, in bytes; bounded by `ASIC_UNPACKED_BYTES_MAX`. `None`:
    /// [`inspect`] begins to count.
    pub unpacked: Option<&'a Cell<u64>>,
}

impl<'a> Input<'a> {
    /// A file with nothing beside it.
    pub fn new(source: &'a dyn Source, name: &'a str) -> Self {
        Self { source, name, detached: &[], password: None, certificates: &[], opener: None, depth: 0, unpacked: None }
    }

    /// A file inside this one. An error: nobody nests that deep.
    pub fn inside<'b>(&'b self, source: &'b dyn Source, name: &'b str) -> Result<Input<'b>, FormatError> {
        if self.depth >= INSPECTION_NESTING_MAX {
            let sentence = format!("files are nested more than {INSPECTION_NESTING_MAX} deep");
            return Err(FormatError::document("nested-too-deep", sentence));
        }
        Ok(Input { source, name, detached: &[], depth: self.depth + 1, ..*self })
    }
}

/// Whoever has private keys of recipients, or asks a token that has them.
pub trait Opener {
    /// What the recipient's private key makes of [`Arrival::wrapped`]. `None`: there is no key of this recipient here.
    ///
    /// A wrong secret does no harm: whether it was the right one is told by the content.
    fn open(&self, arrival: &Arrival) -> Option<Result<Secret, Reason>>;
}

/// Something that a detached signature may be over.
pub enum Detached<'a> {
    /// The document.
    Document {
        /// Its file name.
        name: &'a str,
        /// Its bytes.
        source: &'a dyn Source,
    },
    /// Only its digest.
    Digest(HashAlgorithm, Vec<u8>),
}

/// What a file was recognised as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A CMS (PKCS #7) SignedData message.
    Cms,
    /// A time-stamp token or response (RFC 3161).
    TimeStamp,
    /// An evidence record (RFC 4998 or RFC 6283).
    EvidenceRecord,
    /// XML with or without signatures.
    Xml,
    /// PDF.
    Pdf,
    /// An associated signature container (EN 319 162-1), or another ZIP with signatures in META-INF.
    Asic,
    /// A mail (RFC 5322), or an Outlook message.
    Mail,
    /// CMS EnvelopedData or AuthEnvelopedData, or a mail that is it. What is in it is nested if somebody had a key.
    Encrypted,
    /// Nothing that could hold a signature.
    Other,
}

/// A file taken apart.
#[derive(Debug)]
pub struct Inspection {
    /// What it is.
    pub kind: FileKind,
    /// The signatures in order of appearance; a counter-signature comes after the signature that it is over.
    pub signatures: Vec<Signature>,
    /// Time stamps that belong to no single signature: stand-alone ones, those over a PDF or a container.
    pub stamps: Vec<Stamp>,
    /// Evidence records.
    pub records: Vec<Record>,
    /// Certificates and revocation material that is in the file but in no signature (the DSS of a PDF).
    pub evidence: Evidence,
    /// Files with signatures of their own inside this one, decrypted or not: parts of a mail, members of a container.
    pub nested: Vec<Nested>,
    /// What a person should know: it was in Base64, there are bytes behind its end, it is encrypted.
    pub notes: Vec<Reason>,
}

impl Inspection {
    /// Nothing found yet.
    pub fn new(kind: FileKind) -> Self {
        Self {
            kind,
            signatures: Vec::new(),
            stamps: Vec::new(),
            records: Vec::new(),
            evidence: Evidence::default(),
            nested: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A file inside another one.
#[derive(Debug)]
pub struct Nested {
    /// Where it is: a member's name, the number of a part of a mail.
    pub name: String,
    /// What is in it.
    pub inspection: Inspection,
}

/// The form of a signature, by what it holds: an AdES form needs the signed reference to the signer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it all
pub enum SignatureFormat {
    Cms,
    Cades,
    XmlDsig,
    Xades,
    /// CMS in a PDF (`adbe.pkcs7.detached`, `adbe.pkcs7.sha1`) that is no PAdES baseline signature.
    PdfCms,
    /// `adbe.x509.rsa_sha1` in a PDF.
    PdfPkcs1,
    Pades,
}

/// One signature.
#[derive(Debug)]
pub struct Signature {
    /// What the file calls it: an XML Id, a field of a PDF, a file of a container. For people.
    pub name: Option<String>,
    /// Its form.
    pub format: SignatureFormat,
    /// The signature that it counter-signs: an index into [`Inspection::signatures`].
    pub parent: Option<usize>,
    /// What it is over, each thing with its digest.
    pub covered: Vec<Covered>,
    /// Whether the signature value was made by the signer's key over what refers to `covered`.
    pub value: Result<(), Reason>,
    /// The signature value.
    pub signature_value: Arc<[u8]>,
    /// How the value is made. `None`: nobody here knows.
    pub method: Option<Method>,
    /// The algorithm as it is written in the signature, for people: dotted object identifier or URI.
    pub method_name: String,
    /// The SubjectPublicKeyInfo of the key that was used, or tried, DER.
    pub key: Option<Arc<[u8]>>,
    /// The signer's certificate, DER. `None`: it is nowhere to be found.
    pub signer: Option<Arc<[u8]>>,
    /// What the signed reference to the signer's certificate says (EN 319 102-1 clause 5.2.3).
    pub reference: SignerReference,
    /// What came with the signature: certificates and revocation material, in any attribute.
    pub evidence: Evidence,
    /// What the signer said.
    pub attributes: Attributes,
    /// Time stamps in the signature, in order of appearance.
    pub stamps: Vec<Stamp>,
    /// What breaks the rules of its format, with attacks among them: each makes it FORMAT_FAILURE.
    pub faults: Vec<Reason>,
    /// What is odd but breaks nothing.
    pub notes: Vec<Reason>,
    /// Its place in a PDF.
    pub pdf: Option<PdfPlace>,
}

/// Whether a digest is that of what it is said to be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// It is.
    Intact,
    /// It is the digest of something else (HASH_FAILURE).
    Changed,
    /// What it should be of is not there (SIGNED_DATA_NOT_FOUND).
    Missing(Reason),
    /// It cannot be computed: an unknown algorithm, a refused transform, an attack.
    Refused(Reason),
}

/// Something that a signature is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// For people: `the whole document`, `element Invoice (#inv-1)`, `file letter.txt`.
    pub what: String,
    /// What role it has.
    pub role: CoveredRole,
    /// The digest algorithm. `None`: nobody here knows it.
    pub algorithm: Option<HashAlgorithm>,
    /// The digest that was signed.
    pub digest: Vec<u8>,
    /// Whether it is right.
    pub integrity: Integrity,
}

/// What role a covered thing has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoveredRole {
    /// What the signer wanted to sign.
    Content,
    /// The signed attributes of XAdES, or a key info.
    Properties,
    /// An entry of a manifest: it does not decide about the signature, but the signer meant it.
    ManifestEntry,
}

/// What the signed reference to the signer's certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerReference {
    /// There is none.
    Absent,
    /// Its digest is that of the certificate.
    Matches {
        /// The digest algorithm of the reference.
        hash: HashAlgorithm,
        /// Issuer and serial number in it are those of another certificate, which deserves a warning.
        issuer_differs: bool,
    },
    /// It is about another certificate.
    Differs,
}

/// Whose place in a signature policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyReference {
    /// Object identifier in dots, or a URI. Empty: implied.
    pub identifier: String,
    /// Digest algorithm and digest of the policy document.
    pub digest: Option<(HashAlgorithm, Vec<u8>)>,
    /// Where it may be had.
    pub uri: Option<String>,
}

/// What the signer said, signed unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The time the signer claims.
    pub signing_time: Option<Time>,
    /// The signature policy.
    pub policy: Option<PolicyReference>,
    /// Commitment types: object identifiers in dots or URIs.
    pub commitments: Vec<String>,
    /// Claimed roles.
    pub roles: Vec<String>,
    /// Where it was signed, on one line.
    pub place: Option<String>,
    /// The type of the content, or its MIME type.
    pub content_type: Option<String>,
    /// PDF: the reason entry, unsigned in the sense of CMS but covered.
    pub reason: Option<String>,
    /// Mail: the addresses in From and Sender of the message that carries the signature.
    pub mail_from: Vec<String>,
}

/// What kind of time stamp it is, by where it is and what it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampKind {
    /// Over the content, made before the signature.
    Content,
    /// Over the signature value.
    Signature,
    /// Over the signature, its time stamps and its references to evidence.
    SignatureAndReferences,
    /// Over references to evidence only.
    References,
    /// Over signature and evidence: archive time stamps of CAdES and XAdES.
    Archive,
    /// A document time stamp of a PDF.
    Document,
    /// Over a manifest of a container.
    Container,
    /// A file of its own.
    Alone,
}

/// One time stamp.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// What it is over.
    pub kind: StampKind,
    /// What the file calls it. For people.
    pub name: Option<String>,
    /// The token as it lies in the file (without what fills it up).
    pub bytes: Arc<[u8]>,
    /// The token. An error: it is none, or its signature is wrong.
    pub token: Result<Token, TspError>,
    /// Whether it is over what it should be over.
    pub imprint: Integrity,
    /// What exists since its time if it is valid: the objects under it (EN 319 102-1 clause 5.6.2.3).
    pub covers: Vec<ObjectId>,
    /// Signatures under it: indices into [`Inspection::signatures`]. Of one inside a signature: empty, it is over that one.
    pub signatures: Vec<usize>,
    /// What breaks the rules of its format. It counts for nothing then.
    pub faults: Vec<Reason>,
    /// Its place in a PDF.
    pub pdf: Option<PdfPlace>,
}

/// An evidence record.
#[derive(Clone, Debug)]
pub struct Record {
    /// What the file calls it.
    pub name: Option<String>,
    /// RFC 6283; else RFC 4998.
    pub xml: bool,
    /// The record as it lies in the file.
    pub bytes: Arc<[u8]>,
    /// What it should be over.
    pub objects: Vec<RecordObject>,
    /// In a container: what the record's manifest says that it is over. A record whose manifest is wrong proves nothing of
    /// what differs.
    pub manifest: Vec<Covered>,
    /// What exists since its first time stamp if it is valid.
    pub covers: Vec<ObjectId>,
    /// Signatures under it: indices into [`Inspection::signatures`].
    pub signatures: Vec<usize>,
}

/// A data object of an evidence record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordObject {
    /// For people.
    pub name: String,
    /// Its digests by the algorithms that the record uses; by a canonicalisation (its URI) if the record asks for one and
    /// the object is XML. Empty: it is not there.
    pub digests: Vec<RecordDigest>,
}

/// One digest of a data object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDigest {
    /// The algorithm.
    pub algorithm: HashAlgorithm,
    /// The canonicalisation that came before; `None`: the bytes as they are.
    pub canonicalization: Option<String>,
    /// The digest.
    pub value: Vec<u8>,
}

/// Names a certificate, CRL, OCSP answer, time-stamp token or signature value by its SHA-256 digest, so that proofs of
/// existence can be kept about it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub [u8; 32]);

impl std::fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl ObjectId {
    /// That of these bytes: the DER of an object, the octets of a signature value.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = crate::crypto::digest(model::DigestAlgorithm::Sha256, bytes);
        let mut id = [0; 32];
        id.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(id)
    }
}

/// The place of a signature or document time stamp in a PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PdfPlace {
    /// The name of its field.
    pub field: String,
    /// The number of the revision that it covers, from 1.
    pub revision: usize,
    /// How many revisions the file has.
    pub revisions: usize,
    /// What it covers.
    pub coverage: Coverage,
    /// What came later.
    pub later: LaterChanges,
    /// What came later, for people, worst first; bounded.
    pub changes: Vec<Reason>,
    /// It certifies the document, with this permission (DocMDP, 1 to 3).
    pub certifies: Option<u8>,
}

/// How much of a PDF a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of the file but its own value.
    WholeFile,
    /// All of one revision, and later ones were added.
    WholeRevision,
    /// Not a whole revision: nobody can say what was signed.
    Unclear,
}

/// The gravest change of a PDF after a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LaterChanges {
    /// None.
    None,
    /// Evidence and document time stamps only.
    LongTerm,
    /// Forms were filled in or signed, as permitted.
    Form,
    /// Annotations were added, as permitted.
    Annotation,
    /// Anything else, or something that was not permitted.
    Other,
}
