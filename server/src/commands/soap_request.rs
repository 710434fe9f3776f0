//! `sealmill soap-request`: one call of a running server, for trying.
//!
//! Builds the request from the same table as the server, sends it, and shows the answer. Documents of the answer go into
//! files; nothing of this is part of the server.

use super::call::Call;
use super::{EXIT_DONE, EXIT_REJECTED, say};
use crate::cli::SoapRequest;
use anyhow::{Context, bail};
use base64_simd::STANDARD;
use soap::message::{Field, Kind};
use soap::read::Version;
use soap::table::{OPERATIONS, Operation, Service, operation};
use soap::{sample, wsdl};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
pub fn run(arguments: &SoapRequest) -> anyhow::Result<ExitCode> {
    let Some(operation) = operation(Service::SecPki, &arguments.operation) else {
        let known: Vec<_> =
            OPERATIONS.iter().filter(|one| one.service == Service::SecPki).map(|one| one.name).collect();
        bail!("there is no operation {}; there are: {}", arguments.operation, known.join(", "));
    };
    let version = if arguments.soap12 { Version::Soap12 } else { Version::Soap11 };
    let message = message(operation, version, arguments)?;
    if arguments.show {
        say(&message);
        return Ok(ExitCode::from(EXIT_DONE));
    }
    let call = Call::new(&arguments.call)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let (status, body) = runtime.block_on(send(&call, operation, version, message))?;
    let answer = String::from_utf8_lossy(&body);
    say(&documents_to_files(&answer, operation.response.fields, &arguments.output)?);
    Ok(ExitCode::from(if (200..300).contains(&status) { EXIT_DONE } else { EXIT_REJECTED }))
}

fn message(operation: &Operation, version: Version, arguments: &SoapRequest) -> anyhow::Result<String> {
    let mut values: Vec<(String, String)> = Vec::new();
    for set in &arguments.set {
        let (name, value) = set.split_once('=').with_context(|| format!("--set {set}: write NAME=VALUE"))?;
        values.push((name.to_owned(), value.to_owned()));
    }
    for file in &arguments.file {
        let (field, path) = binary_field(operation, file)?;
        let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        values.push((field, STANDARD.encode_to_string(&bytes)));
        // The name that results are named after, unless another one was given.
        if let (Some(_), Some(name)) = (operation.request_field("documentName"), path.file_name())
            && !values.iter().any(|(known, _)| known == "documentName")
        {
            values.push(("documentName".to_owned(), name.to_string_lossy().into_owned()));
        }
    }
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sample::filled(operation, version, &values).map_err(|fault| anyhow::anyhow!(fault.sentence))
}

/// `FIELD=PATH`, or a path alone for the first field that takes bytes.
fn binary_field(operation: &Operation, text: &str) -> anyhow::Result<(String, PathBuf)> {
    if let Some((field, path)) = text.split_once('=')
        && field.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        return Ok((field.to_owned(), PathBuf::from(path)));
    }
    match first_binary(operation.request.fields) {
        Some(field) => Ok((field, PathBuf::from(text))),
        None => bail!("{} takes no file", operation.name),
    }
}

fn first_binary(fields: &[Field]) -> Option<String> {
    fields.iter().find_map(|field| match field.kind {
        Kind::Binary => Some(field.name.to_owned()),
        Kind::Record(record) => first_binary(record.fields).map(|inner| format!("{}.{inner}", field.name)),
        _ => None,
    })
}

async fn send(call: &Call, operation: &Operation, version: Version, message: String) -> anyhow::Result<(u16, Vec<u8>)> {
    let action = wsdl::action(operation);
    let (media, action) = match version {
        Version::Soap11 => ("text/xml; charset=utf-8".to_owned(), format!("\"{action}\"")),
        Version::Soap12 => (format!("application/soap+xml; charset=utf-8; action=\"{action}\""), String::new()),
    };
    let mut fields = vec![("Content-Type", media.as_str())];
    if version == Version::Soap11 {
        fields.push(("SOAPAction", action.as_str()));
    }
    call.send(&fields, message).await
}

/// Writes the documents of an answer into files of this folder, and says where each is in its place.
fn documents_to_files(answer: &str, fields: &[Field], folder: &Path) -> anyhow::Result<String> {
    let mut text = answer.to_owned();
    for field in fields {
        match field.kind {
            Kind::Binary => text = field_to_files(&text, field.name, folder)?,
            Kind::Record(record) => text = documents_to_files(&text, record.fields, folder)?,
            _ => {}
        }
    }
    Ok(text)
}

fn field_to_files(text: &str, field: &str, folder: &Path) -> anyhow::Result<String> {
    let (open, close) = (format!("<{field}>"), format!("</{field}>"));
    let (mut shown, mut rest, mut number) = (String::new(), text, 0_u32);
    while let Some((before, behind)) = rest.split_once(&open) {
        let Some((base64, after)) = behind.split_once(&close) else { break };
        let bytes = STANDARD.decode_to_vec(base64).with_context(|| format!("{field} is not base64"))?;
        let path = (number..).map(|number| folder.join(file_name(field, number))).find(|path| !path.exists());
        let path = path.context("there is no free file name")?;
        number += 1;
        std::fs::write(&path, &bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        shown.push_str(&format!("{before}{open}[{} bytes: {}]{close}", bytes.len(), path.display()));
        rest = after;
    }
    shown.push_str(rest);
    Ok(shown)
}

fn file_name(field: &str, number: u32) -> String {
    match number {
        0 => format!("{field}.bin"),
        number => format!("{field}-{number}.bin"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn documents_of_an_answer_go_into_files_that_are_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Signature.bin"), "mine").unwrap();
        let answer = "<a><Signature>YWI=</Signature><Text>x</Text><Signature>Y2Q=</Signature></a>";
        let shown = field_to_files(answer, "Signature", folder.path()).unwrap();
        assert!(shown.contains("[2 bytes: ") && shown.contains("<Text>x</Text>") && !shown.contains("YWI="), "{shown}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!([read("Signature.bin"), read("Signature-1.bin"), read("Signature-2.bin")], ["mine", "ab", "cd"]);
    }

    #[test]
    fn a_file_goes_into_the_field_that_is_named_or_the_first_one_for_bytes() {
        let field = |name: &str, text: &str| {
            let (field, path) = binary_field(operation(Service::SecPki, name).unwrap(), text)?;
            Ok::<_, anyhow::Error>((field, path.display().to_string()))
        };
        let pair = |field: &str, path: &str| (field.to_owned(), path.to_owned());
        assert_eq!(field("sign", "a.pdf").unwrap(), pair("document", "a.pdf"));
        assert_eq!(field("sign", "original=a.pdf").unwrap(), pair("original", "a.pdf"));
        assert_eq!(field("sign", "./a=b.pdf").unwrap(), pair("document", "./a=b.pdf"));
        assert_eq!(field("signBatch", "a.pdf").unwrap(), pair("documents.document", "a.pdf"));
        assert!(field("echo", "a.pdf").is_err());
    }
}
