//! Known attacks on signed PDFs, each with a file that tries it: refused, with a sentence that says what was tried.

use crate::builder::{file, find, form, number_of, object, objects, rfind, start, stream, update, update_with};
use crate::lines::{Line, lines, take_apart};
use crate::support::{TestSigner, options, profile, signer};
use formats::inspect::LaterChanges;
use model::profile::{CertificationLevel, PdfOptions};
use std::sync::LazyLock;
use testkit::pki::KeyKind;

static SIGNER: LazyLock<TestSigner> = LazyLock::new(|| signer(KeyKind::P256));

pub(crate) fn sign(bytes: &[u8]) -> Vec<u8> {
    SIGNER.sign(bytes, &profile(options())).unwrap()
}

pub(crate) fn certify(bytes: &[u8], level: CertificationLevel) -> Vec<u8> {
    SIGNER.sign(bytes, &profile(PdfOptions { certify: Some(level), ..options() })).unwrap()
}

/// All that is said about a signature.
fn said(line: &Line) -> String {
    [line.faults.as_slice(), line.changes.as_slice()].concat().join("; ")
}

/// The first signature is refused, and these words are said.
fn check(name: &str, bytes: &[u8], words: &str) {
    let inspection = take_apart(bytes);
    let lines = lines(&inspection);
    assert!(!lines.is_empty(), "{name}: no signature");
    let line = &lines[0];
    assert!(!line.is_good() || line.later == LaterChanges::Other, "{name}: {line:#?}");
    assert!(said(line).contains(words), "{name}: {}", said(line));
}

/// The signature is good and what came later is this.
fn check_good(name: &str, bytes: &[u8], later: LaterChanges) {
    let lines = lines(&take_apart(bytes));
    assert!(lines[0].is_good(), "{name}: {:#?}", lines[0]);
    assert_eq!(lines[0].later, later, "{name}: {:#?}", lines[0]);
}

/// Replaces in place, filled up with blanks.
fn patch(bytes: &[u8], from: &str, until: &str, with: &str) -> Vec<u8> {
    let start = rfind(bytes, from).unwrap();
    let end = start + find(&bytes[start..], until).unwrap() + until.len();
    assert!(with.len() <= end - start, "{with}");
    let mut out = bytes.to_vec();
    out.splice(start..end, format!("{with:<width$}", width = end - start).into_bytes());
    out
}

#[test]
fn forged_structures_of_a_signature_never_make_it_disappear() {
    let signed = sign(&form());
    check_good("the original", &signed, LaterChanges::None);
    let range = |with: &str| patch(&signed, "/ByteRange", "]", with);
    let contents = |with: &str| patch(&signed, "/Contents", ">", with);
    let length = signed.len();
    for (name, bytes, words) in [
        ("no byte range", range("/ByteRangX [0 1 2 3]"), "does not say which bytes"),
        ("null byte range", range("/ByteRange null"), "does not say which bytes"),
        ("empty byte range", range("/ByteRange []"), "four numbers"),
        ("three numbers", range("/ByteRange [0 10 20]"), "four numbers"),
        ("five numbers", range("/ByteRange [0 10 20 30 40]"), "four numbers"),
        ("no numbers", range("/ByteRange [/a /b /c /d]"), "negative or none"),
        ("negative", range("/ByteRange [0 -1 20 30]"), "negative or none"),
        ("zeros", range("/ByteRange [0 0 0 0]"), "does not cover"),
        ("not from the start", range("/ByteRange [1 10 20 30]"), "does not cover"),
        ("beyond the end", range("/ByteRange [0 10 20 99999999]"), "more bytes than the file has"),
        ("overflow", range("/ByteRange [0 1 9223372036854775807 9]"), "more bytes than the file has"),
        ("overlapping", range(&format!("/ByteRange [0 {length} 0 {length}]")), "does not cover"),
        ("all of it", range(&format!("/ByteRange [0 10 11 {}]", length - 11)), "leaves out 1 bytes"),
        ("no value", contents("/Contentx <00>"), "it has no value"),
        ("null value", contents("/Contents null"), "it has no value"),
        ("literal value", contents("/Contents (a)"), "hexadecimal"),
        ("empty value", contents("/Contents <>"), "empty"),
        ("zero value", contents("/Contents <0000>"), "empty"),
        ("value in an array", contents("/Contents [<00>]"), "hexadecimal"),
        ("no kind", patch(&signed, "/SubFilter", "detached", "/SubFilter null"), "of what kind"),
        ("unknown kind", patch(&signed, "/SubFilter", "detached", "/SubFilter /none"), "is not known"),
        ("kind of a time stamp", patch(&signed, "/SubFilter", "detached", "/SubFilter /ETSI.RFC3161"), "contradict"),
    ] {
        check(name, &bytes, words);
    }
    // The value of the field is something else.
    let number = number_of(&signed, "/FT /Sig");
    let field = object(&signed, number);
    for value in ["7", "(signed)", "[]"] {
        let at = field.find("/V ").unwrap();
        let end = at + field[at..].find(" R").unwrap() + 2;
        let forged = format!("{}/V {value}{}", &field[..at], &field[end..]);
        let lines = lines(&take_apart(&update(&signed, &[(number, forged)])));
        assert!(lines.iter().all(|line| !line.is_good() || line.later == LaterChanges::Other), "{lines:#?}");
        assert!(!lines.is_empty());
    }
}

#[test]
fn appended_updates_are_told() {
    let signed = sign(&form());
    let objects = objects();
    let page = object(&signed, 3);
    let content = |bytes: &[u8]| update(bytes, &[(4, stream("", "BT (Pay 9000 Euro) Tj ET"))]);
    let with_catalog = |entry: &str| object(&signed, 1).replacen("/Pages", &format!("{entry} /Pages"), 1);
    let swapped = page.replace("/Contents 4 0 R", "/Contents 10 0 R");
    let second_page = format!("{} ", objects[2]);
    let pages = objects[1].replace("[3 0 R]", "[3 0 R 3 0 R]");
    for (name, bytes, words) in [
        ("content", content(&signed), "stream in object 4"),
        ("hidden content", update(&signed, &[(3, swapped.clone())]), "page 1"),
        (
            "page added",
            update(
                &signed,
                &[(2, "<< /Type /Pages /Kids [3 0 R 50 0 R] /Count 2 >>".into()), (50, second_page.clone())],
            ),
            "list of pages",
        ),
        (
            "page list",
            update(&signed, &[(1, with_catalog("").replace("/Pages 2 0 R", "/Pages 51 0 R")), (51, pages.clone())]),
            "pages may have been exchanged",
        ),
        (
            "open action",
            update(&signed, &[(1, with_catalog("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"))]),
            "JavaScript",
        ),
        ("names", update(&signed, &[(1, with_catalog("/Names << /JavaScript << /Names [] >> >>"))]), "JavaScript"),
        ("font", update(&signed, &[(7, objects[6].replace("Helvetica", "Courier"))]), "a font"),
        (
            "font of the form",
            update(
                &signed,
                &[
                    (
                        number_of(&signed, "/Fields"),
                        object(&signed, number_of(&signed, "/Fields")).replace("/F1 7 0 R", "/F1 55 0 R"),
                    ),
                    (55, objects[6].replace("Helvetica", "Courier")),
                ],
            ),
            "fonts",
        ),
        (
            "appearance",
            update(&signed, &[(8, stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "BT (9000) Tj ET"))]),
            "a drawing",
        ),
        (
            "appearance moved",
            update(&signed, &[(6, objects[5].replace("/N 8 0 R", "/N 52 0 R")), (52, objects[7].clone())]),
            "something else than its value",
        ),
        ("field moved", update(&signed, &[(6, objects[5].replace("[50 600", "[50 100"))]), "it was moved"),
        ("field hidden", update(&signed, &[(6, objects[5].replace("/P 3", "/F 2 /P 3"))]), "hidden or shown"),
        ("field with an action", update(&signed, &[(6, objects[5].replace("/P 3", "/AA << >> /P 3"))]), "JavaScript"),
        (
            "text field added",
            update(
                &signed,
                &[
                    (
                        number_of(&signed, "/Fields"),
                        object(&signed, number_of(&signed, "/Fields")).replace("[6 0 R", "[6 0 R 53 0 R"),
                    ),
                    (53, objects[8].replace("Note", "New")),
                ],
            ),
            "not for a signature",
        ),
        (
            "fields removed",
            update(&signed, &[(number_of(&signed, "/Fields"), "<< /Fields [6 0 R 9 0 R] >>".into())]),
            "removed from the form",
        ),
        ("form removed", update(&signed, &[(1, objects[0].replace("/AcroForm 5 0 R", ""))]), "was removed"),
        ("annotation removed", update(&signed, &[(3, page.replace("6 0 R", ""))]), "removed or exchanged"),
        (
            "annotation over content",
            update(
                &signed,
                &[
                    (3, page.replace("/Annots [", "/Annots [54 0 R ")),
                    (54, "<< /Type /Annot /Subtype /Link /Rect [0 0 600 900] /A << /S /URI >> >>".into()),
                ],
            ),
            "with an action",
        ),
        ("object freed", update(&signed, &[(4, String::new())]), "was removed"),
        (
            "another catalog",
            update_with(&signed, &[(60, objects[0].replace("2 0 R", "61 0 R")), (61, pages.clone())], "60 0 R"),
            "exchanged",
        ),
        ("a catalog that was there", update_with(&signed, &[], "2 0 R"), "another catalog"),
        ("without an end", [&signed[..], b"4 0 obj\n<< >>\nendobj\n"].concat(), "belongs to no revision"),
        ("junk", [&signed[..], b"something"].concat(), "belongs to no revision"),
    ] {
        check(name, &bytes, words);
    }
    // What is harmless is not refused.
    check_good("blanks", &[&signed[..], b"\n\n  \n"].concat(), LaterChanges::None);
    check_good("the same again", &update(&signed, &[(4, objects[3].clone())]), LaterChanges::None);
    let filled = objects[5].replace("(100)", "(200)").replace("/N 8 0 R", "/N 52 0 R");
    check_good("filled in", &update(&signed, &[(6, filled), (52, objects[7].clone())]), LaterChanges::Form);
}

#[test]
fn a_copied_signature_and_a_moved_range_are_refused() {
    let signed = sign(&form());
    let number = number_of(&signed, "/ByteRange");
    let copy = object(&signed, number);
    // Incremental saving with a copy of the signature in it.
    let forged = update(&signed, &[(number, copy.clone()), (4, stream("", "BT (Pay 9000 Euro) Tj ET"))]);
    check("copied signature", &forged, "stream in object 4");
    // The second range is moved behind a table of contents of the attacker's, which stands where the file says.
    let gap = find(&signed, "/Contents <").unwrap() + 10;
    let end = gap + find(&signed[gap..], ">").unwrap() + 1;
    let mut middle = signed[end..rfind(&signed, "startxref").unwrap()].to_vec();
    middle.extend_from_slice(b"\n4 0 obj\n<< /Length 22 >>\nstream\nBT (Pay 9000 Euro) Tj\nendstream\nendobj\n");
    let moved = [&signed[..end], &middle, &signed[end..]].concat();
    let second = end + middle.len();
    let range = format!("/ByteRange [0 {gap} {second} {}]", moved.len() - second);
    let forged = patch(&moved, "/ByteRange", "]", &range);
    check("wrapped", &forged, "anything could stand there");
}

#[test]
fn shadows_that_wait_in_the_signed_part_are_seen_when_they_come_out() {
    // An object that the page shows, but that is not there yet.
    let mut waiting = objects();
    waiting[2] = waiting[2].replace("/Contents 4 0 R", "/Contents [4 0 R 150 0 R]");
    let signed = sign(&file(&waiting));
    check_good("waiting", &signed, LaterChanges::None);
    let shown = update(&signed, &[(150, stream("", "BT (9000) Tj ET"))]);
    check("revived", &shown, "already referred to it");
    // An overlay that is taken away.
    let mut overlaid = objects();
    overlaid[2] = overlaid[2].replace("/Contents 4 0 R", "/Contents [10 0 R 4 0 R]");
    let signed = sign(&file(&overlaid));
    let page = object(&signed, 3);
    check("hide", &update(&signed, &[(3, page.replace("/Contents [10 0 R 4 0 R]", "/Contents 10 0 R"))]), "page 1");
    check("hide by freeing", &update(&signed, &[(4, String::new())]), "was removed");
    // A second set of contents that is in the signed file, and a table of contents that points there.
    let signed = sign(&form());
    let hidden = find(&signed, "\n10 0 obj").unwrap() + 1;
    let mut switched = signed.clone();
    let here = switched.len();
    switched.extend_from_slice(
        format!("xref\n4 1\n{hidden:010} 00000 n \ntrailer\n<< /Size 200 /Root 1 0 R /Prev {} >>\nstartxref\n{here}\n%%EOF\n", start(&signed))
            .as_bytes(),
    );
    check("hide and replace", &switched, "cannot be understood");
    // The older table of contents is made the newest one.
    let before = form();
    let back = [&signed[..], format!("startxref\n{}\n%%EOF\n", start(&before)).as_bytes()].concat();
    let inspection = take_apart(&back);
    assert!(lines(&inspection).iter().all(|line| !line.is_good() || line.later == LaterChanges::Other));
}

#[test]
fn certified_documents_allow_what_their_level_says() {
    let annotated = |bytes: &[u8], kind: &str| {
        let page = object(bytes, 3).replace("/Annots [", "/Annots [54 0 R ");
        let note = format!("<< /Type /Annot /Subtype /{kind} /Rect [50 690 200 720] /Contents (x) >>");
        update(bytes, &[(3, page), (54, note)])
    };
    let filled = |bytes: &[u8]| {
        let field = objects()[5].replace("(100)", "(200)").replace("/N 8 0 R", "/N 52 0 R");
        update(bytes, &[(6, field), (52, objects()[7].clone())])
    };
    let locked = certify(&form(), CertificationLevel::NoChanges);
    check("filled though locked", &filled(&locked), "no changes were permitted");
    let forms = certify(&form(), CertificationLevel::FormFilling);
    check_good("filled", &filled(&forms), LaterChanges::Form);
    check("annotated", &annotated(&forms, "Text"), "annotations were not permitted");
    let notes = certify(&form(), CertificationLevel::Annotations);
    check_good("note", &annotated(&notes, "Text"), LaterChanges::Annotation);
    for covering in ["FreeText", "Stamp", "Square"] {
        check(covering, &annotated(&notes, covering), "cover what was certified");
    }
    check("redaction", &annotated(&notes, "Redact"), "not allowed");
    // A later visible signature over what was certified.
    let visible = update(
        &forms,
        &[
            (3, object(&forms, 3).replace("/Annots [", "/Annots [70 0 R ")),
            (
                number_of(&forms, "/Fields"),
                object(&forms, number_of(&forms, "/Fields")).replace("[6 0 R", "[70 0 R 6 0 R"),
            ),
            (70, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Over) /Rect [50 690 200 720] /P 3 0 R >>".into()),
        ],
    );
    check("visible signature", &visible, "cover what was certified");
    check_good("signed again", &sign(&forms), LaterChanges::Form);
}

#[test]
fn locked_fields_stay_as_they_are() {
    let mut with_lock = objects();
    with_lock[4] = with_lock[4].replace("[6 0 R 9 0 R]", "[6 0 R 9 0 R 11 0 R]");
    with_lock.push("<< /Type /Annot /Subtype /Widget /FT /Sig /T (Locking) /Rect [0 0 0 0] /F 132 /P 3 0 R /Lock << /Type /SigFieldLock /Action /Include /Fields [(Amount)] >> >>".into());
    with_lock[2] = with_lock[2].replace("9 0 R]", "9 0 R 11 0 R]");
    let options = PdfOptions { field: Some("Locking".into()), ..options() };
    let signed = SIGNER.sign(&file(&with_lock), &profile(options)).unwrap();
    let fill = |number: u32, from: &str, to: &str| {
        update(&signed, &[(number, objects()[number as usize - 1].replace(from, to))])
    };
    check("locked", &fill(6, "(100)", "(200)"), "locked that field");
    check_good("free", &fill(9, "/T (Note)", "/T (Note) /V (x)"), LaterChanges::Form);
}
