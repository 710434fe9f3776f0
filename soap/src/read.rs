//! Reads requests while they come: however the bytes are cut, the same message is the same call. What it cannot say yes to
//! ends it at once, with a fault that says why.
//!
//! Bytes in, a [`Call`] out. Checks form only; who calls and whether she may is decided elsewhere.

pub(crate) mod base64;
pub(crate) mod envelope;
pub mod json;
mod lift;
mod media;
mod namespace;
mod parts;
pub(crate) mod scan;
mod security;
mod token;
pub(crate) mod unicode;
pub(crate) mod walk;

pub use lift::JsonReader;
pub use security::UsernameToken;

use crate::content::{Content, ContentWriter, MessageSpool, Spool};
use crate::fault::Fault;
use crate::message::Message;
use crate::table::{About, Operation, Service};
use crate::value::BinaryRef;
use base64::Base64;
use envelope::Envelope;
use media::{Media, content_id};
use model::access::{Caller, Denied};
use parts::{Part, PartHead, Parts};
use std::collections::HashSet;
use std::io::Read;
use token::Tokens;
use unicode::Unicode;
use walk::{Slot, spooled};

/// The version of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// SOAP 1.1.
    Soap11,
    /// SOAP 1.2.
    Soap12,
}

impl Version {
    /// Namespace of the envelope.
    pub fn namespace(self) -> &'static str {
        match self {
            Version::Soap11 => envelope::SOAP11,
            Version::Soap12 => envelope::SOAP12,
        }
    }
}

/// How a request was laid out, which its answer follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The fields stand in the operation's element, as the WSDL says.
    Wrapped,
    /// The fields stand in a parameter element of this name, which stands in the operation's.
    Parameter(String),
    /// The body's element is the request itself.
    Bare,
    /// It came as JSON.
    Json,
}

/// What the head of an HTTP request says about its body.
#[derive(Clone, Debug, Default)]
pub struct Head<'h> {
    /// `Content-Type`.
    pub content_type: Option<&'h str>,
    /// `SOAPAction`. Never decides anything.
    pub soap_action: Option<&'h str>,
    /// The service whose address was called, if that has an address of its own.
    pub service: Option<Service>,
}

/// A request that is well formed and complete.
#[derive(Debug)]
pub struct Call {
    /// What is asked for.
    pub operation: &'static Operation,
    /// The version of the envelope.
    pub version: Version,
    /// How it was laid out.
    pub shape: Shape,
    /// Whether it came with attachments, so that the answer may have some.
    pub mtom: bool,
    /// Name and password from its header.
    pub token: Option<UsernameToken>,
    /// The bytes of its documents.
    pub contents: Contents,
    pub(crate) namespace: String,
    pub(crate) body: String,
    pub(crate) objects: Vec<(&'static str, String)>,
    pub(crate) spool: MessageSpool,
}

impl Call {
    /// The request in the operation's own structure.
    pub fn request<T: Message>(&self) -> Result<T, Fault> {
        decode(&self.body).map_err(|error| {
            tracing::warn!(operation = self.operation.name, %error, "a request passed the check and cannot be decoded");
            Fault::malformed("message", "the request cannot be read")
        })
    }

    /// What its answer has to look like.
    pub fn form(&self) -> Form {
        Form {
            operation: self.operation,
            version: self.version,
            shape: self.shape.clone(),
            namespace: self.namespace.clone(),
            mtom: self.mtom,
        }
    }

    /// What the request names in this field, as far as a right is about it.
    pub fn objects(&self, field: &str) -> impl Iterator<Item = &str> {
        self.objects.iter().filter(move |(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    /// Whether the caller may ask for this, by the table. An operation that says [`About::Some`] or `own` asks again.
    pub fn permitted(&self, caller: &Caller) -> Result<(), Denied> {
        if self.operation.own {
            return Ok(());
        }
        for need in self.operation.needs {
            match need.about {
                About::Whole => caller.may(need.function, None)?,
                About::Field(field) => {
                    self.objects(field).try_for_each(|object| caller.may(need.function, Some(object)))?;
                }
                About::Some => {
                    if !caller.rights.iter().any(|right| right.function == need.function) {
                        caller.may(need.function, None)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Where the contents of the answer go that are too large for memory.
    pub fn spool(&self) -> &MessageSpool {
        &self.spool
    }
}

/// Without the blanks at the ends of a text being cut off, as yaserde does by itself.
fn decode<T: Message>(body: &str) -> Result<T, yaserde::Error> {
    use yaserde::__xml::reader::{EventReader, ParserConfig};
    let config = ParserConfig::new()
        .trim_whitespace(false)
        .whitespace_to_characters(true)
        .cdata_to_characters(true)
        .coalesce_characters(true);
    <T as yaserde::YaDeserialize>::deserialize(&mut yaserde::de::Deserializer::new(EventReader::new_with_config(
        body.as_bytes(),
        config,
    )))
}

/// What an answer has to look like.
#[derive(Clone, Debug)]
pub struct Form {
    /// What was asked for.
    pub operation: &'static Operation,
    /// The version of the envelope.
    pub version: Version,
    /// How the request was laid out.
    pub shape: Shape,
    /// The namespace of the request.
    pub namespace: String,
    /// Whether documents may be attachments.
    pub mtom: bool,
}

/// The contents of a message, each to be taken once.
#[derive(Debug, Default)]
pub struct Contents(Vec<Option<Content>>);

impl Contents {
    /// The content that an element stands for.
    pub fn get(&self, reference: BinaryRef) -> Option<&Content> {
        self.0.get(reference.0 as usize)?.as_ref()
    }

    /// Takes the content that an element stands for.
    pub fn take(&mut self, reference: BinaryRef) -> Result<Content, Fault> {
        let content = self.0.get_mut(reference.0 as usize).and_then(Option::take);
        content.ok_or_else(|| Fault::server("content-gone", "a document of the request was used twice"))
    }

    /// Adds a content; gives what stands for it.
    pub fn add(&mut self, content: Content) -> BinaryRef {
        let reference = BinaryRef(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Some(content));
        reference
    }

    /// How many there are, those taken included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads one request.
#[derive(Debug)]
pub struct Reader {
    spool: MessageSpool,
    unicode: Unicode,
    tokens: Tokens,
    envelope: Envelope,
    parts: Option<Attachments>,
    /// By what it says of itself, before the envelope tells.
    version: Version,
    wire_bytes: u64,
    wire_bytes_max: u64,
    failed: Option<Fault>,
}

#[derive(Debug)]
struct Attachments {
    parts: Parts,
    /// Name of the part with the envelope; without one it is the first.
    start: Option<String>,
    has_root: bool,
    current: Current,
    attached: Vec<(String, Content)>,
    /// Their names.
    names: HashSet<String>,
}

#[derive(Debug)]
enum Current {
    Nothing,
    Root,
    Attachment { id: String, writer: Box<ContentWriter>, base64: Option<Base64> },
}

impl Reader {
    /// Begins with what the head says. An error here is the whole answer: the body need not be read.
    pub fn new(head: &Head<'_>, spool: &Spool) -> Result<Self, Fault> {
        let unsupported = |sentence: &str| Fault::malformed("content-type", sentence).with_http(415);
        let text = head.content_type.ok_or_else(|| unsupported("the message has no content type"))?;
        let media = Media::parse(text).ok_or_else(|| unsupported("the content type is malformed"))?;
        let mut version = Version::Soap11;
        let mut parts = None;
        let mut charset = media.parameter("charset");
        match media.essence.as_str() {
            "text/xml" => {}
            "application/soap+xml" => version = Version::Soap12,
            "multipart/related" => {
                let boundary = media.parameter("boundary");
                let boundary = boundary.ok_or_else(|| unsupported("the attachments have no boundary"))?;
                if media.parameter("start-info").is_some_and(|info| info.starts_with("application/soap+xml")) {
                    version = Version::Soap12;
                }
                charset = None;
                parts = Some(Attachments {
                    parts: Parts::new(boundary)?,
                    start: media.parameter("start").map(content_id),
                    has_root: false,
                    current: Current::Nothing,
                    attached: Vec::new(),
                    names: HashSet::new(),
                });
            }
            _ => return Err(unsupported("a message is text/xml, application/soap+xml or multipart/related")),
        }
        tracing::trace!(action = head.soap_action, "a message begins");
        let message = spool.message();
        Ok(Self {
            unicode: Unicode::new(charset)?,
            tokens: Tokens::default(),
            envelope: Envelope::new(message.clone(), head.service, parts.is_some()),
            spool: message,
            parts,
            version,
            wire_bytes: 0,
            wire_bytes_max: spool.wire_bytes_max(),
            failed: None,
        })
    }

    /// Takes more bytes. After an error every further one is answered by the same.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if let Some(fault) = &self.failed {
            return Err(fault.clone());
        }
        let pushed = self.advance(bytes);
        if let Err(fault) = &pushed {
            self.failed = Some(fault.clone());
        }
        pushed
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.wire_bytes = self.wire_bytes.saturating_add(bytes.len() as u64);
        if self.wire_bytes > self.wire_bytes_max {
            return Err(Fault::too_large("message-too-large", "the message is too large"));
        }
        // Whatever the carrier hands over at once, the pieces that go on are small.
        for bytes in bytes.chunks(PIECE_BYTES) {
            let Self { unicode, tokens, envelope, spool, .. } = self;
            let mut root = |bytes: &[u8]| {
                let text = unicode.push(bytes)?;
                if text.is_wide {
                    tokens.wide();
                }
                tokens.push(text.piece, &mut |token| envelope.take(token))
            };
            match &mut self.parts {
                None => root(bytes)?,
                Some(attachments) => {
                    let Attachments { parts, start, has_root, current, attached, names } = attachments;
                    parts.push(bytes, &mut |part| match part {
                        Part::Begin(head) => {
                            *current = begin(head, start.as_deref(), has_root, names, spool)?;
                            Ok(())
                        }
                        Part::Bytes(bytes) => match current {
                            Current::Root => root(bytes),
                            Current::Attachment { writer, base64: Some(base64), .. } => {
                                base64.push::<Fault>(bytes, &mut |bytes| writer.push(bytes).map_err(spooled))
                            }
                            Current::Attachment { writer, base64: None, .. } => writer.push(bytes).map_err(spooled),
                            Current::Nothing => Ok(()),
                        },
                        Part::End => {
                            if let Current::Attachment { id, writer, base64 } =
                                std::mem::replace(current, Current::Nothing)
                            {
                                base64.map_or(Ok(()), |base64| base64.finish())?;
                                attached.push((id, writer.finish().map_err(spooled)?));
                            }
                            Ok(())
                        }
                    })?;
                }
            }
        }
        Ok(())
    }

    /// The version of the envelope, or what the head lets expect: a fault is written in it.
    pub fn version(&self) -> Version {
        self.envelope.version().unwrap_or(self.version)
    }

    /// The operation, as soon as it is known: before its documents come.
    pub fn operation(&self) -> Option<&'static Operation> {
        self.envelope.operation()
    }

    /// Name and password from the header, as soon as they are known: before the operation.
    pub fn token(&self) -> Option<&UsernameToken> {
        self.envelope.token()
    }

    /// The call, when all bytes have come.
    pub fn finish(mut self) -> Result<Call, Fault> {
        if let Some(fault) = self.failed {
            return Err(fault);
        }
        let envelope = &mut self.envelope;
        self.tokens.push(self.unicode.finish()?, &mut |token| envelope.take(token))?;
        let mut attached = Vec::new();
        if let Some(attachments) = self.parts.take() {
            attachments.parts.finish()?;
            if !attachments.has_root {
                return Err(Fault::malformed("attachments", "the part with the envelope is missing"));
            }
            attached = attachments.attached;
        }
        let mtom = self.envelope.has_attachments();
        self.tokens.finish()?;
        let opened = self.envelope.finish()?;
        let contents = join(opened.walked.slots, attached)?;
        Ok(Call {
            operation: opened.operation,
            version: opened.version,
            shape: opened.shape,
            mtom,
            token: opened.token,
            contents,
            namespace: opened.namespace,
            body: opened.walked.body,
            objects: opened.walked.objects,
            spool: self.spool,
        })
    }
}

const PIECE_BYTES: usize = 64 * 1024;

fn begin(
    head: PartHead,
    start: Option<&str>,
    has_root: &mut bool,
    names: &mut HashSet<String>,
    spool: &MessageSpool,
) -> Result<Current, Fault> {
    let wrong = |sentence: &str| Fault::malformed("attachments", sentence);
    let is_root = match start {
        Some(start) => head.id.as_deref() == Some(start),
        None => !*has_root,
    };
    if is_root {
        if std::mem::replace(has_root, true) {
            return Err(wrong("two parts claim to have the envelope"));
        }
        let media = head.media.unwrap_or_default();
        if !matches!(media.essence.as_str(), "application/xop+xml" | "text/xml" | "application/soap+xml") {
            return Err(wrong("the part with the envelope has another content type"));
        }
        let charset = media.parameter("charset").map(str::to_ascii_lowercase);
        if head.is_base64 || !matches!(charset.as_deref(), None | Some("utf-8" | "utf-16")) {
            return Err(wrong("the part with the envelope has an encoding that is not supported"));
        }
        return Ok(Current::Root);
    }
    let id = head.id.ok_or_else(|| wrong("an attachment has no name"))?;
    if !names.insert(id.clone()) {
        return Err(wrong("two attachments have the same name"));
    }
    if names.len() > model::limits::API_CONTENTS_MAX {
        return Err(Fault::too_large("too-many-documents", "the message has too many attachments"));
    }
    let base64 = head.is_base64.then(Base64::default);
    Ok(Current::Attachment { id, writer: Box::new(spool.writer()), base64 })
}

/// Puts the attachments where the elements stand that refer to them: each exactly once.
fn join(slots: Vec<Slot>, attached: Vec<(String, Content)>) -> Result<Contents, Fault> {
    let wrong = |sentence: &str| Fault::malformed("attachment", sentence);
    let mut attached: std::collections::HashMap<String, Content> = attached.into_iter().collect();
    let mut contents = Vec::with_capacity(slots.len());
    for slot in slots {
        contents.push(Some(match slot {
            Slot::Here(content) => content,
            Slot::Attached(name) => attached
                .remove(&name)
                .ok_or_else(|| wrong("an element refers to an attachment that is not there, or to one twice"))?,
        }));
    }
    if !attached.is_empty() {
        return Err(wrong("no element refers to one of the attachments"));
    }
    Ok(Contents(contents))
}

/// Reads a whole request from memory or a file.
pub fn read_all(head: &Head<'_>, spool: &Spool, from: &mut impl Read) -> Result<Call, Fault> {
    let mut reader = Reader::new(head, spool)?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = from.read(&mut piece).map_err(|_| Fault::malformed("message", "the request cannot be read"))?;
        match piece.get(..count) {
            Some(bytes) if !bytes.is_empty() => reader.push(bytes)?,
            _ => return reader.finish(),
        }
    }
}
