//! A report as one page of HTML for people: complete in itself, without scripts, made to be printed as well. Everything
//! that comes from outside is escaped, and isolated from the direction of the text around it.

use super::Report;
use super::language::Language;
use super::story::{self, Block, Tone};

const STYLE: &str = "
body { font: 15px/1.45 'DejaVu Sans', Verdana, Arial, sans-serif; color: #1b1f24; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 2.2rem 0 .8rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-top: 2px solid #9aa4ae; padding-top: .8rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.verdict { border-left: .55rem solid; padding: .6rem .9rem; margin: .7rem 0; overflow-wrap: anywhere; }
.verdict strong { display: block; font-size: 1.1rem; }
.good { border-color: #1a7f37; background: #e9f6ec; }
.open { border-color: #b06a00; background: #fff4de; }
.bad { border-color: #b3261e; background: #fdebea; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid #d5dae0; overflow-wrap: anywhere; }
thead th { background: #eef1f4; }
.facts th { width: 15rem; font-weight: 600; color: #47515b; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } h1, h2, h3 { break-after: avoid; } tr, .verdict { break-inside: avoid; } thead { display: table-header-group; } * { print-color-adjust: exact; } }
";

/// The page.
pub fn of(report: &Report, language: Language) -> String {
    let mut page = Page { html: String::with_capacity(16 * 1024) };
    page.raw("<!DOCTYPE html>\n<html lang=\"");
    page.raw(language.tag());
    page.raw("\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Should anything ever slip through, a browser runs and fetches nothing.
    page.raw(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.raw("<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    page.text(&story::title(report, language));
    page.raw("</title>\n<style>");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n");
    story::tell(report, language).iter().for_each(|block| page.block(block));
    page.raw("</body>\n</html>\n");
    page.html
}

struct Page {
    html: String,
}

impl Page {
    fn raw(&mut self, markup: &str) {
        self.html.push_str(markup);
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                _ => self.html.push(character),
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        self.raw(&format!("<{name}><bdi>"));
        self.text(text);
        self.raw(&format!("</bdi></{name}>"));
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(level, text) => {
                self.element(&format!("h{level}"), text);
                self.raw("\n");
            }
            Block::Verdict(tone, head, why) => {
                let class = match tone {
                    Tone::Good => "good",
                    Tone::Open => "open",
                    Tone::Bad => "bad",
                };
                self.raw(&format!("<div class=\"verdict {class}\">"));
                self.element("strong", head);
                self.element("span", why);
                self.raw("</div>\n");
            }
            Block::Facts(facts) => {
                self.raw("<table class=\"facts\"><tbody>\n");
                for (name, value) in facts {
                    self.raw("<tr>");
                    self.element("th", name);
                    self.element("td", value);
                    self.raw("</tr>\n");
                }
                self.raw("</tbody></table>\n");
            }
            Block::Table(columns, rows) => {
                self.raw("<table><thead><tr>");
                for (name, share) in columns {
                    self.raw(&format!("<th style=\"width:{share}%\">"));
                    self.text(name);
                    self.raw("</th>");
                }
                self.raw("</tr></thead><tbody>\n");
                for row in rows {
                    self.raw("<tr>");
                    row.iter().for_each(|cell| self.element("td", cell));
                    self.raw("</tr>\n");
                }
                self.raw("</tbody></table>\n");
            }
        }
    }
}
