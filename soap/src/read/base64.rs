//! base64 while it comes: blanks are passed over, whatever else is not base64 is a fault, and so is a wrong end.

use crate::fault::Fault;
use base64_simd::STANDARD;

/// Decodes text piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Base64 {
    /// Characters that are not decoded yet.
    pending: Vec<u8>,
    /// Padding has come: nothing may follow.
    ended: bool,
    decoded: Vec<u8>,
}

const GROUP: usize = 4;
const PENDING_BYTES: usize = 64 * 1024;

impl Base64 {
    /// The bytes of as many whole groups as have come.
    pub(crate) fn push<E: From<Fault>>(
        &mut self,
        text: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for piece in text.chunks(PENDING_BYTES) {
            let blanks = piece.iter().any(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
            if self.ended && piece.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
                return Err(wrong().into());
            }
            if blanks {
                self.pending.extend(piece.iter().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')));
            } else {
                self.pending.extend_from_slice(piece);
            }
            let whole = self.pending.len() / GROUP * GROUP;
            self.decode(whole, take)?;
        }
        Ok(())
    }

    fn decode<E: From<Fault>>(&mut self, whole: usize, take: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let Some((groups, rest)) = self.pending.split_at_checked(whole) else { return Ok(()) };
        if groups.is_empty() {
            return Ok(());
        }
        self.ended = groups.contains(&b'=');
        if self.ended && !rest.is_empty() {
            return Err(wrong().into());
        }
        self.decoded.resize(whole / GROUP * 3, 0);
        let decoded = STANDARD.decode(groups, base64_simd::Out::from_slice(&mut self.decoded)).map_err(|_| wrong())?;
        take(decoded)?;
        self.pending.drain(..whole);
        Ok(())
    }

    /// Whether it may end here.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        if self.pending.is_empty() { Ok(()) } else { Err(wrong()) }
    }
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
        for bad in ["QUJ", "QQ==QUJD", "QQ=", "Q===", "QU!D", "QQ==Q", "QUJD=", "ÄÖ", "QR=="] {
            check(bad, None);
        }
    }
}
