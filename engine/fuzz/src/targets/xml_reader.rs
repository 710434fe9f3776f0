//! Foreign bytes as an XML document: no panic, and what the tree says of bytes and kinship holds together.

use formats::xml::tree::{Document, NodeId, NodeKind};

pub(crate) fn run(source: &[u8]) {
    let Ok(document) = Document::parse(source) else { return };
    let text = document.text();
    let mut end = 0;
    for node in document.subtree(NodeId::ROOT) {
        let range = document.range(node);
        assert!(text.get(range.clone()).is_some());
        assert!(document.source_position(range.end) <= source.len());
        if let Some(parent) = document.parent(node) {
            let outer = document.range(parent);
            assert!(outer.start <= range.start && range.end <= outer.end && document.is_within(node, parent));
        }
        if let Some(next) = document.next_sibling(node) {
            assert!(document.previous_sibling(next) == Some(node) && document.range(next).start >= range.end);
        }
        if document.kind(node) == NodeKind::Element {
            assert!(text[document.start_tag(node)].ends_with('>'));
            let tag = document.end_tag(node);
            assert!(tag.is_none_or(|tag| text[tag.clone()].starts_with("</") && tag.end == range.end));
        }
        end += document.characters(node).len();
        let _ = (document.id_of(node), document.last_child(node), document.written_name(node));
    }
    assert!(end <= text.len());
    let _ = document.find_id("a");
}
