//! Finds the folder of real files that nobody of this project wrote. They are read in place and never copied.

use crate::tools::workspace_root;
use std::path::{Path, PathBuf};

/// The folder of one set (`pdf-real`, `xml-invoices`, …), or `None` with a loud line on standard error.
///
/// `SEALMILL_CORPORA` names the folder of all sets; the default lies beside the workspace.
pub fn corpora(set: &str) -> Option<PathBuf> {
    let all =
        std::env::var_os("SEALMILL_CORPORA").map_or_else(|| workspace_root().join("../shared/corpora"), PathBuf::from);
    let folder = all.join(set);
    if folder.is_dir() {
        return Some(folder);
    }
    #[allow(clippy::print_stderr)] // a test that did not run must not look like one that did
    {
        eprintln!("NOT RUN: corpora absent: {} (set SEALMILL_CORPORA)", folder.display());
    }
    None
}

/// What bare base64, or the first certificate or else the first block of PEM, stands for.
pub fn unarmoured(text: &str) -> Vec<u8> {
    let text = text.split_once("-----BEGIN CERTIFICATE-----").map_or(text, |(_, block)| block);
    let text = text.split("-----END").next().unwrap_or_default();
    let joined: String = text.lines().filter(|line| !line.starts_with("---")).map(str::trim).collect();
    openssl::base64::decode_block(&joined).unwrap_or_default()
}

/// All files below a folder whose names end in `.extension` (any case), sorted, so that runs are alike.
pub fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_absent_set_is_none_and_files_are_found_in_any_case() {
        assert!(corpora("no-such-set").is_none());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        for name in ["b.pdf", "deep/A.PDF", "c.txt"] {
            std::fs::write(folder.path().join(name), b"x").unwrap();
        }
        let found = files_below(folder.path(), "pdf");
        assert_eq!(found, [folder.path().join("b.pdf"), folder.path().join("deep/A.PDF")]);
    }
}
