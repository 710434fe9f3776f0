//! base64 while it comes: blanks are passed over, whatever else is not base64 is a fault, and so is a wrong end.

use crate::fault::Fault;
use crate::read::scan;
use base64_simd::{Out, STANDARD};

/// Decodes text piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Base64 {
    /// Characters of a group that is not complete, or of a piece that has blanks in it.
    pending: Vec<u8>,
    /// Padding has come: nothing may follow.
    ended: bool,
    decoded: Vec<u8>,
}

const GROUP: usize = 4;
const PIECE_BYTES: usize = 64 * 1024;

impl Base64 {
    /// The bytes of as many whole groups as have come.
    pub(crate) fn push<E: From<Fault>>(
        &mut self,
        text: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for piece in text.chunks(PIECE_BYTES) {
            match scan::position(piece, may_be_blank) {
                None => self.solid(piece, take)?,
                Some(_) => self.with_blanks(piece, take)?,
            }
        }
        Ok(())
    }

    /// Text without blanks, which is decoded where it lies but for the groups that pieces cut.
    fn solid<E: From<Fault>>(&mut self, piece: &[u8], take: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let missing = (GROUP - self.pending.len()) % GROUP;
        let (first, piece) = piece.split_at_checked(missing).unwrap_or((piece, &[]));
        self.pending.extend_from_slice(first);
        if self.pending.len() == GROUP {
            let group = std::mem::take(&mut self.pending);
            self.decode(&group, take)?;
        }
        let (groups, rest) = piece.split_at_checked(piece.len() / GROUP * GROUP).unwrap_or((piece, &[]));
        self.decode(groups, take)?;
        self.begun(rest)?;
        Ok(())
    }

    fn with_blanks<E: From<Fault>>(
        &mut self,
        mut piece: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut text = std::mem::take(&mut self.pending);
        while let Some(end) = scan::position(piece, may_be_blank) {
            let (run, rest) = piece.split_at_checked(end).unwrap_or((piece, &[]));
            text.extend_from_slice(run);
            let (other, rest) = rest.split_at_checked(1).unwrap_or((rest, &[]));
            text.extend(other.iter().filter(|byte| !is_blank(**byte)));
            piece = rest;
        }
        text.extend_from_slice(piece);
        let (groups, rest) = text.split_at_checked(text.len() / GROUP * GROUP).unwrap_or((&text, &[]));
        self.decode(groups, take)?;
        self.begun(rest)?;
        Ok(())
    }

    fn decode<E: From<Fault>>(
        &mut self,
        groups: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if groups.is_empty() {
            return Ok(());
        }
        if self.ended {
            return Err(wrong().into());
        }
        let bytes = groups.len() / GROUP * 3;
        if self.decoded.len() < bytes {
            self.decoded.resize(bytes, 0);
        }
        // Padding anywhere but at the end is refused here.
        let decoded = STANDARD.decode(groups, Out::from_slice(&mut self.decoded)).map_err(|_| wrong())?;
        self.ended = groups.ends_with(b"=");
        take(decoded)
    }

    /// Keeps the beginning of a group.
    fn begun(&mut self, rest: &[u8]) -> Result<(), Fault> {
        if self.ended && !rest.is_empty() {
            return Err(wrong());
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Whether it may end here.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        if self.pending.is_empty() { Ok(()) } else { Err(wrong()) }
    }
}

/// One comparison, so that many are made at a time. Nothing below a blank is base64.
fn may_be_blank(byte: u8) -> bool {
    byte <= b' '
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn wrong() -> Fault {
    Fault::malformed("base64", "what should be base64 is not")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(text: &str, step: usize) -> Result<Vec<u8>, Fault> {
        let mut base64 = Base64::default();
        let mut all = Vec::new();
        for chunk in text.as_bytes().chunks(step) {
            base64.push::<Fault>(chunk, &mut |bytes| {
                all.extend_from_slice(bytes);
                Ok(())
            })?;
        }
        base64.finish()?;
        Ok(all)
    }

    #[test]
    fn base64_is_the_same_however_it_is_cut() {
        let check = |text: &str, expected: Option<&[u8]>| {
            for step in 1..10 {
                assert_eq!(decode(text, step).ok().as_deref(), expected, "{text} in steps of {step}");
            }
        };
        check("", Some(b""));
        check("QUJD", Some(b"ABC"));
        check(" Q U\r\nJD\tQQ = = ", Some(b"ABCA"));
        check("QUI=\n", Some(b"AB"));
        for bad in ["QUJ", "QQ==QUJD", "QQ=", "Q===", "QU!D", "QQ==Q", "QUJD=", "ÄÖ", "QR==", "QU\x0bJD", "QUJ\0"] {
            check(bad, None);
        }
    }
}
