//! Visible signatures: what pdftoppm draws, and what archive formats ask of it.

use crate::forms::pdf;
use crate::support::{judge_pdfsig, judge_pyhanko, judge_structure, options, profile, refusal, sign_and_judge, signer};
use model::profile::{Corner, PageChoice, PdfOptions, Place, VisibleSignature};
use std::path::{Path, PathBuf};
use testkit::corpora::{corpora, files_below};
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::KeyKind;
use testkit::tools;

pub(crate) const CORNER: Place =
    Place::Corner { corner: Corner::BottomRight, width: 180.0, height: 60.0, margin: 24.0 };

pub(crate) fn visible(page: PageChoice, place: Place, image: Option<Vec<u8>>) -> PdfOptions {
    let visible = VisibleSignature {
        page,
        place,
        text: Some("Elektronisch gesiegelt – Prüfung über www.example.de".into()),
        show_name: true,
        show_date: true,
        show_reason: true,
        show_location: true,
        image: image.map(Into::into),
        font_size: 9.0,
    };
    PdfOptions { visible: Some(visible), ..options() }
}

/// A page as pdftoppm draws it: width, height, gray samples.
fn render(file: &Path, page: u32, folder: &Path) -> (usize, usize, Vec<u8>) {
    let out = folder.join("render");
    let number = page.to_string();
    let arguments = [
        "-r",
        "72",
        "-gray",
        "-singlefile",
        "-cropbox",
        "-f",
        &number,
        "-l",
        &number,
        file.to_str().unwrap(),
        out.to_str().unwrap(),
    ];
    tools::run_ok("pdftoppm", arguments).unwrap();
    let bytes = std::fs::read(folder.join("render.pgm")).unwrap();
    let mut words = bytes.splitn(4, |byte| *byte == b'\n');
    assert_eq!(words.next().unwrap(), b"P5");
    let size = String::from_utf8(words.next().unwrap().to_vec()).unwrap();
    let (width, height) = size.split_once(' ').unwrap();
    words.next();
    (width.parse().unwrap(), height.parse().unwrap(), words.next().unwrap().to_vec())
}

/// The box of pixels that differ: left, top, right, bottom; from the top left corner.
fn difference(
    before: &(usize, usize, Vec<u8>),
    after: &(usize, usize, Vec<u8>),
) -> Option<(usize, usize, usize, usize)> {
    assert_eq!((before.0, before.1), (after.0, after.1));
    let different = before
        .2
        .iter()
        .zip(&after.2)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(at, _)| (at % before.0, at / before.0));
    different.fold(None, |found, (x, y)| {
        let (left, top, right, bottom) = found.unwrap_or((x, y, x, y));
        Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
    })
}

fn png_with_alpha() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 40, 40);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..1600u32).flat_map(|at| [200, 30, 60, (at % 40 * 6) as u8]).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

fn plain_png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 60, 20);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = (0..1200u32).flat_map(|at| [(at % 60 * 4) as u8, 80, 160]).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    file
}

fn jpeg(folder: &Path, file: &Path) -> Vec<u8> {
    let out = folder.join("picture");
    tools::run_ok("pdftoppm", ["-r", "20", "-jpeg", "-singlefile", file.to_str().unwrap(), out.to_str().unwrap()])
        .unwrap();
    std::fs::read(folder.join("picture.jpg")).unwrap()
}

#[test]
fn a_visible_signature_is_where_it_should_be_on_every_turn_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::Rsa2048);
    let mut results = Vec::new();
    for turn in [0, 90, 180, 270] {
        let page = "<</Type/Page/Parent 2 0 R/CropBox[100 50 500 700]>>";
        let pages = format!("<</Type/Pages/Kids[3 0 R]/Count 1/Rotate {turn}/MediaBox[0 0 595 842]>>");
        let original = folder.path().join(format!("turn-{turn}.pdf"));
        std::fs::write(&original, pdf(&["<</Type/Catalog/Pages 2 0 R>>", &pages, page])).unwrap();
        for (corner, image) in [
            (Corner::BottomRight, None),
            (Corner::TopLeft, Some(plain_png())),
            (Corner::TopCentre, Some(png_with_alpha())),
        ] {
            let place = Place::Corner { corner, width: 150.0, height: 60.0, margin: 20.0 };
            let name = format!("turn-{turn}-{corner:?}.pdf");
            let signed = sign_and_judge(
                &signer,
                &original,
                folder.path(),
                &name,
                &profile(visible(PageChoice::First, place, image)),
                None,
            );
            let (before, after) = (render(&original, 1, folder.path()), render(&signed, 1, folder.path()));
            let (left, top, right, bottom) = difference(&before, &after).expect("nothing to be seen");
            let (width, height) = (before.0, before.1);
            let (expected_left, expected_top) = match corner {
                Corner::BottomRight => (width - 170, height - 80),
                Corner::TopLeft => (20, 20),
                _ => ((width - 150) / 2, 20),
            };
            let inside = left + 1 >= expected_left
                && top + 1 >= expected_top
                && right <= expected_left + 151
                && bottom <= expected_top + 61;
            assert!(inside, "{turn} {corner:?}: {left} {top} {right} {bottom} of {width} {height}");
            // Upright and of good size: wide rather than high.
            assert!(right - left > 90 && bottom - top > 25, "{turn} {corner:?}: {left} {top} {right} {bottom}");
            results.push(signed);
        }
    }
    judge_pyhanko(&results, None);
}

#[test]
fn real_files_show_it_and_stay_as_they_are_when_it_is_invisible() {
    let Some(corpus) = corpora("pdf-real") else { return };
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::P256);
    let mut results = Vec::new();
    for (number, file) in files_below(&corpus, "pdf").iter().enumerate() {
        let before = render(file, 1, folder.path());
        let invisible =
            sign_and_judge(&signer, file, folder.path(), &format!("{number}-i.pdf"), &profile(options()), None);
        assert_eq!(difference(&before, &render(&invisible, 1, folder.path())), None, "{}", file.display());
        let place = Place::Corner { corner: Corner::BottomLeft, width: 120.0, height: 40.0, margin: 5.0 };
        let image = if number % 2 == 0 { plain_png() } else { jpeg(folder.path(), file) };
        let result =
            signer.sign(&std::fs::read(file).unwrap(), &profile(visible(PageChoice::First, place, Some(image))));
        let Ok(bytes) = result else {
            assert_eq!(refusal(result), "pdf-place", "{}", file.display());
            continue;
        };
        let signed = folder.path().join(format!("{number}-v.pdf"));
        std::fs::write(&signed, bytes).unwrap();
        judge_structure(file, &signed, None);
        judge_pdfsig(&signed, None, 1);
        assert!(difference(&before, &render(&signed, 1, folder.path())).is_some(), "{}", file.display());
        results.push(signed);
    }
    judge_pyhanko(&results, None);
}

#[test]
fn the_page_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::P256);
    let original = folder.path().join("pages.pdf");
    std::fs::write(&original, invoice(8, &Shape { pages: 5, bytes: 0, form: Form::ObjectStreams })).unwrap();
    let bytes = std::fs::read(&original).unwrap();
    for (choice, page) in [(PageChoice::Last, 5), (PageChoice::Number(3), 3), (PageChoice::First, 1)] {
        let signed = sign_and_judge(
            &signer,
            &original,
            folder.path(),
            &format!("{page}.pdf"),
            &profile(visible(choice, CORNER, None)),
            None,
        );
        for other in 1..=5 {
            let changed =
                difference(&render(&original, other, folder.path()), &render(&signed, other, folder.path())).is_some();
            assert_eq!(changed, other == page, "{choice:?} changed page {other}");
        }
    }
    assert_eq!(
        refusal(signer.sign(&bytes, &profile(visible(PageChoice::Number(6), CORNER, None)))),
        "pdf-no-such-page"
    );
    let beside = Place::Rectangle { x: 500.0, y: 10.0, width: 200.0, height: 20.0 };
    assert_eq!(refusal(signer.sign(&bytes, &profile(visible(PageChoice::First, beside, None)))), "pdf-place");
    assert_eq!(
        refusal(signer.sign(&bytes, &profile(visible(PageChoice::First, CORNER, Some(b"GIF89a".to_vec()))))),
        "appearance-image"
    );
}

#[test]
fn an_encrypted_file_shows_it_too_and_the_text_can_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::P256);
    let plain = folder.path().join("plain.pdf");
    std::fs::write(&plain, invoice(9, &Shape::default())).unwrap();
    let encrypted = folder.path().join("encrypted.pdf");
    tools::run_ok("qpdf", ["--encrypt", "", "chef", "256", "--", plain.to_str().unwrap(), encrypted.to_str().unwrap()])
        .unwrap();
    for (name, file) in [("p", &plain), ("e", &encrypted)] {
        let signed = sign_and_judge(
            &signer,
            file,
            folder.path(),
            &format!("signed-{name}.pdf"),
            &profile(visible(PageChoice::First, CORNER, None)),
            Some(""),
        );
        let text = tools::run_ok("pdftotext", [signed.to_str().unwrap(), "-"]).unwrap();
        assert!(text.contains("Elektronisch gesiegelt – Prüfung"), "{text}");
        let fonts = tools::run_ok("pdffonts", [signed.to_str().unwrap()]).unwrap();
        let ours = fonts.lines().find(|line| line.contains("+DejaVuSans")).unwrap();
        assert!(ours.contains("CID TrueType") && ours.contains("yes yes yes"), "{ours}");
    }
}

#[test]
fn an_existing_visible_field_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::P256);
    let original = folder.path().join("form.pdf");
    let bytes = pdf(&[
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[4 0 R]>>",
        "<</Type/Annot/Subtype/Widget/FT/Sig/T(Hier)/Rect[300 100 480 150]/P 3 0 R>>",
    ]);
    std::fs::write(&original, bytes).unwrap();
    let options = PdfOptions { field: Some("Hier".into()), ..visible(PageChoice::Last, CORNER, None) };
    let signed: PathBuf = sign_and_judge(&signer, &original, folder.path(), "signed.pdf", &profile(options), None);
    let (left, top, right, bottom) =
        difference(&render(&original, 1, folder.path()), &render(&signed, 1, folder.path())).unwrap();
    assert!(left >= 299 && right <= 481 && top >= 842 - 151 && bottom <= 842 - 99, "{left} {top} {right} {bottom}");
    judge_pyhanko(&[signed], None);
}

#[test]
fn a_second_visible_signature_does_not_hide_the_first() {
    let signer = signer(KeyKind::P256);
    let once =
        signer.sign(&invoice(10, &Shape::default()), &profile(visible(PageChoice::First, CORNER, None))).unwrap();
    let again = signer.sign(&once, &profile(visible(PageChoice::First, CORNER, None)));
    assert_eq!(refusal(again), "pdf-place-taken");
    let beside = Place::Corner { corner: Corner::BottomLeft, width: 180.0, height: 60.0, margin: 24.0 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.pdf");
    let twice = signer.sign(&once, &profile(visible(PageChoice::First, beside, None))).unwrap();
    std::fs::write(&path, twice).unwrap();
    judge_pdfsig(&path, None, 2);
    judge_pyhanko(&[path], None);
}
