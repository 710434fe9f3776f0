//! Foreign bytes as an XML document that is made canonical: no panic, and what is canonical already stays as it is.

use formats::xml::c14n::{NodeSet, canonical_bytes};
use formats::xml::tree::{Document, NodeId};
use model::profile::{CanonicalVersion, Canonicalization};

pub(crate) fn run(source: &[u8]) {
    let Ok(document) = Document::parse(source) else { return };
    for version in [CanonicalVersion::V1_0, CanonicalVersion::V1_1, CanonicalVersion::Exclusive] {
        let inclusive_prefixes = vec!["#default".to_owned(), "a".to_owned()];
        let method = Canonicalization { version, comments: true, inclusive_prefixes };
        let Ok(bytes) = canonical_bytes(&document, &NodeSet::document(&document), &method) else { return };
        let again = Document::parse(&bytes).unwrap();
        assert_eq!(canonical_bytes(&again, &NodeSet::document(&again), &method).unwrap(), bytes);
        // Any part of it, and the document without that part.
        if let Some(part) = document.subtree(NodeId::ROOT).nth(usize::from(source[0])) {
            let inside = canonical_bytes(&document, &NodeSet::subtree(&document, part), &method);
            let mut others = NodeSet::document(&document);
            others.remove_subtree(&document, part);
            assert!(inside.is_ok() && canonical_bytes(&document, &others, &method).is_ok());
        }
    }
}
