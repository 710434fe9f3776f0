//! XML signatures: reading XML into a compact tree, canonical XML, XPath, XML-DSig 1.1 and XAdES (EN 319 132-1).
//!
//! Never loads anything a document points to, and refuses document type declarations.

pub mod algorithms;
pub mod c14n;
pub mod encoding;
pub mod lift;
pub mod reader;
pub mod reference;
pub mod sign;
pub mod signature;
pub(crate) mod transform;
pub mod tree;
pub mod verify;
mod xades;
pub mod xpath;

/// Whether these first bytes of a document may be XML: a `<` behind a byte-order mark and white space.
pub fn looks_like_xml(head: &[u8]) -> bool {
    match head {
        [0xFE, 0xFF, 0, b'<', ..] | [0xFF, 0xFE, b'<', 0, ..] => true,
        [0xEF, 0xBB, 0xBF, text @ ..] | text => text.trim_ascii_start().first() == Some(&b'<'),
    }
}
