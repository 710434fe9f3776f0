//! PDFs that want to hurt their reader: each is built around one trick. None of them is a valid document, except
//! where the trick is to be one.

use super::{Numbers, Shape, invoice};
use std::fmt::Write as _;

/// Named evil files. All together they are some megabytes; unpacked, the bombs among them would be gigabytes.
pub fn evil() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = not_pdf();
    all.extend(cut_and_misled());
    all.extend(structures());
    all.extend(cross_references());
    all.extend(bombs());
    all
}

fn not_pdf() -> Vec<(&'static str, Vec<u8>)> {
    let random = Numbers::new(99).bytes(65_536);
    let program = |magic: &[u8]| [magic, &Numbers::new(7).bytes(40_000), b"%%EOF"].concat();
    vec![
        ("empty", Vec::new()),
        ("one-byte", b"%".to_vec()),
        ("header-only", b"%PDF-1.7\n".to_vec()),
        ("random", random.clone()),
        ("random-after-header", [b"%PDF-1.7\n", random.as_slice()].concat()),
        ("zeros", vec![0; 100_000]),
        ("windows-program", program(b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff")),
        ("linux-program", program(b"\x7fELF\x02\x01\x01\x00")),
        ("html", b"<!DOCTYPE html><html><body>%PDF-1.4 %%EOF startxref 0</body></html>".to_vec()),
    ]
}

fn cut_and_misled() -> Vec<(&'static str, Vec<u8>)> {
    let good = invoice(1, &Shape::of_bytes(30_000));
    let start = good.windows(9).rposition(|w| w == b"startxref").unwrap_or(0);
    let misled = |to: &str| [&good[..start], format!("startxref\n{to}\n%%EOF\n").as_bytes()].concat();
    vec![
        ("truncated-half", good[..good.len() / 2].to_vec()),
        ("truncated-in-xref", good[..start - 60].to_vec()),
        ("truncated-in-startxref", good[..start + 12].to_vec()),
        ("startxref-beyond-end", misled("999999999")),
        ("startxref-negative", misled("-5")),
        ("startxref-overflow", misled("99999999999999999999999999999999999999")),
        ("startxref-into-itself", misled(&start.to_string())),
        ("startxref-into-text", misled("700")),
        ("many-startxref", [&good[..], &b"startxref\n0\n%%EOF\n".repeat(50_000)].concat()),
    ]
}

fn structures() -> Vec<(&'static str, Vec<u8>)> {
    const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";
    const PAGES: &str = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
    const PAGE: &str = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>";
    let nested = |open: &str, close: &str| {
        let catalog =
            format!("<< /Type /Catalog /Pages 2 0 R /Deep {}null{} >>", open.repeat(100_000), close.repeat(100_000));
        classic(&[&catalog, PAGES, PAGE], "")
    };
    let form = |fields: &str| format!("<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields {fields} >> >>");
    let many_fields = form(&format!("[ {}]", "4 0 R ".repeat(200_000)));
    let unclosed = format!("<< /Type /Catalog /Pages 2 0 R /Deep {}", "[".repeat(1_000_000));
    vec![
        ("deep-arrays", nested("[", "]")),
        ("deep-dictionaries", nested("<< /A ", ">>")),
        ("deep-unclosed", classic(&[&unclosed, PAGES, PAGE], "")),
        ("string-unclosed", classic(&[&format!("<< /A ({}", "(".repeat(500_000)), PAGES, PAGE], "")),
        ("pages-cycle", classic(&[CATALOG, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"], "")),
        (
            "pages-cycle-long",
            classic(
                &[CATALOG, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"],
                "",
            ),
        ),
        ("pages-deep", pages_deep(20_000)),
        ("pages-missing", classic(&["<< /Type /Catalog >>"], "")),
        ("pages-of-wrong-type", classic(&["<< /Type /Catalog /Pages (x) >>"], "")),
        ("page-count-huge", classic(&[CATALOG, "<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>", PAGE], "")),
        ("page-count-negative", classic(&[CATALOG, "<< /Type /Pages /Kids [] /Count -7 >>"], "")),
        ("reference-cycle", classic(&["2 0 R", "1 0 R"], "")),
        ("root-is-itself", classic(&["1 0 R"], "")),
        ("fields-cycle", classic(&[&form("[4 0 R]"), PAGES, PAGE, "<< /T (a) /Kids [4 0 R] /Parent 4 0 R >>"], "")),
        ("fields-many", classic(&[&many_fields, PAGES, PAGE, "<< /T (a) /FT /Sig >>"], "")),
        ("annotations-cycle", classic(&[CATALOG, PAGES, "<< /Type /Page /Parent 2 0 R /Annots 3 0 R >>"], "")),
        (
            "numbers-huge",
            classic(
                &[
                    "<< /Type /Catalog /Pages 2 0 R /N 99999999999999999999999999 /M -.00000e9 /R 99999999999 99999 R >>",
                    PAGES,
                    PAGE,
                ],
                "",
            ),
        ),
        ("root-number-huge", classic_with(&[CATALOG, PAGES, PAGE], "", "/Root 4294967295 65535 R", None)),
        (
            "encrypt-nonsense",
            classic(
                &[CATALOG, PAGES, PAGE],
                "/Encrypt << /Filter /Standard /V 99 /R -1 /Length 99999 /O (x) /U () /P 99999999999 >> /ID [() ()]",
            ),
        ),
        ("stream-length-is-itself", classic(&[CATALOG, PAGES, PAGE, "<< /Length 4 0 R >>\nstream\nx\nendstream"], "")),
    ]
}

fn cross_references() -> Vec<(&'static str, Vec<u8>)> {
    const BODIES: [&str; 3] = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    ];
    let root = "/Root 1 0 R";
    let sized = |size: &str| classic_with(&BODIES, "", root, Some(size));
    let (size_huge, size_negative, size_small) = (sized("2147483647"), sized("-1"), sized("1"));
    let mut all = vec![
        ("size-huge", size_huge),
        ("size-negative", size_negative),
        ("size-small", size_small),
        ("subsection-count-huge", table("0 4294967295\n0000000000 65535 f \n", "")),
        ("subsection-start-huge", table("4294967290 10\n0000000000 65535 f \n", "")),
        ("subsection-count-overflow", table("0 99999999999999999999\n", "")),
        ("entries-garbage", table("0 3\nxxxxxxxxxx yyyyy n \n9999999999 99999 n \n0000000009 00000 q \n", "")),
        ("prev-is-itself", looped()),
        ("prev-two-in-a-circle", circle()),
        ("prev-long-chain", chain(20_000)),
        ("prev-negative", classic(&BODIES, "/Prev -1")),
        ("xrefstm-is-itself", classic(&BODIES, "/XRefStm 15")),
        ("object-number-huge", numbered("4294967295")),
        ("object-number-overflow", numbered("99999999999999999999")),
    ];
    let rows: &[u8] = &[1, 0, 0, 0, 9, 0];
    for (name, entries) in [
        ("xref-stream-size-huge", "/Size 2147483647 /W [1 4 1]"),
        ("xref-stream-index-huge", "/Size 5 /W [1 4 1] /Index [0 9223372036854775807]"),
        ("xref-stream-index-odd", "/Size 5 /W [1 4 1] /Index [0 1 2]"),
        ("xref-stream-widths-zero", "/Size 2147483647 /W [0 0 0] /Index [0 2147483647]"),
        ("xref-stream-widths-huge", "/Size 5 /W [1 9223372036854775807 1]"),
        ("xref-stream-widths-negative", "/Size 5 /W [1 -4 1]"),
        ("xref-stream-widths-wide", "/Size 5 /W [16 16 16]"),
        (
            "xref-stream-predictor-huge",
            "/Size 5 /W [1 4 1] /DecodeParms << /Predictor 12 /Columns 2147483647 /Colors 99 >>",
        ),
        ("xref-stream-prev-itself", "/Size 5 /W [1 4 1] /Prev 9"),
        ("xref-stream-unknown-filter", "/Size 5 /W [1 4 1] /Filter [/JBIG2Decode /Nothing]"),
    ] {
        all.push((name, stream_file(&[], &format!("{entries} /Root 1 0 R"), rows)));
    }
    all
}

/// Object streams that contain or extend themselves, and streams that unpack to half a gigabyte.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    const UNPACKED: u32 = 512 * 1024 * 1024;
    let packed = deflated_zeros(UNPACKED);
    // Object 1 lies in object stream 2 at index 0; object 2 stands at offset 9; 3 is the cross-reference stream.
    let mut rows = vec![0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 0, 0, 0, 9, 0];
    let container = |entries: &str, content: &[u8]| {
        let head = format!("2 0 obj\n<< /Type /ObjStm {entries} /Length {} >>\nstream\n", content.len());
        [head.as_bytes(), content, b"\nendstream\nendobj\n"].concat()
    };
    let file = |object: &[u8], rows: &[u8]| stream_file(object, "/Size 4 /W [1 4 1] /Root 1 0 R", rows);
    let bomb = file(&container("/N 1 /First 4 /Filter /FlateDecode", &packed), &rows);
    let count_huge = file(&container("/N 2147483647 /First 4", b"1 0 << >>"), &rows);
    let first_huge = file(&container("/N 1 /First 9223372036854775807", b"1 0 << >>"), &rows);
    let extends = file(&container("/N 1 /First 4 /Extends 2 0 R", b"9 0 << >>"), &rows);
    let twice = file(&container("/N 1 /First 4 /Filter [/FlateDecode /FlateDecode /FlateDecode]", &packed), &rows);
    // The object stream is said to lie in itself.
    rows[12..18].copy_from_slice(&[2, 0, 0, 0, 2, 0]);
    let inside_itself = file(&container("/N 1 /First 4", b"2 0 << >>"), &rows);
    let entries = "/Size 89478485 /W [1 4 1] /Root 1 0 R /Filter /FlateDecode";
    vec![
        ("flate-bomb-object-stream", bomb),
        ("flate-bomb-filters", twice),
        ("flate-bomb-xref-stream", stream_file(&[], entries, &packed)),
        ("object-stream-count-huge", count_huge),
        ("object-stream-first-huge", first_huge),
        ("object-stream-extends-itself", extends),
        ("object-stream-inside-itself", inside_itself),
    ]
}

fn classic(bodies: &[&str], trailer: &str) -> Vec<u8> {
    classic_with(bodies, trailer, "/Root 1 0 R", None)
}

/// A file with a right cross-reference table; `size` replaces the true /Size.
fn classic_with(bodies: &[&str], trailer: &str, root: &str, size: Option<&str>) -> Vec<u8> {
    let mut out = String::from("%PDF-1.5\n");
    let mut rows = String::from("0000000000 65535 f \n");
    for (index, body) in bodies.iter().enumerate() {
        let _ = writeln!(rows, "{:010} 00000 n ", out.len());
        let _ = write!(out, "{} 0 obj\n{body}\nendobj\n", index + 1);
    }
    let (start, count) = (out.len(), bodies.len() + 1);
    let size = size.map_or(count.to_string(), str::to_owned);
    let _ = write!(out, "xref\n0 {count}\n{rows}trailer\n<< /Size {size} {root} {trailer} >>\n");
    let _ = write!(out, "startxref\n{start}\n%%EOF\n");
    out.into_bytes()
}

/// A file whose cross-reference table reads like this.
fn table(rows: &str, trailer: &str) -> Vec<u8> {
    let head = "%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";
    let start = head.len();
    format!("{head}xref\n{rows}trailer\n<< /Size 4 /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n").into_bytes()
}

fn looped() -> Vec<u8> {
    let start = "%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n".len();
    table("0 1\n0000000000 65535 f \n", &format!("/Prev {start}"))
}

fn circle() -> Vec<u8> {
    let section = |previous: usize| {
        format!("xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 4 /Root 1 0 R /Prev {previous:010} >>\n")
    };
    let first = "%PDF-1.5\n".len();
    let second = first + section(0).len();
    format!("%PDF-1.5\n{}{}startxref\n{second}\n%%EOF\n", section(second), section(first)).into_bytes()
}

/// So many revisions, each with a cross-reference section of its own.
fn chain(revisions: usize) -> Vec<u8> {
    let mut out = String::from("%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n");
    let mut previous = None;
    for _ in 0..revisions {
        let here = out.len();
        let back = previous.map_or(String::new(), |at: usize| format!("/Prev {at}"));
        let _ = write!(out, "xref\n0 0\ntrailer\n<< /Size 2 /Root 1 0 R {back} >>\nstartxref\n{here}\n%%EOF\n");
        previous = Some(here);
    }
    out.into_bytes()
}

/// A file whose catalog has this number.
fn numbered(number: &str) -> Vec<u8> {
    let head = format!("%PDF-1.5\n{number} 0 obj\n<< /Type /Catalog >>\nendobj\n");
    let start = head.len();
    let section = format!("xref\n{number} 1\n0000000009 00000 n \ntrailer\n<< /Size 2 /Root {number} 0 R >>\n");
    format!("{head}{section}startxref\n{start}\n%%EOF\n").into_bytes()
}

/// A page tree that is so many levels deep.
fn pages_deep(levels: usize) -> Vec<u8> {
    let mut bodies = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    for level in 0..levels {
        bodies.push(format!("<< /Type /Pages /Kids [{} 0 R] /Count 1 /Parent {} 0 R >>", level + 3, level + 1));
    }
    bodies.push(format!("<< /Type /Page /Parent {} 0 R /MediaBox [0 0 595 842] >>", levels + 1));
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    classic(&bodies, "")
}

/// A file of one given object (which stands at offset 9) and a cross-reference stream, number 3.
fn stream_file(object: &[u8], entries: &str, content: &[u8]) -> Vec<u8> {
    let mut out = [b"%PDF-1.5\n", object].concat();
    let start = out.len();
    out.extend_from_slice(
        format!("3 0 obj\n<< /Type /XRef {entries} /Length {} >>\nstream\n", content.len()).as_bytes(),
    );
    out.extend_from_slice(content);
    out.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
    out
}

/// A zlib stream (RFC 1950) that unpacks to so many zeros: one literal, then copies of 258 bytes from one byte back,
/// in the fixed code of RFC 1951 section 3.2.6. 13 bits stand for 258 bytes.
fn deflated_zeros(count: u32) -> Vec<u8> {
    let copies = (count - 1) / 258;
    let zeros = 1 + copies * 258;
    let mut bits = Bits::default();
    bits.push(0b011, 3); // the last block; fixed code
    bits.push(u32::from(0x30_u8.reverse_bits()), 8); // literal 0
    for _ in 0..copies {
        bits.push(u32::from(0b1100_0101_u8.reverse_bits()), 8); // length 258
        bits.push(0, 5); // distance 1
    }
    bits.push(0, 7); // end of block
    // Adler-32 of zeros: the first sum stays 1, the second counts.
    let checksum = ((zeros % 65_521) << 16) | 1;
    [&[0x78, 0x9c], bits.finish().as_slice(), &checksum.to_be_bytes()].concat()
}

/// Bits in the order of RFC 1951: the first goes to the lowest place.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, bits: u32) {
        self.waiting |= value << self.count;
        self.count += bits;
        while self.count >= 8 {
            self.bytes.push(self.waiting as u8);
            self.waiting >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.waiting as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tools;

    #[test]
    fn names_differ_and_the_whole_set_stays_small() {
        let all = evil();
        let names: std::collections::HashSet<_> = all.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.len() > 50);
        assert!(all.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 40 << 20);
    }

    #[test]
    fn the_bomb_is_a_true_zlib_stream() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.z");
        std::fs::write(&path, deflated_zeros(10_000_000)).unwrap();
        let count = "import sys, zlib; d = zlib.decompress(open(sys.argv[1], 'rb').read()); print(len(d), d.count(0))";
        let said = tools::run_ok("python3", ["-c".as_ref(), count.as_ref(), path.as_os_str()]).unwrap();
        assert_eq!(said.trim(), "9999823 9999823");
    }

    #[test]
    fn circles_point_where_they_should() {
        let (loop_file, circle_file) = (looped(), circle());
        let at = |file: &[u8], offset: usize| file[offset..].starts_with(b"xref");
        let offset = |file: &[u8], key: &str| {
            let text = String::from_utf8_lossy(file).into_owned();
            text.rsplit(key).next().unwrap().split_whitespace().next().unwrap().parse::<usize>().unwrap()
        };
        assert!(at(&loop_file, offset(&loop_file, "/Prev ")));
        assert!(at(&circle_file, offset(&circle_file, "/Prev ")));
        assert!(at(&circle_file, offset(&circle_file, "startxref")));
    }
}
