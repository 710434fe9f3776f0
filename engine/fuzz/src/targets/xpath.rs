//! A foreign expression, up to the first line end, over a foreign document: no panic, within the bounds of work.

use formats::xml::c14n::{NodeSet, canonical_bytes};
use formats::xml::tree::{Document, NodeId};
use formats::xml::xpath::{Expression, filter, filter2};
use model::profile::{Canonicalization, XPathFilter};

const SMALL: &[u8] = b"<a xmlns='u:a' xmlns:b='u:b' Id='1'><b:c b:d='2'>3<!--4--></b:c><?e 5?><a xml:lang='de'/></a>";

pub(crate) fn run(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(text), source) = (parts.next(), parts.next().unwrap_or_default()) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let namespaces = [("a", "u:a"), ("b", "u:b")].map(|(prefix, uri)| (prefix.to_owned(), uri.to_owned()));
    let Ok(expression) = Expression::parse(text, &namespaces) else { return };
    // Long ones have work for seconds within their bounds.
    let Ok(document) = Document::parse(&source[..source.len().min(600)]).or_else(|_| Document::parse(SMALL)) else {
        return;
    };
    let root = document.root_element();
    let _ = expression.evaluate(&document, root, Some(root));
    let all = || NodeSet::document(&document);
    let chosen = filter(&expression, &document, all(), Some(root));
    let steps = [(XPathFilter::Intersect, expression.clone()), (XPathFilter::Subtract, expression)];
    let nothing = filter2(&steps, &document, all(), Some(NodeId::ROOT));
    assert!(nothing.is_err() || nothing.is_ok_and(|set| set.is_empty()));
    if let Ok(chosen) = chosen {
        let _ = canonical_bytes(&document, &chosen, &Canonicalization::default());
    }
}
