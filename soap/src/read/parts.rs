//! A message with attachments (RFC 2387, RFC 2046 section 5.1), taken apart while it comes.
//!
//! Holds the header of one part at a time and as many bytes as a delimiter has; never a part.

use crate::fault::Fault;
use crate::read::media::{Media, content_id};
use crate::read::scan;
use model::limits::API_PART_HEADER_BYTES_MAX;

/// What a part says of itself.
#[derive(Debug, Default)]
pub(super) struct PartHead {
    /// Its name, if it has one.
    pub(super) id: Option<String>,
    pub(super) media: Option<Media>,
    pub(super) is_base64: bool,
}

/// What a message with attachments consists of.
#[derive(Debug)]
pub(super) enum Part<'p> {
    Begin(PartHead),
    Bytes(&'p [u8]),
    End,
}

/// Takes bytes piece by piece and hands on the parts.
#[derive(Debug)]
pub(super) struct Parts {
    /// CR LF, two hyphens, the boundary.
    delimiter: Vec<u8>,
    /// Bytes that were not handed on: what is not complete.
    left: Vec<u8>,
    state: State,
    /// Bytes before the first delimiter.
    preamble: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Preamble,
    /// Behind a delimiter: two hyphens, or blanks and the end of the line.
    Delimited,
    Header,
    /// At the line end that a header's last one may share with a delimiter: a part without bytes.
    Blank,
    Body,
    /// Behind the last delimiter nothing counts.
    Epilogue,
}

const BOUNDARY_BYTES_MAX: usize = 70;
const PREAMBLE_BYTES_MAX: usize = 4 * 1024;
const LINE_END: &[u8; 2] = b"\r\n";

impl Parts {
    pub(super) fn new(boundary: &str) -> Result<Self, Fault> {
        if boundary.is_empty()
            || boundary.len() > BOUNDARY_BYTES_MAX
            || boundary.bytes().any(|b| !(0x20..0x7F).contains(&b))
        {
            return Err(wrong("the boundary of the attachments is missing or malformed"));
        }
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        // The first delimiter needs no line before it.
        Ok(Self { delimiter, left: LINE_END.to_vec(), state: State::Preamble, preamble: 0 })
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Part<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.state == State::Epilogue {
            return Ok(());
        }
        if self.left.is_empty() {
            // Usual within a document: the bytes are handed on where they lie.
            let used = self.take(bytes, take)?;
            self.left.extend_from_slice(bytes.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut joined = std::mem::take(&mut self.left);
        joined.extend_from_slice(bytes);
        let used = self.take(&joined, take)?;
        joined.drain(..used.min(joined.len()));
        self.left = joined;
        Ok(())
    }

    /// Takes what is complete, and says how many bytes that are.
    fn take(&mut self, bytes: &[u8], take: &mut impl FnMut(Part<'_>) -> Result<(), Fault>) -> Result<usize, Fault> {
        let mut at = 0;
        loop {
            match self.step(bytes.get(at..).unwrap_or_default(), take)? {
                Step::On(count) => at += count,
                Step::More(count) => return Ok(at + count),
                Step::End => return Ok(bytes.len()),
            }
        }
    }

    fn step(&mut self, rest: &[u8], take: &mut impl FnMut(Part<'_>) -> Result<(), Fault>) -> Result<Step, Fault> {
        match self.state {
            State::Preamble | State::Body => {
                let found = find(rest, &self.delimiter);
                let plain = match found {
                    Found::At(position) | Found::Perhaps(position) => rest.get(..position).unwrap_or_default(),
                };
                if self.state == State::Body && !plain.is_empty() {
                    take(Part::Bytes(plain))?;
                }
                match found {
                    Found::At(position) => {
                        if self.state == State::Body {
                            take(Part::End)?;
                        }
                        self.state = State::Delimited;
                        Ok(Step::On(position + self.delimiter.len()))
                    }
                    Found::Perhaps(position) => {
                        if self.state == State::Preamble {
                            self.preamble += position;
                            if self.preamble > PREAMBLE_BYTES_MAX {
                                return Err(wrong("the attachments do not begin with their boundary"));
                            }
                        }
                        Ok(Step::More(position))
                    }
                }
            }
            State::Delimited => {
                if rest.starts_with(b"--") {
                    self.state = State::Epilogue;
                    return Ok(Step::End);
                }
                let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                let after = rest.get(blanks..).unwrap_or_default();
                if after.starts_with(LINE_END) {
                    self.state = State::Header;
                    // The line end stays: a header without lines ends at once.
                    return Ok(Step::On(blanks));
                }
                let may_follow = after.len() < 2 && (LINE_END.starts_with(after) || (blanks == 0 && after == b"-"));
                if !may_follow || blanks > BOUNDARY_BYTES_MAX {
                    return Err(wrong("a boundary of the attachments is followed by something else"));
                }
                Ok(Step::More(0))
            }
            State::Header => {
                const END: &[u8] = b"\r\n\r\n";
                let end = match find(rest, END) {
                    Found::At(end) => end,
                    Found::Perhaps(_) if rest.len() > API_PART_HEADER_BYTES_MAX => return Err(too_long()),
                    Found::Perhaps(_) => return Ok(Step::More(0)),
                };
                if end > API_PART_HEADER_BYTES_MAX {
                    return Err(too_long());
                }
                let head = head(rest.get(..end).unwrap_or_default())?;
                take(Part::Begin(head))?;
                self.state = State::Blank;
                Ok(Step::On(end + LINE_END.len()))
            }
            State::Blank => {
                if rest.len() < self.delimiter.len() && self.delimiter.starts_with(rest) {
                    return Ok(Step::More(0));
                }
                self.state = State::Body;
                let is_empty = rest.starts_with(&self.delimiter);
                Ok(Step::On(if is_empty { 0 } else { LINE_END.len() }))
            }
            State::Epilogue => Ok(Step::End),
        }
    }

    /// Whether the message may end here.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        if self.state == State::Epilogue { Ok(()) } else { Err(wrong("the message ends before its attachments do")) }
    }
}

/// How far a step has come.
enum Step {
    /// So many bytes were used; there is more to do.
    On(usize),
    /// So many bytes were used; what is behind them needs more.
    More(usize),
    /// Nothing that comes counts.
    End,
}

enum Found {
    At(usize),
    /// Not there, unless what begins here turns out to be it.
    Perhaps(usize),
}

/// `wanted` begins with the end of a line.
fn find(bytes: &[u8], wanted: &[u8]) -> Found {
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let Some(at) = scan::pair(rest, *LINE_END) else { return Found::Perhaps(bytes.len()) };
        let candidate = rest.get(at..).unwrap_or_default();
        if candidate.starts_with(wanted) {
            return Found::At(from + at);
        }
        if candidate.len() < wanted.len() && wanted.starts_with(candidate) {
            return Found::Perhaps(from + at);
        }
        from += at + 1;
    }
    Found::Perhaps(bytes.len())
}

fn head(bytes: &[u8]) -> Result<PartHead, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("the header of an attachment is not text"))?;
    // A line that begins with a blank goes on with the one before.
    let text = text.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut head = PartHead::default();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("the header of an attachment is malformed"))?;
        match name.trim().to_ascii_lowercase().as_str() {
            "content-id" => {
                let earlier = head.id.replace(content_id(value));
                if earlier.is_some() {
                    return Err(wrong("an attachment has two names"));
                }
            }
            "content-type" => {
                let media =
                    Media::parse(value).ok_or_else(|| wrong("the content type of an attachment is malformed"))?;
                head.media = Some(media);
            }
            "content-transfer-encoding" => match value.trim().to_ascii_lowercase().as_str() {
                "7bit" | "8bit" | "binary" => {}
                "base64" => head.is_base64 = true,
                _ => return Err(wrong("an attachment has a transfer encoding that is not supported")),
            },
            _ => {}
        }
    }
    Ok(head)
}

fn too_long() -> Fault {
    Fault::too_large("part-header-too-long", "the header of an attachment is too long")
}

fn wrong(sentence: &str) -> Fault {
    Fault::malformed("attachments", sentence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Names and bytes.
    type Split = Vec<(Option<String>, Vec<u8>)>;

    fn split(message: &[u8], step: usize) -> Result<Split, Fault> {
        let mut parts = Parts::new("B")?;
        let mut found = Split::new();
        for chunk in message.chunks(step) {
            parts.push(chunk, &mut |part| {
                match part {
                    Part::Begin(head) => found.push((head.id, Vec::new())),
                    Part::Bytes(bytes) => found.last_mut().unwrap().1.extend_from_slice(bytes),
                    Part::End => {}
                }
                Ok(())
            })?;
        }
        parts.finish()?;
        Ok(found)
    }

    fn check(message: &str, expected: Option<&[(Option<&str>, &str)]>) {
        let expected = expected.map(|parts| {
            parts.iter().map(|(id, bytes)| (id.map(str::to_owned), bytes.as_bytes().to_vec())).collect::<Vec<_>>()
        });
        for step in (1..20).chain([1_000]) {
            assert_eq!(split(message.as_bytes(), step).ok(), expected, "{message:?} in steps of {step}");
        }
    }

    #[test]
    fn parts_are_the_same_however_the_bytes_are_cut() {
        check("--B\r\nContent-ID: <a>\r\n\r\nabc\r\n--B--\r\n", Some(&[(Some("a"), "abc")]));
        check("\r\n--B \r\n\r\nabc\r\n--B\r\n\r\n\r\n--B--", Some(&[(None, "abc"), (None, "")]));
        check("pre\r\n--B\r\nX: y\r\n z\r\n\r\n\r\r\n-\r\n--A\r\n--B--post", Some(&[(None, "\r\r\n-\r\n--A")]));
        check("--B\r\n\r\n--B--", Some(&[(None, "")]));
        check("--B\r\nContent-ID: a\r\n\r\nabc", None);
        check("--B\r\nContent-ID: a\r\n\r\nabc\r\n--B", None);
        check("--B\r\nContent-ID: a\r\n\r\nabc\r\n--BB\r\n\r\n", None);
        check("--B\r\nnonsense\r\n\r\nabc\r\n--B--", None);
        check("--B\r\nContent-ID: a\r\nContent-ID: b\r\n\r\nabc\r\n--B--", None);
        check("--B\r\nContent-Transfer-Encoding: x-uue\r\n\r\nabc\r\n--B--", None);
    }

    #[test]
    fn headers_and_preambles_have_bounds() {
        let long = "x".repeat(API_PART_HEADER_BYTES_MAX + 1);
        check(&format!("--B\r\nX: {long}\r\n\r\nabc\r\n--B--"), None);
        check(&format!("{long}\r\n--B\r\n\r\nabc\r\n--B--"), None);
        assert!(Parts::new("").is_err() && Parts::new(&long).is_err());
    }
}
