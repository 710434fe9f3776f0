//! Compiles the PKCS#11 test modules of `testkit/shim` with the C compiler; what they do is described there.

use crate::tools;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Compiles `testkit/shim/<name>.c` to a shared library in `folder` and gives its path.
pub fn compile(name: &str, folder: &Path) -> Result<PathBuf> {
    let source = tools::workspace_root().join("testkit/shim").join(format!("{name}.c"));
    compile_source(&source, folder)
}

/// Compiles `testkit/shim/shim.c`, the module that counts calls, hangs or crashes as its environment says.
pub fn shim(folder: &Path) -> Result<PathBuf> {
    compile("shim", folder)
}

/// Compiles any single C file to a shared library in `folder`.
pub fn compile_source(source: &Path, folder: &Path) -> Result<PathBuf> {
    let stem = source.file_stem().context("a source file has a name")?;
    let library = folder.join(format!("lib{}.so", stem.to_string_lossy()));
    let paths = [library.to_string_lossy().into_owned(), source.to_string_lossy().into_owned()];
    let options = ["-shared", "-fPIC", "-O1", "-g", "-Wall", "-o", &paths[0], &paths[1], "-ldl", "-lpthread"];
    tools::run_ok("cc", options)?;
    Ok(library)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn c_becomes_a_library_and_an_error_shows_the_compilers_words() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.c");
        std::fs::write(&good, "int answer(void) { return 42; }\n").unwrap();
        let library = compile_source(&good, folder.path()).unwrap();
        assert!(std::fs::read(library).unwrap().starts_with(b"\x7fELF"));
        let bad = folder.path().join("bad.c");
        std::fs::write(&bad, "int answer(void) { return nothing; }\n").unwrap();
        assert!(compile_source(&bad, folder.path()).unwrap_err().to_string().contains("nothing"));
    }
}
