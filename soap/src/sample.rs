//! Requests that show how an operation is asked for: what stands in `clients/soap/samples`, and what the command line sends
//! with values of its own.

use crate::fault::Fault;
use crate::message::{Field, Kind};
use crate::read::Version;
use crate::table::{Operation, Service};
use crate::xsd::request_element;
use base64_simd::STANDARD;
use quick_xml::escape::escape;

/// How much a sample shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What has to be there, and what most callers want.
    Usual,
    /// Everything that may be there; lists with two elements.
    Everything,
}

/// A request for this operation with invented values.
pub fn request(operation: &Operation, version: Version, extent: Extent) -> String {
    let mut body = Body { lines: Vec::new(), extent };
    body.group(operation.request.fields, operation.name, 6);
    envelope(operation, version, &body.lines)
}

/// A request for this operation with these values for its fields, each as text; bytes as base64. A name that is there twice is
/// a list. `a.b` is the field `b` of the record `a`, of its last one if there are several and they have it already.
pub fn filled(operation: &Operation, version: Version, values: &[(&str, &str)]) -> Result<String, Fault> {
    let mut lines = Vec::new();
    for field in operation.request.fields {
        let own: Vec<(&str, &str)> = values
            .iter()
            .filter(|(name, _)| name.split_once('.').map_or(*name, |(name, _)| name) == field.name)
            .copied()
            .collect();
        match field.members() {
            None => lines.extend(own.iter().map(|(_, value)| line(6, field.name, value))),
            Some(members) => records(&mut lines, field, members, &own),
        }
    }
    let known = |name: &str| {
        let (name, member) = name.split_once('.').map_or((name, None), |(name, member)| (name, Some(member)));
        operation.request_field(name).is_some_and(|field| match (field.members(), member) {
            (Some(members), Some(member)) => members.iter().any(|field| field.name == member),
            (None, None) => true,
            _ => false,
        })
    };
    match values.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) => Err(Fault::client("unknown-element", format!("{} has no {name}", operation.name))),
        None => Ok(envelope(operation, version, &lines)),
    }
}

fn records(lines: &mut Vec<String>, field: &Field, members: &[Field], values: &[(&str, &str)]) {
    let mut groups: Vec<Vec<(&str, &str)>> = Vec::new();
    for (name, value) in values {
        let member = name.split_once('.').map_or("", |(_, member)| member);
        match groups.last_mut() {
            Some(group) if !group.iter().any(|(known, _)| *known == member) => group.push((member, value)),
            _ => groups.push(vec![(member, value)]),
        }
    }
    for group in groups {
        lines.push(format!("      <{}>", field.name));
        for member in members {
            let value = group.iter().find(|(name, _)| *name == member.name);
            lines.extend(value.map(|(_, value)| line(8, member.name, value)));
        }
        lines.push(format!("      </{}>", field.name));
    }
}

fn line(indent: usize, name: &str, value: &str) -> String {
    format!("{:indent$}<{name}>{}</{name}>", "", escape(value).replace('\r', "&#13;"))
}

fn envelope(operation: &Operation, version: Version, lines: &[String]) -> String {
    let (soap, namespace, element) = (version.namespace(), operation.service.namespace(), request_element(operation));
    // An element whose content is nothing may not even have a line end in it.
    let (open, close) = if lines.is_empty() {
        (format!("<{element} xmlns=\"{namespace}\"/>\n"), String::new())
    } else {
        (format!("<{element} xmlns=\"{namespace}\">\n"), format!("    </{element}>\n"))
    };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"{soap}\">\n  <soap:Body>\n    {open}"
    );
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&format!("{close}  </soap:Body>\n</soap:Envelope>\n"));
    text
}

struct Body {
    lines: Vec<String>,
    extent: Extent,
}

impl Body {
    fn group(&mut self, fields: &[Field], operation: &str, indent: usize) {
        for field in fields {
            let count = match self.extent {
                Extent::Everything if field.is_list() => 2,
                Extent::Everything => 1,
                Extent::Usual if field.min > 0 || is_usual(operation, field.name) => 1,
                Extent::Usual => 0,
            };
            for index in 0..count {
                match field.members() {
                    Some(members) => {
                        self.lines.push(format!("{:indent$}<{}>", "", field.name));
                        self.group(members, operation, indent + 2);
                        self.lines.push(format!("{:indent$}</{}>", "", field.name));
                    }
                    None => self.lines.push(line(indent, field.name, &value(field, index))),
                }
            }
        }
    }
}

/// What is not needed and yet stands in nearly every request.
fn is_usual(operation: &str, field: &str) -> bool {
    matches!(
        (operation, field),
        (_, "documentName" | "idempotencyKey" | "text" | "reference" | "DocumentFileName" | "DocumentType")
            | ("verify", "document" | "signature" | "reportForm" | "Document" | "Signature")
            | ("sign", "Document")
            | ("timestamp", "document")
            | ("createUser", "password" | "displayName" | "groups")
            | ("changeUser", "locked")
            | ("createGroup", "role")
            | ("grantRight" | "revokeRight", "objectName")
            | ("resizeTokenPool", "token" | "sessions")
            | ("archiveSearch" | "archiveSubmit", "metadata")
            | ("requestAuthSession", "serviceName" | "serviceAddress" | "browserIpAddr")
    )
}

fn value(field: &Field, index: usize) -> String {
    let named = match field.name {
        "document" | "Document" => Some("SGVsbG8sIHNlYWxtaWxsLgo="),
        "documentName" | "DocumentFileName" => Some("hello.txt"),
        "mimeType" | "MimeType" => Some("text/plain"),
        "profile" => Some("documents"),
        "digest" => Some("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        "idempotencyKey" => Some("hello-2026-11-27-1"),
        "reference" => Some("hello-1"),
        "text" => Some("Is anybody there?"),
        "userName" | "userID" => Some("ilse"),
        "groupName" | "groups" => Some("accounting"),
        "displayName" => Some("Ilse M\u{fc}ller"),
        "password" => Some("a long and secret sentence"),
        "role" => Some("signing-application"),
        "function" => Some("sign"),
        "objectName" => Some("documents"),
        "token" => Some("card-1"),
        "archive" => Some("records"),
        "serviceName" => Some("Portal"),
        "serviceAddress" => Some("https://portal.example/"),
        "browserIpAddr" => Some("192.0.2.1"),
        "reason" => Some("Approved"),
        "name" => Some("reason"),
        "value" => Some("Approved"),
        "fingerprint" => Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        _ => None,
    };
    match (named, field.kind) {
        (Some(text), Kind::Text(_) | Kind::Secret(_) | Kind::Binary) => text.to_owned(),
        (_, Kind::Text(_) | Kind::Secret(_)) => format!("{}-{}", field.name, index + 1),
        (_, Kind::Word(words)) => words.first().copied().unwrap_or_default().to_owned(),
        (_, Kind::Int(min, max)) => 4.clamp(min, max).to_string(),
        (_, Kind::Flag) => "true".to_owned(),
        (_, Kind::Time) => "2026-11-27T12:00:00Z".to_owned(),
        (_, Kind::Binary) => STANDARD.encode_to_string(format!("{} {}", field.name, index + 1)),
        (_, Kind::Record(_)) => String::new(),
    }
}

/// The name of the file with the sample of an operation.
pub fn file_name(operation: &Operation) -> String {
    match operation.service {
        Service::SecPki => format!("{}.xml", operation.name),
        Service::SecSigner => format!("secsigner-{}.xml", operation.name),
    }
}
