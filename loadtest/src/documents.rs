//! Makes the documents: each different, the same in every run, on all cores.

use anyhow::{Context, Result};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::pdf::{Numbers, Shape, invoice};

/// Writes `count` documents of `bytes` bytes into `folder`: invoices, or bytes that look random. A PDF is never
/// shorter than its text and structure.
pub(crate) fn make(folder: &Path, count: usize, bytes: usize, pdf: bool) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            let seed = number as u64 + 1;
            let (name, content) = match pdf {
                true => (format!("rechnung-{number:06}.pdf"), invoice(seed, &Shape::of_bytes(bytes))),
                false => (format!("beleg-{number:06}.bin"), Numbers::new(seed << 20).bytes(bytes)),
            };
            let path = folder.join(name);
            std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
    };
    crate::limit::on_threads(crate::limit::cores(), |_| work()).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn documents_differ_and_have_the_length_asked_for() {
        for pdf in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path(), 5, 20_000, pdf).unwrap();
            let files = crate::home::files(folder.path()).unwrap();
            let contents: std::collections::BTreeSet<Vec<u8>> =
                files.iter().map(|file| std::fs::read(file).unwrap()).collect();
            assert_eq!((files.len(), contents.len()), (5, 5));
            assert!(contents.iter().all(|content| content.len() == 20_000));
            assert_eq!(contents.iter().all(|content| content.starts_with(b"%PDF-")), pdf);
        }
    }
}
