//! The content of an envelope being decrypted, a piece at a time. What comes out is worth nothing before
//! [`Opening::finish`] has said so: it may have been changed on the way.

use super::ber::Pieces;
use super::cipher::Parameters;
use super::not_decrypted;
use crate::prepare::FormatError;
use crate::source::Source;
use model::Secret;
use openssl::symm::{Crypter, Mode};
use std::ops::Range;

/// How much is decrypted at a time.
const CHUNK_BYTES: usize = 128 * 1024;

/// An envelope being decrypted.
pub struct Opening<'s> {
    pieces: Pieces<'s>,
    source: &'s dyn Source,
    piece: Range<u64>,
    crypter: Crypter,
    buffer: Vec<u8>,
    plain: Vec<u8>,
    length: u64,
    authenticated: bool,
}

/// Proof that everything that an [`Opening`] gave out is what the sender encrypted: its tag was right. Without
/// authentication (CBC) it only says that the padding was.
#[derive(Debug)]
pub struct Opened {
    /// Length of the content in bytes.
    pub length: u64,
    /// Whether a tag was checked: nobody without the key has changed the content.
    pub authenticated: bool,
}

impl<'s> Opening<'s> {
    pub(super) fn new(
        pieces: Pieces<'s>,
        source: &'s dyn Source,
        parameters: &Parameters,
        key: &Secret,
        authenticated: &[u8],
        tag: &[u8],
    ) -> Result<Self, FormatError> {
        if tag.len() != parameters.tag_bytes {
            return Err(not_decrypted());
        }
        let cipher = parameters.cipher;
        let mut crypter = cipher.start(Mode::Decrypt, key, &parameters.iv).map_err(|_| not_decrypted())?;
        if cipher.is_authenticated() {
            crypter.set_tag(tag).map_err(|_| not_decrypted())?;
            if !authenticated.is_empty() {
                crypter.aad_update(authenticated).map_err(|_| not_decrypted())?;
            }
        }
        let plain = vec![0; CHUNK_BYTES + cipher.block_bytes()];
        Ok(Self {
            pieces,
            source,
            piece: 0..0,
            crypter,
            buffer: vec![0; CHUNK_BYTES],
            plain,
            length: 0,
            authenticated: cipher.is_authenticated(),
        })
    }

    /// The next piece of the content; `None` behind the last. Not to be shown to anybody yet. May be empty.
    pub fn piece(&mut self) -> Result<Option<&[u8]>, FormatError> {
        let mut filled = 0;
        while filled < self.buffer.len() {
            if self.piece.is_empty() {
                match self.pieces.next()? {
                    Some(piece) => self.piece = piece,
                    None => break,
                }
                continue;
            }
            let left = usize::try_from(self.piece.end - self.piece.start).unwrap_or(usize::MAX);
            let wanted = left.min(self.buffer.len() - filled);
            self.source.read_exact_at(self.piece.start, &mut self.buffer[filled..filled + wanted])?;
            self.piece.start += wanted as u64;
            filled += wanted;
        }
        if filled == 0 {
            return Ok(None);
        }
        let written = self.crypter.update(&self.buffer[..filled], &mut self.plain).map_err(|_| not_decrypted())?;
        self.length += written as u64;
        Ok(self.plain.get(..written))
    }

    /// The last piece, and the proof for all of them. An error means that nothing of them may be used.
    pub fn finish(mut self) -> Result<(Vec<u8>, Opened), FormatError> {
        if self.piece()?.is_some() {
            return Err(not_decrypted()); // the caller stopped early
        }
        let written = self.crypter.finalize(&mut self.plain).map_err(|_| not_decrypted())?;
        self.plain.truncate(written);
        let opened = Opened { length: self.length + written as u64, authenticated: self.authenticated };
        Ok((self.plain, opened))
    }
}
