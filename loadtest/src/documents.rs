//! Makes the documents: each different, the same in every run, on all cores.

use crate::Content;
use anyhow::{Context, Result};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::pdf::{Numbers, Shape, invoice};

/// Writes `count` documents of about `bytes` bytes into `folder`: invoices, or bytes that look random. A PDF is never
/// shorter than its text and structure.
pub(crate) fn make(folder: &Path, count: usize, bytes: usize, content: Content) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            let seed = number as u64 + 1;
            let (name, content) = match content {
                Content::Pdf => (format!("rechnung-{number:06}.pdf"), invoice(seed, &Shape::of_bytes(bytes))),
                Content::Xml => (format!("rechnung-{number:06}.xml"), xml_invoice(seed, bytes)),
                Content::Random => (format!("beleg-{number:06}.bin"), Numbers::new(seed << 20).bytes(bytes)),
            };
            let path = folder.join(name);
            std::fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
    };
    crate::limit::on_threads(crate::limit::cores(), |_| work()).map(drop)
}

/// An invoice in the manner of UBL, as long as wanted by the number of its lines.
fn xml_invoice(number: u64, bytes: usize) -> Vec<u8> {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ubl:Invoice xmlns:ubl=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\"\n    \
         xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\"\n    \
         xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\">\n  \
         <cbc:ID>R-{number:08}</cbc:ID>\n  <cbc:IssueDate>2026-11-24</cbc:IssueDate>\n"
    );
    let mut line = 1;
    while text.len() < bytes {
        let (price, count) = (number * 31 % 9_973 + line, line % 17 + 1);
        text += &format!(
            "  <cac:InvoiceLine>\n    <cbc:ID>{line}</cbc:ID>\n    <cbc:InvoicedQuantity unitCode=\"XPP\">{count}\
             </cbc:InvoicedQuantity>\n    <cbc:LineExtensionAmount currencyID=\"EUR\">{}.{:02}\
             </cbc:LineExtensionAmount>\n    <cac:Item>\n      <cbc:Name>Kanzleipapier &amp; Umschläge, Sorte {price}\
             </cbc:Name>\n    </cac:Item>\n  </cac:InvoiceLine>\n",
            price * count,
            price % 100
        );
        line += 1;
    }
    text += "</ubl:Invoice>\n";
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn documents_differ_and_have_the_length_asked_for() {
        for content in [Content::Pdf, Content::Xml, Content::Random] {
            let folder = tempfile::tempdir().unwrap();
            make(folder.path(), 5, 20_000, content).unwrap();
            let files = crate::home::files(folder.path()).unwrap();
            let contents: std::collections::BTreeSet<Vec<u8>> =
                files.iter().map(|file| std::fs::read(file).unwrap()).collect();
            assert_eq!((files.len(), contents.len()), (5, 5));
            let slack = if content == Content::Xml { 1_000 } else { 0 };
            assert!(contents.iter().all(|content| (20_000..=20_000 + slack).contains(&content.len())));
            assert_eq!(contents.iter().all(|bytes| bytes.starts_with(b"%PDF-")), content == Content::Pdf);
            assert_eq!(contents.iter().all(|bytes| bytes.starts_with(b"<?xml")), content == Content::Xml);
        }
    }
}
