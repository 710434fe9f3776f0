//! Answers and faults as JSON.

use super::{Answer, Piece, Reply, WriteError};
use crate::fault::Fault;
use crate::message::{Field, Kind};
use crate::read::Contents;
use crate::value::BinaryRef;
use serde_json::{Value, json};

pub(super) fn answer(reply: &Reply) -> Result<Answer, WriteError> {
    let value = reply.body.json()?;
    let mut body = Body { contents: &reply.contents, pieces: Vec::new() };
    body.group(reply.body.record().fields, &value)?;
    Ok(Answer::new(200, "application/json", body.pieces))
}

struct Body<'b> {
    contents: &'b Contents,
    pieces: Vec<Piece>,
}

impl Body<'_> {
    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Bytes(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ => self.pieces.push(Piece::Bytes(text.as_bytes().to_vec())),
        }
    }

    fn group(&mut self, fields: &'static [Field], value: &Value) -> Result<(), WriteError> {
        self.text("{");
        let mut between = "";
        for field in fields {
            let Some(value) = value.get(field.name) else { continue };
            self.text(&format!("{between}\"{}\":", field.name));
            between = ",";
            match value {
                Value::Array(values) => {
                    self.text("[");
                    for (index, value) in values.iter().enumerate() {
                        self.text(if index == 0 { "" } else { "," });
                        self.element(field, value)?;
                    }
                    self.text("]");
                }
                value => self.element(field, value)?,
            }
        }
        self.text("}");
        Ok(())
    }

    fn element(&mut self, field: &'static Field, value: &Value) -> Result<(), WriteError> {
        match field.kind {
            Kind::Record(record) => self.group(record.fields, value),
            Kind::Binary => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                let content = number.and_then(|number| self.contents.get(BinaryRef(number)));
                let content = content.ok_or(WriteError::NoContent)?.clone();
                self.text("\"");
                self.pieces.push(Piece::Base64(content));
                self.text("\"");
                Ok(())
            }
            _ => {
                self.text(&serde_json::to_string(value)?);
                Ok(())
            }
        }
    }
}

/// A fault as an object of RFC 9457, with the members of the detail of SOAP beside.
pub fn problem(fault: &Fault) -> Value {
    let detail = fault.detail();
    json!({
        "type": format!("urn:sealmill:fault:{}", fault.code),
        "title": fault.code,
        "status": fault.http,
        "detail": fault.sentence,
        "statusNumber": fault.status,
        "correlationId": detail.correlation_id,
        "retryable": detail.retryable,
        "retryAfter": detail.retry_after,
    })
}

/// A fault for REST.
pub fn fault_json(fault: &Fault) -> Answer {
    let bytes = problem(fault).to_string().into_bytes();
    let mut answer = Answer::new(fault.http, "application/problem+json", vec![Piece::Bytes(bytes)]);
    if let Some(seconds) = fault.retry_after_seconds {
        answer.headers.push(("Retry-After", seconds.to_string()));
    }
    answer
}
