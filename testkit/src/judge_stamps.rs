//! What foreign programs think of time stamps and evidence records: openssl of tokens, a program on asn1crypto of hash
//! trees.
//!
//! Only asks and reports. Which verdict a test needs is the test's business.

use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An element of DER, as `openssl asn1parse` lists it.
#[derive(Clone, Debug)]
struct Element {
    depth: usize,
    /// Where it begins, and where its content begins and ends.
    start: usize,
    content: usize,
    end: usize,
    text: String,
}

/// A signature time stamp in a CMS message (RFC 5126 attribute `id-aa-signatureTimeStampToken`).
#[derive(Clone, Debug)]
pub struct SignatureStamp {
    /// The signature value that it should cover.
    pub signature: Vec<u8>,
    /// The token, as it lies in the message.
    pub token: Vec<u8>,
}

/// The signature time stamps in a CMS message in DER, in the order in which they lie there, found by `openssl asn1parse`.
pub fn signature_stamps(message: &Path) -> Result<Vec<SignatureStamp>> {
    let bytes = std::fs::read(message)?;
    let elements = elements(message)?;
    let part = |range: std::ops::Range<usize>| bytes.get(range).map(<[u8]>::to_vec).context("asn1parse beyond the end");
    let mut stamps = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        if !element.text.contains("id-smime-aa-timeStampToken") {
            continue;
        }
        // The attribute lies in [1], whose elder sibling is the signature value.
        let depth = element.depth.checked_sub(2).context("an attribute outside of a list")?;
        let before = elements[..index].iter().rev().filter(|other| other.depth == depth);
        let signature = before.clone().find(|other| other.text.contains("OCTET STRING"));
        let signature = signature.context("no signature value before the attribute")?;
        let token = elements[index..].iter().find(|other| other.depth == element.depth + 1).context("no token")?;
        stamps.push(SignatureStamp {
            signature: part(signature.content..signature.end)?,
            token: part(token.start..token.end)?,
        });
    }
    Ok(stamps)
}

/// `openssl ts -verify` of a token over this data.
pub fn verify_token(token: &Path, data: &Path, ca_pem: &Path) -> Result<()> {
    verify(token, &["-data".as_ref(), data.as_os_str()], ca_pem)
}

/// As [`verify_token`], over a hash value in hexadecimal digits.
pub fn verify_token_over_hash(token: &Path, hash: &str, ca_pem: &Path) -> Result<()> {
    verify(token, &["-digest".as_ref(), hash.as_ref()], ca_pem)
}

fn verify(token: &Path, over: &[&OsStr], ca_pem: &Path) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-token_in", "-in"]).arg(token).arg("-CAfile").arg(ca_pem).args(over);
    tools::ok("openssl", &mut command).map(drop)
}

/// An evidence record (RFC 4998) that was checked against its object.
#[derive(Clone, Debug)]
pub struct Record {
    /// The hash tree leads from the object to the imprint of the time stamp.
    pub holds: bool,
    /// The imprint, in hexadecimal digits.
    pub imprint: String,
    /// The number of hashes in each list of the reduced hash tree.
    pub lists: Vec<u64>,
    /// Where the time-stamp token was put.
    pub token: PathBuf,
}

/// Checks evidence records, each over its object (`(record, object)`); puts their tokens into `folder`.
pub fn evidence_records(pairs: &[(PathBuf, PathBuf)], folder: &Path) -> Result<Vec<Record>> {
    let python = tools::python()?;
    let script = tools::workspace_root().join("testkit/python/judge_ers.py");
    let mut records = Vec::new();
    // A command line has an end; thousands of files go in several.
    for some in pairs.chunks(300) {
        let tokens: Vec<PathBuf> =
            (0..some.len()).map(|number| folder.join(format!("{}.tst", records.len() + number))).collect();
        let mut command = Command::new(&python);
        command.arg(&script);
        for ((record, object), token) in some.iter().zip(&tokens) {
            command.args([record, object, token]);
        }
        let out = tools::ok(&python.to_string_lossy(), &mut command)?;
        ensure!(out.lines().count() == some.len(), "judge_ers.py says {out}");
        for (line, token) in out.lines().zip(tokens) {
            let line: Value = serde_json::from_str(line).with_context(|| format!("read {line}"))?;
            if let Some(error) = line["error"].as_str() {
                bail!("{}: {error}", line["file"]);
            }
            let lists = line["lists"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
            let imprint = line["imprint"].as_str().unwrap_or_default().to_owned();
            records.push(Record { holds: line["holds"] == true, imprint, lists, token });
        }
    }
    Ok(records)
}

fn elements(file: &Path) -> Result<Vec<Element>> {
    let mut command = Command::new("openssl");
    let out = tools::ok("openssl", command.args(["asn1parse", "-inform", "DER", "-in"]).arg(file))?;
    out.lines().map(|line| element(line).with_context(|| format!("read {line}"))).collect()
}

/// `   57:d=3  hl=2 l=   9 prim: OBJECT            :pkcs7-signedData`
fn element(line: &str) -> Option<Element> {
    let (start, rest) = line.split_once(":d=")?;
    let (depth, rest) = rest.split_once("hl=")?;
    let (header, rest) = rest.split_once(" l=")?;
    let rest = rest.trim_start();
    let (length, text) = rest.split_once(' ')?;
    let start: usize = start.trim().parse().ok()?;
    let content = start + header.trim().parse::<usize>().ok()?;
    let end = content + length.parse::<usize>().ok()?;
    Some(Element { depth: depth.trim().parse().ok()?, start, content, end, text: text.to_owned() })
}
