//! Makes PDF invoices: valid, different from each other, the same for the same seed; and the evil ones ([`evil()`]).
//!
//! Knows just enough of ISO 32000-1 to write a file; it reads none and signs none.

mod evil;

pub use evil::evil;

use std::fmt::Write as _;

/// What kind of file to make.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Number of pages, at least one.
    pub pages: usize,
    /// The exact length of the file in bytes; if it is more than text and structure need, a scanned picture of noise
    /// fills it up. 0 means as small as it gets.
    pub bytes: usize,
    /// How the file tells where its objects are.
    pub form: Form,
}

impl Default for Shape {
    fn default() -> Self {
        Self { pages: 1, bytes: 0, form: Form::Classic }
    }
}

impl Shape {
    /// One page, classic, of this length.
    pub fn of_bytes(bytes: usize) -> Self {
        Self { bytes, ..Self::default() }
    }
}

/// How a file tells where its objects are (ISO 32000-1 section 7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A cross-reference table and a trailer.
    Classic,
    /// A cross-reference stream.
    XrefStream,
    /// A cross-reference stream, and object streams for all that may be in one.
    ObjectStreams,
}

/// An invoice. The same seed and shape give the same bytes; another seed another invoice.
pub fn invoice(seed: u64, shape: &Shape) -> Vec<u8> {
    let mut padding = 0_usize;
    let mut made = build(seed, shape, padding);
    // The numbers that tell lengths and offsets grow with the padding, so it takes a few steps to meet the length.
    for _ in 0..8 {
        if shape.bytes <= made.len() && padding == 0 || made.len() == shape.bytes {
            break;
        }
        padding = (padding + shape.bytes).saturating_sub(made.len()).max(1);
        made = build(seed, shape, padding);
    }
    made
}

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// Starts the sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; `end` must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut made = Vec::with_capacity(count + 8);
        while made.len() < count {
            made.extend_from_slice(&self.draw().to_le_bytes());
        }
        made.truncate(count);
        made
    }
}

fn build(seed: u64, shape: &Shape, padding: usize) -> Vec<u8> {
    let mut numbers = Numbers::new(seed);
    let pages = shape.pages.max(1);
    // 1 catalog, 2 pages, 3 and 4 fonts, 5 info, 6 the picture that fills up, then a page and its content in turn.
    let mut file = File::default();
    file.plain("<< /Type /Catalog /Pages 2 0 R /Lang (de-DE) >>");
    let kids: String = (0..pages).fold(String::new(), |mut text, page| {
        let _ = write!(text, "{} 0 R ", 7 + 2 * page);
        text
    });
    file.plain(&format!("<< /Type /Pages /Count {pages} /Kids [ {kids}] >>"));
    file.plain("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    file.plain("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>");
    file.plain(&format!("<< /Title (Rechnung {seed}) /Producer (testkit) /CreationDate (D:20260102030405Z) >>"));
    let mut filler = numbers.clone();
    filler.draw();
    let picture = format!(
        "/Type /XObject /Subtype /Image /Width {padding} /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    );
    let picture_bytes = filler.bytes(padding);
    let has_picture = padding > 0;
    if has_picture {
        file.stream(&picture, &picture_bytes);
    } else {
        file.plain("null");
    }
    for page in 0..pages {
        let content = page_content(&mut numbers, seed, page, pages, has_picture && page == 0);
        let pictures = if has_picture { " /XObject << /Scan 6 0 R >>" } else { "" };
        file.plain(&format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R /F2 4 0 R >>{pictures} >> >>",
            8 + 2 * page
        ));
        file.stream("", &content);
    }
    file.finish(shape.form, "/Root 1 0 R /Info 5 0 R")
}

fn page_content(numbers: &mut Numbers, seed: u64, page: usize, pages: usize, picture: bool) -> Vec<u8> {
    const SELLERS: [&str; 4] = [
        "K\\366hler & S\\366hne Gro\\337handel GmbH",
        "Stadtwerke Ahrenbach AG",
        "Moosbr\\374cke Optik KG",
        "Papier Winter e.K.",
    ];
    const GOODS: [&str; 6] = [
        "Kopierpapier A4 80 g",
        "Wartung Druckstra\\337e",
        "Fracht",
        "Toner schwarz",
        "Beratung, Stunden",
        "M\\374llgeb\\374hr",
    ];
    let mut text = String::new();
    let mut line = |font: &str, size: u32, x: u32, y: u32, words: &str| {
        let _ = writeln!(text, "BT /{font} {size} Tf 1 0 0 1 {x} {y} Tm ({words}) Tj ET");
    };
    let seller = SELLERS[numbers.below(4) as usize];
    line("F2", 14, 60, 780, seller);
    line("F1", 11, 60, 740, &format!("Rechnung Nr. {}-{:06}", 2024 + seed % 3, seed % 1_000_000));
    line("F1", 9, 460, 740, &format!("Seite {} von {pages}", page + 1));
    let mut total_cents = 0;
    for position in 0..18_u32 {
        let (count, cents) = (1 + numbers.below(40), 95 + numbers.below(40_000));
        let goods = GOODS[numbers.below(6) as usize];
        let y = 690 - 26 * position;
        total_cents += count * cents;
        line("F1", 10, 60, y, &format!("{:>3}  {count:>3} x  {goods}", position + 1));
        line("F1", 10, 460, y, &format!("{} EUR", euros(count * cents)));
    }
    let tax = (total_cents * 19 + 50) / 100;
    line("F1", 10, 60, 190, &format!("Summe netto {} EUR, Umsatzsteuer 19 % {} EUR", euros(total_cents), euros(tax)));
    line("F2", 12, 60, 165, &format!("Rechnungsbetrag {} EUR, zahlbar in 14 Tagen", euros(total_cents + tax)));
    text.push_str("0.6 w 60 205 m 535 205 l S\n");
    if picture {
        text.push_str("q 475 0 0 20 60 60 cm /Scan Do Q\n");
    }
    text.into_bytes()
}

fn euros(cents: u64) -> String {
    format!("{},{:02}", cents / 100, cents % 100)
}

/// A file in the making: numbered bodies, of which some are streams.
#[derive(Default)]
struct File {
    /// Object `n` is at `n - 1`: its body, and whether it is a stream (which no object stream may hold).
    objects: Vec<(Vec<u8>, bool)>,
}

impl File {
    fn plain(&mut self, body: &str) {
        self.objects.push((body.as_bytes().to_vec(), false));
    }

    fn stream(&mut self, entries: &str, content: &[u8]) {
        let head = format!("<< {entries} /Length {} >>\nstream\n", content.len());
        self.objects.push(([head.as_bytes(), content, b"\nendstream"].concat(), true));
    }

    fn finish(&self, form: Form, trailer: &str) -> Vec<u8> {
        let version: &[u8] = if form == Form::Classic { b"%PDF-1.4\n" } else { b"%PDF-1.5\n" };
        let mut out = [version, b"%\xe2\xe3\xcf\xd3\n"].concat();
        let mut places = vec![Place::Free];
        let packed = form == Form::ObjectStreams;
        let container = self.objects.len() + 1;
        let mut inside = Vec::new();
        for (index, (body, is_stream)) in self.objects.iter().enumerate() {
            if packed && !is_stream {
                places.push(Place::Inside(inside.len()));
                inside.push((index + 1, body));
            } else {
                places.push(Place::At(out.len()));
                write_object(&mut out, index + 1, body);
            }
        }
        if packed {
            places.push(Place::At(out.len()));
            write_object(&mut out, container, &object_stream(&inside));
        }
        let start = out.len();
        if form == Form::Classic {
            let mut table = format!("xref\n0 {}\n", places.len());
            for place in &places {
                let _ = match place {
                    Place::At(offset) => writeln!(table, "{offset:010} 00000 n "),
                    _ => writeln!(table, "0000000000 65535 f "),
                };
            }
            let _ = write!(table, "trailer\n<< /Size {} {trailer} >>\n", places.len());
            out.extend_from_slice(table.as_bytes());
        } else {
            places.push(Place::At(start));
            write_object(&mut out, places.len() - 1, &xref_stream(&places, container, trailer));
        }
        out.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
        out
    }
}

enum Place {
    Free,
    At(usize),
    Inside(usize),
}

fn write_object(out: &mut Vec<u8>, number: usize, body: &[u8]) {
    out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(b"\nendobj\n");
}

fn object_stream(inside: &[(usize, &Vec<u8>)]) -> Vec<u8> {
    let (mut head, mut bodies) = (String::new(), Vec::new());
    for (number, body) in inside {
        let _ = write!(head, "{number} {} ", bodies.len());
        bodies.extend_from_slice(body);
        bodies.push(b'\n');
    }
    let length = head.len() + bodies.len();
    let entries = format!("<< /Type /ObjStm /N {} /First {} /Length {length} >>\nstream\n", inside.len(), head.len());
    [entries.as_bytes(), head.as_bytes(), &bodies, b"\nendstream"].concat()
}

fn xref_stream(places: &[Place], container: usize, trailer: &str) -> Vec<u8> {
    let mut rows = Vec::new();
    for place in places {
        let (kind, second, third) = match place {
            Place::Free => (0, 0, 255),
            Place::At(offset) => (1, *offset as u32, 0),
            Place::Inside(index) => (2, container as u32, *index as u8),
        };
        rows.push(kind);
        rows.extend_from_slice(&second.to_be_bytes());
        rows.push(third);
    }
    let entries =
        format!("<< /Type /XRef /Size {} /W [1 4 1] {trailer} /Length {} >>\nstream\n", places.len(), rows.len());
    [entries.as_bytes(), &rows, b"\nendstream"].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::judge::{Structure, qpdf_check};
    use crate::tools;

    #[test]
    fn qpdf_finds_every_form_and_size_clean_and_the_length_is_exact() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made.pdf");
        for form in [Form::Classic, Form::XrefStream, Form::ObjectStreams] {
            for (pages, bytes) in [(1, 0), (1, 100_000), (3, 9_999_999), (100, 0), (2, 69_000)] {
                let made = invoice(pages as u64 + 41, &Shape { pages, bytes, form });
                assert!(bytes == 0 || made.len() == bytes, "{form:?} {pages} {bytes}: {}", made.len());
                std::fs::write(&path, &made).unwrap();
                let (structure, said) = qpdf_check(&path, None).unwrap();
                assert_eq!(structure, Structure::Clean, "{form:?} {pages} {bytes}: {said}");
            }
        }
    }

    #[test]
    fn the_text_is_real_and_the_seed_decides() {
        let shape = Shape::of_bytes(20_000);
        assert_eq!(invoice(5, &shape), invoice(5, &shape));
        assert_ne!(invoice(5, &shape), invoice(6, &shape));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made.pdf");
        std::fs::write(&path, invoice(5, &shape)).unwrap();
        let text = tools::run_ok("pdftotext", [path.as_os_str(), "-".as_ref()]).unwrap();
        assert!(text.contains("Rechnung Nr. 2026-000005") && text.contains("Umsatzsteuer 19 %"), "{text}");
    }
}
