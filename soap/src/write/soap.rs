//! Answers and faults in an envelope.

use super::{Answer, Encode, Piece, Reply, WriteError};
use crate::content::Content;
use crate::dialect::answer_parameter;
use crate::fault::{EnvelopeCode, FAULT_ELEMENT, Fault, Who};
use crate::read::envelope::{SOAP11, SOAP12, XOP};
use crate::read::unicode::is_permitted;
use crate::read::{Contents, Form, Shape, Version};
use crate::table::Service;
use crate::value::CONTENT_MARK;
use quick_xml::escape::escape;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher, RandomState};

const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";

pub(super) fn answer(form: &Form, reply: &Reply) -> Result<Answer, WriteError> {
    let xml = reply.body.xml()?;
    let inner = clean(inside(&xml));
    let (open, close) = element(form, reply.body.as_ref());
    let envelope = form.version.namespace();
    let start = format!("{DECLARATION}<soap:Envelope xmlns:soap=\"{envelope}\"><soap:Body>{open}");
    let end = format!("{close}</soap:Body></soap:Envelope>");

    let has_attachments = form.mtom && !reply.contents.is_empty();
    let mut body = Body { contents: &reply.contents, attached: has_attachments.then(Vec::new), pieces: Vec::new() };
    body.text(&start);
    body.inner(&inner)?;
    body.text(&end);
    let Body { attached, pieces, .. } = body;
    Ok(match attached {
        None => Answer::new(200, content_type(form.version), pieces),
        Some(attached) => with_attachments(form.version, pieces, attached),
    })
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

fn content_type(version: Version) -> &'static str {
    match version {
        Version::Soap11 => "text/xml; charset=utf-8",
        Version::Soap12 => "application/soap+xml; charset=utf-8",
    }
}

/// The tags around the fields of an answer.
fn element(form: &Form, body: &dyn Encode) -> (String, String) {
    let operation = form.operation;
    let namespace = match operation.service {
        Service::SecPki => Cow::Borrowed(operation.service.namespace()),
        // The component's clients may have another; they get back what they use.
        Service::SecSigner => escape(form.namespace.as_str()),
    };
    match &form.shape {
        Shape::Wrapped | Shape::Json => {
            let name = operation.response_name();
            (format!("<{name} xmlns=\"{namespace}\">"), format!("</{name}>"))
        }
        Shape::Bare => {
            let name = body.record().name;
            (format!("<{name} xmlns=\"{namespace}\">"), format!("</{name}>"))
        }
        Shape::Parameter(parameter) => {
            let (name, parameter) = (operation.response_name(), answer_parameter(parameter));
            (format!("<ns1:{name} xmlns:ns1=\"{namespace}\"><{parameter}>"), format!("</{parameter}></ns1:{name}>"))
        }
    }
}

/// What stands between the outermost tags.
fn inside(xml: &str) -> &str {
    let start = xml.find('>').map_or(xml.len(), |at| at + 1);
    let end = xml.rfind("</").unwrap_or(start);
    xml.get(start..end).unwrap_or_default()
}

/// Certificates may have characters in their names that XML forbids, and a carriage return would be lost.
pub(super) fn clean(xml: &str) -> Cow<'_, str> {
    if xml.chars().all(|character| character != '\r' && is_permitted(character)) {
        return Cow::Borrowed(xml);
    }
    let mut clean = String::with_capacity(xml.len());
    for character in xml.chars() {
        match character {
            '\r' => clean.push_str("&#13;"),
            character if is_permitted(character) => clean.push(character),
            _ => clean.push(char::REPLACEMENT_CHARACTER),
        }
    }
    Cow::Owned(clean)
}

struct Body<'b> {
    contents: &'b Contents,
    /// Contents that become attachments; `None`: they stand in the text.
    attached: Option<Vec<Content>>,
    pieces: Vec<Piece>,
}

impl Body<'_> {
    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Bytes(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ => self.pieces.push(Piece::Bytes(text.as_bytes().to_vec())),
        }
    }

    /// Puts contents where the marks are.
    fn inner(&mut self, mut xml: &str) -> Result<(), WriteError> {
        while let Some((before, rest)) = xml.split_once("<?") {
            let (mark, after) = rest.split_once("?>").ok_or(WriteError::NoContent)?;
            let number = mark.strip_prefix(CONTENT_MARK).and_then(|number| number.trim().parse().ok());
            let content = number.and_then(|number| self.contents.get(crate::value::BinaryRef(number)));
            let content = content.ok_or(WriteError::NoContent)?.clone();
            self.text(before);
            match &mut self.attached {
                None => self.pieces.push(Piece::Base64(content)),
                Some(attached) => {
                    attached.push(content);
                    let include = format!("<xop:Include xmlns:xop=\"{XOP}\" href=\"cid:{}@answer\"/>", attached.len());
                    self.text(&include);
                }
            }
            xml = after;
        }
        self.text(xml);
        Ok(())
    }
}

fn with_attachments(version: Version, envelope: Vec<Piece>, attached: Vec<Content>) -> Answer {
    // Nobody who supplies a document can know it.
    let random = || RandomState::new().build_hasher().finish();
    let boundary = format!("part-{:016x}{:016x}", random(), random());
    let kind = match version {
        Version::Soap11 => "text/xml",
        Version::Soap12 => "application/soap+xml",
    };
    let root = format!(
        "--{boundary}\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"{kind}\"\r\n\
         Content-Transfer-Encoding: binary\r\nContent-ID: <root@answer>\r\n\r\n"
    );
    let mut pieces = vec![Piece::Bytes(root.into_bytes())];
    pieces.extend(envelope);
    for (index, content) in attached.into_iter().enumerate() {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: <{}@answer>\r\n\r\n",
            index + 1
        );
        pieces.push(Piece::Bytes(head.into_bytes()));
        pieces.push(Piece::Raw(content));
    }
    pieces.push(Piece::Bytes(format!("\r\n--{boundary}--\r\n").into_bytes()));
    let content_type = format!(
        "multipart/related; type=\"application/xop+xml\"; boundary=\"{boundary}\"; start=\"<root@answer>\"; \
         start-info=\"{kind}\""
    );
    Answer::new(200, content_type, pieces)
}

/// A fault in an envelope of this version, with its detail in the namespace of the service.
pub fn fault(version: Version, service: Service, fault: &Fault) -> Answer {
    let detail = fault.detail();
    let detail = detail.xml().map(|xml| inside(&xml).to_owned()).unwrap_or_default();
    let namespace = service.namespace();
    let detail = format!("<{FAULT_ELEMENT} xmlns=\"{namespace}\">{detail}</{FAULT_ELEMENT}>");
    let sentence = escape(fault.sentence.as_str());
    // SOAP 1.1 of old knows a mismatch of versions in its own envelope only, and it is the one that everybody reads.
    let version = if fault.envelope == EnvelopeCode::VersionMismatch { Version::Soap11 } else { version };
    let xml = match version {
        Version::Soap11 => {
            let (code, declared) = code11(fault);
            format!(
                "{DECLARATION}<soap:Envelope xmlns:soap=\"{SOAP11}\"><soap:Body><soap:Fault>\
                 <faultcode{declared}>{code}</faultcode><faultstring xml:lang=\"en\">{sentence}</faultstring>\
                 <detail>{detail}</detail></soap:Fault></soap:Body></soap:Envelope>"
            )
        }
        Version::Soap12 => {
            let (code, sub) = code12(fault);
            format!(
                "{DECLARATION}<soap:Envelope xmlns:soap=\"{SOAP12}\"><soap:Body><soap:Fault>\
                 <soap:Code><soap:Value>soap:{code}</soap:Value>{sub}</soap:Code>\
                 <soap:Reason><soap:Text xml:lang=\"en\">{sentence}</soap:Text></soap:Reason>\
                 <soap:Detail>{detail}</soap:Detail></soap:Fault></soap:Body></soap:Envelope>"
            )
        }
    };
    let http = http_status(version, fault);
    let mut answer =
        Answer::new(http, content_type(version), vec![Piece::Bytes(clean(&xml).into_owned().into_bytes())]);
    if let Some(seconds) = fault.retry_after_seconds {
        answer.headers.push(("Retry-After", seconds.to_string()));
    }
    answer
}

/// R1126 of the Basic Profile: a fault is 500. What the carrier itself has to know is what it is.
fn http_status(version: Version, fault: &Fault) -> u16 {
    match (fault.http, version) {
        (401 | 413 | 415 | 503, _) => fault.http,
        (_, Version::Soap12) if fault.who == Who::Client && fault.envelope == EnvelopeCode::Plain => 400,
        _ => 500,
    }
}

fn security_namespace(name: &str) -> &'static str {
    if name == "MessageExpired" { WSU } else { WSSE }
}

fn code11(fault: &Fault) -> (String, String) {
    match (fault.envelope, fault.who) {
        (EnvelopeCode::Plain, Who::Client) => ("soap:Client".to_owned(), String::new()),
        (EnvelopeCode::Plain, Who::Server) => ("soap:Server".to_owned(), String::new()),
        (EnvelopeCode::MustUnderstand, _) => ("soap:MustUnderstand".to_owned(), String::new()),
        (EnvelopeCode::VersionMismatch, _) => ("soap:VersionMismatch".to_owned(), String::new()),
        (EnvelopeCode::Security(name), _) => {
            (format!("sec:{name}"), format!(" xmlns:sec=\"{}\"", security_namespace(name)))
        }
    }
}

fn code12(fault: &Fault) -> (&'static str, String) {
    match (fault.envelope, fault.who) {
        (EnvelopeCode::Plain, Who::Client) => ("Sender", String::new()),
        (EnvelopeCode::Plain, Who::Server) => ("Receiver", String::new()),
        (EnvelopeCode::MustUnderstand, _) => ("MustUnderstand", String::new()),
        (EnvelopeCode::VersionMismatch, _) => ("VersionMismatch", String::new()),
        (EnvelopeCode::Security(name), _) => {
            let namespace = security_namespace(name);
            let sub =
                format!("<soap:Subcode><soap:Value xmlns:sec=\"{namespace}\">sec:{name}</soap:Value></soap:Subcode>");
            ("Sender", sub)
        }
    }
}
