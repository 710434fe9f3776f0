//! The description of the REST door (OpenAPI 3.1), from the one table of operations. Nothing in it is written by hand
//! twice: what is not in the table is not in it.

use serde_json::{Map, Value, json};
use soap::fault::FaultDetail;
use soap::message::{Field, Kind, Message, Record};
use soap::table::{OPERATIONS, Operation, Service};

/// The operations that the REST door has.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.service == Service::SecPki)
}

/// Whether repeating a request with the same key gives the same answer.
pub fn takes_key(operation: &Operation) -> bool {
    operation.request_field(KEY_FIELD).is_some()
}

/// The member of requests that the header `Idempotency-Key` stands for.
pub const KEY_FIELD: &str = "idempotencyKey";

/// The description. `address`: where the server is called, with `/v1`.
pub fn document(address: &str) -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for operation in operations() {
        add(&mut schemas, &operation.request);
        add(&mut schemas, &operation.response);
        paths.insert(format!("/{}", operation.name), json!({ "post": path(operation) }));
    }
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sealmill",
            "version": "1",
            "summary": "Signs, verifies, encrypts and archives documents.",
            "description": "The operations of the SOAP interface with JSON bodies. Binary members are base64. Members that \
                            an answer does not show are absent; further members may be added to answers.",
        },
        "servers": [{ "url": address }],
        "security": [{ "basic": [] }, { "certificate": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User and password. The header X-AuthorizeOrg (base64 of the tenant's short name) says \
                                    whose user it is; without it, the server's own tenant's.",
                },
                "certificate": { "type": "mutualTLS", "description": "A certificate that is registered for the user." },
            },
        },
    })
}

fn path(operation: &Operation) -> Value {
    let rights: Vec<&str> = operation.needs.iter().map(|need| need.function.word()).collect();
    let rights = match rights.is_empty() {
        true => "Every user may call it.".to_owned(),
        false => format!("Rights needed: {}.", rights.join(", ")),
    };
    let mut said = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "description": rights,
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": reference(&operation.request) } },
        },
        "responses": {
            "200": {
                "description": operation.response.doc.trim(),
                "content": { "application/json": { "schema": reference(&operation.response) } },
            },
            "503": {
                "description": "The server is busy; ask again after the time of the header Retry-After.",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
            "default": {
                "description": "Why there is no answer.",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
        },
    });
    if let (true, Some(members)) = (takes_key(operation), said.as_object_mut()) {
        let parameter = json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "The same key with the same request gives the same answer again.",
            "schema": { "type": "string", "maxLength": 128 },
        });
        members.insert("parameters".to_owned(), json!([parameter]));
    }
    said
}

fn reference(record: &Record) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", record.name) })
}

/// Adds a record and those that it uses.
fn add(schemas: &mut Map<String, Value>, record: &Record) {
    if schemas.contains_key(record.name) {
        return;
    }
    let members = record.fields.iter().map(|field| (field.name.to_owned(), member(field)));
    let required: Vec<&str> = record.fields.iter().filter(|field| field.min > 0).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": record.doc.trim(),
        "properties": members.collect::<Map<_, _>>(),
    });
    if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schemas.insert(record.name.to_owned(), schema);
    for field in record.fields {
        if let Kind::Record(record) = field.kind {
            add(schemas, record);
        }
    }
}

fn member(field: &Field) -> Value {
    let one = match field.kind {
        Kind::Text(max) => json!({ "type": "string", "maxLength": max }),
        Kind::Secret(max) => json!({ "type": "string", "maxLength": max, "format": "password" }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Record(record) => reference(record),
    };
    let mut said = match field.is_list() {
        true => json!({ "type": "array", "items": one, "minItems": field.min, "maxItems": field.max }),
        false => one,
    };
    if let Some(members) = said.as_object_mut() {
        members.insert("description".to_owned(), json!(field.doc.trim()));
    }
    said
}

/// RFC 9457, with what faults of the SOAP interface say in their detail.
fn problem() -> Value {
    let mut properties = json!({
        "type": { "type": "string", "description": "Names the kind of problem." },
        "title": { "type": "string", "description": "The word for programs." },
        "status": { "type": "integer", "description": "The HTTP status." },
        "detail": { "type": "string", "description": "The sentence for people." },
        "instance": { "type": "string", "description": "Names this call in the server's log." },
    });
    if let Some(properties) = properties.as_object_mut() {
        for field in FaultDetail::RECORD.fields.iter().filter(|field| matches!(field.name, "Status" | "Retryable")) {
            let name = match field.name {
                "Status" => "code",
                _ => "retryable",
            };
            properties.insert(name.to_owned(), member(field));
        }
    }
    json!({ "type": "object", "description": "Why there is no answer (RFC 9457).", "properties": properties })
}
