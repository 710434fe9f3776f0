//! Bounds of the reader.

use formats::xml::tree::Document;
use model::limits::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_NAME_BYTES_MAX};
use std::fmt::Write;

fn refusal(source: &str) -> &'static str {
    Document::parse(source.as_bytes()).map_or_else(|error| error.code, |_| "accepted")
}

#[test]
fn what_is_beyond_a_bound_is_refused() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert_eq!((refusal(&nested(XML_DEPTH_MAX)), refusal(&nested(XML_DEPTH_MAX + 1))), ("accepted", "xml-limit"));
    let attributes = |count: usize| {
        let all = (0..count).fold(String::new(), |mut all, number| {
            write!(all, " a{number}=''").unwrap();
            all
        });
        format!("<a{all}/>")
    };
    let most = (refusal(&attributes(XML_ATTRIBUTES_MAX)), refusal(&attributes(XML_ATTRIBUTES_MAX + 1)));
    assert_eq!(most, ("accepted", "xml-limit"));
    let named = |length: usize| format!("<{}/>", "n".repeat(length));
    assert_eq!(
        (refusal(&named(XML_NAME_BYTES_MAX)), refusal(&named(XML_NAME_BYTES_MAX + 1))),
        ("accepted", "xml-limit")
    );
    assert_eq!(refusal("<!DOCTYPE a><a/>"), "xml-doctype");
    let error = Document::parse("<a>\n ä <b></c></a>".as_bytes()).unwrap_err();
    assert_eq!((error.line, error.column), (2, 7), "{error}");
}
