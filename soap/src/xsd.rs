//! The schema of a service, from the table: what every toolkit can read, nothing more. No attributes, no choice, no
//! anonymous types inside of types, lists without a bound of their own (the server's bounds stand in the words beside).

use crate::fault::{FAULT_ELEMENT, FaultDetail};
use crate::message::{Field, Kind, Message, Record};
use crate::table::{OPERATIONS, Operation, Service};
use quick_xml::escape::escape;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Name of the body's element that asks for an operation.
pub(crate) fn request_element(operation: &Operation) -> &'static str {
    match operation.service {
        Service::SecPki => operation.name,
        Service::SecSigner => operation.request.name,
    }
}

/// Name of the body's element that answers.
pub(crate) fn response_element(operation: &Operation) -> String {
    match operation.service {
        Service::SecPki => operation.response_name(),
        Service::SecSigner => operation.response.name.to_owned(),
    }
}

/// The operations of a service.
pub(crate) fn operations(service: Service) -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(move |operation| operation.service == service)
}

/// The schema as a document of its own.
pub fn schema(service: Service) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", element(service, ""))
}

/// The schema as an element, its lines indented.
pub(crate) fn element(service: Service, indent: &str) -> String {
    let mut schema = Schema { service, lines: Vec::new(), records: BTreeMap::new(), words: BTreeMap::new() };
    schema.all();
    schema.lines.iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{indent}{line}");
        text
    })
}

struct Schema {
    service: Service,
    lines: Vec<String>,
    records: BTreeMap<&'static str, &'static Record>,
    words: BTreeMap<String, &'static [&'static str]>,
}

impl Schema {
    fn all(&mut self) {
        let namespace = self.service.namespace();
        self.lines.push(format!(
            "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:t=\"{namespace}\" \
             targetNamespace=\"{namespace}\" elementFormDefault=\"qualified\">"
        ));
        for operation in operations(self.service) {
            let summary = format!("{} {}", operation.request.doc.trim(), operation.summary);
            self.message(request_element(operation), operation.request.fields, &summary, true);
            self.message(&response_element(operation), operation.response.fields, operation.response.doc.trim(), false);
        }
        self.message(FAULT_ELEMENT, FaultDetail::RECORD.fields, FaultDetail::RECORD.doc.trim(), false);
        self.named_records();
        for (name, words) in std::mem::take(&mut self.words) {
            self.lines.push(format!("  <xs:simpleType name=\"{name}\">"));
            self.lines.push("    <xs:restriction base=\"xs:string\">".to_owned());
            self.lines.extend(words.iter().map(|word| format!("      <xs:enumeration value=\"{word}\"/>")));
            self.lines.push("    </xs:restriction>".to_owned());
            self.lines.push("  </xs:simpleType>".to_owned());
        }
        self.lines.push("</xs:schema>".to_owned());
    }

    fn message(&mut self, name: &str, fields: &'static [Field], doc: &str, is_request: bool) {
        self.lines.push(format!("  <xs:element name=\"{name}\">"));
        self.documentation("    ", doc);
        self.lines.push("    <xs:complexType>".to_owned());
        self.sequence("      ", fields, is_request);
        self.lines.push("    </xs:complexType>".to_owned());
        self.lines.push("  </xs:element>".to_owned());
    }

    /// Records may have records of their own, which are found while they are written.
    fn named_records(&mut self) {
        let mut written: Vec<&str> = Vec::new();
        while let Some((name, record)) =
            self.records.iter().find(|(name, _)| !written.contains(*name)).map(|(name, record)| (*name, *record))
        {
            self.lines.push(format!("  <xs:complexType name=\"{name}\">"));
            self.documentation("    ", record.doc.trim());
            self.sequence("    ", record.fields, false);
            self.lines.push("  </xs:complexType>".to_owned());
            written.push(name);
        }
    }

    fn sequence(&mut self, indent: &str, fields: &'static [Field], is_request: bool) {
        self.lines.push(format!("{indent}<xs:sequence>"));
        for field in fields {
            let kind = self.kind(field, is_request);
            let min = if field.min == 0 { " minOccurs=\"0\"" } else { "" };
            let max = if field.is_list() { " maxOccurs=\"unbounded\"" } else { "" };
            let name = field.name;
            self.lines.push(format!("{indent}  <xs:element name=\"{name}\" type=\"{kind}\"{min}{max}>"));
            let bounds = bounds(field);
            self.documentation(&format!("{indent}    "), &format!("{}{bounds}", field.doc.trim()));
            self.lines.push(format!("{indent}  </xs:element>"));
        }
        self.lines.push(format!("{indent}</xs:sequence>"));
    }

    fn kind(&mut self, field: &'static Field, is_request: bool) -> String {
        let simple = match field.kind {
            Kind::Text(_) | Kind::Secret(_) => "xs:string",
            // What an answer may say can become more: an enumeration would make old clients fail.
            Kind::Word(words) if is_request => {
                let name = capitalised(field.name);
                self.words.insert(name.clone(), words);
                return format!("t:{name}");
            }
            Kind::Word(_) => "xs:string",
            Kind::Int(min, max) if i32::try_from(min).is_ok() && i32::try_from(max).is_ok() => "xs:int",
            Kind::Int(..) => "xs:long",
            Kind::Flag => "xs:boolean",
            Kind::Time => "xs:dateTime",
            Kind::Binary => "xs:base64Binary",
            Kind::Record(record) => {
                self.records.insert(record.name, record);
                return format!("t:{}", record.name);
            }
        };
        simple.to_owned()
    }

    fn documentation(&mut self, indent: &str, text: &str) {
        let text = escape(text);
        self.lines.push(format!("{indent}<xs:annotation><xs:documentation>{text}</xs:documentation></xs:annotation>"));
    }
}

fn bounds(field: &Field) -> String {
    let mut text = match field.kind {
        Kind::Text(max) | Kind::Secret(max) => format!(" At most {max} characters."),
        Kind::Int(min, max) => format!(" From {min} to {max}."),
        _ => String::new(),
    };
    if field.is_list() {
        let _ = write!(text, " At most {} of them.", field.max);
    }
    text
}

/// A name of a field as the name of a type.
pub(crate) fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}
