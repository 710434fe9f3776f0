//! PDF signatures: PAdES B-B and its predecessor, always as an incremental update behind the untouched original
//! (EN 319 142-1, ISO 32000-1 12.8). Owns everything that knows PDF syntax; lopdf is used in here only, and only for the
//! ciphers of encrypted files. Never repairs a file, never rewrites what it need not, never sees a private key.
//!
//! The document is read from its end: a signature needs the trailer, the catalog, the form and one page, whatever the
//! file's length.

mod appearance;
mod difference;
mod dss;
mod encrypt;
mod field;
mod fields;
mod filter;
mod font;
mod form;
pub(crate) mod found;
mod image;
pub(crate) mod judged;
pub(crate) mod kept;
mod lexer;
pub mod lift;
mod page;
mod reader;
mod referrers;
mod revision;
mod seed;
mod signed;
pub mod text;
mod update;
mod window;
mod xref;

use crate::crypto;
use crate::prepare::FormatError;
use crate::source::Source;
use lexer::Dictionary;
use model::{Digest, DigestAlgorithm, Profile, SignatureAlgorithm, Signer, Time};
use reader::Document;
use update::{Ground, Holes, Tail};
use window::Object;

/// What one update takes beside `/Contents`, the appearance and what it copies, in bytes; only a guess.
const UPDATE_BYTES_GUESS: usize = 4096;

/// Whether the document has the header of a PDF where readers look for it: in the first 1024 bytes.
pub fn looks_like_pdf(source: &dyn Source) -> Result<bool, FormatError> {
    reader::header_at(source).map(|found| found.is_some())
}

/// An incremental update that waits for its signature.
#[derive(Debug)]
pub struct Update {
    tail: Vec<u8>,
    holes: Holes,
    digest: Digest,
    front: Front,
}

/// The digest of a document and its update up to `/Contents`, which stays right when that is filled in.
#[derive(Clone, Debug)]
pub struct Front {
    /// Has seen this much.
    pub hasher: crypto::Hasher,
    /// How much that is, in bytes.
    pub length: u64,
}

impl Update {
    /// The digest of everything but `/Contents`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What was hashed of the result already.
    pub fn front(&self) -> &Front {
        &self.front
    }

    /// The bytes to append to the original, the signature (DER) filled in.
    pub fn finish(mut self, der: &[u8]) -> Result<Vec<u8>, FormatError> {
        // The template says how long its longest signature is; a longer one means that the template is wrong.
        update::fill_contents(&mut self.tail, &self.holes, der)
            .ok_or(FormatError::WrongSignature("it is longer than announced"))?;
        Ok(self.tail)
    }
}

/// Reads what a signature needs of the document, lays out the update and computes the digest: one pass over the document.
///
/// `contents_len_max` is the length of the longest signature (DER) that may come, `now` the claimed signing time.
pub fn prepare(
    source: &dyn Source,
    profile: &Profile,
    signer: &Signer,
    contents_len_max: usize,
    now: Time,
) -> Result<Update, FormatError> {
    let digest = SignatureAlgorithm::for_key(signer.key, profile.digest, profile.pss).digest;
    let layout = lay_out(source, profile, signer, digest, contents_len_max, now)?;
    let (before, after) = (&layout.tail[..layout.holes.contents.start], &layout.tail[layout.holes.contents.end..]);
    let mut hasher = crypto::Hasher::new(digest);
    hasher.update_from(source, 0..source.len())?;
    hasher.update(before);
    let front = Front { hasher: hasher.clone(), length: source.len() + before.len() as u64 };
    hasher.update(after);
    Ok(Update { tail: layout.tail, holes: layout.holes, digest: hasher.finish(), front })
}

/// An update without its digest.
#[derive(Debug)]
pub struct Layout {
    tail: Vec<u8>,
    holes: Holes,
}

impl Layout {
    /// The bytes that it appends, `/Contents` still zero.
    pub fn bytes(&self) -> &[u8] {
        &self.tail
    }

    /// How many bytes it appends.
    pub fn len(&self) -> usize {
        self.tail.len()
    }

    /// Never: there is at least a signature dictionary.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }
}

/// The part of [`prepare`] that does not read the whole document. For measuring and fuzzing.
pub fn lay_out(
    source: &dyn Source,
    profile: &Profile,
    signer: &Signer,
    digest: DigestAlgorithm,
    contents_len_max: usize,
    now: Time,
) -> Result<Layout, FormatError> {
    let options = &profile.pdf;
    let mut document = Document::open(source, options.password.as_ref().map(|password| password.expose()))?;
    if document.chain.is_hybrid() && !options.allow_hybrid {
        return Err(FormatError::document(
            "pdf-hybrid",
            "the PDF has two tables of contents at once (hybrid cross-reference), which strict verifiers refuse; the profile does not allow to sign such files",
        ));
    }
    let catalog = catalog(&mut document)?;
    let plan = field::plan(&mut document, catalog, profile, signer, digest)?;
    let id = new_id(&mut document, source, &[&now.micros().to_be_bytes(), &signer.certificate])?;
    let ground = Ground::of(&document);
    let mut tail = Tail::new(&ground, UPDATE_BYTES_GUESS + contents_len_max * 2);
    let holes = plan.write(&mut tail, profile, signer, source.len(), contents_len_max, now)?;
    tail.finish(&id)?;
    let mut tail = tail.bytes;
    update::fill_byte_range(&mut tail, &holes, source.len());
    Ok(Layout { tail, holes })
}

/// The root of all objects.
fn catalog<'s>(document: &mut Document<'s>) -> Result<Object<'s>, FormatError> {
    let root = Dictionary::new(document.chain.trailer()).and_then(|trailer| trailer.reference("Root"));
    document.object(root.ok_or_else(|| damaged("its trailer does not name a catalog"))?)
}

/// The raw `/ID` of the new revision: the first part stays, the second is new (ISO 32000-1 14.4) and made from `seed`.
fn new_id(document: &mut Document<'_>, source: &dyn Source, seed: &[&[u8]]) -> Result<Vec<u8>, FormatError> {
    let trailer = document.chain.trailer().to_vec();
    let trailer = document.dictionary(&trailer)?;
    let old = document.get(&trailer, "ID")?;
    let mut hasher = crypto::Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(old.as_deref().unwrap_or_default());
    hasher.update(&source.len().to_be_bytes());
    seed.iter().for_each(|part| hasher.update(part));
    let digest = hasher.finish();
    let new = lexer::hex_string(&digest.as_bytes()[..16]);
    let first = match old.as_deref().and_then(lexer::items).and_then(|mut items| items.next()) {
        Some(first) => lexer::string(&document.resolve(first)?).map(|plain| lexer::hex_string(&plain)),
        None => None,
    };
    Ok([b"[".as_slice(), first.as_ref().unwrap_or(&new).as_slice(), new.as_slice(), b"]"].concat())
}

/// The file breaks the rules of PDF.
fn damaged(detail: &str) -> FormatError {
    FormatError::document("pdf-damaged", format!("the PDF is damaged: {detail}"))
}

/// The file keeps to the rules but goes beyond what is supported.
fn unsupported(detail: String) -> FormatError {
    FormatError::document("pdf-unsupported", format!("the PDF cannot be signed: {detail}"))
}
