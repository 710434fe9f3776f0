//! What a reference points to, and the octets that its transforms make of it (XML-DSig 1.1 section 4.4.3).
//!
//! Never fetches anything: what is outside of the document is found among the files that came with it, or not at all.

use super::algorithms::DEFAULT_CANONICALIZATION;
use super::c14n::NodeSet;
use super::signature::{Reference, Signature, Step, malformed};
use super::transform::{Chain, Data, NOT_INSIDE};
use super::tree::{Document, IdFound, NodeId};
use crate::prepare::FormatError;
use crate::source::Source;
use model::profile::Canonicalization;
use std::ops::Range;

/// What was given beside a signed document.
#[derive(Clone, Copy, Default)]
pub struct Outside<'a> {
    /// The files that a signature may name.
    pub files: Option<&'a dyn Source>,
    /// Certificates of signers who did not bring theirs, DER.
    pub certificates: &'a [Vec<u8>],
}

impl<'a> Outside<'a> {
    /// With these files only.
    pub fn files(files: Option<&'a dyn Source>) -> Self {
        Self { files, certificates: &[] }
    }

    /// The file that a reference means. `alone`: it is the only one that is outside, so that a single file must be it,
    /// whatever it is called by now.
    fn find(&self, uri: Option<&str>, alone: bool) -> Result<(&'a dyn Source, Range<u64>), FormatError> {
        let shown: String = uri.unwrap_or("without a name").chars().take(120).collect();
        let Some(files) = self.files else {
            let sentence = format!("the signature is detached: the document that was signed ({shown}) is needed, too");
            return Err(FormatError::document("original-missing", sentence));
        };
        let members = files.members();
        let decoded = uri.map(percent_decoded);
        let named = members.iter().find(|member| match (&member.name, uri, &decoded) {
            (Some(name), Some(uri), Some(decoded)) => name == uri || name.as_bytes() == decoded,
            _ => false,
        });
        match (named, &members[..]) {
            (Some(member), _) => Ok((files, member.range.clone())),
            (None, [single]) if alone => Ok((files, single.range.clone())),
            _ => {
                let sentence = format!("the signature is over a file that is not there: {shown}");
                Err(FormatError::document("original-missing", sentence))
            }
        }
    }
}

/// Gives the octets that a reference stands for to `sink`. `fallback`: how nodes become octets where no transform says
/// so. Gives the nodes of the signature's own document that they were made of.
pub fn dereference<'d>(
    document: &'d Document<'d>,
    signature: &Signature,
    reference: &Reference,
    outside: &Outside<'d>,
    fallback: Option<&Canonicalization>,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Option<NodeSet>, FormatError> {
    let is_outside = |other: &&Reference| leads_outside(other.uri.as_deref());
    let alone = signature.references.iter().filter(is_outside).count() == 1;
    let uri = reference.uri.as_deref();
    let origin = Origin { signature: signature.node, uri, outside, alone, enveloped_anywhere: false };
    origin.dereference(document, &reference.transforms, fallback, sink)
}

/// Where a reference stands and leads, without the rest of its signature.
pub(crate) struct Origin<'a, 'r> {
    /// The signature that it is in.
    pub(crate) signature: NodeId,
    /// What it points to.
    pub(crate) uri: Option<&'r str>,
    /// What was given beside the document.
    pub(crate) outside: &'r Outside<'a>,
    /// No other reference leads out of the document, so that a single file must be what it means.
    pub(crate) alone: bool,
    /// The enveloped-signature transform may be there although the signature is not inside of what it signs.
    pub(crate) enveloped_anywhere: bool,
}

impl<'a> Origin<'a, '_> {
    /// See [`dereference`].
    pub(crate) fn dereference(
        &self,
        document: &'a Document<'a>,
        transforms: &[Step],
        fallback: Option<&Canonicalization>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<NodeSet>, FormatError> {
        let data = self.resolve(document, transforms)?;
        let chain = Chain { signature: self.signature, fallback: fallback.unwrap_or(&DEFAULT_CANONICALIZATION) };
        chain.run(data, transforms, sink)
    }

    fn resolve(&self, document: &'a Document<'a>, transforms: &[Step]) -> Result<Data<'a>, FormatError> {
        let Some(Fragment { comments, .. }) = self.uri.and_then(fragment) else {
            let (files, range) = self.outside.find(self.uri, self.alone)?;
            return Ok(Data::Octets(files, range));
        };
        let top = target_of(document, self.uri)?.unwrap_or(NodeId::ROOT);
        // Looked at before a filter takes it out, which may come first.
        let enveloped = transforms.iter().any(|step| matches!(step, Step::Enveloped));
        let anywhere = self.enveloped_anywhere;
        if enveloped
            && !anywhere
            && !document.is_within(self.signature, top)
            && !document.is_within(top, self.signature)
        {
            return Err(malformed(NOT_INSIDE));
        }
        let mut set = NodeSet::subtree(document, top);
        if !comments {
            set.remove_comments(document);
        }
        Ok(Data::Nodes { document, set, home: true })
    }
}

/// Whether a reference leads out of the document that it stands in.
pub(crate) fn leads_outside(uri: Option<&str>) -> bool {
    uri.and_then(fragment).is_none()
}

/// The element of the same document that a reference points to; the root node for the whole document.
pub fn target(document: &Document<'_>, reference: &Reference) -> Result<Option<NodeId>, FormatError> {
    target_of(document, reference.uri.as_deref())
}

/// As [`target`], by the URI of the reference.
pub(crate) fn target_of(document: &Document<'_>, uri: Option<&str>) -> Result<Option<NodeId>, FormatError> {
    Ok(match uri.and_then(fragment) {
        None => None,
        Some(Fragment { id: None, .. }) => Some(NodeId::ROOT),
        Some(Fragment { id: Some(id), .. }) => Some(element(document, id)?),
    })
}

fn element(document: &Document<'_>, id: &str) -> Result<NodeId, FormatError> {
    let shown: String = id.chars().take(120).collect();
    match document.find_id(id) {
        IdFound::One(node) => Ok(node),
        IdFound::None => Err(malformed(&format!("nothing in the file has the Id \"{shown}\" that was signed"))),
        IdFound::Several => Err(malformed(&format!("several elements have the Id \"{shown}\" that was signed"))),
    }
}

/// The Id that a reference into the same document looks for.
pub(crate) fn id_of(uri: &str) -> Option<&str> {
    fragment(uri)?.id
}

/// A reference into the same document.
struct Fragment<'u> {
    /// `None`: the whole document.
    id: Option<&'u str>,
    /// Comments are part of it.
    comments: bool,
}

/// Reads `""`, `#id`, `#xpointer(/)` and `#xpointer(id('…'))`. `None`: the reference leads out of the document.
fn fragment(uri: &str) -> Option<Fragment<'_>> {
    if uri.is_empty() {
        return Some(Fragment { id: None, comments: false });
    }
    let fragment = uri.strip_prefix('#')?;
    let Some(pointer) = fragment.strip_prefix("xpointer(").and_then(|rest| rest.strip_suffix(')')) else {
        return Some(Fragment { id: Some(fragment), comments: false });
    };
    let quoted = pointer.strip_prefix("id(").and_then(|rest| rest.strip_suffix(')'));
    let id = quoted.and_then(|quoted| {
        let single = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        single.or_else(|| quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')))
    });
    match (pointer, id) {
        ("/", _) => Some(Fragment { id: None, comments: true }),
        // An expression of another kind names no element, so that looking it up says what is wrong.
        (_, None) => Some(Fragment { id: Some(fragment), comments: false }),
        (_, Some(id)) => Some(Fragment { id: Some(id), comments: true }),
    }
}

/// A file name as a relative URI (RFC 3986).
///
/// ```
/// assert_eq!(formats::xml::reference::uri_of("Rechnung 7 für Köln.pdf"), "Rechnung%207%20f%C3%BCr%20K%C3%B6ln.pdf");
/// ```
pub fn uri_of(name: &str) -> String {
    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The octets that a URI stands for.
pub(crate) fn percent_decoded(uri: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
