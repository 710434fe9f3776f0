//! What libxml2 says: through xmllint for whole documents, through lxml for well-formedness and XPath.

use model::profile::{CanonicalVersion, Canonicalization};
use std::path::PathBuf;
use std::process::Command;
use testkit::tools;

/// The canonical forms that xmllint makes, always with comments, and how it is asked for them.
pub(crate) const FORMS: [(&str, CanonicalVersion); 3] = [
    ("--c14n", CanonicalVersion::V1_0),
    ("--c14n11", CanonicalVersion::V1_1),
    ("--exc-c14n", CanonicalVersion::Exclusive),
];

/// A canonical form with its comments.
pub(crate) fn with_comments(version: CanonicalVersion) -> Canonicalization {
    Canonicalization { version, comments: true, inclusive_prefixes: Vec::new() }
}

/// The canonical forms of these files, one behind the other without anything between them; nothing for a file that
/// xmllint refuses.
pub(crate) fn xmllint(form: &str, files: &[PathBuf]) -> Vec<u8> {
    let mut command = Command::new("xmllint");
    command.args(["--huge", "--nonet", form]).args(files);
    command.output().expect("xmllint is not installed; `make test` installs what the tests need").stdout
}

/// Runs `judge.py` with an argument and gives it a text; gives back its lines.
pub(crate) fn lxml(what: &str, input: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input.json");
    std::fs::write(&file, input).unwrap();
    let script = tools::workspace_root().join("engine/formats/tests/xml_core/judge.py");
    let python = tools::python().unwrap();
    let said = tools::ok("python", Command::new(python).arg(script).arg(what).arg(file)).unwrap();
    said.lines().map(str::to_owned).collect()
}
