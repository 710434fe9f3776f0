//! The reader's part for characters: text, values of attributes, references, CDATA sections, comments and processing
//! instructions, with line ends as XML wants them.

use super::characters::{IN_TEXT, IN_VALUE, is_character, is_odd};
use super::{NodeKind, Reader, Span, Step};

impl Reader<'_> {
    /// The value of an attribute: line ends and tabs become blanks, references what they stand for.
    pub(super) fn value(&mut self) -> Step<Span> {
        let quote = self.quote()?;
        let start = self.at;
        self.plain(&IN_VALUE, quote)?;
        if self.byte(0) == Some(quote) {
            self.at += 1;
            return Ok(Span::of_text(start, self.at - 1));
        }
        let copy = self.rewritten.len();
        self.rewritten.push_str(self.slice(start, self.at));
        loop {
            match self.byte(0) {
                Some(byte) if byte == quote => break,
                Some(b'&') => self.reference()?,
                Some(b'\r') if self.byte(1) == Some(b'\n') => self.at += 1,
                Some(b'\t' | b'\n' | b'\r') => {
                    self.rewritten.push(' ');
                    self.at += 1;
                }
                Some(b'<') => return self.wrong("the value of an attribute has a < in it"),
                None => return self.wrong("the document ends inside of a tag"),
                Some(_) => {
                    let start = self.at;
                    self.plain(&IN_VALUE, quote)?;
                    self.rewritten.push_str(self.slice(start, self.at));
                }
            }
        }
        self.at += 1;
        Ok(Span::rewritten(copy, self.rewritten.len()))
    }

    /// Goes to the next byte that is `stop` or in the table, over characters of XML only.
    fn plain(&mut self, table: &[bool; 256], stop: u8) -> Step {
        loop {
            let length = self.rest().iter().position(|byte| table[usize::from(*byte)] || *byte == stop);
            self.at = length.map_or(self.bytes.len(), |length| self.at + length);
            if !self.byte(0).is_some_and(is_odd) {
                return Ok(());
            }
            let odd = self.slice(self.at, self.text.len()).chars().next();
            let odd_end = self.at + odd.map_or(1, char::len_utf8);
            let start = std::mem::replace(&mut self.at, odd_end);
            self.sound(start)?;
        }
    }

    /// Makes sure that all characters from `start` to here are characters of XML.
    fn sound(&mut self, start: usize) -> Step {
        let bytes = self.bytes.get(start..self.at).unwrap_or_default();
        if !bytes.iter().any(|byte| is_odd(*byte)) {
            return Ok(());
        }
        match self.slice(start, self.at).char_indices().find(|(_, character)| !is_character(*character)) {
            None => Ok(()),
            Some((offset, character)) => {
                self.at = start + offset;
                self.wrong(format!("the character U+{:04X} cannot be in XML", u32::from(character)))
            }
        }
    }

    /// Adds what `&…;` stands for to the rewritten text.
    fn reference(&mut self) -> Step {
        let rest = self.slice(self.at, self.text.len());
        let window = rest.get(1..rest.floor_char_boundary(REFERENCE_MAX)).unwrap_or_default();
        let Some((name, _)) = window.split_once(';') else {
            return self.wrong("an & is not the beginning of a reference");
        };
        let number = match (name.strip_prefix("#x"), name.strip_prefix('#')) {
            (Some(digits), _) => Some((digits, 16)),
            (None, Some(digits)) => Some((digits, 10)),
            (None, None) => None,
        };
        let character = match (number, name) {
            (Some((digits, radix)), _) => {
                let sound = !digits.is_empty() && digits.bytes().all(|digit| char::from(digit).is_digit(radix));
                let code = sound.then(|| u32::from_str_radix(digits, radix).ok()).flatten();
                match code.and_then(char::from_u32).filter(|character| is_character(*character)) {
                    Some(character) => character,
                    None => return self.wrong("a character reference stands for nothing that can be in XML"),
                }
            }
            (None, "lt") => '<',
            (None, "gt") => '>',
            (None, "amp") => '&',
            (None, "quot") => '"',
            (None, "apos") => '\'',
            _ => return self.wrong("an entity is used that is not declared"),
        };
        self.rewritten.push(character);
        self.at += name.len() + 2;
        Ok(())
    }

    /// All character data and CDATA sections up to the next markup, as one text node.
    pub(super) fn character_data(&mut self) -> Step {
        let start = self.at;
        let mut piece = self.run()?;
        let mut copied = None;
        loop {
            let cdata = match self.byte(0) {
                Some(b'&' | b'\r') => false,
                Some(b'<') if self.rest().starts_with(CDATA.as_bytes()) => true,
                _ => break,
            };
            // As long as there is one piece only, it can stay where it is.
            if cdata && copied.is_none() && piece.0 == piece.1 {
                self.at += CDATA.len();
                let from = self.at;
                let end = self.end_of_cdata()?;
                if !self.slice(from, end).contains('\r') {
                    piece = (from, end);
                    let run = self.run()?;
                    if run.0 < run.1 {
                        copied = Some(self.rewritten.len());
                        self.rewritten.push_str(self.slice(piece.0, piece.1));
                        self.rewritten.push_str(self.slice(run.0, run.1));
                    }
                    continue;
                }
                self.at = from - CDATA.len();
            }
            if copied.is_none() {
                copied = Some(self.rewritten.len());
                self.rewritten.push_str(self.slice(piece.0, piece.1));
            }
            match self.byte(0) {
                Some(b'&') => self.reference()?,
                Some(b'\r') => self.line_end(),
                _ => {
                    self.at += CDATA.len();
                    let from = self.at;
                    let end = self.end_of_cdata()?;
                    let text = self.slice(from, end);
                    push_lines(&mut self.rewritten, text);
                }
            }
            let run = self.run()?;
            self.rewritten.push_str(self.slice(run.0, run.1));
        }
        let span = match copied {
            Some(copy) => Span::rewritten(copy, self.rewritten.len()),
            None => Span::of_text(piece.0, piece.1),
        };
        if span.is_empty() {
            return Ok(());
        }
        let node = self.push_node(NodeKind::Text, 0, start)?;
        if copied.is_some() || piece != (start, self.at) {
            self.set_rewritten(node, span);
        }
        Ok(())
    }

    /// Plain characters, up to markup, a reference or a carriage return.
    fn run(&mut self) -> Step<(usize, usize)> {
        let start = self.at;
        loop {
            self.plain(&IN_TEXT, b'<')?;
            if self.byte(0) != Some(b']') {
                return Ok((start, self.at));
            }
            if self.rest().starts_with(b"]]>") {
                return self.wrong("]]> cannot be in text");
            }
            self.at += 1;
        }
    }

    fn line_end(&mut self) {
        self.rewritten.push('\n');
        self.at += if self.byte(1) == Some(b'\n') { 2 } else { 1 };
    }

    /// Goes behind the end of a CDATA section and says where its content ends.
    fn end_of_cdata(&mut self) -> Step<usize> {
        let start = self.at;
        let Some(length) = self.slice(start, self.text.len()).find("]]>") else {
            return self.wrong("a CDATA section has no end");
        };
        self.at = start + length;
        self.sound(start)?;
        self.at += 3;
        Ok(start + length)
    }

    pub(super) fn comment_or_worse(&mut self) -> Step {
        let start = self.at;
        if self.rest().starts_with(b"<!DOCTYPE") {
            return self.error("xml-doctype", "the document has a document type declaration, which is not accepted");
        }
        if !self.skip("<!--") {
            return self.wrong("a tag is not sound");
        }
        let inside = self.at;
        let Some(length) = self.slice(inside, self.text.len()).find("--") else {
            return self.wrong("a comment has no end");
        };
        self.at = inside + length;
        self.sound(inside)?;
        if !self.skip("-->") {
            return self.wrong("-- cannot be in a comment");
        }
        let node = self.push_node(NodeKind::Comment, 0, start)?;
        self.without_carriage_returns(node, inside, inside + length);
        Ok(())
    }

    pub(super) fn instruction(&mut self) -> Step {
        let start = self.at;
        self.at += 2;
        let target = self.name()?;
        if target.eq_ignore_ascii_case("xml") {
            self.at = start;
            return self.wrong("the XML declaration is not at the beginning of the document");
        }
        if target.contains(':') {
            self.at = start;
            return self.error("xml-namespace", "the target of a processing instruction has a colon");
        }
        let blank = self.blanks();
        let inside = self.at;
        let Some(length) = self.slice(inside, self.text.len()).find("?>") else {
            return self.wrong("a processing instruction has no end");
        };
        if length > 0 && !blank {
            return self.wrong("the target of a processing instruction is not sound");
        }
        self.at = inside + length;
        self.sound(inside)?;
        self.at += 2;
        let node = self.push_node(NodeKind::Instruction, 0, start)?;
        self.without_carriage_returns(node, inside, inside + length);
        Ok(())
    }

    fn without_carriage_returns(&mut self, node: u32, start: usize, end: usize) {
        let text = self.slice(start, end);
        if text.contains('\r') {
            let copy = self.rewritten.len();
            push_lines(&mut self.rewritten, text);
            self.set_rewritten(node, Span::rewritten(copy, self.rewritten.len()));
        }
    }
}

const CDATA: &str = "<![CDATA[";

/// A reference is not longer than this; leading zeros are read up to here.
const REFERENCE_MAX: usize = 64;

/// Adds text with every line end as one line feed.
fn push_lines(rewritten: &mut String, text: &str) {
    for (index, piece) in text.split('\r').enumerate() {
        let piece = if index > 0 {
            rewritten.push('\n');
            piece.strip_prefix('\n').unwrap_or(piece)
        } else {
            piece
        };
        rewritten.push_str(piece);
    }
}
