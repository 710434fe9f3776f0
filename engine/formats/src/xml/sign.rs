//! Making XML signatures: the constant parts of one signer's signatures, and one signature that waits for its value.
//!
//! The document is parsed once and only ever inserted into; what it was stays in the result byte for byte. Digests are
//! made by the same code that verifies, from the same tree.

mod layout;
pub(super) mod place;
mod targets;

use super::algorithms::signature_uri;
use super::c14n::{self, NodeSet};
use super::encoding::Encoding;
use super::reference::{self, Outside};
use super::signature::{self, Signature};
use super::transform::{self, whole};
use super::tree::{Document, IdFound, NodeId};
use super::{verify, xades};
use crate::cms;
use crate::cms::certificate::Certificate;
use crate::crypto::{self, Hasher, PublicKey};
use crate::der::{Reader, TAG_INTEGER, TAG_SEQUENCE};
use crate::prepare::FormatError;
use crate::recipe::Part;
use crate::source::Source;
use layout::{Content, Entry, Layout};
use model::limits::CHAIN_CERTIFICATES_MAX;
use model::profile::{Canonicalization, Profile, XmlShape};
use model::{Digest, KeyKind, Scheme, SignatureAlgorithm, SignatureValue, Signer, Time, ToBeSigned};
use place::{Context, Edit, Place};
use std::fmt::Write;
use std::sync::Arc;
use targets::Direct;

/// All constant parts of the signatures of one signer under one profile. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Template(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    algorithm: SignatureAlgorithm,
    public_key: PublicKey,
    key: KeyKind,
    /// Prefix of XML-DSig with its colon, or nothing.
    ds: String,
    /// Prefix of XAdES with its colon.
    xades: &'static str,
    /// The URI of the signature algorithm.
    method: &'static str,
    /// `SigningCertificateV2`; `None`: no qualifying properties.
    signing_certificate: Option<String>,
    /// `ds:KeyInfo`.
    key_info: String,
    /// How `SignedInfo` and the signed properties are made canonical.
    canonicalization: Canonicalization,
}

impl Template {
    /// Lays them out. `xades`: with the qualifying properties of XAdES.
    pub fn new(
        signer: &Signer,
        algorithm: SignatureAlgorithm,
        profile: &Profile,
        xades: bool,
    ) -> Result<Self, FormatError> {
        let unreadable = |which: &str| {
            FormatError::setup("certificate-unreadable", format!("{which} of signer {} cannot be read", signer.name))
        };
        let certificate = Certificate::parse(&signer.certificate).map_err(|_| unreadable("the certificate"))?;
        let key = cms::check_key(signer, &certificate, algorithm)?;
        let method = signature_uri(algorithm).ok_or_else(|| {
            let sentence = format!("signer {}: there are no XML signatures with {algorithm}", signer.name);
            FormatError::setup("key-kind", sentence)
        })?;
        let public_key = PublicKey::new(key, certificate.public_key.bits, algorithm)
            .map_err(|error| FormatError::setup("key-unusable", format!("signer {}: {error}", signer.name)))?;
        if signer.chain.len() >= CHAIN_CERTIFICATES_MAX {
            let sentence = format!("signer {} has more than {CHAIN_CERTIFICATES_MAX} certificates", signer.name);
            return Err(FormatError::setup("chain-too-long", sentence));
        }

        let ds = match profile.xml.prefix.as_deref() {
            None => "ds:".to_owned(),
            Some("") => String::new(),
            Some(prefix) if is_plain_name(prefix) && !prefix.to_ascii_lowercase().starts_with("xml") => {
                format!("{prefix}:")
            }
            Some(prefix) => {
                let sentence = format!("\"{prefix}\" cannot be the prefix of XML signatures");
                return Err(FormatError::setup("xml-prefix", sentence));
            }
        };
        if let Some(id) = profile.xml.id.as_deref().filter(|id| !is_plain_name(id)) {
            return Err(FormatError::setup("xml-id", format!("\"{id}\" cannot be the Id of an XML signature")));
        }
        let qualifier = if ds == "xades:" { "xades132:" } else { "xades:" };
        let mut key_info = format!("<{ds}KeyInfo><{ds}X509Data>");
        let mut written: Vec<&[u8]> = Vec::new();
        for certificate in std::iter::once(&signer.certificate).chain(&signer.chain) {
            Certificate::parse(certificate).map_err(|_| unreadable("a certificate in the chain"))?;
            if !written.contains(&&certificate[..]) {
                written.push(certificate);
                let text = xades::base64(certificate);
                let _ = write!(key_info, "<{ds}X509Certificate>{text}</{ds}X509Certificate>");
            }
        }
        let _ = write!(key_info, "</{ds}X509Data></{ds}KeyInfo>");
        let signing_certificate = xades
            .then(|| xades::signing_certificate(&signer.certificate, &certificate, algorithm.digest, &ds, qualifier));
        Ok(Self(Arc::new(Parts {
            algorithm,
            public_key,
            key,
            ds,
            xades: qualifier,
            method,
            signing_certificate,
            key_info,
            canonicalization: profile.xml.signed_info.clone(),
        })))
    }

    /// The algorithm it was made for.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm
    }
}

/// Letters, digits, `-`, `_` and `.`, beginning with a letter or `_`: an NCName without surprises.
fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Reads the document and works out what has to be signed.
///
/// Memory: a constant for detached signatures and for what is not XML; else the document and its tree. Time: one pass,
/// and a second one if XPath transforms or elements without Ids are asked for.
pub fn prepare(
    source: &dyn Source,
    profile: &Profile,
    template: &Template,
    shape: XmlShape,
    now: Time,
) -> Result<Pending, FormatError> {
    match shape {
        XmlShape::Enveloped => enveloped(source, profile, template, now),
        XmlShape::Enveloping => enveloping(source, profile, template, now),
        XmlShape::Detached => prepare_detached(source, profile, template, now, ["", ""]),
    }
}

/// A detached signature over all members of a source. `around`: elements that are put around it in its file, as in a
/// container's `asic:XAdESSignatures`; start tags and end tags.
pub fn prepare_detached(
    source: &dyn Source,
    profile: &Profile,
    template: &Template,
    now: Time,
    around: [&str; 2],
) -> Result<Pending, FormatError> {
    let id = profile.xml.id.clone().unwrap_or_else(|| FIRST_ID.to_owned());
    let entries = targets::of_members(source, profile)?;
    let layout = Layout::new(&template.0, id, entries, Content::None, now);
    let [open, close] = around;
    let context = Context { open: open.to_owned(), close: close.to_owned() };
    let digests = layout.digests_alone(&context, &Outside::files(Some(source)))?;
    let front = format!("{DECLARATION}{open}");
    layout.pending(
        &context,
        &digests,
        Encoding::Utf8,
        Frame {
            front: vec![Part::Bytes(front.into_bytes())],
            before: String::new(),
            after: close.to_owned(),
            back: Vec::new(),
        },
    )
}

/// What an XML document of ours begins with.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
/// The Id of a signature whose profile gives none, in a document without another.
const FIRST_ID: &str = "Signature-1";

fn enveloping(source: &dyn Source, profile: &Profile, template: &Template, now: Time) -> Result<Pending, FormatError> {
    only_one(source)?;
    let mut head = [0; 1024];
    let head = head.get_mut(..usize::try_from(source.len()).unwrap_or(usize::MAX).min(1024)).unwrap_or_default();
    source.read_exact_at(0, head)?;
    if super::looks_like_xml(head) {
        let bytes = whole(source, 0..source.len())?;
        // What is no XML after all goes in as base64, whatever it looked like.
        if let Ok(document) = Document::parse(&bytes) {
            return around_xml(source, &document, profile, template, now);
        }
    }
    let id = profile.xml.id.clone().unwrap_or_else(|| FIRST_ID.to_owned());
    let entries = vec![Entry::base64_object(&id)];
    let layout = Layout::new(&template.0, id, entries, Content::Base64, now);
    let context = Context::default();
    let digest = crypto::digest_source(template.0.algorithm.digest, source)?;
    let mut digests = vec![digest];
    digests.extend(layout.digests_of_properties(&context)?);
    layout.pending(
        &context,
        &digests,
        Encoding::Utf8,
        Frame {
            front: vec![Part::Bytes(DECLARATION.as_bytes().to_vec())],
            before: String::new(),
            after: String::new(),
            back: vec![Part::Base64(0..source.len())],
        },
    )
}

fn around_xml(
    source: &dyn Source,
    document: &Document<'_>,
    profile: &Profile,
    template: &Template,
    now: Time,
) -> Result<Pending, FormatError> {
    let id = targets::free_id(document, profile)?;
    let entries = targets::of_content(document, profile, &id)?;
    let layout = Layout::new(&template.0, id, entries, Content::Xml, now);
    let text = document.text();
    let start = place::declaration_end(text);
    let content = text.get(start..).unwrap_or_default();
    let combined = [&layout.text_until_content(&[], ""), content, &layout.text_after_content()].concat();
    let combined = Document::parse(combined.as_bytes())?;
    let digests = layout.digests_in(&combined, &Outside::default())?;
    let start = document.source_position(start) as u64;
    layout.pending(
        &Context::default(),
        &digests,
        document.encoding(),
        Frame {
            front: vec![Part::Slice(0..start)],
            before: String::new(),
            after: String::new(),
            back: vec![Part::Slice(start..source.len())],
        },
    )
}

fn enveloped(source: &dyn Source, profile: &Profile, template: &Template, now: Time) -> Result<Pending, FormatError> {
    only_one(source)?;
    let bytes = whole(source, 0..source.len())?;
    let document = Document::parse(&bytes)?;
    let id = targets::free_id(&document, profile)?;
    let place = Place::find(&document, profile, template.0.signing_certificate.is_some())?;
    for other in signature::find(&document)? {
        // One that cannot be read cannot be told to be broken by us.
        let covers = verify::check(&document, other, &Outside::default()).is_ok_and(|other| other.covers(place.parent));
        if covers {
            let sentence = "the document has a signature already, which another one inside of it would break";
            return Err(FormatError::document("already-signed", sentence));
        }
    }
    let (entries, mut edits) = targets::of_document(&document, profile, &id)?;
    let layout = Layout::new(&template.0, id, entries, Content::None, now);
    let context = Context::of(&document, &place);
    let [open, close] = place.around();

    let direct = if edits.is_empty() { targets::direct(&document, &layout, &place)? } else { None };
    let digests = match direct {
        Some(direct) => {
            let mut digests = Vec::with_capacity(direct.len() + 1);
            for Direct { set, method, made } in &direct {
                let made = made.as_ref().map(|made| made.insertion(place.parent));
                let mut hasher = Hasher::new(template.0.algorithm.digest);
                c14n::canonicalize_with(&document, set, method, made, &mut |piece| hasher.update(piece))?;
                digests.push(hasher.finish());
            }
            digests.extend(layout.digests_of_properties(&context)?);
            digests
        }
        None => {
            let skeleton = [open.as_str(), &layout.text(&[], ""), &close].concat();
            let mut all = edits.clone();
            all.push(Edit { at: place.at.clone(), text: skeleton });
            let text = place::edited(document.text(), all);
            let text = text.get(place::declaration_end(&text)..).unwrap_or_default();
            let combined = Document::parse(text.as_bytes())?;
            layout.digests_in(&combined, &Outside::default())?
        }
    };
    let here = edits.iter().filter(|edit| edit.at.start < place.at.start).count();
    let after = edits.split_off(here);
    let encoding = document.encoding();
    let slices = |edits: &[Edit], from: usize, to: usize| {
        let mut parts = Vec::new();
        let mut at = from;
        for edit in edits {
            parts.push(slice(&document, at, edit.at.start));
            parts.push(Part::Bytes(encoding.encode(&edit.text)));
            at = edit.at.end;
        }
        parts.push(slice(&document, at, to));
        parts
    };
    let front = slices(&edits, 0, place.at.start);
    let back = slices(&after, place.at.end, document.text().len());
    let frame = Frame { front, before: open, after: close, back };
    layout.pending(&context, &digests, encoding, frame)
}

fn slice(document: &Document<'_>, from: usize, to: usize) -> Part {
    Part::Slice(document.source_position(from) as u64..document.source_position(to) as u64)
}

fn only_one(source: &dyn Source) -> Result<(), FormatError> {
    match source.members().len() {
        1 => Ok(()),
        _ => {
            let sentence = "several documents can be signed together only by a detached signature or in a container";
            Err(FormatError::setup("several-documents", sentence))
        }
    }
}

/// What is around a signature in its file.
struct Frame {
    front: Vec<Part>,
    /// Elements made around the signature.
    before: String,
    after: String,
    back: Vec<Part>,
}

impl Layout<'_> {
    /// The digests of all references, found in a document that has the signature, without values, at its place.
    fn digests_in(&self, document: &Document<'_>, outside: &Outside<'_>) -> Result<Vec<Digest>, FormatError> {
        let IdFound::One(node) = document.find_id(self.id()) else {
            return Err(FormatError::document("xml-id", "the document has elements with the Ids of the signature"));
        };
        let signature = Signature::read(document, node)?;
        let mut digests = Vec::with_capacity(signature.references.len());
        for reference in &signature.references {
            let mut hasher = Hasher::new(self.algorithm().digest);
            let mut sink = |piece: &[u8]| hasher.update(piece);
            let nodes = reference::dereference(document, &signature, reference, outside, None, &mut sink)?;
            if nodes.is_some_and(|nodes| nodes.contains(signature.value_node)) {
                let sentence = "a reference of the profile covers the signature itself; \
                                it needs the transform enveloped-signature or an XPath filter";
                return Err(FormatError::setup("covers-itself", sentence));
            }
            digests.push(hasher.finish());
        }
        Ok(digests)
    }

    /// The digests of all references of a signature that is alone in its file.
    fn digests_alone(&self, context: &Context, outside: &Outside<'_>) -> Result<Vec<Digest>, FormatError> {
        let text = context.around(&self.text(&[], ""));
        self.digests_in(&Document::parse(text.as_bytes())?, outside)
    }

    /// The digest of the signed properties, if there are any.
    fn digests_of_properties(&self, context: &Context) -> Result<Option<Digest>, FormatError> {
        let Some(text) = self.text_with_properties_only() else { return Ok(None) };
        let text = context.around(&text);
        let document = Document::parse(text.as_bytes())?;
        let IdFound::One(node) = document.find_id(&self.properties_id()) else {
            return Err(FormatError::document("xml-id", "the document has elements with the Ids of the signature"));
        };
        let mut hasher = Hasher::new(self.algorithm().digest);
        transform::element(&document, node, self.canonicalization(), &mut |piece| hasher.update(piece))?;
        Ok(Some(hasher.finish()))
    }

    /// The signature that waits for its value, once all digests are known.
    fn pending(
        self,
        context: &Context,
        digests: &[Digest],
        encoding: Encoding,
        frame: Frame,
    ) -> Result<Pending, FormatError> {
        let digests: Vec<String> = digests.iter().map(xades::digest_text).collect();
        let text = context.around(&self.text_with_signed_info_only(&digests));
        let document = Document::parse(text.as_bytes())?;
        let signed_info = signature::find(&document)?.first().and_then(|node| document.first_child(*node));
        let set = NodeSet::subtree(&document, signed_info.unwrap_or(NodeId::ROOT));
        let algorithm = self.algorithm();
        let to_be_signed = if algorithm.scheme.signs_message() {
            let message = c14n::canonical_bytes(&document, &set, self.canonicalization())?;
            ToBeSigned::Message { algorithm, message }
        } else {
            let mut hasher = Hasher::new(algorithm.digest);
            c14n::canonicalize(&document, &set, self.canonicalization(), &mut |piece| hasher.update(piece))?;
            ToBeSigned::Digest { algorithm, digest: hasher.finish() }
        };
        let [before_value, after_value] = self.text_around_value(&digests);
        let Frame { mut front, before, after, back } = frame;
        let end = vec![Part::Bytes(encoding.encode(&[self.text_after_content(), after].concat()))];
        let back = if self.has_content() { [back, end] } else { [end, back] }.concat();
        front.push(Part::Bytes(encoding.encode(&[before, before_value].concat())));
        Ok(Pending { parts: self.into_parts(), to_be_signed, encoding, front, after_value, back })
    }
}

/// A signature that waits for its value.
#[derive(Debug)]
pub struct Pending {
    parts: Arc<Parts>,
    to_be_signed: ToBeSigned,
    encoding: Encoding,
    /// Everything in front of the value.
    front: Vec<Part>,
    /// What follows the value, up to the content of an enveloping signature.
    after_value: String,
    back: Vec<Part>,
}

impl Pending {
    /// The input for the token.
    pub fn to_be_signed(&self) -> &ToBeSigned {
        &self.to_be_signed
    }

    /// Makes sure that the value was made with the private key that belongs to the certificate, over these bytes.
    pub fn check(&self, value: &SignatureValue) -> Result<(), FormatError> {
        self.parts.public_key.verify(&self.to_be_signed, value).map_err(|_| {
            FormatError::WrongSignature("the value does not fit the signer's certificate and what was signed")
        })
    }

    /// The result, as a recipe over the document.
    pub fn finish(self, value: &SignatureValue) -> Result<Vec<Part>, FormatError> {
        let value = match (self.parts.algorithm.scheme, self.parts.key) {
            (Scheme::Ecdsa, KeyKind::Ec(curve)) => xades::base64(&plain_ecdsa(&value.0, curve.field_bytes())?),
            _ => xades::base64(&value.0),
        };
        let text = [value, self.after_value].concat();
        let mut parts: Vec<Part> = Vec::with_capacity(self.front.len() + self.back.len() + 1);
        let middle = std::iter::once(Part::Bytes(self.encoding.encode(&text)));
        for part in self.front.into_iter().chain(middle).chain(self.back) {
            match (parts.last_mut(), part) {
                (_, Part::Slice(range)) if range.is_empty() => {}
                (_, Part::Bytes(bytes)) if bytes.is_empty() => {}
                (Some(Part::Bytes(last)), Part::Bytes(bytes)) => last.extend_from_slice(&bytes),
                (_, part) => parts.push(part),
            }
        }
        Ok(parts)
    }
}

/// `SEQUENCE { r, s }` as r and s one after the other, each as long as the field (RFC 9231 section 2.3.6).
fn plain_ecdsa(value: &[u8], length: usize) -> Result<Vec<u8>, FormatError> {
    let wrong = || FormatError::WrongSignature("the value is no ECDSA signature");
    let mut pair = Reader::new(value).enter(TAG_SEQUENCE).map_err(|_| wrong())?;
    let mut plain = vec![0; 2 * length];
    for field in plain.chunks_exact_mut(length) {
        let number = pair.expect(TAG_INTEGER).map_err(|_| wrong())?.value;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        let start = length.checked_sub(number.len()).ok_or_else(wrong)?;
        field.get_mut(start..).unwrap_or_default().copy_from_slice(number);
    }
    Ok(plain)
}
