//! Takes the text of a message apart: tags, text, nothing else. Declarations of document types and processing instructions
//! end the message; comments vanish; references to characters are resolved, and there are no other entities than the five
//! of XML itself.
//!
//! Holds one tag at a time, never text: a document inline passes through in pieces.

use crate::fault::Fault;
use crate::read::scan;
use crate::read::unicode::is_permitted;
use model::limits::{API_XML_NAME_BYTES_MAX, API_XML_TAG_BYTES_MAX};
use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;

/// What a message consists of.
#[derive(Debug)]
pub(super) enum Token<'t> {
    /// A start tag; an empty element is followed by its end.
    Start(&'t Tag),
    /// Text, or a piece of it.
    Text(&'t str),
    /// An end tag with its name, prefix included.
    End(&'t str),
}

/// A start tag.
#[derive(Debug, Default)]
pub(super) struct Tag {
    /// Its name, prefix included.
    pub(super) name: String,
    /// Names, prefix included, and values, with references resolved.
    pub(super) attributes: Vec<(String, String)>,
}

/// Takes text piece by piece and hands on what it consists of.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    state: State,
    /// What of a tag, comment or reference has come by now.
    pending: String,
    quote: Option<char>,
    /// Marks at the end of what came of a comment or of CDATA, at most two: they may be the beginning of its end.
    held: usize,
    tag: Tag,
    started: bool,
    is_wide: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    #[default]
    Text,
    /// After `<`.
    Open,
    /// In a tag, until `>` outside of quotes.
    Tag,
    Reference,
    Comment,
    Cdata,
    /// In the XML declaration, which may stand at the very beginning only.
    Declaration,
}

const COMMENT: &str = "!--";
const CDATA: &str = "![CDATA[";
const REFERENCE_BYTES_MAX: usize = 12;
const ATTRIBUTE_TEXT: &str = " \t\r\n";

impl Tokens {
    /// The encoding was UTF-16, so that the declaration may say so.
    pub(super) fn wide(&mut self) {
        self.is_wide = true;
    }

    /// Takes more text.
    pub(super) fn push(
        &mut self,
        mut text: &str,
        take: &mut impl FnMut(Token<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        while !text.is_empty() {
            text = match self.state {
                State::Text => self.text(text, take)?,
                State::Open => self.open(text)?,
                State::Tag => self.tag(text, take)?,
                State::Reference => self.reference(text, take)?,
                State::Comment => self.until(b'-', text, take)?,
                State::Cdata => self.until(b']', text, take)?,
                State::Declaration => self.declaration(text)?,
            };
        }
        Ok(())
    }

    /// Whether the message may end here.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if self.state == State::Text { Ok(()) } else { Err(wrong("the message ends in the middle of a tag")) }
    }

    fn text<'t>(
        &mut self,
        text: &'t str,
        take: &mut impl FnMut(Token<'_>) -> Result<(), Fault>,
    ) -> Result<&'t str, Fault> {
        // Both are ASCII, so looking at bytes finds characters; a document inline passes here.
        let end = scan::position(text.as_bytes(), |byte| byte == b'<' || byte == b'&').unwrap_or(text.len());
        let (plain, rest) = text.split_at(end);
        if !plain.is_empty() {
            self.started = true;
            take(Token::Text(plain))?;
        }
        self.pending.clear();
        let mut characters = rest.chars();
        match characters.next() {
            Some('<') => self.state = State::Open,
            Some(_) => self.state = State::Reference,
            None => {}
        }
        Ok(characters.as_str())
    }

    /// Finds out what begins with `<`.
    fn open<'t>(&mut self, text: &'t str) -> Result<&'t str, Fault> {
        let mut characters = text.chars();
        while let Some(next) = characters.clone().next() {
            self.pending.push(next);
            if self.pending == COMMENT || self.pending == CDATA {
                self.state = if self.pending == COMMENT { State::Comment } else { State::Cdata };
                self.started = true;
                self.pending.clear();
                characters.next();
                return Ok(characters.as_str());
            }
            if self.pending.starts_with('?') {
                if self.started {
                    return Err(wrong("processing instructions are not allowed"));
                }
                self.state = State::Declaration;
                characters.next();
                return Ok(characters.as_str());
            }
            if !COMMENT.starts_with(&self.pending) && !CDATA.starts_with(&self.pending) {
                if self.pending.starts_with('!') {
                    return Err(wrong("document type declarations are not allowed"));
                }
                // The tag has its first character already; what is looked at here is looked at again there.
                self.pending.clear();
                self.quote = None;
                self.started = true;
                self.state = State::Tag;
                return Ok(characters.as_str());
            }
            characters.next();
        }
        Ok("")
    }

    fn tag<'t>(
        &mut self,
        text: &'t str,
        take: &mut impl FnMut(Token<'_>) -> Result<(), Fault>,
    ) -> Result<&'t str, Fault> {
        let mut end = None;
        for (at, character) in text.char_indices() {
            match (self.quote, character) {
                (None, '>') => {
                    end = Some(at);
                    break;
                }
                (_, '<') => return Err(wrong("a tag has '<' in it")),
                (None, '"' | '\'') => self.quote = Some(character),
                (Some(quote), _) if quote == character => self.quote = None,
                _ => {}
            }
        }
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        if self.pending.len() + part.len() > API_XML_TAG_BYTES_MAX {
            return Err(Fault::too_large("tag-too-long", "a tag of the message is too long"));
        }
        self.pending.push_str(part);
        if end.is_none() {
            return Ok("");
        }
        self.state = State::Text;
        let pending = std::mem::take(&mut self.pending);
        if let Some(name) = pending.strip_prefix('/') {
            let name = name.trim_end_matches(is_blank);
            check_name(name)?;
            take(Token::End(name))?;
        } else {
            let (content, is_empty) = match pending.strip_suffix('/') {
                Some(content) => (content, true),
                None => (pending.as_str(), false),
            };
            self.start(content)?;
            take(Token::Start(&self.tag))?;
            if is_empty {
                take(Token::End(&self.tag.name))?;
            }
        }
        self.pending = pending;
        self.pending.clear();
        Ok(rest.get(1..).unwrap_or_default())
    }

    fn start(&mut self, content: &str) -> Result<(), Fault> {
        let name_length = content.find(is_blank).unwrap_or(content.len());
        let (name, _) = content.split_at(name_length);
        check_name(name)?;
        self.tag.name.clear();
        self.tag.name.push_str(name);
        self.tag.attributes.clear();
        for attribute in BytesStart::from_content(content, name_length).attributes() {
            let attribute = attribute.map_err(|_| wrong("a tag has an attribute that is malformed or there twice"))?;
            let name = attribute.key.as_ref();
            check_name(name)?;
            let value =
                unescape(&attribute.value).map_err(|_| wrong("an attribute has a reference that is not known"))?;
            if !value.chars().all(is_permitted) {
                return Err(wrong("an attribute has a character that XML forbids"));
            }
            self.tag.attributes.push((name.to_owned(), value.into_owned()));
        }
        Ok(())
    }

    fn reference<'t>(
        &mut self,
        text: &'t str,
        take: &mut impl FnMut(Token<'_>) -> Result<(), Fault>,
    ) -> Result<&'t str, Fault> {
        let end = text.find(';');
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        if self.pending.len() + part.len() > REFERENCE_BYTES_MAX {
            return Err(wrong("'&' is not followed by a reference that is known"));
        }
        self.pending.push_str(part);
        if end.is_none() {
            return Ok("");
        }
        let character = resolve(&self.pending).ok_or_else(|| wrong("a reference is not known"))?;
        self.pending.clear();
        self.state = State::Text;
        self.started = true;
        take(Token::Text(character.encode_utf8(&mut [0; 4])))?;
        Ok(rest.get(1..).unwrap_or_default())
    }

    /// Hands text on until two of these marks and `>`. What could be the beginning of that is held back.
    fn until<'t>(
        &mut self,
        mark: u8,
        text: &'t str,
        take: &mut impl FnMut(Token<'_>) -> Result<(), Fault>,
    ) -> Result<&'t str, Fault> {
        let mut run = self.held;
        let mut end = None;
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'>' if run >= 2 => {
                    end = Some(at);
                    break;
                }
                byte if byte == mark => run += 1,
                _ => run = 0,
            }
        }
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        let hold = run.min(2);
        // The marks that are held back now may have come with earlier text.
        let earlier = self.held.saturating_sub(hold.saturating_sub(part.len()));
        let marks = if mark == b'-' { "--" } else { "]]" };
        for piece in [marks.get(..earlier), part.get(..part.len().saturating_sub(hold))].into_iter().flatten() {
            if !piece.is_empty() && self.state == State::Cdata {
                take(Token::Text(piece))?;
            }
        }
        if end.is_none() {
            self.held = hold;
            return Ok("");
        }
        self.held = 0;
        self.state = State::Text;
        Ok(rest.get(1..).unwrap_or_default())
    }

    fn declaration<'t>(&mut self, text: &'t str) -> Result<&'t str, Fault> {
        let end = text.find('>');
        let (part, rest) = text.split_at(end.unwrap_or(text.len()));
        if self.pending.len() + part.len() > DECLARATION_BYTES_MAX {
            return Err(wrong("the XML declaration is too long"));
        }
        self.pending.push_str(part);
        if end.is_none() {
            return Ok("");
        }
        let inside = self.pending.strip_prefix("?xml").and_then(|inside| inside.strip_suffix('?'));
        let inside = inside.filter(|inside| inside.starts_with(is_blank));
        let inside = inside.ok_or_else(|| wrong("processing instructions are not allowed"))?;
        let declaration = BytesStart::from_content(inside, 0);
        for attribute in declaration.attributes() {
            let attribute = attribute.map_err(|_| wrong("the XML declaration is malformed"))?;
            let value = attribute.value.to_ascii_lowercase();
            let fits = match attribute.key.as_ref() {
                "version" => value == "1.0",
                "encoding" if self.is_wide => matches!(value.as_str(), "utf-16" | "utf-16le" | "utf-16be"),
                "encoding" => matches!(value.as_str(), "utf-8" | "utf8" | "us-ascii"),
                "standalone" => matches!(value.as_str(), "yes" | "no"),
                _ => false,
            };
            if !fits {
                return Err(wrong("the XML declaration says what the message is not"));
            }
        }
        self.pending.clear();
        self.started = true;
        self.state = State::Text;
        Ok(rest.get(1..).unwrap_or_default())
    }
}

const DECLARATION_BYTES_MAX: usize = 200;

pub(super) fn is_blank(character: char) -> bool {
    ATTRIBUTE_TEXT.contains(character)
}

/// The five entities of XML, and characters by their number.
fn resolve(reference: &str) -> Option<char> {
    let number = match reference {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => reference.strip_prefix('#')?,
    };
    let number = match number.strip_prefix('x') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok()?,
        None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok()?,
        _ => return None,
    };
    char::from_u32(number).filter(|character| is_permitted(*character))
}

fn check_name(name: &str) -> Result<(), Fault> {
    if name.len() > API_XML_NAME_BYTES_MAX {
        return Err(Fault::too_large("name-too-long", "a name in the message is too long"));
    }
    let is_start = |character: char| character.is_alphabetic() || character == '_' || character >= '\u{80}';
    let is_inner = |character: char| is_start(character) || character.is_ascii_digit() || ".-".contains(character);
    let is_part = |part: &str| part.starts_with(is_start) && part.chars().all(is_inner);
    let good = match name.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(name),
    };
    if good { Ok(()) } else { Err(wrong("a name in the message is not one of XML")) }
}

fn wrong(sentence: &str) -> Fault {
    Fault::malformed("xml", sentence)
}
