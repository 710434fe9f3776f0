//! The manifests of ASiC-E: `ASiCManifest` (EN 319 162-1 annex A.4), which CAdES signs, and the list of entries in the
//! style of ODF that stands beside XAdES.

use super::NAMESPACE;
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::xml::algorithms::{DS, digest_uri, hash_of};
use crate::xml::reference::uri_of;
use crate::xml::tree::Document;
use model::Digest;
use model::limits::ASIC_ENTRIES_MAX;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const ODF: &str = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0";
const OCTETS: &str = "application/octet-stream";

/// The manifest over these documents, which the CAdES signature with this name signs.
pub fn write(signature: &str, documents: &[(&str, Digest)]) -> String {
    let mut text = format!(
        "{DECLARATION}<asic:ASiCManifest xmlns:asic=\"{NAMESPACE}\" xmlns:ds=\"{DS}\"><asic:SigReference \
         URI=\"{}\" MimeType=\"application/pkcs7-signature\"/>",
        uri_of(signature)
    );
    for (name, digest) in documents {
        text += &format!(
            "<asic:DataObjectReference URI=\"{}\" MimeType=\"{OCTETS}\"><ds:DigestMethod Algorithm=\"{}\"/>\
             <ds:DigestValue>{}</ds:DigestValue></asic:DataObjectReference>",
            uri_of(name),
            digest_uri(digest.algorithm()),
            base64_simd::STANDARD.encode_to_string(digest.as_bytes()),
        );
    }
    text + "</asic:ASiCManifest>"
}

/// The list of entries.
pub fn write_list<'a>(container: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut text = format!("{DECLARATION}<manifest:manifest xmlns:manifest=\"{ODF}\" manifest:version=\"1.2\">");
    for (path, kind) in std::iter::once(("/", container)).chain(names.map(|name| (name, OCTETS))) {
        let path = path.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        text += &format!("<manifest:file-entry manifest:full-path=\"{path}\" manifest:media-type=\"{kind}\"/>");
    }
    text + "</manifest:manifest>"
}

/// What a manifest says.
pub struct Manifest {
    /// The URI of its signature.
    pub signature: String,
    /// The documents: URI, algorithm, digest.
    pub documents: Vec<(String, HashAlgorithm, Vec<u8>)>,
}

/// Reads one.
pub fn read(bytes: &[u8]) -> Result<Manifest, FormatError> {
    let wrong = || FormatError::document("asic-manifest", "a manifest of the container cannot be understood");
    let file = Document::parse(bytes)?;
    let root = file.root_element();
    if !file.name(root).is_some_and(|name| name.is(NAMESPACE, "ASiCManifest")) {
        return Err(wrong());
    }
    let uri = |node| file.attribute(node, "", "URI").map(str::to_owned).ok_or_else(wrong);
    let signature = uri(file.child_named(root, NAMESPACE, "SigReference").ok_or_else(wrong)?)?;
    let mut documents = Vec::new();
    for node in file.child_elements(root) {
        if !file.name(node).is_some_and(|name| name.is(NAMESPACE, "DataObjectReference")) {
            continue;
        }
        let method = file.child_named(node, DS, "DigestMethod").ok_or_else(wrong)?;
        let hash = file.attribute(method, "", "Algorithm").and_then(hash_of).ok_or_else(wrong)?;
        let value = file.child_named(node, DS, "DigestValue").ok_or_else(wrong)?;
        let text: String = file.string_value(value).split_ascii_whitespace().collect();
        let value = base64_simd::STANDARD.decode_to_vec(text.as_bytes()).map_err(|_| wrong())?;
        documents.push((uri(node)?, hash, value));
        if documents.len() > ASIC_ENTRIES_MAX {
            return Err(wrong());
        }
    }
    if documents.is_empty() { Err(wrong()) } else { Ok(Manifest { signature, documents }) }
}

/// The name in the container that a URI stands for: escapes are bytes (RFC 3986 section 2.1).
pub fn name_of(uri: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|digits| *first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        name.push(escaped.unwrap_or(*first));
        rest = tail.get(if escaped.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    name
}
