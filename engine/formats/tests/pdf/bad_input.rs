//! Files that are no proper PDFs: refused with a code, quickly, and never with a panic.

use crate::forms::pdf;
use crate::support::{Pieces, options, profile, refusal, signer};
use model::Time;
use proptest::prelude::*;
use std::time::{Duration, Instant};
use testkit::pdf::{Form, Shape, evil, invoice};
use testkit::pki::KeyKind;

#[test]
fn evil_files_are_refused_in_no_time() {
    let signer = signer(KeyKind::P256);
    for (name, bytes) in evil() {
        let start = Instant::now();
        match signer.sign(&bytes, &profile(options())) {
            Ok(_) => eprintln!("{name}: signed"),
            Err(error) => eprintln!("{name}: {error}"),
        }
        let pieces = signer.sign_source(&Pieces(&bytes), &profile(options()));
        assert_eq!(pieces.is_ok(), signer.sign(&bytes, &profile(options())).is_ok(), "{name}");
        assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
    }
}

#[test]
fn what_is_no_pdf_is_called_so() {
    let signer = signer(KeyKind::P256);
    let refuse = |bytes: &[u8]| refusal(signer.sign(bytes, &profile(options())));
    assert_eq!(refuse(b""), "pdf-empty");
    assert_eq!(refuse(b"MZ\x90\0\x03"), "pdf-not-pdf");
    assert_eq!(refuse(&[0x55; 70_000]), "pdf-not-pdf");
    assert_eq!(refuse(b"%PDF-1.7\n"), "pdf-incomplete");
    let whole = invoice(4, &Shape::default());
    assert_eq!(refuse(&whole[..whole.len() / 2]), "pdf-incomplete");
    let twice = signer.sign(&whole, &profile(options())).unwrap();
    let middle = whole.len() + (twice.len() - whole.len()) / 2;
    assert_eq!(refuse(&twice[..middle]), "pdf-incomplete", "a revision without its end is not left out silently");
}

#[test]
fn circles_and_depths_end() {
    let signer = signer(KeyKind::P256);
    let refuse = |bytes: &[u8]| refusal(signer.sign(bytes, &profile(options())));
    let pages = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>";
    let catalog = "<</Type/Catalog/Pages 2 0 R>>";
    assert_eq!(refuse(&pdf(&[catalog, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>"])), "pdf-unsupported");
    assert_eq!(refuse(&pdf(&["<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>", pages, page, "4 0 R"])), "pdf-damaged");
    let circle =
        pdf(&["<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>", pages, page, "<</T(a)/Kids[4 0 R 4 0 R]>>"]);
    assert_eq!(refuse(&circle), "pdf-unsupported");
    let deep = format!("<</A{}>>", "[".repeat(100_000));
    assert_eq!(refuse(&pdf(&[&deep, pages, page])), "pdf-unsupported");
    assert_eq!(refuse(&pdf(&["7", pages, page])), "pdf-damaged");
    assert_eq!(refuse(&pdf(&[catalog, "<</Type/Pages/Kids[]/Count 0>>"])), "pdf-damaged");
    let direct = pdf(&["<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[<</T(a)/FT/Sig>>]>>>>", pages, page]);
    assert_eq!(refuse(&direct), "pdf-damaged");
    // The page is its own list of fields: it cannot be written twice.
    let both = pdf(&["<</Type/Catalog/Pages 2 0 R/AcroForm 3 0 R>>", pages, page]);
    assert_eq!(refuse(&both), "pdf-damaged");
    let twice = String::from_utf8(pdf(&[catalog, pages, page]))
        .unwrap()
        .replace("xref\n0 4", "xref\n0 1\n0000000000 65535 f \n0 4");
    assert_eq!(refuse(twice.replace("startxref\n0 1\n0000000000 65535 f \n", "startxref\n").as_bytes()), "pdf-damaged");
    let large = format!("<</T(a)/FT/Sig/X({})>>", "x".repeat(200_000));
    let again = format!("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[{}]>>>>", "4 0 R ".repeat(50_000));
    assert_eq!(refuse(&pdf(&[&again, pages, page, &large])), "pdf-unsupported", "one object read again and again");
    let shifted = String::from_utf8(pdf(&[catalog, pages, page])).unwrap().replacen("1 0 obj", "\n\n1 1 obj", 1);
    assert_eq!(refuse(shifted.as_bytes()), "pdf-damaged");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any byte may be wrong: the result is a signature or a refusal, read whole or in pieces alike.
    #[test]
    fn damaged_files_never_panic(form in 0..3, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(), shorten in any::<bool>()) {
        let form = [Form::Classic, Form::XrefStream, Form::ObjectStreams][form as usize];
        let mut bytes = invoice(5, &Shape { form, ..Shape::default() });
        let length = bytes.len();
        for (index, byte) in changes {
            // Most of the structure is at the end.
            let at = length - 1 - index.index(length.min(if byte % 2 == 0 { length } else { 600 }));
            bytes[at] = byte;
        }
        if shorten {
            bytes.truncate(cut.index(length));
        }
        let signer = signer(KeyKind::P256).signer;
        let sha256 = model::DigestAlgorithm::Sha256;
        let whole = formats::pdf::lay_out(&bytes, &profile(options()), &signer, sha256, 100, Time::from_seconds(0));
        let pieces = formats::pdf::lay_out(&Pieces(&bytes), &profile(options()), &signer, sha256, 100, Time::from_seconds(0));
        prop_assert_eq!(whole.map(|layout| layout.len()).map_err(|error| error.to_string()), pieces.map(|layout| layout.len()).map_err(|error| error.to_string()));
    }
}

/// Encrypted files that are damaged anywhere, above all in their encryption dictionary.
#[test]
fn damaged_encryption_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.pdf");
    std::fs::write(&plain, invoice(6, &Shape::default())).unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let signer = signer(KeyKind::P256).signer;
    for (bits, more) in [("40", &["--allow-weak-crypto"][..]), ("128", &["--allow-weak-crypto"]), ("256", &[])] {
        let file = folder.path().join(format!("{bits}.pdf"));
        let mut arguments = more.to_vec();
        arguments.extend([
            "--object-streams=generate",
            "--encrypt",
            "",
            "chef",
            bits,
            "--",
            plain.to_str().unwrap(),
            file.to_str().unwrap(),
        ]);
        testkit::tools::run_ok("qpdf", arguments).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let at = bytes.windows(7).position(|window| window == b"/Filter" || window == b"/CF << ").unwrap_or(0);
        let dictionary =
            bytes.windows(9).position(|window| window == b"/Standard").map_or(at, |at| at.saturating_sub(600));
        let strategy =
            (prop::collection::vec((0usize..1200, any::<u8>()), 1..6), prop::option::of((0usize..1200, 0usize..80)));
        runner
            .run(&strategy, |(changes, removed)| {
                let mut damaged = bytes.clone();
                for (offset, byte) in changes {
                    let at = (dictionary + offset).min(damaged.len() - 1);
                    damaged[at] = byte;
                }
                if let Some((from, length)) = removed {
                    // Blanks keep the offsets right, so that the damage is reached.
                    let from = (dictionary + from).min(damaged.len());
                    let end = (from + length).min(damaged.len());
                    damaged[from..end].fill(b' ');
                }
                let sha256 = model::DigestAlgorithm::Sha256;
                let _ =
                    formats::pdf::lay_out(&damaged, &profile(options()), &signer, sha256, 100, Time::from_seconds(0));
                Ok(())
            })
            .unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Words of a file with a form change places: references lead elsewhere, kinds are wrong, circles come about.
    #[test]
    fn shuffled_words_never_panic(swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6), named in any::<bool>(), certify in any::<bool>()) {
        let mut bytes = pdf(&[
            "<< /Type /Catalog /Pages 2 0 R /AcroForm 4 0 R /Perms << /DocMDP 9 0 R >> >>",
            "<< /Type /Pages /Kids [ 3 0 R ] /Count 1 /Rotate 90 /MediaBox [ 0 0 595 842 ] >>",
            "<< /Type /Page /Parent 2 0 R /CropBox [ 0 0 500 500 ] /Annots 10 0 R >>",
            "<< /Fields [ 5 0 R 6 0 R 7 0 R ] /SigFlags 1 >>",
            "<< /T (A) /FT /Sig /V 9 0 R /Lock << /Type /SigFieldLock /Action /Include /Fields [ (X) ] >> >>",
            "<< /T (B) /FT /Sig /Kids [ 8 0 R ] /SV << /Ff 2 /SubFilter [ /ETSI.CAdES.detached ] >> >>",
            "<< /T (C) /FT /Tx /Subtype /Widget /Rect [ 1 2 3 4 ] /P 3 0 R >>",
            "<< /Parent 6 0 R /Subtype /Widget /Rect [ 10 20 300 40 ] /P 3 0 R >>",
            "<< /Type /Sig /Reference [ << /TransformMethod /DocMDP /TransformParams << /P 2 >> >> ] >>",
            "[ 7 0 R 8 0 R ]",
        ]);
        let words: Vec<std::ops::Range<usize>> = {
            let mut start = 0;
            bytes.split(|byte| byte.is_ascii_whitespace()).map(|word| { let range = start..start + word.len(); start = range.end + 1; range }).filter(|range| !range.is_empty()).collect()
        };
        for (from, to) in swaps {
            let (from, to) = (&words[from.index(words.len())], &words[to.index(words.len())]);
            let mut word = bytes[from.clone()].to_vec();
            word.resize(to.len(), b' ');
            bytes[to.clone()].copy_from_slice(&word);
        }
        let mut options = crate::visible::visible(model::profile::PageChoice::Last, crate::visible::CORNER, None);
        options.field = named.then(|| "B".to_owned());
        options.certify = certify.then_some(model::profile::CertificationLevel::FormFilling);
        let signer = signer(KeyKind::P256).signer;
        let sha256 = model::DigestAlgorithm::Sha256;
        let whole = formats::pdf::lay_out(&bytes, &profile(options.clone()), &signer, sha256, 100, Time::from_seconds(0));
        let pieces = formats::pdf::lay_out(&Pieces(&bytes), &profile(options), &signer, sha256, 100, Time::from_seconds(0));
        prop_assert_eq!(whole.map(|layout| layout.len()).map_err(|error| error.to_string()), pieces.map(|layout| layout.len()).map_err(|error| error.to_string()));
    }
}
