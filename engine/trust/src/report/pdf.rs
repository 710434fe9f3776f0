//! A report as a PDF that people can file: what the page of HTML says, on A4 pages with numbers.

use super::language::Language;
use super::story::{self, Block, Tone};
use super::{Report, word};
use formats::FormatError;
use formats::pdf::text::{Cell, Colour, Style, TextDocument};

const BLACK: Colour = (0.1, 0.12, 0.14);
const GREY: Colour = (0.3, 0.34, 0.38);
const LINE: Colour = (0.75, 0.78, 0.82);
const HEAD: Colour = (0.93, 0.945, 0.957);

const TEXT: Style = Style { size: 9.0, bold: false, colour: BLACK };
const LABEL: Style = Style { size: 9.0, bold: false, colour: GREY };
const SMALL: Style = Style { size: 7.5, bold: false, colour: BLACK };

/// Width of the names of facts, in points.
const LABELS: f32 = 135.0;

/// Room between columns, in points.
const GAP: f32 = 8.0;

/// Room that a heading wants below it, so that it does not stand alone at the foot of a page, in points.
const COMPANY: f32 = 70.0;

/// The document.
pub fn of(report: &Report, language: Language) -> Result<Vec<u8>, FormatError> {
    let mut document = TextDocument::new()?;
    for block in story::tell(report, language) {
        if document.is_full() {
            break;
        }
        write(&mut document, &block);
    }
    let title = story::title(report, language);
    let file: String = word::visible(&report.file).chars().take(60).collect();
    let cut = if document.is_full() { language.pick(" (cut: too long)", " (gekürzt: zu lang)") } else { "" };
    let footer = |page: usize, of: usize| {
        let (word, between) = language.pick(("Page", "of"), ("Seite", "von"));
        format!("{word} {page} {between} {of}{cut} – {} – {file}", language.time(report.validation_time))
    };
    document.finish(&title, language.tag(), report.validation_time, &footer)
}

fn write(document: &mut TextDocument, block: &Block) {
    let whole = |text, style| [Cell { text, left: 0.0, width: TextDocument::WIDTH, style }];
    match block {
        Block::Heading(level, text) => {
            let size = match level {
                1 => 15.0,
                2 => 12.0,
                _ => 9.5,
            };
            document.space(size);
            document.keep(COMPANY);
            if *level == 2 {
                document.rule(LINE);
            }
            document.row(&whole(text, Style { size, bold: true, colour: BLACK }), None);
            document.space(3.0);
        }
        Block::Verdict(tone, head, why) => {
            let (colour, shade) = match tone {
                Tone::Good => ((0.06, 0.4, 0.17), (0.914, 0.965, 0.925)),
                Tone::Open => ((0.55, 0.32, 0.0), (1.0, 0.957, 0.871)),
                Tone::Bad => ((0.65, 0.1, 0.08), (0.992, 0.922, 0.918)),
            };
            document.keep(COMPANY);
            document.row(&whole(head, Style { size: 11.0, bold: true, colour }), Some(shade));
            if !why.is_empty() {
                document.row(&whole(why, TEXT), Some(shade));
            }
            document.space(5.0);
        }
        Block::Facts(facts) => {
            for (name, value) in facts {
                let value =
                    Cell { text: value, left: LABELS + GAP, width: TextDocument::WIDTH - LABELS - GAP, style: TEXT };
                document.row(&[Cell { text: name, left: 0.0, width: LABELS, style: LABEL }, value], None);
                document.space(1.5);
            }
        }
        Block::Table(columns, rows) => {
            let mut left = 0.0;
            let mut places = Vec::with_capacity(columns.len());
            for (_, share) in columns {
                let width = TextDocument::WIDTH * f32::from(*share) / 100.0;
                places.push((left, width - GAP));
                left += width;
            }
            let cells = |texts: &mut dyn Iterator<Item = &String>, style: Style, document: &mut TextDocument, shade| {
                let texts: Vec<&String> = texts.collect();
                // A row of one cell goes across the table.
                let cells: Vec<Cell<'_>> = match texts.as_slice() {
                    [text] => vec![Cell { text, left: 0.0, width: TextDocument::WIDTH, style }],
                    _ => texts
                        .iter()
                        .zip(&places)
                        .map(|(text, (left, width))| Cell { text, left: *left, width: *width, style })
                        .collect(),
                };
                document.row(&cells, shade);
            };
            let bold = Style { bold: true, ..SMALL };
            cells(&mut columns.iter().map(|(name, _)| name), bold, document, Some(HEAD));
            for row in rows {
                document.space(2.0);
                cells(&mut row.iter(), SMALL, document, None);
                if document.is_full() {
                    return;
                }
            }
        }
    }
}
