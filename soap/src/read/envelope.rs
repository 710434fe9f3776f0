//! The envelope: its version, its headers, its one body with its one operation.

use crate::content::MessageSpool;
use crate::dialect;
use crate::fault::Fault;
use crate::read::media::cid;
use crate::read::namespace::{Namespaces, XML, XMLNS};
use crate::read::security::{Security, UsernameToken, WSSE};
use crate::read::token::{Tag, Token, is_blank};
use crate::read::walk::{Met, Walk, Walked};
use crate::read::{Shape, Version};
use crate::table::{Manner, Operation, Service};
use model::limits::{API_HEADERS_MAX, API_XML_BYTES_MAX, API_XML_DEPTH_MAX};

/// Namespace of SOAP 1.1.
pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Namespace of SOAP 1.2.
pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// Namespace of references to attachments.
pub(crate) const XOP: &str = "http://www.w3.org/2004/08/xop/include";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const ACTOR_NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";
const ROLE_NEXT: &str = "http://www.w3.org/2003/05/soap-envelope/role/next";
const ROLE_ULTIMATE: &str = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver";

/// What has been read of an envelope.
#[derive(Debug)]
pub(super) struct Envelope {
    spool: MessageSpool,
    service: Option<Service>,
    has_attachments: bool,
    namespaces: Namespaces,
    /// Names of the open elements, to be compared with their ends.
    open: Vec<String>,
    place: Place,
    version: Option<Version>,
    headers: usize,
    not_understood: Option<String>,
    security: Option<Security>,
    token: Option<UsernameToken>,
    walk: Option<Walk>,
    operation: Option<&'static Operation>,
    is_bare: bool,
    /// The namespace of the operation's element.
    namespace: String,
    walked: Option<Walked>,
    /// Bytes of XML, without those of documents.
    xml_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Start,
    /// In the envelope, before the header.
    BeforeHeader,
    Header,
    /// In a header that is read.
    Security,
    /// In a header that is not read.
    Passed,
    BeforeBody,
    Body,
    Operation,
    AfterBody,
    End,
}

/// What an envelope said.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) operation: &'static Operation,
    pub(super) version: Version,
    pub(super) shape: Shape,
    pub(super) namespace: String,
    pub(super) token: Option<UsernameToken>,
    pub(super) walked: Walked,
}

impl Envelope {
    pub(super) fn new(spool: MessageSpool, service: Option<Service>, has_attachments: bool) -> Self {
        Self {
            spool,
            service,
            has_attachments,
            namespaces: Namespaces::default(),
            open: Vec::new(),
            place: Place::Start,
            version: None,
            headers: 0,
            not_understood: None,
            security: None,
            token: None,
            walk: None,
            operation: None,
            is_bare: false,
            namespace: String::new(),
            walked: None,
            xml_bytes: 0,
        }
    }

    pub(super) fn version(&self) -> Option<Version> {
        self.version
    }

    pub(super) fn operation(&self) -> Option<&'static Operation> {
        self.operation
    }

    pub(super) fn has_attachments(&self) -> bool {
        self.has_attachments
    }

    pub(super) fn token(&self) -> Option<&UsernameToken> {
        self.token.as_ref()
    }

    pub(super) fn take(&mut self, token: Token<'_>) -> Result<(), Fault> {
        match token {
            Token::Start(tag) => {
                let attributes = tag.attributes.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
                self.count(tag.name.len() * 2 + attributes)?;
                self.start(tag)
            }
            Token::Text(text) => self.text(text),
            Token::End(name) => self.end(name),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.xml_bytes = self.xml_bytes.saturating_add(bytes);
        let max = self.walk.as_ref().map_or(API_XML_BYTES_MAX, Walk::xml_bytes_max);
        if self.xml_bytes > max {
            return Err(Fault::too_large("message-too-large", "the message is too large, its documents not counted"));
        }
        Ok(())
    }

    fn start(&mut self, tag: &Tag) -> Result<(), Fault> {
        self.namespaces.enter(tag)?;
        if self.namespaces.depth() > API_XML_DEPTH_MAX {
            return Err(Fault::too_large("too-deep", "the message is nested too deeply"));
        }
        self.open.push(tag.name.clone());
        let (namespace, local) = self.namespaces.element(&tag.name)?;
        let (namespace, local) = (namespace.to_owned(), local.to_owned());
        match self.place {
            Place::Start => self.envelope(&namespace, &local),
            Place::BeforeHeader | Place::BeforeBody => self.header_or_body(&namespace, &local),
            Place::Header => self.header(tag, &namespace, &local),
            Place::Security => {
                let kind = self.namespaces.value(tag, "", "Type")?;
                let kind = kind.or(self.namespaces.value(tag, "", "EncodingType")?);
                match &mut self.security {
                    Some(security) => security.enter(&namespace, &local, kind),
                    None => Ok(()),
                }
            }
            Place::Passed => Ok(()),
            Place::Body => self.dispatch(&namespace, &local),
            Place::Operation => self.inside(tag, &namespace, &local),
            Place::AfterBody | Place::End => Err(wrong("nothing may follow the body")),
        }
    }

    fn envelope(&mut self, namespace: &str, local: &str) -> Result<(), Fault> {
        self.version = Some(match (namespace, local) {
            (SOAP11, "Envelope") => Version::Soap11,
            (SOAP12, "Envelope") => Version::Soap12,
            (_, "Envelope") => return Err(Fault::version_mismatch()),
            _ => return Err(wrong("the message is no SOAP envelope")),
        });
        self.place = Place::BeforeHeader;
        Ok(())
    }

    fn header_or_body(&mut self, namespace: &str, local: &str) -> Result<(), Fault> {
        let is_soap = self.version.is_some_and(|version| version.namespace() == namespace);
        self.place = match (is_soap, local, self.place) {
            (true, "Header", Place::BeforeHeader) => Place::Header,
            (true, "Body", _) => {
                if let Some(header) = &self.not_understood {
                    return Err(Fault::must_understand(header));
                }
                Place::Body
            }
            _ => return Err(wrong("an envelope has at most one header and then one body")),
        };
        Ok(())
    }

    fn header(&mut self, tag: &Tag, namespace: &str, local: &str) -> Result<(), Fault> {
        self.headers += 1;
        if self.headers > API_HEADERS_MAX {
            return Err(Fault::too_large("too-many-headers", "the message has too many headers"));
        }
        let version = self.version.unwrap_or(Version::Soap11);
        let soap = version.namespace();
        let role = match version {
            Version::Soap11 => self.namespaces.value(tag, soap, "actor")?,
            Version::Soap12 => self.namespaces.value(tag, soap, "role")?,
        };
        let is_ours = matches!(role, None | Some("" | ACTOR_NEXT | ROLE_NEXT | ROLE_ULTIMATE));
        let must = self.namespaces.value(tag, soap, "mustUnderstand")?;
        let must = matches!(must.map(str::trim), Some("1" | "true"));
        self.place = Place::Passed;
        if !is_ours {
            return Ok(());
        }
        if (namespace, local) == (WSSE, "Security") {
            if self.token.is_some() || self.security.is_some() {
                return Err(Fault::security("InvalidSecurity", "the message has more than one security header"));
            }
            self.security = Some(Security::default());
            self.place = Place::Security;
        } else if must && self.not_understood.is_none() {
            self.not_understood = Some(tag.name.clone());
        }
        Ok(())
    }

    /// Finds the operation by the qualified name of the body's first element.
    fn dispatch(&mut self, namespace: &str, local: &str) -> Result<(), Fault> {
        if self.operation.is_some() {
            return Err(wrong("a body has one operation"));
        }
        let found = dialect::dispatch(self.service, namespace, local);
        let (operation, is_bare) = found.ok_or_else(|| {
            let shown: String = local.chars().take(64).collect();
            Fault::malformed("unknown-operation", format!("there is no operation {shown} in this namespace"))
                .with_http(404)
        })?;
        self.operation = Some(operation);
        self.is_bare = is_bare;
        self.namespace = namespace.to_owned();
        self.walk = Some(Walk::new(operation, self.spool.clone()));
        self.place = Place::Operation;
        Ok(())
    }

    fn inside(&mut self, tag: &Tag, namespace: &str, local: &str) -> Result<(), Fault> {
        let is_nil = matches!(self.namespaces.value(tag, XSI, "nil")?, Some("true" | "1"));
        let is_strict = self.operation.is_some_and(|operation| operation.manner == Manner::Strict);
        let is_include = (namespace, local) == (XOP, "Include");
        for (name, _) in tag.attributes.iter().filter(|_| !is_include) {
            match self.namespaces.attribute(name)? {
                ("", "href" | "ref") => return Err(wrong("references between elements are not supported")),
                ("", other) if is_strict && other != "id" => return Err(wrong("an element has an attribute")),
                (XML | XMLNS, _) | (_, _) => {}
            }
        }
        let Some(walk) = &mut self.walk else { return Err(wrong("the message has no operation")) };
        if walk.is_fresh()
            && let Some(other) = dialect::other(walk.operation(), local)
        {
            self.operation = Some(other);
            *walk = Walk::new(other, self.spool.clone());
        }
        if is_include {
            if !self.has_attachments {
                return Err(Fault::malformed("attachment", "the message refers to an attachment and has none"));
            }
            let name = self.namespaces.value(tag, "", "href")?.and_then(cid);
            let name =
                name.ok_or_else(|| Fault::malformed("attachment", "a reference to an attachment is malformed"))?;
            return walk.enter_include(name);
        }
        let service = walk.operation().service.namespace();
        let is_qualified = namespace == service;
        // The component's namespace is not known for certain: its clients may use any.
        let is_foreign = !is_qualified && !namespace.is_empty() && walk.operation().service == Service::SecPki;
        walk.enter(Met { local, is_qualified, is_foreign, is_nil })
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        match (self.place, &mut self.security, &mut self.walk) {
            (Place::Operation, _, Some(walk)) => {
                if !walk.is_in_bytes() {
                    self.xml_bytes = self.xml_bytes.saturating_add(text.len());
                }
                walk.text(text)?;
                return self.count(0);
            }
            (Place::Security, Some(security), _) => security.text(text)?,
            (Place::Passed, _, _) => {}
            _ if text.chars().all(is_blank) => {}
            _ => return Err(wrong("text stands where an element should")),
        }
        self.count(text.len())
    }

    fn end(&mut self, name: &str) -> Result<(), Fault> {
        if self.open.pop().as_deref() != Some(name) {
            return Err(Fault::malformed("xml", "an element ends that did not begin"));
        }
        self.namespaces.leave();
        let depth = self.namespaces.depth();
        match self.place {
            Place::Security | Place::Passed if depth == 2 => {
                if let Some(security) = self.security.take_if(|_| self.place == Place::Security) {
                    self.token = security.finish()?;
                }
                self.place = Place::Header;
            }
            Place::Security => {
                if let Some(security) = &mut self.security {
                    security.leave()?;
                }
            }
            Place::Passed => {}
            Place::Header => self.place = Place::BeforeBody,
            Place::Operation => {
                if let Some(walk) = &mut self.walk {
                    walk.leave()?;
                }
                if depth == 2 {
                    self.walked = self.walk.take().map(Walk::finish).transpose()?;
                    self.place = Place::Body;
                }
            }
            Place::Body => {
                if self.operation.is_none() {
                    return Err(wrong("the body has no operation"));
                }
                self.place = Place::AfterBody;
            }
            Place::AfterBody => self.place = Place::End,
            Place::BeforeHeader | Place::BeforeBody => return Err(wrong("the envelope has no body")),
            Place::Start | Place::End => {}
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Opened, Fault> {
        let (Some(operation), Some(version), Some(walked), Place::End) =
            (self.operation, self.version, self.walked, self.place)
        else {
            return Err(wrong("the message ends before its envelope does"));
        };
        let shape = match (&walked.wrapper, self.is_bare) {
            (_, true) => Shape::Bare,
            (Some(name), _) => Shape::Parameter(name.clone()),
            (None, _) => Shape::Wrapped,
        };
        Ok(Opened { operation, version, shape, namespace: self.namespace, token: self.token, walked })
    }
}

fn wrong(sentence: &str) -> Fault {
    Fault::malformed("envelope", sentence)
}
