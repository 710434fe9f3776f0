//! Requests as JSON: an object with the names and the checks of the table, bytes as base64 text.

use crate::content::{Content, MessageSpool, Spool};
use crate::fault::Fault;
use crate::message::{Field, Kind};
use crate::read::walk::{Met, Walk};
use crate::read::{Call, JsonReader, Shape, Version, join};
use crate::table::Operation;
use serde_json::Value;

/// Reads a request for this operation. The body is one JSON object, or empty for none; `parameters` are fields of the request
/// that stand in the address, and win over those of the body only by being the only ones.
pub fn read(
    operation: &'static Operation,
    parameters: &[(&str, &str)],
    body: &[u8],
    spool: &Spool,
) -> Result<Call, Fault> {
    let mut reader = JsonReader::new(operation, spool);
    reader.push(body)?;
    reader.finish(parameters)
}

/// The call of a body whose documents were moved out: their numbers stand in their places.
pub(super) fn call(
    operation: &'static Operation,
    parameters: &[(&str, &str)],
    body: &[u8],
    attached: Vec<(String, Content)>,
    message: MessageSpool,
) -> Result<Call, Fault> {
    let mut value = if body.iter().all(u8::is_ascii_whitespace) {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(body).map_err(|_| Fault::malformed("json", "the body is not JSON"))?
    };
    let Value::Object(object) = &mut value else {
        return Err(Fault::malformed("json", "the body is not a JSON object"));
    };
    for (name, text) in parameters {
        let field = operation.request_field(name).ok_or_else(|| unknown(name))?;
        let value = match field.kind {
            Kind::Int(..) => text.parse::<i64>().map_or_else(|_| Value::from(*text), Value::from),
            Kind::Flag => text.parse::<bool>().map_or_else(|_| Value::from(*text), Value::from),
            _ => Value::from(*text),
        };
        let value = if field.is_list() { Value::Array(vec![value]) } else { value };
        if object.insert((*name).to_owned(), value).is_some() {
            return Err(Fault::malformed("too-often", format!("{} is there twice", field.name)));
        }
    }
    let mut walk = Walk::new(operation, message.clone());
    group(&mut walk, operation.request.fields, &value)?;
    walk.leave()?;
    let walked = walk.finish()?;
    Ok(Call {
        operation,
        version: Version::Soap11,
        shape: Shape::Json,
        mtom: false,
        token: None,
        contents: join(walked.slots, attached)?,
        namespace: operation.service.namespace().to_owned(),
        body: walked.body,
        objects: walked.objects,
        spool: message,
    })
}

fn group(walk: &mut Walk, fields: &'static [Field], value: &Value) -> Result<(), Fault> {
    let Value::Object(object) = value else {
        return Err(Fault::malformed("json", "an object was expected"));
    };
    if let Some(name) = object.keys().find(|name| !fields.iter().any(|field| field.name == **name)) {
        return Err(unknown(name));
    }
    for field in fields {
        match object.get(field.name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(values)) if field.is_list() => {
                values.iter().try_for_each(|value| element(walk, field, value))?;
            }
            Some(_) if field.is_list() => {
                return Err(Fault::malformed("json", format!("{} has to be an array", field.name)));
            }
            Some(value) => element(walk, field, value)?,
        }
    }
    Ok(())
}

fn element(walk: &mut Walk, field: &'static Field, value: &Value) -> Result<(), Fault> {
    walk.enter(Met { local: field.name, is_qualified: true, is_foreign: false, is_nil: false })?;
    match (field.kind, value) {
        (Kind::Record(record), _) => group(walk, record.fields, value)?,
        (Kind::Int(..), Value::Number(number)) => walk.text(&number.to_string())?,
        (Kind::Flag, Value::Bool(flag)) => walk.text(if *flag { "true" } else { "false" })?,
        (Kind::Text(_) | Kind::Secret(_) | Kind::Word(_) | Kind::Time, Value::String(text)) => walk.text(text)?,
        (Kind::Binary, Value::String(text)) => walk.text(text)?,
        (Kind::Binary, Value::Number(number)) => {
            walk.enter_include(number.to_string())?;
            walk.leave()?;
        }
        (kind, _) => {
            let wanted = match kind {
                Kind::Int(..) => "a number",
                Kind::Flag => "true or false",
                _ => "a string",
            };
            return Err(Fault::malformed("json", format!("{} has to be {wanted}", field.name)));
        }
    }
    walk.leave()
}

fn unknown(name: &str) -> Fault {
    let shown: String = name.chars().take(64).collect();
    Fault::malformed("unknown-element", format!("there is no {shown} in this request"))
}
