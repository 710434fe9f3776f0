//! The walk through the elements of an operation, along its row of the table: what is unknown, missing, there too often or out of
//! order, and what a number, a word or an instant may be, is decided here, for SOAP and for REST alike.
//!
//! Bytes leave the walk as contents; what remains is small XML with names from the table only.

use crate::content::{Content, ContentWriter, MessageSpool, SpoolFault};
use crate::fault::Fault;
use crate::message::{Field, Kind};
use crate::read::base64::Base64;
use crate::read::token::is_blank;
use crate::table::{About, Manner, Operation};
use crate::value::Moment;
use model::limits::{API_CONTENTS_MAX, API_XML_BYTES_MAX, API_XML_BYTES_PER_DOCUMENT_MAX, API_XML_DEPTH_MAX};
use quick_xml::escape::escape;

/// Where the bytes of a content come from.
#[derive(Debug)]
pub(super) enum Slot {
    /// They were in the message, as base64.
    Here(Content),
    /// They are an attachment of this name.
    Attached(String),
}

/// The walk.
#[derive(Debug)]
pub(super) struct Walk {
    operation: &'static Operation,
    frames: Vec<Frame>,
    /// The name of the element that stands between the operation and its fields, if there is one.
    wrapper: Option<String>,
    body: String,
    slots: Vec<Slot>,
    objects: Vec<(&'static str, String)>,
    spool: MessageSpool,
}

#[derive(Debug)]
enum Frame {
    Group {
        fields: &'static [Field],
        /// How often each has come.
        counts: Vec<u32>,
        /// Where the last one stands.
        at: usize,
        /// The field whose record it is; `None`: the operation itself.
        field: Option<&'static Field>,
    },
    Leaf {
        field: &'static Field,
        text: String,
    },
    Bytes {
        field: &'static Field,
        /// None until something other than blanks has come.
        writer: Option<(Box<ContentWriter>, Base64)>,
        attached: Option<String>,
    },
    /// An element that stands for an attachment; empty.
    Include,
    /// A parameter element as some clients put between the operation and its fields.
    Wrapper,
    /// An element that nobody asked for and nobody minds.
    Passed,
    /// A field that says that it is not there.
    Absent,
}

/// What the walk has found.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) body: String,
    pub(super) slots: Vec<Slot>,
    pub(super) objects: Vec<(&'static str, String)>,
    pub(super) wrapper: Option<String>,
}

/// An element as the walk meets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met<'m> {
    pub(super) local: &'m str,
    /// Whether its namespace is that of the service.
    pub(super) is_qualified: bool,
    /// Whether it has another namespace.
    pub(super) is_foreign: bool,
    /// `xsi:nil="true"`.
    pub(super) is_nil: bool,
}

impl Walk {
    pub(super) fn new(operation: &'static Operation, spool: MessageSpool) -> Self {
        Self {
            operation,
            frames: vec![Frame::group(operation.request.fields, None)],
            wrapper: None,
            body: String::from("<request>"),
            slots: Vec::new(),
            objects: Vec::new(),
            spool,
        }
    }

    pub(super) fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Whether nothing has been met yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.frames.len() == 1 && self.wrapper.is_none() && self.body.len() == "<request>".len()
    }

    /// Bytes that the XML of this message may have without its documents.
    pub(super) fn xml_bytes_max(&self) -> usize {
        API_XML_BYTES_MAX + self.slots.len() * API_XML_BYTES_PER_DOCUMENT_MAX
    }

    /// Whether what comes now are bytes, which do not count as XML.
    pub(super) fn is_in_bytes(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Bytes { .. }))
    }

    fn is_tolerant(&self) -> bool {
        self.operation.manner == Manner::Tolerant
    }

    /// Enters an element.
    pub(super) fn enter(&mut self, met: Met<'_>) -> Result<(), Fault> {
        if self.frames.len() >= API_XML_DEPTH_MAX {
            return Err(Fault::too_large("too-deep", "the message is nested too deeply"));
        }
        let is_first = self.frames.len() == 1 && self.is_fresh();
        let is_tolerant = self.is_tolerant();
        if !is_tolerant && self.frames.len() == 1 && self.wrapper.is_some() {
            return Err(unknown(met.local, self.operation.name));
        }
        let frame = match self.frames.last_mut() {
            Some(Frame::Group { fields, counts, at, .. }) => {
                let found = (!met.is_foreign).then(|| position(fields, met.local, is_tolerant)).flatten();
                match found {
                    Some((index, field)) => {
                        if met.is_nil {
                            Frame::Absent
                        } else {
                            count(counts, at, fields, index, is_tolerant)?;
                            Frame::of(field)
                        }
                    }
                    // An unqualified first element that is no field can only be the parameter that holds them.
                    None if is_first && !met.is_qualified && !met.is_foreign => {
                        self.wrapper = Some(met.local.to_owned());
                        Frame::Wrapper
                    }
                    None if is_first && is_tolerant && is_class(met.local) => {
                        self.wrapper = Some(met.local.to_owned());
                        Frame::Wrapper
                    }
                    None if is_tolerant => Frame::Passed,
                    None => return Err(unknown(met.local, self.operation.name)),
                }
            }
            Some(Frame::Wrapper) => {
                // The fields of the operation, one level deeper.
                return self.enter_wrapped(met);
            }
            Some(Frame::Passed) => Frame::Passed,
            Some(Frame::Absent) => return Err(wrong("an element that says it is nil is not empty")),
            Some(Frame::Leaf { field, .. } | Frame::Bytes { field, .. }) => {
                return Err(Fault::malformed("unexpected-element", format!("{} has no elements in it", field.name)));
            }
            Some(Frame::Include) => return Err(wrong("a reference to an attachment is not empty")),
            None => return Err(unknown(met.local, self.operation.name)),
        };
        self.open(frame);
        Ok(())
    }

    /// Inside of the parameter element the operation's own frame counts.
    fn enter_wrapped(&mut self, met: Met<'_>) -> Result<(), Fault> {
        let is_tolerant = self.is_tolerant();
        let Some(Frame::Group { fields, counts, at, .. }) = self.frames.first_mut() else {
            return Err(wrong("the message has no operation"));
        };
        let found = (!met.is_foreign).then(|| position(fields, met.local, is_tolerant)).flatten();
        let frame = match found {
            Some(_) if met.is_nil => Frame::Absent,
            Some((index, field)) => {
                count(counts, at, fields, index, is_tolerant)?;
                Frame::of(field)
            }
            None if is_tolerant => Frame::Passed,
            None => return Err(unknown(met.local, self.operation.name)),
        };
        self.open(frame);
        Ok(())
    }

    fn open(&mut self, frame: Frame) {
        if let Frame::Group { field: Some(field), .. } = &frame {
            self.body.push('<');
            self.body.push_str(field.name);
            self.body.push('>');
        }
        self.frames.push(frame);
    }

    /// Enters an element that stands for the attachment of this name.
    pub(super) fn enter_include(&mut self, name: String) -> Result<(), Fault> {
        match self.frames.last_mut() {
            Some(Frame::Bytes { writer: None, attached, field }) => {
                if attached.replace(name).is_some() {
                    let sentence = format!("{} refers to more than one attachment", field.name);
                    return Err(Fault::malformed("attachment", sentence));
                }
                self.frames.push(Frame::Include);
                Ok(())
            }
            Some(Frame::Passed) => {
                self.frames.push(Frame::Passed);
                Ok(())
            }
            _ => Err(Fault::malformed("attachment", "only an element for bytes can refer to an attachment")),
        }
    }

    /// Takes text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Fault> {
        let is_blank_text = text.chars().all(is_blank);
        match self.frames.last_mut() {
            Some(Frame::Leaf { field, text: held }) => {
                held.push_str(text);
                if held.len() > bytes_max(field.kind) {
                    return Err(Fault::too_large("text-too-long", format!("{} is too long", field.name)));
                }
                Ok(())
            }
            Some(Frame::Bytes { .. }) if is_blank_text => Ok(()),
            Some(Frame::Bytes { field, attached: Some(_), .. }) => {
                let sentence = format!("{} refers to an attachment and has text too", field.name);
                Err(Fault::malformed("attachment", sentence))
            }
            Some(Frame::Bytes { writer, .. }) => {
                let spool = &self.spool;
                let (writer, base64) = writer.get_or_insert_with(|| (Box::new(spool.writer()), Base64::default()));
                base64.push::<Fault>(text.as_bytes(), &mut |bytes| writer.push(bytes).map_err(spooled))
            }
            Some(Frame::Passed) => Ok(()),
            _ if is_blank_text => Ok(()),
            // What looked like a parameter element is a field that nobody knows.
            Some(Frame::Wrapper) => match (&self.wrapper, self.operation.manner) {
                (_, Manner::Tolerant) => Ok(()),
                (Some(name), _) => Err(unknown(name, self.operation.name)),
                (None, _) => Err(wrong("text stands where an element should")),
            },
            _ => Err(wrong("text stands where an element should")),
        }
    }

    /// Leaves the innermost element.
    pub(super) fn leave(&mut self) -> Result<(), Fault> {
        match self.frames.pop() {
            Some(Frame::Group { fields, counts, field, .. }) => {
                complete(fields, &counts, 0..fields.len())?;
                if let Some(field) = field {
                    self.close(field)?;
                }
            }
            Some(Frame::Leaf { field, text }) => {
                let value = checked(field, &text)?;
                let is_own =
                    self.frames.iter().all(|frame| matches!(frame, Frame::Group { field: None, .. } | Frame::Wrapper));
                let is_object = |need: &crate::table::Need| need.about == About::Field(field.name);
                if is_own && self.operation.needs.iter().any(is_object) {
                    self.objects.push((field.name, value.clone()));
                }
                self.element(field, &value)?;
            }
            // gSOAP writes an empty element for each document that it was not given.
            Some(Frame::Bytes { field, writer: None, attached: None }) if field.min == 0 && !field.is_list() => {}
            Some(Frame::Bytes { field, writer, attached }) => {
                let slot = match (writer, attached) {
                    (_, Some(name)) => Slot::Attached(name),
                    (Some((writer, base64)), None) => {
                        base64.finish()?;
                        Slot::Here(writer.finish().map_err(spooled)?)
                    }
                    (None, None) => Slot::Here(self.spool.writer().finish().map_err(spooled)?),
                };
                if self.slots.len() >= API_CONTENTS_MAX {
                    return Err(Fault::too_large("too-many-documents", "the message has too many documents"));
                }
                let number = self.slots.len().to_string();
                self.slots.push(slot);
                self.element(field, &number)?;
            }
            Some(Frame::Wrapper) => self.leave_wrapper()?,
            Some(Frame::Include | Frame::Passed | Frame::Absent) => {}
            None => return Err(wrong("an element ends that did not begin")),
        }
        Ok(())
    }

    /// What had no field in it was no parameter element, unless its name says that it is one.
    fn leave_wrapper(&mut self) -> Result<(), Fault> {
        let used = self
            .frames
            .iter()
            .any(|frame| matches!(frame, Frame::Group { counts, .. } if counts.iter().any(|count| *count > 0)));
        if used || self.wrapper.as_deref().is_some_and(is_class) {
            return Ok(());
        }
        match self.wrapper.take() {
            Some(name) if !self.is_tolerant() => Err(unknown(&name, self.operation.name)),
            _ => Ok(()),
        }
    }

    fn element(&mut self, field: &Field, value: &str) -> Result<(), Fault> {
        self.body.push('<');
        self.body.push_str(field.name);
        self.body.push('>');
        self.body.push_str(&escape(value).replace('\r', "&#13;"));
        self.close(field)
    }

    fn close(&mut self, field: &Field) -> Result<(), Fault> {
        self.body.push_str("</");
        self.body.push_str(field.name);
        self.body.push('>');
        if self.body.len() > self.xml_bytes_max() {
            return Err(too_large());
        }
        Ok(())
    }

    /// Ends the walk after the operation's own element was left.
    pub(super) fn finish(mut self) -> Result<Walked, Fault> {
        if !self.frames.is_empty() {
            return Err(wrong("the message ends before its operation does"));
        }
        self.body.push_str("</request>");
        Ok(Walked { body: self.body, slots: self.slots, objects: self.objects, wrapper: self.wrapper })
    }
}

impl Frame {
    fn group(fields: &'static [Field], field: Option<&'static Field>) -> Self {
        Frame::Group { fields, counts: vec![0; fields.len()], at: 0, field }
    }

    fn of(field: &'static Field) -> Self {
        match field.kind {
            Kind::Record(record) => Self::group(record.fields, Some(field)),
            Kind::Binary => Frame::Bytes { field, writer: None, attached: None },
            _ => Frame::Leaf { field, text: String::new() },
        }
    }
}

/// The field of this name. Existing clients differ in whether names begin with a capital letter.
fn position(fields: &'static [Field], local: &str, is_tolerant: bool) -> Option<(usize, &'static Field)> {
    let same = |field: &Field| {
        field.name == local
            || (is_tolerant
                && field.name.get(1..) == local.get(1..)
                && field
                    .name
                    .get(..1)
                    .is_some_and(|first| local.get(..1).is_some_and(|given| given.eq_ignore_ascii_case(first))))
    };
    fields.iter().enumerate().find(|(_, field)| same(field))
}

/// Whether it is named after a class, as the parameter elements of old clients are.
fn is_class(local: &str) -> bool {
    local.contains('.') || local.starts_with("Req") || matches!(local, "SignReq" | "VerifyReq")
}

fn count(
    counts: &mut [u32],
    at: &mut usize,
    fields: &'static [Field],
    index: usize,
    is_tolerant: bool,
) -> Result<(), Fault> {
    let (Some(field), Some(count)) = (fields.get(index), counts.get_mut(index)) else { return Ok(()) };
    if *count >= field.max {
        let sentence = match field.max {
            1 => format!("{} is there twice", field.name),
            max => format!("{} is there more than {max} times", field.name),
        };
        return Err(Fault::malformed("too-often", sentence));
    }
    *count += 1;
    if is_tolerant {
        return Ok(());
    }
    if index < *at {
        let before = fields.get(*at).map_or("", |field| field.name);
        return Err(Fault::malformed("order", format!("{} has to stand before {before}", field.name)));
    }
    let from = *at;
    *at = index;
    complete(fields, counts, from..index)
}

fn complete(fields: &'static [Field], counts: &[u32], range: std::ops::Range<usize>) -> Result<(), Fault> {
    let mut all = fields.iter().zip(counts).skip(range.start).take(range.len());
    match all.find(|(field, count)| **count < field.min) {
        Some((field, _)) => Err(Fault::client("missing", format!("{} is missing", field.name))),
        None => Ok(()),
    }
}

/// The value as it goes on, if it is one of the kind.
fn checked(field: &Field, text: &str) -> Result<String, Fault> {
    let trimmed = text.trim_matches(is_blank);
    let bad = |what: &str| Err(Fault::client("bad-value", format!("{} {what}", field.name)));
    match field.kind {
        Kind::Text(max) | Kind::Secret(max) => {
            if text.chars().count() > max as usize {
                return Err(Fault::too_large(
                    "text-too-long",
                    format!("{} is longer than {max} characters", field.name),
                ));
            }
            Ok(text.to_owned())
        }
        Kind::Word(words) if words.contains(&trimmed) => Ok(trimmed.to_owned()),
        Kind::Word(words) => bad(&format!("is none of {}", words.join(", "))),
        Kind::Int(min, max) => match trimmed.parse::<i64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            _ => bad(&format!("is no whole number from {min} to {max}")),
        },
        Kind::Flag => match trimmed {
            "true" | "1" => Ok("true".to_owned()),
            "false" | "0" => Ok("false".to_owned()),
            _ => bad("is neither true nor false"),
        },
        Kind::Time => match Moment::parse(trimmed) {
            Some(moment) => Ok(moment.to_string()),
            None => bad("is no date and time, such as 2026-11-27T12:00:00Z"),
        },
        Kind::Binary | Kind::Record(_) => bad("is not text"),
    }
}

/// How many bytes of text are kept before it is known whether they are good.
fn bytes_max(kind: Kind) -> usize {
    match kind {
        Kind::Text(max) | Kind::Secret(max) => max as usize * char::MAX_LEN_UTF8,
        _ => SHORT_BYTES_MAX,
    }
}

const SHORT_BYTES_MAX: usize = 256;

/// What the spool says, as a caller sees it.
pub(crate) fn spooled(fault: SpoolFault) -> Fault {
    match fault {
        SpoolFault::MessageTooLarge(max) => {
            Fault::too_large("message-too-large", format!("the documents of one message may have {max} bytes in all"))
        }
        SpoolFault::Full => Fault::busy(SPOOL_RETRY_SECONDS),
        SpoolFault::Medium(error) => {
            tracing::error!(%error, "the spool cannot be written");
            Fault::server("spool", "the server cannot keep the documents of the message")
                .with_retry_after(SPOOL_RETRY_SECONDS)
        }
    }
}

const SPOOL_RETRY_SECONDS: u32 = 5;

fn unknown(local: &str, operation: &str) -> Fault {
    let shown: String = local.chars().take(64).collect();
    Fault::malformed("unknown-element", format!("{operation} has no element {shown} there"))
}

fn too_large() -> Fault {
    Fault::too_large("message-too-large", "the message is too large, its documents not counted")
}

fn wrong(sentence: &str) -> Fault {
    Fault::malformed("message", sentence)
}
