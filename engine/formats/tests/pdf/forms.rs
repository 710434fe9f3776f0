//! Forms: existing fields, locks, seed values, certification.

use crate::support::{Batch, judge_pyhanko, judge_structure, options, profile, refusal, signer};
use model::profile::{CertificationLevel, PdfOptions};
use std::fmt::Write as _;
use testkit::pki::KeyKind;
use testkit::{judge, tools};

/// A PDF of one page from the bodies of its objects, numbered from 1; object 1 is the catalog.
pub(crate) fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut text = String::from("%PDF-1.7\n%\u{e4}\u{f6}\u{fc}\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(text.len());
        write!(text, "{} 0 obj\n{object}\nendobj\n", index + 1).unwrap();
    }
    let start = text.len();
    write!(text, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for offset in offsets {
        writeln!(text, "{offset:010} 00000 n ").unwrap();
    }
    write!(text, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).unwrap();
    text.into_bytes()
}

/// A form with one top-level field 5 (and further objects from 6 on), which is also on the page.
fn form(field: &str, further: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[5 0 R]>>",
        "<</Fields[5 0 R]>>",
        field,
    ];
    objects.extend(further);
    pdf(&objects)
}

fn named(name: &str) -> PdfOptions {
    PdfOptions { field: Some(name.into()), ..options() }
}

#[test]
fn an_existing_field_is_used_and_only_once() {
    let signer = signer(KeyKind::Rsa2048);
    let mut batch = Batch::new();
    let simple = form("<</Type/Annot/Subtype/Widget/FT/Sig/T(Freigabe)/Rect[0 0 0 0]/P 3 0 R/X#20y(z)>>", &[]);
    let signed = signer.sign(&simple, &profile(named("Freigabe"))).unwrap();
    batch.add(&signed, 1);
    assert!(String::from_utf8_lossy(&signed[simple.len()..]).contains("/X#20y(z)"), "unknown keys are kept");
    assert_eq!(refusal(signer.sign(&signed, &profile(named("Freigabe")))), "pdf-field-signed");
    batch.add(&signer.sign(&signed, &profile(named("Zweite"))).unwrap(), 2);
    batch.finish();
}

#[test]
fn fields_are_found_by_their_full_name() {
    let signer = signer(KeyKind::Rsa2048);
    let mut batch = Batch::new();
    let nested = form(
        "<</T(Seite)/FT/Sig/Kids[6 0 R 7 0 R]>>",
        &[
            "<</Parent 5 0 R/T<FEFF00C4>/FT/Sig/Subtype/Widget/Type/Annot/Rect[0 0 0 0]/P 3 0 R>>",
            "<</Parent 5 0 R/T(B)/FT/Tx/Subtype/Widget/Type/Annot/Rect[0 0 0 0]/P 3 0 R>>",
        ],
    );
    batch.add(&signer.sign(&nested, &profile(named("Seite.Ä"))).unwrap(), 1);
    assert_eq!(refusal(signer.sign(&nested, &profile(named("Seite.B")))), "pdf-field-kind");
    assert_eq!(refusal(signer.sign(&nested, &profile(named("Seite.C")))), "pdf-no-field");
    batch.finish();
}

#[test]
fn a_field_may_keep_its_widget_apart() {
    let signer = signer(KeyKind::Rsa2048);
    let apart =
        form("<</T(A)/FT/Sig/Kids[6 0 R]>>", &["<</Parent 5 0 R/Subtype/Widget/Type/Annot/Rect[0 0 0 0]/P 3 0 R>>"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signed.pdf");
    std::fs::write(&path, signer.sign(&apart, &profile(named("A"))).unwrap()).unwrap();
    // Only pyHanko judges: to pdfsig a field without a widget in the same object counts as unsigned.
    judge_pyhanko(&[path], None);
}

#[test]
fn certification_comes_first_and_forbids_what_it_says() {
    let signer = signer(KeyKind::Rsa2048);
    let mut batch = Batch::new();
    let original = form("<</Type/Annot/Subtype/Widget/FT/Tx/T(Name)/Rect[10 10 99 30]/P 3 0 R>>", &[]);
    let certify = |level| profile(PdfOptions { certify: Some(level), ..options() });
    for level in [CertificationLevel::FormFilling, CertificationLevel::Annotations] {
        let certified = signer.sign(&original, &certify(level)).unwrap();
        batch.add(&certified, 1);
        let approved = signer.sign(&certified, &profile(options())).unwrap();
        batch.add(&approved, 2);
        assert_eq!(refusal(signer.sign(&approved, &certify(level))), "pdf-certify-not-first");
    }
    let frozen = signer.sign(&original, &certify(CertificationLevel::NoChanges)).unwrap();
    batch.add(&frozen, 1);
    assert_eq!(refusal(signer.sign(&frozen, &profile(options()))), "pdf-certified");
    let approved = signer.sign(&original, &profile(options())).unwrap();
    assert_eq!(refusal(signer.sign(&approved, &certify(CertificationLevel::FormFilling))), "pdf-certify-not-first");
    batch.finish();
}

#[test]
fn locks_come_into_force_and_are_respected() {
    let signer = signer(KeyKind::Rsa2048);
    let mut batch = Batch::new();
    let field = |lock: &str| {
        form(
            &format!(
                "<</Type/Annot/Subtype/Widget/FT/Sig/T(A)/Rect[0 0 0 0]/P 3 0 R/Lock<</Type/SigFieldLock{lock}>>>>"
            ),
            &[],
        )
    };
    for (lock, next, permitted) in [
        ("/Action/All", "B", false),
        ("/Action/Include/Fields[(B)(C)]", "B", false),
        ("/Action/Include/Fields[(C)]", "B", true),
        ("/Action/Exclude/Fields[(B)]", "B", true),
        ("/Action/Exclude/Fields[(C)]", "B", false),
        ("/Action/Include/Fields[(C)]/P 1", "B", false),
    ] {
        let signed = signer.sign(&field(lock), &profile(named("A"))).unwrap();
        batch.add(&signed, 1);
        assert!(String::from_utf8_lossy(&signed).contains("/TransformMethod /FieldMDP"));
        let again = signer.sign(&signed, &profile(named(next)));
        if permitted { batch.add(&again.unwrap(), 2) } else { assert_eq!(refusal(again), "pdf-locked", "{lock}") }
    }
    batch.finish();
}

#[test]
fn seed_values_are_met_or_refused() {
    let signer = signer(KeyKind::Rsa2048);
    let field = |seed: &str| {
        form(&format!("<</Type/Annot/Subtype/Widget/FT/Sig/T(A)/Rect[0 0 0 0]/P 3 0 R/SV<</Type/SV{seed}>>>>"), &[])
    };
    for (seed, met) in [
        ("/Ff 1/Filter/Adobe.PPKLite", true),
        ("/Ff 1/Filter/Entrust.PPKEF", false),
        ("/Filter/Entrust.PPKEF", true),
        ("/Ff 2/SubFilter[/adbe.pkcs7.detached/ETSI.CAdES.detached]", true),
        ("/Ff 2/SubFilter[/adbe.pkcs7.detached]", false),
        ("/Ff 64/DigestMethod[(SHA1)(SHA256)]", true),
        ("/Ff 64/DigestMethod[(SHA512)]", false),
        ("/Ff 8/Reasons[(Anders)<FEFF0052006500630068006E0075006E006700730070007200FC00660075006E0067>]", true),
        ("/Ff 8/Reasons[(Anders)]", false),
        ("/Ff 8/Reasons[(.)]", false),
        ("/MDP<</P 0>>", true),
        ("/MDP<</P 2>>", false),
        ("/TimeStamp<</URL(http://tsa.example/)/Ff 1>>", false),
        ("/TimeStamp<</URL(http://tsa.example/)/Ff 0>>", true),
        ("/Cert<</Ff 1/Subject[<3000>]>>", false),
        ("/Cert<</Ff 0/Subject[<3000>]>>", true),
    ] {
        let result = signer.sign(&field(seed), &profile(named("A")));
        if met { assert!(result.is_ok(), "{seed}") } else { assert_eq!(refusal(result), "pdf-seed-value", "{seed}") }
    }
}

#[test]
fn annotations_and_forms_in_every_place_are_extended() {
    let signer = signer(KeyKind::Rsa2048);
    let mut batch = Batch::new();
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>";
    let pages = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
    for objects in [
        vec!["<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/DA(/Helv 0 Tf)>>>>", pages, page],
        vec!["<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 4 0 R/SigFlags 1>>>>", pages, page, "[]"],
        vec![
            "<</Type/Catalog/Pages 2 0 R/AcroForm null>>",
            pages,
            "<</Type/Page/Parent 2 0 R/Annots 4 0 R/MediaBox[0 0 9 9]>>",
            "[ ]",
        ],
        vec![
            "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>",
            pages,
            "<</Annots[]/Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
            "<<>>",
        ],
        vec![
            "<</Type/Catalog/Pages 2 0 R/AcroForm 9 0 R>>",
            pages,
            "<</Annots null/Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        ],
    ] {
        let once = signer.sign(&pdf(&objects), &profile(options())).unwrap();
        batch.add(&once, 1);
        batch.add(&signer.sign(&once, &profile(options())).unwrap(), 2);
    }
    batch.finish();
}

#[test]
fn dynamic_forms_are_refused() {
    let signer = signer(KeyKind::Rsa2048);
    let dynamic = pdf(&[
        "<</Type/Catalog/Pages 2 0 R/NeedsRendering true/AcroForm<</XFA(x)/Fields[]>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    ]);
    assert_eq!(refusal(signer.sign(&dynamic, &profile(options()))), "pdf-unsupported");
}

#[test]
fn a_form_in_an_encrypted_file_is_found_and_filled() {
    let signer = signer(KeyKind::Rsa2048);
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain.pdf");
    let field = "<</Type/Annot/Subtype/Widget/FT/Sig/T(Freigabe)/TU(Hier bitte)/Rect[0 0 0 0]/P 3 0 R/SV<</Ff 8/Reasons[<FEFF0052006500630068006E0075006E006700730070007200FC00660075006E0067>]>>>>";
    std::fs::write(&plain, form(field, &[])).unwrap();
    let mut files = Vec::new();
    for (name, bits, objects) in
        [("a", "256", "generate"), ("b", "256", "disable"), ("c", "128", "generate"), ("d", "128", "disable")]
    {
        let encrypted = folder.path().join(format!("{name}.pdf"));
        let objects = format!("--object-streams={objects}");
        let [from, to] = [&plain, &encrypted].map(|path| path.to_str().unwrap());
        tools::run_ok("qpdf", ["--allow-weak-crypto", &objects, "--encrypt", "", "chef", bits, "--", from, to])
            .unwrap();
        let once = signer.sign(&std::fs::read(&encrypted).unwrap(), &profile(named("Freigabe"))).unwrap();
        assert_eq!(refusal(signer.sign(&once, &profile(named("Freigabe")))), "pdf-field-signed");
        let twice = folder.path().join(format!("{name}-signed.pdf"));
        std::fs::write(&twice, signer.sign(&once, &profile(options())).unwrap()).unwrap();
        judge_structure(&encrypted, &twice, Some(""));
        let fields: Vec<_> = judge::pdfsig(&twice, Some(""))
            .unwrap()
            .into_iter()
            .map(|verdict| (verdict.field, verdict.valid))
            .collect();
        assert_eq!(fields, [("Freigabe".to_owned(), true), ("Signature1".to_owned(), true)]);
        let json = tools::run_ok("qpdf", ["--json", "--password=", twice.to_str().unwrap()]).unwrap();
        assert!(
            json.contains("Hier bitte") && json.contains("Rechnungspr\u{fc}fung"),
            "texts are encrypted as they should be"
        );
        files.push(twice);
    }
    judge_pyhanko(&files, Some(""));
}
