//! Made-up XML documents: namespaces declared, declared again and undeclared, odd white space, references, attributes of
//! the `xml` namespace, comments and instructions everywhere.

use proptest::prelude::*;

const PREFIXES: [&str; 4] = ["a", "b", "ä", "z-1"];
/// None with an `&`: libxml2 2.9 writes that of a namespace as it is, which is not even well-formed.
const NAMESPACES: [&str; 4] = ["urn:x:1", "http://example.org/ns?a=1#b", "urn:x:2", "http://example.org/&#x7E;a"];

/// A whole document, sometimes in UTF-16 or ISO-8859-1.
pub(crate) fn document() -> impl Strategy<Value = Vec<u8>> {
    let around = prop::collection::vec(prop_oneof![Just("\n".to_owned()), Just(" \r\n\t".to_owned()), aside()], 0..3);
    let declaration = prop_oneof![
        3 => Just(""),
        1 => Just("<?xml version='1.0'?>"),
        1 => Just("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes' ?>\r\n"),
    ];
    let parts = (declaration, around.clone(), element(), around, 0..8_u8);
    parts.prop_map(|(declaration, before, root, after, encoding)| {
        let (before, after) = (before.concat(), after.concat());
        let body = root.write(&Vec::new());
        let text = format!("{declaration}{before}{body}{after}");
        match encoding {
            0 if declaration.is_empty() => {
                std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
            }
            1 if declaration.is_empty() && text.chars().all(|letter| u32::from(letter) < 256) => {
                let declaration = b"<?xml version='1.0' encoding='ISO-8859-1'?>".to_vec();
                let latin = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap());
                declaration.into_iter().chain(latin).collect()
            }
            2 if declaration.is_empty() => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            _ => text.into_bytes(),
        }
    })
}

/// An element before its prefixes are known to be declared.
#[derive(Clone, Debug)]
struct Element {
    prefix: usize,
    local: &'static str,
    /// Prefix (or none) and namespace; the last one of `NAMESPACES` and one more, which is none.
    declarations: Vec<(usize, usize)>,
    attributes: Vec<(usize, &'static str, String)>,
    blank: &'static str,
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
enum Child {
    Element(Element),
    Text(String),
}

fn element() -> impl Strategy<Value = Element> {
    tag().prop_recursive(5, 24, 4, |inner| {
        let child = prop_oneof![
            3 => inner.prop_map(Child::Element),
            2 => text().prop_map(Child::Text),
            1 => aside().prop_map(Child::Text),
        ];
        (tag(), prop::collection::vec(child, 0..5)).prop_map(|(element, children)| Element { children, ..element })
    })
}

fn tag() -> impl Strategy<Value = Element> {
    let declarations = prop::collection::vec((0..=PREFIXES.len(), 0..=NAMESPACES.len()), 0..4);
    let local = prop::sample::select(vec!["e", "Element", "x.y", "_", "größe", "Id"]);
    let attributes = prop::collection::vec((0..PREFIXES.len() + 2, local.clone(), value()), 0..4);
    let blank = prop::sample::select(vec![" ", "\n  ", "\t", " \r\n"]);
    (0..=PREFIXES.len(), local, declarations, attributes, blank).prop_map(
        |(prefix, local, declarations, attributes, blank)| Element {
            prefix,
            local,
            declarations,
            attributes,
            blank,
            children: Vec::new(),
        },
    )
}

/// Characters and references that canonical XML writes in a way of their own, and usual ones.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "text ",
        "  ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "&#xD;",
        "&#10;",
        "&#9;",
        "&#x20;",
        "&amp;",
        "&lt;",
        "&gt;",
        "&quot;",
        "&apos;",
        "'",
        ">",
        "ä",
        "€",
        "&#x1F600;",
        "😀",
        "]]",
        "&#0065;",
        "/",
        "\u{85}",
        "\u{2028}",
    ])
}

fn value() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..5).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    let cdata = prop::sample::select(vec![
        "<![CDATA[]]>",
        "<![CDATA[ <a>&amp;</a> ]]>",
        "<![CDATA[\r\n]]>",
        "<![CDATA[]] >]]>",
        "<![CDATA[ä]]>",
    ]);
    let piece = prop_oneof![4 => piece(), 1 => cdata];
    // A piece that ends in ]] and one that begins with > are one mark that cannot be in text.
    prop::collection::vec(piece, 0..6)
        .prop_map(|pieces| pieces.concat())
        .prop_map(|text| if well_cut(&text) { text } else { "cut".to_owned() })
}

/// Whether every `]]>` ends a CDATA section.
fn well_cut(text: &str) -> bool {
    let mut rest = text;
    loop {
        match (rest.find("<![CDATA["), rest.find("]]>")) {
            (Some(start), Some(end)) if start < end => {
                let inside = &rest[start..];
                let Some(end) = inside.find("]]>") else { return false };
                rest = &inside[end + 3..];
            }
            (_, None) => return true,
            _ => return false,
        }
    }
}

/// A comment or an instruction.
fn aside() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "<!---->",
        "<!-- c\r\nd & <e> -->",
        "<!--ä-->",
        "<?p?>",
        "<?p  data\r\n with ?? > ?>",
        "<?xml-stylesheet href='x'?>",
        "<?größe ä ?>",
    ])
    .prop_map(str::to_owned)
}

impl Element {
    /// Writes the element; what is not declared is declared here.
    fn write(&self, outside: &[(String, String)]) -> String {
        let mut scope: Vec<(String, String)> = outside.to_vec();
        let mut tag = String::new();
        let mut declared: Vec<String> = Vec::new();
        for (prefix, namespace) in &self.declarations {
            let prefix = PREFIXES.get(*prefix).copied().unwrap_or("");
            let namespace = NAMESPACES.get(*namespace).copied().unwrap_or("");
            if declared.iter().any(|known| known == prefix) || namespace.is_empty() && !prefix.is_empty() {
                continue;
            }
            declare(&mut scope, &mut declared, &mut tag, self.blank, prefix, namespace);
        }
        let name = |prefix: &str, local: &str| match prefix {
            "" => local.to_owned(),
            prefix => format!("{prefix}:{local}"),
        };
        let prefix = PREFIXES.get(self.prefix).copied().unwrap_or("");
        if !prefix.is_empty() && !scope.iter().any(|(known, _)| known == prefix) {
            declare(&mut scope, &mut declared, &mut tag, self.blank, prefix, NAMESPACES[0]);
        }
        let mut seen: Vec<(String, String)> = Vec::new();
        for (at, local, value) in &self.attributes {
            let (prefix, local) = match PREFIXES.get(*at) {
                Some(prefix) => (*prefix, *local),
                None if *at == PREFIXES.len() => ("", *local),
                None => ("xml", ["lang", "space", "base", "id"][local.len() % 4]),
            };
            let namespace = match scope.iter().find(|(known, _)| known == prefix) {
                _ if prefix.is_empty() || prefix == "xml" => prefix.to_owned(),
                Some((_, namespace)) => namespace.clone(),
                None => continue,
            };
            let key = (namespace, local.to_owned());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let value = match local {
                "space" if prefix == "xml" => "preserve".to_owned(),
                "id" if prefix == "xml" => "i".to_owned(),
                "lang" if prefix == "xml" => "de".to_owned(),
                // xmllint drops an empty one from Canonical XML 1.1 wherever it is.
                "base" if prefix == "xml" => format!("b{value}"),
                _ => value.clone(),
            };
            let quoted = if value.contains('\'') { format!("\"{value}\"") } else { format!("'{value}'") };
            tag.push_str(&format!("{}{} = {quoted}", self.blank, name(prefix, local)));
        }
        let name = name(prefix, self.local);
        if self.children.is_empty() {
            return format!("<{name}{tag}{}/>", self.blank);
        }
        let children = self.children.iter().map(|child| match child {
            Child::Element(element) => element.write(&scope),
            Child::Text(text) => text.clone(),
        });
        // Text that ends in ]] before text that begins with > is cut.
        let children: Vec<String> = children.collect();
        let inside = children.join("<!--|-->");
        format!("<{name}{tag}>{inside}</{name}{}>", self.blank)
    }
}

fn declare(
    scope: &mut Vec<(String, String)>,
    declared: &mut Vec<String>,
    tag: &mut String,
    blank: &str,
    prefix: &str,
    namespace: &str,
) {
    scope.retain(|(known, _)| known != prefix);
    scope.push((prefix.to_owned(), namespace.to_owned()));
    declared.push(prefix.to_owned());
    let colon = if prefix.is_empty() { "" } else { ":" };
    tag.push_str(&format!("{blank}xmlns{colon}{prefix}='{namespace}'"));
}
