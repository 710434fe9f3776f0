//! Writes new documents of plain text: A4 pages with rows of wrapped text, page numbers, and everything inside that a
//! reader needs for decades (ISO 19005-2: fonts embedded, colours defined, metadata). Knows nothing of what it shows.

use super::filter;
use super::font::Font;
use super::lexer;
use super::lexer::Reference;
use super::update::{Ground, Tail};
use crate::crypto;
use crate::prepare::FormatError;
use model::limits::PDF_TEXT_PAGES_MAX;
use model::{DigestAlgorithm, Time};

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);

/// Distance of the text from the left and right edges.
const MARGIN: f32 = 50.0;

/// Where the text starts and ends, from the lower edge.
const TOP: f32 = PAGE.1 - 50.0;
const BOTTOM: f32 = 60.0;

/// Where the footer stands, and its size.
const FOOTER: (f32, f32) = (34.0, 7.5);

/// Distance of lines, in font sizes.
const LEADING: f32 = 1.32;

/// Comment with octets beyond ASCII, so that nobody takes the file for text (ISO 19005-2 6.1.2).
const HEADER: &[u8] = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";

/// The colours of sRGB without a profile in the file.
const COLOURS: &str = "[/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2] /Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505] >>]";

/// Always in the font, so that documents of one kind share its subset.
const ALPHABET: &str =
    " !\"#$%&'()*+,-./:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~ÄÖÜäöüß–…„“”’•é";

/// Red, green and blue, from 0 to 1.
pub type Colour = (f32, f32, f32);

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Size in points.
    pub size: f32,
    /// Strong.
    pub bold: bool,
    /// Colour.
    pub colour: Colour,
}

/// Text in a row.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'t> {
    /// The text; it is wrapped.
    pub text: &'t str,
    /// Distance from the left margin in points.
    pub left: f32,
    /// Width in points.
    pub width: f32,
    /// How it looks.
    pub style: Style,
}

/// A document while it is written.
pub struct TextDocument {
    font: Font,
    pages: Vec<Vec<u8>>,
    content: String,
    /// Where the next row starts, from the lower edge.
    y: f32,
    cut: bool,
}

impl TextDocument {
    /// Width of the text, in points.
    pub const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;

    /// Starts the first page.
    pub fn new() -> Result<Self, FormatError> {
        let mut font = Font::new()?;
        font.show(ALPHABET);
        Ok(Self { font, pages: Vec::new(), content: String::new(), y: TOP, cut: false })
    }

    /// Leaves room.
    pub fn space(&mut self, points: f32) {
        if self.y < TOP {
            self.y -= points;
        }
    }

    /// Starts a new page if there is less room left than this.
    pub fn keep(&mut self, points: f32) {
        if self.y - points < BOTTOM {
            self.turn();
        }
    }

    /// Whether there is no room for more pages; further rows are left out.
    pub fn is_full(&self) -> bool {
        self.cut
    }

    /// Writes cells side by side, on as many lines and pages as the longest of them needs. `shade`: what is behind them.
    pub fn row(&mut self, cells: &[Cell<'_>], shade: Option<Colour>) {
        let wrapped: Vec<Vec<String>> = cells.iter().map(|cell| self.wrap(cell)).collect();
        let size = cells.iter().map(|cell| cell.style.size).fold(1.0, f32::max);
        let leading = size * LEADING;
        let count = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..count {
            self.keep(leading);
            if self.cut {
                return;
            }
            let below = self.y - leading;
            if let Some(colour) = shade {
                let (x, width) = (MARGIN - 4.0, Self::WIDTH + 8.0);
                self.content.push_str(&format!("{} {x} {below:.2} {width} {leading:.2} re f\n", fill(colour)));
            }
            let base = below - self.font.descent() * size * 0.9;
            for (cell, lines) in cells.iter().zip(&wrapped) {
                if let Some(text) = lines.get(line).filter(|text| !text.is_empty()) {
                    let operand = self.font.show(text);
                    let drawn = draw(&operand, MARGIN + cell.left, base, cell.style);
                    self.content.push_str(&drawn);
                }
            }
            self.y = below;
        }
    }

    /// Draws a thin line across the page.
    pub fn rule(&mut self, colour: Colour) {
        self.keep(6.0);
        if !self.cut {
            self.y -= 3.0;
            let rule = format!("{} {MARGIN} {:.2} {} 0.6 re f\n", fill(colour), self.y, Self::WIDTH);
            self.content.push_str(&rule);
            self.y -= 3.0;
        }
    }

    fn turn(&mut self) {
        // One page is always being written.
        if self.pages.len() + 1 >= PDF_TEXT_PAGES_MAX {
            self.cut = true;
            return;
        }
        let content = std::mem::take(&mut self.content);
        self.pages.push(filter::deflate(content.as_bytes()));
        self.y = TOP;
    }

    /// Breaks text at blanks, and words that are too long wherever the line ends.
    fn wrap(&self, cell: &Cell<'_>) -> Vec<String> {
        let room = cell.width / cell.style.size;
        let mut lines = Vec::new();
        for paragraph in cell.text.split('\n') {
            let (mut line, mut used) = (String::new(), 0.0);
            for word in paragraph.split_inclusive([' ', '\t']) {
                let width: f32 = word.chars().map(|character| self.font.width(character)).sum();
                let visible = width - if word.ends_with([' ', '\t']) { self.font.width(' ') } else { 0.0 };
                if used + visible > room && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                if visible <= room {
                    line.push_str(word);
                    used += width;
                    continue;
                }
                for character in word.chars() {
                    let width = self.font.width(character);
                    if used + width > room && !line.is_empty() {
                        lines.push(std::mem::take(&mut line));
                        used = 0.0;
                    }
                    line.push(character);
                    used += width;
                }
            }
            lines.push(line);
        }
        lines
    }

    /// Ends the document. `language`: a tag such as `de`. `footer`: what stands at the foot of a page, given its number
    /// and how many there are.
    pub fn finish(
        mut self,
        title: &str,
        language: &str,
        created: Time,
        footer: &dyn Fn(usize, usize) -> String,
    ) -> Result<Vec<u8>, FormatError> {
        let content = std::mem::take(&mut self.content);
        self.pages.push(filter::deflate(content.as_bytes()));
        let pages = std::mem::take(&mut self.pages);
        let count = pages.len();
        let grey = Style { size: FOOTER.1, bold: false, colour: (0.35, 0.35, 0.35) };
        let mut feet = Vec::with_capacity(count);
        for number in 1..=count {
            let text = footer(number, count);
            let cell = Cell { text: &text, left: 0.0, width: Self::WIDTH, style: grey };
            let line = self.wrap(&cell).into_iter().next().unwrap_or_default();
            let operand = self.font.show(&line);
            feet.push(draw(&operand, MARGIN, FOOTER.0, grey));
        }
        let [catalog, root, info, metadata] = [1, 2, 3, 4].map(|number| Reference { number, generation: 0 });
        let trailer = format!("<< /Root {catalog} /Info {info} >>").into_bytes();
        let ground = Ground::of_new_file(HEADER.len() as u64, trailer, 5);
        let mut tail = Tail::new(&ground, pages.iter().map(|page| page.len() + 512).sum::<usize>() + 64 * 1024);
        let font = self.font.write(&mut tail)?;
        let mut kids = String::new();
        for (page, foot) in pages.iter().zip(&feet) {
            let [id, body, below] = [tail.allocate()?, tail.allocate()?, tail.allocate()?];
            tail.stream(body, "/Filter /FlateDecode", page)?;
            tail.stream(below, "", foot.as_bytes())?;
            let (width, height) = PAGE;
            let dictionary = format!(
                "<< /Type /Page /Parent {root} /MediaBox [0 0 {width} {height}] /Contents [{body} {below}] /Resources << /Font << /F {font} >> /ColorSpace << /C {COLOURS} >> >> >>"
            );
            tail.object(id, dictionary.as_bytes());
            kids.push_str(&format!("{id} "));
        }
        let tag: String = language.chars().filter(|character| character.is_ascii_alphanumeric()).take(8).collect();
        tail.object(
            catalog,
            format!("<< /Type /Catalog /Pages {root} /Metadata {metadata} /Lang ({tag}) /ViewerPreferences << /DisplayDocTitle true >> >>").as_bytes(),
        );
        tail.object(root, format!("<< /Type /Pages /Count {count} /Kids [{}] >>", kids.trim_end()).as_bytes());
        tail.object(info, &information(title, created));
        tail.stream(metadata, "/Type /Metadata /Subtype /XML", packet(title, created).as_bytes())?;
        let mut hasher = crypto::Hasher::new(DigestAlgorithm::Sha256);
        hasher.update(&tail.bytes);
        let digest = hasher.finish();
        let id = lexer::hex_string(digest.as_bytes().get(..16).unwrap_or_default());
        tail.finish(&[b"[".as_slice(), &id, &id, b"]"].concat())?;
        Ok([HEADER, &tail.bytes].concat())
    }
}

fn fill((red, green, blue): Colour) -> String {
    format!("/C cs {red:.3} {green:.3} {blue:.3} sc")
}

/// There is one font only: what is strong has an outline.
fn draw(operand: &str, x: f32, y: f32, style: Style) -> String {
    let (red, green, blue) = style.colour;
    let weight = if style.bold {
        format!("/C CS {red:.3} {green:.3} {blue:.3} SC 2 Tr {:.3} w ", style.size * 0.035)
    } else {
        "0 Tr ".into()
    };
    format!("BT {} {weight}/F {} Tf {x:.2} {y:.2} Td {operand} Tj ET\n", fill(style.colour), style.size)
}

/// The old place of the metadata (ISO 32000-1 14.3.3), the same as in the packet.
fn information(title: &str, created: Time) -> Vec<u8> {
    let (year, month, day, hour, minute, second) = created.civil();
    let units: Vec<u8> = [0xFEFF].into_iter().chain(title.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let mut body = b"<< /Title ".to_vec();
    body.extend_from_slice(&lexer::hex_string(&units));
    body.extend_from_slice(
        format!(" /CreationDate (D:{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}Z) >>").as_bytes(),
    );
    body
}

/// The metadata (ISO 16684-1), with the claim to be PDF/A-2b (ISO 19005-2 6.6.4).
fn packet(title: &str, created: Time) -> String {
    let (year, month, day, hour, minute, second) = created.civil();
    let mut escaped = String::with_capacity(title.len());
    for character in title.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\">\n\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{escaped}</rdf:li></rdf:Alt></dc:title>\n\
         <xmp:CreateDate>{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z</xmp:CreateDate>\n\
         <pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>\n\
         </rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const STYLE: Style = Style { size: 10.0, bold: false, colour: (0.0, 0.0, 0.0) };

    #[test]
    fn text_is_wrapped_and_nothing_of_it_is_lost() {
        let document = TextDocument::new().unwrap();
        let long = format!("einige Wörter und {} danach", "x".repeat(300));
        let lines = document.wrap(&Cell { text: &long, left: 0.0, width: 120.0, style: STYLE });
        assert!(lines.len() > 10);
        assert_eq!(lines.concat(), long);
        let width = |line: &str| line.trim_end().chars().map(|c| document.font.width(c) * 10.0).sum::<f32>();
        assert!(lines.iter().all(|line| width(line) <= 120.1));
    }

    #[test]
    fn pages_end_at_their_bound() {
        let mut document = TextDocument::new().unwrap();
        let text = "line\n".repeat(60 * (PDF_TEXT_PAGES_MAX + 10));
        document.row(&[Cell { text: &text, left: 0.0, width: 400.0, style: STYLE }], None);
        assert!(document.is_full());
        let created = Time::from_seconds(1_767_225_600);
        let bytes = document.finish("T", "en", created, &|page, of| format!("{page} of {of}")).unwrap();
        let marks = bytes.windows(12).filter(|window| *window == b"/Type /Page ").count();
        assert_eq!(marks, PDF_TEXT_PAGES_MAX);
    }
}
