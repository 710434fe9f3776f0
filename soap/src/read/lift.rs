//! JSON requests while they come: documents are moved out of the text, so that what remains is small.
//!
//! Copies everything but the text of binary fields, which becomes attachments; the number of an attachment stands in its
//! place. What is a binary field is said by its name in the table. Judges no structure: whoever parses the rest does.

use crate::content::{Content, ContentWriter, MessageSpool, Spool};
use crate::fault::Fault;
use crate::message::{Field, Kind};
use crate::read::base64::Base64;
use crate::read::scan;
use crate::read::walk::spooled;
use crate::read::{Call, json};
use crate::table::Operation;
use model::limits::{API_CONTENTS_MAX, API_XML_BYTES_MAX, API_XML_BYTES_PER_DOCUMENT_MAX, API_XML_DEPTH_MAX};
use std::collections::BTreeSet;

/// Reads one request for an operation.
#[derive(Debug)]
pub struct JsonReader {
    operation: &'static Operation,
    binaries: BTreeSet<&'static str>,
    spool: MessageSpool,
    state: State,
    /// The member whose value comes next, by nesting.
    names: Vec<Option<String>>,
    /// What remains.
    text: Vec<u8>,
    attached: Vec<(String, Content)>,
}

#[derive(Debug)]
enum State {
    Between,
    /// In a text: whether its last byte was a backslash, and where it began in what remains.
    Text {
        escaped: bool,
        from: usize,
    },
    Binary {
        escaped: bool,
        writer: Box<ContentWriter>,
        base64: Base64,
    },
}

impl JsonReader {
    /// Nothing was read yet.
    pub fn new(operation: &'static Operation, spool: &Spool) -> Self {
        let mut binaries = BTreeSet::new();
        collect(operation.request.fields, &mut binaries);
        Self {
            operation,
            binaries,
            spool: spool.message(),
            state: State::Between,
            names: Vec::new(),
            text: Vec::new(),
            attached: Vec::new(),
        }
    }

    /// Takes more bytes.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while let Some((first, rest)) = bytes.split_first() {
            if matches!(self.state, State::Binary { .. }) {
                bytes = self.binary(bytes)?;
                continue;
            }
            bytes = rest;
            self.step(*first)?;
            let max = API_XML_BYTES_MAX + self.attached.len() * API_XML_BYTES_PER_DOCUMENT_MAX;
            if self.text.len() > max {
                let sentence = format!("the request has more than {max} bytes besides its documents");
                return Err(Fault::too_large("message-too-large", sentence));
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        self.text.push(byte);
        if let State::Text { escaped, from } = &mut self.state {
            let from = *from;
            match byte {
                _ if *escaped => *escaped = false,
                b'\\' => *escaped = true,
                b'"' => {
                    let said = self.text.get(from..self.text.len() - 1).unwrap_or_default();
                    // Names in the table need no escapes; what has some is no name that is looked for.
                    let name = std::str::from_utf8(said).ok().filter(|name| self.binaries.contains(name));
                    if let Some(last) = self.names.last_mut() {
                        *last = name.map(str::to_owned);
                    }
                    self.state = State::Between;
                }
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b'"' if self.is_value_of_binary() => {
                self.text.pop();
                if self.attached.len() == API_CONTENTS_MAX {
                    return Err(Fault::too_large("too-many-documents", "the message has too many documents"));
                }
                let writer = Box::new(self.spool.writer());
                self.state = State::Binary { escaped: false, writer, base64: Base64::default() };
            }
            b'"' => self.state = State::Text { escaped: false, from: self.text.len() },
            b'{' | b'[' => {
                if self.names.len() == API_XML_DEPTH_MAX {
                    return Err(Fault::too_large("too-deep", "the message is nested too deeply"));
                }
                self.names.push(None);
            }
            b'}' | b']' => {
                self.names.pop();
            }
            b',' => {
                if let Some(last) = self.names.last_mut() {
                    *last = None;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether what begins here stands behind the name of a binary field and a colon.
    fn is_value_of_binary(&self) -> bool {
        let before = self.text.iter().rev().skip(1).find(|byte| !byte.is_ascii_whitespace());
        before == Some(&b':') && self.names.last().is_some_and(Option::is_some)
    }

    /// Takes base64 up to its quotation mark, and gives back the rest.
    fn binary<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Fault> {
        let State::Binary { escaped, writer, base64 } = &mut self.state else { return Ok(bytes) };
        let mut take = |bytes: &[u8]| writer.push(bytes).map_err(spooled);
        if *escaped {
            *escaped = false;
            let (first, rest) = bytes.split_at_checked(1).unwrap_or((bytes, &[]));
            match first {
                // JSON may write a slash as `\/`, and a line's end as `\n`.
                b"/" => base64.push::<Fault>(first, &mut take)?,
                b"n" | b"r" => {}
                _ => return Err(Fault::malformed("base64", "what should be base64 is not")),
            }
            return Ok(rest);
        }
        let end = scan::position(bytes, |byte| matches!(byte, b'"' | b'\\')).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        base64.push::<Fault>(text, &mut take)?;
        match rest.split_first() {
            Some((b'\\', rest)) => {
                *escaped = true;
                Ok(rest)
            }
            Some((_, rest)) => {
                base64.finish()?;
                let State::Binary { writer, .. } = std::mem::replace(&mut self.state, State::Between) else {
                    return Ok(rest);
                };
                let number = self.attached.len().to_string();
                self.text.extend_from_slice(number.as_bytes());
                self.attached.push((number, writer.finish().map_err(spooled)?));
                Ok(rest)
            }
            None => Ok(rest),
        }
    }

    /// The call, when all bytes have come. `parameters`: fields of the request that stand in its address or header.
    pub fn finish(self, parameters: &[(&str, &str)]) -> Result<Call, Fault> {
        if !matches!(self.state, State::Between) {
            return Err(Fault::malformed("json", "the body ends too early"));
        }
        json::call(self.operation, parameters, &self.text, self.attached, self.spool)
    }
}

fn collect(fields: &'static [Field], found: &mut BTreeSet<&'static str>) {
    for field in fields {
        if matches!(field.kind, Kind::Binary) {
            found.insert(field.name);
        }
        collect(field.members().unwrap_or_default(), found);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::table::{Service, operation};
    use crate::types::{SignBatchRequest, SignRequest};
    use base64_simd::STANDARD;

    /// The folder has to stay for as long as the call.
    fn spool() -> (tempfile::TempDir, Spool) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), 1 << 24, 1 << 24, 1 << 24).unwrap();
        (folder, spool)
    }

    fn read(name: &str, text: &[u8], step: usize, spool: &Spool) -> Result<Call, Fault> {
        let mut reader = JsonReader::new(operation(Service::SecPki, name).unwrap(), spool);
        text.chunks(step).try_for_each(|piece| reader.push(piece))?;
        reader.finish(&[])
    }

    fn bytes(call: &mut Call, reference: crate::value::BinaryRef) -> Vec<u8> {
        call.contents.take(reference).unwrap().bytes(1 << 24).unwrap().unwrap().to_vec()
    }

    #[test]
    fn documents_are_moved_out_wherever_the_pieces_end() {
        let (_folder, spool) = spool();
        let text = br#"{"profile":"a \"document\":\"x\"","documents":[
            {"document" : "aGVs\/+8=","reference":"document"}, {"document":"","original":"YW\nI="}]}"#;
        for step in 1..text.len() {
            let mut call = read("signBatch", text, step, &spool).unwrap();
            let request: SignBatchRequest = call.request().unwrap();
            assert_eq!(request.profile, "a \"document\":\"x\"");
            let [one, two] = request.documents.as_slice() else { panic!("{request:?}") };
            assert_eq!(one.reference.as_deref(), Some("document"));
            let contents = [one.document, two.document, two.original.unwrap()].map(|at| bytes(&mut call, at));
            assert_eq!(contents, [b"hel\xff\xef".to_vec(), Vec::new(), b"ab".to_vec()]);
        }
    }

    #[test]
    fn long_documents_are_decoded_while_they_come() {
        let (_folder, spool) = spool();
        let document: Vec<u8> = (0..400_000_u32).map(|at| (at * 7) as u8).collect();
        let text = format!("{{\"profile\":\"p\",\"document\":\"{}\"}}", STANDARD.encode_to_string(&document));
        for step in [1_000, 16_385, 1 << 20] {
            let mut call = read("sign", text.as_bytes(), step, &spool).unwrap();
            let request: SignRequest = call.request().unwrap();
            assert_eq!(bytes(&mut call, request.document), document);
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_a_reason() {
        let (_folder, spool) = spool();
        let deep = format!("{{\"profile\":{}", "[".repeat(API_XML_DEPTH_MAX + 1));
        let long = format!("{{\"profile\":\"{}\"}}", "a".repeat(API_XML_BYTES_MAX));
        for (text, code) in [
            ("{\"document\":\"a\",\"profile\":\"p\"}", "base64"),
            ("{\"document\":\"aGVsbG8\",\"profile\":\"p\"}", "base64"),
            ("{\"document\":\"a\\u0041==\",\"profile\":\"p\"}", "base64"),
            ("{\"document\":\"aGVsbG8=", "json"),
            ("{\"document\":\"aGVsbG8=\"", "json"),
            ("{\"profile\":\"p", "json"),
            // A number is no text: neither alone nor beside a document that has it.
            ("{\"profile\":\"p\",\"document\":0}", "attachment"),
            ("{\"profile\":\"p\",\"document\":\"YQ==\",\"original\":0}", "attachment"),
            ("{\"profile\":\"p\",\"document\":\"YQ==\",\"document\":\"YQ==\"}", "attachment"),
            (deep.as_str(), "too-deep"),
            (long.as_str(), "message-too-large"),
        ] {
            let fault = read("sign", text.as_bytes(), 4_096, &spool).unwrap_err();
            assert_eq!(fault.code, code, "{fault} for {}", text.get(..60).unwrap_or(text));
        }
    }
}
