//! The description of the REST door that is committed is what the table says, and one that OpenAPI 3.1 knows.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use server::api::openapi;
use std::collections::BTreeSet;
use testkit::tools::workspace_root;

fn document() -> Value {
    openapi::document("https://localhost:25100/v1")
}

#[test]
fn the_committed_description_is_what_the_table_says() {
    let path = workspace_root().join("wsdl/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("SEALMILL_WRITE_WSDL").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "SEALMILL_WRITE_WSDL=1 cargo test -p server --test openapi writes wsdl/openapi.json anew"
    );
}

#[test]
fn every_operation_is_there_and_every_reference_leads_somewhere() {
    let document = document();
    let paths: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected: BTreeSet<String> = openapi::operations().map(|operation| format!("/{}", operation.name)).collect();
    assert_eq!(paths, expected.iter().map(String::as_str).collect());
    assert!(paths.contains("/sign") && paths.len() > 30, "{paths:?}");

    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in &references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{reference}");
    }
    for name in schemas.keys() {
        assert!(references.contains(&format!("#/components/schemas/{name}")), "nobody refers to {name}");
    }
    let sign = &schemas["SignRequest"];
    assert_eq!(sign["properties"]["document"]["contentEncoding"], "base64");
    assert_eq!(sign["required"], serde_json::json!(["document", "profile"]));
    assert_eq!(document["paths"]["/sign"]["post"]["parameters"][0]["name"], "Idempotency-Key");
    assert!(document["paths"]["/echo"]["post"]["parameters"].is_null());
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                references.insert(reference.clone());
            }
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
