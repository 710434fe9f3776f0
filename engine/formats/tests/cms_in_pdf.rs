//! The CMS inside PDF signatures, of every kind of key, as pyHanko and pdfsig see it.

#![allow(clippy::unwrap_used)]

mod cms_support;

use cms_support::{KINDS, now, profile, seal, signer, written};
use formats::{SignerTemplate, prepare};
use model::DigestAlgorithm;
use model::profile::Format;
use testkit::judge;
use testkit::pki::{KeyKind, Pki};

/// One empty page.
fn document() -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
    ];
    let mut pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = "xref\n0 4\n0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(objects) {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let start = pdf.len();
    let id = "<00112233445566778899AABBCCDDEEFF>";
    let trailer = format!("trailer\n<< /Size 4 /Root 1 0 R /ID [{id} {id}] >>\nstartxref\n{start}\n%%EOF\n");
    pdf.extend_from_slice((table + &trailer).as_bytes());
    pdf
}

#[test]
fn pyhanko_and_pdfsig_accept_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for kind in KINDS {
        let variants: &[(bool, DigestAlgorithm)] = match kind {
            KeyKind::Rsa2048 | KeyKind::Rsa3072 => {
                &[(false, DigestAlgorithm::Sha256), (true, DigestAlgorithm::Sha256), (true, DigestAlgorithm::Sha512)]
            }
            _ => &[(false, DigestAlgorithm::Sha256), (false, DigestAlgorithm::Sha384)],
        };
        for &(pss, digest) in variants {
            for format in [Format::Pades, Format::Pdf] {
                let profile = profile(format, digest, pss);
                let template = SignerTemplate::new(&signer(kind), &profile).unwrap();
                let original = document();
                let sealed = seal(kind, prepare(&original, &profile, &template, now()).unwrap());
                let file = folder.path().join(format!("{} {digest} {pss} {}.pdf", kind.name(), format.word()));
                std::fs::write(&file, written(&sealed, &original)).unwrap();
                files.push(file);
            }
        }
    }
    let verdicts = judge::pyhanko_judge(&files, &Pki::shared().root_pem()).unwrap();
    assert_eq!(verdicts.len(), files.len());
    for verdict in &verdicts {
        assert!(verdict.is_perfect(), "{verdict:?}");
    }
    for file in &files {
        // NSS, which does pdfsig's mathematics, has neither the brainpool curves nor Ed25519.
        if !["brainpool", "Ed25519"].iter().any(|kind| file.to_string_lossy().contains(kind)) {
            let verdicts = judge::pdfsig(file, None).unwrap();
            let perfect = verdicts.len() == 1 && verdicts[0].valid && verdicts[0].whole_document;
            assert!(perfect, "{}: {verdicts:?}", file.display());
        }
    }
}
