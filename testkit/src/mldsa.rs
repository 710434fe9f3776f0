//! ML-DSA-65 by another implementation: keys, certificates and verdicts of OpenSSL 4, which the pinned python package
//! `cryptography` carries (Debian's OpenSSL and BouncyCastle do not know it yet).

use crate::tools;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// The password of `encrypted.pem`.
pub const PASSWORD: &str = "geheim";

/// Makes a key with its self-signed certificate in a folder: `key.pem` (PKCS#8, the seed), `encrypted.pem` and
/// `certificate.pem`.
pub fn make(folder: &Path) -> Result<()> {
    script(&[OsStr::new("make"), folder.as_os_str()]).map(drop)
}

/// Checks all signatures of a CMS message as RFC 9882 says, and gives their number; an error if one is wrong.
pub fn judge(message: &Path, content: Option<&Path>) -> Result<u64> {
    let mut arguments = vec![OsStr::new("judge"), message.as_os_str()];
    arguments.extend(content.map(Path::as_os_str));
    script(&arguments)?.trim().parse().context("read the number of signers")
}

/// Checks a signature value over a message with the key of a certificate; an error if it is wrong. All are files.
pub fn check_value(certificate_pem: &Path, message: &Path, value: &Path) -> Result<()> {
    let files = [certificate_pem, message, value].map(Path::as_os_str);
    script(&[&[OsStr::new("value")], &files[..]].concat()).map(drop)
}

fn script(arguments: &[&OsStr]) -> Result<String> {
    let python = tools::python()?;
    let path = tools::workspace_root().join("testkit/python/mldsa.py");
    tools::ok(&python.to_string_lossy(), Command::new(&python).arg(path).args(arguments))
}
